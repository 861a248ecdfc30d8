/* status_view.h - nodes and batches as a person reads them.
 * Pure but for the streams. */
#ifndef EXAMCTL_STATUS_VIEW_H
#define EXAMCTL_STATUS_VIEW_H

#include <stdio.h>

#include "cluster.h"

/* One row a node, then what needs attention, one line each with what to do. */
enum exit_code status_view_nodes(const struct cluster *c, FILE *to);

/* Log heads and state digests, and whether they are equal (D4). */
void status_view_digests(const struct cluster *c, FILE *to);

/* One row a batch. */
enum exit_code status_view_batches(const Admin__BatchInfo *const *batches, size_t n, FILE *to);

/* One batch in full, with its accounts of lost time. */
void status_view_batch(const Admin__BatchInfo *b, FILE *to);

#endif
