#include "casebook.h"

#include <stdlib.h>
#include <string.h>

#include "exit_code.h"
#include "language.h"
#include "report.h"

static void *grown(void *list, size_t n, size_t *max, size_t each)
{
    if (n < *max)
        return list;
    *max = *max ? 2 * *max : 64;
    void *more = realloc(list, *max * each);
    if (!more) {
        report_error(_("out of memory"));
        exit(EXIT_CODE_INTERNAL);
    }
    return more;
}

void casebook_fini(struct casebook *c)
{
    free(c->sittings);
    free(c->interruptions);
    free(c->causes);
    free(c->disturbances);
}

struct case_without case_without_credits(const struct exam_account *a)
{
    uint64_t total_ms = a->used_ms + a->left_ms;
    struct case_without w = {.elapsed_ms = a->used_ms + a->lost_ms};
    w.left_ms = total_ms > w.elapsed_ms ? total_ms - w.elapsed_ms : 0;
    return w;
}

uint64_t case_lost_from_ms(const struct exam_interruption_view *in)
{
    return in->to_ms - in->from_ms > in->lost_ms ? in->to_ms - in->lost_ms : in->from_ms;
}

/* ---------------------------------------------------------------- causes */

static void count(struct case_totals *t, const struct exam_interruption_view *in)
{
    if (t->interruptions == 0)
        *t = (struct case_totals){
            .from_ms = in->from_ms, .to_ms = in->to_ms, .least_ms = in->lost_ms};
    t->interruptions++;
    t->lost_ms += in->lost_ms;
    t->least_ms = in->lost_ms < t->least_ms ? in->lost_ms : t->least_ms;
    t->most_ms = in->lost_ms > t->most_ms ? in->lost_ms : t->most_ms;
    t->from_ms = in->from_ms < t->from_ms ? in->from_ms : t->from_ms;
    t->to_ms = in->to_ms > t->to_ms ? in->to_ms : t->to_ms;
}

static size_t cause_of(struct casebook *c, const struct story_cause *cause)
{
    for (size_t i = 0; i < c->causes_n; i++)
        if (story_same_cause(&c->causes[i].cause, cause))
            return i;
    c->causes = grown(c->causes, c->causes_n, &c->causes_max, sizeof *c->causes);
    c->causes[c->causes_n] = (struct case_cause){.cause = *cause};
    return c->causes_n++;
}

static void add_interruption(struct casebook *c, struct case_sitting *s, uint32_t no,
                             const struct exam_interruption_view *in)
{
    struct story_cause cause;
    story_cause(c->story, c->x, s->view.sitting, no, in, &cause);
    size_t at = cause_of(c, &cause); /* may move the list */
    struct case_cause *of = &c->causes[at];
    uint32_t sittings = of->totals.sittings;
    count(&of->totals, in);
    of->totals.sittings = sittings + (of->newest_sitting != s->view.sitting);
    of->newest_sitting = s->view.sitting;
    c->interruptions = grown(c->interruptions, c->interruptions_n, &c->interruptions_max,
                             sizeof *c->interruptions);
    c->interruptions[c->interruptions_n++] = (struct case_interruption){.no = no, .view = *in};
    sittings = c->totals.sittings;
    count(&c->totals, in);
    c->totals.sittings = sittings;
    s->n++;
    s->lost_ms += in->lost_ms;
}

/* ---------------------------------------------------------------- sittings */

static void add_sitting(struct casebook *c, const struct exam_sitting_view *v)
{
    struct exam_interruption_view in;
    struct case_sitting s = {.view = *v, .first = c->interruptions_n};
    for (uint32_t i = 0; exam_interruption_at(c->x, v->sitting, i, &in) == EXAM_OK; i++) {
        s.shown_lost_ms += in.lost_ms;
        if (c->incident == 0 || in.incident == c->incident)
            add_interruption(c, &s, i, &in);
    }
    c->totals.sittings += s.n > 0;
    c->sittings = grown(c->sittings, c->sittings_n, &c->sittings_max, sizeof *c->sittings);
    c->sittings[c->sittings_n++] = s;
}

static bool is_meant(const struct casebook *c, const struct filter *f,
                     const struct exam_sitting_view *v)
{
    struct exam_batch_view b;
    exam_batch_view(c->x, v->batch_no, exam_last_ms(c->x), &b);
    return !b.superseded && filter_fits_sitting(f, v);
}

static int by_seat(const void *a, const void *b)
{
    const struct exam_sitting_view *x = &((const struct case_sitting *)a)->view;
    const struct exam_sitting_view *y = &((const struct case_sitting *)b)->view;
    int order = strcmp(x->room, y->room);
    if (order == 0)
        order = x->seat_no < y->seat_no ? -1 : x->seat_no > y->seat_no;
    return order ? order : x->sitting < y->sitting ? -1 : 1;
}

static void note_stretch(struct casebook *c)
{
    uint64_t last_ms = exam_last_ms(c->x);
    c->from_ms = last_ms;
    for (size_t i = 0; i < c->sittings_n; i++) {
        const struct exam_sitting_view *v = &c->sittings[i].view;
        uint64_t end_ms = v->finish != EV__FINISH__FINISH_NONE ? v->finish_ms : last_ms;
        if (!v->begun)
            continue;
        c->from_ms = v->begin_ms < c->from_ms ? v->begin_ms : c->from_ms;
        c->to_ms = end_ms > c->to_ms ? end_ms : c->to_ms;
    }
    c->to_ms = c->to_ms > c->from_ms ? c->to_ms : c->from_ms;
}

static int by_figure(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void note_median(struct casebook *c)
{
    size_t max = 0;
    uint64_t *lost_ms = grown(NULL, 0, &max, sizeof *lost_ms * (c->sittings_n + 1));
    size_t n = 0;
    for (size_t i = 0; i < c->sittings_n; i++)
        if (c->sittings[i].n > 0)
            lost_ms[n++] = c->sittings[i].lost_ms;
    qsort(lost_ms, n, sizeof *lost_ms, by_figure);
    c->median_lost_ms = n > 0 ? lost_ms[n / 2] : 0;
    c->most_lost_ms = n > 0 ? lost_ms[n - 1] : 0;
    free(lost_ms);
}

/* ---------------------------------------------------------------- disturbances */

static void add_stretch(struct casebook *c, const struct case_disturbance *d)
{
    c->disturbances =
        grown(c->disturbances, c->disturbances_n, &c->disturbances_max, sizeof *c->disturbances);
    c->disturbances[c->disturbances_n++] = *d;
}

static int by_begin(const void *a, const void *b)
{
    const struct case_disturbance *x = a, *y = b;
    return x->from_ms < y->from_ms ? -1 : x->from_ms > y->from_ms;
}

static void join(struct casebook *c)
{
    size_t n = 0;
    if (c->disturbances_n == 0)
        return;
    qsort(c->disturbances, c->disturbances_n, sizeof *c->disturbances, by_begin);
    for (size_t i = 0; i < c->disturbances_n; i++) {
        struct case_disturbance *last = &c->disturbances[n > 0 ? n - 1 : 0];
        const struct case_disturbance next = c->disturbances[i];
        if (n > 0 && next.from_ms <= last->to_ms + CASE_APART_MS) {
            last->to_ms = next.to_ms > last->to_ms ? next.to_ms : last->to_ms;
            last->lost_ms += next.lost_ms;
            last->interruptions += next.interruptions;
        } else {
            c->disturbances[n++] = next;
        }
    }
    c->disturbances_n = n;
}

static void note_disturbances(struct casebook *c)
{
    for (size_t i = 0; i < c->interruptions_n; i++) {
        const struct exam_interruption_view *in = &c->interruptions[i].view;
        add_stretch(c, &(struct case_disturbance){.from_ms = in->from_ms,
                                                  .to_ms = in->to_ms,
                                                  .lost_ms = in->lost_ms,
                                                  .interruptions = 1});
    }
    for (size_t i = 0; c->incident == 0 && i < c->story->darks_n; i++) {
        const struct story_dark *d = &c->story->darks[i];
        if (d->to_ms >= c->from_ms && d->from_ms <= c->to_ms)
            add_stretch(c, &(struct case_disturbance){.from_ms = d->from_ms, .to_ms = d->to_ms});
    }
    join(c);
}

/* ---------------------------------------------------------------- the whole */

/* Numbers go by when a cause began. */
static void order_causes(struct casebook *c)
{
    for (size_t i = 1; i < c->causes_n; i++)
        for (size_t j = i; j > 0 && c->causes[j].totals.from_ms < c->causes[j - 1].totals.from_ms;
             j--) {
            struct case_cause moved = c->causes[j];
            c->causes[j] = c->causes[j - 1];
            c->causes[j - 1] = moved;
        }
}

static void name_causes(struct casebook *c)
{
    for (size_t s = 0; s < c->sittings_n; s++)
        for (size_t i = 0; i < c->sittings[s].n; i++) {
            struct case_interruption *in = &c->interruptions[c->sittings[s].first + i];
            struct story_cause cause;
            story_cause(c->story, c->x, c->sittings[s].view.sitting, in->no, &in->view, &cause);
            in->cause = cause_of(c, &cause);
        }
}

void casebook_make(struct casebook *c, const exam *x, const struct story *story,
                   const struct filter *filter, uint32_t incident)
{
    *c = (struct casebook){.x = x, .story = story, .incident = incident};
    for (uint32_t i = 1; i <= exam_sittings(x); i++) {
        struct exam_sitting_view v;
        exam_sitting_view(x, i, exam_last_ms(x), &v);
        if (is_meant(c, filter, &v))
            add_sitting(c, &v);
    }
    if (c->sittings_n > 0)
        qsort(c->sittings, c->sittings_n, sizeof *c->sittings, by_seat);
    order_causes(c);
    name_causes(c);
    note_stretch(c);
    note_median(c);
    note_disturbances(c);
}
