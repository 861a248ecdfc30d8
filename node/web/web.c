#include "web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "door.h"
#include "health.h"

enum {
    BACKLOG = 64,
    SLOTS = WEB_CONNS_MAX + 8, /* those on their way out have theirs for a moment */
    HANDSHAKE_BYTES_MAX = 16 * 1024,
};

/* TLS 1.3 with elliptic curves only: nothing that a stranger could ask for takes long. */
static const char priorities[] =
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:-SIGN-ALL:"
    "+SIGN-ECDSA-SECP256R1-SHA256:%NO_TICKETS:%SERVER_PRECEDENCE";

/* A connection. `at` is the thread's own. */
struct slot {
    struct web *web;
    bool used, ending;
    bool greeted; /* it has begun a handshake, */
    bool known;   /* and proven who it is; */
    bool refused; /* or not, and it is in the events */
    int fd;
    uint64_t since_ms;
    struct door_address *at;
    char peer[WEB_PEER_BYTES];
};

struct web {
    struct MHD_Daemon *daemon;
    uint32_t stranger_ms, conn_ms;
    char *open_why; /* while it opens: where the library's words go */
    size_t open_why_bytes;
    uint16_t port;

    /* the thread's own */
    struct web_trust *trust;
    struct door *door;
    struct door_address *coming; /* of the connection that was accepted, and begins next */

    pthread_mutex_t lock; /* of what follows; held for a moment only */
    struct slot slots[SLOTS];
    struct metrics metrics;
    uint64_t taken_ms; /* 0: nothing was published yet */
    struct metrics_web counts;
    struct web_event events[WEB_EVENTS_MAX];
    size_t events_first, events_n; /* those that find no room are counted only */
};

/* ---------------------------------------------------------------- events */

/* The lock is held. */
static void event_add(struct web *w, int kind, const char *peer, const char *why)
{
    if (w->events_n == WEB_EVENTS_MAX)
        return;
    struct web_event *e = &w->events[(w->events_first + w->events_n++) % WEB_EVENTS_MAX];
    e->kind = kind;
    snprintf(e->peer, sizeof e->peer, "%s", peer);
    snprintf(e->why, sizeof e->why, "%s", why);
}

bool web_take_event(struct web *w, struct web_event *out)
{
    pthread_mutex_lock(&w->lock);
    bool any = w->events_n > 0;
    if (any) {
        *out = w->events[w->events_first];
        w->events_first = (w->events_first + 1) % WEB_EVENTS_MAX;
        w->events_n--;
    }
    pthread_mutex_unlock(&w->lock);
    return any;
}

/* ---------------------------------------------------------------- connections */

/* The connection that was to come did not. */
static void coming_forget(struct web *w, uint64_t now_ms)
{
    if (w->coming)
        door_left(w->door, w->coming, false, now_ms);
    w->coming = NULL;
}

static void peer_text(const struct sockaddr *a, char out[WEB_PEER_BYTES])
{
    char host[INET6_ADDRSTRLEN] = "?";
    const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)a;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)a;
    bool v4 = a->sa_family == AF_INET;
    inet_ntop(a->sa_family, v4 ? (const void *)&in->sin_addr : (const void *)&in6->sin6_addr, host,
              sizeof host);
    snprintf(out, WEB_PEER_BYTES, "%s:%u", host, ntohs(v4 ? in->sin_port : in6->sin6_port));
}

/* The library sees the end of the connection, and closes it itself. The lock is held, so that the
 * descriptor is still its own. */
static void slot_end(struct slot *s)
{
    s->ending = true;
    shutdown(s->fd, SHUT_RDWR);
}

/* Who is to make room first: of those that have not proven who they are the one whose address has
 * the most debt, then who has said nothing, then the oldest. So strangers push out each other
 * before they reach a monitor whose address is in good standing. */
static bool goes_before(const struct slot *a, const struct slot *b, uint64_t now_ms)
{
    uint64_t a_debt_ms = door_debt_ms(a->at, now_ms), b_debt_ms = door_debt_ms(b->at, now_ms);
    if (a->known != b->known)
        return b->known;
    if (a_debt_ms != b_debt_ms)
        return a_debt_ms > b_debt_ms;
    return a->greeted != b->greeted ? b->greeted : a->since_ms < b->since_ms;
}

/* With every place taken somebody makes room, so that nobody can keep monitors out by saying
 * nothing. The lock is held. */
static void make_room(struct web *w, uint64_t now_ms)
{
    struct slot *first = NULL;
    size_t n = 0;
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *s = &w->slots[i];
        if (!s->used || s->ending)
            continue;
        n++;
        if (!first || goes_before(s, first, now_ms))
            first = s;
    }
    if (n >= WEB_CONNS_MAX)
        slot_end(first);
}

static struct slot *slot_take(struct web *w, int fd, const struct sockaddr *from, uint64_t now_ms)
{
    struct slot *s = NULL;
    pthread_mutex_lock(&w->lock);
    make_room(w, now_ms);
    for (size_t i = 0; i < SLOTS && !s; i++)
        if (!w->slots[i].used)
            s = &w->slots[i];
    if (s) {
        *s = (struct slot){.web = w, .used = true, .fd = fd, .since_ms = now_ms, .at = w->coming};
        w->coming = NULL;
        peer_text(from, s->peer);
        w->counts.connections++;
    }
    pthread_mutex_unlock(&w->lock);
    return s;
}

/* Before anything is spent on a connection. An address whose strangers came to nothing waits until
 * its debt is paid: handshakes take time, and this machine has something better to do. */
static enum MHD_Result on_accept(void *ctx, const struct sockaddr *from, socklen_t bytes)
{
    struct web *w = ctx;
    char peer[WEB_PEER_BYTES];
    const char *why = "the system has no memory";
    uint64_t now_ms = clock_boot_ms();
    struct door_address *at;
    (void)bytes;
    coming_forget(w, now_ms);
    door_sweep(w->door, now_ms);
    if (!door_come(w->door, from, now_ms, &at, &why)) {
        w->coming = at;
        if (!door_is_in_debt(at, now_ms))
            return MHD_YES;
        why = "an address whose strangers came to nothing";
        coming_forget(w, now_ms);
    }
    peer_text(from, peer);
    pthread_mutex_lock(&w->lock);
    w->counts.strangers++;
    event_add(w, WEB_REFUSED, peer, why);
    pthread_mutex_unlock(&w->lock);
    return MHD_NO;
}

/* It has said something that begins a handshake. */
static int on_hello(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                    const gnutls_datum_t *message)
{
    struct slot *s = gnutls_db_get_ptr(session);
    (void)type, (void)when, (void)incoming, (void)message;
    pthread_mutex_lock(&s->web->lock);
    s->greeted = true;
    pthread_mutex_unlock(&s->web->lock);
    return 0;
}

/* In the handshake, of a peer that has shown that a certificate is its own. 0: it is let in. */
static int on_verify(gnutls_session_t session)
{
    struct slot *s = gnutls_db_get_ptr(session);
    struct web *w = s->web;
    const char *why = "";
    bool good = web_trust_lets_in(w->trust, session, &why);
    if (good)
        door_known(s->at, clock_boot_ms());
    else /* a courtesy: the library would close without a word */
        (void)gnutls_alert_send(session, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
    pthread_mutex_lock(&w->lock);
    s->known = good;
    if (!good) {
        s->refused = true;
        w->counts.refused++;
        event_add(w, WEB_REFUSED, s->peer, why);
    }
    pthread_mutex_unlock(&w->lock);
    return good ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

static void refresh_trust(struct web *w)
{
    char why[WEB_WHY_BYTES] = "no memory";
    if (web_trust_refresh(w->trust, why))
        return;
    pthread_mutex_lock(&w->lock);
    event_add(w, WEB_NOT_RENEWED, "", why);
    pthread_mutex_unlock(&w->lock);
}

static void conn_begin(struct web *w, struct MHD_Connection *c, void **context)
{
    const union MHD_ConnectionInfo *tls =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *from =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    gnutls_session_t session = tls->tls_session;
    struct slot *s = slot_take(w, fd->connect_fd, from->client_addr, clock_boot_ms());
    *context = s;
    if (!s) { /* cannot be: the library takes no more connections than there are slots */
        shutdown(fd->connect_fd, SHUT_RDWR);
        return;
    }
    refresh_trust(w);
    gnutls_db_set_ptr(session, s); /* sessions are never resumed: the place is free */
    gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
    gnutls_session_set_verify_function(session, on_verify);
    gnutls_handshake_set_max_packet_length(session, HANDSHAKE_BYTES_MAX);
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_CLIENT_HELLO, GNUTLS_HOOK_POST,
                                       on_hello);
}

static void conn_end(struct slot *s)
{
    struct web *w = s->web;
    door_left(w->door, s->at, s->known, clock_boot_ms());
    pthread_mutex_lock(&w->lock);
    if (!s->known)
        w->counts.strangers++;
    if (!s->known && !s->refused)
        event_add(w, WEB_REFUSED, s->peer, "it has not proven who it is");
    w->counts.connections--;
    s->used = false;
    pthread_mutex_unlock(&w->lock);
}

static void on_connection(void *ctx, struct MHD_Connection *c, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        conn_begin(ctx, c, context);
    else if (*context)
        conn_end(*context);
}

/* ---------------------------------------------------------------- answers */

enum { TEXT_PLAIN, TEXT_PROMETHEUS, TEXT_OPENMETRICS, TEXT_JSON };

/* Takes `text` over; it was allocated. */
static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, int type, char *text)
{
    static const char *const types[] = {
        [TEXT_PLAIN] = "text/plain; charset=utf-8",
        [TEXT_PROMETHEUS] = "text/plain; version=0.0.4; charset=utf-8",
        [TEXT_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
        [TEXT_JSON] = "application/json",
    };
    if (!text)
        return MHD_NO; /* no memory: the connection ends */
    struct MHD_Response *r =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (!r) {
        free(text);
        return MHD_NO;
    }
    enum MHD_Result ok = MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, types[type]);
    if (ok == MHD_YES)
        ok = MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
    if (ok == MHD_YES)
        ok = MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (ok == MHD_YES && status == MHD_HTTP_METHOD_NOT_ALLOWED)
        ok = MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    if (ok == MHD_YES)
        ok = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return ok;
}

struct snapshot {
    struct metrics metrics;
    struct metrics_web counts;
    uint64_t age_ms;
};

/* False: the loop has told nothing yet. */
static bool snapshot_take(struct web *w, struct snapshot *out)
{
    uint64_t now_ms = clock_boot_ms();
    pthread_mutex_lock(&w->lock);
    bool any = w->taken_ms != 0;
    out->metrics = w->metrics;
    w->counts.requests++;
    out->counts = w->counts;
    out->age_ms = now_ms > w->taken_ms ? now_ms - w->taken_ms : 0;
    pthread_mutex_unlock(&w->lock);
    return any;
}

static enum MHD_Result answer_metrics(struct MHD_Connection *c, const struct snapshot *s)
{
    const char *accepts = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
    bool open = accepts && strstr(accepts, "application/openmetrics-text");
    char *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    if (!to)
        return MHD_NO;
    metrics_write(to, open ? METRICS_OPENMETRICS : METRICS_PROMETHEUS, &s->metrics, &s->counts,
                  s->age_ms);
    bool failed = ferror(to);
    if (fclose(to) || failed) {
        free(text);
        return MHD_NO;
    }
    return answer(c, MHD_HTTP_OK, open ? TEXT_OPENMETRICS : TEXT_PROMETHEUS, text);
}

static enum MHD_Result answer_health(struct MHD_Connection *c, const struct snapshot *s)
{
    struct health h;
    char *text = NULL;
    health_judge(&s->metrics, s->age_ms, &h);
    if (health_text(&s->metrics, &h, s->age_ms, &text))
        return MHD_NO;
    return answer(c, h.troubles_n ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK, TEXT_JSON, text);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_bytes, void **request)
{
    struct web *w = ctx;
    struct snapshot s;
    const union MHD_ConnectionInfo *of =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    const struct slot *slot = of ? of->socket_context : NULL;
    (void)version, (void)upload, (void)upload_bytes, (void)request;
    if (!slot || !slot->known)
        return MHD_NO; /* cannot be: its handshake would have failed */
    bool any = snapshot_take(w, &s);
    if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
        return answer(c, MHD_HTTP_METHOD_NOT_ALLOWED, TEXT_PLAIN, strdup("GET or HEAD\n"));
    bool metrics = !strcmp(url, "/metrics");
    if (!metrics && strcmp(url, "/health"))
        return answer(c, MHD_HTTP_NOT_FOUND, TEXT_PLAIN, strdup("/metrics or /health\n"));
    if (!any)
        return answer(c, MHD_HTTP_SERVICE_UNAVAILABLE, TEXT_PLAIN, strdup("starting\n"));
    return metrics ? answer_metrics(c, &s) : answer_health(c, &s);
}

/* ---------------------------------------------------------------- the loop's side */

void web_publish(struct web *w, const struct metrics *m)
{
    uint64_t now_ms = clock_boot_ms();
    pthread_mutex_lock(&w->lock);
    w->metrics = *m;
    w->taken_ms = now_ms;
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *s = &w->slots[i];
        uint64_t most_ms = s->known ? w->conn_ms : w->stranger_ms;
        if (s->used && !s->ending && now_ms >= s->since_ms + most_ms)
            slot_end(s);
    }
    pthread_mutex_unlock(&w->lock);
}

/* ---------------------------------------------------------------- opening and closing */

/* The library's words: of use while it opens. Later only peers could cause some. */
__attribute__((format(printf, 2, 0))) static void on_words(void *ctx, const char *fmt, va_list ap)
{
    struct web *w = ctx;
    if (w->open_why)
        vsnprintf(w->open_why, w->open_why_bytes, fmt, ap);
}

static exam_err listen_error(const struct web_options *o, int error, char *why, size_t why_bytes)
{
    if (error == EADDRINUSE) {
        snprintf(why, why_bytes,
                 "web: port %u of %s is in use: stop what listens there, or choose another port in "
                 "the configuration",
                 o->port, o->host);
        return EXAM_EXISTS;
    }
    snprintf(why, why_bytes, "web: cannot listen at %s:%u: %s", o->host, o->port, strerror(error));
    return EXAM_SYSTEM;
}

static exam_err listener_open(const struct web_options *o, int *out, char *why, size_t why_bytes)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    char port[8];
    int on = 1;
    snprintf(port, sizeof port, "%u", o->port);
    int rc = getaddrinfo(o->host, port, &hints, &found);
    if (rc) {
        snprintf(why, why_bytes, "web: host '%s': %s", o->host, gai_strerror(rc));
        return EXAM_INVALID;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* An interface of its own may come up after the node: there is no second attempt. */
    if (fd >= 0 && found->ai_family == AF_INET)
        (void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on);
    else if (fd >= 0)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on);
    bool ok = fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) &&
              !bind(fd, found->ai_addr, found->ai_addrlen) && !listen(fd, BACKLOG);
    int error = errno;
    freeaddrinfo(found);
    if (ok) {
        *out = fd;
        return EXAM_OK;
    }
    if (fd >= 0)
        close(fd);
    return listen_error(o, error, why, why_bytes);
}

static struct MHD_Daemon *daemon_start(struct web *w, int fd)
{
    const unsigned flags = MHD_USE_TLS | MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
    struct MHD_Daemon *d = MHD_start_daemon(
        flags, 0, on_accept, w, on_request, w, MHD_OPTION_EXTERNAL_LOGGER, on_words, w,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_MEM_KEY, web_trust_key(w->trust),
        MHD_OPTION_HTTPS_MEM_CERT, web_trust_certificate(w->trust), MHD_OPTION_HTTPS_MEM_TRUST,
        web_trust_authority(w->trust), MHD_OPTION_HTTPS_PRIORITIES, priorities,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, w, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)SLOTS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)WEB_MEMORY_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(WEB_STRANGER_MS / 1000),
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return d;
}

static void web_free(struct web *w)
{
    web_trust_free(w->trust);
    door_free(w->door);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

static exam_err daemon_open(struct web *w, const struct web_options *o, char *why, size_t why_bytes)
{
    int fd;
    struct sockaddr_storage at;
    socklen_t n = sizeof at;
    exam_err err = listener_open(o, &fd, why, why_bytes);
    if (err)
        return err;
    if (!getsockname(fd, (struct sockaddr *)&at, &n))
        w->port = ntohs(at.ss_family == AF_INET ? ((struct sockaddr_in *)(void *)&at)->sin_port
                                                : ((struct sockaddr_in6 *)(void *)&at)->sin6_port);
    w->open_why = why;
    w->open_why_bytes = why_bytes;
    w->daemon = daemon_start(w, fd);
    w->open_why = NULL;
    if (w->daemon)
        return EXAM_OK;
    close(fd);
    if (!why[0])
        snprintf(why, why_bytes, "web: the HTTPS library does not start");
    return EXAM_SYSTEM;
}

exam_err web_open(const struct web_options *o, struct web **out, char *why, size_t why_bytes)
{
    const struct door_options door = {.per_address_max = WEB_PER_ADDRESS_MAX};
    char trust_why[WEB_WHY_BYTES] = "";
    struct web *w = calloc(1, sizeof *w);
    if (!w)
        return EXAM_NOMEM;
    pthread_mutex_init(&w->lock, NULL);
    w->stranger_ms = o->stranger_ms ? o->stranger_ms : WEB_STRANGER_MS;
    w->conn_ms = o->conn_ms ? o->conn_ms : WEB_CONN_MS;
    exam_err err = web_trust_open(o->key_file, o->revoked, &w->trust, trust_why);
    if (err)
        snprintf(why, why_bytes, "%s", trust_why);
    else
        w->counts.certificate_until_s = web_trust_until_s(w->trust);
    if (!err)
        err = door_new(&door, &w->door);
    if (!err)
        err = daemon_open(w, o, why, why_bytes);
    if (err)
        web_free(w);
    else
        *out = w;
    return err;
}

uint16_t web_port(const struct web *w)
{
    return w->port;
}

void web_close(struct web *w)
{
    MHD_stop_daemon(w->daemon);
    web_free(w);
}
