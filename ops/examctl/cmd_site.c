/* The keys of a site: made, revoked, issued again, shown. No node is asked: what they are to
 * believe is a file that the site's authority has signed. */
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "codec.h"
#include "data_key_store.h"
#include "key_folder.h"
#include "keyring.h"
#include "password.h"
#include "report.h"
#include "site_rooms.h"

/* ---------------------------------------------------------------- init */

static exam_err issue_all(struct key_folder *f, enum key_kind kind, const struct name_list *names)
{
    exam_err err = EXAM_OK;

    for (size_t i = 0; i < names->n && err == EXAM_OK; i++)
        err = key_folder_issue(f, kind, names->at[i]);
    return err;
}

/* R4: a key that somebody finds is of no use without its password. */
static exam_err person_issue(struct key_folder *f, const struct options *o,
                             struct key_folder_person *p)
{
    char prompt[64 + KEY_NAME_BYTES];
    struct password password = {.text = ""};
    exam_err err = EXAM_OK;

    if (!o->no_password) {
        snprintf(prompt, sizeof prompt, "A password for %s, chosen by them: ", p->name);
        err = password_choose(&o->password, prompt, &password);
        p->password = password.text;
    }
    if (err == EXAM_OK)
        err = key_folder_issue_person(f, p);
    p->password = NULL;
    password_wipe(&password);
    return err;
}

static exam_err issue_persons(struct key_folder *f, const struct options *o)
{
    exam_err err = EXAM_OK;

    for (size_t i = 0; i < o->persons.n && err == EXAM_OK; i++) {
        struct key_folder_person p = {.name = o->persons.at[i], .role = KEY_ROLE_ADMINISTRATOR};
        err = person_issue(f, o, &p);
    }
    return err;
}

static exam_err issue_seats(struct key_folder *f, const struct room_list *rooms)
{
    char name[NAME_BYTES_MAX + 16];
    exam_err err = EXAM_OK;

    for (size_t i = 0; i < rooms->n; i++)
        for (uint32_t k = 1; k <= rooms->rooms[i].seats && err == EXAM_OK; k++) {
            snprintf(name, sizeof name, "%s-%02u", rooms->rooms[i].name, k);
            if (!codec_name_ok(name)) {
                report_error("room '%s': its seats' names are longer than %d bytes",
                             rooms->rooms[i].name, NAME_BYTES_MAX);
                return EXAM_INVALID;
            }
            err = key_folder_issue(f, KEY_SEAT, name);
        }
    return err;
}

static void tell_of(const struct key_folder *f, const char *what, bool json)
{
    char site[2 * SITE_ID_BYTES + 1];

    sodium_bin2hex(site, sizeof site, key_roster_site(f->roster), SITE_ID_BYTES);
    if (json)
        printf("{\"done\": true, \"site\": \"%s\", \"version\": %llu, \"accepts\": %llu, "
               "\"keys\": %zu}\n",
               site, (unsigned long long)key_roster_version(f->roster),
               (unsigned long long)key_roster_accepts(f->roster), key_roster_keys(f->roster));
    else
        printf("%s: site %s, roster %llu with %zu keys\n", what, site,
               (unsigned long long)key_roster_version(f->roster), key_roster_keys(f->roster));
}

/* The id of a site that was founded without keys, as `examctl status` shows it. */
static bool site_id_take(const char *text, uint8_t out[SITE_ID_BYTES])
{
    const char *end;
    size_t n;

    if (text == NULL ||
        (sodium_hex2bin(out, SITE_ID_BYTES, text, strlen(text), NULL, &n, &end) == 0 &&
         n == SITE_ID_BYTES && *end == '\0'))
        return true;
    report_error("--site '%s' is no site's id; write the 32 digits that `examctl status` shows",
                 text);
    return false;
}

static exam_err folder_make(const struct options *o, const uint8_t *site_id, struct key_folder *f)
{
    struct password password = {.text = ""};
    exam_err err = EXAM_OK;

    if (!o->no_password)
        err = password_choose(
            &o->authority_password,
            "A password for the site's authority, whose key signs all others: ", &password);
    if (err == EXAM_OK)
        err = key_folder_make(o->keys, site_id, o->no_password ? NULL : password.text, f);
    password_wipe(&password);
    return err;
}

enum exit_code cmd_site_init(const struct options *o)
{
    struct room_list rooms = {0};
    struct key_folder f;
    uint8_t site_id[SITE_ID_BYTES];
    enum exit_code exit_code;
    exam_err err;

    if (!site_id_take(o->site, site_id))
        return EXIT_CODE_USAGE;
    exit_code = site_rooms_read(o->rooms, &rooms);
    if (exit_code != EXIT_CODE_DONE) {
        room_list_free(&rooms);
        return exit_code;
    }
    err = folder_make(o, o->site != NULL ? site_id : NULL, &f);
    if (err == EXAM_OK) {
        err = issue_all(&f, KEY_NODE, &o->node_names);
        if (err == EXAM_OK)
            err = issue_persons(&f, o);
        if (err == EXAM_OK && !o->no_seat_keys)
            err = issue_seats(&f, &rooms);
        if (err == EXAM_OK && !o->no_data_key)
            err = data_key_store_make(&f, &o->password, o->no_password);
        if (err == EXAM_OK)
            err = key_folder_commit(&f);
        if (err == EXAM_OK)
            tell_of(&f, o->keys, o->json);
        else
            report_error("%s is no site: remove the folder, and begin again", o->keys);
        key_folder_close(&f);
    }
    room_list_free(&rooms);
    return exit_code_of_keys(err);
}

/* ---------------------------------------------------------------- revoke, issue */

static enum exit_code kind_take(const struct options *o, enum key_kind *kind)
{
    if (key_kind_of(o->argument, kind) == EXAM_OK && *kind != KEY_AUTHORITY)
        return EXIT_CODE_DONE;
    report_error("'%s' has no keys; write node, seat or person", o->argument);
    return EXIT_CODE_USAGE;
}

enum exit_code cmd_site_revoke(const struct options *o)
{
    enum key_kind kind;
    struct key_folder f;
    enum exit_code exit_code = kind_take(o, &kind);
    exam_err err;

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    err = key_folder_open(o->keys, true, &o->authority_password, &f);
    if (err != EXAM_OK)
        return exit_code_of_keys(err);
    err = key_roster_revoke(f.roster, o->second, kind);
    if (err == EXAM_NOT_FOUND)
        report_error("no good key of a %s named %s is in the roster", o->argument, o->second);
    if (err == EXAM_OK)
        err = key_folder_commit(&f);
    if (err == EXAM_OK) {
        tell_of(&f, "revoked", o->json);
        fprintf(stderr,
                "Now replace the key-roster file of each server: it takes the new one within a "
                "second.\n%s",
                kind == KEY_NODE
                    ? "Seats and administrators need it, too: with an older one they are refused.\n"
                    : "");
    }
    key_folder_close(&f);
    return exit_code_of_keys(err);
}

/* A person's role and rooms, as far as they were given. */
static enum exit_code person_take(const struct options *o, struct name_list *rooms,
                                  struct key_folder_person *p)
{
    const char *bad;

    *p = (struct key_folder_person){.name = o->second, .role = KEY_ROLE_ADMINISTRATOR};
    if (o->role != NULL && key_role_of(o->role, &p->role) != EXAM_OK) {
        report_error("'%s' is no role; write administrator, invigilator, reviewer or office",
                     o->role);
        return EXIT_CODE_USAGE;
    }
    if (o->rooms == NULL)
        return EXIT_CODE_DONE;
    if (name_list_take(rooms, o->rooms, &bad) != EXAM_OK) {
        report_error("--rooms '%.*s' is no room; write their names with commas between them",
                     (int)strcspn(bad, ","), bad);
        return EXIT_CODE_USAGE;
    }
    p->rooms = rooms;
    return EXIT_CODE_DONE;
}

enum exit_code cmd_site_issue(const struct options *o)
{
    struct name_list rooms = {.n = 0};
    struct key_folder_person person;
    enum key_kind kind;
    struct key_folder f;
    enum exit_code exit_code = kind_take(o, &kind);
    exam_err err;

    if (exit_code == EXIT_CODE_DONE && kind != KEY_PERSON &&
        (o->role != NULL || o->rooms != NULL)) {
        report_error("a role is a person's: a %s has none", o->argument);
        exit_code = EXIT_CODE_USAGE;
    }
    if (exit_code == EXIT_CODE_DONE)
        exit_code = person_take(o, &rooms, &person);
    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    err = key_folder_open(o->keys, true, &o->authority_password, &f);
    if (err != EXAM_OK)
        return exit_code_of_keys(err);
    err = kind == KEY_PERSON ? person_issue(&f, o, &person) : key_folder_issue(&f, kind, o->second);
    if (err == EXAM_OK)
        err = key_folder_commit(&f);
    if (err == EXAM_OK)
        tell_of(&f, "issued", o->json);
    key_folder_close(&f);
    return exit_code_of_keys(err);
}

/* ---------------------------------------------------------------- passwd */

static exam_err password_change(const struct options *o, const char *path, const struct key_file *k)
{
    struct password chosen = {.text = ""};
    exam_err err = EXAM_OK;

    if (!o->no_password)
        err = password_choose(&o->new_password, "The new password: ", &chosen);
    if (err == EXAM_OK)
        err = key_folder_rewrite(path, k, o->no_password ? NULL : chosen.text);
    password_wipe(&chosen);
    return err;
}

enum exit_code cmd_site_passwd(const struct options *o)
{
    struct password_source now = o->password;
    const struct key_password password = {.ask = password_of_key, .ctx = &now};
    const char *path = o->key_file != NULL ? o->key_file : getenv("EXAMCTL_KEY_FILE");
    char why[KEYRING_WHY_BYTES] = "";
    struct key_file k;
    exam_err err;

    if (path == NULL || path[0] == '\0') {
        report_error("which key? Give --key-file FILE");
        return EXIT_CODE_USAGE;
    }
    if (sodium_init() < 0)
        return EXIT_CODE_INTERNAL;
    err = keyring_read_key(path, &password, &k, why, sizeof why);
    if (err != EXAM_OK) {
        report_error("%s", why);
        return exit_code_of_keys(err);
    }
    err = password_change(o, path, &k);
    key_file_wipe(&k);
    if (err == EXAM_OK && o->json)
        printf("{\"done\": true, \"password\": %s}\n", o->no_password ? "false" : "true");
    else if (err == EXAM_OK)
        printf("%s: %s\n", path,
               o->no_password ? "under no password any more" : "under its new password");
    return exit_code_of_keys(err);
}

/* ---------------------------------------------------------------- show */

/* "administrator", "invigilator of R101,R102"; of what is no person "". */
static const char *role_text(const struct key_entry *e, char *out, size_t bytes)
{
    size_t n = 0;

    out[0] = '\0';
    if (e->role == KEY_ROLE_NONE)
        return out;
    n = (size_t)snprintf(out, bytes, "%s", key_role_name(e->role));
    for (size_t i = 0; i < e->rooms_n && n < bytes; i++)
        n += (size_t)snprintf(out + n, bytes - n, "%s%s", i == 0 ? " of " : ",", e->rooms[i]);
    return out;
}

static json_t *rooms_json(const struct key_entry *e)
{
    json_t *rooms = json_array();

    for (size_t i = 0; i < e->rooms_n; i++)
        json_array_append_new(rooms, json_string(e->rooms[i]));
    return rooms;
}

static json_t *entry_json(const struct key_entry *e)
{
    char public[2 * KEY_BYTES + 1], sign[2 * KEY_BYTES + 1];
    json_t *entry;

    sodium_bin2hex(public, sizeof public, e->public, KEY_BYTES);
    sodium_bin2hex(sign, sizeof sign, e->sign_public, KEY_BYTES);
    entry = json_pack("{s:s, s:s, s:s, s:s, s:I}", "kind", key_kind_name(e->kind), "name", e->name,
                      "public", public, "sign", sign, "revoked", (json_int_t)e->revoked);
    if (entry != NULL && e->role != KEY_ROLE_NONE) {
        json_object_set_new(entry, "role", json_string(key_role_name(e->role)));
        json_object_set_new(entry, "rooms", rooms_json(e));
    }
    return entry;
}

static enum exit_code show_json(const struct key_roster *r, const struct key_file *authority)
{
    char site[2 * SITE_ID_BYTES + 1], public[2 * KEY_BYTES + 1];
    json_t *keys = json_array(), *root;

    sodium_bin2hex(site, sizeof site, key_roster_site(r), SITE_ID_BYTES);
    for (size_t i = 0; i < key_roster_keys(r); i++)
        json_array_append_new(keys, entry_json(key_roster_at(r, i)));
    sodium_bin2hex(public, sizeof public, authority->sign_public, KEY_BYTES);
    root = json_pack("{s:s, s:s, s:I, s:I, s:o}", "site", site, "authority", public, "version",
                     (json_int_t)key_roster_version(r), "accepts",
                     (json_int_t)key_roster_accepts(r), "keys", keys);
    if (root == NULL || json_dumpf(root, stdout, JSON_INDENT(2)) != 0) {
        report_error("no memory");
        json_decref(root);
        return EXIT_CODE_INTERNAL;
    }
    putchar('\n');
    json_decref(root);
    return EXIT_CODE_DONE;
}

static void show_text(const struct key_roster *r, const struct key_file *authority)
{
    char site[2 * SITE_ID_BYTES + 1], public[2 * KEY_BYTES + 1];
    char role[32 + KEY_ROOMS_MAX * KEY_NAME_BYTES];

    sodium_bin2hex(site, sizeof site, key_roster_site(r), SITE_ID_BYTES);
    printf("site %s, roster %llu, rosters since %llu are let in\n", site,
           (unsigned long long)key_roster_version(r), (unsigned long long)key_roster_accepts(r));
    sodium_bin2hex(public, sizeof public, authority->sign_public, KEY_BYTES);
    printf("authority %s\n\n", public);
    printf("%-8s%-34s%-20s%s\n", "KIND", "NAME", "KEY", "");
    for (size_t i = 0; i < key_roster_keys(r); i++) {
        const struct key_entry *e = key_roster_at(r, i);
        sodium_bin2hex(public, sizeof public, e->public, 8);
        printf("%-8s%-34s%-20s%s", key_kind_name(e->kind), e->name, public,
               role_text(e, role, sizeof role));
        if (e->revoked != 0)
            printf("%srevoked by roster %llu", role[0] != '\0' ? ", " : "",
                   (unsigned long long)e->revoked);
        putchar('\n');
    }
}

enum exit_code cmd_site_show(const struct options *o)
{
    struct key_folder f;
    enum exit_code exit_code = EXIT_CODE_DONE;
    exam_err err = key_folder_open(o->keys, false, &o->authority_password, &f);

    if (err != EXAM_OK)
        return exit_code_of_keys(err);
    if (o->json)
        exit_code = show_json(f.roster, &f.authority);
    else
        show_text(f.roster, &f.authority);
    key_folder_close(&f);
    return exit_code;
}
