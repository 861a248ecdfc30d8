/* log_reader.h - what every command does first: opens a folder, or a whole export of one, for
 * reading, and replays its log with a line of progress. Shell. */
#ifndef EXAMREPLAY_LOG_READER_H
#define EXAMREPLAY_LOG_READER_H

#include "command.h"
#include "export_store.h"
#include "progress.h"
#include "replay.h"

struct log_reader {
    const char *folder;
    store *s;
    struct export_damage damage;    /* of an export; a finding when it is met */
    uint8_t site_id[SITE_ID_BYTES]; /* of the first record, where a data key was given */
    struct findings findings;
    struct replay replay;
    struct progress progress;
    uint64_t shown_lsn;
};

/* Says on stderr what is wrong; also when the log is of another site than the data key that was
 * given. `r` must not move afterwards. */
enum exit_code log_reader_open(struct log_reader *r, const char *folder, const struct options *o);
/* The same of a store that is open already; takes it over. `folder` is for messages. */
void log_reader_take(struct log_reader *r, const char *folder, store *s, const struct options *o);
void log_reader_close(struct log_reader *r);

/* No line of progress when stdout is a terminal: for commands that print as they read. */
void log_reader_prints(struct log_reader *r);

/* As replay_to. */
EXAM_MUST_USE exam_err log_reader_to(struct log_reader *r, uint64_t last,
                                     const struct replay_hooks *h);
/* The same up to `last`, or to the log's end, or to where `h` ends it, for commands that show what
 * is proven only: says on stderr what is wrong up to there, and EXIT_WRONG. */
enum exit_code log_reader_show(struct log_reader *r, uint64_t last, const struct replay_hooks *h);

#endif
