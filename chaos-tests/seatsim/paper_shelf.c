#include "paper_shelf.h"

#include <stdlib.h>
#include <string.h>

void paper_shelf_free(struct paper_shelf *shelf)
{
    for (uint32_t i = 0; i < shelf->papers_n; i++)
        paper_items_free(&shelf->paper[i].items);
    shelf->papers_n = 0;
}

const struct paper_items *paper_shelf_find(const struct paper_shelf *shelf,
                                           const uint8_t digest[HASH_BYTES])
{
    for (uint32_t i = 0; i < shelf->papers_n; i++)
        if (memcmp(shelf->paper[i].digest, digest, HASH_BYTES) == 0)
            return &shelf->paper[i].items;
    return NULL;
}

exam_err paper_copy_add(struct paper_copy *c, uint32_t offset, uint32_t total, const uint8_t *part,
                        size_t part_bytes)
{
    if (offset == 0)
        paper_copy_drop(c);
    if (c->bytes == NULL) {
        if (total == 0 || total > PAPER_BYTES_MAX)
            return EXAM_MALFORMED;
        c->bytes = malloc(total);
        if (c->bytes == NULL)
            return EXAM_NOMEM;
        c->total = total;
    }
    if (total != c->total || offset != c->n || part_bytes > total - offset)
        return EXAM_MALFORMED;
    memcpy(c->bytes + c->n, part, part_bytes);
    c->n += part_bytes;
    return EXAM_OK;
}

void paper_copy_drop(struct paper_copy *c)
{
    free(c->bytes);
    *c = (struct paper_copy){0};
}

exam_err paper_shelf_put(struct paper_shelf *shelf, const uint8_t digest[HASH_BYTES],
                         struct paper_copy *c, const struct paper_items **out)
{
    exam_err err = EXAM_OK;
    const struct paper_items *known = paper_shelf_find(shelf, digest);
    if (known == NULL && shelf->papers_n == SHELF_PAPERS_MAX)
        err = EXAM_FULL;
    if (known == NULL && err == EXAM_OK)
        err = paper_items_read(c->bytes, c->n, &shelf->paper[shelf->papers_n].items);
    paper_copy_drop(c);
    if (err != EXAM_OK)
        return err;
    if (known == NULL) {
        memcpy(shelf->paper[shelf->papers_n].digest, digest, HASH_BYTES);
        known = &shelf->paper[shelf->papers_n++].items;
    }
    *out = known;
    return EXAM_OK;
}
