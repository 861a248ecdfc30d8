#include "journal_mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void journal_mem_init(struct journal_mem *j)
{
    *j = (struct journal_mem){0};
}

static void record_free(struct seat_record *r)
{
    switch (r->kind) {
    case SEAT_RECORD_SESSION:
        free((void *)(uintptr_t)r->u.session.admission_no);
        return;
    case SEAT_RECORD_ANSWER:
    case SEAT_RECORD_SUBMIT:
        free((void *)(uintptr_t)r->u.action.item);
        free((void *)(uintptr_t)r->u.action.value);
        return;
    default:
        return;
    }
}

static void list_clear(struct journal_list *l)
{
    while (l->n > 0)
        record_free(&l->records[--l->n]);
}

static void list_fini(struct journal_list *l)
{
    list_clear(l);
    free(l->records);
    *l = (struct journal_list){0};
}

/* What a new mark, or a later position, makes void. */
static void list_drop_void(struct journal_list *l, enum seat_record_kind kind)
{
    while (l->n > 0) {
        enum seat_record_kind last = l->records[l->n - 1].kind;
        bool drop = (kind == SEAT_RECORD_MARK &&
                     (last == SEAT_RECORD_MARK || last == SEAT_RECORD_POSITION)) ||
                    (kind == SEAT_RECORD_POSITION && last == SEAT_RECORD_POSITION);
        if (!drop)
            return;
        l->n--;
    }
}

static exam_err list_grow(struct journal_list *l)
{
    size_t max = l->max ? 2 * l->max : 16;
    struct seat_record *records = realloc(l->records, max * sizeof *records);
    if (!records)
        return EXAM_NOMEM;
    l->records = records;
    l->max = max;
    return EXAM_OK;
}

/* Takes r over, with what it points to. */
static exam_err list_push(struct journal_list *l, const struct seat_record *r)
{
    list_drop_void(l, r->kind);
    if (l->n == l->max && list_grow(l))
        return EXAM_NOMEM;
    struct seat_record *to = &l->records[l->n++];
    if (r->kind == SEAT_RECORD_POSITION) { /* one a second and seat: not a byte more than needed */
        to->kind = r->kind;
        to->u.position = r->u.position;
    } else {
        *to = *r;
    }
    return EXAM_OK;
}

static bool has_texts(enum seat_record_kind kind)
{
    return kind == SEAT_RECORD_SESSION || kind == SEAT_RECORD_ANSWER || kind == SEAT_RECORD_SUBMIT;
}

static exam_err record_copy(const struct seat_record *r, struct seat_record *out)
{
    *out = *r;
    if (r->kind == SEAT_RECORD_SESSION) {
        out->u.session.admission_no = strdup(r->u.session.admission_no);
        return out->u.session.admission_no ? EXAM_OK : EXAM_NOMEM;
    }
    const struct seat_action *a = &r->u.action;
    uint8_t *value = malloc(a->value_bytes + 1);
    out->u.action.item = strdup(a->item ? a->item : "");
    out->u.action.value = value;
    if (!out->u.action.item || !value) {
        record_free(out);
        return EXAM_NOMEM;
    }
    if (a->value_bytes)
        memcpy(value, a->value, a->value_bytes);
    return EXAM_OK;
}

static exam_err settle(struct journal_mem *j)
{
    for (size_t i = 0; i < j->buffered.n; i++) {
        exam_err err = list_push(&j->durable, &j->buffered.records[i]);
        if (err)
            return err;
    }
    j->buffered.n = 0;
    return EXAM_OK;
}

static exam_err append(struct journal_mem *j, const struct seat_record *r, bool durable)
{
    struct seat_record copy;
    exam_err err = EXAM_OK;
    if (durable) /* everything before it is durable with it */
        err = settle(j);
    if (!err && has_texts(r->kind)) {
        err = record_copy(r, &copy);
        r = &copy;
    }
    return err ? err : list_push(durable ? &j->durable : &j->buffered, r);
}

static exam_err append_and_fail(struct journal_mem *j, const struct seat_record *r, bool durable)
{
    exam_err err = EXAM_OK;
    j->met[j->fault]++;
    if (j->fault == SIM_JOURNAL_FULL)
        return EXAM_FULL;
    if (j->fault == SIM_JOURNAL_IO_KEPT)
        err = append(j, r, durable);
    j->failed = true;
    return err ? err : EXAM_IO;
}

exam_err journal_mem_append(struct journal_mem *j, const struct seat_record *r, bool durable)
{
    if (j->failed)
        return EXAM_IO;
    if (j->fail_in && --j->fail_in == 0)
        return append_and_fail(j, r, durable);
    return append(j, r, durable);
}

static const struct seat_record *list_find(const struct journal_list *l, uint64_t seq, bool *over)
{
    for (size_t i = l->n; i-- > 0 && !*over;) {
        const struct seat_record *r = &l->records[i];
        if (r->kind == SEAT_RECORD_SESSION || r->kind == SEAT_RECORD_COLLECTED)
            *over = true;
        if ((r->kind == SEAT_RECORD_ANSWER || r->kind == SEAT_RECORD_SUBMIT) &&
            r->u.action.seq == seq)
            return r;
    }
    return NULL;
}

exam_err journal_mem_find(const struct journal_mem *j, uint64_t seq, struct seat_record *out)
{
    bool over = false;
    const struct seat_record *r = list_find(&j->buffered, seq, &over);
    if (!r)
        r = list_find(&j->durable, seq, &over);
    if (!r)
        return EXAM_NOT_FOUND;
    *out = *r;
    return EXAM_OK;
}

void journal_mem_replay(const struct journal_mem *j,
                        void (*each)(void *ctx, const struct seat_record *r), void *ctx)
{
    for (size_t i = 0; i < j->durable.n; i++)
        each(ctx, &j->durable.records[i]);
    for (size_t i = 0; i < j->buffered.n; i++)
        each(ctx, &j->buffered.records[i]);
}

static size_t stored_bytes(const struct seat_record *r)
{
    uint8_t out[JOURNAL_RECORD_BYTES_MAX];
    struct journal_chain chain = {0};
    size_t bytes;
    exam_err err = journal_record_put(r, &chain, out, &bytes);
    assert(!err);
    return bytes;
}

size_t journal_mem_buffered_bytes(const struct journal_mem *j)
{
    size_t bytes = 0;
    for (size_t i = 0; i < j->buffered.n; i++)
        bytes += stored_bytes(&j->buffered.records[i]);
    return bytes;
}

size_t journal_mem_power_cut(struct journal_mem *j, size_t bytes)
{
    struct journal_list *l = &j->buffered;
    size_t whole = 0, at = 0, lost;
    while (whole < l->n && (at += stored_bytes(&l->records[whole])) <= bytes)
        whole++;
    lost = l->n - whole;
    while (l->n > whole)
        record_free(&l->records[--l->n]);
    if (settle(j))
        abort();
    return lost;
}

void journal_mem_wipe(struct journal_mem *j)
{
    list_clear(&j->durable);
    list_clear(&j->buffered);
}

void journal_mem_fini(struct journal_mem *j)
{
    list_fini(&j->durable);
    list_fini(&j->buffered);
}
