/* sealed_field.h - one field of a site's log, readable only with the site's data key: an answer, a
 * name, an ID number, the text of a paper.
 * Pure. Never allocates. Thread-safe: everything is the caller's. sodium_init has been called.
 *
 * A field is sealed where it enters the site, and opened where it leaves it; in between everybody
 * handles bytes that mean nothing. The same field at the same place becomes the same bytes, however
 * often it is sealed (a resent answer is the same answer, A4): the nonce is a keyed hash of place
 * and content. It opens at its own place only: an answer that was copied to another candidate, or
 * to another item, does not.
 *
 * A sealed value begins with SEALED_MARK, which no text has, so it is never taken for a plain one,
 * nor the other way round. Lengths are filled up to 16 bytes: of a short answer not even the length
 * shows. Form: mark, version, nonce[24], XChaCha20-Poly1305 of (content, 0x80, 0x00...). */
#ifndef EXAM_SEALED_FIELD_H
#define EXAM_SEALED_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"
#include "exam_limits.h"

enum {
    DATA_ID_BYTES = 16,
    SEALED_VERSION = 1,
    SEALED_BLOCK_BYTES = 16,
    SEALED_HEAD_BYTES = 2 + 24,
    SEALED_TAG_BYTES = 16,
};

/* What is derived from a data key. Secret: wiped by its owner (sodium_memzero). */
struct sealed_keys {
    uint8_t nonce[32], field[32], paper[32], id[32];
};
void sealed_keys_of(const uint8_t data_key[DATA_KEY_BYTES], struct sealed_keys *out);

/* The public name of a data key: whoever has the key can tell that it is the one of that name. */
void sealed_key_id(const uint8_t data_key[DATA_KEY_BYTES], const uint8_t site_id[SITE_ID_BYTES],
                   uint8_t out[DATA_ID_BYTES]);

/* Written into what is sealed: never renumber. */
enum sealed_kind { SEALED_ANSWER = 1, SEALED_NAME, SEALED_ID, SEALED_PAPER, SEALED_JOURNAL };

/* Where a field belongs. Texts are names, at most NAME_BYTES_MAX bytes; "" where a kind has none.
 */
struct sealed_place {
    enum sealed_kind kind;
    const uint8_t *site_id;
    const char *batch, *candidate; /* of a sitting: admission number */
    const char *item;              /* of an answer; of a paper its name */
};

/* plain[0..n), n <= ANSWER_BYTES_MAX, to out[0..returned): ANSWER_STORED_BYTES_MAX are enough. */
size_t sealed_seal(const struct sealed_keys *k, const struct sealed_place *at, const uint8_t *plain,
                   size_t n, uint8_t *out);
/* To out[0..*out_bytes), ANSWER_BYTES_MAX of room. EXAM_MALFORMED: not a sealed value's form;
 * EXAM_AUTH: of another key, of another place, or changed. Then `out` is untouched. */
EXAM_MUST_USE exam_err sealed_open(const struct sealed_keys *k, const struct sealed_place *at,
                                   const uint8_t *sealed, size_t n, uint8_t *out,
                                   size_t *out_bytes);
/* By its first byte: everything else is for sealed_open to say. */
bool sealed_value_is(const uint8_t *value, size_t n);

/* The same as text, for a name: "sealed:" and base64. name: at most PERSON_BYTES_MAX bytes. */
void sealed_name_seal(const struct sealed_keys *k, const struct sealed_place *at, const char *name,
                      char out[PERSON_STORED_BYTES_MAX + 1]);
EXAM_MUST_USE exam_err sealed_name_open(const struct sealed_keys *k, const struct sealed_place *at,
                                        const char *sealed, char out[PERSON_BYTES_MAX + 1]);
bool sealed_name_is(const char *text);

/* What is stored of an ID number: "id:" and a keyed hash, which tells only whether another one of
 * the same candidate is the same. `at` names no batch: it stays good when the candidate sits again.
 */
void sealed_id_hash(const struct sealed_keys *k, const struct sealed_place *at, const char *id_no,
                    char out[NAME_BYTES_MAX + 1]);
bool sealed_id_is(const char *text);

/* Seals or opens bytes of a paper's text, in place and without changing their number: data[0..n)
 * are at `offset` of the text, and `digest` is the text's own, which also tells whoever has opened
 * it whether it was changed. */
void sealed_paper_turn(const struct sealed_keys *k, const struct sealed_place *at,
                       const uint8_t digest[HASH_BYTES], uint32_t offset, uint8_t *data, size_t n);

#endif
