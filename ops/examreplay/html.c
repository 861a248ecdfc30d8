#include "html.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "language.h"

#define X(text) ((const xmlChar *)(text))

static void check(struct html *h, int result)
{
    h->failed |= result < 0;
}

void html_begin(struct html *h, const char *element, const char *css_class)
{
    check(h, xmlTextWriterStartElement(h->w, X(element)));
    if (css_class[0] != '\0')
        check(h, xmlTextWriterWriteAttribute(h->w, X("class"), X(css_class)));
}

/* In full: HTML knows no <td/>. */
void html_end(struct html *h)
{
    check(h, xmlTextWriterFullEndElement(h->w));
}

__attribute__((format(printf, 2, 0))) static char *text_of(struct html *h, const char *format,
                                                           va_list args)
{
    char *text;
    if (vasprintf(&text, format, args) < 0) {
        h->failed = true;
        return NULL;
    }
    codec_text_mend(text, strlen(text));
    return text;
}

void html_attribute(struct html *h, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = text_of(h, format, args);
    va_end(args);
    if (text)
        check(h, xmlTextWriterWriteAttribute(h->w, X(name), X(text)));
    free(text);
}

void html_say(struct html *h, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = text_of(h, format, args);
    va_end(args);
    if (text)
        check(h, xmlTextWriterWriteString(h->w, X(text)));
    free(text);
}

void html_put(struct html *h, const char *element, const char *css_class, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = text_of(h, format, args);
    va_end(args);
    html_begin(h, element, css_class);
    if (text)
        check(h, xmlTextWriterWriteString(h->w, X(text)));
    html_end(h);
    free(text);
}

void html_line(struct html *h, const char *text)
{
    html_say(h, "%s", text);
    check(h, xmlTextWriterWriteRaw(h->w, X("\n")));
}

void html_table_begin(struct html *h, const struct html_column *columns, size_t n)
{
    html_begin(h, "table", "");
    html_begin(h, "thead", "");
    html_begin(h, "tr", "");
    for (size_t i = 0; i < n; i++)
        html_put(h, "th", columns[i].figures ? "n" : "", "%s", _(columns[i].head));
    html_end(h);
    html_end(h);
    html_begin(h, "tbody", "");
}

void html_table_end(struct html *h)
{
    html_end(h);
    html_end(h);
}

static void put_head(struct html *h, const char *title, const char *style)
{
    html_begin(h, "head", "");
    html_begin(h, "meta", "");
    html_attribute(h, "charset", "utf-8");
    check(h, xmlTextWriterEndElement(h->w));
    html_put(h, "title", "", "%s", title);
    html_begin(h, "style", "");
    check(h, xmlTextWriterWriteRaw(h->w, X(style)));
    html_end(h);
    html_end(h);
}

exam_err html_open(struct html *h, FILE *to, const char *language, const char *title,
                   const char *style)
{
    xmlOutputBufferPtr out = xmlOutputBufferCreateFile(to, NULL);
    *h = (struct html){.w = out ? xmlNewTextWriter(out) : NULL};
    if (!h->w) {
        if (out)
            (void)xmlOutputBufferClose(out);
        return EXAM_NOMEM;
    }
    check(h, xmlTextWriterWriteRaw(h->w, X("<!DOCTYPE html>\n")));
    html_begin(h, "html", "");
    html_attribute(h, "lang", "%s", language);
    put_head(h, title, style);
    html_begin(h, "body", "");
    return EXAM_OK;
}

exam_err html_close(struct html *h)
{
    html_end(h);
    html_end(h);
    check(h, xmlTextWriterWriteRaw(h->w, X("\n")));
    check(h, xmlTextWriterFlush(h->w));
    xmlFreeTextWriter(h->w);
    return h->failed ? EXAM_IO : EXAM_OK;
}
