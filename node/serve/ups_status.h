/* ups_status.h - what a UPS says of itself, in the words of Network UPS Tools, and what follows.
 * Pure. The words of ups.status: OL on mains, OB on battery, LB battery low, FSD a shutdown that is
 * decided; others (CHRG, TRIM, RB ...) say nothing of the mains. */
#ifndef EXAM_UPS_STATUS_H
#define EXAM_UPS_STATUS_H

#include <stddef.h>

/* In the order of danger. */
enum ups_state {
    UPS_UNKNOWN, /* out of contact, stale, or a status that says neither OL nor OB */
    UPS_MAINS,
    UPS_BATTERY,
    UPS_BATTERY_LOW,
};

enum ups_change { UPS_MAINS_LOST, UPS_MAINS_BACK, UPS_LOW };
enum { UPS_CHANGES_MAX = 2 };

/* "OB DISCHRG LB" is UPS_BATTERY_LOW. LB counts on battery only: a battery that recharges after an
 * outage is low, too, and endangers nothing. FSD counts always: the output will be cut, whatever
 * the mains do (the one who decided it does not take it back). */
enum ups_state ups_state_of(const char *status);

/* What a reading changes, in order; returns how many there are. `known` is the last state that was
 * known (UPS_UNKNOWN at the start) and is brought up to date. An unknown reading changes nothing: a
 * UPS that cannot be asked is a warning, never an action. The first known one always tells: what
 * held before the start is not known here. */
size_t ups_changes(enum ups_state *known, enum ups_state now,
                   enum ups_change changes[UPS_CHANGES_MAX]);

#endif
