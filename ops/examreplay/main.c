/* examreplay - the incident reviewer's tool (wiring only). */
#include <argp.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "damage.h"
#include "language.h"
#include "report.h"
#include "reviewer_key.h"
#include "text_table.h"
#include "whole_number.h"

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
    OPT_SEALED,
    OPT_WHOLE,
    OPT_INCIDENT,
    OPT_CERTIFICATE,
    OPT_INDEX,
    OPT_NO_INDEX,
    OPT_LANG,
    OPT_ROSTER,
    OPT_AUTHORITY,
    OPT_RECEIPT,
    OPT_DATA_KEY,
    OPT_PASSWORD_FILE
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
    "  diff FOLDER MOMENT MOMENT  What became of clocks and roles in between\n"
    "  step FOLDER              Forward and back through the log in a terminal:\n"
    "                           a room as a map of its seats with their clocks\n"
    "  report FOLDER            A page (HTML) for people who were not there: who\n"
    "                           lost what and why, with its proof; prints well\n"
    "  export FOLDER            All events, as JSON lines, CSV, or SQLite database\n"
    "  salvage FOLDER [FOLDER2] From damaged folders (or parts of a disk) a new one\n"
    "                           with all that is still proven, and what is missing\n"
    "\n"
    "A MOMENT is a record's LSN (812), an instant of the site's own timeline (+1:12:03.250), or of "
    "the servers' calendars ('2026-05-16 10:30:15', in this machine's time zone).\n"
    "\n"
    "FOLDER is the data folder of a node that is stopped, a copy of one, or a whole export (export "
    "--whole). Nothing is written to it, and a node cannot be started on it meanwhile.\n"
    "\n"
    "Exit status: 0 proven; 1 the log is not what was written, or two logs part; 2 wrong usage; 65 "
    "no readable data folder, or no such sitting; 70 out of memory, or cannot write; 75 a node has "
    "the folder open; 76 a folder of another version.\n"
    "\n"
    "Examples:\n"
    "  examreplay verify /media/a/examnode /media/b/examnode\n"
    "  examreplay timeline /media/a/examnode --batch B1 --kind incident,decision\n"
    "  examreplay account /media/a/examnode 20260517\n"
    "  examreplay account /media/a/examnode 20260517 --certificate 20260517.html\n"
    "  examreplay diff /media/a/examnode '2026-05-16 10:30' '2026-05-16 10:45' --room R03\n"
    "  examreplay report /media/a/examnode --batch B1 --lang zh_CN -o B1.html\n"
    "  examreplay at /media/a/examnode '2026-05-16 10:30' --room R03\n"
    "  examreplay salvage /media/a/examnode /media/b/examnode -o salvaged\n"
    "  examreplay export /media/a/examnode --format csv -o events.csv\n"
    "  examreplay export /media/a/examnode --whole -o a.jsonl; examreplay verify a.jsonl\n";

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
    {"format", OPT_FORMAT, "jsonl|csv|sqlite", 0, "Of an export (default jsonl)", 3},
    {"whole", OPT_WHOLE, NULL, 0,
     "Of an export: all that the folder holds, to be read in its place (jsonl; keep it as safe as "
     "the folder)",
     3},
    {"output", 'o', "FILE", 0,
     "Where a report or an export goes, whole or not at all; or what is salvaged", 3},
    {"incident", OPT_INCIDENT, "NUMBER", 0, "Of a report: only what belongs to this incident", 3},
    {"certificate", OPT_CERTIFICATE, "FILE", 0,
     "Of an account: a page (HTML) that certifies the lost time, to be printed", 3},
    {"roster", OPT_ROSTER, "FILE", 0,
     "verify, salvage: the site's roster of keys, to check what servers have signed", 4},
    {"authority", OPT_AUTHORITY, "KEY", 0,
     "verify, salvage: who must have signed the roster: 64 digits, or any key file of the site", 4},
    {"receipt", OPT_RECEIPT, "RECEIPT", 0,
     "verify: a candidate's receipt to be held against the log, a file or "
     "CANDIDATE:RECORD:CHECK; as many as there are",
     4},
    {"index", OPT_INDEX, "FILE", 0,
     "Of `at`: keep states of the whole log in FILE, made at the first use, and begin at one", 3},
    {"no-index", OPT_NO_INDEX, NULL, 0,
     "Keep no states of a long log in your cache folder on the way, and use none: read it from its "
     "first record",
     3},
    {"lang", OPT_LANG, "en|zh_CN", 0, "In which language (default en)", 3},
    {"sealed", OPT_SEALED, NULL, 0, "Show answers, papers and ID numbers in JSON and exports, too",
     3},
    {"data-key", OPT_DATA_KEY, "FILE", 0,
     "The site's data key (keys/data-key): names, and with --sealed answers, are shown that the "
     "site "
     "has sealed. Its password is asked for",
     5},
    {"password-file", OPT_PASSWORD_FILE, "FILE", 0,
     "The data key's password is the first line of FILE (/dev/fd/3: of a descriptor)", 5},
    {0}};

struct arguments {
    struct options *o;
    const struct command *command;
    unsigned taken; /* TAKES_*: of which sorts options were given */
    bool kinds_given;
    const char *data_key, *password_file; /* NULL: none */
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
    static const char *const words[] = {
        [FORMAT_JSONL] = "jsonl", [FORMAT_CSV] = "csv", [FORMAT_SQLITE] = "sqlite"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], word) == 0) {
            o->format = (enum format)i;
            return;
        }
    argp_error(state, "'%s' is no format: jsonl, csv or sqlite", word);
}

static void take_word(struct argp_state *state, char *word, struct arguments *a)
{
    if (state->arg_num == 0) {
        a->command = command_find(word);
        if (!a->command)
            argp_error(state, "'%s' is no command: %s", word, command_names());
    } else if (state->arg_num == 1) {
        a->o->folder = word;
    } else if (state->arg_num == 2 && a->command->argument) {
        a->o->argument = word;
    } else if (state->arg_num == 3 && a->command->second) {
        a->o->second = word;
    } else {
        argp_error(state, "'%s' is too much here", word);
    }
}

static void check_options(struct argp_state *state, const struct arguments *a)
{
    static const struct {
        unsigned takes;
        const char *names;
    } sorts[] = {{TAKES_JSON, "--json"},
                 {TAKES_FILTER, "filters (--batch, --room, --seat, --sitting)"},
                 {TAKES_STRETCH, "--from, --to and --kind"},
                 {TAKES_OUTPUT, "--output"},
                 {TAKES_FORMAT, "--format"},
                 {TAKES_INCIDENT, "--incident"},
                 {TAKES_CERTIFICATE, "--certificate"},
                 {TAKES_INDEX, "--index"},
                 {TAKES_NO_INDEX, "--no-index"},
                 {TAKES_SEALED, "--sealed"},
                 {TAKES_WHOLE, "--whole"},
                 {TAKES_EVIDENCE, "--roster, --authority and --receipt"},
                 {TAKES_DATA_KEY, "--data-key and --password-file"}};
    for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++)
        if ((a->taken & sorts[i].takes) && !(a->command->takes & sorts[i].takes))
            argp_error(state, "%s takes no %s", a->command->name, sorts[i].names);
}

static void check_whole(struct argp_state *state, struct arguments *a)
{
    struct options *o = a->o;
    if (!a->command)
        argp_error(state, "which command? %s", command_names());
    if (!o->folder)
        argp_error(state, "which data folder? %s FOLDER", a->command->name);
    if (a->command->argument_needed && !o->argument)
        argp_error(state, "%s FOLDER needs a %s", a->command->name, a->command->argument);
    if (a->command->second && !o->second)
        argp_error(state, "%s FOLDER %s needs a second %s", a->command->name, a->command->argument,
                   a->command->second);
    check_options(state, a);
    o->stretch = a->taken & TAKES_STRETCH;
    if (a->command->run == cmd_at || a->command->run == cmd_diff)
        take_moment(state, o->argument, &o->at);
    if (a->command->run == cmd_diff)
        take_moment(state, o->second, &o->at_second);
    if (!a->kinds_given && a->command->run == cmd_export)
        o->filter.kinds = (1u << EVENT_KINDS) - 1;
}

static error_t take_filter(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;
    struct filter *f = &a->o->filter;
    a->taken |= key <= OPT_SITTING ? TAKES_FILTER : TAKES_STRETCH;
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

static void take_incident(struct argp_state *state, const char *text, struct options *o)
{
    if (whole_number_parse(text, "incident", &o->incident) != EXIT_CODE_DONE)
        argp_error(state, "'%s' is no incident's number", text);
}

static void take_language(struct argp_state *state, const char *name)
{
    if (language_begin(name, NULL))
        argp_error(state, "there is no catalogue for the language '%s': en or zh_CN", name);
}

/* Of how results are told. */
static error_t take_telling(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case OPT_JSON:
        a->taken |= TAKES_JSON;
        a->o->json = true;
        return 0;
    case OPT_SEALED:
        a->taken |= TAKES_SEALED;
        a->o->shown.sealed = true;
        return 0;
    case OPT_WHOLE:
        a->taken |= TAKES_WHOLE;
        a->o->whole = true;
        return 0;
    case OPT_FORMAT:
        a->taken |= TAKES_FORMAT;
        take_format(state, arg, a->o);
        return 0;
    case OPT_INCIDENT:
        a->taken |= TAKES_INCIDENT;
        take_incident(state, arg, a->o);
        return 0;
    case OPT_CERTIFICATE:
        a->taken |= TAKES_CERTIFICATE;
        a->o->certificate = arg;
        return 0;
    case OPT_INDEX:
        a->taken |= TAKES_INDEX;
        a->o->index = arg;
        return 0;
    case OPT_NO_INDEX:
        a->taken |= TAKES_NO_INDEX;
        a->o->no_index = true;
        return 0;
    case OPT_LANG:
        take_language(state, arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t take_evidence(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;
    struct verify_order *v = &a->o->verify;
    a->taken |= TAKES_EVIDENCE;
    if (key == OPT_ROSTER)
        v->roster = arg;
    else if (key == OPT_AUTHORITY)
        v->authority = arg;
    else if (v->receipts_n < VERIFY_RECEIPTS_MAX)
        v->receipts[v->receipts_n++] = arg;
    else
        argp_error(state, "more than %d receipts", VERIFY_RECEIPTS_MAX);
    return 0;
}

static error_t take_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;
    if (key >= OPT_BATCH && key <= OPT_KIND)
        return take_filter(key, arg, state);
    if (key >= OPT_ROSTER && key <= OPT_RECEIPT)
        return take_evidence(key, arg, state);
    switch (key) {
    case OPT_DATA_KEY:
        a->taken |= TAKES_DATA_KEY;
        a->data_key = arg;
        return 0;
    case OPT_PASSWORD_FILE:
        a->taken |= TAKES_DATA_KEY;
        a->password_file = arg;
        return 0;
    case 'o':
        a->taken |= TAKES_OUTPUT;
        a->o->output = arg;
        return 0;
    case ARGP_KEY_ARG:
        take_word(state, arg, a);
        return 0;
    case ARGP_KEY_END:
        check_whole(state, a);
        return 0;
    default:
        return take_telling(key, arg, state);
    }
}

static volatile uint64_t reached_lsn;

/* The key is wiped however the command ends. */
static enum exit_code run(const struct arguments *a)
{
    struct reviewer_key key;
    enum exit_code code = reviewer_key_open(a->data_key, a->password_file, &key);
    if (code != EXIT_CODE_DONE)
        return code;
    a->o->shown.vault = key.vault;
    a->o->site_id = key.vault ? key.site_id : NULL;
    code = a->command->run(a->o);
    reviewer_key_close(&key);
    return code;
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
    if (sodium_init() < 0)
        return EXIT_CODE_INTERNAL;
    if (argp_parse(&with_doc, argc, argv, 0, NULL, &a))
        return EXIT_CODE_USAGE;
    damage_watch(&reached_lsn);
    enum exit_code code = run(&a);
    if (code == EXIT_CODE_DONE && (fflush(stdout) != 0 || ferror(stdout))) {
        report_error("cannot write the output");
        return EXIT_CODE_INTERNAL;
    }
    return code;
}
