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

static void drop_from(struct journal_mem *j, size_t n)
{
    while (j->n > n)
        record_free(&j->records[--j->n]);
}

static bool is_void_before(enum seat_record_kind last, enum seat_record_kind next)
{
    return (next == SEAT_RECORD_MARK &&
            (last == SEAT_RECORD_MARK || last == SEAT_RECORD_POSITION)) ||
           (next == SEAT_RECORD_POSITION && last == SEAT_RECORD_POSITION);
}

/* Where a record of that kind goes behind records[from..n): what it makes void there gives way. */
static size_t place_of(const struct journal_mem *j, size_t from, size_t n,
                       enum seat_record_kind kind)
{
    while (n > from && is_void_before(j->records[n - 1].kind, kind))
        n--;
    return n;
}

static exam_err grow(struct journal_mem *j)
{
    size_t max = j->max ? 2 * j->max : 16;
    struct seat_record *records = realloc(j->records, max * sizeof *records);
    if (!records)
        return EXAM_NOMEM;
    j->records = records;
    j->max = max;
    return EXAM_OK;
}

/* A mark and a position go by every second and seat: not a byte more than needed. */
static void put_at(struct seat_record *to, const struct seat_record *r)
{
    if (r->kind == SEAT_RECORD_POSITION || r->kind == SEAT_RECORD_MARK) {
        to->kind = r->kind;
        if (r->kind == SEAT_RECORD_POSITION)
            to->u.position = r->u.position;
        else
            memcpy(&to->u.mark, &r->u.mark, offsetof(struct seat_mark, bytes) + r->u.mark.bytes_n);
    } else {
        *to = *r;
    }
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

/* What is buffered is durable now. */
static void settle(struct journal_mem *j)
{
    size_t n = j->durable_n;
    for (size_t i = n; i < j->n; i++) {
        n = place_of(j, 0, n, j->records[i].kind);
        if (n != i)
            put_at(&j->records[n], &j->records[i]);
        n++;
    }
    j->n = j->durable_n = n;
}

/* Takes over what r points to. */
static exam_err push(struct journal_mem *j, const struct seat_record *r)
{
    size_t at = place_of(j, j->durable_n, j->n, r->kind);
    if (at == j->max && grow(j))
        return EXAM_NOMEM;
    put_at(&j->records[at], r);
    j->n = at + 1;
    return EXAM_OK;
}

static exam_err append(struct journal_mem *j, const struct seat_record *r, bool durable)
{
    struct seat_record copy;
    exam_err err = has_texts(r->kind) ? record_copy(r, &copy) : EXAM_OK;
    if (!err)
        err = push(j, has_texts(r->kind) ? &copy : r);
    if (!err && durable) /* and everything before it with it */
        settle(j);
    return err;
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

exam_err journal_mem_find(const struct journal_mem *j, uint64_t seq, struct seat_record *out)
{
    for (size_t i = j->n; i-- > 0;) {
        const struct seat_record *r = &j->records[i];
        if ((r->kind == SEAT_RECORD_ANSWER || r->kind == SEAT_RECORD_SUBMIT) &&
            r->u.action.seq == seq) {
            *out = *r;
            return EXAM_OK;
        }
        if (r->kind == SEAT_RECORD_SESSION || r->kind == SEAT_RECORD_COLLECTED)
            break;
    }
    return EXAM_NOT_FOUND;
}

void journal_mem_replay(const struct journal_mem *j,
                        void (*each)(void *ctx, const struct seat_record *r), void *ctx)
{
    for (size_t i = 0; i < j->n; i++)
        each(ctx, &j->records[i]);
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
    for (size_t i = j->durable_n; i < j->n; i++)
        bytes += stored_bytes(&j->records[i]);
    return bytes;
}

size_t journal_mem_power_cut(struct journal_mem *j, size_t bytes)
{
    size_t whole = j->durable_n, at = 0, lost;
    while (whole < j->n && (at += stored_bytes(&j->records[whole])) <= bytes)
        whole++;
    lost = j->n - whole;
    drop_from(j, whole);
    settle(j);
    return lost;
}

void journal_mem_wipe(struct journal_mem *j)
{
    drop_from(j, 0);
    j->durable_n = 0;
}

void journal_mem_fini(struct journal_mem *j)
{
    journal_mem_wipe(j);
    free(j->records);
    *j = (struct journal_mem){0};
}
