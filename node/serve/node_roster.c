#include "node_core.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

static const char META_ROSTER[] = "roster";
/* The authority whose roster it was, and its version, big-endian. */
enum { META_ROSTER_BYTES = KEY_BYTES + 8 };

static exam_err roster_get(void *ctx, const uint8_t authority[KEY_BYTES], uint64_t *version,
                           char *why, size_t why_bytes)
{
    struct node *n = ctx;
    const uint8_t *value;
    size_t bytes;
    exam_err err = store_get(engine_store(n->engine), STORE_META, META_ROSTER,
                             sizeof META_ROSTER - 1, &value, &bytes);
    *version = 0;
    if (err == EXAM_NOT_FOUND)
        return EXAM_OK;
    if (!err && bytes != META_ROSTER_BYTES)
        err = EXAM_CORRUPT;
    if (err) {
        snprintf(why, why_bytes, "which roster of keys was used last: %s", exam_err_text(err));
        return err;
    }
    if (!memcmp(value, authority, KEY_BYTES)) {
        memcpy(version, value + KEY_BYTES, sizeof *version);
        *version = be64toh(*version);
    }
    return EXAM_OK;
}

/* D6: a store that does not take it takes nothing else. Whoever opens a node is told by it. */
static exam_err roster_put(void *ctx, const uint8_t authority[KEY_BYTES], uint64_t version,
                           char *why, size_t why_bytes)
{
    struct node *n = ctx;
    uint64_t version_be = htobe64(version);
    uint8_t value[META_ROSTER_BYTES];
    memcpy(value, authority, KEY_BYTES);
    memcpy(value + KEY_BYTES, &version_be, sizeof version_be);
    exam_err err = node_meta_put(n, META_ROSTER, value, sizeof value);
    if (err) {
        snprintf(why, why_bytes, "keeping which roster of keys is in use: %s", exam_err_text(err));
        if (n->rep)
            node_fail(n, err, "keeping which roster of keys is in use");
    }
    return err;
}

exam_err node_roster_check(struct node *n, char *why, size_t why_bytes)
{
    const struct roster_memory memory = {.get = roster_get, .put = roster_put, .ctx = n};
    return n->keys ? keyring_remember(n->keys, &memory, why, why_bytes) : EXAM_OK;
}
