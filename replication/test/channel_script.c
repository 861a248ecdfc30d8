#include "channel_script.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel_pair.h"

enum { INITIATOR, RESPONDER, ENDS, MESSAGES_MAX = 24, MESSAGE_BYTES_MAX = 1200 };

struct message {
    uint8_t bytes[MESSAGE_BYTES_MAX]; /* a frame's payload */
    size_t n;
};

/* What one end wrote, and what of it is still on the way (or what has become of it). */
struct side {
    struct channel *channel;
    struct message written[MESSAGES_MAX];
    uint8_t plain_byte[MESSAGES_MAX]; /* of which a record was full */
    size_t plain_bytes[MESSAGES_MAX];
    size_t written_n;
    size_t taken_n; /* by the other end */
    struct message on_way[MESSAGES_MAX];
    size_t on_way_n;
};

struct play {
    struct pair pair;
    struct side side[ENDS];
    const uint8_t *script;
    size_t n, at;
    struct channel_script_seen *seen;
};

static void require(const struct play *p, bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "script: after %zu bytes: %s\nscript:", p->at, what);
    for (size_t i = 0; i < p->n; i++)
        fprintf(stderr, " %02x", p->script[i]);
    fputc('\n', stderr);
    abort();
}

static size_t next(struct play *p)
{
    return p->at < p->n ? p->script[p->at++] : 0;
}

/* --- beginnings: the handshake is costly, so it is played once and copied --- */

static void begin(struct play *p, int letter)
{
    static struct pair fresh, open;
    static bool made;

    if (!made) {
        pair_init(&fresh, 20141108);
        open = fresh;
        pair_begin_initiator(&open);
        pair_begin_responder(&open);
        pair_open(&open);
        made = true;
    }
    p->pair = letter == 'o' || letter == 'k' ? open : fresh;
    if (letter != 'o' && letter != 'k') { /* they know where the pair is */
        pair_begin_initiator(&p->pair);
        pair_begin_responder(&p->pair);
    }
    p->side[INITIATOR].channel = &p->pair.initiator;
    p->side[RESPONDER].channel = &p->pair.responder;
    for (int i = 0; letter == 'k' && i < ENDS; i++)
        p->side[i].channel->send.records = p->side[i].channel->receive.records =
            CHANNEL_REKEY_RECORDS - 1;
}

/* --- writing --- */

static void wrote(struct play *p, struct side *s, const struct wire *w, uint8_t byte, size_t n)
{
    struct message *m = &s->written[s->written_n];

    require(p, w->n > FRAME_HEADER_BYTES && w->n - FRAME_HEADER_BYTES <= sizeof m->bytes,
            "an expected length");
    m->n = w->n - FRAME_HEADER_BYTES;
    memcpy(m->bytes, w->bytes + FRAME_HEADER_BYTES, m->n);
    s->plain_byte[s->written_n] = byte;
    s->plain_bytes[s->written_n++] = n;
    if (s->on_way_n < MESSAGES_MAX)
        s->on_way[s->on_way_n++] = *m;
}

static void write_handshake(struct play *p, struct side *s)
{
    static struct wire w;

    if (channel_state(s->channel) != CHANNEL_WRITES || s->written_n == MESSAGES_MAX)
        return;
    pair_handshake(&p->pair, s->channel, "payload", &w);
    wrote(p, s, &w, 0, 0);
}

static void write_record(struct play *p, struct side *s, size_t n)
{
    static struct wire w;
    uint8_t plain[3 * UINT8_MAX], byte = (uint8_t)(n + s->written_n);

    if (channel_state(s->channel) != CHANNEL_OPEN || s->written_n == MESSAGES_MAX)
        return;
    memset(plain, byte, n);
    pair_seal(s->channel, plain, n, &w);
    wrote(p, s, &w, byte, n);
    p->seen->rekeyed += s->channel->send.records == 0;
}

/* --- taking --- */

static void require_ended(struct play *p, const struct channel *c)
{
    struct channel copy = *c;

    require(p, c->state == CHANNEL_ENDED && *channel_why(c) != '\0', "it has ended, and says why");
    copy.why = NULL;
    require(p, sodium_is_zero((const uint8_t *)&copy, sizeof copy), "and nothing is left in it");
    p->seen->ended++;
}

static void require_plain(struct play *p, const struct side *from, const uint8_t *plain, size_t n)
{
    require(p, n == from->plain_bytes[from->taken_n], "as many plain bytes as were sealed");
    for (size_t i = 0; i < n; i++)
        require(p, plain[i] == from->plain_byte[from->taken_n], "the plain bytes that were sealed");
}

/* Gives a message to the end `to`. It must be taken if, and only if, it is what the other end wrote
 * next, whatever way it came. */
static void give(struct play *p, struct side *from, struct side *to, const struct message *m)
{
    static uint8_t plain[MESSAGE_BYTES_MAX];
    struct channel *c = to->channel;
    enum channel_state before = channel_state(c);
    const struct message *expected = &from->written[from->taken_n];
    bool right = from->taken_n < from->written_n && m->n == expected->n &&
                 memcmp(m->bytes, expected->bytes, m->n) == 0;
    uint8_t *exact = malloc(m->n > 0 ? m->n : 1); /* so that a sanitizer sees the end of it */
    size_t n = 0;
    exam_err err;

    require(p, exact != NULL, "memory");
    memcpy(exact, m->bytes, m->n);
    err = before == CHANNEL_READS || before == CHANNEL_WRITES
              ? channel_handshake_read(c, exact, m->n)
              : channel_open(c, exact, m->n, plain, &n);
    free(exact);
    if (before == CHANNEL_ENDED) {
        require(p, err == EXAM_CONN && channel_state(c) == CHANNEL_ENDED, "an end is for ever");
    } else if (before == CHANNEL_WRITES) {
        require(p, err == EXAM_STATE && channel_state(c) == before, "it is not the peer's turn");
    } else if (right) {
        require(p, err == EXAM_OK, "what was written is taken");
        if (before != CHANNEL_READS)
            require_plain(p, from, plain, n);
        from->taken_n++;
        p->seen->taken++;
        p->seen->confirmed += before == CHANNEL_UNCONFIRMED;
    } else {
        require(p, err != EXAM_OK, "nothing else is taken");
        require_ended(p, c);
    }
}

/* A responder says who came, and what with, when a record has come, and not before. */
static void require_confirmed_first(struct play *p)
{
    const uint8_t *at;
    size_t n;
    exam_err err = channel_peer(&p->pair.responder, &at);

    require(p, (err == EXAM_OK) == (p->pair.responder.state == CHANNEL_OPEN), "a known peer");
    require(p, channel_peer_payload(&p->pair.responder, &at, &n) == err, "and its payload");
    if (err == EXAM_OK && p->script[0] != 'o' && p->script[0] != 'k')
        require(p, p->side[INITIATOR].taken_n >= 2, "after hello and record");
}

/* --- the way --- */

static struct message taken_off(struct side *s)
{
    struct message m = s->on_way[0];

    s->on_way_n--;
    memmove(s->on_way, s->on_way + 1, s->on_way_n * sizeof s->on_way[0]);
    return m;
}

static void lengthen(struct message *m, size_t n)
{
    if (n > sizeof m->bytes - m->n)
        n = sizeof m->bytes - m->n;
    memset(m->bytes + m->n, 0, n);
    m->n += n;
}

/* What happens to the oldest message of `s` that is on the way. */
static void on_the_way(struct play *p, struct side *s, struct side *other, char letter)
{
    struct message *oldest = s->on_way, m;
    size_t n = letter == 't' || letter == 'l' || letter == 'b' ? next(p) : 0;
    size_t mask = letter == 'b' ? next(p) : 0;

    if (s->on_way_n == 0)
        return;
    if (letter == 'c' || letter == 'm' || letter == 'd') {
        m = taken_off(s);
        if (letter == 'c')
            give(p, s, other, &m);
        if (letter == 'm')
            give(p, other, s, &m);
    } else if (letter == 'r' && s->on_way_n < MESSAGES_MAX) {
        s->on_way[s->on_way_n++] = *oldest;
    } else if (letter == 'x' && s->on_way_n > 1) {
        m = oldest[0];
        oldest[0] = oldest[1];
        oldest[1] = m;
    } else if (letter == 'b' && oldest->n > 0) {
        oldest->bytes[n % oldest->n] ^= (uint8_t)mask;
    } else if (letter == 't' && n < oldest->n) {
        oldest->n = n;
    } else if (letter == 'l') {
        lengthen(oldest, n);
    }
}

static void inject(struct play *p, struct side *to, struct side *from)
{
    struct message m = {.n = next(p)};

    for (size_t i = 0; i < m.n; i++)
        m.bytes[i] = (uint8_t)next(p);
    give(p, from, to, &m);
}

void channel_script_play(const uint8_t *script, size_t n, struct channel_script_seen *seen)
{
    static struct play p;

    memset(&p, 0, sizeof p);
    p.script = script;
    p.n = n < SCRIPT_BYTES_MAX ? n : SCRIPT_BYTES_MAX;
    p.seen = seen;
    begin(&p, (int)next(&p));
    while (p.at < p.n) {
        int byte = (int)next(&p);
        bool capital = byte >= 'A' && byte <= 'Z';
        struct side *s = &p.side[capital ? RESPONDER : INITIATOR];
        struct side *other = &p.side[capital ? INITIATOR : RESPONDER];
        char letter = (char)(capital ? byte - 'A' + 'a' : byte);

        if (letter == 'h')
            write_handshake(&p, s);
        else if (letter == 's')
            write_record(&p, s, 3 * next(&p));
        else if (letter == 'i')
            inject(&p, s, other);
        else
            on_the_way(&p, s, other, letter);
        require_confirmed_first(&p);
    }
    pair_fini(&p.pair);
}
