#include "event_json.h"

#include <ctype.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "json_output.h"

enum { WORD_BYTES = 64 };

struct writing {
    const exam *x;
    const struct event_shown *shown;
    const char *batch; /* that candidates are added to; "": to none */
};

/* ---------------------------------------------------------------- what is not shown */

static const struct {
    const char *message, *field;
    bool never;
} hidden[] = {
    {"SiteFounded", "site_key", true}, {"SignedIn", "session", true},
    {"NewSitting", "id_no", false},    {"Answered", "value", false},
    {"PaperChunk", "data", false},
};

static bool is_hidden(const struct writing *w, const char *message, const char *field)
{
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (strcmp(hidden[i].message, message) == 0 && strcmp(hidden[i].field, field) == 0)
            return hidden[i].never || !w->shown->sealed;
    return false;
}

/* ---------------------------------------------------------------- values */

/* IncidentKind, INCIDENT_KIND_POWER: "power". */
static json_t *json_of_enum(const ProtobufCEnumDescriptor *d, int value)
{
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(d, value);
    char word[WORD_BYTES];
    size_t skip = 0, n = 0;
    if (!v)
        return json_integer(value);
    for (const char *c = d->short_name; *c; c++)
        skip += 1 + (c > d->short_name && isupper((unsigned char)*c));
    skip += 1; /* the last underscore */
    if (strlen(v->name) <= skip)
        return json_string(v->name);
    for (const char *c = v->name + skip; *c && n < sizeof word - 1; c++)
        word[n++] = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
    word[n] = '\0';
    return json_string(word);
}

static json_t *json_of_hex(const ProtobufCBinaryData *b)
{
    size_t bytes = 2 * b->len + 1;
    char *hex = malloc(bytes);
    if (!hex)
        return NULL;
    json_t *j = json_string(sodium_bin2hex(hex, bytes, b->data, b->len));
    free(hex);
    return j;
}

/* What candidates wrote is text. */
static json_t *json_of_bytes(const ProtobufCFieldDescriptor *f, const ProtobufCBinaryData *b)
{
    json_t *text =
        strcmp(f->name, "value") == 0 ? json_stringn((const char *)b->data, b->len) : NULL;
    return text ? text : json_of_hex(b);
}

static json_t *json_of_message(const struct writing *w, const ProtobufCMessage *m);

static json_t *json_of_value(const struct writing *w, const ProtobufCFieldDescriptor *f,
                             const void *at)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_UINT32:
        return json_integer(*(const uint32_t *)at);
    case PROTOBUF_C_TYPE_UINT64:
        return json_integer((json_int_t) * (const uint64_t *)at);
    case PROTOBUF_C_TYPE_INT64:
        return json_integer(*(const int64_t *)at);
    case PROTOBUF_C_TYPE_BOOL:
        return json_boolean(*(const protobuf_c_boolean *)at);
    case PROTOBUF_C_TYPE_ENUM:
        return json_of_enum(f->descriptor, *(const int *)at);
    case PROTOBUF_C_TYPE_STRING:
        return json_string(*(const char *const *)at);
    case PROTOBUF_C_TYPE_BYTES:
        return json_of_bytes(f, at);
    case PROTOBUF_C_TYPE_MESSAGE:
        return json_of_message(w, *(const ProtobufCMessage *const *)at);
    default:
        return json_null(); /* event.proto uses no other */
    }
}

static size_t value_bytes(const ProtobufCFieldDescriptor *f)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_UINT32:
        return sizeof(uint32_t);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_INT64:
        return sizeof(uint64_t);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_ENUM:
        return sizeof(int);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return sizeof(void *);
    }
}

/* ---------------------------------------------------------------- names beside numbers */

static Ev__ScopeKind scope_of_field(const char *field)
{
    if (strcmp(field, "sitting") == 0)
        return EV__SCOPE_KIND__SCOPE_KIND_SITTING;
    if (strcmp(field, "seat") == 0 || strcmp(field, "from_seat") == 0)
        return EV__SCOPE_KIND__SCOPE_KIND_SEAT;
    if (strcmp(field, "batch") == 0)
        return EV__SCOPE_KIND__SCOPE_KIND_BATCH;
    return EV__SCOPE_KIND__SCOPE_KIND_UNKNOWN;
}

static void put_name(const struct writing *w, json_t *o, const ProtobufCFieldDescriptor *f,
                     const uint32_t *numbers, size_t n)
{
    Ev__ScopeKind kind = scope_of_field(f->name);
    char key[WORD_BYTES];
    if (f->type != PROTOBUF_C_TYPE_UINT32 || kind == EV__SCOPE_KIND__SCOPE_KIND_UNKNOWN)
        return;
    snprintf(key, sizeof key, "%s_name", f->name);
    if (f->label != PROTOBUF_C_LABEL_REPEATED) {
        (void)json_object_set_new(o, key, json_string(exam_scope_name(w->x, kind, numbers[0])));
        return;
    }
    json_t *names = json_array();
    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(names, json_string(exam_scope_name(w->x, kind, numbers[i])));
    (void)json_object_set_new(o, key, names);
}

/* ---------------------------------------------------------------- what the site has sealed */

static void put_opened_name(const struct writing *w, json_t *o, const Ev__NewSitting *e)
{
    char name[PERSON_BYTES_MAX + 1];
    const struct exam_sitting_view s = {
        .name = e->name, .batch = w->batch, .admission_no = e->admission_no};
    const char *shown = vault_open_name(w->shown->vault, &s, name);
    if (shown == name)
        (void)json_object_set_new(o, "name", json_string(name));
    sodium_memzero(name, sizeof name);
}

static void put_opened_answer(const struct writing *w, json_t *o, const Ev__Answered *e)
{
    uint8_t buffer[ANSWER_BYTES_MAX];
    const struct exam_answer_view a = {
        .item = e->item, .value = e->value.data, .value_bytes = e->value.len};
    const uint8_t *value;
    size_t n;
    if (e->sitting < 1 || e->sitting > exam_sittings(w->x) ||
        vault_open_answer(w->shown->vault, w->x, e->sitting, &a, buffer, &value, &n) ||
        value != buffer)
        return;
    (void)json_object_set_new(o, "value", json_stringn((const char *)value, n));
    sodium_memzero(buffer, sizeof buffer);
}

static void put_opened(const struct writing *w, json_t *o, const ProtobufCMessage *m)
{
    if (!w->shown->vault)
        return;
    if (m->descriptor == &ev__new_sitting__descriptor)
        put_opened_name(w, o, (const Ev__NewSitting *)m);
    else if (m->descriptor == &ev__answered__descriptor && w->shown->sealed)
        put_opened_answer(w, o, (const Ev__Answered *)m);
}

/* ---------------------------------------------------------------- fields */

static json_t *json_of_list(const struct writing *w, const ProtobufCFieldDescriptor *f,
                            const uint8_t *values, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(list, json_of_value(w, f, values + i * value_bytes(f)));
    return list;
}

static bool is_there(const ProtobufCFieldDescriptor *f, const uint8_t *base)
{
    if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        return *(const uint32_t *)(const void *)(base + f->quantifier_offset) == f->id;
    if (f->type != PROTOBUF_C_TYPE_MESSAGE || f->label == PROTOBUF_C_LABEL_REPEATED)
        return true;
    return *(const ProtobufCMessage *const *)(const void *)(base + f->offset) != NULL;
}

static void put_hidden(json_t *o, const ProtobufCFieldDescriptor *f, const void *at)
{
    char key[WORD_BYTES];
    if (f->type != PROTOBUF_C_TYPE_BYTES)
        return;
    snprintf(key, sizeof key, "%s_bytes", f->name);
    (void)json_object_set_new(o, key,
                              json_integer((json_int_t)((const ProtobufCBinaryData *)at)->len));
}

static void put_field(const struct writing *w, json_t *o, const ProtobufCMessage *m,
                      const ProtobufCFieldDescriptor *f)
{
    const uint8_t *base = (const uint8_t *)m, *at = base + f->offset;
    if (!is_there(f, base))
        return;
    if (is_hidden(w, m->descriptor->short_name, f->name)) {
        put_hidden(o, f, at);
        return;
    }
    if (f->label != PROTOBUF_C_LABEL_REPEATED) {
        (void)json_object_set_new(o, f->name, json_of_value(w, f, at));
        put_name(w, o, f, (const void *)at, 1);
        return;
    }
    size_t n = *(const size_t *)(const void *)(base + f->quantifier_offset);
    const uint8_t *values = *(const uint8_t *const *)(const void *)at;
    (void)json_object_set_new(o, f->name, json_of_list(w, f, values, n));
    put_name(w, o, f, (const void *)values, n);
}

static json_t *json_of_message(const struct writing *w, const ProtobufCMessage *m)
{
    json_t *o = json_object();
    for (unsigned i = 0; i < m->descriptor->n_fields; i++)
        put_field(w, o, m, &m->descriptor->fields[i]);
    put_opened(w, o, m);
    if (m->descriptor == &ev__scope__descriptor) {
        const Ev__Scope *scope = (const Ev__Scope *)m;
        (void)json_object_set_new(o, "name",
                                  json_string(exam_scope_name(w->x, scope->kind, scope->no)));
    }
    return o;
}

json_t *json_of_event(const exam *x, const Ev__Event *event, const struct event_shown *shown)
{
    const bool adds = event->kind_case == EV__EVENT__KIND_SITTINGS_ADDED;
    const struct writing w = {
        .x = x, .shown = shown, .batch = adds ? event->sittings_added->batch : ""};
    return json_of_message(&w, &event->base);
}

json_t *json_of_record(const exam *x, const struct replay_record *at, const struct event_words *w,
                       const struct event_shown *shown)
{
    char hash[2 * HEX_BYTES_MAX + 1];
    hex_format(at->r->hash, HASH_BYTES, hash);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:o}", "lsn",
                     (json_int_t)at->r->lsn, "epoch", (json_int_t)at->r->epoch, "at_ms",
                     (json_int_t)at->r->at_ms, "site_ms", (json_int_t)at->site_ms, "wall_ms",
                     (json_int_t)at->r->wall_ms, "hash", hash, "kind", event_kind_word(w->kind),
                     "who", w->who, "text", w->text, "event", json_of_event(x, at->event, shown));
}
