#include "run.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>

#include "boot_clock.h"
#include "run_internal.h"

enum { RETRY_MS = 200, SIGN_IN_RETRY_MS = 300, PROGRESS_EVERY_MS = 1000 };

/* ---------------------------------------------------------------- who is done */

static void end_if_all_done(struct run *run)
{
    if (run->n.done == run->sitters_n && run->lefts_n == 0)
        swarm_stop(run->swarm);
}

void run_sitter_done(struct desk *d)
{
    if (d->sitter->done)
        return;
    d->sitter->done = true;
    d->run->n.done++;
    end_if_all_done(d->run);
}

void run_fail(struct desk *d, const char *what, const char *text)
{
    struct run *run = d->run;
    witness_fault(&run->faults, "%s: %s: %.100s", d->seat->row->seat, what, text);
    if (d->sitter == NULL)
        return;
    if (!d->sitter->failed)
        run->n.failed++;
    d->sitter->failed = true;
    run_sitter_done(d);
}

/* ---------------------------------------------------------------- what candidates do */

static void sign_in(struct desk *d, uint64_t now_ms)
{
    uint8_t session[SESSION_BYTES];
    const struct roster_row *row = d->seat->row;
    if (now_ms < d->sign_in_ms)
        return;
    d->asked = true;
    d->sign_in_ms = now_ms + SIGN_IN_RETRY_MS;
    if (getrandom(session, sizeof session, 0) != (ssize_t)sizeof session) {
        run_fail(d, "no random numbers", "getrandom");
        return;
    }
    exam_err err = seat_core_sign_in(d->seat->core, now_ms, row->admission_no, row->id_no, session);
    if (err != EXAM_OK && err != EXAM_EXISTS)
        run_fail(d, "sign-in", exam_err_text(err));
}

static void action_kept(struct desk *d, uint64_t seq, uint64_t now_ms)
{
    struct sitter *c = d->sitter;
    const struct reckoning *r = &c->reckoning;
    assert(seq == d->seq_base + d->made_n + 1);
    assert(c->made_n < d->run->options->answers_n);
    c->made[c->made_n++] = c->held;
    d->made_n++;
    c->holding = false;
    d->run->n.answers++;
    if (now_ms > r->mark.hi_ms + r->grace_ms)
        witness_fault(&d->run->faults,
                      "%s: takes an answer %" PRIu64 " ms after its last mark (T6)",
                      d->seat->row->seat, now_ms - r->mark.hi_ms);
}

static exam_err submit(struct desk *d, uint64_t now_ms)
{
    uint64_t seq;
    exam_err err = seat_core_submit(d->seat->core, now_ms, &seq);
    if (err != EXAM_OK)
        return err;
    d->sitter->submitted = true;
    reckon_submits(&d->sitter->reckoning, now_ms);
    return EXAM_OK;
}

/* One answer, or the submission after the last. Out of contact or locked, the candidate waits or
 * goes on, as the seat allows. */
static void act_once(struct desk *d, uint64_t now_ms)
{
    struct sitter *c = d->sitter;
    uint64_t seq;
    exam_err err;
    if (d->run->enough || (!c->holding && !candidate_next(&c->candidate, c->paper, &c->held))) {
        err = submit(d, now_ms);
    } else {
        c->holding = true;
        err = seat_core_answer(d->seat->core, now_ms, c->paper->item[c->held.item].id,
                               (const uint8_t *)c->held.value, strlen(c->held.value), &seq);
        if (err == EXAM_OK)
            action_kept(d, seq, now_ms);
    }
    if (err == EXAM_OK)
        c->think_until_ms = now_ms + candidate_think_ms(&c->candidate);
    else if (err == EXAM_STATE || err == EXAM_FULL)
        c->think_until_ms = now_ms + RETRY_MS;
    else
        run_fail(d, "an answer was not taken", exam_err_text(err));
}

static bool may_answer(const struct desk *d)
{
    return d->paper_here && !d->left && !d->sitter->submitted && !d->sitter->done &&
           seat_core_state(d->seat->core) == SEAT_ANSWERING;
}

/* T11: a desk that was left is free when the node has told it so and has everything it held. */
static void left_desk_look(struct desk *d)
{
    enum seat_state state = seat_core_state(d->seat->core);
    bool told = d->former || state == SEAT_SHUT_OUT;
    if (d->freed || !told || seat_core_unsaved_n(d->seat->core) > 0)
        return;
    d->freed = true;
    d->run->n.formers++;
    d->run->lefts_n--;
    outputs_event(&d->run->outputs, d->seat, "freed", "%s", "");
    end_if_all_done(d->run);
}

static void sitter_look(struct desk *d)
{
    enum seat_state state = seat_core_state(d->seat->core);
    bool ended = state == SEAT_FINISHED && seat_core_unsaved_n(d->seat->core) == 0;
    if (ended) {
        run_sitter_done(d);
    } else if (d->sitter->done && !d->sitter->failed) {
        d->sitter->done = false; /* the successor does not know it yet (A3) */
        d->run->n.done--;
    }
    if (state == SEAT_SHUT_OUT)
        run_fail(d, "shut out", "the sitting goes on elsewhere");
}

static void on_act(struct swarm_seat *s, uint64_t now_ms)
{
    struct desk *d = desk_of(s);
    if (d->attaching)
        run_settle_attached(d);
    if (d->sitter == NULL)
        return;
    if (d->left) {
        left_desk_look(d);
        return;
    }
    if (!d->asked)
        sign_in(d, now_ms);
    if (d->fetch_due && seat_core_fetch_paper(s->core, now_ms) == EXAM_OK)
        d->fetch_due = false;
    if (may_answer(d) && now_ms >= d->sitter->think_until_ms)
        act_once(d, now_ms);
    sitter_look(d);
}

static uint64_t on_wake_ms(const struct swarm_seat *s)
{
    const struct desk *d = desk_of(s);
    if (d->sitter == NULL || d->left)
        return UINT64_MAX;
    if (!d->asked)
        return d->sign_in_ms;
    return may_answer(d) ? d->sitter->think_until_ms : UINT64_MAX;
}

static void progress_tell(const struct run *run)
{
    fprintf(stderr,
            "\rsigned in %" PRIu64 "  answers %" PRIu64 "  saved %" PRIu64 "  out %" PRIu64
            "  finished %" PRIu64 "   ",
            run->n.signed_in, run->n.answers, run->n.acked_dual + run->n.acked_solo,
            run->n.losses - run->n.resumed, run->n.finished);
}

/* Whoever thinks comes to an end within the time of an answer, not all in one instant. */
static void enough_look(struct run *run, uint64_t now_ms)
{
    const struct run_options *o = run->options;
    if (run->enough || o->until_path == NULL || access(o->until_path, F_OK) != 0)
        return;
    run->enough = true;
    for (uint32_t i = 0; i < run->sitters_n; i++) {
        struct sitter *c = &run->sitter[i];
        uint64_t end_ms = now_ms + rng_below(&run->rng, (uint32_t)o->think_ms + 1);
        if (end_ms < c->think_until_ms)
            c->think_until_ms = end_ms;
        swarm_seat_wake(c->desk->seat);
    }
}

static void on_beat(void *user, uint64_t now_ms)
{
    struct run *run = user;
    outputs_flush(&run->outputs);
    run_acts_beat(run, now_ms);
    enough_look(run, now_ms);
    if (run->options->timeout_s > 0 && now_ms - run->began_ms > run->options->timeout_s * 1000) {
        run->timed_out = true;
        swarm_stop(run->swarm);
    }
    if (!run->tty || now_ms - run->told_ms < PROGRESS_EVERY_MS)
        return;
    run->told_ms = now_ms;
    progress_tell(run);
}

static void on_took(void *user, uint64_t from_ms, uint64_t to_ms)
{
    struct run *run = user;
    if (round_trips_note(&run->round_trips, from_ms, to_ms) != EXAM_OK)
        run->sitter[0].reckoning.nomem = true; /* sticky: told when all is reckoned */
}

/* ---------------------------------------------------------------- the run */

static exam_err sitter_open(struct run *run, uint32_t i)
{
    struct sitter *c = &run->sitter[i];
    c->desk = c->watched = &run->desk[i];
    c->made = calloc(run->options->answers_n + 1, sizeof *c->made);
    reckon_init(&c->reckoning, run->options->grace_ms);
    return c->made == NULL ? EXAM_NOMEM : EXAM_OK;
}

static exam_err desks_open(struct run *run)
{
    bool sole = swarm_nodes(run->swarm) == 1;
    run->desk = calloc(run->desks_n, sizeof *run->desk);
    run->sitter = calloc(run->sitters_n, sizeof *run->sitter);
    if (run->desk == NULL || run->sitter == NULL)
        return EXAM_NOMEM;
    for (uint32_t i = 0; i < run->desks_n; i++) {
        struct desk *d = &run->desk[i];
        *d = (struct desk){.run = run, .seat = swarm_seat_at(run->swarm, i)};
        d->seat->user = d;
        d->seq_base = seat_core_seq_last(d->seat->core);
        witness_init(&d->witness, d->seat->row->seat, sole, &run->faults);
        if (i >= run->sitters_n)
            continue;
        d->sitter = &run->sitter[i];
        exam_err err = sitter_open(run, i);
        if (err != EXAM_OK)
            return err;
    }
    return EXAM_OK;
}

/* The spare seats of the plan are switched on from the beginning (P3); nobody sits there yet. */
static exam_err spares_add(struct run *run)
{
    uint32_t spares_n = 0, n = run->options->skip_n + run->sitters_n;
    for (uint32_t i = 0; i < run->plan.n; i++)
        spares_n += run->plan.act[i].kind == PLAN_MOVE;
    struct roster_row *row = realloc(run->roster.row, (n + spares_n) * sizeof *row);
    if (row == NULL)
        return EXAM_NOMEM;
    run->roster.row = row;
    for (uint32_t i = 0; i < run->plan.n; i++) {
        if (run->plan.act[i].kind != PLAN_MOVE)
            continue;
        row[n] = (struct roster_row){0};
        strcpy(row[n++].seat, run->plan.act[i].spare);
    }
    run->roster.n = n;
    run->desks_n = run->sitters_n + spares_n;
    return EXAM_OK;
}

static exam_err roster_open(struct run *run)
{
    const struct run_options *o = run->options;
    char why[300] = "";
    exam_err err = roster_read(o->roster_path, &run->roster, why, sizeof why);
    if (err != EXAM_OK) {
        fprintf(stderr, "seatsim: %s: %s\n", o->roster_path, why);
        return err;
    }
    uint32_t left_n = run->roster.n > o->skip_n ? run->roster.n - o->skip_n : 0;
    run->sitters_n = o->seats_n ? o->seats_n : left_n;
    if (run->sitters_n == 0 || run->sitters_n > left_n) {
        fprintf(stderr, "seatsim: %s has %u candidates, %u after the first %u are wanted\n",
                o->roster_path, run->roster.n, run->sitters_n, o->skip_n);
        return EXAM_INVALID;
    }
    return EXAM_OK;
}

static uint32_t nodes_named(const char *nodes)
{
    uint32_t n = 1;
    for (; *nodes != '\0'; nodes++)
        n += *nodes == ',';
    return n;
}

static exam_err run_open(struct run *run)
{
    const struct run_options *o = run->options;
    exam_err err = roster_open(run);
    if (err == EXAM_OK)
        err = run_plan_open(run, nodes_named(o->nodes));
    if (err == EXAM_OK)
        err = spares_add(run);
    if (err == EXAM_OK)
        err = outputs_open(&run->outputs, o->acked_path, o->events_path);
    struct swarm_config c = {
        .nodes = o->nodes,
        .roster = &run->roster,
        .skip_n = o->skip_n,
        .seats_n = run->desks_n,
        .journals_dir = o->journals_dir,
        .keys_dir = o->keys_dir,
        .seed = o->seed,
        .behaviour = {run_on_event, on_act, on_wake_ms, on_beat, on_took, run}};
    if (err == EXAM_OK)
        err = swarm_open(&c, &run->swarm);
    if (err == EXAM_OK)
        err = desks_open(run);
    if (err == EXAM_OK)
        err = run_acts_open(run);
    return err;
}

static void run_free(struct run *run)
{
    for (uint32_t i = 0; run->desk != NULL && i < run->desks_n; i++)
        paper_copy_drop(&run->desk[i].copy);
    for (uint32_t i = 0; run->sitter != NULL && i < run->sitters_n; i++) {
        free(run->sitter[i].made);
        reckon_fini(&run->sitter[i].reckoning);
    }
    run_acts_free(run);
    free(run->desk);
    free(run->sitter);
    swarm_close(run->swarm);
    paper_shelf_free(&run->shelf);
    roster_free(&run->roster);
    round_trips_free(&run->round_trips);
    free(run);
}

/* What was not finished when the run ended is a fault, too: nothing may be taken on trust. */
static void leftovers_note(struct run *run)
{
    for (uint32_t i = 0; i < run->desks_n; i++) {
        const struct desk *d = &run->desk[i];
        const char *seat = d->seat->row->seat;
        uint64_t unsaved_n = d->seat->core ? seat_core_unsaved_n(d->seat->core) : 0;
        const char *off = d->seat->core ? "" : "; the PC is off";
        if (d->left && !d->freed)
            witness_fault(&run->faults,
                          "%s: was left, and never told that it is shut out (T11); %" PRIu64
                          " answers not saved%s",
                          seat, unsaved_n, off);
        else if (!d->left && d->sitter != NULL && !d->sitter->done)
            witness_fault(&run->faults, "%s: not finished; %" PRIu64 " answers not saved%s", seat,
                          unsaved_n, off);
    }
}

int run_seats(const struct run_options *o)
{
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return EX_OSERR;
    run->options = o;
    run->tty = isatty(STDERR_FILENO);
    rng_init(&run->rng, o->seed);
    exam_err err = run_open(run);
    if (err != EXAM_OK) {
        run_free(run);
        return err == EXAM_MALFORMED ? EX_DATAERR : EX_UNAVAILABLE;
    }
    run->began_ms = boot_clock_ms();
    bool signalled = swarm_run(run->swarm);
    if (run->tty)
        fputc('\n', stderr);
    leftovers_note(run);
    err = run_reckon(run);
    exam_err closed = outputs_close(&run->outputs);
    bool ok = err == EXAM_OK && closed == EXAM_OK && run->faults.count == 0 && !signalled &&
              !run->timed_out;
    run_report(run, ok);
    if (run->timed_out)
        fprintf(stderr, "seatsim: ended after %" PRIu64 " s as asked with --timeout\n",
                o->timeout_s);
    run_free(run);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
