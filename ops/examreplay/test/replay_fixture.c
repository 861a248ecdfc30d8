#include "replay_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "drill_read.h"
#include "play.h"
#include "stage.h"

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
