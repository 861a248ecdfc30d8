/* check_replicas.h - what must be true of the nodes of a world at the end of any instant.
 * Stands apart from the world: it only asks. */
#ifndef SIM_CHECK_REPLICAS_H
#define SIM_CHECK_REPLICAS_H

#include <stdbool.h>
#include <stddef.h>

#include "record.h"
#include "world.h"

/* What is looked at of a node. */
struct replica_facts {
    const char *name;
    bool up, serves;
    uint64_t epoch;
    struct position last;       /* of its log */
    uint8_t digest[HASH_BYTES]; /* of its state */
    uint64_t oddities;          /* records that did not fit the state they were applied to */
    bool in_contact[NODES_MAX]; /* with which others */
};

/* Of one node: no record of its log was odd. Of two: logs that end at the same record make the same
 * state, byte for byte (D4); two that are in contact do not both serve (W1). Two out of contact
 * may, when persons have attested wrongly. False: `what` says what is broken, and by whom. `b` is
 * the number of b among a's contacts. Pure. */
bool check_replica(const struct replica_facts *a, char *what, size_t what_bytes);
bool check_replica_pair(const struct replica_facts *a, const struct replica_facts *b,
                        uint32_t b_number, char *what, size_t what_bytes);

/* What was reckoned before: a state that no record has changed since has the digest it had. All
 * zero at first. */
struct replicas_seen {
    struct {
        uint32_t boots; /* of the node; 0: never looked at */
        struct position last;
        uint8_t digest[HASH_BYTES];
    } nodes[NODES_MAX];
};

/* Both nodes are up, neither is frozen, and each has a link to the other. */
bool check_contact(struct world *w, uint32_t a, uint32_t b);

/* The same of all nodes of a world. Reckons the digests of nodes that are level, of those in `seen`
 * only once for each record; NULL: anew, which is not for every instant of a long day. */
bool check_replicas(struct world *w, struct replicas_seen *seen, char *what, size_t what_bytes);

#endif
