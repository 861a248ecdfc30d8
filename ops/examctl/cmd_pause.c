#include <stdio.h>

#include "act.h"
#include "command.h"

/* T8: what stops and what starts is found out by the node, which knows every scope's name. */
enum exit_code cmd_pause(const struct options *o)
{
    Admin__Request request = ADMIN__REQUEST__INIT;
    Admin__Target target = ADMIN__TARGET__INIT;
    Admin__Pause pause = ADMIN__PAUSE__INIT;
    struct ask reason = act_reason(o);
    char question[128];
    struct act a;
    enum exit_code exit_code = act_begin(&a, o, &reason);

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    target.name = a.subject;
    pause.target = &target;
    pause.who = a.who;
    pause.why = a.why;
    request.kind_case = ADMIN__REQUEST__KIND_PAUSE;
    request.pause = &pause;
    snprintf(question, sizeof question, "Pause %s?", a.subject);
    exit_code = act_carry_out(&a, &request, &pause.preview, question);
    act_end(&a);
    return exit_code;
}

enum exit_code cmd_resume(const struct options *o)
{
    Admin__Request request = ADMIN__REQUEST__INIT;
    Admin__Target target = ADMIN__TARGET__INIT;
    Admin__Resume resume = ADMIN__RESUME__INIT;
    struct ask reason = act_reason(o);
    char question[128];
    struct act a;
    enum exit_code exit_code = act_begin(&a, o, &reason);

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    target.name = a.subject;
    resume.target = &target;
    resume.who = a.who;
    resume.why = a.why;
    request.kind_case = ADMIN__REQUEST__KIND_RESUME;
    request.resume = &resume;
    snprintf(question, sizeof question, "Let %s go on?", a.subject);
    exit_code = act_carry_out(&a, &request, &resume.preview, question);
    act_end(&a);
    return exit_code;
}
