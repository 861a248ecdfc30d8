#include "proposals.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_over(const struct proposal *one, uint64_t now_ms)
{
    return now_ms >= one->since_ms + PROPOSAL_EXPIRES_MS;
}

static exam_err room_check(const struct proposals *p, const char *who, bool import)
{
    size_t own = 0, imports = import;
    for (size_t i = 0; i < p->n; i++) {
        own += !strcmp(p->at[i]->first.who, who);
        imports += p->at[i]->import != NULL;
    }
    return p->n == PROPOSALS_MAX || own >= PROPOSALS_OF_ONE_MAX || imports > PROPOSED_IMPORTS_MAX
               ? EXAM_FULL
               : EXAM_OK;
}

exam_err proposals_add(struct proposals *p, uint64_t now_ms, uint32_t number,
                       const struct admin_signed *first, struct import_stage *import,
                       struct proposal **out)
{
    proposals_expire(p, now_ms);
    exam_err err = room_check(p, first->who, import != NULL);
    if (err)
        return err;
    if (proposals_find(p, now_ms, number))
        return EXAM_EXISTS;
    struct proposal *one = calloc(1, sizeof *one);
    if (!one)
        return EXAM_NOMEM;
    one->number = number;
    one->since_ms = now_ms;
    one->import = import;
    admin_signed_copy(&one->first, first);
    p->at[p->n++] = one;
    *out = one;
    return EXAM_OK;
}

struct proposal *proposals_find(struct proposals *p, uint64_t now_ms, uint32_t number)
{
    proposals_expire(p, now_ms);
    for (size_t i = 0; i < p->n; i++)
        if (p->at[i]->number == number)
            return p->at[i];
    return NULL;
}

static void proposal_free(struct proposal *one)
{
    if (one->import)
        import_stage_free(one->import);
    free(one);
}

void proposals_drop(struct proposals *p, struct proposal *one)
{
    size_t i = 0;
    while (i < p->n && p->at[i] != one)
        i++;
    assert(i < p->n);
    memmove(&p->at[i], &p->at[i + 1], (p->n - i - 1) * sizeof *p->at);
    p->n--;
    proposal_free(one);
}

void proposals_expire(struct proposals *p, uint64_t now_ms)
{
    for (size_t i = 0; i < p->n;)
        if (is_over(p->at[i], now_ms))
            proposals_drop(p, p->at[i]);
        else
            i++;
}

void proposals_clear(struct proposals *p)
{
    while (p->n)
        proposals_drop(p, p->at[0]);
}

/* ---------------------------------------------------------------- what takes two */

bool proposal_is_due(unsigned two_person, uint64_t grant_two_person_ms,
                     const struct exam_command *cmd)
{
    if (cmd->kind == EXAM_CMD_IMPORT)
        return two_person & CONFIG_TWO_IMPORT;
    if (cmd->kind != EXAM_CMD_GRANT || !(two_person & CONFIG_TWO_GRANT))
        return false;
    int64_t ms = cmd->u.grant.ms;
    return (ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms) >= grant_two_person_ms;
}

void proposal_text(const struct exam_command *cmd, const struct admin_preview *seen, char *text,
                   size_t bytes)
{
    const struct admin_act act = {.command = *cmd};
    char words[256];

    if (cmd->kind == EXAM_CMD_IMPORT) {
        const struct exam_import *i = cmd->u.import;
        snprintf(text, bytes, "the import of batch %s (%s): %zu candidates, %zu rooms", i->batch,
                 i->title, i->sittings_n, i->rooms_n);
        return;
    }
    assert(cmd->kind == EXAM_CMD_GRANT);
    admin_preview_text(seen, &act, words, sizeof words);
    snprintf(text, bytes, "%s of %s: %s", words, cmd->u.grant.scope.name, cmd->u.grant.why);
}
