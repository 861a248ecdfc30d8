#include "accounts_check.h"
#include "language.h"

#include <inttypes.h>

static uint64_t interruptions_ms(const exam *x, uint32_t sitting)
{
    struct exam_interruption_view in;
    uint64_t sum_ms = 0;
    for (uint32_t i = 0; exam_interruption_at(x, sitting, i, &in) == EXAM_OK; i++)
        sum_ms += in.lost_ms;
    return sum_ms;
}

static void check_given(const struct exam_sitting_view *v, struct findings *f)
{
    const struct exam_account *a = &v->account;
    if ((int64_t)a->allot_ms + a->grants_ms != (int64_t)a->used_ms + (int64_t)a->left_ms)
        findings_add(f, 0,
                     _("sitting %s: allot %" PRIu64 " + grants %" PRId64 " ms is not used %" PRIu64
                       " + left %" PRIu64),
                     v->admission_no, a->allot_ms, a->grants_ms, a->used_ms, a->left_ms);
}

static void check_lost(const exam *x, const struct exam_sitting_view *v, struct findings *f)
{
    uint64_t sum_ms = interruptions_ms(x, v->sitting);
    if (sum_ms != v->account.lost_ms)
        findings_add(f, 0,
                     _("sitting %s: lost %" PRIu64 " ms, its interruptions say %" PRIu64 " (T14)"),
                     v->admission_no, v->account.lost_ms, sum_ms);
}

static bool dark_unknown(const struct roles *roles, uint64_t from_ms, uint64_t to_ms)
{
    for (size_t i = 0; i < roles->epochs_n; i++) {
        const struct role_epoch *e = &roles->epochs[i];
        if (!e->dark_known && e->reason != EV__EPOCH_REASON__EPOCH_REASON_FOUNDED &&
            e->base_ms >= from_ms && e->base_ms <= to_ms)
            return true;
    }
    return false;
}

/* A clock that stands has lost what is not credited yet. */
static void check_elapsed(const struct replay *p, const struct roles *roles,
                          const struct exam_sitting_view *v, struct findings *f)
{
    const exam *x = p->x;
    uint64_t until_ms =
        v->finish != EV__FINISH__FINISH_NONE ? v->finish_ms : exam_last_ms(x) - v->stands_ms;
    uint64_t elapsed_ms = until_ms - v->begin_ms;
    uint64_t accounted_ms = v->account.used_ms + v->account.lost_ms;
    if (!v->begun || accounted_ms == elapsed_ms ||
        (accounted_ms > elapsed_ms &&
         (dark_unknown(roles, v->begin_ms, exam_last_ms(x)) ||
          accounted_ms - elapsed_ms <= replay_beyond_ms(p, v->sitting))))
        return;
    findings_add(
        f, 0,
        _("sitting %s: %" PRIu64 " ms since its begin are not used %" PRIu64 " + lost %" PRIu64),
        v->admission_no, elapsed_ms, v->account.used_ms, v->account.lost_ms);
}

void accounts_check(const struct replay *p, const struct roles *roles, struct findings *f)
{
    const exam *x = p->x;
    for (uint32_t i = 1; i <= exam_sittings(x); i++) {
        struct exam_sitting_view v;
        exam_sitting_view(x, i, exam_last_ms(x), &v);
        check_given(&v, f);
        check_lost(x, &v, f);
        check_elapsed(p, roles, &v, f);
    }
}
