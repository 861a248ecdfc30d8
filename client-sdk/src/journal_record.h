/* journal_record.h - what a seat's journal remembers, as bytes.
 * Pure. No memory of its own: decoded texts and values point into the bytes they came from.
 * Times: *_at_ms are CLOCK_BOOTTIME of the boot that the last SEAT_RECORD_BOOT names; *_used_ms are
 * the candidate's used time (rules, section 5). Integers are big-endian.
 *
 * A stored record is: payload length u32, kind u8, flags u8, two zero bytes, payload, checksum[16]:
 *   checksum(n) = BLAKE2b-128(checksum(n-1) || the 8 bytes before the payload || payload)
 * and checksum(0) = the checksum of the file's header. The chain finds rot, a record that was taken
 * out, and one that was put in from another file. The one flag, `settled`, says that everything
 * before the record was on the disk when it was written: a bad record before a settled one is
 * damage, one that no settled record follows is a write that the power cut. */
#ifndef EXAMSEAT_JOURNAL_RECORD_H
#define EXAMSEAT_JOURNAL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"
#include "exam_limits.h"

enum {
    BOOT_ID_BYTES = 16,
    JOURNAL_VERSION = 1,
    JOURNAL_CHECKSUM_BYTES = 16,
    JOURNAL_FRAME_BYTES = 8, /* length, kind, flags, zeros */
    JOURNAL_PAYLOAD_BYTES_MAX = ANSWER_BYTES_MAX + 256,
    JOURNAL_RECORD_BYTES_MAX =
        JOURNAL_FRAME_BYTES + JOURNAL_PAYLOAD_BYTES_MAX + JOURNAL_CHECKSUM_BYTES,
    JOURNAL_HEADER_BYTES = 160,
};

enum seat_record_kind {
    SEAT_RECORD_BOOT = 1,     /* the program started: from here on times are of this boot */
    SEAT_RECORD_SITE = 2,     /* the highest epoch seen, and of which site (W1) */
    SEAT_RECORD_SESSION = 3,  /* a sign-in is about to be sent; actions count from 1 again */
    SEAT_RECORD_ATTACHED = 4, /* in contact with a node that serves */
    SEAT_RECORD_MARK = 5,     /* an acknowledgement (T3, T12) */
    SEAT_RECORD_POSITION = 6, /* T6: at each heartbeat instant */
    SEAT_RECORD_ANSWER = 7,   /* an action of the candidate; its position, too (T6) */
    SEAT_RECORD_SUBMIT = 8,
    SEAT_RECORD_ENDED = 9,     /* T10: the time ran out at exactly at_ms */
    SEAT_RECORD_COLLECTED = 10 /* the batch is collected: nothing above is needed any more */
};

/* An answer or a submission: what the candidate did, under which attachment (A3), at what time. */
struct seat_action {
    uint64_t seq; /* 1, 2, 3, ... within a session */
    uint64_t at_ms;
    uint64_t used_ms;
    uint64_t attachment_epoch, attachment_lsn;
    bool submit;      /* a submission has neither item nor value */
    const char *item; /* NUL-terminated, codec_name_ok */
    const uint8_t *value;
    size_t value_bytes; /* 0..ANSWER_BYTES_MAX; sealed 0..ANSWER_STORED_BYTES_MAX */
};

/* The account at a mark, and the state of the sitting then. */
struct seat_mark {
    uint64_t at_ms; /* when the acknowledgement arrived */
    uint64_t used_ms, left_ms;
    uint8_t state;  /* Seat__SittingState */
    uint8_t finish; /* Ev__Finish */
    uint8_t bytes_n;
    uint8_t bytes[MARK_BYTES_MAX]; /* opaque, made by the nodes (T12) */
};

struct seat_record {
    enum seat_record_kind kind;
    union {
        struct {
            uint8_t boot_id[BOOT_ID_BYTES];
            uint64_t at_ms;
        } boot;
        struct {
            uint8_t site_id[SITE_ID_BYTES];
            uint64_t epoch_seen;
        } site;
        struct {
            const char *admission_no; /* NUL-terminated */
            uint8_t session[SESSION_BYTES];
        } session;
        struct {
            uint64_t at_ms;
            uint64_t attachment_epoch, attachment_lsn;
            uint64_t seq_have;
            uint64_t heartbeat_ms, grace_ms;
        } attached;
        struct seat_mark mark;
        struct {
            uint64_t at_ms, used_ms;
        } position;
        struct seat_action action; /* ANSWER, SUBMIT */
        struct {
            uint64_t at_ms;
        } ended;
    } u;
};

/* The chain's state between two records. */
struct journal_chain {
    uint8_t checksum[JOURNAL_CHECKSUM_BYTES];
    bool settled; /* the next record put is to say so; put clears it, get does not look at it */
};

enum journal_cipher {
    JOURNAL_PLAIN = 0,
    JOURNAL_SEALED = 1, /* answers' values are (sealed_field.h), for a key of the seat's own */
};

struct journal_header {
    uint32_t version;
    uint32_t cipher;
    uint8_t file_id[16]; /* random: no two files have the same chain */
    char seat[NAME_BYTES_MAX + 1];
    uint8_t key_id[16]; /* of a sealed one: by which its key is known; otherwise zeros */
};

void journal_header_put(const struct journal_header *h, uint8_t out[JOURNAL_HEADER_BYTES],
                        struct journal_chain *chain);

/* EXAM_CORRUPT: no journal, or damaged; EXAM_VERSION: of another version or cipher. */
EXAM_MUST_USE exam_err journal_header_get(const uint8_t bytes[JOURNAL_HEADER_BYTES],
                                          struct journal_header *h, struct journal_chain *chain);

/* Writes one stored record to `out` (room for JOURNAL_RECORD_BYTES_MAX) and moves the chain on.
 * EXAM_TOO_BIG or EXAM_INVALID, nothing changed: a text or value that is over its bound. */
EXAM_MUST_USE exam_err journal_record_put(const struct seat_record *r, struct journal_chain *chain,
                                          uint8_t *out, size_t *out_bytes);

/* Reads the record that begins at bytes[0] and moves the chain on. EXAM_AGAIN: the bytes end before
 * the record does; EXAM_CORRUPT: these bytes are not what was stored. */
EXAM_MUST_USE exam_err journal_record_get(const uint8_t *bytes, size_t n,
                                          struct journal_chain *chain, struct seat_record *out,
                                          size_t *record_bytes);

/* True when a whole settled record that continues `chain` begins at bytes[at]. With chain NULL it
 * may continue any: the 16 bytes before it are taken as its predecessor's checksum. */
bool journal_record_settled_at(const uint8_t *bytes, size_t n, size_t at,
                               const struct journal_chain *chain);

/* Moves the chain on over a record whose own checksum is wrong, by what it covers; false: its
 * length is wrong, too. Tells a checksum that was damaged from a record that was. */
bool journal_record_step_over(const uint8_t *bytes, size_t n, struct journal_chain *chain,
                              size_t *record_bytes);

#endif
