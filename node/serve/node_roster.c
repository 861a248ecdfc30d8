#include "node_core.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

static const char META_ROSTER[] = "roster";
/* The authority whose roster it was, and its version, big-endian. */
enum { META_ROSTER_BYTES = KEY_BYTES + 8 };

static exam_err highest_read(struct node *n, const uint8_t authority[KEY_BYTES], uint64_t *version)
{
    const uint8_t *value;
    size_t bytes;
    exam_err err = store_get(engine_store(n->engine), STORE_META, META_ROSTER,
                             sizeof META_ROSTER - 1, &value, &bytes);
    *version = 0;
    if (err == EXAM_NOT_FOUND)
        return EXAM_OK;
    if (err)
        return err;
    if (bytes != META_ROSTER_BYTES)
        return EXAM_CORRUPT;
    /* A site whose authority is another one than it was counts its rosters anew. */
    if (!memcmp(value, authority, KEY_BYTES)) {
        memcpy(version, value + KEY_BYTES, sizeof *version);
        *version = be64toh(*version);
    }
    return EXAM_OK;
}

exam_err node_roster_keep(struct node *n)
{
    if (!n->keys)
        return EXAM_OK;
    const uint8_t *authority = keyring_own(n->keys)->authority;
    uint64_t used = key_roster_version(keyring_roster(n->keys)), highest;
    uint64_t used_be = htobe64(used);
    uint8_t value[META_ROSTER_BYTES];
    exam_err err = highest_read(n, authority, &highest);
    if (err || used <= highest)
        return err;
    memcpy(value, authority, KEY_BYTES);
    memcpy(value + KEY_BYTES, &used_be, sizeof used_be);
    return node_meta_put(n, META_ROSTER, value, sizeof value);
}

exam_err node_roster_check(struct node *n, char *why, size_t why_bytes)
{
    uint64_t used, highest;
    if (!n->keys)
        return EXAM_OK;
    exam_err err = highest_read(n, keyring_own(n->keys)->authority, &highest);
    used = key_roster_version(keyring_roster(n->keys));
    if (err || used >= highest)
        return err ? err : node_roster_keep(n);
    snprintf(why, why_bytes,
             "%s is roster %llu of the site's keys, and this node has used roster %llu already: "
             "what was revoked since would be let in. Fetch the newest one from where the site's "
             "keys are made",
             n->config.key_roster, (unsigned long long)used, (unsigned long long)highest);
    return EXAM_REFUSED;
}
