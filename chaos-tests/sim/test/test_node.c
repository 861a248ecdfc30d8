/* What a node makes of its cores' wishes, between its endpoints, its disk and its replication core:
 * in a whole site, with a seat (`raw`) that says at the very moment what the test wants said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec.h"
#include "rep.h"
#include "site.h"

enum { A, B, SEED = 42, GRACE_MS = 15000 };

static char FIRST[] = "1001", SECOND[] = "1002", FIRST_SEAT[] = "R1-01", SECOND_SEAT[] = "R1-02";
static char CLIENT[] = "raw", ITEM[] = "q1";
static uint8_t VALUE[] = "B";

static enum rep_role role(struct site *s, uint32_t node)
{
    return rep_role(node_rep(world_node(s->w, node)));
}

static void boot(struct site *s, uint32_t node)
{
    char why[256] = "";
    assert_int_equal(world_boot_node(s->w, node, why, sizeof why), EXAM_OK);
}

/* ---------------------------------------------------------------- the test's own seat */

struct raw {
    struct sim_end *end;
    char *seat, *admission_no;
    uint8_t session[SESSION_BYTES];
    uint64_t epoch, lsn; /* its attachment */
    uint32_t id;
    struct arena arena;
    uint8_t block[ARENA_BYTES_SEAT] __attribute__((aligned(16)));
};

static void say(struct raw *r, Seat__Request__KindCase kind, void *what)
{
    uint8_t frame[FRAME_HEADER_BYTES + SEAT_REQUEST_BYTES_MAX];
    Seat__Request m = SEAT__REQUEST__INIT;
    size_t bytes;
    m.id = ++r->id;
    m.kind_case = kind;
    m.hello = what; /* of the union's pointers any one */
    assert_int_equal(codec_frame_pack(&m.base, frame, sizeof frame, &bytes), EXAM_OK);
    assert_int_equal(sim_end_send(r->end, frame, bytes), EXAM_OK);
}

/* What has come; lives until the next call. NULL: nothing more. */
static const Seat__Reply *hear(struct raw *r)
{
    const Seat__Reply *reply;
    const uint8_t *payload;
    size_t bytes;
    if (!sim_end_next(r->end, &payload, &bytes))
        return NULL;
    assert_int_equal(codec_seat_reply(&r->arena, payload, bytes, &reply, NULL), EXAM_OK);
    return reply;
}

static void hear_notice(struct raw *r, Seat__NoticeKind kind)
{
    const Seat__Reply *reply = hear(r);
    assert_non_null(reply);
    assert_int_equal(reply->kind_case, SEAT__REPLY__KIND_NOTICE);
    assert_int_equal(reply->notice->kind, kind);
}

static void hear_attached(struct raw *r, uint64_t epoch)
{
    const Seat__Reply *reply = hear(r);
    assert_non_null(reply);
    if (reply->kind_case == SEAT__REPLY__KIND_REFUSED)
        fail_msg("refused: %s", reply->refused->text);
    assert_int_equal(reply->kind_case, SEAT__REPLY__KIND_ATTACHED);
    assert_true(reply->attached->epoch == epoch);
    r->epoch = reply->attached->attachment_epoch;
    r->lsn = reply->attached->attachment_lsn;
}

static void hear_refused(struct raw *r, exam_err code)
{
    const Seat__Reply *reply = hear(r);
    assert_non_null(reply);
    assert_int_equal(reply->kind_case, SEAT__REPLY__KIND_REFUSED);
    assert_int_equal(reply->refused->code, code);
}

static void say_attach(struct raw *r, char *admission_no, uint8_t *mark, size_t mark_bytes)
{
    Seat__Attach a = SEAT__ATTACH__INIT;
    a.admission_no = admission_no;
    a.session = (ProtobufCBinaryData){.len = SESSION_BYTES, .data = r->session};
    a.mark = (ProtobufCBinaryData){.len = mark_bytes, .data = mark};
    say(r, SEAT__REQUEST__KIND_ATTACH, &a);
}

static void say_answer(struct raw *r, uint64_t seq)
{
    Seat__Answer a = SEAT__ANSWER__INIT;
    a.seq = seq;
    a.item = ITEM;
    a.value = (ProtobufCBinaryData){.len = 1, .data = VALUE};
    a.attachment_epoch = r->epoch;
    a.attachment_lsn = r->lsn;
    say(r, SEAT__REQUEST__KIND_ANSWER, &a);
}

static void raw_hello(struct site *s, struct raw *r, uint32_t node)
{
    Seat__Hello hello = SEAT__HELLO__INIT;
    hello.version = SEAT_VERSION;
    hello.seat = r->seat;
    hello.client = CLIENT;
    arena_init(&r->arena, r->block, sizeof r->block);
    assert_int_equal(world_dial_seat(s->w, node, r->seat, &r->end), EXAM_OK);
    say(r, SEAT__REQUEST__KIND_HELLO, &hello);
    world_settle(s->w);
    const Seat__Reply *reply = hear(r);
    assert_non_null(reply);
    assert_int_equal(reply->kind_case, SEAT__REPLY__KIND_WELCOME);
}

/* In the place of the world's seat, at which it signs the candidate in. */
static void raw_open(struct site *s, struct raw *r, uint32_t node, uint32_t seat)
{
    Seat__SignIn in = SEAT__SIGN_IN__INIT;
    *r = (struct raw){.seat = seat ? SECOND_SEAT : FIRST_SEAT,
                      .admission_no = seat ? SECOND : FIRST};
    memset(r->session, (int)seat + 1, sizeof r->session);
    assert_int_equal(world_kill_seat(s->w, seat), EXAM_OK);
    raw_hello(s, r, node);
    in.admission_no = in.id_no = r->admission_no;
    in.session = (ProtobufCBinaryData){.len = SESSION_BYTES, .data = r->session};
    say(r, SEAT__REQUEST__KIND_SIGN_IN, &in);
    world_settle(s->w);
    hear_attached(r, 1);
}

static void raw_close(struct raw *r)
{
    sim_end_free(r->end);
}

/* ---------------------------------------------------------------- epochs that begin and end */

/* T5: a node that hung begins a new epoch as it finds what the seat has said meanwhile: the seat
 * attaches, hears of the epoch and attaches once more, and both are taken. Of another candidate it
 * is refused. */
static void test_node__an_attach_crosses_the_notice_of_a_new_epoch(void **state)
{
    struct site s;
    struct raw r;
    (void)state;
    site_open(&s, SEED, 1, 2);
    site_start(&s);
    raw_open(&s, &r, A, 0);
    assert_int_equal(world_freeze_node(s.w, A), EXAM_OK);
    say_attach(&r, r.admission_no, NULL, 0);
    site_run_for(&s, 2 * GRACE_MS);
    assert_int_equal(world_thaw_node(s.w, A), EXAM_OK);
    world_settle(s.w);
    hear_notice(&r, SEAT__NOTICE_KIND__NOTICE_KIND_RETIRED);
    hear_notice(&r, SEAT__NOTICE_KIND__NOTICE_KIND_SERVING);
    hear_attached(&r, 2);
    say_attach(&r, r.admission_no, NULL, 0);
    world_settle(s.w);
    hear_attached(&r, 2);
    say_attach(&r, SECOND, NULL, 0);
    world_settle(s.w);
    hear_refused(&r, EXAM_STATE);
    assert_true(site_sitting(&s, FIRST).attached);
    site_assert_sound(&s);
    raw_close(&r);
    site_close(&s);
}

/* T5, D1: what was decided before a commit that hung is promised to nobody, though it is durable:
 * the screen may have locked meanwhile. The seat learns of it when it attaches. */
static void test_node__a_commit_that_hangs_releases_nothing(void **state)
{
    struct site s;
    struct raw r;
    (void)state;
    for (uint64_t hung_ms = GRACE_MS / 3; hung_ms <= 3 * GRACE_MS; hung_ms *= 9) {
        site_open(&s, SEED, 1, 1);
        site_start(&s);
        raw_open(&s, &r, A, 0);
        site_run_for(&s, 500);
        uint64_t at_ms = world_now_ms(s.w);
        world_hang_commit(s.w, A, 1, hung_ms);
        say_answer(&r, 1);
        world_settle(s.w);
        assert_true(world_now_ms(s.w) == at_ms + hung_ms);
        if (hung_ms < GRACE_MS) { /* the control */
            const Seat__Reply *reply = hear(&r);
            assert_non_null(reply);
            assert_int_equal(reply->kind_case, SEAT__REPLY__KIND_ACK);
        } else {
            hear_notice(&r, SEAT__NOTICE_KIND__NOTICE_KIND_RETIRED);
            hear_notice(&r, SEAT__NOTICE_KIND__NOTICE_KIND_SERVING);
            assert_null(hear(&r));
            say_attach(&r, r.admission_no, NULL, 0);
            world_settle(s.w);
            hear_attached(&r, 2);
            assert_int_equal(site_sitting(&s, FIRST).seq_have, 1);
            assert_true(site_sitting(&s, FIRST).account.lost_ms >= hung_ms);
        }
        site_assert_sound(&s);
        raw_close(&r);
        site_close(&s);
    }
}

/* The mark that the site's node gives the candidate. */
static size_t mark_of(struct site *s, uint32_t node, const char *admission_no,
                      uint8_t mark[MARK_BYTES_MAX])
{
    const exam *x = node_exam(world_node(s->w, node));
    uint32_t sitting;
    assert_int_equal(exam_find_sitting(x, admission_no, &sitting), EXAM_OK);
    return exam_mark_make(x, sitting, 1000, mark);
}

/* W1, T12: B was promoted wrongly, and A hears of it by the mark that a seat brings: it refuses the
 * seat, serves no more, and follows B when they meet. */
static void test_node__a_mark_of_a_higher_epoch_ends_a_primary(void **state)
{
    struct site s;
    struct raw r;
    uint8_t mark[MARK_BYTES_MAX];
    (void)state;
    site_open(&s, SEED, 2, 1);
    site_start(&s);
    raw_open(&s, &r, A, 0);
    world_cut_nodes(s.w, A, B);
    site_run_for(&s, 2900); /* A goes on alone */
    assert_int_equal(site_promote(&s, B, true), EXAM_OK);
    assert_int_equal(role(&s, A), REP_ROLE_PRIMARY);
    assert_true(rep_may_decide(node_rep(world_node(s.w, A))));
    say_attach(&r, r.admission_no, mark, mark_of(&s, B, FIRST, mark));
    world_settle(s.w);
    hear_refused(&r, EXAM_STALE_EPOCH);
    hear_notice(&r, SEAT__NOTICE_KIND__NOTICE_KIND_RETIRED);
    assert_int_equal(role(&s, A), REP_ROLE_FENCED);
    assert_true(rep_epoch(node_rep(world_node(s.w, A))) == 2);
    assert_int_equal(world_primary(s.w), B);
    world_heal_nodes(s.w, A, B);
    site_run_for(&s, 3000);
    assert_int_equal(role(&s, A), REP_ROLE_STANDBY);
    site_assert_sound(&s);
    raw_close(&r);
    site_close(&s);
}

/* A and B serve, out of contact with each other, each in an epoch 2 of its own. */
static void become_twins(struct site *s)
{
    assert_int_equal(world_kill_node(s->w, A), EXAM_OK);
    site_run_for(s, 100);
    assert_int_equal(site_promote(s, B, true), EXAM_OK);
    world_cut_nodes(s->w, A, B);
    boot(s, A);
    site_run_for(s, 100);
    assert_int_equal(site_promote(s, A, true), EXAM_OK);
    site_run_for(s, 2900);
}

/* The seat is back at A. */
static void raw_returns(struct site *s, struct raw *r, uint64_t epoch)
{
    sim_end_free(r->end);
    raw_hello(s, r, A);
    say_attach(r, r->admission_no, NULL, 0);
    world_settle(s->w);
    hear_attached(r, epoch);
}

/* W1, A3: a seat that B has served shows A that its number was begun twice. What A has decided in
 * the same turn, and has told its replication core nothing of, is of the old epoch: it is announced
 * and durable before the next one begins, and nobody loses it. */
static void test_node__what_was_decided_goes_before_the_next_epoch(void **state)
{
    struct site s;
    struct raw answers, shows;
    uint8_t mark[MARK_BYTES_MAX];
    (void)state;
    site_open(&s, SEED, 2, 2);
    site_start(&s);
    raw_open(&s, &answers, A, 0);
    raw_open(&s, &shows, A, 1);
    become_twins(&s);
    raw_returns(&s, &answers, 2);
    raw_returns(&s, &shows, 2);
    say_answer(&answers, 1);
    say_attach(&shows, shows.admission_no, mark, mark_of(&s, B, SECOND, mark));
    world_settle(s.w);
    hear_notice(&answers, SEAT__NOTICE_KIND__NOTICE_KIND_RETIRED);
    hear_notice(&answers, SEAT__NOTICE_KIND__NOTICE_KIND_SERVING);
    assert_null(hear(&answers));
    assert_int_equal(role(&s, A), REP_ROLE_PRIMARY);
    assert_true(rep_epoch(node_rep(world_node(s.w, A))) == 3);
    world_heal_nodes(s.w, A, B);
    site_run_for(&s, 3000);
    assert_int_equal(role(&s, B), REP_ROLE_STANDBY);
    assert_int_equal(site_sitting(&s, FIRST).seq_have, 1);
    site_assert_sound(&s);
    raw_close(&answers);
    raw_close(&shows);
    site_close(&s);
}

/* ---------------------------------------------------------------- refusals (A1) */

/* An answer that says it was made under an attachment to come (A3). */
static void say_answer_to_come(struct raw *r, uint64_t seq)
{
    r->lsn++;
    say_answer(r, seq);
    r->lsn--;
}

/* The seat has not heard that its answer was refused: it attaches again, is told up to where some
 * were, and hears it when it sends the answer once more. So does a seat that was left (T11). */
static void test_node__a_refusal_that_was_lost_is_told_again(void **state)
{
    struct site s;
    struct raw r;
    (void)state;
    site_open(&s, SEED, 2, 1);
    site_start(&s);
    raw_open(&s, &r, A, 0);
    say_answer_to_come(&r, 1);
    world_settle(s.w);
    for (int left = 0; left <= 1; left++) {
        if (left) {
            assert_int_equal(world_boot_seat(s.w, 1), EXAM_OK);
            site_run_for(&s, 1000);
            assert_int_equal(site_move(&s, FIRST, SECOND_SEAT), EXAM_OK);
        }
        sim_end_free(r.end); /* with the reply in it */
        raw_hello(&s, &r, A);
        say_attach(&r, r.admission_no, NULL, 0);
        world_settle(s.w);
        const Seat__Reply *reply = hear(&r);
        assert_non_null(reply);
        assert_int_equal(reply->kind_case, SEAT__REPLY__KIND_ATTACHED);
        assert_true(reply->attached->seq_have == 1);
        assert_true(reply->attached->seq_refused == 1);
        while (hear(&r))
            ;
        say_answer_to_come(&r, 1);
        world_settle(s.w);
        hear_refused(&r, EXAM_LATE);
    }
    site_assert_sound(&s);
    raw_close(&r);
    site_close(&s);
}

/* ---------------------------------------------------------------- collection (P6) */

/* A seat at work is told in the instant of the collection, and is free as soon as all that it holds
 * is saved; an answer given in that very instant counts. */
static void test_node__a_seat_at_work_hears_of_the_collection(void **state)
{
    struct site s;
    (void)state;
    site_open(&s, SEED, 2, 1);
    site_start(&s);
    site_sign_in_all(&s);
    site_run_for(&s, 5300);
    assert_int_equal(world_answer(s.w, 0, "q1", "B"), EXAM_OK);
    assert_int_equal(site_collect(&s, false), EXAM_STATE);
    assert_int_equal(site_collect(&s, true), EXAM_OK);
    world_settle(s.w);
    const struct sim_seat *seat = world_seat(s.w, 0);
    assert_int_equal(seat_core_state(seat->core), SEAT_CONNECTED);
    assert_string_equal(seat_core_admission_no(seat->core), "");
    assert_int_equal(seat_core_unsaved_n(seat->core), 0);
    struct exam_sitting_view v = site_sitting(&s, FIRST);
    assert_int_equal(v.finish, EV__FINISH__FINISH_CLOSED);
    assert_int_equal(v.answers, 1);
    assert_true(v.account.used_ms == 5300);
    assert_true(v.account.lost_ms == 0);
    site_assert_sound(&s);
    site_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_node__an_attach_crosses_the_notice_of_a_new_epoch),
        cmocka_unit_test(test_node__a_commit_that_hangs_releases_nothing),
        cmocka_unit_test(test_node__a_mark_of_a_higher_epoch_ends_a_primary),
        cmocka_unit_test(test_node__what_was_decided_goes_before_the_next_epoch),
        cmocka_unit_test(test_node__a_refusal_that_was_lost_is_told_again),
        cmocka_unit_test(test_node__a_seat_at_work_hears_of_the_collection),
    };
    return cmocka_run_group_tests_name("node", tests, NULL, NULL);
}
