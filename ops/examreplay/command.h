/* command.h - what examreplay can do: one row a command, one function each.
 * A command prints what was asked for on stdout, everything else on stderr. */
#ifndef EXAMREPLAY_COMMAND_H
#define EXAMREPLAY_COMMAND_H

#include <stdbool.h>

#include "exit_code.h"
#include "filter.h"

/* The log is not what was written, or two logs part. The other codes mean what they do there. */
#define EXIT_WRONG EXIT_CODE_REFUSED

enum format { FORMAT_JSONL, FORMAT_CSV };

struct options {
    const char *folder;
    const char *argument; /* a second folder, a sitting, an instant; NULL: none */
    struct filter filter;
    struct moment at;
    bool json, sealed;
    enum format format;
    const char *output;         /* NULL: stdout */
    volatile uint64_t *reached; /* replay.h */
};

struct command {
    const char *name, *argument;
    bool argument_needed;
    enum exit_code (*run)(const struct options *o);
};

/* NULL: no such command. */
const struct command *command_find(const char *name);

enum exit_code cmd_verify(const struct options *o);
enum exit_code cmd_timeline(const struct options *o);
enum exit_code cmd_account(const struct options *o);
enum exit_code cmd_at(const struct options *o);
enum exit_code cmd_export(const struct options *o);

#endif
