#include "promises.h"

#include <string.h>

#include "rep.h"
#include "stage.h"
#include "watch.h"

/* ---------------------------------------------------------------- seats (A2, P6) */

/* It is on the seat's disk before anybody else hears of it. */
void promises_taken(struct history *h, uint32_t seat, uint32_t answer)
{
    const struct saved_answer *a = &h->saved.answers[answer];
    h->taken[answer] = true;
    if (sim_seat_is_on(world_seat(h->w, seat)) &&
        !(a->held & UINT32_C(1) << (h->plan->site.nodes_n + seat)))
        history_fail(h, "A2", "seat %s has taken answer v%u, which is not on its disk",
                     stage_seat_name(seat), answer);
}

/* On no node's disk, though it was neither refused nor of a disk that complained. */
static bool is_unsaved(const struct history *h, uint32_t answer)
{
    const struct saved_answer *a = &h->saved.answers[answer];
    uint32_t nodes = (UINT32_C(1) << h->plan->site.nodes_n) - 1;
    return h->taken[answer] && !a->refused && a->held && !(a->seen & nodes);
}

void promises_discarded(struct history *h, uint32_t seat)
{
    for (uint32_t i = 0; i < h->saved.n; i++)
        if (h->saved.answers[i].seat == seat && is_unsaved(h, i))
            history_fail(h, "P6", "seat %s has thrown its journal away, and no node has answer v%u",
                         stage_seat_name(seat), i);
}

/* A seat that says it holds nothing unsaved lets its candidate go. */
void promises_look_at_seat(struct history *h, uint32_t seat)
{
    const struct sim_seat *s = world_seat(h->w, seat);
    if (!s->core || seat_core_unsaved_n(s->core))
        return;
    for (uint32_t i = 0; i < h->saved.n; i++) {
        const struct saved_answer *a = &h->saved.answers[i];
        if (a->seat != seat || !is_unsaved(h, i) ||
            strcmp(seat_core_admission_no(s->core), stage_candidate_name(a->candidate)) != 0)
            continue;
        history_fail(h, "P6", "seat %s holds nothing unsaved, it says, and no node has answer v%u",
                     stage_seat_name(seat), i);
    }
}

/* ---------------------------------------------------------------- alone (A1, D1) */

/* What this record says of the acknowledgements from here on; false: nothing. */
static bool says_how(struct history *h, const struct record *r, bool *solo)
{
    const Ev__Event *e;
    uint32_t kind = watch_kind_of(r);
    if (kind != EV__EVENT__KIND_EPOCH_BEGAN && kind != EV__EVENT__KIND_STANDBY_CHANGED)
        return false;
    if (codec_event(&h->arena, r->event, r->event_bytes, &e, NULL))
        return false;
    *solo = kind == EV__EVENT__KIND_EPOCH_BEGAN ? e->epoch_began->solo : e->standby_changed->solo;
    return true;
}

/* What was decided while a node was alone, or before and had to wait for it, may be called solo:
 * its log says so after the answer, or said so last before it. */
void promises_solo(struct history *h, uint32_t seat, uint32_t answer)
{
    uint32_t node = seat_core_node(world_seat(h->w, seat)->core);
    if (node >= h->plan->site.nodes_n || h->rotten_lsn[node])
        return; /* what it said may be what has rotted */
    const store_image *disk = world_disk(h->w, node);
    bool solo, found = false;
    for (size_t i = store_image_records(disk, false); i-- > 0;) {
        struct record r;
        store_image_record_at(disk, false, i, &r);
        found |= watch_answer_in(h, &r) == (int)answer;
        if (!says_how(h, &r, &solo))
            continue;
        if (solo)
            return;
        if (!found)
            continue;
        history_fail(h, "A1",
                     "answer v%u was called solo, and the log of node %s does not say that it "
                     "goes on alone",
                     answer, stage_node_name(node));
        return;
    }
}

/* ---------------------------------------------------------------- serving (W2, D7) */

void promises_promote(struct history *h, uint32_t node, bool attest)
{
    h->attested[node] = attest;
}

/* Nothing is lost by a switchover: the successor has what its predecessor has of epochs before. */
static void look_at_switchover(struct history *h, uint32_t node, uint32_t from, uint64_t epoch)
{
    const store_image *old = world_disk(h->w, from), *new = world_disk(h->w, node);
    struct record theirs = {.epoch = epoch}, ours;
    size_t n = store_image_records(old, false) + 1;
    while (theirs.epoch >= epoch && --n > 0)
        store_image_record_at(old, false, n - 1, &theirs);
    if (!n)
        return;
    if (n < store_image_records(new, false)) {
        store_image_record_at(new, false, n - 1, &ours);
        if (!memcmp(ours.hash, theirs.hash, HASH_BYTES))
            return;
    }
    history_fail(h, "W2", "node %s took over from %s, and does not have its record %zu",
                 stage_node_name(node), stage_node_name(from), n);
}

void promises_epoch(struct history *h, uint32_t node, uint64_t epoch, uint64_t reason)
{
    uint32_t from = h->served_last;
    h->served_last = node;
    if (reason == EV__EPOCH_REASON__EPOCH_REASON_ATTESTED && !h->attested[node])
        history_fail(h, "W2", "node %s serves by a person's word that nobody gave",
                     stage_node_name(node));
    if (reason == EV__EPOCH_REASON__EPOCH_REASON_SWITCHOVER && from != node && !h->epochs.twins)
        look_at_switchover(h, node, from, epoch);
    if (store_image_records(world_disk(h->w, node), false) <= h->owed[node])
        history_fail(h, "D7",
                     "node %s serves, and has not been level with anybody since it lost its disk",
                     stage_node_name(node));
}

void promises_wipe(struct history *h, uint32_t node)
{
    h->owed[node] = SIZE_MAX;
}

/* Whoever it learns from has at least as many records as the shortest log that was seen since. */
static void look_at_learner(struct history *h, uint32_t node)
{
    for (uint32_t i = 0; i < h->plan->site.nodes_n; i++) {
        size_t n = store_image_records(world_disk(h->w, i), false);
        if (i != node && n > 0 && n < h->owed[node])
            h->owed[node] = n;
    }
}

/* A site of one node needs nobody's word: it serves as soon as it is up. */
static void look_at_single(struct history *h)
{
    struct node *n = world_node(h->w, 0);
    if (h->plan->site.nodes_n > 1 || !n || world_node_is_frozen(h->w, 0))
        return;
    enum rep_role role = rep_role(node_rep(n));
    if (role != REP_ROLE_PRIMARY && role != REP_ROLE_EMPTY)
        history_fail(h, "W3", "node %s is the only one of its site, and does not serve",
                     stage_node_name(0));
}

/* ---------------------------------------------------------------- I/O errors (D6) */

static uint64_t io_errors(const struct history *h, uint32_t node)
{
    const store_image *disk = world_disk(h->w, node);
    return store_image_met(disk, STORE_FAULT_IO_LOST) + store_image_met(disk, STORE_FAULT_IO_KEPT);
}

void promises_boot(struct history *h, uint32_t node)
{
    h->io_errors[node] = io_errors(h, node);
}

void promises_look(struct history *h, uint32_t node)
{
    if (world_node(h->w, node) && io_errors(h, node) > h->io_errors[node])
        history_fail(h, "D6", "node %s has met an I/O error, and goes on", stage_node_name(node));
    look_at_learner(h, node);
    look_at_single(h);
}
