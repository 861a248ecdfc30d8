/* sim_clock.h - the clocks of simulated machines: what clock.h tells is the time of the machine
 * whose turn it is.
 * Single-threaded. The world has one virtual time; every machine has a clock of its own that began
 * somewhere else when it was switched on, so that code which subtracts two machines' clocks (T4)
 * comes to figures that cannot be. clock.h takes no argument, so whose turn it is is kept here: it
 * is set before each call into a machine's code. */
#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { SIM_BOOT_ID_BYTES = 36 };

struct sim_clock {
    uint64_t up_at_ms;  /* world time at which the machine was switched on */
    uint64_t base_ms;   /* what its monotonic clock said then */
    int64_t wall_at_ms; /* what its calendar clock says at world time 0 */
    char boot_id[SIM_BOOT_ID_BYTES + 1];
};

/* A machine is switched on: another boot, another beginning of its clock. `machine` and `boot` are
 * any numbers that name them. */
void sim_clock_boot(struct sim_clock *c, uint32_t machine, uint32_t boot, uint64_t now_ms);

/* The machine's own reading at world time now_ms, and back. UINT64_MAX stays what it is: never. */
uint64_t sim_clock_to_machine(const struct sim_clock *c, uint64_t now_ms);
uint64_t sim_clock_to_world(const struct sim_clock *c, uint64_t machine_ms);

/* From here on clock.h speaks for this machine, at this world time. */
void sim_clock_turn(const struct sim_clock *c, uint64_t now_ms);
/* Within the turn so much time passes; returns what the world's time is then. */
uint64_t sim_clock_pass(uint64_t ms);

struct sim_turn {
    const struct sim_clock *of;
    uint64_t now_ms;
};

/* Whose turn it is. Who asks another machine in the middle of it goes back to it afterwards. */
struct sim_turn sim_clock_whose(void);
void sim_clock_back(struct sim_turn interrupted);

#endif
