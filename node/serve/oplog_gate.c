#include "oplog_gate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void kind_begin(struct oplog_gate_kind *k, const char *event, const char *about)
{
    snprintf(k->event, sizeof k->event, "%s", event);
    snprintf(k->about, sizeof k->about, "%s", about);
}

static struct oplog_gate_kind *kind_find(struct oplog_gate *g, const char *event, const char *about)
{
    struct oplog_gate_kind wanted, *unused = NULL;
    kind_begin(&wanted, event, about);
    for (size_t i = 1; i < OPLOG_GATE_KINDS; i++) {
        struct oplog_gate_kind *k = &g->kinds[i];
        if (!k->lines)
            unused = unused ? unused : k;
        else if (!strcmp(k->event, wanted.event) && !strcmp(k->about, wanted.about))
            return k;
    }
    if (!unused) {
        kind_begin(&g->kinds[0], "several", "more kinds than are told apart");
        return &g->kinds[0];
    }
    kind_begin(unused, event, about);
    return unused;
}

/* 1203 as "1,203". */
static void number_put(char out[32], uint64_t n)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, n);
    size_t at = 0;
    for (int i = 0; i < length; i++) {
        out[at++] = digits[i];
        if ((length - 1 - i) % 3 == 0 && i < length - 1)
            out[at++] = ',';
    }
    out[at] = '\0';
}

/* Its minute is over. */
static void kind_end(struct oplog_gate_kind *k)
{
    if (k->lines > OPLOG_GATE_LINES) {
        uint64_t more = k->lines - OPLOG_GATE_LINES;
        char number[32], text[80];
        number_put(number, more);
        snprintf(text, sizeof text, "and %s more of these within a minute", number);
        oplog(k->level, "lines-left-out", OPLOG_S("of", k->event), OPLOG_S("about", k->about),
              OPLOG_U("n", more), OPLOG_S("text", text));
    }
    k->lines = 0;
}

void oplog_gate_write(struct oplog_gate *g, uint64_t now_ms, enum oplog_level level,
                      const char *event, const char *about, const struct oplog_field *fields)
{
    struct oplog_gate_kind *k = kind_find(g, event, about);
    if (k->lines && now_ms - k->since_ms >= OPLOG_GATE_MS)
        kind_end(k);
    if (!k->lines) {
        k->since_ms = now_ms;
        k->level = level;
    }
    if (k->lines++ < OPLOG_GATE_LINES)
        oplog_write(level, event, fields);
}

void oplog_gate_sweep(struct oplog_gate *g, uint64_t now_ms)
{
    for (size_t i = 0; i < OPLOG_GATE_KINDS; i++)
        if (g->kinds[i].lines && now_ms - g->kinds[i].since_ms >= OPLOG_GATE_MS)
            kind_end(&g->kinds[i]);
}
