#include "link_backend.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINKS_MAX_DEFAULT = 64,
    SEND_FRAMES_DEFAULT = 4,
    DIAL_TIMEOUT_MS_DEFAULT = 2000,
    SEND_TIMEOUT_MS_DEFAULT = 5000,
    QUEUE_BYTES_MIN = 4096,
};

void link_hub_init(struct link_hub *h, const struct link_ops *ops, const struct link_options *o)
{
    h->ops = ops;
    h->o = o ? *o : (struct link_options){0};
    if (!h->o.payload_bytes_max || h->o.payload_bytes_max > FRAME_BYTES_MAX)
        h->o.payload_bytes_max = FRAME_BYTES_MAX;
    size_t frame_bytes = FRAME_HEADER_BYTES + h->o.payload_bytes_max;
    if (h->o.recv_bytes < frame_bytes)
        h->o.recv_bytes = frame_bytes;
    if (!h->o.send_bytes_max)
        h->o.send_bytes_max = SEND_FRAMES_DEFAULT * (size_t)(FRAME_HEADER_BYTES + FRAME_BYTES_MAX);
    if (!h->o.links_max)
        h->o.links_max = LINKS_MAX_DEFAULT;
    if (!h->o.accepted_max || h->o.accepted_max > h->o.links_max)
        h->o.accepted_max = (h->o.links_max + 1) / 2;
    if (!h->o.dial_timeout_ms)
        h->o.dial_timeout_ms = DIAL_TIMEOUT_MS_DEFAULT;
    if (!h->o.send_timeout_ms)
        h->o.send_timeout_ms = SEND_TIMEOUT_MS_DEFAULT;
    h->o.tunnel.payload_bytes_max = h->o.payload_bytes_max;
}

/* ---------------------------------------------------------------- the contract */

void link_hub_free(struct link_hub *h)
{
    if (h)
        h->ops->hub_free(h);
}

exam_err link_listen(struct link_hub *h, const char *url, char *why, size_t why_bytes)
{
    assert(why_bytes > 0);
    return h->ops->listen(h, url, why, why_bytes);
}

exam_err link_dial(struct link_hub *h, const char *url, const char *peer, uint64_t token,
                   struct link_id *out)
{
    return h->ops->dial(h, url, peer, token, out);
}

exam_err link_send(struct link_hub *h, struct link_id id, const uint8_t *frames, size_t bytes)
{
    assert(bytes > FRAME_HEADER_BYTES);
    return h->ops->send(h, id, frames, bytes);
}

size_t link_queued_bytes(const struct link_hub *h, struct link_id id)
{
    return h->ops->queued_bytes(h, id);
}

void link_close(struct link_hub *h, struct link_id id)
{
    h->ops->close(h, id);
}

bool link_next(struct link_hub *h, struct link_event *out)
{
    if (!h->ops->next(h, out))
        return false;
    out->why = out->why ? out->why : "";
    out->address = out->address ? out->address : "";
    return true;
}

void link_peer(const struct link_hub *h, struct link_id id, char *out, size_t out_bytes)
{
    assert(out_bytes > 0);
    out[0] = '\0';
    h->ops->peer(h, id, out, out_bytes);
}

const struct key_entry *link_identity(const struct link_hub *h, struct link_id id)
{
    return h->ops->identity ? h->ops->identity(h, id) : NULL;
}

void link_recheck(struct link_hub *h)
{
    if (h->ops->recheck)
        h->ops->recheck(h);
}

/* ---------------------------------------------------------------- slots */

exam_err link_slots_init(struct link_slots *s, uint32_t n)
{
    *s = (struct link_slots){.n = n};
    s->at = calloc(n, sizeof *s->at);
    s->generation = calloc(n, sizeof *s->generation);
    if (s->at && s->generation)
        return EXAM_OK;
    link_slots_fini(s);
    return EXAM_NOMEM;
}

void link_slots_fini(struct link_slots *s)
{
    free(s->at);
    free(s->generation);
    *s = (struct link_slots){0};
}

exam_err link_slots_add(struct link_slots *s, void *link, struct link_id *out)
{
    assert(link);
    for (uint32_t i = 0; s->used < s->n && i < s->n; i++) {
        if (s->at[i])
            continue;
        s->at[i] = link;
        s->used++;
        out->n = (uint64_t)++s->generation[i] << 32 | i;
        return EXAM_OK;
    }
    return EXAM_FULL;
}

void *link_slots_find(const struct link_slots *s, struct link_id id)
{
    uint32_t i = (uint32_t)id.n;
    if (!id.n || i >= s->n || s->generation[i] != id.n >> 32)
        return NULL;
    return s->at[i];
}

void link_slots_remove(struct link_slots *s, struct link_id id)
{
    assert(link_slots_find(s, id));
    s->at[(uint32_t)id.n] = NULL;
    s->used--;
}

/* ---------------------------------------------------------------- queues */

exam_err link_queue_room(struct link_queue *q, size_t n)
{
    size_t held = link_queue_bytes(q), capacity = q->capacity ? q->capacity : QUEUE_BYTES_MIN;
    if (q->begin && q->capacity - q->end < n) {
        memmove(q->bytes, q->bytes + q->begin, held);
        q->begin = 0;
        q->end = held;
    }
    if (q->capacity - q->end >= n)
        return EXAM_OK;
    while (capacity < held + n)
        capacity *= 2;
    uint8_t *grown = realloc(q->bytes, capacity);
    if (!grown)
        return EXAM_NOMEM;
    q->bytes = grown;
    q->capacity = capacity;
    return EXAM_OK;
}

exam_err link_queue_push(struct link_queue *q, const uint8_t *bytes, size_t n)
{
    exam_err err = link_queue_room(q, n);
    if (err)
        return err;
    memcpy(q->bytes + q->end, bytes, n);
    q->end += n;
    return EXAM_OK;
}

void link_queue_pop(struct link_queue *q, size_t n)
{
    assert(n <= link_queue_bytes(q));
    q->begin += n;
    if (q->begin == q->end)
        q->begin = q->end = 0;
}

void link_queue_fini(struct link_queue *q)
{
    free(q->bytes);
    *q = (struct link_queue){0};
}
