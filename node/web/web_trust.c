#include "web_trust.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    CHAIN_MAX = 2,    /* of a client: its own, and maybe the authority's */
    BUNDLE_CERTS = 2, /* the node's, the authority's */
    NUMBER_BYTES_MAX = 32,
};

/* What tells one state of a file from another. */
struct file_state {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct web_trust {
    char *key, *certificate, *authority; /* PEM */
    gnutls_x509_trust_list_t list;
    char *revoked; /* path */
    struct file_state revoked_state;
    uint8_t revoked_no[NUMBER_BYTES_MAX]; /* big-endian, right-aligned */
    int64_t until_s;
};

/* ---------------------------------------------------------------- files */

static struct file_state state_of(const struct stat *st)
{
    return (struct file_state){
        .device = st->st_dev, .inode = st->st_ino, .size = st->st_size, .changed = st->st_mtim};
}

static bool state_is(const struct file_state *a, const struct file_state *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static exam_err file_error(const char *path, char why[WEB_WHY_BYTES])
{
    snprintf(why, WEB_WHY_BYTES, "%.300s: %s", path, strerror(errno));
    return errno == ENOENT ? EXAM_NOT_FOUND : EXAM_IO;
}

static exam_err fd_read(int fd, const char *path, size_t bytes, char **out, char why[WEB_WHY_BYTES])
{
    char *text = malloc(bytes + 1);
    size_t n = 0;
    ssize_t rc = 1;
    if (!text)
        return EXAM_NOMEM;
    while (n < bytes && rc > 0) {
        rc = read(fd, text + n, bytes - n);
        n += rc > 0 ? (size_t)rc : 0;
    }
    if (rc < 0) {
        exam_err err = file_error(path, why);
        free(text);
        return err;
    }
    text[n] = '\0';
    *out = text;
    return EXAM_OK;
}

/* A whole file as a text. `secret`: refused when others than its owner may read it. */
static exam_err file_read(const char *path, bool secret, char **out, struct file_state *state,
                          char why[WEB_WHY_BYTES])
{
    struct stat st;
    exam_err err = EXAM_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return file_error(path, why);
    if (fstat(fd, &st)) {
        err = file_error(path, why);
    } else if (!S_ISREG(st.st_mode) || st.st_size > WEB_FILE_BYTES_MAX) {
        snprintf(why, WEB_WHY_BYTES, "%.300s: it is no file of certificates", path);
        err = EXAM_MALFORMED;
    } else if (secret && st.st_mode & (S_IRWXG | S_IRWXO)) {
        snprintf(why, WEB_WHY_BYTES, "%.300s: others may read this key: chmod 600", path);
        err = EXAM_REFUSED;
    } else {
        *state = state_of(&st);
        err = fd_read(fd, path, (size_t)st.st_size, out, why);
    }
    close(fd);
    return err;
}

/* ---------------------------------------------------------------- the node's own */

static char *crt_text(gnutls_x509_crt_t crt)
{
    gnutls_datum_t d;
    if (gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &d) < 0)
        return NULL;
    char *text = strndup((const char *)d.data, d.size);
    gnutls_free(d.data);
    return text;
}

/* The key is the certificate's, the authority has signed it, and it is not over. */
static bool bundle_fits(gnutls_x509_privkey_t key, gnutls_x509_crt_t own,
                        gnutls_x509_crt_t authority)
{
    uint8_t of_crt[64], of_key[64];
    size_t crt_n = sizeof of_crt, key_n = sizeof of_key;
    unsigned status;
    return gnutls_x509_crt_get_key_id(own, GNUTLS_KEYID_USE_SHA256, of_crt, &crt_n) >= 0 &&
           gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, of_key, &key_n) >= 0 &&
           crt_n == key_n && !memcmp(of_crt, of_key, crt_n) &&
           gnutls_x509_crt_verify(own, &authority, 1, 0, &status) >= 0 && !status;
}

static exam_err bundle_take(struct web_trust *t, const char *path, const gnutls_datum_t *text,
                            char why[WEB_WHY_BYTES])
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t crts[BUNDLE_CERTS];
    unsigned n = BUNDLE_CERTS;
    exam_err err = EXAM_OK;
    if (gnutls_x509_privkey_init(&key) < 0)
        return EXAM_NOMEM;
    if (gnutls_x509_privkey_import2(key, text, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN) < 0 ||
        gnutls_x509_crt_list_import(crts, &n, text, GNUTLS_X509_FMT_PEM, 0) < 0) {
        n = 0;
        err = EXAM_MALFORMED;
    } else if (n != BUNDLE_CERTS || !bundle_fits(key, crts[0], crts[1])) {
        err = EXAM_INVALID;
    } else {
        t->certificate = crt_text(crts[0]);
        t->authority = crt_text(crts[1]);
        t->until_s = gnutls_x509_crt_get_expiration_time(crts[0]);
        err = t->certificate && t->authority ? EXAM_OK : EXAM_NOMEM;
    }
    if (err == EXAM_MALFORMED || err == EXAM_INVALID)
        snprintf(why, WEB_WHY_BYTES,
                 "%.300s: %s: `examctl site web-issue node NAME` makes a good one", path,
                 err == EXAM_INVALID
                     ? "its certificate is over, or is not of this key and authority"
                     : "it has no key and two certificates");
    for (unsigned i = 0; i < n; i++)
        gnutls_x509_crt_deinit(crts[i]);
    gnutls_x509_privkey_deinit(key);
    return err;
}

static exam_err bundle_open(struct web_trust *t, const char *path, char why[WEB_WHY_BYTES])
{
    struct file_state state;
    exam_err err = file_read(path, true, &t->key, &state, why);
    if (err)
        return err;
    const gnutls_datum_t text = {.data = (unsigned char *)t->key, .size = (unsigned)strlen(t->key)};
    return bundle_take(t, path, &text, why);
}

/* ---------------------------------------------------------------- the list of what was revoked */

/* Its number, right-aligned. False: it has none, or is longer than any of ours. */
static bool list_number(const gnutls_datum_t *text, uint8_t out[NUMBER_BYTES_MAX])
{
    uint8_t bytes[NUMBER_BYTES_MAX];
    size_t n = sizeof bytes;
    gnutls_x509_crl_t crl;
    if (gnutls_x509_crl_init(&crl) < 0)
        return false;
    bool ok = gnutls_x509_crl_import(crl, text, GNUTLS_X509_FMT_PEM) >= 0 &&
              gnutls_x509_crl_get_number(crl, bytes, &n, NULL) >= 0;
    gnutls_x509_crl_deinit(crl);
    if (!ok)
        return false;
    memset(out, 0, NUMBER_BYTES_MAX);
    memcpy(out + NUMBER_BYTES_MAX - n, bytes, n);
    return true;
}

/* The authority with this list, if it has signed it. */
static gnutls_x509_trust_list_t list_make(const char *authority, const gnutls_datum_t *text)
{
    const gnutls_datum_t ca = {.data = (unsigned char *)(uintptr_t)authority,
                               .size = (unsigned)strlen(authority)};
    gnutls_x509_trust_list_t list;
    if (gnutls_x509_trust_list_init(&list, 0) < 0)
        return NULL;
    if (gnutls_x509_trust_list_add_trust_mem(list, &ca, text, GNUTLS_X509_FMT_PEM,
                                             GNUTLS_TL_VERIFY_CRL, 0) == 2)
        return list;
    gnutls_x509_trust_list_deinit(list, 1);
    return NULL;
}

static exam_err list_take(struct web_trust *t, const gnutls_datum_t *text, char why[WEB_WHY_BYTES])
{
    uint8_t no[NUMBER_BYTES_MAX];
    gnutls_x509_trust_list_t list = list_number(text, no) ? list_make(t->authority, text) : NULL;
    if (!list) {
        snprintf(why, WEB_WHY_BYTES,
                 "%.300s: it is no list of revoked certificates of this site's web authority: take "
                 "web/revoked.crl of the folder of keys",
                 t->revoked);
        return EXAM_INVALID;
    }
    if (memcmp(no, t->revoked_no, sizeof no) < 0) {
        gnutls_x509_trust_list_deinit(list, 1);
        snprintf(why, WEB_WHY_BYTES, "%.300s: it is older than the one in use", t->revoked);
        return EXAM_REFUSED;
    }
    if (t->list)
        gnutls_x509_trust_list_deinit(t->list, 1);
    t->list = list;
    memcpy(t->revoked_no, no, sizeof no);
    return EXAM_OK;
}

static exam_err list_open(struct web_trust *t, char why[WEB_WHY_BYTES])
{
    char *text = NULL;
    exam_err err = file_read(t->revoked, false, &text, &t->revoked_state, why);
    if (err)
        return err;
    const gnutls_datum_t d = {.data = (unsigned char *)text, .size = (unsigned)strlen(text)};
    err = list_take(t, &d, why);
    free(text);
    return err;
}

bool web_trust_refresh(struct web_trust *t, char why[WEB_WHY_BYTES])
{
    static const struct file_state none;
    struct stat st;
    struct file_state now = none;
    if (!stat(t->revoked, &st))
        now = state_of(&st);
    if (state_is(&now, &t->revoked_state))
        return true;
    t->revoked_state = now;
    return list_open(t, why) == EXAM_OK;
}

/* ---------------------------------------------------------------- who is let in */

static const char *refusal_of(unsigned status)
{
    if (status & GNUTLS_CERT_REVOKED)
        return "its certificate was revoked";
    if (status & GNUTLS_CERT_EXPIRED)
        return "its certificate is over";
    if (status & GNUTLS_CERT_NOT_ACTIVATED)
        return "its certificate is not good yet: compare the clocks";
    if (status & GNUTLS_CERT_PURPOSE_MISMATCH)
        return "its certificate is not a client's";
    return "its certificate is not of this site";
}

static bool chain_lets_in(const struct web_trust *t, gnutls_x509_crt_t *chain, unsigned n,
                          const char **why)
{
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT};
    unsigned status = 0;
    int rc = gnutls_x509_trust_list_verify_crt2(t->list, chain, n, &purpose, 1, 0, &status, NULL);
    *why = rc < 0 ? "its certificate cannot be checked" : refusal_of(status);
    return rc >= 0 && !status;
}

bool web_trust_lets_in(const struct web_trust *t, gnutls_session_t session, const char **why)
{
    gnutls_x509_crt_t chain[CHAIN_MAX];
    unsigned n = 0, made = 0;
    bool ok = gnutls_certificate_type_get(session) == GNUTLS_CRT_X509;
    const gnutls_datum_t *peers = ok ? gnutls_certificate_get_peers(session, &n) : NULL;
    *why = "it has no certificate";
    if (!peers || !n)
        return false;
    *why = "its certificate cannot be read";
    ok = n <= CHAIN_MAX;
    while (ok && made < n) {
        ok = gnutls_x509_crt_init(&chain[made]) >= 0;
        if (ok)
            ok = gnutls_x509_crt_import(chain[made], &peers[made], GNUTLS_X509_FMT_DER) >= 0,
            made++;
    }
    ok = ok && chain_lets_in(t, chain, n, why);
    for (unsigned i = 0; i < made; i++)
        gnutls_x509_crt_deinit(chain[i]);
    return ok;
}

/* ---------------------------------------------------------------- opening */

exam_err web_trust_open(const char *key_file, const char *revoked, struct web_trust **out,
                        char why[WEB_WHY_BYTES])
{
    struct web_trust *t = calloc(1, sizeof *t);
    if (!t || !(t->revoked = strdup(revoked))) {
        free(t);
        return EXAM_NOMEM;
    }
    exam_err err = bundle_open(t, key_file, why);
    if (!err)
        err = list_open(t, why);
    if (err)
        web_trust_free(t);
    else
        *out = t;
    return err;
}

void web_trust_free(struct web_trust *t)
{
    if (!t)
        return;
    if (t->key)
        gnutls_memset(t->key, 0, strlen(t->key));
    free(t->key);
    free(t->certificate);
    free(t->authority);
    free(t->revoked);
    if (t->list)
        gnutls_x509_trust_list_deinit(t->list, 1);
    free(t);
}

const char *web_trust_key(const struct web_trust *t)
{
    return t->key;
}

const char *web_trust_certificate(const struct web_trust *t)
{
    return t->certificate;
}

const char *web_trust_authority(const struct web_trust *t)
{
    return t->authority;
}

int64_t web_trust_until_s(const struct web_trust *t)
{
    return t->until_s;
}
