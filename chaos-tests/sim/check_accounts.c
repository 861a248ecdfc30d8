#include "check_accounts.h"

#include <stdio.h>

static bool balances(const struct exam_sitting_view *v, char *what, size_t what_bytes)
{
    const struct exam_account *a = &v->account;
    int64_t given = (int64_t)a->allot_ms + a->grants_ms;
    int64_t taken = (int64_t)a->used_ms + (int64_t)a->left_ms;
    if (given == taken)
        return true;
    snprintf(what, what_bytes, "sitting %s: allot %llu + grants %lld is not used %llu + left %llu",
             v->admission_no, (unsigned long long)a->allot_ms, (long long)a->grants_ms,
             (unsigned long long)a->used_ms, (unsigned long long)a->left_ms);
    return false;
}

static bool is_explained(const struct exam_sitting_view *v, uint64_t interruptions_ms, char *what,
                         size_t what_bytes)
{
    if (interruptions_ms == v->account.lost_ms)
        return true;
    snprintf(what, what_bytes, "sitting %s: lost %llu ms, its interruptions say %llu (T14)",
             v->admission_no, (unsigned long long)v->account.lost_ms,
             (unsigned long long)interruptions_ms);
    return false;
}

bool check_account(const struct exam_sitting_view *v, uint64_t interruptions_ms, char *what,
                   size_t what_bytes)
{
    return balances(v, what, what_bytes) && is_explained(v, interruptions_ms, what, what_bytes);
}

/* Nobody has said yet that the time has run out (T10), or a person has ended the sitting first:
 * what passes from there on is neither used nor lost. */
static bool has_run_out_unsaid(const struct exam_sitting_view *v)
{
    return v->account.left_ms == 0 &&
           (v->finish == EV__FINISH__FINISH_NONE || v->finish == EV__FINISH__FINISH_CLOSED ||
            v->finish == EV__FINISH__FINISH_POSTPONED);
}

/* A clock that stands has lost what is not credited yet. */
bool check_elapsed(const struct exam_sitting_view *v, uint64_t site_ms, bool time_known, char *what,
                   size_t what_bytes)
{
    uint64_t now_ms = site_ms > v->mark_ms ? site_ms : v->mark_ms;
    bool finished = v->finish != EV__FINISH__FINISH_NONE;
    uint64_t until_ms = finished ? v->finish_ms : now_ms - v->stands_ms;
    uint64_t elapsed_ms = until_ms - v->begin_ms;
    uint64_t accounted_ms = v->account.used_ms + v->account.lost_ms;
    if (!v->begun || accounted_ms == elapsed_ms ||
        (accounted_ms < elapsed_ms && has_run_out_unsaid(v)) ||
        (accounted_ms > elapsed_ms && !time_known))
        return true;
    snprintf(what, what_bytes,
             "sitting %s: %llu ms since its begin are not used %llu + lost %llu (section 5)",
             v->admission_no, (unsigned long long)elapsed_ms,
             (unsigned long long)v->account.used_ms, (unsigned long long)v->account.lost_ms);
    return false;
}

static uint64_t interruptions_of(const exam *x, uint32_t sitting)
{
    struct exam_interruption_view in;
    uint64_t sum_ms = 0;
    for (uint32_t i = 0; exam_interruption_at(x, sitting, i, &in) == EXAM_OK; i++)
        sum_ms += in.lost_ms;
    return sum_ms;
}

bool check_accounts(const exam *x, uint64_t site_ms, char *what, size_t what_bytes)
{
    for (uint32_t i = 1; i <= exam_sittings(x); i++) {
        struct exam_sitting_view v;
        exam_sitting_view(x, i, site_ms, &v);
        if (!check_account(&v, interruptions_of(x, i), what, what_bytes) ||
            !check_elapsed(&v, site_ms, exam_time_known_since(x, v.begin_ms), what, what_bytes))
            return false;
    }
    return true;
}
