/* password.h - a person's password, asked for at the terminal without showing it, or read from a
 * file for scripts.
 * Shell: blocks until there is one. Not thread-safe. Errors are told on stderr. Whoever has got a
 * password wipes it. */
#ifndef EXAMCTL_PASSWORD_H
#define EXAMCTL_PASSWORD_H

#include "key_file.h"

enum { PASSWORD_CHARS_MIN = 8 };

struct password_source {
    const char *file; /* its first line; /dev/fd/3 for a descriptor. NULL: a person at a terminal */
    const char *option; /* that would have named one; NULL: there is none */
};

struct password {
    char text[KEY_PASSWORD_BYTES];
};

/* EXAM_REFUSED: nobody is there to be asked, they gave up, or others may read the file; EXAM_IO;
 * EXAM_TOO_BIG; EXAM_INVALID: it is empty, or no text. */
EXAM_MUST_USE exam_err password_ask(const struct password_source *from, const char *prompt,
                                    struct password *out);
/* A new one: at a terminal it is asked for twice. EXAM_INVALID: shorter than PASSWORD_CHARS_MIN, or
 * not the same again. */
EXAM_MUST_USE exam_err password_choose(const struct password_source *from, const char *prompt,
                                       struct password *out);
void password_wipe(struct password *p);

/* key_password.ask with a struct password_source as its ctx. */
EXAM_MUST_USE exam_err password_of_key(void *ctx, enum key_kind kind, const char *name,
                                       char out[KEY_PASSWORD_BYTES]);

#endif
