/* result_csv.h - the results of a batch as CSV.
 * Pure but for the stream it writes to. What candidates typed is theirs, and opens in spreadsheets:
 * a cell that one would run as a formula gets an apostrophe in front, and so does a cell that
 * begins with an apostrophe itself. So a reader takes one leading apostrophe off, and has the exact
 * text. */
#ifndef EXAMCTL_RESULT_CSV_H
#define EXAMCTL_RESULT_CSV_H

#include <stddef.h>
#include <stdio.h>

#include "admin.pb-c.h"

/* A text cell, quoted where needed. */
void result_csv_text(FILE *to, const void *text, size_t bytes);

/* admission_no,name,room,seat,paper,state,finish,allot_ms,grants_ms,used_ms,left_ms,lost_ms,answers,
 * late,interruptions */
void result_csv_sitting_header(FILE *to);
void result_csv_sitting(FILE *to, const Admin__SittingResult *s);

/* admission_no,item,subject,value,seq,made_at_ms,late (late: 0 or 1, T10) */
void result_csv_answer_header(FILE *to);
void result_csv_answers(FILE *to, const Admin__AnswerRows *rows);

#endif
