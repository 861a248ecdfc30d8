/* mem_wire.h - what happens to frames on their way through a network in memory: one way of a path
 * between two places, and what one connection has on it.
 * Pure but for the heap; deterministic: the same calls and the same chance give the same fate.
 *
 * The air is what all ways share: the time, the chance, what is under way. Frames on a wire arrive
 * in mem_air_pump, at their time. A way without faults needs no wire: see mem_wire_is_idle. */
#ifndef EXAM_MEM_WIRE_H
#define EXAM_MEM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "exam_err.h"

/* What becomes of each frame. All zero: it arrives at once. Of 1000 frames so many: */
struct mem_weather {
    uint32_t delay_min_ms, delay_max_ms; /* each is drawn from these; the order is kept */
    uint32_t stall_permille, stall_ms;   /* comes so much later, and all behind it */
    uint32_t loss_permille;              /* never comes; what is behind it does */
    uint32_t duplicate_permille;         /* comes twice */
    uint32_t reorder_permille;           /* comes late, and what is behind it may overtake it */
    uint32_t reset_permille;             /* breaks the connection instead of coming */
};

enum mem_cut {
    MEM_CUT_NONE,
    MEM_CUT_HOLDS, /* what is under way, or sent, waits for the end of the cut */
    MEM_CUT_LOSES, /* it is lost */
};

/* What has really happened; of frames, but for the last. [1]: the way back was cut, too. */
struct mem_counts {
    uint64_t held[2], cut_off[2];
    uint64_t delayed, stalled, lost, doubled, overtaken;
    uint64_t resets;
};

struct mem_wire;

struct mem_air {
    uint64_t now_ms; /* the owner's to set; never goes back */
    uint64_t chance;
    struct mem_counts counts;
    TAILQ_HEAD(, mem_wire) busy; /* wires with something on them */
    struct mem_wire *next;       /* of the pump: removals move it on */
};

/* One way of a path between two places. */
struct mem_way {
    struct mem_weather weather;
    enum mem_cut cut;
    bool stream; /* to lose something of a connection is to break it, as TCP does */
    const struct mem_way *back;
};

enum mem_arrival {
    MEM_FRAME, /* whole frames, header included */
    MEM_END,   /* the other side has closed; nothing comes after it */
    MEM_RESET, /* the connection is broken; nothing comes after it */
};

struct mem_flight;

/* One connection's one way. */
struct mem_wire {
    TAILQ_ENTRY(mem_wire) entry;
    bool is_busy;
    bool torn; /* something of a stream was lost: it breaks when the way is open again */
    struct mem_air *air;
    const struct mem_way *way;
    struct mem_flight *flights; /* by the time of their arrival */
    size_t bytes;               /* of frames under way */
    uint64_t order_ms;          /* no frame in order arrives before this */
    /* Must not fini a wire; mem_wire_clear is fine. */
    void (*arrived)(void *owner, enum mem_arrival what, const uint8_t *bytes, size_t n);
    void *owner;
};

void mem_air_init(struct mem_air *a, uint64_t seed);
/* Lets everything arrive whose time has come. True if anything did. */
bool mem_air_pump(struct mem_air *a);
/* When the next thing arrives; UINT64_MAX: nothing is under way, or all of it waits. */
uint64_t mem_air_next_ms(const struct mem_air *a);

/* `air`, `way` and `owner` outlive the wire. */
void mem_wire_init(struct mem_wire *w, struct mem_air *air, const struct mem_way *way,
                   void (*arrived)(void *owner, enum mem_arrival what, const uint8_t *bytes,
                                   size_t n),
                   void *owner);
void mem_wire_fini(struct mem_wire *w);
/* True when what is sent now would arrive now: the owner may hand it over by itself. */
bool mem_wire_is_idle(const struct mem_wire *w);
/* Sends whole frames; each has its own fate. EXAM_NOMEM. */
EXAM_MUST_USE exam_err mem_wire_send(struct mem_wire *w, const uint8_t *frames, size_t bytes);
/* Closes: MEM_END comes after all that was sent. EXAM_NOMEM. */
EXAM_MUST_USE exam_err mem_wire_end(struct mem_wire *w);
/* Forgets what is under way. */
void mem_wire_clear(struct mem_wire *w);

#endif
