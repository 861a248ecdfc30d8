/* attaching.h - what a sitting's account becomes as a seat attaches, and the mark that the seat
 * brings (T5-T8, T10, T12).
 * Pure; internal to node/exam. What is known of the stretch since the mark is gathered in an
 * account_return: attaching_return begins it, a mark and the seat's claim are added, then the
 * pauses; attaching_emit reckons and emits. */
#ifndef EXAM_ATTACHING_H
#define EXAM_ATTACHING_H

#include "decide.h"

/* What this node knows by itself. */
struct account_return attaching_return(const struct decision *d, const struct sitting *s);
/* T12: adds the mark that the seat brings; n 0: none. EXAM_REFUSED: it was not made by this site's
 * servers for this sitting. EXAM_STALE_EPOCH: it proves that another one serves, or has served, in
 * an epoch that this node does not know (W1). */
EXAM_MUST_USE exam_err attaching_mark(const struct decision *d, uint32_t no, const uint8_t *bytes,
                                      size_t n, struct account_return *r);
/* T8: adds the first pause since the mark that the claim counts from. After marks and claim. */
void attaching_pause(const struct decision *d, const struct sitting *s, struct account_return *r);
/* T5, T12: the account can go on from the mark that the seat brings, and what the clock has run
 * without its screen is taken back (account_return.found). False as well where a dark time has been
 * credited since, which stays on record (T14). */
bool attaching_is_found(const struct sitting *s, const struct account_return *r);
/* The sitting is attached, and its account ends if its time has run out (T10). */
void attaching_emit(const struct decision *d, uint32_t no, const struct account_return *r);

#endif
