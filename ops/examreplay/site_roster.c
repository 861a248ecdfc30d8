#include "site_roster.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "input_file.h"
#include "keyring.h"
#include "language.h"
#include "report.h"

static bool authority_take(const char *hex, uint8_t out[KEY_BYTES])
{
    const char *end;
    size_t n;

    return hex != NULL && sodium_hex2bin(out, KEY_BYTES, hex, strlen(hex), NULL, &n, &end) == 0 &&
           n == KEY_BYTES && *end == '\0';
}

/* Any key file of the site names its authority; that part of it is no secret. */
static enum exit_code authority_of_file(const char *path, uint8_t out[KEY_BYTES])
{
    size_t n;
    char *text = input_file_told(path, KEY_FILE_BYTES_MAX, &n);
    json_t *root;
    bool good;

    if (text == NULL)
        return EXIT_CODE_BAD_INPUT;
    root = json_loadb(text, n, 0, NULL);
    sodium_memzero(text, n);
    free(text);
    good = authority_take(json_string_value(json_object_get(root, "authority")), out);
    json_decref(root);
    if (good)
        return EXIT_CODE_DONE;
    report_error(_("%s is neither a key file of the site nor its authority's public key"), path);
    return EXIT_CODE_BAD_INPUT;
}

enum exit_code site_roster_read(const char *roster, const char *authority, struct key_roster **out)
{
    char why[KEYRING_WHY_BYTES] = "";
    uint8_t key[KEY_BYTES];
    enum exit_code exit_code = EXIT_CODE_DONE;

    *out = NULL;
    if (roster == NULL)
        return EXIT_CODE_DONE;
    if (authority == NULL) {
        report_error(_("whose signature is the roster to have? Give --authority: its public key "
                       "(`examctl site show --keys DIR` tells it), or any key file of the site"));
        return EXIT_CODE_USAGE;
    }
    if (!authority_take(authority, key))
        exit_code = authority_of_file(authority, key);
    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    if (keyring_read_roster(roster, key, NULL, out, why, sizeof why) == EXAM_OK)
        return EXIT_CODE_DONE;
    report_error("%s", why);
    return EXIT_CODE_BAD_INPUT;
}
