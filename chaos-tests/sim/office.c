#include "office.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

struct office {
    struct world *world;
    uint32_t node;
    struct sim_end *end;
    uint32_t id;
    struct arena arena;
    uint8_t *arena_block;
    uint8_t frame[FRAME_HEADER_BYTES + FRAME_BYTES_MAX];
};

/* How one question is getting on. */
struct asking {
    void (*each)(void *ctx, const Admin__Reply *r);
    void *ctx;
    struct office_refusal *why;
    exam_err err;
    bool over;
};

static exam_err refuse(struct office_refusal *why, exam_err code, const char *text,
                       const char *rule)
{
    why->code = code;
    snprintf(why->text, sizeof why->text, "%s%s%s", text, rule[0] ? " - " : "", rule);
    return code;
}

static void take_reply(struct asking *a, const Admin__Reply *r)
{
    a->over = !r->more;
    if (r->kind_case == ADMIN__REPLY__KIND_REFUSED)
        a->err = refuse(a->why, (exam_err)r->refused->code, r->refused->text, r->refused->rule);
    else if (a->each)
        a->each(a->ctx, r);
}

static bool take_replies(struct office *o, struct asking *a)
{
    const uint8_t *payload;
    size_t bytes;
    bool any = false;
    while (!a->over && sim_end_next(o->end, &payload, &bytes)) {
        const Admin__Reply *r;
        const char *what = "";
        any = true;
        exam_err err = codec_admin_reply(&o->arena, payload, bytes, &r, &what);
        if (err) {
            a->over = true;
            a->err = refuse(a->why, err, "the node's reply cannot be read", what);
        } else if (r->id == o->id) {
            take_reply(a, r);
        }
    }
    return any;
}

exam_err office_ask(struct office *o, Admin__Request *m,
                    void (*each)(void *ctx, const Admin__Reply *r), void *ctx,
                    struct office_refusal *why)
{
    struct asking a = {.each = each, .ctx = ctx, .why = why};
    size_t bytes;
    m->id = ++o->id;
    exam_err err = codec_frame_pack(&m->base, o->frame, sizeof o->frame, &bytes);
    if (err)
        return refuse(why, err, "the request is too large for one frame", "");
    err = sim_end_send(o->end, o->frame, bytes);
    if (err)
        return refuse(why, err, "the node has hung up", "");
    do
        world_settle(o->world);
    while (take_replies(o, &a) && !a.over);
    if (!a.over && sim_end_is_over(o->end))
        return refuse(why, EXAM_CONN, "the node has hung up without an answer", "");
    if (!a.over)
        return refuse(why, EXAM_AGAIN, "the node gives no answer now: it waits for its standby",
                      "A1");
    return a.err;
}

static exam_err greet(struct office *o, const char *who, struct office_refusal *why)
{
    Admin__Hello hello = ADMIN__HELLO__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    hello.version = ADMIN_VERSION;
    hello.who = (char *)(uintptr_t)who;
    hello.client = (char *)(uintptr_t) "sim";
    m.kind_case = ADMIN__REQUEST__KIND_HELLO;
    m.hello = &hello;
    return office_ask(o, &m, NULL, NULL, why);
}

exam_err office_open(struct world *w, uint32_t node, const char *who, struct office **out,
                     struct office_refusal *why)
{
    struct office *o = calloc(1, sizeof *o);
    uint8_t *block = malloc(ARENA_BYTES_FRAME);
    if (!o || !block) {
        free(o);
        free(block);
        return refuse(why, EXAM_NOMEM, "out of memory", "");
    }
    o->world = w;
    o->node = node;
    o->arena_block = block;
    arena_init(&o->arena, block, ARENA_BYTES_FRAME);
    exam_err err = world_dial_admin(w, node, &o->end);
    if (err)
        refuse(why, err, "the node is off, or takes no more administrators", "");
    else
        err = greet(o, who, why);
    if (err) {
        office_close(o);
        return err;
    }
    *out = o;
    return EXAM_OK;
}

void office_close(struct office *o)
{
    if (!o)
        return;
    sim_end_free(o->end);
    world_settle(o->world);
    free(o->arena_block);
    free(o);
}

exam_err office_ask_once(struct world *w, uint32_t node, const char *who, Admin__Request *m,
                         void (*each)(void *ctx, const Admin__Reply *r), void *ctx,
                         struct office_refusal *why)
{
    struct office *o;
    exam_err err = office_open(w, node, who, &o, why);
    if (err)
        return err;
    err = office_ask(o, m, each, ctx, why);
    office_close(o);
    return err;
}
