/* plan_making.h - how a plan is made: chance, acts put in at their instants, and one function for
 * each family of acts. Internal to the plan (plan.h); pure.
 *
 * Chance is drawn one statement at a time: the order of calls within an initializer or an operator
 * is the compiler's, and a seed is to mean the same everywhere. */
#ifndef EXAMSIM_PLAN_MAKING_H
#define EXAMSIM_PLAN_MAKING_H

#include "plan.h"
#include "rng.h"

struct making {
    struct plan *p;
    struct rng rng;
    uint64_t family; /* of the acts that are being added */
};

uint64_t draw_between(struct making *m, uint64_t least, uint64_t most);
uint32_t draw_below(struct making *m, uint32_t n);
/* Any instant of the history; one in four is on a whole second, where other things happen, too. */
uint64_t draw_instant(struct making *m);
/* How long something lasts: short and long ones alike. */
uint64_t draw_lasting(struct making *m);
uint32_t draw_node(struct making *m);
uint32_t draw_seat(struct making *m);
/* An administrator asks whoever serves, or goes to one node and asks that. */
uint32_t draw_asked(struct making *m);
/* Acts beyond the end, or beyond PLAN_ACTS_MAX, are left out. */
void plan_add(struct making *m, struct act a);
/* Two acts: `first` at any instant, the same as `then` with then_x some time later. */
void plan_add_pair(struct making *m, struct act first, enum act_kind then, int64_t then_x);
/* Adds *a as an act of this kind, up to 4 s after the one before; *a keeps its instant. */
void plan_add_after(struct making *m, struct act *a, enum act_kind kind, uint32_t first,
                    uint32_t second);
/* Silent cuts: one way, or both. */
void plan_mute(struct making *m, struct act a);

void plan_node_deaths(struct making *m);
void plan_node_stops(struct making *m);
void plan_node_freezes(struct making *m);
void plan_node_fuses(struct making *m);
void plan_node_cuts(struct making *m);
void plan_node_mutes(struct making *m);
void plan_node_weather(struct making *m);
void plan_commit_faults(struct making *m);
void plan_disk_full(struct making *m);
void plan_rots(struct making *m);
void plan_node_wipes(struct making *m);
void plan_dates(struct making *m);
void plan_ups(struct making *m);
void plan_seat_deaths(struct making *m);
void plan_seat_freezes(struct making *m);
void plan_seat_fuses(struct making *m);
void plan_seat_wipes(struct making *m);
void plan_seat_cuts(struct making *m);
void plan_seat_mutes(struct making *m);
void plan_seat_weather(struct making *m);
void plan_journal_faults(struct making *m);
void plan_promotions(struct making *m);
void plan_wrong_promotions(struct making *m);
void plan_relays(struct making *m);
void plan_twins(struct making *m);
void plan_amnesias(struct making *m);
void plan_equals(struct making *m);
void plan_forks(struct making *m);
void plan_half_copies(struct making *m);
void plan_lost_words(struct making *m);
void plan_late_hand_overs(struct making *m);
void plan_pauses(struct making *m);
void plan_grants(struct making *m);
void plan_moves(struct making *m);
void plan_submissions(struct making *m);
void plan_collections(struct making *m);
void plan_stragglers(struct making *m);
void plan_last_copies(struct making *m);
void plan_strays(struct making *m);
void plan_turncoats(struct making *m);
void plan_homecomers(struct making *m);
void plan_newcomers(struct making *m);
void plan_cramped_disks(struct making *m);
void plan_switchovers(struct making *m);
void plan_violations(struct making *m);
void plan_incidents(struct making *m);
void plan_postponements(struct making *m);
void plan_hostiles(struct making *m);

#endif
