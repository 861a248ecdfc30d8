#include "admin_client.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codec.h"
#include "frame.h"
#include "monotonic.h"
#include "signed_command.h"
#include "tunnel.h"

struct admin_client {
    int fd; /* -1: closed */
    uint64_t timeout_ms;
    uint64_t deadline_ms; /* of what is being waited for */
    uint32_t id;
    char address[NODE_ADDRESS_TEXT_BYTES];
    char node[NAME_BYTES_MAX + 1];
    uint8_t nonce[SIGN_NONCE_BYTES]; /* the node's: what signatures on this connection are of */
    uint8_t digest[HASH_BYTES];      /* of the import that is being sent */
    char why[NODE_ADDRESS_TEXT_BYTES + 256];
    struct tunnel_end end;
    struct tunnel tunnel;
    struct arena arena;
    uint8_t *arena_block;
    uint8_t *in; /* the tunnel's */
    uint8_t out[FRAME_HEADER_BYTES + FRAME_BYTES_MAX];
    uint8_t sealed[2 * CHANNEL_RECORD_FRAME_BYTES + FRAME_HEADER_BYTES + FRAME_BYTES_MAX];
};

exam_err admin_client_new(uint64_t timeout_ms, const struct keyring *keys,
                          struct admin_client **out)
{
    struct admin_client *c = calloc(1, sizeof *c);

    if (c == NULL)
        return EXAM_NOMEM;
    c->end = (struct tunnel_end){.keys = keys,
                                 .conversation = CHANNEL_ADMIN,
                                 .peers = KEY_NODE,
                                 .payload_bytes_max = FRAME_BYTES_MAX};
    c->arena_block = malloc(ARENA_BYTES_FRAME);
    c->in = malloc(tunnel_buf_bytes(&c->end, 0));
    if (c->arena_block == NULL || c->in == NULL) {
        free(c->arena_block);
        free(c->in);
        free(c);
        return EXAM_NOMEM;
    }
    arena_init(&c->arena, c->arena_block, ARENA_BYTES_FRAME);
    c->fd = -1;
    c->timeout_ms = timeout_ms;
    *out = c;
    return EXAM_OK;
}

static void client_close(struct admin_client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

void admin_client_free(struct admin_client *c)
{
    if (c == NULL)
        return;
    client_close(c);
    tunnel_fini(&c->tunnel);
    free(c->arena_block);
    free(c->in);
    free(c);
}

const char *admin_client_node(const struct admin_client *c)
{
    return c->node;
}

const char *admin_client_why(const struct admin_client *c)
{
    return c->why;
}

/* Notes what went wrong, closes, and returns the error. */
static exam_err fail(struct admin_client *c, exam_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static exam_err fail(struct admin_client *c, exam_err err, const char *format, ...)
{
    int used = snprintf(c->why, sizeof c->why, "%s: ", c->address);
    va_list args;

    va_start(args, format);
    vsnprintf(c->why + used, sizeof c->why - (size_t)used, format, args);
    va_end(args);
    client_close(c);
    return err;
}

/* Waits until the socket is ready for `events`, or until the deadline. */
static exam_err wait_ready(struct admin_client *c, short events)
{
    for (;;) {
        uint64_t now_ms = monotonic_now_ms();
        struct pollfd p = {.fd = c->fd, .events = events};
        int left_ms, n;

        if (now_ms >= c->deadline_ms)
            return EXAM_TIMEOUT;
        left_ms = c->deadline_ms - now_ms < 60000 ? (int)(c->deadline_ms - now_ms) : 60000;
        n = poll(&p, 1, left_ms);
        if (n > 0)
            return EXAM_OK;
        if (n < 0 && errno != EINTR)
            return EXAM_SYSTEM;
    }
}

/* ---------------------------------------------------------------- connecting */

/* One of the addresses that the name has. On failure *os_error tells why. */
static exam_err connect_one(struct admin_client *c, const struct addrinfo *ai, int *os_error)
{
    int one = 1;
    socklen_t n = sizeof *os_error;
    exam_err err;

    c->fd = socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, ai->ai_protocol);
    if (c->fd < 0) {
        *os_error = errno;
        return EXAM_CONN;
    }
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    *os_error = 0;
    if (connect(c->fd, ai->ai_addr, ai->ai_addrlen) == 0)
        return EXAM_OK;
    *os_error = errno;
    err = EXAM_CONN;
    if (*os_error == EINPROGRESS) {
        err = wait_ready(c, POLLOUT);
        *os_error = err == EXAM_TIMEOUT ? ETIMEDOUT : 0;
        if (err == EXAM_OK) {
            if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, os_error, &n) != 0)
                *os_error = errno;
            err = *os_error == 0 ? EXAM_OK : EXAM_CONN;
        }
    }
    if (err != EXAM_OK)
        client_close(c);
    return err;
}

static exam_err client_connect(struct admin_client *c, const struct node_address *address)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    exam_err err = EXAM_CONN;
    int os_error = 0;
    int found = getaddrinfo(address->host, address->port, &hints, &list);

    if (found != 0)
        return fail(c, EXAM_CONN, "the host name is not known (%s); check --nodes",
                    gai_strerror(found));
    for (const struct addrinfo *ai = list; ai != NULL && err != EXAM_OK; ai = ai->ai_next)
        err = connect_one(c, ai, &os_error);
    freeaddrinfo(list);
    if (err == EXAM_TIMEOUT)
        return fail(c, err, "no answer to the attempt to connect");
    if (err != EXAM_OK)
        return fail(c, err, "cannot connect: %s", strerror(os_error));
    return EXAM_OK;
}

/* ---------------------------------------------------------------- frames */

static exam_err bytes_send(struct admin_client *c, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(c->fd, bytes, n, MSG_NOSIGNAL);
        exam_err err;

        if (sent > 0) {
            bytes += sent;
            n -= (size_t)sent;
            continue;
        }
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            return fail(c, EXAM_CONN, "the connection broke: %s", strerror(errno));
        err = wait_ready(c, POLLOUT);
        if (err == EXAM_TIMEOUT)
            return fail(c, err, "takes nothing more in; it may be frozen or overloaded");
        if (err != EXAM_OK)
            return fail(c, err, "cannot wait for the connection: %s", strerror(errno));
    }
    return EXAM_OK;
}

/* Reads what has come in, at least one byte. */
static exam_err bytes_receive(struct admin_client *c)
{
    uint8_t *at;
    size_t room;
    ssize_t got;
    exam_err err = wait_ready(c, POLLIN);

    if (err == EXAM_TIMEOUT)
        return fail(c, err, "did not reply in time");
    if (err != EXAM_OK)
        return fail(c, err, "cannot wait for the connection: %s", strerror(errno));
    tunnel_space(&c->tunnel, &at, &room);
    got = recv(c->fd, at, room, 0);
    if (got == 0)
        return fail(c, EXAM_CONN, "closed the connection before its reply was complete");
    if (got < 0 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)
        return fail(c, EXAM_CONN, "the connection broke: %s", strerror(errno));
    if (got > 0)
        tunnel_filled(&c->tunnel, (size_t)got);
    return EXAM_OK;
}

/* The next frame; what the handshake has to say goes out on the way. */
static exam_err frame_receive(struct admin_client *c, const uint8_t **payload, size_t *n)
{
    uint8_t reply[TUNNEL_OUT_BYTES_MAX];
    exam_err err, sent;

    for (;;) {
        struct channel_out out = {.at = reply, .bytes_max = sizeof reply};
        bool opening = !tunnel_is_open(&c->tunnel);

        err = tunnel_next(&c->tunnel, &out, payload, n);
        sent = bytes_send(c, reply, out.bytes);
        if (sent != EXAM_OK)
            return sent;
        if (err != EXAM_AGAIN || (opening && tunnel_is_open(&c->tunnel)))
            return err;
        err = bytes_receive(c);
        if (err != EXAM_OK)
            return err;
    }
}

static exam_err frame_send(struct admin_client *c, size_t frame_bytes)
{
    struct channel_out out = {.at = c->sealed, .bytes_max = sizeof c->sealed};
    exam_err err;

    if (!tunnel_is_sealed(&c->tunnel))
        return bytes_send(c, c->out, frame_bytes);
    err = tunnel_seal(&c->tunnel, c->out, frame_bytes, &out);
    if (err != EXAM_OK)
        return fail(c, err, "the channel has ended");
    return bytes_send(c, c->sealed, out.bytes);
}

/* Both ends prove who they are; nothing without keys. */
static exam_err client_open_channel(struct admin_client *c, const char *name)
{
    uint8_t hello[TUNNEL_OUT_BYTES_MAX];
    struct channel_out out = {.at = hello, .bytes_max = sizeof hello};
    const uint8_t *payload;
    size_t n;
    exam_err err = tunnel_init(&c->tunnel, &c->end, c->in, 0, true, name);

    if (err == EXAM_OK)
        err = tunnel_begin(&c->tunnel, &out);
    if (err != EXAM_OK)
        return fail(c, err, "%s", tunnel_why(&c->tunnel));
    err = bytes_send(c, hello, out.bytes);
    if (err != EXAM_OK || tunnel_is_open(&c->tunnel))
        return err;
    err = frame_receive(c, &payload, &n);
    if (err == EXAM_AGAIN && tunnel_is_open(&c->tunnel))
        return EXAM_OK;
    if (err == EXAM_CONN)
        return fail(c, EXAM_AUTH,
                    "ended the connection before it was open: it does not let this key in, or is "
                    "not server %s; its log says why",
                    name);
    if (tunnel_why(&c->tunnel)[0] != '\0')
        return fail(c, err, "%s", tunnel_why(&c->tunnel));
    return err;
}

static exam_err reply_receive(struct admin_client *c, const Admin__Reply **reply)
{
    const Admin__Reply *r;
    const uint8_t *payload;
    const char *field = "";
    size_t n;
    exam_err err;

    err = frame_receive(c, &payload, &n);
    if (err != EXAM_OK && c->fd < 0)
        return err; /* it has been told */
    if (err == EXAM_OK)
        err = codec_admin_reply(&c->arena, payload, n, &r, &field);
    if (err != EXAM_OK)
        return fail(c, err, "what came is no reply of an exam node (%s%s%s); is the port right?",
                    exam_err_text(err), field[0] != '\0' ? ": " : "", field);
    /* A node that could not read the request does not know its id. */
    if (r->id != c->id && !(r->id == 0 && r->kind_case == ADMIN__REPLY__KIND_REFUSED))
        return fail(c, EXAM_MALFORMED, "replied to request %u, %u was asked", (unsigned)r->id,
                    (unsigned)c->id);
    *reply = r;
    return EXAM_OK;
}

/* The parts of an import are signed with its end, by a digest of all of them. */
static void import_note(struct admin_client *c, const Admin__Request *request, size_t bytes)
{
    if (request->kind_case == ADMIN__REQUEST__KIND_IMPORT_BEGIN)
        memset(c->digest, 0, sizeof c->digest);
    if (request->kind_case == ADMIN__REQUEST__KIND_IMPORT_BEGIN ||
        request->kind_case == ADMIN__REQUEST__KIND_IMPORT_PART)
        signed_command_chain(c->digest, c->out + FRAME_HEADER_BYTES, bytes);
}

/* One frame, header included, signed where there are keys (R4). */
static exam_err request_pack(struct admin_client *c, Admin__Request *request, size_t *frame_bytes)
{
    const struct keyring *keys = c->end.keys;
    struct signed_command said = {.node = c->node, .nonce = c->nonce};
    size_t bytes = protobuf_c_message_get_packed_size(&request->base);

    if (bytes > FRAME_BYTES_MAX - SIGNED_TAIL_BYTES)
        return EXAM_TOO_BIG;
    protobuf_c_message_pack(&request->base, c->out + FRAME_HEADER_BYTES);
    import_note(c, request, bytes);
    if (keys != NULL && request->kind_case != ADMIN__REQUEST__KIND_HELLO) {
        said.request = c->out + FRAME_HEADER_BYTES;
        said.request_bytes = bytes;
        signed_command_sign(&said, keyring_own(keys), c->out + FRAME_HEADER_BYTES + bytes);
        bytes += SIGNED_TAIL_BYTES;
    }
    frame_header_put(c->out, bytes);
    *frame_bytes = FRAME_HEADER_BYTES + bytes;
    return EXAM_OK;
}

exam_err admin_client_ask(struct admin_client *c, Admin__Request *request,
                          const Admin__Reply **reply)
{
    size_t frame_bytes;
    exam_err err;

    if (c->fd < 0)
        return EXAM_CONN;
    request->id = ++c->id;
    if (request->kind_case == ADMIN__REQUEST__KIND_IMPORT_COMMIT && c->end.keys != NULL)
        request->import_commit->digest =
            (ProtobufCBinaryData){.data = c->digest, .len = sizeof c->digest};
    err = request_pack(c, request, &frame_bytes);
    if (err != EXAM_OK)
        return fail(c, err, "the request does not fit in a frame");
    c->deadline_ms = monotonic_now_ms() + c->timeout_ms;
    err = frame_send(c, frame_bytes);
    if (err != EXAM_OK)
        return err;
    return reply_receive(c, reply);
}

exam_err admin_client_next(struct admin_client *c, const Admin__Reply **reply)
{
    if (c->fd < 0)
        return EXAM_CONN;
    c->deadline_ms = monotonic_now_ms() + c->timeout_ms;
    return reply_receive(c, reply);
}

/* ---------------------------------------------------------------- greeting */

static exam_err version_fail(struct admin_client *c, unsigned node_version, const char *text)
{
    if (node_version != 0)
        return fail(c, EXAM_VERSION,
                    "speaks version %u of the admin conversation, this tool speaks %d; use the "
                    "examctl that came with the node",
                    node_version, ADMIN_VERSION);
    return fail(c, EXAM_VERSION, "%s", text);
}

static exam_err client_greet(struct admin_client *c, const char *who)
{
    Admin__Hello hello = ADMIN__HELLO__INIT;
    Admin__Request request = ADMIN__REQUEST__INIT;
    char name[PERSON_BYTES_MAX + 1];
    char client[] = "examctl";
    const Admin__Reply *reply;
    exam_err err;

    snprintf(name, sizeof name, "%s", who);
    hello.version = ADMIN_VERSION;
    hello.who = name;
    hello.client = client;
    request.kind_case = ADMIN__REQUEST__KIND_HELLO;
    request.hello = &hello;
    err = admin_client_ask(c, &request, &reply);
    if (err != EXAM_OK)
        return err;
    if (reply->kind_case == ADMIN__REPLY__KIND_REFUSED) {
        if (reply->refused->code == EXAM_VERSION)
            return version_fail(c, 0, reply->refused->text);
        return fail(c, (exam_err)reply->refused->code, "%s", reply->refused->text);
    }
    if (reply->kind_case != ADMIN__REPLY__KIND_WELCOME)
        return fail(c, EXAM_MALFORMED, "does not greet as an exam node does; is the port right?");
    if (reply->welcome->version != ADMIN_VERSION)
        return version_fail(c, reply->welcome->version, "");
    if (c->end.keys != NULL && reply->welcome->nonce.len != sizeof c->nonce)
        return fail(c, EXAM_MALFORMED, "draws nothing that could be signed");
    if (c->end.keys != NULL)
        memcpy(c->nonce, reply->welcome->nonce.data, sizeof c->nonce);
    snprintf(c->node, sizeof c->node, "%s", reply->welcome->node);
    return EXAM_OK;
}

exam_err admin_client_open(struct admin_client *c, const struct node_address *address,
                           const char *who)
{
    uint64_t timeout_ms = c->timeout_ms;
    exam_err err;

    client_close(c);
    snprintf(c->address, sizeof c->address, "%s", address->text);
    c->why[0] = '\0';
    c->node[0] = '\0';
    c->id = 0;
    if (c->timeout_ms > ADMIN_CLIENT_GREET_MS)
        c->timeout_ms = ADMIN_CLIENT_GREET_MS;
    c->deadline_ms = monotonic_now_ms() + c->timeout_ms;
    err = client_connect(c, address);
    if (err == EXAM_OK)
        err = client_open_channel(c, address->name);
    if (err == EXAM_OK)
        err = client_greet(c, who);
    c->timeout_ms = timeout_ms;
    return err;
}
