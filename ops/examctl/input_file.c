#include "input_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads until the end or until `bytes_max` + 1 bytes are there. */
static exam_err fd_read_all(int fd, size_t bytes_max, char **text, size_t *bytes)
{
    size_t room = 64 * 1024;
    size_t n = 0;
    char *buf = malloc(room + 1);

    while (buf != NULL) {
        ssize_t got = read(fd, buf + n, room - n);

        if (got == 0)
            break;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(buf);
            return EXAM_IO;
        }
        n += (size_t)got;
        if (n > bytes_max) {
            free(buf);
            return EXAM_TOO_BIG;
        }
        if (n == room) {
            char *grown = realloc(buf, room * 2 + 1);

            if (grown == NULL) {
                free(buf);
                return EXAM_NOMEM;
            }
            buf = grown;
            room *= 2;
        }
    }
    if (buf == NULL)
        return EXAM_NOMEM;
    buf[n] = '\0';
    *text = buf;
    *bytes = n;
    return EXAM_OK;
}

static void note(struct problems *p, const char *path, exam_err err, size_t bytes_max, int os_error)
{
    if (err == EXAM_TOO_BIG && bytes_max < 1 << 20)
        problems_add(p, path, 0, "is over %zu bytes; is it the right file?", bytes_max);
    else if (err == EXAM_TOO_BIG)
        problems_add(p, path, 0, "is over %zu MiB; is it the right file?", bytes_max >> 20);
    else if (err == EXAM_NOMEM)
        problems_add(p, path, 0, "does not fit in memory; free some and try again");
    else
        problems_add(p, path, 0, "cannot be read: %s; check its name and who may read it",
                     strerror(os_error));
}

exam_err input_file_read(const char *path, size_t bytes_max, struct problems *p, char **text,
                         size_t *bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    exam_err err;
    int os_error;

    if (fd < 0) {
        os_error = errno;
        err = os_error == ENOENT ? EXAM_NOT_FOUND : EXAM_IO;
        note(p, path, err, bytes_max, os_error);
        return err;
    }
    err = fd_read_all(fd, bytes_max, text, bytes);
    os_error = errno;
    close(fd);
    if (err != EXAM_OK)
        note(p, path, err, bytes_max, os_error);
    return err;
}

char *input_file_told(const char *path, size_t bytes_max, size_t *bytes)
{
    struct problems p;
    char *text;

    problems_init(&p);
    if (input_file_read(path, bytes_max, &p, &text, bytes) == EXAM_OK)
        return text;
    problems_print(&p, stderr);
    return NULL;
}
