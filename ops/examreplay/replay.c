#include "replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit_code.h"
#include "language.h"
#include "report.h"

/* ---------------------------------------------------------------- memory */

static void *resize_or_end(void *ctx, void *block, size_t bytes)
{
    (void)ctx;
    if (bytes == 0) {
        free(block);
        return NULL;
    }
    void *p = realloc(block, bytes);
    if (!p) {
        report_error(_("out of memory: the state of this log needs more than this machine has"));
        exit(EXIT_CODE_INTERNAL);
    }
    return p;
}

static const struct exam_memory memory = {.resize = resize_or_end};

void replay_open(struct replay *p, store *s, struct findings *findings, volatile uint64_t *reached)
{
    *p = (struct replay){.s = s, .findings = findings, .reached = reached};
    p->arena_block = resize_or_end(NULL, NULL, ARENA_BYTES_FRAME);
    arena_init(&p->arena, p->arena_block, ARENA_BYTES_FRAME);
    if (exam_new(&memory, &p->x) != EXAM_OK) {
        report_error(_("out of memory"));
        exit(EXIT_CODE_INTERNAL);
    }
}

void replay_close(struct replay *p)
{
    exam_free(p->x);
    free(p->beyond_ms);
    free(p->arena_block);
}

/* ---------------------------------------------------------------- one record */

struct reading {
    struct replay *p;
    const struct replay_hooks *h;
    bool ended; /* by `wants` */
};

static bool begins_epoch(const Ev__Event *event)
{
    return event->kind_case == EV__EVENT__KIND_EPOCH_BEGAN;
}

/* W1: epochs only go up, and a record is of the one that has begun. */
static void check_epoch(struct replay *p, const struct replay_record *at)
{
    uint64_t epoch = exam_epoch(p->x);
    if (!begins_epoch(at->event)) {
        if (at->r->epoch != epoch)
            findings_add(p->findings, at->r->lsn,
                         _("says that it is of epoch %" PRIu64 ", in epoch %" PRIu64 " (W1)"),
                         at->r->epoch, epoch);
        return;
    }
    uint64_t begun = at->event->epoch_began->epoch;
    if (begun <= epoch || begun != at->r->epoch)
        findings_add(
            p->findings, at->r->lsn,
            _("begins epoch %" PRIu64 " (its head says %" PRIu64 ") after epoch %" PRIu64 " (W1)"),
            begun, at->r->epoch, epoch);
}

/* T4: the site's timeline never goes back. */
static void check_time(struct replay *p, const struct replay_record *at)
{
    if (at->site_ms < exam_last_ms(p->x))
        findings_add(p->findings, at->r->lsn,
                     _("goes back on the site's timeline by %" PRIu64 " ms (T4)"),
                     exam_last_ms(p->x) - at->site_ms);
}

static void check_first(struct replay *p, const struct replay_record *at)
{
    bool founds = at->event->kind_case == EV__EVENT__KIND_SITE_FOUNDED;
    if ((at->r->lsn == 1) != founds)
        findings_add(p->findings, at->r->lsn,
                     founds ? _("founds the site a second time") : _("does not found the site"));
}

static void beyond_for(struct replay *p, uint32_t sitting)
{
    size_t n = p->beyond_n > 0 ? p->beyond_n : 64;
    while (n <= sitting)
        n *= 2;
    if (n == p->beyond_n)
        return;
    p->beyond_ms = resize_or_end(NULL, p->beyond_ms, n * sizeof *p->beyond_ms);
    memset(p->beyond_ms + p->beyond_n, 0, (n - p->beyond_n) * sizeof *p->beyond_ms);
    p->beyond_n = n;
}

static void note_beyond(struct replay *p, const struct replay_record *at)
{
    const Ev__Attached *e = at->event->attached;
    struct exam_sitting_view v;
    if (at->event->kind_case != EV__EVENT__KIND_ATTACHED || e->sitting < 1 ||
        e->sitting > exam_sittings(p->x) || (!e->found && e->carried_used_ms == 0))
        return;
    exam_sitting_view(p->x, e->sitting, at->site_ms, &v);
    uint64_t accounted_ms = v.account.used_ms + v.account.lost_ms;
    uint64_t elapsed_ms = v.begun ? at->site_ms - v.begin_ms : 0;
    if (accounted_ms <= elapsed_ms)
        return;
    beyond_for(p, e->sitting);
    if (accounted_ms - elapsed_ms > p->beyond_ms[e->sitting])
        p->beyond_ms[e->sitting] = accounted_ms - elapsed_ms;
}

static void apply(struct replay *p, const struct replay_record *at)
{
    uint64_t oddities = exam_oddities(p->x);
    check_first(p, at);
    check_epoch(p, at);
    check_time(p, at);
    exam_apply(p->x, at->r, at->event);
    if (exam_oddities(p->x) != oddities)
        findings_add(p->findings, at->r->lsn,
                     _("its event does not fit what came before it: a node that decided it would "
                       "have had another state (D4)"));
    note_beyond(p, at);
}

uint64_t replay_beyond_ms(const struct replay *p, uint32_t sitting)
{
    return sitting < p->beyond_n ? p->beyond_ms[sitting] : 0;
}

static void note_progress(struct replay *p, const struct replay_record *at)
{
    if (p->lsn == 0)
        p->wall_first_ms = at->r->wall_ms;
    p->lsn = at->r->lsn;
    p->site_ms = at->site_ms;
    p->wall_ms = at->r->wall_ms;
    memcpy(p->hash, at->r->hash, HASH_BYTES);
    *p->reached = p->lsn;
}

/* The event is decoded before its record is proven, so that what applying it needs is fetched while
 * the hash is reckoned; nothing is believed of it until then. */
static exam_err record_prove(struct replay *p, const struct record *r, const Ev__Event **event)
{
    const char *why = "";
    exam_err decoded = codec_event(&p->arena, r->event, r->event_bytes, event, &why);
    if (!decoded)
        exam_apply_soon(p->x, *event);
    exam_err err = record_verify(r, p->hash);
    if (err) {
        findings_add(
            p->findings, r->lsn,
            _("is not what was written, or not here: it does not continue the chain (D8)"));
        return err;
    }
    if (decoded)
        findings_add(p->findings, r->lsn,
                     _("is what was written, but no event of this version (%s): nothing can be "
                       "reckoned from here on"),
                     why);
    return decoded ? EXAM_CORRUPT : EXAM_OK;
}

static exam_err each_record(void *ctx, const struct record *r)
{
    struct reading *reading = ctx;
    struct replay *p = reading->p;
    struct replay_record at = {.r = r};
    exam_err err = record_prove(p, r, &at.event);
    if (err)
        return err;
    at.site_ms = begins_epoch(at.event) ? at.event->epoch_began->base_ms
                                        : exam_epoch_base_ms(p->x) + r->at_ms;
    if (reading->h->wants && !reading->h->wants(reading->h->ctx, &at)) {
        reading->ended = true;
        return EXAM_AGAIN;
    }
    apply(p, &at);
    note_progress(p, &at);
    if (reading->h->seen)
        reading->h->seen(reading->h->ctx, p, &at);
    return EXAM_OK;
}

exam_err replay_to(struct replay *p, uint64_t last, const struct replay_hooks *h)
{
    struct reading reading = {.p = p, .h = h};
    uint64_t found = p->findings->n, end = store_last(p->s).lsn;
    if (last > end)
        last = end;
    if (p->lsn >= last)
        return EXAM_OK;
    exam_err err = store_read_log(p->s, p->lsn + 1, last, each_record, &reading);
    if (reading.ended)
        return EXAM_OK;
    if (err == EXAM_CORRUPT && p->findings->n == found)
        findings_add(
            p->findings, p->lsn + 1,
            _("is missing, or its page is damaged: the log goes on to record %" PRIu64 " (D8)"),
            end);
    return err;
}
