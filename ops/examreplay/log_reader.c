#include "log_reader.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

enum { PIECE_RECORDS = 4096 }; /* between two looks at the clock */

static enum exit_code code_of(exam_err err)
{
    switch (err) {
    case EXAM_LOCKED:
        return EXIT_CODE_TRY_AGAIN;
    case EXAM_VERSION:
        return EXIT_CODE_PROTOCOL;
    case EXAM_NOMEM:
        return EXIT_CODE_INTERNAL;
    default:
        return EXIT_CODE_BAD_INPUT;
    }
}

enum exit_code log_reader_open(struct log_reader *r, const char *folder, const struct options *o)
{
    char why[512] = "";
    *r = (struct log_reader){.folder = folder};
    exam_err err = store_open_to_read(folder, &r->s, why, sizeof why);
    if (err) {
        report_error("%s", why[0] != '\0' ? why : exam_err_text(err));
        return code_of(err);
    }
    if (store_last(r->s).lsn == 0) {
        report_error("the log in %s is empty: this node has joined no site yet", folder);
        store_close(r->s);
        return EXIT_CODE_BAD_INPUT;
    }
    log_reader_take(r, folder, r->s, o);
    return EXIT_CODE_DONE;
}

void log_reader_take(struct log_reader *r, const char *folder, store *s, const struct options *o)
{
    *r = (struct log_reader){.folder = folder, .s = s};
    replay_open(&r->replay, s, &r->findings, o->reached);
    progress_begin(&r->progress, folder, store_last(s).lsn);
}

void log_reader_close(struct log_reader *r)
{
    progress_end(&r->progress);
    replay_close(&r->replay);
    store_close(r->s);
}

void log_reader_prints(struct log_reader *r)
{
    r->progress.enabled &= isatty(STDOUT_FILENO) == 0;
}

struct piece {
    const struct replay_hooks *h;
    bool ended;
};

static bool piece_wants(void *ctx, const struct replay_record *at)
{
    struct piece *piece = ctx;
    piece->ended = piece->h->wants && !piece->h->wants(piece->h->ctx, at);
    return !piece->ended;
}

static void piece_seen(void *ctx, const struct replay *p, const struct replay_record *at)
{
    struct piece *piece = ctx;
    if (piece->h->seen)
        piece->h->seen(piece->h->ctx, p, at);
}

exam_err log_reader_to(struct log_reader *r, uint64_t last, const struct replay_hooks *h)
{
    struct piece piece = {.h = h};
    const struct replay_hooks hooks = {&piece, piece_wants, piece_seen};
    exam_err err = EXAM_OK;
    while (!err && !piece.ended && r->replay.lsn < last) {
        uint64_t end = last - r->replay.lsn > PIECE_RECORDS ? r->replay.lsn + PIECE_RECORDS : last;
        err = replay_to(&r->replay, end, &hooks);
        progress_step(&r->progress, r->replay.lsn - r->shown_lsn);
        r->shown_lsn = r->replay.lsn;
    }
    return err;
}

enum exit_code log_reader_show(struct log_reader *r, uint64_t last, const struct replay_hooks *h)
{
    uint64_t end = store_last(r->s).lsn;
    exam_err err = log_reader_to(r, last < end ? last : end, h);
    progress_end(&r->progress);
    if (r->findings.n == 0 && !err)
        return EXIT_CODE_DONE;
    if (r->findings.n == 0) {
        report_error("%s: the log cannot be read after record %" PRIu64 ": %s", r->folder,
                     r->replay.lsn, exam_err_text(err));
        return EXIT_CODE_INTERNAL;
    }
    report_error("%s: record %" PRIu64 " %s", r->folder, r->findings.kept[0].lsn,
                 r->findings.kept[0].text);
    report_error("nothing from there on is proven: see `examreplay verify %s`", r->folder);
    return EXIT_WRONG;
}
