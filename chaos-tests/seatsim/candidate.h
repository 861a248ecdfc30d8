/* candidate.h - how a simulated candidate works through a paper.
 * Pure: chance comes from the seed, time is the caller's. One struct a candidate, no heap.
 *
 * Four tempers, dealt by the seed: steady (item by item), changer (goes back and changes one in
 * five answers, now and then takes one back), leaper (leaves gaps and fills some of them later),
 * burst (thinks long, then answers a handful in quick succession). */
#ifndef SEATSIM_CANDIDATE_H
#define SEATSIM_CANDIDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "paper_items.h"
#include "rng.h"

enum candidate_temper { TEMPER_STEADY, TEMPER_CHANGER, TEMPER_LEAPER, TEMPER_BURST, TEMPERS };

struct candidate {
    struct rng rng;
    enum candidate_temper temper;
    uint32_t items;        /* of the paper */
    uint32_t at;           /* next item */
    uint32_t burst_left;   /* quick answers still to come */
    uint32_t actions_left; /* answers until the candidate submits */
    uint64_t think_ms;     /* mean */
};

struct candidate_action {
    uint32_t item;  /* index into the paper's items */
    char value[32]; /* UTF-8; empty: takes the answer back */
};

void candidate_init(struct candidate *c, uint64_t seed, uint32_t items, uint32_t actions,
                    uint64_t think_ms);
/* How long this candidate thinks before the next action, in milliseconds. */
uint64_t candidate_think_ms(struct candidate *c);
/* True: an answer, written to *out; false: the candidate submits. */
bool candidate_next(struct candidate *c, const struct paper_items *paper,
                    struct candidate_action *out);

#endif
