#include "evidence.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "language.h"
#include "moment.h"
#include "signed_command.h"

/* ---------------------------------------------------------------- what a folder has kept */

static bool is_listed(const struct checkpoint_list *list, const struct checkpoint *c)
{
    uint8_t a[CHECKPOINT_BYTES], b[CHECKPOINT_BYTES];
    checkpoint_put(c, a);
    for (size_t i = 0; i < list->n; i++) {
        const struct checkpoint *other = &list->at[i];
        if (other->at.lsn != c->at.lsn || other->at.epoch != c->at.epoch)
            continue;
        checkpoint_put(other, b);
        if (memcmp(a, b, sizeof a) == 0)
            return true;
    }
    return false;
}

struct listing {
    struct checkpoint_list *list;
    uint64_t damaged;
};

static exam_err list_entry(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                           size_t value_bytes)
{
    struct listing *l = ctx;
    struct checkpoint_list *list = l->list;
    struct checkpoint c;
    uint8_t own_key[CHECKPOINT_KEY_BYTES_MAX];
    if (checkpoint_take(value, value_bytes, &c) || checkpoint_key(&c, own_key) != key_bytes ||
        memcmp(own_key, key, key_bytes) != 0) {
        l->damaged++;
        return EXAM_OK;
    }
    if (is_listed(list, &c))
        return EXAM_OK;
    if (list->n == list->max) {
        size_t max = list->max ? 2 * list->max : 256;
        struct checkpoint *more = realloc(list->at, max * sizeof *more);
        if (!more)
            return EXAM_NOMEM;
        list->at = more;
        list->max = max;
    }
    list->at[list->n++] = c;
    return EXAM_OK;
}

exam_err checkpoint_list_add(struct checkpoint_list *list, store *s, uint64_t *damaged)
{
    struct listing l = {.list = list};
    exam_err err = store_read_table(s, STORE_META, CHECKPOINT_PREFIX, sizeof CHECKPOINT_PREFIX - 1,
                                    list_entry, &l);
    *damaged = l.damaged;
    return err;
}

void checkpoint_list_fini(struct checkpoint_list *list)
{
    free(list->at);
    *list = (struct checkpoint_list){0};
}

/* ---------------------------------------------------------------- one checkpoint */

enum verdict { NOT_READ, SAME, OTHER, DEAD, MISSING, AHEAD, NOT_SIGNED };

struct checking {
    struct evidence *e;
    const struct evidence_given *given;
    struct replay *p;
    const struct branch *branches;
    size_t branches_n;
    bool whole;
    struct checkpoint_epoch *epochs;
    size_t epochs_n;
    struct checkpoint_list list;
    enum verdict *verdicts;
};

static exam_err take_hash(void *ctx, const struct record *r)
{
    memcpy(ctx, r->hash, HASH_BYTES);
    return EXAM_OK;
}

struct looking {
    const struct checkpoint *c;
    bool found;
};

static exam_err look_at_first(void *ctx, const struct record *r)
{
    struct looking *l = ctx;
    l->found = r->lsn == l->c->at.lsn && r->epoch == l->c->at.epoch &&
               memcmp(r->hash, l->c->at.hash, HASH_BYTES) == 0;
    return EXAM_AGAIN;
}

/* A dead branch of this folder has it, or the log tells that it was looked at there (A3). */
static bool is_dead(const struct checking *k, const struct checkpoint *c)
{
    for (size_t i = 0; i < k->branches_n; i++) {
        struct looking l = {.c = c};
        if (c->at.lsn < k->branches[i].first_lsn || c->at.lsn > k->branches[i].last_lsn)
            continue;
        exam_err err = store_read_branch(k->p->s, i + 1, c->at.lsn, look_at_first, &l);
        if (err == EXAM_AGAIN && l.found)
            return true;
    }
    return exam_recovered(k->p->x, c->at.epoch, c->epoch_tag, c->at.lsn);
}

static enum verdict held_against_log(const struct checking *k, const struct checkpoint *c)
{
    uint8_t hash[HASH_BYTES];
    switch (checkpoint_place(c, k->epochs, k->epochs_n, store_last(k->p->s).lsn)) {
    case CHECKPOINT_NOWHERE:
        return OTHER;
    case CHECKPOINT_HERE:
        if (c->at.lsn > k->p->lsn || store_read_log(k->p->s, c->at.lsn, c->at.lsn, take_hash, hash))
            return NOT_READ;
        return memcmp(hash, c->at.hash, HASH_BYTES) == 0 ? SAME : OTHER;
    case CHECKPOINT_ELSEWHERE:
        return !k->whole ? NOT_READ : is_dead(k, c) ? DEAD : MISSING;
    case CHECKPOINT_AHEAD:
        break;
    }
    return k->whole ? AHEAD : NOT_READ;
}

static struct signer *signer_of(struct evidence *e, const char *node)
{
    for (size_t i = 0; i < e->signers_n; i++)
        if (strcmp(e->signers[i].node, node) == 0)
            return &e->signers[i];
    if (e->signers_n == SIGNERS_MAX)
        return NULL;
    struct signer *s = &e->signers[e->signers_n++];
    memcpy(s->node, node, sizeof s->node);
    return s;
}

static enum verdict judge(struct checking *k, const struct checkpoint *c)
{
    const struct key_entry *by = NULL;
    struct signer *s = signer_of(k->e, c->node);
    if (!s || (k->given->roster && checkpoint_verify(c, k->given->roster, &by)))
        return NOT_SIGNED;
    if (by && by->revoked)
        s->revoked = by->revoked;
    enum verdict v = held_against_log(k, c);
    s->checkpoints++;
    if (v == SAME && c->at.lsn > s->same_lsn) {
        s->same_lsn = c->at.lsn;
        s->same_wall_ms = c->wall_ms;
    }
    s->dead += v == DEAD;
    if (v == AHEAD && c->at.lsn > s->ahead_lsn)
        s->ahead_lsn = c->at.lsn;
    return v;
}

/* ---------------------------------------------------------------- what is wrong */

/* The first of a server's that is so; *n: how many there are. */
static const struct checkpoint *first_of(const struct checking *k, const char *node, enum verdict v,
                                         uint64_t *n, uint64_t *last_lsn)
{
    const struct checkpoint *first = NULL;
    *n = *last_lsn = 0;
    for (size_t i = 0; i < k->list.n; i++) {
        const struct checkpoint *c = &k->list.at[i];
        if (k->verdicts[i] != v || strcmp(c->node, node) != 0)
            continue;
        (*n)++;
        if (!first || c->at.lsn < first->at.lsn)
            first = c;
        if (c->at.lsn > *last_lsn)
            *last_lsn = c->at.lsn;
    }
    return first;
}

/* The newest record before `lsn` that somebody has signed as it is here. */
static uint64_t same_before(const struct checking *k, uint64_t lsn)
{
    uint64_t newest = 0;
    for (size_t i = 0; i < k->list.n; i++)
        if (k->verdicts[i] == SAME && k->list.at[i].at.lsn < lsn && k->list.at[i].at.lsn > newest)
            newest = k->list.at[i].at.lsn;
    return newest;
}

static void find_others(struct checking *k, const struct signer *s)
{
    char wall[WALL_TEXT_BYTES];
    uint64_t n, last;
    const struct checkpoint *c = first_of(k, s->node, OTHER, &n, &last);
    if (!c)
        return;
    wall_format(c->wall_ms, wall);
    findings_add(
        k->p->findings, c->at.lsn,
        _("is not the one that server %s signed, %s: the log was made anew, from somewhere "
          "after record %" PRIu64 " on (%" PRIu64 " of its signed records are others) (D8)"),
        s->node, wall, same_before(k, c->at.lsn), n);
}

static void find_missing(struct checking *k, const struct signer *s)
{
    char wall[WALL_TEXT_BYTES];
    uint64_t n, last;
    const struct checkpoint *c = first_of(k, s->node, MISSING, &n, &last);
    if (!c)
        return;
    wall_format(c->wall_ms, wall);
    findings_add(k->p->findings, c->at.lsn,
                 _("of epoch %" PRIu64
                   " as server %s signed it, %s, is neither in this log nor in a "
                   "dead branch: it was lost with a disk, or taken out (up to record %" PRIu64 ")"),
                 c->at.epoch, s->node, wall, last);
}

static void find_cut_off(struct checking *k, const struct signer *s)
{
    uint64_t last = store_last(k->p->s).lsn;
    if (s->ahead_lsn && strcmp(s->node, k->e->own) == 0)
        findings_add(k->p->findings, last + 1,
                     _("is missing, and all up to record %" PRIu64 ", which this server, %s, had "
                       "signed: the log was cut off (D8)"),
                     s->ahead_lsn, s->node);
}

static void find_unsigned(struct checking *k)
{
    for (size_t i = 0; i < k->list.n; i++)
        if (k->verdicts[i] == NOT_SIGNED)
            findings_add(k->p->findings, k->list.at[i].at.lsn,
                         _("has a checkpoint of server %s that this server did not sign: it was "
                           "changed, or forged (D8)"),
                         k->list.at[i].node);
}

/* ---------------------------------------------------------------- persons' words (R4) */

void evidence_act(struct evidence *e, const struct evidence_given *given,
                  const struct replay_record *at, struct findings *findings)
{
    if (at->event->kind_case != EV__EVENT__KIND_COMMAND_SIGNED)
        return;
    exam_err err = given && given->roster
                       ? signed_command_check(at->event->command_signed, given->roster)
                       : EXAM_OK;
    e->acts += !err;
    if (err)
        findings_add(
            findings, at->r->lsn,
            _("is not as a person of this site has signed it (%s): what follows from it is "
              "on record under a name that did not ask for it (R4)"),
            err == EXAM_NOT_FOUND ? _("the roster has no such key") : _("the signature is none"));
}

/* ---------------------------------------------------------------- all of it */

static void own_name(struct evidence *e, store *s)
{
    const uint8_t *value;
    size_t bytes;
    char name[NAME_BYTES_MAX + 1];
    if (store_get(s, STORE_META, CHECKPOINT_OWNER, sizeof CHECKPOINT_OWNER - 1, &value, &bytes) ||
        bytes > NAME_BYTES_MAX)
        return;
    memcpy(name, value, bytes);
    name[bytes] = '\0';
    if (codec_name_ok(name))
        memcpy(e->own, name, bytes + 1);
}

static exam_err gather(struct checking *k, const struct roles *roles)
{
    const struct checkpoint_list *more = k->given->checkpoints;
    uint64_t damaged = 0;
    exam_err err = checkpoint_list_add(&k->list, k->p->s, &damaged);
    if (damaged)
        findings_add(k->p->findings, 0,
                     _("%" PRIu64
                       " of the checkpoints that the folder has kept cannot be read: they "
                       "were damaged, or changed (D8)"),
                     damaged);
    for (size_t i = 0; !err && more && i < more->n; i++) {
        uint8_t key[CHECKPOINT_KEY_BYTES_MAX], value[CHECKPOINT_BYTES];
        struct listing l = {.list = &k->list};
        checkpoint_put(&more->at[i], value);
        err = list_entry(&l, key, checkpoint_key(&more->at[i], key), value, sizeof value);
    }
    k->epochs = calloc(roles->epochs_n + 1, sizeof *k->epochs);
    k->verdicts = calloc(k->list.n + 1, sizeof *k->verdicts);
    if (!k->epochs || !k->verdicts)
        return EXAM_NOMEM;
    k->epochs_n = roles->epochs_n;
    for (size_t i = 0; i < roles->epochs_n; i++)
        k->epochs[i] = (struct checkpoint_epoch){.epoch = roles->epochs[i].epoch,
                                                 .first_lsn = roles->epochs[i].lsn,
                                                 .tag = roles->epochs[i].tag};
    return err;
}

static void check_site(struct checking *k)
{
    const struct key_roster *roster = k->given->roster;
    if (roster && exam_founded(k->p->x) &&
        memcmp(exam_site_id(k->p->x), key_roster_site(roster), SITE_ID_BYTES) != 0)
        findings_add(
            k->p->findings, 0,
            _("the log is of another site than the roster of keys: nobody of that site has "
              "signed it"));
}

static void check_all(struct checking *k)
{
    check_site(k);
    for (size_t i = 0; i < k->list.n; i++)
        k->verdicts[i] = judge(k, &k->list.at[i]);
    find_unsigned(k);
    for (size_t i = 0; i < k->e->signers_n; i++) {
        find_others(k, &k->e->signers[i]);
        find_missing(k, &k->e->signers[i]);
        find_cut_off(k, &k->e->signers[i]);
    }
}

exam_err evidence_check(struct evidence *e, const struct evidence_given *given, struct replay *p,
                        const struct roles *roles, bool whole, const struct branch *branches,
                        size_t branches_n)
{
    static const struct evidence_given nothing = {.roster = NULL};
    struct checking k = {.e = e,
                         .given = given ? given : &nothing,
                         .p = p,
                         .whole = whole,
                         .branches = branches,
                         .branches_n = branches_n};
    own_name(e, p->s);
    e->checked = k.given->roster != NULL;
    e->roster_version = e->checked ? key_roster_version(k.given->roster) : 0;
    exam_err err = gather(&k, roles);
    if (!err)
        check_all(&k);
    checkpoint_list_fini(&k.list);
    free(k.epochs);
    free(k.verdicts);
    return err;
}

void evidence_fini(struct evidence *e)
{
    free(e->receipts);
}

uint64_t evidence_covered(const struct evidence *e)
{
    uint64_t lsn = 0;
    for (size_t i = 0; i < e->signers_n; i++)
        if (e->signers[i].same_lsn > lsn)
            lsn = e->signers[i].same_lsn;
    return lsn;
}
