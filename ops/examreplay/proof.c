#include "proof.h"

#include <stdlib.h>
#include <string.h>

#include "accounts_check.h"

static void seen(void *ctx, const struct replay *r, const struct replay_record *at)
{
    struct proof *p = ctx;
    (void)r;
    roles_note(&p->roles, at);
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
    accounts_check(r->replay.x, &p->roles, &r->findings);
    p->err = branches_check(&r->replay, &p->roles, &p->branches, &p->branches_n);
    exam_digest(r->replay.x, p->digest);
}

static void prove(struct proof *p)
{
    replay_all(p);
    if (!p->err)
        check_rest(p);
    progress_end(&p->reader.progress);
}

enum exit_code proof_make(struct proof *p, const char *folder, const struct options *o)
{
    *p = (struct proof){.err = EXAM_OK};
    enum exit_code code = log_reader_open(&p->reader, folder, o);
    if (code == EXIT_CODE_DONE)
        prove(p);
    return code;
}

void proof_make_of(struct proof *p, const char *folder, store *s, const struct options *o)
{
    *p = (struct proof){.err = EXAM_OK};
    log_reader_take(&p->reader, folder, s, o);
    prove(p);
}

void proof_free(struct proof *p)
{
    roles_fini(&p->roles);
    free(p->branches);
    log_reader_close(&p->reader);
}

bool proof_holds(const struct proof *p)
{
    return p->err == EXAM_OK && p->reader.findings.n == 0;
}
