#include "check_replicas.h"

#include <stdio.h>
#include <string.h>

#include "rep.h"

bool check_replica(const struct replica_facts *a, char *what, size_t what_bytes)
{
    if (!a->up || !a->oddities)
        return true;
    snprintf(what, what_bytes, "%s holds %llu records that do not fit the state they met", a->name,
             (unsigned long long)a->oddities);
    return false;
}

static bool are_level(const struct replica_facts *a, const struct replica_facts *b)
{
    return a->last.lsn == b->last.lsn && !memcmp(a->last.hash, b->last.hash, HASH_BYTES);
}

bool check_replica_pair(const struct replica_facts *a, const struct replica_facts *b,
                        uint32_t b_number, char *what, size_t what_bytes)
{
    if (!a->up || !b->up)
        return true;
    if (a->serves && b->serves && a->in_contact[b_number]) {
        snprintf(what, what_bytes,
                 "%s (epoch %llu) and %s (epoch %llu) are in contact and both serve (W1)", a->name,
                 (unsigned long long)a->epoch, b->name, (unsigned long long)b->epoch);
        return false;
    }
    if (are_level(a, b) && memcmp(a->digest, b->digest, HASH_BYTES) != 0) {
        snprintf(what, what_bytes,
                 "%s and %s have the same log up to record %llu and not the same state (D4)",
                 a->name, b->name, (unsigned long long)a->last.lsn);
        return false;
    }
    return true;
}

static void look_at_contacts(struct world *w, const rep *r, struct replica_facts *f)
{
    for (size_t i = 0; i < rep_peers(r); i++) {
        struct rep_peer_status s;
        rep_peer_status(r, i, 0, &s);
        for (uint32_t j = 0; j < world_nodes(w); j++)
            if (s.connected && !strcmp(world_node_name(w, j), s.node))
                f->in_contact[j] = true;
    }
}

static void look(struct world *w, uint32_t node, struct replica_facts *f)
{
    struct node *n = world_node(w, node);
    *f = (struct replica_facts){.name = world_node_name(w, node), .up = n != NULL};
    if (!n)
        return;
    f->serves = rep_role(node_rep(n)) == REP_ROLE_PRIMARY;
    f->epoch = rep_epoch(node_rep(n));
    f->last = node_last(n);
    f->oddities = exam_oddities(node_exam(n));
    look_at_contacts(w, node_rep(n), f);
}

static bool has_contact(struct world *w, uint32_t a, uint32_t b)
{
    struct replica_facts f;
    look(w, a, &f);
    return f.up && f.in_contact[b] && !world_node_is_frozen(w, a);
}

bool check_contact(struct world *w, uint32_t a, uint32_t b)
{
    return has_contact(w, a, b) && has_contact(w, b, a);
}

static void look_at_state(struct world *w, uint32_t node, struct replicas_seen *seen,
                          struct replica_facts *f)
{
    uint32_t boots = world_node_boots(w, node);
    bool known = seen && seen->nodes[node].boots == boots &&
                 seen->nodes[node].last.lsn == f->last.lsn &&
                 !memcmp(seen->nodes[node].last.hash, f->last.hash, HASH_BYTES);
    if (known) {
        memcpy(f->digest, seen->nodes[node].digest, HASH_BYTES);
        return;
    }
    exam_digest(node_exam(world_node(w, node)), f->digest);
    if (!seen)
        return;
    seen->nodes[node].boots = boots;
    seen->nodes[node].last = f->last;
    memcpy(seen->nodes[node].digest, f->digest, HASH_BYTES);
}

/* Of those that another one is to be compared with: a digest is most of what looking costs. */
static void look_at_states(struct world *w, struct replicas_seen *seen, struct replica_facts *facts)
{
    uint32_t n = world_nodes(w);
    for (uint32_t i = 0; i < n; i++) {
        bool compared = false;
        for (uint32_t j = 0; j < n; j++)
            compared |= i != j && facts[i].up && facts[j].up && are_level(&facts[i], &facts[j]);
        if (compared)
            look_at_state(w, i, seen, &facts[i]);
    }
}

bool check_replicas(struct world *w, struct replicas_seen *seen, char *what, size_t what_bytes)
{
    struct replica_facts facts[NODES_MAX];
    uint32_t n = world_nodes(w);
    for (uint32_t i = 0; i < n; i++)
        look(w, i, &facts[i]);
    look_at_states(w, seen, facts);
    for (uint32_t i = 0; i < n; i++) /* one that is frozen, or not told of a cut, is in none */
        for (uint32_t j = 0; j < n; j++)
            facts[i].in_contact[j] &= facts[j].in_contact[i] && !world_node_is_frozen(w, i) &&
                                      !world_node_is_frozen(w, j);
    for (uint32_t i = 0; i < n; i++) {
        if (!check_replica(&facts[i], what, what_bytes))
            return false;
        for (uint32_t j = i + 1; j < n; j++)
            if (!check_replica_pair(&facts[i], &facts[j], j, what, what_bytes))
                return false;
    }
    return true;
}
