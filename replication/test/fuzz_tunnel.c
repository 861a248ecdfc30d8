/* fuzz_tunnel.c - a seat's and a node's end of a tunnel, plain or sealed, and bytes between them to
 * which anything may happen: sealed, each end hands out what the other wrote, in its order, and
 * nothing before the other has proven who it is; untouched bytes arrive whole, however they are
 * cut. The input: plain or sealed, then acts, each a byte and what it needs. */
#include <sodium.h>
#include <string.h>

#include "fuzz.h"
#include "site_keys.h"
#include "tunnel.h"

enum { ACTS_MAX = 100, WIRE_BYTES = 256 * 1024, PAYLOAD_MAX = 3000, FRAMES_MAX = 200 };

struct side {
    struct tunnel_end end;
    struct tunnel tunnel;
    uint8_t *buf;
    uint8_t wire[WIRE_BYTES];                      /* what it has said, in all */
    size_t said, heard;                            /* of that, by the other */
    size_t written[FRAMES_MAX], written_n, read_n; /* frames' sizes; how many came out there */
    bool over;
};

static struct site_keys site;
static struct side sides[2]; /* the first one dials */
static bool sealed, touched;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    require(sodium_init() >= 0);
    site_keys_init(&site, 3);
    return 0;
}

static struct channel_out out_of(struct side *s)
{
    return (struct channel_out){.at = s->wire, .bytes_max = WIRE_BYTES, .bytes = s->said};
}

static void side_begin(struct side *s, bool dials)
{
    s->end = (struct tunnel_end){.keys = sealed ? site.ring[dials ? SITE_SEAT : SITE_NODE_A] : NULL,
                                 .conversation = CHANNEL_SEAT,
                                 .peers = dials ? KEY_NODE : KEY_SEAT,
                                 .payload_bytes_max = PAYLOAD_MAX};
    s->said = s->heard = s->written_n = s->read_n = 0;
    s->over = false;
    s->buf = malloc(tunnel_buf_bytes(&s->end, 0));
    require(s->buf != NULL);
    require(tunnel_init(&s->tunnel, &s->end, s->buf, 0, dials, dials ? "A" : NULL) == EXAM_OK);
    struct channel_out out = out_of(s);
    require(!dials || tunnel_begin(&s->tunnel, &out) == EXAM_OK);
    s->said = out.bytes;
}

/* The n-th frame of a side is n in every byte. */
static void side_write(struct side *s, size_t payload_bytes)
{
    uint8_t frame[FRAME_HEADER_BYTES + PAYLOAD_MAX];
    struct channel_out out = out_of(s);

    if (s->over || s->written_n == FRAMES_MAX)
        return;
    payload_bytes = 1 + payload_bytes % PAYLOAD_MAX;
    frame_header_put(frame, payload_bytes);
    memset(frame + FRAME_HEADER_BYTES, (int)s->written_n, payload_bytes);
    exam_err err = tunnel_seal(&s->tunnel, frame, FRAME_HEADER_BYTES + payload_bytes, &out);
    require(err == EXAM_OK || err == EXAM_STATE || err == EXAM_FULL || err == EXAM_CONN);
    require(err != EXAM_STATE || !tunnel_is_open(&s->tunnel));
    if (err != EXAM_OK)
        return;
    s->said = out.bytes;
    s->written[s->written_n++] = payload_bytes;
}

static void expect_frame(const struct side *to, struct side *from, const uint8_t *payload, size_t n)
{
    require(n > 0 && n <= PAYLOAD_MAX && tunnel_is_open(&to->tunnel));
    if (!sealed && touched)
        return; /* nothing vouches for plain bytes */
    require(!sealed || strcmp(tunnel_peer(&to->tunnel)->name, from == sides ? "R01-01" : "A") == 0);
    require(from->read_n < from->written_n && n == from->written[from->read_n]);
    for (size_t i = 0; i < n; i++)
        require(payload[i] == (uint8_t)from->read_n);
    from->read_n++;
}

static void drain(struct side *to, struct side *from)
{
    struct channel_out out = out_of(to);
    const uint8_t *payload;
    size_t n;
    exam_err err;

    while ((err = tunnel_next(&to->tunnel, &out, &payload, &n)) == EXAM_OK)
        expect_frame(to, from, payload, n);
    to->said = out.bytes;
    to->over = err != EXAM_AGAIN;
    require(!to->over || (touched && tunnel_why(&to->tunnel)[0] != 0));
}

static void deliver(struct side *from, struct side *to, size_t n)
{
    n = n < from->said - from->heard ? n : from->said - from->heard;
    while (n > 0 && !to->over && to->said + TUNNEL_OUT_BYTES_MAX < WIRE_BYTES) {
        uint8_t *at;
        size_t room;
        tunnel_space(&to->tunnel, &at, &room);
        require(room > 0);
        room = room < n ? room : n;
        memcpy(at, from->wire + from->heard, room);
        tunnel_filled(&to->tunnel, room);
        from->heard += room;
        n -= room;
        drain(to, from);
    }
}

/* Something happens to the bytes on their way. */
static void touch(struct side *from, uint8_t how, size_t at, size_t n)
{
    uint8_t *bytes = from->wire + from->heard;
    size_t left = from->said - from->heard;

    if (left == 0)
        return;
    touched = true;
    at %= left;
    n = n < left - at ? n : left - at;
    if (how == 0) {
        bytes[at] ^= (uint8_t)(n | 1);
    } else if (how == 1) { /* lost */
        memmove(bytes + at, bytes + at + n, left - at - n);
        from->said -= n;
    } else if (from->said + n <= WIRE_BYTES) { /* twice */
        memmove(bytes + at + n, bytes + at, left - at);
        from->said += n;
    }
}

static void act(struct fuzz_input *in)
{
    uint8_t what = fuzz_byte(in);
    struct side *s = &sides[what >> 7], *other = &sides[!(what >> 7)];
    size_t at, n;

    switch (what & 7) {
    case 0:
    case 1:
        side_write(s, fuzz_number(in, 2));
        break;
    case 2:
    case 3:
        deliver(s, other, fuzz_byte(in));
        break;
    case 4:
        deliver(s, other, WIRE_BYTES);
        break;
    case 5: { /* anybody's bytes */
        const uint8_t *bytes = fuzz_piece(in, fuzz_byte(in), &n);
        if (n == 0 || s->said + n > WIRE_BYTES)
            break;
        touched = true;
        memcpy(s->wire + s->said, bytes, n);
        s->said += n;
        break;
    }
    case 6:
        at = fuzz_number(in, 2);
        touch(s, (what >> 3) % 3, at, fuzz_byte(in));
        break;
    default: /* a round trip: the handshake is over then */
        deliver(&sides[0], &sides[1], WIRE_BYTES);
        deliver(&sides[1], &sides[0], WIRE_BYTES);
        break;
    }
}

static void expect_all_arrives(void)
{
    for (int i = 0; i < 3; i++) {
        deliver(&sides[0], &sides[1], WIRE_BYTES);
        deliver(&sides[1], &sides[0], WIRE_BYTES);
    }
    for (int i = 0; i < 2; i++)
        require(sides[i].heard < sides[i].said || sides[i].read_n == sides[i].written_n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};

    sealed = fuzz_byte(&in) & 1;
    touched = false;
    side_begin(&sides[0], true);
    side_begin(&sides[1], false);
    for (int i = 0; i < ACTS_MAX && in.n > 0; i++)
        act(&in);
    if (!touched)
        expect_all_arrives();
    for (int i = 0; i < 2; i++) {
        tunnel_fini(&sides[i].tunnel);
        free(sides[i].buf);
    }
    return 0;
}
