#include "mem_wire.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "exam_limits.h"

enum { PERMILLE = 1000, LATE_MS_MIN = 1, LATE_MS_MAX = 20 };

struct mem_flight {
    struct mem_flight *next;
    uint64_t arrive_ms;
    enum mem_arrival what;
    size_t n;
    uint8_t bytes[];
};

/* ---------------------------------------------------------------- chance */

static bool happens(struct mem_air *a, uint32_t permille)
{
    return permille && chance_next(&a->chance) % PERMILLE < permille;
}

static uint64_t between(struct mem_air *a, uint32_t min, uint32_t max)
{
    return max > min ? min + chance_next(&a->chance) % (max - min + 1) : min;
}

/* ---------------------------------------------------------------- the air */

void mem_air_init(struct mem_air *a, uint64_t seed)
{
    *a = (struct mem_air){.chance = seed};
    TAILQ_INIT(&a->busy);
}

static void wire_rest(struct mem_wire *w)
{
    if (!w->is_busy)
        return;
    if (w->air->next == w)
        w->air->next = TAILQ_NEXT(w, entry);
    TAILQ_REMOVE(&w->air->busy, w, entry);
    w->is_busy = false;
}

static void wire_stir(struct mem_wire *w)
{
    if (w->is_busy)
        return;
    TAILQ_INSERT_TAIL(&w->air->busy, w, entry);
    w->is_busy = true;
}

/* What a wire does next, and when; false: it waits, or is empty. */
static bool wire_next(const struct mem_wire *w, uint64_t *at_ms)
{
    if (w->way->cut == MEM_CUT_HOLDS || (w->way->cut && !w->flights))
        return false;
    if (w->torn && !w->way->cut)
        *at_ms = w->air->now_ms;
    else if (w->flights)
        *at_ms = w->flights->arrive_ms;
    else
        return false;
    return true;
}

static void drop_first(struct mem_wire *w)
{
    struct mem_flight *f = w->flights;
    w->flights = f->next;
    w->bytes -= f->n;
    free(f);
}

static void lose_at_cut(struct mem_wire *w)
{
    w->air->counts.cut_off[w->way->back && w->way->back->cut]++;
    w->torn |= w->way->stream;
}

static void arrive(struct mem_wire *w)
{
    struct mem_flight *f = w->flights;
    enum mem_arrival what = w->torn && !w->way->cut ? MEM_RESET : f->what;
    if (w->way->cut == MEM_CUT_LOSES) {
        lose_at_cut(w);
        w->torn |= f->what != MEM_FRAME; /* or nobody would ever hear of the end */
        drop_first(w);
        return;
    }
    if (what != MEM_FRAME) {
        w->air->counts.resets += what == MEM_RESET && !w->torn;
        mem_wire_clear(w);
        w->arrived(w->owner, what, NULL, 0);
        return;
    }
    w->flights = f->next;
    w->bytes -= f->n;
    w->arrived(w->owner, MEM_FRAME, f->bytes, f->n);
    free(f);
}

static bool wire_pump(struct mem_wire *w)
{
    uint64_t at_ms;
    bool moved = false;
    while (w->is_busy && wire_next(w, &at_ms) && at_ms <= w->air->now_ms) {
        arrive(w);
        moved = true;
        if (!w->flights && !w->torn)
            wire_rest(w);
    }
    return moved;
}

bool mem_air_pump(struct mem_air *a)
{
    bool moved = false;
    struct mem_wire *w = TAILQ_FIRST(&a->busy);
    while (w) {
        a->next = TAILQ_NEXT(w, entry);
        moved |= wire_pump(w);
        w = a->next;
    }
    return moved;
}

uint64_t mem_air_next_ms(const struct mem_air *a)
{
    const struct mem_wire *w;
    uint64_t first_ms = UINT64_MAX, at_ms;
    TAILQ_FOREACH(w, &a->busy, entry)
    if (wire_next(w, &at_ms) && at_ms < first_ms)
        first_ms = at_ms;
    return first_ms > a->now_ms ? first_ms : a->now_ms; /* a cut may have kept it for long */
}

/* ---------------------------------------------------------------- wires */

void mem_wire_init(struct mem_wire *w, struct mem_air *air, const struct mem_way *way,
                   void (*arrived)(void *owner, enum mem_arrival what, const uint8_t *bytes,
                                   size_t n),
                   void *owner)
{
    *w = (struct mem_wire){.air = air, .way = way, .arrived = arrived, .owner = owner};
}

void mem_wire_clear(struct mem_wire *w)
{
    while (w->flights)
        drop_first(w);
    w->torn = false;
    wire_rest(w);
}

void mem_wire_fini(struct mem_wire *w)
{
    if (w->air)
        mem_wire_clear(w);
}

static bool is_fair(const struct mem_weather *m)
{
    return !m->delay_max_ms && !m->stall_permille && !m->loss_permille && !m->duplicate_permille &&
           !m->reorder_permille && !m->reset_permille;
}

bool mem_wire_is_idle(const struct mem_wire *w)
{
    return !w->is_busy && !w->way->cut && is_fair(&w->way->weather);
}

/* Keeps the flights in the order of their arrival; of equals the one sent first comes first. */
static exam_err launch(struct mem_wire *w, enum mem_arrival what, uint64_t arrive_ms,
                       const uint8_t *bytes, size_t n)
{
    struct mem_flight *f = malloc(sizeof *f + n), **at = &w->flights;
    if (!f)
        return EXAM_NOMEM;
    *f = (struct mem_flight){.arrive_ms = arrive_ms, .what = what, .n = n};
    if (n)
        memcpy(f->bytes, bytes, n);
    while (*at && (*at)->arrive_ms <= arrive_ms)
        at = &(*at)->next;
    for (const struct mem_flight *late = *at; late; late = late->next)
        w->air->counts.overtaken++;
    f->next = *at;
    *at = f;
    w->bytes += n;
    wire_stir(w);
    return EXAM_OK;
}

static uint64_t arrival_ms(struct mem_wire *w)
{
    struct mem_air *a = w->air;
    const struct mem_weather *m = &w->way->weather;
    uint64_t at_ms = a->now_ms + between(a, m->delay_min_ms, m->delay_max_ms);
    a->counts.delayed += at_ms > a->now_ms;
    if (happens(a, m->stall_permille)) {
        a->counts.stalled++;
        at_ms += m->stall_ms;
    }
    if (at_ms < w->order_ms)
        at_ms = w->order_ms;
    if (happens(a, m->reorder_permille))
        return at_ms + between(a, LATE_MS_MIN, LATE_MS_MAX);
    w->order_ms = at_ms;
    return at_ms;
}

static exam_err send_frame(struct mem_wire *w, const uint8_t *frame, size_t n)
{
    struct mem_air *a = w->air;
    const struct mem_way *way = w->way;
    const struct mem_weather *m = &way->weather;
    if (way->cut == MEM_CUT_LOSES) {
        lose_at_cut(w);
        if (w->torn)
            wire_stir(w);
        return EXAM_OK;
    }
    if (way->cut == MEM_CUT_HOLDS)
        a->counts.held[way->back && way->back->cut]++;
    if (happens(a, m->loss_permille)) {
        a->counts.lost++;
        return EXAM_OK;
    }
    uint64_t at_ms = arrival_ms(w);
    if (happens(a, m->reset_permille))
        return launch(w, MEM_RESET, at_ms, NULL, 0);
    exam_err err = launch(w, MEM_FRAME, at_ms, frame, n);
    if (!err && happens(a, m->duplicate_permille)) {
        a->counts.doubled++;
        err = launch(w, MEM_FRAME, at_ms, frame, n);
    }
    return err;
}

/* The first frame's bytes; all of them, when it is none. */
static size_t frame_bytes(const uint8_t *frames, size_t bytes)
{
    uint32_t header;
    if (bytes < FRAME_HEADER_BYTES)
        return bytes;
    memcpy(&header, frames, sizeof header);
    size_t payload = ntohl(header);
    return payload <= bytes - FRAME_HEADER_BYTES ? FRAME_HEADER_BYTES + payload : bytes;
}

exam_err mem_wire_send(struct mem_wire *w, const uint8_t *frames, size_t bytes)
{
    exam_err err = EXAM_OK;
    while (bytes && !err) {
        size_t n = frame_bytes(frames, bytes);
        err = send_frame(w, frames, n);
        frames += n;
        bytes -= n;
    }
    return err;
}

exam_err mem_wire_end(struct mem_wire *w)
{
    const struct mem_weather *m = &w->way->weather;
    uint64_t at_ms = w->air->now_ms + between(w->air, m->delay_min_ms, m->delay_max_ms);
    for (const struct mem_flight *f = w->flights; f; f = f->next)
        if (f->arrive_ms > at_ms)
            at_ms = f->arrive_ms;
    return launch(w, MEM_END, at_ms, NULL, 0);
}
