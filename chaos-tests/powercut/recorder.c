#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FDS_MAX = 1024 };

static struct tape *tape; /* NULL: nothing is recorded */
static const char *watched;
static struct {
    bool open, synced;
} fds[FDS_MAX];

void recorder_begin(const char *path, struct tape *t)
{
    memset(fds, 0, sizeof fds);
    watched = path;
    tape = t;
}

void recorder_end(void)
{
    tape = NULL;
}

static bool is_watched(int fd)
{
    return tape && fd >= 0 && fd < FDS_MAX && fds[fd].open;
}

static _Noreturn void unknown(const char *call)
{
    fprintf(stderr, "powercut: the recorder does not know %s on the data file\n", call);
    abort();
}

/* What follows is called by liblmdb, and by everything else in this program. */

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list ap;
        va_start(ap, flags);
        mode = va_arg(ap, mode_t);
        va_end(ap);
    }
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (tape && fd >= 0 && strcmp(path, watched) == 0) {
        if (fd >= FDS_MAX || flags & (O_TRUNC | O_APPEND))
            unknown("this open");
        fds[fd].open = true;
        fds[fd].synced = flags & O_DSYNC;
    }
    return fd;
}

int close(int fd)
{
    if (is_watched(fd))
        fds[fd].open = false;
    return (int)syscall(SYS_close, fd);
}

static void note(int fd, uint64_t at, const struct iovec *iov, int iov_n, ssize_t written)
{
    size_t left = (size_t)written;
    tape_write(tape, at, fds[fd].synced, "", 0);
    for (int i = 0; i < iov_n && left; i++) {
        size_t n = iov[i].iov_len < left ? iov[i].iov_len : left;
        tape_write_more(tape, iov[i].iov_base, n);
        left -= n;
    }
}

ssize_t pwritev(int fd, const struct iovec *iov, int iov_n, off_t at)
{
    ssize_t n = syscall(SYS_pwritev, fd, iov, iov_n, at, 0);
    if (n > 0 && is_watched(fd))
        note(fd, (uint64_t)at, iov, iov_n, n);
    return n;
}

ssize_t writev(int fd, const struct iovec *iov, int iov_n)
{
    off_t at = is_watched(fd) ? lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t n = syscall(SYS_writev, fd, iov, iov_n);
    if (n > 0 && is_watched(fd))
        note(fd, (uint64_t)at, iov, iov_n, n);
    return n;
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    ssize_t done = syscall(SYS_pwrite64, fd, bytes, n, at);
    if (done > 0 && is_watched(fd))
        tape_write(tape, (uint64_t)at, fds[fd].synced, bytes, (size_t)done);
    return done;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    off_t at = is_watched(fd) ? lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t done = syscall(SYS_write, fd, bytes, n);
    if (done > 0 && is_watched(fd))
        tape_write(tape, (uint64_t)at, fds[fd].synced, bytes, (size_t)done);
    return done;
}

int fdatasync(int fd)
{
    int rc = (int)syscall(SYS_fdatasync, fd);
    if (rc == 0 && is_watched(fd))
        tape_flush(tape);
    return rc;
}

int fsync(int fd)
{
    int rc = (int)syscall(SYS_fsync, fd);
    if (rc == 0 && is_watched(fd))
        tape_flush(tape);
    return rc;
}

int ftruncate(int fd, off_t bytes)
{
    if (is_watched(fd))
        unknown("ftruncate");
    return (int)syscall(SYS_ftruncate, fd, bytes);
}
