/* words.h - the words for what nodes report, the same in tables, JSON and messages.
 * Pure. Unknown values are "unknown". */
#ifndef EXAMCTL_WORDS_H
#define EXAMCTL_WORDS_H

#include <stdbool.h>

#include "admin.pb-c.h"

const char *word_of_role(Admin__Role role);
const char *word_of_batch_state(Admin__BatchState state);
const char *word_of_power(Admin__Power power);
const char *word_of_basis(Ev__Basis basis);
const char *word_of_incident_kind(Ev__IncidentKind kind);
const char *word_of_scope_kind(Ev__ScopeKind kind);

/* False: no such word. */
bool incident_kind_of_word(const char *word, Ev__IncidentKind *out);

/* How acknowledgements of a serving node are given (A1): dual, solo, or none while it waits. */
const char *word_of_durability(const Admin__NodeStatus *s);

#endif
