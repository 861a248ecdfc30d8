/* checkpoint.h - a node's signed word that its log has such a record at such a place (D8). The hash
 * chain finds what was changed within a log; that the whole chain was made anew, or its end cut
 * off, is found by what was signed while it grew, by this node and by the others. Pure. What is
 * stored, sent and signed is the same bytes, for ever.
 *
 * Layout: node's name (length u8, then 32 bytes, zeros behind it), epoch u64, the epoch's tag u32
 * (record_tag of its EpochBegan: two epochs may have one number, W1), LSN u64, hash[32], site_ms
 * u64, wall_ms i64 (for people, T4), why u8; then the signature (key_file_sign, "checkpoint", which
 * binds the site). All integers big-endian. */
#ifndef EXAM_CHECKPOINT_H
#define EXAM_CHECKPOINT_H

#include "key_roster.h"
#include "record.h"

enum {
    CHECKPOINT_SIGNED_BYTES = 1 + NAME_BYTES_MAX + 8 + 4 + 8 + HASH_BYTES + 8 + 8 + 1,
    CHECKPOINT_KEY_BYTES_MAX = 64, /* of the store's table (checkpoint_key) */
};

/* Stored: never renumber. */
enum checkpoint_why {
    CHECKPOINT_GOES_ON = 1, /* records came in */
    CHECKPOINT_BEGIN = 2,   /* the first record of an epoch */
    CHECKPOINT_END = 3,     /* the last one of an epoch, or before the node stopped in order */
};

struct checkpoint {
    char node[NAME_BYTES_MAX + 1]; /* who signs */
    struct position at;
    uint32_t epoch_tag;
    uint64_t site_ms; /* when it was signed */
    int64_t wall_ms;
    enum checkpoint_why why;
    uint8_t signature[KEY_SIGNATURE_BYTES];
};

/* Signs all the rest as the node `k`; sets `node` and `signature`. */
void checkpoint_sign(struct checkpoint *c, const struct key_file *k);
/* EXAM_AUTH: the owner of that key has not signed it. */
EXAM_MUST_USE exam_err checkpoint_verify_by(const struct checkpoint *c, const struct key_entry *e,
                                            const uint8_t site_id[SITE_ID_BYTES]);
/* By any key that the site ever gave the node of that name. EXAM_NOT_FOUND: it gave none. `by` (may
 * be NULL): whose key it was, perhaps revoked since. */
EXAM_MUST_USE exam_err checkpoint_verify(const struct checkpoint *c, const struct key_roster *r,
                                         const struct key_entry **by);

void checkpoint_put(const struct checkpoint *c, uint8_t out[CHECKPOINT_BYTES]);
/* EXAM_MALFORMED. Whether the signature is good is not asked. */
EXAM_MUST_USE exam_err checkpoint_take(const uint8_t *bytes, size_t n, struct checkpoint *out);

/* An epoch of a log: its number, tag and first record. */
struct checkpoint_epoch {
    uint64_t epoch, first_lsn;
    uint32_t tag;
};

/* Where a log has the record that a checkpoint is about. */
enum checkpoint_place {
    CHECKPOINT_HERE,      /* at its LSN, in its epoch: the hashes are to be the same */
    CHECKPOINT_AHEAD,     /* the log ends before it */
    CHECKPOINT_ELSEWHERE, /* its epoch went on in a dead branch, or is none of this log's (W1) */
    CHECKPOINT_NOWHERE,   /* before the first record of its epoch: no log can have that */
};
/* Of a log with these epochs, oldest first, up to last_lsn. */
enum checkpoint_place checkpoint_place(const struct checkpoint *c,
                                       const struct checkpoint_epoch *epochs, size_t n,
                                       uint64_t last_lsn);

/* The store keeps them in STORE_META under this key: CHECKPOINT_PREFIX, the node's name, a zero,
 * then epoch, tag and LSN, so that one node's are in the order in which it signed them. Returns its
 * length. */
#define CHECKPOINT_PREFIX "signed/"
/* And the name of the node whose folder it is under this one, so that a folder tells what it has
 * signed itself. */
#define CHECKPOINT_OWNER "signer"
size_t checkpoint_key(const struct checkpoint *c, uint8_t out[CHECKPOINT_KEY_BYTES_MAX]);

#endif
