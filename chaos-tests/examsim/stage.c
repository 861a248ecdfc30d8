#include "stage.h"

#include <stdio.h>
#include <string.h>

#include "rep.h"

enum { READY_MS_MAX = 10000 };

const char stage_batch[] = "B1", stage_room[] = "R1", stage_hostile_name[] = "1666";
static char WHO[] = "examsim";

/* protobuf-c has no const; packing only reads. */
static char *text(const char *t)
{
    return (char *)(uintptr_t)t;
}

/* ---------------------------------------------------------------- names */

const char *stage_node_name(uint32_t node)
{
    static const char *const names[PLAN_NODES_MAX] = {"A", "B", "C"};
    return names[node];
}

const char *stage_seat_name(uint32_t seat)
{
    static const char *const names[PLAN_SEATS_MAX + 1] = {"R1-01", "R1-02", "R1-03", "R1-04",
                                                          "R1-05"};
    return names[seat];
}

const char *stage_hostile_seat(const struct plan_site *s)
{
    return stage_seat_name(s->seats_n);
}

const char *stage_candidate_name(uint32_t candidate)
{
    static const char *const names[PLAN_CANDIDATES_MAX] = {"1001", "1002", "1003"};
    return names[candidate];
}

const char *stage_item_name(uint32_t item)
{
    static const char *const names[PLAN_ITEMS_MAX] = {"q0", "q1", "q2", "q3"};
    return names[item];
}

const char *stage_scope_name(const struct plan_site *s, uint32_t scope)
{
    if (scope == PLAN_SCOPE_SITE)
        return "site";
    if (scope == PLAN_SCOPE_BATCH)
        return stage_batch;
    if (scope == PLAN_SCOPE_ROOM)
        return stage_room;
    scope -= PLAN_SCOPE_SEAT;
    return scope < s->seats_n ? stage_seat_name(scope) : stage_candidate_name(scope - s->seats_n);
}

const char *stage_place_name(uint32_t place)
{
    return place < PLAN_NODES_MAX ? stage_node_name(place)
                                  : stage_seat_name(place - PLAN_NODES_MAX);
}

/* ---------------------------------------------------------------- the import */

static exam_err send_begin(struct office *o, const struct plan_site *s, struct office_refusal *why)
{
    Admin__ImportBegin begin = ADMIN__IMPORT_BEGIN__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    begin.batch = begin.title = text(stage_batch);
    begin.allot_ms = s->allot_ms;
    begin.grace_ms = s->grace_ms;
    begin.timing = s->personal ? EV__TIMING__TIMING_PERSONAL : EV__TIMING__TIMING_COMMON;
    begin.who = WHO;
    m.kind_case = ADMIN__REQUEST__KIND_IMPORT_BEGIN;
    m.import_begin = &begin;
    return office_ask(o, &m, NULL, NULL, why);
}

static uint32_t sittings_n(const struct plan *p)
{
    return p->site.candidates_n + plan_has_hostile(p);
}

/* The one whose seat lies comes last. */
static void sitting_put(Ev__NewSitting *out, const struct plan_site *s, uint32_t i)
{
    bool hostile = i == s->candidates_n;
    static char no_paper[] = "";
    ev__new_sitting__init(out);
    out->admission_no = out->id_no = out->name =
        text(hostile ? stage_hostile_name : stage_candidate_name(i));
    out->seat = text(hostile ? stage_hostile_seat(s) : stage_seat_name(i));
    out->paper = no_paper;
}

static exam_err send_part(struct office *o, const struct plan *p, struct office_refusal *why)
{
    Ev__RoomAdded room = EV__ROOM_ADDED__INIT, *rooms[] = {&room};
    Ev__NewSitting sittings[PLAN_CANDIDATES_MAX + 1];
    Admin__ImportSitting lines[PLAN_CANDIDATES_MAX + 1], *list[PLAN_CANDIDATES_MAX + 1];
    Admin__ImportPart part = ADMIN__IMPORT_PART__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    room.room = text(stage_room);
    room.seats = p->site.seats_n + plan_has_hostile(p);
    for (uint32_t i = 0; i < sittings_n(p); i++) {
        sitting_put(&sittings[i], &p->site, i);
        admin__import_sitting__init(&lines[i]);
        lines[i].line = i + 1;
        lines[i].sitting = &sittings[i];
        list[i] = &lines[i];
    }
    part.n_rooms = 1;
    part.rooms = rooms;
    part.n_sittings = sittings_n(p);
    part.sittings = list;
    m.kind_case = ADMIN__REQUEST__KIND_IMPORT_PART;
    m.import_part = &part;
    return office_ask(o, &m, NULL, NULL, why);
}

static exam_err send_commit(struct office *o, const struct plan *p, struct office_refusal *why)
{
    Admin__ImportCommit commit = ADMIN__IMPORT_COMMIT__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    commit.rooms = 1;
    commit.sittings = sittings_n(p);
    m.kind_case = ADMIN__REQUEST__KIND_IMPORT_COMMIT;
    m.import_commit = &commit;
    return office_ask(o, &m, NULL, NULL, why);
}

exam_err stage_import(struct world *w, const struct plan *p, uint32_t node,
                      struct office_refusal *why)
{
    struct office *o = NULL;
    exam_err err = office_open(w, node, WHO, &o, why);
    if (!err)
        err = send_begin(o, &p->site, why);
    if (!err)
        err = send_part(o, p, why);
    if (!err)
        err = send_commit(o, p, why);
    office_close(o);
    return err;
}

/* ---------------------------------------------------------------- the machines */

static exam_err make_world(const struct plan *p, const struct world_watch *watch,
                           struct world **out)
{
    const char *names[PLAN_NODES_MAX];
    const struct world_options o = {.seed = p->seed,
                                    .solo_after_ms = p->site.solo_after_ms,
                                    .window_bytes = p->site.window_bytes,
                                    .seats_max = p->site.seats_n,
                                    .no_hints = p->site.no_hints,
                                    .watch = *watch};
    for (uint32_t i = 0; i < p->site.nodes_n; i++)
        names[i] = stage_node_name(i);
    exam_err err = world_new(&o, names, p->site.nodes_n, out);
    for (uint32_t i = 0; !err && i < p->site.seats_n; i++) {
        uint32_t seat;
        err = world_add_seat(*out, stage_seat_name(i), &seat);
    }
    return err;
}

static exam_err found(struct world *w, struct office_refusal *why)
{
    Admin__Found found = ADMIN__FOUND__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    found.site_name = found.who = WHO;
    m.kind_case = ADMIN__REQUEST__KIND_FOUND;
    m.found = &found;
    return office_ask_once(w, 0, WHO, &m, NULL, NULL, why);
}

static bool all_in_sync(struct world *w)
{
    const rep *r = node_rep(world_node(w, 0));
    for (size_t i = 0; i < rep_peers(r); i++) {
        struct rep_peer_status p;
        rep_peer_status(r, i, 0, &p);
        if (!p.in_sync)
            return false;
    }
    return rep_may_decide(r);
}

static exam_err wait_ready(struct world *w, struct office_refusal *why)
{
    while (!all_in_sync(w) && world_now_ms(w) < READY_MS_MAX)
        world_run(w, world_now_ms(w) + 100);
    if (all_in_sync(w))
        return EXAM_OK;
    snprintf(why->text, sizeof why->text, "the standbys do not come in sync");
    return EXAM_TIMEOUT;
}

exam_err stage_open(const struct plan *p, const struct world_watch *watch, struct world **out,
                    struct office_refusal *why)
{
    *why = (struct office_refusal){0};
    exam_err err = make_world(p, watch, out);
    for (uint32_t i = 0; !err && i < p->site.nodes_n; i++)
        err = world_boot_node(*out, i, why->text, sizeof why->text);
    if (err)
        return err;
    world_settle(*out);
    err = found(*out, why);
    if (!err)
        err = wait_ready(*out, why);
    if (!err)
        err = stage_import(*out, p, 0, why);
    for (uint32_t i = 0; !err && i < p->site.seats_n; i++)
        err = world_boot_seat(*out, i);
    if (!err)
        world_run(*out, world_now_ms(*out) + 1000);
    return err;
}
