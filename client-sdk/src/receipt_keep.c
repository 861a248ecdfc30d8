#include "receipt_keep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static exam_err err_of_errno(void)
{
    return errno == ENOSPC || errno == EDQUOT ? EXAM_FULL : EXAM_IO;
}

static exam_err write_whole(const char *path, const char *text, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    exam_err err = EXAM_OK;
    if (fd < 0)
        return err_of_errno();
    while (n > 0 && err == EXAM_OK) {
        ssize_t put = write(fd, text, n);
        if (put < 0 && errno != EINTR)
            err = err_of_errno();
        text += put > 0 ? put : 0;
        n -= put > 0 ? (size_t)put : 0;
    }
    if (err == EXAM_OK && fsync(fd) != 0)
        err = EXAM_IO;
    if (close(fd) != 0 && err == EXAM_OK)
        err = EXAM_IO;
    return err;
}

static exam_err sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return EXAM_IO;
    exam_err err = fsync(fd) == 0 ? EXAM_OK : EXAM_IO;
    close(fd);
    return err;
}

/* A candidate's number may be a file's name: it has no slash, and is neither . nor ..
 * (codec_name_ok).
 */
exam_err receipt_keep(const char *dir, const struct receipt *r, char path[RECEIPT_PATH_BYTES])
{
    char fresh[RECEIPT_PATH_BYTES + 4], text[RECEIPT_BYTES_MAX];
    size_t n;
    int length = snprintf(path, RECEIPT_PATH_BYTES, "%s/receipt-%s-%" PRIu64 ".txt", dir,
                          r->candidate, r->lsn);
    if (length >= RECEIPT_PATH_BYTES)
        return EXAM_TOO_BIG;
    snprintf(fresh, sizeof fresh, "%s.new", path);
    receipt_format(r, text, &n);
    exam_err err = write_whole(fresh, text, n);
    if (err == EXAM_OK && rename(fresh, path) != 0)
        err = err_of_errno();
    if (err != EXAM_OK) {
        unlink(fresh);
        return err;
    }
    return sync_dir(dir);
}
