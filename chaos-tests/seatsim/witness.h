/* witness.h - what a seat has been told, and whether the service ever contradicts it.
 * Pure. One struct a seat. Times are milliseconds of the seat's own monotonic clock.
 *
 * Checked, from nothing but what came over the wire to this seat:
 *   A2   a node that serves never has less of the session than was acknowledged (seq_have at each
 *        attach). What was acknowledged `solo` may be missing at a successor in another epoch (A1):
 *        the seat has it, and sends it again.
 *   sec5 used + left == allot + grants in every account and every acknowledgement
 *   sec5 used never decreases
 *   T2   used never grows faster than this seat's own clock: for two replies i before j,
 *        used_j - used_i <= received_j - (sent_i - ago_i), where sent_i is when the request of
 * reply i left, and ago_i how old the node called the mark as it read that. WITNESS_CLOCK_SLACK_MS
 * covers the rounding to whole milliseconds at both ends. What was lost, and whether rightly, is
 * for reckon.h to say. The first WITNESS_FAULTS_KEPT contradictions are kept as text; all are
 * counted. */
#ifndef SEATSIM_WITNESS_H
#define SEATSIM_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

enum { WITNESS_CLOCK_SLACK_MS = 3, WITNESS_FAULTS_KEPT = 4, WITNESS_FAULT_BYTES = 160 };

struct witness_faults { /* of a whole run */
    uint64_t count;
    char text[WITNESS_FAULTS_KEPT][WITNESS_FAULT_BYTES];
};

struct witness {
    const char *name;            /* of the seat, for texts; not owned */
    bool account_known;          /* budget_ms is of this sitting */
    uint64_t budget_ms;          /* allot + grants */
    uint64_t used_ms;            /* as last told */
    uint64_t lost_ms;            /* as last told */
    bool sole;                   /* the site has one node: what is solo is on all of them */
    uint64_t seq_dual, seq_solo; /* highest acknowledged */
    uint64_t solo_epoch;
    bool bound_known;
    int64_t bound_ms; /* least (used_i - (sent_i - ago_i)) so far */
    struct witness_faults *faults;
};

void witness_init(struct witness *w, const char *name, bool sole, struct witness_faults *faults);

/* A whole account came (at an attachment, or pushed). */
struct witness_account {
    uint64_t allot_ms;
    int64_t grants_ms;
    uint64_t used_ms, left_ms, lost_ms, ago_ms;
};
void witness_see_account(struct witness *w, const struct witness_account *a, uint64_t sent_ms,
                         uint64_t received_ms);
/* A mark came: the acknowledgement of an answer or of a heartbeat (T3). */
void witness_see_mark(struct witness *w, uint64_t used_ms, uint64_t left_ms, uint64_t ago_ms,
                      uint64_t sent_ms, uint64_t received_ms);
void witness_see_acked(struct witness *w, uint64_t seq, bool dual, uint64_t epoch);
void witness_see_attached(struct witness *w, uint64_t seq_have, uint64_t epoch);

/* Adds a contradiction found elsewhere. */
void witness_fault(struct witness_faults *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
