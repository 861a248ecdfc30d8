/* check_epochs.h - who served when, and what each node had heard of before (W1),
 * and whose epoch was handed over (W2).
 * Pure. Stands apart from the world: whoever watches it tells what was seen. */
#ifndef SIM_CHECK_EPOCHS_H
#define SIM_CHECK_EPOCHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exam_limits.h"

enum { EPOCHS_SEEN_MAX = 128 };

/* Two epochs may have one number; then the tag, a part of their first records' hashes, differs. */
struct epoch_name {
    uint64_t number; /* 0: none */
    uint32_t tag;
};

struct epoch_begun {
    struct epoch_name name, before; /* `before`: the one that its node's log was in */
    uint32_t node;
    bool person;     /* began by a person's word, not by itself */
    bool switchover; /* was handed over (W2) */
    bool forgotten;  /* the disk that held it is lost */
};

struct epochs {
    uint32_t nodes_n;
    uint64_t heard[NODES_MAX]; /* the highest epoch that the node has known */
    struct epoch_begun began[EPOCHS_SEEN_MAX];
    uint32_t n;
    bool twins; /* one number was begun twice, by persons' words that cannot both be true */
};

void epochs_init(struct epochs *e, uint32_t nodes_n);
/* The node says that it knows of this epoch. */
void epochs_heard(struct epochs *e, uint32_t node, uint64_t epoch);
/* Its disk is empty: it knows of nothing any more (D7). */
void epochs_forgotten(struct epochs *e, uint32_t node);
/* A node has begun an epoch. False: it knew of that number before, or two have begun the same one,
 * neither by a person's word (W1, W2, W3), and it is not lost with every disk that knew of it.
 * Two histories that persons have begun under one number are counted on, each by switchovers within
 * it: what follows from one number then is by those persons' words, too. */
bool epochs_began(struct epochs *e, const struct epoch_begun *b, char *what, size_t what_bytes);
/* More than one epoch has begun under the number of the last one that this node began before its
 * newest: that is to be settled. */
bool epochs_was_twin(const struct epochs *e, uint32_t node);
/* Whose epoch this one, a switchover, goes on from: the one that its log was in before. NULL:
 * nobody was seen to begin that. False in *once: that has gone on before, by a switchover or by
 * itself, and it is handed over once (W2); what a person begins besides does not end it. */
const struct epoch_begun *epochs_handed_over(const struct epochs *e, const struct epoch_begun *b,
                                             bool *once);
/* A node serves in this epoch. False: it never began it. */
bool epochs_serves(const struct epochs *e, uint32_t node, uint64_t epoch, char *what,
                   size_t what_bytes);

#endif
