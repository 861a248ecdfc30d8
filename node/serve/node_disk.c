#include "node_core.h"

#include "clock.h"
#include "oplog.h"

/* D6: a node that does not know what is on its disk does not guess. */
void node_fail(struct node *n, exam_err err, const char *what)
{
    if (n->failure)
        return;
    n->failure = err;
    oplog(OPLOG_ERROR, "failed", OPLOG_S("what", what), OPLOG_S("code", exam_err_name(err)),
          OPLOG_S("text",
                  n->serving ? "this node stops serving; promote the standby, and look at this disk"
                             : "this node vouches for nothing any more; look at its disk"));
    struct rep_input in = {.kind = REP_FAILED, .now_ms = clock_boot_ms()};
    rep_step(n->rep, &in);
    node_pump(n);
    if (n->serving) {
        n->serving = false;
        seat_server_serving(n->seats, false);
        admin_server_retired(n->admins);
    }
}

void node_rot_found(struct node *n, uint64_t lsn)
{
    if (n->log_check.bad_lsn)
        return;
    n->log_check.bad_lsn = lsn;
    oplog(OPLOG_ERROR, "log-rotten", OPLOG_U("lsn", lsn),
          OPLOG_S("text", "this record is not what was written (D8): if this node serves, promote "
                          "its standby; then keep its data folder, and let it start with an empty "
                          "one and join again"));
}

static bool follows_a_primary(const struct node *n)
{
    struct rep_peer_status s;
    for (size_t i = 0; i < rep_peers(n->rep) && !n->serving; i++) {
        rep_peer_status(n->rep, i, clock_boot_ms(), &s);
        if (s.connected && s.role == REP_ROLE_PRIMARY)
            return true;
    }
    return false;
}

/* Whoever read, and whatever became of the error there: the node ends with it. */
void node_disk_turn(struct node *n, uint64_t now_ms, bool idle)
{
    struct store *s = engine_store(n->engine);
    uint64_t bad_lsn;
    if (log_check_turn(&n->log_check, s, now_ms, idle, &bad_lsn))
        node_rot_found(n, bad_lsn);
    /* Once another one has everything. Until then what this node acknowledges is true, and ending
     * would only take the exam from those who sit it. */
    if (n->log_check.bad_lsn && follows_a_primary(n))
        node_fail(n, EXAM_CORRUPT, "checking the log");
    if (store_failure(s))
        node_fail(n, store_failure(s), "reading the store");
}
