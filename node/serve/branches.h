/* branches.h - what a node knows that its site does not: records of dead branches, sent to the
 * primary and recovered there (W5, A3).
 * Shell. Loop thread only.
 *
 * A standby that is level with its primary sends what the primary has not recovered yet: a frame at
 * a time, and again what is not answered, so that nothing is left out when a frame is lost, or
 * comes while nothing is decided. What names candidates of an import that the site lacks waits in
 * its branch until it is done again (exam_recover_waits, A2); all is walked anew after each step of
 * a batch. What has become of it is in the log that both have (exam_recovered), and sending twice
 * is harmless (A4). A record that has rotted (D8) is left out: what it says is no more what was
 * decided, and another node may bring it sound. */
#ifndef EXAM_BRANCHES_H
#define EXAM_BRANCHES_H

#include "codec.h"
#include "engine.h"
#include "link.h"

/* How far the branches have been walked, in the order of their numbers. */
struct branch_place {
    uint64_t branch;    /* numbered from 1 */
    uint64_t lsn;       /* of it, up to here; 0: it has not been begun */
    uint64_t epoch;     /* of the record there, */
    uint64_t since_lsn; /* and the first one of that epoch in this branch, or since a rotten one */
    uint32_t epoch_tag; /* record_tag of its EpochBegan */
    /* The record there has this hash, and should have that one (D8). They differ if it has rotted:
     * the next one continues either, and so tells what has rotted, the record or its hash. */
    uint8_t hash[HASH_BYTES], reckoned[HASH_BYTES];
    uint64_t rotten_epoch; /* what the rotten record there says; since_lsn is 0 then */
};

/* Which sittings of the site the numbers of a branch mean that it has given itself. */
struct branch_numbers {
    uint64_t branch;                             /* 0: of none */
    struct exam_renumbered list[RENUMBERED_MAX]; /* the last one, if it is full, has the rest */
    size_t n;
};

struct branches {
    uint64_t link, epoch;      /* to whom it is being sent, or was; link 0: to nobody */
    struct branch_place taken; /* what the primary has answered */
    struct branch_place sent;  /* with the frame under way */
    bool under_way, done;
    uint64_t due_ms;         /* nothing is to be sent before */
    struct branch_place own; /* the same of what this node takes in itself */
    bool own_done;
    bool waits;     /* something, in a branch that was walked */
    uint32_t steps; /* exam_batch_steps as they were walked */
    struct branch_numbers numbers;
    Rep__Renumbered renumbered[RENUMBERED_MAX], *renumbered_list[RENUMBERED_MAX];
    size_t values_bytes;
    Rep__BranchRecords message;
    ProtobufCBinaryData *records; /* of the frame under way; they point into `values` */
    uint8_t *values;
    uint8_t *frame;
};

EXAM_MUST_USE exam_err branches_init(struct branches *b);
void branches_fini(struct branches *b);
/* A new branch was set apart: it is to be sent, too. */
void branches_changed(struct branches *b);

struct branches_to {
    struct link_hub *hub;
    struct link_id link;
    uint64_t epoch;
};
/* Sends the next frame, if it is time. `arena` is for events. EXAM_AGAIN: call again at b->due_ms;
 * EXAM_OK: all is done, b->done; EXAM_IO, EXAM_CORRUPT: the store cannot be read (D6). */
EXAM_MUST_USE exam_err branches_send(struct branches *b, struct engine *e, struct arena *arena,
                                     const struct branches_to *to, uint64_t now_ms);
/* The primary has looked at a frame. */
void branches_answered(struct branches *b, uint64_t link, const Rep__BranchTaken *m);

/* A primary's own: it left them when it followed another node, and that one may not have taken them
 * in, or be gone with what it took in. Some records a call; EXAM_AGAIN: call again; EXAM_OK: all is
 * done, until a step of a batch; errors as above. */
EXAM_MUST_USE exam_err branches_take_own(struct branches *b, struct engine *e, struct arena *arena);
bool branches_own_left(const struct branches *b, struct engine *e);

/* The primary's side: decides EXAM_CMD_RECOVER for each record. `arena` is for their events. */
void branches_take(struct engine *e, struct arena *arena, const Rep__BranchRecords *m,
                   const char *peer);

#endif
