/* cmd_diff.c - `examreplay diff FOLDER MOMENT MOMENT`: what became of roles, batches and accounts
 * between two instants. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_views.h"
#include "duration.h"
#include "json_output.h"
#include "language.h"
#include "log_reader.h"
#include "node_texts.h"
#include "report.h"
#include "roles.h"
#include "text_table.h"
#include "words.h"

/* What may have changed. Strings are the exam's, and live on. */
struct then {
    uint64_t lsn, now_ms, epoch;
    int64_t wall_ms;
    char serves[NAME_BYTES_MAX + 1];
    bool solo;
    uint32_t incidents, batches, sittings;
    struct exam_sitting_view *views; /* of `sittings` */
    enum exam_batch_state *states;   /* of `batches` */
};

struct diffing {
    const struct options *o;
    const struct moment *until;
    struct roles roles;
    struct then a, b;
    bool backwards; /* the second moment lies before the first */
    bool dark;      /* nobody served at the newest moment: no clock is known to have run on (T5) */
};

static bool wants(void *ctx, const struct replay_record *at)
{
    struct diffing *d = ctx;
    bool after = moment_is_after(d->until, at);
    d->dark = after && at->event->kind_case == EV__EVENT__KIND_EPOCH_BEGAN;
    return !after;
}

static void seen(void *ctx, const struct replay *p, const struct replay_record *at)
{
    struct diffing *d = ctx;
    (void)p;
    roles_note(&d->roles, at);
    d->backwards |= d->until == &d->o->at && moment_is_after(&d->o->at_second, at);
}

/* ---------------------------------------------------------------- one instant */

static void *list_of(size_t n, size_t each)
{
    void *list = calloc(n > 0 ? n : 1, each);
    if (!list) {
        report_error(_("out of memory"));
        exit(EXIT_CODE_INTERNAL);
    }
    return list;
}

static void then_fini(struct then *t)
{
    free(t->views);
    free(t->states);
}

static void take_stock(struct diffing *d, const struct log_reader *r, struct then *out)
{
    const exam *x = r->replay.x;
    const struct role_epoch *e = roles_newest(&d->roles);
    *out = (struct then){.lsn = r->replay.lsn,
                         .now_ms = exam_last_ms(x),
                         .epoch = e ? e->epoch : 0,
                         .wall_ms = r->replay.wall_ms,
                         .solo = d->roles.solo,
                         .incidents = exam_incidents(x),
                         .batches = exam_batches(x),
                         .sittings = exam_sittings(x)};
    snprintf(out->serves, sizeof out->serves, "%s", e ? e->node : "");
    if (d->until->kind == MOMENT_SITE && !d->dark && out->lsn < store_last(r->s).lsn &&
        d->until->site_ms > out->now_ms) /* clocks ran on after the record */
        out->now_ms = d->until->site_ms;
    out->views = list_of(out->sittings, sizeof *out->views);
    out->states = list_of(out->batches, sizeof *out->states);
    for (uint32_t i = 1; i <= out->sittings; i++)
        exam_sitting_view(x, i, out->now_ms, &out->views[i - 1]);
    for (uint32_t i = 1; i <= out->batches; i++) {
        struct exam_batch_view b;
        exam_batch_view(x, i, out->now_ms, &b);
        out->states[i - 1] = b.state;
    }
}

static enum exit_code read_to(struct diffing *d, struct log_reader *r, const struct moment *m,
                              struct then *out)
{
    const struct replay_hooks hooks = {.ctx = d, .wants = wants, .seen = seen};
    d->until = m;
    enum exit_code code = log_reader_show(r, moment_last_lsn(m), &hooks);
    if (code == EXIT_CODE_DONE)
        take_stock(d, r, out);
    return code;
}

/* ---------------------------------------------------------------- differences */

struct change { /* of one sitting */
    const struct exam_sitting_view *was, *is;
    struct exam_sitting_view none;
};

static bool change_of(struct diffing *d, uint32_t sitting, struct change *c)
{
    *c = (struct change){.is = &d->b.views[sitting - 1]};
    c->none = *c->is;
    c->none.account = (struct exam_account){.allot_ms = c->is->account.allot_ms,
                                            .left_ms = c->is->account.allot_ms};
    c->none.answers = c->none.interruptions = c->none.violations = 0;
    c->was = sitting <= d->a.sittings ? &d->a.views[sitting - 1] : &c->none;
    return filter_fits_sitting(&d->o->filter, c->is) &&
           (sitting > d->a.sittings || c->was->state != c->is->state ||
            c->was->finish != c->is->finish || c->was->seat_no != c->is->seat_no ||
            c->was->answers != c->is->answers || c->was->violations != c->is->violations ||
            memcmp(&c->was->account, &c->is->account, sizeof c->is->account) != 0);
}

static const char *state_word(const struct exam_sitting_view *v)
{
    return v->finish != EV__FINISH__FINISH_NONE ? admin_finish_word(v->finish)
                                                : admin_state_word(v->state);
}

/* "+0:31.998", "-1:00", "" for none. */
static void difference(int64_t ms, char out[DURATION_TEXT_BYTES + 1])
{
    out[0] = '\0';
    if (ms == 0)
        return;
    out[0] = ms < 0 ? '-' : '+';
    duration_format(ms < 0 ? -(uint64_t)ms : (uint64_t)ms, out + 1);
}

static int64_t less(uint64_t is, uint64_t was)
{
    return (int64_t)is - (int64_t)was;
}

/* ---------------------------------------------------------------- for people */

static void print_moment(const char *word, const struct then *t)
{
    char wall[WALL_TEXT_BYTES], site[DURATION_TEXT_BYTES];
    wall_format(t->wall_ms, wall);
    duration_format(t->now_ms, site);
    printf(_("%srecord %" PRIu64 ", %s, +%s on the site's timeline\n"), word, t->lsn,
           t->lsn > 0 ? wall : _("before the first"), site);
}

static void print_roles(const struct diffing *d)
{
    if (d->a.epoch == d->b.epoch && d->a.solo == d->b.solo)
        return;
    printf(_("Serves    %s, epoch %" PRIu64 ", %s -> %s, epoch %" PRIu64 ", %s\n"),
           d->a.serves[0] ? d->a.serves : _("nobody"), d->a.epoch,
           d->a.solo ? _("solo") : _("dual"), d->b.serves, d->b.epoch,
           d->b.solo ? _("solo") : _("dual"));
}

static void print_batches(const struct diffing *d, const exam *x)
{
    for (uint32_t i = 1; i <= d->b.batches; i++) {
        const char *name = exam_scope_name(x, EV__SCOPE_KIND__SCOPE_KIND_BATCH, i);
        const char *is = _(word_of_batch_state((Admin__BatchState)d->b.states[i - 1]));
        if (i > d->a.batches)
            printf(_("Batch     %s: new, %s\n"), name, is);
        else if (d->a.states[i - 1] != d->b.states[i - 1])
            printf(_("Batch     %s: %s -> %s\n"), name,
                   _(word_of_batch_state((Admin__BatchState)d->a.states[i - 1])), is);
    }
}

static void print_incidents(const struct diffing *d, const exam *x)
{
    for (uint32_t i = d->a.incidents + 1; i <= d->b.incidents; i++) {
        struct exam_incident_view in;
        char shown[NODE_TEXT_BYTES];
        exam_incident_view(x, i, &in);
        printf(_("Incident  %" PRIu32 ", %s, %s: %s%s\n"), i, _(word_of_incident_kind(in.kind)),
               node_scope_shown(in.scope, in.scope_name), node_text_shown(in.text, shown),
               in.open ? _(" (open)") : "");
    }
}

static void add_cell(struct text_table *t, int64_t ms)
{
    char text[DURATION_TEXT_BYTES + 1];
    difference(ms, text);
    text_table_add(t, "%s", text);
}

static void add_row(struct text_table *t, const struct change *c)
{
    const struct exam_account *was = &c->was->account, *is = &c->is->account;
    bool state = strcmp(state_word(c->was), state_word(c->is)) != 0;
    bool seat = c->was->seat_no != c->is->seat_no;
    text_table_add(t, "%s", c->is->admission_no);
    text_table_add(t, "%s%s%s", seat ? c->was->seat : "", seat ? " -> " : "", c->is->seat);
    text_table_add(t, "%s%s%s", state ? _(state_word(c->was)) : "", state ? " -> " : "",
                   _(state_word(c->is)));
    add_cell(t, less(is->used_ms, was->used_ms));
    add_cell(t, less(is->left_ms, was->left_ms));
    add_cell(t, less(is->lost_ms, was->lost_ms));
    add_cell(t, is->grants_ms - was->grants_ms);
    text_table_add(t, "%+" PRId64, less(c->is->answers, c->was->answers));
}

static enum exit_code print_sittings(struct diffing *d)
{
    const struct text_column columns[] = {
        {_("SITTING"), false}, {_("SEAT"), false}, {_("STATE"), false},  {_("USED"), true},
        {_("LEFT"), true},     {_("LOST"), true},  {_("GRANTED"), true}, {_("ANSWERS"), true}};
    struct text_table t;
    struct change c;
    uint32_t n = 0;
    text_table_init(&t, columns, sizeof columns / sizeof *columns);
    for (uint32_t i = 1; i <= d->b.sittings; i++)
        if (change_of(d, i, &c)) {
            add_row(&t, &c);
            n++;
        }
    putchar('\n');
    if (n == 0)
        puts(_("No account has changed."));
    exam_err err = n > 0 ? text_table_print(&t, stdout) : EXAM_OK;
    text_table_fini(&t);
    return exit_code_of(err, 0);
}

/* ---------------------------------------------------------------- for programs */

static json_t *moment_json(const struct then *t)
{
    return json_pack("{s:I, s:I, s:I, s:s, s:I, s:b}", "lsn", (json_int_t)t->lsn, "site_ms",
                     (json_int_t)t->now_ms, "wall_ms", (json_int_t)t->wall_ms, "primary", t->serves,
                     "epoch", (json_int_t)t->epoch, "solo", t->solo);
}

static json_t *change_json(const struct change *c)
{
    const struct exam_account *was = &c->was->account, *is = &c->is->account;
    return json_pack("{s:s, s:[s, s], s:[s, s], s:I, s:I, s:I, s:I, s:I}", "admission_no",
                     c->is->admission_no, "seat", c->was->seat, c->is->seat, "state",
                     state_word(c->was), state_word(c->is), "used_ms",
                     (json_int_t)less(is->used_ms, was->used_ms), "left_ms",
                     (json_int_t)less(is->left_ms, was->left_ms), "lost_ms",
                     (json_int_t)less(is->lost_ms, was->lost_ms), "grants_ms",
                     (json_int_t)(is->grants_ms - was->grants_ms), "answers",
                     (json_int_t)less(c->is->answers, c->was->answers));
}

static enum exit_code print_json(struct diffing *d)
{
    json_t *list = json_array();
    struct change c;
    for (uint32_t i = 1; i <= d->b.sittings; i++)
        if (change_of(d, i, &c))
            (void)json_array_append_new(list, change_json(&c));
    return json_output_print(
        json_pack("{s:o, s:o, s:I, s:o}", "from", moment_json(&d->a), "to", moment_json(&d->b),
                  "incidents", (json_int_t)(d->b.incidents - d->a.incidents), "sittings", list));
}

static enum exit_code show(struct diffing *d, const exam *x)
{
    if (d->o->json)
        return print_json(d);
    print_moment(_("From      "), &d->a);
    print_moment(_("To        "), &d->b);
    print_roles(d);
    print_batches(d, x);
    print_incidents(d, x);
    return print_sittings(d);
}

enum exit_code cmd_diff(const struct options *o)
{
    static struct log_reader r;
    struct diffing d = {.o = o};
    enum exit_code code = log_reader_open(&r, o->folder, o);
    if (code != EXIT_CODE_DONE)
        return code;
    code = read_to(&d, &r, &o->at, &d.a);
    if (code == EXIT_CODE_DONE && d.backwards) {
        report_error(_("the second moment lies before the first"));
        code = EXIT_CODE_USAGE;
    }
    if (code == EXIT_CODE_DONE)
        code = read_to(&d, &r, &o->at_second, &d.b);
    if (code == EXIT_CODE_DONE)
        code = show(&d, r.replay.x);
    then_fini(&d.a);
    then_fini(&d.b);
    roles_fini(&d.roles);
    log_reader_close(&r);
    return code;
}
