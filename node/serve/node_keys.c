#include "node_core.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "oplog.h"

void node_keys_told(const struct node *n)
{
    if (!n->keys) {
        oplog(OPLOG_WARN, "not-sealed",
              OPLOG_S("text",
                      "this node has no key: what it says and hears can be read and changed "
                      "on the way, and whoever reaches it is believed; see `examctl site "
                      "init --help`"));
        return;
    }
    const struct key_roster *r = keyring_roster(n->keys);
    oplog(OPLOG_INFO, "roster", OPLOG_U("version", key_roster_version(r)),
          OPLOG_U("accepts", key_roster_accepts(r)), OPLOG_U("keys", key_roster_keys(r)));
    if (!keyring_own_good(n->keys))
        oplog(OPLOG_ERROR, "own-key-void",
              OPLOG_S("text", "by the roster this node's own key was revoked: nobody talks to it "
                              "any more; promote another one, and have a new key issued"));
}

/* The version that no peer has any use for is out at once: whoever's key it does not have loses its
 * connections. */
void node_keys_turn(struct node *n)
{
    char why[KEYRING_WHY_BYTES] = "";
    bool changed;
    if (!n->keys)
        return;
    exam_err err = keyring_refresh(n->keys, &changed, why, sizeof why);
    if (err)
        oplog(OPLOG_ERROR, "roster-refused", OPLOG_S("code", exam_err_name(err)),
              OPLOG_S("why", why));
    if (!changed)
        return;
    node_keys_told(n);
    node_vault_told(n);
    seat_server_recheck(n->seats);
    admin_server_recheck(n->admins);
    link_recheck(n->hub);
    node_take_links(n);
}

bool node_keys_fit(const struct node *n, struct link_id link, const char *node)
{
    const struct key_entry *e = link_identity(n->hub, link);
    return !n->keys || (e && !strcmp(e->name, node));
}

exam_err node_keys_check_site(const struct node *n, char *why, size_t why_bytes)
{
    const exam *x = engine_exam(n->engine);
    if (!n->keys || !exam_founded(x) ||
        !memcmp(exam_site_id(x), key_roster_site(keyring_roster(n->keys)), SITE_ID_BYTES))
        return EXAM_OK;
    snprintf(why, why_bytes,
             "%s holds the log of another site than the roster of keys: give this node the keys of "
             "its site, or an empty data folder",
             n->config.data);
    return EXAM_OTHER_SITE;
}
