/* html.h - a page of HTML with its drawings (SVG), written by libxml2, which does the escaping.
 * Shell over a FILE. Sticky: a failure shows when the page ends. What is said may hold anything
 * that a network or a person sent: it is made valid UTF-8 without control characters. */
#ifndef EXAMREPLAY_HTML_H
#define EXAMREPLAY_HTML_H

#include <libxml/xmlwriter.h>
#include <stdbool.h>
#include <stdio.h>

#include "exam_err.h"

struct html {
    xmlTextWriterPtr w;
    bool failed;
};

/* Head and open body. `style` is CSS without any of < > &. EXAM_NOMEM. */
EXAM_MUST_USE exam_err html_open(struct html *h, FILE *to, const char *language, const char *title,
                                 const char *style);
/* Ends the page; `to` stays open. EXAM_IO: it was not written as a whole. */
EXAM_MUST_USE exam_err html_close(struct html *h);

void html_begin(struct html *h, const char *element, const char *css_class); /* class "": none */
void html_end(struct html *h);
void html_attribute(struct html *h, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void html_say(struct html *h, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* An element with nothing but words in it. */
void html_put(struct html *h, const char *element, const char *css_class, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A line of text, with its end: within <pre>. */
void html_line(struct html *h, const char *text);

struct html_column {
    const char *head; /* for _() */
    bool figures;     /* to the right */
};
/* A table with a head that is repeated on every sheet; rows are the caller's. */
void html_table_begin(struct html *h, const struct html_column *columns, size_t n);
void html_table_end(struct html *h);

#endif
