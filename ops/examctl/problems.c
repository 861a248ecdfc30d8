#include "problems.h"

#include <stdarg.h>
#include <string.h>

#include "codec.h"

void problems_init(struct problems *p)
{
    p->n = 0;
}

void problems_add(struct problems *p, const char *file, unsigned line, const char *format, ...)
{
    char *text;
    int used;
    va_list args;

    if (p->n++ >= PROBLEMS_KEPT)
        return;
    text = p->text[p->n - 1];
    if (line > 0)
        used = snprintf(text, PROBLEM_BYTES, "%s:%u: ", file, line);
    else
        used = snprintf(text, PROBLEM_BYTES, "%s: ", file);
    if (used < 0 || used >= PROBLEM_BYTES)
        return;
    va_start(args, format);
    vsnprintf(text + used, PROBLEM_BYTES - (size_t)used, format, args);
    va_end(args);
    codec_text_mend(text, PROBLEM_BYTES - 1); /* it may have been cut inside a character */
}

void problems_print(const struct problems *p, FILE *to)
{
    unsigned kept = p->n < PROBLEMS_KEPT ? p->n : PROBLEMS_KEPT;

    for (unsigned i = 0; i < kept; i++)
        fprintf(to, "%s\n", p->text[i]);
    if (p->n > kept)
        fprintf(to, "... and %u more; mend these first\n", p->n - kept);
}

const char *problem_quote(const char *value, char out[PROBLEM_QUOTE_BYTES])
{
    enum { SHOWN_BYTES_MAX = 48 };
    size_t n = strlen(value);
    size_t shown = n < SHOWN_BYTES_MAX ? n : SHOWN_BYTES_MAX;
    char *at = out;
    bool clean;

    while (shown > 0 && shown < n && ((unsigned char)value[shown] & 0xC0) == 0x80)
        shown--;
    clean = codec_text_ok(value, shown);
    *at++ = '\'';
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)value[i];

        if (clean || (c >= 0x20 && c < 0x7F))
            *at++ = (char)c;
        else
            at += snprintf(at, 5, "\\x%02X", c);
    }
    memcpy(at, shown < n ? "...'" : "'", shown < n ? 5 : 2);
    return out;
}
