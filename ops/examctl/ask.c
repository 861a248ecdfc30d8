#include "ask.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "codec.h"
#include "report.h"

enum exit_code ask_text(const struct ask *a, char out[REASON_BYTES_MAX + 1])
{
    char line[REASON_BYTES_MAX + 2] = "";
    size_t n;

    if (a->given != NULL) { /* checked when the command line was read */
        snprintf(out, REASON_BYTES_MAX + 1, "%s", a->given);
        return EXIT_CODE_DONE;
    }
    if (isatty(STDIN_FILENO) != 1) {
        report_error("nothing was done: this goes on record with a text (R4); give --%s TEXT",
                     a->option);
        return EXIT_CODE_USAGE;
    }
    fprintf(stderr, "%s ", a->prompt);
    fflush(stderr);
    if (fgets(line, sizeof line, stdin) == NULL)
        line[0] = '\0';
    n = strcspn(line, "\n");
    if (n == 0 || line[n] != '\n' || !codec_text_ok(line, n)) {
        report_error("nothing was done: it needs 1 to %d bytes of UTF-8 text", REASON_BYTES_MAX);
        return EXIT_CODE_USAGE;
    }
    line[n] = '\0';
    memcpy(out, line, n + 1);
    return EXIT_CODE_DONE;
}
