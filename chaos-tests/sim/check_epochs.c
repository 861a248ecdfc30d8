#include "check_epochs.h"

#include <assert.h>
#include <stdio.h>

void epochs_init(struct epochs *e, uint32_t nodes_n)
{
    assert(nodes_n <= NODES_MAX);
    *e = (struct epochs){.nodes_n = nodes_n};
}

void epochs_heard(struct epochs *e, uint32_t node, uint64_t epoch)
{
    if (epoch > e->heard[node])
        e->heard[node] = epoch;
}

void epochs_forgotten(struct epochs *e, uint32_t node)
{
    e->heard[node] = 0;
    for (uint32_t i = 0; i < e->n; i++)
        e->began[i].forgotten |= e->began[i].node == node;
}

static bool knew_it(const struct epochs *e, uint32_t node, uint64_t epoch, char *what,
                    size_t what_bytes)
{
    if (epoch > e->heard[node])
        return false;
    snprintf(what, what_bytes, "node %c begins epoch %llu, and has known of epoch %llu (W1)",
             'A' + (int)node, (unsigned long long)epoch, (unsigned long long)e->heard[node]);
    return true;
}

/* Another node's epoch of this number; NULL: none. */
static const struct epoch_begun *other_of(const struct epochs *e, const struct epoch_begun *b)
{
    for (uint32_t i = 0; i < e->n; i++)
        if (e->began[i].name.number == b->name.number && e->began[i].node != b->node)
            return &e->began[i];
    return NULL;
}

static bool is_named(const struct epoch_name *a, const struct epoch_name *b)
{
    return a->number == b->number && a->tag == b->tag;
}

static const struct epoch_begun *named(const struct epochs *e, const struct epoch_name *name)
{
    for (uint32_t i = 0; i < e->n; i++)
        if (is_named(&e->began[i].name, name))
            return &e->began[i];
    return NULL;
}

/* Both go back, by switchovers, to epochs of one number, of which a person has begun one. What
 * settles such a number is no switchover, and has to differ. */
static bool is_by_persons(const struct epochs *e, const struct epoch_begun *a,
                          const struct epoch_begun *b)
{
    while (a && b && !a->person && !b->person) {
        bool counted = a->switchover && b->switchover && a->before.number == b->before.number &&
                       a->before.tag != b->before.tag;
        if (!counted)
            return false;
        a = named(e, &a->before);
        b = named(e, &b->before);
    }
    return a && b;
}

const struct epoch_begun *epochs_handed_over(const struct epochs *e, const struct epoch_begun *b,
                                             bool *once)
{
    *once = true;
    for (uint32_t i = 0; i < e->n; i++) {
        const struct epoch_begun *other = &e->began[i];
        if (is_named(&other->before, &b->before) && !is_named(&other->name, &b->name))
            *once &= other->person;
    }
    return named(e, &b->before);
}

bool epochs_was_twin(const struct epochs *e, uint32_t node)
{
    uint32_t i = e->n ? e->n - 1 : 0, begun_n = 0;
    while (i-- > 0 && e->began[i].node != node)
        ;
    if (i >= e->n)
        return false;
    for (uint32_t j = 0; j < e->n; j++)
        begun_n += e->began[j].name.number == e->began[i].name.number;
    return begun_n > 1;
}

/* Somebody whose disk is not lost has heard of it, or of a higher one. */
static bool is_remembered(const struct epochs *e, uint64_t epoch)
{
    bool known = false;
    for (uint32_t i = 0; i < e->nodes_n; i++)
        known |= e->heard[i] >= epoch;
    return known;
}

bool epochs_began(struct epochs *e, const struct epoch_begun *b, char *what, size_t what_bytes)
{
    if (knew_it(e, b->node, b->name.number, what, what_bytes))
        return false;
    const struct epoch_begun *other = other_of(e, b);
    bool remembered = is_remembered(e, b->name.number);
    if (e->n < EPOCHS_SEEN_MAX)
        e->began[e->n++] = *b;
    epochs_heard(e, b->node, b->name.number);
    if (!other)
        return true;
    e->twins = true;
    if (!remembered || is_by_persons(e, other, b))
        return true;
    snprintf(what, what_bytes,
             "nodes %c and %c have both begun epoch %llu, and no person said so (W1)",
             'A' + (int)other->node, 'A' + (int)b->node, (unsigned long long)b->name.number);
    return false;
}

bool epochs_serves(const struct epochs *e, uint32_t node, uint64_t epoch, char *what,
                   size_t what_bytes)
{
    for (uint32_t i = 0; i < e->n; i++)
        if (e->began[i].name.number == epoch && e->began[i].node == node)
            return true;
    if (e->n == EPOCHS_SEEN_MAX)
        return true;
    snprintf(what, what_bytes, "node %c serves in epoch %llu, which it has not begun (W1)",
             'A' + (int)node, (unsigned long long)epoch);
    return false;
}
