/* What nodes have signed of their logs, as one keeps it (D8): it is there after a restart, it stays
 * within its bounds and still covers the log, and a log that was made anew is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "checkpoints.h"
#include "engine_site.h"
#include "site_keys.h"
#include "store_mem.h"

enum { RECORDS = 40, SECOND_EPOCH = 25 };

_Static_assert((int)RECORDS > 2 * (int)CHECKPOINTS_READ_A_TIME, "more than are read at a time");

static struct site_keys site;

/* ---------------------------------------------------------------- a log */

static void note(struct engine *e)
{
    struct exam_command c = {.kind = EXAM_CMD_STANDBY_CHANGED};
    c.u.standby_changed.node = "B";
    c.u.standby_changed.in_sync = engine_last(e).lsn % 2;
    c.u.standby_changed.solo = !c.u.standby_changed.in_sync;
    engine_do(e, &c);
}

/* A founded site, two epochs, some records. `salt` makes it another history from its begin on. */
static struct engine *engine_with_log(store_image *image, const char *salt)
{
    struct engine *e;
    char why[512];
    store *s;
    assert_int_equal(store_open_image(image, &s), EXAM_OK);
    assert_int_equal(engine_open("A", s, &e, why, sizeof why), EXAM_OK);
    if (engine_last(e).lsn)
        return e;
    engine_found(e, "A", site.own[SITE_NODE_A].site_id, salt);
    while (engine_last(e).lsn < RECORDS)
        if (engine_last(e).lsn == SECOND_EPOCH - 1)
            engine_begin_epoch(e, "A", 2);
        else
            note(e);
    assert_int_equal(engine_commit(e), EXAM_OK);
    return e;
}

static void checkpoint_at(struct engine *e, enum site_key who, uint64_t lsn, struct checkpoint *out)
{
    size_t n;
    const struct engine_epoch *epochs = engine_epochs(e, &n);
    while (n > 1 && epochs[n - 1].first_lsn > lsn)
        n--;
    *out = (struct checkpoint){.at = {.epoch = epochs[n - 1].epoch, .lsn = lsn},
                               .epoch_tag = record_tag(epochs[n - 1].first_hash),
                               .why = CHECKPOINT_GOES_ON};
    assert_int_equal(engine_hash_at(e, lsn, out->at.hash), EXAM_OK);
    checkpoint_sign(out, &site.own[who]);
}

struct fixture {
    store_image *image;
    struct engine *e;
    struct checkpoints *c;
};

static void fixture_begin(struct fixture *f)
{
    size_t damaged;
    if (!f->image)
        assert_int_equal(store_image_new(&f->image), EXAM_OK);
    f->e = engine_with_log(f->image, "site");
    assert_int_equal(checkpoints_new(&f->c), EXAM_OK);
    assert_int_equal(checkpoints_read(f->c, engine_store(f->e), &damaged), EXAM_OK);
    assert_int_equal(damaged, 0);
}

static void fixture_restart(struct fixture *f)
{
    checkpoints_free(f->c);
    engine_close(f->e);
    fixture_begin(f);
}

static void fixture_end(struct fixture *f)
{
    checkpoints_free(f->c);
    engine_close(f->e);
    store_image_free(f->image);
}

/* Until all have been held against the log, or one contradicts it. */
static const struct checkpoint *check_all(struct fixture *f)
{
    const struct checkpoint *bad = NULL;
    for (int i = 0; i <= RECORDS / CHECKPOINTS_READ_A_TIME && !bad; i++)
        bad = checkpoints_check(f->c, f->e);
    return bad;
}

static uint64_t count_of(const struct checkpoints *c, const char *node)
{
    uint64_t no = 0, n = 0;
    while (checkpoints_next(c, node, &no))
        n++;
    return n;
}

/* ---------------------------------------------------------------- keeping */

/* What was written is there after a restart, once, and in its order. */
static void test_checkpoints__come_back(void **state)
{
    struct fixture f = {.image = NULL};
    struct checkpoint c;
    (void)state;
    fixture_begin(&f);
    for (uint64_t lsn = 2; lsn <= RECORDS; lsn++) {
        checkpoint_at(f.e, lsn % 2 ? SITE_NODE_A : SITE_NODE_B, lsn, &c);
        assert_int_equal(checkpoints_add(f.c, &c), EXAM_OK);
        assert_int_equal(checkpoints_add(f.c, &c), EXAM_EXISTS);
        assert_true(checkpoints_have(f.c, &c));
    }
    assert_int_equal(checkpoints_write(f.c, engine_store(f.e), "A"), EXAM_OK);
    fixture_restart(&f);
    assert_int_equal(count_of(f.c, "A") + count_of(f.c, "B"), RECORDS - 1);
    assert_true(checkpoints_have(f.c, &c));
    uint64_t no = 0, last = 0;
    const struct checkpoint *at;
    while ((at = checkpoints_next(f.c, "A", &no))) {
        assert_true(at->at.lsn > last);
        last = at->at.lsn;
    }
    fixture_end(&f);
}

/* Too many of a node: the oldest get thinner, in the store too; the newest and another node's stay,
 * and the log is covered as far as before. */
static void test_checkpoints__stay_within_bounds(void **state)
{
    struct fixture f = {.image = NULL};
    struct checkpoint c;
    (void)state;
    fixture_begin(&f);
    checkpoint_at(f.e, SITE_NODE_B, 5, &c);
    assert_int_equal(checkpoints_add(f.c, &c), EXAM_OK);
    checkpoint_at(f.e, SITE_NODE_A, RECORDS, &c);
    for (uint64_t i = 0; i < 3 * CHECKPOINTS_OF_A_NODE_MAX; i++) {
        c.at.lsn = RECORDS + i; /* that far the log does not reach: what it says is not asked */
        assert_int_equal(checkpoints_add(f.c, &c), EXAM_OK);
        assert_true(count_of(f.c, "A") <= CHECKPOINTS_OF_A_NODE_MAX);
        if (i % 100 == 0)
            assert_int_equal(checkpoints_write(f.c, engine_store(f.e), "A"), EXAM_OK);
    }
    assert_int_equal(checkpoints_write(f.c, engine_store(f.e), "A"), EXAM_OK);
    assert_true(checkpoints_have(f.c, &c));
    uint64_t n = count_of(f.c, "A");
    assert_true(n > CHECKPOINTS_OF_A_NODE_MAX / 2);
    assert_null(check_all(&f));
    assert_int_equal(checkpoints_covered(f.c, "A", false), RECORDS);
    assert_int_equal(checkpoints_covered(f.c, "A", true), 5);
    fixture_restart(&f);
    assert_int_equal(count_of(f.c, "A"), n);
    assert_int_equal(count_of(f.c, "B"), 1);
    fixture_end(&f);
}

/* A full disk: they wait, and are written when there is room. */
static void test_checkpoints__wait_for_room(void **state)
{
    struct fixture f = {.image = NULL};
    struct checkpoint c;
    (void)state;
    fixture_begin(&f);
    checkpoint_at(f.e, SITE_NODE_A, 9, &c);
    assert_int_equal(checkpoints_add(f.c, &c), EXAM_OK);
    store_image_fail_commit(f.image, 1, STORE_FAULT_FULL);
    assert_int_equal(checkpoints_write(f.c, engine_store(f.e), "A"), EXAM_FULL);
    assert_int_equal(checkpoints_write(f.c, engine_store(f.e), "A"), EXAM_OK);
    fixture_restart(&f);
    assert_true(checkpoints_have(f.c, &c));
    fixture_end(&f);
}

/* An entry that is none is left out, and counted. */
static void test_checkpoints__damaged_entries(void **state)
{
    struct fixture f = {.image = NULL};
    struct checkpoint c;
    uint8_t key[CHECKPOINT_KEY_BYTES_MAX], value[CHECKPOINT_BYTES];
    size_t damaged;
    (void)state;
    fixture_begin(&f);
    checkpoint_at(f.e, SITE_NODE_A, 9, &c);
    store *s = engine_store(f.e);
    store_begin(s);
    checkpoint_put(&c, value);
    store_put(s, STORE_META, key, checkpoint_key(&c, key), value, sizeof value - 1);
    c.at.lsn++; /* under another one's key */
    store_put(s, STORE_META, key, checkpoint_key(&c, key), value, sizeof value);
    assert_int_equal(store_commit(s), EXAM_OK);
    assert_int_equal(checkpoints_read(f.c, s, &damaged), EXAM_OK);
    assert_int_equal(damaged, 2);
    assert_int_equal(count_of(f.c, "A"), 0);
    fixture_end(&f);
}

/* ---------------------------------------------------------------- against the log */

/* Everything that is in the log is the same; what is of a dead branch, or is not here yet, is no
 * contradiction. */
static void test_checkpoints__the_true_log(void **state)
{
    struct fixture f = {.image = NULL};
    struct checkpoint c;
    (void)state;
    fixture_begin(&f);
    for (uint64_t lsn = 2; lsn <= RECORDS; lsn++) {
        checkpoint_at(f.e, SITE_NODE_B, lsn, &c);
        assert_int_equal(checkpoints_add(f.c, &c), EXAM_OK);
    }
    c.at.lsn += 7; /* ahead */
    assert_int_equal(checkpoints_add(f.c, &c), EXAM_OK);
    c.at.epoch = 3; /* an epoch that is still to come */
    assert_int_equal(checkpoints_add(f.c, &c), EXAM_OK);
    checkpoint_at(f.e, SITE_NODE_B, SECOND_EPOCH - 1, &c);
    c.at.lsn = SECOND_EPOCH + 3; /* epoch 1 went on elsewhere */
    assert_int_equal(checkpoints_add(f.c, &c), EXAM_OK);
    c.epoch_tag++; /* an epoch of the same number, begun elsewhere (W1) */
    assert_int_equal(checkpoints_add(f.c, &c), EXAM_OK);
    assert_null(check_all(&f));
    assert_int_equal(checkpoints_covered(f.c, "A", true), RECORDS);
    assert_int_equal(checkpoints_covered(f.c, "A", false), 0);
    fixture_end(&f);
}

/* A record may lie on a page that a cold disk has to find: so many are read, and the rest later. */
static void test_checkpoints__read_a_few_records_at_a_time(void **state)
{
    struct fixture f = {.image = NULL};
    struct checkpoint c;
    (void)state;
    fixture_begin(&f);
    for (uint64_t lsn = 2; lsn <= RECORDS; lsn++) {
        checkpoint_at(f.e, SITE_NODE_B, lsn, &c);
        assert_int_equal(checkpoints_add(f.c, &c), EXAM_OK);
    }
    assert_null(checkpoints_check(f.c, f.e));
    assert_int_equal(checkpoints_covered(f.c, "A", true), 1 + CHECKPOINTS_READ_A_TIME);
    assert_null(checkpoints_check(f.c, f.e));
    assert_int_equal(checkpoints_covered(f.c, "A", true), 1 + 2 * CHECKPOINTS_READ_A_TIME);
    assert_null(checkpoints_check(f.c, f.e));
    assert_int_equal(checkpoints_covered(f.c, "A", true), RECORDS);
    fixture_end(&f);
}

/* Another record where one was signed is told, once each; and so is a node that signs twice. */
static void test_checkpoints__another_history(void **state)
{
    struct fixture f = {.image = NULL};
    struct checkpoint c;
    (void)state;
    fixture_begin(&f);
    checkpoint_at(f.e, SITE_NODE_A, 12, &c);
    c.at.hash[0] ^= 1;
    assert_int_equal(checkpoints_add(f.c, &c), EXAM_OK);
    checkpoint_at(f.e, SITE_NODE_B, 30, &c);
    c.at.lsn = 20; /* before its epoch's first record: no log has that */
    assert_int_equal(checkpoints_add(f.c, &c), EXAM_OK);
    checkpoint_at(f.e, SITE_NODE_B, 14, &c);
    assert_int_equal(checkpoints_add(f.c, &c), EXAM_OK);
    const struct checkpoint *bad = check_all(&f);
    assert_int_equal(bad->at.lsn, 12);
    bad = check_all(&f);
    assert_int_equal(bad->at.lsn, 20);
    assert_null(check_all(&f));
    checkpoints_again(f.c);
    assert_null(check_all(&f));
    assert_int_equal(checkpoints_covered(f.c, "A", true), 14);
    c.at.hash[0] ^= 1;
    assert_int_equal(checkpoints_add(f.c, &c), EXAM_CORRUPT);
    fixture_end(&f);
}

/* After a cut the log has other records there: what was the same is looked at anew, and what was
 * cut is of a dead branch as soon as the next epoch has begun. */
static void test_checkpoints__after_a_cut(void **state)
{
    struct fixture f = {.image = NULL};
    struct checkpoint c;
    (void)state;
    fixture_begin(&f);
    checkpoint_at(f.e, SITE_NODE_A, RECORDS - 2, &c);
    assert_int_equal(checkpoints_add(f.c, &c), EXAM_OK);
    assert_null(check_all(&f));
    assert_int_equal(checkpoints_covered(f.c, "A", false), RECORDS - 2);
    assert_int_equal(engine_cut(f.e, RECORDS - 5), EXAM_OK);
    checkpoints_again(f.c);
    assert_null(check_all(&f));
    engine_begin_epoch(f.e, "A", 3);
    while (engine_last(f.e).lsn < RECORDS)
        note(f.e);
    assert_int_equal(engine_commit(f.e), EXAM_OK);
    assert_null(check_all(&f));
    assert_int_equal(checkpoints_covered(f.c, "A", false), 0);
    fixture_end(&f);
}

static int begin(void **state)
{
    (void)state;
    site_keys_init(&site, 5);
    return 0;
}

static int end(void **state)
{
    (void)state;
    site_keys_fini(&site);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checkpoints__come_back),
        cmocka_unit_test(test_checkpoints__stay_within_bounds),
        cmocka_unit_test(test_checkpoints__wait_for_room),
        cmocka_unit_test(test_checkpoints__damaged_entries),
        cmocka_unit_test(test_checkpoints__the_true_log),
        cmocka_unit_test(test_checkpoints__read_a_few_records_at_a_time),
        cmocka_unit_test(test_checkpoints__another_history),
        cmocka_unit_test(test_checkpoints__after_a_cut),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
