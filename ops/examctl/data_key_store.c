#include "data_key_store.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "report.h"
#include "whole_file.h"

static exam_err text_write(const char *path, const char *text, size_t n)
{
    struct whole_file file;
    exam_err err = whole_file_open(path, &file);

    if (err == EXAM_OK && fwrite(text, 1, n, file.stream) != n) {
        whole_file_abandon(&file);
        err = EXAM_IO;
    } else if (err == EXAM_OK) {
        err = whole_file_commit(&file);
    }
    if (err != EXAM_OK)
        report_error("%s: %s", path, err == EXAM_IO ? strerror(errno) : exam_err_text(err));
    return err;
}

static exam_err put_under_password(const struct password_source *from, struct data_key_file *f)
{
    uint8_t chance[PASSWORD_CHANCE_BYTES];
    struct password password;
    exam_err err = password_choose(from, "New password of the site's data key: ", &password);

    if (err != EXAM_OK)
        return err;
    randombytes_buf(chance, sizeof chance);
    err = data_key_file_close(f, &password_cost_people, password.text, chance);
    password_wipe(&password);
    if (err != EXAM_OK)
        report_error("the data key: %s", exam_err_text(err));
    return err;
}

exam_err data_key_store_write(const char *path, const struct password_source *from, bool bare,
                              struct data_key_file *f)
{
    char text[DATA_KEY_FILE_BYTES_MAX];
    size_t n;
    exam_err err = bare ? EXAM_OK : put_under_password(from, f);

    if (err == EXAM_OK)
        err = data_key_file_format(f, text, &n);
    if (err == EXAM_OK)
        err = text_write(path, text, n);
    sodium_memzero(text, sizeof text);
    return err;
}

exam_err data_key_store_make(struct key_folder *f, const struct password_source *from, bool bare)
{
    const uint8_t *site_id = key_roster_site(f->roster);
    uint8_t key[DATA_KEY_BYTES], id[DATA_ID_BYTES];
    char path[WHOLE_FILE_PATH_BYTES];
    struct data_key_file file;

    if (key_roster_data_id(f->roster) != NULL) {
        report_error("the site has a data key, and what is sealed with it opens with no other: for "
                     "another one make another site (`examctl site init`), which begins with empty "
                     "data folders");
        return EXAM_EXISTS;
    }
    randombytes_buf(key, sizeof key);
    data_key_file_make(&file, site_id, key);
    sodium_memzero(key, sizeof key);
    memcpy(id, file.id, sizeof id);
    snprintf(path, sizeof path, "%s/data-key", f->path);
    exam_err err = data_key_store_write(path, from, bare, &file);
    data_key_file_wipe(&file);
    if (err == EXAM_OK)
        key_roster_set_data_id(f->roster, id);
    return err;
}
