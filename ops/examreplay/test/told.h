/* told.h - for tests: a disk whose story is told, and that it is told as it is accounted. */
#ifndef REPLAY_TOLD_H
#define REPLAY_TOLD_H

#include "replay_fixture.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "report_page.h"

struct told {
    struct proved proved;
    struct findings findings;
    struct filter filter;
    struct replay replay;
    struct story story;
    struct casebook book;
};

/* The disk must be one that is proven. `sitting`: only this one; NULL: all. */
void told_open(struct told *t, const store_image *image, const char *sitting);
void told_close(struct told *t);

/* The caller's. */
char *told_page(const struct told *t, exam_err (*write)(const struct report_page *p, FILE *to));
/* Well-formed, and nothing in it would have to be loaded or run. The caller's. */
xmlDocPtr told_parse(const char *page);

/* Reports, certificates and all ways of adding up say what the accounts say (T14). Adds to
 * *interruptions how many there were. */
void told_check_disk(const store_image *image, uint64_t *interruptions);

#endif
