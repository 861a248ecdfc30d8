#include "key_file.h"

#include <assert.h>
#include <jansson.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "codec.h"

static const char format_name[] = "shunyan-key-1";

static const char *const kind_names[] = {
    [KEY_AUTHORITY] = "authority",
    [KEY_NODE] = "node",
    [KEY_SEAT] = "seat",
    [KEY_PERSON] = "person",
};

const char *key_kind_name(enum key_kind kind)
{
    return kind >= KEY_AUTHORITY && kind <= KEY_PERSON ? kind_names[kind] : "unknown";
}

exam_err key_kind_of(const char *name, enum key_kind *out)
{
    for (int i = KEY_AUTHORITY; i <= KEY_PERSON; i++)
        if (strcmp(name, kind_names[i]) == 0) {
            *out = (enum key_kind)i;
            return EXAM_OK;
        }
    return EXAM_INVALID;
}

void key_file_wipe(struct key_file *k)
{
    sodium_memzero(k, sizeof *k);
}

/* The pair that belongs to a secret: what kind of key it is follows from whose it is. */
static void pair_make(enum key_kind kind, const uint8_t secret[KEY_BYTES],
                      struct noise_key_pair *out)
{
    uint8_t sign_secret[crypto_sign_SECRETKEYBYTES];

    if (kind != KEY_AUTHORITY) {
        noise_key_pair_of(secret, out);
        return;
    }
    crypto_sign_seed_keypair(out->public, sign_secret, secret);
    memcpy(out->secret, secret, KEY_BYTES);
    sodium_memzero(sign_secret, sizeof sign_secret);
}

void key_file_make(struct key_file *out, const char *name, enum key_kind kind,
                   const uint8_t site_id[SITE_ID_BYTES], const uint8_t authority[KEY_BYTES],
                   const uint8_t chance[KEY_BYTES])
{
    assert(codec_name_ok(name));
    *out = (struct key_file){.kind = kind};
    snprintf(out->name, sizeof out->name, "%s", name);
    memcpy(out->site_id, site_id, SITE_ID_BYTES);
    pair_make(kind, chance, &out->pair);
    memcpy(out->authority, kind == KEY_AUTHORITY ? out->pair.public : authority, KEY_BYTES);
}

/* jansson gives its memory back as it is. */
static void secret_forget(const char *text)
{
    sodium_memzero((char *)(uintptr_t)text, strlen(text));
}

/* ---------------------------------------------------------------- reading */

static bool hex_take(const char *hex, uint8_t *out, size_t n)
{
    size_t got;
    const char *end;

    return sodium_hex2bin(out, n, hex, strlen(hex), NULL, &got, &end) == 0 && got == n &&
           *end == '\0';
}

struct key_texts {
    const char *format, *name, *kind, *site, *authority, *public, *secret;
};

static exam_err texts_take(const struct key_texts *t, struct key_file *k, const char **what)
{
    uint8_t secret[KEY_BYTES], public[KEY_BYTES];
    bool good;

    *what = "it is of another format: use the tools of this version of the software";
    if (strcmp(t->format, format_name) != 0)
        return EXAM_VERSION;
    *what = "its name, kind, site, authority or key is no such value: have it issued again";
    good = codec_name_ok(t->name) && key_kind_of(t->kind, &k->kind) == EXAM_OK &&
           hex_take(t->site, k->site_id, SITE_ID_BYTES) &&
           hex_take(t->authority, k->authority, KEY_BYTES) &&
           hex_take(t->public, public, KEY_BYTES) && hex_take(t->secret, secret, KEY_BYTES);
    if (good) {
        snprintf(k->name, sizeof k->name, "%s", t->name);
        pair_make(k->kind, secret, &k->pair);
        *what = "its public key does not belong to its secret key: have it issued again";
        good = memcmp(k->pair.public, public, KEY_BYTES) == 0;
    }
    if (good && k->kind == KEY_AUTHORITY) {
        *what = "it is an authority's, and names another one";
        good = memcmp(k->authority, public, KEY_BYTES) == 0;
    }
    sodium_memzero(secret, sizeof secret);
    return good ? EXAM_OK : EXAM_INVALID;
}

exam_err key_file_parse(const char *text, size_t n, struct key_file *out, char *why,
                        size_t why_bytes)
{
    struct key_file k = {.name = ""};
    struct key_texts t;
    const char *what = "it is no key file: name the file that was made for this machine or person";
    exam_err err = EXAM_MALFORMED;
    json_t *root;

    if (n > KEY_FILE_BYTES_MAX) {
        snprintf(why, why_bytes, "%s", what);
        return EXAM_TOO_BIG;
    }
    root = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    if (root != NULL &&
        json_unpack(root, "{s:s, s:s, s:s, s:s, s:s, s:s, s:s !}", "format", &t.format, "name",
                    &t.name, "kind", &t.kind, "site", &t.site, "authority", &t.authority, "public",
                    &t.public, "secret", &t.secret) == 0) {
        err = texts_take(&t, &k, &what);
        secret_forget(t.secret);
    }
    json_decref(root);
    if (err == EXAM_OK)
        *out = k;
    else
        snprintf(why, why_bytes, "%s", what);
    key_file_wipe(&k);
    return err;
}

/* ---------------------------------------------------------------- writing */

exam_err key_file_format(const struct key_file *k, char out[KEY_FILE_BYTES_MAX], size_t *n)
{
    char site[2 * SITE_ID_BYTES + 1], authority[2 * KEY_BYTES + 1];
    char public[2 * KEY_BYTES + 1], secret[2 * KEY_BYTES + 1];
    json_t *root;
    size_t bytes;

    sodium_bin2hex(site, sizeof site, k->site_id, SITE_ID_BYTES);
    sodium_bin2hex(authority, sizeof authority, k->authority, KEY_BYTES);
    sodium_bin2hex(public, sizeof public, k->pair.public, KEY_BYTES);
    sodium_bin2hex(secret, sizeof secret, k->pair.secret, KEY_BYTES);
    root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "format", format_name, "name", k->name,
                     "kind", key_kind_name(k->kind), "site", site, "authority", authority, "public",
                     public, "secret", secret);
    sodium_memzero(secret, sizeof secret);
    if (root == NULL)
        return EXAM_NOMEM;
    bytes = json_dumpb(root, out, KEY_FILE_BYTES_MAX - 1, JSON_INDENT(2));
    secret_forget(json_string_value(json_object_get(root, "secret")));
    json_decref(root);
    assert(bytes > 0 && bytes < KEY_FILE_BYTES_MAX);
    out[bytes] = '\n';
    *n = bytes + 1;
    return EXAM_OK;
}
