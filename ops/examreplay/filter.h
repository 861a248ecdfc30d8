/* filter.h - what a reviewer asks for: batch, room, seat, sitting, stretch, kinds of news.
 * Pure. Names are those of the log; one that never occurs fits nothing. */
#ifndef EXAMREPLAY_FILTER_H
#define EXAMREPLAY_FILTER_H

#include "event_words.h"
#include "moment.h"

struct filter {
    const char *batch, *room, *seat, *sitting; /* NULL: any */
    struct moment from, to;
    unsigned kinds; /* a bit (1 << kind) each */
};

bool filter_names_any(const struct filter *f); /* whether it asks for some sittings only */
bool filter_fits_sitting(const struct filter *f, const struct exam_sitting_view *v);
/* True when the record concerns what is asked for: the news of a sitting if it is one of those, of
 * a room, seat or batch if one of those is in it; what concerns the whole site always does. `x` has
 * applied it. */
bool filter_fits(const struct filter *f, const exam *x, const struct replay_record *at,
                 const struct event_words *w);
/* The same without stretch and kinds. */
bool filter_fits_event(const struct filter *f, const exam *x, const Ev__Event *event);

#endif
