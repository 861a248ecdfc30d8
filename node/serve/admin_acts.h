/* admin_acts.h - the acts of section 3 of the rules (R3, R4), from a tool's request to a command of
 * the exam core, and what a preview of one tells.
 * Pure. Texts and names stay the request's. */
#ifndef EXAM_ADMIN_ACTS_H
#define EXAM_ADMIN_ACTS_H

#include <stdbool.h>

#include "admin.pb-c.h"
#include "exam.h"

struct admin_act {
    struct exam_command command;
    bool preview;   /* nothing is to be done: only to be told what would be */
    char done[256]; /* what is done, for the person and the log */
};

/* False: none of these requests. `who` is used where the request names nobody. move.seat_in_contact
 * is the caller's to fill. */
bool admin_act_of(const Admin__Request *m, const char *who, struct admin_act *out);

/* What the events of a previewed decision would do: give each to admin_preview_emit. */
struct admin_preview {
    uint32_t marked, credited, finished, granted, acts;
};
void admin_preview_emit(void *ctx, const Ev__Event *event);
void admin_preview_text(const struct admin_preview *p, const struct admin_act *act, char *text,
                        size_t bytes);

#endif
