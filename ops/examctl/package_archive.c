#include "package_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "problems.h"

/* ---------------------------------------------------------------- writing */

/* An error of the sink goes around libarchive, which knows errno only. */
struct writing {
    const struct package_sink *to;
    exam_err err;
};

static la_ssize_t on_write(struct archive *a, void *ctx, const void *bytes, size_t n)
{
    struct writing *w = ctx;

    w->err = w->to->write(w->to->ctx, bytes, n);
    if (w->err == EXAM_OK)
        return (la_ssize_t)n;
    archive_set_error(a, -1, "the sink has failed");
    return -1;
}

/* Of texts alone: no owner, no date. */
static bool member_write(struct archive *a, const struct import_text *t, size_t i)
{
    struct archive_entry *e = archive_entry_new();
    char name[IMPORT_NAME_BYTES];
    bool good = false;

    if (e == NULL)
        return false;
    import_text_name(i, name);
    archive_entry_set_pathname(e, name);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_perm(e, 0600);
    archive_entry_set_size(e, (la_int64_t)t->n);
    archive_entry_set_mtime(e, 0, 0);
    good = archive_write_header(a, e) == ARCHIVE_OK &&
           archive_write_data(a, t->bytes, t->n) == (la_ssize_t)t->n;
    archive_entry_free(e);
    return good;
}

exam_err package_archive_write(const struct import_texts *t, const struct package_sink *to)
{
    struct writing w = {.to = to};
    struct archive *a;
    uint64_t bytes = 0;
    bool good;

    for (size_t i = 0; i < t->n; i++)
        bytes += t->at[i].n;
    if (bytes > PACKAGE_TEXT_BYTES_MAX)
        return EXAM_TOO_BIG;
    a = archive_write_new();
    if (a == NULL)
        return EXAM_NOMEM;
    good = archive_write_set_format_ustar(a) == ARCHIVE_OK &&
           archive_write_add_filter_none(a) == ARCHIVE_OK &&
           archive_write_open(a, &w, NULL, on_write, NULL) == ARCHIVE_OK;
    for (size_t i = 0; i < t->n && good; i++)
        good = member_write(a, &t->at[i], i);
    good = good && archive_write_close(a) == ARCHIVE_OK;
    archive_write_free(a);
    if (w.err != EXAM_OK)
        return w.err;
    return good ? EXAM_OK : EXAM_NOMEM;
}

/* ---------------------------------------------------------------- reading */

struct reading {
    const struct package_source *from;
    struct import_texts texts;
    uint64_t bytes; /* of them */
    exam_err err;   /* of the source */
    char *why;
};

static la_ssize_t on_read(struct archive *a, void *ctx, const void **bytes)
{
    struct reading *r = ctx;
    const uint8_t *at = NULL;
    size_t n = 0;

    r->err = r->err == EXAM_OK ? r->from->read(r->from->ctx, &at, &n) : r->err;
    if (r->err != EXAM_OK) {
        archive_set_error(a, -1, "the source has failed");
        return -1;
    }
    *bytes = at;
    return (la_ssize_t)n;
}

static exam_err fail(struct reading *r, exam_err err, const char *what)
{
    snprintf(r->why, PACKAGE_WHY_BYTES, "%s", what);
    return err;
}

static exam_err member_fail(struct reading *r, exam_err err, struct archive_entry *e,
                            const char *what)
{
    const char *name = archive_entry_pathname(e);
    char quoted[PROBLEM_QUOTE_BYTES], want[IMPORT_NAME_BYTES] = "nothing more";

    if (r->texts.n < IMPORT_TEXTS_MAX)
        import_text_name(r->texts.n, want);
    snprintf(r->why, PACKAGE_WHY_BYTES, "member %zu of its content, %s, %s; %s belongs there",
             r->texts.n + 1, problem_quote(name != NULL ? name : "", quoted), what, want);
    return err;
}

static exam_err member_check(struct reading *r, struct archive_entry *e)
{
    const char *name = archive_entry_pathname(e);
    char want[IMPORT_NAME_BYTES];
    la_int64_t size = archive_entry_size(e);

    if (r->texts.n == IMPORT_TEXTS_MAX)
        return member_fail(r, EXAM_TOO_BIG, e, "is one too many");
    import_text_name(r->texts.n, want);
    if (name == NULL || strcmp(name, want) != 0)
        return member_fail(r, EXAM_MALFORMED, e, "does not belong into a package");
    if (archive_entry_filetype(e) != AE_IFREG || archive_entry_hardlink(e) != NULL ||
        archive_entry_sparse_count(e) != 0)
        return member_fail(r, EXAM_MALFORMED, e, "is no plain file");
    if (size < 0 || (uint64_t)size > import_text_bytes_max(r->texts.n))
        return member_fail(r, EXAM_TOO_BIG, e, "is larger than such a file may be");
    r->bytes += (uint64_t)size;
    if (r->bytes > PACKAGE_TEXT_BYTES_MAX)
        return fail(r, EXAM_TOO_BIG, "its content is larger than any package's");
    return EXAM_OK;
}

/* Grows with what is there, not with what the archive says that there is. */
static exam_err bytes_read(struct archive *a, struct import_text *t, size_t size)
{
    size_t room = 0;

    while (t->n < size) {
        la_ssize_t got;

        if (t->n == room) {
            size_t more = room == 0 ? 64 * 1024 : 2 * room;
            char *grown = malloc((more < size ? more : size) + 1);

            if (grown == NULL)
                return EXAM_NOMEM;
            room = more < size ? more : size;
            if (t->bytes != NULL) {
                memcpy(grown, t->bytes, t->n);
                sodium_memzero(t->bytes, t->n);
                free(t->bytes);
            }
            t->bytes = grown;
        }
        got = archive_read_data(a, t->bytes + t->n, room - t->n);
        if (got <= 0)
            return EXAM_MALFORMED;
        t->n += (size_t)got;
    }
    return EXAM_OK;
}

static exam_err member_read(struct reading *r, struct archive *a, struct archive_entry *e)
{
    struct import_text *t = &r->texts.at[r->texts.n];
    size_t size;
    exam_err err = member_check(r, e);

    if (err != EXAM_OK)
        return err;
    size = (size_t)archive_entry_size(e);
    *t = (struct import_text){.path = NULL};
    import_text_name(r->texts.n, t->name);
    r->texts.n++;
    if (size == 0)
        t->bytes = malloc(1);
    if (size == 0 && t->bytes == NULL)
        return EXAM_NOMEM;
    err = bytes_read(a, t, size);
    if (err == EXAM_OK)
        t->bytes[t->n] = '\0';
    else if (r->err == EXAM_OK)
        (void)fail(r, err, "its content is cut off");
    return err;
}

static exam_err members_read(struct reading *r, struct archive *a)
{
    for (;;) {
        struct archive_entry *e;
        int rc = archive_read_next_header(a, &e);
        exam_err err;

        if (rc == ARCHIVE_EOF)
            break;
        if (rc != ARCHIVE_OK)
            return fail(r, EXAM_MALFORMED, "its content is no archive of a package");
        err = member_read(r, a, e);
        if (err != EXAM_OK)
            return err;
    }
    return r->texts.n > IMPORT_PAPERS
               ? EXAM_OK
               : fail(r, EXAM_MALFORMED, "rooms, candidates or papers are missing in its content");
}

/* Behind the archive's end there is padding, and the source's own last word. */
static exam_err rest_read(struct reading *r)
{
    const uint8_t *at;
    size_t n = 1;

    while (r->err == EXAM_OK && n > 0)
        r->err = r->from->read(r->from->ctx, &at, &n);
    return r->err;
}

static exam_err archive_take(struct reading *r)
{
    struct archive *a = archive_read_new();
    exam_err err = EXAM_NOMEM;

    if (a == NULL)
        return err;
    if (archive_read_support_filter_none(a) == ARCHIVE_OK &&
        archive_read_support_format_tar(a) == ARCHIVE_OK) {
        if (archive_read_open(a, r, NULL, on_read, NULL) == ARCHIVE_OK)
            err = members_read(r, a);
        else
            err = fail(r, EXAM_MALFORMED, "its content is no archive of a package");
    }
    archive_read_free(a);
    return err;
}

exam_err package_archive_read(const struct package_source *from, struct import_texts *out,
                              char why[PACKAGE_WHY_BYTES])
{
    struct reading *r = calloc(1, sizeof *r);
    char own[PACKAGE_WHY_BYTES] = "there is not enough memory for it";
    exam_err err = EXAM_NOMEM;

    if (r != NULL) {
        r->from = from;
        r->why = own;
        err = archive_take(r);
        if (err == EXAM_OK)
            err = rest_read(r);
        if (r->err != EXAM_OK)
            err = r->err;
        else if (err != EXAM_OK)
            memcpy(why, own, sizeof own);
        if (err == EXAM_OK)
            *out = r->texts;
        else
            import_texts_wipe(&r->texts);
        free(r);
    } else {
        memcpy(why, own, sizeof own);
    }
    return err;
}
