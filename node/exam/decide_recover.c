#include <stdio.h>

#include "codec.h"
#include "incident.h"

/* A3: one record of a dead branch. Answers, grants, violations, notes and submissions are adopted;
 * pauses, moves, collections and marks that would shorten `left` are shown to a person. What is
 * logged names its origin, so nothing is adopted twice (A4). */
struct recovering {
    const exam *x;
    const struct decision *d; /* NULL: it is only asked whether the record waits */
    const Ev__Event *event;
    uint64_t epoch, lsn, since_lsn; /* its origin */
    uint32_t epoch_tag;
    uint32_t sittings_n, incidents_n; /* numbers up to these mean the same on the branch, */
    const struct exam_recover *asked; /* but for sittings that it tells of */
    Ev__Recovered out;
    char text[REASON_BYTES_MAX + 1];
};

static exam_err emit(struct recovering *k, Ev__RecoveredAs as)
{
    Ev__Event event = EV__EVENT__INIT;

    k->out.epoch = k->epoch;
    k->out.epoch_tag = k->epoch_tag;
    k->out.lsn = k->lsn;
    k->out.since_lsn = k->since_lsn;
    k->out.as = as;
    codec_text_mend(k->text, REASON_BYTES_MAX); /* names and reasons, cut to size */
    k->out.text = k->text;
    event.kind_case = EV__EVENT__KIND_RECOVERED;
    event.recovered = &k->out;
    k->d->emit(k->d->ctx, &event);
    return EXAM_OK;
}

static exam_err shown(struct recovering *k)
{
    return emit(k, EV__RECOVERED_AS__RECOVERED_AS_SHOWN);
}

static uint32_t renumbered(const struct recovering *k, uint32_t no)
{
    for (size_t i = 0; i < k->asked->renumbered_n; i++) {
        const struct exam_renumbered *r = &k->asked->renumbered[i];
        if (no >= r->there && no - r->there < r->n)
            return r->here > 0 ? r->here + (no - r->there) : 0;
    }
    return no <= k->sittings_n ? no : 0;
}

/* The number here of a sitting of the branch; 0: its candidate is unknown here. Where the import
 * was cut off, and done again (P2), it is the one that the candidate has now. */
static uint32_t sitting_here(const struct recovering *k, uint32_t no)
{
    uint32_t here = renumbered(k, no);
    const struct sitting *s = exam_sitting(k->x, here);
    const struct batch *b = s ? &k->x->batches[s->batch - 1] : NULL;

    if (!b || (b->complete && !b->superseded))
        return s ? here : 0;
    return name_index_find(&k->x->candidates, s->admission_no);
}

static const struct sitting *sitting_of(const struct recovering *k, uint32_t no)
{
    return exam_sitting(k->x, sitting_here(k, no));
}

static const char *name_of(const struct recovering *k, uint32_t no)
{
    const struct sitting *s = sitting_of(k, no);

    return s ? s->admission_no : "(unknown here)";
}

/* ---------------------------------------------------------------- what is adopted */

/* True when the item has this version already, or a later one. */
static bool superseded(const struct decision *d, const struct sitting *s, const Ev__Answered *e)
{
    const struct items *items = exam_sitting_items(d->x, s);
    const struct answer_version v = {e->attachment_epoch, e->attachment_lsn, e->seq};
    uint32_t place;

    return items_find(items ? items : &s->own, e->item, &place) && place < s->answers.slots_n &&
           s->answers.slots[place].set &&
           answer_version_compare(&v, &s->answers.slots[place].version) <= 0;
}

static bool item_known(const struct decision *d, const struct sitting *s, const char *item)
{
    const struct items *items = exam_sitting_items(d->x, s);
    uint32_t place;

    return items_find(items ? items : &s->own, item, &place) ||
           (!items && s->own.n < PAPER_ITEMS_MAX);
}

static exam_err recover_answer(struct recovering *k)
{
    Ev__Answered e = *k->event->answered;
    const struct sitting *s = sitting_of(k, e.sitting);

    snprintf(k->text, sizeof k->text, "answer of candidate %s to item %s", name_of(k, e.sitting),
             e.item);
    if (e.refused)
        return EXAM_OK; /* it did not count there either */
    if (!s || batch_closed(&k->x->batches[s->batch - 1]) || !item_known(k->d, s, e.item))
        return shown(k);
    if (superseded(k->d, s, &e))
        return emit(k, EV__RECOVERED_AS__RECOVERED_AS_SUPERSEDED);
    e.sitting = sitting_here(k, e.sitting);
    e.late = sitting_finished(s); /* T10: made before it, on the branch */
    e.former = 0;
    k->out.answered = &e;
    return emit(k, EV__RECOVERED_AS__RECOVERED_AS_ADOPTED);
}

/* T3, T12: the submission was acknowledged with a mark, so the account ends there, not at the older
 * mark that this site has. */
static uint64_t used_until_submission_ms(const struct sitting *s, uint64_t used_ms)
{
    uint64_t total_ms = account_total_ms(&s->account);

    if (used_ms < s->account.used_ms)
        return s->account.used_ms;
    return used_ms < total_ms ? used_ms : total_ms;
}

/* The rest of what has passed since the mark. After a dark time that this node's clock has not
 * measured it may seem that more was used than has passed: then nothing was lost. */
static uint64_t lost_until_submission_ms(const struct sitting *s, uint64_t used_ms, uint64_t now_ms)
{
    uint64_t passed_ms = now_ms > s->account.mark_ms ? now_ms - s->account.mark_ms : 0;
    uint64_t more_ms = used_ms - s->account.used_ms;

    return passed_ms > more_ms ? passed_ms - more_ms : 0;
}

static exam_err recover_submission(struct recovering *k)
{
    const struct decision *d = k->d;
    Ev__Submitted e = *k->event->submitted;
    const struct sitting *s = sitting_of(k, e.sitting);
    struct pack p;

    snprintf(k->text, sizeof k->text, "submission of candidate %s", name_of(k, e.sitting));
    if (e.refused)
        return EXAM_OK;
    if (s && s->finish == EV__FINISH__FINISH_SUBMITTED)
        return emit(k, EV__RECOVERED_AS__RECOVERED_AS_SUPERSEDED);
    if (!sitting_can_end(d->x, s) || s->attachment_epoch > k->epoch)
        return shown(k); /* the candidate has gone on since */
    exam_err err = pack_init(&p, d, PACK_CREDITED, 1);
    if (err != EXAM_OK)
        return err;
    e.sitting = sitting_here(k, e.sitting);
    e.used_ms = used_until_submission_ms(s, e.used_ms);
    p.basis = EV__BASIS__BASIS_MARK;
    if (s->begun)
        pack_add(&p, e.sitting, s->account.mark_ms,
                 lost_until_submission_ms(s, e.used_ms, d->now_ms));
    pack_end(&p);
    k->out.submitted = &e;
    return emit(k, EV__RECOVERED_AS__RECOVERED_AS_ADOPTED);
}

/* What of one sitting's grant can be adopted: nothing is taken that has been used meanwhile. */
static int64_t share_ms(const struct recovering *k, uint32_t no, int64_t ms)
{
    const struct decision *d = k->d;
    const struct sitting *s = sitting_of(k, no);

    if (!s || batch_closed(&d->x->batches[s->batch - 1]))
        return 0;
    bool ran_out =
        s->finish == EV__FINISH__FINISH_TIMED_OUT || s->finish == EV__FINISH__FINISH_ABSENT;
    if (sitting_finished(s) && !ran_out)
        return 0;
    uint64_t left = account_left_ms(&s->account, sitting_used_ms(d->x, s, d->now_ms));
    return ms < 0 && (uint64_t)-ms > left ? -(int64_t)left : ms;
}

static exam_err recover_grant(struct recovering *k)
{
    const struct decision *d = k->d;
    const struct exam_memory *m = &d->x->memory;
    Ev__Granted e = *k->event->granted;
    size_t n = e.n_sitting;
    uint32_t *sitting = memory_take(m, n * sizeof *sitting);
    int64_t *ms = memory_take(m, n * sizeof *ms);
    uint64_t *lost_ms = memory_take(m, n * sizeof *lost_ms);
    exam_err err = sitting && ms && lost_ms ? EXAM_OK : decide_no_memory(d);

    snprintf(k->text, sizeof k->text, "grant of %lld ms to %zu candidates by %s",
             (long long)e.asked_ms, n, e.who);
    e.n_sitting = e.n_ms = e.n_lost_ms = 0;
    for (size_t i = 0; err == EXAM_OK && i < n; i++) {
        int64_t share = share_ms(k, e.sitting[i], e.ms[i]);
        const struct sitting *s = sitting_of(k, e.sitting[i]);
        if (share == 0)
            continue;
        sitting[e.n_sitting] = sitting_here(k, e.sitting[i]);
        ms[e.n_sitting] = share;
        lost_ms[e.n_sitting] = sitting_finished(s) ? d->now_ms - s->finish_ms : 0;
        e.n_ms = e.n_lost_ms = ++e.n_sitting;
    }
    e.sitting = sitting;
    e.ms = ms;
    e.lost_ms = lost_ms;
    e.incident = 0;
    if (e.n_sitting > 0)
        k->out.granted = &e;
    if (err == EXAM_OK)
        err = e.n_sitting > 0 ? emit(k, EV__RECOVERED_AS__RECOVERED_AS_ADOPTED) : shown(k);
    memory_drop(m, sitting);
    memory_drop(m, ms);
    memory_drop(m, lost_ms);
    return err;
}

static exam_err recover_violation(struct recovering *k)
{
    Ev__ViolationNoted e = *k->event->violation_noted;

    snprintf(k->text, sizeof k->text, "violation of candidate %s", name_of(k, e.sitting));
    if (!sitting_of(k, e.sitting))
        return shown(k);
    e.sitting = sitting_here(k, e.sitting);
    k->out.violation_noted = &e;
    return emit(k, EV__RECOVERED_AS__RECOVERED_AS_ADOPTED);
}

static exam_err recover_note(struct recovering *k)
{
    Ev__IncidentNoted *e = k->event->incident_noted;

    snprintf(k->text, sizeof k->text, "note to incident %u: %.300s", e->incident, e->text);
    if (e->incident < 1 || e->incident > k->incidents_n)
        return shown(k);
    k->out.incident_noted = e;
    return emit(k, EV__RECOVERED_AS__RECOVERED_AS_ADOPTED);
}

/* ---------------------------------------------------------------- what is shown */

static exam_err show_scope(struct recovering *k, const char *what, const Ev__Scope *scope,
                           const char *who, const char *why)
{
    const struct scope over = scope_of_event(scope);

    snprintf(k->text, sizeof k->text, "%s of %s by %s: %.250s", what, scope_text(k->x, &over).text,
             who, why);
    return shown(k);
}

static exam_err show_batch(struct recovering *k, const char *what, uint32_t batch, const char *who)
{
    snprintf(k->text, sizeof k->text, "batch %s %s by %s",
             exam_scope_name(k->x, EV__SCOPE_KIND__SCOPE_KIND_BATCH, batch), what, who);
    return shown(k);
}

/* Marks that would shorten `left`: one is enough to send a person to look at the branch. */
static exam_err show_marks(struct recovering *k, size_t n, const uint32_t *sitting,
                           const uint64_t *used_ms)
{
    if (exam_recovery_marks_shown(k->x, k->epoch, k->epoch_tag))
        return EXAM_OK;
    for (size_t i = 0; i < n; i++) {
        const struct sitting *s = sitting_of(k, sitting[i]);
        if (!s || sitting_used_ms(k->x, s, k->d->now_ms) >= used_ms[i])
            continue;
        snprintf(k->text, sizeof k->text,
                 "marks: candidate %s had used %llu ms there, and has used %llu ms here; others "
                 "may differ, too",
                 s->admission_no, (unsigned long long)used_ms[i],
                 (unsigned long long)sitting_used_ms(k->x, s, k->d->now_ms));
        k->out.marks = true;
        return shown(k);
    }
    return EXAM_OK;
}

/* T2, D6: nobody has shown here that its candidate had sat down: the clock may have run without a
 * screen since, and its seat may have lost its disk. What a seat had shown there is a mark. */
static exam_err show_sign_in(struct recovering *k, const Ev__SignedIn *e)
{
    const struct sitting *s = sitting_of(k, e->sitting);

    if (e->former_epoch > 0)
        return show_marks(k, 1, &e->sitting, &e->former_used_ms);
    if (!s || sitting_finished(s) || e->session.len != SESSION_BYTES ||
        sitting_knows_session(s, e->session.data) ||
        exam_recovery_marks_shown(k->x, k->epoch, k->epoch_tag))
        return EXAM_OK;
    snprintf(
        k->text, sizeof k->text,
        "marks: candidate %s had signed in there at seat %s, which no seat has shown here, and "
        "has used %llu ms here; others may differ, too",
        s->admission_no, exam_scope_name(k->x, EV__SCOPE_KIND__SCOPE_KIND_SEAT, e->seat),
        (unsigned long long)sitting_used_ms(k->x, s, k->d->now_ms));
    k->out.marks = true;
    return shown(k);
}

static exam_err show(struct recovering *k)
{
    const Ev__Event *e = k->event;

    switch (e->kind_case) {
    case EV__EVENT__KIND_MARKED:
        return show_marks(k, e->marked->n_sitting, e->marked->sitting, e->marked->used_ms);
    case EV__EVENT__KIND_FINISHED:
        return show_marks(k, e->finished->n_sitting, e->finished->sitting, e->finished->used_ms);
    case EV__EVENT__KIND_ATTACHED:
        return show_marks(k, 1, &e->attached->sitting, &e->attached->used_ms);
    case EV__EVENT__KIND_SIGNED_IN:
        return show_sign_in(k, e->signed_in);
    case EV__EVENT__KIND_PAUSED:
        return show_scope(k, "pause", e->paused->scope, e->paused->who, e->paused->why);
    case EV__EVENT__KIND_RESUMED:
        return show_scope(k, "resumption", e->resumed->scope, e->resumed->who, e->resumed->why);
    case EV__EVENT__KIND_INCIDENT_OPENED:
        return show_scope(k, "incident", e->incident_opened->scope, e->incident_opened->who,
                          e->incident_opened->text);
    case EV__EVENT__KIND_BATCH_STARTED:
        return show_batch(k, "started", e->batch_started->batch, e->batch_started->who);
    case EV__EVENT__KIND_BATCH_COLLECTED:
        return show_batch(k, "collected", e->batch_collected->batch, e->batch_collected->who);
    case EV__EVENT__KIND_BATCH_POSTPONED:
        return show_batch(k, "postponed", e->batch_postponed->batch, e->batch_postponed->who);
    case EV__EVENT__KIND_BATCH_SUSPENDED:
        return show_batch(k, "suspended", e->batch_suspended->batch, e->batch_suspended->node);
    case EV__EVENT__KIND_BATCH_UNSUSPENDED:
        return show_batch(k, "went on", e->batch_unsuspended->batch, e->batch_unsuspended->who);
    case EV__EVENT__KIND_MOVED:
        snprintf(k->text, sizeof k->text, "move of candidate %s to seat %s by %s",
                 name_of(k, e->moved->sitting),
                 exam_scope_name(k->x, EV__SCOPE_KIND__SCOPE_KIND_SEAT, e->moved->seat),
                 e->moved->who);
        return shown(k);
    case EV__EVENT__KIND_IMPORT_COMPLETED:
        snprintf(k->text, sizeof k->text, "import of batch %s by %s", e->import_completed->batch,
                 e->import_completed->who);
        return shown(k);
    case EV__EVENT__KIND_RECOVERED: /* shown there already */
        snprintf(k->text, sizeof k->text, "%s", e->recovered->text);
        k->out.marks = e->recovered->marks;
        return shown(k);
    default:
        return EXAM_OK; /* of no consequence any more */
    }
}

/* ---------------------------------------------------------------- where it comes from */

/* The first epoch of this site's log that the branch does not share. */
static const struct epoch_start *left_at(const exam *x, uint64_t epoch, uint32_t epoch_tag)
{
    for (uint32_t i = 0; i < x->epochs_n; i++)
        if (x->epochs[i].epoch > epoch ||
            (x->epochs[i].epoch == epoch && x->epochs[i].epoch_tag != epoch_tag))
            return &x->epochs[i];
    return NULL;
}

/* What is told of the records before it: those that are known otherwise need no telling, and
 * whoever recovers this very event may not know of them. */
static uint64_t untold_since(const struct recovering *k, uint64_t since_lsn)
{
    const exam *x = k->x;
    uint64_t told = exam_shared_lsn(x, k->epoch, k->epoch_tag);

    for (uint32_t i = 0; i < x->recoveries_n; i++) {
        const struct recovery *r = &x->recoveries[i];
        if (r->epoch == k->epoch && r->epoch_tag == k->epoch_tag && r->lsn < k->lsn &&
            r->lsn > told)
            told = r->lsn;
    }
    return since_lsn > told ? since_lsn : told + 1;
}

static exam_err recover_event(struct recovering *k)
{
    switch (k->event->kind_case) {
    case EV__EVENT__KIND_ANSWERED:
        return recover_answer(k);
    case EV__EVENT__KIND_SUBMITTED:
        return recover_submission(k);
    case EV__EVENT__KIND_GRANTED:
        return recover_grant(k);
    case EV__EVENT__KIND_VIOLATION_NOTED:
        return recover_violation(k);
    case EV__EVENT__KIND_INCIDENT_NOTED:
        return recover_note(k);
    default:
        return show(k);
    }
}

/* Decides what has the origin that k names, unless the site has it: A4. */
static exam_err recover_origin(struct recovering *k, uint64_t since_lsn)
{
    if (exam_recovered(k->x, k->epoch, k->epoch_tag, k->lsn))
        return EXAM_OK;
    k->since_lsn = untold_since(k, since_lsn > 0 && since_lsn < k->lsn ? since_lsn : k->lsn);
    return recover_event(k);
}

/* The part that a Recovered event carries, as the event that it was. */
static bool carried_part(const Ev__Recovered *e, Ev__Event *out)
{
    ev__event__init(out);
    if (e->answered) {
        out->kind_case = EV__EVENT__KIND_ANSWERED;
        out->answered = e->answered;
    } else if (e->submitted) {
        out->kind_case = EV__EVENT__KIND_SUBMITTED;
        out->submitted = e->submitted;
    } else if (e->granted) {
        out->kind_case = EV__EVENT__KIND_GRANTED;
        out->granted = e->granted;
    } else if (e->violation_noted) {
        out->kind_case = EV__EVENT__KIND_VIOLATION_NOTED;
        out->violation_noted = e->violation_noted;
    } else if (e->incident_noted) {
        out->kind_case = EV__EVENT__KIND_INCIDENT_NOTED;
        out->incident_noted = e->incident_noted;
    }
    return out->kind_case != EV__EVENT__KIND__NOT_SET;
}

/* What was recovered on this branch from another one, the disk of which may be gone: it is
 * recovered under its true origin, so once, whoever brings it. What was superseded there is so by
 * something that the branch has itself. */
static exam_err recover_recovered(struct recovering *k, const Ev__Recovered *e)
{
    Ev__Event part;

    k->epoch = e->epoch;
    k->epoch_tag = e->epoch_tag;
    k->lsn = e->lsn;
    if (e->as == EV__RECOVERED_AS__RECOVERED_AS_ADOPTED && carried_part(e, &part)) {
        k->event = &part;
        return recover_origin(k, e->since_lsn);
    }
    if (e->as != EV__RECOVERED_AS__RECOVERED_AS_SHOWN ||
        (e->marks && exam_recovery_marks_shown(k->x, k->epoch, k->epoch_tag)))
        return EXAM_OK;
    return recover_origin(k, e->since_lsn);
}

/* ---------------------------------------------------------------- what waits (A2) */

static bool any_unknown(const struct recovering *k, size_t n, const uint32_t *sitting)
{
    for (size_t i = 0; i < n; i++)
        if (!sitting_of(k, sitting[i]))
            return true;
    return false;
}

/* Marks are shown of whoever is known. */
static bool all_unknown(const struct recovering *k, size_t n, const uint32_t *sitting)
{
    for (size_t i = 0; i < n; i++)
        if (sitting_of(k, sitting[i]))
            return false;
    return n > 0;
}

/* T10: it ends a sitting that has begun. */
static bool submission_waits(const struct recovering *k, const Ev__Submitted *e)
{
    const struct sitting *s = sitting_of(k, e->sitting);

    if (e->refused || !s)
        return !e->refused;
    return !sitting_finished(s) && !sitting_can_end(k->x, s);
}

static bool event_waits(const struct recovering *k, const Ev__Event *e)
{
    Ev__Event part;

    switch (e->kind_case) {
    case EV__EVENT__KIND_ANSWERED:
        return !e->answered->refused && !sitting_of(k, e->answered->sitting);
    case EV__EVENT__KIND_SUBMITTED:
        return submission_waits(k, e->submitted);
    case EV__EVENT__KIND_GRANTED:
        return any_unknown(k, e->granted->n_sitting, e->granted->sitting);
    case EV__EVENT__KIND_VIOLATION_NOTED:
        return !sitting_of(k, e->violation_noted->sitting);
    case EV__EVENT__KIND_MARKED:
        return all_unknown(k, e->marked->n_sitting, e->marked->sitting);
    case EV__EVENT__KIND_FINISHED:
        return all_unknown(k, e->finished->n_sitting, e->finished->sitting);
    case EV__EVENT__KIND_ATTACHED:
        return !sitting_of(k, e->attached->sitting);
    case EV__EVENT__KIND_SIGNED_IN:
        return !sitting_of(k, e->signed_in->sitting);
    case EV__EVENT__KIND_MOVED:
        return !sitting_of(k, e->moved->sitting);
    case EV__EVENT__KIND_RECOVERED:
        return e->recovered->as == EV__RECOVERED_AS__RECOVERED_AS_ADOPTED &&
               carried_part(e->recovered, &part) && event_waits(k, &part);
    default:
        return false;
    }
}

/* ---------------------------------------------------------------- the command */

/* False: the record's epoch is the site's newest, so it is of no dead branch. */
static bool recovering_init(struct recovering *k, const exam *x, const struct exam_recover *c)
{
    const struct record *r = c->record;
    const struct epoch_start *fork = left_at(x, r->epoch, c->epoch_tag);

    *k = (struct recovering){.x = x,
                             .event = c->event,
                             .epoch = r->epoch,
                             .lsn = r->lsn,
                             .epoch_tag = c->epoch_tag,
                             .sittings_n = fork ? fork->sittings_n : 0,
                             .incidents_n = fork ? fork->incidents_n : 0,
                             .asked = c};
    ev__recovered__init(&k->out);
    return fork != NULL;
}

bool exam_recover_waits(const exam *x, const struct exam_recover *c)
{
    struct recovering k;

    return recovering_init(&k, x, c) && event_waits(&k, c->event);
}

exam_err decide_recover(const struct decision *d)
{
    const struct exam_recover *c = &d->c->u.recover;
    struct recovering k;

    if (!recovering_init(&k, d->x, c))
        return decide_refuse(d, EXAM_INVALID, "A3",
                             "record %llu of epoch %llu is of no dead branch: that epoch is the "
                             "site's newest",
                             (unsigned long long)c->record->lsn,
                             (unsigned long long)c->record->epoch);
    k.d = d;
    if (k.event->kind_case == EV__EVENT__KIND_RECOVERED)
        return recover_recovered(&k, k.event->recovered);
    return recover_origin(&k, c->since_lsn);
}
