/* metrics.h - what a node tells a monitor: a snapshot of figures, and its form as text.
 * Pure. The loop thread fills a `struct metrics`, the web's thread writes it down.
 *
 * Nothing personal is in it (P3): counts, positions in the log, times. The only names are those of
 * the site's nodes. */
#ifndef EXAM_METRICS_H
#define EXAM_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "exam_limits.h"
#include "histogram.h"

/* As rep_role and exam_batch_state number them; index of the texts in metrics.c. */
enum { METRICS_ROLES = 6, METRICS_BATCH_STATES = 8, METRICS_POWERS = 4 };

struct metrics_peer {
    char node[NAME_BYTES_MAX + 1];
    bool connected, in_sync, learning, ever_heard;
    uint64_t epoch;
    uint64_t lsn;       /* durable there, as last heard */
    uint64_t silent_ms; /* since it was last heard */
};

/* What is counted of the web itself, by its own thread. */
struct metrics_web {
    uint64_t requests;  /* answered */
    uint64_t refused;   /* certificates that are none of the site's, over or revoked */
    uint64_t strangers; /* connections that ended without having proven who they are */
    uint32_t connections;
    int64_t certificate_until_s; /* Unix time: when the node's own one ends */
};

struct metrics {
    char node[NAME_BYTES_MAX + 1];
    char version[32];
    uint64_t up_ms;

    /* who serves (W1-W5), what is acknowledged (A1) */
    unsigned role; /* enum rep_role */
    uint64_t epoch;
    bool founded, serving, solo, waiting, locked, learning, needs_person, going_down;
    bool in_sync; /* a primary: with a standby; a standby: with its primary */
    size_t peers_n;
    struct metrics_peer peers[NODES_MAX - 1];

    /* the log (D8) */
    uint64_t lsn, durable_lsn, released_lsn;
    uint64_t pending_bytes; /* decided, not yet on this node's disk */
    uint64_t branch_records;
    uint64_t checked_lsn, check_passes;
    bool rotten, contradicted;
    bool keys;                          /* without them nothing is signed: */
    uint64_t signed_lsn, others_signed; /* LSNs */
    struct histogram commit_turns;      /* turns of the loop with a commit */

    /* seats */
    uint32_t seats_connected, sittings_attached;
    uint64_t replies_queued;
    struct histogram reply_waits;

    /* the exam */
    uint64_t counted_ms; /* clock_boot_ms of the counts of batches and sittings */
    uint32_t batches[METRICS_BATCH_STATES];
    uint32_t sittings, answering, finished;
    uint64_t answers;
    uint32_t incidents_open, limits_reached;

    /* the machine */
    uint64_t disk_free_bytes, disk_bytes;
    bool disk_low, disk_reserved;
    uint64_t memory_bytes;
    bool ups;
    unsigned power; /* Admin__Power */
};

enum metrics_form {
    METRICS_PROMETHEUS,  /* text 0.0.4 */
    METRICS_OPENMETRICS, /* text 1.0.0 */
};

/* `age_ms`: of the snapshot. Failures are the stream's. */
void metrics_write(FILE *to, enum metrics_form form, const struct metrics *m,
                   const struct metrics_web *web, uint64_t age_ms);

/* A label's value between its quotes: \ " and line feeds are escaped, other control characters and
 * what is no UTF-8 become '?', so that no name can forge a line. */
void metrics_write_label(FILE *to, const char *value);

const char *metrics_role_text(unsigned role); /* "primary"; never NULL */

#endif
