/* sitting_query.h - asks the node about one sitting.
 * Shell: blocks within the client's time limits. */
#ifndef EXAMCTL_SITTING_QUERY_H
#define EXAMCTL_SITTING_QUERY_H

#include "cluster.h"

/* What is done with each part of the answer; it lives until the call returns. NULL: nothing. */
struct sitting_reader {
    void *ctx;
    void (*detail)(void *ctx, const Admin__SittingDetail *d);
    void (*answers)(void *ctx, const Admin__AnswerRows *rows);
};

/* Reports on stderr what went wrong; EXIT_CODE_DONE: `detail` was called once, before `answers`. */
enum exit_code sitting_query(struct cluster_node *node, const char *admission_no,
                             const struct sitting_reader *r);

#endif
