#include "apply.h"

#include <string.h>

bool apply_room_added(const struct booking *k, const Ev__RoomAdded *e)
{
    if (e->seats < 1 || e->seats > ROOM_SEATS_MAX || strlen(e->room) > NAME_BYTES_MAX ||
        exam_room_named(k->x, e->room) != 0)
        return false;
    exam_room_add(k->x, e->room, e->seats);
    return true;
}

/* False: an item is there already. */
static bool items_are_new(const struct items *items, const Ev__PaperAdded *e)
{
    uint32_t place;

    for (size_t i = 0; i < e->n_items; i++)
        if (items_find(items, e->items[i]->id, &place))
            return false;
    return items->n + e->n_items <= PAPER_ITEMS_MAX;
}

static void items_take(exam *x, struct paper *p, const Ev__PaperAdded *e)
{
    uint32_t place;

    for (size_t i = 0; i < e->n_items; i++)
        if (!items_find(&p->items, e->items[i]->id, &place))
            items_add(&p->items, &x->memory, e->items[i]->id, e->items[i]->subject,
                      e->items[i]->kind);
    p->dirty = true;
}

/* A paper whose import was cut off begins anew: its place stays, its name goes to the new one. */
static bool paper_begin(const struct booking *k, uint32_t known, const Ev__PaperAdded *e)
{
    exam *x = k->x;

    if (e->bytes < 1 || e->bytes > PAPER_BYTES_MAX || e->digest.len != HASH_BYTES ||
        e->n_items > PAPER_ITEMS_MAX)
        return false;
    if (known > 0) {
        struct paper *old = &x->papers[known - 1];
        if (old->have == old->bytes)
            return false;
        old->superseded = true;
        old->dirty = true;
    }
    struct paper *p = exam_paper_add(x, e->paper, e->title, e->bytes);
    memcpy(p->digest, e->digest.data, HASH_BYTES);
    p->minutes = e->minutes;
    p->sealed = e->sealed;
    items_take(x, p, e);
    return true;
}

bool apply_paper_added(const struct booking *k, const Ev__PaperAdded *e)
{
    uint32_t known = exam_paper_named(k->x, e->paper);

    if (e->items_at == 0)
        return paper_begin(k, known, e);
    if (known == 0)
        return false;
    struct paper *p = &k->x->papers[known - 1];
    if (p->have > 0 || p->items.n != e->items_at || !items_are_new(&p->items, e))
        return false;
    items_take(k->x, p, e);
    return true;
}

bool apply_paper_chunk(const struct booking *k, const Ev__PaperChunk *e)
{
    uint32_t known = exam_paper_named(k->x, e->paper);

    if (known == 0)
        return false;
    struct paper *p = &k->x->papers[known - 1];
    if (e->offset != p->have || e->data.len == 0 || e->data.len > p->bytes - p->have)
        return false;
    memcpy(p->text + p->have, e->data.data, e->data.len);
    p->have += (uint32_t)e->data.len;
    p->dirty = true;
    return true;
}

/* A batch whose import was cut off is planned anew: its sittings are dropped with it. */
bool apply_batch_planned(const struct booking *k, const Ev__BatchPlanned *e)
{
    exam *x = k->x;
    struct batch *old = exam_batch(x, exam_batch_named(x, e->batch));

    if (e->heartbeat_ms == 0 || (old && old->complete))
        return false;
    if (old) {
        old->superseded = true;
        old->dirty = true;
    }
    struct batch *b = exam_batch_add(x, e->batch, e->title);
    b->allot_ms = e->allot_ms;
    b->grace_ms = e->grace_ms;
    b->heartbeat_ms = e->heartbeat_ms;
    b->timing = e->timing;
    b->entry_wall_ms = e->entry_wall_ms;
    b->start_wall_ms = e->start_wall_ms;
    return true;
}

static bool sitting_fits(const exam *x, const Ev__NewSitting *e)
{
    uint32_t seat_no;

    return exam_find_seat(x, e->seat, &seat_no) == EXAM_OK &&
           (e->paper[0] == '\0' || exam_paper_named(x, e->paper) != 0);
}

static void sitting_take(exam *x, uint32_t batch_no, const Ev__NewSitting *e)
{
    struct sitting *s = exam_sitting_add(x, e->admission_no, e->id_no, e->name);
    exam_err err = exam_find_seat(x, e->seat, &s->seat);

    (void)err; /* sitting_fits */
    s->paper = e->paper[0] != '\0' ? exam_paper_named(x, e->paper) : 0;
    s->batch = batch_no;
    s->extra_ms = e->extra_ms;
    s->account.allot_ms = x->batches[batch_no - 1].allot_ms + e->extra_ms;
    exam_sitting_touch(x, s, DIRTY_ROSTER | DIRTY_ACCOUNT);
}

bool apply_sittings_added(const struct booking *k, const Ev__SittingsAdded *e)
{
    exam *x = k->x;
    uint32_t batch_no = exam_batch_named(x, e->batch);

    /* Sittings of one batch follow one another, so only the newest can get more. */
    if (batch_no == 0 || batch_no != x->batches_n || x->batches[batch_no - 1].complete)
        return false;
    for (size_t i = 0; i < e->n_sittings; i++)
        if (!sitting_fits(x, e->sittings[i]))
            return false;
    for (size_t i = 0; i < e->n_sittings; i++)
        sitting_take(x, batch_no, e->sittings[i]);
    x->batches[batch_no - 1].sittings_n += (uint32_t)e->n_sittings;
    x->batches[batch_no - 1].dirty = true;
    return true;
}

bool apply_import_completed(const struct booking *k, const Ev__ImportCompleted *e)
{
    struct batch *b = exam_batch(k->x, exam_batch_named(k->x, e->batch));

    if (!b || b->complete || b->sittings_n != e->sittings)
        return false;
    b->complete = true;
    b->dirty = true;
    exam_batch_index(k->x, b);
    return true;
}
