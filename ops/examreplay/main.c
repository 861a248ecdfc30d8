/* examreplay - the incident reviewer's tool (wiring only). */
#include <argp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "report.h"
#include "text_table.h"

const char *argp_program_version = "examreplay " EXAMREPLAY_VERSION;

enum {
    OPT_JSON = 256,
    OPT_BATCH,
    OPT_ROOM,
    OPT_SEAT,
    OPT_SITTING,
    OPT_FROM,
    OPT_TO,
    OPT_KIND,
    OPT_FORMAT,
    OPT_SEALED
};

static const char doc_before[] =
    "Proves and tells what happened on an exam site, from the data folder of one of its servers: "
    "read-only, weeks later, without trusting the servers. Every record's place in the hash chain "
    "is checked, and every account is recomputed from the events.";

static const char doc_after[] =
    "\vCommands:\n"
    "  verify FOLDER [FOLDER2]  Is the log what was written? Do accounts follow\n"
    "                           from it, do tables and dead branches fit?\n"
    "                           Two folders: where do they part?\n"
    "  timeline FOLDER          Incidents, roles, interruptions, decisions\n"
    "  account FOLDER SITTING   Every second of one candidate's time, and who\n"
    "                           decided about it\n"
    "  at FOLDER MOMENT         Roles, batches and clocks as they were then\n"
    "  export FOLDER            All events, as JSON lines or CSV\n"
    "\n"
    "A MOMENT is a record's LSN (812), an instant of the site's own timeline (+1:12:03.250), or of "
    "the servers' calendars ('2026-05-16 10:30:15', in this machine's time zone).\n"
    "\n"
    "FOLDER is the data folder of a node that is stopped, or a copy of one. Nothing is written to "
    "it, and a node cannot be started on it meanwhile.\n"
    "\n"
    "Exit status: 0 proven; 1 the log is not what was written, or two logs part; 2 wrong usage; 65 "
    "no readable data folder, or no such sitting; 70 out of memory, or cannot write; 75 a node has "
    "the folder open; 76 a folder of another version.\n"
    "\n"
    "Examples:\n"
    "  examreplay verify /media/a/examnode /media/b/examnode\n"
    "  examreplay timeline /media/a/examnode --batch B1 --kind incident,decision\n"
    "  examreplay account /media/a/examnode 20260517\n"
    "  examreplay at /media/a/examnode '2026-05-16 10:30' --room R03\n"
    "  examreplay export /media/a/examnode --format csv -o events.csv\n";

static const struct argp_option argp_options[] = {
    {"json", OPT_JSON, NULL, 0, "JSON for programs; timeline: one object a line, with everything",
     0},
    {"batch", OPT_BATCH, "NAME", 0, "Only what concerns this batch", 1},
    {"room", OPT_ROOM, "NAME", 0, "... this room", 1},
    {"seat", OPT_SEAT, "NAME", 0, "... this seat", 1},
    {"sitting", OPT_SITTING, "NUMBER", 0, "... the candidate of this admission number", 1},
    {"from", OPT_FROM, "MOMENT", 0, "From here on", 2},
    {"to", OPT_TO, "MOMENT", 0, "Up to here", 2},
    {"kind", OPT_KIND, "KIND,...", 0,
     "role, incident, interruption, decision, power, batch, recovered (timeline shows these), "
     "finish, contact, answer, mark, import, or all",
     2},
    {"format", OPT_FORMAT, "jsonl|csv", 0, "Of an export (default jsonl)", 3},
    {"output", 'o', "FILE", 0, "Where an export goes: whole, or not at all", 3},
    {"sealed", OPT_SEALED, NULL, 0, "Show answers, papers and ID numbers in JSON and exports, too",
     3},
    {0}};

struct arguments {
    struct options *o;
    const struct command *command;
    bool kinds_given, filtered, exported;
};

/* ---------------------------------------------------------------- arguments */

static void take_moment(struct argp_state *state, const char *text, struct moment *out)
{
    if (moment_parse(text, out))
        argp_error(state,
                   "'%s' is no moment: write an LSN (812), +h:mm:ss of the site's timeline, or "
                   "'YYYY-MM-DD HH:MM[:SS]'",
                   text);
}

static void take_kinds(struct argp_state *state, char *list, unsigned *kinds)
{
    char *rest = list, *word;
    *kinds = 0;
    while ((word = strsep(&rest, ","))) {
        enum event_kind kind;
        if (strcmp(word, "all") == 0)
            *kinds = (1u << EVENT_KINDS) - 1;
        else if (event_kind_of_word(word, &kind))
            *kinds |= 1u << kind;
        else
            argp_error(state, "'%s' is no kind of event; --help lists them", word);
    }
}

static void take_format(struct argp_state *state, const char *word, struct options *o)
{
    if (strcmp(word, "jsonl") != 0 && strcmp(word, "csv") != 0)
        argp_error(state, "'%s' is no format: jsonl or csv", word);
    o->format = strcmp(word, "csv") == 0 ? FORMAT_CSV : FORMAT_JSONL;
}

static void take_word(struct argp_state *state, char *word, struct arguments *a)
{
    if (state->arg_num == 0) {
        a->command = command_find(word);
        if (!a->command)
            argp_error(state, "'%s' is no command: verify, timeline, account, at or export", word);
    } else if (state->arg_num == 1) {
        a->o->folder = word;
    } else if (state->arg_num == 2 && a->command->argument) {
        a->o->argument = word;
    } else {
        argp_error(state, "'%s' is too much here", word);
    }
}

static void check_whole(struct argp_state *state, struct arguments *a)
{
    struct options *o = a->o;
    if (!a->command)
        argp_error(state, "which command? verify, timeline, account, at or export");
    if (!o->folder)
        argp_error(state, "which data folder? %s FOLDER", a->command->name);
    if (a->command->argument_needed && !o->argument)
        argp_error(state, "%s FOLDER needs a %s", a->command->name, a->command->argument);
    bool exports = a->command->run == cmd_export;
    if (a->exported && !exports)
        argp_error(state, "--format and --output are for export");
    if (o->json && exports)
        argp_error(state, "export writes JSON lines by itself: leave --json out");
    if (a->filtered && (a->command->run == cmd_verify || a->command->run == cmd_account))
        argp_error(state, "%s looks at everything: leave the filters out", a->command->name);
    if (a->command->run == cmd_at)
        take_moment(state, o->argument, &o->at);
    if (!a->kinds_given && exports)
        o->filter.kinds = (1u << EVENT_KINDS) - 1;
}

static error_t take_filter(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;
    struct filter *f = &a->o->filter;
    a->filtered = true;
    switch (key) {
    case OPT_BATCH:
        f->batch = arg;
        return 0;
    case OPT_ROOM:
        f->room = arg;
        return 0;
    case OPT_SEAT:
        f->seat = arg;
        return 0;
    case OPT_SITTING:
        f->sitting = arg;
        return 0;
    case OPT_FROM:
        take_moment(state, arg, &f->from);
        return 0;
    case OPT_TO:
        take_moment(state, arg, &f->to);
        return 0;
    default:
        a->kinds_given = true;
        take_kinds(state, arg, &f->kinds);
        return 0;
    }
}

static error_t take_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;
    if (key >= OPT_BATCH && key <= OPT_KIND)
        return take_filter(key, arg, state);
    switch (key) {
    case OPT_JSON:
        a->o->json = true;
        return 0;
    case OPT_SEALED:
        a->o->sealed = true;
        return 0;
    case OPT_FORMAT:
        a->exported = true;
        take_format(state, arg, a->o);
        return 0;
    case 'o':
        a->exported = true;
        a->o->output = arg;
        return 0;
    case ARGP_KEY_ARG:
        take_word(state, arg, a);
        return 0;
    case ARGP_KEY_END:
        check_whole(state, a);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---------------------------------------------------------------- damaged pages */

/* LMDB has no checksums: a page that is cut off, or whose head has rotted, shows as a signal.
 * SA_RESETHAND: a second one ends the process as usual. */
static volatile uint64_t reached_lsn;

static void put(char *line, size_t *n, size_t bytes, const char *text)
{
    while (*text && *n < bytes)
        line[(*n)++] = *text++;
}

static void on_damage(int signal_no)
{
    char line[200], digits[24];
    size_t n = 0, at = sizeof digits - 1;
    uint64_t lsn = reached_lsn;
    (void)signal_no;
    digits[at] = '\0';
    do
        digits[--at] = (char)('0' + lsn % 10);
    while ((lsn /= 10) != 0);
    put(line, &n, sizeof line,
        "WRONG   the data file is cut off or damaged: its pages cannot be read "
        "after record ");
    put(line, &n, sizeof line, digits + at);
    put(line, &n, sizeof line, " (D8)\n");
    (void)!write(STDERR_FILENO, line, n);
    _exit(EXIT_WRONG);
}

static void watch_for_damage(void)
{
    const struct sigaction action = {.sa_handler = on_damage, .sa_flags = (int)SA_RESETHAND};
    (void)sigaction(SIGBUS, &action, NULL);
    (void)sigaction(SIGSEGV, &action, NULL);
    (void)sigaction(SIGABRT, &action, NULL); /* LMDB's own checks of a page */
}

int main(int argc, char **argv)
{
    static const unsigned kinds_told =
        1u << EVENT_ROLE | 1u << EVENT_INCIDENT | 1u << EVENT_INTERRUPTION | 1u << EVENT_DECISION |
        1u << EVENT_POWER | 1u << EVENT_BATCH | 1u << EVENT_RECOVERED;
    static const struct argp argp = {.options = argp_options,
                                     .parser = take_option,
                                     .args_doc = "COMMAND FOLDER [ARGUMENT]",
                                     .doc = NULL};
    char doc[sizeof doc_before + sizeof doc_after];
    struct options o = {.filter.kinds = kinds_told, .reached = &reached_lsn};
    struct arguments a = {.o = &o};
    struct argp with_doc = argp;
    text_locale_init();
    (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write, and is reported */
    snprintf(doc, sizeof doc, "%s%s", doc_before, doc_after);
    with_doc.doc = doc;
    argp_err_exit_status = EXIT_CODE_USAGE;
    if (argp_parse(&with_doc, argc, argv, 0, NULL, &a))
        return EXIT_CODE_USAGE;
    watch_for_damage();
    enum exit_code code = a.command->run(&o);
    if (code == EXIT_CODE_DONE && (fflush(stdout) != 0 || ferror(stdout))) {
        report_error("cannot write the output");
        return EXIT_CODE_INTERNAL;
    }
    return code;
}
