#include <stdio.h>

#include "act.h"
#include "command.h"
#include "postponed_list.h"
#include "report.h"

static enum exit_code postpone_send(struct act *a)
{
    Admin__Request request = ADMIN__REQUEST__INIT;
    Admin__Postpone postpone = ADMIN__POSTPONE__INIT;
    char question[160];

    postpone.batch = a->subject;
    postpone.who = a->who;
    postpone.why = a->why;
    request.kind_case = ADMIN__REQUEST__KIND_POSTPONE;
    request.postpone = &postpone;
    snprintf(question, sizeof question,
             "Postpone batch %s? Its clocks stop for good (T13), this cannot be taken back.",
             a->subject);
    return act_carry_out(a, &request, &postpone.preview, question);
}

/* R1. The lists come after the act, and may be had again: a disk that is full here must not stand
 * in the way of a postponement. */
enum exit_code cmd_batch_postpone(const struct options *o)
{
    struct ask reason = act_reason(o);
    struct act a;
    enum exit_code exit_code = act_begin(&a, o, &reason);

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    exit_code = postponed_list_check(o, a.node);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = postpone_send(&a);
    if (exit_code == EXIT_CODE_DONE && (o->output != NULL || o->new_batch != NULL)) {
        exit_code = postponed_list_write(o, a.node, POSTPONED_TO_FILE_OR_NOWHERE);
        if (exit_code != EXIT_CODE_DONE)
            report_error("the batch IS postponed; get its lists with `examctl batch postponed %s`",
                         o->argument);
    }
    act_end(&a);
    return exit_code;
}

enum exit_code cmd_batch_postponed(const struct options *o)
{
    struct cluster cluster;
    struct cluster_node *primary;
    enum exit_code exit_code = cluster_open_primary(o, &cluster, &primary);

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    exit_code = postponed_list_check(o, primary);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = postponed_list_write(o, primary, POSTPONED_TO_FILE_OR_STDOUT);
    cluster_close(&cluster);
    return exit_code;
}

/* W4: the other decision on a suspended batch. */
enum exit_code cmd_batch_go_on(const struct options *o)
{
    Admin__Request request = ADMIN__REQUEST__INIT;
    Admin__SuspendedDecision decision = ADMIN__SUSPENDED_DECISION__INIT;
    struct ask reason = act_reason(o);
    char question[128];
    struct act a;
    enum exit_code exit_code = act_begin(&a, o, &reason);

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    decision.batch = a.subject;
    decision.who = a.who;
    decision.why = a.why;
    request.kind_case = ADMIN__REQUEST__KIND_SUSPENDED_DECISION;
    request.suspended_decision = &decision;
    snprintf(question, sizeof question, "Let batch %s go on?", a.subject);
    exit_code = act_carry_out(&a, &request, &decision.preview, question);
    act_end(&a);
    return exit_code;
}
