#include "sim_clock.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"

/* 2026-01-10 09:00 UTC: for people who read the log, nothing rests on it (T4). */
static const int64_t WALL_AT_ZERO_MS = INT64_C(1768035600000);

static struct sim_turn turn;

void sim_clock_boot(struct sim_clock *c, uint32_t machine, uint32_t boot, uint64_t now_ms)
{
    static_assert((int)SIM_BOOT_ID_BYTES == (int)BOOT_ID_BYTES, "clock.h");
    c->up_at_ms = now_ms;
    c->base_ms = 5000 + (uint64_t)machine * 1000003 + (uint64_t)boot * 7919;
    if (!boot)
        c->wall_at_ms = WALL_AT_ZERO_MS + (int64_t)machine * 137;
    snprintf(c->boot_id, sizeof c->boot_id, "%08x-0000-4000-8000-%012x", machine, boot);
}

uint64_t sim_clock_to_machine(const struct sim_clock *c, uint64_t now_ms)
{
    assert(now_ms >= c->up_at_ms);
    return c->base_ms + (now_ms - c->up_at_ms);
}

uint64_t sim_clock_to_world(const struct sim_clock *c, uint64_t machine_ms)
{
    if (machine_ms == UINT64_MAX)
        return UINT64_MAX;
    /* A deadline of before the machine was switched on is due at once. */
    return machine_ms > c->base_ms ? c->up_at_ms + (machine_ms - c->base_ms) : 0;
}

void sim_clock_turn(const struct sim_clock *c, uint64_t now_ms)
{
    turn.of = c;
    turn.now_ms = now_ms;
}

uint64_t sim_clock_pass(uint64_t ms)
{
    assert(turn.of);
    return turn.now_ms += ms;
}

struct sim_turn sim_clock_whose(void)
{
    return turn;
}

void sim_clock_back(struct sim_turn interrupted)
{
    turn = interrupted;
}

uint64_t clock_boot_ms(void)
{
    assert(turn.of);
    return sim_clock_to_machine(turn.of, turn.now_ms);
}

int64_t clock_wall_ms(void)
{
    assert(turn.of);
    return turn.of->wall_at_ms + (int64_t)turn.now_ms;
}

void clock_boot_id(char out[BOOT_ID_BYTES + 1])
{
    assert(turn.of);
    memcpy(out, turn.of->boot_id, sizeof turn.of->boot_id);
}
