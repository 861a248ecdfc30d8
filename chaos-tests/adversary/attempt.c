#include "attempt.h"

#include <jansson.h>
#include <regex.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "boot_clock.h"

enum { LOOK_AGAIN_MS = 50, OUTPUT_BYTES_MAX = 64 * 1024, LINE_BYTES_MAX = 2048 };

/* What is known of one attempt beside what it has found itself. */
struct trial {
    long log_at;   /* bytes of the log that were there before */
    bool same_due; /* --same is to be asked now */
    char line[LINE_BYTES_MAX];
    const char *why; /* it is not as it must be; NULL: it is */
};

void found(struct finding *f, bool got_in, const char *format, ...)
{
    va_list args;
    f->got_in = got_in;
    va_start(args, format);
    vsnprintf(f->happened, sizeof f->happened, format, args);
    va_end(args);
}

void found_said(struct finding *f, bool got_in, const struct talk *k)
{
    found(f, got_in, "%s", k->said);
}

static void wait_a_little(void)
{
    const struct timespec t = {.tv_nsec = LOOK_AGAIN_MS * 1000000L};
    nanosleep(&t, NULL);
}

/* Once for each attempt, of constant text: a pattern that does not compile is a defect here. */
static bool matches(const char *pattern, const char *text)
{
    regex_t re;
    if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        abort();
    bool yes = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return yes;
}

/* ---------------------------------------------------------------- what the site says */

/* What a command prints; it is free()d by the caller. NULL: it failed, or printed nothing. */
static char *output_of(const char *command)
{
    char *out = calloc(1, OUTPUT_BYTES_MAX);
    FILE *f = popen(command, "r");
    if (out == NULL || f == NULL)
        abort();
    size_t n = fread(out, 1, OUTPUT_BYTES_MAX - 1, f);
    if (pclose(f) == 0 && n > 0)
        return out;
    free(out);
    return NULL;
}

/* A node that has not the newest roster yet lets nobody in who has. */
static char *output_soon(const char *command, int patience_ms)
{
    uint64_t until_ms = boot_clock_ms() + (uint64_t)patience_ms;
    char *out;
    while ((out = output_of(command)) == NULL && boot_clock_ms() < until_ms)
        wait_a_little();
    return out;
}

static void forget(char **said)
{
    free(*said);
    *said = NULL;
}

/* The site has come to rest: the command says twice the same. What was begun before, the loss of a
 * connection above all, is on record then. */
static char *output_at_rest(const char *command, int patience_ms)
{
    uint64_t until_ms = boot_clock_ms() + (uint64_t)patience_ms;
    char *before = output_of(command);
    bool rests = false;
    while (!rests && boot_clock_ms() < until_ms) {
        wait_a_little();
        char *now = output_of(command);
        rests = before != NULL && now != NULL && strcmp(before, now) == 0;
        free(before);
        before = now;
    }
    return before;
}

/* Says both to stderr if they differ. */
static bool is_as_before(const char *command, const char *before, int patience_ms)
{
    if (command == NULL)
        return true;
    char *now = output_soon(command, patience_ms);
    bool same = before != NULL && now != NULL && strcmp(before, now) == 0;
    if (!same)
        fprintf(stderr, "before: %s\nnow: %s\n", before != NULL ? before : "nothing",
                now != NULL ? now : "nothing");
    free(now);
    return same;
}

/* ---------------------------------------------------------------- the node's log */

static long log_end(const char *path)
{
    FILE *f = path != NULL ? fopen(path, "r") : NULL;
    long end = 0;
    if (f == NULL)
        return 0;
    if (fseek(f, 0, SEEK_END) == 0)
        end = ftell(f);
    fclose(f);
    return end;
}

static bool log_has(const char *path, long from, const char *pattern, char line[LINE_BYTES_MAX])
{
    FILE *f = fopen(path, "r");
    bool there = false;
    if (f == NULL)
        return false;
    if (fseek(f, from, SEEK_SET) == 0)
        while (!there && fgets(line, LINE_BYTES_MAX, f) != NULL)
            there = matches(pattern, line);
    fclose(f);
    line[there ? strcspn(line, "\n") : 0] = '\0';
    return there;
}

static bool log_says(const struct judge *j, const struct attempt *a, struct trial *r,
                     int patience_ms)
{
    uint64_t until_ms = boot_clock_ms() + (uint64_t)patience_ms;
    const char *path = j->log[a->node];
    if (a->logs == NULL || path == NULL)
        return true;
    while (!log_has(path, r->log_at, a->logs, r->line)) {
        if (boot_clock_ms() >= until_ms)
            return false;
        wait_a_little();
    }
    return true;
}

/* ---------------------------------------------------------------- the judgement */

static bool may_write(const struct attempt *a)
{
    return (a->flags & (ATTEMPT_CONTROL | ATTEMPT_OWN)) != 0;
}

static void look_before(struct judge *j, const struct thief *t, const struct attempt *a)
{
    if (j->still != NULL && j->still_before == NULL && !may_write(a))
        j->still_before = output_at_rest(j->still, t->patience_ms);
    if (j->same != NULL && j->same_before == NULL)
        j->same_before = output_soon(j->same, t->patience_ms);
}

/* What may have changed is asked for anew before the next attempt. */
static void look_after(struct judge *j, const struct attempt *a)
{
    if (may_write(a))
        forget(&j->still_before);
    if (a->flags & ATTEMPT_CONTROL)
        forget(&j->same_before);
}

/* The records of a site at rest tell more than --same does. */
static const char *why_changed(const struct judge *j, const struct attempt *a,
                               const struct trial *r, int patience_ms)
{
    if (a->flags & ATTEMPT_CONTROL)
        return NULL;
    if (j->still != NULL && !may_write(a))
        return is_as_before(j->still, j->still_before, patience_ms)
                   ? NULL
                   : "there are records that were not there before";
    return !r->same_due || is_as_before(j->same, j->same_before, patience_ms)
               ? NULL
               : "who serves, or the other seat's sitting, is not what it was";
}

static const char *why_broken(const struct judge *j, const struct thief *t, const struct attempt *a,
                              const struct finding *f, struct trial *r)
{
    bool control = (a->flags & ATTEMPT_CONTROL) != 0;
    if (f->got_in != control)
        return control ? "the right credential did not do either" : "the thief has got through";
    if (!matches(a->must, f->happened))
        return "it failed in another way than it must";
    if (!log_says(j, a, r, t->patience_ms))
        return "the node's log does not say so";
    return why_changed(j, a, r, t->patience_ms);
}

static void print_text(const char *group, const struct attempt *a, const struct finding *f,
                       const struct trial *r)
{
    const char *verdict = "held";
    if (r->why != NULL)
        verdict = "BROKEN";
    else if (a->flags & ATTEMPT_CONTROL)
        verdict = "control";
    printf("%-7s %s/%s: %s | must: %s | happened: %s", verdict, group, a->name, a->tried, a->must,
           f->happened);
    if (r->line[0] != '\0')
        printf(" | logged: %s", r->line);
    printf(r->why != NULL ? " | %s\n" : "%s\n", r->why != NULL ? r->why : "");
    fflush(stdout);
}

static void print_json(const char *group, const struct attempt *a, const struct finding *f,
                       const struct trial *r)
{
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:s?, s:s?}", "group", group, "name",
                  a->name, "tried", a->tried, "must", a->must, "happened", f->happened, "control",
                  (a->flags & ATTEMPT_CONTROL) != 0, "as_it_must", r->why == NULL, "logged",
                  r->line[0] != '\0' ? r->line : NULL, "why", r->why);
    char *text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;
    if (text == NULL)
        abort();
    puts(text);
    fflush(stdout);
    free(text);
    json_decref(o);
}

static void attempt_run(struct judge *j, struct thief *t, const char *group,
                        const struct attempt *a, bool same_due)
{
    struct finding f = {.happened = "nothing"};
    struct trial r = {.same_due = same_due};
    look_before(j, t, a);
    r.log_at = log_end(j->log[a->node]);
    a->go(t, a, &f);
    talk_end(&t->talk);
    talk_end(&t->other);
    r.why = why_broken(j, t, a, &f, &r);
    if (r.why != NULL)
        j->broken++;
    else if (a->flags & ATTEMPT_CONTROL)
        j->controls++;
    else
        j->held++;
    (j->json ? print_json : print_text)(group, a, &f, &r);
    look_after(j, a);
}

void attempt_group_run(struct judge *j, struct thief *t, const struct attempt_group *g)
{
    for (size_t i = 0; i < g->n; i++) {
        bool before_control = i + 1 == g->n || (g->attempt[i + 1].flags & ATTEMPT_CONTROL) != 0;
        attempt_run(j, t, g->name, &g->attempt[i], j->still != NULL || before_control);
    }
}

void judge_fini(struct judge *j)
{
    forget(&j->same_before);
    forget(&j->still_before);
}
