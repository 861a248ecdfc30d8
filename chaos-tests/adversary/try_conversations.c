/* The administrators' and the nodes' conversations with a seat's key: at every port, of every kind,
 * and as frames inside a seat's good channel. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "attempt.h"
#include "sample.h"

static char *text_of(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* ---------------------------------------------------------------- at a port */

struct place {
    enum port port;
    enum channel_conversation conversation;
};

static const struct place places[] = {
    {PORT_SEAT, CHANNEL_ADMIN},    {PORT_SEAT, CHANNEL_REPLICA},    {PORT_ADMIN, CHANNEL_SEAT},
    {PORT_ADMIN, CHANNEL_ADMIN},   {PORT_ADMIN, CHANNEL_REPLICA},   {PORT_REPLICA, CHANNEL_SEAT},
    {PORT_REPLICA, CHANNEL_ADMIN}, {PORT_REPLICA, CHANNEL_REPLICA},
};

enum {
    SEAT_ADMIN,
    SEAT_REPLICA,
    ADMIN_SEAT,
    ADMIN_ADMIN,
    ADMIN_REPLICA,
    REPLICA_SEAT,
    REPLICA_ADMIN,
    REPLICA_REPLICA
};

/* Of an administrator with a key: Hello, and the node says who it is. */
static bool admin_hello(struct talk *k, const char *who)
{
    Admin__Request q = ADMIN__REQUEST__INIT;
    Admin__Hello m = ADMIN__HELLO__INIT;
    const Admin__Reply *r;
    const uint8_t *payload;
    size_t n;
    m.version = ADMIN_VERSION;
    m.who = text_of(who);
    m.client = text_of("adversary");
    q.id = 1;
    q.kind_case = ADMIN__REQUEST__KIND_HELLO;
    q.hello = &m;
    return wire_say(&k->wire, &q.base) && wire_hear(&k->wire, &payload, &n) == WIRE_OPEN &&
           codec_admin_reply(&k->arena, payload, n, &r, NULL) == EXAM_OK &&
           r->kind_case == ADMIN__REPLY__KIND_WELCOME;
}

/* A node says Hello to whoever has proven to be one. */
static bool replica_hello(struct talk *k)
{
    const Rep__Message *m;
    const uint8_t *payload;
    size_t n;
    return wire_hear(&k->wire, &payload, &n) == WIRE_OPEN &&
           codec_replica_message(&k->arena, payload, n, &m, NULL) == EXAM_OK &&
           m->kind_case == REP__MESSAGE__KIND_HELLO;
}

static void speak_at(struct thief *t, const struct attempt *a, struct finding *f)
{
    const struct place *at = &places[a->arg];
    struct greeting g = thief_greeting(t, a->who, a->node, at->port);
    struct talk *k = &t->talk;
    g.terms.conversation = at->conversation;
    if (!thief_dial(t, a->node, at->port)) {
        found(f, false, "nobody listens");
        return;
    }
    enum wire_state s = wire_greet(&k->wire, &g);
    if (s != WIRE_OPEN) {
        found(f, false, "%s at the hello", wire_state_name(s));
        return;
    }
    bool in = at->conversation == CHANNEL_REPLICA ? replica_hello(k)
                                                  : admin_hello(k, t->key[a->who].name);
    found(f, in, in ? "the node speaks" : "closed behind the hello");
}

/* ---------------------------------------------------------------- inside a seat's channel */

struct count {
    struct thief *thief;
    size_t node;
    const struct conversation *spoken;
    unsigned kinds, closed, refused, other;
};

/* The node may take the bytes for a seat's request; then it refuses it, as nobody has signed in. */
static void frame_try(struct count *c, const ProtobufCMessage *m)
{
    struct talk *k = &c->thief->talk;
    uint32_t id;
    bool refused;
    talk_end(k);
    if (!thief_greet(c->thief, k, WHO_THIEF, c->node)) {
        c->other++;
        return;
    }
    c->kinds++;
    if (!wire_say(&k->wire, m) || talk_hear(k, &id, &refused) == WIRE_CLOSED)
        c->closed++;
    else if (refused)
        c->refused++;
    else
        c->other++;
}

static void kind_try(const struct conversation *spoken, unsigned kind, void *ctx)
{
    static const struct sample_options full = {.list_n = 1};
    struct count *c = ctx;
    if (spoken != c->spoken)
        return;
    sample_reset();
    frame_try(c, sample_make(spoken->rule, kind, &full));
}

static const struct conversation *conversation_of(const char *name)
{
    for (size_t i = 0; i < CONVERSATIONS; i++)
        if (strcmp(conversations[i].name, name) == 0)
            return &conversations[i];
    assert(!"a conversation of sample.h");
    return NULL;
}

static void kinds_inside(struct thief *t, const struct attempt *a, struct finding *f)
{
    struct count c = {
        .thief = t,
        .node = a->node,
        .spoken = conversation_of(a->arg == CHANNEL_ADMIN ? "admin.Request" : "rep.Message")};
    sample_each_kind(kind_try, &c);
    found(f, c.other > 0 || c.kinds == 0, "of %u kinds %u closed, %u refused, %u otherwise",
          c.kinds, c.closed, c.refused, c.other);
}

/* What an administrator would ask for to see or to end the other's sitting. */
static void acts_inside(struct thief *t, const struct attempt *a, struct finding *f)
{
    struct count c = {.thief = t, .node = a->node};
    Admin__Request q = ADMIN__REQUEST__INIT;
    Admin__SittingShow show = ADMIN__SITTING_SHOW__INIT;
    Admin__Receipt receipt = ADMIN__RECEIPT__INIT;
    Admin__Hello hello = ADMIN__HELLO__INIT;
    q.id = 7;
    show.admission_no = receipt.admission_no = t->victim.admission_no;
    hello.version = ADMIN_VERSION;
    hello.who = t->key[WHO_PERSON].name;
    hello.client = text_of("adversary");
    q.kind_case = ADMIN__REQUEST__KIND_HELLO;
    q.hello = &hello;
    frame_try(&c, &q.base);
    q.kind_case = ADMIN__REQUEST__KIND_SITTING_SHOW;
    q.sitting_show = &show;
    frame_try(&c, &q.base);
    q.kind_case = ADMIN__REQUEST__KIND_RECEIPT;
    q.receipt = &receipt;
    frame_try(&c, &q.base);
    found(f, c.other > 0, "of %u kinds %u closed, %u refused, %u otherwise", c.kinds, c.closed,
          c.refused, c.other);
}

#define ANOTHER      "event=channel-refused .*code=refused .*another conversation"
#define NOT_A_PERSON "event=channel-refused .*endpoint=admin-listen .*only that of a person"
#define NOT_A_NODE   "event=channel-refused .*endpoint=replica-listen .*only that of a node"
#define AT(node, place, what, logs)                                                                \
    {                                                                                              \
#place, what, "^closed at the hello", logs, speak_at, 0, node, WHO_THIEF, place            \
    }
#define AT_BOTH(place, what, logs)                                                                 \
    AT(0, place, what " of the first node", logs), AT(1, place, what " of the second node", logs)

static const struct attempt attempts[] = {
    AT_BOTH(SEAT_ADMIN, "opened an administrator's channel at the seats' port", ANOTHER),
    AT_BOTH(SEAT_REPLICA, "opened a node's channel at the seats' port", ANOTHER),
    AT_BOTH(ADMIN_SEAT, "opened a seat's channel at the administrators' port", ANOTHER),
    AT_BOTH(ADMIN_ADMIN, "opened an administrator's channel at their port", NOT_A_PERSON),
    AT_BOTH(ADMIN_REPLICA, "opened a node's channel at the administrators' port", ANOTHER),
    AT_BOTH(REPLICA_SEAT, "opened a seat's channel at the nodes' port", ANOTHER),
    AT_BOTH(REPLICA_ADMIN, "opened an administrator's channel at the nodes' port", ANOTHER),
    AT_BOTH(REPLICA_REPLICA, "opened a node's channel at the nodes' port", NOT_A_NODE),
    {"ADMIN_ADMIN", "an administrator opened a channel there", "^the node speaks", NULL, speak_at,
     ATTEMPT_CONTROL, 0, WHO_PERSON, ADMIN_ADMIN},
    {"REPLICA_REPLICA", "a node opened a channel there", "^the node speaks", NULL, speak_at,
     ATTEMPT_CONTROL, 0, WHO_NODE, REPLICA_REPLICA},
    {"admin-inside", "said every request of an administrator inside its seat's channel",
     "^of [1-9][0-9]* kinds .* 0 otherwise$", "event=seat-frame-refused ", kinds_inside, 0, 0,
     WHO_THIEF, CHANNEL_ADMIN},
    {"replica-inside", "said every message of a node inside its seat's channel",
     "^of [1-9][0-9]* kinds .* 0 otherwise$", "event=seat-frame-refused ", kinds_inside, 0, 1,
     WHO_THIEF, CHANNEL_REPLICA},
    {"acts-inside", "asked for the other's sitting and receipt as an administrator does, there",
     "^of 3 kinds .* 0 otherwise$", NULL, acts_inside, 0, 0, WHO_THIEF, 0},
};

const struct attempt_group group_conversations = {"conversations", attempts,
                                                  sizeof attempts / sizeof *attempts};
