/* evidence.h - what servers have signed of a log (checkpoint.h), held against the log (D8). The
 * chain tells whether a log is whole; this tells whether it is the one that there was. Shell over a
 * store and a replay of it. */
#ifndef EXAMREPLAY_EVIDENCE_H
#define EXAMREPLAY_EVIDENCE_H

#include "branch_check.h"
#include "checkpoint.h"
#include "receipt_check.h"

enum { SIGNERS_MAX = 2 * NODES_MAX };

struct checkpoint_list {
    struct checkpoint *at;
    size_t n, max;
};
/* Adds those that the folder has kept and `list` has not. *damaged counts entries that are none.
 * EXAM_NOMEM, EXAM_IO, EXAM_CORRUPT. */
EXAM_MUST_USE exam_err checkpoint_list_add(struct checkpoint_list *list, store *s,
                                           uint64_t *damaged);
void checkpoint_list_fini(struct checkpoint_list *list);

/* What a reviewer brings along; zeros: nothing. All of it is the caller's. */
struct evidence_given {
    const struct key_roster *roster;           /* NULL: signatures are not checked */
    const struct checkpoint_list *checkpoints; /* beside the folder's own; NULL: none */
    const struct receipt_claim *claims;
    size_t claims_n;
};

/* One server's checkpoints. */
struct signer {
    char node[NAME_BYTES_MAX + 1];
    uint64_t checkpoints; /* all of them */
    uint64_t same_lsn;    /* the newest record that the log has as it was signed; 0: none */
    int64_t same_wall_ms; /* when that was signed */
    uint64_t dead;        /* they are of dead branches, of which this folder knows */
    uint64_t ahead_lsn;   /* the newest that the log does not reach; 0: none */
    uint64_t revoked;     /* the version of the roster that revoked the key it used; 0: good */
};

struct evidence {
    struct signer signers[SIGNERS_MAX];
    size_t signers_n;
    char own[NAME_BYTES_MAX + 1]; /* whose folder it is, as it says; "": it has never signed */
    uint64_t acts; /* of persons, signed by them (R4); with a roster: as they were signed */
    bool checked;  /* the signatures */
    uint64_t roster_version;
    struct receipt_verdict *receipts; /* one for each claim */
    size_t receipts_n;
};

/* R4: to be called for each record; what a person has signed otherwise becomes a finding. */
void evidence_act(struct evidence *e, const struct evidence_given *given,
                  const struct replay_record *at, struct findings *findings);

/* `p` stands where the log could be read to. What is wrong becomes findings. `whole`: all of the
 * log was read, and `branches` are those of the folder. */
EXAM_MUST_USE exam_err evidence_check(struct evidence *e, const struct evidence_given *given,
                                      struct replay *p, const struct roles *roles, bool whole,
                                      const struct branch *branches, size_t branches_n);
void evidence_fini(struct evidence *e);

/* The newest record that any server has signed as the log has it; 0: none. */
uint64_t evidence_covered(const struct evidence *e);

#endif
