#include "names.h"

#include <stdlib.h>
#include <string.h>

void names_fini(struct names *k)
{
    free(k->at);
    *k = (struct names){0};
}

exam_err names_add(struct names *k, const char *text, enum drill_scope_kind kind, uint32_t at,
                   uint32_t line)
{
    if (k->n == k->max) {
        uint32_t max = k->max ? 2 * k->max : 64;
        struct name *p = realloc(k->at, max * sizeof *p);
        if (!p)
            return EXAM_NOMEM;
        k->at = p;
        k->max = max;
    }
    k->at[k->n++] = (struct name){.text = text, .of = {.kind = kind, .at = at}, .line = line};
    return EXAM_OK;
}

static int by_text_and_line(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    if (order)
        return order;
    return x->line < y->line ? -1 : x->line > y->line;
}

const struct name *names_sort(struct names *k, const struct name **first)
{
    if (k->n > 1)
        qsort(k->at, k->n, sizeof *k->at, by_text_and_line);
    for (uint32_t i = 1; i < k->n; i++) {
        if (strcmp(k->at[i - 1].text, k->at[i].text) != 0)
            continue;
        *first = &k->at[i - 1];
        return &k->at[i];
    }
    return NULL;
}

static int by_text(const void *text, const void *name)
{
    const struct name *n = name;
    return strcmp(text, n->text);
}

const struct name *names_find(const struct names *k, const char *text)
{
    return k->n ? bsearch(text, k->at, k->n, sizeof *k->at, by_text) : NULL;
}

const char *names_kind_text(enum drill_scope_kind kind)
{
    static const char *const texts[] = {
        [DRILL_SITE] = "site", [DRILL_BATCH] = "batch",     [DRILL_ROOM] = "room",
        [DRILL_SEAT] = "seat", [DRILL_SITTING] = "sitting", [DRILL_NODE] = "node",
    };
    return texts[kind];
}
