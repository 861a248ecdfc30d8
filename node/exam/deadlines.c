#include "deadlines.h"

#include <assert.h>

static void put(struct deadlines *d, uint32_t at, struct deadline entry)
{
    d->heap[at] = entry;
    d->place[entry.sitting] = at + 1;
}

static void sift_up(struct deadlines *d, uint32_t at)
{
    struct deadline entry = d->heap[at];

    while (at > 0 && d->heap[(at - 1) / 2].at_ms > entry.at_ms) {
        put(d, at, d->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(d, at, entry);
}

static void sift_down(struct deadlines *d, uint32_t at)
{
    struct deadline entry = d->heap[at];

    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= d->n)
            break;
        if (child + 1 < d->n && d->heap[child + 1].at_ms < d->heap[child].at_ms)
            child++;
        if (d->heap[child].at_ms >= entry.at_ms)
            break;
        put(d, at, d->heap[child]);
        at = child;
    }
    put(d, at, entry);
}

static void take_out(struct deadlines *d, uint32_t sitting)
{
    uint32_t at = d->place[sitting] - 1;

    assert(at < d->n);
    d->place[sitting] = 0;
    d->n--;
    if (at == d->n)
        return;
    put(d, at, d->heap[d->n]);
    sift_down(d, at);
    sift_up(d, at);
}

void deadlines_fini(struct deadlines *d, const struct exam_memory *m)
{
    memory_drop(m, d->heap);
    memory_drop(m, d->place);
    *d = (struct deadlines){0};
}

uint64_t deadlines_first_ms(const struct deadlines *d)
{
    return d->n > 0 ? d->heap[0].at_ms : UINT64_MAX;
}

uint64_t deadlines_of(const struct deadlines *d, uint32_t sitting)
{
    if (sitting >= d->place_cap || d->place[sitting] == 0)
        return UINT64_MAX;
    return d->heap[d->place[sitting] - 1].at_ms;
}

void deadlines_set(struct deadlines *d, const struct exam_memory *m, uint32_t sitting,
                   uint64_t at_ms)
{
    uint64_t old_ms = deadlines_of(d, sitting);

    if (at_ms == old_ms)
        return;
    if (at_ms == UINT64_MAX) {
        take_out(d, sitting);
        return;
    }
    if (old_ms == UINT64_MAX) {
        d->heap = memory_grow(m, d->heap, &d->heap_cap, d->n + 1, sizeof *d->heap);
        d->place = memory_grow(m, d->place, &d->place_cap, sitting + 1, sizeof *d->place);
        put(d, d->n++, (struct deadline){.at_ms = at_ms, .sitting = sitting});
    }
    uint32_t at = d->place[sitting] - 1;
    d->heap[at].at_ms = at_ms;
    if (at_ms < old_ms)
        sift_up(d, at);
    else
        sift_down(d, at);
    assert(d->heap[d->place[sitting] - 1].sitting == sitting);
}

void deadlines_clear(struct deadlines *d)
{
    while (d->n > 0)
        d->place[d->heap[--d->n].sitting] = 0;
}
