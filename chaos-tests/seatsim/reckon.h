/* reckon.h - what the account of a sitting must be, by section 5 of the rules, from what its seats
 * saw. Pure but for the heap. One struct a sitting. All times are milliseconds of the one clock
 * that the simulated seats share. Nothing of the exam core is in here, and no figure that a node
 * told enters a bound: a seat only knows when it asked, when it was answered, and what its screen
 * did.
 *
 * The reckoning: a sitting has lost the sum of its interruptions, and it has used the time from the
 * batch's start to its finish less that sum (elapsed = used + lost). An interruption lasts from the
 * instant up to which time was used to the instant at which the clock is back:
 *   T5 T6  used after the last mark: as long as the screen was open, grace at the most
 *   T7     a dead seat: up to its last durable position
 *   T8     up to the pause; the clock is back at the resumption, or when the seat attaches
 *   T9     a reopened sitting: from its finish
 *   T11    a moved candidate: up to the last mark at the old seat
 *   T2     out of contact at the start: from the start
 *
 * An instant lies between two observations. A mark is made between the request and its answer; what
 * a node pushes happened not longer before than the network takes (round_trips.h). A successor's
 * timeline may be behind by as much, for what the last record took to reach it (T5): that is time
 * neither used nor lost. These are all the slack there is, and RECKON_ROUND_MS for whole
 * milliseconds; what was never interrupted has lost exactly 0. */
#ifndef SEATSIM_RECKON_H
#define SEATSIM_RECKON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"

enum { RECKON_ROUND_MS = 2 };

struct reckon_instant {
    uint64_t lo_ms, hi_ms;
    bool pushed; /* told by a notice that came at hi_ms */
};

/* What the screen shows, by what the seat was told. */
enum reckon_state { RECKON_BEFORE, RECKON_OPEN, RECKON_PAUSED, RECKON_ENDED };

enum reckon_finish { RECKON_NOT_FINISHED, RECKON_SUBMITTED, RECKON_TIMED_OUT, RECKON_CLOSED };

struct reckon_stretch {
    struct reckon_instant from; /* the last mark; of a pause, the pause */
    uint64_t claim_ms; /* so long after the mark's receipt the screen was open, and counts */
    uint64_t doubt_ms; /* a node may have marked on its own account until then; 0: it cannot */
    struct reckon_instant seen;          /* contact is back */
    struct reckon_instant back;          /* the clock is back */
    uint64_t told_used_ms, told_lost_ms; /* by the node, at that instant */
    uint32_t room, slips_n;              /* changes of the epoch up to its end */
    bool pause;                          /* told in contact */
    bool from_start;                     /* counts from the batch's start */
    bool into_pause;                     /* contact was back in a pause */
    bool over, told;
};

struct reckoning {
    uint64_t grace_ms;
    enum reckon_state state;
    enum reckon_finish finish;
    bool attached, signed_in;
    uint64_t doubt_ms; /* of the contact that was lost */
    bool began_seen;   /* in contact: `began` is of the batch's start */
    struct reckon_instant began, finished;
    struct reckon_instant mark, dual; /* the last ones */
    uint64_t closed_ms; /* its screen closed by itself; UINT64_MAX: not since the mark */
    uint64_t lost_contact_ms, epoch;
    uint32_t room;
    bool finish_solo;   /* by a primary that was alone */
    bool finish_branch; /* and its successor may have had only older data (A3) */
    struct reckon_stretch *stretch;
    size_t stretches_n, stretches_max;
    uint64_t *slip_ms; /* when contact was lost before each change of the epoch */
    size_t slips_n, slips_max;
    bool nomem; /* sticky */
};

void reckon_init(struct reckoning *r, uint64_t grace_ms);
void reckon_fini(struct reckoning *r);

/* ---------------------------------------------------------------- what was seen */

/* An acknowledgement of a heartbeat or an answer (T3). */
void reckon_acked(struct reckoning *r, uint64_t sent_ms, uint64_t received_ms);
/* The same was durable on two nodes. */
void reckon_dual(struct reckoning *r);
/* A notice came with an account: a mark, too. */
void reckon_noticed(struct reckoning *r, uint64_t received_ms);
/* Notices: the batch has started; the clock stands; it goes on. */
void reckon_started(struct reckoning *r, uint64_t received_ms);
void reckon_paused(struct reckoning *r, uint64_t received_ms);
void reckon_resumed(struct reckoning *r, uint64_t received_ms, uint64_t told_used_ms,
                    uint64_t told_lost_ms);
/* The candidate submits: the screen closes. */
void reckon_submits(struct reckoning *r, uint64_t now_ms);
/* Contact is lost. A request that was not answered may have been taken for a mark until doubt_ms;
 * UINT64_MAX: the seat hung up, so nobody knows until when; 0: there was none. */
void reckon_lost(struct reckoning *r, uint64_t now_ms, uint64_t doubt_ms);
/* The PC lost its power; its last durable position was written at position_ms (0: none). */
void reckon_died(struct reckoning *r, uint64_t now_ms, uint64_t position_ms, uint64_t doubt_ms);

struct reckon_attach {
    uint64_t sent_ms, received_ms, epoch;
    enum reckon_state state; /* as told; ENDED: see finish */
    enum reckon_finish finish;
    bool anew; /* by a sign-in: claims nothing (T7, T11) */
    uint32_t room;
    uint64_t told_used_ms, told_lost_ms;
    uint64_t ago_ms; /* T7: what was told is of a mark so long before the attachment */
};
void reckon_attached(struct reckoning *r, const struct reckon_attach *a);

/* Finished: by the acknowledgement of a request sent then, by the seat's own clock, or pushed (sent
 * when the link was opened). */
void reckon_finished(struct reckoning *r, enum reckon_finish finish, uint64_t sent_ms,
                     uint64_t received_ms, bool solo);

/* ---------------------------------------------------------------- what follows */

struct reckon_pause {
    uint32_t room;
    struct reckon_instant from, to; /* to.hi_ms UINT64_MAX: not lifted */
};

/* What all seats together have seen. */
struct reckon_site {
    struct reckon_instant began; /* T1, common timing */
    struct reckon_pause *pause;  /* of whole rooms, or more */
    size_t pauses_n;
    uint64_t (*late_ms)(const void *ctx, uint64_t at_ms); /* what a notice may have taken then */
    const void *ctx;
};

/* From all sittings of one batch. `late_ms` and ctx are set by the caller before. EXAM_NOMEM. */
EXAM_MUST_USE exam_err reckon_site_make(struct reckon_site *site,
                                        const struct reckoning *const *all, size_t n);
void reckon_site_free(struct reckon_site *site);

struct reckon_bounds {
    uint64_t used_lo_ms, used_hi_ms, lost_lo_ms, lost_hi_ms;
};

/* At the end of the stretch number `i`: what the node must have told there. */
void reckon_at(const struct reckoning *r, const struct reckon_site *site, size_t i,
               struct reckon_bounds *out);
/* At the finish. `total_ms` is allot + grants. False: it has not finished, or was not seen to. */
bool reckon_final(const struct reckoning *r, const struct reckon_site *site, uint64_t total_ms,
                  struct reckon_bounds *out);
bool reckon_within(const struct reckon_bounds *b, uint64_t used_ms, uint64_t lost_ms);

#endif
