#include "engine.h"

#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "codec.h"
#include "oplog.h"

enum {
    FLUSH_BYTES = 8 << 20, /* of records, between two flushes of the state tables */
    PENDING_BYTES_MIN = 1 << 20,
    TAIL_RECORDS = 4096, /* whose chain is checked before they are built upon */
    EPOCHS_MIN = 16,
};

struct pending {
    uint64_t lsn;
    size_t at, bytes; /* in e->bytes */
};

struct engine {
    char node[NAME_BYTES_MAX + 1];
    exam *x;
    struct exam_options options;
    store *s;
    struct position last, durable;

    /* the batch that is not durable yet */
    uint8_t *bytes;
    size_t bytes_n, bytes_max;
    struct pending *pending;
    size_t pending_n, pending_max;
    uint64_t now_ms; /* of the decision under way */

    struct engine_epoch *epochs;
    size_t epochs_n, epochs_max, epochs_durable_n;

    /* the site's timeline = clock_boot_ms() + offset_ms */
    int64_t offset_ms, offset_stored_ms;
    bool offset_known, offset_stored;
    char boot_id[BOOT_ID_BYTES + 1];

    uint64_t unflushed_bytes;
    bool flush_given_up; /* a flush was lost with a full disk: the log has it all */
    enum store_room room;
    uint64_t free_bytes;

    struct arena arena;
    void *arena_block;
    void (*on_event)(void *ctx, const struct record *r, const Ev__Event *event);
    void *on_event_ctx;
    const Ev__Event *(*seal)(void *ctx, const exam *x, const Ev__Event *event);
    void *seal_ctx;
};

/* ---------------------------------------------------------------- memory */

/* Applying must be total (exam.h): a node without memory ends, and its standby takes over. */
static void *resize_or_end(void *ctx, void *block, size_t bytes)
{
    (void)ctx;
    if (!bytes) {
        free(block);
        return NULL;
    }
    void *p = realloc(block, bytes);
    if (!p) {
        oplog(OPLOG_ERROR, "out-of-memory", OPLOG_U("bytes", bytes));
        abort();
    }
    return p;
}

static const struct exam_memory memory = {.resize = resize_or_end};

static void *grow(void *block, size_t *max, size_t need, size_t item_bytes, size_t least)
{
    if (need <= *max)
        return block;
    size_t n = *max ? *max : least;
    while (n < need)
        n *= 2;
    *max = n;
    return resize_or_end(NULL, block, n * item_bytes);
}

/* ---------------------------------------------------------------- the site's timeline */

uint64_t engine_now_ms(const struct engine *e)
{
    uint64_t last = exam_last_ms(e->x);
    if (!e->offset_known)
        return last; /* this machine's clock has nothing to do with the site's yet (T4) */
    int64_t now = (int64_t)clock_boot_ms() + e->offset_ms;
    /* Never before the last record: the timeline is monotonic. */
    return now > (int64_t)last ? (uint64_t)now : last;
}

bool engine_now_known(const struct engine *e)
{
    return e->offset_known;
}

/* What the primary says can only come late, never early. So the largest offset seen is the one
 * nearest the truth, and it is this machine's own clock that goes on from it (T4). A record's own
 * time is no such word: it may have been written long ago. */
void engine_now_told(struct engine *e, uint64_t site_ms)
{
    int64_t offset = (int64_t)site_ms - (int64_t)clock_boot_ms();
    if (!e->offset_known || offset > e->offset_ms)
        e->offset_ms = offset;
    e->offset_known = true;
}

/* ---------------------------------------------------------------- meta */

static const char META_CLOCK[] = "clock";
static const char META_STATE[] = "state";
static const char META_EPOCH[] = "epoch/";
enum {
    META_CLOCK_BYTES = BOOT_ID_BYTES + 8,
    META_EPOCH_KEY_BYTES = sizeof META_EPOCH - 1 + 8,
    META_EPOCH_BYTES = 8 + HASH_BYTES + 1,
};

static void put_u64(uint8_t *out, uint64_t v)
{
    v = htobe64(v);
    memcpy(out, &v, sizeof v);
}

static uint64_t get_u64(const uint8_t *in)
{
    uint64_t v;
    memcpy(&v, in, sizeof v);
    return be64toh(v);
}

static void meta_put_clock(struct engine *e)
{
    uint8_t v[META_CLOCK_BYTES];
    if (!e->offset_known || !e->boot_id[0] ||
        (e->offset_stored && e->offset_stored_ms == e->offset_ms))
        return;
    memcpy(v, e->boot_id, BOOT_ID_BYTES);
    put_u64(v + BOOT_ID_BYTES, (uint64_t)e->offset_ms);
    store_put(e->s, STORE_META, META_CLOCK, sizeof META_CLOCK - 1, v, sizeof v);
}

static void meta_get_clock(struct engine *e)
{
    const uint8_t *v;
    size_t n;
    if (store_get(e->s, STORE_META, META_CLOCK, sizeof META_CLOCK - 1, &v, &n) ||
        n != META_CLOCK_BYTES || !e->boot_id[0] || memcmp(v, e->boot_id, BOOT_ID_BYTES))
        return; /* another boot of the machine: its clock says nothing about the dark time */
    e->offset_ms = e->offset_stored_ms = (int64_t)get_u64(v + BOOT_ID_BYTES);
    e->offset_known = e->offset_stored = true;
}

static void meta_epoch_key(uint8_t key[META_EPOCH_KEY_BYTES], uint64_t epoch)
{
    memcpy(key, META_EPOCH, sizeof META_EPOCH - 1);
    put_u64(key + sizeof META_EPOCH - 1, epoch);
}

static void meta_put_epochs(struct engine *e)
{
    for (size_t i = e->epochs_durable_n; i < e->epochs_n; i++) {
        uint8_t key[META_EPOCH_KEY_BYTES], v[META_EPOCH_BYTES];
        meta_epoch_key(key, e->epochs[i].epoch);
        put_u64(v, e->epochs[i].first_lsn);
        memcpy(v + 8, e->epochs[i].first_hash, HASH_BYTES);
        v[8 + HASH_BYTES] = e->epochs[i].own;
        store_put(e->s, STORE_META, key, sizeof key, v, sizeof v);
    }
}

static void epochs_add(struct engine *e, const struct engine_epoch *epoch)
{
    e->epochs = grow(e->epochs, &e->epochs_max, e->epochs_n + 1, sizeof *e->epochs, EPOCHS_MIN);
    e->epochs[e->epochs_n++] = *epoch;
}

static exam_err meta_take_epoch(void *ctx, const uint8_t *key, size_t key_bytes,
                                const uint8_t *value, size_t value_bytes)
{
    struct engine *e = ctx;
    if (key_bytes != META_EPOCH_KEY_BYTES || value_bytes != META_EPOCH_BYTES)
        return EXAM_CORRUPT;
    struct engine_epoch epoch = {.epoch = get_u64(key + sizeof META_EPOCH - 1),
                                 .first_lsn = get_u64(value),
                                 .own = value[8 + HASH_BYTES]};
    memcpy(epoch.first_hash, value + 8, HASH_BYTES);
    epochs_add(e, &epoch);
    return EXAM_OK;
}

static uint64_t meta_state_lsn(struct engine *e)
{
    const uint8_t *v;
    size_t n;
    if (store_get(e->s, STORE_META, META_STATE, sizeof META_STATE - 1, &v, &n) || n != 8)
        return 0;
    return get_u64(v);
}

static void meta_put_state_lsn(struct engine *e, uint64_t lsn)
{
    uint8_t v[8];
    put_u64(v, lsn);
    store_put(e->s, STORE_META, META_STATE, sizeof META_STATE - 1, v, sizeof v);
}

/* ---------------------------------------------------------------- applying */

static void note_epoch(struct engine *e, const struct record *r, const Ev__EpochBegan *b)
{
    struct engine_epoch epoch = {.epoch = b->epoch, .first_lsn = r->lsn};
    memcpy(epoch.first_hash, r->hash, HASH_BYTES);
    epoch.own = !strcmp(b->node, e->node);
    epochs_add(e, &epoch);
}

/* Applies a record of the log; a restart gives those that the tables have not got. */
static exam_err apply_record(struct engine *e, const struct record *r, const Ev__Event **event)
{
    const char *why = "";
    exam_err err = codec_event(&e->arena, r->event, r->event_bytes, event, &why);
    if (err) {
        oplog(OPLOG_ERROR, "record-unreadable", OPLOG_U("lsn", r->lsn), OPLOG_S("why", why));
        return EXAM_CORRUPT;
    }
    exam_apply(e->x, r, *event);
    return EXAM_OK;
}

/* D8: what was not written is not applied. */
struct replay {
    struct engine *e;
    uint8_t prev_hash[HASH_BYTES];
};

static exam_err replay_each(void *ctx, const struct record *r)
{
    struct replay *replay = ctx;
    const Ev__Event *event;
    exam_err err = record_verify(r, replay->prev_hash);
    if (err) {
        oplog(OPLOG_ERROR, "log-rotten", OPLOG_U("lsn", r->lsn),
              OPLOG_S("text", "this record is not what was written (D8)"));
        return err;
    }
    memcpy(replay->prev_hash, r->hash, HASH_BYTES);
    replay->e->unflushed_bytes += RECORD_HEADER_BYTES + r->event_bytes;
    return apply_record(replay->e, r, &event);
}

static exam_err load_each(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                          size_t value_bytes)
{
    return exam_load(ctx, key, key_bytes, value, value_bytes);
}

static exam_err replay_from(void *ctx, const struct record *r)
{
    struct replay *replay = ctx;
    memcpy(replay->prev_hash, r->hash, HASH_BYTES);
    return EXAM_OK;
}

/* Applies what comes after the record `lsn`. */
static exam_err state_replay(struct engine *e, uint64_t lsn)
{
    struct replay replay = {.e = e};
    exam_err err = EXAM_OK;
    if (lsn)
        err = store_read_log(e->s, lsn, lsn, replay_from, &replay);
    return err ? err : store_read_log(e->s, lsn + 1, e->last.lsn, replay_each, &replay);
}

/* The state of the log up to its end: the tables, then what came after them. */
static exam_err state_rebuild(struct engine *e, bool from_tables)
{
    exam *x;
    exam_err err = exam_new(&memory, &x);
    if (err)
        return err;
    exam_free(e->x);
    e->x = x;
    exam_set_options(x, &e->options);
    e->unflushed_bytes = 0;
    uint64_t lsn = from_tables ? meta_state_lsn(e) : 0;
    if (lsn > e->last.lsn)
        return EXAM_CORRUPT;
    if (lsn) {
        err = store_read_table(e->s, STORE_STATE, "", 0, load_each, e->x);
        if (!err)
            err = exam_load_end(e->x);
    }
    return !err && lsn < e->last.lsn ? state_replay(e, lsn) : err;
}

/* ---------------------------------------------------------------- opening, closing */

/* D8: the end of the log is what everything goes on from. The rest of it is checked later, in the
 * background (log_check.h): a start is quick whatever the length of the log. */
static exam_err tail_check(struct engine *e, char *why, size_t why_bytes)
{
    uint64_t last = store_last(e->s).lsn, bad_lsn = 0;
    uint64_t first = last > TAIL_RECORDS ? last - TAIL_RECORDS + 1 : 1;
    exam_err err = store_verify(e->s, first, last, &bad_lsn);
    if (err == EXAM_CORRUPT)
        snprintf(why, why_bytes,
                 "record %llu of the log in the data folder is not what was written (D8): do not "
                 "serve from it; keep this folder, and start with an empty one: the other node has "
                 "everything",
                 (unsigned long long)bad_lsn);
    else if (err)
        snprintf(why, why_bytes, "the log in the data folder cannot be read: %s: look at the disk",
                 exam_err_text(err));
    return err;
}

static exam_err state_load(struct engine *e, char *why, size_t why_bytes)
{
    clock_boot_id(e->boot_id);
    meta_get_clock(e);
    exam_err err =
        store_read_table(e->s, STORE_META, META_EPOCH, sizeof META_EPOCH - 1, meta_take_epoch, e);
    e->epochs_durable_n = e->epochs_n;
    if (!err)
        err = state_rebuild(e, true);
    if (!err)
        err = store_failure(e->s);
    if (err)
        snprintf(
            why, why_bytes,
            "the log and the state in the data folder do not fit (%s): do not serve from it; "
            "start with an empty data folder, the other node has everything, and keep this one",
            exam_err_text(err));
    return err;
}

static exam_err engine_load(struct engine *e, char *why, size_t why_bytes)
{
    e->last = e->durable = store_last(e->s);
    exam_err err = tail_check(e, why, why_bytes);
    return err ? err : state_load(e, why, why_bytes);
}

exam_err engine_open(const char *node, store *s, struct engine **out, char *why, size_t why_bytes)
{
    struct engine *e = resize_or_end(NULL, NULL, sizeof *e);
    memset(e, 0, sizeof *e);
    e->s = s;
    snprintf(e->node, sizeof e->node, "%s", node);
    e->bytes = grow(NULL, &e->bytes_max, PENDING_BYTES_MIN, 1, PENDING_BYTES_MIN);
    e->arena_block = resize_or_end(NULL, NULL, ARENA_BYTES_FRAME);
    arena_init(&e->arena, e->arena_block, ARENA_BYTES_FRAME);
    exam_err err = engine_load(e, why, why_bytes);
    if (err) {
        engine_abandon(e);
        return err;
    }
    engine_watch_room(e);
    *out = e;
    return EXAM_OK;
}

const exam *engine_exam(const struct engine *e)
{
    return e->x;
}

void engine_set_options(struct engine *e, const struct exam_options *o)
{
    e->options = *o;
    exam_set_options(e->x, o);
}

struct store *engine_store(struct engine *e)
{
    return e->s;
}

struct position engine_last(const struct engine *e)
{
    return e->last;
}

struct position engine_durable(const struct engine *e)
{
    return e->durable;
}

const struct engine_epoch *engine_epochs(const struct engine *e, size_t *n)
{
    *n = e->epochs_n;
    return e->epochs;
}

/* ---------------------------------------------------------------- appending */

static uint8_t *pending_reserve(struct engine *e, size_t value_bytes)
{
    e->bytes = grow(e->bytes, &e->bytes_max, e->bytes_n + value_bytes, 1, PENDING_BYTES_MIN);
    e->pending = grow(e->pending, &e->pending_max, e->pending_n + 1, sizeof *e->pending, 1024);
    return e->bytes + e->bytes_n;
}

static void pending_push(struct engine *e, const struct record *r, size_t value_bytes)
{
    e->pending[e->pending_n++] =
        (struct pending){.lsn = r->lsn, .at = e->bytes_n, .bytes = value_bytes};
    e->bytes_n += value_bytes;
    e->last.epoch = r->epoch;
    e->last.lsn = r->lsn;
    memcpy(e->last.hash, r->hash, HASH_BYTES);
}

/* exam_emit: seals the event as the log's next record. It is applied after the decision. */
static void append_event(void *ctx, const Ev__Event *event)
{
    struct engine *e = ctx;
    if (e->seal)
        event = e->seal(e->seal_ctx, e->x, event);
    size_t event_bytes = codec_event_bytes(event);
    assert(RECORD_HEADER_BYTES + event_bytes <= RECORD_BYTES_MAX);
    uint8_t *value = pending_reserve(e, RECORD_HEADER_BYTES + event_bytes);
    codec_event_pack(event, value + RECORD_HEADER_BYTES);
    bool begins = event->kind_case == EV__EVENT__KIND_EPOCH_BEGAN;
    struct record r = {
        .lsn = e->last.lsn + 1,
        .epoch = begins ? event->epoch_began->epoch : exam_epoch(e->x),
        .at_ms = begins ? 0 : e->now_ms - exam_epoch_base_ms(e->x),
        .wall_ms = clock_wall_ms(),
        .event = value + RECORD_HEADER_BYTES,
        .event_bytes = event_bytes,
    };
    if (e->pending_n && e->last.epoch > r.epoch) {
        /* Credited beside the EpochBegan of the same decision (T2): already of the new epoch. */
        r.epoch = e->last.epoch;
        r.at_ms = 0;
    }
    record_seal(&r, e->last.hash, value);
    pending_push(e, &r, RECORD_HEADER_BYTES + event_bytes);
}

static void apply_pending(struct engine *e, size_t from)
{
    for (size_t i = from; i < e->pending_n; i++) {
        struct record r;
        const Ev__Event *event;
        exam_err err =
            record_open(e->pending[i].lsn, e->bytes + e->pending[i].at, e->pending[i].bytes, &r);
        assert(!err);
        err = apply_record(e, &r, &event);
        assert(!err); /* this node has just written it: unreadable is a defect of its own */
        if (event->kind_case == EV__EVENT__KIND_EPOCH_BEGAN)
            note_epoch(e, &r, event->epoch_began);
        if (e->on_event)
            e->on_event(e->on_event_ctx, &r, event);
    }
}

static void emit_nothing(void *ctx, const Ev__Event *event)
{
    (void)ctx;
    (void)event;
}

static void append_signed(struct engine *e, const struct engine_signers *by)
{
    for (size_t i = 0; i < by->n; i++) {
        Ev__Event event = EV__EVENT__INIT;
        event.kind_case = EV__EVENT__KIND_COMMAND_SIGNED;
        event.command_signed = (Ev__CommandSigned *)(uintptr_t)by->at[i];
        append_event(e, &event);
    }
}

static exam_err decide_and_apply(struct engine *e, const struct exam_command *c,
                                 const struct engine_signers *by, struct exam_refusal *why)
{
    size_t from = e->pending_n;
    exam_err err = EXAM_OK;
    if (by && by->n) /* deciding is pure: what is allowed now is allowed behind the words, too */
        err = exam_decide(e->x, c, e->now_ms, emit_nothing, NULL, why);
    if (err)
        return err;
    if (by)
        append_signed(e, by);
    err = exam_decide(e->x, c, e->now_ms, append_event, e, why);
    if (c->kind == EXAM_CMD_BEGIN_EPOCH && !err) {
        e->offset_ms = (int64_t)e->now_ms - (int64_t)clock_boot_ms();
        e->offset_known = true;
    }
    apply_pending(e, from);
    return err;
}

static void tick_before(struct engine *e, const struct exam_command *next)
{
    struct exam_command c = {.kind = EXAM_CMD_TICK, .u.tick.next = next};
    struct exam_refusal why;
    e->now_ms = engine_now_ms(e);
    exam_err err = decide_and_apply(e, &c, NULL, &why);
    assert(!err);
}

void engine_tick(struct engine *e)
{
    tick_before(e, NULL);
}

exam_err engine_decide_signed(struct engine *e, const struct exam_command *c,
                              const struct engine_signers *by, struct exam_refusal *why,
                              uint64_t *lsn)
{
    if (c->kind != EXAM_CMD_BEGIN_EPOCH)
        tick_before(e, c);
    else
        e->now_ms = engine_now_ms(e);
    exam_err err = EXAM_OK;
    if (e->room == STORE_ROOM_RESERVED && c->kind == EXAM_CMD_ANSWER) {
        *why = (struct exam_refusal){.code = EXAM_FULL, .rule = ""};
        snprintf(why->text, sizeof why->text,
                 "the disk of node %s is full: the answer stays in the seat's journal; free space "
                 "on the server or promote the standby",
                 e->node);
        err = EXAM_FULL;
    } else {
        err = decide_and_apply(e, c, by, why);
    }
    *lsn = e->last.lsn;
    return err;
}

exam_err engine_decide(struct engine *e, const struct exam_command *c, struct exam_refusal *why,
                       uint64_t *lsn)
{
    return engine_decide_signed(e, c, NULL, why, lsn);
}

void engine_note_signed(struct engine *e, const struct engine_signers *by)
{
    engine_tick(e);
    size_t from = e->pending_n;
    append_signed(e, by);
    apply_pending(e, from);
}

exam_err engine_preview(struct engine *e, const struct exam_command *c, exam_emit emit, void *ctx,
                        struct exam_refusal *why)
{
    engine_tick(e);
    return exam_decide(e->x, c, e->now_ms, emit, ctx, why);
}

void engine_on_event(struct engine *e,
                     void (*event)(void *ctx, const struct record *r, const Ev__Event *event),
                     void *ctx)
{
    e->on_event = event;
    e->on_event_ctx = ctx;
}

void engine_on_append(struct engine *e,
                      const Ev__Event *(*seal)(void *ctx, const exam *x, const Ev__Event *event),
                      void *ctx)
{
    e->seal = seal;
    e->seal_ctx = ctx;
}

exam_err engine_follow(struct engine *e, uint64_t lsn, const uint8_t *value, size_t value_bytes)
{
    struct record r;
    const Ev__Event *event;
    const char *why = "";
    if (lsn != e->last.lsn + 1 || value_bytes > RECORD_BYTES_MAX)
        return EXAM_CORRUPT;
    exam_err err = record_open(lsn, value, value_bytes, &r);
    if (!err)
        err = record_verify(&r, e->last.hash);
    if (!err)
        err = codec_event(&e->arena, r.event, r.event_bytes, &event, &why);
    if (err)
        return EXAM_CORRUPT;
    uint8_t *at = pending_reserve(e, value_bytes);
    memcpy(at, value, value_bytes);
    pending_push(e, &r, value_bytes);
    exam_apply(e->x, &r, event);
    if (event->kind_case == EV__EVENT__KIND_EPOCH_BEGAN) {
        note_epoch(e, &r, event->epoch_began);
        e->offset_known = false; /* another primary's reckoning goes on from here */
    }
    return EXAM_OK;
}

/* ---------------------------------------------------------------- durable */

bool engine_has_pending(const struct engine *e)
{
    return e->pending_n > 0;
}

size_t engine_pending_bytes(const struct engine *e)
{
    return e->bytes_n;
}

static exam_err flush_each(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                           size_t value_bytes)
{
    struct engine *e = ctx;
    store_put(e->s, STORE_STATE, key, key_bytes, value, value_bytes);
    return EXAM_OK;
}

static bool flush_state(struct engine *e)
{
    exam_err err = exam_flush(e->x, flush_each, e);
    if (err) {
        e->flush_given_up = true;
        return false;
    }
    meta_put_state_lsn(e, e->last.lsn);
    return true;
}

static exam_err commit_once(struct engine *e, bool flush)
{
    store_begin(e->s);
    for (size_t i = 0; i < e->pending_n; i++)
        store_append(e->s, e->pending[i].lsn, e->bytes + e->pending[i].at, e->pending[i].bytes);
    meta_put_epochs(e);
    meta_put_clock(e);
    if (flush)
        flush = flush_state(e);
    exam_err err = store_commit(e->s);
    if (err && flush)
        e->flush_given_up = true; /* what the core takes for flushed is not on the disk */
    if (!err && flush)
        e->unflushed_bytes = 0;
    return err;
}

exam_err engine_commit(struct engine *e)
{
    if (!e->pending_n)
        return EXAM_OK;
    e->unflushed_bytes += e->bytes_n;
    bool flush =
        e->unflushed_bytes >= FLUSH_BYTES && !e->flush_given_up && e->room != STORE_ROOM_RESERVED;
    exam_err err = commit_once(e, flush);
    if (err == EXAM_FULL) {
        /* What is decided, and perhaps durable on the standby, cannot be taken back: this is what
         * the reserve is for. */
        oplog(OPLOG_ERROR, "disk-full", OPLOG_U("lsn", e->last.lsn));
        store_use_reserve(e->s, true);
        e->room = STORE_ROOM_RESERVED;
        err = commit_once(e, false);
    }
    if (err)
        return err;
    e->durable = e->last;
    e->pending_n = 0;
    e->bytes_n = 0;
    e->epochs_durable_n = e->epochs_n;
    e->offset_stored = e->offset_known;
    e->offset_stored_ms = e->offset_ms;
    return EXAM_OK;
}

exam_err engine_cut(struct engine *e, uint64_t lsn)
{
    assert(!e->pending_n && lsn <= e->last.lsn);
    bool tables = meta_state_lsn(e) <= lsn; /* else the tables know what is cut off */
    store_begin(e->s);
    store_cut(e->s, lsn);
    while (e->epochs_n && e->epochs[e->epochs_n - 1].first_lsn > lsn) {
        uint8_t key[META_EPOCH_KEY_BYTES];
        meta_epoch_key(key, e->epochs[--e->epochs_n].epoch);
        store_del(e->s, STORE_META, key, sizeof key);
    }
    e->epochs_durable_n = e->epochs_n;
    if (!tables) {
        store_clear(e->s, STORE_STATE);
        meta_put_state_lsn(e, 0);
    }
    exam_err err = store_commit(e->s);
    if (err)
        return err;
    e->last = e->durable = store_last(e->s);
    e->flush_given_up = false;
    return state_rebuild(e, tables);
}

void engine_abandon(struct engine *e)
{
    store_close(e->s);
    if (e->x)
        exam_free(e->x);
    free(e->bytes);
    free(e->pending);
    free(e->epochs);
    free(e->arena_block);
    free(e);
}

void engine_close(struct engine *e)
{
    if (e->unflushed_bytes && !e->pending_n && !e->flush_given_up &&
        e->room != STORE_ROOM_RESERVED) {
        exam_err err = commit_once(e, true);
        if (err)
            oplog(OPLOG_WARN, "state-not-flushed", OPLOG_S("why", exam_err_text(err)));
    }
    engine_abandon(e);
}

/* ---------------------------------------------------------------- reading */

struct reading {
    exam_err (*each)(void *ctx, uint64_t lsn, const uint8_t *value, size_t value_bytes);
    void *ctx;
};

static exam_err read_stored(void *ctx, const struct record *r)
{
    /* record.h: the header lies right before the event in the stored value. */
    const struct reading *reading = ctx;
    return reading->each(reading->ctx, r->lsn, r->event - RECORD_HEADER_BYTES,
                         RECORD_HEADER_BYTES + r->event_bytes);
}

exam_err engine_read(struct engine *e, uint64_t first, uint64_t last,
                     exam_err (*each)(void *ctx, uint64_t lsn, const uint8_t *value,
                                      size_t value_bytes),
                     void *ctx)
{
    struct reading reading = {.each = each, .ctx = ctx};
    exam_err err = EXAM_OK;
    if (last > e->last.lsn || first < 1)
        return EXAM_NOT_FOUND;
    if (first <= e->durable.lsn) {
        uint64_t stored = last < e->durable.lsn ? last : e->durable.lsn;
        err = store_read_log(e->s, first, stored, read_stored, &reading);
        first = stored + 1;
    }
    for (; !err && first <= last; first++) {
        const struct pending *p = &e->pending[first - e->durable.lsn - 1];
        assert(p->lsn == first);
        err = each(ctx, first, e->bytes + p->at, p->bytes);
    }
    return err;
}

static exam_err take_hash(void *ctx, uint64_t lsn, const uint8_t *value, size_t value_bytes)
{
    struct record r;
    exam_err err = record_open(lsn, value, value_bytes, &r);
    if (!err)
        memcpy(ctx, r.hash, HASH_BYTES);
    return err;
}

exam_err engine_hash_at(struct engine *e, uint64_t lsn, uint8_t out[HASH_BYTES])
{
    uint8_t hash[HASH_BYTES];
    const struct position *known = lsn == e->last.lsn      ? &e->last
                                   : lsn == e->durable.lsn ? &e->durable
                                                           : NULL;
    if (known && lsn) {
        memcpy(out, known->hash, HASH_BYTES);
        return EXAM_OK;
    }
    exam_err err = engine_read(e, lsn, lsn, take_hash, hash);
    if (!err)
        memcpy(out, hash, HASH_BYTES);
    return err;
}

/* ---------------------------------------------------------------- the disk */

enum store_room engine_room(const struct engine *e, uint64_t *free_bytes)
{
    *free_bytes = e->free_bytes;
    return e->room;
}

void engine_watch_room(struct engine *e)
{
    enum store_room room;
    uint64_t free_bytes;
    if (store_room(e->s, &room, &free_bytes))
        return;
    e->free_bytes = free_bytes;
    if (room == e->room)
        return;
    enum oplog_level level = room == STORE_ROOM_OK ? OPLOG_INFO : OPLOG_WARN;
    static const char *const texts[] = {
        [STORE_ROOM_OK] = "there is room again",
        [STORE_ROOM_LOW] = "the disk is nearly full: free space before answers must be refused",
        [STORE_ROOM_RESERVED] = "the disk is full: answers are refused and stay in the seats' "
                                "journals; free space, or promote the standby",
    };
    oplog(level, "disk-room", OPLOG_U("free_bytes", free_bytes), OPLOG_S("text", texts[room]));
    store_use_reserve(e->s, room == STORE_ROOM_RESERVED);
    e->room = room;
}
