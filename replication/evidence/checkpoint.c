#include "checkpoint.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "codec.h"

static const char context[] = "checkpoint";

enum { PREFIX_BYTES = sizeof CHECKPOINT_PREFIX - 1 };

static_assert((int)CHECKPOINT_BYTES == (int)CHECKPOINT_SIGNED_BYTES + (int)KEY_SIGNATURE_BYTES,
              "the conversation's bound is its length");
static_assert(PREFIX_BYTES + NAME_BYTES_MAX + 1 + 8 + 4 + 8 <= CHECKPOINT_KEY_BYTES_MAX,
              "the longest name has its key");

/* ---------------------------------------------------------------- bytes */

static uint8_t *put_u64(uint8_t *to, uint64_t v)
{
    v = htobe64(v);
    memcpy(to, &v, sizeof v);
    return to + sizeof v;
}

static uint8_t *put_u32(uint8_t *to, uint32_t v)
{
    v = htobe32(v);
    memcpy(to, &v, sizeof v);
    return to + sizeof v;
}

static const uint8_t *get_u64(const uint8_t *at, uint64_t *v)
{
    memcpy(v, at, sizeof *v);
    *v = be64toh(*v);
    return at + sizeof *v;
}

static const uint8_t *get_u32(const uint8_t *at, uint32_t *v)
{
    memcpy(v, at, sizeof *v);
    *v = be32toh(*v);
    return at + sizeof *v;
}

void checkpoint_put(const struct checkpoint *c, uint8_t out[CHECKPOINT_BYTES])
{
    uint8_t *to = out;
    size_t name = strlen(c->node);

    assert(name >= 1 && name <= NAME_BYTES_MAX);
    *to++ = (uint8_t)name;
    memset(to, 0, NAME_BYTES_MAX);
    memcpy(to, c->node, name);
    to = put_u64(to + NAME_BYTES_MAX, c->at.epoch);
    to = put_u32(to, c->epoch_tag);
    to = put_u64(to, c->at.lsn);
    memcpy(to, c->at.hash, HASH_BYTES);
    to = put_u64(to + HASH_BYTES, c->site_ms);
    to = put_u64(to, (uint64_t)c->wall_ms);
    *to++ = (uint8_t)c->why;
    assert(to == out + CHECKPOINT_SIGNED_BYTES);
    memcpy(to, c->signature, KEY_SIGNATURE_BYTES);
}

/* The name fills its room with zeros behind it, so that one checkpoint has one form. */
static bool get_name(const uint8_t *at, char out[NAME_BYTES_MAX + 1])
{
    size_t name = *at++;

    if (name < 1 || name > NAME_BYTES_MAX)
        return false;
    memcpy(out, at, name);
    out[name] = '\0';
    for (size_t i = name; i < NAME_BYTES_MAX; i++)
        if (at[i] != 0)
            return false;
    return strlen(out) == name && codec_name_ok(out);
}

exam_err checkpoint_take(const uint8_t *bytes, size_t n, struct checkpoint *out)
{
    struct checkpoint c = {.why = CHECKPOINT_GOES_ON};
    const uint8_t *at = bytes;
    uint64_t wall_ms;

    if (n != CHECKPOINT_BYTES || !get_name(at, c.node))
        return EXAM_MALFORMED;
    at = get_u64(at + 1 + NAME_BYTES_MAX, &c.at.epoch);
    at = get_u32(at, &c.epoch_tag);
    at = get_u64(at, &c.at.lsn);
    memcpy(c.at.hash, at, HASH_BYTES);
    at = get_u64(at + HASH_BYTES, &c.site_ms);
    at = get_u64(at, &wall_ms);
    c.wall_ms = (int64_t)wall_ms;
    c.why = (enum checkpoint_why) * at++;
    memcpy(c.signature, at, KEY_SIGNATURE_BYTES);
    if (c.why < CHECKPOINT_GOES_ON || c.why > CHECKPOINT_END || c.at.lsn == 0 || c.at.epoch == 0)
        return EXAM_MALFORMED;
    *out = c;
    return EXAM_OK;
}

size_t checkpoint_key(const struct checkpoint *c, uint8_t out[CHECKPOINT_KEY_BYTES_MAX])
{
    size_t name = strlen(c->node) + 1;
    uint8_t *to = out;

    assert(name <= NAME_BYTES_MAX + 1);
    memcpy(to, CHECKPOINT_PREFIX, PREFIX_BYTES);
    memcpy(to + PREFIX_BYTES, c->node, name);
    to = put_u64(to + PREFIX_BYTES + name, c->at.epoch);
    to = put_u32(to, c->epoch_tag);
    return (size_t)(put_u64(to, c->at.lsn) - out);
}

/* ---------------------------------------------------------------- signatures */

void checkpoint_sign(struct checkpoint *c, const struct key_file *k)
{
    uint8_t bytes[CHECKPOINT_BYTES];

    assert(k->kind == KEY_NODE && c->at.lsn > 0 && c->at.epoch > 0);
    memcpy(c->node, k->name, sizeof c->node);
    memset(c->signature, 0, sizeof c->signature);
    checkpoint_put(c, bytes);
    key_file_sign(k, context, bytes, CHECKPOINT_SIGNED_BYTES, c->signature);
}

exam_err checkpoint_verify_by(const struct checkpoint *c, const struct key_entry *e,
                              const uint8_t site_id[SITE_ID_BYTES])
{
    uint8_t bytes[CHECKPOINT_BYTES];

    if (e->kind != KEY_NODE || strcmp(e->name, c->node) != 0)
        return EXAM_AUTH;
    checkpoint_put(c, bytes);
    return key_entry_verify(e, site_id, context, bytes, CHECKPOINT_SIGNED_BYTES, c->signature);
}

exam_err checkpoint_verify(const struct checkpoint *c, const struct key_roster *r,
                           const struct key_entry **by)
{
    exam_err err = EXAM_NOT_FOUND;

    for (size_t i = 0; i < key_roster_keys(r); i++) {
        const struct key_entry *e = key_roster_at(r, i);
        if (e->kind != KEY_NODE || strcmp(e->name, c->node) != 0)
            continue;
        err = checkpoint_verify_by(c, e, key_roster_site(r));
        if (err == EXAM_OK) {
            if (by != NULL)
                *by = e;
            return EXAM_OK;
        }
    }
    return err;
}

/* ---------------------------------------------------------------- places */

enum checkpoint_place checkpoint_place(const struct checkpoint *c,
                                       const struct checkpoint_epoch *epochs, size_t n,
                                       uint64_t last_lsn)
{
    for (size_t i = n; i-- > 0;) {
        const struct checkpoint_epoch *e = &epochs[i];
        bool newest = i + 1 == n;
        if (e->epoch != c->at.epoch || e->tag != c->epoch_tag)
            continue;
        if (c->at.lsn < e->first_lsn)
            return CHECKPOINT_NOWHERE;
        if (c->at.lsn <= (newest ? last_lsn : epochs[i + 1].first_lsn - 1))
            return CHECKPOINT_HERE;
        return newest ? CHECKPOINT_AHEAD : CHECKPOINT_ELSEWHERE;
    }
    return n == 0 || c->at.epoch > epochs[n - 1].epoch ? CHECKPOINT_AHEAD : CHECKPOINT_ELSEWHERE;
}
