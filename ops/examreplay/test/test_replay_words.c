/* test_replay_words.c - every event has a sentence, JSON has everything but secrets, moments. */
#include "replay_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "event_json.h"
#include "moment.h"

enum { MESSAGE_BYTES_MAX = 512 };

/* An event of this kind with nothing in it but what every decoded one has. */
union message {
    ProtobufCMessage base;
    uint8_t bytes[MESSAGE_BYTES_MAX];
};

static void empty_event(const ProtobufCFieldDescriptor *f, Ev__Event *event, union message *m,
                        Ev__Scope *scope)
{
    const ProtobufCMessageDescriptor *d = f->descriptor;
    assert_true(d->sizeof_message <= MESSAGE_BYTES_MAX);
    d->message_init(&m->base);
    const ProtobufCFieldDescriptor *s = protobuf_c_message_descriptor_get_field_by_name(d, "scope");
    ev__scope__init(scope);
    scope->kind = EV__SCOPE_KIND__SCOPE_KIND_SITE;
    if (s)
        memcpy(m->bytes + s->offset, &scope, sizeof scope);
    ev__event__init(event);
    event->kind_case = (Ev__Event__KindCase)f->id;
    ProtobufCMessage *at = &m->base;
    memcpy((uint8_t *)event + f->offset, &at, sizeof at);
}

static struct replay an_exam(void)
{
    static struct findings findings;
    struct replay p;
    replay_open(&p, NULL, &findings, fixture_options.reached);
    return p;
}

/* An event that a later version adds to event.proto fails here until it can be told. */
static void test_replay_words__every_event_can_be_told(void **state)
{
    static const struct event_shown all = {.sealed = true};
    (void)state;
    struct replay p = an_exam();
    const ProtobufCMessageDescriptor *d = &ev__event__descriptor;
    assert_true(d->n_fields >= 35);
    for (unsigned i = 0; i < d->n_fields; i++) {
        union message m;
        Ev__Scope scope;
        Ev__Event event;
        struct event_words w;
        empty_event(&d->fields[i], &event, &m, &scope);
        event_tell(p.x, &event, &w);
        if (w.text[0] == '\0')
            fail_msg("nothing is said of %s", d->fields[i].name);
        json_t *j = json_of_event(p.x, &event, &all);
        if (!json_object_get(j, d->fields[i].name))
            fail_msg("%s is not in the JSON", d->fields[i].name);
        json_decref(j);
    }
    replay_close(&p);
}

static char *json_text(const exam *x, const Ev__Event *event, bool sealed)
{
    const struct event_shown shown = {.sealed = sealed};
    json_t *j = json_of_event(x, event, &shown);
    char *text = json_dumps(j, JSON_COMPACT);
    assert_non_null(text);
    json_decref(j);
    return text;
}

static void assert_json(const exam *x, const Ev__Event *event, bool sealed, const char *has,
                        const char *lacks)
{
    char *text = json_text(x, event, sealed);
    if (!strstr(text, has) || strstr(text, lacks))
        fail_msg("%s: lacks %s or has %s", text, has, lacks);
    free(text);
}

/* Keys and sessions are never shown; answers when they are asked for. */
static void test_replay_words__secrets_stay_secret(void **state)
{
    (void)state;
    struct replay p = an_exam();
    uint8_t secret[SITE_KEY_BYTES];
    memset(secret, 0xab, sizeof secret);
    Ev__Event event = EV__EVENT__INIT;
    Ev__SiteFounded founded = EV__SITE_FOUNDED__INIT;
    founded.site_key = (ProtobufCBinaryData){sizeof secret, secret};
    event.kind_case = EV__EVENT__KIND_SITE_FOUNDED;
    event.site_founded = &founded;
    assert_json(p.x, &event, true, "\"site_key_bytes\":32", "abab");

    Ev__SignedIn signed_in = EV__SIGNED_IN__INIT;
    signed_in.session = (ProtobufCBinaryData){SESSION_BYTES, secret};
    event.kind_case = EV__EVENT__KIND_SIGNED_IN;
    event.signed_in = &signed_in;
    assert_json(p.x, &event, true, "\"session_bytes\":16", "abab");

    Ev__Answered answered = EV__ANSWERED__INIT;
    answered.value = (ProtobufCBinaryData){4, (uint8_t *)(char[]){"WORD"}};
    event.kind_case = EV__EVENT__KIND_ANSWERED;
    event.answered = &answered;
    assert_json(p.x, &event, false, "\"value_bytes\":4", "WORD");
    assert_json(p.x, &event, true, "\"value\":\"WORD\"", "value_bytes");
    replay_close(&p);
}

/* Enums are the words that people use, and numbers have names beside them. */
static void test_replay_words__json_speaks_words(void **state)
{
    (void)state;
    struct replay p = an_exam();
    Ev__Event event = EV__EVENT__INIT;
    Ev__IncidentOpened opened = EV__INCIDENT_OPENED__INIT;
    Ev__Scope scope = EV__SCOPE__INIT;
    scope.kind = EV__SCOPE_KIND__SCOPE_KIND_SITE;
    opened.scope = &scope;
    opened.kind = EV__INCIDENT_KIND__INCIDENT_KIND_POWER;
    event.kind_case = EV__EVENT__KIND_INCIDENT_OPENED;
    event.incident_opened = &opened;
    assert_json(p.x, &event, false, "\"kind\":\"power\"", "POWER");
    assert_json(p.x, &event, false, "{\"kind\":\"site\",\"no\":0,\"name\":\"site\"}", "SCOPE");
    replay_close(&p);
}

static void assert_moment(const char *text, enum moment_kind kind)
{
    struct moment m = {.kind = MOMENT_NONE};
    assert_int_equal(moment_parse(text, &m), kind == MOMENT_NONE ? EXAM_INVALID : EXAM_OK);
    assert_int_equal(m.kind, kind);
}

/* Three ways to name an instant, and nothing else. */
static void test_replay_words__moments(void **state)
{
    struct moment m;
    char text[WALL_TEXT_BYTES];
    (void)state;
    assert_moment("812", MOMENT_LSN);
    assert_moment("+1:12:03.250", MOMENT_SITE);
    assert_moment("2026-05-16 10:30", MOMENT_WALL);
    assert_moment("2026-05-16T10:30:15", MOMENT_WALL);
    static const char *const none[] = {"",
                                       "-1",
                                       "8x",
                                       "+",
                                       "1234567890123456789",
                                       "10:30",
                                       "2026-05-16",
                                       "2026-13-16 10:30",
                                       "+1:99",
                                       "2026-05-16 10:30:15x"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_moment(none[i], MOMENT_NONE);
    assert_int_equal(moment_parse("2026-05-16 10:30:15", &m), EXAM_OK);
    wall_format(m.wall_ms + 250, text);
    assert_string_equal(text, "2026-05-16 10:30:15.250");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay_words__every_event_can_be_told),
        cmocka_unit_test(test_replay_words__secrets_stay_secret),
        cmocka_unit_test(test_replay_words__json_speaks_words),
        cmocka_unit_test(test_replay_words__moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
