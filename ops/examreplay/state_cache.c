#include "state_cache.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

enum { NAME_HASH_BYTES = 16, NAME_TEXT_BYTES = 2 * NAME_HASH_BYTES + sizeof ".states" };

/* ---------------------------------------------------------------- the folder */

/* XDG Base Directory Specification: a path that is not absolute is none. */
static bool base_folder(char path[STATE_CACHE_PATH_BYTES])
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n = -1;
    if (cache && cache[0] == '/')
        n = snprintf(path, STATE_CACHE_PATH_BYTES, "%s", cache);
    else if (home && home[0] == '/')
        n = snprintf(path, STATE_CACHE_PATH_BYTES, "%s/.cache", home);
    return n > 0 && n < STATE_CACHE_PATH_BYTES - 64;
}

static bool step_into(char path[STATE_CACHE_PATH_BYTES], const char *name)
{
    size_t n = strlen(path);
    snprintf(path + n, STATE_CACHE_PATH_BYTES - n, "%s%s", name[0] != '\0' ? "/" : "", name);
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* Open, so that what is done in it is done in this very folder; -1: none. */
static int folder_open(char path[STATE_CACHE_PATH_BYTES])
{
    struct stat st;
    if (!base_folder(path) || !step_into(path, "") || !step_into(path, "shunyan") ||
        !step_into(path, "examreplay"))
        return -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 077) == 0)
        return fd;
    close(fd);
    return -1;
}

/* ---------------------------------------------------------------- one file too many */

struct oldest {
    char name[NAME_TEXT_BYTES];
    struct timespec used;
    size_t files;
};

static bool is_earlier(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static void look_at(int folder, const char *name, struct oldest *o)
{
    struct stat st;
    size_t n = strlen(name);
    if (n != NAME_TEXT_BYTES - 1 || strcmp(name + 2 * NAME_HASH_BYTES, ".states") != 0 ||
        fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    if (o->files == 0 || is_earlier(&st.st_mtim, &o->used)) {
        memcpy(o->name, name, n + 1);
        o->used = st.st_mtim;
    }
    o->files++;
}

static struct oldest oldest_in(int folder)
{
    struct oldest oldest = {.files = 0};
    int again = dup(folder);
    DIR *d = again < 0 ? NULL : fdopendir(again);
    if (!d && again >= 0)
        close(again);
    if (d)
        rewinddir(d); /* one place is common to both */
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
        look_at(folder, e->d_name, &oldest);
    if (d)
        closedir(d);
    return oldest;
}

static void make_room(int folder)
{
    struct oldest o = oldest_in(folder);
    while (o.files >= STATE_CACHE_FILES_MAX && unlinkat(folder, o.name, 0) == 0)
        o = oldest_in(folder);
}

/* ---------------------------------------------------------------- the file */

static exam_err name_of(struct replay *p, char name[NAME_TEXT_BYTES])
{
    const struct position last = store_last(p->s);
    uint8_t key[STATE_INDEX_KEY_BYTES], hash[NAME_HASH_BYTES], what[8 + HASH_BYTES];
    uint64_t lsn = htobe64(last.lsn);
    exam_err err = state_index_key(p, key);
    if (err)
        return err;
    memcpy(what, &lsn, 8);
    memcpy(what + 8, last.hash, HASH_BYTES);
    crypto_generichash(hash, sizeof hash, what, sizeof what, key, sizeof key);
    sodium_memzero(key, sizeof key);
    sodium_bin2hex(name, NAME_TEXT_BYTES, hash, sizeof hash);
    memcpy(name + 2 * NAME_HASH_BYTES, ".states", sizeof ".states");
    return EXAM_OK;
}

exam_err state_cache_path(struct replay *p, char path[STATE_CACHE_PATH_BYTES])
{
    char name[NAME_TEXT_BYTES];
    exam_err err = name_of(p, name);
    int folder = err ? -1 : folder_open(path);
    if (folder < 0)
        return err ? err : EXAM_NOT_FOUND;
    if (utimensat(folder, name, NULL, AT_SYMLINK_NOFOLLOW) != 0)
        make_room(folder);
    int file = openat(folder, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    close(folder);
    if (file < 0)
        return EXAM_NOT_FOUND;
    close(file);
    size_t n = strlen(path);
    snprintf(path + n, STATE_CACHE_PATH_BYTES - n, "/%s", name);
    return EXAM_OK;
}
