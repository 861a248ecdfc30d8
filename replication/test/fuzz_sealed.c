/* fuzz_sealed.c - sealed fields, data keys' files and boxes under a password: whatever is in one,
 * it is refused or taken; what was opened, sealed again, is the same bytes; what was read, written
 * again, is read as the same. The input is a sealed value, a sealed name, and a data key's file. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "data_key.h"
#include "fuzz.h"

enum { WHY_BYTES = 256 };

static const uint8_t SITE[SITE_ID_BYTES] = {1, 2, 3}, KEY[DATA_KEY_BYTES] = {7};
static const struct sealed_place PLACE = {
    .kind = SEALED_ANSWER, .site_id = SITE, .batch = "B1", .candidate = "1001", .item = "q1"};
static struct sealed_keys keys;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    require(sodium_init() >= 0);
    sealed_keys_of(KEY, &keys);
    return 0;
}

static void expect_value(const uint8_t *data, size_t size)
{
    uint8_t opened[ANSWER_BYTES_MAX], again[ANSWER_STORED_BYTES_MAX];
    size_t n;

    if (sealed_open(&keys, &PLACE, data, size, opened, &n) != EXAM_OK)
        return;
    require(sealed_value_is(data, size) && n <= ANSWER_BYTES_MAX);
    require(sealed_seal(&keys, &PLACE, opened, n, again) == size);
    require(memcmp(again, data, size) == 0);
}

/* What somebody who has the key could have made: it opens, whatever is in it. */
static void expect_round(const uint8_t *data, size_t size)
{
    uint8_t sealed[ANSWER_STORED_BYTES_MAX], opened[ANSWER_BYTES_MAX];
    size_t n = size < ANSWER_BYTES_MAX ? size : ANSWER_BYTES_MAX, opened_n;
    size_t sealed_n = sealed_seal(&keys, &PLACE, data, n, sealed);

    require(sealed_open(&keys, &PLACE, sealed, sealed_n, opened, &opened_n) == EXAM_OK);
    require(opened_n == n && (n == 0 || memcmp(opened, data, n) == 0));
}

static void expect_name(const char *text)
{
    char opened[PERSON_BYTES_MAX + 1], again[PERSON_STORED_BYTES_MAX + 1];
    struct sealed_place at = PLACE;

    at.kind = SEALED_NAME;
    if (sealed_name_open(&keys, &at, text, opened) != EXAM_OK)
        return;
    require(sealed_name_is(text) && strlen(opened) <= PERSON_BYTES_MAX);
    sealed_name_seal(&keys, &at, opened, again);
    require(strcmp(again, text) == 0);
}

static void expect_file(const char *text, size_t n)
{
    char why[WHY_BYTES] = "", written[DATA_KEY_FILE_BYTES_MAX];
    struct data_key_file f, again;
    size_t written_n;

    if (data_key_file_parse(text, n, &f, why, sizeof why) != EXAM_OK) {
        require(why[0] != '\0');
        return;
    }
    require(data_key_file_format(&f, written, &written_n) == EXAM_OK);
    require(data_key_file_parse(written, written_n, &again, why, sizeof why) == EXAM_OK);
    require(f.boxed == again.boxed && memcmp(f.id, again.id, sizeof f.id) == 0 &&
            memcmp(f.site_id, again.site_id, sizeof f.site_id) == 0 &&
            memcmp(f.key, again.key, sizeof f.key) == 0 &&
            memcmp(&f.box, &again.box, sizeof f.box) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    require(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    expect_value(data, size);
    expect_round(data, size);
    expect_name(text);
    expect_file(text, size);
    free(text);
    return 0;
}
