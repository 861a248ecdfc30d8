/* story.h - what befell one sitting: the acts and news that concern it, and for each of its
 * interruptions (T14) the record that booked it and who decided it.
 * Pure. Grows with the sitting's own events only. */
#ifndef EXAMREPLAY_STORY_H
#define EXAMREPLAY_STORY_H

#include "event_words.h"
#include "replay.h"

struct story_act {
    uint64_t lsn, site_ms;
    int64_t wall_ms;
    enum event_kind kind;
    Ev__Event__KindCase event;
    Ev__ScopeKind scope; /* of a pause and its end */
    uint32_t scope_no;
    char *who, *text;
};

struct story_cause { /* of interruption i, from 0 */
    uint64_t lsn;
    int64_t wall_ms;
    Ev__Event__KindCase event;
};

struct story {
    const char *admission_no;
    struct story_act *acts;
    size_t acts_n, acts_max;
    struct story_cause *causes;
    size_t causes_n, causes_max;
};

void story_note(struct story *s, const struct replay *p, const struct replay_record *at);
void story_fini(struct story *s);

enum { STORY_TEXT_BYTES = 1024 };
/* "paused by X: why; goes on by Y", or the rule by which it follows. */
void story_decided(const struct story *s, uint32_t i, const struct exam_interruption_view *in,
                   char out[STORY_TEXT_BYTES]);

#endif
