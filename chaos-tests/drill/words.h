/* words.h - one line of a drill as words, taken one after the other. Private to the reading.
 * Pure. The first error sticks: later takes give "" or 0 and tell nothing, so a statement is read
 * straight through and checked once. */
#ifndef DRILL_WORDS_H
#define DRILL_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "drill.h"

struct words {
    char line[DRILL_LINE_BYTES_MAX + 1]; /* cut into words */
    uint16_t starts[DRILL_WORDS_MAX];
    uint32_t n, at;
    bool failed;
    char error[256];
};

/* Cuts the line, without a comment, into words. Fails on too many, and on characters that no text
 * may have. */
void words_cut(struct words *w, const char *line, size_t bytes);

__attribute__((format(printf, 2, 3))) void words_fail(struct words *w, const char *format, ...);

bool words_more(const struct words *w);
/* The next word without taking it; "" at the end. */
const char *words_peek(const struct words *w);
/* The next word; `what` is wanted there. */
const char *words_take(struct words *w, const char *what);
/* Takes the next word if it is this one. */
bool words_take_if(struct words *w, const char *word);
/* A name as the project's files have them (codec_name_ok). */
const char *words_take_name(struct words *w, const char *what);
/* [h:]mm:ss[.mmm]; `what` names the thing. */
uint64_t words_take_ms(struct words *w, const char *what);
/* The same with a sign in front. */
int64_t words_take_signed_ms(struct words *w, const char *what);
uint64_t words_take_number(struct words *w, const char *what, uint64_t min, uint64_t max);
/* The rest of the line as one text (its words, one space between them), at most `max` bytes. */
void words_take_rest(struct words *w, char *out, size_t max);
/* Fails when something is left over. */
void words_end(struct words *w);

#endif
