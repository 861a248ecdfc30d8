/* play.h - plays a drill from its first line to its last.
 * Single-threaded.
 *
 * At one instant: what is due by itself; the lines, each with all that follows from it; then the
 * expectations. After the last line the checks of sim/ look at all accounts and nodes. */
#ifndef DRILL_PLAY_H
#define DRILL_PLAY_H

#include "stage.h"
#include "verdict.h"

/* `s` has been opened. What does not hold is in the verdict. */
void play(struct stage *s, struct verdict *v);

#endif
