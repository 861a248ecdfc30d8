#include "roster_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char format_name[] = "shunyan-roster-used-1";

enum { PATH_BYTES = 4096, AUTHORITY_HEX_BYTES = 2 * KEY_BYTES + 1 };

exam_err roster_memory_parse(const char *text, size_t n, const uint8_t authority[KEY_BYTES],
                             uint64_t *version)
{
    char own[AUTHORITY_HEX_BYTES];
    const char *format, *of;
    json_int_t used;
    json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    exam_err err = EXAM_CORRUPT;

    if (root != NULL &&
        json_unpack(root, "{s:s, s:s, s:I !}", "format", &format, "authority", &of, "version",
                    &used) == 0 &&
        strcmp(format, format_name) == 0 && used > 0) {
        sodium_bin2hex(own, sizeof own, authority, KEY_BYTES);
        *version = strcmp(of, own) == 0 ? (uint64_t)used : 0;
        err = EXAM_OK;
    }
    json_decref(root);
    return err;
}

static exam_err io_error(const char *path, char *why, size_t why_bytes)
{
    snprintf(why, why_bytes, "%s: %s", path, strerror(errno));
    return EXAM_IO;
}

static exam_err file_get(void *ctx, const uint8_t authority[KEY_BYTES], uint64_t *version,
                         char *why, size_t why_bytes)
{
    const char *path = ctx;
    char text[ROSTER_MEMORY_BYTES_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t n;

    *version = 0;
    if (fd < 0)
        return errno == ENOENT ? EXAM_OK : io_error(path, why, why_bytes);
    n = read(fd, text, sizeof text);
    close(fd);
    if (n < 0)
        return io_error(path, why, why_bytes);
    if ((size_t)n < sizeof text &&
        roster_memory_parse(text, (size_t)n, authority, version) == EXAM_OK)
        return EXAM_OK;
    snprintf(why, why_bytes,
             "%s does not say any more which roster of keys was used last: see that the newest one "
             "is here, then remove this file",
             path);
    return EXAM_CORRUPT;
}

/* A new file is durable before it gets the name, and then so is the name. */
static bool file_replace(const char *path, const char *text, size_t n)
{
    const char *slash = strrchr(path, '/');
    char fresh[PATH_BYTES + 8], folder[PATH_BYTES] = ".";
    int fd, at;

    snprintf(fresh, sizeof fresh, "%s.XXXXXX", path);
    if (slash != NULL)
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path) + 1, path);
    fd = mkostemp(fresh, O_CLOEXEC);
    if (fd < 0)
        return false;
    bool written = write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
    if (close(fd) != 0 || !written || rename(fresh, path) != 0) {
        int os_error = errno;
        unlink(fresh);
        errno = os_error;
        return false;
    }
    at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool durable = at >= 0 && fsync(at) == 0;
    if (at >= 0)
        close(at);
    return durable;
}

static exam_err file_put(void *ctx, const uint8_t authority[KEY_BYTES], uint64_t version, char *why,
                         size_t why_bytes)
{
    const char *path = ctx;
    char own[AUTHORITY_HEX_BYTES], text[ROSTER_MEMORY_BYTES_MAX];

    if (strlen(path) >= PATH_BYTES) {
        errno = ENAMETOOLONG;
        return io_error(path, why, why_bytes);
    }
    sodium_bin2hex(own, sizeof own, authority, KEY_BYTES);
    json_t *root = json_pack("{s:s, s:s, s:I}", "format", format_name, "authority", own, "version",
                             (json_int_t)version);
    size_t n = root != NULL ? json_dumpb(root, text, sizeof text, JSON_INDENT(2)) : 0;
    json_decref(root);
    if (n == 0 || n >= sizeof text) {
        snprintf(why, why_bytes, "%s: %s", path, exam_err_text(EXAM_NOMEM));
        return EXAM_NOMEM;
    }
    text[n++] = '\n';
    return file_replace(path, text, n) ? EXAM_OK : io_error(path, why, why_bytes);
}

struct roster_memory roster_memory_file(const char *path)
{
    return (struct roster_memory){.get = file_get, .put = file_put, .ctx = (char *)(uintptr_t)path};
}
