#include "loop_web.h"

#include <stdio.h>
#include <sys/statvfs.h>

#include "clock.h"
#include "oplog.h"
#include "web.h"

enum { PUBLISH_EVERY_MS = 1000 };

void loop_web_open(struct loop_web *w, const struct config *config, const char *version)
{
    char host[ADDRESS_BYTES_MAX], why[WEB_WHY_BYTES] = "";
    struct web_options o = {
        .host = host, .key_file = config->web_key_file, .revoked = config->web_revoked};
    struct statvfs disk;
    if (!config->web_listen[0])
        return;
    exam_err err = config_split_address(config->web_listen, host, &o.port);
    if (!err)
        err = web_open(&o, &w->web, why, sizeof why);
    if (err) {
        oplog(OPLOG_ERROR, "web-not-opened", OPLOG_S("code", exam_err_name(err)),
              OPLOG_S("why", why),
              OPLOG_S("text", "the node goes on without it; mend it, and start the node again at a "
                              "quiet moment"));
        return;
    }
    w->opened_ms = clock_boot_ms();
    snprintf(w->metrics.version, sizeof w->metrics.version, "%s", version);
    if (!statvfs(config->data, &disk))
        w->metrics.disk_bytes = (uint64_t)disk.f_blocks * disk.f_frsize;
    oplog(OPLOG_INFO, "web-ready", OPLOG_S("listen", config->web_listen));
}

static void tell_events(struct loop_web *w, uint64_t now_ms)
{
    struct web_event e;
    while (web_take_event(w->web, &e))
        if (e.kind == WEB_REFUSED)
            oplog_gated(&w->gate, now_ms, OPLOG_WARN, "web-refused", "web", OPLOG_S("peer", e.peer),
                        OPLOG_S("why", e.why));
        else
            oplog_gated(&w->gate, now_ms, OPLOG_ERROR, "web-revoked-not-taken", "web",
                        OPLOG_S("why", e.why),
                        OPLOG_S("text", "the list of revoked certificates before it is in use"));
    oplog_gate_sweep(&w->gate, now_ms);
}

void loop_web_turn(struct loop_web *w, struct node *n, uint64_t now_ms, uint64_t commit_us)
{
    if (!w->web)
        return;
    if (commit_us)
        histogram_add(&w->metrics.commit_turns, commit_us);
    if (now_ms < w->due_ms)
        return;
    w->due_ms = now_ms + PUBLISH_EVERY_MS;
    w->metrics.up_ms = now_ms - w->opened_ms;
    node_metrics(n, &w->metrics);
    web_publish(w->web, &w->metrics);
    tell_events(w, now_ms);
}

void loop_web_close(struct loop_web *w)
{
    if (w->web)
        web_close(w->web);
    w->web = NULL;
}
