/* talk.h - the seat's conversation with a node, a request at a time, and what came of it in words.
 * Shell, on a wire whose channel is open. A talk is large: never on the stack. */
#ifndef ADVERSARY_TALK_H
#define ADVERSARY_TALK_H

#include "codec.h"
#include "wire.h"

enum { TALK_SAID_BYTES = 320 };

/* What a seat was told of its sitting last. */
struct seat_sight {
    char admission_no[NAME_BYTES_MAX + 1];
    uint64_t attachment_epoch, attachment_lsn, seq_have, used_ms, left_ms, epoch;
    uint8_t mark[MARK_BYTES_MAX];
    size_t mark_bytes;
};

struct talk {
    struct wire wire;
    struct arena arena;
    uint32_t id;
    struct seat_sight sight;
    char said[TALK_SAID_BYTES]; /* what the last request came to: "refused auth: ...", "closed" */
    uint8_t block[ARENA_BYTES_FRAME];
};

void talk_begin(struct talk *k); /* ahead of wire_dial */
void talk_end(struct talk *k);   /* says goodbye if it can, and waits until the node has closed */

/* Each is true when the node did what was asked. */
bool talk_hello(struct talk *k, const char *seat, uint64_t epoch_seen);
bool talk_hello_as(struct talk *k, const Seat__Hello *m);
bool talk_sign_in(struct talk *k, const char *admission_no, const char *id_no,
                  const uint8_t session[SESSION_BYTES]);
bool talk_attach(struct talk *k, const char *admission_no, const uint8_t session[SESSION_BYTES],
                 const uint8_t *mark, size_t mark_bytes);
bool talk_attach_as(struct talk *k, const Seat__Attach *m);
bool talk_answer(struct talk *k, uint64_t seq, const char *item, uint64_t attachment_epoch,
                 uint64_t attachment_lsn);
bool talk_heartbeat(struct talk *k, uint64_t used_ms);
bool talk_fetch(struct talk *k);
bool talk_submit(struct talk *k, uint64_t seq);
bool talk_ask(struct talk *k, Seat__Request *q);

/* Takes one reply, whatever it is an answer to. WIRE_OPEN: `said` has it, *refused says whether it
 * was one. */
enum wire_state talk_hear(struct talk *k, uint32_t *id, bool *refused);

#endif
