#include <string.h>

#include "entry.h"
#include "exam_state.pb-c.h"
#include "pause.h"

/* What a disk gives is checked like what a network gives: nothing here asserts on it. */

static void *pb_alloc(void *ctx, size_t bytes)
{
    return memory_take(ctx, bytes);
}

static void pb_free(void *ctx, void *block)
{
    memory_drop(ctx, block);
}

/* A value that begins a list must be the next of its kind. */
static bool next_in_order(uint32_t no, uint32_t have)
{
    return no == have + 1;
}

static bool take_site(exam *x, const St__Site *v)
{
    if (v->site_id.len != SITE_ID_BYTES || v->site_key.len != SITE_KEY_BYTES ||
        strlen(v->battery_low) > NAME_BYTES_MAX)
        return false;
    memcpy(x->site_id, v->site_id.data, SITE_ID_BYTES);
    memcpy(x->site_key, v->site_key.data, SITE_KEY_BYTES);
    memory_drop(&x->memory, x->name);
    x->name = memory_text(&x->memory, v->name);
    x->founded = v->founded;
    x->epoch = v->epoch;
    x->epoch_tag = v->epoch_tag;
    x->base_ms = v->base_ms;
    x->last_ms = v->last_ms;
    x->dark_epoch = v->dark_epoch;
    x->dark_base_ms = v->dark_base_ms;
    x->solo = v->solo;
    strcpy(x->battery_low, v->battery_low);
    for (size_t i = 0; i < v->n_epochs; i++) {
        struct epoch_start *e = exam_epoch_start_add(x, v->epochs[i]->epoch);
        e->sittings_n = v->epochs[i]->sittings;
        e->incidents_n = v->epochs[i]->incidents;
        e->epoch_tag = v->epochs[i]->epoch_tag;
        e->first_lsn = v->epochs[i]->first_lsn;
    }
    for (size_t i = 0; i < v->n_recoveries; i++) {
        const St__Recovery *from = v->recoveries[i];
        const struct recovery r = {.epoch = from->epoch,
                                   .first_lsn = from->first_lsn,
                                   .lsn = from->lsn,
                                   .epoch_tag = from->epoch_tag,
                                   .marks_shown = from->marks_shown};
        exam_recovery_note(x, &r);
    }
    return true;
}

static bool take_room(exam *x, uint32_t no, const St__Room *v)
{
    if (!next_in_order(no, x->rooms_n) || v->seats < 1 || v->seats > ROOM_SEATS_MAX ||
        strlen(v->room) > NAME_BYTES_MAX)
        return false;
    exam_room_add(x, v->room, v->seats);
    return true;
}

static bool take_paper(exam *x, uint32_t no, const St__Paper *v)
{
    uint32_t place;

    if (!next_in_order(no, x->papers_n) || v->bytes < 1 || v->bytes > PAPER_BYTES_MAX ||
        v->have > v->bytes || v->digest.len != HASH_BYTES || v->n_items > PAPER_ITEMS_MAX)
        return false;
    struct paper *p = exam_paper_add(x, v->paper, v->title, v->bytes);
    memcpy(p->digest, v->digest.data, HASH_BYTES);
    p->have = v->have;
    p->minutes = v->minutes;
    p->superseded = v->superseded;
    p->sealed = v->sealed;
    for (size_t i = 0; i < v->n_items; i++) {
        if (items_find(&p->items, v->items[i]->id, &place))
            return false;
        items_add(&p->items, &x->memory, v->items[i]->id, v->items[i]->subject, v->items[i]->kind);
    }
    return true;
}

/* While loading, text_dirty_from counts the bytes that have come. */
static bool take_paper_text(exam *x, const struct entry *e, const uint8_t *value, size_t n)
{
    if (e->no < 1 || e->no > x->papers_n)
        return false;
    struct paper *p = &x->papers[e->no - 1];
    if ((uint64_t)e->piece * PAPER_CHUNK_BYTES_MAX != p->text_dirty_from || n == 0 ||
        n > PAPER_CHUNK_BYTES_MAX || n > p->have - p->text_dirty_from)
        return false;
    memcpy(p->text + p->text_dirty_from, value, n);
    p->text_dirty_from += (uint32_t)n;
    return true;
}

static bool take_batch(exam *x, uint32_t no, const St__Batch *v)
{
    if (!next_in_order(no, x->batches_n) || v->heartbeat_ms == 0 || v->sitting_first < 1 ||
        v->sittings > SITTINGS_MAX || v->sitting_first > SITTINGS_MAX + 1)
        return false;
    struct batch *b = exam_batch_add(x, v->batch, v->title);
    b->allot_ms = v->allot_ms;
    b->grace_ms = v->grace_ms;
    b->heartbeat_ms = v->heartbeat_ms;
    b->timing = v->timing;
    b->sitting_first = v->sitting_first;
    b->sittings_n = v->sittings;
    b->complete = v->complete;
    b->superseded = v->superseded;
    b->started = v->started;
    b->collected = v->collected;
    b->start_ms = v->start_ms;
    b->collect_ms = v->collect_ms;
    b->postponed = v->postponed;
    b->entry_wall_ms = v->entry_wall_ms;
    b->start_wall_ms = v->start_wall_ms;
    return true;
}

static bool take_formers(exam *x, struct sitting *s, const St__Roster *v)
{
    for (size_t i = 0; i < v->n_formers; i++) {
        const St__Former *e = v->formers[i];
        struct former f = {.seat = e->seat,
                           .seq_have = e->seq_have,
                           .seq_refused = e->seq_refused,
                           .attachment_epoch = e->attachment_epoch,
                           .attachment_lsn = e->attachment_lsn,
                           .used_ms = e->used_ms};
        if (e->session.len != SESSION_BYTES || i >= FORMERS_MAX)
            return false;
        memcpy(f.session, e->session.data, SESSION_BYTES);
        exam_former_add(x, s, &f);
    }
    return true;
}

static bool take_roster(exam *x, uint32_t no, const St__Roster *v)
{
    const struct batch *b = exam_batch(x, v->batch);

    if (!next_in_order(no, x->sittings_n) || !b || no < b->sitting_first ||
        no - b->sitting_first >= b->sittings_n || v->seat < 1 || v->seat > x->seats_n ||
        v->paper > x->papers_n)
        return false;
    struct sitting *s = exam_sitting_add(x, v->admission_no, v->id_no, v->name);
    s->batch = v->batch;
    s->seat = v->seat;
    s->paper = v->paper;
    s->extra_ms = v->extra_ms;
    s->account.allot_ms = b->allot_ms + v->extra_ms;
    return take_formers(x, s, v);
}

/* While loading, `dirty` notes which entries of a sitting have come. */
static bool take_account(exam *x, uint32_t no, const St__Account *v)
{
    struct sitting *s = exam_sitting(x, no);

    if (!s || v->session.len != SESSION_BYTES)
        return false;
    s->account.grants_ms = v->grants_ms;
    s->account.begin_ms = v->begin_ms;
    s->account.used_ms = v->used_ms;
    s->account.mark_ms = v->mark_ms;
    s->account.lost_ms = v->lost_ms;
    s->mark_epoch = v->mark_epoch;
    s->begun = v->begun;
    s->screen_opened = v->screen_opened;
    s->signed_in = v->signed_in;
    s->contact = v->contact;
    s->attachment_epoch = v->attachment_epoch;
    s->attachment_lsn = v->attachment_lsn;
    memcpy(s->session, v->session.data, SESSION_BYTES);
    s->seq_have = v->seq_have;
    s->seq_refused = v->seq_refused;
    s->finish = v->finish;
    s->finish_ms = v->finish_ms;
    s->violations = v->violations;
    s->limit_told = v->limit_told;
    s->limit_open = v->limit_open;
    s->submission_due = v->submission_due;
    s->shown_used_ms = v->shown_used_ms;
    s->dirty |= DIRTY_ACCOUNT;
    return v->used_ms <= account_total_ms(&s->account);
}

static bool take_answers(exam *x, uint32_t no, const uint8_t *value, size_t n)
{
    struct sitting *s = exam_sitting(x, no);
    struct bytes_in in = {.at = value, .n = n};

    if (!s || s->answers.slots_n > 0)
        return false;
    const struct items *items = exam_sitting_items(x, s);
    return answers_decode(&in, &x->memory, items ? items->n : 0, items ? NULL : &s->own,
                          &s->answers) == EXAM_OK;
}

static bool take_interruptions(exam *x, uint32_t no, const St__Interruptions *v)
{
    struct sitting *s = exam_sitting(x, no);

    if (!s || s->interruptions_n > 0)
        return false;
    for (size_t i = 0; i < v->n_interruptions; i++)
        exam_interruption_add(
            x, s,
            &(struct interruption){v->interruptions[i]->from_ms, v->interruptions[i]->to_ms,
                                   v->interruptions[i]->lost_ms, v->interruptions[i]->basis,
                                   v->interruptions[i]->incident, v->interruptions[i]->own_doing});
    return true;
}

static bool take_pause(exam *x, uint32_t no, const St__Pause *v)
{
    const struct scope scope = {v->kind, v->no};

    if (!next_in_order(no, x->pauses_n) || !scope_exists(x, &scope) ||
        scope.kind == EV__SCOPE_KIND__SCOPE_KIND_SITTING)
        return false;
    pause_add(x, &(struct pause){.kind = v->kind,
                                 .no = v->no,
                                 .suspension = v->suspension,
                                 .epoch = v->epoch,
                                 .from_ms = v->from_ms,
                                 .to_ms = v->lifted ? v->to_ms : UINT64_MAX});
    return true;
}

static bool take_incident(exam *x, uint32_t no, const St__Incident *v)
{
    const struct scope scope = {v->scope, v->no};

    if (!next_in_order(no, x->incidents_n) || !scope_exists(x, &scope))
        return false;
    struct incident *in = exam_incident_add(x, v->text, v->who);
    in->kind = v->kind;
    in->scope = v->scope;
    in->no = v->no;
    in->open = v->open;
    in->since_ms = v->since_ms;
    in->closed_ms = v->closed_ms;
    in->notes = v->notes;
    return true;
}

static bool take_message(exam *x, const struct entry *e, const ProtobufCMessage *m)
{
    switch (e->kind) {
    case ENTRY_SITE:
        return take_site(x, (const St__Site *)m);
    case ENTRY_ROOM:
        return take_room(x, e->no, (const St__Room *)m);
    case ENTRY_PAPER:
        return take_paper(x, e->no, (const St__Paper *)m);
    case ENTRY_BATCH:
        return take_batch(x, e->no, (const St__Batch *)m);
    case ENTRY_ROSTER:
        return take_roster(x, e->no, (const St__Roster *)m);
    case ENTRY_ACCOUNT:
        return take_account(x, e->no, (const St__Account *)m);
    case ENTRY_INCIDENT:
        return take_incident(x, e->no, (const St__Incident *)m);
    case ENTRY_PAUSE:
        return take_pause(x, e->no, (const St__Pause *)m);
    case ENTRY_INTERRUPTIONS:
        return take_interruptions(x, e->no, (const St__Interruptions *)m);
    default:
        return false;
    }
}

static const ProtobufCMessageDescriptor *message_of(enum entry_kind kind)
{
    switch (kind) {
    case ENTRY_SITE:
        return &st__site__descriptor;
    case ENTRY_ROOM:
        return &st__room__descriptor;
    case ENTRY_PAPER:
        return &st__paper__descriptor;
    case ENTRY_BATCH:
        return &st__batch__descriptor;
    case ENTRY_ROSTER:
        return &st__roster__descriptor;
    case ENTRY_ACCOUNT:
        return &st__account__descriptor;
    case ENTRY_INCIDENT:
        return &st__incident__descriptor;
    case ENTRY_PAUSE:
        return &st__pause__descriptor;
    case ENTRY_INTERRUPTIONS:
        return &st__interruptions__descriptor;
    default:
        return NULL;
    }
}

exam_err exam_load(exam *x, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                   size_t value_bytes)
{
    struct entry e;
    ProtobufCAllocator pb = {pb_alloc, pb_free, &x->memory};

    if (!entry_key_get(key, key_bytes, &e))
        return EXAM_CORRUPT;
    if (e.kind == ENTRY_PAPER_TEXT)
        return take_paper_text(x, &e, value, value_bytes) ? EXAM_OK : EXAM_CORRUPT;
    if (e.kind == ENTRY_ANSWERS)
        return take_answers(x, e.no, value, value_bytes) ? EXAM_OK : EXAM_CORRUPT;
    const ProtobufCMessageDescriptor *type = message_of(e.kind);
    ProtobufCMessage *m = protobuf_c_message_unpack(type, &pb, value_bytes, value);
    if (!m)
        return EXAM_CORRUPT;
    exam_err err = take_message(x, &e, m) ? EXAM_OK : EXAM_CORRUPT;
    if (e.kind == ENTRY_SITE && ((const St__Site *)m)->version != ENTRY_VERSION)
        err = EXAM_VERSION;
    protobuf_c_message_free_unpacked(m, &pb);
    return err;
}

/* ---------------------------------------------------------------- all fit together */

static bool sitting_whole(const struct sitting *s)
{
    uint64_t lost_ms = 0;

    for (uint32_t i = 0; i < s->interruptions_n; i++)
        lost_ms += s->interruptions[i].lost_ms;
    return (s->dirty & DIRTY_ACCOUNT) && lost_ms == s->account.lost_ms; /* T14 */
}

/* Batches follow one another, and their sittings are the site's. */
static bool batches_whole(const exam *x)
{
    uint64_t next = 1;

    for (uint32_t i = 0; i < x->batches_n; i++) {
        if (x->batches[i].sitting_first != next)
            return false;
        next += x->batches[i].sittings_n;
    }
    return next == (uint64_t)x->sittings_n + 1;
}

static bool state_whole(const exam *x)
{
    for (uint32_t i = 0; i < x->papers_n; i++)
        if (x->papers[i].text_dirty_from != x->papers[i].have)
            return false;
    for (uint32_t i = 0; i < x->sittings_n; i++)
        if (!sitting_whole(&x->sittings[i]))
            return false;
    return batches_whole(x);
}

static void clean(exam *x)
{
    for (uint32_t i = 0; i < x->rooms_n; i++)
        x->rooms[i].dirty = false;
    for (uint32_t i = 0; i < x->papers_n; i++)
        x->papers[i].dirty = false;
    for (uint32_t i = 0; i < x->batches_n; i++)
        x->batches[i].dirty = false;
    for (uint32_t i = 0; i < x->incidents_n; i++)
        x->incidents[i].dirty = false;
    for (uint32_t i = 0; i < x->sittings_n; i++)
        x->sittings[i].dirty = 0;
    x->dirty_n = 0;
}

/* What is not stored because it follows from the rest. */
static void derive(exam *x)
{
    for (uint32_t i = 0; i < x->batches_n; i++) {
        const struct batch *b = &x->batches[i];
        if (b->complete)
            exam_batch_index(x, b);
        if (b->started && !batch_closed(b))
            exam_batch_hold_rooms(x, i + 1, true);
    }
    for (uint32_t i = 0; i < x->pauses_n; i++)
        pause_flag(x, &x->pauses[i]);
    for (uint32_t i = 0; i < x->sittings_n; i++) {
        struct sitting *s = &x->sittings[i];
        if (sitting_attached(x, s))
            x->seats[s->seat - 1].sitting = i + 1;
        exam_clock_changed(x, s);
    }
}

exam_err exam_load_end(exam *x)
{
    if (!state_whole(x))
        return EXAM_CORRUPT;
    clean(x);
    derive(x);
    return EXAM_OK;
}
