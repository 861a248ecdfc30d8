#include "node_core.h"

#include <endian.h>
#include <string.h>

static const char META_KEPT[] = "replication";
enum { META_KEPT_BYTES = 9 }; /* the epoch, big-endian; 1: learning */

static exam_err meta_write(struct node *n, const char *key, const uint8_t *value, size_t bytes)
{
    store *s = engine_store(n->engine);
    store_begin(s);
    store_put(s, STORE_META, key, strlen(key), value, bytes);
    return store_commit(s);
}

exam_err node_meta_put(struct node *n, const char *key, const uint8_t *value, size_t bytes)
{
    uint64_t free_bytes;
    exam_err err = meta_write(n, key, value, bytes);
    if (err != EXAM_FULL)
        return err;
    store_use_reserve(engine_store(n->engine), true);
    err = meta_write(n, key, value, bytes);
    store_use_reserve(engine_store(n->engine),
                      engine_room(n->engine, &free_bytes) == STORE_ROOM_RESERVED);
    return err;
}

void node_keep(struct node *n, const struct rep_action *a)
{
    uint8_t value[META_KEPT_BYTES];
    uint64_t epoch = htobe64(a->epoch);
    memcpy(value, &epoch, sizeof epoch);
    value[sizeof epoch] = a->learning;
    exam_err err = node_meta_put(n, META_KEPT, value, sizeof value);
    if (err)
        node_fail(n, err, "keeping what was heard of epochs");
}

/* A store without it has heard of no epoch but those in its log. */
void node_kept_read(struct node *n, struct rep_start *start)
{
    const uint8_t *value;
    size_t bytes;
    uint64_t epoch;
    if (store_get(engine_store(n->engine), STORE_META, META_KEPT, sizeof META_KEPT - 1, &value,
                  &bytes) ||
        bytes != META_KEPT_BYTES)
        return;
    memcpy(&epoch, value, sizeof epoch);
    start->known_epoch = be64toh(epoch);
    start->learning = value[sizeof epoch];
}
