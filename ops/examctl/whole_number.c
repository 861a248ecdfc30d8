#include "whole_number.h"

#include <string.h>

#include "report.h"

enum { DIGITS_MAX = 9 };

enum exit_code whole_number_parse(const char *text, const char *what, uint32_t *out)
{
    size_t n = strspn(text, "0123456789");
    uint32_t value = 0;

    if (n > 0 && n <= DIGITS_MAX && text[n] == '\0')
        for (size_t i = 0; i < n; i++)
            value = value * 10 + (uint32_t)(text[i] - '0');
    if (value == 0) {
        report_error("'%s' is no number of an %s; they count from 1", text, what);
        return EXIT_CODE_USAGE;
    }
    *out = value;
    return EXIT_CODE_DONE;
}
