#include "salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exit_code.h"
#include "language.h"
#include "page_scan.h"
#include "report.h"

/* As node/store/store_lmdb.c makes them: LSN u64; branch u32, LSN u64; big-endian. */
enum { KEY_LOG_BYTES = 8, KEY_BRANCH_BYTES = 12, PAGE_BYTES_MAX = 32768 };

/* LMDB's own list of free pages has keys of 8 bytes, too, in another byte order. */
static const uint64_t lsn_max = UINT64_C(1) << 48;
static const uint32_t branches_max = 1u << 20;

/* ---------------------------------------------------------------- looking through a file */

struct looking {
    struct salvage *s;
    struct salvage_file *f;
    uint64_t page_at;
    uint8_t page[PAGE_BYTES_MAX];
};

static uint64_t be_at(const uint8_t *at, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | at[i];
    return v;
}

static bool key_of(const struct page_entry *e, struct salvage_found *out)
{
    bool log = e->key_bytes == KEY_LOG_BYTES, branch = e->key_bytes == KEY_BRANCH_BYTES;
    if (!log && !branch)
        return false;
    out->branch = branch ? (uint32_t)be_at(e->key, 4) : 0;
    out->lsn = be_at(e->key + (branch ? 4 : 0), 8);
    return out->lsn >= 1 && out->lsn < lsn_max && out->branch < branches_max &&
           (!branch || out->branch > 0);
}

/* Where a large value is, if its pages are where the entry says. */
static bool place_large(struct looking *l, const struct page_entry *e, uint64_t *at)
{
    uint8_t head[16];
    size_t head_bytes;
    if (e->value_page > (UINT64_MAX >> 16) / l->f->page_bytes)
        return false;
    uint64_t page_at = e->value_page * l->f->page_bytes;
    if (pread(l->f->fd, head, sizeof head, (off_t)page_at) != (ssize_t)sizeof head ||
        !page_scan_is_large(head, e->value_page, &head_bytes))
        return false;
    *at = page_at + head_bytes;
    return true;
}

static void add(struct salvage *s, const struct salvage_found *one)
{
    if (s->found_n == s->found_max) {
        s->found_max = s->found_max ? 2 * s->found_max : 4096;
        struct salvage_found *more = realloc(s->found, s->found_max * sizeof *more);
        if (!more) {
            report_error(_("out of memory"));
            exit(EXIT_CODE_INTERNAL);
        }
        s->found = more;
    }
    s->found[s->found_n++] = *one;
}

static void each_entry(void *ctx, const struct page_entry *e)
{
    struct looking *l = ctx;
    if (!e->large)
        salvage_signed_add(&l->s->checkpoints, e->key, e->key_bytes, l->page + e->value_at,
                           e->value_bytes);
    struct salvage_found one = {.bytes = (uint32_t)e->value_bytes,
                                .file = (uint32_t)(l->f - l->s->files),
                                .at = l->page_at + e->value_at};
    if (e->value_bytes < RECORD_HEADER_BYTES || e->value_bytes > RECORD_BYTES_MAX ||
        !key_of(e, &one) || (e->large && !place_large(l, e, &one.at)))
        return;
    add(l->s, &one);
    l->f->records++;
}

/* A page that the disk does not give is counted, and passed over. */
static bool page_read(struct looking *l)
{
    ssize_t n = pread(l->f->fd, l->page, l->f->page_bytes, (off_t)l->page_at);
    if (n < 0)
        l->f->unreadable++;
    if (n >= 0 && (size_t)n < l->f->page_bytes)
        memset(l->page + n, 0, l->f->page_bytes - (size_t)n);
    return n > 0;
}

static void look_through(struct looking *l, void (*step)(void *ctx, uint64_t pages), void *ctx)
{
    enum { STEP_PAGES = 1024 };
    for (uint64_t i = 0; i < l->f->pages; i++) {
        l->page_at = i * l->f->page_bytes;
        if (page_read(l))
            (void)page_scan_leaf(l->page, l->f->page_bytes, each_entry, l);
        if (i % STEP_PAGES == STEP_PAGES - 1)
            step(ctx, STEP_PAGES);
    }
}

exam_err salvage_add(struct salvage *s, const char *path, void (*step)(void *ctx, uint64_t pages),
                     void *ctx)
{
    static struct looking l;
    struct stat st;
    struct salvage_file *f = &s->files[s->files_n];
    *f = (struct salvage_file){.fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (f->fd < 0)
        return errno == ENOENT ? EXAM_NOT_FOUND : EXAM_IO;
    if (fstat(f->fd, &st) != 0) {
        close(f->fd);
        return EXAM_IO;
    }
    snprintf(f->path, sizeof f->path, "%s", path);
    s->files_n++;
    l = (struct looking){.s = s, .f = f};
    ssize_t n = pread(f->fd, l.page, PAGE_BYTES_LEAST, 0);
    f->page_bytes = page_scan_size(l.page, n > 0 ? (size_t)n : 0);
    f->pages = ((uint64_t)st.st_size + f->page_bytes - 1) / f->page_bytes;
    look_through(&l, step, ctx);
    return EXAM_OK;
}

void salvage_fini(struct salvage *s)
{
    for (size_t i = 0; i < s->files_n; i++)
        close(s->files[i].fd);
    free(s->found);
    salvage_signed_fini(&s->checkpoints);
}

/* ---------------------------------------------------------------- candidates */

static int by_place(const void *a, const void *b)
{
    const struct salvage_found *x = a, *y = b;
    if (x->branch != y->branch)
        return x->branch < y->branch ? -1 : 1;
    if (x->lsn != y->lsn)
        return x->lsn < y->lsn ? -1 : 1;
    return x->file != y->file ? (x->file < y->file ? -1 : 1) : x->at < y->at ? -1 : x->at > y->at;
}

void salvage_sort(struct salvage *s)
{
    if (s->found_n > 0)
        qsort(s->found, s->found_n, sizeof *s->found, by_place);
}

/* The first candidate that is not before (branch, lsn). */
static size_t lower_bound(const struct salvage *s, uint32_t branch, uint64_t lsn)
{
    size_t low = 0, high = s->found_n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct salvage_found *f = &s->found[middle];
        if (f->branch < branch || (f->branch == branch && f->lsn < lsn))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void salvage_range(const struct salvage *s, uint32_t branch, uint64_t lsn, size_t *first,
                   size_t *last)
{
    *first = *last = lower_bound(s, branch, lsn);
    while (*last < s->found_n && s->found[*last].branch == branch && s->found[*last].lsn == lsn)
        (*last)++;
}

bool salvage_read(struct salvage *s, size_t i, struct record *r)
{
    const struct salvage_found *f = &s->found[i];
    ssize_t n = pread(s->files[f->file].fd, s->value, f->bytes, (off_t)f->at);
    return n == (ssize_t)f->bytes && record_open(f->lsn, s->value, f->bytes, r) == EXAM_OK;
}

bool salvage_next(struct salvage *s, uint32_t branch, uint64_t lsn, const uint8_t hash[HASH_BYTES],
                  struct record *r)
{
    size_t first, last;
    salvage_range(s, branch, lsn, &first, &last);
    for (size_t i = first; i < last; i++)
        if (salvage_read(s, i, r) && record_verify(r, hash) == EXAM_OK)
            return true;
    return false;
}

/* ---------------------------------------------------------------- fragments */

/* How far the chain goes on from this candidate. False: it is no record. */
static bool reach(struct salvage *s, size_t head, struct salvage_fragment *out)
{
    struct record r;
    uint8_t hash[HASH_BYTES];
    uint32_t branch = s->found[head].branch;
    uint64_t lsn = s->found[head].lsn;
    *out = (struct salvage_fragment){.first_lsn = lsn, .head = head};
    if (!salvage_read(s, head, &r))
        return false;
    out->follows = salvage_signed_before(&s->checkpoints, &r);
    do {
        const struct checkpoint *c = salvage_signed_of(&s->checkpoints, &r);
        out->reaches = c ? c : out->reaches;
        memcpy(hash, r.hash, HASH_BYTES);
    } while (salvage_next(s, branch, ++lsn, hash, &r));
    out->last_lsn = lsn - 1;
    return true;
}

bool salvage_fragment_proven(const struct salvage_fragment *f, uint64_t *first, uint64_t *last)
{
    *first = f->follows ? f->first_lsn : f->first_lsn + 1;
    *last = f->reaches ? f->reaches->at.lsn : 0;
    return *first <= *last;
}

/* What is signed counts more than what is long: a forger can go on for as long as they like. */
static bool is_better(const struct salvage *s, const struct salvage_fragment *f,
                      const struct salvage_fragment *than)
{
    uint64_t first, last, than_first, than_last;
    bool proven = s->checkpoints.checked && salvage_fragment_proven(f, &first, &last);
    bool than_proven =
        s->checkpoints.checked && salvage_fragment_proven(than, &than_first, &than_last);
    if (proven && than_proven && last != than_last)
        return last > than_last;
    return proven != than_proven ? proven : f->last_lsn > than->last_lsn;
}

bool salvage_fragment(struct salvage *s, uint32_t branch, uint64_t lsn,
                      struct salvage_fragment *out)
{
    size_t first = lower_bound(s, branch, lsn), last;
    struct salvage_fragment f;
    *out = (struct salvage_fragment){.last_lsn = 0};
    while (first < s->found_n && s->found[first].branch == branch) {
        salvage_range(s, branch, s->found[first].lsn, &first, &last);
        for (size_t i = first; i < last; i++)
            if (reach(s, i, &f) && is_better(s, &f, out))
                *out = f;
        if (out->last_lsn > 0)
            return true;
        first = last;
    }
    return false;
}

bool salvage_has_two_logs(struct salvage *s)
{
    static const uint8_t zeros[HASH_BYTES];
    uint8_t hash[HASH_BYTES];
    size_t first, last, n = 0;
    salvage_range(s, 0, 1, &first, &last);
    for (size_t i = first; i < last; i++) {
        struct record r;
        if (!salvage_read(s, i, &r) || record_verify(&r, zeros) != EXAM_OK)
            continue;
        if (n++ > 0 && memcmp(hash, r.hash, HASH_BYTES) != 0)
            return true;
        memcpy(hash, r.hash, HASH_BYTES);
    }
    return false;
}

uint64_t salvage_last_lsn(const struct salvage *s)
{
    size_t end = lower_bound(s, 1, 0);
    return end > 0 ? s->found[end - 1].lsn : 0;
}

uint32_t salvage_branches(const struct salvage *s)
{
    return s->found_n > 0 ? s->found[s->found_n - 1].branch : 0;
}
