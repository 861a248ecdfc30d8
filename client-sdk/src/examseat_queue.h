/* examseat_queue.h - events on their way from the core to the vendor's callback.
 * Shell, single-threaded. The core must not be called back while it works, so what it tells waits
 * here until it has returned. */
#ifndef EXAMSEAT_QUEUE_H
#define EXAMSEAT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "examseat.h"

enum { EVENT_TEXT_BYTES = 520, EVENTS_MAX = 65536 };

struct queued_event {
    examseat_event event; /* text is set when it is handed out */
    char *text;           /* NULL: none */
};

struct event_queue {
    struct queued_event *ring;
    size_t ring_n; /* a power of two, or 0 */
    size_t head, n;
    bool overflowed; /* an event was dropped: no memory, or over EVENTS_MAX */
};

void event_queue_fini(struct event_queue *q);

/* Copies the event and its text. When there is no room the event is dropped, and said to be. */
void event_queue_push(struct event_queue *q, const examseat_event *event, const char *text);

/* The oldest event; its text is in `text`. False: there is none. */
bool event_queue_pop(struct event_queue *q, examseat_event *event, char text[EVENT_TEXT_BYTES]);

#endif
