#include "run.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>

#include "boot_clock.h"
#include "candidate.h"
#include "outputs.h"
#include "paper_shelf.h"
#include "swarm.h"
#include "witness.h"

enum { RETRY_MS = 200, PROGRESS_EVERY_MS = 1000 };

struct run;

struct run_seat {
    struct run *run;
    struct witness witness;
    struct candidate candidate;
    const struct paper_items *paper; /* NULL: not fetched yet */
    struct paper_copy copy;
    struct candidate_action *made; /* the actions of this run: made[seq - seq_base - 1] */
    uint32_t made_n;
    uint64_t seq_base;            /* actions that the journal had at the start */
    struct candidate_action held; /* chosen, not yet taken */
    uint64_t think_until_ms;
    bool asked; /* for a sign-in */
    bool fetch_due;
    bool holding;
    bool out; /* lost contact, not back yet */
    bool submitted;
    bool done; /* submitted and saved, or given up */
    bool failed;
};

struct run_figures {
    uint64_t signed_in, started, finished, done, failed;
    uint64_t answers, acked_dual, acked_solo, refused, late;
    uint64_t losses, resumed, locks;
};

struct run {
    const struct run_options *options;
    struct roster roster;
    struct swarm *swarm;
    struct run_seat *seat;
    struct paper_shelf shelf;
    struct outputs outputs;
    struct witness_faults faults;
    struct run_figures n;
    uint64_t began_ms, told_ms;
    bool timed_out, tty;
};

static struct run_seat *seat_of(const struct swarm_seat *s)
{
    return s->user;
}

static void seat_done(struct run_seat *r)
{
    struct run *run = r->run;
    if (r->done)
        return;
    r->done = true;
    if (++run->n.done == swarm_seats(run->swarm))
        swarm_stop(run->swarm);
}

/* A seat that cannot go on: the run goes on without it and does not end well. */
static void seat_fail(const struct swarm_seat *s, const char *what, const char *text)
{
    struct run_seat *r = seat_of(s);
    struct run *run = r->run;
    witness_fault(&run->faults, "%s: %s: %.100s", s->row->seat, what, text);
    if (!r->failed)
        run->n.failed++;
    r->failed = true;
    seat_done(r);
}

/* ---------------------------------------------------------------- what seats are told */

static struct witness_account account_of(const struct seat_account *a)
{
    return (struct witness_account){a->allot_ms, a->grants_ms, a->used_ms, a->left_ms, a->lost_ms};
}

static void see_attached(struct swarm_seat *s, const struct seat_event *e)
{
    struct run_seat *r = seat_of(s);
    struct run *run = r->run;
    struct witness_account a = account_of(&e->u.attached.account);
    if (e->u.attached.signed_in)
        run->n.signed_in++;
    else
        witness_see_attached(&r->witness, e->u.attached.seq_have);
    witness_see_account(&r->witness, &a, s->reply_sent_ms, e->now_ms);
    const char *name = r->out ? "resumed" : "attached";
    run->n.resumed += r->out;
    r->out = false;
    outputs_event(&run->outputs, s, name,
                  ",\"epoch\":%" PRIu64 ",\"node\":%u,\"out_ms\":%" PRIu64 ",\"open_ms\":%" PRIu64
                  ",\"used_ms\":%" PRIu64 ",\"lost_ms\":%" PRIu64 ",\"resend\":%" PRIu64,
                  e->u.attached.epoch, e->u.attached.node, e->u.attached.out_ms,
                  e->u.attached.open_ms, a.used_ms, a.lost_ms,
                  e->u.attached.seq_acked > e->u.attached.seq_have
                      ? e->u.attached.seq_acked - e->u.attached.seq_have
                      : 0);
}

static void see_lost(struct swarm_seat *s, const struct seat_event *e)
{
    struct run_seat *r = seat_of(s);
    struct run *run = r->run;
    if (!r->out)
        run->n.losses++;
    r->out = true;
    outputs_event(&run->outputs, s, "lost", ",\"code\":\"%s\"", exam_err_name(e->u.problem.code));
}

static void see_answer(struct swarm_seat *s, const struct seat_event *e)
{
    struct run_seat *r = seat_of(s);
    struct run *run = r->run;
    uint64_t seq = e->u.answer.seq;
    bool dual = e->u.answer.state == SEAT_ANSWER_DUAL;
    if (e->u.answer.state == SEAT_ANSWER_REFUSED) {
        run->n.refused++;
        witness_fault(&run->faults, "%s: answer %" PRIu64 " was refused: %.100s", s->row->seat, seq,
                      e->u.answer.text);
        return;
    }
    if (!dual && e->u.answer.state != SEAT_ANSWER_SOLO)
        return;
    witness_see_acked(&r->witness, seq);
    if (e->u.answer.submit)
        return;
    run->n.acked_dual += dual;
    run->n.acked_solo += !dual;
    run->n.late += e->u.answer.late;
    if (seq <= r->seq_base || seq - r->seq_base > r->made_n)
        return; /* made by an earlier run on the same journal */
    const struct candidate_action *a = &r->made[seq - r->seq_base - 1];
    outputs_acked(&run->outputs, s, r->paper->item[a->item].id, seq, a->value, dual);
}

static void see_account(struct swarm_seat *s, const struct seat_event *e)
{
    struct run_seat *r = seat_of(s);
    const struct seat_account *a = &e->u.account.account;
    if (e->u.account.full) {
        struct witness_account whole = account_of(a);
        witness_see_account(&r->witness, &whole, s->reply_sent_ms, e->now_ms);
    } else {
        witness_see_mark(&r->witness, a->used_ms, a->left_ms, s->reply_sent_ms, e->now_ms);
    }
}

static void see_paper(struct swarm_seat *s, const struct seat_event *e)
{
    struct run_seat *r = seat_of(s);
    struct run *run = r->run;
    exam_err err = EXAM_OK;
    switch (e->kind) {
    case SEAT_EVENT_STARTED:
        run->n.started += r->paper == NULL && !r->fetch_due;
        r->fetch_due = r->paper == NULL;
        return;
    case SEAT_EVENT_PAPER_PART:
        err = paper_copy_add(&r->copy, e->u.part.offset, e->u.part.total, e->u.part.data,
                             e->u.part.data_bytes);
        break;
    case SEAT_EVENT_PAPER:
        err = paper_shelf_put(&run->shelf, e->u.started.digest, &r->copy, &r->paper);
        if (err != EXAM_OK)
            break;
        candidate_init(&r->candidate,
                       run->options->seed * 1000003u + run->options->skip_n + s->index, r->paper->n,
                       run->options->answers_n, run->options->think_ms);
        r->think_until_ms = e->now_ms + candidate_think_ms(&r->candidate);
        return;
    default: /* SEAT_EVENT_PAPER_FAILED */
        paper_copy_drop(&r->copy);
        r->fetch_due = true;
        return;
    }
    if (err != EXAM_OK)
        seat_fail(s, "the paper cannot be read", exam_err_text(err));
}

static void on_event(struct swarm_seat *s, const struct seat_event *e)
{
    struct run_seat *r = seat_of(s);
    struct run *run = r->run;
    switch (e->kind) {
    case SEAT_EVENT_ATTACHED:
        see_attached(s, e);
        break;
    case SEAT_EVENT_LOST:
        see_lost(s, e);
        break;
    case SEAT_EVENT_SIGN_IN_REFUSED:
    case SEAT_EVENT_SIGN_IN_NEEDED:
        seat_fail(s, "sign-in", e->u.problem.text);
        break;
    case SEAT_EVENT_STARTED:
    case SEAT_EVENT_PAPER_PART:
    case SEAT_EVENT_PAPER:
    case SEAT_EVENT_PAPER_FAILED:
        see_paper(s, e);
        break;
    case SEAT_EVENT_ANSWER:
        see_answer(s, e);
        break;
    case SEAT_EVENT_ACCOUNT:
        see_account(s, e);
        break;
    case SEAT_EVENT_STATE:
        if (e->u.state.to == SEAT_ANSWERING)
            witness_see_opened(&r->witness);
        break;
    case SEAT_EVENT_LOCKED:
        run->n.locks++;
        witness_see_closed(&r->witness);
        outputs_event(&run->outputs, s, "locked", "%s", "");
        break;
    case SEAT_EVENT_UNLOCKED:
        outputs_event(&run->outputs, s, "unlocked", "%s", "");
        break;
    case SEAT_EVENT_FINISHED:
        run->n.finished++;
        outputs_event(&run->outputs, s, "finished", ",\"finish\":%d", (int)e->u.finished.finish);
        break;
    default:
        break;
    }
}

/* ---------------------------------------------------------------- what candidates do */

static void sign_in(struct swarm_seat *s, uint64_t now_ms)
{
    struct run_seat *r = seat_of(s);
    uint8_t session[SESSION_BYTES];
    r->asked = true;
    if (getrandom(session, sizeof session, 0) != (ssize_t)sizeof session) {
        seat_fail(s, "no random numbers", "getrandom");
        return;
    }
    exam_err err = seat_core_sign_in(s->core, now_ms, s->row->admission_no, s->row->id_no, session);
    if (err != EXAM_OK && err != EXAM_EXISTS)
        seat_fail(s, "sign-in", exam_err_text(err));
}

static void action_kept(struct run_seat *r, uint64_t seq)
{
    struct run *run = r->run;
    assert(seq == r->seq_base + r->made_n + 1);
    assert(r->made_n < run->options->answers_n);
    r->made[r->made_n++] = r->held;
    r->holding = false;
    run->n.answers++;
}

/* One answer, or the submission after the last. Out of contact or locked, the candidate waits or
 * goes on, as the seat allows. */
static void act_once(struct swarm_seat *s, uint64_t now_ms)
{
    struct run_seat *r = seat_of(s);
    uint64_t seq;
    exam_err err;
    if (!r->holding && !candidate_next(&r->candidate, r->paper, &r->held)) {
        err = seat_core_submit(s->core, now_ms, &seq);
        r->submitted = err == EXAM_OK;
        if (r->submitted)
            witness_see_closed(&r->witness);
    } else {
        r->holding = true;
        err = seat_core_answer(s->core, now_ms, r->paper->item[r->held.item].id,
                               (const uint8_t *)r->held.value, strlen(r->held.value), &seq);
        if (err == EXAM_OK)
            action_kept(r, seq);
    }
    if (err == EXAM_OK)
        r->think_until_ms = now_ms + candidate_think_ms(&r->candidate);
    else if (err == EXAM_STATE || err == EXAM_FULL)
        r->think_until_ms = now_ms + RETRY_MS;
    else
        seat_fail(s, "an answer was not taken", exam_err_text(err));
}

static bool may_answer(const struct swarm_seat *s)
{
    const struct run_seat *r = seat_of(s);
    return r->paper != NULL && !r->submitted && !r->done &&
           seat_core_state(s->core) == SEAT_ANSWERING;
}

static void on_act(struct swarm_seat *s, uint64_t now_ms)
{
    struct run_seat *r = seat_of(s);
    if (r->done)
        return;
    if (!r->asked)
        sign_in(s, now_ms);
    if (r->fetch_due && seat_core_fetch_paper(s->core, now_ms) == EXAM_OK)
        r->fetch_due = false;
    if (may_answer(s) && now_ms >= r->think_until_ms)
        act_once(s, now_ms);
    enum seat_state state = seat_core_state(s->core);
    if (state == SEAT_FINISHED && seat_core_unsaved_n(s->core) == 0)
        seat_done(r);
    else if (state == SEAT_SHUT_OUT)
        seat_fail(s, "shut out", "the sitting goes on elsewhere");
}

static uint64_t on_wake_ms(const struct swarm_seat *s)
{
    return may_answer(s) ? seat_of(s)->think_until_ms : UINT64_MAX;
}

static void on_beat(void *user, uint64_t now_ms)
{
    struct run *run = user;
    outputs_flush(&run->outputs);
    if (run->options->timeout_s > 0 && now_ms - run->began_ms > run->options->timeout_s * 1000) {
        run->timed_out = true;
        swarm_stop(run->swarm);
    }
    if (!run->tty || now_ms - run->told_ms < PROGRESS_EVERY_MS)
        return;
    run->told_ms = now_ms;
    fprintf(stderr,
            "\rsigned in %" PRIu64 "  answers %" PRIu64 "  saved %" PRIu64 "  out %" PRIu64
            "  finished %" PRIu64 "   ",
            run->n.signed_in, run->n.answers, run->n.acked_dual + run->n.acked_solo,
            run->n.losses - run->n.resumed, run->n.finished);
}

/* ---------------------------------------------------------------- the run */

static exam_err seats_prepare(struct run *run, uint32_t seats_n)
{
    run->seat = calloc(seats_n, sizeof *run->seat);
    if (run->seat == NULL)
        return EXAM_NOMEM;
    for (uint32_t i = 0; i < seats_n; i++) {
        struct swarm_seat *s = swarm_seat_at(run->swarm, i);
        struct run_seat *r = &run->seat[i];
        s->user = r;
        r->run = run;
        r->seq_base = seat_core_seq_last(s->core);
        r->made = calloc(run->options->answers_n + 1, sizeof *r->made);
        if (r->made == NULL)
            return EXAM_NOMEM;
        witness_init(&r->witness, s->row->seat, &run->faults);
        /* A restarted seat may have been closed while nobody ran it (T7). */
        if (r->seq_base > 0)
            witness_see_closed(&r->witness);
    }
    return EXAM_OK;
}

static exam_err run_open(struct run *run)
{
    const struct run_options *o = run->options;
    char why[300] = "";
    exam_err err = roster_read(o->roster_path, &run->roster, why, sizeof why);
    if (err != EXAM_OK) {
        fprintf(stderr, "seatsim: %s: %s\n", o->roster_path, why);
        return err;
    }
    uint32_t left_n = run->roster.n > o->skip_n ? run->roster.n - o->skip_n : 0;
    uint32_t seats_n = o->seats_n ? o->seats_n : left_n;
    if (seats_n == 0 || seats_n > left_n) {
        fprintf(stderr, "seatsim: %s has %u candidates, %u after the first %u are wanted\n",
                o->roster_path, run->roster.n, seats_n, o->skip_n);
        return EXAM_INVALID;
    }
    err = outputs_open(&run->outputs, o->acked_path, o->events_path);
    struct swarm_config c = {.nodes = o->nodes,
                             .roster = &run->roster,
                             .skip_n = o->skip_n,
                             .seats_n = seats_n,
                             .journals_dir = o->journals_dir,
                             .seed = o->seed,
                             .behaviour = {on_event, on_act, on_wake_ms, on_beat, run}};
    if (err == EXAM_OK)
        err = swarm_open(&c, &run->swarm);
    if (err == EXAM_OK)
        err = seats_prepare(run, seats_n);
    return err;
}

static void run_free(struct run *run)
{
    for (uint32_t i = 0; run->seat != NULL && i < swarm_seats(run->swarm); i++) {
        free(run->seat[i].made);
        paper_copy_drop(&run->seat[i].copy);
    }
    free(run->seat);
    swarm_close(run->swarm);
    paper_shelf_free(&run->shelf);
    roster_free(&run->roster);
    free(run);
}

/* What was not finished when the run ended is a fault, too: nothing may be taken on trust. */
static void leftovers_note(struct run *run)
{
    for (uint32_t i = 0; i < swarm_seats(run->swarm); i++) {
        struct swarm_seat *s = swarm_seat_at(run->swarm, i);
        uint64_t unsaved_n = seat_core_unsaved_n(s->core);
        if (!run->seat[i].done)
            witness_fault(&run->faults, "%s: not finished; %" PRIu64 " answers not saved",
                          s->row->seat, unsaved_n);
    }
}

static json_t *faults_json(const struct run *run)
{
    json_t *list = json_array();
    for (uint64_t i = 0; i < run->faults.count && i < WITNESS_FAULTS_KEPT; i++)
        json_array_append_new(list, json_string(run->faults.text[i]));
    return list;
}

static void report_json(const struct run *run, bool ok)
{
    const struct run_figures *n = &run->n;
    json_t *j = json_pack(
        "{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "ok",
        (int)ok, "seats", (json_int_t)swarm_seats(run->swarm), "signed_in",
        (json_int_t)n->signed_in, "finished", (json_int_t)n->finished, "failed",
        (json_int_t)n->failed, "answers", (json_int_t)n->answers, "acked_dual",
        (json_int_t)n->acked_dual, "acked_solo", (json_int_t)n->acked_solo, "refused",
        (json_int_t)n->refused, "late", (json_int_t)n->late, "losses", (json_int_t)n->losses,
        "resumed", (json_int_t)n->resumed, "locks", (json_int_t)n->locks, "seed",
        (json_int_t)run->options->seed, "faults_n", (json_int_t)run->faults.count, "faults",
        faults_json(run));
    if (j == NULL)
        return;
    json_dumpf(j, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(j);
}

static void report_text(const struct run *run, bool ok)
{
    const struct run_figures *n = &run->n;
    printf("seats          %u, %" PRIu64 " signed in, %" PRIu64 " finished (seed %" PRIu64 ")\n",
           swarm_seats(run->swarm), n->signed_in, n->finished, run->options->seed);
    printf("answers        %" PRIu64 " made, %" PRIu64 " saved on both nodes, %" PRIu64
           " on one (solo), %" PRIu64 " late, %" PRIu64 " refused\n",
           n->answers, n->acked_dual, n->acked_solo, n->late, n->refused);
    printf("contact        lost %" PRIu64 " times, resumed %" PRIu64 ", locked %" PRIu64 "\n",
           n->losses, n->resumed, n->locks);
    for (uint64_t i = 0; i < run->faults.count && i < WITNESS_FAULTS_KEPT; i++)
        printf("FAULT          %s\n", run->faults.text[i]);
    printf("checks         %s (%" PRIu64 " faults)\n", ok ? "all hold" : "FAILED",
           run->faults.count);
}

int run_seats(const struct run_options *o)
{
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return EX_OSERR;
    run->options = o;
    run->tty = isatty(STDERR_FILENO);
    if (run_open(run) != EXAM_OK) {
        run_free(run);
        return EX_UNAVAILABLE;
    }
    run->began_ms = boot_clock_ms();
    bool signalled = swarm_run(run->swarm);
    if (run->tty)
        fputc('\n', stderr);
    leftovers_note(run);
    exam_err err = outputs_close(&run->outputs);
    bool ok = err == EXAM_OK && run->faults.count == 0 && !signalled && !run->timed_out;
    if (o->json)
        report_json(run, ok);
    else
        report_text(run, ok);
    if (run->timed_out)
        fprintf(stderr, "seatsim: ended after %" PRIu64 " s as asked with --timeout\n",
                o->timeout_s);
    run_free(run);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
