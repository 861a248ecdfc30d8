#include "tunnel.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Plain bytes of a record that comes in. */
static size_t plain_bytes_max(const struct tunnel_end *end)
{
    return least(CHANNEL_PLAIN_BYTES_MAX, FRAME_HEADER_BYTES + end->payload_bytes_max);
}

static size_t outer_payload_max(const struct tunnel_end *end)
{
    size_t record = plain_bytes_max(end) + NOISE_TAG_BYTES;

    if (end->keys == NULL)
        return end->payload_bytes_max;
    return record > CHANNEL_HELLO_BYTES_MAX ? record : (size_t)CHANNEL_HELLO_BYTES_MAX;
}

static size_t outer_bytes(const struct tunnel_end *end, size_t receive_bytes)
{
    size_t frame = FRAME_HEADER_BYTES + outer_payload_max(end);

    return receive_bytes > frame ? receive_bytes : frame;
}

/* A frame of which the last byte is missing, and a record behind it. */
static size_t inner_bytes(const struct tunnel_end *end)
{
    return FRAME_HEADER_BYTES + end->payload_bytes_max + plain_bytes_max(end);
}

size_t tunnel_buf_bytes(const struct tunnel_end *end, size_t receive_bytes)
{
    return outer_bytes(end, receive_bytes) + (end->keys != NULL ? inner_bytes(end) : 0);
}

/* ---------------------------------------------------------------- who may come in */

static void why_set(struct tunnel *t, const char *why)
{
    if (t->why[0] == '\0')
        snprintf(t->why, sizeof t->why, "%s", why);
}

static exam_err admit(void *ctx, const uint8_t peer[CHANNEL_KEY_BYTES])
{
    struct tunnel *t = ctx;
    const struct key_entry *e = key_roster_find_key(keyring_roster(t->end->keys), peer);
    char hex[17];

    if (e != NULL && e->revoked == 0 && e->kind == t->end->peers) {
        t->peer = *e;
        return EXAM_OK;
    }
    sodium_bin2hex(hex, sizeof hex, peer, 8);
    if (e == NULL)
        snprintf(t->why, sizeof t->why, "the roster has no key %s...", hex);
    else if (e->revoked != 0)
        snprintf(t->why, sizeof t->why, "the key %s... of %s %s was revoked by roster %llu", hex,
                 key_kind_name(e->kind), e->name, (unsigned long long)e->revoked);
    else
        snprintf(t->why, sizeof t->why, "the key %s... is of %s %s; only that of a %s is let in",
                 hex, key_kind_name(e->kind), e->name, key_kind_name(t->end->peers));
    return EXAM_AUTH;
}

bool tunnel_peer_is_good(const struct tunnel *t)
{
    const struct key_entry *e;

    if (t->end->keys == NULL || !tunnel_is_open(t))
        return true;
    e = key_roster_find_key(keyring_roster(t->end->keys), t->peer.public);
    return e != NULL && e->revoked == 0 && e->kind == t->peer.kind &&
           strcmp(e->name, t->peer.name) == 0;
}

/* ---------------------------------------------------------------- beginning and ending */

exam_err tunnel_init(struct tunnel *t, const struct tunnel_end *end, uint8_t *buf,
                     size_t receive_bytes, bool dialled, const char *responder)
{
    const struct key_entry *to = NULL;
    size_t outer = outer_bytes(end, receive_bytes);

    t->end = end;
    t->why[0] = '\0';
    t->channel.state = CHANNEL_ENDED;
    frame_reader_init(&t->outer, buf, outer, outer_payload_max(end));
    if (end->keys == NULL)
        return EXAM_OK;
    frame_reader_init(&t->inner, buf + outer, inner_bytes(end), end->payload_bytes_max);
    const struct key_roster *roster = keyring_roster(end->keys);
    struct channel_config config = {.initiator = dialled,
                                    .own = &keyring_own(end->keys)->pair,
                                    .admit = dialled ? NULL : admit,
                                    .admit_ctx = t};
    config.terms.conversation = end->conversation;
    config.terms.roster_version = key_roster_version(roster);
    config.terms.roster_accepts = key_roster_accepts(roster);
    memcpy(config.terms.site_id, key_roster_site(roster), SITE_ID_BYTES);
    if (dialled) {
        to = responder != NULL ? key_roster_find_name(roster, end->peers, responder) : NULL;
        if (to == NULL) {
            snprintf(t->why, sizeof t->why, "the roster has no key of a %s named %s",
                     key_kind_name(end->peers), responder != NULL ? responder : "(none was named)");
            return EXAM_NOT_FOUND;
        }
        t->peer = *to;
        config.peer = t->peer.public;
    }
    exam_err err = channel_init(&t->channel, &config);
    if (err != EXAM_OK)
        why_set(t, channel_why(&t->channel));
    return err;
}

void tunnel_fini(struct tunnel *t)
{
    channel_fini(&t->channel);
}

static exam_err handshake_write(struct tunnel *t, struct channel_out *out)
{
    uint8_t chance[CHANNEL_CHANCE_BYTES];

    randombytes_buf(chance, sizeof chance);
    exam_err err = channel_handshake_write(&t->channel, chance, NULL, 0, out);
    sodium_memzero(chance, sizeof chance);
    return err;
}

exam_err tunnel_begin(struct tunnel *t, struct channel_out *out)
{
    if (t->end->keys == NULL || channel_state(&t->channel) != CHANNEL_WRITES)
        return EXAM_OK;
    exam_err err = handshake_write(t, out);
    if (err != EXAM_OK)
        why_set(t, channel_why(&t->channel));
    return err;
}

/* ---------------------------------------------------------------- what comes in */

void tunnel_space(struct tunnel *t, uint8_t **at, size_t *bytes)
{
    frame_reader_space(&t->outer, at, bytes);
}

void tunnel_filled(struct tunnel *t, size_t bytes)
{
    frame_reader_filled(&t->outer, bytes);
}

static exam_err take_handshake(struct tunnel *t, const uint8_t *message, size_t n,
                               struct channel_out *out)
{
    exam_err err = channel_handshake_read(&t->channel, message, n);

    if (err != EXAM_OK)
        return err;
    if (channel_state(&t->channel) == CHANNEL_WRITES)
        return handshake_write(t, out);
    /* The responder believes it only with the first record. */
    return channel_seal(&t->channel, NULL, 0, out);
}

/* Opens a record into the inner reader, behind the cut frame that it may hold. */
static exam_err take_record(struct tunnel *t, const uint8_t *record, size_t n)
{
    struct frame_reader *r = &t->inner;
    size_t held = r->end - r->begin, plain_bytes;

    if (r->begin > 0 && held > 0)
        memmove(r->buf, r->buf + r->begin, held);
    r->begin = 0;
    r->end = held;
    assert(r->buf_bytes - held >= plain_bytes_max(t->end));
    exam_err err = channel_open(&t->channel, record, n, r->buf + held, &plain_bytes);
    if (err == EXAM_OK)
        r->end += plain_bytes;
    return err;
}

static exam_err take_outer(struct tunnel *t, struct channel_out *out)
{
    const uint8_t *message;
    size_t n;
    bool greeting = channel_state(&t->channel) == CHANNEL_READS;

    if (channel_state(&t->channel) == CHANNEL_ENDED)
        return EXAM_CONN;
    t->outer.payload_bytes_max =
        greeting ? channel_frame_bytes_max(&t->channel) : plain_bytes_max(t->end) + NOISE_TAG_BYTES;
    exam_err err = frame_reader_next(&t->outer, &message, &n);
    if (err == EXAM_AGAIN)
        return err;
    if (err != EXAM_OK) {
        channel_fini(&t->channel);
        why_set(t, greeting ? "the peer's first bytes are no channel's hello"
                            : "the peer's record is longer than any frame, or empty");
        return err;
    }
    err = greeting ? take_handshake(t, message, n, out) : take_record(t, message, n);
    if (err != EXAM_OK)
        why_set(t, channel_why(&t->channel));
    return err;
}

exam_err tunnel_next(struct tunnel *t, struct channel_out *out, const uint8_t **payload,
                     size_t *payload_bytes)
{
    struct frame_reader *r = t->end->keys != NULL ? &t->inner : &t->outer;
    exam_err err;

    for (;;) {
        t->before = *r;
        err = frame_reader_next(r, payload, payload_bytes);
        if (err == EXAM_AGAIN && t->end->keys != NULL)
            err = take_outer(t, out);
        else
            break;
        if (err != EXAM_OK)
            return err;
    }
    if (err != EXAM_OK && err != EXAM_AGAIN)
        why_set(t, exam_err_text(err));
    return err;
}

bool tunnel_has_hello(const struct tunnel *t)
{
    struct frame_reader look = t->outer; /* nothing is taken out */
    const uint8_t *message;
    size_t n;

    if (t->end->keys == NULL || channel_state(&t->channel) != CHANNEL_READS)
        return false;
    look.payload_bytes_max = channel_frame_bytes_max(&t->channel);
    return frame_reader_next(&look, &message, &n) == EXAM_OK;
}

void tunnel_put_back(struct tunnel *t)
{
    *(t->end->keys != NULL ? &t->inner : &t->outer) = t->before;
}

/* ---------------------------------------------------------------- what is known, what goes out */

bool tunnel_is_sealed(const struct tunnel *t)
{
    return t->end->keys != NULL;
}

bool tunnel_is_open(const struct tunnel *t)
{
    return t->end->keys == NULL || channel_state(&t->channel) == CHANNEL_OPEN;
}

const struct key_entry *tunnel_peer(const struct tunnel *t)
{
    return t->end->keys != NULL && tunnel_is_open(t) ? &t->peer : NULL;
}

size_t tunnel_sealed_bytes(const struct tunnel *t, size_t bytes)
{
    return t->end->keys != NULL ? channel_sealed_bytes(bytes) : bytes;
}

exam_err tunnel_seal(struct tunnel *t, const uint8_t *frames, size_t bytes, struct channel_out *out)
{
    if (t->end->keys != NULL)
        return channel_seal(&t->channel, frames, bytes, out);
    if (out->bytes_max - out->bytes < bytes)
        return EXAM_FULL;
    memcpy(out->at + out->bytes, frames, bytes);
    out->bytes += bytes;
    return EXAM_OK;
}

const char *tunnel_why(const struct tunnel *t)
{
    return t->why;
}
