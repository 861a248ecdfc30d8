/* vault.h - what is personal in a site's log, sealed on its way in and opened on its way out (P3).
 * Shell over sealed_field.h: holds the data key in locked memory, and nothing else. Loop thread
 * only. sodium_init has been called.
 *
 * A site whose roster names a data key has a vault on each node. It is locked until somebody brings
 * the key: such a node follows as a standby, for which it needs no key, and does not serve. The
 * exam core, the log, the state tables, dead branches and the other nodes have the sealed bytes,
 * which mean nothing to them: what the core has to check of an answer or an import it checks before
 * they are sealed (engine_on_append).
 *
 * NULL is the vault of a site without a data key: nothing is sealed, and what is plain goes out as
 * it is. A value that was logged before the site had its key stays plain, and goes out, too. */
#ifndef EXAM_VAULT_H
#define EXAM_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exam.h"
#include "exam_err.h"
#include "sealed_field.h"

struct vault;

/* Locked. data_id: of the key that opens it, as the roster has it. EXAM_NOMEM. */
EXAM_MUST_USE exam_err vault_new(const uint8_t site_id[SITE_ID_BYTES],
                                 const uint8_t data_id[DATA_ID_BYTES], struct vault **out);
void vault_free(struct vault *v); /* NULL is allowed */

/* EXAM_AUTH: it is not the site's data key. The caller wipes its own copy. */
EXAM_MUST_USE exam_err vault_unlock(struct vault *v, const uint8_t key[DATA_KEY_BYTES]);
bool vault_is_locked(const struct vault *v); /* NULL: false */
bool vault_is_of(const struct vault *v, const uint8_t data_id[DATA_ID_BYTES]);

/* --- on the way in: of an unlocked vault --- */

/* engine_on_append: the event with its answer, names, ID numbers or paper text sealed. */
const Ev__Event *vault_seal(void *vault, const exam *x, const Ev__Event *event);
/* The ID number that somebody gives at sign-in, as that candidate's is stored. */
const char *vault_id_given(const struct vault *v, const exam *x, const char *admission_no,
                           const char *id_no, char out[NAME_BYTES_MAX + 1]);

/* --- on the way out --- */

/* An answer's value, in `buffer` when it was sealed. EXAM_REFUSED: it is, and the vault is locked
 * or there is none; EXAM_CORRUPT: it is not what was sealed for that sitting and item (D8). */
EXAM_MUST_USE exam_err vault_open_answer(const struct vault *v, const exam *x, uint32_t sitting,
                                         const struct exam_answer_view *answer,
                                         uint8_t buffer[ANSWER_BYTES_MAX], const uint8_t **value,
                                         size_t *value_bytes);
/* A candidate's name, or in brackets why it cannot be shown. */
const char *vault_open_name(const struct vault *v, const struct exam_sitting_view *s,
                            char buffer[PERSON_BYTES_MAX + 1]);
/* The ID number, if it is stored as such; "" where only its hash is. The hash itself may be
 * imported again, for the same candidate (T13). */
const char *vault_open_id(const struct exam_sitting_view *s);
/* Text of the sitting's paper, in place. EXAM_REFUSED, as above. Whether it was changed the paper's
 * digest tells. */
EXAM_MUST_USE exam_err vault_open_paper(const struct vault *v, const struct exam_sitting_view *s,
                                        uint32_t offset, uint8_t *data, size_t n);

#endif
