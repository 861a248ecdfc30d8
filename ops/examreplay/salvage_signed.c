#include "salvage_signed.h"

#include <stdlib.h>
#include <string.h>

#include "exit_code.h"
#include "language.h"
#include "report.h"

enum { PREFIX_BYTES = sizeof CHECKPOINT_PREFIX - 1 };

void salvage_signed_add(struct salvage_signed *s, const uint8_t *key, size_t key_bytes,
                        const uint8_t *value, size_t value_bytes)
{
    struct checkpoint c;
    uint8_t own_key[CHECKPOINT_KEY_BYTES_MAX];
    if (key_bytes < PREFIX_BYTES || memcmp(key, CHECKPOINT_PREFIX, PREFIX_BYTES) != 0 ||
        checkpoint_take(value, value_bytes, &c) || checkpoint_key(&c, own_key) != key_bytes ||
        memcmp(own_key, key, key_bytes) != 0)
        return;
    if (s->n == s->max) {
        s->max = s->max ? 2 * s->max : 256;
        struct checkpoint *more = realloc(s->at, s->max * sizeof *more);
        if (!more) {
            report_error(_("out of memory"));
            exit(EXIT_CODE_INTERNAL);
        }
        s->at = more;
    }
    s->at[s->n++] = c;
}

static int by_place(const void *a, const void *b)
{
    const struct checkpoint *x = a, *y = b;
    uint8_t bytes[2][CHECKPOINT_BYTES];
    if (x->at.lsn != y->at.lsn)
        return x->at.lsn < y->at.lsn ? -1 : 1;
    checkpoint_put(x, bytes[0]);
    checkpoint_put(y, bytes[1]);
    return memcmp(bytes[0], bytes[1], CHECKPOINT_BYTES);
}

/* Pages that LMDB has left behind hold older copies. */
void salvage_signed_settle(struct salvage_signed *s, const struct key_roster *roster)
{
    size_t n = 0;
    struct checkpoint before = {.at = {.lsn = 0}};
    if (s->n > 0)
        qsort(s->at, s->n, sizeof *s->at, by_place);
    for (size_t i = 0; i < s->n; i++) {
        bool copy = i > 0 && by_place(&before, &s->at[i]) == 0;
        bool forged = !copy && roster && checkpoint_verify(&s->at[i], roster, NULL) != EXAM_OK;
        before = s->at[i];
        s->forged += forged;
        if (copy || forged)
            continue;
        s->at[n++] = s->at[i];
    }
    s->n = n;
    s->checked = roster != NULL;
}

void salvage_signed_fini(struct salvage_signed *s)
{
    free(s->at);
}

static size_t lower_bound(const struct salvage_signed *s, uint64_t lsn)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->at[middle].at.lsn < lsn)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct checkpoint *salvage_signed_of(const struct salvage_signed *s, const struct record *r)
{
    for (size_t i = lower_bound(s, r->lsn); i < s->n && s->at[i].at.lsn == r->lsn; i++)
        if (s->at[i].at.epoch == r->epoch && memcmp(s->at[i].at.hash, r->hash, HASH_BYTES) == 0)
            return &s->at[i];
    return NULL;
}

const struct checkpoint *salvage_signed_before(const struct salvage_signed *s,
                                               const struct record *r)
{
    for (size_t i = lower_bound(s, r->lsn - 1); i < s->n && s->at[i].at.lsn == r->lsn - 1; i++)
        if (record_verify(r, s->at[i].at.hash) == EXAM_OK)
            return &s->at[i];
    return NULL;
}
