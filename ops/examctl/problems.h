/* problems.h - what is wrong with the input files, collected so that a person mends all in one go.
 * Not thread-safe. Keeps the first PROBLEMS_KEPT texts and counts the rest: memory is bounded
 * whatever the file holds. A text says what is wrong and, after "; ", what to do. */
#ifndef EXAMCTL_PROBLEMS_H
#define EXAMCTL_PROBLEMS_H

#include <stdio.h>

enum { PROBLEMS_KEPT = 20, PROBLEM_BYTES = 512 };

struct problems {
    unsigned n; /* all of them, kept or not */
    char text[PROBLEMS_KEPT][PROBLEM_BYTES];
};

void problems_init(struct problems *p);

/* Notes "file:line: text", or "file: text" with line 0. Quote what came from the file with
 * problem_quote. */
void problems_add(struct problems *p, const char *file, unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* One line each, then how many more there are. */
void problems_print(const struct problems *p, FILE *to);

/* A cell or value of the file for a message: quoted, cut to a bearable length at a character's end,
 * bytes that a terminal would act on shown as \xNN. */
enum { PROBLEM_QUOTE_BYTES = 256 };
const char *problem_quote(const char *value, char out[PROBLEM_QUOTE_BYTES]);

#endif
