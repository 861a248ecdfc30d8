#include <inttypes.h>
#include <string.h>

#include "run_internal.h"

/* The account is the sitter's, wherever that is: only one desk's word counts at a time. */
static struct reckoning *reckoning_of(const struct desk *d)
{
    bool counts = d->sitter != NULL && d->sitter->watched == d && !d->former;
    return counts ? &d->sitter->reckoning : NULL;
}

/* ---------------------------------------------------------------- attachments */

static struct witness_account account_of(const struct seat_account *a)
{
    return (struct witness_account){a->allot_ms, a->grants_ms, a->used_ms,
                                    a->left_ms,  a->lost_ms,   a->ago_ms};
}

static void told_take(struct desk *d, const struct seat_account *a)
{
    d->told = *a;
    if (reckoning_of(d) == NULL)
        return;
    d->sitter->used_ms = a->used_ms;
    d->sitter->total_ms = a->used_ms + a->left_ms;
}

static void see_attached(struct desk *d, const struct seat_event *e)
{
    struct run *run = d->run;
    const struct seat_account *a = &e->u.attached.account;
    if (e->u.attached.signed_in)
        run->n.signed_in++;
    else
        witness_see_attached(&d->witness, e->u.attached.seq_have, e->u.attached.epoch);
    const char *name = d->out ? "resumed" : "attached";
    run->n.resumed += d->out;
    d->out = false;
    if (e->u.attached.signed_in && d->sitter != NULL)
        d->sitter->watched = d;
    d->attaching = true;
    d->attach = (struct reckon_attach){.sent_ms = d->seat->reply_sent_ms,
                                       .received_ms = e->now_ms,
                                       .epoch = e->u.attached.epoch,
                                       .anew = e->u.attached.signed_in,
                                       .told_used_ms = a->used_ms,
                                       .told_lost_ms = a->lost_ms,
                                       .ago_ms = a->ago_ms};
    d->told = *a;
    outputs_event(&run->outputs, d->seat, name,
                  ",\"epoch\":%" PRIu64 ",\"node\":%u,\"out_ms\":%" PRIu64 ",\"open_ms\":%" PRIu64
                  ",\"used_ms\":%" PRIu64 ",\"lost_ms\":%" PRIu64 ",\"resend\":%" PRIu64,
                  e->u.attached.epoch, e->u.attached.node, e->u.attached.out_ms,
                  e->u.attached.open_ms, a->used_ms, a->lost_ms,
                  e->u.attached.seq_acked > e->u.attached.seq_have
                      ? e->u.attached.seq_acked - e->u.attached.seq_have
                      : 0);
}

static enum reckon_state state_of(const struct desk *d)
{
    switch (seat_core_state(d->seat->core)) {
    case SEAT_ANSWERING:
    case SEAT_SUBMITTING: /* the clock runs until the submission is taken (T10) */
        return RECKON_OPEN;
    case SEAT_PAUSED:
        return RECKON_PAUSED;
    case SEAT_FINISHED:
        return RECKON_ENDED;
    default:
        return RECKON_BEFORE;
    }
}

static enum reckon_finish finish_of(Ev__Finish finish)
{
    if (finish == EV__FINISH__FINISH_SUBMITTED)
        return RECKON_SUBMITTED;
    return finish == EV__FINISH__FINISH_TIMED_OUT ? RECKON_TIMED_OUT : RECKON_CLOSED;
}

/* T11: the sitting has gone on elsewhere, and this desk has heard so. */
static void former_note(struct desk *d, uint64_t now_ms)
{
    struct reckoning *r = reckoning_of(d);
    if (r != NULL)
        reckon_lost(r, now_ms, 0); /* no mark of this desk comes after that */
    d->former = true;
}

void run_settle_attached(struct desk *d)
{
    struct run *run = d->run;
    d->attaching = false;
    d->attach.state = state_of(d);
    d->attach.finish = finish_of(seat_core_finish(d->seat->core));
    d->attach.room = d->room;
    if (d->left && d->attach.state == RECKON_ENDED)
        former_note(d, d->attach.received_ms);
    struct reckoning *r = reckoning_of(d);
    if (r == NULL)
        return;
    struct witness_account whole = account_of(&d->told);
    witness_see_account(&d->witness, &whole, d->attach.sent_ms, d->attach.received_ms);
    told_take(d, &d->told);
    reckon_attached(r, &d->attach);
    if (run->first_open_ms == 0 && d->attach.state == RECKON_OPEN)
        run->first_open_ms = d->attach.received_ms;
}

static void see_lost(struct desk *d, const struct seat_event *e)
{
    struct reckoning *r = reckoning_of(d);
    d->run->n.losses += !d->out;
    d->out = true;
    if (r != NULL)
        reckon_lost(r, e->now_ms, d->seat->doubt_ms);
    outputs_event(&d->run->outputs, d->seat, "lost", ",\"code\":\"%s\"",
                  exam_err_name(e->u.problem.code));
}

static void room_note(struct desk *d, const char *name)
{
    struct run *run = d->run;
    uint32_t i = 0;
    while (i < run->rooms_n && strcmp(run->room[i], name) != 0)
        i++;
    if (i == ROOMS_KEPT)
        i = 0; /* of so many rooms one more or less is all the same */
    if (i == run->rooms_n) {
        strncpy(run->room[i], name, NAME_BYTES_MAX);
        run->rooms_n++;
    }
    d->room = i;
}

/* ---------------------------------------------------------------- answers and marks */

static void see_answer(struct desk *d, const struct seat_event *e)
{
    struct run *run = d->run;
    struct reckoning *r = reckoning_of(d);
    uint64_t seq = e->u.answer.seq;
    bool dual = e->u.answer.state == SEAT_ANSWER_DUAL;
    if (e->u.answer.state == SEAT_ANSWER_REFUSED) {
        run->n.refused++;
        witness_fault(&run->faults, "%s: answer %" PRIu64 " was refused: %.100s",
                      d->seat->row->seat, seq, e->u.answer.text);
        return;
    }
    if (!dual && e->u.answer.state != SEAT_ANSWER_SOLO)
        return;
    witness_see_acked(&d->witness, seq, dual, seat_core_epoch_seen(d->seat->core));
    d->solo_last = !dual;
    if (dual && r != NULL && !d->attaching)
        reckon_dual(r);
    if (e->u.answer.submit || seq <= d->seq_saved)
        return; /* a seat that has booted tells everything anew */
    d->seq_saved = seq;
    run->n.acked_dual += dual;
    run->n.acked_solo += !dual;
    run->n.late += e->u.answer.late;
    if (seq <= d->seq_base || seq - d->seq_base > d->made_n)
        return; /* made by an earlier run on the same journal */
    uint64_t at = d->made_base + (seq - d->seq_base - 1);
    const struct candidate_action *a = &d->sitter->made[at];
    outputs_acked(&run->outputs, d->seat, d->sitter->paper->item[a->item].id, at + 1, seq, a->value,
                  dual);
}

static void mark_see(struct desk *d, struct reckoning *r, const struct seat_event *e)
{
    const struct seat_account *a = &e->u.account.account;
    uint64_t sent_ms = d->seat->reply_sent_ms;
    witness_see_mark(&d->witness, a->used_ms, a->left_ms, a->ago_ms, sent_ms, e->now_ms);
    d->sitter->used_ms = a->used_ms;
    reckon_acked(r, sent_ms, e->now_ms);
}

static void see_account(struct desk *d, const struct seat_event *e)
{
    struct reckoning *r = reckoning_of(d);
    if (r == NULL)
        return;
    if (!e->u.account.full) {
        mark_see(d, r, e);
        return;
    }
    struct witness_account whole = account_of(&e->u.account.account);
    witness_see_account(&d->witness, &whole, d->seat->reply_sent_ms, e->now_ms);
    told_take(d, &e->u.account.account);
    if (!d->left) /* what tells a seat that it is shut out is no mark */
        reckon_noticed(r, e->now_ms);
}

/* ---------------------------------------------------------------- the paper */

static void paper_fetched(struct desk *d, const struct seat_event *e)
{
    struct run *run = d->run;
    struct sitter *c = d->sitter;
    const struct paper_items *paper;
    uint32_t who = run->options->skip_n + (uint32_t)(c - run->sitter);
    exam_err err = paper_shelf_put(&run->shelf, e->u.started.digest, &d->copy, &paper);
    if (err != EXAM_OK) {
        run_fail(d, "the paper cannot be read", exam_err_text(err));
        return;
    }
    if (c->paper == NULL)
        candidate_init(&c->candidate, run->options->seed * 1000003u + who, paper->n,
                       run->options->answers_n, run->options->think_ms);
    c->paper = paper;
    d->paper_here = true;
    c->think_until_ms = e->now_ms + candidate_think_ms(&c->candidate);
}

static void see_paper(struct desk *d, const struct seat_event *e)
{
    exam_err err;
    switch (e->kind) {
    case SEAT_EVENT_STARTED:
        d->run->n.started += d->sitter->paper == NULL && !d->fetch_due;
        d->fetch_due = !d->paper_here;
        return;
    case SEAT_EVENT_PAPER_PART:
        err = paper_copy_add(&d->copy, e->u.part.offset, e->u.part.total, e->u.part.data,
                             e->u.part.data_bytes);
        if (err != EXAM_OK)
            run_fail(d, "the paper cannot be read", exam_err_text(err));
        return;
    case SEAT_EVENT_PAPER:
        paper_fetched(d, e);
        return;
    default: /* SEAT_EVENT_PAPER_FAILED */
        paper_copy_drop(&d->copy);
        d->fetch_due = true;
        return;
    }
}

/* ---------------------------------------------------------------- states */

static void see_state(struct desk *d, const struct seat_event *e)
{
    struct reckoning *r = reckoning_of(d);
    enum seat_state from = e->u.state.from, to = e->u.state.to;
    if (r == NULL || d->attaching)
        return;
    if (to == SEAT_PAUSED) {
        reckon_paused(r, e->now_ms);
    } else if (from == SEAT_PAUSED && (to == SEAT_ANSWERING || to == SEAT_SUBMITTING)) {
        reckon_resumed(r, e->now_ms, d->told.used_ms, d->told.lost_ms);
    } else if (to == SEAT_ANSWERING) {
        reckon_started(r, e->now_ms);
        if (d->run->first_open_ms == 0)
            d->run->first_open_ms = e->now_ms;
    }
}

static void see_locked(struct desk *d, const struct seat_event *e)
{
    const struct reckoning *r = reckoning_of(d);
    d->run->n.locks++;
    if (r != NULL && e->now_ms < r->mark.hi_ms + r->grace_ms)
        witness_fault(&d->run->faults, "%s: locked %" PRIu64 " ms before its grace was over (T6)",
                      d->seat->row->seat, r->mark.hi_ms + r->grace_ms - e->now_ms);
    outputs_event(&d->run->outputs, d->seat, "locked", "%s", "");
}

static void see_finished(struct desk *d, const struct seat_event *e)
{
    struct reckoning *r = reckoning_of(d);
    uint64_t sent_ms = d->seat->reply_pushed ? 0 : d->seat->reply_sent_ms;
    if (d->left) {
        if (!d->attaching)
            former_note(d, e->now_ms);
        return;
    }
    d->run->n.finished++;
    outputs_event(&d->run->outputs, d->seat, "finished", ",\"finish\":%d",
                  (int)e->u.finished.finish);
    if (r == NULL || d->attaching)
        return;
    if (e->u.finished.finish == EV__FINISH__FINISH_TIMED_OUT)
        sent_ms = 0; /* by its own clock, as a rule */
    reckon_finished(r, finish_of(e->u.finished.finish), sent_ms, e->now_ms, d->solo_last);
}

/* A candidate who has moved signs in as soon as the administrator has moved the sitting (T11). */
static void see_sign_in_refused(struct desk *d, const struct seat_event *e)
{
    bool moving = d->sitter != NULL && d->sitter->watched != d;
    if (moving && (e->u.problem.code == EXAM_SEAT_TAKEN || e->u.problem.code == EXAM_STATE))
        d->asked = false;
    else
        run_fail(d, "sign-in", e->u.problem.text);
}

static void see_problem(struct desk *d, const struct seat_event *e)
{
    if (e->u.problem.code == EXAM_CORRUPT)
        witness_fault(&d->run->faults, "%s: %.100s", d->seat->row->seat, e->u.problem.text);
}

void run_on_event(struct swarm_seat *s, const struct seat_event *e)
{
    struct desk *d = desk_of(s);
    switch (e->kind) {
    case SEAT_EVENT_ATTACHED:
        see_attached(d, e);
        return;
    case SEAT_EVENT_CANDIDATE:
        room_note(d, e->u.candidate->room);
        return;
    case SEAT_EVENT_LOST:
        see_lost(d, e);
        return;
    case SEAT_EVENT_SIGN_IN_REFUSED:
    case SEAT_EVENT_SIGN_IN_NEEDED:
        see_sign_in_refused(d, e);
        return;
    case SEAT_EVENT_STARTED:
    case SEAT_EVENT_PAPER_PART:
    case SEAT_EVENT_PAPER:
    case SEAT_EVENT_PAPER_FAILED:
        see_paper(d, e);
        return;
    case SEAT_EVENT_ANSWER:
        see_answer(d, e);
        return;
    case SEAT_EVENT_ACCOUNT:
        see_account(d, e);
        return;
    case SEAT_EVENT_STATE:
        see_state(d, e);
        return;
    case SEAT_EVENT_LOCKED:
        see_locked(d, e);
        return;
    case SEAT_EVENT_UNLOCKED:
        outputs_event(&d->run->outputs, s, "unlocked", "%s", "");
        return;
    case SEAT_EVENT_FINISHED:
        see_finished(d, e);
        return;
    case SEAT_EVENT_PROBLEM:
        see_problem(d, e);
        return;
    default:
        return;
    }
}
