#include "log_check.h"

enum {
    PIECE_BYTES = 256 << 10, /* about a thousand records, a millisecond */
    PIECE_EVERY_MS = 50,
    BUSY_EVERY_MS = 1000,
    REST_MS = 60 * 1000, /* between two passes */
};

bool log_check_turn(struct log_check *c, store *s, uint64_t now_ms, bool idle, uint64_t *bad_lsn)
{
    if (c->bad_lsn || now_ms < c->due_ms)
        return false;
    c->due_ms = now_ms + PIECE_EVERY_MS;
    if (!idle && now_ms < c->late_ms)
        return false;
    c->late_ms = now_ms + BUSY_EVERY_MS;
    exam_err err = store_verify_on(s, &c->at, PIECE_BYTES);
    if (err == EXAM_CORRUPT) {
        *bad_lsn = c->at.lsn + 1;
        return true;
    }
    if (err || c->at.lsn < store_last(s).lsn)
        return false;
    c->passes++;
    c->ended_ms = now_ms;
    c->due_ms = now_ms + REST_MS;
    log_check_again(c);
    return false;
}

uint64_t log_check_due_ms(const struct log_check *c)
{
    return c->bad_lsn ? UINT64_MAX : c->due_ms;
}

void log_check_again(struct log_check *c)
{
    c->at = (struct store_walk){0};
}
