/* postponed_list.h - the candidates of a postponed batch who are to be notified, and a roster to
 * import them as a new batch (R1, T13). Shell: asks the node, writes files that are whole or not
 * there (whole_file.h).
 *   notify: admission_no,name,room,seat,paper,used_ms,answers    (cells defused, result_csv.h)
 *   roster: admission_no,id_no,name,seat,paper,extra_minutes     (exact: `examctl import` reads it)
 * Whoever finished before the postponement has a result and stands in neither. */
#ifndef EXAMCTL_POSTPONED_LIST_H
#define EXAMCTL_POSTPONED_LIST_H

#include "cluster.h"
#include "options.h"

/* Where the list of those to be notified goes. */
enum postponed_to {
    POSTPONED_TO_FILE_OR_NOWHERE, /* --output, if it is given */
    POSTPONED_TO_FILE_OR_STDOUT,  /* or else standard output, with --json as JSON */
};

/* Writes both lists of batch o->argument, as far as they are asked for (--output, --new-batch), and
 * says on stderr what was written and what to do with it. */
enum exit_code postponed_list_write(const struct options *o, struct cluster_node *node,
                                    enum postponed_to to);

/* Before anything is done: that the name of the new batch is free, as far as the node's status
 * tells. Reports what is wrong with it. */
enum exit_code postponed_list_check(const struct options *o, const struct cluster_node *node);

#endif
