/* promises.h - what a node may do only when something is so, looked at from outside: to go on alone
 * (A1), to serve (W2, D7), to go on after an I/O error (D6).
 * Observes; a broken promise becomes the history's violation. */
#ifndef EXAMSIM_PROMISES_H
#define EXAMSIM_PROMISES_H

#include "history.h"

/* The screen has taken this answer. */
void promises_taken(struct history *h, uint32_t seat, uint32_t answer);
/* The seat was told that this answer is saved by one node alone. */
void promises_solo(struct history *h, uint32_t seat, uint32_t answer);
/* A node has begun an epoch: its first record is durable. `reason`: enum Ev__EpochReason. */
void promises_epoch(struct history *h, uint32_t node, const struct epoch_begun *b, uint64_t reason);
/* It says that it was forced to: its copy, so many records before, is not whole. */
void promises_forced(struct history *h, uint32_t node, size_t records);
/* A seat has told the node which epochs it knows of; as in world_watch. */
void promises_greeted(void *ctx, uint32_t seat, uint32_t node, const struct sim_greeting *g);
/* A person asks the node to serve. */
void promises_promote(struct history *h, uint32_t node, bool attest, bool forced);
/* It has all that a primary had. */
void promises_level(struct history *h, uint32_t node);
/* It has lost its disk. */
void promises_wipe(struct history *h, uint32_t node);
/* It has been switched on. */
void promises_boot(struct history *h, uint32_t node);
/* The seat has thrown its journal away. */
void promises_discarded(struct history *h, uint32_t seat);
/* Its disk is empty. */
void promises_seat_wiped(struct history *h, uint32_t seat);
/* A node has taken it in, in this epoch. */
void promises_attached(struct history *h, uint32_t seat, uint64_t epoch, bool signed_in);
/* The candidate has a screen for the first time, and was told what is used. */
void promises_sat_down(struct history *h, uint32_t candidate, uint64_t used_ms, uint64_t left_ms);
/* The main node has refused the candidate who wants to sign in. */
void promises_sign_in_refused(struct history *h, uint32_t seat, exam_err code);
/* Somebody is about to do that. */
void promises_act(struct history *h, const struct act *a);
/* At the end of a step. */
void promises_look_at_seat(struct history *h, uint32_t seat);
void promises_look(struct history *h, uint32_t node);

#endif
