#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run_internal.h"

/* ---------------------------------------------------------------- the reckoning */

static uint64_t late_ms(const void *ctx, uint64_t at_ms)
{
    return round_trips_around_ms(ctx, at_ms);
}

static const char *seat_name(const struct sitter *c)
{
    return c->desk->seat->row->seat;
}

static void off_note(struct run *run, const struct sitter *c, const char *when,
                     const struct reckon_bounds *b, uint64_t used_ms, uint64_t lost_ms)
{
    run->n.accounts_off++;
    witness_fault(&run->faults,
                  "%s %s: used %" PRIu64 " lost %" PRIu64 "; must be %" PRIu64 "..%" PRIu64
                  " and %" PRIu64 "..%" PRIu64 " (T5-T11)",
                  seat_name(c), when, used_ms, lost_ms, b->used_lo_ms, b->used_hi_ms, b->lost_lo_ms,
                  b->lost_hi_ms);
}

/* What the nodes told at the end of each interruption. */
static void stretches_check(struct run *run, const struct sitter *c, const struct reckon_site *site)
{
    const struct reckoning *r = &c->reckoning;
    for (size_t i = 0; i < r->stretches_n; i++) {
        const struct reckon_stretch *k = &r->stretch[i];
        struct reckon_bounds b;
        char when[40];
        run->n.interruptions += k->over;
        if (!k->over || !k->told)
            continue;
        reckon_at(r, site, i, &b);
        if (reckon_within(&b, k->told_used_ms, k->told_lost_ms))
            continue;
        snprintf(when, sizeof when, "after interruption %zu", i + 1);
        off_note(run, c, when, &b, k->told_used_ms, k->told_lost_ms);
    }
}

static const char *finish_word(enum reckon_finish finish)
{
    static const char *const words[] = {"", "submitted", "timed-out", "closed"};
    return words[finish];
}

static void account_write(FILE *to, const struct sitter *c, const struct reckon_bounds *b)
{
    fprintf(to, "%s,%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%zu\n",
            c->desk->seat->row->admission_no, finish_word(c->reckoning.finish), c->total_ms,
            b->used_lo_ms, b->used_hi_ms, b->lost_lo_ms, b->lost_hi_ms, c->reckoning.stretches_n);
}

/* The widths of what was reckoned say what the check is worth. */
static int width_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void sitters_check(struct run *run, const struct reckon_site *site, uint64_t *width,
                          FILE *to)
{
    for (uint32_t i = 0; i < run->sitters_n; i++) {
        const struct sitter *c = &run->sitter[i];
        struct reckon_bounds b;
        if (site->began.hi_ms != UINT64_MAX)
            stretches_check(run, c, site);
        if (!reckon_final(&c->reckoning, site, c->total_ms, &b))
            continue;
        if (c->used_ms > b.used_hi_ms || c->used_ms < b.used_lo_ms)
            off_note(run, c, "at its finish", &b, c->used_ms, c->desk->told.lost_ms);
        width[run->n.reckoned++] = b.used_hi_ms - b.used_lo_ms;
        if (to != NULL)
            account_write(to, c, &b);
    }
    if (run->n.reckoned == 0)
        return;
    qsort(width, run->n.reckoned, sizeof *width, width_compare);
    run->n.width_median_ms = width[run->n.reckoned / 2];
    run->n.width_max_ms = width[run->n.reckoned - 1];
}

static exam_err site_make(struct run *run, struct reckon_site *site)
{
    const struct reckoning **all = calloc(run->sitters_n, sizeof *all);
    if (all == NULL)
        return EXAM_NOMEM;
    for (uint32_t i = 0; i < run->sitters_n; i++)
        all[i] = &run->sitter[i].reckoning;
    exam_err err = reckon_site_make(site, all, run->sitters_n);
    free(all);
    return err;
}

static exam_err accounts_close(const char *path, FILE *to)
{
    bool failed = ferror(to) != 0;
    if (fclose(to) == 0 && !failed)
        return EXAM_OK;
    fprintf(stderr, "seatsim: %s is not whole: writing failed\n", path);
    return EXAM_IO;
}

exam_err run_reckon(struct run *run)
{
    const char *path = run->options->accounts_path;
    struct reckon_site site = {.late_ms = late_ms, .ctx = &run->round_trips};
    uint64_t *width = calloc(run->sitters_n, sizeof *width);
    FILE *to = path ? fopen(path, "we") : NULL;
    exam_err err = width == NULL ? EXAM_NOMEM : site_make(run, &site);
    if (err == EXAM_OK && path != NULL && to == NULL) {
        fprintf(stderr, "seatsim: %s: cannot be written: %s\n", path, strerror(errno));
        err = EXAM_IO;
    }
    if (to != NULL)
        fputs("admission_no,finish,total_ms,used_ms_min,used_ms_max,lost_ms_min,lost_ms_max,"
              "interruptions\n",
              to);
    if (err == EXAM_OK)
        sitters_check(run, &site, width, to);
    if (to != NULL) {
        exam_err closed = accounts_close(path, to);
        err = err == EXAM_OK ? closed : err;
    }
    reckon_site_free(&site);
    free(width);
    return err;
}

/* ---------------------------------------------------------------- the report */

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
    const struct {
        const char *name;
        uint64_t value;
    } figure[] = {{"seats", run->sitters_n},
                  {"signed_in", n->signed_in},
                  {"finished", n->finished},
                  {"failed", n->failed},
                  {"answers", n->answers},
                  {"acked_dual", n->acked_dual},
                  {"acked_solo", n->acked_solo},
                  {"refused", n->refused},
                  {"late", n->late},
                  {"losses", n->losses},
                  {"resumed", n->resumed},
                  {"locks", n->locks},
                  {"power_cuts", n->power_cuts},
                  {"cuts", n->cuts},
                  {"moves", n->moves},
                  {"formers", n->formers},
                  {"reckoned", n->reckoned},
                  {"interruptions", n->interruptions},
                  {"accounts_off", n->accounts_off},
                  {"width_median_ms", n->width_median_ms},
                  {"width_max_ms", n->width_max_ms},
                  {"seed", run->options->seed},
                  {"faults_n", run->faults.count}};
    json_t *j = json_object();
    json_object_set_new(j, "ok", json_boolean(ok));
    for (size_t i = 0; i < sizeof figure / sizeof *figure; i++)
        json_object_set_new(j, figure[i].name, json_integer((json_int_t)figure[i].value));
    json_object_set_new(j, "faults", faults_json(run));
    json_dumpf(j, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(j);
}

static void report_text(const struct run *run, bool ok)
{
    const struct run_figures *n = &run->n;
    printf("seats          %u, %" PRIu64 " signed in, %" PRIu64 " finished (seed %" PRIu64 ")\n",
           run->sitters_n, n->signed_in, n->finished, run->options->seed);
    printf("answers        %" PRIu64 " made, %" PRIu64 " saved on both nodes, %" PRIu64
           " on one (solo), %" PRIu64 " late, %" PRIu64 " refused\n",
           n->answers, n->acked_dual, n->acked_solo, n->late, n->refused);
    printf("contact        lost %" PRIu64 " times, resumed %" PRIu64 ", locked %" PRIu64 "\n",
           n->losses, n->resumed, n->locks);
    if (run->plan.n > 0)
        printf("contingencies  %" PRIu64 " power cuts, %" PRIu64 " cables, %" PRIu64
               " candidates moved\n",
               n->power_cuts, n->cuts, n->moves);
    printf("accounts       %" PRIu64 " reckoned with %" PRIu64 " interruptions, to %" PRIu64
           " ms (median; at most %" PRIu64 "); %" PRIu64 " told otherwise\n",
           n->reckoned, n->interruptions, n->width_median_ms, n->width_max_ms, n->accounts_off);
    for (uint64_t i = 0; i < run->faults.count && i < WITNESS_FAULTS_KEPT; i++)
        printf("FAULT          %s\n", run->faults.text[i]);
    printf("checks         %s (%" PRIu64 " faults)\n", ok ? "all hold" : "FAILED",
           run->faults.count);
}

void run_report(const struct run *run, bool ok)
{
    if (run->options->json)
        report_json(run, ok);
    else
        report_text(run, ok);
}
