#include "seats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint64_t min_ms(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void seats_init(struct seats *w, struct site *t, uint32_t n, uint32_t first_no)
{
    static char names[SEATS_MAX][16];

    memset(w, 0, sizeof *w);
    w->t = t;
    w->now_ms = t->now_ms;
    w->epoch = exam_epoch(t->x);
    w->n = n;
    w->grace_ms = 15000;
    w->heartbeat_ms = 1000;
    for (uint32_t i = 0; i < n; i++) {
        char no[16];
        snprintf(names[i], sizeof names[i], "R1-%02u", i + 1);
        snprintf(no, sizeof no, "%u", first_no + i);
        w->seat[i] = (struct test_seat){.no = first_no + i, .name = names[i], .up = true};
        assert_int_equal(exam_find_sitting(t->x, no, &w->seat[i].sitting), EXAM_OK);
    }
}

struct test_seat *seats_of(struct seats *w, uint32_t no)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->seat[i].no == no)
            return &w->seat[i];
    fail_msg("no seat of %u", no);
    return NULL;
}

/* The screen has been open so long since the mark: within grace, and until its time ran out or its
 * candidate submitted. */
static uint64_t open_ms(const struct seats *w, const struct test_seat *s)
{
    uint64_t until_ms = s->submitted ? s->submitted_ms : w->now_ms;

    if (!s->running || until_ms < s->mark_ms)
        return 0;
    return min_ms(min_ms(until_ms - s->mark_ms, w->grace_ms), s->mark_left_ms);
}

static void take_mark(struct seats *w, struct test_seat *s)
{
    struct exam_sitting_view v = site_view(w->t, s->sitting);

    if (v.finish == EV__FINISH__FINISH_TIMED_OUT && s->ended_ms == 0)
        s->ended_ms = s->running ? min_ms(s->mark_ms + s->mark_left_ms, w->now_ms) : w->now_ms;
    else if (v.state != EXAM_SITTING_FINISHED)
        s->ended_ms = 0;
    s->mark_bytes = exam_mark_make(w->t->x, s->sitting, v.account.used_ms, s->mark);
    s->marked = s->clock_continuous = true;
    s->mark_ms = w->now_ms;
    s->mark_used_ms = v.account.used_ms;
    s->mark_left_ms = v.account.left_ms;
    s->journal_open_ms = 0;
    s->running = v.state == EXAM_SITTING_ANSWERING;
    s->finished = v.state == EXAM_SITTING_FINISHED;
}

static bool in_contact(const struct seats *w, const struct test_seat *s)
{
    return w->t && s->attached && !w->waiting;
}

static void send_submit(struct seats *w, struct test_seat *s, const struct seat_action *a)
{
    struct exam_command c = {.kind = EXAM_CMD_SUBMIT};

    c.u.submit.sitting = s->sitting;
    c.u.submit.seq = s->acked + 1;
    c.u.submit.said_ms = a->made_at_ms;
    exam_err err = site_do(w->t, &c);
    assert_true(err == EXAM_OK || err == EXAM_STATE); /* time ran out before it was told */
}

static void send_action(struct seats *w, struct test_seat *s)
{
    const struct seat_action *a = &s->actions[s->acked];
    struct exam_command c = {.kind = EXAM_CMD_ANSWER};

    if (a->item[0] == '\0') {
        send_submit(w, s, a);
    } else {
        c.u.answer.sitting = s->sitting;
        c.u.answer.seq = s->acked + 1;
        c.u.answer.item = a->item;
        c.u.answer.value = (const uint8_t *)a->value;
        c.u.answer.value_bytes = strlen(a->value);
        c.u.answer.made_at_ms = c.u.answer.said_ms = a->made_at_ms;
        c.u.answer.attachment_epoch = a->epoch;
        c.u.answer.attachment_lsn = a->lsn;
        exam_err err = site_do(w->t, &c);
        assert_true(err == EXAM_OK || w->t->why.consumed);
    }
    s->acked++;
}

static void send_all(struct seats *w, struct test_seat *s)
{
    if (!in_contact(w, s))
        return;
    while (s->acked < s->actions_n)
        send_action(w, s);
    take_mark(w, s);
}

static void attached(struct seats *w, struct test_seat *s)
{
    struct exam_sitting_view v = site_view(w->t, s->sitting);

    s->attached = s->signed_in = true;
    s->attachment_epoch = v.attachment_epoch;
    s->attachment_lsn = v.attachment_lsn;
    s->attach_ms = w->now_ms;
    s->next_beat_ms = w->now_ms + w->heartbeat_ms;
    s->acked = v.seq_have;
    take_mark(w, s);
    send_all(w, s);
}

static void attach(struct seats *w, struct test_seat *s)
{
    struct exam_command c = {.kind = EXAM_CMD_ATTACH};
    uint8_t session[SESSION_BYTES];
    char no[16];
    uint64_t since_ms = w->now_ms - s->mark_ms;

    memset(session, s->session, sizeof session);
    snprintf(no, sizeof no, "%u", s->no);
    c.u.attach.seat = s->name;
    c.u.attach.admission_no = no;
    c.u.attach.session = session;
    c.u.attach.mark = s->marked ? s->mark : NULL;
    c.u.attach.mark_bytes = s->mark_bytes;
    c.u.attach.clock_continuous = s->clock_continuous;
    c.u.attach.open_ms = s->clock_continuous ? open_ms(w, s) : s->journal_open_ms;
    c.u.attach.since_ms = s->clock_continuous ? since_ms : 0;
    if (s->clock_continuous && s->running && open_ms(w, s) == s->mark_left_ms)
        s->ended_ms = s->mark_ms + s->mark_left_ms;
    if (s->clock_continuous && s->ended_ms > 0) { /* T10 */
        c.u.attach.ended = true;
        c.u.attach.ended_ago_ms = w->now_ms - s->ended_ms;
    } else if (s->submitted) {
        c.u.attach.submitted = true;
        c.u.attach.ended_ago_ms = s->clock_continuous ? w->now_ms - s->submitted_ms : 0;
    }
    size_t before = w->t->log_n;
    exam_err err = site_do(w->t, &c);
    if (err == EXAM_AUTH) { /* the node knows no such session: the candidate signs in again */
        s->marked = false;
        seats_sign_in(w, s->no);
        return;
    }
    assert_int_equal(err, EXAM_OK);
    for (size_t i = before; i < w->t->log_n; i++) {
        const Ev__Event *e = site_event(w->t, i);
        s->found |= e->kind_case == EV__EVENT__KIND_ATTACHED && e->attached->found;
    }
    attached(w, s);
}

static void come_back(struct seats *w, struct test_seat *s)
{
    if (!w->t || w->waiting || !s->up || s->cut || s->attached)
        return;
    if (s->signed_in)
        attach(w, s);
    else if (s->session > 0)
        seats_sign_in(w, s->no);
}

static void lose(struct seats *w, struct test_seat *s)
{
    if (s->attached && w->t)
        assert_int_equal(site_detach(w->t, s->sitting), EXAM_OK);
    s->attached = false;
}

static void beat(struct seats *w, struct test_seat *s)
{
    s->next_beat_ms += w->heartbeat_ms;
    if (in_contact(w, s)) {
        assert_int_equal(site_mark(w->t, s->sitting), EXAM_OK);
        take_mark(w, s);
    } else if (s->clock_continuous) { /* after a boot the screen stays locked until the attach */
        s->journal_open_ms = open_ms(w, s);
    }
}

/* The next instant at which something happens by itself. */
static uint64_t next_ms(const struct seats *w)
{
    uint64_t next = w->t && !w->waiting ? exam_next_due_ms(w->t->x) : UINT64_MAX;

    for (size_t i = 0; i < w->n; i++)
        if (w->seat[i].up && w->seat[i].signed_in)
            next = min_ms(next, w->seat[i].next_beat_ms);
    return next;
}

void seats_go(struct seats *w, uint64_t now_ms)
{
    while (next_ms(w) <= now_ms) {
        w->now_ms = next_ms(w);
        if (w->t && !w->waiting)
            site_go(w->t, w->now_ms);
        for (size_t i = 0; i < w->n; i++)
            if (w->seat[i].up && w->seat[i].signed_in && w->seat[i].next_beat_ms <= w->now_ms)
                beat(w, &w->seat[i]);
    }
    w->now_ms = now_ms;
    if (w->t && !w->waiting)
        site_go(w->t, now_ms);
}

void seats_sign_in(struct seats *w, uint32_t no)
{
    struct test_seat *s = seats_of(w, no);

    s->session++;
    s->submitted = false;
    exam_err err = site_sign_in(w->t, no, s->name, s->session);
    if (err == EXAM_STATE && site_view(w->t, s->sitting).finish) { /* too late: its time was up */
        s->finished = true;
        return;
    }
    assert_int_equal(err, EXAM_OK);
    attached(w, s);
}

static void act(struct seats *w, uint32_t no, const char *item, const char *value)
{
    struct test_seat *s = seats_of(w, no);
    struct seat_action *a = &s->actions[s->actions_n++];

    assert_true(s->actions_n <= SEAT_ACTIONS_MAX);
    s->journal_open_ms = open_ms(w, s);
    *a = (struct seat_action){.made_at_ms = s->mark_used_ms + s->journal_open_ms,
                              .epoch = s->attachment_epoch,
                              .lsn = s->attachment_lsn};
    snprintf(a->item, sizeof a->item, "%s", item);
    snprintf(a->value, sizeof a->value, "%s", value);
    send_all(w, s);
}

void seats_answer(struct seats *w, uint32_t no, const char *item, const char *value)
{
    act(w, no, item, value);
}

void seats_submit(struct seats *w, uint32_t no)
{
    struct test_seat *s = seats_of(w, no);

    s->submitted = true;
    s->submitted_ms = w->now_ms;
    act(w, no, "", "");
}

void seats_die(struct seats *w, uint32_t no)
{
    struct test_seat *s = seats_of(w, no);

    lose(w, s);
    s->up = s->clock_continuous = false;
}

void seats_wipe(struct seats *w, uint32_t no)
{
    struct test_seat *s = seats_of(w, no);

    seats_die(w, no);
    s->marked = s->signed_in = s->submitted = false;
    s->mark_bytes = 0;
    s->actions_n = s->acked = 0;
}

void seats_boot(struct seats *w, uint32_t no)
{
    struct test_seat *s = seats_of(w, no);

    s->up = true;
    while (s->next_beat_ms <= w->now_ms)
        s->next_beat_ms += w->heartbeat_ms;
    come_back(w, s);
}

void seats_cut(struct seats *w, uint32_t no)
{
    seats_of(w, no)->cut = true;
    lose(w, seats_of(w, no));
}

void seats_heal(struct seats *w, uint32_t no)
{
    seats_of(w, no)->cut = false;
    come_back(w, seats_of(w, no));
}

void seats_node_dies(struct seats *w)
{
    w->t = NULL;
    w->waiting = false;
    for (size_t i = 0; i < w->n; i++)
        w->seat[i].attached = false;
}

void seats_node_serves(struct seats *w, struct site *t, bool dark_known)
{
    w->t = t;
    t->now_ms = w->now_ms;
    for (size_t i = 0; i < w->n; i++)
        w->seat[i].attached = false;
    assert_int_equal(site_epoch_numbered(t, ++w->epoch, dark_known), EXAM_OK);
    for (size_t i = 0; i < w->n; i++)
        come_back(w, &w->seat[i]);
}

/* A start acknowledges, so marks, every attached seat. */
void seats_start(struct seats *w, const char *batch)
{
    assert_int_equal(site_start(w->t, batch), EXAM_OK);
    for (size_t i = 0; i < w->n; i++)
        if (in_contact(w, &w->seat[i])) {
            take_mark(w, &w->seat[i]);
        }
}

/* ---------------------------------------------------------------- contingencies */

static void told(struct seats *w, uint32_t sitting)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->seat[i].sitting == sitting && in_contact(w, &w->seat[i]))
            take_mark(w, &w->seat[i]);
}

/* T8: whoever is paused hears of it. */
static void tell_paused(struct seats *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (in_contact(w, &w->seat[i]) &&
            site_view(w->t, w->seat[i].sitting).state == EXAM_SITTING_PAUSED)
            take_mark(w, &w->seat[i]);
}

/* Whom the new events concern hears of it, and its mark with it. */
static exam_err tell_from(struct seats *w, size_t from, exam_err err)
{
    uint32_t sittings[SEATS_MAX];

    for (size_t at = from; at < w->t->log_n; at++) {
        const Ev__Event *e = site_event(w->t, at);
        size_t n = 0;
        const uint32_t *list = NULL;
        if (e->kind_case == EV__EVENT__KIND_MARKED) {
            n = e->marked->n_sitting;
            list = e->marked->sitting;
        } else if (e->kind_case == EV__EVENT__KIND_CREDITED) {
            n = e->credited->n_sitting;
            list = e->credited->sitting;
        } else if (e->kind_case == EV__EVENT__KIND_GRANTED) {
            n = e->granted->n_sitting;
            list = e->granted->sitting;
        } else if (e->kind_case == EV__EVENT__KIND_FINISHED) {
            n = e->finished->n_sitting;
            list = e->finished->sitting;
        }
        if (e->kind_case == EV__EVENT__KIND_PAUSED ||
            e->kind_case == EV__EVENT__KIND_BATCH_SUSPENDED)
            tell_paused(w);
        assert_true(n <= SEATS_MAX);
        if (n > 0)
            memcpy(sittings, list, n * sizeof *sittings);
        for (size_t i = 0; i < n; i++)
            told(w, sittings[i]);
    }
    return err;
}

exam_err seats_pause(struct seats *w, const char *scope)
{
    size_t from = w->t->log_n;

    return tell_from(w, from, site_pause(w->t, scope));
}

exam_err seats_resume(struct seats *w, const char *scope)
{
    size_t from = w->t->log_n;

    return tell_from(w, from, site_resume(w->t, scope));
}

exam_err seats_grant(struct seats *w, const char *scope, int64_t ms)
{
    size_t from = w->t->log_n;
    exam_err err = site_grant(w->t, scope, ms, "test");

    return tell_from(w, from, err);
}

exam_err seats_suspend(struct seats *w)
{
    size_t from = w->t->log_n;

    return tell_from(w, from, site_suspend(w->t));
}

exam_err seats_unsuspend(struct seats *w, const char *batch)
{
    size_t from = w->t->log_n;

    return tell_from(w, from, site_batch_act(w->t, EXAM_CMD_BATCH_UNSUSPEND, batch));
}

exam_err seats_postpone(struct seats *w, const char *batch)
{
    size_t from = w->t->log_n;

    return tell_from(w, from, site_batch_act(w->t, EXAM_CMD_BATCH_POSTPONE, batch));
}

exam_err seats_move(struct seats *w, uint32_t no, const char *seat)
{
    struct test_seat *s = seats_of(w, no);
    exam_err err = site_move(w->t, no, seat, true);

    if (err != EXAM_OK)
        return err;
    s->name = seat;
    s->up = true;
    s->cut = s->attached = s->signed_in = s->marked = s->running = s->clock_continuous = false;
    s->submitted = false;
    s->mark_bytes = 0;
    s->actions_n = s->acked = 0;
    return EXAM_OK;
}
