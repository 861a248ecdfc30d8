#include "enrol_server.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"
#include "keyring.h"
#include "monotonic.h"
#include "report.h"

enum {
    CONNS_MAX = 32,
    CONN_MS_MAX = 15000, /* from the connection to STORED: a roster takes its time on a slow line */
    BACKLOG = 64,
    ADDRESS_BYTES = 300,
    PATH_BYTES = 4096,
    TICK_MS = 1000,
};

struct conn {
    int fd; /* -1: free */
    char peer[NI_MAXHOST];
    uint64_t until_ms;
    struct enrol_site site;
    struct frame_reader reader;
    uint8_t in[FRAME_HEADER_BYTES + ENROL_REQUEST_BYTES_MAX];
    uint8_t *out; /* what is to be written, all of it */
    size_t out_bytes, out_at;
    bool ends; /* when that is written */
};

struct enrol_server {
    int fd;
    struct key_folder *folder;
    struct enrol_book *book;
    struct conn conns[CONNS_MAX];
    uint64_t strangers; /* who named no code that is open */
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

uint64_t enrol_server_now_ms(void)
{
    return monotonic_now_ms();
}

/* ---------------------------------------------------------------- a connection */

static void conn_close(struct conn *c)
{
    if (c->fd >= 0)
        close(c->fd);
    free(c->out);
    enrol_site_wipe(&c->site);
    *c = (struct conn){.fd = -1};
}

/* Appends a frame. */
static bool conn_say(struct conn *c, const uint8_t *payload, size_t n)
{
    uint8_t *grown = realloc(c->out, c->out_bytes + FRAME_HEADER_BYTES + n);

    if (grown == NULL)
        return false;
    c->out = grown;
    frame_header_put(c->out + c->out_bytes, n);
    memcpy(c->out + c->out_bytes + FRAME_HEADER_BYTES, payload, n);
    c->out_bytes += FRAME_HEADER_BYTES + n;
    return true;
}

static bool conn_say_roster(struct conn *c, const char *roster, size_t bytes)
{
    static uint8_t part[ENROL_REPLY_BYTES_MAX];
    size_t at = 0, n;
    bool said = true;

    while (at < bytes && said) {
        enrol_site_roster(roster, bytes, &at, part, &n);
        said = conn_say(c, part, n);
    }
    return said;
}

/* Others may have signed rosters meanwhile: the newest one is what the next is made of. */
static exam_err roster_reload(struct key_folder *f)
{
    char path[PATH_BYTES], why[KEYRING_WHY_BYTES] = "";
    struct key_roster *r;

    snprintf(path, sizeof path, "%s/roster", f->path);
    exam_err err = keyring_read_roster(path, f->authority.authority, f->authority.site_id, &r, why,
                                       sizeof why);
    if (err != EXAM_OK) {
        report_error("%s", why);
        return err;
    }
    key_roster_free(f->roster);
    f->roster = r;
    return EXAM_OK;
}

static exam_err roster_add(struct key_folder *f, const struct enrol_entry *e)
{
    const struct key_entry *has = key_roster_find_name(f->roster, KEY_SEAT, e->name);
    struct key_entry entry = {.kind = KEY_SEAT};

    if (has != NULL && memcmp(has->public, e->public, KEY_BYTES) == 0 &&
        memcmp(has->sign_public, e->sign_public, KEY_BYTES) == 0)
        return EXAM_OK; /* its connection broke, and it comes again */
    snprintf(entry.name, sizeof entry.name, "%s", e->name);
    memcpy(entry.public, e->public, KEY_BYTES);
    memcpy(entry.sign_public, e->sign_public, KEY_BYTES);
    key_roster_next(f->roster);
    exam_err err = key_roster_add(f->roster, &entry);
    return err == EXAM_OK ? key_folder_commit(f) : err;
}

/* Its keys are in the roster on this disk before it hears so. */
static exam_err let_in(struct enrol_server *s, struct conn *c)
{
    uint8_t reply[ENROL_MESSAGE_BYTES_MAX];
    struct key_folder *f = s->folder;
    char *roster = NULL;
    size_t roster_bytes = 0, n;
    exam_err err = roster_reload(f);

    if (err == EXAM_OK)
        err = roster_add(f, c->site.entry);
    if (err == EXAM_OK)
        err = key_roster_format(f->roster, &f->authority, &roster, &roster_bytes);
    if (err != EXAM_OK) {
        report_error("%s cannot be let in: %s", c->site.entry->name, exam_err_text(err));
        enrol_site_refuse(err, reply, &n);
        c->ends = true;
        return conn_say(c, reply, n) ? EXAM_OK : EXAM_NOMEM;
    }
    enrol_site_welcome(&c->site, &f->authority, (uint32_t)roster_bytes, reply, &n);
    err = conn_say(c, reply, n) && conn_say_roster(c, roster, roster_bytes) ? EXAM_OK : EXAM_NOMEM;
    free(roster);
    fprintf(stderr, "%s is let in, from %s: roster %llu\n", c->site.entry->name, c->peer,
            (unsigned long long)key_roster_version(f->roster));
    return err;
}

/* Who guesses is told of; who scans is counted. */
static void tell_refused(struct enrol_server *s, const struct conn *c, exam_err err)
{
    const struct enrol_entry *e = c->site.entry;

    if (e == NULL || err != EXAM_AUTH) {
        s->strangers++;
        return;
    }
    fprintf(stderr, "%s tried a wrong code for %s (%u of %d)%s\n", c->peer, e->name, e->wrong,
            ENROL_TRIES, e->state == ENROL_VOID ? ": its code is void, make another one" : "");
}

/* False: hang up. */
static bool take_message(struct enrol_server *s, struct conn *c, const uint8_t *message, size_t n)
{
    uint8_t reply[ENROL_MESSAGE_BYTES_MAX], chance[CPACE_CHANCE_BYTES];
    enum enrol_step step;
    size_t reply_bytes;

    randombytes_buf(chance, sizeof chance);
    exam_err err = enrol_site_take(&c->site, enrol_server_now_ms(), chance, message, n, reply,
                                   &reply_bytes, &step);
    sodium_memzero(chance, sizeof chance);
    if (err != EXAM_OK)
        tell_refused(s, c, err);
    c->ends |= err != EXAM_OK;
    if (reply_bytes > 0 && !conn_say(c, reply, reply_bytes))
        return false;
    if (step == ENROL_LETS_IN)
        return let_in(s, c) == EXAM_OK;
    if (step == ENROL_DONE)
        fprintf(stderr, "%s has its key\n", c->site.entry->name);
    return step != ENROL_DONE;
}

static bool conn_write(struct conn *c)
{
    while (c->out_at < c->out_bytes) {
        ssize_t n =
            send(c->fd, c->out + c->out_at, c->out_bytes - c->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            return true;
        if (n <= 0)
            return false;
        c->out_at += (size_t)n;
    }
    free(c->out);
    c->out = NULL;
    c->out_bytes = c->out_at = 0;
    return !c->ends;
}

/* One message at a time: nothing is read while an answer is being written. */
static bool conn_read(struct enrol_server *s, struct conn *c)
{
    const uint8_t *message;
    size_t room, n;
    uint8_t *at;
    exam_err err;

    frame_reader_space(&c->reader, &at, &room);
    ssize_t got = recv(c->fd, at, room, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return true;
    if (got <= 0)
        return false;
    frame_reader_filled(&c->reader, (size_t)got);
    while ((err = frame_reader_next(&c->reader, &message, &n)) == EXAM_OK)
        if (c->ends || !take_message(s, c, message, n))
            return false;
    return err == EXAM_AGAIN && conn_write(c);
}

/* ---------------------------------------------------------------- the loop */

static struct conn *conn_free(struct enrol_server *s)
{
    for (size_t i = 0; i < CONNS_MAX; i++)
        if (s->conns[i].fd < 0)
            return &s->conns[i];
    return NULL;
}

static void server_accept(struct enrol_server *s)
{
    struct sockaddr_storage from;
    socklen_t n = sizeof from;
    struct conn *c = conn_free(s);
    int fd =
        c != NULL ? accept4(s->fd, (struct sockaddr *)&from, &n, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;

    if (fd < 0)
        return;
    c->fd = fd;
    c->site.book = s->book;
    c->until_ms = enrol_server_now_ms() + CONN_MS_MAX;
    frame_reader_init(&c->reader, c->in, sizeof c->in, ENROL_REQUEST_BYTES_MAX);
    if (getnameinfo((struct sockaddr *)&from, n, c->peer, sizeof c->peer, NULL, 0,
                    NI_NUMERICHOST) != 0)
        snprintf(c->peer, sizeof c->peer, "somewhere");
}

static void server_turn(struct enrol_server *s)
{
    struct pollfd fds[CONNS_MAX + 1];
    uint64_t now_ms;

    for (size_t i = 0; i < CONNS_MAX; i++) {
        const struct conn *c = &s->conns[i];
        fds[i] = (struct pollfd){.fd = c->fd, .events = c->out_bytes > 0 ? POLLOUT : POLLIN};
    }
    fds[CONNS_MAX] = (struct pollfd){.fd = conn_free(s) != NULL ? s->fd : -1, .events = POLLIN};
    if (poll(fds, CONNS_MAX + 1, TICK_MS) < 0)
        return; /* a signal */
    now_ms = enrol_server_now_ms();
    for (size_t i = 0; i < CONNS_MAX; i++) {
        struct conn *c = &s->conns[i];
        bool goes_on = true;
        if (fds[i].revents != 0)
            goes_on = c->out_bytes > 0 ? conn_write(c) : conn_read(s, c);
        if (c->fd >= 0 && (!goes_on || now_ms >= c->until_ms))
            conn_close(c);
    }
    if (fds[CONNS_MAX].revents != 0)
        server_accept(s);
}

static bool is_busy(const struct enrol_server *s)
{
    for (size_t i = 0; i < CONNS_MAX; i++)
        if (s->conns[i].fd >= 0 && s->conns[i].site.stage == SITE_WELCOMED)
            return true;
    return false;
}

void enrol_server_run(struct enrol_server *s)
{
    const struct sigaction stop = {.sa_handler = on_signal};
    struct sigaction before[2];

    stopped = 0;
    sigaction(SIGINT, &stop, &before[0]);
    sigaction(SIGTERM, &stop, &before[1]);
    while (!stopped && (enrol_book_open(s->book, enrol_server_now_ms()) > 0 || is_busy(s)))
        server_turn(s);
    sigaction(SIGINT, &before[0], NULL);
    sigaction(SIGTERM, &before[1], NULL);
    if (s->strangers > 0)
        fprintf(stderr, "%llu times somebody came without a code that is open\n",
                (unsigned long long)s->strangers);
}

/* ---------------------------------------------------------------- opening, closing */

static exam_err server_bind(struct enrol_server *s, const char *listen_at)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
    char host[ADDRESS_BYTES];
    const char *colon = strrchr(listen_at, ':');
    const int on = 1;

    if (colon == NULL || colon - listen_at >= (ptrdiff_t)sizeof host) {
        report_error("--listen '%s' is no HOST:PORT", listen_at);
        return EXAM_INVALID;
    }
    snprintf(host, sizeof host, "%.*s", (int)(colon - listen_at), listen_at);
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        report_error("--listen '%s': no such address", listen_at);
        return EXAM_INVALID;
    }
    s->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool listens = s->fd >= 0 && setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                   bind(s->fd, found->ai_addr, found->ai_addrlen) == 0 &&
                   listen(s->fd, BACKLOG) == 0;
    freeaddrinfo(found);
    if (listens)
        return EXAM_OK;
    report_error("cannot listen at %s: %s", listen_at, strerror(errno));
    return errno == EADDRINUSE ? EXAM_EXISTS : EXAM_SYSTEM;
}

exam_err enrol_server_open(const char *listen_at, struct key_folder *folder,
                           struct enrol_book *book, struct enrol_server **out)
{
    struct enrol_server *s = calloc(1, sizeof *s);

    if (s == NULL)
        return EXAM_NOMEM;
    s->fd = -1;
    s->folder = folder;
    s->book = book;
    for (size_t i = 0; i < CONNS_MAX; i++)
        s->conns[i].fd = -1;
    exam_err err = server_bind(s, listen_at);
    if (err == EXAM_OK)
        *out = s;
    else
        enrol_server_close(s);
    return err;
}

void enrol_server_close(struct enrol_server *s)
{
    for (size_t i = 0; i < CONNS_MAX; i++)
        conn_close(&s->conns[i]);
    if (s->fd >= 0)
        close(s->fd);
    free(s);
}
