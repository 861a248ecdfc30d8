#include <stdio.h>

#include "cluster.h"
#include "command.h"
#include "json_output.h"
#include "report.h"
#include "status_view.h"

static enum exit_code status_print_json(const struct cluster *c)
{
    json_t *nodes = json_array();

    for (size_t i = 0; i < c->n; i++) {
        const struct cluster_node *node = &c->nodes[i];

        (void)json_array_append_new(
            nodes, node->status != NULL ? json_of_node(node->address->text, node->status)
                                        : json_of_unreachable(node->address->text, node->why));
    }
    return json_output_print(json_pack("{s:o}", "nodes", nodes));
}

/* Of the primary; without one, of the node that knows the highest epoch. */
static const Admin__NodeStatus *status_best(struct cluster *c)
{
    const struct cluster_node *primary = cluster_primary(c);
    const Admin__NodeStatus *best = primary != NULL ? primary->status : NULL;

    for (size_t i = 0; i < c->n && primary == NULL; i++) {
        const Admin__NodeStatus *s = c->nodes[i].status;

        if (s != NULL && (best == NULL || s->epoch > best->epoch))
            best = s;
    }
    return best;
}

static enum exit_code status_print_text(struct cluster *c, bool digest)
{
    enum exit_code exit_code = status_view_nodes(c, stdout);
    const Admin__NodeStatus *best = status_best(c);

    if (exit_code == EXIT_CODE_DONE && digest)
        status_view_digests(c, stdout);
    if (exit_code == EXIT_CODE_DONE && best != NULL && best->n_batches > 0) {
        putchar('\n');
        exit_code = status_view_batches((const Admin__BatchInfo *const *)best->batches,
                                        best->n_batches, stdout);
    }
    return exit_code;
}

/* All are asked, the dead ones are shown as such: exit 69 only if nobody answers. */
enum exit_code cmd_status(const struct options *o)
{
    struct cluster cluster;
    exam_err err = cluster_survey(o, o->digest, &cluster);
    bool answered = false;
    enum exit_code exit_code;

    if (err != EXAM_OK) {
        report_error("%s", exam_err_text(err));
        return exit_code_of(err, 0);
    }
    for (size_t i = 0; i < cluster.n; i++)
        answered = answered || cluster.nodes[i].status != NULL;
    if (o->json)
        exit_code = status_print_json(&cluster);
    else
        exit_code = status_print_text(&cluster, o->digest);
    if (exit_code == EXIT_CODE_DONE && !answered)
        exit_code = cluster_report_none(&cluster);
    cluster_close(&cluster);
    return exit_code;
}
