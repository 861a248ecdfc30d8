#include "page_scan.h"

#include <string.h>

/* MDB_page: number u64, pad u16, flags u16, lower u16 and upper u16 (or pages u32), then an offset
 * u16 for each node. MDB_node: data's size (low u16, high u16), flags u16, key's size u16, key,
 * data. A meta page has, after its head: magic u32, version u32, address u64, map's size u64, and
 * the first database, whose first u32 is the page size. */
enum {
    PAGE_FLAGS_AT = 10,
    PAGE_LOWER_AT = 12,
    PAGE_UPPER_AT = 14,
    PAGE_HEAD_BYTES = 16,
    NODE_HEAD_BYTES = 8,
    META_MAGIC_AT = 16,
    META_SIZE_AT = 16 + 24,
    P_LEAF = 0x02,
    P_OVERFLOW = 0x04,
    P_DIRTY = 0x10,
    P_KINDS = 0x6f, /* branch, leaf, overflow, meta, leaf of fixed keys, page within a page */
    F_BIGDATA = 0x01,
};

static const uint32_t meta_magic = 0xBEEFC0DE;

static uint16_t u16_at(const uint8_t *at)
{
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static uint32_t u32_at(const uint8_t *at)
{
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static uint64_t u64_at(const uint8_t *at)
{
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

/* False: it does not lie within the page. */
static bool node_get(const uint8_t *page, size_t page_bytes, size_t at, struct page_entry *out)
{
    if (at < PAGE_HEAD_BYTES || at + NODE_HEAD_BYTES > page_bytes)
        return false;
    size_t value_bytes = (size_t)u16_at(page + at) | (size_t)u16_at(page + at + 2) << 16;
    uint16_t flags = u16_at(page + at + 4);
    size_t key_bytes = u16_at(page + at + 6), key_at = at + NODE_HEAD_BYTES;
    bool large = flags == F_BIGDATA;
    size_t inside = large ? sizeof(uint64_t) : value_bytes;
    if ((flags != 0 && !large) || key_bytes > page_bytes - key_at ||
        inside > page_bytes - key_at - key_bytes)
        return false;
    *out = (struct page_entry){.key = page + key_at,
                               .key_bytes = key_bytes,
                               .value_at = key_at + key_bytes,
                               .value_bytes = value_bytes,
                               .large = large,
                               .value_page = large ? u64_at(page + key_at + key_bytes) : 0};
    return true;
}

size_t page_scan_leaf(const uint8_t *page, size_t page_bytes,
                      void (*each)(void *ctx, const struct page_entry *e), void *ctx)
{
    uint16_t flags = u16_at(page + PAGE_FLAGS_AT), lower = u16_at(page + PAGE_LOWER_AT);
    size_t n = 0;
    if ((flags & P_KINDS) != P_LEAF || lower < PAGE_HEAD_BYTES || lower > page_bytes ||
        u16_at(page + PAGE_UPPER_AT) < lower)
        return 0;
    for (size_t at = PAGE_HEAD_BYTES; at + sizeof(uint16_t) <= lower; at += sizeof(uint16_t)) {
        struct page_entry e;
        if (!node_get(page, page_bytes, u16_at(page + at), &e))
            continue;
        each(ctx, &e);
        n++;
    }
    return n;
}

bool page_scan_is_large(const uint8_t *page, uint64_t page_no, size_t *head_bytes)
{
    *head_bytes = PAGE_HEAD_BYTES;
    return u64_at(page) == page_no && (u16_at(page + PAGE_FLAGS_AT) & ~P_DIRTY) == P_OVERFLOW;
}

size_t page_scan_size(const uint8_t *first_page, size_t bytes)
{
    if (bytes < PAGE_BYTES_LEAST || u32_at(first_page + META_MAGIC_AT) != meta_magic)
        return PAGE_BYTES_LEAST;
    uint32_t size = u32_at(first_page + META_SIZE_AT);
    bool sound = size >= PAGE_BYTES_LEAST && size <= 32768 && (size & (size - 1)) == 0;
    return sound ? size : PAGE_BYTES_LEAST;
}
