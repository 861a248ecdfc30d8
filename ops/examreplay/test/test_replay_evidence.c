/* test_replay_evidence.c - D8 against somebody who can write hashes: a chain that was made anew is
 * found by what servers had signed of it, a cut end too; what was changed, taken out, put in or
 * swapped without that is told apart; receipts are held against the log. */
#include "replay_fixture.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "chain_break.h"
#include "chance.h"
#include "codec.h"
#include "receipts.h"
#include "salvage.h"
#include "signed_command.h"
#include "stage.h"

/* A served, died, and B was promoted; B went down in order. */
#define TEXT                                                                                       \
    "nodes A B\n"                                                                                  \
    "batch B1 allot 60:00\n"                                                                       \
    "room R1 seats 2\n"                                                                            \
    "sitting 1001 batch B1 seat R1-01\n"                                                           \
    "sitting 1002 batch B1 seat R1-02\n"                                                           \
    "0:00 start B1\n"                                                                              \
    "0:00 sign-in 1001\n"                                                                          \
    "0:00 sign-in 1002\n"                                                                          \
    "0:02 answer 1001 q1 A\n"                                                                      \
    "0:05 answer 1002 q1 C\n"                                                                      \
    "0:20 node-dies A\n"                                                                           \
    "0:40 promote B attest\n"                                                                      \
    "1:00 answer 1002 q2 B\n"                                                                      \
    "1:10 grant 1001 5:00 noise\n"                                                                 \
    "2:00 battery-low B\n"

enum { B = 1, ROUNDS = 60, EPOCHS_MAX = 8 };

/* The log, and the keys of its site. */
struct site {
    store_image *image;
    uint64_t records;
    struct key_file authority, a, b;
    struct key_roster *roster;
    struct checkpoint_epoch epochs[EPOCHS_MAX];
    size_t epochs_n;
};

static uint64_t below(uint64_t *seed, uint64_t n)
{
    return chance_next(seed) % n;
}

/* ---------------------------------------------------------------- the site */

static void key_make(struct site *s, const char *name, enum key_kind kind, uint8_t number,
                     const uint8_t site_id[SITE_ID_BYTES], struct key_file *out)
{
    uint8_t chance[KEY_BYTES];
    struct key_entry e;
    memset(chance, number, sizeof chance);
    key_file_make(out, name, kind, site_id, s->authority.sign_public, chance);
    if (kind == KEY_AUTHORITY)
        return;
    key_entry_of(out, &e);
    assert_int_equal(key_roster_add(s->roster, &e), EXAM_OK);
}

static void site_take(struct site *s, const store_image *image)
{
    struct proved p;
    uint8_t site_id[SITE_ID_BYTES];
    *s = (struct site){.records = store_image_records(image, false)};
    fixture_prove(&p, image);
    assert_true(proof_holds(&p.proof));
    memcpy(site_id, exam_site_id(p.proof.reader.replay.x), sizeof site_id);
    s->epochs_n = p.proof.roles.epochs_n;
    for (size_t i = 0; i < s->epochs_n; i++)
        s->epochs[i] = (struct checkpoint_epoch){.epoch = p.proof.roles.epochs[i].epoch,
                                                 .first_lsn = p.proof.roles.epochs[i].lsn,
                                                 .tag = p.proof.roles.epochs[i].tag};
    fixture_unprove(&p);
    assert_int_equal(store_image_clone(image, &s->image), EXAM_OK);
    key_make(s, "authority", KEY_AUTHORITY, 1, site_id, &s->authority);
    assert_int_equal(key_roster_new(site_id, &s->roster), EXAM_OK);
    key_roster_next(s->roster);
    key_make(s, "A", KEY_NODE, 2, site_id, &s->a);
    key_make(s, "B", KEY_NODE, 3, site_id, &s->b);
}

static void site_begin(struct site *s)
{
    store_image *image = fixture_disk_of_text(TEXT, B);
    site_take(s, image);
    store_image_free(image);
}

static void site_end(struct site *s)
{
    key_roster_free(s->roster);
    store_image_free(s->image);
}

static const struct checkpoint_epoch *epoch_at(const struct site *s, uint64_t lsn)
{
    size_t i = s->epochs_n;
    while (i-- > 0)
        if (s->epochs[i].first_lsn <= lsn)
            return &s->epochs[i];
    return NULL;
}

static void checkpoint_of(const struct site *s, const struct key_file *k, uint64_t lsn,
                          struct checkpoint *out)
{
    const struct checkpoint_epoch *e = epoch_at(s, lsn);
    struct record r;
    assert_non_null(e);
    store_image_record_at(s->image, false, (size_t)lsn - 1, &r);
    *out = (struct checkpoint){.at = {.epoch = e->epoch, .lsn = lsn},
                               .epoch_tag = e->tag,
                               .wall_ms = 1778927415000 + (int64_t)lsn,
                               .why = CHECKPOINT_GOES_ON};
    memcpy(out->at.hash, r.hash, HASH_BYTES);
    checkpoint_sign(out, k);
}

static void keep(store *s, const struct checkpoint *c)
{
    uint8_t key[CHECKPOINT_KEY_BYTES_MAX], value[CHECKPOINT_BYTES];
    checkpoint_put(c, value);
    store_put(s, STORE_META, key, checkpoint_key(c, key), value, sizeof value);
}

/* ---------------------------------------------------------------- logs made anew */

/* What an insider makes of the log: records in another order, one changed, all of it sealed anew.
 */
struct forgery {
    uint64_t change;  /* this record's wall time; 0: none */
    uint64_t records; /* so many of them; 0: all */
};

static void append_anew(store *s, const struct record *from, const uint8_t before[HASH_BYTES],
                        bool changed, uint8_t hash[HASH_BYTES])
{
    static uint8_t value[RECORD_BYTES_MAX];
    struct record r = *from;
    r.wall_ms += changed;
    record_seal(&r, before, value);
    memcpy(hash, r.hash, HASH_BYTES);
    store_append(s, r.lsn, value, RECORD_HEADER_BYTES + r.event_bytes);
}

/* The node keeps where its epochs begin beside the log (engine.c). */
static void put_epoch(store *to, const struct checkpoint_epoch *e, const uint8_t hash[HASH_BYTES])
{
    uint8_t key[6 + 8] = "epoch/", value[8 + HASH_BYTES + 1] = {0};
    uint64_t epoch = htobe64(e->epoch), lsn = htobe64(e->first_lsn);
    memcpy(key + 6, &epoch, sizeof epoch);
    memcpy(value, &lsn, sizeof lsn);
    memcpy(value + 8, hash, HASH_BYTES);
    value[8 + HASH_BYTES] = e->epoch == 2; /* that B served itself */
    store_put(to, STORE_META, key, sizeof key, value, sizeof value);
}

/* An open store on a new image, in a transaction. */
static store *forge(const struct site *s, const struct forgery *f, store_image **out)
{
    store *to;
    uint8_t hash[HASH_BYTES] = {0};
    uint64_t n = f->records ? f->records : s->records;
    assert_int_equal(store_image_new(out), EXAM_OK);
    assert_int_equal(store_open_image(*out, &to), EXAM_OK);
    store_begin(to);
    for (uint64_t lsn = 1; lsn <= n; lsn++) {
        struct record r;
        store_image_record_at(s->image, false, (size_t)lsn - 1, &r);
        append_anew(to, &r, hash, lsn == f->change, hash);
        for (size_t i = 0; i < s->epochs_n; i++)
            if (s->epochs[i].first_lsn == lsn)
                put_epoch(to, &s->epochs[i], hash);
    }
    return to;
}

static void forged_end(store *s)
{
    store_put(s, STORE_META, CHECKPOINT_OWNER, sizeof CHECKPOINT_OWNER - 1, "B", 1);
    assert_int_equal(store_commit(s), EXAM_OK);
    store_close(s);
}

static void prove_with(struct proved *p, const store_image *image,
                       const struct evidence_given *given)
{
    struct options o = fixture_options;
    store *s;
    o.evidence = given;
    assert_int_equal(store_image_clone(image, &p->image), EXAM_OK);
    assert_int_equal(store_open_image(p->image, &s), EXAM_OK);
    proof_make_of(&p->proof, "disk", s, &o);
}

/* The first finding whose text has `words`. */
static const struct finding *found(const struct proved *p, const char *words)
{
    const struct findings *f = &p->proof.reader.findings;
    for (size_t i = 0; i < f->kept_n; i++)
        if (strstr(f->kept[i].text, words))
            return &f->kept[i];
    return NULL;
}

static const struct finding *lowest(const struct proved *p, const char *words)
{
    const struct findings *f = &p->proof.reader.findings;
    const struct finding *low = NULL;
    for (size_t i = 0; i < f->kept_n; i++)
        if (strstr(f->kept[i].text, words) && (!low || f->kept[i].lsn < low->lsn))
            low = &f->kept[i];
    return low;
}

/* A log that nobody touched holds, with all that was signed of it. */
static void test_replay_evidence__the_true_log_holds(void **state)
{
    struct site s;
    store_image *image;
    struct proved p;
    (void)state;
    site_begin(&s);
    store *to = forge(&s, &(struct forgery){.change = 0}, &image);
    for (uint64_t lsn = s.epochs[0].first_lsn; lsn <= s.records; lsn++) {
        struct checkpoint c;
        checkpoint_of(&s, lsn % 2 ? &s.a : &s.b, lsn, &c);
        keep(to, &c);
    }
    forged_end(to);
    const struct evidence_given given = {.roster = s.roster};
    prove_with(&p, image, &given);
    assert_true(proof_holds(&p.proof));
    assert_int_equal(evidence_covered(&p.proof.evidence), s.records);
    assert_int_equal(p.proof.evidence.signers_n, 2);
    assert_true(p.proof.evidence.checked);
    fixture_unprove(&p);
    store_image_free(image);
    site_end(&s);
}

/* A record is changed and all after it sealed anew: found at the first signed record from there on,
 * whoever signed it, with and without the signatures; and with every record signed, at its place.
 */
static void made_anew(const struct site *s, uint64_t *seed)
{
    uint64_t first = s->epochs[0].first_lsn, every = 1 + below(seed, 9);
    uint64_t changed = first + 1 + below(seed, s->records - first);
    uint64_t want = 0, before = 0;
    store_image *image;
    struct proved p;
    store *to = forge(s, &(struct forgery){.change = changed}, &image);
    for (uint64_t lsn = first; lsn <= s->records; lsn++) {
        struct checkpoint c;
        if ((lsn - first) % every != 0 && lsn != s->records)
            continue;
        checkpoint_of(s, below(seed, 2) ? &s->a : &s->b, lsn, &c);
        keep(to, &c);
        if (lsn < changed)
            before = lsn;
        else if (!want && epoch_at(s, lsn)->first_lsn < changed)
            want = lsn;
    }
    forged_end(to);
    const struct evidence_given given = {.roster = s->roster};
    prove_with(&p, image, below(seed, 2) ? &given : NULL);
    assert_false(proof_holds(&p.proof));
    const struct finding *f = lowest(&p, "made anew");
    char after[64];
    snprintf(after, sizeof after, "after record %llu on", (unsigned long long)before);
    if (want && (!f || f->lsn != want || !strstr(f->text, after)))
        fail_msg("changed %llu, found at %llu, not %llu: %s", (unsigned long long)changed,
                 (unsigned long long)(f ? f->lsn : 0), (unsigned long long)want, f ? f->text : "");
    if (every == 1 && want) /* every record was signed */
        assert_int_equal(f->lsn, changed);
    if (!want) /* the epoch's first record is another one: none of that epoch is known any more */
        assert_non_null(found(&p, "neither in this log nor in a dead branch"));
    fixture_unprove(&p);
    store_image_free(image);
}

static void test_replay_evidence__a_chain_made_anew(void **state)
{
    uint64_t seed = fixture_seed_of("a chain made anew");
    struct site s;
    (void)state;
    site_begin(&s);
    for (int i = 0; i < ROUNDS; i++)
        made_anew(&s, &seed);
    site_end(&s);
}

/* The folder's own checkpoints are gone, or never were: those of the other folder tell. And without
 * any the same log holds: it is these that tell. */
static void test_replay_evidence__by_the_other_folder(void **state)
{
    struct site s;
    struct checkpoint c;
    struct checkpoint_list list = {.at = &c, .n = 1, .max = 1};
    store_image *image;
    struct proved p;
    (void)state;
    site_begin(&s);
    uint64_t changed = s.epochs[1].first_lsn + 1;
    forged_end(forge(&s, &(struct forgery){.change = changed}, &image));
    prove_with(&p, image, NULL);
    assert_true(proof_holds(&p.proof));
    assert_int_equal(evidence_covered(&p.proof.evidence), 0);
    fixture_unprove(&p);
    checkpoint_of(&s, &s.a, s.records, &c);
    const struct evidence_given given = {.roster = s.roster, .checkpoints = &list};
    prove_with(&p, image, &given);
    assert_false(proof_holds(&p.proof));
    assert_int_equal(found(&p, "made anew")->lsn, s.records);
    fixture_unprove(&p);
    store_image_free(image);
    site_end(&s);
}

/* Whoever makes the chain anew cannot sign it anew. */
static void test_replay_evidence__a_forged_checkpoint(void **state)
{
    struct site s;
    struct checkpoint c;
    store_image *image;
    struct proved p;
    struct record r;
    (void)state;
    site_begin(&s);
    store *to = forge(&s, &(struct forgery){.change = s.records}, &image);
    checkpoint_of(&s, &s.b, s.records, &c);
    assert_int_equal(store_commit(to), EXAM_OK);
    store_image_record_at(image, false, (size_t)s.records - 1, &r);
    memcpy(c.at.hash, r.hash, HASH_BYTES); /* the signature is of the true one */
    store_begin(to);
    keep(to, &c);
    forged_end(to);
    const struct evidence_given given = {.roster = s.roster};
    prove_with(&p, image, &given);
    assert_int_equal(found(&p, "did not sign")->lsn, s.records);
    assert_int_equal(evidence_covered(&p.proof.evidence), 0);
    fixture_unprove(&p);
    prove_with(&p, image, NULL); /* who has no roster cannot tell, and is told that */
    assert_true(proof_holds(&p.proof));
    assert_false(p.proof.evidence.checked);
    fixture_unprove(&p);
    store_image_free(image);
    site_end(&s);
}

/* The end is cut off: this server's own word proves it; another server's shows that it has more. */
static void test_replay_evidence__a_cut_end(void **state)
{
    uint64_t seed = fixture_seed_of("a cut end");
    struct site s;
    (void)state;
    site_begin(&s);
    for (int i = 0; i < ROUNDS; i++) {
        const struct checkpoint_epoch *newest = &s.epochs[s.epochs_n - 1];
        uint64_t last = newest->first_lsn + below(&seed, s.records - newest->first_lsn);
        bool own = below(&seed, 2);
        struct checkpoint c;
        store_image *image;
        struct proved p;
        store *to = forge(&s, &(struct forgery){.records = last}, &image);
        checkpoint_of(&s, own ? &s.b : &s.a, s.records, &c);
        keep(to, &c);
        forged_end(to);
        const struct evidence_given given = {.roster = s.roster};
        prove_with(&p, image, &given);
        assert_int_equal(proof_holds(&p.proof), !own);
        assert_int_equal(p.proof.evidence.signers[0].ahead_lsn, s.records);
        if (own)
            assert_int_equal(found(&p, "cut off")->lsn, last + 1);
        fixture_unprove(&p);
        store_image_free(image);
    }
    site_end(&s);
}

/* ---------------------------------------------------------------- without new hashes */

struct order {
    uint64_t at[400]; /* which record stands where, from 0; 0: one that never was */
    uint64_t n;
};

static store_image *reordered(const struct site *s, const struct order *o)
{
    static uint8_t value[RECORD_BYTES_MAX];
    store_image *image;
    store *to;
    assert_int_equal(store_image_new(&image), EXAM_OK);
    assert_int_equal(store_open_image(image, &to), EXAM_OK);
    store_begin(to);
    for (uint64_t i = 0; i < o->n; i++) {
        struct record r;
        bool never = o->at[i] == 0;
        store_image_record_at(s->image, false, never ? 3 : (size_t)o->at[i] - 1, &r);
        memcpy(value, r.event - RECORD_HEADER_BYTES, RECORD_HEADER_BYTES + r.event_bytes);
        value[RECORD_HEADER_BYTES - 1] ^= never; /* its hash: so it is no other record either */
        store_append(to, i + 1, value, RECORD_HEADER_BYTES + r.event_bytes);
    }
    assert_int_equal(store_commit(to), EXAM_OK);
    store_close(to);
    return image;
}

static struct chain_break break_of(const store_image *image)
{
    struct proved p;
    struct chain_break b;
    fixture_prove(&p, image);
    const struct replay *r = &p.proof.reader.replay;
    char words[CHAIN_BREAK_BYTES];
    chain_break_find(p.proof.reader.s, r->lsn + 1, r->hash, &b);
    chain_break_words(&b, words);
    assert_non_null(found(&p, words)); /* the reviewer is told */
    assert_int_equal(p.proof.reader.findings.kept[0].lsn, r->lsn + 1);
    fixture_unprove(&p);
    return b;
}

static void expect_break(const struct site *s, const struct order *o, struct chain_break want)
{
    store_image *image = reordered(s, o);
    struct chain_break b = break_of(image);
    if (b.kind != want.kind || b.lsn != want.lsn || b.n != want.n || b.other_lsn != want.other_lsn)
        fail_msg("kind %d at %llu (%llu, %llu), not %d at %llu (%llu, %llu)", (int)b.kind,
                 (unsigned long long)b.lsn, (unsigned long long)b.n,
                 (unsigned long long)b.other_lsn, (int)want.kind, (unsigned long long)want.lsn,
                 (unsigned long long)want.n, (unsigned long long)want.other_lsn);
    store_image_free(image);
}

static void order_true(const struct site *s, struct order *o)
{
    assert_true(s->records + 16 < sizeof o->at / sizeof *o->at);
    o->n = s->records;
    for (uint64_t i = 0; i < o->n; i++)
        o->at[i] = i + 1;
}

/* So many records taken out, put in, or two swapped, anywhere: found there, and named. */
static void test_replay_evidence__says_what_was_done(void **state)
{
    uint64_t seed = fixture_seed_of("says what was done");
    struct site s;
    (void)state;
    site_begin(&s);
    for (int i = 0; i < ROUNDS; i++) {
        struct order o;
        uint64_t n = 1 + below(&seed, 5), lsn = 2 + below(&seed, s.records - n - 4);
        order_true(&s, &o);
        memmove(&o.at[lsn - 1], &o.at[lsn - 1 + n], (o.n - (lsn - 1 + n)) * sizeof *o.at);
        o.n -= n;
        expect_break(&s, &o, (struct chain_break){.kind = BREAK_REMOVED, .lsn = lsn, .n = n});

        order_true(&s, &o);
        memmove(&o.at[lsn - 1 + n], &o.at[lsn - 1], (o.n - (lsn - 1)) * sizeof *o.at);
        memset(&o.at[lsn - 1], 0, n * sizeof *o.at);
        o.n += n;
        expect_break(&s, &o, (struct chain_break){.kind = BREAK_INSERTED, .lsn = lsn, .n = n});

        order_true(&s, &o);
        o.at[lsn - 1] = lsn + n;
        o.at[lsn + n - 1] = lsn;
        expect_break(&s, &o,
                     (struct chain_break){.kind = BREAK_SWAPPED, .lsn = lsn, .other_lsn = lsn + n});

        order_true(&s, &o);
        o.at[lsn - 1] = 0;
        store_image *image = reordered(&s, &o);
        assert_int_equal(break_of(image).kind, BREAK_UNKNOWN); /* what follows does not fit it */
        store_image_free(image);
    }
    site_end(&s);
}

/* One byte of a record's content: that one, or the one before it, was changed. */
static void test_replay_evidence__a_changed_byte(void **state)
{
    uint64_t seed = fixture_seed_of("a changed byte");
    struct site s;
    (void)state;
    site_begin(&s);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t lsn = 2 + below(&seed, s.records - 2);
        assert_int_equal(store_image_rot(s.image, lsn, 8, 1), EXAM_OK); /* of at_ms */
        struct chain_break b = break_of(s.image);
        assert_int_equal(b.kind, BREAK_CHANGED);
        assert_int_equal(b.lsn, lsn);
        assert_int_equal(store_image_rot(s.image, lsn, 8, 1), EXAM_OK);
    }
    site_end(&s);
}

/* ---------------------------------------------------------------- dead branches */

static void take_first_disk(void *ctx, struct stage *s)
{
    assert_int_equal(store_image_clone(world_disk(s->w, 0), (store_image **)ctx), EXAM_OK);
}

/* What was signed of a branch that died is no contradiction where the branch is kept; a record of
 * it that is not what was signed is told. */
static void test_replay_evidence__dead_branches(void **state)
{
    struct site s;
    store_image *image;
    struct proved p;
    struct record r;
    (void)state;
    fixture_play_file("08-moved-seat-and-dead-branch.drill", take_first_disk, &image);
    site_take(&s, image);
    assert_true(store_image_records(image, true) > 0);
    store_image_record_at(image, true, 0, &r);
    const struct checkpoint_epoch *e = epoch_at(&s, r.lsn - 1);
    assert_int_equal(e->epoch, r.epoch);
    for (int changed = 0; changed < 2; changed++) {
        struct checkpoint c = {
            .at = {.epoch = r.epoch, .lsn = r.lsn}, .epoch_tag = e->tag, .why = CHECKPOINT_GOES_ON};
        struct checkpoint_list list = {.at = &c, .n = 1, .max = 1};
        const struct evidence_given given = {.roster = s.roster, .checkpoints = &list};
        memcpy(c.at.hash, r.hash, HASH_BYTES);
        /* Beyond what the log tells of the branch, or another record than the branch has. */
        c.at.lsn += changed ? 100000 : 0;
        checkpoint_sign(&c, &s.a);
        prove_with(&p, image, &given);
        assert_int_equal(proof_holds(&p.proof), !changed);
        if (changed)
            assert_non_null(found(&p, "neither in this log nor in a dead branch"));
        else
            assert_int_equal(p.proof.evidence.signers[0].dead, 1);
        fixture_unprove(&p);
    }
    store_image_free(image);
    site_end(&s);
}

/* ---------------------------------------------------------------- acts */

/* R4: an act counts as its person's when they have signed it, for that node and that connection. */
static void test_replay_evidence__signed_acts(void **state)
{
    struct site s;
    struct key_file li;
    struct key_entry entry;
    uint8_t chance[KEY_BYTES] = {7}, nonce[SIGN_NONCE_BYTES] = {1}, tail[SIGNED_TAIL_BYTES];
    char who[] = "li", node[] = "A", request[] = "pause R1";
    struct record r = {.lsn = 9};
    Ev__Event event = EV__EVENT__INIT;
    Ev__CommandSigned c = EV__COMMAND_SIGNED__INIT;
    const struct replay_record at = {.r = &r, .event = &event};
    struct evidence e = {.acts = 0};
    struct findings f = {.n = 0};
    (void)state;
    site_begin(&s);
    key_file_make(&li, who, KEY_PERSON, key_roster_site(s.roster), s.authority.sign_public, chance);
    key_entry_of(&li, &entry);
    entry.role = KEY_ROLE_ADMINISTRATOR;
    assert_int_equal(key_roster_add(s.roster, &entry), EXAM_OK);
    const struct signed_command words = {.node = node,
                                         .nonce = nonce,
                                         .request = (uint8_t *)request,
                                         .request_bytes = sizeof request};
    signed_command_sign(&words, &li, tail);
    event.kind_case = EV__EVENT__KIND_COMMAND_SIGNED;
    event.command_signed = &c;
    c.who = who;
    c.node = node;
    c.key = (ProtobufCBinaryData){.data = li.sign_public, .len = KEY_BYTES};
    c.nonce = (ProtobufCBinaryData){.data = nonce, .len = sizeof nonce};
    c.request = (ProtobufCBinaryData){.data = (uint8_t *)request, .len = sizeof request};
    c.signature = (ProtobufCBinaryData){.data = tail + SIGNED_TAIL_BYTES - KEY_SIGNATURE_BYTES,
                                        .len = KEY_SIGNATURE_BYTES};
    const struct evidence_given given = {.roster = s.roster};
    evidence_act(&e, &given, &at, &f);
    assert_int_equal(e.acts, 1);
    assert_int_equal(f.n, 0);
    request[6] = 'X';
    evidence_act(&e, &given, &at, &f);
    request[6] = 'R';
    who[0] = 'b';
    evidence_act(&e, &given, &at, &f);
    assert_int_equal(e.acts, 1);
    assert_int_equal(f.n, 2);
    assert_non_null(strstr(f.kept[0].text, "the signature is none"));
    assert_non_null(strstr(f.kept[1].text, "no such key"));
    assert_int_equal(f.kept[0].lsn, 9);
    site_end(&s);
}

/* ---------------------------------------------------------------- receipts */

struct issuing {
    const struct site *s;
    uint64_t lsn;
    struct receipt *out;
};

static void issue(void *ctx, const struct replay *p, const struct replay_record *at)
{
    struct issuing *i = ctx;
    uint32_t sitting;
    if (at->r->lsn != i->lsn)
        return;
    assert_int_equal(exam_find_sitting(p->x, "1002", &sitting), EXAM_OK);
    receipt_of_sitting(p->x, sitting, at->r, i->out);
    receipt_sign(i->out, &i->s->b);
}

static void receipt_at(const struct site *s, uint64_t lsn, struct receipt *out)
{
    volatile uint64_t reached;
    struct findings findings = {.n = 0};
    struct replay p;
    struct issuing i = {.s = s, .lsn = lsn, .out = out};
    const struct replay_hooks h = {.ctx = &i, .seen = issue};
    store_image *copy;
    store *from;
    assert_int_equal(store_image_clone(s->image, &copy), EXAM_OK);
    assert_int_equal(store_open_image(copy, &from), EXAM_OK);
    replay_open(&p, from, &findings, &reached);
    assert_int_equal(replay_to(&p, lsn, &h), EXAM_OK);
    replay_close(&p);
    store_close(from);
    store_image_free(copy);
}

/* NULL: it is good; else what is said of it. */
static const char *held(const struct site *s, const store_image *image,
                        const struct receipt_claim *c)
{
    static char words[FINDING_BYTES];
    const struct evidence_given given = {.roster = s->roster, .claims = c, .claims_n = 1};
    struct proved p;
    prove_with(&p, image, &given);
    bool good = p.proof.evidence.receipts[0].good;
    assert_int_equal(proof_holds(&p.proof), good);
    snprintf(words, sizeof words, "%s", p.proof.evidence.receipts[0].words);
    fixture_unprove(&p);
    return good ? NULL : words;
}

static void expect_held(const struct site *s, const struct receipt *r, const char *want)
{
    const struct receipt_claim c = {.name = "r", .r = *r};
    const char *words = held(s, s->image, &c);
    if (want ? !words || !strstr(words, want) : words != NULL)
        fail_msg("said: %s", words ? words : "good");
}

/* Receipts of any record hold; forged ones, those of another sitting or log, and altered ones do
 * not, and each is told apart. */
static void test_replay_evidence__receipts(void **state)
{
    struct site s;
    struct receipt r, other;
    (void)state;
    site_begin(&s);
    receipt_at(&s, s.records, &r);
    assert_int_equal(r.answers, 2);
    expect_held(&s, &r, NULL);
    receipt_at(&s, s.records - 3, &other);
    expect_held(&s, &other, NULL);
    other = r;
    other.answers++;
    expect_held(&s, &other, "not signed by server B");
    receipt_sign(&other, &s.b); /* by a server that lies */
    expect_held(&s, &other, "another number of answers");
    other = r;
    other.digest[5] ^= 1;
    receipt_sign(&other, &s.b);
    expect_held(&s, &other, "other answers");
    other = r;
    strcpy(other.candidate, "1001");
    receipt_sign(&other, &s.b);
    expect_held(&s, &other, "the log has another number of answers");
    strcpy(other.candidate, "9999");
    receipt_sign(&other, &s.b);
    expect_held(&s, &other, "knows no candidate 9999");
    other = r;
    other.chain[0] ^= 1;
    receipt_sign(&other, &s.b);
    expect_held(&s, &other, "another record there");
    other = r;
    other.lsn = s.records + 5;
    receipt_sign(&other, &s.b);
    expect_held(&s, &other, "the log ends with record");
    other = r;
    other.site_id[0] ^= 1;
    expect_held(&s, &other, "another site");
    site_end(&s);
}

/* A receipt of a dead branch holds as long as the log has the answers. */
static void test_replay_evidence__a_receipt_of_a_dead_branch(void **state)
{
    struct site s;
    struct receipt r;
    (void)state;
    site_begin(&s);
    receipt_at(&s, s.records, &r);
    r.epoch = 1;
    r.lsn = s.records - 2;
    r.chain[0] ^= 1;
    receipt_sign(&r, &s.a);
    expect_held(&s, &r, NULL);
    r.digest[0] ^= 1;
    receipt_sign(&r, &s.a);
    expect_held(&s, &r, "the log has other answers");
    site_end(&s);
}

/* What is typed off a printed one: candidate, record, check. */
static void test_replay_evidence__a_typed_receipt(void **state)
{
    struct site s;
    struct receipt r;
    struct receipt_claim c;
    char check[RECEIPT_CHECK_BYTES], text[80];
    (void)state;
    site_begin(&s);
    receipt_at(&s, s.records, &r);
    receipt_check(&r, check);
    snprintf(text, sizeof text, "1002:%llu:%s", (unsigned long long)r.lsn, check);
    assert_int_equal(receipt_claim_parse(text, &c), EXAM_OK);
    assert_null(held(&s, s.image, &c));
    check[13] = check[13] == '0' ? '2' : '0';
    snprintf(text, sizeof text, "1002:%llu:%s", (unsigned long long)r.lsn, check);
    assert_int_equal(receipt_claim_parse(text, &c), EXAM_OK);
    assert_non_null(strstr(held(&s, s.image, &c), "mistyped"));
    snprintf(text, sizeof text, "1002:%llu:%s", (unsigned long long)s.records + 1, check);
    assert_int_equal(receipt_claim_parse(text, &c), EXAM_OK);
    assert_non_null(strstr(held(&s, s.image, &c), "the log ends"));
    static const char *const none[] = {
        "",         ":",    "1002",     "1002:5",
        "1002:x:A", ":5:A", "1002:0:A", "1002:5:0123456789012345678901234567890123456789"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(receipt_claim_parse(none[i], &c), EXAM_MALFORMED);
    site_end(&s);
}

/* ---------------------------------------------------------------- salvaged */

enum { DAMAGED = 12 }; /* the record that is damaged in every file */

/* Turns a byte of that record's own hash wherever the file has it. */
static void damage(const struct site *s, const char *folder)
{
    char path[FIXTURE_PATH_BYTES + 16];
    struct record r;
    static uint8_t bytes[1 << 22];
    store_image_record_at(s->image, false, DAMAGED - 1, &r);
    snprintf(path, sizeof path, "%s/data.mdb", folder);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof bytes, f), found_n = 0;
    for (uint8_t *at = bytes; (at = memmem(at, n - (size_t)(at - bytes), r.event, r.event_bytes));
         at++, found_n++)
        at[-1] ^= 1;
    assert_true(found_n > 0);
    rewind(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* A damaged folder of such a log, with those checkpoints of the true one. */
static void folder_make(const struct site *s, const struct forgery *f,
                        const struct checkpoint *kept, size_t kept_n,
                        char folder[FIXTURE_PATH_BYTES])
{
    store_image *image;
    store *to = forge(s, f, &image);
    for (size_t i = 0; i < kept_n; i++)
        keep(to, &kept[i]);
    forged_end(to);
    fixture_folder_make(image, folder);
    store_image_free(image);
    damage(s, folder);
}

static void no_step(void *ctx, uint64_t pages)
{
    (void)ctx;
    (void)pages;
}

static void look_through(struct salvage *v, const char *folder)
{
    char path[FIXTURE_PATH_BYTES + 16];
    snprintf(path, sizeof path, "%s/data.mdb", folder);
    assert_int_equal(salvage_add(v, path, no_step, NULL), EXAM_OK);
}

/* What is left after the damaged record. */
static void fragment_after(struct salvage *v, const struct key_roster *roster,
                           struct salvage_fragment *out)
{
    salvage_sort(v);
    salvage_signed_settle(&v->checkpoints, roster);
    assert_true(salvage_fragment(v, 0, DAMAGED + 1, out));
    assert_int_equal(out->first_lsn, DAMAGED + 1);
}

/* D8: after a gap, what reaches a signed record is proven by the signature; the first record, whose
 * hash is reckoned from one that is missing, only when that one was signed, too. */
static void test_replay_evidence__a_fragment_is_proven_by_a_signature(void **state)
{
    static struct salvage v;
    struct site s;
    struct checkpoint c[2];
    struct salvage_fragment f;
    char folder[FIXTURE_PATH_BYTES];
    uint64_t first, last;
    (void)state;
    site_begin(&s);
    for (size_t kept_n = 0; kept_n <= 2; kept_n++) {
        checkpoint_of(&s, &s.a, s.records - 3, &c[0]);
        checkpoint_of(&s, &s.b, DAMAGED, &c[1]);
        folder_make(&s, &(struct forgery){.change = 0}, c, kept_n, folder);
        v = (struct salvage){.files_n = 0};
        look_through(&v, folder);
        fragment_after(&v, s.roster, &f);
        assert_int_equal(f.last_lsn, s.records);
        assert_int_equal(salvage_fragment_proven(&f, &first, &last), kept_n > 0);
        if (kept_n > 0) {
            assert_int_equal(first, kept_n == 1 ? DAMAGED + 2 : DAMAGED + 1);
            assert_int_equal(last, s.records - 3);
            assert_string_equal(f.reaches->node, "A");
        }
        assert_int_equal(v.checkpoints.n, kept_n);
        salvage_fini(&v);
        fixture_folder_remove(folder);
    }
    site_end(&s);
}

/* Of two stretches at the same place the signed one is taken, though the forged one is longer, and
 * has a checkpoint that nobody of the site has signed. Without the roster nobody can know. */
static void test_replay_evidence__a_longer_forged_fragment(void **state)
{
    static struct salvage v;
    struct site s;
    struct checkpoint c, bad;
    struct salvage_fragment f;
    char folder[2][FIXTURE_PATH_BYTES];
    uint64_t first, last;
    (void)state;
    site_begin(&s);
    checkpoint_of(&s, &s.a, s.records - 5, &c);
    checkpoint_of(&s, &s.b, s.records - 1, &bad);
    bad.at.hash[0] ^= 1;
    folder_make(&s, &(struct forgery){.records = s.records - 4}, &c, 1, folder[0]);
    folder_make(&s, &(struct forgery){.change = DAMAGED + 1}, &bad, 1, folder[1]);
    for (int with = 0; with < 2; with++) {
        v = (struct salvage){.files_n = 0};
        look_through(&v, folder[0]);
        look_through(&v, folder[1]);
        fragment_after(&v, with ? s.roster : NULL, &f);
        assert_int_equal(f.last_lsn, with ? s.records - 4 : s.records);
        assert_int_equal(salvage_fragment_proven(&f, &first, &last), with);
        assert_int_equal(v.checkpoints.forged, with);
        assert_int_equal(v.checkpoints.n, with ? 1 : 2);
        salvage_fini(&v);
    }
    fixture_folder_remove(folder[0]);
    fixture_folder_remove(folder[1]);
    site_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay_evidence__the_true_log_holds),
        cmocka_unit_test(test_replay_evidence__a_chain_made_anew),
        cmocka_unit_test(test_replay_evidence__by_the_other_folder),
        cmocka_unit_test(test_replay_evidence__a_forged_checkpoint),
        cmocka_unit_test(test_replay_evidence__a_fragment_is_proven_by_a_signature),
        cmocka_unit_test(test_replay_evidence__a_longer_forged_fragment),
        cmocka_unit_test(test_replay_evidence__a_cut_end),
        cmocka_unit_test(test_replay_evidence__says_what_was_done),
        cmocka_unit_test(test_replay_evidence__a_changed_byte),
        cmocka_unit_test(test_replay_evidence__dead_branches),
        cmocka_unit_test(test_replay_evidence__signed_acts),
        cmocka_unit_test(test_replay_evidence__receipts),
        cmocka_unit_test(test_replay_evidence__a_receipt_of_a_dead_branch),
        cmocka_unit_test(test_replay_evidence__a_typed_receipt),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
