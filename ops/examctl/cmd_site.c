/* The keys of a site: made, revoked, issued again, shown. No node is asked: what they are to
 * believe is a file that the site's authority has signed. */
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "codec.h"
#include "input_file.h"
#include "key_folder.h"
#include "report.h"
#include "roster_file.h"

static enum exit_code site_exit_code(exam_err err)
{
    switch (err) {
    case EXAM_OK:
        return EXIT_CODE_DONE;
    case EXAM_EXISTS:
    case EXAM_NOT_FOUND:
    case EXAM_REFUSED:
        return EXIT_CODE_REFUSED;
    case EXAM_IO:
    case EXAM_NOMEM:
    case EXAM_SYSTEM:
        return EXIT_CODE_INTERNAL;
    default:
        return EXIT_CODE_BAD_INPUT;
    }
}

/* ---------------------------------------------------------------- init */

static enum exit_code rooms_read(const struct options *o, struct room_list *rooms)
{
    struct problems problems;
    struct source_text source = {.file = o->rooms};
    char *bytes;
    exam_err err;

    problems_init(&problems);
    err = input_file_read(o->rooms, ROSTER_FILE_BYTES_MAX, &problems, &bytes, &source.bytes);
    if (err == EXAM_OK) {
        source.text = bytes;
        err = room_list_read(&source, &problems, rooms);
        free(bytes);
    }
    if (err == EXAM_OK && problems.n == 0)
        return EXIT_CODE_DONE;
    problems_print(&problems, stderr);
    report_error("no key was made");
    return err == EXAM_NOMEM ? EXIT_CODE_INTERNAL : EXIT_CODE_BAD_INPUT;
}

static exam_err issue_all(struct key_folder *f, enum key_kind kind, const struct name_list *names)
{
    exam_err err = EXAM_OK;

    for (size_t i = 0; i < names->n && err == EXAM_OK; i++)
        err = key_folder_issue(f, kind, names->at[i]);
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

enum exit_code cmd_site_init(const struct options *o)
{
    struct room_list rooms = {0};
    struct key_folder f;
    uint8_t site_id[SITE_ID_BYTES];
    enum exit_code exit_code;
    exam_err err;

    if (!site_id_take(o->site, site_id))
        return EXIT_CODE_USAGE;
    exit_code = rooms_read(o, &rooms);
    if (exit_code != EXIT_CODE_DONE) {
        room_list_free(&rooms);
        return exit_code;
    }
    err = key_folder_make(o->keys, o->site != NULL ? site_id : NULL, &f);
    if (err == EXAM_OK) {
        err = issue_all(&f, KEY_NODE, &o->node_names);
        if (err == EXAM_OK)
            err = issue_all(&f, KEY_PERSON, &o->persons);
        if (err == EXAM_OK)
            err = issue_seats(&f, &rooms);
        if (err == EXAM_OK)
            err = key_folder_commit(&f);
        if (err == EXAM_OK)
            tell_of(&f, o->keys, o->json);
        else
            report_error("%s is no site: remove the folder, and begin again", o->keys);
        key_folder_close(&f);
    }
    room_list_free(&rooms);
    return site_exit_code(err);
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
    err = key_folder_open(o->keys, true, &f);
    if (err != EXAM_OK)
        return site_exit_code(err);
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
    return site_exit_code(err);
}

enum exit_code cmd_site_issue(const struct options *o)
{
    enum key_kind kind;
    struct key_folder f;
    enum exit_code exit_code = kind_take(o, &kind);
    exam_err err;

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    err = key_folder_open(o->keys, true, &f);
    if (err != EXAM_OK)
        return site_exit_code(err);
    err = key_folder_issue(&f, kind, o->second);
    if (err == EXAM_OK)
        err = key_folder_commit(&f);
    if (err == EXAM_OK)
        tell_of(&f, "issued", o->json);
    key_folder_close(&f);
    return site_exit_code(err);
}

/* ---------------------------------------------------------------- show */

static enum exit_code show_json(const struct key_roster *r)
{
    char site[2 * SITE_ID_BYTES + 1], public[2 * KEY_BYTES + 1];
    json_t *keys = json_array(), *root;

    sodium_bin2hex(site, sizeof site, key_roster_site(r), SITE_ID_BYTES);
    for (size_t i = 0; i < key_roster_keys(r); i++) {
        const struct key_entry *e = key_roster_at(r, i);
        sodium_bin2hex(public, sizeof public, e->public, KEY_BYTES);
        json_array_append_new(keys, json_pack("{s:s, s:s, s:s, s:I}", "kind",
                                              key_kind_name(e->kind), "name", e->name, "public",
                                              public, "revoked", (json_int_t)e->revoked));
    }
    root = json_pack("{s:s, s:I, s:I, s:o}", "site", site, "version",
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

static void show_text(const struct key_roster *r)
{
    char site[2 * SITE_ID_BYTES + 1], public[17];

    sodium_bin2hex(site, sizeof site, key_roster_site(r), SITE_ID_BYTES);
    printf("site %s, roster %llu, rosters since %llu are let in\n\n", site,
           (unsigned long long)key_roster_version(r), (unsigned long long)key_roster_accepts(r));
    printf("%-8s%-34s%-20s%s\n", "KIND", "NAME", "KEY", "");
    for (size_t i = 0; i < key_roster_keys(r); i++) {
        const struct key_entry *e = key_roster_at(r, i);
        sodium_bin2hex(public, sizeof public, e->public, 8);
        printf("%-8s%-34s%-20s", key_kind_name(e->kind), e->name, public);
        if (e->revoked != 0)
            printf("revoked by roster %llu", (unsigned long long)e->revoked);
        putchar('\n');
    }
}

enum exit_code cmd_site_show(const struct options *o)
{
    struct key_folder f;
    enum exit_code exit_code = EXIT_CODE_DONE;
    exam_err err = key_folder_open(o->keys, false, &f);

    if (err != EXAM_OK)
        return site_exit_code(err);
    if (o->json)
        exit_code = show_json(f.roster);
    else
        show_text(f.roster);
    key_folder_close(&f);
    return exit_code;
}
