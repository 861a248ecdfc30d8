#include "node_address.h"

#include <stdbool.h>
#include <string.h>

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

/* One address of exactly n bytes. */
static exam_err address_parse(const char *text, size_t n, struct node_address *out)
{
    bool bracketed = n > 0 && text[0] == '[';
    const char *host = bracketed ? text + 1 : text;
    const char *colon = memrchr(text, ':', n);
    const char *host_end = colon;
    size_t port_bytes;

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
    memcpy(out->text, text, n);
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
