#include <stdio.h>

#include "cluster.h"
#include "command.h"
#include "report.h"

/* W1: a site is founded on one node, which begins epoch 1; the others join by themselves. */
enum exit_code cmd_found(const struct options *o)
{
    Admin__Found found = ADMIN__FOUND__INIT;
    Admin__Request request = ADMIN__REQUEST__INIT;
    struct options first = *o;
    char site[TITLE_BYTES_MAX + 1] = "";
    struct cluster cluster;
    enum exit_code exit_code;
    exam_err err;

    first.nodes_n = 1;
    if (o->site != NULL)
        snprintf(site, sizeof site, "%s", o->site);
    found.site_name = site;
    found.who = first.who;
    request.kind_case = ADMIN__REQUEST__KIND_FOUND;
    request.found = &found;
    err = cluster_survey(&first, false, &cluster);
    if (err != EXAM_OK) {
        report_error("%s", exam_err_text(err));
        return exit_code_of(err, 0);
    }
    if (cluster.nodes[0].status != NULL)
        exit_code = cluster_act(&cluster.nodes[0], &request, o->json);
    else
        exit_code = cluster_report_none(&cluster);
    cluster_close(&cluster);
    return exit_code;
}
