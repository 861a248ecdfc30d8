/* channel_peer.c - one end of a channel on standard input and output, for tests against another
 * implementation.
 *
 *   channel_peer initiator SECRET CHANCE PUBLIC    as hex; PUBLIC is the responder's key
 *   channel_peer responder SECRET CHANCE PUBLIC    PUBLIC is the one key that is admitted
 *
 * The handshake's payload is "from channel_peer". Once open it says whom it met: a record of the
 * peer's key, the binding and the peer's payload. Then it seals whatever it opens, until the input
 * ends. Exits 0; 1 after an error, with a line on standard error; 64 for wrong arguments. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "channel.h"
#include "frame.h"

enum { ROOM = 2 * (FRAME_HEADER_BYTES + FRAME_BYTES_MAX) };

static const char own_payload[] = "from channel_peer";

struct end {
    struct channel channel;
    struct noise_key_pair own;
    uint8_t chance[CHANNEL_CHANCE_BYTES];
    uint8_t other[CHANNEL_KEY_BYTES];
    bool introduced;
    uint8_t out_bytes[ROOM];
    struct channel_out out;
};

static exam_err admit(void *ctx, const uint8_t peer[CHANNEL_KEY_BYTES])
{
    const struct end *e = ctx;

    return sodium_memcmp(peer, e->other, CHANNEL_KEY_BYTES) == 0 ? EXAM_OK : EXAM_AUTH;
}

static bool hex(const char *text, uint8_t out[NOISE_KEY_BYTES])
{
    size_t n = 0;

    return sodium_hex2bin(out, NOISE_KEY_BYTES, text, strlen(text), NULL, &n, NULL) == 0 &&
           n == NOISE_KEY_BYTES;
}

static bool write_all(const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        ssize_t wrote = write(STDOUT_FILENO, bytes, n);

        if (wrote <= 0)
            return false;
        bytes += wrote;
        n -= (size_t)wrote;
    }
    return true;
}

static exam_err introduce(struct end *e)
{
    uint8_t said[CHANNEL_KEY_BYTES + CHANNEL_BINDING_BYTES + CHANNEL_PAYLOAD_BYTES_MAX];
    const uint8_t *key = NULL, *payload = NULL;
    size_t n = 0;
    exam_err err = channel_peer(&e->channel, &key);

    if (err == EXAM_OK)
        err = channel_binding(&e->channel, said + CHANNEL_KEY_BYTES);
    if (err == EXAM_OK)
        err = channel_peer_payload(&e->channel, &payload, &n);
    if (err != EXAM_OK)
        return err;
    memcpy(said, key, CHANNEL_KEY_BYTES);
    memcpy(said + CHANNEL_KEY_BYTES + CHANNEL_BINDING_BYTES, payload, n);
    e->introduced = true;
    return channel_seal(&e->channel, said, CHANNEL_KEY_BYTES + CHANNEL_BINDING_BYTES + n, &e->out);
}

static exam_err shake_hands(struct end *e)
{
    return channel_handshake_write(&e->channel, e->chance, (const uint8_t *)own_payload,
                                   sizeof own_payload - 1, &e->out);
}

/* What follows from one frame of the peer's is in e->out. */
static exam_err take(struct end *e, const uint8_t *payload, size_t n)
{
    static uint8_t plain[CHANNEL_RECORD_BYTES_MAX];
    exam_err err;

    if (channel_state(&e->channel) == CHANNEL_READS) {
        err = channel_handshake_read(&e->channel, payload, n);
        if (err == EXAM_OK && channel_state(&e->channel) == CHANNEL_WRITES)
            return shake_hands(e);
        return err == EXAM_OK ? introduce(e) : err;
    }
    err = channel_open(&e->channel, payload, n, plain, &n);
    if (err == EXAM_OK && !e->introduced)
        err = introduce(e);
    return err == EXAM_OK ? channel_seal(&e->channel, plain, n, &e->out) : err;
}

static exam_err serve(struct end *e)
{
    static uint8_t buf[FRAME_HEADER_BYTES + CHANNEL_RECORD_BYTES_MAX];
    struct frame_reader r;

    frame_reader_init(&r, buf, sizeof buf, CHANNEL_RECORD_BYTES_MAX);
    for (;;) {
        const uint8_t *payload = NULL;
        uint8_t *at;
        size_t n = 0;
        ssize_t got;
        exam_err err;

        r.payload_bytes_max = channel_frame_bytes_max(&e->channel);
        err = frame_reader_next(&r, &payload, &n);
        if (err == EXAM_OK)
            err = take(e, payload, n);
        if (err != EXAM_OK && err != EXAM_AGAIN)
            return err;
        if (!write_all(e->out.at, e->out.bytes))
            return EXAM_IO;
        e->out.bytes = 0;
        if (err == EXAM_OK)
            continue;
        frame_reader_space(&r, &at, &n);
        got = read(STDIN_FILENO, at, n);
        if (got <= 0)
            return got == 0 ? EXAM_OK : EXAM_IO;
        frame_reader_filled(&r, (size_t)got);
    }
}

int main(int argc, char **argv)
{
    static struct end e;
    struct channel_config config = {.terms = {.conversation = CHANNEL_ADMIN, .roster_version = 7},
                                    .own = &e.own,
                                    .peer = e.other,
                                    .admit = admit,
                                    .admit_ctx = &e};
    uint8_t secret[NOISE_KEY_BYTES];
    exam_err err;

    if (argc != 5 || sodium_init() < 0 || !hex(argv[2], secret) || !hex(argv[3], e.chance) ||
        !hex(argv[4], e.other))
        return EX_USAGE;
    config.initiator = strcmp(argv[1], "initiator") == 0;
    memset(config.terms.site_id, 0x51, SITE_ID_BYTES);
    noise_key_pair_of(secret, &e.own);
    e.out = (struct channel_out){.at = e.out_bytes, .bytes_max = sizeof e.out_bytes};

    err = channel_init(&e.channel, &config);
    if (err == EXAM_OK && config.initiator)
        err = shake_hands(&e);
    if (err == EXAM_OK)
        err = serve(&e);
    if (err != EXAM_OK)
        fprintf(stderr, "channel_peer: %s: %s\n", exam_err_name(err), channel_why(&e.channel));
    channel_fini(&e.channel);
    return err == EXAM_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
