/* cause_words.h - in words what interrupted candidates, for people who were not there. Pure. */
#ifndef EXAMREPLAY_CAUSE_WORDS_H
#define EXAMREPLAY_CAUSE_WORDS_H

#include "casebook.h"

enum { CAUSE_TEXT_BYTES = 3072, SPAN_TEXT_BYTES = 96 };

/* A few words: "No server served". */
const char *cause_title(enum story_cause_kind kind);
/* A sentence or two: what happened, who decided. */
void cause_tell(const struct casebook *c, const struct story_cause *cause,
                char out[CAUSE_TEXT_BYTES]);
/* What happened to the servers. */
void cause_tell_dark(const struct story *s, const struct story_dark *d, char out[CAUSE_TEXT_BYTES]);
/* On what the figure rests (T14). */
const char *cause_basis(Ev__Basis basis);

/* "10:30:15.250", by the servers' calendars; with the date where `dated`. */
void cause_clock(const struct story *s, uint64_t site_ms, bool dated, char out[SPAN_TEXT_BYTES]);
/* "0:31.998", or "0:31.998 to 0:33" when they differ. */
void cause_spans(uint64_t least_ms, uint64_t most_ms, char out[SPAN_TEXT_BYTES]);

#endif
