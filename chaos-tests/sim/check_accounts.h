/* check_accounts.h - what must be true of every sitting's account on a node, at any time (section 5
 * of the rules, T14, D5).
 * Pure. Stands apart from the world: it sees the state of one exam, as of `site_ms`. */
#ifndef SIM_CHECK_ACCOUNTS_H
#define SIM_CHECK_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>

#include "exam.h"

/* allot + grants == used + left, and the interruptions' sum is `lost`. False: `what` says of which
 * sitting what is wrong. */
bool check_account(const struct exam_sitting_view *v, uint64_t interruptions_ms, char *what,
                   size_t what_bytes);
/* The time from its begin until site_ms, or its finish, == used + lost. Unless `time_known`
 * (exam_time_known_since its begin) these may be more than the site's timeline says: seats' clocks
 * have measured it. */
bool check_elapsed(const struct exam_sitting_view *v, uint64_t site_ms, bool time_known, char *what,
                   size_t what_bytes);
/* Both of every sitting of x. */
bool check_accounts(const exam *x, uint64_t site_ms, char *what, size_t what_bytes);

#endif
