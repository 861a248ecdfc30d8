/* The library as a vendor uses it, over real sockets and a real journal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "examseat.h"
#include "site_keys.h"
#include "tcp_node.h"

enum { PATIENCE_MS = 30000 };

struct seen {
    int counts[32];
    examseat_event last[32];
    char text[512];
    char name[64];
    uint8_t paper[TCP_NODE_PAPER_BYTES];
    size_t paper_bytes;
    int answer_on_event; /* answers that the callback itself gives */
    int poll_in_callback;
};

struct fixture {
    struct tcp_site site;
    struct tcp_node a, b;
    bool a_runs, b_runs;
    char dir[64], address_a[32], address_b[32];
    const char *nodes[2];
    struct seen seen;
    examseat *h;
};

static void on_event(void *user, examseat *h, const examseat_event *e)
{
    struct seen *s = user;
    s->counts[e->kind]++;
    s->last[e->kind] = *e;
    if (e->text[0] != 0)
        snprintf(s->text, sizeof(s->text), "%s", e->text);
    if (e->kind == EXAMSEAT_EVENT_CANDIDATE)
        snprintf(s->name, sizeof(s->name), "%s", e->candidate->name);
    if (e->kind == EXAMSEAT_EVENT_PAPER) {
        s->paper_bytes = e->paper_bytes;
        memcpy(s->paper, e->paper, e->paper_bytes);
    }
    if (e->kind == EXAMSEAT_EVENT_ANSWER && s->answer_on_event > 0 &&
        e->answer_state == EXAMSEAT_ANSWER_SOLO) {
        s->answer_on_event--;
        if (examseat_answer(h, "again", "x", 1, NULL) != EXAMSEAT_OK)
            s->answer_on_event = -1;
        s->poll_in_callback = examseat_poll(h, 0);
    }
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    strcpy(f->dir, "/tmp/examseat-api-XXXXXX");
    if (sodium_init() < 0 || mkdtemp(f->dir) == NULL)
        return 1;
    tcp_site_init(&f->site);
    f->a_runs = tcp_node_start(&f->a, &f->site, 1, true);
    f->b_runs = tcp_node_start(&f->b, &f->site, 1, false);
    snprintf(f->address_a, sizeof(f->address_a), "127.0.0.1:%d", f->a.port);
    snprintf(f->address_b, sizeof(f->address_b), "127.0.0.1:%d", f->b.port);
    f->nodes[0] = f->address_a;
    f->nodes[1] = f->address_b;
    *state = f;
    return !f->a_runs || !f->b_runs;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    examseat_close(f->h);
    if (f->a_runs)
        tcp_node_kill(&f->a);
    if (f->b_runs)
        tcp_node_kill(&f->b);
    DIR *d = opendir(f->dir);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.')
            unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
    int failed = rmdir(f->dir);
    free(f);
    return failed;
}

static examseat_config config_of(struct fixture *f)
{
    examseat_config c = EXAMSEAT_CONFIG_INIT;
    c.nodes = f->nodes;
    c.nodes_n = 2;
    c.seat = "R01-01";
    c.journal_dir = f->dir;
    c.client = "test 1";
    c.on_event = on_event;
    c.user = &f->seen;
    return c;
}

static void must_open(struct fixture *f)
{
    char why[512] = "";
    examseat_config c = config_of(f);
    if (examseat_open(&c, &f->h, why, sizeof(why)) != EXAMSEAT_OK)
        fail_msg("%s", why);
}

static uint64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

#define WAIT_FOR(f, condition)                                                                     \
    do {                                                                                           \
        uint64_t until_ms = clock_ms() + PATIENCE_MS;                                              \
        while (!(condition) && clock_ms() < until_ms)                                              \
            assert_int_equal(examseat_poll((f)->h, 50), EXAMSEAT_OK);                              \
        assert_true(condition);                                                                    \
    } while (0)

static void site_start(struct fixture *f)
{
    pthread_mutex_lock(&f->site.mutex);
    f->site.started = true;
    f->site.started_at_ms = clock_ms();
    pthread_mutex_unlock(&f->site.mutex);
}

static void begin(struct fixture *f)
{
    must_open(f);
    assert_int_equal(examseat_sign_in(f->h, "2026010001", "990101200001011234"), EXAMSEAT_OK);
    WAIT_FOR(f, examseat_get_state(f->h) == EXAMSEAT_STATE_WAITING);
    site_start(f);
    WAIT_FOR(f, examseat_get_state(f->h) == EXAMSEAT_STATE_ANSWERING);
}

static void answer(struct fixture *f, int n)
{
    for (int i = 0; i < n; i++) {
        uint64_t seq;
        char value[16];
        examseat_err err = examseat_answer(f->h, "q1", "A", 1, &seq);
        if (err != EXAMSEAT_OK)
            fail_msg("%s: %s", examseat_err_name(err), examseat_error_text(f->h));
        snprintf(value, sizeof(value), "%llu", (unsigned long long)seq);
    }
}

/* From opening to submission: what the candidate sees, and what the node has in the end. */
static void test_examseat__a_whole_sitting(void **state)
{
    struct fixture *f = *state;
    must_open(f);
    WAIT_FOR(f, examseat_get_state(f->h) == EXAMSEAT_STATE_CONNECTED);
    assert_int_equal(examseat_answer(f->h, "q1", "A", 1, NULL), EXAMSEAT_STATE);
    assert_int_equal(examseat_fetch_paper(f->h), EXAMSEAT_STATE);
    assert_int_equal(examseat_sign_in(f->h, "2026010001", "990101200001011234"), EXAMSEAT_OK);
    WAIT_FOR(f, f->seen.counts[EXAMSEAT_EVENT_CANDIDATE] == 1);
    assert_string_equal(f->seen.name, "张三");
    site_start(f);
    WAIT_FOR(f, f->seen.counts[EXAMSEAT_EVENT_STARTED] == 1);
    assert_int_equal(examseat_fetch_paper(f->h), EXAMSEAT_OK);
    WAIT_FOR(f, f->seen.counts[EXAMSEAT_EVENT_PAPER] == 1);
    assert_int_equal(f->seen.paper_bytes, TCP_NODE_PAPER_BYTES);
    assert_memory_equal(f->seen.paper, f->site.paper, TCP_NODE_PAPER_BYTES);
    answer(f, 10);
    WAIT_FOR(f, examseat_unsaved(f->h) == 0);
    assert_int_equal(examseat_get_answer_state(f->h, 10), EXAMSEAT_ANSWER_SOLO);
    assert_in_range(examseat_time_left_ms(f->h), 3600000 - PATIENCE_MS, 3600000);
    uint64_t seq = 0;
    assert_int_equal(examseat_submit(f->h, &seq), EXAMSEAT_OK);
    assert_int_equal(seq, 11);
    WAIT_FOR(f, f->seen.counts[EXAMSEAT_EVENT_FINISHED] == 1);
    assert_int_equal(examseat_get_finish(f->h), EXAMSEAT_FINISH_SUBMITTED);
    assert_int_equal(examseat_answer(f->h, "q1", "A", 1, NULL), EXAMSEAT_LATE);
    pthread_mutex_lock(&f->site.mutex);
    assert_int_equal(f->site.seq_have, 11);
    assert_string_equal(f->site.items[10], "q1");
    f->site.collected = true;
    pthread_mutex_unlock(&f->site.mutex);
    WAIT_FOR(f, f->seen.counts[EXAMSEAT_EVENT_COLLECTED] == 1);
    WAIT_FOR(f, examseat_get_state(f->h) == EXAMSEAT_STATE_CONNECTED);
    assert_int_equal(f->a.malformed_n + f->b.malformed_n, 0);
}

/* The primary dies, the standby is promoted: no lock, every answer arrives. */
static void test_examseat__moves_to_the_second_node(void **state)
{
    struct fixture *f = *state;
    begin(f);
    answer(f, 5);
    WAIT_FOR(f, examseat_unsaved(f->h) == 0);
    tcp_node_kill(&f->a);
    f->a_runs = false;
    WAIT_FOR(f, !examseat_in_contact(f->h));
    answer(f, 5);
    assert_int_equal(examseat_get_answer_state(f->h, 10), EXAMSEAT_ANSWER_LOCAL);
    assert_int_equal(examseat_unsaved(f->h), 5);
    WAIT_FOR(f, f->b.hellos_n > 0);
    f->b.epoch = 2;
    f->b.serving = true;
    WAIT_FOR(f, examseat_in_contact(f->h) && examseat_unsaved(f->h) == 0);
    assert_int_equal(examseat_get_state(f->h), EXAMSEAT_STATE_ANSWERING);
    assert_int_equal(f->b.attaches_n, 1);
    assert_int_equal(f->site.seq_have, 10);
}

static void collect_answer(void *user, uint64_t seq, const char *item, const void *value,
                           size_t value_bytes)
{
    int *n = user;
    *n += item[0] == 'q' && value_bytes == 1 && ((const char *)value)[0] == 'A' && seq > 0;
}

/* The program is closed and opened again: it goes on by itself, and has the answers. */
static void test_examseat__goes_on_after_a_restart(void **state)
{
    struct fixture *f = *state;
    begin(f);
    answer(f, 7);
    WAIT_FOR(f, examseat_unsaved(f->h) == 0);
    examseat_close(f->h);
    f->h = NULL;
    memset(&f->seen, 0, sizeof(f->seen));
    must_open(f);
    assert_int_equal(examseat_get_state(f->h), EXAMSEAT_STATE_LOCKED);
    assert_int_equal(examseat_sign_in(f->h, "2026010001", "990101200001011234"), EXAMSEAT_EXISTS);
    WAIT_FOR(f, examseat_get_state(f->h) == EXAMSEAT_STATE_ANSWERING);
    int n = 0;
    assert_int_equal(examseat_each_answer(f->h, collect_answer, &n), EXAMSEAT_OK);
    assert_int_equal(n, 7);
    assert_int_equal(examseat_get_answer_state(f->h, 7), EXAMSEAT_ANSWER_SOLO);
}

/* A wrong ID number is refused with the node's text; the right one works afterwards. */
static void test_examseat__a_refused_sign_in(void **state)
{
    struct fixture *f = *state;
    must_open(f);
    assert_int_equal(examseat_sign_in(f->h, "2026010001", "990101200001019999"), EXAMSEAT_OK);
    WAIT_FOR(f, f->seen.counts[EXAMSEAT_EVENT_SIGN_IN_REFUSED] == 1);
    assert_int_equal(f->seen.last[EXAMSEAT_EVENT_SIGN_IN_REFUSED].err, EXAMSEAT_AUTH);
    assert_string_equal(f->seen.text, "the test node says no");
    assert_int_equal(examseat_sign_in(f->h, "2026010001", "990101200001011234"), EXAMSEAT_OK);
    WAIT_FOR(f, examseat_get_state(f->h) == EXAMSEAT_STATE_WAITING);
}

/* A callback may call the library; polling from inside one is refused. */
static void test_examseat__callbacks_may_call(void **state)
{
    struct fixture *f = *state;
    begin(f);
    f->seen.answer_on_event = 20;
    answer(f, 1);
    WAIT_FOR(f, f->seen.answer_on_event <= 0 && examseat_unsaved(f->h) == 0);
    assert_int_equal(f->seen.answer_on_event, 0);
    assert_int_equal(f->site.seq_have, 21);
    assert_int_equal(f->seen.poll_in_callback, EXAMSEAT_STATE);
}

/* The descriptor and the deadline are enough to drive the library from another event loop. */
static void test_examseat__the_descriptor_tells_when(void **state)
{
    struct fixture *f = *state;
    must_open(f);
    assert_int_equal(examseat_sign_in(f->h, "2026010001", "990101200001011234"), EXAMSEAT_OK);
    uint64_t until_ms = clock_ms() + PATIENCE_MS;
    while (examseat_get_state(f->h) != EXAMSEAT_STATE_WAITING && clock_ms() < until_ms) {
        struct pollfd fd = {.fd = examseat_fd(f->h), .events = POLLIN};
        assert_true(poll(&fd, 1, examseat_next_ms(f->h)) >= 0);
        assert_int_equal(examseat_poll(f->h, 0), EXAMSEAT_OK);
    }
    assert_int_equal(examseat_get_state(f->h), EXAMSEAT_STATE_WAITING);
}

/* Configurations that cannot work are refused with a text, and nothing is left behind. */
static void test_examseat__bad_configurations(void **state)
{
    struct fixture *f = *state;
    char why[512];
    examseat *h = NULL;
    examseat_config c = config_of(f);
    c.size = 3;
    assert_int_equal(examseat_open(&c, &h, why, sizeof(why)), EXAMSEAT_INVALID);
    assert_non_null(strstr(why, "EXAMSEAT_CONFIG_INIT"));
    c = config_of(f);
    c.nodes_n = 0;
    assert_int_equal(examseat_open(&c, &h, why, sizeof(why)), EXAMSEAT_INVALID);
    c = config_of(f);
    c.seat = "R 1";
    assert_int_equal(examseat_open(&c, &h, NULL, 0), EXAMSEAT_INVALID);
    c = config_of(f);
    c.journal_dir = "/nowhere/at/all";
    assert_int_equal(examseat_open(&c, &h, why, sizeof(why)), EXAMSEAT_NOT_FOUND);
    assert_non_null(strstr(why, "/nowhere/at/all"));
    c = config_of(f);
    f->nodes[0] = "no address";
    assert_int_equal(examseat_open(&c, &h, why, sizeof(why)), EXAMSEAT_INVALID);
    f->nodes[0] = "A@";
    assert_int_equal(examseat_open(&c, &h, why, sizeof(why)), EXAMSEAT_INVALID);
    f->nodes[0] = f->address_a;
    c.key_file = "/nowhere/own.key";
    assert_int_equal(examseat_open(&c, &h, why, sizeof(why)), EXAMSEAT_INVALID);
    assert_non_null(strstr(why, "go together"));
    c.key_roster = "/nowhere/roster";
    assert_int_equal(examseat_open(&c, &h, why, sizeof(why)), EXAMSEAT_INVALID);
    assert_non_null(strstr(why, "NAME@host:port"));
    f->nodes[0] = f->nodes[1] = "A@127.0.0.1:1";
    assert_int_equal(examseat_open(&c, &h, why, sizeof(why)), EXAMSEAT_NOT_FOUND);
    assert_non_null(strstr(why, "/nowhere/own.key"));
    f->nodes[0] = f->address_a;
    f->nodes[1] = f->address_b;
    c = config_of(f);
    must_open(f);
    assert_int_equal(examseat_open(&c, &h, why, sizeof(why)), EXAMSEAT_LOCKED);
    assert_null(h);
}

static void text_put(const char *path, const char *text, size_t n)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fchmod(fileno(f), 0600), 0);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void roster_put(const struct site_keys *site, const char *path)
{
    char *text;
    size_t n;
    assert_int_equal(key_roster_format(site->roster, &site->authority, &text, &n), EXAM_OK);
    text_put(path, text, n);
    free(text);
}

/* What was revoked since would be let in: over a restart, too, a seat uses no older roster. */
static void test_examseat__goes_back_to_no_older_roster(void **state)
{
    struct fixture *f = *state;
    char key[96], roster[96], old[96], why[512] = "", text[KEY_FILE_BYTES_MAX];
    struct site_keys site;
    examseat *h = NULL;
    size_t n;
    examseat_config c = config_of(f);
    site_keys_init(&site, 7);
    snprintf(key, sizeof(key), "%s/seat.key", f->dir);
    snprintf(roster, sizeof(roster), "%s/roster", f->dir);
    snprintf(old, sizeof(old), "%s/old", f->dir);
    assert_int_equal(key_file_format(&site.own[SITE_SEAT], text, &n), EXAM_OK);
    text_put(key, text, n);
    roster_put(&site, old);
    key_roster_next(site.roster);
    roster_put(&site, roster);
    f->nodes[0] = "A@127.0.0.1:1";
    f->nodes[1] = "B@127.0.0.1:1";
    c.seat = site.own[SITE_SEAT].name;
    c.key_file = key;
    c.key_roster = old;
    for (int i = 0; i < 2; i++) { /* the old one is good until it is old */
        assert_int_equal(examseat_open(&c, &h, why, sizeof(why)), EXAMSEAT_OK);
        examseat_close(h);
        c.key_roster = roster;
    }
    c.key_roster = old;
    h = NULL;
    assert_int_equal(examseat_open(&c, &h, why, sizeof(why)), EXAMSEAT_REFUSED);
    assert_non_null(strstr(why, "roster 2 has been used here already"));
    assert_null(h);
    c.key_roster = roster;
    assert_int_equal(examseat_open(&c, &h, why, sizeof(why)), EXAMSEAT_OK);
    examseat_close(h);
    site_keys_fini(&site);
}

/* A program that was built before there were keys runs on as it is. */
static void test_examseat__takes_the_shorter_configuration(void **state)
{
    struct fixture *f = *state;
    examseat *h = NULL;
    examseat_config c = config_of(f);
    c.size = offsetof(examseat_config, key_file);
    c.key_file = c.key_roster = "not there, for the program";
    assert_int_equal(examseat_open(&c, &h, NULL, 0), EXAMSEAT_OK);
    examseat_close(h);
}

/* Nobody there at all: the seat says so, stays usable and closes at once. */
static void test_examseat__no_node_at_all(void **state)
{
    struct fixture *f = *state;
    tcp_node_kill(&f->a);
    tcp_node_kill(&f->b);
    f->a_runs = f->b_runs = false;
    must_open(f);
    assert_int_equal(examseat_sign_in(f->h, "2026010001", "990101200001011234"), EXAMSEAT_OK);
    for (int i = 0; i < 40; i++)
        assert_int_equal(examseat_poll(f->h, 20), EXAMSEAT_OK);
    assert_int_equal(examseat_get_state(f->h), EXAMSEAT_STATE_SIGNING_IN);
    assert_false(examseat_in_contact(f->h));
    assert_int_equal(examseat_time_left_ms(f->h), 0);
}

/* A node of another version is told of, with a text for a person. */
static void test_examseat__another_version(void **state)
{
    struct fixture *f = *state;
    f->a.version = f->b.version = 99;
    must_open(f);
    WAIT_FOR(f, f->seen.counts[EXAMSEAT_EVENT_PROBLEM] == 2);
    assert_int_equal(f->seen.last[EXAMSEAT_EVENT_PROBLEM].err, EXAMSEAT_VERSION);
    assert_int_equal(examseat_get_state(f->h), EXAMSEAT_STATE_CONNECTING);
}

/* Every number of the header has a name, others have one, too. */
static void test_examseat__names(void **state)
{
    (void)state;
    for (int i = 0; i <= EXAMSEAT_SYSTEM; i++)
        assert_string_not_equal(examseat_err_name((examseat_err)i), "unknown");
    assert_string_equal(examseat_err_name((examseat_err)99), "unknown");
    assert_string_equal(examseat_state_name(EXAMSEAT_STATE_SHUT_OUT), "shut-out");
    assert_string_equal(examseat_state_name((examseat_state)77), "unknown");
    assert_string_equal(examseat_answer_state_name(EXAMSEAT_ANSWER_REFUSED), "refused");
    assert_string_equal(examseat_version(), "0.1.0");
}

int main(void)
{
#define API_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        API_TEST(test_examseat__a_whole_sitting),
        API_TEST(test_examseat__moves_to_the_second_node),
        API_TEST(test_examseat__goes_on_after_a_restart),
        API_TEST(test_examseat__a_refused_sign_in),
        API_TEST(test_examseat__callbacks_may_call),
        API_TEST(test_examseat__the_descriptor_tells_when),
        API_TEST(test_examseat__bad_configurations),
        API_TEST(test_examseat__goes_back_to_no_older_roster),
        API_TEST(test_examseat__takes_the_shorter_configuration),
        API_TEST(test_examseat__no_node_at_all),
        API_TEST(test_examseat__another_version),
        cmocka_unit_test(test_examseat__names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
