#include "package_seal.h"

#include <string.h>

#include "package_sign.h"

_Static_assert((int)crypto_secretstream_xchacha20poly1305_KEYBYTES == (int)PASSWORD_SECRET_BYTES,
               "what a box holds is the key of a stream");

/* Everything before the signature goes into the digest. */
static exam_err put(struct package_seal *s, const void *bytes, size_t n)
{
    if (s->err == EXAM_OK && fwrite(bytes, 1, n, s->to) != n)
        s->err = EXAM_IO;
    crypto_generichash_update(&s->hash, bytes, n);
    return s->err;
}

static exam_err box_make(const struct package_order *order, struct package_header *h,
                         uint8_t key[PASSWORD_SECRET_BYTES])
{
    uint8_t chance[PASSWORD_CHANCE_BYTES];
    char bound[PACKAGE_BOUND_BYTES];

    randombytes_buf(chance, sizeof chance);
    crypto_secretstream_xchacha20poly1305_keygen(key);
    return password_box_seal(&h->box, order->cost, order->password, bound,
                             package_header_bound(h, bound), key, chance);
}

static exam_err header_write(struct package_seal *s, const struct package_order *order,
                             uint8_t key[PASSWORD_SECRET_BYTES])
{
    struct package_header h = {.made_wall_ms = order->made_wall_ms};
    char line[PACKAGE_LINE_BYTES_MAX];
    size_t n;
    exam_err err;

    memcpy(h.site_id, order->office->site_id, SITE_ID_BYTES);
    memcpy(h.sign_public, order->office->sign_public, KEY_BYTES);
    snprintf(h.batch, sizeof h.batch, "%s", order->batch);
    snprintf(h.who, sizeof h.who, "%s", order->office->name);
    err = box_make(order, &h, key);
    if (err == EXAM_OK)
        err = package_header_format(&h, line, &n);
    return err == EXAM_OK ? put(s, line, n) : err;
}

exam_err package_seal_begin(struct package_seal *s, FILE *to, const struct package_order *order)
{
    uint8_t key[PASSWORD_SECRET_BYTES];
    uint8_t header[crypto_secretstream_xchacha20poly1305_HEADERBYTES];

    *s = (struct package_seal){.to = to, .office = order->office};
    package_digest_begin(&s->hash);
    s->err = header_write(s, order, key);
    if (s->err == EXAM_OK) {
        crypto_secretstream_xchacha20poly1305_init_push(&s->stream, header, key);
        s->err = put(s, header, sizeof header);
    }
    sodium_memzero(key, sizeof key);
    return s->err;
}

static exam_err chunk_write(struct package_seal *s, uint8_t tag)
{
    uint8_t sealed[PACKAGE_CHUNK_BYTES + crypto_secretstream_xchacha20poly1305_ABYTES];

    crypto_secretstream_xchacha20poly1305_push(&s->stream, sealed, NULL, s->plain, s->plain_n, NULL,
                                               0, tag);
    s->err = put(s, sealed, s->plain_n + crypto_secretstream_xchacha20poly1305_ABYTES);
    s->plain_n = 0;
    return s->err;
}

/* A full chunk waits until there is more: it may be the last one. */
exam_err package_seal_write(struct package_seal *s, const void *bytes, size_t n)
{
    const uint8_t *at = bytes;

    while (n > 0 && s->err == EXAM_OK) {
        size_t room = PACKAGE_CHUNK_BYTES - s->plain_n;
        size_t take = n < room ? n : room;

        memcpy(s->plain + s->plain_n, at, take);
        s->plain_n += take;
        at += take;
        n -= take;
        if (n > 0)
            (void)chunk_write(s, crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
    }
    return s->err;
}

exam_err package_seal_end(struct package_seal *s)
{
    uint8_t digest[PACKAGE_DIGEST_BYTES], signature[KEY_SIGNATURE_BYTES];

    if (s->err != EXAM_OK ||
        chunk_write(s, crypto_secretstream_xchacha20poly1305_TAG_FINAL) != EXAM_OK)
        return s->err;
    crypto_generichash_final(&s->hash, digest, sizeof digest);
    package_sign(s->office, digest, signature);
    if (fwrite(signature, 1, sizeof signature, s->to) != sizeof signature)
        s->err = EXAM_IO;
    return s->err;
}

void package_seal_fini(struct package_seal *s)
{
    sodium_memzero(s, sizeof *s);
}
