#include "key_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keyring.h"
#include "report.h"
#include "whole_file.h"

enum { PATH_BYTES = 4096 };

static exam_err io_error(const char *path)
{
    report_error("%s: %s", path, strerror(errno));
    return errno == EEXIST ? EXAM_EXISTS : EXAM_IO;
}

static exam_err path_too_long(const struct key_folder *f)
{
    report_error("%s: the path is too long", f->path);
    return EXAM_TOO_BIG;
}

static exam_err folder_need(const char *path)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return EXAM_OK;
    return io_error(path);
}

/* nodes/A.key, seats/R01/R01-01.key, people/operator.key; the folders on the way are made. */
static exam_err key_path(const struct key_folder *f, enum key_kind kind, const char *name,
                         char out[PATH_BYTES])
{
    static const char *const folders[] = {
        [KEY_NODE] = "nodes", [KEY_SEAT] = "seats", [KEY_PERSON] = "people"};
    const char *dash = kind == KEY_SEAT ? strrchr(name, '-') : NULL;
    int n = snprintf(out, PATH_BYTES, "%s/%s", f->path, folders[kind]);
    exam_err err = EXAM_OK;

    if (n < 0 || n > PATH_BYTES - 3 * KEY_NAME_BYTES)
        return path_too_long(f);
    err = folder_need(out);
    if (err == EXAM_OK && dash != NULL && dash > name) {
        n += snprintf(out + n, (size_t)(PATH_BYTES - n), "/%.*s", (int)(dash - name), name);
        err = folder_need(out);
    }
    snprintf(out + n, (size_t)(PATH_BYTES - n), "/%s.key", name);
    return err;
}

/* The file's text; under a password if there is one. */
static exam_err key_text(const struct key_file *k, const char *password,
                         char text[KEY_FILE_BYTES_MAX], size_t *n)
{
    uint8_t chance[PASSWORD_CHANCE_BYTES];
    exam_err err;

    if (password == NULL)
        return key_file_format(k, text, n);
    randombytes_buf(chance, sizeof chance);
    err = key_file_format_boxed(k, password, &password_cost_people, chance, text, n);
    if (err == EXAM_NOMEM)
        report_error("%s: there is not enough memory to put the key under a password", k->name);
    return err;
}

static exam_err secret_write(const char *path, const struct key_file *k, const char *password)
{
    char text[KEY_FILE_BYTES_MAX];
    size_t n;
    exam_err err = key_text(k, password, text, &n);
    int fd;

    if (err != EXAM_OK)
        return err;
    /* Its owner's from the first moment. What an issue that was cut off has left is of no use. */
    (void)unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0)
        err = io_error(path);
    else if (write(fd, text, n) != (ssize_t)n || close(fd) != 0)
        err = io_error(path);
    sodium_memzero(text, sizeof text);
    return err;
}

exam_err key_folder_rewrite(const char *path, const struct key_file *k, const char *password)
{
    char text[KEY_FILE_BYTES_MAX];
    struct whole_file file;
    size_t n;
    exam_err err = key_text(k, password, text, &n);

    if (err != EXAM_OK)
        return err;
    err = whole_file_open(path, &file);
    if (err == EXAM_OK && (fwrite(text, 1, n, file.stream) != n ||
                           fchmod(fileno(file.stream), S_IRUSR | S_IWUSR) != 0)) {
        whole_file_abandon(&file);
        err = EXAM_IO;
    } else if (err == EXAM_OK) {
        err = whole_file_commit(&file);
    }
    sodium_memzero(text, sizeof text);
    return err == EXAM_OK ? EXAM_OK : io_error(path);
}

exam_err key_folder_make(const char *path, const uint8_t *site_id, const char *password,
                         struct key_folder *out)
{
    struct key_folder f = {.path = path};
    uint8_t new_id[SITE_ID_BYTES], chance[KEY_BYTES];
    char file[PATH_BYTES];
    exam_err err;

    if (strlen(path) > PATH_BYTES - 64)
        return path_too_long(&f);
    if (sodium_init() < 0)
        return EXAM_SYSTEM;
    if (mkdir(path, 0700) != 0)
        return io_error(path);
    randombytes_buf(new_id, sizeof new_id);
    if (site_id == NULL)
        site_id = new_id;
    randombytes_buf(chance, sizeof chance);
    key_file_make(&f.authority, "authority", KEY_AUTHORITY, site_id, NULL, chance);
    sodium_memzero(chance, sizeof chance);
    snprintf(file, sizeof file, "%s/authority.key", path);
    err = secret_write(file, &f.authority, password);
    if (err == EXAM_OK)
        err = key_roster_new(site_id, &f.roster);
    if (err != EXAM_OK) {
        key_folder_close(&f);
        return err;
    }
    key_roster_next(f.roster);
    *out = f;
    return EXAM_OK;
}

/* Whether there is a password on it is known when it has been asked for. */
struct asking {
    struct password_source from;
    bool asked;
};

static exam_err password_of_authority(void *ctx, enum key_kind kind, const char *name,
                                      char out[KEY_PASSWORD_BYTES])
{
    struct asking *a = ctx;

    a->asked = true;
    return password_of_key(&a->from, kind, name, out);
}

static exam_err authority_read(const char *file, const struct password_source *from,
                               struct key_file *out, char why[KEYRING_WHY_BYTES])
{
    struct asking a = {.from = *from};
    const struct key_password password = {.ask = password_of_authority, .ctx = &a};
    exam_err err = keyring_read_key(file, &password, out, why, KEYRING_WHY_BYTES);

    if (err == EXAM_OK && out->kind != KEY_AUTHORITY) {
        snprintf(why, KEYRING_WHY_BYTES, "%.400s: it is no authority's key", file);
        err = EXAM_REFUSED;
    } else if (err == EXAM_OK && !a.asked) {
        report_error("warning: %s is under no password: whoever has this file makes keys that the "
                     "site believes. `examctl site passwd --key-file %s` puts it under one",
                     file, file);
    }
    return err;
}

exam_err key_folder_open(const char *path, bool change, const struct password_source *authority,
                         struct key_folder *out)
{
    struct key_folder f = {.path = path};
    char file[PATH_BYTES], why[KEYRING_WHY_BYTES] = "";
    exam_err err;

    if (strlen(path) > PATH_BYTES - 64)
        return path_too_long(&f);
    if (sodium_init() < 0)
        return EXAM_SYSTEM;
    snprintf(file, sizeof file, "%s/authority.key", path);
    err = authority_read(file, authority, &f.authority, why);
    snprintf(file, sizeof file, "%s/roster", path);
    if (err == EXAM_OK)
        err = keyring_read_roster(file, f.authority.authority, f.authority.site_id, &f.roster, why,
                                  sizeof why);
    if (err != EXAM_OK) {
        report_error("%s", why);
        key_folder_close(&f);
        return err;
    }
    if (change)
        key_roster_next(f.roster);
    *out = f;
    return EXAM_OK;
}

/* `e`: its name, kind and role; the rest is made here. */
static exam_err issue(struct key_folder *f, const struct key_entry *of, const char *password)
{
    uint8_t chance[KEY_BYTES];
    char path[PATH_BYTES];
    struct key_entry e;
    struct key_file k;
    exam_err err;

    if (key_roster_find_name(f->roster, of->kind, of->name) != NULL) {
        report_error("%s %s has a key already; revoke it first", key_kind_name(of->kind), of->name);
        return EXAM_EXISTS;
    }
    randombytes_buf(chance, sizeof chance);
    key_file_make(&k, of->name, of->kind, f->authority.site_id, f->authority.authority, chance);
    sodium_memzero(chance, sizeof chance);
    err = key_path(f, of->kind, of->name, path);
    if (err == EXAM_OK)
        err = secret_write(path, &k, password);
    if (err == EXAM_OK) {
        key_entry_of(&k, &e);
        e.role = of->role;
        memcpy(e.rooms, of->rooms, sizeof e.rooms);
        e.rooms_n = of->rooms_n;
        err = key_roster_add(f->roster, &e);
        if (err != EXAM_OK)
            report_error("%s %s: %s", key_kind_name(of->kind), of->name, exam_err_text(err));
    }
    key_file_wipe(&k);
    return err;
}

exam_err key_folder_issue(struct key_folder *f, enum key_kind kind, const char *name)
{
    struct key_entry of = {.kind = kind};

    if (kind == KEY_PERSON)
        of.role = KEY_ROLE_ADMINISTRATOR;
    snprintf(of.name, sizeof of.name, "%s", name);
    return issue(f, &of, NULL);
}

exam_err key_folder_issue_person(struct key_folder *f, const struct key_folder_person *p)
{
    struct key_entry of = {.kind = KEY_PERSON, .role = p->role};

    snprintf(of.name, sizeof of.name, "%s", p->name);
    for (size_t i = 0; p->rooms != NULL && i < p->rooms->n && i < KEY_ROOMS_MAX; i++)
        snprintf(of.rooms[of.rooms_n++], KEY_NAME_BYTES, "%s", p->rooms->at[i]);
    if (!key_entry_role_fits(&of) || (p->rooms != NULL && p->rooms->n > KEY_ROOMS_MAX)) {
        report_error(p->role == KEY_ROLE_INVIGILATOR
                         ? "%s: an invigilator has 1 to %d rooms, each named once: give --rooms"
                         : "%s: only an invigilator has --rooms (1 to %d)",
                     p->name, KEY_ROOMS_MAX);
        return EXAM_INVALID;
    }
    return issue(f, &of, p->password);
}

/* One flush for hundreds of key files. */
static exam_err folder_flush(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    exam_err err = EXAM_OK;

    if (fd < 0)
        return io_error(path);
    if (syncfs(fd) != 0)
        err = io_error(path);
    close(fd);
    return err;
}

exam_err key_folder_commit(struct key_folder *f)
{
    char path[PATH_BYTES], *text;
    struct whole_file file;
    size_t n;
    exam_err err = folder_flush(f->path);

    if (err != EXAM_OK)
        return err;
    err = key_roster_format(f->roster, &f->authority, &text, &n);
    if (err != EXAM_OK) {
        report_error("the roster: %s", exam_err_text(err));
        return err;
    }
    snprintf(path, sizeof path, "%s/roster", f->path);
    err = whole_file_open(path, &file);
    if (err == EXAM_OK) {
        /* It has no secret in it. */
        if (fwrite(text, 1, n, file.stream) == n && fchmod(fileno(file.stream), 0644) == 0) {
            err = whole_file_commit(&file);
        } else {
            whole_file_abandon(&file);
            err = EXAM_IO;
        }
    }
    free(text);
    return err == EXAM_OK ? EXAM_OK : io_error(path);
}

void key_folder_close(struct key_folder *f)
{
    key_file_wipe(&f->authority);
    key_roster_free(f->roster);
    f->roster = NULL;
}
