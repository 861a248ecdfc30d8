/* fuzz_paper.c - whatever is in a paper's file, something is noted or what was taken out of it is
 * what a node may be sent. */
#include <jansson.h>
#include <string.h>

#include "codec.h"
#include "fuzz.h"
#include "paper_file.h"

static size_t items_in(const char *text, size_t n)
{
    json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL), *subject;
    size_t i, items = 0;

    require(json_is_object(root));
    json_array_foreach(json_object_get(root, "subjects"), i, subject) items +=
        json_array_size(json_object_get(subject, "items"));
    json_decref(root);
    return items;
}

static void expect_sound(const struct paper *p)
{
    require(codec_name_ok(p->id) && codec_text_ok(p->title, strlen(p->title)));
    require(p->minutes > 0 && p->minutes <= PAPER_MINUTES_MAX);
    require(p->items_n > 0 && p->items_n <= PAPER_ITEMS_MAX);
    for (size_t i = 0; i < p->items_n; i++) {
        require(codec_name_ok(p->items[i].id) && codec_name_ok(p->items[i].subject));
        require(p->items[i].kind > 0);
        for (size_t k = 0; k < i; k++)
            require(strcmp(p->items[i].id, p->items[k].id) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct problems problems;
    struct source_text source = {.file = "paper.json", .text = (const char *)data, .bytes = size};
    struct paper paper;

    problems_init(&problems);
    require(paper_read(&source, &problems, &paper) == EXAM_OK);
    for (unsigned i = 0; i < problems.n && i < PROBLEMS_KEPT; i++)
        require(codec_text_ok(problems.text[i], strlen(problems.text[i])));
    if (problems.n == 0) {
        expect_sound(&paper);
        require(items_in(source.text, size) == paper.items_n);
    }
    paper_free(&paper);
    return 0;
}
