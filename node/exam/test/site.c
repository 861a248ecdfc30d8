#include "site.h"

#include <assert.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void *resize(void *ctx, void *block, size_t bytes)
{
    (void)ctx;
    if (bytes == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, bytes);
}

const struct exam_memory site_memory = {.resize = resize};

static struct site *site_bare(void)
{
    struct site *t = calloc(1, sizeof *t);

    assert_int_not_equal(sodium_init(), -1);
    assert_int_equal(exam_new(&site_memory, &t->x), EXAM_OK);
    t->arena_block = malloc(ARENA_BYTES_FRAME);
    arena_init(&t->arena, t->arena_block, ARENA_BYTES_FRAME);
    return t;
}

struct site *site_new(void)
{
    static const uint8_t id[SITE_ID_BYTES] = {1}, key[32] = {2};
    struct site *t = site_bare();
    struct exam_command c = {.kind = EXAM_CMD_FOUND};

    c.u.found.site_id = id;
    c.u.found.site_key = key;
    c.u.found.name = "Test site";
    c.u.found.who = "tester";
    assert_int_equal(site_do(t, &c), EXAM_OK);
    assert_int_equal(site_epoch(t, true), EXAM_OK);
    return t;
}

void site_free(struct site *t)
{
    if (!t)
        return;
    exam_free(t->x);
    for (size_t i = 0; i < t->log_n; i++)
        free(t->log[i].bytes);
    free(t->log);
    free(t->arena_block);
    free(t);
}

static void log_append(struct site *t, const struct record *r)
{
    if (t->log_n == t->log_cap) {
        t->log_cap = t->log_cap > 0 ? t->log_cap * 2 : 64;
        t->log = realloc(t->log, t->log_cap * sizeof *t->log);
    }
    struct site_record *at = &t->log[t->log_n++];
    at->r = *r;
    at->bytes = malloc(r->event_bytes > 0 ? r->event_bytes : 1);
    memcpy(at->bytes, r->event, r->event_bytes);
    at->r.event = at->bytes;
}

static const Ev__Event *decoded(struct site *t, const struct record *r)
{
    const Ev__Event *event = NULL;
    const char *why = "";
    exam_err err = codec_event(&t->arena, r->event, r->event_bytes, &event, &why);

    if (err != EXAM_OK)
        fail_msg("an event that was decided is not one: %s", why);
    return event;
}

static void apply_to(struct site *t, exam *x, const struct record *r)
{
    exam_apply(x, r, decoded(t, r));
}

static void apply_new(struct site *t)
{
    for (; t->applied < t->log_n; t->applied++)
        apply_to(t, t->x, &t->log[t->applied].r);
}

static void follow(struct site *standby, const struct site *t, size_t records)
{
    assert_true(standby->log_n <= records && records <= t->log_n);
    for (size_t i = standby->log_n; i < records; i++)
        log_append(standby, &t->log[i].r);
    apply_new(standby);
    standby->now_ms = t->now_ms;
}

struct site *site_fork(const struct site *t, size_t records)
{
    struct site *fork = site_bare();
    fork->history = (uint8_t)(t->history + 1);

    follow(fork, t, records);
    return fork;
}

void site_follow(struct site *standby, const struct site *t)
{
    follow(standby, t, t->log_n);
}

static void emit(void *ctx, const Ev__Event *event)
{
    struct site *t = ctx;
    size_t n = ev__event__get_packed_size(event);
    uint8_t *bytes = malloc(n > 0 ? n : 1);
    bool begins = event->kind_case == EV__EVENT__KIND_EPOCH_BEGAN;
    /* the epoch of records that follow EpochBegan in one decision, too */
    const struct record *last = t->log_n > 0 ? &t->log[t->log_n - 1].r : NULL;
    bool follows = last && t->log_n > t->applied && last->at_ms == 0;
    struct record r = {.lsn = t->log_n + 1,
                       .epoch = begins    ? event->epoch_began->epoch
                                : follows ? last->epoch
                                          : exam_epoch(t->x),
                       .at_ms = begins || follows ? 0 : t->now_ms - exam_epoch_base_ms(t->x),
                       .event = bytes,
                       .event_bytes = n,
                       .hash = {t->history}};

    ev__event__pack(event, bytes);
    assert_true(n + RECORD_HEADER_BYTES <= RECORD_BYTES_MAX);
    log_append(t, &r);
    free(bytes);
}

static exam_err decide(struct site *t, const struct exam_command *c)
{
    size_t before = t->log_n;

    t->why = (struct exam_refusal){.code = EXAM_OK, .rule = ""};
    exam_err err = exam_decide(t->x, c, t->now_ms, emit, t, &t->why);
    if (err != EXAM_OK) {
        assert_int_equal(err, t->why.code);
        assert_true(strlen(t->why.text) > 10);
        assert_int_equal(t->log_n - before, t->why.consumed ? 1 : 0);
    }
    apply_new(t);
    assert_int_equal(exam_oddities(t->x), 0);
    return err;
}

void site_tick(struct site *t)
{
    struct exam_command c = {.kind = EXAM_CMD_TICK};

    assert_int_equal(decide(t, &c), EXAM_OK);
    assert_true(exam_next_due_ms(t->x) > t->now_ms);
}

/* T10: a seat in contact says a word at the instant at which its time is up. 0: none will. */
static uint32_t word_next(const struct site *t, uint64_t *at_ms)
{
    uint32_t first = 0;

    *at_ms = UINT64_MAX;
    for (uint32_t no = 1; !t->silent && no <= exam_sittings(t->x); no++) {
        struct exam_sitting_view v;
        exam_sitting_view(t->x, no, t->now_ms, &v);
        if (!v.attached || v.state != EXAM_SITTING_ANSWERING ||
            t->now_ms + v.account.left_ms >= *at_ms)
            continue;
        *at_ms = t->now_ms + v.account.left_ms;
        first = no;
    }
    return first;
}

void site_go(struct site *t, uint64_t now_ms)
{
    uint64_t word_ms;

    assert_true(now_ms >= t->now_ms);
    for (;;) {
        uint32_t no = word_next(t, &word_ms);
        uint64_t due_ms = exam_next_due_ms(t->x);
        if ((due_ms < word_ms ? due_ms : word_ms) > now_ms)
            break;
        if (due_ms <= word_ms) {
            if (due_ms > t->now_ms)
                t->now_ms = due_ms;
            site_tick(t);
        } else {
            t->now_ms = word_ms;
            assert_int_equal(site_mark(t, no), EXAM_OK);
        }
    }
    t->now_ms = now_ms;
}

exam_err site_do(struct site *t, const struct exam_command *c)
{
    struct exam_command tick = {.kind = EXAM_CMD_TICK, .u.tick.next = c};

    assert_int_equal(decide(t, &tick), EXAM_OK);
    return decide(t, c);
}

const Ev__Event *site_event(struct site *t, size_t i)
{
    return decoded(t, &t->log[i].r);
}

const Ev__Event *site_last_event(struct site *t)
{
    return site_event(t, t->log_n - 1);
}

/* ---------------------------------------------------------------- imports */

static void import_paper(struct site_import *i, const struct site_plan *p)
{
    enum { TEXT_BYTES = 50000 };

    i->text = malloc(TEXT_BYTES);
    for (size_t at = 0; at < TEXT_BYTES; at++)
        i->text[at] = (uint8_t)(at * 7 + at / 251);
    i->items = calloc(p->items, sizeof *i->items);
    i->item_list = calloc(p->items, sizeof *i->item_list);
    for (uint32_t n = 0; n < p->items; n++) {
        char *id = i->texts[3 * p->sittings + n];
        snprintf(id, sizeof *i->texts, "q%u", n + 1);
        ev__item__init(&i->items[n]);
        i->items[n].id = id;
        i->items[n].kind = EV__ITEM_KIND__ITEM_KIND_SINGLE;
        i->item_list[n] = &i->items[n];
    }
    uint8_t *digest = i->text; /* in front of nothing: kept in the texts' block */
    digest = (uint8_t *)i->texts[3 * p->sittings + p->items];
    crypto_generichash(digest, HASH_BYTES, i->text, TEXT_BYTES, NULL, 0);
    i->paper.paper = (char *)(uintptr_t)p->paper;
    i->paper.bytes = TEXT_BYTES;
    i->paper.minutes = 45;
    i->paper.digest = (ProtobufCBinaryData){HASH_BYTES, digest};
    i->paper.n_items = p->items;
    i->paper.items = i->item_list;
    for (uint32_t n = 0; n < 2; n++) {
        ev__paper_chunk__init(&i->chunks[n]);
        i->chunks[n].paper = i->paper.paper;
        i->chunks[n].offset = n * PAPER_CHUNK_BYTES_MAX;
        i->chunks[n].data.data = i->text + i->chunks[n].offset;
        i->chunks[n].data.len =
            n == 0 ? (size_t)PAPER_CHUNK_BYTES_MAX : (size_t)TEXT_BYTES - PAPER_CHUNK_BYTES_MAX;
        i->chunk_list[n] = &i->chunks[n];
    }
    i->im.papers_n = 1;
    i->im.chunks_n = 2;
}

static void import_sitting(struct site_import *i, const struct site_plan *p, uint32_t n)
{
    Ev__NewSitting *s = &i->sittings[n];

    ev__new_sitting__init(s);
    s->admission_no = i->texts[3 * n];
    s->id_no = i->texts[3 * n + 1];
    s->seat = i->texts[3 * n + 2];
    snprintf(s->admission_no, sizeof *i->texts, "%u", p->first_no + n);
    snprintf(s->id_no, sizeof *i->texts, "ID%u", p->first_no + n);
    snprintf(s->seat, sizeof *i->texts, "%s-%02u", p->room, n + 1);
    s->name = s->admission_no;
    if (p->paper)
        s->paper = (char *)(uintptr_t)p->paper;
    if (n + 1 == p->sittings)
        s->extra_ms = p->extra_ms;
    i->lines[n] = (struct exam_import_sitting){.sitting = s, .line = n + 2};
}

void site_import_init(struct site_import *i, const struct site_plan *p)
{
    memset(i, 0, sizeof *i);
    ev__room_added__init(&i->room);
    ev__paper_added__init(&i->paper);
    i->texts = calloc(3 * p->sittings + p->items + 2, sizeof *i->texts);
    i->sittings = calloc(p->sittings, sizeof *i->sittings);
    i->lines = calloc(p->sittings, sizeof *i->lines);
    i->room.room = (char *)(uintptr_t)p->room;
    i->room.seats = p->room_seats;
    i->rooms[0] = &i->room;
    i->papers[0] = &i->paper;
    i->im = (struct exam_import){.batch = p->batch,
                                 .title = "",
                                 .who = "tester",
                                 .allot_ms = p->allot_ms,
                                 .timing = p->timing,
                                 .grace_ms = p->grace_ms,
                                 .heartbeat_ms = p->heartbeat_ms,
                                 .rooms = i->rooms,
                                 .rooms_n = 1,
                                 .papers = i->papers,
                                 .chunks = i->chunk_list,
                                 .sittings = i->lines,
                                 .sittings_n = p->sittings};
    if (p->paper)
        import_paper(i, p);
    for (uint32_t n = 0; n < p->sittings; n++)
        import_sitting(i, p, n);
}

void site_import_fini(struct site_import *i)
{
    free(i->texts);
    free(i->sittings);
    free(i->lines);
    free(i->items);
    free(i->item_list);
    free(i->text);
}

exam_err site_import_do(struct site *t, const struct site_import *i)
{
    struct exam_command c = {.kind = EXAM_CMD_IMPORT};

    c.u.import = &i->im;
    return site_do(t, &c);
}

void site_plan_batch(struct site *t, const struct site_plan *p)
{
    struct site_import i;

    site_import_init(&i, p);
    if (site_import_do(t, &i) != EXAM_OK)
        fail_msg("import refused: %s", t->why.text);
    site_import_fini(&i);
}

/* ---------------------------------------------------------------- commands */

exam_err site_epoch(struct site *t, bool dark_known)
{
    return site_epoch_numbered(t, exam_epoch(t->x) + 1, dark_known);
}

exam_err site_epoch_numbered(struct site *t, uint64_t epoch, bool dark_known)
{
    struct exam_command c = {.kind = EXAM_CMD_BEGIN_EPOCH};

    c.u.begin_epoch.epoch = epoch;
    c.u.begin_epoch.node = "A";
    c.u.begin_epoch.who = "tester";
    c.u.begin_epoch.why = "test";
    c.u.begin_epoch.reason = EV__EPOCH_REASON__EPOCH_REASON_RESTARTED;
    c.u.begin_epoch.dark_known = dark_known;
    return decide(t, &c); /* nothing falls due while nobody serves */
}

exam_err site_start(struct site *t, const char *batch)
{
    struct exam_command c = {.kind = EXAM_CMD_BATCH_START};

    c.u.batch_start.batch = batch;
    c.u.batch_start.who = "tester";
    return site_do(t, &c);
}

exam_err site_collect(struct site *t, const char *batch, bool unfinished)
{
    struct exam_command c = {.kind = EXAM_CMD_BATCH_COLLECT};

    c.u.batch_collect.batch = batch;
    c.u.batch_collect.who = "tester";
    c.u.batch_collect.unfinished = unfinished;
    return site_do(t, &c);
}

exam_err site_sign_in(struct site *t, uint32_t no, const char *seat, uint8_t session)
{
    struct exam_command c = {.kind = EXAM_CMD_SIGN_IN};
    uint8_t bytes[SESSION_BYTES];
    char admission_no[16], id_no[16];

    memset(bytes, session, sizeof bytes);
    snprintf(admission_no, sizeof admission_no, "%u", no);
    snprintf(id_no, sizeof id_no, "ID%u", no);
    c.u.sign_in.seat = seat;
    c.u.sign_in.admission_no = admission_no;
    c.u.sign_in.id_no = id_no;
    c.u.sign_in.session = bytes;
    return site_do(t, &c);
}

exam_err site_attach(struct site *t, uint32_t no, const char *seat, uint8_t session)
{
    struct exam_command c = {.kind = EXAM_CMD_ATTACH};
    uint8_t bytes[SESSION_BYTES];
    char admission_no[16];

    memset(bytes, session, sizeof bytes);
    snprintf(admission_no, sizeof admission_no, "%u", no);
    c.u.attach.seat = seat;
    c.u.attach.admission_no = admission_no;
    c.u.attach.session = bytes;
    return site_do(t, &c);
}

exam_err site_detach(struct site *t, uint32_t sitting)
{
    struct exam_command c = {.kind = EXAM_CMD_DETACH};

    c.u.detach.sitting = sitting;
    return site_do(t, &c);
}

exam_err site_mark(struct site *t, uint32_t sitting)
{
    struct exam_command c = {.kind = EXAM_CMD_MARK};
    const struct exam_word w = {.sitting = sitting, .said_ms = UINT64_MAX};

    c.u.mark.words = &w;
    c.u.mark.n = 1;
    return site_do(t, &c);
}

struct exam_command site_answer_of(const struct exam_sitting_view *v, uint64_t seq,
                                   const char *item, const char *value)
{
    struct exam_command c = {.kind = EXAM_CMD_ANSWER};

    c.u.answer.sitting = v->sitting;
    c.u.answer.seq = seq;
    c.u.answer.item = item;
    c.u.answer.value = (const uint8_t *)value;
    c.u.answer.value_bytes = strlen(value);
    c.u.answer.made_at_ms = v->account.used_ms;
    c.u.answer.said_ms = UINT64_MAX;
    c.u.answer.attachment_epoch = v->attachment_epoch;
    c.u.answer.attachment_lsn = v->attachment_lsn;
    return c;
}

exam_err site_answer(struct site *t, uint32_t sitting, uint64_t seq, const char *item,
                     const char *value)
{
    struct exam_sitting_view v = site_view(t, sitting);
    struct exam_command c = site_answer_of(&v, seq, item, value);

    return site_do(t, &c);
}

exam_err site_submit(struct site *t, uint32_t sitting, uint64_t seq)
{
    struct exam_command c = {.kind = EXAM_CMD_SUBMIT};

    c.u.submit.sitting = sitting;
    c.u.submit.seq = seq;
    c.u.submit.said_ms = UINT64_MAX;
    return site_do(t, &c);
}

/* ---------------------------------------------------------------- contingencies */

exam_err site_pause(struct site *t, const char *scope)
{
    struct exam_command c = {.kind = EXAM_CMD_PAUSE};

    c.u.pause.scope.name = scope;
    c.u.pause.who = "tester";
    c.u.pause.why = "test";
    return site_do(t, &c);
}

exam_err site_resume(struct site *t, const char *scope)
{
    struct exam_command c = {.kind = EXAM_CMD_RESUME};

    c.u.pause.scope.name = scope;
    c.u.pause.who = "tester";
    c.u.pause.why = "";
    return site_do(t, &c);
}

exam_err site_grant(struct site *t, const char *scope, int64_t ms, const char *why)
{
    struct exam_command c = {.kind = EXAM_CMD_GRANT};

    c.u.grant.scope.name = scope;
    c.u.grant.ms = ms;
    c.u.grant.who = "tester";
    c.u.grant.why = why;
    return site_do(t, &c);
}

exam_err site_move(struct site *t, uint32_t no, const char *seat, bool in_contact)
{
    struct exam_command c = {.kind = EXAM_CMD_MOVE};
    char admission_no[16];

    snprintf(admission_no, sizeof admission_no, "%u", no);
    c.u.move.admission_no = admission_no;
    c.u.move.seat = seat;
    c.u.move.seat_in_contact = in_contact;
    c.u.move.who = "tester";
    c.u.move.why = "test";
    return site_do(t, &c);
}

exam_err site_batch_act(struct site *t, enum exam_command_kind kind, const char *batch)
{
    struct exam_command c = {.kind = kind};

    c.u.batch_act.batch = batch;
    c.u.batch_act.who = "tester";
    c.u.batch_act.why = "test";
    return site_do(t, &c);
}

exam_err site_suspend(struct site *t)
{
    struct exam_command c = {.kind = EXAM_CMD_SUSPEND, .u.suspend.node = "A"};

    return site_do(t, &c);
}

/* ---------------------------------------------------------------- expectations */

struct exam_sitting_view site_view(const struct site *t, uint32_t sitting)
{
    struct exam_sitting_view v;

    exam_sitting_view(t->x, sitting, t->now_ms, &v);
    return v;
}

struct exam_batch_view site_batch(const struct site *t, uint32_t batch_no)
{
    struct exam_batch_view v;

    exam_batch_view(t->x, batch_no, t->now_ms, &v);
    return v;
}

void site_expect(const struct site *t, uint32_t sitting, uint64_t used_ms, uint64_t left_ms,
                 uint64_t lost_ms)
{
    struct exam_sitting_view v = site_view(t, sitting);

    assert_int_equal(v.account.used_ms, used_ms);
    assert_int_equal(v.account.left_ms, left_ms);
    assert_int_equal(v.account.lost_ms, lost_ms);
}

const char *site_answer_value(const struct site *t, uint32_t sitting, const char *item)
{
    static char value[ANSWER_BYTES_MAX + 1];
    struct exam_answer_view a;

    for (uint32_t i = 0; exam_answer_at(t->x, sitting, i, &a) == EXAM_OK; i++)
        if (strcmp(a.item, item) == 0) {
            memcpy(value, a.value, a.value_bytes);
            value[a.value_bytes] = '\0';
            return value;
        }
    return "";
}

void site_expect_same(const exam *a, const exam *b)
{
    uint8_t digest_a[HASH_BYTES], digest_b[HASH_BYTES];

    exam_digest(a, digest_a);
    exam_digest(b, digest_b);
    assert_memory_equal(digest_a, digest_b, HASH_BYTES);
}

/* Entries as a store keeps them: in the order of their keys, a later value in place of the former.
 */
struct entries {
    struct kept {
        uint8_t key[16];
        size_t key_bytes;
        uint8_t *value;
        size_t value_bytes;
    } * at;
    size_t n;
};

static exam_err keep(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                     size_t value_bytes)
{
    struct entries *e = ctx;

    e->at = realloc(e->at, (e->n + 1) * sizeof *e->at);
    struct kept *k = &e->at[e->n++];
    assert_true(key_bytes <= sizeof k->key);
    memset(k->key, 0, sizeof k->key);
    memcpy(k->key, key, key_bytes);
    k->key_bytes = key_bytes;
    k->value = malloc(value_bytes > 0 ? value_bytes : 1);
    memcpy(k->value, value, value_bytes);
    k->value_bytes = value_bytes;
    return EXAM_OK;
}

static int by_key(const void *a, const void *b)
{
    return memcmp(((const struct kept *)a)->key, ((const struct kept *)b)->key,
                  sizeof((const struct kept *)a)->key);
}

exam *site_reload(exam *x)
{
    struct entries e = {0};
    exam *copy;

    assert_int_equal(exam_flush(x, keep, &e), EXAM_OK);
    assert_int_equal(exam_flush_pending(x), 0);
    qsort(e.at, e.n, sizeof *e.at, by_key);
    assert_int_equal(exam_new(&site_memory, &copy), EXAM_OK);
    for (size_t i = 0; i < e.n; i++) {
        assert_int_equal(
            exam_load(copy, e.at[i].key, e.at[i].key_bytes, e.at[i].value, e.at[i].value_bytes),
            EXAM_OK);
        free(e.at[i].value);
    }
    free(e.at);
    assert_int_equal(exam_load_end(copy), EXAM_OK);
    assert_int_equal(exam_flush_pending(copy), 0);
    return copy;
}

struct site *site_restarted(const struct site *t)
{
    struct site *copy = site_fork(t, t->log_n);
    exam *loaded = site_reload(copy->x);

    exam_free(copy->x);
    copy->x = loaded;
    return copy;
}

void site_expect_replicates(struct site *t)
{
    exam *replica, *loaded;

    assert_int_equal(exam_new(&site_memory, &replica), EXAM_OK);
    for (size_t i = 0; i < t->log_n; i++)
        apply_to(t, replica, &t->log[i].r);
    assert_int_equal(exam_oddities(replica), 0);
    site_expect_same(t->x, replica);
    loaded = site_reload(replica); /* the replica has never been flushed: all of it is dirty */
    site_expect_same(t->x, loaded);
    assert_int_equal(exam_next_due_ms(t->x), exam_next_due_ms(loaded));
    exam_free(replica);
    exam_free(loaded);
}
