/* exam_limits.h - every bound on what one party may send another, in one place.
 * Pure. Decoders check them before they allocate; senders keep them. (Not named limits.h: that
 * would hide the C library's <limits.h> from every file of the project.) */
#ifndef EXAM_LIMITS_H
#define EXAM_LIMITS_H

enum {
    FRAME_HEADER_BYTES = 4,
    FRAME_BYTES_MAX = 64 * 1024,       /* payload of one frame, seats, admin and replicas alike */
    SEAT_REQUEST_BYTES_MAX = 8 * 1024, /* what a seat may send in one frame */
    NAME_BYTES_MAX = 32,               /* room, seat, batch, paper, item, node, admission number */
    PERSON_BYTES_MAX = 128,            /* a candidate's or an administrator's name (UTF-8) */
    TITLE_BYTES_MAX = 256,             /* titles of papers, batches */
    REASON_BYTES_MAX = 512,            /* why a person did something */
    ANSWER_BYTES_MAX = 1024,           /* one answer's value */
    /* As the log has them, where a site seals them (sealed_field.h). */
    ANSWER_STORED_BYTES_MAX = ANSWER_BYTES_MAX + 58,
    PERSON_STORED_BYTES_MAX = 2 * PERSON_BYTES_MAX,
    SEALED_MARK = 0xF5, /* begins a sealed value: no text has this byte */
    SESSION_BYTES = 16,
    MARK_BYTES_MAX = 96,
    SITE_ID_BYTES = 16,
    SITE_KEY_BYTES = 32,
    DATA_KEY_BYTES = 32, /* of what is sealed (sealed_field.h) */
    HASH_BYTES = 32,
    SIGN_KEY_BYTES = 32, /* Ed25519, public */
    SIGNATURE_BYTES = 64,
    SIGN_NONCE_BYTES = 32,
    PAPER_CHUNK_BYTES_MAX = 32 * 1024,
    PAPER_BYTES_MAX = 4 * 1024 * 1024,
    PAPER_ITEMS_MAX = 1000,
    PAPERS_MAX = 256,
    ROOMS_MAX = 256,
    ROOM_SEATS_MAX = 999,
    BATCHES_MAX = 256,
    SITTINGS_MAX = 100000, /* of all batches on a node */
    MARKS_PER_EVENT_MAX = 4096,
    SITTINGS_PER_EVENT_MAX = 50,  /* that an import adds; at most 450 bytes each, sealed */
    RECORD_BYTES_MAX = 60 * 1024, /* one log record with its header: fits a replica frame */
    RENUMBERED_MAX = 128,         /* stretches of numbers that mean others on a dead branch (A3) */
    NODES_MAX = 8,
    SIGNED_REQUEST_BYTES_MAX = 4096, /* an act of a person, as it is kept in the log */
    ROWS_PER_REPLY_MAX = 256,        /* of a table that a node sends to an administrator */
    EPOCHS_SENT_MAX = 64,            /* newest epochs that a node tells its peer of */
    CHECKPOINT_BYTES = 166,          /* a node's signed word on its log (checkpoint.h) */
    CHECKPOINTS_SENT_MAX = 16,       /* in one message */
    RECEIPT_BYTES_MAX = 1024, /* of a candidate's receipt (receipt.h); far more than it can have */
};

/* Conversation versions: a party that hears another one says so and closes. */
enum {
    SEAT_VERSION = 1,
    ADMIN_VERSION = 1,
    REPLICA_VERSION = 1,
    LOG_VERSION = 1,
};

#endif
