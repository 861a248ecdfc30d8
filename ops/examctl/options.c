#include "options.h"

#include <assert.h>
#include <getopt.h>
#include <pwd.h>
#include <sodium.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "codec.h"
#include "command.h"
#include "duration.h"
#include "person_keys.h"
#include "report.h"

enum { TIMEOUT_MS_DEFAULT = 10000, TIMEOUT_S_MAX = 3600, MINUTES_MAX = 240 };

enum option_code {
    CODE_NODES = 256,
    CODE_WHO,
    CODE_JSON,
    CODE_YES,
    CODE_TIMEOUT,
    CODE_KEY_FILE,
    CODE_KEY_ROSTER,
    CODE_PASSWORD_FILE,
    CODE_FIRST_OWN, /* from here on: CODE_FIRST_OWN + the place in own_options */
};

/* What an own option's value is: how it gets into the options. */
enum own_kind {
    OWN_FLAG, /* has none */
    OWN_WORD, /* taken as it is: a file, ... */
    OWN_TEXT,
    OWN_NAME,
    OWN_NAMES,
    OWN_SPAN,
    OWN_INSTANT,
    OWN_TIMING,
    OWN_MINUTES,
    OWN_PAPER,
    OWN_RECEIPT,
};

struct own_option {
    const char *name;
    uint64_t bit;
    enum own_kind kind;
    size_t at;        /* its place in the options */
    size_t bytes_max; /* of a text; otherwise 0 */
};

#define OWN(name, bit, kind, member)                                                               \
    {                                                                                              \
        name, bit, kind, offsetof(struct options, member), 0                                       \
    }
#define OWN_LIMITED(name, bit, member, bytes)                                                      \
    {                                                                                              \
        name, bit, OWN_TEXT, offsetof(struct options, member), bytes                               \
    }

static const struct own_option own_options[] = {
    OWN_LIMITED("site", OPTION_SITE, site, TITLE_BYTES_MAX),
    OWN("digest", OPTION_DIGEST, OWN_FLAG, digest),
    OWN_LIMITED("batch", OPTION_BATCH, batch, NAME_BYTES_MAX),
    OWN("rooms", OPTION_ROOMS, OWN_WORD, rooms),
    OWN("roster", OPTION_ROSTER, OWN_WORD, roster),
    OWN("paper", OPTION_PAPER, OWN_PAPER, papers),
    OWN_LIMITED("title", OPTION_TITLE, title, TITLE_BYTES_MAX),
    OWN("allot", OPTION_ALLOT, OWN_SPAN, allot_ms),
    OWN("timing", OPTION_TIMING, OWN_TIMING, timing),
    OWN("grace", OPTION_GRACE, OWN_SPAN, grace_ms),
    OWN("watch", OPTION_WATCH, OWN_FLAG, watch),
    OWN("unfinished", OPTION_UNFINISHED, OWN_FLAG, unfinished),
    OWN("attest", OPTION_ATTEST, OWN_FLAG, attest),
    OWN_LIMITED("reason", OPTION_REASON, reason, REASON_BYTES_MAX),
    OWN("answers", OPTION_ANSWERS, OWN_FLAG, answers),
    OWN("output", OPTION_OUTPUT, OWN_WORD, output),
    OWN_LIMITED("text", OPTION_TEXT, text, REASON_BYTES_MAX),
    OWN("room", OPTION_ROOM, OWN_NAME, room),
    OWN("new-batch", OPTION_NEW_BATCH, OWN_NAME, new_batch),
    OWN("open", OPTION_OPEN, OWN_FLAG, open),
    OWN("entry", OPTION_ENTRY, OWN_INSTANT, entry_wall_ms),
    OWN("preview", OPTION_PREVIEW, OWN_FLAG, preview),
    OWN("keys", OPTION_KEYS, OWN_WORD, keys),
    OWN("node", OPTION_NODE, OWN_NAMES, node_names),
    OWN("person", OPTION_PERSON, OWN_NAMES, persons),
    OWN("forced", OPTION_FORCED, OWN_FLAG, forced),
    OWN("role", OPTION_ROLE, OWN_WORD, role),
    OWN("no-password", OPTION_NO_PASSWORD, OWN_FLAG, no_password),
    OWN("second", OPTION_SECOND, OWN_WORD, second_key),
    OWN("new-password-file", OPTION_NEW_PASSWORD, OWN_WORD, new_password.file),
    OWN("package", OPTION_PACKAGE, OWN_WORD, package),
    OWN("package-password-file", OPTION_PACKAGE_PASSWORD, OWN_WORD, package_password.file),
    OWN("authority-password-file", OPTION_AUTHORITY_PASSWORD, OWN_WORD, authority_password.file),
    OWN("data-key", OPTION_DATA_KEY, OWN_WORD, data_key),
    OWN("no-data-key", OPTION_NO_DATA_KEY, OWN_FLAG, no_data_key),
    OWN("receipt", OPTION_RECEIPT, OWN_RECEIPT, receipts),
    OWN("authority", OPTION_AUTHORITY, OWN_WORD, authority),
    OWN("address", OPTION_ADDRESS, OWN_WORD, address),
    OWN("listen", OPTION_LISTEN, OWN_WORD, listen),
    OWN("minutes", OPTION_MINUTES, OWN_MINUTES, minutes),
    OWN("no-seat-keys", OPTION_NO_SEAT_KEYS, OWN_FLAG, no_seat_keys),
};
enum { OWN_OPTIONS = sizeof own_options / sizeof own_options[0] };

/* Every command's. */
static const struct option common_options[] = {
    {"password-file", required_argument, NULL, CODE_PASSWORD_FILE},
    {"key-file", required_argument, NULL, CODE_KEY_FILE},
    {"key-roster", required_argument, NULL, CODE_KEY_ROSTER},
    {"nodes", required_argument, NULL, CODE_NODES},
    {"who", required_argument, NULL, CODE_WHO},
    {"json", no_argument, NULL, CODE_JSON},
    {"yes", no_argument, NULL, CODE_YES},
    {"timeout", required_argument, NULL, CODE_TIMEOUT},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
};
enum { COMMON_OPTIONS = sizeof common_options / sizeof common_options[0] };

/* Behind a command a word like -5:00 is a span of time that is taken back, and no option: getopt
 * hands it over as the "option" -5 with the rest as its value. */
#define LETTERS_COMMON "o:hV"
#define LETTERS_SPAN   "0::1::2::3::4::5::6::7::8::9::"

struct parse {
    struct options *o;
    char **argv;          /* that getopt is going through */
    const char *negative; /* the word like -5:00; NULL: none */
    const char *nodes;    /* text of --nodes */
    const char *who;
    uint64_t seen; /* OPTION_ bits */
    /* for getopt: the last one is all zeros */
    struct option long_options[OWN_OPTIONS + COMMON_OPTIONS + 1];
};

static enum exit_code take_duration(const char *option, const char *text, uint64_t *ms)
{
    if (duration_parse(text, ms) == EXAM_OK && *ms > 0)
        return EXIT_CODE_DONE;
    report_error("--%s '%s' is no span of time; write [h:]mm:ss, like 60:00 or 0:15", option, text);
    return EXIT_CODE_USAGE;
}

/* An instant of this machine's calendar and time zone. */
static enum exit_code take_instant(const char *option, const char *text, int64_t *wall_ms)
{
    struct tm tm = {.tm_isdst = -1};
    const char *end = strptime(text, "%Y-%m-%d %H:%M", &tm);
    time_t at = end != NULL && *end == '\0' ? mktime(&tm) : -1;

    if (at > 0) {
        *wall_ms = (int64_t)at * 1000;
        return EXIT_CODE_DONE;
    }
    report_error("--%s '%s' is no date and time; write YYYY-MM-DD HH:MM, like '2026-05-16 10:30'",
                 option, text);
    return EXIT_CODE_USAGE;
}

static enum exit_code take_text(const char *option, const char *text, size_t bytes_max,
                                const char **out)
{
    size_t n = strlen(text);

    if (n == 0 || n > bytes_max || !codec_text_ok(text, n)) {
        report_error("--%s needs 1 to %zu bytes of UTF-8 text", option, bytes_max);
        return EXIT_CODE_USAGE;
    }
    *out = text;
    return EXIT_CODE_DONE;
}

static enum exit_code take_name(const char *option, const char *text, const char **out)
{
    if (!codec_name_ok(text)) {
        report_error("--%s '%s' is no name; use at most %d bytes without spaces, commas, quotes "
                     "and slashes",
                     option, text, NAME_BYTES_MAX);
        return EXIT_CODE_USAGE;
    }
    *out = text;
    return EXIT_CODE_DONE;
}

/* Adds the names of a comma-separated list. */
static enum exit_code take_names(const char *option, const char *text, struct name_list *list)
{
    const char *bad;
    exam_err err = name_list_take(list, text, &bad);

    if (err == EXAM_TOO_BIG)
        report_error("more than %d names behind --%s", NAMES_MAX, option);
    else if (err != EXAM_OK)
        report_error("--%s '%.*s' is no name; use at most %d bytes without spaces, quotes and "
                     "slashes",
                     option, (int)strcspn(bad, ","), bad, NAME_BYTES_MAX);
    return err == EXAM_OK ? EXIT_CODE_DONE : EXIT_CODE_USAGE;
}

static enum exit_code take_timing(const char *text, Ev__Timing *out)
{
    if (strcmp(text, "common") == 0) {
        *out = EV__TIMING__TIMING_COMMON;
    } else if (strcmp(text, "personal") == 0) {
        *out = EV__TIMING__TIMING_PERSONAL;
    } else {
        report_error("--timing '%s' is unknown; write common (all begin when the batch starts) or "
                     "personal (each begins when opening the paper)",
                     text);
        return EXIT_CODE_USAGE;
    }
    return EXIT_CODE_DONE;
}

static enum exit_code take_timeout(const char *text, uint64_t *ms)
{
    char *end;
    long seconds = strtol(text, &end, 10);

    if (end == text || *end != '\0' || seconds < 1 || seconds > TIMEOUT_S_MAX) {
        report_error("--timeout '%s' is no number of seconds from 1 to %d", text, TIMEOUT_S_MAX);
        return EXIT_CODE_USAGE;
    }
    *ms = (uint64_t)seconds * 1000;
    return EXIT_CODE_DONE;
}

static enum exit_code take_minutes(const char *text, uint32_t *minutes)
{
    char *end;
    long n = strtol(text, &end, 10);

    if (end == text || *end != '\0' || n < 1 || n > MINUTES_MAX) {
        report_error("--minutes '%s' is no number from 1 to %d", text, MINUTES_MAX);
        return EXIT_CODE_USAGE;
    }
    *minutes = (uint32_t)n;
    return EXIT_CODE_DONE;
}

static enum exit_code take_paper(struct options *o, const char *path)
{
    if (o->papers_n == PAPERS_MAX) {
        report_error("more than %d papers; import them with several batches", PAPERS_MAX);
        return EXIT_CODE_USAGE;
    }
    o->papers[o->papers_n++] = path;
    return EXIT_CODE_DONE;
}

static enum exit_code take_receipt(struct options *o, const char *receipt)
{
    if (o->receipts_n == RECEIPTS_MAX) {
        report_error("more than %d receipts; check them in several runs", RECEIPTS_MAX);
        return EXIT_CODE_USAGE;
    }
    o->receipts[o->receipts_n++] = receipt;
    return EXIT_CODE_DONE;
}

static enum exit_code take_own(struct parse *p, const struct own_option *own, const char *value)
{
    struct options *o = p->o;
    void *at = (char *)o + own->at;

    p->seen |= own->bit;
    switch (own->kind) {
    case OWN_FLAG:
        *(bool *)at = true;
        return EXIT_CODE_DONE;
    case OWN_WORD:
        *(const char **)at = value;
        return EXIT_CODE_DONE;
    case OWN_TEXT:
        return take_text(own->name, value, own->bytes_max, at);
    case OWN_NAME:
        return take_name(own->name, value, at);
    case OWN_NAMES:
        return take_names(own->name, value, at);
    case OWN_SPAN:
        return take_duration(own->name, value, at);
    case OWN_INSTANT:
        return take_instant(own->name, value, at);
    case OWN_TIMING:
        return take_timing(value, at);
    case OWN_MINUTES:
        return take_minutes(value, at);
    case OWN_PAPER:
        return take_paper(o, value);
    case OWN_RECEIPT:
        return take_receipt(o, value);
    }
    return EXIT_CODE_INTERNAL;
}

static const struct own_option *own_of(uint64_t bit)
{
    for (size_t i = 0; i < OWN_OPTIONS; i++)
        if (own_options[i].bit == bit)
            return &own_options[i];
    assert(!"every OPTION_ bit has a row");
    return NULL;
}

static enum exit_code take_negative(struct parse *p)
{
    const char *word = optarg != NULL ? optarg - 2 : p->argv[optind - 1];

    if (word[0] != '-' || p->negative != NULL) {
        report_error("a second '%s' is one word too many; see `examctl --help`", word);
        return EXIT_CODE_USAGE;
    }
    p->negative = word;
    return EXIT_CODE_DONE;
}

static enum exit_code take_option(struct parse *p, int code)
{
    switch (code) {
    case CODE_NODES:
        p->nodes = optarg;
        return EXIT_CODE_DONE;
    case CODE_WHO:
        return take_text("who", optarg, PERSON_BYTES_MAX, &p->who);
    case CODE_JSON:
        p->o->json = true;
        return EXIT_CODE_DONE;
    case CODE_YES:
        p->o->yes = true;
        return EXIT_CODE_DONE;
    case CODE_TIMEOUT:
        return take_timeout(optarg, &p->o->timeout_ms);
    case CODE_KEY_FILE:
        p->o->key_file = optarg;
        return EXIT_CODE_DONE;
    case CODE_KEY_ROSTER:
        p->o->key_roster = optarg;
        return EXIT_CODE_DONE;
    case CODE_PASSWORD_FILE:
        p->o->password.file = optarg;
        return EXIT_CODE_DONE;
    case 'h':
        p->o->help = true;
        return EXIT_CODE_DONE;
    case 'V':
        p->o->version = true;
        return EXIT_CODE_DONE;
    case 'o':
        return take_own(p, own_of(OPTION_OUTPUT), optarg);
    default:
        break;
    }
    if (code >= '0' && code <= '9')
        return take_negative(p);
    if (code >= CODE_FIRST_OWN)
        return take_own(p, &own_options[code - CODE_FIRST_OWN], optarg);
    fputs("Try `examctl --help`.\n", stderr); /* getopt has said what is wrong */
    return EXIT_CODE_USAGE;
}

static void long_options_make(struct parse *p)
{
    for (size_t i = 0; i < OWN_OPTIONS; i++)
        p->long_options[i] = (struct option){
            .name = own_options[i].name,
            .has_arg = own_options[i].kind == OWN_FLAG ? no_argument : required_argument,
            .val = CODE_FIRST_OWN + (int)i};
    memcpy(p->long_options + OWN_OPTIONS, common_options, sizeof common_options);
}

/* Reads options up to the first word ("+") or all of them. Texts of getopt name argv[0]. */
static enum exit_code options_read(struct parse *p, int argc, char **argv, const char *letters)
{
    int code;

    optind = 0; /* glibc: begin anew */
    p->argv = argv;
    while ((code = getopt_long(argc, argv, letters, p->long_options, NULL)) != -1) {
        enum exit_code exit_code = take_option(p, code);

        if (exit_code != EXIT_CODE_DONE)
            return exit_code;
    }
    return EXIT_CODE_DONE;
}

static enum exit_code check_own(const struct parse *p, const struct command *c)
{
    bool instead = (p->seen & c->instead) != 0;
    uint64_t unknown = p->seen & ~(instead ? c->options_instead : c->options);
    uint64_t missing = instead ? 0 : c->required & ~p->seen;
    const char *group = c->group != NULL ? c->group : "";
    const char *blank = c->group != NULL ? " " : "";
    uint64_t bit = unknown != 0 ? unknown & -unknown : missing & -missing;

    if (bit == 0)
        return EXIT_CODE_DONE;
    report_error(unknown != 0 ? "`%s%s%s` knows no --%s; see `examctl %s%s%s --help`"
                              : "`%s%s%s` needs --%s; see `examctl %s%s%s --help`",
                 group, blank, c->name, own_of(bit)->name, group, blank, c->name);
    return EXIT_CODE_USAGE;
}

static void report_needs(const struct command *c, const char *what)
{
    report_error("`%s` needs %s behind it; see `examctl %s%s%s --help`", c->name, what,
                 c->group != NULL ? c->group : "", c->group != NULL ? " " : "", c->name);
}

static bool check_name(const char *text)
{
    if (text == NULL || codec_name_ok(text))
        return true;
    report_error("'%s' is no name; use at most %d bytes without spaces, commas, quotes and slashes",
                 text, NAME_BYTES_MAX);
    return false;
}

/* A word that a command has, that is not wholly in brackets, and that was not given. */
static bool is_missing(const char *word, const char *given)
{
    return word != NULL && given == NULL && !(word[0] == '[' && word[strlen(word) - 1] == ']');
}

/* The words behind the command, a negative span last. */
static enum exit_code check_arguments(const struct parse *p, const struct command *c, int n,
                                      char **words)
{
    int allowed = (c->argument != NULL) + (c->second != NULL);
    int given = n + (p->negative != NULL);
    struct options *o = p->o;

    if (given > allowed) {
        report_error("'%s' is one word too many; see `examctl --help`",
                     n > allowed ? words[allowed] : p->negative);
        return EXIT_CODE_USAGE;
    }
    if (n >= 1)
        o->argument = words[0];
    if (given == 2)
        o->second = n == 2 ? words[1] : p->negative;
    if (is_missing(c->argument, o->argument)) {
        report_needs(c, c->argument);
        return EXIT_CODE_USAGE;
    }
    if (is_missing(c->second, o->second)) {
        report_needs(c, c->second);
        return EXIT_CODE_USAGE;
    }
    if (!c->paths && (!check_name(o->argument) || !check_name(o->second)))
        return EXIT_CODE_USAGE;
    if (!check_name(o->batch))
        return EXIT_CODE_USAGE;
    return EXIT_CODE_DONE;
}

static enum exit_code take_nodes(struct options *o, const char *text)
{
    struct node_address_list list = {.at = o->nodes, .room = NODES_MAX};
    const char *bad;
    exam_err err;

    if (text == NULL || text[0] == '\0')
        text = getenv("EXAMCTL_NODES");
    if (text == NULL || text[0] == '\0') {
        report_error("which nodes? Give --nodes HOST:PORT,HOST:PORT (their admin addresses), or "
                     "set EXAMCTL_NODES");
        return EXIT_CODE_USAGE;
    }
    err = node_address_list_parse(text, &list, &bad);
    if (err == EXAM_TOO_BIG)
        report_error("more than %d nodes in '%s'", NODES_MAX, text);
    else if (err != EXAM_OK)
        report_error("'%.*s' in the list of nodes is no address; write HOST:PORT, or "
                     "NAME@HOST:PORT",
                     (int)strcspn(bad, ","), bad);
    o->nodes_n = list.n;
    return err == EXAM_OK ? EXIT_CODE_DONE : EXIT_CODE_USAGE;
}

static const char *or_environment(const char *given, const char *name)
{
    const char *value = given != NULL ? given : getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

const char *options_roster(const struct options *o)
{
    return or_environment(o->roster != NULL ? o->roster : o->key_roster, "EXAMCTL_KEY_ROSTER");
}

const char *options_authority(const struct options *o)
{
    return or_environment(o->authority != NULL ? o->authority : o->key_file, "EXAMCTL_KEY_FILE");
}

static enum exit_code take_keys(struct options *o)
{
    o->key_file = or_environment(o->key_file, "EXAMCTL_KEY_FILE");
    o->key_roster = or_environment(o->key_roster, "EXAMCTL_KEY_ROSTER");
    if (o->key_file == NULL && o->key_roster == NULL)
        return EXIT_CODE_DONE;
    if (o->key_file == NULL || o->key_roster == NULL) {
        report_error("--key-file and --key-roster go together: your own key, and the site's "
                     "roster");
        return EXIT_CODE_USAGE;
    }
    if (sodium_init() < 0) {
        report_error("libsodium cannot be used on this machine");
        return EXIT_CODE_INTERNAL;
    }
    return person_keys_open(o->key_file, o->key_roster, &o->password, &o->keyring) == EXAM_OK
               ? EXIT_CODE_DONE
               : EXIT_CODE_BAD_INPUT;
}

static void passwords_take(struct options *o)
{
    o->password.file = or_environment(o->password.file, "EXAMCTL_PASSWORD_FILE");
    o->authority_password.file =
        or_environment(o->authority_password.file, "EXAMCTL_AUTHORITY_PASSWORD_FILE");
    o->password.option = "password-file";
    o->new_password.option = "new-password-file";
    o->authority_password.option = "authority-password-file";
    o->package_password.option = "package-password-file";
}

/* With keys, each server is dialled by its name in the roster. */
static enum exit_code check_named(const struct options *o)
{
    for (size_t i = 0; i < o->nodes_n && o->keyring != NULL; i++)
        if (o->nodes[i].name[0] == '\0') {
            report_error("which server is '%s'? With a key write NAME@HOST:PORT, the name as in "
                         "the roster",
                         o->nodes[i].text);
            return EXIT_CODE_USAGE;
        }
    return EXIT_CODE_DONE;
}

/* --who, or the key's name, or the environment, or the name of the account. */
static enum exit_code take_who(struct options *o, const char *who)
{
    const struct passwd *account;

    if (who == NULL && o->keyring != NULL)
        who = keyring_own(o->keyring)->name;
    if (who == NULL)
        who = getenv("EXAMCTL_WHO");
    if (who == NULL || who[0] == '\0')
        who = getenv("USER");
    if (who == NULL || who[0] == '\0') {
        account = getpwuid(getuid());
        who = account != NULL ? account->pw_name : "";
    }
    if (who[0] == '\0' || strlen(who) > PERSON_BYTES_MAX || !codec_text_ok(who, strlen(who))) {
        report_error("who are you? Acts are on record with their person: give --who NAME");
        return EXIT_CODE_USAGE;
    }
    memcpy(o->who, who, strlen(who) + 1);
    return EXIT_CODE_DONE;
}

/* `examctl help COMMAND` is `examctl COMMAND --help`. */
static void help_word_drop(struct options *o, int *argc, char ***argv)
{
    if (*argc > 0 && strcmp((*argv)[0], "help") == 0) {
        o->help = true;
        (*argc)--;
        (*argv)++;
    }
}

/* Everything behind the command's words, which `argv` begins with. */
static enum exit_code command_parse(struct parse *p, const struct command *c, int words, int argc,
                                    char **argv)
{
    enum exit_code exit_code;
    char program[] = "examctl";

    /* getopt begins behind argv[0]: let that be the command's last word. */
    argv += words - 1;
    argc -= words - 1;
    argv[0] = program;
    exit_code = options_read(p, argc, argv, LETTERS_COMMON LETTERS_SPAN);
    if (exit_code != EXIT_CODE_DONE || p->o->help || p->o->version)
        return exit_code;
    passwords_take(p->o);
    exit_code = check_own(p, c);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = check_arguments(p, c, argc - optind, argv + optind);
    if (exit_code != EXIT_CODE_DONE || (c->offline && !c->own_key))
        return exit_code;
    exit_code = take_keys(p->o);
    if (c->offline)
        return exit_code;
    if (exit_code == EXIT_CODE_DONE)
        exit_code = take_nodes(p->o, p->nodes);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = check_named(p->o);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = take_who(p->o, p->who);
    return exit_code;
}

static void report_unknown(int argc, char **argv)
{
    char names[256];

    if (argc == 0)
        report_error("what is to be done? See `examctl --help`");
    else if (command_group_names(argv[0], names, sizeof names))
        report_error("`%s` needs %s behind it; see `examctl --help`", argv[0], names);
    else
        report_error("no command `%s`; see `examctl --help`", argv[0]);
}

enum exit_code options_parse(int argc, char **argv, struct options *o,
                             const struct command **command)
{
    struct parse p = {.o = o};
    const struct command *c;
    enum exit_code exit_code;
    int words;

    memset(o, 0, sizeof *o);
    o->timeout_ms = TIMEOUT_MS_DEFAULT;
    long_options_make(&p);
    *command = NULL;
    exit_code = options_read(&p, argc, argv, "+" LETTERS_COMMON);
    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    argc -= optind;
    argv += optind;
    help_word_drop(o, &argc, &argv);
    if (argc == 0 && (o->help || o->version))
        return EXIT_CODE_DONE;
    c = command_find(argc, argv, &words);
    if (c == NULL) {
        report_unknown(argc, argv);
        return EXIT_CODE_USAGE;
    }
    exit_code = command_parse(&p, c, words, argc, argv);
    if (exit_code == EXIT_CODE_DONE)
        *command = c;
    return exit_code;
}
