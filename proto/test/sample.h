/* sample.h - a valid message of every kind, made from the generated descriptors and the codec's own
 * rule tables, so that a kind added later is in the tests without a line written for it.
 * Not thread-safe: all samples live in one static pool until sample_reset. */
#ifndef EXAM_TEST_SAMPLE_H
#define EXAM_TEST_SAMPLE_H

#include "codec_rules.h"

/* One of the six ways to decode, without its type. */
struct conversation {
    const char *name;
    const struct message_rule *rule;
    size_t bytes_max;
    exam_err (*decode)(struct arena *a, const uint8_t *bytes, size_t n,
                       const ProtobufCMessage **out, const char **why);
};

enum { CONVERSATIONS = 6, SAMPLE_PACKED_MAX = 1024 * 1024 };

extern const struct conversation conversations[CONVERSATIONS];

struct sample_options {
    size_t list_n; /* elements of each list, as far as its rule allows */
    bool least;    /* as few bytes as the rules allow, instead of something in every field */
};

/* Forgets all samples. */
void sample_reset(void);

/* Memory that lives as long as the samples. */
void *sample_alloc(size_t bytes);

/* A message by the rule; with a oneof its case `kind`. */
ProtobufCMessage *sample_make(const struct message_rule *rule, unsigned kind,
                              const struct sample_options *o);

/* Gives the list `f` of `m` n elements that its rule allows. */
void sample_list_fill(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                      const struct field_rule *rule, size_t n, bool least);

/* Packs into `out`, which holds SAMPLE_PACKED_MAX bytes. */
size_t sample_pack(const ProtobufCMessage *m, uint8_t *out);

/* Calls `each` for a conversation's every kind. */
void sample_each_kind(void (*each)(const struct conversation *c, unsigned kind, void *ctx),
                      void *ctx);

/* The rule of a field; NULL: it has none. */
const struct field_rule *sample_rule_of(const struct message_rule *rule,
                                        const ProtobufCFieldDescriptor *f);

#endif
