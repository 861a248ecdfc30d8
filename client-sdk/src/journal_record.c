#include "journal_record.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "codec.h"

/* In the kind's word. */
#define FLAG_SETTLED UINT32_C(0x10000)

static const uint8_t header_magic[8] = {'E', 'X', 'S', 'E', 'A', 'T', 'J', '\n'};

/* ---------------------------------------------------------------- a cursor with a sticky error */

struct writer {
    uint8_t *at;
    const uint8_t *end;
    exam_err err;
};

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    exam_err err;
};

static void put_bytes(struct writer *w, const void *bytes, size_t n)
{
    if (w->err != EXAM_OK)
        return;
    if ((size_t)(w->end - w->at) < n) {
        w->err = EXAM_TOO_BIG;
        return;
    }
    if (n > 0)
        memcpy(w->at, bytes, n);
    w->at += n;
}

static void put_u8(struct writer *w, uint8_t v)
{
    put_bytes(w, &v, 1);
}

static void be32_put(uint8_t out[4], uint32_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t be32_get(const uint8_t in[4])
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++)
        v = v << 8 | in[i];
    return v;
}

static void put_u64(struct writer *w, uint64_t v)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(v >> (56 - 8 * i));
    put_bytes(w, bytes, sizeof(bytes));
}

/* A name goes with its NUL, so that it can be handed out where it lies. */
static void put_name(struct writer *w, const char *name)
{
    if (name == NULL || !codec_name_ok(name)) {
        w->err = EXAM_INVALID;
        return;
    }
    size_t n = strlen(name);
    put_u8(w, (uint8_t)n);
    put_bytes(w, name, n + 1);
}

static const uint8_t *get_bytes(struct reader *r, size_t n)
{
    if (r->err != EXAM_OK || (size_t)(r->end - r->at) < n) {
        r->err = EXAM_CORRUPT;
        return NULL;
    }
    const uint8_t *bytes = r->at;
    r->at += n;
    return bytes;
}

static void get_copy(struct reader *r, void *out, size_t n)
{
    const uint8_t *bytes = get_bytes(r, n);
    if (bytes != NULL)
        memcpy(out, bytes, n);
}

static uint8_t get_u8(struct reader *r)
{
    const uint8_t *bytes = get_bytes(r, 1);
    return bytes != NULL ? bytes[0] : 0;
}

static uint64_t get_u64(struct reader *r)
{
    const uint8_t *bytes = get_bytes(r, 8);
    uint64_t v = 0;
    for (int i = 0; bytes != NULL && i < 8; i++)
        v = v << 8 | bytes[i];
    return v;
}

static const char *get_name(struct reader *r)
{
    size_t n = get_u8(r);
    const uint8_t *bytes = get_bytes(r, n + 1);
    if (bytes == NULL || bytes[n] != 0 || !codec_name_ok((const char *)bytes)) {
        r->err = EXAM_CORRUPT;
        return "";
    }
    return (const char *)bytes;
}

/* ---------------------------------------------------------------- payloads */

/* A sealed value is longer than what is in it. */
static size_t value_bytes_max(const uint8_t *value, size_t n)
{
    return n > 0 && value[0] == SEALED_MARK ? ANSWER_STORED_BYTES_MAX : ANSWER_BYTES_MAX;
}

static void action_put(struct writer *w, const struct seat_action *a)
{
    put_u64(w, a->seq);
    put_u64(w, a->at_ms);
    put_u64(w, a->used_ms);
    put_u64(w, a->attachment_epoch);
    put_u64(w, a->attachment_lsn);
    if (a->submit)
        return;
    put_name(w, a->item);
    if (a->value_bytes > value_bytes_max(a->value, a->value_bytes) && w->err == EXAM_OK)
        w->err = EXAM_TOO_BIG;
    put_bytes(w, a->value, a->value_bytes);
}

static void mark_put(struct writer *w, const struct seat_mark *m)
{
    assert(m->bytes_n <= MARK_BYTES_MAX);
    put_u64(w, m->at_ms);
    put_u64(w, m->used_ms);
    put_u64(w, m->left_ms);
    put_u8(w, m->state);
    put_u8(w, m->finish);
    put_u8(w, m->bytes_n);
    put_bytes(w, m->bytes, m->bytes_n);
}

static void payload_put(struct writer *w, const struct seat_record *r)
{
    switch (r->kind) {
    case SEAT_RECORD_BOOT:
        put_bytes(w, r->u.boot.boot_id, BOOT_ID_BYTES);
        put_u64(w, r->u.boot.at_ms);
        return;
    case SEAT_RECORD_SITE:
        put_bytes(w, r->u.site.site_id, SITE_ID_BYTES);
        put_u64(w, r->u.site.epoch_seen);
        return;
    case SEAT_RECORD_SESSION:
        put_bytes(w, r->u.session.session, SESSION_BYTES);
        put_name(w, r->u.session.admission_no);
        return;
    case SEAT_RECORD_ATTACHED:
        put_u64(w, r->u.attached.at_ms);
        put_u64(w, r->u.attached.attachment_epoch);
        put_u64(w, r->u.attached.attachment_lsn);
        put_u64(w, r->u.attached.seq_have);
        put_u64(w, r->u.attached.heartbeat_ms);
        put_u64(w, r->u.attached.grace_ms);
        return;
    case SEAT_RECORD_MARK:
        mark_put(w, &r->u.mark);
        return;
    case SEAT_RECORD_POSITION:
        put_u64(w, r->u.position.at_ms);
        put_u64(w, r->u.position.used_ms);
        return;
    case SEAT_RECORD_ANSWER:
    case SEAT_RECORD_SUBMIT:
        action_put(w, &r->u.action);
        return;
    case SEAT_RECORD_ENDED:
        put_u64(w, r->u.ended.at_ms);
        return;
    case SEAT_RECORD_COLLECTED:
        return;
    }
    w->err = EXAM_INVALID;
}

static void action_get(struct reader *r, bool submit, struct seat_action *a)
{
    a->seq = get_u64(r);
    a->at_ms = get_u64(r);
    a->used_ms = get_u64(r);
    a->attachment_epoch = get_u64(r);
    a->attachment_lsn = get_u64(r);
    a->submit = submit;
    a->item = "";
    a->value = r->at;
    a->value_bytes = 0;
    if (submit)
        return;
    a->item = get_name(r);
    a->value_bytes = (size_t)(r->end - r->at);
    if (a->value_bytes > value_bytes_max(r->at, a->value_bytes))
        r->err = EXAM_CORRUPT;
    a->value = get_bytes(r, a->value_bytes);
}

static void mark_get(struct reader *r, struct seat_mark *m)
{
    m->at_ms = get_u64(r);
    m->used_ms = get_u64(r);
    m->left_ms = get_u64(r);
    m->state = get_u8(r);
    m->finish = get_u8(r);
    m->bytes_n = get_u8(r);
    if (m->bytes_n > MARK_BYTES_MAX) {
        r->err = EXAM_CORRUPT;
        return;
    }
    get_copy(r, m->bytes, m->bytes_n);
}

static void attached_get(struct reader *r, struct seat_record *out)
{
    out->u.attached.at_ms = get_u64(r);
    out->u.attached.attachment_epoch = get_u64(r);
    out->u.attached.attachment_lsn = get_u64(r);
    out->u.attached.seq_have = get_u64(r);
    out->u.attached.heartbeat_ms = get_u64(r);
    out->u.attached.grace_ms = get_u64(r);
}

static void payload_get(struct reader *r, struct seat_record *out)
{
    switch (out->kind) {
    case SEAT_RECORD_BOOT:
        get_copy(r, out->u.boot.boot_id, BOOT_ID_BYTES);
        out->u.boot.at_ms = get_u64(r);
        return;
    case SEAT_RECORD_SITE:
        get_copy(r, out->u.site.site_id, SITE_ID_BYTES);
        out->u.site.epoch_seen = get_u64(r);
        return;
    case SEAT_RECORD_SESSION:
        get_copy(r, out->u.session.session, SESSION_BYTES);
        out->u.session.admission_no = get_name(r);
        return;
    case SEAT_RECORD_ATTACHED:
        attached_get(r, out);
        return;
    case SEAT_RECORD_MARK:
        mark_get(r, &out->u.mark);
        return;
    case SEAT_RECORD_POSITION:
        out->u.position.at_ms = get_u64(r);
        out->u.position.used_ms = get_u64(r);
        return;
    case SEAT_RECORD_ANSWER:
    case SEAT_RECORD_SUBMIT:
        action_get(r, out->kind == SEAT_RECORD_SUBMIT, &out->u.action);
        return;
    case SEAT_RECORD_ENDED:
        out->u.ended.at_ms = get_u64(r);
        return;
    case SEAT_RECORD_COLLECTED:
        return;
    }
    r->err = EXAM_CORRUPT;
}

/* ---------------------------------------------------------------- the chain */

static void checksum_of(const uint8_t prev[JOURNAL_CHECKSUM_BYTES], const uint8_t *bytes, size_t n,
                        uint8_t out[JOURNAL_CHECKSUM_BYTES])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, JOURNAL_CHECKSUM_BYTES);
    if (prev != NULL) /* taken in before `out` is written: they may be the same */
        crypto_generichash_update(&state, prev, JOURNAL_CHECKSUM_BYTES);
    crypto_generichash_update(&state, bytes, n);
    crypto_generichash_final(&state, out, JOURNAL_CHECKSUM_BYTES);
}

exam_err journal_record_put(const struct seat_record *r, struct journal_chain *chain, uint8_t *out,
                            size_t *out_bytes)
{
    struct writer w = {out + JOURNAL_FRAME_BYTES,
                       out + JOURNAL_FRAME_BYTES + JOURNAL_PAYLOAD_BYTES_MAX, EXAM_OK};
    payload_put(&w, r);
    if (w.err != EXAM_OK)
        return w.err;
    size_t payload_bytes = (size_t)(w.at - out) - JOURNAL_FRAME_BYTES;
    be32_put(out, (uint32_t)payload_bytes);
    be32_put(out + 4, (uint32_t)r->kind << 24 | (chain->settled ? FLAG_SETTLED : 0));
    size_t n = JOURNAL_FRAME_BYTES + payload_bytes;
    checksum_of(chain->checksum, out, n, out + n);
    memcpy(chain->checksum, out + n, JOURNAL_CHECKSUM_BYTES);
    chain->settled = false;
    *out_bytes = n + JOURNAL_CHECKSUM_BYTES;
    assert(*out_bytes <= JOURNAL_RECORD_BYTES_MAX);
    return EXAM_OK;
}

/* The length and the kind of a record, checked: nothing is read that they do not allow. */
static exam_err frame_get(const uint8_t *bytes, size_t n, size_t *payload_bytes,
                          enum seat_record_kind *kind)
{
    if (n < JOURNAL_FRAME_BYTES)
        return EXAM_AGAIN;
    uint32_t length = be32_get(bytes);
    uint32_t kind_and_flags = be32_get(bytes + 4);
    uint32_t k = kind_and_flags >> 24;
    if (length > JOURNAL_PAYLOAD_BYTES_MAX || (kind_and_flags & 0xFFFFFF & ~FLAG_SETTLED) != 0)
        return EXAM_CORRUPT;
    if (k < SEAT_RECORD_BOOT || k > SEAT_RECORD_COLLECTED)
        return EXAM_CORRUPT;
    if (n < JOURNAL_FRAME_BYTES + (size_t)length + JOURNAL_CHECKSUM_BYTES)
        return EXAM_AGAIN;
    *payload_bytes = length;
    *kind = (enum seat_record_kind)k;
    return EXAM_OK;
}

exam_err journal_record_get(const uint8_t *bytes, size_t n, struct journal_chain *chain,
                            struct seat_record *out, size_t *record_bytes)
{
    size_t payload_bytes;
    enum seat_record_kind kind;
    exam_err err = frame_get(bytes, n, &payload_bytes, &kind);
    if (err != EXAM_OK)
        return err;
    uint8_t checksum[JOURNAL_CHECKSUM_BYTES];
    size_t covered = JOURNAL_FRAME_BYTES + payload_bytes;
    checksum_of(chain->checksum, bytes, covered, checksum);
    if (memcmp(checksum, bytes + covered, sizeof(checksum)) != 0)
        return EXAM_CORRUPT;

    struct seat_record record;
    memset(&record, 0, sizeof(record));
    record.kind = kind;
    struct reader r = {bytes + JOURNAL_FRAME_BYTES, bytes + covered, EXAM_OK};
    payload_get(&r, &record);
    if (r.err != EXAM_OK || r.at != r.end)
        return EXAM_CORRUPT;
    memcpy(chain->checksum, checksum, sizeof(checksum));
    *out = record;
    *record_bytes = covered + JOURNAL_CHECKSUM_BYTES;
    return EXAM_OK;
}

bool journal_record_settled_at(const uint8_t *bytes, size_t n, size_t at,
                               const struct journal_chain *chain)
{
    if (at < JOURNAL_CHECKSUM_BYTES || at > n || n - at < JOURNAL_FRAME_BYTES)
        return false;
    if ((be32_get(bytes + at + 4) & FLAG_SETTLED) == 0)
        return false;
    struct journal_chain before = {.settled = false};
    memcpy(before.checksum, chain != NULL ? chain->checksum : bytes + at - JOURNAL_CHECKSUM_BYTES,
           JOURNAL_CHECKSUM_BYTES);
    struct seat_record record;
    size_t record_bytes;
    return journal_record_get(bytes + at, n - at, &before, &record, &record_bytes) == EXAM_OK;
}

bool journal_record_step_over(const uint8_t *bytes, size_t n, struct journal_chain *chain,
                              size_t *record_bytes)
{
    size_t payload_bytes;
    enum seat_record_kind kind;
    if (frame_get(bytes, n, &payload_bytes, &kind) != EXAM_OK)
        return false;
    size_t covered = JOURNAL_FRAME_BYTES + payload_bytes;
    checksum_of(chain->checksum, bytes, covered, chain->checksum);
    *record_bytes = covered + JOURNAL_CHECKSUM_BYTES;
    return true;
}

/* ---------------------------------------------------------------- the header */

/* magic[8], version u32, cipher u32, file_id[16], seat[33], zeros[7], key_id[16], zeros up to the
 * checksum. */
enum {
    HEADER_SEAT_AT = 8 + 4 + 4 + 16,
    HEADER_KEY_AT = HEADER_SEAT_AT + 40,
    HEADER_CHECKSUM_AT = JOURNAL_HEADER_BYTES - JOURNAL_CHECKSUM_BYTES,
};

void journal_header_put(const struct journal_header *h, uint8_t out[JOURNAL_HEADER_BYTES],
                        struct journal_chain *chain)
{
    assert(strlen(h->seat) <= NAME_BYTES_MAX);
    memset(out, 0, JOURNAL_HEADER_BYTES);
    memcpy(out, header_magic, sizeof(header_magic));
    be32_put(out + 8, h->version);
    be32_put(out + 12, h->cipher);
    memcpy(out + 16, h->file_id, sizeof(h->file_id));
    memcpy(out + HEADER_SEAT_AT, h->seat, strlen(h->seat));
    memcpy(out + HEADER_KEY_AT, h->key_id, sizeof(h->key_id));
    checksum_of(NULL, out, HEADER_CHECKSUM_AT, out + HEADER_CHECKSUM_AT);
    memcpy(chain->checksum, out + HEADER_CHECKSUM_AT, JOURNAL_CHECKSUM_BYTES);
    chain->settled = false;
}

exam_err journal_header_get(const uint8_t bytes[JOURNAL_HEADER_BYTES], struct journal_header *h,
                            struct journal_chain *chain)
{
    if (memcmp(bytes, header_magic, sizeof(header_magic)) != 0)
        return EXAM_CORRUPT;
    uint8_t checksum[JOURNAL_CHECKSUM_BYTES];
    checksum_of(NULL, bytes, HEADER_CHECKSUM_AT, checksum);
    if (memcmp(checksum, bytes + HEADER_CHECKSUM_AT, sizeof(checksum)) != 0)
        return EXAM_CORRUPT;
    struct journal_header header;
    header.version = be32_get(bytes + 8);
    header.cipher = be32_get(bytes + 12);
    memcpy(header.file_id, bytes + 16, sizeof(header.file_id));
    memcpy(header.seat, bytes + HEADER_SEAT_AT, sizeof(header.seat));
    memcpy(header.key_id, bytes + HEADER_KEY_AT, sizeof(header.key_id));
    if (header.seat[NAME_BYTES_MAX] != 0 || !codec_name_ok(header.seat))
        return EXAM_CORRUPT;
    if (header.version != JOURNAL_VERSION || header.cipher > JOURNAL_SEALED)
        return EXAM_VERSION;
    *h = header;
    memcpy(chain->checksum, checksum, sizeof(checksum));
    chain->settled = false;
    return EXAM_OK;
}
