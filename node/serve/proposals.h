/* proposals.h - acts that wait for a second person (P2): bounded, in this node's memory only, each
 * for a quarter of an hour. What was proposed is lost with the node or its role: it is proposed
 * again, and nothing was done.
 * Pure data structure; loop thread only. Times are of this machine's monotonic clock. */
#ifndef EXAM_PROPOSALS_H
#define EXAM_PROPOSALS_H

#include <stdbool.h>

#include "admin_acts.h"
#include "admin_signed.h"
#include "config.h"
#include "import_stage.h"

enum {
    PROPOSALS_MAX = 16,
    PROPOSALS_OF_ONE_MAX = 4, /* nobody keeps others from proposing */
    PROPOSED_IMPORTS_MAX = 2, /* they take memory */
    PROPOSAL_EXPIRES_MS = 15 * 60 * 1000,
};

struct proposal {
    uint32_t number;
    uint64_t since_ms;
    struct admin_signed first;   /* what was proposed, and by whom */
    struct import_stage *import; /* with an ImportCommit; owned */
    char text[REASON_BYTES_MAX + 1];
};

struct proposals {
    struct proposal *at[PROPOSALS_MAX];
    size_t n;
};

/* `number`: drawn by chance, by the caller, until it is free: what is said across a room is not the
 * number of another act. EXAM_FULL: too many wait, of this person or of all; EXAM_EXISTS: the
 * number is taken; EXAM_NOMEM. On EXAM_OK `import` (NULL: none) is theirs. */
EXAM_MUST_USE exam_err proposals_add(struct proposals *p, uint64_t now_ms, uint32_t number,
                                     const struct admin_signed *first, struct import_stage *import,
                                     struct proposal **out);
/* NULL: it is not there, or not any more. */
struct proposal *proposals_find(struct proposals *p, uint64_t now_ms, uint32_t number);
void proposals_drop(struct proposals *p, struct proposal *one);
/* Drops what has waited too long. */
void proposals_expire(struct proposals *p, uint64_t now_ms);
void proposals_clear(struct proposals *p);

/* P2, as the site has configured it: whether a command of one person waits for a second. */
bool proposal_is_due(unsigned two_person, uint64_t grant_two_person_ms,
                     const struct exam_command *cmd);
/* What such a command would do, by what a preview of it has shown. */
void proposal_text(const struct exam_command *cmd, const struct admin_preview *seen, char *text,
                   size_t bytes);

#endif
