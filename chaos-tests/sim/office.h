/* office.h - an administrator at a tool: the conversation of admin.proto with one node of a world.
 * Single-threaded. What is asked is answered within the instant or not at all: a node that waits
 * for its standby decides nothing, and nobody here waits for it. */
#ifndef SIM_OFFICE_H
#define SIM_OFFICE_H

#include "admin.pb-c.h"
#include "world.h"

struct office;

struct office_refusal {
    exam_err code;
    char text[640]; /* for a person; with the rule at its end if one was named */
};

/* Connects and says Hello as `who`. On failure `why` is filled. */
EXAM_MUST_USE exam_err office_open(struct world *w, uint32_t node, const char *who,
                                   struct office **out, struct office_refusal *why);
/* NULL is allowed. What was asked and not answered is taken back. */
void office_close(struct office *o);

/* Asks (m->id is set here) and lets the instant take its course. `each` gets every reply that holds
 * something; it may be NULL. EXAM_OK: the last reply was Done, or data. EXAM_AGAIN: no answer;
 * EXAM_CONN: the node went, or hung up. */
EXAM_MUST_USE exam_err office_ask(struct office *o, Admin__Request *m,
                                  void (*each)(void *ctx, const Admin__Reply *r), void *ctx,
                                  struct office_refusal *why);

/* One question, or act, on a connection of its own. */
EXAM_MUST_USE exam_err office_ask_once(struct world *w, uint32_t node, const char *who,
                                       Admin__Request *m,
                                       void (*each)(void *ctx, const Admin__Reply *r), void *ctx,
                                       struct office_refusal *why);

#endif
