/* cmd_account.c - `examreplay account FOLDER SITTING`: every second of one candidate's time. Head,
 * account and interruptions are those that `examctl sitting show` shows, by the same code. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin_views.h"
#include "certificate_page.h"
#include "duration.h"
#include "json_output.h"
#include "language.h"
#include "log_reader.h"
#include "moment.h"
#include "page_command.h"
#include "report.h"
#include "reviewer_key.h"
#include "sitting_view.h"
#include "story.h"
#include "words.h"

struct telling {
    const struct story *story;
    const exam *x;
    uint32_t sitting;
    const struct vault *vault; /* opens the name; NULL: none */
    json_t *json;              /* NULL: for people */
};

static const char *span(uint64_t ms, char out[DURATION_TEXT_BYTES])
{
    duration_format(ms, out);
    return out;
}

/* ---------------------------------------------------------------- without the credits */

static void print_without(const struct exam_account *a)
{
    struct case_without w = case_without_credits(a);
    char elapsed[DURATION_TEXT_BYTES], left[DURATION_TEXT_BYTES], lost[DURATION_TEXT_BYTES];
    char really[DURATION_TEXT_BYTES];
    if (a->lost_ms == 0) {
        puts(_("Without   credits the clock would show the same: nothing was lost"));
        return;
    }
    printf(
        _("Without   credits all of %s would have run: left %s rather than %s (%s given back)\n"),
        span(w.elapsed_ms, elapsed), span(w.left_ms, left), span(a->left_ms, really),
        span(a->lost_ms, lost));
}

/* ---------------------------------------------------------------- for people */

static void print_causes(const struct telling *t)
{
    struct exam_interruption_view in;
    char decided[STORY_TEXT_BYTES], wall[WALL_TEXT_BYTES];
    for (uint32_t i = 0; exam_interruption_at(t->x, t->sitting, i, &in) == EXAM_OK; i++) {
        const struct story_booked *b = story_booked(t->story, t->sitting, i);
        wall_format(b ? b->wall_ms : 0, wall);
        story_decided(t->story, t->x, t->sitting, i, &in, decided);
        if (i == 0)
            puts(_("\nWho decided them"));
        printf(_("%3" PRIu32 "  record %" PRIu64 ", %s: %s%s\n"), i + 1, b ? b->lsn : 0, wall,
               decided, in.own_doing ? _(" (the candidate's own doing)") : "");
    }
}

static void print_acts(const struct story *s)
{
    for (size_t i = 0; i < s->acts_n; i++) {
        char wall[WALL_TEXT_BYTES];
        wall_format(s->acts[i].wall_ms, wall);
        if (i == 0)
            puts(_("\nOn record"));
        printf("%9" PRIu64 "  %s  %s\n", s->acts[i].lsn, wall, s->acts[i].text);
    }
}

static void tell_people(const struct telling *t, const Admin__SittingDetail *d)
{
    struct exam_sitting_view v;
    char name[PERSON_BYTES_MAX + 1];
    exam_sitting_view(t->x, t->sitting, exam_last_ms(t->x), &v);
    d->result->name = (char *)(uintptr_t)reviewer_name(t->vault, &v, name);
    (void)sitting_view_detail(d, stdout);
    putchar('\n');
    print_without(&v.account);
    print_causes(t);
    print_acts(t->story);
}

/* ---------------------------------------------------------------- for programs */

static json_t *json_of_cause(const struct telling *t, uint32_t i,
                             const struct exam_interruption_view *in)
{
    const struct story_booked *b = story_booked(t->story, t->sitting, i);
    char decided[STORY_TEXT_BYTES];
    story_decided(t->story, t->x, t->sitting, i, in, decided);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:I, s:b, s:s}", "no", (json_int_t)i + 1,
                     "lsn", (json_int_t)(b ? b->lsn : 0), "wall_ms",
                     (json_int_t)(b ? b->wall_ms : 0), "from_site_ms", (json_int_t)in->from_ms,
                     "to_site_ms", (json_int_t)in->to_ms, "lost_ms", (json_int_t)in->lost_ms,
                     "basis", word_of_basis(in->basis), "incident", (json_int_t)in->incident,
                     "own_doing", in->own_doing, "decided", decided);
}

static json_t *json_of_act(const struct story_act *a)
{
    return json_pack("{s:I, s:I, s:I, s:s, s:s, s:s}", "lsn", (json_int_t)a->lsn, "site_ms",
                     (json_int_t)a->site_ms, "wall_ms", (json_int_t)a->wall_ms, "kind",
                     event_kind_word(a->kind), "who", a->who, "text", a->text);
}

static void tell_program(const struct telling *t, const Admin__SittingDetail *d)
{
    struct exam_interruption_view in;
    struct exam_account a;
    json_t *causes = json_array(), *acts = json_array();
    exam_sitting_account(t->x, t->sitting, exam_last_ms(t->x), &a);
    struct case_without w = case_without_credits(&a);
    (void)json_object_update_new(t->json, json_of_sitting(d));
    for (uint32_t i = 0; exam_interruption_at(t->x, t->sitting, i, &in) == EXAM_OK; i++)
        (void)json_array_append_new(causes, json_of_cause(t, i, &in));
    for (size_t i = 0; i < t->story->acts_n; i++)
        (void)json_array_append_new(acts, json_of_act(&t->story->acts[i]));
    (void)json_object_set_new(t->json, "causes", causes);
    (void)json_object_set_new(t->json, "record", acts);
    (void)json_object_set_new(t->json, "without_credits",
                              json_pack("{s:I, s:I}", "elapsed_ms", (json_int_t)w.elapsed_ms,
                                        "left_ms", (json_int_t)w.left_ms));
}

/* ---------------------------------------------------------------- the command */

static void on_reply(void *ctx, Admin__Reply *r)
{
    const struct telling *t = ctx;
    if (r->kind_case != ADMIN__REPLY__KIND_SITTING_DETAIL)
        return;
    if (t->json)
        tell_program(t, r->sitting_detail);
    else
        tell_people(t, r->sitting_detail);
}

static enum exit_code tell(const struct options *o, const struct replay *p, struct story *s)
{
    struct telling t = {.story = s, .x = p->x, .vault = o->shown.vault};
    if (exam_find_sitting(p->x, o->argument, &t.sitting)) {
        report_error(
            _("no candidate with the admission number %s is in this log; `examreplay at %s "
              "%" PRIu64 "` lists all"),
            o->argument, o->folder, p->lsn);
        return EXIT_CODE_BAD_INPUT;
    }
    if (o->json)
        t.json = json_object();
    const struct admin_view view = {.x = p->x,
                                    .now_ms = exam_last_ms(p->x),
                                    .wall_ms = p->wall_ms,
                                    .node = "",
                                    .vault = o->shown.vault,
                                    .send = on_reply,
                                    .ctx = &t};
    admin_view_sitting(&view, t.sitting);
    if (!o->json)
        reviewer_hint(o, p->x);
    return o->json ? json_output_print(t.json) : EXIT_CODE_DONE;
}

static void seen(void *ctx, const struct replay *p, const struct replay_record *at)
{
    story_note(ctx, p, at);
}

enum exit_code cmd_account(const struct options *o)
{
    static struct log_reader r;
    const struct filter filter = {.sitting = o->argument};
    struct story s = {.filter = &filter};
    const struct replay_hooks hooks = {.ctx = &s, .seen = seen};
    if (o->certificate)
        return page_command(o, &filter, o->certificate, certificate_page_write);
    enum exit_code code = log_reader_open(&r, o->folder, o);
    if (code != EXIT_CODE_DONE)
        return code;
    code = log_reader_show(&r, UINT64_MAX, &hooks);
    if (code == EXIT_CODE_DONE)
        code = tell(o, &r.replay, &s);
    story_fini(&s);
    log_reader_close(&r);
    return code;
}
