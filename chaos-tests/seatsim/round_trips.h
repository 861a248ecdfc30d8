/* round_trips.h - how long requests took to be answered, over a run, and how long the seats'
 * program was busy and heard nothing: what a notice, or a record on its way to the standby, may
 * have been late by at that time. Pure but for the heap. All seats note into one; asked when the
 * run is over. */
#ifndef SEATSIM_ROUND_TRIPS_H
#define SEATSIM_ROUND_TRIPS_H

#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"

enum { ROUND_TRIPS_MS_LEAST = 20 }; /* a quiet stretch tells nothing below this */

struct round_trips {
    uint64_t from_ms;
    uint32_t *longest_ms; /* of each tenth of a second, by the time of the answer */
    size_t n, max;
};

void round_trips_free(struct round_trips *t);
/* `received_ms` never goes back. EXAM_NOMEM. */
EXAM_MUST_USE exam_err round_trips_note(struct round_trips *t, uint64_t sent_ms,
                                        uint64_t received_ms);
/* The longest one that ended within a second of this instant. */
uint64_t round_trips_around_ms(const struct round_trips *t, uint64_t at_ms);

#endif
