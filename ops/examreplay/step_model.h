/* step_model.h - moving about in a log, and what is shown of where one is: a room as a map of its
 * seats, each with its clock, as it was. Pure: keys come in as moves, the screen goes out as texts
 * at places. */
#ifndef EXAMREPLAY_STEP_MODEL_H
#define EXAMREPLAY_STEP_MODEL_H

#include "roles.h"
#include "story.h"

struct step_places { /* LSNs, ascending */
    uint64_t *list;
    size_t n, max;
};

struct step {
    uint64_t last_lsn;             /* of the log */
    struct step_places news;       /* acts, incidents, roles ... */
    struct step_places incidents;  /* where one opens */
    struct step_places own;        /* of the candidate who is followed */
    uint32_t followed;             /* sitting; 0: nobody */
    char room[NAME_BYTES_MAX + 1]; /* that is shown */
};

enum step_move {
    STEP_NEXT, /* record; of the candidate, when one is followed */
    STEP_PREVIOUS,
    STEP_NEXT_NEWS,
    STEP_PREVIOUS_NEWS,
    STEP_NEXT_INCIDENT,
    STEP_PREVIOUS_INCIDENT,
    STEP_FIRST,
    STEP_LAST,
};

void step_note(struct step *s, const struct replay_record *at, enum event_kind kind);
/* Of the candidate who is followed; to be called for every record again when that changes. */
void step_note_own(struct step *s, const struct replay_record *at);
void step_fini(struct step *s);

/* Where a move leads from record `lsn`; `lsn` itself: nowhere. Never 0. */
uint64_t step_target(const struct step *s, enum step_move move, uint64_t lsn);

/* The next room of the site, or the one before; the first, when none is shown. */
void step_room(struct step *s, const exam *x, bool back);
/* Shows the room of the candidate who is followed. */
void step_room_of_followed(struct step *s, const exam *x);

/* ---------------------------------------------------------------- the screen */

enum step_look {
    STEP_PLAIN,
    STEP_HEAD,
    STEP_ANSWERING,
    STEP_PAUSED,
    STEP_LOST,
    STEP_EXPECTED,
    STEP_FINISHED,
    STEP_EMPTY,
    STEP_LOOKS
};

struct step_canvas {
    int rows, columns;
    void *ctx;
    /* Draws a text, which fits into the row's columns, or is to be cut off at its end. */
    void (*put)(void *ctx, int row, int column, enum step_look look, bool marked, const char *text);
};

struct step_view {
    const exam *x;
    const struct roles *roles;
    uint64_t lsn, site_ms;
    int64_t wall_ms;
    const char *text;          /* of the record */
    const struct vault *vault; /* opens names; NULL: none */
};

void step_draw(const struct step *s, const struct step_view *v, const struct step_canvas *c);

#endif
