#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run_internal.h"

/* ---------------------------------------------------------------- the plan */

struct telling {
    const char *path;
};

static void error_tell(void *ctx, uint32_t line, const char *what)
{
    const struct telling *t = ctx;
    fprintf(stderr, "%s:%" PRIu32 ": %s\n", t->path, line, what);
}

/* The whole file; *out is the caller's. */
static exam_err file_read(const char *path, char **out, size_t *bytes)
{
    FILE *f = fopen(path, "re");
    char *text = f ? malloc(PLAN_BYTES_MAX + 1) : NULL;
    exam_err err = EXAM_OK;
    if (f == NULL || text == NULL)
        err = f == NULL ? EXAM_IO : EXAM_NOMEM;
    if (err == EXAM_OK) {
        *bytes = fread(text, 1, PLAN_BYTES_MAX + 1, f);
        err = ferror(f) ? EXAM_IO : *bytes > PLAN_BYTES_MAX ? EXAM_TOO_BIG : EXAM_OK;
    }
    if (err != EXAM_OK) {
        fprintf(stderr, "seatsim: %s: %s\n", path,
                err == EXAM_IO ? strerror(errno) : exam_err_text(err));
        free(text);
        text = NULL;
    }
    if (f != NULL)
        fclose(f);
    *out = text;
    return err;
}

static exam_err plan_file_read(struct run *run, const char *const *seats, uint32_t nodes_n)
{
    struct telling t = {run->options->plan_path};
    char *text;
    size_t bytes;
    if (t.path == NULL)
        return EXAM_OK;
    exam_err err = file_read(t.path, &text, &bytes);
    if (err != EXAM_OK)
        return err;
    err = plan_read(&run->plan, text, bytes, nodes_n, error_tell, &t);
    free(text);
    if (err == EXAM_OK)
        err = plan_check_seats(&run->plan, seats, run->sitters_n, error_tell, &t);
    return err == EXAM_INVALID ? EXAM_MALFORMED : err;
}

exam_err run_plan_open(struct run *run, uint32_t nodes_n)
{
    const struct run_options *o = run->options;
    const char **seats = calloc(run->sitters_n, sizeof *seats);
    if (seats == NULL)
        return EXAM_NOMEM;
    for (uint32_t i = 0; i < run->sitters_n; i++)
        seats[i] = run->roster.row[o->skip_n + i].seat;
    exam_err err = plan_file_read(run, seats, nodes_n);
    if (err == EXAM_OK)
        err = plan_draw(&run->plan, o->seed, o->contingencies, o->answers_n * o->think_ms, seats,
                        run->sitters_n, nodes_n);
    free(seats);
    if (err == EXAM_TOO_BIG)
        fprintf(stderr, "seatsim: --contingencies %g makes more than %d acts\n", o->contingencies,
                PLAN_ACTS_MAX);
    return err;
}

exam_err run_acts_open(struct run *run)
{
    uint32_t spare = run->sitters_n;
    run->act = calloc(run->plan.n + 1, sizeof *run->act);
    if (run->act == NULL)
        return EXAM_NOMEM;
    for (uint32_t i = 0; i < run->plan.n; i++) {
        struct act *a = &run->act[i];
        a->plan = &run->plan.act[i];
        a->desk = calloc(run->sitters_n, sizeof(struct desk *));
        if (a->desk == NULL)
            return EXAM_NOMEM;
        if (a->plan->kind == PLAN_MOVE) /* in the order in which the spare desks were added */
            a->desk[0] = &run->desk[spare++];
    }
    return EXAM_OK;
}

void run_acts_free(struct run *run)
{
    for (uint32_t i = 0; run->act != NULL && i < run->plan.n; i++)
        free(run->act[i].desk);
    free(run->act);
    plan_free(&run->plan);
}

/* ---------------------------------------------------------------- power */

static void tell(struct desk *d, const char *what)
{
    outputs_event(&d->run->outputs, d->seat, what, "%s", "");
}

static void power_cut(struct desk *d, uint64_t now_ms)
{
    struct sitter *c = d->sitter;
    swarm_seat_power_cut(d->seat);
    if (c != NULL && c->watched == d && !d->former)
        reckon_died(&c->reckoning, now_ms, d->seat->position_ms, d->seat->doubt_ms);
    d->run->n.power_cuts++;
    d->run->n.losses += !d->out;
    d->out = true;
    d->paper_here = d->fetch_due = d->attaching = false;
    paper_copy_drop(&d->copy);
    tell(d, "power-cut");
}

static void power_on(struct desk *d)
{
    if (d->seat->core != NULL)
        return;
    if (swarm_seat_power_on(d->seat) != EXAM_OK) {
        run_fail(d, "the PC does not boot", "see above");
        return;
    }
    if (!d->left && seat_core_admission_no(d->seat->core)[0] == '\0')
        d->asked = false; /* the power went before the sign-in was on the disk */
    tell(d, "power-on");
}

/* ---------------------------------------------------------------- cables */

static void cut(struct desk *d, const struct plan_act *a, bool whole)
{
    enum swarm_path path = a->kind == PLAN_CUT ? SWARM_SILENT : SWARM_REFUSED;
    uint32_t nodes_n = swarm_nodes(d->run->swarm);
    for (uint32_t n = 0; n < nodes_n; n++) {
        if (a->node != 0 && a->node != n + 1)
            continue;
        d->cuts[n] += whole ? -1u : 1u;
        if (!whole || d->cuts[n] == 0)
            swarm_seat_path(d->seat, n, whole ? SWARM_WHOLE : path);
    }
    d->run->n.cuts += !whole;
    tell(d, whole ? "healed" : plan_kind_word(a->kind));
}

/* ---------------------------------------------------------------- candidates who move */

static void move(struct desk *from, struct desk *to)
{
    struct run *run = from->run;
    struct sitter *c = from->sitter;
    struct roster_row *row = &run->roster.row[run->options->skip_n + to->seat->index];
    if (c->submitted || c->done)
        return;
    memcpy(row->admission_no, from->seat->row->admission_no, sizeof row->admission_no);
    memcpy(row->id_no, from->seat->row->id_no, sizeof row->id_no);
    from->left = true;
    run->lefts_n++;
    run->n.moves++;
    to->sitter = c;
    to->made_base = c->made_n;
    to->seq_base = seat_core_seq_last(to->seat->core);
    c->desk = to;
    outputs_event(&run->outputs, from->seat, "walked", ",\"to\":\"%s\"", row->seat);
    swarm_seat_wake(to->seat);
}

/* ---------------------------------------------------------------- acts in time */

static bool due(const struct plan_time *t, uint64_t from_ms, uint64_t now_ms)
{
    if (t->file[0] != '\0')
        return access(t->file, F_OK) == 0;
    return from_ms != 0 && now_ms >= from_ms + t->ms;
}

static bool can_befall(const struct act *a, const struct desk *d)
{
    return a->plan->kind != PLAN_POWER || d->seat->core != NULL;
}

/* By chance, from among those who still sit. */
static void share_choose(struct run *run, struct act *a)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < run->sitters_n; i++)
        if (!run->sitter[i].done && can_befall(a, run->sitter[i].desk))
            a->desk[n++] = run->sitter[i].desk;
    uint32_t want = (n * a->plan->percent + 99) / 100;
    for (uint32_t i = 0; i < want; i++) {
        uint32_t j = i + rng_below(&run->rng, n - i);
        struct desk *d = a->desk[i];
        a->desk[i] = a->desk[j];
        a->desk[j] = d;
    }
    a->desks_n = want;
}

static void named_choose(struct run *run, struct act *a)
{
    for (uint32_t i = 0; i < run->sitters_n; i++) {
        struct desk *d = &run->desk[i];
        if (plan_act_names(a->plan, d->seat->row->seat) && can_befall(a, d))
            a->desk[a->desks_n++] = d;
    }
}

static void act_move(struct run *run, const struct act *a)
{
    for (uint32_t i = 0; i < run->sitters_n; i++)
        if (plan_act_names(a->plan, run->desk[i].seat->row->seat) && !run->desk[i].left)
            move(&run->desk[i], a->desk[0]);
}

static void act_begin(struct run *run, struct act *a, uint64_t now_ms)
{
    a->begun = true;
    a->began_ms = now_ms;
    if (a->plan->kind == PLAN_MOVE) {
        a->over = true;
        act_move(run, a);
        return;
    }
    if (a->plan->percent != 0)
        share_choose(run, a);
    else
        named_choose(run, a);
    for (uint32_t i = 0; i < a->desks_n; i++) {
        if (a->plan->kind == PLAN_POWER)
            power_cut(a->desk[i], now_ms);
        else
            cut(a->desk[i], a->plan, false);
    }
}

static void act_end(struct act *a)
{
    a->over = true;
    for (uint32_t i = 0; i < a->desks_n; i++) {
        if (a->plan->kind == PLAN_POWER)
            power_on(a->desk[i]);
        else
            cut(a->desk[i], a->plan, true);
    }
}

void run_acts_beat(struct run *run, uint64_t now_ms)
{
    for (uint32_t i = 0; i < run->plan.n; i++) {
        struct act *a = &run->act[i];
        if (a->over)
            continue;
        if (!a->begun && due(&a->plan->when, run->first_open_ms, now_ms))
            act_begin(run, a, now_ms);
        else if (a->begun && due(&a->plan->how_long, a->began_ms, now_ms))
            act_end(a);
    }
}
