#include "node_core.h"

#include <assert.h>
#include <sodium.h>

#include "clock.h"
#include "codec.h"
#include "oplog.h"

enum {
    DIAL_MS_MIN = 100, /* between two attempts to reach a peer, with as much jitter again */
    DIAL_JITTER_MS = 200,
};

/* The name of the peer at the other end; NULL: none of this site. */
static const char *peer_of(struct node *n, uint64_t link)
{
    for (size_t i = 0; i < n->config.peers_n; i++)
        if (rep_peer_connected(n->rep, i) && rep_peer_link(n->rep, i).n == link)
            return n->config.peers[i].node;
    return NULL;
}

/* A3: of a standby that has come back with what this site's log lacks. It sends again what is not
 * answered: while nothing is decided, too. */
static void take_branch(struct node *n, uint64_t link, const Rep__BranchRecords *m)
{
    const char *peer = peer_of(n, link);
    Rep__BranchTaken taken = REP__BRANCH_TAKEN__INIT;
    Rep__Message answer = REP__MESSAGE__INIT;
    size_t bytes;
    if (!peer || !n->serving || m->epoch != rep_epoch(n->rep) || !rep_may_decide(n->rep))
        return;
    branches_take(n->engine, &n->branch_arena, m, peer);
    taken.epoch = m->epoch;
    taken.branch = m->branch;
    taken.lsn = m->first_lsn + m->n_records - 1;
    answer.kind_case = REP__MESSAGE__KIND_BRANCH_TAKEN;
    answer.branch_taken = &taken;
    exam_err err = codec_frame_pack(&answer.base, n->frame, sizeof n->frame, &bytes);
    assert(!err);
    if (link_send(n->hub, (struct link_id){.n = link}, n->frame, bytes))
        return; /* the records come again */
}

/* A3: what this node holds itself, and did not bring in as a standby. */
void node_take_own_branches(struct node *n)
{
    if (n->failure || !n->serving || !rep_may_decide(n->rep) ||
        !branches_own_left(&n->branches, n->engine))
        return;
    exam_err err = branches_take_own(&n->branches, n->engine, &n->branch_arena);
    if (err && err != EXAM_AGAIN)
        node_fail(n, err, "reading a dead branch");
}

/* A3: to the primary that this node follows, once it is level with it. */
void node_send_branches(struct node *n)
{
    struct rep_peer_status s;
    n->branches_due_ms = UINT64_MAX;
    if (n->failure || rep_role(n->rep) != REP_ROLE_STANDBY ||
        !store_branch_records(engine_store(n->engine)))
        return;
    for (size_t i = 0; i < rep_peers(n->rep); i++) {
        rep_peer_status(n->rep, i, clock_boot_ms(), &s);
        const struct branches_to to = {
            .hub = n->hub, .link = {.n = rep_peer_link(n->rep, i).n}, .epoch = rep_epoch(n->rep)};
        if (!s.in_sync || s.role != REP_ROLE_PRIMARY)
            continue;
        exam_err err =
            branches_send(&n->branches, n->engine, &n->branch_arena, &to, clock_boot_ms());
        if (err == EXAM_AGAIN)
            n->branches_due_ms = n->branches.due_ms;
        else if (err)
            node_fail(n, err, "reading a dead branch");
        return;
    }
}

static void on_peer_frame(struct node *n, const struct link_event *ev)
{
    const Rep__Message *m;
    const char *why = "";
    exam_err err = codec_replica_message(&n->arena, ev->payload, ev->payload_bytes, &m, &why);
    if (err) {
        char peer[64];
        link_peer(n->hub, ev->link, peer, sizeof peer);
        oplog(OPLOG_WARN, "replica-frame-refused", OPLOG_S("peer", peer), OPLOG_S("why", why));
        node_link_lost(n, (struct rep_link){.n = ev->link.n});
    } else if (m->kind_case == REP__MESSAGE__KIND_HELLO &&
               !node_keys_fit(n, ev->link, m->hello->node)) {
        oplog(OPLOG_WARN, "peer-impostor", OPLOG_S("says", m->hello->node),
              OPLOG_S("is", link_identity(n->hub, ev->link)->name));
        err = EXAM_AUTH;
        node_link_lost(n, (struct rep_link){.n = ev->link.n});
    } else {
        struct rep_input in = {
            .kind = REP_MESSAGE, .now_ms = clock_boot_ms(), .link.n = ev->link.n, .message = m};
        if (m->kind_case == REP__MESSAGE__KIND_HAND_OVER_REQUEST && peer_of(n, ev->link.n))
            node_mark_all(n);
        rep_step(n->rep, &in);
    }
    node_pump(n);
    if (!err && m->kind_case == REP__MESSAGE__KIND_BRANCH_RECORDS)
        take_branch(n, ev->link.n, m->branch_records);
    if (!err && m->kind_case == REP__MESSAGE__KIND_PING && peer_of(n, ev->link.n))
        node_evidence_take(n, ev->link, m->ping);
    if (!err && m->kind_case == REP__MESSAGE__KIND_BRANCH_TAKEN)
        branches_answered(&n->branches, ev->link.n, m->branch_taken);
}

static void peer_redial_later(struct node *n, uint64_t token)
{
    assert(token >= 1 && token <= n->config.peers_n);
    struct peer *p = &n->peers[token - 1];
    p->dialling = (struct link_id){.n = 0};
    p->dial_at_ms = clock_boot_ms() + DIAL_MS_MIN + randombytes_uniform(DIAL_JITTER_MS);
}

void node_take_links(struct node *n)
{
    struct link_event ev;
    node_hang_check(n);
    while (!n->failure && link_next(n->hub, &ev)) {
        struct rep_input in = {.now_ms = clock_boot_ms(), .link.n = ev.link.n};
        if (ev.dialled && ev.kind != LINK_FRAME)
            peer_redial_later(n, ev.token);
        switch (ev.kind) {
        case LINK_FRAME:
            on_peer_frame(n, &ev);
            continue;
        case LINK_OPENED:
            in.kind = REP_LINK_OPENED;
            in.dialled = ev.dialled;
            break;
        case LINK_CLOSED:
            in.kind = REP_LINK_CLOSED;
            if (ev.why[0])
                oplog(OPLOG_WARN, "channel-ended", OPLOG_S("endpoint", "replica-listen"),
                      OPLOG_S("code", exam_err_name(ev.reason)), OPLOG_S("why", ev.why));
            break;
        case LINK_DIAL_FAILED:
            if (ev.why[0])
                oplog(OPLOG_WARN, "peer-refused",
                      OPLOG_S("node", n->config.peers[ev.token - 1].node),
                      OPLOG_S("code", exam_err_name(ev.reason)), OPLOG_S("why", ev.why));
            continue;
        case LINK_REFUSED:
            oplog(OPLOG_WARN, "channel-refused", OPLOG_S("endpoint", "replica-listen"),
                  OPLOG_S("peer", ev.address), OPLOG_S("code", exam_err_name(ev.reason)),
                  OPLOG_S("why", ev.why));
            continue;
        }
        rep_step(n->rep, &in);
        node_pump(n);
    }
    node_send_branches(n);
}

void node_peers_dial(struct node *n, uint64_t now_ms)
{
    for (size_t i = 0; i < n->config.peers_n; i++) {
        struct peer *p = &n->peers[i];
        if (p->dialling.n || now_ms < p->dial_at_ms || rep_peer_connected(n->rep, i))
            continue;
        if (link_dial(n->hub, p->url, n->config.peers[i].node, i + 1, &p->dialling))
            peer_redial_later(n, i + 1);
    }
}

void node_dial_peers(struct node *n)
{
    for (size_t i = 0; i < n->config.peers_n; i++)
        n->peers[i].dial_at_ms = 0;
}

uint64_t node_peers_next_ms(const struct node *n)
{
    uint64_t at = UINT64_MAX;
    for (size_t i = 0; i < n->config.peers_n; i++)
        if (!n->peers[i].dialling.n && !rep_peer_connected(n->rep, i) &&
            n->peers[i].dial_at_ms < at)
            at = n->peers[i].dial_at_ms;
    return at;
}
