#include <stdio.h>

#include "act.h"
#include "command.h"

/* T11 */
enum exit_code cmd_move(const struct options *o)
{
    Admin__Request request = ADMIN__REQUEST__INIT;
    Admin__Move move = ADMIN__MOVE__INIT;
    struct ask reason = act_reason(o);
    char question[160];
    struct act a;
    enum exit_code exit_code = act_begin(&a, o, &reason);

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    move.admission_no = a.subject;
    move.seat = a.second;
    move.who = a.who;
    move.why = a.why;
    request.kind_case = ADMIN__REQUEST__KIND_MOVE;
    request.move = &move;
    snprintf(question, sizeof question, "Move %s to seat %s?", a.subject, a.second);
    exit_code = act_carry_out(&a, &request, &move.preview, question);
    act_end(&a);
    return exit_code;
}
