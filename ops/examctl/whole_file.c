#include "whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t folder_bytes(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

/* The file itself, behind links; false: there is something else, which keeps its place. A link into
 * /proc may lead to a file that has no name any more. */
static bool is_replaceable(const char *path, char out[WHOLE_FILE_PATH_BYTES])
{
    struct stat meant, found;
    char *file;
    bool same;

    memcpy(out, path, strlen(path) + 1);
    if (lstat(path, &found) != 0 || S_ISREG(found.st_mode))
        return true;
    if (stat(path, &meant) != 0 || !S_ISREG(meant.st_mode))
        return false;
    file = realpath(path, NULL);
    same = file != NULL && strlen(file) < WHOLE_FILE_PATH_BYTES && stat(file, &found) == 0 &&
           found.st_dev == meant.st_dev && found.st_ino == meant.st_ino;
    if (same)
        memcpy(out, file, strlen(file) + 1);
    free(file);
    return same;
}

static int place_open(struct whole_file *f)
{
    size_t folder = folder_bytes(f->path);
    int n = snprintf(f->temporary, sizeof f->temporary, "%.*s.%s.XXXXXX", (int)folder, f->path,
                     f->path + folder);

    if (n < 0 || (size_t)n >= sizeof f->temporary) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return mkostemp(f->temporary, O_CLOEXEC);
}

static void temporary_remove(struct whole_file *f)
{
    if (f->temporary[0] != '\0')
        unlink(f->temporary);
}

exam_err whole_file_open(const char *path, struct whole_file *f)
{
    int fd;

    if (strlen(path) >= sizeof f->path) {
        errno = ENAMETOOLONG;
        return EXAM_TOO_BIG;
    }
    f->temporary[0] = '\0';
    fd =
        is_replaceable(path, f->path) ? place_open(f) : open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return errno == ENAMETOOLONG ? EXAM_TOO_BIG : EXAM_IO;
    f->stream = fdopen(fd, "w");
    if (f->stream == NULL) {
        int os_error = errno;

        close(fd);
        temporary_remove(f);
        errno = os_error;
        return EXAM_IO;
    }
    return EXAM_OK;
}

void whole_file_abandon(struct whole_file *f)
{
    int os_error = errno;

    (void)fclose(f->stream);
    f->stream = NULL;
    temporary_remove(f);
    errno = os_error;
}

/* Makes the new name itself durable. */
static bool folder_flush(const char *path)
{
    size_t n = folder_bytes(path);
    char folder[WHOLE_FILE_PATH_BYTES];
    bool ok;
    int fd;

    memcpy(folder, n > 0 ? path : "./", n > 0 ? n : 2);
    folder[n > 0 ? n : 2] = '\0';
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ok = fsync(fd) == 0;
    close(fd);
    return ok;
}

exam_err whole_file_commit(struct whole_file *f)
{
    bool failed = ferror(f->stream) != 0, replaces = f->temporary[0] != '\0';

    if (failed)
        errno = EIO; /* the write that failed has long been overtaken */
    if (failed || fflush(f->stream) != 0 || (replaces && fsync(fileno(f->stream)) != 0)) {
        whole_file_abandon(f);
        return EXAM_IO;
    }
    if (fclose(f->stream) != 0 || (replaces && rename(f->temporary, f->path) != 0)) {
        int os_error = errno;

        temporary_remove(f);
        errno = os_error;
        return EXAM_IO;
    }
    return !replaces || folder_flush(f->path) ? EXAM_OK : EXAM_IO;
}
