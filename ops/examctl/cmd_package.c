/* Sealed packages (P2): made at the exam office, looked at anywhere. No node is asked. */
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "json_output.h"
#include "keyring.h"
#include "package_file.h"
#include "report.h"
#include "site_roster.h"

/* ---------------------------------------------------------------- make */

static int64_t wall_now_ms(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A package that no site would take is not made. */
static enum exit_code office_check(const struct options *o)
{
    const struct key_entry *e;

    if (o->keyring == NULL) {
        report_error("who signs it? Give --key-file and --key-roster: the key of the exam office, "
                     "and the site's roster");
        return EXIT_CODE_USAGE;
    }
    e = key_roster_find_sign(keyring_roster(o->keyring), keyring_own(o->keyring)->sign_public);
    if (e != NULL && e->role == KEY_ROLE_OFFICE)
        return EXIT_CODE_DONE;
    report_error("%s is no key of the exam office: a site takes packages that the office has "
                 "signed (P2)",
                 keyring_own(o->keyring)->name);
    return EXIT_CODE_REFUSED;
}

static enum exit_code make_tell(const struct options *o, const struct import_files *f)
{
    if (o->json)
        return json_output_print(
            json_pack("{s:b, s:s, s:s, s:I, s:I, s:I}", "done", 1, "file", o->output, "batch",
                      f->settings.batch, "rooms", (json_int_t)f->rooms.n, "papers",
                      (json_int_t)f->papers_n, "candidates", (json_int_t)f->roster.n));
    printf("%s: batch %s, %zu rooms, %zu papers, %zu candidates, signed by %s\n", o->output,
           f->settings.batch, f->rooms.n, f->papers_n, f->roster.n, keyring_own(o->keyring)->name);
    return EXIT_CODE_DONE;
}

static enum exit_code make(const struct options *o, struct import_files *f)
{
    struct package_order order = {.batch = f->settings.batch,
                                  .office = keyring_own(o->keyring),
                                  .cost = &password_cost_people,
                                  .made_wall_ms = wall_now_ms()};
    struct password password;
    enum exit_code exit_code;

    if (password_choose(&o->package_password, "A password for the package: ", &password) != EXAM_OK)
        return EXIT_CODE_REFUSED;
    order.password = password.text;
    exit_code = package_file_make(o->output, &order, f);
    password_wipe(&password);
    return exit_code == EXIT_CODE_DONE ? make_tell(o, f) : exit_code;
}

enum exit_code cmd_package_make(const struct options *o)
{
    struct import_files *f = import_files_new();
    enum exit_code exit_code = office_check(o);

    if (exit_code == EXIT_CODE_DONE && (f == NULL || sodium_init() < 0)) {
        report_error("%s", exam_err_text(EXAM_NOMEM));
        exit_code = EXIT_CODE_INTERNAL;
    }
    if (exit_code == EXIT_CODE_DONE)
        exit_code = import_files_take(o, "made", f);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = make(o, f);
    import_files_free(f);
    return exit_code;
}

/* ---------------------------------------------------------------- inspect */

/* What is known of a package after it was looked at. */
struct inspection {
    const struct options *o;
    struct package_file file;
    struct key_roster *roster;    /* NULL: whose the key is, nobody can say here */
    exam_err err;                 /* of its signature and its signer */
    struct import_files *content; /* NULL: it was not opened */
};

/* The parts of the content, never their texts. */
static json_t *content_json(const struct import_files *f)
{
    json_t *members = json_array(), *papers = json_array();

    for (size_t i = 0; i < f->texts.n; i++)
        (void)json_array_append_new(members, json_pack("{s:s, s:I}", "name", f->texts.at[i].name,
                                                       "bytes", (json_int_t)f->texts.at[i].n));
    for (size_t i = 0; i < f->papers_n; i++)
        (void)json_array_append_new(papers, json_pack("{s:s, s:I}", "paper", f->papers[i].id,
                                                      "items", (json_int_t)f->papers[i].items_n));
    return json_pack("{s:s, s:I, s:I, s:o, s:o}", "title", f->settings.title, "rooms",
                     (json_int_t)f->rooms.n, "candidates", (json_int_t)f->roster.n, "papers",
                     papers, "members", members);
}

static enum exit_code tell_json(const struct inspection *in)
{
    const struct package_header *h = &in->file.package.header;
    char site[2 * SITE_ID_BYTES + 1], sign[2 * KEY_BYTES + 1];
    json_t *root;

    sodium_bin2hex(site, sizeof site, h->site_id, SITE_ID_BYTES);
    sodium_bin2hex(sign, sizeof sign, h->sign_public, KEY_BYTES);
    root =
        json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:I, s:b, s:b, s:s}", "file", in->file.path,
                  "bytes", (json_int_t)in->file.package.bytes, "site", site, "batch", h->batch,
                  "who", h->who, "sign", sign, "made_wall_ms", (json_int_t)h->made_wall_ms, "good",
                  in->err == EXAM_OK, "signer_known", in->err == EXAM_OK && in->roster != NULL,
                  "why", in->err == EXAM_OK ? "" : in->file.package.why);
    if (root != NULL && in->content != NULL)
        (void)json_object_set_new(root, "content", content_json(in->content));
    return json_output_print(root);
}

static void tell_content(const struct import_files *f)
{
    printf("title      %s\n", f->settings.title);
    printf("content    %zu rooms, %zu candidates, %zu papers\n", f->rooms.n, f->roster.n,
           f->papers_n);
    for (size_t i = 0; i < f->texts.n; i++) {
        printf("  %-16s %10zu bytes", f->texts.at[i].name, f->texts.at[i].n);
        if (i >= IMPORT_PAPERS)
            printf("  paper %s, %zu items", f->papers[i - IMPORT_PAPERS].id,
                   f->papers[i - IMPORT_PAPERS].items_n);
        putchar('\n');
    }
}

static void tell_text(const struct inspection *in)
{
    const struct package_header *h = &in->file.package.header;
    char hex[2 * KEY_BYTES + 1], made[PACKAGE_MADE_BYTES];

    package_made_format(h->made_wall_ms, made);
    sodium_bin2hex(hex, sizeof hex, h->site_id, SITE_ID_BYTES);
    printf("package    %s, %llu bytes\nsite       %s\nbatch      %s\nmade       %s by %s\n",
           in->file.path, (unsigned long long)in->file.package.bytes, hex, h->batch, made, h->who);
    sodium_bin2hex(hex, sizeof hex, h->sign_public, KEY_BYTES);
    if (in->err != EXAM_OK)
        printf("signature  NOT GOOD: %s\n", in->file.package.why);
    else if (in->roster != NULL)
        printf("signature  good, of %s, exam office of this site\n", h->who);
    else
        printf("signature  good, of the key %s; whose that is, the site's roster says "
               "(--roster)\n",
               hex);
    if (in->content != NULL)
        tell_content(in->content);
}

static enum exit_code content_open(struct inspection *in)
{
    in->content = import_files_new();
    if (in->content != NULL)
        return package_file_read(&in->file, &in->o->package_password, in->content);
    report_error("%s", exam_err_text(EXAM_NOMEM));
    return EXIT_CODE_INTERNAL;
}

static enum exit_code inspect(struct inspection *in)
{
    enum exit_code exit_code;

    in->err = package_file_verify(&in->file, in->roster);
    if (in->err == EXAM_OK && (in->o->open || in->o->package_password.file != NULL)) {
        exit_code = content_open(in);
        if (exit_code != EXIT_CODE_DONE)
            return exit_code;
    }
    exit_code = in->err == EXAM_OK ? EXIT_CODE_DONE : EXIT_CODE_BAD_INPUT;
    if (!in->o->json)
        tell_text(in);
    else if (tell_json(in) != EXIT_CODE_DONE)
        exit_code = EXIT_CODE_INTERNAL;
    return exit_code;
}

enum exit_code cmd_package_inspect(const struct options *o)
{
    struct inspection in = {.o = o};
    enum exit_code exit_code;

    if (sodium_init() < 0) {
        report_error("libsodium cannot be used on this machine");
        return EXIT_CODE_INTERNAL;
    }
    exit_code = site_roster_read(options_roster(o), options_authority(o), &in.roster);
    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    exit_code = package_file_open(o->argument, &in.file);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = inspect(&in);
    import_files_free(in.content);
    package_file_close(&in.file);
    key_roster_free(in.roster);
    return exit_code;
}
