#include "sqlite_file.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_views.h"
#include "casebook.h"
#include "json_output.h"
#include "reviewer_key.h"
#include "sqlite_schema.h"
#include "words.h"

/* ---------------------------------------------------------------- statements */

static void fail(struct sqlite_file *f)
{
    if (!f->failed)
        snprintf(f->why, sizeof f->why, "%s", f->db ? sqlite3_errmsg(f->db) : "out of memory");
    f->failed = true;
}

static void run(struct sqlite_file *f, const char *sql)
{
    if (!f->failed && sqlite3_exec(f->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail(f);
}

static sqlite3_stmt *prepare(struct sqlite_file *f, const char *sql)
{
    sqlite3_stmt *s = NULL;
    if (!f->failed && sqlite3_prepare_v2(f->db, sql, -1, &s, NULL) != SQLITE_OK)
        fail(f);
    return s;
}

/* One row: `types` has a letter a value: i (uint64_t), g (int64_t), t (text that lives for the
 * call). */
static void insert(struct sqlite_file *f, sqlite3_stmt *s, const char *types, ...)
{
    va_list args;
    if (f->failed || !s)
        return;
    va_start(args, types);
    for (int i = 1; *types; types++, i++) {
        int bound =
            *types == 't'   ? sqlite3_bind_text(s, i, va_arg(args, const char *), -1, SQLITE_STATIC)
            : *types == 'g' ? sqlite3_bind_int64(s, i, va_arg(args, int64_t))
                            : sqlite3_bind_int64(s, i, (sqlite3_int64)va_arg(args, uint64_t));
        if (bound != SQLITE_OK)
            fail(f);
    }
    va_end(args);
    if (sqlite3_step(s) != SQLITE_DONE)
        fail(f);
    (void)sqlite3_reset(s);
}

exam_err sqlite_file_open(struct sqlite_file *f, const char *path)
{
    *f = (struct sqlite_file){.failed = false};
    if (sqlite3_open(path, &f->db) != SQLITE_OK) {
        fail(f);
        (void)sqlite3_close(f->db);
        return EXAM_IO;
    }
    /* The file is put in its place, and flushed, when it is whole (whole_file.h). */
    run(f, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;");
    run(f, "BEGIN");
    run(f, sqlite_schema);
    f->event = prepare(f, "INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?,?,?)");
    f->concerns = prepare(f, "INSERT OR IGNORE INTO event_sitting VALUES (?,?)");
    return EXAM_OK;
}

exam_err sqlite_file_close(struct sqlite_file *f)
{
    run(f, "COMMIT");
    (void)sqlite3_finalize(f->event);
    (void)sqlite3_finalize(f->concerns);
    if (sqlite3_close(f->db) != SQLITE_OK)
        fail(f);
    return f->failed ? EXAM_IO : EXAM_OK;
}

/* ---------------------------------------------------------------- events */

/* Marks name everybody, every second: only what is news of a sitting is worth finding by it. */
static void put_concerned(struct sqlite_file *f, const struct replay_record *at)
{
    size_t n;
    const uint32_t *sittings = event_sittings(at->event, &n);
    for (size_t i = 0; at->event->kind_case != EV__EVENT__KIND_MARKED && i < n; i++)
        insert(f, f->concerns, "ii", at->r->lsn, (uint64_t)sittings[i]);
}

void sqlite_file_event(struct sqlite_file *f, const struct replay_record *at,
                       const struct event_words *w, const char *type, char *json)
{
    char wall[WALL_TEXT_BYTES];
    if (!json)
        fail(f);
    else {
        wall_format(at->r->wall_ms, wall);
        insert(f, f->event, "iiiigtttttt", at->r->lsn, at->r->epoch, at->r->at_ms, at->site_ms,
               at->r->wall_ms, wall, event_kind_word(w->kind), type, w->who, w->text, json);
        put_concerned(f, at);
    }
    free(json);
}

/* ---------------------------------------------------------------- what follows from them */

static void put_about(struct sqlite_file *f, const struct replay *p)
{
    sqlite3_stmt *s = prepare(f, "INSERT INTO about VALUES (?,?)");
    char hash[2 * HEX_BYTES_MAX + 1], site[2 * HEX_BYTES_MAX + 1], lsn[24];
    hex_format(p->hash, HASH_BYTES, hash);
    hex_format(exam_site_id(p->x), SITE_ID_BYTES, site);
    snprintf(lsn, sizeof lsn, "%" PRIu64, p->lsn);
    insert(f, s, "tt", "site", exam_site_name(p->x) ? exam_site_name(p->x) : "");
    insert(f, s, "tt", "site_id", site);
    insert(f, s, "tt", "last_lsn", lsn);
    insert(f, s, "tt", "last_hash", hash);
    (void)sqlite3_finalize(s);
}

static void put_batches(struct sqlite_file *f, const exam *x)
{
    sqlite3_stmt *s = prepare(f, "INSERT INTO batch VALUES (?,?,?,?,?,?,?,?,?,?,?)");
    for (uint32_t i = 1; i <= exam_batches(x); i++) {
        struct exam_batch_view b;
        exam_batch_view(x, i, exam_last_ms(x), &b);
        if (!b.superseded)
            insert(f, s, "tttiiiiiiii", b.batch, b.title,
                   word_of_batch_state((Admin__BatchState)b.state), (uint64_t)b.sittings,
                   (uint64_t)b.signed_in, (uint64_t)b.submitted, (uint64_t)b.timed_out,
                   (uint64_t)b.absent, (uint64_t)b.closed, (uint64_t)b.postponed, b.allot_ms);
    }
    (void)sqlite3_finalize(s);
}

static void put_sitting(struct sqlite_file *f, sqlite3_stmt *s, const struct exam_sitting_view *v)
{
    const struct exam_account *a = &v->account;
    char name[PERSON_BYTES_MAX + 1];
    insert(f, s,
           "itttttttt"
           "iiigiiiiii",
           (uint64_t)v->sitting, v->admission_no, reviewer_name(f->vault, v, name), v->batch,
           v->room, v->seat, v->paper, admin_state_word(v->state), admin_finish_word(v->finish),
           v->begin_ms, v->finish_ms, a->allot_ms, a->grants_ms, a->used_ms, a->left_ms, a->lost_ms,
           (uint64_t)v->answers, (uint64_t)v->late, (uint64_t)v->violations);
}

static void put_interruptions(struct sqlite_file *f, sqlite3_stmt *s, const exam *x,
                              const struct story *story, uint32_t sitting)
{
    struct exam_interruption_view in;
    for (uint32_t i = 0; exam_interruption_at(x, sitting, i, &in) == EXAM_OK; i++) {
        const struct story_booked *b = story_booked(story, sitting, i);
        char decided[STORY_TEXT_BYTES];
        story_decided(story, x, sitting, i, &in, decided);
        insert(f, s, "iiiiitiiit", (uint64_t)sitting, (uint64_t)i + 1, in.from_ms, in.to_ms,
               in.lost_ms, word_of_basis(in.basis), (uint64_t)in.incident, (uint64_t)in.own_doing,
               b ? b->lsn : (uint64_t)0, decided);
    }
}

static void put_sittings(struct sqlite_file *f, const exam *x, const struct story *story,
                         const struct filter *filter)
{
    sqlite3_stmt *s =
        prepare(f, "INSERT INTO sitting VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    sqlite3_stmt *in = prepare(f, "INSERT INTO interruption VALUES (?,?,?,?,?,?,?,?,?,?)");
    for (uint32_t i = 1; i <= exam_sittings(x); i++) {
        struct exam_sitting_view v;
        struct exam_batch_view b;
        exam_sitting_view(x, i, exam_last_ms(x), &v);
        exam_batch_view(x, v.batch_no, exam_last_ms(x), &b);
        if (b.superseded || !filter_fits_sitting(filter, &v))
            continue;
        put_sitting(f, s, &v);
        put_interruptions(f, in, x, story, i);
    }
    (void)sqlite3_finalize(s);
    (void)sqlite3_finalize(in);
}

static void put_incidents(struct sqlite_file *f, const exam *x)
{
    sqlite3_stmt *s = prepare(f, "INSERT INTO incident VALUES (?,?,?,?,?,?,?,?,?,?)");
    for (uint32_t i = 1; i <= exam_incidents(x); i++) {
        struct exam_incident_view in;
        exam_incident_view(x, i, &in);
        insert(f, s, "itttttiiii", (uint64_t)i, word_of_incident_kind(in.kind),
               word_of_scope_kind(in.scope), in.scope_name, in.text, in.who, in.since_ms,
               in.open ? (uint64_t)0 : in.closed_ms, (uint64_t)in.interruptions, in.lost_ms);
    }
    (void)sqlite3_finalize(s);
}

void sqlite_file_state(struct sqlite_file *f, const struct replay *p, const struct story *s,
                       const struct filter *filter)
{
    put_about(f, p);
    put_batches(f, p->x);
    put_sittings(f, p->x, s, filter);
    put_incidents(f, p->x);
}
