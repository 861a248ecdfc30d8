#include "round_trips.h"

#include <stdlib.h>
#include <string.h>

enum { TENTH_MS = 100, AROUND = 10 };

void round_trips_free(struct round_trips *t)
{
    free(t->longest_ms);
    *t = (struct round_trips){0};
}

static exam_err room_for(struct round_trips *t, size_t at)
{
    if (at >= t->max) {
        size_t max = 2 * at + 64;
        uint32_t *p = realloc(t->longest_ms, max * sizeof *p);
        if (p == NULL)
            return EXAM_NOMEM;
        t->longest_ms = p;
        t->max = max;
    }
    if (at >= t->n) {
        memset(t->longest_ms + t->n, 0, (at + 1 - t->n) * sizeof *t->longest_ms);
        t->n = at + 1;
    }
    return EXAM_OK;
}

exam_err round_trips_note(struct round_trips *t, uint64_t sent_ms, uint64_t received_ms)
{
    if (t->n == 0)
        t->from_ms = received_ms;
    size_t at = (size_t)((received_ms - t->from_ms) / TENTH_MS);
    exam_err err = room_for(t, at);
    if (err == EXAM_OK && received_ms - sent_ms > t->longest_ms[at])
        t->longest_ms[at] = (uint32_t)(received_ms - sent_ms);
    return err;
}

uint64_t round_trips_around_ms(const struct round_trips *t, uint64_t at_ms)
{
    uint64_t longest_ms = ROUND_TRIPS_MS_LEAST;
    size_t at = at_ms > t->from_ms ? (size_t)((at_ms - t->from_ms) / TENTH_MS) : 0;
    for (size_t i = at > AROUND ? at - AROUND : 0; i <= at + AROUND && i < t->n; i++)
        if (t->longest_ms[i] > longest_ms)
            longest_ms = t->longest_ms[i];
    return longest_ms;
}
