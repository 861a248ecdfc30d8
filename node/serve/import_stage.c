#include "import_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signed_command.h"

enum { PARTS_MAX = 65536 };

struct counting {
    ProtobufCAllocator pb;
    size_t used_bytes;
};

struct import_stage {
    struct counting memory;
    size_t frame_bytes;
    Admin__Request *begin;
    Admin__Request **parts;
    size_t parts_n, parts_max;
    uint32_t rooms_n, papers_n, chunks_n, sittings_n;
    char who[PERSON_BYTES_MAX + 1]; /* "": as the ImportBegin says */
    uint8_t digest[HASH_BYTES];
    struct exam_import whole;
    const Ev__RoomAdded **rooms;
    const Ev__PaperAdded **papers;
    const Ev__PaperChunk **chunks;
    struct exam_import_sitting *sittings;
};

/* Never gives back what single messages free: a stage is freed as a whole. What matters is the cap.
 */
static void *counting_alloc(void *ctx, size_t bytes)
{
    struct counting *m = ctx;
    if (bytes > IMPORT_DECODED_MAX - m->used_bytes)
        return NULL;
    m->used_bytes += bytes;
    return malloc(bytes);
}

static void counting_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

exam_err import_stage_new(const uint8_t *begin, size_t begin_bytes, struct import_stage **out)
{
    struct import_stage *g = calloc(1, sizeof *g);
    if (!g)
        return EXAM_NOMEM;
    g->memory.pb = (ProtobufCAllocator){
        .alloc = counting_alloc, .free = counting_free, .allocator_data = &g->memory};
    g->begin = admin__request__unpack(&g->memory.pb, begin_bytes, begin);
    if (!g->begin || g->begin->kind_case != ADMIN__REQUEST__KIND_IMPORT_BEGIN) {
        import_stage_free(g);
        return EXAM_MALFORMED;
    }
    signed_command_chain(g->digest, begin, begin_bytes);
    *out = g;
    return EXAM_OK;
}

void import_stage_free(struct import_stage *g)
{
    for (size_t i = 0; i < g->parts_n; i++)
        admin__request__free_unpacked(g->parts[i], &g->memory.pb);
    if (g->begin)
        admin__request__free_unpacked(g->begin, &g->memory.pb);
    free(g->parts);
    free(g->rooms);
    free(g->papers);
    free(g->chunks);
    free(g->sittings);
    free(g);
}

exam_err import_stage_add(struct import_stage *g, const uint8_t *request, size_t bytes)
{
    if (bytes > IMPORT_BYTES_MAX - g->frame_bytes || g->parts_n == PARTS_MAX)
        return EXAM_TOO_BIG;
    if (g->parts_n == g->parts_max) {
        size_t max = g->parts_max ? 2 * g->parts_max : 64;
        Admin__Request **p = realloc(g->parts, max * sizeof *p);
        if (!p)
            return EXAM_NOMEM;
        g->parts = p;
        g->parts_max = max;
    }
    Admin__Request *r = admin__request__unpack(&g->memory.pb, bytes, request);
    if (!r)
        return EXAM_TOO_BIG;
    signed_command_chain(g->digest, request, bytes);
    g->frame_bytes += bytes;
    g->parts[g->parts_n++] = r;
    const Admin__ImportPart *part = r->import_part;
    g->rooms_n += (uint32_t)part->n_rooms;
    g->sittings_n += (uint32_t)part->n_sittings;
    g->papers_n += part->paper != NULL;
    g->chunks_n += part->paper_chunk != NULL;
    return EXAM_OK;
}

static void stage_collect(struct import_stage *g)
{
    size_t rooms = 0, papers = 0, chunks = 0, sittings = 0;
    for (size_t i = 0; i < g->parts_n; i++) {
        const Admin__ImportPart *part = g->parts[i]->import_part;
        for (size_t k = 0; k < part->n_rooms; k++)
            g->rooms[rooms++] = part->rooms[k];
        for (size_t k = 0; k < part->n_sittings; k++)
            g->sittings[sittings++] = (struct exam_import_sitting){
                .sitting = part->sittings[k]->sitting, .line = part->sittings[k]->line};
        if (part->paper)
            g->papers[papers++] = part->paper;
        if (part->paper_chunk)
            g->chunks[chunks++] = part->paper_chunk;
    }
}

/* A paper with many items comes as several PaperAdded: count the papers, not the parts. */
static uint32_t stage_count_papers(const struct import_stage *g)
{
    uint32_t n = 0;
    for (size_t i = 0; i < g->papers_n; i++) {
        size_t k = 0;
        while (k < i && strcmp(g->papers[k]->paper, g->papers[i]->paper))
            k++;
        n += k == i;
    }
    return n;
}

void import_stage_by(struct import_stage *g, const char *who)
{
    snprintf(g->who, sizeof g->who, "%s", who);
}

const uint8_t *import_stage_digest(const struct import_stage *g)
{
    return g->digest;
}

/* The lists of the whole; they are made once. */
static exam_err stage_lists(struct import_stage *g)
{
    if (g->sittings)
        return EXAM_OK;
    g->rooms = calloc(g->rooms_n + 1, sizeof *g->rooms);
    g->papers = calloc(g->papers_n + 1, sizeof *g->papers);
    g->chunks = calloc(g->chunks_n + 1, sizeof *g->chunks);
    g->sittings = calloc(g->sittings_n + 1, sizeof *g->sittings);
    if (!g->rooms || !g->papers || !g->chunks || !g->sittings)
        return EXAM_NOMEM;
    stage_collect(g);
    return EXAM_OK;
}

exam_err import_stage_whole(struct import_stage *g, const Admin__ImportCommit *counts,
                            const struct exam_import **out)
{
    const Admin__ImportBegin *b = g->begin->import_begin;
    if (counts->rooms != g->rooms_n || counts->sittings != g->sittings_n ||
        (counts->batch[0] && strcmp(counts->batch, b->batch)))
        return EXAM_MALFORMED;
    exam_err err = stage_lists(g);
    if (err)
        return err;
    if (stage_count_papers(g) != counts->papers)
        return EXAM_MALFORMED;
    g->whole = (struct exam_import){
        .batch = b->batch,
        .title = b->title,
        .who = g->who[0] ? g->who : b->who,
        .allot_ms = b->allot_ms,
        .timing = b->timing,
        .grace_ms = b->grace_ms,
        .heartbeat_ms = b->heartbeat_ms,
        .entry_wall_ms = b->entry_wall_ms,
        .start_wall_ms = b->start_wall_ms,
        .rooms = g->rooms,
        .rooms_n = g->rooms_n,
        .papers = g->papers,
        .papers_n = g->papers_n,
        .chunks = g->chunks,
        .chunks_n = g->chunks_n,
        .sittings = g->sittings,
        .sittings_n = g->sittings_n,
    };
    *out = &g->whole;
    return EXAM_OK;
}
