#include "campaign.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JOBS_MAX = 64, DIR_BYTES = 400, GO_ON_EVERY = 4 };

/* One process's, shared with the parent: it says where it is before each thing that may end it. */
struct job {
    struct campaign_result r;
    char dir[DIR_BYTES];
    uint64_t op, outcome;
    pid_t pid;
};

struct run {
    const struct campaign_options *o;
    const struct workload *w;
    struct job *jobs;
};

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "powercut: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---------------------------------------------------------------- one process */

static void broken(struct job *j, const char *why)
{
    j->r.broken = true;
    snprintf(j->r.why, sizeof j->r.why, "%.*s; cut in operation %llu, outcome %llu: %.80s",
             JUDGE_TEXT_BYTES - 200, why, (unsigned long long)j->op, (unsigned long long)j->outcome,
             j->dir);
}

/* Tries the outcomes of a cut within the operation that has begun. */
static void cut_here(const struct run *run, struct job *j, struct disk *d, size_t reported)
{
    const struct workload *w = run->w;
    char why[JUDGE_TEXT_BYTES];
    uint64_t n = disk_outcomes(d, run->o->samples);
    j->r.cuts++;
    j->r.exhausted += disk_tries_all(d, run->o->samples);
    for (j->outcome = 0; j->outcome < n && !j->r.broken; j->outcome++) {
        struct judge_case c = {
            .dir = j->dir,
            .seed = run->o->seed,
            .last = reported ? &w->contents[reported - 1] : NULL,
            .next = reported < w->contents_n ? &w->contents[reported] : NULL,
            .go_on = j->r.outcomes % GO_ON_EVERY == 0,
        };
        c.file = disk_outcome(d, run->o->samples, j->outcome, run->o->seed, &c.file_bytes);
        enum judgement judged = judge(&c, why);
        j->r.outcomes++;
        j->r.judged[judged]++;
        if (judged == JUDGED_BROKEN)
            broken(j, why);
    }
}

static bool others_found(const struct run *run)
{
    for (unsigned i = 0; i < run->o->jobs; i++)
        if (run->jobs[i].r.broken)
            return true;
    return false;
}

static void job_run(const struct run *run, unsigned no)
{
    const struct tape *t = &run->w->tape;
    struct job *j = &run->jobs[no];
    struct disk *d = disk_new();
    size_t reported = 0;
    for (j->op = 0; j->op < t->ops_n && !others_found(run); j->op++) {
        const struct tape_op *op = &t->ops[j->op];
        if (j->op == run->o->first_op)
            disk_lie(d, run->o->lies);
        disk_begin(d, t, op);
        if (op->kind == TAPE_REPORTED)
            reported++;
        else if (j->op >= run->o->first_op && j->op % run->o->jobs == no)
            cut_here(run, j, d, reported);
        if (j->r.broken)
            break;
        disk_end(d, op);
    }
    disk_free(d);
}

/* ---------------------------------------------------------------- all of them */

static void job_start(struct run *run, unsigned no)
{
    struct job *j = &run->jobs[no];
    struct rlimit no_core = {0, 0};
    snprintf(j->dir, sizeof j->dir, "%s/job-%u", run->o->dir, no);
    pid_t pid = fork();
    if (pid < 0)
        give_up("fork");
    if (pid) {
        j->pid = pid;
        return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &no_core);
    /* LMDB says of a page that it cannot use where in its source that was: not of interest here. */
    if (!freopen("/dev/null", "w", stderr))
        _exit(1);
    job_run(run, no);
    _exit(0);
}

static void job_end(struct job *j)
{
    int status;
    char why[JUDGE_TEXT_BYTES];
    while (waitpid(j->pid, &status, 0) < 0)
        if (errno != EINTR)
            give_up("waitpid");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    if (WIFSIGNALED(status))
        snprintf(why, sizeof why, "the process that opened the store died of %s",
                 strsignal(WTERMSIG(status)));
    else
        snprintf(why, sizeof why, "the process that opened the store ended with %d",
                 WEXITSTATUS(status));
    j->r.outcomes++;
    j->r.judged[JUDGED_BROKEN]++;
    broken(j, why);
}

static void add(struct campaign_result *sum, const struct campaign_result *r)
{
    sum->cuts += r->cuts;
    sum->outcomes += r->outcomes;
    sum->exhausted += r->exhausted;
    for (int i = 0; i < JUDGEMENTS; i++)
        sum->judged[i] += r->judged[i];
    if (r->broken && !sum->broken)
        memcpy(sum->why, r->why, sizeof sum->why);
    sum->broken |= r->broken;
}

void campaign_run(const struct campaign_options *o, const struct workload *w,
                  struct campaign_result *out)
{
    struct run run = {.o = o, .w = w};
    size_t bytes = JOBS_MAX * sizeof *run.jobs;
    run.jobs = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run.jobs == MAP_FAILED)
        give_up("memory");
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < o->jobs; i++)
        job_start(&run, i);
    for (unsigned i = 0; i < o->jobs; i++) {
        job_end(&run.jobs[i]);
        add(out, &run.jobs[i].r);
    }
    munmap(run.jobs, bytes);
}
