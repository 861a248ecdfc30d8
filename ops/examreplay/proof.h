/* proof.h - what `verify` proves of one folder, as data. Shell over a log_reader. */
#ifndef EXAMREPLAY_PROOF_H
#define EXAMREPLAY_PROOF_H

#include <jansson.h>
#include <stdio.h>

#include "branch_check.h"
#include "evidence.h"
#include "log_reader.h"
#include "roles.h"
#include "tables.h"

/* Whoever looks on while the log is read from its first record to its end. */
struct proof_watch {
    void *ctx;
    void (*begin)(void *ctx, struct replay *p); /* at no record yet */
    void (*seen)(void *ctx, const struct replay *p, const struct replay_record *at);
    void (*end)(void *ctx);
};

struct proof {
    struct log_reader reader;
    struct roles roles;
    struct tables tables;
    struct branch *branches;
    size_t branches_n;
    struct evidence evidence;
    const struct evidence_given *given; /* NULL: nothing was brought along */
    const struct proof_watch *watch;    /* NULL: nobody looks on */
    exam_err err;                       /* why not the whole log was read; EXAM_OK: it was */
    uint8_t digest[HASH_BYTES];
};

/* Reads the whole folder. EXIT_CODE_DONE: what was found is in `p`, right or wrong; otherwise it
 * could not be opened, which is said on stderr, and there is nothing to free. */
enum exit_code proof_make(struct proof *p, const char *folder, const struct options *o);
/* The same of an open store, as log_reader_take. */
void proof_make_of(struct proof *p, const char *folder, store *s, const struct options *o);
void proof_free(struct proof *p);

bool proof_holds(const struct proof *p);
/* One line, then the details. */
void proof_print_verdict(const struct proof *p, FILE *to);
void proof_print_details(const struct proof *p, FILE *to);
/* The caller's. */
json_t *proof_json(const struct proof *p);

#endif
