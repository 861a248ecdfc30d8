#include "wire.h"

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "boot_clock.h"
#include "codec.h"

const char *wire_state_name(enum wire_state s)
{
    static const char *const names[] = {"open", "closed", "silence"};
    return names[s];
}

bool address_parse(const char *text, struct address *out)
{
    char host[64];
    const char *at = strchr(text, '@'), *colon = strrchr(text, ':');
    *out = (struct address){.at = {.sin_family = AF_INET}};
    if (at == NULL || colon == NULL || colon < at || at == text ||
        at - text >= (ptrdiff_t)sizeof out->node || colon - at > (ptrdiff_t)sizeof host)
        return false;
    memcpy(out->node, text, (size_t)(at - text));
    snprintf(host, sizeof host, "%.*s", (int)(colon - at - 1), at + 1);
    char *end;
    unsigned long port = strtoul(colon + 1, &end, 10);
    out->at.sin_port = htons((uint16_t)port);
    return colon[1] != '\0' && *end == '\0' && port > 0 && port <= UINT16_MAX &&
           inet_pton(AF_INET, host, &out->at.sin_addr) == 1;
}

bool wire_dial(struct wire *w, const struct address *to, int patience_ms)
{
    w->patience_ms = patience_ms;
    w->came_bytes = 0;
    w->channel = (struct channel){.state = CHANNEL_ENDED};
    frame_reader_init(&w->outer, w->outer_buf, sizeof w->outer_buf, FRAME_BYTES_MAX);
    frame_reader_init(&w->inner, w->inner_buf, sizeof w->inner_buf, FRAME_BYTES_MAX);
    w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (w->fd >= 0 && connect(w->fd, (const struct sockaddr *)&to->at, sizeof to->at) == 0)
        return true;
    wire_drop(w);
    return false;
}

void wire_drop(struct wire *w)
{
    channel_fini(&w->channel);
    sodium_memzero(&w->own, sizeof w->own);
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}

/* ---------------------------------------------------------------- out */

bool wire_send(struct wire *w, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = send(w->fd, bytes, n, MSG_NOSIGNAL);
        if (done <= 0)
            return false;
        bytes += done;
        n -= (size_t)done;
    }
    return true;
}

size_t wire_seal(struct wire *w, const uint8_t *plain, size_t n, uint8_t *out, size_t out_bytes)
{
    struct channel_out o = {.at = out, .bytes_max = out_bytes};
    return channel_seal(&w->channel, plain, n, &o) == EXAM_OK ? o.bytes : 0;
}

bool wire_say(struct wire *w, const ProtobufCMessage *m)
{
    uint8_t frame[WIRE_FRAME_BYTES_MAX];
    uint8_t sealed[WIRE_FRAME_BYTES_MAX + 2 * CHANNEL_RECORD_FRAME_BYTES];
    size_t n, sealed_bytes;
    if (codec_frame_pack(m, frame, sizeof frame, &n) != EXAM_OK)
        return false;
    sealed_bytes = wire_seal(w, frame, n, sealed, sizeof sealed);
    return sealed_bytes > 0 && wire_send(w, sealed, sealed_bytes);
}

/* ---------------------------------------------------------------- in */

static enum wire_state more_bytes(struct wire *w, uint64_t until_ms)
{
    uint64_t now_ms = boot_clock_ms();
    struct pollfd p = {.fd = w->fd, .events = POLLIN};
    uint8_t *at;
    size_t room;
    if (now_ms >= until_ms || poll(&p, 1, (int)(until_ms - now_ms)) == 0)
        return WIRE_SILENT;
    frame_reader_space(&w->outer, &at, &room);
    ssize_t got = recv(w->fd, at, room, 0);
    if (got <= 0)
        return WIRE_CLOSED;
    frame_reader_filled(&w->outer, (size_t)got);
    return WIRE_OPEN;
}

enum wire_state wire_frame(struct wire *w)
{
    uint64_t until_ms = boot_clock_ms() + (uint64_t)w->patience_ms;
    const uint8_t *payload;
    size_t n;
    exam_err err;
    while ((err = frame_reader_next(&w->outer, &payload, &n)) == EXAM_AGAIN) {
        enum wire_state s = more_bytes(w, until_ms);
        if (s != WIRE_OPEN)
            return s;
    }
    if (err != EXAM_OK)
        return WIRE_CLOSED; /* no node says such a thing: of no use any more */
    frame_header_put(w->came, n);
    memcpy(w->came + FRAME_HEADER_BYTES, payload, n);
    w->came_bytes = FRAME_HEADER_BYTES + n;
    return WIRE_OPEN;
}

enum wire_state wire_hear(struct wire *w, const uint8_t **payload, size_t *n)
{
    while (frame_reader_next(&w->inner, payload, n) != EXAM_OK) {
        uint8_t *at;
        size_t room, plain_bytes;
        enum wire_state s = wire_frame(w);
        if (s != WIRE_OPEN)
            return s;
        frame_reader_space(&w->inner, &at, &room);
        if (room + NOISE_TAG_BYTES < w->came_bytes - FRAME_HEADER_BYTES ||
            channel_open(&w->channel, w->came + FRAME_HEADER_BYTES,
                         w->came_bytes - FRAME_HEADER_BYTES, at, &plain_bytes) != EXAM_OK)
            return WIRE_CLOSED;
        frame_reader_filled(&w->inner, plain_bytes);
    }
    return WIRE_OPEN;
}

enum wire_state wire_ended(struct wire *w)
{
    uint64_t until_ms = boot_clock_ms() + (uint64_t)w->patience_ms;
    uint8_t thrown_away[4096];
    for (;;) {
        uint64_t now_ms = boot_clock_ms();
        struct pollfd p = {.fd = w->fd, .events = POLLIN};
        if (now_ms >= until_ms || poll(&p, 1, (int)(until_ms - now_ms)) == 0)
            return WIRE_SILENT;
        if (recv(w->fd, thrown_away, sizeof thrown_away, 0) <= 0)
            return WIRE_CLOSED;
    }
}

/* ---------------------------------------------------------------- the handshake */

enum wire_state wire_hello(struct wire *w, const struct greeting *g)
{
    const struct channel_config config = {
        .initiator = true, .terms = g->terms, .own = &w->own, .peer = g->peer};
    uint8_t hello[CHANNEL_HANDSHAKE_FRAME_BYTES_MAX], chance[CHANNEL_CHANCE_BYTES];
    struct channel_out out = {.at = hello, .bytes_max = sizeof hello};
    randombytes_buf(chance, sizeof chance);
    w->own = g->own;
    w->own.public[0] ^= 1; /* channel_init does not let the node's own key be named */
    exam_err err = channel_init(&w->channel, &config);
    w->own.public[0] ^= 1;
    if (err == EXAM_OK)
        err = channel_handshake_write(&w->channel, chance, NULL, 0, &out);
    sodium_memzero(chance, sizeof chance);
    assert(g->spoil_at < out.bytes || err != EXAM_OK);
    if (err != EXAM_OK)
        return WIRE_CLOSED;
    if (g->spoil_at > 0)
        hello[g->spoil_at] ^= 1;
    return wire_send(w, hello, out.bytes) ? wire_frame(w) : WIRE_CLOSED;
}

enum wire_state wire_greet(struct wire *w, const struct greeting *g)
{
    uint8_t first[CHANNEL_RECORD_FRAME_BYTES];
    enum wire_state s = wire_hello(w, g);
    if (s != WIRE_OPEN)
        return s;
    if (channel_handshake_read(&w->channel, w->came + FRAME_HEADER_BYTES,
                               w->came_bytes - FRAME_HEADER_BYTES) != EXAM_OK)
        return WIRE_CLOSED;
    size_t n = wire_seal(w, NULL, 0, first, sizeof first);
    return n > 0 && wire_send(w, first, n) ? WIRE_OPEN : WIRE_CLOSED;
}
