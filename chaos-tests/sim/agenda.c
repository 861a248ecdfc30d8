#include "agenda.h"

#include <assert.h>
#include <stdlib.h>

/* A place in the heap holds time and number in one: comparing two is one comparison, and of two
 * equal times the lower number is the smaller. */
enum { NUMBER_BITS = 16 };

static const uint64_t NEVER = UINT64_MAX >> NUMBER_BITS;

static uint32_t number_of(uint64_t key)
{
    return (uint32_t)(key & ((1u << NUMBER_BITS) - 1));
}

static uint64_t key_of(uint64_t at_ms, uint32_t number)
{
    return (at_ms < NEVER ? at_ms : NEVER) << NUMBER_BITS | number;
}

exam_err agenda_init(struct agenda *a, uint32_t max)
{
    *a = (struct agenda){.n = max};
    if (max > AGENDA_MAX)
        return EXAM_INVALID;
    a->heap = malloc((max + 1) * sizeof *a->heap);
    a->places = malloc((max + 1) * sizeof *a->places);
    if (!a->heap || !a->places) {
        agenda_fini(a);
        return EXAM_NOMEM;
    }
    for (uint32_t i = 0; i < max; i++) {
        a->heap[i] = key_of(UINT64_MAX, i);
        a->places[i] = i;
    }
    return EXAM_OK;
}

void agenda_fini(struct agenda *a)
{
    free(a->heap);
    free(a->places);
    *a = (struct agenda){0};
}

static void put(struct agenda *a, uint32_t place, uint64_t key)
{
    a->heap[place] = key;
    a->places[number_of(key)] = place;
}

static void rise(struct agenda *a, uint32_t place, uint64_t key)
{
    while (place > 0) {
        uint32_t above = (place - 1) / 2;
        if (key >= a->heap[above])
            break;
        put(a, place, a->heap[above]);
        place = above;
    }
    put(a, place, key);
}

static void sink(struct agenda *a, uint32_t place, uint64_t key)
{
    for (;;) {
        uint32_t below = 2 * place + 1;
        if (below >= a->n)
            break;
        if (below + 1 < a->n && a->heap[below + 1] < a->heap[below])
            below++;
        if (a->heap[below] >= key)
            break;
        put(a, place, a->heap[below]);
        place = below;
    }
    put(a, place, key);
}

void agenda_set(struct agenda *a, uint32_t number, uint64_t at_ms)
{
    assert(number < a->n);
    uint32_t place = a->places[number];
    uint64_t before = a->heap[place], key = key_of(at_ms, number);
    if (key < before)
        rise(a, place, key);
    else if (key > before)
        sink(a, place, key);
}

uint64_t agenda_first_ms(const struct agenda *a)
{
    uint64_t at_ms = a->n ? a->heap[0] >> NUMBER_BITS : NEVER;
    return at_ms < NEVER ? at_ms : UINT64_MAX;
}

bool agenda_due(const struct agenda *a, uint64_t now_ms, uint32_t *number)
{
    if (agenda_first_ms(a) > now_ms || !a->n)
        return false;
    *number = number_of(a->heap[0]);
    return true;
}
