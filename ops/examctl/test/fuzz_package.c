/* fuzz_package.c - sealed packages from strangers (P2). The first byte says what the rest is: a
 * whole file; changes to a good one, of which none is ever taken; a content that was sealed and
 * signed, an archive of anything; the settings of a batch. What is taken is what a package may
 * hold, and reads back as the same. */
#include <string.h>

#include "batch_settings.h"
#include "fuzz.h"
#include "package_archive.h"
#include "package_open.h"
#include "package_seal.h"

enum { WHAT_FILE, WHAT_CHANGES, WHAT_ARCHIVE, WHAT_SETTINGS, WHATS };
enum { GOOD_ROOM = 4096, GOOD_TEXT_BYTES = 500, FILE_ROOM = 64 * 1024, CHANGES_MAX = 8 };

static const char password[] = "fuzz fuzz fuzz";
static struct key_file office;
static uint8_t good[GOOD_ROOM], changed[FILE_ROOM];
static size_t good_n;
static struct package_open opened;
static struct package_seal sealed;

/* A package of these bytes. Returns its length. */
static size_t seal(const uint8_t *bytes, size_t n, uint8_t *out, size_t room)
{
    const struct package_order order = {
        .office = &office, .batch = "B1", .password = password, .cost = &password_cost_least};
    FILE *to = fmemopen(out, room, "w");
    size_t used;

    require(to != NULL && package_seal_begin(&sealed, to, &order) == EXAM_OK);
    require(package_seal_write(&sealed, bytes, n) == EXAM_OK);
    require(package_seal_end(&sealed) == EXAM_OK);
    used = (size_t)ftell(to);
    require(fclose(to) == 0);
    return used;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const uint8_t site_id[SITE_ID_BYTES] = {1}, chance[KEY_BYTES] = {2};
    static const uint8_t text[GOOD_TEXT_BYTES] = {3};

    (void)argc;
    (void)argv;
    require(sodium_init() >= 0);
    key_file_make(&office, "wu", KEY_PERSON, site_id, chance, chance);
    good_n = seal(text, sizeof text, good, sizeof good);
    return 0;
}

static exam_err check(FILE *from)
{
    exam_err err = package_open_begin(&opened, from);

    require(err == EXAM_OK || opened.why[0] != 0);
    return err == EXAM_OK ? package_open_check(&opened) : err;
}

static exam_err read_sealed(void *ctx, const uint8_t **bytes, size_t *n)
{
    (void)ctx;
    return package_open_read(&opened, bytes, n);
}

/* Whoever signs it can have sealed what they like. */
static void expect_texts(exam_err err, struct import_texts *t, const char *why)
{
    require(err == EXAM_OK || why[0] != 0);
    if (err != EXAM_OK)
        return;
    require(t->n > IMPORT_PAPERS && t->n <= IMPORT_TEXTS_MAX);
    for (size_t i = 0; i < t->n; i++)
        require(t->at[i].bytes != NULL && t->at[i].n <= import_text_bytes_max(i));
    import_texts_wipe(t);
}

static void expect_file(struct fuzz_input *in)
{
    FILE *from;

    if (in->n == 0)
        return;
    memcpy(changed, in->at, in->n < FILE_ROOM ? in->n : FILE_ROOM);
    from = fmemopen(changed, in->n < FILE_ROOM ? in->n : FILE_ROOM, "r");
    require(from != NULL);
    if (check(from) == EXAM_OK)
        require(opened.header.batch[0] != 0 && opened.header.who[0] != 0);
    fclose(from);
}

static void expect_changes(struct fuzz_input *in)
{
    size_t n = good_n - fuzz_number(in, 2) % 3;
    FILE *from;

    memcpy(changed, good, good_n);
    for (int i = 0; i < CHANGES_MAX && in->n > 0; i++) {
        size_t at = fuzz_number(in, 2) % good_n;
        changed[at] ^= fuzz_byte(in);
    }
    from = fmemopen(changed, n, "r");
    require(from != NULL);
    require((check(from) == EXAM_OK) == (n == good_n && memcmp(changed, good, n) == 0));
    fclose(from);
}

static void expect_archive(struct fuzz_input *in)
{
    static struct import_texts texts;
    const struct package_source source = {.read = read_sealed};
    char why[PACKAGE_WHY_BYTES] = "";
    size_t n = seal(in->at, in->n, changed, sizeof changed);
    FILE *from = fmemopen(changed, n, "r");

    require(from != NULL && check(from) == EXAM_OK);
    require(package_open_unlock(&opened, password) == EXAM_OK);
    expect_texts(package_archive_read(&source, &texts, why), &texts, why);
    fclose(from);
}

static void expect_settings(struct fuzz_input *in)
{
    char *text = malloc(in->n + 1), again[BATCH_SETTINGS_BYTES_MAX];
    struct batch_settings s, t;
    size_t n;

    require(text != NULL);
    memcpy(text, in->at, in->n);
    if (batch_settings_parse(text, in->n, &s) == EXAM_OK) {
        require(batch_settings_format(&s, again, &n) == EXAM_OK);
        require(batch_settings_parse(again, n, &t) == EXAM_OK);
        require(strcmp(s.batch, t.batch) == 0 && strcmp(s.title, t.title) == 0);
        require(s.allot_ms == t.allot_ms && s.grace_ms == t.grace_ms && s.timing == t.timing &&
                s.entry_wall_ms == t.entry_wall_ms);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};

    switch (fuzz_byte(&in) % WHATS) {
    case WHAT_FILE:
        expect_file(&in);
        break;
    case WHAT_CHANGES:
        expect_changes(&in);
        break;
    case WHAT_ARCHIVE:
        if (in.n > 0)
            expect_archive(&in);
        break;
    default:
        expect_settings(&in);
        break;
    }
    return 0;
}
