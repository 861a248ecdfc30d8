/* batch_query.h - asks the node about batches.
 * Shell: blocks within the client's time limits. */
#ifndef EXAMCTL_BATCH_QUERY_H
#define EXAMCTL_BATCH_QUERY_H

#include "cluster.h"

/* What is done with each BatchInfo of an answer; it lives until the call returns. */
typedef void (*batch_fn)(void *ctx, const Admin__BatchInfo *b);

/* Asks for one batch, or with "" for all of them. Reports on stderr what went wrong. */
enum exit_code batch_query(struct cluster_node *node, const char *batch, batch_fn each, void *ctx);

#endif
