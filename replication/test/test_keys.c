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
    char dir[64], key_path[96], roster_path[96], used_path[96];
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
    snprintf(f->used_path, sizeof f->used_path, "%s/own.roster-used", f->dir);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    unlink(f->key_path);
    unlink(f->roster_path);
    unlink(f->used_path);
    if (rmdir(f->dir) != 0)
        return -1; /* something else was written */
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
        assert_int_equal(key_file_parse(text, n, NULL, &back, f->why, sizeof f->why), EXAM_OK);
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
        assert_int_not_equal(key_file_parse(text, cut, NULL, &back, f->why, sizeof f->why),
                             EXAM_OK);
    for (size_t at = 0; at < n; at++)
        for (int bit = 0; bit < 8; bit++) {
            text[at] = (char)(text[at] ^ 1 << bit);
            if (key_file_parse(text, n, NULL, &back, f->why, sizeof f->why) == EXAM_OK) {
                /* Blanks, capitals of hexadecimal digits, another name or site. */
                taken++;
                assert_memory_equal(back.pair.public, k->pair.public, KEY_BYTES);
                assert_memory_equal(back.seed, k->seed, KEY_BYTES);
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
        "\"%064d\",\"public\":\"%064d\",\"sign\":\"%064d\",\"secret\":\"%064d\"%s}";
    static const char site[] = "00000000000000000000000000000000";
    static const struct {
        const char *format, *name, *kind, *site, *more;
        exam_err err;
    } cases[] = {
        {"shunyan-key-3", "A", "node", site, "", EXAM_VERSION},
        {"shunyan-key-2", "A B", "node", site, "", EXAM_INVALID},
        {"shunyan-key-2", "", "node", site, "", EXAM_INVALID},
        {"shunyan-key-2", "A", "nodes", site, "", EXAM_INVALID},
        {"shunyan-key-2", "A", "node", "00", "", EXAM_INVALID},
        {"shunyan-key-2", "A", "node", "zz000000000000000000000000000000", "", EXAM_INVALID},
        {"shunyan-key-2", "A", "node", site, ",\"more\":1", EXAM_MALFORMED},
        {"shunyan-key-2", "A", "node", site, ",\"name\":\"B\"", EXAM_MALFORMED},
        /* the public key of the secret that is all zeros is another one */
        {"shunyan-key-2", "A", "node", site, "", EXAM_INVALID},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        struct key_file out;
        int n = snprintf(text, sizeof text, whole, cases[i].format, cases[i].name, cases[i].kind,
                         cases[i].site, 0, 0, 0, 0, cases[i].more);
        f->why[0] = '\0';
        assert_int_equal(key_file_parse(text, (size_t)n, NULL, &out, f->why, sizeof f->why),
                         cases[i].err);
        assert_true(f->why[0] != '\0');
    }
}

struct password_asked {
    const char *text;
    unsigned times;
};

static exam_err give_password(void *ctx, enum key_kind kind, const char *name,
                              char out[KEY_PASSWORD_BYTES])
{
    struct password_asked *a = ctx;

    assert_int_equal(kind, KEY_PERSON);
    assert_string_equal(name, "operator");
    a->times++;
    if (a->text == NULL)
        return EXAM_REFUSED;
    snprintf(out, KEY_PASSWORD_BYTES, "%s", a->text);
    return EXAM_OK;
}

/* A key under a password comes back with that password, and with nothing else. */
static void test_key_file__opens_with_its_password_only(void **state)
{
    struct fixture *f = *state;
    const struct key_file *k = &f->site.own[SITE_PERSON];
    const uint8_t chance[PASSWORD_CHANCE_BYTES] = {3, 1, 4};
    struct password_asked asked = {.text = "correct horse"};
    const struct key_password password = {.ask = give_password, .ctx = &asked};
    char text[KEY_FILE_BYTES_MAX];
    struct key_file back;
    size_t n;

    assert_int_equal(
        key_file_format_boxed(k, "correct horse", &password_cost_least, chance, text, &n), EXAM_OK);
    assert_null(memmem(text, n, "secret", 6));
    assert_int_equal(key_file_parse(text, n, &password, &back, f->why, sizeof f->why), EXAM_OK);
    assert_memory_equal(&back, k, sizeof back);
    assert_int_equal(asked.times, 1);
    asked.text = "correct horses";
    assert_int_equal(key_file_parse(text, n, &password, &back, f->why, sizeof f->why), EXAM_AUTH);
    assert_non_null(strstr(f->why, "this is not it"));
    asked.text = NULL;
    assert_int_equal(key_file_parse(text, n, &password, &back, f->why, sizeof f->why),
                     EXAM_REFUSED);
    assert_int_equal(key_file_parse(text, n, NULL, &back, f->why, sizeof f->why), EXAM_AUTH);
    assert_non_null(strstr(f->why, "nobody can be asked"));
}

/* What stands beside the box is bound to it: nobody is made to believe another authority by a
 * change of their own key's file. */
static void test_key_file__binds_all_of_a_boxed_file(void **state)
{
    static const char *const members[] = {"\"site\": \"", "\"authority\": \"", "\"public\": \"",
                                          "\"sign\": \"", "\"boxed\": \"argon2id 1 8192 "};
    struct fixture *f = *state;
    const uint8_t chance[PASSWORD_CHANCE_BYTES] = {1};
    struct password_asked asked = {.text = "correct horse"};
    const struct key_password password = {.ask = give_password, .ctx = &asked};
    char text[KEY_FILE_BYTES_MAX], was;
    struct key_file back;
    size_t n;

    assert_int_equal(key_file_format_boxed(&f->site.own[SITE_PERSON], "correct horse",
                                           &password_cost_least, chance, text, &n),
                     EXAM_OK);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        char *at = memmem(text, n, members[i], strlen(members[i]));
        assert_non_null(at);
        at += strlen(members[i]);
        was = *at;
        *at = was == '0' ? '1' : '0';
        assert_int_equal(key_file_parse(text, n, &password, &back, f->why, sizeof f->why),
                         EXAM_AUTH);
        *at = was;
    }
    assert_int_equal(key_file_parse(text, n, &password, &back, f->why, sizeof f->why), EXAM_OK);
}

/* A signature is its signer's, and good for its site, its context and every byte only. */
static void test_key_file__signs(void **state)
{
    static const char message[] = "pause R03";
    struct fixture *f = *state;
    const struct key_file *k = &f->site.own[SITE_PERSON];
    const struct key_entry *e = key_roster_find_sign(f->site.roster, k->sign_public);
    uint8_t signature[KEY_SIGNATURE_BYTES], site[SITE_ID_BYTES];

    assert_non_null(e);
    key_file_sign(k, "command", message, sizeof message, signature);
    memcpy(site, k->site_id, sizeof site);
    assert_int_equal(key_entry_verify(e, site, "command", message, sizeof message, signature),
                     EXAM_OK);
    assert_int_equal(key_entry_verify(e, site, "commandp", message, sizeof message, signature),
                     EXAM_AUTH);
    assert_int_equal(key_entry_verify(e, site, "command", message, sizeof message - 1, signature),
                     EXAM_AUTH);
    assert_int_equal(key_verify(f->site.own[SITE_SEAT].sign_public, site, "command", message,
                                sizeof message, signature),
                     EXAM_AUTH);
    site[0] ^= 1;
    assert_int_equal(key_entry_verify(e, site, "command", message, sizeof message, signature),
                     EXAM_AUTH);
    site[0] ^= 1;
    for (size_t i = 0; i < 8 * sizeof signature; i++) {
        signature[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(key_entry_verify(e, site, "command", message, sizeof message, signature),
                         EXAM_AUTH);
        signature[i / 8] ^= (uint8_t)(1 << i % 8);
    }
}

/* The keys of one seed have nothing in common, and an authority has no channel. */
static void test_key_file__keeps_purposes_apart(void **state)
{
    struct fixture *f = *state;
    const struct key_file *k = &f->site.own[SITE_SEAT];
    uint8_t derived[4][KEY_BYTES];

    memcpy(derived[0], k->seed, KEY_BYTES);
    for (int p = KEY_FOR_CHANNEL; p <= KEY_FOR_JOURNAL; p++)
        key_file_derive(k, (enum key_purpose)p, derived[p]);
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(derived[i], derived[j], KEY_BYTES);
    assert_memory_equal(k->pair.secret, derived[KEY_FOR_CHANNEL], KEY_BYTES);
    assert_true(
        sodium_is_zero((const uint8_t *)&f->site.authority.pair, sizeof f->site.authority.pair));
    assert_memory_equal(f->site.authority.sign_public, f->site.authority.authority, KEY_BYTES);
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

/* Roles and rooms come back, and a room is an invigilator's by its whole name. */
static void test_key_roster__keeps_roles(void **state)
{
    struct fixture *f = *state;
    struct key_file k;
    struct key_entry e;
    struct key_roster *back;
    uint8_t chance[KEY_BYTES] = {42};
    size_t n;

    key_file_make(&k, "li", KEY_PERSON, f->site.authority.site_id, f->site.authority.authority,
                  chance);
    key_entry_of(&k, &e);
    assert_false(key_entry_role_fits(&e));
    e.role = KEY_ROLE_INVIGILATOR;
    assert_false(key_entry_role_fits(&e));
    strcpy(e.rooms[0], "R101");
    strcpy(e.rooms[1], "R102");
    e.rooms_n = 2;
    assert_true(key_entry_role_fits(&e));
    assert_int_equal(key_roster_add(f->site.roster, &e), EXAM_OK);
    char *text = roster_text(f, &n);
    assert_int_equal(roster_take(f, text, n, &back), EXAM_OK);
    free(text);
    const struct key_entry *found = key_roster_find_name(back, KEY_PERSON, "li");
    assert_non_null(found);
    assert_memory_equal(found, &e, sizeof e);
    assert_true(key_entry_has_room(found, "R101") && key_entry_has_room(found, "R102"));
    assert_false(key_entry_has_room(found, "R10") || key_entry_has_room(found, ""));
    found = key_roster_find_name(back, KEY_PERSON, "operator");
    assert_int_equal(found->role, KEY_ROLE_ADMINISTRATOR);
    assert_false(key_entry_has_room(found, "R101"));
    key_roster_free(back);
}

/* A revoked name may have a new key; the revoked one stays known as such. A node's revocation makes
 * older rosters useless. */
static void test_key_roster__revokes_and_issues_anew(void **state)
{
    struct fixture *f = *state;
    struct key_roster *r = f->site.roster;
    struct key_file anew;
    struct key_entry e;

    key_roster_next(r);
    key_entry_of(&f->site.own[SITE_NODE_B], &e);
    assert_int_equal(key_roster_add(r, &e), EXAM_EXISTS);
    assert_int_equal(key_roster_revoke(r, "B", KEY_NODE), EXAM_OK);
    site_keys_add(&f->site, "B", KEY_NODE, 99, &anew);
    assert_int_equal(key_roster_accepts(r), 2);
    assert_memory_equal(key_roster_find_name(r, KEY_NODE, "B")->public, anew.pair.public,
                        KEY_BYTES);
    assert_int_equal(key_roster_find_key(r, f->site.own[SITE_NODE_B].pair.public)->revoked, 2);
    key_entry_of(&anew, &e);
    strcpy(e.name, "C"); /* a key is of one name, each of the pair */
    assert_int_equal(key_roster_add(r, &e), EXAM_EXISTS);
    e.public[0] ^= 1;
    assert_int_equal(key_roster_add(r, &e), EXAM_EXISTS);
    e.sign_public[0] ^= 1;
    assert_int_equal(key_roster_add(r, &e), EXAM_OK);
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
    static const struct {
        const char *body;
        exam_err err;
    } cases[] = {
        {"", EXAM_MALFORMED},
        {"[]", EXAM_MALFORMED},
        {"{\"format\":\"shunyan-roster-3\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[]}",
         EXAM_VERSION},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":0,\"accepts\":1,\"keys\":[]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":2,\"keys\":[]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":{}}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[1]"
         "}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[{"
         "\"name\":\"A\",\"kind\":\"node\",\"public\":\"1\"}]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[{"
         "\"name\":\"A\",\"kind\":\"authority\",\"public\":\"1\",\"sign\":\"2\"}]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[{"
         "\"name\":\"A\",\"kind\":\"node\",\"public\":\"1\",\"sign\":\"2\",\"revoked\":2}]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[{"
         "\"name\":\"A\",\"kind\":\"node\",\"public\":\"1\",\"sign\":\"2\"},{\"name\":\"B\","
         "\"kind\":\"node\",\"public\":\"1\",\"sign\":\"3\"}]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[{"
         "\"name\":\"A\",\"kind\":\"node\",\"public\":\"1\",\"sign\":\"2\"},{\"name\":\"B\","
         "\"kind\":\"node\",\"public\":\"3\",\"sign\":\"2\"}]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[{"
         "\"name\":\"A\",\"kind\":\"node\",\"public\":\"1\",\"sign\":\"2\"},{\"name\":\"B\","
         "\"kind\":\"node\",\"public\":\"3\",\"sign\":\"4\"}]}",
         EXAM_OK},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[{"
         "\"name\":\"A\",\"kind\":\"node\",\"public\":\"1\",\"sign\":\"2\",\"role\":"
         "\"administrator\"}]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[{"
         "\"name\":\"W\",\"kind\":\"person\",\"public\":\"1\",\"sign\":\"2\"}]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[{"
         "\"name\":\"W\",\"kind\":\"person\",\"public\":\"1\",\"sign\":\"2\",\"role\":\"none\"}]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[{"
         "\"name\":\"W\",\"kind\":\"person\",\"public\":\"1\",\"sign\":\"2\",\"role\":\"root\"}]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[{"
         "\"name\":\"W\",\"kind\":\"person\",\"public\":\"1\",\"sign\":\"2\",\"role\":\"office\"}]"
         "}",
         EXAM_OK},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[{"
         "\"name\":\"W\",\"kind\":\"person\",\"public\":\"1\",\"sign\":\"2\",\"role\":\"reviewer\","
         "\"rooms\":[\"R01\"]}]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[{"
         "\"name\":\"W\",\"kind\":\"person\",\"public\":\"1\",\"sign\":\"2\",\"role\":"
         "\"invigilator\"}]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[{"
         "\"name\":\"W\",\"kind\":\"person\",\"public\":\"1\",\"sign\":\"2\",\"role\":"
         "\"invigilator\",\"rooms\":[]}]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[{"
         "\"name\":\"W\",\"kind\":\"person\",\"public\":\"1\",\"sign\":\"2\",\"role\":"
         "\"invigilator\",\"rooms\":[1]}]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[{"
         "\"name\":\"W\",\"kind\":\"person\",\"public\":\"1\",\"sign\":\"2\",\"role\":"
         "\"invigilator\",\"rooms\":\"R01\"}]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[{"
         "\"name\":\"W\",\"kind\":\"person\",\"public\":\"1\",\"sign\":\"2\",\"role\":"
         "\"invigilator\",\"rooms\":[\"R01\",\"R01\"]}]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[{"
         "\"name\":\"W\",\"kind\":\"person\",\"public\":\"1\",\"sign\":\"2\",\"role\":"
         "\"invigilator\",\"rooms\":[\"R01\",\"R02\",\"R03\",\"R04\",\"R05\",\"R06\",\"R07\","
         "\"R08\",\"R09\",\"R10\",\"R11\",\"R12\",\"R13\",\"R14\",\"R15\",\"R16\",\"R17\"]}]}",
         EXAM_INVALID},
        {"{\"format\":\"shunyan-roster-2\",\"site\":\"S\",\"version\":1,\"accepts\":1,\"keys\":[{"
         "\"name\":\"W\",\"kind\":\"person\",\"public\":\"1\",\"sign\":\"2\",\"role\":"
         "\"invigilator\",\"rooms\":[\"R01\",\"R02\"]}]}",
         EXAM_OK},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char body[2048], text[4096], hex[2 * crypto_sign_BYTES + 1];
        uint8_t signature[crypto_sign_BYTES];
        struct key_roster *back = NULL;
        size_t n = 0;
        for (const char *c = cases[i].body; *c; c++) { /* "S" and "1" stand for what is long */
            if (c[0] == '"' && (c[1] == 'S' || (c[1] >= '1' && c[1] <= '9')) && c[2] == '"') {
                char site[2 * SITE_ID_BYTES + 1];
                sodium_bin2hex(site, sizeof site, f->site.authority.site_id, SITE_ID_BYTES);
                n += (size_t)(c[1] == 'S'
                                  ? snprintf(body + n, sizeof body - n, "\"%s\"", site)
                                  : snprintf(body + n, sizeof body - n, "\"%064d\"", c[1] - '0'));
                c += 2;
            } else {
                body[n++] = *c;
            }
        }
        crypto_sign_detached(signature, NULL, (const uint8_t *)body, n,
                             f->site.authority.sign_secret);
        sodium_bin2hex(hex, sizeof hex, signature, sizeof signature);
        int head = snprintf(text, sizeof text, "shunyan-roster-2 %s\n", hex);
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
            memcpy(text, "shunyan-roster-2 ", 17);
        assert_int_not_equal(roster_take(f, (const char *)text, text[0] * 2u + 88, &back), EXAM_OK);
        struct key_file k;
        assert_int_not_equal(
            key_file_parse((const char *)text, text[1] * 2u, NULL, &k, f->why, sizeof f->why),
            EXAM_OK);
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

/* A ring of the node, with the memory in the file. */
static exam_err ring_begin(struct fixture *f, struct keyring **out)
{
    exam_err err = keyring_open(f->key_path, f->roster_path, KEY_NODE, out, f->why, sizeof f->why);

    assert_int_equal(err, EXAM_OK);
    err = keyring_remember_file(*out, f->used_path, f->why, sizeof f->why);
    if (err != EXAM_OK)
        keyring_free(*out);
    return err;
}

/* What was used once is the oldest that is used ever after: from the start, and as it was replaced
 * meanwhile. The rosters of another authority count anew. */
static void test_keyring__goes_back_to_no_older_roster(void **state)
{
    struct fixture *f = *state;
    struct site_keys other;
    struct keyring *k;
    bool changed;
    size_t old_bytes;
    char *old = roster_text(f, &old_bytes);

    roster_put(f);
    key_put(f, &f->site.own[SITE_NODE_A], 0600);
    assert_int_equal(ring_begin(f, &k), EXAM_OK);
    key_roster_next(f->site.roster);
    roster_put(f);
    assert_int_equal(keyring_refresh(k, &changed, f->why, sizeof f->why), EXAM_OK);
    assert_true(changed);
    keyring_free(k);

    file_put(f->roster_path, old, old_bytes, 0644);
    assert_int_equal(ring_begin(f, &k), EXAM_REFUSED);
    assert_non_null(strstr(f->why, f->roster_path));
    assert_non_null(strstr(f->why, "is roster 1 of the site's keys, and roster 2 has been used"));
    assert_non_null(strstr(f->why, "Fetch the newest one"));
    unlink(f->used_path);
    assert_int_equal(ring_begin(f, &k), EXAM_OK);
    keyring_free(k);
    key_roster_next(f->site.roster);
    roster_put(f);
    assert_int_equal(ring_begin(f, &k), EXAM_OK);
    keyring_free(k);

    site_keys_init(&other, 8);
    size_t n;
    char *text;
    assert_int_equal(key_roster_format(other.roster, &other.authority, &text, &n), EXAM_OK);
    file_put(f->roster_path, text, n, 0644);
    key_put(f, &other.own[SITE_NODE_A], 0600);
    assert_int_equal(ring_begin(f, &k), EXAM_OK);
    keyring_free(k);
    site_keys_fini(&other);
    free(text);
    free(old);
}

/* A newer roster that cannot be remembered is not used yet; it is when it can be. A file that says
 * nothing, or is none, stands in the way, and the text says what to do. */
static void test_keyring__remembers_before_it_uses(void **state)
{
    static const char *const damaged[] = {
        "", "{}", "17", "{\"format\": \"shunyan-roster-used-1\", \"version\": 3}",
        "{\"format\": \"shunyan-roster-used-1\", \"authority\": \"00\", \"version\": -3}"};
    struct fixture *f = *state;
    struct keyring *k;
    bool changed;

    roster_put(f);
    key_put(f, &f->site.own[SITE_NODE_A], 0600);
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        file_put(f->used_path, damaged[i], strlen(damaged[i]), 0600);
        assert_int_equal(ring_begin(f, &k), EXAM_CORRUPT);
        assert_non_null(strstr(f->why, f->used_path));
        assert_non_null(strstr(f->why, "then remove this file"));
    }
    unlink(f->used_path);
    assert_int_equal(ring_begin(f, &k), EXAM_OK);
    key_roster_next(f->site.roster);
    assert_int_equal(key_roster_revoke(f->site.roster, "operator", KEY_PERSON), EXAM_OK);
    roster_put(f);
    unlink(f->used_path);
    assert_int_equal(mkdir(f->used_path, 0700), 0); /* no file gets this name */
    assert_int_equal(keyring_refresh(k, &changed, f->why, sizeof f->why), EXAM_IO);
    assert_non_null(strstr(f->why, f->used_path));
    assert_false(changed);
    assert_int_equal(key_roster_version(keyring_roster(k)), 1);
    assert_int_equal(rmdir(f->used_path), 0);
    assert_int_equal(keyring_refresh(k, &changed, f->why, sizeof f->why), EXAM_OK);
    assert_true(changed);
    assert_int_equal(key_roster_version(keyring_roster(k)), 2);
    keyring_free(k);
}

/* Who reads a log later asks for no site: of the authority's it takes any, of others none. */
static void test_keyring__reads_a_roster_of_any_site_of_its_authority(void **state)
{
    struct fixture *f = *state;
    const struct key_file *authority = &f->site.authority;
    const uint8_t other[SITE_ID_BYTES] = {1};
    uint8_t stranger[KEY_BYTES];
    struct key_roster *r = NULL;

    roster_put(f);
    assert_int_equal(
        keyring_read_roster(f->roster_path, authority->authority, NULL, &r, f->why, sizeof f->why),
        EXAM_OK);
    assert_memory_equal(key_roster_site(r), authority->site_id, SITE_ID_BYTES);
    key_roster_free(r);
    r = NULL;
    assert_int_equal(
        keyring_read_roster(f->roster_path, authority->authority, other, &r, f->why, sizeof f->why),
        EXAM_OTHER_SITE);
    memcpy(stranger, authority->authority, KEY_BYTES);
    stranger[0] ^= 1;
    assert_int_equal(keyring_read_roster(f->roster_path, stranger, NULL, &r, f->why, sizeof f->why),
                     EXAM_AUTH);
    assert_null(r);
}

#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(test_key_file__comes_back),
        WITH_SITE(test_key_file__refuses_every_change),
        WITH_SITE(test_key_file__refuses_other_values),
        WITH_SITE(test_key_file__opens_with_its_password_only),
        WITH_SITE(test_key_file__binds_all_of_a_boxed_file),
        WITH_SITE(test_key_file__signs),
        WITH_SITE(test_key_file__keeps_purposes_apart),
        WITH_SITE(test_key_roster__comes_back),
        WITH_SITE(test_key_roster__keeps_roles),
        WITH_SITE(test_key_roster__revokes_and_issues_anew),
        WITH_SITE(test_key_roster__refuses_every_change),
        WITH_SITE(test_key_roster__refuses_other_sites),
        WITH_SITE(test_key_roster__checks_what_is_signed),
        WITH_SITE(test_key_roster__survives_any_bytes),
        WITH_SITE(test_keyring__refuses_open_secrets),
        WITH_SITE(test_keyring__refuses_keys_that_do_not_count),
        WITH_SITE(test_keyring__takes_newer_rosters_only),
        WITH_SITE(test_keyring__goes_back_to_no_older_roster),
        WITH_SITE(test_keyring__remembers_before_it_uses),
        WITH_SITE(test_keyring__reads_a_roster_of_any_site_of_its_authority),
    };

    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
