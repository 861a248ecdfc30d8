/* fake_node.h - a node's admin address for tests: a thread that answers as it is told to.
 * The thread asserts nothing; what it saw is in struct fake_seen, to be read after fake_node_stop.
 */
#ifndef EXAMCTL_FAKE_NODE_H
#define EXAMCTL_FAKE_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "admin.pb-c.h"

enum fake_mode {
    FAKE_WELL,           /* answers everything */
    FAKE_SILENT,         /* takes everything, answers nothing */
    FAKE_SILENT_ON_ACTS, /* greets and tells its status, then nothing */
    FAKE_RANDOM,         /* random bytes instead of a greeting */
    FAKE_TRICKLE,        /* a frame's header, then a byte now and then, never the whole */
    FAKE_CUT_OFF,        /* closes in the middle of a long answer */
    FAKE_REFUSES_HELLO,  /* as a node does that speaks another version */
    FAKE_WRONG_ID,       /* answers a request that nobody made */
};

struct fake_script {
    enum fake_mode mode;
    const char *node;
    Admin__Role role;
    uint64_t epoch;
    uint32_t version;     /* of its Welcome; 0: ours */
    uint32_t refuse_code; /* acts are refused with it; 0: they are done */
    const char *refuse_rule;
    uint32_t refuse_line;
    uint64_t seed;                 /* of FAKE_RANDOM */
    Admin__BatchState batch_state; /* of B1; 0: running */
    Admin__Power power;
    bool ups, suspended;      /* a UPS is configured; the node tells of a suspended batch B2, too */
    const char *forced;       /* D7: it is a learner, and this is what forcing it gives up */
    bool hides_ids;           /* as a node of an earlier version: no ID numbers */
    const char *seat_contact; /* the one of its three seats that is in contact with it */
};

struct fake_seen {
    unsigned connections, statuses, founds, promotes, starts, collects, begins, commits;
    unsigned rooms, sittings, papers, chunks; /* that came in parts */
    unsigned commit_rooms, commit_sittings, commit_papers;
    bool attest, forced, unfinished, digest_ok;
    uint64_t allot_ms, grace_ms;
    char who[64], batch[64], why[64], site[64];
    unsigned previews, acts; /* of contingency acts: asked what would be, and done */
    unsigned last_act;       /* the last one's kind_case */
    char target[64], seat[64];
    int64_t ms;
    unsigned number, kind;
};

struct fake_node;

/* NULL: cannot listen. The script is copied. */
struct fake_node *fake_node_start(const struct fake_script *script);
unsigned fake_node_port(const struct fake_node *f);
/* Ends the thread and frees. */
void fake_node_stop(struct fake_node *f, struct fake_seen *seen);

#endif
