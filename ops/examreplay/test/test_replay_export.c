/* test_replay_export.c - a whole export is read in its folder's place, and whatever was done to it
 * is found where it was done. */
#include "exported.h"

#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "export_form.h"
#include "export_store.h"
#include "stage.h"

/* ---------------------------------------------------------------- reading back */

static void look_at_all(void *ctx, struct stage *s)
{
    unsigned *disks = ctx;
    for (uint32_t i = 0; i < world_nodes(s->w); i++) {
        if (store_image_records(world_disk(s->w, i), false) == 0)
            continue;
        exported_check_disk(world_disk(s->w, i));
        (*disks)++;
    }
}

static void check_drill(const char *name)
{
    unsigned disks = 0;
    fixture_play_file(name, look_at_all, &disks);
    assert_true(disks > 0);
}

/* D8: of every disk of every drill, dead branches and tables included. */
static void test_replay_export__reads_back_as_the_disk(void **state)
{
    (void)state;
    fixture_each_drill(check_drill);
}

/* ---------------------------------------------------------------- the program */

#define DAY                                                                                        \
    "nodes A B\n"                                                                                  \
    "batch B1 allot 60:00\n"                                                                       \
    "room R1 seats 2\n"                                                                            \
    "sitting 1001 batch B1 seat R1-01\n"                                                           \
    "sitting 1002 batch B1 seat R1-02\n"                                                           \
    "0:00     start B1\n"                                                                          \
    "0:00     sign-in 1001\n"                                                                      \
    "0:00     sign-in 1002\n"                                                                      \
    "0:10     pause R1\n"                                                                          \
    "0:15.250 resume R1\n"                                                                         \
    "0:20.700 seat-dies R1-01\n"                                                                   \
    "0:30     seat-boots R1-01\n"                                                                  \
    "0:35     grant 1001 5:00 noise\n"                                                             \
    "0:40     expect sitting 1001 lost 0:15.250\n"

/* What a command prints, and its exit status; the caller's. */
static char *told_of(const char *command, const char *source, const char *more, int *status)
{
    char line[4 * FIXTURE_PATH_BYTES], *text = NULL;
    size_t room = 0;
    snprintf(line, sizeof line, "%s %s %s %s 2>&1", EXAMREPLAY_PATH, command, source, more);
    FILE *f = popen(line, "r");
    assert_non_null(f);
    ssize_t n = getdelim(&text, &room, '\0', f);
    int ended = pclose(f);
    *status = WEXITSTATUS(ended);
    if (n < 0)
        strcpy(text, "");
    return text;
}

/* Both names are of one length. */
static void name_as(char *text, const char *was, const char *is)
{
    assert_int_equal(strlen(was), strlen(is));
    for (char *at = text; (at = strstr(at, was)); at += strlen(is))
        memcpy(at, is, strlen(is));
}

/* Each command tells of the export what it tells of the folder. */
static void test_replay_export__every_command_reads_it(void **state)
{
    static const char *const commands[][2] = {{"verify", ""},
                                              {"verify", "--json"},
                                              {"account", "1001"},
                                              {"account", "nobody"},
                                              {"account", "1002 --json"},
                                              {"timeline", "--kind all"},
                                              {"timeline", "--json"},
                                              {"at", "20"},
                                              {"at", "+0:12.000"},
                                              {"diff", "5 30"},
                                              {"export", "--whole"},
                                              {"export", "--format csv"},
                                              {"report", ""},
                                              {"report", "--sitting 1001"}};
    (void)state;
    store_image *image = fixture_disk_of_text(DAY, 0);
    struct exported e;
    char folder[FIXTURE_PATH_BYTES];
    exported_make(&e, image);
    fixture_folder_make(image, folder);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        int of_folder, of_export;
        char *a = told_of(commands[i][0], folder, commands[i][1], &of_folder);
        char *b = told_of(commands[i][0], e.path, commands[i][1], &of_export);
        name_as(a, folder, e.path);
        assert_int_equal(of_folder, of_export);
        assert_string_equal(a, b);
        assert_true(strlen(a) > 20);
        free(a);
        free(b);
    }
    fixture_folder_remove(folder);
    exported_remove(&e);
    store_image_free(image);
}

/* ---------------------------------------------------------------- what was done to it */

enum { TRIES = 60 };

static uint64_t line_of(const char *text, size_t at)
{
    uint64_t line = 1;
    for (size_t i = 0; i < at; i++)
        line += text[i] == '\n';
    return line;
}

static size_t head_bytes(const struct exported *e)
{
    return (size_t)(strchr(e->text, '\n') - e->text) + 1;
}

/* The file is damaged at the line that this byte of the true one is in, which verify says, with the
 * record, if it is one. */
static void assert_found_at(const struct exported *e, size_t at, uint64_t records)
{
    struct proof p;
    char expected[64];
    uint64_t line = line_of(e->text, at);
    assert_int_equal(proof_make(&p, e->path, &fixture_options), EXIT_CODE_DONE);
    assert_false(proof_holds(&p));
    snprintf(expected, sizeof expected, "line %" PRIu64 " of the export", line);
    bool named = false;
    for (size_t i = 0; i < p.reader.findings.kept_n; i++) {
        const struct finding *f = &p.reader.findings.kept[i];
        named |=
            strstr(f->text, expected) != NULL && f->lsn == (line - 1 <= records ? line - 1 : 0);
    }
    if (!named) {
        proof_print_details(&p, stdout);
        fail_msg("it was not found at line %" PRIu64 ", byte %zu", line, at);
    }
    if (line - 1 <= records)
        assert_int_equal(p.reader.replay.lsn, line - 2); /* all before it is proven */
    proof_free(&p);
}

/* Nothing can be read without the head: that is said when it is opened. */
static void assert_head_refused(const struct exported *e)
{
    struct export_damage damage;
    char why[512] = "";
    store *s;
    exam_err err = export_store_open(e->path, &s, &damage, why, sizeof why);
    assert_true(err == EXAM_NOT_FOUND || err == EXAM_CORRUPT || err == EXAM_VERSION);
    assert_true(err == EXAM_NOT_FOUND || strstr(why, e->path));
}

/* A branch and tables are in it, too. */
static void take_first(void *ctx, struct stage *s)
{
    assert_int_equal(store_image_clone(world_disk(s->w, 0), (store_image **)ctx), EXAM_OK);
}

static store_image *branched_disk(void)
{
    store_image *image = NULL;
    fixture_play_file("08-moved-seat-and-dead-branch.drill", take_first, &image);
    assert_true(store_image_records(image, true) > 0);
    return image;
}

static uint64_t random_below(uint64_t *seed, uint64_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*seed >> 24) % below;
}

/* D8: wherever a file was cut off, the line and the record are named, and what lies before is
 * proven. */
static void test_replay_export__a_cut_is_found_where_it_is(void **state)
{
    store_image *image = branched_disk();
    uint64_t seed = fixture_seed_of("cut exports"), records = store_image_records(image, false);
    struct exported e;
    (void)state;
    exported_make(&e, image);
    for (int i = 0; i < TRIES; i++) {
        size_t at = i == 0 ? e.bytes - 1 : random_below(&seed, e.bytes);
        exported_put(&e, e.text, at);
        if (at < head_bytes(&e))
            assert_head_refused(&e);
        else
            assert_found_at(&e, at, records);
    }
    exported_remove(&e);
    store_image_free(image);
}

/* D8: so is one changed byte, wherever it is. */
static void test_replay_export__a_changed_byte_is_found_where_it_is(void **state)
{
    store_image *image = branched_disk();
    uint64_t seed = fixture_seed_of("changed exports"), records = store_image_records(image, false);
    struct exported e;
    (void)state;
    exported_make(&e, image);
    for (int i = 0; i < TRIES; i++) {
        size_t at = random_below(&seed, e.bytes);
        char was = e.text[at];
        e.text[at] = (char)(was ^ (1 + (int)random_below(&seed, 255)));
        exported_put(&e, e.text, e.bytes);
        e.text[at] = was;
        if (at < head_bytes(&e))
            assert_head_refused(&e);
        else
            assert_found_at(&e, at, records);
    }
    exported_remove(&e);
    store_image_free(image);
}

static size_t line_at(const struct exported *e, uint64_t line)
{
    const char *at = e->text;
    for (uint64_t i = 1; i < line; i++)
        at = strchr(at, '\n') + 1;
    return (size_t)(at - e->text);
}

/* Lines that were taken out, doubled, or added behind the last one. */
static void test_replay_export__lines_belong_where_they_are(void **state)
{
    store_image *image = branched_disk();
    uint64_t records = store_image_records(image, false), last = 0;
    struct exported e;
    (void)state;
    exported_make(&e, image);
    last = line_of(e.text, e.bytes - 1);
    char *other = malloc(2 * e.bytes);
    for (uint64_t line = 2; line <= last; line += 1 + last / 12) {
        size_t from = line_at(&e, line), to = line_at(&e, line + 1);
        memcpy(other, e.text, from); /* taken out */
        memcpy(other + from, e.text + to, e.bytes - to);
        exported_put(&e, other, e.bytes - (to - from));
        assert_found_at(&e, from, records);
        memcpy(other, e.text, to); /* doubled */
        memcpy(other + to, e.text + from, e.bytes - from);
        exported_put(&e, other, e.bytes + (to - from));
        assert_found_at(&e, to, records);
    }
    free(other);
    exported_remove(&e);
    store_image_free(image);
}

/* ---------------------------------------------------------------- made anew */

/* The line with a bit of its record's last byte turned, and without its check; the caller's. */
static char *with_other_raw(const struct exported *e, uint64_t line)
{
    uint8_t raw[RECORD_BYTES_MAX];
    char text[2 * RECORD_BYTES_MAX];
    const char *at = e->text + line_at(e, line);
    size_t bytes;
    json_t *o = json_loadb(at, (size_t)(strchr(at, '\n') - at), 0, NULL);
    const char *was = json_string_value(json_object_get(o, "raw"));
    assert_non_null(was);
    assert_int_equal(sodium_base642bin(raw, sizeof raw, was, strlen(was), NULL, &bytes, NULL,
                                       sodium_base64_VARIANT_ORIGINAL),
                     0);
    raw[bytes - 1] ^= 1;
    sodium_bin2base64(text, sizeof text, raw, bytes, sodium_base64_VARIANT_ORIGINAL);
    json_object_set_new(o, "raw", json_string(text));
    json_object_del(o, "check");
    char *changed = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return changed;
}

/* The file with another text for that line, and every check made anew. */
static void put_anew(const struct exported *e, uint64_t line, const char *other)
{
    struct export_check check = {.value = {0}};
    char *out = NULL, tail[EXPORT_TAIL_BYTES + 1];
    size_t n = 0;
    uint64_t i = 1;
    FILE *f = open_memstream(&out, &n);
    for (const char *at = e->text, *end; (end = strchr(at, '\n')); at = end + 1, i++) {
        const char *text = i == line ? other : at;
        size_t bytes = i == line ? strlen(other) - 1 : (size_t)(end - at) - EXPORT_TAIL_BYTES;
        export_check_next(&check, text, bytes, tail);
        fprintf(f, "%.*s%s\n", (int)bytes, text, tail);
    }
    assert_int_equal(fclose(f), 0);
    exported_put(e, out, n);
    free(out);
}

/* D8: the lines' checks have no key, and whoever changes a record can make them anew. The chain is
 * what finds it. */
static void test_replay_export__a_file_made_anew_breaks_the_chain(void **state)
{
    store_image *image = fixture_disk_of_text(DAY, 0);
    struct exported e;
    (void)state;
    exported_make(&e, image);
    for (uint64_t line = 3; line < 30; line += 5) {
        struct proof p;
        char *text = with_other_raw(&e, line);
        put_anew(&e, line, text);
        assert_int_equal(proof_make(&p, e.path, &fixture_options), EXIT_CODE_DONE);
        assert_false(proof_holds(&p));
        assert_int_equal(p.reader.replay.lsn, line - 2);
        assert_int_equal(p.reader.findings.kept[0].lsn, line - 1);
        proof_free(&p);
        free(text);
    }
    exported_remove(&e);
    store_image_free(image);
}

/* Whatever else a line says, with its check right: no command takes it for a record or an entry. */
static void test_replay_export__hostile_lines(void **state)
{
    static const char *const heads[] = {
        "{\"shunyan_export\":2,\"log_version\":1}",
        "{\"shunyan_export\":\"1\"}",
        "{\"shunyan_export\":1,\"log_version\":1,\"records\":-1}",
        "{\"shunyan_export\":1,\"log_version\":1,\"records\":9223372036854775807,\"branch_"
        "records\":0,"
        "\"meta_entries\":0,\"state_entries\":0,\"last_epoch\":1,\"last_hash\":\"00\"}",
    };
    static const char *const records[] = {
        "{\"lsn\":4}",
        "{\"lsn\":4,\"raw\":7}",
        "{\"lsn\":4,\"raw\":\"####\"}",
        "{\"lsn\":4,\"raw\":\"\"}",
        "{\"lsn\":5,\"raw\":\"AAAA\"}",
        "{\"lsn\":\"4\",\"raw\":\"AAAA\"}",
        "{\"lsn\":4,\"lsn\":4,\"raw\":\"AAAA\"}",
        "{\"a\":[[[[[[[[}",
        "[1,2}",
    };
    static const char *const entries[] = {
        "{\"table\":\"meta\",\"key\":\"\",\"value\":\"\"}",
        "{\"table\":\"meta\",\"key\":\"0\",\"value\":\"\"}",
        "{\"table\":\"meta\",\"key\":\"zz\",\"value\":\"\"}",
        "{\"table\":\"meta\",\"key\":\"00\",\"value\":\"A\"}", /* and before the ones before it */
        "{\"table\":\"meta\",\"key\":7,\"value\":\"\"}",
    };
    (void)state;
    store_image *image = fixture_disk_of_text(DAY, 0);
    uint64_t n = store_image_records(image, false);
    struct exported e;
    struct proof p;
    exported_make(&e, image);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        put_anew(&e, 1, heads[i]);
        assert_head_refused(&e);
    }
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        put_anew(&e, 5, records[i]);
        assert_int_equal(proof_make(&p, e.path, &fixture_options), EXIT_CODE_DONE);
        assert_false(proof_holds(&p));
        assert_int_equal(p.reader.replay.lsn, 3);
        proof_free(&p);
    }
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        put_anew(&e, n + 3, entries[i]);
        assert_found_at(&e, line_at(&e, n + 3), n);
    }
    exported_remove(&e);
    store_image_free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay_export__reads_back_as_the_disk),
        cmocka_unit_test(test_replay_export__every_command_reads_it),
        cmocka_unit_test(test_replay_export__a_cut_is_found_where_it_is),
        cmocka_unit_test(test_replay_export__a_changed_byte_is_found_where_it_is),
        cmocka_unit_test(test_replay_export__lines_belong_where_they_are),
        cmocka_unit_test(test_replay_export__a_file_made_anew_breaks_the_chain),
        cmocka_unit_test(test_replay_export__hostile_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
