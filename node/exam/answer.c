#include "answer.h"

#include <assert.h>
#include <string.h>

void items_fini(struct items *s, const struct exam_memory *m)
{
    for (uint32_t i = 0; i < s->n; i++) {
        memory_drop(m, s->at[i].id);
        memory_drop(m, s->at[i].subject);
    }
    memory_drop(m, s->at);
    name_index_fini(&s->index, m);
    *s = (struct items){0};
}

uint32_t items_add(struct items *s, const struct exam_memory *m, const char *id,
                   const char *subject, Ev__ItemKind kind)
{
    s->at = memory_grow(m, s->at, &s->cap, s->n + 1, sizeof *s->at);
    s->at[s->n] = (struct item){memory_text(m, id), memory_text(m, subject), kind};
    bool added = name_index_set(&s->index, m, s->at[s->n].id, s->n + 1);
    assert(added);
    return s->n++;
}

bool items_find(const struct items *s, const char *id, uint32_t *place)
{
    uint32_t found = name_index_find(&s->index, id);

    if (found == 0)
        return false;
    *place = found - 1;
    return true;
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int answer_version_compare(const struct answer_version *a, const struct answer_version *b)
{
    if (a->epoch != b->epoch)
        return compare(a->epoch, b->epoch);
    if (a->lsn != b->lsn)
        return compare(a->lsn, b->lsn);
    return compare(a->seq, b->seq);
}

const uint8_t *answer_value(const struct answer *a)
{
    return a->value_bytes <= ANSWER_INLINE_BYTES ? a->value.here : a->value.heap;
}

static void value_drop(struct answer *a, const struct exam_memory *m)
{
    if (a->value_bytes > ANSWER_INLINE_BYTES)
        memory_drop(m, a->value.heap);
    a->value_bytes = 0;
}

static void value_set(struct answer *a, const struct exam_memory *m, const uint8_t *value,
                      size_t value_bytes)
{
    uint8_t *to = a->value.here;

    assert(value_bytes <= UINT16_MAX);
    value_drop(a, m);
    if (value_bytes > ANSWER_INLINE_BYTES)
        to = a->value.heap = memory_need(m, value_bytes);
    if (value_bytes > 0)
        memcpy(to, value, value_bytes);
    a->value_bytes = (uint16_t)value_bytes;
}

void answers_fini(struct answers *s, const struct exam_memory *m)
{
    for (uint32_t i = 0; i < s->slots_n; i++)
        value_drop(&s->slots[i], m);
    memory_drop(m, s->slots);
    *s = (struct answers){0};
}

static void slots_need(struct answers *s, const struct exam_memory *m, uint32_t n)
{
    if (n > s->slots_n)
        s->slots = memory_grow(m, s->slots, &s->slots_n, n, sizeof *s->slots);
}

static void count(struct answers *s, const struct answer *a, uint32_t by)
{
    if (!a->set || a->value_bytes == 0)
        return;
    s->given += by;
    s->late += a->late ? by : 0;
}

void answers_put(struct answers *s, const struct exam_memory *m, uint32_t place,
                 const struct answer_version *version, const uint8_t *value, size_t value_bytes,
                 uint64_t made_at_ms, bool late)
{
    slots_need(s, m, place + 1);
    s->last = place;
    struct answer *a = &s->slots[place];
    int newer = a->set ? answer_version_compare(version, &a->version) : 1;
    if (newer < 0)
        return;
    late &= newer > 0 || a->late; /* A4: sent again, it is as late as it was the first time */
    count(s, a, (uint32_t)-1);
    value_set(a, m, value, value_bytes);
    a->version = *version;
    a->made_at_ms = made_at_ms;
    a->late = late;
    a->set = true;
    count(s, a, 1);
    assert(s->late <= s->given && s->given <= s->slots_n);
}

void answers_soon(const struct answers *s)
{
    if (s->last + 1 < s->slots_n)
        __builtin_prefetch(&s->slots[s->last + 1], 1);
}

/* ---------------------------------------------------------------- as a state entry */

/* The attachments that the versions name, each once: a sitting has few, and many answers. */
struct attachments {
    struct {
        uint64_t epoch, lsn;
    } * at;
    uint32_t n, cap;
};

static uint32_t attachment_place(struct attachments *t, const struct exam_memory *m,
                                 const struct answer_version *v)
{
    for (uint32_t i = t->n; i > 0; i--)
        if (t->at[i - 1].epoch == v->epoch && t->at[i - 1].lsn == v->lsn)
            return i - 1;
    t->at = memory_grow(m, t->at, &t->cap, t->n + 1, sizeof *t->at);
    t->at[t->n].epoch = v->epoch;
    t->at[t->n].lsn = v->lsn;
    return t->n++;
}

static void encode_slots(const struct answers *s, struct attachments *t, struct bytes_out *out)
{
    uint32_t next = 0;

    for (uint32_t i = 0; i < s->slots_n; i++) {
        const struct answer *a = &s->slots[i];
        if (!a->set)
            continue;
        bytes_put_varint(out, i - next);
        bytes_put_varint(out, attachment_place(t, out->m, &a->version));
        bytes_put_varint(out, a->version.seq);
        bytes_put_varint(out, a->made_at_ms);
        bytes_put_varint(out, (uint64_t)a->value_bytes << 1 | a->late);
        bytes_put(out, answer_value(a), a->value_bytes);
        next = i + 1;
    }
}

void answers_encode(const struct answers *s, const struct items *own, struct bytes_out *out)
{
    struct attachments t = {0};
    struct bytes_out slots = {.m = out->m};

    encode_slots(s, &t, &slots);
    bytes_put_varint(out, own ? own->n : 0);
    for (uint32_t i = 0; own && i < own->n; i++) {
        size_t id_bytes = strlen(own->at[i].id);
        bytes_put_varint(out, id_bytes);
        bytes_put(out, own->at[i].id, id_bytes);
    }
    bytes_put_varint(out, t.n);
    for (uint32_t i = 0; i < t.n; i++) {
        bytes_put_varint(out, t.at[i].epoch);
        bytes_put_varint(out, t.at[i].lsn);
    }
    bytes_put(out, slots.at, slots.n);
    out->failed |= slots.failed;
    bytes_out_fini(&slots);
    memory_drop(out->m, t.at);
}

static bool decode_own(struct bytes_in *in, const struct exam_memory *m, struct items *own)
{
    uint64_t n = bytes_get_varint(in);

    if (n > (own ? PAPER_ITEMS_MAX : 0))
        return false;
    for (uint64_t i = 0; i < n; i++) {
        char id[NAME_BYTES_MAX + 1] = {0};
        uint32_t place;
        uint64_t id_bytes = bytes_get_varint(in);
        const uint8_t *at = id_bytes <= NAME_BYTES_MAX ? bytes_get(in, id_bytes) : NULL;
        if (!at)
            return false;
        memcpy(id, at, id_bytes);
        if (items_find(own, id, &place))
            return false;
        items_add(own, m, id, "", EV__ITEM_KIND__ITEM_KIND_UNKNOWN);
    }
    return !in->failed;
}

static bool decode_attachments(struct bytes_in *in, const struct exam_memory *m,
                               struct attachments *t)
{
    uint64_t n = bytes_get_varint(in);

    if (n > PAPER_ITEMS_MAX)
        return false;
    t->at = memory_grow(m, t->at, &t->cap, (uint32_t)n, sizeof *t->at);
    for (t->n = 0; t->n < n; t->n++) {
        t->at[t->n].epoch = bytes_get_varint(in);
        t->at[t->n].lsn = bytes_get_varint(in);
    }
    return !in->failed;
}

static bool decode_slot(struct bytes_in *in, const struct exam_memory *m,
                        const struct attachments *t, uint32_t items_n, uint64_t *next,
                        struct answers *out)
{
    uint64_t place = *next + bytes_get_varint(in);
    uint64_t attachment = bytes_get_varint(in);
    uint64_t seq = bytes_get_varint(in);
    uint64_t made_at_ms = bytes_get_varint(in);
    uint64_t length = bytes_get_varint(in);

    if (in->failed || place < *next || place >= items_n || attachment >= t->n ||
        length >> 1 > ANSWER_STORED_BYTES_MAX)
        return false;
    const uint8_t *value = bytes_get(in, length >> 1);
    if (!value)
        return false;
    struct answer_version v = {t->at[attachment].epoch, t->at[attachment].lsn, seq};
    answers_put(out, m, (uint32_t)place, &v, value, length >> 1, made_at_ms, length & 1);
    *next = place + 1;
    return true;
}

exam_err answers_decode(struct bytes_in *in, const struct exam_memory *m, uint32_t items_n,
                        struct items *own, struct answers *out)
{
    struct attachments t = {0};
    uint64_t next = 0;
    bool ok = decode_own(in, m, own) && decode_attachments(in, m, &t);

    if (own)
        items_n = own->n;
    while (ok && in->n > 0)
        ok = decode_slot(in, m, &t, items_n, &next, out);
    memory_drop(m, t.at);
    return ok ? EXAM_OK : EXAM_CORRUPT;
}
