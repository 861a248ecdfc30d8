#include "exam_state.h"

#include <assert.h>
#include <string.h>

#include "carried_mark.h"

uint64_t exam_epoch(const exam *x)
{
    return x->epoch;
}

uint64_t exam_epoch_base_ms(const exam *x)
{
    return x->base_ms;
}

uint64_t exam_last_ms(const exam *x)
{
    return x->last_ms;
}

bool exam_time_known_since(const exam *x, uint64_t site_ms)
{
    return x->dark_epoch == 0 || site_ms > x->dark_base_ms;
}

bool exam_solo(const exam *x)
{
    return x->solo;
}

const char *exam_battery_low(const exam *x)
{
    return x->battery_low;
}

bool exam_founded(const exam *x)
{
    return x->founded;
}

const uint8_t *exam_site_id(const exam *x)
{
    return x->site_id;
}

const char *exam_site_name(const exam *x)
{
    return x->name;
}

uint32_t exam_sittings(const exam *x)
{
    return x->sittings_n;
}

uint32_t exam_batches(const exam *x)
{
    return x->batches_n;
}

/* ---------------------------------------------------------------- sittings */

static void account_of(const exam *x, const struct sitting *s, uint64_t now_ms,
                       struct exam_account *out)
{
    uint64_t used_ms = sitting_used_ms(x, s, now_ms);

    *out = (struct exam_account){.allot_ms = s->account.allot_ms,
                                 .grants_ms = s->account.grants_ms,
                                 .used_ms = used_ms,
                                 .left_ms = account_left_ms(&s->account, used_ms),
                                 .lost_ms = s->account.lost_ms};
    assert(out->used_ms + out->left_ms == account_total_ms(&s->account));
}

void exam_sitting_account(const exam *x, uint32_t sitting, uint64_t now_ms,
                          struct exam_account *out)
{
    const struct sitting *s = exam_sitting(x, sitting);

    assert(s);
    account_of(x, s, now_ms, out);
}

uint64_t exam_sitting_mark_ms(const exam *x, uint32_t sitting)
{
    const struct sitting *s = exam_sitting(x, sitting);

    assert(s);
    return s->account.mark_ms;
}

static enum exam_sitting_state state_of(const exam *x, const struct sitting *s)
{
    if (sitting_finished(s))
        return EXAM_SITTING_FINISHED;
    if (!s->signed_in)
        return EXAM_SITTING_EXPECTED;
    if (!sitting_attached(x, s))
        return EXAM_SITTING_LOST;
    return s->begun && !sitting_paused(x, s) ? EXAM_SITTING_ANSWERING : EXAM_SITTING_PAUSED;
}

static void view_identity(const exam *x, const struct sitting *s, struct exam_sitting_view *out)
{
    const struct batch *b = &x->batches[s->batch - 1];

    out->admission_no = s->admission_no;
    out->id_no = s->id_no;
    out->name = s->name;
    out->room = x->rooms[x->seats[s->seat - 1].room - 1].name;
    out->seat = exam_seat_name(x, s->seat);
    out->seat_no = s->seat;
    out->batch = b->name;
    out->batch_title = b->title;
    out->batch_no = s->batch;
    out->paper = s->paper > 0 ? x->papers[s->paper - 1].name : "";
    out->paper_title = s->paper > 0 ? x->papers[s->paper - 1].title : "";
    if (s->paper > 0) {
        /* P2: not even how long it is, before the start */
        out->paper_bytes = b->started ? x->papers[s->paper - 1].bytes : 0;
        out->paper_digest = x->papers[s->paper - 1].digest;
        out->paper_sealed = x->papers[s->paper - 1].sealed;
    }
}

void exam_sitting_names(const exam *x, uint32_t sitting, const char **batch,
                        const char **admission_no)
{
    const struct sitting *s = exam_sitting(x, sitting);

    assert(s);
    *batch = x->batches[s->batch - 1].name;
    *admission_no = s->admission_no;
}

void exam_sitting_view(const exam *x, uint32_t sitting, uint64_t now_ms,
                       struct exam_sitting_view *out)
{
    const struct sitting *s = exam_sitting(x, sitting);

    assert(s);
    const struct batch *b = &x->batches[s->batch - 1];
    *out = (struct exam_sitting_view){
        .sitting = sitting,
        .state = state_of(x, s),
        .finish = s->finish,
        .batch_running = b->started && !batch_closed(b) && !sitting_finished(s),
        .attached = sitting_attached(x, s),
        .attachment_epoch = s->attachment_epoch,
        .attachment_lsn = s->attachment_lsn,
        .seq_have = s->seq_have,
        .seq_refused = s->seq_refused,
        .grace_ms = b->grace_ms,
        .heartbeat_ms = b->heartbeat_ms,
        .answers = s->answers.given,
        .late = s->answers.late,
        .interruptions = s->interruptions_n,
        .begun = s->begun,
        .paused = sitting_paused(x, s),
        .begin_ms = s->account.begin_ms,
        .mark_ms = s->account.mark_ms,
        .finish_ms = s->finish_ms,
        .violations = s->violations,
        .formers = s->formers_n,
        .former_newest = s->formers_n < FORMERS_MAX ? s->formers_n : 0,
        .limit_reached = s->limit_open};
    if (sitting_account_open(s) && !sitting_clock_runs(x, s))
        out->stands_ms =
            now_ms > account_stop_ms(&s->account) ? now_ms - account_stop_ms(&s->account) : 0;
    view_identity(x, s, out);
    account_of(x, s, now_ms, &out->account);
}

/* ---------------------------------------------------------------- batches */

static void count_finish(Ev__Finish finish, struct exam_batch_view *out)
{
    out->finished++;
    switch (finish) {
    case EV__FINISH__FINISH_SUBMITTED:
        out->submitted++;
        break;
    case EV__FINISH__FINISH_TIMED_OUT:
        out->timed_out++;
        break;
    case EV__FINISH__FINISH_ABSENT:
        out->absent++;
        break;
    case EV__FINISH__FINISH_POSTPONED:
        out->postponed++;
        break;
    default:
        out->closed++;
    }
}

static void count_sitting(const exam *x, const struct sitting *s, uint64_t now_ms,
                          struct exam_batch_view *out)
{
    uint64_t left_ms = account_left_ms(&s->account, sitting_used_ms(x, s, now_ms));
    bool attached = sitting_attached(x, s);

    out->signed_in += s->signed_in;
    out->attached += attached;
    out->answering += attached && sitting_clock_runs(x, s);
    out->answers += s->answers.given;
    out->limits_reached += s->limit_open;
    if (sitting_finished(s)) {
        count_finish(s->finish, out);
        if (s->finish_ms > out->end_ms)
            out->end_ms = s->finish_ms;
        return;
    }
    out->expected += !s->signed_in;
    out->lost += s->signed_in && !attached;
    out->paused += attached && s->begun && !sitting_clock_runs(x, s);
    if (left_ms > out->left_ms_max)
        out->left_ms_max = left_ms;
}

/* The k-th smallest of n figures, which are rearranged (quickselect; the middle one as pivot, so
 * that equal and ordered figures are no worst case). */
static uint64_t select_ms(uint64_t *ms, size_t n, size_t k)
{
    size_t low = 0, high = n - 1;

    while (low < high) {
        uint64_t pivot = ms[low + (high - low) / 2];
        size_t i = low, j = high;
        while (i <= j) {
            while (ms[i] < pivot)
                i++;
            while (ms[j] > pivot)
                j--;
            if (i > j)
                break;
            uint64_t swapped = ms[i];
            ms[i++] = ms[j];
            ms[j] = swapped;
            if (j == 0)
                break;
            j--;
        }
        if (k <= j)
            high = j;
        else if (k >= i)
            low = i;
        else
            break;
    }
    return ms[k];
}

static void view_lost(const exam *x, const struct batch *b, struct exam_batch_view *out)
{
    uint64_t *lost_ms = memory_need(&x->memory, b->sittings_n * sizeof *lost_ms);
    size_t n = 0;

    for (uint32_t i = 0; i < b->sittings_n; i++) {
        const struct sitting *s = &x->sittings[b->sitting_first - 1 + i];
        if (s->begun)
            lost_ms[n++] = s->account.lost_ms;
    }
    if (n > 0) {
        out->lost_ms_median = select_ms(lost_ms, n, (n - 1) / 2);
        out->lost_ms_min = select_ms(lost_ms, n, 0);
        out->lost_ms_max = select_ms(lost_ms, n, n - 1);
    }
    memory_drop(&x->memory, lost_ms);
}

static enum exam_batch_state batch_state(const struct batch *b,
                                         const struct exam_batch_view *counted)
{
    if (b->collected)
        return EXAM_BATCH_COLLECTED;
    if (b->postponed)
        return EXAM_BATCH_POSTPONED;
    if (!b->started)
        return EXAM_BATCH_PLANNED;
    if (counted->finished == b->sittings_n)
        return EXAM_BATCH_ENDED;
    if (counted->is_suspended)
        return EXAM_BATCH_SUSPENDED;
    return counted->is_paused ? EXAM_BATCH_PAUSED : EXAM_BATCH_RUNNING;
}

/* P11: before the start candidates may sign in as soon as no other batch holds their rooms. */
static bool sign_in_open(const exam *x, const struct batch *b)
{
    if (!b->complete || b->superseded || b->started || batch_closed(b))
        return false;
    for (uint32_t i = 0; i < b->sittings_n; i++) {
        const struct sitting *s = &x->sittings[b->sitting_first - 1 + i];
        if (x->rooms[x->seats[s->seat - 1].room - 1].held_by != 0)
            return false;
    }
    return true;
}

void exam_batch_view(const exam *x, uint32_t batch_no, uint64_t now_ms, struct exam_batch_view *out)
{
    const struct batch *b = exam_batch(x, batch_no);

    assert(b);
    *out = (struct exam_batch_view){.batch = b->name,
                                    .title = b->title,
                                    .sittings = b->sittings_n,
                                    .allot_ms = b->allot_ms,
                                    .complete = b->complete,
                                    .superseded = b->superseded,
                                    .is_paused = x->paused || b->paused,
                                    .is_suspended = b->suspended,
                                    .sign_in_open = sign_in_open(x, b),
                                    .entry_wall_ms = b->entry_wall_ms,
                                    .start_wall_ms = b->start_wall_ms};
    for (uint32_t i = 0; i < b->sittings_n; i++)
        count_sitting(x, &x->sittings[b->sitting_first - 1 + i], now_ms, out);
    view_lost(x, b, out);
    out->state = batch_state(b, out);
    if (b->started)
        out->elapsed_ms = (batch_closed(b) ? b->collect_ms : now_ms) - b->start_ms;
    if (b->started && out->finished < b->sittings_n)
        out->end_ms = now_ms + out->left_ms_max;
}

uint32_t exam_batch_next_sitting(const exam *x, uint32_t batch_no, uint32_t after)
{
    const struct batch *b = exam_batch(x, batch_no);

    assert(b);
    uint32_t next = after == 0 ? b->sitting_first : after + 1;
    return next >= b->sitting_first && next - b->sitting_first < b->sittings_n ? next : 0;
}

/* ---------------------------------------------------------------- what a sitting holds */

exam_err exam_answer_at(const exam *x, uint32_t sitting, uint32_t i, struct exam_answer_view *out)
{
    const struct sitting *s = exam_sitting(x, sitting);

    if (!s)
        return EXAM_NOT_FOUND;
    const struct items *items = exam_sitting_items(x, s);
    if (!items)
        items = &s->own;
    for (uint32_t at = 0; at < s->answers.slots_n && at < items->n; at++) {
        const struct answer *a = &s->answers.slots[at];
        if (!a->set || a->value_bytes == 0 || i-- > 0)
            continue;
        *out = (struct exam_answer_view){.item = items->at[at].id,
                                         .subject = items->at[at].subject,
                                         .value = answer_value(a),
                                         .value_bytes = a->value_bytes,
                                         .seq = a->version.seq,
                                         .made_at_ms = a->made_at_ms,
                                         .late = a->late};
        return EXAM_OK;
    }
    return EXAM_NOT_FOUND;
}

exam_err exam_interruption_at(const exam *x, uint32_t sitting, uint32_t i,
                              struct exam_interruption_view *out)
{
    const struct sitting *s = exam_sitting(x, sitting);

    if (!s || i >= s->interruptions_n)
        return EXAM_NOT_FOUND;
    const struct interruption *at = &s->interruptions[i];
    *out = (struct exam_interruption_view){.from_ms = at->from_ms,
                                           .to_ms = at->to_ms,
                                           .lost_ms = at->lost_ms,
                                           .basis = at->basis,
                                           .incident = at->incident,
                                           .own_doing = at->own_doing};
    return EXAM_OK;
}

exam_err exam_paper_at(const exam *x, uint32_t sitting, uint32_t offset, const uint8_t **bytes,
                       size_t *n)
{
    const struct sitting *s = exam_sitting(x, sitting);

    if (!s || s->paper == 0)
        return EXAM_NOT_FOUND;
    if (!x->batches[s->batch - 1].started)
        return EXAM_STATE;
    const struct paper *p = &x->papers[s->paper - 1];
    if (offset >= p->bytes)
        return EXAM_INVALID;
    uint32_t left = p->bytes - offset;
    *bytes = p->text + offset;
    *n = left < PAPER_CHUNK_BYTES_MAX ? left : PAPER_CHUNK_BYTES_MAX;
    return EXAM_OK;
}

/* When so much was used: marks of one attachment lie on one straight line (T2). */
static uint64_t mark_at_ms(const struct account *a, uint64_t used_ms)
{
    uint64_t before_ms = a->used_ms - used_ms;

    if (used_ms > a->used_ms)
        return a->mark_ms + (used_ms - a->used_ms);
    return a->mark_ms > before_ms ? a->mark_ms - before_ms : 0;
}

size_t exam_mark_make(const exam *x, uint32_t sitting, uint64_t used_ms,
                      uint8_t out[MARK_BYTES_MAX])
{
    const struct sitting *s = exam_sitting(x, sitting);

    assert(s);
    const struct carried_mark mark = {.sitting = sitting,
                                      .epoch = x->epoch,
                                      .epoch_tag = x->epoch_tag,
                                      .at_ms = mark_at_ms(&s->account, used_ms),
                                      .used_ms = used_ms};

    carried_mark_seal(&mark, x->site_key, out);
    return CARRIED_MARK_BYTES;
}
