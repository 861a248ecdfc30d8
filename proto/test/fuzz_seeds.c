/* fuzz_seeds.c - writes what fuzzing begins with: a message of every kind, with everything, with
 * empty lists and with the least, as the targets take it. Argument: a folder with a folder for each
 * of those targets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "sample.h"

enum { OPTIONS = 3, HEAD_MAX = 512 };

static const struct sample_options options[OPTIONS] = {
    {.list_n = 2}, {.list_n = 0}, {.least = true}};

/* The acts of fuzz_node, fuzz_rep and fuzz_seat with which somebody says something. */
enum { NODE_SEAT_SAYS = 5, NODE_ADMIN_SAYS = 3, REP_INTRUDE = 0, REP_SAY = 8, SEAT_SAY = 0 };

/* What stands before the message in an input. */
struct head {
    uint8_t bytes[HEAD_MAX];
    size_t n;
};

static uint8_t packed[SAMPLE_PACKED_MAX];
static const char *root;

static void head_byte(struct head *h, uint8_t byte)
{
    h->bytes[h->n++] = byte;
}

/* An act that is followed by n bytes. */
static void head_act(struct head *h, uint8_t act, size_t n)
{
    head_byte(h, act);
    head_byte(h, (uint8_t)(n >> 8));
    head_byte(h, (uint8_t)n);
}

static void head_say(struct head *h, uint8_t act, const ProtobufCMessage *m)
{
    head_act(h, act, protobuf_c_message_get_packed_size(m));
    h->n += protobuf_c_message_pack(m, h->bytes + h->n);
}

static void write_file(const char *target, const char *name, const struct head *h, size_t n)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%s", root, target, name);
    FILE *f = fopen(path, "wb");

    if (f == NULL || fwrite(h->bytes, 1, h->n, f) != h->n || fwrite(packed, 1, n, f) != n ||
        fclose(f) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
}

/* ---------------------------------------------------------------- what somebody says first */

static void seat_hello(struct head *h)
{
    static char seat[] = "R1-02", client[] = "c";
    Seat__Request m = SEAT__REQUEST__INIT;
    Seat__Hello hello = SEAT__HELLO__INIT;

    hello.version = SEAT_VERSION;
    hello.seat = seat;
    hello.client = client;
    m.kind_case = SEAT__REQUEST__KIND_HELLO;
    m.hello = &hello;
    head_say(h, NODE_SEAT_SAYS, &m.base);
}

static void seat_signs_in(struct head *h)
{
    static char no[] = "1002";
    static uint8_t session[SESSION_BYTES] = "a session";
    Seat__Request m = SEAT__REQUEST__INIT;
    Seat__SignIn sign_in = SEAT__SIGN_IN__INIT;

    sign_in.admission_no = sign_in.id_no = no;
    sign_in.session = (ProtobufCBinaryData){.data = session, .len = sizeof session};
    m.id = 1;
    m.kind_case = SEAT__REQUEST__KIND_SIGN_IN;
    m.sign_in = &sign_in;
    head_say(h, NODE_SEAT_SAYS, &m.base);
}

static void admin_hello(struct head *h)
{
    static char who[] = "W", client[] = "c";
    Admin__Request m = ADMIN__REQUEST__INIT;
    Admin__Hello hello = ADMIN__HELLO__INIT;

    hello.version = ADMIN_VERSION;
    hello.who = who;
    hello.client = client;
    m.kind_case = ADMIN__REQUEST__KIND_HELLO;
    m.hello = &hello;
    head_say(h, NODE_ADMIN_SAYS, &m.base);
}

static void node_hello(struct head *h)
{
    static char node[] = "B";
    static uint8_t zeros[HASH_BYTES];
    Rep__Message m = REP__MESSAGE__INIT;
    Rep__Hello hello = REP__HELLO__INIT;
    Rep__Position last = REP__POSITION__INIT;

    last.epoch = 1;
    last.lsn = 4;
    last.hash = (ProtobufCBinaryData){.data = zeros, .len = HASH_BYTES};
    hello.version = REPLICA_VERSION;
    hello.node = node;
    hello.site_id = (ProtobufCBinaryData){.data = zeros, .len = SITE_ID_BYTES};
    hello.epoch = 1;
    hello.role = REP__ROLE__ROLE_STANDBY;
    hello.last = &last;
    m.kind_case = REP__MESSAGE__KIND_HELLO;
    m.hello = &hello;
    head_byte(h, REP_INTRUDE);
    head_say(h, REP_SAY, &m.base);
}

/* ---------------------------------------------------------------- a message of each kind */

static void write_seat_message(const char *name, bool request, size_t n)
{
    struct head beat = {.n = 0}, frame = {.n = 0}, script = {.n = 0};

    head_byte(&beat, request);
    write_file("beat", name, &beat, n);
    head_byte(&frame, request);
    frame_header_put(frame.bytes + 1, n);
    frame.n += FRAME_HEADER_BYTES;
    write_file("frame", name, &frame, n);
    if (request) {
        seat_hello(&script);
        seat_signs_in(&script);
    }
    head_act(&script, request ? NODE_SEAT_SAYS : SEAT_SAY, n);
    write_file(request ? "node" : "seat", name, &script, n);
}

static void write_message(const struct conversation *c, const char *name, size_t n)
{
    struct head codec = {.n = 0}, script = {.n = 0};

    head_byte(&codec, (uint8_t)(c - conversations));
    write_file("codec", name, &codec, n);
    if (c->rule == &codec_rule_seat_request || c->rule == &codec_rule_seat_reply) {
        write_seat_message(name, c->rule == &codec_rule_seat_request, n);
    } else if (c->rule == &codec_rule_admin_request) {
        admin_hello(&script);
        head_act(&script, NODE_ADMIN_SAYS, n);
        write_file("node", name, &script, n);
    } else if (c->rule == &codec_rule_replica_message) {
        node_hello(&script);
        head_act(&script, REP_SAY, n);
        write_file("rep", name, &script, n);
    }
}

static void write_kind(const struct conversation *c, unsigned kind, void *ctx)
{
    (void)ctx;
    for (size_t i = 0; i < OPTIONS; i++) {
        char name[128];
        sample_reset();
        size_t n = sample_pack(sample_make(c->rule, kind, &options[i]), packed);

        snprintf(name, sizeof name, "%s-%u-%zu", c->name, kind, i);
        if (n > 0)
            write_message(c, name, n);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: fuzz_seeds FOLDER\n");
        return 2;
    }
    root = argv[1];
    sample_each_kind(write_kind, NULL);
    return 0;
}
