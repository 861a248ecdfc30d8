/* base32.h - Crockford's base32: what a person reads off paper and types. No I, L, O, U; a typed I
 * or L is taken for 1, an O for 0, a small letter for its capital. Pure. */
#ifndef EXAM_BASE32_H
#define EXAM_BASE32_H

enum { BASE32_BITS = 5, BASE32_SYMBOLS = 1 << BASE32_BITS };

extern const char base32_symbols[BASE32_SYMBOLS + 1]; /* by value */

/* The value of a symbol as typed; -1: it is none. */
int base32_value(char typed);

#endif
