/* world_inside.h - what a world is made of: for world.c and world_faults.c only. */
#ifndef SIM_WORLD_INSIDE_H
#define SIM_WORLD_INSIDE_H

#include "agenda.h"
#include "world.h"

/* A seat whose connection has ended at this instant: it looks for another one at once. */
struct fallen {
    uint64_t at_ms;
    uint8_t redials_n;
    bool listed;
};

/* Between a seat and a node. */
struct seat_path {
    struct sim_path path;
    bool cut;       /* and both sides know it */
    uint32_t boots; /* of the node, when it was dialled last */
};

struct world {
    struct world_options o;
    uint64_t now_ms;
    struct link_net *net;
    struct sim_node nodes[NODES_MAX];
    uint32_t nodes_n;
    uint64_t reach[NODES_MAX]; /* how each could be reached when the seats were told last */
    bool healed;               /* a path: the seats are to be told */

    struct sim_seat *seats;
    uint32_t seats_n;
    struct seat_path *paths; /* [seat * nodes_n + node] */
    struct mem_air *air;
    uint64_t counts[WORLD_FAULTS]; /* of what the world itself does */
    struct arena arena;
    uint8_t *arena_block;
    struct agenda agenda; /* of the seats */
    uint32_t *ready;      /* seats that want their turn, oldest first: a ring of seats_max */
    uint32_t ready_head, ready_n;
    bool *is_ready;
    struct fallen *fallen; /* by seat */
    uint32_t *fallen_list;
    uint32_t fallen_n;

    uint32_t speaking; /* the node whose turn it is */
};

/* Sets whose log lines come now. */
struct sim_node *world_turn_of(struct world *w, uint32_t node);
struct seat_path *world_path_of(const struct world *w, uint32_t seat, uint32_t node);
/* It wants its turn. */
void world_seat_ready(struct world *w, uint32_t seat);
/* After each call into the seat. */
void world_seat_touched(struct world *w, uint32_t seat);

#endif
