#include "branch_check.h"
#include "language.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct checking {
    struct replay *p;
    const struct roles *roles;
    struct branch *list;
    size_t n;
};

/* ---------------------------------------------------------------- what there is */

static exam_err outline_each(void *ctx, const struct record *r)
{
    struct branch *b = ctx;
    if (b->records++ == 0) {
        b->first_lsn = r->lsn;
        b->epoch = r->epoch;
    }
    return EXAM_OK;
}

static exam_err outline(struct checking *c)
{
    exam_err err = EXAM_OK;
    for (;;) {
        struct branch b = {.records = 0};
        err = store_read_branch(c->p->s, c->n + 1, 0, outline_each, &b);
        if (err == EXAM_NOT_FOUND)
            return EXAM_OK;
        if (err && err != EXAM_CORRUPT)
            return err;
        if (err)
            findings_add_branch(c->p->findings, c->n + 1, b.first_lsn + b.records,
                                _("is damaged: the branch cannot be read on"));
        struct branch *more = realloc(c->list, (c->n + 1) * sizeof *more);
        if (!more)
            return EXAM_NOMEM;
        c->list = more;
        c->list[c->n++] = b;
    }
}

/* ---------------------------------------------------------------- where it begins */

struct first {
    uint8_t hash[HASH_BYTES]; /* of the candidate */
    bool found;
};

static exam_err take_hash(void *ctx, const struct record *r)
{
    struct first *f = ctx;
    memcpy(f->hash, r->hash, HASH_BYTES);
    f->found = true;
    return EXAM_AGAIN; /* one is enough */
}

struct fit {
    const uint8_t *before;
    bool fits;
};

static exam_err try_fit(void *ctx, const struct record *r)
{
    struct fit *fit = ctx;
    fit->fits = record_verify(r, fit->before) == EXAM_OK;
    return EXAM_AGAIN;
}

static bool fits_after(struct checking *c, uint64_t branch, const struct first *f)
{
    struct fit fit = {.before = f->hash};
    exam_err err = f->found ? store_read_branch(c->p->s, branch, 0, try_fit, &fit) : EXAM_NOT_FOUND;
    return err == EXAM_AGAIN && fit.fits;
}

/* The hash of the record before the branch's first one: of the log, or of branch `parent`. False:
 * it has none there. */
static bool candidate(struct checking *c, uint64_t parent, uint64_t lsn, struct first *f)
{
    exam_err err;
    *f = (struct first){.found = lsn == 0}; /* before the first record: zeros */
    if (lsn == 0)
        return parent == 0;
    if (parent == 0)
        err = lsn <= c->p->lsn ? store_read_log(c->p->s, lsn, lsn, take_hash, f) : EXAM_NOT_FOUND;
    else if (lsn >= c->list[parent - 1].first_lsn &&
             lsn < c->list[parent - 1].first_lsn + c->list[parent - 1].records)
        err = store_read_branch(c->p->s, parent, lsn, take_hash, f);
    else
        err = EXAM_NOT_FOUND;
    return err == EXAM_AGAIN && f->found;
}

/* It continues the log, or a branch that was set apart later. */
static void place(struct checking *c, uint64_t branch)
{
    struct branch *b = &c->list[branch - 1];
    struct first f;
    b->parent = branch;
    for (uint64_t parent = 0; parent <= c->n; parent++) {
        if (parent == branch || !candidate(c, parent, b->first_lsn - 1, &f) ||
            !fits_after(c, branch, &f))
            continue;
        b->parent = parent;
        memcpy(b->before, f.hash, HASH_BYTES);
        return;
    }
    findings_add_branch(c->p->findings, branch, b->first_lsn,
                        _("continues neither the log nor another branch of this folder: it is not "
                          "what was written, or what lay before it is gone (D8)"));
}

/* ---------------------------------------------------------------- along it */

struct walk {
    struct checking *c;
    struct branch *b;
    uint64_t branch;
    uint8_t hash[HASH_BYTES];
    uint32_t tag; /* of the epoch */
    bool tag_known;
};

/* What a primary adopts or shows; of marks and contacts it tells once a branch. */
static bool is_act(Ev__Event__KindCase kind)
{
    switch (kind) {
    case EV__EVENT__KIND_ANSWERED:
    case EV__EVENT__KIND_SUBMITTED:
    case EV__EVENT__KIND_GRANTED:
    case EV__EVENT__KIND_VIOLATION_NOTED:
    case EV__EVENT__KIND_INCIDENT_NOTED:
    case EV__EVENT__KIND_INCIDENT_OPENED:
    case EV__EVENT__KIND_PAUSED:
    case EV__EVENT__KIND_RESUMED:
    case EV__EVENT__KIND_MOVED:
    case EV__EVENT__KIND_BATCH_STARTED:
    case EV__EVENT__KIND_BATCH_COLLECTED:
    case EV__EVENT__KIND_BATCH_POSTPONED:
    case EV__EVENT__KIND_BATCH_SUSPENDED:
    case EV__EVENT__KIND_BATCH_UNSUSPENDED:
    case EV__EVENT__KIND_IMPORT_COMPLETED:
    case EV__EVENT__KIND_RECOVERED:
        return true;
    default:
        return false;
    }
}

/* `tag_known` is false where the epoch's begin lies in another branch: then it is not known whether
 * the log has it. */
static void walk_event(struct walk *w, const struct record *r, const Ev__Event *event)
{
    if (event->kind_case == EV__EVENT__KIND_EPOCH_BEGAN) {
        w->tag = record_tag(r->hash);
        w->tag_known = true;
    }
    if (!is_act(event->kind_case))
        return;
    w->b->acts++;
    w->b->recovered += w->tag_known && exam_recovered(w->c->p->x, r->epoch, w->tag, r->lsn);
}

static exam_err walk_each(void *ctx, const struct record *r)
{
    struct walk *w = ctx;
    struct replay *p = w->c->p;
    const Ev__Event *event;
    const char *why = "";
    if (r->lsn != w->b->last_lsn + 1 || record_verify(r, w->hash) != EXAM_OK) {
        findings_add_branch(p->findings, w->branch, w->b->last_lsn + 1,
                            _("is not what was written, or not here (D8)"));
        return EXAM_AGAIN;
    }
    if (codec_event(&p->arena, r->event, r->event_bytes, &event, &why) != EXAM_OK)
        findings_add_branch(p->findings, w->branch, r->lsn, _("is no event of this version (%s)"),
                            why);
    else
        walk_event(w, r, event);
    memcpy(w->hash, r->hash, HASH_BYTES);
    w->b->last_lsn = r->lsn;
    return EXAM_OK;
}

/* Which epoch it was cut out of, known by its EpochBegan (W1): in the log, or earlier in a branch.
 */
static bool tag_before(struct checking *c, const struct branch *b, uint32_t *tag)
{
    const struct role_epoch *epoch =
        b->parent == 0 && b->first_lsn > 0 ? roles_at(c->roles, b->first_lsn - 1) : NULL;
    if (epoch)
        *tag = epoch->tag;
    return epoch != NULL;
}

static exam_err walk(struct checking *c, uint64_t branch)
{
    struct branch *b = &c->list[branch - 1];
    struct walk w = {.c = c, .b = b, .branch = branch};
    b->last_lsn = b->first_lsn - 1;
    memcpy(w.hash, b->before, HASH_BYTES);
    w.tag_known = tag_before(c, b, &w.tag);
    exam_err err = store_read_branch(c->p->s, branch, 0, walk_each, &w);
    return err == EXAM_AGAIN || err == EXAM_CORRUPT ? EXAM_OK : err;
}

exam_err branches_check(struct replay *p, const struct roles *roles, struct branch **out, size_t *n)
{
    struct checking c = {.p = p, .roles = roles};
    uint64_t records = 0;
    exam_err err = outline(&c);
    for (uint64_t i = 1; i <= c.n && !err; i++) {
        place(&c, i);
        if (c.list[i - 1].parent != i)
            err = walk(&c, i);
        records += c.list[i - 1].records;
    }
    if (!err && records != store_branch_records(p->s))
        findings_add(p->findings, 0,
                     _("the dead branches have %" PRIu64 " records, and %" PRIu64
                       " can be read: a branch is missing (D8)"),
                     store_branch_records(p->s), records);
    if (err) {
        free(c.list);
        return err;
    }
    *out = c.list;
    *n = c.n;
    return EXAM_OK;
}
