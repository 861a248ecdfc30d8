/* words.h - the words for what nodes report, the same in tables, JSON and messages.
 * Pure. Unknown values are "unknown". */
#ifndef EXAMCTL_WORDS_H
#define EXAMCTL_WORDS_H

#include "admin.pb-c.h"

const char *word_of_role(Admin__Role role);
const char *word_of_batch_state(Admin__BatchState state);

/* How acknowledgements of a serving node are given (A1): dual, solo, or none while it waits. */
const char *word_of_durability(const Admin__NodeStatus *s);

#endif
