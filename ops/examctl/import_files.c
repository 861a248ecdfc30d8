#include "import_files.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input_file.h"
#include "report.h"

void import_text_name(size_t i, char out[IMPORT_NAME_BYTES])
{
    static const char *const names[] = {"batch.json", "rooms.csv", "roster.csv"};

    if (i < IMPORT_PAPERS)
        snprintf(out, IMPORT_NAME_BYTES, "%s", names[i]);
    else
        snprintf(out, IMPORT_NAME_BYTES, "papers/%03u.json",
                 (unsigned)(i - IMPORT_PAPERS + 1) % 1000);
}

size_t import_text_bytes_max(size_t i)
{
    if (i == IMPORT_SETTINGS)
        return BATCH_SETTINGS_BYTES_MAX;
    return i < IMPORT_PAPERS ? ROSTER_FILE_BYTES_MAX : PAPER_BYTES_MAX;
}

void import_texts_wipe(struct import_texts *t)
{
    for (size_t i = 0; i < t->n; i++) {
        if (t->at[i].bytes != NULL)
            sodium_memzero(t->at[i].bytes, t->at[i].n);
        free(t->at[i].bytes);
    }
    t->n = 0;
}

struct import_files *import_files_new(void)
{
    return calloc(1, sizeof(struct import_files));
}

void import_files_free(struct import_files *f)
{
    if (f == NULL)
        return;
    room_list_free(&f->rooms);
    if (f->roster.candidates != NULL)
        sodium_memzero(f->roster.candidates, f->roster.n * sizeof *f->roster.candidates);
    roster_free(&f->roster);
    for (size_t i = 0; i < f->papers_n; i++)
        paper_free(&f->papers[i]);
    import_texts_wipe(&f->texts);
    free(f);
}

/* ---------------------------------------------------------------- loading */

static void settings_of(const struct options *o, struct batch_settings *s)
{
    snprintf(s->batch, sizeof s->batch, "%s", o->batch);
    snprintf(s->title, sizeof s->title, "%s", o->title != NULL ? o->title : o->batch);
    s->allot_ms = o->allot_ms;
    s->grace_ms = o->grace_ms;
    s->entry_wall_ms = o->entry_wall_ms;
    s->timing = o->timing;
}

static exam_err text_load(const char *path, size_t i, struct import_files *f)
{
    struct import_text *t = &f->texts.at[i];

    t->path = path;
    return input_file_read(path, import_text_bytes_max(i), &f->problems, &t->bytes, &t->n);
}

exam_err import_files_load(const struct options *o, struct import_files *f)
{
    exam_err err;

    settings_of(o, &f->settings);
    f->texts.n = IMPORT_PAPERS + o->papers_n;
    err = text_load(o->rooms, IMPORT_ROOMS, f);
    for (size_t i = 0; i < o->papers_n && err == EXAM_OK; i++)
        err = text_load(o->papers[i], IMPORT_PAPERS + i, f);
    if (err == EXAM_OK)
        err = text_load(o->roster, IMPORT_ROSTER, f);
    return err;
}

/* ---------------------------------------------------------------- checking */

struct source_text import_files_source(const struct import_files *f, size_t i)
{
    const struct import_text *t = &f->texts.at[i];

    return (struct source_text){
        .file = t->path != NULL ? t->path : t->name, .text = t->bytes, .bytes = t->n};
}

static void check_paper_is_new(struct import_files *f, size_t k)
{
    for (size_t i = 0; i < k; i++)
        if (f->papers[k].id[0] != '\0' && strcmp(f->papers[i].id, f->papers[k].id) == 0)
            problems_add(&f->problems, import_files_source(f, IMPORT_PAPERS + k).file, 0,
                         "$.id: '%s' is the id of %s, too; rename one of the two", f->papers[k].id,
                         import_files_source(f, IMPORT_PAPERS + i).file);
}

static exam_err papers_check(struct import_files *f)
{
    exam_err err = EXAM_OK;

    for (size_t i = 0; IMPORT_PAPERS + i < f->texts.n && err == EXAM_OK; i++) {
        struct source_text source = import_files_source(f, IMPORT_PAPERS + i);

        f->papers_n = i + 1;
        err = paper_read(&source, &f->problems, &f->papers[i]);
        check_paper_is_new(f, i);
    }
    return err;
}

/* With rooms or papers wrong, what the roster says of them cannot be judged. */
static exam_err roster_check(struct import_files *f)
{
    const char *papers[PAPERS_MAX];
    struct source_text source = import_files_source(f, IMPORT_ROSTER);
    exam_err err;

    if (f->problems.n > 0)
        return EXAM_OK;
    for (size_t i = 0; i < f->papers_n; i++)
        papers[i] = f->papers[i].id;
    err = roster_read(&source, &f->rooms, &f->problems, &f->roster);
    if (err == EXAM_OK)
        roster_check_papers(&f->roster, source.file, papers, f->papers_n, &f->problems);
    return err;
}

exam_err import_files_check(struct import_files *f)
{
    struct source_text rooms = import_files_source(f, IMPORT_ROOMS);
    exam_err err = room_list_read(&rooms, &f->problems, &f->rooms);

    if (err == EXAM_OK)
        err = papers_check(f);
    if (err == EXAM_OK)
        err = roster_check(f);
    if (err == EXAM_OK && f->problems.n > 0)
        err = EXAM_INVALID;
    return err;
}

enum exit_code import_files_report(const struct import_files *f, exam_err err, const char *done)
{
    if (err == EXAM_OK)
        return EXIT_CODE_DONE;
    problems_print(&f->problems, stderr);
    if (err == EXAM_NOMEM) {
        report_error("%s", exam_err_text(err));
        return EXIT_CODE_INTERNAL;
    }
    report_error("nothing was %s: %u mistake%s in the files", done, f->problems.n,
                 f->problems.n == 1 ? "" : "s");
    return EXIT_CODE_BAD_INPUT;
}

enum exit_code import_files_take(const struct options *o, const char *done, struct import_files *f)
{
    exam_err err = import_files_load(o, f);

    if (err == EXAM_OK)
        err = import_files_check(f);
    return import_files_report(f, err, done);
}
