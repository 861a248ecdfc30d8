/* cmd_timeline.c - `examreplay timeline FOLDER`: what happened, in the order of the log. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "duration.h"
#include "event_json.h"
#include "json_lines.h"
#include "language.h"
#include "log_reader.h"
#include "report.h"
#include "words.h"

enum { GROUP_WITHIN_MS = 60 * 1000 };

/* Seats that come back after one outage are one line: the same basis and incident, within a minute,
 * and nothing else between them. */
struct group {
    uint64_t first_lsn, last_lsn, last_ms;
    int64_t wall_ms;
    uint32_t n, incident;
    Ev__Basis basis;
    uint64_t least_ms, most_ms;
    char text[EVENT_TEXT_BYTES]; /* of the only one */
};

/* What a dead branch gave comes by the thousand: the first ones are told, the rest counted. */
enum { RECOVERED_TOLD = 3 };
struct recovered {
    uint64_t n, last_lsn; /* one after the other, so far */
    int64_t wall_ms;
};

struct timeline {
    const struct options *o;
    struct event_words words;
    struct group group;
    struct recovered recovered;
    char date[WALL_TEXT_BYTES];
    uint64_t lines;
    exam_err err;
};

/* ---------------------------------------------------------------- lines */

/* The date is a line of its own where it changes. */
static void print_line(struct timeline *t, uint64_t lsn, int64_t wall_ms, const char *text)
{
    char wall[WALL_TEXT_BYTES];
    wall_format(wall_ms, wall);
    if (strncmp(wall, t->date, 10) != 0)
        printf("%.10s\n", wall);
    memcpy(t->date, wall, sizeof t->date);
    printf("%9" PRIu64 "  %s  %s\n", lsn, strlen(wall) > 11 ? wall + 11 : wall, text);
    t->lines++;
}

static void group_end(struct timeline *t)
{
    struct group *g = &t->group;
    char least[DURATION_TEXT_BYTES], most[DURATION_TEXT_BYTES], text[EVENT_TEXT_BYTES];
    if (g->n == 0)
        return;
    duration_format(g->least_ms, least);
    duration_format(g->most_ms, most);
    int n =
        snprintf(text, sizeof text, _("%" PRIu32 " seats in contact again: credited %s%s%s (%s)"),
                 g->n, least, g->least_ms < g->most_ms ? _(" to ") : "",
                 g->least_ms < g->most_ms ? most : "", _(word_of_basis(g->basis)));
    if (g->incident != 0 && n > 0 && (size_t)n < sizeof text)
        snprintf(text + n, sizeof text - (size_t)n, _(" (incident %" PRIu32 ")"), g->incident);
    print_line(t, g->first_lsn, g->wall_ms, g->n > 1 ? text : g->text);
    g->n = 0;
}

static bool group_takes(const struct group *g, const struct replay_record *at)
{
    const Ev__Attached *e = at->event->attached;
    return g->n > 0 && g->basis == e->basis && g->incident == e->incident &&
           at->site_ms - g->last_ms <= GROUP_WITHIN_MS;
}

static void group_add(struct timeline *t, const struct replay_record *at)
{
    const Ev__Attached *e = at->event->attached;
    struct group *g = &t->group;
    if (!group_takes(g, at)) {
        group_end(t);
        *g = (struct group){.first_lsn = at->r->lsn,
                            .wall_ms = at->r->wall_ms,
                            .basis = e->basis,
                            .incident = e->incident,
                            .least_ms = e->lost_ms};
        memcpy(g->text, t->words.text, sizeof g->text);
    }
    g->n++;
    g->last_lsn = at->r->lsn;
    g->last_ms = at->site_ms;
    g->least_ms = e->lost_ms < g->least_ms ? e->lost_ms : g->least_ms;
    g->most_ms = e->lost_ms > g->most_ms ? e->lost_ms : g->most_ms;
}

static void recovered_end(struct timeline *t)
{
    struct recovered *r = &t->recovered;
    char text[EVENT_TEXT_BYTES];
    if (r->n > RECOVERED_TOLD) {
        snprintf(text, sizeof text,
                 _("... and %" PRIu64 " more records of dead branches up to here"),
                 r->n - RECOVERED_TOLD);
        print_line(t, r->last_lsn, r->wall_ms, text);
    }
    r->n = 0;
}

/* False: it is one of too many. */
static bool recovered_is_told(struct timeline *t, const struct replay_record *at)
{
    struct recovered *r = &t->recovered;
    r->n++;
    r->last_lsn = at->r->lsn;
    r->wall_ms = at->r->wall_ms;
    return r->n <= RECOVERED_TOLD;
}

static void tell(struct timeline *t, const struct replay_record *at)
{
    bool back = at->event->kind_case == EV__EVENT__KIND_ATTACHED;
    if (t->words.kind != EVENT_RECOVERED)
        recovered_end(t);
    if (back && t->words.kind == EVENT_INTERRUPTION) {
        group_add(t, at);
        return;
    }
    group_end(t);
    if (t->words.kind != EVENT_RECOVERED || recovered_is_told(t, at))
        print_line(t, at->r->lsn, at->r->wall_ms, t->words.text);
}

/* ---------------------------------------------------------------- records */

static bool wants(void *ctx, const struct replay_record *at)
{
    const struct timeline *t = ctx;
    (void)at;
    return !t->err;
}

static void seen(void *ctx, const struct replay *p, const struct replay_record *at)
{
    struct timeline *t = ctx;
    event_tell(p->x, at->event, &t->words);
    if (t->err || !filter_fits(&t->o->filter, p->x, at, &t->words))
        return;
    if (t->o->json) {
        t->err = json_line(json_of_record(p->x, at, &t->words, &t->o->shown), stdout);
        t->lines++;
    } else {
        tell(t, at);
    }
}

enum exit_code cmd_timeline(const struct options *o)
{
    static struct log_reader r;
    static struct timeline t;
    const struct replay_hooks hooks = {.ctx = &t, .wants = wants, .seen = seen};
    enum exit_code code = log_reader_open(&r, o->folder, o);
    if (code != EXIT_CODE_DONE)
        return code;
    t = (struct timeline){.o = o};
    log_reader_prints(&r);
    code = log_reader_show(&r, moment_last_lsn(&o->filter.to), &hooks);
    group_end(&t);
    recovered_end(&t);
    if (code == EXIT_CODE_DONE && t.err) {
        report_error(_("cannot write the output, or out of memory"));
        code = EXIT_CODE_INTERNAL;
    }
    if (code == EXIT_CODE_DONE && t.lines == 0 && !o->json)
        puts(_("Nothing of this kind is in the log."));
    log_reader_close(&r);
    return code;
}
