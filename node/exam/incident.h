/* incident.h - incidents, and which of them an interruption belongs to (T14).
 * Pure; internal to node/exam. */
#ifndef EXAM_INCIDENT_H
#define EXAM_INCIDENT_H

#include "scope.h"

/* The incident that a stretch of the sitting belongs to: the one with the narrowest scope over it
 * that was open at some instant of [from_ms, to_ms]; of several the first. 0: none. */
uint32_t incident_of(const exam *x, const struct sitting *s, uint64_t from_ms, uint64_t to_ms);
/* One of that kind and scope that the server itself has opened and not closed; 0: none. */
uint32_t incident_observed(const exam *x, Ev__IncidentKind kind, const struct scope *scope);
/* An open one of any kind is over that whole room. */
bool incident_over_room(const exam *x, uint32_t room);

/* R2: the last seat of a room in contact is lost, and all the others were moments before: that is
 * the room's network. One of them is back: it was. Emit what is to be logged of it. */
void incident_observe_lost(const struct decision *d, const struct sitting *lost);
void incident_observe_back(const struct decision *d, const struct sitting *back);

struct incident_news {
    uint32_t number;
    Ev__IncidentKind kind;
    struct scope scope;
    const char *text, *who; /* who "": observed */
    uint64_t since_ms;
};
void incident_emit_opened(const struct decision *d, const struct incident_news *n);
void incident_emit_closed(const struct decision *d, uint32_t incident, const char *who,
                          const char *text);

#endif
