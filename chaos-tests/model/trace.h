/* trace.h - the history that drives the model: for pan only, by trace.pml. One search, one trace,
 * read from the file `trace` once. */
#ifndef EXAM_MODEL_TRACE_H
#define EXAM_MODEL_TRACE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRACE_NODES = 2, TRACE_MAX = 600, TRACE_FIGURES = 8 };
enum trace_may { TRACE_NEVER, TRACE_SILENT, TRACE_NEXT };

struct trace_step {
    char name[16];
    int is[TRACE_FIGURES]; /* the first one: the node */
    int line;              /* of the file */
};

struct trace_history {
    struct trace_step steps[TRACE_MAX + 1]; /* the last one has no name */
    int n, far;
};

static struct trace_history trace[TRACE_NODES];
static int trace_lines;

/* How far each node's history was followed, where both together were followed furthest. */
static void trace_tell(void)
{
    printf("trace: lines %d and %d of %d\n", trace[0].steps[trace[0].far].line,
           trace[1].steps[trace[1].far].line, trace_lines);
}

static void trace_bad_line(void)
{
    printf("trace: line %d is no step\n", trace_lines);
    exit(2);
}

static void trace_add(int node, const struct trace_step *step)
{
    struct trace_history *h = &trace[node];
    if (h->n == TRACE_MAX)
        trace_bad_line();
    h->steps[h->n++] = *step;
    h->steps[h->n].line = step->line + 1;
}

static void trace_read(FILE *f)
{
    char line[128];
    while (fgets(line, sizeof line, f)) {
        struct trace_step s = {.line = ++trace_lines};
        int *v = s.is;
        int figures = sscanf(line, "%15s %d %d %d %d %d %d %d %d", s.name, v, v + 1, v + 2, v + 3,
                             v + 4, v + 5, v + 6, v + 7);
        if (figures == 1 && !strcmp(s.name, "MEET")) {
            trace_add(0, &s);
            trace_add(1, &s);
        } else if (figures > 1 && v[0] >= 0 && v[0] < TRACE_NODES) {
            trace_add(v[0], &s);
        } else {
            trace_bad_line();
        }
    }
}

static void trace_load(void)
{
    FILE *f = fopen("trace", "r");
    if (trace_lines)
        return;
    if (f)
        trace_read(f);
    if (!trace_lines) {
        printf("trace: there is none\n");
        exit(2);
    }
    fclose(f);
    atexit(trace_tell);
}

/* The step that is next of a node; its name is empty after the last one. */
static const struct trace_step *trace_next(const short at[TRACE_NODES], int node)
{
    if (at[0] + at[1] > trace[0].far + trace[1].far) {
        trace[0].far = at[0];
        trace[1].far = at[1];
    }
    return &trace[node].steps[at[node]];
}

static int trace_is(const short at[TRACE_NODES], int node, const char *name)
{
    return !strcmp(trace_next(at, node)->name, name);
}

/* What the cores do, too, without a line of its own. HEAR is silent of a node that does not serve,
 * SYNC if nothing is logged. */
static int trace_is_silent(const char *name, int serves, int logged)
{
    return !strcmp(name, "ACK") || !strcmp(name, "LOST") || !strcmp(name, "ATTACH") ||
           !strcmp(name, "DROP_OVER") || !strcmp(name, "DROP_HELLO") ||
           !strcmp(name, "ANSWER_MADE") || !strcmp(name, "LEARNED") ||
           (!strcmp(name, "HEAR") && !serves) || (!strcmp(name, "SYNC") && logged);
}

static enum trace_may trace_may(const short at[TRACE_NODES], const char *name, int node, int serves,
                                int logged)
{
    const char *called = name;
    if (trace_is_silent(name, serves, logged))
        return TRACE_SILENT;
    /* It has kept what it heard, and died before it did anything about it. */
    if (!strcmp(name, "HEAR") && trace_is(at, node, "RESTART"))
        return TRACE_SILENT;
    if (!strcmp(name, "HEAR") || !strcmp(name, "HEARD"))
        called = "DOWN";
    return node >= 0 && trace_is(at, node, called) ? TRACE_NEXT : TRACE_NEVER;
}

/* pan.c has the state in `now`, the process in _this: the world, two nodes, two logs; 1 is PRIMARY.
 */
#define TRACE_WHO (((int)((P0 *)_this)->_pid - 1) % TRACE_NODES)
#define TRACE_ME  now.n[TRACE_WHO < 0 ? 0 : TRACE_WHO]
#define TRACE_MAY(name)                                                                            \
    trace_may(now.at, name, TRACE_WHO, TRACE_ME.role == 1, TRACE_ME.told && !TRACE_ME.solo)

/* Spin takes no call in a c_expr: a name for each step. */
#define MAY_COMMIT       TRACE_MAY("COMMIT")
#define MAY_TAKE         TRACE_MAY("TAKE")
#define MAY_ACK          TRACE_MAY("ACK")
#define MAY_LEARNED      TRACE_MAY("LEARNED")
#define MAY_SYNC         TRACE_MAY("SYNC")
#define MAY_LOST         TRACE_MAY("LOST")
#define MAY_ALONE        TRACE_MAY("ALONE")
#define MAY_HEAR         TRACE_MAY("HEAR")
#define MAY_TIE          TRACE_MAY("TIE")
#define MAY_ATTEST       TRACE_MAY("ATTEST")
#define MAY_ATTEST_ABOVE TRACE_MAY("ATTEST_ABOVE")
#define MAY_GIVE         TRACE_MAY("GIVE")
#define MAY_TAKE_OVER    TRACE_MAY("TAKE_OVER")
#define MAY_DROP_OVER    TRACE_MAY("DROP_OVER")
#define MAY_RESUME       TRACE_MAY("RESUME")
#define MAY_PULL         TRACE_MAY("PULL")
#define MAY_JOIN         TRACE_MAY("JOIN")
#define MAY_ATTACH       TRACE_MAY("ATTACH")
#define MAY_HEARD        TRACE_MAY("HEARD")
#define MAY_SHARED       TRACE_MAY("SHARED")
#define MAY_WRITE        TRACE_MAY("WRITE")
#define MAY_SAVED        TRACE_MAY("SAVED")
#define MAY_RECOVER      TRACE_MAY("RECOVER")
#define MAY_RESTART      TRACE_MAY("RESTART")
#define MAY_WIPE         TRACE_MAY("WIPE")
#define MAY_ANSWER_MADE  TRACE_MAY("ANSWER_MADE")
#define MAY_JOURNAL_LOST TRACE_MAY("JOURNAL_LOST")
#define MAY_CALM         TRACE_MAY("CALM")
#define MAY_YIELD        TRACE_MAY("YIELD")
#define MAY_DROP_HELLO   TRACE_MAY("DROP_HELLO")
#define MAY_HANG         TRACE_MAY("HANG")

/* What must hold of the node whose process it is where the trace says so. */
#define TRACE_OWN(name) (trace_is(now.at, TRACE_WHO, name))
#define TRACE_IS(i)     (trace_next(now.at, TRACE_WHO)->is[i])
#define TRACE_HOW       (TRACE_ME.solo == 2 ? 2 : TRACE_ME.in_sync && !TRACE_ME.solo)
#define TRACE_NEWEST    (TRACE_ME.last ? TRACE_ME.log[TRACE_ME.last - 1] : 0)
#define AT_HOLDS                                                                                   \
    (TRACE_OWN("AT") && (TRACE_ME.role == 1) == TRACE_IS(1) && TRACE_ME.known == TRACE_IS(2) &&    \
     TRACE_ME.last == TRACE_IS(3) && TRACE_ME.durable == TRACE_IS(4) &&                            \
     TRACE_NEWEST == TRACE_IS(5) && TRACE_HOW == TRACE_IS(6) && TRACE_ME.learning == TRACE_IS(7))
#define RELEASED_HOLDS                                                                             \
    (TRACE_OWN("RELEASED") && TRACE_ME.role == 1 && TRACE_ME.durable >= TRACE_IS(1) &&             \
     TRACE_HOW == (TRACE_IS(2) ? 1 : 2) && (TRACE_HOW == 2 || TRACE_ME.acked >= TRACE_IS(1)))
#define TOLD_HOLDS                                                                                 \
    (TRACE_OWN("TOLD") && (now.saved >> TRACE_IS(1) & 1) &&                                        \
     (int)(now.dual >> TRACE_IS(1) & 1) == TRACE_IS(2))
/* It has joined already, and does so again over a new link; or joins one who does not serve any
 * more, and has nothing to cut off. */
#define TRACE_PEER now.n[!TRACE_WHO]
#define JOIN_HOLDS                                                                                 \
    (TRACE_OWN("JOIN") &&                                                                          \
     (TRACE_PEER.role == 1 ? TRACE_ME.follows || TRACE_PEER.known > TRACE_ME.known                 \
                           : TRACE_PEER.known >= TRACE_ME.known))
#define BOTH_MEET  (trace_is(now.at, 0, "MEET") && trace_is(now.at, 1, "MEET"))
#define TRACE_ENDS (now.at[0] == trace[0].n && now.at[1] == trace[1].n)

#endif
