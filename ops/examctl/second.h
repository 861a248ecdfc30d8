/* second.h - acts of two persons (P2), on the side of the tool: what waits on the nodes, and the
 * second person's word.
 * Shell: blocks within the clients' time limits. Not thread-safe.
 *
 * The second person signs the digest of the very request that the first one has signed; the tool
 * reckons it from the bytes that it was sent with the words that it shows. */
#ifndef EXAMCTL_SECOND_H
#define EXAMCTL_SECOND_H

#include <stdbool.h>

#include "cluster.h"

/* Of every node that answers. */
enum exit_code second_list(const struct options *o);
/* Confirms or rejects the proposal whose number is the command's argument, wherever it waits. */
enum exit_code second_say(const struct options *o, bool reject);
/* An act was not carried out: it waits. Says so (EXIT_CODE_WAITS), or, with --second, has the
 * second person confirm it here and now. */
enum exit_code second_after(struct cluster_node *node, const Admin__Proposed *proposed);

#endif
