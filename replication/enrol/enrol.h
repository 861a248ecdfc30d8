/* enrol.h - how a machine gets its key from nobody: it makes the secret itself, proves by a code
 * that a person has let it in, and says its public keys; the site answers with the machine's name,
 * its own identity, and the roster in which the machine now is. Pure: bytes in, bytes out; time and
 * chance come in.
 *
 *   machine                                  site (the administrator's, with the authority's key)
 *   BEGIN   which code, session, share  -->
 *                                       <--  SHARE    share, or REFUSED
 *   KEYS    sealed: its public keys     -->  wrong: REFUSED, and the code has a try less
 *                                       <--  WELCOME  sealed: site, authority, name, roster's size
 *                                       <--  ROSTER   ... as it is: the authority has signed it
 *   STORED  sealed: nothing             -->  it has all that on its disk
 *
 * The code is the short secret of a CPace run (cpace.h): nobody in between learns it or can try it
 * out afterwards, and who pretends to be either end has one guess a run. The machine's guess shows
 * at KEYS; the site counts the wrong ones of each code, and voids it. Whoever pretends to be the
 * site sees KEYS sealed under another key, and cannot answer: the machine tells its person so. What
 * is sealed is bound to all that was said before it.
 *
 * A code is for one machine, once, and for a while. A machine whose connection broke behind KEYS
 * may come again with the same keys, because it cannot know whether it was let in: for other keys
 * the code is used up.
 *
 * Errors end the conversation. A `struct enrol_site` and a `struct enrol_machine` hold secrets. */
#ifndef EXAM_ENROL_H
#define EXAM_ENROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpace.h"
#include "enrol_code.h"
#include "key_roster.h"

enum {
    ENROL_VERSION = 1,
    ENROL_TRIES = 5,
    ENROL_CODES_MAX = 512, /* at once */
    ENROL_PART_BYTES_MAX = 32 * 1024,
    ENROL_SEAL_KEY_BYTES = 32,
    ENROL_CHANCE_BYTES = CPACE_CHANCE_BYTES + CPACE_SESSION_BYTES,
    ENROL_REQUEST_BYTES_MAX = 128,                      /* what the site is sent in a frame */
    ENROL_REPLY_BYTES_MAX = ENROL_PART_BYTES_MAX + 128, /* and a machine */
    ENROL_MESSAGE_BYTES_MAX = 256,                      /* all but a part of the roster */
};

/* A key for each direction. */
struct enrol_seal {
    uint8_t of_machine[ENROL_SEAL_KEY_BYTES], of_site[ENROL_SEAL_KEY_BYTES];
    uint64_t machine_n, site_n; /* sealed so far */
};

/* ---------------------------------------------------------------- the site */

enum enrol_state {
    ENROL_OPEN,
    ENROL_USED,   /* its machine was let in */
    ENROL_STORED, /* and has said that it has its key */
    ENROL_VOID,   /* too many wrong tries */
};

struct enrol_entry {
    char name[KEY_NAME_BYTES];
    struct enrol_code code;
    uint64_t until_ms; /* by the caller's clock */
    uint32_t wrong;
    enum enrol_state state;
    uint8_t public[KEY_BYTES], sign_public[KEY_BYTES]; /* of the machine that used it */
};

/* The codes of one process; gone with it. The caller's memory. */
struct enrol_book {
    struct enrol_entry entries[ENROL_CODES_MAX];
    size_t n;
};

/* A new code for the machine of that name. EXAM_FULL. */
EXAM_MUST_USE exam_err enrol_book_add(struct enrol_book *b, const char *name, uint64_t until_ms,
                                      const uint8_t chance[ENROL_SECRET_BYTES + 2],
                                      const struct enrol_entry **out);
void enrol_book_wipe(struct enrol_book *b);
/* Codes that may still come to something. */
size_t enrol_book_open(const struct enrol_book *b, uint64_t now_ms);

enum enrol_step {
    ENROL_HEARS,   /* nothing but the next message */
    ENROL_LETS_IN, /* the entry's keys are to be put into the roster, then enrol_site_welcome */
    ENROL_DONE,    /* its machine has everything: hang up */
};

/* One connection. Zeroed; `book` lives longer. */
struct enrol_site {
    struct enrol_book *book;
    struct enrol_entry *entry; /* of the code that was named; NULL: none yet */
    enum { SITE_BEGINS, SITE_SHARED, SITE_LETS_IN, SITE_WELCOMED } stage;
    struct enrol_seal seal;
};

/* Takes a message of the machine, and writes what to answer to reply[0..*reply_bytes), a payload of
 * ENROL_MESSAGE_BYTES_MAX at most; 0: nothing. On an error *reply may have a refusal: send it, then
 * hang up. EXAM_AUTH: a wrong code; EXAM_NOT_FOUND: none of that number, or one that is used, void
 * or over its time (the machine hears EXAM_AUTH for all of these); EXAM_MALFORMED, EXAM_VERSION. */
EXAM_MUST_USE exam_err enrol_site_take(struct enrol_site *s, uint64_t now_ms,
                                       const uint8_t chance[CPACE_CHANCE_BYTES],
                                       const uint8_t *message, size_t n,
                                       uint8_t reply[ENROL_MESSAGE_BYTES_MAX], size_t *reply_bytes,
                                       enum enrol_step *step);
/* The machine is in that roster, whose text has so many bytes. */
void enrol_site_welcome(struct enrol_site *s, const struct key_file *authority,
                        uint32_t roster_bytes, uint8_t reply[ENROL_MESSAGE_BYTES_MAX],
                        size_t *reply_bytes);
/* The next part of the roster, from *at on, which goes up; a payload of ENROL_REPLY_BYTES_MAX. */
void enrol_site_roster(const char *roster, size_t roster_bytes, size_t *at,
                       uint8_t reply[ENROL_REPLY_BYTES_MAX], size_t *reply_bytes);
/* It cannot be let in after all. */
void enrol_site_refuse(exam_err why, uint8_t reply[ENROL_MESSAGE_BYTES_MAX], size_t *reply_bytes);
void enrol_site_wipe(struct enrol_site *s);

/* ---------------------------------------------------------------- the machine */

struct enrol_machine {
    struct enrol_code code;
    struct cpace cpace;
    enum { MACHINE_BEGUN, MACHINE_SAID_KEYS, MACHINE_WELCOMED } stage;
    struct enrol_seal seal;
    struct cpace_said said;
    struct key_file own; /* of the seed that it was given; named when it is welcomed */
    uint32_t roster_bytes, roster_have;
};

/* `seed`: the secret that becomes the machine's key. Writes BEGIN. */
void enrol_machine_begin(struct enrol_machine *m, const struct enrol_code *code,
                         const uint8_t seed[KEY_BYTES], const uint8_t chance[ENROL_CHANCE_BYTES],
                         uint8_t message[ENROL_MESSAGE_BYTES_MAX], size_t *bytes);

/* Takes a message of the site. *bytes > 0: a message to be sent. Of a part of the roster *part is
 * where it lies in `reply`. *step ENROL_LETS_IN: m->own has its name now, the roster follows;
 * ENROL_DONE: all of it has come: check it, store both, then enrol_machine_stored.
 * EXAM_AUTH: the site says that the code is wrong, used or void, or what answers is not the site;
 * EXAM_VERSION, EXAM_MALFORMED, and what else the site refused for. */
EXAM_MUST_USE exam_err enrol_machine_take(struct enrol_machine *m, const uint8_t *reply, size_t n,
                                          uint8_t message[ENROL_MESSAGE_BYTES_MAX], size_t *bytes,
                                          const uint8_t **part, size_t *part_bytes,
                                          enum enrol_step *step);
void enrol_machine_stored(struct enrol_machine *m, uint8_t message[ENROL_MESSAGE_BYTES_MAX],
                          size_t *bytes);
void enrol_machine_wipe(struct enrol_machine *m);

#endif
