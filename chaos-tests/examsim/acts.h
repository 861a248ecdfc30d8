/* acts.h - carries out one act of a plan in its world.
 * Single-threaded. An act that has nothing to act on (a dead machine dies again, a paused room is
 * paused) changes nothing: any act can be left out of a plan. */
#ifndef EXAMSIM_ACTS_H
#define EXAMSIM_ACTS_H

#include "history.h"
#include "office.h"

void acts_play(struct history *h, const struct act *a);

/* What an administrator's tool says to a node. EXAM_OK, or the refusal, which is told. */
exam_err acts_promote(struct history *h, uint32_t node, bool attest);
/* D7: though its copy is not whole. */
EXAM_MUST_USE exam_err acts_force(struct history *h, uint32_t node);
exam_err acts_unsuspend(struct history *h, uint32_t node);
exam_err acts_resume(struct history *h, uint32_t node, uint32_t scope);
exam_err acts_move(struct history *h, uint32_t node, uint32_t candidate, uint32_t seat);
/* An empty disk; the machine goes off for it. */
void acts_wipe_node(struct history *h, uint32_t node);
/* True when another node has, sound, what has rotted on this one. */
bool acts_is_whole_without(const struct history *h, uint32_t node);
/* Switches it on. A node that does not start with its disk, because the disk has rotted, gets an
 * empty one: the person does what its refusal says. */
void acts_boot_node(struct history *h, uint32_t node);
/* The candidate sits down where he is to sit, and signs in. */
void acts_sign_in(struct history *h, uint32_t candidate);

#endif
