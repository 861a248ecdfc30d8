#include <inttypes.h>
#include <stdio.h>

#include "act.h"
#include "command.h"
#include "duration.h"
#include "report.h"

/* A span with or without a minus in front; 0 grants nothing, so it is a mistake. */
static enum exit_code span_parse(const char *text, int64_t *ms)
{
    bool negative = text[0] == '-';
    uint64_t span_ms;

    if (duration_parse(text + negative, &span_ms) != EXAM_OK || span_ms == 0) {
        report_error("'%s' is no span of time; write [h:]mm:ss, like 5:00, or -5:00 to take back",
                     text);
        return EXIT_CODE_USAGE;
    }
    *ms = negative ? -(int64_t)span_ms : (int64_t)span_ms;
    return EXIT_CODE_DONE;
}

enum exit_code cmd_grant(const struct options *o)
{
    Admin__Request request = ADMIN__REQUEST__INIT;
    Admin__Target target = ADMIN__TARGET__INIT;
    Admin__Grant grant = ADMIN__GRANT__INIT;
    struct ask reason = act_reason(o);
    char question[160];
    struct act a;
    enum exit_code exit_code = span_parse(o->second, &grant.ms);

    if (exit_code == EXIT_CODE_DONE)
        exit_code = act_begin(&a, o, &reason);
    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    target.name = a.subject;
    grant.target = &target;
    grant.who = a.who;
    grant.why = a.why;
    request.kind_case = ADMIN__REQUEST__KIND_GRANT;
    request.grant = &grant;
    snprintf(question, sizeof question, "Grant %s to %s?", a.second, a.subject);
    exit_code = act_carry_out(&a, &request, &grant.preview, question);
    act_end(&a);
    return exit_code;
}
