#include "reply_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { QUEUE_MIN = 1024 };

static struct reply *at(struct reply_queue *q, size_t i)
{
    return &q->ring[(q->head + i) & (q->max - 1)];
}

static void queue_grow(struct reply_queue *q)
{
    size_t max = q->max ? 2 * q->max : QUEUE_MIN;
    struct reply *ring = malloc(max * sizeof *ring);
    if (!ring)
        abort(); /* bounded by connections and their windows: a node without memory ends */
    for (size_t i = 0; i < q->n; i++)
        ring[i] = *at(q, i);
    free(q->ring);
    q->ring = ring;
    q->max = max;
    q->head = 0;
}

void reply_queue_push(struct reply_queue *q, const struct reply *r)
{
    assert(!q->n || at(q, q->n - 1)->lsn <= r->lsn);
    if (q->n == q->max)
        queue_grow(q);
    *at(q, q->n++) = *r;
}

bool reply_queue_take(struct reply_queue *q, uint64_t lsn, struct reply *out)
{
    if (!q->n || at(q, 0)->lsn > lsn)
        return false;
    *out = *at(q, 0);
    q->head = (q->head + 1) & (q->max - 1);
    q->n--;
    return true;
}

void reply_fini(struct reply *r)
{
    free(r->view);
    free(r->frame);
}

void reply_queue_fini(struct reply_queue *q)
{
    struct reply r;
    while (reply_queue_take(q, UINT64_MAX, &r))
        reply_fini(&r);
    free(q->ring);
    *q = (struct reply_queue){.ring = NULL};
}
