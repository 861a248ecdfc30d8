/* store_fixture.h - what the store's tests share: folders of their own, records whose bytes follow
 * from their number, and a reader that checks them. */
#ifndef EXAM_STORE_FIXTURE_H
#define EXAM_STORE_FIXTURE_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store.h"

enum { FIXTURE_PATH_BYTES = 256, FIXTURE_WHY_BYTES = 512 };

/* Enough for a test, and quick to make. */
#define FIXTURE_OPTIONS ((struct store_options){.map_bytes = 1u << 30, .reserve_bytes = 1u << 20})

/* A new folder's name under TMPDIR (or /tmp), the folder itself not made yet. */
void fixture_dir_name(char out[FIXTURE_PATH_BYTES]);
/* Removes a data folder and what is in it. */
void fixture_dir_remove(const char *dir);
/* For tests that need one folder: its name is made anew for each, and it is removed afterwards. */
extern char fixture_dir[FIXTURE_PATH_BYTES];
int fixture_dir_setup(void **state);
int fixture_dir_teardown(void **state);

/* Opens or fails the test with the store's own message. */
store *fixture_open(const char *dir, const struct store_options *o);

/* The seed of a random test: STORE_SEED of the environment, or a new one; printed. */
uint64_t fixture_seed(const char *test);
uint64_t fixture_random(uint64_t *state);
uint64_t fixture_random_below(uint64_t *state, uint64_t limit);

/* Seals records on from the store's last one and appends them to its open transaction. The event
 * bytes of record n follow from n and `flavour`. */
struct fixture_writer {
    store *s;
    uint64_t lsn; /* the last one appended */
    uint8_t hash[HASH_BYTES];
    uint64_t epoch;
    uint8_t flavour;
};

struct fixture_writer fixture_writer_at_end(store *s);
void fixture_append(struct fixture_writer *w, size_t event_bytes);
/* One transaction of n records of event_bytes each. */
EXAM_MUST_USE exam_err fixture_commit_records(store *s, uint64_t n, size_t event_bytes);

/* Reads the whole log; fails the test if a record's number, bytes or link are not those that
 * fixture_append made with any flavour. Returns the number of records. */
uint64_t fixture_check_log(store *s);

#endif
