#include "state_keep.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "language.h"
#include "report.h"

static void give_up(struct state_keep *k)
{
    if (k->open && state_index_close(&k->x))
        report_error("%s: %s", k->path, k->x.why);
    k->open = false;
    (void)unlink(k->path);
}

void state_keep_begin(struct state_keep *k, struct replay *p)
{
    k->open = false;
    if (store_last(p->s).lsn < STATE_KEEP_LEAST || state_cache_path(p, k->path))
        return;
    exam_err err = state_index_open(&k->x, k->path, p);
    if (err) {
        (void)unlink(k->path);
        err = state_cache_path(p, k->path);
        if (!err)
            err = state_index_open(&k->x, k->path, p);
    }
    k->open = !err;
}

bool state_keep_stand(struct state_keep *k, const struct moment *m, struct replay *p,
                      struct roles *roles)
{
    exam_err err = state_index_stand(&k->x, m, p, roles);
    if (!err)
        return true;
    report_error(_("%s does not hold together, and is made anew"), k->path);
    give_up(k);
    return false;
}

void state_keep_note(struct state_keep *k, const struct replay *p, const struct replay_record *at)
{
    if (k->open)
        state_index_note(&k->x, p, at);
}

void state_keep_end(struct state_keep *k)
{
    if (!k->open)
        return;
    k->open = false;
    uint64_t made = k->x.made;
    if (state_index_close(&k->x))
        report_error(_("no more states of this log could be kept in %s: %s"), k->path, k->x.why);
    if (made > 0)
        report_error(_("kept %" PRIu64 " states of this log in %s, sealed under its own secret: "
                       "`examreplay at` begins at one of them"),
                     made, k->path);
}

/* ---------------------------------------------------------------- with a proof */

static void watch_begin(void *ctx, struct replay *p)
{
    state_keep_begin(ctx, p);
}

static void watch_seen(void *ctx, const struct replay *p, const struct replay_record *at)
{
    state_keep_note(ctx, p, at);
}

static void watch_end(void *ctx)
{
    state_keep_end(ctx);
}

struct proof_watch state_keep_watch(struct state_keep *k)
{
    return (struct proof_watch){
        .ctx = k, .begin = watch_begin, .seen = watch_seen, .end = watch_end};
}
