/* clock.h - the machine's clocks, as the shells read them.
 * Shell. Thread-safe. Accounts rest on clock_boot_ms alone (T4): CLOCK_BOOTTIME is monotonic, goes
 * on while the machine sleeps, and is not moved when somebody sets the date. */
#ifndef EXAM_CLOCK_H
#define EXAM_CLOCK_H

#include <stdint.h>

enum { BOOT_ID_BYTES = 36 };

/* Milliseconds since this machine booted. */
uint64_t clock_boot_ms(void);

/* Unix time in milliseconds: for people, never for accounts. */
int64_t clock_wall_ms(void);

/* The name of this boot: as long as it is the same, readings of clock_boot_ms can be compared, by
 * another process, too. Empty when the system tells none. */
void clock_boot_id(char out[BOOT_ID_BYTES + 1]);

#endif
