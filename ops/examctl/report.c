#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "json_output.h"

void report_error(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "%s: ", program_invocation_short_name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

/* The node's text may name the line, too: behind file:line it would be there twice. */
static const char *without_line(const char *text, uint32_t line)
{
    char prefix[32];
    int n = snprintf(prefix, sizeof prefix, "line %" PRIu32 ": ", line);

    return strncmp(text, prefix, (size_t)n) == 0 ? text + n : text;
}

enum exit_code report_refusal(const char *node, const Admin__Refused *refused, const char *roster)
{
    const char *text =
        refused->text[0] != '\0' ? refused->text : exam_err_text((exam_err)refused->code);
    const char *open = refused->rule[0] != '\0' ? " [rule " : "";
    const char *close = refused->rule[0] != '\0' ? "]" : "";
    enum exit_code exit_code = exit_code_of((exam_err)refused->code, refused->line);

    if (refused->line != 0 && roster != NULL)
        fprintf(stderr, "%s:%" PRIu32 ": %s%s%s%s\n", roster, refused->line,
                without_line(text, refused->line), open, refused->rule, close);
    else
        report_error("node %s refuses: %s%s%s%s", node, text, open, refused->rule, close);
    /* Code 0 in a refusal is a node's mistake, and no success. */
    return exit_code != EXIT_CODE_DONE ? exit_code : EXIT_CODE_PROTOCOL;
}

enum exit_code report_done(const char *node, const Admin__Done *done, bool json)
{
    if (!json) {
        printf("%s\n", done->text[0] != '\0' ? done->text : "done");
        return EXIT_CODE_DONE;
    }
    return json_output_print(json_pack("{s:b, s:s, s:s, s:I}", "done", 1, "node", node, "text",
                                       done->text, "lsn", (json_int_t)done->lsn));
}
