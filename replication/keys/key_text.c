#include "key_text.h"

#include <sodium.h>
#include <string.h>

bool key_text_hex(const char *hex, size_t hex_bytes, uint8_t *out, size_t n)
{
    size_t got;
    const char *end;

    return sodium_hex2bin(out, n, hex, hex_bytes, NULL, &got, &end) == 0 && got == n &&
           end == hex + hex_bytes;
}

void key_text_forget(const char *text)
{
    if (text != NULL)
        sodium_memzero((char *)(uintptr_t)text, strlen(text));
}
