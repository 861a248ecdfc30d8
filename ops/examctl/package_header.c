#include "package_header.h"

#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "codec.h"

static const char format_name[] = "shunyan-package-1";

struct header_hex {
    char site[2 * SITE_ID_BYTES + 1], sign[2 * KEY_BYTES + 1];
};

static void hex_of(const struct package_header *h, struct header_hex *out)
{
    sodium_bin2hex(out->site, sizeof out->site, h->site_id, SITE_ID_BYTES);
    sodium_bin2hex(out->sign, sizeof out->sign, h->sign_public, KEY_BYTES);
}

/* Names have no line ends: no two headers make the same bytes. */
size_t package_header_bound(const struct package_header *h, char out[PACKAGE_BOUND_BYTES])
{
    struct header_hex hex;

    hex_of(h, &hex);
    return (size_t)snprintf(out, PACKAGE_BOUND_BYTES, "%s\n%s\n%s\n%s\n%s\n%" PRId64, format_name,
                            hex.site, h->batch, h->who, hex.sign, h->made_wall_ms);
}

exam_err package_header_format(const struct package_header *h, char out[PACKAGE_LINE_BYTES_MAX],
                               size_t *n)
{
    char box[PASSWORD_BOX_TEXT_BYTES];
    struct header_hex hex;
    size_t bytes;
    json_t *root;

    hex_of(h, &hex);
    password_box_format(&h->box, box);
    root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s}", "format", format_name, "site", hex.site,
                     "batch", h->batch, "who", h->who, "sign", hex.sign, "made_wall_ms",
                     (json_int_t)h->made_wall_ms, "box", box);
    bytes = root != NULL ? json_dumpb(root, out, PACKAGE_LINE_BYTES_MAX - 2, 0) : 0;
    json_decref(root);
    if (bytes == 0 || bytes > PACKAGE_LINE_BYTES_MAX - 2)
        return EXAM_NOMEM;
    memcpy(out + bytes, "\n", 2);
    *n = bytes + 1;
    return EXAM_OK;
}

static bool hex_take(const char *hex, uint8_t *out, size_t n)
{
    const char *end;
    size_t got;

    return sodium_hex2bin(out, n, hex, strlen(hex), NULL, &got, &end) == 0 && got == n &&
           *end == '\0';
}

static bool name_take(const char *text, char out[NAME_BYTES_MAX + 1])
{
    if (!codec_name_ok(text))
        return false;
    snprintf(out, NAME_BYTES_MAX + 1, "%s", text);
    return true;
}

static exam_err header_take(json_t *root, struct package_header *h, const char **what)
{
    const char *format, *site, *batch, *who, *sign, *box;
    json_int_t made_wall_ms;
    exam_err err;

    *what = "it is no sealed package, or its beginning is lost";
    if (json_unpack(root, "{s:s, s:s, s:s, s:s, s:s, s:I, s:s !}", "format", &format, "site", &site,
                    "batch", &batch, "who", &who, "sign", &sign, "made_wall_ms", &made_wall_ms,
                    "box", &box) != 0)
        return EXAM_MALFORMED;
    *what = "it is a package of another format: have it made by the tools of this version";
    if (strcmp(format, format_name) != 0)
        return EXAM_VERSION;
    *what = "a value of its header is wrong: have it brought again";
    if (!hex_take(site, h->site_id, SITE_ID_BYTES) || !name_take(batch, h->batch) ||
        !name_take(who, h->who) || !hex_take(sign, h->sign_public, KEY_BYTES) || made_wall_ms < 0)
        return EXAM_INVALID;
    h->made_wall_ms = made_wall_ms;
    err = password_box_parse(box, &h->box);
    if (err == EXAM_TOO_BIG)
        *what = "its password would take more time or memory to try than any package's does";
    return err == EXAM_MALFORMED ? EXAM_INVALID : err;
}

exam_err package_header_parse(const char *line, size_t n, struct package_header *out,
                              char why[PACKAGE_WHY_BYTES])
{
    struct package_header h = {.who = ""};
    const char *what;
    json_t *root =
        n < PACKAGE_LINE_BYTES_MAX ? json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL) : NULL;
    exam_err err = header_take(root, &h, &what);

    json_decref(root);
    if (err == EXAM_OK)
        *out = h;
    else
        snprintf(why, PACKAGE_WHY_BYTES, "%s", what);
    return err;
}
