/* ups.h - reads the status of a UPS from its upsd (Network UPS Tools), again and again.
 * Shell with a thread of its own, because libupsclient blocks. The thread reads, and hands over
 * what is new; it decides nothing, logs nothing and touches no state of the node. */
#ifndef EXAM_UPS_H
#define EXAM_UPS_H

#include <stdbool.h>
#include <stdint.h>

#include "exam_err.h"
#include "ups_status.h"

enum { UPS_TEXT_BYTES = 1024 };

struct ups_options {
    const char *name, *host; /* copied */
    uint16_t port;
    uint32_t poll_ms;
    void (*wake)(void *ctx); /* from the thread: a reading is there to be taken */
    void *wake_ctx;
};

struct ups_reading {
    enum ups_state state;
    char text[UPS_TEXT_BYTES]; /* the UPS's own words, or why there are none; may be any bytes */
};

struct ups;

/* Starts reading. To be called while the process has few descriptors: the thread has a table of its
 * own from that moment on (ups.c says why), and copies of what was open then. Errors: EXAM_NOMEM;
 * EXAM_SYSTEM: errno says why. */
EXAM_MUST_USE exam_err ups_open(const struct ups_options *o, struct ups **out);
/* The newest reading; false: none that differs from the one taken last. */
bool ups_take(struct ups *u, struct ups_reading *out);
/* No wake comes any more; tells the thread to end, and does not wait for it. */
void ups_close(struct ups *u);
/* After ups_close: waits for the thread, and frees. False: it has not ended in `wait_ms`, because a
 * upsd that is frozen holds it, and nothing is freed: end the process without it. */
bool ups_free(struct ups *u, uint32_t wait_ms);

#endif
