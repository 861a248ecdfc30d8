/* fuzz_page_scan.c - pages of a damaged file: whatever their bytes, entries lie within the page. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "page_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct page {
    const uint8_t *at;
    size_t bytes;
};

static void each(void *ctx, const struct page_entry *e)
{
    const struct page *p = ctx;
    assert(e->key >= p->at && e->key + e->key_bytes <= p->at + p->bytes);
    assert(e->value_at <= p->bytes);
    assert(e->large || e->value_bytes <= p->bytes - e->value_at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct page p = {.bytes = PAGE_BYTES_LEAST};
    size_t head_bytes, largest = page_scan_size(data, size);
    uint8_t *copy = calloc(1, p.bytes);
    assert(copy && largest >= PAGE_BYTES_LEAST && (largest & (largest - 1)) == 0);
    memcpy(copy, data, size < p.bytes ? size : p.bytes);
    p.at = copy;
    (void)page_scan_leaf(copy, p.bytes, each, &p);
    copy[10] = 0x02; /* a leaf, whatever else it is */
    (void)page_scan_leaf(copy, p.bytes, each, &p);
    (void)page_scan_is_large(copy, 7, &head_bytes);
    free(copy);
    return 0;
}
