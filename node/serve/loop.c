#include "loop.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "clock.h"
#include "keyring.h"
#include "link.h"
#include "loop_web.h"
#include "node.h"
#include "oplog.h"
#include "store.h"
#include "ups.h"

enum {
    LINK_SEND_BYTES = 8 << 20, /* more than the window of the replication core */
    LINK_RECV_BYTES = 1 << 20, /* many frames: catching up is a stream of large ones */
    BEATS_GATHER_MS = 10,
    WORD_SLACK_MS = 500, /* a round trip and a commit, on a busy day */
    UPS_END_MS = 2000,   /* when all is said and done: a battery that is low lasts that long */
};

struct loop {
    uv_loop_t uv;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_timer_t timer;
    uv_async_t wake;
    uv_async_t power;
    struct ups *ups;          /* NULL: none is configured */
    enum ups_state ups_known; /* the last state that was */
    uv_signal_t signals[2];
    uint64_t timer_at_ms;
    struct node *node;
    struct loop_web web;
    bool stop, signalled;
};

static void on_timer(uv_timer_t *timer)
{
    struct loop *l = timer->data;
    l->timer_at_ms = 0; /* the turn before the next poll does what is due */
}

/* Before and after the loop polls: nothing waits for a poll that something else would end. */
static void turn(struct loop *l)
{
    if (l->stop || node_failure(l->node)) {
        uv_stop(&l->uv);
        return;
    }
    uint64_t began_ns = uv_hrtime(), lsn = node_durable_lsn(l->node);
    uint64_t at = node_turn(l->node), now_ms = clock_boot_ms();
    bool committed = node_durable_lsn(l->node) != lsn;
    loop_web_turn(&l->web, l->node, now_ms, committed ? (uv_hrtime() - began_ns) / 1000 + 1 : 0);
    if (node_failure(l->node) || node_wants_stop(l->node))
        uv_stop(&l->uv);
    if (at == l->timer_at_ms)
        return;
    l->timer_at_ms = at;
    uv_update_time(&l->uv);
    uv_timer_start(&l->timer, on_timer, at > now_ms ? at - now_ms : 0, 0);
}

static void on_prepare(uv_prepare_t *h)
{
    turn(h->data);
}

static void on_check(uv_check_t *h)
{
    turn(h->data);
}

static void on_wake(uv_async_t *h)
{
    struct loop *l = h->data;
    node_take_links(l->node);
}

static void hub_wake(void *ctx)
{
    uv_async_send(ctx);
}

/* ---------------------------------------------------------------- power */

static Admin__Power power_of(enum ups_state state)
{
    static const Admin__Power powers[] = {
        [UPS_UNKNOWN] = ADMIN__POWER__POWER_UNKNOWN,
        [UPS_MAINS] = ADMIN__POWER__POWER_MAINS,
        [UPS_BATTERY] = ADMIN__POWER__POWER_BATTERY,
        [UPS_BATTERY_LOW] = ADMIN__POWER__POWER_BATTERY_LOW,
    };
    return powers[state];
}

static void on_power(uv_async_t *h)
{
    static const enum node_power powers[] = {[UPS_MAINS_LOST] = NODE_MAINS_LOST,
                                             [UPS_MAINS_BACK] = NODE_MAINS_BACK,
                                             [UPS_LOW] = NODE_BATTERY_LOW};
    struct loop *l = h->data;
    enum ups_change changes[UPS_CHANGES_MAX];
    struct ups_reading r;
    if (l->stop || !ups_take(l->ups, &r))
        return;
    node_power_told(l->node, power_of(r.state), r.text);
    oplog(r.state == UPS_MAINS ? OPLOG_INFO : OPLOG_WARN,
          r.state == UPS_UNKNOWN ? "ups-unknown" : "ups", OPLOG_S("says", r.text));
    size_t n = ups_changes(&l->ups_known, r.state, changes);
    for (size_t i = 0; i < n; i++)
        node_power(l->node, powers[changes[i]]);
}

static exam_err power_open(struct loop *l, const struct config *config, char *why, size_t why_bytes)
{
    const struct ups_options o = {.name = config->ups_name,
                                  .host = config->ups_host,
                                  .port = config->ups_port,
                                  .poll_ms = config->ups_poll_ms,
                                  .wake = hub_wake,
                                  .wake_ctx = &l->power};
    if (!config->ups[0])
        return EXAM_OK;
    exam_err err = ups_open(&o, &l->ups);
    if (err)
        snprintf(why, why_bytes,
                 "ups = \"%s\" cannot be watched: %s: end what holds this process "
                 "back, or take the line out of the configuration",
                 config->ups, strerror(errno));
    return err;
}

static void on_signal(uv_signal_t *h, int signum)
{
    struct loop *l = h->data;
    oplog(OPLOG_INFO, "signal", OPLOG_U("number", (uint64_t)signum));
    l->stop = l->signalled; /* the second one is for those who cannot wait */
    l->signalled = true;
    node_leave(l->node);
}

static void loop_init(struct loop *l)
{
    static const int signals[] = {SIGTERM, SIGINT};
    int rc = uv_loop_init(&l->uv);
    assert(!rc);
    uv_prepare_init(&l->uv, &l->prepare);
    uv_check_init(&l->uv, &l->check);
    uv_timer_init(&l->uv, &l->timer);
    rc = uv_async_init(&l->uv, &l->wake, on_wake);
    assert(!rc);
    rc = uv_async_init(&l->uv, &l->power, on_power);
    assert(!rc);
    l->prepare.data = l->check.data = l->timer.data = l->wake.data = l->power.data = l;
    for (size_t i = 0; i < 2; i++) {
        uv_signal_init(&l->uv, &l->signals[i]);
        l->signals[i].data = l;
        uv_signal_start(&l->signals[i], on_signal, signals[i]);
    }
}

/* A node is who its key says. */
static exam_err keys_open(const struct config *config, struct keyring **out, char *why,
                          size_t why_bytes)
{
    if (!config->key_file[0])
        return EXAM_OK;
    exam_err err =
        keyring_open(config->key_file, config->key_roster, KEY_NODE, out, why, why_bytes);
    if (err || !strcmp(keyring_own(*out)->name, config->node))
        return err;
    snprintf(why, why_bytes, "%s is the key of node %s, and node = \"%s\" in the configuration",
             config->key_file, keyring_own(*out)->name, config->node);
    return EXAM_REFUSED;
}

/* A path, or the name of a credential that the service manager has put into a folder. */
static exam_err credential_path(const char *credential, char out[PATH_BYTES_MAX], char *why,
                                size_t why_bytes)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    bool is_path = strchr(credential, '/') != NULL;
    if (!is_path && !folder) {
        snprintf(why, why_bytes,
                 "unlock-credential = \"%s\": the service manager gives no credentials; write "
                 "LoadCredential in its unit, or the path of a file",
                 credential);
        return EXAM_NOT_FOUND;
    }
    int n = is_path ? snprintf(out, PATH_BYTES_MAX, "%s", credential)
                    : snprintf(out, PATH_BYTES_MAX, "%s/%s", folder, credential);
    return n < PATH_BYTES_MAX ? EXAM_OK : EXAM_INVALID;
}

static exam_err vault_unlock_by(struct vault *v, const char *credential, char *why,
                                size_t why_bytes)
{
    char path[PATH_BYTES_MAX];
    struct data_key_file f;
    exam_err err = credential_path(credential, path, why, why_bytes);
    if (!err)
        err = keyring_read_data_key(path, &f, why, why_bytes);
    if (err)
        return err;
    if (f.boxed) {
        snprintf(why, why_bytes,
                 "%s: it is under a password; `examctl site data-key --no-password` makes one for "
                 "a start without a person, or take unlock-credential out and use `examctl unlock`",
                 path);
        err = EXAM_REFUSED;
    } else {
        err = vault_unlock(v, f.key);
        if (err)
            snprintf(why, why_bytes, "%s: it is not the data key that the roster names", path);
    }
    data_key_file_wipe(&f);
    return err;
}

/* P3: of a site whose roster names a data key. */
static exam_err vault_open(const struct config *config, const struct keyring *keys,
                           struct vault **out, char *why, size_t why_bytes)
{
    const struct key_roster *r = keys ? keyring_roster(keys) : NULL;
    const uint8_t *id = r ? key_roster_data_id(r) : NULL;
    if (!id && config->unlock_credential[0])
        snprintf(why, why_bytes, "unlock-credential: the roster %s names no data key",
                 config->key_roster);
    if (!id)
        return config->unlock_credential[0] ? EXAM_REFUSED : EXAM_OK;
    exam_err err = vault_new(key_roster_site(r), id, out);
    if (!err && config->unlock_credential[0])
        err = vault_unlock_by(*out, config->unlock_credential, why, why_bytes);
    return err;
}

static exam_err loop_open(struct loop *l, const struct config *config, const char *version,
                          char *why, size_t why_bytes)
{
    const struct store_options options = {.reserve_bytes = config->reserve_bytes};
    struct link_options links = {.send_bytes_max = LINK_SEND_BYTES,
                                 .recv_bytes = LINK_RECV_BYTES,
                                 .wake = hub_wake,
                                 .wake_ctx = &l->wake};
    struct node_parts parts = {
        .loop = &l->uv, .beats_gather_ms = BEATS_GATHER_MS, .word_slack_ms = WORD_SLACK_MS};
    exam_err err = power_open(l, config, why, why_bytes); /* first: see ups_open */
    if (!err)
        err = keys_open(config, &parts.keys, why, why_bytes);
    if (!err)
        err = vault_open(config, parts.keys, &parts.vault, why, why_bytes);
    links.tunnel =
        (struct tunnel_end){.keys = parts.keys, .conversation = CHANNEL_REPLICA, .peers = KEY_NODE};
    if (!err)
        err = store_open(config->data, &options, &parts.store, why, why_bytes);
    if (!err)
        err = link_hub_new(&links, &parts.hub);
    if (!err)
        err = node_open(config, &parts, &l->node, why, why_bytes);
    if (!err)
        loop_web_open(&l->web, config, version);
    return err;
}

exam_err loop_serve(const struct config *config, const char *version, char *why, size_t why_bytes)
{
    static struct loop l; /* handles of libuv stay where they are until the process ends */
    loop_init(&l);
    exam_err err = loop_open(&l, config, version, why, why_bytes);
    if (err && !why[0])
        snprintf(why, why_bytes, "%s", exam_err_text(err));
    if (err)
        return err;
    uv_prepare_start(&l.prepare, on_prepare);
    uv_check_start(&l.check, on_check);
    node_start(l.node);
    if (l.ups)
        node_power_told(l.node, ADMIN__POWER__POWER_UNKNOWN, "the UPS has not been asked yet");
    uv_run(&l.uv, UV_RUN_DEFAULT);
    if (l.ups)
        ups_close(l.ups);
    node_stop(l.node);
    exam_err failure = node_failure(l.node);
    if (!failure)
        loop_web_close(&l.web);
    if (l.ups && !failure && !ups_free(l.ups, UPS_END_MS))
        oplog(OPLOG_WARN, "ups-left", OPLOG_S("text", "its upsd does not answer: not waited for"));
    return failure;
}
