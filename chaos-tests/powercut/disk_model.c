#include "disk_model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

enum {
    ALL_SHARE = 16,  /* so many times `samples` outcomes are tried one by one */
    SUBSETS_MAX = 6, /* writes of which every subset is tried */
};

/* One content that a sector had since it was last certain. */
struct version {
    uint64_t write;
    uint8_t bytes[SECTOR_BYTES];
    size_t end; /* of what is written in it: the file may end there */
};

/* A sector that is uncertain; its versions are numbered from 1 in the order of the writes. */
struct pending {
    uint64_t sector;
    size_t *versions; /* indices in d->versions */
    size_t versions_n, versions_max;
    size_t choice; /* of the outcome in the making; 0: the certain content */
};

struct disk {
    enum disk_lies lies;
    uint8_t *sure; /* the certain content */
    size_t sure_bytes, sure_max;
    struct pending *pending;
    size_t pending_n, pending_max;
    struct version *versions;
    size_t versions_n, versions_max;
    uint64_t write, first_write; /* numbers of the newest write, and of the oldest uncertain one */
    uint8_t *out;
    size_t out_max;
};

static void *grow(void *block, size_t *max, size_t need, size_t item_bytes)
{
    if (need <= *max)
        return block;
    size_t was = *max;
    while (*max < need)
        *max = *max ? *max * 2 : 64;
    uint8_t *p = realloc(block, *max * item_bytes);
    if (!p)
        abort();
    memset(p + was * item_bytes, 0, (*max - was) * item_bytes);
    return p;
}

struct disk *disk_new(void)
{
    struct disk *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    return d;
}

void disk_lie(struct disk *d, enum disk_lies lies)
{
    d->lies = lies;
}

void disk_free(struct disk *d)
{
    for (size_t i = 0; i < d->pending_max; i++)
        free(d->pending[i].versions);
    free(d->pending);
    free(d->versions);
    free(d->sure);
    free(d->out);
    free(d);
}

/* ---------------------------------------------------------------- operations */

static struct pending *pending_of(struct disk *d, uint64_t sector)
{
    for (size_t i = 0; i < d->pending_n; i++)
        if (d->pending[i].sector == sector)
            return &d->pending[i];
    d->pending = grow(d->pending, &d->pending_max, d->pending_n + 1, sizeof *d->pending);
    struct pending *p = &d->pending[d->pending_n++];
    p->sector = sector;
    p->versions_n = 0;
    return p;
}

/* What the page cache has for the sector: the write goes over that. */
static void newest_content(const struct disk *d, const struct pending *p, struct version *out)
{
    memset(out->bytes, 0, sizeof out->bytes);
    out->end = 0;
    if (p->versions_n) {
        const struct version *v = &d->versions[p->versions[p->versions_n - 1]];
        memcpy(out->bytes, v->bytes, sizeof out->bytes);
        out->end = v->end;
        return;
    }
    size_t at = p->sector * SECTOR_BYTES;
    if (at >= d->sure_bytes)
        return;
    out->end = d->sure_bytes - at < SECTOR_BYTES ? d->sure_bytes - at : SECTOR_BYTES;
    memcpy(out->bytes, d->sure + at, out->end);
}

static void write_sector(struct disk *d, uint64_t sector, size_t at, const uint8_t *bytes, size_t n)
{
    struct pending *p = pending_of(d, sector);
    struct version v = {.write = d->write};
    newest_content(d, p, &v);
    memcpy(v.bytes + at, bytes, n);
    if (at + n > v.end)
        v.end = at + n;
    d->versions = grow(d->versions, &d->versions_max, d->versions_n + 1, sizeof *d->versions);
    d->versions[d->versions_n] = v;
    p->versions = grow(p->versions, &p->versions_max, p->versions_n + 1, sizeof *p->versions);
    p->versions[p->versions_n++] = d->versions_n++;
}

void disk_begin(struct disk *d, const struct tape *t, const struct tape_op *op)
{
    if (op->kind != TAPE_WRITE)
        return;
    if (!d->pending_n)
        d->first_write = d->write + 1;
    d->write++;
    const uint8_t *bytes = t->bytes + op->bytes_at;
    for (uint64_t at = op->at, end = op->at + op->bytes; at < end;) {
        size_t in = (size_t)(at % SECTOR_BYTES);
        size_t n = SECTOR_BYTES - in < end - at ? SECTOR_BYTES - in : (size_t)(end - at);
        write_sector(d, at / SECTOR_BYTES, in, bytes, n);
        bytes += n;
        at += n;
    }
}

static void make_sure(struct disk *d, const struct pending *p)
{
    const struct version *v = &d->versions[p->versions[p->versions_n - 1]];
    size_t at = p->sector * SECTOR_BYTES;
    d->sure = grow(d->sure, &d->sure_max, at + SECTOR_BYTES, 1);
    memcpy(d->sure + at, v->bytes, SECTOR_BYTES);
    if (at + v->end > d->sure_bytes)
        d->sure_bytes = at + v->end;
}

/* The sector's older versions go with it: the newest one is certain. */
static void forget(struct disk *d, struct pending *p)
{
    struct pending last = d->pending[--d->pending_n];
    d->pending[d->pending_n] = *p; /* keeps its memory */
    *p = last;
    if (!d->pending_n)
        d->versions_n = 0;
}

void disk_end(struct disk *d, const struct tape_op *op)
{
    bool all = op->kind == TAPE_FLUSH && d->lies == DISK_HONEST;
    bool own = op->kind == TAPE_WRITE && op->synced && d->lies != DISK_LIES_ALWAYS;
    uint64_t first = op->at / SECTOR_BYTES,
             end = (op->at + op->bytes + SECTOR_BYTES - 1) / SECTOR_BYTES;
    for (size_t i = d->pending_n; (all || own) && i-- > 0;) {
        struct pending *p = &d->pending[i];
        if (!all && (p->sector < first || p->sector >= end))
            continue;
        make_sure(d, p);
        forget(d, p);
    }
}

size_t disk_pending_sectors(const struct disk *d)
{
    return d->pending_n;
}

size_t disk_pending_writes(const struct disk *d)
{
    return d->pending_n ? (size_t)(d->write - d->first_write + 1) : 0;
}

/* ---------------------------------------------------------------- outcomes */

/* The number of all outcomes; 0: more than `most`. */
static uint64_t outcomes_all(const struct disk *d, uint64_t most)
{
    uint64_t n = 1;
    for (size_t i = 0; i < d->pending_n && n <= most; i++)
        n *= d->pending[i].versions_n + 1;
    return n <= most ? n : 0;
}

static uint64_t subsets_of(const struct disk *d)
{
    size_t writes = disk_pending_writes(d);
    return writes <= SUBSETS_MAX ? (uint64_t)1 << writes : 2; /* 2: none, all */
}

bool disk_tries_all(const struct disk *d, uint64_t samples)
{
    return outcomes_all(d, ALL_SHARE * samples) > 0;
}

uint64_t disk_outcomes(const struct disk *d, uint64_t samples)
{
    uint64_t all = outcomes_all(d, ALL_SHARE * samples);
    return all ? all : subsets_of(d) + 2 * samples;
}

/* Chooses each sector's newest version among the writes that `takes` takes; else the certain one.
 */
static void choose_writes(struct disk *d, bool (*takes)(uint64_t write, uint64_t arg), uint64_t arg)
{
    for (size_t i = 0; i < d->pending_n; i++) {
        struct pending *p = &d->pending[i];
        p->choice = p->versions_n;
        while (p->choice &&
               !takes(d->versions[p->versions[p->choice - 1]].write - d->first_write, arg))
            p->choice--;
    }
}

static bool takes_of_mask(uint64_t write, uint64_t mask)
{
    return write < 64 ? mask >> write & 1 : mask == UINT64_MAX;
}

static bool takes_up_to(uint64_t write, uint64_t last)
{
    return write <= last;
}

static void choose_nth(struct disk *d, uint64_t i)
{
    for (size_t at = 0; at < d->pending_n; at++) {
        struct pending *p = &d->pending[at];
        p->choice = (size_t)(i % (p->versions_n + 1));
        i /= p->versions_n + 1;
    }
}

/* The writes went out in order, and the power went in the middle of one of them. */
static void choose_tear(struct disk *d, uint64_t *rnd)
{
    uint64_t torn = random_below(rnd, disk_pending_writes(d));
    choose_writes(d, takes_up_to, torn);
    for (size_t i = 0; i < d->pending_n; i++) {
        struct pending *p = &d->pending[i];
        if (p->choice && d->versions[p->versions[p->choice - 1]].write - d->first_write == torn)
            p->choice -= random_below(rnd, 2);
    }
}

/* Each sector for itself, and any of its versions; few of them, half of them, or most. */
static void choose_random(struct disk *d, uint64_t *rnd)
{
    static const uint64_t shares[] = {5, 50, 95};
    uint64_t share = shares[random_below(rnd, 3)];
    for (size_t i = 0; i < d->pending_n; i++) {
        struct pending *p = &d->pending[i];
        p->choice = random_below(rnd, 100) < share ? 1 + random_below(rnd, p->versions_n) : 0;
    }
}

static void choose(struct disk *d, uint64_t samples, uint64_t i, uint64_t *rnd)
{
    uint64_t subsets = subsets_of(d);
    if (disk_tries_all(d, samples))
        choose_nth(d, i);
    else if (i < subsets)
        choose_writes(d, takes_of_mask, i == 1 && subsets == 2 ? UINT64_MAX : i);
    else if (i < subsets + samples)
        choose_tear(d, rnd);
    else
        choose_random(d, rnd);
}

const uint8_t *disk_outcome(struct disk *d, uint64_t samples, uint64_t i, uint64_t seed,
                            size_t *bytes)
{
    uint64_t rnd = seed ^ (d->write << 32) ^ i;
    choose(d, samples, i, &rnd);
    /* A file's length may have grown before its content came: what is not there reads as zeros. */
    bool grown = random_below(&rnd, 2);
    size_t n = d->sure_bytes, most = d->sure_bytes;
    for (size_t at = 0; at < d->pending_n; at++) {
        const struct pending *p = &d->pending[at];
        size_t end = p->sector * SECTOR_BYTES + d->versions[p->versions[p->versions_n - 1]].end;
        most = end > most ? end : most;
        if (p->choice) {
            end = p->sector * SECTOR_BYTES + d->versions[p->versions[p->choice - 1]].end;
            n = end > n ? end : n;
        }
    }
    d->out = grow(d->out, &d->out_max, most + SECTOR_BYTES, 1);
    memset(d->out, 0, most + SECTOR_BYTES);
    if (d->sure_bytes)
        memcpy(d->out, d->sure, d->sure_bytes);
    for (size_t at = 0; at < d->pending_n; at++) {
        const struct pending *p = &d->pending[at];
        if (p->choice)
            memcpy(d->out + p->sector * SECTOR_BYTES, d->versions[p->versions[p->choice - 1]].bytes,
                   SECTOR_BYTES);
    }
    *bytes = grown ? most : n;
    return d->out;
}
