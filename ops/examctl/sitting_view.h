/* sitting_view.h - one sitting as a person reads it: its account, its interruptions (T14), when it
 * answered. Never what: answers are sealed. Pure but for the streams. */
#ifndef EXAMCTL_SITTING_VIEW_H
#define EXAMCTL_SITTING_VIEW_H

#include <stdio.h>

#include "admin.pb-c.h"
#include "exit_code.h"
#include "text_table.h"

/* One line: who, where, in what state. */
void sitting_view_brief(const Admin__SittingDetail *d, FILE *to);

/* The account, then one row an interruption. */
enum exit_code sitting_view_detail(const Admin__SittingDetail *d, FILE *to);

/* A table of answers' times; rows are added as they come. */
void sitting_view_answers_init(struct text_table *t);
void sitting_view_answers_add(struct text_table *t, const Admin__AnswerRows *rows);

#endif
