#include "import_check.h"

#include <string.h>

enum { ITEMS_PER_EVENT = 100 }; /* at most 300 bytes each */

_Static_assert(SITTINGS_PER_EVENT_MAX *(PERSON_STORED_BYTES_MAX + 6 * NAME_BYTES_MAX) <
                   RECORD_BYTES_MAX,
               "sittings fit in a record");
_Static_assert(ITEMS_PER_EVENT *(TITLE_BYTES_MAX + 2 * NAME_BYTES_MAX) < RECORD_BYTES_MAX,
               "items fit in a record");

/* What a later version of the tool may have added is not for this log: nobody has checked it. */
static void unknown_fields_drop(ProtobufCMessage *m)
{
    m->n_unknown_fields = 0;
    m->unknown_fields = NULL;
}

static void emit_rooms(const struct import_check *k)
{
    for (uint32_t i = 0; i < k->rooms_n; i++) {
        Ev__RoomAdded e;
        Ev__Event event = EV__EVENT__INIT;

        ev__room_added__init(&e);
        e.room = event_text(k->rooms[i].name);
        e.seats = k->rooms[i].seats;
        event.kind_case = EV__EVENT__KIND_ROOM_ADDED;
        event.room_added = &e;
        k->d->emit(k->d->ctx, &event);
    }
}

static void emit_paper_part(const struct import_check *k, const struct import_paper *p,
                            Ev__Item **items, uint32_t items_n, uint32_t items_at)
{
    Ev__PaperAdded e;
    Ev__Event event = EV__EVENT__INIT;

    ev__paper_added__init(&e);
    e.paper = event_text(p->name);
    e.title = event_text(p->title);
    e.bytes = p->bytes;
    e.digest = event_data(p->digest, HASH_BYTES);
    e.minutes = p->minutes;
    e.n_items = items_n;
    e.items = items;
    e.items_at = items_at;
    event.kind_case = EV__EVENT__KIND_PAPER_ADDED;
    event.paper_added = &e;
    k->d->emit(k->d->ctx, &event);
}

/* Its items in parts that fit in a record, however the tool had cut them. */
static void emit_paper(const struct import_check *k, const struct import_paper *p)
{
    Ev__Item copies[ITEMS_PER_EVENT], *items[ITEMS_PER_EVENT];
    uint32_t n = 0, at = 0;

    for (size_t i = 0; i < k->im->papers_n; i++) {
        const Ev__PaperAdded *part = k->im->papers[i];
        for (size_t j = 0; strcmp(part->paper, p->name) == 0 && j < part->n_items; j++) {
            if (n == ITEMS_PER_EVENT) {
                emit_paper_part(k, p, items, n, at);
                at += n;
                n = 0;
            }
            copies[n] = *part->items[j];
            unknown_fields_drop(&copies[n].base);
            items[n] = &copies[n];
            n++;
        }
    }
    emit_paper_part(k, p, items, n, at);
    for (size_t i = 0; i < k->im->chunks_n; i++) {
        Ev__Event event = EV__EVENT__INIT;
        Ev__PaperChunk chunk = *k->im->chunks[i];
        if (strcmp(chunk.paper, p->name) != 0)
            continue;
        unknown_fields_drop(&chunk.base);
        event.kind_case = EV__EVENT__KIND_PAPER_CHUNK;
        event.paper_chunk = &chunk;
        k->d->emit(k->d->ctx, &event);
    }
}

static void emit_batch(const struct import_check *k)
{
    Ev__BatchPlanned e;
    Ev__Event event = EV__EVENT__INIT;

    ev__batch_planned__init(&e);
    e.batch = event_text(k->im->batch);
    e.title = event_text(k->im->title);
    e.allot_ms = k->allot_ms;
    e.timing = k->im->timing;
    e.grace_ms = k->grace_ms;
    e.heartbeat_ms = k->heartbeat_ms;
    e.entry_wall_ms = k->im->entry_wall_ms;
    e.start_wall_ms = k->im->start_wall_ms;
    event.kind_case = EV__EVENT__KIND_BATCH_PLANNED;
    event.batch_planned = &e;
    k->d->emit(k->d->ctx, &event);
}

static void emit_sittings(const struct import_check *k)
{
    for (size_t at = 0; at < k->im->sittings_n; at += SITTINGS_PER_EVENT_MAX) {
        Ev__NewSitting copies[SITTINGS_PER_EVENT_MAX], *sittings[SITTINGS_PER_EVENT_MAX];
        Ev__SittingsAdded e;
        Ev__Event event = EV__EVENT__INIT;

        ev__sittings_added__init(&e);
        e.batch = event_text(k->im->batch);
        e.sittings = sittings;
        e.first = k->d->x->sittings_n + 1 + (uint32_t)at;
        while (e.n_sittings < SITTINGS_PER_EVENT_MAX && at + e.n_sittings < k->im->sittings_n) {
            copies[e.n_sittings] = *k->im->sittings[at + e.n_sittings].sitting;
            unknown_fields_drop(&copies[e.n_sittings].base);
            sittings[e.n_sittings] = &copies[e.n_sittings];
            e.n_sittings++;
        }
        event.kind_case = EV__EVENT__KIND_SITTINGS_ADDED;
        event.sittings_added = &e;
        k->d->emit(k->d->ctx, &event);
    }
}

/* The last event makes the import whole: without it the batch cannot be started, and the import may
 * be done again. */
static void emit_completed(const struct import_check *k)
{
    Ev__ImportCompleted e;
    Ev__Event event = EV__EVENT__INIT;

    ev__import_completed__init(&e);
    e.batch = event_text(k->im->batch);
    e.sittings = (uint32_t)k->im->sittings_n;
    e.who = event_text(k->im->who);
    event.kind_case = EV__EVENT__KIND_IMPORT_COMPLETED;
    event.import_completed = &e;
    k->d->emit(k->d->ctx, &event);
}

exam_err decide_import(const struct decision *d)
{
    struct import_check k;
    exam_err err = import_check_init(&k, d);

    if (err != EXAM_OK)
        return err;
    err = import_check_batch(&k);
    if (err == EXAM_OK)
        err = import_check_rooms(&k);
    if (err == EXAM_OK)
        err = import_check_papers(&k);
    if (err == EXAM_OK)
        err = import_check_sittings(&k);
    if (err == EXAM_OK)
        err = import_check_times(&k);
    if (err == EXAM_OK) {
        emit_rooms(&k);
        for (uint32_t i = 0; i < k.papers_n; i++)
            if (!k.papers[i].known)
                emit_paper(&k, &k.papers[i]);
        emit_batch(&k);
        emit_sittings(&k);
        emit_completed(&k);
    }
    import_check_fini(&k);
    return err;
}
