#include "words.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "duration.h"

void words_fail(struct words *w, const char *format, ...)
{
    va_list args;
    if (w->failed)
        return;
    w->failed = true;
    va_start(args, format);
    vsnprintf(w->error, sizeof w->error, format, args);
    va_end(args);
    codec_text_mend(w->error, sizeof w->error - 1);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

void words_cut(struct words *w, const char *line, size_t bytes)
{
    w->n = w->at = 0;
    w->failed = false;
    w->line[0] = '\0';
    if (bytes > DRILL_LINE_BYTES_MAX) {
        words_fail(w, "a line of more than %d bytes", DRILL_LINE_BYTES_MAX);
        return;
    }
    const char *comment = memchr(line, '#', bytes);
    if (comment)
        bytes = (size_t)(comment - line);
    while (bytes && is_blank(line[bytes - 1]))
        bytes--;
    if (!codec_text_ok(line, bytes)) {
        words_fail(w, "this is no text: a control character, or not UTF-8");
        return;
    }
    memcpy(w->line, line, bytes);
    w->line[bytes] = '\0';
    for (size_t i = 0; i < bytes; i++) {
        if (is_blank(w->line[i])) {
            w->line[i] = '\0';
        } else if (i == 0 || !w->line[i - 1]) {
            if (w->n == DRILL_WORDS_MAX) {
                words_fail(w, "more than %d words", DRILL_WORDS_MAX);
                return;
            }
            w->starts[w->n++] = (uint16_t)i;
        }
    }
}

bool words_more(const struct words *w)
{
    return !w->failed && w->at < w->n;
}

const char *words_peek(const struct words *w)
{
    return words_more(w) ? w->line + w->starts[w->at] : "";
}

const char *words_take(struct words *w, const char *what)
{
    const char *word = words_peek(w);
    if (!words_more(w))
        words_fail(w, "%s is missing", what);
    else
        w->at++;
    return word;
}

bool words_take_if(struct words *w, const char *word)
{
    bool same = words_more(w) && !strcmp(words_peek(w), word);
    w->at += same;
    return same;
}

const char *words_take_name(struct words *w, const char *what)
{
    const char *name = words_take(w, what);
    if (w->failed || codec_name_ok(name))
        return name;
    words_fail(w, "'%s' cannot be %s: names have 1 to %d bytes without commas, quotes and slashes",
               name, what, NAME_BYTES_MAX);
    return "";
}

static uint64_t take_ms(struct words *w, const char *what, bool *negative)
{
    const char *word = words_take(w, what);
    uint64_t ms = 0;
    *negative = word[0] == '-';
    if (!w->failed && duration_parse(word + *negative, &ms))
        words_fail(w, "'%s' is no %s: it is written [h:]mm:ss[.mmm], as in 12:00.300", word, what);
    return ms;
}

uint64_t words_take_ms(struct words *w, const char *what)
{
    bool negative;
    uint64_t ms = take_ms(w, what, &negative);
    if (negative)
        words_fail(w, "%s cannot be negative", what);
    return ms;
}

int64_t words_take_signed_ms(struct words *w, const char *what)
{
    bool negative;
    uint64_t ms = take_ms(w, what, &negative);
    return negative ? -(int64_t)ms : (int64_t)ms;
}

uint64_t words_take_number(struct words *w, const char *what, uint64_t min, uint64_t max)
{
    const char *word = words_take(w, what);
    uint64_t n = 0;
    size_t digits = strspn(word, "0123456789");
    if (w->failed)
        return 0;
    for (size_t i = 0; i < digits && i < 10; i++)
        n = 10 * n + (uint64_t)(word[i] - '0');
    if (!digits || digits > 9 || word[digits] || n < min || n > max) {
        words_fail(w, "'%s' is no %s: a whole number from %llu to %llu is wanted", word, what,
                   (unsigned long long)min, (unsigned long long)max);
        return 0;
    }
    return n;
}

void words_take_rest(struct words *w, char *out, size_t max)
{
    size_t n = 0;
    out[0] = '\0';
    while (words_more(w)) {
        const char *word = words_take(w, "");
        size_t bytes = strlen(word);
        if (n + (n > 0) + bytes > max) {
            words_fail(w, "a text of more than %zu bytes", max);
            return;
        }
        if (n)
            out[n++] = ' ';
        memcpy(out + n, word, bytes + 1);
        n += bytes;
    }
}

void words_end(struct words *w)
{
    if (words_more(w))
        words_fail(w, "'%s' is too much here", words_peek(w));
}
