/* event_json.h - one record of the log as JSON, with everything that is in it, from the messages'
 * own description (event.proto): a field of a later version needs nothing here.
 * Pure. Names of proto fields; enums as lower-case words; bytes as hex; beside the number of a
 * sitting, seat or batch its name. Keys and sessions are never shown; answers, papers and ID
 * numbers only when asked for. What the site has sealed is shown sealed, unless there is a vault.
 */
#ifndef EXAMREPLAY_EVENT_JSON_H
#define EXAMREPLAY_EVENT_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "event_words.h"
#include "replay.h"
#include "vault.h"

struct event_shown {
    bool sealed;               /* answers, papers and ID numbers, too */
    const struct vault *vault; /* open: of candidates' names and answers; NULL: none */
};

/* {"lsn":..,"epoch":..,"at_ms":..,"site_ms":..,"wall_ms":..,"hash":..,"kind":..,"who":..,
 * "text":..,"event":{"paused":{..}}}. The caller's; NULL: out of memory. */
json_t *json_of_record(const exam *x, const struct replay_record *at, const struct event_words *w,
                       const struct event_shown *shown);
/* Only the event itself. */
json_t *json_of_event(const exam *x, const Ev__Event *event, const struct event_shown *shown);

#endif
