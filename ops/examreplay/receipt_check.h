/* receipt_check.h - candidates' receipts held against a log (D8): whether a server of the site has
 * signed it, and whether the log says, at that record, what it says. Pure over a replay. */
#ifndef EXAMREPLAY_RECEIPT_CHECK_H
#define EXAMREPLAY_RECEIPT_CHECK_H

#include "receipt.h"
#include "replay.h"

/* What somebody has brought: the whole text, or what was typed off a printed one. */
struct receipt_claim {
    const char *name; /* of the file, or what was typed; the caller's */
    struct receipt r; /* typed: candidate and lsn only */
    bool typed;
    char check[40]; /* as it was typed */
};

/* "CANDIDATE:RECORD:CHECK". EXAM_MALFORMED: it is not that. `text` is kept as its name. */
EXAM_MUST_USE exam_err receipt_claim_parse(const char *text, struct receipt_claim *out);

enum { RECEIPT_WORDS_BYTES = 256 };

struct receipt_verdict {
    bool good;
    bool seen; /* the log has its record: the rest is known */
    char words[RECEIPT_WORDS_BYTES];
};

/* To be called for each record, after it was applied: those that name it are held against the
 * state as it is then. `verdicts`: one for each claim. */
void receipts_at(const struct receipt_claim *claims, size_t n, const struct replay *p,
                 const struct replay_record *at, struct receipt_verdict *verdicts);
/* After the last record. Checks signatures when there is a roster; what is wrong becomes findings.
 */
void receipts_end(const struct receipt_claim *claims, size_t n, const struct replay *p,
                  const struct key_roster *roster, struct receipt_verdict *verdicts);

#endif
