/* import_check.h - is an import whole and right? Everything is checked before anything is emitted.
 * Pure; internal to node/exam. Refusals name the roster's line where there is one (P2). */
#ifndef EXAM_IMPORT_CHECK_H
#define EXAM_IMPORT_CHECK_H

#include "decide.h"

struct import_room { /* one that the site has not yet */
    const char *name;
    uint32_t seats, seat_first;
};

struct import_paper {
    const char *name, *title;
    const uint8_t *digest; /* HASH_BYTES */
    uint32_t bytes, minutes;
    uint32_t items_n;
    bool known; /* the site has it already, the very same */
};

struct import_check {
    const struct decision *d;
    const struct exam_import *im;
    struct import_room *rooms;
    uint32_t rooms_n;
    uint32_t seats_n; /* of the site with the new rooms */
    struct import_paper *papers;
    uint32_t papers_n;
    struct name_index candidates; /* admission number -> place among the sittings + 1 */
    uint32_t *seat_users;         /* by seat: place of its sitting + 1 */
    uint64_t allot_ms, grace_ms, heartbeat_ms;
};

/* The arrays; fills seats_n, rooms and papers as they are checked. EXAM_NOMEM. */
EXAM_MUST_USE exam_err import_check_init(struct import_check *k, const struct decision *d);
void import_check_fini(struct import_check *k);

/* In this order. */
EXAM_MUST_USE exam_err import_check_batch(const struct import_check *k);
EXAM_MUST_USE exam_err import_check_rooms(struct import_check *k);
EXAM_MUST_USE exam_err import_check_papers(struct import_check *k);
EXAM_MUST_USE exam_err import_check_sittings(struct import_check *k);
EXAM_MUST_USE exam_err import_check_times(struct import_check *k);

/* The import's paper of this name; NULL: none. */
struct import_paper *import_paper_named(const struct import_check *k, const char *name);

#endif
