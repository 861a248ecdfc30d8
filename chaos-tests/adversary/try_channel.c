/* The channel itself (channel.h): keys that are named and not had, terms that are changed, frames
 * that are changed, repeated, left out, exchanged and sent back. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "attempt.h"

enum { TERMS_AT = FRAME_HEADER_BYTES, NOISE_AT = TERMS_AT + CHANNEL_TERMS_BYTES };

/* What a greeting comes to: the node speaks to whom it has let in, and closes on all others. */
static void greet(struct thief *t, struct finding *f, const struct greeting *g)
{
    struct talk *k = &t->talk;
    talk_begin(k);
    if (!wire_dial(&k->wire, g->to, t->patience_ms)) {
        found(f, false, "nobody listens");
        return;
    }
    enum wire_state s = wire_greet(&k->wire, g);
    bool in = s == WIRE_OPEN && talk_hello(k, t->key[WHO_THIEF].name, 0);
    found(f, in, "%s", s == WIRE_OPEN ? k->said : wire_state_name(s));
}

/* ---------------------------------------------------------------- keys */

enum { KEY_OF_OTHER_SEAT = 1, KEY_OF_PERSON, KEY_OF_NODE, KEY_OF_NOBODY, KEY_ZERO, KEY_OF_ITSELF };

static void named_key(struct thief *t, const struct attempt *a, struct finding *f)
{
    static const enum port at[] = {
        [KEY_OF_OTHER_SEAT] = PORT_SEAT, [KEY_OF_PERSON] = PORT_ADMIN, [KEY_OF_NODE] = PORT_REPLICA,
        [KEY_OF_NOBODY] = PORT_SEAT,     [KEY_ZERO] = PORT_SEAT,       [KEY_OF_ITSELF] = PORT_SEAT};
    static const enum who whose[] = {
        [KEY_OF_OTHER_SEAT] = WHO_OWNER, [KEY_OF_PERSON] = WHO_PERSON, [KEY_OF_NODE] = WHO_NODE};
    struct greeting g = thief_greeting(t, WHO_THIEF, a->node, at[a->arg]);
    uint8_t chance[KEY_BYTES];
    randombytes_buf(chance, sizeof chance);
    if (a->arg == KEY_OF_NOBODY)
        noise_key_pair_of(chance, &g.own);
    else if (a->arg == KEY_ZERO)
        memset(g.own.public, 0, sizeof g.own.public);
    else if (a->arg == KEY_OF_ITSELF)
        memcpy(g.own.public, g.peer, sizeof g.own.public);
    else
        memcpy(g.own.public, t->key[whose[a->arg]].pair.public, sizeof g.own.public);
    greet(t, f, &g);
}

/* ---------------------------------------------------------------- terms */

enum { TERMS_TRUE, TERMS_SITE, TERMS_ROSTER_NEXT, TERMS_ROSTER_LAST, TERMS_ROSTER_NONE };

/* Said and sealed alike: the thief's own doing. */
static void other_terms(struct thief *t, const struct attempt *a, struct finding *f)
{
    struct greeting g = thief_greeting(t, WHO_THIEF, a->node, PORT_SEAT);
    if (a->arg == TERMS_SITE)
        g.terms.site_id[3] ^= 1;
    else if (a->arg == TERMS_ROSTER_NEXT)
        g.terms.roster_version++;
    else if (a->arg == TERMS_ROSTER_LAST)
        g.terms.roster_version = UINT64_MAX;
    else if (a->arg == TERMS_ROSTER_NONE)
        g.terms.roster_version = 0;
    greet(t, f, &g);
}

/* Changed on the way: each byte of the hello by itself. */
static void spoiled(struct thief *t, const struct attempt *a, struct finding *f)
{
    bool terms = a->arg == 0;
    size_t from = terms ? TERMS_AT : NOISE_AT;
    size_t to = terms ? NOISE_AT : NOISE_AT + NOISE_HELLO_BYTES;
    unsigned closed = 0, in = 0;
    for (size_t i = from; i < to; i++) {
        struct greeting g = thief_greeting(t, WHO_THIEF, a->node, PORT_SEAT);
        struct finding one;
        g.spoil_at = i;
        greet(t, &one, &g);
        talk_end(&t->talk);
        in += one.got_in;
        closed += !one.got_in && strcmp(one.happened, "closed") == 0;
    }
    found(f, in > 0, "of %zu bytes %u closed, %u let in", to - from, closed, in);
}

/* ---------------------------------------------------------------- frames */

static size_t beat_frame(uint8_t *out, size_t room)
{
    Seat__Request q = SEAT__REQUEST__INIT;
    Seat__Heartbeat m = SEAT__HEARTBEAT__INIT;
    size_t n = 0;
    q.id = 1;
    q.kind_case = SEAT__REQUEST__KIND_HEARTBEAT;
    q.heartbeat = &m;
    return codec_frame_pack(&q.base, out, room, &n) == EXAM_OK ? n : 0;
}

/* A node that took what was said has not closed. */
static void found_end(struct finding *f, enum wire_state s)
{
    found(f, s != WIRE_CLOSED, "%s", wire_state_name(s));
}

static void without_channel(struct thief *t, const struct attempt *a, struct finding *f)
{
    uint8_t frame[256];
    size_t n = beat_frame(frame, sizeof frame);
    struct wire *w = &t->talk.wire;
    bool said = thief_dial(t, a->node, (enum port)a->arg) && wire_send(w, frame, n);
    found_end(f, said ? wire_frame(w) : WIRE_SILENT);
}

enum {
    RECORDS_GOOD,
    RECORD_TWICE,
    RECORD_LEFT_OUT,
    RECORDS_EXCHANGED,
    RECORD_CHANGED,
    RECORD_OF_OTHER_CHANNEL,
};

struct record {
    uint8_t bytes[512];
    size_t n;
};

static struct record record_make(struct wire *w)
{
    struct record r;
    uint8_t frame[256];
    r.n = wire_seal(w, frame, beat_frame(frame, sizeof frame), r.bytes, sizeof r.bytes);
    return r;
}

/* Of two heartbeats of nobody, to each of which a node answers that nobody has signed in. */
static unsigned answers_to(struct talk *k, const struct record *first, const struct record *second)
{
    unsigned n = 0;
    uint32_t id;
    bool refused;
    if (!wire_send(&k->wire, first->bytes, first->n) ||
        (second != NULL && !wire_send(&k->wire, second->bytes, second->n)))
        return 0;
    while (n < 2 && talk_hear(k, &id, &refused) == WIRE_OPEN)
        n++;
    return n;
}

/* Two good records, and what becomes of them on the way. */
static void records(struct thief *t, const struct attempt *a, struct finding *f)
{
    bool other = a->arg == RECORD_OF_OTHER_CHANNEL;
    if (!thief_greet(t, &t->talk, WHO_THIEF, a->node) ||
        (other && !thief_greet(t, &t->other, WHO_THIEF, a->node)))
        return;
    struct wire *from = other ? &t->other.wire : &t->talk.wire;
    struct record one = record_make(from), two = record_make(from);
    unsigned n;
    if (a->arg == RECORD_CHANGED)
        two.bytes[FRAME_HEADER_BYTES + 5] ^= 1;
    if (a->arg == RECORD_TWICE)
        n = answers_to(&t->talk, &one, &one);
    else if (a->arg == RECORD_LEFT_OUT)
        n = answers_to(&t->talk, &two, NULL);
    else if (a->arg == RECORDS_EXCHANGED)
        n = answers_to(&t->talk, &two, &one);
    else
        n = answers_to(&t->talk, &one, &two);
    found(f, n == 2, "%u taken, then %s", n, n == 2 ? "open" : t->talk.said);
}

enum { REFLECT_REPLY_AS_RECORD, REFLECT_REPLY_AS_HELLO, REFLECT_RECORD };

/* The node's own frames, sent back to it. */
static void reflect(struct thief *t, const struct attempt *a, struct finding *f)
{
    const struct greeting g = thief_greeting(t, WHO_THIEF, 0, PORT_SEAT);
    struct wire *w = &t->talk.wire;
    bool came;
    if (a->arg == REFLECT_RECORD)
        came = thief_greet(t, &t->talk, WHO_THIEF, 0);
    else
        came = thief_dial(t, 0, PORT_SEAT) && wire_hello(w, &g) == WIRE_OPEN;
    struct wire *to = w;
    if (came && a->arg == REFLECT_REPLY_AS_HELLO) {
        to = &t->other.wire;
        talk_begin(&t->other);
        came = wire_dial(to, &t->node[a->node][PORT_SEAT], t->patience_ms);
    }
    bool said = came && wire_send(to, w->came, w->came_bytes);
    found_end(f, said ? wire_ended(to) : WIRE_SILENT);
}

enum { FRAME_EMPTY = 1, FRAME_ENDLESS, FRAME_NONSENSE };

static void bad_frame(struct thief *t, const struct attempt *a, struct finding *f)
{
    uint8_t plain[64] = {0}, sealed[128];
    struct wire *w = &t->talk.wire;
    if (!thief_greet(t, &t->talk, WHO_THIEF, a->node))
        return;
    if (a->arg == FRAME_ENDLESS)
        memset(plain, 0xff, sizeof plain);
    if (a->arg == FRAME_NONSENSE) {
        memset(plain, 0xff, sizeof plain);
        frame_header_put(plain, sizeof plain - FRAME_HEADER_BYTES);
    }
    size_t n = wire_seal(w, plain, sizeof plain, sealed, sizeof sealed);
    found_end(f, wire_send(w, sealed, n) ? wire_ended(w) : WIRE_CLOSED);
}

#define REFUSED(code) "event=channel-refused .*code=" code " "
#define REPEATED      REFUSED("auth") ".*changed, missing, repeated"
#define NOT_SEALED    REFUSED("auth") ".*not sealed by and for"

static const struct attempt attempts[] = {
    {"terms", "opened its own seat's channel", "^welcome ", NULL, other_terms, ATTEMPT_CONTROL, 0,
     WHO_THIEF, TERMS_TRUE},
    {"other-seats-key", "named the other seat's public key as its own", "^closed", NOT_SEALED,
     named_key, 0, 0, WHO_THIEF, KEY_OF_OTHER_SEAT},
    {"persons-key", "named an administrator's public key at their port", "^closed", NOT_SEALED,
     named_key, 0, 0, WHO_THIEF, KEY_OF_PERSON},
    {"nodes-key", "named a node's public key at the nodes' port", "^closed", NOT_SEALED, named_key,
     0, 0, WHO_THIEF, KEY_OF_NODE},
    {"nobodys-key", "came with a key that the roster does not have", "^closed",
     REFUSED("auth") ".*the roster has no key", named_key, 0, 1, WHO_THIEF, KEY_OF_NOBODY},
    {"zero-key", "came with a public key of zeros", "^closed", "event=channel-refused ", named_key,
     0, 0, WHO_THIEF, KEY_ZERO},
    {"nodes-own-key", "named the node's own public key", "^closed", REFUSED("auth") ".*own key",
     named_key, 0, 1, WHO_THIEF, KEY_OF_ITSELF},
    {"other-site", "said the name of another site", "^closed", REFUSED("other-site"), other_terms,
     0, 1, WHO_THIEF, TERMS_SITE},
    {"next-roster", "said that it has the roster after this one", "^closed",
     REFUSED("version") ".*newer roster", other_terms, 0, 1, WHO_THIEF, TERMS_ROSTER_NEXT},
    {"last-roster", "said that it has the highest roster there can be", "^closed",
     REFUSED("version") ".*newer roster", other_terms, 0, 1, WHO_THIEF, TERMS_ROSTER_LAST},
    {"no-roster", "said that it has roster 0", "^closed", REFUSED("version") ".*older roster",
     other_terms, 0, 0, WHO_THIEF, TERMS_ROSTER_NONE},
    {"reply-as-record", "sent the node's reply back as its own first record", "^closed", REPEATED,
     reflect, 0, 0, WHO_THIEF, REFLECT_REPLY_AS_RECORD},
    {"reply-as-hello", "sent the node's reply to it as a hello", "^closed",
     REFUSED("(malformed|too-big)"), reflect, 0, 0, WHO_THIEF, REFLECT_REPLY_AS_HELLO},
    {"reply-as-hello-standby", "sent the node's reply to the other node as a hello", "^closed",
     REFUSED("(malformed|too-big)"), reflect, 0, 1, WHO_THIEF, REFLECT_REPLY_AS_HELLO},
    {"record-back", "sent the node's record back", "^closed", REPEATED, reflect, 0, 0, WHO_THIEF,
     REFLECT_RECORD},
    {"records", "sent two records", "^2 taken", NULL, records, ATTEMPT_CONTROL, 0, WHO_THIEF,
     RECORDS_GOOD},
    {"record-twice", "sent its own record twice", "^1 taken, then closed", NULL, records, 0, 0,
     WHO_THIEF, RECORD_TWICE},
    {"record-left-out", "left out a record", "^0 taken, then closed", REPEATED, records, 0, 1,
     WHO_THIEF, RECORD_LEFT_OUT},
    {"record-of-other", "sent records of one of its channels in another one",
     "^0 taken, then closed", REPEATED, records, 0, 1, WHO_THIEF, RECORD_OF_OTHER_CHANNEL},
    {"records-exchanged", "sent its second record before the first", "^0 taken, then closed", NULL,
     records, 0, 1, WHO_THIEF, RECORDS_EXCHANGED},
    {"record-changed", "changed a byte of its second record", "^1 taken, then closed", NULL,
     records, 0, 1, WHO_THIEF, RECORD_CHANGED},
    {"plain-seat", "said something without a channel", "^closed", REFUSED("malformed"),
     without_channel, 0, 0, WHO_THIEF, PORT_SEAT},
    {"plain-admin", "said something without a channel at the administrators' port", "^closed",
     REFUSED("malformed"), without_channel, 0, 0, WHO_THIEF, PORT_ADMIN},
    {"plain-replica", "said something without a channel at the nodes' port", "^closed",
     REFUSED("malformed"), without_channel, 0, 0, WHO_THIEF, PORT_REPLICA},
    {"empty-frame", "sent a frame of no bytes inside its channel", "^closed", NULL, bad_frame, 0, 0,
     WHO_THIEF, FRAME_EMPTY},
    {"endless-frame", "sent the beginning of a frame of 4 GiB", "^closed", NULL, bad_frame, 0, 0,
     WHO_THIEF, FRAME_ENDLESS},
    {"nonsense", "sent a frame that is no message", "^closed", "event=seat-frame-refused ",
     bad_frame, 0, 1, WHO_THIEF, FRAME_NONSENSE},
    {"terms-on-the-way", "changed each byte of its terms on the way, by itself",
     "^of 32 bytes 32 closed, 0 let in$", NULL, spoiled, 0, 0, WHO_THIEF, 0},
    {"hello-on-the-way", "changed each byte of its hello on the way, by itself",
     "^of 96 bytes 96 closed, 0 let in$", NULL, spoiled, 0, 0, WHO_THIEF, 1},
};

const struct attempt_group group_channel = {"channel", attempts,
                                            sizeof attempts / sizeof *attempts};
