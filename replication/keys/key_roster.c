#include "key_roster.h"

#include <assert.h>
#include <jansson.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "codec.h"
#include "key_text.h"

static const char format_name[] = "shunyan-roster-2";

enum {
    FORMAT_BYTES = sizeof format_name - 1,
    SIGNATURE_HEX_BYTES = 2 * crypto_sign_BYTES,
    HEAD_BYTES = FORMAT_BYTES + 1 + SIGNATURE_HEX_BYTES + 1,
};

/* A name of a kind, as one key of a table. */
struct named {
    char name[KEY_NAME_BYTES];
    uint8_t kind;
};

struct listed {
    struct key_entry entry;
    struct named named;
    UT_hash_handle by_key, by_sign, by_name;
};

struct key_roster {
    uint8_t site_id[SITE_ID_BYTES];
    uint64_t version, accepts;
    bool sealing;
    uint8_t data_id[DATA_ID_BYTES];
    struct listed *by_key, *by_sign, *by_name; /* by_name: the good ones */
    struct listed **at;
    size_t n, room;
};

static const char *const role_names[] = {
    [KEY_ROLE_NONE] = "none",
    [KEY_ROLE_ADMINISTRATOR] = "administrator",
    [KEY_ROLE_INVIGILATOR] = "invigilator",
    [KEY_ROLE_REVIEWER] = "reviewer",
    [KEY_ROLE_OFFICE] = "office",
};

const char *key_role_name(enum key_role role)
{
    return role >= KEY_ROLE_NONE && role <= KEY_ROLE_OFFICE ? role_names[role] : "unknown";
}

exam_err key_role_of(const char *name, enum key_role *out)
{
    for (int i = KEY_ROLE_ADMINISTRATOR; i <= KEY_ROLE_OFFICE; i++)
        if (strcmp(name, role_names[i]) == 0) {
            *out = (enum key_role)i;
            return EXAM_OK;
        }
    return EXAM_INVALID;
}

void key_entry_of(const struct key_file *k, struct key_entry *out)
{
    *out = (struct key_entry){.kind = k->kind};
    snprintf(out->name, sizeof out->name, "%s", k->name);
    memcpy(out->public, k->pair.public, KEY_BYTES);
    memcpy(out->sign_public, k->sign_public, KEY_BYTES);
}

bool key_entry_has_room(const struct key_entry *e, const char *room)
{
    for (size_t i = 0; i < e->rooms_n; i++)
        if (strcmp(e->rooms[i], room) == 0)
            return true;
    return false;
}

bool key_entry_role_fits(const struct key_entry *e)
{
    if ((e->kind == KEY_PERSON) != (e->role != KEY_ROLE_NONE) || e->rooms_n > KEY_ROOMS_MAX ||
        (e->role == KEY_ROLE_INVIGILATOR) != (e->rooms_n > 0))
        return false;
    for (size_t i = 0; i < e->rooms_n; i++) {
        if (!codec_name_ok(e->rooms[i]))
            return false;
        for (size_t k = 0; k < i; k++)
            if (strcmp(e->rooms[i], e->rooms[k]) == 0)
                return false;
    }
    return true;
}

exam_err key_entry_verify(const struct key_entry *e, const uint8_t site_id[SITE_ID_BYTES],
                          const char *context, const void *message, size_t n,
                          const uint8_t signature[KEY_SIGNATURE_BYTES])
{
    return key_verify(e->sign_public, site_id, context, message, n, signature);
}

exam_err key_roster_new(const uint8_t site_id[SITE_ID_BYTES], struct key_roster **out)
{
    struct key_roster *r = calloc(1, sizeof *r);

    if (r == NULL)
        return EXAM_NOMEM;
    memcpy(r->site_id, site_id, SITE_ID_BYTES);
    *out = r;
    return EXAM_OK;
}

void key_roster_free(struct key_roster *r)
{
    if (r == NULL)
        return;
    HASH_CLEAR(by_key, r->by_key);
    HASH_CLEAR(by_sign, r->by_sign);
    HASH_CLEAR(by_name, r->by_name);
    for (size_t i = 0; i < r->n; i++)
        free(r->at[i]);
    free(r->at);
    free(r);
}

const uint8_t *key_roster_site(const struct key_roster *r)
{
    return r->site_id;
}

const uint8_t *key_roster_data_id(const struct key_roster *r)
{
    return r->sealing ? r->data_id : NULL;
}

void key_roster_set_data_id(struct key_roster *r, const uint8_t id[DATA_ID_BYTES])
{
    r->sealing = true;
    memcpy(r->data_id, id, DATA_ID_BYTES);
}

uint64_t key_roster_version(const struct key_roster *r)
{
    return r->version;
}

uint64_t key_roster_accepts(const struct key_roster *r)
{
    return r->accepts;
}

size_t key_roster_keys(const struct key_roster *r)
{
    return r->n;
}

const struct key_entry *key_roster_at(const struct key_roster *r, size_t i)
{
    assert(i < r->n);
    return &r->at[i]->entry;
}

/* ---------------------------------------------------------------- entries */

static void named_make(struct named *out, enum key_kind kind, const char *name)
{
    memset(out, 0, sizeof *out); /* all of its bytes are hashed */
    snprintf(out->name, sizeof out->name, "%s", name);
    out->kind = (uint8_t)kind;
}

static struct listed *find_name(const struct key_roster *r, enum key_kind kind, const char *name)
{
    struct named key;
    struct listed *found;

    named_make(&key, kind, name);
    HASH_FIND(by_name, r->by_name, &key, sizeof key, found);
    return found;
}

const struct key_entry *key_roster_find_name(const struct key_roster *r, enum key_kind kind,
                                             const char *name)
{
    const struct listed *found = find_name(r, kind, name);

    return found == NULL ? NULL : &found->entry;
}

const struct key_entry *key_roster_find_key(const struct key_roster *r,
                                            const uint8_t public[KEY_BYTES])
{
    const struct listed *found;

    HASH_FIND(by_key, r->by_key, public, KEY_BYTES, found);
    return found == NULL ? NULL : &found->entry;
}

const struct key_entry *key_roster_find_sign(const struct key_roster *r,
                                             const uint8_t sign_public[KEY_BYTES])
{
    const struct listed *found;

    HASH_FIND(by_sign, r->by_sign, sign_public, KEY_BYTES, found);
    return found == NULL ? NULL : &found->entry;
}

static bool room_make(struct key_roster *r)
{
    size_t room = r->room == 0 ? 64 : 2 * r->room;
    struct listed **at;

    if (r->n < r->room)
        return true;
    at = realloc(r->at, room * sizeof *at);
    if (at == NULL)
        return false;
    r->at = at;
    r->room = room;
    return true;
}

static exam_err entry_list(struct key_roster *r, const struct key_entry *e)
{
    struct listed *l;

    if (key_roster_find_key(r, e->public) != NULL ||
        key_roster_find_sign(r, e->sign_public) != NULL)
        return EXAM_EXISTS;
    if (e->revoked == 0 && find_name(r, e->kind, e->name) != NULL)
        return EXAM_EXISTS;
    if (r->n == KEY_ROSTER_KEYS_MAX)
        return EXAM_FULL;
    l = room_make(r) ? calloc(1, sizeof *l) : NULL;
    if (l == NULL)
        return EXAM_NOMEM;
    l->entry = *e;
    named_make(&l->named, e->kind, e->name);
    r->at[r->n++] = l;
    HASH_ADD_KEYPTR(by_key, r->by_key, l->entry.public, KEY_BYTES, l);
    HASH_ADD_KEYPTR(by_sign, r->by_sign, l->entry.sign_public, KEY_BYTES, l);
    if (e->revoked == 0)
        HASH_ADD_KEYPTR(by_name, r->by_name, &l->named, sizeof l->named, l);
    return EXAM_OK;
}

void key_roster_next(struct key_roster *r)
{
    assert(r->version < INT64_MAX);
    r->version++;
    if (r->accepts == 0)
        r->accepts = r->version;
}

exam_err key_roster_add(struct key_roster *r, const struct key_entry *e)
{
    assert(codec_name_ok(e->name) && e->kind != KEY_AUTHORITY && r->version > 0);
    assert(key_entry_role_fits(e) && e->revoked == 0);
    return entry_list(r, e);
}

exam_err key_roster_revoke(struct key_roster *r, const char *name, enum key_kind kind)
{
    struct listed *l = find_name(r, kind, name);

    if (l == NULL)
        return EXAM_NOT_FOUND;
    HASH_DELETE(by_name, r->by_name, l);
    l->entry.revoked = r->version;
    if (kind == KEY_NODE)
        r->accepts = r->version;
    return EXAM_OK;
}

/* ---------------------------------------------------------------- reading */

struct reading {
    char *why;
    size_t why_bytes;
    bool any_site;
};

__attribute__((format(printf, 3, 4))) static exam_err no(const struct reading *g, exam_err err,
                                                         const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(g->why, g->why_bytes, format, ap);
    va_end(ap);
    return err;
}

/* The bytes that are signed, when they are. */
static exam_err signature_check(const struct reading *g, const char *text, size_t n,
                                const uint8_t authority[KEY_BYTES])
{
    uint8_t signature[crypto_sign_BYTES];

    if (n < HEAD_BYTES || memcmp(text, format_name, FORMAT_BYTES) != 0 ||
        text[FORMAT_BYTES] != ' ' || text[HEAD_BYTES - 1] != '\n' ||
        !key_text_hex(text + FORMAT_BYTES + 1, SIGNATURE_HEX_BYTES, signature, sizeof signature))
        return no(g, EXAM_MALFORMED, "it is no roster of keys of this version of the software");
    if (crypto_sign_verify_detached(signature, (const uint8_t *)text + HEAD_BYTES, n - HEAD_BYTES,
                                    authority) != 0)
        return no(g, EXAM_AUTH,
                  "it is not signed by this site's authority, or was changed: fetch it again from "
                  "where the site's keys are made");
    return EXAM_OK;
}

static bool rooms_take(json_t *rooms, struct key_entry *e)
{
    json_t *room;
    size_t i;

    if (rooms == NULL)
        return true;
    if (!json_is_array(rooms) || json_array_size(rooms) > KEY_ROOMS_MAX)
        return false;
    json_array_foreach(rooms, i, room)
    {
        if (!json_is_string(room) || !codec_name_ok(json_string_value(room)))
            return false;
        snprintf(e->rooms[e->rooms_n++], KEY_NAME_BYTES, "%s", json_string_value(room));
    }
    return true;
}

static exam_err entry_take(const struct reading *g, struct key_roster *r, json_t *item)
{
    const char *name, *kind, *public, *sign, *role = NULL;
    json_int_t revoked = 0;
    json_t *rooms = NULL;
    struct key_entry e = {.name = ""};
    exam_err err;

    if (json_unpack(item, "{s:s, s:s, s:s, s:s, s?s, s?o, s?I !}", "name", &name, "kind", &kind,
                    "public", &public, "sign", &sign, "role", &role, "rooms", &rooms, "revoked",
                    &revoked) != 0)
        return no(g, EXAM_INVALID, "key %zu is no key", r->n + 1);
    if (!codec_name_ok(name) || key_kind_of(kind, &e.kind) != EXAM_OK || e.kind == KEY_AUTHORITY ||
        !key_text_hex(public, strlen(public), e.public, KEY_BYTES) ||
        !key_text_hex(sign, strlen(sign), e.sign_public, KEY_BYTES) || revoked < 0 ||
        (uint64_t)revoked > r->version)
        return no(g, EXAM_INVALID, "key %zu has a value out of its range", r->n + 1);
    if ((role != NULL && key_role_of(role, &e.role) != EXAM_OK) || !rooms_take(rooms, &e) ||
        !key_entry_role_fits(&e))
        return no(g, EXAM_INVALID, "%s %s: its role, or that role's rooms, are none", kind, name);
    snprintf(e.name, sizeof e.name, "%s", name);
    e.revoked = (uint64_t)revoked;
    err = entry_list(r, &e);
    if (err != EXAM_OK)
        return no(g, err == EXAM_EXISTS ? EXAM_INVALID : err, "%s %s: %s", kind, name,
                  exam_err_text(err));
    return EXAM_OK;
}

static exam_err body_take(const struct reading *g, struct key_roster *r, json_t *root)
{
    const char *format, *site, *data = NULL;
    uint8_t site_id[SITE_ID_BYTES];
    json_int_t version, accepts;
    json_t *keys, *item;
    size_t i;

    if (json_unpack(root, "{s:s, s:s, s:I, s:I, s?s, s:o !}", "format", &format, "site", &site,
                    "version", &version, "accepts", &accepts, "data-key", &data, "keys",
                    &keys) != 0)
        return no(g, EXAM_MALFORMED, "its parts are not those of a roster of keys");
    if (strcmp(format, format_name) != 0)
        return no(g, EXAM_VERSION, "it is of another format");
    if (!key_text_hex(site, strlen(site), site_id, SITE_ID_BYTES) || !json_is_array(keys))
        return no(g, EXAM_INVALID, "its site or its list of keys is none");
    if (g->any_site)
        memcpy(r->site_id, site_id, SITE_ID_BYTES);
    if (memcmp(site_id, r->site_id, SITE_ID_BYTES) != 0)
        return no(g, EXAM_OTHER_SITE, "it is another site's");
    r->sealing = data != NULL;
    if (data != NULL && !key_text_hex(data, strlen(data), r->data_id, DATA_ID_BYTES))
        return no(g, EXAM_INVALID, "its data key has no such name");
    if (version < 1 || accepts < 1 || accepts > version)
        return no(g, EXAM_INVALID, "its versions are out of their range");
    r->version = (uint64_t)version;
    r->accepts = (uint64_t)accepts;
    json_array_foreach(keys, i, item)
    {
        exam_err err = entry_take(g, r, item);

        if (err != EXAM_OK)
            return err;
    }
    return EXAM_OK;
}

exam_err key_roster_parse(const char *text, size_t n, const uint8_t authority[KEY_BYTES],
                          const uint8_t site_id[SITE_ID_BYTES], struct key_roster **out, char *why,
                          size_t why_bytes)
{
    static const uint8_t not_known[SITE_ID_BYTES];
    const struct reading g = {.why = why, .why_bytes = why_bytes, .any_site = site_id == NULL};
    struct key_roster *r = NULL;
    json_t *root = NULL;
    exam_err err;

    if (n > KEY_ROSTER_BYTES_MAX)
        return no(&g, EXAM_TOO_BIG, "it is longer than any roster of keys");
    err = signature_check(&g, text, n, authority);
    if (err == EXAM_OK)
        err = key_roster_new(site_id != NULL ? site_id : not_known, &r);
    if (err != EXAM_OK)
        goto out;
    root = json_loadb(text + HEAD_BYTES, n - HEAD_BYTES, JSON_REJECT_DUPLICATES, NULL);
    err =
        root == NULL ? no(&g, EXAM_MALFORMED, "what is signed is no JSON") : body_take(&g, r, root);
    if (err == EXAM_OK) {
        *out = r;
        r = NULL;
    }
out:
    json_decref(root);
    key_roster_free(r);
    return err;
}

/* ---------------------------------------------------------------- writing */

static json_t *rooms_pack(const struct key_entry *e)
{
    json_t *rooms = json_array();

    for (size_t i = 0; rooms != NULL && i < e->rooms_n; i++)
        if (json_array_append_new(rooms, json_string(e->rooms[i])) != 0) {
            json_decref(rooms);
            return NULL;
        }
    return rooms;
}

static json_t *entry_pack(const struct key_entry *e)
{
    char public[2 * KEY_BYTES + 1], sign[2 * KEY_BYTES + 1];
    json_t *item;
    bool good;

    sodium_bin2hex(public, sizeof public, e->public, KEY_BYTES);
    sodium_bin2hex(sign, sizeof sign, e->sign_public, KEY_BYTES);
    item = json_pack("{s:s, s:s, s:s, s:s}", "name", e->name, "kind", key_kind_name(e->kind),
                     "public", public, "sign", sign);
    good = item != NULL;
    if (good && e->role != KEY_ROLE_NONE)
        good = json_object_set_new(item, "role", json_string(key_role_name(e->role))) == 0;
    if (good && e->rooms_n > 0)
        good = json_object_set_new(item, "rooms", rooms_pack(e)) == 0;
    if (good && e->revoked != 0)
        good = json_object_set_new(item, "revoked", json_integer((json_int_t)e->revoked)) == 0;
    if (good)
        return item;
    json_decref(item);
    return NULL;
}

static json_t *roster_pack(const struct key_roster *r)
{
    char site[2 * SITE_ID_BYTES + 1], data[2 * DATA_ID_BYTES + 1];
    json_t *keys = json_array();

    sodium_bin2hex(site, sizeof site, r->site_id, SITE_ID_BYTES);
    for (size_t i = 0; keys != NULL && i < r->n; i++)
        if (json_array_append_new(keys, entry_pack(&r->at[i]->entry)) != 0) {
            json_decref(keys);
            keys = NULL;
        }
    if (keys == NULL)
        return NULL;
    sodium_bin2hex(data, sizeof data, r->data_id, DATA_ID_BYTES);
    return json_pack("{s:s, s:s, s:I, s:I, s:s*, s:o}", "format", format_name, "site", site,
                     "version", (json_int_t)r->version, "accepts", (json_int_t)r->accepts,
                     "data-key", r->sealing ? data : NULL, "keys", keys);
}

static void sign(const struct key_file *authority, const char *body, size_t n,
                 char out[SIGNATURE_HEX_BYTES + 1])
{
    uint8_t signature[crypto_sign_BYTES];

    assert(authority->kind == KEY_AUTHORITY);
    crypto_sign_detached(signature, NULL, (const uint8_t *)body, n, authority->sign_secret);
    sodium_bin2hex(out, SIGNATURE_HEX_BYTES + 1, signature, sizeof signature);
}

exam_err key_roster_format(const struct key_roster *r, const struct key_file *authority, char **out,
                           size_t *n)
{
    json_t *root = roster_pack(r);
    char *body = root == NULL ? NULL : json_dumps(root, JSON_INDENT(1));
    char signature[SIGNATURE_HEX_BYTES + 1], *text = NULL;
    exam_err err = EXAM_NOMEM;
    size_t body_bytes;

    json_decref(root);
    if (body == NULL)
        return EXAM_NOMEM;
    body_bytes = strlen(body);
    if (HEAD_BYTES + body_bytes + 1 > KEY_ROSTER_BYTES_MAX) {
        err = EXAM_TOO_BIG;
        goto out;
    }
    body[body_bytes] = '\n'; /* a text ends with a line: signed, too */
    text = malloc(HEAD_BYTES + body_bytes + 2);
    if (text == NULL)
        goto out;
    sign(authority, body, body_bytes + 1, signature);
    snprintf(text, HEAD_BYTES + 1, "%s %s\n", format_name, signature);
    memcpy(text + HEAD_BYTES, body, body_bytes + 1);
    text[HEAD_BYTES + body_bytes + 1] = '\0';
    *out = text;
    *n = HEAD_BYTES + body_bytes + 1;
    err = EXAM_OK;
out:
    free(body);
    return err;
}
