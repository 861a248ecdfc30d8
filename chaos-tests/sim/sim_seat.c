#include "sim_seat.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"

/* ---------------------------------------------------------------- the seat's clock */

static uint64_t own_ms(const struct sim_seat *s, uint64_t now_ms)
{
    assert(now_ms >= s->up_at_ms);
    return s->base_ms + (now_ms - s->up_at_ms);
}

uint64_t sim_seat_deadline_ms(const struct sim_seat *s)
{
    uint64_t at_ms = s->core && !s->frozen ? seat_core_deadline_ms(s->core) : UINT64_MAX;
    if (at_ms == UINT64_MAX)
        return UINT64_MAX;
    return at_ms > s->base_ms ? s->up_at_ms + (at_ms - s->base_ms) : 0;
}

/* ---------------------------------------------------------------- effects of the core */

static void wake(void *ctx)
{
    struct sim_seat *s = ctx;
    s->ties.ready(s->ties.ctx, s->number);
}

static void do_dial(void *ctx, uint32_t node)
{
    struct sim_seat *s = ctx;
    s->links[node].dialling = true;
    s->links[node].hung = false;
    wake(s);
}

static void do_close(void *ctx, uint32_t node)
{
    struct sim_seat *s = ctx;
    struct sim_seat_link *l = &s->links[node];
    l->dialling = l->broken = false;
    if (!l->end)
        return;
    assert(!l->ended);
    sim_end_shut(l->end);
    l->ended = l->end; /* the frame that the core is reading may lie in it */
    l->end = NULL;
    s->hung_up = s->fell = true;
}

static void do_send(void *ctx, uint32_t node, const uint8_t *frame, size_t frame_bytes)
{
    struct sim_seat *s = ctx;
    struct sim_seat_link *l = &s->links[node];
    if (!sim_fuse_pass(&s->fuse))
        return;
    if (l->end && !sim_end_send(l->end, frame, frame_bytes))
        return;
    l->broken = true;
    wake(s);
}

static exam_err do_journal(void *ctx, const struct seat_record *r, bool durable)
{
    struct sim_seat *s = ctx;
    if (!sim_fuse_pass(&s->fuse))
        return EXAM_IO;
    bool flushed = durable && sim_fuse_pass(&s->fuse);
    exam_err err = journal_mem_append(&s->journal, r, flushed);
    return !err && durable && !flushed ? EXAM_IO : err;
}

static exam_err do_fetch(void *ctx, uint64_t seq, struct seat_record *out)
{
    struct sim_seat *s = ctx;
    return journal_mem_find(&s->journal, seq, out);
}

static void do_event(void *ctx, const struct seat_event *e)
{
    struct sim_seat *s = ctx;
    if (s->fuse.blown)
        return; /* nobody sees it any more */
    switch (e->kind) {
    case SEAT_EVENT_SIGN_IN_NEEDED:
        s->asked_in = true;
        break;
    case SEAT_EVENT_SIGN_IN_REFUSED:
        s->refused = e->u.problem.code;
        snprintf(s->refused_text, sizeof s->refused_text, "%s", e->u.problem.text);
        break;
    case SEAT_EVENT_COLLECTED:
        s->collected = true;
        s->collected_keep = e->u.collected.keep;
        break;
    default:
        break;
    }
    s->ties.event(s->ties.ctx, s->number, e);
}

static const struct seat_effects effects = {.dial = do_dial,
                                            .close = do_close,
                                            .send = do_send,
                                            .journal = do_journal,
                                            .fetch = do_fetch,
                                            .event = do_event};

/* ---------------------------------------------------------------- what follows from a call */

static exam_err sign_in(struct sim_seat *s, uint64_t now_ms)
{
    uint8_t session[SESSION_BYTES];
    randombytes_buf(session, sizeof session);
    s->refused = EXAM_OK;
    return seat_core_sign_in(s->core, own_ms(s, now_ms), s->admission_no, s->id_no, session);
}

/* The journal that is collected gives way to an empty one; one that fails stays as it is. */
static void rejournal(struct sim_seat *s, uint64_t now_ms)
{
    s->collected = false;
    if (!s->collected_keep && !s->journal.failed)
        journal_mem_wipe(&s->journal);
    exam_err err = seat_core_rejournal(s->core, own_ms(s, now_ms));
    (void)err; /* a fault of the disk: a person sees it on the screen */
    if (!seat_core_admission_no(s->core)[0])
        sim_seat_leave(s); /* the candidate goes home; or has long gone, and another is here */
}

/* What could not be done while the core was calling. */
static void after(struct sim_seat *s, uint64_t now_ms)
{
    for (uint32_t i = 0; s->hung_up && i < s->nodes_n; i++) {
        sim_end_free(s->links[i].ended);
        s->links[i].ended = NULL;
    }
    s->hung_up = false;
    if (s->collected)
        rejournal(s, now_ms);
    if (s->asked_in && s->admission_no[0]) {
        s->asked_in = false;
        exam_err err = sign_in(s, now_ms);
        (void)err; /* it is under way already, or cannot be: the screen stays as it is */
    }
    s->asked_in = false;
}

static void link_gone(struct sim_seat *s, uint64_t now_ms, uint32_t node)
{
    struct sim_seat_link *l = &s->links[node];
    s->fell |= l->end != NULL;
    sim_end_free(l->end);
    l->end = NULL;
    l->broken = l->dialling = false;
    seat_core_link_closed(s->core, own_ms(s, now_ms), node);
    after(s, now_ms);
}

static void link_dial(struct sim_seat *s, uint64_t now_ms, uint32_t node)
{
    struct sim_seat_link *l = &s->links[node];
    struct sim_end *end;
    exam_err err = s->ties.dial(s->ties.ctx, s->number, node, &end);
    if (err == EXAM_AGAIN) {
        l->hung = true;
        return; /* no path: nothing comes back, not even a refusal */
    }
    l->dialling = false;
    if (err) {
        link_gone(s, now_ms, node);
        return;
    }
    l->end = end;
    l->greeting = true;
    l->said_epoch = seat_core_epoch_seen(s->core);
    seat_core_link_opened(s->core, own_ms(s, now_ms), node);
    after(s, now_ms);
}

/* The first reply on a connection: is it a welcome? */
static void look_at_greeting(struct sim_seat *s, uint32_t node, const uint8_t *payload,
                             size_t bytes)
{
    struct sim_seat_link *l = &s->links[node];
    const Seat__Reply *m;
    l->greeting = false;
    if (codec_seat_reply(s->arena, payload, bytes, &m, NULL) ||
        m->kind_case != SEAT__REPLY__KIND_WELCOME)
        return;
    const struct sim_greeting g = {.seen = l->said_epoch, .epoch = m->welcome->epoch};
    s->ties.greeted(s->ties.ctx, s->number, node, &g);
}

static void link_turn(struct sim_seat *s, uint64_t now_ms, uint32_t node)
{
    struct sim_seat_link *l = &s->links[node];
    const uint8_t *payload;
    size_t bytes;
    if (l->dialling)
        link_dial(s, now_ms, node);
    while (l->end && !l->broken && sim_end_next(l->end, &payload, &bytes)) {
        if (l->greeting)
            look_at_greeting(s, node, payload, bytes);
        seat_core_frame(s->core, own_ms(s, now_ms), node, payload, bytes);
        after(s, now_ms);
    }
    if (l->broken || (l->end && sim_end_is_over(l->end)))
        link_gone(s, now_ms, node);
}

void sim_seat_turn(struct sim_seat *s, uint64_t now_ms)
{
    if (!s->core || s->frozen)
        return;
    for (uint32_t i = 0; i < s->nodes_n; i++)
        if (s->links[i].end || s->links[i].dialling || s->links[i].broken)
            link_turn(s, now_ms, i);
}

void sim_seat_tick(struct sim_seat *s, uint64_t now_ms)
{
    if (!s->core || s->frozen)
        return;
    seat_core_tick(s->core, own_ms(s, now_ms));
    after(s, now_ms);
}

void sim_seat_hint(struct sim_seat *s, uint64_t now_ms, uint32_t node)
{
    if (!s->core || s->frozen)
        return;
    seat_core_hint(s->core, own_ms(s, now_ms), node);
    after(s, now_ms);
    if (s->links[node].dialling)
        wake(s);
}

void sim_seat_cut(struct sim_seat *s, uint64_t now_ms, uint32_t node)
{
    struct sim_seat_link *l = &s->links[node];
    if (!s->core || !l->end)
        return;
    if (!s->frozen) {
        link_gone(s, now_ms, node);
        return;
    }
    sim_end_shut(l->end); /* the process hears of it when it goes on */
    l->broken = true;
}

void sim_seat_freeze(struct sim_seat *s, bool frozen)
{
    assert(s->core);
    s->frozen = frozen;
    if (!frozen)
        wake(s);
}

/* ---------------------------------------------------------------- power and disk */

exam_err sim_seat_init(struct sim_seat *s, uint32_t number, const char *name, uint32_t nodes_n,
                       struct arena *arena, const struct sim_seat_ties *ties)
{
    if (!codec_name_ok(name) || nodes_n < 1 || nodes_n > NODES_MAX)
        return EXAM_INVALID;
    *s = (struct sim_seat){.number = number, .nodes_n = nodes_n, .arena = arena, .ties = *ties};
    snprintf(s->name, sizeof s->name, "%s", name);
    journal_mem_init(&s->journal);
    return EXAM_OK;
}

bool sim_seat_is_on(const struct sim_seat *s)
{
    return s->core != NULL;
}

static void replay(void *ctx, const struct seat_record *r)
{
    seat_core_replay(ctx, r);
}

static void make_core(struct sim_seat *s)
{
    struct seat_config c = {.seat = s->name,
                            .client = "sim",
                            .nodes_n = s->nodes_n,
                            .chance_seed = ((uint64_t)s->number << 32) + s->boots,
                            .arena = s->arena,
                            .effects = &effects,
                            .ctx = s};
    size_t bytes;
    memcpy(c.boot_id, &s->number, sizeof s->number);
    memcpy(c.boot_id + sizeof s->number, &s->boots, sizeof s->boots);
    exam_err err = seat_core_bytes(&c, &bytes);
    assert(!err);
    s->block = malloc(bytes);
    if (!s->block)
        abort();
    err = seat_core_init(s->block, bytes, &c, &s->core);
    assert(!err);
}

void sim_seat_boot(struct sim_seat *s, uint64_t now_ms)
{
    assert(!s->core);
    s->on = true;
    s->boots++;
    s->up_at_ms = now_ms;
    s->base_ms = 3000 + (uint64_t)s->number * 10007 + (uint64_t)s->boots * 50021;
    make_core(s);
    s->journal.failed = false;
    journal_mem_replay(&s->journal, replay, s->core);
    exam_err err = seat_core_start(s->core, own_ms(s, now_ms));
    if (err) {
        if (!s->fuse.blown) /* else the world sees to it */
            sim_seat_die(s, false);
        return;
    }
    if (!seat_core_admission_no(s->core)[0])
        s->asked_in = true; /* an empty disk: the screen asks who sits here */
    after(s, now_ms);
}

static uint64_t draw(struct sim_seat *s, uint64_t n)
{
    return chance_next(&s->chance) % n;
}

static void cut_journal(struct sim_seat *s)
{
    size_t bytes = 0;
    bool had = s->journal.n > s->journal.durable_n;
    if (s->tail == SIM_TAIL_KEPT)
        bytes = SIZE_MAX;
    else if (s->tail == SIM_TAIL_TORN && had)
        bytes = draw(s, journal_mem_buffered_bytes(&s->journal));
    size_t lost = journal_mem_power_cut(&s->journal, bytes);
    s->tails_n[s->tail] += had && (lost > 0) == (s->tail != SIM_TAIL_KEPT);
}

void sim_seat_die(struct sim_seat *s, bool unheard)
{
    assert(s->core);
    for (uint32_t i = 0; i < s->nodes_n; i++) {
        if (unheard)
            sim_end_unplug(s->links[i].end);
        else
            sim_end_free(s->links[i].end);
        sim_end_free(s->links[i].ended);
        s->links[i] = (struct sim_seat_link){0};
    }
    free(s->block);
    s->block = NULL;
    s->core = NULL;
    s->on = s->asked_in = s->collected = s->hung_up = s->frozen = false;
    s->fuse = (struct sim_fuse){0};
    cut_journal(s);
}

void sim_seat_wipe(struct sim_seat *s)
{
    assert(!s->core);
    journal_mem_wipe(&s->journal);
    s->journal.fail_in = 0;
}

void sim_seat_fini(struct sim_seat *s)
{
    if (s->core)
        sim_seat_die(s, false);
    journal_mem_fini(&s->journal);
}

/* ---------------------------------------------------------------- the person */

exam_err sim_seat_sign_in(struct sim_seat *s, uint64_t now_ms, const char *admission_no,
                          const char *id_no)
{
    if (!s->core || s->frozen)
        return EXAM_STATE;
    if (strlen(admission_no) > NAME_BYTES_MAX || strlen(id_no) > NAME_BYTES_MAX)
        return EXAM_INVALID;
    if (strcmp(s->admission_no, admission_no) != 0)
        sim_seat_leave(s);
    snprintf(s->admission_no, sizeof s->admission_no, "%s", admission_no);
    snprintf(s->id_no, sizeof s->id_no, "%s", id_no);
    exam_err err = sign_in(s, now_ms);
    after(s, now_ms);
    return err;
}

exam_err sim_seat_answer(struct sim_seat *s, uint64_t now_ms, const char *item, const char *value)
{
    uint64_t seq;
    if (!s->core || s->frozen)
        return EXAM_STATE;
    exam_err err = seat_core_answer(s->core, own_ms(s, now_ms), item, (const uint8_t *)value,
                                    strlen(value), &seq);
    after(s, now_ms);
    return err;
}

exam_err sim_seat_submit(struct sim_seat *s, uint64_t now_ms)
{
    uint64_t seq;
    if (!s->core || s->frozen)
        return EXAM_STATE;
    exam_err err = seat_core_submit(s->core, own_ms(s, now_ms), &seq);
    after(s, now_ms);
    return err;
}

void sim_seat_leave(struct sim_seat *s)
{
    s->admission_no[0] = s->id_no[0] = '\0';
}
