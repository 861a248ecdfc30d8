#include "branches.h"

#include <stdlib.h>
#include <string.h>

#include "oplog.h"

enum {
    RECORDS_PER_FRAME = 256,
    RECORDS_PER_TURN = 1024,
    RENUMBERED_BYTES = 20, /* a stretch of numbers in a frame, at the most */
    VALUES_BYTES =
        FRAME_BYTES_MAX - 4 * RECORDS_PER_FRAME - RENUMBERED_BYTES * RENUMBERED_MAX - 256,
    RESEND_MS = 1000, /* a primary that waits for its standby decides again sooner or later */
    SLOW_MS = 20,     /* until a link that takes nothing is tried again */
};

_Static_assert((int)VALUES_BYTES >= (int)RECORD_BYTES_MAX, "every record fits in a frame");

exam_err branches_init(struct branches *b)
{
    memset(b, 0, sizeof *b);
    b->records = malloc(RECORDS_PER_FRAME * sizeof *b->records);
    b->values = malloc(VALUES_BYTES);
    b->frame = malloc(FRAME_HEADER_BYTES + FRAME_BYTES_MAX);
    for (size_t i = 0; i < RENUMBERED_MAX; i++)
        b->renumbered_list[i] = &b->renumbered[i];
    if (b->records && b->values && b->frame)
        return EXAM_OK;
    branches_fini(b);
    return EXAM_NOMEM;
}

void branches_fini(struct branches *b)
{
    free(b->records);
    free(b->values);
    free(b->frame);
    memset(b, 0, sizeof *b);
}

void branches_changed(struct branches *b)
{
    b->link = 0;
    b->own = (struct branch_place){0};
    b->own_done = b->waits = false;
    b->numbers.branch = 0; /* numbers mean others as soon as the log is another one */
}

/* A2: what has waited may have a meaning now. */
static void steps_follow(struct branches *b, struct engine *e)
{
    uint32_t steps = exam_batch_steps(engine_exam(e));
    if (steps != b->steps)
        branches_changed(b);
    b->steps = steps;
}

/* ---------------------------------------------------------------- which epoch a record is of */

/* Looks for the record that the first one of a branch continues: in the log, or in a branch that
 * was set apart later. */
struct root {
    struct engine *e;
    uint64_t branch; /* whose first record it is */
    struct record first;
    uint8_t value[RECORD_BYTES_MAX];
    uint64_t prev_epoch; /* of the record before it, once it is found */
    uint32_t tag;
    bool found;
    uint8_t prev_hash[HASH_BYTES]; /* of the record before the branch that is asked about, */
    bool is_rooted;                /* once it is found */
};

static void root_found(struct root *root, const uint8_t prev_hash[HASH_BYTES])
{
    if (!root->is_rooted)
        memcpy(root->prev_hash, prev_hash, HASH_BYTES);
    root->is_rooted = true;
}

static exam_err root_first(void *ctx, const struct record *r)
{
    struct root *root = ctx;
    size_t bytes = RECORD_HEADER_BYTES + r->event_bytes;
    /* record.h: the header lies right before the event in the stored value. */
    memcpy(root->value, r->event - RECORD_HEADER_BYTES, bytes);
    exam_err err = record_open(r->lsn, root->value, bytes, &root->first);
    return err ? err : EXAM_AGAIN;
}

static exam_err root_prev(void *ctx, const struct record *r)
{
    struct root *root = ctx;
    if (r->lsn != root->first.lsn - 1 || record_verify(&root->first, r->hash))
        return EXAM_AGAIN;
    root->prev_epoch = r->epoch;
    root->found = true;
    root_found(root, r->hash);
    return EXAM_AGAIN;
}

static exam_err root_epoch_first(void *ctx, const struct record *r)
{
    struct root *root = ctx;
    if (r->epoch != root->first.epoch)
        return EXAM_OK;
    return root_first(root, r);
}

static exam_err stopped(exam_err err)
{
    return err == EXAM_AGAIN || err == EXAM_NOT_FOUND ? EXAM_OK : err;
}

static bool root_in_log(struct root *root)
{
    uint8_t hash[HASH_BYTES];
    size_t n;
    const struct engine_epoch *epochs = engine_epochs(root->e, &n);
    uint64_t prev_lsn = root->first.lsn - 1;
    if (prev_lsn > engine_last(root->e).lsn || engine_hash_at(root->e, prev_lsn, hash) ||
        record_verify(&root->first, hash))
        return false;
    root_found(root, hash);
    while (n && epochs[n - 1].first_lsn > prev_lsn)
        n--;
    bool same = n && epochs[n - 1].epoch == root->first.epoch;
    root->tag = record_tag(same ? epochs[n - 1].first_hash : root->first.hash);
    return true;
}

/* The branch that it continues; then the first record of the epoch there is looked at next, unless
 * that is the EpochBegan. *done: the tag is known, or will never be. */
static exam_err root_in_branches(struct root *root, bool *done)
{
    store *s = engine_store(root->e);
    exam_err err = EXAM_OK;
    root->found = false;
    for (uint64_t b = 1; !err && !root->found; b++) {
        err = store_read_branch(s, b, root->first.lsn - 1, root_prev, root);
        if (err == EXAM_NOT_FOUND)
            break;
        err = stopped(err);
        root->branch = b;
    }
    *done = true;
    if (!root->found || root->prev_epoch != root->first.epoch) {
        root->tag = root->found ? record_tag(root->first.hash) : 0;
        return stopped(err);
    }
    err = stopped(store_read_branch(s, root->branch, 1, root_epoch_first, root));
    if (err)
        return err;
    uint64_t lsn = root->first.lsn;
    uint8_t hash[HASH_BYTES];
    memcpy(hash, root->first.hash, HASH_BYTES);
    err = stopped(store_read_branch(s, root->branch, 1, root_first, root));
    root->tag = record_tag(hash);
    *done = root->first.lsn != lsn; /* else it began before this branch, too */
    return err;
}

/* The first record of the branch has rotted, or the one before it: it is supposed to continue the
 * log as it is now. */
static void place_unrooted(struct branch_place *p, struct engine *e)
{
    size_t n;
    const struct engine_epoch *epochs = engine_epochs(e, &n);
    p->epoch = p->since_lsn = 0;
    if (p->lsn > engine_last(e).lsn || engine_hash_at(e, p->lsn, p->hash))
        return;
    while (n && epochs[n - 1].first_lsn > p->lsn)
        n--;
    if (n) {
        p->epoch = epochs[n - 1].epoch;
        p->epoch_tag = record_tag(epochs[n - 1].first_hash);
    }
}

/* Goes to the beginning of the next branch. EXAM_NOT_FOUND: there is none. A tag is 0 when nothing
 * says which epoch the branch continues. */
static exam_err place_next_branch(struct branch_place *p, struct engine *e)
{
    struct root *root = malloc(sizeof *root);
    if (!root)
        return EXAM_NOMEM;
    *root = (struct root){.e = e, .branch = p->branch + 1};
    exam_err err = store_read_branch(engine_store(e), root->branch, 1, root_first, root);
    struct branch_place next = {.branch = root->branch,
                                .lsn = root->first.lsn - 1,
                                .epoch = root->first.epoch,
                                .since_lsn = root->first.lsn};
    bool done = false;
    if (err == EXAM_AGAIN)
        err = EXAM_OK;
    while (!err && !done) {
        root->tag = record_tag(root->first.hash);
        if (root->first.lsn == 1 && !record_verify(&root->first, root->prev_hash))
            root->is_rooted = true;
        if (root->first.lsn == 1 || root_in_log(root))
            done = true;
        else
            err = root_in_branches(root, &done);
    }
    next.epoch_tag = root->tag;
    memcpy(next.hash, root->prev_hash, HASH_BYTES);
    if (!root->is_rooted)
        place_unrooted(&next, e);
    memcpy(next.reckoned, next.hash, HASH_BYTES);
    if (!err)
        *p = next;
    free(root);
    return err;
}

/* The rotten record is the next one of the walk. */
static void place_on_rotten(struct branch_place *p, const struct record *r)
{
    record_reckon(r, p->hash, p->reckoned);
    memcpy(p->hash, r->hash, HASH_BYTES);
    p->lsn = r->lsn;
    p->rotten_epoch = r->epoch;
    p->since_lsn = 0; /* what is told of the records before the next one ends here */
}

static void tell_rotten(const struct branch_place *p)
{
    oplog(OPLOG_WARN, "branch-rotten", OPLOG_U("branch", p->branch), OPLOG_U("lsn", p->lsn),
          OPLOG_S("text", "a record of a dead branch has changed on this disk, and is left out"));
}

/* The record is the next one of the walk. False: it has rotted. */
static bool place_on(struct branch_place *p, const struct record *r)
{
    bool by_hash = record_verify(r, p->hash) == EXAM_OK;
    if (!by_hash && record_verify(r, p->reckoned)) {
        place_on_rotten(p, r);
        return false;
    }
    if (r->epoch != p->epoch) {
        bool began_before = !p->since_lsn && p->rotten_epoch == r->epoch;
        const uint8_t *prev = by_hash ? p->hash : p->reckoned;
        p->epoch_tag = record_tag(began_before ? prev : r->hash); /* its EpochBegan */
        p->epoch = r->epoch;
        p->since_lsn = 0;
    }
    if (!p->since_lsn)
        p->since_lsn = r->lsn;
    p->lsn = r->lsn;
    memcpy(p->hash, r->hash, HASH_BYTES);
    memcpy(p->reckoned, r->hash, HASH_BYTES);
    return true;
}

static bool is_left(const struct branch_place *p, struct engine *e)
{
    return !exam_recovered(engine_exam(e), p->epoch, p->epoch_tag, p->lsn);
}

/* ---------------------------------------------------------------- whom its numbers mean */

/* There is no room for more stretches: from the last one on, whoever they leave out is unknown. */
static void numbers_drop(struct exam_renumbered *last, uint32_t there)
{
    uint32_t from = there < last->there ? there : last->there;
    uint32_t to = last->there + last->n - 1;
    to = there > to ? there : to;
    *last = (struct exam_renumbered){.there = from, .n = to - from + 1};
}

static void numbers_add(struct branch_numbers *numbers, uint32_t there, uint32_t here)
{
    struct exam_renumbered *last = numbers->n ? &numbers->list[numbers->n - 1] : NULL;
    if (last && last->there + last->n == there && (here ? last->here : !last->here) &&
        (!here || last->here + last->n == here))
        last->n++;
    else if (numbers->n < RENUMBERED_MAX)
        numbers->list[numbers->n++] =
            (struct exam_renumbered){.there = there, .here = here, .n = 1};
    else
        numbers_drop(last, there);
}

static void numbers_take(struct branch_numbers *numbers, const exam *x, const Ev__SittingsAdded *m)
{
    for (size_t i = 0; m->first > 0 && i < m->n_sittings; i++) {
        uint32_t here;
        if (exam_find_sitting(x, m->sittings[i]->admission_no, &here))
            here = 0;
        numbers_add(numbers, m->first + (uint32_t)i, here);
    }
}

/* Reads the imports of a branch, up to where the branch that is asked about continues it. */
struct numbering {
    struct branch_numbers *numbers;
    struct engine *e;
    struct arena *arena;
    struct root root;
    uint64_t until_lsn;
    uint8_t prev_hash[HASH_BYTES]; /* of the record before the next one */
    bool prev_known;
};

static exam_err numbering_record(void *ctx, const struct record *r)
{
    struct numbering *k = ctx;
    const Ev__Event *event;
    if (r->lsn > k->until_lsn)
        return EXAM_AGAIN;
    if (codec_event_kind(r->event, r->event_bytes) == EV__EVENT__KIND_SITTINGS_ADDED &&
        k->prev_known && !record_verify(r, k->prev_hash) && /* D8 */
        !codec_event(k->arena, r->event, r->event_bytes, &event, NULL))
        numbers_take(k->numbers, engine_exam(k->e), event->sittings_added);
    memcpy(k->prev_hash, r->hash, HASH_BYTES);
    k->prev_known = true;
    return EXAM_OK;
}

/* *parent: the branch that it continues; 0: the log, or nothing that is on this disk. */
static exam_err numbering_branch(struct numbering *k, uint64_t branch, uint64_t *parent)
{
    static const uint8_t none[HASH_BYTES];
    struct root *root = &k->root;
    bool done;
    *root = (struct root){.e = k->e, .branch = branch};
    exam_err err = stopped(store_read_branch(engine_store(k->e), branch, 1, root_first, root));
    uint64_t first_lsn = root->first.lsn;
    if (err)
        return err;
    if (first_lsn == 1 && !record_verify(&root->first, none))
        root_found(root, none);
    else if (first_lsn > 1 && !root_in_log(root))
        err = root_in_branches(root, &done);
    *parent = root->found ? root->branch : 0;
    memcpy(k->prev_hash, root->prev_hash, HASH_BYTES);
    k->prev_known = root->is_rooted;
    if (!err)
        err =
            stopped(store_read_branch(engine_store(k->e), branch, first_lsn, numbering_record, k));
    k->until_lsn = first_lsn - 1;
    return err;
}

static exam_err numbers_of(struct branches *b, struct engine *e, struct arena *arena,
                           uint64_t branch)
{
    if (b->numbers.branch == branch)
        return EXAM_OK;
    struct numbering *k = malloc(sizeof *k);
    if (!k)
        return EXAM_NOMEM;
    exam_err err = EXAM_OK;
    *k =
        (struct numbering){.numbers = &b->numbers, .e = e, .arena = arena, .until_lsn = UINT64_MAX};
    b->numbers = (struct branch_numbers){0};
    for (uint64_t at = branch, parent; !err && at; at = parent)
        err = numbering_branch(k, at, &parent);
    if (!err)
        b->numbers.branch = branch;
    free(k);
    return err;
}

/* Of the branch that the numbers are of. An event that cannot be read waits for nothing. */
static bool record_waits(struct branches *b, struct engine *e, struct arena *arena,
                         const struct record *r, uint32_t epoch_tag)
{
    struct exam_recover c = {.record = r,
                             .epoch_tag = epoch_tag,
                             .renumbered = b->numbers.list,
                             .renumbered_n = b->numbers.n};
    if (codec_event(arena, r->event, r->event_bytes, &c.event, NULL))
        return false;
    bool waits = exam_recover_waits(engine_exam(e), &c);
    b->waits |= waits;
    return waits;
}

/* What comes after it does not tell of it. */
static void place_past_waiting(struct branch_place *p)
{
    p->since_lsn = 0;
    p->rotten_epoch = 0;
}

static void tell_waiting(const struct branches *b)
{
    if (b->waits)
        oplog(OPLOG_WARN, "branch-waits",
              OPLOG_S("text", "a dead branch has answers or acts of candidates whom this site does "
                              "not know: import their batch again, and start it (A2)"));
}

/* Walks on until `each` says EXAM_AGAIN, or to the end: EXAM_NOT_FOUND. */
static exam_err places_walk(struct branches *b, struct branch_place *p, struct engine *e,
                            struct arena *arena,
                            exam_err (*each)(void *ctx, const struct record *r), void *ctx)
{
    exam_err err = EXAM_OK;
    while (!err) {
        if (p->branch)
            err = numbers_of(b, e, arena, p->branch);
        if (!err && p->branch)
            err = store_read_branch(engine_store(e), p->branch, p->lsn + 1, each, ctx);
        if (!err)
            err = place_next_branch(p, e);
    }
    return err;
}

/* ---------------------------------------------------------------- sending */

struct sending {
    struct branches *b;
    struct engine *e;
    struct arena *arena;
    size_t left; /* records to be looked at in this turn */
};

static void renumbered_add(struct branches *b)
{
    for (size_t i = 0; i < b->numbers.n; i++) {
        const struct exam_renumbered *r = &b->numbers.list[i];
        rep__renumbered__init(&b->renumbered[i]);
        b->renumbered[i].there = r->there;
        b->renumbered[i].here = r->here;
        b->renumbered[i].n = r->n;
    }
    b->message.n_renumbered = b->numbers.n;
    b->message.renumbered = b->renumbered_list;
}

/* Records of one frame follow one another, and are of one epoch of one branch. */
static exam_err record_add(void *ctx, const struct record *r)
{
    struct sending *s = ctx;
    struct branches *b = s->b;
    Rep__BranchRecords *m = &b->message;
    struct branch_place at = b->sent;
    size_t bytes = RECORD_HEADER_BYTES + r->event_bytes;
    bool is_sound = place_on(&at, r);
    bool waits = is_sound && is_left(&at, s->e) && record_waits(b, s->e, s->arena, r, at.epoch_tag);
    if (m->n_records && (!is_sound || waits || m->n_records == RECORDS_PER_FRAME ||
                         b->values_bytes + bytes > VALUES_BYTES || at.branch != m->branch ||
                         at.epoch != m->branch_epoch || !is_left(&at, s->e)))
        return EXAM_AGAIN;
    if (!s->left--)
        return EXAM_AGAIN;
    if (waits)
        place_past_waiting(&at);
    b->sent = at;
    if (!is_sound)
        tell_rotten(&at);
    if (!is_sound || waits || !is_left(&at, s->e))
        return EXAM_OK;
    if (!m->n_records) {
        m->branch = at.branch;
        m->first_lsn = r->lsn;
        m->branch_epoch = at.epoch;
        m->epoch_tag = at.epoch_tag;
        m->since_lsn = at.since_lsn;
        renumbered_add(b);
    }
    uint8_t *to = b->values + b->values_bytes;
    memcpy(to, r->event - RECORD_HEADER_BYTES, bytes); /* as in root_first */
    b->values_bytes += bytes;
    m->records[m->n_records++] = (ProtobufCBinaryData){.len = bytes, .data = to};
    return EXAM_OK;
}

static exam_err frame_send(struct branches *b, struct link_hub *hub, struct link_id link)
{
    Rep__Message m = REP__MESSAGE__INIT;
    size_t bytes;
    m.kind_case = REP__MESSAGE__KIND_BRANCH_RECORDS;
    m.branch_records = &b->message;
    exam_err err =
        codec_frame_pack(&m.base, b->frame, FRAME_HEADER_BYTES + FRAME_BYTES_MAX, &bytes);
    return err ? err : link_send(hub, link, b->frame, bytes);
}

static void sending_begin(struct branches *b, uint64_t link, uint64_t epoch)
{
    if (b->link == link && b->epoch == epoch)
        return;
    b->link = link;
    b->epoch = epoch;
    b->taken = (struct branch_place){0};
    b->under_way = b->done = b->waits = false;
    b->due_ms = 0;
}

/* Makes the next frame; without a record when there is nothing left. */
static exam_err frame_make(struct branches *b, struct engine *e, struct arena *arena)
{
    struct sending s = {.b = b, .e = e, .arena = arena, .left = RECORDS_PER_TURN};
    rep__branch_records__init(&b->message);
    b->message.epoch = b->epoch;
    b->message.records = b->records;
    b->values_bytes = 0;
    b->sent = b->taken;
    return places_walk(b, &b->sent, e, arena, record_add, &s);
}

exam_err branches_send(struct branches *b, struct engine *e, struct arena *arena,
                       const struct branches_to *to, uint64_t now_ms)
{
    steps_follow(b, e);
    sending_begin(b, to->link.n, to->epoch);
    if (b->done)
        return EXAM_OK;
    if (now_ms < b->due_ms)
        return EXAM_AGAIN;
    exam_err err = frame_make(b, e, arena);
    if (err != EXAM_AGAIN && err != EXAM_NOT_FOUND)
        return err;
    b->under_way = b->message.n_records > 0;
    if (!b->under_way) {
        b->taken = b->sent; /* the site has all of that */
        b->done = err == EXAM_NOT_FOUND;
        if (b->done)
            tell_waiting(b);
        return b->done ? EXAM_OK : EXAM_AGAIN;
    }
    b->due_ms = now_ms + (frame_send(b, to->hub, to->link) ? SLOW_MS : RESEND_MS);
    return EXAM_AGAIN;
}

void branches_answered(struct branches *b, uint64_t link, const Rep__BranchTaken *m)
{
    const Rep__BranchRecords *sent = &b->message;
    if (link != b->link || m->epoch != b->epoch || !b->under_way || m->branch != sent->branch ||
        m->lsn != sent->first_lsn + sent->n_records - 1)
        return; /* to a frame that was sent twice */
    b->taken = b->sent;
    b->under_way = false;
    b->due_ms = 0;
}

/* ---------------------------------------------------------------- taking */

/* `from` has all but the record and its event. */
static exam_err record_take(struct engine *e, struct arena *arena, const struct record *r,
                            const struct exam_recover *from)
{
    struct exam_command c = {.kind = EXAM_CMD_RECOVER, .u.recover = *from};
    struct exam_refusal refused;
    uint64_t decided_lsn;
    const char *why = "";
    c.u.recover.record = r;
    exam_err err = codec_event(arena, r->event, r->event_bytes, &c.u.recover.event, &why);
    if (!err)
        err = engine_decide(e, &c, &refused, &decided_lsn);
    return err;
}

void branches_take(struct engine *e, struct arena *arena, const Rep__BranchRecords *m,
                   const char *peer)
{
    struct exam_renumbered renumbered[RENUMBERED_MAX];
    const struct exam_recover from = {.epoch_tag = m->epoch_tag,
                                      .since_lsn = m->since_lsn,
                                      .renumbered = renumbered,
                                      .renumbered_n = m->n_renumbered};
    for (size_t i = 0; i < m->n_renumbered; i++)
        renumbered[i] = (struct exam_renumbered){.there = m->renumbered[i]->there,
                                                 .here = m->renumbered[i]->here,
                                                 .n = m->renumbered[i]->n};
    uint64_t before = engine_last(e).lsn;
    size_t refused = 0;
    for (size_t i = 0; i < m->n_records; i++) {
        struct record r;
        exam_err err = record_open(m->first_lsn + i, m->records[i].data, m->records[i].len, &r);
        if (err || r.epoch != m->branch_epoch || record_take(e, arena, &r, &from))
            refused++;
    }
    oplog(refused ? OPLOG_WARN : OPLOG_INFO, "branch-recovered", OPLOG_S("peer", peer),
          OPLOG_U("first_lsn", m->first_lsn), OPLOG_U("records", m->n_records),
          OPLOG_U("decided", engine_last(e).lsn - before), OPLOG_U("refused", refused));
}

struct taking_own {
    struct branches *b;
    struct engine *e;
    struct arena *arena;
    size_t left, refused;
};

static exam_err own_take(void *ctx, const struct record *r)
{
    struct taking_own *t = ctx;
    if (!t->left)
        return EXAM_AGAIN;
    t->left--;
    struct branch_place *own = &t->b->own;
    if (!place_on(own, r)) {
        tell_rotten(own);
        return EXAM_OK;
    }
    const struct exam_recover from = {.epoch_tag = own->epoch_tag,
                                      .since_lsn = own->since_lsn,
                                      .renumbered = t->b->numbers.list,
                                      .renumbered_n = t->b->numbers.n};
    if (!is_left(own, t->e))
        return EXAM_OK;
    if (record_waits(t->b, t->e, t->arena, r, own->epoch_tag))
        place_past_waiting(own);
    else
        t->refused += record_take(t->e, t->arena, r, &from) != EXAM_OK;
    return EXAM_OK;
}

exam_err branches_take_own(struct branches *b, struct engine *e, struct arena *arena)
{
    struct taking_own t = {.b = b, .e = e, .arena = arena, .left = RECORDS_PER_TURN};
    uint64_t before = engine_last(e).lsn;
    steps_follow(b, e);
    if (b->own_done)
        return EXAM_OK;
    exam_err err = places_walk(b, &b->own, e, arena, own_take, &t);
    if (engine_last(e).lsn > before || t.refused)
        oplog(t.refused ? OPLOG_WARN : OPLOG_INFO, "branch-recovered", OPLOG_S("peer", "(own)"),
              OPLOG_U("records", RECORDS_PER_TURN - t.left),
              OPLOG_U("decided", engine_last(e).lsn - before), OPLOG_U("refused", t.refused));
    b->own_done = err == EXAM_NOT_FOUND;
    if (b->own_done)
        tell_waiting(b);
    return b->own_done ? EXAM_OK : err;
}

bool branches_own_left(const struct branches *b, struct engine *e)
{
    return (!b->own_done || b->steps != exam_batch_steps(engine_exam(e))) &&
           store_branch_records(engine_store(e)) > 0;
}
