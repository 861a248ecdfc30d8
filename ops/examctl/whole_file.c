#include "whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t folder_bytes(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

exam_err whole_file_open(const char *path, struct whole_file *f)
{
    size_t folder = folder_bytes(path);
    int n = snprintf(f->temporary, sizeof f->temporary, "%.*s.%s.XXXXXX", (int)folder, path,
                     path + folder);
    int fd;

    if (n < 0 || (size_t)n >= sizeof f->temporary)
        return EXAM_TOO_BIG;
    memcpy(f->path, path, strlen(path) + 1);
    fd = mkostemp(f->temporary, O_CLOEXEC);
    if (fd < 0)
        return EXAM_IO;
    f->stream = fdopen(fd, "w");
    if (f->stream == NULL) {
        int os_error = errno;

        close(fd);
        unlink(f->temporary);
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
    unlink(f->temporary);
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
    bool failed = ferror(f->stream) != 0;

    if (failed)
        errno = EIO; /* the write that failed has long been overtaken */
    if (failed || fflush(f->stream) != 0 || fsync(fileno(f->stream)) != 0) {
        whole_file_abandon(f);
        return EXAM_IO;
    }
    if (fclose(f->stream) != 0 || rename(f->temporary, f->path) != 0) {
        int os_error = errno;

        unlink(f->temporary);
        errno = os_error;
        return EXAM_IO;
    }
    return folder_flush(f->path) ? EXAM_OK : EXAM_IO;
}
