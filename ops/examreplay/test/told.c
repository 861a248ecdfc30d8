#include "told.h"

#include <stdlib.h>
#include <string.h>

#include "certificate_page.h"
#include "duration.h"

/* ---------------------------------------------------------------- a told disk */

static void note(void *ctx, const struct replay *p, const struct replay_record *at)
{
    story_note(ctx, p, at);
}

void told_open(struct told *t, const store_image *image, const char *sitting)
{
    const struct replay_hooks hooks = {.ctx = &t->story, .seen = note};
    *t = (struct told){.filter.sitting = sitting};
    t->story.filter = &t->filter;
    fixture_prove(&t->proved, image);
    if (!proof_holds(&t->proved.proof)) {
        char kept[FIXTURE_PATH_BYTES];
        proof_print_verdict(&t->proved.proof, stdout);
        fixture_folder_make(image, kept);
        fail_msg("a disk is not proven; it is kept as %s", kept);
    }
    replay_open(&t->replay, t->proved.proof.reader.s, &t->findings, fixture_options.reached);
    assert_int_equal(replay_to(&t->replay, UINT64_MAX, &hooks), EXAM_OK);
    casebook_make(&t->book, t->replay.x, &t->story, &t->filter, 0);
}

void told_close(struct told *t)
{
    casebook_fini(&t->book);
    story_fini(&t->story);
    replay_close(&t->replay);
    fixture_unprove(&t->proved);
}

char *told_page(const struct told *t, exam_err (*write)(const struct report_page *p, FILE *to))
{
    const struct report_page page = {
        .c = &t->book, .filter = &t->filter, .proof = &t->proved.proof};
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    assert_non_null(f);
    assert_int_equal(write(&page, f), EXAM_OK);
    assert_int_equal(fclose(f), 0);
    return text;
}

/* ---------------------------------------------------------------- pages */

/* Well-formed, and nothing that would have to be loaded or run. */
xmlDocPtr told_parse(const char *page)
{
    static const char *const foreign[] = {"<script", "src=", "href=", "url(", "@import", "<link"};
    xmlDocPtr d = xmlReadMemory(page, (int)strlen(page), "page", NULL, XML_PARSE_NONET);
    assert_non_null(d);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (strstr(page, foreign[i]))
            fail_msg("the page has %s", foreign[i]);
    return d;
}

/* The text of the first <td> in a row of this class. */
static bool figure_of(xmlNodePtr at, const char *row_class, char out[DURATION_TEXT_BYTES])
{
    for (; at; at = at->next) {
        xmlChar *css_class = xmlGetProp(at, (const xmlChar *)"class");
        bool found = css_class && strcmp((const char *)css_class, row_class) == 0;
        xmlFree(css_class);
        if (found) {
            xmlChar *text = xmlNodeGetContent(xmlLastElementChild(at));
            snprintf(out, DURATION_TEXT_BYTES, "%s", (const char *)text);
            xmlFree(text);
            return true;
        }
        if (figure_of(at->children, row_class, out))
            return true;
    }
    return false;
}

/* ---------------------------------------------------------------- what is told */

static void assert_sitting(const struct told *t, const struct case_sitting *s)
{
    struct exam_account a;
    uint64_t lost_ms = 0;
    exam_sitting_account(t->replay.x, s->view.sitting, exam_last_ms(t->replay.x), &a);
    for (size_t i = 0; i < s->n; i++) {
        const struct case_interruption *in = &t->book.interruptions[s->first + i];
        const struct story_booked *b = story_booked(&t->story, s->view.sitting, in->no);
        assert_non_null(b);
        assert_true(in->cause < t->book.causes_n);
        assert_true(in->view.to_ms - in->view.from_ms >= in->view.lost_ms ||
                    t->story.darks_n > 0); /* a dark time that no server measured */
        lost_ms += in->view.lost_ms;
    }
    assert_int_equal(lost_ms, a.lost_ms);
    assert_int_equal(s->lost_ms, a.lost_ms);
}

/* Each way of adding up gives the same. */
static void assert_totals(const struct casebook *c)
{
    uint64_t by_sitting_ms = 0, by_cause_ms = 0, by_stretch_ms = 0;
    uint32_t interruptions = 0;
    for (size_t i = 0; i < c->sittings_n; i++)
        by_sitting_ms += c->sittings[i].lost_ms;
    for (size_t i = 0; i < c->causes_n; i++) {
        by_cause_ms += c->causes[i].totals.lost_ms;
        interruptions += c->causes[i].totals.interruptions;
    }
    for (size_t i = 0; i < c->disturbances_n; i++)
        by_stretch_ms += c->disturbances[i].lost_ms;
    assert_int_equal(by_sitting_ms, c->totals.lost_ms);
    assert_int_equal(by_cause_ms, c->totals.lost_ms);
    assert_int_equal(by_stretch_ms, c->totals.lost_ms);
    assert_int_equal(interruptions, c->totals.interruptions);
    assert_int_equal(interruptions, c->interruptions_n);
}

static void assert_certificate(const store_image *image, const struct exam_sitting_view *v)
{
    struct told t;
    char figure[DURATION_TEXT_BYTES], expected[DURATION_TEXT_BYTES];
    told_open(&t, image, v->admission_no);
    assert_int_equal(t.book.sittings_n, 1);
    char *page = told_page(&t, certificate_page_write);
    xmlDocPtr d = told_parse(page);
    assert_true(figure_of(xmlDocGetRootElement(d), "main", figure));
    duration_format(v->account.lost_ms, expected);
    assert_string_equal(figure, expected);
    xmlFreeDoc(d);
    free(page);
    told_close(&t);
}

static void assert_report(const struct told *t)
{
    char *page = told_page(t, report_page_write);
    xmlDocPtr d = told_parse(page);
    for (size_t i = 0; i < t->book.sittings_n; i++)
        if (t->book.sittings[i].n > 0)
            assert_non_null(strstr(page, t->book.sittings[i].view.admission_no));
    xmlFreeDoc(d);
    free(page);
}

void told_check_disk(const store_image *image, uint64_t *interruptions)
{
    struct told t;
    told_open(&t, image, NULL);
    for (size_t i = 0; i < t.book.sittings_n; i++)
        assert_sitting(&t, &t.book.sittings[i]);
    assert_totals(&t.book);
    if (t.book.sittings_n > 0) {
        assert_report(&t);
        assert_certificate(image, &t.book.sittings[0].view);
        assert_certificate(image, &t.book.sittings[t.book.sittings_n - 1].view);
    }
    *interruptions += t.book.interruptions_n;
    told_close(&t);
}
