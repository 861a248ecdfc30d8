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
        if (!check_account(&v, interruptions_of(x, i), what, what_bytes))
            return false;
    }
    return true;
}
