#include "name_list.h"

#include <stdio.h>
#include <string.h>

#include "codec.h"

exam_err name_list_take(struct name_list *list, const char *text, const char **bad)
{
    for (;; text++) {
        size_t n = strcspn(text, ",");
        char *name = list->text + list->n * (NAME_BYTES_MAX + 1);

        *bad = text;
        if (list->n == NAMES_MAX)
            return EXAM_TOO_BIG;
        snprintf(name, NAME_BYTES_MAX + 1, "%.*s", (int)n, text);
        if (n > NAME_BYTES_MAX || !codec_name_ok(name))
            return EXAM_INVALID;
        list->at[list->n++] = name;
        text += n;
        if (*text == '\0')
            return EXAM_OK;
    }
}
