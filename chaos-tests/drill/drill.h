/* drill.h - a drill as it was written: the site, and what happens to it, line by line.
 * Pure data. Every name has been resolved, every duration is in milliseconds. Texts live as long as
 * the drill; drill_read.h makes and frees it. */
#ifndef DRILL_H
#define DRILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exam_limits.h"

enum {
    DRILL_BYTES_MAX = 16 << 20,
    DRILL_LINE_BYTES_MAX = 1024,
    DRILL_WORDS_MAX = 128,
    DRILL_SEATS_MAX = 12000, /* of all rooms: each is a whole PC in memory */
    DRILL_SITTINGS_MAX = 12000,
};

#define DRILL_ALL UINT32_MAX /* of nodes: every one of them */

struct drill_batch {
    const char *name;
    uint64_t allot_ms, grace_ms, heartbeat_ms; /* 0: the node's default */
    bool personal;                             /* timing */
    uint32_t line;
};

struct drill_room {
    const char *name;
    uint32_t seats, seat_first; /* its seats, in struct drill */
    uint32_t line;
};

struct drill_sitting {
    const char *admission_no;
    const char *batch_name, *seat_name; /* as written, until they are resolved */
    uint32_t batch, seat;
    uint64_t extra_ms;
    uint32_t line;
};

enum drill_scope_kind {
    DRILL_SITE = 1,
    DRILL_BATCH,
    DRILL_ROOM,
    DRILL_SEAT,
    DRILL_SITTING,
    DRILL_NODE,
};

struct drill_scope {
    enum drill_scope_kind kind;
    uint32_t at; /* its number, from 0; of the site: 0 */
};

enum drill_verb {
    DRILL_START = 1,
    DRILL_SIGN_IN,
    DRILL_ANSWER,
    DRILL_SUBMIT,
    DRILL_SEAT_DIES,
    DRILL_SEAT_BOOTS,
    DRILL_SEAT_WIPED,
    DRILL_NODE_DIES,
    DRILL_NODE_BOOTS,
    DRILL_NODE_WIPED,
    DRILL_CUT,
    DRILL_HEAL,
    DRILL_PROMOTE,
    DRILL_PAUSE,
    DRILL_RESUME,
    DRILL_GRANT,
    DRILL_MOVE,
    DRILL_MAINS_LOST,
    DRILL_MAINS_BACK,
    DRILL_BATTERY_LOW,
    DRILL_DATE,
    DRILL_VIOLATION,
    DRILL_POSTPONE,
    DRILL_COLLECT,
    DRILL_EXPECT_SITTING,
    DRILL_EXPECT_ANSWER,
    DRILL_EXPECT_NODE,
    DRILL_EXPECT_BATCH,
};

/* What an expectation names; what it does not name may be anything. */
struct drill_expected {
    bool has_used, has_left, has_lost, has_epoch, solo, late, no_answer;
    uint64_t used_ms, left_ms, lost_ms, epoch;
    const char *state, *finish, *role; /* NULL: not named */
};

struct drill_line {
    uint32_t line; /* of the file */
    uint64_t at_ms;
    enum drill_verb verb;
    bool must_be_refused; /* `!` */
    bool attest;
    const char *text;         /* the statement as it was written, without its instant */
    struct drill_scope scope; /* what it is about */
    uint32_t node;            /* cut, heal: the other side, or DRILL_ALL */
    uint32_t seat;            /* move */
    int64_t by_ms;            /* grant, date */
    const char *why;          /* "" when it was not given */
    const char *item, *value;
    struct drill_expected expected;
};

struct drill {
    char *file; /* its name, for messages */
    const char *nodes[NODES_MAX];
    uint32_t nodes_n;
    uint64_t solo_after_ms; /* 0: the node's default */
    struct drill_batch *batches;
    uint32_t batches_n;
    struct drill_room *rooms;
    uint32_t rooms_n;
    const char **seats;
    uint32_t seats_n;
    struct drill_sitting *sittings;
    uint32_t sittings_n;
    struct drill_line *lines;
    uint32_t lines_n;
    struct drill_texts *texts; /* where the texts lie */
};

static inline bool drill_is_expectation(enum drill_verb v)
{
    return v >= DRILL_EXPECT_SITTING;
}

#endif
