/* questions.h - the invented questions of the sample paper, by subject.
 * Pure. No answers anywhere: a paper carries none. */
#ifndef SAMPLE_QUESTIONS_H
#define SAMPLE_QUESTIONS_H

#include <stddef.h>

enum { QUESTION_OPTIONS_MAX = 5 };

struct question {
    const char *kind; /* single, multiple or true-false */
    const char *text;
    const char *options[QUESTION_OPTIONS_MAX]; /* up to the first NULL; none for true-false */
};

struct subject {
    const char *id;
    const char *title;
    const struct question *questions;
    size_t questions_n;
};

enum { SUBJECTS_N = 3 };
extern const struct subject subjects[SUBJECTS_N];

#endif
