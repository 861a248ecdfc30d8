#include "exported.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "whole_export.h"

static void write_to(struct log_reader *r, FILE *to)
{
    assert_int_equal(whole_export_write(r, &fixture_options.shown, to), EXIT_CODE_DONE);
    assert_int_equal(fclose(to), 0);
}

void exported_put(const struct exported *e, const char *text, size_t bytes)
{
    FILE *f = fopen(e->path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, bytes, f), bytes);
    assert_int_equal(fclose(f), 0);
}

void exported_make(struct exported *e, const store_image *image)
{
    const char *parent = getenv("TMPDIR");
    store_image *copy;
    store *s;
    struct log_reader r;
    *e = (struct exported){.text = NULL};
    snprintf(e->path, sizeof e->path, "%s/export-XXXXXX", parent ? parent : "/tmp");
    int fd = mkstemp(e->path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(store_image_clone(image, &copy), EXAM_OK);
    assert_int_equal(store_open_image(copy, &s), EXAM_OK);
    log_reader_take(&r, "disk", s, &fixture_options);
    write_to(&r, open_memstream(&e->text, &e->bytes));
    log_reader_close(&r);
    store_image_free(copy);
    exported_put(e, e->text, e->bytes);
}

void exported_remove(struct exported *e)
{
    assert_int_equal(remove(e->path), 0);
    free(e->text);
}

/* All that verify says, of whatever name. */
static char *verdict_of(struct proof *p)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    assert_non_null(f);
    p->reader.folder = "disk";
    proof_print_verdict(p, f);
    proof_print_details(p, f);
    json_t *o = proof_json(p);
    assert_int_equal(json_dumpf(o, f, JSON_COMPACT), 0);
    json_decref(o);
    assert_int_equal(fclose(f), 0);
    return text;
}

static void assert_export_of_export(const struct exported *e)
{
    struct log_reader r;
    char *again = NULL;
    size_t n = 0;
    assert_int_equal(log_reader_open(&r, e->path, &fixture_options), EXIT_CODE_DONE);
    write_to(&r, open_memstream(&again, &n));
    log_reader_close(&r);
    assert_string_equal(again, e->text);
    free(again);
}

void exported_check_disk(const store_image *image)
{
    struct exported e;
    struct proved p;
    struct proof q;
    exported_make(&e, image);
    fixture_prove(&p, image);
    assert_int_equal(proof_make(&q, e.path, &fixture_options), EXIT_CODE_DONE);
    char *of_disk = verdict_of(&p.proof), *of_export = verdict_of(&q);
    assert_string_equal(of_disk, of_export);
    free(of_disk);
    free(of_export);
    proof_free(&q);
    fixture_unprove(&p);
    assert_export_of_export(&e);
    exported_remove(&e);
}
