/* node_texts.h - what servers themselves have written into a log (an observed incident, what a dead
 * branch had), in the reader's language. Pure. What a person wrote stays as it is. */
#ifndef EXAMREPLAY_NODE_TEXTS_H
#define EXAMREPLAY_NODE_TEXTS_H

#include "event.pb-c.h"

enum { NODE_TEXT_BYTES = 768 };

/* The text itself, when it is none that a server writes. */
const char *node_text_shown(const char *text, char out[NODE_TEXT_BYTES]);
/* The name of a scope (exam_scope_name): that of the site is a word. */
const char *node_scope_shown(Ev__ScopeKind kind, const char *name);

/* The words for states, scopes, kinds and bases that node and examctl have (words.h, admin_views.h)
 * are told by _(), too; these are all of them, NULL at the end, so that catalogues have them. */
extern const char *const node_words[];

#endif
