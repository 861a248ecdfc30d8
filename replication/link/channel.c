#include "channel.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "frame.h"

enum { VERSION_AT = 4, CONVERSATION_AT = 5, SITE_AT = 8, ROSTER_AT = SITE_AT + SITE_ID_BYTES };

/* No conversation's message begins with an 'S': to protobuf that is the start of a group, which the
 * messages do not have. So a party that seals and one that does not refuse each other at once. */
static const uint8_t magic[VERSION_AT] = {'S', 'Y', 'C', 'H'};

_Static_assert((int)CHANNEL_RECORD_BYTES_MAX <= (int)FRAME_BYTES_MAX, "a record fits in a frame");
_Static_assert((int)CHANNEL_REPLY_BYTES_MAX <= (int)CHANNEL_HELLO_BYTES_MAX,
               "the hello is the longer handshake message");
_Static_assert((uint64_t)CHANNEL_REKEY_BYTES + CHANNEL_PLAIN_BYTES_MAX <= UINT32_MAX,
               "the bytes under one key can be counted");

/* --- its end --- */

static void wipe(struct channel *c, const char *why)
{
    sodium_memzero(c, sizeof *c);
    c->why = why;
    assert(c->state == CHANNEL_ENDED);
}

static exam_err fail(struct channel *c, exam_err err, const char *why)
{
    assert(err != EXAM_OK && why != NULL);
    wipe(c, why);
    return err;
}

static exam_err not_now(const struct channel *c)
{
    return c->state == CHANNEL_ENDED ? EXAM_CONN : EXAM_STATE;
}

void channel_fini(struct channel *c)
{
    wipe(c, NULL);
}

/* --- terms --- */

static unsigned version_of(enum channel_conversation conversation)
{
    switch (conversation) {
    case CHANNEL_SEAT:
        return SEAT_VERSION;
    case CHANNEL_ADMIN:
        return ADMIN_VERSION;
    case CHANNEL_REPLICA:
        return REPLICA_VERSION;
    }
    assert(!"a conversation of the enum");
    return 0;
}

static void version_put(uint64_t version, uint8_t out[8])
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(version >> (56 - 8 * i));
}

static uint64_t version_get(const uint8_t in[8])
{
    uint64_t version = 0;

    for (unsigned i = 0; i < 8; i++)
        version = version << 8 | in[i];
    return version;
}

static void terms_put(const struct channel_terms *t, uint8_t out[CHANNEL_TERMS_BYTES])
{
    unsigned version = version_of(t->conversation);

    memcpy(out, magic, sizeof magic);
    out[VERSION_AT] = CHANNEL_VERSION;
    out[CONVERSATION_AT] = (uint8_t)t->conversation;
    out[CONVERSATION_AT + 1] = (uint8_t)(version >> 8);
    out[CONVERSATION_AT + 2] = (uint8_t)version;
    memcpy(out + SITE_AT, t->site_id, SITE_ID_BYTES);
    version_put(t->roster_version, out + ROSTER_AT);
}

/* An initiator's version of the roster, taken over when it will do. */
static exam_err roster_check(struct channel *c, const uint8_t theirs[8])
{
    const struct channel_terms *t = &c->config.terms;
    uint64_t least = t->roster_accepts == 0 ? t->roster_version : t->roster_accepts;

    if (version_get(theirs) < least)
        return fail(c, EXAM_VERSION,
                    "the peer has an older roster of keys than is let in: give it the current one");
    if (version_get(theirs) > t->roster_version)
        return fail(c, EXAM_VERSION, "the peer has a newer roster of keys than this end");
    memcpy(c->terms + ROSTER_AT, theirs, 8);
    return EXAM_OK;
}

/* A peer's terms against one's own: the first part that differs says what is wrong. */
static exam_err terms_check(struct channel *c, const uint8_t theirs[CHANNEL_TERMS_BYTES])
{
    static const struct {
        unsigned at, bytes;
        exam_err err;
        const char *why;
    } parts[] = {
        {0, VERSION_AT, EXAM_MALFORMED, "the peer's first frame is no channel's hello"},
        {VERSION_AT, 1, EXAM_VERSION, "the peer's channel has another version"},
        {CONVERSATION_AT, 1, EXAM_REFUSED, "the peer wants another conversation than is held here"},
        {CONVERSATION_AT + 1, 2, EXAM_VERSION, "the peer's conversation has another version"},
        {SITE_AT, SITE_ID_BYTES, EXAM_OTHER_SITE, "the peer is of another site"},
    };

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (memcmp(c->terms + parts[i].at, theirs + parts[i].at, parts[i].bytes) != 0)
            return fail(c, parts[i].err, parts[i].why);
    }
    return roster_check(c, theirs + ROSTER_AT);
}

/* --- handshake --- */

exam_err channel_init(struct channel *c, const struct channel_config *config)
{
    assert(config->own != NULL);
    assert(config->initiator ? config->peer != NULL : config->admit != NULL);

    wipe(c, NULL);
    c->config = *config;
    terms_put(&config->terms, c->terms);
    if (config->initiator) {
        if (memcmp(config->peer, config->own->public, CHANNEL_KEY_BYTES) == 0)
            return fail(c, EXAM_INVALID, "the key to be dialled is this party's own");
        memcpy(c->peer, config->peer, sizeof c->peer);
        c->config.peer = NULL; /* its life is over */
        noise_begin(&c->handshake, c->terms, sizeof c->terms, c->peer);
        memcpy(c->handshake.peer_static, c->peer, sizeof c->peer);
        c->state = CHANNEL_WRITES;
    } else {
        c->state = CHANNEL_READS; /* the terms are whole when the hello's have been seen */
    }
    return EXAM_OK;
}

/* The handshake is over, and its secrets are gone but for the keys of the two directions. */
static void established(struct channel *c)
{
    if (c->config.initiator)
        noise_split(&c->handshake, &c->send.cipher, &c->receive.cipher);
    else
        noise_split(&c->handshake, &c->receive.cipher, &c->send.cipher);
    memcpy(c->binding, c->handshake.hash, sizeof c->binding);
    c->config.own = NULL;
    c->state = c->config.initiator ? CHANNEL_OPEN : CHANNEL_UNCONFIRMED;
}

static const char *why_handshake(exam_err err)
{
    return err == EXAM_INVALID ? "the peer's public key is of low order"
                               : "the handshake was not sealed by and for the owners of these keys";
}

exam_err channel_handshake_write(struct channel *c, const uint8_t chance[CHANNEL_CHANCE_BYTES],
                                 const uint8_t *payload, size_t payload_bytes,
                                 struct channel_out *out)
{
    size_t terms_bytes = c->config.initiator ? CHANNEL_TERMS_BYTES : 0;
    size_t bytes =
        terms_bytes + payload_bytes + (c->config.initiator ? NOISE_HELLO_BYTES : NOISE_REPLY_BYTES);
    uint8_t *message;
    exam_err err;

    assert(payload_bytes <= CHANNEL_PAYLOAD_BYTES_MAX && out->bytes <= out->bytes_max);
    assert(!sodium_is_zero(chance, CHANNEL_CHANCE_BYTES)); /* somebody forgot to fill it */
    if (c->state != CHANNEL_WRITES)
        return not_now(c);
    if (out->bytes_max - out->bytes < FRAME_HEADER_BYTES + bytes)
        return EXAM_FULL;

    message = out->at + out->bytes + FRAME_HEADER_BYTES;
    memcpy(message, c->terms, terms_bytes);
    memcpy(c->handshake.own_ephemeral, chance, CHANNEL_CHANCE_BYTES);
    err = c->config.initiator ? noise_hello_write(&c->handshake, c->config.own, payload,
                                                  payload_bytes, message + terms_bytes)
                              : noise_reply_write(&c->handshake, payload, payload_bytes, message);
    if (err != EXAM_OK)
        return fail(c, err, why_handshake(err));
    frame_header_put(out->at + out->bytes, bytes);
    out->bytes += FRAME_HEADER_BYTES + bytes;
    if (c->config.initiator)
        c->state = CHANNEL_READS;
    else
        established(c);
    return EXAM_OK;
}

static exam_err hello_read(struct channel *c, const uint8_t *message, size_t message_bytes)
{
    const uint8_t *noise = message + CHANNEL_TERMS_BYTES;
    size_t noise_bytes = message_bytes - CHANNEL_TERMS_BYTES;
    exam_err err = terms_check(c, message);

    if (err != EXAM_OK)
        return err;
    noise_begin(&c->handshake, c->terms, sizeof c->terms, c->config.own->public);
    err = noise_hello_read_static(&c->handshake, c->config.own, noise);
    if (err != EXAM_OK)
        return fail(c, err, why_handshake(err));
    memcpy(c->peer, c->handshake.peer_static, sizeof c->peer);
    if (memcmp(c->peer, c->config.own->public, sizeof c->peer) == 0)
        return fail(c, EXAM_AUTH, "the peer comes with this party's own key");
    err = c->config.admit(c->config.admit_ctx, c->peer);
    if (err != EXAM_OK)
        return fail(c, err, "the peer's key is not admitted");
    err = noise_hello_read_payload(&c->handshake, c->config.own, noise, noise_bytes, c->payload);
    if (err != EXAM_OK)
        return fail(c, err, why_handshake(err));
    c->payload_bytes = noise_bytes - NOISE_HELLO_BYTES;
    c->state = CHANNEL_WRITES;
    return EXAM_OK;
}

static exam_err reply_read(struct channel *c, const uint8_t *message, size_t message_bytes)
{
    exam_err err =
        noise_reply_read(&c->handshake, c->config.own, message, message_bytes, c->payload);

    if (err != EXAM_OK)
        return fail(c, err, why_handshake(err));
    c->payload_bytes = message_bytes - NOISE_REPLY_BYTES;
    established(c);
    return EXAM_OK;
}

exam_err channel_handshake_read(struct channel *c, const uint8_t *message, size_t message_bytes)
{
    size_t least =
        c->config.initiator ? NOISE_REPLY_BYTES : (size_t)CHANNEL_TERMS_BYTES + NOISE_HELLO_BYTES;

    if (c->state != CHANNEL_READS)
        return not_now(c);
    if (message_bytes > least + CHANNEL_PAYLOAD_BYTES_MAX)
        return fail(c, EXAM_TOO_BIG, "the peer's handshake message is too long");
    if (message_bytes < least)
        return fail(c, EXAM_MALFORMED, "the peer's handshake message is too short");
    return c->config.initiator ? reply_read(c, message, message_bytes)
                               : hello_read(c, message, message_bytes);
}

/* --- records --- */

/* After the record that fills a key's measure both sides go on with the next key. */
static void count(struct channel_direction *d, size_t plain_bytes)
{
    d->records++;
    d->plain_bytes += (uint32_t)plain_bytes;
    if (d->records < CHANNEL_REKEY_RECORDS && d->plain_bytes < CHANNEL_REKEY_BYTES)
        return;
    noise_rekey(&d->cipher);
    d->records = d->plain_bytes = 0;
}

static size_t records_of(size_t n)
{
    return n == 0 ? 1 : (n - 1) / CHANNEL_PLAIN_BYTES_MAX + 1;
}

size_t channel_sealed_bytes(size_t n)
{
    assert(n <= SIZE_MAX / 2);
    return n + records_of(n) * CHANNEL_RECORD_FRAME_BYTES;
}

static exam_err counter_ended(struct channel *c)
{
    return fail(c, EXAM_CONN, "the counter of records is at its end");
}

exam_err channel_seal(struct channel *c, const uint8_t *plain, size_t n, struct channel_out *out)
{
    assert(out->bytes <= out->bytes_max);
    if (c->state != CHANNEL_OPEN)
        return not_now(c);
    if (out->bytes_max - out->bytes < channel_sealed_bytes(n))
        return EXAM_FULL;
    if (NOISE_COUNTER_END - c->send.cipher.counter < records_of(n))
        return counter_ended(c);

    for (size_t left = records_of(n); left > 0; left--) {
        size_t piece = n < CHANNEL_PLAIN_BYTES_MAX ? n : CHANNEL_PLAIN_BYTES_MAX;
        uint8_t *frame = out->at + out->bytes;

        frame_header_put(frame, piece + NOISE_TAG_BYTES);
        noise_seal(&c->send.cipher, plain, piece, frame + FRAME_HEADER_BYTES);
        count(&c->send, piece);
        out->bytes += piece + CHANNEL_RECORD_FRAME_BYTES;
        n -= piece;
        if (n > 0)
            plain += piece;
    }
    assert(n == 0);
    return EXAM_OK;
}

exam_err channel_open(struct channel *c, const uint8_t *record, size_t record_bytes, uint8_t *plain,
                      size_t *plain_bytes)
{
    if (c->state != CHANNEL_OPEN && c->state != CHANNEL_UNCONFIRMED)
        return not_now(c);
    if (record_bytes > CHANNEL_RECORD_BYTES_MAX)
        return fail(c, EXAM_TOO_BIG, "the peer's record is too long");
    if (record_bytes < NOISE_TAG_BYTES)
        return fail(c, EXAM_MALFORMED, "the peer's record is too short");
    if (c->receive.cipher.counter == NOISE_COUNTER_END)
        return counter_ended(c);
    if (noise_open(&c->receive.cipher, record, record_bytes, plain) != EXAM_OK)
        return fail(c, EXAM_AUTH, "a record was changed, missing, repeated or out of order");
    count(&c->receive, record_bytes - NOISE_TAG_BYTES);
    c->state = CHANNEL_OPEN;
    *plain_bytes = record_bytes - NOISE_TAG_BYTES;
    return EXAM_OK;
}

/* --- what is known --- */

enum channel_state channel_state(const struct channel *c)
{
    return c->state;
}

const char *channel_why(const struct channel *c)
{
    return c->why == NULL ? "" : c->why;
}

size_t channel_frame_bytes_max(const struct channel *c)
{
    switch (c->state) {
    case CHANNEL_READS:
        return c->config.initiator ? CHANNEL_REPLY_BYTES_MAX : CHANNEL_HELLO_BYTES_MAX;
    case CHANNEL_UNCONFIRMED:
    case CHANNEL_OPEN:
        return CHANNEL_RECORD_BYTES_MAX;
    case CHANNEL_ENDED:
    case CHANNEL_WRITES:
        break;
    }
    return 0;
}

exam_err channel_peer(const struct channel *c, const uint8_t **key)
{
    if (c->state != CHANNEL_OPEN)
        return not_now(c);
    *key = c->peer;
    return EXAM_OK;
}

exam_err channel_peer_payload(const struct channel *c, const uint8_t **payload,
                              size_t *payload_bytes)
{
    if (c->state != CHANNEL_OPEN)
        return not_now(c);
    *payload = c->payload;
    *payload_bytes = c->payload_bytes;
    return EXAM_OK;
}

exam_err channel_binding(const struct channel *c, uint8_t out[CHANNEL_BINDING_BYTES])
{
    if (c->state != CHANNEL_OPEN)
        return not_now(c);
    memcpy(out, c->binding, CHANNEL_BINDING_BYTES);
    return EXAM_OK;
}
