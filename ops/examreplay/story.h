/* story.h - what befell some sittings: the acts and news that concern them, and for each of their
 * interruptions (T14) the record that booked it, what was the cause, and who decided.
 * Pure. Grows with the acts and interruptions, not with answers and marks. */
#ifndef EXAMREPLAY_STORY_H
#define EXAMREPLAY_STORY_H

#include "event_words.h"
#include "filter.h"
#include "replay.h"

struct story_act {
    uint64_t lsn, site_ms;
    int64_t wall_ms;
    enum event_kind kind;
    Ev__Event__KindCase event;
    Ev__Scope scope; /* of a pause and its end, and of a suspended batch */
    char *who, *text;
};

struct story_booked { /* an interruption */
    uint64_t lsn;
    int64_t wall_ms;
    Ev__Event__KindCase event;
};

struct story_bookings { /* of one sitting, in the order of its interruptions */
    struct story_booked *list;
    size_t n, max;
};

/* Between an epoch's begin and the last record before it: nobody served (T5). */
struct story_dark {
    uint64_t from_ms, to_ms, epoch;
    Ev__EpochReason reason;
    bool known; /* its length was measured (EpochBegan) */
    char before[NAME_BYTES_MAX + 1], after[NAME_BYTES_MAX + 1]; /* who served */
    char who[NAME_BYTES_MAX + 1], why[REASON_BYTES_MAX + 1];    /* "": nobody decided it */
};

enum story_role_kind { STORY_SERVES, STORY_IN_SYNC, STORY_LOST };

struct story_role { /* of a node, from here on; until an epoch begins (W1) */
    uint64_t site_ms;
    enum story_role_kind kind;
    char node[NAME_BYTES_MAX + 1];
};

/* What calendar the servers showed at an instant of the site's timeline. */
struct story_date {
    uint64_t site_ms;
    int64_t wall_ms;
};

struct story {
    const struct filter *filter; /* the caller's; stretch and kinds are not looked at */
    struct story_act *acts;
    size_t acts_n, acts_max;
    struct story_bookings *of; /* sitting s: of[s - 1]; all sittings, whatever the filter */
    size_t of_n, of_max;
    struct story_dark *darks;
    size_t darks_n, darks_max;
    struct story_role *roles;
    size_t roles_n, roles_max;
    struct story_date *dates;
    size_t dates_n, dates_max;
    uint64_t last_ms; /* of the newest record */
    char serves[NAME_BYTES_MAX + 1];
};

void story_note(struct story *s, const struct replay *p, const struct replay_record *at);
void story_fini(struct story *s);

/* The record that booked interruption i (from 0) of the sitting; NULL: none that was noted. */
const struct story_booked *story_booked(const struct story *s, uint32_t sitting, uint32_t i);

/* By the servers' calendars, for people (T4). */
int64_t story_wall_ms(const struct story *s, uint64_t site_ms);

enum story_cause_kind {
    STORY_CAUSE_SEAT,      /* the seat was out of contact while a server served */
    STORY_CAUSE_SERVER,    /* nobody served */
    STORY_CAUSE_PAUSE,     /* a person paused */
    STORY_CAUSE_SUSPENDED, /* the last server with power went down (W4) */
    STORY_CAUSE_REOPENED,  /* between a time-out and the grant that opened it again (T9) */
};

struct story_cause {
    enum story_cause_kind kind;
    uint32_t incident;             /* 0: none */
    const struct story_act *act;   /* the pause, the suspension or the grant; NULL: none */
    const struct story_act *end;   /* of that pause; NULL: it lasts, or none */
    const struct story_dark *dark; /* of STORY_CAUSE_SERVER */
};

void story_cause(const struct story *s, const exam *x, uint32_t sitting, uint32_t i,
                 const struct exam_interruption_view *in, struct story_cause *out);
/* Of one cause: counted together. */
bool story_same_cause(const struct story_cause *a, const struct story_cause *b);

enum { STORY_TEXT_BYTES = 1024 };
/* "paused by X: why; goes on by Y", or the rule by which it follows. */
void story_decided(const struct story *s, const exam *x, uint32_t sitting, uint32_t i,
                   const struct exam_interruption_view *in, char out[STORY_TEXT_BYTES]);

#endif
