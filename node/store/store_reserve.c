/* store_reserve.c - see store_reserve.h. */
#include "store_reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)

static uint64_t u64_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t u64_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t u64_less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static exam_err free_on_disk(const struct store_reserve *r, uint64_t *bytes)
{
    struct statvfs v;
    if (fstatvfs(r->dir_fd, &v) != 0)
        return EXAM_IO;
    *bytes = (uint64_t)v.f_bavail * v.f_frsize;
    return EXAM_OK;
}

static bool is_full(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

/* Allocates the blocks of [from, to) of a file. The flag keeps the data file's length as LMDB left
 * it. EXAM_FULL, EXAM_IO. */
static exam_err allocate(struct store_reserve *r, int fd, int flags, uint64_t from, uint64_t to)
{
    if (!r->checked_only) {
        int rc;
        do
            rc = fallocate(fd, flags, (off_t)from, (off_t)(to - from));
        while (rc != 0 && errno == EINTR);
        if (rc == 0)
            return EXAM_OK;
        if (is_full(errno))
            return EXAM_FULL;
        if (errno != EOPNOTSUPP && errno != ENOSYS)
            return EXAM_IO;
        r->checked_only = true;
    }
    uint64_t free_bytes = 0;
    exam_err err = free_on_disk(r, &free_bytes);
    if (err)
        return err;
    if (free_bytes < to - from)
        return EXAM_FULL;
    if (flags & FALLOC_FL_KEEP_SIZE)
        return EXAM_OK;
    int rc = posix_fallocate(fd, (off_t)from, (off_t)(to - from));
    return rc == 0 ? EXAM_OK : is_full(rc) ? EXAM_FULL : EXAM_IO;
}

/* How much of the reserve is really there: a copied folder may hold a sparse file. */
static void measure(struct store_reserve *r)
{
    struct stat st;
    r->file_bytes = 0;
    if (fstat(r->file_fd, &st) == 0)
        r->file_bytes = u64_min((uint64_t)st.st_size, (uint64_t)st.st_blocks * 512);
}

static bool whole(const struct store_reserve *r)
{
    return r->file_bytes >= r->reserve_bytes;
}

/* Less than this is no room for ordinary transactions. */
static uint64_t margin_bytes(const struct store_reserve *r)
{
    return r->reserve_bytes / 8;
}

/* What is allocated at once, so that not every commit has to. */
static uint64_t chunk_bytes(const struct store_reserve *r)
{
    return u64_min(u64_max(r->reserve_bytes / 8, MIB / 4), 8 * MIB);
}

static void refill(struct store_reserve *r)
{
    uint64_t free_bytes = 0;
    if (free_on_disk(r, &free_bytes) != EXAM_OK)
        return;
    if (free_bytes < u64_less(r->reserve_bytes, r->file_bytes) + margin_bytes(r))
        return;
    if (allocate(r, r->file_fd, 0, 0, r->reserve_bytes) == EXAM_OK) {
        r->file_bytes = r->reserve_bytes; /* whatever the block count says: some compress */
        return;
    }
    measure(r);
    r->file_bytes = u64_min(r->file_bytes, r->reserve_bytes - 1);
}

static exam_err take_sizes(struct store_reserve *r, const struct store_options *o, const char *dir,
                           struct store_why why)
{
    r->map_bytes = o->map_bytes ? o->map_bytes : MIB << 20;
    r->reserve_bytes = o->reserve_bytes ? o->reserve_bytes : 64 * MIB;
    r->warn_bytes = o->warn_bytes ? o->warn_bytes : 4 * r->reserve_bytes;
    if (r->reserve_bytes >= MIB / 4 && r->map_bytes >= r->reserve_bytes &&
        r->map_bytes - r->reserve_bytes >= MIB && r->map_bytes <= (uint64_t)1 << 46)
        return EXAM_OK;
    store_why_set(why,
                  "the data folder %s: the reserve must be at least 256 KiB and leave 1 MiB of the "
                  "data file's upper bound, which may be up to 64 TiB",
                  dir);
    return EXAM_INVALID;
}

static exam_err refuse_full(struct store_reserve *r, const char *dir, struct store_why why)
{
    uint64_t free_bytes = 0;
    if (free_on_disk(r, &free_bytes) != EXAM_OK)
        free_bytes = 0;
    uint64_t need_bytes = r->reserve_bytes + margin_bytes(r);
    store_why_set(why,
                  "the data folder %s needs %llu KiB for its reserve, and %llu KiB are free there: "
                  "free some space, or choose another disk or a smaller reserve",
                  dir, (unsigned long long)(need_bytes >> 10),
                  (unsigned long long)(free_bytes >> 10));
    return EXAM_FULL;
}

exam_err store_reserve_open(struct store_reserve *r, const struct store_options *o, const char *dir,
                            const struct store_folder *f, struct store_why why)
{
    *r = (struct store_reserve){.dir_fd = f->dir_fd, .data_fd = -1, .file_fd = -1};
    exam_err err = take_sizes(r, o, dir, why);
    if (err)
        return err;
    r->file_fd = openat(f->dir_fd, STORE_FILE_RESERVE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (r->file_fd < 0) {
        if (is_full(errno))
            return refuse_full(r, dir, why);
        store_why_set(why, "%s/%s cannot be opened: %s", dir, STORE_FILE_RESERVE, strerror(errno));
        return EXAM_SYSTEM;
    }
    measure(r);
    struct stat st;
    if (fstat(r->file_fd, &st) == 0 && (uint64_t)st.st_size > r->reserve_bytes &&
        ftruncate(r->file_fd, (off_t)r->reserve_bytes) == 0)
        measure(r);
    if (!whole(r))
        refill(r);
    if (f->fresh && !whole(r)) {
        err = refuse_full(r, dir, why);
        close(r->file_fd);
        (void)unlinkat(f->dir_fd, STORE_FILE_RESERVE, 0);
        r->file_fd = -1;
        return err;
    }
    return EXAM_OK;
}

void store_reserve_attach(struct store_reserve *r, int data_fd, uint64_t used_bytes)
{
    r->data_fd = data_fd;
    r->allocated_bytes = used_bytes;
}

static exam_err extend(struct store_reserve *r, uint64_t end_bytes)
{
    exam_err err = allocate(r, r->data_fd, FALLOC_FL_KEEP_SIZE, r->allocated_bytes, end_bytes);
    if (!err)
        r->allocated_bytes = end_bytes;
    return err;
}

/* Gives `bytes` of the reserve back to the file system: at once, so with an fsync (some free the
 * blocks with their next journal commit). */
static void shrink(struct store_reserve *r, uint64_t bytes)
{
    uint64_t keep_bytes = u64_less(r->file_bytes, bytes);
    if (ftruncate(r->file_fd, (off_t)keep_bytes) == 0)
        (void)fsync(r->file_fd);
    measure(r);
}

static exam_err extend_from_reserve(struct store_reserve *r, uint64_t end_bytes)
{
    uint64_t take_bytes = u64_max(end_bytes - r->allocated_bytes, chunk_bytes(r) / 4);
    exam_err err = EXAM_FULL;
    while (err == EXAM_FULL && r->file_bytes > 0) {
        uint64_t before = r->file_bytes;
        shrink(r, take_bytes);
        if (r->file_bytes >= before)
            return EXAM_FULL; /* the file system did not give it back */
        err = extend(r, end_bytes);
    }
    return err;
}

exam_err store_reserve_claim(struct store_reserve *r, uint64_t used_bytes, uint64_t need_bytes)
{
    uint64_t end_bytes = used_bytes + need_bytes;
    if (end_bytes > r->map_bytes - (r->may ? 0 : r->reserve_bytes))
        return EXAM_FULL;
    if (!r->may && !whole(r)) {
        refill(r);
        if (!whole(r))
            return EXAM_FULL;
    }
    if (end_bytes <= r->allocated_bytes)
        return EXAM_OK;
    exam_err err = extend(r, u64_max(end_bytes, r->allocated_bytes + chunk_bytes(r)));
    if (err == EXAM_FULL)
        err = extend(r, end_bytes);
    if (err == EXAM_FULL && r->may)
        err = extend_from_reserve(r, end_bytes);
    return err;
}

exam_err store_reserve_room(struct store_reserve *r, uint64_t used_bytes, enum store_room *room,
                            uint64_t *free_bytes)
{
    if (!whole(r))
        refill(r);
    uint64_t disk_bytes = 0;
    exam_err err = free_on_disk(r, &disk_bytes);
    if (err)
        return err;
    disk_bytes += u64_less(r->allocated_bytes, used_bytes);
    disk_bytes = u64_less(disk_bytes, u64_less(r->reserve_bytes, r->file_bytes));
    uint64_t map_bytes = u64_less(r->map_bytes - r->reserve_bytes, used_bytes);
    uint64_t bytes = u64_min(disk_bytes, map_bytes);
    uint64_t enough_bytes = margin_bytes(r) * (r->reserved ? 2 : 1);
    r->reserved = !whole(r) || bytes < enough_bytes;
    *room = r->reserved             ? STORE_ROOM_RESERVED
            : bytes < r->warn_bytes ? STORE_ROOM_LOW
                                    : STORE_ROOM_OK;
    *free_bytes = bytes;
    return EXAM_OK;
}

void store_reserve_close(struct store_reserve *r)
{
    if (r->file_fd >= 0)
        close(r->file_fd);
    r->file_fd = -1;
}
