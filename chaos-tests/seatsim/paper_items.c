#include "paper_items.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static exam_err item_read(const json_t *from, struct item *out)
{
    const char *id = json_string_value(json_object_get(from, "id"));
    const char *kind = json_string_value(json_object_get(from, "kind"));
    if (id == NULL || kind == NULL || strlen(id) == 0 || strlen(id) > NAME_BYTES_MAX)
        return EXAM_MALFORMED;
    size_t options = json_object_size(json_object_get(from, "options"));
    struct item it = {.options = (uint8_t)(options > 26 ? 26 : options)};
    strcpy(it.id, id);
    if (strcmp(kind, "single") == 0)
        it.kind = ITEM_SINGLE;
    else if (strcmp(kind, "multiple") == 0)
        it.kind = ITEM_MULTIPLE;
    else if (strcmp(kind, "true-false") == 0)
        it.kind = ITEM_TRUE_FALSE;
    else
        return EXAM_MALFORMED;
    if (it.kind != ITEM_TRUE_FALSE && it.options < 2)
        return EXAM_MALFORMED;
    *out = it;
    return EXAM_OK;
}

static exam_err items_append(const json_t *subject, struct paper_items *p)
{
    const json_t *items = json_object_get(subject, "items");
    size_t n = json_array_size(items);
    for (size_t i = 0; i < n; i++) {
        if (p->n == PAPER_ITEMS_MAX)
            return EXAM_TOO_BIG;
        exam_err err = item_read(json_array_get(items, i), &p->item[p->n]);
        if (err != EXAM_OK)
            return err;
        p->n++;
    }
    return EXAM_OK;
}

exam_err paper_items_read(const uint8_t *bytes, size_t n, struct paper_items *out)
{
    struct paper_items p = {.item = calloc(PAPER_ITEMS_MAX, sizeof *p.item)};
    if (p.item == NULL)
        return EXAM_NOMEM;
    exam_err err = EXAM_MALFORMED;
    json_t *root = json_loadb((const char *)bytes, n, JSON_REJECT_DUPLICATES, NULL);
    const json_t *subjects = json_object_get(root, "subjects");
    size_t subjects_n = json_array_size(subjects);
    for (size_t i = 0; i < subjects_n; i++) {
        err = items_append(json_array_get(subjects, i), &p);
        if (err != EXAM_OK)
            break;
    }
    json_decref(root);
    if (err == EXAM_OK && p.n == 0)
        err = EXAM_MALFORMED;
    if (err != EXAM_OK) {
        paper_items_free(&p);
        return err;
    }
    *out = p;
    return EXAM_OK;
}

void paper_items_free(struct paper_items *p)
{
    free(p->item);
    *p = (struct paper_items){0};
}
