#include "state_index.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "bytes.h"
#include "language.h"

enum {
    APPLICATION_ID = 0x53594958,
    VERSION = 2,
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    STATE_BYTES_A_RECORD = 10, /* at most: so the states of a large site lie further apart */
    BUSY_MS = 2000,            /* for another process that keeps a state */
};

_Static_assert(STATE_INDEX_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "a key");

static const char schema[] =
    "PRAGMA application_id = 1398360408; PRAGMA user_version = 2;"
    "CREATE TABLE stand (lsn INTEGER PRIMARY KEY, hash BLOB, site_ms INTEGER, wall_ms INTEGER,"
    "  wall_max_ms INTEGER, wall_first_ms INTEGER, sealed BLOB);";

/* A row of it, but for what is sealed. */
struct stand {
    uint64_t lsn, site_ms;
    int64_t wall_ms, wall_max_ms, wall_first_ms;
    uint8_t hash[HASH_BYTES];
};

/* ---------------------------------------------------------------- statements */

static void fail(struct state_index *x)
{
    if (!x->failed)
        snprintf(x->why, sizeof x->why, "%s", sqlite3_errmsg(x->db));
    x->failed = true;
}

static void run(struct state_index *x, const char *sql)
{
    if (!x->failed && sqlite3_exec(x->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail(x);
}

static sqlite3_stmt *prepare(struct state_index *x, const char *sql)
{
    sqlite3_stmt *s = NULL;
    if (!x->failed && sqlite3_prepare_v2(x->db, sql, -1, &s, NULL) != SQLITE_OK)
        fail(x);
    return s;
}

static int64_t figure(struct state_index *x, const char *sql)
{
    sqlite3_stmt *s = prepare(x, sql);
    int64_t v = s && sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    (void)sqlite3_finalize(s);
    return v;
}

static bool stand_of_row(sqlite3_stmt *s, struct stand *out)
{
    const void *hash = sqlite3_column_blob(s, 1);
    if (!hash || sqlite3_column_bytes(s, 1) != HASH_BYTES)
        return false;
    *out = (struct stand){.lsn = (uint64_t)sqlite3_column_int64(s, 0),
                          .site_ms = (uint64_t)sqlite3_column_int64(s, 2),
                          .wall_ms = sqlite3_column_int64(s, 3),
                          .wall_max_ms = sqlite3_column_int64(s, 4),
                          .wall_first_ms = sqlite3_column_int64(s, 5)};
    memcpy(out->hash, hash, HASH_BYTES);
    return true;
}

/* ---------------------------------------------------------------- memory */

static void *resize(void *ctx, void *block, size_t bytes)
{
    (void)ctx;
    if (bytes > 0)
        return realloc(block, bytes);
    free(block);
    return NULL;
}

static const struct exam_memory heap = {.resize = resize};

static bool role_add(struct state_index *x, uint64_t lsn, uint64_t site_ms)
{
    if (x->roles_n == x->roles_max) {
        size_t max = x->roles_max ? 2 * x->roles_max : 16;
        struct state_role *more = realloc(x->roles, max * sizeof *more);
        if (!more)
            return false;
        x->roles = more;
        x->roles_max = max;
    }
    x->roles[x->roles_n++] = (struct state_role){lsn, site_ms};
    return true;
}

/* ---------------------------------------------------------------- opening */

struct taking_key {
    struct replay *p;
    uint8_t *key;
};

static exam_err take_key(void *ctx, const struct record *r)
{
    static const uint8_t purpose[] = "examreplay: states of a log";
    const struct taking_key *t = ctx;
    const Ev__Event *event;
    if (codec_event(&t->p->arena, r->event, r->event_bytes, &event, NULL) ||
        event->kind_case != EV__EVENT__KIND_SITE_FOUNDED)
        return EXAM_INVALID;
    const ProtobufCBinaryData *secret = &event->site_founded->site_key;
    crypto_generichash(t->key, STATE_INDEX_KEY_BYTES, purpose, sizeof purpose, secret->data,
                       secret->len);
    return EXAM_OK;
}

exam_err state_index_key(struct replay *p, uint8_t key[STATE_INDEX_KEY_BYTES])
{
    struct taking_key t = {.p = p, .key = key};
    if (sodium_init() < 0)
        return EXAM_SYSTEM;
    return store_read_log(p->s, 1, 1, take_key, &t);
}

static exam_err take_hash(void *ctx, const struct record *r)
{
    memcpy(ctx, r->hash, HASH_BYTES);
    return EXAM_OK;
}

static bool log_has(store *s, const struct stand *at)
{
    uint8_t own[HASH_BYTES];
    return at->lsn > 0 && at->lsn <= store_last(s).lsn &&
           store_read_log(s, at->lsn, at->lsn, take_hash, own) == EXAM_OK &&
           memcmp(own, at->hash, HASH_BYTES) == 0;
}

static void kept(struct state_index *x, uint64_t lsn, size_t sealed_bytes)
{
    uint64_t apart = sealed_bytes / STATE_BYTES_A_RECORD;
    x->last_lsn = lsn;
    x->due_lsn = lsn + (apart > STATE_INDEX_EVERY ? apart : STATE_INDEX_EVERY);
}

/* The newest state says which log the file is of: the chain up to it has one hash. */
static exam_err check_log(struct state_index *x, store *log)
{
    sqlite3_stmt *s = prepare(x, "SELECT lsn, hash, site_ms, wall_ms, wall_max_ms, wall_first_ms, "
                                 "length(sealed) FROM stand ORDER BY lsn DESC LIMIT 1");
    struct stand newest;
    exam_err err = EXAM_OK;
    kept(x, 0, 0);
    if (s && sqlite3_step(s) == SQLITE_ROW) {
        if (!stand_of_row(s, &newest) || !log_has(log, &newest)) {
            err = EXAM_INVALID;
        } else {
            kept(x, newest.lsn, (size_t)sqlite3_column_int64(s, 6));
            x->wall_max_ms = newest.wall_max_ms;
        }
    }
    (void)sqlite3_finalize(s);
    if (err)
        snprintf(x->why, sizeof x->why, "%s",
                 _("it was made of another log, or this one was changed"));
    return err;
}

static exam_err check_file(struct state_index *x, store *log)
{
    if (figure(x, "SELECT COUNT(*) FROM sqlite_schema") == 0)
        run(x, schema);
    if (x->failed)
        return EXAM_IO;
    if (figure(x, "PRAGMA application_id") != APPLICATION_ID ||
        figure(x, "PRAGMA user_version") != VERSION) {
        snprintf(x->why, sizeof x->why, "%s", _("it is no index of this version of examreplay"));
        return EXAM_VERSION;
    }
    return check_log(x, log);
}

exam_err state_index_open(struct state_index *x, const char *path, struct replay *p)
{
    *x = (struct state_index){.wall_max_ms = INT64_MIN};
    exam_err err = state_index_key(p, x->key);
    if (err) {
        snprintf(x->why, sizeof x->why, "%s", _("the log's first record founds no site"));
        return err;
    }
    if (sqlite3_open(path, &x->db) != SQLITE_OK)
        fail(x);
    (void)sqlite3_busy_timeout(x->db, BUSY_MS);
    /* It can be made again, and leaves no second file behind. */
    run(x, "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY");
    err = x->failed ? EXAM_IO : check_file(x, p->s);
    if (err)
        (void)sqlite3_close(x->db);
    return err;
}

exam_err state_index_close(struct state_index *x)
{
    if (sqlite3_close(x->db) != SQLITE_OK)
        fail(x);
    free(x->roles);
    sodium_memzero(x->key, sizeof x->key);
    return x->failed ? EXAM_IO : EXAM_OK;
}

/* ---------------------------------------------------------------- sealing */

/* All of a row is bound to what is sealed in it. */
enum { BOUND_BYTES = 5 * 8 + HASH_BYTES };

static void bind_stand(const struct stand *at, uint8_t out[BOUND_BYTES])
{
    const uint64_t numbers[] = {htobe64(at->lsn), htobe64(at->site_ms),
                                htobe64((uint64_t)at->wall_ms), htobe64((uint64_t)at->wall_max_ms),
                                htobe64((uint64_t)at->wall_first_ms)};
    memcpy(out, numbers, sizeof numbers);
    memcpy(out + sizeof numbers, at->hash, HASH_BYTES);
}

/* In place: room for the nonce was left before the state. */
static void seal(const struct state_index *x, const struct stand *at, struct bytes_out *b)
{
    uint8_t bound[BOUND_BYTES];
    size_t state_bytes = b->n - NONCE_BYTES;
    if (!bytes_out_room(b, TAG_BYTES))
        return;
    bind_stand(at, bound);
    randombytes_buf(b->at, NONCE_BYTES);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(b->at + NONCE_BYTES, NULL, b->at + NONCE_BYTES,
                                                     state_bytes, bound, sizeof bound, NULL, b->at,
                                                     x->key);
}

/* The state, on the heap; NULL: not sealed here, or changed. */
static uint8_t *unseal(const struct state_index *x, const struct stand *at, const uint8_t *sealed,
                       size_t sealed_bytes, size_t *state_bytes)
{
    uint8_t bound[BOUND_BYTES];
    if (!sealed || sealed_bytes < NONCE_BYTES + TAG_BYTES)
        return NULL;
    *state_bytes = sealed_bytes - NONCE_BYTES - TAG_BYTES;
    uint8_t *state = malloc(*state_bytes + 1);
    bind_stand(at, bound);
    if (state && crypto_aead_xchacha20poly1305_ietf_decrypt(state, NULL, NULL, sealed + NONCE_BYTES,
                                                            sealed_bytes - NONCE_BYTES, bound,
                                                            sizeof bound, sealed, x->key) == 0)
        return state;
    free(state);
    return NULL;
}

/* ---------------------------------------------------------------- writing */

static exam_err put_entry(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                          size_t value_bytes)
{
    struct bytes_out *b = ctx;
    bytes_put_varint(b, key_bytes);
    bytes_put(b, key, key_bytes);
    bytes_put_varint(b, value_bytes);
    bytes_put(b, value, value_bytes);
    return b->failed ? EXAM_NOMEM : EXAM_OK;
}

/* The roles' records, whose events are in the log, and every entry of the state. */
static exam_err put_state(const struct state_index *x, const struct replay *p, struct bytes_out *b)
{
    (void)bytes_out_room(b, NONCE_BYTES);
    bytes_put_varint(b, x->roles_n);
    for (size_t i = 0; i < x->roles_n; i++) {
        bytes_put_varint(b, x->roles[i].lsn);
        bytes_put_varint(b, x->roles[i].site_ms);
    }
    return exam_entries(p->x, put_entry, b);
}

static void put_stand(struct state_index *x, const struct stand *at, const struct bytes_out *b)
{
    sqlite3_stmt *s = prepare(x, "INSERT OR REPLACE INTO stand VALUES (?,?,?,?,?,?,?)");
    if (!s)
        return;
    (void)sqlite3_bind_int64(s, 1, (sqlite3_int64)at->lsn);
    (void)sqlite3_bind_blob(s, 2, at->hash, HASH_BYTES, SQLITE_STATIC);
    (void)sqlite3_bind_int64(s, 3, (sqlite3_int64)at->site_ms);
    (void)sqlite3_bind_int64(s, 4, at->wall_ms);
    (void)sqlite3_bind_int64(s, 5, at->wall_max_ms);
    (void)sqlite3_bind_int64(s, 6, at->wall_first_ms);
    (void)sqlite3_bind_blob64(s, 7, b->at, b->n, SQLITE_STATIC);
    if (sqlite3_step(s) != SQLITE_DONE)
        fail(x);
    (void)sqlite3_finalize(s);
}

static void keep(struct state_index *x, const struct replay *p)
{
    struct stand at = {.lsn = p->lsn,
                       .site_ms = p->site_ms,
                       .wall_ms = p->wall_ms,
                       .wall_max_ms = x->wall_max_ms,
                       .wall_first_ms = p->wall_first_ms};
    struct bytes_out b = {.m = &heap};
    memcpy(at.hash, p->hash, HASH_BYTES);
    exam_err err = put_state(x, p, &b);
    if (!err)
        seal(x, &at, &b);
    if (err || b.failed) {
        snprintf(x->why, sizeof x->why, "%s", exam_err_text(EXAM_NOMEM));
        x->failed = true;
    } else {
        put_stand(x, &at, &b);
    }
    x->made += !x->failed;
    kept(x, p->lsn, b.n);
    bytes_out_fini(&b);
}

void state_index_note(struct state_index *x, const struct replay *p, const struct replay_record *at)
{
    Ev__Event__KindCase kind = at->event->kind_case;
    if (x->failed || p->findings->n > 0)
        return;
    x->wall_max_ms = at->r->wall_ms > x->wall_max_ms ? at->r->wall_ms : x->wall_max_ms;
    if ((kind == EV__EVENT__KIND_EPOCH_BEGAN || kind == EV__EVENT__KIND_STANDBY_CHANGED) &&
        !role_add(x, at->r->lsn, at->site_ms)) {
        snprintf(x->why, sizeof x->why, "%s", exam_err_text(EXAM_NOMEM));
        x->failed = true;
    } else if (p->lsn >= x->due_lsn) {
        keep(x, p);
    }
}

/* ---------------------------------------------------------------- reading */

/* Its newest state that does not lie after the moment. */
static sqlite3_stmt *stand_of(struct state_index *x, const struct moment *m)
{
    static const char *const questions[] = {
        [MOMENT_NONE] = "SELECT * FROM stand WHERE ?1 OR 1 ORDER BY lsn DESC LIMIT 1",
        [MOMENT_LSN] = "SELECT * FROM stand WHERE lsn <= ?1 ORDER BY lsn DESC LIMIT 1",
        [MOMENT_SITE] = "SELECT * FROM stand WHERE site_ms <= ?1 ORDER BY lsn DESC LIMIT 1",
        [MOMENT_WALL] = "SELECT * FROM stand WHERE wall_max_ms <= ?1 ORDER BY lsn DESC LIMIT 1",
    };
    sqlite3_stmt *s = prepare(x, questions[m->kind]);
    int64_t limit = m->kind == MOMENT_LSN    ? (int64_t)m->lsn
                    : m->kind == MOMENT_SITE ? (int64_t)m->site_ms
                                             : m->wall_ms;
    if (s && sqlite3_bind_int64(s, 1, limit) != SQLITE_OK)
        fail(x);
    return s;
}

struct telling_role {
    struct replay *p;
    struct roles *roles;
    uint64_t site_ms;
};

static exam_err tell_role(void *ctx, const struct record *r)
{
    struct telling_role *t = ctx;
    struct replay_record at = {.r = r, .site_ms = t->site_ms};
    const char *why = "";
    exam_err err = codec_event(&t->p->arena, r->event, r->event_bytes, &at.event, &why);
    if (!err)
        roles_note(t->roles, &at);
    return err;
}

static exam_err load_roles(struct state_index *x, struct bytes_in *in, struct replay *p,
                           struct roles *roles)
{
    uint64_t n = bytes_get_varint(in);
    exam_err err = EXAM_OK;
    x->roles_n = 0;
    for (uint64_t i = 0; i < n && !err; i++) {
        uint64_t lsn = bytes_get_varint(in);
        struct telling_role t = {.p = p, .roles = roles, .site_ms = bytes_get_varint(in)};
        if (in->failed)
            return EXAM_CORRUPT;
        err = store_read_log(p->s, lsn, lsn, tell_role, &t);
        if (!err && !role_add(x, lsn, t.site_ms))
            err = EXAM_NOMEM;
    }
    return err;
}

static exam_err load_entries(struct bytes_in *in, exam *to)
{
    exam_err err = EXAM_OK;
    while (!err && in->n > 0) {
        size_t key_bytes = bytes_get_varint(in);
        const uint8_t *key = bytes_get(in, key_bytes);
        size_t value_bytes = bytes_get_varint(in);
        const uint8_t *value = bytes_get(in, value_bytes);
        err = in->failed ? EXAM_CORRUPT : exam_load(to, key, key_bytes, value, value_bytes);
    }
    return err ? err : exam_load_end(to);
}

static exam_err load(struct state_index *x, const struct stand *at, sqlite3_stmt *s,
                     struct replay *p, struct roles *roles)
{
    size_t bytes = 0;
    const uint8_t *sealed = sqlite3_column_blob(s, 6);
    uint8_t *state = unseal(x, at, sealed, (size_t)sqlite3_column_bytes(s, 6), &bytes);
    struct bytes_in in = {.at = state, .n = bytes};
    exam_err err = state ? load_roles(x, &in, p, roles) : EXAM_CORRUPT;
    if (!err)
        err = load_entries(&in, p->x);
    free(state);
    return err;
}

exam_err state_index_stand(struct state_index *x, const struct moment *m, struct replay *p,
                           struct roles *roles)
{
    sqlite3_stmt *s = stand_of(x, m);
    struct stand at;
    exam_err err = s ? EXAM_OK : EXAM_IO;
    if (!err && sqlite3_step(s) == SQLITE_ROW) {
        if (!stand_of_row(s, &at) || !log_has(p->s, &at))
            err = EXAM_CORRUPT;
        if (!err)
            err = load(x, &at, s, p, roles);
        if (!err) {
            p->lsn = at.lsn;
            memcpy(p->hash, at.hash, HASH_BYTES);
            p->site_ms = at.site_ms;
            p->wall_ms = at.wall_ms;
            p->wall_first_ms = at.wall_first_ms;
            *p->reached = at.lsn;
        }
    }
    (void)sqlite3_finalize(s);
    return err;
}
