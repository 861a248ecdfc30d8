/* codec.h - from hostile bytes to a message that is safe to read, and back.
 * Pure. Not thread-safe: one arena a reader.
 *
 * Decoding takes memory from a bounded arena, never from the heap, and is followed by one check of
 * everything that protobuf-c lets through: presence of the oneof, sizes, enum ranges, UTF-8, NUL in
 * strings, counts, lists of equal length. Nobody checks a field of these a second time.
 * A decoded message lives in its arena until arena_reset. */
#ifndef EXAM_CODEC_H
#define EXAM_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "admin.pb-c.h"
#include "event.pb-c.h"
#include "exam_err.h"
#include "exam_limits.h"
#include "replica.pb-c.h"
#include "seat.pb-c.h"

/* A bump allocator over one block of the caller's, of any alignment. When it is full, decoding
 * fails cleanly. It points to itself: not to be copied or moved after arena_init. */
struct arena {
    uint8_t *block;
    size_t block_bytes;
    size_t used_bytes;
    bool full;             /* an allocation has failed since the last reset */
    ProtobufCAllocator pb; /* hands out this arena's memory */
};

/* Twice what the densest allowed message needs, of any conversation and of a seat's request
 * (measured by test_codec). Denser ones, of empty list elements for instance, are EXAM_TOO_BIG. */
enum { ARENA_BYTES_FRAME = 4 * 1024 * 1024, ARENA_BYTES_SEAT = 64 * 1024 };

void arena_init(struct arena *a, void *block, size_t block_bytes);
void arena_reset(struct arena *a);

/* Each resets the arena, decodes and checks. EXAM_MALFORMED: no message of this kind, or a field
 * that is not allowed; EXAM_TOO_BIG: over a bound of exam_limits.h, or of the arena.
 * On failure *why (if why is not NULL) is a static text that names the field ("seat.Answer.item").
 *
 * What a decoded message is known to satisfy is said by the rule tables at the head of
 * codec_seat.c, codec_admin.c, codec_event.c and codec_replica.c. In short: the oneof is set; text
 * is within its bound; a mandatory name passes codec_name_ok; bytes have their size; enums are in
 * range; a mandatory submessage is there (never NULL); strings are never NULL; lists are within
 * their bound, and parallel ones equally long. Whether a number makes sense is not asked here.
 * Fields of later versions are skipped. */
EXAM_MUST_USE exam_err codec_seat_request(struct arena *a, const uint8_t *bytes, size_t n,
                                          const Seat__Request **out, const char **why);
EXAM_MUST_USE exam_err codec_seat_reply(struct arena *a, const uint8_t *bytes, size_t n,
                                        const Seat__Reply **out, const char **why);
EXAM_MUST_USE exam_err codec_admin_request(struct arena *a, const uint8_t *bytes, size_t n,
                                           const Admin__Request **out, const char **why);
EXAM_MUST_USE exam_err codec_admin_reply(struct arena *a, const uint8_t *bytes, size_t n,
                                         const Admin__Reply **out, const char **why);
EXAM_MUST_USE exam_err codec_replica_message(struct arena *a, const uint8_t *bytes, size_t n,
                                             const Rep__Message **out, const char **why);
EXAM_MUST_USE exam_err codec_event(struct arena *a, const uint8_t *bytes, size_t n,
                                   const Ev__Event **out, const char **why);

/* Which kind of event it is (kind_case), by its first bytes alone; 0: none. For who looks for a few
 * among many. */
uint32_t codec_event_kind(const uint8_t *bytes, size_t n);

/* An event as the log has it: the number of its bytes, and the bytes. Returns how many they are. */
size_t codec_event_bytes(const Ev__Event *e);
size_t codec_event_pack(const Ev__Event *e, uint8_t *out);

/* Packs a message as one frame, header included. EXAM_TOO_BIG: does not fit in out_bytes or in a
 * frame. *frame_bytes is the frame's whole length. */
EXAM_MUST_USE exam_err codec_frame_pack(const ProtobufCMessage *m, uint8_t *out, size_t out_bytes,
                                        size_t *frame_bytes);

/* True when the n bytes are well-formed UTF-8 without NUL or control characters (tab excepted). */
bool codec_text_ok(const char *text, size_t n);

/* Makes codec_text_ok true of a text that a program has put together, in place and for good: cuts
 * it between characters to at most bytes_max bytes, and puts question marks for what no text may
 * have. For what snprintf made of parts, as it cuts inside a character: the receiver would refuse
 * it. */
void codec_text_mend(char *text, size_t bytes_max);

/* True for the value of an answer: at most ANSWER_BYTES_MAX bytes of such text, in which line ends
 * are allowed, too. Empty: the candidate took the answer back. To be asked before an answer goes to
 * a seat's journal: a node takes no other. */
bool codec_answer_ok(const uint8_t *value, size_t n);

/* The same as a log has it: such a value, or a sealed one (sealed_field.h), which is not looked
 * into. */
bool codec_answer_stored_ok(const uint8_t *value, size_t n);

/* True for a name as files and messages use it: 1..NAME_BYTES_MAX bytes of UTF-8 without spaces,
 * commas, quotes, slashes, control or invisible characters, and neither "." nor "..". */
bool codec_name_ok(const char *name);

#endif
