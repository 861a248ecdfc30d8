/* expect.h - holds an expectation against what the nodes say.
 * Single-threaded. */
#ifndef DRILL_EXPECT_H
#define DRILL_EXPECT_H

#include "results.h"

enum { FOUND_BYTES = 900 };

/* True when it holds; else `found` says what is there instead. `r` keeps what was asked for in this
 * instant. */
bool expect_holds(struct stage *s, struct results *r, const struct drill_line *l,
                  char found[FOUND_BYTES]);

#endif
