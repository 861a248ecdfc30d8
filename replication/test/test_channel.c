/* The contract of channel.h: who comes in, what is refused, and that nothing happens before its
 * time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "channel_pair.h"
#include "codec.h"
#include "seed.h"

static struct wire wire, other_wire;
static uint8_t plain[WIRE_BYTES_MAX], bulk[2 * CHANNEL_PLAIN_BYTES_MAX + 1];

static int pair_setup(void **state)
{
    static struct pair p;

    pair_init(&p, seed_of_run("channel"));
    *state = &p;
    return 0;
}

static int pair_teardown(void **state)
{
    pair_fini(*state);
    return 0;
}

/* The channel has ended for this reason, gives nothing out any more, and nothing is left in it. */
static void require_ended(struct channel *c)
{
    struct channel_out out = {.at = other_wire.bytes, .bytes_max = sizeof other_wire.bytes};
    uint8_t chance[CHANNEL_CHANCE_BYTES] = {1}, binding[CHANNEL_BINDING_BYTES];
    uint8_t record[64] = {0};
    const uint8_t *at = NULL;
    size_t n;

    assert_int_equal(channel_state(c), CHANNEL_ENDED);
    assert_int_equal(channel_frame_bytes_max(c), 0);
    assert_int_equal(channel_handshake_write(c, chance, NULL, 0, &out), EXAM_CONN);
    assert_int_equal(channel_handshake_read(c, record, sizeof record), EXAM_CONN);
    assert_int_equal(channel_seal(c, record, 1, &out), EXAM_CONN);
    assert_int_equal(channel_open(c, record, sizeof record, plain, &n), EXAM_CONN);
    assert_int_equal(channel_peer(c, &at), EXAM_CONN);
    assert_int_equal(channel_peer_payload(c, &at, &n), EXAM_CONN);
    assert_int_equal(channel_binding(c, binding), EXAM_CONN);
    assert_int_equal(out.bytes, 0);

    c->why = NULL;
    assert_true(sodium_is_zero((const uint8_t *)c, sizeof *c));
}

static void require_failed(struct channel *c, exam_err got, exam_err expected, const char *why)
{
    assert_int_equal(got, expected);
    assert_string_equal(channel_why(c), why);
    require_ended(c);
}

static const char why_handshake[] =
    "the handshake was not sealed by and for the owners of these keys";
static const char why_record[] = "a record was changed, missing, repeated or out of order";
static const char why_low_order[] = "the peer's public key is of low order";

/* --- what works --- */

/* Both learn who the other is and what its payload was, the responder after the first record only;
 * both have the same binding. */
static void test_channel__both_learn_who_the_other_is(void **state)
{
    struct pair *p = *state;
    uint8_t here[CHANNEL_BINDING_BYTES], there[CHANNEL_BINDING_BYTES];
    const uint8_t *at;
    size_t n;

    pair_handshake(p, &p->initiator, "I come", &wire);
    assert_int_equal(pair_take(&p->responder, &wire), EXAM_OK);
    pair_handshake(p, &p->responder, "welcome", &wire);
    assert_int_equal(pair_take(&p->initiator, &wire), EXAM_OK);

    assert_int_equal(channel_peer(&p->initiator, &at), EXAM_OK);
    assert_memory_equal(at, p->responder_key.public, CHANNEL_KEY_BYTES);
    assert_int_equal(channel_peer_payload(&p->initiator, &at, &n), EXAM_OK);
    assert_int_equal(n, 7);
    assert_memory_equal(at, "welcome", n);

    assert_int_equal(channel_state(&p->responder), CHANNEL_UNCONFIRMED);
    assert_int_equal(channel_peer(&p->responder, &at), EXAM_STATE);
    assert_int_equal(channel_peer_payload(&p->responder, &at, &n), EXAM_STATE);
    assert_int_equal(channel_binding(&p->responder, there), EXAM_STATE);

    pair_seal(&p->initiator, "hello", 5, &wire);
    assert_int_equal(pair_open_all(&p->responder, &wire, plain, &n), EXAM_OK);
    assert_int_equal(n, 5);
    assert_memory_equal(plain, "hello", n);
    assert_int_equal(channel_peer(&p->responder, &at), EXAM_OK);
    assert_memory_equal(at, p->initiator_key.public, CHANNEL_KEY_BYTES);
    assert_int_equal(channel_peer_payload(&p->responder, &at, &n), EXAM_OK);
    assert_int_equal(n, 6);
    assert_memory_equal(at, "I come", n);
    assert_int_equal(p->admit_calls, 1);

    assert_int_equal(channel_binding(&p->initiator, here), EXAM_OK);
    assert_int_equal(channel_binding(&p->responder, there), EXAM_OK);
    assert_memory_equal(here, there, sizeof here);
}

/* Each call out of its turn is refused and changes nothing: the handshake goes on as if it had not
 * been. */
static void test_channel__refuses_calls_out_of_turn(void **state)
{
    struct pair *p = *state;
    struct channel_out out = {.at = other_wire.bytes, .bytes_max = sizeof other_wire.bytes};
    uint8_t chance[CHANNEL_CHANCE_BYTES] = {1}, record[64] = {0};
    size_t n;

    assert_int_equal(channel_handshake_read(&p->initiator, record, sizeof record), EXAM_STATE);
    assert_int_equal(channel_seal(&p->initiator, record, 1, &out), EXAM_STATE);
    assert_int_equal(channel_open(&p->initiator, record, sizeof record, plain, &n), EXAM_STATE);
    assert_int_equal(channel_handshake_write(&p->responder, chance, NULL, 0, &out), EXAM_STATE);

    pair_shake_hands(p);
    assert_int_equal(channel_handshake_read(&p->initiator, record, sizeof record), EXAM_STATE);
    assert_int_equal(channel_handshake_write(&p->initiator, chance, NULL, 0, &out), EXAM_STATE);
    assert_int_equal(channel_handshake_write(&p->responder, chance, NULL, 0, &out), EXAM_STATE);
    assert_int_equal(channel_seal(&p->responder, record, 1, &out), EXAM_STATE); /* unconfirmed */
    assert_int_equal(out.bytes, 0);

    pair_seal(&p->initiator, "x", 1, &wire);
    assert_int_equal(pair_open_all(&p->responder, &wire, plain, &n), EXAM_OK);
    pair_seal(&p->responder, "y", 1, &wire);
    assert_int_equal(pair_open_all(&p->initiator, &wire, plain, &n), EXAM_OK);
    assert_int_equal(plain[0], 'y');
}

/* Without room for all of it nothing is written, and no counter moves. */
static void test_channel__writes_all_or_nothing(void **state)
{
    struct pair *p = *state;
    struct channel_out out = {.at = wire.bytes, .bytes_max = CHANNEL_HANDSHAKE_FRAME_BYTES_MAX - 1};
    uint8_t chance[CHANNEL_CHANCE_BYTES] = {1};
    size_t n = sizeof bulk;

    assert_int_equal(
        channel_handshake_write(&p->initiator, chance, bulk, CHANNEL_PAYLOAD_BYTES_MAX, &out),
        EXAM_FULL);
    pair_open(p);
    out.bytes_max = channel_sealed_bytes(n) - 1;
    assert_int_equal(channel_seal(&p->initiator, bulk, n, &out), EXAM_FULL);
    assert_int_equal(out.bytes, 0);
    pair_seal(&p->initiator, bulk, n, &wire);
    assert_int_equal(pair_open_all(&p->responder, &wire, plain, &n), EXAM_OK);
    assert_int_equal(n, sizeof bulk);
    assert_memory_equal(plain, bulk, n);
}

/* What is appended comes behind what is there, and the largest payloads fit. */
static void test_channel__appends_frames(void **state)
{
    struct pair *p = *state;
    struct channel_out out = {.at = wire.bytes, .bytes_max = sizeof wire.bytes, .bytes = 3};
    uint8_t chance[CHANNEL_CHANCE_BYTES] = {1};

    memcpy(wire.bytes, "abc", 3);
    assert_int_equal(
        channel_handshake_write(&p->initiator, chance, bulk, CHANNEL_PAYLOAD_BYTES_MAX, &out),
        EXAM_OK);
    assert_int_equal(out.bytes, 3 + CHANNEL_HANDSHAKE_FRAME_BYTES_MAX);
    assert_memory_equal(wire.bytes, "abc", 3);
    assert_int_equal(channel_frame_bytes_max(&p->responder), CHANNEL_HELLO_BYTES_MAX);
    assert_int_equal(channel_handshake_read(&p->responder, wire.bytes + 3 + FRAME_HEADER_BYTES,
                                            CHANNEL_HELLO_BYTES_MAX),
                     EXAM_OK);
    assert_int_equal(channel_frame_bytes_max(&p->responder), 0);
    out.bytes = 0;
    assert_int_equal(
        channel_handshake_write(&p->responder, chance, bulk, CHANNEL_PAYLOAD_BYTES_MAX, &out),
        EXAM_OK);
    assert_int_equal(channel_frame_bytes_max(&p->initiator), CHANNEL_REPLY_BYTES_MAX);
    assert_int_equal(channel_handshake_read(&p->initiator, wire.bytes + FRAME_HEADER_BYTES,
                                            CHANNEL_REPLY_BYTES_MAX),
                     EXAM_OK);
    assert_int_equal(channel_frame_bytes_max(&p->initiator), CHANNEL_RECORD_BYTES_MAX);
    assert_int_equal(channel_frame_bytes_max(&p->responder), CHANNEL_RECORD_BYTES_MAX);
}

/* Lengths around each cut come through whole, in as many records as channel_sealed_bytes says. */
static void test_channel__cuts_long_streams(void **state)
{
    enum { MAX = CHANNEL_PLAIN_BYTES_MAX };
    static const size_t sizes[] = {
        0, 1, MAX - 1, MAX, MAX + 1, FRAME_HEADER_BYTES + FRAME_BYTES_MAX, 2 * MAX, 2 * MAX + 1};
    struct pair *p = *state;

    pair_open(p);
    for (size_t i = 0; i < sizeof bulk; i++)
        bulk[i] = (uint8_t)(i * 31 >> 3);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t records = sizes[i] == 0 ? 1 : (sizes[i] + MAX - 1) / MAX, n = 0;

        pair_seal(&p->responder, bulk, sizes[i], &wire);
        assert_int_equal(wire.n, sizes[i] + 20 * records);
        assert_int_equal(pair_open_all(&p->initiator, &wire, plain, &n), EXAM_OK);
        assert_int_equal(n, sizes[i]);
        assert_memory_equal(plain, bulk, n);
    }
}

/* 100,000 messages each way, of random lengths and in random bursts, over several keys. */
static void test_channel__carries_100000_messages_both_ways(void **state)
{
    enum { MESSAGES = 100000, BURST_MAX = 20 };
    struct pair *p = *state;
    struct channel *ends[] = {&p->initiator, &p->responder};
    unsigned said[2] = {0, 0}, heard[2] = {0, 0};
    uint8_t first_key[NOISE_KEY_BYTES];

    pair_open(p);
    memcpy(first_key, p->responder.send.cipher.key, sizeof first_key);
    while (heard[0] < MESSAGES || heard[1] < MESSAGES) {
        unsigned from = seed_next(&p->seed) & 1;
        size_t burst = 1 + seed_below(&p->seed, BURST_MAX);

        for (; burst > 0 && said[from] < MESSAGES; burst--) {
            uint8_t message[320];
            size_t n = sizeof said[0] + seed_below(&p->seed, 300), got = 0;

            memset(message, (int)n, n);
            memcpy(message, &said[from], sizeof said[from]);
            said[from]++;
            pair_seal(ends[from], message, n, &wire);
            assert_int_equal(pair_open_all(ends[!from], &wire, plain, &got), EXAM_OK);
            assert_int_equal(got, n);
            assert_memory_equal(plain, message, n);
            heard[!from]++;
        }
    }
    assert_int_equal(p->responder.send.cipher.counter, MESSAGES);
    assert_memory_not_equal(p->responder.send.cipher.key, first_key, sizeof first_key);
}

/* --- whom it refuses --- */

/* An unknown or revoked key gets the answer of `admit`, before its payload is looked at: a payload
 * that is broken besides makes no difference. */
static void test_channel__asks_before_it_reads_the_payload(void **state)
{
    struct pair *p = *state;

    p->admit = EXAM_NOT_FOUND;
    pair_handshake(p, &p->initiator, "I come", &wire);
    wire.bytes[wire.n - 1] ^= 1;
    require_failed(&p->responder, pair_take(&p->responder, &wire), EXAM_NOT_FOUND,
                   "the peer's key is not admitted");
    assert_int_equal(p->admit_calls, 1);
    assert_memory_equal(p->admit_key, p->initiator_key.public, CHANNEL_KEY_BYTES);

    p->admit = EXAM_OK; /* the same bytes, now from one who is welcome */
    pair_begin_responder(p);
    require_failed(&p->responder, pair_take(&p->responder, &wire), EXAM_AUTH, why_handshake);
}

/* To claim an admitted key without its secret is of no use. */
static void test_channel__refuses_a_claimed_key(void **state)
{
    struct pair *p = *state;
    struct noise_key_pair other;

    pair_key(p, &other);
    memcpy(p->initiator_key.secret, other.secret, sizeof other.secret);
    pair_begin_initiator(p);
    pair_handshake(p, &p->initiator, "", &wire);
    require_failed(&p->responder, pair_take(&p->responder, &wire), EXAM_AUTH, why_handshake);
    assert_int_equal(p->admit_calls, 1);
}

/* A hello for another responder's key is refused before anybody is asked, and a reply by one who
 * has not that key is refused by the initiator. */
static void test_channel__refuses_the_wrong_responder(void **state)
{
    struct pair *p = *state;
    struct noise_key_pair meant = p->responder_key, impostor;

    pair_key(p, &impostor);
    p->responder_key = impostor;
    pair_begin_responder(p);
    pair_handshake(p, &p->initiator, "", &wire);
    require_failed(&p->responder, pair_take(&p->responder, &wire), EXAM_AUTH, why_handshake);
    assert_int_equal(p->admit_calls, 0);

    /* The impostor answers with a handshake of its own. */
    pair_begin_responder(p);
    struct channel waiting = p->initiator;
    p->responder_key = impostor;
    pair_begin_initiator(p);
    pair_handshake(p, &p->initiator, "", &wire);
    assert_int_equal(pair_take(&p->responder, &wire), EXAM_OK);
    pair_handshake(p, &p->responder, "", &wire);
    require_failed(&waiting, pair_take(&waiting, &wire), EXAM_AUTH, why_handshake);
    p->responder_key = meant;
}

/* Other terms are named, and nobody is asked. */
static void test_channel__says_which_term_differs(void **state)
{
#define why_older "the peer has an older roster of keys than is let in: give it the current one"
    static const struct {
        size_t at;
        exam_err err;
        const char *why;
    } cases[] = {
        {0, EXAM_MALFORMED, "the peer's first frame is no channel's hello"},
        {3, EXAM_MALFORMED, "the peer's first frame is no channel's hello"},
        {4, EXAM_VERSION, "the peer's channel has another version"},
        {5, EXAM_REFUSED, "the peer wants another conversation than is held here"},
        {6, EXAM_VERSION, "the peer's conversation has another version"},
        {7, EXAM_VERSION, "the peer's conversation has another version"},
        {8, EXAM_OTHER_SITE, "the peer is of another site"},
        {23, EXAM_OTHER_SITE, "the peer is of another site"},
        {24, EXAM_VERSION, "the peer has a newer roster of keys than this end"},
        {31, EXAM_VERSION, why_older},
    };
    struct pair *p = *state;

    pair_handshake(p, &p->initiator, "", &wire);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pair_begin_responder(p);
        wire.bytes[FRAME_HEADER_BYTES + cases[i].at] ^= 4;
        require_failed(&p->responder, pair_take(&p->responder, &wire), cases[i].err, cases[i].why);
        wire.bytes[FRAME_HEADER_BYTES + cases[i].at] ^= 4;
    }
    assert_int_equal(p->admit_calls, 0);
    pair_begin_responder(p);
    assert_int_equal(pair_take(&p->responder, &wire), EXAM_OK);
}

/* An older roster will do as far back as the responder says, and the version that the initiator
 * said is what both ends have bound. */
static void test_channel__older_rosters_are_let_in_so_far(void **state)
{
    struct pair *p = *state;
    const struct channel_terms meant = p->terms;

    for (uint64_t theirs = 4; theirs <= 8; theirs++) {
        p->terms = meant;
        p->terms.roster_version = theirs;
        pair_begin_initiator(p);
        pair_handshake(p, &p->initiator, "", &wire);
        p->terms = meant;
        p->terms.roster_accepts = 5;
        pair_begin_responder(p);
        if (theirs >= 5 && theirs <= 7) {
            assert_int_equal(pair_take(&p->responder, &wire), EXAM_OK);
            pair_handshake(p, &p->responder, "", &wire);
            assert_int_equal(pair_take(&p->initiator, &wire), EXAM_OK);
            assert_int_equal(channel_state(&p->initiator), CHANNEL_OPEN);
        } else {
            require_failed(&p->responder, pair_take(&p->responder, &wire), EXAM_VERSION,
                           theirs < 5 ? why_older
                                      : "the peer has a newer roster of keys than this end");
        }
    }
}

/* A hello is no message of any conversation in clear: a party that does not seal says so at once.
 */
static void test_channel__hello_is_no_message_in_clear(void **state)
{
    static uint8_t block[ARENA_BYTES_FRAME];
    struct pair *p = *state;
    const uint8_t *hello = wire.bytes + FRAME_HEADER_BYTES;
    const Seat__Request *seat_request = NULL;
    const Seat__Reply *seat_reply = NULL;
    const Admin__Request *admin_request = NULL;
    const Admin__Reply *admin_reply = NULL;
    const Rep__Message *replica = NULL;
    struct arena a;
    size_t n;

    pair_handshake(p, &p->initiator, "I come", &wire);
    n = wire.n - FRAME_HEADER_BYTES;
    arena_init(&a, block, sizeof block);
    assert_int_equal(codec_seat_request(&a, hello, n, &seat_request, NULL), EXAM_MALFORMED);
    assert_int_equal(codec_seat_reply(&a, hello, n, &seat_reply, NULL), EXAM_MALFORMED);
    assert_int_equal(codec_admin_request(&a, hello, n, &admin_request, NULL), EXAM_MALFORMED);
    assert_int_equal(codec_admin_reply(&a, hello, n, &admin_reply, NULL), EXAM_MALFORMED);
    assert_int_equal(codec_replica_message(&a, hello, n, &replica, NULL), EXAM_MALFORMED);
}

/* Terms that somebody on the way has made to fit are refused all the same: every term is in the
 * keys. (The same hello under the same terms passes, so it is the term that is felt.) */
static void test_channel__binds_every_term(void **state)
{
    struct pair *p = *state;
    const struct channel_terms meant = p->terms;

    for (int i = 0; i < 4; i++) {
        p->terms = meant;
        if (i == 1)
            p->terms.conversation = CHANNEL_ADMIN;
        if (i == 2)
            p->terms.site_id[SITE_ID_BYTES - 1] ^= 1;
        if (i == 3)
            p->terms.roster_version++;
        pair_begin_initiator(p);
        pair_handshake(p, &p->initiator, "", &wire);
        p->terms = meant;
        pair_begin_responder(p);
        memcpy(wire.bytes + FRAME_HEADER_BYTES, p->responder.terms, CHANNEL_TERMS_BYTES);
        if (i == 0)
            assert_int_equal(pair_take(&p->responder, &wire), EXAM_OK);
        else
            require_failed(&p->responder, pair_take(&p->responder, &wire), EXAM_AUTH,
                           why_handshake);
    }
    assert_int_equal(p->admit_calls, 1);
}

/* The points of small order, as libsodium's own list has them, and two that reduce to 0 and 1. */
static const char *const low_order[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

/* A key of low order, whose secret anybody knows, is refused wherever it may come: dialled, as an
 * ephemeral key of either side, as the static key of an initiator. */
static void test_channel__refuses_keys_of_low_order(void **state)
{
    struct pair *p = *state;
    struct noise_key_pair good = p->responder_key, own = p->initiator_key;
    struct channel_out out = {.at = wire.bytes, .bytes_max = sizeof wire.bytes};
    uint8_t chance[CHANNEL_CHANCE_BYTES] = {1}, point[CHANNEL_KEY_BYTES];

    for (size_t i = 0; i < sizeof low_order / sizeof low_order[0]; i++) {
        assert_int_equal(sodium_hex2bin(point, sizeof point, low_order[i], 64, NULL, NULL, NULL),
                         0);

        memcpy(p->responder_key.public, point, sizeof point);
        pair_begin_initiator(p);
        p->responder_key = good;
        require_failed(&p->initiator, channel_handshake_write(&p->initiator, chance, NULL, 0, &out),
                       EXAM_INVALID, why_low_order);

        pair_begin_initiator(p);
        pair_begin_responder(p);
        pair_handshake(p, &p->initiator, "", &wire);
        memcpy(wire.bytes + FRAME_HEADER_BYTES + CHANNEL_TERMS_BYTES, point, sizeof point);
        require_failed(&p->responder, pair_take(&p->responder, &wire), EXAM_INVALID, why_low_order);

        pair_begin_initiator(p);
        pair_begin_responder(p);
        pair_handshake(p, &p->initiator, "", &wire);
        assert_int_equal(pair_take(&p->responder, &wire), EXAM_OK);
        pair_handshake(p, &p->responder, "", &wire);
        memcpy(wire.bytes + FRAME_HEADER_BYTES, point, sizeof point);
        require_failed(&p->initiator, pair_take(&p->initiator, &wire), EXAM_INVALID, why_low_order);

        memcpy(p->initiator_key.public, point, sizeof point);
        pair_begin_initiator(p);
        pair_begin_responder(p);
        pair_handshake(p, &p->initiator, "", &wire);
        p->initiator_key = own;
        require_failed(&p->responder, pair_take(&p->responder, &wire), EXAM_INVALID, why_low_order);
    }
}

/* --- what it refuses on the way --- */

/* Every bit of the one frame in `w`, header and all, turned over one at a time, makes `from` end.
 */
static void require_every_bit(const struct channel *from, struct wire *w)
{
    static uint8_t buf[FRAME_HEADER_BYTES + CHANNEL_RECORD_BYTES_MAX];

    for (size_t bit = 0; bit < w->n * 8; bit++) {
        struct channel c = *from;
        struct frame_reader r;
        const uint8_t *payload;
        uint8_t *at;
        size_t n, room;
        exam_err err;

        w->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        frame_reader_init(&r, buf, sizeof buf, channel_frame_bytes_max(&c));
        frame_reader_space(&r, &at, &room);
        memcpy(at, w->bytes, w->n);
        frame_reader_filled(&r, w->n);
        err = frame_reader_next(&r, &payload, &n);
        if (err == EXAM_OK) {
            err = channel_state(&c) == CHANNEL_READS ? channel_handshake_read(&c, payload, n)
                                                     : channel_open(&c, payload, n, plain, &n);
            assert_int_not_equal(err, EXAM_OK);
            assert_string_not_equal(channel_why(&c), "");
            require_ended(&c);
        } else {
            assert_true(bit <
                        8 * FRAME_HEADER_BYTES); /* a length: no frame, or never a whole one */
        }
        w->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

/* No message survives the change of a single bit, in its header or anywhere. */
static void test_channel__refuses_every_changed_bit(void **state)
{
    struct pair *p = *state;
    size_t n;

    pair_handshake(p, &p->initiator, "I come", &wire);
    require_every_bit(&p->responder, &wire);
    assert_int_equal(pair_take(&p->responder, &wire), EXAM_OK);

    pair_handshake(p, &p->responder, "welcome", &wire);
    require_every_bit(&p->initiator, &wire);
    assert_int_equal(pair_take(&p->initiator, &wire), EXAM_OK);

    pair_seal(&p->initiator, "an answer", 9, &wire);
    require_every_bit(&p->responder, &wire);
    assert_int_equal(pair_open_all(&p->responder, &wire, plain, &n), EXAM_OK);

    pair_seal(&p->responder, "saved", 5, &wire);
    require_every_bit(&p->initiator, &wire);
    assert_int_equal(pair_open_all(&p->initiator, &wire, plain, &n), EXAM_OK);

    pair_seal(&p->responder, NULL, 0, &wire);
    require_every_bit(&p->initiator, &wire);
    assert_int_equal(pair_open_all(&p->initiator, &wire, plain, &n), EXAM_OK);
}

/* Every other length than the one that was written ends the channel: shorter, or a byte longer. */
static void require_every_length(const struct channel *from, const struct wire *w, bool handshake)
{
    const uint8_t *message = w->bytes + FRAME_HEADER_BYTES;
    size_t message_bytes = w->n - FRAME_HEADER_BYTES;

    for (size_t n = 0; n <= message_bytes + 1; n++) {
        struct channel c = *from;
        size_t got = 0;
        exam_err err = handshake ? channel_handshake_read(&c, message, n)
                                 : channel_open(&c, message, n, plain, &got);

        if (n == message_bytes) {
            assert_int_equal(err, EXAM_OK);
            continue;
        }
        assert_true(err == EXAM_MALFORMED || err == EXAM_AUTH);
        require_ended(&c);
    }
}

static void test_channel__refuses_other_lengths(void **state)
{
    struct pair *p = *state;
    size_t n = 0;

    memset(wire.bytes, 0, sizeof wire.bytes);
    pair_handshake(p, &p->initiator, "I come", &wire);
    require_every_length(&p->responder, &wire, true);
    assert_int_equal(pair_take(&p->responder, &wire), EXAM_OK);
    pair_handshake(p, &p->responder, "welcome", &wire);
    require_every_length(&p->initiator, &wire, true);
    assert_int_equal(pair_take(&p->initiator, &wire), EXAM_OK);
    pair_seal(&p->initiator, "an answer", 9, &wire);
    require_every_length(&p->responder, &wire, false);
    assert_int_equal(pair_open_all(&p->responder, &wire, plain, &n), EXAM_OK);
}

/* What is over the bounds is refused unread, also by a caller that does not set its reader's bound.
 */
static void test_channel__refuses_what_is_too_long(void **state)
{
    struct pair *p = *state;
    size_t n;

    require_failed(&p->responder,
                   channel_handshake_read(&p->responder, bulk, CHANNEL_HELLO_BYTES_MAX + 1),
                   EXAM_TOO_BIG, "the peer's handshake message is too long");
    pair_begin_responder(p);
    pair_handshake(p, &p->initiator, "", &wire);
    require_failed(&p->initiator,
                   channel_handshake_read(&p->initiator, bulk, CHANNEL_REPLY_BYTES_MAX + 1),
                   EXAM_TOO_BIG, "the peer's handshake message is too long");
    pair_begin_initiator(p);
    pair_open(p);
    require_failed(&p->responder,
                   channel_open(&p->responder, bulk, CHANNEL_RECORD_BYTES_MAX + 1, plain, &n),
                   EXAM_TOO_BIG, "the peer's record is too long");
}

/* A recorded session played to the responder again: it may answer the hello, but learns nothing
 * from it, and its records end the channel. */
static void test_channel__replay_comes_to_nothing(void **state)
{
    static struct wire hello, reply, record;
    struct pair *p = *state;
    const uint8_t *at;
    size_t n;

    pair_handshake(p, &p->initiator, "take over my seat", &hello);
    assert_int_equal(pair_take(&p->responder, &hello), EXAM_OK);
    pair_handshake(p, &p->responder, "", &reply);
    assert_int_equal(pair_take(&p->initiator, &reply), EXAM_OK);
    pair_seal(&p->initiator, "an answer", 9, &record);
    assert_int_equal(pair_open_all(&p->responder, &record, plain, &n), EXAM_OK);

    pair_begin_responder(p);
    assert_int_equal(pair_take(&p->responder, &hello), EXAM_OK);
    pair_handshake(p, &p->responder, "", &wire);
    assert_int_equal(channel_peer_payload(&p->responder, &at, &n), EXAM_STATE);
    assert_int_equal(channel_peer(&p->responder, &at), EXAM_STATE);
    require_failed(&p->responder, pair_open_all(&p->responder, &record, plain, &n), EXAM_AUTH,
                   why_record);

    pair_begin_initiator(p); /* a recorded reply to a new hello */
    pair_handshake(p, &p->initiator, "", &wire);
    require_failed(&p->initiator, pair_take(&p->initiator, &reply), EXAM_AUTH, why_handshake);
}

/* A record that is repeated, missing or before its turn ends the channel. */
static void test_channel__refuses_another_order(void **state)
{
    static struct wire first, second;
    struct pair *p = *state;
    struct channel c;
    size_t n;

    pair_open(p);
    pair_seal(&p->initiator, "1", 1, &first);
    pair_seal(&p->initiator, "2", 1, &second);

    c = p->responder;
    require_failed(&c, pair_open_all(&c, &second, plain, &n), EXAM_AUTH, why_record);
    c = p->responder;
    assert_int_equal(pair_open_all(&c, &first, plain, &n), EXAM_OK);
    require_failed(&c, pair_open_all(&c, &first, plain, &n), EXAM_AUTH, why_record);
    c = p->responder;
    assert_int_equal(pair_open_all(&c, &first, plain, &n), EXAM_OK);
    assert_int_equal(pair_open_all(&c, &second, plain, &n), EXAM_OK);
    require_failed(&c, pair_open_all(&c, &first, plain, &n), EXAM_AUTH, why_record);
    channel_fini(&c);
}

/* What a party wrote comes to nothing when it is sent back: hello, reply and record; and nobody
 * talks to itself, neither by dialling its own key nor when its own key dials. */
static void test_channel__refuses_reflection(void **state)
{
    struct pair *p = *state;
    struct noise_key_pair responder = p->responder_key;
    struct channel_config self = {.initiator = true,
                                  .terms = p->terms,
                                  .own = &p->initiator_key,
                                  .peer = p->initiator_key.public};
    struct channel c;
    size_t n;

    require_failed(&c, channel_init(&c, &self), EXAM_INVALID,
                   "the key to be dialled is this party's own");

    /* The hello of a node, sent to the node's own listener. */
    pair_handshake(p, &p->initiator, "", &wire);
    p->responder_key = p->initiator_key;
    pair_begin_responder(p);
    require_failed(&p->responder, pair_take(&p->responder, &wire), EXAM_AUTH, why_handshake);
    /* The same hello as the reply to itself. */
    require_failed(&p->initiator, pair_take(&p->initiator, &wire), EXAM_AUTH, why_handshake);

    /* A stolen key used against its owner. */
    p->responder_key = responder;
    pair_begin_responder(p);
    pair_begin_initiator(p);
    p->initiator_key = responder;
    pair_handshake(p, &p->initiator, "", &wire);
    require_failed(&p->responder, pair_take(&p->responder, &wire), EXAM_AUTH,
                   "the peer comes with this party's own key");
    assert_int_equal(p->admit_calls, 0);

    pair_init(p, 1);
    pair_open(p);
    pair_seal(&p->initiator, "x", 1, &wire);
    require_failed(&p->initiator, pair_open_all(&p->initiator, &wire, plain, &n), EXAM_AUTH,
                   why_record);
    pair_seal(&p->responder, "x", 1, &wire);
    require_failed(&p->responder, pair_open_all(&p->responder, &wire, plain, &n), EXAM_AUTH,
                   why_record);
}

/* Two sessions of the same two parties have nothing in common. */
static void test_channel__sessions_do_not_mix(void **state)
{
    static struct wire before;
    struct pair *p = *state;
    uint8_t binding[CHANNEL_BINDING_BYTES], again[CHANNEL_BINDING_BYTES];
    size_t n;

    pair_open(p);
    assert_int_equal(channel_binding(&p->initiator, binding), EXAM_OK);
    pair_seal(&p->initiator, "x", 1, &before);
    pair_begin_initiator(p);
    pair_begin_responder(p);
    pair_open(p);
    assert_int_equal(channel_binding(&p->initiator, again), EXAM_OK);
    assert_memory_not_equal(binding, again, sizeof again);
    require_failed(&p->responder, pair_open_all(&p->responder, &before, plain, &n), EXAM_AUTH,
                   why_record);
}

/* --- keys and counters --- */

static void carry(struct channel *from, struct channel *to, size_t n)
{
    size_t got = 0;

    pair_seal(from, bulk, n, &wire);
    assert_int_equal(pair_open_all(to, &wire, plain, &got), EXAM_OK);
    assert_int_equal(got, n);
}

static void require_in_step(const struct channel_direction *a, const struct channel_direction *b)
{
    assert_memory_equal(a->cipher.key, b->cipher.key, NOISE_KEY_BYTES);
    assert_int_equal(a->cipher.counter, b->cipher.counter);
    assert_int_equal(a->records, b->records);
    assert_int_equal(a->plain_bytes, b->plain_bytes);
}

/* A new key after exactly CHANNEL_REKEY_RECORDS, in one direction alone, and the counter goes on.
 */
static void test_channel__rekeys_after_records(void **state)
{
    struct pair *p = *state;
    uint8_t sent[NOISE_KEY_BYTES], back[NOISE_KEY_BYTES];

    pair_open(p); /* with one record of the initiator */
    memcpy(sent, p->initiator.send.cipher.key, sizeof sent);
    memcpy(back, p->initiator.receive.cipher.key, sizeof back);
    for (unsigned i = 1; i < CHANNEL_REKEY_RECORDS - 1; i++)
        carry(&p->initiator, &p->responder, 1);
    assert_memory_equal(p->initiator.send.cipher.key, sent, sizeof sent);
    carry(&p->initiator, &p->responder, 1);
    assert_memory_not_equal(p->initiator.send.cipher.key, sent, sizeof sent);
    assert_memory_equal(p->initiator.receive.cipher.key, back, sizeof back);
    assert_int_equal(p->initiator.send.cipher.counter, CHANNEL_REKEY_RECORDS);
    assert_int_equal(p->initiator.send.records, 0);
    require_in_step(&p->initiator.send, &p->responder.receive);
    carry(&p->initiator, &p->responder, 1);
    carry(&p->responder, &p->initiator, 1);
}

/* A new key after the record that makes CHANNEL_REKEY_BYTES full, also in the middle of a long
 * piece. */
static void test_channel__rekeys_after_bytes(void **state)
{
    struct pair *p = *state;
    struct channel_direction *d = &p->responder.send;
    uint8_t key[NOISE_KEY_BYTES];

    pair_open(p);
    memcpy(key, d->cipher.key, sizeof key);
    while (CHANNEL_REKEY_BYTES - d->plain_bytes > CHANNEL_PLAIN_BYTES_MAX)
        carry(&p->responder, &p->initiator, CHANNEL_PLAIN_BYTES_MAX);
    carry(&p->responder, &p->initiator, CHANNEL_REKEY_BYTES - d->plain_bytes - 1);
    assert_memory_equal(d->cipher.key, key, sizeof key);
    carry(&p->responder, &p->initiator, 1);
    assert_memory_not_equal(d->cipher.key, key, sizeof key);
    assert_int_equal(d->records + d->plain_bytes, 0);
    require_in_step(d, &p->initiator.receive);

    memcpy(key, d->cipher.key, sizeof key);
    d->plain_bytes = p->initiator.receive.plain_bytes = CHANNEL_REKEY_BYTES - 1;
    carry(&p->responder, &p->initiator, 2 * CHANNEL_PLAIN_BYTES_MAX);
    assert_memory_not_equal(d->cipher.key, key, sizeof key);
    assert_int_equal(d->records, 1);
    assert_int_equal(d->plain_bytes, CHANNEL_PLAIN_BYTES_MAX);
    require_in_step(d, &p->initiator.receive);
}

/* A party that keeps its key over the boundary is not understood any more. */
static void test_channel__refuses_the_key_before(void **state)
{
    struct pair *p = *state;
    struct noise_cipher *c = &p->initiator.send.cipher;
    uint8_t key[NOISE_KEY_BYTES];
    size_t n;

    pair_open(p);
    p->initiator.send.records = p->responder.receive.records = CHANNEL_REKEY_RECORDS - 1;
    memcpy(key, c->key, sizeof key);
    carry(&p->initiator, &p->responder, 1);
    assert_memory_not_equal(c->key, key, sizeof key);
    memcpy(c->key, key, sizeof key);
    pair_seal(&p->initiator, "x", 1, &wire);
    require_failed(&p->responder, pair_open_all(&p->responder, &wire, plain, &n), EXAM_AUTH,
                   why_record);
}

/* The last counter is never used: a channel that gets there ends, at the sender before it writes a
 * part of what does not fit, and at the receiver before it tries. */
static void test_channel__ends_with_its_counter(void **state)
{
    struct pair *p = *state;
    struct channel_out out = {.at = wire.bytes, .bytes_max = sizeof wire.bytes};
    struct channel c;
    size_t n;

    pair_open(p);
    p->initiator.send.cipher.counter = p->responder.receive.cipher.counter = UINT64_MAX - 2;
    carry(&p->initiator, &p->responder, 1);
    c = p->initiator;
    require_failed(&c, channel_seal(&c, bulk, CHANNEL_PLAIN_BYTES_MAX + 1, &out), EXAM_CONN,
                   "the counter of records is at its end");
    assert_int_equal(out.bytes, 0);
    carry(&p->initiator, &p->responder, 1);
    require_failed(&p->initiator, channel_seal(&p->initiator, bulk, 1, &out), EXAM_CONN,
                   "the counter of records is at its end");
    require_failed(&p->responder, channel_open(&p->responder, wire.bytes, 32, plain, &n), EXAM_CONN,
                   "the counter of records is at its end");
}

/* --- secrets --- */

static bool holds(const struct channel *c, const uint8_t secret[NOISE_KEY_BYTES])
{
    return memmem(c, sizeof *c, secret, NOISE_KEY_BYTES) != NULL;
}

/* The ephemeral secret and the chaining key are gone when the handshake is, whoever's they were;
 * the keys of the records are gone when the channel is. */
static void test_channel__wipes_its_secrets(void **state)
{
    struct pair *p = *state;
    struct channel *ends[] = {&p->initiator, &p->responder};
    uint8_t ephemeral[2][NOISE_KEY_BYTES], chaining[NOISE_KEY_BYTES];
    uint64_t before;
    size_t n;

    pair_handshake(p, &p->initiator, "", &wire);
    assert_int_equal(pair_take(&p->responder, &wire), EXAM_OK);
    memcpy(ephemeral[0], p->initiator.handshake.own_ephemeral, NOISE_KEY_BYTES);
    memcpy(chaining, p->initiator.handshake.chaining_key, NOISE_KEY_BYTES);
    assert_true(holds(&p->initiator, ephemeral[0]) && holds(&p->responder, chaining));
    before = p->seed;
    pair_chance(p, ephemeral[1]); /* what the responder is about to get */
    p->seed = before;
    pair_handshake(p, &p->responder, "", &wire);
    assert_int_equal(pair_take(&p->initiator, &wire), EXAM_OK);
    assert_false(holds(&p->initiator, ephemeral[0]) || holds(&p->initiator, chaining));
    assert_false(holds(&p->responder, ephemeral[1]) || holds(&p->responder, chaining));

    pair_seal(&p->initiator, "", 0, &wire);
    assert_int_equal(pair_open_all(&p->responder, &wire, plain, &n), EXAM_OK);
    for (int i = 0; i < 2; i++) {
        assert_null(ends[i]->config.own);
        assert_false(holds(ends[i], p->initiator_key.secret));
        assert_false(holds(ends[i], p->responder_key.secret));
        assert_false(sodium_is_zero(ends[i]->send.cipher.key, NOISE_KEY_BYTES));
        channel_fini(ends[i]);
        assert_string_equal(channel_why(ends[i]), "");
        require_ended(ends[i]);
    }
}

/* Memory of zeros is an ended channel. */
static void test_channel__zeros_are_an_ended_channel(void **state)
{
    static struct channel c;

    (void)state;
    require_ended(&c);
}

static int group_setup(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, pair_setup, pair_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PAIR(test_channel__both_learn_who_the_other_is),
        WITH_PAIR(test_channel__refuses_calls_out_of_turn),
        WITH_PAIR(test_channel__writes_all_or_nothing),
        WITH_PAIR(test_channel__appends_frames),
        WITH_PAIR(test_channel__cuts_long_streams),
        WITH_PAIR(test_channel__carries_100000_messages_both_ways),
        WITH_PAIR(test_channel__asks_before_it_reads_the_payload),
        WITH_PAIR(test_channel__refuses_a_claimed_key),
        WITH_PAIR(test_channel__refuses_the_wrong_responder),
        WITH_PAIR(test_channel__says_which_term_differs),
        WITH_PAIR(test_channel__older_rosters_are_let_in_so_far),
        WITH_PAIR(test_channel__hello_is_no_message_in_clear),
        WITH_PAIR(test_channel__binds_every_term),
        WITH_PAIR(test_channel__refuses_keys_of_low_order),
        WITH_PAIR(test_channel__refuses_every_changed_bit),
        WITH_PAIR(test_channel__refuses_other_lengths),
        WITH_PAIR(test_channel__refuses_what_is_too_long),
        WITH_PAIR(test_channel__replay_comes_to_nothing),
        WITH_PAIR(test_channel__refuses_another_order),
        WITH_PAIR(test_channel__refuses_reflection),
        WITH_PAIR(test_channel__sessions_do_not_mix),
        WITH_PAIR(test_channel__rekeys_after_records),
        WITH_PAIR(test_channel__rekeys_after_bytes),
        WITH_PAIR(test_channel__refuses_the_key_before),
        WITH_PAIR(test_channel__ends_with_its_counter),
        WITH_PAIR(test_channel__wipes_its_secrets),
        cmocka_unit_test(test_channel__zeros_are_an_ended_channel),
    };

    return cmocka_run_group_tests_name("channel", tests, group_setup, NULL);
}
