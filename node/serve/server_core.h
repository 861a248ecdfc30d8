/* server_core.h - what the files of a listener share. Internal to them: server.c (connections: what
 * comes and goes on them), server_turns.c (who gets how much of a turn), server_listen.c (who is
 * taken in). Loop thread only. */
#ifndef EXAM_SERVER_CORE_H
#define EXAM_SERVER_CORE_H

#include <sys/queue.h>
#include <uthash.h>
#include <uv.h>

#include "door.h"
#include "oplog_gate.h"
#include "server.h"

/* Who waits for a turn of the loop, in the order of their coming. */
enum lane {
    LANE_NONE,
    LANE_GO_ON,   /* has had its share of a turn */
    LANE_PACED,   /* has been written as much as is written to one key in that time */
    LANE_GREET,   /* has sent its hello */
    LANE_DEBTORS, /* the same, of an address in debt */
    LANES,
};

/* The connections that have proven to own a key. */
struct holder {
    uint8_t key[KEY_BYTES];
    uint32_t conns;
    uint64_t paid_us; /* see pace_add */
    UT_hash_handle hh;
};

struct conn {
    uv_tcp_t tcp;
    struct server *server;
    struct conn *next, *prev; /* open connections, the newest first */
    TAILQ_ENTRY(conn) waits;
    enum lane lane;
    bool greet;    /* its handshake is not put off any more */
    uint64_t turn; /* what follows is of it */
    uint32_t turn_frames;
    size_t turn_bytes;
    struct door_address *address;
    struct holder *holder; /* NULL: none, or without keys */
    uint64_t paid_us;      /* then */
    struct conn_ref ref;
    struct tunnel tunnel;
    uint64_t opened_ms, heard_ms, closing_since_ms;
    size_t queued_bytes;
    const char *why;
    bool known, held, reading, in_frames;
    bool closing;  /* takes and sends nothing more; what is queued is still written */
    bool aborting; /* nor is that */
    bool closed;
    char peer[64];
    uint8_t *data;
    uint8_t buf[];
};

struct server {
    uv_tcp_t tcp;
    uv_loop_t *loop;
    struct server_options o;
    struct server_handlers h;
    void *ctx;
    struct conn *first;
    struct conn **slots;
    uint32_t *generations;
    uint32_t *slots_free;
    uint32_t slots_free_n;
    uint32_t conns_n, strangers_n;
    uint8_t *scratch; /* of what is being sealed */
    size_t scratch_bytes;
    bool closing;
    uint32_t handles; /* its own, beside those of connections */
    struct door *door;
    struct holder *holders;
    struct oplog_gate gate;
    TAILQ_HEAD(conn_queue, conn) lanes[LANES];
    uint32_t lane_conns[LANES];
    bool more_to_accept;
    uv_prepare_t turns;
    uv_idle_t more;   /* active while somebody waits for a turn: the loop does not sleep */
    uv_timer_t later; /* active while there are debtors, or some are paced */
    uv_timer_t go_on; /* active while somebody has had its share */
    uint64_t went_on; /* the turn in which those did, last */
    bool turn_begun;
    uint32_t turn_accepts, turn_greetings;
    struct server_counts counts;
};

static inline void counts_note(uint32_t *most, uint32_t now)
{
    if (now > *most)
        *most = now;
}

/* ---------------------------------------------------------------- server.c */

/* Takes the connection down now. Queued writes are cancelled; their callbacks come first. */
void conn_drop(struct conn *c);
void conn_read_start(struct conn *c);
/* What lies there, as far as its turn goes. */
void conn_take_frames(struct conn *c);

/* ---------------------------------------------------------------- server_turns.c */

/* The handles by which turns are kept. */
void server_begin_turns(struct server *s);
/* What is left for the next turn keeps the loop from sleeping. */
void server_wait_for_turns(struct server *s);
/* Who has sent more than its share goes on with the others' turns. */
void server_go_on(struct server *s);
bool conn_waits(const struct conn *c);
/* It waits no more. */
void conn_call_up(struct conn *c);
/* False: the rest of what it has sent waits for another turn. */
bool conn_may_go_on(struct conn *c);
/* After waiting, or having been held: what is there, and what comes. */
void conn_go_on(struct conn *c);
void conn_count_written(struct conn *c, size_t bytes);

/* ---------------------------------------------------------------- server_listen.c */

/* The one that was left for the next turn. */
void server_accept_more(struct server *s);
/* After server_close: when the last handle and the last connection are gone. */
void server_free_if_done(struct server *s);

#endif
