#include "memory.h"

#include <assert.h>
#include <string.h>

void *memory_take(const struct exam_memory *m, size_t bytes)
{
    void *block = m->resize(m->ctx, NULL, bytes > 0 ? bytes : 1);

    if (block)
        memset(block, 0, bytes);
    return block;
}

void *memory_need(const struct exam_memory *m, size_t bytes)
{
    void *block = memory_take(m, bytes);

    assert(block);
    return block;
}

char *memory_text(const struct exam_memory *m, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = memory_need(m, bytes);

    memcpy(copy, text, bytes);
    return copy;
}

void memory_drop(const struct exam_memory *m, void *block)
{
    if (block)
        m->resize(m->ctx, block, 0);
}

void *memory_grow(const struct exam_memory *m, void *array, uint32_t *cap, uint32_t n, size_t each)
{
    uint32_t room = *cap > 0 ? *cap : 4;

    if (n <= *cap)
        return array;
    while (room < n)
        room *= 2;
    uint8_t *grown = m->resize(m->ctx, array, room * each);
    assert(grown);
    memset(grown + *cap * each, 0, (room - *cap) * each);
    *cap = room;
    return grown;
}
