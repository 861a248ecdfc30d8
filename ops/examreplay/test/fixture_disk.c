/* fixture_disk.c - the part of replay_fixture.h that needs no drill. */
#include "replay_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static volatile uint64_t reached;
const struct options fixture_options = {.folder = "disk", .reached = &reached};

void fixture_prove(struct proved *p, const store_image *image)
{
    store *s;
    assert_int_equal(store_image_clone(image, &p->image), EXAM_OK);
    assert_int_equal(store_open_image(p->image, &s), EXAM_OK);
    proof_make_of(&p->proof, "disk", s, &fixture_options);
}

void fixture_unprove(struct proved *p)
{
    proof_free(&p->proof);
    store_image_free(p->image);
}

/* ---------------------------------------------------------------- folders */

struct copying {
    store *to;
    enum store_table table;
};

static exam_err copy_record(void *ctx, const struct record *r)
{
    const struct copying *c = ctx;
    store_append(c->to, r->lsn, r->event - RECORD_HEADER_BYTES,
                 RECORD_HEADER_BYTES + r->event_bytes);
    return EXAM_OK;
}

static exam_err copy_entry(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                           size_t value_bytes)
{
    const struct copying *c = ctx;
    store_put(c->to, c->table, key, key_bytes, value, value_bytes);
    return EXAM_OK;
}

static void copy_all(store *from, store *to)
{
    struct copying c = {.to = to};
    store_begin(to);
    assert_int_equal(store_read_log(from, 1, store_last(from).lsn, copy_record, &c), EXAM_OK);
    for (c.table = 0; c.table < STORE_TABLES; c.table++)
        assert_int_equal(store_read_table(from, c.table, "", 0, copy_entry, &c), EXAM_OK);
    assert_int_equal(store_commit(to), EXAM_OK);
}

void fixture_folder_make(const store_image *image, char dir[FIXTURE_PATH_BYTES])
{
    const struct store_options o = {.map_bytes = 1u << 30, .reserve_bytes = 1u << 20};
    const char *parent = getenv("TMPDIR");
    char why[512] = "";
    store_image *copy;
    store *from, *to;
    snprintf(dir, FIXTURE_PATH_BYTES, "%s/replay-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(dir));
    assert_int_equal(store_image_clone(image, &copy), EXAM_OK);
    assert_int_equal(store_open_image(copy, &from), EXAM_OK);
    if (store_open(dir, &o, &to, why, sizeof why))
        fail_msg("%s", why);
    copy_all(from, to);
    store_close(to);
    store_close(from);
    store_image_free(copy);
}

void fixture_folder_remove(const char *dir)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "owner.lock", "reserve"};
    char path[2 * FIXTURE_PATH_BYTES];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        (void)remove(path);
    }
    assert_int_equal(remove(dir), 0); /* nothing else was made in it */
}

uint64_t fixture_seed_of(const char *test)
{
    const char *given = getenv("REPLAY_SEED");
    uint64_t seed; /* the kernel's: libsodium's numbers are the simulator's here */
    assert_int_equal(getrandom(&seed, sizeof seed, 0), sizeof seed);
    seed = given ? strtoull(given, NULL, 10) : seed >> 16;
    print_message("%s: REPLAY_SEED=%llu\n", test, (unsigned long long)seed);
    return seed;
}
