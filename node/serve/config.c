#include "config.h"

#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec.h"

/* libconfuse reports through a callback without a context: one file is read at a time. */
static char *report;
static size_t report_bytes;

static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
    if (!report_bytes || report[0])
        return; /* the first error is the one to mend */
    int n = snprintf(report, report_bytes, "%s:%d: ", cfg && cfg->filename ? cfg->filename : "?",
                     cfg ? cfg->line : 0);
    if (n > 0 && (size_t)n < report_bytes)
        vsnprintf(report + n, report_bytes - (size_t)n, fmt, ap);
}

exam_err config_split_address(const char *address, char host[ADDRESS_BYTES_MAX], uint16_t *port)
{
    const char *colon = strrchr(address, ':');
    if (!colon || colon == address || strlen(address) >= ADDRESS_BYTES_MAX)
        return EXAM_INVALID;
    char *end;
    errno = 0;
    unsigned long p = strtoul(colon + 1, &end, 10);
    if (errno || *end || end == colon + 1 || p == 0 || p > 65535)
        return EXAM_INVALID;
    size_t n = (size_t)(colon - address);
    if (address[0] == '[') {
        if (n < 3 || address[n - 1] != ']')
            return EXAM_INVALID;
        address++;
        n -= 2;
    }
    memcpy(host, address, n);
    host[n] = 0;
    *port = (uint16_t)p;
    return EXAM_OK;
}

/* Names as upsd takes them: in its protocol a blank or a quote would end them. */
static bool ups_name_ok(const char *name, size_t n)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    return n > 0 && n < UPS_NAME_BYTES_MAX && strspn(name, allowed) == n;
}

exam_err config_split_ups(const char *ups, char name[UPS_NAME_BYTES_MAX],
                          char host[ADDRESS_BYTES_MAX], uint16_t *port)
{
    char address[ADDRESS_BYTES_MAX + 8];
    const char *at = strchr(ups, '@');
    if (!at || !ups_name_ok(ups, (size_t)(at - ups)) || strlen(at + 1) >= ADDRESS_BYTES_MAX)
        return EXAM_INVALID;
    const char *colon = strrchr(at + 1, ':'), *bracket = strrchr(at + 1, ']');
    bool has_port = colon && (!bracket || colon > bracket);
    snprintf(address, sizeof address, has_port ? "%s" : "%s:3493", at + 1);
    exam_err err = config_split_address(address, host, port);
    if (err)
        return err;
    memcpy(name, ups, (size_t)(at - ups));
    name[at - ups] = 0;
    return EXAM_OK;
}

/* Collects the first thing that is wrong with the values of a file that could be read. */
struct check {
    const char *path;
    char *why;
    size_t why_bytes;
    exam_err err;
};

__attribute__((format(printf, 2, 3))) static void check_fail(struct check *c, const char *fmt, ...)
{
    if (c->err)
        return;
    c->err = EXAM_INVALID;
    int n = snprintf(c->why, c->why_bytes, "%s: ", c->path);
    va_list ap;
    va_start(ap, fmt);
    if (n > 0 && (size_t)n < c->why_bytes)
        vsnprintf(c->why + n, c->why_bytes - (size_t)n, fmt, ap);
    va_end(ap);
}

static void take_name(struct check *c, const char *key, const char *value, char *out)
{
    if (!value || !*value)
        check_fail(c, "%s is missing: give this server's name, like %s = \"A\"", key, key);
    else if (!codec_name_ok(value))
        check_fail(c, "%s = \"%s\": 1 to %d bytes without spaces, commas, quotes or slashes", key,
                   value, NAME_BYTES_MAX);
    else
        strcpy(out, value);
}

static void take_address(struct check *c, const char *key, const char *value, char *out)
{
    char host[ADDRESS_BYTES_MAX];
    uint16_t port;
    if (!value || !*value)
        check_fail(c, "%s is missing: give HOST:PORT, like %s = \"127.0.0.1:7100\"", key, key);
    else if (config_split_address(value, host, &port))
        check_fail(c, "%s = \"%s\" is no HOST:PORT", key, value);
    else
        strcpy(out, value);
}

static long take_number(struct check *c, cfg_t *cfg, const char *key, long least, long most)
{
    long v = cfg_getint(cfg, key);
    if (v < least || v > most)
        check_fail(c, "%s = %ld: must be %ld to %ld", key, v, least, most);
    return v;
}

static void take_level(struct check *c, const char *value, enum oplog_level *out)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(value, names[i])) {
            *out = (enum oplog_level)i;
            return;
        }
    check_fail(c, "log-level = \"%s\": one of error, warn, info, debug", value);
}

static void take_peers(struct check *c, cfg_t *cfg, struct config *out)
{
    size_t n = cfg_size(cfg, "peer");
    if (n > NODES_MAX - 1) {
        check_fail(c, "%zu peers: at most %d", n, NODES_MAX - 1);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        cfg_t *p = cfg_getnsec(cfg, "peer", (unsigned)i);
        take_name(c, "peer", cfg_title(p), out->peers[i].node);
        take_address(c, "replica", cfg_getstr(p, "replica"), out->peers[i].replica);
        if (!strcmp(out->peers[i].node, out->node))
            check_fail(c, "peer \"%s\" is this node itself: list the other servers", out->node);
    }
    out->peers_n = n;
}

static void take_ups(struct check *c, cfg_t *cfg, struct config *out)
{
    const char *ups = cfg_getstr(cfg, "ups");
    out->ups_poll_ms = (uint32_t)take_number(c, cfg, "ups-poll-ms", 100, 60000);
    if (!ups)
        return;
    if (strlen(ups) >= sizeof out->ups ||
        config_split_ups(ups, out->ups_name, out->ups_host, &out->ups_port))
        check_fail(c, "ups = \"%s\": give NAME@HOST:PORT, like ups = \"ups@127.0.0.1:3493\"", ups);
    else
        strcpy(out->ups, ups);
}

static void take_path(struct check *c, const char *key, const char *value, char *out)
{
    if (value && strlen(value) >= PATH_BYTES_MAX)
        check_fail(c, "%s: the path is too long", key);
    else if (value)
        strcpy(out, value);
}

/* Without keys whoever reaches an address is believed, and reads what others say: so nobody may
 * reach it from elsewhere unless that is what was asked for. */
static void check_stays_here(struct check *c, const char *key, const char *address)
{
    char host[ADDRESS_BYTES_MAX];
    uint16_t port;
    if (config_split_address(address, host, &port) || !strncmp(host, "127.", 4) ||
        !strcmp(host, "::1") || !strcmp(host, "localhost"))
        return;
    check_fail(c,
               "%s = \"%s\" can be reached from the network, and this node has no keys: give "
               "key-file and key-roster, which `examctl site init` makes, or write plain = true, "
               "and everybody on the network can read and do everything",
               key, address);
}

static void take_keys(struct check *c, cfg_t *cfg, struct config *out)
{
    take_path(c, "key-file", cfg_getstr(cfg, "key-file"), out->key_file);
    take_path(c, "key-roster", cfg_getstr(cfg, "key-roster"), out->key_roster);
    if (!out->key_file[0] != !out->key_roster[0])
        check_fail(c, "key-file and key-roster go together: `examctl site init` makes both");
    take_path(c, "unlock-credential", cfg_getstr(cfg, "unlock-credential"), out->unlock_credential);
    if (out->unlock_credential[0] && !out->key_file[0])
        check_fail(c, "unlock-credential: a node without keys has nothing to unlock");
    if (out->key_file[0] || cfg_getbool(cfg, "plain"))
        return;
    check_stays_here(c, "seat-listen", out->seat_listen);
    check_stays_here(c, "admin-listen", out->admin_listen);
    check_stays_here(c, "replica-listen", out->replica_listen);
}

/* P2. Without keys nobody knows who the second person is. */
static void take_two_person(struct check *c, cfg_t *cfg, struct config *out)
{
    static const char *const names[] = {"import", "promote-forced", "grant"};
    out->grant_two_person_ms =
        (uint64_t)take_number(c, cfg, "grant-two-person-min", 0, 1440) * 60000;
    for (unsigned i = 0; i < cfg_size(cfg, "two-person"); i++) {
        const char *name = cfg_getnstr(cfg, "two-person", i);
        size_t k = 0;
        while (k < sizeof names / sizeof *names && strcmp(name, names[k]))
            k++;
        if (k == sizeof names / sizeof *names)
            check_fail(c, "two-person: \"%s\" is none of import, promote-forced, grant", name);
        else
            out->two_person |= 1u << k;
    }
    if (out->two_person && !out->key_file[0])
        check_fail(c, "two-person needs key-file and key-roster: without keys anybody may be the "
                      "second person");
}

/* Everybody proves who they are, with certificates of their own: with keys or without. */
static void take_web(struct check *c, cfg_t *cfg, struct config *out)
{
    const char *listen = cfg_getstr(cfg, "web-listen");
    take_path(c, "web-key-file", cfg_getstr(cfg, "web-key-file"), out->web_key_file);
    take_path(c, "web-revoked", cfg_getstr(cfg, "web-revoked"), out->web_revoked);
    if (listen)
        take_address(c, "web-listen", listen, out->web_listen);
    if (!out->web_listen[0] != !out->web_key_file[0] || !out->web_listen[0] != !out->web_revoked[0])
        check_fail(c,
                   "web-listen, web-key-file and web-revoked go together: `examctl site "
                   "web-issue node %s` makes both files",
                   out->node);
}

static void take_all(struct check *c, cfg_t *cfg, struct config *out)
{
    take_name(c, "node", cfg_getstr(cfg, "node"), out->node);
    const char *data = cfg_getstr(cfg, "data");
    if (!data || !*data)
        check_fail(c, "data is missing: give the folder for the node's log and state");
    else if (strlen(data) >= sizeof out->data)
        check_fail(c, "data: the path is too long");
    else
        strcpy(out->data, data);
    take_address(c, "seat-listen", cfg_getstr(cfg, "seat-listen"), out->seat_listen);
    take_address(c, "admin-listen", cfg_getstr(cfg, "admin-listen"), out->admin_listen);
    take_peers(c, cfg, out);
    if (out->peers_n || cfg_getstr(cfg, "replica-listen"))
        take_address(c, "replica-listen", cfg_getstr(cfg, "replica-listen"), out->replica_listen);
    out->solo_after_ms = (uint64_t)take_number(c, cfg, "solo-after-ms", 100, 600000);
    out->reserve_bytes = (uint64_t)take_number(c, cfg, "reserve-mib", 1, 65536) << 20;
    out->interruption_limit_ms =
        (uint64_t)take_number(c, cfg, "interruption-limit-min", 0, 1440) * 60000;
    out->grant_ms_max = (uint64_t)take_number(c, cfg, "grant-max-min", 0, 1440) * 60000;
    out->seats_max = (uint32_t)take_number(c, cfg, "seats-max", 1, 60000);
    out->seats_per_address_max = (uint32_t)take_number(c, cfg, "seats-per-address-max", 1, 60000);
    take_ups(c, cfg, out);
    take_keys(c, cfg, out);
    take_two_person(c, cfg, out);
    take_web(c, cfg, out);
    take_level(c, cfg_getstr(cfg, "log-level"), &out->log_level);
}

exam_err config_read(const char *path, struct config *out, char *why, size_t why_bytes)
{
    char none[] = "{}";
    cfg_opt_t peer[] = {CFG_STR("replica", NULL, CFGF_NODEFAULT), CFG_END()};
    cfg_opt_t opts[] = {
        CFG_STR("node", NULL, CFGF_NODEFAULT),
        CFG_STR("data", NULL, CFGF_NODEFAULT),
        CFG_STR("seat-listen", NULL, CFGF_NODEFAULT),
        CFG_STR("admin-listen", NULL, CFGF_NODEFAULT),
        CFG_STR("replica-listen", NULL, CFGF_NODEFAULT),
        CFG_SEC("peer", peer, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
        CFG_INT("solo-after-ms", 2000, CFGF_NONE),
        CFG_INT("reserve-mib", 64, CFGF_NONE),
        CFG_INT("interruption-limit-min", 0, CFGF_NONE),
        CFG_INT("grant-max-min", 0, CFGF_NONE),
        CFG_INT("grant-two-person-min", 10, CFGF_NONE),
        CFG_STR_LIST("two-person", none, CFGF_NONE),
        CFG_INT("seats-max", 12000, CFGF_NONE),
        CFG_INT("seats-per-address-max", 64, CFGF_NONE),
        CFG_STR("ups", NULL, CFGF_NODEFAULT),
        CFG_INT("ups-poll-ms", 1000, CFGF_NONE),
        CFG_BOOL("plain", cfg_false, CFGF_NONE),
        CFG_STR("key-file", NULL, CFGF_NODEFAULT),
        CFG_STR("key-roster", NULL, CFGF_NODEFAULT),
        CFG_STR("unlock-credential", NULL, CFGF_NODEFAULT),
        CFG_STR("web-listen", NULL, CFGF_NODEFAULT),
        CFG_STR("web-key-file", NULL, CFGF_NODEFAULT),
        CFG_STR("web-revoked", NULL, CFGF_NODEFAULT),
        CFG_STR("log-level", "info", CFGF_NONE),
        CFG_END(),
    };
    struct config read = {.node = ""};
    struct check c = {.path = path, .why = why, .why_bytes = why_bytes, .err = EXAM_OK};
    if (access(path, R_OK)) {
        snprintf(why, why_bytes, "%s: %s: give the configuration file with --config", path,
                 strerror(errno));
        return EXAM_NOT_FOUND;
    }
    cfg_t *cfg = cfg_init(opts, CFGF_NONE);
    if (!cfg)
        return EXAM_NOMEM;
    cfg_set_error_function(cfg, on_error);
    why[0] = 0;
    report = why;
    report_bytes = why_bytes;
    if (cfg_parse(cfg, path) != CFG_SUCCESS) {
        c.err = EXAM_INVALID;
        if (!why[0])
            snprintf(why, why_bytes, "%s: cannot be read as a configuration file", path);
    } else {
        take_all(&c, cfg, &read);
    }
    report_bytes = 0;
    cfg_free(cfg);
    if (!c.err)
        *out = read;
    return c.err;
}
