/* proof_view.c - a proof as people and programs read it. */
#include <inttypes.h>
#include <string.h>

#include "json_output.h"
#include "language.h"
#include "moment.h"
#include "proof.h"

enum { EPOCHS_TOLD = 12 };

static const char *hex_of(const uint8_t hash[HASH_BYTES], char out[2 * HEX_BYTES_MAX + 1])
{
    hex_format(hash, HASH_BYTES, out);
    return out;
}

/* ---------------------------------------------------------------- the verdict */

static void print_finding(const struct finding *f, FILE *to)
{
    if (f->branch != 0)
        fprintf(to, _("branch %" PRIu64 ", record %" PRIu64 " %s"), f->branch, f->lsn, f->text);
    else if (f->lsn != 0)
        fprintf(to, _("record %" PRIu64 " %s"), f->lsn, f->text);
    else
        fputs(f->text, to);
}

/* The first record of the log that is not right; what is of no record follows from those. */
static const struct finding *first_finding(const struct findings *f)
{
    const struct finding *first = &f->kept[0];
    for (size_t i = 1; i < f->kept_n; i++) {
        const struct finding *other = &f->kept[i];
        bool of_log = other->lsn != 0 && other->branch == 0;
        bool has = first->lsn != 0 && first->branch == 0;
        if (of_log && (!has || other->lsn < first->lsn))
            first = other;
    }
    return first;
}

/* Another server has signed more: that is no proof that it was ever here. */
static void print_short(const struct proof *p, FILE *to)
{
    for (size_t i = 0; i < p->evidence.signers_n; i++) {
        const struct signer *s = &p->evidence.signers[i];
        if (s->ahead_lsn)
            fprintf(to,
                    _("SHORT   %s ends with record %" PRIu64 ", and server %s has signed record "
                      "%" PRIu64 " of the same epoch: this one was behind, or was cut off\n"),
                    p->reader.folder, p->reader.replay.lsn, s->node, s->ahead_lsn);
    }
}

void proof_print_verdict(const struct proof *p, FILE *to)
{
    const struct log_reader *r = &p->reader;
    const struct role_epoch *newest = roles_newest(&p->roles);
    if (proof_holds(p)) {
        fprintf(to,
                _("PROVEN  %s: %" PRIu64 " records up to epoch %" PRIu64
                  ", the chain is whole and every account follows from it\n"),
                r->folder, r->replay.lsn, newest ? newest->epoch : 0);
        print_short(p, to);
        return;
    }
    fprintf(to, _("WRONG   %s: "), r->folder);
    if (r->findings.n > 0)
        print_finding(first_finding(&r->findings), to);
    else
        fprintf(to, _("the log cannot be read after record %" PRIu64 ": %s"), r->replay.lsn,
                exam_err_text(p->err));
    fputc('\n', to);
}

/* ---------------------------------------------------------------- the details */

static void print_log(const struct proof *p, FILE *to)
{
    const struct replay *r = &p->reader.replay;
    char from[WALL_TEXT_BYTES], until[WALL_TEXT_BYTES], hash[2 * HEX_BYTES_MAX + 1];
    uint64_t last = store_last(p->reader.s).lsn;
    wall_format(r->wall_first_ms, from);
    wall_format(r->wall_ms, until);
    fprintf(to, _("  Log       records 1 to %" PRIu64 " are proven%s\n"), r->lsn,
            r->lsn < last ? "" : _(", all that there are"));
    if (r->lsn < last)
        fprintf(to, _("            and %" PRIu64 " to %" PRIu64 " are not\n"), r->lsn + 1, last);
    if (r->lsn == 0)
        return;
    fprintf(to, _("  Written   %s to %s, by the servers' calendars (T4)\n"), from, until);
    fprintf(to, _("  Hash      %s of record %" PRIu64 "\n"), hex_of(r->hash, hash), r->lsn);
    if (p->err == EXAM_OK)
        fprintf(to, _("  State     %s (its digest, as `examctl status --digest` shows it)\n"),
                hex_of(p->digest, hash));
}

/* ---------------------------------------------------------------- what was signed */

static void print_signer(const struct evidence *e, const struct signer *s, FILE *to)
{
    char wall[WALL_TEXT_BYTES];
    fprintf(to, _("  Signed    by %s, %" PRIu64 " times"), s->node, s->checkpoints);
    if (s->same_lsn) {
        wall_format(s->same_wall_ms, wall);
        fprintf(to, _(", up to record %" PRIu64 " (%s)"), s->same_lsn, wall);
    }
    if (s->dead)
        fprintf(to, _("; %" PRIu64 " of it in dead branches"), s->dead);
    if (s->ahead_lsn)
        fprintf(to, _("; and record %" PRIu64 ", which this log does not reach"), s->ahead_lsn);
    if (s->revoked)
        fprintf(to, _("; its key was revoked by roster %" PRIu64), s->revoked);
    fputs(e->checked ? "" : _("; signatures not checked (--roster)"), to);
    fputc('\n', to);
}

static void print_signed(const struct proof *p, FILE *to)
{
    const struct evidence *e = &p->evidence;
    uint64_t covered = evidence_covered(e), lsn = p->reader.replay.lsn;
    for (size_t i = 0; i < e->signers_n; i++)
        print_signer(e, &e->signers[i], to);
    if (e->acts)
        fprintf(to, _("  Acts      %" PRIu64 " are signed by their persons (R4)%s\n"), e->acts,
                e->checked ? "" : _("; signatures not checked (--roster)"));
    if (covered == 0)
        fputs(_("  Signed    by no server: a log that was made anew as a whole would look the "
                "same\n"),
              to);
    else if (covered < lsn)
        fprintf(to, _("            records %" PRIu64 " to %" PRIu64 " had not been signed yet\n"),
                covered + 1, lsn);
}

static void print_receipts(const struct proof *p, FILE *to)
{
    for (size_t i = 0; i < p->evidence.receipts_n; i++) {
        const struct receipt_claim *c = &p->given->claims[i];
        const struct receipt_verdict *v = &p->evidence.receipts[i];
        if (v->good)
            fprintf(to, _("  Receipt   %s of candidate %s: %s%s\n"), c->name, c->r.candidate,
                    v->words,
                    c->typed || p->evidence.checked ? "" : _("; signature not checked (--roster)"));
    }
}

static void print_site(const struct proof *p, FILE *to)
{
    const exam *x = p->reader.replay.x;
    char id[2 * HEX_BYTES_MAX + 1];
    if (!exam_founded(x))
        return;
    hex_format(exam_site_id(x), SITE_ID_BYTES, id);
    fprintf(to, _("  Site      %s (%s): "), exam_site_name(x), id);
    fprintf(to, P_("%" PRIu32 " batch, ", "%" PRIu32 " batches, ", exam_batches(x)),
            exam_batches(x));
    fprintf(to, P_("%" PRIu32 " sitting\n", "%" PRIu32 " sittings\n", exam_sittings(x)),
            exam_sittings(x));
}

static void print_epochs(const struct proof *p, FILE *to)
{
    size_t n = p->roles.epochs_n, from = n > EPOCHS_TOLD ? n - EPOCHS_TOLD : 0;
    if (from > 0)
        fprintf(to, _("  Epochs    %zu older ones: see `examreplay timeline --kind role`\n"), from);
    for (size_t i = from; i < n; i++) {
        const struct role_epoch *e = &p->roles.epochs[i];
        char at[WALL_TEXT_BYTES];
        wall_format(e->wall_ms, at);
        fprintf(to, _("  Epoch     %" PRIu64 ": %s serves from record %" PRIu64 ", %s (%s)\n"),
                e->epoch, e->node, e->lsn, at, _(epoch_reason_word(e->reason)));
    }
}

static void print_tables(const struct proof *p, FILE *to)
{
    if (p->tables.lsn == 0)
        fputs(_("  Tables    stand for no record yet: nothing to compare\n"), to);
    else
        fprintf(to, _("  Tables    stand for record %" PRIu64 ": %" PRIu64 " entries compared\n"),
                p->tables.lsn, p->tables.entries);
}

static void print_branch(const struct proof *p, size_t i, FILE *to)
{
    const struct branch *b = &p->branches[i];
    fprintf(to, _("  Branch    %zu, dead: %" PRIu64 " records from %" PRIu64 " of epoch %" PRIu64),
            i + 1, b->records, b->first_lsn, b->epoch);
    if (b->parent == 0)
        fprintf(to, _(", after record %" PRIu64 " of the log"), b->first_lsn - 1);
    else if (b->parent != i + 1)
        fprintf(to, _(", after record %" PRIu64 " of branch %" PRIu64), b->first_lsn - 1,
                b->parent);
    fprintf(to,
            _("; %" PRIu64 " of %" PRIu64 " answers and acts in it are known to the log (A3)\n"),
            b->recovered, b->acts);
}

static void print_findings(const struct proof *p, FILE *to)
{
    const struct findings *f = &p->reader.findings;
    for (size_t i = 0; i < f->kept_n; i++) {
        fputs(_("  Wrong     "), to);
        print_finding(&f->kept[i], to);
        fputc('\n', to);
    }
    if (f->n > f->kept_n)
        fprintf(to, _("  Wrong     and %" PRIu64 " more\n"), f->n - f->kept_n);
}

void proof_print_details(const struct proof *p, FILE *to)
{
    print_findings(p, to);
    print_log(p, to);
    print_signed(p, to);
    print_receipts(p, to);
    print_site(p, to);
    print_epochs(p, to);
    if (p->err == EXAM_OK) {
        fprintf(to,
                _("  Accounts  %" PRIu32 " recomputed from the events: allot + grants = used + "
                  "left, elapsed = used + lost%s\n"),
                exam_sittings(p->reader.replay.x),
                p->reader.findings.n > 0 ? _(", but as said") : "");
        print_tables(p, to);
    }
    for (size_t i = 0; i < p->branches_n; i++)
        print_branch(p, i, to);
}

/* ---------------------------------------------------------------- JSON */

static json_t *findings_json(const struct findings *f)
{
    json_t *list = json_array();
    for (size_t i = 0; i < f->kept_n; i++)
        (void)json_array_append_new(
            list, json_pack("{s:I, s:I, s:s}", "lsn", (json_int_t)f->kept[i].lsn, "branch",
                            (json_int_t)f->kept[i].branch, "text", f->kept[i].text));
    return list;
}

static json_t *signed_json(const struct evidence *e)
{
    json_t *list = json_array();
    for (size_t i = 0; i < e->signers_n; i++) {
        const struct signer *s = &e->signers[i];
        (void)json_array_append_new(
            list, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "node", s->node, "checkpoints",
                            (json_int_t)s->checkpoints, "lsn", (json_int_t)s->same_lsn, "wall_ms",
                            (json_int_t)s->same_wall_ms, "dead", (json_int_t)s->dead, "ahead_lsn",
                            (json_int_t)s->ahead_lsn, "revoked", (json_int_t)s->revoked));
    }
    return list;
}

static json_t *receipts_json(const struct proof *p)
{
    json_t *list = json_array();
    for (size_t i = 0; i < p->evidence.receipts_n; i++) {
        const struct receipt_claim *c = &p->given->claims[i];
        const struct receipt_verdict *v = &p->evidence.receipts[i];
        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:b, s:s}", "receipt", c->name,
                                                    "candidate", c->r.candidate, "lsn",
                                                    (json_int_t)c->r.lsn, "good", v->good, "text",
                                                    v->words));
    }
    return list;
}

static json_t *epochs_json(const struct roles *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->epochs_n; i++) {
        const struct role_epoch *e = &r->epochs[i];
        (void)json_array_append_new(
            list, json_pack("{s:I, s:s, s:I, s:I, s:s}", "epoch", (json_int_t)e->epoch, "node",
                            e->node, "lsn", (json_int_t)e->lsn, "wall_ms", (json_int_t)e->wall_ms,
                            "reason", epoch_reason_word(e->reason)));
    }
    return list;
}

static json_t *branches_json(const struct proof *p)
{
    json_t *list = json_array();
    for (size_t i = 0; i < p->branches_n; i++) {
        const struct branch *b = &p->branches[i];
        (void)json_array_append_new(
            list,
            json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "branch", (json_int_t)i + 1,
                      "first_lsn", (json_int_t)b->first_lsn, "records", (json_int_t)b->records,
                      "epoch", (json_int_t)b->epoch, "parent", (json_int_t)b->parent, "acts",
                      (json_int_t)b->acts, "recovered", (json_int_t)b->recovered));
    }
    return list;
}

json_t *proof_json(const struct proof *p)
{
    const struct replay *r = &p->reader.replay;
    char hash[2 * HEX_BYTES_MAX + 1], digest[2 * HEX_BYTES_MAX + 1];
    hex_of(r->hash, hash);
    hex_of(p->digest, digest);
    json_t *all =
        json_pack("{s:s, s:b, s:I, s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o}",
                  "folder", p->reader.folder, "proven", proof_holds(p), "lsn", (json_int_t)r->lsn,
                  "last_lsn", (json_int_t)store_last(p->reader.s).lsn, "hash", hash, "state_digest",
                  p->err == EXAM_OK ? digest : "", "site_name",
                  exam_site_name(r->x) ? exam_site_name(r->x) : "", "sittings",
                  (json_int_t)exam_sittings(r->x), "tables_lsn", (json_int_t)p->tables.lsn,
                  "tables_entries", (json_int_t)p->tables.entries, "wrong",
                  (json_int_t)p->reader.findings.n, "findings", findings_json(&p->reader.findings),
                  "epochs", epochs_json(&p->roles), "branches", branches_json(p));
    (void)json_object_update_new(
        all, json_pack("{s:b, s:I, s:o, s:o}", "signatures_checked", p->evidence.checked, "acts",
                       (json_int_t)p->evidence.acts, "signed", signed_json(&p->evidence),
                       "receipts", receipts_json(p)));
    return all;
}
