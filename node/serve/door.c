#include "door.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum { ADDRESS_KEY_BYTES = 9 }; /* 4 or 6, and what follows of it */

struct door_address {
    uint8_t key[ADDRESS_KEY_BYTES];
    bool own;
    uint32_t conns, strangers;
    uint64_t paid_ms; /* when its debt is paid off */
    UT_hash_handle hh;
};

struct door {
    struct door_options options;
    struct door_address *addresses;
    uint32_t idle; /* without a connection */
};

exam_err door_new(const struct door_options *o, struct door **out)
{
    struct door *d = calloc(1, sizeof *d);
    if (!d)
        return EXAM_NOMEM;
    d->options = *o;
    *out = d;
    return EXAM_OK;
}

static void address_free(struct door *d, struct door_address *a)
{
    HASH_DEL(d->addresses, a);
    free(a);
}

void door_free(struct door *d)
{
    struct door_address *a, *next;
    if (!d)
        return;
    HASH_ITER(hh, d->addresses, a, next)
    address_free(d, a);
    free(d);
}

/* False: of no family that a server listens on. *own: only this machine itself has that address. */
static bool key_make(const struct sockaddr *from, uint8_t key[ADDRESS_KEY_BYTES], bool *own)
{
    memset(key, 0, ADDRESS_KEY_BYTES);
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)from;
        key[0] = 4;
        memcpy(key + 1, &in->sin_addr, sizeof in->sin_addr);
        *own = in->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
        return true;
    }
    if (from->sa_family != AF_INET6)
        return false;
    const struct in6_addr *in6 = &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(in6)) {
        const uint32_t loopback = htonl(INADDR_LOOPBACK);
        key[0] = 4;
        memcpy(key + 1, in6->s6_addr + 12, 4);
        *own = !memcmp(key + 1, &loopback, 4);
        return true;
    }
    key[0] = 6;
    memcpy(key + 1, in6->s6_addr, 8);
    *own = IN6_IS_ADDR_LOOPBACK(in6);
    return true;
}

uint64_t door_debt_ms(const struct door_address *a, uint64_t now_ms)
{
    return a->paid_ms > now_ms ? a->paid_ms - now_ms : 0;
}

bool door_is_in_debt(const struct door_address *a, uint64_t now_ms)
{
    return door_debt_ms(a, now_ms) > DOOR_DEBT_MS;
}

static void debt_add(struct door_address *a, uint64_t now_ms, uint64_t ms)
{
    if (a->own)
        return;
    if (a->paid_ms < now_ms)
        a->paid_ms = now_ms;
    a->paid_ms += ms;
    if (a->paid_ms > now_ms + DOOR_DEBT_MS_MAX)
        a->paid_ms = now_ms + DOOR_DEBT_MS_MAX;
}

static const char *refusal(const struct door *d, const struct door_address *a, uint64_t now_ms)
{
    if (a->own)
        return NULL;
    if (a->conns >= d->options.per_address_max)
        return "too many connections of one address";
    if (door_is_in_debt(a, now_ms) && a->strangers >= DOOR_DEBTOR_STRANGERS)
        return "too many strangers of an address whose strangers came to nothing";
    return NULL;
}

exam_err door_come(struct door *d, const struct sockaddr *from, uint64_t now_ms,
                   struct door_address **out, const char **why)
{
    uint8_t key[ADDRESS_KEY_BYTES];
    bool own;
    struct door_address *a;
    if (!key_make(from, key, &own)) {
        *why = "an address of an unknown family";
        return EXAM_FULL;
    }
    HASH_FIND(hh, d->addresses, key, sizeof key, a);
    if (!a) {
        a = calloc(1, sizeof *a);
        if (!a)
            return EXAM_NOMEM;
        memcpy(a->key, key, sizeof key);
        a->own = own;
        HASH_ADD(hh, d->addresses, key, sizeof a->key, a);
        d->idle++;
    }
    *why = refusal(d, a, now_ms);
    if (*why)
        return EXAM_FULL;
    d->idle -= a->conns == 0;
    a->conns++;
    a->strangers++;
    *out = a;
    return EXAM_OK;
}

void door_known(struct door_address *a, uint64_t now_ms)
{
    assert(a->strangers > 0);
    a->strangers--;
    debt_add(a, now_ms, DOOR_LET_IN_MS);
}

void door_left(struct door *d, struct door_address *a, bool known, uint64_t now_ms)
{
    assert(a->conns > 0);
    if (!known) {
        assert(a->strangers > 0);
        a->strangers--;
        debt_add(a, now_ms, DOOR_FAILED_MS);
    }
    if (--a->conns)
        return;
    if (a->paid_ms <= now_ms || d->idle >= DOOR_IDLE_MAX)
        address_free(d, a);
    else
        d->idle++;
}

void door_sweep(struct door *d, uint64_t now_ms)
{
    struct door_address *a, *next;
    HASH_ITER(hh, d->addresses, a, next)
    {
        if (a->conns || a->paid_ms > now_ms)
            continue;
        d->idle--;
        address_free(d, a);
    }
}

uint32_t door_addresses(const struct door *d)
{
    return HASH_COUNT(d->addresses);
}
