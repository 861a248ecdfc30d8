/* run_internal.h - the state of `seatsim run`, and what its parts ask of each other.
 *
 *   run.c         opening, what candidates do, the end
 *   run_watch.c   what seats are told: to the witness, the reckoning, the files
 *   run_acts.c    contingencies: power, cables, candidates who move
 *   run_report.c  the reckoning of all accounts, and the report
 *
 * A sitter is a candidate, a desk is a PC. A sitter has a desk, and one more for each move; a desk
 * has at most one sitter, ever. */
#ifndef SEATSIM_RUN_INTERNAL_H
#define SEATSIM_RUN_INTERNAL_H

#include "candidate.h"
#include "outputs.h"
#include "paper_shelf.h"
#include "plan.h"
#include "reckon.h"
#include "round_trips.h"
#include "run.h"
#include "swarm.h"
#include "witness.h"

struct run;
struct desk;

struct sitter {
    struct desk *desk; /* sits here */
    struct desk
        *watched; /* whose word counts for the account: the old desk until the new one is in */
    struct candidate candidate;
    const struct paper_items *paper; /* NULL: has not seen it yet */
    struct candidate_action *made;   /* the actions of this run */
    uint32_t made_n;
    struct candidate_action held; /* chosen, not yet taken */
    uint64_t think_until_ms;
    uint64_t total_ms; /* allot + grants, as last told */
    uint64_t used_ms;  /* as last told */
    struct reckoning reckoning;
    bool began; /* has seen the paper */
    bool holding;
    bool submitted;
    bool done; /* submitted and saved, or given up */
    bool failed;
};

struct desk {
    struct run *run;
    struct swarm_seat *seat;
    struct sitter *sitter; /* of its session; NULL: a spare seat that nobody uses */
    struct witness witness;
    struct paper_copy copy;
    uint64_t seq_base;   /* actions that the journal had at the start */
    uint32_t made_base;  /* actions that the sitter had made before sitting down here */
    uint32_t made_n;     /* here: sitter->made[made_base + seq - seq_base - 1] */
    uint64_t seq_saved;  /* acknowledgements up to here have been counted */
    uint64_t sign_in_ms; /* not before */
    uint32_t room;
    uint32_t cuts[NODES_MAX]; /* acts that cut this path now */
    struct reckon_attach attach;
    struct seat_account told; /* the last whole account */
    bool attaching;           /* `attach` waits for the state that came with it */
    bool asked;               /* for a sign-in */
    bool fetch_due, paper_here;
    bool out;       /* lost contact, not back yet */
    bool left;      /* T11: the sitter has gone to another desk */
    bool former;    /* and the node has told it so */
    bool freed;     /* and nothing of it is missing at the nodes */
    bool solo_last; /* the last action was saved by a primary alone */
};

struct act {
    const struct plan_act *plan;
    struct desk **desk; /* that it befell */
    uint32_t desks_n;
    uint64_t began_ms;
    bool begun, over;
};

struct run_figures {
    uint64_t signed_in, started, finished, done, failed;
    uint64_t answers, acked_dual, acked_solo, refused, late;
    uint64_t losses, resumed, locks;
    uint64_t power_cuts, cuts, moves, formers;
    uint64_t reckoned, accounts_off, interruptions;
    uint64_t width_median_ms, width_max_ms; /* of the bounds of `used` */
};

enum { ROOMS_KEPT = 1024 };

struct run {
    const struct run_options *options;
    struct roster roster; /* the candidates' desks, then the spare ones */
    struct swarm *swarm;
    struct desk *desk;
    uint32_t desks_n;
    struct sitter *sitter;
    uint32_t sitters_n, lefts_n; /* desks that were left and are not freed */
    char room[ROOMS_KEPT][NAME_BYTES_MAX + 1];
    uint32_t rooms_n;
    struct plan plan;
    struct act *act;
    struct rng rng;         /* whom an act befalls */
    uint64_t first_open_ms; /* of any screen; 0: none yet */
    struct round_trips round_trips;
    struct paper_shelf shelf;
    struct outputs outputs;
    struct witness_faults faults;
    struct run_figures n;
    uint64_t began_ms, told_ms;
    bool enough; /* --until: everybody submits */
    bool timed_out, tty;
};

static inline struct desk *desk_of(const struct swarm_seat *s)
{
    return s->user;
}

/* ---------------------------------------------------------------- run.c */

/* A sitter who cannot go on: the run goes on without, and does not end well. */
void run_fail(struct desk *d, const char *what, const char *text);
void run_sitter_done(struct desk *d);

/* ---------------------------------------------------------------- run_watch.c */

void run_on_event(struct swarm_seat *s, const struct seat_event *e);
/* After the core has returned: the state that came with an attachment is known now. */
void run_settle_attached(struct desk *d);

/* ---------------------------------------------------------------- run_acts.c */

/* The plan's file and what chance adds to it. Errors are told on stderr. EXAM_INVALID, EXAM_IO,
 * EXAM_TOO_BIG, EXAM_NOMEM. */
EXAM_MUST_USE exam_err run_plan_open(struct run *run, uint32_t nodes_n);
EXAM_MUST_USE exam_err run_acts_open(struct run *run);
void run_acts_free(struct run *run);
void run_acts_beat(struct run *run, uint64_t now_ms);

/* ---------------------------------------------------------------- run_report.c */

/* Compares what the nodes told with what must be, adds what differs to the faults, and writes
 * --accounts. EXAM_NOMEM, EXAM_IO. */
EXAM_MUST_USE exam_err run_reckon(struct run *run);
void run_report(const struct run *run, bool ok);

#endif
