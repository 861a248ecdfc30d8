#include <inttypes.h>
#include <stdio.h>

#include "cluster.h"
#include "command.h"
#include "duration.h"
#include "json_output.h"
#include "report.h"
#include "seat_list.h"
#include "text_table.h"

static exam_err seats_ask(struct cluster_node *node, const char *room, struct seat_list *l,
                          bool *refused)
{
    Admin__Request request = ADMIN__REQUEST__INIT;
    Admin__Seats seats = ADMIN__SEATS__INIT;
    char name[NAME_BYTES_MAX + 1];
    const Admin__Reply *reply;
    exam_err err;

    snprintf(name, sizeof name, "%s", room != NULL ? room : "");
    seats.room = name;
    request.kind_case = ADMIN__REQUEST__KIND_SEATS;
    request.seats = &seats;
    err = admin_client_ask(node->client, &request, &reply);
    while (err == EXAM_OK) {
        if (reply->kind_case == ADMIN__REPLY__KIND_REFUSED) {
            *refused = true;
            (void)report_refusal(admin_client_node(node->client), reply->refused, NULL);
            return reply->refused->code != 0 ? (exam_err)reply->refused->code : EXAM_MALFORMED;
        }
        if (reply->kind_case == ADMIN__REPLY__KIND_SEAT_ROWS)
            seat_list_add(l, reply->seat_rows);
        if (!reply->more)
            return EXAM_OK;
        err = admin_client_next(node->client, &reply);
    }
    return err;
}

/* The node that serves first, whose word on the sittings counts, then the others, for the contacts
 * that only they have. One that does not answer is told of, and left out. */
static enum exit_code seats_ask_all(struct cluster *c, struct cluster_node *primary,
                                    const char *room, struct seat_list *l)
{
    bool refused = false;
    exam_err err = seats_ask(primary, room, l, &refused);

    if (err != EXAM_OK)
        return refused ? exit_code_of(err, 0) : cluster_report_lost(primary, err, false);
    for (size_t i = 0; i < c->n; i++) {
        struct cluster_node *node = &c->nodes[i];

        refused = false;
        if (node == primary)
            continue;
        if (node->err != EXAM_OK)
            report_error("warning: %s; seats in contact with it are shown as out of contact",
                         node->why);
        else if (seats_ask(node, room, l, &refused) != EXAM_OK && !refused)
            report_error("warning: %s; seats in contact with it are shown as out of contact",
                         admin_client_why(node->client));
    }
    return EXIT_CODE_DONE;
}

/* ---------------------------------------------------------------- output */

static void line_add(struct text_table *t, const struct seat_line *line)
{
    char silent[DURATION_TEXT_BYTES];

    duration_format(line->silent_ms / 1000 * 1000, silent);
    text_table_add(t, "%s", line->seat);
    text_table_add(t, "%s", line->node[0] != '\0' ? line->node : "no contact");
    text_table_add(t, "%s", line->node[0] != '\0' ? silent : "-");
    text_table_add(t, "%s", line->admission_no[0] != '\0' ? line->admission_no : "-");
    text_table_add(t, "%s", line->state[0] != '\0' ? line->state : "-");
    if (line->unsent_known)
        text_table_add(t, "%" PRIu64, line->unsent);
    else
        text_table_add(t, "%s", seat_line_unknown(line) ? "?" : "-");
}

static void summary_print(const struct seat_list *l)
{
    struct seat_summary s = seat_list_summary(l);

    printf("%zu seats, %zu in contact\n", s.seats, s.connected);
    if (s.holding > 0)
        printf("! %zu hold %" PRIu64 " unsent answers: nobody leaves them yet (P6).\n", s.holding,
               s.unsent);
    if (s.unknown > 0)
        printf("! %zu may hold unsent answers (?): bring those without contact into contact before "
               "anybody leaves (P6).\n",
               s.unknown);
}

static enum exit_code list_print(const struct seat_list *l)
{
    static const struct text_column columns[] = {
        {"SEAT", false},      {"NODE", false},  {"SILENT", true},
        {"CANDIDATE", false}, {"STATE", false}, {"UNSENT", true},
    };
    struct text_table t;
    exam_err err;

    text_table_init(&t, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < l->n; i++)
        line_add(&t, &l->lines[i]);
    err = text_table_print(&t, stdout);
    text_table_fini(&t);
    if (err != EXAM_OK)
        report_error("%s", exam_err_text(err));
    else
        summary_print(l);
    return exit_code_of(err, 0);
}

static enum exit_code list_print_json(const struct seat_list *l)
{
    json_t *seats = json_array();

    for (size_t i = 0; i < l->n; i++)
        (void)json_array_append_new(seats, json_of_seat(&l->lines[i]));
    return json_output_print(json_pack("{s:o}", "seats", seats));
}

enum exit_code cmd_seats(const struct options *o)
{
    struct seat_list list = {0};
    struct cluster cluster;
    struct cluster_node *primary;
    enum exit_code exit_code = cluster_open_primary(o, &cluster, &primary);

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    exit_code = seats_ask_all(&cluster, primary, o->room, &list);
    if (exit_code == EXIT_CODE_DONE && seat_list_merge(&list) != EXAM_OK) {
        report_error("%s", exam_err_text(EXAM_NOMEM));
        exit_code = EXIT_CODE_INTERNAL;
    }
    if (exit_code == EXIT_CODE_DONE && o->room != NULL && list.n == 0) {
        report_error("there is no room %s here; `examctl seats` shows all seats", o->room);
        exit_code = EXIT_CODE_REFUSED;
    }
    if (exit_code == EXIT_CODE_DONE)
        exit_code = o->json ? list_print_json(&list) : list_print(&list);
    seat_list_free(&list);
    cluster_close(&cluster);
    return exit_code;
}
