/* command.h - what examreplay can do: one row a command, one function each.
 * A command prints what was asked for on stdout, everything else on stderr. */
#ifndef EXAMREPLAY_COMMAND_H
#define EXAMREPLAY_COMMAND_H

#include <stdbool.h>

#include "event_json.h"
#include "exit_code.h"
#include "filter.h"
#include "verify.h"

/* The log is not what was written, or two logs part. The other codes mean what they do there. */
#define EXIT_WRONG EXIT_CODE_REFUSED

enum format { FORMAT_JSONL, FORMAT_CSV, FORMAT_SQLITE };

struct evidence_given;
struct proof_watch;

struct options {
    const char *folder;
    const char *argument; /* a second folder, a sitting, an instant; NULL: none */
    struct filter filter;
    const char *second; /* argument; of a command that takes two */
    struct moment at, at_second;
    bool json;
    struct event_shown shown;
    const uint8_t *site_id; /* of the data key that was given; NULL: none was */
    bool whole;             /* of an export: all that the folder holds (export_form.h) */
    bool stretch;           /* --from, --to or --kind were given */
    enum format format;
    const char *output;                    /* NULL: stdout */
    const char *index;                     /* a file of states; NULL: none */
    const char *certificate;               /* a file; NULL: none */
    uint32_t incident;                     /* 0: all */
    volatile uint64_t *reached;            /* replay.h */
    struct verify_order verify;            /* of verify: roster, authority, receipts */
    const struct evidence_given *evidence; /* what was read of it; NULL: none (evidence.h) */
    const struct proof_watch *watch;       /* of a proof; NULL: nobody looks on (proof.h) */
    bool no_index;                         /* no states are kept in the user's cache, nor used */
};

/* Which options mean something to a command, besides --lang. */
enum {
    TAKES_JSON = 1 << 0,
    TAKES_FILTER = 1 << 1,  /* batch, room, seat, sitting */
    TAKES_STRETCH = 1 << 2, /* from, to, kind */
    TAKES_OUTPUT = 1 << 3,
    TAKES_FORMAT = 1 << 4,
    TAKES_INCIDENT = 1 << 5,
    TAKES_CERTIFICATE = 1 << 6,
    TAKES_INDEX = 1 << 9,
    TAKES_SEALED = 1 << 7,
    TAKES_EVIDENCE = 1 << 8, /* roster, authority, receipt */
    TAKES_WHOLE = 1 << 10,
    TAKES_DATA_KEY = 1 << 11,
    TAKES_NO_INDEX = 1 << 12,
};

struct command {
    const char *name, *argument, *second; /* NULL: none */
    bool argument_needed;                 /* both, if it takes two */
    unsigned takes;
    enum exit_code (*run)(const struct options *o);
};

/* "verify, timeline ... or export". */
const char *command_names(void);
/* NULL: no such command. */
const struct command *command_find(const char *name);

enum exit_code cmd_verify(const struct options *o);
enum exit_code cmd_timeline(const struct options *o);
enum exit_code cmd_account(const struct options *o);
enum exit_code cmd_at(const struct options *o);
enum exit_code cmd_diff(const struct options *o);
enum exit_code cmd_step(const struct options *o);
enum exit_code cmd_report(const struct options *o);
enum exit_code cmd_salvage(const struct options *o);
enum exit_code cmd_export(const struct options *o);

#endif
