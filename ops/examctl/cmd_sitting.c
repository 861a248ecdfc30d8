#include <stdio.h>
#include <stdlib.h>

#include "act.h"
#include "command.h"
#include "json_output.h"
#include "report.h"
#include "sitting_query.h"
#include "sitting_view.h"
#include "whole_number.h"

/* ---------------------------------------------------------------- show */

struct sitting_screen {
    struct text_table answers;
    enum exit_code exit_code;
};

static void detail_show(void *ctx, const Admin__SittingDetail *d)
{
    struct sitting_screen *screen = ctx;

    screen->exit_code = sitting_view_detail(d, stdout);
}

static void answers_collect(void *ctx, const Admin__AnswerRows *rows)
{
    struct sitting_screen *screen = ctx;

    sitting_view_answers_add(&screen->answers, rows);
}

static enum exit_code show_text(struct cluster_node *node, const char *admission_no)
{
    struct sitting_screen screen = {.exit_code = EXIT_CODE_DONE};
    const struct sitting_reader reader = {&screen, detail_show, answers_collect};
    enum exit_code exit_code;
    exam_err err = EXAM_OK;

    sitting_view_answers_init(&screen.answers);
    exit_code = sitting_query(node, admission_no, &reader);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = screen.exit_code;
    if (exit_code == EXIT_CODE_DONE && screen.answers.cells_n > 0) {
        fputs("\nAnswers, by used time\n", stdout);
        err = text_table_print(&screen.answers, stdout);
    }
    text_table_fini(&screen.answers);
    if (err != EXAM_OK) {
        report_error("%s", exam_err_text(err));
        exit_code = exit_code_of(err, 0);
    }
    return exit_code;
}

static void detail_collect_json(void *ctx, const Admin__SittingDetail *d)
{
    (void)json_object_update_missing_new(ctx, json_of_sitting(d));
}

static void answers_collect_json(void *ctx, const Admin__AnswerRows *rows)
{
    json_t *list = json_object_get(ctx, "answer_times");

    for (size_t i = 0; i < rows->n_rows; i++)
        (void)json_array_append_new(list, json_of_answer_time(rows->rows[i]));
}

static enum exit_code show_json(struct cluster_node *node, const char *admission_no)
{
    json_t *o = json_pack("{s:[]}", "answer_times");
    const struct sitting_reader reader = {o, detail_collect_json, answers_collect_json};
    enum exit_code exit_code = sitting_query(node, admission_no, &reader);

    if (exit_code == EXIT_CODE_DONE)
        return json_output_print(o);
    json_decref(o);
    return exit_code;
}

enum exit_code cmd_sitting_show(const struct options *o)
{
    struct cluster cluster;
    struct cluster_node *primary;
    enum exit_code exit_code = cluster_open_primary(o, &cluster, &primary);

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    exit_code = o->json ? show_json(primary, o->argument) : show_text(primary, o->argument);
    cluster_close(&cluster);
    return exit_code;
}

/* ---------------------------------------------------------------- decide, own-doing */

static void detail_show_whole(void *ctx, const Admin__SittingDetail *d)
{
    (void)sitting_view_detail(d, ctx);
}

/* Shows the sitting with all of its interruptions, and asks. */
static enum exit_code sitting_act(struct act *a, Admin__Request *request, const char *question)
{
    const struct sitting_reader reader = {.ctx = stderr, .detail = detail_show_whole};
    enum exit_code exit_code = EXIT_CODE_DONE;

    if (!a->o->yes)
        exit_code = sitting_query(a->node, a->subject, &reader);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = act_confirmed(a, request, question);
    return exit_code;
}

enum exit_code cmd_sitting_decide(const struct options *o)
{
    const struct ask text = {
        .given = o->text, .option = "text", .prompt = "What is the decision? (goes on record)"};
    Admin__Request request = ADMIN__REQUEST__INIT;
    Admin__LimitDecide decide = ADMIN__LIMIT_DECIDE__INIT;
    struct act a;
    enum exit_code exit_code = act_begin(&a, o, &text);

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    decide.admission_no = a.subject;
    decide.text = a.why;
    decide.who = a.who;
    request.kind_case = ADMIN__REQUEST__KIND_LIMIT_DECIDE;
    request.limit_decide = &decide;
    exit_code = sitting_act(&a, &request, "Record this decision?");
    act_end(&a);
    return exit_code;
}

enum exit_code cmd_sitting_own_doing(const struct options *o)
{
    Admin__Request request = ADMIN__REQUEST__INIT;
    Admin__OwnDoing own = ADMIN__OWN_DOING__INIT;
    struct ask reason = act_reason(o);
    char question[128];
    struct act a;
    enum exit_code exit_code = whole_number_parse(o->second, "interruption", &own.interruption);

    if (exit_code == EXIT_CODE_DONE)
        exit_code = act_begin(&a, o, &reason);
    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    own.admission_no = a.subject;
    own.who = a.who;
    own.why = a.why;
    request.kind_case = ADMIN__REQUEST__KIND_OWN_DOING;
    request.own_doing = &own;
    snprintf(question, sizeof question, "Mark interruption %s as the candidate's own doing?",
             a.second);
    exit_code = sitting_act(&a, &request, question);
    act_end(&a);
    return exit_code;
}
