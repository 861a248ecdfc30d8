#include "incident.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { /* an entry takes 18 bytes at the most as long as a site is younger than 1,000 years */
       PACK_MAX = 2560,
};

_Static_assert((int)PACK_MAX <= (int)MARKS_PER_EVENT_MAX &&
                   (int)PACK_MAX * 22 <= (int)RECORD_BYTES_MAX,
               "an event about many sittings fits in a record");

exam_err decide_refuse(const struct decision *d, exam_err code, const char *rule,
                       const char *format, ...)
{
    va_list args;

    *d->why = (struct exam_refusal){.code = code, .rule = rule};
    va_start(args, format);
    vsnprintf(d->why->text, sizeof d->why->text, format, args);
    va_end(args);
    assert(code != EXAM_OK && d->why->text[0] != '\0');
    return code;
}

struct span_text span_text(uint64_t span_ms)
{
    struct span_text t;

    snprintf(t.text, sizeof t.text, "%llu min %llu s", (unsigned long long)(span_ms / 60000),
             (unsigned long long)(span_ms / 1000 % 60));
    return t;
}

exam_err decide_batch_of(const struct decision *d, const char *name, uint32_t *no)
{
    *no = exam_batch_named(d->x, name);
    if (*no == 0)
        return decide_refuse(d, EXAM_NOT_FOUND, "R4",
                             "no batch %s here: look at the names with `batch list`", name);
    return EXAM_OK;
}

exam_err decide_sitting_of(const struct decision *d, const char *admission_no, uint32_t *no)
{
    *no = name_index_find(&d->x->candidates, admission_no);
    if (*no == 0)
        return decide_refuse(d, EXAM_NOT_FOUND, "R4",
                             "no candidate with admission number %s here: correct the number",
                             admission_no);
    return EXAM_OK;
}

exam_err decide_no_memory(const struct decision *d)
{
    return decide_refuse(d, EXAM_NOMEM, "", "this server is out of memory: nothing was changed");
}

struct exam_word decide_word(const struct exam_command *c)
{
    if (c->kind == EXAM_CMD_ANSWER)
        return (struct exam_word){.sitting = c->u.answer.sitting,
                                  .said_ms = c->u.answer.said_ms,
                                  .heard_ms = c->u.answer.heard_ms};
    if (c->kind == EXAM_CMD_SUBMIT)
        return (struct exam_word){.sitting = c->u.submit.sitting,
                                  .said_ms = c->u.submit.said_ms,
                                  .heard_ms = c->u.submit.heard_ms};
    return (struct exam_word){0};
}

char *event_text(const char *text)
{
    return (char *)(uintptr_t)(text ? text : "");
}

ProtobufCBinaryData event_data(const uint8_t *data, size_t bytes)
{
    return (ProtobufCBinaryData){.len = bytes, .data = (uint8_t *)(uintptr_t)data};
}

/* ---------------------------------------------------------------- many sittings at once */

exam_err pack_init(struct pack *p, const struct decision *d, enum pack_kind kind, uint32_t n_max)
{
    const struct exam_memory *m = &d->x->memory;

    *p = (struct pack){.d = d, .kind = kind, .cap = n_max < PACK_MAX ? n_max : PACK_MAX};
    p->sitting = memory_take(m, p->cap * sizeof *p->sitting);
    p->first_ms = memory_take(m, p->cap * sizeof *p->first_ms);
    p->second_ms = memory_take(m, p->cap * sizeof *p->second_ms);
    p->incidents =
        kind == PACK_CREDITED ? memory_take(m, p->cap * sizeof *p->incidents) : p->sitting;
    if (p->sitting && p->first_ms && p->second_ms && p->incidents)
        return EXAM_OK;
    pack_fini(p);
    return decide_no_memory(d);
}

static void emit_marked(const struct pack *p)
{
    Ev__Marked e;
    Ev__Event event = EV__EVENT__INIT;

    ev__marked__init(&e);
    e.n_sitting = e.n_used_ms = p->n;
    e.sitting = p->sitting;
    e.used_ms = p->first_ms;
    event.kind_case = EV__EVENT__KIND_MARKED;
    event.marked = &e;
    p->d->emit(p->d->ctx, &event);
}

static void emit_finished(const struct pack *p)
{
    Ev__Finished e;
    Ev__Event event = EV__EVENT__INIT;

    ev__finished__init(&e);
    e.finish = p->finish;
    e.n_sitting = e.n_used_ms = e.n_at_ms = p->n;
    e.sitting = p->sitting;
    e.used_ms = p->first_ms;
    e.at_ms = p->second_ms;
    event.kind_case = EV__EVENT__KIND_FINISHED;
    event.finished = &e;
    p->d->emit(p->d->ctx, &event);
}

static void emit_credited(const struct pack *p)
{
    Ev__Credited e;
    Ev__Event event = EV__EVENT__INIT;

    ev__credited__init(&e);
    e.basis = p->basis;
    e.n_sitting = e.n_from_ms = e.n_lost_ms = p->n;
    e.sitting = p->sitting;
    e.from_ms = p->first_ms;
    e.lost_ms = p->second_ms;
    for (uint32_t i = 0; i < p->n; i++) {
        const struct sitting *s = &p->d->x->sittings[p->sitting[i] - 1];
        uint64_t from_ms = p->first_ms[i];
        p->incidents[i] = incident_of(p->d->x, s, from_ms, from_ms + p->second_ms[i]);
        if (p->incidents[i] == 0)
            p->incidents[i] = p->incident;
        if (p->incidents[i] != 0)
            e.n_incident = p->n;
    }
    e.incident = p->incidents;
    event.kind_case = EV__EVENT__KIND_CREDITED;
    event.credited = &e;
    p->d->emit(p->d->ctx, &event);
}

static void pack_emit(struct pack *p)
{
    if (p->n == 0)
        return;
    if (p->kind == PACK_MARKED)
        emit_marked(p);
    else if (p->kind == PACK_FINISHED)
        emit_finished(p);
    else
        emit_credited(p);
    p->n = 0;
}

void pack_add(struct pack *p, uint32_t sitting, uint64_t first_ms, uint64_t second_ms)
{
    if (p->n == p->cap)
        pack_emit(p);
    assert(p->n < p->cap);
    p->sitting[p->n] = sitting;
    p->first_ms[p->n] = first_ms;
    p->second_ms[p->n] = second_ms;
    p->n++;
}

void pack_end(struct pack *p)
{
    pack_emit(p);
    pack_fini(p);
}

void pack_fini(struct pack *p)
{
    const struct exam_memory *m = &p->d->x->memory;

    if (p->incidents != p->sitting)
        memory_drop(m, p->incidents);
    memory_drop(m, p->sitting);
    memory_drop(m, p->first_ms);
    memory_drop(m, p->second_ms);
    p->sitting = p->incidents = NULL;
    p->first_ms = p->second_ms = NULL;
}

/* ---------------------------------------------------------------- dispatch */

static exam_err (*const deciders[])(const struct decision *d) = {
    [EXAM_CMD_FOUND] = decide_found,
    [EXAM_CMD_BEGIN_EPOCH] = decide_begin_epoch,
    [EXAM_CMD_STANDBY_CHANGED] = decide_standby_changed,
    [EXAM_CMD_IMPORT] = decide_import,
    [EXAM_CMD_BATCH_START] = decide_batch_start,
    [EXAM_CMD_BATCH_COLLECT] = decide_batch_collect,
    [EXAM_CMD_SIGN_IN] = decide_sign_in,
    [EXAM_CMD_ATTACH] = decide_attach,
    [EXAM_CMD_DETACH] = decide_detach,
    [EXAM_CMD_MARK] = decide_mark,
    [EXAM_CMD_MARK_ALL] = decide_mark_all,
    [EXAM_CMD_ANSWER] = decide_answer,
    [EXAM_CMD_SUBMIT] = decide_submit,
    [EXAM_CMD_TICK] = decide_tick,
    [EXAM_CMD_PAUSE] = decide_pause,
    [EXAM_CMD_RESUME] = decide_resume,
    [EXAM_CMD_GRANT] = decide_grant,
    [EXAM_CMD_MOVE] = decide_move,
    [EXAM_CMD_VIOLATION] = decide_violation,
    [EXAM_CMD_BATCH_POSTPONE] = decide_batch_postpone,
    [EXAM_CMD_SUSPEND] = decide_suspend,
    [EXAM_CMD_BATCH_UNSUSPEND] = decide_batch_unsuspend,
    [EXAM_CMD_INCIDENT_OPEN] = decide_incident_open,
    [EXAM_CMD_INCIDENT_CLOSE] = decide_incident_close,
    [EXAM_CMD_INCIDENT_NOTE] = decide_incident_note,
    [EXAM_CMD_POWER] = decide_power,
    [EXAM_CMD_LIMIT_DECIDE] = decide_limit_decide,
    [EXAM_CMD_OWN_DOING] = decide_own_doing,
    [EXAM_CMD_RECOVER] = decide_recover,
};

exam_err exam_decide(const exam *x, const struct exam_command *c, uint64_t now_ms, exam_emit emit,
                     void *ctx, struct exam_refusal *why)
{
    const struct decision d = {x, c, now_ms, emit, ctx, why};

    assert(now_ms >= x->last_ms);
    assert(c->kind < sizeof deciders / sizeof *deciders);
    return deciders[c->kind](&d);
}
