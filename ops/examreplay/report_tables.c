#include "report_tables.h"

#include <inttypes.h>
#include <string.h>

#include "cause_words.h"
#include "duration.h"
#include "language.h"
#include "node_texts.h"
#include "reviewer_key.h"
#include "words.h"

enum {
    ACTS_AROUND_MS = 60 * 1000, /* told before and after an incident */
    ALIKE_TOLD_MAX = 3,         /* of a row of news of one kind each is told, or how many */
};

#define COLUMNS_OF(list) list, sizeof(list) / sizeof *(list)

static void span_cell(struct html *h, uint64_t ms)
{
    char text[DURATION_TEXT_BYTES];
    duration_format(ms, text);
    html_put(h, "td", "n", "%s", text);
}

static void clock_cell(const struct casebook *c, uint64_t site_ms, struct html *h)
{
    char text[SPAN_TEXT_BYTES];
    cause_clock(c->story, site_ms, false, text);
    html_put(h, "td", "k", "%s", text);
}

static void put_totals(const struct case_totals *t, struct html *h)
{
    html_put(h, "td", "n", "%" PRIu32, t->sittings);
    html_put(h, "td", "n", "%" PRIu32, t->interruptions);
    span_cell(h, t->least_ms);
    span_cell(h, t->most_ms);
    span_cell(h, t->lost_ms);
}

/* ---------------------------------------------------------------- causes */

static void put_cause_name(size_t no, const struct story_cause *cause, struct html *h)
{
    html_begin(h, "td", "");
    html_say(h, "%zu. %s", no, cause_title(cause->kind));
    if (cause->incident != 0)
        html_say(h, _(" (incident %" PRIu32 ")"), cause->incident);
    html_end(h);
}

void report_causes(const struct casebook *c, struct html *h)
{
    static const struct html_column columns[] = {
        {N_("Cause"), false},     {N_("From"), false},         {N_("To"), false},
        {N_("Candidates"), true}, {N_("Interruptions"), true}, {N_("Least"), true},
        {N_("Most"), true},       {N_("Lost in all"), true}};
    if (c->causes_n == 0)
        return;
    html_put(h, "h2", "", "%s", _("What it cost, by cause"));
    html_table_begin(h, COLUMNS_OF(columns));
    for (size_t i = 0; i < c->causes_n; i++) {
        const struct case_cause *of = &c->causes[i];
        html_begin(h, "tr", "");
        put_cause_name(i + 1, &of->cause, h);
        clock_cell(c, of->totals.from_ms, h);
        clock_cell(c, of->totals.to_ms, h);
        put_totals(&of->totals, h);
        html_end(h);
    }
    html_begin(h, "tr", "sum");
    html_put(h, "td", "", "%s", _("Together"));
    clock_cell(c, c->totals.from_ms, h);
    clock_cell(c, c->totals.to_ms, h);
    put_totals(&c->totals, h);
    html_end(h);
    html_table_end(h);
}

/* ---------------------------------------------------------------- rooms */

struct room {
    uint32_t candidates, interrupted;
    uint64_t lost_ms, most_ms;
};

static size_t room_of(const struct casebook *c, size_t from, struct room *r)
{
    size_t n = 0;
    *r = (struct room){.candidates = 0};
    while (from + n < c->sittings_n &&
           strcmp(c->sittings[from + n].view.room, c->sittings[from].view.room) == 0) {
        const struct case_sitting *s = &c->sittings[from + n++];
        r->candidates++;
        r->interrupted += s->n > 0;
        r->lost_ms += s->lost_ms;
        r->most_ms = s->lost_ms > r->most_ms ? s->lost_ms : r->most_ms;
    }
    return n;
}

void report_rooms(const struct casebook *c, struct html *h)
{
    static const struct html_column columns[] = {{N_("Room"), false},
                                                 {N_("Candidates"), true},
                                                 {N_("Interrupted"), true},
                                                 {N_("Most of one candidate"), true},
                                                 {N_("Lost in all"), true}};
    struct room r;
    if (c->totals.interruptions == 0)
        return;
    html_put(h, "h2", "", "%s", _("What it cost, by room"));
    html_table_begin(h, COLUMNS_OF(columns));
    for (size_t from = 0, n; from < c->sittings_n; from += n) {
        n = room_of(c, from, &r);
        if (c->incident != 0 && r.interrupted == 0)
            continue;
        html_begin(h, "tr", "");
        html_put(h, "td", "", "%s", c->sittings[from].view.room);
        html_put(h, "td", "n", "%" PRIu32, r.candidates);
        html_put(h, "td", "n", "%" PRIu32, r.interrupted);
        span_cell(h, r.most_ms);
        span_cell(h, r.lost_ms);
        html_end(h);
    }
    html_table_end(h);
}

/* ---------------------------------------------------------------- incidents */

static void put_incident(const struct casebook *c, uint32_t no, struct html *h)
{
    struct exam_incident_view in;
    char shown[NODE_TEXT_BYTES];
    exam_incident_view(c->x, no, &in);
    html_begin(h, "tr", "");
    html_put(h, "td", "n", "%" PRIu32, no);
    html_put(h, "td", "", "%s", _(word_of_incident_kind(in.kind)));
    html_put(h, "td", "", "%s%s%s", _(word_of_scope_kind(in.scope)),
             in.scope == EV__SCOPE_KIND__SCOPE_KIND_SITE ? "" : " ",
             in.scope == EV__SCOPE_KIND__SCOPE_KIND_SITE ? "" : in.scope_name);
    clock_cell(c, in.since_ms, h);
    if (in.open)
        html_put(h, "td", "", "%s", _("open"));
    else
        clock_cell(c, in.closed_ms, h);
    html_put(h, "td", "", _("%s (%s)"), node_text_shown(in.text, shown),
             in.who[0] ? in.who : _("observed by the server"));
    html_put(h, "td", "n", "%" PRIu32, in.interruptions);
    span_cell(h, in.lost_ms);
    html_end(h);
}

void report_incidents(const struct casebook *c, struct html *h)
{
    static const struct html_column columns[] = {
        {N_("No."), true},           {N_("Kind"), false},      {N_("Where"), false},
        {N_("Since"), false},        {N_("Until"), false},     {N_("What"), false},
        {N_("Interruptions"), true}, {N_("Lost in all"), true}};
    uint32_t n = exam_incidents(c->x);
    if (n == 0)
        return;
    html_put(h, "h2", "", "%s", _("Incidents"));
    html_table_begin(h, COLUMNS_OF(columns));
    for (uint32_t no = 1; no <= n; no++)
        if (c->incident == 0 || c->incident == no)
            put_incident(c, no, h);
    html_table_end(h);
}

/* ---------------------------------------------------------------- acts */

/* Interruptions have a table of their own, contacts and ends are no news. */
static bool is_news(const struct casebook *c, const struct story_act *a)
{
    struct exam_incident_view in;
    if (a->kind == EVENT_CONTACT || a->kind == EVENT_FINISH ||
        a->event == EV__EVENT__KIND_ATTACHED || a->event == EV__EVENT__KIND_CREDITED)
        return false;
    if (c->incident == 0)
        return true;
    exam_incident_view(c->x, c->incident, &in);
    uint64_t to_ms = in.open ? c->totals.to_ms : in.closed_ms;
    to_ms = c->totals.to_ms > to_ms ? c->totals.to_ms : to_ms;
    return a->site_ms + ACTS_AROUND_MS >= in.since_ms && a->site_ms <= to_ms + ACTS_AROUND_MS;
}

static void put_act(const struct casebook *c, const struct story_act *a, struct html *h)
{
    html_begin(h, "tr", "");
    html_put(h, "td", "n", "%" PRIu64, a->lsn);
    clock_cell(c, a->site_ms, h);
    html_put(h, "td", "", "%s", a->text);
    html_end(h);
}

/* What a dead branch gave comes by the thousand. */
static size_t alike(const struct story *s, size_t from)
{
    size_t n = 1;
    while (s->acts[from].kind == EVENT_RECOVERED && from + n < s->acts_n &&
           s->acts[from + n].kind == EVENT_RECOVERED)
        n++;
    return n;
}

static size_t put_acts_from(const struct casebook *c, size_t i, struct html *h)
{
    const struct story *s = c->story;
    size_t n = alike(s, i);
    if (!is_news(c, &s->acts[i]))
        return n;
    if (n <= ALIKE_TOLD_MAX) {
        for (size_t k = 0; k < n; k++)
            put_act(c, &s->acts[i + k], h);
        return n;
    }
    html_begin(h, "tr", "");
    html_put(h, "td", "n", "%" PRIu64, s->acts[i].lsn);
    clock_cell(c, s->acts[i].site_ms, h);
    html_put(h, "td", "",
             _("%zu records of a dead branch are taken in, or found to be superseded (A3), up to "
               "record %" PRIu64 "; the first: %s"),
             n, s->acts[i + n - 1].lsn, s->acts[i].text);
    html_end(h);
    return n;
}

void report_acts(const struct casebook *c, struct html *h)
{
    static const struct html_column columns[] = {
        {N_("Record"), true}, {N_("At"), false}, {N_("What"), false}};
    html_put(h, "h2", "", "%s", _("What happened, in order"));
    html_table_begin(h, COLUMNS_OF(columns));
    for (size_t i = 0; i < c->story->acts_n;)
        i += put_acts_from(c, i, h);
    html_table_end(h);
}

/* ---------------------------------------------------------------- candidates */

static void put_stretches(const struct casebook *c, const struct case_sitting *s, struct html *h)
{
    html_begin(h, "td", "");
    for (size_t i = 0; i < s->n; i++) {
        const struct case_interruption *in = &c->interruptions[s->first + i];
        const struct story_booked *b = story_booked(c->story, s->view.sitting, in->no);
        char from[SPAN_TEXT_BYTES], to[SPAN_TEXT_BYTES], lost[DURATION_TEXT_BYTES];
        cause_clock(c->story, case_lost_from_ms(&in->view), false, from);
        cause_clock(c->story, in->view.to_ms, false, to);
        duration_format(in->view.lost_ms, lost);
        html_put(h, "div", "line", _("%s to %s: %s, cause %zu, record %" PRIu64 "%s"), from, to,
                 lost, in->cause + 1, b ? b->lsn : 0, in->view.own_doing ? _(" (own doing)") : "");
    }
    html_end(h);
}

static void put_candidate(const struct casebook *c, const struct case_sitting *s, struct html *h)
{
    const struct exam_sitting_view *v = &s->view;
    struct case_without w = case_without_credits(&v->account);
    char name[PERSON_BYTES_MAX + 1];
    html_begin(h, "tr", "");
    html_put(h, "td", "k", "%s", v->seat);
    html_put(h, "td", "k", "%s", v->admission_no);
    html_put(h, "td", "k", "%s", reviewer_name(c->vault, v, name));
    put_stretches(c, s, h);
    span_cell(h, s->lost_ms);
    span_cell(h, v->account.used_ms);
    span_cell(h, v->account.left_ms);
    span_cell(h, w.left_ms);
    html_end(h);
}

static void put_sum(const struct casebook *c, struct html *h)
{
    html_begin(h, "tr", "sum");
    html_begin(h, "td", "");
    html_attribute(h, "colspan", "4");
    html_say(h, _("%" PRIu32 " candidates, %" PRIu32 " interruptions"), c->totals.sittings,
             c->totals.interruptions);
    html_end(h);
    span_cell(h, c->totals.lost_ms);
    html_put(h, "td", "", "%s", "");
    html_put(h, "td", "", "%s", "");
    html_put(h, "td", "", "%s", "");
    html_end(h);
}

void report_candidates(const struct casebook *c, struct html *h)
{
    static const struct html_column columns[] = {
        {N_("Seat"), false},        {N_("Admission no."), false},      {N_("Name"), false},
        {N_("Interrupted"), false}, {N_("Lost, given back"), true},    {N_("Used"), true},
        {N_("Left"), true},         {N_("Left without credits"), true}};
    if (c->totals.interruptions == 0)
        return;
    html_begin(h, "section", "sheet");
    html_put(h, "h2", "", "%s", _("Every candidate who was interrupted"));
    html_table_begin(h, COLUMNS_OF(columns));
    for (size_t i = 0; i < c->sittings_n; i++)
        if (c->sittings[i].n > 0)
            put_candidate(c, &c->sittings[i], h);
    put_sum(c, h);
    html_table_end(h);
    html_put(h, "p", "note", "%s",
             _("Used and left are those of the whole account, at the log's end. \"Left without "
               "credits\" is what the clock would have shown had nothing been given back. A "
               "stretch is told from where the screen was closed: up to then it is used (T6)."));
    html_end(h);
}
