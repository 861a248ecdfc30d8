/* frame.h - the framing of every conversation: a 4-byte big-endian length, then that many bytes.
 * Pure. Not thread-safe; one reader a connection. A length is checked against the reader's own
 * bound before a byte of the payload is buffered, so a hostile header reserves nothing. */
#ifndef EXAM_FRAME_H
#define EXAM_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"
#include "exam_limits.h"

/* Writes the header for a payload of `payload_bytes` (1..FRAME_BYTES_MAX) to out[0..4). */
void frame_header_put(uint8_t out[FRAME_HEADER_BYTES], size_t payload_bytes);

/* Reassembles frames from any cut of the stream. `buf` is the caller's and holds at least
 * FRAME_HEADER_BYTES + payload_bytes_max; the reader grows nothing. */
struct frame_reader {
    uint8_t *buf;
    size_t buf_bytes; /* capacity */
    size_t begin;     /* first byte not yet handed out */
    size_t end;       /* first free byte */
    size_t payload_bytes_max;
};

void frame_reader_init(struct frame_reader *r, uint8_t *buf, size_t buf_bytes,
                       size_t payload_bytes_max);

/* Where the next bytes from the peer go: at least 1 byte of space is there unless a frame is
 * waiting in the buffer; call frame_reader_next until it says EXAM_AGAIN before asking. */
void frame_reader_space(struct frame_reader *r, uint8_t **at, size_t *bytes);
void frame_reader_filled(struct frame_reader *r, size_t bytes);

/* The next whole payload, inside the reader's buffer: it lives until frame_reader_space.
 * EXAM_AGAIN: more bytes are needed. EXAM_MALFORMED: a length of zero. EXAM_TOO_BIG: a length over
 * the bound. After either the connection is to be closed. */
EXAM_MUST_USE exam_err frame_reader_next(struct frame_reader *r, const uint8_t **payload,
                                         size_t *payload_bytes);

#endif
