#include "node_core.h"

#include <stdio.h>

#include "clock.h"
#include "oplog.h"

/* The key that this process began with: another one is for the next start, as what has been sealed
 * with this one is still to be opened. */
static void data_id_check(const struct node *n)
{
    const uint8_t *id = n->keys ? key_roster_data_id(keyring_roster(n->keys)) : NULL;
    bool same = n->vault ? id && vault_is_of(n->vault, id) : !id;
    if (!same)
        oplog(OPLOG_ERROR, "data-key-changed",
              OPLOG_S("text", "the roster names another data key than this node has: it is taken "
                              "with the next start (P3)"));
}

void node_vault_told(const struct node *n)
{
    data_id_check(n);
    if (vault_is_locked(n->vault))
        oplog(OPLOG_WARN, "locked",
              OPLOG_S("text",
                      "no data key yet: this node follows, and cannot serve before `examctl "
                      "unlock` (P3)"));
}

exam_err node_unlock(struct node *n, const uint8_t key[DATA_KEY_BYTES], const char **text)
{
    struct rep_input in = {.kind = REP_UNLOCKED, .now_ms = clock_boot_ms()};
    bool was_locked = vault_is_locked(n->vault);
    static char done[NAME_BYTES_MAX + 32];
    *text = "the roster of this node names no data key: nothing is sealed here";
    if (!n->vault)
        return EXAM_STATE;
    exam_err err = vault_unlock(n->vault, key);
    *text = err == EXAM_AUTH ? "this is not the data key that the roster of this node names"
                             : exam_err_text(err);
    if (err)
        return err;
    snprintf(done, sizeof done, "%s is unlocked%s", n->config.node, was_locked ? "" : " already");
    *text = done;
    if (!was_locked)
        return EXAM_OK;
    rep_step(n->rep, &in);
    node_pump(n);
    return EXAM_OK;
}
