/* page_scan.h - what a page of LMDB's data file holds, read without LMDB: for files that are
 * damaged, so that its tree cannot be walked. Pure; takes any bytes.
 * As LMDB 0.9 lays pages out on this machine's byte order (mdb.c: MDB_page, MDB_node). */
#ifndef EXAMREPLAY_PAGE_SCAN_H
#define EXAMREPLAY_PAGE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE_BYTES_LEAST = 4096 };

struct page_entry {
    const uint8_t *key;
    size_t key_bytes;
    size_t value_at; /* within the page; for a large value: within the file */
    size_t value_bytes;
    bool large; /* in pages of its own, of which the first is page `value_page` */
    uint64_t value_page;
};

/* Calls `each` for every entry of a leaf page; one that does not lie within the page is left out.
 * How many there were; 0 of what is no leaf. */
size_t page_scan_leaf(const uint8_t *page, size_t page_bytes,
                      void (*each)(void *ctx, const struct page_entry *e), void *ctx);

/* True when the page is the first of a large value; its bytes begin after the head. */
bool page_scan_is_large(const uint8_t *page, uint64_t page_no, size_t *head_bytes);

/* The page size that the file's first pages tell of; PAGE_BYTES_LEAST when they are damaged. */
size_t page_scan_size(const uint8_t *first_page, size_t bytes);

#endif
