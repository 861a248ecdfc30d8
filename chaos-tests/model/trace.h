/* trace.h - the history that drives the model: for pan only, by trace.pml. One search, one trace,
 * read from the file `trace` once. */
#ifndef EXAM_MODEL_TRACE_H
#define EXAM_MODEL_TRACE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRACE_MAX = 250, TRACE_FIGURES = 7 };
enum trace_may { TRACE_NEVER, TRACE_SILENT, TRACE_NEXT };

struct trace_step {
    char name[16];
    int is[TRACE_FIGURES]; /* the first one: the node */
};

static struct trace_step trace[TRACE_MAX + 1]; /* the last one has no name */
static int trace_n, trace_far;

static void trace_tell(void)
{
    printf("trace: %d of %d\n", trace_far, trace_n);
}

static void trace_read(FILE *f)
{
    char line[128];
    while (fgets(line, sizeof line, f)) {
        struct trace_step *s = &trace[trace_n++];
        int *v = s->is;
        if (trace_n > TRACE_MAX || sscanf(line, "%15s %d %d %d %d %d %d %d", s->name, v, v + 1,
                                          v + 2, v + 3, v + 4, v + 5, v + 6) < 2) {
            printf("trace: line %d is no step\n", trace_n);
            exit(2);
        }
    }
}

static void trace_load(void)
{
    FILE *f = fopen("trace", "r");
    if (trace_n)
        return;
    if (f)
        trace_read(f);
    if (!trace_n) {
        printf("trace: there is none\n");
        exit(2);
    }
    fclose(f);
    atexit(trace_tell);
}

/* The step at `at`; its name is empty after the last one. */
static const struct trace_step *trace_at(int at)
{
    if (at > trace_far)
        trace_far = at;
    return &trace[at];
}

static int trace_is(int at, const char *name)
{
    return !strcmp(trace_at(at)->name, name);
}

/* What the cores do, too, without a line of its own. HEAR is silent of a node that does not serve,
 * SYNC if nothing is logged. */
static int trace_is_silent(const char *name, int serves, int logged)
{
    return !strcmp(name, "ACK") || !strcmp(name, "LOST") || !strcmp(name, "ATTACH") ||
           !strcmp(name, "DROP_OVER") || !strcmp(name, "ANSWER_MADE") ||
           (!strcmp(name, "HEAR") && !serves) || (!strcmp(name, "SYNC") && logged);
}

static enum trace_may trace_may(int at, const char *name, int node, int serves, int logged)
{
    const char *called = name;
    if (trace_is_silent(name, serves, logged))
        return TRACE_SILENT;
    if (!strcmp(name, "HEAR") || !strcmp(name, "HEARD"))
        called = "DOWN";
    return trace_is(at, called) && trace_at(at)->is[0] == node ? TRACE_NEXT : TRACE_NEVER;
}

/* pan.c has the state in `now`, the process in _this; 1 is PRIMARY. */
#define TRACE_WHO ((int)((P0 *)_this)->_pid - 1)
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

/* What must hold of a node where the trace says so. */
#define TRACE_IS(i) (trace_at(now.at)->is[i])
#define TRACE_NODE  now.n[TRACE_IS(0)]
#define TRACE_HOW   (TRACE_NODE.solo == 2 ? 2 : TRACE_NODE.in_sync && !TRACE_NODE.solo)
#define AT_HOLDS                                                                                   \
    (trace_is(now.at, "AT") && (TRACE_NODE.role == 1) == TRACE_IS(1) &&                            \
     TRACE_NODE.known == TRACE_IS(2) && TRACE_NODE.last == TRACE_IS(3) &&                          \
     TRACE_NODE.durable == TRACE_IS(4) && TRACE_NODE.log[TRACE_NODE.last - 1] == TRACE_IS(5) &&    \
     TRACE_HOW == TRACE_IS(6))
#define RELEASED_HOLDS                                                                             \
    (trace_is(now.at, "RELEASED") && TRACE_NODE.role == 1 && TRACE_NODE.durable >= TRACE_IS(1) &&  \
     TRACE_HOW == (TRACE_IS(2) ? 1 : 2) && (TRACE_HOW == 2 || TRACE_NODE.acked >= TRACE_IS(1)))
#define TOLD_HOLDS                                                                                 \
    (trace_is(now.at, "TOLD") && (now.saved >> TRACE_IS(0) & 1) &&                                 \
     (int)(now.dual >> TRACE_IS(0) & 1) == TRACE_IS(1))
/* It has joined already, and does so again over a new link. */
#define JOIN_HOLDS (trace_is(now.at, "JOIN") && TRACE_NODE.follows && now.n[!TRACE_IS(0)].role == 1)
#define TRACE_ENDS (now.at == trace_n)

#endif
