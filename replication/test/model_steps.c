/* model_steps - one random history of two real replication cores, told in the steps of the model of
 * the protocol (chaos-tests/model), for Spin to say whether the model can do it.
 *
 * What is sent arrives at once or, over a cut, never; but now and then all that one node says is
 * late, or from the Hello of a new link on. MEET: all that is above it came first, on both nodes.
 * LSNs are the model's: its first record is the one from which on A serves with B in sync. Every
 * act is followed by what each node that is up has then (AT). */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "cluster.h"

enum {
    A,
    B,
    NODES = 2,
    SEATS = 2,
    FOUNDED_LSN = 2, /* records before the model's first one */
    RECORDS_MAX = 200,
    STEPS_MAX = 500, /* of the model's bounds */
    CRASHES_MAX = 5, /* hangs, too */
    WIPES_MAX = 1,
    ALONES_MAX = 3,
    LOG_MAX = 14,
    EPOCH_MAX = 6,
    STEP_BYTES = 128,
    LINE_BYTES = 256,
    CALM_MS = 100,
    ACTS_MAX = 400,
    FUSE_MAX = 6, /* effects */
};

/* As in site.pml. */
enum { BEGAN, BEGAN_ALONE, WENT_ALONE, IN_SYNC, ANSWER };

struct known_record {
    uint8_t hash[HASH_BYTES];
    uint8_t is;
};

struct seat {
    uint64_t epoch; /* of the serving that it has seen last (W1) */
    int node;
    bool told;
};

struct teller {
    struct cluster *c;
    uint64_t dice;
    struct seat seats[SEATS];
    struct known_record records[RECORDS_MAX];
    size_t records_n;
    char steps[STEPS_MAX][STEP_BYTES];
    size_t steps_n, whole; /* of those, until a bound was reached */
    uint64_t last[NODES];  /* as told so far; the cluster's LSN */
    uint64_t released[NODES];
    uint64_t epoch[NODES]; /* that it serves or last served in */
    char at[NODES][STEP_BYTES];
    const char *attested; /* what an attested epoch of this act is called */
    const char *above;    /* what one above another of its number is called */
    bool gives[NODES], hangs[NODES];
    int held;   /* whose messages do not arrive yet; NOBODY */
    bool late;  /* some were held, and not all of them have arrived */
    size_t met; /* steps at the last MEET */
    size_t crashes, alones, wipes;
    bool full; /* the model's bounds are reached: the history ends before this act */
};

static uint32_t roll(struct teller *t, uint32_t sides)
{
    return (uint32_t)(chance_next(&t->dice) % sides);
}

/* ---------------------------------------------------------------- telling */

static void tell(struct teller *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(struct teller *t, const char *format, ...)
{
    va_list args;
    if (t->steps_n == STEPS_MAX) {
        t->full = true;
        return;
    }
    va_start(args, format);
    vsnprintf(t->steps[t->steps_n++], STEP_BYTES, format, args);
    va_end(args);
}

static uint64_t model_lsn(uint64_t lsn)
{
    return lsn > FOUNDED_LSN ? lsn - FOUNDED_LSN : 0;
}

/* The model's byte of a record: epoch, owner, what. */
static uint8_t record_is(const struct teller *t, int node, uint64_t lsn)
{
    if (!lsn)
        return 0;
    struct position p = cluster_position(t->c, node, lsn);
    for (size_t i = t->records_n; i-- > 0;)
        if (!memcmp(t->records[i].hash, p.hash, HASH_BYTES))
            return t->records[i].is;
    fprintf(stderr, "model_steps: nobody made record %" PRIu64 " of %c\n", lsn, 'A' + node);
    exit(2);
}

static void remember(struct teller *t, int node, uint64_t lsn, uint8_t what)
{
    struct position p = cluster_position(t->c, node, lsn);
    if (t->records_n == RECORDS_MAX) {
        t->full = true;
        return;
    }
    struct known_record *r = &t->records[t->records_n++];
    memcpy(r->hash, p.hash, HASH_BYTES);
    r->is = (uint8_t)(p.epoch << 4 | (unsigned)node << 3 | what);
}

static void tell_epoch(struct teller *t, int node, const char *line)
{
    bool solo = strstr(line, ", solo") != NULL;
    const char *step = strstr(line, "switchover") ? "TAKE_OVER"
                       : strstr(line, "attested") ? t->attested
                       : solo                     ? t->above
                                                  : "RESUME";
    tell(t, "%s %d", step, node);
    t->released[node] = ++t->last[node];
    (void)sscanf(line, "begins epoch %" SCNu64, &t->epoch[node]);
}

static bool serves(const struct teller *t, int node)
{
    return cluster_is_up(t->c, node) && rep_role(cluster_rep(t->c, node)) == REP_ROLE_PRIMARY;
}

static bool seat_is_at(const struct teller *t, const struct seat *s, int node)
{
    return s->epoch == t->epoch[node] && s->node == node;
}

/* A1: what each seat is told by a release. */
static void tell_release(struct teller *t, int node, uint64_t lsn, bool dual)
{
    tell(t, "RELEASED %d %" PRIu64 " %d", node, model_lsn(lsn), dual);
    for (uint64_t i = t->released[node] + 1; i <= lsn; i++) {
        unsigned what = record_is(t, node, i) & 7;
        struct seat *s = &t->seats[what & 1];
        if (what < ANSWER || s->told || !seat_is_at(t, s, node))
            continue;
        s->told = true;
        tell(t, "SAVED %d", node);
        tell(t, "TOLD %d %d %d", node, (int)(what & 1), dual);
    }
    t->released[node] = lsn;
}

/* It serves no more: it has hung or handed over, yields to another one of its number, or has heard
 * of a higher one. */
static void tell_down(struct teller *t, int node, uint64_t known)
{
    if (t->hangs[node])
        tell(t, "HANG %d", node);
    else if (!t->gives[node])
        tell(t, "%s %d", known == t->epoch[node] ? "YIELD" : "DOWN", node);
    t->gives[node] = false;
}

/* Of the epoch that it served itself: it takes nothing beyond it but to resume (W3). */
static bool is_own(const struct teller *t, int node, uint64_t lsn, uint64_t epoch)
{
    return record_is(t, node, lsn) >> 3 == (epoch << 1 | (unsigned)node);
}

/* By a Hello of an epoch which its sender has left meanwhile: the model has no such step, so the
 * history ends before it. */
static void tell_cut(struct teller *t, int node)
{
    t->full |= !cluster_is_up(t->c, node) || t->epoch[!node] > rep_epoch(cluster_rep(t->c, node));
    tell(t, "JOIN %d", node);
}

static void tell_line(struct teller *t, int node, const char *line)
{
    uint64_t lsn, known;
    if (!strncmp(line, "begins epoch", 12)) {
        tell_epoch(t, node, line);
    } else if (sscanf(line, "releases up to %" SCNu64, &lsn) == 1) {
        tell_release(t, node, lsn, strstr(line, "dual") != NULL);
    } else if (!strncmp(line, "logs that", 9)) {
        bool in_sync = strstr(line, "in sync") != NULL;
        tell(t, "%s %d", in_sync ? "SYNC" : "ALONE", node);
        t->alones += !in_sync;
        t->last[node]++;
    } else if (sscanf(line, "cuts off records %" SCNu64, &lsn) == 1) {
        tell_cut(t, node);
        t->last[node] = lsn - 1;
    } else if (sscanf(line, "-> %*c: Join epoch %" SCNu64, &known) == 1) {
        if (!is_own(t, node, cluster_last(t->c, node), known)) /* else PULL follows */
            tell(t, "JOIN %d", node);
    } else if (strstr(line, ": HandOver at")) {
        tell(t, "GIVE %d", node);
        t->gives[node] = true;
    } else if (sscanf(line, "steps down, epoch %" SCNu64, &known) == 1) {
        tell_down(t, node, known);
    } else if (!strncmp(line, "dies", 4)) {
        tell(t, "RESTART %d", node);
        t->crashes++;
        t->gives[node] = false;
        t->last[node] = cluster_durable(t->c, node);
    }
}

static size_t makes(const char *line)
{
    return !strncmp(line, "begins epoch", 12) || !strncmp(line, "logs that", 9);
}

/* The next line of what the cluster tells; false: there is none. */
static bool next_line(const char **lines, int *node, char text[LINE_BYTES])
{
    const char *end = strchr(*lines, '\n'), *begin = strchr(*lines, ']');
    if (!end)
        return false;
    *node = begin[2] - 'A';
    begin += 4;
    size_t bytes = (size_t)(end - begin) < LINE_BYTES ? (size_t)(end - begin) : LINE_BYTES - 1;
    memcpy(text, begin, bytes);
    text[bytes] = '\0';
    *lines = end + 1;
    return true;
}

/* What came over a link is taken before anything follows from it. */
static void tell_taken(struct teller *t, int node, const char *lines)
{
    uint64_t last = cluster_last(t->c, node), epoch = rep_epoch(cluster_rep(t->c, node));
    char text[LINE_BYTES];
    size_t own = 0;
    int who;
    while (next_line(&lines, &who, text)) {
        own += who == node && makes(text);
        if (who == node && !strncmp(text, "cuts off", 8))
            return;
    }
    while (t->last[node] + own < last)
        if (++t->last[node] > FOUNDED_LSN)
            tell(t, "%s %d", is_own(t, node, t->last[node], epoch) ? "PULL" : "TAKE", node);
}

/* 0: waits, 1: in sync, 2: alone. */
static int serves_how(const rep *r)
{
    return rep_is_solo(r) ? 2 : rep_role(r) == REP_ROLE_PRIMARY && !rep_is_waiting(r);
}

static void tell_state(struct teller *t, int node)
{
    char at[STEP_BYTES];
    if (!cluster_is_up(t->c, node))
        return;
    const rep *r = cluster_rep(t->c, node);
    uint64_t last = cluster_last(t->c, node);
    snprintf(at, sizeof at, "AT %d %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %d %d %d", node,
             serves(t, node), rep_epoch(r), model_lsn(last), model_lsn(cluster_durable(t->c, node)),
             record_is(t, node, last), serves_how(r), rep_is_learning(r));
    t->full |= model_lsn(last) >= LOG_MAX - 1 || rep_epoch(r) > EPOCH_MAX;
    if (!strcmp(at, t->at[node]))
        return;
    memcpy(t->at[node], at, sizeof at);
    tell(t, "%s", at);
}

static void check_told(const struct teller *t, int node)
{
    if (t->last[node] == cluster_last(t->c, node))
        return;
    fprintf(stderr, "model_steps: %c has %" PRIu64 " records and %" PRIu64 " were told\n",
            'A' + node, cluster_last(t->c, node), t->last[node]);
    exit(2);
}

/* The records that the cores made by themselves. */
static void remember_made(struct teller *t, const char *lines)
{
    uint64_t lsn[NODES] = {t->last[A], t->last[B]};
    char text[LINE_BYTES];
    int node;
    while (next_line(&lines, &node, text)) {
        bool begins = !strncmp(text, "begins", 6);
        if (makes(text) && ++lsn[node] <= cluster_last(t->c, node))
            remember(t, node, lsn[node],
                     begins ? (strstr(text, ", solo") ? BEGAN_ALONE : BEGAN)
                            : (strstr(text, "in sync") ? IN_SYNC : WENT_ALONE));
    }
}

/* A node that steps down to begin a higher epoch at once, or dies as it does, takes one step of the
 * model. */
static void tell_lines(struct teller *t, const char *lines)
{
    char text[LINE_BYTES], next[LINE_BYTES];
    int node, who;
    while (next_line(&lines, &node, text)) {
        const char *rest = lines;
        bool more = false;
        while (next_line(&rest, &who, next))
            more |= who == node && (!strncmp(next, "dies", 4) || strstr(next, "restarted, solo"));
        if (more && !strncmp(text, "steps down", 10))
            continue;
        tell_line(t, node, text);
    }
}

/* Tells what an act did; `to`: who got a message in it, or NOBODY. */
static void after_act(struct teller *t, int to)
{
    const char *lines = cluster_trace(t->c);
    if (to != NOBODY && cluster_is_up(t->c, to))
        tell_taken(t, to, lines);
    remember_made(t, lines);
    tell_lines(t, lines);
    for (int node = A; node <= B; node++) {
        check_told(t, node);
        tell_state(t, node);
    }
    if (!t->late && t->steps_n > t->met) {
        tell(t, "MEET");
        t->met = t->steps_n;
    }
    t->full |= t->crashes > CRASHES_MAX || t->alones > ALONES_MAX || t->wipes > WIPES_MAX;
    if (!t->full)
        t->whole = t->steps_n;
}

/* ---------------------------------------------------------------- acts */

static bool deliver_one(struct teller *t)
{
    for (int from = A; from <= B; from++)
        for (size_t link = 0; from != t->held && link < cluster_links(t->c, A, B); link++)
            if (cluster_deliver(t->c, from, !from, link)) {
                after_act(t, !from);
                return true;
            }
    return false;
}

static void settle(struct teller *t)
{
    for (;;) {
        while (!t->full && deliver_one(t)) {
        }
        bool linked = cluster_links(t->c, A, B);
        if (!linked)
            t->held = roll(t, 3) ? NOBODY : (int)roll(t, NODES);
        t->late = t->held != NOBODY;
        if (t->full || linked)
            return;
        cluster_connect(t->c, A, B);
        after_act(t, NOBODY);
        if (!cluster_links(t->c, A, B))
            return;
    }
}

static void pass(struct teller *t, uint64_t ms)
{
    for (; ms && !t->full; ms -= CALM_MS) {
        cluster_pass(t->c, CALM_MS);
        after_act(t, NOBODY);
        settle(t);
    }
}

static void commit(struct teller *t, int node)
{
    if (!cluster_is_up(t->c, node) || cluster_durable(t->c, node) == cluster_last(t->c, node))
        return;
    tell(t, "COMMIT %d", node);
    (void)cluster_commit(t->c, node);
    after_act(t, NOBODY);
}

static bool has_answer(const struct teller *t, int node, int seat)
{
    for (uint64_t lsn = FOUNDED_LSN + 1; lsn <= cluster_last(t->c, node); lsn++)
        if ((record_is(t, node, lsn) & 7) == ANSWER + seat)
            return true;
    return false;
}

/* A seat attaches and sends its answer; or shows a mark of an epoch that this node must hear of. */
static void seat_comes(struct teller *t, int node, int seat)
{
    struct seat *s = &t->seats[seat];
    if (!serves(t, node))
        return;
    uint64_t epoch = rep_epoch(cluster_rep(t->c, node));
    if (s->epoch > epoch) {
        cluster_epoch_heard(t->c, node, s->epoch);
    } else if (s->epoch == epoch && s->node != node) {
        t->above = "SHARED";
        cluster_epoch_shared(t->c, node, epoch);
    } else {
        if (!rep_may_decide(cluster_rep(t->c, node)))
            return;
        *s = (struct seat){.epoch = epoch, .node = node, .told = s->told};
        if (has_answer(t, node, seat) || cluster_write(t->c, node, 1) != 1)
            return;
        tell(t, "WRITE %d", node);
        t->last[node]++;
        remember(t, node, t->last[node], (uint8_t)(ANSWER + seat));
    }
    after_act(t, NOBODY);
    t->above = "TIE";
}

static void promote(struct teller *t, int node, bool attest)
{
    if (!cluster_is_up(t->c, node))
        return;
    uint64_t seen = t->seats[0].epoch > t->seats[1].epoch ? t->seats[0].epoch : t->seats[1].epoch;
    rep *r = cluster_rep(t->c, node);
    if (attest && rep_role(r) != REP_ROLE_PRIMARY && seen > rep_epoch(r) && roll(t, 2)) {
        t->attested = "ATTEST_ABOVE";
        cluster_promote_above(t->c, node, seen);
    } else {
        t->attested = "ATTEST";
        cluster_promote(t->c, node, attest);
    }
    after_act(t, NOBODY);
}

static void cut(struct teller *t, int node)
{
    if (roll(t, 3))
        cluster_cut(t->c, A, B);
    else
        cluster_cut_one_way(t->c, node, !node);
}

/* What is under way on an old link is lost with it: no message is late. */
static void heal(struct teller *t)
{
    cluster_reset(t->c, A, B);
    after_act(t, NOBODY);
    cluster_heal(t->c, A, B);
}

static void hang(struct teller *t, int node)
{
    if (!serves(t, node))
        return;
    t->hangs[node] = true;
    t->crashes++;
    cluster_hung(t->c, node);
    after_act(t, NOBODY);
    t->hangs[node] = false;
}

/* Two persons attest at the same time: as a rule, both nodes begin the same number (W1). */
static void dispute(struct teller *t)
{
    cluster_cut(t->c, A, B);
    for (int node = A; node <= B; node++) {
        hang(t, node);
        promote(t, node, true);
    }
    if (roll(t, 2))
        heal(t);
}

/* Of a node that is down. */
static void wipe(struct teller *t, int node)
{
    cluster_wipe(t->c, node);
    tell(t, "WIPE %d", node);
    t->wipes++;
    t->last[node] = t->released[node] = t->epoch[node] = 0;
    after_act(t, NOBODY);
}

static void harm(struct teller *t, int node)
{
    switch (roll(t, 12)) {
    case 0:
        cluster_kill(t->c, node);
        after_act(t, NOBODY);
        if (!roll(t, 4) && cluster_may_wipe(t->c, node))
            wipe(t, node);
        break;
    case 8:
        hang(t, node);
        break;
    case 9:
        t->held = t->late ? NOBODY : node;
        t->late = true;
        break;
    case 10:
        cluster_fuse(t->c, node, 1 + roll(t, FUSE_MAX));
        break;
    case 11:
        dispute(t);
        break;
    case 1:
        cut(t, node);
        break;
    case 2:
        promote(t, node, true);
        break;
    case 3:
        promote(t, node, false);
        break;
    case 4:
        pass(t, 4000);
        break;
    case 5:
        heal(t);
        break;
    default:
        cluster_boot(t->c, A);
        cluster_boot(t->c, B);
        after_act(t, NOBODY);
    }
}

static void act(struct teller *t)
{
    int node = (int)roll(t, NODES);
    switch (roll(t, 8)) {
    case 0:
    case 1:
        seat_comes(t, node, (int)roll(t, SEATS));
        break;
    case 2:
    case 3:
    case 4:
        commit(t, node);
        break;
    case 5:
        pass(t, CALM_MS);
        break;
    default:
        harm(t, node);
    }
    if (!t->full)
        settle(t);
}

static void begin(struct teller *t, uint64_t seed)
{
    t->dice = seed;
    t->attested = "ATTEST";
    t->above = "TIE";
    t->held = NOBODY;
    t->c = cluster_new(NODES, NULL);
    cluster_found(t->c, A);
    cluster_run(t->c, CALM_MS);
    cluster_by_hand(t->c, true);
    (void)cluster_trace(t->c);
    for (int i = 0; i < NODES; i++) {
        t->last[i] = t->released[i] = cluster_last(t->c, i);
        t->seats[i] = (struct seat){.epoch = 1, .node = A};
    }
    t->epoch[A] = 1;
    remember(t, A, FOUNDED_LSN + 1, BEGAN);
}

int main(int argc, char **argv)
{
    static struct teller t;
    char *end = NULL;
    uint64_t seed = argc == 2 ? strtoull(argv[1], &end, 10) : 0;
    if (!seed || *end) {
        fprintf(stderr, "Usage: model_steps SEED (1 or more)\n");
        return 2;
    }
    begin(&t, seed);
    for (int i = 0; i < ACTS_MAX && !t.full; i++)
        act(&t);
    for (size_t i = 0; i < t.whole; i++)
        puts(t.steps[i]);
    const char *broken = cluster_broken(t.c);
    if (broken)
        fprintf(stderr, "model_steps: %s\n", broken);
    cluster_free(t.c);
    return broken ? 1 : 0;
}
