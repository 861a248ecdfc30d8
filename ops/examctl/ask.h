/* ask.h - a text that goes on record with an act (R4, T9), from the command line or from the
 * person. Shell: may read a line of stdin. */
#ifndef EXAMCTL_ASK_H
#define EXAMCTL_ASK_H

#include "exam_limits.h"
#include "exit_code.h"

struct ask {
    const char *given;  /* on the command line; NULL: not */
    const char *option; /* that would have given it: "reason" */
    const char *prompt; /* "Why?" */
};

/* EXIT_CODE_USAGE: it was not given and nobody is there to ask, or what was typed cannot be taken;
 * the text is on stderr. */
enum exit_code ask_text(const struct ask *a, char out[REASON_BYTES_MAX + 1]);

#endif
