#include "paper_file.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

enum { PATH_BYTES = 96, OPTIONS_MIN = 2, OPTIONS_MAX = 26 };

struct paper_reader {
    const char *file;
    struct problems *problems;
    struct paper paper;
};

/* An object of the file, and where it stands. */
struct place {
    json_t *json;
    char path[PATH_BYTES];
};

static struct place place_at(json_t *json, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static struct place place_at(json_t *json, const char *format, ...)
{
    struct place place = {.json = json};
    va_list args;

    va_start(args, format);
    vsnprintf(place.path, sizeof place.path, format, args);
    va_end(args);
    return place;
}

static bool place_is_object(struct paper_reader *r, const struct place *at)
{
    if (json_is_object(at->json))
        return true;
    problems_add(r->problems, r->file, 0, "%s: is no object; write {...} here", at->path);
    return false;
}

/* Notes every key that is not one of the n known ones. */
static void check_keys(struct paper_reader *r, const struct place *at, const char *const known[],
                       size_t n)
{
    char quoted[PROBLEM_QUOTE_BYTES];
    const char *key;
    json_t *value;

    json_object_foreach(at->json, key, value)
    {
        bool found = false;

        for (size_t i = 0; i < n && !found; i++)
            found = strcmp(known[i], key) == 0;
        if (!found)
            problems_add(r->problems, r->file, 0,
                         "%s: unknown key %s; remove it (papers carry no answer keys)", at->path,
                         problem_quote(key, quoted));
    }
}

/* The text of `key`, 1..bytes_max bytes; NULL when it is not one, and that is noted. */
static const char *take_text(struct paper_reader *r, const struct place *at, const char *key,
                             size_t bytes_max)
{
    json_t *value = json_object_get(at->json, key);
    size_t n = json_string_length(value);

    if (value == NULL) {
        problems_add(r->problems, r->file, 0, "%s.%s: is missing; add it", at->path, key);
        return NULL;
    }
    if (!json_is_string(value) || n == 0 || n > bytes_max) {
        problems_add(r->problems, r->file, 0, "%s.%s: is no text of 1 to %zu bytes; correct it",
                     at->path, key, bytes_max);
        return NULL;
    }
    return json_string_value(value);
}

static bool take_name(struct paper_reader *r, const struct place *at, const char *key,
                      char out[NAME_BYTES_MAX + 1])
{
    const char *text = take_text(r, at, key, NAME_BYTES_MAX);
    char quoted[PROBLEM_QUOTE_BYTES];

    if (text == NULL)
        return false;
    if (!codec_name_ok(text)) {
        problems_add(r->problems, r->file, 0,
                     "%s.%s: %s is no name; use no spaces, commas, quotes and slashes", at->path,
                     key, problem_quote(text, quoted));
        return false;
    }
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static bool take_title(struct paper_reader *r, const struct place *at, char *out, size_t bytes_max)
{
    const char *text = take_text(r, at, "title", bytes_max);

    if (text == NULL)
        return false;
    if (!codec_text_ok(text, strlen(text))) {
        problems_add(r->problems, r->file, 0,
                     "%s.title: has a line break or control character; remove it", at->path);
        return false;
    }
    memcpy(out, text, strlen(text) + 1);
    return true;
}

/* A positive number; marks may be halves. */
static bool take_marks(struct paper_reader *r, const struct place *at, double *out)
{
    json_t *value = json_object_get(at->json, "marks");

    if (!json_is_number(value) || json_number_value(value) <= 0) {
        problems_add(r->problems, r->file, 0, "%s.marks: is no number over 0; %s", at->path,
                     value == NULL ? "add it" : "correct it");
        return false;
    }
    *out = json_number_value(value);
    return true;
}

/* "A": "...", "B": "...", from A on without a gap. */
static void check_options(struct paper_reader *r, const struct place *at, Ev__ItemKind kind)
{
    json_t *options = json_object_get(at->json, "options");
    size_t n = json_object_size(options);

    if (options == NULL && kind == EV__ITEM_KIND__ITEM_KIND_TRUE_FALSE)
        return;
    if (!json_is_object(options) || n < OPTIONS_MIN || n > OPTIONS_MAX) {
        problems_add(r->problems, r->file, 0,
                     "%s.options: are not %d to %d options; write {\"A\": \"...\", \"B\": \"...\"}",
                     at->path, OPTIONS_MIN, OPTIONS_MAX);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const char key[] = {(char)('A' + i), '\0'};
        json_t *text = json_object_get(options, key);

        if (text == NULL) {
            problems_add(r->problems, r->file, 0,
                         "%s.options: has %zu options but no %s; name them A, B, C ... in order",
                         at->path, n, key);
            return;
        }
        if (json_string_length(text) == 0)
            problems_add(r->problems, r->file, 0, "%s.options.%s: is no text; correct it", at->path,
                         key);
    }
}

static bool take_kind(struct paper_reader *r, const struct place *at, Ev__ItemKind *out)
{
    static const struct {
        const char *word;
        Ev__ItemKind kind;
    } kinds[] = {
        {"single", EV__ITEM_KIND__ITEM_KIND_SINGLE},
        {"multiple", EV__ITEM_KIND__ITEM_KIND_MULTIPLE},
        {"true-false", EV__ITEM_KIND__ITEM_KIND_TRUE_FALSE},
    };
    const char *word = take_text(r, at, "kind", NAME_BYTES_MAX);
    char quoted[PROBLEM_QUOTE_BYTES];

    if (word == NULL)
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].word, word) == 0) {
            *out = kinds[i].kind;
            return true;
        }
    }
    problems_add(r->problems, r->file, 0, "%s.kind: is %s; write single, multiple or true-false",
                 at->path, problem_quote(word, quoted));
    return false;
}

static void check_id_is_new(struct paper_reader *r, const struct place *at, const char *id)
{
    for (size_t i = 0; i < r->paper.items_n; i++) {
        if (strcmp(r->paper.items[i].id, id) != 0)
            continue;
        problems_add(r->problems, r->file, 0,
                     "%s.id: '%s' is the id of item %zu of the paper, too; rename one of the two",
                     at->path, id, i + 1);
        return;
    }
}

static void take_item(struct paper_reader *r, const struct place *at, const char *subject,
                      double *marks_sum)
{
    static const char *const keys[] = {"id", "kind", "text", "options", "marks"};
    struct paper_item item = {.kind = EV__ITEM_KIND__ITEM_KIND_UNKNOWN};
    double marks = 0;

    if (!place_is_object(r, at))
        return;
    check_keys(r, at, keys, sizeof keys / sizeof keys[0]);
    if (take_name(r, at, "id", item.id))
        check_id_is_new(r, at, item.id);
    if (take_kind(r, at, &item.kind))
        check_options(r, at, item.kind);
    (void)take_text(r, at, "text", PAPER_BYTES_MAX);
    if (take_marks(r, at, &marks))
        *marks_sum += marks;
    memcpy(item.subject, subject, strlen(subject) + 1);
    if (r->paper.items_n < PAPER_ITEMS_MAX)
        r->paper.items[r->paper.items_n++] = item;
    else
        problems_add(r->problems, r->file, 0, "%s: is item number %d; a paper has at most %d",
                     at->path, PAPER_ITEMS_MAX + 1, PAPER_ITEMS_MAX);
}

static void take_items(struct paper_reader *r, const struct place *at, const char *subject,
                       double marks)
{
    json_t *items = json_object_get(at->json, "items");
    unsigned before = r->problems->n;
    double marks_sum = 0;
    json_t *json;
    size_t i;

    if (!json_is_array(items) || json_array_size(items) == 0) {
        problems_add(r->problems, r->file, 0, "%s.items: is no list with items; write [{...}]",
                     at->path);
        return;
    }
    json_array_foreach(items, i, json)
    {
        struct place item = place_at(json, "%s.items[%zu]", at->path, i);

        if (r->paper.items_n == PAPER_ITEMS_MAX && r->problems->n > before)
            return;
        take_item(r, &item, subject, &marks_sum);
    }
    /* Halves and quarters are exact in binary; a hundredth of a mark is tolerated, no more. */
    if (r->problems->n == before && (marks_sum - marks > 0.01 || marks - marks_sum > 0.01))
        problems_add(r->problems, r->file, 0,
                     "%s.marks: is %g, its items add up to %g; correct one of them", at->path,
                     marks, marks_sum);
}

static void take_subject(struct paper_reader *r, const struct place *at)
{
    static const char *const keys[] = {"id", "title", "marks", "items"};
    char id[NAME_BYTES_MAX + 1] = "";
    char title[TITLE_BYTES_MAX + 1];
    double marks = 0;

    if (!place_is_object(r, at))
        return;
    check_keys(r, at, keys, sizeof keys / sizeof keys[0]);
    (void)take_name(r, at, "id", id);
    (void)take_title(r, at, title, TITLE_BYTES_MAX);
    (void)take_marks(r, at, &marks);
    for (size_t i = 0; i < r->paper.items_n && id[0] != '\0'; i++) {
        if (strcmp(r->paper.items[i].subject, id) == 0) {
            problems_add(r->problems, r->file, 0,
                         "%s.id: '%s' is the id of a subject above, too; "
                         "rename one of the two",
                         at->path, id);
            break;
        }
    }
    take_items(r, at, id, marks);
}

static void take_subjects(struct paper_reader *r, const struct place *root)
{
    json_t *subjects = json_object_get(root->json, "subjects");
    size_t n = json_array_size(subjects);

    if (!json_is_array(subjects) || n == 0 || n > PAPER_SUBJECTS_MAX) {
        problems_add(r->problems, r->file, 0,
                     "$.subjects: is no list of 1 to %d subjects; write [{...}]",
                     PAPER_SUBJECTS_MAX);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct place subject = place_at(json_array_get(subjects, i), "$.subjects[%zu]", i);

        take_subject(r, &subject);
    }
}

static void take_paper(struct paper_reader *r, const struct place *root)
{
    static const char *const keys[] = {"format", "id", "title", "minutes", "subjects"};
    char quoted[PROBLEM_QUOTE_BYTES];
    const char *format;
    json_t *minutes;

    if (!place_is_object(r, root))
        return;
    format = take_text(r, root, "format", NAME_BYTES_MAX);
    if (format != NULL && strcmp(format, "shunyan-paper-1") != 0) {
        problems_add(r->problems, r->file, 0,
                     "$.format: is %s; this tool reads shunyan-paper-1 only",
                     problem_quote(format, quoted));
        return;
    }
    check_keys(r, root, keys, sizeof keys / sizeof keys[0]);
    (void)take_name(r, root, "id", r->paper.id);
    (void)take_title(r, root, r->paper.title, TITLE_BYTES_MAX);
    minutes = json_object_get(root->json, "minutes");
    if (!json_is_integer(minutes) || json_integer_value(minutes) < 1 ||
        json_integer_value(minutes) > PAPER_MINUTES_MAX)
        problems_add(r->problems, r->file, 0,
                     "$.minutes: is no whole number from 1 to %d; correct it", PAPER_MINUTES_MAX);
    else
        r->paper.minutes = (uint32_t)json_integer_value(minutes);
    take_subjects(r, root);
}

exam_err paper_read(const struct source_text *source, struct problems *p, struct paper *out)
{
    struct paper_reader r = {.file = source->file, .problems = p};
    json_error_t error;
    struct place root;

    *out = r.paper;
    if (source->bytes > PAPER_BYTES_MAX) {
        problems_add(p, source->file, 0, "is over %d MiB; take pictures out",
                     PAPER_BYTES_MAX >> 20);
        return EXAM_OK;
    }
    root = place_at(json_loadb(source->text, source->bytes, JSON_REJECT_DUPLICATES, &error), "$");
    if (root.json == NULL) {
        if (json_error_code(&error) == json_error_out_of_memory)
            return EXAM_NOMEM;
        problems_add(p, source->file, error.line > 0 ? (unsigned)error.line : 0,
                     "%s (column %d); %s", error.text, error.column,
                     json_error_code(&error) == json_error_premature_end_of_input
                         ? "the file is cut off, export it again"
                         : "correct it, or export it again");
        return EXAM_OK;
    }
    r.paper.items = calloc(PAPER_ITEMS_MAX, sizeof *r.paper.items);
    if (r.paper.items == NULL) {
        json_decref(root.json);
        return EXAM_NOMEM;
    }
    take_paper(&r, &root);
    json_decref(root.json);
    *out = r.paper;
    return EXAM_OK;
}

void paper_free(struct paper *paper)
{
    free(paper->items);
    paper->items = NULL;
    paper->items_n = 0;
}
