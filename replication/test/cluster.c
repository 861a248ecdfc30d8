#include "cluster.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "frame.h"
#include "rep_append.h"

enum {
    RECORDS_MAX = 20000,
    EVENT_BYTES = 12,
    VALUE_BYTES = RECORD_HEADER_BYTES + EVENT_BYTES + SITE_ID_BYTES,
    EPOCHS_MAX = 600,
    LINKS_MAX = 24,
    TRACE_BYTES = 64 * 1024,
    SETTLE_ROUNDS_MAX = 100000,
    SPARE_FRAMES = 6,
};

struct entry {
    uint8_t value[VALUE_BYTES];
    size_t bytes;
};

struct frame {
    struct frame *next;
    size_t bytes;
    uint8_t payload[];
};

/* One way of a link. */
struct way {
    struct frame *head, **tail;
    size_t n;
};

struct link {
    bool used;
    uint64_t n;
    int node[2]; /* 0 dialled */
    bool open[2], told[2];
    struct way way[2]; /* from node[i] */
};

struct node {
    struct cluster *c;
    int at;
    rep *rep;
    bool up, no_commits;
    bool serving;      /* by the actions carried out so far */
    struct entry *log; /* [lsn - 1] */
    uint64_t last, durable;
    struct rep_epoch epochs[EPOCHS_MAX];
    size_t epochs_n;
    bool served_last;
    uint64_t kept_epoch; /* durable beside the log (REP_DO_KEEP) */
    bool kept_learning;
    bool learned_fails;
    uint64_t heard_epoch; /* the highest that it ever said it knows */
    uint64_t lost_epoch;  /* the highest that its wiped disk knew, while it is learning */
    size_t fuse;
    size_t branches;
    uint64_t released;
    bool released_dual;
    struct cluster_reply reply;
    enum rep_role role_told;
};

struct cluster {
    struct node nodes[CLUSTER_NODES_MAX];
    size_t n;
    struct rep_config figures;
    uint64_t now_ms, link_n, written;
    bool cut[CLUSTER_NODES_MAX][CLUSTER_NODES_MAX];
    struct link links[LINKS_MAX];
    bool by_hand, stale_heirs, lying, loud, forgery, forgetful, hasty;
    bool boots_locked;
    size_t link_frames_max, frame_records_max;
    struct arena arena;
    uint8_t *arena_block;
    struct rep_append append;
    /* what was released as dual, by LSN */
    uint8_t (*dual_hash)[HASH_BYTES];
    bool *dual_is;
    uint64_t dual_last;
    char broken[256];
    struct cluster_counts counts;
    bool tracing;
    char trace[TRACE_BYTES], given[TRACE_BYTES];
    size_t trace_bytes;
};

static const char *const names[CLUSTER_NODES_MAX] = {"A", "B", "C"};

static void drain(struct node *n);

/* ---------------------------------------------------------------- telling */

static void narrate(const struct node *n, const char *format, ...)
{
    struct cluster *c = n->c;
    va_list args;
    if (c->loud) {
        fprintf(stderr, "[%5llu] %s ", (unsigned long long)c->now_ms, names[n->at]);
        va_start(args, format);
        vfprintf(stderr, format, args);
        va_end(args);
        fputc('\n', stderr);
    }
    if (!c->tracing)
        return;
    size_t room = TRACE_BYTES - c->trace_bytes;
    int k = snprintf(c->trace + c->trace_bytes, room, "[%5llu] %s ", (unsigned long long)c->now_ms,
                     names[n->at]);
    assert(k > 0 && (size_t)k < room);
    c->trace_bytes += (size_t)k;
    va_start(args, format);
    k = vsnprintf(c->trace + c->trace_bytes, TRACE_BYTES - c->trace_bytes, format, args);
    va_end(args);
    assert(k >= 0 && c->trace_bytes + (size_t)k + 1 < TRACE_BYTES);
    c->trace_bytes += (size_t)k;
    c->trace[c->trace_bytes++] = '\n';
    c->trace[c->trace_bytes] = '\0';
}

const char *cluster_trace(struct cluster *c)
{
    c->tracing = true;
    memcpy(c->given, c->trace, c->trace_bytes + 1);
    c->trace_bytes = 0;
    c->trace[0] = '\0';
    return c->given;
}

static void broken(struct cluster *c, const char *format, ...)
{
    va_list args;
    if (c->broken[0])
        return;
    if (c->loud)
        fprintf(stderr, "        BROKEN\n");
    int k = snprintf(c->broken, sizeof c->broken, "at %llu ms: ", (unsigned long long)c->now_ms);
    va_start(args, format);
    vsnprintf(c->broken + k, sizeof c->broken - (size_t)k, format, args);
    va_end(args);
}

const char *cluster_broken(const struct cluster *c)
{
    return c->broken[0] ? c->broken : NULL;
}

/* ---------------------------------------------------------------- a node's log */

static struct record record_at(const struct node *n, uint64_t lsn)
{
    struct record r;
    assert(lsn >= 1 && lsn <= n->last);
    exam_err err = record_open(lsn, n->log[lsn - 1].value, n->log[lsn - 1].bytes, &r);
    assert(!err);
    return r;
}

static struct position position_at(const struct node *n, uint64_t lsn)
{
    struct position p = {0};
    if (!lsn)
        return p;
    struct record r = record_at(n, lsn);
    p.epoch = r.epoch;
    p.lsn = lsn;
    memcpy(p.hash, r.hash, HASH_BYTES);
    return p;
}

static exam_err log_hash_at(void *ctx, uint64_t lsn, uint8_t out[HASH_BYTES])
{
    const struct node *n = ctx;
    if (lsn < 1 || lsn > n->last)
        return EXAM_NOT_FOUND;
    struct record r = record_at(n, lsn);
    memcpy(out, r.hash, HASH_BYTES);
    return EXAM_OK;
}

static size_t log_epochs(void *ctx, struct rep_epoch *out, size_t max)
{
    const struct node *n = ctx;
    size_t k = n->epochs_n < max ? n->epochs_n : max;
    memcpy(out, n->epochs + n->epochs_n - k, k * sizeof *out);
    return k;
}

static bool log_site_id(void *ctx, uint8_t out[SITE_ID_BYTES])
{
    const struct node *n = ctx;
    if (!n->last)
        return false;
    struct record r = record_at(n, 1);
    assert(r.event[0] == 'F');
    memcpy(out, r.event + 1, SITE_ID_BYTES);
    return true;
}

static void log_take(struct node *n, const uint8_t *value, size_t bytes)
{
    assert(n->last < RECORDS_MAX && bytes <= VALUE_BYTES);
    memcpy(n->log[n->last].value, value, bytes);
    n->log[n->last].bytes = bytes;
    n->last++;
    struct record r = record_at(n, n->last);
    if (r.event[0] != 'E')
        return;
    assert(n->epochs_n < EPOCHS_MAX);
    struct rep_epoch *e = &n->epochs[n->epochs_n++];
    e->epoch = r.epoch;
    e->first_lsn = r.lsn;
    memcpy(e->first_hash, r.hash, HASH_BYTES);
    n->served_last = r.event[1] == (uint8_t)n->at;
}

static void log_cut(struct node *n, uint64_t lsn)
{
    assert(lsn <= n->last);
    n->last = lsn;
    if (n->durable > lsn)
        n->durable = lsn;
    while (n->epochs_n && n->epochs[n->epochs_n - 1].first_lsn > lsn)
        n->epochs_n--;
    n->served_last = false;
    if (n->epochs_n) {
        struct record r = record_at(n, n->epochs[n->epochs_n - 1].first_lsn);
        n->served_last = r.event[1] == (uint8_t)n->at;
    }
}

static void log_write(struct node *n, uint64_t epoch, const uint8_t *event, size_t event_bytes)
{
    uint8_t value[VALUE_BYTES];
    struct position last = position_at(n, n->last);
    struct record r = {.lsn = n->last + 1,
                       .epoch = epoch,
                       .at_ms = n->c->now_ms,
                       .event = event,
                       .event_bytes = event_bytes};
    record_seal(&r, last.hash, value);
    log_take(n, value, RECORD_HEADER_BYTES + event_bytes);
}

/* ---------------------------------------------------------------- feeding */

static void feed(struct node *n, struct rep_input in)
{
    in.now_ms = n->c->now_ms;
    rep_step(n->rep, &in);
}

static void feed_position(struct node *n, enum rep_input_kind kind, uint64_t lsn)
{
    feed(n, (struct rep_input){.kind = kind, .position = position_at(n, lsn)});
}

/* True if there was something to commit. */
static bool commit(struct node *n)
{
    if (n->durable == n->last || n->no_commits)
        return false;
    n->durable = n->last;
    if (n->c->lying && rep_role(n->rep) == REP_ROLE_STANDBY)
        return true;
    feed_position(n, REP_DURABLE, n->durable);
    return true;
}

/* Says that it is durable, and does nothing for it. */
static void lie(struct node *n)
{
    uint64_t truth = n->durable;
    n->durable = n->last;
    feed_position(n, REP_DURABLE, n->last);
    n->durable = truth;
    drain(n);
}

static void after(struct node *n)
{
    drain(n);
    if (n->c->lying && n->up && n->last > n->durable && rep_role(n->rep) == REP_ROLE_STANDBY)
        lie(n);
    while (n->up && !n->c->by_hand && commit(n))
        drain(n);
}

static void step(struct node *n, struct rep_input in)
{
    if (!n->up)
        return;
    feed(n, in);
    after(n);
}

/* ---------------------------------------------------------------- links */

static bool is_cut(const struct cluster *c, int a, int b)
{
    return c->cut[a][b];
}

static struct link *link_find(struct cluster *c, uint64_t n)
{
    for (size_t i = 0; i < LINKS_MAX; i++)
        if (c->links[i].used && c->links[i].n == n)
            return &c->links[i];
    return NULL;
}

static void way_clear(struct way *w)
{
    while (w->head) {
        struct frame *f = w->head;
        w->head = f->next;
        free(f);
    }
    w->tail = &w->head;
    w->n = 0;
}

static int link_end_of(const struct link *l, const struct node *n)
{
    return l->node[0] == n->at ? 0 : 1;
}

static void link_forget(struct link *l)
{
    way_clear(&l->way[0]);
    way_clear(&l->way[1]);
    l->used = false;
}

static struct link *link_new(struct cluster *c, int from, int to)
{
    for (size_t i = 0; i < LINKS_MAX; i++) {
        struct link *l = &c->links[i];
        if (l->used)
            continue;
        *l = (struct link){.used = true, .n = ++c->link_n, .node = {from, to}};
        l->open[0] = l->open[1] = true;
        way_clear(&l->way[0]);
        way_clear(&l->way[1]);
        return l;
    }
    return NULL;
}

void cluster_connect(struct cluster *c, int from, int to)
{
    if (!c->nodes[from].up || !c->nodes[to].up || is_cut(c, from, to) || is_cut(c, to, from))
        return;
    struct link *l = link_new(c, from, to);
    if (!l)
        return;
    struct rep_link link = {l->n};
    step(&c->nodes[from],
         (struct rep_input){.kind = REP_LINK_OPENED, .link = link, .dialled = true});
    step(&c->nodes[to], (struct rep_input){.kind = REP_LINK_OPENED, .link = link});
}

/* An end closes; the other one hears of it when all that was sent before has been delivered. */
static void link_shut(struct cluster *c, struct link *l, int end)
{
    l->open[end] = false;
    l->told[end] = true;
    way_clear(&l->way[!end]);
    if (!l->open[!end])
        link_forget(l);
    (void)c;
}

static bool link_hear_of_end(struct cluster *c, struct link *l, int end)
{
    if (!l->used || l->open[!end] || !l->open[end] || l->way[!end].n ||
        is_cut(c, l->node[!end], l->node[end]))
        return false;
    struct node *n = &c->nodes[l->node[end]];
    struct rep_link link = {l->n};
    link_forget(l);
    step(n, (struct rep_input){.kind = REP_LINK_CLOSED, .link = link});
    return true;
}

/* `spare`: room beyond the bound for messages that are no records. */
static bool link_push(struct node *n, uint64_t link, const uint8_t *frame, size_t frame_bytes,
                      size_t spare)
{
    struct cluster *c = n->c;
    struct link *l = link_find(c, link);
    if (!l)
        return false;
    struct way *w = &l->way[link_end_of(l, n)];
    if (!l->open[link_end_of(l, n)] || (c->link_frames_max && w->n >= c->link_frames_max + spare))
        return false;
    size_t bytes = frame_bytes - FRAME_HEADER_BYTES;
    struct frame *f = malloc(sizeof *f + bytes);
    assert(f);
    f->next = NULL;
    f->bytes = bytes;
    memcpy(f->payload, frame + FRAME_HEADER_BYTES, bytes);
    *w->tail = f;
    w->tail = &f->next;
    w->n++;
    return true;
}

/* ---------------------------------------------------------------- the checks */

static bool holds(const struct node *n, uint64_t lsn, const uint8_t hash[HASH_BYTES])
{
    if (lsn > n->durable)
        return false;
    struct record r = record_at(n, lsn);
    return !memcmp(r.hash, hash, HASH_BYTES);
}

static void check_dual(struct node *n, uint64_t lsn)
{
    struct cluster *c = n->c;
    struct record r = record_at(n, lsn);
    size_t holders = 0;
    for (size_t i = 0; i < c->n; i++)
        holders += holds(&c->nodes[i], lsn, r.hash);
    if (!c->stale_heirs && holders < 2)
        broken(c, "%s released record %llu as dual, durable on %zu node(s)", names[n->at],
               (unsigned long long)lsn, holders);
    if (!c->stale_heirs && c->dual_is[lsn - 1] && memcmp(c->dual_hash[lsn - 1], r.hash, HASH_BYTES))
        broken(c, "two different records %llu were released as dual", (unsigned long long)lsn);
    c->dual_is[lsn - 1] = true;
    memcpy(c->dual_hash[lsn - 1], r.hash, HASH_BYTES);
    if (lsn > c->dual_last)
        c->dual_last = lsn;
}

/* The log's last word on it, as far as it is durable. */
static bool log_says_solo(const struct node *n)
{
    for (uint64_t lsn = n->durable; lsn; lsn--) {
        struct record r = record_at(n, lsn);
        if (r.event[0] == 'E' || r.event[0] == 'S')
            return r.event[2];
    }
    return false;
}

static void check_release(struct node *n, uint64_t lsn, bool dual)
{
    struct cluster *c = n->c;
    if (!n->serving)
        broken(c, "%s released and does not serve", names[n->at]);
    if (lsn > n->durable)
        broken(c, "%s released record %llu before it was durable", names[n->at],
               (unsigned long long)lsn);
    else if (!dual && !log_says_solo(n))
        broken(c, "%s released alone and its log does not say so", names[n->at]);
    for (uint64_t i = n->released + 1; dual && i <= lsn && !c->broken[0]; i++)
        check_dual(n, i);
    n->released = lsn;
    n->released_dual = dual;
}

static uint64_t known_on_disk(const struct node *n)
{
    uint64_t epoch = n->kept_epoch > n->lost_epoch ? n->kept_epoch : n->lost_epoch;
    uint64_t log = n->epochs_n ? n->epochs[n->epochs_n - 1].epoch : 0;
    return log > epoch ? log : epoch;
}

/* W3, D7: of two nodes; a third may have heard of nothing. The same number at the same moment is a
 * person's doing, and a primary settles it; this is about one that serves again. */
static void check_restarted(struct node *n, uint64_t epoch)
{
    const struct node *other = &n->c->nodes[!n->at];
    bool settles = rep_role(n->rep) == REP_ROLE_FENCED;
    if (n->c->n == 2 && !settles && !n->c->forgery &&
        (known_on_disk(other) > epoch || other->lost_epoch == epoch))
        broken(n->c,
               "%s serves again by itself in epoch %llu, and the other one knew of epoch %llu",
               names[n->at], (unsigned long long)epoch, (unsigned long long)known_on_disk(other));
}

static void check_epoch(struct node *n)
{
    struct cluster *c = n->c;
    if (rep_role(n->rep) != REP_ROLE_PRIMARY)
        return;
    for (uint64_t lsn = 1; !c->stale_heirs && lsn <= c->dual_last; lsn++)
        if (c->dual_is[lsn - 1] && !holds(n, lsn, c->dual_hash[lsn - 1]))
            broken(c, "%s begins epoch %llu without record %llu, which was released as dual",
                   names[n->at], (unsigned long long)rep_epoch(n->rep), (unsigned long long)lsn);
    n->released = n->last;
}

/* ---------------------------------------------------------------- actions */

static const char *message_text(const Rep__Message *m, char *out, size_t bytes)
{
    switch (m->kind_case) {
    case REP__MESSAGE__KIND_HELLO:
        snprintf(out, bytes, "Hello %s epoch %llu last %llu",
                 rep_role_text((enum rep_role)m->hello->role), (unsigned long long)m->hello->epoch,
                 (unsigned long long)m->hello->last->lsn);
        break;
    case REP__MESSAGE__KIND_JOIN:
        snprintf(out, bytes, "Join epoch %llu common %llu", (unsigned long long)m->join->epoch,
                 (unsigned long long)m->join->common->lsn);
        break;
    case REP__MESSAGE__KIND_APPENDED:
        snprintf(out, bytes, "Appended %llu", (unsigned long long)m->appended->lsn);
        break;
    case REP__MESSAGE__KIND_SUPERSEDED:
        snprintf(out, bytes, "Superseded by epoch %llu", (unsigned long long)m->superseded->epoch);
        break;
    case REP__MESSAGE__KIND_HAND_OVER_REQUEST:
        snprintf(out, bytes, "HandOverRequest");
        break;
    case REP__MESSAGE__KIND_HAND_OVER:
        snprintf(out, bytes, "HandOver at %llu", (unsigned long long)m->hand_over->at->lsn);
        break;
    case REP__MESSAGE__KIND_REFUSED:
        snprintf(out, bytes, "Refused %s", exam_err_name((exam_err)m->refused->code));
        break;
    default:
        snprintf(out, bytes, "?");
    }
    return out;
}

static const char *other_end(const struct cluster *c, const struct node *n, uint64_t link)
{
    for (size_t i = 0; i < LINKS_MAX; i++)
        if (c->links[i].used && c->links[i].n == link)
            return names[c->links[i].node[!link_end_of(&c->links[i], n)]];
    return "nobody";
}

/* D3: who has heard of a higher epoch vouches for nothing of a lower one, over crashes too. */
static void check_vouching(struct node *n, const Rep__Message *m)
{
    if (m->kind_case == REP__MESSAGE__KIND_APPENDED && m->appended->epoch < n->heard_epoch)
        broken(n->c, "%s vouches for epoch %llu and has heard of epoch %llu", names[n->at],
               (unsigned long long)m->appended->epoch, (unsigned long long)n->heard_epoch);
    if (rep_epoch(n->rep) > n->heard_epoch)
        n->heard_epoch = rep_epoch(n->rep);
}

static void do_send(struct node *n, const struct rep_action *a)
{
    static uint8_t frame[FRAME_HEADER_BYTES + FRAME_BYTES_MAX];
    char text[128];
    size_t bytes;
    exam_err err = codec_frame_pack(&a->message->base, frame, sizeof frame, &bytes);
    assert(!err);
    check_vouching(n, a->message);
    if (a->message->kind_case != REP__MESSAGE__KIND_PING)
        narrate(n, "-> %s: %s", other_end(n->c, n, a->link.n),
                message_text(a->message, text, sizeof text));
    struct rep_link link = a->link;
    struct link *l = link_find(n->c, link.n);
    if (!l || link_push(n, link.n, frame, bytes, SPARE_FRAMES) ||
        a->message->kind_case == REP__MESSAGE__KIND_PING)
        return; /* without l: an intruder's */
    link_shut(n->c, l, link_end_of(l, n));
    feed(n, (struct rep_input){.kind = REP_LINK_CLOSED, .link = link});
}

/* Sends what goes into one frame; false: the link is full. */
static bool send_frame(struct node *n, const struct rep_action *a, uint64_t *next, size_t *bytes)
{
    struct rep_append *p = &n->c->append;
    struct position prev = position_at(n, *next - 1);
    const uint8_t *frame;
    size_t frame_bytes;
    uint64_t lsn = *next;
    rep_append_begin(p, a->epoch, lsn, prev.hash, a->released_lsn);
    uint64_t end = n->c->frame_records_max ? lsn + n->c->frame_records_max : UINT64_MAX;
    while (lsn <= a->last_lsn && lsn < end &&
           !rep_append_add(p, n->log[lsn - 1].value, n->log[lsn - 1].bytes))
        lsn++;
    rep_append_finish(p, &frame, &frame_bytes);
    if (link_find(n->c, a->link.n) && !link_push(n, a->link.n, frame, frame_bytes, 0))
        return false;
    *bytes += frame_bytes;
    *next = lsn;
    return true;
}

static void do_send_records(struct node *n, const struct rep_action *a)
{
    uint64_t next = a->first_lsn, last = a->last_lsn;
    n->c->counts.pulls += !n->serving;
    size_t bytes = 0;
    struct rep_link link = a->link;
    while (next <= last && bytes < a->bytes_max && send_frame(n, a, &next, &bytes)) {
    }
    if (next > a->first_lsn)
        narrate(n, "-> %s: records %llu-%llu", other_end(n->c, n, link.n),
                (unsigned long long)a->first_lsn, (unsigned long long)next - 1);
    feed(n, (struct rep_input){
                .kind = REP_SENT, .link = link, .position = {.lsn = next - 1}, .bytes = bytes});
}

static void do_append(struct node *n, const struct rep_action *a)
{
    for (size_t i = 0; i < a->append->n_records; i++) {
        struct record r;
        struct position last = position_at(n, n->last);
        const ProtobufCBinaryData *v = &a->append->records[i];
        if (record_open(n->last + 1, v->data, v->len, &r) || record_verify(&r, last.hash)) {
            if (!n->c->forgery)
                broken(n->c, "%s was sent a record that does not verify", names[n->at]);
            break;
        }
        log_take(n, v->data, v->len);
    }
    feed_position(n, REP_APPENDED, n->last);
}

static void do_cut(struct node *n, const struct rep_action *a)
{
    n->durable = n->last;
    narrate(n, "cuts off records %llu-%llu", (unsigned long long)a->lsn + 1,
            (unsigned long long)n->last);
    n->branches++;
    n->c->counts.cuts++;
    log_cut(n, a->lsn);
    feed_position(n, REP_CUT_DONE, n->last);
}

static void do_begin_epoch(struct node *n, const struct rep_action *a)
{
    uint8_t founded[1 + SITE_ID_BYTES] = {'F', (uint8_t)n->at, (uint8_t)n->c->now_ms};
    uint8_t event[] = {'E', (uint8_t)n->at, a->solo, (uint8_t)a->reason};
    static const char *const reasons[] = {"?", "founded", "switchover", "attested", "restarted"};
    if (a->reason == EV__EPOCH_REASON__EPOCH_REASON_FOUNDED)
        log_write(n, a->epoch, founded, sizeof founded);
    log_write(n, a->epoch, event, sizeof event);
    n->durable = n->last;
    n->c->counts.epochs[a->reason]++;
    narrate(n, "begins epoch %llu, %s%s", (unsigned long long)a->epoch, reasons[a->reason],
            a->solo ? ", solo" : "");
    n->serving = true;
    if (a->reason == EV__EPOCH_REASON__EPOCH_REASON_RESTARTED)
        check_restarted(n, a->epoch);
    feed_position(n, REP_EPOCH_OPEN, n->last);
    check_epoch(n);
}

static void do_keep(struct node *n, const struct rep_action *a)
{
    if (n->learned_fails && !a->learning) {
        n->learned_fails = false;
        rep_step(n->rep, &(struct rep_input){.kind = REP_FAILED, .now_ms = n->c->now_ms});
        return;
    }
    n->c->counts.kept++;
    n->kept_epoch = n->c->forgetful ? 0 : a->epoch;
    n->kept_learning = a->learning && !n->c->hasty;
    if (!a->learning)
        n->lost_epoch = 0;
}

static void do_log_standby(struct node *n, const struct rep_action *a)
{
    uint8_t event[] = {'S', (uint8_t)a->peer[0], a->solo, a->in_sync};
    narrate(n, "logs that %s is %s%s", a->peer, a->in_sync ? "in sync" : "lost",
            a->solo ? ": goes on alone" : "");
    n->c->counts.solo += a->solo;
    n->c->counts.in_sync += a->in_sync;
    log_write(n, rep_epoch(n->rep), event, sizeof event);
    feed_position(n, REP_APPENDED, n->last);
}

static void do_close(struct node *n, const struct rep_action *a)
{
    struct link *l = link_find(n->c, a->link.n);
    narrate(n, "closes its link to %s: %s", other_end(n->c, n, a->link.n), a->text);
    if (l)
        link_shut(n->c, l, link_end_of(l, n));
}

static void do_reply(struct node *n, const struct rep_action *a)
{
    narrate(n, "replies %s: %s", exam_err_name(a->code), a->text);
    n->reply.given = true;
    n->reply.code = a->code;
    snprintf(n->reply.text, sizeof n->reply.text, "%s", a->text);
}

static void do_release(struct node *n, const struct rep_action *a)
{
    narrate(n, "releases up to %llu, %s", (unsigned long long)a->lsn, a->dual ? "dual" : "solo");
    n->c->counts.released_dual += a->dual;
    n->c->counts.released_solo += !a->dual;
    check_release(n, a->lsn, a->dual);
}

static void carry_out(struct node *n, const struct rep_action *a)
{
    switch (a->kind) {
    case REP_DO_KEEP:
        do_keep(n, a);
        break;
    case REP_DO_SEND:
        do_send(n, a);
        break;
    case REP_DO_SEND_RECORDS:
        do_send_records(n, a);
        break;
    case REP_DO_APPEND:
        do_append(n, a);
        break;
    case REP_DO_CUT:
        do_cut(n, a);
        break;
    case REP_DO_BEGIN_EPOCH:
        do_begin_epoch(n, a);
        break;
    case REP_DO_STEP_DOWN:
        n->serving = false;
        n->c->counts.step_downs++;
        narrate(n, "steps down, epoch %llu is known", (unsigned long long)a->epoch);
        break;
    case REP_DO_RELEASE:
        do_release(n, a);
        break;
    case REP_DO_LOG_STANDBY:
        do_log_standby(n, a);
        break;
    case REP_DO_CLOSE:
        do_close(n, a);
        break;
    case REP_DO_REPLY:
        do_reply(n, a);
        break;
    }
}

static void drain(struct node *n)
{
    const struct rep_action *a;
    while (n->up && (a = rep_next_action(n->rep))) {
        if (n->fuse && --n->fuse == 0) {
            n->c->counts.fuses++;
            cluster_kill(n->c, n->at);
            return;
        }
        carry_out(n, a);
    }
    if (n->up && rep_role(n->rep) != n->role_told) {
        n->role_told = rep_role(n->rep);
        narrate(n, "is %s", rep_role_text(n->role_told));
    }
}

/* ---------------------------------------------------------------- moving messages */

static bool deliver(struct cluster *c, struct link *l, int from)
{
    struct way *w = &l->way[from];
    struct node *to = &c->nodes[l->node[!from]];
    const Rep__Message *m;
    const char *why = "";
    if (!w->head || is_cut(c, l->node[from], l->node[!from]) || !l->open[!from])
        return false;
    struct frame *f = w->head;
    w->head = f->next;
    if (!w->head)
        w->tail = &w->head;
    w->n--;
    exam_err err = codec_replica_message(&c->arena, f->payload, f->bytes, &m, &why);
    if (c->loud && !err)
        fprintf(stderr, "        %s gets %d on link %llu\n", names[to->at], (int)m->kind_case,
                (unsigned long long)l->n);
    if (err)
        broken(c, "a message does not decode: %s", why);
    else
        step(to, (struct rep_input){.kind = REP_MESSAGE, .link = {l->n}, .message = m});
    free(f);
    return true;
}

bool cluster_deliver(struct cluster *c, int from, int to, size_t link)
{
    size_t k = 0;
    for (size_t i = 0; i < LINKS_MAX; i++) {
        struct link *l = &c->links[i];
        if (!l->used || (l->node[0] != from && l->node[1] != from) ||
            (l->node[0] != to && l->node[1] != to) || k++ != link)
            continue;
        int end = l->node[0] == from ? 0 : 1;
        if (deliver(c, l, end))
            return true;
        return link_hear_of_end(c, l, !end);
    }
    return false;
}

size_t cluster_links(struct cluster *c, int a, int b)
{
    size_t k = 0;
    for (size_t i = 0; i < LINKS_MAX; i++)
        k += c->links[i].used && ((c->links[i].node[0] == a && c->links[i].node[1] == b) ||
                                  (c->links[i].node[0] == b && c->links[i].node[1] == a));
    return k;
}

static bool redial(struct cluster *c)
{
    bool any = false;
    for (int a = 0; a < (int)c->n; a++)
        for (int b = a + 1; b < (int)c->n; b++) {
            bool links = false;
            for (size_t i = 0; i < LINKS_MAX; i++) {
                const struct link *l = &c->links[i];
                links |= l->used && l->open[0] && l->open[1] && l->node[0] + l->node[1] == a + b;
            }
            if (links || !c->nodes[a].up || !c->nodes[b].up || is_cut(c, a, b) || is_cut(c, b, a))
                continue;
            cluster_connect(c, a, b);
            any = true;
        }
    return any;
}

static bool move_all(struct cluster *c)
{
    bool any = false;
    for (size_t i = 0; i < LINKS_MAX; i++)
        for (int end = 0; end < 2; end++) {
            if (c->links[i].used)
                any |= deliver(c, &c->links[i], end);
            any |= link_hear_of_end(c, &c->links[i], end);
        }
    return any;
}

void cluster_settle(struct cluster *c)
{
    for (int i = 0; i < SETTLE_ROUNDS_MAX; i++)
        if (!move_all(c))
            return;
    broken(c, "the messages never end");
}

/* ---------------------------------------------------------------- time */

static void tick_all(struct cluster *c)
{
    for (size_t i = 0; i < c->n; i++)
        step(&c->nodes[i], (struct rep_input){.kind = REP_TICK});
}

void cluster_pass(struct cluster *c, uint64_t ms)
{
    c->now_ms += ms;
    tick_all(c);
}

static uint64_t next_deadline(const struct cluster *c)
{
    uint64_t at = UINT64_MAX;
    for (size_t i = 0; i < c->n; i++) {
        uint64_t d = c->nodes[i].up ? rep_next_deadline_ms(c->nodes[i].rep) : UINT64_MAX;
        at = d < at ? d : at;
    }
    return at;
}

void cluster_run(struct cluster *c, uint64_t ms)
{
    uint64_t until = c->now_ms + ms;
    for (;;) {
        tick_all(c);
        cluster_settle(c);
        /* The shell redials a moment after it lost a link. */
        if (redial(c))
            cluster_settle(c);
        uint64_t at = next_deadline(c);
        if (at <= c->now_ms) {
            broken(c, "a deadline that has passed is named again: the shell would spin");
            at = c->now_ms + 1;
        }
        if (at > until)
            break;
        c->now_ms = at;
    }
    c->now_ms = until;
    tick_all(c);
    cluster_settle(c);
}

/* ---------------------------------------------------------------- what happens */

struct cluster *cluster_new(size_t nodes, const struct rep_config *figures)
{
    struct cluster *c = calloc(1, sizeof *c);
    assert(c && nodes <= CLUSTER_NODES_MAX);
    c->n = nodes;
    c->loud = getenv("EXAM_TEST_TRACE") != NULL;
    c->figures = figures ? *figures : (struct rep_config){0};
    c->arena_block = malloc(ARENA_BYTES_FRAME);
    c->dual_hash = calloc(RECORDS_MAX, sizeof *c->dual_hash);
    c->dual_is = calloc(RECORDS_MAX, sizeof *c->dual_is);
    assert(c->arena_block && c->dual_hash && c->dual_is);
    arena_init(&c->arena, c->arena_block, ARENA_BYTES_FRAME);
    for (size_t i = 0; i < nodes; i++) {
        struct node *n = &c->nodes[i];
        n->c = c;
        n->at = (int)i;
        n->log = calloc(RECORDS_MAX, sizeof *n->log);
        assert(n->log);
        cluster_boot(c, (int)i);
    }
    return c;
}

void cluster_free(struct cluster *c)
{
    for (size_t i = 0; i < LINKS_MAX; i++)
        if (c->links[i].used)
            link_forget(&c->links[i]);
    for (size_t i = 0; i < c->n; i++) {
        rep_free(c->nodes[i].rep);
        free(c->nodes[i].log);
    }
    free(c->arena_block);
    free(c->dual_hash);
    free(c->dual_is);
    free(c);
}

void cluster_by_hand(struct cluster *c, bool by_hand)
{
    c->by_hand = by_hand;
    for (size_t i = 0; !by_hand && i < c->n; i++)
        if (c->nodes[i].up)
            after(&c->nodes[i]);
}

void cluster_boot(struct cluster *c, int node)
{
    struct node *n = &c->nodes[node];
    const char *peers[CLUSTER_NODES_MAX];
    if (n->up)
        return;
    struct rep_config config = c->figures;
    config.node = names[node];
    config.peers = peers;
    for (size_t i = 0; i < c->n; i++)
        if ((int)i != node)
            peers[config.peers_n++] = names[i];
    struct rep_start start = {.last = position_at(n, n->last),
                              .served_last = n->served_last,
                              .known_epoch = n->kept_epoch,
                              .learning = n->kept_learning,
                              .locked = c->boots_locked};
    struct rep_log log = {
        .ctx = n, .hash_at = log_hash_at, .epochs = log_epochs, .site_id = log_site_id};
    exam_err err = rep_new(&config, &start, &log, c->now_ms, &n->rep);
    assert(!err);
    n->up = true;
    n->released = 0;
    n->reply = (struct cluster_reply){0};
    n->role_told = (enum rep_role)0;
    step(n, (struct rep_input){.kind = REP_TICK});
}

void cluster_kill(struct cluster *c, int node)
{
    struct node *n = &c->nodes[node];
    if (!n->up)
        return;
    narrate(n, "dies");
    n->up = n->serving = false;
    n->fuse = 0;
    rep_free(n->rep);
    n->rep = NULL;
    log_cut(n, n->durable);
    for (size_t i = 0; i < LINKS_MAX; i++) {
        struct link *l = &c->links[i];
        if (l->used && (l->node[0] == node || l->node[1] == node) && l->open[link_end_of(l, n)])
            link_shut(c, l, link_end_of(l, n));
    }
}

void cluster_fuse(struct cluster *c, int node, size_t effects)
{
    c->nodes[node].fuse = effects;
}

static bool has_all_dual(const struct node *n)
{
    for (uint64_t lsn = 1; lsn <= n->c->dual_last; lsn++)
        if (n->c->dual_is[lsn - 1] && !holds(n, lsn, n->c->dual_hash[lsn - 1]))
            return false;
    return true;
}

bool cluster_may_wipe(const struct cluster *c, int node)
{
    for (int i = 0; i < (int)c->n; i++)
        if (i != node && c->nodes[i].durable && !c->nodes[i].kept_learning &&
            has_all_dual(&c->nodes[i]))
            return true;
    return false;
}

void cluster_wipe(struct cluster *c, int node)
{
    assert(!c->nodes[node].up);
    struct node *n = &c->nodes[node];
    /* A new disk takes longer than any time-out: nothing of the old one is under way any more. */
    for (int other = 0; other < (int)c->n; other++)
        if (other != node)
            cluster_reset(c, node, other);
    n->lost_epoch = known_on_disk(n);
    n->durable = n->last;
    log_cut(n, 0);
    c->counts.wipes++;
    n->kept_epoch = n->heard_epoch = 0;
    n->kept_learning = false;
}

void cluster_fail(struct cluster *c, int node)
{
    step(&c->nodes[node], (struct rep_input){.kind = REP_FAILED});
}

void cluster_fail_learned(struct cluster *c, int node)
{
    c->nodes[node].learned_fails = true;
}

void cluster_hung(struct cluster *c, int node)
{
    step(&c->nodes[node], (struct rep_input){.kind = REP_HUNG});
}

void cluster_stop(struct cluster *c, int node)
{
    step(&c->nodes[node], (struct rep_input){.kind = REP_STOP});
    cluster_kill(c, node);
}

void cluster_found(struct cluster *c, int node)
{
    c->nodes[node].reply.given = false;
    step(&c->nodes[node], (struct rep_input){.kind = REP_FOUND, .token = 1});
}

void cluster_promote(struct cluster *c, int node, bool attest)
{
    c->nodes[node].reply.given = false;
    step(&c->nodes[node], (struct rep_input){.kind = REP_PROMOTE, .token = 1, .attest = attest});
}

void cluster_promote_forced(struct cluster *c, int node, bool attest)
{
    c->nodes[node].reply.given = false;
    step(&c->nodes[node],
         (struct rep_input){.kind = REP_PROMOTE, .token = 1, .attest = attest, .forced = true});
}

void cluster_promote_above(struct cluster *c, int node, uint64_t epoch)
{
    c->nodes[node].reply.given = false;
    step(&c->nodes[node],
         (struct rep_input){.kind = REP_PROMOTE, .token = 1, .attest = true, .epoch = epoch});
}

void cluster_boots_locked(struct cluster *c, bool locked)
{
    c->boots_locked = locked;
}

void cluster_unlock(struct cluster *c, int node)
{
    step(&c->nodes[node], (struct rep_input){.kind = REP_UNLOCKED});
}

void cluster_hand_over(struct cluster *c, int node)
{
    c->nodes[node].reply.given = false;
    step(&c->nodes[node], (struct rep_input){.kind = REP_HAND_OVER, .token = 1});
}

/* A direction of a link on which something is under way; NULL: none. */
static struct way *busy_way(struct cluster *c, int from, int to)
{
    for (size_t i = 0; i < LINKS_MAX; i++) {
        struct link *l = &c->links[i];
        if (!l->used || l->node[0] + l->node[1] != from + to)
            continue;
        struct way *w = &l->way[l->node[0] == from ? 0 : 1];
        if (w->head)
            return w;
    }
    return NULL;
}

void cluster_lose_message(struct cluster *c, int from, int to)
{
    struct way *w = busy_way(c, from, to);
    if (!w)
        return;
    struct frame *f = w->head;
    w->head = f->next;
    if (!w->head)
        w->tail = &w->head;
    w->n--;
    c->counts.lost++;
    free(f);
}

void cluster_repeat_message(struct cluster *c, int from, int to)
{
    struct way *w = busy_way(c, from, to);
    if (!w)
        return;
    struct frame *f = malloc(sizeof *f + w->head->bytes);
    assert(f);
    memcpy(f, w->head, sizeof *f + w->head->bytes);
    f->next = NULL;
    *w->tail = f;
    w->tail = &f->next;
    w->n++;
    c->counts.repeated++;
}

void cluster_swap_messages(struct cluster *c, int from, int to)
{
    struct way *w = busy_way(c, from, to);
    if (!w || w->n < 2)
        return;
    struct frame *first = w->head, *second = first->next;
    first->next = second->next;
    second->next = first;
    w->head = second;
    if (!first->next)
        w->tail = &first->next;
    c->counts.swapped++;
}

void cluster_epoch_heard(struct cluster *c, int node, uint64_t epoch)
{
    step(&c->nodes[node], (struct rep_input){.kind = REP_EPOCH_HEARD, .epoch = epoch});
}

void cluster_epoch_shared(struct cluster *c, int node, uint64_t epoch)
{
    step(&c->nodes[node], (struct rep_input){.kind = REP_EPOCH_SHARED, .epoch = epoch});
}

size_t cluster_write(struct cluster *c, int node, size_t records)
{
    struct node *n = &c->nodes[node];
    if (!n->up || !rep_may_decide(n->rep))
        return 0;
    for (size_t i = 0; i < records; i++) {
        uint8_t event[9] = {'W'};
        uint64_t k = ++c->written;
        memcpy(event + 1, &k, sizeof k);
        log_write(n, rep_epoch(n->rep), event, sizeof event);
    }
    feed_position(n, REP_APPENDED, n->last);
    after(n);
    return records;
}

void cluster_cut(struct cluster *c, int a, int b)
{
    c->cut[a][b] = c->cut[b][a] = true;
}

void cluster_cut_one_way(struct cluster *c, int from, int to)
{
    c->cut[from][to] = true;
}

void cluster_heal(struct cluster *c, int a, int b)
{
    c->cut[a][b] = c->cut[b][a] = false;
}

void cluster_reset(struct cluster *c, int a, int b)
{
    for (size_t i = 0; i < LINKS_MAX; i++) {
        struct link *l = &c->links[i];
        if (!l->used || l->node[0] + l->node[1] != a + b)
            continue;
        struct rep_link link = {l->n};
        bool open[2] = {l->open[0], l->open[1]};
        int node[2] = {l->node[0], l->node[1]};
        link_forget(l);
        for (int end = 0; end < 2; end++)
            if (open[end])
                step(&c->nodes[node[end]],
                     (struct rep_input){.kind = REP_LINK_CLOSED, .link = link});
    }
}

void cluster_refuse_records(struct cluster *c, int node, bool on)
{
    c->nodes[node].no_commits = on;
    if (!on && c->nodes[node].up)
        after(&c->nodes[node]);
}

bool cluster_commit(struct cluster *c, int node)
{
    struct node *n = &c->nodes[node];
    if (!n->up || !commit(n))
        return false;
    drain(n);
    return true;
}

void cluster_commit_part(struct cluster *c, int node, uint64_t lsn)
{
    struct node *n = &c->nodes[node];
    assert(n->up && lsn >= n->durable && lsn <= n->last);
    n->durable = lsn;
    feed_position(n, REP_DURABLE, lsn);
    drain(n);
}

void cluster_frame_records_max(struct cluster *c, size_t records)
{
    c->frame_records_max = records;
}

void cluster_link_frames_max(struct cluster *c, size_t frames)
{
    c->link_frames_max = frames;
}

/* ---------------------------------------------------------------- what came of it */

uint64_t cluster_now_ms(const struct cluster *c)
{
    return c->now_ms;
}

bool cluster_is_up(const struct cluster *c, int node)
{
    return c->nodes[node].up;
}

rep *cluster_rep(struct cluster *c, int node)
{
    return c->nodes[node].rep;
}

int cluster_primary(const struct cluster *c)
{
    int best = NOBODY;
    for (size_t i = 0; i < c->n; i++)
        if (c->nodes[i].up && rep_role(c->nodes[i].rep) == REP_ROLE_PRIMARY &&
            (best == NOBODY || rep_epoch(c->nodes[i].rep) > rep_epoch(c->nodes[best].rep)))
            best = (int)i;
    return best;
}

uint64_t cluster_last(const struct cluster *c, int node)
{
    return c->nodes[node].last;
}

uint64_t cluster_durable(const struct cluster *c, int node)
{
    return c->nodes[node].durable;
}

struct position cluster_position(const struct cluster *c, int node, uint64_t lsn)
{
    return position_at(&c->nodes[node], lsn <= c->nodes[node].last ? lsn : 0);
}

bool cluster_site_id(struct cluster *c, int node, uint8_t out[SITE_ID_BYTES])
{
    return log_site_id(&c->nodes[node], out);
}

size_t cluster_branches(const struct cluster *c, int node)
{
    return c->nodes[node].branches;
}

bool cluster_logs_equal(const struct cluster *c, int a, int b)
{
    const struct node *x = &c->nodes[a], *y = &c->nodes[b];
    struct position p = position_at(x, x->durable), q = position_at(y, y->durable);
    return p.lsn == q.lsn && !memcmp(p.hash, q.hash, HASH_BYTES);
}

const struct cluster_reply *cluster_reply(const struct cluster *c, int node)
{
    return &c->nodes[node].reply;
}

uint64_t cluster_released(const struct cluster *c, int node)
{
    return c->nodes[node].released;
}

bool cluster_released_dual(const struct cluster *c, int node)
{
    return c->nodes[node].released_dual;
}

const struct cluster_counts *cluster_counts(const struct cluster *c)
{
    return &c->counts;
}

void cluster_allow_forgery(struct cluster *c)
{
    c->forgery = true;
}

uint64_t cluster_intrude(struct cluster *c, int node)
{
    uint64_t link = ++c->link_n;
    step(&c->nodes[node], (struct rep_input){.kind = REP_LINK_OPENED, .link = {link}});
    return link;
}

void cluster_say(struct cluster *c, int node, uint64_t link, const Rep__Message *m)
{
    step(&c->nodes[node], (struct rep_input){.kind = REP_MESSAGE, .link = {link}, .message = m});
}

void cluster_lying_standbys(struct cluster *c)
{
    c->lying = true;
}

void cluster_forgetful(struct cluster *c)
{
    c->forgetful = true;
}

void cluster_hasty_learners(struct cluster *c)
{
    c->hasty = true;
}

void cluster_allow_stale_heirs(struct cluster *c)
{
    c->stale_heirs = true;
}
