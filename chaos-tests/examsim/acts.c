#include "acts.h"

#include <stdio.h>
#include <string.h>

#include "hostile.h"
#include "notes.h"
#include "promises.h"
#include "rep.h"
#include "stage.h"
#include "tend.h"
#include "watch.h"

static char WHO[] = "examsim";
static char WHY[] = "as the plan says";

/* protobuf-c has no const; packing only reads. */
static char *text(const char *t)
{
    return (char *)(uintptr_t)t;
}

/* ---------------------------------------------------------------- candidates */

void acts_sign_in(struct history *h, uint32_t candidate)
{
    const char *no = stage_candidate_name(candidate);
    exam_err err = world_sign_in(h->w, h->sits_at[candidate], no, no);
    if (err && err != EXAM_EXISTS)
        history_tell(h, "", "... cannot sign in: %s", exam_err_text(err));
}

static void do_sign_in(struct history *h, const struct act *a)
{
    acts_sign_in(h, a->a);
}

static bool sits_there(const struct history *h, uint32_t candidate)
{
    const struct sim_seat *s = world_seat(h->w, h->sits_at[candidate]);
    return s->core && !strcmp(seat_core_admission_no(s->core), stage_candidate_name(candidate));
}

static const struct seat_action *journalled(const struct journal_mem *j, const char *value,
                                            bool *durable)
{
    for (size_t i = 0; i < j->n; i++) {
        const struct seat_action *a = &j->records[i].u.action;
        *durable = i < j->durable_n;
        if (j->records[i].kind == SEAT_RECORD_ANSWER && a->value_bytes == strlen(value) &&
            !memcmp(a->value, value, a->value_bytes))
            return a;
    }
    return NULL;
}

/* The answer has been taken; the seat may have died of it meanwhile. */
static void book_answer(struct history *h, uint32_t seat, uint32_t id, const char *value)
{
    const struct journal_mem *j = &world_seat(h->w, seat)->journal;
    struct saved_answer *made = &h->saved.answers[id];
    bool durable = false;
    const struct seat_action *a = journalled(j, value, &durable);
    if (!a) /* the disk failed, or the power went: nobody has to have it (D6) */
        return;
    if (durable)
        saved_seen(&h->saved, id, h->plan->site.nodes_n + seat, 0);
    made->version.seq = a->seq;
    made->version.epoch = a->attachment_epoch;
    made->version.lsn = a->attachment_lsn;
}

static void do_answer(struct history *h, const struct act *a)
{
    char value[16];
    uint32_t seat = h->sits_at[a->a];
    struct saved_answer made = {
        .candidate = a->a, .item = a->b, .seat = seat, .at_ms = world_now_ms(h->w)};
    if (!sits_there(h, a->a) || h->saved.n == SAVED_ANSWERS_MAX)
        return;
    snprintf(value, sizeof value, "v%u", h->saved.n);
    exam_err err = world_answer(h->w, seat, stage_item_name(a->b), value);
    if (err)
        history_tell(h, "", "... the screen does not take it: %s", exam_err_text(err));
    if (err && err != EXAM_IO)
        return;
    int id = saved_made(&h->saved, &made);
    book_answer(h, seat, (uint32_t)id, value);
    if (!err)
        promises_taken(h, seat, (uint32_t)id);
    history_tell(h, "", "... as v%d", id);
}

static void do_submit(struct history *h, const struct act *a)
{
    if (!sits_there(h, a->a))
        return;
    exam_err err = world_submit(h->w, h->sits_at[a->a]);
    if (err)
        history_tell(h, "", "... the screen does not take it: %s", exam_err_text(err));
}

/* ---------------------------------------------------------------- administrators */

static exam_err ask(struct history *h, uint32_t node, Admin__Request *m)
{
    struct office_refusal why = {0};
    if (node == PLAN_PRIMARY)
        node = world_primary(h->w);
    if (node == WORLD_NONE) {
        history_tell(h, "", "... no node serves");
        return EXAM_NOT_FOUND;
    }
    watch_epochs(h);
    exam_err err = office_ask_once(h->w, node, WHO, m, NULL, NULL, &why);
    if (err)
        history_tell(h, "", "... refused by %s: %.300s", stage_node_name(node), why.text);
    return err;
}

static void do_start(struct history *h, const struct act *a)
{
    Admin__BatchStart start = ADMIN__BATCH_START__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    start.batch = text(stage_batch);
    start.who = WHO;
    m.kind_case = ADMIN__REQUEST__KIND_BATCH_START;
    m.batch_start = &start;
    exam_err err = ask(h, a->node, &m);
    if (err && exam_err_class_of(err) != EXAM_CLASS_RETRY)
        return;
    h->started = true; /* or it may have been, and nobody heard so */
    for (uint32_t i = 0; i < h->plan->site.candidates_n && !h->plan->site.personal; i++)
        screens_begin(&h->screens[i], world_now_ms(h->w));
}

static void target_put(Admin__Target *t, const struct plan_site *s, uint32_t scope)
{
    static const Ev__ScopeKind kinds[] = {EV__SCOPE_KIND__SCOPE_KIND_SITE,
                                          EV__SCOPE_KIND__SCOPE_KIND_BATCH,
                                          EV__SCOPE_KIND__SCOPE_KIND_ROOM};
    admin__target__init(t);
    t->name = text(scope == PLAN_SCOPE_SITE ? "" : stage_scope_name(s, scope));
    t->kind = scope < PLAN_SCOPE_SEAT                ? kinds[scope]
              : scope - PLAN_SCOPE_SEAT < s->seats_n ? EV__SCOPE_KIND__SCOPE_KIND_SEAT
                                                     : EV__SCOPE_KIND__SCOPE_KIND_SITTING;
}

static void do_pause(struct history *h, const struct act *a)
{
    Admin__Target target;
    Admin__Pause pause = ADMIN__PAUSE__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    target_put(&target, &h->plan->site, a->a);
    pause.target = &target;
    pause.who = WHO;
    pause.why = WHY;
    m.kind_case = ADMIN__REQUEST__KIND_PAUSE;
    m.pause = &pause;
    exam_err err = ask(h, a->node, &m);
    (void)err; /* told */
}

exam_err acts_resume(struct history *h, uint32_t node, uint32_t scope)
{
    Admin__Target target;
    Admin__Resume resume = ADMIN__RESUME__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    target_put(&target, &h->plan->site, scope);
    resume.target = &target;
    resume.who = WHO;
    resume.why = WHY;
    m.kind_case = ADMIN__REQUEST__KIND_RESUME;
    m.resume = &resume;
    return ask(h, node, &m);
}

static void do_resume(struct history *h, const struct act *a)
{
    exam_err err = acts_resume(h, a->node, a->a);
    (void)err; /* told */
}

static void do_grant(struct history *h, const struct act *a)
{
    Admin__Target target;
    Admin__Grant grant = ADMIN__GRANT__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    target_put(&target, &h->plan->site, a->a);
    grant.target = &target;
    grant.ms = a->x;
    grant.who = WHO;
    grant.why = WHY;
    m.kind_case = ADMIN__REQUEST__KIND_GRANT;
    m.grant = &grant;
    exam_err err = ask(h, a->node, &m);
    (void)err; /* told */
}

exam_err acts_move(struct history *h, uint32_t node, uint32_t candidate, uint32_t seat)
{
    Admin__Move move = ADMIN__MOVE__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    move.admission_no = text(stage_candidate_name(candidate));
    move.seat = text(stage_seat_name(seat));
    move.who = WHO;
    move.why = WHY;
    m.kind_case = ADMIN__REQUEST__KIND_MOVE;
    m.move = &move;
    return ask(h, node, &m);
}

static void do_move(struct history *h, const struct act *a)
{
    uint32_t from = h->sits_at[a->a];
    h->sits_at[a->a] = a->b; /* what the old seat is told is no matter of its own any more (T11) */
    if (acts_move(h, a->node, a->a, a->b)) {
        h->sits_at[a->a] = from;
        return;
    }
    world_leave(h->w, from); /* the candidate gets up, and sits down over there */
    if (h->screens[a->a].sat_down)
        acts_sign_in(h, a->a);
}

static void do_violation(struct history *h, const struct act *a)
{
    Admin__Violation violation = ADMIN__VIOLATION__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    char what[NOTE_BYTES];
    notes_begin(h, a->a, what);
    violation.admission_no = text(stage_candidate_name(a->a));
    violation.text = what;
    violation.who = WHO;
    m.kind_case = ADMIN__REQUEST__KIND_VIOLATION;
    m.violation = &violation;
    notes_told(h, ask(h, a->node, &m));
}

static void do_incident(struct history *h, const struct act *a)
{
    Admin__Target target;
    Admin__IncidentOpen incident = ADMIN__INCIDENT_OPEN__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    target_put(&target, &h->plan->site, a->a);
    incident.kind = (Ev__IncidentKind)a->b;
    incident.target = &target;
    incident.text = WHY;
    incident.who = WHO;
    m.kind_case = ADMIN__REQUEST__KIND_INCIDENT_OPEN;
    m.incident_open = &incident;
    exam_err err = ask(h, a->node, &m);
    (void)err; /* told */
}

static void do_collect(struct history *h, const struct act *a)
{
    Admin__BatchCollect collect = ADMIN__BATCH_COLLECT__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    collect.batch = text(stage_batch);
    collect.who = WHO;
    collect.unfinished = a->a;
    m.kind_case = ADMIN__REQUEST__KIND_BATCH_COLLECT;
    m.batch_collect = &collect;
    exam_err err = ask(h, a->node, &m);
    if (!err || err == EXAM_AGAIN || err == EXAM_CONN)
        h->collected = true;
}

static void do_postpone(struct history *h, const struct act *a)
{
    Admin__Postpone postpone = ADMIN__POSTPONE__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    postpone.batch = text(stage_batch);
    postpone.who = WHO;
    postpone.why = WHY;
    m.kind_case = ADMIN__REQUEST__KIND_POSTPONE;
    m.postpone = &postpone;
    exam_err err = ask(h, a->node, &m);
    if (!err || err == EXAM_AGAIN || err == EXAM_CONN)
        h->collected = true; /* what comes after is shown to a person, as after a collection (A3) */
}

static exam_err ask_to_serve(struct history *h, uint32_t node, bool attest, bool forced)
{
    Admin__Promote promote = ADMIN__PROMOTE__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    promote.attest = attest;
    promote.forced = forced;
    promote.who = WHO;
    promote.why = WHY;
    m.kind_case = ADMIN__REQUEST__KIND_PROMOTE;
    m.promote = &promote;
    promises_promote(h, node, attest, forced);
    return ask(h, node, &m);
}

exam_err acts_promote(struct history *h, uint32_t node, bool attest)
{
    return ask_to_serve(h, node, attest, false);
}

exam_err acts_force(struct history *h, uint32_t node)
{
    history_tell(h, "---", "node %s is to be forced to serve", stage_node_name(node));
    return ask_to_serve(h, node, true, true);
}

static void do_promote(struct history *h, const struct act *a)
{
    exam_err err = acts_promote(h, a->a, a->x);
    struct node *n = world_node(h->w, a->a);
    if (err && a->x == PLAN_WORD_FORCE && n && rep_is_learning(node_rep(n)))
        err = acts_force(h, a->a);
    (void)err; /* told */
}

exam_err acts_unsuspend(struct history *h, uint32_t node)
{
    Admin__SuspendedDecision decision = ADMIN__SUSPENDED_DECISION__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    decision.batch = text(stage_batch);
    decision.who = WHO;
    decision.why = WHY;
    m.kind_case = ADMIN__REQUEST__KIND_SUSPENDED_DECISION;
    m.suspended_decision = &decision;
    return ask(h, node, &m);
}

static void do_hostile(struct history *h, const struct act *a)
{
    uint32_t node = a->node == PLAN_PRIMARY ? world_primary(h->w) : a->node;
    if (node == WORLD_NONE)
        return;
    watch_epochs(h);
    hostile_say(h, node, (enum hostile_word)a->b, (uint64_t)a->x);
}

static void do_tend(struct history *h, const struct act *a)
{
    (void)a;
    tend(h);
}

/* ---------------------------------------------------------------- nodes */

void acts_wipe_node(struct history *h, uint32_t node)
{
    exam_err err = world_wipe_node(h->w, node);
    if (err)
        history_fail(h, "sim", "node %s cannot be wiped: %s", stage_node_name(node),
                     exam_err_text(err));
    saved_place_destroyed(&h->saved, node);
    epochs_forgotten(&h->epochs, node);
    h->disks[node] = (struct disk_seen){0};
    h->rotten_lsn[node] = 0;
    h->learner[node] = true;
    promises_wipe(h, node);
}

bool acts_is_whole_without(const struct history *h, uint32_t node)
{
    for (uint32_t i = 0; i < h->plan->site.nodes_n; i++)
        if (i != node && !h->rotten_lsn[i] &&
            store_image_records(world_disk(h->w, i), false) >= h->rotten_lsn[node])
            return true;
    return false;
}

void acts_boot_node(struct history *h, uint32_t node)
{
    char why[256] = "";
    exam_err err = world_boot_node(h->w, node, why, sizeof why);
    if (err == EXAM_CORRUPT && h->rotten_lsn[node]) {
        history_tell(h, "", "... does not start (%s), and gets an empty disk", why);
        h->log_is_lost |= !acts_is_whole_without(h, node);
        acts_wipe_node(h, node);
        err = world_boot_node(h->w, node, why, sizeof why);
    }
    if (err == EXAM_STATE)
        return;
    if (err)
        history_fail(h, "D6", "node %s does not start: %s: %s", stage_node_name(node),
                     exam_err_text(err), why);
    promises_boot(h, node);
}

static void do_node_power(struct history *h, const struct act *a)
{
    exam_err err = EXAM_OK;
    watch_look(h); /* what it holds, before it goes */
    switch (a->kind) {
    case ACT_NODE_ON:
        acts_boot_node(h, a->a);
        return;
    case ACT_NODE_OFF:
        err = world_kill_node(h->w, a->a);
        break;
    case ACT_NODE_UNPLUG:
        err = world_unplug_node(h->w, a->a);
        break;
    case ACT_NODE_STOP:
        err = world_stop_node(h->w, a->a);
        break;
    case ACT_NODE_FREEZE:
        err = world_freeze_node(h->w, a->a);
        break;
    case ACT_NODE_THAW:
        err = world_thaw_node(h->w, a->a);
        break;
    case ACT_NODE_FUSE:
        world_fuse_node(h->w, a->a, a->b, a->x);
        break;
    default:
        acts_wipe_node(h, a->a);
        break;
    }
    (void)err; /* EXAM_STATE: it was so already */
}

/* Of the record that rots, the answer is gone from this disk. */
static void do_rot(struct history *h, const struct act *a)
{
    const store_image *disk = world_disk(h->w, a->a);
    size_t n = store_image_records(disk, false);
    struct record r;
    watch_look(h);
    if (n <= a->b)
        return;
    store_image_record_at(disk, false, n - 1 - a->b, &r);
    int answer = watch_answer_in(h, &r);
    size_t bytes = RECORD_HEADER_BYTES + r.event_bytes;
    if (world_rot(h->w, a->a, r.lsn, (size_t)a->x % bytes, 0x10))
        return;
    if (!h->rotten_lsn[a->a] || r.lsn < h->rotten_lsn[a->a])
        h->rotten_lsn[a->a] = r.lsn;
    if (answer != SAVED_NONE)
        saved_destroyed(&h->saved, (uint32_t)answer, a->a);
}

static void do_disk(struct history *h, const struct act *a)
{
    enum { RESERVE_BYTES = 64 * 1024 };
    switch (a->kind) {
    case ACT_COMMIT_FAILS:
        world_fail_commit(h->w, a->a, a->b, (enum store_fault)a->x);
        return;
    case ACT_DISK_FILLS:
        world_fill_disk(h->w, a->a, a->b, RESERVE_BYTES);
        return;
    case ACT_DISK_HAS_ROOM:
        world_fill_disk(h->w, a->a, WORLD_ROOM, RESERVE_BYTES);
        return;
    case ACT_ROT:
        do_rot(h, a);
        return;
    default:
        world_set_date(h->w, a->a, a->x);
        return;
    }
}

static void do_mains(struct history *h, const struct act *a)
{
    exam_err err = world_power(h->w, a->a,
                               a->kind == ACT_MAINS_LOST   ? NODE_MAINS_LOST
                               : a->kind == ACT_MAINS_BACK ? NODE_MAINS_BACK
                                                           : NODE_BATTERY_LOW);
    (void)err; /* EXAM_STATE: it is off, and hears of it when it starts */
}

/* ---------------------------------------------------------------- seats */

static void do_seat_power(struct history *h, const struct act *a)
{
    exam_err err = EXAM_OK;
    switch (a->kind) {
    case ACT_SEAT_ON:
        err = world_boot_seat(h->w, a->a);
        break;
    case ACT_SEAT_OFF:
        err = world_kill_seat(h->w, a->a);
        break;
    case ACT_SEAT_UNPLUG:
        world_set_tail(h->w, a->a, (enum sim_tail)a->x);
        err = world_unplug_seat(h->w, a->a);
        break;
    case ACT_SEAT_FREEZE:
        err = world_freeze_seat(h->w, a->a);
        break;
    case ACT_SEAT_THAW:
        err = world_thaw_seat(h->w, a->a);
        break;
    case ACT_SEAT_FUSE:
        world_fuse_seat(h->w, a->a, a->b);
        break;
    case ACT_JOURNAL_FAILS:
        world_fail_journal(h->w, a->a, a->b, (enum sim_journal_fault)a->x);
        break;
    default:
        watch_look(h);
        world_wipe_seat(h->w, a->a);
        saved_place_destroyed(&h->saved, h->plan->site.nodes_n + a->a);
        promises_seat_wiped(h, a->a);
        break;
    }
    (void)err; /* EXAM_STATE: it was so already */
}

/* ---------------------------------------------------------------- paths */

static struct world_place place_of(uint32_t place)
{
    return place < PLAN_NODES_MAX ? world_at_node(place) : world_at_seat(place - PLAN_NODES_MAX);
}

static void do_cut(struct history *h, const struct act *a)
{
    bool cut = a->kind == ACT_CUT;
    if (a->a >= PLAN_NODES_MAX)
        (cut ? world_cut_seat : world_heal_seat)(h->w, a->a - PLAN_NODES_MAX, a->b);
    else
        (cut ? world_cut_nodes : world_heal_nodes)(h->w, a->a, a->b);
}

static void do_mute(struct history *h, const struct act *a)
{
    world_mute(h->w, place_of(a->a), place_of(a->b), (enum mem_cut)a->x);
}

/* A number is a weather: mild, bad, or very bad in one respect. */
static struct mem_weather weather_of(uint64_t x, bool nodes)
{
    struct mem_weather m = {.delay_min_ms = x % 3, .delay_max_ms = x % 3 + x / 3 % 400};
    if (x % 5 == 0) {
        m.stall_permille = 20;
        m.stall_ms = (uint32_t)(x / 5 % 4000);
    }
    if (x % 7 < 2)
        m.reset_permille = 10;
    if (!nodes)
        return m;
    m.loss_permille = x / 11 % 3 ? 0 : (uint32_t)(x / 33 % 200);
    m.duplicate_permille = x / 13 % 3 ? 0 : (uint32_t)(x / 39 % 200);
    m.reorder_permille = x / 17 % 3 ? 0 : (uint32_t)(x / 51 % 200);
    return m;
}

static void do_weather(struct history *h, const struct act *a)
{
    bool nodes = a->a < PLAN_NODES_MAX;
    struct mem_weather m = weather_of((uint64_t)a->x, nodes);
    world_weather(h->w, place_of(a->a), place_of(a->b), a->x ? &m : NULL);
    world_weather(h->w, place_of(a->b), place_of(a->a), a->x ? &m : NULL);
}

/* ---------------------------------------------------------------- the table */

static void (*const acts[ACT_KINDS])(struct history *, const struct act *) = {
    [ACT_SIGN_IN] = do_sign_in,
    [ACT_ANSWER] = do_answer,
    [ACT_SUBMIT] = do_submit,
    [ACT_START] = do_start,
    [ACT_PAUSE] = do_pause,
    [ACT_RESUME] = do_resume,
    [ACT_GRANT] = do_grant,
    [ACT_MOVE] = do_move,
    [ACT_VIOLATION] = do_violation,
    [ACT_INCIDENT] = do_incident,
    [ACT_COLLECT] = do_collect,
    [ACT_POSTPONE] = do_postpone,
    [ACT_PROMOTE] = do_promote,
    [ACT_HOSTILE] = do_hostile,
    [ACT_TEND] = do_tend,
    [ACT_NODE_ON] = do_node_power,
    [ACT_NODE_OFF] = do_node_power,
    [ACT_NODE_UNPLUG] = do_node_power,
    [ACT_NODE_STOP] = do_node_power,
    [ACT_NODE_FREEZE] = do_node_power,
    [ACT_NODE_THAW] = do_node_power,
    [ACT_NODE_FUSE] = do_node_power,
    [ACT_NODE_WIPE] = do_node_power,
    [ACT_COMMIT_FAILS] = do_disk,
    [ACT_DISK_FILLS] = do_disk,
    [ACT_DISK_HAS_ROOM] = do_disk,
    [ACT_ROT] = do_disk,
    [ACT_DATE] = do_disk,
    [ACT_MAINS_LOST] = do_mains,
    [ACT_MAINS_BACK] = do_mains,
    [ACT_BATTERY_LOW] = do_mains,
    [ACT_SEAT_ON] = do_seat_power,
    [ACT_SEAT_OFF] = do_seat_power,
    [ACT_SEAT_UNPLUG] = do_seat_power,
    [ACT_SEAT_FREEZE] = do_seat_power,
    [ACT_SEAT_THAW] = do_seat_power,
    [ACT_SEAT_FUSE] = do_seat_power,
    [ACT_SEAT_WIPE] = do_seat_power,
    [ACT_JOURNAL_FAILS] = do_seat_power,
    [ACT_CUT] = do_cut,
    [ACT_HEAL] = do_cut,
    [ACT_MUTE] = do_mute,
    [ACT_WEATHER] = do_weather,
};

void acts_play(struct history *h, const struct act *a)
{
    char what[200];
    if (h->told) {
        plan_act_text(h->plan, a, what, sizeof what);
        history_tell(h, "---", "%s", what);
    }
    watch_epochs(h);
    promises_act(h, a);
    acts[a->kind](h, a);
    world_settle(h->w);
}
