#include "candidate.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum { BURST_MAX = 8 };

void candidate_init(struct candidate *c, uint64_t seed, uint32_t items, uint32_t actions,
                    uint64_t think_ms)
{
    assert(items > 0);
    *c = (struct candidate){.items = items, .actions_left = actions, .think_ms = think_ms};
    rng_init(&c->rng, seed);
    c->temper = (enum candidate_temper)rng_below(&c->rng, TEMPERS);
}

uint64_t candidate_think_ms(struct candidate *c)
{
    if (c->temper != TEMPER_BURST)
        return rng_exp(&c->rng, c->think_ms);
    if (c->burst_left > 0)
        return rng_exp(&c->rng, c->think_ms / 20);
    /* Half a burst's worth of quiet keeps the mean near think_ms. */
    c->burst_left = 1 + rng_below(&c->rng, BURST_MAX);
    return rng_exp(&c->rng, c->think_ms * c->burst_left);
}

static uint32_t item_choose(struct candidate *c)
{
    bool back = c->at > 0 && c->temper == TEMPER_CHANGER && rng_one_in(&c->rng, 5);
    if (back)
        return rng_below(&c->rng, c->at < c->items ? c->at : c->items);
    if (c->temper == TEMPER_LEAPER)
        c->at += rng_below(&c->rng, 3);
    return c->at++ % c->items;
}

static void value_choose(struct candidate *c, const struct item *it, char *out)
{
    switch (it->kind) {
    case ITEM_TRUE_FALSE:
        strcpy(out, rng_one_in(&c->rng, 2) ? "T" : "F");
        return;
    case ITEM_SINGLE:
        out[0] = (char)('A' + rng_below(&c->rng, it->options));
        out[1] = '\0';
        return;
    case ITEM_MULTIPLE: {
        uint32_t chosen = 1 + rng_below(&c->rng, (UINT32_C(1) << it->options) - 1);
        size_t n = 0;
        for (uint32_t i = 0; i < it->options; i++)
            if (chosen >> i & 1)
                out[n++] = (char)('A' + i);
        out[n] = '\0';
        return;
    }
    }
}

bool candidate_next(struct candidate *c, const struct paper_items *paper,
                    struct candidate_action *out)
{
    assert(paper->n == c->items);
    if (c->actions_left == 0)
        return false;
    c->actions_left--;
    if (c->burst_left > 0)
        c->burst_left--;
    out->item = item_choose(c);
    if (c->temper == TEMPER_CHANGER && rng_one_in(&c->rng, 40))
        out->value[0] = '\0';
    else
        value_choose(c, &paper->item[out->item], out->value);
    return true;
}
