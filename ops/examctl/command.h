/* command.h - what examctl can do: one row a command, one function each.
 * A command prints what was asked for on stdout, everything else on stderr. */
#ifndef EXAMCTL_COMMAND_H
#define EXAMCTL_COMMAND_H

#include <stdio.h>

#include "options.h"

struct command {
    const char *group; /* "batch", or NULL */
    const char *name;
    const char *argument; /* what stands behind it; in [] if it may be left out; NULL: nothing */
    unsigned options;     /* OPTION_... it knows */
    unsigned required;    /* and those it needs */
    enum exit_code (*run)(const struct options *o);
    const char *synopsis; /* of its own options */
    const char *summary;
    const char *help;
};

extern const struct command commands[];
extern const size_t commands_n;

/* The command named by the first words; *words is how many they are. NULL: no such command. */
const struct command *command_find(int argc, char *const argv[], int *words);

void command_print_help(const struct command *c, FILE *to);
void command_print_overview(FILE *to);

enum exit_code cmd_found(const struct options *o);
enum exit_code cmd_status(const struct options *o);
enum exit_code cmd_import(const struct options *o);
enum exit_code cmd_batch_list(const struct options *o);
enum exit_code cmd_batch_start(const struct options *o);
enum exit_code cmd_batch_status(const struct options *o);
enum exit_code cmd_batch_collect(const struct options *o);
enum exit_code cmd_promote(const struct options *o);
enum exit_code cmd_results(const struct options *o);

#endif
