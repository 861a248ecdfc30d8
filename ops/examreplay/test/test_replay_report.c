/* test_replay_report.c - what reports and certificates say is what the accounts say, for the disks
 * of all drills; pages are whole, and need nothing but themselves. */
#include "told.h"

#include <stdlib.h>
#include <string.h>

#include "certificate_page.h"
#include "chart.h"
#include "language.h"
#include "node_texts.h"
#include "stage.h"

/* ---------------------------------------------------------------- every drill */

static void look_at_all(void *ctx, struct stage *s)
{
    for (uint32_t i = 0; i < world_nodes(s->w); i++)
        if (store_image_records(world_disk(s->w, i), false) > 0)
            told_check_disk(world_disk(s->w, i), ctx);
}

static uint64_t interruptions_told;

static void tell_drill(const char *name)
{
    fixture_play_file(name, look_at_all, &interruptions_told);
}

/* T14: whatever befell a site, a report and the certificates say what the accounts say, and each
 * interruption has the record that booked it. */
static void test_replay_report__drills_are_told_as_accounted(void **state)
{
    (void)state;
    fixture_each_drill(tell_drill);
    assert_true(interruptions_told > 20);
}

/* ---------------------------------------------------------------- causes */

#define SITE                                                                                       \
    "nodes A B\n"                                                                                  \
    "batch B1 allot 60:00\n"                                                                       \
    "room R1 seats 3\n"                                                                            \
    "sitting 1001 batch B1 seat R1-01\n"                                                           \
    "sitting 1002 batch B1 seat R1-02\n"                                                           \
    "0:00     start B1\n"                                                                          \
    "0:00     sign-in 1001\n"                                                                      \
    "0:00     sign-in 1002\n"

#define THREE_CAUSES                                                                               \
    SITE "1:00     pause R1\n"                                                                     \
         "1:10     resume R1\n"                                                                    \
         "3:00.700 seat-dies R1-01\n"                                                              \
         "4:00     seat-boots R1-01\n"                                                             \
         "6:00.300 node-dies A\n"                                                                  \
         "6:47     promote B attest\n"                                                             \
         "7:30     expect sitting 1002 lost 0:42\n"

static const struct case_cause *cause_at(const struct told *t, size_t i, enum story_cause_kind kind)
{
    assert_true(i < t->book.causes_n);
    assert_int_equal(t->book.causes[i].cause.kind, kind);
    return &t->book.causes[i];
}

/* R2, T8: who or what stopped a clock: a person, the seat's own power, a server. */
static void test_replay_report__causes_are_told_apart(void **state)
{
    (void)state;
    store_image *image = fixture_disk_of_text(THREE_CAUSES, 1);
    struct told t;
    told_open(&t, image, NULL);
    assert_int_equal(t.book.causes_n, 3);
    const struct case_cause *pause = cause_at(&t, 0, STORY_CAUSE_PAUSE);
    assert_int_equal(pause->totals.sittings, 2);
    assert_int_equal(pause->totals.lost_ms, 2 * 10 * 1000);
    assert_non_null(pause->cause.end);
    assert_int_equal(cause_at(&t, 1, STORY_CAUSE_SEAT)->totals.sittings, 1);
    const struct case_cause *server = cause_at(&t, 2, STORY_CAUSE_SERVER);
    assert_int_equal(server->totals.lost_ms, 2 * 32 * 1000);
    assert_string_equal(server->cause.dark->before, "A");
    assert_string_equal(server->cause.dark->after, "B");
    assert_int_equal(t.book.disturbances_n, 3);
    told_close(&t);
    store_image_free(image);
}

/* Of one incident only what belongs to it. */
static void test_replay_report__an_incident_has_its_own_interruptions(void **state)
{
    (void)state;
    store_image *image = fixture_disk_of_text(THREE_CAUSES, 1);
    struct told t;
    struct exam_incident_view in;
    told_open(&t, image, NULL);
    assert_true(exam_incidents(t.replay.x) > 0);
    for (uint32_t no = 1; no <= exam_incidents(t.replay.x); no++) {
        casebook_fini(&t.book);
        casebook_make(&t.book, t.replay.x, &t.story, &t.filter, no);
        exam_incident_view(t.replay.x, no, &in);
        assert_int_equal(t.book.totals.lost_ms, in.lost_ms);
        assert_int_equal(t.book.totals.interruptions, in.interruptions);
    }
    told_close(&t);
    store_image_free(image);
}

#define HARMLESS                                                                                   \
    SITE "6:00.300 node-dies A\n"                                                                  \
         "6:04     promote B attest\n"                                                             \
         "7:30     expect sitting 1002 lost 0:00\n"

/* T6: a failover within the grace costs nobody anything, and the page says so. */
static void test_replay_report__what_cost_nothing_is_told(void **state)
{
    (void)state;
    store_image *image = fixture_disk_of_text(HARMLESS, 1);
    struct told t;
    told_open(&t, image, NULL);
    assert_int_equal(t.book.totals.interruptions, 0);
    char *page = told_page(&t, report_page_write);
    assert_non_null(strstr(page, "Nobody lost time by it"));
    assert_non_null(strstr(page, "took its place (epoch 2)"));
    free(page);
    told_close(&t);
    store_image_free(image);
}

/* ---------------------------------------------------------------- texts */

/* What a person wrote cannot become markup, whatever it is. */
static void test_replay_report__texts_of_persons_stay_texts(void **state)
{
    (void)state;
    store_image *image = fixture_disk_of_text(
        SITE "1:00 pause R1 <script>alert(1)</script> & \"so\"\n1:10 resume R1\n", 0);
    struct told t;
    told_open(&t, image, NULL);
    char *page = told_page(&t, report_page_write);
    xmlFreeDoc(told_parse(page));
    assert_non_null(strstr(page, "&lt;script&gt;alert(1)"));
    free(page);
    told_close(&t);
    store_image_free(image);
}

/* The distance of ticks is round, and there are never too many. */
static void test_replay_report__ticks_are_round(void **state)
{
    (void)state;
    for (uint64_t stretch_ms = 1; stretch_ms < UINT64_C(1) << 42; stretch_ms = stretch_ms * 3 + 1) {
        uint64_t tick_ms = chart_tick_ms(stretch_ms, 8);
        assert_true(stretch_ms / tick_ms <= 8);
        assert_int_equal(tick_ms % 1000, 0);
    }
}

/* ---------------------------------------------------------------- languages */

#define CHINESE "zh_CN"

/* Every word of node and examctl that is shown has its translation, and what a server wrote into
 * a log, too. */
static void test_replay_report__is_told_in_chinese(void **state)
{
    (void)state;
    char out[NODE_TEXT_BYTES];
    store_image *image = fixture_disk_of_text(THREE_CAUSES, 1);
    struct told t;
    assert_int_equal(language_begin(CHINESE, LOCALE_FOLDER), EXAM_OK);
    assert_string_equal(language_tag(), "zh-CN");
    for (size_t i = 0; node_words[i]; i++)
        if (strcmp(_(node_words[i]), node_words[i]) == 0)
            fail_msg("'%s' is not translated", node_words[i]);
    assert_string_not_equal(node_text_shown("no server served until epoch 2 began on B", out),
                            "no server served until epoch 2 began on B");
    told_open(&t, image, NULL);
    char *page = told_page(&t, report_page_write);
    xmlFreeDoc(told_parse(page));
    assert_non_null(strstr(page, "lang=\"zh-CN\""));
    assert_non_null(strstr(page, "突发事件"));
    assert_null(strstr(page, "SERVES from here on"));
    free(page);
    told_close(&t);
    store_image_free(image);
    assert_int_equal(language_begin("en", NULL), EXAM_OK);
    assert_string_equal(_("Incidents"), "Incidents");
}

/* A language's name goes into a path: nothing but a name is taken. */
static void test_replay_report__unknown_languages_are_refused(void **state)
{
    static const char *const names[] = {"",       "xx_YY", "../zh_CN",
                                        "zh_CN/", "a",     "nosuchlanguagename"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(language_begin(names[i], LOCALE_FOLDER), EXAM_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay_report__drills_are_told_as_accounted),
        cmocka_unit_test(test_replay_report__causes_are_told_apart),
        cmocka_unit_test(test_replay_report__an_incident_has_its_own_interruptions),
        cmocka_unit_test(test_replay_report__what_cost_nothing_is_told),
        cmocka_unit_test(test_replay_report__texts_of_persons_stay_texts),
        cmocka_unit_test(test_replay_report__ticks_are_round),
        cmocka_unit_test(test_replay_report__is_told_in_chinese),
        cmocka_unit_test(test_replay_report__unknown_languages_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
