/* What text and names may be made of (codec.h). */
#include "codec.h"

#include <string.h>

/* Reads one code point of at most n bytes and returns its length; 0: not well-formed. Overlong
 * forms, surrogates and values above U+10FFFF are not (Unicode 15, table 3-7). */
static size_t utf8_get(const uint8_t *at, size_t n, uint32_t *code)
{
    static const uint32_t min_of[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = at[0] < 0x80 ? 1 : at[0] < 0xC2 ? 0 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : 4;
    uint32_t c;

    if (len == 0 || len > n || at[0] > 0xF4)
        return 0;
    if (len == 1) {
        *code = at[0];
        return 1;
    }
    c = at[0] & (0xFFu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (at[i] & 0x3F);
    }
    if (c < min_of[len] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return 0;
    *code = c;
    return len;
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c <= 0x9F);
}

static bool text_char_ok(uint32_t c)
{
    return c == '\t' || !is_control(c);
}

static bool answer_char_ok(uint32_t c)
{
    return c == '\n' || c == '\r' || text_char_ok(c);
}

/* Every space and invisible separator of Unicode: two names that look alike must be one. */
static bool is_space(uint32_t c)
{
    return c == ' ' || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200F) ||
           (c >= 0x2028 && c <= 0x202F) || (c >= 0x205F && c <= 0x206F) || c == 0x3000 ||
           c == 0xFEFF;
}

static bool name_char_ok(uint32_t c)
{
    return !is_control(c) && !is_space(c) && c != ',' && c != '"' && c != '\'' && c != '`' &&
           c != '/' && c != '\\';
}

static bool chars_ok(const uint8_t *at, size_t n, bool (*ok)(uint32_t))
{
    while (n > 0) {
        uint32_t c;
        size_t len = utf8_get(at, n, &c);

        if (len == 0 || !ok(c))
            return false;
        at += len;
        n -= len;
    }
    return true;
}

bool codec_text_ok(const char *text, size_t n)
{
    return chars_ok((const uint8_t *)text, n, text_char_ok);
}

void codec_text_mend(char *text, size_t bytes_max)
{
    size_t n = strlen(text);
    size_t at = 0;

    while (at < n) {
        uint32_t c;
        size_t len = utf8_get((const uint8_t *)text + at, n - at, &c);

        if (at + (len > 0 ? len : 1) > bytes_max)
            break;
        if (len > 0 && text_char_ok(c)) {
            at += len;
            continue;
        }
        memset(text + at, '?', len > 0 ? len : 1);
    }
    text[at] = '\0';
}

bool codec_answer_ok(const uint8_t *value, size_t n)
{
    return n <= ANSWER_BYTES_MAX && chars_ok(value, n, answer_char_ok);
}

bool codec_answer_stored_ok(const uint8_t *value, size_t n)
{
    return n > 0 && value[0] == SEALED_MARK ? n <= ANSWER_STORED_BYTES_MAX
                                            : codec_answer_ok(value, n);
}

bool codec_name_ok(const char *name)
{
    size_t n = strnlen(name, NAME_BYTES_MAX + 1);

    if (n == 0 || n > NAME_BYTES_MAX)
        return false;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false; /* names become file names */
    return chars_ok((const uint8_t *)name, n, name_char_ok);
}
