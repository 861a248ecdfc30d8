#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "batch_query.h"
#include "cluster.h"
#include "command.h"
#include "confirm.h"
#include "json_output.h"
#include "report.h"
#include "status_view.h"

static void batch_collect_json(void *ctx, const Admin__BatchInfo *b)
{
    json_t *list = ctx;

    (void)json_array_append_new(list, json_of_batch(b));
}

static enum exit_code batches_print_json(struct cluster_node *node, const char *batch)
{
    json_t *list = json_array();
    enum exit_code exit_code = batch_query(node, batch, batch_collect_json, list);

    if (exit_code == EXIT_CODE_DONE)
        return json_output_print(json_pack("{s:o}", "batches", list));
    json_decref(list);
    return exit_code;
}

/* ---------------------------------------------------------------- list */

/* The status holds all batches already, and they stay while they are printed. */
static enum exit_code list_print(const struct cluster_node *node)
{
    const Admin__NodeStatus *s = node->status;

    if (s->n_batches == 0) {
        printf("No batch has been imported.\n");
        return EXIT_CODE_DONE;
    }
    return status_view_batches((const Admin__BatchInfo *const *)s->batches, s->n_batches, stdout);
}

enum exit_code cmd_batch_list(const struct options *o)
{
    struct cluster cluster;
    struct cluster_node *primary;
    enum exit_code exit_code = cluster_open_primary(o, &cluster, &primary);

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    exit_code = o->json ? batches_print_json(primary, "") : list_print(primary);
    cluster_close(&cluster);
    return exit_code;
}

/* ---------------------------------------------------------------- status */

struct batch_screen {
    FILE *to;
    unsigned n;
    Admin__BatchState state; /* of the last one shown */
};

static void batch_show(void *ctx, const Admin__BatchInfo *b)
{
    struct batch_screen *screen = ctx;

    if (screen->n++ > 0)
        fputc('\n', screen->to);
    status_view_batch(b, screen->to);
    screen->state = b->state;
}

static enum exit_code status_once(const struct options *o, struct batch_screen *screen)
{
    struct cluster cluster;
    struct cluster_node *primary;
    enum exit_code exit_code = cluster_open_primary(o, &cluster, &primary);

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    if (o->json) {
        exit_code = batches_print_json(primary, o->argument);
    } else {
        if (o->watch && isatty(STDOUT_FILENO) == 1)
            fputs("\033[H\033[2J", screen->to);
        exit_code = batch_query(primary, o->argument, batch_show, screen);
        if (exit_code == EXIT_CODE_DONE && o->watch)
            fprintf(screen->to, "Served by %s\n\n", admin_client_node(primary->client));
    }
    cluster_close(&cluster);
    return exit_code;
}

enum exit_code cmd_batch_status(const struct options *o)
{
    struct batch_screen screen = {.to = stdout};

    for (;; screen.n = 0) {
        enum exit_code exit_code = status_once(o, &screen);
        bool gone = exit_code == EXIT_CODE_UNAVAILABLE || exit_code == EXIT_CODE_TRY_AGAIN;

        fflush(stdout);
        /* Whoever watches wants to see the failover too, so a missing primary is waited for. */
        if (!o->watch || (exit_code != EXIT_CODE_DONE && !gone))
            return exit_code;
        if (screen.state == ADMIN__BATCH_STATE__BATCH_STATE_COLLECTED ||
            screen.state == ADMIN__BATCH_STATE__BATCH_STATE_POSTPONED)
            return exit_code;
        sleep(1);
    }
}

/* ---------------------------------------------------------------- start, collect */

enum exit_code cmd_batch_start(const struct options *o)
{
    Admin__BatchStart start = ADMIN__BATCH_START__INIT;
    Admin__Request request = ADMIN__REQUEST__INIT;
    char batch[NAME_BYTES_MAX + 1];
    char who[PERSON_BYTES_MAX + 1];
    struct cluster cluster;
    struct cluster_node *primary;
    enum exit_code exit_code = cluster_open_primary(o, &cluster, &primary);

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    snprintf(batch, sizeof batch, "%s", o->argument);
    snprintf(who, sizeof who, "%s", o->who);
    start.batch = batch;
    start.who = who;
    request.kind_case = ADMIN__REQUEST__KIND_BATCH_START;
    request.batch_start = &start;
    exit_code = cluster_act(primary, &request, o->json);
    cluster_close(&cluster);
    return exit_code;
}

static enum exit_code collect_send(const struct options *o, struct cluster_node *node)
{
    Admin__BatchCollect collect = ADMIN__BATCH_COLLECT__INIT;
    Admin__Request request = ADMIN__REQUEST__INIT;
    char batch[NAME_BYTES_MAX + 1];
    char who[PERSON_BYTES_MAX + 1];

    snprintf(batch, sizeof batch, "%s", o->argument);
    snprintf(who, sizeof who, "%s", o->who);
    collect.batch = batch;
    collect.who = who;
    collect.unfinished = o->unfinished;
    request.kind_case = ADMIN__REQUEST__KIND_BATCH_COLLECT;
    request.batch_collect = &collect;
    return cluster_act(node, &request, o->json);
}

/* P6: shows what is being closed before it is. */
enum exit_code cmd_batch_collect(const struct options *o)
{
    struct batch_screen screen = {.to = stderr};
    char question[256];
    struct cluster cluster;
    struct cluster_node *primary;
    enum exit_code exit_code = cluster_open_primary(o, &cluster, &primary);

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    exit_code = batch_query(primary, o->argument, batch_show, &screen);
    snprintf(question, sizeof question,
             o->unfinished ? "Collect batch %s, and close the sittings that are not finished?"
                           : "Collect batch %s?",
             o->argument);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = confirm_act(o, question);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = collect_send(o, primary);
    cluster_close(&cluster);
    return exit_code;
}
