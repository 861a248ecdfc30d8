/* test_replay_salvage.c - what is left of damaged files: all that is taken for proven is what was
 * written, whatever the damage, and nothing is written where it was found. And the exports. */
#include "replay_fixture.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUSY_SITE                                                                                  \
    "nodes A B\n"                                                                                  \
    "batch B1 allot 60:00\n"                                                                       \
    "room R1 seats 3\n"                                                                            \
    "sitting 1001 batch B1 seat R1-01\n"                                                           \
    "sitting 1002 batch B1 seat R1-02\n"                                                           \
    "0:00     start B1\n"                                                                          \
    "0:00     sign-in 1001\n"                                                                      \
    "0:00     sign-in 1002\n"                                                                      \
    "0:30     answer 1001 q1 A\n"                                                                  \
    "1:00     pause R1\n"                                                                          \
    "1:10     resume R1\n"                                                                         \
    "3:00.700 seat-dies R1-01\n"                                                                   \
    "4:00     seat-boots R1-01\n"                                                                  \
    "6:00.300 node-dies A\n"                                                                       \
    "6:47     promote B attest\n"                                                                  \
    "7:30     expect sitting 1002 lost 0:42\n"

/* ---------------------------------------------------------------- programs and files */

__attribute__((format(printf, 1, 2))) static int run(const char *format, ...)
{
    char command[4 * FIXTURE_PATH_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    int status = system(command);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static uint8_t *file_read(const char *folder, const char *name, size_t *n)
{
    char path[2 * FIXTURE_PATH_BYTES];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fstat(fileno(f), &st), 0);
    *n = (size_t)st.st_size;
    uint8_t *bytes = malloc(*n + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *n, f), *n);
    bytes[*n] = '\0';
    fclose(f);
    return bytes;
}

static void file_write(const char *folder, const char *name, const uint8_t *bytes, size_t n)
{
    char path[2 * FIXTURE_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* ---------------------------------------------------------------- salvage */

struct sound { /* a folder as it was */
    char folder[FIXTURE_PATH_BYTES];
    store_image *image;
    uint8_t *data;
    size_t bytes, records;
};

static void sound_make(struct sound *s)
{
    s->image = fixture_disk_of_text(BUSY_SITE, 1);
    fixture_folder_make(s->image, s->folder);
    s->data = file_read(s->folder, "data.mdb", &s->bytes);
    s->records = store_image_records(s->image, false);
}

static void sound_free(struct sound *s)
{
    fixture_folder_remove(s->folder);
    store_image_free(s->image);
    free(s->data);
}

static void assert_written(const struct sound *s, uint64_t lsn, const uint8_t hash[HASH_BYTES])
{
    struct record r;
    assert_true(lsn >= 1 && lsn <= s->records);
    store_image_record_at(s->image, false, (size_t)lsn - 1, &r);
    assert_memory_equal(hash, r.hash, HASH_BYTES);
}

struct checking {
    const struct sound *s;
    uint64_t n;
};

static exam_err check_record(void *ctx, const struct record *r)
{
    struct checking *c = ctx;
    assert_written(c->s, r->lsn, r->hash);
    c->n++;
    return EXAM_OK;
}

/* How many records are proven in the new folder; each is what was written. */
static uint64_t proven_in(const struct sound *sound, const char *folder)
{
    struct checking c = {.s = sound};
    char why[256];
    store *s;
    assert_int_equal(store_open_to_read(folder, &s, why, sizeof why), EXAM_OK);
    uint64_t last = store_last(s).lsn;
    if (last > 0)
        assert_int_equal(store_read_log(s, 1, last, check_record, &c), EXAM_OK);
    assert_int_equal(c.n, last);
    store_close(s);
    return last;
}

/* What follows its predecessor in a fragment is what was written, too. */
static void check_fragments(const struct sound *s, const char *folder)
{
    size_t n;
    char *text = (char *)file_read(folder, "fragments.jsonl", &n), *rest = text, *line;
    while ((line = strsep(&rest, "\n")) && line[0] != '\0') {
        uint8_t hash[HASH_BYTES];
        json_t *j = json_loads(line, 0, NULL);
        assert_non_null(j);
        const char *hex = json_string_value(json_object_get(j, "hash"));
        for (size_t i = 0; i < HASH_BYTES; i++)
            assert_int_equal(sscanf(hex + 2 * i, "%2hhx", &hash[i]), 1);
        if (json_is_true(json_object_get(j, "follows_its_predecessor")))
            assert_written(s, (uint64_t)json_integer_value(json_object_get(j, "lsn")), hash);
        json_decref(j);
    }
    free(text);
}

static uint64_t rng;

static size_t chance(size_t below)
{
    rng = rng * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (size_t)(rng >> 33) % below;
}

/* Cut off, zeroed, overwritten, flipped: one or some of it. */
static size_t damage(uint8_t *data, size_t bytes)
{
    enum { PAGE = 4096 };
    size_t pages = bytes / PAGE;
    for (size_t i = chance(12); i > 0; i--)
        data[chance(bytes)] ^= (uint8_t)(1u << chance(8));
    for (size_t i = chance(3); i > 0; i--)
        memset(data + chance(pages) * PAGE, 0, PAGE);
    for (size_t i = chance(3); i > 0; i--) {
        uint8_t *page = data + chance(pages) * PAGE;
        for (size_t k = 0; k < PAGE; k++)
            page[k] = (uint8_t)chance(256);
    }
    return chance(3) == 0 ? bytes - chance(bytes / 2) : bytes;
}

static void folder_drop(const char *folder)
{
    assert_int_equal(run("rm -rf '%s'", folder), 0);
}

static void salvage_damaged(const struct sound *s, uint64_t *proven)
{
    char from[FIXTURE_PATH_BYTES + 8], to[FIXTURE_PATH_BYTES + 8];
    uint8_t *data = malloc(s->bytes);
    size_t n, after_n;
    assert_non_null(data);
    memcpy(data, s->data, s->bytes);
    n = damage(data, s->bytes);
    snprintf(from, sizeof from, "%s.bad", s->folder);
    snprintf(to, sizeof to, "%s.new", s->folder);
    assert_int_equal(mkdir(from, 0700), 0);
    file_write(from, "data.mdb", data, n);
    int code = run("%s salvage %s -o %s >/dev/null 2>&1", EXAMREPLAY_PATH, from, to);
    assert_true(code == 0 || code == 1 || code == 65);
    if (code != 65) {
        *proven = proven_in(s, to);
        check_fragments(s, to);
        if (*proven > 0 && run("%s verify %s >/dev/null 2>&1", EXAMREPLAY_PATH, to) != 0)
            fail_msg("what was salvaged does not verify");
    }
    uint8_t *after = file_read(from, "data.mdb", &after_n);
    assert_int_equal(after_n, n);
    assert_memory_equal(after, data, n);
    assert_int_equal(run("test \"$(ls -A %s)\" = data.mdb", from), 0);
    free(after);
    free(data);
    folder_drop(from);
    if (code != 65)
        folder_drop(to);
}

/* D8: whatever befell a file, what is taken for proven is what was written, and verifies. */
static void test_salvage__only_what_was_written_is_taken_for_proven(void **state)
{
    enum { ROUNDS = 12 };
    struct sound s;
    uint64_t most = 0, least = UINT64_MAX;
    (void)state;
    rng = fixture_seed_of("salvage");
    sound_make(&s);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t proven = 0;
        salvage_damaged(&s, &proven);
        most = proven > most ? proven : most;
        least = proven < least ? proven : least;
    }
    print_message("%d damaged folders: %llu to %llu of %zu records proven\n", ROUNDS,
                  (unsigned long long)least, (unsigned long long)most, s.records);
    sound_free(&s);
}

/* What one server's disk has lost, the other's may have. */
static void test_salvage__two_halves_make_a_whole(void **state)
{
    struct sound s;
    char bad[FIXTURE_PATH_BYTES + 8], to[FIXTURE_PATH_BYTES + 8], half[FIXTURE_PATH_BYTES + 16];
    (void)state;
    sound_make(&s);
    snprintf(bad, sizeof bad, "%s.bad", s.folder);
    snprintf(to, sizeof to, "%s.new", s.folder);
    snprintf(half, sizeof half, "%s/half", bad);
    assert_int_equal(mkdir(bad, 0700), 0);
    file_write(bad, "data.mdb", s.data, s.bytes / 2 / 4096 * 4096);
    file_write(bad, "half", s.data + s.bytes / 2 / 4096 * 4096,
               s.bytes - s.bytes / 2 / 4096 * 4096); /* the other part of a disk: a file */
    assert_int_equal(run("%s salvage %s %s -o %s >/dev/null", EXAMREPLAY_PATH, bad, half, to), 0);
    assert_int_equal(proven_in(&s, to), s.records);
    assert_int_equal(run("%s verify %s %s >/dev/null", EXAMREPLAY_PATH, to, s.folder), 0);
    assert_int_equal(run("%s salvage %s -o %s 2>/dev/null", EXAMREPLAY_PATH, bad, to), 70);
    folder_drop(bad);
    folder_drop(to);
    sound_free(&s);
}

/* ---------------------------------------------------------------- exports */

static int64_t asked(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t figure = sqlite3_column_int64(s, 0);
    assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
    return figure;
}

/* All events, the accounts, and views that hold together; and nothing that is sealed. */
static void test_export__a_database_has_events_and_accounts(void **state)
{
    struct sound s;
    char path[FIXTURE_PATH_BYTES + 8];
    sqlite3 *db;
    (void)state;
    sound_make(&s);
    snprintf(path, sizeof path, "%s.db", s.folder);
    assert_int_equal(run("%s export %s --format sqlite 2>/dev/null", EXAMREPLAY_PATH, s.folder), 2);
    assert_int_equal(run("%s export %s --format sqlite -o %s", EXAMREPLAY_PATH, s.folder, path), 0);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(asked(db, "SELECT COUNT(*) FROM event"), s.records);
    assert_int_equal(asked(db, "SELECT COUNT(*) FROM sitting"), 2);
    assert_int_equal(asked(db, "SELECT COUNT(*) FROM wrong_accounts"), 0);
    assert_int_equal(asked(db, "SELECT lost_ms FROM sitting WHERE admission_no = '1002'"), 42000);
    assert_int_equal(asked(db, "SELECT SUM(lost_ms) FROM interruptions"),
                     asked(db, "SELECT SUM(lost_ms) FROM lost_by_room"));
    assert_int_equal(asked(db, "SELECT COUNT(*) FROM interruption WHERE lsn = 0"), 0);
    assert_true(asked(db, "SELECT COUNT(*) FROM decisions WHERE text LIKE '%PAUSED%'") >= 1);
    assert_true(asked(db, "SELECT COUNT(*) FROM story WHERE admission_no = '1001'") >= 3);
    assert_int_equal(asked(db, "SELECT COUNT(*) FROM event WHERE event LIKE '%\"session\":%' OR "
                               "event LIKE '%\"value\":%' OR event LIKE '%site_key\":%'"),
                     0);
    sqlite3_close(db);
    assert_int_equal(remove(path), 0);
    sound_free(&s);
}

/* ---------------------------------------------------------------- diff */

static json_t *diff(const char *folder, const char *from, const char *to, int expected)
{
    char command[3 * FIXTURE_PATH_BYTES];
    snprintf(command, sizeof command, "%s diff --json %s %s %s 2>/dev/null", EXAMREPLAY_PATH,
             folder, from, to);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    json_t *j = json_loadf(f, 0, NULL);
    int status = pclose(f);
    assert_int_equal(WEXITSTATUS(status), expected);
    return j;
}

static json_int_t of_sitting(const json_t *d, const char *admission_no, const char *key)
{
    size_t i;
    json_t *one;
    json_array_foreach(
        json_object_get(d, "sittings"), i,
        one) if (strcmp(json_string_value(json_object_get(one, "admission_no")), admission_no) ==
                 0) return json_integer_value(json_object_get(one, key));
    return -1;
}

/* What happened between two instants, and that two stretches add up to the whole. */
static void test_diff__stretches_add_up(void **state)
{
    struct sound s;
    (void)state;
    sound_make(&s);
    json_t *whole = diff(s.folder, "1", "999999", 0);
    json_t *first = diff(s.folder, "1", "+5:00", 0), *second = diff(s.folder, "+5:00", "999999", 0);
    assert_int_equal(of_sitting(whole, "1002", "lost_ms"), 42000);
    assert_int_equal(of_sitting(first, "1002", "lost_ms"), 10000);
    assert_int_equal(of_sitting(second, "1002", "lost_ms"), 32000);
    assert_int_equal(of_sitting(first, "1001", "used_ms") + of_sitting(second, "1001", "used_ms"),
                     of_sitting(whole, "1001", "used_ms"));
    assert_int_equal(of_sitting(first, "1001", "answers"), 1);
    json_decref(whole);
    json_decref(first);
    json_decref(second);
    assert_null(diff(s.folder, "+5:00", "+4:00", 2));
    sound_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_salvage__only_what_was_written_is_taken_for_proven),
        cmocka_unit_test(test_salvage__two_halves_make_a_whole),
        cmocka_unit_test(test_export__a_database_has_events_and_accounts),
        cmocka_unit_test(test_diff__stretches_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
