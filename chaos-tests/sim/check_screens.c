#include "check_screens.h"

#include <assert.h>
#include <stdio.h>

void screens_begin(struct screens *s, uint64_t now_ms)
{
    if (s->begun || s->sat_down)
        return;
    s->begun = true;
    s->begun_ms = now_ms;
}

void screens_attached(struct screens *s, uint32_t seat, bool anew, uint64_t now_ms)
{
    assert(seat < SCREENS_SEATS_MAX);
    s->attached_n++;
    if (anew)
        s->seat_used_ms[seat] = 0;
    if (s->sat_down)
        return;
    s->sat_down = true;
    s->sat_down_ms = now_ms;
}

void screens_late_again(struct screens *s, uint64_t now_ms)
{
    if (!s->begun || !s->sat_down)
        return;
    s->sat_down_ms = now_ms;
    s->open_before_ms = screens_open_ms(s, now_ms);
}

void screens_set(struct screens *s, uint32_t seat, bool open, uint64_t now_ms)
{
    uint32_t bit = UINT32_C(1) << seat;
    assert(seat < SCREENS_SEATS_MAX);
    if (open == !!(s->open & bit))
        return;
    if (open && !s->open)
        s->open_since_ms = now_ms;
    s->open ^= bit;
    if (open)
        return;
    if (!s->open)
        s->open_ms += now_ms - s->open_since_ms;
}

bool screens_told(struct screens *s, uint32_t seat, bool mark, uint64_t used_ms, uint64_t left_ms,
                  char *what, size_t what_bytes)
{
    assert(seat < SCREENS_SEATS_MAX);
    uint64_t before_ms = s->seat_used_ms[seat];
    bool lost_a_grant = left_ms == 0 && used_ms < s->seat_total_ms[seat];
    s->seat_used_ms[seat] = used_ms;
    s->seat_total_ms[seat] = used_ms + left_ms;
    if ((mark && used_ms > s->told_used_ms) || lost_a_grant)
        s->told_used_ms = used_ms;
    if (used_ms >= before_ms || lost_a_grant)
        return true;
    snprintf(what, what_bytes, "used was %llu ms for this session, and is %llu ms now (T12)",
             (unsigned long long)before_ms, (unsigned long long)used_ms);
    return false;
}

uint64_t screens_open_ms(const struct screens *s, uint64_t now_ms)
{
    return s->open_ms + (s->open ? now_ms - s->open_since_ms : 0);
}

uint64_t screens_used_max_ms(const struct screens *s, uint64_t now_ms)
{
    uint64_t max_ms = screens_open_ms(s, now_ms) - s->open_before_ms + s->slack_ms;
    if (s->begun)
        max_ms += (s->sat_down ? s->sat_down_ms : now_ms) - s->begun_ms;
    return max_ms;
}
