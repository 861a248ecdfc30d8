/* Enrolling by a code, between two ends with a wire that a test may change, keep and play again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "enrol.h"
#include "seed.h"
#include "site_keys.h"

enum { NOW_MS = 1000, UNTIL_MS = NOW_MS + 1800000, NONSENSE_ROUNDS = 2400 };

struct wire {
    uint8_t bytes[ENROL_REPLY_BYTES_MAX];
    size_t n;
};

/* One machine and one connection of the site. */
struct run {
    struct enrol_machine machine;
    struct enrol_site site;
    struct wire to_site, to_machine;
    enum enrol_step site_step, machine_step;
    exam_err site_err, machine_err;
};

static struct fixture {
    struct site_keys keys;
    struct enrol_book book;
    const struct enrol_entry *entry; /* R01-07's */
    uint64_t chance;
    char *roster;
    size_t roster_bytes;
} f;

static void chance_fill(uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)chance_next(&f.chance);
}

static int setup(void **state)
{
    static const struct fixture none;
    uint8_t chance[ENROL_SECRET_BYTES + 2];

    (void)state;
    f = none;
    site_keys_init(&f.keys, 4);
    f.chance = seed_of_run("test_enrol");
    chance_fill(chance, sizeof chance);
    assert_int_equal(enrol_book_add(&f.book, "R01-07", UNTIL_MS, chance, &f.entry), EXAM_OK);
    return key_roster_format(f.keys.roster, &f.keys.authority, &f.roster, &f.roster_bytes);
}

static int teardown(void **state)
{
    (void)state;
    free(f.roster);
    site_keys_fini(&f.keys);
    return 0;
}

/* ---------------------------------------------------------------- one run, step by step */

static void begin(struct run *r, const struct enrol_code *code, uint8_t seed_of)
{
    uint8_t seed[KEY_BYTES], chance[ENROL_CHANCE_BYTES];

    memset(r, 0, sizeof *r);
    memset(seed, seed_of, sizeof seed);
    chance_fill(chance, sizeof chance);
    r->site.book = &f.book;
    enrol_machine_begin(&r->machine, code, seed, chance, r->to_site.bytes, &r->to_site.n);
}

static void site_hears(struct run *r, uint64_t now_ms)
{
    uint8_t chance[CPACE_CHANCE_BYTES];

    chance_fill(chance, sizeof chance);
    r->site_err = enrol_site_take(&r->site, now_ms, chance, r->to_site.bytes, r->to_site.n,
                                  r->to_machine.bytes, &r->to_machine.n, &r->site_step);
    r->to_site.n = 0;
}

static void machine_hears(struct run *r)
{
    const uint8_t *part;
    size_t part_bytes;

    r->machine_err =
        enrol_machine_take(&r->machine, r->to_machine.bytes, r->to_machine.n, r->to_site.bytes,
                           &r->to_site.n, &part, &part_bytes, &r->machine_step);
    r->to_machine.n = 0;
}

/* As far as the machine has said its keys. */
static void run_to_keys(struct run *r, const struct enrol_code *code, uint8_t seed_of)
{
    begin(r, code, seed_of);
    site_hears(r, NOW_MS);
    assert_int_equal(r->site_err, EXAM_OK);
    machine_hears(r);
    assert_int_equal(r->machine_err, EXAM_OK);
    assert_true(r->to_site.n > 0);
}

static void run_whole(struct run *r, const struct enrol_code *code, uint8_t seed_of)
{
    size_t at = 0;

    run_to_keys(r, code, seed_of);
    site_hears(r, NOW_MS);
    assert_int_equal(r->site_err, EXAM_OK);
    assert_int_equal(r->site_step, ENROL_LETS_IN);
    enrol_site_welcome(&r->site, &f.keys.authority, (uint32_t)f.roster_bytes, r->to_machine.bytes,
                       &r->to_machine.n);
    machine_hears(r);
    assert_int_equal(r->machine_err, EXAM_OK);
    assert_int_equal(r->machine_step, ENROL_LETS_IN);
    while (at < f.roster_bytes) {
        enrol_site_roster(f.roster, f.roster_bytes, &at, r->to_machine.bytes, &r->to_machine.n);
        machine_hears(r);
        assert_int_equal(r->machine_err, EXAM_OK);
    }
    assert_int_equal(r->machine_step, ENROL_DONE);
    enrol_machine_stored(&r->machine, r->to_site.bytes, &r->to_site.n);
    site_hears(r, NOW_MS);
    assert_int_equal(r->site_err, EXAM_OK);
    assert_int_equal(r->site_step, ENROL_DONE);
}

static struct enrol_code wrong_code(void)
{
    struct enrol_code c = f.entry->code;

    c.secret[0] = c.secret[0] == '7' ? '8' : '7';
    return c;
}

/* ---------------------------------------------------------------- CPace */

/* The vector of draft-irtf-cfrg-cpace-14 and later for ristretto255 and SHA-512 (appendix B.3). */
static void test_cpace__gives_the_published_key(void **state)
{
    static const uint8_t secret[] = "Password", channel[] = "\nAinitiator\nBresponder";
    static const char *const hex[] = {
        "da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4ff0976d08",
        "d2316b454718c35362d83d69df6320f38578ed5984651435e2949762d900b80d",
        "383a85dd236978f17f8c8545b50dabc52a39fcdab2cf8bc531ce040ff77ca82d",
        "a6206309c0e8e5f579295e35997ac4300ab3fecec3c17f7b604f3e698fa1383c",
        "e91ccb2c0f5e0d0993a33956e3be59754f3f2b07db57631f5394452ea2e7b435"
        "4674eb1f5686c078462bf83bec72e8743df440108e638f3526d9b90e85be096f",
    };
    static const uint8_t session[CPACE_SESSION_BYTES] = {0x7e, 0x4b, 0x47, 0x91, 0xd6, 0xa8,
                                                         0xef, 0x01, 0x9b, 0x93, 0x6c, 0x79,
                                                         0xfb, 0x7f, 0x2c, 0x57};
    struct cpace_terms t = {.secret = secret,
                            .secret_bytes = sizeof secret - 1,
                            .channel = channel,
                            .channel_bytes = sizeof channel - 1};
    uint8_t chance[2][CPACE_CHANCE_BYTES] = {{0}, {0}}, want[64], key[CPACE_KEY_BYTES];
    struct cpace_said said[2] = {{.more = (const uint8_t *)"ADa", .more_bytes = 3},
                                 {.more = (const uint8_t *)"ADb", .more_bytes = 3}};
    struct cpace c[2];

    (void)state;
    memcpy(t.session, session, sizeof session);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(sodium_hex2bin(chance[i], 32, hex[i], 64, NULL, NULL, NULL), 0);
        cpace_begin(&c[i], &t, chance[i], said[i].share);
        assert_int_equal(sodium_hex2bin(want, 32, hex[2 + i], 64, NULL, NULL, NULL), 0);
        assert_memory_equal(said[i].share, want, 32);
    }
    assert_int_equal(sodium_hex2bin(want, 64, hex[4], 128, NULL, NULL, NULL), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(cpace_key(&c[i], &said[0], &said[1], &said[1 - i], key), EXAM_OK);
        assert_memory_equal(key, want, sizeof key);
    }
}

/* A share that is no point, or the point that gives everybody the same key, is refused. */
static void test_cpace__refuses_bad_shares(void **state)
{
    static const char bad[] = "2b3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c";
    struct cpace_terms t = {.secret = (const uint8_t *)"x", .secret_bytes = 1};
    struct cpace_said mine = {.more_bytes = 0}, theirs = mine;
    uint8_t chance[CPACE_CHANCE_BYTES] = {7}, key[CPACE_KEY_BYTES];
    struct cpace c;

    (void)state;
    t.channel = t.secret;
    cpace_begin(&c, &t, chance, mine.share);
    assert_int_equal(cpace_key(&c, &mine, &theirs, &theirs, key), EXAM_INVALID);
    assert_int_equal(sodium_hex2bin(theirs.share, 32, bad, 64, NULL, NULL, NULL), 0);
    assert_int_equal(cpace_key(&c, &mine, &theirs, &theirs, key), EXAM_INVALID);
    assert_int_equal(cpace_key(&c, &mine, &mine, &mine, key), EXAM_OK);
}

/* ---------------------------------------------------------------- codes */

/* A code reads as it is shown, however it is typed; what is no code is none. */
static void test_enrol_code__is_read_as_typed(void **state)
{
    static const char *const none[] = {
        "", "4K79Q-F2MX", "4K79Q-F2MXDD", "4K79U-F2MXD", "4K79Q-F2M?D", "4K79Q\tF2MXD"};
    char text[ENROL_CODE_TEXT_BYTES], small[ENROL_CODE_TEXT_BYTES + 4];
    struct enrol_code c;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint8_t chance[ENROL_SECRET_BYTES];
        struct enrol_code made;
        chance_fill(chance, sizeof chance);
        enrol_code_make((uint16_t)(chance_next(&f.chance) % ENROL_SLOTS), chance, &made);
        enrol_code_text(&made, text);
        assert_int_equal(strlen(text), ENROL_CODE_SYMBOLS + 1);
        snprintf(small, sizeof small, " %s ", text);
        for (char *at = small; *at != '\0'; at++) {
            *at = *at == '1' ? 'l' : *at == '0' ? 'o' : *at;
            *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
        }
        assert_int_equal(enrol_code_parse(small, &c), EXAM_OK);
        assert_int_equal(c.slot, made.slot);
        assert_memory_equal(c.secret, made.secret, sizeof c.secret);
    }
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(enrol_code_parse(none[i], &c), EXAM_INVALID);
}

/* Each code has a number of its own, also when chance would give them one. */
static void test_enrol_book__numbers_differ(void **state)
{
    static const uint8_t chance[ENROL_SECRET_BYTES + 2] = {1, 2, 3};
    const struct enrol_entry *e;

    (void)state;
    for (size_t i = 1; i < ENROL_CODES_MAX; i++) {
        assert_int_equal(enrol_book_add(&f.book, "R01-08", UNTIL_MS, chance, &e), EXAM_OK);
        for (size_t k = 0; k + 1 < f.book.n; k++)
            assert_int_not_equal(f.book.entries[k].code.slot, e->code.slot);
    }
    assert_int_equal(enrol_book_add(&f.book, "R01-08", UNTIL_MS, chance, &e), EXAM_FULL);
    assert_int_equal(enrol_book_open(&f.book, NOW_MS), ENROL_CODES_MAX);
    assert_int_equal(enrol_book_open(&f.book, UNTIL_MS), 0);
}

/* ---------------------------------------------------------------- enrolling */

/* The machine has its name, the site and the roster, the site its public keys, and no secret has
 * been on the wire. */
static void test_enrol__a_machine_gets_its_name(void **state)
{
    static struct run r;
    struct key_file k;
    uint8_t seed[KEY_BYTES];

    (void)state;
    run_whole(&r, &f.entry->code, 9);
    memset(seed, 9, sizeof seed);
    key_file_make(&k, "R01-07", KEY_SEAT, f.keys.authority.site_id, f.keys.authority.authority,
                  seed);
    assert_memory_equal(&r.machine.own, &k, sizeof k);
    assert_memory_equal(f.entry->public, k.pair.public, KEY_BYTES);
    assert_memory_equal(f.entry->sign_public, k.sign_public, KEY_BYTES);
    assert_int_equal(f.entry->state, ENROL_STORED);
    assert_int_equal(enrol_book_open(&f.book, NOW_MS), 0);
}

/* A wrong code is found out at the machine's keys. After so many the code is void, for the machine
 * that knows it, too. */
static void test_enrol__wrong_tries_void_the_code(void **state)
{
    static struct run r;
    struct enrol_code wrong = wrong_code();

    (void)state;
    for (int i = 0; i < ENROL_TRIES; i++) {
        run_to_keys(&r, &wrong, 3);
        site_hears(&r, NOW_MS);
        assert_int_equal(r.site_err, EXAM_AUTH);
        machine_hears(&r);
        assert_int_equal(r.machine_err, EXAM_AUTH);
        assert_int_equal(f.entry->state, i < ENROL_TRIES - 1 ? ENROL_OPEN : ENROL_VOID);
    }
    begin(&r, &f.entry->code, 3);
    site_hears(&r, NOW_MS);
    assert_int_equal(r.site_err, EXAM_NOT_FOUND);
    machine_hears(&r);
    assert_int_equal(r.machine_err, EXAM_AUTH);
}

/* Many connections at once are no way around the count: each of them is weighed at its end. */
static void test_enrol__parallel_tries_are_counted(void **state)
{
    static struct run r[ENROL_TRIES + 1];
    struct enrol_code wrong = wrong_code();

    (void)state;
    for (int i = 0; i < ENROL_TRIES; i++)
        run_to_keys(&r[i], &wrong, 3);
    run_to_keys(&r[ENROL_TRIES], &f.entry->code, 3);
    for (int i = 0; i <= ENROL_TRIES; i++)
        site_hears(&r[i], NOW_MS);
    assert_int_equal(f.entry->state, ENROL_VOID);
    assert_int_equal(r[ENROL_TRIES].site_err, EXAM_NOT_FOUND);
}

/* Its time is over: before the run, and in the middle of it. */
static void test_enrol__a_code_expires(void **state)
{
    static struct run r;

    (void)state;
    run_to_keys(&r, &f.entry->code, 3);
    site_hears(&r, UNTIL_MS);
    assert_int_equal(r.site_err, EXAM_NOT_FOUND);
    begin(&r, &f.entry->code, 3);
    site_hears(&r, UNTIL_MS);
    assert_int_equal(r.site_err, EXAM_NOT_FOUND);
    run_whole(&r, &f.entry->code, 3);
}

/* A code is for one machine. That one may ask again while it has not said that it has its key. */
static void test_enrol__a_code_is_for_one_machine(void **state)
{
    static struct run r;

    (void)state;
    run_to_keys(&r, &f.entry->code, 3);
    site_hears(&r, NOW_MS);
    assert_int_equal(r.site_step, ENROL_LETS_IN);
    run_to_keys(&r, &f.entry->code, 4);
    site_hears(&r, NOW_MS);
    assert_int_equal(r.site_err, EXAM_NOT_FOUND);
    run_whole(&r, &f.entry->code, 3);
    begin(&r, &f.entry->code, 3);
    site_hears(&r, NOW_MS);
    assert_int_equal(r.site_err, EXAM_NOT_FOUND);
}

/* What was recorded of a run that came to something says nothing in another one. */
static void test_enrol__a_replay_comes_to_nothing(void **state)
{
    static struct run r, again;
    struct wire said_first, said_keys;
    const struct enrol_entry *other;
    static const uint8_t chance[ENROL_SECRET_BYTES + 2] = {1, 2, 3};

    (void)state;
    assert_int_equal(enrol_book_add(&f.book, "R01-08", UNTIL_MS, chance, &other), EXAM_OK);
    begin(&r, &other->code, 5);
    said_first = r.to_site;
    site_hears(&r, NOW_MS);
    machine_hears(&r);
    said_keys = r.to_site;

    memset(&again, 0, sizeof again);
    again.site.book = &f.book;
    again.to_site = said_first;
    site_hears(&again, NOW_MS);
    assert_int_equal(again.site_err, EXAM_OK);
    again.to_site = said_keys;
    site_hears(&again, NOW_MS);
    assert_int_equal(again.site_err, EXAM_AUTH);
    assert_int_equal(other->wrong, 1);
    assert_int_equal(other->state, ENROL_OPEN);
}

/* In the middle, without the code: with the machine it can speak as the site only under a code of
 * its own, and then neither reads the machine's keys nor gets one of its own in. */
static void test_enrol__who_is_in_between_gets_nowhere(void **state)
{
    static struct run r, own;
    static struct enrol_book theirs;
    const struct enrol_entry *e;
    static const uint8_t chance[ENROL_SECRET_BYTES + 2] = {1, 2, 3};
    uint8_t site_chance[CPACE_CHANCE_BYTES];

    (void)state;
    memset(&theirs, 0, sizeof theirs);
    assert_int_equal(enrol_book_add(&theirs, "R01-07", UNTIL_MS, chance, &e), EXAM_OK);
    theirs.entries[0].code.slot = f.entry->code.slot; /* this much it has heard */
    begin(&r, &f.entry->code, 3);
    r.site.book = &theirs;
    site_hears(&r, NOW_MS);
    assert_int_equal(r.site_err, EXAM_OK);
    machine_hears(&r);
    site_hears(&r, NOW_MS);
    assert_int_equal(r.site_err, EXAM_AUTH); /* it cannot read them */
    r.site.stage = SITE_LETS_IN;             /* and goes on as if it could */
    enrol_site_welcome(&r.site, &f.keys.authority, 100, r.to_machine.bytes, &r.to_machine.n);
    machine_hears(&r);
    assert_int_equal(r.machine_err, EXAM_AUTH);

    /* It passes on what both say, but for the keys. */
    run_to_keys(&own, &f.entry->code, 3);
    own.machine.seal.of_machine[0] ^= 1; /* of a run that it is in: another key */
    own.machine.stage = MACHINE_BEGUN;
    chance_fill(site_chance, sizeof site_chance);
    own.to_site.bytes[own.to_site.n - 1] ^= 1;
    site_hears(&own, NOW_MS);
    assert_int_equal(own.site_err, EXAM_AUTH);
    assert_int_equal(f.entry->state, ENROL_OPEN);
}

/* Whatever byte is changed on the way, in whichever message: nobody is let in under it, and nobody
 * goes by another name. */
static void test_enrol__no_changed_byte_goes_unnoticed(void **state)
{
    static struct run r;

    (void)state;
    for (int message = 0; message < 4; message++)
        for (size_t at = 0;; at++) {
            f.book.entries[0].state = ENROL_OPEN;
            f.book.entries[0].wrong = 0;
            begin(&r, &f.entry->code, 3);
            struct wire *w = message % 2 == 0 ? &r.to_site : &r.to_machine;
            if (message > 0)
                site_hears(&r, NOW_MS);
            if (message > 1)
                machine_hears(&r);
            if (message > 2) {
                site_hears(&r, NOW_MS);
                enrol_site_welcome(&r.site, &f.keys.authority, 100, w->bytes, &w->n);
            }
            if (at == w->n)
                break;
            w->bytes[at] ^= (uint8_t)(1 + chance_next(&f.chance) % 255);
            if (message == 0)
                site_hears(&r, NOW_MS);
            if (message <= 1 && r.site_err == EXAM_OK)
                machine_hears(&r);
            if (message <= 2 && r.site_err == EXAM_OK && r.machine_err == EXAM_OK)
                site_hears(&r, NOW_MS);
            if (message == 3)
                machine_hears(&r);
            assert_true(r.site_err != EXAM_OK || r.machine_err != EXAM_OK);
            assert_true(message == 3 || f.entry->state == ENROL_OPEN);
        }
}

/* Messages out of turn, cut off, too long or of another kind are refused, and nothing is read that
 * is not there. */
static void test_enrol__nonsense_is_refused(void **state)
{
    static struct run r;
    struct wire begin_again;

    (void)state;
    for (int i = 0; i < NONSENSE_ROUNDS; i++) {
        if (i % 4 == 0)
            begin(&r, &f.entry->code, 3);
        else
            run_to_keys(&r, &f.entry->code, 3);
        begin_again = r.to_site;
        struct wire *w = i % 2 == 0 ? &r.to_site : &r.to_machine;
        size_t keep = chance_next(&f.chance) % (begin_again.n + 1);
        w->n = chance_next(&f.chance) % ENROL_MESSAGE_BYTES_MAX;
        chance_fill(w->bytes, w->n);
        memcpy(w->bytes, begin_again.bytes, keep < w->n ? keep : w->n);
        if (w->n == begin_again.n && memcmp(w->bytes, begin_again.bytes, w->n) == 0)
            continue; /* by chance it is no nonsense */
        if (i % 2 == 0)
            site_hears(&r, NOW_MS);
        else
            machine_hears(&r);
        assert_true(r.site_step != ENROL_LETS_IN && r.machine_step != ENROL_LETS_IN);
        f.book.entries[0].state = ENROL_OPEN;
        f.book.entries[0].wrong = 0;
    }
}

int main(void)
{
#define ENROL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        ENROL_TEST(test_cpace__gives_the_published_key),
        ENROL_TEST(test_cpace__refuses_bad_shares),
        ENROL_TEST(test_enrol_code__is_read_as_typed),
        ENROL_TEST(test_enrol_book__numbers_differ),
        ENROL_TEST(test_enrol__a_machine_gets_its_name),
        ENROL_TEST(test_enrol__wrong_tries_void_the_code),
        ENROL_TEST(test_enrol__parallel_tries_are_counted),
        ENROL_TEST(test_enrol__a_code_expires),
        ENROL_TEST(test_enrol__a_code_is_for_one_machine),
        ENROL_TEST(test_enrol__a_replay_comes_to_nothing),
        ENROL_TEST(test_enrol__who_is_in_between_gets_nowhere),
        ENROL_TEST(test_enrol__no_changed_byte_goes_unnoticed),
        ENROL_TEST(test_enrol__nonsense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
