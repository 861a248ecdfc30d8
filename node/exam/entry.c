#include "entry.h"

#include <assert.h>
#include <string.h>

#include "decide.h"
#include "exam_state.pb-c.h"

static void put_be32(uint8_t *to, uint32_t v)
{
    to[0] = (uint8_t)(v >> 24);
    to[1] = (uint8_t)(v >> 16);
    to[2] = (uint8_t)(v >> 8);
    to[3] = (uint8_t)v;
}

static uint32_t get_be32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

size_t entry_key_put(const struct entry *e, uint8_t out[ENTRY_KEY_BYTES_MAX])
{
    out[0] = (uint8_t)e->kind;
    put_be32(out + 1, e->no);
    if (e->kind != ENTRY_PAPER_TEXT)
        return 5;
    put_be32(out + 5, e->piece);
    return 9;
}

bool entry_key_get(const uint8_t *key, size_t key_bytes, struct entry *out)
{
    if (key_bytes < 5 || key[0] < ENTRY_SITE || key[0] > ENTRY_INTERRUPTIONS)
        return false;
    *out = (struct entry){.kind = key[0], .no = get_be32(key + 1)};
    if (out->kind != ENTRY_PAPER_TEXT)
        return key_bytes == 5;
    if (key_bytes != 9)
        return false;
    out->piece = get_be32(key + 5);
    return true;
}

uint32_t entry_pieces(const struct paper *p)
{
    return (p->have + PAPER_CHUNK_BYTES_MAX - 1) / PAPER_CHUNK_BYTES_MAX;
}

bool entry_exists(const exam *x, const struct entry *e)
{
    if (e->kind == ENTRY_ANSWERS)
        return x->sittings[e->no - 1].answers.slots_n > 0;
    if (e->kind == ENTRY_INTERRUPTIONS)
        return x->sittings[e->no - 1].interruptions_n > 0;
    return true;
}

static void put_message(const ProtobufCMessage *m, struct bytes_out *out)
{
    size_t n = protobuf_c_message_get_packed_size(m);
    uint8_t *room = bytes_out_room(out, n);

    if (room)
        protobuf_c_message_pack(m, room);
}

static void put_epochs(const exam *x, St__Site *m, St__EpochStart *starts, St__Recovery *done)
{
    for (uint32_t i = 0; i < x->epochs_n; i++) {
        st__epoch_start__init(&starts[i]);
        starts[i].epoch = x->epochs[i].epoch;
        starts[i].sittings = x->epochs[i].sittings_n;
        starts[i].incidents = x->epochs[i].incidents_n;
        starts[i].epoch_tag = x->epochs[i].epoch_tag;
        starts[i].first_lsn = x->epochs[i].first_lsn;
        m->epochs[i] = &starts[i];
    }
    for (uint32_t i = 0; i < x->recoveries_n; i++) {
        st__recovery__init(&done[i]);
        done[i].epoch = x->recoveries[i].epoch;
        done[i].first_lsn = x->recoveries[i].first_lsn;
        done[i].lsn = x->recoveries[i].lsn;
        done[i].epoch_tag = x->recoveries[i].epoch_tag;
        done[i].marks_shown = x->recoveries[i].marks_shown;
        m->recoveries[i] = &done[i];
    }
    m->n_epochs = x->epochs_n;
    m->n_recoveries = x->recoveries_n;
}

static void put_site(const exam *x, struct bytes_out *out)
{
    const struct exam_memory *mem = &x->memory;
    St__Site m;

    st__site__init(&m);
    m.version = ENTRY_VERSION;
    m.founded = x->founded;
    m.site_id = event_data(x->site_id, SITE_ID_BYTES);
    m.site_key = event_data(x->site_key, SITE_KEY_BYTES);
    m.name = event_text(x->name);
    m.epoch = x->epoch;
    m.epoch_tag = x->epoch_tag;
    m.base_ms = x->base_ms;
    m.last_ms = x->last_ms;
    m.dark_epoch = x->dark_epoch;
    m.dark_base_ms = x->dark_base_ms;
    m.solo = x->solo;
    m.battery_low = event_text(x->battery_low);
    St__EpochStart *starts = memory_need(mem, x->epochs_n * sizeof *starts);
    St__Recovery *done = memory_need(mem, x->recoveries_n * sizeof *done);
    m.epochs = memory_need(mem, x->epochs_n * sizeof *m.epochs);
    m.recoveries = memory_need(mem, x->recoveries_n * sizeof *m.recoveries);
    put_epochs(x, &m, starts, done);
    put_message(&m.base, out);
    memory_drop(mem, m.epochs);
    memory_drop(mem, m.recoveries);
    memory_drop(mem, starts);
    memory_drop(mem, done);
}

static void put_room(const struct room *r, struct bytes_out *out)
{
    St__Room m;

    st__room__init(&m);
    m.room = event_text(r->name);
    m.seats = r->seats;
    put_message(&m.base, out);
}

static void put_paper(const exam *x, const struct paper *p, struct bytes_out *out)
{
    const struct exam_memory *m = &x->memory;
    St__Paper v;
    Ev__Item *items = memory_need(m, p->items.n * sizeof *items);
    Ev__Item **list = memory_need(m, p->items.n * sizeof *list);

    st__paper__init(&v);
    for (uint32_t i = 0; i < p->items.n; i++) {
        ev__item__init(&items[i]);
        items[i].id = p->items.at[i].id;
        items[i].subject = p->items.at[i].subject;
        items[i].kind = p->items.at[i].kind;
        list[i] = &items[i];
    }
    v.paper = event_text(p->name);
    v.title = event_text(p->title);
    v.bytes = p->bytes;
    v.have = p->have;
    v.digest = event_data(p->digest, HASH_BYTES);
    v.minutes = p->minutes;
    v.superseded = p->superseded;
    v.sealed = p->sealed;
    v.n_items = p->items.n;
    v.items = list;
    put_message(&v.base, out);
    memory_drop(m, items);
    memory_drop(m, list);
}

static void put_paper_text(const struct paper *p, uint32_t piece, struct bytes_out *out)
{
    uint32_t at = piece * PAPER_CHUNK_BYTES_MAX;
    uint32_t left = p->have - at;

    assert(at < p->have);
    bytes_put(out, p->text + at, left < PAPER_CHUNK_BYTES_MAX ? left : PAPER_CHUNK_BYTES_MAX);
}

static void put_batch(const struct batch *b, struct bytes_out *out)
{
    St__Batch m;

    st__batch__init(&m);
    m.batch = event_text(b->name);
    m.title = event_text(b->title);
    m.allot_ms = b->allot_ms;
    m.grace_ms = b->grace_ms;
    m.heartbeat_ms = b->heartbeat_ms;
    m.timing = b->timing;
    m.sitting_first = b->sitting_first;
    m.sittings = b->sittings_n;
    m.complete = b->complete;
    m.superseded = b->superseded;
    m.started = b->started;
    m.collected = b->collected;
    m.start_ms = b->start_ms;
    m.collect_ms = b->collect_ms;
    m.postponed = b->postponed;
    m.entry_wall_ms = b->entry_wall_ms;
    m.start_wall_ms = b->start_wall_ms;
    put_message(&m.base, out);
}

static void put_roster(const exam *x, const struct sitting *s, struct bytes_out *out)
{
    const struct exam_memory *mem = &x->memory;
    St__Former *formers = memory_need(mem, s->formers_n * sizeof *formers);
    St__Former **list = memory_need(mem, s->formers_n * sizeof *list);
    St__Roster m;

    st__roster__init(&m);
    m.admission_no = event_text(s->admission_no);
    m.id_no = event_text(s->id_no);
    m.name = event_text(s->name);
    m.batch = s->batch;
    m.seat = s->seat;
    m.paper = s->paper;
    m.extra_ms = s->extra_ms;
    for (uint32_t i = 0; i < s->formers_n; i++) {
        st__former__init(&formers[i]);
        formers[i].session = event_data(s->formers[i].session, SESSION_BYTES);
        formers[i].seat = s->formers[i].seat;
        formers[i].seq_have = s->formers[i].seq_have;
        formers[i].attachment_epoch = s->formers[i].attachment_epoch;
        formers[i].attachment_lsn = s->formers[i].attachment_lsn;
        formers[i].seq_refused = s->formers[i].seq_refused;
        formers[i].used_ms = s->formers[i].used_ms;
        list[i] = &formers[i];
    }
    m.n_formers = s->formers_n;
    m.formers = list;
    put_message(&m.base, out);
    memory_drop(mem, formers);
    memory_drop(mem, list);
}

static void put_account(const struct sitting *s, struct bytes_out *out)
{
    St__Account m;

    st__account__init(&m);
    m.grants_ms = s->account.grants_ms;
    m.begin_ms = s->account.begin_ms;
    m.used_ms = s->account.used_ms;
    m.mark_ms = s->account.mark_ms;
    m.lost_ms = s->account.lost_ms;
    m.mark_epoch = s->mark_epoch;
    m.begun = s->begun;
    m.screen_opened = s->screen_opened;
    m.signed_in = s->signed_in;
    m.contact = s->contact;
    m.attachment_epoch = s->attachment_epoch;
    m.attachment_lsn = s->attachment_lsn;
    m.session = event_data(s->session, SESSION_BYTES);
    m.seq_have = s->seq_have;
    m.seq_refused = s->seq_refused;
    m.finish = s->finish;
    m.finish_ms = s->finish_ms;
    m.violations = s->violations;
    m.limit_told = s->limit_told;
    m.limit_open = s->limit_open;
    m.submission_due = s->submission_due;
    m.shown_used_ms = s->shown_used_ms;
    put_message(&m.base, out);
}

static void put_interruptions(const exam *x, const struct sitting *s, struct bytes_out *out)
{
    const struct exam_memory *m = &x->memory;
    St__Interruptions v;
    St__Interruption *entries = memory_need(m, s->interruptions_n * sizeof *entries);
    St__Interruption **list = memory_need(m, s->interruptions_n * sizeof *list);
    uint64_t lost_ms = 0;

    st__interruptions__init(&v);
    for (uint32_t i = 0; i < s->interruptions_n; i++) {
        st__interruption__init(&entries[i]);
        entries[i].from_ms = s->interruptions[i].from_ms;
        entries[i].to_ms = s->interruptions[i].to_ms;
        entries[i].lost_ms = s->interruptions[i].lost_ms;
        entries[i].basis = s->interruptions[i].basis;
        entries[i].incident = s->interruptions[i].incident;
        entries[i].own_doing = s->interruptions[i].own_doing;
        lost_ms += s->interruptions[i].lost_ms;
        list[i] = &entries[i];
    }
    assert(lost_ms == s->account.lost_ms); /* T14: both are booked by one function */
    v.n_interruptions = s->interruptions_n;
    v.interruptions = list;
    put_message(&v.base, out);
    memory_drop(m, entries);
    memory_drop(m, list);
}

static void put_pause(const struct pause *p, struct bytes_out *out)
{
    St__Pause m = ST__PAUSE__INIT;

    m.kind = p->kind;
    m.no = p->no;
    m.suspension = p->suspension;
    m.epoch = p->epoch;
    m.from_ms = p->from_ms;
    m.lifted = p->to_ms != UINT64_MAX;
    m.to_ms = m.lifted ? p->to_ms : 0;
    put_message(&m.base, out);
}

static void put_incident(const struct incident *in, struct bytes_out *out)
{
    St__Incident m;

    st__incident__init(&m);
    m.kind = in->kind;
    m.scope = in->scope;
    m.no = in->no;
    m.text = event_text(in->text);
    m.who = event_text(in->who);
    m.open = in->open;
    m.since_ms = in->since_ms;
    m.closed_ms = in->closed_ms;
    m.notes = in->notes;
    put_message(&m.base, out);
}

void entry_value_put(const exam *x, const struct entry *e, struct bytes_out *out)
{
    switch (e->kind) {
    case ENTRY_SITE:
        put_site(x, out);
        return;
    case ENTRY_ROOM:
        put_room(&x->rooms[e->no - 1], out);
        return;
    case ENTRY_PAPER:
        put_paper(x, &x->papers[e->no - 1], out);
        return;
    case ENTRY_PAPER_TEXT:
        put_paper_text(&x->papers[e->no - 1], e->piece, out);
        return;
    case ENTRY_BATCH:
        put_batch(&x->batches[e->no - 1], out);
        return;
    case ENTRY_ROSTER:
        put_roster(x, &x->sittings[e->no - 1], out);
        return;
    case ENTRY_ACCOUNT:
        put_account(&x->sittings[e->no - 1], out);
        return;
    case ENTRY_ANSWERS: {
        const struct sitting *s = &x->sittings[e->no - 1];
        answers_encode(&s->answers, s->paper > 0 ? NULL : &s->own, out);
        return;
    }
    case ENTRY_INCIDENT:
        put_incident(&x->incidents[e->no - 1], out);
        return;
    case ENTRY_PAUSE:
        put_pause(&x->pauses[e->no - 1], out);
        return;
    case ENTRY_INTERRUPTIONS:
        put_interruptions(x, &x->sittings[e->no - 1], out);
        return;
    }
    assert(!"an entry of no kind");
}
