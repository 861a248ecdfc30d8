#include "texts.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 64 * 1024 };

struct chunk {
    struct chunk *next;
    size_t used, max;
    char bytes[];
};

struct drill_texts {
    struct chunk *first;
};

struct drill_texts *texts_new(void)
{
    return calloc(1, sizeof(struct drill_texts));
}

void texts_free(struct drill_texts *t)
{
    while (t && t->first) {
        struct chunk *next = t->first->next;
        free(t->first);
        t->first = next;
    }
    free(t);
}

const char *texts_keep(struct drill_texts *t, const char *text)
{
    size_t bytes = strlen(text) + 1;
    if (!t->first || t->first->max - t->first->used < bytes) {
        size_t max = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
        struct chunk *c = malloc(sizeof *c + max);
        if (!c)
            abort();
        *c = (struct chunk){.next = t->first, .max = max};
        t->first = c;
    }
    char *at = t->first->bytes + t->first->used;
    memcpy(at, text, bytes);
    t->first->used += bytes;
    return at;
}
