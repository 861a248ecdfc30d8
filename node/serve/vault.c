#include "vault.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static const char NAME_SEALED[] = "(sealed)";
static const char NAME_UNREADABLE[] = "(cannot be opened)";

/* The event that takes the place of one with something personal. */
struct sealing {
    Ev__Event event;
    union {
        Ev__Answered answered;
        Ev__SittingsAdded sittings_added;
        Ev__PaperAdded paper_added;
        Ev__PaperChunk paper_chunk;
    } as;
    uint8_t value[ANSWER_STORED_BYTES_MAX];
    uint8_t chunk[PAPER_CHUNK_BYTES_MAX];
    uint8_t paper_digest[HASH_BYTES]; /* of the paper whose chunks follow */
    Ev__NewSitting sittings[SITTINGS_PER_EVENT_MAX];
    Ev__NewSitting *list[SITTINGS_PER_EVENT_MAX];
    char names[SITTINGS_PER_EVENT_MAX][PERSON_STORED_BYTES_MAX + 1];
    char ids[SITTINGS_PER_EVENT_MAX][NAME_BYTES_MAX + 1];
};

struct vault {
    uint8_t site_id[SITE_ID_BYTES];
    uint8_t data_id[DATA_ID_BYTES];
    struct sealed_keys *keys; /* of sodium_malloc: locked, guarded, wiped; NULL: locked */
    struct sealing out;
};

exam_err vault_new(const uint8_t site_id[SITE_ID_BYTES], const uint8_t data_id[DATA_ID_BYTES],
                   struct vault **out)
{
    struct vault *v = calloc(1, sizeof *v);
    if (!v)
        return EXAM_NOMEM;
    memcpy(v->site_id, site_id, SITE_ID_BYTES);
    memcpy(v->data_id, data_id, DATA_ID_BYTES);
    *out = v;
    return EXAM_OK;
}

void vault_free(struct vault *v)
{
    if (!v)
        return;
    sodium_free(v->keys);
    sodium_memzero(&v->out, sizeof v->out);
    free(v);
}

exam_err vault_unlock(struct vault *v, const uint8_t key[DATA_KEY_BYTES])
{
    uint8_t id[DATA_ID_BYTES];
    sealed_key_id(key, v->site_id, id);
    if (sodium_memcmp(id, v->data_id, sizeof id))
        return EXAM_AUTH;
    if (v->keys)
        return EXAM_OK;
    v->keys = sodium_malloc(sizeof *v->keys);
    if (!v->keys)
        return EXAM_NOMEM;
    sealed_keys_of(key, v->keys);
    sodium_mprotect_readonly(v->keys);
    return EXAM_OK;
}

bool vault_is_locked(const struct vault *v)
{
    return v && !v->keys;
}

bool vault_is_of(const struct vault *v, const uint8_t data_id[DATA_ID_BYTES])
{
    return memcmp(v->data_id, data_id, DATA_ID_BYTES) == 0;
}

static bool vault_is_open(const struct vault *v)
{
    return v && v->keys;
}

/* ---------------------------------------------------------------- where a field belongs */

static struct sealed_place place_of(const struct vault *v, enum sealed_kind kind, const char *batch,
                                    const char *candidate, const char *item)
{
    return (struct sealed_place){
        .kind = kind, .site_id = v->site_id, .batch = batch, .candidate = candidate, .item = item};
}

static struct sealed_place answer_place(const struct vault *v, const exam *x, uint32_t sitting,
                                        const char *item)
{
    const char *batch, *candidate;
    exam_sitting_names(x, sitting, &batch, &candidate);
    return place_of(v, SEALED_ANSWER, batch, candidate, item);
}

/* ---------------------------------------------------------------- on the way in */

/* An empty value says that the answer was taken back: the core counts by it. */
static void seal_answered(struct vault *v, const exam *x, const Ev__Answered *e)
{
    struct sealing *o = &v->out;
    struct sealed_place at = answer_place(v, x, e->sitting, e->item);
    o->as.answered = *e;
    o->event.answered = &o->as.answered;
    if (!e->value.len)
        return;
    o->as.answered.value.len = sealed_seal(v->keys, &at, e->value.data, e->value.len, o->value);
    o->as.answered.value.data = o->value;
}

static void seal_sittings(struct vault *v, const Ev__SittingsAdded *e)
{
    struct sealing *o = &v->out;
    assert(e->n_sittings <= SITTINGS_PER_EVENT_MAX);
    o->as.sittings_added = *e;
    o->as.sittings_added.sittings = o->list;
    o->event.sittings_added = &o->as.sittings_added;
    for (size_t i = 0; i < e->n_sittings; i++) {
        const Ev__NewSitting *s = e->sittings[i];
        struct sealed_place name = place_of(v, SEALED_NAME, e->batch, s->admission_no, "");
        struct sealed_place id = place_of(v, SEALED_ID, "", s->admission_no, "");
        o->sittings[i] = *s;
        o->list[i] = &o->sittings[i];
        sealed_name_seal(v->keys, &name, s->name, o->names[i]);
        o->sittings[i].name = o->names[i];
        if (sealed_id_is(s->id_no))
            continue; /* T13: of a roster that this site has made for whom it postponed */
        sealed_id_hash(v->keys, &id, s->id_no, o->ids[i]);
        o->sittings[i].id_no = o->ids[i];
    }
}

/* The core has compared the digest with the text, whose chunks follow. */
static void seal_paper(struct vault *v, const Ev__PaperAdded *e)
{
    struct sealing *o = &v->out;
    assert(e->digest.len == HASH_BYTES);
    memcpy(o->paper_digest, e->digest.data, HASH_BYTES);
    o->as.paper_added = *e;
    o->as.paper_added.sealed = true;
    o->event.paper_added = &o->as.paper_added;
}

static void seal_chunk(struct vault *v, const Ev__PaperChunk *e)
{
    struct sealing *o = &v->out;
    struct sealed_place at = place_of(v, SEALED_PAPER, "", "", e->paper);
    assert(e->data.len <= sizeof o->chunk);
    memcpy(o->chunk, e->data.data, e->data.len);
    sealed_paper_turn(v->keys, &at, o->paper_digest, e->offset, o->chunk, e->data.len);
    o->as.paper_chunk = *e;
    o->as.paper_chunk.data.data = o->chunk;
    o->event.paper_chunk = &o->as.paper_chunk;
}

const Ev__Event *vault_seal(void *vault, const exam *x, const Ev__Event *event)
{
    struct vault *v = vault;
    v->out.event = *event;
    switch (event->kind_case) {
    case EV__EVENT__KIND_ANSWERED:
    case EV__EVENT__KIND_SITTINGS_ADDED:
    case EV__EVENT__KIND_PAPER_ADDED:
    case EV__EVENT__KIND_PAPER_CHUNK:
        assert(v->keys); /* a locked node does not serve, so it decides nothing */
        break;
    default:
        return event;
    }
    if (event->kind_case == EV__EVENT__KIND_ANSWERED)
        seal_answered(v, x, event->answered);
    else if (event->kind_case == EV__EVENT__KIND_SITTINGS_ADDED)
        seal_sittings(v, event->sittings_added);
    else if (event->kind_case == EV__EVENT__KIND_PAPER_ADDED)
        seal_paper(v, event->paper_added);
    else
        seal_chunk(v, event->paper_chunk);
    return &v->out.event;
}

const char *vault_id_given(const struct vault *v, const exam *x, const char *admission_no,
                           const char *id_no, char out[NAME_BYTES_MAX + 1])
{
    struct exam_sitting_view s;
    uint32_t sitting;
    if (!vault_is_open(v))
        return id_no;
    struct sealed_place at = place_of(v, SEALED_ID, "", admission_no, "");
    sealed_id_hash(v->keys, &at, id_no, out);
    if (exam_find_sitting(x, admission_no, &sitting))
        return out;
    exam_sitting_view(x, sitting, exam_last_ms(x), &s);
    return sealed_id_is(s.id_no) ? out : id_no; /* imported before the site had its key */
}

/* ---------------------------------------------------------------- on the way out */

exam_err vault_open_answer(const struct vault *v, const exam *x, uint32_t sitting,
                           const struct exam_answer_view *answer, uint8_t buffer[ANSWER_BYTES_MAX],
                           const uint8_t **value, size_t *value_bytes)
{
    if (!sealed_value_is(answer->value, answer->value_bytes)) {
        *value = answer->value;
        *value_bytes = answer->value_bytes;
        return EXAM_OK;
    }
    if (!vault_is_open(v))
        return EXAM_REFUSED;
    struct sealed_place at = answer_place(v, x, sitting, answer->item);
    if (sealed_open(v->keys, &at, answer->value, answer->value_bytes, buffer, value_bytes))
        return EXAM_CORRUPT;
    *value = buffer;
    return EXAM_OK;
}

const char *vault_open_name(const struct vault *v, const struct exam_sitting_view *s,
                            char buffer[PERSON_BYTES_MAX + 1])
{
    if (!sealed_name_is(s->name))
        return s->name;
    if (!vault_is_open(v))
        return NAME_SEALED;
    struct sealed_place at = place_of(v, SEALED_NAME, s->batch, s->admission_no, "");
    return sealed_name_open(v->keys, &at, s->name, buffer) ? NAME_UNREADABLE : buffer;
}

const char *vault_open_id(const struct exam_sitting_view *s)
{
    return sealed_id_is(s->id_no) ? "" : s->id_no;
}

exam_err vault_open_paper(const struct vault *v, const struct exam_sitting_view *s, uint32_t offset,
                          uint8_t *data, size_t n)
{
    if (!s->paper_sealed)
        return EXAM_OK;
    if (!vault_is_open(v))
        return EXAM_REFUSED;
    struct sealed_place at = place_of(v, SEALED_PAPER, "", "", s->paper);
    sealed_paper_turn(v->keys, &at, s->paper_digest, offset, data, n);
    return EXAM_OK;
}
