/* confirm.h - asks before an act that cannot be taken back.
 * Shell: reads a line of stdin. */
#ifndef EXAMCTL_CONFIRM_H
#define EXAMCTL_CONFIRM_H

#include "exit_code.h"
#include "options.h"

/* EXIT_CODE_DONE: go on, by --yes or by the person's "yes". EXIT_CODE_REFUSED: the person said no.
 * EXIT_CODE_USAGE: nobody is there to ask, because stdin is no terminal. */
enum exit_code confirm_act(const struct options *o, const char *question);

#endif
