#include "channel_pair.h"

#include <stdlib.h>
#include <string.h>

#include "seed.h"

static void require(bool ok)
{
    if (!ok)
        abort(); /* not CMocka's: the fuzzer has this file, too */
}

void pair_chance(struct pair *p, uint8_t out[CHANNEL_CHANCE_BYTES])
{
    for (size_t i = 0; i < CHANNEL_CHANCE_BYTES; i++)
        out[i] = (uint8_t)seed_next(&p->seed);
}

void pair_key(struct pair *p, struct noise_key_pair *out)
{
    uint8_t secret[CHANNEL_KEY_BYTES];

    pair_chance(p, secret);
    noise_key_pair_of(secret, out);
}

static exam_err admit(void *ctx, const uint8_t peer[CHANNEL_KEY_BYTES])
{
    struct pair *p = ctx;

    p->admit_calls++;
    memcpy(p->admit_key, peer, CHANNEL_KEY_BYTES);
    return p->admit;
}

void pair_begin_initiator(struct pair *p)
{
    struct channel_config config = {.initiator = true,
                                    .terms = p->terms,
                                    .own = &p->initiator_key,
                                    .peer = p->responder_key.public};

    require(channel_init(&p->initiator, &config) == EXAM_OK);
}

void pair_begin_responder(struct pair *p)
{
    struct channel_config config = {
        .terms = p->terms, .own = &p->responder_key, .admit = admit, .admit_ctx = p};

    require(channel_init(&p->responder, &config) == EXAM_OK);
}

void pair_init(struct pair *p, uint64_t seed)
{
    *p = (struct pair){.seed = seed, .admit = EXAM_OK};
    pair_key(p, &p->initiator_key);
    pair_key(p, &p->responder_key);
    p->terms = (struct channel_terms){.conversation = CHANNEL_REPLICA, .roster_version = 7};
    memset(p->terms.site_id, 0x51, SITE_ID_BYTES);
    pair_begin_initiator(p);
    pair_begin_responder(p);
}

void pair_fini(struct pair *p)
{
    channel_fini(&p->initiator);
    channel_fini(&p->responder);
}

void pair_handshake(struct pair *p, struct channel *from, const char *payload, struct wire *w)
{
    struct channel_out out = {.at = w->bytes, .bytes_max = CHANNEL_HANDSHAKE_FRAME_BYTES_MAX};
    uint8_t chance[CHANNEL_CHANCE_BYTES];

    pair_chance(p, chance);
    require(channel_handshake_write(from, chance, (const uint8_t *)payload, strlen(payload),
                                    &out) == EXAM_OK);
    w->n = out.bytes;
}

exam_err pair_take(struct channel *to, const struct wire *w)
{
    require(w->n >= FRAME_HEADER_BYTES);
    return channel_handshake_read(to, w->bytes + FRAME_HEADER_BYTES, w->n - FRAME_HEADER_BYTES);
}

void pair_shake_hands(struct pair *p)
{
    static struct wire w;

    pair_handshake(p, &p->initiator, "", &w);
    require(pair_take(&p->responder, &w) == EXAM_OK);
    pair_handshake(p, &p->responder, "", &w);
    require(pair_take(&p->initiator, &w) == EXAM_OK);
}

void pair_open(struct pair *p)
{
    static struct wire w;
    static uint8_t plain[WIRE_BYTES_MAX];
    size_t n = 1;

    pair_shake_hands(p);
    pair_seal(&p->initiator, NULL, 0, &w);
    require(pair_open_all(&p->responder, &w, plain, &n) == EXAM_OK);
    require(n == 0);
}

void pair_seal(struct channel *from, const void *plain, size_t n, struct wire *w)
{
    struct channel_out out = {.at = w->bytes, .bytes_max = channel_sealed_bytes(n)};

    require(out.bytes_max <= sizeof w->bytes);
    require(channel_seal(from, plain, n, &out) == EXAM_OK);
    require(out.bytes == out.bytes_max);
    w->n = out.bytes;
}

exam_err pair_open_all(struct channel *to, const struct wire *w, uint8_t *plain, size_t *n)
{
    static uint8_t buf[FRAME_HEADER_BYTES + CHANNEL_RECORD_BYTES_MAX];
    struct frame_reader r;
    const uint8_t *record;
    size_t record_bytes, got, fed = 0, all = 0;
    exam_err err;

    frame_reader_init(&r, buf, sizeof buf, CHANNEL_RECORD_BYTES_MAX);
    for (;;) {
        err = frame_reader_next(&r, &record, &record_bytes);
        if (err == EXAM_AGAIN) {
            uint8_t *at;
            size_t room;

            if (fed == w->n)
                break;
            frame_reader_space(&r, &at, &room);
            room = room < w->n - fed ? room : w->n - fed;
            memcpy(at, w->bytes + fed, room);
            frame_reader_filled(&r, room);
            fed += room;
            continue;
        }
        if (err == EXAM_OK)
            err = channel_open(to, record, record_bytes, plain + all, &got);
        if (err != EXAM_OK)
            return err;
        all += got;
    }
    *n = all;
    return EXAM_OK;
}
