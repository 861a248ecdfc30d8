/* tape.h - what a program did to one file: its writes and flushes in order, and what it reported.
 * Pure (it allocates). One thread. */
#ifndef EXAM_TAPE_H
#define EXAM_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tape_kind {
    TAPE_WRITE,    /* durable when it returns, if `synced` (O_DSYNC) */
    TAPE_FLUSH,    /* fdatasync, fsync */
    TAPE_REPORTED, /* the next state in a row was reported durable */
};

struct tape_op {
    enum tape_kind kind;
    bool synced;
    uint64_t at;     /* in the file */
    size_t bytes_at; /* in the tape's bytes */
    size_t bytes;
};

struct tape {
    struct tape_op *ops;
    size_t ops_n, ops_max;
    uint8_t *bytes;
    size_t bytes_n, bytes_max;
};

void tape_init(struct tape *t);
void tape_fini(struct tape *t);

/* One write, of one piece or of several (tape_write_more continues the last one). */
void tape_write(struct tape *t, uint64_t at, bool synced, const void *bytes, size_t n);
void tape_write_more(struct tape *t, const void *bytes, size_t n);
void tape_flush(struct tape *t);
void tape_reported(struct tape *t);

size_t tape_count(const struct tape *t, enum tape_kind kind);

#endif
