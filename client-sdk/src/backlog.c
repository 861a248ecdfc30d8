#include "backlog.h"

#include <assert.h>
#include <string.h>

/* Followed by the item with its NUL and the value; padded to a multiple of 8. */
struct entry {
    uint64_t seq, used_ms, attachment_epoch, attachment_lsn;
    uint32_t bytes; /* of all of it */
    uint16_t value_bytes;
    uint8_t item_bytes;
    bool submit;
    uint8_t state;
    uint8_t padding[7];
};

enum { ENTRY_BYTES_MAX = sizeof(struct entry) + NAME_BYTES_MAX + 1 + ANSWER_BYTES_MAX + 8 };

_Static_assert(sizeof(struct entry) % 8 == 0, "entries keep the ring's alignment");

static struct entry *entry_at(const struct backlog *b, uint32_t at)
{
    assert(at % 8 == 0 && at < b->ring_bytes);
    return (struct entry *)(void *)(b->ring + at);
}

static bool is_empty(const struct backlog *b)
{
    return b->first_seq > b->last_seq;
}

static bool is_wrapped(const struct backlog *b)
{
    return !is_empty(b) && b->tail <= b->head;
}

static uint32_t entry_after(const struct backlog *b, uint32_t at)
{
    uint32_t next = at + entry_at(b, at)->bytes;
    return is_wrapped(b) && next == b->wrap_at ? 0 : next;
}

void backlog_init(struct backlog *b, void *ring, size_t ring_bytes)
{
    assert(((uintptr_t)ring & 7) == 0);
    assert(ring_bytes % 8 == 0 && ring_bytes >= 2 * ENTRY_BYTES_MAX && ring_bytes <= UINT32_MAX);
    memset(b, 0, sizeof(*b));
    b->ring = ring;
    b->ring_bytes = (uint32_t)ring_bytes;
    backlog_clear(b);
}

void backlog_clear(struct backlog *b)
{
    b->head = b->tail = b->wrap_at = 0;
    b->first_seq = 1;
    b->last_seq = 0;
    memset(b->walkers, 0, sizeof(b->walkers));
}

static void oldest_drop(struct backlog *b)
{
    uint32_t next = entry_after(b, b->head);
    if (is_wrapped(b) && next == 0)
        b->wrap_at = 0;
    b->head = next;
    b->first_seq++;
}

/* Room for `bytes` in one piece at b->tail, at the cost of the oldest. */
static void room_make(struct backlog *b, uint32_t bytes)
{
    for (;;) {
        if (is_empty(b)) {
            b->head = b->tail = b->wrap_at = 0;
            return;
        }
        if (is_wrapped(b)) {
            if (b->head - b->tail >= bytes)
                return;
        } else {
            if (b->ring_bytes - b->tail >= bytes)
                return;
            if (b->head > 0) {
                b->wrap_at = b->tail;
                b->tail = 0;
                continue;
            }
        }
        oldest_drop(b);
    }
}

void backlog_push(struct backlog *b, const struct seat_action *a)
{
    size_t item_bytes = a->submit ? 0 : strlen(a->item);
    size_t value_bytes = a->submit ? 0 : a->value_bytes;
    assert(item_bytes <= NAME_BYTES_MAX && value_bytes <= ANSWER_BYTES_MAX);
    size_t bytes = (sizeof(struct entry) + item_bytes + 1 + value_bytes + 7) & ~(size_t)7;
    if (!is_empty(b) && a->seq != b->last_seq + 1)
        backlog_clear(b);
    room_make(b, (uint32_t)bytes);

    struct entry e = {.seq = a->seq,
                      .used_ms = a->used_ms,
                      .attachment_epoch = a->attachment_epoch,
                      .attachment_lsn = a->attachment_lsn,
                      .bytes = (uint32_t)bytes,
                      .value_bytes = (uint16_t)value_bytes,
                      .item_bytes = (uint8_t)item_bytes,
                      .submit = a->submit};
    uint8_t *at = b->ring + b->tail;
    memcpy(at, &e, sizeof(e));
    at += sizeof(e);
    if (item_bytes > 0)
        memcpy(at, a->item, item_bytes);
    at[item_bytes] = 0;
    if (value_bytes > 0)
        memcpy(at + item_bytes + 1, a->value, value_bytes);
    if (is_empty(b))
        b->first_seq = a->seq;
    b->last_seq = a->seq;
    b->tail += (uint32_t)bytes;
}

bool backlog_get(struct backlog *b, enum backlog_walker w, uint64_t seq, struct seat_action *out,
                 uint8_t **state)
{
    if (is_empty(b) || seq < b->first_seq || seq > b->last_seq)
        return false;
    struct backlog_place *p = &b->walkers[w];
    if (p->seq < b->first_seq || p->seq > seq)
        *p = (struct backlog_place){b->first_seq, b->head};
    while (p->seq < seq) {
        p->at = entry_after(b, p->at);
        p->seq++;
    }
    struct entry *e = entry_at(b, p->at);
    assert(e->seq == seq);
    uint8_t *item = (uint8_t *)(e + 1);
    *out = (struct seat_action){.seq = seq,
                                .used_ms = e->used_ms,
                                .attachment_epoch = e->attachment_epoch,
                                .attachment_lsn = e->attachment_lsn,
                                .submit = e->submit,
                                .item = (const char *)item,
                                .value = item + e->item_bytes + 1,
                                .value_bytes = e->value_bytes};
    *state = &e->state;
    return true;
}
