#include "enrol_code.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base32.h"

void enrol_code_make(uint16_t slot, const uint8_t chance[ENROL_SECRET_BYTES],
                     struct enrol_code *out)
{
    assert(slot < ENROL_SLOTS);
    out->slot = slot;
    for (size_t i = 0; i < ENROL_SECRET_BYTES; i++)
        out->secret[i] = (uint8_t)base32_symbols[chance[i] % BASE32_SYMBOLS];
}

void enrol_code_text(const struct enrol_code *c, char out[ENROL_CODE_TEXT_BYTES])
{
    snprintf(out, ENROL_CODE_TEXT_BYTES, "%c%c%c%.2s-%.5s", base32_symbols[c->slot >> 10 & 31],
             base32_symbols[c->slot >> 5 & 31], base32_symbols[c->slot & 31],
             (const char *)c->secret, (const char *)c->secret + 2);
}

exam_err enrol_code_parse(const char *typed, struct enrol_code *out)
{
    struct enrol_code c = {.slot = 0};
    size_t n = 0;

    for (; *typed != '\0'; typed++) {
        int value = base32_value(*typed);

        if (*typed == '-' || *typed == ' ')
            continue;
        if (value < 0 || n == ENROL_CODE_SYMBOLS)
            return EXAM_INVALID;
        if (n < ENROL_SLOT_SYMBOLS)
            c.slot = (uint16_t)(c.slot << 5 | value);
        else
            c.secret[n - ENROL_SLOT_SYMBOLS] = (uint8_t)base32_symbols[value];
        n++;
    }
    if (n != ENROL_CODE_SYMBOLS)
        return EXAM_INVALID;
    *out = c;
    return EXAM_OK;
}
