/* Who may ask for what (R4, P2): every request against every role, and rooms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "admin_rights.h"
#include "site.h"

static const struct site_plan PLANS[] = {
    {.batch = "B1",
     .room = "R1",
     .room_seats = 4,
     .sittings = 2,
     .first_no = 1001,
     .allot_ms = MS(60, 0, 0)},
    {.batch = "B2",
     .room = "R2",
     .room_seats = 4,
     .sittings = 2,
     .first_no = 2001,
     .allot_ms = MS(60, 0, 0)},
};

static struct exam_refusal why;

static int setup(void **state)
{
    struct site *t = site_new();

    site_plan_batch(t, &PLANS[0]);
    site_plan_batch(t, &PLANS[1]);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    site_free(*state);
    return 0;
}

static struct key_entry person(enum key_role role)
{
    struct key_entry e = {.name = "li", .kind = KEY_PERSON, .role = role};

    if (role == KEY_ROLE_INVIGILATOR) {
        strcpy(e.rooms[0], "R1");
        e.rooms_n = 1;
    }
    return e;
}

static exam_err ask(const struct site *t, enum key_role role, const Admin__Request *m)
{
    const struct key_entry e = person(role);

    why = (struct exam_refusal){.code = EXAM_OK, .rule = ""};
    exam_err err = admin_rights_check(&e, m, t->x, &why);
    assert_true(err == EXAM_OK || (err == EXAM_REFUSED && why.code == err && why.text[0] != '\0'));
    return err;
}

/* One request of each kind, about room R1 or who sits there. */
static struct {
    Admin__Target target;
    Admin__Pause pause;
    Admin__Resume resume;
    Admin__Grant grant;
    Admin__Move move;
    Admin__Violation violation;
    Admin__IncidentOpen incident_open;
    Admin__IncidentNote incident_note;
    Admin__IncidentClose incident_close;
    Admin__OwnDoing own_doing;
    Admin__SittingShow sitting_show;
    Admin__Receipt receipt;
    Admin__Results results;
    Admin__Seats seats;
} made;

static char in_r1[] = "R1", no_1001[] = "1001", seat_r1[] = "R1-03";

static Admin__Request request_of(Admin__Request__KindCase kind)
{
    Admin__Request m = ADMIN__REQUEST__INIT;

    admin__target__init(&made.target);
    made.target.kind = EV__SCOPE_KIND__SCOPE_KIND_ROOM;
    made.target.name = in_r1;
    admin__pause__init(&made.pause);
    admin__resume__init(&made.resume);
    admin__grant__init(&made.grant);
    admin__incident_open__init(&made.incident_open);
    made.pause.target = made.resume.target = made.grant.target = made.incident_open.target =
        &made.target;
    admin__move__init(&made.move);
    made.move.admission_no = no_1001;
    made.move.seat = seat_r1;
    admin__violation__init(&made.violation);
    made.violation.admission_no = no_1001;
    admin__incident_note__init(&made.incident_note);
    admin__incident_close__init(&made.incident_close);
    made.incident_note.incident = made.incident_close.incident = 99; /* there is none */
    admin__own_doing__init(&made.own_doing);
    made.own_doing.admission_no = no_1001;
    admin__sitting_show__init(&made.sitting_show);
    made.sitting_show.admission_no = no_1001;
    admin__receipt__init(&made.receipt);
    made.receipt.admission_no = no_1001;
    admin__results__init(&made.results);
    admin__seats__init(&made.seats);
    made.seats.room = in_r1;
    m.kind_case = kind;
    switch (kind) {
    case ADMIN__REQUEST__KIND_RESULTS:
        m.results = &made.results;
        break;
    case ADMIN__REQUEST__KIND_SEATS:
        m.seats = &made.seats;
        break;
    case ADMIN__REQUEST__KIND_PAUSE:
        m.pause = &made.pause;
        break;
    case ADMIN__REQUEST__KIND_RESUME:
        m.resume = &made.resume;
        break;
    case ADMIN__REQUEST__KIND_GRANT:
        m.grant = &made.grant;
        break;
    case ADMIN__REQUEST__KIND_MOVE:
        m.move = &made.move;
        break;
    case ADMIN__REQUEST__KIND_VIOLATION:
        m.violation = &made.violation;
        break;
    case ADMIN__REQUEST__KIND_INCIDENT_OPEN:
        m.incident_open = &made.incident_open;
        break;
    case ADMIN__REQUEST__KIND_INCIDENT_NOTE:
        m.incident_note = &made.incident_note;
        break;
    case ADMIN__REQUEST__KIND_INCIDENT_CLOSE:
        m.incident_close = &made.incident_close;
        break;
    case ADMIN__REQUEST__KIND_OWN_DOING:
        m.own_doing = &made.own_doing;
        break;
    case ADMIN__REQUEST__KIND_SITTING_SHOW:
        m.sitting_show = &made.sitting_show;
        break;
    case ADMIN__REQUEST__KIND_RECEIPT:
        m.receipt = &made.receipt;
        break;
    default: /* nothing else is looked into */
        break;
    }
    return m;
}

/* The whole table, by hand: who may, in the order administrator, invigilator, reviewer, office; and
 * whether it is an act, which is signed. */
static void test_admin_rights__are_what_they_are_said_to_be(void **state)
{
    static const struct {
        Admin__Request__KindCase kind;
        const char *may;
        bool act;
    } table[] = {
        {ADMIN__REQUEST__KIND_STATUS, "airo", false},
        {ADMIN__REQUEST__KIND_BATCH_STATUS, "airo", false},
        {ADMIN__REQUEST__KIND_INCIDENTS, "airo", false},
        {ADMIN__REQUEST__KIND_SEATS, "airo", false},
        {ADMIN__REQUEST__KIND_SITTING_SHOW, "airo", false},
        {ADMIN__REQUEST__KIND_RECEIPT, "airo", false},
        {ADMIN__REQUEST__KIND_PROPOSALS, "a-ro", false},
        {ADMIN__REQUEST__KIND_RESULTS, "a-ro", false},
        {ADMIN__REQUEST__KIND_FOUND, "a---", true},
        {ADMIN__REQUEST__KIND_PROMOTE, "a---", true},
        {ADMIN__REQUEST__KIND_UNLOCK, "a---", true},
        {ADMIN__REQUEST__KIND_IMPORT_BEGIN, "a--o", false},
        {ADMIN__REQUEST__KIND_IMPORT_PART, "a--o", false},
        {ADMIN__REQUEST__KIND_IMPORT_COMMIT, "a--o", true},
        {ADMIN__REQUEST__KIND_BATCH_START, "a---", true},
        {ADMIN__REQUEST__KIND_BATCH_COLLECT, "a---", true},
        {ADMIN__REQUEST__KIND_PAUSE, "ai--", true},
        {ADMIN__REQUEST__KIND_RESUME, "ai--", true},
        {ADMIN__REQUEST__KIND_GRANT, "a--o", true},
        {ADMIN__REQUEST__KIND_MOVE, "ai--", true},
        {ADMIN__REQUEST__KIND_VIOLATION, "ai-o", true},
        {ADMIN__REQUEST__KIND_POSTPONE, "a--o", true},
        {ADMIN__REQUEST__KIND_SUSPENDED_DECISION, "a--o", true},
        {ADMIN__REQUEST__KIND_INCIDENT_OPEN, "ai-o", true},
        {ADMIN__REQUEST__KIND_INCIDENT_CLOSE, "ai-o", true},
        {ADMIN__REQUEST__KIND_INCIDENT_NOTE, "ai-o", true},
        {ADMIN__REQUEST__KIND_LIMIT_DECIDE, "a--o", true},
        {ADMIN__REQUEST__KIND_OWN_DOING, "ai-o", true},
        {ADMIN__REQUEST__KIND_CONFIRM, "a--o", true},
        {(Admin__Request__KindCase)999, "a---", true}, /* of a later version */
    };
    const struct site *t = *state;
    size_t told = sizeof table / sizeof table[0], kinds = 0;

    for (size_t i = 0; i < told; i++) {
        const Admin__Request m = request_of(table[i].kind);
        for (int role = KEY_ROLE_ADMINISTRATOR; role <= KEY_ROLE_OFFICE; role++)
            if ((ask(t, (enum key_role)role, &m) == EXAM_OK) !=
                (table[i].may[role - KEY_ROLE_ADMINISTRATOR] != '-'))
                fail_msg("request %d of %s: %s", (int)table[i].kind,
                         key_role_name((enum key_role)role), why.text);
        assert_int_equal(admin_rights_is_act(&m), table[i].act);
        assert_true(admin_rights_name(&m)[0] != '\0');
    }
    for (unsigned i = 0; i < admin__request__descriptor.n_fields; i++)
        kinds += admin__request__descriptor.fields[i].type == PROTOBUF_C_TYPE_MESSAGE;
    /* but Hello, which comes before there is a person; and with the one that is none */
    assert_int_equal(told, kinds - 1 + 1);
}

/* The refusal says whose it is. */
static void test_admin_rights__say_who_may(void **state)
{
    const struct site *t = *state;
    Admin__Request m = request_of(ADMIN__REQUEST__KIND_GRANT);

    assert_int_equal(ask(t, KEY_ROLE_REVIEWER, &m), EXAM_REFUSED);
    assert_string_equal(why.rule, "R4");
    assert_non_null(strstr(why.text, "a grant of time is for an administrator or the exam office"));
    assert_non_null(strstr(why.text, "the key of li has the role reviewer"));
    m = request_of(ADMIN__REQUEST__KIND_VIOLATION);
    assert_int_equal(ask(t, KEY_ROLE_REVIEWER, &m), EXAM_REFUSED);
    assert_non_null(strstr(why.text, "for an administrator, an invigilator of that room or the "
                                     "exam office"));
    m = request_of(ADMIN__REQUEST__KIND_FOUND);
    assert_int_equal(ask(t, KEY_ROLE_NONE, &m), EXAM_REFUSED);
}

/* Whoever reviews needs no ID numbers: they are for a batch that is sat again. */
static void test_admin_rights__give_reviewers_no_id_numbers(void **state)
{
    const struct site *t = *state;
    const Admin__Request m = request_of(ADMIN__REQUEST__KIND_RESULTS);

    made.results.id_no = true;
    assert_int_equal(ask(t, KEY_ROLE_REVIEWER, &m), EXAM_REFUSED);
    assert_non_null(strstr(why.text, "ID numbers is for an administrator or the exam office"));
    assert_int_equal(ask(t, KEY_ROLE_OFFICE, &m), EXAM_OK);
    assert_int_equal(ask(t, KEY_ROLE_ADMINISTRATOR, &m), EXAM_OK);
}

/* An invigilator's target, however it is named. */
static void test_admin_rights__keep_invigilators_in_their_rooms(void **state)
{
    static const struct {
        Ev__ScopeKind kind;
        const char *name;
        bool may;
    } targets[] = {
        {EV__SCOPE_KIND__SCOPE_KIND_ROOM, "R1", true},
        {EV__SCOPE_KIND__SCOPE_KIND_ROOM, "R2", false},
        {EV__SCOPE_KIND__SCOPE_KIND_ROOM, "R9", false}, /* nor one that is not there */
        {EV__SCOPE_KIND__SCOPE_KIND_SEAT, "R1-04", true},
        {EV__SCOPE_KIND__SCOPE_KIND_SEAT, "R2-04", false},
        {EV__SCOPE_KIND__SCOPE_KIND_SITTING, "1001", true},
        {EV__SCOPE_KIND__SCOPE_KIND_SITTING, "2001", false},
        {EV__SCOPE_KIND__SCOPE_KIND_BATCH, "B1", false}, /* all of it is theirs, today */
        {EV__SCOPE_KIND__SCOPE_KIND_SITE, "", false},
        {EV__SCOPE_KIND__SCOPE_KIND_UNKNOWN, "R1", true},
        {EV__SCOPE_KIND__SCOPE_KIND_UNKNOWN, "R2", false},
        {EV__SCOPE_KIND__SCOPE_KIND_UNKNOWN, "R1-01", true},
        {EV__SCOPE_KIND__SCOPE_KIND_UNKNOWN, "R2-01", false},
        {EV__SCOPE_KIND__SCOPE_KIND_UNKNOWN, "1002", true},
        {EV__SCOPE_KIND__SCOPE_KIND_UNKNOWN, "2002", false},
        {EV__SCOPE_KIND__SCOPE_KIND_UNKNOWN, "B1", false},
        {EV__SCOPE_KIND__SCOPE_KIND_UNKNOWN, "site", false},
        {EV__SCOPE_KIND__SCOPE_KIND_UNKNOWN, "", false},
        {EV__SCOPE_KIND__SCOPE_KIND_UNKNOWN, "nobody", true}, /* the core knows nobody either */
    };
    static const Admin__Request__KindCase kinds[] = {ADMIN__REQUEST__KIND_PAUSE,
                                                     ADMIN__REQUEST__KIND_RESUME,
                                                     ADMIN__REQUEST__KIND_INCIDENT_OPEN};
    const struct site *t = *state;
    char name[32];

    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
            const Admin__Request m = request_of(kinds[k]);
            strcpy(name, targets[i].name);
            made.target.kind = targets[i].kind;
            made.target.name = name;
            if ((ask(t, KEY_ROLE_INVIGILATOR, &m) == EXAM_OK) != targets[i].may)
                fail_msg("target %zu (%s): %s", i, targets[i].name, why.text);
            if (!targets[i].may)
                assert_non_null(strstr(why.text, "li is an invigilator of R1, and decides"));
            assert_int_equal(ask(t, KEY_ROLE_ADMINISTRATOR, &m), EXAM_OK);
        }
}

/* Candidates and seats of other rooms, in every act that names one. */
static void test_admin_rights__keep_candidates_to_their_rooms(void **state)
{
    const struct site *t = *state;
    char no_2001[] = "2001", seat_r2[] = "R2-03", nobody[] = "4711";
    Admin__Request m = request_of(ADMIN__REQUEST__KIND_MOVE);

    assert_int_equal(ask(t, KEY_ROLE_INVIGILATOR, &m), EXAM_OK);
    made.move.seat = seat_r2;
    assert_int_equal(ask(t, KEY_ROLE_INVIGILATOR, &m), EXAM_REFUSED);
    made.move.seat = seat_r1;
    made.move.admission_no = no_2001;
    assert_int_equal(ask(t, KEY_ROLE_INVIGILATOR, &m), EXAM_REFUSED);
    assert_int_equal(ask(t, KEY_ROLE_ADMINISTRATOR, &m), EXAM_OK);
    m = request_of(ADMIN__REQUEST__KIND_VIOLATION);
    made.violation.admission_no = no_2001;
    assert_int_equal(ask(t, KEY_ROLE_INVIGILATOR, &m), EXAM_REFUSED);
    made.violation.admission_no = nobody; /* the core says that there is none */
    assert_int_equal(ask(t, KEY_ROLE_INVIGILATOR, &m), EXAM_OK);
    m = request_of(ADMIN__REQUEST__KIND_OWN_DOING);
    made.own_doing.admission_no = no_2001;
    assert_int_equal(ask(t, KEY_ROLE_INVIGILATOR, &m), EXAM_REFUSED);
    m = request_of(ADMIN__REQUEST__KIND_SITTING_SHOW);
    made.sitting_show.admission_no = no_2001;
    assert_int_equal(ask(t, KEY_ROLE_INVIGILATOR, &m), EXAM_REFUSED);
    assert_non_null(strstr(why.text, "is shown nothing of candidate 2001"));
    assert_int_equal(ask(t, KEY_ROLE_REVIEWER, &m), EXAM_OK);
    m = request_of(ADMIN__REQUEST__KIND_RECEIPT);
    made.receipt.admission_no = no_2001;
    assert_int_equal(ask(t, KEY_ROLE_INVIGILATOR, &m), EXAM_REFUSED);
}

/* Seats are asked for by room, or all: then only theirs are shown. */
static void test_admin_rights__keep_seats_to_their_rooms(void **state)
{
    const struct key_entry li = person(KEY_ROLE_INVIGILATOR), kai = person(KEY_ROLE_REVIEWER);
    const struct site *t = *state;
    Admin__Request m = request_of(ADMIN__REQUEST__KIND_SEATS);
    char in_r2[] = "R2", all[] = "";

    made.seats.room = in_r2;
    assert_int_equal(ask(t, KEY_ROLE_INVIGILATOR, &m), EXAM_REFUSED);
    assert_non_null(
        strstr(why.text, "li is an invigilator of R1, and is shown nothing of room R2"));
    assert_int_equal(ask(t, KEY_ROLE_REVIEWER, &m), EXAM_OK);
    made.seats.room = all;
    assert_int_equal(ask(t, KEY_ROLE_INVIGILATOR, &m), EXAM_OK);
    assert_true(admin_rights_sees_room(&li, "R1"));
    assert_false(admin_rights_sees_room(&li, "R2"));
    assert_true(admin_rights_sees_room(&kai, "R2"));
    assert_true(admin_rights_sees_room(NULL, "R2")); /* without keys */
}

static void open_incident(struct site *t, Ev__ScopeKind kind, const char *name)
{
    struct exam_command c = {.kind = EXAM_CMD_INCIDENT_OPEN};

    c.u.incident_open.kind = EV__INCIDENT_KIND__INCIDENT_KIND_OTHER;
    c.u.incident_open.scope = (struct exam_scope){.kind = kind, .name = name};
    c.u.incident_open.text = "noise";
    c.u.incident_open.who = "wang";
    assert_int_equal(site_do(t, &c), EXAM_OK);
}

/* An incident is of the room that it was opened for. One of the site, or of a batch that sits in
 * their rooms, they see, and do not decide. A refusal does not tell whom it was about. */
static void test_admin_rights__keep_incidents_to_their_rooms(void **state)
{
    static const bool may[] = {true, false, true, false, false, true, false, false};
    static const bool sees[] = {true, false, true, true, true, true, false, false};
    const struct key_entry li = person(KEY_ROLE_INVIGILATOR), wu = person(KEY_ROLE_OFFICE);
    struct site *t = *state;

    open_incident(t, EV__SCOPE_KIND__SCOPE_KIND_ROOM, "R1");
    open_incident(t, EV__SCOPE_KIND__SCOPE_KIND_ROOM, "R2");
    open_incident(t, EV__SCOPE_KIND__SCOPE_KIND_SEAT, "R1-02");
    open_incident(t, EV__SCOPE_KIND__SCOPE_KIND_BATCH, "B1");
    open_incident(t, EV__SCOPE_KIND__SCOPE_KIND_SITE, "");
    open_incident(t, EV__SCOPE_KIND__SCOPE_KIND_SITTING, "1002");
    open_incident(t, EV__SCOPE_KIND__SCOPE_KIND_SITTING, "2002");
    open_incident(t, EV__SCOPE_KIND__SCOPE_KIND_BATCH, "B2");
    for (uint32_t i = 1; i <= 8; i++) {
        assert_int_equal(admin_rights_sees_incident(&li, t->x, i), sees[i - 1]);
        assert_true(admin_rights_sees_incident(&wu, t->x, i));
        assert_true(admin_rights_sees_incident(NULL, t->x, i));
        Admin__Request m = request_of(ADMIN__REQUEST__KIND_INCIDENT_CLOSE);
        made.incident_close.incident = i;
        assert_int_equal(ask(t, KEY_ROLE_INVIGILATOR, &m), may[i - 1] ? EXAM_OK : EXAM_REFUSED);
        assert_int_equal(ask(t, KEY_ROLE_OFFICE, &m), EXAM_OK);
        m = request_of(ADMIN__REQUEST__KIND_INCIDENT_NOTE);
        made.incident_note.incident = i;
        assert_int_equal(ask(t, KEY_ROLE_INVIGILATOR, &m), may[i - 1] ? EXAM_OK : EXAM_REFUSED);
        assert_null(strstr(why.text, "2002"));
    }
}

/* P2: nobody is two persons. */
static void test_admin_rights_confirm__wants_another_person(void **state)
{
    const struct key_entry second = person(KEY_ROLE_OFFICE);

    (void)state;
    assert_int_equal(admin_rights_confirm(&second, "wang", &why), EXAM_OK);
    assert_int_equal(admin_rights_confirm(&second, "li", &why), EXAM_REFUSED);
    assert_string_equal(why.rule, "P2");
}

#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(test_admin_rights__are_what_they_are_said_to_be),
        WITH_SITE(test_admin_rights__say_who_may),
        WITH_SITE(test_admin_rights__give_reviewers_no_id_numbers),
        WITH_SITE(test_admin_rights__keep_invigilators_in_their_rooms),
        WITH_SITE(test_admin_rights__keep_candidates_to_their_rooms),
        WITH_SITE(test_admin_rights__keep_seats_to_their_rooms),
        WITH_SITE(test_admin_rights__keep_incidents_to_their_rooms),
        WITH_SITE(test_admin_rights_confirm__wants_another_person),
    };

    return cmocka_run_group_tests_name("admin_rights", tests, NULL, NULL);
}
