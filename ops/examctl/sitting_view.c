#include "sitting_view.h"

#include <inttypes.h>

#include "duration.h"
#include "messages.h"
#include "report.h"
#include "words.h"

void sitting_view_brief(const Admin__SittingDetail *d, FILE *to)
{
    const Admin__SittingResult *r = d->result;

    fprintf(to, "%s  %s, seat %s, batch %s: %s%s%s\n", r->admission_no, r->name, r->seat, d->batch,
            r->state, r->finish[0] != '\0' ? ", " : "", r->finish);
}

static const char *span(uint64_t ms, char out[DURATION_TEXT_BYTES])
{
    duration_format(ms, out);
    return out;
}

/* Both equations of section 5 of the rules, so that a person can check them. */
static void account_print(const Admin__SittingDetail *d, FILE *to)
{
    const Admin__SittingResult *r = d->result;
    uint64_t grants_ms = r->grants_ms < 0 ? -(uint64_t)r->grants_ms : (uint64_t)r->grants_ms;
    char a[DURATION_TEXT_BYTES], b[DURATION_TEXT_BYTES], c[DURATION_TEXT_BYTES];
    char e[DURATION_TEXT_BYTES];

    fprintf(to, _("Account   allot %s %c grants %s = used %s + left %s\n"), span(r->allot_ms, a),
            r->grants_ms < 0 ? '-' : '+', span(grants_ms, b), span(r->used_ms, c),
            span(r->left_ms, e));
    if (d->begun)
        fprintf(to, _("Elapsed   %s = used %s + lost %s\n"), span(d->elapsed_ms, a),
                span(r->used_ms, b), span(r->lost_ms, c));
    else
        fputs(_("Elapsed   has not begun\n"), to);
    if (d->open_ms > 0)
        fprintf(to, _("Standing  its clock has been standing for %s\n"), span(d->open_ms, a));
    if (d->limit_reached)
        fprintf(to,
                _("! Its interruption has reached the limit: decide, and record it with `examctl "
                  "sitting decide %s` (R4).\n"),
                r->admission_no);
}

static void interruption_row(struct text_table *t, const Admin__InterruptionRow *row)
{
    char text[DURATION_TEXT_BYTES];

    text_table_add(t, "%" PRIu32, row->no);
    text_table_add(t, "%s", span(row->from_ms, text));
    text_table_add(t, "%s", span(row->to_ms, text));
    text_table_add(t, "%s", span(row->lost_ms, text));
    text_table_add(t, "%s", _(word_of_basis(row->basis)));
    if (row->incident != 0)
        text_table_add(t, "%" PRIu32, row->incident);
    else
        text_table_add(t, "-");
    text_table_add(t, "%s", row->own_doing ? _("own doing") : "");
}

static exam_err interruptions_print(const Admin__SittingDetail *d, FILE *to)
{
    const struct text_column columns[] = {
        {_("NO"), true},     {_("FROM"), true},     {_("TO"), true}, {_("CREDITED"), true},
        {_("BASIS"), false}, {_("INCIDENT"), true}, {"", false},
    };
    struct text_table t;
    exam_err err;

    if (d->n_interruptions == 0) {
        fputs(_("\nNo interruption.\n"), to);
        return EXAM_OK;
    }
    fputs(_("\nInterruptions, since its begin"), to);
    if (d->n_interruptions < d->result->interruptions)
        fprintf(to, _(" (the newest %zu of %" PRIu32 ")"), d->n_interruptions,
                d->result->interruptions);
    fputs("\n", to);
    text_table_init(&t, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < d->n_interruptions; i++)
        interruption_row(&t, d->interruptions[i]);
    err = text_table_print(&t, to);
    text_table_fini(&t);
    return err;
}

enum exit_code sitting_view_detail(const Admin__SittingDetail *d, FILE *to)
{
    const Admin__SittingResult *r = d->result;
    char finished[DURATION_TEXT_BYTES];
    exam_err err;

    fprintf(to, _("Sitting   %s  %s\n"), r->admission_no, r->name);
    fprintf(to, _("Place     batch %s, room %s, seat %s, paper %s\n"), d->batch, r->room, r->seat,
            r->paper);
    if (r->finish[0] != '\0')
        fprintf(to, _("State     %s: %s, %s after its begin\n"), _(r->state), _(r->finish),
                span(d->finished_ms, finished));
    else
        fprintf(to, _("State     %s\n"), _(r->state));
    account_print(d, to);
    fprintf(to, _("Answers   %" PRIu32 ", %" PRIu32 " of them late\n"), r->answers, r->late);
    if (d->violations > 0)
        fprintf(to, _("Violation %" PRIu32 " on record (R3)\n"), d->violations);
    if (d->former_sessions > 0)
        fprintf(to,
                P_("Moved     %" PRIu32 " time (T11)\n", "Moved     %" PRIu32 " times (T11)\n",
                   d->former_sessions),
                d->former_sessions);
    err = interruptions_print(d, to);
    if (err != EXAM_OK)
        report_error("%s", exam_err_text(err));
    return exit_code_of(err, 0);
}

void sitting_view_answers_init(struct text_table *t)
{
    static const struct text_column columns[] = {
        {"ITEM", false}, {"SUBJECT", false}, {"MADE AT", true}, {"", false}};

    text_table_init(t, columns, sizeof columns / sizeof columns[0]);
}

void sitting_view_answers_add(struct text_table *t, const Admin__AnswerRows *rows)
{
    for (size_t i = 0; i < rows->n_rows; i++) {
        char text[DURATION_TEXT_BYTES];

        text_table_add(t, "%s", rows->rows[i]->item);
        text_table_add(t, "%s", rows->rows[i]->subject);
        text_table_add(t, "%s", span(rows->rows[i]->made_at_ms, text));
        text_table_add(t, "%s", rows->rows[i]->late ? "late" : "");
    }
}
