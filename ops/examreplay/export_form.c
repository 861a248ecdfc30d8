#include "export_form.h"

#include <sodium.h>
#include <stdio.h>

void export_check_next(struct export_check *c, const char *line, size_t n,
                       char tail[EXPORT_TAIL_BYTES + 1])
{
    crypto_generichash_state state;
    char hex[2 * EXPORT_CHECK_BYTES + 1];
    crypto_generichash_init(&state, NULL, 0, EXPORT_CHECK_BYTES);
    crypto_generichash_update(&state, c->value, EXPORT_CHECK_BYTES);
    crypto_generichash_update(&state, (const uint8_t *)line, n);
    crypto_generichash_final(&state, c->value, EXPORT_CHECK_BYTES);
    sodium_bin2hex(hex, sizeof hex, c->value, EXPORT_CHECK_BYTES);
    snprintf(tail, EXPORT_TAIL_BYTES + 1, ",\"check\":\"%s\"}", hex);
}
