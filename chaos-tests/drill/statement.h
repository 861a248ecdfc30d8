/* statement.h - what may stand behind an instant: one table of all statements. Private to the
 * reading.
 * Pure. */
#ifndef DRILL_STATEMENT_H
#define DRILL_STATEMENT_H

#include "names.h"
#include "texts.h"
#include "words.h"

/* Reads the statement in `w`, from its verb (or `!`) on, into `out`, whose line, instant and text
 * are set already. Errors stick in w. */
void statement_read(struct words *w, const struct names *names, struct drill_texts *texts,
                    struct drill_line *out);

/* The n-th statement's form, for --help; NULL: no more. */
const char *statement_form(uint32_t n);

#endif
