#include "thief.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

bool candidate_parse(const char *text, struct candidate *out)
{
    const char *colon = strchr(text, ':');
    if (colon == NULL || colon - text >= (ptrdiff_t)sizeof out->admission_no ||
        strlen(colon + 1) >= sizeof out->id_no)
        return false;
    snprintf(out->admission_no, sizeof out->admission_no, "%.*s", (int)(colon - text), text);
    snprintf(out->id_no, sizeof out->id_no, "%s", colon + 1);
    crypto_generichash(out->session, sizeof out->session, (const uint8_t *)out->admission_no,
                       strlen(out->admission_no), NULL, 0);
    return codec_name_ok(out->admission_no) && codec_name_ok(out->id_no);
}

struct greeting thief_greeting(const struct thief *t, enum who who, size_t node, enum port port)
{
    static const enum channel_conversation held[PORTS] = {CHANNEL_SEAT, CHANNEL_ADMIN,
                                                          CHANNEL_REPLICA};
    const struct address *to = &t->node[node][port];
    const struct key_entry *e = key_roster_find_name(t->roster, KEY_NODE, to->node);
    struct greeting g = {
        .to = to,
        .own = t->key[who].pair,
        .terms = {.conversation = held[port], .roster_version = key_roster_version(t->roster)}};
    assert(e != NULL && t->has[who]); /* main has looked */
    memcpy(g.peer, e->public, sizeof g.peer);
    memcpy(g.terms.site_id, key_roster_site(t->roster), SITE_ID_BYTES);
    return g;
}

bool thief_dial(struct thief *t, size_t node, enum port port)
{
    talk_begin(&t->talk);
    return wire_dial(&t->talk.wire, &t->node[node][port], t->patience_ms);
}

bool thief_greet(struct thief *t, struct talk *k, enum who who, size_t node)
{
    const struct greeting g = thief_greeting(t, who, node, PORT_SEAT);
    talk_begin(k);
    if (!wire_dial(&k->wire, g.to, t->patience_ms)) {
        snprintf(k->said, sizeof k->said, "nobody listens");
        return false;
    }
    enum wire_state s = wire_greet(&k->wire, &g);
    if (s != WIRE_OPEN) {
        snprintf(k->said, sizeof k->said, "%s", wire_state_name(s));
        return false;
    }
    return talk_hello(k, t->key[who].name, 0);
}

bool thief_sign_in(struct thief *t, struct talk *k, enum who who, const struct candidate *c)
{
    return thief_greet(t, k, who, 0) && talk_sign_in(k, c->admission_no, c->id_no, c->session);
}
