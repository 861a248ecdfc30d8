/* reviewer_key.h - the site's data key, as a reviewer brings it who may see what is sealed (P3).
 * Shell: reads files, asks for a password at the terminal. sodium_init has been called. Errors are
 * told on stderr. The key is in a vault (vault.h): in locked memory, and wiped with it. */
#ifndef EXAMREPLAY_REVIEWER_KEY_H
#define EXAMREPLAY_REVIEWER_KEY_H

#include "command.h"

struct reviewer_key {
    struct vault *vault; /* open; NULL: none was brought */
    uint8_t site_id[SITE_ID_BYTES];
};

/* `path` NULL: there is none, and sealed fields are shown as such. `password_file` NULL: a
 * password, if it needs one, is asked for at the terminal. */
enum exit_code reviewer_key_open(const char *path, const char *password_file,
                                 struct reviewer_key *out);
void reviewer_key_close(struct reviewer_key *k);

/* A candidate's name, for people; in brackets why it is not shown. */
const char *reviewer_name(const struct vault *v, const struct exam_sitting_view *s,
                          char buffer[PERSON_BYTES_MAX + 1]);
/* On stderr, when names were not shown: what shows them, or that the key that was brought does not.
 */
void reviewer_hint(const struct options *o, const exam *x);

#endif
