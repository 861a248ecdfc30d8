/* rep_core.h - what the files of the replication core share. Internal to this folder; pure.
 *
 * One concept a file: rep.c the step, the links and the clock; rep_peer.c who the others are and
 * what they know; rep_primary.c streaming, acknowledging, alone or not; rep_standby.c joining and
 * following, restarting (W3); rep_promote.c persons' acts (W2); rep_send.c messages; rep_status.c
 * questions. */
#ifndef EXAM_REP_CORE_H
#define EXAM_REP_CORE_H

#include "rep.h"

enum {
    ACTIONS_MAX = 256,        /* of one step and what its carrying out feeds back */
    CHUNKS_MAX = 128,         /* stretches of records on their way to a peer */
    SEND_BYTES_MAX = 1 << 20, /* asked of the shell at a time */
    SEND_RETRY_MS = 10,       /* after a link was full */
    SYNC_ROUND_MS = 100,      /* a standby no further behind than this has caught up */
    PEER_NONE = -1,
};

/* No site gets there: a higher one is an error of the sender. */
#define EPOCH_MAX ((uint64_t)1 << 48)

/* Records handed to a link and not yet durable at its end. */
struct chunk {
    uint64_t last_lsn;
    uint64_t bytes;
};

struct peer {
    char name[NAME_BYTES_MAX + 1];
    struct rep_link link; /* 0: out of contact */
    bool ever_heard;
    uint64_t heard_ms;
    bool answered;        /* it has taken our Hello: nothing of an older link is under way */
    bool learning;        /* as last heard (D7) */
    bool locked;          /* as last heard (P3) */
    enum rep_role role;   /* as last heard */
    uint64_t epoch;       /* highest that it knows */
    uint64_t lsn;         /* durable there */
    struct position last; /* of its durable log; the hash is not kept up */
    struct rep_epoch epochs[REP_EPOCHS_TOLD];
    size_t epochs_n;
    exam_err refused;
    char text[REP_TEXT_BYTES];

    /* records on their way to it, from its Join on */
    bool streaming;
    bool sending;         /* a REP_DO_SEND_RECORDS is being carried out */
    uint64_t retry_ms;    /* the link was full: not before; 0: it was not */
    uint64_t next_lsn;    /* first one not handed to the link */
    uint64_t acked_lsn;   /* durable there, under this epoch */
    uint64_t progress_ms; /* acked_lsn moved, or something became outstanding */
    struct chunk chunks[CHUNKS_MAX];
    size_t chunks_head, chunks_n;
    uint64_t chunks_bytes;
    bool in_sync;       /* counts for acknowledgements */
    bool logged;        /* the log says that it is in sync */
    uint64_t round_lsn; /* when it has this ... */
    uint64_t round_ms;  /* ... which was the last record at this time */
};

struct contact {
    struct rep_link link;
    bool dialled;
    uint64_t opened_ms;
    int peer; /* PEER_NONE: has not said Hello */
};

struct rep {
    char node[NAME_BYTES_MAX + 1];
    struct rep_config config; /* figures only */
    struct rep_log log;
    uint64_t now_ms;
    enum rep_role role;
    bool stopped;
    bool locked; /* P3: begins no epoch before REP_UNLOCKED */
    uint64_t known_epoch;
    struct position last, durable;
    struct peer peers[NODES_MAX];
    size_t peers_n;
    struct contact contacts[REP_LINKS_MAX];
    size_t contacts_n;
    uint64_t ping_ms; /* the next one */

    /* an epoch that the shell is to begin; 0: none */
    uint64_t begin_epoch;
    bool begin_solo;
    bool begin_forced; /* by a learner (D7) */
    uint64_t begin_token;

    /* primary */
    bool solo;         /* the log says so, durably */
    bool going_solo;   /* the log is about to say so ... */
    uint64_t solo_lsn; /* ... by this record; 0: not appended yet */
    uint64_t alone_ms; /* since when no standby is in sync */
    int lost;          /* the one that was lost last */
    uint64_t released_lsn;
    int heir; /* handing over to it (W2); PEER_NONE: not */
    uint64_t heir_until_ms;
    uint64_t heir_token; /* 0: the heir itself asked */

    /* standby */
    int source;         /* whose records it takes, or is about to; PEER_NONE */
    bool joined;        /* Join was sent */
    bool caught_up;     /* since then it has had all that the primary was known to have */
    bool cutting;       /* waits for REP_CUT_DONE */
    bool pulling;       /* the source is no primary: it has the rest of the epoch we served (W3) */
    uint64_t follow_ms; /* when the Join went out, or records came last */
    bool may_resume;    /* W3: was the primary of the log's newest epoch when it went down */
    uint64_t primary_lsn;   /* the most that the last known primary is known to have had ... */
    uint64_t primary_epoch; /* ... in this epoch */
    int primary;            /* the last known one */
    bool learning;          /* D7: no more when it has what the primary had a moment ago: */
    uint64_t goal_lsn;      /* so much, ... */
    uint64_t goal_ms;       /* ... at this time */

    /* a person's promotion under way (W2); 0: none */
    bool promoting;
    uint64_t promote_token, promote_until_ms;
    int promote_peer;

    struct rep_action actions[ACTIONS_MAX];
    size_t actions_head, actions_n;
    bool action_out; /* the one at head is being carried out */
    Rep__EpochStart hello_epochs[REP_EPOCHS_TOLD];
    Rep__EpochStart *hello_epochs_at[REP_EPOCHS_TOLD];
    struct rep_epoch hello_table[REP_EPOCHS_TOLD];
    uint8_t hello_site[SITE_ID_BYTES];
};

/* ---------------------------------------------------------------- rep_send.c: actions, messages */

struct rep_action *rep_act(rep *r, enum rep_action_kind kind);
/* D6: forgets what was asked for and rests on a disk that has failed; what ends something stays. */
void rep_actions_drop(rep *r);
/* Epoch and learning become durable before anything that is asked for after this. */
void rep_keep(rep *r);
void rep_send_hello(rep *r, struct rep_link link);
void rep_send_hello_all(rep *r);
/* A Hello says what is so when it leaves: called as it is handed out. */
void rep_fill_hello(rep *r, struct rep_action *a);
void rep_send_ping(rep *r, struct rep_link link);
void rep_send_join(rep *r, struct rep_link link, const struct position *common);
void rep_send_appended(rep *r, struct rep_link link);
void rep_send_superseded(rep *r, struct rep_link link);
void rep_send_hand_over_request(rep *r, struct rep_link link);
void rep_send_hand_over(rep *r, struct rep_link link);
void rep_send_refused(rep *r, struct rep_link link, exam_err code, const char *text);
void rep_reply(rep *r, uint64_t token, exam_err code, const char *rule, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* ---------------------------------------------------------------- rep_peer.c */

struct contact *rep_contact_find(rep *r, struct rep_link link);
/* Closes a link, and takes the peer behind it for lost. */
void rep_contact_close(rep *r, struct rep_link link, exam_err code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void rep_contact_drop(rep *r, struct rep_link link);
void rep_message(rep *r, const struct rep_input *in);
/* W1: whoever learns of a higher epoch serves no more, and follows nobody below it. */
void rep_learn_epoch(rep *r, uint64_t epoch);
bool rep_peer_is_primary(const rep *r, const struct peer *p); /* in contact, of the highest epoch */
/* Its table of epochs reaches to the epoch that it says it is in. */
bool rep_table_fits(const struct peer *p);
/* What waits for something a peer said: following, resuming. */
void rep_look_round(rep *r);

/* ---------------------------------------------------------------- rep_primary.c */

/* Asks the shell to begin an epoch; it is the highest known one when it is durable. */
void rep_begin(rep *r, uint64_t epoch, Ev__EpochReason reason, bool solo, uint64_t token);
void rep_epoch_open(rep *r, const struct position *last);
void rep_step_down(rep *r);
/* Two primaries of one epoch number: two persons attested. The one whose name comes first goes on
 * under a higher epoch, the other follows it. */
void rep_settle_tie(rep *r, struct peer *p);
/* The same, proven by somebody who was served by both. */
void rep_epoch_shared(rep *r, uint64_t epoch);
void rep_peer_lost(rep *r, struct peer *p);
void rep_stream_stop(struct peer *p);
void rep_stream(rep *r, struct peer *p);
void rep_sent(rep *r, struct peer *p, uint64_t lsn, uint64_t bytes);
void rep_primary_appended(rep *r);
void rep_primary_durable(rep *r);
void rep_primary_tick(rep *r);
bool rep_any_in_sync(const rep *r);
void rep_on_join(rep *r, struct peer *p, const Rep__Join *m);
void rep_on_appended(rep *r, struct peer *p, const Rep__Appended *m);
void rep_on_hand_over_request(rep *r, struct peer *p);
void rep_hand_over(rep *r, uint64_t token);

/* ---------------------------------------------------------------- rep_standby.c */

uint64_t rep_log_epoch(const rep *r);
void rep_unfollow(rep *r);
void rep_consider_following(rep *r);
void rep_consider_resuming(rep *r);
/* T5: the primary has not run for too long; it is where a restart would have brought it. */
void rep_hung(rep *r);
void rep_on_append(rep *r, struct peer *p, const Rep__Append *m);
void rep_standby_appended(rep *r);
void rep_standby_durable(rep *r);
void rep_standby_tick(rep *r);
/* When the source has been silent about records that it has for too long; UINT64_MAX: it is not. */
uint64_t rep_follow_until_ms(const rep *r);
void rep_cut_done(rep *r, const struct position *last);
/* The log cannot be read or written: D6. */
void rep_fail(rep *r);

/* ---------------------------------------------------------------- rep_promote.c */

void rep_found(rep *r, uint64_t token);
void rep_promote(rep *r, uint64_t token, bool attest, uint64_t claimed_epoch);
/* D7: although its copy is not whole. */
void rep_promote_forced(rep *r, uint64_t token, bool attest, uint64_t claimed_epoch);
void rep_promote_ends(rep *r, exam_err code, const char *text);
void rep_promote_tick(rep *r);
void rep_on_hand_over(rep *r, struct peer *p, const Rep__HandOver *m);
/* True when (epoch, lsn) of `a` is beyond that of `b`. */
bool rep_position_beyond(const struct position *a, const struct position *b);

static inline bool rep_link_none(struct rep_link l)
{
    return l.n == 0;
}

static inline bool rep_in_contact(const struct peer *p)
{
    return p->link.n != 0;
}

#endif
