/* codec_rules.h - what each field of a message must satisfy, as tables. Private to the codec and
 * its tests.
 * Pure. A conversation's codec_*.c has one table a message; codec_decode walks them. Every field
 * that is text, bytes, an enum, a submessage or a list needs a line in its message's table:
 * test_codec_rules goes through the generated descriptors and fails for one that has none. */
#ifndef EXAM_CODEC_RULES_H
#define EXAM_CODEC_RULES_H

#include "codec.h"

enum field_kind {
    FIELD_NAME,        /* char *: codec_name_ok */
    FIELD_NAME_OPT,    /* char *: empty, or codec_name_ok */
    FIELD_TEXT,        /* char *: codec_text_ok, at most `max` bytes; may be empty */
    FIELD_ANSWER,      /* bytes: codec_answer_ok */
    FIELD_STORED,      /* bytes: codec_answer_stored_ok */
    FIELD_BYTES,       /* bytes: exactly `max` */
    FIELD_BYTES_OPT,   /* bytes: none, or exactly `max` */
    FIELD_BYTES_UPTO,  /* bytes: at most `max` */
    FIELD_ENUM,        /* enum: `min`..`max` (min 1 where 0 means unknown and is not allowed) */
    FIELD_CODE,        /* uint32_t with the range of an enum: `min`..`max` */
    FIELD_MESSAGE,     /* submessage: must be there */
    FIELD_MESSAGE_OPT, /* submessage: may be NULL */
    FIELD_MESSAGES,    /* list of submessages: at most `max` */
    FIELD_BYTES_LIST,  /* list of bytes: at most `list_max`, each `min`..`max` bytes */
    FIELD_SCALARS,     /* list of numbers: at most `max` */
};

struct message_rule;

struct field_rule {
    const char *field; /* "seat.Answer.item": what a person is told */
    size_t at;         /* offset of the field */
    size_t count_at;   /* lists: offset of its length */
    enum field_kind kind;
    uint32_t min, max;
    uint32_t list_max;
    const struct message_rule *message; /* submessages: their own rule */
};

/* The submessages of a oneof, indexed by the generated case number; NULL: no such case. All of
 * them share the pointer at `at`. */
struct oneof_rule {
    const char *field;
    size_t case_at;
    size_t at;
    const struct message_rule *const *cases;
    size_t cases_n;
};

struct message_rule {
    const ProtobufCMessageDescriptor *descriptor;
    const struct field_rule *fields;
    size_t fields_n;
    const struct oneof_rule *oneof; /* NULL: the message has none */
    /* What no single field can tell. Returns NULL, or the field at fault. */
    const char *(*check)(const ProtobufCMessage *m);
};

/* Resets the arena, decodes bytes as a `rule` message, checks it by the rule. */
EXAM_MUST_USE exam_err codec_decode(struct arena *a, const struct message_rule *rule,
                                    const uint8_t *bytes, size_t n, size_t bytes_max,
                                    const ProtobufCMessage **out, const char **why);

/* The short way of the two messages that are nearly all there is (codec_beat.c). 0 and false: this
 * is not one of them, or not in the usual form; nothing is said about it. `*out` counts only with
 * true, and out_bytes are without a header. */
size_t codec_beat_pack(const ProtobufCMessage *m, uint8_t *out, size_t out_bytes);
bool codec_beat_request(struct arena *a, const uint8_t *bytes, size_t n, const Seat__Request **out);
bool codec_beat_reply(struct arena *a, const uint8_t *bytes, size_t n, const Seat__Reply **out);

/* The short way of what nodes say all the time, and of an event Marked (codec_stream.c). 0 and
 * false as above. */
size_t codec_stream_pack(const ProtobufCMessage *m, uint8_t *out, size_t out_bytes);
bool codec_stream_message(struct arena *a, const uint8_t *bytes, size_t n,
                          const Rep__Message **out);
bool codec_stream_marked(struct arena *a, const uint8_t *bytes, size_t n, const Ev__Event **out);

/* The short way of an event Answered (codec_answered.c). False as above. */
bool codec_answered_event(struct arena *a, const uint8_t *bytes, size_t n, const Ev__Event **out);

/* The exact length of a string that was decoded into the arena, NULs inside it included. */
size_t arena_string_bytes(const struct arena *a, const char *s);

/* Messages of one conversation that others use. */
extern const struct message_rule codec_rule_seat_request;
extern const struct message_rule codec_rule_seat_reply;
extern const struct message_rule codec_rule_admin_request;
extern const struct message_rule codec_rule_admin_reply;
extern const struct message_rule codec_rule_replica_message;
extern const struct message_rule codec_rule_event;
extern const struct message_rule codec_rule_event_room_added;
extern const struct message_rule codec_rule_event_paper_added;
extern const struct message_rule codec_rule_event_paper_chunk;
extern const struct message_rule codec_rule_event_new_sitting;

#define RULE_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A message's rule: of a table; of none, as any content is allowed; of a table and a check of the
 * whole; of its oneof; of a table and its oneof. `message` is the generated name in lower case
 * (seat__answer). */
#define RULE(message, table)                                                                       \
    {                                                                                              \
        .descriptor = &message##__descriptor, .fields = (table), .fields_n = RULE_COUNT(table)     \
    }
#define RULE_FREE(message)                                                                         \
    {                                                                                              \
        .descriptor = &message##__descriptor                                                       \
    }
#define RULE_CHECKED(message, table, function)                                                     \
    {                                                                                              \
        .descriptor = &message##__descriptor, .fields = (table), .fields_n = RULE_COUNT(table),    \
        .check = (function)                                                                        \
    }
#define RULE_ONEOF(message, rule)                                                                  \
    {                                                                                              \
        .descriptor = &message##__descriptor, .oneof = &(rule)                                     \
    }

#define RULE_FIELDS_ONEOF(message, table, rule)                                                    \
    {                                                                                              \
        .descriptor = &message##__descriptor, .fields = (table), .fields_n = RULE_COUNT(table),    \
        .oneof = &(rule)                                                                           \
    }

#endif
