#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cluster.h"
#include "command.h"
#include "progress.h"
#include "report.h"
#include "result_csv.h"
#include "whole_file.h"

struct export
{
    const struct options *o;
    struct cluster_node *node;
    FILE *to;
    uint64_t sittings;
    uint64_t answers;
    struct progress progress;
};

static void export_reply(struct export *x, const Admin__Reply *reply)
{
    if (reply->kind_case == ADMIN__REPLY__KIND_SITTING_RESULT) {
        if (!x->o->answers)
            result_csv_sitting(x->to, reply->sitting_result);
        x->sittings++;
        progress_step(&x->progress, 1);
    } else if (reply->kind_case == ADMIN__REPLY__KIND_ANSWER_ROWS) {
        if (x->o->answers)
            result_csv_answers(x->to, reply->answer_rows);
        x->answers += reply->answer_rows->n_rows;
    }
}

static enum exit_code export_stream(struct export *x)
{
    Admin__Results results = ADMIN__RESULTS__INIT;
    Admin__Request request = ADMIN__REQUEST__INIT;
    char batch[NAME_BYTES_MAX + 1];
    const Admin__Reply *reply;
    exam_err err;

    snprintf(batch, sizeof batch, "%s", x->o->argument);
    results.batch = batch;
    results.answers = x->o->answers;
    request.kind_case = ADMIN__REQUEST__KIND_RESULTS;
    request.results = &results;
    err = admin_client_ask(x->node->client, &request, &reply);
    if (err == EXAM_OK && reply->kind_case != ADMIN__REPLY__KIND_REFUSED) {
        if (x->o->answers)
            result_csv_answer_header(x->to);
        else
            result_csv_sitting_header(x->to);
    }
    while (err == EXAM_OK) {
        if (reply->kind_case == ADMIN__REPLY__KIND_REFUSED)
            return report_refusal(admin_client_node(x->node->client), reply->refused, NULL);
        export_reply(x, reply);
        if (!reply->more)
            return EXIT_CODE_DONE;
        err = admin_client_next(x->node->client, &reply);
    }
    return cluster_report_lost(x->node, err, false);
}

static enum exit_code export_to_stdout(struct export *x)
{
    enum exit_code exit_code;

    x->to = stdout;
    exit_code = export_stream(x);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        report_error("cannot write the results: %s; the output is not complete", strerror(errno));
        return EXIT_CODE_INTERNAL;
    }
    if (exit_code != EXIT_CODE_DONE && x->sittings > 0)
        report_error("the output is cut off: do not use it");
    return exit_code;
}

static enum exit_code export_to_file(struct export *x, const char *path)
{
    struct whole_file file;
    enum exit_code exit_code;

    if (whole_file_open(path, &file) != EXAM_OK) {
        report_error("cannot write %s: %s", path, strerror(errno));
        return EXIT_CODE_INTERNAL;
    }
    x->to = file.stream;
    exit_code = export_stream(x);
    if (exit_code != EXIT_CODE_DONE) {
        whole_file_abandon(&file);
        report_error("%s was not written", path);
        return exit_code;
    }
    if (whole_file_commit(&file) != EXAM_OK) {
        report_error("cannot write %s: %s", path, strerror(errno));
        return EXIT_CODE_INTERNAL;
    }
    progress_end(&x->progress);
    if (x->o->answers)
        fprintf(stderr, "%s: %" PRIu64 " answers of %" PRIu64 " sittings\n", path, x->answers,
                x->sittings);
    else
        fprintf(stderr, "%s: %" PRIu64 " sittings\n", path, x->sittings);
    return EXIT_CODE_DONE;
}

enum exit_code cmd_results(const struct options *o)
{
    struct export x = {.o = o};
    struct cluster cluster;
    enum exit_code exit_code = cluster_open_primary(o, &cluster, &x.node);

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    progress_begin(&x.progress, "sittings read", 0);
    if (o->output != NULL)
        exit_code = export_to_file(&x, o->output);
    else
        exit_code = export_to_stdout(&x);
    progress_end(&x.progress);
    cluster_close(&cluster);
    return exit_code;
}
