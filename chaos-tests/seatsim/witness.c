#include "witness.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void witness_fault(struct witness_faults *f, const char *format, ...)
{
    if (f->count < WITNESS_FAULTS_KEPT) {
        va_list args;
        va_start(args, format);
        vsnprintf(f->text[f->count], WITNESS_FAULT_BYTES, format, args);
        va_end(args);
    }
    f->count++;
}

void witness_init(struct witness *w, const char *name, bool sole, struct witness_faults *faults)
{
    *w = (struct witness){.name = name, .sole = sole, .faults = faults};
}

/* Every figure of `used` that reaches the seat goes through here. */
static void used_check(struct witness *w, uint64_t used_ms, uint64_t ago_ms, uint64_t sent_ms,
                       uint64_t received_ms)
{
    if (used_ms < w->used_ms)
        witness_fault(w->faults, "%s: used went back from %" PRIu64 " to %" PRIu64 " ms", w->name,
                      w->used_ms, used_ms);
    w->used_ms = used_ms;
    int64_t now_bound = (int64_t)used_ms - (int64_t)received_ms;
    if (w->bound_known && now_bound > w->bound_ms + WITNESS_CLOCK_SLACK_MS)
        witness_fault(w->faults,
                      "%s: used is %" PRIu64 " ms, %" PRId64
                      " ms more than the seat's own clock allows (T2)",
                      w->name, used_ms, now_bound - w->bound_ms);
    int64_t bound_ms = (int64_t)used_ms - (int64_t)(sent_ms - ago_ms);
    if (!w->bound_known || bound_ms < w->bound_ms)
        w->bound_ms = bound_ms;
    w->bound_known = true;
}

void witness_see_account(struct witness *w, const struct witness_account *a, uint64_t sent_ms,
                         uint64_t received_ms)
{
    uint64_t budget_ms = (uint64_t)((int64_t)a->allot_ms + a->grants_ms);
    if (a->used_ms + a->left_ms != budget_ms)
        witness_fault(w->faults,
                      "%s: used %" PRIu64 " + left %" PRIu64 " is not allot %" PRIu64
                      " + grants %" PRId64,
                      w->name, a->used_ms, a->left_ms, a->allot_ms, a->grants_ms);
    w->budget_ms = budget_ms;
    w->account_known = true;
    if (a->lost_ms < w->lost_ms)
        witness_fault(w->faults, "%s: lost went back from %" PRIu64 " to %" PRIu64 " ms", w->name,
                      w->lost_ms, a->lost_ms);
    w->lost_ms = a->lost_ms;
    used_check(w, a->used_ms, a->ago_ms, sent_ms, received_ms);
}

void witness_see_attached(struct witness *w, uint64_t seq_have, uint64_t epoch)
{
    uint64_t seq = w->seq_dual;
    if (epoch == w->solo_epoch && w->seq_solo > seq)
        seq = w->seq_solo;
    if (seq_have < seq)
        witness_fault(w->faults,
                      "%s: answer %" PRIu64
                      " was acknowledged, but the node has only up to %" PRIu64 " (A2)",
                      w->name, seq, seq_have);
}

void witness_see_acked(struct witness *w, uint64_t seq, bool dual, uint64_t epoch)
{
    if ((dual || w->sole) && seq > w->seq_dual)
        w->seq_dual = seq;
    if (!dual) {
        w->seq_solo = seq;
        w->solo_epoch = epoch;
    }
}

void witness_see_mark(struct witness *w, uint64_t used_ms, uint64_t left_ms, uint64_t ago_ms,
                      uint64_t sent_ms, uint64_t received_ms)
{
    if (w->account_known && used_ms + left_ms != w->budget_ms)
        witness_fault(w->faults,
                      "%s: used %" PRIu64 " + left %" PRIu64 " is not the whole %" PRIu64, w->name,
                      used_ms, left_ms, w->budget_ms);
    used_check(w, used_ms, ago_ms, sent_ms, received_ms);
}
