#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ZERO_MS = 60 * 1000, /* the site is up for a minute before the drill begins */
    SITTINGS_PER_PART = 50,
    ROOMS_PER_PART = 100,
};

static char WHO[] = "drill";

exam_err stage_refuse(struct office_refusal *why, exam_err code, const char *text)
{
    why->code = code;
    snprintf(why->text, sizeof why->text, "%s", text);
    return code;
}

/* ---------------------------------------------------------------- asking */

exam_err stage_ask(struct stage *s, Admin__Request *m,
                   void (*each)(void *ctx, const Admin__Reply *r), void *ctx,
                   struct office_refusal *why)
{
    uint32_t node = world_primary(s->w);
    if (node == WORLD_NONE)
        return stage_refuse(why, EXAM_NOT_PRIMARY, "no server serves");
    return office_ask_once(s->w, node, WHO, m, each, ctx, why);
}

void stage_run(struct stage *s, uint64_t at_ms)
{
    world_run(s->w, s->zero_ms + at_ms);
}

/* ---------------------------------------------------------------- watching */

static void on_seat(void *ctx, uint32_t seat, const struct seat_event *e)
{
    struct stage *s = ctx;
    if (e->kind == SEAT_EVENT_ANSWER && e->u.answer.state == SEAT_ANSWER_REFUSED) {
        s->last.code = e->u.answer.code;
        snprintf(s->last.text, sizeof s->last.text, "%s", e->u.answer.text);
    }
    if (s->trace)
        trace_seat(s->trace, world_now_ms(s->w), world_seat(s->w, seat), e);
}

static void on_node(void *ctx, uint32_t node, enum oplog_level level, const char *event,
                    const struct oplog_field *fields)
{
    struct stage *s = ctx;
    if (s->trace && s->w)
        trace_node(s->trace, world_now_ms(s->w), world_node_name(s->w, node), level, event, fields);
}

/* ---------------------------------------------------------------- machines */

static exam_err make_world(struct stage *s, struct office_refusal *why)
{
    const struct world_options o = {
        .seed = 1, /* what a drill says must be so with any chance */
        .solo_after_ms = s->d->solo_after_ms,
        .seats_max = s->d->seats_n,
        .watch = {.ctx = s, .seat = on_seat, .node = on_node},
    };
    exam_err err = world_new(&o, s->d->nodes, s->d->nodes_n, &s->w);
    for (uint32_t i = 0; !err && i < s->d->seats_n; i++) {
        uint32_t seat;
        err = world_add_seat(s->w, s->d->seats[i], &seat);
    }
    return err ? stage_refuse(why, err, exam_err_text(err)) : EXAM_OK;
}

static exam_err boot_nodes(struct stage *s, struct office_refusal *why)
{
    for (uint32_t i = 0; i < s->d->nodes_n; i++) {
        exam_err err = world_boot_node(s->w, i, why->text, sizeof why->text);
        if (err)
            return err;
    }
    world_settle(s->w);
    return EXAM_OK;
}

static exam_err found(struct stage *s, struct office_refusal *why)
{
    Admin__Found found = ADMIN__FOUND__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    char site[] = "drill site";
    found.site_name = site;
    found.who = WHO;
    m.kind_case = ADMIN__REQUEST__KIND_FOUND;
    m.found = &found;
    return office_ask_once(s->w, 0, WHO, &m, NULL, NULL, why);
}

/* ---------------------------------------------------------------- importing a batch */

struct importing {
    struct stage *s;
    struct office *o;
    uint32_t batch;
    uint32_t rooms_n, sittings_n; /* sent */
    struct office_refusal *why;
};

static exam_err import_begin(struct importing *p)
{
    const struct drill_batch *b = &p->s->d->batches[p->batch];
    Admin__ImportBegin begin = ADMIN__IMPORT_BEGIN__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    begin.batch = (char *)(uintptr_t)b->name;
    begin.title = (char *)(uintptr_t)b->name;
    begin.allot_ms = b->allot_ms;
    begin.timing = b->personal ? EV__TIMING__TIMING_PERSONAL : EV__TIMING__TIMING_COMMON;
    begin.grace_ms = b->grace_ms;
    begin.heartbeat_ms = b->heartbeat_ms;
    begin.who = WHO;
    m.kind_case = ADMIN__REQUEST__KIND_IMPORT_BEGIN;
    m.import_begin = &begin;
    return office_ask(p->o, &m, NULL, NULL, p->why);
}

static exam_err import_part(struct importing *p, Admin__ImportPart *part)
{
    Admin__Request m = ADMIN__REQUEST__INIT;
    m.kind_case = ADMIN__REQUEST__KIND_IMPORT_PART;
    m.import_part = part;
    return office_ask(p->o, &m, NULL, NULL, p->why);
}

static exam_err import_rooms(struct importing *p)
{
    const struct drill *d = p->s->d;
    exam_err err = EXAM_OK;
    while (!err && p->rooms_n < d->rooms_n) {
        Ev__RoomAdded rooms[ROOMS_PER_PART], *pointers[ROOMS_PER_PART];
        Admin__ImportPart part = ADMIN__IMPORT_PART__INIT;
        for (; part.n_rooms < ROOMS_PER_PART && p->rooms_n < d->rooms_n; p->rooms_n++) {
            Ev__RoomAdded *room = &rooms[part.n_rooms];
            ev__room_added__init(room);
            room->room = (char *)(uintptr_t)d->rooms[p->rooms_n].name;
            room->seats = d->rooms[p->rooms_n].seats;
            pointers[part.n_rooms++] = room;
        }
        part.rooms = pointers;
        err = import_part(p, &part);
    }
    return err;
}

/* What stands for a sitting in an import, with the texts that it needs. */
struct candidate {
    Admin__ImportSitting in;
    Ev__NewSitting sitting;
    char name[NAME_BYTES_MAX + 16], id_no[NAME_BYTES_MAX + 1];
};

static void candidate_id(const struct drill_sitting *s, char id_no[NAME_BYTES_MAX + 1])
{
    snprintf(id_no, NAME_BYTES_MAX + 1, "%s", s->admission_no);
}

static void candidate_put(struct candidate *c, const struct drill *d, const struct drill_sitting *s)
{
    static char no_paper[] = "";
    admin__import_sitting__init(&c->in);
    ev__new_sitting__init(&c->sitting);
    snprintf(c->name, sizeof c->name, "Candidate %s", s->admission_no);
    candidate_id(s, c->id_no);
    c->in.line = s->line;
    c->in.sitting = &c->sitting;
    c->sitting.admission_no = (char *)(uintptr_t)s->admission_no;
    c->sitting.id_no = c->id_no;
    c->sitting.name = c->name;
    c->sitting.seat = (char *)(uintptr_t)d->seats[s->seat];
    c->sitting.paper = no_paper;
    c->sitting.extra_ms = s->extra_ms;
}

static exam_err import_sittings(struct importing *p)
{
    const struct drill *d = p->s->d;
    struct candidate *list = calloc(SITTINGS_PER_PART, sizeof *list);
    Admin__ImportSitting *pointers[SITTINGS_PER_PART];
    exam_err err = list ? EXAM_OK : stage_refuse(p->why, EXAM_NOMEM, "out of memory");
    for (uint32_t i = 0; !err && i < d->sittings_n;) {
        Admin__ImportPart part = ADMIN__IMPORT_PART__INIT;
        for (; i < d->sittings_n && part.n_sittings < SITTINGS_PER_PART; i++) {
            if (d->sittings[i].batch != p->batch)
                continue;
            candidate_put(&list[part.n_sittings], d, &d->sittings[i]);
            pointers[part.n_sittings] = &list[part.n_sittings].in;
            part.n_sittings++;
        }
        part.sittings = pointers;
        p->sittings_n += (uint32_t)part.n_sittings;
        if (part.n_sittings)
            err = import_part(p, &part);
    }
    free(list);
    return err;
}

static exam_err import_commit(struct importing *p)
{
    Admin__ImportCommit commit = ADMIN__IMPORT_COMMIT__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    commit.rooms = p->rooms_n;
    commit.sittings = p->sittings_n;
    m.kind_case = ADMIN__REQUEST__KIND_IMPORT_COMMIT;
    m.import_commit = &commit;
    return office_ask(p->o, &m, NULL, NULL, p->why);
}

static exam_err import_batch(struct stage *s, uint32_t batch, struct office_refusal *why)
{
    struct importing p = {.s = s, .batch = batch, .why = why};
    exam_err err = office_open(s->w, 0, WHO, &p.o, why);
    if (err)
        return err;
    err = import_begin(&p);
    if (!err)
        err = import_rooms(&p);
    if (!err)
        err = import_sittings(&p);
    if (!err)
        err = import_commit(&p);
    office_close(p.o);
    return err;
}

/* ---------------------------------------------------------------- the whole */

/* At 0:00 all is well: the first node serves, the others are in sync with it. */
static exam_err check_ready(struct stage *s, struct office_refusal *why)
{
    char text[256];
    if (world_primary(s->w) != 0)
        return stage_refuse(why, EXAM_SYSTEM, "the first node does not serve");
    const rep *r = node_rep(world_node(s->w, 0));
    for (size_t i = 0; i < rep_peers(r); i++) {
        struct rep_peer_status p;
        rep_peer_status(r, i, 0, &p);
        if (p.in_sync)
            continue;
        snprintf(text, sizeof text, "%s is not in sync", p.node);
        return stage_refuse(why, EXAM_SYSTEM, text);
    }
    return EXAM_OK;
}

static exam_err set_up(struct stage *s, struct office_refusal *why)
{
    exam_err err = make_world(s, why);
    if (!err)
        err = boot_nodes(s, why);
    if (!err)
        err = found(s, why);
    for (uint32_t i = 0; !err && i < s->d->batches_n; i++)
        err = import_batch(s, i, why);
    for (uint32_t i = 0; !err && i < s->d->seats_n; i++)
        err = world_boot_seat(s->w, i);
    if (err)
        return err;
    world_settle(s->w);
    s->zero_ms = ZERO_MS;
    world_run(s->w, s->zero_ms - 1);
    err = check_ready(s, why);
    if (!err)
        s->zero_site_ms = node_site_ms(world_node(s->w, 0)) + 1;
    return err;
}

exam_err stage_open(struct stage *s, const struct drill *d, struct trace *trace,
                    struct office_refusal *why)
{
    *s = (struct stage){.d = d};
    *why = (struct office_refusal){0};
    s->sits_at = calloc(d->sittings_n + 1, sizeof *s->sits_at);
    if (!s->sits_at)
        return stage_refuse(why, EXAM_NOMEM, "out of memory");
    for (uint32_t i = 0; i < d->sittings_n; i++)
        s->sits_at[i] = d->sittings[i].seat;
    exam_err err = set_up(s, why);
    if (err) {
        if (!why->text[0])
            snprintf(why->text, sizeof why->text, "%s", exam_err_text(err));
        stage_close(s);
        return err;
    }
    s->trace = trace; /* what comes before 0:00 is nobody's drill */
    if (trace)
        trace_begin(trace, s->zero_ms);
    return EXAM_OK;
}

void stage_close(struct stage *s)
{
    s->trace = NULL;
    world_free(s->w);
    free(s->sits_at);
    s->w = NULL;
    s->sits_at = NULL;
}
