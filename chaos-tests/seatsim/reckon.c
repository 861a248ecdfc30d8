#include "reckon.h"

#include <stdlib.h>

enum {
    SAME_PAUSE_MS = 1000, /* told to two seats of a room within so long: it is the same one */
    LATE_FACTOR = 2,      /* a notice is late by what a request takes; twice that to be safe */
};

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

void reckon_init(struct reckoning *r, uint64_t grace_ms)
{
    *r = (struct reckoning){.grace_ms = grace_ms, .closed_ms = UINT64_MAX};
}

void reckon_fini(struct reckoning *r)
{
    free(r->stretch);
    free(r->slip_ms);
    *r = (struct reckoning){0};
}

/* ---------------------------------------------------------------- stretches */

static struct reckon_stretch *stretch_add(struct reckoning *r)
{
    static struct reckon_stretch nowhere;
    if (r->stretches_n == r->stretches_max) {
        size_t max = r->stretches_max ? 2 * r->stretches_max : 4;
        struct reckon_stretch *p = realloc(r->stretch, max * sizeof *p);
        if (p == NULL) {
            r->nomem = true;
            return &nowhere;
        }
        r->stretch = p;
        r->stretches_max = max;
    }
    struct reckon_stretch *k = &r->stretch[r->stretches_n++];
    *k = (struct reckon_stretch){.room = r->room};
    return k;
}

/* The one that is not over; NULL: none. */
static struct reckon_stretch *stretch_running(struct reckoning *r)
{
    if (r->stretches_n == 0 || r->stretch[r->stretches_n - 1].over)
        return NULL;
    return &r->stretch[r->stretches_n - 1];
}

static void slip_add(struct reckoning *r)
{
    if (r->slips_n == r->slips_max) {
        size_t max = r->slips_max ? 2 * r->slips_max : 4;
        uint64_t *p = realloc(r->slip_ms, max * sizeof *p);
        if (p == NULL) {
            r->nomem = true;
            return;
        }
        r->slip_ms = p;
        r->slips_max = max;
    }
    r->slip_ms[r->slips_n++] = r->lost_contact_ms;
}

static void stretch_end(struct reckoning *r, struct reckon_stretch *k,
                        const struct reckon_instant *back)
{
    k->back = *back;
    k->over = true;
    k->slips_n = (uint32_t)r->slips_n;
}

/* T6: what the seat has of its own since the mark, unless the grace ends it first. */
static uint64_t claim_ms(const struct reckoning *r)
{
    return least(r->grace_ms, less(r->closed_ms, r->mark.hi_ms));
}

static void gap_begin(struct reckoning *r)
{
    struct reckon_stretch *k = stretch_add(r);
    k->from = r->mark;
    k->claim_ms = claim_ms(r);
}

/* ---------------------------------------------------------------- in contact */

void reckon_acked(struct reckoning *r, uint64_t sent_ms, uint64_t received_ms)
{
    if (!r->attached)
        return;
    r->mark = (struct reckon_instant){.lo_ms = most(sent_ms, r->mark.lo_ms), .hi_ms = received_ms};
}

void reckon_dual(struct reckoning *r)
{
    if (r->state != RECKON_ENDED) /* what is sent again afterwards says nothing of then */
        r->dual = r->mark;
}

void reckon_noticed(struct reckoning *r, uint64_t received_ms)
{
    if (!r->attached)
        return;
    r->mark.hi_ms = received_ms;
    r->mark.pushed = true;
}

static struct reckon_instant pushed_now(const struct reckoning *r, uint64_t received_ms)
{
    return (struct reckon_instant){.lo_ms = r->mark.lo_ms, .hi_ms = received_ms, .pushed = true};
}

void reckon_started(struct reckoning *r, uint64_t received_ms)
{
    if (r->state != RECKON_BEFORE)
        return;
    r->state = RECKON_OPEN;
    r->began = pushed_now(r, received_ms);
    r->began_seen = true;
}

void reckon_paused(struct reckoning *r, uint64_t received_ms)
{
    if (r->state != RECKON_OPEN)
        return;
    struct reckon_stretch *k = stretch_add(r);
    k->from = pushed_now(r, received_ms);
    k->pause = true;
    r->state = RECKON_PAUSED;
}

static void told_take(struct reckon_stretch *k, uint64_t used_ms, uint64_t lost_ms)
{
    k->told = true;
    k->told_used_ms = used_ms;
    k->told_lost_ms = lost_ms;
}

void reckon_resumed(struct reckoning *r, uint64_t received_ms, uint64_t told_used_ms,
                    uint64_t told_lost_ms)
{
    struct reckon_stretch *k = stretch_running(r);
    struct reckon_instant back = pushed_now(r, received_ms);
    if (r->state != RECKON_PAUSED)
        return;
    r->state = RECKON_OPEN;
    if (k == NULL)
        return;
    told_take(k, told_used_ms, told_lost_ms);
    stretch_end(r, k, &back);
}

void reckon_submits(struct reckoning *r, uint64_t now_ms)
{
    struct reckon_stretch *k = stretch_running(r);
    r->closed_ms = now_ms;
    if (k != NULL && !k->pause)
        k->claim_ms = least(k->claim_ms, less(now_ms, k->from.hi_ms));
}

/* ---------------------------------------------------------------- out of contact */

void reckon_lost(struct reckoning *r, uint64_t now_ms, uint64_t doubt_ms)
{
    if (r->attached) {
        r->lost_contact_ms = now_ms;
        r->doubt_ms = 0;
        if (r->state == RECKON_OPEN)
            gap_begin(r);
    }
    r->attached = false;
    r->doubt_ms = most(r->doubt_ms, doubt_ms);
}

void reckon_died(struct reckoning *r, uint64_t now_ms, uint64_t position_ms, uint64_t doubt_ms)
{
    reckon_lost(r, now_ms, doubt_ms);
    struct reckon_stretch *k = stretch_running(r);
    if (k != NULL && !k->pause)
        k->claim_ms = least(k->claim_ms, less(position_ms, k->from.hi_ms));
}

static void gap_end(struct reckoning *r, struct reckon_stretch *k, const struct reckon_attach *a,
                    const struct reckon_instant *at)
{
    if (a->anew && !k->pause)
        k->claim_ms = 0;
    k->doubt_ms = least(r->doubt_ms, a->received_ms);
    if (!k->into_pause)
        k->seen = *at;
    if (a->state == RECKON_PAUSED) {
        k->into_pause = true;
        return;
    }
    told_take(k, a->told_used_ms + a->ago_ms, a->told_lost_ms);
    stretch_end(r, k, at);
}

/* T2, T1: out of contact when the batch started, but signed in before; a latecomer lost nothing. */
static void start_missed(struct reckoning *r)
{
    if (r->signed_in)
        stretch_add(r)->from_start = true;
}

/* A latecomer signs in during a pause: since when it has stood is for others to tell. */
static void pause_met(struct reckoning *r, const struct reckon_instant *at)
{
    if (stretch_running(r) == NULL)
        stretch_add(r)->from = (struct reckon_instant){.hi_ms = at->hi_ms};
}

/* T9: a finish that is undone, or that the successor never had. */
static void reopened(struct reckoning *r)
{
    struct reckon_stretch *k = stretch_add(r);
    k->from = r->finished;
    r->finish = RECKON_NOT_FINISHED;
    r->finish_solo = r->finish_branch = false;
    r->closed_ms = UINT64_MAX;
}

/* T10: the candidate submitted out of contact, or the node took the submission and nobody heard so:
 * the sitting ended when it was made, as far as the seat's clock and the way to the node can tell.
 */
static void submitted_while_out(struct reckoning *r, struct reckon_stretch *k,
                                const struct reckon_attach *a)
{
    uint64_t way_ms = a->received_ms - a->sent_ms;
    uint64_t hi_ms = most(r->closed_ms + way_ms, least(r->doubt_ms, a->received_ms));
    r->finished = (struct reckon_instant){.lo_ms = k->from.lo_ms + k->claim_ms,
                                          .hi_ms = least(hi_ms, a->received_ms)};
    k->doubt_ms = least(r->doubt_ms, a->received_ms);
    k->seen = (struct reckon_instant){.lo_ms = a->sent_ms, .hi_ms = a->received_ms};
    stretch_end(r, k, &(struct reckon_instant){.lo_ms = r->closed_ms, .hi_ms = r->finished.hi_ms});
}

/* The node says that it has ended before this attachment. */
static void ended_while_out(struct reckoning *r, const struct reckon_attach *a)
{
    struct reckon_stretch *k = stretch_running(r);
    struct reckon_instant at = {.lo_ms = r->mark.lo_ms, .hi_ms = a->received_ms};
    if (r->finish != RECKON_NOT_FINISHED) { /* seen before: is it the same one? */
        r->finish_branch |= r->finish_solo && a->epoch > r->epoch;
        if (r->finish_branch)
            r->finished.hi_ms = a->received_ms;
        return;
    }
    r->finish = a->finish;
    r->finished = at;
    if (k != NULL && k->pause) {
        stretch_end(r, k, &at);
    } else if (k != NULL && a->finish == RECKON_SUBMITTED && r->closed_ms != UINT64_MAX) {
        submitted_while_out(r, k, a);
    } else if (k != NULL && a->finish == RECKON_CLOSED) { /* T7: by a person, at its last mark */
        k->claim_ms = 0;
        k->seen = at;
        stretch_end(r, k, &at);
    } else if (k != NULL) {
        r->stretches_n--;
    }
}

void reckon_attached(struct reckoning *r, const struct reckon_attach *a)
{
    struct reckon_instant at = {.lo_ms = a->sent_ms, .hi_ms = a->received_ms};
    enum reckon_state before = r->state;
    bool new_epoch = r->epoch != 0 && a->epoch > r->epoch;
    if (before == RECKON_OPEN && r->attached) /* nobody had noticed that the old link is dead */
        reckon_lost(r, a->sent_ms, UINT64_MAX);
    if (new_epoch && (before == RECKON_OPEN || before == RECKON_PAUSED))
        slip_add(r);
    if (a->state == RECKON_ENDED) {
        ended_while_out(r, a);
    } else if (a->state != RECKON_BEFORE) {
        if (before == RECKON_BEFORE)
            start_missed(r);
        else if (before == RECKON_ENDED)
            reopened(r);
        if (a->state == RECKON_PAUSED)
            pause_met(r, &at);
        struct reckon_stretch *k = stretch_running(r);
        if (k != NULL)
            gap_end(r, k, a, &at);
    }
    r->epoch = a->epoch;
    r->room = a->room;
    r->state = a->state;
    r->attached = r->signed_in = true;
    r->doubt_ms = 0;
    r->mark = (struct reckon_instant){.lo_ms = less(at.lo_ms, a->ago_ms),
                                      .hi_ms = less(at.hi_ms, a->ago_ms)};
}

void reckon_finished(struct reckoning *r, enum reckon_finish finish, uint64_t sent_ms,
                     uint64_t received_ms, bool solo)
{
    struct reckon_stretch *k = stretch_running(r);
    if (r->state == RECKON_ENDED)
        return;
    uint64_t from_ms = most(sent_ms, r->mark.lo_ms);
    if (r->closed_ms != UINT64_MAX)
        from_ms = most(from_ms, least(r->closed_ms, received_ms));
    r->finished = (struct reckon_instant){
        .lo_ms = from_ms, .hi_ms = received_ms, .pushed = finish == RECKON_CLOSED};
    r->finish = finish;
    r->finish_solo = solo;
    r->state = RECKON_ENDED;
    if (k != NULL && k->pause)
        stretch_end(r, k, &r->finished);
    else if (k !=
             NULL) /* T10: its time ran out while its screen was open: nothing of it was lost */
        r->stretches_n--;
}

/* ---------------------------------------------------------------- what all seats have seen */

static struct reckon_instant settled(const struct reckon_site *site, const struct reckon_instant *i)
{
    struct reckon_instant s = *i;
    if (i->pushed)
        s.lo_ms = most(i->lo_ms, less(i->hi_ms, LATE_FACTOR * site->late_ms(site->ctx, i->hi_ms)));
    return s;
}

/* Two observations of one instant. Those that do not meet are taken together. */
static void instant_meet(struct reckon_instant *a, const struct reckon_instant *b)
{
    uint64_t lo_ms = most(a->lo_ms, b->lo_ms), hi_ms = least(a->hi_ms, b->hi_ms);
    if (lo_ms > hi_ms) {
        lo_ms = least(a->lo_ms, b->lo_ms);
        hi_ms = most(a->hi_ms, b->hi_ms);
    }
    *a = (struct reckon_instant){.lo_ms = lo_ms, .hi_ms = hi_ms};
}

static void began_make(struct reckon_site *site, const struct reckoning *const *all, size_t n)
{
    site->began = (struct reckon_instant){.hi_ms = UINT64_MAX};
    for (size_t i = 0; i < n; i++) {
        if (!all[i]->began_seen)
            continue;
        struct reckon_instant began = settled(site, &all[i]->began);
        if (site->began.hi_ms == UINT64_MAX)
            site->began = began;
        else
            instant_meet(&site->began, &began);
    }
}

/* Was the clock of this sitting running, in contact, at that instant? */
static bool was_running(const struct reckoning *r, uint64_t at_ms)
{
    if (!r->began_seen || r->began.hi_ms > at_ms)
        return false;
    if (r->finish != RECKON_NOT_FINISHED && r->finished.lo_ms <= at_ms)
        return false;
    for (size_t i = 0; i < r->stretches_n; i++) {
        const struct reckon_stretch *k = &r->stretch[i];
        if (k->from.hi_ms <= at_ms && (!k->over || k->back.hi_ms > at_ms))
            return false;
    }
    return true;
}

static const struct reckon_stretch *told_of_pause(const struct reckoning *r, uint32_t room,
                                                  uint64_t at_ms)
{
    for (size_t i = 0; i < r->stretches_n; i++) {
        const struct reckon_stretch *k = &r->stretch[i];
        uint64_t apart_ms = less(k->from.hi_ms, at_ms) + less(at_ms, k->from.hi_ms);
        if (k->pause && k->room == room && apart_ms <= SAME_PAUSE_MS)
            return k;
    }
    return NULL;
}

/* A pause that one seat was told of: of the whole room, if most seats in contact were. */
static bool pause_of_room(const struct reckon_site *site, const struct reckoning *const *all,
                          size_t n, const struct reckon_stretch *first, struct reckon_pause *out)
{
    size_t told_n = 0, running_n = 0;
    *out = (struct reckon_pause){.room = first->room, .from = settled(site, &first->from)};
    out->to = (struct reckon_instant){.lo_ms = UINT64_MAX, .hi_ms = UINT64_MAX};
    for (size_t i = 0; i < n; i++) {
        if (all[i]->room != first->room)
            continue;
        const struct reckon_stretch *k = told_of_pause(all[i], first->room, first->from.hi_ms);
        if (k == NULL) {
            running_n += was_running(all[i], first->from.hi_ms);
            continue;
        }
        told_n++;
        struct reckon_instant from = settled(site, &k->from);
        instant_meet(&out->from, &from);
        if (k->over && k->back.hi_ms < out->to.hi_ms)
            out->to = settled(site, &k->back);
    }
    return told_n > 1 && told_n > running_n;
}

static bool pause_known(const struct reckon_site *site, const struct reckon_stretch *k)
{
    for (size_t i = 0; i < site->pauses_n; i++) {
        const struct reckon_pause *p = &site->pause[i];
        if (p->room == k->room && less(k->from.hi_ms, p->from.lo_ms) <= SAME_PAUSE_MS &&
            less(p->from.lo_ms, k->from.hi_ms) <= SAME_PAUSE_MS)
            return true;
    }
    return false;
}

static exam_err pause_keep(struct reckon_site *site, const struct reckon_pause *p)
{
    struct reckon_pause *more = realloc(site->pause, (site->pauses_n + 1) * sizeof *more);
    if (more == NULL)
        return EXAM_NOMEM;
    site->pause = more;
    site->pause[site->pauses_n++] = *p;
    return EXAM_OK;
}

exam_err reckon_site_make(struct reckon_site *site, const struct reckoning *const *all, size_t n)
{
    exam_err err = EXAM_OK;
    site->pause = NULL;
    site->pauses_n = 0;
    began_make(site, all, n);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < all[i]->stretches_n && err == EXAM_OK; j++) {
            const struct reckon_stretch *k = &all[i]->stretch[j];
            struct reckon_pause p;
            if (k->pause && !pause_known(site, k) && pause_of_room(site, all, n, k, &p))
                err = pause_keep(site, &p);
        }
        if (all[i]->nomem)
            err = EXAM_NOMEM;
    }
    return err;
}

void reckon_site_free(struct reckon_site *site)
{
    free(site->pause);
    site->pause = NULL;
    site->pauses_n = 0;
}

/* ---------------------------------------------------------------- one interruption */

/* T8: time after the first pause since the mark is never charged. */
static void pauses_cut(const struct reckon_site *site, const struct reckon_stretch *k,
                       struct reckon_instant *used_until)
{
    struct reckon_instant mark = settled(site, &k->from);
    bool known = false;
    for (size_t i = 0; i < site->pauses_n; i++) {
        const struct reckon_pause *p = &site->pause[i];
        bool stood_after = p->to.hi_ms >= k->seen.lo_ms;
        if (p->room != k->room || p->from.hi_ms <= mark.lo_ms || p->from.lo_ms >= k->seen.hi_ms)
            continue;
        if (!k->into_pause && stood_after && p->from.hi_ms >= k->seen.lo_ms)
            continue; /* it came after contact was back */
        used_until->lo_ms = least(used_until->lo_ms, most(p->from.lo_ms, mark.lo_ms));
        if (p->from.lo_ms >= mark.hi_ms)
            used_until->hi_ms = least(used_until->hi_ms, p->from.hi_ms);
        known |= stood_after;
    }
    if (k->into_pause && !known) /* of this seat alone: nobody else can tell since when */
        used_until->lo_ms = least(used_until->lo_ms, mark.lo_ms);
}

/* The instant up to which time was used. */
static struct reckon_instant used_until(const struct reckon_site *site,
                                        const struct reckon_stretch *k)
{
    struct reckon_instant u = k->from_start ? site->began : settled(site, &k->from);
    u.pushed = false;
    if (k->from_start)
        u.hi_ms = most(u.hi_ms, k->doubt_ms);
    if (k->pause || k->from_start)
        return u;
    u.lo_ms = most(u.lo_ms, site->began.lo_ms) + k->claim_ms;
    u.hi_ms = most(u.hi_ms + k->claim_ms, k->doubt_ms);
    pauses_cut(site, k, &u);
    return u;
}

static void stretch_lost(const struct reckon_site *site, const struct reckon_stretch *k,
                         uint64_t *lo_ms, uint64_t *hi_ms)
{
    struct reckon_instant until = used_until(site, k);
    struct reckon_instant back = settled(site, &k->back);
    *lo_ms = less(less(back.lo_ms, until.hi_ms), RECKON_ROUND_MS);
    *hi_ms = less(back.hi_ms, until.lo_ms);
    if (*hi_ms > 0)
        *hi_ms += RECKON_ROUND_MS;
}

/* ---------------------------------------------------------------- the account */

static void lost_sum(const struct reckoning *r, const struct reckon_site *site, size_t n,
                     struct reckon_bounds *out)
{
    *out = (struct reckon_bounds){0};
    for (size_t i = 0; i < n; i++) {
        uint64_t lo_ms, hi_ms;
        if (!r->stretch[i].over)
            continue;
        stretch_lost(site, &r->stretch[i], &lo_ms, &hi_ms);
        out->lost_lo_ms += lo_ms;
        out->lost_hi_ms += hi_ms;
    }
}

static uint64_t slip_sum(const struct reckoning *r, const struct reckon_site *site, size_t n)
{
    uint64_t sum_ms = 0;
    for (size_t i = 0; i < n; i++)
        sum_ms += LATE_FACTOR * site->late_ms(site->ctx, r->slip_ms[i]);
    return sum_ms;
}

static void account_at(const struct reckoning *r, const struct reckon_site *site,
                       size_t stretches_n, size_t slips_n, const struct reckon_instant *when,
                       struct reckon_bounds *out)
{
    struct reckon_instant at = settled(site, when);
    uint64_t slip_ms = slip_sum(r, site, slips_n);
    lost_sum(r, site, stretches_n, out);
    out->used_hi_ms = less(at.hi_ms + RECKON_ROUND_MS, site->began.lo_ms + out->lost_lo_ms);
    out->used_lo_ms =
        less(at.lo_ms, site->began.hi_ms + out->lost_hi_ms + slip_ms + RECKON_ROUND_MS);
    out->lost_lo_ms = less(out->lost_lo_ms, slip_ms);
}

void reckon_at(const struct reckoning *r, const struct reckon_site *site, size_t i,
               struct reckon_bounds *out)
{
    account_at(r, site, i + 1, r->stretch[i].slips_n, &r->stretch[i].back, out);
}

bool reckon_final(const struct reckoning *r, const struct reckon_site *site, uint64_t total_ms,
                  struct reckon_bounds *out)
{
    if (r->finish == RECKON_NOT_FINISHED || site->began.hi_ms == UINT64_MAX)
        return false;
    account_at(r, site, r->stretches_n, r->slips_n, &r->finished, out);
    if (r->finish == RECKON_TIMED_OUT) /* T10: all of it, exactly */
        out->used_lo_ms = out->used_hi_ms = total_ms;
    if (r->finish_branch) {
        struct reckon_bounds then;
        account_at(r, site, r->stretches_n, r->slips_n, &r->dual, &then);
        out->used_lo_ms = least(out->used_lo_ms, then.used_lo_ms);
        out->lost_hi_ms += less(r->finished.hi_ms, r->dual.lo_ms);
    }
    out->used_lo_ms = least(out->used_lo_ms, total_ms);
    out->used_hi_ms = least(out->used_hi_ms, total_ms);
    return true;
}

bool reckon_within(const struct reckon_bounds *b, uint64_t used_ms, uint64_t lost_ms)
{
    return used_ms >= b->used_lo_ms && used_ms <= b->used_hi_ms && lost_ms >= b->lost_lo_ms &&
           lost_ms <= b->lost_hi_ms;
}
