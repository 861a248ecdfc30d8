/* Which nodes are dialled, and which one is the main link: the one that serves, with the highest
 * epoch seen (W1). While none is known every node is dialled, and those that do not serve are kept:
 * they tell the moment they are promoted. */
#include "seat_internal.h"

#include <assert.h>
#include <string.h>

static struct seat_link *link_at(struct seat_core *s, uint32_t node)
{
    assert(node < s->config.nodes_n);
    return &s->links[node];
}

static bool main_is_good(const struct seat_core *s)
{
    return s->main != MAIN_NONE && (s->phase == SESSION_ATTACHED || s->phase == SESSION_IDLE);
}

static uint64_t backoff_ms(struct seat_core *s, const struct seat_link *l)
{
    uint32_t doublings = l->failures < 4 ? l->failures : 4;
    uint64_t max_ms = (uint64_t)BACKOFF_MIN_MS << doublings;
    if (max_ms > BACKOFF_MAX_MS)
        max_ms = BACKOFF_MAX_MS;
    return seat_chance_ms(s, BACKOFF_MIN_MS, max_ms > BACKOFF_MIN_MS ? max_ms : 2 * BACKOFF_MIN_MS);
}

static void trouble_tell(struct seat_core *s, uint32_t node, exam_err code, const char *text)
{
    struct seat_link *l = link_at(s, node);
    if (l->told == code)
        return;
    l->told = code;
    seat_emit_problem(s, SEAT_EVENT_PROBLEM, code, node, text);
}

/* ---------------------------------------------------------------- up and down */

static void main_lose(struct seat_core *s, uint32_t node, exam_err code, const char *text)
{
    if (s->main != node)
        return;
    s->main = MAIN_NONE;
    s->trim_at_ms = NEVER_MS;
    seat_session_lost(s, code, text);
    seat_link_dial_all(s);
}

void seat_link_gone(struct seat_core *s, uint32_t node, uint64_t wait_ms)
{
    struct seat_link *l = link_at(s, node);
    l->phase = LINK_PHASE_DOWN;
    l->serving = false;
    l->probe_id = 0;
    l->at_ms = s->now_ms + (wait_ms > 0 ? wait_ms : backoff_ms(s, l));
    l->failures++;
    main_lose(s, node, EXAM_CONN, "the connection to the server was lost");
}

void seat_link_drop(struct seat_core *s, uint32_t node, uint64_t wait_ms)
{
    if (link_at(s, node)->phase == LINK_PHASE_DOWN)
        return;
    s->config.effects->close(s->config.ctx, node);
    seat_link_gone(s, node, wait_ms);
}

void seat_link_hostile(struct seat_core *s, uint32_t node, const char *why)
{
    s->stats.frames_bad_n++;
    trouble_tell(s, node, EXAM_MALFORMED, why);
    seat_link_drop(s, node, BACKOFF_MAX_MS);
}

void seat_link_retire(struct seat_core *s, uint32_t node)
{
    struct seat_link *l = link_at(s, node);
    l->serving = false;
    l->void_id = l->id_last;
    main_lose(s, node, EXAM_NOT_PRIMARY, "this server does not serve any more");
}

void seat_link_dial_all(struct seat_core *s)
{
    for (uint32_t i = 0; i < s->config.nodes_n; i++) {
        struct seat_link *l = &s->links[i];
        if (l->phase == LINK_PHASE_DOWN && l->at_ms == NEVER_MS)
            l->at_ms = s->now_ms;
    }
}

/* The other links have done their service. */
static void links_trim(struct seat_core *s)
{
    s->trim_at_ms = NEVER_MS;
    for (uint32_t i = 0; i < s->config.nodes_n; i++) {
        struct seat_link *l = &s->links[i];
        if (i == s->main)
            continue;
        if (l->phase != LINK_PHASE_DOWN)
            s->config.effects->close(s->config.ctx, i);
        *l = (struct seat_link){.phase = LINK_PHASE_DOWN, .at_ms = NEVER_MS, .told = l->told};
    }
}

/* ---------------------------------------------------------------- epochs (W1) */

static void site_journal(struct seat_core *s)
{
    struct seat_record r = {.kind = SEAT_RECORD_SITE, .u.site.epoch_seen = s->epoch_seen};
    memcpy(r.u.site.site_id, s->site_id, SITE_ID_BYTES);
    exam_err err = seat_journal(s, &r, true);
    (void)err; /* told as a problem; in memory it is known all the same */
}

bool seat_link_epoch(struct seat_core *s, uint32_t node, uint64_t epoch)
{
    struct seat_link *l = link_at(s, node);
    if (epoch < s->epoch_seen) {
        s->stats.epochs_refused_n++;
        trouble_tell(s, node, EXAM_STALE_EPOCH,
                     "a server that has been superseded claims to serve; it is not used");
        seat_link_drop(s, node, BACKOFF_MAX_MS);
        return false;
    }
    l->epoch = epoch;
    if (epoch > s->epoch_seen) {
        s->epoch_seen = epoch;
        site_journal(s);
        seat_session_epoch(s);
        if (s->main != MAIN_NONE && s->main != node && s->links[s->main].epoch < epoch)
            seat_link_drop(s, s->main, BACKOFF_MAX_MS);
    }
    return true;
}

/* True when the node is of this seat's site. A seat that nobody sits at may change its site. */
static bool site_fits(struct seat_core *s, const ProtobufCBinaryData *site_id)
{
    if (site_id->len != SITE_ID_BYTES)
        return false;
    if (s->site_known && memcmp(s->site_id, site_id->data, SITE_ID_BYTES) == 0)
        return true;
    if (s->site_known && (s->have_session || s->main != MAIN_NONE))
        return false;
    memcpy(s->site_id, site_id->data, SITE_ID_BYTES);
    s->site_known = true;
    s->epoch_seen = 0;
    return true;
}

/* ---------------------------------------------------------------- greeting */

void seat_link_greet(struct seat_core *s, uint32_t node)
{
    struct seat_link *l = link_at(s, node);
    Seat__Hello hello = SEAT__HELLO__INIT;
    Seat__Request m = SEAT__REQUEST__INIT;
    hello.version = SEAT_VERSION;
    hello.seat = s->seat;
    hello.client = s->client;
    /* Named only when the seat would not go to another site: a node refuses a wrong one. */
    if (s->site_known && s->have_session) {
        hello.site_id.data = s->site_id;
        hello.site_id.len = SITE_ID_BYTES;
    }
    hello.epoch_seen = s->epoch_seen;
    m.kind_case = SEAT__REQUEST__KIND_HELLO;
    m.hello = &hello;
    l->id_last = l->void_id = 0;
    l->phase = LINK_PHASE_GREETING;
    l->at_ms = s->now_ms + GREETING_TIMEOUT_MS;
    l->probe_id = seat_send(s, node, &m);
}

void seat_link_welcome(struct seat_core *s, uint32_t node, const Seat__Welcome *w)
{
    struct seat_link *l = link_at(s, node);
    if (w->version != SEAT_VERSION) {
        trouble_tell(s, node, EXAM_VERSION,
                     "this server speaks another version: install the seat "
                     "program that belongs to it");
        seat_link_drop(s, node, BACKOFF_WRONG_MS);
        return;
    }
    bool founded = w->site_id.len > 0;
    if (founded && !site_fits(s, &w->site_id)) {
        trouble_tell(s, node, EXAM_OTHER_SITE,
                     "this server belongs to another site: check the "
                     "servers' addresses");
        seat_link_drop(s, node, BACKOFF_WRONG_MS);
        return;
    }
    l->phase = LINK_PHASE_UP;
    l->probe_id = 0;
    l->at_ms = s->now_ms + seat_chance_ms(s, PROBE_EVERY_MS / 2, PROBE_EVERY_MS);
    if (founded && w->serving && !seat_link_epoch(s, node, w->epoch))
        return;
    /* A standby that knows of a higher epoch than the main link's tells of its own defeat. */
    if (founded && !w->serving && w->epoch > s->epoch_seen && !seat_link_epoch(s, node, w->epoch))
        return;
    l->founded = founded;
    l->serving = founded && w->serving;
    l->failures = 0;
    l->told = EXAM_OK;
}

void seat_link_hello_refused(struct seat_core *s, uint32_t node, const Seat__Refused *r)
{
    exam_err code = (exam_err)r->code;
    exam_err_class class = exam_err_class_of(code);
    bool person = class == EXAM_CLASS_REFUSED || class == EXAM_CLASS_INPUT;
    if (person)
        trouble_tell(s, node, code, r->text);
    seat_link_drop(s, node, person ? BACKOFF_WRONG_MS : BACKOFF_MAX_MS);
}

void seat_link_notice(struct seat_core *s, uint32_t node, const Seat__Notice *n)
{
    struct seat_link *l = link_at(s, node);
    if (n->kind == SEAT__NOTICE_KIND__NOTICE_KIND_RETIRED) {
        seat_link_retire(s, node);
        return;
    }
    if (n->kind != SEAT__NOTICE_KIND__NOTICE_KIND_SERVING)
        return;
    if (!l->founded) { /* it was new, or had lost its disk: which site it is of, it has to say */
        seat_link_drop(s, node, BACKOFF_MIN_MS);
        return;
    }
    if (s->main == node) /* it serves anew: whatever was agreed in the last epoch is void (T5) */
        seat_link_retire(s, node);
    if (seat_link_epoch(s, node, n->epoch))
        l->serving = true;
}

/* ---------------------------------------------------------------- the turn */

static void main_choose(struct seat_core *s)
{
    uint32_t best = s->main;
    for (uint32_t i = 0; i < s->config.nodes_n; i++) {
        const struct seat_link *l = &s->links[i];
        if (l->phase != LINK_PHASE_UP || !l->serving || l->epoch < s->epoch_seen)
            continue;
        if (best == MAIN_NONE || l->epoch > s->links[best].epoch)
            best = i;
    }
    if (best == s->main)
        return;
    assert(s->main == MAIN_NONE); /* seat_link_epoch has dropped one of a lower epoch */
    s->main = best;
    s->attach_at_ms = s->now_ms;
    if (s->state == SEAT_CONNECTING)
        seat_state_set(s, SEAT_CONNECTED);
}

static bool is_probed(const struct seat_core *s, uint32_t node)
{
    return node != s->main || s->phase == SESSION_IDLE;
}

/* A link that carries no heartbeats dies silently. A heartbeat is refused on it, which is all that
 * is asked: somebody is there. */
static void probe_send(struct seat_core *s, uint32_t node)
{
    struct seat_link *l = link_at(s, node);
    Seat__Heartbeat beat = SEAT__HEARTBEAT__INIT;
    Seat__Request m = SEAT__REQUEST__INIT;
    m.kind_case = SEAT__REQUEST__KIND_HEARTBEAT;
    m.heartbeat = &beat;
    l->probe_id = seat_send(s, node, &m);
    l->at_ms = s->now_ms + SILENT_HEARTBEATS * HEARTBEAT_DEFAULT_MS;
}

static void link_turn(struct seat_core *s, uint32_t node)
{
    struct seat_link *l = &s->links[node];
    if (l->at_ms == NEVER_MS || s->now_ms < l->at_ms)
        return;
    switch (l->phase) {
    case LINK_PHASE_DOWN:
        l->phase = LINK_PHASE_DIALLING;
        l->at_ms = s->now_ms +
                   (s->config.dial_timeout_ms > 0 ? s->config.dial_timeout_ms : DIAL_TIMEOUT_MS);
        s->stats.dials_n++;
        s->config.effects->dial(s->config.ctx, node);
        return;
    case LINK_PHASE_DIALLING:
    case LINK_PHASE_GREETING:
        seat_link_drop(s, node, 0);
        return;
    case LINK_PHASE_UP:
        if (!is_probed(s, node))
            l->at_ms = s->now_ms + PROBE_EVERY_MS;
        else if (l->probe_id != 0)
            seat_link_drop(s, node, 0);
        else
            probe_send(s, node);
        return;
    }
}

void seat_link_turn(struct seat_core *s)
{
    for (uint32_t i = 0; i < s->config.nodes_n; i++)
        link_turn(s, i);
    main_choose(s);
    if (!main_is_good(s))
        s->trim_at_ms = NEVER_MS;
    else if (s->trim_at_ms == NEVER_MS && s->config.nodes_n > 1)
        for (uint32_t i = 0; i < s->config.nodes_n; i++)
            if (i != s->main && s->links[i].at_ms != NEVER_MS)
                s->trim_at_ms = s->now_ms + TRIM_AFTER_MS;
    if (s->now_ms >= s->trim_at_ms && s->trim_at_ms != NEVER_MS)
        links_trim(s);
}

uint64_t seat_link_deadline(const struct seat_core *s)
{
    uint64_t at_ms = s->trim_at_ms;
    for (uint32_t i = 0; i < s->config.nodes_n; i++)
        if (s->links[i].at_ms < at_ms)
            at_ms = s->links[i].at_ms;
    return at_ms;
}
