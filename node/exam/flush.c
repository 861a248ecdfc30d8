#include <assert.h>
#include <sodium.h>

#include "entry.h"

/* Walks entries with one buffer for all values; without a `put` it only counts them. */
struct walk {
    const exam *x;
    struct bytes_out value;
    exam_put put;
    void *ctx;
    size_t n;
    exam_err err;
};

static void walk_entry(struct walk *w, const struct entry *e)
{
    uint8_t key[ENTRY_KEY_BYTES_MAX];

    if (w->err != EXAM_OK || !entry_exists(w->x, e))
        return;
    w->n++;
    if (!w->put)
        return;
    w->value.n = 0;
    entry_value_put(w->x, e, &w->value);
    if (w->value.failed) {
        w->err = EXAM_NOMEM;
        return;
    }
    size_t key_bytes = entry_key_put(e, key);
    w->err = w->put(w->ctx, key, key_bytes, w->value.at, w->value.n);
}

static void walk_one(struct walk *w, enum entry_kind kind, uint32_t no)
{
    walk_entry(w, &(struct entry){.kind = kind, .no = no});
}

static void walk_text(struct walk *w, uint32_t no, uint32_t from_piece)
{
    for (uint32_t i = from_piece; i < entry_pieces(&w->x->papers[no - 1]); i++)
        walk_entry(w, &(struct entry){.kind = ENTRY_PAPER_TEXT, .no = no, .piece = i});
}

static uint32_t piece_dirty_from(const struct paper *p)
{
    return p->text_dirty_from / PAPER_CHUNK_BYTES_MAX;
}

static void walk_dirty_sitting(struct walk *w, uint32_t no)
{
    static const struct {
        unsigned dirty;
        enum entry_kind kind;
    } entries[] = {{DIRTY_ROSTER, ENTRY_ROSTER},
                   {DIRTY_ACCOUNT, ENTRY_ACCOUNT},
                   {DIRTY_ANSWERS, ENTRY_ANSWERS},
                   {DIRTY_INTERRUPTIONS, ENTRY_INTERRUPTIONS}};

    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        if (w->x->sittings[no - 1].dirty & entries[i].dirty)
            walk_one(w, entries[i].kind, no);
}

static void walk_dirty(struct walk *w)
{
    const exam *x = w->x;

    if (x->site_dirty)
        walk_one(w, ENTRY_SITE, 0);
    for (uint32_t i = 0; i < x->rooms_n; i++)
        if (x->rooms[i].dirty)
            walk_one(w, ENTRY_ROOM, i + 1);
    for (uint32_t i = 0; i < x->papers_n; i++)
        if (x->papers[i].dirty) {
            walk_one(w, ENTRY_PAPER, i + 1);
            walk_text(w, i + 1, piece_dirty_from(&x->papers[i]));
        }
    for (uint32_t i = 0; i < x->batches_n; i++)
        if (x->batches[i].dirty)
            walk_one(w, ENTRY_BATCH, i + 1);
    for (uint32_t i = 0; i < x->incidents_n; i++)
        if (x->incidents[i].dirty)
            walk_one(w, ENTRY_INCIDENT, i + 1);
    for (uint32_t i = 0; i < x->pauses_n; i++)
        if (x->pauses[i].dirty)
            walk_one(w, ENTRY_PAUSE, i + 1);
    for (uint32_t i = 0; i < x->dirty_n; i++)
        walk_dirty_sitting(w, x->dirty[i]);
}

static void all_clean(exam *x)
{
    x->site_dirty = false;
    for (uint32_t i = 0; i < x->rooms_n; i++)
        x->rooms[i].dirty = false;
    for (uint32_t i = 0; i < x->papers_n; i++) {
        x->papers[i].dirty = false;
        x->papers[i].text_dirty_from = x->papers[i].have;
    }
    for (uint32_t i = 0; i < x->batches_n; i++)
        x->batches[i].dirty = false;
    for (uint32_t i = 0; i < x->incidents_n; i++)
        x->incidents[i].dirty = false;
    for (uint32_t i = 0; i < x->pauses_n; i++)
        x->pauses[i].dirty = false;
    for (uint32_t i = 0; i < x->dirty_n; i++)
        x->sittings[x->dirty[i] - 1].dirty = 0;
    x->dirty_n = 0;
}

/* After a failure everything is as dirty as before: nothing is known to have been kept (D6). */
exam_err exam_flush(exam *x, exam_put put, void *ctx)
{
    struct walk w = {.x = x, .value = {.m = &x->memory}, .put = put, .ctx = ctx};

    walk_dirty(&w);
    if (w.err == EXAM_OK)
        all_clean(x);
    bytes_out_fini(&w.value);
    return w.err;
}

size_t exam_flush_pending(const exam *x)
{
    struct walk w = {.x = x};

    walk_dirty(&w);
    return w.n;
}

static exam_err digest_put(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                           size_t value_bytes)
{
    /* lengths, so that no two lists of entries are the same bytes */
    const uint8_t lengths[5] = {(uint8_t)key_bytes, (uint8_t)(value_bytes >> 24),
                                (uint8_t)(value_bytes >> 16), (uint8_t)(value_bytes >> 8),
                                (uint8_t)value_bytes};

    crypto_generichash_update(ctx, lengths, sizeof lengths);
    crypto_generichash_update(ctx, key, key_bytes);
    crypto_generichash_update(ctx, value, value_bytes);
    return EXAM_OK;
}

static void walk_all(struct walk *w)
{
    const exam *x = w->x;

    walk_one(w, ENTRY_SITE, 0);
    for (uint32_t i = 1; i <= x->rooms_n; i++)
        walk_one(w, ENTRY_ROOM, i);
    for (uint32_t i = 1; i <= x->papers_n; i++)
        walk_one(w, ENTRY_PAPER, i);
    for (uint32_t i = 1; i <= x->papers_n; i++)
        walk_text(w, i, 0);
    for (uint32_t i = 1; i <= x->batches_n; i++)
        walk_one(w, ENTRY_BATCH, i);
    for (enum entry_kind kind = ENTRY_ROSTER; kind <= ENTRY_ANSWERS; kind++)
        for (uint32_t i = 1; i <= x->sittings_n; i++)
            walk_one(w, kind, i);
    for (uint32_t i = 1; i <= x->incidents_n; i++)
        walk_one(w, ENTRY_INCIDENT, i);
    for (uint32_t i = 1; i <= x->pauses_n; i++)
        walk_one(w, ENTRY_PAUSE, i);
    for (uint32_t i = 1; i <= x->sittings_n; i++)
        walk_one(w, ENTRY_INTERRUPTIONS, i);
}

exam_err exam_entries(const exam *x, exam_put put, void *ctx)
{
    struct walk w = {.x = x, .value = {.m = &x->memory}, .put = put, .ctx = ctx};

    walk_all(&w);
    bytes_out_fini(&w.value);
    return w.err;
}

void exam_digest(const exam *x, uint8_t out[HASH_BYTES])
{
    crypto_generichash_state hash;

    crypto_generichash_init(&hash, NULL, 0, HASH_BYTES);
    exam_err err = exam_entries(x, digest_put, &hash);
    assert(err == EXAM_OK); /* like apply: the node's allocator does not fail */
    crypto_generichash_final(&hash, out, HASH_BYTES);
}
