#include "reviewer_key.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "data_key_store.h"
#include "exam.h"
#include "language.h"
#include "report.h"
#include "vault.h"

static exam_err vault_of(const struct data_key_file *f, struct reviewer_key *out)
{
    struct vault *v;
    exam_err err = vault_new(f->site_id, f->id, &v);
    if (err)
        return err;
    err = vault_unlock(v, f->key);
    if (err) {
        vault_free(v);
        return err;
    }
    out->vault = v;
    memcpy(out->site_id, f->site_id, SITE_ID_BYTES);
    return EXAM_OK;
}

enum exit_code reviewer_key_open(const char *path, const char *password_file,
                                 struct reviewer_key *out)
{
    const struct password_source from = {.file = password_file};
    struct data_key_file f;
    bool asked;
    *out = (struct reviewer_key){.vault = NULL};
    if (!path)
        return EXIT_CODE_DONE;
    (void)prctl(PR_SET_DUMPABLE, 0); /* no core file, and no debugger, has the key */
    exam_err err = data_key_store_read(path, &from, &f, &asked);
    if (err)
        return err == EXAM_NOMEM ? EXIT_CODE_INTERNAL : EXIT_CODE_BAD_INPUT;
    err = vault_of(&f, out);
    data_key_file_wipe(&f);
    if (!err)
        return EXIT_CODE_DONE;
    report_error("%s: %s", path, exam_err_text(err));
    return EXIT_CODE_INTERNAL;
}

void reviewer_key_close(struct reviewer_key *k)
{
    vault_free(k->vault);
    k->vault = NULL;
}

/* What is plain may be any text, and is not to be looked up in a catalogue. */
const char *reviewer_name(const struct vault *v, const struct exam_sitting_view *s,
                          char buffer[PERSON_BYTES_MAX + 1])
{
    const char *shown = vault_open_name(v, s, buffer);
    return shown == buffer || shown == s->name ? shown : _(shown);
}

void reviewer_hint(const struct options *o, const exam *x)
{
    char buffer[PERSON_BYTES_MAX + 1];
    for (uint32_t i = 1; i <= exam_sittings(x); i++) {
        struct exam_sitting_view s;
        exam_sitting_view(x, i, exam_last_ms(x), &s);
        const char *shown = vault_open_name(o->shown.vault, &s, buffer);
        if (shown == buffer || shown == s.name)
            continue;
        if (o->shown.vault)
            report_error("%s",
                         _("the data key that was given does not open the names of this log"));
        else
            report_error("%s", _("names and answers of this log are sealed: --data-key FILE, the "
                                 "file that `examctl unlock` takes, shows them"));
        return;
    }
}
