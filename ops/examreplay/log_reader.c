#include "log_reader.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "language.h"
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

static exam_err look_at_site(void *ctx, const struct record *r)
{
    struct log_reader *reader = ctx;
    const Ev__Event *event;
    const char *why;
    exam_err err = codec_event(&reader->replay.arena, r->event, r->event_bytes, &event, &why);
    if (!err && event->kind_case == EV__EVENT__KIND_SITE_FOUNDED &&
        event->site_founded->site_id.len == SITE_ID_BYTES)
        memcpy(reader->site_id, event->site_founded->site_id.data, SITE_ID_BYTES);
    return err;
}

/* A first record that cannot be read, or founds no site, is found later. */
static bool is_of_another_site(struct log_reader *r, const struct options *o)
{
    if (!o->site_id)
        return false;
    memcpy(r->site_id, o->site_id, SITE_ID_BYTES);
    exam_err err = store_read_log(r->s, 1, 1, look_at_site, r);
    return !err && memcmp(r->site_id, o->site_id, SITE_ID_BYTES) != 0;
}

enum exit_code log_reader_open(struct log_reader *r, const char *folder, const struct options *o)
{
    char why[512] = "";
    struct export_damage damage;
    *r = (struct log_reader){.folder = folder};
    exam_err err = export_store_open(folder, &r->s, &damage, why, sizeof why);
    if (err == EXAM_NOT_FOUND)
        err = store_open_to_read(folder, &r->s, why, sizeof why);
    if (err) {
        report_error("%s", why[0] != '\0' ? why : exam_err_text(err));
        return code_of(err);
    }
    if (store_last(r->s).lsn == 0) {
        report_error(_("the log in %s is empty: this node has joined no site yet"), folder);
        store_close(r->s);
        return EXIT_CODE_BAD_INPUT;
    }
    log_reader_take(r, folder, r->s, o);
    r->damage = damage;
    if (!is_of_another_site(r, o))
        return EXIT_CODE_DONE;
    report_error(_("the data key is of another site than the log in %s"), folder);
    log_reader_close(r);
    return EXIT_CODE_BAD_INPUT;
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

/* Where an export breaks within the log, the record there was named by the replay. */
static void meet_damage(struct log_reader *r, exam_err err)
{
    bool end = r->replay.lsn == store_last(r->s).lsn;
    if (!r->damage.found || (err != EXAM_CORRUPT && !end))
        return;
    r->damage.found = false;
    if (err == EXAM_CORRUPT && !end)
        findings_explain(&r->findings, r->damage.text);
    else
        findings_add(&r->findings, 0, "%s", r->damage.text);
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
    meet_damage(r, err);
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
        report_error(_("%s: the log cannot be read after record %" PRIu64 ": %s"), r->folder,
                     r->replay.lsn, exam_err_text(err));
        return EXIT_CODE_INTERNAL;
    }
    if (r->findings.kept[0].lsn == 0)
        report_error("%s: %s", r->folder, r->findings.kept[0].text);
    else
        report_error(_("%s: record %" PRIu64 " %s"), r->folder, r->findings.kept[0].lsn,
                     r->findings.kept[0].text);
    report_error(_("nothing from there on is proven: see `examreplay verify %s`"), r->folder);
    return EXIT_WRONG;
}
