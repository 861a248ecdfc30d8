#include "chart.h"

#include <inttypes.h>
#include <string.h>

#include "language.h"
#include "moment.h"

/* In the drawing's own units; as wide as the page. */
enum {
    WIDTH = 1000,
    LEFT = 92, /* names stand there */
    RIGHT = 990,
    AXIS_HEIGHT = 24,
    LANE = 16,
    GAP = 6,
    SEATS_MAX = 640, /* rows that are still seen, and fit on one sheet */
    SEATS_NAMED_MAX = 60,
    TICKS_MAX = 8,
    NAMES_MAX = 16,
};

static const double bar_min = 1.2; /* what is shorter would not be seen */

struct drawing {
    const struct chart *chart;
    struct html *h;
    double y, row; /* of a seat */
    bool seats, named;
};

static double x_of(const struct chart *c, uint64_t site_ms)
{
    double of = (double)(c->to_ms - c->from_ms);
    double at = site_ms <= c->from_ms ? 0 : (double)(site_ms - c->from_ms);
    at = at > of ? of : at;
    return LEFT + at / of * (RIGHT - LEFT);
}

uint64_t chart_tick_ms(uint64_t stretch_ms, unsigned ticks_max)
{
    static const uint32_t seconds[] = {1,   2,   5,   10,   15,   30,   60,    120,
                                       300, 600, 900, 1800, 3600, 7200, 14400, 28800};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
        if (stretch_ms / ticks_max < (uint64_t)seconds[i] * 1000)
            return (uint64_t)seconds[i] * 1000;
    return (stretch_ms / ticks_max / 86400000 + 1) * 86400000;
}

const char *chart_class_of(enum story_cause_kind kind)
{
    static const char *const classes[] = {
        [STORY_CAUSE_SEAT] = "seat",         [STORY_CAUSE_SERVER] = "server",
        [STORY_CAUSE_PAUSE] = "pause",       [STORY_CAUSE_SUSPENDED] = "suspended",
        [STORY_CAUSE_REOPENED] = "reopened",
    };
    return classes[kind];
}

/* ---------------------------------------------------------------- pieces */

static void rect(struct drawing *d, const char *css_class, double x, double y, double w,
                 double tall)
{
    html_begin(d->h, "rect", css_class);
    html_attribute(d->h, "x", "%.2f", x);
    html_attribute(d->h, "y", "%.2f", y);
    html_attribute(d->h, "width", "%.2f", w);
    html_attribute(d->h, "height", "%.2f", tall);
    html_end(d->h);
}

static void bar(struct drawing *d, const char *css_class, uint64_t from_ms, uint64_t to_ms,
                double y, double tall)
{
    double x = x_of(d->chart, from_ms), w = x_of(d->chart, to_ms) - x;
    if (to_ms < d->chart->from_ms || from_ms > d->chart->to_ms)
        return;
    rect(d, css_class, x, y, w < bar_min ? bar_min : w, tall);
}

static void words(struct drawing *d, const char *css_class, double x, double y, const char *text)
{
    html_begin(d->h, "text", css_class);
    html_attribute(d->h, "x", "%.2f", x);
    html_attribute(d->h, "y", "%.2f", y);
    html_say(d->h, "%s", text);
    html_end(d->h);
}

static void axis(struct drawing *d, double height)
{
    const struct chart *c = d->chart;
    uint64_t tick_ms = chart_tick_ms(c->to_ms - c->from_ms, TICKS_MAX);
    int64_t wall_ms = story_wall_ms(c->c->story, c->from_ms);
    uint64_t first_ms =
        c->from_ms + tick_ms - 1 - (uint64_t)(wall_ms + (int64_t)tick_ms - 1) % tick_ms;
    for (uint64_t at_ms = first_ms; at_ms <= c->to_ms; at_ms += tick_ms) {
        char wall[WALL_TEXT_BYTES];
        double x = x_of(c, at_ms);
        wall_format(story_wall_ms(c->c->story, at_ms), wall);
        wall[strlen("2026-05-16 10:30:15")] = '\0';
        rect(d, "tick", x, AXIS_HEIGHT - 6, 0.6, height - AXIS_HEIGHT + 6);
        words(d, "time", x, AXIS_HEIGHT - 10, strlen(wall) > 11 ? wall + 11 : wall);
    }
}

/* ---------------------------------------------------------------- servers */

static const char *class_of_role(enum story_role_kind kind)
{
    return kind == STORY_SERVES ? "serves" : "standby";
}

/* The first instant after role i at which it is over: something else of this node, or another
 * epoch, before which nobody served. */
static uint64_t role_end(const struct story *s, size_t i)
{
    const struct story_role *r = &s->roles[i];
    for (size_t j = i + 1; j < s->roles_n; j++) {
        const struct story_role *next = &s->roles[j];
        if (next->kind != STORY_SERVES && strcmp(next->node, r->node) == 0)
            return next->site_ms;
        for (size_t k = 0; next->kind == STORY_SERVES && k < s->darks_n; k++)
            if (s->darks[k].to_ms == next->site_ms)
                return r->kind == STORY_SERVES ? s->darks[k].from_ms : s->darks[k].to_ms;
    }
    return s->last_ms;
}

static void server_lane(struct drawing *d, const char *node)
{
    const struct story *s = d->chart->c->story;
    words(d, "lane", LEFT - 8, d->y + LANE - 4, node);
    rect(d, "floor", LEFT, d->y, RIGHT - LEFT, LANE);
    for (size_t i = 0; i < s->roles_n; i++)
        if (s->roles[i].kind != STORY_LOST && strcmp(s->roles[i].node, node) == 0)
            bar(d, class_of_role(s->roles[i].kind), s->roles[i].site_ms, role_end(s, i), d->y,
                LANE);
    d->y += LANE + GAP;
}

static void server_lanes(struct drawing *d)
{
    const struct story *s = d->chart->c->story;
    const char *names[NAMES_MAX];
    double top = d->y;
    size_t n = 0, k;
    for (size_t i = 0; i < s->roles_n && n < NAMES_MAX; i++) {
        for (k = 0; k < n && strcmp(names[k], s->roles[i].node) != 0; k++)
            ;
        if (k == n)
            names[n++] = s->roles[i].node;
    }
    for (k = 0; k < n; k++)
        server_lane(d, names[k]);
    for (k = 0; k < s->darks_n; k++)
        if (s->darks[k].to_ms > s->darks[k].from_ms)
            bar(d, "dark", s->darks[k].from_ms, s->darks[k].to_ms, top, d->y - top - GAP);
}

/* ---------------------------------------------------------------- rooms */

static void interruption_bars(struct drawing *d, const struct case_sitting *s, const char *suffix,
                              double y, double tall)
{
    const struct casebook *c = d->chart->c;
    for (size_t i = 0; i < s->n; i++) {
        const struct case_interruption *in = &c->interruptions[s->first + i];
        char css_class[32];
        snprintf(css_class, sizeof css_class, "%s%s",
                 chart_class_of(c->causes[in->cause].cause.kind), suffix);
        bar(d, css_class, case_lost_from_ms(&in->view), in->view.to_ms, y, tall);
    }
}

static void seat_row(struct drawing *d, const struct case_sitting *s)
{
    const struct exam_sitting_view *v = &s->view;
    uint64_t end_ms = v->finish != EV__FINISH__FINISH_NONE ? v->finish_ms : d->chart->to_ms;
    if (v->begun)
        bar(d, "sat", v->begin_ms, end_ms, d->y, d->row * 0.86);
    interruption_bars(d, s, "", d->y, d->row * 0.86);
    if (d->named)
        words(d, "seatname", LEFT - 8, d->y + d->row * 0.8, v->seat);
    d->y += d->row;
}

static bool touches(const struct drawing *d, const struct case_sitting *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct exam_interruption_view *in = &d->chart->c->interruptions[s->first + i].view;
        if (in->from_ms <= d->chart->to_ms && in->to_ms >= d->chart->from_ms)
            return true;
    }
    return false;
}

static uint32_t touched_of(const struct drawing *d, size_t from, size_t n)
{
    uint32_t touched = 0;
    for (size_t i = 0; i < n; i++)
        touched += touches(d, &d->chart->c->sittings[from + i]);
    return touched;
}

/* The seats of one room stand together in the book: from..n. How dark the lane is, is how many of
 * them were interrupted; where nobody was, there is nothing to see of seats. */
static void room_lane(struct drawing *d, size_t from, size_t n)
{
    const struct case_sitting *s = &d->chart->c->sittings[from];
    char css_class[32];
    uint32_t touched = touched_of(d, from, n);
    words(d, "lane", LEFT - 8, d->y + LANE - 4, s->view.room);
    rect(d, "floor", LEFT, d->y, RIGHT - LEFT, LANE);
    html_begin(d->h, "g", "");
    html_attribute(d->h, "fill-opacity", "%.3f", n > 0 ? 1.0 / (double)n + 0.02 : 1);
    for (size_t i = 0; i < n; i++)
        interruption_bars(d, &s[i], " share", d->y, LANE);
    html_end(d->h);
    if (touched > 0) {
        snprintf(css_class, sizeof css_class, "%" PRIu32 "/%zu", touched, n);
        words(d, "count", RIGHT - 4, d->y + LANE - 4, css_class);
    }
    bool seats = d->seats && touched > 0;
    d->y += LANE + (seats ? 2 : GAP);
    for (size_t i = 0; seats && i < n; i++)
        seat_row(d, &s[i]);
    d->y += seats ? GAP : 0;
}

static size_t room_size(const struct casebook *c, size_t from)
{
    size_t n = 1;
    while (from + n < c->sittings_n &&
           strcmp(c->sittings[from + n].view.room, c->sittings[from].view.room) == 0)
        n++;
    return n;
}

static void room_lanes(struct drawing *d)
{
    const struct casebook *c = d->chart->c;
    for (size_t from = 0; from < c->sittings_n;) {
        size_t n = room_size(c, from);
        room_lane(d, from, n);
        from += n;
    }
}

/* ---------------------------------------------------------------- the whole */

static double row_height(size_t seats)
{
    if (seats <= SEATS_NAMED_MAX)
        return 10;
    return seats <= 160 ? 4 : seats <= 320 ? 2.4 : 1.6;
}

static double height_of(const struct drawing *d)
{
    const struct casebook *c = d->chart->c;
    const struct story *s = c->story;
    double height = AXIS_HEIGHT + 4;
    size_t nodes = 0;
    for (size_t i = 0; i < s->roles_n; i++) {
        size_t k = 0;
        while (k < i && strcmp(s->roles[k].node, s->roles[i].node) != 0)
            k++;
        nodes += k == i && nodes < NAMES_MAX;
    }
    height += (double)(nodes * (LANE + GAP));
    for (size_t from = 0, n; from < c->sittings_n; from += n) {
        n = room_size(c, from);
        bool seats = d->seats && touched_of(d, from, n) > 0;
        height += LANE + GAP + (seats ? 2 + d->row * (double)n : 0);
    }
    return height;
}

void chart_draw(const struct chart *chart, struct html *h)
{
    struct drawing d = {.chart = chart, .h = h, .y = AXIS_HEIGHT + 2};
    size_t seats = chart->c->sittings_n;
    d.seats = chart->seats && seats <= SEATS_MAX;
    d.named = d.seats && seats <= SEATS_NAMED_MAX;
    d.row = row_height(seats);
    if (chart->to_ms <= chart->from_ms)
        return;
    double height = height_of(&d);
    html_begin(h, "svg", "chart");
    html_attribute(h, "xmlns", "http://www.w3.org/2000/svg");
    html_attribute(h, "viewBox", "0 0 %d %.1f", WIDTH, height);
    html_attribute(h, "role", "img");
    html_attribute(h, "aria-label", "%s", chart->label);
    axis(&d, height);
    server_lanes(&d);
    room_lanes(&d);
    html_end(h);
}

/* ---------------------------------------------------------------- the legend */

static void legend_entry(struct html *h, const char *css_class, const char *text)
{
    html_begin(h, "span", "entry");
    html_begin(h, "svg", "swatch");
    html_attribute(h, "viewBox", "0 0 14 10");
    html_begin(h, "rect", css_class);
    html_attribute(h, "width", "14");
    html_attribute(h, "height", "10");
    html_end(h);
    html_end(h);
    html_say(h, "%s", text);
    html_end(h);
}

static bool has_cause(const struct casebook *c, enum story_cause_kind kind)
{
    for (size_t i = 0; i < c->causes_n; i++)
        if (c->causes[i].cause.kind == kind)
            return true;
    return false;
}

void chart_legend(const struct casebook *c, struct html *h)
{
    static const char *const causes[] = {
        [STORY_CAUSE_SEAT] = N_("interrupted: the seat was out of contact"),
        [STORY_CAUSE_SERVER] = N_("interrupted: no server served"),
        [STORY_CAUSE_PAUSE] = N_("interrupted: paused by a person"),
        [STORY_CAUSE_SUSPENDED] = N_("interrupted: suspended, no power"),
        [STORY_CAUSE_REOPENED] = N_("between the time-out and a grant"),
    };
    html_begin(h, "p", "legend");
    legend_entry(h, "serves", _("serves"));
    legend_entry(h, "standby", _("standby in sync"));
    if (c->story->darks_n > 0)
        legend_entry(h, "dark", _("nobody serves"));
    legend_entry(h, "sat", _("the exam, at this seat"));
    for (enum story_cause_kind kind = 0; kind < sizeof causes / sizeof *causes; kind++)
        if (has_cause(c, kind))
            legend_entry(h, chart_class_of(kind), _(causes[kind]));
    html_end(h);
}
