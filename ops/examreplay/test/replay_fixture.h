/* replay_fixture.h - logs for the reviewer's tests: what the nodes of a drill have on their disks.
 */
#ifndef REPLAY_FIXTURE_H
#define REPLAY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proof.h"
#include "world.h"
#include "store_mem.h"

struct stage; /* of drills */

/* Plays the drill of the project's own with this file name, or this text, to its end; all its
 * expectations must hold. `look` sees the site before it is taken down. */
void fixture_play_file(const char *name, void (*look)(void *ctx, struct stage *s), void *ctx);
void fixture_play_text(const char *text, void (*look)(void *ctx, struct stage *s), void *ctx);
/* Each of the project's drills. */
void fixture_each_drill(void (*each)(const char *name));

/* A copy of what one node of a drill has at its end. The caller frees it. */
store_image *fixture_disk_of_text(const char *text, uint32_t node);

/* What `verify` proves of a copy of the image. */
struct proved {
    struct proof proof;
    store_image *image;
};
void fixture_prove(struct proved *p, const store_image *image);
void fixture_unprove(struct proved *p);

/* Makes a data folder of what the image holds; `dir` is a new name under TMPDIR. */
enum { FIXTURE_PATH_BYTES = 256 };
void fixture_folder_make(const store_image *image, char dir[FIXTURE_PATH_BYTES]);
void fixture_folder_remove(const char *dir);

/* The options of a command without any option. */
extern const struct options fixture_options;

/* The seed of a random test: REPLAY_SEED of the environment, or a new one; printed. */
uint64_t fixture_seed_of(const char *test);

#endif
