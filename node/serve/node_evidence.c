/* node_evidence.c - what this node signs of its log, and what the others have signed (D8). Without
 * keys nothing is signed, and nothing that says so is believed. */
#include "node_core.h"

#include <stdlib.h>
#include <string.h>

#include "checkpoints.h"
#include "clock.h"
#include "oplog.h"

enum {
    SIGN_EVERY_MS = 9000,    /* looked at once a second: at the latest after 10 s */
    VERIFIED_A_SECOND = 256, /* signatures of others; a node that speaks the truth sends 80 */
};

/* How far one peer has been told, on one connection. */
struct told {
    uint64_t link, no;
};

struct evidence {
    struct checkpoints *kept;
    uint64_t signed_lsn, signed_ms; /* the newest of this node's own */
    struct told told[NODES_MAX];
    unsigned verified;         /* since the last turn */
    bool refused;              /* said since the last turn */
    bool full;                 /* said since there was room */
    uint64_t contradicted_lsn; /* the lowest; 0: none */
    char contradicted_by[NAME_BYTES_MAX + 1];
};

exam_err node_evidence_open(struct node *n)
{
    size_t damaged;
    n->evidence = calloc(1, sizeof *n->evidence);
    if (!n->evidence)
        return EXAM_NOMEM;
    exam_err err = checkpoints_new(&n->evidence->kept);
    if (!err)
        err = checkpoints_read(n->evidence->kept, engine_store(n->engine), &damaged);
    if (!err && damaged)
        oplog(OPLOG_ERROR, "checkpoints-damaged", OPLOG_U("entries", damaged),
              OPLOG_S("text", "some of what nodes have signed of their logs cannot be read in this "
                              "data folder (D8): keep a copy of it"));
    return err;
}

void node_evidence_free(struct node *n)
{
    if (n->evidence)
        checkpoints_free(n->evidence->kept);
    free(n->evidence);
}

/* ---------------------------------------------------------------- the alarm */

static void contradicted(struct node *n, const struct checkpoint *c)
{
    struct evidence *v = n->evidence;
    oplog(OPLOG_ERROR, "history-contradicted", OPLOG_U("lsn", c->at.lsn),
          OPLOG_U("epoch", c->at.epoch), OPLOG_S("signed_by", c->node),
          OPLOG_S("text",
                  "when that node signed it, this record was another one: a log was made "
                  "anew (D8); keep the data folders of all nodes, and see `examctl verify`"));
    if (v->contradicted_lsn && v->contradicted_lsn <= c->at.lsn)
        return;
    v->contradicted_lsn = c->at.lsn;
    memcpy(v->contradicted_by, c->node, sizeof v->contradicted_by);
}

/* ---------------------------------------------------------------- signing */

/* What this node may vouch for: what it holds on its disk. A primary that is not alone waits for
 * its standby first, so that what it has signed is not the next thing to be lost. */
static uint64_t vouched_lsn(const struct node *n)
{
    uint64_t durable = engine_durable(n->engine).lsn;
    if (rep_role(n->rep) == REP_ROLE_PRIMARY && rep_released_lsn(n->rep) < durable)
        return rep_released_lsn(n->rep);
    return durable;
}

/* D7: a learner vouches for nothing. A log that has rotted, or is not the one that was signed, is
 * not signed on. */
static bool may_sign(const struct node *n)
{
    return n->keys && !n->failure && keyring_own_good(n->keys) && !rep_is_learning(n->rep) &&
           !n->log_check.bad_lsn && !n->evidence->contradicted_lsn &&
           exam_founded(engine_exam(n->engine));
}

static void sign(struct node *n, const struct engine_epoch *e, uint64_t lsn,
                 enum checkpoint_why why)
{
    struct evidence *v = n->evidence;
    struct checkpoint c = {.at = {.epoch = e->epoch, .lsn = lsn},
                           .epoch_tag = record_tag(e->first_hash),
                           .site_ms = engine_now_ms(n->engine),
                           .wall_ms = clock_wall_ms(),
                           .why = why};
    if (lsn <= v->signed_lsn || lsn < e->first_lsn || engine_hash_at(n->engine, lsn, c.at.hash))
        return;
    checkpoint_sign(&c, keyring_own(n->keys));
    if (checkpoints_add(v->kept, &c) == EXAM_CORRUPT)
        contradicted(n, &c); /* it has signed another record there */
    v->signed_lsn = lsn;
    v->signed_ms = clock_boot_ms();
}

/* The end of the epoch before and the begin of the newest, once; then, every so often, how far it
 * has come. A node that joins a long history signs where it has come to, and not all that was. */
static void sign_due(struct node *n, bool ends)
{
    struct evidence *v = n->evidence;
    size_t epochs_n;
    const struct engine_epoch *epochs = engine_epochs(n->engine, &epochs_n);
    uint64_t lsn = vouched_lsn(n);
    if (!may_sign(n) || epochs_n == 0)
        return;
    const struct engine_epoch *newest = &epochs[epochs_n - 1];
    if (lsn < newest->first_lsn) {
        newest = epochs_n > 1 ? newest - 1 : newest; /* the newest is not durable yet */
    } else if (v->signed_lsn < newest->first_lsn) {
        if (epochs_n > 1)
            sign(n, newest - 1, newest->first_lsn - 1, CHECKPOINT_END);
        sign(n, newest, newest->first_lsn, CHECKPOINT_BEGIN);
    }
    if (ends)
        sign(n, newest, lsn, CHECKPOINT_END);
    else if (lsn > v->signed_lsn && clock_boot_ms() - v->signed_ms >= SIGN_EVERY_MS)
        sign(n, newest, lsn, CHECKPOINT_GOES_ON);
}

/* ---------------------------------------------------------------- keeping */

/* A full disk keeps them in memory until there is room: they are no control records. */
static void write_down(struct node *n)
{
    struct evidence *v = n->evidence;
    exam_err err = checkpoints_write(v->kept, engine_store(n->engine), n->config.node);
    if (err && err != EXAM_FULL)
        node_fail(n, err, "keeping what was signed");
    if (err == EXAM_FULL && !v->full)
        oplog(OPLOG_WARN, "checkpoints-wait",
              OPLOG_S("text", "the disk is full: what nodes sign of their logs waits in memory"));
    v->full = err == EXAM_FULL;
}

void node_evidence_turn(struct node *n)
{
    struct evidence *v = n->evidence;
    const struct checkpoint *c;
    if (!n->keys || n->failure)
        return;
    v->verified = 0;
    v->refused = false;
    while ((c = checkpoints_check(v->kept, n->engine)))
        contradicted(n, c);
    sign_due(n, false);
    write_down(n);
}

void node_evidence_end(struct node *n)
{
    if (!n->keys || n->failure)
        return;
    sign_due(n, true);
    write_down(n);
}

void node_evidence_cut(struct node *n, uint64_t lsn)
{
    if (n->evidence->signed_lsn > lsn)
        n->evidence->signed_lsn = lsn;
    checkpoints_again(n->evidence->kept);
}

/* ---------------------------------------------------------------- to and from peers */

static struct told *told_of(struct node *n, uint64_t link)
{
    for (size_t i = 0; i < rep_peers(n->rep); i++) {
        struct told *t = &n->evidence->told[i];
        if (!rep_peer_connected(n->rep, i) || rep_peer_link(n->rep, i).n != link)
            continue;
        if (t->link != link)
            *t = (struct told){.link = link};
        return t;
    }
    return NULL;
}

size_t node_evidence_to_send(struct node *n, uint64_t link, struct node_checkpoints *out)
{
    struct told *t = n->keys ? told_of(n, link) : NULL;
    const struct checkpoint *c;
    out->no = t ? t->no : 0;
    out->n = 0;
    while (t && out->n < CHECKPOINTS_SENT_MAX &&
           (c = checkpoints_next(n->evidence->kept, n->config.node, &out->no))) {
        checkpoint_put(c, out->bytes[out->n]);
        out->data[out->n] =
            (ProtobufCBinaryData){.data = out->bytes[out->n], .len = CHECKPOINT_BYTES};
        out->n++;
    }
    return out->n;
}

void node_evidence_sent(struct node *n, uint64_t link, const struct node_checkpoints *sent)
{
    struct told *t = told_of(n, link);
    if (t)
        t->no = sent->no;
}

static void refuse(struct node *n, const char *peer, const char *why)
{
    if (!n->evidence->refused)
        oplog(OPLOG_WARN, "checkpoint-refused", OPLOG_S("peer", peer), OPLOG_S("why", why));
    n->evidence->refused = true; /* the same peer may have more of them: one line a second */
}

static void take(struct node *n, const struct key_entry *peer, const ProtobufCBinaryData *data)
{
    struct evidence *v = n->evidence;
    struct checkpoint c;
    if (checkpoint_take(data->data, data->len, &c)) {
        refuse(n, peer->name, "it is no checkpoint");
        return;
    }
    if (checkpoints_have(v->kept, &c) || v->verified++ >= VERIFIED_A_SECOND)
        return;
    if (checkpoint_verify_by(&c, peer, key_roster_site(keyring_roster(n->keys)))) {
        refuse(n, peer->name, "its signature is not that of the node which sent it (D8)");
        return;
    }
    exam_err err = checkpoints_add(v->kept, &c);
    if (err == EXAM_CORRUPT)
        contradicted(n, &c); /* the other node has signed two histories */
    else if (err && err != EXAM_EXISTS)
        refuse(n, peer->name, exam_err_text(err));
}

void node_evidence_take(struct node *n, struct link_id link, const Rep__Ping *m)
{
    const struct key_entry *peer = n->keys ? link_identity(n->hub, link) : NULL;
    for (size_t i = 0; peer && i < m->n_checkpoints; i++)
        take(n, peer, &m->checkpoints[i]);
}

/* ---------------------------------------------------------------- the status */

void node_evidence_status(const struct node *n, Admin__NodeStatus *out)
{
    struct evidence *v = n->evidence;
    if (!n->keys)
        return;
    out->signed_lsn = checkpoints_covered(v->kept, n->config.node, false);
    out->others_signed_lsn = checkpoints_covered(v->kept, n->config.node, true);
    out->contradicted_lsn = v->contradicted_lsn;
    out->contradicted_by = v->contradicted_by;
}
