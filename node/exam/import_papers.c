#include "import_check.h"

#include <sodium.h>
#include <string.h>

#include "codec.h"

struct import_paper *import_paper_named(const struct import_check *k, const char *name)
{
    for (uint32_t i = 0; i < k->papers_n; i++)
        if (strcmp(k->papers[i].name, name) == 0)
            return &k->papers[i];
    return NULL;
}

static exam_err paper_head(struct import_check *k, const Ev__PaperAdded *e)
{
    const struct decision *d = k->d;

    if (!codec_name_ok(e->paper))
        return decide_refuse(d, EXAM_INVALID, "P2",
                             "paper \"%s\": not a name (1 to %d bytes without spaces, commas, "
                             "quotes or slashes): correct the paper's id",
                             e->paper, (int)NAME_BYTES_MAX);
    if (e->digest.len != HASH_BYTES || e->bytes < 1 || e->bytes > PAPER_BYTES_MAX)
        return decide_refuse(d, EXAM_INVALID, "P2",
                             "paper %s: %u bytes; it must have a digest and 1 to %d bytes",
                             e->paper, e->bytes, (int)PAPER_BYTES_MAX);
    k->papers[k->papers_n++] = (struct import_paper){.name = e->paper,
                                                     .title = e->title,
                                                     .digest = e->digest.data,
                                                     .bytes = e->bytes,
                                                     .minutes = e->minutes};
    return EXAM_OK;
}

static exam_err item_check(struct import_check *k, struct import_paper *p, const Ev__Item *item,
                           struct name_index *ids)
{
    const struct decision *d = k->d;

    if (!codec_name_ok(item->id) || strlen(item->subject) > TITLE_BYTES_MAX ||
        item->kind < EV__ITEM_KIND__ITEM_KIND_SINGLE ||
        item->kind > EV__ITEM_KIND__ITEM_KIND_TRUE_FALSE)
        return decide_refuse(d, EXAM_INVALID, "P2",
                             "paper %s, item \"%s\": its id, subject or kind is not allowed: "
                             "correct the paper",
                             p->name, item->id);
    if (name_index_find(ids, item->id) != 0)
        return decide_refuse(d, EXAM_INVALID, "P2",
                             "paper %s has two items %s: give each its own id", p->name, item->id);
    if (++p->items_n > PAPER_ITEMS_MAX)
        return decide_refuse(d, EXAM_TOO_BIG, "P2", "paper %s has more than %d items: split it",
                             p->name, (int)PAPER_ITEMS_MAX);
    if (!name_index_set(ids, &d->x->memory, item->id, p->items_n))
        return decide_no_memory(d);
    return EXAM_OK;
}

/* All items of the paper, over all its parts. */
static exam_err items_check(struct import_check *k, struct import_paper *p)
{
    struct name_index ids = {0};
    exam_err err = EXAM_OK;

    for (size_t i = 0; err == EXAM_OK && i < k->im->papers_n; i++) {
        const Ev__PaperAdded *e = k->im->papers[i];
        for (size_t j = 0; err == EXAM_OK && strcmp(e->paper, p->name) == 0 && j < e->n_items; j++)
            err = item_check(k, p, e->items[j], &ids);
    }
    name_index_fini(&ids, &k->d->x->memory);
    if (err == EXAM_OK && p->items_n == 0)
        err = decide_refuse(k->d, EXAM_INVALID, "P2", "paper %s has no items: correct the paper",
                            p->name);
    return err;
}

/* The chunks must be the very bytes that the digest was made of. */
static exam_err text_check(struct import_check *k, const struct import_paper *p)
{
    crypto_generichash_state hash;
    uint8_t digest[HASH_BYTES];
    uint64_t have = 0;
    bool in_order = true;

    crypto_generichash_init(&hash, NULL, 0, sizeof digest);
    for (size_t i = 0; i < k->im->chunks_n; i++) {
        const Ev__PaperChunk *c = k->im->chunks[i];
        if (strcmp(c->paper, p->name) != 0)
            continue;
        in_order &= c->offset == have && c->data.len > 0 && c->data.len <= PAPER_CHUNK_BYTES_MAX;
        have += c->data.len;
        crypto_generichash_update(&hash, c->data.data, c->data.len);
    }
    crypto_generichash_final(&hash, digest, sizeof digest);
    if (!in_order || have != p->bytes)
        return decide_refuse(k->d, EXAM_CORRUPT, "P2",
                             "paper %s is cut off: %llu of %u bytes arrived: import it again",
                             p->name, (unsigned long long)have, p->bytes);
    if (sodium_memcmp(digest, p->digest, sizeof digest) != 0)
        return decide_refuse(k->d, EXAM_CORRUPT, "P2",
                             "paper %s is damaged: its bytes do not fit their digest: import it "
                             "again",
                             p->name);
    return EXAM_OK;
}

static exam_err known_check(struct import_check *k, struct import_paper *p)
{
    uint32_t no = exam_paper_named(k->d->x, p->name);

    if (no == 0)
        return EXAM_OK;
    const struct paper *known = &k->d->x->papers[no - 1];
    if (known->have < known->bytes)
        return EXAM_OK; /* left over from an import that was cut off: begun anew */
    if (sodium_memcmp(known->digest, p->digest, HASH_BYTES) != 0 || known->items.n != p->items_n)
        return decide_refuse(k->d, EXAM_EXISTS, "P2",
                             "the site has another paper %s already: give the new one another id",
                             p->name);
    p->known = true;
    return EXAM_OK;
}

static exam_err paper_check(struct import_check *k, struct import_paper *p)
{
    exam_err err = items_check(k, p);

    if (err == EXAM_OK)
        err = text_check(k, p);
    return err == EXAM_OK ? known_check(k, p) : err;
}

static exam_err part_check(struct import_check *k, const Ev__PaperAdded *e)
{
    const struct import_paper *p = import_paper_named(k, e->paper);

    if (!p)
        return paper_head(k, e);
    /* a further part may leave the figures to the first one */
    if ((e->bytes != 0 && e->bytes != p->bytes) ||
        (e->digest.len != 0 &&
         (e->digest.len != HASH_BYTES || memcmp(e->digest.data, p->digest, HASH_BYTES) != 0)))
        return decide_refuse(k->d, EXAM_INVALID, "P2",
                             "two different papers are named %s: give each its own id", p->name);
    return EXAM_OK;
}

exam_err import_check_papers(struct import_check *k)
{
    const struct exam_import *im = k->im;
    exam_err err = EXAM_OK;

    for (size_t i = 0; err == EXAM_OK && i < im->papers_n; i++)
        err = part_check(k, im->papers[i]);
    for (size_t i = 0; err == EXAM_OK && i < im->chunks_n; i++)
        if (!import_paper_named(k, im->chunks[i]->paper))
            err = decide_refuse(k->d, EXAM_INVALID, "P2",
                                "bytes of a paper %s came without the paper: import it again",
                                im->chunks[i]->paper);
    for (uint32_t i = 0; err == EXAM_OK && i < k->papers_n; i++)
        err = paper_check(k, &k->papers[i]);
    if (err == EXAM_OK && k->d->x->papers_n + k->papers_n > PAPERS_MAX)
        err = decide_refuse(k->d, EXAM_TOO_BIG, "P2", "a site takes at most %d papers",
                            (int)PAPERS_MAX);
    return err;
}
