#include "seat_core.h"

#include <assert.h>
#include <string.h>

#include "chance.h"
#include "seat_internal.h"

enum { REQUEST_FRAME_BYTES_MAX = 2048 }; /* an answer of ANSWER_BYTES_MAX with all around it */

/* ---------------------------------------------------------------- effects */

void seat_emit(struct seat_core *s, const struct seat_event *e)
{
    struct seat_event told = *e;
    told.now_ms = s->now_ms;
    s->config.effects->event(s->config.ctx, &told);
}

void seat_emit_problem(struct seat_core *s, enum seat_event_kind kind, exam_err code, uint32_t node,
                       const char *text)
{
    struct seat_event e = {.kind = kind, .u.problem = {.code = code, .node = node, .text = text}};
    seat_emit(s, &e);
}

exam_err seat_journal(struct seat_core *s, const struct seat_record *r, bool durable)
{
    exam_err err = s->config.effects->journal(s->config.ctx, r, durable);
    if (err != EXAM_OK)
        seat_emit_problem(s, SEAT_EVENT_PROBLEM, err, MAIN_NONE,
                          "this seat's journal cannot be written: see to the disk of this machine");
    return err;
}

uint32_t seat_send(struct seat_core *s, uint32_t node, Seat__Request *m)
{
    uint8_t frame[REQUEST_FRAME_BYTES_MAX];
    size_t frame_bytes;
    struct seat_link *l = &s->links[node];
    m->id = ++l->id_last;
    exam_err err = codec_frame_pack(&m->base, frame, sizeof(frame), &frame_bytes);
    assert(err == EXAM_OK); /* everything in it has been checked where it came in */
    s->config.effects->send(s->config.ctx, node, frame, frame_bytes);
    return m->id;
}

/* To spread dials. */
uint64_t seat_chance_ms(struct seat_core *s, uint64_t min_ms, uint64_t max_ms)
{
    assert(min_ms < max_ms);
    return min_ms + chance_next(&s->chance) % (max_ms - min_ms + 1);
}

void seat_state_set(struct seat_core *s, enum seat_state state)
{
    if (s->state == state)
        return;
    struct seat_event e = {.kind = SEAT_EVENT_STATE, .u.state = {.from = s->state, .to = state}};
    s->state = state;
    seat_emit(s, &e);
}

/* ---------------------------------------------------------------- requests in flight */

static struct seat_request *request_at(const struct seat_core *s, uint32_t i)
{
    uint32_t at = s->requests_head + i;
    return &s->requests[at < s->requests_max ? at : at - s->requests_max];
}

bool seat_request_room(const struct seat_core *s)
{
    return s->requests_n < s->requests_max;
}

void seat_request_note(struct seat_core *s, enum request_kind kind, uint32_t id, uint64_t seq)
{
    assert(seat_request_room(s));
    *request_at(s, s->requests_n) = (struct seat_request){
        .seq = seq, .at_ms = s->now_ms, .id = id, .kind = (uint8_t)kind, .done = false};
    s->requests_n++;
}

/* Replies come in the order of the requests, nearly: the search ends at once. */
struct seat_request *seat_request_find(struct seat_core *s, uint32_t id)
{
    for (uint32_t i = 0; i < s->requests_n; i++) {
        struct seat_request *r = request_at(s, i);
        if (r->id == id)
            return r->done ? NULL : r;
    }
    return NULL;
}

void seat_request_done(struct seat_core *s, struct seat_request *r)
{
    r->done = true;
    while (s->requests_n > 0 && request_at(s, 0)->done) {
        s->requests_head = s->requests_head + 1 < s->requests_max ? s->requests_head + 1 : 0;
        s->requests_n--;
    }
}

void seat_requests_drop(struct seat_core *s)
{
    s->requests_n = s->requests_head = 0;
}

uint64_t seat_request_oldest_ms(const struct seat_core *s)
{
    return s->requests_n > 0 ? request_at(s, 0)->at_ms : NEVER_MS;
}

/* ---------------------------------------------------------------- inputs */

void seat_input_begin(struct seat_core *s, uint64_t now_ms)
{
    assert(s->started && !s->busy);
    s->busy = true;
    if (now_ms > s->now_ms)
        s->now_ms = now_ms;
    seat_clock_turn(s);
}

/* A node that answers nothing for three heartbeats is as good as dead; TCP would not tell. */
static void silence_turn(struct seat_core *s)
{
    uint64_t oldest_ms = seat_request_oldest_ms(s);
    if (oldest_ms == NEVER_MS || s->main == MAIN_NONE)
        return;
    if (s->now_ms - oldest_ms >= SILENT_HEARTBEATS * s->heartbeat_ms)
        seat_link_drop(s, s->main, 0);
}

void seat_input_end(struct seat_core *s)
{
    if (!s->stopped) {
        silence_turn(s);
        seat_link_turn(s);
        seat_session_turn(s);
        seat_action_turn(s);
        seat_paper_turn(s);
    }
    s->busy = false;
}

static bool link_is(const struct seat_core *s, uint32_t node, enum link_phase phase)
{
    assert(node < s->config.nodes_n);
    return !s->stopped && s->links[node].phase == phase;
}

void seat_core_link_opened(struct seat_core *s, uint64_t now_ms, uint32_t node)
{
    seat_input_begin(s, now_ms);
    if (link_is(s, node, LINK_PHASE_DIALLING))
        seat_link_greet(s, node);
    seat_input_end(s);
}

void seat_core_link_closed(struct seat_core *s, uint64_t now_ms, uint32_t node)
{
    seat_input_begin(s, now_ms);
    if (!link_is(s, node, LINK_PHASE_DOWN))
        seat_link_gone(s, node, 0);
    seat_input_end(s);
}

void seat_core_tick(struct seat_core *s, uint64_t now_ms)
{
    seat_input_begin(s, now_ms);
    seat_input_end(s);
}

void seat_core_hint(struct seat_core *s, uint64_t now_ms, uint32_t node)
{
    seat_input_begin(s, now_ms);
    if (link_is(s, node, LINK_PHASE_DOWN) && s->links[node].at_ms != NEVER_MS)
        s->links[node].at_ms = s->now_ms;
    seat_input_end(s);
}

/* ---------------------------------------------------------------- replies */

static bool ack_take(struct seat_core *s, const struct seat_request *q, const Seat__Ack *a)
{
    if (!seat_clock_figures_ok(a->used_ms, a->left_ms))
        return false;
    if (q->kind != REQUEST_HEARTBEAT && q->kind != REQUEST_ACTION)
        return false;
    if (q->kind == REQUEST_HEARTBEAT && a->seq != 0)
        return false;
    /* Else a notice has overtaken what this acknowledges: it knows more (T12). */
    if (a->ago_ms == 0 || a->used_ms >= s->mark.used_ms)
        seat_clock_mark(s, a->used_ms, a->left_ms, a->ago_ms, &a->mark);
    struct seat_event e = {.kind = SEAT_EVENT_ACCOUNT, .u.account.account = s->account};
    seat_emit(s, &e);
    return q->kind == REQUEST_HEARTBEAT || seat_action_acked(s, q, a);
}

static bool refused_take(struct seat_core *s, const struct seat_request *q, const Seat__Refused *r)
{
    if (r->code == EXAM_NOT_PRIMARY || r->code == EXAM_STALE_EPOCH) {
        seat_link_retire(s, s->main);
        return true;
    }
    switch (q->kind) {
    case REQUEST_SIGN_IN:
    case REQUEST_ATTACH:
        seat_session_refused(s, r, q->kind == REQUEST_SIGN_IN);
        return true;
    case REQUEST_ACTION:
        return seat_action_refused(s, q, r);
    case REQUEST_PAPER:
        seat_paper_refused(s, r);
        return true;
    default: /* a heartbeat: this connection is not the sitting's any more; attaching tells why */
        if (exam_err_class_of((exam_err)r->code) != EXAM_CLASS_RETRY)
            seat_link_drop(s, s->main, BACKOFF_MIN_MS);
        return true;
    }
}

/* The reply to a request of the main link. False: it is none. */
static bool reply_take(struct seat_core *s, struct seat_request *q, const Seat__Reply *m)
{
    struct seat_request request = *q; /* the ring may be emptied by what follows */
    seat_request_done(s, q);
    switch (m->kind_case) {
    case SEAT__REPLY__KIND_ATTACHED:
        if (request.kind != REQUEST_SIGN_IN && request.kind != REQUEST_ATTACH)
            return false;
        seat_session_attached(s, m->attached, request.kind == REQUEST_SIGN_IN);
        return true;
    case SEAT__REPLY__KIND_ACK:
        return ack_take(s, &request, m->ack);
    case SEAT__REPLY__KIND_REFUSED:
        return refused_take(s, &request, m->refused);
    case SEAT__REPLY__KIND_PAPER_PART:
        return request.kind == REQUEST_PAPER && seat_paper_part(s, m->paper_part);
    default:
        return false;
    }
}

/* The reply to Hello, or to a probe. */
static bool probe_take(struct seat_core *s, uint32_t node, const Seat__Reply *m)
{
    struct seat_link *l = &s->links[node];
    bool greeting = l->phase == LINK_PHASE_GREETING;
    if (greeting && m->kind_case == SEAT__REPLY__KIND_WELCOME) {
        seat_link_welcome(s, node, m->welcome);
        return true;
    }
    if (m->kind_case != SEAT__REPLY__KIND_REFUSED)
        return false;
    if (greeting) {
        seat_link_hello_refused(s, node, m->refused);
        return true;
    }
    l->probe_id = 0;
    l->at_ms = s->now_ms + seat_chance_ms(s, PROBE_EVERY_MS / 2, PROBE_EVERY_MS);
    if (m->refused->code == EXAM_NOT_PRIMARY && l->serving)
        seat_link_retire(s, node);
    return true;
}

/* What the node sends by itself. */
static bool pushed_take(struct seat_core *s, uint32_t node, const Seat__Reply *m)
{
    if (m->kind_case != SEAT__REPLY__KIND_NOTICE || s->links[node].phase != LINK_PHASE_UP)
        return false;
    if (m->notice->kind == SEAT__NOTICE_KIND__NOTICE_KIND_SERVING ||
        m->notice->kind == SEAT__NOTICE_KIND__NOTICE_KIND_RETIRED)
        seat_link_notice(s, node, m->notice);
    else if (node == s->main && s->phase == SESSION_ATTACHED)
        seat_session_notice(s, m->notice);
    return true; /* of a sitting that this seat has left: nothing to it */
}

static bool frame_take(struct seat_core *s, uint32_t node, const Seat__Reply *m)
{
    struct seat_link *l = &s->links[node];
    if (m->id == 0)
        return pushed_take(s, node, m);
    if (m->id == l->probe_id)
        return probe_take(s, node, m);
    if (m->id <= l->void_id)
        return true;
    struct seat_request *q = node == s->main ? seat_request_find(s, m->id) : NULL;
    return q != NULL && reply_take(s, q, m);
}

void seat_core_frame(struct seat_core *s, uint64_t now_ms, uint32_t node, const uint8_t *payload,
                     size_t payload_bytes)
{
    seat_input_begin(s, now_ms);
    if (link_is(s, node, LINK_PHASE_GREETING) || link_is(s, node, LINK_PHASE_UP)) {
        const Seat__Reply *m;
        const char *why = "";
        if (codec_seat_reply(s->config.arena, payload, payload_bytes, &m, &why) != EXAM_OK)
            seat_link_hostile(s, node, why);
        else if (!frame_take(s, node, m))
            seat_link_hostile(s, node, "a reply that nothing had asked for");
    }
    seat_input_end(s);
}

/* ---------------------------------------------------------------- life */

static size_t align_up(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

/* The configuration with its defaults filled in. */
static exam_err config_take(const struct seat_config *c, struct seat_config *out)
{
    struct seat_config config = *c;
    if (config.answers_bytes == 0)
        config.answers_bytes = SEAT_ANSWERS_BYTES_DEFAULT;
    if (config.pending_max == 0)
        config.pending_max = SEAT_PENDING_MAX_DEFAULT;
    if (config.window == 0)
        config.window = SEAT_WINDOW_DEFAULT;
    if (config.nodes_n < 1 || config.nodes_n > NODES_MAX || config.window > SEAT_WINDOW_MAX ||
        config.answers_bytes < SEAT_ANSWERS_BYTES_MIN || config.answers_bytes % 8 != 0 ||
        config.answers_bytes > (1u << 30) || config.seat == NULL || !codec_name_ok(config.seat) ||
        config.client == NULL || strlen(config.client) > NAME_BYTES_MAX ||
        !codec_text_ok(config.client, strlen(config.client)))
        return EXAM_INVALID;
    *out = config;
    return EXAM_OK;
}

static size_t requests_bytes(const struct seat_config *c)
{
    return align_up((c->window + REQUESTS_SPARE) * sizeof(struct seat_request));
}

exam_err seat_core_bytes(const struct seat_config *c, size_t *bytes)
{
    struct seat_config config;
    exam_err err = config_take(c, &config);
    if (err != EXAM_OK)
        return err;
    /* malloc aligns to 16, the hash state inside wants 64 */
    *bytes =
        64 + align_up(sizeof(struct seat_core)) + requests_bytes(&config) + config.answers_bytes;
    return EXAM_OK;
}

exam_err seat_core_init(void *block, size_t block_bytes, const struct seat_config *c,
                        struct seat_core **out)
{
    struct seat_config config;
    size_t bytes;
    exam_err err = config_take(c, &config);
    if (err == EXAM_OK)
        err = seat_core_bytes(c, &bytes);
    if (err != EXAM_OK)
        return err;
    assert(block_bytes >= bytes && config.arena != NULL && config.effects != NULL);
    assert(config.effects->dial && config.effects->close && config.effects->send);
    assert(config.effects->journal && config.effects->fetch && config.effects->event);

    uint8_t *at = block;
    at += align_up((uintptr_t)block) - (uintptr_t)block;
    struct seat_core *s = (struct seat_core *)(void *)at;
    memset(s, 0, sizeof(*s));
    s->config = config;
    strcpy(s->seat, config.seat);
    strcpy(s->client, config.client);
    s->config.seat = s->seat;
    s->config.client = s->client;
    s->chance = config.chance_seed;
    at += align_up(sizeof(*s));
    s->requests = (struct seat_request *)(void *)at;
    s->requests_max = config.window + REQUESTS_SPARE;
    at += requests_bytes(&config);
    backlog_init(&s->backlog, at, config.answers_bytes);
    s->main = MAIN_NONE;
    s->trim_at_ms = NEVER_MS;
    for (uint32_t i = 0; i < NODES_MAX; i++)
        s->links[i].at_ms = NEVER_MS;
    s->state = SEAT_CONNECTING;
    struct seat_record nobody = {.kind = SEAT_RECORD_COLLECTED};
    seat_session_replay(s, &nobody);
    *out = s;
    return EXAM_OK;
}

void seat_core_replay(struct seat_core *s, const struct seat_record *r)
{
    assert(!s->started);
    seat_session_replay(s, r);
}

static exam_err boot_journal(struct seat_core *s)
{
    struct seat_record r = {.kind = SEAT_RECORD_BOOT, .u.boot.at_ms = s->now_ms};
    memcpy(r.u.boot.boot_id, s->config.boot_id, BOOT_ID_BYTES);
    return s->config.effects->journal(s->config.ctx, &r, false);
}

exam_err seat_core_start(struct seat_core *s, uint64_t now_ms)
{
    assert(!s->started);
    s->now_ms = now_ms;
    seat_session_restore(s);
    exam_err err = boot_journal(s);
    if (err != EXAM_OK)
        return err;
    s->started = true;
    seat_input_begin(s, now_ms);
    seat_link_dial_all(s);
    seat_input_end(s);
    return EXAM_OK;
}

exam_err seat_core_rejournal(struct seat_core *s, uint64_t now_ms)
{
    seat_input_begin(s, now_ms);
    exam_err err = boot_journal(s);
    struct seat_record r = {.kind = SEAT_RECORD_SITE, .u.site.epoch_seen = s->epoch_seen};
    memcpy(r.u.site.site_id, s->site_id, SITE_ID_BYTES);
    if (err == EXAM_OK && s->site_known)
        err = s->config.effects->journal(s->config.ctx, &r, true);
    seat_input_end(s);
    return err;
}

void seat_core_stop(struct seat_core *s, uint64_t now_ms)
{
    seat_input_begin(s, now_ms);
    s->stopped = true;
    seat_clock_stop(s);
    for (uint32_t i = 0; i < s->config.nodes_n; i++) {
        if (s->links[i].phase == LINK_PHASE_UP) {
            Seat__Bye bye = SEAT__BYE__INIT;
            Seat__Request m = SEAT__REQUEST__INIT;
            m.kind_case = SEAT__REQUEST__KIND_BYE;
            m.bye = &bye;
            seat_send(s, i, &m);
        }
        if (s->links[i].phase != LINK_PHASE_DOWN)
            s->config.effects->close(s->config.ctx, i);
        s->links[i].phase = LINK_PHASE_DOWN;
        s->links[i].at_ms = NEVER_MS;
    }
    s->main = MAIN_NONE;
    s->phase = SESSION_IDLE;
    seat_requests_drop(s);
    seat_input_end(s);
}

/* ---------------------------------------------------------------- queries */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t seat_core_deadline_ms(const struct seat_core *s)
{
    if (s->stopped)
        return NEVER_MS;
    uint64_t at_ms = earlier(seat_clock_deadline(s), seat_link_deadline(s));
    at_ms = earlier(at_ms, seat_session_deadline(s));
    if (s->phase == SESSION_ATTACHED && s->seq_next <= s->seq_last &&
        s->in_flight < s->config.window)
        at_ms = earlier(at_ms, s->retry_at_ms);
    if (s->phase == SESSION_ATTACHED && s->paper.wanted && !s->paper.asked)
        at_ms = earlier(at_ms, s->paper.retry_at_ms);
    return at_ms;
}

enum seat_state seat_core_state(const struct seat_core *s)
{
    return s->state;
}

bool seat_core_in_contact(const struct seat_core *s)
{
    return s->phase == SESSION_ATTACHED;
}

uint64_t seat_core_used_ms(const struct seat_core *s, uint64_t now_ms)
{
    return s->mark.used_ms + seat_clock_open_ms(s, now_ms);
}

uint64_t seat_core_left_ms(const struct seat_core *s, uint64_t now_ms)
{
    uint64_t open_ms = seat_clock_open_ms(s, now_ms);
    return s->mark.left_ms > open_ms ? s->mark.left_ms - open_ms : 0;
}

struct seat_account seat_core_account(const struct seat_core *s)
{
    return s->account;
}

Ev__Finish seat_core_finish(const struct seat_core *s)
{
    return s->state == SEAT_FINISHED ? s->finish : EV__FINISH__FINISH_NONE;
}

uint64_t seat_core_seq_last(const struct seat_core *s)
{
    return s->seq_last;
}

uint64_t seat_core_epoch_seen(const struct seat_core *s)
{
    return s->epoch_seen;
}

uint32_t seat_core_node(const struct seat_core *s)
{
    return s->phase == SESSION_ATTACHED ? s->main : MAIN_NONE;
}

const char *seat_core_admission_no(const struct seat_core *s)
{
    return s->admission_no;
}

struct seat_stats seat_core_stats(const struct seat_core *s)
{
    return s->stats;
}
