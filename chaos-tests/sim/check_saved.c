#include "check_saved.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void saved_init(struct saved *s, uint32_t nodes_n)
{
    assert(nodes_n <= NODES_MAX);
    s->nodes_n = nodes_n;
    s->n = 0;
    s->twins = false;
}

int saved_made(struct saved *s, const struct saved_answer *a)
{
    if (s->n == SAVED_ANSWERS_MAX)
        return SAVED_NONE;
    s->answers[s->n] = *a;
    return (int)s->n++;
}

static uint32_t bit(uint32_t place)
{
    assert(place < SAVED_PLACES_MAX);
    return UINT32_C(1) << place;
}

void saved_seen(struct saved *s, uint32_t answer, uint32_t place, uint64_t epoch_heard)
{
    struct saved_answer *a = &s->answers[answer];
    assert(answer < s->n);
    if (place < s->nodes_n && !(a->held & bit(place)))
        a->heard[place] = epoch_heard;
    a->seen |= bit(place);
    a->held |= bit(place);
}

void saved_destroyed(struct saved *s, uint32_t answer, uint32_t place)
{
    assert(answer < s->n);
    s->answers[answer].held &= ~bit(place);
}

void saved_place_destroyed(struct saved *s, uint32_t place)
{
    for (uint32_t i = 0; i < s->n; i++)
        saved_destroyed(s, i, place);
}

void saved_discarded(struct saved *s, uint32_t seat_place, uint32_t told_by)
{
    uint32_t nodes = bit(s->nodes_n) - 1;
    assert(told_by < s->nodes_n);
    for (uint32_t i = 0; i < s->n; i++)
        if (s->answers[i].held & nodes || s->answers[i].seen & bit(told_by))
            saved_destroyed(s, i, seat_place);
}

/* ---------------------------------------------------------------- what somebody was told */

static bool told_wrong(const struct saved_answer *a, uint32_t answer, const char *rule,
                       const char *why, char *what, size_t what_bytes)
{
    snprintf(what, what_bytes, "answer v%u of candidate %u to item %u was called %s, and %s (%s)",
             answer, a->candidate, a->item, a->dual ? "dual" : "solo", why, rule);
    return false;
}

bool saved_told(struct saved *s, uint32_t answer, bool dual, uint64_t epoch, char *what,
                size_t what_bytes)
{
    struct saved_answer *a = &s->answers[answer];
    uint32_t disks = 0, faithful = 0;
    assert(answer < s->n);
    a->dual |= dual;
    a->solo |= !dual;
    for (uint32_t i = 0; i < s->nodes_n; i++) {
        bool seen = a->seen & bit(i);
        disks += seen;
        faithful += seen && a->heard[i] <= epoch;
    }
    if (disks < (dual ? 2U : 1U))
        return told_wrong(a, answer, "D1",
                          disks ? "it is on one disk only" : "it is on no disk of a node", what,
                          what_bytes);
    if (dual && faithful < 2)
        return told_wrong(a, answer, "D3", "who vouched for it knew of a higher epoch", what,
                          what_bytes);
    return true;
}

/* ---------------------------------------------------------------- what counts in the end */

int saved_version_compare(const struct saved_version *a, const struct saved_version *b)
{
    if (a->epoch != b->epoch)
        return a->epoch < b->epoch ? -1 : 1;
    if (a->lsn != b->lsn)
        return a->lsn < b->lsn ? -1 : 1;
    return (a->seq > b->seq) - (a->seq < b->seq);
}

int saved_expected(const struct saved *s, uint32_t candidate, uint32_t item)
{
    int best = SAVED_NONE;
    for (uint32_t i = 0; i < s->n; i++) {
        const struct saved_answer *a = &s->answers[i];
        if (a->candidate != candidate || a->item != item || a->refused || !a->held)
            continue;
        if (best == SAVED_NONE || saved_version_compare(&a->version, &s->answers[best].version) > 0)
            best = (int)i;
    }
    return best;
}

static void describe(const struct saved *s, int answer, char *out, size_t bytes)
{
    if (answer == SAVED_NONE) {
        snprintf(out, bytes, "none");
        return;
    }
    const struct saved_answer *a = &s->answers[answer];
    snprintf(out, bytes, "v%d (attached %llu/%llu, action %llu, %s, held by places %x)", answer,
             (unsigned long long)a->version.epoch, (unsigned long long)a->version.lsn,
             (unsigned long long)a->version.seq,
             a->dual   ? "dual"
             : a->solo ? "solo"
                       : "not acknowledged",
             a->held);
}

bool saved_counts(const struct saved *s, uint32_t candidate, uint32_t item, int found, char *what,
                  size_t what_bytes)
{
    char wanted_text[128], found_text[128];
    int wanted = saved_expected(s, candidate, item);
    if (found == wanted)
        return true;
    /* What was refused, or destroyed everywhere, may count if somebody has it nevertheless. */
    bool other = found != SAVED_NONE && s->answers[found].candidate == candidate &&
                 s->answers[found].item == item;
    if (other && (wanted == SAVED_NONE || saved_version_compare(&s->answers[found].version,
                                                                &s->answers[wanted].version) > 0))
        return true;
    describe(s, wanted, wanted_text, sizeof wanted_text);
    describe(s, found, found_text, sizeof found_text);
    snprintf(what, what_bytes, "candidate %u, item %u: %s counts, and %s must (A2, A3)", candidate,
             item, found_text, wanted_text);
    return false;
}
