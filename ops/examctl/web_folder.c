#include "web_folder.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "input_file.h"
#include "report.h"
#include "whole_file.h"

enum {
    PATH_BYTES = 2048,
    PEM_BYTES_MAX = 1 << 20,
    SECRET_MODE = 0600,
    PUBLIC_MODE = 0644,
    YEAR_S = 31556952,
};

static exam_err io_error(const char *path)
{
    report_error("%s: %s", path, strerror(errno));
    return EXAM_IO;
}

static exam_err folder_need(const char *path)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST ? EXAM_OK : io_error(path);
}

static exam_err text_write(const char *path, const struct certificate_text *t, mode_t mode)
{
    struct whole_file file;
    exam_err err = whole_file_open(path, &file);

    if (err == EXAM_OK && (fwrite(t->bytes, 1, t->n, file.stream) != t->n ||
                           fchmod(fileno(file.stream), mode) != 0)) {
        whole_file_abandon(&file);
        err = EXAM_IO;
    } else if (err == EXAM_OK) {
        err = whole_file_commit(&file);
    }
    return err == EXAM_OK ? EXAM_OK : io_error(path);
}

/* web/authority.pem, web/nodes/A.crt ... */
static void path_of(const struct web_folder *w, const char *name, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%s/%s", w->path, name);
}

static void owner_path(const struct web_folder *w, enum certificate_use use, const char *name,
                       const char *ending, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%s/%s/%s.%s", w->path, use == CERTIFICATE_NODE ? "nodes" : "clients",
             name, ending);
}

/* Takes the text over. */
static exam_err put(const struct web_folder *w, const char *name, mode_t mode, exam_err made,
                    struct certificate_text *t)
{
    char path[PATH_BYTES];
    exam_err err = made;

    path_of(w, name, path);
    if (made == EXAM_OK)
        err = text_write(path, t, mode);
    else
        report_error("%s: %s", path, exam_err_text(made));
    certificate_text_free(t);
    return err;
}

static exam_err revoked_write(const struct web_folder *w)
{
    struct certificate_text t = {.n = 0};
    exam_err made = certificate_revoked_text(w->authority, &t);

    return put(w, "revoked.crl", PUBLIC_MODE, made, &t);
}

/* ---------------------------------------------------------------- opening */

/* For the file of the web authority's key. */
static void password_make(const struct key_folder *keys, char out[2 * KEY_BYTES + 1])
{
    uint8_t secret[KEY_BYTES];

    key_file_derive(&keys->authority, KEY_FOR_WEB, secret);
    sodium_bin2hex(out, 2 * KEY_BYTES + 1, secret, sizeof secret);
    sodium_memzero(secret, sizeof secret);
}

/* The certificate comes last: with it the authority is whole. */
static exam_err authority_make(struct web_folder *w, const struct key_folder *keys,
                               const char *password)
{
    char site[2 * SITE_ID_BYTES + 1], path[PATH_BYTES], why[CERTIFICATE_WHY_BYTES] = "no memory";
    struct certificate_text t = {.n = 0};
    exam_err err = folder_need(w->path);

    path_of(w, "nodes", path);
    if (err == EXAM_OK)
        err = folder_need(path);
    path_of(w, "clients", path);
    if (err == EXAM_OK)
        err = folder_need(path);
    if (err != EXAM_OK)
        return err;
    sodium_bin2hex(site, sizeof site, key_roster_site(keys->roster), SITE_ID_BYTES);
    err = certificate_authority_make(site, time(NULL), &w->authority, why);
    if (err != EXAM_OK) {
        report_error("%s", why);
        return err;
    }
    err = certificate_authority_key_text(w->authority, password, &t);
    err = put(w, "authority.key", SECRET_MODE, err, &t);
    if (err == EXAM_OK)
        err = revoked_write(w);
    if (err == EXAM_OK) {
        err = certificate_authority_text(w->authority, &t);
        err = put(w, "authority.pem", PUBLIC_MODE, err, &t);
    }
    return err;
}

static char *pem_read(const struct web_folder *w, const char *name)
{
    char path[PATH_BYTES];
    size_t n;

    path_of(w, name, path);
    return input_file_told(path, PEM_BYTES_MAX, &n);
}

static exam_err authority_open(struct web_folder *w, const char *password)
{
    char why[CERTIFICATE_WHY_BYTES] = "no memory";
    char *certificate = pem_read(w, "authority.pem"), *key = pem_read(w, "authority.key"),
         *revoked = pem_read(w, "revoked.crl");
    exam_err err = EXAM_IO;

    if (certificate != NULL && key != NULL && revoked != NULL) {
        err = certificate_authority_open(certificate, key, password, revoked, &w->authority, why);
        if (err != EXAM_OK)
            report_error("%s: %s", w->path, why);
    }
    free(certificate);
    free(key);
    free(revoked);
    return err;
}

exam_err web_folder_open(const struct key_folder *keys, bool make, struct web_folder *out)
{
    struct web_folder w = {.authority = NULL};
    char password[2 * KEY_BYTES + 1], path[PATH_BYTES];
    exam_err err;

    if (strlen(keys->path) > sizeof w.path - sizeof "/web") {
        report_error("%s: the path is too long", keys->path);
        return EXAM_TOO_BIG;
    }
    snprintf(w.path, sizeof w.path, "%.*s/web", (int)(sizeof w.path - sizeof "/web"), keys->path);
    path_of(&w, "authority.pem", path);
    password_make(keys, password);
    if (access(path, F_OK) == 0) {
        err = authority_open(&w, password);
    } else if (make) {
        err = authority_make(&w, keys, password);
    } else {
        report_error("%s: no certificate was issued here", path);
        err = EXAM_NOT_FOUND;
    }
    sodium_memzero(password, sizeof password);
    if (err == EXAM_OK)
        *out = w;
    else
        web_folder_close(&w);
    return err;
}

void web_folder_close(struct web_folder *w)
{
    certificate_authority_free(w->authority);
    w->authority = NULL;
}

/* ---------------------------------------------------------------- issuing and revoking */

exam_err web_folder_issue(struct web_folder *w, struct certificate_order *order)
{
    struct certificate_text bundle = {.n = 0}, certificate = {.n = 0};
    char why[CERTIFICATE_WHY_BYTES] = "no memory", known[PATH_BYTES], secret[PATH_BYTES];
    exam_err err;

    owner_path(w, order->use, order->name, "crt", known);
    owner_path(w, order->use, order->name, "pem", secret);
    if (access(known, F_OK) == 0) {
        report_error("%s: it has a certificate already; revoke that first (`examctl site "
                     "web-revoke`)",
                     known);
        return EXAM_EXISTS;
    }
    order->from = time(NULL);
    order->until = order->from + (time_t)CERTIFICATE_YEARS * YEAR_S;
    err = certificate_issue(w->authority, order, &bundle, &certificate, why);
    if (err != EXAM_OK)
        report_error("%s", why);
    /* What can be revoked is there before what can be used. */
    if (err == EXAM_OK)
        err = text_write(known, &certificate, PUBLIC_MODE);
    if (err == EXAM_OK)
        err = text_write(secret, &bundle, SECRET_MODE);
    certificate_text_free(&bundle);
    certificate_text_free(&certificate);
    return err;
}

exam_err web_folder_revoke(struct web_folder *w, enum certificate_use use, const char *name)
{
    char why[CERTIFICATE_WHY_BYTES] = "no memory", path[PATH_BYTES];
    char *certificate;
    size_t n;
    exam_err err;

    owner_path(w, use, name, "crt", path);
    certificate = input_file_told(path, PEM_BYTES_MAX, &n);
    if (certificate == NULL)
        return EXAM_NOT_FOUND;
    err = certificate_revoke(w->authority, certificate, time(NULL), why);
    free(certificate);
    if (err != EXAM_OK) {
        report_error("%s: %s", path, why);
        return err;
    }
    err = revoked_write(w);
    if (err == EXAM_OK && unlink(path) != 0)
        err = io_error(path);
    owner_path(w, use, name, "pem", path);
    if (err == EXAM_OK && unlink(path) != 0 && errno != ENOENT)
        err = io_error(path);
    return err;
}
