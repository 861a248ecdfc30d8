/* The engine on a real data folder: what it appended is there after a restart, a follower has the
 * same bytes and the same state, and a dead branch leaves both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "branches.h"
#include "engine.h"
#include "engine_site.h"
#include "folder.h"
#include "oplog.h"
#include "store_mem.h"

static char why_text[512];
static const uint8_t SESSION[SESSION_BYTES] = {1, 2, 3};

static void found(struct engine *e, const char *node)
{
    static const uint8_t id[SITE_ID_BYTES] = {7};
    engine_found(e, node, id, "test site");
}

/* A batch of two candidates without a paper, started, the first one signed in. */
static void import_and_start(struct engine *e)
{
    Ev__RoomAdded room = EV__ROOM_ADDED__INIT;
    const Ev__RoomAdded *rooms[] = {&room};
    Ev__NewSitting one = EV__NEW_SITTING__INIT, two = EV__NEW_SITTING__INIT;
    room.room = (char *)(uintptr_t) "R1";
    room.seats = 4;
    one.admission_no = (char *)(uintptr_t) "1001";
    one.id_no = (char *)(uintptr_t) "ID1001";
    one.name = (char *)(uintptr_t) "Li";
    one.seat = (char *)(uintptr_t) "R1-01";
    two = one;
    two.admission_no = (char *)(uintptr_t) "1002";
    two.id_no = (char *)(uintptr_t) "ID1002";
    two.seat = (char *)(uintptr_t) "R1-02";
    const struct exam_import_sitting sittings[] = {{&one, 2}, {&two, 3}};
    const struct exam_import import = {.batch = "B1",
                                       .title = "",
                                       .who = "tester",
                                       .allot_ms = 3600000,
                                       .rooms = rooms,
                                       .rooms_n = 1,
                                       .sittings = sittings,
                                       .sittings_n = 2};
    struct exam_command c = {.kind = EXAM_CMD_IMPORT};
    c.u.import = &import;
    engine_do(e, &c);
    engine_start_batch(e, "B1");
    c = (struct exam_command){.kind = EXAM_CMD_SIGN_IN};
    c.u.sign_in.seat = "R1-01";
    c.u.sign_in.admission_no = "1001";
    c.u.sign_in.id_no = "ID1001";
    c.u.sign_in.session = SESSION;
    engine_do(e, &c);
}

static void answers(struct engine *e, uint64_t first, uint64_t last)
{
    for (uint64_t i = first; i <= last; i++) {
        char item[16];
        snprintf(item, sizeof item, "q%llu", (unsigned long long)(i % 50));
        assert_int_equal(engine_answer(e, i, item, i % 3 ? "A" : "ABCD, in more than eight bytes"),
                         EXAM_OK);
    }
}

static void commit(struct engine *e)
{
    assert_int_equal(engine_commit(e), EXAM_OK);
    assert_int_equal(engine_durable(e).lsn, engine_last(e).lsn);
}

static void digest_of(struct engine *e, uint8_t out[HASH_BYTES])
{
    exam_digest(engine_exam(e), out);
}

/* After a stop in order, and after one without (only the log is up to date), the state is the same.
 */
static void test_engine__comes_back_with_the_same_state(void **state)
{
    uint8_t before[HASH_BYTES], after[HASH_BYTES];
    char dir[FOLDER_PATH_BYTES];
    (void)state;
    folder_make(dir);
    struct engine *e = engine_in_folder("A", dir);
    found(e, "A");
    import_and_start(e);
    answers(e, 1, 200);
    commit(e);
    digest_of(e, before);
    struct position last = engine_last(e);
    engine_close(e);
    e = engine_in_folder("A", dir);
    digest_of(e, after);
    assert_memory_equal(before, after, HASH_BYTES);
    assert_int_equal(engine_last(e).lsn, last.lsn);
    assert_memory_equal(engine_last(e).hash, last.hash, HASH_BYTES);

    /* What is appended after the flush and committed, but never flushed, comes back from the log.
     */
    engine_begin_epoch(e, "A", 2);
    commit(e);
    digest_of(e, before);
    last = engine_last(e);
    engine_abandon(e); /* without a flush */
    e = engine_in_folder("A", dir);
    digest_of(e, after);
    assert_memory_equal(before, after, HASH_BYTES);
    assert_int_equal(exam_epoch(engine_exam(e)), 2);
    size_t n;
    const struct engine_epoch *epochs = engine_epochs(e, &n);
    assert_int_equal(n, 2);
    /* EpochBegan, then that a server was lost (R2), and what the dark time gave back to the
     * candidate without a screen (T2). */
    assert_int_equal(epochs[1].first_lsn, last.lsn - 3);
    assert_true(epochs[1].own);
    engine_close(e);
    folder_remove(dir);
}

struct copy {
    struct engine *to;
};

static exam_err copy_each(void *ctx, uint64_t lsn, const uint8_t *value, size_t value_bytes)
{
    struct copy *c = ctx;
    return engine_follow(c->to, lsn, value, value_bytes);
}

/* A follower that gets the records has the same log head and the same state digest (D4). */
static void test_engine__follower_has_the_same_state(void **state)
{
    uint8_t mine[HASH_BYTES], theirs[HASH_BYTES];
    char dir_a[FOLDER_PATH_BYTES], dir_b[FOLDER_PATH_BYTES];
    (void)state;
    folder_make(dir_a);
    folder_make(dir_b);
    struct engine *a = engine_in_folder("A", dir_a), *b = engine_in_folder("B", dir_b);
    struct copy copy = {.to = b};
    found(a, "A");
    import_and_start(a);
    answers(a, 1, 60);
    commit(a);
    answers(a, 61, 90); /* not durable yet: read from memory */
    assert_int_equal(engine_read(a, 1, engine_last(a).lsn, copy_each, &copy), EXAM_OK);
    commit(a);
    commit(b);
    assert_memory_equal(engine_last(a).hash, engine_last(b).hash, HASH_BYTES);
    digest_of(a, mine);
    digest_of(b, theirs);
    assert_memory_equal(mine, theirs, HASH_BYTES);
    assert_false(
        engine_now_known(b)); /* records may be old: they do not say what time it is (T5) */
    uint64_t told_ms = engine_now_ms(a);
    engine_now_told(b, told_ms);
    assert_true(engine_now_known(b));
    assert_true(engine_now_ms(b) >= told_ms);
    size_t n;
    assert_false(engine_epochs(b, &n)[0].own);
    assert_int_equal(engine_read(a, 1, engine_last(a).lsn + 1, copy_each, &copy), EXAM_NOT_FOUND);
    engine_close(a);
    engine_close(b);
    folder_remove(dir_a);
    folder_remove(dir_b);
}

struct taken {
    uint8_t bytes[RECORD_BYTES_MAX];
    size_t n;
};

static exam_err take_each(void *ctx, uint64_t lsn, const uint8_t *value, size_t value_bytes)
{
    struct taken *t = ctx;
    (void)lsn;
    memcpy(t->bytes, value, value_bytes);
    t->n = value_bytes;
    return EXAM_OK;
}

/* A record that is changed, cut off or out of order is refused, and changes nothing (D8). */
static void test_engine__refuses_what_does_not_continue_the_chain(void **state)
{
    static struct taken t;
    char dir_a[FOLDER_PATH_BYTES], dir_b[FOLDER_PATH_BYTES];
    (void)state;
    folder_make(dir_a);
    folder_make(dir_b);
    struct engine *a = engine_in_folder("A", dir_a), *b = engine_in_folder("B", dir_b);
    found(a, "A");
    assert_int_equal(engine_read(a, 1, 1, take_each, &t), EXAM_OK);
    for (size_t i = 0; i < t.n; i++) {
        t.bytes[i] ^= 1;
        assert_int_equal(engine_follow(b, 1, t.bytes, t.n), EXAM_CORRUPT);
        t.bytes[i] ^= 1;
        assert_int_equal(engine_follow(b, 1, t.bytes, i), EXAM_CORRUPT);
    }
    assert_int_equal(engine_follow(b, 2, t.bytes, t.n), EXAM_CORRUPT);
    assert_int_equal(engine_last(b).lsn, 0);
    assert_false(engine_has_pending(b));
    assert_int_equal(engine_follow(b, 1, t.bytes, t.n), EXAM_OK);
    engine_close(a);
    engine_close(b);
    folder_remove(dir_a);
    folder_remove(dir_b);
}

/* A cut keeps the tail apart and leaves the state as if it had never been. */
static void test_engine__cut_takes_the_state_back(void **state)
{
    uint8_t before[HASH_BYTES], after[HASH_BYTES];
    char dir[FOLDER_PATH_BYTES];
    (void)state;
    folder_make(dir);
    struct engine *e = engine_in_folder("A", dir);
    found(e, "A");
    import_and_start(e);
    answers(e, 1, 40);
    commit(e);
    digest_of(e, before);
    uint64_t lsn = engine_last(e).lsn;
    answers(e, 41, 50);
    engine_begin_epoch(e, "A", 2);
    commit(e);
    engine_close(e); /* flushes the tables: they know the tail */
    e = engine_in_folder("A", dir);
    assert_int_equal(engine_cut(e, lsn), EXAM_OK);
    digest_of(e, after);
    assert_memory_equal(before, after, HASH_BYTES);
    assert_int_equal(engine_last(e).lsn, lsn);
    assert_int_equal(exam_epoch(engine_exam(e)), 1);
    assert_int_equal(store_branch_records(engine_store(e)), 14);
    size_t n;
    engine_epochs(e, &n);
    assert_int_equal(n, 1);
    engine_begin_epoch(e, "A", 3); /* and the log goes on from there */
    commit(e);
    engine_close(e);
    folder_remove(dir);
}

static void grants(struct engine *e, int n)
{
    struct exam_command c = {.kind = EXAM_CMD_GRANT};
    c.u.grant.scope.name = "1002";
    c.u.grant.ms = 1000;
    c.u.grant.who = "tester";
    c.u.grant.why = "noise";
    while (n-- > 0)
        engine_do(e, &c);
}

/* W5: a branch that continues another one, which was set apart after it, is of the epoch that began
 * there, or before; what both hold is taken in under its true origin. */
static void cut_twice_and_take(bool at_the_epoch)
{
    static uint8_t block[ARENA_BYTES_FRAME];
    char dir[FOLDER_PATH_BYTES];
    struct arena arena;
    struct branches b;
    size_t n;
    arena_init(&arena, block, sizeof block);
    assert_int_equal(branches_init(&b), EXAM_OK);
    folder_make(dir);
    struct engine *e = engine_in_folder("A", dir);
    found(e, "A");
    import_and_start(e);
    uint64_t first_cut = engine_last(e).lsn;
    grants(e, 3);
    if (at_the_epoch)
        first_cut = engine_last(e).lsn;
    engine_begin_epoch(e, "A", 2);
    const struct engine_epoch *epochs = engine_epochs(e, &n);
    uint32_t tags[] = {record_tag(epochs[0].first_hash), record_tag(epochs[1].first_hash)};
    uint64_t began_lsn = epochs[1].first_lsn;
    grants(e, 3);
    uint64_t second_cut = engine_last(e).lsn;
    grants(e, 3);
    uint64_t last_lsn = engine_last(e).lsn;
    commit(e);
    assert_int_equal(engine_cut(e, second_cut), EXAM_OK);
    assert_int_equal(engine_cut(e, first_cut), EXAM_OK);
    engine_begin_epoch(e, "A", 3);
    uint64_t before = engine_last(e).lsn;
    assert_int_equal(branches_take_own(&b, e, &arena), EXAM_OK);
    assert_true(b.own_done);
    assert_true(engine_last(e).lsn - before >= (at_the_epoch ? 6 : 9));
    for (uint64_t lsn = first_cut + 1; lsn <= last_lsn; lsn++)
        if (lsn != began_lsn && lsn != began_lsn + 1) /* the epoch, and its incident */
            assert_true(exam_recovered(engine_exam(e), lsn < began_lsn ? 1 : 2,
                                       tags[lsn > began_lsn], lsn));
    before = engine_last(e).lsn;
    branches_changed(&b);
    assert_int_equal(branches_take_own(&b, e, &arena), EXAM_OK);
    assert_int_equal(engine_last(e).lsn, before);
    commit(e);
    engine_close(e);
    branches_fini(&b);
    folder_remove(dir);
}

static void test_branches__one_that_continues_another(void **state)
{
    (void)state;
    cut_twice_and_take(false);
    cut_twice_and_take(true);
}

/* Enough records for several flushes of the tables: the next start needs few of them, and agrees.
 */
static void test_engine__flushes_the_tables_now_and_then(void **state)
{
    uint8_t before[HASH_BYTES], after[HASH_BYTES];
    char dir[FOLDER_PATH_BYTES];
    (void)state;
    folder_make(dir);
    struct engine *e = engine_in_folder("A", dir);
    found(e, "A");
    import_and_start(e);
    for (uint64_t i = 1; i <= 100000; i += 500) {
        answers(e, i, i + 499);
        commit(e);
    }
    const uint8_t *v;
    size_t n;
    assert_int_equal(store_get(engine_store(e), STORE_META, "state", 5, &v, &n), EXAM_OK);
    digest_of(e, before);
    engine_abandon(e);
    e = engine_in_folder("A", dir);
    digest_of(e, after);
    assert_memory_equal(before, after, HASH_BYTES);
    engine_close(e);
    folder_remove(dir);
}

static exam_err open_image(store_image *image, struct engine **out)
{
    store *s;
    assert_int_equal(store_open_image(image, &s), EXAM_OK);
    return engine_open("A", s, out, why_text, sizeof why_text);
}

/* At work, on a disk in memory that outlives it. */
static struct engine *engine_on_image(store_image **image)
{
    struct engine *e;
    assert_int_equal(store_image_new(image), EXAM_OK);
    assert_int_equal(open_image(*image, &e), EXAM_OK);
    found(e, "A");
    import_and_start(e);
    return e;
}

/* D8: a record of the log's last part that is not what was written is named, and the node does not
 * start on it. */
static void test_engine_open__refuses_a_rotten_end_of_the_log(void **state)
{
    (void)state;
    store_image *image;
    struct engine *e = engine_on_image(&image);
    assert_int_equal(engine_commit(e), EXAM_OK);
    uint64_t bad_lsn = engine_last(e).lsn - 1;
    engine_close(e);
    assert_int_equal(store_image_rot(image, bad_lsn, RECORD_HEADER_BYTES + 3, 64), EXAM_OK);
    assert_int_equal(open_image(image, &e), EXAM_CORRUPT);
    char named[32];
    snprintf(named, sizeof named, "record %llu ", (unsigned long long)bad_lsn);
    assert_non_null(strstr(why_text, named));
    store_image_free(image);
}

/* D4, D8: so is a record that the start has to apply again, however far back it is. */
static void test_engine_open__refuses_to_apply_rot(void **state)
{
    (void)state;
    store_image *image;
    struct engine *e = engine_on_image(&image);
    answers(e, 1, 8000);
    commit(e);
    assert_true(engine_last(e).lsn > 8000);
    engine_abandon(e); /* as a kill: the tables were never flushed */
    assert_int_equal(store_image_rot(image, 2000, RECORD_HEADER_BYTES + 12, 1), EXAM_OK);
    assert_int_equal(open_image(image, &e), EXAM_CORRUPT);
    assert_int_equal(store_image_rot(image, 2000, RECORD_HEADER_BYTES + 12, 1), EXAM_OK);
    assert_int_equal(open_image(image, &e), EXAM_OK);
    engine_abandon(e);
    store_image_free(image);
}

static Ev__CommandSigned words_of(char *who)
{
    static uint8_t bytes[SIGNATURE_BYTES];
    static char node[] = "A";
    Ev__CommandSigned e = EV__COMMAND_SIGNED__INIT;
    e.who = who;
    e.node = node;
    e.key = (ProtobufCBinaryData){SIGN_KEY_BYTES, bytes};
    e.nonce = (ProtobufCBinaryData){SIGN_NONCE_BYTES, bytes};
    e.signature = (ProtobufCBinaryData){SIGNATURE_BYTES, bytes};
    return e;
}

struct kinds_seen {
    Ev__Event__KindCase kind[8];
    char who[8][NAME_BYTES_MAX + 1];
    size_t n;
};

static void kind_see(void *ctx, const struct record *r, const Ev__Event *event)
{
    struct kinds_seen *k = ctx;
    (void)r;
    assert_true(k->n < 8);
    if (event->kind_case == EV__EVENT__KIND_COMMAND_SIGNED)
        strcpy(k->who[k->n], event->command_signed->who);
    k->kind[k->n++] = event->kind_case;
}

static exam_err grant_signed(struct engine *e, const char *admission_no,
                             const struct engine_signers *by)
{
    struct exam_command c = {.kind = EXAM_CMD_GRANT};
    struct exam_refusal why;
    uint64_t lsn;
    c.u.grant.scope.kind = EV__SCOPE_KIND__SCOPE_KIND_SITTING;
    c.u.grant.scope.name = admission_no;
    c.u.grant.ms = 60000;
    c.u.grant.who = "wang + li";
    c.u.grant.why = "a test";
    return engine_decide_signed(e, &c, by, &why, &lsn);
}

/* R4, P2: who has asked for it stands in the log in front of what it brings about, and follows it
 * to a standby; a refusal leaves nothing. */
static void test_engine__puts_the_words_in_front_of_the_act(void **state)
{
    (void)state;
    store_image *image;
    struct engine *e = engine_on_image(&image);
    char wang[] = "wang", li[] = "li";
    Ev__CommandSigned first = words_of(wang), second = words_of(li);
    const struct engine_signers by = {.at = {&first, &second}, .n = 2};
    struct kinds_seen seen = {.n = 0};
    commit(e);
    engine_on_event(e, kind_see, &seen);
    uint64_t lsn = engine_last(e).lsn;
    assert_int_equal(grant_signed(e, "4711", &by), EXAM_NOT_FOUND);
    assert_int_equal(seen.n, 0);
    assert_int_equal(engine_last(e).lsn, lsn);
    assert_int_equal(grant_signed(e, "1001", &by), EXAM_OK);
    size_t at = 0;
    while (at < seen.n && seen.kind[at] != EV__EVENT__KIND_COMMAND_SIGNED)
        at++; /* what was due before */
    assert_true(at + 2 < seen.n);
    assert_string_equal(seen.who[at], "wang");
    assert_int_equal(seen.kind[at + 1], EV__EVENT__KIND_COMMAND_SIGNED);
    assert_string_equal(seen.who[at + 1], "li");
    assert_int_equal(seen.kind[seen.n - 1], EV__EVENT__KIND_GRANTED);
    assert_int_equal(exam_oddities(engine_exam(e)), 0);
    seen.n = 0;
    engine_note_signed(e, &(struct engine_signers){.at = {&first}, .n = 1});
    assert_int_equal(seen.kind[seen.n - 1], EV__EVENT__KIND_COMMAND_SIGNED);
    assert_int_equal(engine_commit(e), EXAM_OK);
    engine_close(e);
    assert_int_equal(open_image(image, &e), EXAM_OK);
    engine_abandon(e);
    store_image_free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine__puts_the_words_in_front_of_the_act),
        cmocka_unit_test(test_engine__comes_back_with_the_same_state),
        cmocka_unit_test(test_engine__follower_has_the_same_state),
        cmocka_unit_test(test_engine__refuses_what_does_not_continue_the_chain),
        cmocka_unit_test(test_engine__cut_takes_the_state_back),
        cmocka_unit_test(test_branches__one_that_continues_another),
        cmocka_unit_test(test_engine__flushes_the_tables_now_and_then),
        cmocka_unit_test(test_engine_open__refuses_a_rotten_end_of_the_log),
        cmocka_unit_test(test_engine_open__refuses_to_apply_rot),
    };
    if (sodium_init() < 0)
        return 1;
    oplog_open("test", OPLOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
