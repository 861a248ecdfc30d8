#include "results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Results come in the order of the batch's sittings, which is that of the drill. */
struct taking {
    struct results *r;
    const struct drill *d;
    uint32_t batch;
    uint32_t next; /* where the next sitting is looked for first */
    struct result *current;
};

static struct result *find(struct taking *t, const char *admission_no)
{
    for (uint32_t i = 0; i < t->d->sittings_n; i++) {
        uint32_t at = (t->next + i) % t->d->sittings_n;
        if (t->d->sittings[at].batch != t->batch ||
            strcmp(t->d->sittings[at].admission_no, admission_no) != 0)
            continue;
        t->next = at + 1;
        return &t->r->of[at];
    }
    return NULL;
}

static void take_sitting(struct taking *t, const Admin__SittingResult *m)
{
    struct result *to = t->current = find(t, m->admission_no);
    if (!to)
        return;
    to->known = true;
    snprintf(to->state, sizeof to->state, "%s", m->state);
    snprintf(to->finish, sizeof to->finish, "%s", m->finish);
    snprintf(to->seat, sizeof to->seat, "%s", m->seat);
    to->allot_ms = m->allot_ms;
    to->grants_ms = m->grants_ms;
    to->used_ms = m->used_ms;
    to->left_ms = m->left_ms;
    to->lost_ms = m->lost_ms;
}

static void take_answer(struct result *to, const Admin__AnswerRow *m)
{
    if (to->answers_n == to->answers_max) {
        uint32_t max = to->answers_max ? 2 * to->answers_max : 8;
        struct result_answer *p = realloc(to->answers, max * sizeof *p);
        if (!p)
            abort();
        to->answers = p;
        to->answers_max = max;
    }
    struct result_answer *a = &to->answers[to->answers_n++];
    snprintf(a->item, sizeof a->item, "%s", m->item);
    a->value_bytes = m->value.len < sizeof a->value ? m->value.len : sizeof a->value;
    if (a->value_bytes)
        memcpy(a->value, m->value.data, a->value_bytes);
    a->late = m->late;
}

static void take(void *ctx, const Admin__Reply *r)
{
    struct taking *t = ctx;
    if (r->kind_case == ADMIN__REPLY__KIND_SITTING_RESULT)
        take_sitting(t, r->sitting_result);
    else if (r->kind_case == ADMIN__REPLY__KIND_ANSWER_ROWS && t->current)
        for (size_t i = 0; i < r->answer_rows->n_rows; i++)
            take_answer(t->current, r->answer_rows->rows[i]);
}

static exam_err ask_batch(struct results *r, struct stage *s, uint32_t batch,
                          struct office_refusal *why)
{
    struct taking t = {.r = r, .d = s->d, .batch = batch};
    Admin__Results results = ADMIN__RESULTS__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    results.batch = (char *)(uintptr_t)s->d->batches[batch].name;
    results.answers = true;
    m.kind_case = ADMIN__REQUEST__KIND_RESULTS;
    m.results = &results;
    return stage_ask(s, &m, take, &t, why);
}

exam_err results_of(struct results *r, struct stage *s, uint32_t sitting, const struct result **out,
                    struct office_refusal *why)
{
    uint32_t batch = s->d->sittings[sitting].batch;
    if (!r->of) {
        r->sittings_n = s->d->sittings_n;
        r->of = calloc(r->sittings_n, sizeof *r->of);
        r->asked = calloc(s->d->batches_n, sizeof *r->asked);
        if (!r->of || !r->asked)
            abort();
    }
    if (!r->asked[batch]) {
        exam_err err = ask_batch(r, s, batch, why);
        if (err)
            return err;
        r->asked[batch] = true;
    }
    if (!r->of[sitting].known)
        return stage_refuse(why, EXAM_NOT_FOUND, "the server knows nothing of this sitting");
    *out = &r->of[sitting];
    return EXAM_OK;
}

const struct result_answer *results_answer(const struct result *of, const char *item)
{
    for (uint32_t i = 0; i < of->answers_n; i++)
        if (!strcmp(of->answers[i].item, item))
            return &of->answers[i];
    return NULL;
}

void results_clear(struct results *r)
{
    for (uint32_t i = 0; r->of && i < r->sittings_n; i++)
        free(r->of[i].answers);
    free(r->of);
    free(r->asked);
    *r = (struct results){0};
}
