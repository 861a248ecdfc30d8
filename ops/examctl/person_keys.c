#include "person_keys.h"

#include <stdio.h>

#include "report.h"

enum { PATH_BYTES = 4096 };

static exam_err roster_remember(struct keyring *k, const char *key_file)
{
    char path[PATH_BYTES], why[KEYRING_WHY_BYTES] = "";
    exam_err err = EXAM_TOO_BIG;

    if (snprintf(path, sizeof path, "%s.roster-used", key_file) < (int)sizeof path)
        err = keyring_remember_file(k, path, why, sizeof why);
    else
        report_error("%s: the path is too long", key_file);
    if (err == EXAM_IO) {
        report_error("warning: %s: which roster of keys was used is not remembered, and an older "
                     "one would be believed the next time",
                     why);
        return EXAM_OK;
    }
    if (err != EXAM_OK && why[0] != '\0')
        report_error("%s", why);
    return err;
}

exam_err person_keys_open(const char *key_file, const char *roster,
                          const struct password_source *from, struct keyring **out)
{
    struct password_source source = *from;
    const struct key_password password = {.ask = password_of_key, .ctx = &source};
    char why[KEYRING_WHY_BYTES] = "";
    struct keyring *k;
    exam_err err = keyring_open_person(key_file, roster, &password, &k, why, sizeof why);

    if (err != EXAM_OK) {
        report_error("%s", why);
        return err;
    }
    err = roster_remember(k, key_file);
    if (err != EXAM_OK) {
        keyring_free(k);
        return err;
    }
    *out = k;
    return EXAM_OK;
}
