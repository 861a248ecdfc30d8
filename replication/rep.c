#include "rep_core.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SOLO_AFTER_MS_DEFAULT = 2000,
    PING_EVERY_MS_DEFAULT = 200,
    PEER_TIMEOUT_MS_DEFAULT = 1500,
    WINDOW_BYTES_DEFAULT = 4 << 20,
};

/* ---------------------------------------------------------------- beginning, end */

static bool name_fits(const char *name)
{
    size_t n = strlen(name);
    return n >= 1 && n <= NAME_BYTES_MAX;
}

static exam_err take_names(rep *r, const struct rep_config *c)
{
    if (!name_fits(c->node) || c->peers_n >= NODES_MAX)
        return EXAM_INVALID;
    snprintf(r->node, sizeof r->node, "%s", c->node);
    for (size_t i = 0; i < c->peers_n; i++) {
        if (!name_fits(c->peers[i]) || !strcmp(c->peers[i], c->node))
            return EXAM_INVALID;
        for (size_t j = 0; j < i; j++)
            if (!strcmp(c->peers[i], c->peers[j]))
                return EXAM_INVALID;
        snprintf(r->peers[i].name, sizeof r->peers[i].name, "%s", c->peers[i]);
    }
    r->peers_n = c->peers_n;
    return EXAM_OK;
}

static void take_figures(rep *r, const struct rep_config *c)
{
    r->config = (struct rep_config){
        .solo_after_ms = c->solo_after_ms ? c->solo_after_ms : SOLO_AFTER_MS_DEFAULT,
        .ping_every_ms = c->ping_every_ms ? c->ping_every_ms : PING_EVERY_MS_DEFAULT,
        .peer_timeout_ms = c->peer_timeout_ms ? c->peer_timeout_ms : PEER_TIMEOUT_MS_DEFAULT,
        .window_bytes = c->window_bytes ? c->window_bytes : WINDOW_BYTES_DEFAULT,
    };
}

exam_err rep_new(const struct rep_config *config, const struct rep_start *start,
                 const struct rep_log *log, uint64_t now_ms, rep **out)
{
    rep *r = calloc(1, sizeof *r);
    if (!r)
        return EXAM_NOMEM;
    exam_err err = take_names(r, config);
    if (err) {
        free(r);
        return err;
    }
    take_figures(r, config);
    r->log = *log;
    r->now_ms = now_ms;
    r->last = r->durable = start->last;
    r->known_epoch = rep_log_epoch(r);
    if (start->known_epoch > r->known_epoch)
        r->known_epoch = start->known_epoch;
    r->role = start->last.lsn ? REP_ROLE_STANDBY : REP_ROLE_EMPTY;
    r->learning = !start->last.lsn || start->learning;
    r->may_resume = start->last.lsn && start->served_last && !r->learning;
    r->locked = start->locked;
    r->ping_ms = now_ms;
    r->heir = r->source = r->primary = r->lost = r->promote_peer = PEER_NONE;
    *out = r;
    return EXAM_OK;
}

void rep_free(rep *r)
{
    free(r);
}

/* ---------------------------------------------------------------- the clock */

static void tick_contacts(rep *r)
{
    uint64_t timeout_ms = r->config.peer_timeout_ms;
    for (size_t i = r->contacts_n; i-- > 0;) {
        struct contact c = r->contacts[i];
        if (c.peer == PEER_NONE) {
            if (r->now_ms >= c.opened_ms + timeout_ms)
                rep_contact_close(r, c.link, EXAM_TIMEOUT, "said no Hello");
            continue;
        }
        struct peer *p = &r->peers[c.peer];
        if (r->now_ms >= p->heard_ms + timeout_ms)
            rep_contact_close(r, c.link, EXAM_TIMEOUT, "nothing heard of %s for %llu ms", p->name,
                              (unsigned long long)(r->now_ms - p->heard_ms));
    }
}

static void tick_pings(rep *r)
{
    if (r->now_ms < r->ping_ms)
        return;
    r->ping_ms = r->now_ms + r->config.ping_every_ms;
    for (size_t i = 0; i < r->peers_n; i++)
        if (rep_in_contact(&r->peers[i]))
            rep_send_ping(r, r->peers[i].link);
}

static void tick(rep *r)
{
    tick_contacts(r);
    tick_pings(r);
    rep_primary_tick(r);
    rep_standby_tick(r);
    rep_promote_tick(r);
    rep_look_round(r);
}

/* ---------------------------------------------------------------- the step */

static void link_opened(rep *r, struct rep_link link, bool dialled)
{
    assert(!rep_link_none(link) && !rep_contact_find(r, link));
    if (r->contacts_n == REP_LINKS_MAX) {
        struct rep_action *a = rep_act(r, REP_DO_CLOSE);
        a->link = link;
        a->code = EXAM_AGAIN;
        snprintf(a->text, sizeof a->text, "more than %d links between nodes", REP_LINKS_MAX);
        return;
    }
    r->contacts[r->contacts_n++] = (struct contact){
        .link = link, .dialled = dialled, .opened_ms = r->now_ms, .peer = PEER_NONE};
    rep_send_hello(r, link);
}

static void sent(rep *r, const struct rep_input *in)
{
    struct contact *c = rep_contact_find(r, in->link);
    if (c && c->peer != PEER_NONE)
        rep_sent(r, &r->peers[c->peer], in->position.lsn, in->bytes);
}

static void appended(rep *r, const struct position *last)
{
    assert(last->lsn >= r->last.lsn);
    r->last = *last;
    if (r->role == REP_ROLE_PRIMARY)
        rep_primary_appended(r);
    else
        rep_standby_appended(r);
}

static void durable(rep *r, const struct position *last)
{
    assert(last->lsn >= r->durable.lsn && last->lsn <= r->last.lsn);
    r->durable = *last;
    if (r->role == REP_ROLE_PRIMARY)
        rep_primary_durable(r);
    else
        rep_standby_durable(r);
}

static void stop(rep *r)
{
    r->stopped = true;
    if (r->role == REP_ROLE_PRIMARY)
        rep_step_down(r);
    while (r->contacts_n)
        rep_contact_close(r, r->contacts[0].link, EXAM_OK, "%s goes down", r->node);
}

void rep_step(rep *r, const struct rep_input *in)
{
    if (in->now_ms > r->now_ms)
        r->now_ms = in->now_ms;
    if (r->stopped || r->role == REP_ROLE_FAILED)
        return;
    switch (in->kind) {
    case REP_TICK:
        tick(r);
        break;
    case REP_LINK_OPENED:
        link_opened(r, in->link, in->dialled);
        break;
    case REP_LINK_CLOSED:
        rep_contact_drop(r, in->link);
        break;
    case REP_MESSAGE:
        rep_message(r, in);
        break;
    case REP_APPENDED:
        appended(r, &in->position);
        break;
    case REP_DURABLE:
        durable(r, &in->position);
        break;
    case REP_SENT:
        sent(r, in);
        break;
    case REP_CUT_DONE:
        rep_cut_done(r, &in->position);
        break;
    case REP_EPOCH_OPEN:
        rep_epoch_open(r, &in->position);
        break;
    case REP_EPOCH_HEARD:
        if (in->epoch <= EPOCH_MAX)
            rep_learn_epoch(r, in->epoch);
        break;
    case REP_EPOCH_SHARED:
        rep_epoch_shared(r, in->epoch);
        break;
    case REP_FOUND:
        rep_found(r, in->token);
        break;
    case REP_PROMOTE:
        if (in->forced)
            rep_promote_forced(r, in->token, in->attest, in->epoch);
        else
            rep_promote(r, in->token, in->attest, in->epoch);
        break;
    case REP_HAND_OVER:
        rep_hand_over(r, in->token);
        break;
    case REP_HUNG:
        rep_hung(r);
        break;
    case REP_UNLOCKED:
        r->locked = false;
        rep_look_round(r); /* it may have waited for that only (W3) */
        break;
    case REP_STOP:
        stop(r);
        break;
    case REP_FAILED:
        rep_fail(r);
        break;
    }
}

/* ---------------------------------------------------------------- the next deadline */

static void earlier(uint64_t *at_ms, uint64_t candidate_ms)
{
    if (candidate_ms < *at_ms)
        *at_ms = candidate_ms;
}

uint64_t rep_next_deadline_ms(const rep *r)
{
    uint64_t at_ms = UINT64_MAX, timeout_ms = r->config.peer_timeout_ms;
    if (r->stopped || r->role == REP_ROLE_FAILED)
        return at_ms;
    for (size_t i = 0; i < r->contacts_n; i++)
        if (r->contacts[i].peer == PEER_NONE)
            earlier(&at_ms, r->contacts[i].opened_ms + timeout_ms);
    for (size_t i = 0; i < r->peers_n; i++) {
        const struct peer *p = &r->peers[i];
        if (!rep_in_contact(p))
            continue;
        earlier(&at_ms, r->ping_ms);
        earlier(&at_ms, p->heard_ms + timeout_ms);
        if (p->streaming && p->chunks_n)
            earlier(&at_ms, p->progress_ms + timeout_ms);
        if (p->streaming && p->retry_ms)
            earlier(&at_ms, p->retry_ms);
    }
    if (rep_is_waiting(r) && !r->going_solo)
        earlier(&at_ms, r->alone_ms + r->config.solo_after_ms);
    if (r->heir != PEER_NONE)
        earlier(&at_ms, r->heir_until_ms);
    if (r->promoting)
        earlier(&at_ms, r->promote_until_ms);
    earlier(&at_ms, rep_follow_until_ms(r));
    return at_ms;
}
