#include "cpace.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static const char dsi[] = "CPaceRistretto255";
static const char dsi_isk[] = "CPaceRistretto255_ISK";

enum {
    HASH_BLOCK_BYTES = 128, /* of SHA-512: the secret is padded to one */
    SHORT_BYTES_MAX = 127,  /* what has a length of one byte in front */
};

_Static_assert(crypto_core_ristretto255_BYTES == CPACE_SHARE_BYTES, "ristretto255");
_Static_assert(crypto_core_ristretto255_NONREDUCEDSCALARBYTES == CPACE_CHANCE_BYTES, "scalars");
_Static_assert(crypto_hash_sha512_BYTES == CPACE_KEY_BYTES, "SHA-512");
_Static_assert((int)CPACE_SECRET_BYTES_MAX <= (int)SHORT_BYTES_MAX, "a length in one byte");

/* A value with its length in front. */
static void put(crypto_hash_sha512_state *st, const void *value, size_t n)
{
    uint8_t length = (uint8_t)n;

    assert(n <= SHORT_BYTES_MAX);
    crypto_hash_sha512_update(st, &length, 1);
    if (n > 0)
        crypto_hash_sha512_update(st, value, n);
}

static void generator_make(const struct cpace_terms *t, uint8_t out[CPACE_SHARE_BYTES])
{
    static const uint8_t zeros[HASH_BLOCK_BYTES];
    crypto_hash_sha512_state st;
    uint8_t hash[crypto_hash_sha512_BYTES];

    assert(t->secret_bytes <= CPACE_SECRET_BYTES_MAX);
    crypto_hash_sha512_init(&st);
    put(&st, dsi, sizeof dsi - 1);
    put(&st, t->secret, t->secret_bytes);
    put(&st, zeros, HASH_BLOCK_BYTES - 1 - (1 + t->secret_bytes) - sizeof dsi);
    put(&st, t->channel, t->channel_bytes);
    put(&st, t->session, sizeof t->session);
    crypto_hash_sha512_final(&st, hash);
    crypto_core_ristretto255_from_hash(out, hash);
    sodium_memzero(&st, sizeof st);
    sodium_memzero(hash, sizeof hash);
}

void cpace_begin(struct cpace *c, const struct cpace_terms *terms,
                 const uint8_t chance[CPACE_CHANCE_BYTES], uint8_t share[CPACE_SHARE_BYTES])
{
    uint8_t generator[CPACE_SHARE_BYTES];

    assert(!sodium_is_zero(chance, CPACE_CHANCE_BYTES)); /* somebody forgot to fill it */
    memcpy(c->session, terms->session, sizeof c->session);
    crypto_core_ristretto255_scalar_reduce(c->scalar, chance);
    generator_make(terms, generator);
    int failed = crypto_scalarmult_ristretto255(share, c->scalar, generator);
    assert(!failed); /* neither is zero but by a chance of 2^-252 */
    sodium_memzero(generator, sizeof generator);
}

exam_err cpace_key(const struct cpace *c, const struct cpace_said *first,
                   const struct cpace_said *answer, const struct cpace_said *peer,
                   uint8_t key[CPACE_KEY_BYTES])
{
    crypto_hash_sha512_state st;
    uint8_t shared[CPACE_SHARE_BYTES];

    assert(peer == first || peer == answer);
    if (crypto_scalarmult_ristretto255(shared, c->scalar, peer->share) != 0)
        return EXAM_INVALID;
    crypto_hash_sha512_init(&st);
    put(&st, dsi_isk, sizeof dsi_isk - 1);
    put(&st, c->session, sizeof c->session);
    put(&st, shared, sizeof shared);
    put(&st, first->share, CPACE_SHARE_BYTES);
    put(&st, first->more, first->more_bytes);
    put(&st, answer->share, CPACE_SHARE_BYTES);
    put(&st, answer->more, answer->more_bytes);
    crypto_hash_sha512_final(&st, key);
    sodium_memzero(&st, sizeof st);
    sodium_memzero(shared, sizeof shared);
    return EXAM_OK;
}
