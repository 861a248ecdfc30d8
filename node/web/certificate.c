#include "certificate.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SERIAL_BYTES = 16,
    YEAR_S = 31556952,
    HOST_BYTES_MAX = 255,
    EARLIER_S = 86400, /* clocks differ: a certificate is good from the day before */
};

struct certificate_authority {
    gnutls_x509_crt_t certificate;
    gnutls_x509_privkey_t key;
    gnutls_x509_crl_t revoked;
};

/* GnuTLS returns 0 or an error. */
static exam_err tls_error(int rc, const char *what, char why[CERTIFICATE_WHY_BYTES])
{
    if (rc >= 0)
        return EXAM_OK;
    snprintf(why, CERTIFICATE_WHY_BYTES, "%s: %s", what, gnutls_strerror(rc));
    return EXAM_SYSTEM;
}

static gnutls_datum_t datum(const char *text)
{
    return (gnutls_datum_t){.data = (unsigned char *)(uintptr_t)text,
                            .size = (unsigned)strlen(text)};
}

void certificate_text_free(struct certificate_text *t)
{
    if (t->bytes)
        gnutls_memset(t->bytes, 0, t->n);
    free(t->bytes);
    *t = (struct certificate_text){.bytes = NULL};
}

/* Takes over what GnuTLS has allocated. */
static struct certificate_text text_of(gnutls_datum_t *d)
{
    struct certificate_text t = {.bytes = malloc((size_t)d->size + 1), .n = d->size};
    if (t.bytes) {
        memcpy(t.bytes, d->data, d->size);
        t.bytes[d->size] = '\0';
    }
    gnutls_memset(d->data, 0, d->size);
    gnutls_free(d->data);
    return t;
}

/* ---------------------------------------------------------------- the list of what was revoked */

static uint64_t crl_number(gnutls_x509_crl_t crl)
{
    uint8_t bytes[32];
    size_t n = sizeof bytes;
    unsigned critical;
    uint64_t number = 0;
    if (gnutls_x509_crl_get_number(crl, bytes, &n, &critical) < 0)
        return 0;
    for (size_t i = 0; i < n; i++)
        number = number << 8 | bytes[i];
    return number;
}

static int crl_set_number(gnutls_x509_crl_t crl, uint64_t number)
{
    uint8_t bytes[9] = {0}; /* the first stays 0: a DER integer has a sign */
    for (size_t i = 0; i < 8; i++)
        bytes[8 - i] = (uint8_t)(number >> (8 * i));
    size_t skip = 0;
    while (skip < 8 && !bytes[skip] && bytes[skip + 1] < 0x80)
        skip++;
    return gnutls_x509_crl_set_number(crl, bytes + skip, sizeof bytes - skip);
}

/* It is good as long as the authority: a site has no server of new ones, and a node that has missed
 * one must not refuse everybody. */
static int crl_sign(struct certificate_authority *a, uint64_t number, time_t now)
{
    uint8_t id[64];
    size_t n = sizeof id;
    int rc = gnutls_x509_crl_set_version(a->revoked, 2);
    if (rc >= 0)
        rc = gnutls_x509_crl_set_this_update(a->revoked, now);
    if (rc >= 0)
        rc = gnutls_x509_crl_set_next_update(a->revoked,
                                             gnutls_x509_crt_get_expiration_time(a->certificate));
    if (rc >= 0)
        rc = gnutls_x509_crt_get_subject_key_id(a->certificate, id, &n, NULL);
    if (rc >= 0)
        rc = gnutls_x509_crl_set_authority_key_id(a->revoked, id, n);
    if (rc >= 0)
        rc = crl_set_number(a->revoked, number);
    if (rc >= 0)
        rc = gnutls_x509_crl_sign2(a->revoked, a->certificate, a->key, GNUTLS_DIG_SHA256, 0);
    return rc;
}

/* ---------------------------------------------------------------- certificates */

static int key_make(gnutls_x509_privkey_t *out)
{
    gnutls_x509_privkey_t key;
    int rc = gnutls_x509_privkey_init(&key);
    if (rc < 0)
        return rc;
    rc = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    if (rc < 0)
        gnutls_x509_privkey_deinit(key);
    else
        *out = key;
    return rc;
}

/* What every certificate has: a number that nobody can guess, its times, key and name. */
static int crt_begin(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const char *name,
                     time_t from, time_t until)
{
    uint8_t serial[SERIAL_BYTES], id[64];
    size_t n = sizeof id;
    int rc = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial);
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, and always as long */
    if (rc >= 0)
        rc = gnutls_x509_crt_set_version(crt, 3);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_serial(crt, serial, sizeof serial);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_activation_time(crt, from);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_expiration_time(crt, until);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key(crt, key);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                           (unsigned)strlen(name));
    if (rc >= 0)
        rc = gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA1, id, &n);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_subject_key_id(crt, id, n);
    return rc;
}

static int authority_sign_itself(struct certificate_authority *a, const char *site, time_t now)
{
    char name[64];
    snprintf(name, sizeof name, "Shunyan web of site %.32s", site);
    int rc = crt_begin(a->certificate, a->key, name, now - EARLIER_S,
                       now + (time_t)CERTIFICATE_AUTHORITY_YEARS * YEAR_S);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_basic_constraints(a->certificate, 1, 0);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_usage(a->certificate,
                                           GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
    if (rc >= 0)
        rc = gnutls_x509_crt_sign2(a->certificate, a->certificate, a->key, GNUTLS_DIG_SHA256, 0);
    return rc;
}

static struct certificate_authority *authority_new(void)
{
    struct certificate_authority *a = calloc(1, sizeof *a);
    if (a && (gnutls_x509_crt_init(&a->certificate) < 0 || gnutls_x509_crl_init(&a->revoked) < 0)) {
        certificate_authority_free(a);
        return NULL;
    }
    return a;
}

void certificate_authority_free(struct certificate_authority *a)
{
    if (!a)
        return;
    if (a->certificate)
        gnutls_x509_crt_deinit(a->certificate);
    if (a->key)
        gnutls_x509_privkey_deinit(a->key); /* GnuTLS wipes it */
    if (a->revoked)
        gnutls_x509_crl_deinit(a->revoked);
    free(a);
}

/* What was put together is read back: until then GnuTLS does not know its names. */
static int authority_read_back(struct certificate_authority *a)
{
    gnutls_x509_crt_t read;
    gnutls_datum_t d;
    int rc = gnutls_x509_crt_export2(a->certificate, GNUTLS_X509_FMT_DER, &d);
    if (rc < 0)
        return rc;
    rc = gnutls_x509_crt_init(&read);
    if (rc >= 0) {
        rc = gnutls_x509_crt_import(read, &d, GNUTLS_X509_FMT_DER);
        gnutls_x509_crt_deinit(a->certificate);
        a->certificate = read;
    }
    gnutls_free(d.data);
    return rc;
}

exam_err certificate_authority_make(const char *site, time_t now,
                                    struct certificate_authority **out,
                                    char why[CERTIFICATE_WHY_BYTES])
{
    struct certificate_authority *a = authority_new();
    if (!a)
        return EXAM_NOMEM;
    int rc = key_make(&a->key);
    if (rc >= 0)
        rc = authority_sign_itself(a, site, now);
    if (rc >= 0)
        rc = authority_read_back(a);
    if (rc >= 0)
        rc = crl_sign(a, 1, now);
    exam_err err = tls_error(rc, "the web's authority cannot be made", why);
    if (err)
        certificate_authority_free(a);
    else
        *out = a;
    return err;
}

/* The public key of the certificate is the secret one's. */
static bool key_fits(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key)
{
    uint8_t of_crt[64], of_key[64];
    size_t crt_n = sizeof of_crt, key_n = sizeof of_key;
    return gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, of_crt, &crt_n) >= 0 &&
           gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, of_key, &key_n) >= 0 &&
           crt_n == key_n && !memcmp(of_crt, of_key, crt_n);
}

static exam_err authority_read(struct certificate_authority *a, const char *certificate,
                               const char *key, const char *password, const char *revoked,
                               char why[CERTIFICATE_WHY_BYTES])
{
    gnutls_datum_t crt = datum(certificate), secret = datum(key), crl = datum(revoked);
    int rc = gnutls_x509_privkey_init(&a->key);
    if (rc >= 0)
        rc = gnutls_x509_privkey_import2(a->key, &secret, GNUTLS_X509_FMT_PEM, password, 0);
    if (rc < 0) {
        (void)tls_error(rc, "the key of the web's authority", why);
        return EXAM_AUTH;
    }
    rc = gnutls_x509_crt_import(a->certificate, &crt, GNUTLS_X509_FMT_PEM);
    if (rc >= 0)
        rc = gnutls_x509_crl_import(a->revoked, &crl, GNUTLS_X509_FMT_PEM);
    if (rc < 0) {
        (void)tls_error(rc, "the web's authority, or its list of what was revoked", why);
        return EXAM_MALFORMED;
    }
    unsigned status;
    rc = gnutls_x509_crl_verify(a->revoked, &a->certificate, 1, 0, &status);
    if (rc < 0 || status || !key_fits(a->certificate, a->key)) {
        snprintf(why, CERTIFICATE_WHY_BYTES,
                 "the web's authority, its key and its list of what was revoked do not belong "
                 "together: bring all three back from one copy");
        return EXAM_INVALID;
    }
    return EXAM_OK;
}

exam_err certificate_authority_open(const char *certificate, const char *key, const char *password,
                                    const char *revoked, struct certificate_authority **out,
                                    char why[CERTIFICATE_WHY_BYTES])
{
    struct certificate_authority *a = authority_new();
    if (!a)
        return EXAM_NOMEM;
    exam_err err = authority_read(a, certificate, key, password, revoked, why);
    if (err)
        certificate_authority_free(a);
    else
        *out = a;
    return err;
}

/* ---------------------------------------------------------------- texts */

static exam_err exported(int rc, gnutls_datum_t *d, struct certificate_text *out)
{
    if (rc < 0)
        return EXAM_SYSTEM;
    struct certificate_text t = text_of(d);
    if (!t.bytes)
        return EXAM_NOMEM;
    *out = t;
    return EXAM_OK;
}

exam_err certificate_authority_text(const struct certificate_authority *a,
                                    struct certificate_text *out)
{
    gnutls_datum_t d;
    return exported(gnutls_x509_crt_export2(a->certificate, GNUTLS_X509_FMT_PEM, &d), &d, out);
}

exam_err certificate_authority_key_text(const struct certificate_authority *a, const char *password,
                                        struct certificate_text *out)
{
    gnutls_datum_t d;
    return exported(gnutls_x509_privkey_export2_pkcs8(a->key, GNUTLS_X509_FMT_PEM, password,
                                                      GNUTLS_PKCS_PBES2_AES_256, &d),
                    &d, out);
}

exam_err certificate_revoked_text(const struct certificate_authority *a,
                                  struct certificate_text *out)
{
    gnutls_datum_t d;
    return exported(gnutls_x509_crl_export2(a->revoked, GNUTLS_X509_FMT_PEM, &d), &d, out);
}

/* ---------------------------------------------------------------- issuing and revoking */

static bool host_ok(const char *host)
{
    size_t n = strlen(host);
    if (!n || n > HOST_BYTES_MAX || host[0] == '-' || host[0] == '.')
        return false;
    for (const char *p = host; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.')
            return false;
    return true;
}

static exam_err add_address(gnutls_x509_crt_t crt, const char *address,
                            char why[CERTIFICATE_WHY_BYTES])
{
    uint8_t ip[16];
    int rc;
    if (inet_pton(AF_INET, address, ip) == 1)
        rc = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, ip, 4,
                                                  GNUTLS_FSAN_APPEND);
    else if (inet_pton(AF_INET6, address, ip) == 1)
        rc = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, ip, 16,
                                                  GNUTLS_FSAN_APPEND);
    else if (host_ok(address))
        rc = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, address,
                                                  (unsigned)strlen(address), GNUTLS_FSAN_APPEND);
    else {
        snprintf(why, CERTIFICATE_WHY_BYTES, "'%.100s' is neither an IP address nor a host's name",
                 address);
        return EXAM_INVALID;
    }
    return tls_error(rc, address, why);
}

/* Clients check the address that they have asked; the node's name is good for one, if it can be. */
static exam_err add_addresses(gnutls_x509_crt_t crt, const struct certificate_order *order,
                              char why[CERTIFICATE_WHY_BYTES])
{
    exam_err err = EXAM_OK;
    if (order->use != CERTIFICATE_NODE)
        return EXAM_OK;
    if (host_ok(order->name))
        err = add_address(crt, order->name, why);
    for (size_t i = 0; i < order->addresses_n && !err; i++)
        err = add_address(crt, order->addresses[i], why);
    return err;
}

static int crt_sign(gnutls_x509_crt_t crt, const struct certificate_authority *a,
                    enum certificate_use use)
{
    uint8_t id[64];
    size_t n = sizeof id;
    int rc = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_purpose_oid(
            crt, use == CERTIFICATE_NODE ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT, 0);
    if (rc >= 0)
        rc = gnutls_x509_crt_get_subject_key_id(a->certificate, id, &n, NULL);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_authority_key_id(crt, id, n);
    if (rc >= 0)
        rc = gnutls_x509_crt_sign2(crt, a->certificate, a->key, GNUTLS_DIG_SHA256, 0);
    return rc;
}

static exam_err texts_of(const struct certificate_authority *a, gnutls_x509_crt_t crt,
                         gnutls_x509_privkey_t key, struct certificate_text *bundle,
                         struct certificate_text *certificate)
{
    struct certificate_text own = {.n = 0}, secret = {.n = 0}, authority = {.n = 0}, all = {.n = 0};
    gnutls_datum_t d;
    exam_err err = exported(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &d), &d, &own);
    if (!err)
        err = exported(gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL,
                                                         GNUTLS_PKCS_PLAIN, &d),
                       &d, &secret);
    if (!err)
        err = certificate_authority_text(a, &authority);
    if (!err) {
        all.n = secret.n + own.n + authority.n;
        all.bytes = malloc(all.n + 1);
        err = all.bytes ? EXAM_OK : EXAM_NOMEM;
    }
    if (!err) {
        snprintf(all.bytes, all.n + 1, "%s%s%s", secret.bytes, own.bytes, authority.bytes);
        *bundle = all;
        *certificate = own;
        own.bytes = NULL;
    }
    certificate_text_free(&own);
    certificate_text_free(&secret);
    certificate_text_free(&authority);
    return err;
}

exam_err certificate_issue(const struct certificate_authority *a,
                           const struct certificate_order *order, struct certificate_text *bundle,
                           struct certificate_text *certificate, char why[CERTIFICATE_WHY_BYTES])
{
    gnutls_x509_crt_t crt;
    gnutls_x509_privkey_t key = NULL;
    int rc = gnutls_x509_crt_init(&crt);
    if (rc < 0)
        return tls_error(rc, order->name, why);
    rc = key_make(&key);
    if (rc >= 0)
        rc = crt_begin(crt, key, order->name, order->from - EARLIER_S, order->until);
    exam_err err = tls_error(rc, order->name, why);
    if (!err)
        err = add_addresses(crt, order, why);
    if (!err)
        err = tls_error(crt_sign(crt, a, order->use), order->name, why);
    if (!err)
        err = texts_of(a, crt, key, bundle, certificate);
    gnutls_x509_crt_deinit(crt);
    if (key)
        gnutls_x509_privkey_deinit(key);
    return err;
}

exam_err certificate_revoke(struct certificate_authority *a, const char *certificate, time_t now,
                            char why[CERTIFICATE_WHY_BYTES])
{
    gnutls_datum_t text = datum(certificate);
    gnutls_x509_crt_t crt;
    exam_err err = tls_error(gnutls_x509_crt_init(&crt), "a certificate", why);
    if (err)
        return err;
    int rc = gnutls_x509_crt_import(crt, &text, GNUTLS_X509_FMT_PEM);
    if (rc < 0) {
        (void)tls_error(rc, "this is no certificate", why);
        err = EXAM_MALFORMED;
    } else if (!gnutls_x509_crt_check_issuer(crt, a->certificate)) {
        snprintf(why, CERTIFICATE_WHY_BYTES, "it was not issued by this site's authority");
        err = EXAM_REFUSED;
    } else {
        rc = gnutls_x509_crl_set_crt(a->revoked, crt, now);
        if (rc >= 0)
            rc = crl_sign(a, crl_number(a->revoked) + 1, now);
        err = tls_error(rc, "the list of what was revoked cannot be signed", why);
    }
    gnutls_x509_crt_deinit(crt);
    return err;
}
