/* cmd_at.c - `examreplay at FOLDER MOMENT`: roles, batches, clocks as they were then. */
#include <inttypes.h>
#include <stdio.h>

#include "admin_views.h"
#include "duration.h"
#include "json_output.h"
#include "language.h"
#include "log_reader.h"
#include "node_texts.h"
#include "report.h"
#include "roles.h"
#include "state_keep.h"
#include "text_table.h"
#include "words.h"

struct looking {
    const struct options *o;
    struct roles roles;
    uint64_t now_ms;    /* on the site's timeline */
    uint64_t index_lsn; /* from there on it was proven now; 0: from the first record on */
    const char *index;  /* the file whose state it is */
    struct state_keep *keep;
    bool beyond; /* the log goes on after the moment */
    bool dark;   /* nobody served then: no clock is known to have run on (T5) */
};

static bool wants(void *ctx, const struct replay_record *at)
{
    struct looking *l = ctx;
    bool after = moment_is_after(&l->o->at, at);
    l->dark = after && at->event->kind_case == EV__EVENT__KIND_EPOCH_BEGAN;
    return !after;
}

static void seen(void *ctx, const struct replay *p, const struct replay_record *at)
{
    struct looking *l = ctx;
    roles_note(&l->roles, at);
    state_keep_note(l->keep, p, at);
}

static struct admin_view view_of(const struct looking *l, const struct replay *p)
{
    return (struct admin_view){.x = p->x,
                               .now_ms = l->now_ms,
                               .wall_ms = p->wall_ms,
                               .node = "",
                               .vault = l->o->shown.vault};
}

/* ---------------------------------------------------------------- for people */

static void print_head(const struct looking *l, const struct replay *p)
{
    char wall[WALL_TEXT_BYTES], site[DURATION_TEXT_BYTES];
    const struct role_epoch *e = roles_newest(&l->roles);
    wall_format(p->wall_ms, wall);
    duration_format(l->now_ms, site);
    printf(_("After     record %" PRIu64 " of %s%s, +%s on the site's timeline\n"), p->lsn, wall,
           l->beyond ? "" : _(" (the log's last)"), site);
    if (l->index_lsn > 0)
        printf(_("Proven    from record %" PRIu64
                 " on; the state up to there is that of %s, which was "
                 "made when it was proven, and the log still has that record's hash\n"),
               l->index_lsn + 1, l->index);
    if (!e)
        puts(_("Serves    nobody yet"));
    else if (l->dark)
        printf(_("Serves    nobody: the log of %s ends here, and another epoch begins after it; "
                 "clocks are as it left them (T5)\n"),
               e->node);
    else
        printf(_("Serves    %s, epoch %" PRIu64 " (%s) from record %" PRIu64
                 " on; acknowledgements are %s\n"),
               e->node, e->epoch, _(epoch_reason_word(e->reason)), e->lsn,
               l->roles.solo ? _("solo") : _("dual"));
    for (size_t i = 0; i < l->roles.standbys_n; i++)
        printf(_("Standby   %s, %s\n"), l->roles.standbys[i].node,
               l->roles.standbys[i].in_sync ? _("in sync") : _("lost"));
}

static void print_incidents(const struct replay *p)
{
    struct exam_incident_view in;
    char shown[NODE_TEXT_BYTES];
    for (uint32_t i = 1; i <= exam_incidents(p->x); i++) {
        exam_incident_view(p->x, i, &in);
        if (in.open)
            printf(_("Incident  %" PRIu32 ", %s, %s: %s\n"), i, _(word_of_incident_kind(in.kind)),
                   node_scope_shown(in.scope, in.scope_name), node_text_shown(in.text, shown));
    }
}

static void print_batches(const struct looking *l, const struct replay *p)
{
    const struct admin_view v = view_of(l, p);
    for (uint32_t i = 1; i <= exam_batches(p->x); i++) {
        char warning[REASON_BYTES_MAX + 1];
        struct exam_batch_view b;
        Admin__BatchInfo info;
        exam_batch_view(p->x, i, l->now_ms, &b);
        if (b.superseded)
            continue;
        admin_view_batch(&v, i, &info, warning);
        printf(_("Batch     %s, %s: %" PRIu32 " sittings, %" PRIu32 " in contact, %" PRIu32
                 " finished\n"),
               info.batch, _(word_of_batch_state(info.state)), info.sittings, info.attached,
               info.finished);
    }
}

static void add_span(struct text_table *t, uint64_t ms)
{
    char text[DURATION_TEXT_BYTES];
    duration_format(ms, text);
    text_table_add(t, "%s", text);
}

static void add_row(struct text_table *t, const Admin__SittingResult *r)
{
    text_table_add(t, "%s", r->admission_no);
    text_table_add(t, "%s", r->seat);
    text_table_add(t, "%s%s%s", _(r->state), r->finish[0] ? _(", ") : "",
                   r->finish[0] ? _(r->finish) : "");
    add_span(t, r->used_ms);
    add_span(t, r->left_ms);
    add_span(t, r->lost_ms);
    text_table_add(t, "%" PRIu32, r->answers);
}

static bool is_asked_for(const struct looking *l, const struct replay *p, uint32_t sitting)
{
    struct exam_sitting_view v;
    struct exam_batch_view b;
    exam_sitting_view(p->x, sitting, l->now_ms, &v);
    exam_batch_view(p->x, v.batch_no, l->now_ms, &b);
    return !b.superseded && filter_fits_sitting(&l->o->filter, &v);
}

static enum exit_code print_sittings(const struct looking *l, const struct replay *p)
{
    const struct text_column columns[] = {
        {_("SITTING"), false}, {_("SEAT"), false}, {_("STATE"), false}, {_("USED"), true},
        {_("LEFT"), true},     {_("LOST"), true},  {_("ANSWERS"), true}};
    const struct admin_view v = view_of(l, p);
    struct text_table t;
    text_table_init(&t, columns, sizeof columns / sizeof *columns);
    for (uint32_t i = 1; i <= exam_sittings(p->x); i++) {
        Admin__SittingResult result;
        if (!is_asked_for(l, p, i))
            continue;
        admin_view_result(&v, i, &result);
        add_row(&t, &result);
    }
    putchar('\n');
    exam_err err = text_table_print(&t, stdout);
    text_table_fini(&t);
    if (err)
        report_error("%s", exam_err_text(err));
    return exit_code_of(err, 0);
}

/* ---------------------------------------------------------------- for programs */

static json_t *roles_json(const struct looking *l)
{
    const struct role_epoch *e = roles_newest(&l->roles);
    json_t *standbys = json_array();
    for (size_t i = 0; i < l->roles.standbys_n; i++)
        (void)json_array_append_new(standbys,
                                    json_pack("{s:s, s:b}", "node", l->roles.standbys[i].node,
                                              "in_sync", l->roles.standbys[i].in_sync));
    return json_pack("{s:s, s:I, s:I, s:b, s:o}", "primary", e ? e->node : "", "epoch",
                     (json_int_t)(e ? e->epoch : 0), "since_lsn", (json_int_t)(e ? e->lsn : 0),
                     "solo", l->roles.solo, "standbys", standbys);
}

static json_t *batches_json(const struct looking *l, const struct replay *p)
{
    const struct admin_view v = view_of(l, p);
    json_t *list = json_array();
    for (uint32_t i = 1; i <= exam_batches(p->x); i++) {
        char warning[REASON_BYTES_MAX + 1];
        Admin__BatchInfo info;
        admin_view_batch(&v, i, &info, warning);
        (void)json_array_append_new(list, json_of_batch(&info));
    }
    return list;
}

static json_t *sittings_json(const struct looking *l, const struct replay *p)
{
    const struct admin_view v = view_of(l, p);
    json_t *list = json_array();
    for (uint32_t i = 1; i <= exam_sittings(p->x); i++) {
        Admin__SittingResult result;
        if (!is_asked_for(l, p, i))
            continue;
        admin_view_result(&v, i, &result);
        (void)json_array_append_new(list, json_of_result(&result));
    }
    return list;
}

static enum exit_code show(const struct looking *l, const struct replay *p)
{
    if (l->o->json)
        return json_output_print(json_pack(
            "{s:I, s:I, s:I, s:I, s:b, s:o, s:o, s:o}", "index_lsn", (json_int_t)l->index_lsn,
            "lsn", (json_int_t)p->lsn, "wall_ms", (json_int_t)p->wall_ms, "site_ms",
            (json_int_t)l->now_ms, "log_goes_on", l->beyond, "roles", roles_json(l), "batches",
            batches_json(l, p), "sittings", sittings_json(l, p)));
    print_head(l, p);
    print_incidents(p);
    print_batches(l, p);
    return exam_sittings(p->x) > 0 ? print_sittings(l, p) : EXIT_CODE_DONE;
}

/* ---------------------------------------------------------------- with an index */

static void note_state(void *ctx, const struct replay *p, const struct replay_record *at)
{
    state_index_note(ctx, p, at);
}

static void begin_anew(struct log_reader *r, struct looking *l)
{
    volatile uint64_t *reached = r->replay.reached;
    replay_close(&r->replay);
    replay_open(&r->replay, r->s, &r->findings, reached);
    roles_fini(&l->roles);
    l->roles = (struct roles){.epochs_n = 0};
}

/* Proves what the index does not have yet, to the log's end. */
static enum exit_code extend(struct log_reader *r, struct looking *l, struct state_index *x)
{
    const struct moment newest = {.kind = MOMENT_NONE};
    const struct replay_hooks hooks = {.ctx = x, .seen = note_state};
    if (store_last(r->s).lsn < x->due_lsn)
        return EXIT_CODE_DONE;
    exam_err err = state_index_stand(x, &newest, &r->replay, &l->roles);
    enum exit_code code = err ? EXIT_CODE_BAD_INPUT : log_reader_show(r, UINT64_MAX, &hooks);
    begin_anew(r, l);
    return code;
}

static enum exit_code stand(struct log_reader *r, struct looking *l, struct state_index *x)
{
    enum exit_code code = extend(r, l, x);
    if (code == EXIT_CODE_DONE && state_index_stand(x, &l->o->at, &r->replay, &l->roles))
        code = EXIT_CODE_BAD_INPUT;
    r->shown_lsn = r->replay.lsn;
    if (code == EXIT_CODE_BAD_INPUT)
        report_error(_("%s does not hold together: remove it, it is made anew"), l->o->index);
    return code;
}

static enum exit_code begin_with_index(struct log_reader *r, struct looking *l)
{
    struct state_index x;
    exam_err err = state_index_open(&x, l->o->index, &r->replay);
    enum exit_code code = err ? EXIT_CODE_BAD_INPUT : stand(r, l, &x);
    if (!err)
        err = state_index_close(&x);
    if (err && (code == EXIT_CODE_DONE || code == EXIT_CODE_BAD_INPUT)) {
        report_error(_("the index %s: %s"), l->o->index, x.why);
        return EXIT_CODE_BAD_INPUT;
    }
    l->index = l->o->index;
    l->index_lsn = r->replay.lsn;
    return code;
}

/* With the states that are kept in the user's cache; those up to the moment are kept on the way. */
static void begin_with_cache(struct log_reader *r, struct looking *l)
{
    struct state_keep *k = l->keep;
    state_keep_begin(k, &r->replay);
    if (k->open && !state_keep_stand(k, &l->o->at, &r->replay, &l->roles)) {
        begin_anew(r, l);
        state_keep_begin(k, &r->replay);
    }
    r->shown_lsn = r->replay.lsn;
    l->index = k->path;
    l->index_lsn = r->replay.lsn;
    if (l->index_lsn > 0)
        report_error(_("began at record %" PRIu64 ", after which the state was kept in %s when it "
                       "was proven; --no-index reads the log from its first record"),
                     l->index_lsn, l->index);
}

enum exit_code cmd_at(const struct options *o)
{
    static struct log_reader r;
    static struct state_keep keep;
    struct looking l = {.o = o, .keep = &keep};
    const struct replay_hooks hooks = {.ctx = &l, .wants = wants, .seen = seen};
    enum exit_code code = log_reader_open(&r, o->folder, o);
    if (code != EXIT_CODE_DONE)
        return code;
    if (o->index)
        code = begin_with_index(&r, &l);
    else if (!o->no_index)
        begin_with_cache(&r, &l);
    if (code == EXIT_CODE_DONE)
        code = log_reader_show(&r, moment_last_lsn(&o->at), &hooks);
    state_keep_end(&keep);
    if (code == EXIT_CODE_DONE && r.replay.lsn == 0) {
        report_error(_("the log begins after that moment"));
        code = EXIT_CODE_BAD_INPUT;
    } else if (code == EXIT_CODE_DONE) {
        l.now_ms = exam_last_ms(r.replay.x);
        l.beyond = r.replay.lsn < store_last(r.s).lsn;
        if (l.beyond && !l.dark && o->at.kind == MOMENT_SITE) /* clocks ran on after the record */
            l.now_ms = o->at.site_ms;
        code = show(&l, &r.replay);
    }
    roles_fini(&l.roles);
    log_reader_close(&r);
    return code;
}
