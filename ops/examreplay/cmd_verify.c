/* cmd_verify.c - `examreplay verify FOLDER [FOLDER]`: what a folder proves, and where two part. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "json_output.h"
#include "proof.h"
#include "report.h"

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
        puts(
            "OTHER   the two logs have no record in common: they are of two sites, or one was made "
            "anew");
        return;
    }
    if (c->common == c->last[0] && c->common == c->last[1])
        printf("SAME    both have the same %" PRIu64 " records\n", c->common);
    else if (parts(c))
        printf("PART    the logs are the same up to record %" PRIu64 ", and part there\n",
               c->common);
    else
        printf("SHORTER the logs are the same up to record %" PRIu64 ", where one ends\n",
               c->common);
    for (int i = 0; i < 2; i++)
        if (c->last[i] > c->common)
            printf("        only %s has records %" PRIu64 " to %" PRIu64 " (epoch %" PRIu64
                   " and on)\n",
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

static enum exit_code verify_one(const struct options *o)
{
    struct proof p;
    enum exit_code code = proof_make(&p, o->folder, o);
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

static enum exit_code verify_two(const struct options *o)
{
    static struct proof p[2];
    if (is_same_folder(o->folder, o->argument)) {
        report_error("%s and %s are one folder: name two", o->folder, o->argument);
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = proof_make(&p[0], o->folder, o);
    if (code != EXIT_CODE_DONE)
        return code;
    code = proof_make(&p[1], o->argument, o);
    if (code == EXIT_CODE_DONE) {
        code = show_two(o, p);
        proof_free(&p[1]);
    }
    proof_free(&p[0]);
    return code;
}

enum exit_code cmd_verify(const struct options *o)
{
    return o->argument ? verify_two(o) : verify_one(o);
}
