#include "name_index.h"

#include <assert.h>
#include <string.h>

static uint32_t name_hash(const char *name)
{
    uint32_t h = 2166136261u; /* FNV-1a */

    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 16777619u;
    return h ^ (h >> 15);
}

/* Where the name is, or would be. There is always a free slot, so the search ends. */
static struct name_slot *slot_of(const struct name_index *ix, const char *name)
{
    uint32_t mask = ix->slots_n - 1;
    uint32_t at = name_hash(name) & mask;

    while (ix->slots[at].name && strcmp(ix->slots[at].name, name) != 0)
        at = (at + 1) & mask;
    return &ix->slots[at];
}

static bool widen(struct name_index *ix, const struct exam_memory *m)
{
    struct name_index wide = {.slots_n = ix->slots_n > 0 ? ix->slots_n * 2 : 8, .used = ix->used};

    wide.slots = memory_take(m, wide.slots_n * sizeof *wide.slots);
    if (!wide.slots)
        return false;
    for (uint32_t i = 0; i < ix->slots_n; i++)
        if (ix->slots[i].name)
            *slot_of(&wide, ix->slots[i].name) = ix->slots[i];
    memory_drop(m, ix->slots);
    *ix = wide;
    return true;
}

void name_index_fini(struct name_index *ix, const struct exam_memory *m)
{
    memory_drop(m, ix->slots);
    *ix = (struct name_index){0};
}

uint32_t name_index_find(const struct name_index *ix, const char *name)
{
    if (ix->slots_n == 0)
        return 0;
    const struct name_slot *slot = slot_of(ix, name);
    return slot->name ? slot->value : 0;
}

void name_index_soon(const struct name_index *ix, const char *name)
{
    if (ix->slots_n > 0)
        __builtin_prefetch(&ix->slots[name_hash(name) & (ix->slots_n - 1)]);
}

bool name_index_set(struct name_index *ix, const struct exam_memory *m, const char *name,
                    uint32_t value)
{
    assert(value > 0);
    if ((ix->used + 1) * 2 > ix->slots_n && !widen(ix, m))
        return false;
    struct name_slot *slot = slot_of(ix, name);
    if (!slot->name)
        ix->used++;
    *slot = (struct name_slot){.name = name, .value = value};
    assert(ix->used * 2 <= ix->slots_n);
    return true;
}
