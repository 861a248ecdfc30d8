#include "package_open.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum {
    STREAM_HEADER_BYTES = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
    CHUNK_EXTRA_BYTES = crypto_secretstream_xchacha20poly1305_ABYTES,
    SEALED_CHUNK_BYTES = PACKAGE_CHUNK_BYTES + CHUNK_EXTRA_BYTES,
};

static exam_err fail(struct package_open *p, exam_err err, const char *what)
{
    snprintf(p->why, sizeof p->why, "%s", what);
    return err;
}

static exam_err read_fail(struct package_open *p)
{
    if (ferror(p->from) == 0)
        return fail(p, EXAM_CORRUPT, "it has become shorter while it was read");
    snprintf(p->why, sizeof p->why, "it cannot be read: %s", strerror(errno));
    return EXAM_IO;
}

/* ---------------------------------------------------------------- header */

static exam_err size_take(struct package_open *p)
{
    off_t end = fseeko(p->from, 0, SEEK_END) == 0 ? ftello(p->from) : -1;

    if (end < 0 || fseeko(p->from, 0, SEEK_SET) != 0)
        return fail(p, EXAM_IO, "it cannot be read twice: copy it to a disk first");
    p->bytes = (uint64_t)end;
    if (p->bytes > PACKAGE_BYTES_MAX)
        return fail(p, EXAM_TOO_BIG, "it is larger than any package");
    return EXAM_OK;
}

/* How many bytes of chunks there are. False: it was cut off. */
static bool sealed_bytes_take(struct package_open *p)
{
    uint64_t around = p->line_bytes + STREAM_HEADER_BYTES + KEY_SIGNATURE_BYTES;

    p->sealed_left = p->bytes > around ? p->bytes - around : 0;
    return p->sealed_left > 0 && (p->sealed_left - 1) % SEALED_CHUNK_BYTES >= CHUNK_EXTRA_BYTES;
}

exam_err package_open_begin(struct package_open *p, FILE *from)
{
    char line[PACKAGE_LINE_BYTES_MAX];
    const char *end;
    size_t n;
    exam_err err;

    memset(p, 0, sizeof *p);
    p->from = from;
    err = size_take(p);
    if (err != EXAM_OK)
        return err;
    n = fread(line, 1, sizeof line, from);
    if (n == 0 && p->bytes > 0)
        return read_fail(p);
    end = memchr(line, '\n', n);
    if (end == NULL)
        return fail(p, EXAM_MALFORMED, "it is no sealed package, or its beginning is lost");
    p->line_bytes = (size_t)(end - line) + 1;
    err = package_header_parse(line, p->line_bytes - 1, &p->header, p->why);
    if (err == EXAM_OK && !sealed_bytes_take(p))
        err = fail(p, EXAM_MALFORMED, "it was cut off: have it brought again");
    return err;
}

/* ---------------------------------------------------------------- signature */

static exam_err take(struct package_open *p, void *bytes, size_t n)
{
    if (fread(bytes, 1, n, p->from) != n)
        return read_fail(p);
    crypto_generichash_update(&p->hash, bytes, n);
    return EXAM_OK;
}

static exam_err rewind_to(struct package_open *p)
{
    if (fseeko(p->from, 0, SEEK_SET) != 0)
        return read_fail(p);
    package_digest_begin(&p->hash);
    return EXAM_OK;
}

exam_err package_open_check(struct package_open *p)
{
    uint64_t left = p->bytes - KEY_SIGNATURE_BYTES;
    uint8_t signature[KEY_SIGNATURE_BYTES];
    exam_err err = rewind_to(p);

    while (err == EXAM_OK && left > 0) {
        size_t n = left < sizeof p->plain ? (size_t)left : sizeof p->plain;

        err = take(p, p->plain, n);
        left -= n;
    }
    if (err == EXAM_OK && fread(signature, 1, sizeof signature, p->from) != sizeof signature)
        err = read_fail(p);
    if (err != EXAM_OK)
        return err;
    crypto_generichash_final(&p->hash, p->digest, sizeof p->digest);
    if (package_verify(&p->header, p->digest, signature) != EXAM_OK)
        return fail(p, EXAM_AUTH,
                    "it was cut off, or changed, after it was signed: its signature is not good. "
                    "Have it brought again");
    p->checked = true;
    return EXAM_OK;
}

/* ---------------------------------------------------------------- content */

static exam_err box_open(struct package_open *p, const char *password,
                         uint8_t key[PASSWORD_SECRET_BYTES])
{
    char bound[PACKAGE_BOUND_BYTES];
    exam_err err = password_box_open(&p->header.box, password, bound,
                                     package_header_bound(&p->header, bound), key);

    if (err == EXAM_AUTH)
        return fail(p, err, "that is not its password");
    return err == EXAM_OK ? err : fail(p, err, "there is not enough memory to try its password");
}

exam_err package_open_unlock(struct package_open *p, const char *password)
{
    uint8_t key[PASSWORD_SECRET_BYTES] = {0}, header[STREAM_HEADER_BYTES];
    exam_err err;

    assert(p->checked);
    err = box_open(p, password, key);
    if (err == EXAM_OK)
        err = rewind_to(p);
    if (err == EXAM_OK)
        err = take(p, p->plain, p->line_bytes);
    if (err == EXAM_OK)
        err = take(p, header, sizeof header);
    if (err == EXAM_OK && crypto_secretstream_xchacha20poly1305_init_pull(&p->stream, header, key))
        err = fail(p, EXAM_CORRUPT, "its content cannot be opened");
    sodium_memzero(key, sizeof key);
    p->unlocked = err == EXAM_OK;
    return err;
}

/* The very bytes that the signature was found good of. */
static exam_err end_check(struct package_open *p)
{
    uint8_t digest[PACKAGE_DIGEST_BYTES];
    crypto_generichash_state hash = p->hash;

    crypto_generichash_final(&hash, digest, sizeof digest);
    if (sodium_memcmp(digest, p->digest, sizeof digest) != 0)
        return fail(p, EXAM_CORRUPT, "it was changed while it was read");
    return EXAM_OK;
}

static exam_err chunk_read(struct package_open *p, size_t *n)
{
    uint8_t sealed[SEALED_CHUNK_BYTES];
    size_t bytes = p->sealed_left < sizeof sealed ? (size_t)p->sealed_left : sizeof sealed;
    unsigned char tag = 0;
    exam_err err = take(p, sealed, bytes);

    if (err != EXAM_OK)
        return err;
    p->sealed_left -= bytes;
    if (crypto_secretstream_xchacha20poly1305_pull(&p->stream, p->plain, NULL, &tag, sealed, bytes,
                                                   NULL, 0) != 0)
        return fail(p, EXAM_CORRUPT, "its content is not what was sealed");
    if ((tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL) != (p->sealed_left == 0))
        return fail(p, EXAM_CORRUPT, "its content ends where it should not");
    *n = bytes - CHUNK_EXTRA_BYTES;
    return EXAM_OK;
}

exam_err package_open_read(struct package_open *p, const uint8_t **bytes, size_t *n)
{
    size_t got = 0;
    exam_err err;

    assert(p->unlocked);
    err = p->sealed_left > 0 ? chunk_read(p, &got) : end_check(p);
    if (err != EXAM_OK)
        return err;
    *bytes = p->plain;
    *n = got;
    return EXAM_OK;
}

void package_open_fini(struct package_open *p)
{
    sodium_memzero(p, sizeof *p);
}
