#include <stdio.h>

#include "act.h"
#include "command.h"
#include "sitting_query.h"
#include "sitting_view.h"

static void brief_show(void *ctx, const Admin__SittingDetail *d)
{
    sitting_view_brief(d, ctx);
}

/* R3: for the record; no clock is touched. */
enum exit_code cmd_violation(const struct options *o)
{
    const struct ask text = {
        .given = o->text, .option = "text", .prompt = "What was seen, and where is the evidence?"};
    const struct sitting_reader reader = {.ctx = stderr, .detail = brief_show};
    Admin__Request request = ADMIN__REQUEST__INIT;
    Admin__Violation violation = ADMIN__VIOLATION__INIT;
    struct act a;
    enum exit_code exit_code = act_begin(&a, o, &text);

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    violation.admission_no = a.subject;
    violation.text = a.why;
    violation.who = a.who;
    request.kind_case = ADMIN__REQUEST__KIND_VIOLATION;
    request.violation = &violation;
    if (!o->yes)
        exit_code = sitting_query(a.node, a.subject, &reader);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = act_confirmed(&a, &request, "Record a violation of this candidate?");
    act_end(&a);
    return exit_code;
}
