#include "page_command.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "language.h"
#include "log_reader.h"
#include "report.h"
#include "reviewer_key.h"
#include "state_keep.h"
#include "whole_file.h"

static void seen(void *ctx, const struct replay *p, const struct replay_record *at)
{
    story_note(ctx, p, at);
}

struct page {
    const struct options *o;
    const struct filter *filter;
    const char *file; /* NULL: stdout */
    page_writer *write;
};

static enum exit_code write_page(const struct page *g, const struct report_page *page)
{
    struct whole_file f;
    if (!g->file)
        return g->write(page, stdout) ? EXIT_CODE_INTERNAL : EXIT_CODE_DONE;
    exam_err err = whole_file_open(g->file, &f);
    if (!err && g->write(page, f.stream)) {
        whole_file_abandon(&f);
        err = EXAM_IO;
    } else if (!err) {
        err = whole_file_commit(&f);
    }
    if (!err)
        return EXIT_CODE_DONE;
    report_error(_("cannot write %s: %s"), g->file, strerror(errno));
    return EXIT_CODE_INTERNAL;
}

static enum exit_code refuse_incident(const struct options *o)
{
    report_error(_("there is no incident %" PRIu32 " in this log; `examreplay timeline %s --kind "
                   "incident` lists them"),
                 o->incident, o->folder);
    return EXIT_CODE_BAD_INPUT;
}

static enum exit_code refuse_nobody(const struct page *g)
{
    if (g->filter->sitting)
        report_error(_("no candidate with the admission number %s is in this log"),
                     g->filter->sitting);
    else
        report_error(_("no candidate in this log fits what was asked for"));
    return EXIT_CODE_BAD_INPUT;
}

static enum exit_code tell(const struct page *g, const struct proof *proof, const struct replay *p,
                           const struct story *s)
{
    struct casebook c;
    const struct report_page page = {.c = &c, .filter = g->filter, .proof = proof};
    if (g->o->incident > exam_incidents(p->x))
        return refuse_incident(g->o);
    casebook_make(&c, p->x, s, g->filter, g->o->incident);
    c.vault = g->o->shown.vault;
    enum exit_code code = c.sittings_n > 0 ? write_page(g, &page) : refuse_nobody(g);
    casebook_fini(&c);
    reviewer_hint(g->o, p->x);
    return code;
}

/* The proof has read all of the log; the story reads it once more, in the same store. */
static enum exit_code read_again(const struct page *g, struct proof *proof)
{
    struct story s = {.filter = g->filter};
    struct findings findings = {.n = 0};
    struct replay p;
    const struct replay_hooks hooks = {.ctx = &s, .seen = seen};
    replay_open(&p, proof->reader.s, &findings, g->o->reached);
    exam_err err = replay_to(&p, UINT64_MAX, &hooks);
    enum exit_code code = err ? EXIT_CODE_INTERNAL : tell(g, proof, &p, &s);
    if (err)
        report_error(_("%s: the log cannot be read again: %s"), g->o->folder, exam_err_text(err));
    replay_close(&p);
    story_fini(&s);
    return code;
}

static enum exit_code make_proof(struct proof *proof, const struct options *o)
{
    static struct state_keep keep;
    const struct proof_watch watch = state_keep_watch(&keep);
    struct options watched = *o;
    watched.watch = o->no_index ? NULL : &watch;
    enum exit_code code = proof_make(proof, o->folder, &watched);
    proof->watch = NULL;
    return code;
}

enum exit_code page_command(const struct options *o, const struct filter *filter, const char *file,
                            page_writer *write)
{
    static struct proof proof;
    const struct page g = {.o = o, .filter = filter, .file = file, .write = write};
    enum exit_code code = make_proof(&proof, o);
    if (code != EXIT_CODE_DONE)
        return code;
    if (proof_holds(&proof)) {
        code = read_again(&g, &proof);
    } else {
        proof_print_verdict(&proof, stderr);
        report_error(_("a page tells only what is proven: see `examreplay verify %s`"), o->folder);
        code = EXIT_WRONG;
    }
    proof_free(&proof);
    return code;
}
