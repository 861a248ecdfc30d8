#include "state_index.h"

#include <stdio.h>
#include <string.h>

enum { APPLICATION_ID = 0x53594958, VERSION = 1 };

static const char schema[] =
    "PRAGMA application_id = 1398360408; PRAGMA user_version = 1;"
    "CREATE TABLE stand (lsn INTEGER PRIMARY KEY, hash BLOB, site_ms INTEGER, wall_ms INTEGER,"
    "  wall_max_ms INTEGER, wall_first_ms INTEGER);"
    "CREATE TABLE entry (key BLOB, lsn INTEGER, value BLOB, PRIMARY KEY (key, lsn)) WITHOUT ROWID;"
    "CREATE TABLE role (lsn INTEGER PRIMARY KEY, site_ms INTEGER);";

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

/* ---------------------------------------------------------------- opening */

static exam_err take_hash(void *ctx, const struct record *r)
{
    memcpy(ctx, r->hash, HASH_BYTES);
    return EXAM_OK;
}

static bool has_record(store *s, uint64_t lsn, const void *hash, int hash_bytes)
{
    uint8_t own[HASH_BYTES];
    return hash && hash_bytes == HASH_BYTES && lsn <= store_last(s).lsn &&
           store_read_log(s, lsn, lsn, take_hash, own) == EXAM_OK &&
           memcmp(own, hash, HASH_BYTES) == 0;
}

/* The newest state says which log the file is of: the chain up to it has one hash. */
static exam_err check_log(struct state_index *x, store *log)
{
    sqlite3_stmt *s =
        prepare(x, "SELECT lsn, hash, wall_max_ms FROM stand ORDER BY lsn DESC LIMIT 1");
    exam_err err = EXAM_OK;
    if (s && sqlite3_step(s) == SQLITE_ROW) {
        x->last_lsn = (uint64_t)sqlite3_column_int64(s, 0);
        x->wall_max_ms = sqlite3_column_int64(s, 2);
        if (!has_record(log, x->last_lsn, sqlite3_column_blob(s, 1), sqlite3_column_bytes(s, 1)))
            err = EXAM_INVALID;
    }
    (void)sqlite3_finalize(s);
    if (err)
        snprintf(x->why, sizeof x->why, "it was made of another log, or this one was changed");
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
        snprintf(x->why, sizeof x->why, "it is no index of this version of examreplay");
        return EXAM_VERSION;
    }
    return check_log(x, log);
}

exam_err state_index_open(struct state_index *x, const char *path, store *s)
{
    *x = (struct state_index){.wall_max_ms = INT64_MIN};
    if (sqlite3_open(path, &x->db) != SQLITE_OK)
        fail(x);
    exam_err err = x->failed ? EXAM_IO : check_file(x, s);
    if (err) {
        (void)sqlite3_close(x->db);
        return err;
    }
    run(x, "PRAGMA synchronous = OFF; BEGIN"); /* it can be made again */
    x->put_entry = prepare(x, "INSERT OR REPLACE INTO entry VALUES (?,?,?)");
    return EXAM_OK;
}

exam_err state_index_close(struct state_index *x)
{
    run(x, "COMMIT");
    (void)sqlite3_finalize(x->put_entry);
    if (sqlite3_close(x->db) != SQLITE_OK)
        fail(x);
    return x->failed ? EXAM_IO : EXAM_OK;
}

/* ---------------------------------------------------------------- writing */

static exam_err put_entry(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                          size_t value_bytes)
{
    struct state_index *x = ctx;
    if (x->failed)
        return EXAM_OK; /* the replay goes on */
    if (sqlite3_bind_blob(x->put_entry, 1, key, (int)key_bytes, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_bind_int64(x->put_entry, 2, (sqlite3_int64)x->lsn_now) != SQLITE_OK ||
        sqlite3_bind_blob(x->put_entry, 3, value, (int)value_bytes, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_step(x->put_entry) != SQLITE_DONE)
        fail(x);
    (void)sqlite3_reset(x->put_entry);
    return EXAM_OK;
}

static void put_stand(struct state_index *x, const struct replay *p)
{
    sqlite3_stmt *s = prepare(x, "INSERT INTO stand VALUES (?,?,?,?,?,?)");
    if (!s)
        return;
    (void)sqlite3_bind_int64(s, 1, (sqlite3_int64)p->lsn);
    (void)sqlite3_bind_blob(s, 2, p->hash, HASH_BYTES, SQLITE_STATIC);
    (void)sqlite3_bind_int64(s, 3, (sqlite3_int64)p->site_ms);
    (void)sqlite3_bind_int64(s, 4, p->wall_ms);
    (void)sqlite3_bind_int64(s, 5, x->wall_max_ms);
    (void)sqlite3_bind_int64(s, 6, p->wall_first_ms);
    if (sqlite3_step(s) != SQLITE_DONE)
        fail(x);
    (void)sqlite3_finalize(s);
}

static void put_role(struct state_index *x, const struct replay_record *at)
{
    sqlite3_stmt *s = prepare(x, "INSERT OR REPLACE INTO role VALUES (?,?)");
    if (!s)
        return;
    (void)sqlite3_bind_int64(s, 1, (sqlite3_int64)at->r->lsn);
    (void)sqlite3_bind_int64(s, 2, (sqlite3_int64)at->site_ms);
    if (sqlite3_step(s) != SQLITE_DONE)
        fail(x);
    (void)sqlite3_finalize(s);
}

void state_index_note(struct state_index *x, const struct replay *p, const struct replay_record *at)
{
    Ev__Event__KindCase kind = at->event->kind_case;
    x->wall_max_ms = at->r->wall_ms > x->wall_max_ms ? at->r->wall_ms : x->wall_max_ms;
    if (kind == EV__EVENT__KIND_EPOCH_BEGAN || kind == EV__EVENT__KIND_STANDBY_CHANGED)
        put_role(x, at);
    if (p->lsn % STATE_INDEX_EVERY != 0)
        return;
    x->lsn_now = p->lsn;
    if (exam_flush(p->x, put_entry, x) != EXAM_OK)
        x->failed = true;
    put_stand(x, p);
    x->last_lsn = p->lsn;
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

static exam_err load_entries(struct state_index *x, uint64_t lsn, exam *to)
{
    sqlite3_stmt *s = prepare(
        x, "SELECT key, value, MAX(lsn) FROM entry WHERE lsn <= ?1 GROUP BY key ORDER BY key");
    exam_err err = s ? EXAM_OK : EXAM_IO;
    if (s)
        (void)sqlite3_bind_int64(s, 1, (sqlite3_int64)lsn);
    while (!err && sqlite3_step(s) == SQLITE_ROW)
        err = exam_load(to, sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0),
                        sqlite3_column_blob(s, 1), (size_t)sqlite3_column_bytes(s, 1));
    (void)sqlite3_finalize(s);
    return err ? err : exam_load_end(to);
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

static exam_err load_roles(struct state_index *x, uint64_t lsn, struct replay *p,
                           struct roles *roles)
{
    sqlite3_stmt *s = prepare(x, "SELECT lsn, site_ms FROM role WHERE lsn <= ?1 ORDER BY lsn");
    exam_err err = s ? EXAM_OK : EXAM_IO;
    if (s)
        (void)sqlite3_bind_int64(s, 1, (sqlite3_int64)lsn);
    while (!err && sqlite3_step(s) == SQLITE_ROW) {
        uint64_t at = (uint64_t)sqlite3_column_int64(s, 0);
        struct telling_role t = {
            .p = p, .roles = roles, .site_ms = (uint64_t)sqlite3_column_int64(s, 1)};
        err = store_read_log(p->s, at, at, tell_role, &t);
    }
    (void)sqlite3_finalize(s);
    return err;
}

exam_err state_index_stand(struct state_index *x, const struct moment *m, struct replay *p,
                           struct roles *roles)
{
    sqlite3_stmt *s = stand_of(x, m);
    exam_err err = s ? EXAM_OK : EXAM_IO;
    if (!err && sqlite3_step(s) == SQLITE_ROW) {
        uint64_t lsn = (uint64_t)sqlite3_column_int64(s, 0);
        if (!has_record(p->s, lsn, sqlite3_column_blob(s, 1), sqlite3_column_bytes(s, 1)))
            err = EXAM_CORRUPT;
        if (!err)
            err = load_entries(x, lsn, p->x);
        if (!err)
            err = load_roles(x, lsn, p, roles);
        if (!err) {
            p->lsn = lsn;
            memcpy(p->hash, sqlite3_column_blob(s, 1), HASH_BYTES);
            p->site_ms = (uint64_t)sqlite3_column_int64(s, 2);
            p->wall_ms = sqlite3_column_int64(s, 3);
            p->wall_first_ms = sqlite3_column_int64(s, 5);
            *p->reached = lsn;
        }
    }
    (void)sqlite3_finalize(s);
    return err;
}
