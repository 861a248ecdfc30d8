#include "decide.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { /* an entry takes 18 bytes at the most as long as a site is younger than 1,000 years */
       PACK_MAX = 3072,
};

_Static_assert((int)PACK_MAX <= (int)MARKS_PER_EVENT_MAX &&
                   (int)PACK_MAX * 20 <= (int)RECORD_BYTES_MAX,
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

exam_err decide_no_memory(const struct decision *d)
{
    return decide_refuse(d, EXAM_NOMEM, "", "this server is out of memory: nothing was changed");
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
    if (p->sitting && p->first_ms && p->second_ms)
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

    memory_drop(m, p->sitting);
    memory_drop(m, p->first_ms);
    memory_drop(m, p->second_ms);
    p->sitting = NULL;
    p->first_ms = p->second_ms = NULL;
}

/* ---------------------------------------------------------------- dispatch */

exam_err exam_decide(const exam *x, const struct exam_command *c, uint64_t now_ms, exam_emit emit,
                     void *ctx, struct exam_refusal *why)
{
    const struct decision d = {x, c, now_ms, emit, ctx, why};

    assert(now_ms >= x->last_ms);
    switch (c->kind) {
    case EXAM_CMD_FOUND:
        return decide_found(&d);
    case EXAM_CMD_BEGIN_EPOCH:
        return decide_begin_epoch(&d);
    case EXAM_CMD_STANDBY_CHANGED:
        return decide_standby_changed(&d);
    case EXAM_CMD_IMPORT:
        return decide_import(&d);
    case EXAM_CMD_BATCH_START:
        return decide_batch_start(&d);
    case EXAM_CMD_BATCH_COLLECT:
        return decide_batch_collect(&d);
    case EXAM_CMD_SIGN_IN:
        return decide_sign_in(&d);
    case EXAM_CMD_ATTACH:
        return decide_attach(&d);
    case EXAM_CMD_DETACH:
        return decide_detach(&d);
    case EXAM_CMD_MARK:
        return decide_mark(&d);
    case EXAM_CMD_ANSWER:
        return decide_answer(&d);
    case EXAM_CMD_SUBMIT:
        return decide_submit(&d);
    case EXAM_CMD_TICK:
        return decide_tick(&d);
    default:
        return decide_refuse(&d, EXAM_STATE, "", "this server does not carry out that act");
    }
}
