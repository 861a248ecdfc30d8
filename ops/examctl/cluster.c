#include "cluster.h"

#include <stdio.h>
#include <string.h>

#include "report.h"
#include "second.h"

static void node_ask_status(struct cluster_node *node, bool digest)
{
    Admin__Status status = ADMIN__STATUS__INIT;
    Admin__Request request = ADMIN__REQUEST__INIT;
    const Admin__Reply *reply;

    status.digest = digest;
    request.kind_case = ADMIN__REQUEST__KIND_STATUS;
    request.status = &status;
    node->err = admin_client_ask(node->client, &request, &reply);
    if (node->err != EXAM_OK) {
        snprintf(node->why, sizeof node->why, "%s", admin_client_why(node->client));
    } else if (reply->kind_case == ADMIN__REPLY__KIND_NODE_STATUS) {
        node->status = reply->node_status;
    } else if (reply->kind_case == ADMIN__REPLY__KIND_REFUSED) {
        node->err = reply->refused->code != 0 ? (exam_err)reply->refused->code : EXAM_MALFORMED;
        snprintf(node->why, sizeof node->why, "%s: %s", node->address->text, reply->refused->text);
    } else {
        node->err = EXAM_MALFORMED;
        snprintf(node->why, sizeof node->why, "%s: sent no status when asked for it",
                 node->address->text);
    }
}

exam_err cluster_survey(const struct options *o, bool digest, struct cluster *out)
{
    out->n = 0;
    for (size_t i = 0; i < o->nodes_n; i++) {
        struct cluster_node *node = &out->nodes[i];
        exam_err err;

        memset(node, 0, sizeof *node);
        node->o = o;
        node->address = &o->nodes[i];
        err = admin_client_new(o->timeout_ms, o->keyring, &node->client);
        if (err != EXAM_OK) {
            cluster_close(out);
            return err;
        }
        out->n++;
        node->err = admin_client_open(node->client, node->address, o->who);
        if (node->err == EXAM_OK)
            node_ask_status(node, digest);
        else
            snprintf(node->why, sizeof node->why, "%s", admin_client_why(node->client));
    }
    return EXAM_OK;
}

void cluster_close(struct cluster *c)
{
    for (size_t i = 0; i < c->n; i++)
        admin_client_free(c->nodes[i].client);
    c->n = 0;
}

struct cluster_node *cluster_primary(struct cluster *c)
{
    struct cluster_node *best = NULL;

    for (size_t i = 0; i < c->n; i++) {
        struct cluster_node *node = &c->nodes[i];

        if (node->status == NULL || node->status->role != ADMIN__ROLE__ROLE_PRIMARY)
            continue;
        if (best == NULL || node->status->epoch > best->status->epoch)
            best = node;
    }
    return best;
}

struct cluster_node *cluster_find(struct cluster *c, const char *node)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->nodes[i].status != NULL && strcmp(c->nodes[i].status->node, node) == 0)
            return &c->nodes[i];
    return NULL;
}

/* All of the nodes failed in the same way: then the exit code can say so. */
static enum exit_code none_exit_code(const struct cluster *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (exit_code_of(c->nodes[i].err, 0) != EXIT_CODE_PROTOCOL)
            return EXIT_CODE_UNAVAILABLE;
    return EXIT_CODE_PROTOCOL;
}

enum exit_code cluster_report_none(const struct cluster *c)
{
    bool answered = false;
    bool empty = true;

    for (size_t i = 0; i < c->n; i++) {
        const Admin__NodeStatus *s = c->nodes[i].status;

        answered = answered || s != NULL;
        empty = empty && (s == NULL || s->role == ADMIN__ROLE__ROLE_EMPTY);
        if (s == NULL)
            report_error("%s", c->nodes[i].why);
    }
    if (!answered) {
        report_error(
            "no node answers; check --nodes, the network, and whether examnode runs there");
        return none_exit_code(c);
    }
    if (empty)
        report_error("the site has not been founded; `examctl found` does it, on one node");
    else
        report_error("no node serves; `examctl status` shows why, `examctl promote NODE` makes one "
                     "serve");
    return EXIT_CODE_UNAVAILABLE;
}

static void warn_of_two(const struct cluster *c, const struct cluster_node *primary)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct cluster_node *node = &c->nodes[i];

        if (node != primary && node->status != NULL &&
            node->status->role == ADMIN__ROLE__ROLE_PRIMARY)
            report_error(
                "warning: node %s says that it serves, too, with a lower epoch; asking %s. "
                "Bring the two into contact again: %s then steps down by itself (W1)",
                node->status->node, primary->status->node, node->status->node);
    }
}

enum exit_code cluster_open_primary(const struct options *o, struct cluster *out,
                                    struct cluster_node **primary)
{
    exam_err err = cluster_survey(o, false, out);
    enum exit_code exit_code;

    if (err != EXAM_OK) {
        report_error("%s", exam_err_text(err));
        return exit_code_of(err, 0);
    }
    *primary = cluster_primary(out);
    if (*primary != NULL) {
        warn_of_two(out, *primary);
        return EXIT_CODE_DONE;
    }
    exit_code = cluster_report_none(out);
    cluster_close(out);
    return exit_code;
}

enum exit_code cluster_report_lost(const struct cluster_node *node, exam_err err, bool act)
{
    report_error("%s", admin_client_why(node->client));
    if (act && exam_err_class_of(err) == EXAM_CLASS_RETRY)
        report_error("whether it was carried out is not known: look at `examctl status` before you "
                     "try again");
    return exit_code_of(err, 0);
}

enum exit_code cluster_act(struct cluster_node *node, Admin__Request *request, bool json)
{
    const Admin__Reply *reply;
    exam_err err = admin_client_ask(node->client, request, &reply);
    const char *name = admin_client_node(node->client);

    if (err != EXAM_OK)
        return cluster_report_lost(node, err, true);
    if (reply->kind_case == ADMIN__REPLY__KIND_DONE)
        return report_done(name, reply->done, json);
    if (reply->kind_case == ADMIN__REPLY__KIND_REFUSED)
        return report_refusal(name, reply->refused, NULL);
    if (reply->kind_case == ADMIN__REPLY__KIND_PROPOSED)
        return second_after(node, reply->proposed);
    report_error("node %s sent a reply that does not fit the request", name);
    return EXIT_CODE_PROTOCOL;
}
