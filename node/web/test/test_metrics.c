/* What monitors are told: the form of the figures, and the verdict on a node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "health.h"
#include "metrics.h"

enum { STANDBY = 1, PRIMARY = 2 };

/* A primary at work, with a standby that is 7 records behind and one that was never heard. */
static struct metrics at_work(void)
{
    struct metrics m = {.node = "A",
                        .version = "1.2.3",
                        .role = PRIMARY,
                        .epoch = 3,
                        .founded = true,
                        .serving = true,
                        .in_sync = true,
                        .keys = true,
                        .ups = true,
                        .power = 1,
                        .lsn = 1010,
                        .durable_lsn = 1007,
                        .peers_n = 2,
                        .peers = {{.node = "B",
                                   .connected = true,
                                   .in_sync = true,
                                   .ever_heard = true,
                                   .lsn = 1000,
                                   .silent_ms = 1250},
                                  {.node = "C"}}};
    histogram_add(&m.reply_waits, 900);
    histogram_add(&m.reply_waits, 1000);
    histogram_add(&m.reply_waits, 1001);
    histogram_add(&m.reply_waits, 16000000);
    return m;
}

static char *text_of(enum metrics_form form, const struct metrics *m)
{
    const struct metrics_web web = {.requests = 5, .certificate_until_s = 1900000000};
    char *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    assert_non_null(to);
    metrics_write(to, form, m, &web, 1500);
    assert_int_equal(fclose(to), 0);
    return text;
}

/* The value of a sample, as it stands there. */
static void sample_is(const char *text, const char *name, const char *value)
{
    char line[256];
    snprintf(line, sizeof line, "\n%s %s\n", name, value);
    if (!strstr(text, line))
        fail_msg("no line '%s %s'", name, value);
}

/* The figures stand under the names and units that the manual gives. */
static void test_metrics__says_what_a_node_does(void **state)
{
    struct metrics m = at_work();
    char *text = text_of(METRICS_PROMETHEUS, &m);
    (void)state;
    sample_is(text, "examnode_build_info{node=\"A\",version=\"1.2.3\"}", "1");
    sample_is(text, "examnode_role{role=\"primary\"}", "1");
    sample_is(text, "examnode_role{role=\"standby\"}", "0");
    sample_is(text, "examnode_epoch", "3");
    sample_is(text, "examnode_log_durable_lsn", "1007");
    sample_is(text, "examnode_peer_lag_records{peer=\"B\"}", "7");
    sample_is(text, "examnode_peer_silent_seconds{peer=\"B\"}", "1.250000");
    assert_null(strstr(text, "silent_seconds{peer=\"C\"}")); /* what is not known is not said */
    sample_is(text, "examnode_ups_power{power=\"mains\"}", "1");
    sample_is(text, "examnode_web_requests_total", "5");
    sample_is(text, "examnode_snapshot_age_seconds", "1.500000");
    free(text);
}

/* Steps are cumulative and include their ends; the last one has everything. */
static void test_metrics__histogram(void **state)
{
    struct metrics m = at_work();
    char *text = text_of(METRICS_PROMETHEUS, &m);
    (void)state;
    sample_is(text, "examnode_reply_wait_seconds_bucket{le=\"0.001000\"}", "2");
    sample_is(text, "examnode_reply_wait_seconds_bucket{le=\"0.002000\"}", "3");
    sample_is(text, "examnode_reply_wait_seconds_bucket{le=\"15.000000\"}", "3");
    sample_is(text, "examnode_reply_wait_seconds_bucket{le=\"+Inf\"}", "4");
    sample_is(text, "examnode_reply_wait_seconds_sum", "16.002901");
    sample_is(text, "examnode_reply_wait_seconds_count", "4");
    free(text);
}

/* Whether a sample of that name may stand under a family: name and type as its # TYPE says. */
static bool belongs(const char *sample, const char *family, const char *type, bool open)
{
    size_t n = strlen(family);
    if (strncmp(sample, family, n) != 0)
        return false;
    const char *rest = sample + n;
    if (!strcmp(type, "histogram"))
        return !strcmp(rest, "_bucket") || !strcmp(rest, "_sum") || !strcmp(rest, "_count");
    if (open && !strcmp(type, "counter"))
        return !strcmp(rest, "_total");
    if (open && !strcmp(type, "info"))
        return !strcmp(rest, "_info");
    return !*rest && (strcmp(type, "counter") != 0 || strstr(family, "_total"));
}

/* Goes through all lines; returns how many families there are. */
static size_t check_form(char *text, bool open)
{
    char names[128][64] = {{0}}, help[64] = "", type[16] = "";
    size_t n = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char name[64];
        if (sscanf(line, "# HELP %63s", name) == 1) {
            for (size_t i = 0; i < n; i++)
                assert_string_not_equal(names[i], name); /* a family stands together, once */
            strcpy(help, name);
            strcpy(names[n++], name);
        } else if (sscanf(line, "# TYPE %63s %15s", name, type) == 2) {
            assert_string_equal(name, help);
        } else if (strcmp(line, "# EOF") != 0) {
            assert_int_equal(sscanf(line, "%63[a-z_]", name), 1);
            if (!belongs(name, help, type, open))
                fail_msg("'%s' stands under '%s', which is a %s", line, help, type);
            char *end, *value = strrchr(line, ' ');
            assert_true(strtod(value + 1, &end) >= 0 && !*end);
        }
    }
    return n;
}

/* Both forms are what their definitions ask for: a family's samples behind its two lines, and the
 * endings that each type has. */
static void test_metrics__forms(void **state)
{
    struct metrics m = at_work();
    char *plain = text_of(METRICS_PROMETHEUS, &m), *open = text_of(METRICS_OPENMETRICS, &m);
    (void)state;
    assert_null(strstr(plain, "# EOF"));
    size_t bytes = strlen(open);
    assert_string_equal(open + bytes - 6, "# EOF\n");
    size_t families = check_form(plain, false);
    assert_true(families > 40);
    assert_int_equal(check_form(open, true), families);
    free(plain);
    free(open);
}

static void label_is(const char *value, const char *wanted)
{
    char *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    assert_non_null(to);
    metrics_write_label(to, value);
    assert_int_equal(fclose(to), 0);
    assert_string_equal(text, wanted);
    free(text);
}

/* No name can end its quotes or its line, and what comes out is UTF-8. */
static void test_metrics__label_escapes(void **state)
{
    (void)state;
    label_is("A", "A");
    label_is("a\"} 1\nforged{b=\"", "a\\\"} 1\\nforged{b=\\\"");
    label_is("a\\", "a\\\\");
    label_is("\x01\r\x7f", "???");
    label_is("考场一号", "考场一号");
    label_is("\xc3\xa9\xf0\x9f\x98\x80", "\xc3\xa9\xf0\x9f\x98\x80");
    label_is("\xff\xc0\x80\xe4\xb8", "?????");           /* none of these is a character */
    label_is("\xed\xa0\x80\xf4\x90\x80\x80", "???????"); /* a surrogate, and beyond the last one */
}

/* What a verdict has of each kind. */
static bool has(const char *const *words, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(words[i], word))
            return true;
    return false;
}

#define troubled(m, age_ms, word)                                                                  \
    do {                                                                                           \
        struct health h_;                                                                          \
        health_judge((m), (age_ms), &h_);                                                          \
        assert_true(has(h_.troubles, h_.troubles_n, (word)));                                      \
    } while (0)

static void well(const struct metrics *m)
{
    struct health h;
    health_judge(m, HEALTH_SILENT_MS, &h);
    assert_int_equal(h.troubles_n, 0);
}

/* A primary is well when it serves, a standby when it could take over without a loss. */
static void test_health__verdicts(void **state)
{
    struct metrics m = at_work();
    (void)state;
    well(&m);
    m.in_sync = false; /* it serves all the same, alone */
    m.solo = true;
    well(&m);
    m.waiting = true;
    troubled(&m, 0, "waiting");
    m = at_work();
    m.role = STANDBY;
    m.serving = false;
    well(&m);
    m.in_sync = false;
    troubled(&m, 0, "not-in-sync");
    m.in_sync = m.locked = true;
    troubled(&m, 0, "locked");
    m = at_work();
    troubled(&m, HEALTH_SILENT_MS + 1, "silent");
    m.disk_reserved = true;
    troubled(&m, 0, "disk-full");
    m = (struct metrics){.node = "A"};
    troubled(&m, 0, "empty");
}

/* What somebody should look at is no verdict on the node. */
static void test_health__warnings(void **state)
{
    struct metrics m = at_work();
    struct health h;
    (void)state;
    m.solo = m.disk_low = true;
    m.power = 2;
    health_judge(&m, 0, &h);
    assert_int_equal(h.troubles_n, 0);
    assert_true(has(h.warnings, h.warnings_n, "solo"));
    assert_true(has(h.warnings, h.warnings_n, "disk-low"));
    assert_true(has(h.warnings, h.warnings_n, "on-battery"));
    m.peers_n = 0; /* a site with one server is always alone */
    health_judge(&m, 0, &h);
    assert_false(has(h.warnings, h.warnings_n, "solo"));
}

/* The text is one JSON object, with the words in it. */
static void test_health__text(void **state)
{
    struct metrics m = at_work();
    struct health h;
    char *text;
    (void)state;
    m.locked = true;
    health_judge(&m, 0, &h);
    assert_int_equal(health_text(&m, &h, 250, &text), EXAM_OK);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    assert_false(json_is_true(json_object_get(root, "well")));
    assert_string_equal(json_string_value(json_object_get(root, "role")), "primary");
    assert_int_equal(json_integer_value(json_object_get(root, "epoch")), 3);
    assert_true(json_is_true(json_object_get(root, "locked")));
    json_t *troubles = json_object_get(root, "troubles");
    assert_int_equal(json_array_size(troubles), 1);
    assert_string_equal(json_string_value(json_array_get(troubles, 0)), "locked");
    json_decref(root);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics__says_what_a_node_does),
        cmocka_unit_test(test_metrics__histogram),
        cmocka_unit_test(test_metrics__forms),
        cmocka_unit_test(test_metrics__label_escapes),
        cmocka_unit_test(test_health__verdicts),
        cmocka_unit_test(test_health__warnings),
        cmocka_unit_test(test_health__text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
