/* Two ends of a tunnel with bytes between them that a test may cut, change, keep and send again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seed.h"
#include "site_keys.h"
#include "tunnel.h"

enum { PAYLOAD_MAX = 3000, WIRE_BYTES = 1 << 20 };

struct wire {
    uint8_t bytes[WIRE_BYTES];
    size_t n;
};

struct side {
    struct tunnel_end end;
    struct tunnel tunnel;
    uint8_t *buf;
    struct wire out;  /* what it has said, in all */
    size_t delivered; /* of that, to the other */
};

struct fixture {
    struct site_keys site;
    struct side near, far; /* near dials */
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    if (f == NULL)
        return -1;
    site_keys_init(&f->site, 3);
    f->near.end = (struct tunnel_end){.keys = f->site.ring[SITE_SEAT],
                                      .conversation = CHANNEL_SEAT,
                                      .peers = KEY_NODE,
                                      .payload_bytes_max = FRAME_BYTES_MAX};
    f->far.end = (struct tunnel_end){.keys = f->site.ring[SITE_NODE_A],
                                     .conversation = CHANNEL_SEAT,
                                     .peers = KEY_SEAT,
                                     .payload_bytes_max = PAYLOAD_MAX};
    *state = f;
    return 0;
}

static void side_end(struct side *s)
{
    if (s->buf != NULL)
        tunnel_fini(&s->tunnel);
    free(s->buf);
    s->buf = NULL;
    s->out.n = s->delivered = 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    side_end(&f->near);
    side_end(&f->far);
    site_keys_fini(&f->site);
    free(f);
    return 0;
}

static exam_err side_begin(struct side *s, bool dials, const char *responder)
{
    side_end(s);
    s->buf = malloc(tunnel_buf_bytes(&s->end, 0));
    assert_non_null(s->buf);
    return tunnel_init(&s->tunnel, &s->end, s->buf, 0, dials, responder);
}

static void side_hello(struct side *s)
{
    struct channel_out out = {.at = s->out.bytes, .bytes_max = WIRE_BYTES, .bytes = s->out.n};

    assert_int_equal(tunnel_begin(&s->tunnel, &out), EXAM_OK);
    s->out.n = out.bytes;
}

static void begin(struct fixture *f)
{
    assert_int_equal(side_begin(&f->near, true, "A"), EXAM_OK);
    assert_int_equal(side_begin(&f->far, false, NULL), EXAM_OK);
    side_hello(&f->near);
}

/* Takes in `n` bytes; the payload of the last frame that came out of them is noted. */
struct taken {
    exam_err err; /* EXAM_AGAIN: all is well */
    size_t frames;
    uint8_t last[FRAME_BYTES_MAX];
    size_t last_bytes;
};

static struct taken taken;

static void take(struct side *to, const uint8_t *bytes, size_t n)
{
    taken.err = EXAM_AGAIN;
    taken.frames = 0;
    while (n > 0 && taken.err == EXAM_AGAIN) {
        struct channel_out out = {.at = to->out.bytes, .bytes_max = WIRE_BYTES, .bytes = to->out.n};
        const uint8_t *payload;
        uint8_t *at;
        size_t room, payload_bytes;
        tunnel_space(&to->tunnel, &at, &room);
        assert_true(room > 0);
        room = room < n ? room : n;
        memcpy(at, bytes, room);
        bytes += room;
        n -= room;
        tunnel_filled(&to->tunnel, room);
        while ((taken.err = tunnel_next(&to->tunnel, &out, &payload, &payload_bytes)) == EXAM_OK) {
            taken.frames++;
            taken.last_bytes = payload_bytes;
            memcpy(taken.last, payload, payload_bytes);
        }
        to->out.n = out.bytes;
    }
}

/* What `from` has said and `to` has not heard, in pieces of `piece` bytes. */
static size_t deliver(struct side *from, struct side *to, size_t piece)
{
    size_t frames = 0;

    do {
        size_t left = from->out.n - from->delivered, n = left < piece ? left : piece;
        take(to, from->out.bytes + from->delivered, n);
        from->delivered += n;
        frames += taken.frames;
    } while (taken.err == EXAM_AGAIN && from->delivered < from->out.n);
    return frames;
}

static void open_both(struct fixture *f)
{
    begin(f);
    assert_int_equal(deliver(&f->near, &f->far, WIRE_BYTES), 0);
    assert_int_equal(deliver(&f->far, &f->near, WIRE_BYTES), 0);
    assert_true(tunnel_is_open(&f->near.tunnel));
    assert_int_equal(deliver(&f->near, &f->far, WIRE_BYTES), 0);
    assert_true(tunnel_is_open(&f->far.tunnel));
}

static void say(struct side *s, size_t payload_bytes)
{
    static uint8_t frame[FRAME_HEADER_BYTES + FRAME_BYTES_MAX];
    struct channel_out out = {.at = s->out.bytes, .bytes_max = WIRE_BYTES, .bytes = s->out.n};

    frame_header_put(frame, payload_bytes);
    memset(frame + FRAME_HEADER_BYTES, (int)payload_bytes % 251, payload_bytes);
    assert_int_equal(tunnel_seal(&s->tunnel, frame, FRAME_HEADER_BYTES + payload_bytes, &out),
                     EXAM_OK);
    assert_int_equal(out.bytes - s->out.n,
                     tunnel_sealed_bytes(&s->tunnel, FRAME_HEADER_BYTES + payload_bytes));
    s->out.n = out.bytes;
}

static void require_last(size_t payload_bytes)
{
    assert_int_equal(taken.last_bytes, payload_bytes);
    for (size_t i = 0; i < payload_bytes; i++)
        assert_int_equal(taken.last[i], payload_bytes % 251);
}

/* ---------------------------------------------------------------- what goes through */

/* Each end learns who the other one is, from its key alone, and not before it is proven. */
static void test_tunnel__tells_who_is_there(void **state)
{
    struct fixture *f = *state;

    begin(f);
    assert_null(tunnel_peer(&f->near.tunnel));
    (void)deliver(&f->near, &f->far, WIRE_BYTES);
    assert_null(tunnel_peer(&f->far.tunnel)); /* the hello may be a replay */
    (void)deliver(&f->far, &f->near, WIRE_BYTES);
    assert_string_equal(tunnel_peer(&f->near.tunnel)->name, "A");
    assert_int_equal(tunnel_peer(&f->near.tunnel)->kind, KEY_NODE);
    (void)deliver(&f->near, &f->far, WIRE_BYTES);
    assert_string_equal(tunnel_peer(&f->far.tunnel)->name, "R01-01");
    assert_int_equal(tunnel_peer(&f->far.tunnel)->kind, KEY_SEAT);
}

/* Frames of every size go through however the bytes are cut on the way, the longest over several
 * records. */
static void test_tunnel__frames_survive_every_cut(void **state)
{
    static const size_t pieces[] = {1, 2, 3, 7, 100, 1460, 65536, WIRE_BYTES};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        begin(f);
        (void)deliver(&f->near, &f->far, pieces[i]);
        (void)deliver(&f->far, &f->near, pieces[i]);
        (void)deliver(&f->near, &f->far, pieces[i]);
        for (size_t n = 1; n <= PAYLOAD_MAX; n = n < 64 ? n + 21 : n * 2 + 1) {
            say(&f->near, n);
            assert_int_equal(deliver(&f->near, &f->far, pieces[i]), 1);
            require_last(n);
        }
        say(&f->near, PAYLOAD_MAX);
        say(&f->near, 1);
        assert_int_equal(deliver(&f->near, &f->far, pieces[i]), 2);
        say(&f->far, FRAME_BYTES_MAX);
        say(&f->far, FRAME_BYTES_MAX - 1);
        assert_int_equal(deliver(&f->far, &f->near, pieces[i]), 2);
        require_last(FRAME_BYTES_MAX - 1);
    }
}

/* Without keys the bytes are those of the frames, and nobody is named. */
static void test_tunnel__plain_is_plain(void **state)
{
    struct fixture *f = *state;

    f->near.end.keys = f->far.end.keys = NULL;
    begin(f);
    assert_int_equal(f->near.out.n, 0);
    assert_true(tunnel_is_open(&f->near.tunnel) && tunnel_is_open(&f->far.tunnel));
    say(&f->near, 200);
    assert_int_equal(f->near.out.n, FRAME_HEADER_BYTES + 200);
    assert_int_equal(deliver(&f->near, &f->far, 17), 1);
    require_last(200);
    assert_null(tunnel_peer(&f->far.tunnel));
}

/* A frame that was put back comes again, then the next one. */
static void test_tunnel__puts_a_frame_back(void **state)
{
    struct fixture *f = *state;

    for (int sealed = 1; sealed >= 0; sealed--) {
        const uint8_t *payload;
        uint8_t *at, reply[TUNNEL_OUT_BYTES_MAX];
        struct channel_out out = {.at = reply, .bytes_max = sizeof reply};
        size_t n, room;
        if (!sealed)
            f->near.end.keys = f->far.end.keys = NULL;
        if (sealed)
            open_both(f);
        else
            begin(f);
        say(&f->near, 10);
        say(&f->near, 20);
        tunnel_space(&f->far.tunnel, &at, &room);
        memcpy(at, f->near.out.bytes + f->near.delivered, f->near.out.n - f->near.delivered);
        tunnel_filled(&f->far.tunnel, f->near.out.n - f->near.delivered);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(tunnel_next(&f->far.tunnel, &out, &payload, &n), EXAM_OK);
            assert_int_equal(n, 10);
            tunnel_put_back(&f->far.tunnel);
        }
        assert_int_equal(tunnel_next(&f->far.tunnel, &out, &payload, &n), EXAM_OK);
        assert_int_equal(tunnel_next(&f->far.tunnel, &out, &payload, &n), EXAM_OK);
        assert_int_equal(n, 20);
        assert_int_equal(tunnel_next(&f->far.tunnel, &out, &payload, &n), EXAM_AGAIN);
    }
}

/* ---------------------------------------------------------------- who stays out */

/* The far end lets nobody in: nothing was said to the near end but the end. */
static void require_kept_out(struct fixture *f, exam_err err, const char *why)
{
    static const uint8_t more[16] = {0, 0, 0, 12};

    (void)deliver(&f->near, &f->far, WIRE_BYTES);
    assert_int_equal(taken.err, err);
    assert_non_null(strstr(tunnel_why(&f->far.tunnel), why));
    assert_int_equal(f->far.out.n, 0);
    assert_null(tunnel_peer(&f->far.tunnel));
    take(&f->far, more, sizeof more);
    assert_int_equal(taken.frames, 0);
    assert_true(taken.err != EXAM_OK && taken.err != EXAM_AGAIN);
}

/* A key that is not in the roster, one that was revoked, one of another kind, one of another site.
 */
static void test_tunnel__keeps_out_who_is_not_listed(void **state)
{
    struct fixture *f = *state;
    struct site_keys other;
    struct key_roster *old;
    struct keyring *holder;
    char *text, why[KEYRING_WHY_BYTES];
    size_t n;

    f->near.end.keys = f->site.ring[SITE_PERSON];
    begin(f);
    require_kept_out(f, EXAM_AUTH, "is of person operator; only that of a seat is let in");

    assert_int_equal(key_roster_format(f->site.roster, &f->site.authority, &text, &n), EXAM_OK);
    assert_int_equal(key_roster_parse(text, n, f->site.authority.authority,
                                      f->site.authority.site_id, &old, why, sizeof why),
                     EXAM_OK);
    assert_int_equal(keyring_new(&f->site.own[SITE_SEAT], old, &holder), EXAM_OK);
    f->near.end.keys = holder; /* it has not heard of its revocation */
    key_roster_next(f->site.roster);
    assert_int_equal(key_roster_revoke(f->site.roster, "R01-01", KEY_SEAT), EXAM_OK);
    begin(f);
    require_kept_out(f, EXAM_AUTH, "of seat R01-01 was revoked by roster 2");
    keyring_free(holder);
    key_roster_free(old);
    free(text);

    site_keys_init(&other, 4);
    f->near.end.keys = other.ring[SITE_SEAT];
    begin(f);
    require_kept_out(f, EXAM_OTHER_SITE, "another site");
    site_keys_fini(&other);

    uint8_t chance[KEY_BYTES] = {9};
    struct key_file stray;
    key_file_make(&stray, "R01-01", KEY_SEAT, f->site.authority.site_id,
                  f->site.authority.authority, chance);
    assert_int_equal(keyring_new(&stray, f->site.roster, &holder), EXAM_OK);
    f->near.end.keys = holder;
    begin(f);
    require_kept_out(f, EXAM_AUTH, "the roster has no key");
    keyring_free(holder);
}

/* Whoever is dialled must have the named node's key, and be listed at all. */
static void test_tunnel__dials_the_named_node_only(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(side_begin(&f->near, true, "C"), EXAM_NOT_FOUND);
    assert_int_equal(side_begin(&f->near, true, NULL), EXAM_NOT_FOUND);
    assert_int_equal(side_begin(&f->near, true, "R01-01"), EXAM_NOT_FOUND);
    begin(f);
    assert_int_equal(side_begin(&f->near, true, "B"), EXAM_OK);
    side_hello(&f->near);
    require_kept_out(f, EXAM_AUTH, "by and for the owners of these keys");
}

/* A plain peer and a sealed one refuse each other's first bytes. */
static void test_tunnel__plain_and_sealed_do_not_mix(void **state)
{
    struct fixture *f = *state;

    f->near.end.keys = NULL;
    begin(f);
    say(&f->near, 300); /* as long as a hello */
    require_kept_out(f, EXAM_MALFORMED, "no channel's hello");
    begin(f);
    say(&f->near, PAYLOAD_MAX);
    require_kept_out(f, EXAM_TOO_BIG, "no channel's hello");
}

/* Everything that one end said in a session, said again to a new one: not a frame comes out. */
static void test_tunnel__replay_comes_to_nothing(void **state)
{
    static struct wire record;
    struct fixture *f = *state;

    open_both(f);
    for (int i = 0; i < 5; i++)
        say(&f->near, 50);
    assert_int_equal(deliver(&f->near, &f->far, WIRE_BYTES), 5);
    record = f->near.out;
    begin(f);
    f->near.out = record;
    assert_int_equal(deliver(&f->near, &f->far, WIRE_BYTES), 0);
    assert_int_equal(taken.err, EXAM_AUTH);
    assert_non_null(strstr(tunnel_why(&f->far.tunnel), "changed, missing, repeated"));
    assert_null(tunnel_peer(&f->far.tunnel));
}

/* An open tunnel's peer may be revoked: that is asked, by its key. */
static void test_tunnel__knows_when_its_peer_is_revoked(void **state)
{
    struct fixture *f = *state;

    open_both(f);
    assert_true(tunnel_peer_is_good(&f->far.tunnel));
    key_roster_next(f->site.roster);
    assert_int_equal(key_roster_revoke(f->site.roster, "R01-01", KEY_SEAT), EXAM_OK);
    assert_false(tunnel_peer_is_good(&f->far.tunnel));
    assert_true(tunnel_peer_is_good(&f->near.tunnel));
}

/* Any byte changed on the way ends it; nothing that was not said comes out. */
static void test_tunnel__changed_bytes_end_it(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = seed_of_run("test_tunnel");

    for (int i = 0; i < 300; i++) {
        open_both(f);
        for (int k = 0; k < 4; k++)
            say(&f->near, 1 + seed_below(&seed, 200));
        size_t at = f->near.delivered + seed_below(&seed, f->near.out.n - f->near.delivered);
        f->near.out.bytes[at] ^= (uint8_t)(1 + seed_below(&seed, 255));
        size_t frames = deliver(&f->near, &f->far, 1 + seed_below(&seed, 400));
        assert_true(frames < 4);
        /* A length that became longer waits for what does not come. */
        assert_true(taken.err == EXAM_AUTH || taken.err == EXAM_TOO_BIG ||
                    taken.err == EXAM_MALFORMED || taken.err == EXAM_AGAIN);
    }
}

/* A record longer than the longest frame is not even buffered. */
static void test_tunnel__bounds_a_record(void **state)
{
    struct fixture *f = *state;

    open_both(f);
    for (int i = 0; i < 2; i++) { /* two frames of half the bound: one record would be too long */
        say(&f->near, PAYLOAD_MAX);
        assert_int_equal(deliver(&f->near, &f->far, WIRE_BYTES), 1);
    }
    say(&f->near, PAYLOAD_MAX + 1);
    assert_int_equal(deliver(&f->near, &f->far, WIRE_BYTES), 0);
    assert_int_equal(taken.err, EXAM_TOO_BIG);
}

#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(test_tunnel__tells_who_is_there),
        WITH_SITE(test_tunnel__frames_survive_every_cut),
        WITH_SITE(test_tunnel__plain_is_plain),
        WITH_SITE(test_tunnel__puts_a_frame_back),
        WITH_SITE(test_tunnel__keeps_out_who_is_not_listed),
        WITH_SITE(test_tunnel__dials_the_named_node_only),
        WITH_SITE(test_tunnel__plain_and_sealed_do_not_mix),
        WITH_SITE(test_tunnel__replay_comes_to_nothing),
        WITH_SITE(test_tunnel__knows_when_its_peer_is_revoked),
        WITH_SITE(test_tunnel__changed_bytes_end_it),
        WITH_SITE(test_tunnel__bounds_a_record),
    };

    return cmocka_run_group_tests_name("tunnel", tests, NULL, NULL);
}
