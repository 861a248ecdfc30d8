/* fuzz_keys.c - key files and rosters of keys: whatever is in one, it is refused with a reason or
 * taken; what was taken, written again, is taken as the same; and what the authority has not signed
 * is no roster. The input is a key file, a roster, what an authority might sign, and what says
 * which roster was used last. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "site_keys.h"

enum { WHY_BYTES = 256 };

static struct site_keys site;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    require(sodium_init() >= 0);
    site_keys_init(&site, 7);
    return 0;
}

static void expect_key_file(const char *text, size_t n)
{
    struct key_file k, again;
    char why[WHY_BYTES] = "", written[KEY_FILE_BYTES_MAX];
    size_t written_n;

    memset(&k, 0, sizeof k);
    memset(&again, 0, sizeof again);
    if (key_file_parse(text, n, NULL, &k, why, sizeof why) != EXAM_OK) {
        require(why[0] != 0 && k.name[0] == 0);
        return;
    }
    require(key_file_format(&k, written, &written_n) == EXAM_OK);
    require(key_file_parse(written, written_n, NULL, &again, why, sizeof why) == EXAM_OK);
    require(strcmp(k.name, again.name) == 0 && k.kind == again.kind &&
            memcmp(k.site_id, again.site_id, sizeof k.site_id) == 0 &&
            memcmp(k.authority, again.authority, sizeof k.authority) == 0 &&
            memcmp(&k.pair, &again.pair, sizeof k.pair) == 0 &&
            memcmp(k.seed, again.seed, KEY_BYTES) == 0 &&
            memcmp(k.sign_public, again.sign_public, KEY_BYTES) == 0);
}

static exam_err parse_roster(const char *text, size_t n, struct key_roster **out)
{
    char why[WHY_BYTES] = "";
    exam_err err = key_roster_parse(text, n, site.authority.authority, site.authority.site_id, out,
                                    why, sizeof why);

    require(err == EXAM_OK || (why[0] != 0 && *out == NULL));
    return err;
}

static void expect_same(const struct key_roster *a, const struct key_roster *b)
{
    require(key_roster_version(a) == key_roster_version(b));
    require(key_roster_accepts(a) == key_roster_accepts(b));
    require(key_roster_keys(a) == key_roster_keys(b));
    const uint8_t *x_id = key_roster_data_id(a), *y_id = key_roster_data_id(b);
    require(!x_id == !y_id && (!x_id || memcmp(x_id, y_id, DATA_ID_BYTES) == 0));
    for (size_t i = 0; i < key_roster_keys(a); i++) {
        const struct key_entry *x = key_roster_at(a, i), *y = key_roster_at(b, i);
        require(strcmp(x->name, y->name) == 0 && x->kind == y->kind && x->revoked == y->revoked &&
                memcmp(x->public, y->public, KEY_BYTES) == 0 &&
                memcmp(x->sign_public, y->sign_public, KEY_BYTES) == 0 && x->role == y->role &&
                x->rooms_n == y->rooms_n && memcmp(x->rooms, y->rooms, sizeof x->rooms) == 0);
        require(key_roster_find_key(a, x->public) == x);
        require(key_roster_find_sign(a, x->sign_public) == x);
        require(x->revoked != 0 || key_roster_find_name(a, x->kind, x->name) == x);
    }
}

/* As the authority would have signed it. */
static char *signed_text(const uint8_t *body, size_t n, size_t *text_n)
{
    static const char format[] = "shunyan-roster-2 ";
    uint8_t signature[crypto_sign_BYTES];
    size_t head = sizeof format - 1 + 2 * sizeof signature + 1;
    char *text = malloc(head + 1 + n);

    require(text != NULL);
    crypto_sign_detached(signature, NULL, body, n, site.authority.sign_secret);
    strcpy(text, format);
    sodium_bin2hex(text + sizeof format - 1, 2 * sizeof signature + 1, signature, sizeof signature);
    text[head - 1] = '\n';
    if (n > 0)
        memcpy(text + head, body, n);
    *text_n = head + n;
    return text;
}

static void expect_roster(const uint8_t *body, size_t n)
{
    struct key_roster *r = NULL, *again = NULL;
    size_t text_n, written_n;
    char *text = signed_text(body, n, &text_n), *written;
    exam_err err = parse_roster(text, text_n, &r);

    free(text);
    require(err != EXAM_AUTH); /* the signature was good */
    if (err != EXAM_OK)
        return;
    require(key_roster_format(r, &site.authority, &written, &written_n) == EXAM_OK);
    require(parse_roster(written, written_n, &again) == EXAM_OK);
    expect_same(r, again);
    written[written_n - 2] ^= 1; /* and a changed byte makes it nobody's */
    key_roster_free(again);
    again = NULL;
    require(parse_roster(written, written_n, &again) == EXAM_AUTH);
    free(written);
    key_roster_free(r);
}

/* It is of one authority, and of others it says that nothing is known. */
static void expect_memory(const char *text, size_t n)
{
    static const uint8_t nobody[KEY_BYTES];
    uint64_t version = UINT64_MAX, others = UINT64_MAX;
    exam_err err = roster_memory_parse(text, n, site.authority.authority, &version);

    require(err == EXAM_OK || (err == EXAM_CORRUPT && version == UINT64_MAX));
    require(roster_memory_parse(text, n, nobody, &others) == err);
    require(err != EXAM_OK || version == 0 || others == 0);
    require(err != EXAM_OK || (version <= INT64_MAX && others <= INT64_MAX));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct key_roster *r = NULL;

    expect_key_file((const char *)data, size);
    require(parse_roster((const char *)data, size, &r) != EXAM_OK);
    expect_roster(data, size);
    expect_memory((const char *)data, size);
    return 0;
}
