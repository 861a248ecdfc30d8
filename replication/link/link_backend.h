/* link_backend.h - what an implementation of link.h gives, and what all of them share.
 * Internal to this folder. */
#ifndef EXAM_LINK_BACKEND_H
#define EXAM_LINK_BACKEND_H

#include "link.h"

struct link_ops {
    void (*hub_free)(struct link_hub *h);
    exam_err (*listen)(struct link_hub *h, const char *url, char *why, size_t why_bytes);
    exam_err (*dial)(struct link_hub *h, const char *url, const char *peer, uint64_t token,
                     struct link_id *out);
    exam_err (*send)(struct link_hub *h, struct link_id id, const uint8_t *frames, size_t bytes);
    size_t (*queued_bytes)(const struct link_hub *h, struct link_id id);
    void (*close)(struct link_hub *h, struct link_id id);
    bool (*next)(struct link_hub *h, struct link_event *out);
    void (*peer)(const struct link_hub *h, struct link_id id, char *out, size_t out_bytes);
    /* NULL in an implementation that has no channels */
    const struct key_entry *(*identity)(const struct link_hub *h, struct link_id id);
    void (*recheck)(struct link_hub *h);
};

/* The first member of every implementation's hub. */
struct link_hub {
    const struct link_ops *ops;
    struct link_options o; /* without zeros */
};

/* Copies the options with the defaults filled in. */
void link_hub_init(struct link_hub *h, const struct link_ops *ops, const struct link_options *o);

/* The links of a hub by their ids: an index and a generation, so that an id that is void stays so.
 */
struct link_slots {
    void **at;
    uint32_t *generation;
    uint32_t n, used;
};

EXAM_MUST_USE exam_err link_slots_init(struct link_slots *s, uint32_t n);
void link_slots_fini(struct link_slots *s);
/* EXAM_FULL */
EXAM_MUST_USE exam_err link_slots_add(struct link_slots *s, void *link, struct link_id *out);
void *link_slots_find(const struct link_slots *s, struct link_id id); /* NULL: void */
void link_slots_remove(struct link_slots *s, struct link_id id);

/* Bytes that wait to be sent: bounded, first in, first out. */
struct link_queue {
    uint8_t *bytes;
    size_t begin, end, capacity;
};

static inline size_t link_queue_bytes(const struct link_queue *q)
{
    return q->end - q->begin;
}
/* EXAM_NOMEM. The bound is the caller's to keep. */
EXAM_MUST_USE exam_err link_queue_push(struct link_queue *q, const uint8_t *bytes, size_t n);
/* Makes room for `n` bytes more behind what is there. EXAM_NOMEM. */
EXAM_MUST_USE exam_err link_queue_room(struct link_queue *q, size_t n);
void link_queue_pop(struct link_queue *q, size_t n);
void link_queue_fini(struct link_queue *q);

/* True when `bytes` more go into a queue of `queued`: within the bound, or alone. */
static inline bool link_room(const struct link_options *o, size_t queued, size_t bytes)
{
    return !queued || (queued <= o->send_bytes_max && bytes <= o->send_bytes_max - queued);
}

#endif
