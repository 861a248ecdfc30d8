#include "seat_world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#define ADMISSION_NO "2026010001"

static struct world *of(void *ctx)
{
    return ctx;
}

/* ---------------------------------------------------------------- the wire */

static void queue_push(struct world *w, uint32_t node, const uint8_t *bytes, size_t n, bool opened,
                       bool closed)
{
    assert(w->queue_n < WORLD_QUEUE_MAX);
    size_t at = (w->queue_head + w->queue_n++) % WORLD_QUEUE_MAX;
    w->queue[at].node = node;
    w->queue[at].opened = opened;
    w->queue[at].closed = closed;
    w->queue[at].n = n;
    w->queue[at].bytes = malloc(n + 1);
    if (n > 0)
        memcpy(w->queue[at].bytes, bytes, n);
}

/* What was under way from a node is gone with its connection. */
static void queue_purge(struct world *w, uint32_t node)
{
    size_t n = w->queue_n, head = w->queue_head;
    w->queue_n = 0;
    for (size_t i = 0; i < n; i++) {
        size_t from = (head + i) % WORLD_QUEUE_MAX;
        if (w->queue[from].node == node) {
            free(w->queue[from].bytes);
            continue;
        }
        size_t to = (head + w->queue_n++) % WORLD_QUEUE_MAX;
        if (to != from)
            w->queue[to] = w->queue[from];
    }
}

static void mutate(struct world *w, uint8_t *bytes, size_t n)
{
    w->mutate_seed = w->mutate_seed * 6364136223846793005u + 1442695040888963407u;
    uint64_t dice = w->mutate_seed >> 33;
    if (dice % 4 != 0 || n == 0)
        return;
    bytes[dice / 4 % n] = (uint8_t)(dice >> 20);
    w->mutated_n++;
}

void world_send_bytes(struct world *w, uint32_t node, const uint8_t *payload, size_t n)
{
    if (!w->nodes[node].linked)
        return;
    queue_push(w, node, payload, n, false, false);
    if (w->mutate_seed != 0)
        mutate(w, w->queue[(w->queue_head + w->queue_n - 1) % WORLD_QUEUE_MAX].bytes, n);
}

void world_send(struct world *w, uint32_t node, const Seat__Reply *m)
{
    uint8_t *bytes = malloc(seat__reply__get_packed_size(m));
    size_t n = seat__reply__pack(m, bytes);
    world_send_bytes(w, node, bytes, n);
    free(bytes);
}

/* ---------------------------------------------------------------- the nodes */

static bool clock_runs(const struct world_site *site)
{
    return site->attached && site->state == SEAT__SITTING_STATE__SITTING_STATE_ANSWERING;
}

uint64_t world_node_used_ms(const struct world *w)
{
    const struct world_site *site = &w->site;
    uint64_t used_ms = site->used_ms;
    if (clock_runs(site))
        used_ms += w->now_ms - site->marked_at_ms;
    return used_ms < site->allot_ms ? used_ms : site->allot_ms;
}

static void site_mark(struct world *w)
{
    w->site.used_ms = world_node_used_ms(w);
    w->site.marked_at_ms = w->now_ms;
}

static void mark_put(const struct world *w, uint8_t out[8])
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(w->site.used_ms >> (56 - 8 * i));
}

static uint64_t mark_get(const ProtobufCBinaryData *mark)
{
    uint64_t used_ms = 0;
    for (size_t i = 0; i < mark->len && i < 8; i++)
        used_ms = used_ms << 8 | mark->data[i];
    return used_ms;
}

static void refuse(struct world *w, uint32_t node, uint32_t id, exam_err code, uint64_t seq)
{
    Seat__Reply m = SEAT__REPLY__INIT;
    Seat__Refused r = SEAT__REFUSED__INIT;
    r.code = code;
    r.text = (char *)(uintptr_t) "refused by the test";
    r.seq = seq;
    r.seq_have = code == EXAM_GAP ? w->site.seq_have : 0;
    m.id = id;
    m.kind_case = SEAT__REPLY__KIND_REFUSED;
    m.refused = &r;
    world_send(w, node, &m);
}

static void hello_take(struct world *w, uint32_t node, uint32_t id, const Seat__Hello *h)
{
    struct world_node *n = &w->nodes[node];
    n->hellos_n++;
    n->epoch_told = h->epoch_seen;
    if (h->site_id.len == SITE_ID_BYTES)
        memcpy(n->site_told, h->site_id.data, SITE_ID_BYTES);
    if (n->refuse_hello != EXAM_OK) {
        refuse(w, node, id, n->refuse_hello, 0);
        return;
    }
    Seat__Reply m = SEAT__REPLY__INIT;
    Seat__Welcome welcome = SEAT__WELCOME__INIT;
    welcome.version = n->version;
    welcome.node = (char *)(uintptr_t) "A";
    welcome.site_id.data = n->site_id;
    welcome.site_id.len = n->empty ? 0 : SITE_ID_BYTES;
    welcome.epoch = n->epoch;
    welcome.serving = n->serving;
    m.id = id;
    m.kind_case = SEAT__REPLY__KIND_WELCOME;
    m.welcome = &welcome;
    world_send(w, node, &m);
}

static void digest_put(const struct world *w, ProtobufCBinaryData *out, uint8_t digest[HASH_BYTES])
{
    crypto_generichash(digest, HASH_BYTES, w->site.paper, WORLD_PAPER_BYTES, NULL, 0);
    out->data = digest;
    out->len = HASH_BYTES;
}

static void account_put(const struct world *w, Seat__Account *a)
{
    seat__account__init(a);
    a->allot_ms = w->site.allot_ms;
    a->used_ms = w->site.used_ms;
    a->left_ms = w->site.allot_ms - w->site.used_ms;
}

static void attached_send(struct world *w, uint32_t node, uint32_t id)
{
    struct world_site *site = &w->site;
    Seat__Reply m = SEAT__REPLY__INIT;
    Seat__Attached a = SEAT__ATTACHED__INIT;
    Seat__Account account;
    Seat__Candidate c = SEAT__CANDIDATE__INIT;
    uint8_t mark[8], digest[HASH_BYTES];
    account_put(w, &account);
    mark_put(w, mark);
    c.admission_no = site->admission_no;
    c.room = c.seat = c.batch = (char *)(uintptr_t) "R01";
    a.candidate = &c;
    a.account = &account;
    a.state = site->state;
    a.finish = (uint32_t)site->finish;
    a.attachment_epoch = w->nodes[node].epoch;
    a.attachment_lsn = ++site->attachments;
    a.seq_have = site->seq_have;
    a.seq_refused = site->seq_refused;
    a.heartbeat_ms = site->heartbeat_ms;
    a.grace_ms = site->grace_ms;
    if (site->state != SEAT__SITTING_STATE__SITTING_STATE_WAITING) {
        a.paper_bytes = WORLD_PAPER_BYTES;
        digest_put(w, &a.paper_digest, digest);
    }
    a.durability = w->nodes[node].durability;
    a.mark.data = mark;
    a.mark.len = sizeof(mark);
    a.epoch = w->nodes[node].epoch;
    m.id = id;
    m.kind_case = SEAT__REPLY__KIND_ATTACHED;
    m.attached = &a;
    site->attached = true;
    world_send(w, node, &m);
}

static void sign_in_take(struct world *w, uint32_t node, uint32_t id, const Seat__SignIn *s)
{
    struct world_node *n = &w->nodes[node];
    n->sign_in_n++;
    if (n->refuse_sign_in != EXAM_OK) {
        refuse(w, node, id, n->refuse_sign_in, 0);
        return;
    }
    site_mark(w);
    w->site.signed_in = true;
    memcpy(w->site.session, s->session.data, SESSION_BYTES);
    strcpy(w->site.admission_no, s->admission_no);
    attached_send(w, node, id);
}

/* T6, the simple way: the larger of the node's own mark and the carried mark + claim. */
static void attach_take(struct world *w, uint32_t node, uint32_t id, const Seat__Attach *a)
{
    struct world_node *n = &w->nodes[node];
    struct world_site *site = &w->site;
    n->attach_n++;
    n->claim.open_ms = a->open_ms;
    n->claim.since_ms = a->since_ms;
    n->claim.clock_continuous = a->clock_continuous;
    n->claim.ended = a->ended;
    n->claim.submitted = a->submitted;
    n->claim.ended_ago_ms = a->ended_ago_ms;
    n->claim.mark_used_ms = mark_get(&a->mark);
    if (n->hold_attach) {
        n->held_attach_id = id;
        return;
    }
    exam_err refusal = n->refuse_attach;
    if (refusal == EXAM_OK &&
        (!site->signed_in || memcmp(site->session, a->session.data, SESSION_BYTES) != 0))
        refusal = EXAM_AUTH;
    if (refusal != EXAM_OK) {
        refuse(w, node, id, refusal, 0);
        return;
    }
    uint64_t open_ms = a->open_ms < site->grace_ms ? a->open_ms : site->grace_ms;
    uint64_t claimed_ms = n->claim.mark_used_ms + open_ms;
    if (site->state == SEAT__SITTING_STATE__SITTING_STATE_ANSWERING && claimed_ms > site->used_ms)
        site->used_ms = claimed_ms < site->allot_ms ? claimed_ms : site->allot_ms;
    site->marked_at_ms = w->now_ms;
    if (site->state == SEAT__SITTING_STATE__SITTING_STATE_ANSWERING &&
        site->used_ms == site->allot_ms) {
        site->state = SEAT__SITTING_STATE__SITTING_STATE_FINISHED;
        site->finish = EV__FINISH__FINISH_TIMED_OUT;
    }
    attached_send(w, node, id);
}

static void ack_send(struct world *w, uint32_t node, uint32_t id, uint64_t seq, bool finished)
{
    Seat__Reply m = SEAT__REPLY__INIT;
    Seat__Ack a = SEAT__ACK__INIT;
    uint8_t mark[8];
    site_mark(w);
    mark_put(w, mark);
    a.seq = seq;
    a.durability = w->nodes[node].durability;
    a.ago_ms = w->nodes[node].ago_ms;
    a.used_ms = w->site.used_ms - a.ago_ms;
    a.left_ms = w->site.allot_ms - a.used_ms;
    a.mark.data = mark;
    a.mark.len = sizeof(mark);
    a.late = seq > 0 && w->nodes[node].late;
    a.finished = finished;
    m.id = id;
    m.kind_case = SEAT__REPLY__KIND_ACK;
    m.ack = &a;
    world_send(w, node, &m);
}

/* True when the action is taken or was before. */
static bool action_take(struct world *w, uint32_t node, uint32_t id, uint64_t seq)
{
    struct world_node *n = &w->nodes[node];
    n->answers_n++;
    if (n->hold)
        return false;
    if (n->refuse_answers != EXAM_OK && seq >= n->refuse_from_seq) {
        if (exam_err_class_of(n->refuse_answers) != EXAM_CLASS_RETRY)
            w->site.seq_have = seq > w->site.seq_have ? seq : w->site.seq_have;
        refuse(w, node, id, n->refuse_answers, seq);
        return false;
    }
    if (seq <= w->site.seq_refused && w->site.values[seq][0] == '\0') {
        refuse(w, node, id, EXAM_LATE, seq);
        return false;
    }
    if (seq > w->site.seq_have + 1) {
        refuse(w, node, id, EXAM_GAP, seq);
        return false;
    }
    if (seq == w->site.seq_have + 1)
        w->site.seq_have = seq;
    return true;
}

static void paper_part_send(struct world *w, uint32_t node, uint32_t id, uint32_t offset)
{
    Seat__Reply m = SEAT__REPLY__INIT;
    Seat__PaperPart p = SEAT__PAPER_PART__INIT;
    size_t left = WORLD_PAPER_BYTES - offset;
    p.offset = offset;
    p.total = WORLD_PAPER_BYTES;
    p.data.data = w->site.paper + offset;
    p.data.len = left < PAPER_CHUNK_BYTES_MAX ? left : PAPER_CHUNK_BYTES_MAX;
    uint8_t kept = w->site.paper[offset];
    if (w->site.paper_spoiled)
        w->site.paper[offset] ^= 1;
    m.id = id;
    m.kind_case = SEAT__REPLY__KIND_PAPER_PART;
    m.paper_part = &p;
    world_send(w, node, &m);
    w->site.paper[offset] = kept;
}

/* D1's order: an action on the wire is in the journal, durably. */
static void durable_check(struct world *w, uint64_t seq)
{
    struct journal_chain chain = {.settled = false};
    for (size_t i = w->records_n; i > 0; i--) {
        struct seat_record r;
        size_t n;
        memset(&chain, 0, sizeof(chain));
        if (journal_record_get(w->records[i - 1].bytes, w->records[i - 1].n, &chain, &r, &n))
            abort();
        if (r.kind != SEAT_RECORD_ANSWER && r.kind != SEAT_RECORD_SUBMIT)
            continue;
        if (r.u.action.seq == seq && w->records[i - 1].durable)
            return;
        if (r.u.action.seq < seq)
            break;
    }
    w->sent_undurable_n++;
}

static void sitting_take(struct world *w, uint32_t node, const Seat__Request *m)
{
    switch (m->kind_case) {
    case SEAT__REQUEST__KIND_HEARTBEAT:
        w->nodes[node].heartbeats_n++;
        ack_send(w, node, m->id, 0, false);
        return;
    case SEAT__REQUEST__KIND_ANSWER:
        durable_check(w, m->answer->seq);
        if (!action_take(w, node, m->id, m->answer->seq))
            return;
        if (m->answer->seq < WORLD_ACTIONS_MAX && m->answer->value.len - 1 < 15) {
            memset(w->site.values[m->answer->seq], 0, 16);
            memcpy(w->site.values[m->answer->seq], m->answer->value.data, m->answer->value.len);
        }
        ack_send(w, node, m->id, m->answer->seq, w->nodes[node].late);
        return;
    case SEAT__REQUEST__KIND_SUBMIT:
        durable_check(w, m->submit->seq);
        if (!action_take(w, node, m->id, m->submit->seq))
            return;
        ack_send(w, node, m->id, m->submit->seq, true);
        w->site.state = SEAT__SITTING_STATE__SITTING_STATE_FINISHED;
        w->site.finish = EV__FINISH__FINISH_SUBMITTED;
        return;
    case SEAT__REQUEST__KIND_FETCH_PAPER:
        paper_part_send(w, node, m->id, m->fetch_paper->offset);
        return;
    default:
        return;
    }
}

static void request_take(struct world *w, uint32_t node, const Seat__Request *m)
{
    struct world_node *n = &w->nodes[node];
    if (m->kind_case == SEAT__REQUEST__KIND_HELLO)
        hello_take(w, node, m->id, m->hello);
    else if (m->kind_case == SEAT__REQUEST__KIND_BYE)
        n->byes_n++;
    else if (!n->serving)
        refuse(w, node, m->id, EXAM_NOT_PRIMARY, 0);
    else if (m->kind_case == SEAT__REQUEST__KIND_SIGN_IN)
        sign_in_take(w, node, m->id, m->sign_in);
    else if (m->kind_case == SEAT__REQUEST__KIND_ATTACH)
        attach_take(w, node, m->id, m->attach);
    else if (!w->site.attached)
        refuse(w, node, m->id, EXAM_STATE, 0);
    else
        sitting_take(w, node, m);
}

/* ---------------------------------------------------------------- effects */

static void on_dial(void *ctx, uint32_t node)
{
    struct world *w = of(ctx);
    assert(!w->nodes[node].linked && !w->nodes[node].dialling);
    w->nodes[node].dialling = true;
    queue_push(w, node, NULL, 0, w->nodes[node].up, !w->nodes[node].up);
}

static void on_close(void *ctx, uint32_t node)
{
    struct world *w = of(ctx);
    assert(w->nodes[node].linked || w->nodes[node].dialling);
    if (w->nodes[node].linked && w->nodes[node].serving)
        site_mark(w), w->site.attached = false;
    w->nodes[node].linked = w->nodes[node].dialling = false;
    queue_purge(w, node);
}

static void on_send(void *ctx, uint32_t node, const uint8_t *frame, size_t frame_bytes)
{
    struct world *w = of(ctx);
    struct world_node *n = &w->nodes[node];
    assert(n->linked);
    if (n->silent || !n->up)
        return;
    Seat__Request *m =
        seat__request__unpack(NULL, frame_bytes - FRAME_HEADER_BYTES, frame + FRAME_HEADER_BYTES);
    assert(m != NULL);
    request_take(w, node, m);
    seat__request__free_unpacked(m, NULL);
}

static exam_err on_journal(void *ctx, const struct seat_record *r, bool durable)
{
    struct world *w = of(ctx);
    if (w->journal_fails != EXAM_OK)
        return w->journal_fails;
    assert(w->records_n < WORLD_RECORDS_MAX);
    uint8_t bytes[JOURNAL_RECORD_BYTES_MAX];
    size_t n;
    struct journal_chain chain;
    memset(&chain, 0, sizeof(chain));
    if (journal_record_put(r, &chain, bytes, &n) != EXAM_OK)
        abort();
    w->records[w->records_n].bytes = malloc(n);
    memcpy(w->records[w->records_n].bytes, bytes, n);
    w->records[w->records_n].n = n;
    w->records[w->records_n].durable = false;
    w->records_n++;
    for (size_t i = w->records_n; durable && i > 0 && !w->records[i - 1].durable; i--)
        w->records[i - 1].durable = true;
    return EXAM_OK;
}

static void record_get(const struct world *w, size_t i, struct seat_record *r)
{
    struct journal_chain chain;
    size_t n;
    memset(&chain, 0, sizeof(chain));
    if (journal_record_get(w->records[i].bytes, w->records[i].n, &chain, r, &n) != EXAM_OK)
        abort();
}

static exam_err on_fetch(void *ctx, uint64_t seq, struct seat_record *out)
{
    struct world *w = of(ctx);
    for (size_t i = w->records_n; i > 0; i--) {
        struct seat_record r;
        record_get(w, i - 1, &r);
        if (r.kind == SEAT_RECORD_SESSION)
            break;
        if ((r.kind == SEAT_RECORD_ANSWER || r.kind == SEAT_RECORD_SUBMIT) &&
            r.u.action.seq == seq) {
            w->fetched_n++;
            *out = r;
            return EXAM_OK;
        }
    }
    return EXAM_NOT_FOUND;
}

static void on_event(void *ctx, const struct seat_event *e)
{
    struct world *w = of(ctx);
    assert(w->events_n < WORLD_EVENTS_MAX);
    struct world_event *kept = &w->events[w->events_n++];
    kept->e = *e;
    kept->text[0] = 0;
    if (e->kind == SEAT_EVENT_STATE)
        w->states_seen |= UINT64_C(1) << e->u.state.to;
    if (e->kind == SEAT_EVENT_PAPER_PART) {
        assert(e->u.part.offset == 0 || e->u.part.offset == w->paper_got_bytes);
        memcpy(w->paper_got + e->u.part.offset, e->u.part.data, e->u.part.data_bytes);
        w->paper_got_bytes = e->u.part.offset + e->u.part.data_bytes;
    }
}

static const struct seat_effects effects = {on_dial,    on_close, on_send,
                                            on_journal, on_fetch, on_event};

/* ---------------------------------------------------------------- time */

static void deliver(struct world *w, uint32_t node, bool opened, bool closed, const uint8_t *bytes,
                    size_t n)
{
    struct world_node *to = &w->nodes[node];
    w->in_core = true;
    if (opened) {
        to->dialling = false;
        to->linked = true;
        seat_core_link_opened(w->core, w->now_ms, node);
    } else if (closed) {
        to->dialling = to->linked = false;
        seat_core_link_closed(w->core, w->now_ms, node);
    } else {
        /* A copy of the exact size, so that a read beyond it is found. */
        uint8_t *copy = malloc(n ? n : 1);
        memcpy(copy, bytes, n);
        seat_core_frame(w->core, w->now_ms, node, copy, n);
        free(copy);
    }
    w->in_core = false;
}

void world_settle(struct world *w)
{
    for (int turns = 0; w->queue_n > 0; turns++) {
        assert(turns < 1000000);
        size_t at = w->queue_head;
        w->queue_head = (w->queue_head + 1) % WORLD_QUEUE_MAX;
        w->queue_n--;
        uint8_t *bytes = w->queue[at].bytes;
        deliver(w, w->queue[at].node, w->queue[at].opened, w->queue[at].closed, bytes,
                w->queue[at].n);
        free(bytes);
    }
}

void world_run(struct world *w, uint64_t at_ms)
{
    for (int turns = 0;; turns++) {
        assert(turns < 10000000);
        world_settle(w);
        uint64_t due_ms = seat_core_deadline_ms(w->core);
        if (due_ms > at_ms)
            break;
        if (due_ms > w->now_ms)
            w->now_ms = due_ms;
        w->in_core = true;
        seat_core_tick(w->core, w->now_ms);
        w->in_core = false;
    }
    if (at_ms > w->now_ms)
        w->now_ms = at_ms;
    world_settle(w);
}

/* ---------------------------------------------------------------- scripts */

void world_kill(struct world *w, uint32_t node)
{
    struct world_node *n = &w->nodes[node];
    bool there = n->linked || n->dialling;
    if (n->serving)
        w->site.attached = false;
    n->up = n->serving = false;
    queue_purge(w, node);
    if (there)
        queue_push(w, node, NULL, 0, false, true);
    world_settle(w);
}

void world_up(struct world *w, uint32_t node, bool serving, uint64_t epoch)
{
    w->nodes[node].up = true;
    w->nodes[node].silent = false;
    w->nodes[node].serving = serving;
    w->nodes[node].epoch = epoch;
    w->site.attached = serving ? false : w->site.attached;
}

void world_notice(struct world *w, uint32_t node, Seat__NoticeKind kind)
{
    Seat__Reply m = SEAT__REPLY__INIT;
    Seat__Notice n = SEAT__NOTICE__INIT;
    Seat__Account account;
    uint8_t mark[8], digest[HASH_BYTES];
    site_mark(w);
    account_put(w, &account);
    mark_put(w, mark);
    n.kind = kind;
    n.epoch = w->nodes[node].epoch;
    n.finish = (uint32_t)w->site.finish;
    if (kind != SEAT__NOTICE_KIND__NOTICE_KIND_SERVING &&
        kind != SEAT__NOTICE_KIND__NOTICE_KIND_RETIRED) {
        n.account = &account;
        n.mark.data = mark;
        n.mark.len = sizeof(mark);
    }
    if (kind == SEAT__NOTICE_KIND__NOTICE_KIND_STARTED) {
        n.paper_bytes = WORLD_PAPER_BYTES;
        digest_put(w, &n.paper_digest, digest);
    }
    m.kind_case = SEAT__REPLY__KIND_NOTICE;
    m.notice = &n;
    world_send(w, node, &m);
    world_settle(w);
}

void world_promote(struct world *w, uint32_t node, uint64_t epoch)
{
    world_up(w, node, true, epoch);
    world_notice(w, node, SEAT__NOTICE_KIND__NOTICE_KIND_SERVING);
}

void world_sign_in(struct world *w)
{
    w->in_core = true;
    exam_err err =
        seat_core_sign_in(w->core, w->now_ms, ADMISSION_NO, "990101200001011234", w->session);
    w->in_core = false;
    assert(err == EXAM_OK);
    world_settle(w);
}

void world_start_batch(struct world *w)
{
    w->site.state = SEAT__SITTING_STATE__SITTING_STATE_ANSWERING;
    w->site.marked_at_ms = w->now_ms;
    world_notice(w, 0, SEAT__NOTICE_KIND__NOTICE_KIND_STARTED);
}

void world_begin(struct world *w)
{
    world_settle(w);
    world_sign_in(w);
    world_start_batch(w);
    assert(seat_core_state(w->core) == SEAT_ANSWERING);
}

void world_drop_wire(struct world *w)
{
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        queue_purge(w, i);
}

void world_cut_journal(struct world *w, size_t n)
{
    while (w->records_n > n)
        free(w->records[--w->records_n].bytes);
}

exam_err world_answer(struct world *w, const char *item, const char *value, uint64_t *seq)
{
    w->in_core = true;
    exam_err err =
        seat_core_answer(w->core, w->now_ms, item, (const uint8_t *)value, strlen(value), seq);
    w->in_core = false;
    return err;
}

size_t world_count(const struct world *w, enum seat_event_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < w->events_n; i++)
        n += w->events[i].e.kind == kind;
    return n;
}

const struct seat_event *world_last(const struct world *w, enum seat_event_kind kind)
{
    for (size_t i = w->events_n; i > 0; i--)
        if (w->events[i - 1].e.kind == kind)
            return &w->events[i - 1].e;
    return NULL;
}

void world_forget_events(struct world *w)
{
    w->events_n = 0;
}

/* ---------------------------------------------------------------- life */

static void core_new(struct world *w)
{
    size_t bytes;
    if (seat_core_bytes(&w->config, &bytes) != EXAM_OK)
        abort();
    w->block = malloc(bytes);
    if (seat_core_init(w->block, bytes, &w->config, &w->core) != EXAM_OK)
        abort();
    for (size_t i = 0; i < w->records_n; i++) {
        struct seat_record r;
        record_get(w, i, &r);
        seat_core_replay(w->core, &r);
    }
    w->in_core = true;
    if (seat_core_start(w->core, w->now_ms) != EXAM_OK)
        abort();
    w->in_core = false;
}

void world_restart_seat(struct world *w, uint64_t at_ms, bool reboot)
{
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        queue_purge(w, i);
        w->nodes[i].linked = w->nodes[i].dialling = false;
    }
    site_mark(w);
    w->site.attached = false;
    free(w->block);
    w->now_ms = at_ms;
    if (reboot) {
        w->config.boot_id[0]++;
        while (w->records_n > 0 && !w->records[w->records_n - 1].durable)
            world_cut_journal(w, w->records_n - 1);
    }
    core_new(w);
    world_settle(w);
}

struct world *world_new_with(uint32_t nodes_n, size_t answers_bytes, uint32_t pending_max,
                             uint32_t window)
{
    if (sodium_init() < 0)
        abort();
    struct world *w = calloc(1, sizeof(*w));
    w->events = calloc(WORLD_EVENTS_MAX, sizeof(*w->events));
    w->records = calloc(WORLD_RECORDS_MAX, sizeof(*w->records));
    w->queue = calloc(WORLD_QUEUE_MAX, sizeof(*w->queue));
    w->paper_got = calloc(1, WORLD_PAPER_BYTES);
    w->arena_block = malloc(ARENA_BYTES_SEAT);
    arena_init(&w->arena, w->arena_block, ARENA_BYTES_SEAT);
    w->now_ms = 1000000;
    memset(w->session, 0x5A, SESSION_BYTES);
    memset(w->site.site_id, 0x11, SITE_ID_BYTES);
    w->site.allot_ms = 3600000;
    w->site.heartbeat_ms = 1000;
    w->site.grace_ms = 15000;
    w->site.state = SEAT__SITTING_STATE__SITTING_STATE_WAITING;
    for (size_t i = 0; i < WORLD_PAPER_BYTES; i++)
        w->site.paper[i] = (uint8_t)(i * 7 + i / 251);
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        struct world_node *n = &w->nodes[i];
        n->up = true;
        n->serving = i == 0;
        n->epoch = 1;
        n->version = SEAT_VERSION;
        n->durability = SEAT__DURABILITY__DURABILITY_DUAL;
        memcpy(n->site_id, w->site.site_id, SITE_ID_BYTES);
    }
    w->config = (struct seat_config){.seat = "R01-01",
                                     .client = "test 1",
                                     .nodes_n = nodes_n,
                                     .chance_seed = 42,
                                     .answers_bytes = answers_bytes,
                                     .pending_max = pending_max,
                                     .window = window,
                                     .arena = &w->arena,
                                     .effects = &effects,
                                     .ctx = w};
    core_new(w);
    return w;
}

struct world *world_new(uint32_t nodes_n)
{
    struct world *w = world_new_with(nodes_n, 0, 0, 0);
    world_settle(w);
    return w;
}

void world_free(struct world *w)
{
    world_drop_wire(w);
    world_cut_journal(w, 0);
    free(w->records);
    free(w->queue);
    free(w->events);
    free(w->paper_got);
    free(w->arena_block);
    free(w->block);
    free(w);
}
