/* link_mem.h - hubs in one process over a network in memory, for tests and simulation.
 * Pure but for the heap; deterministic: bytes move only in link_net_pump, in the order in which
 * they were sent, whatever the addresses of the hubs. One thread calls everything of one network.
 *
 * There is no clock: a dial to nobody, or over a cut path, fails at the next pump. Bytes sent over
 * a cut path wait for the healing, as TCP's do. Ways with faults (link_net_way) have one, though:
 * that of the air, which the owner sets. */
#ifndef EXAM_LINK_MEM_H
#define EXAM_LINK_MEM_H

#include "link.h"
#include "mem_wire.h"

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

/* What the ways of this network share. Lives as long as it does; the owner may have other wires in
 * it. It is pumped by link_net_pump. */
struct mem_air *link_net_air(struct link_net *net);
/* The way from one place to another, to be made bad: its fields are the caller's to set. Made at
 * the first call; lives as long as the network. EXAM_FULL: 64 ways. */
EXAM_MUST_USE exam_err link_net_way(struct link_net *net, const char *from, const char *to,
                                    struct mem_way **out);
/* When link_net_pump has something to do by itself; UINT64_MAX: never. */
uint64_t link_net_next_ms(const struct link_net *net);
/* The power of a place goes: its links' other ends hear nothing of it, until they send something
 * and a hub stands there again; dials to it hang until then. To be followed by link_hub_free. */
void link_net_unplug(struct link_net *net, const char *place);
/* Dials that met a silent cut, or a place without power. */
uint64_t link_net_dials_hung(const struct link_net *net);
/* Asked before each link_send of the hub; false: nothing is sent, though the caller hears that it
 * was (a process that dies does not know what it has not done any more). */
void link_hub_mem_gate(struct link_hub *h, bool (*may_send)(void *ctx), void *ctx);

/* Cuts or heals the path between two places, both ways. Errors: EXAM_FULL, 64 cuts already. */
EXAM_MUST_USE exam_err link_net_cut(struct link_net *net, const char *a, const char *b);
void link_net_heal(struct link_net *net, const char *a, const char *b);

/* Breaks every link between two places, as a reset does: both ends see LINK_CLOSED. How many. */
uint32_t link_net_reset(struct link_net *net, const char *a, const char *b);

#endif
