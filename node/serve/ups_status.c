#include "ups_status.h"

#include <stdbool.h>
#include <string.h>

static bool has_word(const char *status, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = status; *at; at += strcspn(at, " ")) {
        at += strspn(at, " ");
        if (strcspn(at, " ") == n && !strncmp(at, word, n))
            return true;
    }
    return false;
}

enum ups_state ups_state_of(const char *status)
{
    if (has_word(status, "FSD"))
        return UPS_BATTERY_LOW;
    if (has_word(status, "OB"))
        return has_word(status, "LB") ? UPS_BATTERY_LOW : UPS_BATTERY;
    return has_word(status, "OL") ? UPS_MAINS : UPS_UNKNOWN;
}

size_t ups_changes(enum ups_state *known, enum ups_state now,
                   enum ups_change changes[UPS_CHANGES_MAX])
{
    enum ups_state before = *known;
    size_t n = 0;
    if (now == UPS_UNKNOWN || now == before)
        return 0;
    *known = now;
    if (now == UPS_MAINS) {
        changes[n++] = UPS_MAINS_BACK;
        return n;
    }
    if (before < UPS_BATTERY)
        changes[n++] = UPS_MAINS_LOST;
    if (now == UPS_BATTERY_LOW)
        changes[n++] = UPS_LOW;
    return n;
}
