#include "shrink.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---------------------------------------------------------------- a process of its own */

static void play_here(const struct plan *p, const char *trace_path, struct verdict_of_history *v)
{
    FILE *out = trace_path ? fopen(trace_path, "a") : NULL;
    int silence = open("/dev/null", O_WRONLY);
    if (out)
        setvbuf(out, NULL, _IOLBF, 0); /* an assertion must not take the trace with it */
    if (!out && silence >= 0)
        dup2(silence, STDERR_FILENO);
    alarm(HISTORY_SECONDS_MAX);
    history_play(p, out, v);
    if (out)
        fclose(out);
    _exit(0);
}

static void ended_badly(struct verdict_of_history *v, int status)
{
    int by = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    snprintf(v->violation.rule, sizeof v->violation.rule, "ends");
    if (by == SIGALRM)
        snprintf(v->violation.text, sizeof v->violation.text, "it has not ended after %d s",
                 HISTORY_SECONDS_MAX);
    else
        snprintf(v->violation.text, sizeof v->violation.text, "the process has ended: %s",
                 by ? strsignal(by) : "exit");
}

void shrink_play(const struct plan *p, const char *trace_path, struct verdict_of_history *v)
{
    struct verdict_of_history *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = -1;
    if (shared == MAP_FAILED)
        abort();
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid == 0)
        play_here(p, trace_path, shared);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            abort();
    *v = *shared;
    munmap(shared, sizeof *shared);
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        ended_badly(v, status);
}

/* ---------------------------------------------------------------- leaving out */

struct shrinking {
    struct plan *p;
    uint32_t *kept;
    const struct violation *v;
    struct timespec until;
};

static bool time_is_up(const struct shrinking *s)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > s->until.tv_sec ||
           (now.tv_sec == s->until.tv_sec && now.tv_nsec >= s->until.tv_nsec);
}

/* Without the acts first..first+n-1, and with nothing after end_ms. */
static bool try_without(struct shrinking *s, uint32_t first, uint32_t n, uint64_t end_ms)
{
    struct verdict_of_history v;
    struct plan *less = malloc(sizeof *less);
    if (!less)
        abort();
    *less = *s->p;
    memmove(less->acts + first, less->acts + first + n,
            (less->acts_n - first - n) * sizeof *less->acts);
    less->acts_n -= n;
    less->end_ms = end_ms;
    shrink_play(less, NULL, &v);
    bool same = !strcmp(v.violation.rule, s->v->rule);
    if (same) {
        *s->p = *less;
        memmove(s->kept + first, s->kept + first + n, (less->acts_n - first) * sizeof *s->kept);
    }
    free(less);
    return same;
}

static void cut_the_end(struct shrinking *s)
{
    struct plan *p = s->p;
    uint32_t n = p->acts_n;
    while (n > 0 && p->acts[n - 1].at_ms > s->v->at_ms)
        n--;
    if (n < p->acts_n)
        try_without(s, n, p->acts_n - n, s->v->at_ms + 1);
    if (p->acts_n && p->acts[p->acts_n - 1].at_ms + 1 < p->end_ms)
        try_without(s, 0, 0, p->acts[p->acts_n - 1].at_ms + 1);
}

void shrink(struct plan *p, uint32_t kept[PLAN_ACTS_MAX], const struct violation *v,
            unsigned seconds)
{
    struct shrinking s = {.p = p, .kept = kept, .v = v};
    clock_gettime(CLOCK_MONOTONIC, &s.until);
    s.until.tv_sec += seconds;
    for (uint32_t i = 0; i < p->acts_n; i++)
        kept[i] = i;
    cut_the_end(&s);
    for (uint32_t n = p->acts_n / 2; n > 0;) {
        bool any = false;
        for (uint32_t at = p->acts_n; at > 0 && !time_is_up(&s);) {
            at = at > n ? at - n : 0; /* from the end: what happened last matters least */
            uint32_t left = p->acts_n - at;
            any |= try_without(&s, at, left < n ? left : n, p->end_ms);
        }
        if (time_is_up(&s))
            break;
        if (n > 1)
            n /= 2;
        else if (!any)
            break;
    }
    cut_the_end(&s);
}
