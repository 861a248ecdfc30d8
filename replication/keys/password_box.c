#include "password_box.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_BYTES = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    OPS_MAX = 16,
    ALL_BYTES = PASSWORD_SALT_BYTES + PASSWORD_NONCE_BYTES + PASSWORD_SEALED_BYTES,
};
static const uint64_t MEMORY_BYTES_MAX = (uint64_t)1 << 30;
static const char ALGORITHM[] = "argon2id ";

_Static_assert((int)PASSWORD_NONCE_BYTES == (int)crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
               "its nonce");
_Static_assert((int)PASSWORD_SALT_BYTES == (int)crypto_pwhash_SALTBYTES, "its salt");

const struct password_cost password_cost_people = {
    .ops = crypto_pwhash_OPSLIMIT_MODERATE,
    .memory_bytes = crypto_pwhash_MEMLIMIT_MODERATE,
};
const struct password_cost password_cost_least = {
    .ops = crypto_pwhash_OPSLIMIT_MIN,
    .memory_bytes = crypto_pwhash_MEMLIMIT_MIN,
};

static exam_err key_of(const struct password_box *box, const char *password, uint8_t key[KEY_BYTES])
{
    int rc = crypto_pwhash(key, KEY_BYTES, password, strlen(password), box->salt, box->cost.ops,
                           (size_t)box->cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13);
    return rc == 0 ? EXAM_OK : EXAM_NOMEM;
}

exam_err password_box_seal(struct password_box *out, const struct password_cost *cost,
                           const char *password, const void *bound, size_t bound_bytes,
                           const uint8_t secret[PASSWORD_SECRET_BYTES],
                           const uint8_t chance[PASSWORD_CHANCE_BYTES])
{
    struct password_box box = {.cost = *cost};
    uint8_t key[KEY_BYTES];

    memcpy(box.salt, chance, PASSWORD_SALT_BYTES);
    memcpy(box.nonce, chance + PASSWORD_SALT_BYTES, PASSWORD_NONCE_BYTES);
    exam_err err = key_of(&box, password, key);
    if (err == EXAM_OK) {
        crypto_aead_xchacha20poly1305_ietf_encrypt(box.sealed, NULL, secret, PASSWORD_SECRET_BYTES,
                                                   bound, bound_bytes, NULL, box.nonce, key);
        *out = box;
    }
    sodium_memzero(key, sizeof key);
    return err;
}

exam_err password_box_open(const struct password_box *box, const char *password, const void *bound,
                           size_t bound_bytes, uint8_t secret[PASSWORD_SECRET_BYTES])
{
    uint8_t key[KEY_BYTES], opened[PASSWORD_SECRET_BYTES];
    exam_err err = key_of(box, password, key);

    if (err == EXAM_OK && crypto_aead_xchacha20poly1305_ietf_decrypt(
                              opened, NULL, NULL, box->sealed, PASSWORD_SEALED_BYTES, bound,
                              bound_bytes, box->nonce, key) != 0)
        err = EXAM_AUTH;
    if (err == EXAM_OK)
        memcpy(secret, opened, PASSWORD_SECRET_BYTES);
    sodium_memzero(opened, sizeof opened);
    sodium_memzero(key, sizeof key);
    return err;
}

/* ---------------------------------------------------------------- as text */

void password_box_format(const struct password_box *box, char out[PASSWORD_BOX_TEXT_BYTES])
{
    uint8_t all[ALL_BYTES];
    char hex[2 * ALL_BYTES + 1];

    memcpy(all, box->salt, PASSWORD_SALT_BYTES);
    memcpy(all + PASSWORD_SALT_BYTES, box->nonce, PASSWORD_NONCE_BYTES);
    memcpy(all + PASSWORD_CHANCE_BYTES, box->sealed, PASSWORD_SEALED_BYTES);
    sodium_bin2hex(hex, sizeof hex, all, sizeof all);
    snprintf(out, PASSWORD_BOX_TEXT_BYTES, "%s%" PRIu64 " %" PRIu64 " %s", ALGORITHM, box->cost.ops,
             box->cost.memory_bytes, hex);
}

/* A number and the space behind it. */
static bool take_number(const char **at, uint64_t *out)
{
    char *end;

    if (!isdigit((unsigned char)**at))
        return false;
    errno = 0;
    *out = strtoull(*at, &end, 10);
    if (errno != 0 || *end != ' ')
        return false;
    *at = end + 1;
    return true;
}

exam_err password_box_parse(const char *text, struct password_box *out)
{
    const char *at = text + sizeof ALGORITHM - 1, *end;
    struct password_box box;
    uint8_t all[ALL_BYTES];
    size_t n;

    if (strncmp(text, ALGORITHM, sizeof ALGORITHM - 1) != 0 || !take_number(&at, &box.cost.ops) ||
        !take_number(&at, &box.cost.memory_bytes) ||
        sodium_hex2bin(all, sizeof all, at, strlen(at), NULL, &n, &end) != 0 || *end != '\0' ||
        n != sizeof all || box.cost.ops < crypto_pwhash_OPSLIMIT_MIN ||
        box.cost.memory_bytes < crypto_pwhash_MEMLIMIT_MIN)
        return EXAM_MALFORMED;
    if (box.cost.ops > OPS_MAX || box.cost.memory_bytes > MEMORY_BYTES_MAX)
        return EXAM_TOO_BIG;
    memcpy(box.salt, all, PASSWORD_SALT_BYTES);
    memcpy(box.nonce, all + PASSWORD_SALT_BYTES, PASSWORD_NONCE_BYTES);
    memcpy(box.sealed, all + PASSWORD_CHANCE_BYTES, PASSWORD_SEALED_BYTES);
    *out = box;
    return EXAM_OK;
}
