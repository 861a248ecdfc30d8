/* command.h - what examctl can do: one row a command, one function each.
 * A command prints what was asked for on stdout, everything else on stderr. */
#ifndef EXAMCTL_COMMAND_H
#define EXAMCTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "options.h"

struct command {
    const char *group; /* "batch", or NULL */
    const char *name;
    const char *argument; /* what stands behind it; in [] if it may be left out; NULL: nothing */
    const char *second;   /* and behind that, likewise */
    bool paths;           /* they are names of files, and not of the site's */
    uint64_t options;     /* OPTION_... it knows */
    uint64_t required;    /* and those it needs */
    uint64_t instead;     /* with one of these none of them is needed, */
    uint64_t options_instead; /* and these are what it knows */
    bool offline;             /* asks no node */
    bool own_key;             /* and needs the person's key all the same */
    enum exit_code (*run)(const struct options *o);
    const char *synopsis; /* of its own options */
    const char *summary;
    const char *help;
};

extern const struct command commands[];
extern const size_t commands_n;

/* The command named by the first words; *words is how many they are. NULL: no such command. */
const struct command *command_find(int argc, char *const argv[], int *words);

/* The names of a group's commands, as a person lists them; false: there is no such group. */
bool command_group_names(const char *group, char *out, size_t out_bytes);

void command_print_help(const struct command *c, FILE *to);
void command_print_overview(FILE *to);

enum exit_code cmd_proposals(const struct options *o);
enum exit_code cmd_confirm(const struct options *o);
enum exit_code cmd_reject(const struct options *o);
enum exit_code cmd_found(const struct options *o);
enum exit_code cmd_status(const struct options *o);
enum exit_code cmd_import(const struct options *o);
enum exit_code cmd_package_make(const struct options *o);
enum exit_code cmd_package_inspect(const struct options *o);
enum exit_code cmd_batch_list(const struct options *o);
enum exit_code cmd_batch_start(const struct options *o);
enum exit_code cmd_batch_status(const struct options *o);
enum exit_code cmd_batch_collect(const struct options *o);
enum exit_code cmd_batch_postpone(const struct options *o);
enum exit_code cmd_batch_postponed(const struct options *o);
enum exit_code cmd_batch_go_on(const struct options *o);
enum exit_code cmd_promote(const struct options *o);
enum exit_code cmd_pause(const struct options *o);
enum exit_code cmd_resume(const struct options *o);
enum exit_code cmd_grant(const struct options *o);
enum exit_code cmd_move(const struct options *o);
enum exit_code cmd_violation(const struct options *o);
enum exit_code cmd_incident_list(const struct options *o);
enum exit_code cmd_incident_open(const struct options *o);
enum exit_code cmd_incident_close(const struct options *o);
enum exit_code cmd_incident_note(const struct options *o);
enum exit_code cmd_sitting_show(const struct options *o);
enum exit_code cmd_sitting_decide(const struct options *o);
enum exit_code cmd_sitting_own_doing(const struct options *o);
enum exit_code cmd_seats(const struct options *o);
enum exit_code cmd_results(const struct options *o);
enum exit_code cmd_receipt(const struct options *o);
enum exit_code cmd_verify_folder(const struct options *o);
enum exit_code cmd_site_init(const struct options *o);
enum exit_code cmd_site_revoke(const struct options *o);
enum exit_code cmd_site_issue(const struct options *o);
enum exit_code cmd_site_enrol(const struct options *o);
enum exit_code cmd_site_passwd(const struct options *o);
enum exit_code cmd_site_show(const struct options *o);
enum exit_code cmd_site_data_key(const struct options *o);
enum exit_code cmd_site_web_issue(const struct options *o);
enum exit_code cmd_site_web_revoke(const struct options *o);
enum exit_code cmd_unlock(const struct options *o);

#endif
