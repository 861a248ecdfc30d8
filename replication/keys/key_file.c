#include "key_file.h"

#include <assert.h>
#include <jansson.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "key_text.h"

static const char format_name[] = "shunyan-key-2";

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

static void derive(const uint8_t seed[KEY_BYTES], enum key_purpose purpose, uint8_t out[KEY_BYTES])
{
    static const char context[crypto_kdf_CONTEXTBYTES + 1] = "shunyank";

    static_assert(KEY_BYTES == crypto_kdf_KEYBYTES, "a seed is a key to derive from");
    crypto_kdf_derive_from_key(out, KEY_BYTES, (uint64_t)purpose, context, seed);
}

void key_file_derive(const struct key_file *k, enum key_purpose purpose, uint8_t out[KEY_BYTES])
{
    derive(k->seed, purpose, out);
}

/* Everything that follows from a seed and a kind. */
static void pairs_make(struct key_file *k)
{
    uint8_t secret[KEY_BYTES];

    static_assert(KEY_BYTES == crypto_sign_SEEDBYTES && KEY_BYTES == crypto_sign_PUBLICKEYBYTES &&
                      KEY_SIGN_SECRET_BYTES == crypto_sign_SECRETKEYBYTES,
                  "Ed25519");
    derive(k->seed, KEY_FOR_SIGNING, secret);
    crypto_sign_seed_keypair(k->sign_public, k->sign_secret, secret);
    memset(&k->pair, 0, sizeof k->pair);
    if (k->kind != KEY_AUTHORITY) {
        derive(k->seed, KEY_FOR_CHANNEL, secret);
        noise_key_pair_of(secret, &k->pair);
    }
    sodium_memzero(secret, sizeof secret);
}

void key_file_make(struct key_file *out, const char *name, enum key_kind kind,
                   const uint8_t site_id[SITE_ID_BYTES], const uint8_t authority[KEY_BYTES],
                   const uint8_t chance[KEY_BYTES])
{
    assert(codec_name_ok(name));
    *out = (struct key_file){.kind = kind};
    snprintf(out->name, sizeof out->name, "%s", name);
    memcpy(out->site_id, site_id, SITE_ID_BYTES);
    memcpy(out->seed, chance, KEY_BYTES);
    pairs_make(out);
    memcpy(out->authority, kind == KEY_AUTHORITY ? out->sign_public : authority, KEY_BYTES);
}

/* ---------------------------------------------------------------- signing */

/* The context ends with its NUL, the site has one length: no two triples make the same bytes. */
static void signed_begin(crypto_sign_state *st, const uint8_t site_id[SITE_ID_BYTES],
                         const char *context, const void *message, size_t n)
{
    crypto_sign_init(st);
    crypto_sign_update(st, (const uint8_t *)context, strlen(context) + 1);
    crypto_sign_update(st, site_id, SITE_ID_BYTES);
    crypto_sign_update(st, message, n);
}

void key_file_sign(const struct key_file *k, const char *context, const void *message, size_t n,
                   uint8_t out[KEY_SIGNATURE_BYTES])
{
    crypto_sign_state st;

    static_assert(KEY_SIGNATURE_BYTES == crypto_sign_BYTES, "Ed25519");
    signed_begin(&st, k->site_id, context, message, n);
    crypto_sign_final_create(&st, out, NULL, k->sign_secret);
}

exam_err key_verify(const uint8_t sign_public[KEY_BYTES], const uint8_t site_id[SITE_ID_BYTES],
                    const char *context, const void *message, size_t n,
                    const uint8_t signature[KEY_SIGNATURE_BYTES])
{
    crypto_sign_state st;

    signed_begin(&st, site_id, context, message, n);
    return crypto_sign_final_verify(&st, signature, sign_public) == 0 ? EXAM_OK : EXAM_AUTH;
}

/* ---------------------------------------------------------------- reading */

static bool hex_take(const char *hex, uint8_t *out, size_t n)
{
    return key_text_hex(hex, strlen(hex), out, n);
}

/* secret or boxed: one of the two. public: an authority's file has none. */
struct key_texts {
    const char *format, *name, *kind, *site, *authority, *public, *sign, *secret, *boxed;
};

enum { BOUND_BYTES = KEY_FILE_BYTES_MAX };

/* Everything beside the box. The parts have no line ends in them, or they are refused later. */
static size_t bound_make(const struct key_texts *t, char out[BOUND_BYTES])
{
    int n = snprintf(out, BOUND_BYTES, "%s\n%s\n%s\n%s\n%s\n%s\n%s", t->format, t->name, t->kind,
                     t->site, t->authority, t->public != NULL ? t->public : "", t->sign);

    return n < BOUND_BYTES ? (size_t)n : BOUND_BYTES - 1;
}

static bool publics_take(const struct key_texts *t, enum key_kind kind, struct key_file *k)
{
    bool channel = kind != KEY_AUTHORITY;

    return (t->public != NULL) == channel &&
           (!channel || hex_take(t->public, k->pair.public, KEY_BYTES)) &&
           hex_take(t->sign, k->sign_public, KEY_BYTES);
}

/* What is wrong with a file, for a person. */
static const char what_password[] = "it is under a password, and this is not it";

static exam_err seed_unbox(const struct key_texts *t, const struct key_password *password,
                           struct key_file *k, const char **what)
{
    char bound[BOUND_BYTES], text[KEY_PASSWORD_BYTES] = "";
    struct password_box box;
    exam_err err = password_box_parse(t->boxed, &box);

    if (err != EXAM_OK)
        return EXAM_INVALID;
    *what = "it is under a password, which nobody can be asked for here";
    if (password == NULL)
        return EXAM_AUTH;
    *what = "its password was not given";
    err = password->ask(password->ctx, k->kind, t->name, text);
    if (err == EXAM_OK) {
        err = password_box_open(&box, text, bound, bound_make(t, bound), k->seed);
        *what = err == EXAM_AUTH ? what_password : "there is not enough memory to try its password";
    }
    sodium_memzero(text, sizeof text);
    return err;
}

static exam_err seed_take(const struct key_texts *t, const struct key_password *password,
                          struct key_file *k, const char **what)
{
    if ((t->secret != NULL) == (t->boxed != NULL))
        return EXAM_INVALID;
    if (t->boxed != NULL)
        return seed_unbox(t, password, k, what);
    return hex_take(t->secret, k->seed, KEY_BYTES) ? EXAM_OK : EXAM_INVALID;
}

static bool pairs_are(const struct key_file *k, const struct key_file *said, const char **what)
{
    *what = "its public keys do not belong to its secret: have it issued again";
    if (memcmp(k->pair.public, said->pair.public, KEY_BYTES) != 0 ||
        memcmp(k->sign_public, said->sign_public, KEY_BYTES) != 0)
        return false;
    *what = "it is an authority's, and names another one";
    return k->kind != KEY_AUTHORITY || memcmp(k->authority, k->sign_public, KEY_BYTES) == 0;
}

static exam_err texts_take(const struct key_texts *t, const struct key_password *password,
                           struct key_file *k, const char **what)
{
    struct key_file said = {.name = ""};
    exam_err err;

    *what = "it is of another format: have it issued again by the tools of this version";
    if (strcmp(t->format, format_name) != 0)
        return EXAM_VERSION;
    *what = "its name, kind, site, authority or key is no such value: have it issued again";
    if (!codec_name_ok(t->name) || key_kind_of(t->kind, &k->kind) != EXAM_OK ||
        !hex_take(t->site, k->site_id, SITE_ID_BYTES) ||
        !hex_take(t->authority, k->authority, KEY_BYTES) || !publics_take(t, k->kind, &said))
        return EXAM_INVALID;
    snprintf(k->name, sizeof k->name, "%s", t->name);
    err = seed_take(t, password, k, what);
    if (err != EXAM_OK)
        return err;
    pairs_make(k);
    return pairs_are(k, &said, what) ? EXAM_OK : EXAM_INVALID;
}

exam_err key_file_parse(const char *text, size_t n, const struct key_password *password,
                        struct key_file *out, char *why, size_t why_bytes)
{
    struct key_file k = {.name = ""};
    struct key_texts t = {.public = NULL};
    const char *what = "it is no key file: name the file that was made for this machine or person";
    exam_err err = EXAM_MALFORMED;
    json_t *root;

    if (n > KEY_FILE_BYTES_MAX) {
        snprintf(why, why_bytes, "%s", what);
        return EXAM_TOO_BIG;
    }
    root = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    if (root != NULL && json_unpack(root, "{s:s, s:s, s:s, s:s, s:s, s?s, s:s, s?s, s?s !}",
                                    "format", &t.format, "name", &t.name, "kind", &t.kind, "site",
                                    &t.site, "authority", &t.authority, "public", &t.public, "sign",
                                    &t.sign, "secret", &t.secret, "boxed", &t.boxed) == 0)
        err = texts_take(&t, password, &k, &what);
    key_text_forget(t.secret);
    json_decref(root);
    if (err == EXAM_OK)
        *out = k;
    else
        snprintf(why, why_bytes, "%s", what);
    key_file_wipe(&k);
    return err;
}

/* ---------------------------------------------------------------- writing */

/* The public part of a file as it is written, and where its texts stand. */
struct key_written {
    char site[2 * SITE_ID_BYTES + 1], authority[2 * KEY_BYTES + 1];
    char public[2 * KEY_BYTES + 1], sign[2 * KEY_BYTES + 1];
    struct key_texts texts;
};

static void written_make(const struct key_file *k, struct key_written *w)
{
    sodium_bin2hex(w->site, sizeof w->site, k->site_id, SITE_ID_BYTES);
    sodium_bin2hex(w->authority, sizeof w->authority, k->authority, KEY_BYTES);
    sodium_bin2hex(w->public, sizeof w->public, k->pair.public, KEY_BYTES);
    sodium_bin2hex(w->sign, sizeof w->sign, k->sign_public, KEY_BYTES);
    w->texts = (struct key_texts){.format = format_name,
                                  .name = k->name,
                                  .kind = key_kind_name(k->kind),
                                  .site = w->site,
                                  .authority = w->authority,
                                  .public = k->kind == KEY_AUTHORITY ? NULL : w->public,
                                  .sign = w->sign};
}

/* `member` is "secret" or "boxed". */
static exam_err texts_write(const struct key_texts *t, const char *member, const char *value,
                            char out[KEY_FILE_BYTES_MAX], size_t *n)
{
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*, s:s, s:s}", "format", t->format,
                             "name", t->name, "kind", t->kind, "site", t->site, "authority",
                             t->authority, "public", t->public, "sign", t->sign, member, value);
    size_t bytes;

    if (root == NULL)
        return EXAM_NOMEM;
    bytes = json_dumpb(root, out, KEY_FILE_BYTES_MAX - 1, JSON_INDENT(2));
    key_text_forget(json_string_value(json_object_get(root, member)));
    json_decref(root);
    assert(bytes > 0 && bytes < KEY_FILE_BYTES_MAX);
    out[bytes] = '\n';
    *n = bytes + 1;
    return EXAM_OK;
}

exam_err key_file_format(const struct key_file *k, char out[KEY_FILE_BYTES_MAX], size_t *n)
{
    char secret[2 * KEY_BYTES + 1];
    struct key_written w;
    exam_err err;

    written_make(k, &w);
    sodium_bin2hex(secret, sizeof secret, k->seed, KEY_BYTES);
    err = texts_write(&w.texts, "secret", secret, out, n);
    sodium_memzero(secret, sizeof secret);
    return err;
}

exam_err key_file_format_boxed(const struct key_file *k, const char *password,
                               const struct password_cost *cost,
                               const uint8_t chance[PASSWORD_CHANCE_BYTES],
                               char out[KEY_FILE_BYTES_MAX], size_t *n)
{
    char bound[BOUND_BYTES], text[PASSWORD_BOX_TEXT_BYTES];
    struct key_written w;
    struct password_box box;
    exam_err err;

    static_assert((int)PASSWORD_SECRET_BYTES == (int)KEY_BYTES, "a seed");
    written_make(k, &w);
    err = password_box_seal(&box, cost, password, bound, bound_make(&w.texts, bound), k->seed,
                            chance);
    if (err != EXAM_OK)
        return err;
    password_box_format(&box, text);
    return texts_write(&w.texts, "boxed", text, out, n);
}
