/* channel_script.h - what may happen to the messages of a channel, as a script of a few letters,
 * and a check after every one of them: a channel takes exactly the messages that the other end
 * wrote, in their order, and ends with whatever else it is given. For random tests and for the
 * fuzzer: any bytes are a script.
 *
 * The first letter says where it begins:
 *   n  before the handshake    o  after it, confirmed    k  the same, one record before a new key
 * Then, in small letters for what the initiator does or has on the way, in capitals for the
 * responder: h     writes its handshake message     s N    seals N * 3 plain bytes c     its oldest
 * message is carried    m      its oldest message is carried back to itself d     ... is dropped r
 * ... is written again behind the others x     ... changes places with the next b P M ... gets the
 * bits of M turned over in its byte P t N   ... is cut to N bytes            l N    ... gets N more
 * bytes i N bytes   N bytes of anybody's are given to the one whose letter it is P and N are values
 * of a byte; other letters do nothing. */
#ifndef EXAM_TEST_CHANNEL_SCRIPT_H
#define EXAM_TEST_CHANNEL_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

enum { SCRIPT_BYTES_MAX = 400 };

/* What has been seen to happen, over all scripts: so that a test can ask for all of it. */
struct channel_script_seen {
    size_t taken, confirmed, ended, rekeyed;
};

/* Plays a script and aborts, saying what was wrong, if the channels do anything else than they
 * must. Not thread-safe. */
void channel_script_play(const uint8_t *script, size_t n, struct channel_script_seen *seen);

#endif
