#include "words.h"

#include <stddef.h>
#include <string.h>

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

const char *word_of_power(Admin__Power power)
{
    static const char *const words[] = {
        [ADMIN__POWER__POWER_MAINS] = "mains",
        [ADMIN__POWER__POWER_BATTERY] = "battery",
        [ADMIN__POWER__POWER_BATTERY_LOW] = "battery-low",
    };

    return word_at(words, sizeof words / sizeof words[0], (size_t)power);
}

const char *word_of_basis(Ev__Basis basis)
{
    static const char *const words[] = {
        [EV__BASIS__BASIS_MARK] = "mark",   [EV__BASIS__BASIS_CARRIED] = "carried-mark",
        [EV__BASIS__BASIS_CLAIM] = "claim", [EV__BASIS__BASIS_PAUSE] = "pause",
        [EV__BASIS__BASIS_DARK] = "dark",
    };

    return word_at(words, sizeof words / sizeof words[0], (size_t)basis);
}

static const char *const incident_words[] = {
    [EV__INCIDENT_KIND__INCIDENT_KIND_POWER] = "power",
    [EV__INCIDENT_KIND__INCIDENT_KIND_NETWORK] = "network",
    [EV__INCIDENT_KIND__INCIDENT_KIND_SERVER] = "server",
    [EV__INCIDENT_KIND__INCIDENT_KIND_SOFTWARE] = "software",
    [EV__INCIDENT_KIND__INCIDENT_KIND_OTHER] = "other",
};
enum { INCIDENT_WORDS_N = sizeof incident_words / sizeof incident_words[0] };

const char *word_of_incident_kind(Ev__IncidentKind kind)
{
    return word_at(incident_words, INCIDENT_WORDS_N, (size_t)kind);
}

bool incident_kind_of_word(const char *word, Ev__IncidentKind *out)
{
    for (size_t i = 0; i < INCIDENT_WORDS_N; i++)
        if (incident_words[i] != NULL && strcmp(incident_words[i], word) == 0) {
            *out = (Ev__IncidentKind)i;
            return true;
        }
    return false;
}

const char *word_of_scope_kind(Ev__ScopeKind kind)
{
    static const char *const words[] = {
        [EV__SCOPE_KIND__SCOPE_KIND_SITE] = "site",
        [EV__SCOPE_KIND__SCOPE_KIND_BATCH] = "batch",
        [EV__SCOPE_KIND__SCOPE_KIND_ROOM] = "room",
        [EV__SCOPE_KIND__SCOPE_KIND_SEAT] = "seat",
        [EV__SCOPE_KIND__SCOPE_KIND_SITTING] = "sitting",
    };

    return word_at(words, sizeof words / sizeof words[0], (size_t)kind);
}

const char *word_of_durability(const Admin__NodeStatus *s)
{
    if (s->role != ADMIN__ROLE__ROLE_PRIMARY)
        return "-";
    if (s->waiting)
        return "none";
    return s->solo ? "solo" : "dual";
}
