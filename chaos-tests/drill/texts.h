/* texts.h - the texts of a drill: kept until all of them are freed at once.
 * Pure but for the heap. */
#ifndef DRILL_TEXTS_H
#define DRILL_TEXTS_H

struct drill_texts;

struct drill_texts *texts_new(void); /* NULL: out of memory */
void texts_free(struct drill_texts *t);
/* A copy that lives as long as t. Ends the process when there is no memory: what is kept is bounded
 * by DRILL_BYTES_MAX. */
const char *texts_keep(struct drill_texts *t, const char *text);

#endif
