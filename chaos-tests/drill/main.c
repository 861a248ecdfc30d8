/* main.c - the command line of examdrill. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "drill_read.h"
#include "play.h"
#include "report.h"
#include "statement.h"

const char *argp_program_version = "examdrill " EXAMDRILL_VERSION;

enum { EXIT_HELD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

enum { OPT_JSON = 256, OPT_TRACE, OPT_CHECK };

struct options {
    char **files;
    int files_n;
    bool json, trace, check;
};

/* ---------------------------------------------------------------- arguments */

static const char doc_before[] =
    "Plays drills: small text files with a site, what happens to it, and what every candidate's "
    "account must then be. They run in virtual time through the server's and the seats' own code; "
    "the same drill gives the same result every time.";

static const char doc_form[] =
    "\vA drill describes its site first:\n"
    "  nodes A B                        A serves, B is its standby; `nodes A`: one server\n"
    "  option solo-after 0:05           how long a primary waits for a lost standby\n"
    "  batch B1 allot 60:00 [timing common|personal] [grace 0:15] [heartbeat 0:01]\n"
    "  room R1 seats 4                  seats R1-01 to R1-04\n"
    "  sitting 1001 batch B1 seat R1-01 [extra 15:00]\n"
    "\n"
    "Then come lines that begin with an instant, [h:]mm:ss[.mmm], in order; `!` before a statement "
    "says that it must be refused and change nothing:\n"
    "  0:00      start B1\n"
    "  12:00.300 node-dies A\n"
    "  12:04     ! promote B\n"
    "  12:10     promote B attest\n"
    "  13:00     expect sitting 1001 used 13:00 left 47:00 lost 0:00\n"
    "\n"
    "The statements (D: a duration; `#` begins a comment):\n";

static const char doc_after[] =
    "\n"
    "Exit status: 0 all expectations held; 1 some did not; 2 wrong usage; 65 a drill could not be "
    "read (then nothing was played).\n"
    "\n"
    "Example: examdrill --trace rehearsal.drill\n";

/* The form of all statements, from the table that the reading uses. */
static char *help_filter(int key, const char *text, void *input)
{
    char *out = NULL;
    size_t bytes;
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)(uintptr_t)text;
    FILE *f = open_memstream(&out, &bytes);
    if (!f)
        return (char *)(uintptr_t)text;
    fputs(text, f);
    for (uint32_t i = 0; statement_form(i); i++)
        fprintf(f, "  %s\n", statement_form(i));
    fputs(doc_after, f);
    fclose(f);
    return out;
}

static error_t take_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    (void)arg;
    switch (key) {
    case OPT_JSON:
        o->json = true;
        return 0;
    case OPT_TRACE:
        o->trace = true;
        return 0;
    case OPT_CHECK:
        o->check = true;
        return 0;
    case ARGP_KEY_ARGS:
        o->files = state->argv + state->next;
        o->files_n = state->argc - state->next;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which drill? Give at least one FILE");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---------------------------------------------------------------- reading */

static void tell_error(void *ctx, const char *file, uint32_t line, const char *what)
{
    (void)ctx;
    if (line)
        fprintf(stderr, "%s:%u: %s\n", file, line, what);
    else
        fprintf(stderr, "%s: %s\n", file, what);
}

/* Every file is read before any is played. */
static struct drill **read_all(const struct options *o)
{
    struct drill **drills = calloc((size_t)o->files_n, sizeof *drills);
    bool all = drills != NULL;
    for (int i = 0; drills && i < o->files_n; i++) {
        exam_err err = drill_read_file(o->files[i], tell_error, NULL, &drills[i]);
        if (err && err != EXAM_INVALID && err != EXAM_NOT_FOUND)
            tell_error(NULL, o->files[i], 0, exam_err_text(err));
        all &= !err;
    }
    if (all)
        return drills;
    for (int i = 0; drills && i < o->files_n; i++)
        drill_free(drills[i]);
    free(drills);
    return NULL;
}

/* ---------------------------------------------------------------- playing */

struct total {
    uint32_t passed, failed;
    json_t *drills; /* NULL: for people */
};

static void play_drill(const struct options *o, const struct drill *d, struct total *t)
{
    struct trace trace = {.out = o->json ? stderr : stdout};
    struct office_refusal why;
    struct verdict v = {0};
    struct stage s;
    if (o->trace)
        fprintf(trace.out, "%s\n", d->file);
    exam_err err = stage_open(&s, d, o->trace ? &trace : NULL, &why);
    if (err) {
        verdict_fail(&v, 0, "", why.text);
    } else {
        play(&s, &v);
        if (t->drills && json_array_append_new(t->drills, report_json(&s, &v)))
            abort();
        stage_close(&s);
    }
    if (!t->drills)
        report_failures(stdout, d, &v);
    else if (err)
        report_failures(stderr, d, &v);
    t->passed += v.passed;
    t->failed += v.failed;
    verdict_fini(&v);
}

static void tell_total(const struct total *t)
{
    if (!t->drills) {
        report_total(stdout, t->passed, t->failed);
        return;
    }
    json_t *whole = json_pack("{s:i, s:i, s:O}", "passed", (int)t->passed, "failed", (int)t->failed,
                              "drills", t->drills);
    if (!whole || json_dumpf(whole, stdout, JSON_INDENT(2)))
        abort();
    fputc('\n', stdout);
    json_decref(whole);
}

int main(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"json", OPT_JSON, NULL, 0,
         "Print the outcome, all accounts and interruptions at the end as JSON", 0},
        {"trace", OPT_TRACE, NULL, 0, "Tell what happens, one line an event", 0},
        {"check", OPT_CHECK, NULL, 0, "Only read the drills", 0},
        {0}};
    char doc[sizeof doc_before + sizeof doc_form];
    snprintf(doc, sizeof doc, "%s%s", doc_before, doc_form);
    const struct argp argp = {options, take_option, "FILE...", doc, NULL, help_filter, NULL};
    struct options o = {0};
    argp_err_exit_status = EXIT_USAGE;
    if (argp_parse(&argp, argc, argv, 0, NULL, &o))
        return EXIT_USAGE;
    struct drill **drills = read_all(&o);
    if (!drills)
        return EX_DATAERR;
    struct total t = {.drills = o.json ? json_array() : NULL};
    for (int i = 0; i < o.files_n; i++) {
        if (!o.check)
            play_drill(&o, drills[i], &t);
        drill_free(drills[i]);
    }
    free(drills);
    if (!o.check)
        tell_total(&t);
    json_decref(t.drills);
    return t.failed ? EXIT_FAILED : EXIT_HELD;
}
