/* cmd_receipt.c - `examctl receipt SITTING`: what the node that serves signs about a candidate's
 * answers (D8), to be printed or kept. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cluster.h"
#include "command.h"
#include "keyring.h"
#include "receipt.h"
#include "report.h"
#include "whole_file.h"

static enum exit_code write_to_file(const char *path, const ProtobufCBinaryData *text)
{
    struct whole_file file;

    if (whole_file_open(path, &file) != EXAM_OK) {
        report_error("cannot write %s: %s", path, strerror(errno));
        return EXIT_CODE_INTERNAL;
    }
    if (fwrite(text->data, 1, text->len, file.stream) == text->len &&
        whole_file_commit(&file) == EXAM_OK)
        return EXIT_CODE_DONE;
    report_error("cannot write %s: %s", path, strerror(errno));
    return EXIT_CODE_INTERNAL;
}

/* A receipt that nobody can check later is worth nothing: it is checked now. */
static enum exit_code check(const struct options *o, const char *node,
                            const ProtobufCBinaryData *text)
{
    struct receipt r;

    if (receipt_parse((const char *)text->data, text->len, &r) != EXAM_OK ||
        strcmp(r.candidate, o->argument) != 0) {
        report_error("node %s sent something else than that candidate's receipt", node);
        return EXIT_CODE_PROTOCOL;
    }
    if (o->keyring == NULL || receipt_verify(&r, keyring_roster(o->keyring), NULL) == EXAM_OK)
        return EXIT_CODE_DONE;
    report_error("the receipt that node %s sent is not signed by a server of this site", node);
    return EXIT_CODE_PROTOCOL;
}

static enum exit_code take(const struct options *o, const char *node, const Admin__Reply *reply)
{
    const ProtobufCBinaryData *text;
    enum exit_code exit_code;

    if (reply->kind_case == ADMIN__REPLY__KIND_REFUSED)
        return report_refusal(node, reply->refused, NULL);
    if (reply->kind_case != ADMIN__REPLY__KIND_RECEIPT_TEXT) {
        report_error("node %s sent a reply that does not fit the request", node);
        return EXIT_CODE_PROTOCOL;
    }
    text = &reply->receipt_text->text;
    exit_code = check(o, node, text);
    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    if (o->output != NULL)
        return write_to_file(o->output, text);
    fwrite(text->data, 1, text->len, stdout);
    return EXIT_CODE_DONE;
}

enum exit_code cmd_receipt(const struct options *o)
{
    Admin__Request request = ADMIN__REQUEST__INIT;
    Admin__Receipt receipt = ADMIN__RECEIPT__INIT;
    char admission_no[NAME_BYTES_MAX + 1];
    struct cluster cluster;
    struct cluster_node *node;
    const Admin__Reply *reply;
    enum exit_code exit_code = cluster_open_primary(o, &cluster, &node);
    exam_err err;

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    snprintf(admission_no, sizeof admission_no, "%s", o->argument);
    receipt.admission_no = admission_no;
    request.kind_case = ADMIN__REQUEST__KIND_RECEIPT;
    request.receipt = &receipt;
    err = admin_client_ask(node->client, &request, &reply);
    exit_code = err == EXAM_OK ? take(o, admin_client_node(node->client), reply)
                               : cluster_report_lost(node, err, false);
    cluster_close(&cluster);
    return exit_code;
}
