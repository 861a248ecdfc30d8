/* Key files and rosters: what is written is read, and nothing else is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keyring.h"
#include "seed.h"
#include "site_keys.h"

struct fixture {
    struct site_keys site;
    char dir[64], key_path[96], roster_path[96];
    char why[KEYRING_WHY_BYTES];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    if (f == NULL)
        return -1;
    site_keys_init(&f->site, 7);
    snprintf(f->dir, sizeof f->dir, "/tmp/test_keys.XXXXXX");
    if (mkdtemp(f->dir) == NULL)
        return -1;
    snprintf(f->key_path, sizeof f->key_path, "%s/own.key", f->dir);
    snprintf(f->roster_path, sizeof f->roster_path, "%s/roster", f->dir);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    unlink(f->key_path);
    unlink(f->roster_path);
    rmdir(f->dir);
    site_keys_fini(&f->site);
    free(f);
    return 0;
}

static void file_put(const char *path, const char *text, size_t n, mode_t mode)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(write(fd, text, n), n);
    close(fd);
}

static void key_put(struct fixture *f, const struct key_file *k, mode_t mode)
{
    char text[KEY_FILE_BYTES_MAX];
    size_t n;

    assert_int_equal(key_file_format(k, text, &n), EXAM_OK);
    file_put(f->key_path, text, n, mode);
}

static char *roster_text(const struct fixture *f, size_t *n)
{
    char *text;

    assert_int_equal(key_roster_format(f->site.roster, &f->site.authority, &text, n), EXAM_OK);
    return text;
}

static void roster_put(struct fixture *f)
{
    size_t n;
    char *text = roster_text(f, &n);

    file_put(f->roster_path, text, n, 0644);
    free(text);
}

static exam_err roster_take(struct fixture *f, const char *text, size_t n, struct key_roster **out)
{
    return key_roster_parse(text, n, f->site.authority.authority, f->site.authority.site_id, out,
                            f->why, sizeof f->why);
}

/* ---------------------------------------------------------------- key files */

/* Every kind of key comes back as it was, its public key with it. */
static void test_key_file__comes_back(void **state)
{
    struct fixture *f = *state;
    char text[KEY_FILE_BYTES_MAX];
    size_t n;

    for (int i = -1; i < SITE_KEYS; i++) {
        const struct key_file *k = i < 0 ? &f->site.authority : &f->site.own[i];
        struct key_file back;
        assert_int_equal(key_file_format(k, text, &n), EXAM_OK);
        assert_int_equal(key_file_parse(text, n, &back, f->why, sizeof f->why), EXAM_OK);
        assert_memory_equal(&back, k, sizeof back);
    }
}

/* A file that was cut or changed in any byte is refused, or says the very same thing. */
static void test_key_file__refuses_every_change(void **state)
{
    struct fixture *f = *state;
    const struct key_file *k = &f->site.own[SITE_SEAT];
    char text[KEY_FILE_BYTES_MAX];
    struct key_file back;
    size_t n, taken = 0;

    assert_int_equal(key_file_format(k, text, &n), EXAM_OK);
    for (size_t cut = 0; cut + 2 < n; cut++)
        assert_int_not_equal(key_file_parse(text, cut, &back, f->why, sizeof f->why), EXAM_OK);
    for (size_t at = 0; at < n; at++)
        for (int bit = 0; bit < 8; bit++) {
            text[at] = (char)(text[at] ^ 1 << bit);
            if (key_file_parse(text, n, &back, f->why, sizeof f->why) == EXAM_OK) {
                /* Blanks, capitals of hexadecimal digits, another name or site, and the bits of a
                 * secret that X25519 sets itself. */
                taken++;
                assert_memory_equal(back.pair.public, k->pair.public, KEY_BYTES);
            }
            text[at] = (char)(text[at] ^ 1 << bit);
        }
    assert_true(taken < n * 8 / 2);
}

/* Values that are none are told apart. */
static void test_key_file__refuses_other_values(void **state)
{
    static const char whole[] =
        "{\"format\":\"%s\",\"name\":\"%s\",\"kind\":\"%s\",\"site\":\"%s\",\"authority\":"
        "\"%064d\",\"public\":\"%064d\",\"secret\":\"%064d\"%s}";
    static const char site[] = "00000000000000000000000000000000";
    static const struct {
        const char *format, *name, *kind, *site, *more;
        exam_err err;
    } cases[] = {
        {"shunyan-key-2", "A", "node", site, "", EXAM_VERSION},
        {"shunyan-key-1", "A B", "node", site, "", EXAM_INVALID},
        {"shunyan-key-1", "", "node", site, "", EXAM_INVALID},
        {"shunyan-key-1", "A", "nodes", site, "", EXAM_INVALID},
        {"shunyan-key-1", "A", "node", "00", "", EXAM_INVALID},
        {"shunyan-key-1", "A", "node", "zz000000000000000000000000000000", "", EXAM_INVALID},
        {"shunyan-key-1", "A", "node", site, ",\"more\":1", EXAM_MALFORMED},
        {"shunyan-key-1", "A", "node", site, ",\"name\":\"B\"", EXAM_MALFORMED},
        /* the public key of the secret that is all zeros is another one */
        {"shunyan-key-1", "A", "node", site, "", EXAM_INVALID},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        struct key_file out;
        int n = snprintf(text, sizeof text, whole, cases[i].format, cases[i].name, cases[i].kind,
                         cases[i].site, 0, 0, 0, cases[i].more);
        f->why[0] = '\0';
        assert_int_equal(key_file_parse(text, (size_t)n, &out, f->why, sizeof f->why),
                         cases[i].err);
        assert_true(f->why[0] != '\0');
    }
}

/* ---------------------------------------------------------------- rosters */

/* Names, kinds, keys, revocations and versions come back. */
static void test_key_roster__comes_back(void **state)
{
    struct fixture *f = *state;
    struct key_roster *back;
    size_t n;

    key_roster_next(f->site.roster);
    assert_int_equal(key_roster_revoke(f->site.roster, "R01-01", KEY_SEAT), EXAM_OK);
    assert_int_equal(key_roster_revoke(f->site.roster, "R01-01", KEY_SEAT), EXAM_NOT_FOUND);
    char *text = roster_text(f, &n);
    assert_int_equal(roster_take(f, text, n, &back), EXAM_OK);
    free(text);
    assert_int_equal(key_roster_version(back), 2);
    assert_int_equal(key_roster_accepts(back), 1); /* a seat's loss is no other seat's trouble */
    assert_int_equal(key_roster_keys(back), SITE_KEYS);
    for (size_t i = 0; i < SITE_KEYS; i++) {
        const struct key_file *k = &f->site.own[i];
        const struct key_entry *e = key_roster_find_key(back, k->pair.public);
        assert_non_null(e);
        assert_string_equal(e->name, k->name);
        assert_int_equal(e->kind, k->kind);
        assert_int_equal(e->revoked, i == SITE_SEAT ? 2 : 0);
        assert_ptr_equal(key_roster_find_name(back, k->kind, k->name), i == SITE_SEAT ? NULL : e);
    }
    assert_null(key_roster_find_name(back, KEY_PERSON, "A")); /* a name is of its kind */
    key_roster_free(back);
}

/* A revoked name may have a new key; the revoked one stays known as such. A node's revocation makes
 * older rosters useless. */
static void test_key_roster__revokes_and_issues_anew(void **state)
{
    struct fixture *f = *state;
    struct key_roster *r = f->site.roster;
    struct key_file anew;

    key_roster_next(r);
    assert_int_equal(key_roster_add(r, "B", KEY_NODE, f->site.own[SITE_NODE_B].pair.public),
                     EXAM_EXISTS);
    assert_int_equal(key_roster_revoke(r, "B", KEY_NODE), EXAM_OK);
    site_keys_add(&f->site, "B", KEY_NODE, 99, &anew);
    assert_int_equal(key_roster_accepts(r), 2);
    assert_memory_equal(key_roster_find_name(r, KEY_NODE, "B")->public, anew.pair.public,
                        KEY_BYTES);
    assert_int_equal(key_roster_find_key(r, f->site.own[SITE_NODE_B].pair.public)->revoked, 2);
    assert_int_equal(key_roster_add(r, "C", KEY_NODE, anew.pair.public), EXAM_EXISTS);
}

/* Not a byte may be other than the authority signed it. */
static void test_key_roster__refuses_every_change(void **state)
{
    struct fixture *f = *state;
    struct key_roster *back;
    size_t n;
    char *text = roster_text(f, &n);

    for (size_t at = 0; at < n; at++) {
        exam_err err;
        text[at] = (char)(text[at] ^ 1);
        err = roster_take(f, text, n, &back);
        assert_true(err == EXAM_AUTH || err == EXAM_MALFORMED);
        text[at] = (char)(text[at] ^ 1);
    }
    for (size_t cut = 0; cut < n; cut++)
        assert_int_not_equal(roster_take(f, text, cut, &back), EXAM_OK);
    free(text);
}

/* Another authority's, and another site's by the same one, are told apart. */
static void test_key_roster__refuses_other_sites(void **state)
{
    struct fixture *f = *state;
    struct site_keys other;
    struct key_roster *back;
    char *text;
    size_t n;

    site_keys_init(&other, 8);
    assert_int_equal(key_roster_format(other.roster, &other.authority, &text, &n), EXAM_OK);
    assert_int_equal(roster_take(f, text, n, &back), EXAM_AUTH);
    free(text);
    assert_int_equal(key_roster_format(other.roster, &f->site.authority, &text, &n), EXAM_OK);
    assert_int_equal(roster_take(f, text, n, &back), EXAM_OTHER_SITE);
    free(text);
    site_keys_fini(&other);
}

/* What is signed may still be wrong: an authority's mistake is refused, not believed. */
static void test_key_roster__checks_what_is_signed(void **state)
{
    static const char key1[] = "1111111111111111111111111111111111111111111111111111111111111111";
    static const struct {
        const char *body;
        exam_err err;
    } cases[] = {
        {"", EXAM_MALFORMED},
        {"[]", EXAM_MALFORMED},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[]}",
         EXAM_VERSION},
        {"{\"format\":\"shunyan-roster-1\",\"site\":\"S\",\"version\":0,\"accepts\":1,\"keys\":[]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-1\",\"site\":\"S\",\"version\":1,\"accepts\":2,\"keys\":[]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-1\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":{}}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-1\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[1]"
         "}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-1\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":["
         "{\"name\":\"A\",\"kind\":\"authority\",\"public\":\"K\"}]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-1\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":["
         "{\"name\":\"A\",\"kind\":\"node\",\"public\":\"K\",\"revoked\":2}]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-1\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":["
         "{\"name\":\"A\",\"kind\":\"node\",\"public\":\"K\"},"
         "{\"name\":\"B\",\"kind\":\"node\",\"public\":\"K\"}]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-1\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":["
         "{\"name\":\"A\",\"kind\":\"node\",\"public\":\"K\"}]}",
         EXAM_OK},
    };
    struct fixture *f = *state;
    uint8_t public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];

    crypto_sign_seed_keypair(public, secret, f->site.authority.pair.secret);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char body[2048], text[4096], hex[2 * crypto_sign_BYTES + 1];
        uint8_t signature[crypto_sign_BYTES];
        struct key_roster *back = NULL;
        size_t n = 0;
        for (const char *c = cases[i].body; *c; c++) { /* S and K stand for what is long */
            if (strncmp(c, "\"S\"", 3) == 0 || strncmp(c, "\"K\"", 3) == 0) {
                char site[2 * SITE_ID_BYTES + 1];
                sodium_bin2hex(site, sizeof site, f->site.authority.site_id, SITE_ID_BYTES);
                n += (size_t)snprintf(body + n, sizeof body - n, "\"%s\"",
                                      c[1] == 'S' ? site : key1);
                c += 2;
            } else {
                body[n++] = *c;
            }
        }
        crypto_sign_detached(signature, NULL, (const uint8_t *)body, n, secret);
        sodium_bin2hex(hex, sizeof hex, signature, sizeof signature);
        int head = snprintf(text, sizeof text, "shunyan-roster-1 %s\n", hex);
        memcpy(text + head, body, n);
        f->why[0] = '\0';
        assert_int_equal(roster_take(f, text, (size_t)head + n, &back), cases[i].err);
        assert_true((f->why[0] == '\0') == (cases[i].err == EXAM_OK));
        key_roster_free(back);
    }
}

/* Random bytes behind a good head, and random heads, come to nothing and harm nothing. */
static void test_key_roster__survives_any_bytes(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = seed_of_run("test_keys");
    uint8_t chance[randombytes_SEEDBYTES] = {0}, text[600];

    memcpy(chance, &seed, sizeof seed);
    for (uint64_t i = 0; i < 2000; i++) {
        struct key_roster *back;
        memcpy(chance + 8, &i, sizeof i);
        randombytes_buf_deterministic(text, sizeof text, chance);
        if (i % 2)
            memcpy(text, "shunyan-roster-1 ", 17);
        assert_int_not_equal(roster_take(f, (const char *)text, text[0] * 2u + 88, &back), EXAM_OK);
        struct key_file k;
        assert_int_not_equal(
            key_file_parse((const char *)text, text[1] * 2u, &k, f->why, sizeof f->why), EXAM_OK);
    }
}

/* ---------------------------------------------------------------- the ring */

/* A secret that others may read is none. */
static void test_keyring__refuses_open_secrets(void **state)
{
    struct fixture *f = *state;
    struct keyring *k;

    roster_put(f);
    for (mode_t bit = 1; bit <= S_IRWXG; bit <<= 1) {
        key_put(f, &f->site.own[SITE_NODE_A], S_IRUSR | S_IWUSR | bit);
        assert_int_equal(
            keyring_open(f->key_path, f->roster_path, KEY_NODE, &k, f->why, sizeof f->why),
            bit & (S_IRWXG | S_IRWXO) ? EXAM_REFUSED : EXAM_OK);
        assert_non_null(strstr(f->why, "others may read"));
    }
    key_put(f, &f->site.own[SITE_NODE_A], 0600);
    assert_int_equal(keyring_open(f->key_path, f->roster_path, KEY_NODE, &k, f->why, sizeof f->why),
                     EXAM_OK);
    assert_string_equal(keyring_own(k)->name, "A");
    keyring_free(k);
}

/* A key of another kind, one that was revoked, one that is not listed, and no file at all. */
static void test_keyring__refuses_keys_that_do_not_count(void **state)
{
    struct fixture *f = *state;
    struct key_file stray;
    uint8_t chance[KEY_BYTES] = {1};
    struct keyring *k;

    roster_put(f);
    key_put(f, &f->site.own[SITE_SEAT], 0600);
    assert_int_equal(keyring_open(f->key_path, f->roster_path, KEY_NODE, &k, f->why, sizeof f->why),
                     EXAM_REFUSED);
    assert_non_null(strstr(f->why, "of seat R01-01"));
    key_roster_next(f->site.roster);
    assert_int_equal(key_roster_revoke(f->site.roster, "R01-01", KEY_SEAT), EXAM_OK);
    roster_put(f);
    assert_int_equal(keyring_open(f->key_path, f->roster_path, KEY_SEAT, &k, f->why, sizeof f->why),
                     EXAM_REFUSED);
    assert_non_null(strstr(f->why, "was revoked"));
    key_file_make(&stray, "R01-02", KEY_SEAT, f->site.authority.site_id,
                  f->site.authority.authority, chance);
    key_put(f, &stray, 0600);
    assert_int_equal(keyring_open(f->key_path, f->roster_path, KEY_SEAT, &k, f->why, sizeof f->why),
                     EXAM_REFUSED);
    unlink(f->key_path);
    assert_int_equal(keyring_open(f->key_path, f->roster_path, KEY_SEAT, &k, f->why, sizeof f->why),
                     EXAM_NOT_FOUND);
}

/* A newer roster is taken while the process runs; an older one, a damaged one and none are not, and
 * each is told once. */
static void test_keyring__takes_newer_rosters_only(void **state)
{
    struct fixture *f = *state;
    struct keyring *k;
    bool changed;
    size_t old_bytes;
    char *old = roster_text(f, &old_bytes);

    roster_put(f);
    key_put(f, &f->site.own[SITE_NODE_A], 0600);
    assert_int_equal(keyring_open(f->key_path, f->roster_path, KEY_NODE, &k, f->why, sizeof f->why),
                     EXAM_OK);
    assert_int_equal(keyring_refresh(k, &changed, f->why, sizeof f->why), EXAM_OK);
    assert_false(changed);

    key_roster_next(f->site.roster);
    assert_int_equal(key_roster_revoke(f->site.roster, "operator", KEY_PERSON), EXAM_OK);
    roster_put(f);
    assert_int_equal(keyring_refresh(k, &changed, f->why, sizeof f->why), EXAM_OK);
    assert_true(changed);
    assert_int_equal(key_roster_version(keyring_roster(k)), 2);
    assert_null(key_roster_find_name(keyring_roster(k), KEY_PERSON, "operator"));

    file_put(f->roster_path, old, old_bytes, 0644);
    assert_int_equal(keyring_refresh(k, &changed, f->why, sizeof f->why), EXAM_INVALID);
    assert_int_equal(keyring_refresh(k, &changed, f->why, sizeof f->why), EXAM_OK);
    old[old_bytes / 2] = (char)(old[old_bytes / 2] ^ 1);
    file_put(f->roster_path, old, old_bytes, 0644);
    assert_int_equal(keyring_refresh(k, &changed, f->why, sizeof f->why), EXAM_AUTH);
    unlink(f->roster_path);
    assert_int_equal(keyring_refresh(k, &changed, f->why, sizeof f->why), EXAM_NOT_FOUND);
    assert_int_equal(keyring_refresh(k, &changed, f->why, sizeof f->why), EXAM_OK);
    assert_false(changed);
    assert_int_equal(key_roster_version(keyring_roster(k)), 2);

    key_roster_next(f->site.roster);
    assert_int_equal(key_roster_revoke(f->site.roster, "A", KEY_NODE), EXAM_OK);
    roster_put(f);
    assert_true(keyring_own_good(k));
    assert_int_equal(keyring_refresh(k, &changed, f->why, sizeof f->why), EXAM_OK);
    assert_true(changed && !keyring_own_good(k));
    keyring_free(k);
    free(old);
}

#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(test_key_file__comes_back),
        WITH_SITE(test_key_file__refuses_every_change),
        WITH_SITE(test_key_file__refuses_other_values),
        WITH_SITE(test_key_roster__comes_back),
        WITH_SITE(test_key_roster__revokes_and_issues_anew),
        WITH_SITE(test_key_roster__refuses_every_change),
        WITH_SITE(test_key_roster__refuses_other_sites),
        WITH_SITE(test_key_roster__checks_what_is_signed),
        WITH_SITE(test_key_roster__survives_any_bytes),
        WITH_SITE(test_keyring__refuses_open_secrets),
        WITH_SITE(test_keyring__refuses_keys_that_do_not_count),
        WITH_SITE(test_keyring__takes_newer_rosters_only),
    };

    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
