/* wire.h - a connection to a node as somebody has it who keeps no rule: a channel that is begun
 * truly or falsely, frames as they are on the wire, records that are said twice or not at all.
 * Shell: one blocking socket, one owner. Every wait ends after the wire's patience, in
 * milliseconds. Holds keys: end it with wire_drop. sodium_init has been called. */
#ifndef ADVERSARY_WIRE_H
#define ADVERSARY_WIRE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "channel.h"
#include "frame.h"
#include "key_file.h"

enum {
    WIRE_FRAME_BYTES_MAX = FRAME_HEADER_BYTES + FRAME_BYTES_MAX,
    WIRE_BUF_BYTES = 2 * WIRE_FRAME_BYTES_MAX,
};

enum wire_state {
    WIRE_OPEN,
    WIRE_CLOSED, /* by the node */
    WIRE_SILENT, /* nothing came within the patience */
};

struct address {
    char node[KEY_NAME_BYTES];
    struct sockaddr_in at;
};

/* How a channel is begun. `own` may be a pair whose halves do not belong together. */
struct greeting {
    const struct address *to;
    struct noise_key_pair own;
    uint8_t peer[CHANNEL_KEY_BYTES];
    struct channel_terms terms;
    size_t spoil_at; /* a byte of the hello's frame that becomes another one on the way; 0: none */
};

struct wire {
    int fd;
    int patience_ms;
    struct noise_key_pair own;
    struct channel channel;
    struct frame_reader outer, inner;
    uint8_t outer_buf[WIRE_BUF_BYTES], inner_buf[WIRE_BUF_BYTES];
    uint8_t came[WIRE_FRAME_BYTES_MAX]; /* the last frame that came in, as it was on the wire */
    size_t came_bytes;
};

/* NAME@HOST:PORT, HOST an IPv4 address. False: it is not. */
bool address_parse(const char *text, struct address *out);

/* False: nobody listens there. */
bool wire_dial(struct wire *w, const struct address *to, int patience_ms);
void wire_drop(struct wire *w);

/* The hello, and the node's reply to it as it came. */
enum wire_state wire_hello(struct wire *w, const struct greeting *g);
/* The whole handshake with its first record. WIRE_OPEN: as far as this end knows. */
enum wire_state wire_greet(struct wire *w, const struct greeting *g);

/* Bytes as they are. False: the node has closed. */
bool wire_send(struct wire *w, const uint8_t *bytes, size_t n);
/* Seals without sending; returns how many bytes came out, 0: the channel is not open. */
size_t wire_seal(struct wire *w, const uint8_t *plain, size_t n, uint8_t *out, size_t out_bytes);
/* A message as a sealed frame. False: the node has closed. */
bool wire_say(struct wire *w, const ProtobufCMessage *m);

/* The next frame as it comes, into w->came. */
enum wire_state wire_frame(struct wire *w);
/* The next payload out of the channel; lives until the next call. */
enum wire_state wire_hear(struct wire *w, const uint8_t **payload, size_t *n);
/* Throws away what comes until the node closes. */
enum wire_state wire_ended(struct wire *w);

const char *wire_state_name(enum wire_state s); /* "closed" */

#endif
