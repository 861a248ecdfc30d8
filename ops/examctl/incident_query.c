#include "incident_query.h"

#include "report.h"

enum exit_code incident_query(struct cluster_node *node, bool open, incident_fn each, void *ctx)
{
    Admin__Request request = ADMIN__REQUEST__INIT;
    Admin__Incidents incidents = ADMIN__INCIDENTS__INIT;
    const Admin__Reply *reply;
    exam_err err;

    incidents.open = open;
    request.kind_case = ADMIN__REQUEST__KIND_INCIDENTS;
    request.incidents = &incidents;
    err = admin_client_ask(node->client, &request, &reply);
    while (err == EXAM_OK) {
        if (reply->kind_case == ADMIN__REPLY__KIND_REFUSED)
            return report_refusal(admin_client_node(node->client), reply->refused, NULL);
        if (reply->kind_case == ADMIN__REPLY__KIND_INCIDENT_ROWS)
            for (size_t i = 0; i < reply->incident_rows->n_rows; i++)
                each(ctx, reply->incident_rows->rows[i]);
        if (!reply->more)
            return EXIT_CODE_DONE;
        err = admin_client_next(node->client, &reply);
    }
    return cluster_report_lost(node, err, false);
}
