#include "examseat_queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void event_queue_fini(struct event_queue *q)
{
    for (size_t i = 0; i < q->n; i++)
        free(q->ring[(q->head + i) & (q->ring_n - 1)].text);
    free(q->ring);
    *q = (struct event_queue){0};
}

static bool grow(struct event_queue *q)
{
    size_t ring_n = q->ring_n == 0 ? 64 : 2 * q->ring_n;
    if (ring_n > EVENTS_MAX)
        return false;
    struct queued_event *ring = calloc(ring_n, sizeof(*ring));
    if (ring == NULL)
        return false;
    for (size_t i = 0; i < q->n; i++)
        ring[i] = q->ring[(q->head + i) & (q->ring_n - 1)];
    free(q->ring);
    q->ring = ring;
    q->ring_n = ring_n;
    q->head = 0;
    return true;
}

void event_queue_push(struct event_queue *q, const examseat_event *event, const char *text)
{
    if (q->n == q->ring_n && !grow(q)) {
        q->overflowed = true;
        return;
    }
    struct queued_event *e = &q->ring[(q->head + q->n) & (q->ring_n - 1)];
    e->event = *event;
    e->text = text[0] != 0 ? strdup(text) : NULL;
    q->n++;
}

bool event_queue_pop(struct event_queue *q, examseat_event *event, char text[EVENT_TEXT_BYTES])
{
    if (q->n == 0)
        return false;
    struct queued_event *e = &q->ring[q->head];
    q->head = (q->head + 1) & (q->ring_n - 1);
    q->n--;
    *event = e->event;
    snprintf(text, EVENT_TEXT_BYTES, "%s", e->text != NULL ? e->text : "");
    free(e->text);
    e->text = NULL;
    return true;
}
