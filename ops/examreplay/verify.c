#include "verify.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "input_file.h"
#include "json_output.h"
#include "language.h"
#include "proof.h"
#include "report.h"
#include "site_roster.h"

/* All that was brought along, read. */
struct bundle {
    const struct verify_order *v;
    struct key_roster *roster;
    struct checkpoint_list checkpoints; /* of both folders */
    struct receipt_claim *claims;
    struct evidence_given given;
    struct options options;
};

/* ---------------------------------------------------------------- files */

static enum exit_code receipt_read(const char *name, struct receipt_claim *out)
{
    struct stat st;
    size_t n = 0;
    if (stat(name, &st) != 0 && receipt_claim_parse(name, out) == EXAM_OK)
        return EXIT_CODE_DONE;
    char *text = input_file_told(name, 4 * RECEIPT_BYTES_MAX, &n);
    if (!text)
        return EXIT_CODE_BAD_INPUT;
    *out = (struct receipt_claim){.name = name};
    exam_err err = receipt_parse(text, n, &out->r);
    free(text);
    if (!err)
        return EXIT_CODE_DONE;
    report_error(
        _("%s is no receipt, or a letter of it was changed: type CANDIDATE:RECORD:CHECK off "
          "a printed one"),
        name);
    return EXIT_CODE_BAD_INPUT;
}

/* One folder is opened at a time: LMDB must not open a file twice in a process. */
static enum exit_code checkpoints_read(struct bundle *b, const char *folder)
{
    struct log_reader r;
    uint64_t damaged;
    enum exit_code code = log_reader_open(&r, folder, &b->options);
    if (code != EXIT_CODE_DONE)
        return code;
    exam_err err = checkpoint_list_add(&b->checkpoints, r.s, &damaged);
    log_reader_close(&r);
    return err == EXAM_NOMEM ? EXIT_CODE_INTERNAL : EXIT_CODE_DONE; /* damage is found later */
}

static enum exit_code bundle_make(struct bundle *b, const struct verify_order *v)
{
    *b = (struct bundle){.v = v,
                         .options = {.reached = v->reached, .json = v->json, .watch = v->watch}};
    b->claims = calloc(v->receipts_n + 1, sizeof *b->claims);
    if (!b->claims) {
        report_error(_("out of memory"));
        return EXIT_CODE_INTERNAL;
    }
    enum exit_code code = site_roster_read(v->roster, v->authority, &b->roster);
    for (size_t i = 0; i < v->receipts_n && code == EXIT_CODE_DONE; i++)
        code = receipt_read(v->receipts[i], &b->claims[i]);
    if (v->other && code == EXIT_CODE_DONE)
        code = checkpoints_read(b, v->folder);
    if (v->other && code == EXIT_CODE_DONE)
        code = checkpoints_read(b, v->other);
    b->given = (struct evidence_given){.roster = b->roster,
                                       .checkpoints = &b->checkpoints,
                                       .claims = b->claims,
                                       .claims_n = v->receipts_n};
    b->options.evidence = &b->given;
    return code;
}

static void bundle_free(struct bundle *b)
{
    key_roster_free(b->roster);
    checkpoint_list_fini(&b->checkpoints);
    free(b->claims);
}

/* ---------------------------------------------------------------- two logs */

/* Two logs that are proven up to some record. Equal hashes: equal up to there (record.h). */
struct comparison {
    bool same_site;
    uint64_t common; /* the last record that both have; 0: none */
    uint64_t last[2];
};

static exam_err take_hash(void *ctx, const struct record *r)
{
    memcpy(ctx, r->hash, HASH_BYTES);
    return EXAM_OK;
}

static bool same_at(const struct proof p[2], uint64_t lsn)
{
    uint8_t hash[2][HASH_BYTES];
    for (int i = 0; i < 2; i++)
        if (store_read_log(p[i].reader.s, lsn, lsn, take_hash, hash[i]))
            return false;
    return memcmp(hash[0], hash[1], HASH_BYTES) == 0;
}

static void compare(const struct proof p[2], struct comparison *c)
{
    *c = (struct comparison){.last = {p[0].reader.replay.lsn, p[1].reader.replay.lsn}};
    uint64_t low = 0, high = c->last[0] < c->last[1] ? c->last[0] : c->last[1];
    while (low < high) {
        uint64_t middle = low + (high - low + 1) / 2;
        if (same_at(p, middle))
            low = middle;
        else
            high = middle - 1;
    }
    c->common = low;
    c->same_site = low > 0;
}

static bool parts(const struct comparison *c)
{
    return c->common < c->last[0] && c->common < c->last[1];
}

static void print_comparison(const struct proof p[2], const struct comparison *c)
{
    if (!c->same_site) {
        puts(_(
            "OTHER   the two logs have no record in common: they are of two sites, or one was made "
            "anew"));
        return;
    }
    if (c->common == c->last[0] && c->common == c->last[1])
        printf(_("SAME    both have the same %" PRIu64 " records\n"), c->common);
    else if (parts(c))
        printf(_("PART    the logs are the same up to record %" PRIu64 ", and part there\n"),
               c->common);
    else
        printf(_("SHORTER the logs are the same up to record %" PRIu64 ", where one ends\n"),
               c->common);
    for (int i = 0; i < 2; i++)
        if (c->last[i] > c->common)
            printf(_("        only %s has records %" PRIu64 " to %" PRIu64 " (epoch %" PRIu64
                     " and on)\n"),
                   p[i].reader.folder, c->common + 1, c->last[i],
                   roles_at(&p[i].roles, c->common + 1)
                       ? roles_at(&p[i].roles, c->common + 1)->epoch
                       : 0);
}

static json_t *comparison_json(const struct comparison *c)
{
    return json_pack("{s:b, s:I, s:b, s:[I, I]}", "same_site", c->same_site, "common_lsn",
                     (json_int_t)c->common, "part", parts(c), "only",
                     (json_int_t)(c->last[0] - c->common), (json_int_t)(c->last[1] - c->common));
}

/* ---------------------------------------------------------------- one, two */

static enum exit_code verify_one(const struct options *o, const char *folder)
{
    struct proof p;
    enum exit_code code = proof_make(&p, folder, o);
    if (code != EXIT_CODE_DONE)
        return code;
    if (o->json) {
        code = json_output_print(proof_json(&p));
    } else {
        proof_print_verdict(&p, stdout);
        proof_print_details(&p, stdout);
    }
    if (code == EXIT_CODE_DONE && !proof_holds(&p))
        code = EXIT_WRONG;
    proof_free(&p);
    return code;
}

static enum exit_code show_two(const struct options *o, const struct proof p[2])
{
    struct comparison c;
    bool right = proof_holds(&p[0]) && proof_holds(&p[1]);
    compare(p, &c);
    enum exit_code code = right && !parts(&c) && c.same_site ? EXIT_CODE_DONE : EXIT_WRONG;
    if (o->json) {
        json_t *both = json_pack("{s:[o, o], s:o}", "folders", proof_json(&p[0]), proof_json(&p[1]),
                                 "comparison", comparison_json(&c));
        enum exit_code printed = json_output_print(both);
        return printed != EXIT_CODE_DONE ? printed : code;
    }
    for (int i = 0; i < 2; i++)
        proof_print_verdict(&p[i], stdout);
    print_comparison(p, &c);
    for (int i = 0; i < 2; i++) {
        printf("%s\n", p[i].reader.folder);
        proof_print_details(&p[i], stdout);
    }
    return code;
}

/* LMDB must not open one file twice in a process. */
static bool is_same_folder(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static enum exit_code verify_two(const struct options *o, const struct verify_order *v)
{
    static struct proof p[2];
    enum exit_code code = proof_make(&p[0], v->folder, o);
    if (code != EXIT_CODE_DONE)
        return code;
    code = proof_make(&p[1], v->other, o);
    if (code == EXIT_CODE_DONE) {
        code = show_two(o, p);
        proof_free(&p[1]);
    }
    proof_free(&p[0]);
    return code;
}

enum exit_code verify_run(const struct verify_order *v)
{
    static struct bundle b;
    if (v->other && is_same_folder(v->folder, v->other)) {
        report_error(_("%s and %s are one folder: name two"), v->folder, v->other);
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = bundle_make(&b, v);
    if (code == EXIT_CODE_DONE)
        code = v->other ? verify_two(&b.options, v) : verify_one(&b.options, v->folder);
    bundle_free(&b);
    return code;
}
