#include "keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Which file it was, so that the same one is not read again and again. */
struct file_mark {
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec changed;
};

struct keyring {
    struct key_file own;
    bool locked; /* it is never written to a swap device */
    const struct key_roster *roster;
    struct key_roster *roster_owned; /* NULL: the caller's */
    char *roster_path;
    struct roster_memory memory; /* put NULL: none */
    char *memory_path;           /* when it is a file */
    struct file_mark mark;       /* of the roster's file, as it was seen last */
};

/* ---------------------------------------------------------------- files */

static struct file_mark mark_of(const struct stat *st)
{
    return (struct file_mark){
        .device = st->st_dev, .inode = st->st_ino, .bytes = st->st_size, .changed = st->st_mtim};
}

static bool mark_same(const struct file_mark *a, const struct file_mark *b)
{
    return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static exam_err file_open(const char *path, struct stat *st, int *fd, char *why, size_t why_bytes)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd >= 0 && fstat(*fd, st) == 0 && S_ISREG(st->st_mode))
        return EXAM_OK;
    exam_err err = *fd < 0 && errno == ENOENT ? EXAM_NOT_FOUND : EXAM_IO;
    snprintf(why, why_bytes, "%s: %s", path, *fd < 0 ? strerror(errno) : "no file to be read");
    if (*fd >= 0)
        close(*fd);
    return err;
}

static exam_err bytes_read(int fd, const char *path, char *out, size_t n, char *why,
                           size_t why_bytes)
{
    size_t have = 0;

    while (have < n) {
        ssize_t got = read(fd, out + have, n - have);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            snprintf(why, why_bytes, "%s: %s", path,
                     got < 0 ? strerror(errno) : "it became shorter while it was read");
            return EXAM_IO;
        }
        have += (size_t)got;
    }
    return EXAM_OK;
}

/* What a parser says, with the file's name in front. */
static exam_err named(exam_err err, const char *path, const char *said, char *why, size_t why_bytes)
{
    if (err != EXAM_OK)
        snprintf(why, why_bytes, "%s: %s", path, said[0] != '\0' ? said : exam_err_text(err));
    return err;
}

/* The bytes of a file that nobody but its owner may read. The caller wipes text[0..*n). */
static exam_err secret_read(const char *path, char *text, size_t bytes_max, size_t *n, char *why,
                            size_t why_bytes)
{
    struct stat st;
    int fd;
    exam_err err = file_open(path, &st, &fd, why, why_bytes);

    *n = 0;
    if (err != EXAM_OK)
        return err;
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        snprintf(why, why_bytes,
                 "%s: others may read this secret key: have a new one issued if they could have, "
                 "then `chmod 600` it",
                 path);
        err = EXAM_REFUSED;
    } else if ((size_t)st.st_size > bytes_max) {
        err = named(EXAM_TOO_BIG, path, "it is no key file", why, why_bytes);
    } else {
        *n = (size_t)st.st_size;
        err = bytes_read(fd, path, text, *n, why, why_bytes);
    }
    close(fd);
    return err;
}

exam_err keyring_read_key(const char *path, const struct key_password *password,
                          struct key_file *out, char *why, size_t why_bytes)
{
    char text[KEY_FILE_BYTES_MAX], said[KEYRING_WHY_BYTES] = "";
    size_t n;
    exam_err err = secret_read(path, text, sizeof text, &n, why, why_bytes);

    if (err == EXAM_OK)
        err = named(key_file_parse(text, n, password, out, said, sizeof said), path, said, why,
                    why_bytes);
    sodium_memzero(text, n);
    return err;
}

exam_err keyring_read_data_key(const char *path, struct data_key_file *out, char *why,
                               size_t why_bytes)
{
    char text[DATA_KEY_FILE_BYTES_MAX], said[KEYRING_WHY_BYTES] = "";
    size_t n;
    exam_err err = secret_read(path, text, sizeof text, &n, why, why_bytes);

    if (err == EXAM_OK)
        err =
            named(data_key_file_parse(text, n, out, said, sizeof said), path, said, why, why_bytes);
    sodium_memzero(text, n);
    return err;
}

/* A roster, and whose it must be. */
struct roster_file {
    const char *path;
    const uint8_t *authority;
    const uint8_t *site_id; /* NULL: any site of the authority */
};

static exam_err roster_read(const struct roster_file *f, const struct file_mark *seen,
                            struct key_roster **out, struct file_mark *mark, char *why,
                            size_t why_bytes)
{
    char said[KEYRING_WHY_BYTES] = "", *text = NULL;
    struct stat st;
    int fd;
    exam_err err = file_open(f->path, &st, &fd, why, why_bytes);

    if (err != EXAM_OK)
        return err;
    *mark = mark_of(&st);
    if (seen != NULL && mark_same(seen, mark)) {
        err = EXAM_AGAIN;
    } else if (st.st_size > KEY_ROSTER_BYTES_MAX) {
        err = named(EXAM_TOO_BIG, f->path, "it is no roster of keys", why, why_bytes);
    } else if ((text = malloc((size_t)st.st_size + 1)) == NULL) {
        err = named(EXAM_NOMEM, f->path, "", why, why_bytes);
    } else {
        err = bytes_read(fd, f->path, text, (size_t)st.st_size, why, why_bytes);
        if (err == EXAM_OK)
            err = named(key_roster_parse(text, (size_t)st.st_size, f->authority, f->site_id, out,
                                         said, sizeof said),
                        f->path, said, why, why_bytes);
    }
    free(text);
    close(fd);
    return err;
}

exam_err keyring_read_roster(const char *path, const uint8_t authority[KEY_BYTES],
                             const uint8_t site_id[SITE_ID_BYTES], struct key_roster **out,
                             char *why, size_t why_bytes)
{
    const struct roster_file f = {path, authority, site_id};
    struct file_mark mark;

    return roster_read(&f, NULL, out, &mark, why, why_bytes);
}

/* ---------------------------------------------------------------- the ring */

exam_err keyring_new(const struct key_file *own, const struct key_roster *roster,
                     struct keyring **out)
{
    struct keyring *k = calloc(1, sizeof *k);

    if (k == NULL)
        return EXAM_NOMEM;
    k->own = *own;
    k->roster = roster;
    *out = k;
    return EXAM_OK;
}

void keyring_free(struct keyring *k)
{
    if (k == NULL)
        return;
    key_file_wipe(&k->own);
    if (k->locked)
        sodium_munlock(&k->own, sizeof k->own);
    key_roster_free(k->roster_owned);
    free(k->roster_path);
    free(k->memory_path);
    free(k);
}

static exam_err own_check(const struct keyring *k, const char *path, char *why, size_t why_bytes)
{
    const struct key_entry *e = key_roster_find_key(k->roster, k->own.pair.public);

    if (keyring_own_good(k))
        return EXAM_OK;
    snprintf(why, why_bytes,
             e != NULL && e->revoked != 0
                 ? "%s: the roster says that this key of %s was revoked: have a new one issued"
                 : "%s: the roster does not have this key of %s: it may be an older one than the "
                   "key; fetch it again",
             path, k->own.name);
    return EXAM_REFUSED;
}

static exam_err ring_open(const char *key_path, const char *roster_path, enum key_kind kind,
                          const struct key_password *password, struct keyring **out, char *why,
                          size_t why_bytes)
{
    struct keyring *k = NULL;
    struct key_file own;
    exam_err err = keyring_read_key(key_path, password, &own, why, why_bytes);

    if (err != EXAM_OK)
        return err;
    if (own.kind != kind) {
        snprintf(why, why_bytes, "%s: this is the key of %s %s; here the key of a %s is needed",
                 key_path, key_kind_name(own.kind), own.name, key_kind_name(kind));
        key_file_wipe(&own);
        return EXAM_REFUSED;
    }
    err = named(keyring_new(&own, NULL, &k), key_path, "", why, why_bytes);
    key_file_wipe(&own);
    if (err == EXAM_OK) /* not everybody may lock memory; it is not cheap, either */
        k->locked = sodium_mlock(&k->own, sizeof k->own) == 0;
    if (err == EXAM_OK && (k->roster_path = strdup(roster_path)) == NULL)
        err = named(EXAM_NOMEM, roster_path, "", why, why_bytes);
    if (err == EXAM_OK)
        err = roster_read(&(struct roster_file){roster_path, k->own.authority, k->own.site_id},
                          NULL, &k->roster_owned, &k->mark, why, why_bytes);
    if (err == EXAM_OK) {
        k->roster = k->roster_owned;
        err = own_check(k, key_path, why, why_bytes);
    }
    if (err != EXAM_OK) {
        keyring_free(k);
        return err;
    }
    *out = k;
    return EXAM_OK;
}

exam_err keyring_open(const char *key_path, const char *roster_path, enum key_kind kind,
                      struct keyring **out, char *why, size_t why_bytes)
{
    return ring_open(key_path, roster_path, kind, NULL, out, why, why_bytes);
}

exam_err keyring_open_person(const char *key_path, const char *roster_path,
                             const struct key_password *password, struct keyring **out, char *why,
                             size_t why_bytes)
{
    return ring_open(key_path, roster_path, KEY_PERSON, password, out, why, why_bytes);
}

exam_err keyring_remember(struct keyring *k, const struct roster_memory *m, char *why,
                          size_t why_bytes)
{
    uint64_t used = key_roster_version(k->roster), newest;
    exam_err err = m->get(m->ctx, k->own.authority, &newest, why, why_bytes);

    if (err == EXAM_OK && used < newest) {
        snprintf(why, why_bytes,
                 "%s is roster %llu of the site's keys, and roster %llu has been used here "
                 "already: what was revoked since would be let in. Fetch the newest one from where "
                 "the site's keys are made",
                 k->roster_path != NULL ? k->roster_path : "this", (unsigned long long)used,
                 (unsigned long long)newest);
        return EXAM_REFUSED;
    }
    if (err == EXAM_OK && used > newest)
        err = m->put(m->ctx, k->own.authority, used, why, why_bytes);
    if (err == EXAM_OK)
        k->memory = *m;
    return err;
}

exam_err keyring_remember_file(struct keyring *k, const char *path, char *why, size_t why_bytes)
{
    struct roster_memory memory;

    k->memory = (struct roster_memory){.ctx = NULL};
    free(k->memory_path);
    k->memory_path = strdup(path);
    if (k->memory_path == NULL)
        return named(EXAM_NOMEM, path, "", why, why_bytes);
    memory = roster_memory_file(k->memory_path);
    return keyring_remember(k, &memory, why, why_bytes);
}

/* The newer one, which takes the place of the one in use, or is freed. */
static exam_err roster_use(struct keyring *k, struct key_roster *newer, char *why, size_t why_bytes)
{
    exam_err err = EXAM_OK;

    if (k->memory.put != NULL)
        err = k->memory.put(k->memory.ctx, k->own.authority, key_roster_version(newer), why,
                            why_bytes);
    if (err != EXAM_OK) {
        key_roster_free(newer);
        k->mark = (struct file_mark){.inode = 1}; /* it is no bad file: it is read again */
        return err;
    }
    key_roster_free(k->roster_owned);
    k->roster = k->roster_owned = newer;
    return EXAM_OK;
}

exam_err keyring_refresh(struct keyring *k, bool *changed, char *why, size_t why_bytes)
{
    const struct roster_file f = {k->roster_path, k->own.authority, k->own.site_id};
    struct key_roster *read = NULL;
    struct file_mark mark = k->mark;
    exam_err err;

    *changed = false;
    if (k->roster_path == NULL)
        return EXAM_OK;
    err = roster_read(&f, &k->mark, &read, &mark, why, why_bytes);
    if (err == EXAM_AGAIN)
        return EXAM_OK;
    if (err == EXAM_NOT_FOUND && k->mark.inode == 0)
        return EXAM_OK; /* it was told */
    k->mark = err == EXAM_NOT_FOUND ? (struct file_mark){.inode = 0} : mark;
    if (err != EXAM_OK)
        return err;
    if (key_roster_version(read) <= key_roster_version(k->roster)) {
        bool same = key_roster_version(read) == key_roster_version(k->roster);
        key_roster_free(read);
        if (same)
            return EXAM_OK;
        snprintf(why, why_bytes, "%s: it is older than the roster in use, and is not taken",
                 k->roster_path);
        return EXAM_INVALID;
    }
    err = roster_use(k, read, why, why_bytes);
    *changed = err == EXAM_OK;
    return err;
}

const struct key_file *keyring_own(const struct keyring *k)
{
    return &k->own;
}

const struct key_roster *keyring_roster(const struct keyring *k)
{
    return k->roster;
}

bool keyring_own_good(const struct keyring *k)
{
    const struct key_entry *e = key_roster_find_key(k->roster, k->own.pair.public);

    return e != NULL && e->revoked == 0 && e->kind == k->own.kind &&
           strcmp(e->name, k->own.name) == 0 &&
           memcmp(e->sign_public, k->own.sign_public, KEY_BYTES) == 0;
}
