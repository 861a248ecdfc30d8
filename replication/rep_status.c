#include "rep_core.h"

#include <assert.h>
#include <stdio.h>

enum rep_role rep_role(const rep *r)
{
    return r->role;
}

uint64_t rep_epoch(const rep *r)
{
    return r->known_epoch;
}

const char *rep_role_text(enum rep_role role)
{
    switch (role) {
    case REP_ROLE_STANDBY:
        return "standby";
    case REP_ROLE_PRIMARY:
        return "primary";
    case REP_ROLE_FENCED:
        return "fenced";
    case REP_ROLE_EMPTY:
        return "empty";
    case REP_ROLE_FAILED:
        return "failed";
    }
    return "unknown";
}

bool rep_is_solo(const rep *r)
{
    return r->role == REP_ROLE_PRIMARY && r->solo;
}

bool rep_is_waiting(const rep *r)
{
    return r->role == REP_ROLE_PRIMARY && !r->solo && !rep_any_in_sync(r);
}

bool rep_is_draining(const rep *r)
{
    return r->role == REP_ROLE_PRIMARY && r->heir != PEER_NONE;
}

bool rep_may_decide(const rep *r)
{
    return r->role == REP_ROLE_PRIMARY && !rep_is_waiting(r) && !rep_is_draining(r);
}

uint64_t rep_released_lsn(const rep *r)
{
    return r->released_lsn;
}

bool rep_needs_person(const rep *r)
{
    if ((r->role != REP_ROLE_STANDBY && r->role != REP_ROLE_FENCED) || r->begin_epoch ||
        r->promoting || r->source != PEER_NONE)
        return false;
    for (size_t i = 0; i < r->peers_n; i++)
        if (rep_peer_is_primary(r, &r->peers[i]))
            return false;
    return true;
}

bool rep_is_learning(const rep *r)
{
    return r->learning;
}

bool rep_is_catching_up(const rep *r)
{
    return r->source != PEER_NONE && r->joined && !r->pulling && !r->caught_up &&
           r->primary_lsn > r->last.lsn;
}

size_t rep_peers(const rep *r)
{
    return r->peers_n;
}

bool rep_peer_connected(const rep *r, size_t i)
{
    assert(i < r->peers_n);
    return rep_in_contact(&r->peers[i]);
}

/* A standby can say it of its primary only: it has all that it was sent. */
static bool caught_up_with(const rep *r, size_t i)
{
    return r->source == (int)i && r->joined && !r->pulling && r->durable.lsn >= r->primary_lsn;
}

void rep_peer_status(const rep *r, size_t i, uint64_t now_ms, struct rep_peer_status *out)
{
    assert(i < r->peers_n);
    const struct peer *p = &r->peers[i];
    *out = (struct rep_peer_status){
        .node = p->name,
        .connected = rep_in_contact(p),
        .in_sync = p->in_sync || caught_up_with(r, i),
        .role = p->role,
        .epoch = p->epoch,
        .lsn = p->lsn,
        .ever_heard = p->ever_heard,
        .learning = p->learning,
        .silent_ms = p->ever_heard && now_ms > p->heard_ms ? now_ms - p->heard_ms : 0,
        .refused = p->refused,
    };
    snprintf(out->text, sizeof out->text, "%s", p->text);
}

struct rep_link rep_peer_link(const rep *r, size_t i)
{
    assert(i < r->peers_n);
    return r->peers[i].link;
}
