#include "acts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* protobuf-c has no const; packing only reads. */
static char *text(const char *t)
{
    return (char *)(uintptr_t)t;
}

static char WHO[] = "drill";
static char NO_REASON[] = "as the drill says";

static char *reason(const struct drill_line *l)
{
    return l->why[0] ? text(l->why) : NO_REASON;
}

static exam_err told(struct office_refusal *why, exam_err err, const char *what)
{
    return err ? stage_refuse(why, err, what) : EXAM_OK;
}

/* ---------------------------------------------------------------- candidates */

static uint32_t seat_of(const struct stage *s, const struct drill_line *l)
{
    return s->sits_at[l->scope.at];
}

static exam_err do_sign_in(struct stage *s, const struct drill_line *l, struct office_refusal *why)
{
    const char *admission_no = s->d->sittings[l->scope.at].admission_no;
    uint32_t seat = seat_of(s, l);
    const struct sim_seat *pc = world_seat(s->w, seat);
    if (!sim_seat_is_on(pc))
        return stage_refuse(why, EXAM_STATE, "the seat's PC is off");
    if (!world_seat_is_served(s->w, seat))
        return stage_refuse(why, EXAM_NOT_PRIMARY, "no server serves that this seat can reach");
    exam_err err = world_sign_in(s->w, seat, admission_no, admission_no);
    if (err)
        return stage_refuse(why, err,
                            err == EXAM_EXISTS ? "this candidate is signed in at this seat"
                                               : "somebody else's sitting is open at this seat");
    world_settle(s->w);
    if (!pc->refused)
        return EXAM_OK;
    world_leave(s->w, seat);
    return stage_refuse(why, pc->refused, pc->refused_text);
}

static const char *why_no_answer(exam_err err)
{
    switch (err) {
    case EXAM_STATE:
        return "the seat's screen is not open";
    case EXAM_LATE:
        return "the candidate has finished";
    case EXAM_INVALID:
        return "no item and no answer look like this";
    default:
        return exam_err_text(err);
    }
}

/* An action that the seat took may still be refused by the node. */
static exam_err after_action(struct stage *s, exam_err err, struct office_refusal *why)
{
    if (err)
        return stage_refuse(why, err, why_no_answer(err));
    world_settle(s->w);
    if (s->last.code)
        *why = s->last;
    return s->last.code;
}

static bool at_seat(struct stage *s, const struct drill_line *l)
{
    const struct sim_seat *pc = world_seat(s->w, seat_of(s, l));
    return pc->core &&
           !strcmp(seat_core_admission_no(pc->core), s->d->sittings[l->scope.at].admission_no);
}

static exam_err do_answer(struct stage *s, const struct drill_line *l, struct office_refusal *why)
{
    if (!at_seat(s, l))
        return stage_refuse(why, EXAM_STATE, "the candidate is not signed in at a PC that is on");
    return after_action(s, world_answer(s->w, seat_of(s, l), l->item, l->value), why);
}

static exam_err do_submit(struct stage *s, const struct drill_line *l, struct office_refusal *why)
{
    if (!at_seat(s, l))
        return stage_refuse(why, EXAM_STATE, "the candidate is not signed in at a PC that is on");
    return after_action(s, world_submit(s->w, seat_of(s, l)), why);
}

/* ---------------------------------------------------------------- machines and paths */

static exam_err do_seat_power(struct stage *s, const struct drill_line *l,
                              struct office_refusal *why)
{
    switch (l->verb) {
    case DRILL_SEAT_BOOTS:
        return told(why, world_boot_seat(s->w, l->scope.at), "the seat's PC is on already");
    case DRILL_SEAT_DIES:
        return told(why, world_kill_seat(s->w, l->scope.at), "the seat's PC is off already");
    default:
        world_wipe_seat(s->w, l->scope.at);
        return EXAM_OK;
    }
}

static exam_err do_node_power(struct stage *s, const struct drill_line *l,
                              struct office_refusal *why)
{
    exam_err err;
    switch (l->verb) {
    case DRILL_NODE_BOOTS:
        *why = (struct office_refusal){0};
        err = world_boot_node(s->w, l->scope.at, why->text, sizeof why->text);
        return told(why, err, err == EXAM_STATE ? "the node is up already" : why->text);
    case DRILL_NODE_DIES:
        return told(why, world_kill_node(s->w, l->scope.at), "the node is down already");
    default:
        err = world_wipe_node(s->w, l->scope.at);
        return told(why, err, exam_err_text(err));
    }
}

static void path_set(struct stage *s, bool cut, struct drill_scope from, uint32_t node)
{
    uint32_t first = from.at, n = 1;
    if (from.kind == DRILL_NODE) {
        if (from.at == node)
            return;
        (cut ? world_cut_nodes : world_heal_nodes)(s->w, from.at, node);
        return;
    }
    if (from.kind == DRILL_SITE) {
        first = 0;
        n = s->d->seats_n;
    } else if (from.kind == DRILL_ROOM) {
        first = s->d->rooms[from.at].seat_first;
        n = s->d->rooms[from.at].seats;
    }
    for (uint32_t i = 0; i < n; i++)
        (cut ? world_cut_seat : world_heal_seat)(s->w, first + i, node);
}

static exam_err do_path(struct stage *s, const struct drill_line *l, struct office_refusal *why)
{
    (void)why;
    for (uint32_t i = 0; i < s->d->nodes_n; i++)
        if (l->node == DRILL_ALL || l->node == i)
            path_set(s, l->verb == DRILL_CUT, l->scope, i);
    return EXAM_OK;
}

static exam_err do_date(struct stage *s, const struct drill_line *l, struct office_refusal *why)
{
    (void)why;
    world_set_date(s->w, l->scope.at, l->by_ms);
    return EXAM_OK;
}

static exam_err do_mains(struct stage *s, const struct drill_line *l, struct office_refusal *why)
{
    exam_err err = world_power(s->w, l->scope.at,
                               l->verb == DRILL_MAINS_LOST   ? NODE_MAINS_LOST
                               : l->verb == DRILL_MAINS_BACK ? NODE_MAINS_BACK
                                                             : NODE_BATTERY_LOW);
    /* The mains may fail, and be back, while the server is off. */
    return l->verb == DRILL_BATTERY_LOW ? told(why, err, "the node is down already") : EXAM_OK;
}

/* ---------------------------------------------------------------- administrators */

static exam_err do_promote(struct stage *s, const struct drill_line *l, struct office_refusal *why)
{
    Admin__Promote promote = ADMIN__PROMOTE__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    promote.attest = l->attest;
    promote.who = WHO;
    promote.why = NO_REASON;
    m.kind_case = ADMIN__REQUEST__KIND_PROMOTE;
    m.promote = &promote;
    return office_ask_once(s->w, l->scope.at, WHO, &m, NULL, NULL, why);
}

static exam_err do_start(struct stage *s, const struct drill_line *l, struct office_refusal *why)
{
    Admin__BatchStart start = ADMIN__BATCH_START__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    start.batch = text(s->d->batches[l->scope.at].name);
    start.who = WHO;
    m.kind_case = ADMIN__REQUEST__KIND_BATCH_START;
    m.batch_start = &start;
    return stage_ask(s, &m, NULL, NULL, why);
}

static exam_err do_collect(struct stage *s, const struct drill_line *l, struct office_refusal *why)
{
    Admin__BatchCollect collect = ADMIN__BATCH_COLLECT__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    collect.batch = text(s->d->batches[l->scope.at].name);
    collect.who = WHO;
    collect.unfinished = true;
    m.kind_case = ADMIN__REQUEST__KIND_BATCH_COLLECT;
    m.batch_collect = &collect;
    return stage_ask(s, &m, NULL, NULL, why);
}

static void target_put(Admin__Target *t, const struct drill *d, struct drill_scope scope)
{
    admin__target__init(t);
    switch (scope.kind) {
    case DRILL_BATCH:
        t->kind = EV__SCOPE_KIND__SCOPE_KIND_BATCH;
        t->name = text(d->batches[scope.at].name);
        return;
    case DRILL_ROOM:
        t->kind = EV__SCOPE_KIND__SCOPE_KIND_ROOM;
        t->name = text(d->rooms[scope.at].name);
        return;
    case DRILL_SEAT:
        t->kind = EV__SCOPE_KIND__SCOPE_KIND_SEAT;
        t->name = text(d->seats[scope.at]);
        return;
    case DRILL_SITTING:
        t->kind = EV__SCOPE_KIND__SCOPE_KIND_SITTING;
        t->name = text(d->sittings[scope.at].admission_no);
        return;
    default:
        t->kind = EV__SCOPE_KIND__SCOPE_KIND_SITE;
        t->name = text("");
        return;
    }
}

static exam_err do_pause(struct stage *s, const struct drill_line *l, struct office_refusal *why)
{
    Admin__Target target;
    Admin__Pause pause = ADMIN__PAUSE__INIT;
    Admin__Resume resume = ADMIN__RESUME__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    target_put(&target, s->d, l->scope);
    if (l->verb == DRILL_PAUSE) {
        pause.target = &target;
        pause.who = WHO;
        pause.why = reason(l);
        m.kind_case = ADMIN__REQUEST__KIND_PAUSE;
        m.pause = &pause;
    } else {
        resume.target = &target;
        resume.who = WHO;
        resume.why = reason(l);
        m.kind_case = ADMIN__REQUEST__KIND_RESUME;
        m.resume = &resume;
    }
    return stage_ask(s, &m, NULL, NULL, why);
}

static exam_err do_grant(struct stage *s, const struct drill_line *l, struct office_refusal *why)
{
    Admin__Target target;
    Admin__Grant grant = ADMIN__GRANT__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    target_put(&target, s->d, l->scope);
    grant.target = &target;
    grant.ms = l->by_ms;
    grant.who = WHO;
    grant.why = reason(l);
    m.kind_case = ADMIN__REQUEST__KIND_GRANT;
    m.grant = &grant;
    return stage_ask(s, &m, NULL, NULL, why);
}

static exam_err do_move(struct stage *s, const struct drill_line *l, struct office_refusal *why)
{
    Admin__Move move = ADMIN__MOVE__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    move.admission_no = text(s->d->sittings[l->scope.at].admission_no);
    move.seat = text(s->d->seats[l->seat]);
    move.who = WHO;
    move.why = NO_REASON;
    m.kind_case = ADMIN__REQUEST__KIND_MOVE;
    m.move = &move;
    exam_err err = stage_ask(s, &m, NULL, NULL, why);
    if (err)
        return err;
    world_leave(s->w, seat_of(s, l)); /* the candidate gets up, and sits down over there */
    s->sits_at[l->scope.at] = l->seat;
    return EXAM_OK;
}

static exam_err do_violation(struct stage *s, const struct drill_line *l,
                             struct office_refusal *why)
{
    Admin__Violation violation = ADMIN__VIOLATION__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    violation.admission_no = text(s->d->sittings[l->scope.at].admission_no);
    violation.text = text(l->why);
    violation.who = WHO;
    m.kind_case = ADMIN__REQUEST__KIND_VIOLATION;
    m.violation = &violation;
    return stage_ask(s, &m, NULL, NULL, why);
}

static exam_err do_postpone(struct stage *s, const struct drill_line *l, struct office_refusal *why)
{
    Admin__Postpone postpone = ADMIN__POSTPONE__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    postpone.batch = text(s->d->batches[l->scope.at].name);
    postpone.who = WHO;
    postpone.why = NO_REASON;
    m.kind_case = ADMIN__REQUEST__KIND_POSTPONE;
    m.postpone = &postpone;
    return stage_ask(s, &m, NULL, NULL, why);
}

/* ---------------------------------------------------------------- the table */

exam_err act(struct stage *s, const struct drill_line *l, struct office_refusal *why)
{
    static exam_err (*const acts[])(struct stage *, const struct drill_line *,
                                    struct office_refusal *) = {
        [DRILL_START] = do_start,
        [DRILL_SIGN_IN] = do_sign_in,
        [DRILL_ANSWER] = do_answer,
        [DRILL_SUBMIT] = do_submit,
        [DRILL_SEAT_DIES] = do_seat_power,
        [DRILL_SEAT_BOOTS] = do_seat_power,
        [DRILL_SEAT_WIPED] = do_seat_power,
        [DRILL_NODE_DIES] = do_node_power,
        [DRILL_NODE_BOOTS] = do_node_power,
        [DRILL_NODE_WIPED] = do_node_power,
        [DRILL_CUT] = do_path,
        [DRILL_HEAL] = do_path,
        [DRILL_PROMOTE] = do_promote,
        [DRILL_PAUSE] = do_pause,
        [DRILL_RESUME] = do_pause,
        [DRILL_GRANT] = do_grant,
        [DRILL_MOVE] = do_move,
        [DRILL_MAINS_LOST] = do_mains,
        [DRILL_MAINS_BACK] = do_mains,
        [DRILL_BATTERY_LOW] = do_mains,
        [DRILL_DATE] = do_date,
        [DRILL_VIOLATION] = do_violation,
        [DRILL_POSTPONE] = do_postpone,
        [DRILL_COLLECT] = do_collect,
    };
    s->last = (struct office_refusal){0};
    exam_err err = acts[l->verb](s, l, why);
    world_settle(s->w);
    return err;
}
