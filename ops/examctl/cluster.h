/* cluster.h - all the nodes that were named, asked one after the other.
 * Shell: blocks within the clients' time limits. Not thread-safe. */
#ifndef EXAMCTL_CLUSTER_H
#define EXAMCTL_CLUSTER_H

#include <stdbool.h>

#include "admin_client.h"
#include "exit_code.h"
#include "options.h"

struct cluster_node {
    const struct options *o; /* on whose behalf it is asked */
    const struct node_address *address;
    struct admin_client *client; /* greeted, unless err */
    exam_err err;                /* why there is no status */
    char why[640];
    const Admin__NodeStatus
        *status; /* lives until this node's client is used again; NULL with err */
};

struct cluster {
    struct cluster_node nodes[NODES_MAX];
    size_t n;
};

/* Asks every node of the options for its status. Nodes that do not answer are in the list with
 * their error. EXAM_NOMEM. */
EXAM_MUST_USE exam_err cluster_survey(const struct options *o, bool digest, struct cluster *out);
void cluster_close(struct cluster *c);

/* The node that serves: of several that say so the one with the highest epoch (W1). NULL: none. */
struct cluster_node *cluster_primary(struct cluster *c);
struct cluster_node *cluster_find(struct cluster *c, const char *node);

/* Surveys, finds the primary and tells the person when there is none. On EXIT_CODE_DONE *primary
 * has a client to ask; on others nothing is open. */
enum exit_code cluster_open_primary(const struct options *o, struct cluster *out,
                                    struct cluster_node **primary);

/* No node serves, or none answers: says which it is, and why, node by node. */
enum exit_code cluster_report_none(const struct cluster *c);

/* A client's error after the request was sent. For an act: whether it was done is not known. */
enum exit_code cluster_report_lost(const struct cluster_node *node, exam_err err, bool act);

/* Sends an act and reports what came of it. */
enum exit_code cluster_act(struct cluster_node *node, Admin__Request *request, bool json);

#endif
