#include "batch_settings.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "codec.h"

static const char format_name[] = "shunyan-batch-1";
static const char common[] = "common", personal[] = "personal";

exam_err batch_settings_format(const struct batch_settings *s, char out[BATCH_SETTINGS_BYTES_MAX],
                               size_t *n)
{
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:s}", "format", format_name, "batch", s->batch,
                  "title", s->title, "allot_ms", (json_int_t)s->allot_ms, "grace_ms",
                  (json_int_t)s->grace_ms, "entry_wall_ms", (json_int_t)s->entry_wall_ms, "timing",
                  s->timing == EV__TIMING__TIMING_PERSONAL ? personal : common);
    size_t bytes = root != NULL ? json_dumpb(root, out, BATCH_SETTINGS_BYTES_MAX - 1, 0) : 0;

    json_decref(root);
    if (bytes == 0 || bytes >= BATCH_SETTINGS_BYTES_MAX)
        return EXAM_NOMEM;
    out[bytes] = '\0';
    *n = bytes;
    return EXAM_OK;
}

static bool text_take(const char *text, size_t bytes_max, char *out)
{
    size_t n = strlen(text);

    if (n == 0 || n > bytes_max || !codec_text_ok(text, n))
        return false;
    memcpy(out, text, n + 1);
    return true;
}

static bool timing_take(const char *text, Ev__Timing *out)
{
    *out = strcmp(text, personal) == 0 ? EV__TIMING__TIMING_PERSONAL : EV__TIMING__TIMING_COMMON;
    return *out == EV__TIMING__TIMING_PERSONAL || strcmp(text, common) == 0;
}

static exam_err settings_take(json_t *root, struct batch_settings *out)
{
    const char *format, *batch, *title, *timing;
    json_int_t allot_ms, grace_ms, entry_wall_ms;
    struct batch_settings s;

    if (json_unpack(root, "{s:s, s:s, s:s, s:I, s:I, s:I, s:s !}", "format", &format, "batch",
                    &batch, "title", &title, "allot_ms", &allot_ms, "grace_ms", &grace_ms,
                    "entry_wall_ms", &entry_wall_ms, "timing", &timing) != 0)
        return EXAM_MALFORMED;
    if (strcmp(format, format_name) != 0)
        return EXAM_VERSION;
    if (!codec_name_ok(batch) || !text_take(batch, NAME_BYTES_MAX, s.batch) ||
        !text_take(title, TITLE_BYTES_MAX, s.title) || !timing_take(timing, &s.timing) ||
        allot_ms < 0 || grace_ms < 0 || entry_wall_ms < 0)
        return EXAM_INVALID;
    s.allot_ms = (uint64_t)allot_ms;
    s.grace_ms = (uint64_t)grace_ms;
    s.entry_wall_ms = entry_wall_ms;
    *out = s;
    return EXAM_OK;
}

exam_err batch_settings_parse(const char *text, size_t n, struct batch_settings *out)
{
    json_t *root;
    exam_err err;

    if (n > BATCH_SETTINGS_BYTES_MAX)
        return EXAM_TOO_BIG;
    root = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    err = root != NULL ? settings_take(root, out) : EXAM_MALFORMED;
    json_decref(root);
    return err;
}
