#include "package_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "keyring.h"
#include "package_archive.h"
#include "report.h"
#include "whole_file.h"

/* P2: no core file, and nobody else's debugger, while this process knows a paper. */
static void memory_guard(void)
{
    (void)prctl(PR_SET_DUMPABLE, 0);
}

void package_made_format(int64_t wall_ms, char out[PACKAGE_MADE_BYTES])
{
    time_t at = (time_t)(wall_ms / 1000);
    struct tm tm;

    if (localtime_r(&at, &tm) == NULL ||
        strftime(out, PACKAGE_MADE_BYTES, "%Y-%m-%d %H:%M", &tm) == 0)
        snprintf(out, PACKAGE_MADE_BYTES, "?");
}

/* ---------------------------------------------------------------- making */

static exam_err to_seal(void *ctx, const void *bytes, size_t n)
{
    return package_seal_write(ctx, bytes, n);
}

/* The settings are a text like the others. */
static exam_err texts_write(struct package_seal *s, const struct import_files *f)
{
    const struct package_sink sink = {.write = to_seal, .ctx = s};
    struct import_texts *t = malloc(sizeof *t);
    char settings[BATCH_SETTINGS_BYTES_MAX];
    exam_err err;

    if (t == NULL)
        return EXAM_NOMEM;
    *t = f->texts;
    t->at[IMPORT_SETTINGS].bytes = settings;
    err = batch_settings_format(&f->settings, settings, &t->at[IMPORT_SETTINGS].n);
    if (err == EXAM_OK)
        err = package_archive_write(t, &sink);
    free(t);
    return err;
}

static exam_err package_write(FILE *to, const struct package_order *order,
                              const struct import_files *f)
{
    struct package_seal s;
    exam_err err = package_seal_begin(&s, to, order);

    if (err == EXAM_OK)
        err = texts_write(&s, f);
    if (err == EXAM_OK)
        err = package_seal_end(&s);
    package_seal_fini(&s);
    return err;
}

enum exit_code package_file_make(const char *path, const struct package_order *order,
                                 const struct import_files *f)
{
    struct whole_file file;
    exam_err err;

    memory_guard();
    err = whole_file_open(path, &file);
    if (err == EXAM_OK) {
        err = package_write(file.stream, order, f);
        if (err == EXAM_OK)
            err = whole_file_commit(&file);
        else
            whole_file_abandon(&file);
    }
    if (err == EXAM_OK)
        return EXIT_CODE_DONE;
    report_error("%s: %s", path,
                 err == EXAM_IO        ? strerror(errno)
                 : err == EXAM_TOO_BIG ? "that is too much for one package"
                                       : exam_err_text(err));
    return err == EXAM_TOO_BIG ? EXIT_CODE_BAD_INPUT : EXIT_CODE_INTERNAL;
}

/* ---------------------------------------------------------------- reading */

enum exit_code package_file_report(const struct package_file *f, exam_err err)
{
    if (err == EXAM_OK)
        return EXIT_CODE_DONE;
    report_error("%s: %s", f->path, f->package.why);
    return err == EXAM_NOMEM ? EXIT_CODE_INTERNAL : EXIT_CODE_BAD_INPUT;
}

enum exit_code package_file_open(const char *path, struct package_file *f)
{
    FILE *from = fopen(path, "rbe");

    memset(f, 0, sizeof *f);
    f->path = path;
    memory_guard();
    if (from != NULL)
        return package_file_report(f, package_open_begin(&f->package, from));
    report_error("%s: %s", path, strerror(errno));
    return EXIT_CODE_BAD_INPUT;
}

exam_err package_file_verify(struct package_file *f, const struct key_roster *roster)
{
    exam_err err = EXAM_OK;

    if (roster != NULL)
        err = package_signer_check(&f->package.header, roster, f->package.why);
    if (err == EXAM_OK)
        err = package_open_check(&f->package);
    return err;
}

static exam_err from_package(void *ctx, const uint8_t **bytes, size_t *n)
{
    return package_open_read(ctx, bytes, n);
}

static enum exit_code unlock(struct package_file *f, const struct password_source *from)
{
    const struct package_header *h = &f->package.header;
    char made[PACKAGE_MADE_BYTES], prompt[256];
    struct password password;
    exam_err err;

    package_made_format(h->made_wall_ms, made);
    snprintf(prompt, sizeof prompt,
             "Password of the package of batch %s, made by %s, %s: ", h->batch, h->who, made);
    if (password_ask(from, prompt, &password) != EXAM_OK)
        return EXIT_CODE_REFUSED;
    err = package_open_unlock(&f->package, password.text);
    password_wipe(&password);
    if (err == EXAM_AUTH) {
        (void)package_file_report(f, err);
        return EXIT_CODE_REFUSED;
    }
    return package_file_report(f, err);
}

static exam_err settings_take(struct package_file *f, struct import_files *out)
{
    const struct import_text *t = &out->texts.at[IMPORT_SETTINGS];
    exam_err err = batch_settings_parse(t->bytes, t->n, &out->settings);

    if (err == EXAM_OK && strcmp(out->settings.batch, f->package.header.batch) != 0)
        err = EXAM_INVALID;
    if (err != EXAM_OK)
        snprintf(f->package.why, sizeof f->package.why,
                 "what it says of its batch makes no sense, or is of another batch: have it made "
                 "again");
    return err;
}

enum exit_code package_file_read(struct package_file *f, const struct password_source *password,
                                 struct import_files *out)
{
    const struct package_source source = {.read = from_package, .ctx = &f->package};
    enum exit_code exit_code = unlock(f, password);
    exam_err err;

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    err = package_archive_read(&source, &out->texts, f->package.why);
    if (err == EXAM_OK)
        err = settings_take(f, out);
    if (err != EXAM_OK)
        return package_file_report(f, err);
    return import_files_report(out, import_files_check(out), "taken from the package");
}

void package_file_close(struct package_file *f)
{
    if (f->package.from != NULL)
        fclose(f->package.from);
    package_open_fini(&f->package);
}

/* ---------------------------------------------------------------- import */

static enum exit_code batch_check(const struct options *o, const struct package_file *f)
{
    if (o->batch == NULL || strcmp(o->batch, f->package.header.batch) == 0)
        return EXIT_CODE_DONE;
    report_error("%s: it is of batch %s, and not of %s", f->path, f->package.header.batch,
                 o->batch);
    return EXIT_CODE_BAD_INPUT;
}

enum exit_code package_file_import(const struct options *o, struct import_files *out)
{
    struct package_file f;
    enum exit_code exit_code;

    if (o->keyring == NULL) {
        report_error("a package is held against the site's roster: give --key-file and "
                     "--key-roster");
        return EXIT_CODE_USAGE;
    }
    exit_code = package_file_open(o->package, &f);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = package_file_report(&f, package_file_verify(&f, keyring_roster(o->keyring)));
    if (exit_code == EXIT_CODE_DONE)
        exit_code = batch_check(o, &f);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = package_file_read(&f, &o->package_password, out);
    package_file_close(&f);
    if (exit_code != EXIT_CODE_DONE)
        report_error("nothing was imported");
    return exit_code;
}
