/* rep.h - the replication core of one node: who serves, what a standby must have, what may be
 * acknowledged (rules W1-W3, A1; promises D1, D3, D7).
 * Pure: no clock, socket, disk or thread. It owns no byte of the log: the shell has the log, and
 * the core sees positions of it. Not thread-safe: the loop's thread only.
 *
 * Use: feed one input with rep_step, then carry out what rep_next_action gives until it gives NULL,
 * in that order: the order of the actions is the order of the effects. Carrying one out may feed
 * inputs back at once (REP_SENT, REP_APPENDED, REP_DURABLE, REP_CUT_DONE, REP_EPOCH_OPEN); what
 * follows from them queues up behind. An action lives until the next call of rep_next_action.
 *
 * The roles, and what leads from one to another (PRIMARY only by REP_EPOCH_OPEN, never by a
 * message):
 *
 *   EMPTY ----- records of a primary -------> STANDBY <--- records of the successor --- FENCED
 *     |                                         |                                         ^
 *     | found                   promoted (W2), restarted (W3)                             |
 *     +----------------------> PRIMARY <--------+                                         |
 *                                 +--------- higher epoch known (W1), handed over (W2) ---+
 *   PRIMARY -- has hung (T5) --> STANDBY, as after a restart (W3)
 *   any -- REP_FAILED --> FAILED (D6)
 *
 * A primary is `solo` (A1: logged, acknowledges what is durable here), or acknowledges what is
 * durable here and on a standby in sync; when it has none it is `waiting`: it decides and
 * acknowledges nothing until one is in sync again, or until it has logged that it goes on alone. */
#ifndef EXAM_REP_H
#define EXAM_REP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.pb-c.h"
#include "exam_err.h"
#include "exam_limits.h"
#include "record.h"
#include "replica.pb-c.h"

typedef struct rep rep;

enum {
    REP_EPOCHS_TOLD = 64, /* of the table, in a Hello */
    REP_LINKS_MAX = 32,   /* more are closed as they open */
    REP_TEXT_BYTES = 256,
};

enum rep_role {
    REP_ROLE_STANDBY = 1,
    REP_ROLE_PRIMARY = 2,
    REP_ROLE_FENCED = 3, /* was primary, serves no more, has not joined a successor yet */
    REP_ROLE_EMPTY = 4,
    REP_ROLE_FAILED = 5,
};

/* The name of a connection between nodes, given by the shell (a link_id's number). Never 0. */
struct rep_link {
    uint64_t n;
};

struct rep_epoch {
    uint64_t epoch, first_lsn;
    uint8_t first_hash[HASH_BYTES];
};

/* The shell's log, read only, as it is in memory (what is appended and not yet durable included).
 */
struct rep_log {
    void *ctx;
    /* The hash of the record at lsn >= 1. EXAM_NOT_FOUND; any other error: not readable (D6). */
    exam_err (*hash_at)(void *ctx, uint64_t lsn, uint8_t out[HASH_BYTES]);
    /* The newest `max` epochs of the log, oldest of them first; returns how many. */
    size_t (*epochs)(void *ctx, struct rep_epoch *out, size_t max);
    /* False: the log is empty, the node belongs to no site. */
    bool (*site_id)(void *ctx, uint8_t out[SITE_ID_BYTES]);
};

struct rep_config {
    const char *node;
    const char *const *peers; /* the other nodes of the site; none: it always goes on alone */
    size_t peers_n;           /* <= NODES_MAX - 1 */
    uint32_t solo_after_ms;   /* 0: 2,000 */
    uint32_t ping_every_ms;   /* 0: 200 */
    uint32_t
        peer_timeout_ms;   /* silence, or records not made durable, for so long: lost. 0: 1,500 */
    uint32_t window_bytes; /* sent and not yet durable there. 0: 4 MiB */
};

/* What the node has on its disk as it starts. */
struct rep_start {
    struct position last; /* all zero: an empty log */
    bool served_last;     /* this node was the primary of the log's newest epoch (W3) */
    /* As the last REP_DO_KEEP said; zero when there was none. */
    uint64_t known_epoch;
    bool learning;
    /* P3: this node has no data key yet. It follows, and begins no epoch before REP_UNLOCKED. */
    bool locked;
};

/* `config` (its texts, too) and `start` are copied, `log` must outlive the core. now_ms: monotonic,
 * milliseconds, the same clock as every input's. The first input should be a REP_TICK.
 * Errors: EXAM_INVALID (a name, a name twice, too many peers); EXAM_NOMEM. */
EXAM_MUST_USE exam_err rep_new(const struct rep_config *config, const struct rep_start *start,
                               const struct rep_log *log, uint64_t now_ms, rep **out);
void rep_free(rep *r);

/* ---------------------------------------------------------------- inputs */

enum rep_input_kind {
    REP_TICK = 1,    /* rep_next_deadline_ms has come; harmless at any time */
    REP_LINK_OPENED, /* link, dialled */
    REP_LINK_CLOSED, /* link */
    REP_MESSAGE,     /* link, message: checked by codec_replica_message; must live until the actions
                        that follow have been carried out */
    REP_APPENDED,    /* position: the end of the log in memory. Primary: new records to send, now,
                        before they are committed. Standby: what it took of an Append */
    REP_DURABLE,     /* position: the end of the durable log, after each commit */
    REP_SENT,        /* link, position.lsn: the last record handed to the link for a
                        REP_DO_SEND_RECORDS (first_lsn - 1: none, its queue was full); bytes */
    REP_CUT_DONE,    /* position: the end of the log after a REP_DO_CUT, durable */
    REP_EPOCH_OPEN,  /* position: the end of the log with the EpochBegan asked for, durable */
    REP_EPOCH_HEARD, /* epoch: proven to this node otherwise than by a peer, e.g. by a seat's mark
                      */
    REP_EPOCH_SHARED, /* epoch: as proven, and begun by another node as well: two persons attested.
                         A primary of it begins a higher one (W1) */
    REP_FOUND,        /* token: a person founds the site on this node */
    REP_PROMOTE,   /* token, attest: a person wants this node to serve (W2). epoch: the highest that
                      anybody claims to have seen, proven or not (0: nobody does): what begins by
                      attest gets a higher number, so that no two histories share one (W1). Of a
                      primary that seats refuse for it, too. forced: although its copy is not whole
                      (D7), because nobody can bring a whole one back; see rep_preview */
    REP_HAND_OVER, /* token: this node, the primary, wants a standby in sync to take over (W4) */
    REP_HUNG,      /* this node has not run for so long that screens may have locked: it was dead in
                      the sense of T5. A primary steps down, and may serve again as after a restart
                      (W3), by what the others say to it from here on */
    REP_UNLOCKED,  /* P3: the data key has come */
    REP_STOP,      /* orderly end: closes every link, serves no more */
    REP_FAILED,    /* the log could not be written or read: serves no more (D6) */
};

struct rep_input {
    enum rep_input_kind kind;
    uint64_t now_ms; /* monotonic */
    struct rep_link link;
    bool dialled;
    bool attest, forced;
    uint64_t token;
    uint64_t bytes;
    uint64_t epoch;
    struct position position;
    const Rep__Message *message;
};

void rep_step(rep *r, const struct rep_input *in);

/* ---------------------------------------------------------------- actions */

enum rep_action_kind {
    REP_DO_KEEP = 1, /* epoch, learning: make them durable beside the log before anything else is
                        carried out; the next start gives them back. What follows rests on it:
                        a node that forgot an epoch would vouch for one that is over (D3) */
    REP_DO_SEND,     /* link, message: pack and send it. If the link does not take it: a Ping may
                        be lost; after any other, close the link and feed REP_LINK_CLOSED */
    REP_DO_SEND_RECORDS, /* link, first_lsn..last_lsn, bytes_max, epoch, released_lsn: send them as
                            Append frames (rep_append.h), as many as the link takes and bytes_max
                            allows, at least one unless the link is full; then feed REP_SENT */
    REP_DO_APPEND,       /* link, append: verify each record's chain, append and apply it, feed
                            REP_APPENDED with where that ended, commit, feed REP_DURABLE. A record
                            that does not verify: stop there and close the link */
    REP_DO_CUT,         /* lsn: what is after it is a dead branch: keep it apart, rebuild the state,
                           feed REP_CUT_DONE; the commit of what is in memory comes first */
    REP_DO_BEGIN_EPOCH, /* epoch, reason, solo, token: append EpochBegan (for
                           EPOCH_REASON_FOUNDED after SiteFounded), commit, feed REP_EPOCH_OPEN.
                           The node serves after that. token: of the REP_PROMOTE or REP_FOUND that
                           asked for it (who and why), 0: nobody did. forced: by a log that is not
                           whole (D7); the record says so */
    REP_DO_STEP_DOWN,   /* epoch: the highest known. Serve nobody from here on; what has not been
                           released never will be */
    REP_DO_RELEASE,     /* lsn, dual: what was promised up to lsn is durable: acknowledge it */
    REP_DO_LOG_STANDBY, /* peer, in_sync, solo: append StandbyChanged and feed REP_APPENDED, before
                           any other record; commit as usual */
    REP_DO_CLOSE,       /* link, code, text: close it; no REP_LINK_CLOSED need follow */
    REP_DO_REPLY,       /* token, code, text, rule: to the person who asked */
};

/* A message with room for what it points to. */
struct rep_outgoing {
    Rep__Message message;
    union {
        Rep__Hello hello;
        Rep__Join join;
        Rep__Appended appended;
        Rep__Ping ping;
        Rep__Superseded superseded;
        Rep__HandOverRequest hand_over_request;
        Rep__HandOver hand_over;
        Rep__Refused refused;
    } as;
    Rep__Position position;
    uint8_t hash[HASH_BYTES];
};

struct rep_action {
    enum rep_action_kind kind;
    struct rep_link link;
    const Rep__Message *message; /* REP_DO_SEND */
    const Rep__Append *append;   /* REP_DO_APPEND; of the input's message */
    uint64_t epoch;
    uint64_t first_lsn, last_lsn, lsn;
    uint64_t released_lsn;
    size_t bytes_max;
    Ev__EpochReason reason;
    bool solo, dual, in_sync, learning, forced;
    const char *peer; /* a node's name; lives as long as the core */
    uint64_t token;
    exam_err code;
    const char *rule; /* "W2"; static */
    char text[REP_TEXT_BYTES];
    struct rep_outgoing out; /* what `message` points to */
};

/* NULL: all carried out. */
const struct rep_action *rep_next_action(rep *r);

/* ---------------------------------------------------------------- questions */

/* When the next REP_TICK is due; UINT64_MAX: never. */
uint64_t rep_next_deadline_ms(const rep *r);

enum rep_role rep_role(const rep *r);
uint64_t rep_epoch(const rep *r); /* highest known; a primary's own */
const char *rep_role_text(enum rep_role role);

bool rep_is_solo(const rep *r);     /* primary, and acknowledges alone */
bool rep_is_waiting(const rep *r);  /* primary, not solo, no standby in sync: nothing is released */
bool rep_is_draining(const rep *r); /* primary, about to hand over */
bool rep_may_decide(const rep *r);  /* primary, and none of: waiting, draining */
uint64_t rep_released_lsn(const rep *r);
/* Nobody in contact serves, and this node may not begin by itself: a person must promote (W2, W3).
 */
bool rep_needs_person(const rep *r);
/* Has not caught up since it was empty: it vouches for nothing, and does not serve (D7). */
bool rep_is_learning(const rep *r);
/* Follows a primary, has not had all of its log since it joined it, and more is on its way. What it
 * makes durable does not count for an acknowledgement yet, so it need not do so record by record.
 */
bool rep_is_catching_up(const rep *r);

struct rep_peer_status {
    const char *node;
    bool connected;
    bool in_sync; /* of a primary's peers; a standby shows its primary in sync once it caught up */
    enum rep_role role; /* as last heard; 0: never */
    uint64_t epoch;
    uint64_t lsn; /* durable there */
    bool ever_heard;
    bool learning;      /* new, wiped or still copying: it vouches for nothing (D7) */
    uint64_t silent_ms; /* since it was last heard */
    exam_err refused;   /* why it is not let in, e.g. EXAM_OTHER_SITE; EXAM_OK: nothing known */
    char text[REP_TEXT_BYTES];
};

size_t rep_peers(const rep *r);
void rep_peer_status(const rep *r, size_t i, uint64_t now_ms, struct rep_peer_status *out);
/* The connection to it; .n 0: none. */
struct rep_link rep_peer_link(const rep *r, size_t i);
/* False: worth dialling. */
bool rep_peer_connected(const rep *r, size_t i);

/* What a promotion of this node would put at stake (W2), for the person to read first. */
struct rep_preview {
    exam_err code; /* EXAM_OK: it would be a switchover, nothing is lost; EXAM_ATTEST; a refusal */
    struct position last; /* of this node */
    const char *primary;  /* the last known one; NULL: none known */
    bool primary_in_contact;
    uint64_t primary_silent_ms; /* when out of contact and ever heard */
    bool stale;                 /* the primary is known to have had more */
    uint64_t behind_records;    /* at least so many; 0 with stale false proves nothing */
    bool learning;              /* D7: it has not caught up since it was empty */
    const char *elsewhere;      /* a node last heard with more of the log; NULL: none known */
    uint64_t elsewhere_lsn;
    char text[3 * REP_TEXT_BYTES];
    /* D7: it could be forced, though its copy is not whole: it has some of the log, and nobody in
     * contact serves, vouches for a log, or has more of one. `forced_text`, of a learner, says what
     * that gives up, or why it is refused. */
    bool forcible;
    char forced_text[3 * REP_TEXT_BYTES];
};
void rep_promotion_preview(const rep *r, uint64_t now_ms, struct rep_preview *out);

#endif
