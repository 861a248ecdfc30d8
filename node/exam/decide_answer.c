#include <sodium.h>

#include "decide.h"

/* What becomes of one answer. */
struct verdict {
    exam_err code; /* EXAM_OK: it is accepted */
    bool late;
};

/* An answer or a submission, and the session that it is of. */
struct action {
    uint32_t sitting;
    uint64_t seq;
    const struct former *former; /* NULL: of the session that is attached */
    uint64_t made_epoch;         /* of the attachment under which it was made */
};

/* The former session of that number; NULL: none, or it is the current one again. */
static const struct former *former_of(const struct sitting *s, uint32_t no)
{
    if (!s || no < 1 || no > s->formers_n ||
        sodium_is_zero(s->formers[no - 1].session, SESSION_BYTES))
        return NULL;
    return &s->formers[no - 1];
}

/* The conditions of the moment: an action that does not meet them may come again. */
static exam_err action_check(const struct decision *d, const struct action *a, bool *duplicate)
{
    const struct sitting *s = exam_sitting(d->x, a->sitting);
    uint64_t seq_have;

    *duplicate = false;
    if (!s || (!a->former && (!s->signed_in || !sitting_attached(d->x, s))))
        return decide_refuse(d, EXAM_STATE, "", "no candidate is signed in here: attach first");
    if (a->seq == 0)
        return decide_refuse(d, EXAM_INVALID, "A4", "actions are counted from 1");
    seq_have = a->former ? a->former->seq_have : s->seq_have;
    if (a->seq <= seq_have) {
        *duplicate = true; /* A4 */
        return EXAM_OK;
    }
    if (a->seq > seq_have + 1) {
        exam_err err = decide_refuse(d, EXAM_GAP, "A3",
                                     "action %llu of candidate %s has not arrived: send on from it",
                                     (unsigned long long)seq_have + 1, s->admission_no);
        d->why->seq_have = seq_have;
        return err;
    }
    /* A2: where its start, or the end of a pause (T1, personal timing), was lost with the node that
     * had logged it, what was made before this epoch is of that history: it is taken as it is. */
    if (!s->begun && !sitting_finished(s) && a->made_epoch >= d->x->epoch &&
        !(a->former && former_apart(a->former)))
        return decide_refuse(d, EXAM_AGAIN, "T1", "batch %s has not started",
                             d->x->batches[s->batch - 1].name);
    return EXAM_OK;
}

/* ---------------------------------------------------------------- answers */

/* T11: the candidate has attached elsewhere since the former session was left. What that session
 * made is older than whatever has been done there. Of one that only a dead branch knew the epoch
 * tells, as of a submission that is recovered (A3). */
static bool gone_on_since(const struct sitting *s, const struct former *f)
{
    if (f && former_apart(f))
        return s->attachment_epoch > f->attachment_epoch;
    return f &&
           (f->attachment_epoch != s->attachment_epoch || f->attachment_lsn != s->attachment_lsn);
}

/* The sitting's finish here says nothing of what that session made. */
static bool made_apart(const struct sitting *s, const struct former *f)
{
    return f && (former_apart(f) || gone_on_since(s, f));
}

/* T10. A seat that was out of contact when a person ended its sitting, or when its candidate
 * submitted, may have been open for the grace after the mark that its account ends at (T6), a pause
 * that it did not know of notwithstanding (T8); where time ran out, all of that is in the account,
 * unless the seat has shown a mark of more time than there is (T12): then a grant was lost with the
 * node that had logged it, and what was made in that time was in time (A2). */
static bool made_after_finish(const struct decision *d, const struct action *a,
                              const struct sitting *s)
{
    uint64_t until_ms = s->account.used_ms;
    uint64_t grace_ms = d->x->batches[s->batch - 1].grace_ms;

    if (s->finish == EV__FINISH__FINISH_POSTPONED || s->submission_due)
        until_ms += grace_ms;
    if (s->shown_used_ms > 0 && s->shown_used_ms + grace_ms > until_ms)
        until_ms = s->shown_used_ms + grace_ms;
    return d->c->u.answer.made_at_ms > until_ms && !made_apart(s, a->former);
}

/* T10: in the result are the answers made before the finish, flagged when they come after it; but
 * what has been collected is closed, and nothing follows a submission. */
static struct verdict verdict_finished(const struct decision *d, const struct action *a,
                                       const struct sitting *s)
{
    const struct batch *b = &d->x->batches[s->batch - 1];

    if (b->collected)
        return (struct verdict){
            .code = decide_refuse(d, EXAM_STATE, "P6",
                                  "batch %s has been collected: this answer of candidate %s is "
                                  "kept in the log, but is not in the result",
                                  b->name, s->admission_no)};
    if (s->finish == EV__FINISH__FINISH_SUBMITTED && !s->submission_due &&
        !made_apart(s, a->former))
        return (struct verdict){
            .code = decide_refuse(d, EXAM_LATE, "T10",
                                  "candidate %s has submitted: this answer was made after that "
                                  "and is kept in the log, not in the result",
                                  s->admission_no)};
    if (made_after_finish(d, a, s))
        return (struct verdict){
            .code = decide_refuse(d, EXAM_LATE, "T10",
                                  "the time of candidate %s had run out: this answer was made "
                                  "after that and is kept in the log, not in the result",
                                  s->admission_no)};
    return (struct verdict){.code = EXAM_OK, .late = true};
}

/* The item can be answered: it is in the paper, or there is no paper and room for one more. */
static bool item_known(const exam *x, const struct sitting *s, const char *item)
{
    const struct items *items = exam_sitting_items(x, s);
    uint32_t place;

    return items_find(items ? items : &s->own, item, &place) ||
           (!items && s->own.n < PAPER_ITEMS_MAX);
}

/* A3: made under an attachment that is still to come. One of an earlier epoch, of which a dead
 * branch may have more than is known here, is over. */
static bool attachment_to_come(const struct decision *d, const struct sitting *s)
{
    struct answer_version made = {d->c->u.answer.attachment_epoch, d->c->u.answer.attachment_lsn,
                                  0};
    struct answer_version now = {s->attachment_epoch, s->attachment_lsn, 0};

    return made.epoch >= d->x->epoch && answer_version_compare(&made, &now) > 0;
}

static struct verdict verdict_of(const struct decision *d, const struct action *a,
                                 const struct sitting *s)
{
    if (d->c->u.answer.value_bytes > ANSWER_BYTES_MAX)
        return (struct verdict){.code =
                                    decide_refuse(d, EXAM_TOO_BIG, "",
                                                  "an answer to item %s of %zu bytes: at most "
                                                  "%d are taken",
                                                  d->c->u.answer.item, d->c->u.answer.value_bytes,
                                                  (int)ANSWER_BYTES_MAX)};
    if (!item_known(d->x, s, d->c->u.answer.item))
        return (struct verdict){
            .code = decide_refuse(d, EXAM_NOT_FOUND, "", "no item %s in paper %s of candidate %s",
                                  d->c->u.answer.item,
                                  s->paper ? d->x->papers[s->paper - 1].name : "(none)",
                                  s->admission_no)};
    if (attachment_to_come(d, s))
        return (struct verdict){
            .code = decide_refuse(d, EXAM_INVALID, "A3",
                                  "an answer of candidate %s says that it was made under an "
                                  "attachment that is still to come",
                                  s->admission_no)};
    if (sitting_finished(s))
        return verdict_finished(d, a, s);
    return (struct verdict){.code = EXAM_OK};
}

/* The attachment is the seat's word, and is kept as such: it orders the candidate's own answers
 * (A3). So is `made_at_ms`, which marks no more than any word of the seat does (T3). */
static void emit_answered(const struct decision *d, const struct sitting *s,
                          const struct verdict *v)
{
    const struct exam_word w = decide_word(d->c);
    Ev__Answered e;
    Ev__Event event = EV__EVENT__INIT;

    ev__answered__init(&e);
    e.sitting = d->c->u.answer.sitting;
    e.seq = d->c->u.answer.seq;
    e.item = event_text(d->c->u.answer.item);
    if (d->c->u.answer.value_bytes <= ANSWER_BYTES_MAX)
        e.value = event_data(d->c->u.answer.value, d->c->u.answer.value_bytes);
    e.made_at_ms = d->c->u.answer.made_at_ms;
    e.attachment_epoch = d->c->u.answer.attachment_epoch;
    e.attachment_lsn = d->c->u.answer.attachment_lsn;
    e.used_ms = sitting_vouched_ms(d->x, s, d->now_ms, &w);
    e.late = v->late;
    e.refused = v->code != EXAM_OK;
    e.former = d->c->u.answer.former;
    event.kind_case = EV__EVENT__KIND_ANSWERED;
    event.answered = &e;
    d->emit(d->ctx, &event);
}

/* The session that an action of a former one names must be one. */
static exam_err action_of(const struct decision *d, uint32_t sitting, uint64_t seq, uint32_t former,
                          struct action *out)
{
    *out = (struct action){.sitting = sitting, .seq = seq};
    if (former == 0)
        return EXAM_OK;
    out->former = former_of(exam_sitting(d->x, sitting), former);
    if (out->former)
        return EXAM_OK;
    return decide_refuse(d, EXAM_STATE, "T11",
                         "the sitting has no such former session: attach again");
}

/* A1: an action of the past that its session was refused is refused again. The newest of them is
 * known by its number, unless a branch has brought it since; others by what they would have left:
 * the item has no version of them, nor a later one. */
static bool was_refused(const struct decision *d, const struct action *a)
{
    const struct sitting *s = exam_sitting(d->x, a->sitting);
    const struct items *items = exam_sitting_items(d->x, s);
    struct answer_version v = {d->c->u.answer.attachment_epoch, d->c->u.answer.attachment_lsn,
                               a->seq};
    uint64_t newest = a->former ? a->former->seq_refused : s->seq_refused;
    uint32_t place;

    if (a->seq > newest)
        return false;
    if (!items_find(items ? items : &s->own, d->c->u.answer.item, &place) ||
        place >= s->answers.slots_n || !s->answers.slots[place].set)
        return true;
    int later = answer_version_compare(&v, &s->answers.slots[place].version);
    return later > 0 || (later < 0 && a->seq == newest);
}

static exam_err refuse_again(const struct decision *d, const struct action *a)
{
    const struct sitting *s = exam_sitting(d->x, a->sitting);
    struct verdict v = verdict_of(d, a, s);

    if (v.code != EXAM_OK) /* as it stands now: mostly why it was refused then */
        return v.code;
    return decide_refuse(d, EXAM_LATE, "T10",
                         "this answer of candidate %s was refused when it came first: it is kept "
                         "in the log, not in the result",
                         s->admission_no);
}

exam_err decide_answer(const struct decision *d)
{
    struct action a;
    bool duplicate;
    exam_err err =
        action_of(d, d->c->u.answer.sitting, d->c->u.answer.seq, d->c->u.answer.former, &a);

    a.made_epoch = d->c->u.answer.attachment_epoch;
    if (err == EXAM_OK)
        err = action_check(d, &a, &duplicate);
    if (err == EXAM_OK && duplicate && was_refused(d, &a))
        return refuse_again(d, &a);
    if (err != EXAM_OK || duplicate)
        return err;
    const struct sitting *s = exam_sitting(d->x, a.sitting);
    struct verdict v = verdict_of(d, &a, s);
    if (v.code != EXAM_OK)
        d->why->consumed = true;
    emit_answered(d, s, &v);
    return v.code;
}

/* ---------------------------------------------------------------- submission */

/* What the account ends at: by the word of the candidate who submits (T7). */
static uint64_t submitted_used_ms(const struct decision *d, uint32_t no)
{
    const struct exam_word w = decide_word(d->c);

    return sitting_vouched_ms(d->x, exam_sitting(d->x, no), d->now_ms, &w);
}

/* A clock that stands has lost the time since then: that is booked before the account ends. */
static exam_err emit_credited(const struct decision *d, uint32_t no)
{
    const struct sitting *s = exam_sitting(d->x, no);
    struct pack p;

    if (!s->begun || sitting_clock_runs(d->x, s))
        return EXAM_OK;
    exam_err err = pack_init(&p, d, PACK_CREDITED, 1);
    if (err != EXAM_OK)
        return err;
    p.basis = sitting_paused(d->x, s) ? EV__BASIS__BASIS_PAUSE : EV__BASIS__BASIS_MARK;
    uint64_t from_ms = s->account.mark_ms + submitted_used_ms(d, no) - s->account.used_ms;
    pack_add(&p, no, from_ms, d->now_ms - from_ms);
    pack_end(&p);
    return EXAM_OK;
}

static void emit_submitted(const struct decision *d, const struct action *a, bool refused)
{
    Ev__Submitted e = EV__SUBMITTED__INIT;
    Ev__Event event = EV__EVENT__INIT;

    e.sitting = a->sitting;
    e.seq = a->seq;
    e.used_ms = submitted_used_ms(d, a->sitting);
    e.refused = refused;
    e.former = d->c->u.submit.former;
    event.kind_case = EV__EVENT__KIND_SUBMITTED;
    event.submitted = &e;
    d->emit(d->ctx, &event);
}

/* A3: a submission counts unless the candidate has gone on since. Of a former session it is kept in
 * the log all the same, so that it does not block what comes after it. */
static exam_err submit_of_former(const struct decision *d, const struct action *a)
{
    const struct sitting *s = exam_sitting(d->x, a->sitting);
    bool counts = !gone_on_since(s, a->former) && sitting_can_end(d->x, s);
    exam_err err = counts ? emit_credited(d, a->sitting) : EXAM_OK;

    if (err != EXAM_OK)
        return err;
    emit_submitted(d, a, !counts);
    if (counts)
        return EXAM_OK;
    err = decide_refuse(d, EXAM_SEAT_TAKEN, "A3",
                        "candidate %s has gone on at seat %s since: this submission is kept in the "
                        "log and changes nothing",
                        s->admission_no, exam_seat_name(d->x, s->seat));
    d->why->consumed = true;
    return err;
}

/* The attachment of an earlier epoch was of a history in which the sitting had begun; but where its
 * batch has not started here, a submission waits for that, whenever it was made (T1). */
static uint64_t submission_made_epoch(const struct decision *d)
{
    const struct sitting *s = exam_sitting(d->x, d->c->u.submit.sitting);
    bool told = d->c->u.submit.attachment_epoch > 0;

    return told && s && sitting_can_end(d->x, s) ? d->c->u.submit.attachment_epoch : UINT64_MAX;
}

exam_err decide_submit(const struct decision *d)
{
    struct action a;
    bool duplicate;
    exam_err err =
        action_of(d, d->c->u.submit.sitting, d->c->u.submit.seq, d->c->u.submit.former, &a);

    a.made_epoch = submission_made_epoch(d);
    if (err == EXAM_OK)
        err = action_check(d, &a, &duplicate);
    if (err != EXAM_OK || duplicate)
        return err;
    if (a.former)
        return submit_of_former(d, &a);
    const struct sitting *s = exam_sitting(d->x, a.sitting);
    if (s->submission_due) { /* T10: its account has ended where the seat said */
        emit_submitted(d, &a, false);
        return EXAM_OK;
    }
    if (sitting_finished(s))
        return decide_refuse(d, EXAM_STATE, "T10", "candidate %s has finished already",
                             s->admission_no);
    err = emit_credited(d, a.sitting);
    if (err == EXAM_OK)
        emit_submitted(d, &a, false);
    return err;
}
