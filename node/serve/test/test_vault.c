/* What is personal goes into a log sealed, and comes out as it went in: on this node and on one
 * that has only followed it, after a restart, and of a site that had a log before it had a data
 * key. No byte of a data folder has it in the clear; of a site without a data key the same search
 * finds it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <sodium.h>

#include "engine.h"
#include "engine_site.h"
#include "folder.h"
#include "vault.h"

enum { PAPER_BYTES = 70000, CHUNK_BYTES = 30000, TIMED = 5000, ITEMS = 60 };

static const uint8_t SITE[SITE_ID_BYTES] = {7}, KEY[DATA_KEY_BYTES] = {1, 2, 3};
static const uint8_t SESSION[SESSION_BYTES] = {1, 2, 3};
static const char NAME[] = "Ouyang Zhenhua", ID_NO[] = "33010619991231876X";
static const char ANSWER[] = "the capacitor is discharged first";
static const char PAPER_WORDS[] = "A fuse in the neutral conductor is forbidden.";

static uint8_t paper[PAPER_BYTES];

/* --- a site with one batch, one candidate and one paper --- */

static struct engine *open_engine(const char *dir, struct vault *v)
{
    struct engine *e = engine_in_folder("A", dir);
    if (v)
        engine_on_append(e, vault_seal, v);
    return e;
}

static char *text_of(const char *text)
{
    return (char *)(uintptr_t)text;
}

static void found(struct engine *e)
{
    engine_found(e, "A", SITE, "tester");
}

static void paper_make(void)
{
    for (size_t i = 0; i < sizeof paper; i++)
        paper[i] = (uint8_t)PAPER_WORDS[i % (sizeof PAPER_WORDS - 1)];
}

struct paper_parts {
    Ev__PaperAdded head;
    Ev__Item item[ITEMS], *items[ITEMS];
    char ids[ITEMS][16];
    Ev__PaperChunk chunk[(PAPER_BYTES + CHUNK_BYTES - 1) / CHUNK_BYTES];
    const Ev__PaperChunk *chunks[(PAPER_BYTES + CHUNK_BYTES - 1) / CHUNK_BYTES];
    const Ev__PaperAdded *heads[1];
    uint8_t digest[HASH_BYTES];
};

static void parts_make(struct paper_parts *p)
{
    ev__paper_added__init(&p->head);
    crypto_generichash(p->digest, HASH_BYTES, paper, sizeof paper, NULL, 0);
    p->head.paper = text_of("P1");
    p->head.title = text_of("");
    p->head.bytes = sizeof paper;
    p->head.digest = (ProtobufCBinaryData){.data = p->digest, .len = HASH_BYTES};
    for (int i = 0; i < ITEMS; i++) {
        ev__item__init(&p->item[i]);
        snprintf(p->ids[i], sizeof p->ids[i], "q%d", i);
        p->item[i].id = p->ids[i];
        p->item[i].kind = EV__ITEM_KIND__ITEM_KIND_SINGLE;
        p->item[i].subject = text_of("s");
        p->items[i] = &p->item[i];
    }
    p->head.items = p->items;
    p->head.n_items = ITEMS;
    p->heads[0] = &p->head;
    for (size_t i = 0; i < sizeof p->chunk / sizeof *p->chunk; i++) {
        size_t at = i * CHUNK_BYTES, left = sizeof paper - at;
        ev__paper_chunk__init(&p->chunk[i]);
        p->chunk[i].paper = text_of("P1");
        p->chunk[i].offset = (uint32_t)at;
        p->chunk[i].data.data = paper + at;
        p->chunk[i].data.len = left < CHUNK_BYTES ? left : CHUNK_BYTES;
        p->chunks[i] = &p->chunk[i];
    }
}

static void import(struct engine *e)
{
    static struct paper_parts p;
    Ev__RoomAdded room = EV__ROOM_ADDED__INIT;
    const Ev__RoomAdded *rooms[] = {&room};
    Ev__NewSitting one = EV__NEW_SITTING__INIT, two;
    parts_make(&p);
    room.room = text_of("R1");
    room.seats = 4;
    one.admission_no = text_of("1001");
    one.id_no = text_of(ID_NO);
    one.name = text_of(NAME);
    one.seat = text_of("R1-01");
    one.paper = text_of("P1");
    two = one;
    two.admission_no = text_of("1002");
    two.seat = text_of("R1-02");
    const struct exam_import_sitting sittings[] = {{&one, 2}, {&two, 3}};
    const struct exam_import im = {.batch = "B1",
                                   .title = "",
                                   .who = "tester",
                                   .allot_ms = 3600000,
                                   .rooms = rooms,
                                   .rooms_n = 1,
                                   .papers = p.heads,
                                   .papers_n = 1,
                                   .chunks = p.chunks,
                                   .chunks_n = sizeof p.chunk / sizeof *p.chunk,
                                   .sittings = sittings,
                                   .sittings_n = 2};
    struct exam_command c = {.kind = EXAM_CMD_IMPORT, .u.import = &im};
    engine_do(e, &c);
    engine_start_batch(e, "B1");
}

static exam_err sign_in(struct engine *e, const struct vault *v, const char *id_no)
{
    char id[NAME_BYTES_MAX + 1];
    struct exam_command c = {.kind = EXAM_CMD_SIGN_IN};
    c.u.sign_in.seat = "R1-01";
    c.u.sign_in.admission_no = "1001";
    c.u.sign_in.id_no = vault_id_given(v, engine_exam(e), "1001", id_no, id);
    c.u.sign_in.session = SESSION;
    return engine_try(e, &c);
}

static struct vault *vault_of(const uint8_t key[DATA_KEY_BYTES])
{
    uint8_t id[DATA_ID_BYTES];
    struct vault *v;
    sealed_key_id(key, SITE, id);
    assert_int_equal(vault_new(SITE, id, &v), EXAM_OK);
    return v;
}

static struct vault *unlocked(void)
{
    struct vault *v = vault_of(KEY);
    assert_int_equal(vault_unlock(v, KEY), EXAM_OK);
    return v;
}

/* A day: signed in, some answers, one of them refused, one taken back. */
static void sit(struct engine *e, const struct vault *v)
{
    assert_int_equal(sign_in(e, v, "330106199912318761"), EXAM_AUTH);
    assert_int_equal(sign_in(e, v, ID_NO), EXAM_OK);
    assert_int_equal(engine_answer(e, 1, "q1", ANSWER), EXAM_OK);
    assert_int_equal(engine_answer(e, 2, "q2", "B"), EXAM_OK);
    assert_int_equal(engine_answer(e, 3, "q3", "C"), EXAM_OK);
    assert_int_equal(engine_answer(e, 4, "q3", ""), EXAM_OK);
    assert_int_equal(engine_answer(e, 5, "no-such-item", ANSWER), EXAM_NOT_FOUND);
}

/* --- what comes out --- */

static void expect_answer(const struct engine *e, const struct vault *v, uint32_t place,
                          const char *expected)
{
    struct exam_answer_view a;
    uint8_t buffer[ANSWER_BYTES_MAX];
    const uint8_t *value;
    size_t n;
    assert_int_equal(exam_answer_at(engine_exam(e), 1, place, &a), EXAM_OK);
    assert_int_equal(vault_open_answer(v, engine_exam(e), 1, &a, buffer, &value, &n), EXAM_OK);
    assert_int_equal(n, strlen(expected));
    assert_memory_equal(value, expected, n);
}

static void expect_paper(const struct engine *e, const struct vault *v)
{
    static uint8_t part[PAPER_CHUNK_BYTES_MAX];
    struct exam_sitting_view s;
    exam_sitting_view(engine_exam(e), 1, engine_now_ms(e), &s);
    for (uint32_t at = 0; at < s.paper_bytes;) {
        const uint8_t *bytes;
        size_t n;
        assert_int_equal(exam_paper_at(engine_exam(e), 1, at, &bytes, &n), EXAM_OK);
        n = n < 999 ? n : 999; /* not as it was imported */
        memcpy(part, bytes, n);
        assert_int_equal(vault_open_paper(v, &s, at, part, n), EXAM_OK);
        assert_memory_equal(part, paper + at, n);
        at += (uint32_t)n;
    }
}

static void expect_all(const struct engine *e, const struct vault *v)
{
    char name[PERSON_BYTES_MAX + 1];
    struct exam_sitting_view s;
    exam_sitting_view(engine_exam(e), 1, engine_now_ms(e), &s);
    assert_string_equal(vault_open_name(v, &s, name), NAME);
    assert_int_equal(s.answers, 2); /* q3 was taken back */
    expect_answer(e, v, 0, ANSWER);
    expect_answer(e, v, 1, "B");
    expect_paper(e, v);
}

/* True when the folder's data file, log, tables and free pages, has these bytes. */
static bool folder_has(const char *dir, const char *words)
{
    char path[FOLDER_PATH_BYTES + 16];
    snprintf(path, sizeof path, "%s/data.mdb", dir);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    size_t n = (size_t)ftell(f);
    uint8_t *bytes = malloc(n);
    assert_non_null(bytes);
    rewind(f);
    assert_int_equal(fread(bytes, 1, n, f), n);
    fclose(f);
    bool has = memmem(bytes, n, words, strlen(words)) != NULL;
    free(bytes);
    return has;
}

static void expect_in_folder(const char *dir, bool expected)
{
    assert_int_equal(folder_has(dir, NAME), expected);
    assert_int_equal(folder_has(dir, ID_NO), expected);
    assert_int_equal(folder_has(dir, ANSWER), expected);
    assert_int_equal(folder_has(dir, PAPER_WORDS), expected);
    assert_true(folder_has(dir, "R1-01")); /* what is not personal: the search does find things */
}

/* ---------------------------------------------------------------- tests */

/* The same day, sealed and plain: the figures are the same, and only the plain folder gives the
 * candidate away. After a restart all of it opens. */
static void test_vault__nothing_personal_is_in_the_folder(void **state)
{
    char dir[FOLDER_PATH_BYTES], plain_dir[FOLDER_PATH_BYTES];
    struct vault *v = unlocked();
    (void)state;
    folder_make(dir);
    folder_make(plain_dir);
    struct engine *e = open_engine(dir, v), *plain = open_engine(plain_dir, NULL);
    found(e);
    found(plain);
    import(e);
    import(plain);
    sit(e, v);
    sit(plain, NULL);
    expect_all(e, v);
    expect_all(plain, NULL);
    assert_int_equal(engine_last(e).lsn, engine_last(plain).lsn);
    assert_int_equal(engine_commit(e), EXAM_OK);
    assert_int_equal(engine_commit(plain), EXAM_OK);
    engine_close(e); /* writes the state tables */
    engine_close(plain);
    expect_in_folder(dir, false);
    expect_in_folder(plain_dir, true);
    e = open_engine(dir, v);
    expect_all(e, v);
    assert_int_equal(engine_answer(e, 6, "q4", ANSWER), EXAM_OK);
    assert_int_equal(engine_commit(e), EXAM_OK);
    engine_close(e);
    expect_in_folder(dir, false);
    vault_free(v);
    folder_remove(dir);
    folder_remove(plain_dir);
}

static exam_err follow(void *ctx, uint64_t lsn, const uint8_t *value, size_t value_bytes)
{
    return engine_follow(ctx, lsn, value, value_bytes);
}

/* P3: a locked standby follows to the same state (D4), shows nothing, and has everything as soon as
 * the key comes; another key does not open it. */
static void test_vault__locked_standby_follows(void **state)
{
    static const uint8_t other[DATA_KEY_BYTES] = {4};
    char dir_a[FOLDER_PATH_BYTES], dir_b[FOLDER_PATH_BYTES], name[PERSON_BYTES_MAX + 1];
    uint8_t mine[HASH_BYTES], theirs[HASH_BYTES], buffer[ANSWER_BYTES_MAX];
    struct vault *v = unlocked(), *locked = vault_of(KEY);
    struct exam_sitting_view s;
    struct exam_answer_view a;
    const uint8_t *value;
    size_t n;
    (void)state;
    folder_make(dir_a);
    folder_make(dir_b);
    struct engine *primary = open_engine(dir_a, v), *standby = open_engine(dir_b, locked);
    found(primary);
    import(primary);
    sit(primary, v);
    assert_int_equal(engine_read(primary, 1, engine_last(primary).lsn, follow, standby), EXAM_OK);
    exam_digest(engine_exam(primary), mine);
    exam_digest(engine_exam(standby), theirs);
    assert_memory_equal(mine, theirs, HASH_BYTES);

    assert_true(vault_is_locked(locked));
    exam_sitting_view(engine_exam(standby), 1, 0, &s);
    assert_string_equal(vault_open_name(locked, &s, name), "(sealed)");
    assert_string_equal(vault_open_name(NULL, &s, name), "(sealed)");
    assert_string_equal(vault_open_id(&s), "");
    assert_int_equal(exam_answer_at(engine_exam(standby), 1, 0, &a), EXAM_OK);
    assert_int_equal(vault_open_answer(locked, engine_exam(standby), 1, &a, buffer, &value, &n),
                     EXAM_REFUSED);
    assert_int_equal(vault_open_paper(locked, &s, 0, buffer, sizeof buffer), EXAM_REFUSED);
    assert_int_equal(vault_unlock(locked, other), EXAM_AUTH);
    assert_true(vault_is_locked(locked));
    assert_int_equal(vault_unlock(locked, KEY), EXAM_OK);
    assert_int_equal(vault_unlock(locked, KEY), EXAM_OK); /* once more: harmless */
    assert_int_equal(vault_unlock(locked, other), EXAM_AUTH);
    assert_false(vault_is_locked(locked));
    expect_all(standby, locked);
    /* And it goes on from there. */
    assert_int_equal(engine_answer(standby, 6, "q4", ANSWER), EXAM_OK);
    expect_answer(standby, locked, 2, ANSWER);
    assert_int_equal(engine_commit(primary), EXAM_OK);
    assert_int_equal(engine_commit(standby), EXAM_OK);
    engine_close(primary);
    engine_close(standby);
    expect_in_folder(dir_b, false);
    vault_free(v);
    vault_free(locked);
    folder_remove(dir_a);
    folder_remove(dir_b);
}

/* D8: an answer that was put at another place, or a name, is not shown as if it belonged there. */
static void test_vault__what_was_moved_is_not_shown(void **state)
{
    char dir[FOLDER_PATH_BYTES], name[PERSON_BYTES_MAX + 1];
    uint8_t buffer[ANSWER_BYTES_MAX];
    struct vault *v = unlocked();
    struct exam_sitting_view s;
    struct exam_answer_view a;
    const uint8_t *value;
    size_t n;
    (void)state;
    folder_make(dir);
    struct engine *e = open_engine(dir, v);
    found(e);
    import(e);
    sit(e, v);
    assert_int_equal(exam_answer_at(engine_exam(e), 1, 0, &a), EXAM_OK);
    assert_int_equal(vault_open_answer(v, engine_exam(e), 2, &a, buffer, &value, &n), EXAM_CORRUPT);
    a.item = "q2";
    assert_int_equal(vault_open_answer(v, engine_exam(e), 1, &a, buffer, &value, &n), EXAM_CORRUPT);
    exam_sitting_view(engine_exam(e), 1, 0, &s);
    s.admission_no = "1002";
    assert_string_equal(vault_open_name(v, &s, name), "(cannot be opened)");
    engine_abandon(e);
    vault_free(v);
    folder_remove(dir);
}

/* T13: what a site keeps of an ID number, in the roster of those who sit again, is the same one. */
static void test_vault__a_hashed_id_number_is_imported_again(void **state)
{
    char id[NAME_BYTES_MAX + 1];
    struct vault *v = unlocked();
    Ev__NewSitting s = EV__NEW_SITTING__INIT, *list[] = {&s};
    Ev__SittingsAdded added = EV__SITTINGS_ADDED__INIT;
    Ev__Event event = EV__EVENT__INIT;
    (void)state;
    event.kind_case = EV__EVENT__KIND_SITTINGS_ADDED;
    event.sittings_added = &added;
    added.batch = text_of("B1");
    added.sittings = list;
    added.n_sittings = 1;
    s.admission_no = text_of("1001");
    s.id_no = text_of(ID_NO);
    s.name = text_of(NAME);
    strcpy(id, vault_seal(v, NULL, &event)->sittings_added->sittings[0]->id_no);
    assert_string_not_equal(id, ID_NO);
    added.batch = text_of("B2");
    s.id_no = id;
    assert_string_equal(vault_seal(v, NULL, &event)->sittings_added->sittings[0]->id_no, id);
    s.id_no = text_of(ID_NO);
    assert_string_equal(vault_seal(v, NULL, &event)->sittings_added->sittings[0]->id_no, id);
    vault_free(v);
}

/* A site that gets its data key when it has a log: what was plain stays readable, and its
 * candidates sign in; what comes from then on is sealed. */
static void test_vault__a_site_that_was_plain(void **state)
{
    char dir[FOLDER_PATH_BYTES];
    struct vault *v = unlocked();
    (void)state;
    folder_make(dir);
    struct engine *e = open_engine(dir, NULL);
    found(e);
    import(e);
    engine_on_append(e, vault_seal, v);
    sit(e, v);
    expect_all(e, v);
    assert_int_equal(engine_commit(e), EXAM_OK);
    engine_close(e);
    assert_true(folder_has(dir, NAME));
    assert_false(folder_has(dir, ANSWER));
    vault_free(v);
    folder_remove(dir);
}

/* Told, not judged. */
static void test_vault__what_an_answer_costs(void **state)
{
    char dir[FOLDER_PATH_BYTES];
    struct vault *v = unlocked();
    uint64_t ns[2];
    (void)state;
    for (int sealed = 0; sealed < 2; sealed++) {
        struct timespec from, until;
        folder_make(dir);
        struct engine *e = open_engine(dir, sealed ? v : NULL);
        found(e);
        import(e);
        assert_int_equal(sign_in(e, sealed ? v : NULL, ID_NO), EXAM_OK);
        clock_gettime(CLOCK_MONOTONIC, &from);
        for (uint64_t i = 1; i <= TIMED; i++) {
            char item[8];
            snprintf(item, sizeof item, "q%llu", (unsigned long long)(i % ITEMS));
            assert_int_equal(engine_answer(e, i, item, "ABD"), EXAM_OK);
        }
        clock_gettime(CLOCK_MONOTONIC, &until);
        ns[sealed] =
            (uint64_t)((until.tv_sec - from.tv_sec) * 1000000000LL + until.tv_nsec - from.tv_nsec) /
            TIMED;
        engine_abandon(e);
        folder_remove(dir);
    }
    print_message("an answer decided and applied in %llu ns plain, %llu ns sealed\n",
                  (unsigned long long)ns[0], (unsigned long long)ns[1]);
    vault_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vault__nothing_personal_is_in_the_folder),
        cmocka_unit_test(test_vault__locked_standby_follows),
        cmocka_unit_test(test_vault__what_was_moved_is_not_shown),
        cmocka_unit_test(test_vault__a_hashed_id_number_is_imported_again),
        cmocka_unit_test(test_vault__a_site_that_was_plain),
        cmocka_unit_test(test_vault__what_an_answer_costs),
    };
    if (sodium_init() < 0)
        return 1;
    paper_make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
