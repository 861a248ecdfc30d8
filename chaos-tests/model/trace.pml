/* trace.pml - the model driven by a history of the real replication cores (site.pml with -DTRACE).
 *
 * The file `trace` has one step a line, as replication/test/model_steps tells them: a step of the
 * model with its node, or what must hold of a node then. A step of the model is taken only if it is
 * the next one there, or one of those that a history does not tell (trace.h: trace_is_silent). Who
 * gets to the end has shown that the model can do that history: pan reports !(history_done). */

byte at;  /* steps of the trace that were taken */
bit off;  /* a step was taken that the trace does not have here: nothing follows */
bit history_done;

c_decl {
\#include "trace.h"
};

#define STEP(name)                                                                                 \
    if                                                                                             \
    :: c_expr { MAY_##name == TRACE_SILENT } -> skip                                               \
    :: c_expr { MAY_##name == TRACE_NEXT } -> at++                                                 \
    :: else -> off = 1; false                                                                      \
    fi;                                                                                            \
    d_step { printf("%d %e\n", _pid - 1, name)

#define TRACE_OPTIONS                                                                              \
    :: atomic { c_expr { AT_HOLDS } -> at++ }                                                      \
    :: atomic { c_expr { RELEASED_HOLDS } -> at++ }                                                \
    :: atomic { c_expr { TOLD_HOLDS } -> at++ }                                                    \
    :: atomic { c_expr { JOIN_HOLDS } -> at++ }                                                    \
    :: atomic { c_expr { TRACE_ENDS } -> history_done = 1; assert(!(history_done)) }
