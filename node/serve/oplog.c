#include "oplog.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

static struct {
    char node[64];
    enum oplog_level threshold;
} log_to = {.threshold = OPLOG_INFO};

enum { LINE_BYTES = 2048 };

struct line {
    char text[LINE_BYTES];
    size_t n;
};

static void line_put(struct line *l, const char *s, size_t n)
{
    size_t room = sizeof l->text - 1 - l->n; /* the newline's place is kept */
    size_t take = n < room ? n : room;
    memcpy(l->text + l->n, s, take);
    l->n += take;
}

static void line_puts(struct line *l, const char *s)
{
    line_put(l, s, strlen(s));
}

static bool value_is_plain(const char *v)
{
    if (!*v)
        return false;
    for (const unsigned char *p = (const unsigned char *)v; *p; p++)
        if (*p <= ' ' || *p == '"' || *p == '=' || *p == '\\' || *p == 0x7f)
            return false;
    return true;
}

static void line_put_value(struct line *l, const char *v)
{
    if (value_is_plain(v)) {
        line_puts(l, v);
        return;
    }
    line_puts(l, "\"");
    for (const unsigned char *p = (const unsigned char *)v; *p; p++) {
        char esc[8];
        if (*p == '"' || *p == '\\')
            snprintf(esc, sizeof esc, "\\%c", *p);
        else if (*p < ' ' || *p == 0x7f)
            snprintf(esc, sizeof esc, "\\x%02x", *p);
        else
            snprintf(esc, sizeof esc, "%c", *p);
        line_puts(l, esc);
    }
    line_puts(l, "\"");
}

static void line_put_time(struct line *l)
{
    int64_t ms = clock_wall_ms();
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    char text[40];
    gmtime_r(&s, &tm);
    size_t n = strftime(text, sizeof text, "ts=%Y-%m-%dT%H:%M:%S", &tm);
    line_put(l, text, n);
    snprintf(text, sizeof text, ".%03dZ", (int)(ms % 1000));
    line_puts(l, text);
}

void oplog_open(const char *node, enum oplog_level threshold)
{
    snprintf(log_to.node, sizeof log_to.node, "%s", node);
    log_to.threshold = threshold;
}

void oplog_write(enum oplog_level level, const char *event, const struct oplog_field *fields)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    if (level > log_to.threshold)
        return;
    struct line l = {.n = 0};
    line_put_time(&l);
    line_puts(&l, " level=");
    line_puts(&l, names[level]);
    line_puts(&l, " event=");
    line_puts(&l, event);
    if (log_to.node[0]) {
        line_puts(&l, " node=");
        line_put_value(&l, log_to.node);
    }
    for (; fields->key; fields++) {
        line_puts(&l, " ");
        line_puts(&l, fields->key);
        line_puts(&l, "=");
        if (fields->type == OPLOG_TEXT) {
            line_put_value(&l, fields->text ? fields->text : "");
        } else {
            char number[24];
            snprintf(number, sizeof number, "%llu", (unsigned long long)fields->number);
            line_puts(&l, number);
        }
    }
    l.text[l.n++] = '\n';
    /* One write a line, so that lines of several processes do not mix. A log that cannot be written
     * must not stop an exam. */
    ssize_t rc = write(STDERR_FILENO, l.text, l.n);
    (void)rc;
}
