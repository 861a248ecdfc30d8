#include "step_model.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_views.h"
#include "casebook.h"
#include "duration.h"
#include "exit_code.h"
#include "language.h"
#include "moment.h"
#include "node_texts.h"
#include "report.h"
#include "reviewer_key.h"

/* ---------------------------------------------------------------- places */

static void place_add(struct step_places *p, uint64_t lsn)
{
    if (p->n == p->max) {
        p->max = p->max ? 2 * p->max : 256;
        uint64_t *more = realloc(p->list, p->max * sizeof *more);
        if (!more) {
            report_error(_("out of memory"));
            exit(EXIT_CODE_INTERNAL);
        }
        p->list = more;
    }
    p->list[p->n++] = lsn;
}

static bool is_news(enum event_kind kind)
{
    return kind != EVENT_MARK && kind != EVENT_ANSWER && kind != EVENT_IMPORT &&
           kind != EVENT_CONTACT && kind != EVENT_RECOVERED;
}

void step_note(struct step *s, const struct replay_record *at, enum event_kind kind)
{
    s->last_lsn = at->r->lsn;
    if (is_news(kind))
        place_add(&s->news, at->r->lsn);
    if (at->event->kind_case == EV__EVENT__KIND_INCIDENT_OPENED)
        place_add(&s->incidents, at->r->lsn);
}

void step_note_own(struct step *s, const struct replay_record *at)
{
    size_t n;
    const uint32_t *sittings = event_sittings(at->event, &n);
    if (at->event->kind_case == EV__EVENT__KIND_MARKED)
        return;
    for (size_t i = 0; i < n; i++)
        if (sittings[i] == s->followed) {
            place_add(&s->own, at->r->lsn);
            return;
        }
}

void step_fini(struct step *s)
{
    free(s->news.list);
    free(s->incidents.list);
    free(s->own.list);
}

/* ---------------------------------------------------------------- moves */

static uint64_t next_of(const struct step_places *p, uint64_t lsn)
{
    size_t low = 0, high = p->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->list[middle] <= lsn)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p->n ? p->list[low] : lsn;
}

static uint64_t previous_of(const struct step_places *p, uint64_t lsn)
{
    size_t low = 0, high = p->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->list[middle] < lsn)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? p->list[low - 1] : lsn;
}

uint64_t step_target(const struct step *s, enum step_move move, uint64_t lsn)
{
    switch (move) {
    case STEP_NEXT:
        if (s->followed != 0)
            return next_of(&s->own, lsn);
        return lsn < s->last_lsn ? lsn + 1 : lsn;
    case STEP_PREVIOUS:
        if (s->followed != 0)
            return previous_of(&s->own, lsn);
        return lsn > 1 ? lsn - 1 : lsn;
    case STEP_NEXT_NEWS:
        return next_of(&s->news, lsn);
    case STEP_PREVIOUS_NEWS:
        return previous_of(&s->news, lsn);
    case STEP_NEXT_INCIDENT:
        return next_of(&s->incidents, lsn);
    case STEP_PREVIOUS_INCIDENT:
        return previous_of(&s->incidents, lsn);
    case STEP_FIRST:
        return 1;
    default:
        return s->last_lsn;
    }
}

void step_room(struct step *s, const exam *x, bool back)
{
    const char *room, *seat, *before = NULL, *first = NULL;
    uint32_t sitting;
    bool passed = false;
    for (uint32_t i = 1; i <= exam_seats(x); i++) {
        exam_seat_view(x, i, &room, &seat, &sitting);
        first = first ? first : room;
        bool shown = strcmp(room, s->room) == 0;
        if (back && shown)
            break;
        if (!back && passed && !shown) {
            before = room;
            break;
        }
        passed |= shown;
        if (back)
            before = room;
    }
    if (!before && (back || passed))
        return; /* the first, or the last */
    if (before || first)
        snprintf(s->room, sizeof s->room, "%s", before ? before : first);
}

void step_room_of_followed(struct step *s, const exam *x)
{
    struct exam_sitting_view v;
    if (s->followed < 1 || s->followed > exam_sittings(x))
        return;
    exam_sitting_view(x, s->followed, exam_last_ms(x), &v);
    snprintf(s->room, sizeof s->room, "%s", v.room);
}

/* ---------------------------------------------------------------- the screen */

enum {
    TEXT_BYTES = 512,
    HEAD_ROWS = 5,
    FOOT_ROWS = 3,
    CELL_COLUMNS = 15, /* "R01-01  47:32 a" without the room */
    SHORT_BYTES = 24,
};

__attribute__((format(printf, 5, 6))) static void
put(const struct step_canvas *c, int row, int column, enum step_look look, const char *format, ...)
{
    char text[TEXT_BYTES];
    va_list args;
    if (row < 0 || row >= c->rows || column >= c->columns)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c->put(c->ctx, row, column, look, false, text);
}

static void draw_head(const struct step *s, const struct step_view *v, const struct step_canvas *c)
{
    char wall[WALL_TEXT_BYTES], site[DURATION_TEXT_BYTES];
    const struct role_epoch *e = roles_newest(v->roles);
    wall_format(v->wall_ms, wall);
    duration_format(v->site_ms, site);
    put(c, 0, 0, STEP_HEAD, _("record %" PRIu64 " of %" PRIu64 "  %s  +%s  %s"), v->lsn,
        s->last_lsn, wall, site, exam_site_name(v->x) ? exam_site_name(v->x) : "");
    put(c, 1, 0, STEP_PLAIN, "%s", v->text);
    if (e)
        put(c, 2, 0, STEP_PLAIN, _("%s serves, epoch %" PRIu64 ", %s"), e->node, e->epoch,
            v->roles->solo ? _("solo") : _("dual"));
}

static void draw_incidents(const struct step_view *v, const struct step_canvas *c)
{
    struct exam_incident_view in;
    char shown[NODE_TEXT_BYTES];
    for (uint32_t i = exam_incidents(v->x); i >= 1; i--) {
        exam_incident_view(v->x, i, &in);
        if (!in.open)
            continue;
        put(c, 3, 0, STEP_LOST, _("incident %" PRIu32 " is open: %s"), i,
            node_text_shown(in.text, shown));
        return;
    }
}

static enum step_look look_of(const struct exam_sitting_view *v)
{
    switch (v->state) {
    case EXAM_SITTING_FINISHED:
        return STEP_FINISHED;
    case EXAM_SITTING_EXPECTED:
        return STEP_EXPECTED;
    case EXAM_SITTING_LOST:
        return STEP_LOST;
    case EXAM_SITTING_PAUSED:
        return STEP_PAUSED;
    default:
        return STEP_ANSWERING;
    }
}

/* Without colours, too: a letter. */
static char letter_of(enum step_look look)
{
    static const char letters[STEP_LOOKS] = {
        [STEP_PLAIN] = ' ', [STEP_HEAD] = ' ',     [STEP_ANSWERING] = 'a', [STEP_PAUSED] = 'P',
        [STEP_LOST] = 'L',  [STEP_EXPECTED] = '-', [STEP_FINISHED] = 'F',  [STEP_EMPTY] = ' ',
    };
    return letters[look];
}

/* Whole seconds, rounded up, as a candidate's screen has it. */
static void clock_short(uint64_t ms, char out[DURATION_TEXT_BYTES])
{
    duration_format((ms + 999) / 1000 * 1000, out);
}

static const char *seat_short(const char *room, const char *seat)
{
    size_t n = strlen(room);
    return strncmp(seat, room, n) == 0 && seat[n] == '-' ? seat + n + 1 : seat;
}

static void draw_seat(const struct step *s, const struct step_view *v, const struct step_canvas *c,
                      const char *seat, uint32_t sitting, int row, int column)
{
    struct exam_sitting_view sv;
    char left[DURATION_TEXT_BYTES], text[SHORT_BYTES * 4];
    if (sitting == 0) {
        put(c, row, column, STEP_EMPTY, "%-4.8s", seat_short(s->room, seat));
        return;
    }
    exam_sitting_view(v->x, sitting, v->site_ms, &sv);
    enum step_look look = look_of(&sv);
    clock_short(sv.account.left_ms, left);
    snprintf(text, sizeof text, "%-3.8s %7.10s %c", seat_short(s->room, seat), left,
             letter_of(look));
    c->put(c->ctx, row, column, look, sitting == s->followed, text);
}

static void draw_room(const struct step *s, const struct step_view *v, const struct step_canvas *c)
{
    const char *room, *seat;
    uint32_t sitting;
    int across = c->columns / CELL_COLUMNS > 0 ? c->columns / CELL_COLUMNS : 1, n = 0;
    put(c, 4, 0, STEP_HEAD,
        _("Room %s   a answering  P paused  L lost  - not signed in  F finished"), s->room);
    for (uint32_t i = 1; i <= exam_seats(v->x); i++) {
        exam_seat_view(v->x, i, &room, &seat, &sitting);
        int row = HEAD_ROWS + n / across;
        if (strcmp(room, s->room) != 0)
            continue;
        if (row >= c->rows - FOOT_ROWS)
            break;
        draw_seat(s, v, c, seat, sitting, row, n % across * CELL_COLUMNS);
        n++;
    }
}

static void draw_followed(const struct step *s, const struct step_view *v,
                          const struct step_canvas *c)
{
    struct exam_sitting_view sv;
    char used[DURATION_TEXT_BYTES], left[DURATION_TEXT_BYTES], lost[DURATION_TEXT_BYTES];
    char name[PERSON_BYTES_MAX + 1];
    if (s->followed < 1 || s->followed > exam_sittings(v->x))
        return;
    exam_sitting_view(v->x, s->followed, v->site_ms, &sv);
    duration_format(sv.account.used_ms, used);
    duration_format(sv.account.left_ms, left);
    duration_format(sv.account.lost_ms, lost);
    put(c, c->rows - FOOT_ROWS, 0, STEP_HEAD, "%s  %s  %s: %s", sv.admission_no,
        reviewer_name(v->vault, &sv, name), sv.seat, _(admin_state_word(sv.state)));
    put(c, c->rows - FOOT_ROWS + 1, 0, STEP_PLAIN,
        _("used %s  left %s  lost %s  answers %" PRIu32 "  interruptions %" PRIu32), used, left,
        lost, sv.answers, sv.interruptions);
}

void step_draw(const struct step *s, const struct step_view *v, const struct step_canvas *c)
{
    draw_head(s, v, c);
    draw_incidents(v, c);
    draw_room(s, v, c);
    draw_followed(s, v, c);
    put(c, c->rows - 1, 0, STEP_HEAD, "%s",
        _("arrows: record  n/N: news  i/I: incident  [ ]: room  f: follow  g: go to  q: quit"));
}
