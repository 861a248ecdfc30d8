/* data_key_read.c - the part of data_key_store.h that needs no folder of keys: examreplay reads a
 * data key, too. */
#include "data_key_store.h"

#include "keyring.h"
#include "report.h"

exam_err data_key_store_read(const char *path, const struct password_source *from,
                             struct data_key_file *out, bool *asked)
{
    char why[KEYRING_WHY_BYTES] = "";
    struct data_key_file f;
    struct password password;
    exam_err err = keyring_read_data_key(path, &f, why, sizeof why);

    if (err != EXAM_OK) {
        report_error("%s", why);
        return err;
    }
    *asked = f.boxed;
    if (f.boxed) {
        err = password_ask(from, "Password of the site's data key: ", &password);
        if (err == EXAM_OK) {
            err = data_key_file_open(&f, password.text);
            password_wipe(&password);
            if (err != EXAM_OK)
                report_error("%s: %s", path,
                             err == EXAM_AUTH ? "that is not its password" : exam_err_text(err));
        }
    }
    if (err == EXAM_OK)
        *out = f;
    data_key_file_wipe(&f);
    return err;
}
