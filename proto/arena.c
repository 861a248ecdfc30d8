/* The bump allocator that decoding uses (codec.h).
 *
 * Every piece has its size in front of it. That is how the length of a string survives: protobuf-c
 * asks for length + 1 bytes and keeps no length, so that text behind a NUL would be there unseen.
 */
#include "codec_rules.h"

#include <assert.h>
#include <string.h>

enum { ARENA_ALIGN = 16, ARENA_SIZE_BYTES = sizeof(uint64_t) };

static void *arena_alloc(void *ctx, size_t bytes)
{
    struct arena *a = ctx;
    size_t room = a->block_bytes - a->used_bytes;
    uint64_t size = bytes;
    size_t step;
    uint8_t *piece;

    if (a->full || bytes > room || room - bytes < ARENA_SIZE_BYTES) {
        a->full = true;
        return NULL;
    }
    piece = a->block + a->used_bytes + ARENA_SIZE_BYTES;
    memcpy(piece - ARENA_SIZE_BYTES, &size, ARENA_SIZE_BYTES);

    step = (ARENA_SIZE_BYTES + bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    a->used_bytes = step < room ? a->used_bytes + step : a->block_bytes;
    assert((uintptr_t)piece % ARENA_ALIGN == 0);
    return piece;
}

/* All pieces go at once, by arena_reset. */
static void arena_free(void *ctx, void *piece)
{
    (void)ctx;
    (void)piece;
}

void arena_init(struct arena *a, void *block, size_t block_bytes)
{
    assert(block != NULL && block_bytes > 0);
    *a = (struct arena){
        .block = block,
        .block_bytes = block_bytes,
        .pb = {.alloc = arena_alloc, .free = arena_free, .allocator_data = a},
    };
    arena_reset(a);
}

void arena_reset(struct arena *a)
{
    /* The first piece is aligned, and so, by the steps above, is every other. */
    size_t skip =
        (2 * ARENA_ALIGN - ARENA_SIZE_BYTES - (uintptr_t)a->block % ARENA_ALIGN) % ARENA_ALIGN;

    a->used_bytes = skip < a->block_bytes ? skip : a->block_bytes;
    a->full = false;
}

size_t arena_string_bytes(const struct arena *a, const char *s)
{
    const uint8_t *piece = (const uint8_t *)s;
    uint64_t size;

    /* A field that was left out points to protobuf-c's own empty string. */
    if ((uintptr_t)piece < (uintptr_t)a->block ||
        (uintptr_t)piece >= (uintptr_t)a->block + a->block_bytes)
        return strlen(s);
    memcpy(&size, piece - ARENA_SIZE_BYTES, ARENA_SIZE_BYTES);
    assert(size > 0 && size <= a->used_bytes);
    return (size_t)size - 1;
}
