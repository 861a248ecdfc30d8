/* incident_query.h - asks the node for its incidents.
 * Shell: blocks within the client's time limits. */
#ifndef EXAMCTL_INCIDENT_QUERY_H
#define EXAMCTL_INCIDENT_QUERY_H

#include <stdbool.h>

#include "cluster.h"

/* What is done with each row; it lives until the call returns. */
typedef void (*incident_fn)(void *ctx, const Admin__IncidentRow *row);

/* Reports on stderr what went wrong. */
enum exit_code incident_query(struct cluster_node *node, bool open, incident_fn each, void *ctx);

#endif
