/* link_mem.h - hubs in one process over a network in memory, for tests and simulation.
 * Pure but for the heap; deterministic: bytes move only in link_net_pump, in the order in which
 * they were sent, whatever the addresses of the hubs. One thread calls everything of one network.
 *
 * There is no clock: a dial to nobody, or over a cut path, fails at the next pump. Bytes sent over
 * a cut path wait for the healing, as TCP's do. */
#ifndef EXAM_LINK_MEM_H
#define EXAM_LINK_MEM_H

#include "link.h"

struct link_net;

EXAM_MUST_USE exam_err link_net_new(struct link_net **out);
/* All its hubs must have been freed. NULL is allowed. */
void link_net_free(struct link_net *net);

/* A hub that stands at the place `name` of the network; what it listens on are any texts. Two hubs
 * may stand at one place. Errors: EXAM_NOMEM, EXAM_INVALID a name over NAME_BYTES_MAX. */
EXAM_MUST_USE exam_err link_hub_new_mem(struct link_net *net, const char *name,
                                        const struct link_options *o, struct link_hub **out);

/* Carries whatever can be carried, until nothing moves any more. True if anything moved. */
bool link_net_pump(struct link_net *net);

/* Cuts or heals the path between two places, both ways. Errors: EXAM_FULL, 64 cuts already. */
EXAM_MUST_USE exam_err link_net_cut(struct link_net *net, const char *a, const char *b);
void link_net_heal(struct link_net *net, const char *a, const char *b);

/* Breaks every link between two places, as a reset does: both ends see LINK_CLOSED. */
void link_net_reset(struct link_net *net, const char *a, const char *b);

#endif
