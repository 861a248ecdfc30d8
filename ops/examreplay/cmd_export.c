/* cmd_export.c - `examreplay export FOLDER --format jsonl|csv|sqlite`: every event, for other
 * programs; with --whole all that the folder holds, to be read in its place. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event_json.h"
#include "json_lines.h"
#include "language.h"
#include "log_reader.h"
#include "report.h"
#include "reviewer_key.h"
#include "result_csv.h"
#include "sqlite_file.h"
#include "whole_export.h"
#include "whole_file.h"

/* Spreadsheets take a file for UTF-8 by it. */
static const char byte_order_mark[] = "\xEF\xBB\xBF";

struct exporting {
    const struct options *o;
    FILE *to;
    struct event_words words;
    struct sqlite_file db;
    struct story story; /* of an SQLite file */
    exam_err err;
};

static void text_cell(FILE *to, const char *text)
{
    fputc(',', to);
    result_csv_text(to, text, strlen(text));
}

static exam_err csv_line(const struct exporting *e, const exam *x, const struct replay_record *at)
{
    const struct record *r = at->r;
    char wall[WALL_TEXT_BYTES];
    json_t *event = json_of_event(x, at->event, &e->o->shown);
    char *text = event ? json_dumps(event, JSON_COMPACT) : NULL;
    json_decref(event);
    if (!text)
        return EXAM_NOMEM;
    wall_format(r->wall_ms, wall);
    fprintf(e->to, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRId64, r->lsn, r->epoch, at->site_ms,
            r->wall_ms);
    text_cell(e->to, wall);
    text_cell(e->to, event_kind_word(e->words.kind));
    text_cell(e->to, e->words.who);
    text_cell(e->to, e->words.text);
    text_cell(e->to, text);
    free(text);
    return fputs("\r\n", e->to) == EOF ? EXAM_IO : EXAM_OK;
}

static exam_err database_row(struct exporting *e, const struct replay *p,
                             const struct replay_record *at)
{
    const ProtobufCFieldDescriptor *type =
        protobuf_c_message_descriptor_get_field(&ev__event__descriptor, at->event->kind_case);
    json_t *event = json_of_event(p->x, at->event, &e->o->shown);
    char *text = event ? json_dumps(event, JSON_COMPACT) : NULL;
    json_decref(event);
    sqlite_file_event(&e->db, at, &e->words, type ? type->name : "", text);
    return e->db.failed ? EXAM_IO : EXAM_OK;
}

static bool wants(void *ctx, const struct replay_record *at)
{
    const struct exporting *e = ctx;
    (void)at;
    return !e->err;
}

static void seen(void *ctx, const struct replay *p, const struct replay_record *at)
{
    struct exporting *e = ctx;
    event_tell(p->x, at->event, &e->words);
    if (e->o->format == FORMAT_SQLITE)
        story_note(&e->story, p, at);
    if (e->err || !filter_fits(&e->o->filter, p->x, at, &e->words))
        return;
    if (e->o->format == FORMAT_CSV)
        e->err = csv_line(e, p->x, at);
    else if (e->o->format == FORMAT_SQLITE)
        e->err = database_row(e, p, at);
    else
        e->err = json_line(json_of_record(p->x, at, &e->words, &e->o->shown), e->to);
}

static enum exit_code export_to(const struct options *o, struct log_reader *r, FILE *to)
{
    static struct exporting e;
    const struct replay_hooks hooks = {.ctx = &e, .wants = wants, .seen = seen};
    if (o->whole)
        return whole_export_write(r, &o->shown, to);
    e = (struct exporting){.o = o, .to = to};
    if (o->format == FORMAT_CSV)
        fprintf(to, "%slsn,epoch,site_ms,wall_ms,wall,kind,who,text,event\r\n", byte_order_mark);
    enum exit_code code = log_reader_show(r, moment_last_lsn(&o->filter.to), &hooks);
    if (code != EXIT_CODE_DONE || !e.err)
        return code;
    report_error(_("cannot write the output, or out of memory"));
    return EXIT_CODE_INTERNAL;
}

static enum exit_code fill_database(struct exporting *e, struct log_reader *r)
{
    const struct replay_hooks hooks = {.ctx = e, .wants = wants, .seen = seen};
    enum exit_code code = log_reader_show(r, moment_last_lsn(&e->o->filter.to), &hooks);
    if (code == EXIT_CODE_DONE && !e->err)
        sqlite_file_state(&e->db, &r->replay, &e->story, &e->o->filter);
    return code;
}

/* SQLite writes the file by its name: the one that whole_file has made, and puts in its place. */
static enum exit_code export_database(const struct options *o, struct log_reader *r,
                                      const struct whole_file *f)
{
    static struct exporting e;
    e = (struct exporting){.o = o, .story.filter = &o->filter};
    exam_err err = sqlite_file_open(&e.db, f->temporary);
    e.db.vault = o->shown.vault;
    enum exit_code code = EXIT_CODE_DONE;
    if (!err) {
        code = fill_database(&e, r);
        err = sqlite_file_close(&e.db);
    }
    story_fini(&e.story);
    if (err && code == EXIT_CODE_DONE) {
        report_error(_("cannot write the database: %s"), e.db.why);
        code = EXIT_CODE_INTERNAL;
    }
    return code;
}

static enum exit_code export_to_file(const struct options *o, struct log_reader *r)
{
    struct whole_file f;
    if (whole_file_open(o->output, &f)) {
        report_error(_("cannot write %s: %s"), o->output, strerror(errno));
        return EXIT_CODE_INTERNAL;
    }
    if (o->format == FORMAT_SQLITE && f.temporary[0] == '\0') {
        report_error(_("a database is written to a file: name it with --output"));
        whole_file_abandon(&f);
        return EXIT_CODE_USAGE;
    }
    enum exit_code code =
        o->format == FORMAT_SQLITE ? export_database(o, r, &f) : export_to(o, r, f.stream);
    if (code != EXIT_CODE_DONE) {
        whole_file_abandon(&f);
        return code;
    }
    if (!whole_file_commit(&f))
        return EXIT_CODE_DONE;
    report_error(_("cannot write %s: %s"), o->output, strerror(errno));
    return EXIT_CODE_INTERNAL;
}

enum exit_code cmd_export(const struct options *o)
{
    static struct log_reader r;
    if (o->format == FORMAT_SQLITE && !o->output) {
        report_error(_("a database is written to a file: name it with --output"));
        return EXIT_CODE_USAGE;
    }
    if (o->whole && (o->format != FORMAT_JSONL || o->stretch || filter_names_any(&o->filter))) {
        report_error(_("a whole export is of JSON lines, and of all events"));
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = log_reader_open(&r, o->folder, o);
    if (code != EXIT_CODE_DONE)
        return code;
    if (!o->output)
        log_reader_prints(&r);
    code = o->output ? export_to_file(o, &r) : export_to(o, &r, stdout);
    reviewer_hint(o, r.replay.x);
    log_reader_close(&r);
    return code;
}
