#include "sitting_query.h"

#include <stdio.h>

#include "report.h"

static bool part_take(const struct sitting_reader *r, const Admin__Reply *reply)
{
    if (reply->kind_case == ADMIN__REPLY__KIND_SITTING_DETAIL && r->detail != NULL)
        r->detail(r->ctx, reply->sitting_detail);
    if (reply->kind_case == ADMIN__REPLY__KIND_ANSWER_ROWS && r->answers != NULL)
        r->answers(r->ctx, reply->answer_rows);
    return reply->kind_case == ADMIN__REPLY__KIND_SITTING_DETAIL;
}

enum exit_code sitting_query(struct cluster_node *node, const char *admission_no,
                             const struct sitting_reader *r)
{
    Admin__Request request = ADMIN__REQUEST__INIT;
    Admin__SittingShow show = ADMIN__SITTING_SHOW__INIT;
    const char *name = admin_client_node(node->client);
    char subject[NAME_BYTES_MAX + 1];
    const Admin__Reply *reply;
    unsigned details = 0;
    exam_err err;

    snprintf(subject, sizeof subject, "%s", admission_no);
    show.admission_no = subject;
    request.kind_case = ADMIN__REQUEST__KIND_SITTING_SHOW;
    request.sitting_show = &show;
    err = admin_client_ask(node->client, &request, &reply);
    while (err == EXAM_OK) {
        if (reply->kind_case == ADMIN__REPLY__KIND_REFUSED)
            return report_refusal(name, reply->refused, NULL);
        details += part_take(r, reply);
        if (reply->more) {
            err = admin_client_next(node->client, &reply);
            continue;
        }
        if (details == 1)
            return EXIT_CODE_DONE;
        report_error("node %s sent a reply that does not fit the request", name);
        return EXIT_CODE_PROTOCOL;
    }
    return cluster_report_lost(node, err, false);
}
