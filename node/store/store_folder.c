/* store_folder.c - see store_folder.h. */
#include "store_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

void store_why_set(struct store_why why, const char *format, ...)
{
    if (!why.text || why.text_bytes == 0)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(why.text, why.text_bytes, format, args);
    va_end(args);
}

/* What a store, a half-made one or a freshly mounted file system has in its folder. */
static bool name_is_ours(const char *name)
{
    static const char *const ours[] = {
        ".",
        "..",
        "lost+found",
        STORE_FILE_DATA,
        STORE_FILE_READERS,
        STORE_FILE_OWNER,
        STORE_FILE_RESERVE,
    };
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (strcmp(name, ours[i]) == 0)
            return true;
    return false;
}

static exam_err refuse_foreign(const char *dir, int dir_fd, struct store_why why)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        store_why_set(why, "the data folder %s cannot be read: %s", dir, strerror(errno));
        if (fd >= 0)
            close(fd);
        return EXAM_SYSTEM;
    }
    exam_err err = EXAM_OK;
    for (struct dirent *e = readdir(d); e && !err; e = readdir(d)) {
        if (name_is_ours(e->d_name))
            continue;
        store_why_set(why,
                      "the folder %s holds other things (%s) and no store: give the node a folder "
                      "of its own",
                      dir, e->d_name);
        err = EXAM_INVALID;
    }
    closedir(d);
    return err;
}

static exam_err open_dir(const char *dir, int *dir_fd, struct store_why why)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        store_why_set(why, "the data folder %s cannot be made: %s", dir, strerror(errno));
        return EXAM_SYSTEM;
    }
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        *dir_fd = fd;
        return EXAM_OK;
    }
    if (errno == ENOTDIR) {
        store_why_set(why, "%s is not a folder: name a folder for the node's data", dir);
        return EXAM_INVALID;
    }
    store_why_set(why, "the data folder %s cannot be opened: %s", dir, strerror(errno));
    return EXAM_SYSTEM;
}

static long owner_pid(int owner_fd)
{
    char text[24] = "";
    ssize_t n = pread(owner_fd, text, sizeof text - 1, 0);
    return n > 0 ? strtol(text, NULL, 10) : 0;
}

static exam_err refuse_locked(const char *dir, int owner_fd, struct store_why why)
{
    long pid = owner_pid(owner_fd);
    if (pid > 0)
        store_why_set(why,
                      "the data folder %s is in use by process %ld: stop that process, or give "
                      "this node a folder of its own",
                      dir, pid);
    else
        store_why_set(why,
                      "the data folder %s is in use by another process: stop it, or give this "
                      "node a folder of its own",
                      dir);
    return EXAM_LOCKED;
}

static exam_err lock(const char *dir, int dir_fd, int *owner_fd, struct store_why why)
{
    int fd = openat(dir_fd, STORE_FILE_OWNER, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        store_why_set(why, "%s/%s cannot be opened: %s", dir, STORE_FILE_OWNER, strerror(errno));
        return errno == ENOSPC ? EXAM_FULL : EXAM_SYSTEM;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        exam_err err = EXAM_SYSTEM;
        if (errno == EWOULDBLOCK)
            err = refuse_locked(dir, fd, why);
        else
            store_why_set(why, "the data folder %s cannot be locked: %s", dir, strerror(errno));
        close(fd);
        return err;
    }
    /* Always the same length, so that a full disk cannot leave half of a number. On failure the
     * message of the next one lacks the pid, which is all that it is for. */
    char text[24];
    int n = snprintf(text, sizeof text, "%-12ld\n", (long)getpid());
    if (pwrite(fd, text, (size_t)n, 0) != n)
        (void)!ftruncate(fd, 0);
    *owner_fd = fd;
    return EXAM_OK;
}

static bool has_store(int dir_fd)
{
    struct stat st;
    return fstatat(dir_fd, STORE_FILE_DATA, &st, 0) == 0 && st.st_size > 0;
}

exam_err store_folder_open(const char *dir, struct store_folder *out, struct store_why why)
{
    struct store_folder f = {.dir_fd = -1, .owner_fd = -1};
    exam_err err = open_dir(dir, &f.dir_fd, why);
    if (err)
        return err;
    if (!has_store(f.dir_fd))
        err = refuse_foreign(dir, f.dir_fd, why);
    if (!err)
        err = lock(dir, f.dir_fd, &f.owner_fd, why);
    if (err) {
        close(f.dir_fd);
        return err;
    }
    f.fresh = !has_store(f.dir_fd); /* asked under the lock */
    *out = f;
    return EXAM_OK;
}

static exam_err refuse_unreadable(const char *dir, const char *file, struct store_why why)
{
    if (errno == ENOENT)
        store_why_set(why, "there is no folder %s", dir);
    else if (errno == ENOTDIR)
        store_why_set(why, "%s is no folder: name the data folder of a node, or a copy of it", dir);
    else
        store_why_set(why, "%s%s cannot be read: %s", dir, file, strerror(errno));
    return errno == ENOENT ? EXAM_NOT_FOUND : errno == ENOTDIR ? EXAM_INVALID : EXAM_SYSTEM;
}

/* A copy of data.mdb alone has no owner's file: then nobody can have it open. */
static exam_err lock_to_read(const char *dir, int dir_fd, int *owner_fd, struct store_why why)
{
    int fd = openat(dir_fd, STORE_FILE_OWNER, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return EXAM_OK;
    if (fd < 0)
        return refuse_unreadable(dir, "/" STORE_FILE_OWNER, why);
    if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
        long pid = owner_pid(fd);
        store_why_set(why,
                      "a node has %s open (process %ld): a reader would keep it from using its "
                      "disk's space again; stop that node in order, or read a copy of the folder "
                      "that was made while it was stopped",
                      dir, pid);
        close(fd);
        return EXAM_LOCKED;
    }
    *owner_fd = fd;
    return EXAM_OK;
}

exam_err store_folder_open_to_read(const char *dir, struct store_folder *out, struct store_why why)
{
    struct store_folder f = {.dir_fd = -1, .owner_fd = -1};
    f.dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f.dir_fd < 0)
        return refuse_unreadable(dir, "", why);
    exam_err err = EXAM_OK;
    if (!has_store(f.dir_fd)) {
        store_why_set(why,
                      "there is no store in %s (no " STORE_FILE_DATA
                      ", or an empty one): name the data folder of a node, or a copy of it",
                      dir);
        err = EXAM_NOT_FOUND;
    }
    if (!err)
        err = lock_to_read(dir, f.dir_fd, &f.owner_fd, why);
    if (err) {
        close(f.dir_fd);
        return err;
    }
    *out = f;
    return EXAM_OK;
}

exam_err store_folder_sync(const struct store_folder *f)
{
    if (fsync(f->dir_fd) != 0)
        return EXAM_IO;
    int parent = openat(f->dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return EXAM_OK; /* not ours to read, so not of our making */
    int rc = fsync(parent);
    close(parent);
    return rc == 0 ? EXAM_OK : EXAM_IO;
}

void store_folder_close(struct store_folder *f)
{
    if (f->owner_fd >= 0)
        close(f->owner_fd);
    close(f->dir_fd);
}
