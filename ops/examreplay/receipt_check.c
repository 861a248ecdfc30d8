#include "receipt_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "language.h"
#include "receipts.h"

exam_err receipt_claim_parse(const char *text, struct receipt_claim *out)
{
    struct receipt_claim c = {.name = text, .typed = true};
    const char *record = strchr(text, ':'), *check = record ? strchr(record + 1, ':') : NULL;
    char *end;
    if (!check || record - text > NAME_BYTES_MAX || strlen(check + 1) >= sizeof c.check)
        return EXAM_MALFORMED;
    memcpy(c.r.candidate, text, (size_t)(record - text));
    c.r.lsn = strtoull(record + 1, &end, 10);
    if (!codec_name_ok(c.r.candidate) || end != check || c.r.lsn == 0)
        return EXAM_MALFORMED;
    strcpy(c.check, check + 1);
    *out = c;
    return EXAM_OK;
}

__attribute__((format(printf, 3, 4))) static void say(struct receipt_verdict *v, bool good,
                                                      const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(v->words, sizeof v->words, format, args);
    va_end(args);
    v->good = good;
}

/* ---------------------------------------------------------------- at its record */

/* What a receipt that does not fit says otherwise than the log. */
static const char *difference(const struct receipt *said, const struct receipt *log)
{
    if (memcmp(said->chain, log->chain, HASH_BYTES) != 0)
        return _("another record there");
    if (memcmp(said->site_id, log->site_id, SITE_ID_BYTES) != 0)
        return _("another site");
    if (strcmp(said->batch, log->batch) != 0)
        return _("another batch of the candidate's");
    if (said->answers != log->answers)
        return _("another number of answers");
    if (memcmp(said->digest, log->digest, HASH_BYTES) != 0)
        return _("other answers");
    return _("another time there");
}

static void hold_typed(const struct receipt_claim *c, const struct receipt *log,
                       struct receipt_verdict *v)
{
    char check[RECEIPT_CHECK_BYTES];
    receipt_check(log, check);
    if (receipt_check_same(check, c->check))
        say(v, true, _("%" PRIu32 " answers, which the log has as of record %" PRIu64),
            log->answers, log->lsn);
    else
        say(v, false,
            _("has the check %s by this log, not the one that was typed: it was mistyped, or the "
              "log "
              "is not the one that the receipt is of"),
            check);
}

static void hold_whole(const struct receipt_claim *c, const struct receipt *log,
                       struct receipt_verdict *v)
{
    if (receipt_same_facts(&c->r, log))
        say(v, true, _("%" PRIu32 " answers, which the log has as of record %" PRIu64),
            log->answers, log->lsn);
    else
        say(v, false, _("does not say what the log says at its record: the log has %s"),
            difference(&c->r, log));
}

static void hold(const struct receipt_claim *c, const struct replay *p, const struct record *at,
                 struct receipt_verdict *v)
{
    struct receipt log;
    uint32_t sitting;
    v->seen = true;
    if (exam_find_sitting(p->x, c->r.candidate, &sitting)) {
        say(v, false, _("the log knows no candidate %s at that record"), c->r.candidate);
        return;
    }
    receipt_of_sitting(p->x, sitting, at, &log);
    if (c->typed)
        hold_typed(c, &log, v);
    else if (c->r.epoch != log.epoch)
        v->seen = false; /* given on a branch that has died: the end tells */
    else
        hold_whole(c, &log, v);
}

void receipts_at(const struct receipt_claim *claims, size_t n, const struct replay *p,
                 const struct replay_record *at, struct receipt_verdict *verdicts)
{
    for (size_t i = 0; i < n; i++)
        if (claims[i].r.lsn == at->r->lsn)
            hold(&claims[i], p, at->r, &verdicts[i]);
}

/* ---------------------------------------------------------------- at the end */

/* A3: what was handed in on a branch that has died is to be in the log all the same. */
static void hold_dead(const struct receipt_claim *c, const struct replay *p,
                      struct receipt_verdict *v)
{
    const struct record end = {.lsn = p->lsn};
    struct receipt log;
    uint32_t sitting;
    bool known = exam_find_sitting(p->x, c->r.candidate, &sitting) == EXAM_OK;
    if (known)
        receipt_of_sitting(p->x, sitting, &end, &log);
    if (known && log.answers == c->r.answers && memcmp(log.digest, c->r.digest, HASH_BYTES) == 0)
        say(v, true,
            _("%" PRIu32 " answers; given in epoch %" PRIu64 " on a branch that died, and the log "
              "has the same answers"),
            c->r.answers, c->r.epoch);
    else
        say(v, false,
            _("was given in epoch %" PRIu64 ", of which record %" PRIu64 " is not in this log, and "
              "the log has other answers"),
            c->r.epoch, c->r.lsn);
}

static void hold_unseen(const struct receipt_claim *c, const struct replay *p,
                        struct receipt_verdict *v)
{
    uint64_t last = store_last(p->s).lsn;
    if (c->r.lsn > last)
        say(v, false, _("is of record %" PRIu64 ", and the log ends with record %" PRIu64),
            c->r.lsn, last);
    else if (c->r.lsn > p->lsn)
        say(v, false, _("is of record %" PRIu64 ", up to which nothing is proven"), c->r.lsn);
    else
        hold_dead(c, p, v);
}

static void check_signature(const struct receipt_claim *c, const struct key_roster *roster,
                            struct receipt_verdict *v)
{
    switch (receipt_verify(&c->r, roster, NULL)) {
    case EXAM_OK:
        break;
    case EXAM_OTHER_SITE:
        say(v, false, _("is of another site than the roster of keys"));
        break;
    default:
        say(v, false, _("is not signed by server %s of this site: it was changed, or forged"),
            c->r.node);
        break;
    }
}

void receipts_end(const struct receipt_claim *claims, size_t n, const struct replay *p,
                  const struct key_roster *roster, struct receipt_verdict *verdicts)
{
    for (size_t i = 0; i < n; i++) {
        const struct receipt_claim *c = &claims[i];
        struct receipt_verdict *v = &verdicts[i];
        if (!v->seen)
            hold_unseen(c, p, v);
        if (roster && !c->typed)
            check_signature(c, roster, v);
        if (!v->good)
            findings_add(p->findings, 0, _("receipt %s of candidate %s, record %" PRIu64 ": %s"),
                         c->name, c->r.candidate, c->r.lsn, v->words);
    }
}
