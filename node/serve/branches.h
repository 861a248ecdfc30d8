/* branches.h - what a node knows that its site does not: records of dead branches, sent to the
 * primary and recovered there (W5, A3).
 * Shell. Loop thread only.
 *
 * A standby that is level with its primary sends what the primary has not recovered yet; what it
 * has is in the log that both have (exam_recovered_lsn), so nothing is acknowledged and sending
 * twice is harmless (A4). */
#ifndef EXAM_BRANCHES_H
#define EXAM_BRANCHES_H

#include "codec.h"
#include "engine.h"
#include "link.h"

struct branches {
    uint64_t link;   /* to which it is being sent, or was; 0: none */
    uint64_t branch; /* under way, numbered from 1 */
    uint64_t lsn;    /* of it: sent up to here */
    bool done;
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

/* Sends what is left, as much as the link takes. EXAM_AGAIN: call again later; EXAM_IO,
 * EXAM_CORRUPT: the store cannot be read (D6). */
EXAM_MUST_USE exam_err branches_send(struct branches *b, struct engine *e, struct link_hub *hub,
                                     struct link_id link, uint64_t epoch);

/* The primary's side: decides EXAM_CMD_RECOVER for each record. `arena` is for their events. */
void branches_take(struct engine *e, struct arena *arena, const Rep__BranchRecords *m,
                   const char *peer);

#endif
