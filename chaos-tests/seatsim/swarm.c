#include "swarm.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "boot_clock.h"
#include "rng.h"
#include "seat_keys.h"
#include "tcp_link.h"

enum { SEATS_STARTED_PER_MS = 4 };

/* What a seat is, seen from inside the swarm. */
struct seat {
    struct swarm_seat face; /* first: the behaviour's pointer is this one's */
    struct keyring *keys;   /* NULL: plain connections */
    struct tunnel_end end;
    struct tcp_link *link[NODES_MAX];
    bool broken[NODES_MAX]; /* to be told to the core once it has returned */
    bool any_broken;
    bool straight; /* the path has been whole since the request that is being answered */
    bool started;
    bool act_due;
    bool collected, collected_keep; /* the journal is to be begun anew */
    enum swarm_path path[NODES_MAX];
    uint64_t durable_bytes; /* of the journal */
    uint64_t written_ms;    /* of the last position, on the disk or not */
    uint32_t boots;
    void *block;       /* the core lies in it */
    uint64_t armed_ms; /* when the timer fires; UINT64_MAX: not armed */
    uint64_t start_ms;
    uv_timer_t timer;
};

struct swarm {
    struct swarm_config config;
    uv_loop_t loop;
    struct tcp_link_pool pool;
    uv_timer_t beat;
    uv_prepare_t listening; /* the loop is about to wait */
    uv_check_t heard;       /* it has waited */
    uint64_t heard_ms;
    uv_signal_t term, interrupt;
    bool stopping, signalled;
    uint32_t nodes_n;
    struct sockaddr_storage node[NODES_MAX];
    char node_name[NODES_MAX][KEY_NAME_BYTES]; /* "": none was given */
    struct seat_keys keys;
    struct seat *seat;
    uint32_t seats_n;
    uint8_t *arena_block;
    struct arena arena;
    uint8_t boot_id[BOOT_ID_BYTES];
    struct rng rng; /* what a power cut leaves of a journal */
};

/* ---------------------------------------------------------------- the cores' effects */

/* The link ends: what was on its way may have arrived, until this instant or (the seat hung up)
 * nobody knows when. */
static void doubt_note(struct seat *s, uint32_t node, uint64_t until_ms)
{
    if (tcp_link_waits(s->link[node]) && until_ms > s->face.doubt_ms)
        s->face.doubt_ms = until_ms;
}

static void effect_close(void *ctx, uint32_t node)
{
    struct seat *s = ctx;
    s->broken[node] = false;
    if (s->link[node] == NULL)
        return;
    doubt_note(s, node, UINT64_MAX);
    tcp_link_close(s->link[node]);
    s->link[node] = NULL;
}

/* The core may not be called from inside an effect: the loss is told after its return. */
static void link_break(struct seat *s, uint32_t node)
{
    effect_close(s, node);
    s->broken[node] = true;
    s->any_broken = true;
}

static void on_link_opened(void *ctx, uint32_t node);
static void on_link_closed(void *ctx, uint32_t node);
static void on_link_frame(void *ctx, uint32_t node, const uint8_t *payload, size_t payload_bytes,
                          uint64_t sent_ms);

static void effect_dial(void *ctx, uint32_t node)
{
    static const struct tcp_link_hooks hooks = {on_link_opened, on_link_closed, on_link_frame};
    struct seat *s = ctx;
    struct swarm *w = s->face.swarm;
    assert(s->link[node] == NULL);
    s->broken[node] = false;
    if (s->path[node] == SWARM_SILENT)
        return; /* nothing comes back, not even a refusal: the core gives the attempt up */
    if (s->path[node] == SWARM_REFUSED) {
        link_break(s, node);
        return;
    }
    const struct tcp_link_target target = {
        .to = (const struct sockaddr *)&w->node[node], .end = &s->end, .name = w->node_name[node]};
    if (tcp_link_dial(&w->pool, &target, &hooks, s, node, &s->link[node]) != EXAM_OK)
        link_break(s, node);
}

static void effect_send(void *ctx, uint32_t node, const uint8_t *frame, size_t frame_bytes)
{
    struct seat *s = ctx;
    if (s->link[node] == NULL)
        return;
    if (tcp_link_send(s->link[node], frame, frame_bytes, boot_clock_ms()) != EXAM_OK)
        link_break(s, node);
}

static exam_err effect_journal(void *ctx, const struct seat_record *r, bool durable)
{
    struct seat *s = ctx;
    exam_err err = journal_append(s->face.journal, r, durable);
    if (err != EXAM_OK)
        return err;
    if (r->kind == SEAT_RECORD_POSITION)
        s->written_ms = r->u.position.at_ms;
    else if (r->kind == SEAT_RECORD_ANSWER || r->kind == SEAT_RECORD_SUBMIT)
        s->written_ms = r->u.action.at_ms;
    if (durable) {
        s->face.position_ms = s->written_ms;
        s->durable_bytes = journal_bytes(s->face.journal);
    }
    return EXAM_OK;
}

static exam_err effect_fetch(void *ctx, uint64_t seq, struct seat_record *out)
{
    struct seat *s = ctx;
    return journal_find(s->face.journal, seq, out);
}

static void effect_event(void *ctx, const struct seat_event *e)
{
    struct seat *s = ctx;
    s->act_due = true;
    if (e->kind == SEAT_EVENT_COLLECTED) {
        s->collected = true;
        s->collected_keep = e->u.collected.keep;
    }
    s->face.swarm->config.behaviour.event(&s->face, e);
    if (e->kind == SEAT_EVENT_ATTACHED)
        s->face.doubt_ms = 0;
}

static const struct seat_effects effects = {effect_dial,    effect_close, effect_send,
                                            effect_journal, effect_fetch, effect_event};

/* ---------------------------------------------------------------- one seat's turn */

static void on_timer(uv_timer_t *t);

/* Arms the timer only when it must fire earlier than it would: a deadline that has moved on is
 * noticed when the old one comes. That spares a timer's work for each answer. */
static void seat_arm(struct seat *s, uint64_t now_ms)
{
    uint64_t at_ms = s->started ? seat_core_deadline_ms(s->face.core) : s->start_ms;
    if (s->started) {
        uint64_t wake_ms = s->face.swarm->config.behaviour.wake_ms(&s->face);
        if (wake_ms < at_ms)
            at_ms = wake_ms;
    }
    if (at_ms >= s->armed_ms)
        return;
    s->armed_ms = at_ms;
    uv_update_time(&s->face.swarm->loop);
    uv_timer_start(&s->timer, on_timer, at_ms > now_ms ? at_ms - now_ms : 0, 0);
}

void swarm_seat_wake(struct swarm_seat *face)
{
    struct seat *s = (struct seat *)face;
    if (face->core == NULL)
        return;
    s->act_due = true;
    s->armed_ms = boot_clock_ms();
    uv_timer_start(&s->timer, on_timer, 0, 0);
}

/* Everything in the journal has been collected: the seat is free for the next candidate. */
static void journal_renew(struct seat *s, uint64_t now_ms)
{
    s->collected = false;
    exam_err err = journal_discard(s->face.journal, s->collected_keep);
    if (err == EXAM_OK)
        err = seat_core_rejournal(s->face.core, now_ms);
    if (err != EXAM_OK)
        fprintf(stderr, "seatsim: seat %s: its journal cannot be begun anew: %s\n",
                s->face.row->seat, journal_why(s->face.journal));
    s->durable_bytes = journal_bytes(s->face.journal);
    s->face.position_ms = s->written_ms = 0;
}

static void losses_tell(struct seat *s, uint64_t now_ms)
{
    while (s->any_broken) {
        s->any_broken = false;
        for (uint32_t i = 0; i < s->face.swarm->nodes_n; i++) {
            if (!s->broken[i])
                continue;
            s->broken[i] = false;
            seat_core_link_closed(s->face.core, now_ms, i);
        }
    }
}

/* After every call into the core. The behaviour's own calls may cause events again, hence the loop;
 * it is bounded so that a behaviour that answers without end cannot starve the other seats. */
static void seat_settle(struct seat *s, uint64_t now_ms)
{
    enum { ROUNDS_MAX = 8 };
    for (int i = 0; i < ROUNDS_MAX && (s->any_broken || s->act_due); i++) {
        losses_tell(s, now_ms);
        if (s->collected)
            journal_renew(s, now_ms);
        s->act_due = false;
        if (!s->face.swarm->stopping)
            s->face.swarm->config.behaviour.act(&s->face, now_ms);
    }
    if (s->face.swarm->stopping)
        return;
    if (s->any_broken || s->act_due)
        swarm_seat_wake(&s->face);
    else
        seat_arm(s, now_ms);
}

static void seat_begin(struct seat *s, uint64_t now_ms)
{
    s->started = true;
    exam_err err = seat_core_start(s->face.core, now_ms);
    if (err != EXAM_OK) {
        fprintf(stderr, "seatsim: seat %s cannot start: %s: %s\n", s->face.row->seat,
                exam_err_text(err), journal_why(s->face.journal));
        swarm_stop(s->face.swarm);
    }
    s->act_due = true;
}

static void on_timer(uv_timer_t *t)
{
    struct seat *s = t->data;
    uint64_t now_ms = boot_clock_ms();
    s->armed_ms = UINT64_MAX;
    if (!s->started && now_ms >= s->start_ms)
        seat_begin(s, now_ms);
    else if (s->started && seat_core_deadline_ms(s->face.core) <= now_ms)
        seat_core_tick(s->face.core, now_ms);
    if (s->started && s->face.swarm->config.behaviour.wake_ms(&s->face) <= now_ms)
        s->act_due = true;
    seat_settle(s, now_ms);
}

static void on_link_opened(void *ctx, uint32_t node)
{
    struct seat *s = ctx;
    uint64_t now_ms = boot_clock_ms();
    seat_core_link_opened(s->face.core, now_ms, node);
    seat_settle(s, now_ms);
}

static void on_link_closed(void *ctx, uint32_t node)
{
    struct seat *s = ctx;
    uint64_t now_ms = boot_clock_ms();
    doubt_note(s, node, now_ms);
    s->link[node] = NULL;
    seat_core_link_closed(s->face.core, now_ms, node);
    seat_settle(s, now_ms);
}

static void took_tell(const struct seat *s, uint64_t sent_ms, uint64_t now_ms)
{
    const struct swarm_behaviour *b = &s->face.swarm->config.behaviour;
    if (b->took != NULL && s->straight && !s->face.reply_pushed)
        b->took(b->user, sent_ms, now_ms);
}

static void on_link_frame(void *ctx, uint32_t node, const uint8_t *payload, size_t payload_bytes,
                          uint64_t sent_ms)
{
    struct seat *s = ctx;
    uint64_t now_ms = boot_clock_ms();
    s->face.reply_sent_ms = sent_ms;
    s->straight = sent_ms > tcp_link_healed_ms(s->link[node]);
    s->face.reply_pushed = !tcp_link_is_reply(payload);
    took_tell(s, sent_ms, now_ms);
    seat_core_frame(s->face.core, now_ms, node, payload, payload_bytes);
    seat_settle(s, now_ms);
}

/* ---------------------------------------------------------------- opening */

static bool boot_id_read(uint8_t out[BOOT_ID_BYTES])
{
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r");
    char text[64] = "";
    size_t got = 0;
    if (f == NULL)
        return false;
    if (fgets(text, sizeof text, f) != NULL)
        for (const char *p = text; *p != '\0' && got < BOOT_ID_BYTES;) {
            unsigned byte;
            if (*p == '-')
                p++;
            if (sscanf(p, "%2x", &byte) != 1)
                break;
            out[got++] = (uint8_t)byte;
            p += 2;
        }
    fclose(f);
    return got == BOOT_ID_BYTES;
}

static bool node_resolve(struct swarm *w, char *address)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC}, *found;
    char *at = strchr(address, '@');
    if (w->nodes_n == NODES_MAX || (at == NULL && w->config.keys_dir != NULL))
        return false;
    if (at != NULL) {
        snprintf(w->node_name[w->nodes_n], KEY_NAME_BYTES, "%.*s", (int)(at - address), address);
        address = at + 1;
    }
    char *colon = strrchr(address, ':');
    if (colon == NULL)
        return false;
    *colon = '\0';
    if (getaddrinfo(address, colon + 1, &hints, &found) != 0)
        return false;
    memcpy(&w->node[w->nodes_n++], found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return true;
}

static exam_err nodes_resolve(struct swarm *w, const char *nodes)
{
    char *copy = strdup(nodes), *save = NULL;
    exam_err err = copy == NULL ? EXAM_NOMEM : EXAM_OK;
    for (char *a = copy ? strtok_r(copy, ",", &save) : NULL; a != NULL && err == EXAM_OK;
         a = strtok_r(NULL, ",", &save))
        if (!node_resolve(w, a))
            err = EXAM_INVALID;
    if (err == EXAM_OK && w->nodes_n == 0)
        err = EXAM_INVALID;
    if (err != EXAM_OK)
        fprintf(stderr,
                "seatsim: --nodes %s: not a list of HOST:PORT,HOST:PORT (at most %d), with "
                "--keys NAME@HOST:PORT\n",
                nodes, NODES_MAX);
    free(copy);
    return err;
}

static exam_err replay_one(void *ctx, const struct seat_record *r)
{
    struct seat *s = ctx;
    seat_core_replay(s->face.core, r);
    return EXAM_OK;
}

/* The boot id of the machine, and another one each time this seat's PC boots again. */
static void boot_id_make(const struct seat *s, uint8_t out[BOOT_ID_BYTES])
{
    memcpy(out, s->face.swarm->boot_id, BOOT_ID_BYTES);
    for (size_t i = 0; i < sizeof s->boots; i++)
        out[i] ^= (uint8_t)(s->boots >> 8 * i);
}

/* The PC's program starts: a core, with what the journal tells. */
static exam_err seat_boot(struct seat *s)
{
    struct swarm *w = s->face.swarm;
    uint64_t who = w->config.skip_n + s->face.index;
    struct seat_config c = {.seat = s->face.row->seat,
                            .client = "seatsim",
                            .nodes_n = w->nodes_n,
                            .dial_timeout_ms = s->keys != NULL ? SEAT_DIAL_SEALED_MS : 0,
                            .chance_seed = (w->config.seed * 1000003u + who) ^ (uint64_t)s->boots
                                                                                   << 48,
                            .answers_bytes = SEAT_ANSWERS_BYTES_MIN,
                            .arena = &w->arena,
                            .effects = &effects,
                            .ctx = s};
    boot_id_make(s, c.boot_id);
    size_t bytes;
    exam_err err = seat_core_bytes(&c, &bytes);
    if (err == EXAM_OK && (s->block = calloc(1, bytes)) == NULL)
        err = EXAM_NOMEM;
    if (err == EXAM_OK)
        err = seat_core_init(s->block, bytes, &c, &s->face.core);
    if (err != EXAM_OK) {
        fprintf(stderr, "seatsim: seat %s: %s\n", s->face.row->seat, exam_err_text(err));
        return err;
    }
    char why[JOURNAL_WHY_BYTES] = "";
    uint8_t key[KEY_BYTES];
    struct journal_place place = {.dir = w->config.journals_dir, .seat = s->face.row->seat};
    if (s->keys != NULL) {
        key_file_derive(keyring_own(s->keys), KEY_FOR_JOURNAL, key);
        place.key = key;
    }
    err = journal_open(&place, replay_one, s, &s->face.journal, NULL, why);
    if (err != EXAM_OK) {
        fprintf(stderr, "seatsim: journal of seat %s: %s\n", s->face.row->seat, why);
        return err;
    }
    s->durable_bytes = journal_bytes(s->face.journal);
    return EXAM_OK;
}

static exam_err seat_open(struct swarm *w, uint32_t i)
{
    struct seat *s = &w->seat[i];
    s->face = (struct swarm_seat){
        .swarm = w, .index = i, .row = &w->config.roster->row[w->config.skip_n + i]};
    s->armed_ms = UINT64_MAX;
    s->start_ms = boot_clock_ms() + i / SEATS_STARTED_PER_MS;
    exam_err err = seat_keys_ring(&w->keys, s->face.row->seat, &s->keys);
    if (err != EXAM_OK)
        return err;
    s->end = (struct tunnel_end){.keys = s->keys,
                                 .conversation = CHANNEL_SEAT,
                                 .peers = KEY_NODE,
                                 .payload_bytes_max = FRAME_BYTES_MAX};
    return seat_boot(s);
}

/* Each seat needs its journal and a connection to each node, and some more while one is closing. */
static exam_err files_allow(uint32_t seats_n, uint32_t nodes_n)
{
    rlim_t want = (rlim_t)seats_n * (1 + 2 * nodes_n) + 256;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return EXAM_SYSTEM;
    if (limit.rlim_cur >= want)
        return EXAM_OK;
    struct rlimit raised = {want, limit.rlim_max > want ? limit.rlim_max : want};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
        return EXAM_OK;
    raised = (struct rlimit){limit.rlim_max, limit.rlim_max};
    rlim_t least = (rlim_t)seats_n * (1 + nodes_n) + 256;
    if (limit.rlim_max >= least && setrlimit(RLIMIT_NOFILE, &raised) == 0)
        return EXAM_OK;
    fprintf(stderr,
            "seatsim: %u seats need %llu open files, %llu are allowed: raise `ulimit -n`, or run "
            "fewer seats\n",
            seats_n, (unsigned long long)least, (unsigned long long)limit.rlim_max);
    return EXAM_SYSTEM;
}

static void on_beat(uv_timer_t *t)
{
    struct swarm *w = t->data;
    w->config.behaviour.beat(w->config.behaviour.user, boot_clock_ms());
}

static void on_listening(uv_prepare_t *p)
{
    struct swarm *w = p->data;
    uint64_t now_ms = boot_clock_ms();
    if (now_ms > w->heard_ms)
        w->config.behaviour.took(w->config.behaviour.user, w->heard_ms, now_ms);
}

static void on_heard(uv_check_t *c)
{
    struct swarm *w = c->data;
    w->heard_ms = boot_clock_ms();
}

static void on_signal(uv_signal_t *sig, int number)
{
    (void)number;
    struct swarm *w = sig->data;
    w->signalled = true;
    swarm_stop(w);
}

static exam_err loop_open(struct swarm *w)
{
    if (uv_loop_init(&w->loop) != 0)
        return EXAM_SYSTEM;
    w->pool.loop = &w->loop;
    LIST_INIT(&w->pool.abandoned);
    uv_timer_init(&w->loop, &w->beat);
    uv_signal_init(&w->loop, &w->term);
    uv_signal_init(&w->loop, &w->interrupt);
    uv_prepare_init(&w->loop, &w->listening);
    uv_check_init(&w->loop, &w->heard);
    w->beat.data = w->term.data = w->interrupt.data = w->listening.data = w->heard.data = w;
    for (uint32_t i = 0; i < w->seats_n; i++) {
        uv_timer_init(&w->loop, &w->seat[i].timer);
        w->seat[i].timer.data = &w->seat[i];
    }
    return EXAM_OK;
}

exam_err swarm_open(const struct swarm_config *c, struct swarm **out)
{
    struct swarm *w = calloc(1, sizeof *w);
    if (w == NULL)
        return EXAM_NOMEM;
    w->config = *c;
    exam_err err = nodes_resolve(w, c->nodes);
    if (err == EXAM_OK && c->keys_dir != NULL)
        err = seat_keys_open(c->keys_dir, c->roster->row[c->skip_n].seat, &w->keys);
    if (err == EXAM_OK)
        err = files_allow(c->seats_n, w->nodes_n);
    if (err == EXAM_OK && !boot_id_read(w->boot_id))
        err = EXAM_SYSTEM;
    rng_init(&w->rng, c->seed);
    w->seat = calloc(c->seats_n, sizeof *w->seat);
    w->arena_block = aligned_alloc(64, ARENA_BYTES_SEAT * 2);
    if (err == EXAM_OK && (w->seat == NULL || w->arena_block == NULL))
        err = EXAM_NOMEM;
    if (err == EXAM_OK)
        arena_init(&w->arena, w->arena_block, ARENA_BYTES_SEAT * 2);
    for (uint32_t i = 0; err == EXAM_OK && i < c->seats_n; i++) {
        w->seats_n++; /* first: what it has opened is closed with it */
        err = seat_open(w, i);
    }
    if (err == EXAM_OK)
        err = loop_open(w);
    if (err != EXAM_OK) {
        swarm_close(w);
        return err;
    }
    *out = w;
    return EXAM_OK;
}

/* ---------------------------------------------------------------- running */

void swarm_stop(struct swarm *w)
{
    if (!w->stopping) {
        w->stopping = true;
        uv_stop(&w->loop);
    }
}

static void goodbye(struct swarm *w)
{
    uint64_t now_ms = boot_clock_ms();
    for (uint32_t i = 0; i < w->seats_n; i++) {
        if (w->seat[i].started)
            seat_core_stop(w->seat[i].face.core, now_ms);
        for (uint32_t n = 0; n < w->nodes_n; n++) {
            effect_close(&w->seat[i], n);
            tcp_link_release(&w->pool, &w->seat[i], n);
        }
        uv_close((uv_handle_t *)&w->seat[i].timer, NULL);
    }
    uv_close((uv_handle_t *)&w->beat, NULL);
    uv_close((uv_handle_t *)&w->listening, NULL);
    uv_close((uv_handle_t *)&w->heard, NULL);
    uv_close((uv_handle_t *)&w->term, NULL);
    uv_close((uv_handle_t *)&w->interrupt, NULL);
    /* Only closing handles are left: this ends. */
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert(w->pool.links_open == 0);
    int rc = uv_loop_close(&w->loop);
    assert(rc == 0);
    (void)rc;
}

bool swarm_run(struct swarm *w)
{
    uint64_t now_ms = boot_clock_ms();
    uv_timer_start(&w->beat, on_beat, SWARM_BEAT_MS, SWARM_BEAT_MS);
    w->heard_ms = now_ms;
    if (w->config.behaviour.took != NULL) {
        uv_prepare_start(&w->listening, on_listening);
        uv_check_start(&w->heard, on_heard);
    }
    uv_signal_start(&w->term, on_signal, SIGTERM);
    uv_signal_start(&w->interrupt, on_signal, SIGINT);
    for (uint32_t i = 0; i < w->seats_n; i++)
        seat_arm(&w->seat[i], now_ms);
    if (!w->stopping)
        uv_run(&w->loop, UV_RUN_DEFAULT);
    w->stopping = true;
    goodbye(w);
    return w->signalled;
}

void swarm_close(struct swarm *w)
{
    if (w == NULL)
        return;
    for (uint32_t i = 0; i < w->seats_n; i++) {
        if (w->seat[i].face.journal != NULL)
            journal_close(w->seat[i].face.journal);
        keyring_free(w->seat[i].keys);
        free(w->seat[i].block);
    }
    if (w->pool.refused_n > 0)
        fprintf(stderr, "seatsim: %llu channels did not open; the last one: %s\n",
                (unsigned long long)w->pool.refused_n, w->pool.refused_why);
    seat_keys_close(&w->keys);
    free(w->seat);
    free(w->arena_block);
    free(w);
}

uint32_t swarm_seats(const struct swarm *w)
{
    return w->seats_n;
}

uint32_t swarm_nodes(const struct swarm *w)
{
    return w->nodes_n;
}

struct swarm_seat *swarm_seat_at(struct swarm *w, uint32_t i)
{
    assert(i < w->seats_n);
    return &w->seat[i].face;
}

/* ---------------------------------------------------------------- contingencies */

/* Of what the program and the system had not flushed, the disk has some beginning. */
static void journal_tear(struct seat *s)
{
    struct swarm *w = s->face.swarm;
    char path[4096];
    uint64_t bytes = journal_bytes(s->face.journal);
    journal_close(s->face.journal);
    s->face.journal = NULL;
    assert(bytes >= s->durable_bytes);
    uint64_t kept = s->durable_bytes + rng_below(&w->rng, (uint32_t)(bytes - s->durable_bytes) + 1);
    int n = snprintf(path, sizeof path, "%s/%s.journal", w->config.journals_dir, s->face.row->seat);
    if (n < 0 || (size_t)n >= sizeof path || truncate(path, (off_t)kept) != 0)
        fprintf(stderr, "seatsim: seat %s: its journal cannot be cut: %s\n", s->face.row->seat,
                strerror(errno));
}

void swarm_seat_power_cut(struct swarm_seat *face)
{
    struct seat *s = (struct seat *)face;
    assert(face->core != NULL);
    for (uint32_t n = 0; n < face->swarm->nodes_n; n++) {
        if (s->link[n] != NULL)
            tcp_link_stall(s->link[n]);
        effect_close(s, n);
    }
    uv_timer_stop(&s->timer);
    s->armed_ms = UINT64_MAX;
    s->started = s->act_due = s->any_broken = s->collected = false;
    if (s->written_ms > face->position_ms && s->written_ms > face->doubt_ms)
        face->doubt_ms = s->written_ms; /* it may be in what the disk has of the rest */
    journal_tear(s);
    free(s->block);
    s->block = NULL;
    face->core = NULL;
}

exam_err swarm_seat_power_on(struct swarm_seat *face)
{
    struct seat *s = (struct seat *)face;
    assert(face->core == NULL);
    for (uint32_t n = 0; n < face->swarm->nodes_n; n++)
        if (s->path[n] != SWARM_SILENT)
            tcp_link_release(&face->swarm->pool, s, n);
    s->boots++;
    exam_err err = seat_boot(s);
    if (err != EXAM_OK) {
        free(s->block);
        s->block = NULL;
        face->core = NULL;
        return err;
    }
    s->written_ms = face->position_ms;
    s->start_ms = boot_clock_ms();
    seat_arm(s, s->start_ms);
    return EXAM_OK;
}

static void path_heal(struct seat *s, uint32_t node, uint64_t now_ms)
{
    tcp_link_release(&s->face.swarm->pool, s, node);
    if (s->link[node] != NULL)
        tcp_link_heal(s->link[node], now_ms);
    if (!s->started)
        return;
    seat_core_hint(s->face.core, now_ms, node);
    seat_settle(s, now_ms);
}

void swarm_seat_path(struct swarm_seat *face, uint32_t node, enum swarm_path path)
{
    struct seat *s = (struct seat *)face;
    uint64_t now_ms = boot_clock_ms();
    if (s->path[node] == path)
        return;
    s->path[node] = path;
    if (path == SWARM_WHOLE) {
        path_heal(s, node, now_ms);
    } else if (s->link[node] != NULL && path == SWARM_SILENT) {
        tcp_link_stall(s->link[node]);
    } else if (s->link[node] != NULL) {
        doubt_note(s, node, UINT64_MAX);
        tcp_link_reset(s->link[node]);
        s->link[node] = NULL;
        s->broken[node] = s->any_broken = true;
        seat_settle(s, now_ms);
    }
}
