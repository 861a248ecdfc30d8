/* trace.pml - the model driven by a history of the real replication cores (site.pml with -DTRACE).
 *
 * The file `trace` has one step a line, as replication/test/model_steps tells them: a step of the
 * model with its node, or what must hold of that node then. Each node's own lines are taken in their
 * order, and up to a MEET all that is before it: where messages are late there is none, and Spin
 * looks for an order of the two nodes' steps that makes them come at once. A step of the model is
 * taken only if it is the next one of its node, or one of those that a history does not tell
 * (trace.h: trace_is_silent). Who gets to the end has shown that the model can do that history: pan
 * reports !(history_done). */

short at[2]; /* steps of each node that were taken */
bit off;     /* a step was taken that the trace does not have here: nothing follows */
bit history_done;

c_decl {
\#include "trace.h"
};

#define FOLLOWS_TRACE provided (!off)
#define STEP(name)                                                                                 \
    if                                                                                             \
    :: c_expr { MAY_##name == TRACE_SILENT } -> skip                                               \
    :: c_expr { MAY_##name == TRACE_NEXT } -> at[WHO]++                                            \
    :: else -> off = 1; false                                                                      \
    fi;                                                                                            \
    d_step { printf("%d %e\n", WHO, name)

#define NODE_TRACE_OPTIONS                                                                         \
    :: atomic { c_expr { AT_HOLDS } -> at[me]++ }                                                  \
    :: atomic { c_expr { RELEASED_HOLDS } -> at[me]++ }                                            \
    :: atomic { c_expr { TOLD_HOLDS } -> at[me]++ }                                                \
    :: atomic { c_expr { JOIN_HOLDS } -> at[me]++ }
#define WORLD_TRACE_OPTIONS                                                                        \
    :: atomic { c_expr { BOTH_MEET } -> at[0]++; at[1]++ }                                         \
    :: atomic { c_expr { TRACE_ENDS } -> history_done = 1; assert(!(history_done)) }
