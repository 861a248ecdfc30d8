/* test_replay_index.c - states of a long log that are kept beside it: with them `at` says what it
 * says without, whatever became of them, and nobody reads anything of them without the log. */
#include "replay_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state_keep.h"

#define SITE                                                                                       \
    "nodes A B\n"                                                                                  \
    "batch B1 allot 60:00\n"                                                                       \
    "room R1 seats 3\n"                                                                            \
    "sitting 1001 batch B1 seat R1-01\n"                                                           \
    "sitting 1002 batch B1 seat R1-02\n"                                                           \
    "0:00     start B1\n"                                                                          \
    "0:00     sign-in 1001\n"                                                                      \
    "0:00     sign-in 1002\n"                                                                      \
    "0:30     answer 1001 q1 A\n"                                                                  \
    "3:00.700 seat-dies R1-01\n"                                                                   \
    "4:00     seat-boots R1-01\n"                                                                  \
    "6:00.300 node-dies A\n"                                                                       \
    "6:47     promote B attest\n"                                                                  \
    "7:30     expect sitting 1002 lost 0:32\n"

enum { LONG_RECORDS = 2 * STATE_INDEX_EVERY + 1000, ODD_LSN = 1000 };

/* ---------------------------------------------------------------- programs and files */

static char root[FIXTURE_PATH_BYTES]; /* of all that is made here */
static char sound[FIXTURE_PATH_BYTES], odd[FIXTURE_PATH_BYTES], brief[FIXTURE_PATH_BYTES];

__attribute__((format(printf, 1, 2))) static int run(const char *format, ...)
{
    char command[8 * FIXTURE_PATH_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    int status = system(command);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* `at` of the sound log, to the file ROOT/name; "" or an option in `how`. */
static int at(const char *moment, const char *how, const char *name)
{
    return run("%s at %s %s %s >%s/%s 2>%s/told", EXAMREPLAY_PATH, sound, moment, how, root, name,
               root);
}

/* What two of them say is the same, but for where they began. */
static int differ(const char *a, const char *b)
{
    return run("grep -v ^Proven %s/%s >%s/x; grep -v ^Proven %s/%s | cmp -s - %s/x", root, a, root,
               root, b, root);
}

static bool began_with_a_state(const char *name)
{
    return run("grep -q ^Proven %s/%s", root, name) == 0;
}

/* A cache of its own for each test. */
static int no_cache(void **state)
{
    char path[2 * FIXTURE_PATH_BYTES];
    (void)state;
    snprintf(path, sizeof path, "%s/cache", root);
    assert_int_equal(run("rm -rf %s", path), 0);
    return setenv("XDG_CACHE_HOME", path, 1);
}

/* ---------------------------------------------------------------- logs */

/* A log that is long enough for two states: a note is made again and again; the one in the record
 * `odd_lsn` is of no incident. */
static store_image *long_log(uint64_t odd_lsn)
{
    store_image *image = fixture_disk_of_text(SITE, 1);
    uint8_t value[RECORD_BYTES_MAX], hash[HASH_BYTES];
    Ev__Event event = EV__EVENT__INIT;
    Ev__IncidentNoted noted = EV__INCIDENT_NOTED__INIT;
    store *s;
    assert_int_equal(store_open_image(image, &s), EXAM_OK);
    event.kind_case = EV__EVENT__KIND_INCIDENT_NOTED;
    event.incident_noted = &noted;
    noted.who = noted.text = (char[]){"x"};
    store_begin(s);
    struct record r = {.lsn = store_last(s).lsn + 1, .epoch = store_last(s).epoch};
    memcpy(hash, store_last(s).hash, HASH_BYTES);
    for (; r.lsn <= LONG_RECORDS; r.lsn++) {
        noted.incident = r.lsn == odd_lsn ? 99 : 1;
        r.at_ms = 3600 * 1000 + r.lsn;
        r.event = value + RECORD_HEADER_BYTES;
        r.event_bytes = codec_event_bytes(&event);
        codec_event_pack(&event, value + RECORD_HEADER_BYTES);
        record_seal(&r, hash, value);
        memcpy(hash, r.hash, HASH_BYTES);
        store_append(s, r.lsn, value, RECORD_HEADER_BYTES + r.event_bytes);
    }
    assert_int_equal(store_commit(s), EXAM_OK);
    store_close(s);
    return image;
}

static void folder_make(store_image *image, char folder[FIXTURE_PATH_BYTES])
{
    fixture_folder_make(image, folder);
    store_image_free(image);
}

static int make_all(void **state)
{
    const char *parent = getenv("TMPDIR");
    (void)state;
    snprintf(root, sizeof root, "%s/index-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(root));
    folder_make(long_log(0), sound);
    folder_make(long_log(ODD_LSN), odd);
    folder_make(fixture_disk_of_text(SITE, 0), brief);
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    fixture_folder_remove(sound);
    fixture_folder_remove(odd);
    fixture_folder_remove(brief);
    return run("rm -rf %s", root);
}

/* ---------------------------------------------------------------- a file that was named */

/* What `at` says with an index is what it says without; an index of another log is refused. */
static void test_index__says_what_the_log_says(void **state)
{
    static const char *const moments[] = {"2", "300000", "+1:08:00", "500999"};
    char how[2 * FIXTURE_PATH_BYTES];
    (void)state;
    snprintf(how, sizeof how, "--index %s/x.states", root);
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        assert_int_equal(at(moments[i], "--no-index", "without"), 0);
        assert_int_equal(at(moments[i], how, "with"), 0);
        assert_int_equal(differ("without", "with"), 0);
    }
    assert_int_equal(run("grep -q '^Proven    from record 500001 on' %s/with", root), 0);
    assert_int_equal(run("%s at %s 2 %s >/dev/null 2>&1", EXAMREPLAY_PATH, brief, how), 65);
    assert_int_equal(
        run("%s at %s 2 --index %s/data.mdb >/dev/null 2>&1", EXAMREPLAY_PATH, brief, sound), 65);
}

/* ---------------------------------------------------------------- the user's cache */

/* `verify` keeps states on its way, and `at` begins at one: it says where, and the same. */
static void test_index__is_made_on_the_way(void **state)
{
    (void)state;
    assert_int_equal(run("%s verify %s >/dev/null 2>&1", EXAMREPLAY_PATH, odd), 1);
    assert_int_equal(at("500500", "--no-index", "without"), 0);
    assert_false(began_with_a_state("without"));
    (void)run("%s verify %s >%s/verdict 2>&1", EXAMREPLAY_PATH, sound, root);
    assert_int_equal(run("grep -q 'kept 2 states' %s/verdict", root), 0);
    assert_int_equal(at("500500", "", "with"), 0);
    assert_true(began_with_a_state("with"));
    assert_int_equal(run("grep -q 'began at record 500000' %s/told", root), 0);
    assert_int_equal(differ("without", "with"), 0);
}

/* `at` keeps what it passes, and its next question begins there. */
static void test_index__is_made_by_at(void **state)
{
    (void)state;
    assert_int_equal(at("300000", "", "first"), 0);
    assert_false(began_with_a_state("first"));
    assert_int_equal(at("300000", "", "second"), 0);
    assert_true(began_with_a_state("second"));
    assert_int_equal(differ("first", "second"), 0);
}

/* The folder and the file are the user's alone, and show nothing of what the log shows. */
static void test_index__shows_nothing_without_the_log(void **state)
{
    (void)state;
    assert_int_equal(at("300000", "", "first"), 0);
    assert_int_equal(run("find %s/cache -type d ! -perm 0700 | grep -q .", root), 1);
    assert_int_equal(run("find %s/cache -type f ! -perm 0600 | grep -q .", root), 1);
    assert_int_equal(run("find %s/cache -type f | grep -q .", root), 0);
    assert_int_equal(run("grep -aq R1-01 %s/data.mdb", sound), 0);
    assert_int_equal(run("grep -raq -e R1-01 -e 1001 %s/cache/shunyan", root), 1);
}

/* Nothing is kept after something that is wrong: what is refused once is refused again. */
static void test_index__ends_where_the_log_is_wrong(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(run("%s at %s 300000 >/dev/null 2>%s/told", EXAMREPLAY_PATH, odd, root),
                         1);
    assert_int_equal(run("grep -q 'began at record' %s/told", root), 1);
}

/* A folder that cannot be made, or that others may read, is not used; nor is a short log kept. */
static void test_index__goes_without_a_safe_folder(void **state)
{
    (void)state;
    assert_int_equal(setenv("XDG_CACHE_HOME", "/dev/null/none", 1), 0);
    assert_int_equal(at("300000", "", "first"), 0);
    assert_int_equal(no_cache(NULL), 0);
    assert_int_equal(run("mkdir -p -m 0755 %s/cache/shunyan/examreplay", root), 0);
    assert_int_equal(at("300000", "", "second"), 0);
    assert_int_equal(no_cache(NULL), 0);
    assert_int_equal(run("%s at %s 2 >/dev/null 2>&1", EXAMREPLAY_PATH, brief), 0);
    assert_int_equal(run("find %s/cache -type f 2>/dev/null | grep -q .", root), 1);
    assert_int_equal(differ("first", "second"), 0);
}

static void damage_cache(uint64_t random)
{
    assert_int_equal(run("f=$(find %s/cache -type f); at=$((%llu %% $(stat -c %%s \"$f\"))); "
                         "old=$(od -An -tu1 -j$at -N1 \"$f\"); "
                         "printf \"\\\\$(printf %%o $((old ^ (1 + %llu %% 255))))\" | "
                         "dd of=\"$f\" bs=1 seek=$at conv=notrunc 2>/dev/null",
                         root, (unsigned long long)(random >> 8),
                         (unsigned long long)(random & 0xff)),
                     0);
}

/* Whatever byte of what is kept was changed: `at` says what the log says. */
static void test_index__any_damage_changes_nothing(void **state)
{
    uint64_t seed = fixture_seed_of("index");
    (void)state;
    assert_int_equal(at("260000", "", "sound"), 0);
    for (int i = 0; i < 6; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        damage_cache(seed >> 16);
        assert_int_equal(at("260000", "", "damaged"), 0);
        assert_int_equal(differ("sound", "damaged"), 0);
    }
}

/* Files that were not used for longest go first. */
static void test_index__few_are_kept(void **state)
{
    (void)state;
    assert_int_equal(at("2", "", "first"), 0);
    assert_int_equal(run("cd %s/cache/shunyan/examreplay && for i in $(seq 10 40); do "
                         "touch -d @$i 000000000000000000000000000000$i.states; done",
                         root),
                     0);
    assert_int_equal(run("%s at %s 2 >/dev/null 2>&1", EXAMREPLAY_PATH, odd), 0);
    assert_int_equal(run("cd %s/cache/shunyan/examreplay && test $(ls | wc -l) = %d && "
                         "test ! -e 00000000000000000000000000000010.states && "
                         "test -e 00000000000000000000000000000040.states",
                         root, STATE_CACHE_FILES_MAX),
                     0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, no_cache)
    const struct CMUnitTest tests[] = {
        TEST(test_index__says_what_the_log_says),
        TEST(test_index__is_made_on_the_way),
        TEST(test_index__is_made_by_at),
        TEST(test_index__shows_nothing_without_the_log),
        TEST(test_index__ends_where_the_log_is_wrong),
        TEST(test_index__goes_without_a_safe_folder),
        TEST(test_index__any_damage_changes_nothing),
        TEST(test_index__few_are_kept),
    };
    return cmocka_run_group_tests(tests, make_all, remove_all);
}
