#include "moment.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "duration.h"

enum { LSN_DIGITS_MAX = 18 };

static bool lsn_parse(const char *text, uint64_t *lsn)
{
    size_t n = strspn(text, "0123456789");
    *lsn = 0;
    for (size_t i = 0; i < n && i < LSN_DIGITS_MAX; i++)
        *lsn = 10 * *lsn + (uint64_t)(text[i] - '0');
    return n >= 1 && n <= LSN_DIGITS_MAX && text[n] == '\0';
}

static bool wall_parse(const char *text, int64_t *wall_ms)
{
    static const char *const forms[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M",
                                        "%Y-%m-%dT%H:%M"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm tm = {.tm_isdst = -1};
        const char *end = strptime(text, forms[i], &tm);
        time_t at = end && *end == '\0' ? mktime(&tm) : -1;
        if (at < 0)
            continue;
        *wall_ms = (int64_t)at * 1000;
        return true;
    }
    return false;
}

exam_err moment_parse(const char *text, struct moment *out)
{
    struct moment m = {.kind = MOMENT_NONE};
    if (text[0] == '+' && duration_parse(text + 1, &m.site_ms) == EXAM_OK)
        m.kind = MOMENT_SITE;
    else if (lsn_parse(text, &m.lsn))
        m.kind = MOMENT_LSN;
    else if (wall_parse(text, &m.wall_ms))
        m.kind = MOMENT_WALL;
    if (m.kind == MOMENT_NONE)
        return EXAM_INVALID;
    *out = m;
    return EXAM_OK;
}

bool moment_is_after(const struct moment *m, const struct replay_record *at)
{
    switch (m->kind) {
    case MOMENT_LSN:
        return at->r->lsn > m->lsn;
    case MOMENT_SITE:
        return at->site_ms > m->site_ms;
    case MOMENT_WALL:
        return at->r->wall_ms > m->wall_ms;
    default:
        return false;
    }
}

bool moment_is_before(const struct moment *m, const struct replay_record *at)
{
    switch (m->kind) {
    case MOMENT_LSN:
        return at->r->lsn < m->lsn;
    case MOMENT_SITE:
        return at->site_ms < m->site_ms;
    case MOMENT_WALL:
        return at->r->wall_ms < m->wall_ms;
    default:
        return false;
    }
}

uint64_t moment_last_lsn(const struct moment *m)
{
    return m->kind == MOMENT_LSN ? m->lsn : UINT64_MAX;
}

void wall_format(int64_t wall_ms, char out[WALL_TEXT_BYTES])
{
    time_t s = (time_t)(wall_ms / 1000);
    struct tm tm;
    size_t n = localtime_r(&s, &tm) ? strftime(out, WALL_TEXT_BYTES, "%Y-%m-%d %H:%M:%S", &tm) : 0;
    if (n == 0)
        n = (size_t)snprintf(out, WALL_TEXT_BYTES, "?");
    snprintf(out + n, WALL_TEXT_BYTES - n, ".%03d", (int)((wall_ms % 1000 + 1000) % 1000));
}
