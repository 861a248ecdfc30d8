#include "data_key.h"

#include <assert.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "key_text.h"

static const char format_name[] = "shunyan-data-key-1";

enum { BOUND_BYTES = sizeof format_name + SITE_ID_BYTES + DATA_ID_BYTES };

/* What stands beside the box, so that none of it can be exchanged. */
static void bound_put(const struct data_key_file *f, uint8_t out[BOUND_BYTES])
{
    memcpy(out, format_name, sizeof format_name);
    memcpy(out + sizeof format_name, f->site_id, SITE_ID_BYTES);
    memcpy(out + sizeof format_name + SITE_ID_BYTES, f->id, DATA_ID_BYTES);
}

void data_key_file_make(struct data_key_file *out, const uint8_t site_id[SITE_ID_BYTES],
                        const uint8_t key[DATA_KEY_BYTES])
{
    *out = (struct data_key_file){.boxed = false};
    memcpy(out->site_id, site_id, SITE_ID_BYTES);
    memcpy(out->key, key, DATA_KEY_BYTES);
    sealed_key_id(key, site_id, out->id);
}

exam_err data_key_file_close(struct data_key_file *f, const struct password_cost *cost,
                             const char *password, const uint8_t chance[PASSWORD_CHANCE_BYTES])
{
    uint8_t bound[BOUND_BYTES];

    assert(!f->boxed);
    bound_put(f, bound);
    exam_err err = password_box_seal(&f->box, cost, password, bound, sizeof bound, f->key, chance);
    if (err != EXAM_OK)
        return err;
    sodium_memzero(f->key, sizeof f->key);
    f->boxed = true;
    return EXAM_OK;
}

static bool key_fits(const struct data_key_file *f)
{
    uint8_t id[DATA_ID_BYTES];

    sealed_key_id(f->key, f->site_id, id);
    return sodium_memcmp(id, f->id, sizeof id) == 0;
}

exam_err data_key_file_open(struct data_key_file *f, const char *password)
{
    struct data_key_file open = *f;
    uint8_t bound[BOUND_BYTES];

    assert(f->boxed);
    bound_put(f, bound);
    exam_err err = password_box_open(&f->box, password, bound, sizeof bound, open.key);
    if (err == EXAM_OK && !key_fits(&open))
        err = EXAM_AUTH;
    open.boxed = false;
    if (err == EXAM_OK)
        *f = open;
    data_key_file_wipe(&open);
    return err;
}

void data_key_file_wipe(struct data_key_file *f)
{
    sodium_memzero(f, sizeof *f);
}

/* ---------------------------------------------------------------- reading */

static bool hex_take(const char *hex, uint8_t *out, size_t n)
{
    return key_text_hex(hex, strlen(hex), out, n);
}

struct texts {
    const char *format, *site, *id, *box, *key;
};

static exam_err texts_take(const struct texts *t, struct data_key_file *f, const char **what)
{
    *what = "it is of another format: use the tools of this version of the software";
    if (strcmp(t->format, format_name) != 0)
        return EXAM_VERSION;
    *what = "it has no value, or a wrong one, for its site, its id or its key";
    if (!hex_take(t->site, f->site_id, SITE_ID_BYTES) || !hex_take(t->id, f->id, DATA_ID_BYTES) ||
        (t->box == NULL) == (t->key == NULL))
        return EXAM_INVALID;
    f->boxed = t->box != NULL;
    if (f->boxed)
        return password_box_parse(t->box, &f->box) == EXAM_OK ? EXAM_OK : EXAM_INVALID;
    if (!hex_take(t->key, f->key, DATA_KEY_BYTES))
        return EXAM_INVALID;
    *what = "its key is not the one that it names";
    return key_fits(f) ? EXAM_OK : EXAM_INVALID;
}

exam_err data_key_file_parse(const char *text, size_t n, struct data_key_file *out, char *why,
                             size_t why_bytes)
{
    struct data_key_file f = {.boxed = false};
    struct texts t = {.box = NULL, .key = NULL};
    const char *what =
        "it is no data key: name the file data-key that `examctl site init` has made";
    exam_err err = EXAM_MALFORMED;
    json_t *root = NULL;

    if (n > DATA_KEY_FILE_BYTES_MAX)
        err = EXAM_TOO_BIG;
    else
        root = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    if (root != NULL &&
        json_unpack(root, "{s:s, s:s, s:s, s?s, s?s !}", "format", &t.format, "site", &t.site, "id",
                    &t.id, "box", &t.box, "key", &t.key) == 0) {
        err = texts_take(&t, &f, &what);
        key_text_forget(t.key);
    }
    json_decref(root);
    if (err == EXAM_OK)
        *out = f;
    else
        snprintf(why, why_bytes, "%s", what);
    data_key_file_wipe(&f);
    return err;
}

/* ---------------------------------------------------------------- writing */

exam_err data_key_file_format(const struct data_key_file *f, char out[DATA_KEY_FILE_BYTES_MAX],
                              size_t *n)
{
    char site[2 * SITE_ID_BYTES + 1], id[2 * DATA_ID_BYTES + 1];
    char secret[PASSWORD_BOX_TEXT_BYTES];
    const char *member = f->boxed ? "box" : "key";
    json_t *root;

    sodium_bin2hex(site, sizeof site, f->site_id, SITE_ID_BYTES);
    sodium_bin2hex(id, sizeof id, f->id, DATA_ID_BYTES);
    if (f->boxed)
        password_box_format(&f->box, secret);
    else
        sodium_bin2hex(secret, sizeof secret, f->key, DATA_KEY_BYTES);
    root = json_pack("{s:s, s:s, s:s, s:s}", "format", format_name, "site", site, "id", id, member,
                     secret);
    sodium_memzero(secret, sizeof secret);
    if (root == NULL)
        return EXAM_NOMEM;
    size_t bytes = json_dumpb(root, out, DATA_KEY_FILE_BYTES_MAX - 1, JSON_INDENT(2));
    key_text_forget(json_string_value(json_object_get(root, member)));
    json_decref(root);
    assert(bytes > 0 && bytes < DATA_KEY_FILE_BYTES_MAX);
    out[bytes] = '\n';
    *n = bytes + 1;
    return EXAM_OK;
}
