/* cmd_salvage.c - `examreplay salvage FOLDER [FOLDER2] -o NEW`: from damaged data folders a new one
 * with all that is proven, which the other commands read; beside it what continues after a gap, and
 * a statement of what is missing. Nothing is written to the damaged ones. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "event_json.h"
#include "json_lines.h"
#include "moment.h"
#include "language.h"
#include "progress.h"
#include "replay.h"
#include "report.h"
#include "roles.h"
#include "salvage.h"
#include "site_roster.h"
#include "store_folder.h"
#include "tables.h"

#define FRAGMENTS_NAME "fragments.jsonl"
#define STATEMENT_NAME "salvage.txt"

enum { SIGNED_WORDS_BYTES = 384, SALVAGE_WORDS_BYTES = 768 };

enum { COMMIT_RECORDS = 2000 };

struct salvaging {
    const struct options *o;
    struct salvage s;
    struct store_folder folders[SALVAGE_FILES_MAX];
    size_t folders_n;
    struct progress progress;
    store *to;
    uint64_t proven_lsn;             /* 1 to here */
    const struct checkpoint *newest; /* of a record among them; NULL: none was found */
    uint8_t hash[HASH_BYTES];
    struct replay replay; /* of what is proven: names for fragments */
    struct findings findings;
    struct roles roles;
    FILE *fragments, *statement;
    uint64_t missing;
    exam_err err;
};

/* ---------------------------------------------------------------- looking */

static void on_pages(void *ctx, uint64_t pages)
{
    struct salvaging *w = ctx;
    progress_step(&w->progress, pages);
}

/* A folder, or a file that holds pages of one: a part of a disk. */
static enum exit_code open_source(struct salvaging *w, const char *name,
                                  char path[SALVAGE_PATH_BYTES])
{
    char why[512] = "";
    struct stat st;
    bool folder = stat(name, &st) == 0 && S_ISDIR(st.st_mode);
    int n = snprintf(path, SALVAGE_PATH_BYTES, folder ? "%s/" STORE_FILE_DATA : "%s", name);
    if (n < 0 || n >= SALVAGE_PATH_BYTES) {
        report_error(_("%s: the path is too long"), name);
        return EXIT_CODE_USAGE;
    }
    if (!folder)
        return EXIT_CODE_DONE;
    exam_err err = store_folder_open_to_read(
        name, &w->folders[w->folders_n], (struct store_why){.text = why, .text_bytes = sizeof why});
    if (err) {
        report_error("%s", why[0] ? why : exam_err_text(err));
        return err == EXAM_LOCKED ? EXIT_CODE_TRY_AGAIN : EXIT_CODE_BAD_INPUT;
    }
    w->folders_n++;
    return EXIT_CODE_DONE;
}

static enum exit_code look(struct salvaging *w, const char *name)
{
    char path[SALVAGE_PATH_BYTES];
    enum exit_code code = open_source(w, name, path);
    if (code != EXIT_CODE_DONE)
        return code;
    progress_begin(&w->progress, name, 0);
    exam_err err = salvage_add(&w->s, path, on_pages, w);
    progress_end(&w->progress);
    if (!err)
        return EXIT_CODE_DONE;
    report_error(_("cannot read %s: %s"), path, strerror(errno));
    return EXIT_CODE_BAD_INPUT;
}

static enum exit_code settle_checkpoints(struct salvaging *w)
{
    const struct verify_order *v = &w->o->verify;
    struct key_roster *roster;
    enum exit_code code = site_roster_read(v->roster, v->authority, &roster);
    if (code != EXIT_CODE_DONE)
        return code;
    salvage_signed_settle(&w->s.checkpoints, roster);
    key_roster_free(roster);
    return EXIT_CODE_DONE;
}

static enum exit_code look_at_all(struct salvaging *w)
{
    enum exit_code code = look(w, w->o->folder);
    if (code == EXIT_CODE_DONE && w->o->argument)
        code = look(w, w->o->argument);
    if (code != EXIT_CODE_DONE)
        return code;
    salvage_sort(&w->s);
    code = settle_checkpoints(w);
    if (code != EXIT_CODE_DONE)
        return code;
    if (w->s.found_n == 0) {
        report_error(_("no record of a log is in %s"), w->o->folder);
        return EXIT_CODE_BAD_INPUT;
    }
    if (!salvage_has_two_logs(&w->s))
        return EXIT_CODE_DONE;
    report_error(_("two logs begin in these files: they are of two sites, or one was made anew"));
    return EXIT_CODE_BAD_INPUT;
}

/* ---------------------------------------------------------------- what is proven */

static exam_err make_folder(struct salvaging *w)
{
    const struct store_options options = {.reserve_bytes = 1u << 20};
    char why[512] = "";
    if (mkdir(w->o->output, 0700) != 0) {
        report_error(_("cannot make %s: %s"), w->o->output, strerror(errno));
        return EXAM_IO;
    }
    exam_err err = store_open(w->o->output, &options, &w->to, why, sizeof why);
    if (err)
        report_error("%s", why[0] ? why : exam_err_text(err));
    return err;
}

/* So that `verify` of the new folder tells who has signed it. */
static void keep_checkpoint(struct salvaging *w, const struct record *r)
{
    const struct checkpoint *c = salvage_signed_of(&w->s.checkpoints, r);
    uint8_t key[CHECKPOINT_KEY_BYTES_MAX], value[CHECKPOINT_BYTES];
    if (!c)
        return;
    checkpoint_put(c, value);
    store_put(w->to, STORE_META, key, checkpoint_key(c, key), value, sizeof value);
    w->newest = c;
}

/* Record by record from the first one on, as long as one continues the chain. */
static exam_err keep_proven(struct salvaging *w)
{
    struct record r;
    exam_err err = EXAM_OK;
    bool more = true;
    progress_begin(&w->progress, w->o->output, salvage_last_lsn(&w->s));
    while (more && !err) {
        store_begin(w->to);
        for (int i = 0; i < COMMIT_RECORDS && more; i++) {
            more = salvage_next(&w->s, 0, w->proven_lsn + 1, w->hash, &r);
            if (!more)
                break;
            store_append(w->to, r.lsn, w->s.value, RECORD_HEADER_BYTES + r.event_bytes);
            memcpy(w->hash, r.hash, HASH_BYTES);
            w->proven_lsn++;
            keep_checkpoint(w, &r);
        }
        err = store_commit(w->to);
        progress_step(&w->progress, COMMIT_RECORDS);
    }
    progress_end(&w->progress);
    if (err)
        report_error(_("cannot write %s: %s"), w->o->output, exam_err_text(err));
    return err;
}

/* ---------------------------------------------------------------- what is not */

__attribute__((format(printf, 2, 3))) static void state(struct salvaging *w, const char *format,
                                                        ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(w->statement, format, args);
    va_end(args);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
}

static void state_span(struct salvaging *w, const char *word, uint64_t first, uint64_t last,
                       const char *text)
{
    if (first == last)
        state(w, _("%srecord %" PRIu64 "%s\n"), word, first, text);
    else
        state(w, _("%srecords %" PRIu64 " to %" PRIu64 "%s\n"), word, first, last, text);
}

/* One line of fragments.jsonl. Who acted and on whom is told by the names of what is proven. */
static void put_record(struct salvaging *w, uint32_t branch, const struct record *r, bool follows,
                       bool is_signed)
{
    struct replay_record at = {.r = r};
    struct event_words words;
    const char *why = "";
    if (w->err || codec_event(&w->replay.arena, r->event, r->event_bytes, &at.event, &why))
        return;
    event_tell(w->replay.x, at.event, &words);
    json_t *line = json_of_record(w->replay.x, &at, &words, &w->o->shown);
    (void)json_object_del(line, "site_ms"); /* when its epoch began is not known */
    (void)json_object_set_new(line, "branch", json_integer(branch));
    (void)json_object_set_new(line, "follows_its_predecessor", json_boolean(follows));
    (void)json_object_set_new(line, "proven_by_signature", json_boolean(is_signed));
    w->err = json_line(line, w->fragments);
}

static void put_fragment(struct salvaging *w, uint32_t branch, const struct salvage_fragment *f)
{
    struct record r;
    uint8_t hash[HASH_BYTES];
    uint64_t first, last;
    bool proven = salvage_fragment_proven(f, &first, &last);
    if (!salvage_read(&w->s, f->head, &r))
        return;
    put_record(w, branch, &r, f->follows != NULL, proven && first == f->first_lsn);
    memcpy(hash, r.hash, HASH_BYTES);
    for (uint64_t lsn = f->first_lsn + 1; lsn <= f->last_lsn; lsn++) {
        if (!salvage_next(&w->s, branch, lsn, hash, &r))
            return;
        put_record(w, branch, &r, true, proven && lsn <= last);
        memcpy(hash, r.hash, HASH_BYTES);
    }
}

static void signed_words(const struct salvaging *w, const struct checkpoint *c, uint64_t first,
                         char out[SIGNED_WORDS_BYTES])
{
    char wall[WALL_TEXT_BYTES];
    wall_format(c->wall_ms, wall);
    snprintf(out, SIGNED_WORDS_BYTES,
             _("records %" PRIu64 " to %" PRIu64
               " are proven by the signature of server %s, %s, on the last of them%s"),
             first, c->at.lsn, c->node, wall,
             w->s.checkpoints.checked ? "" : _(" (signatures not checked: --roster)"));
}

/* What a fragment proves, and what it does not. */
static void fragment_words(const struct salvaging *w, const struct salvage_fragment *f,
                           char out[SALVAGE_WORDS_BYTES])
{
    char words[SIGNED_WORDS_BYTES];
    uint64_t first, last;
    if (salvage_fragment_proven(f, &first, &last)) {
        signed_words(w, f->reaches, first, words);
        snprintf(out, SALVAGE_WORDS_BYTES, ": %s%s%s", words,
                 first > f->first_lsn ? _("; what the first says is not") : "",
                 last < f->last_lsn ? _("; after it each continues the one before it") : "");
        return;
    }
    snprintf(out, SALVAGE_WORDS_BYTES, "%s",
             f->follows ? _(": each continues the one before it, and the first a record that a "
                            "server has signed; that nothing was added is not proven")
             : f->first_lsn == f->last_lsn
                 ? _(": stands alone, not proven")
                 : _(": each continues the one before it; what the first says is not proven"));
}

static void put_fragments(struct salvaging *w)
{
    char words[SALVAGE_WORDS_BYTES];
    struct salvage_fragment f;
    uint64_t next = w->proven_lsn + 1;
    while (salvage_fragment(&w->s, 0, next, &f)) {
        if (f.first_lsn > next)
            state_span(w, _("Missing   "), next, f.first_lsn - 1, "");
        w->missing += f.first_lsn - next;
        fragment_words(w, &f, words);
        state_span(w, _("Fragment  "), f.first_lsn, f.last_lsn, words);
        put_fragment(w, 0, &f);
        next = f.last_lsn + 1;
    }
    if (next == w->proven_lsn + 1 && w->proven_lsn < salvage_last_lsn(&w->s))
        state_span(w, _("Missing   "), next, salvage_last_lsn(&w->s), "");
}

/* Of a dead branch: from where it left the log, if that is proven. */
static exam_err take_hash(void *ctx, const struct record *r)
{
    memcpy(ctx, r->hash, HASH_BYTES);
    return EXAM_OK;
}

static uint64_t put_branch_begin(struct salvaging *w, uint32_t branch, uint64_t first_lsn)
{
    uint8_t hash[HASH_BYTES] = {0};
    struct record r;
    uint64_t lsn = first_lsn;
    if (first_lsn > 1 && (first_lsn - 1 > w->proven_lsn ||
                          store_read_log(w->to, first_lsn - 1, first_lsn - 1, take_hash, hash)))
        return first_lsn;
    for (; salvage_next(&w->s, branch, lsn, hash, &r); lsn++) {
        put_record(w, branch, &r, true, false);
        memcpy(hash, r.hash, HASH_BYTES);
    }
    return lsn;
}

static void put_branch(struct salvaging *w, uint32_t branch)
{
    struct salvage_fragment f;
    char word[32], words[SALVAGE_WORDS_BYTES], text[2 * SALVAGE_WORDS_BYTES];
    snprintf(word, sizeof word, _("Branch %-3" PRIu32), branch);
    if (!salvage_fragment(&w->s, branch, 1, &f))
        return;
    uint64_t next = put_branch_begin(w, branch, f.first_lsn);
    if (next > f.first_lsn)
        state_span(w, word, f.first_lsn, next - 1, _(": dead, proven from where it left the log"));
    while (salvage_fragment(&w->s, branch, next, &f)) {
        fragment_words(w, &f, words);
        snprintf(text, sizeof text, "%s%s",
                 _(": dead; what lies before the first is missing or damaged"), words);
        state_span(w, word, f.first_lsn, f.last_lsn, text);
        put_fragment(w, branch, &f);
        next = f.last_lsn + 1;
    }
}

/* ---------------------------------------------------------------- the statement */

static FILE *open_in(struct salvaging *w, const char *name)
{
    char path[SALVAGE_PATH_BYTES];
    int n = snprintf(path, sizeof path, "%s/%s", w->o->output, name);
    FILE *f = n > 0 && (size_t)n < sizeof path ? fopen(path, "wx") : NULL;
    if (!f)
        report_error(_("cannot write %s/%s: %s"), w->o->output, name, strerror(errno));
    return f;
}

static void state_sources(struct salvaging *w)
{
    for (size_t i = 0; i < w->s.files_n; i++) {
        const struct salvage_file *f = &w->s.files[i];
        state(w, _("From      %s: %" PRIu64 " pages, %" PRIu64 " records and copies of them"),
              f->path, f->pages, f->records);
        if (f->unreadable > 0)
            state(w, _("; the disk did not give %" PRIu64 " pages"), f->unreadable);
        state(w, "\n");
    }
}

static void state_signed(struct salvaging *w)
{
    const struct salvage_signed *s = &w->s.checkpoints;
    char words[SIGNED_WORDS_BYTES];
    if (w->newest) {
        signed_words(w, w->newest, 1, words);
        state(w, _("Signed    %s\n"), words);
    }
    if (s->forged > 0)
        state(w,
              _("Signed    %" PRIu64 " checkpoints that no server of this site has signed were "
                "found, and are not used\n"),
              s->forged);
}

static void state_all(struct salvaging *w)
{
    bool whole = w->proven_lsn == salvage_last_lsn(&w->s);
    state_sources(w);
    if (w->proven_lsn == 0)
        state(w, _("Proven    nothing: the first record is missing or damaged\n"));
    else
        state_span(w, _("Proven    "), 1, w->proven_lsn,
                   whole ? _(": all that were found") : _(": the chain breaks after it"));
    state_signed(w);
    put_fragments(w);
    for (uint32_t b = 1; b <= salvage_branches(&w->s); b++)
        put_branch(w, b);
    state(w,
          _("Unknown   whatever was written after record %" PRIu64
            " has left no trace: compare with the other server's folder\n"),
          salvage_last_lsn(&w->s));
    if (w->proven_lsn > 0)
        state(
            w,
            _("Next      `examreplay verify %s`, and every other command, reads what is proven\n"),
            w->o->output);
}

static void seen(void *ctx, const struct replay *p, const struct replay_record *at)
{
    struct salvaging *w = ctx;
    (void)p;
    roles_note(&w->roles, at);
}

/* What is proven gives the names, and where epochs begin; what does not fit in it is verify's to
 * find. */
static exam_err read_proven(struct salvaging *w)
{
    const struct replay_hooks hooks = {.ctx = w, .seen = seen};
    exam_err err = replay_to(&w->replay, w->proven_lsn, &hooks);
    if (err)
        report_error(_("what is proven cannot be read beyond record %" PRIu64), w->replay.lsn);
    store_begin(w->to);
    tables_note_epochs(w->to, &w->roles);
    roles_fini(&w->roles);
    return store_commit(w->to);
}

static exam_err write_rest(struct salvaging *w)
{
    replay_open(&w->replay, w->to, &w->findings, w->o->reached);
    w->err = read_proven(w);
    w->fragments = open_in(w, FRAGMENTS_NAME);
    w->statement = w->fragments ? open_in(w, STATEMENT_NAME) : NULL;
    w->err = w->statement ? w->err : EXAM_IO;
    if (!w->err)
        state_all(w);
    if (w->fragments && fclose(w->fragments) != 0)
        w->err = EXAM_IO;
    if (w->statement && fclose(w->statement) != 0)
        w->err = EXAM_IO;
    replay_close(&w->replay);
    if (w->err)
        report_error(_("cannot write %s: %s"), w->o->output, exam_err_text(w->err));
    return w->err;
}

static enum exit_code write_all(struct salvaging *w)
{
    exam_err err = make_folder(w);
    if (err)
        return EXIT_CODE_INTERNAL;
    err = keep_proven(w);
    if (!err)
        err = write_rest(w);
    store_close(w->to);
    if (err)
        return EXIT_CODE_INTERNAL;
    return w->proven_lsn == salvage_last_lsn(&w->s) ? EXIT_CODE_DONE : EXIT_WRONG;
}

enum exit_code cmd_salvage(const struct options *o)
{
    static struct salvaging w;
    w = (struct salvaging){.o = o};
    if (!o->output) {
        report_error(_("where shall what is salvaged go? -o NEWFOLDER"));
        return EXIT_CODE_USAGE;
    }
    if (o->verify.receipts_n > 0) {
        report_error(_("receipts are held against what is salvaged: `examreplay verify`"));
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = look_at_all(&w);
    if (code == EXIT_CODE_DONE)
        code = write_all(&w);
    salvage_fini(&w.s);
    for (size_t i = 0; i < w.folders_n; i++)
        store_folder_close(&w.folders[i]);
    return code;
}
