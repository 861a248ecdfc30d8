#include "duration.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

enum { PARTS_MAX = 3, HOURS_MAX = 999, DIGITS_MAX = 6 };

/* Reads 1..DIGITS_MAX digits and moves *at behind them; returns how many there were, 0 for too
 * many. */
static unsigned digits_read(const char **at, uint64_t *value)
{
    unsigned n = 0;

    *value = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        if (++n > DIGITS_MAX)
            return 0;
        *value = *value * 10 + (uint64_t)(**at - '0');
    }
    return n;
}

/* Reads the colon-separated whole numbers; every one but the first has two digits. */
static unsigned parts_read(const char **at, uint64_t part[PARTS_MAX])
{
    for (unsigned n = 0; n < PARTS_MAX; n++) {
        unsigned digits = digits_read(at, &part[n]);

        if (digits == 0 || (n > 0 && (digits != 2 || part[n] > 59)))
            return 0;
        if (**at != ':')
            return n + 1;
        (*at)++;
    }
    return 0;
}

/* Reads ".5", ".25" or ".250" as milliseconds; nothing there is 0. */
static bool fraction_read(const char **at, uint64_t *ms)
{
    unsigned digits;

    *ms = 0;
    if (**at != '.')
        return true;
    (*at)++;
    digits = digits_read(at, ms);
    if (digits == 0 || digits > 3)
        return false;
    for (; digits < 3; digits++)
        *ms *= 10;
    return true;
}

exam_err duration_parse(const char *text, uint64_t *ms)
{
    uint64_t part[PARTS_MAX];
    uint64_t fraction_ms;
    uint64_t seconds;
    unsigned n = parts_read(&text, part);

    if (n < 2 || !fraction_read(&text, &fraction_ms) || *text != '\0')
        return EXAM_INVALID;
    seconds = n == 3 ? (part[0] * 60 + part[1]) * 60 + part[2] : part[0] * 60 + part[1];
    if (seconds > (uint64_t)HOURS_MAX * 3600)
        return EXAM_INVALID;
    *ms = seconds * 1000 + fraction_ms;
    return EXAM_OK;
}

void duration_format(uint64_t ms, char out[DURATION_TEXT_BYTES])
{
    uint64_t seconds = ms / 1000;
    char fraction[8] = "";

    if (ms % 1000 != 0)
        snprintf(fraction, sizeof fraction, ".%03u", (unsigned)(ms % 1000));
    if (seconds < 3600)
        snprintf(out, DURATION_TEXT_BYTES, "%" PRIu64 ":%02u%s", seconds / 60,
                 (unsigned)(seconds % 60), fraction);
    else
        snprintf(out, DURATION_TEXT_BYTES, "%" PRIu64 ":%02u:%02u%s", seconds / 3600,
                 (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60), fraction);
}
