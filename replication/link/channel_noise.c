#include "channel_noise.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static const char protocol_name[] = "Noise_IK_25519_ChaChaPoly_SHA256";

/* Noise starts from the name itself when it fills a hash exactly, as this one does. */
_Static_assert(sizeof protocol_name - 1 == NOISE_HASH_BYTES, "the name is as long as a hash");
_Static_assert(crypto_scalarmult_BYTES == NOISE_KEY_BYTES, "X25519");
_Static_assert(crypto_hash_sha256_BYTES == NOISE_HASH_BYTES, "SHA-256");
_Static_assert(crypto_auth_hmacsha256_KEYBYTES == NOISE_HASH_BYTES, "HMAC keyed by a hash");
_Static_assert(crypto_aead_chacha20poly1305_ietf_ABYTES == NOISE_TAG_BYTES, "ChaChaPoly");

enum { NONCE_BYTES = crypto_aead_chacha20poly1305_ietf_NPUBBYTES };

void noise_key_pair_of(const uint8_t secret[NOISE_KEY_BYTES], struct noise_key_pair *out)
{
    memmove(out->secret, secret, NOISE_KEY_BYTES);
    int failed = crypto_scalarmult_base(out->public, out->secret);
    assert(!failed); /* the base point is not of low order */
}

/* --- CipherState --- */

static void nonce_put(uint8_t out[NONCE_BYTES], uint64_t counter)
{
    memset(out, 0, 4);
    for (unsigned i = 0; i < 8; i++)
        out[4 + i] = (uint8_t)(counter >> 8 * i);
}

static void encrypt(struct noise_cipher *c, const uint8_t *ad, size_t ad_bytes, const uint8_t *in,
                    size_t n, uint8_t *out)
{
    uint8_t nonce[NONCE_BYTES];

    assert(c->counter != NOISE_COUNTER_END);
    nonce_put(nonce, c->counter++);
    (void)crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, in, n, ad, ad_bytes, NULL, nonce,
                                                    c->key);
}

static exam_err decrypt(struct noise_cipher *c, const uint8_t *ad, size_t ad_bytes,
                        const uint8_t *in, size_t n, uint8_t *out)
{
    uint8_t nonce[NONCE_BYTES];

    assert(c->counter != NOISE_COUNTER_END && n >= NOISE_TAG_BYTES);
    nonce_put(nonce, c->counter);
    if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, in, n, ad, ad_bytes, nonce,
                                                  c->key) != 0)
        return EXAM_AUTH;
    c->counter++;
    return EXAM_OK;
}

void noise_seal(struct noise_cipher *c, const uint8_t *in, size_t n, uint8_t *out)
{
    encrypt(c, NULL, 0, in, n, out);
}

exam_err noise_open(struct noise_cipher *c, const uint8_t *in, size_t n, uint8_t *out)
{
    return decrypt(c, NULL, 0, in, n, out);
}

void noise_rekey(struct noise_cipher *c)
{
    static const uint8_t zeros[NOISE_KEY_BYTES];
    uint8_t sealed[NOISE_KEY_BYTES + NOISE_TAG_BYTES], nonce[NONCE_BYTES];

    nonce_put(nonce, NOISE_COUNTER_END);
    (void)crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, zeros, sizeof zeros, NULL, 0,
                                                    NULL, nonce, c->key);
    memcpy(c->key, sealed, NOISE_KEY_BYTES);
    sodium_memzero(sealed, sizeof sealed);
}

/* --- SymmetricState --- */

/* Noise's HKDF with two outputs. `out1` may be `key`. */
static void hkdf(const uint8_t key[NOISE_HASH_BYTES], const uint8_t *material, size_t n,
                 uint8_t out1[NOISE_HASH_BYTES], uint8_t out2[NOISE_HASH_BYTES])
{
    static const uint8_t one = 1;
    uint8_t temp[NOISE_HASH_BYTES], chained[NOISE_HASH_BYTES + 1];

    crypto_auth_hmacsha256(temp, material, n, key);
    crypto_auth_hmacsha256(chained, &one, 1, temp);
    chained[NOISE_HASH_BYTES] = 2;
    crypto_auth_hmacsha256(out2, chained, sizeof chained, temp);
    memcpy(out1, chained, NOISE_HASH_BYTES);
    sodium_memzero(temp, sizeof temp);
    sodium_memzero(chained, sizeof chained);
}

static void mix_hash(struct noise_handshake *hs, const uint8_t *bytes, size_t n)
{
    crypto_hash_sha256_state s;

    crypto_hash_sha256_init(&s);
    crypto_hash_sha256_update(&s, hs->hash, sizeof hs->hash);
    crypto_hash_sha256_update(&s, bytes, n);
    crypto_hash_sha256_final(&s, hs->hash);
}

/* MixKey(DH(secret, public)). */
static exam_err mix_dh(struct noise_handshake *hs, const uint8_t secret[NOISE_KEY_BYTES],
                       const uint8_t public[NOISE_KEY_BYTES])
{
    uint8_t shared[NOISE_KEY_BYTES];

    /* Fails for the points of low order: their result is the same whatever the secret. */
    if (crypto_scalarmult(shared, secret, public) != 0)
        return EXAM_INVALID;
    hkdf(hs->chaining_key, shared, sizeof shared, hs->chaining_key, hs->cipher.key);
    hs->cipher.counter = 0;
    sodium_memzero(shared, sizeof shared);
    return EXAM_OK;
}

static void encrypt_and_hash(struct noise_handshake *hs, const uint8_t *in, size_t n, uint8_t *out)
{
    encrypt(&hs->cipher, hs->hash, sizeof hs->hash, in, n, out);
    mix_hash(hs, out, n + NOISE_TAG_BYTES);
}

static exam_err decrypt_and_hash(struct noise_handshake *hs, const uint8_t *in, size_t n,
                                 uint8_t *out)
{
    exam_err err = decrypt(&hs->cipher, hs->hash, sizeof hs->hash, in, n, out);

    if (err == EXAM_OK)
        mix_hash(hs, in, n);
    return err;
}

/* --- HandshakeState --- */

void noise_begin(struct noise_handshake *hs, const uint8_t *prologue, size_t prologue_bytes,
                 const uint8_t responder[NOISE_KEY_BYTES])
{
    *hs = (struct noise_handshake){.cipher = {.counter = 0}};
    memcpy(hs->hash, protocol_name, sizeof hs->hash);
    memcpy(hs->chaining_key, hs->hash, sizeof hs->chaining_key);
    mix_hash(hs, prologue, prologue_bytes);
    mix_hash(hs, responder, NOISE_KEY_BYTES);
}

/* Token e, on the side that sends it. */
static void ephemeral_write(struct noise_handshake *hs, uint8_t out[NOISE_KEY_BYTES])
{
    int failed = crypto_scalarmult_base(out, hs->own_ephemeral);

    assert(!failed);
    mix_hash(hs, out, NOISE_KEY_BYTES);
}

static void ephemeral_read(struct noise_handshake *hs, const uint8_t in[NOISE_KEY_BYTES])
{
    memcpy(hs->peer_ephemeral, in, NOISE_KEY_BYTES);
    mix_hash(hs, in, NOISE_KEY_BYTES);
}

exam_err noise_hello_write(struct noise_handshake *hs, const struct noise_key_pair *own,
                           const uint8_t *payload, size_t payload_bytes, uint8_t *out)
{
    exam_err err;

    ephemeral_write(hs, out);
    out += NOISE_KEY_BYTES;
    err = mix_dh(hs, hs->own_ephemeral, hs->peer_static); /* es */
    if (err != EXAM_OK)
        return err;
    encrypt_and_hash(hs, own->public, NOISE_KEY_BYTES, out); /* s */
    out += NOISE_KEY_BYTES + NOISE_TAG_BYTES;
    err = mix_dh(hs, own->secret, hs->peer_static); /* ss */
    if (err == EXAM_OK)
        encrypt_and_hash(hs, payload, payload_bytes, out);
    return err;
}

exam_err noise_hello_read_static(struct noise_handshake *hs, const struct noise_key_pair *own,
                                 const uint8_t *message)
{
    exam_err err;

    ephemeral_read(hs, message);
    err = mix_dh(hs, own->secret, hs->peer_ephemeral); /* es */
    if (err == EXAM_OK)
        err = decrypt_and_hash(hs, message + NOISE_KEY_BYTES, NOISE_KEY_BYTES + NOISE_TAG_BYTES,
                               hs->peer_static); /* s */
    return err;
}

exam_err noise_hello_read_payload(struct noise_handshake *hs, const struct noise_key_pair *own,
                                  const uint8_t *message, size_t message_bytes, uint8_t *payload)
{
    enum { AT = NOISE_HELLO_BYTES - NOISE_TAG_BYTES };
    exam_err err = mix_dh(hs, own->secret, hs->peer_static); /* ss */

    assert(message_bytes >= NOISE_HELLO_BYTES);
    if (err == EXAM_OK)
        err = decrypt_and_hash(hs, message + AT, message_bytes - AT, payload);
    return err;
}

exam_err noise_reply_write(struct noise_handshake *hs, const uint8_t *payload, size_t payload_bytes,
                           uint8_t *out)
{
    exam_err err;

    ephemeral_write(hs, out);
    err = mix_dh(hs, hs->own_ephemeral, hs->peer_ephemeral); /* ee */
    if (err == EXAM_OK)
        err = mix_dh(hs, hs->own_ephemeral, hs->peer_static); /* se */
    if (err == EXAM_OK)
        encrypt_and_hash(hs, payload, payload_bytes, out + NOISE_KEY_BYTES);
    return err;
}

exam_err noise_reply_read(struct noise_handshake *hs, const struct noise_key_pair *own,
                          const uint8_t *message, size_t message_bytes, uint8_t *payload)
{
    exam_err err;

    assert(message_bytes >= NOISE_REPLY_BYTES);
    ephemeral_read(hs, message);
    err = mix_dh(hs, hs->own_ephemeral, hs->peer_ephemeral); /* ee */
    if (err == EXAM_OK)
        err = mix_dh(hs, own->secret, hs->peer_ephemeral); /* se */
    if (err == EXAM_OK)
        err = decrypt_and_hash(hs, message + NOISE_KEY_BYTES, message_bytes - NOISE_KEY_BYTES,
                               payload);
    return err;
}

void noise_split(struct noise_handshake *hs, struct noise_cipher *of_initiator,
                 struct noise_cipher *of_responder)
{
    uint8_t hash[NOISE_HASH_BYTES];

    hkdf(hs->chaining_key, NULL, 0, of_initiator->key, of_responder->key);
    of_initiator->counter = of_responder->counter = 0;
    memcpy(hash, hs->hash, sizeof hash);
    sodium_memzero(hs, sizeof *hs);
    memcpy(hs->hash, hash, sizeof hash);
}
