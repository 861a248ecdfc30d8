#include "tables.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "entry.h"
#include "language.h"

/* As node/serve/engine.c writes them: `state` (LSN u64), `epoch/` and the epoch's number u64 (first
 * LSN u64, its hash, whether it is the node's own), all integers big-endian. */
static const char META_STATE[] = "state", META_EPOCH[] = "epoch/";
enum {
    META_STATE_BYTES = 8,
    META_EPOCH_KEY_BYTES = sizeof META_EPOCH - 1 + 8,
    META_EPOCH_BYTES = 8 + HASH_BYTES + 1,
};

static uint64_t get_u64(const uint8_t *in)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | in[i];
    return v;
}

exam_err tables_open(struct tables *t, store *s, struct findings *f)
{
    const uint8_t *v;
    size_t n;
    *t = (struct tables){.lsn = 0};
    exam_err err = store_get(s, STORE_META, META_STATE, sizeof META_STATE - 1, &v, &n);
    if (err == EXAM_NOT_FOUND)
        return EXAM_OK;
    if (err)
        return err;
    uint64_t lsn = n == META_STATE_BYTES ? get_u64(v) : UINT64_MAX;
    if (lsn > store_last(s).lsn) {
        findings_add(f, 0,
                     _("the state tables say that they stand for record %" PRIu64
                       ", and the log ends with record %" PRIu64 ": its end was removed (D8)"),
                     lsn, store_last(s).lsn);
        return EXAM_CORRUPT;
    }
    t->lsn = lsn;
    return EXAM_OK;
}

/* ---------------------------------------------------------------- the state */

struct comparing {
    struct tables *t;
    struct replay *p;
    uint64_t in_table;
};

static void name_entry(const struct replay *p, const uint8_t *key, size_t key_bytes, char *out,
                       size_t out_bytes)
{
    static const char *const kinds[] = {
        [ENTRY_SITE] = N_("site"),
        [ENTRY_ROOM] = N_("room"),
        [ENTRY_PAPER] = N_("paper"),
        [ENTRY_PAPER_TEXT] = N_("paper text"),
        [ENTRY_BATCH] = N_("batch"),
        [ENTRY_ROSTER] = N_("roster line of sitting"),
        [ENTRY_ACCOUNT] = N_("account of sitting"),
        [ENTRY_ANSWERS] = N_("answers of sitting"),
        [ENTRY_INCIDENT] = N_("incident"),
        [ENTRY_PAUSE] = N_("pause"),
        [ENTRY_INTERRUPTIONS] = N_("interruptions of sitting"),
    };
    struct entry e;
    if (!entry_key_get(key, key_bytes, &e)) {
        snprintf(out, out_bytes, _("an entry of no known kind"));
        return;
    }
    bool sitting = e.kind == ENTRY_ROSTER || e.kind == ENTRY_ACCOUNT || e.kind == ENTRY_ANSWERS ||
                   e.kind == ENTRY_INTERRUPTIONS;
    if (sitting)
        snprintf(out, out_bytes, _("the %s %s"), _(kinds[e.kind]),
                 exam_scope_name(p->x, EV__SCOPE_KIND__SCOPE_KIND_SITTING, e.no));
    else
        snprintf(out, out_bytes, _("the %s, number %" PRIu32), _(kinds[e.kind]), e.no);
}

static exam_err compare_entry(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                              size_t value_bytes)
{
    struct comparing *c = ctx;
    const uint8_t *stored;
    size_t stored_bytes;
    char name[160];
    exam_err err = store_get(c->p->s, STORE_STATE, key, key_bytes, &stored, &stored_bytes);
    c->t->entries++;
    if (!err && stored_bytes == value_bytes && memcmp(stored, value, value_bytes) == 0)
        return EXAM_OK;
    name_entry(c->p, key, key_bytes, name, sizeof name);
    findings_add(
        c->p->findings, 0,
        err == EXAM_NOT_FOUND
            ? _("the state tables: %s is not there, against what the log says at record "
                "%" PRIu64 " (D4)")
            : _("the state tables: %s is not what the log says at record %" PRIu64 " (D4)"),
        name, c->t->lsn);
    return EXAM_OK;
}

static exam_err count_entry(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                            size_t value_bytes)
{
    struct comparing *c = ctx;
    (void)key;
    (void)key_bytes;
    (void)value;
    (void)value_bytes;
    c->in_table++;
    return EXAM_OK;
}

void tables_compare_state(struct tables *t, struct replay *p)
{
    struct comparing c = {.t = t, .p = p};
    uint64_t before = p->findings->n;
    exam_err err = exam_entries(p->x, compare_entry, &c);
    if (!err)
        err = store_read_table(p->s, STORE_STATE, "", 0, count_entry, &c);
    if (err)
        findings_add(p->findings, 0, _("the state tables cannot be read: %s"), exam_err_text(err));
    else if (c.in_table != t->entries && p->findings->n == before)
        findings_add(
            p->findings, 0,
            _("the state tables have %" PRIu64 " entries, the log accounts for %" PRIu64 " (D4)"),
            c.in_table, t->entries);
}

/* ---------------------------------------------------------------- the epochs */

struct epochs {
    struct tables *t;
    struct replay *p;
    const struct roles *roles;
    size_t n;
};

static const struct role_epoch *epoch_of(const struct roles *r, uint64_t epoch)
{
    for (size_t i = 0; i < r->epochs_n; i++)
        if (r->epochs[i].epoch == epoch)
            return &r->epochs[i];
    return NULL;
}

static exam_err compare_epoch(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                              size_t value_bytes)
{
    struct epochs *e = ctx;
    bool form = key_bytes == META_EPOCH_KEY_BYTES && value_bytes == META_EPOCH_BYTES;
    uint64_t number = form ? get_u64(key + sizeof META_EPOCH - 1) : 0;
    const struct role_epoch *epoch = form ? epoch_of(e->roles, number) : NULL;
    e->n++;
    if (epoch && get_u64(value) == epoch->lsn && memcmp(value + 8, epoch->hash, HASH_BYTES) == 0) {
        e->t->own_epochs += value[8 + HASH_BYTES];
        return EXAM_OK;
    }
    findings_add(e->p->findings, 0,
                 _("the node's note of epoch %" PRIu64 " (record %" PRIu64 ") is not what the log "
                   "says (W1)"),
                 number, form ? get_u64(value) : 0);
    return EXAM_OK;
}

void tables_compare_epochs(struct tables *t, struct replay *p, const struct roles *roles)
{
    struct epochs e = {.t = t, .p = p, .roles = roles};
    exam_err err =
        store_read_table(p->s, STORE_META, META_EPOCH, sizeof META_EPOCH - 1, compare_epoch, &e);
    if (err)
        findings_add(p->findings, 0, _("the node's notes cannot be read: %s"), exam_err_text(err));
    else if (e.n != roles->epochs_n)
        findings_add(p->findings, 0, _("the node has noted %zu epochs, and the log has %zu (W1)"),
                     e.n, roles->epochs_n);
}

static void put_u64(uint8_t *out, uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        out[i] = (uint8_t)v;
}

void tables_note_epochs(store *s, const struct roles *roles)
{
    for (size_t i = 0; i < roles->epochs_n; i++) {
        uint8_t key[META_EPOCH_KEY_BYTES], value[META_EPOCH_BYTES] = {0};
        memcpy(key, META_EPOCH, sizeof META_EPOCH - 1);
        put_u64(key + sizeof META_EPOCH - 1, roles->epochs[i].epoch);
        put_u64(value, roles->epochs[i].lsn);
        memcpy(value + 8, roles->epochs[i].hash, HASH_BYTES);
        store_put(s, STORE_META, key, sizeof key, value, sizeof value);
    }
}
