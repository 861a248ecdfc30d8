#include "bytes.h"

#include <string.h>

void bytes_out_fini(struct bytes_out *o)
{
    memory_drop(o->m, o->at);
    *o = (struct bytes_out){.m = o->m};
}

uint8_t *bytes_out_room(struct bytes_out *o, size_t n)
{
    size_t cap = o->cap > 0 ? o->cap : 256;

    if (o->failed)
        return NULL;
    while (cap < o->n + n)
        cap *= 2;
    if (cap > o->cap) {
        uint8_t *grown = o->m->resize(o->m->ctx, o->at, cap);
        if (!grown) {
            o->failed = true;
            return NULL;
        }
        o->at = grown;
        o->cap = cap;
    }
    o->n += n;
    return o->at + o->n - n;
}

void bytes_put(struct bytes_out *o, const void *from, size_t n)
{
    uint8_t *to = bytes_out_room(o, n);

    if (to && n > 0)
        memcpy(to, from, n);
}

void bytes_put_varint(struct bytes_out *o, uint64_t v)
{
    uint8_t group[10];
    size_t n = 0;

    for (; v >= 0x80; v >>= 7)
        group[n++] = (uint8_t)(v | 0x80);
    group[n++] = (uint8_t)v;
    bytes_put(o, group, n);
}

const uint8_t *bytes_get(struct bytes_in *i, size_t n)
{
    if (i->failed || n > i->n) {
        i->failed = true;
        return NULL;
    }
    i->at += n;
    i->n -= n;
    return i->at - n;
}

uint64_t bytes_get_varint(struct bytes_in *i)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t *group = bytes_get(i, 1);
        if (!group)
            return 0;
        v |= (uint64_t)(*group & 0x7f) << shift;
        if (!(*group & 0x80))
            return v;
    }
    i->failed = true;
    return 0;
}
