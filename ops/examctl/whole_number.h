/* whole_number.h - numbers of incidents and interruptions on the command line.
 * Pure but for the text on stderr. */
#ifndef EXAMCTL_WHOLE_NUMBER_H
#define EXAMCTL_WHOLE_NUMBER_H

#include <stdint.h>

#include "exit_code.h"

/* Digits only, 1 to 999,999,999; `what` is for the text. EXIT_CODE_USAGE. */
enum exit_code whole_number_parse(const char *text, const char *what, uint32_t *out);

#endif
