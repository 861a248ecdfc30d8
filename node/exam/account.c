#include "account.h"

#include <assert.h>

static uint64_t min_ms(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t max_ms(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* a - b, but never below 0. */
static uint64_t less_ms(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

uint64_t account_total_ms(const struct account *a)
{
    if (a->grants_ms >= 0)
        return a->allot_ms + (uint64_t)a->grants_ms;
    return less_ms(a->allot_ms, 0 - (uint64_t)a->grants_ms);
}

uint64_t account_left_ms(const struct account *a, uint64_t used_ms)
{
    return less_ms(account_total_ms(a), used_ms);
}

uint64_t account_used_ms(const struct account *a, bool clock_runs, uint64_t now_ms)
{
    if (!clock_runs)
        return a->used_ms + min_ms(a->unheard_ms, account_left_ms(a, a->used_ms));
    uint64_t left_ms = account_left_ms(a, a->used_ms);
    return a->used_ms + min_ms(less_ms(now_ms, a->mark_ms), left_ms);
}

uint64_t account_stop_ms(const struct account *a)
{
    return a->mark_ms + a->unheard_ms;
}

void account_stop(struct account *a, uint64_t now_ms)
{
    a->unheard_ms = min_ms(less_ms(now_ms, a->mark_ms), account_left_ms(a, a->used_ms));
}

bool account_mark_used(struct account *a, uint64_t used_ms)
{
    uint64_t more_ms = less_ms(used_ms, a->used_ms), unheard_ms = less_ms(a->unheard_ms, more_ms);

    if (!account_mark(a, used_ms, a->mark_ms + more_ms))
        return false;
    a->unheard_ms = unheard_ms;
    return true;
}

uint64_t account_vouched_ms(const struct account *a, bool clock_runs, uint64_t now_ms,
                            uint64_t heard_ms, uint64_t said_ms)
{
    uint64_t most_ms = account_used_ms(a, clock_runs, now_ms);
    uint64_t least_ms = min_ms(account_used_ms(a, true, heard_ms), most_ms);

    return max_ms(least_ms, min_ms(said_ms, most_ms));
}

void account_credit(struct account *a, uint64_t lost_ms)
{
    a->lost_ms += lost_ms;
    a->mark_ms += lost_ms;
}

uint64_t account_deadline_ms(const struct account *a)
{
    return a->mark_ms + account_left_ms(a, a->used_ms);
}

void account_begin(struct account *a, uint64_t now_ms)
{
    a->begin_ms = now_ms;
    a->mark_ms = now_ms;
    account_begin_earlier(a, a->used_ms + a->lost_ms);
}

void account_begin_earlier(struct account *a, uint64_t ms)
{
    a->begin_ms -= ms < a->begin_ms ? ms : a->begin_ms;
}

bool account_mark(struct account *a, uint64_t used_ms, uint64_t now_ms)
{
    return account_book(a, used_ms, 0, now_ms);
}

bool account_book(struct account *a, uint64_t used_ms, uint64_t lost_ms, uint64_t now_ms)
{
    if (used_ms < a->used_ms || used_ms > account_total_ms(a))
        return false;
    a->used_ms = used_ms;
    a->lost_ms += lost_ms;
    a->mark_ms = now_ms;
    a->unheard_ms = 0;
    return true;
}

void account_take_back(struct account *a, uint64_t used_ms)
{
    if (used_ms >= a->used_ms)
        return;
    a->mark_ms = less_ms(a->mark_ms, a->used_ms - used_ms);
    a->used_ms = used_ms;
    a->unheard_ms = 0;
}

/* ---------------------------------------------------------------- a seat is back */

/* T12: what the seat's mark says is used; the node's own, if it brings none. */
static uint64_t carried_ms(const struct account *a, const struct account_return *r)
{
    return r->carried ? min_ms(r->carried_used_ms, account_total_ms(a)) : a->used_ms;
}

/* How long ago the node's mark was. Over a dark time that no node's clock has measured, the seat's
 * own clock tells (T4: one clock, nothing subtracted from another's): its mark was since_ms ago,
 * and the node's mark lies as far from it as the used times do, or farther. What was before the
 * begin is no time of the sitting (T1): where all since then has been measured here, that is it. */
static uint64_t elapsed_ms(const struct account *a, const struct account_return *r)
{
    uint64_t node_ms = less_ms(r->now_ms, a->mark_ms);

    if (r->dark_known || r->begin_known || !r->clock_continuous)
        return node_ms;
    return max_ms(node_ms, less_ms(r->since_ms + carried_ms(a, r), a->used_ms));
}

/* The same for the newer of the two marks, from which the claim counts; UINT64_MAX: nobody knows.
 */
static uint64_t since_newer_mark_ms(const struct account *a, const struct account_return *r)
{
    uint64_t mark_ms = r->carried_newer ? r->carried_at_ms : a->mark_ms;
    bool apart = r->carried_newer && r->carried_apart;

    if (r->dark_known && !apart && mark_ms <= r->now_ms)
        return r->now_ms - mark_ms;
    if (!r->clock_continuous)
        return UINT64_MAX;
    return r->carried_newer ? r->since_ms : elapsed_ms(a, r);
}

/* T6: the seat was within grace all the time, so its screen never closed. One that has been paused
 * since its mark says that it was open for no time (T8). */
static bool never_locked(const struct account_return *r)
{
    return r->carried && r->clock_continuous && !r->ended && r->open_ms > 0 &&
           r->open_ms == r->since_ms && r->open_ms <= r->grace_ms;
}

/* T6, T7: how long the screen was open since the newer of the two marks. */
static uint64_t open_claim_ms(const struct account *a, const struct account_return *r)
{
    uint64_t since_ms = since_newer_mark_ms(a, r);
    uint64_t claim = min_ms(r->open_ms, r->grace_ms);

    if (!r->screen_opened && !r->carried_newer)
        return 0; /* begun while out of contact: no screen has shown the paper yet (T2) */
    /* The screen was open for the whole stretch: take its length from the nodes' clocks, which have
     * measured the marks, too, and not from the seat's, which may differ by milliseconds (T4). Its
     * grace counts from the seat's mark: what it says may have waited here, and it locked then. */
    if (never_locked(r) && since_ms != UINT64_MAX)
        claim = r->grace_ms;
    if (!r->carried_newer) /* it was counted from the seat's mark */
        claim = less_ms(carried_ms(a, r) + claim, a->used_ms);
    return min_ms(claim, since_ms);
}

/* T8: how much of that is before the first pause; what is after it is never charged. */
static uint64_t before_pause_ms(const struct account *a, const struct account_return *r)
{
    if (!r->paused)
        return UINT64_MAX;
    if (r->carried_newer)
        return r->pause_after_ms;
    return less_ms(carried_ms(a, r) + r->pause_after_ms, a->used_ms);
}

/* T7: how much of an open claim no word of the seat has vouched for yet: what ran after it spoke.
 * Its screen was open then, so its clock ran on, and its next word says so. */
static uint64_t unheard_ms(const struct account *a, const struct account_return *r, uint64_t open)
{
    uint64_t said_ms = r->open_ms + r->slack_ms;

    if (!never_locked(r) || r->paused || r->submitted)
        return 0;
    if (!r->carried_newer)
        said_ms = less_ms(carried_ms(a, r) + said_ms, a->used_ms);
    return less_ms(open, said_ms);
}

void account_reckon_return(const struct account *a, const struct account_return *r,
                           struct account_stretch *out)
{
    uint64_t elapsed = elapsed_ms(a, r);
    uint64_t carried = carried_ms(a, r);
    uint64_t open = open_claim_ms(a, r);
    uint64_t claim = min_ms(open, before_pause_ms(a, r));
    uint64_t most = max_ms(a->used_ms, carried);
    /* From the newer mark on; T12: what an older one says is adopted all the same. */
    uint64_t used = r->carried_newer ? most + claim : max_ms(most, a->used_ms + claim);
    uint64_t heard = used - unheard_ms(a, r, open);
    uint64_t since_end = 0;

    used = max_ms(a->used_ms, min_ms(used, account_total_ms(a)));
    heard = max_ms(a->used_ms, min_ms(heard, account_total_ms(a)));
    out->used_ms = heard;
    out->finished = heard >= account_total_ms(a);
    /* T10: not before it can have used what it has, whatever the seat says; and one whose time has
     * not run out as the nodes reckon goes on. */
    if ((out->finished && r->ended) || r->submitted)
        since_end = min_ms(r->ended_ago_ms, less_ms(elapsed, used - a->used_ms));
    out->end_ms = max_ms(a->mark_ms, less_ms(r->now_ms, since_end));
    /* T5: what was not used was lost. A clock that has measured less than was used is noise. */
    out->lost_ms = less_ms(elapsed - since_end, used - a->used_ms);
    if (carried > a->used_ms)
        out->basis = EV__BASIS__BASIS_CARRIED;
    else if (claim < open || (r->paused && r->pause_after_ms == 0))
        out->basis = EV__BASIS__BASIS_PAUSE;
    else
        out->basis = claim > 0 ? EV__BASIS__BASIS_CLAIM : EV__BASIS__BASIS_MARK;
    assert(out->used_ms >= a->used_ms);
    assert(out->end_ms >= a->mark_ms && out->end_ms <= max_ms(r->now_ms, a->mark_ms));
}
