#include "report_page.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cause_words.h"
#include "chart.h"
#include "duration.h"
#include "json_output.h"
#include "language.h"
#include "moment.h"
#include "page_style.h"
#include "report_tables.h"

enum {
    CAUSES_TOLD_MAX = 8,        /* in words, those that cost most */
    CHARTS_MAX = 8,             /* of disturbances, those that cost most */
    AROUND_LEAST_MS = 5 * 1000, /* shown before and after one */
};

static const char *span(uint64_t ms, char out[DURATION_TEXT_BYTES])
{
    duration_format(ms, out);
    return out;
}

/* ---------------------------------------------------------------- the head */

/* NULL: the report is about several. */
static const char *only_batch(const struct casebook *c)
{
    for (size_t i = 1; i < c->sittings_n; i++)
        if (c->sittings[i].view.batch_no != c->sittings[0].view.batch_no)
            return NULL;
    return c->sittings[0].view.batch;
}

static void title_of(const struct report_page *p, char out[SPAN_TEXT_BYTES])
{
    if (p->c->incident != 0)
        snprintf(out, SPAN_TEXT_BYTES, _("Report on incident %" PRIu32), p->c->incident);
    else if (only_batch(p->c))
        snprintf(out, SPAN_TEXT_BYTES, _("Report on batch %s"), only_batch(p->c));
    else
        snprintf(out, SPAN_TEXT_BYTES, "%s", _("Report on the exam"));
}

static void put_about(const struct report_page *p, struct html *h)
{
    const struct filter *f = p->filter;
    char from[SPAN_TEXT_BYTES], to[SPAN_TEXT_BYTES], zone[16];
    time_t at = (time_t)(story_wall_ms(p->c->story, p->c->from_ms) / 1000);
    struct tm tm;
    if (!localtime_r(&at, &tm) || strftime(zone, sizeof zone, "%z", &tm) == 0)
        zone[0] = '\0';
    cause_clock(p->c->story, p->c->from_ms, true, from);
    cause_clock(p->c->story, p->c->to_ms, true, to);
    html_begin(h, "p", "sub");
    html_say(h, _("%s. From %s to %s, by the servers' calendars (UTC%s)."), exam_site_name(p->c->x),
             from, to, zone);
    if (f->room)
        html_say(h, _(" Only room %s."), f->room);
    if (f->seat)
        html_say(h, _(" Only seat %s."), f->seat);
    if (f->sitting)
        html_say(h, _(" Only the candidate %s."), f->sitting);
    html_end(h);
}

static void tile(struct html *h, const char *label, const char *figure)
{
    html_begin(h, "div", "tile");
    html_put(h, "b", "", "%s", figure);
    html_put(h, "span", "", "%s", label);
    html_end(h);
}

static uint32_t decisions(const struct story *s)
{
    uint32_t n = 0;
    for (size_t i = 0; i < s->acts_n; i++)
        n += s->acts[i].kind == EVENT_DECISION &&
             s->acts[i].event != EV__EVENT__KIND_INTERRUPTION_LIMIT_REACHED &&
             s->acts[i].event != EV__EVENT__KIND_COMMAND_SIGNED;
    return n;
}

static void put_tiles(const struct casebook *c, struct html *h)
{
    char text[64];
    html_begin(h, "div", "tiles");
    snprintf(text, sizeof text, "%zu", c->sittings_n);
    tile(h, _("candidates"), text);
    snprintf(text, sizeof text, "%" PRIu32, c->totals.sittings);
    tile(h, _("of them were interrupted"), text);
    tile(h, _("lost in all, and given back"), span(c->totals.lost_ms, text));
    tile(h, _("most that one candidate lost"), span(c->most_lost_ms, text));
    snprintf(text, sizeof text, "%" PRIu32, decisions(c->story));
    tile(h, _("decisions of persons"), text);
    html_end(h);
}

/* ---------------------------------------------------------------- in short */

static void put_batch(const struct report_page *p, uint32_t no, struct html *h)
{
    struct exam_batch_view b;
    char allot[DURATION_TEXT_BYTES];
    exam_batch_view(p->c->x, no, exam_last_ms(p->c->x), &b);
    if (b.superseded || (p->filter->batch && strcmp(p->filter->batch, b.batch) != 0))
        return;
    html_begin(h, "li", "");
    html_say(h,
             _("Batch %s%s%s: %" PRIu32 " candidates with %s each; %" PRIu32 " signed in, %" PRIu32
               " submitted, %" PRIu32 " used their time up, %" PRIu32 " were absent, %" PRIu32
               " were closed by the collection, %" PRIu32 " were postponed."),
             b.batch, b.title[0] ? _(", ") : "", b.title, b.sittings, span(b.allot_ms, allot),
             b.signed_in, b.submitted, b.timed_out, b.absent, b.closed, b.postponed);
    html_end(h);
}

static void put_effect(const struct casebook *c, const struct case_totals *t, struct html *h)
{
    char total[DURATION_TEXT_BYTES], spans[SPAN_TEXT_BYTES];
    cause_spans(t->least_ms, t->most_ms, spans);
    html_say(h,
             _(" %" PRIu32 " of %zu candidates were interrupted by it, for %s each time, and "
               "for %s in all. Each got back exactly that."),
             t->sittings, c->sittings_n, spans, span(t->lost_ms, total));
}

static void put_cause(const struct casebook *c, size_t i, struct html *h)
{
    char text[CAUSE_TEXT_BYTES];
    cause_tell(c, &c->causes[i].cause, text);
    html_begin(h, "li", "");
    html_put(h, "b", "", _("%zu. %s. "), i + 1, cause_title(c->causes[i].cause.kind));
    html_say(h, "%s", text);
    put_effect(c, &c->causes[i].totals, h);
    html_end(h);
}

/* The cause is one of those that cost most. */
static bool is_cause_told(const struct casebook *c, size_t i)
{
    size_t dearer = 0;
    for (size_t j = 0; j < c->causes_n; j++) {
        uint64_t other_ms = c->causes[j].totals.lost_ms, own_ms = c->causes[i].totals.lost_ms;
        dearer += other_ms > own_ms || (other_ms == own_ms && j < i);
    }
    return dearer < CAUSES_TOLD_MAX;
}

static void put_causes_told(const struct casebook *c, struct html *h)
{
    uint64_t rest_ms = 0;
    char rest[DURATION_TEXT_BYTES];
    for (size_t i = 0; i < c->causes_n; i++)
        if (is_cause_told(c, i))
            put_cause(c, i, h);
        else
            rest_ms += c->causes[i].totals.lost_ms;
    if (c->causes_n > CAUSES_TOLD_MAX)
        html_put(h, "li", "",
                 _("%zu more causes, each with a smaller loss, cost %s in all: see the table of "
                   "causes."),
                 c->causes_n - CAUSES_TOLD_MAX, span(rest_ms, rest));
}

static bool interrupted_somebody(const struct casebook *c, const struct story_dark *d)
{
    for (size_t i = 0; i < c->causes_n; i++)
        if (c->causes[i].cause.dark == d)
            return true;
    return false;
}

/* Within the grace of T6 nobody is locked: that is worth telling, too. */
static void put_harmless(const struct casebook *c, struct html *h)
{
    for (size_t i = 0; c->incident == 0 && i < c->story->darks_n; i++) {
        const struct story_dark *d = &c->story->darks[i];
        char text[CAUSE_TEXT_BYTES];
        if (interrupted_somebody(c, d) || d->to_ms < c->from_ms || d->from_ms > c->to_ms)
            continue;
        cause_tell_dark(c->story, d, text);
        html_begin(h, "li", "");
        html_say(h, "%s", text);
        html_say(h, "%s",
                 _(" Nobody lost time by it: screens stayed open, and what was answered meanwhile "
                   "was handed in (T6)."));
        html_end(h);
    }
}

static void put_short(const struct report_page *p, struct html *h)
{
    const struct casebook *c = p->c;
    html_put(h, "h2", "", "%s", _("What happened, in short"));
    html_begin(h, "ul", "");
    for (uint32_t i = 1; i <= exam_batches(c->x); i++)
        put_batch(p, i, h);
    put_causes_told(c, h);
    put_harmless(c, h);
    html_end(h);
    if (c->totals.interruptions == 0)
        html_put(h, "p", "", "%s", _("No candidate was interrupted: nobody lost time."));
}

/* ---------------------------------------------------------------- charts */

static void put_figure(const struct casebook *c, uint64_t from_ms, uint64_t to_ms, bool seats,
                       const char *caption, struct html *h)
{
    const struct chart chart = {
        .c = c, .from_ms = from_ms, .to_ms = to_ms, .seats = seats, .label = caption};
    html_begin(h, "figure", "");
    chart_draw(&chart, h);
    html_put(h, "figcaption", "", "%s", caption);
    html_end(h);
}

/* The disturbance is one of those that cost most. */
static bool is_charted(const struct casebook *c, size_t i)
{
    size_t dearer = 0;
    for (size_t j = 0; j < c->disturbances_n; j++)
        dearer += c->disturbances[j].lost_ms > c->disturbances[i].lost_ms ||
                  (c->disturbances[j].lost_ms == c->disturbances[i].lost_ms && j < i);
    return dearer < CHARTS_MAX;
}

static void put_disturbance(const struct casebook *c, size_t i, struct html *h)
{
    const struct case_disturbance *d = &c->disturbances[i];
    uint64_t around_ms = (d->to_ms - d->from_ms) / 8;
    char from[SPAN_TEXT_BYTES], to[SPAN_TEXT_BYTES], lost[DURATION_TEXT_BYTES], caption[256];
    around_ms = around_ms > AROUND_LEAST_MS ? around_ms : AROUND_LEAST_MS;
    cause_clock(c->story, d->from_ms, false, from);
    cause_clock(c->story, d->to_ms, false, to);
    snprintf(caption, sizeof caption,
             _("From %s to %s: %" PRIu32 " interruptions, %s lost and given back."), from, to,
             d->interruptions, span(d->lost_ms, lost));
    put_figure(c, d->from_ms > around_ms ? d->from_ms - around_ms : 0, d->to_ms + around_ms, true,
               caption, h);
}

static void put_charts(const struct casebook *c, struct html *h)
{
    html_put(h, "h2", "", "%s", _("When it happened"));
    chart_legend(c, h);
    put_figure(c, c->from_ms, c->to_ms, false,
               _("The whole stretch: servers, and of each room how many of its candidates were "
                 "interrupted (at the right: how many of how many)."),
               h);
    for (size_t i = 0; i < c->disturbances_n; i++)
        if (is_charted(c, i))
            put_disturbance(c, i, h);
    if (c->disturbances_n > CHARTS_MAX)
        html_put(h, "p", "note",
                 _("%zu more stretches with shorter interruptions have no drawing of their own; "
                   "the tables have all of them."),
                 c->disturbances_n - CHARTS_MAX);
}

/* ---------------------------------------------------------------- the end */

static void put_epochs(const struct report_page *p, struct html *h)
{
    static const struct html_column columns[] = {{N_("Epoch"), true},
                                                 {N_("Server"), false},
                                                 {N_("From record"), true},
                                                 {N_("At"), false},
                                                 {N_("Hash of that record"), false}};
    const struct roles *r = &p->proof->roles;
    html_table_begin(h, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < r->epochs_n; i++) {
        const struct role_epoch *e = &r->epochs[i];
        char wall[WALL_TEXT_BYTES], hash[2 * HEX_BYTES_MAX + 1];
        wall_format(e->wall_ms, wall);
        hex_format(e->hash, HASH_BYTES, hash);
        html_begin(h, "tr", "");
        html_put(h, "td", "n", "%" PRIu64, e->epoch);
        html_put(h, "td", "", "%s", e->node);
        html_put(h, "td", "n", "%" PRIu64, e->lsn);
        html_put(h, "td", "k", "%s", wall);
        html_begin(h, "td", "");
        html_put(h, "code", "", "%s", hash);
        html_end(h);
        html_end(h);
    }
    html_table_end(h);
}

/* As `examreplay verify` prints it, signatures included. */
static void put_verdict(const struct proof *proof, struct html *h)
{
    char *text = NULL, *line, *rest;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    if (!f)
        return;
    proof_print_verdict(proof, f);
    proof_print_details(proof, f);
    if (fclose(f) == 0) {
        html_begin(h, "pre", "");
        for (rest = text; (line = strsep(&rest, "\n"));)
            html_line(h, line);
        html_end(h);
    }
    free(text);
}

void report_page_proof(const struct report_page *p, struct html *h)
{
    const struct replay *r = &p->proof->reader.replay;
    char hash[2 * HEX_BYTES_MAX + 1], site[2 * HEX_BYTES_MAX + 1];
    hex_format(r->hash, HASH_BYTES, hash);
    hex_format(exam_site_id(r->x), SITE_ID_BYTES, site);
    html_begin(h, "p", "");
    html_say(h,
             _("All of this follows from records 1 to %" PRIu64
               " of the log of the site %s (%s). Their hash chain is whole, and every account was "
               "reckoned anew from them: allotted + granted = used + left, and what has passed = "
               "used + lost. The hash of the last record is "),
             r->lsn, exam_site_name(r->x), site);
    html_put(h, "code", "", "%s", hash);
    html_say(h, "%s", _("."));
    html_end(h);
    html_put(
        h, "p", "note", "%s",
        _("Whoever has a copy of a server's data folder can check it with `examreplay verify`, "
          "and two servers' folders against each other."));
}

static void put_proof(const struct report_page *p, struct html *h)
{
    html_begin(h, "section", "sheet");
    html_put(h, "h2", "", "%s", _("What proves it"));
    report_page_proof(p, h);
    put_epochs(p, h);
    put_verdict(p->proof, h);
    html_end(h);
}

static void put_words(struct html *h)
{
    static const char *const words[][2] = {
        {N_("used"), N_("the time in which the candidate could answer; nothing else is")},
        {N_("lost time"),
         N_("what passed without being usable; it is given back, to the millisecond")},
        {N_("granted"), N_("what a person added, with a reason (T9)")},
        {N_("mark"),
         N_("each second a server notes durably how much each candidate has used (T3)")},
        {N_("grace"), N_("so long a screen stays open without a server; answers made then count, "
                         "and so does the time (T6)")},
        {N_("epoch"), N_("every time that a server begins to serve, a new one begins (W1)")},
        {N_("record"), N_("one entry of the log, by its number")},
    };
    html_put(h, "h2", "", "%s", _("Words"));
    html_begin(h, "table", "facts");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        html_begin(h, "tr", "");
        html_put(h, "th", "", "%s", _(words[i][0]));
        html_put(h, "td", "", "%s", _(words[i][1]));
        html_end(h);
    }
    html_end(h);
}

exam_err report_page_write(const struct report_page *p, FILE *to)
{
    const struct casebook *c = p->c;
    char title[SPAN_TEXT_BYTES];
    struct html h;
    title_of(p, title);
    exam_err err = html_open(&h, to, language_tag(), title, page_style);
    if (err)
        return err;
    html_put(&h, "h1", "", "%s", title);
    put_about(p, &h);
    put_tiles(c, &h);
    put_short(p, &h);
    put_charts(c, &h);
    report_causes(c, &h);
    report_rooms(c, &h);
    report_incidents(c, &h);
    report_acts(c, &h);
    report_candidates(c, &h);
    put_words(&h);
    put_proof(p, &h);
    return html_close(&h);
}
