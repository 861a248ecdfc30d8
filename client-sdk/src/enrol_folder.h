/* enrol_folder.h - where a seat's machine keeps what it enrols with: seat.key, roster, and, until
 * it has both, enrol.seed: the secret that will be its key, so that a second attempt comes with the
 * same one. Shell: writes files; secrets are their owner's only (mode 0600). `why` says what is
 * wrong, for a person. */
#ifndef EXAMSEAT_ENROL_FOLDER_H
#define EXAMSEAT_ENROL_FOLDER_H

#include <stddef.h>
#include <stdint.h>

#include "key_file.h"

/* Makes the folder if it is not there. EXAM_EXISTS: it has a seat's key already; EXAM_IO. */
EXAM_MUST_USE exam_err enrol_folder_open(const char *dir, char *why, size_t why_bytes);
/* The seed that is there, or a new one, durable. EXAM_IO; EXAM_CORRUPT it is no seed. */
EXAM_MUST_USE exam_err enrol_folder_seed(const char *dir, uint8_t seed[KEY_BYTES], char *why,
                                         size_t why_bytes);
/* The roster, then the key: whoever has a key has a roster; then the seed goes. EXAM_IO,
 * EXAM_NOMEM. */
EXAM_MUST_USE exam_err enrol_folder_store(const char *dir, const struct key_file *k,
                                          const char *roster, size_t roster_bytes, char *why,
                                          size_t why_bytes);

#endif
