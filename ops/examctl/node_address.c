#include "node_address.h"

#include <stdbool.h>
#include <string.h>

#include "codec.h"

static bool port_ok(const char *port, size_t n)
{
    unsigned value = 0;

    if (n == 0 || n > 5)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (port[i] < '0' || port[i] > '9')
            return false;
        value = value * 10 + (unsigned)(port[i] - '0');
    }
    return value >= 1 && value <= 65535;
}

static bool host_ok(const char *host, size_t n, bool bracketed)
{
    if (n == 0 || n >= NODE_ADDRESS_HOST_BYTES)
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)host[i];

        if (c <= 0x20 || c == 0x7F || c == '[' || c == ']' || (c == ':' && !bracketed))
            return false;
    }
    return true;
}

/* The name in front of an @, and where the rest begins. False: it is no name. */
static bool name_take(const char *text, size_t n, char name[NAME_BYTES_MAX + 1], size_t *rest)
{
    const char *at = memchr(text, '@', n);
    size_t name_bytes = at == NULL ? 0 : (size_t)(at - text);

    *rest = at == NULL ? 0 : name_bytes + 1;
    if (name_bytes > NAME_BYTES_MAX)
        return false;
    memcpy(name, text, name_bytes);
    name[name_bytes] = '\0';
    return at == NULL || codec_name_ok(name);
}

/* One address of exactly n bytes. */
static exam_err address_parse(const char *text, size_t n, struct node_address *out)
{
    const char *whole = text, *host, *host_end, *colon;
    char name[NAME_BYTES_MAX + 1];
    size_t port_bytes, rest, whole_bytes = n;
    bool bracketed;

    if (!name_take(text, n, name, &rest))
        return EXAM_INVALID;
    text += rest;
    n -= rest;
    bracketed = n > 0 && text[0] == '[';
    host = bracketed ? text + 1 : text;
    colon = memrchr(text, ':', n);
    host_end = colon;
    if (colon == NULL)
        return EXAM_INVALID;
    if (bracketed) {
        if (colon <= host || colon[-1] != ']')
            return EXAM_INVALID;
        host_end = colon - 1;
    }
    port_bytes = (size_t)(text + n - colon - 1);
    if (!host_ok(host, (size_t)(host_end - host), bracketed) || !port_ok(colon + 1, port_bytes))
        return EXAM_INVALID;
    memset(out, 0, sizeof *out);
    memcpy(out->host, host, (size_t)(host_end - host));
    memcpy(out->port, colon + 1, port_bytes);
    memcpy(out->name, name, sizeof name);
    memcpy(out->text, whole, whole_bytes);
    return EXAM_OK;
}

exam_err node_address_list_parse(const char *text, struct node_address_list *list, const char **bad)
{
    for (;;) {
        size_t n = strcspn(text, ",");
        struct node_address address;

        if (bad != NULL)
            *bad = text;
        if (address_parse(text, n, &address) != EXAM_OK)
            return EXAM_INVALID;
        if (list->n == list->room)
            return EXAM_TOO_BIG;
        list->at[list->n++] = address;
        if (text[n] == '\0')
            return EXAM_OK;
        text += n + 1;
    }
}
