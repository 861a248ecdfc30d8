/* accounts_check.h - the equations of section 5 of the rules, of every sitting, at the log's end.
 * Pure. */
#ifndef EXAMREPLAY_ACCOUNTS_CHECK_H
#define EXAMREPLAY_ACCOUNTS_CHECK_H

#include "findings.h"
#include "roles.h"

/* allot + grants = used + left; elapsed since begin = used + lost; the interruptions' credits are
 * the lost time (T14). Where an epoch began while the dark time was known to no server (exam.h),
 * only the seats' clocks have measured it: used + lost may be more than the site's timeline says.
 * So it may be of a sitting that came with a mark of another log (T12): by as much as it was more
 * then (replay_beyond_ms). `p` stands at the log's end. */
void accounts_check(const struct replay *p, const struct roles *roles, struct findings *f);

#endif
