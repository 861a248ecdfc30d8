#include "enrol_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

static exam_err io_error(const char *dir, const char *name, char *why, size_t why_bytes)
{
    snprintf(why, why_bytes, "%s/%s: %s", dir, name, strerror(errno));
    return EXAM_IO;
}

static int folder_fd(const char *dir)
{
    return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

exam_err enrol_folder_open(const char *dir, char *why, size_t why_bytes)
{
    char path[PATH_BYTES];

    if (strlen(dir) > PATH_BYTES - 32) {
        snprintf(why, why_bytes, "%.100s...: the path is too long", dir);
        return EXAM_IO;
    }
    if (mkdir(dir, S_IRWXU) != 0 && errno != EEXIST)
        return io_error(dir, "", why, why_bytes);
    snprintf(path, sizeof path, "%s/seat.key", dir);
    if (access(path, F_OK) != 0)
        return EXAM_OK;
    snprintf(why, why_bytes,
             "%s is there already: this machine has a key; revoke that one, and remove it, before "
             "it enrols again",
             path);
    return EXAM_EXISTS;
}

/* Its owner's from the first moment, and whole or not there at all. */
static exam_err file_write(const char *dir, const char *name, mode_t mode, const void *bytes,
                           size_t n, char *why, size_t why_bytes)
{
    static const char new_name[] = "enrol.new";
    int at = folder_fd(dir), fd;
    exam_err err = EXAM_OK;

    if (at < 0)
        return io_error(dir, "", why, why_bytes);
    (void)unlinkat(at, new_name, 0);
    fd = openat(at, new_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    bool written = fd >= 0 && write(fd, bytes, n) == (ssize_t)n && fsync(fd) == 0;
    if (fd >= 0 && close(fd) != 0)
        written = false;
    if (!written || renameat(at, new_name, at, name) != 0 || fsync(at) != 0)
        err = io_error(dir, name, why, why_bytes);
    close(at);
    return err;
}

exam_err enrol_folder_seed(const char *dir, uint8_t seed[KEY_BYTES], char *why, size_t why_bytes)
{
    static const char name[] = "enrol.seed";
    uint8_t text[KEY_BYTES + 1];
    char path[PATH_BYTES];
    int fd;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno != ENOENT)
        return io_error(dir, name, why, why_bytes);
    if (fd < 0) {
        randombytes_buf(seed, KEY_BYTES);
        return file_write(dir, name, S_IRUSR | S_IWUSR, seed, KEY_BYTES, why, why_bytes);
    }
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    memcpy(seed, text, KEY_BYTES);
    sodium_memzero(text, sizeof text);
    if (n == KEY_BYTES)
        return EXAM_OK;
    snprintf(why, why_bytes, "%s is no seed of a key: remove it", path);
    return EXAM_CORRUPT;
}

exam_err enrol_folder_store(const char *dir, const struct key_file *k, const char *roster,
                            size_t roster_bytes, char *why, size_t why_bytes)
{
    char text[KEY_FILE_BYTES_MAX], path[PATH_BYTES];
    size_t n;
    exam_err err = file_write(dir, "roster", S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH, roster,
                              roster_bytes, why, why_bytes);

    if (err == EXAM_OK) {
        err = key_file_format(k, text, &n);
        if (err != EXAM_OK)
            snprintf(why, why_bytes, "%s", exam_err_text(err));
    }
    if (err == EXAM_OK)
        err = file_write(dir, "seat.key", S_IRUSR | S_IWUSR, text, n, why, why_bytes);
    sodium_memzero(text, sizeof text);
    snprintf(path, sizeof path, "%s/enrol.seed", dir);
    if (err == EXAM_OK && unlink(path) != 0)
        err = io_error(dir, "enrol.seed", why, why_bytes);
    return err;
}
