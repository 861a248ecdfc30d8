#include "rep_core.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- links */

struct contact *rep_contact_find(rep *r, struct rep_link link)
{
    for (size_t i = 0; i < r->contacts_n; i++)
        if (r->contacts[i].link.n == link.n)
            return &r->contacts[i];
    return NULL;
}

void rep_contact_drop(rep *r, struct rep_link link)
{
    struct contact *c = rep_contact_find(r, link);
    if (!c)
        return;
    int peer = c->peer;
    *c = r->contacts[--r->contacts_n];
    if (peer != PEER_NONE && r->peers[peer].link.n == link.n)
        rep_peer_lost(r, &r->peers[peer]);
}

void rep_contact_close(rep *r, struct rep_link link, exam_err code, const char *format, ...)
{
    va_list args;
    struct rep_action *a = rep_act(r, REP_DO_CLOSE);
    a->link = link;
    a->code = code;
    va_start(args, format);
    vsnprintf(a->text, sizeof a->text, format, args);
    va_end(args);
    rep_contact_drop(r, link);
}

/* Tells the other side why, shows it to persons, and closes. */
static void refuse(rep *r, struct rep_link link, struct peer *p, exam_err code, const char *text)
{
    if (p) {
        p->refused = code;
        snprintf(p->text, sizeof p->text, "%s", text);
    }
    rep_send_refused(r, link, code, text);
    rep_contact_close(r, link, code, "%s", text);
}

/* ---------------------------------------------------------------- epochs */

void rep_learn_epoch(rep *r, uint64_t epoch)
{
    if (epoch <= r->known_epoch)
        return;
    r->known_epoch = epoch;
    rep_keep(r);
    if (r->role == REP_ROLE_PRIMARY)
        rep_step_down(r);
    else if (r->source != PEER_NONE && r->peers[r->source].epoch < epoch)
        rep_unfollow(r);
}

bool rep_peer_is_primary(const rep *r, const struct peer *p)
{
    return rep_in_contact(p) && p->role == REP_ROLE_PRIMARY && p->epoch == r->known_epoch;
}

bool rep_table_fits(const struct peer *p)
{
    return p->epochs_n && p->epochs[p->epochs_n - 1].epoch == p->epoch;
}

void rep_look_round(rep *r)
{
    rep_consider_following(r);
    rep_consider_resuming(r);
}

/* What a peer said of itself, in a Hello or a Ping; p->last is set already. */
static void peer_says(rep *r, struct peer *p, uint64_t epoch, enum rep_role role)
{
    uint64_t lsn = p->last.lsn;
    p->role = role;
    p->epoch = epoch;
    p->lsn = lsn;
    int at = (int)(p - r->peers);
    rep_learn_epoch(r, epoch);
    if (role == REP_ROLE_PRIMARY && epoch < r->known_epoch) {
        rep_send_superseded(r, p->link);
    } else if (role == REP_ROLE_PRIMARY) {
        if (r->primary_lsn <= r->last.lsn && lsn > r->last.lsn)
            r->follow_ms = r->now_ms; /* what it has more is on its way from now on */
        if (r->primary != at || r->primary_epoch != epoch || lsn > r->primary_lsn)
            r->primary_lsn = lsn;
        r->primary = at;
        r->primary_epoch = epoch;
        rep_settle_tie(r, p);
    } else if (r->source == at && !r->pulling) {
        rep_unfollow(r);
    }
}

/* ---------------------------------------------------------------- Hello */

static void position_take(struct position *out, const Rep__Position *p)
{
    *out = (struct position){.epoch = p->epoch, .lsn = p->lsn};
    if (p->hash.len == HASH_BYTES)
        memcpy(out->hash, p->hash.data, HASH_BYTES);
}

static bool hello_refused(rep *r, struct rep_link link, struct peer *p, const Rep__Hello *h)
{
    char text[REP_TEXT_BYTES];
    uint8_t site[SITE_ID_BYTES];
    if (h->version != REPLICA_VERSION) {
        snprintf(text, sizeof text, "%s speaks version %u of the conversation, %s version %d",
                 h->node, h->version, r->node, REPLICA_VERSION);
        refuse(r, link, p, EXAM_VERSION, text);
    } else if (!p) {
        snprintf(text, sizeof text, "%s does not know a node %s: check the names of the peers",
                 r->node, h->node);
        refuse(r, link, p, EXAM_REFUSED, text);
    } else if (h->site_id.len && r->last.lsn && r->log.site_id(r->log.ctx, site) &&
               (h->site_id.len != SITE_ID_BYTES || memcmp(h->site_id.data, site, SITE_ID_BYTES))) {
        snprintf(
            text, sizeof text,
            "%s and %s belong to two different sites: empty the data folder of the one that is "
            "to join",
            r->node, p->name);
        refuse(r, link, p, EXAM_OTHER_SITE, text);
    } else {
        return false;
    }
    return true;
}

static const char *dialler(const rep *r, const struct contact *c, const struct peer *p)
{
    return c->dialled ? r->node : p->name;
}

/* Of two links to one peer, both ends must keep the same: the one dialled by the node whose name
 * comes first; of two that the same one dialled, the newer. False: the new one was closed. */
static bool hello_settle_links(rep *r, struct contact *c, struct peer *p)
{
    struct rep_link link = c->link;
    struct contact *old = rep_in_contact(p) ? rep_contact_find(r, p->link) : NULL;
    if (old && old != c) {
        if (strcmp(dialler(r, c, p), dialler(r, old, p)) > 0) {
            rep_contact_close(r, link, EXAM_OK, "there is a link to %s already", p->name);
            return false;
        }
        rep_contact_close(r, old->link, EXAM_OK, "another link to %s takes its place", p->name);
        c = rep_contact_find(r, link);
    }
    c->peer = (int)(p - r->peers);
    p->answered = p->answered && p->link.n == link.n;
    p->link = link;
    return true;
}

static void hello_take(struct peer *p, const Rep__Hello *h)
{
    p->refused = EXAM_OK;
    p->text[0] = '\0';
    p->learning = h->learning;
    p->locked = h->locked;
    position_take(&p->last, h->last);
    p->epochs_n = 0;
    for (size_t i = 0; i < h->n_epochs && i < REP_EPOCHS_TOLD; i++) {
        const Rep__EpochStart *e = h->epochs[i];
        struct rep_epoch *to = &p->epochs[p->epochs_n++];
        to->epoch = e->epoch;
        to->first_lsn = e->first_lsn;
        memcpy(to->first_hash, e->first_hash.data, HASH_BYTES);
    }
}

/* Two nodes began epochs of one number, and this peer's log has the other one (W1, A3): what it did
 * there is to be told from what is done here. */
static bool has_our_number(rep *r, const struct peer *p)
{
    struct rep_epoch own;
    if (r->role != REP_ROLE_PRIMARY || !r->log.epochs(r->log.ctx, &own, 1))
        return false;
    for (size_t i = 0; i < p->epochs_n; i++)
        if (p->epochs[i].epoch == own.epoch)
            return memcmp(p->epochs[i].first_hash, own.first_hash, HASH_BYTES) != 0;
    return false;
}

static void on_hello(rep *r, struct contact *c, const Rep__Hello *h)
{
    struct peer *p = NULL;
    for (size_t i = 0; i < r->peers_n; i++)
        if (!strcmp(r->peers[i].name, h->node))
            p = &r->peers[i];
    if (c->peer != PEER_NONE && p != &r->peers[c->peer]) {
        rep_contact_close(r, c->link, EXAM_MALFORMED, "a link changed its node's name");
        return;
    }
    if (hello_refused(r, c->link, p, h) || !hello_settle_links(r, c, p))
        return;
    p->ever_heard = true;
    p->heard_ms = r->now_ms;
    hello_take(p, h);
    /* It begins anew, or its epoch does: what it was following is over. */
    if (h->role == REP__ROLE__ROLE_PRIMARY && r->source == (int)(p - r->peers))
        rep_unfollow(r);
    peer_says(r, p, h->epoch, (enum rep_role)h->role);
    if (has_our_number(r, p))
        rep_epoch_shared(r, r->known_epoch);
    rep_send_ping(r, p->link);
    rep_look_round(r);
}

/* ---------------------------------------------------------------- the other messages */

static void on_refused(rep *r, struct contact *c, const Rep__Refused *m)
{
    char text[REP_TEXT_BYTES];
    snprintf(text, sizeof text, "%s", m->text);
    if (c->peer == PEER_NONE)
        return; /* it closes the link; our own check of its Hello says why */
    struct peer *p = &r->peers[c->peer];
    exam_err code =
        exam_err_class_of((exam_err)m->code) == EXAM_CLASS_OK ? EXAM_REFUSED : (exam_err)m->code;
    if (r->promoting && r->promote_peer == c->peer) {
        rep_promote_ends(r, code, text);
        return;
    }
    /* Not worth showing: what is different in a moment, and the answer to a question given up. */
    exam_err_class class = exam_err_class_of(code);
    if (class == EXAM_CLASS_RETRY || code == EXAM_STATE)
        return;
    p->refused = code;
    snprintf(p->text, sizeof p->text, "%s", text);
}

/* The epoch that a message carries; 0: none. */
static uint64_t message_epoch(const Rep__Message *m)
{
    switch (m->kind_case) {
    case REP__MESSAGE__KIND_HELLO:
        return m->hello->epoch;
    case REP__MESSAGE__KIND_JOIN:
        return m->join->epoch;
    case REP__MESSAGE__KIND_APPEND:
        return m->append->epoch;
    case REP__MESSAGE__KIND_APPENDED:
        return m->appended->epoch;
    case REP__MESSAGE__KIND_PING:
        return m->ping->epoch;
    case REP__MESSAGE__KIND_SUPERSEDED:
        return m->superseded->epoch;
    case REP__MESSAGE__KIND_HAND_OVER_REQUEST:
        return m->hand_over_request->epoch;
    case REP__MESSAGE__KIND_HAND_OVER:
        return m->hand_over->epoch;
    default:
        return 0;
    }
}

/* D3: what is of an epoch that is over is not taken. The others say how things are, at any time. */
static bool is_weighed(const Rep__Message *m)
{
    return m->kind_case == REP__MESSAGE__KIND_JOIN || m->kind_case == REP__MESSAGE__KIND_APPEND ||
           m->kind_case == REP__MESSAGE__KIND_APPENDED ||
           m->kind_case == REP__MESSAGE__KIND_HAND_OVER_REQUEST ||
           m->kind_case == REP__MESSAGE__KIND_HAND_OVER;
}

static void on_ping(rep *r, struct peer *p, const Rep__Ping *m)
{
    p->last.epoch = m->lsn_epoch;
    p->last.lsn = m->lsn;
    p->learning = m->learning;
    p->locked = m->locked;
    p->answered = true;
    peer_says(r, p, m->epoch, (enum rep_role)m->role);
    if (rep_peer_is_primary(r, p) && !rep_table_fits(p))
        rep_contact_close(r, p->link, EXAM_STALE_EPOCH, "%s serves and has not said since when",
                          p->name);
    rep_look_round(r);
}

static void message_of_peer(rep *r, struct peer *p, const Rep__Message *m)
{
    switch (m->kind_case) {
    case REP__MESSAGE__KIND_JOIN:
        rep_on_join(r, p, m->join);
        break;
    case REP__MESSAGE__KIND_APPEND:
        rep_on_append(r, p, m->append);
        break;
    case REP__MESSAGE__KIND_APPENDED:
        rep_on_appended(r, p, m->appended);
        break;
    case REP__MESSAGE__KIND_PING:
        on_ping(r, p, m->ping);
        break;
    case REP__MESSAGE__KIND_HAND_OVER_REQUEST:
        rep_on_hand_over_request(r, p);
        break;
    case REP__MESSAGE__KIND_HAND_OVER:
        rep_on_hand_over(r, p, m->hand_over);
        break;
    default:
        break; /* of a later version */
    }
}

void rep_message(rep *r, const struct rep_input *in)
{
    const Rep__Message *m = in->message;
    struct contact *c = rep_contact_find(r, in->link);
    if (!c)
        return;
    if (message_epoch(m) > EPOCH_MAX) {
        rep_contact_close(r, c->link, EXAM_MALFORMED, "it names an epoch that cannot be");
        return;
    }
    if (c->peer != PEER_NONE)
        r->peers[c->peer].heard_ms = r->now_ms;
    if (m->kind_case == REP__MESSAGE__KIND_HELLO) {
        on_hello(r, c, m->hello);
    } else if (m->kind_case == REP__MESSAGE__KIND_REFUSED) {
        on_refused(r, c, m->refused);
    } else if (c->peer == PEER_NONE) {
        rep_contact_close(r, c->link, EXAM_MALFORMED, "its first message is no Hello");
    } else if (is_weighed(m) && message_epoch(m) < r->known_epoch) {
        rep_send_superseded(r, c->link);
    } else {
        struct peer *p = &r->peers[c->peer];
        rep_learn_epoch(r, message_epoch(m));
        message_of_peer(r, p, m);
    }
}
