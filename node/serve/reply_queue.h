/* reply_queue.h - replies to seats that wait until what they promise is durable (D1, A1).
 * Shell's data structure, no effects of its own; loop thread only. First in, first out: LSNs never
 * decrease, so a release takes a run off its head, and one seat's replies keep their order. */
#ifndef EXAM_REPLY_QUEUE_H
#define EXAM_REPLY_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exam.h"
#include "server.h"

enum reply_kind {
    REPLY_ACK,      /* of an answer, a submission or a heartbeat */
    REPLY_ATTACHED, /* `view` is the sitting as it was decided */
    REPLY_FRAME,    /* packed already: it promises nothing about durability */
};

/* The durability of an acknowledgement is known only when it is released, so it is packed then. */
struct reply {
    uint64_t lsn;        /* to be durable before it goes out */
    uint64_t decided_ms; /* clock_boot_ms */
    struct conn_ref conn;
    enum reply_kind kind;
    uint32_t id;
    uint32_t sitting;
    bool late, finished;
    bool former; /* to a seat that the sitting has left: no mark goes with it (T11) */
    uint64_t seq, used_ms, left_ms;
    uint64_t ago_ms;                /* so long before it was decided so much was used (T7) */
    struct exam_sitting_view *view; /* REPLY_ATTACHED; owned */
    uint8_t *frame;                 /* REPLY_FRAME; owned */
    size_t frame_bytes;
};

struct reply_queue {
    struct reply *ring;
    size_t max, head, n;
};

void reply_queue_fini(struct reply_queue *q);
/* Takes over view and frame. Requires r->lsn >= that of the last one. */
void reply_queue_push(struct reply_queue *q, const struct reply *r);
/* Takes the oldest reply out if its lsn is at most `lsn`; the caller ends it with reply_fini. */
bool reply_queue_take(struct reply_queue *q, uint64_t lsn, struct reply *out);
void reply_fini(struct reply *r);

#endif
