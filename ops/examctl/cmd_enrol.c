/* Seats enrol by codes: the administrator's side (P1). */
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "command.h"
#include "enrol_server.h"
#include "key_folder.h"
#include "report.h"
#include "site_rooms.h"

enum { MINUTES_DEFAULT = 30, MINUTE_MS = 60000 };

static const char listen_default[] = "0.0.0.0:7103";

static void seat_name(const struct room *room, uint32_t k, char out[NAME_BYTES_MAX + 16])
{
    snprintf(out, NAME_BYTES_MAX + 16, "%s-%02u", room->name, k);
}

static exam_err code_make(const struct key_folder *f, struct enrol_book *b, const char *seat,
                          uint64_t until_ms)
{
    uint8_t chance[ENROL_SECRET_BYTES + 2];
    const struct enrol_entry *e;

    if (!codec_name_ok(seat)) {
        report_error("seat '%s': its name is longer than %d bytes", seat, NAME_BYTES_MAX);
        return EXAM_INVALID;
    }
    if (key_roster_find_name(f->roster, KEY_SEAT, seat) != NULL) {
        fprintf(stderr, "%s has a key, and gets no code; revoke that one first\n", seat);
        return EXAM_OK;
    }
    randombytes_buf(chance, sizeof chance);
    exam_err err = enrol_book_add(b, seat, until_ms, chance, &e);
    sodium_memzero(chance, sizeof chance);
    if (err == EXAM_FULL)
        report_error("more than %d codes at once; take fewer rooms", ENROL_CODES_MAX);
    return err;
}

/* Of all seats of the room of that name, or of the one seat. */
static exam_err codes_make(const struct options *o, const struct room_list *rooms,
                           const struct key_folder *f, struct enrol_book *b, uint64_t until_ms)
{
    char seat[NAME_BYTES_MAX + 16];
    bool found = false;
    exam_err err = EXAM_OK;

    for (size_t i = 0; i < rooms->n; i++)
        for (uint32_t k = 1; k <= rooms->rooms[i].seats && err == EXAM_OK; k++) {
            seat_name(&rooms->rooms[i], k, seat);
            if (strcmp(rooms->rooms[i].name, o->argument) != 0 && strcmp(seat, o->argument) != 0)
                continue;
            found = true;
            err = code_make(f, b, seat, until_ms);
        }
    if (err == EXAM_OK && !found) {
        report_error("%s has no room or seat '%s'", o->rooms, o->argument);
        return EXAM_NOT_FOUND;
    }
    return err;
}

/* ---------------------------------------------------------------- what is shown */

static void codes_show(const struct enrol_book *b, const char *at, uint32_t minutes)
{
    char text[ENROL_CODE_TEXT_BYTES];

    printf("%-34s%s\n", "SEAT", "CODE");
    for (size_t i = 0; i < b->n; i++) {
        enrol_code_text(&b->entries[i].code, text);
        printf("%-34s%s\n", b->entries[i].name, text);
    }
    fflush(stdout);
    fprintf(stderr,
            "At each seat, within %u minutes: examseat-enrol THIS-MACHINE CODE FOLDER (port %s). "
            "Ctrl-C voids what is left.\n",
            minutes, strrchr(at, ':') + 1);
}

static void codes_show_json(const struct enrol_book *b, const char *at, uint32_t minutes)
{
    json_t *codes = json_array();
    char text[ENROL_CODE_TEXT_BYTES];

    for (size_t i = 0; i < b->n; i++) {
        enrol_code_text(&b->entries[i].code, text);
        json_array_append_new(codes,
                              json_pack("{s:s, s:s}", "seat", b->entries[i].name, "code", text));
    }
    json_t *root =
        json_pack("{s:s, s:i, s:o}", "listen", at, "minutes", (int)minutes, "codes", codes);
    json_dumpf(root, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(root);
}

static enum exit_code result_show(const struct enrol_book *b, const struct key_folder *f, bool json)
{
    size_t stored = 0, unsure = 0;

    for (size_t i = 0; i < b->n; i++) {
        stored += b->entries[i].state == ENROL_STORED;
        unsure += b->entries[i].state == ENROL_USED;
        if (b->entries[i].state == ENROL_USED)
            fprintf(stderr,
                    "%s was let in, and has not said that it has its key: if it has none, revoke "
                    "it and enrol it again\n",
                    b->entries[i].name);
    }
    if (json)
        printf("{\"done\": true, \"version\": %llu, \"enrolled\": %zu, \"unsure\": %zu, \"left\": "
               "%zu}\n",
               (unsigned long long)key_roster_version(f->roster), stored, unsure,
               b->n - stored - unsure);
    else
        printf("%zu of %zu seats have enrolled: roster %llu\n", stored, b->n,
               (unsigned long long)key_roster_version(f->roster));
    if (stored + unsure > 0)
        fprintf(stderr, "Now replace the key-roster file of each server: it takes the new one "
                        "within a second, and lets these seats in.\n");
    return stored == b->n ? EXIT_CODE_DONE : EXIT_CODE_REFUSED;
}

/* ---------------------------------------------------------------- the command */

static enum exit_code enrol(const struct options *o, struct key_folder *f, struct enrol_book *b)
{
    const char *at = o->listen != NULL ? o->listen : listen_default;
    uint32_t minutes = o->minutes != 0 ? o->minutes : MINUTES_DEFAULT;
    struct room_list rooms = {0};
    struct enrol_server *s = NULL;
    uint64_t until_ms = enrol_server_now_ms() + (uint64_t)minutes * MINUTE_MS;
    enum exit_code exit_code = site_rooms_read(o->rooms, &rooms);
    exam_err err = EXAM_OK;

    if (exit_code == EXIT_CODE_DONE)
        err = codes_make(o, &rooms, f, b, until_ms);
    room_list_free(&rooms);
    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    if (err == EXAM_OK && b->n == 0)
        return EXIT_CODE_REFUSED; /* it was said why */
    if (err == EXAM_OK)
        err = enrol_server_open(at, f, b, &s);
    if (err != EXAM_OK)
        return err == EXAM_NOT_FOUND ? EXIT_CODE_BAD_INPUT : exit_code_of(err, 0);
    if (o->json)
        codes_show_json(b, at, minutes);
    else
        codes_show(b, at, minutes);
    enrol_server_run(s);
    enrol_server_close(s);
    return result_show(b, f, o->json);
}

enum exit_code cmd_site_enrol(const struct options *o)
{
    static struct enrol_book book; /* secrets: one place, wiped */
    struct key_folder f;
    enum exit_code exit_code;
    exam_err err = key_folder_open(o->keys, false, &o->authority_password, &f);

    if (err != EXAM_OK)
        return exit_code_of_keys(err);
    exit_code = enrol(o, &f, &book);
    enrol_book_wipe(&book);
    key_folder_close(&f);
    return exit_code;
}
