/* loop_web.h - the loop's side of the node's web (web/web.h): opens it as configured, hands it a
 * snapshot once a second, and logs what it says.
 * Shell. Loop thread only; the web has a thread of its own. All zero is one that is not configured,
 * for which every function below does nothing. */
#ifndef EXAM_LOOP_WEB_H
#define EXAM_LOOP_WEB_H

#include <stdint.h>

#include "config.h"
#include "metrics.h"
#include "node.h"
#include "oplog_gate.h"

struct web;

struct loop_web {
    struct web *web;
    struct metrics metrics;
    uint64_t opened_ms, due_ms; /* clock_boot_ms */
    struct oplog_gate gate;
};

/* `version`: of the program. A web that cannot be opened is an error in the log, and no reason not
 * to hold an exam: the node goes on without it. */
void loop_web_open(struct loop_web *w, const struct config *config, const char *version);
/* In each turn of the loop, behind the node's; `commit_us`: how long that took, if it has made
 * records durable; otherwise 0. */
void loop_web_turn(struct loop_web *w, struct node *n, uint64_t now_ms, uint64_t commit_us);
void loop_web_close(struct loop_web *w);

#endif
