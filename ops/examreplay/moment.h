/* moment.h - an instant of a log as people name it. Pure but for the machine's time zone.
 *   812                      the record of this LSN
 *   +1:12:03.250             on the site's timeline, which is exact and never goes back (T4)
 *   2026-05-16 10:30[:15]    wall clock, as the records say, in this machine's time zone; a T may
 *                            stand for the space. For people: a node's date may have been wrong */
#ifndef EXAMREPLAY_MOMENT_H
#define EXAMREPLAY_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "exam_err.h"
#include "replay.h"

enum moment_kind { MOMENT_NONE, MOMENT_LSN, MOMENT_SITE, MOMENT_WALL };

struct moment {
    enum moment_kind kind;
    uint64_t lsn, site_ms;
    int64_t wall_ms;
};

/* EXAM_INVALID: none of these. */
EXAM_MUST_USE exam_err moment_parse(const char *text, struct moment *out);
/* The record lies after it, or before it. Of MOMENT_NONE: neither. */
bool moment_is_after(const struct moment *m, const struct replay_record *at);
bool moment_is_before(const struct moment *m, const struct replay_record *at);

/* The last record that can lie at or before it; UINT64_MAX: only the log can tell. */
uint64_t moment_last_lsn(const struct moment *m);

enum { WALL_TEXT_BYTES = 32 };
/* "2026-05-16 10:30:15.250", in this machine's time zone. */
void wall_format(int64_t wall_ms, char out[WALL_TEXT_BYTES]);

#endif
