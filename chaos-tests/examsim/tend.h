/* tend.h - the sensible administrator: looks at a site, and does what the rules want done. And the
 * end of every history: all is repaired, and the site must converge.
 * Single-threaded. */
#ifndef EXAMSIM_TEND_H
#define EXAMSIM_TEND_H

#include "history.h"

/* One look: a primary that hangs is switched off; when nobody serves, the node that has most is
 * promoted, with attest only when that is true (W2); a suspended batch goes on (W4). */
void tend(struct history *h);

/* Ends every fault, switches everything on, and waits until nothing is left to be done, for a
 * bounded time; then checks what must be true of a site after any history (A2, A3, D4, D5). */
void tend_to_the_end(struct history *h);

#endif
