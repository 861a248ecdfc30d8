/* salvage.h - what can still be proved of a log whose files are damaged. Every record that is found
 * anywhere in the files' pages is a candidate; what continues the chain from the first record on is
 * proven (D8), whichever file it came from. After a gap, records that continue each other are
 * fragments: nothing among them was changed, but what their first one says is not proven.
 * Shell: reads files, and writes none. Holds some bytes a candidate. */
#ifndef EXAMREPLAY_SALVAGE_H
#define EXAMREPLAY_SALVAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "salvage_signed.h"

enum { SALVAGE_FILES_MAX = 2, SALVAGE_PATH_BYTES = 4096 };

struct salvage_found {
    uint64_t lsn, at;     /* its value's place in the file */
    uint32_t bytes, file; /* of the value; which file */
    uint32_t branch;      /* 0: of the log */
};

struct salvage_file {
    char path[SALVAGE_PATH_BYTES];
    int fd;
    uint64_t pages, unreadable; /* of the file; that the disk refused to give */
    uint64_t records;           /* candidates found in it */
    size_t page_bytes;
};

struct salvage {
    struct salvage_file files[SALVAGE_FILES_MAX];
    size_t files_n;
    struct salvage_found *found; /* by branch and LSN, once all files are read */
    size_t found_n, found_max;
    struct salvage_signed checkpoints; /* the caller's to settle */
    uint8_t value[RECORD_BYTES_MAX];   /* of the candidate that was read last */
};

/* Looks through one more file. `step` is told of pages. EXAM_NOT_FOUND, EXAM_IO: errno says why. */
EXAM_MUST_USE exam_err salvage_add(struct salvage *s, const char *path,
                                   void (*step)(void *ctx, uint64_t pages), void *ctx);
void salvage_sort(struct salvage *s);
void salvage_fini(struct salvage *s);

/* Of the same branch and LSN: first..last - 1; empty: none. */
void salvage_range(const struct salvage *s, uint32_t branch, uint64_t lsn, size_t *first,
                   size_t *last);
/* Candidate i as a record, which lives until the next one is read. False: it is none. */
bool salvage_read(struct salvage *s, size_t i, struct record *r);

/* The candidate that continues the chain from `hash`. False: none does. */
bool salvage_next(struct salvage *s, uint32_t branch, uint64_t lsn, const uint8_t hash[HASH_BYTES],
                  struct record *r);

/* Records that continue each other, from the next LSN on at which something was found. Up to a
 * signed one they are proven by the signature; of the first one only its hash is, unless what lies
 * before it was signed, too, as its hash is reckoned from that one's. */
struct salvage_fragment {
    uint64_t first_lsn, last_lsn;
    size_t head;                      /* candidate */
    const struct checkpoint *reaches; /* the newest one of a record among them; NULL: none */
    const struct checkpoint *follows; /* of the record before the first; NULL: none */
};
/* first..last of them are proven by `reaches`; false: none is. */
bool salvage_fragment_proven(const struct salvage_fragment *f, uint64_t *first, uint64_t *last);
/* False: nothing was found from `lsn` on. */
bool salvage_fragment(struct salvage *s, uint32_t branch, uint64_t lsn,
                      struct salvage_fragment *out);

/* True when two candidates each begin a log: they are of two sites, or one was made anew. */
bool salvage_has_two_logs(struct salvage *s);

/* The newest LSN of any candidate of the log; the number of branches. */
uint64_t salvage_last_lsn(const struct salvage *s);
uint32_t salvage_branches(const struct salvage *s);

#endif
