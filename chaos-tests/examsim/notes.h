/* notes.h - what people have noted of candidates (R3), and whether it is still on record: also what
 * only a dead branch has (A3), and each note once (A4).
 * Observes; a broken promise becomes the history's violation. */
#ifndef EXAMSIM_NOTES_H
#define EXAMSIM_NOTES_H

#include "history.h"

enum { NOTE_BYTES = 16 };

/* Somebody is about to note something of this candidate: what he writes. */
void notes_begin(struct history *h, uint32_t candidate, char what[NOTE_BYTES]);
/* What came of it. */
void notes_told(struct history *h, exam_err err);
/* True of the record of a note. */
bool notes_is(const struct record *r);
/* At the end, with this primary: every note that a node's disk holds is on record there once. */
void notes_check(struct history *h, uint32_t primary);

#endif
