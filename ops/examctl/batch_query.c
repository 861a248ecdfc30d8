#include "batch_query.h"

#include <stdio.h>

#include "report.h"

enum exit_code batch_query(struct cluster_node *node, const char *batch, batch_fn each, void *ctx)
{
    Admin__BatchStatus status = ADMIN__BATCH_STATUS__INIT;
    Admin__Request request = ADMIN__REQUEST__INIT;
    char name[NAME_BYTES_MAX + 1];
    const Admin__Reply *reply;
    exam_err err;

    snprintf(name, sizeof name, "%s", batch);
    status.batch = name;
    request.kind_case = ADMIN__REQUEST__KIND_BATCH_STATUS;
    request.batch_status = &status;
    err = admin_client_ask(node->client, &request, &reply);
    while (err == EXAM_OK) {
        if (reply->kind_case == ADMIN__REPLY__KIND_REFUSED)
            return report_refusal(admin_client_node(node->client), reply->refused, NULL);
        if (reply->kind_case == ADMIN__REPLY__KIND_BATCH_INFO)
            each(ctx, reply->batch_info);
        if (!reply->more)
            return EXIT_CODE_DONE;
        err = admin_client_next(node->client, &reply);
    }
    return cluster_report_lost(node, err, false);
}
