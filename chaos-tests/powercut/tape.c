#include "tape.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A recording without all of its calls would prove nothing: without memory the program ends. */
static void *grow(void *block, size_t *max, size_t need, size_t item_bytes)
{
    if (need <= *max)
        return block;
    while (*max < need)
        *max = *max ? *max * 2 : 1024;
    void *p = realloc(block, *max * item_bytes);
    if (!p)
        abort();
    return p;
}

void tape_init(struct tape *t)
{
    memset(t, 0, sizeof *t);
}

void tape_fini(struct tape *t)
{
    free(t->ops);
    free(t->bytes);
    tape_init(t);
}

static struct tape_op *add(struct tape *t, enum tape_kind kind)
{
    t->ops = grow(t->ops, &t->ops_max, t->ops_n + 1, sizeof *t->ops);
    struct tape_op *op = &t->ops[t->ops_n++];
    *op = (struct tape_op){.kind = kind, .bytes_at = t->bytes_n};
    return op;
}

void tape_write_more(struct tape *t, const void *bytes, size_t n)
{
    assert(t->ops_n && t->ops[t->ops_n - 1].kind == TAPE_WRITE);
    t->bytes = grow(t->bytes, &t->bytes_max, t->bytes_n + n, 1);
    memcpy(t->bytes + t->bytes_n, bytes, n);
    t->bytes_n += n;
    t->ops[t->ops_n - 1].bytes += n;
}

void tape_write(struct tape *t, uint64_t at, bool synced, const void *bytes, size_t n)
{
    struct tape_op *op = add(t, TAPE_WRITE);
    op->at = at;
    op->synced = synced;
    tape_write_more(t, bytes, n);
}

void tape_flush(struct tape *t)
{
    add(t, TAPE_FLUSH);
}

void tape_reported(struct tape *t)
{
    add(t, TAPE_REPORTED);
}

size_t tape_count(const struct tape *t, enum tape_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < t->ops_n; i++)
        n += t->ops[i].kind == kind;
    return n;
}
