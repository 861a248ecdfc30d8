/* Sealed packages (P2): what goes in comes out, and nothing else is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>

#include "batch_settings.h"
#include "package_archive.h"
#include "package_open.h"
#include "package_seal.h"
#include "seed.h"

enum { PACKAGE_ROOM = 512 * 1024, TEXT_ROOM = 300 * 1024 };

static const char password[] = "correct horse battery";

struct fixture {
    struct key_file authority, office, other;
    struct key_roster *roster;
    uint8_t site_id[SITE_ID_BYTES];
    uint8_t package[PACKAGE_ROOM];
    size_t n;
    uint8_t text[TEXT_ROOM], got[TEXT_ROOM];
    size_t got_n;
    struct package_open open;
    uint64_t seed;
};

static void person_make(struct fixture *f, const char *name, struct key_file *k)
{
    uint8_t chance[KEY_BYTES];

    randombytes_buf(chance, sizeof chance);
    key_file_make(k, name, KEY_PERSON, f->site_id, f->authority.sign_public, chance);
}

static void person_add(struct fixture *f, const struct key_file *k, enum key_role role)
{
    struct key_entry e;

    key_entry_of(k, &e);
    e.role = role;
    assert_int_equal(key_roster_add(f->roster, &e), EXAM_OK);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    uint8_t chance[KEY_BYTES];

    if (f == NULL || sodium_init() < 0)
        return -1;
    f->seed = seed_of_run("test_package");
    randombytes_buf(f->site_id, sizeof f->site_id);
    randombytes_buf(chance, sizeof chance);
    key_file_make(&f->authority, "authority", KEY_AUTHORITY, f->site_id, NULL, chance);
    person_make(f, "wu", &f->office);
    person_make(f, "wang", &f->other);
    assert_int_equal(key_roster_new(f->site_id, &f->roster), EXAM_OK);
    key_roster_next(f->roster);
    person_add(f, &f->office, KEY_ROLE_OFFICE);
    person_add(f, &f->other, KEY_ROLE_ADMINISTRATOR);
    for (size_t i = 0; i < sizeof f->text; i++)
        f->text[i] = (uint8_t)seed_next(&f->seed);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    key_roster_free(f->roster);
    free(f);
    return 0;
}

/* A package of the first n bytes of f->text, written in pieces of chance. */
static void seal(struct fixture *f, const struct key_file *k, size_t n)
{
    const struct package_order order = {.office = k,
                                        .batch = "B1",
                                        .password = password,
                                        .cost = &password_cost_least,
                                        .made_wall_ms = 1795296065507};
    FILE *to = fmemopen(f->package, sizeof f->package, "w");
    struct package_seal *s = malloc(sizeof *s);

    assert_non_null(to);
    assert_non_null(s);
    assert_int_equal(package_seal_begin(s, to, &order), EXAM_OK);
    for (size_t at = 0, take; at < n; at += take) {
        take = 1 + seed_below(&f->seed, 2 * PACKAGE_CHUNK_BYTES);
        take = take < n - at ? take : n - at;
        assert_int_equal(package_seal_write(s, f->text + at, take), EXAM_OK);
    }
    assert_int_equal(package_seal_end(s), EXAM_OK);
    package_seal_fini(s);
    free(s);
    f->n = (size_t)ftell(to);
    assert_int_equal(fclose(to), 0);
}

/* As one who has the office's key, and not the password. */
static void sign_again(struct fixture *f)
{
    crypto_generichash_state hash;
    uint8_t digest[PACKAGE_DIGEST_BYTES];
    size_t n = f->n - KEY_SIGNATURE_BYTES;

    package_digest_begin(&hash);
    crypto_generichash_update(&hash, f->package, n);
    crypto_generichash_final(&hash, digest, sizeof digest);
    package_sign(&f->office, digest, f->package + n);
}

static exam_err begin(struct fixture *f, FILE **from)
{
    *from = fmemopen(f->package, f->n, "r");
    assert_non_null(*from);
    setvbuf(*from, NULL, _IONBF, 0);
    return package_open_begin(&f->open, *from);
}

static exam_err read_all(struct fixture *f)
{
    const uint8_t *at;
    size_t n = 1;
    exam_err err = EXAM_OK;

    f->got_n = 0;
    while (err == EXAM_OK && n > 0) {
        err = package_open_read(&f->open, &at, &n);
        if (err == EXAM_OK) {
            assert_true(n <= sizeof f->got - f->got_n);
            memcpy(f->got + f->got_n, at, n);
            f->got_n += n;
        }
    }
    return err;
}

/* Everything that an import does with it. */
static exam_err open_all(struct fixture *f, const char *with)
{
    FILE *from;
    exam_err err = begin(f, &from);

    if (err == EXAM_OK)
        err = package_signer_check(&f->open.header, f->roster, f->open.why);
    if (err == EXAM_OK)
        err = package_open_check(&f->open);
    if (err == EXAM_OK)
        err = package_open_unlock(&f->open, with);
    if (err == EXAM_OK)
        err = read_all(f);
    fclose(from);
    return err;
}

static void expect_why(const struct fixture *f, const char *text)
{
    if (strstr(f->open.why, text) == NULL)
        fail_msg("expected '%s' in: %s", text, f->open.why);
}

/* Whatever its length, around the ends of chunks above all. */
static void test_package__gives_back_what_was_sealed(void **state)
{
    static const size_t sizes[] = {1,
                                   1000,
                                   PACKAGE_CHUNK_BYTES - 1,
                                   PACKAGE_CHUNK_BYTES,
                                   PACKAGE_CHUNK_BYTES + 1,
                                   3 * PACKAGE_CHUNK_BYTES,
                                   4 * PACKAGE_CHUNK_BYTES + 17};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        seal(f, &f->office, sizes[i]);
        assert_int_equal(open_all(f, password), EXAM_OK);
        assert_int_equal(f->got_n, sizes[i]);
        assert_memory_equal(f->got, f->text, sizes[i]);
        assert_string_equal(f->open.header.batch, "B1");
        assert_string_equal(f->open.header.who, "wu");
        assert_true(f->open.header.made_wall_ms == 1795296065507);
    }
}

/* Nothing of the content is in the file, and another password opens nothing. */
static void test_package__is_closed(void **state)
{
    static const char secret[] = "what is the largest prime number";
    struct fixture *f = *state;

    memcpy(f->text + 100, secret, sizeof secret);
    seal(f, &f->office, 1000);
    assert_null(memmem(f->package, f->n, secret, 12));
    assert_null(memmem(f->package, f->n, f->text, 8));
    assert_int_equal(open_all(f, "correct horse batterx"), EXAM_AUTH);
    expect_why(f, "not its password");
    assert_int_equal(f->got_n, 0);
}

/* P2: a byte changed anywhere, and all of it is refused before anything is decrypted. */
static void test_package__refuses_any_changed_byte(void **state)
{
    struct fixture *f = *state;
    FILE *from;

    seal(f, &f->office, 700);
    for (size_t i = 0; i < f->n; i++) {
        uint8_t change = (uint8_t)(1 + seed_below(&f->seed, 255));
        exam_err err;

        f->package[i] ^= change;
        err = begin(f, &from);
        if (err == EXAM_OK)
            err = package_open_check(&f->open);
        fclose(from);
        if (err == EXAM_OK || f->open.why[0] == '\0')
            fail_msg("byte %zu changed by %u: %d '%s'", i, change, err, f->open.why);
        f->package[i] ^= change;
    }
    assert_int_equal(open_all(f, password), EXAM_OK);
}

/* Cut off anywhere, or longer than it was. */
static void test_package__refuses_another_length(void **state)
{
    struct fixture *f = *state;
    size_t whole;

    seal(f, &f->office, 700);
    whole = f->n;
    for (f->n = 1; f->n < whole; f->n++)
        assert_int_not_equal(open_all(f, password), EXAM_OK);
    f->n = whole + 1;
    f->package[whole] = 0;
    assert_int_equal(open_all(f, password), EXAM_AUTH);
    expect_why(f, "cut off, or changed");
    f->n = whole;
    assert_int_equal(open_all(f, password), EXAM_OK);
}

/* Whoever has the office's key and not the password can make nothing of a package either: neither
 * another content nor another header around it. */
static void test_package__content_belongs_to_its_password(void **state)
{
    struct fixture *f = *state;
    size_t line;

    seal(f, &f->office, 3 * PACKAGE_CHUNK_BYTES + 100);
    line = (size_t)((uint8_t *)memchr(f->package, '\n', f->n) - f->package) + 1;
    for (size_t i = 0; i < 40; i++) {
        size_t at = line + seed_below(&f->seed, f->n - line - KEY_SIGNATURE_BYTES);

        f->package[at] ^= 0x40;
        sign_again(f);
        assert_int_equal(open_all(f, password), EXAM_CORRUPT);
        f->package[at] ^= 0x40;
    }
    memcpy(memmem(f->package, line, "B1", 2), "B2", 2);
    sign_again(f);
    assert_int_equal(open_all(f, password), EXAM_AUTH);
    expect_why(f, "not its password");
}

/* Chunks left out at the end, or in the middle, or swapped, and signed. */
static void test_package__content_is_whole_and_in_order(void **state)
{
    enum { SEALED = PACKAGE_CHUNK_BYTES + crypto_secretstream_xchacha20poly1305_ABYTES };
    struct fixture *f = *state;
    static uint8_t first[SEALED];
    size_t chunks, whole;

    seal(f, &f->office, 3 * PACKAGE_CHUNK_BYTES);
    whole = f->n;
    chunks = (size_t)((uint8_t *)memchr(f->package, '\n', f->n) - f->package) + 1 +
             crypto_secretstream_xchacha20poly1305_HEADERBYTES;
    f->n = whole - SEALED;
    sign_again(f);
    assert_int_equal(open_all(f, password), EXAM_CORRUPT);
    expect_why(f, "ends where it should not");
    seal(f, &f->office, 3 * PACKAGE_CHUNK_BYTES);
    memcpy(first, f->package + chunks, SEALED);
    memmove(f->package + chunks, f->package + chunks + SEALED, SEALED);
    memcpy(f->package + chunks + SEALED, first, SEALED);
    sign_again(f);
    assert_int_equal(open_all(f, password), EXAM_CORRUPT);
    assert_int_equal(f->got_n, 0);
}

/* What was checked is what is used, though the file lies where others may write. */
static void test_package__may_not_change_while_it_is_read(void **state)
{
    struct fixture *f = *state;
    FILE *from;

    seal(f, &f->office, 700);
    assert_int_equal(begin(f, &from), EXAM_OK);
    assert_int_equal(package_open_check(&f->open), EXAM_OK);
    memcpy(memmem(f->package, f->n, "wu", 2), "li", 2);
    assert_int_equal(package_open_unlock(&f->open, password), EXAM_OK);
    assert_int_equal(read_all(f), EXAM_CORRUPT);
    expect_why(f, "changed while it was read");
    fclose(from);
}

/* P2: only the exam office's key, good, of this site, and of the person that it says. */
static void test_package__is_the_exam_offices(void **state)
{
    struct fixture *f = *state;
    struct key_file stranger, named;

    seal(f, &f->other, 100);
    assert_int_equal(open_all(f, password), EXAM_REFUSED);
    expect_why(f, "signed by wang, who is administrator");
    person_make(f, "wu", &stranger);
    seal(f, &stranger, 100);
    assert_int_equal(open_all(f, password), EXAM_NOT_FOUND);
    expect_why(f, "does not list");
    named = f->office;
    strcpy(named.name, "chen");
    seal(f, &named, 100);
    assert_int_equal(open_all(f, password), EXAM_REFUSED);
    expect_why(f, "chen has made it, and the key is wu's");
    named = f->office;
    named.site_id[3] ^= 1;
    seal(f, &named, 100);
    assert_int_equal(open_all(f, password), EXAM_OTHER_SITE);
    expect_why(f, "for another site");
    seal(f, &f->office, 100);
    assert_int_equal(open_all(f, password), EXAM_OK);
    key_roster_next(f->roster);
    assert_int_equal(key_roster_revoke(f->roster, "wu", KEY_PERSON), EXAM_OK);
    assert_int_equal(open_all(f, password), EXAM_REFUSED);
    expect_why(f, "revoked by roster 2");
}

/* A header asks for no more work than any package's, has all its values, and nothing else. */
static void test_package_header__is_bounded(void **state)
{
    static const struct {
        const char *from, *to;
        exam_err err;
    } cases[] = {
        {"argon2id 1 ", "argon2id 17 ", EXAM_TOO_BIG},
        {"argon2id 1 8192 ", "argon2id 1 4294967296 ", EXAM_TOO_BIG},
        {"argon2id 1 8192 ", "argon2id 0 8192 ", EXAM_INVALID},
        {"argon2id", "argon2i", EXAM_INVALID},
        {"shunyan-package-1", "shunyan-package-2", EXAM_VERSION},
        {"\"batch\": \"B1\"", "\"batch\": \"../B1\"", EXAM_INVALID},
        {"\"who\": \"wu\"", "\"who\": 7", EXAM_MALFORMED},
        {"\"who\": \"wu\"", "\"who\": \"wu\", \"who\": \"wu\"", EXAM_MALFORMED},
        {"\"who\": \"wu\"", "\"who\": \"wu\", \"more\": 1", EXAM_MALFORMED},
        {"\"made_wall_ms\": 1", "\"made_wall_ms\": -1", EXAM_INVALID},
        {"{", "[", EXAM_MALFORMED},
    };
    struct fixture *f = *state;
    struct package_header h;
    char line[PACKAGE_LINE_BYTES_MAX], changed[2 * PACKAGE_LINE_BYTES_MAX];
    char why[PACKAGE_WHY_BYTES];
    size_t n;

    seal(f, &f->office, 10);
    assert_int_equal(open_all(f, password), EXAM_OK);
    assert_int_equal(package_header_format(&f->open.header, line, &n), EXAM_OK);
    assert_memory_equal(line, f->package, n);
    assert_int_equal(package_header_parse(line, n - 1, &h, why), EXAM_OK);
    assert_memory_equal(&h.box, &f->open.header.box, sizeof h.box);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *at = strstr(line, cases[i].from);

        assert_non_null(at);
        snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - line), line, cases[i].to,
                 at + strlen(cases[i].from));
        why[0] = '\0';
        assert_int_equal(package_header_parse(changed, strlen(changed), &h, why), cases[i].err);
        assert_true(why[0] != '\0');
    }
    memset(changed, ' ', sizeof changed);
    assert_int_equal(package_header_parse(changed, sizeof changed, &h, why), EXAM_MALFORMED);
}

/* ---------------------------------------------------------------- archives */

struct memory {
    uint8_t *bytes;
    size_t n, room, at, step;
    size_t fails_at; /* 0: never */
};

static exam_err memory_write(void *ctx, const void *bytes, size_t n)
{
    struct memory *m = ctx;

    if (n > m->room - m->n)
        return EXAM_FULL;
    memcpy(m->bytes + m->n, bytes, n);
    m->n += n;
    return EXAM_OK;
}

static exam_err memory_read(void *ctx, const uint8_t **bytes, size_t *n)
{
    struct memory *m = ctx;
    size_t left = m->n - m->at;

    if (m->fails_at > 0 && m->at >= m->fails_at)
        return EXAM_CORRUPT;
    *n = left < m->step ? left : m->step;
    *bytes = m->bytes + m->at;
    m->at += *n;
    return EXAM_OK;
}

static void text_set(struct import_texts *t, size_t i, const void *bytes, size_t n)
{
    t->at[i] = (struct import_text){.bytes = malloc(n + 1), .n = n};
    assert_non_null(t->at[i].bytes);
    memcpy(t->at[i].bytes, bytes, n);
    t->n = t->n > i ? t->n : i + 1;
}

/* All texts, byte for byte, an empty one too, in whatever pieces they come. */
static void test_package_archive__gives_back_all_texts(void **state)
{
    struct fixture *f = *state;
    struct import_texts *in = calloc(1, sizeof *in), *out = calloc(1, sizeof *out);
    struct memory m = {.bytes = f->package, .room = sizeof f->package};
    const struct package_sink sink = {memory_write, &m};
    const struct package_source source = {memory_read, &m};
    char why[PACKAGE_WHY_BYTES] = "";

    text_set(in, IMPORT_SETTINGS, f->text, 200);
    text_set(in, IMPORT_ROOMS, f->text, 0);
    text_set(in, IMPORT_ROSTER, f->text + 5, 100000);
    text_set(in, IMPORT_PAPERS, f->text + 9, 512);
    text_set(in, IMPORT_PAPERS + 1, f->text + 11, 70001);
    assert_int_equal(package_archive_write(in, &sink), EXAM_OK);
    for (size_t step = 1; step < 200000; step = 3 * step + 1) {
        m.at = 0;
        m.step = step;
        assert_int_equal(package_archive_read(&source, out, why), EXAM_OK);
        assert_int_equal(out->n, in->n);
        for (size_t i = 0; i < in->n; i++) {
            assert_int_equal(out->at[i].n, in->at[i].n);
            assert_memory_equal(out->at[i].bytes, in->at[i].bytes, in->at[i].n);
        }
        import_texts_wipe(out);
    }
    m = (struct memory){.bytes = f->package, .room = 5000};
    assert_int_equal(package_archive_write(in, &sink), EXAM_FULL);
    import_texts_wipe(in);
    free(in);
    free(out);
}

struct member {
    const char *name;
    mode_t type; /* 0: a plain file */
    const char *link;
    size_t bytes;
};

/* A tar file as anybody can make one. */
static size_t tar_make(struct fixture *f, const struct member *members, size_t n)
{
    struct archive *a = archive_write_new();
    size_t used = 0;

    assert_int_equal(archive_write_set_format_pax_restricted(a), ARCHIVE_OK);
    assert_int_equal(archive_write_open_memory(a, f->package, sizeof f->package, &used),
                     ARCHIVE_OK);
    for (size_t i = 0; i < n; i++) {
        struct archive_entry *e = archive_entry_new();

        archive_entry_set_pathname(e, members[i].name);
        archive_entry_set_filetype(e, members[i].type != 0 ? members[i].type : AE_IFREG);
        archive_entry_set_perm(e, 0600);
        archive_entry_set_size(e, (la_int64_t)members[i].bytes);
        if (members[i].link != NULL && members[i].type == AE_IFLNK)
            archive_entry_set_symlink(e, members[i].link);
        else if (members[i].link != NULL)
            archive_entry_set_hardlink(e, members[i].link);
        assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
        archive_entry_free(e);
        for (size_t left = members[i].bytes; left > 0;) {
            size_t take = left < TEXT_ROOM ? left : TEXT_ROOM;

            (void)archive_write_data(a, f->text, take);
            left -= take;
        }
    }
    (void)archive_write_close(a);
    archive_write_free(a);
    return used;
}

static exam_err tar_read(struct fixture *f, size_t n, char why[PACKAGE_WHY_BYTES])
{
    struct import_texts *out = calloc(1, sizeof *out);
    struct memory m = {.bytes = f->package, .n = n, .step = 10240};
    const struct package_source source = {memory_read, &m};
    exam_err err = package_archive_read(&source, out, why);

    if (err == EXAM_OK)
        import_texts_wipe(out);
    assert_int_equal(out->n, 0);
    free(out);
    return err;
}

#define GOOD_HEAD                                                                                  \
    {"batch.json", 0, NULL, 10}, {"rooms.csv", 0, NULL, 20},                                       \
    {                                                                                              \
        "roster.csv", 0, NULL, 30                                                                  \
    }

/* No member is anything else than what belongs there: no path, no link, no second of a name. */
static void test_package_archive__takes_its_own_members_only(void **state)
{
    static const struct {
        const char *why;
        struct member at[5];
        exam_err err;
    } cases[] = {
        {"", {GOOD_HEAD, {"papers/001.json", 0, NULL, 9}}, EXAM_OK},
        {"'../rooms.csv', does not belong",
         {{"batch.json", 0, NULL, 1}, {"../rooms.csv", 0, NULL, 1}},
         EXAM_MALFORMED},
        {"'/etc/passwd', does not belong", {{"/etc/passwd", 0, NULL, 1}}, EXAM_MALFORMED},
        {"'papers/../../x', does not", {GOOD_HEAD, {"papers/../../x", 0, NULL, 1}}, EXAM_MALFORMED},
        {"'./batch.json', does not", {{"./batch.json", 0, NULL, 1}}, EXAM_MALFORMED},
        {"is no plain file",
         {{"batch.json", 0, NULL, 1}, {"rooms.csv", AE_IFLNK, "/etc/shadow", 0}},
         EXAM_MALFORMED},
        {"is no plain file",
         {{"batch.json", 0, NULL, 1}, {"rooms.csv", 0, "batch.json", 0}},
         EXAM_MALFORMED},
        {"does not belong", {{"batch.json", AE_IFDIR, NULL, 0}}, EXAM_MALFORMED},
        {"is no plain file", {{"batch.json", AE_IFIFO, NULL, 0}}, EXAM_MALFORMED},
        {"'batch.json', does not",
         {{"batch.json", 0, NULL, 1}, {"batch.json", 0, NULL, 1}},
         EXAM_MALFORMED},
        {"'roster.csv', does not belong into a package; rooms.csv belongs there",
         {{"batch.json", 0, NULL, 1}, {"roster.csv", 0, NULL, 1}},
         EXAM_MALFORMED},
        {"'papers/002.json', does", {GOOD_HEAD, {"papers/002.json", 0, NULL, 1}}, EXAM_MALFORMED},
        {"are missing", {GOOD_HEAD}, EXAM_MALFORMED},
        {"is larger than", {{"batch.json", 0, NULL, BATCH_SETTINGS_BYTES_MAX + 1}}, EXAM_TOO_BIG},
        {"is larger than",
         {GOOD_HEAD, {"papers/001.json", 0, NULL, PAPER_BYTES_MAX + 1}},
         EXAM_TOO_BIG},
    };
    struct fixture *f = *state;
    char why[PACKAGE_WHY_BYTES];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = 0;
        exam_err err;

        while (n < 5 && cases[i].at[n].name != NULL)
            n++;
        why[0] = '\0';
        err = tar_read(f, tar_make(f, cases[i].at, n), why);
        if (err != cases[i].err || strstr(why, cases[i].why) == NULL)
            fail_msg("case %zu: %d '%s', and not %d '%s'", i, err, why, cases[i].err, cases[i].why);
    }
}

/* Cut off anywhere, or no archive at all. */
static void test_package_archive__is_whole(void **state)
{
    static const struct member good[] = {GOOD_HEAD, {"papers/001.json", 0, NULL, 3000}};
    struct fixture *f = *state;
    char why[PACKAGE_WHY_BYTES];

    (void)tar_make(f, good, 4);
    for (size_t n = 0; n < 4 * 512 + 3 * 512 + 3000; n += 1 + seed_below(&f->seed, 64))
        assert_int_equal(tar_read(f, n, why), EXAM_MALFORMED);
    memcpy(f->package, f->text, 20480);
    assert_int_equal(tar_read(f, 20480, why), EXAM_MALFORMED);
}

/* The source has the last word, behind the archive's end, too: only there it knows that all of it
 * was good. Its error is handed on as it is. */
static void test_package_archive__is_not_more_than_its_source(void **state)
{
    static const struct member good[] = {GOOD_HEAD, {"papers/001.json", 0, NULL, 3000}};
    struct fixture *f = *state;
    struct import_texts *out = calloc(1, sizeof *out);
    struct memory m = {.bytes = f->package, .step = 1024, .n = tar_make(f, good, 4)};
    const struct package_source source = {memory_read, &m};
    char why[PACKAGE_WHY_BYTES] = "as it was";

    for (m.fails_at = 1024; m.fails_at <= m.n; m.fails_at += 1024) {
        m.at = 0;
        assert_int_equal(package_archive_read(&source, out, why), EXAM_CORRUPT);
        assert_string_equal(why, "as it was");
        assert_int_equal(out->n, 0);
    }
    m.at = m.fails_at = 0;
    assert_int_equal(package_archive_read(&source, out, why), EXAM_OK);
    import_texts_wipe(out);
    free(out);
}

/* ---------------------------------------------------------------- settings */

/* Text and back; every value has its kind and its range. */
static void test_batch_settings__text_and_back(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"format\":\"shunyan-batch-2\",\"batch\":\"B1\",\"title\":\"t\",\"allot_ms\":0,"
        "\"grace_ms\":0,\"entry_wall_ms\":0,\"timing\":\"common\"}",
        "{\"format\":\"shunyan-batch-1\",\"batch\":\"B 1\",\"title\":\"t\",\"allot_ms\":0,"
        "\"grace_ms\":0,\"entry_wall_ms\":0,\"timing\":\"common\"}",
        "{\"format\":\"shunyan-batch-1\",\"batch\":\"B1\",\"title\":\"\",\"allot_ms\":0,"
        "\"grace_ms\":0,\"entry_wall_ms\":0,\"timing\":\"common\"}",
        "{\"format\":\"shunyan-batch-1\",\"batch\":\"B1\",\"title\":\"t\",\"allot_ms\":-1,"
        "\"grace_ms\":0,\"entry_wall_ms\":0,\"timing\":\"common\"}",
        "{\"format\":\"shunyan-batch-1\",\"batch\":\"B1\",\"title\":\"t\",\"allot_ms\":0,"
        "\"grace_ms\":0,\"entry_wall_ms\":0,\"timing\":\"mine\"}",
    };
    const struct batch_settings s = {.batch = "B1",
                                     .title = "电工三级",
                                     .allot_ms = 3600000,
                                     .grace_ms = 20000,
                                     .entry_wall_ms = 1795296065507,
                                     .timing = EV__TIMING__TIMING_PERSONAL};
    struct batch_settings got = {.allot_ms = 1};
    char text[BATCH_SETTINGS_BYTES_MAX];
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_not_equal(batch_settings_parse(bad[i], strlen(bad[i]), &got), EXAM_OK);
    assert_int_equal(got.allot_ms, 1);
    assert_int_equal(batch_settings_format(&s, text, &n), EXAM_OK);
    assert_int_equal(batch_settings_parse(text, n, &got), EXAM_OK);
    assert_string_equal(got.batch, s.batch);
    assert_string_equal(got.title, s.title);
    assert_true(got.allot_ms == s.allot_ms && got.grace_ms == s.grace_ms &&
                got.entry_wall_ms == s.entry_wall_ms && got.timing == s.timing);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_package__gives_back_what_was_sealed),
        TEST(test_package__is_closed),
        TEST(test_package__refuses_any_changed_byte),
        TEST(test_package__refuses_another_length),
        TEST(test_package__content_belongs_to_its_password),
        TEST(test_package__content_is_whole_and_in_order),
        TEST(test_package__may_not_change_while_it_is_read),
        TEST(test_package__is_the_exam_offices),
        TEST(test_package_header__is_bounded),
        TEST(test_package_archive__gives_back_all_texts),
        TEST(test_package_archive__takes_its_own_members_only),
        TEST(test_package_archive__is_whole),
        TEST(test_package_archive__is_not_more_than_its_source),
        TEST(test_batch_settings__text_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
