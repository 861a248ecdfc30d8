/* channel_noise: the suite gives the published bytes, message by message.
 *
 * The vector of Noise_IK_25519_ChaChaPoly_SHA256 is the one that the cacophony and snow projects
 * publish. The channel's own tests (test_channel.c) begin where this one ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "channel_noise.h"

enum { MESSAGES = 6, BYTES_MAX = 256 };

struct vector {
    const char *prologue;
    const char *initiator_static, *initiator_ephemeral;
    const char *responder_static, *responder_public, *responder_ephemeral;
    const char *hash;
    struct {
        const char *payload, *sealed;
    } messages[MESSAGES]; /* hello, reply, then records: the initiator's and the responder's by
                             turns */
};

static const struct vector published = {
    .prologue = "4a6f686e2047616c74",
    .initiator_static = "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
    .initiator_ephemeral = "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
    .responder_static = "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
    .responder_ephemeral = "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
    .hash = "0b0f68fb0c27e03ce9b97565995ed4838cc0581b762ef72b062f6a546419fad7",
    .responder_public = "31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62",
    .messages =
        {
            {"4c756477696720766f6e204d69736573",
             "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
             "718da798efbcd91528520204f904b9bd6c7413dccdc214d951e15253e39987f1"
             "8146e8cd0873654207148333479d4d16c289f0294b29960a72f48e0b7bba2e89"
             "083169825e59642148d492020664ccf7"},
            {"4d757272617920526f746862617264",
             "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
             "5361e70b2ed446e6c9ec387d1d6b3b840f194e373979d241b203c4acafccf5"},
            {"462e20412e20486179656b", "050e9f3c8fac16b68dbce8f8c4bfbf6617c897f9ada4aa29aa19c8"},
            {"4361726c204d656e676572", "344233a6cabb7141d80f3da2fedc311d9646bbb0f505afe403a667"},
            {"4a65616e2d426170746973746520536179",
             "62cdeeb172ad7ade7aa7d9e069da5790f12331bfa00177787a1d0810c67dc3b2"
             "b4"},
            {"457567656e2042f6686d20766f6e2042617765726b",
             "029bead1b40992327044d409d9a1f3ad8f36c3c452775d557e18bbeb2e8dfcea"
             "d32d514024"},
        },
};

struct bytes {
    uint8_t at[BYTES_MAX];
    size_t n;
};

static struct bytes bytes_of(const char *hex)
{
    struct bytes b = {.n = 0};

    assert_int_equal(sodium_hex2bin(b.at, sizeof b.at, hex, strlen(hex), NULL, &b.n, NULL), 0);
    return b;
}

static struct noise_key_pair key_of(const char *hex)
{
    struct bytes secret = bytes_of(hex);
    struct noise_key_pair key;

    assert_int_equal(secret.n, NOISE_KEY_BYTES);
    noise_key_pair_of(secret.at, &key);
    return key;
}

static void begin(struct noise_handshake *hs, const char *ephemeral)
{
    struct bytes prologue = bytes_of(published.prologue);
    struct bytes responder = bytes_of(published.responder_public);
    struct bytes secret = bytes_of(ephemeral);

    noise_begin(hs, prologue.at, prologue.n, responder.at);
    memcpy(hs->own_ephemeral, secret.at, NOISE_KEY_BYTES);
}

static void require_same(const uint8_t *got, size_t n, const struct bytes *expected)
{
    assert_int_equal(n, expected->n);
    assert_memory_equal(got, expected->at, n);
}

/* Hello and reply of the vector, both written and both read. */
static void shake_hands(struct noise_handshake *initiator, struct noise_handshake *responder)
{
    struct noise_key_pair initiator_key = key_of(published.initiator_static);
    struct noise_key_pair responder_key = key_of(published.responder_static);
    struct bytes hello = bytes_of(published.messages[0].payload);
    struct bytes hello_sealed = bytes_of(published.messages[0].sealed);
    struct bytes reply = bytes_of(published.messages[1].payload);
    struct bytes reply_sealed = bytes_of(published.messages[1].sealed);
    uint8_t out[BYTES_MAX];

    begin(initiator, published.initiator_ephemeral);
    begin(responder, published.responder_ephemeral);
    memcpy(initiator->peer_static, responder_key.public, NOISE_KEY_BYTES);

    assert_int_equal(noise_hello_write(initiator, &initiator_key, hello.at, hello.n, out), EXAM_OK);
    require_same(out, NOISE_HELLO_BYTES + hello.n, &hello_sealed);
    assert_int_equal(noise_hello_read_static(responder, &responder_key, hello_sealed.at), EXAM_OK);
    assert_memory_equal(responder->peer_static, initiator_key.public, NOISE_KEY_BYTES);
    assert_int_equal(
        noise_hello_read_payload(responder, &responder_key, hello_sealed.at, hello_sealed.n, out),
        EXAM_OK);
    require_same(out, hello_sealed.n - NOISE_HELLO_BYTES, &hello);

    assert_int_equal(noise_reply_write(responder, reply.at, reply.n, out), EXAM_OK);
    require_same(out, NOISE_REPLY_BYTES + reply.n, &reply_sealed);
    assert_int_equal(
        noise_reply_read(initiator, &initiator_key, reply_sealed.at, reply_sealed.n, out), EXAM_OK);
    require_same(out, reply_sealed.n - NOISE_REPLY_BYTES, &reply);
}

/* Every byte of the published session, at the side that writes it and at the side that reads it. */
static void test_channel_noise__gives_the_published_bytes(void **state)
{
    struct noise_handshake initiator, responder;
    struct noise_cipher write[2], read[2];
    struct bytes hash = bytes_of(published.hash);

    (void)state;
    shake_hands(&initiator, &responder);
    noise_split(&initiator, &write[0], &read[1]);
    noise_split(&responder, &read[0], &write[1]);
    require_same(initiator.hash, sizeof initiator.hash, &hash);
    require_same(responder.hash, sizeof responder.hash, &hash);

    for (size_t i = 2; i < MESSAGES; i++) {
        struct bytes plain = bytes_of(published.messages[i].payload);
        struct bytes sealed = bytes_of(published.messages[i].sealed);
        uint8_t out[BYTES_MAX];

        noise_seal(&write[i % 2], plain.at, plain.n, out);
        require_same(out, plain.n + NOISE_TAG_BYTES, &sealed);
        assert_int_equal(noise_open(&read[i % 2], sealed.at, sealed.n, out), EXAM_OK);
        require_same(out, sealed.n - NOISE_TAG_BYTES, &plain);
    }
}

/* The vector's public key of the responder is the one of its secret: X25519 is as published, too.
 */
static void test_channel_noise__derives_the_published_key(void **state)
{
    struct noise_key_pair key = key_of(published.responder_static);
    struct bytes expected = bytes_of(published.responder_public);

    (void)state;
    require_same(key.public, sizeof key.public, &expected);
}

/* After the split nothing of the handshake is left but its hash, which is no secret. */
static void test_channel_noise__split_wipes_the_handshake(void **state)
{
    struct noise_handshake initiator, responder;
    struct noise_cipher a, b;

    (void)state;
    shake_hands(&initiator, &responder);
    noise_split(&initiator, &a, &b);
    sodium_memzero(initiator.hash, sizeof initiator.hash);
    assert_true(sodium_is_zero((const uint8_t *)&initiator, sizeof initiator));
}

static int group_setup(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_channel_noise__gives_the_published_bytes),
        cmocka_unit_test(test_channel_noise__derives_the_published_key),
        cmocka_unit_test(test_channel_noise__split_wipes_the_handshake),
    };

    return cmocka_run_group_tests(tests, group_setup, NULL);
}
