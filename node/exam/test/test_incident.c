/* Incidents, which interruptions belong to them (T14), and the limit on an interruption (R4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "seats.h"

static const struct site_plan PLAN = {.batch = "B1",
                                      .room = "R1",
                                      .room_seats = 4,
                                      .sittings = 3,
                                      .first_no = 1001,
                                      .allot_ms = MS(60, 0, 0)};

struct drill {
    struct site *t;
    struct seats w;
};

static int setup(void **state)
{
    static struct drill d;

    d.t = site_new();
    site_plan_batch(d.t, &PLAN);
    seats_init(&d.w, d.t, 3, 1001);
    seats_start(&d.w, "B1");
    for (uint32_t no = 1001; no <= 1003; no++)
        seats_sign_in(&d.w, no);
    *state = &d;
    return 0;
}

static int teardown(void **state)
{
    struct drill *d = *state;

    site_expect_replicates(d->t);
    site_free(d->t);
    return 0;
}

static void expect_refused(const struct site *t, exam_err err, const char *rule, const char *says)
{
    assert_int_not_equal(err, EXAM_OK);
    assert_string_equal(t->why.rule, rule);
    if (!strstr(t->why.text, says))
        fail_msg("\"%s\" does not say \"%s\"", t->why.text, says);
}

static struct exam_incident_view incident(const struct drill *d, uint32_t no)
{
    struct exam_incident_view v;

    assert_true(no <= exam_incidents(d->t->x));
    exam_incident_view(d->t->x, no, &v);
    return v;
}

static uint32_t incident_of(const struct drill *d, uint32_t sitting, uint32_t i)
{
    struct exam_interruption_view v;

    assert_int_equal(exam_interruption_at(d->t->x, sitting, i, &v), EXAM_OK);
    return v.incident;
}

static exam_err power(struct drill *d, Ev__Power what)
{
    struct exam_command c = {.kind = EXAM_CMD_POWER};

    c.u.power.node = "A";
    c.u.power.power = what;
    return site_do(d->t, &c);
}

static exam_err incident_open(struct drill *d, const char *scope, const char *who)
{
    struct exam_command c = {.kind = EXAM_CMD_INCIDENT_OPEN};

    c.u.incident_open.kind = EV__INCIDENT_KIND__INCIDENT_KIND_SOFTWARE;
    c.u.incident_open.scope.name = scope;
    c.u.incident_open.text = "screens froze";
    c.u.incident_open.who = who;
    return site_do(d->t, &c);
}

static exam_err incident_act(struct drill *d, enum exam_command_kind kind, uint32_t no,
                             const char *text)
{
    struct exam_command c = {.kind = kind};

    c.u.incident.incident = no;
    c.u.incident.text = text;
    c.u.incident.who = "tester";
    return site_do(d->t, &c);
}

/* W4: who runs out of power is known to the standby that it hands over to, after a restart there,
 * too; no longer than its epoch or its need. */
static void test_w4__battery_low_is_known_until_another_epoch(void **state)
{
    struct drill *d = *state;

    assert_string_equal(exam_battery_low(d->t->x), "");
    assert_int_equal(power(d, EV__POWER__POWER_MAINS_LOST), EXAM_OK);
    assert_string_equal(exam_battery_low(d->t->x), "");
    assert_int_equal(power(d, EV__POWER__POWER_BATTERY_LOW), EXAM_OK);
    assert_string_equal(exam_battery_low(d->t->x), "A");
    struct site *standby = site_fork(d->t, d->t->log_n);
    exam *restarted = site_reload(standby->x);
    assert_string_equal(exam_battery_low(restarted), "A");
    exam_free(restarted);
    site_free(standby);
    assert_int_equal(power(d, EV__POWER__POWER_MAINS_BACK), EXAM_OK);
    assert_string_equal(exam_battery_low(d->t->x), "");
    assert_int_equal(power(d, EV__POWER__POWER_BATTERY_LOW), EXAM_OK);
    assert_int_equal(site_epoch(d->t, true), EXAM_OK);
    assert_string_equal(exam_battery_low(d->t->x), "");
}

/* R1: mains lost opens an incident, mains back closes it; a seat that needs longer to boot than the
 * mains to come back was lost by it, too; and telling it twice changes nothing. */
static void test_r1__mains_lost_is_an_incident(void **state)
{
    struct drill *d = *state;

    seats_go(&d->w, MS(30, 0, 0));
    assert_int_equal(power(d, EV__POWER__POWER_MAINS_BACK), EXAM_OK);
    assert_int_equal(exam_incidents(d->t->x), 0);
    assert_int_equal(power(d, EV__POWER__POWER_MAINS_LOST), EXAM_OK);
    assert_int_equal(power(d, EV__POWER__POWER_MAINS_LOST), EXAM_OK);
    assert_int_equal(exam_incidents(d->t->x), 1);
    for (uint32_t no = 1001; no <= 1003; no++)
        seats_die(&d->w, no);
    assert_int_equal(exam_incidents(d->t->x), 1); /* no fault of the room's network on top of it */
    seats_go(&d->w, MS(31, 0, 0));
    assert_int_equal(power(d, EV__POWER__POWER_BATTERY_LOW), EXAM_OK);
    assert_true(incident(d, 1).open);
    seats_go(&d->w, MS(40, 0, 0));
    assert_int_equal(power(d, EV__POWER__POWER_MAINS_BACK), EXAM_OK);
    assert_false(incident(d, 1).open);
    seats_go(&d->w, MS(42, 0, 0));
    seats_boot(&d->w, 1001);
    assert_int_equal(incident_of(d, 1, 0), 1);
    assert_int_equal(incident(d, 1).interruptions, 1);
    assert_int_equal(incident(d, 1).lost_ms, MS(12, 0, 0));
    assert_int_equal(incident(d, 1).kind, EV__INCIDENT_KIND__INCIDENT_KIND_POWER);
    assert_string_equal(incident(d, 1).who, ""); /* observed */
}

/* R2: the time without a server is an incident of its own; what is lost after it is not. */
static void test_r2__a_server_lost_is_an_incident(void **state)
{
    struct drill *d = *state;

    seats_go(&d->w, MS(10, 0, 300));
    seats_node_dies(&d->w);
    seats_go(&d->w, MS(10, 47, 0));
    seats_node_serves(&d->w, d->t, true);
    assert_int_equal(exam_incidents(d->t->x), 1);
    assert_int_equal(incident(d, 1).kind, EV__INCIDENT_KIND__INCIDENT_KIND_SERVER);
    assert_int_equal(incident(d, 1).since_ms, MS(10, 0, 0)); /* the last that was heard of it */
    assert_int_equal(incident(d, 1).closed_ms, MS(10, 47, 0));
    assert_int_equal(incident(d, 1).interruptions, 3);
    assert_int_equal(incident(d, 1).lost_ms, 3 * MS(0, 32, 0));
    assert_int_equal(incident_of(d, 1, 0), 1);
    seats_go(&d->w, MS(20, 0, 0));
    seats_die(&d->w, 1001);
    seats_go(&d->w, MS(21, 0, 0));
    seats_boot(&d->w, 1001);
    assert_int_equal(incident_of(d, 1, 1), 0);
}

/* R2: all seats of a room that were in contact are lost at once: its network. One is back: it was.
 */
static void test_r2__a_room_lost_at_once_is_an_incident(void **state)
{
    struct drill *d = *state;

    seats_go(&d->w, MS(10, 0, 0));
    seats_cut(&d->w, 1001);
    seats_go(&d->w, MS(10, 0, 900));
    seats_cut(&d->w, 1002);
    assert_int_equal(exam_incidents(d->t->x), 0); /* 1003 is still there */
    seats_go(&d->w, MS(10, 1, 500));
    seats_cut(&d->w, 1003);
    assert_int_equal(exam_incidents(d->t->x), 1);
    assert_int_equal(incident(d, 1).kind, EV__INCIDENT_KIND__INCIDENT_KIND_NETWORK);
    assert_int_equal(incident(d, 1).since_ms, MS(10, 0, 0));
    assert_string_equal(incident(d, 1).scope_name, "R1");
    seats_go(&d->w, MS(12, 0, 0));
    seats_heal(&d->w, 1002);
    assert_false(incident(d, 1).open);
    seats_go(&d->w, MS(13, 0, 0));
    seats_heal(&d->w, 1001);
    assert_int_equal(incident_of(d, 2, 0), 1);
    assert_int_equal(incident_of(d, 1, 0), 1); /* it began with it */
}

/* Seats that are lost one after another, or a room's only one, are no fault of its network. */
static void test_r2__seats_lost_one_by_one_are_not(void **state)
{
    struct drill *d = *state;

    for (uint32_t i = 0; i < 3; i++) {
        seats_go(&d->w, MS(10, 3 * i, 0));
        seats_cut(&d->w, 1001 + i);
    }
    assert_int_equal(exam_incidents(d->t->x), 0);
}

/* A person's incident: opened, noted, closed; the narrowest scope is the one that counts. */
static void test_r4__incidents_of_people(void **state)
{
    struct drill *d = *state;

    seats_go(&d->w, MS(10, 0, 0));
    expect_refused(d->t, incident_open(d, "R1", ""), "R4", "who");
    expect_refused(d->t, incident_open(d, "R7", "tester"), "R4", "R7");
    assert_int_equal(incident_open(d, "site", "tester"), EXAM_OK);
    assert_int_equal(incident_open(d, "R1-01", "tester"), EXAM_OK);
    seats_die(&d->w, 1001);
    seats_die(&d->w, 1002);
    assert_int_equal(seats_pause(&d->w, "site"), EXAM_OK);
    assert_int_equal(site_last_event(d->t)->paused->incident, 1);
    seats_go(&d->w, MS(11, 0, 0));
    assert_int_equal(seats_resume(&d->w, "site"), EXAM_OK);
    seats_boot(&d->w, 1001);
    seats_boot(&d->w, 1002);
    assert_int_equal(incident_of(d, 1, 0), 2);
    assert_int_equal(incident_of(d, 2, 0), 1);
    assert_int_equal(incident_of(d, 3, 0), 1); /* by the pause alone */
    assert_int_equal(incident_act(d, EXAM_CMD_INCIDENT_NOTE, 2, "monitor exchanged"), EXAM_OK);
    expect_refused(d->t, incident_act(d, EXAM_CMD_INCIDENT_NOTE, 2, ""), "R4", "text");
    expect_refused(d->t, incident_act(d, EXAM_CMD_INCIDENT_NOTE, 3, "x"), "R4", "no incident 3");
    assert_int_equal(incident_act(d, EXAM_CMD_INCIDENT_CLOSE, 2, ""), EXAM_OK);
    seats_go(&d->w, MS(12, 1, 0));
    expect_refused(d->t, incident_act(d, EXAM_CMD_INCIDENT_CLOSE, 2, ""), "R4", "1 min 1 s ago");
    assert_int_equal(incident(d, 2).notes, 1);
    assert_false(incident(d, 2).open);
    assert_true(incident(d, 1).open);
}

/* ---------------------------------------------------------------- the limit (R4) */

static exam_err limit_decide(struct drill *d, const char *text)
{
    struct exam_command c = {.kind = EXAM_CMD_LIMIT_DECIDE};

    c.u.limit_decide.admission_no = "1001";
    c.u.limit_decide.text = text;
    c.u.limit_decide.who = "tester";
    return site_do(d->t, &c);
}

/* An interruption that reaches the limit is put on record at that instant, asks once, decides
 * nothing, and is shown until a person has decided. */
static void test_r4__the_limit_asks_and_decides_nothing(void **state)
{
    struct drill *d = *state;
    const struct exam_options o = {.interruption_limit_ms = MS(30, 0, 0)};
    const struct exam_options none = {.interruption_limit_ms = 0};

    exam_set_options(d->t->x, &o);
    seats_go(&d->w, MS(10, 0, 0));
    seats_die(&d->w, 1001);
    seats_go(&d->w, MS(39, 59, 999));
    assert_int_equal(exam_limits_reached(d->t->x), 0);
    expect_refused(d->t, limit_decide(d, "go on"), "R4", "waits for a decision");
    seats_go(&d->w, MS(40, 0, 0));
    assert_int_equal(exam_limits_reached(d->t->x), 1);
    assert_int_equal(site_batch(d->t, 1).limits_reached, 1);
    assert_true(site_view(d->t, 1).limit_reached);
    assert_int_equal(site_view(d->t, 1).state, EXAM_SITTING_LOST);
    site_expect(d->t, 1, MS(10, 0, 0), MS(50, 0, 0), 0);
    seats_go(&d->w, MS(41, 0, 0));
    seats_boot(&d->w, 1001);
    assert_true(site_view(d->t, 1).limit_reached); /* until somebody has decided */
    expect_refused(d->t, limit_decide(d, ""), "R4", "say what");
    assert_int_equal(limit_decide(d, "goes on with credit, signed by the office"), EXAM_OK);
    assert_int_equal(exam_limits_reached(d->t->x), 0);
    seats_die(&d->w, 1001);        /* the next one asks again */
    seats_go(&d->w, MS(60, 0, 0)); /* 1002 and 1003 have ended */
    seats_go(&d->w, MS(71, 0, 0));
    assert_int_equal(exam_limits_reached(d->t->x), 1);
    exam_set_options(d->t->x, &none); /* as in the copies that it is compared with */
}

/* An interruption can be marked as the candidate's own doing, with a reason; no time changes by it.
 */
static void test_t14__own_doing(void **state)
{
    struct drill *d = *state;
    struct exam_command c = {.kind = EXAM_CMD_OWN_DOING};
    struct exam_interruption_view v;

    seats_go(&d->w, MS(10, 0, 0));
    seats_die(&d->w, 1001);
    seats_go(&d->w, MS(11, 0, 0));
    seats_boot(&d->w, 1001);
    c.u.own_doing.admission_no = "1001";
    c.u.own_doing.interruption = 2;
    c.u.own_doing.who = "tester";
    c.u.own_doing.why = "";
    expect_refused(d->t, site_do(d->t, &c), "T14", "there is no number 2");
    c.u.own_doing.interruption = 1;
    expect_refused(d->t, site_do(d->t, &c), "R4", "say why");
    c.u.own_doing.why = "pulled the plug";
    assert_int_equal(site_do(d->t, &c), EXAM_OK);
    expect_refused(d->t, site_do(d->t, &c), "T14", "already");
    assert_int_equal(exam_interruption_at(d->t->x, 1, 0, &v), EXAM_OK);
    assert_true(v.own_doing);
    assert_int_equal(v.lost_ms, MS(1, 0, 0));
    site_expect(d->t, 1, MS(10, 0, 0), MS(50, 0, 0), MS(1, 0, 0));
}

/* ---------------------------------------------------------------- the next batch (P11) */

/* Credits push the projected end into the entry of the next batch in the room. */
static void test_p11__runs_into_the_next_batch(void **state)
{
    struct drill *d = *state;
    struct site_plan p = PLAN;
    struct site_import i;

    p.batch = "B2";
    p.first_no = 2001;
    site_import_init(&i, &p);
    i.im.entry_wall_ms = 1000000 + (int64_t)MS(90, 0, 0);
    assert_int_equal(site_import_do(d->t, &i), EXAM_OK);
    site_import_fini(&i);
    seats_go(&d->w, MS(10, 0, 0));
    assert_int_equal(site_batch(d->t, 1).end_ms, MS(60, 0, 0));
    assert_int_equal(exam_batch_runs_into(d->t->x, 1, 1000000 + (int64_t)MS(60, 0, 0)), 0);
    assert_int_equal(seats_grant(&d->w, "1002", MS(31, 0, 0)), EXAM_OK);
    assert_int_equal(site_batch(d->t, 1).end_ms, MS(91, 0, 0));
    assert_int_equal(exam_batch_runs_into(d->t->x, 1, 1000000 + (int64_t)MS(91, 0, 0)), 2);
    assert_int_equal(site_batch(d->t, 2).entry_wall_ms, 1000000 + (int64_t)MS(90, 0, 0));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_w4__battery_low_is_known_until_another_epoch),
        TEST(test_r1__mains_lost_is_an_incident),
        TEST(test_r2__a_server_lost_is_an_incident),
        TEST(test_r2__a_room_lost_at_once_is_an_incident),
        TEST(test_r2__seats_lost_one_by_one_are_not),
        TEST(test_r4__incidents_of_people),
        TEST(test_r4__the_limit_asks_and_decides_nothing),
        TEST(test_t14__own_doing),
        TEST(test_p11__runs_into_the_next_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
