#include "words.h"

#include <stddef.h>

static const char *word_at(const char *const words[], size_t n, size_t i)
{
    return i < n && words[i] != NULL ? words[i] : "unknown";
}

const char *word_of_role(Admin__Role role)
{
    static const char *const words[] = {
        [ADMIN__ROLE__ROLE_STANDBY] = "standby", [ADMIN__ROLE__ROLE_PRIMARY] = "primary",
        [ADMIN__ROLE__ROLE_FENCED] = "fenced",   [ADMIN__ROLE__ROLE_EMPTY] = "empty",
        [ADMIN__ROLE__ROLE_FAILED] = "failed",
    };

    return word_at(words, sizeof words / sizeof words[0], (size_t)role);
}

const char *word_of_batch_state(Admin__BatchState state)
{
    static const char *const words[] = {
        [ADMIN__BATCH_STATE__BATCH_STATE_PLANNED] = "planned",
        [ADMIN__BATCH_STATE__BATCH_STATE_RUNNING] = "running",
        [ADMIN__BATCH_STATE__BATCH_STATE_PAUSED] = "paused",
        [ADMIN__BATCH_STATE__BATCH_STATE_SUSPENDED] = "suspended",
        [ADMIN__BATCH_STATE__BATCH_STATE_ENDED] = "ended",
        [ADMIN__BATCH_STATE__BATCH_STATE_COLLECTED] = "collected",
        [ADMIN__BATCH_STATE__BATCH_STATE_POSTPONED] = "postponed",
    };

    return word_at(words, sizeof words / sizeof words[0], (size_t)state);
}

const char *word_of_durability(const Admin__NodeStatus *s)
{
    if (s->role != ADMIN__ROLE__ROLE_PRIMARY)
        return "-";
    if (s->waiting)
        return "none";
    return s->solo ? "solo" : "dual";
}
