#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "cluster.h"
#include "command.h"
#include "import_files.h"
#include "package_file.h"
#include "progress.h"
#include "report.h"
#include "second.h"

/* How many of each go into one frame: far below FRAME_BYTES_MAX whatever the texts. */
enum { SITTINGS_PER_PART = 100, ITEMS_PER_PART = 200 };

/* An import on its way to a node. */
struct import_sender {
    const struct options *o;
    const struct import_files *files;
    struct cluster_node *node;
    struct progress progress;
};

/* ---------------------------------------------------------------- sending */

static enum exit_code request_send(struct import_sender *s, Admin__Request *request, bool act,
                                   const Admin__Reply **reply)
{
    exam_err err = admin_client_ask(s->node->client, request, reply);
    const char *name = admin_client_node(s->node->client);

    if (err != EXAM_OK)
        return cluster_report_lost(s->node, err, act);
    if ((*reply)->kind_case == ADMIN__REPLY__KIND_DONE)
        return EXIT_CODE_DONE;
    if (act && (*reply)->kind_case == ADMIN__REPLY__KIND_PROPOSED)
        return EXIT_CODE_DONE;
    if ((*reply)->kind_case == ADMIN__REPLY__KIND_REFUSED)
        return report_refusal(name, (*reply)->refused,
                              import_files_source(s->files, IMPORT_ROSTER).file);
    report_error("node %s sent a reply that does not fit the request", name);
    return EXIT_CODE_PROTOCOL;
}

static enum exit_code part_send(struct import_sender *s, Admin__ImportPart *part)
{
    Admin__Request request = ADMIN__REQUEST__INIT;
    const Admin__Reply *reply;
    enum exit_code exit_code;

    request.kind_case = ADMIN__REQUEST__KIND_IMPORT_PART;
    request.import_part = part;
    exit_code = request_send(s, &request, false, &reply);
    progress_step(&s->progress, 1);
    return exit_code;
}

static enum exit_code begin_send(struct import_sender *s)
{
    struct batch_settings settings = s->files->settings;
    Admin__ImportBegin begin = ADMIN__IMPORT_BEGIN__INIT;
    Admin__Request request = ADMIN__REQUEST__INIT;
    char who[PERSON_BYTES_MAX + 1];
    const Admin__Reply *reply;

    snprintf(who, sizeof who, "%s", s->o->who);
    begin.batch = settings.batch;
    begin.title = settings.title;
    begin.who = who;
    begin.allot_ms = settings.allot_ms;
    begin.timing = settings.timing;
    begin.grace_ms = settings.grace_ms;
    begin.entry_wall_ms = settings.entry_wall_ms;
    request.kind_case = ADMIN__REQUEST__KIND_IMPORT_BEGIN;
    request.import_begin = &begin;
    return request_send(s, &request, false, &reply);
}

static enum exit_code rooms_send(struct import_sender *s, const struct room_list *rooms)
{
    Admin__ImportPart part = ADMIN__IMPORT_PART__INIT;
    Ev__RoomAdded room[ROOMS_MAX];
    Ev__RoomAdded *list[ROOMS_MAX];

    for (size_t i = 0; i < rooms->n; i++) {
        ev__room_added__init(&room[i]);
        room[i].room = rooms->rooms[i].name;
        room[i].seats = rooms->rooms[i].seats;
        list[i] = &room[i];
    }
    part.rooms = list;
    part.n_rooms = rooms->n;
    return part_send(s, &part);
}

/* The items by name, in as many parts as they need. */
static enum exit_code items_send(struct import_sender *s, struct paper *paper,
                                 const struct source_text *text)
{
    uint8_t digest[HASH_BYTES];
    enum exit_code exit_code = EXIT_CODE_DONE;

    crypto_generichash(digest, sizeof digest, (const uint8_t *)text->text, text->bytes, NULL, 0);
    for (size_t at = 0; at < paper->items_n && exit_code == EXIT_CODE_DONE; at += ITEMS_PER_PART) {
        size_t left = paper->items_n - at;
        size_t n = left < ITEMS_PER_PART ? left : ITEMS_PER_PART;
        Admin__ImportPart part = ADMIN__IMPORT_PART__INIT;
        Ev__PaperAdded added = EV__PAPER_ADDED__INIT;
        Ev__Item item[ITEMS_PER_PART];
        Ev__Item *list[ITEMS_PER_PART];

        for (size_t i = 0; i < n; i++) {
            ev__item__init(&item[i]);
            item[i].id = paper->items[at + i].id;
            item[i].kind = paper->items[at + i].kind;
            item[i].subject = paper->items[at + i].subject;
            list[i] = &item[i];
        }
        added.paper = paper->id;
        added.title = paper->title;
        added.bytes = (uint32_t)text->bytes;
        added.digest = (ProtobufCBinaryData){.len = sizeof digest, .data = digest};
        added.minutes = paper->minutes;
        added.items = list;
        added.n_items = n;
        part.paper = &added;
        exit_code = part_send(s, &part);
    }
    return exit_code;
}

static enum exit_code chunks_send(struct import_sender *s, struct paper *paper,
                                  const struct source_text *text)
{
    uint8_t chunk_bytes[PAPER_CHUNK_BYTES_MAX];
    enum exit_code exit_code = EXIT_CODE_DONE;

    for (size_t at = 0; at < text->bytes && exit_code == EXIT_CODE_DONE;
         at += PAPER_CHUNK_BYTES_MAX) {
        size_t left = text->bytes - at;
        size_t n = left < PAPER_CHUNK_BYTES_MAX ? left : PAPER_CHUNK_BYTES_MAX;
        Admin__ImportPart part = ADMIN__IMPORT_PART__INIT;
        Ev__PaperChunk chunk = EV__PAPER_CHUNK__INIT;

        memcpy(chunk_bytes, text->text + at, n);
        chunk.paper = paper->id;
        chunk.offset = (uint32_t)at;
        chunk.data = (ProtobufCBinaryData){.len = n, .data = chunk_bytes};
        part.paper_chunk = &chunk;
        exit_code = part_send(s, &part);
    }
    return exit_code;
}

static enum exit_code sittings_send(struct import_sender *s, const struct roster *roster)
{
    enum exit_code exit_code = EXIT_CODE_DONE;

    for (size_t at = 0; at < roster->n && exit_code == EXIT_CODE_DONE; at += SITTINGS_PER_PART) {
        size_t left = roster->n - at;
        size_t n = left < SITTINGS_PER_PART ? left : SITTINGS_PER_PART;
        Admin__ImportPart part = ADMIN__IMPORT_PART__INIT;
        Ev__NewSitting sitting[SITTINGS_PER_PART];
        Admin__ImportSitting row[SITTINGS_PER_PART];
        Admin__ImportSitting *list[SITTINGS_PER_PART];

        for (size_t i = 0; i < n; i++) {
            struct candidate *c = &roster->candidates[at + i];

            ev__new_sitting__init(&sitting[i]);
            sitting[i].admission_no = c->admission_no;
            sitting[i].id_no = c->id_no;
            sitting[i].name = c->name;
            sitting[i].seat = c->seat;
            sitting[i].paper = c->paper;
            sitting[i].extra_ms = (uint64_t)c->extra_minutes * 60000;
            admin__import_sitting__init(&row[i]);
            row[i].line = c->line;
            row[i].sitting = &sitting[i];
            list[i] = &row[i];
        }
        part.sittings = list;
        part.n_sittings = n;
        exit_code = part_send(s, &part);
    }
    return exit_code;
}

static enum exit_code commit_send(struct import_sender *s, const struct import_files *f)
{
    char batch[NAME_BYTES_MAX + 1];
    Admin__ImportCommit commit = ADMIN__IMPORT_COMMIT__INIT;
    Admin__Request request = ADMIN__REQUEST__INIT;
    const Admin__Reply *reply;
    enum exit_code exit_code;

    snprintf(batch, sizeof batch, "%s", f->settings.batch);
    commit.batch = batch;
    commit.rooms = (uint32_t)f->rooms.n;
    commit.papers = (uint32_t)f->papers_n;
    commit.sittings = (uint32_t)f->roster.n;
    request.kind_case = ADMIN__REQUEST__KIND_IMPORT_COMMIT;
    request.import_commit = &commit;
    exit_code = request_send(s, &request, true, &reply);
    progress_end(&s->progress);
    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    if (reply->kind_case == ADMIN__REPLY__KIND_PROPOSED)
        return second_after(s->node, reply->proposed);
    return report_done(admin_client_node(s->node->client), reply->done, s->o->json);
}

static uint64_t parts_count(const struct import_files *f)
{
    uint64_t n = 1 + (f->roster.n + SITTINGS_PER_PART - 1) / SITTINGS_PER_PART;

    for (size_t i = 0; i < f->papers_n; i++) {
        n += (f->papers[i].items_n + ITEMS_PER_PART - 1) / ITEMS_PER_PART;
        n += (f->texts.at[IMPORT_PAPERS + i].n + PAPER_CHUNK_BYTES_MAX - 1) / PAPER_CHUNK_BYTES_MAX;
    }
    return n;
}

/* Staged part by part; the node takes it as a whole at the commit, or not at all. */
static enum exit_code import_send(struct import_sender *s, struct import_files *f)
{
    enum exit_code exit_code = begin_send(s);

    progress_begin(&s->progress, "importing, parts sent", parts_count(f));
    if (exit_code == EXIT_CODE_DONE)
        exit_code = rooms_send(s, &f->rooms);
    for (size_t i = 0; i < f->papers_n && exit_code == EXIT_CODE_DONE; i++) {
        struct source_text text = import_files_source(f, IMPORT_PAPERS + i);

        exit_code = items_send(s, &f->papers[i], &text);
        if (exit_code == EXIT_CODE_DONE)
            exit_code = chunks_send(s, &f->papers[i], &text);
    }
    if (exit_code == EXIT_CODE_DONE)
        exit_code = sittings_send(s, &f->roster);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = commit_send(s, f);
    progress_end(&s->progress);
    return exit_code;
}

enum exit_code cmd_import(const struct options *o)
{
    struct import_files *f = import_files_new();
    struct import_sender sender = {.o = o, .files = f};
    struct cluster cluster;
    enum exit_code exit_code;

    if (f == NULL || sodium_init() < 0) {
        import_files_free(f);
        report_error("%s", exam_err_text(EXAM_NOMEM));
        return EXIT_CODE_INTERNAL;
    }
    exit_code =
        o->package != NULL ? package_file_import(o, f) : import_files_take(o, "imported", f);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = cluster_open_primary(o, &cluster, &sender.node);
    if (exit_code == EXIT_CODE_DONE) {
        exit_code = import_send(&sender, f);
        cluster_close(&cluster);
    }
    import_files_free(f);
    return exit_code;
}
