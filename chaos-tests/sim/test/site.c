#include "site.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "check_accounts.h"
#include "check_replicas.h"
#include "office.h"

enum { SPARES = 1 };

static char WHO[] = "test";
static char BATCH[] = "B1";
static char ROOM[] = "R1";

static void digest(struct site *s, const void *bytes, size_t n) /* FNV-1a */
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < n; i++)
        s->told = (s->told ^ at[i]) * UINT64_C(0x100000001b3);
}

static void digest_words(struct site *s, uint64_t who, uint64_t what)
{
    const uint64_t words[] = {world_now_ms(s->w), who, what};
    digest(s, words, sizeof words);
}

static void on_seat(void *ctx, uint32_t seat, const struct seat_event *e)
{
    struct site *s = ctx;
    s->events_n++;
    digest_words(s, seat, (uint64_t)e->kind);
}

static void ask_all(struct site *s)
{
    for (uint32_t i = 0; i < s->nodes_n; i++) {
        struct node *n = world_node(s->w, i);
        s->asked_ms = n ? node_site_ms(n) : 0;
    }
}

static void on_node(void *ctx, uint32_t node, enum oplog_level level, const char *event,
                    const struct oplog_field *fields)
{
    struct site *s = ctx;
    if (!s->w)
        return; /* the world is being made */
    digest_words(s, node, (uint64_t)level);
    digest(s, event, strlen(event));
    for (const struct oplog_field *f = fields; f->key; f++) {
        if (f->type == OPLOG_UINT)
            digest(s, &f->number, sizeof f->number);
        else
            digest(s, f->text, strlen(f->text));
    }
    if (s->is_curious)
        ask_all(s);
}

static void on_greeted(void *ctx, uint32_t seat, uint32_t node, const struct sim_greeting *g)
{
    struct site *s = ctx;
    s->greeted = *g;
    s->greeted_seat = seat;
    s->greeted_node = node;
}

static void must(exam_err err, const struct office_refusal *why)
{
    if (!err)
        return;
    fprintf(stderr, "%s: %s\n", exam_err_name(err), why->text);
    assert(!err);
}

static void make_world(struct site *s, const struct site_options *how)
{
    static const char *const nodes[] = {"A", "B", "C"};
    const struct world_options o = {
        .seed = how->seed,
        .seats_max = s->seats_n + SPARES,
        .no_hints = how->no_hints,
        .window_bytes = how->window_bytes,
        .watch = {.ctx = s, .seat = on_seat, .node = on_node, .greeted = on_greeted}};
    char name[32], why[256];
    exam_err err = world_new(&o, nodes, s->nodes_n, &s->w);
    assert(!err);
    for (uint32_t i = 0; i < s->seats_n + SPARES; i++) {
        uint32_t seat;
        snprintf(name, sizeof name, "%s-%02u", ROOM, i + 1);
        err = world_add_seat(s->w, name, &seat);
        assert(!err);
    }
    for (uint32_t i = 0; i < s->nodes_n; i++) {
        err = world_boot_node(s->w, i, why, sizeof why);
        assert(!err);
    }
    world_settle(s->w);
}

void site_found(struct site *s, uint32_t node)
{
    struct office_refusal why = {0};
    Admin__Found found = ADMIN__FOUND__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    found.site_name = WHO;
    found.who = WHO;
    m.kind_case = ADMIN__REQUEST__KIND_FOUND;
    m.found = &found;
    must(office_ask_once(s->w, node, WHO, &m, NULL, NULL, &why), &why);
}

static void send_begin(struct office *o, uint64_t grace_ms)
{
    struct office_refusal why = {0};
    Admin__ImportBegin begin = ADMIN__IMPORT_BEGIN__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    begin.batch = begin.title = BATCH;
    begin.allot_ms = 3600000;
    begin.grace_ms = grace_ms;
    begin.who = WHO;
    m.kind_case = ADMIN__REQUEST__KIND_IMPORT_BEGIN;
    m.import_begin = &begin;
    must(office_ask(o, &m, NULL, NULL, &why), &why);
}

static void send_part(struct office *o, Admin__ImportPart *part)
{
    struct office_refusal why = {0};
    Admin__Request m = ADMIN__REQUEST__INIT;
    m.kind_case = ADMIN__REQUEST__KIND_IMPORT_PART;
    m.import_part = part;
    must(office_ask(o, &m, NULL, NULL, &why), &why);
}

static void send_room(const struct site *s, struct office *o)
{
    Ev__RoomAdded room = EV__ROOM_ADDED__INIT, *rooms[] = {&room};
    Admin__ImportPart part = ADMIN__IMPORT_PART__INIT;
    room.room = ROOM;
    room.seats = s->seats_n + SPARES;
    part.n_rooms = 1;
    part.rooms = rooms;
    send_part(o, &part);
}

static void send_sitting(struct office *o, uint32_t i)
{
    char no[16], seat[32], no_paper[] = "";
    Ev__NewSitting sitting = EV__NEW_SITTING__INIT;
    Admin__ImportSitting in = ADMIN__IMPORT_SITTING__INIT, *list[] = {&in};
    Admin__ImportPart part = ADMIN__IMPORT_PART__INIT;
    snprintf(no, sizeof no, "%u", 1001 + i);
    snprintf(seat, sizeof seat, "%s-%02u", ROOM, i + 1);
    sitting.admission_no = sitting.id_no = sitting.name = no;
    sitting.seat = seat;
    sitting.paper = no_paper;
    in.line = i + 1;
    in.sitting = &sitting;
    part.n_sittings = 1;
    part.sittings = list;
    send_part(o, &part);
}

void site_import(struct site *s, uint32_t node, uint64_t grace_ms)
{
    struct office *o = NULL;
    struct office_refusal why = {0};
    Admin__ImportCommit commit = ADMIN__IMPORT_COMMIT__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    must(office_open(s->w, node, WHO, &o, &why), &why);
    send_begin(o, grace_ms);
    send_room(s, o);
    for (uint32_t i = 0; i < s->seats_n; i++)
        send_sitting(o, i);
    commit.rooms = 1;
    commit.sittings = s->seats_n;
    m.kind_case = ADMIN__REQUEST__KIND_IMPORT_COMMIT;
    m.import_commit = &commit;
    must(office_ask(o, &m, NULL, NULL, &why), &why);
    office_close(o);
}

void site_open_as(struct site *s, const struct site_options *how)
{
    *s = (struct site){.nodes_n = how->nodes_n, .seats_n = how->seats_n};
    make_world(s, how);
    site_found(s, 0);
    if (how->import_alone) {
        enum { SOLO_MS = 6000 };
        site_run_for(s, SOLO_MS);
        for (uint32_t i = 1; i < s->nodes_n; i++)
            world_cut_nodes(s->w, 0, i);
        site_run_for(s, SOLO_MS);
    }
    site_import(s, 0, how->grace_ms);
    for (uint32_t i = 0; i < s->seats_n; i++) {
        exam_err err = world_boot_seat(s->w, i);
        assert(!err);
    }
    world_run(s->w, 10000);
}

void site_open(struct site *s, uint64_t seed, uint32_t nodes_n, uint32_t seats_n)
{
    site_open_as(s, &(struct site_options){.seed = seed, .nodes_n = nodes_n, .seats_n = seats_n});
}

void site_open_unhinted(struct site *s, uint64_t seed, uint32_t nodes_n, uint32_t seats_n)
{
    site_open_as(s, &(struct site_options){
                        .seed = seed, .nodes_n = nodes_n, .seats_n = seats_n, .no_hints = true});
}

void site_close(struct site *s)
{
    world_free(s->w);
    s->w = NULL;
}

void site_run_for(struct site *s, uint64_t ms)
{
    world_run(s->w, world_now_ms(s->w) + ms);
}

void site_assert_sound(struct site *s)
{
    char what[256] = "";
    bool sound = check_replicas(s->w, NULL, what, sizeof what);
    for (uint32_t i = 0; i < s->nodes_n && sound; i++) {
        struct node *n = world_node(s->w, i);
        sound = !n || check_accounts(node_exam(n), node_site_ms(n), what, sizeof what);
    }
    if (!sound)
        fprintf(stderr, "%s\n", what);
    assert(sound);
}

void site_start(struct site *s)
{
    struct office_refusal why = {0};
    Admin__BatchStart start = ADMIN__BATCH_START__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    start.batch = BATCH;
    start.who = WHO;
    m.kind_case = ADMIN__REQUEST__KIND_BATCH_START;
    m.batch_start = &start;
    must(office_ask_once(s->w, world_primary(s->w), WHO, &m, NULL, NULL, &why), &why);
}

void site_sign_in_all(struct site *s)
{
    char no[16];
    for (uint32_t i = 0; i < s->seats_n; i++) {
        snprintf(no, sizeof no, "%u", 1001 + i);
        exam_err err = world_sign_in(s->w, i, no, no);
        assert(!err);
    }
    world_settle(s->w);
}

exam_err site_promote(struct site *s, uint32_t node, bool attest)
{
    struct office_refusal why = {0};
    Admin__Promote promote = ADMIN__PROMOTE__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    promote.attest = attest;
    promote.who = promote.why = WHO;
    m.kind_case = ADMIN__REQUEST__KIND_PROMOTE;
    m.promote = &promote;
    return office_ask_once(s->w, node, WHO, &m, NULL, NULL, &why);
}

static exam_err ask_primary(struct site *s, Admin__Request *m)
{
    struct office_refusal why = {0};
    uint32_t node = world_primary(s->w);
    return node == WORLD_NONE ? EXAM_NOT_PRIMARY
                              : office_ask_once(s->w, node, WHO, m, NULL, NULL, &why);
}

exam_err site_pause(struct site *s, const char *name, bool resume)
{
    Admin__Target target = ADMIN__TARGET__INIT;
    Admin__Pause pause = ADMIN__PAUSE__INIT;
    Admin__Resume again = ADMIN__RESUME__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    target.name = (char *)(uintptr_t)name;
    pause.target = again.target = &target;
    pause.who = pause.why = again.who = again.why = WHO;
    m.kind_case = resume ? ADMIN__REQUEST__KIND_RESUME : ADMIN__REQUEST__KIND_PAUSE;
    if (resume)
        m.resume = &again;
    else
        m.pause = &pause;
    return ask_primary(s, &m);
}

exam_err site_grant(struct site *s, const char *name, int64_t ms)
{
    Admin__Target target = ADMIN__TARGET__INIT;
    Admin__Grant grant = ADMIN__GRANT__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    target.name = (char *)(uintptr_t)name;
    grant.target = &target;
    grant.ms = ms;
    grant.who = grant.why = WHO;
    m.kind_case = ADMIN__REQUEST__KIND_GRANT;
    m.grant = &grant;
    return ask_primary(s, &m);
}

exam_err site_move(struct site *s, const char *admission_no, const char *seat)
{
    Admin__Move move = ADMIN__MOVE__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    move.admission_no = (char *)(uintptr_t)admission_no;
    move.seat = (char *)(uintptr_t)seat;
    move.who = move.why = WHO;
    m.kind_case = ADMIN__REQUEST__KIND_MOVE;
    m.move = &move;
    return ask_primary(s, &m);
}

exam_err site_collect(struct site *s, bool unfinished)
{
    Admin__BatchCollect collect = ADMIN__BATCH_COLLECT__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    collect.batch = BATCH;
    collect.who = WHO;
    collect.unfinished = unfinished;
    m.kind_case = ADMIN__REQUEST__KIND_BATCH_COLLECT;
    m.batch_collect = &collect;
    return ask_primary(s, &m);
}

struct exam_sitting_view site_sitting(struct site *s, const char *admission_no)
{
    struct exam_sitting_view v;
    uint32_t sitting;
    struct node *n = world_node(s->w, world_primary(s->w));
    exam_err err = exam_find_sitting(node_exam(n), admission_no, &sitting);
    assert(!err);
    exam_sitting_view(node_exam(n), sitting, node_site_ms(n), &v);
    return v;
}
