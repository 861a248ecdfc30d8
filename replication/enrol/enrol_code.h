/* enrol_code.h - a code by which one seat enrols: what a person reads off a sheet and types once.
 * Pure. Ten symbols (base32.h), shown as 4K79Q-F2MXD: the first three say which code it is, in
 * clear; the other seven (35 bits) are the secret, which never leaves either machine (cpace.h). */
#ifndef EXAM_ENROL_CODE_H
#define EXAM_ENROL_CODE_H

#include <stdint.h>

#include "exam_err.h"

enum {
    ENROL_CODE_SYMBOLS = 10,
    ENROL_SLOT_SYMBOLS = 3,
    ENROL_SECRET_BYTES = ENROL_CODE_SYMBOLS - ENROL_SLOT_SYMBOLS,
    ENROL_SLOTS = 1 << (5 * ENROL_SLOT_SYMBOLS),
    ENROL_CODE_TEXT_BYTES = ENROL_CODE_SYMBOLS + 2, /* with its dash and a NUL */
};

struct enrol_code {
    uint16_t slot;
    uint8_t secret[ENROL_SECRET_BYTES]; /* symbols, capital letters */
};

/* `chance`: of a cryptographic generator; a byte a symbol. */
void enrol_code_make(uint16_t slot, const uint8_t chance[ENROL_SECRET_BYTES],
                     struct enrol_code *out);
void enrol_code_text(const struct enrol_code *c, char out[ENROL_CODE_TEXT_BYTES]);
/* As typed: small letters, blanks and dashes are fine. EXAM_INVALID: no code. */
EXAM_MUST_USE exam_err enrol_code_parse(const char *typed, struct enrol_code *out);

#endif
