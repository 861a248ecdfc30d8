/* receipt.h - what a candidate is given when the answers are handed in: which answers the log has,
 * and where, signed by the node that took them. Whoever has it can hold the log against it later.
 * Pure. The form is `shunyan-receipt-1`: short lines of text that print well.
 *
 *   shunyan-receipt-1
 *   site 00112233445566778899aabbccddeeff
 *   batch B1
 *   candidate 20260517
 *   answers 42
 *   digest (64 hexadecimal digits: receipt_answers_* over the answers as the log has them)
 *   record 1234             the answers are final as of this record,
 *   epoch 2                 written in this epoch,
 *   chain (64 digits)       with this hash,
 *   written 2026-05-16T10:30:15.123Z     by that server's calendar (T4)
 *   check 7K3M-Q2ZP-9XWD
 *   node A
 *   signature (base64; key_file_sign, "receipt", over all the lines above it)
 *
 * All above `check` follows from the log alone, and `check` (60 bits of its BLAKE2b hash, base32.h)
 * from that: so a person who has no more than the printed paper types candidate, record and check.
 */
#ifndef EXAM_RECEIPT_H
#define EXAM_RECEIPT_H

#include "key_roster.h"

enum { RECEIPT_CHECK_BYTES = 15 }; /* "XXXX-XXXX-XXXX" and its end */

struct receipt {
    uint8_t site_id[SITE_ID_BYTES];
    char batch[NAME_BYTES_MAX + 1];
    char candidate[NAME_BYTES_MAX + 1]; /* admission number */
    uint32_t answers;
    uint8_t digest[HASH_BYTES];
    uint64_t lsn, epoch;
    uint8_t chain[HASH_BYTES];
    int64_t wall_ms; /* within the years 1970 to 9999: receipt_wall_ms */
    char node[NAME_BYTES_MAX + 1];
    uint8_t signature[KEY_SIGNATURE_BYTES];
};

/* The digest of a candidate's answers: begin, one call an answer in the order of the paper, end. */
struct receipt_answers {
    _Alignas(64) uint8_t state[384]; /* crypto_generichash_state */
    uint32_t n;
};
void receipt_answers_begin(struct receipt_answers *a);
void receipt_answers_add(struct receipt_answers *a, const char *item, const uint8_t *value,
                         size_t value_bytes);
void receipt_answers_end(struct receipt_answers *a, struct receipt *r); /* answers, digest */

/* A record's wall time, as a receipt can say it. */
int64_t receipt_wall_ms(int64_t wall_ms);

/* Signs all the rest as the node `k`; sets `node` and `signature`. */
void receipt_sign(struct receipt *r, const struct key_file *k);
/* By any key that the site ever gave that node; `by` (may be NULL): whose it was, perhaps revoked
 * since. EXAM_OTHER_SITE; EXAM_NOT_FOUND no node of that name; EXAM_AUTH not signed by it. */
EXAM_MUST_USE exam_err receipt_verify(const struct receipt *r, const struct key_roster *roster,
                                      const struct key_entry **by);

/* Writes the text to out[0..*n), without a zero behind it. */
void receipt_format(const struct receipt *r, char out[RECEIPT_BYTES_MAX], size_t *n);
/* Takes what receipt_format wrote, to the letter; line ends may have become CR LF, and the last one
 * may be missing. EXAM_MALFORMED: no receipt, or its check does not fit: a letter was changed. */
EXAM_MUST_USE exam_err receipt_parse(const char *text, size_t n, struct receipt *out);

void receipt_check(const struct receipt *r, char out[RECEIPT_CHECK_BYTES]);
/* True when a person's typing (base32.h) means `check`: dashes and blanks do not count. */
bool receipt_check_same(const char check[RECEIPT_CHECK_BYTES], const char *typed);
/* True when all that follows from the log is equal: everything but node and signature. */
bool receipt_same_facts(const struct receipt *a, const struct receipt *b);

#endif
