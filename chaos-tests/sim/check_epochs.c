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

/* The other node that has begun an epoch of this number; NODES_MAX: none. */
static uint32_t other_of(const struct epochs *e, uint32_t node, uint64_t epoch, bool *person)
{
    for (uint32_t i = 0; i < e->n; i++) {
        if (e->began[i].epoch != epoch || e->began[i].node == node)
            continue;
        *person = e->began[i].person;
        return e->began[i].node;
    }
    return NODES_MAX;
}

/* Somebody whose disk is not lost has heard of it, or of a higher one. */
static bool is_remembered(const struct epochs *e, uint64_t epoch)
{
    bool known = false;
    for (uint32_t i = 0; i < e->nodes_n; i++)
        known |= e->heard[i] >= epoch;
    return known;
}

bool epochs_began(struct epochs *e, uint32_t node, uint64_t epoch, bool person, char *what,
                  size_t what_bytes)
{
    bool other_person = false;
    if (knew_it(e, node, epoch, what, what_bytes))
        return false;
    uint32_t other = other_of(e, node, epoch, &other_person);
    bool remembered = is_remembered(e, epoch);
    if (e->n < EPOCHS_SEEN_MAX) {
        e->began[e->n].epoch = epoch;
        e->began[e->n].node = node;
        e->began[e->n].forgotten = false;
        e->began[e->n++].person = person;
    }
    epochs_heard(e, node, epoch);
    if (other == NODES_MAX)
        return true;
    e->twins = true;
    if (person || other_person || !remembered)
        return true;
    snprintf(what, what_bytes,
             "nodes %c and %c have both begun epoch %llu, and no person said so (W1)",
             'A' + (int)other, 'A' + (int)node, (unsigned long long)epoch);
    return false;
}

bool epochs_serves(const struct epochs *e, uint32_t node, uint64_t epoch, char *what,
                   size_t what_bytes)
{
    for (uint32_t i = 0; i < e->n; i++)
        if (e->began[i].epoch == epoch && e->began[i].node == node)
            return true;
    if (e->n == EPOCHS_SEEN_MAX)
        return true;
    snprintf(what, what_bytes, "node %c serves in epoch %llu, which it has not begun (W1)",
             'A' + (int)node, (unsigned long long)epoch);
    return false;
}
