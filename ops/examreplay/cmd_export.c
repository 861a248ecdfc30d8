/* cmd_export.c - `examreplay export FOLDER --format jsonl|csv`: every event, for other programs. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event_json.h"
#include "json_lines.h"
#include "log_reader.h"
#include "report.h"
#include "result_csv.h"
#include "whole_file.h"

/* Spreadsheets take a file for UTF-8 by it. */
static const char byte_order_mark[] = "\xEF\xBB\xBF";

struct exporting {
    const struct options *o;
    FILE *to;
    struct event_words words;
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
    json_t *event = json_of_event(x, at->event, e->o->sealed);
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
    if (e->err || !filter_fits(&e->o->filter, p->x, at, &e->words))
        return;
    e->err = e->o->format == FORMAT_CSV
                 ? csv_line(e, p->x, at)
                 : json_line(json_of_record(p->x, at, &e->words, e->o->sealed), e->to);
}

static enum exit_code export_to(const struct options *o, struct log_reader *r, FILE *to)
{
    static struct exporting e;
    const struct replay_hooks hooks = {.ctx = &e, .wants = wants, .seen = seen};
    e = (struct exporting){.o = o, .to = to};
    if (o->format == FORMAT_CSV)
        fprintf(to, "%slsn,epoch,site_ms,wall_ms,wall,kind,who,text,event\r\n", byte_order_mark);
    enum exit_code code = log_reader_show(r, moment_last_lsn(&o->filter.to), &hooks);
    if (code != EXIT_CODE_DONE || !e.err)
        return code;
    report_error("cannot write the output, or out of memory");
    return EXIT_CODE_INTERNAL;
}

static enum exit_code export_to_file(const struct options *o, struct log_reader *r)
{
    struct whole_file f;
    if (whole_file_open(o->output, &f)) {
        report_error("cannot write %s: %s", o->output, strerror(errno));
        return EXIT_CODE_INTERNAL;
    }
    enum exit_code code = export_to(o, r, f.stream);
    if (code != EXIT_CODE_DONE) {
        whole_file_abandon(&f);
        return code;
    }
    if (!whole_file_commit(&f))
        return EXIT_CODE_DONE;
    report_error("cannot write %s: %s", o->output, strerror(errno));
    return EXIT_CODE_INTERNAL;
}

enum exit_code cmd_export(const struct options *o)
{
    static struct log_reader r;
    enum exit_code code = log_reader_open(&r, o->folder, o);
    if (code != EXIT_CODE_DONE)
        return code;
    if (!o->output)
        log_reader_prints(&r);
    code = o->output ? export_to_file(o, &r) : export_to(o, &r, stdout);
    log_reader_close(&r);
    return code;
}
