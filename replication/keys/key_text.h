/* key_text.h - what the texts of key files and rosters are made of. Pure. */
#ifndef EXAM_KEY_TEXT_H
#define EXAM_KEY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exactly n bytes as hexadecimal digits, and nothing else. On false out[0..n) is undefined. */
bool key_text_hex(const char *hex, size_t hex_bytes, uint8_t *out, size_t n);

/* Wipes a secret text that jansson holds, and would give back as it is. NULL is allowed. */
void key_text_forget(const char *text);

#endif
