#include "chain_break.h"
#include "language.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- single records */

struct question {
    uint64_t lsn; /* that it would have to have */
    const uint8_t *before;
    uint8_t hash[HASH_BYTES]; /* that it has */
    bool continues;
};

static exam_err answer(void *ctx, const struct record *r)
{
    struct question *q = ctx;
    struct record as = *r;
    uint8_t hash[HASH_BYTES];
    as.lsn = q->lsn;
    memcpy(q->hash, r->hash, HASH_BYTES);
    record_reckon(&as, q->before, hash);
    q->continues = memcmp(hash, r->hash, HASH_BYTES) == 0;
    return EXAM_OK;
}

/* Whether the record that stands at `at` is, as the one of `lsn`, what follows `before`; and its
 * hash (may be NULL). */
static bool continues_as(store *s, uint64_t at, uint64_t lsn, const uint8_t before[HASH_BYTES],
                         uint8_t hash[HASH_BYTES])
{
    struct question q = {.lsn = lsn, .before = before};
    if (at > store_last(s).lsn || store_read_log(s, at, at, answer, &q))
        return false;
    if (hash)
        memcpy(hash, q.hash, HASH_BYTES);
    return q.continues;
}

static bool hash_of(store *s, uint64_t at, uint8_t hash[HASH_BYTES])
{
    static const uint8_t nothing[HASH_BYTES];
    struct question q = {.lsn = at, .before = nothing};
    if (at == 0 || at > store_last(s).lsn || store_read_log(s, at, at, answer, &q))
        return false;
    memcpy(hash, q.hash, HASH_BYTES);
    return true;
}

/* ---------------------------------------------------------------- what it may be */

static bool is_missing(store *s, uint64_t lsn, struct chain_break *out)
{
    uint8_t hash[HASH_BYTES];
    uint64_t n = 0;
    while (n < CHAIN_BREAK_REACH && lsn + n < store_last(s).lsn && !hash_of(s, lsn + n, hash))
        n++;
    *out = (struct chain_break){.kind = BREAK_MISSING, .lsn = lsn, .n = n};
    return n > 0 && n < CHAIN_BREAK_REACH;
}

/* The true one stands further on: others were put before it, or another one is in its place. */
static bool stands_further_on(store *s, uint64_t lsn, const uint8_t before[HASH_BYTES],
                              struct chain_break *out)
{
    uint8_t hash[HASH_BYTES];
    for (uint64_t n = 1; n < CHAIN_BREAK_REACH; n++) {
        if (!continues_as(s, lsn + n, lsn, before, hash))
            continue;
        /* Of neighbours that were swapped the second one stands here. */
        bool swapped = continues_as(s, n == 1 ? lsn : lsn + 1, lsn + 1, hash, NULL);
        *out = swapped
                   ? (struct chain_break){.kind = BREAK_SWAPPED, .lsn = lsn, .other_lsn = lsn + n}
                   : (struct chain_break){.kind = BREAK_INSERTED, .lsn = lsn, .n = n};
        return true;
    }
    return false;
}

/* What stands here now, and what follows, once had higher numbers: each continues the other so. */
static bool moved_up(store *s, uint64_t lsn, struct chain_break *out)
{
    uint8_t hash[HASH_BYTES];
    if (!hash_of(s, lsn, hash))
        return false;
    for (uint64_t n = 1; n < CHAIN_BREAK_REACH; n++) {
        if (!continues_as(s, lsn + 1, lsn + 1 + n, hash, NULL))
            continue;
        *out = (struct chain_break){.kind = BREAK_REMOVED, .lsn = lsn, .n = n};
        return true;
    }
    return false;
}

static bool goes_on_after(store *s, uint64_t lsn)
{
    uint8_t hash[HASH_BYTES];
    return hash_of(s, lsn, hash) &&
           (lsn == store_last(s).lsn || continues_as(s, lsn + 1, lsn + 1, hash, NULL));
}

void chain_break_find(store *s, uint64_t lsn, const uint8_t before[HASH_BYTES],
                      struct chain_break *out)
{
    *out = (struct chain_break){.kind = BREAK_NONE, .lsn = lsn};
    if (continues_as(s, lsn, lsn, before, NULL) || is_missing(s, lsn, out) ||
        stands_further_on(s, lsn, before, out) || moved_up(s, lsn, out))
        return;
    *out = (struct chain_break){.kind = goes_on_after(s, lsn) ? BREAK_CHANGED : BREAK_UNKNOWN,
                                .lsn = lsn};
}

void chain_break_words(const struct chain_break *b, char out[CHAIN_BREAK_BYTES])
{
    switch (b->kind) {
    case BREAK_CHANGED:
        snprintf(
            out, CHAIN_BREAK_BYTES,
            _("it was changed, or record %" PRIu64 " was, and sealed anew; what follows fits it"),
            b->lsn - 1);
        return;
    case BREAK_REMOVED:
        snprintf(out, CHAIN_BREAK_BYTES,
                 P_("%" PRIu64 " record before it was taken out, and the rest was moved up",
                    "%" PRIu64 " records before it were taken out, and the rest was moved up",
                    b->n),
                 b->n);
        return;
    case BREAK_MISSING:
        snprintf(out, CHAIN_BREAK_BYTES, _("records %" PRIu64 " to %" PRIu64 " are not there"),
                 b->lsn, b->lsn + b->n - 1);
        return;
    case BREAK_INSERTED:
        snprintf(out, CHAIN_BREAK_BYTES,
                 P_("%" PRIu64 " record was put in here: the true one stands at %" PRIu64,
                    "%" PRIu64 " records were put in here: the true one stands at %" PRIu64, b->n),
                 b->n, b->lsn + b->n);
        return;
    case BREAK_SWAPPED:
        snprintf(out, CHAIN_BREAK_BYTES, _("records %" PRIu64 " and %" PRIu64 " were swapped"),
                 b->lsn, b->other_lsn);
        return;
    case BREAK_NONE:
        out[0] = '\0';
        return;
    case BREAK_UNKNOWN:
        break;
    }
    snprintf(out, CHAIN_BREAK_BYTES, _("more than one record around it was changed"));
}
