#include "rep_core.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct rep_action *rep_act(rep *r, enum rep_action_kind kind)
{
    /* A step asks for a few actions a peer: more in the queue is the shell not carrying them out.
     */
    assert(r->actions_n < ACTIONS_MAX);
    struct rep_action *a = &r->actions[(r->actions_head + r->actions_n++) % ACTIONS_MAX];
    memset(a, 0, offsetof(struct rep_action, text));
    a->text[0] = '\0';
    a->rule = "";
    a->kind = kind;
    return a;
}

static bool ends_something(enum rep_action_kind kind)
{
    return kind == REP_DO_STEP_DOWN || kind == REP_DO_CLOSE || kind == REP_DO_REPLY;
}

void rep_actions_drop(rep *r)
{
    size_t kept = r->action_out;
    for (size_t i = kept; i < r->actions_n; i++) {
        const struct rep_action *a = &r->actions[(r->actions_head + i) % ACTIONS_MAX];
        if (ends_something(a->kind))
            r->actions[(r->actions_head + kept++) % ACTIONS_MAX] = *a;
    }
    r->actions_n = kept;
}

void rep_keep(rep *r)
{
    struct rep_action *a = rep_act(r, REP_DO_KEEP);
    a->epoch = r->known_epoch;
    a->learning = r->learning;
}

static struct rep_outgoing *send_act(rep *r, struct rep_link link, Rep__Message__KindCase kind)
{
    struct rep_action *a = rep_act(r, REP_DO_SEND);
    a->link = link;
    a->message = &a->out.message;
    rep__message__init(&a->out.message);
    a->out.message.kind_case = kind;
    return &a->out;
}

static Rep__Position *outgoing_position(struct rep_outgoing *o, const struct position *p)
{
    rep__position__init(&o->position);
    memcpy(o->hash, p->hash, HASH_BYTES);
    o->position.epoch = p->epoch;
    o->position.lsn = p->lsn;
    o->position.hash = (ProtobufCBinaryData){.data = o->hash, .len = HASH_BYTES};
    return &o->position;
}

/* What is left to be said when a node has failed is that it does not serve. */
static Rep__Role told_role(const rep *r)
{
    return (Rep__Role)(r->role == REP_ROLE_FAILED ? REP_ROLE_FENCED : r->role);
}

/* ---------------------------------------------------------------- Hello */

void rep_send_hello(rep *r, struct rep_link link)
{
    struct rep_outgoing *o = send_act(r, link, REP__MESSAGE__KIND_HELLO);
    o->message.hello = &o->as.hello;
}

void rep_send_hello_all(rep *r)
{
    /* Links without a Hello of their own, too: one of them may take another's place. */
    for (size_t i = 0; i < r->contacts_n; i++)
        rep_send_hello(r, r->contacts[i].link);
}

static size_t hello_fill_epochs(rep *r, uint64_t lsn_last)
{
    size_t told = 0, n = r->log.epochs(r->log.ctx, r->hello_table, REP_EPOCHS_TOLD);
    assert(n <= REP_EPOCHS_TOLD);
    for (size_t i = 0; i < n; i++) {
        struct rep_epoch *from = &r->hello_table[i];
        if (from->first_lsn > lsn_last)
            continue; /* not durable yet: not a standby's to tell */
        Rep__EpochStart *e = &r->hello_epochs[told];
        rep__epoch_start__init(e);
        e->epoch = from->epoch;
        e->first_lsn = from->first_lsn;
        e->first_hash = (ProtobufCBinaryData){.data = from->first_hash, .len = HASH_BYTES};
        r->hello_epochs_at[told++] = e;
    }
    return told;
}

void rep_fill_hello(rep *r, struct rep_action *a)
{
    Rep__Hello *h = &a->out.as.hello;
    /* What a primary has in memory is durable soon, or the primary is gone. */
    const struct position *last = r->role == REP_ROLE_PRIMARY ? &r->last : &r->durable;
    rep__hello__init(h);
    h->version = REPLICA_VERSION;
    h->node = r->node;
    h->epoch = r->known_epoch;
    h->role = told_role(r);
    h->last = outgoing_position(&a->out, last);
    if (last->lsn && r->log.site_id(r->log.ctx, r->hello_site))
        h->site_id = (ProtobufCBinaryData){.data = r->hello_site, .len = SITE_ID_BYTES};
    h->n_epochs = hello_fill_epochs(r, last->lsn);
    h->epochs = r->hello_epochs_at;
    h->learning = r->learning;
    h->locked = r->locked;
}

/* ---------------------------------------------------------------- the others */

void rep_send_ping(rep *r, struct rep_link link)
{
    struct rep_outgoing *o = send_act(r, link, REP__MESSAGE__KIND_PING);
    rep__ping__init(&o->as.ping);
    o->as.ping.epoch = r->known_epoch;
    o->as.ping.role = told_role(r);
    o->as.ping.lsn = r->durable.lsn;
    o->as.ping.lsn_epoch = r->durable.epoch;
    o->as.ping.learning = r->learning;
    o->as.ping.locked = r->locked;
    o->message.ping = &o->as.ping;
}

void rep_send_join(rep *r, struct rep_link link, const struct position *common)
{
    struct rep_outgoing *o = send_act(r, link, REP__MESSAGE__KIND_JOIN);
    rep__join__init(&o->as.join);
    o->as.join.epoch = r->known_epoch;
    o->as.join.common = outgoing_position(o, common);
    o->as.join.learning = r->learning;
    o->message.join = &o->as.join;
}

void rep_send_appended(rep *r, struct rep_link link)
{
    struct rep_outgoing *o = send_act(r, link, REP__MESSAGE__KIND_APPENDED);
    rep__appended__init(&o->as.appended);
    memcpy(o->hash, r->durable.hash, HASH_BYTES);
    o->as.appended.epoch = r->known_epoch;
    o->as.appended.lsn = r->durable.lsn;
    o->as.appended.learning = r->learning;
    o->as.appended.hash = (ProtobufCBinaryData){.data = o->hash, .len = HASH_BYTES};
    o->message.appended = &o->as.appended;
}

void rep_send_superseded(rep *r, struct rep_link link)
{
    struct rep_outgoing *o = send_act(r, link, REP__MESSAGE__KIND_SUPERSEDED);
    rep__superseded__init(&o->as.superseded);
    o->as.superseded.epoch = r->known_epoch;
    o->message.superseded = &o->as.superseded;
}

void rep_send_hand_over_request(rep *r, struct rep_link link)
{
    struct rep_outgoing *o = send_act(r, link, REP__MESSAGE__KIND_HAND_OVER_REQUEST);
    rep__hand_over_request__init(&o->as.hand_over_request);
    o->as.hand_over_request.epoch = r->known_epoch;
    o->message.hand_over_request = &o->as.hand_over_request;
}

void rep_send_hand_over(rep *r, struct rep_link link)
{
    struct rep_outgoing *o = send_act(r, link, REP__MESSAGE__KIND_HAND_OVER);
    rep__hand_over__init(&o->as.hand_over);
    o->as.hand_over.epoch = r->known_epoch;
    o->as.hand_over.at = outgoing_position(o, &r->last);
    o->message.hand_over = &o->as.hand_over;
}

void rep_send_refused(rep *r, struct rep_link link, exam_err code, const char *text)
{
    struct rep_outgoing *o = send_act(r, link, REP__MESSAGE__KIND_REFUSED);
    struct rep_action *a = &r->actions[(r->actions_head + r->actions_n - 1) % ACTIONS_MAX];
    snprintf(a->text, sizeof a->text, "%s", text);
    a->code = code;
    rep__refused__init(&o->as.refused);
    o->as.refused.code = code;
    o->as.refused.text = a->text;
    o->as.refused.epoch = r->known_epoch;
    o->message.refused = &o->as.refused;
}

void rep_reply(rep *r, uint64_t token, exam_err code, const char *rule, const char *format, ...)
{
    va_list args;
    struct rep_action *a = rep_act(r, REP_DO_REPLY);
    a->token = token;
    a->code = code;
    a->rule = rule;
    va_start(args, format);
    vsnprintf(a->text, sizeof a->text, format, args);
    va_end(args);
}

/* ---------------------------------------------------------------- handing out */

const struct rep_action *rep_next_action(rep *r)
{
    if (r->action_out) {
        r->actions_head = (r->actions_head + 1) % ACTIONS_MAX;
        r->actions_n--;
        r->action_out = false;
    }
    if (!r->actions_n)
        return NULL;
    struct rep_action *a = &r->actions[r->actions_head];
    r->action_out = true;
    if (a->kind == REP_DO_SEND && a->out.message.kind_case == REP__MESSAGE__KIND_HELLO)
        rep_fill_hello(r, a);
    return a;
}
