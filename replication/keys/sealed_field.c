#include "sealed_field.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

enum {
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    PADDED_BYTES_MAX = ANSWER_BYTES_MAX + SEALED_BLOCK_BYTES,
    SEALED_BYTES_MIN = SEALED_HEAD_BYTES + SEALED_BLOCK_BYTES + SEALED_TAG_BYTES,
    SEALED_BYTES_MAX = SEALED_HEAD_BYTES + PADDED_BYTES_MAX + SEALED_TAG_BYTES,
    PLACE_BYTES_MAX = 1 + SITE_ID_BYTES + 3 * (1 + NAME_BYTES_MAX),
    NAME_SEALED_BYTES_MAX =
        SEALED_HEAD_BYTES + PERSON_BYTES_MAX + SEALED_BLOCK_BYTES + SEALED_TAG_BYTES,
    ID_HASH_BYTES = 21,
    STREAM_BLOCK_BYTES = 64,
    BASE64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING,
};

static const char NAME_PREFIX[] = "sealed:";
static const char ID_PREFIX[] = "id:";
static const char KEY_CONTEXT[crypto_kdf_CONTEXTBYTES + 1] = "sealed-1";
static const char KEY_ID_PURPOSE[] = "shunyan data key 1";

enum {
    NAME_PREFIX_BYTES = sizeof NAME_PREFIX - 1,
    ID_PREFIX_BYTES = sizeof ID_PREFIX - 1,
};

_Static_assert((int)SEALED_BYTES_MAX == (int)ANSWER_STORED_BYTES_MAX, "an answer's limit");
_Static_assert((int)NAME_PREFIX_BYTES +
                       (int)sodium_base64_ENCODED_LEN(NAME_SEALED_BYTES_MAX, BASE64) - 1 <=
                   (int)PERSON_STORED_BYTES_MAX,
               "a name's limit");
_Static_assert((int)ID_PREFIX_BYTES + (int)sodium_base64_ENCODED_LEN(ID_HASH_BYTES, BASE64) - 1 <=
                   (int)NAME_BYTES_MAX,
               "an ID number's limit");
_Static_assert((int)DATA_KEY_BYTES == (int)crypto_kdf_KEYBYTES, "keys are derived from it");

/* ---------------------------------------------------------------- keys and places */

void sealed_keys_of(const uint8_t data_key[DATA_KEY_BYTES], struct sealed_keys *out)
{
    uint8_t *const keys[] = {out->nonce, out->field, out->paper, out->id};

    for (uint64_t i = 0; i < sizeof keys / sizeof *keys; i++)
        crypto_kdf_derive_from_key(keys[i], sizeof out->nonce, i + 1, KEY_CONTEXT, data_key);
}

void sealed_key_id(const uint8_t data_key[DATA_KEY_BYTES], const uint8_t site_id[SITE_ID_BYTES],
                   uint8_t out[DATA_ID_BYTES])
{
    crypto_generichash_state hash;

    crypto_generichash_init(&hash, data_key, DATA_KEY_BYTES, DATA_ID_BYTES);
    crypto_generichash_update(&hash, (const uint8_t *)KEY_ID_PURPOSE, sizeof KEY_ID_PURPOSE);
    crypto_generichash_update(&hash, site_id, SITE_ID_BYTES);
    crypto_generichash_final(&hash, out, DATA_ID_BYTES);
    sodium_memzero(&hash, sizeof hash);
}

static size_t text_put(uint8_t *out, const char *text)
{
    size_t n = strlen(text);

    assert(n <= NAME_BYTES_MAX);
    out[0] = (uint8_t)n;
    memcpy(out + 1, text, n);
    return 1 + n;
}

/* No two places have the same bytes, nor does one begin with another. */
static size_t place_put(const struct sealed_place *at, uint8_t out[PLACE_BYTES_MAX])
{
    size_t n = 0;

    out[n++] = (uint8_t)at->kind;
    memcpy(out + n, at->site_id, SITE_ID_BYTES);
    n += SITE_ID_BYTES;
    n += text_put(out + n, at->batch);
    n += text_put(out + n, at->candidate);
    return n + text_put(out + n, at->item);
}

static void keyed_hash(const uint8_t key[32], const uint8_t *place, size_t place_bytes,
                       const uint8_t *content, size_t n, uint8_t *out, size_t out_bytes)
{
    crypto_generichash_state hash;

    crypto_generichash_init(&hash, key, 32, out_bytes);
    crypto_generichash_update(&hash, place, place_bytes);
    crypto_generichash_update(&hash, content, n);
    crypto_generichash_final(&hash, out, out_bytes);
    sodium_memzero(&hash, sizeof hash);
}

/* ---------------------------------------------------------------- values */

size_t sealed_seal(const struct sealed_keys *k, const struct sealed_place *at, const uint8_t *plain,
                   size_t n, uint8_t *out)
{
    uint8_t place[PLACE_BYTES_MAX], padded[PADDED_BYTES_MAX];
    uint8_t *nonce = out + 2;
    size_t place_bytes = place_put(at, place), padded_bytes;
    unsigned long long sealed_bytes;

    assert(n <= ANSWER_BYTES_MAX);
    if (n > 0)
        memcpy(padded, plain, n);
    int rc = sodium_pad(&padded_bytes, padded, n, SEALED_BLOCK_BYTES, sizeof padded);
    assert(rc == 0);
    out[0] = SEALED_MARK;
    out[1] = SEALED_VERSION;
    keyed_hash(k->nonce, place, place_bytes, padded, padded_bytes, nonce, NONCE_BYTES);
    rc = crypto_aead_xchacha20poly1305_ietf_encrypt(out + SEALED_HEAD_BYTES, &sealed_bytes, padded,
                                                    padded_bytes, place, place_bytes, NULL, nonce,
                                                    k->field);
    assert(rc == 0);
    sodium_memzero(padded, padded_bytes);
    return SEALED_HEAD_BYTES + (size_t)sealed_bytes;
}

bool sealed_value_is(const uint8_t *value, size_t n)
{
    return n > 0 && value[0] == SEALED_MARK;
}

exam_err sealed_open(const struct sealed_keys *k, const struct sealed_place *at,
                     const uint8_t *sealed, size_t n, uint8_t *out, size_t *out_bytes)
{
    uint8_t place[PLACE_BYTES_MAX], padded[PADDED_BYTES_MAX];
    unsigned long long padded_bytes;
    size_t bytes;
    exam_err err = EXAM_AUTH;

    if (n < SEALED_BYTES_MIN || n > SEALED_BYTES_MAX || sealed[0] != SEALED_MARK ||
        sealed[1] != SEALED_VERSION ||
        (n - SEALED_HEAD_BYTES - SEALED_TAG_BYTES) % SEALED_BLOCK_BYTES != 0)
        return EXAM_MALFORMED;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            padded, &padded_bytes, NULL, sealed + SEALED_HEAD_BYTES, n - SEALED_HEAD_BYTES, place,
            place_put(at, place), sealed + 2, k->field) != 0)
        return EXAM_AUTH;
    if (sodium_unpad(&bytes, padded, padded_bytes, SEALED_BLOCK_BYTES) == 0 &&
        bytes <= ANSWER_BYTES_MAX) {
        memcpy(out, padded, bytes);
        *out_bytes = bytes;
        err = EXAM_OK;
    }
    sodium_memzero(padded, sizeof padded);
    return err;
}

/* ---------------------------------------------------------------- names, ID numbers */

void sealed_name_seal(const struct sealed_keys *k, const struct sealed_place *at, const char *name,
                      char out[PERSON_STORED_BYTES_MAX + 1])
{
    uint8_t sealed[NAME_SEALED_BYTES_MAX];
    size_t n = strlen(name);

    assert(n <= PERSON_BYTES_MAX);
    n = sealed_seal(k, at, (const uint8_t *)name, n, sealed);
    memcpy(out, NAME_PREFIX, NAME_PREFIX_BYTES);
    sodium_bin2base64(out + NAME_PREFIX_BYTES, PERSON_STORED_BYTES_MAX + 1 - NAME_PREFIX_BYTES,
                      sealed, n, BASE64);
}

bool sealed_name_is(const char *text)
{
    return strncmp(text, NAME_PREFIX, NAME_PREFIX_BYTES) == 0;
}

/* libsodium takes more than one text for the same bytes: only the one that it would write is good.
 */
static bool base64_take(const char *text, uint8_t bytes[NAME_SEALED_BYTES_MAX], size_t *n)
{
    char again[PERSON_STORED_BYTES_MAX + 1];
    const char *end;

    if (sodium_base642bin(bytes, NAME_SEALED_BYTES_MAX, text, strlen(text), NULL, n, &end,
                          BASE64) != 0 ||
        *end != '\0')
        return false;
    return strcmp(sodium_bin2base64(again, sizeof again, bytes, *n, BASE64), text) == 0;
}

exam_err sealed_name_open(const struct sealed_keys *k, const struct sealed_place *at,
                          const char *sealed, char out[PERSON_BYTES_MAX + 1])
{
    uint8_t bytes[NAME_SEALED_BYTES_MAX], name[ANSWER_BYTES_MAX];
    size_t bytes_n, name_n;

    if (!sealed_name_is(sealed) || !base64_take(sealed + NAME_PREFIX_BYTES, bytes, &bytes_n))
        return EXAM_MALFORMED;
    exam_err err = sealed_open(k, at, bytes, bytes_n, name, &name_n);
    if (err == EXAM_OK && (name_n > PERSON_BYTES_MAX || memchr(name, 0, name_n) != NULL))
        err = EXAM_AUTH;
    if (err != EXAM_OK)
        return err;
    memcpy(out, name, name_n);
    out[name_n] = '\0';
    sodium_memzero(name, name_n);
    return EXAM_OK;
}

void sealed_id_hash(const struct sealed_keys *k, const struct sealed_place *at, const char *id_no,
                    char out[NAME_BYTES_MAX + 1])
{
    uint8_t place[PLACE_BYTES_MAX], hash[ID_HASH_BYTES];
    size_t place_bytes = place_put(at, place);

    keyed_hash(k->id, place, place_bytes, (const uint8_t *)id_no, strlen(id_no), hash, sizeof hash);
    memcpy(out, ID_PREFIX, ID_PREFIX_BYTES);
    sodium_bin2base64(out + ID_PREFIX_BYTES, NAME_BYTES_MAX + 1 - ID_PREFIX_BYTES, hash,
                      sizeof hash, BASE64);
}

bool sealed_id_is(const char *text)
{
    return strncmp(text, ID_PREFIX, ID_PREFIX_BYTES) == 0;
}

/* ---------------------------------------------------------------- papers */

/* The digest is of the text itself: two texts never share a key stream. */
void sealed_paper_turn(const struct sealed_keys *k, const struct sealed_place *at,
                       const uint8_t digest[HASH_BYTES], uint32_t offset, uint8_t *data, size_t n)
{
    uint8_t place[PLACE_BYTES_MAX], nonce[crypto_stream_xchacha20_NONCEBYTES];
    uint8_t block[STREAM_BLOCK_BYTES] = {0};
    size_t place_bytes = place_put(at, place), skip = offset % STREAM_BLOCK_BYTES;
    uint64_t block_no = offset / STREAM_BLOCK_BYTES;

    keyed_hash(k->nonce, place, place_bytes, digest, HASH_BYTES, nonce, sizeof nonce);
    if (skip > 0) {
        size_t head = n < STREAM_BLOCK_BYTES - skip ? n : STREAM_BLOCK_BYTES - skip;
        memcpy(block + skip, data, head);
        crypto_stream_xchacha20_xor_ic(block, block, sizeof block, nonce, block_no, k->paper);
        memcpy(data, block + skip, head);
        sodium_memzero(block, sizeof block);
        data += head;
        n -= head;
        block_no++;
    }
    if (n > 0)
        crypto_stream_xchacha20_xor_ic(data, data, n, nonce, block_no, k->paper);
}
