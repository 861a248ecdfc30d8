/* The folder of a site's keys, as `examctl site` makes and changes it, and addresses with names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "key_folder.h"
#include "keyring.h"
#include "node_address.h"

struct fixture {
    char top[64], path[80], why[KEYRING_WHY_BYTES];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    if (f == NULL)
        return -1;
    strcpy(f->top, "/tmp/test_key_folder.XXXXXX");
    if (mkdtemp(f->top) == NULL)
        return -1;
    snprintf(f->path, sizeof f->path, "%s/keys", f->top);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    static const char *const files[] = {"authority.key",
                                        "roster",
                                        "nodes/A.key",
                                        "seats/R01/R01-01.key",
                                        "password",
                                        "people/wang.key",
                                        "nodes",
                                        "seats/R01",
                                        "seats",
                                        "people",
                                        "."};
    struct fixture *f = *state;
    char path[160];

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", f->path, files[i]);
        if (unlink(path) != 0)
            (void)rmdir(path);
    }
    (void)rmdir(f->path);
    if (rmdir(f->top) != 0)
        return -1; /* something else was written */
    free(f);
    return 0;
}

/* Nobody is there to be asked. */
static const struct password_source nobody = {.file = "/nowhere/password"};

static void site_make(struct fixture *f)
{
    struct key_folder k;

    assert_int_equal(key_folder_make(f->path, NULL, NULL, &k), EXAM_OK);
    assert_int_equal(key_folder_issue(&k, KEY_NODE, "A"), EXAM_OK);
    assert_int_equal(key_folder_issue(&k, KEY_SEAT, "R01-01"), EXAM_OK);
    assert_int_equal(key_folder_issue(&k, KEY_PERSON, "wang"), EXAM_OK);
    assert_int_equal(key_folder_commit(&k), EXAM_OK);
    key_folder_close(&k);
}

static exam_err ring_open(struct fixture *f, const char *file, enum key_kind kind)
{
    char key[160], roster[160];
    struct keyring *k;

    snprintf(key, sizeof key, "%s/%s", f->path, file);
    snprintf(roster, sizeof roster, "%s/roster", f->path);
    exam_err err = keyring_open(key, roster, kind, &k, f->why, sizeof f->why);
    if (err == EXAM_OK)
        keyring_free(k);
    return err;
}

/* Every key opens with the roster; the secret ones are nobody else's to read. */
static void test_key_folder__makes_keys_that_open(void **state)
{
    static const char *const secret[] = {"authority.key", "nodes/A.key", "seats/R01/R01-01.key",
                                         "people/wang.key"};
    struct fixture *f = *state;
    struct key_folder k;
    struct stat st;
    char path[160];

    site_make(f);
    assert_int_equal(ring_open(f, "nodes/A.key", KEY_NODE), EXAM_OK);
    assert_int_equal(ring_open(f, "seats/R01/R01-01.key", KEY_SEAT), EXAM_OK);
    assert_int_equal(ring_open(f, "people/wang.key", KEY_PERSON), EXAM_OK);
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", f->path, secret[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    snprintf(path, sizeof path, "%s/roster", f->path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_int_equal(key_folder_make(f->path, NULL, NULL, &k),
                     EXAM_EXISTS); /* no authority is overwritten */
}

/* A revoked key opens nothing; the same name can have a new one, and only then. */
static void test_key_folder__revokes_and_issues(void **state)
{
    struct fixture *f = *state;
    struct key_folder k;

    site_make(f);
    assert_int_equal(key_folder_open(f->path, true, &nobody, &k), EXAM_OK);
    assert_int_equal(key_folder_issue(&k, KEY_SEAT, "R01-01"), EXAM_EXISTS);
    assert_int_equal(key_roster_revoke(k.roster, "R01-01", KEY_SEAT), EXAM_OK);
    assert_int_equal(key_folder_commit(&k), EXAM_OK);
    key_folder_close(&k);
    assert_int_equal(ring_open(f, "seats/R01/R01-01.key", KEY_SEAT), EXAM_REFUSED);
    assert_non_null(strstr(f->why, "revoked"));

    assert_int_equal(key_folder_open(f->path, true, &nobody, &k), EXAM_OK);
    assert_int_equal(key_folder_issue(&k, KEY_SEAT, "R01-01"), EXAM_OK);
    assert_int_equal(key_roster_version(k.roster), 3);
    assert_int_equal(key_folder_commit(&k), EXAM_OK);
    key_folder_close(&k);
    assert_int_equal(ring_open(f, "seats/R01/R01-01.key", KEY_SEAT), EXAM_OK);
    assert_int_equal(ring_open(f, "nodes/A.key", KEY_NODE), EXAM_OK);
}

static exam_err give_password(void *ctx, enum key_kind kind, const char *name,
                              char out[KEY_PASSWORD_BYTES])
{
    (void)kind;
    (void)name;
    snprintf(out, KEY_PASSWORD_BYTES, "%s", (const char *)ctx);
    return EXAM_OK;
}

/* A person has a role, an invigilator rooms; a mistake makes no key. The key is under a password
 * when one is given, and can be put under another one, or none. */
static void test_key_folder__issues_persons(void **state)
{
    struct name_list rooms = {.n = 0};
    struct key_folder_person p = {.name = "wang", .role = KEY_ROLE_INVIGILATOR};
    char text[] = "correct horse", path[160], roster[160];
    const struct key_password password = {.ask = give_password, .ctx = text};
    struct fixture *f = *state;
    struct key_file own;
    struct key_folder k;
    struct keyring *ring;
    const char *bad;

    assert_int_equal(key_folder_make(f->path, NULL, NULL, &k), EXAM_OK);
    assert_int_equal(key_folder_issue_person(&k, &p), EXAM_INVALID);
    assert_int_equal(name_list_take(&rooms, "R01,R02,R01", &bad), EXAM_OK);
    p.rooms = &rooms;
    assert_int_equal(key_folder_issue_person(&k, &p), EXAM_INVALID); /* a room twice */
    rooms.n = 2;
    p.role = KEY_ROLE_REVIEWER;
    assert_int_equal(key_folder_issue_person(&k, &p), EXAM_INVALID);
    p.role = KEY_ROLE_INVIGILATOR;
    p.password = text;
    assert_int_equal(key_folder_issue_person(&k, &p), EXAM_OK);
    assert_int_equal(key_folder_issue_person(&k, &p), EXAM_EXISTS);
    assert_int_equal(key_folder_commit(&k), EXAM_OK);
    const struct key_entry *e = key_roster_find_name(k.roster, KEY_PERSON, "wang");
    assert_int_equal(e->role, KEY_ROLE_INVIGILATOR);
    assert_true(e->rooms_n == 2 && key_entry_has_room(e, "R02"));
    key_folder_close(&k);

    assert_int_equal(ring_open(f, "people/wang.key", KEY_PERSON), EXAM_AUTH);
    snprintf(path, sizeof path, "%s/people/wang.key", f->path);
    snprintf(roster, sizeof roster, "%s/roster", f->path);
    assert_int_equal(keyring_open_person(path, roster, &password, &ring, f->why, sizeof f->why),
                     EXAM_OK);
    own = *keyring_own(ring);
    keyring_free(ring);
    assert_int_equal(key_folder_rewrite(path, &own, NULL), EXAM_OK);
    assert_int_equal(ring_open(f, "people/wang.key", KEY_PERSON), EXAM_OK);
}

static void password_put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* The key that signs all others is of no use to who finds it; it is put under a password when it is
 * made, or later, and under another one. */
static void test_key_folder__keeps_the_authority_under_a_password(void **state)
{
    struct fixture *f = *state;
    char path[160], file[160];
    const struct password_source from = {.file = path};
    struct key_file authority;
    struct key_folder k;

    assert_int_equal(key_folder_make(f->path, NULL, "correct horse", &k), EXAM_OK);
    assert_int_equal(key_folder_commit(&k), EXAM_OK);
    authority = k.authority;
    key_folder_close(&k);
    snprintf(file, sizeof file, "%s/authority.key", f->path);
    snprintf(path, sizeof path, "%s/password", f->path);
    assert_int_equal(key_folder_open(f->path, true, &nobody, &k), EXAM_IO);
    password_put(path, "wrong horse\n");
    assert_int_equal(key_folder_open(f->path, true, &from, &k), EXAM_AUTH);
    password_put(path, "correct horse\n");
    assert_int_equal(key_folder_open(f->path, true, &from, &k), EXAM_OK);
    assert_int_equal(key_folder_issue(&k, KEY_NODE, "A"), EXAM_OK);
    assert_int_equal(key_folder_commit(&k), EXAM_OK);
    key_folder_close(&k);
    assert_int_equal(ring_open(f, "nodes/A.key", KEY_NODE), EXAM_OK);

    assert_int_equal(key_folder_rewrite(file, &authority, NULL), EXAM_OK); /* as it was once */
    assert_int_equal(key_folder_open(f->path, false, &nobody, &k), EXAM_OK);
    assert_memory_equal(&k.authority, &authority, sizeof authority);
    key_folder_close(&k);
}

/* A site that was founded without keys keeps its id. */
static void test_key_folder__takes_a_sites_id(void **state)
{
    const uint8_t id[SITE_ID_BYTES] = {1, 2, 3};
    struct fixture *f = *state;
    struct key_folder k;

    assert_int_equal(key_folder_make(f->path, id, NULL, &k), EXAM_OK);
    assert_int_equal(key_folder_commit(&k), EXAM_OK);
    key_folder_close(&k);
    assert_int_equal(key_folder_open(f->path, false, &nobody, &k), EXAM_OK);
    assert_memory_equal(key_roster_site(k.roster), id, sizeof id);
    key_folder_close(&k);
}

/* What was not committed has not happened: nobody is told of half a site. */
static void test_key_folder__without_a_commit_nothing_counts(void **state)
{
    struct fixture *f = *state;
    struct key_folder k;

    assert_int_equal(key_folder_make(f->path, NULL, NULL, &k), EXAM_OK);
    assert_int_equal(key_folder_issue(&k, KEY_NODE, "A"), EXAM_OK);
    key_folder_close(&k);
    assert_int_equal(ring_open(f, "nodes/A.key", KEY_NODE), EXAM_NOT_FOUND);
    assert_int_equal(key_folder_open(f->path, false, &nobody, &k), EXAM_NOT_FOUND);
}

/* A name in front of an address is optional, and is a name. */
static void test_node_address__may_have_a_name(void **state)
{
    static const char *const wrong[] = {"@h:1", "a b@h:1", "A@", "A@h", "A@B@h:1x", "A@:1"};
    struct node_address at[2];
    (void)state;
    struct node_address_list list = {.at = at, .room = 2};
    assert_int_equal(node_address_list_parse("A@10.0.0.1:7101,[::1]:7", &list, NULL), EXAM_OK);
    assert_string_equal(at[0].name, "A");
    assert_string_equal(at[0].host, "10.0.0.1");
    assert_string_equal(at[0].port, "7101");
    assert_string_equal(at[0].text, "A@10.0.0.1:7101");
    assert_string_equal(at[1].name, "");
    assert_string_equal(at[1].host, "::1");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        list = (struct node_address_list){.at = at, .room = 2};
        assert_int_equal(node_address_list_parse(wrong[i], &list, NULL), EXAM_INVALID);
    }
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_key_folder__makes_keys_that_open),
        WITH_FOLDER(test_key_folder__revokes_and_issues),
        WITH_FOLDER(test_key_folder__issues_persons),
        WITH_FOLDER(test_key_folder__keeps_the_authority_under_a_password),
        WITH_FOLDER(test_key_folder__takes_a_sites_id),
        WITH_FOLDER(test_key_folder__without_a_commit_nothing_counts),
        cmocka_unit_test(test_node_address__may_have_a_name),
    };

    return cmocka_run_group_tests_name("key_folder", tests, NULL, NULL);
}
