#include "tend.h"

#include <stdio.h>
#include <string.h>

#include "acts.h"
#include "notes.h"
#include "rep.h"
#include "stage.h"
#include "watch.h"

enum {
    CONVERGE_MS_MAX = 90 * 1000,
    CONVERGE_STEP_MS = 1000,
    CLOSED_UNHEARD_MS_MAX = 5000, /* three heartbeats, and until that is looked at */
};

/* ---------------------------------------------------------------- one look */

static bool has_more(const struct position *a, const struct position *b)
{
    return a->epoch != b->epoch ? a->epoch > b->epoch : a->lsn > b->lsn;
}

static bool is_learner(struct node *n)
{
    struct rep_preview p;
    rep_promotion_preview(node_rep(n), 0, &p);
    return p.learning;
}

/* Of those that can be talked to, the one with the longest log, one that vouches for it before one
 * that is being copied to (D7), or none of these at all; WORLD_NONE. */
static uint32_t best_node(struct history *h, bool no_learners)
{
    struct position most = {0};
    uint32_t best = WORLD_NONE;
    for (uint32_t i = 0; i < h->plan->site.nodes_n; i++) {
        struct node *n = world_node(h->w, i);
        if (!n || world_node_is_frozen(h->w, i) || rep_role(node_rep(n)) == REP_ROLE_EMPTY ||
            (no_learners && is_learner(n)))
            continue;
        struct position p = node_last(n);
        bool level = best != WORLD_NONE && !has_more(&p, &most) && !has_more(&most, &p);
        bool vouches = level && !is_learner(n) && is_learner(world_node(h->w, best));
        if (best != WORLD_NONE && !has_more(&p, &most) && !vouches)
            continue;
        best = i;
        most = p;
    }
    return best;
}

/* Nobody serves: what is attested is true. */
static exam_err promote(struct history *h, uint32_t node)
{
    exam_err err = acts_promote(h, node, false);
    return err == EXAM_ATTEST ? acts_promote(h, node, true) : err;
}

/* Everybody is there, and nobody vouches for a log: no whole copy will come back (D7). */
static bool is_last_resort(struct history *h, uint32_t node)
{
    struct rep_preview p;
    bool all = h->repaired;
    for (uint32_t i = 0; i < h->plan->site.nodes_n; i++)
        all &= i == node || check_contact(h->w, node, i);
    rep_promotion_preview(node_rep(world_node(h->w, node)), 0, &p);
    return all && p.forcible;
}

/* A copy may have got records that its source has lost since: then it waits for ever (D7), and
 * somebody else is to serve. */
static void promote_best(struct history *h)
{
    uint32_t node = best_node(h, false);
    if (node == WORLD_NONE) {
        for (uint32_t i = 0; i < h->plan->site.nodes_n; i++)
            acts_boot_node(h, i);
        return;
    }
    exam_err err = promote(h, node);
    struct node *asked = world_node(h->w, node);
    if (err == EXAM_STATE && asked && is_learner(asked)) {
        uint32_t other = best_node(h, true);
        if (other != WORLD_NONE)
            err = promote(h, other);
        else if (is_last_resort(h, node))
            err = acts_force(h, node);
    }
    (void)err; /* told; the next look tries again */
}

static void look_at_batch(struct history *h, uint32_t primary)
{
    const exam *x = node_exam(world_node(h->w, primary));
    struct exam_batch_view v;
    uint32_t batch;
    if (exam_find_batch(x, stage_batch, &batch))
        return;
    exam_batch_view(x, batch, node_site_ms(world_node(h->w, primary)), &v);
    if (!v.is_suspended)
        return;
    exam_err err = acts_unsuspend(h, primary);
    (void)err; /* told */
}

void tend(struct history *h)
{
    uint32_t primary = world_primary(h->w);
    if (primary != WORLD_NONE && world_node_is_frozen(h->w, primary)) {
        exam_err err = world_kill_node(h->w, primary);
        (void)err; /* it is up, or it would not be frozen */
        world_settle(h->w);
        primary = world_primary(h->w);
    }
    if (primary == WORLD_NONE)
        promote_best(h);
    else
        look_at_batch(h, primary);
}

/* ---------------------------------------------------------------- repairs */

static void mend_path(struct history *h, struct world_place a, struct world_place b)
{
    world_mute(h->w, a, b, MEM_CUT_NONE);
    world_mute(h->w, b, a, MEM_CUT_NONE);
    world_weather(h->w, a, b, NULL);
    world_weather(h->w, b, a, NULL);
}

static void mend_node(struct history *h, uint32_t node)
{
    exam_err err = world_thaw_node(h->w, node);
    if (!err)
        history_tell(h, "---", "node %s thaws", stage_node_name(node));
    world_fuse_node(h->w, node, WORLD_NO_FUSE, false);
    (void)err; /* it is off: it has none */
    world_fail_commit(h->w, node, 0, STORE_FAULT_FULL);
    world_fill_disk(h->w, node, WORLD_ROOM, 0);
    for (uint32_t i = 0; i < h->plan->site.nodes_n; i++) {
        if (i == node)
            continue;
        mend_path(h, world_at_node(node), world_at_node(i));
        if (plan_has_node_weather(h->plan)) /* a link that has lost frames ends */
            world_cut_nodes(h->w, node, i);
        world_heal_nodes(h->w, node, i);
    }
    for (uint32_t i = 0; i < h->plan->site.seats_n; i++) {
        mend_path(h, world_at_node(node), world_at_seat(i));
        world_heal_seat(h->w, i, node);
    }
}

static void mend_seat(struct history *h, uint32_t seat)
{
    exam_err err = world_thaw_seat(h->w, seat);
    world_fuse_seat(h->w, seat, WORLD_NO_FUSE);
    world_fail_journal(h->w, seat, 0, SIM_JOURNAL_FULL);
    if (world_seat(h->w, seat)->journal.failed)
        err = world_kill_seat(h->w, seat);
    (void)err; /* EXAM_STATE: nothing was to be mended */
}

/* Whoever is off is switched on: after a while a node may fall over what it finds on its disk. */
static void switch_on(struct history *h)
{
    for (uint32_t i = 0; i < h->plan->site.nodes_n; i++)
        if (!world_node(h->w, i))
            acts_boot_node(h, i);
    for (uint32_t i = 0; i < h->plan->site.seats_n; i++) {
        exam_err err = world_boot_seat(h->w, i);
        (void)err; /* EXAM_STATE: it is on */
    }
    world_settle(h->w);
}

/* A rotten log is found by who reads all of it (D8). Its node joins again with an empty disk if
 * another has what has rotted; otherwise nobody can help. False: so it is. */
static bool replace_rotten_disks(struct history *h)
{
    for (uint32_t i = 0; i < h->plan->site.nodes_n; i++) {
        if (!h->rotten_lsn[i])
            continue;
        if (!acts_is_whole_without(h, i))
            return false;
        acts_wipe_node(h, i);
    }
    return !h->log_is_lost;
}

/* Where the primary says that the candidate sits; where he does, if it does not know him, or he has
 * finished: nobody moves any more then (T11). */
static uint32_t seat_there(struct history *h, uint32_t primary, uint32_t candidate)
{
    struct node *n = world_node(h->w, primary);
    struct exam_sitting_view v;
    uint32_t sitting, seat = h->sits_at[candidate];
    if (exam_find_sitting(node_exam(n), stage_candidate_name(candidate), &sitting))
        return seat;
    exam_sitting_view(node_exam(n), sitting, node_site_ms(n), &v);
    for (uint32_t i = 0; i < h->plan->site.seats_n && v.state != EXAM_SITTING_FINISHED; i++)
        if (!strcmp(v.seat, stage_seat_name(i)))
            seat = i;
    return seat;
}

static bool sits_where_seen(struct history *h, uint32_t primary, uint32_t candidate)
{
    return seat_there(h, primary, candidate) == h->sits_at[candidate];
}

/* A move that the site has lost with a primary is decided again: the candidate sits where he sits,
 * and what he has answered lies there. Where somebody else has got his seat, he goes back to the
 * one that the site has him at, as the screen tells him. */
static void repeat_moves(struct history *h, uint32_t primary)
{
    for (uint32_t i = 0; i < h->plan->site.candidates_n; i++) {
        if (sits_where_seen(h, primary, i))
            continue;
        history_tell(h, "---", "candidate %s is to move to %s again", stage_candidate_name(i),
                     stage_seat_name(h->sits_at[i]));
        if (acts_move(h, primary, i, h->sits_at[i]) == EXAM_SEAT_TAKEN) {
            h->sits_at[i] = seat_there(h, primary, i);
            history_tell(h, "---", "candidate %s goes back to %s", stage_candidate_name(i),
                         stage_seat_name(h->sits_at[i]));
        }
        if (sits_where_seen(h, primary, i))
            acts_sign_in(h, i);
    }
}

/* What was forced to serve may have a log that ends before the import, or in the middle of it: the
 * same files are imported again (P2). A batch that is there is refused. */
static void repeat_import(struct history *h, uint32_t primary)
{
    const exam *x = node_exam(world_node(h->w, primary));
    struct office_refusal why = {0};
    struct exam_batch_view v = {.state = EXAM_BATCH_PLANNED};
    uint32_t batch;
    if (!exam_find_batch(x, stage_batch, &batch))
        exam_batch_view(x, batch, node_site_ms(world_node(h->w, primary)), &v);
    if (!h->forced_once || v.state != EXAM_BATCH_PLANNED)
        return;
    exam_err err = stage_import(h->w, h->plan, primary, &why);
    history_tell(h, "---", "the batch is imported again: %s", err ? why.text : "done");
}

/* ... and who has sat down signs in again: nobody knows the session any more. */
static void repeat_sign_ins(struct history *h)
{
    for (uint32_t i = 0; i < h->plan->site.candidates_n && h->forced_once; i++) {
        const struct sim_seat *s = world_seat(h->w, h->sits_at[i]);
        if (h->screens[i].sat_down && s->core && !seat_core_in_contact(s->core))
            acts_sign_in(h, i);
    }
}

/* A start that the site has lost with a primary is decided again, too. */
static void repeat_start(struct history *h, uint32_t primary)
{
    const exam *x = node_exam(world_node(h->w, primary));
    const struct act start = {.kind = ACT_START, .node = primary};
    struct exam_batch_view v;
    uint32_t batch;
    if (!h->started || exam_find_batch(x, stage_batch, &batch))
        return;
    exam_batch_view(x, batch, node_site_ms(world_node(h->w, primary)), &v);
    if (v.state == EXAM_BATCH_PLANNED)
        acts_play(h, &start);
}

/* Seats that have seen a higher epoch than the primary's do not use it, and cannot prove what they
 * say: somebody who knows that no other node serves says so (W1, W2). */
static void outdo_seats(struct history *h, uint32_t primary)
{
    uint64_t epoch = rep_epoch(node_rep(world_node(h->w, primary)));
    for (uint32_t i = 0; i < h->plan->site.seats_n; i++) {
        const struct sim_seat *s = world_seat(h->w, i);
        if (!s->core || seat_core_in_contact(s->core) || seat_core_epoch_seen(s->core) <= epoch)
            continue;
        if (acts_promote(h, primary, true) && !world_stop_node(h->w, primary))
            history_tell(h, "---", "node %s is started anew", stage_node_name(primary));
        return;
    }
}

/* ---------------------------------------------------------------- convergence */

/* A log without the beginning of an epoch has nothing that anybody could serve with, by force
 * neither (D7): what could be read of one that had rotted. */
static bool has_epoch(const store_image *disk)
{
    for (size_t i = 0; i < store_image_records(disk, false); i++) {
        struct record r;
        store_image_record_at(disk, false, i, &r);
        if (watch_kind_of(&r) == EV__EVENT__KIND_EPOCH_BEGAN)
            return true;
    }
    return false;
}

static bool site_is_lost(struct history *h)
{
    for (uint32_t i = 0; i < h->plan->site.nodes_n; i++)
        if (has_epoch(world_disk(h->w, i)))
            return false;
    return true;
}

/* What is not as it must be in the end; false: nothing. */
static bool nodes_differ(struct history *h, uint32_t primary, char *what, size_t bytes)
{
    struct position last = node_last(world_node(h->w, primary));
    for (uint32_t i = 0; i < h->plan->site.nodes_n; i++) {
        struct node *n = world_node(h->w, i);
        if (!n) {
            snprintf(what, bytes, "node %s is off", stage_node_name(i));
            return true;
        }
        struct position p = node_last(n);
        if (p.lsn == last.lsn && !memcmp(p.hash, last.hash, HASH_BYTES))
            continue;
        snprintf(what, bytes, "node %s (%s) ends at record %llu, the primary %s at %llu",
                 stage_node_name(i), rep_role_text(rep_role(node_rep(n))),
                 (unsigned long long)p.lsn, stage_node_name(primary), (unsigned long long)last.lsn);
        return true;
    }
    return false;
}

/* True when the site has the record, whichever epoch of that number a disk knows it to be of: this
 * is to tell when all has come in, and not whether it is right (check_saved). */
static bool branch_record_is_in(struct history *h, const exam *x, const struct record *r)
{
    struct record began;
    for (uint32_t i = 0; i < h->plan->site.nodes_n; i++) {
        const store_image *disk = world_disk(h->w, i);
        for (int branches = 0; branches < 2; branches++)
            for (size_t j = 0; j < store_image_records(disk, branches); j++) {
                store_image_record_at(disk, branches, j, &began);
                if (began.epoch == r->epoch &&
                    watch_kind_of(&began) == EV__EVENT__KIND_EPOCH_BEGAN &&
                    exam_recovered(x, r->epoch, record_tag(began.hash), r->lsn))
                    return true;
            }
    }
    return false;
}

/* Records that nobody wants (marks, attachments) leave no trace of having been looked at; what a
 * branch has itself recovered is recovered under its origin. */
static bool branch_is_left(struct history *h, uint32_t primary, char *what, size_t bytes)
{
    const exam *x = node_exam(world_node(h->w, primary));
    for (uint32_t i = 0; i < h->plan->site.nodes_n; i++) {
        const store_image *disk = world_disk(h->w, i);
        for (size_t j = 0; j < store_image_records(disk, true); j++) {
            struct record r;
            store_image_record_at(disk, true, j, &r);
            bool matters =
                notes_is(&r) || (watch_is_answer(&r) && watch_answer_in(h, &r) != SAVED_NONE);
            if (!matters || branch_record_is_in(h, x, &r))
                continue;
            snprintf(what, bytes,
                     "record %llu of epoch %llu, of node %s's dead branch, is not recovered (W5)",
                     (unsigned long long)r.lsn, (unsigned long long)r.epoch, stage_node_name(i));
            return true;
        }
    }
    return false;
}

static bool seat_waits(struct history *h, char *what, size_t bytes)
{
    for (uint32_t i = 0; i < h->plan->site.seats_n; i++) {
        const struct sim_seat *s = world_seat(h->w, i);
        if (!s->core) {
            snprintf(what, bytes, "seat %s is off", stage_seat_name(i));
            return true;
        }
        uint64_t unsaved = seat_core_unsaved_n(s->core);
        bool away = seat_core_admission_no(s->core)[0] && !seat_core_in_contact(s->core) &&
                    seat_core_state(s->core) != SEAT_SHUT_OUT;
        if (!unsaved && !away)
            continue;
        snprintf(what, bytes, "seat %s has %llu actions that are not saved%s", stage_seat_name(i),
                 (unsigned long long)unsaved, away ? ", and is out of contact" : "");
        return true;
    }
    return false;
}

/* What a PC holds of a candidate's is sent when the candidate signs in there, and what he has used
 * is known for good when he goes on. */
static bool sits_elsewhere(struct history *h, uint32_t primary, char *what, size_t bytes)
{
    for (uint32_t i = 0; i < h->plan->site.candidates_n; i++) {
        if (!h->screens[i].sat_down || sits_where_seen(h, primary, i))
            continue;
        snprintf(what, bytes, "candidate %s sits at %s, and node %s does not know it (T11)",
                 stage_candidate_name(i), stage_seat_name(h->sits_at[i]), stage_node_name(primary));
        return true;
    }
    return false;
}

static bool has_converged(struct history *h, char *what, size_t bytes)
{
    uint32_t primary = world_primary(h->w);
    if (primary == WORLD_NONE) {
        snprintf(what, bytes, "no node serves");
        return false;
    }
    return !nodes_differ(h, primary, what, bytes) && !branch_is_left(h, primary, what, bytes) &&
           !seat_waits(h, what, bytes) &&
           (h->collected || !sits_elsewhere(h, primary, what, bytes));
}

/* ---------------------------------------------------------------- what must be true then */

static int counting_answer(struct history *h, uint32_t candidate, uint32_t item)
{
    const exam *x = node_exam(world_node(h->w, world_primary(h->w)));
    struct exam_answer_view a;
    uint32_t sitting;
    if (exam_find_sitting(x, stage_candidate_name(candidate), &sitting))
        return SAVED_NONE;
    for (uint32_t i = 0; !exam_answer_at(x, sitting, i, &a); i++)
        if (!strcmp(a.item, stage_item_name(item)))
            return watch_answer_of(h, a.value, a.value_bytes);
    return SAVED_NONE;
}

static void check_answers(struct history *h)
{
    char what[400];
    for (uint32_t i = 0; i < h->plan->site.candidates_n; i++)
        for (uint32_t j = 0; j < h->plan->site.items_n; j++)
            if (!saved_counts(&h->saved, i, j, counting_answer(h, i, j), what, sizeof what))
                history_fail_what(h, what);
}

/* A mark that only a dead branch holds is shown, not adopted (A3): so is that of a seat which the
 * sitting has left, or never sat at, in the history that goes on, and one that its seat has handed
 * to a node which was outdone (T11); and a seat that loses its power forgets what it had not
 * flushed. */
static bool mark_may_be_lost(const struct history *h, uint32_t candidate, const char *seat)
{
    const struct told_at *told = &h->told_at[candidate];
    return watch_is_apart(h, world_primary(h->w), told) &&
           (told->gone || plan_kills_seats(h->plan) ||
            strcmp(stage_seat_name(told->seat), seat) != 0);
}

/* Without two primaries and lost disks of nodes, an account can be reckoned from what was seen in
 * the room. A clock that starts at a node and a screen that opens at a seat are as far apart as the
 * frame was under way, which is only known of attachments: with weather there is no upper bound. */
static void check_used(struct history *h, uint32_t candidate)
{
    const uint64_t on_their_way = plan_bit(PLAN_SEAT_WEATHER) | plan_bit(PLAN_SEAT_MUTES);
    /* With these every screen that is open is charged to the millisecond (T6): no seat dies, no
     * pause comes while one is out of contact. Restarts belong here, too (README: "Known"). */
    const uint64_t calm =
        plan_bit(PLAN_VIOLATIONS) | plan_bit(PLAN_INCIDENTS) | plan_bit(PLAN_SWITCHOVERS) |
        plan_bit(PLAN_NODE_CUTS) | plan_bit(PLAN_NODE_MUTES) | plan_bit(PLAN_DATES) |
        plan_bit(PLAN_SEAT_CUTS) | plan_bit(PLAN_PROMOTIONS) | plan_bit(PLAN_GRANTS);
    const struct screens *s = &h->screens[candidate];
    struct node *n = world_node(h->w, world_primary(h->w));
    struct exam_sitting_view v;
    uint32_t sitting;
    if (exam_find_sitting(node_exam(n), stage_candidate_name(candidate), &sitting))
        return;
    exam_sitting_view(node_exam(n), sitting, node_site_ms(n), &v);
    /* A sitting that a person closes ends then, and its seat may have been silent for a while. */
    uint64_t max_ms =
        screens_used_max_ms(s, world_now_ms(h->w)) + (h->collected ? CLOSED_UNHEARD_MS_MAX : 0);
    if (v.account.used_ms > max_ms && !(h->plan->families & on_their_way))
        history_fail(h, "D5", "candidate %s has used %llu ms, and could be seen for %llu ms",
                     stage_candidate_name(candidate), (unsigned long long)v.account.used_ms,
                     (unsigned long long)max_ms);
    bool cut_off = v.finish == EV__FINISH__FINISH_POSTPONED; /* its seat may not have known yet */
    if (!(h->plan->families & ~calm) && !cut_off &&
        v.account.used_ms + s->slack_ms + 2 * s->attached_n <
            screens_open_ms(s, world_now_ms(h->w)))
        history_fail(h, "T6", "candidate %s has used %llu ms, and a screen was open for %llu ms",
                     stage_candidate_name(candidate), (unsigned long long)v.account.used_ms,
                     (unsigned long long)screens_open_ms(s, world_now_ms(h->w)));
    if (v.account.used_ms < s->told_used_ms && !h->collected &&
        !mark_may_be_lost(h, candidate, v.seat))
        history_fail(h, "T3", "candidate %s has used %llu ms, and was told %llu ms",
                     stage_candidate_name(candidate), (unsigned long long)v.account.used_ms,
                     (unsigned long long)s->told_used_ms);
}

void tend_to_the_end(struct history *h)
{
    char what[300] = "";
    history_tell(h, "---", "everything is repaired");
    h->repaired = true;
    watch_look(h);
    for (uint32_t i = 0; i < h->plan->site.nodes_n; i++)
        mend_node(h, i);
    for (uint32_t i = 0; i < h->plan->site.seats_n; i++)
        mend_seat(h, i);
    if (!replace_rotten_disks(h))
        return; /* every copy of some record has rotted */
    uint64_t end_ms = world_now_ms(h->w) + CONVERGE_MS_MAX;
    do {
        switch_on(h);
        if (site_is_lost(h))
            return; /* every node's disk is lost: there is no site to come back to */
        tend(h);
        if (world_primary(h->w) != WORLD_NONE) {
            repeat_import(h, world_primary(h->w));
            repeat_moves(h, world_primary(h->w));
            repeat_start(h, world_primary(h->w));
            repeat_sign_ins(h);
            outdo_seats(h, world_primary(h->w));
        }
        watch_look(h);
        world_run(h->w, world_now_ms(h->w) + CONVERGE_STEP_MS);
        watch_look(h);
    } while (!history_broken(h) && !has_converged(h, what, sizeof what) &&
             world_now_ms(h->w) < end_ms);
    if (history_broken(h))
        return;
    if (!has_converged(h, what, sizeof what)) {
        history_fail(h, "ends", "all is repaired, and the site does not come to rest: %s", what);
        return;
    }
    h->replicas = (struct replicas_seen){0}; /* at the end every state is reckoned anew (D4) */
    watch_look(h);
    if (!h->collected)
        check_answers(h);
    notes_check(h, world_primary(h->w));
    if (!h->two_served && !plan_takes_disks(h->plan))
        for (uint32_t i = 0; i < h->plan->site.candidates_n; i++)
            check_used(h, i);
}
