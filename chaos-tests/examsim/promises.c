#include "promises.h"

#include <string.h>

#include "node.h"
#include "rep.h"
#include "stage.h"
#include "watch.h"

/* ---------------------------------------------------------------- epochs at a seat (W1) */

void promises_seat_wiped(struct history *h, uint32_t seat)
{
    h->epoch_seen[seat] = 0;
    h->session_from[seat] = h->saved.n;
    for (uint32_t i = 0; i < h->plan->site.candidates_n; i++) {
        h->told_at[i].gone |= h->told_at[i].seat == seat;
        h->sat_at[i].gone |= h->sat_at[i].seat == seat;
    }
}

/* A disk that has complained may have kept nothing of it (D6). */
static bool disk_is_sound(const struct history *h, uint32_t seat)
{
    const struct journal_mem *j = &world_seat(h->w, seat)->journal;
    uint64_t met = 0;
    for (int i = SIM_JOURNAL_FULL; i < SIM_JOURNAL_FAULTS; i++)
        met += j->met[i];
    return met == 0;
}

static void epoch_heard(struct history *h, uint32_t seat, uint64_t epoch)
{
    if (epoch > h->epoch_seen[seat])
        h->epoch_seen[seat] = epoch;
}

void promises_attached(struct history *h, uint32_t seat, uint64_t epoch, bool signed_in)
{
    if (signed_in)
        h->session_from[seat] = h->saved.n;
    if (epoch < h->epoch_seen[seat] && disk_is_sound(h, seat))
        history_fail(
            h, "W1",
            "seat %s is in contact with the primary of epoch %llu, and has heard of epoch %llu",
            stage_seat_name(seat), (unsigned long long)epoch,
            (unsigned long long)h->epoch_seen[seat]);
    epoch_heard(h, seat, epoch);
}

/* ---------------------------------------------------------------- signing in (P4, T2, W2) */

/* Where the candidate belongs, before the end: nothing speaks against it. */
void promises_sign_in_refused(struct history *h, uint32_t seat, exam_err code)
{
    const uint64_t late_news =
        plan_bit(PLAN_SEAT_WEATHER) | plan_bit(PLAN_SEAT_MUTES) | plan_bit(PLAN_SEAT_FREEZES);
    const struct sim_seat *s = world_seat(h->w, seat);
    uint32_t sitting, node = seat_core_node(s->core);
    struct node *n = node < h->plan->site.nodes_n ? world_node(h->w, node) : NULL;
    struct exam_sitting_view v;
    struct exam_batch_view b;
    if (!n || code != EXAM_STATE || (h->plan->families & late_news) ||
        exam_find_sitting(node_exam(n), s->admission_no, &sitting))
        return;
    exam_sitting_view(node_exam(n), sitting, node_site_ms(n), &v);
    exam_batch_view(node_exam(n), v.batch_no, node_site_ms(n), &b);
    if (v.state == EXAM_SITTING_FINISHED || strcmp(v.seat, stage_seat_name(seat)) != 0 ||
        b.state == EXAM_BATCH_COLLECTED || b.state == EXAM_BATCH_POSTPONED)
        return;
    history_fail(h, "P4",
                 "candidate %s cannot sign in at seat %s, where nothing speaks against it: %s",
                 s->admission_no, stage_seat_name(seat), s->refused_text);
}

/* Under common timing a clock runs without a screen, and stops only while no node serves: with
 * switchovers alone it never does (T2, W2). */
void promises_sat_down(struct history *h, uint32_t candidate, uint64_t used_ms, uint64_t left_ms)
{
    enum { ROUNDED_MS = 2 }; /* at the end of each epoch */
    const struct screens *s = &h->screens[candidate];
    uint64_t now_ms = world_now_ms(h->w), slack_ms = s->slack_ms + ROUNDED_MS * h->epochs.n;
    if (!s->begun || h->dark || left_ms == 0 || used_ms + slack_ms >= now_ms - s->begun_ms)
        return;
    history_fail(
        h, "W2",
        "candidate %s sits down %llu ms after the start, and has used %llu ms: no clock has stood",
        stage_candidate_name(candidate), (unsigned long long)(now_ms - s->begun_ms),
        (unsigned long long)used_ms);
}

/* T9: time between a time-out and a grant is lost. What takes time away may be reversed so. */
static bool may_reopen(const struct history *h, const struct act *a)
{
    uint64_t now_ms = world_now_ms(h->w);
    bool over = a->x < 0;
    for (uint32_t i = 0; i < h->plan->site.candidates_n; i++)
        over |= h->screens[i].begun && now_ms - h->screens[i].begun_ms >= h->plan->site.allot_ms;
    return over;
}

/* What leaves nodes, seats and paths alone, and pauses nobody, darkens no clock. */
void promises_act(struct history *h, const struct act *a)
{
    static const bool harmless[ACT_KINDS] = {
        [ACT_SIGN_IN] = true, [ACT_ANSWER] = true,    [ACT_SUBMIT] = true,
        [ACT_START] = true,   [ACT_GRANT] = true,     [ACT_TEND] = true,
        [ACT_DATE] = true,    [ACT_VIOLATION] = true, [ACT_INCIDENT] = true,
    };
    bool switchover = a->kind == ACT_PROMOTE && !a->x;
    h->dark |= !harmless[a->kind] && !switchover;
    h->dark |= a->kind == ACT_GRANT && may_reopen(h, a);
}

/* ---------------------------------------------------------------- seats (A2, P6) */

/* What is made later at a seat, in the same session, comes later in A3's order. */
static void look_at_order(struct history *h, uint32_t seat, uint32_t answer)
{
    const struct saved_answer *a = &h->saved.answers[answer];
    for (uint32_t i = h->session_from[seat]; i < answer; i++) {
        const struct saved_answer *b = &h->saved.answers[i];
        bool same = b->seat == seat && b->candidate == a->candidate && h->taken[i] &&
                    (b->held & UINT32_C(1) << (h->plan->site.nodes_n + seat));
        if (!same || saved_version_compare(&b->version, &a->version) < 0)
            continue;
        history_fail(h, "A3", "answer v%u at seat %s was made after v%u, and is ordered before it",
                     answer, stage_seat_name(seat), i);
    }
}

/* It is on the seat's disk before anybody else hears of it. */
void promises_taken(struct history *h, uint32_t seat, uint32_t answer)
{
    const struct saved_answer *a = &h->saved.answers[answer];
    h->taken[answer] = true;
    if (sim_seat_is_on(world_seat(h->w, seat)) &&
        !(a->held & UINT32_C(1) << (h->plan->site.nodes_n + seat)))
        history_fail(h, "A2", "seat %s has taken answer v%u, which is not on its disk",
                     stage_seat_name(seat), answer);
    if (a->held)
        look_at_order(h, seat, answer);
}

/* On no node's disk, though it was neither refused nor of a disk that complained. */
static bool is_unsaved(const struct history *h, uint32_t answer)
{
    const struct saved_answer *a = &h->saved.answers[answer];
    uint32_t nodes = (UINT32_C(1) << h->plan->site.nodes_n) - 1;
    return h->taken[answer] && !a->refused && a->held && !(a->seen & nodes);
}

void promises_discarded(struct history *h, uint32_t seat)
{
    for (uint32_t i = 0; i < h->saved.n; i++)
        if (h->saved.answers[i].seat == seat && is_unsaved(h, i))
            history_fail(h, "P6", "seat %s has thrown its journal away, and no node has answer v%u",
                         stage_seat_name(seat), i);
}

/* A seat that says it holds nothing unsaved lets its candidate go. */
void promises_look_at_seat(struct history *h, uint32_t seat)
{
    const struct sim_seat *s = world_seat(h->w, seat);
    if (s->core)
        epoch_heard(h, seat, seat_core_epoch_seen(s->core));
    if (!s->core || seat_core_unsaved_n(s->core))
        return;
    for (uint32_t i = 0; i < h->saved.n; i++) {
        const struct saved_answer *a = &h->saved.answers[i];
        if (a->seat != seat || !is_unsaved(h, i) ||
            strcmp(seat_core_admission_no(s->core), stage_candidate_name(a->candidate)) != 0)
            continue;
        history_fail(h, "P6", "seat %s holds nothing unsaved, it says, and no node has answer v%u",
                     stage_seat_name(seat), i);
    }
}

/* ---------------------------------------------------------------- alone (A1, D1) */

/* What this record says of the acknowledgements from here on; false: nothing. */
static bool says_how(struct history *h, const struct record *r, bool *solo)
{
    const Ev__Event *e;
    uint32_t kind = watch_kind_of(r);
    if (kind != EV__EVENT__KIND_EPOCH_BEGAN && kind != EV__EVENT__KIND_STANDBY_CHANGED)
        return false;
    if (codec_event(&h->arena, r->event, r->event_bytes, &e, NULL))
        return false;
    *solo = kind == EV__EVENT__KIND_EPOCH_BEGAN ? e->epoch_began->solo : e->standby_changed->solo;
    return true;
}

/* The log, or the branches, hold the answer and say last before it that its node was not alone, and
 * nowhere after it that it was. */
static bool says_dual(struct history *h, const store_image *disk, bool branches, uint32_t answer)
{
    bool solo, found = false;
    for (size_t i = store_image_records(disk, branches); i-- > 0;) {
        struct record r;
        store_image_record_at(disk, branches, i, &r);
        found |= watch_answer_in(h, &r) == (int)answer;
        if (says_how(h, &r, &solo) && (solo || found))
            return !solo;
    }
    return false;
}

/* The node has taken it, and has set that apart since: what it said then may be on its way still.
 */
static bool is_apart(struct history *h, const store_image *disk, uint32_t answer)
{
    for (size_t i = store_image_records(disk, true); i-- > 0;) {
        struct record r;
        store_image_record_at(disk, true, i, &r);
        if (watch_is_answer(&r) && watch_answer_in(h, &r) == (int)answer)
            return true;
    }
    return false;
}

/* What was decided while a node was alone, or before and had to wait for it, may be called solo:
 * its log says so after the answer, or said so last before it. */
void promises_solo(struct history *h, uint32_t seat, uint32_t answer)
{
    uint32_t node = seat_core_node(world_seat(h->w, seat)->core);
    if (node >= h->plan->site.nodes_n || h->rotten_lsn[node])
        return; /* what it said may be what has rotted */
    const store_image *disk = world_disk(h->w, node);
    if (says_dual(h, disk, false, answer) &&
        (!is_apart(h, disk, answer) || says_dual(h, disk, true, answer)))
        history_fail(h, "A1",
                     "answer v%u was called solo, and the log of node %s does not say that it "
                     "goes on alone",
                     answer, stage_node_name(node));
}

/* ---------------------------------------------------------------- serving (W2, D7) */

/* A node does not believe what is far above its own epoch (node.h). */
void promises_greeted(void *ctx, uint32_t seat, uint32_t node, const struct sim_greeting *g)
{
    struct history *h = ctx;
    struct said *said = &h->said[node];
    (void)seat;
    if (said->boots != world_node_boots(h->w, node))
        *said = (struct said){.boots = world_node_boots(h->w, node)};
    if (g->seen > said->epoch && g->seen <= g->epoch + NODE_EPOCHS_CLAIMED_MAX)
        said->epoch = g->seen;
}

/* Who is promoted by a person's word begins a number above all that seats have told it (W1). */
static void look_at_said(struct history *h, uint32_t node, uint64_t epoch)
{
    if (epoch <= h->said_epoch[node])
        history_fail(h, "W1",
                     "node %s is promoted and begins epoch %llu, and a seat has told it "
                     "of epoch %llu",
                     stage_node_name(node), (unsigned long long)epoch,
                     (unsigned long long)h->said_epoch[node]);
}

void promises_promote(struct history *h, uint32_t node, bool attest, bool forced)
{
    const struct said *said = &h->said[node];
    h->said_epoch[node] = said->boots == world_node_boots(h->w, node) ? said->epoch : 0;
    h->attested[node] = attest;
    h->forced[node] = forced;
}

/* What its disk shows of that record is not what was written. */
static bool has_rotted(const struct history *h, uint32_t node, uint64_t lsn)
{
    return h->rotten_lsn[node] && lsn >= h->rotten_lsn[node];
}

/* Nothing is lost by a switchover: the successor has what its predecessor has of epochs before. */
static void look_at_predecessor(struct history *h, uint32_t node, uint32_t from, uint64_t epoch)
{
    const store_image *old = world_disk(h->w, from), *new = world_disk(h->w, node);
    struct record theirs = {.epoch = epoch}, ours;
    size_t n = store_image_records(old, false) + 1;
    while (theirs.epoch >= epoch && --n > 0)
        store_image_record_at(old, false, n - 1, &theirs);
    if (!n)
        return;
    if (n < store_image_records(new, false)) {
        store_image_record_at(new, false, n - 1, &ours);
        if (!memcmp(ours.hash, theirs.hash, HASH_BYTES) || has_rotted(h, node, ours.lsn) ||
            has_rotted(h, from, theirs.lsn))
            return;
    }
    history_fail(h, "W2", "node %s took over from %s, and does not have its record %zu",
                 stage_node_name(node), stage_node_name(from), n);
}

/* With two histories side by side, by a person's untrue word, who has begun the last epoch may be
 * in the other one: there it is by its log whom a node takes over from. */
static void look_at_switchover(struct history *h, uint32_t node, uint32_t served_last,
                               const struct epoch_begun *b)
{
    bool once, side_by_side = h->two_served || h->epochs.twins;
    const struct epoch_begun *from = epochs_handed_over(&h->epochs, b, &once);
    if (!once)
        history_fail(h, "W2", "node %s took over epoch %llu, which has gone on before",
                     stage_node_name(node), (unsigned long long)b->before.number);
    if (from && from->node != node)
        look_at_predecessor(h, node, from->node, b->name.number);
    if (served_last != node && !side_by_side)
        look_at_predecessor(h, node, served_last, b->name.number);
}

/* Who has lost its disk and has copied another one's since is a node like any other, which has
 * forgotten what it did before. Until then it is a learner, whose word is not enough (D7). */
static bool has_copied(const struct history *h, uint32_t node)
{
    return store_image_records(world_disk(h->w, node), false) >= h->owed[node];
}

/* Of the epoch that the node's log was in before it began this one. Nobody hears of it if its
 * commit met an I/O error and was kept (D6). */
static bool was_told(const struct history *h, uint32_t node, uint64_t epoch)
{
    const store_image *disk = world_disk(h->w, node);
    struct record r = {.epoch = epoch};
    for (size_t i = store_image_records(disk, false); i-- > 0 && r.epoch >= epoch;)
        store_image_record_at(disk, false, i, &r);
    for (uint32_t i = 0; i < h->epochs.n; i++)
        if (h->epochs.began[i].name.number == r.epoch)
            return true;
    return false;
}

/* It has stepped down since and follows the node: as far as both go their logs are one, and the
 * node's ends in its new epoch, so what the other one had begun is set apart. */
static bool follows(const struct history *h, uint32_t other, uint32_t node)
{
    const store_image *theirs = world_disk(h->w, other), *ours = world_disk(h->w, node);
    size_t n = store_image_records(theirs, false), ours_n = store_image_records(ours, false);
    struct record last, same;
    if (n > ours_n)
        n = ours_n;
    if (!n)
        return false;
    store_image_record_at(theirs, false, n - 1, &last);
    store_image_record_at(ours, false, n - 1, &same);
    return !memcmp(last.hash, same.hash, HASH_BYTES);
}

static bool is_outdone(const struct history *h, const struct epoch_begun *b, uint32_t node)
{
    return b->forgotten ? has_copied(h, b->node) : follows(h, b->node, node);
}

static uint64_t epoch_before_restart(const struct epochs *e, uint32_t node)
{
    for (uint32_t i = e->n - 1; i-- > 0;)
        if (e->began[i].node == node)
            return e->began[i].name.number;
    return 0;
}

/* None has been promoted since it served last, above it (who did not know of it gives way, W1), and
 * nobody who might say so is a learner. */
static void look_at_restart(struct history *h, uint32_t node, uint64_t epoch)
{
    const struct epochs *e = &h->epochs;
    bool settles = h->serves[node] && epochs_was_twin(e, node); /* nobody is asked for that (W1) */
    if (settles || e->n == EPOCHS_SEEN_MAX || plan_has_node_weather(h->plan) ||
        !was_told(h, node, epoch))
        return; /* or news are late */
    uint64_t own = epoch_before_restart(e, node);
    for (uint32_t i = e->n - 1; i-- > 0 && e->began[i].node != node;)
        if (e->began[i].name.number >= own && !is_outdone(h, &e->began[i], node))
            history_fail(h, "W3",
                         "node %s serves again by itself, and node %s has begun epoch %llu",
                         stage_node_name(node), stage_node_name(e->began[i].node),
                         (unsigned long long)e->began[i].name.number);
}

/* Somebody else is there who vouches for a log, or has more of one than those n records; how much a
 * learner has that is being copied, the node hears with the next ping. */
static void look_at_forced_beside(struct history *h, uint32_t node, size_t n, uint32_t other)
{
    enum { PING_MS = 300 };
    const store_image *ours = world_disk(h->w, node), *theirs = world_disk(h->w, other);
    size_t theirs_n = store_image_records(theirs, false);
    struct record mine = {0}, other_last;
    if (!theirs_n || !check_contact(h->w, node, other))
        return;
    if (n)
        store_image_record_at(ours, false, n - 1, &mine);
    store_image_record_at(theirs, false, theirs_n - 1, &other_last);
    bool has_more = other_last.epoch > mine.epoch ||
                    (other_last.epoch == mine.epoch && other_last.lsn > mine.lsn);
    uint64_t heard_until_ms = world_now_ms(h->w) - PING_MS;
    bool heard = h->disks[other].grew_ms < heard_until_ms;
    bool is_copied = h->learner[other] && h->owed[other];
    bool was_copied = is_copied || h->level_ms[other] >= heard_until_ms;
    if ((is_copied && !has_more) || (was_copied && !heard))
        return;
    history_fail(h, "D7",
                 "node %s, which has %zu records, is forced to serve, and node %s, which has %zu, "
                 "is in contact",
                 stage_node_name(node), n, stage_node_name(other), theirs_n);
}

void promises_forced(struct history *h, uint32_t node, size_t records)
{
    if (!h->forced[node])
        history_fail(h, "D7", "node %s is forced to serve, and nobody has forced it",
                     stage_node_name(node));
    for (uint32_t i = 0; i < h->plan->site.nodes_n; i++)
        if (i != node)
            look_at_forced_beside(h, node, records, i);
    h->forced[node] = false;
    h->forced_once = true;
    h->owed[node] = 0; /* what it has is the history from here on */
}

void promises_level(struct history *h, uint32_t node)
{
    if (h->owed[node])
        h->level_ms[node] = world_now_ms(h->w);
    h->owed[node] = 0;
    h->vouches[node] = true;
}

void promises_epoch(struct history *h, uint32_t node, const struct epoch_begun *b, uint64_t reason)
{
    uint32_t served_last = h->served_last;
    h->served_last = node;
    if (reason == EV__EPOCH_REASON__EPOCH_REASON_ATTESTED && !h->attested[node])
        history_fail(h, "W2", "node %s serves by a person's word that nobody gave",
                     stage_node_name(node));
    if (reason == EV__EPOCH_REASON__EPOCH_REASON_ATTESTED)
        look_at_said(h, node, b->name.number);
    if (reason == EV__EPOCH_REASON__EPOCH_REASON_SWITCHOVER)
        look_at_switchover(h, node, served_last, b);
    if (reason == EV__EPOCH_REASON__EPOCH_REASON_RESTARTED)
        look_at_restart(h, node, b->name.number);
    if (h->owed[node] && store_image_records(world_disk(h->w, node), false) <= h->owed[node])
        history_fail(h, "D7",
                     "node %s serves, and has not been level with anybody since it lost its disk",
                     stage_node_name(node));
}

void promises_wipe(struct history *h, uint32_t node)
{
    h->owed[node] = SIZE_MAX;
    h->vouches[node] = false;
}

/* Whoever it learns from has at least as many records as the shortest log that was seen since. */
static void look_at_learner(struct history *h, uint32_t node)
{
    if (!h->owed[node])
        return;
    for (uint32_t i = 0; i < h->plan->site.nodes_n; i++) {
        size_t n = store_image_records(world_disk(h->w, i), false);
        if (i != node && n > 0 && n < h->owed[node])
            h->owed[node] = n;
    }
}

/* A primary has counted it as a whole copy, and its disk says that it never became one. */
static void look_at_word(struct history *h, uint32_t node)
{
    struct node *n = world_node(h->w, node);
    if (n && h->vouches[node] && rep_is_learning(node_rep(n)))
        history_fail(h, "D7", "node %s was level with a primary, and is a learner again",
                     stage_node_name(node));
}

/* A site of one node needs nobody's word: it serves as soon as it is up. */
static void look_at_single(struct history *h)
{
    struct node *n = world_node(h->w, 0);
    if (h->plan->site.nodes_n > 1 || !n || world_node_is_frozen(h->w, 0))
        return;
    enum rep_role role = rep_role(node_rep(n));
    if (role != REP_ROLE_PRIMARY && role != REP_ROLE_EMPTY)
        history_fail(h, "W3", "node %s is the only one of its site, and does not serve",
                     stage_node_name(0));
}

/* ---------------------------------------------------------------- I/O errors (D6) */

static uint64_t io_errors(const struct history *h, uint32_t node)
{
    const store_image *disk = world_disk(h->w, node);
    return store_image_met(disk, STORE_FAULT_IO_LOST) + store_image_met(disk, STORE_FAULT_IO_KEPT);
}

void promises_boot(struct history *h, uint32_t node)
{
    h->io_errors[node] = io_errors(h, node);
}

/* T13: of a batch that is postponed every clock stands for good, as far as a node's log says so. */
static void look_at_postponed(struct history *h, uint32_t node)
{
    struct node *n = world_node(h->w, node);
    struct exam_batch_view b;
    uint32_t batch;
    size_t apart = store_image_records(world_disk(h->w, node), true);
    bool before = h->stopped[node] && apart == h->stopped_apart[node]; /* else in another log */
    h->stopped_apart[node] = apart;
    h->stopped[node] = n && !exam_find_batch(node_exam(n), stage_batch, &batch);
    if (!h->stopped[node])
        return;
    exam_batch_view(node_exam(n), batch, node_site_ms(n), &b);
    h->stopped[node] = b.state == EXAM_BATCH_POSTPONED;
    for (uint32_t i = 0; i < h->plan->site.candidates_n && h->stopped[node]; i++) {
        struct exam_sitting_view v;
        uint32_t sitting;
        if (exam_find_sitting(node_exam(n), stage_candidate_name(i), &sitting))
            continue;
        exam_sitting_view(node_exam(n), sitting, node_site_ms(n), &v);
        if (before && v.account.used_ms != h->stopped_used_ms[node][i])
            history_fail(h, "T13",
                         "candidate %s has used %llu ms, and had used %llu ms when the batch was "
                         "postponed (node %s)",
                         stage_candidate_name(i), (unsigned long long)v.account.used_ms,
                         (unsigned long long)h->stopped_used_ms[node][i], stage_node_name(node));
        h->stopped_used_ms[node][i] = v.account.used_ms;
    }
}

void promises_look(struct history *h, uint32_t node)
{
    look_at_postponed(h, node);
    if (world_node(h->w, node) && io_errors(h, node) > h->io_errors[node])
        history_fail(h, "D6", "node %s has met an I/O error, and goes on", stage_node_name(node));
    look_at_learner(h, node);
    look_at_word(h, node);
    look_at_single(h);
}
