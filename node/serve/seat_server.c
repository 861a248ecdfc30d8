#include "seat_server.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "codec.h"
#include "oplog.h"
#include "oplog_gate.h"
#include "receipt_issue.h"
#include "reply_queue.h"

enum {
    REPLIES_PER_SEAT_MAX = 256, /* requests of one seat without a reply yet */
    QUEUE_BYTES_MAX = 256 * 1024,
    STRANGERS_MAX = 4096,
    CONNS_OF_A_SEAT_MAX = 4, /* of a machine that lost one, and of one that is being replaced */
    FRAMES_PER_TURN = 4,
    BYTES_A_SECOND = 1024 * 1024, /* papers; all else is a hundred bytes at a time */
    SILENT_HEARTBEATS = 3,        /* a seat that misses so many is out of contact */
    SILENT_MS_MIN = 3000,
    TURNS = 3, /* a loop's turns before and after its poll, and one that is not over yet */
};

/* What the endpoint knows of a connection (conn_data). */
struct seat {
    char name[NAME_BYTES_MAX + 1];
    uint32_t sitting; /* 0: nobody has signed in on this connection */
    uint32_t former;  /* T11: of a session that the sitting has left; 0: of its own */
    bool told;        /* how much it holds unsent, */
    uint64_t unsent;
    uint32_t waiting; /* replies queued */
};

/* Which connection a sitting is attached by. */
struct contact {
    struct conn_ref conn;
    bool on;
    bool gone;   /* lost while nothing could be decided: to be detached */
    size_t word; /* its place among the words that came in, from 1; 0: it has said nothing */
};

/* A heartbeat, or a duplicate answer: acknowledged with the batch's marks. */
struct beat {
    struct conn_ref conn;
    uint32_t sitting, id;
    uint64_t seq;
};

struct seat_server {
    struct seat_node node;
    struct server *server;
    struct oplog_gate gate;
    struct reply_queue queue;
    struct histogram waits; /* of replies, from the decision to the release */
    uint64_t released_lsn;  /* told so far, and how */
    bool released_solo;
    struct contact *contacts; /* by sitting */
    size_t contacts_max;
    uint32_t attached_n;
    struct beat *beats;
    struct exam_word *words; /* of their seats; the last one of each counts */
    size_t beats_n, beats_max, words_n;
    uint64_t beats_due_ms;
    uint64_t turns_ms[TURNS]; /* the last turns in which something was decided, newest first */
    bool decided_late;        /* of the Answered event just applied */
    struct arena arena;
    uint8_t *arena_block;
    uint8_t paper[PAPER_CHUNK_BYTES_MAX]; /* opened */
    uint8_t frame[FRAME_HEADER_BYTES + FRAME_BYTES_MAX];
};

/* What a peer can cause as often as it likes (oplog_gate.h). */
#define seat_log(s, about, event, ...)                                                             \
    oplog_gated(&(s)->gate, clock_boot_ms(), OPLOG_WARN, event, about, __VA_ARGS__)

/* ---------------------------------------------------------------- replies */

static void send_now(struct seat_server *s, struct conn *c, const Seat__Reply *r)
{
    size_t n;
    exam_err err = codec_frame_pack(&r->base, s->frame, sizeof s->frame, &n);
    assert(!err);
    conn_send(c, s->frame, n);
}

static void queue_reply(struct seat_server *s, struct conn *c, struct reply *r)
{
    struct seat *seat = conn_data(c);
    r->conn = conn_ref_of(c);
    if (!r->lsn)
        r->lsn = engine_last(s->node.engine).lsn;
    r->decided_ms = clock_boot_ms();
    seat->waiting++;
    reply_queue_push(&s->queue, r);
    if (r->lsn <=
        s->released_lsn) /* nothing new was needed for it: nothing more will be released */
        seat_server_released(s, s->released_lsn, s->released_solo);
}

static void queue_frame(struct seat_server *s, struct conn *c, uint64_t lsn, const Seat__Reply *m)
{
    struct reply r = {.lsn = lsn, .kind = REPLY_FRAME};
    exam_err err = codec_frame_pack(&m->base, s->frame, sizeof s->frame, &r.frame_bytes);
    assert(!err);
    r.frame = malloc(r.frame_bytes);
    if (!r.frame) {
        conn_close(c, "out of memory");
        return;
    }
    memcpy(r.frame, s->frame, r.frame_bytes);
    queue_reply(s, c, &r);
}

static void queue_refused(struct seat_server *s, struct conn *c, uint32_t id, uint64_t seq,
                          const struct exam_refusal *why)
{
    Seat__Refused refused = SEAT__REFUSED__INIT;
    Seat__Reply r = SEAT__REPLY__INIT;
    char text[sizeof why->text + 16];
    snprintf(text, sizeof text, "%s%s%s", why->text, why->rule[0] ? " — " : "", why->rule);
    codec_text_mend(text, sizeof text - 1);
    refused.code = why->code;
    refused.text = text;
    refused.seq = seq;
    refused.seq_have = why->seq_have;
    r.id = id;
    r.kind_case = SEAT__REPLY__KIND_REFUSED;
    r.refused = &refused;
    queue_frame(s, c, 0, &r);
}

static void refuse_now(struct seat_server *s, struct conn *c, uint32_t id, exam_err code,
                       const char *text)
{
    Seat__Refused refused = SEAT__REFUSED__INIT;
    Seat__Reply r = SEAT__REPLY__INIT;
    refused.code = code;
    refused.text = (char *)(uintptr_t)text;
    r.id = id;
    r.kind_case = SEAT__REPLY__KIND_REFUSED;
    r.refused = &refused;
    send_now(s, c, &r);
}

static void account_put(Seat__Account *out, const struct exam_account *a)
{
    seat__account__init(out);
    out->allot_ms = a->allot_ms;
    out->grants_ms = a->grants_ms;
    out->used_ms = a->used_ms;
    out->left_ms = a->left_ms;
    out->lost_ms = a->lost_ms;
}

/* T3: an acknowledgement is a mark, so it tells what the log holds, to the millisecond: a reading
 * of the clock after the decision would be ahead of the mark that a successor has. */
static uint64_t logged_ms(const struct seat_server *s)
{
    return exam_last_ms(engine_exam(s->node.engine));
}

/* A seat's reckoning counts from when it was answered last: what that took it has not seen. */
static uint64_t said_ms(const struct seat_server *s, uint64_t used_ms)
{
    return used_ms < UINT64_MAX - s->node.word_slack_ms ? used_ms + s->node.word_slack_ms
                                                        : UINT64_MAX;
}

/* T7: whatever came in before that has been read and decided. Not the last turn: it may have begun
 * after this process was held up, and what had come meanwhile is read after it. */
static uint64_t heard_ms(const struct seat_server *s)
{
    uint64_t now_ms = engine_now_ms(s->node.engine);
    uint64_t ago_ms = clock_boot_ms() - s->turns_ms[TURNS - 1];
    return said_ms(s, now_ms > ago_ms ? now_ms - ago_ms : 0);
}

void seat_server_turn(struct seat_server *s)
{
    if (s->node.held(s->node.ctx))
        return;
    memmove(s->turns_ms + 1, s->turns_ms, (TURNS - 1) * sizeof *s->turns_ms);
    s->turns_ms[0] = clock_boot_ms();
}

/* The account as it is marked, and how long before the decision that was. */
static uint64_t marked_account(const struct seat_server *s, uint32_t sitting,
                               struct exam_account *out)
{
    const exam *x = engine_exam(s->node.engine);
    exam_sitting_account(x, sitting, logged_ms(s), out);
    uint64_t used_ms = out->used_ms;
    exam_sitting_account(x, sitting, exam_sitting_mark_ms(x, sitting), out);
    return used_ms - out->used_ms;
}

static void queue_ack(struct seat_server *s, struct conn *c, uint32_t id, uint64_t seq,
                      struct reply *r)
{
    struct seat *seat = conn_data(c);
    struct exam_account a;
    r->ago_ms = marked_account(s, seat->sitting, &a);
    r->kind = REPLY_ACK;
    r->id = id;
    r->sitting = seat->sitting;
    r->seq = seq;
    r->used_ms = a.used_ms;
    r->left_ms = a.left_ms;
    queue_reply(s, c, r);
}

static struct conn *contact_conn(struct seat_server *s, uint32_t sitting)
{
    if (sitting >= s->contacts_max || !s->contacts[sitting].on)
        return NULL;
    return conn_of(s->server, s->contacts[sitting].conn);
}

/* D8: what the candidate takes home. `at` NULL: as of the log's last record. Without keys there is
 * none, and none when it cannot be made: it is to be had later, too. */
static void receipt_put(struct seat_server *s, uint32_t sitting, const struct record *at,
                        char text[RECEIPT_BYTES_MAX], Seat__Notice *n)
{
    size_t bytes;
    if (!s->node.keys || receipt_issue(s->node.engine, s->node.keys, sitting, at, text, &bytes))
        return;
    n->receipt.data = (uint8_t *)text;
    n->receipt.len = bytes;
}

/* `receipt_at`: the record after which the candidate gets a receipt; NULL: none. */
static void notice_with_receipt(struct seat_server *s, uint32_t sitting, uint64_t lsn,
                                Seat__NoticeKind kind, const struct record *receipt_at)
{
    struct conn *c = contact_conn(s, sitting);
    char receipt[RECEIPT_BYTES_MAX];
    if (!c)
        return;
    const exam *x = engine_exam(s->node.engine);
    struct exam_sitting_view v;
    uint8_t mark[MARK_BYTES_MAX];
    Seat__Account account;
    Seat__Notice n = SEAT__NOTICE__INIT;
    Seat__Reply r = SEAT__REPLY__INIT;
    exam_sitting_view(x, sitting, logged_ms(s), &v);
    account_put(&account, &v.account);
    n.kind = kind;
    n.epoch = s->node.epoch(s->node.ctx);
    n.account = &account;
    n.finish = (uint32_t)v.finish;
    n.mark.data = mark;
    n.mark.len = exam_mark_make(x, sitting, v.account.used_ms, mark);
    if (kind == SEAT__NOTICE_KIND__NOTICE_KIND_STARTED && v.paper_digest) {
        n.paper_bytes = v.paper_bytes;
        n.paper_digest.data = (uint8_t *)(uintptr_t)v.paper_digest;
        n.paper_digest.len = HASH_BYTES;
    }
    if (receipt_at)
        receipt_put(s, sitting, receipt_at, receipt, &n);
    r.kind_case = SEAT__REPLY__KIND_NOTICE;
    r.notice = &n;
    queue_frame(s, c, lsn, &r);
}

static void notice(struct seat_server *s, uint32_t sitting, uint64_t lsn, Seat__NoticeKind kind)
{
    notice_with_receipt(s, sitting, lsn, kind, NULL);
}

/* ---------------------------------------------------------------- seats that were left (T11) */

static void candidate_put(const struct seat_server *s, Seat__Candidate *out,
                          const struct exam_sitting_view *v, char name[PERSON_BYTES_MAX + 1])
{
    seat__candidate__init(out);
    out->admission_no = (char *)(uintptr_t)v->admission_no;
    out->name = (char *)(uintptr_t)vault_open_name(s->node.vault, v, name);
    out->id_no = (char *)(uintptr_t)vault_open_id(v);
    out->room = (char *)(uintptr_t)v->room;
    out->seat = (char *)(uintptr_t)v->seat;
    out->batch = (char *)(uintptr_t)v->batch;
    out->batch_title = (char *)(uintptr_t)v->batch_title;
    out->paper = (char *)(uintptr_t)v->paper;
    out->paper_title = (char *)(uintptr_t)v->paper_title;
}

/* What such a seat is told of the sitting: it is closed here. No mark goes with it. */
static void former_account(const struct seat_server *s, uint32_t sitting, Seat__Account *out)
{
    struct exam_account a;
    exam_sitting_account(engine_exam(s->node.engine), sitting, logged_ms(s), &a);
    account_put(out, &a);
}

static void former_notice(struct seat_server *s, struct conn *c, Seat__NoticeKind kind)
{
    const struct seat *seat = conn_data(c);
    char receipt[RECEIPT_BYTES_MAX];
    struct exam_sitting_view v;
    Seat__Account account;
    Seat__Notice n = SEAT__NOTICE__INIT;
    Seat__Reply r = SEAT__REPLY__INIT;
    former_account(s, seat->sitting, &account);
    n.kind = kind;
    n.epoch = s->node.epoch(s->node.ctx);
    n.account = &account;
    n.finish = EV__FINISH__FINISH_CLOSED;
    exam_sitting_view(engine_exam(s->node.engine), seat->sitting, logged_ms(s), &v);
    if (kind == SEAT__NOTICE_KIND__NOTICE_KIND_COLLECTED && v.finish != EV__FINISH__FINISH_NONE)
        receipt_put(s, seat->sitting, NULL, receipt, &n);
    r.kind_case = SEAT__REPLY__KIND_NOTICE;
    r.notice = &n;
    queue_frame(s, c, 0, &r);
}

/* A seat that comes back to a sitting which has gone on elsewhere: its screen stays closed, it
 * sends what it still holds (A3), and is free when that has been taken in. */
static void former_attached(struct seat_server *s, struct conn *c, uint32_t id,
                            const struct exam_refusal *why)
{
    struct seat *seat = conn_data(c);
    struct reply r = {.kind = REPLY_ATTACHED, .id = id, .sitting = why->sitting, .former = true};
    r.view = malloc(sizeof *r.view);
    if (!r.view) {
        conn_close(c, "out of memory");
        return;
    }
    seat->sitting = why->sitting;
    seat->former = why->former;
    exam_sitting_view(engine_exam(s->node.engine), why->sitting, logged_ms(s), r.view);
    r.view->state = EXAM_SITTING_FINISHED;
    r.view->finish = EV__FINISH__FINISH_CLOSED;
    r.view->batch_running = false; /* nor has it the paper any more */
    r.view->attachment_epoch = r.view->attachment_lsn = 0;
    r.view->seq_have = why->seq_have;
    r.view->seq_refused = why->seq_refused;
    queue_reply(s, c, &r);
    former_notice(s, c, SEAT__NOTICE_KIND__NOTICE_KIND_COLLECTED);
    seat_log(s, seat->name, "former-seat", OPLOG_S("seat", seat->name), OPLOG_S("why", why->text));
}

static void former_ack(struct seat_server *s, struct conn *c, uint32_t id, uint64_t seq)
{
    struct reply r = {.former = true, .late = seq != 0, .finished = seq != 0};
    queue_ack(s, c, id, seq, &r);
}

/* The sitting is moved while its seat is in contact: the connection goes on as a former one. */
static void former_leaves(struct seat_server *s, uint32_t sitting)
{
    struct exam_sitting_view v;
    struct conn *c = contact_conn(s, sitting);
    if (sitting < s->contacts_max && s->contacts[sitting].on) {
        s->contacts[sitting].on = s->contacts[sitting].gone = false;
        s->attached_n--;
    }
    if (!c)
        return;
    exam_sitting_view(engine_exam(s->node.engine), sitting, logged_ms(s), &v);
    if (!v.former_newest) {
        ((struct seat *)conn_data(c))->sitting = 0;
        conn_close(c, "its sitting has gone on elsewhere");
        return;
    }
    ((struct seat *)conn_data(c))->former = v.former_newest;
    former_notice(s, c, SEAT__NOTICE_KIND__NOTICE_KIND_FINISHED);
    former_notice(s, c, SEAT__NOTICE_KIND__NOTICE_KIND_COLLECTED);
}

/* ---------------------------------------------------------------- releasing */

static size_t mark_put(const struct seat_server *s, const struct reply *q, uint64_t used_ms,
                       uint8_t mark[MARK_BYTES_MAX])
{
    return q->former ? 0 : exam_mark_make(engine_exam(s->node.engine), q->sitting, used_ms, mark);
}

static void send_ack(struct seat_server *s, struct conn *c, const struct reply *q, bool solo)
{
    uint8_t mark[MARK_BYTES_MAX];
    Seat__Ack a = SEAT__ACK__INIT;
    Seat__Reply r = SEAT__REPLY__INIT;
    a.seq = q->seq;
    a.durability = solo ? SEAT__DURABILITY__DURABILITY_SOLO : SEAT__DURABILITY__DURABILITY_DUAL;
    a.used_ms = q->used_ms;
    a.left_ms = q->left_ms;
    a.ago_ms = q->ago_ms;
    a.late = q->late;
    a.finished = q->finished;
    a.mark.data = mark;
    a.mark.len = mark_put(s, q, q->used_ms, mark);
    r.id = q->id;
    r.kind_case = SEAT__REPLY__KIND_ACK;
    r.ack = &a;
    send_now(s, c, &r);
}

static Seat__SittingState state_of(const struct exam_sitting_view *v)
{
    if (v->state == EXAM_SITTING_FINISHED)
        return SEAT__SITTING_STATE__SITTING_STATE_FINISHED;
    if (!v->batch_running)
        return SEAT__SITTING_STATE__SITTING_STATE_WAITING;
    if (v->state == EXAM_SITTING_PAUSED)
        return SEAT__SITTING_STATE__SITTING_STATE_PAUSED;
    return SEAT__SITTING_STATE__SITTING_STATE_ANSWERING;
}

static void send_attached(struct seat_server *s, struct conn *c, const struct reply *q, bool solo)
{
    const struct exam_sitting_view *v = q->view;
    uint8_t mark[MARK_BYTES_MAX];
    char name[PERSON_BYTES_MAX + 1];
    Seat__Candidate candidate;
    Seat__Account account;
    Seat__Attached a = SEAT__ATTACHED__INIT;
    Seat__Reply r = SEAT__REPLY__INIT;
    candidate_put(s, &candidate, v, name);
    account_put(&account, &v->account);
    a.candidate = &candidate;
    a.account = &account;
    a.state = state_of(v);
    a.finish = (uint32_t)v->finish;
    a.attachment_epoch = v->attachment_epoch;
    a.attachment_lsn = v->attachment_lsn;
    a.seq_have = v->seq_have;
    a.seq_refused = v->seq_refused;
    a.heartbeat_ms = v->heartbeat_ms;
    a.grace_ms = v->grace_ms;
    if (v->batch_running && v->paper_digest) {
        a.paper_bytes = v->paper_bytes;
        a.paper_digest.data = (uint8_t *)(uintptr_t)v->paper_digest;
        a.paper_digest.len = HASH_BYTES;
    }
    a.durability = solo ? SEAT__DURABILITY__DURABILITY_SOLO : SEAT__DURABILITY__DURABILITY_DUAL;
    a.mark.data = mark;
    a.mark.len = mark_put(s, q, v->account.used_ms, mark);
    a.epoch = s->node.epoch(s->node.ctx);
    a.ago_ms = q->ago_ms;
    r.id = q->id;
    r.kind_case = SEAT__REPLY__KIND_ATTACHED;
    r.attached = &a;
    send_now(s, c, &r);
}

void seat_server_released(struct seat_server *s, uint64_t lsn, bool solo)
{
    struct reply q;
    uint64_t now_ms = clock_boot_ms();
    s->released_lsn = lsn;
    s->released_solo = solo;
    while (reply_queue_take(&s->queue, lsn, &q)) {
        struct conn *c = conn_of(s->server, q.conn);
        histogram_add(&s->waits, (now_ms - q.decided_ms) * 1000);
        if (c) {
            struct seat *seat = conn_data(c);
            seat->waiting--;
            if (q.kind == REPLY_ACK)
                send_ack(s, c, &q, solo);
            else if (q.kind == REPLY_ATTACHED)
                send_attached(s, c, &q, solo);
            else
                conn_send(c, q.frame, q.frame_bytes);
        }
        reply_fini(&q);
    }
}

/* ---------------------------------------------------------------- contacts */

static struct contact *contact_of(struct seat_server *s, uint32_t sitting)
{
    if (sitting >= s->contacts_max) {
        size_t max = (size_t)exam_sittings(engine_exam(s->node.engine)) + 1;
        struct contact *p = realloc(s->contacts, max * sizeof *p);
        if (!p)
            abort();
        memset(p + s->contacts_max, 0, (max - s->contacts_max) * sizeof *p);
        s->contacts = p;
        s->contacts_max = max;
    }
    return &s->contacts[sitting];
}

static bool can_decide(struct seat_server *s)
{
    return s->node.serving(s->node.ctx) && !s->node.held(s->node.ctx);
}

static void decide_detach(struct seat_server *s, uint32_t sitting)
{
    struct exam_command cmd = {.kind = EXAM_CMD_DETACH, .u.detach.sitting = sitting};
    struct exam_refusal why;
    uint64_t lsn;
    struct contact *k = &s->contacts[sitting];
    k->on = k->gone = false;
    s->attached_n--;
    exam_err err = engine_decide(s->node.engine, &cmd, &why, &lsn);
    if (err)
        oplog(OPLOG_WARN, "detach-refused", OPLOG_U("sitting", sitting), OPLOG_S("why", why.text));
}

static void on_closed(void *ctx, struct conn *c, const char *why)
{
    struct seat_server *s = ctx;
    struct seat *seat = conn_data(c);
    if (seat->sitting && !seat->former) {
        struct contact *k = &s->contacts[seat->sitting];
        struct conn_ref mine = conn_ref_of(c);
        if (k->on && !memcmp(&k->conn, &mine, sizeof mine)) {
            oplog(OPLOG_INFO, "seat-lost", OPLOG_S("seat", seat->name),
                  OPLOG_U("sitting", seat->sitting), OPLOG_S("why", why));
            if (can_decide(s))
                decide_detach(s, seat->sitting);
            else
                k->gone = true;
        }
    } else if (conn_is_known(c)) {
        oplog(OPLOG_DEBUG, "seat-closed", OPLOG_S("seat", seat->name), OPLOG_S("why", why));
    } else {
        seat_log(s, "", "stranger-closed", OPLOG_S("endpoint", "seat"),
                 OPLOG_S("peer", conn_peer(c)), OPLOG_S("why", why));
    }
}

/* The sitting is attached by this connection from now on; an older one is its predecessor. */
static void contact_take(struct seat_server *s, struct conn *c, uint32_t sitting)
{
    struct seat *seat = conn_data(c);
    struct contact *k = contact_of(s, sitting);
    struct conn *old = k->on ? conn_of(s->server, k->conn) : NULL;
    s->attached_n += !k->on;
    k->on = true;
    k->gone = false;
    k->conn = conn_ref_of(c);
    seat->sitting = sitting;
    seat->former = 0;
    seat->told = false;
    if (old && old != c) {
        struct seat *before = conn_data(old);
        before->sitting = 0;
        conn_close(old, "the same seat has connected again");
    }
}

/* ---------------------------------------------------------------- requests */

/* As often as the seat connects: the lines are counted by its key (oplog_gate.h). */
static void take_epoch_seen(struct seat_server *s, const struct seat *seat,
                            const struct key_entry *key, uint64_t epoch)
{
    uint64_t own_epoch = s->node.epoch(s->node.ctx);
    if (epoch <= own_epoch)
        return;
    s->node.epoch_seen(s->node.ctx, epoch);
    seat_log(s, key ? key->name : "", "seat-saw-higher-epoch", OPLOG_S("seat", seat->name),
             OPLOG_U("epoch", epoch), OPLOG_U("own_epoch", own_epoch),
             OPLOG_S("text",
                     "the seat refuses this node (W1): if no other one serves, promote this "
                     "one again, attesting it"));
}

static enum conn_verdict take_hello(struct seat_server *s, struct conn *c, uint32_t id,
                                    const Seat__Hello *h)
{
    const exam *x = engine_exam(s->node.engine);
    struct seat *seat = conn_data(c);
    if (conn_is_known(c)) {
        refuse_now(s, c, id, EXAM_MALFORMED, "a second Hello");
        return CONN_CLOSE;
    }
    if (h->version != SEAT_VERSION) {
        char text[160];
        snprintf(text, sizeof text,
                 "seat %s speaks version %u of the seat conversation, this node version %d: "
                 "install the matching libexamseat on the seat",
                 h->seat, h->version, SEAT_VERSION);
        seat_log(s, "", "seat-version", OPLOG_S("seat", h->seat), OPLOG_S("client", h->client),
                 OPLOG_U("version", h->version));
        refuse_now(s, c, id, EXAM_VERSION, text);
        return CONN_CLOSE;
    }
    if (h->site_id.len && exam_founded(x) &&
        memcmp(h->site_id.data, exam_site_id(x), SITE_ID_BYTES)) {
        refuse_now(s, c, id, EXAM_OTHER_SITE,
                   "this seat's journal belongs to another site: check the server address, or "
                   "keep the old journal aside");
        return CONN_CLOSE;
    }
    const struct key_entry *key = conn_identity(c);
    if (key && strcmp(key->name, h->seat)) {
        seat_log(s, key->name, "seat-impostor", OPLOG_S("peer", conn_peer(c)),
                 OPLOG_S("says", h->seat), OPLOG_S("is", key->name));
        refuse_now(s, c, id, EXAM_AUTH,
                   "this machine has the key of another seat: check the seat's name, or have this "
                   "seat's own key issued");
        return CONN_CLOSE;
    }
    strcpy(seat->name, h->seat);
    conn_known(c);
    take_epoch_seen(s, seat, key, h->epoch_seen);
    Seat__Welcome w = SEAT__WELCOME__INIT;
    Seat__Reply r = SEAT__REPLY__INIT;
    w.version = SEAT_VERSION;
    w.node = (char *)(uintptr_t)s->node.name;
    if (exam_founded(x)) {
        w.site_id.data = (uint8_t *)(uintptr_t)exam_site_id(x);
        w.site_id.len = SITE_ID_BYTES;
    }
    w.epoch = s->node.epoch(s->node.ctx);
    w.serving = s->node.serving(s->node.ctx);
    r.id = id;
    r.kind_case = SEAT__REPLY__KIND_WELCOME;
    r.welcome = &w;
    send_now(s, c, &r);
    return CONN_TAKEN;
}

static void queue_attached(struct seat_server *s, struct conn *c, uint32_t id, uint32_t sitting)
{
    struct reply r = {.kind = REPLY_ATTACHED, .id = id, .sitting = sitting};
    r.view = malloc(sizeof *r.view);
    if (!r.view) {
        conn_close(c, "out of memory");
        return;
    }
    exam_sitting_view(engine_exam(s->node.engine), sitting, logged_ms(s), r.view);
    r.ago_ms = marked_account(s, sitting, &r.view->account);
    queue_reply(s, c, &r);
}

/* SignIn and Attach end alike: the sitting is this connection's, or the seat hears why not. */
static void decide_contact(struct seat_server *s, struct conn *c, uint32_t id,
                           const struct exam_command *cmd, const char *admission_no)
{
    struct seat *seat = conn_data(c);
    struct exam_refusal why;
    uint64_t lsn;
    uint32_t sitting;
    exam_err err = engine_decide(s->node.engine, cmd, &why, &lsn);
    if (!err)
        err = exam_find_sitting(engine_exam(s->node.engine), admission_no, &sitting);
    if (!err) {
        contact_take(s, c, sitting);
        oplog(OPLOG_DEBUG, "seat-attached", OPLOG_S("seat", seat->name),
              OPLOG_U("sitting", sitting));
        queue_attached(s, c, id, sitting);
        return;
    }
    if (err == EXAM_SEAT_TAKEN && cmd->kind == EXAM_CMD_ATTACH && why.former) {
        former_attached(s, c, id, &why);
        return;
    }
    seat_log(s, seat->name, cmd->kind == EXAM_CMD_SIGN_IN ? "sign-in-refused" : "attach-refused",
             OPLOG_S("seat", seat->name), OPLOG_S("code", exam_err_name(err)),
             OPLOG_S("why", why.text));
    queue_refused(s, c, id, 0, &why);
    if (err == EXAM_STALE_EPOCH && why.epoch_proven && s->node.epoch_proven)
        s->node.epoch_proven(s->node.ctx, why.epoch_proven);
}

/* The notice of a new epoch and a SignIn or an Attach of this connection may cross: then the
 * seat says it twice. */
static bool other_sitting(const struct seat_server *s, const struct seat *seat,
                          const char *admission_no)
{
    uint32_t no;
    return seat->sitting && (exam_find_sitting(engine_exam(s->node.engine), admission_no, &no) ||
                             no != seat->sitting);
}

static enum conn_verdict take_sign_in(struct seat_server *s, struct conn *c, uint32_t id,
                                      const Seat__SignIn *m)
{
    struct seat *seat = conn_data(c);
    struct exam_command cmd = {.kind = EXAM_CMD_SIGN_IN};
    char id_no[NAME_BYTES_MAX + 1];
    if (other_sitting(s, seat, m->admission_no)) {
        refuse_now(s, c, id, EXAM_STATE, "a candidate has signed in on this connection already");
        return CONN_TAKEN;
    }
    cmd.u.sign_in.seat = seat->name;
    cmd.u.sign_in.admission_no = m->admission_no;
    cmd.u.sign_in.id_no = vault_id_given(s->node.vault, engine_exam(s->node.engine),
                                         m->admission_no, m->id_no, id_no);
    cmd.u.sign_in.session = m->session.data;
    cmd.u.sign_in.mark = m->mark.len ? m->mark.data : NULL;
    cmd.u.sign_in.mark_bytes = m->mark.len;
    decide_contact(s, c, id, &cmd, m->admission_no);
    return CONN_TAKEN;
}

/* T6: what no clock can have measured is clipped by the rules, and told: the seat's clock is wrong,
 * or somebody has been at it. */
static void claim_check(struct seat_server *s, const struct seat *seat, const Seat__Attach *m)
{
    bool open_too_long = m->clock_continuous && !m->ended && m->open_ms > m->since_ms;
    if (open_too_long || (m->open_ms | m->since_ms | m->ended_ago_ms) > INT64_MAX)
        seat_log(s, seat->name, "claim-impossible", OPLOG_S("seat", seat->name),
                 OPLOG_U("open_ms", m->open_ms), OPLOG_U("since_ms", m->since_ms),
                 OPLOG_U("ended_ago_ms", m->ended_ago_ms),
                 OPLOG_S("text", "the claim is clipped to the grace and to what has passed (T6)"));
}

static enum conn_verdict take_attach(struct seat_server *s, struct conn *c, uint32_t id,
                                     const Seat__Attach *m)
{
    struct seat *seat = conn_data(c);
    struct exam_command cmd = {.kind = EXAM_CMD_ATTACH};
    if (other_sitting(s, seat, m->admission_no)) {
        refuse_now(s, c, id, EXAM_STATE, "a sitting is attached on this connection already");
        return CONN_TAKEN;
    }
    claim_check(s, seat, m);
    cmd.u.attach.seat = seat->name;
    cmd.u.attach.admission_no = m->admission_no;
    cmd.u.attach.session = m->session.data;
    cmd.u.attach.mark = m->mark.len ? m->mark.data : NULL;
    cmd.u.attach.mark_bytes = m->mark.len;
    cmd.u.attach.open_ms = m->open_ms;
    cmd.u.attach.since_ms = m->since_ms;
    cmd.u.attach.clock_continuous = m->clock_continuous;
    cmd.u.attach.ended = m->ended;
    cmd.u.attach.ended_ago_ms = m->ended_ago_ms;
    cmd.u.attach.submitted = m->submitted;
    cmd.u.attach.slack_ms = s->node.word_slack_ms;
    decide_contact(s, c, id, &cmd, m->admission_no);
    return CONN_TAKEN;
}

static void beats_grow(struct seat_server *s)
{
    size_t max = s->beats_max ? 2 * s->beats_max : 1024;
    struct beat *beats = realloc(s->beats, max * sizeof *beats);
    struct exam_word *words = realloc(s->words, max * sizeof *words);
    if (!beats || !words)
        abort();
    s->beats = beats;
    s->words = words;
    s->beats_max = max;
}

/* A seat may have said several things at once: the last one counts. */
static void take_word(struct seat_server *s, uint32_t sitting, uint64_t used_ms)
{
    struct contact *k = contact_of(s, sitting);
    if (!k->word) {
        s->words[s->words_n++] = (struct exam_word){.sitting = sitting};
        k->word = s->words_n;
    }
    struct exam_word *w = &s->words[k->word - 1];
    if (said_ms(s, used_ms) > w->said_ms)
        w->said_ms = said_ms(s, used_ms);
    w->heard_ms = heard_ms(s);
}

static void take_beat(struct seat_server *s, struct conn *c, uint32_t id, uint64_t seq,
                      uint64_t used_ms)
{
    const struct seat *seat = conn_data(c);
    if (s->beats_n == s->beats_max)
        beats_grow(s);
    if (!s->beats_n)
        s->beats_due_ms = clock_boot_ms() + s->node.beats_gather_ms;
    take_word(s, seat->sitting, used_ms);
    s->beats[s->beats_n++] =
        (struct beat){.conn = conn_ref_of(c), .sitting = seat->sitting, .id = id, .seq = seq};
}

static enum conn_verdict take_answer(struct seat_server *s, struct conn *c, uint32_t id,
                                     const Seat__Answer *m)
{
    struct seat *seat = conn_data(c);
    struct exam_command cmd = {.kind = EXAM_CMD_ANSWER};
    struct exam_refusal why;
    uint64_t lsn, before = engine_last(s->node.engine).lsn;
    cmd.u.answer.sitting = seat->sitting;
    cmd.u.answer.seq = m->seq;
    cmd.u.answer.item = m->item;
    cmd.u.answer.value = m->value.data;
    cmd.u.answer.value_bytes = m->value.len;
    cmd.u.answer.made_at_ms = m->used_ms;
    cmd.u.answer.said_ms = said_ms(s, m->used_ms);
    cmd.u.answer.heard_ms = heard_ms(s);
    cmd.u.answer.attachment_epoch = m->attachment_epoch;
    cmd.u.answer.attachment_lsn = m->attachment_lsn;
    cmd.u.answer.former = seat->former;
    s->decided_late = false;
    exam_err err = engine_decide(s->node.engine, &cmd, &why, &lsn);
    if (err) {
        queue_refused(s, c, id, m->seq, &why);
    } else if (seat->former) {
        former_ack(s, c, id, m->seq);
    } else if (lsn == before) {
        take_beat(s, c, id, m->seq, m->used_ms); /* A4: a duplicate has a mark of its own */
    } else {
        struct reply r = {.lsn = lsn, .late = s->decided_late, .finished = s->decided_late};
        queue_ack(s, c, id, m->seq, &r);
    }
    return CONN_TAKEN;
}

/* D8: the answers are final; with keys the candidate hears where they are in the log. */
static void notice_submitted(struct seat_server *s, struct conn *c)
{
    const struct seat *seat = conn_data(c);
    char receipt[RECEIPT_BYTES_MAX];
    struct exam_sitting_view v;
    Seat__Notice n = SEAT__NOTICE__INIT;
    Seat__Reply r = SEAT__REPLY__INIT;
    exam_sitting_view(engine_exam(s->node.engine), seat->sitting, logged_ms(s), &v);
    if (!s->node.keys || v.finish != EV__FINISH__FINISH_SUBMITTED)
        return;
    n.kind = SEAT__NOTICE_KIND__NOTICE_KIND_FINISHED;
    n.epoch = s->node.epoch(s->node.ctx);
    n.finish = (uint32_t)v.finish;
    receipt_put(s, seat->sitting, NULL, receipt, &n);
    r.kind_case = SEAT__REPLY__KIND_NOTICE;
    r.notice = &n;
    queue_frame(s, c, 0, &r);
}

static enum conn_verdict take_submit(struct seat_server *s, struct conn *c, uint32_t id,
                                     const Seat__Submit *m)
{
    struct seat *seat = conn_data(c);
    struct exam_command cmd = {.kind = EXAM_CMD_SUBMIT};
    struct exam_refusal why;
    uint64_t lsn;
    cmd.u.submit.sitting = seat->sitting;
    cmd.u.submit.seq = m->seq;
    cmd.u.submit.said_ms = said_ms(s, m->used_ms);
    cmd.u.submit.heard_ms = heard_ms(s);
    cmd.u.submit.attachment_epoch = m->attachment_epoch;
    cmd.u.submit.former = seat->former;
    exam_err err = engine_decide(s->node.engine, &cmd, &why, &lsn);
    if (err) {
        queue_refused(s, c, id, m->seq, &why);
    } else if (seat->former) {
        former_ack(s, c, id, m->seq);
    } else {
        struct reply r = {.lsn = lsn, .finished = true};
        queue_ack(s, c, id, m->seq, &r);
        notice_submitted(s, c);
    }
    return CONN_TAKEN;
}

static void refuse_fetch(struct seat_server *s, struct conn *c, uint32_t id, exam_err err)
{
    struct exam_refusal why = {.code = err, .rule = "P2"};
    snprintf(why.text, sizeof why.text, "%s",
             err == EXAM_STATE     ? "the batch has not started: the paper is still sealed"
             : err == EXAM_REFUSED ? "the paper is sealed, and this node has no data key"
                                   : "there is nothing of the paper at that offset");
    queue_refused(s, c, id, 0, &why);
}

static enum conn_verdict take_fetch(struct seat_server *s, struct conn *c, uint32_t id,
                                    const Seat__FetchPaper *m)
{
    const exam *x = engine_exam(s->node.engine);
    struct seat *seat = conn_data(c);
    struct exam_sitting_view v;
    const uint8_t *bytes;
    size_t n;
    exam_err err =
        seat->former ? EXAM_STATE : exam_paper_at(x, seat->sitting, m->offset, &bytes, &n);
    if (!err) {
        exam_sitting_view(x, seat->sitting, engine_now_ms(s->node.engine), &v);
        n = n < PAPER_CHUNK_BYTES_MAX ? n : PAPER_CHUNK_BYTES_MAX;
        memcpy(s->paper, bytes, n);
        err = vault_open_paper(s->node.vault, &v, m->offset, s->paper, n);
    }
    if (err) {
        refuse_fetch(s, c, id, err);
        return CONN_TAKEN;
    }
    Seat__PaperPart p = SEAT__PAPER_PART__INIT;
    Seat__Reply r = SEAT__REPLY__INIT;
    p.offset = m->offset;
    p.total = v.paper_bytes;
    p.data.data = s->paper;
    p.data.len = n;
    r.id = id;
    r.kind_case = SEAT__REPLY__KIND_PAPER_PART;
    r.paper_part = &p;
    queue_frame(s, c, 0, &r);
    return CONN_TAKEN;
}

static enum conn_verdict take_of_sitting(struct seat_server *s, struct conn *c,
                                         const Seat__Request *m)
{
    struct seat *seat = conn_data(c);
    if (!seat->sitting) {
        refuse_now(s, c, m->id, EXAM_STATE, "nobody has signed in on this connection");
        return CONN_TAKEN;
    }
    switch (m->kind_case) {
    case SEAT__REQUEST__KIND_HEARTBEAT:
        seat->told = true;
        seat->unsent = m->heartbeat->unsent;
        if (seat->former)
            former_ack(s, c, m->id, 0);
        else
            take_beat(s, c, m->id, 0, m->heartbeat->used_ms);
        return CONN_TAKEN;
    case SEAT__REQUEST__KIND_ANSWER:
        return take_answer(s, c, m->id, m->answer);
    case SEAT__REQUEST__KIND_SUBMIT:
        return take_submit(s, c, m->id, m->submit);
    case SEAT__REQUEST__KIND_FETCH_PAPER:
        return take_fetch(s, c, m->id, m->fetch_paper);
    default:
        return CONN_CLOSE;
    }
}

static enum conn_verdict on_frame(void *ctx, struct conn *c, const uint8_t *payload, size_t bytes)
{
    struct seat_server *s = ctx;
    struct seat *seat = conn_data(c);
    const Seat__Request *m;
    const char *why = "";
    exam_err err = codec_seat_request(&s->arena, payload, bytes, &m, &why);
    if (err) {
        seat_log(s, seat->name, "seat-frame-refused", OPLOG_S("peer", conn_peer(c)),
                 OPLOG_S("seat", seat->name), OPLOG_S("why", why));
        if (conn_is_known(c))
            refuse_now(s, c, 0, err, why);
        return CONN_CLOSE;
    }
    if (m->kind_case == SEAT__REQUEST__KIND_HELLO)
        return take_hello(s, c, m->id, m->hello);
    if (!conn_is_known(c))
        return CONN_CLOSE;
    if (m->kind_case == SEAT__REQUEST__KIND_BYE) {
        conn_close(c, "the seat said goodbye");
        return CONN_TAKEN;
    }
    if (!s->node.serving(s->node.ctx)) {
        refuse_now(s, c, m->id, EXAM_NOT_PRIMARY, "this node does not serve (W1)");
        return CONN_TAKEN;
    }
    if (s->node.held(s->node.ctx))
        return CONN_HELD;
    if (seat->waiting >= REPLIES_PER_SEAT_MAX) {
        refuse_now(s, c, m->id, EXAM_AGAIN, "too many requests of this seat without a reply yet");
        return CONN_CLOSE;
    }
    switch (m->kind_case) {
    case SEAT__REQUEST__KIND_SIGN_IN:
        return take_sign_in(s, c, m->id, m->sign_in);
    case SEAT__REQUEST__KIND_ATTACH:
        return take_attach(s, c, m->id, m->attach);
    default:
        return take_of_sitting(s, c, m);
    }
}

/* ---------------------------------------------------------------- the node's turns */

void seat_server_flush(struct seat_server *s)
{
    struct exam_command cmd = {.kind = EXAM_CMD_MARK};
    struct exam_refusal why;
    uint64_t lsn;
    if (!s->beats_n || !can_decide(s))
        return;
    cmd.u.mark.words = s->words;
    cmd.u.mark.n = s->words_n;
    exam_err err = engine_decide(s->node.engine, &cmd, &why, &lsn);
    if (err)
        oplog(OPLOG_WARN, "marks-refused", OPLOG_S("why", why.text));
    for (size_t i = 0; i < s->beats_n; i++) {
        const struct beat *b = &s->beats[i];
        struct conn *c = conn_of(s->server, b->conn);
        struct reply r = {.lsn = lsn};
        if (c && ((struct seat *)conn_data(c))->sitting == b->sitting)
            queue_ack(s, c, b->id, b->seq, &r);
    }
    for (size_t i = 0; i < s->words_n; i++)
        contact_of(s, s->words[i].sitting)->word = 0;
    s->beats_n = s->words_n = 0;
}

uint64_t seat_server_due_ms(const struct seat_server *s)
{
    return s->beats_n && s->node.serving(s->node.ctx) && !s->node.held(s->node.ctx)
               ? s->beats_due_ms
               : UINT64_MAX;
}

static void notice_batch(struct seat_server *s, uint32_t batch, uint64_t lsn, Seat__NoticeKind kind)
{
    const exam *x = engine_exam(s->node.engine);
    for (uint32_t i = 0; (i = exam_batch_next_sitting(x, batch, i));)
        notice(s, i, lsn, kind);
}

static void notice_collected(struct seat_server *s, uint32_t batch, const struct record *r)
{
    const exam *x = engine_exam(s->node.engine);
    for (uint32_t i = 0; (i = exam_batch_next_sitting(x, batch, i));)
        notice_with_receipt(s, i, r->lsn, SEAT__NOTICE_KIND__NOTICE_KIND_COLLECTED, r);
}

/* What a change means to one seat: its clock stands, goes on, or has another length (T8, T9). */
static void notice_clock(struct seat_server *s, uint32_t sitting, uint64_t lsn,
                         Seat__NoticeKind running)
{
    struct exam_sitting_view v;
    if (!contact_conn(s, sitting))
        return;
    exam_sitting_view(engine_exam(s->node.engine), sitting, logged_ms(s), &v);
    if (!v.batch_running)
        return;
    if (v.state == EXAM_SITTING_PAUSED)
        notice(s, sitting, lsn, SEAT__NOTICE_KIND__NOTICE_KIND_PAUSED);
    else if (v.state == EXAM_SITTING_ANSWERING && running)
        notice(s, sitting, lsn, running);
}

static void notice_scope(struct seat_server *s, const Ev__Scope *scope, uint64_t lsn,
                         Seat__NoticeKind running)
{
    const exam *x = engine_exam(s->node.engine);
    for (uint32_t i = 1; i < s->contacts_max && i <= exam_sittings(x); i++)
        if (s->contacts[i].on && exam_scope_has(x, scope, i))
            notice_clock(s, i, lsn, running);
}

static void notice_suspension(struct seat_server *s, uint32_t batch, uint64_t lsn,
                              Seat__NoticeKind running)
{
    Ev__Scope scope = EV__SCOPE__INIT;
    scope.kind = EV__SCOPE_KIND__SCOPE_KIND_BATCH;
    scope.no = batch;
    notice_scope(s, &scope, lsn, running);
}

static void notice_granted(struct seat_server *s, const Ev__Granted *e, uint64_t lsn)
{
    for (size_t i = 0; i < e->n_sitting; i++)
        notice_clock(s, e->sitting[i], lsn, SEAT__NOTICE_KIND__NOTICE_KIND_ACCOUNT);
}

/* A batch may start in a room that is paused: the paper is there, and the screen stays closed. */
static void notice_started(struct seat_server *s, uint32_t batch, uint64_t lsn)
{
    const exam *x = engine_exam(s->node.engine);
    notice_batch(s, batch, lsn, SEAT__NOTICE_KIND__NOTICE_KIND_STARTED);
    for (uint32_t i = 0; (i = exam_batch_next_sitting(x, batch, i));)
        notice_clock(s, i, lsn, SEAT__NOTICE_KIND__NOTICE_KIND_UNKNOWN);
}

static void event_of_clock(struct seat_server *s, const struct record *r, const Ev__Event *event)
{
    switch (event->kind_case) {
    case EV__EVENT__KIND_PAUSED:
        notice_scope(s, event->paused->scope, r->lsn, SEAT__NOTICE_KIND__NOTICE_KIND_UNKNOWN);
        break;
    case EV__EVENT__KIND_RESUMED:
        notice_scope(s, event->resumed->scope, r->lsn, SEAT__NOTICE_KIND__NOTICE_KIND_RESUMED);
        break;
    case EV__EVENT__KIND_BATCH_SUSPENDED:
        notice_suspension(s, event->batch_suspended->batch, r->lsn,
                          SEAT__NOTICE_KIND__NOTICE_KIND_UNKNOWN);
        break;
    case EV__EVENT__KIND_BATCH_UNSUSPENDED:
        notice_suspension(s, event->batch_unsuspended->batch, r->lsn,
                          SEAT__NOTICE_KIND__NOTICE_KIND_RESUMED);
        break;
    case EV__EVENT__KIND_GRANTED:
        notice_granted(s, event->granted, r->lsn);
        break;
    case EV__EVENT__KIND_RECOVERED:
        if (event->recovered->granted)
            notice_granted(s, event->recovered->granted, r->lsn);
        break;
    case EV__EVENT__KIND_MOVED:
        former_leaves(s, event->moved->sitting);
        break;
    default:
        break;
    }
}

void seat_server_event(struct seat_server *s, const struct record *r, const Ev__Event *event)
{
    switch (event->kind_case) {
    case EV__EVENT__KIND_ANSWERED:
        s->decided_late = event->answered->late;
        break;
    case EV__EVENT__KIND_BATCH_STARTED:
        notice_started(s, event->batch_started->batch, r->lsn);
        break;
    case EV__EVENT__KIND_BATCH_COLLECTED:
        notice_collected(s, event->batch_collected->batch, r);
        break;
    case EV__EVENT__KIND_FINISHED:
        for (size_t i = 0; i < event->finished->n_sitting; i++)
            notice(s, event->finished->sitting[i], r->lsn, SEAT__NOTICE_KIND__NOTICE_KIND_FINISHED);
        break;
    default:
        event_of_clock(s, r, event);
        break;
    }
}

struct serving_notice {
    struct seat_server *server;
    Seat__NoticeKind kind;
};

static void tell_serving(void *ctx, struct conn *c)
{
    const struct serving_notice *t = ctx;
    struct seat *seat = conn_data(c);
    Seat__Notice n = SEAT__NOTICE__INIT;
    Seat__Reply r = SEAT__REPLY__INIT;
    seat->sitting = seat->former = 0; /* each attaches anew (T5) */
    seat->told = false;
    seat->waiting = 0;
    if (!conn_is_known(c))
        return;
    n.kind = t->kind;
    n.epoch = t->server->node.epoch(t->server->node.ctx);
    r.kind_case = SEAT__REPLY__KIND_NOTICE;
    r.notice = &n;
    send_now(t->server, c, &r);
}

void seat_server_serving(struct seat_server *s, bool serving)
{
    struct serving_notice t = {.server = s,
                               .kind = serving ? SEAT__NOTICE_KIND__NOTICE_KIND_SERVING
                                               : SEAT__NOTICE_KIND__NOTICE_KIND_RETIRED};
    /* What was promised to nobody yet is not for this node to promise any more (D3). */
    reply_queue_fini(&s->queue);
    s->released_lsn = 0;
    s->beats_n = s->words_n = 0;
    s->attached_n = 0;
    if (s->contacts_max)
        memset(s->contacts, 0, s->contacts_max * sizeof *s->contacts);
    server_each(s->server, tell_serving, &t);
    server_release_held(s->server);
}

void seat_server_resume(struct seat_server *s)
{
    for (uint32_t i = 1; i < s->contacts_max && can_decide(s); i++)
        if (s->contacts[i].on && s->contacts[i].gone)
            decide_detach(s, i);
    server_release_held(s->server);
}

static void sweep_seat(void *ctx, struct conn *c)
{
    struct seat_server *s = ctx;
    struct seat *seat = conn_data(c);
    uint64_t silent_ms = clock_boot_ms() - conn_heard_ms(c);
    struct exam_sitting_view v;
    if (!seat->sitting || silent_ms < SILENT_MS_MIN)
        return;
    exam_sitting_view(engine_exam(s->node.engine), seat->sitting, engine_now_ms(s->node.engine),
                      &v);
    if (silent_ms > SILENT_HEARTBEATS * v.heartbeat_ms)
        conn_close(c, "no heartbeat");
}

void seat_server_sweep(struct seat_server *s)
{
    oplog_gate_sweep(&s->gate, clock_boot_ms());
    server_sweep(s->server, clock_boot_ms());
    server_each(s->server, sweep_seat, s);
}

struct contacts_asked {
    const exam *x;
    struct seat_contact *by_seat;
    const char *seat; /* only this one: is it there? */
    bool found;
};

static void contact_note(void *ctx, struct conn *c)
{
    struct contacts_asked *a = ctx;
    const struct seat *seat = conn_data(c);
    uint32_t no;
    if (!conn_is_known(c) || exam_find_seat(a->x, seat->name, &no))
        return;
    a->by_seat[no] = (struct seat_contact){.connected = true,
                                           .unsent_known = seat->told,
                                           .unsent = seat->unsent,
                                           .silent_ms = clock_boot_ms() - conn_heard_ms(c)};
}

void seat_server_contacts(struct seat_server *s, struct seat_contact *by_seat)
{
    struct contacts_asked a = {.x = engine_exam(s->node.engine), .by_seat = by_seat};
    memset(by_seat, 0, (exam_seats(a.x) + 1) * sizeof *by_seat);
    server_each(s->server, contact_note, &a);
}

static void contact_find(void *ctx, struct conn *c)
{
    struct contacts_asked *a = ctx;
    const struct seat *seat = conn_data(c);
    a->found |= conn_is_known(c) && !strcmp(seat->name, a->seat);
}

bool seat_server_in_contact(struct seat_server *s, const char *seat)
{
    struct contacts_asked a = {.seat = seat};
    server_each(s->server, contact_find, &a);
    return a.found;
}

uint32_t seat_server_seats(const struct seat_server *s)
{
    return server_conns(s->server);
}

void seat_server_recheck(struct seat_server *s)
{
    server_recheck(s->server);
}

uint32_t seat_server_attached(const struct seat_server *s)
{
    return s->attached_n;
}

size_t seat_server_queued(const struct seat_server *s)
{
    return s->queue.n;
}

const struct histogram *seat_server_waits(const struct seat_server *s)
{
    return &s->waits;
}

exam_err seat_server_open(struct uv_loop_s *loop, const struct config *config,
                          const struct seat_node *node, struct seat_server **out, char *why,
                          size_t why_bytes)
{
    const struct server_options o = {
        .name = "seat-listen",
        .listen = config->seat_listen,
        .conns_max = config->seats_max,
        .per_address_max = config->seats_per_address_max,
        .strangers_max = STRANGERS_MAX,
        .per_key_max = CONNS_OF_A_SEAT_MAX,
        .frames_per_turn = FRAMES_PER_TURN,
        .bytes_a_second = BYTES_A_SECOND,
        .payload_bytes_max = SEAT_REQUEST_BYTES_MAX,
        .queue_bytes_max = QUEUE_BYTES_MAX,
        .conn_bytes = sizeof(struct seat),
        .tunnel = {.keys = node->keys, .conversation = CHANNEL_SEAT, .peers = KEY_SEAT},
    };
    const struct server_handlers h = {.frame = on_frame, .closed = on_closed};
    struct seat_server *s = calloc(1, sizeof *s);
    uint8_t *block = malloc(ARENA_BYTES_SEAT);
    exam_err err = s && block ? EXAM_OK : EXAM_NOMEM;
    if (!err) {
        s->node = *node;
        s->arena_block = block;
        arena_init(&s->arena, block, ARENA_BYTES_SEAT);
        err = server_listen(loop, &o, &h, s, &s->server, why, why_bytes);
    }
    if (err) {
        free(block);
        free(s);
        return err;
    }
    *out = s;
    return EXAM_OK;
}

void seat_server_close(struct seat_server *s)
{
    server_close(s->server);
}

void seat_server_free(struct seat_server *s)
{
    reply_queue_fini(&s->queue);
    free(s->contacts);
    free(s->beats);
    free(s->words);
    free(s->arena_block);
    free(s);
}
