#include "postponed_list.h"

#include <csv.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "batch_query.h"
#include "json_output.h"
#include "report.h"
#include "result_csv.h"
#include "whole_file.h"
#include "words.h"

enum { MINUTE_MS = 60000, ROSTER_PATH_BYTES = NAME_BYTES_MAX + 16 };

struct postponed_lists {
    const struct options *o;
    struct cluster_node *node;
    Admin__BatchState state;
    uint64_t allot_ms; /* of the batch: what a sitting has more is its own extra time */
    FILE *notify;      /* each NULL: not wanted */
    FILE *roster;
    json_t *json;
    uint64_t candidates, finished_before;
    bool no_id; /* a candidate came without ID number */
};

/* ---------------------------------------------------------------- rows */

static void notify_row(FILE *to, const Admin__SittingResult *s)
{
    const char *const cells[] = {s->admission_no, s->name, s->room, s->seat, s->paper};

    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        result_csv_text(to, cells[i], strlen(cells[i]));
        fputc(',', to);
    }
    fprintf(to, "%" PRIu64 ",%" PRIu32 "\n", s->used_ms, s->answers);
}

static void roster_row(struct postponed_lists *l, const Admin__SittingResult *s)
{
    const char *const cells[] = {s->admission_no, s->id_no, s->name, s->seat, s->paper};
    uint64_t extra_ms = s->allot_ms > l->allot_ms ? s->allot_ms - l->allot_ms : 0;

    l->no_id = l->no_id || s->id_no[0] == '\0';
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        csv_fwrite(l->roster, cells[i], strlen(cells[i]));
        fputc(',', l->roster);
    }
    fprintf(l->roster, "%" PRIu64 "\n", (extra_ms + MINUTE_MS - 1) / MINUTE_MS);
}

static void result_take(struct postponed_lists *l, const Admin__SittingResult *s)
{
    if (strcmp(s->finish, "postponed") != 0) {
        l->finished_before++;
        return;
    }
    l->candidates++;
    if (l->notify != NULL)
        notify_row(l->notify, s);
    if (l->roster != NULL)
        roster_row(l, s);
    if (l->json != NULL)
        (void)json_array_append_new(l->json, json_of_result(s));
}

/* ---------------------------------------------------------------- asking */

static void batch_take(void *ctx, const Admin__BatchInfo *b)
{
    struct postponed_lists *l = ctx;

    l->state = b->state;
    l->allot_ms = b->allot_ms;
}

static enum exit_code results_take(struct postponed_lists *l)
{
    Admin__Request request = ADMIN__REQUEST__INIT;
    Admin__Results results = ADMIN__RESULTS__INIT;
    char batch[NAME_BYTES_MAX + 1];
    const Admin__Reply *reply;
    exam_err err;

    snprintf(batch, sizeof batch, "%s", l->o->argument);
    results.batch = batch;
    results.id_no = l->roster != NULL;
    request.kind_case = ADMIN__REQUEST__KIND_RESULTS;
    request.results = &results;
    err = admin_client_ask(l->node->client, &request, &reply);
    while (err == EXAM_OK) {
        if (reply->kind_case == ADMIN__REPLY__KIND_REFUSED)
            return report_refusal(admin_client_node(l->node->client), reply->refused, NULL);
        if (reply->kind_case == ADMIN__REPLY__KIND_SITTING_RESULT)
            result_take(l, reply->sitting_result);
        if (!reply->more)
            return EXIT_CODE_DONE;
        err = admin_client_next(l->node->client, &reply);
    }
    return cluster_report_lost(l->node, err, false);
}

static enum exit_code rows_write(struct postponed_lists *l)
{
    enum exit_code exit_code;

    if (l->notify != NULL)
        fputs("admission_no,name,room,seat,paper,used_ms,answers\n", l->notify);
    if (l->roster != NULL)
        fputs("admission_no,id_no,name,seat,paper,extra_minutes\n", l->roster);
    exit_code = results_take(l);
    if (exit_code == EXIT_CODE_DONE && l->no_id) {
        report_error("node %s does not tell the ID numbers that a roster needs; use the examctl "
                     "that came with it",
                     admin_client_node(l->node->client));
        return EXIT_CODE_PROTOCOL;
    }
    return exit_code;
}

/* ---------------------------------------------------------------- files */

struct list_file {
    const char *path; /* NULL: not wanted */
    struct whole_file file;
};

static enum exit_code file_open(struct list_file *f, FILE **stream)
{
    if (f->path == NULL)
        return EXIT_CODE_DONE;
    if (whole_file_open(f->path, &f->file) != EXAM_OK) {
        report_error("cannot write %s: %s", f->path, strerror(errno));
        return EXIT_CODE_INTERNAL;
    }
    *stream = f->file.stream;
    return EXIT_CODE_DONE;
}

/* Puts the file in its place, or throws it away when something went wrong before. */
static enum exit_code file_close(struct list_file *f, FILE *stream, enum exit_code exit_code)
{
    if (f->path == NULL || stream == NULL)
        return exit_code;
    if (exit_code != EXIT_CODE_DONE) {
        whole_file_abandon(&f->file);
        report_error("%s was not written", f->path);
        return exit_code;
    }
    if (whole_file_commit(&f->file) == EXAM_OK)
        return EXIT_CODE_DONE;
    report_error("cannot write %s: %s", f->path, strerror(errno));
    return EXIT_CODE_INTERNAL;
}

static void written_print(const struct postponed_lists *l, const char *roster)
{
    if (l->o->output != NULL)
        fprintf(stderr, "%s: %" PRIu64 " candidates to be notified\n", l->o->output, l->candidates);
    if (roster != NULL)
        fprintf(stderr,
                "%s: their roster, with the seats they had. When the new date is known:\n"
                "  examctl import --batch %s --rooms ROOMS --roster %s --paper PAPER\n",
                roster, l->o->new_batch, roster);
    if (l->finished_before > 0)
        fprintf(stderr,
                "%" PRIu64 " of the batch had finished before: they have a result, and are not "
                "listed.\n",
                l->finished_before);
}

/* Both files, or neither but for a failure between their two renames. */
static enum exit_code files_write(struct postponed_lists *l)
{
    char roster_path[ROSTER_PATH_BYTES];
    struct list_file notify = {.path = l->o->output};
    struct list_file roster = {.path = l->o->new_batch != NULL ? roster_path : NULL};
    FILE *notify_stream = NULL;
    enum exit_code exit_code;

    if (l->o->new_batch != NULL)
        snprintf(roster_path, sizeof roster_path, "%s-roster.csv", l->o->new_batch);
    exit_code = file_open(&notify, &notify_stream);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = file_open(&roster, &l->roster);
    if (notify_stream != NULL)
        l->notify = notify_stream;
    if (exit_code == EXIT_CODE_DONE)
        exit_code = rows_write(l);
    exit_code = file_close(&roster, l->roster, exit_code);
    exit_code = file_close(&notify, notify_stream, exit_code);
    if (exit_code == EXIT_CODE_DONE)
        written_print(l, roster.path);
    return exit_code;
}

/* ---------------------------------------------------------------- */

enum exit_code postponed_list_write(const struct options *o, struct cluster_node *node,
                                    enum postponed_to to)
{
    struct postponed_lists l = {.o = o, .node = node};
    bool stdout_wanted = to == POSTPONED_TO_FILE_OR_STDOUT && o->output == NULL;
    enum exit_code exit_code = batch_query(node, o->argument, batch_take, &l);

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    if (l.state != ADMIN__BATCH_STATE__BATCH_STATE_POSTPONED) {
        report_error("batch %s is %s, not postponed: nobody is to be notified; `examctl batch "
                     "postpone %s` postpones it",
                     o->argument, word_of_batch_state(l.state), o->argument);
        return EXIT_CODE_REFUSED;
    }
    if (stdout_wanted && o->json)
        l.json = json_array();
    else if (stdout_wanted)
        l.notify = stdout;
    exit_code = files_write(&l);
    if (exit_code == EXIT_CODE_DONE && l.json != NULL)
        return json_output_print(json_pack("{s:o}", "candidates", l.json));
    json_decref(l.json);
    return exit_code;
}

enum exit_code postponed_list_check(const struct options *o, const struct cluster_node *node)
{
    const Admin__NodeStatus *s = node->status;

    for (size_t i = 0; o->new_batch != NULL && i < s->n_batches; i++)
        if (strcmp(s->batches[i]->batch, o->new_batch) == 0) {
            report_error("there is a batch %s already; give the new one another name",
                         o->new_batch);
            return EXIT_CODE_REFUSED;
        }
    return EXIT_CODE_DONE;
}
