#include "campaign.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shrink.h"

enum { LOOK_EVERY_MS = 500 };

/* One worker's part of the board; only it writes there, while it lives. */
struct slot {
    pid_t pid;
    atomic_bool working;
    atomic_ullong seed;
    struct campaign_totals totals;
    uint32_t failures_n;
    struct campaign_failure failures[CAMPAIGN_FAILURES_MAX];
};

struct board {
    atomic_ullong next; /* seed */
    atomic_bool stop;
    struct slot slots[CAMPAIGN_JOBS_MAX];
};

/* ---------------------------------------------------------------- a worker */

static void book_failure(struct slot *s, uint64_t seed, const struct violation *v)
{
    s->totals.failures_n++;
    if (s->failures_n == CAMPAIGN_FAILURES_MAX)
        return;
    struct campaign_failure *f = &s->failures[s->failures_n++];
    f->seed = seed;
    f->violation = *v;
}

static void book(struct slot *s, uint64_t seed, const struct verdict_of_history *v)
{
    struct campaign_totals *t = &s->totals;
    t->seeds_n++;
    t->virtual_ms += v->virtual_ms;
    t->answers_n += v->answers_n;
    t->saved_n += v->saved_n;
    t->epochs_n += v->epochs_n;
    t->twins_n += v->twins;
    for (int i = 0; i < WORLD_FAULTS; i++) {
        t->faults[i] += v->faults[i];
        t->fault_seeds[i] += v->faults[i] > 0;
    }
    if (v->violation.rule[0])
        book_failure(s, seed, &v->violation);
}

static void work(struct board *b, struct slot *s, const struct campaign_options *o)
{
    static struct plan plan;
    struct verdict_of_history v;
    for (;;) {
        uint64_t seed = atomic_fetch_add(&b->next, 1);
        if (seed > o->last || atomic_load(&b->stop))
            break;
        atomic_store(&s->seed, seed);
        atomic_store(&s->working, true);
        alarm(HISTORY_SECONDS_MAX);
        plan_make(seed, &plan);
        plan_without(&plan, o->without);
        history_play(&plan, NULL, &v);
        atomic_store(&s->working, false);
        book(s, seed, &v);
        if (v.violation.rule[0] && o->stop_at_first)
            atomic_store(&b->stop, true);
    }
    _exit(0);
}

/* ---------------------------------------------------------------- their parent */

/* A process for the slot; requires that it has none. */
static bool employ(struct board *b, struct slot *s, const struct campaign_options *o)
{
    pid_t pid = fork(); /* the board is shared: only the parent books it there */
    if (pid == 0)
        work(b, s, o);
    s->pid = pid;
    return pid > 0;
}

/* A worker that did not end by itself has met a history that ends the process. */
static bool bury(struct board *b, struct slot *s, int status, const struct campaign_options *o)
{
    struct violation v = {.rule = "ends"};
    s->pid = 0;
    if (WIFEXITED(status) && !WEXITSTATUS(status) && !atomic_load(&s->working))
        return true;
    int by = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    snprintf(v.text, sizeof v.text, "%s%s",
             by == SIGALRM ? "it does not end" : "the process has ended: ",
             by == SIGALRM ? ""
             : by          ? strsignal(by)
                           : "exit");
    if (!atomic_load(&s->working)) /* not in a history: the simulator itself */
        return false;
    atomic_store(&s->working, false);
    s->totals.seeds_n++;
    book_failure(s, atomic_load(&s->seed), &v);
    if (o->stop_at_first)
        atomic_store(&b->stop, true);
    return employ(b, s, o);
}

static double seconds_since(const struct timespec *since)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - since->tv_sec) + (double)(now.tv_nsec - since->tv_nsec) / 1e9;
}

static void tell_progress(const struct board *b, const struct campaign_options *o, double seconds)
{
    uint64_t done = 0, failed = 0;
    for (uint32_t i = 0; i < o->jobs; i++) {
        done += b->slots[i].totals.seeds_n;
        failed += b->slots[i].totals.failures_n;
    }
    fprintf(o->progress,
            "\r%" PRIu64 " of %" PRIu64 " histories, %.0f a second, %" PRIu64 " broken ", done,
            o->last - o->first + 1, seconds > 0 ? (double)done / seconds : 0.0, failed);
    fflush(o->progress);
}

static struct slot *slot_of(struct board *b, const struct campaign_options *o, pid_t pid)
{
    for (uint32_t i = 0; i < o->jobs; i++)
        if (b->slots[i].pid == pid)
            return &b->slots[i];
    return NULL;
}

/* Waits for all of them; SIGCHLD is blocked, so none is missed. */
static bool wait_for_all(struct board *b, const struct campaign_options *o,
                         const struct timespec *since)
{
    const struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid < 0)
            return errno == ECHILD;
        if (pid > 0) {
            struct slot *s = slot_of(b, o, pid);
            if (s && !bury(b, s, status, o))
                return false;
            continue;
        }
        if (o->progress)
            tell_progress(b, o, seconds_since(since));
        sigtimedwait(&children, NULL, &pause);
    }
}

/* ---------------------------------------------------------------- the sum */

static int by_seed(const void *a, const void *b)
{
    const struct campaign_failure *x = a, *y = b;
    return (x->seed > y->seed) - (x->seed < y->seed);
}

static void add_up(const struct board *b, uint32_t jobs, struct campaign *out)
{
    struct campaign_totals *t = &out->totals;
    for (uint32_t i = 0; i < jobs; i++) {
        const struct slot *s = &b->slots[i];
        t->seeds_n += s->totals.seeds_n;
        t->failures_n += s->totals.failures_n;
        t->virtual_ms += s->totals.virtual_ms;
        t->answers_n += s->totals.answers_n;
        t->saved_n += s->totals.saved_n;
        t->epochs_n += s->totals.epochs_n;
        t->twins_n += s->totals.twins_n;
        for (int f = 0; f < WORLD_FAULTS; f++) {
            t->faults[f] += s->totals.faults[f];
            t->fault_seeds[f] += s->totals.fault_seeds[f];
        }
        for (uint32_t j = 0; j < s->failures_n && out->failures_n < CAMPAIGN_FAILURES_MAX; j++)
            out->failures[out->failures_n++] = s->failures[j];
    }
    qsort(out->failures, out->failures_n, sizeof *out->failures, by_seed);
}

exam_err campaign_run(const struct campaign_options *o, struct campaign *out)
{
    struct timespec since;
    sigset_t children, before;
    bool well = true;
    struct board *b =
        mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *out = (struct campaign){0};
    if (b == MAP_FAILED)
        return EXAM_SYSTEM;
    atomic_store(&b->next, o->first);
    clock_gettime(CLOCK_MONOTONIC, &since);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, &before);
    fflush(NULL);
    for (uint32_t i = 0; well && i < o->jobs; i++)
        well = employ(b, &b->slots[i], o);
    well = wait_for_all(b, o, &since) && well;
    sigprocmask(SIG_SETMASK, &before, NULL);
    out->seconds = seconds_since(&since);
    if (o->progress)
        fputc('\n', o->progress);
    add_up(b, o->jobs, out);
    munmap(b, sizeof *b);
    bool all = out->totals.failures_n || out->totals.seeds_n == o->last - o->first + 1;
    return well && all ? EXAM_OK : EXAM_SYSTEM;
}
