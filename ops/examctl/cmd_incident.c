#include <inttypes.h>
#include <stdio.h>

#include "act.h"
#include "command.h"
#include "duration.h"
#include "incident_query.h"
#include "json_output.h"
#include "report.h"
#include "text_table.h"
#include "whole_number.h"
#include "words.h"

/* ---------------------------------------------------------------- list */

static void row_collect(void *ctx, const Admin__IncidentRow *row)
{
    struct text_table *t = ctx;
    char since[DURATION_TEXT_BYTES], closed[DURATION_TEXT_BYTES], lost[DURATION_TEXT_BYTES];

    duration_format(row->since_ms / 1000 * 1000, since);
    duration_format(row->closed_ms / 1000 * 1000, closed);
    duration_format(row->lost_ms, lost);
    text_table_add(t, "%" PRIu32, row->incident);
    text_table_add(t, "%s", word_of_incident_kind(row->kind));
    text_table_add(t, "%s", row->scope_name);
    text_table_add(t, "%s ago", since);
    if (row->open)
        text_table_add(t, "open");
    else
        text_table_add(t, "%s ago", closed);
    text_table_add(t, "%" PRIu32, row->interruptions);
    text_table_add(t, "%s", lost);
    text_table_add(t, "%" PRIu32, row->notes);
    text_table_add(t, "%s", row->who[0] != '\0' ? row->who : "(observed)");
    text_table_add(t, "%s", row->text);
}

static enum exit_code list_text(struct cluster_node *node, bool open)
{
    static const struct text_column columns[] = {
        {"NO", true},     {"KIND", false},         {"SCOPE", false}, {"SINCE", true},
        {"CLOSED", true}, {"INTERRUPTIONS", true}, {"LOST", true},   {"NOTES", true},
        {"BY", false},    {"TEXT", false},
    };
    struct text_table t;
    enum exit_code exit_code;

    text_table_init(&t, columns, sizeof columns / sizeof columns[0]);
    exit_code = incident_query(node, open, row_collect, &t);
    if (exit_code == EXIT_CODE_DONE && t.cells_n == 0 && !t.no_memory) {
        puts(open ? "No incident is open." : "No incident.");
    } else if (exit_code == EXIT_CODE_DONE) {
        exam_err err = text_table_print(&t, stdout);

        if (err != EXAM_OK)
            report_error("%s", exam_err_text(err));
        exit_code = exit_code_of(err, 0);
    }
    text_table_fini(&t);
    return exit_code;
}

static void row_collect_json(void *ctx, const Admin__IncidentRow *row)
{
    (void)json_array_append_new(ctx, json_of_incident(row));
}

static enum exit_code list_json(struct cluster_node *node, bool open)
{
    json_t *list = json_array();
    enum exit_code exit_code = incident_query(node, open, row_collect_json, list);

    if (exit_code == EXIT_CODE_DONE)
        return json_output_print(json_pack("{s:o}", "incidents", list));
    json_decref(list);
    return exit_code;
}

enum exit_code cmd_incident_list(const struct options *o)
{
    struct cluster cluster;
    struct cluster_node *primary;
    enum exit_code exit_code = cluster_open_primary(o, &cluster, &primary);

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    exit_code = o->json ? list_json(primary, o->open) : list_text(primary, o->open);
    cluster_close(&cluster);
    return exit_code;
}

/* ---------------------------------------------------------------- open */

enum exit_code cmd_incident_open(const struct options *o)
{
    const struct ask text = {
        .given = o->text, .option = "text", .prompt = "What happened? (goes on record)"};
    Admin__Request request = ADMIN__REQUEST__INIT;
    Admin__Target target = ADMIN__TARGET__INIT;
    Admin__IncidentOpen open = ADMIN__INCIDENT_OPEN__INIT;
    char question[160];
    struct act a;
    enum exit_code exit_code;

    if (!incident_kind_of_word(o->argument, &open.kind)) {
        report_error("'%s' is no kind of incident; write power, network, server, software or other",
                     o->argument);
        return EXIT_CODE_USAGE;
    }
    exit_code = act_begin(&a, o, &text);
    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    target.name = a.second;
    open.target = &target;
    open.text = a.why;
    open.who = a.who;
    request.kind_case = ADMIN__REQUEST__KIND_INCIDENT_OPEN;
    request.incident_open = &open;
    snprintf(question, sizeof question,
             "Open an incident (%s) of %s, to which its interruptions belong from now on?",
             a.subject, a.second);
    exit_code = act_confirmed(&a, &request, question);
    act_end(&a);
    return exit_code;
}

/* ---------------------------------------------------------------- close, note */

struct incident_finder {
    uint32_t incident;
    bool found;
};

static void row_find(void *ctx, const Admin__IncidentRow *row)
{
    struct incident_finder *finder = ctx;
    char since[DURATION_TEXT_BYTES];

    if (row->incident != finder->incident)
        return;
    finder->found = true;
    duration_format(row->since_ms / 1000 * 1000, since);
    fprintf(stderr,
            "Incident %" PRIu32 ", %s, %s, %s, since %s: %s\nIt has %" PRIu32
            " interruptions and %" PRIu32 " notes.\n",
            row->incident, word_of_incident_kind(row->kind), row->scope_name,
            row->open ? "open" : "closed", since, row->text, row->interruptions, row->notes);
}

static enum exit_code incident_show(struct act *a, uint32_t incident)
{
    struct incident_finder finder = {.incident = incident};
    enum exit_code exit_code = incident_query(a->node, false, row_find, &finder);

    if (exit_code != EXIT_CODE_DONE || finder.found)
        return exit_code;
    report_error("there is no incident %" PRIu32 "; `examctl incident list` shows them", incident);
    return EXIT_CODE_REFUSED;
}

static enum exit_code incident_act(struct act *a, Admin__Request *request, uint32_t incident,
                                   const char *question)
{
    enum exit_code exit_code = EXIT_CODE_DONE;

    if (!a->o->yes)
        exit_code = incident_show(a, incident);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = act_confirmed(a, request, question);
    return exit_code;
}

enum exit_code cmd_incident_close(const struct options *o)
{
    const struct ask text = {
        .given = o->text, .option = "text", .prompt = "How did it end? (goes on record)"};
    Admin__Request request = ADMIN__REQUEST__INIT;
    Admin__IncidentClose close = ADMIN__INCIDENT_CLOSE__INIT;
    struct act a;
    enum exit_code exit_code = whole_number_parse(o->argument, "incident", &close.incident);

    if (exit_code == EXIT_CODE_DONE)
        exit_code = act_begin(&a, o, &text);
    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    close.text = a.why;
    close.who = a.who;
    request.kind_case = ADMIN__REQUEST__KIND_INCIDENT_CLOSE;
    request.incident_close = &close;
    exit_code = incident_act(&a, &request, close.incident, "Close it?");
    act_end(&a);
    return exit_code;
}

enum exit_code cmd_incident_note(const struct options *o)
{
    const struct ask text = {
        .given = o->text, .option = "text", .prompt = "What is to be noted? (goes on record)"};
    Admin__Request request = ADMIN__REQUEST__INIT;
    Admin__IncidentNote note = ADMIN__INCIDENT_NOTE__INIT;
    struct act a;
    enum exit_code exit_code = whole_number_parse(o->argument, "incident", &note.incident);

    if (exit_code == EXIT_CODE_DONE)
        exit_code = act_begin(&a, o, &text);
    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    note.text = a.why;
    note.who = a.who;
    request.kind_case = ADMIN__REQUEST__KIND_INCIDENT_NOTE;
    request.incident_note = &note;
    exit_code = incident_act(&a, &request, note.incident, "Add the note?");
    act_end(&a);
    return exit_code;
}
