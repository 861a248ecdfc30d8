/* account_check.h - is every account in the exported results what the seats' side reckons (section
 * 5)? Shell (reads files). Owned by the caller, freed by account_check_free().
 *
 * Each sitting that `seatsim run --accounts` wrote must be in the results, finished as it was seen
 * to, with `used` and `lost` within the bounds, and allot + grants == used + left. With the
 * sittings as `examctl sitting show --json` writes them (one after the other in one file), the sum
 * of each one's interruptions must be its `lost` (T14), and none of them may be longer than from
 * `from` to `to`. */
#ifndef SEATSIM_ACCOUNT_CHECK_H
#define SEATSIM_ACCOUNT_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"

struct account_check;

struct account_check_figures {
    uint64_t reckoned;  /* sittings with bounds */
    uint64_t right;     /* of them, those whose results are within */
    uint64_t wrong;     /* with results that are not, or that contradict themselves */
    uint64_t missing;   /* without results */
    uint64_t itemized;  /* whose interruptions were compared */
    uint64_t sum_wrong; /* of those, the ones whose interruptions are not their `lost` */
};

EXAM_MUST_USE exam_err account_check_new(struct account_check **out);
void account_check_free(struct account_check *c);

/* A line for each of the first ten faults. */
typedef void (*account_check_say)(void *ctx, const char *text);
void account_check_on_fault(struct account_check *c, account_check_say say, void *ctx);

/* What `seatsim run --accounts` wrote: first. Errors as table_file_read(). */
EXAM_MUST_USE exam_err account_check_bounds(struct account_check *c, const char *path, char *why,
                                            size_t why_bytes);
/* What `examctl results` wrote. Errors as table_file_read(). */
EXAM_MUST_USE exam_err account_check_results(struct account_check *c, const char *path, char *why,
                                             size_t why_bytes);
/* What `examctl sitting show --json` wrote, after the results. EXAM_IO; EXAM_MALFORMED: no JSON;
 * EXAM_INVALID: no sitting, or one without results. */
EXAM_MUST_USE exam_err account_check_sittings(struct account_check *c, const char *path, char *why,
                                              size_t why_bytes);
struct account_check_figures account_check_figures(const struct account_check *c);

#endif
