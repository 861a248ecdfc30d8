#include "proof.h"

#include <stdlib.h>
#include <string.h>

#include "accounts_check.h"
#include "chain_break.h"

static void seen(void *ctx, const struct replay *r, const struct replay_record *at)
{
    struct proof *p = ctx;
    roles_note(&p->roles, at);
    evidence_act(&p->evidence, p->given, at, &p->reader.findings);
    if (p->evidence.receipts_n > 0)
        receipts_at(p->given->claims, p->evidence.receipts_n, r, at, p->evidence.receipts);
    if (p->watch)
        p->watch->seen(p->watch->ctx, r, at);
}

/* The state is compared where the tables stand, which may be before the log's end. */
static void replay_all(struct proof *p)
{
    struct log_reader *r = &p->reader;
    const struct replay_hooks hooks = {.ctx = p, .seen = seen};
    if (tables_open(&p->tables, r->s, &r->findings))
        p->tables.lsn = 0;
    p->err = log_reader_to(r, p->tables.lsn, &hooks);
    if (!p->err && p->tables.lsn > 0)
        tables_compare_state(&p->tables, &r->replay);
    if (!p->err)
        p->err = log_reader_to(r, store_last(r->s).lsn, &hooks);
}

static void check_rest(struct proof *p)
{
    struct log_reader *r = &p->reader;
    tables_compare_epochs(&p->tables, &r->replay, &p->roles);
    accounts_check(&r->replay, &p->roles, &r->findings);
    p->err = branches_check(&r->replay, &p->roles, &p->branches, &p->branches_n);
    exam_digest(r->replay.x, p->digest);
}

/* What the records around the break tell of it. */
static void explain_break(struct proof *p)
{
    struct chain_break b;
    char words[CHAIN_BREAK_BYTES];
    chain_break_find(p->reader.s, p->reader.replay.lsn + 1, p->reader.replay.hash, &b);
    chain_break_words(&b, words);
    findings_explain(&p->reader.findings, words);
}

static void check_evidence(struct proof *p)
{
    struct log_reader *r = &p->reader;
    exam_err err = evidence_check(&p->evidence, p->given, &r->replay, &p->roles, p->err == EXAM_OK,
                                  p->branches, p->branches_n);
    if (p->evidence.receipts_n > 0)
        receipts_end(p->given->claims, p->evidence.receipts_n, &r->replay, p->given->roster,
                     p->evidence.receipts);
    if (!p->err)
        p->err = err;
}

static exam_err receipts_begin(struct proof *p)
{
    size_t n = p->given ? p->given->claims_n : 0;
    p->evidence.receipts = calloc(n + 1, sizeof *p->evidence.receipts);
    if (!p->evidence.receipts)
        return EXAM_NOMEM;
    p->evidence.receipts_n = n;
    return EXAM_OK;
}

static void prove(struct proof *p, const struct options *o)
{
    p->given = o->evidence;
    p->watch = o->watch;
    p->err = receipts_begin(p);
    if (p->watch)
        p->watch->begin(p->watch->ctx, &p->reader.replay);
    if (!p->err)
        replay_all(p);
    if (p->watch)
        p->watch->end(p->watch->ctx);
    if (p->err == EXAM_CORRUPT)
        explain_break(p);
    if (!p->err)
        check_rest(p);
    check_evidence(p);
    progress_end(&p->reader.progress);
}

enum exit_code proof_make(struct proof *p, const char *folder, const struct options *o)
{
    *p = (struct proof){.err = EXAM_OK};
    enum exit_code code = log_reader_open(&p->reader, folder, o);
    if (code == EXIT_CODE_DONE)
        prove(p, o);
    return code;
}

void proof_make_of(struct proof *p, const char *folder, store *s, const struct options *o)
{
    *p = (struct proof){.err = EXAM_OK};
    log_reader_take(&p->reader, folder, s, o);
    prove(p, o);
}

void proof_free(struct proof *p)
{
    roles_fini(&p->roles);
    evidence_fini(&p->evidence);
    free(p->branches);
    log_reader_close(&p->reader);
}

bool proof_holds(const struct proof *p)
{
    return p->err == EXAM_OK && p->reader.findings.n == 0;
}
