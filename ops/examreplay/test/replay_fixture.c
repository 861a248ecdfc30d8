#include "replay_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "drill_read.h"
#include "play.h"

static volatile uint64_t reached;
const struct options fixture_options = {.folder = "disk", .reached = &reached};

static void no_error(void *ctx, const char *file, uint32_t line, const char *what)
{
    (void)ctx;
    fail_msg("%s:%u: %s", file, line, what);
}

static void play_drill(struct drill *d, void (*look)(void *ctx, struct stage *s), void *ctx)
{
    struct office_refusal why;
    struct verdict v = {0};
    struct stage s;
    assert_int_equal(stage_open(&s, d, NULL, &why), EXAM_OK);
    play(&s, &v);
    if (v.failed > 0)
        fail_msg("%s:%u: found %s", d->file, v.failures[0].line, v.failures[0].found);
    look(ctx, &s);
    stage_close(&s);
    verdict_fini(&v);
    drill_free(d);
}

void fixture_play_file(const char *name, void (*look)(void *ctx, struct stage *s), void *ctx)
{
    char path[512];
    struct drill *d = NULL;
    snprintf(path, sizeof path, "%s/%s", DRILLS_FOLDER, name);
    assert_int_equal(drill_read_file(path, no_error, NULL, &d), EXAM_OK);
    play_drill(d, look, ctx);
}

void fixture_play_text(const char *text, void (*look)(void *ctx, struct stage *s), void *ctx)
{
    struct drill *d = NULL;
    assert_int_equal(drill_read("text", text, strlen(text), no_error, NULL, &d), EXAM_OK);
    play_drill(d, look, ctx);
}

void fixture_each_drill(void (*each)(const char *name))
{
    DIR *dir = opendir(DRILLS_FOLDER);
    unsigned n = 0;
    assert_non_null(dir);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        const char *end = strrchr(e->d_name, '.');
        if (!end || strcmp(end, ".drill") != 0)
            continue;
        each(e->d_name);
        n++;
    }
    closedir(dir);
    assert_true(n >= 12); /* the rules' worked examples */
}

struct taking {
    uint32_t node;
    store_image *image;
};

static void take_disk(void *ctx, struct stage *s)
{
    struct taking *t = ctx;
    assert_int_equal(store_image_clone(world_disk(s->w, t->node), &t->image), EXAM_OK);
}

store_image *fixture_disk_of_text(const char *text, uint32_t node)
{
    struct taking t = {.node = node};
    fixture_play_text(text, take_disk, &t);
    return t.image;
}

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
