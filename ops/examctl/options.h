/* options.h - the command line, parsed and checked.
 * Reads the environment (EXAMCTL_NODES, EXAMCTL_WHO, EXAMCTL_KEY_FILE, EXAMCTL_KEY_ROSTER,
 * EXAMCTL_PASSWORD_FILE, EXAMCTL_AUTHORITY_PASSWORD_FILE, USER), and the key files; asks for the
 * password of the person's key. Texts point into argv. */
#ifndef EXAMCTL_OPTIONS_H
#define EXAMCTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.pb-c.h"
#include "exam_limits.h"
#include "exit_code.h"
#include "name_list.h"
#include "node_address.h"
#include "password.h"

struct command;
struct keyring;

enum { RECEIPTS_MAX = 256 };

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
    struct password_source password; /* of a key that is under one */
    struct keyring *keyring;         /* read from them; NULL: plain connections */

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
    const char *authority; /* whose signature the roster is to have: a key, or a file naming it */
    const char *receipts[RECEIPTS_MAX];
    size_t receipts_n;
    const char *role;
    const char *second_key;
    struct password_source new_password, authority_password;
    bool no_password;
    bool no_seat_keys;
    const char *package; /* a file */
    struct password_source package_password;
    const char *listen;
    const char *address; /* one or more, with commas between them */
    uint32_t minutes;
    const char *data_key; /* a file */
    bool no_data_key;
    struct name_list node_names, persons;
    uint64_t allot_ms;
    uint64_t grace_ms;
    int64_t entry_wall_ms; /* Unix time */
    Ev__Timing timing;
    bool digest;
    bool watch;
    bool unfinished;
    bool attest;
    bool forced;
    bool preview;
    bool answers;
    bool open;
};

/* Own options of commands, as bits of a uint64_t; those of every command have none. From 31 on
 * write UINT64_C(1) << n. */
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
    OPTION_FORCED = 1 << 25,
    OPTION_ROLE = 1 << 26,
    OPTION_NO_PASSWORD = 1 << 27,
    OPTION_SECOND = 1 << 28,
    OPTION_NEW_PASSWORD = 1 << 29,
};

/* The rest does not fit in an enum. */
#define OPTION_PACKAGE            (UINT64_C(1) << 30)
#define OPTION_PACKAGE_PASSWORD   (UINT64_C(1) << 31)
#define OPTION_AUTHORITY_PASSWORD (UINT64_C(1) << 32)
#define OPTION_DATA_KEY           (UINT64_C(1) << 40)
#define OPTION_NO_DATA_KEY        (UINT64_C(1) << 41)
#define OPTION_RECEIPT            (UINT64_C(1) << 50)
#define OPTION_AUTHORITY          (UINT64_C(1) << 51)
#define OPTION_ADDRESS            (UINT64_C(1) << 52)
#define OPTION_LISTEN             (UINT64_C(1) << 60)
#define OPTION_MINUTES            (UINT64_C(1) << 61)
#define OPTION_NO_SEAT_KEYS       (UINT64_C(1) << 62)

/* EXIT_CODE_DONE: *command is what to run (NULL with --help or --version alone), and with neither
 * of these two all that the command needs is there. EXIT_CODE_USAGE: the text is on stderr. */
enum exit_code options_parse(int argc, char **argv, struct options *o,
                             const struct command **command);

/* For a command that only holds something against the site's roster: the one that was given, or of
 * the environment, and whose signature it must have (site_roster.h). NULL: none. */
const char *options_roster(const struct options *o);
const char *options_authority(const struct options *o);

#endif
