/* options.h - the command line, parsed and checked.
 * Reads the environment (EXAMCTL_NODES, EXAMCTL_WHO, EXAMCTL_KEY_FILE, EXAMCTL_KEY_ROSTER, USER),
 * and the key files. Texts point into argv. */
#ifndef EXAMCTL_OPTIONS_H
#define EXAMCTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.pb-c.h"
#include "exam_limits.h"
#include "exit_code.h"
#include "node_address.h"

struct command;
struct keyring;

enum { NAMES_MAX = 64 }; /* in one list */

struct name_list {
    const char *at[NAMES_MAX];
    char text[NAMES_MAX * (NAME_BYTES_MAX + 1)]; /* what they point into */
    size_t n;
};

struct options {
    /* of every command */
    struct node_address nodes[NODES_MAX]; /* admin addresses, in the order given */
    size_t nodes_n;
    char who[PERSON_BYTES_MAX + 1]; /* R4: every act is on record with its person */
    bool json;
    bool yes;
    bool help;
    bool version;
    uint64_t timeout_ms; /* for each reply */
    const char *key_file, *key_roster;
    struct keyring *keyring; /* read from them; NULL: plain connections */

    const char *argument; /* the batch, node, scope ... that the command is about; NULL: none */
    const char *second;   /* and what comes behind it; NULL: none */

    /* of some; NULL or 0: not given */
    const char *site;
    const char *batch;
    const char *rooms;
    const char *roster;
    const char *papers[PAPERS_MAX];
    size_t papers_n;
    const char *title;
    const char *reason;
    const char *text;
    const char *room;
    const char *new_batch;
    const char *output;
    const char *keys;
    struct name_list node_names, persons;
    uint64_t allot_ms;
    uint64_t grace_ms;
    int64_t entry_wall_ms; /* Unix time */
    Ev__Timing timing;
    bool digest;
    bool watch;
    bool unfinished;
    bool attest;
    bool preview;
    bool answers;
    bool open;
};

/* Own options of commands, as bits; those of every command have none. */
enum {
    OPTION_SITE = 1 << 0,
    OPTION_DIGEST = 1 << 1,
    OPTION_BATCH = 1 << 2,
    OPTION_ROOMS = 1 << 3,
    OPTION_ROSTER = 1 << 4,
    OPTION_PAPER = 1 << 5,
    OPTION_TITLE = 1 << 6,
    OPTION_ALLOT = 1 << 7,
    OPTION_TIMING = 1 << 8,
    OPTION_GRACE = 1 << 9,
    OPTION_WATCH = 1 << 10,
    OPTION_UNFINISHED = 1 << 11,
    OPTION_ATTEST = 1 << 12,
    OPTION_REASON = 1 << 13,
    OPTION_ANSWERS = 1 << 14,
    OPTION_OUTPUT = 1 << 15,
    OPTION_TEXT = 1 << 16,
    OPTION_ROOM = 1 << 17,
    OPTION_NEW_BATCH = 1 << 18,
    OPTION_OPEN = 1 << 19,
    OPTION_ENTRY = 1 << 20,
    OPTION_PREVIEW = 1 << 21,
    OPTION_KEYS = 1 << 22,
    OPTION_NODE = 1 << 23,
    OPTION_PERSON = 1 << 24,
};

/* EXIT_CODE_DONE: *command is what to run (NULL with --help or --version alone), and with neither
 * of these two all that the command needs is there. EXIT_CODE_USAGE: the text is on stderr. */
enum exit_code options_parse(int argc, char **argv, struct options *o,
                             const struct command **command);

#endif
