#include "certificate_page.h"

#include <inttypes.h>
#include <string.h>

#include "admin_views.h"
#include "cause_words.h"
#include "duration.h"
#include "language.h"
#include "page_style.h"
#include "reviewer_key.h"

static void fact(struct html *h, const char *name, const char *text)
{
    html_begin(h, "tr", "");
    html_put(h, "th", "", "%s", name);
    html_put(h, "td", "", "%s", text);
    html_end(h);
}

static void fact_span(struct html *h, const char *css_class, const char *name, const char *sign,
                      uint64_t ms)
{
    char text[DURATION_TEXT_BYTES];
    duration_format(ms, text);
    html_begin(h, "tr", css_class);
    html_put(h, "th", "", "%s", name);
    html_put(h, "td", "", "%s%s", sign, text);
    html_end(h);
}

static void put_person(const struct casebook *c, const struct exam_sitting_view *v, struct html *h)
{
    char name[PERSON_BYTES_MAX + 1];
    html_begin(h, "table", "facts");
    fact(h, _("Candidate"), reviewer_name(c->vault, v, name));
    fact(h, _("Admission number"), v->admission_no);
    fact(h, _("Batch"), v->batch_title[0] ? v->batch_title : v->batch);
    fact(h, _("Paper"), v->paper_title[0] ? v->paper_title : v->paper);
    fact(h, _("Room and seat"), v->seat);
    fact(h, _("State"),
         _(v->finish != EV__FINISH__FINISH_NONE ? admin_finish_word(v->finish)
                                                : admin_state_word(v->state)));
    html_end(h);
}

/* Both equations, so that a person can check them. */
static void put_account(const struct exam_sitting_view *v, struct html *h)
{
    const struct exam_account *a = &v->account;
    struct case_without w = case_without_credits(a);
    uint64_t grants_ms = a->grants_ms < 0 ? -(uint64_t)a->grants_ms : (uint64_t)a->grants_ms;
    html_begin(h, "table", "facts");
    fact_span(h, "main", _("Lost, and given back"), "", a->lost_ms);
    fact_span(h, "", _("Allotted"), "", a->allot_ms);
    fact_span(h, "", _("Granted by persons"), a->grants_ms < 0 ? "-" : "+", grants_ms);
    fact_span(h, "", _("Used: the candidate could answer"), "", a->used_ms);
    fact_span(h, "", _("Left"), "", a->left_ms);
    fact_span(h, "", _("Passed since the begin: used + lost"), "", w.elapsed_ms);
    fact_span(h, "", _("Left, had nothing been given back"), "", w.left_ms);
    html_end(h);
}

static void put_interruption(const struct casebook *c, const struct case_interruption *in,
                             struct html *h)
{
    const struct exam_sitting_view *v = &c->sittings[0].view;
    const struct story_booked *b = story_booked(c->story, v->sitting, in->no);
    char at[SPAN_TEXT_BYTES], lost[DURATION_TEXT_BYTES], decided[STORY_TEXT_BYTES];
    duration_format(in->view.lost_ms, lost);
    story_decided(c->story, c->x, v->sitting, in->no, &in->view, decided);
    html_begin(h, "tr", "");
    html_put(h, "td", "n", "%" PRIu32, in->no + 1);
    cause_clock(c->story, case_lost_from_ms(&in->view), true, at);
    html_put(h, "td", "k", "%s", at);
    cause_clock(c->story, in->view.to_ms, false, at);
    html_put(h, "td", "k", "%s", at);
    html_put(h, "td", "n", "%s", lost);
    html_begin(h, "td", "");
    html_put(h, "div", "", "%s%s", cause_title(c->causes[in->cause].cause.kind),
             in->view.own_doing ? _(" (own doing)") : "");
    html_put(h, "div", "", "%s", decided);
    html_end(h);
    html_put(h, "td", "", "%s", cause_basis(in->view.basis));
    html_put(h, "td", "n", "%" PRIu64, b ? b->lsn : 0);
    html_end(h);
}

static void put_interruptions(const struct casebook *c, struct html *h)
{
    static const struct html_column columns[] = {{N_("No."), true},
                                                 {N_("From"), false},
                                                 {N_("To"), false},
                                                 {N_("Lost"), true},
                                                 {N_("Why, and who decided"), false},
                                                 {N_("Measured by"), false},
                                                 {N_("Record"), true}};
    html_put(h, "h2", "", "%s", _("The interruptions"));
    if (c->interruptions_n == 0) {
        html_put(h, "p", "", "%s", _("There was none: this candidate lost no time."));
        return;
    }
    html_table_begin(h, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < c->interruptions_n; i++)
        put_interruption(c, &c->interruptions[i], h);
    html_table_end(h);
    html_begin(h, "ul", "");
    for (size_t i = 0; i < c->causes_n; i++) {
        char text[CAUSE_TEXT_BYTES];
        cause_tell(c, &c->causes[i].cause, text);
        html_put(h, "li", "", "%s", text);
    }
    html_end(h);
}

static void put_signs(struct html *h)
{
    static const char *const roles[] = {N_("System administrator"), N_("Invigilator"),
                                        N_("Exam office")};
    html_begin(h, "div", "signs");
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        html_put(h, "div", "sign", _("%s, date"), _(roles[i]));
    html_end(h);
}

exam_err certificate_page_write(const struct report_page *p, FILE *to)
{
    const struct casebook *c = p->c;
    const struct exam_sitting_view *v = &c->sittings[0].view;
    struct html h;
    exam_err err = html_open(&h, to, language_tag(), _("Certificate of lost time"), page_style);
    if (err)
        return err;
    html_put(&h, "h1", "", "%s", _("Certificate of lost time"));
    html_put(&h, "p", "sub", "%s", exam_site_name(c->x));
    html_begin(&h, "div", "two");
    put_person(c, v, &h);
    put_account(v, &h);
    html_end(&h);
    html_put(&h, "p", "note", "%s",
             _("Allotted + granted = used + left. Only time in which the candidate could answer is "
               "used. All figures are minutes, seconds and thousandths."));
    put_interruptions(c, &h);
    html_put(&h, "h2", "", "%s", _("What proves it"));
    report_page_proof(p, &h);
    put_signs(&h);
    return html_close(&h);
}
