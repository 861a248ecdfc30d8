#include "rep_core.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

uint64_t rep_log_epoch(const rep *r)
{
    struct rep_epoch newest;
    return r->log.epochs(r->log.ctx, &newest, 1) ? newest.epoch : 0;
}

void rep_fail(rep *r)
{
    rep_actions_drop(r);
    if (r->role == REP_ROLE_PRIMARY)
        rep_step_down(r);
    if (r->begin_epoch && r->begin_token)
        rep_reply(r, r->begin_token, EXAM_IO, "D6", "%s cannot write its log and serves no more",
                  r->node);
    r->begin_epoch = r->begin_token = 0;
    r->begin_forced = false;
    r->role = REP_ROLE_FAILED;
    while (r->contacts_n)
        rep_contact_close(r, r->contacts[0].link, EXAM_IO, "%s has failed", r->node);
}

/* ---------------------------------------------------------------- the common position */

/* The newest epoch that is in both tables; false: none. */
static bool shared_epoch(const struct rep_epoch *mine, size_t mine_n, const struct peer *p,
                         size_t *i_out, size_t *j_out)
{
    for (size_t i = mine_n; i-- > 0;)
        for (size_t j = p->epochs_n; j-- > 0;)
            if (mine[i].epoch == p->epochs[j].epoch &&
                mine[i].first_lsn == p->epochs[j].first_lsn &&
                !memcmp(mine[i].first_hash, p->epochs[j].first_hash, HASH_BYTES)) {
                *i_out = i;
                *j_out = j;
                return true;
            }
    return false;
}

/* The last position that is in our log and in that of the primary p. What we have of p's own epoch
 * came from p itself, so p has all of it, whatever its Hello said when it was sent.
 * EXAM_NOT_FOUND: the tables do not show one. */
static exam_err common_position(rep *r, const struct peer *p, struct position *out)
{
    struct rep_epoch *mine = r->hello_table;
    size_t i, j, n = r->log.epochs(r->log.ctx, mine, REP_EPOCHS_TOLD);
    *out = (struct position){0};
    if (!r->last.lsn)
        return EXAM_OK;
    if (!n) {
        /* Of its founding this node has SiteFounded and no more; the primary checks the hash. */
        *out = r->last;
        return EXAM_OK;
    }
    if (!shared_epoch(mine, n, p, &i, &j))
        return EXAM_NOT_FOUND;
    uint64_t lsn = i + 1 < n ? mine[i + 1].first_lsn - 1 : r->last.lsn;
    if (j + 1 < p->epochs_n && p->epochs[j + 1].first_lsn - 1 < lsn)
        lsn = p->epochs[j + 1].first_lsn - 1;
    if (lsn < mine[i].first_lsn)
        return EXAM_NOT_FOUND; /* both have this record: a table that denies it is no table */
    out->epoch = mine[i].epoch;
    out->lsn = lsn;
    return r->log.hash_at(r->log.ctx, lsn, out->hash);
}

/* ---------------------------------------------------------------- joining */

void rep_unfollow(rep *r)
{
    r->source = PEER_NONE;
    r->joined = r->pulling = false;
}

/* ---------------------------------------------------------------- learning (D7) */

static void set_goal(rep *r)
{
    r->goal_lsn = r->primary_lsn;
    r->goal_ms = r->now_ms;
}

/* Under load a primary always has more than its standby: caught up is who has all that it had a
 * moment ago. */
static void check_learned(rep *r)
{
    if (!r->learning || r->durable.lsn < r->goal_lsn)
        return;
    if (r->durable.lsn >= r->primary_lsn || r->now_ms - r->goal_ms <= SYNC_ROUND_MS) {
        r->learning = false;
        rep_keep(r);
    } else {
        set_goal(r);
    }
}

static void join(rep *r, struct peer *p)
{
    struct position common;
    exam_err err = common_position(r, p, &common);
    if (err == EXAM_NOT_FOUND) {
        char text[REP_TEXT_BYTES];
        snprintf(text, sizeof text,
                 "the logs of %s and %s have no epoch in common: move the data folder of %s away "
                 "and start it empty",
                 r->node, p->name, r->node);
        p->refused = EXAM_CORRUPT;
        memcpy(p->text, text, sizeof text);
        rep_contact_close(r, p->link, EXAM_CORRUPT, "%s", text);
    } else if (err) {
        rep_fail(r);
    } else if (r->last.lsn > common.lsn) {
        r->cutting = true;
        rep_keep(r); /* W1: the highest epoch known may go with the branch */
        rep_act(r, REP_DO_CUT)->lsn = common.lsn;
    } else {
        r->joined = true;
        r->caught_up = false;
        r->follow_ms = r->now_ms;
        set_goal(r);
        if (r->last.lsn)
            check_learned(r);
        rep_send_join(r, p->link, &common);
    }
}

static void follow(rep *r, int source)
{
    r->source = source;
    r->joined = r->pulling = false;
    r->may_resume = false;
    for (size_t i = 0; i < r->peers_n; i++)
        rep_stream_stop(&r->peers[i]);
    /* What a Join names is taken for durable: else it waits for the commit under way. */
    if (r->durable.lsn == r->last.lsn)
        join(r, &r->peers[source]);
}

void rep_consider_following(rep *r)
{
    bool free =
        r->role == REP_ROLE_STANDBY || r->role == REP_ROLE_EMPTY || r->role == REP_ROLE_FENCED;
    if (!free || r->begin_epoch || r->cutting || (r->source != PEER_NONE && !r->pulling))
        return;
    for (size_t i = 0; i < r->peers_n; i++) {
        const struct peer *p = &r->peers[i];
        if (rep_peer_is_primary(r, p) && rep_table_fits(p)) {
            follow(r, (int)i);
            return;
        }
    }
}

void rep_cut_done(rep *r, const struct position *last)
{
    assert(r->cutting && last->lsn <= r->last.lsn);
    r->cutting = false;
    r->last = r->durable = *last;
    if (r->source != PEER_NONE)
        follow(r, r->source);
    rep_look_round(r);
}

/* ---------------------------------------------------------------- following */

void rep_on_append(rep *r, struct peer *p, const Rep__Append *m)
{
    if (r->source != (int)(p - r->peers) || !r->joined || r->cutting || !m->n_records)
        return;
    if (m->first_lsn != r->last.lsn + 1 || memcmp(m->prev_hash.data, r->last.hash, HASH_BYTES)) {
        rep_contact_close(r, p->link, EXAM_MALFORMED,
                          "%s sent record %llu, which does not follow record %llu", p->name,
                          (unsigned long long)m->first_lsn, (unsigned long long)r->last.lsn);
        return;
    }
    if (r->role == REP_ROLE_FENCED && !r->pulling)
        r->role = REP_ROLE_STANDBY;
    r->follow_ms = r->now_ms;
    uint64_t sent_lsn = m->first_lsn + m->n_records - 1;
    if (sent_lsn > r->primary_lsn)
        r->primary_lsn = sent_lsn;
    struct rep_action *a = rep_act(r, REP_DO_APPEND);
    a->link = p->link;
    a->append = m;
    a->first_lsn = m->first_lsn;
    a->last_lsn = sent_lsn;
    a->epoch = m->epoch;
    a->released_lsn = m->released_lsn;
}

void rep_standby_appended(rep *r)
{
    if (r->role != REP_ROLE_EMPTY || !r->last.lsn || r->begin_epoch)
        return;
    r->role = REP_ROLE_STANDBY;
    rep_keep(r); /* before the first record is durable: else it might pass for one that has all */
}

static bool pulled_enough(const rep *r)
{
    return r->pulling && r->durable.lsn >= r->peers[r->source].last.lsn;
}

void rep_standby_durable(rep *r)
{
    if (r->source == PEER_NONE)
        rep_consider_resuming(r);
    if (r->source == PEER_NONE || r->cutting)
        return;
    if (!r->joined) {
        follow(r, r->source);
        return;
    }
    r->caught_up |= r->durable.lsn >= r->primary_lsn;
    if (!r->pulling)
        check_learned(r);
    rep_send_appended(r, r->peers[r->source].link);
    if (pulled_enough(r)) {
        rep_unfollow(r);
        rep_consider_resuming(r);
    }
}

/* A Join, or what should have followed it, may be lost to a link that took no more. A source that
 * has more and sends nothing is asked anew, over a new link. */
uint64_t rep_follow_until_ms(const rep *r)
{
    if (r->source == PEER_NONE || !r->joined)
        return UINT64_MAX;
    uint64_t has_lsn = r->pulling ? r->peers[r->source].last.lsn : r->primary_lsn;
    return has_lsn > r->last.lsn ? r->follow_ms + 2 * (uint64_t)r->config.peer_timeout_ms
                                 : UINT64_MAX;
}

void rep_standby_tick(rep *r)
{
    if (r->now_ms < rep_follow_until_ms(r))
        return;
    struct peer *p = &r->peers[r->source];
    rep_contact_close(r, p->link, EXAM_TIMEOUT, "%s has more records and sends none", p->name);
}

/* ---------------------------------------------------------------- serving again (W3) */

/* Somebody has served in an epoch that is in this peer's log and not in ours, whatever its number:
 * two persons may have attested. */
static bool has_another_epoch(const rep *r, const struct peer *p)
{
    struct rep_epoch own[REP_EPOCHS_TOLD];
    size_t n = r->log.epochs(r->log.ctx, own, REP_EPOCHS_TOLD);
    if (!p->epochs_n || !n)
        return false;
    const struct rep_epoch *newest = &p->epochs[p->epochs_n - 1];
    for (size_t i = 0; i < n; i++)
        if (own[i].epoch == newest->epoch)
            return memcmp(own[i].first_hash, newest->first_hash, HASH_BYTES) != 0;
    return newest->epoch > own[0].epoch;
}

/* W3: in contact with all others, and none of them has been promoted or knows of one who was. What
 * a learner knew is gone (D7); and one that has not taken our Hello may still be taking a HandOver
 * that we sent before we went down. */
static bool may_resume_now(const rep *r)
{
    if (r->locked)
        return false;
    if (!r->may_resume || r->role != REP_ROLE_STANDBY || r->begin_epoch || r->cutting ||
        r->source != PEER_NONE || r->promoting || r->durable.lsn != r->last.lsn)
        return false;
    if (r->known_epoch != rep_log_epoch(r))
        return false;
    for (size_t i = 0; i < r->peers_n; i++)
        if (!rep_in_contact(&r->peers[i]) || !r->peers[i].answered || r->peers[i].learning ||
            r->peers[i].role == REP_ROLE_PRIMARY || r->peers[i].role == REP_ROLE_EMPTY ||
            has_another_epoch(r, &r->peers[i]))
            return false;
    return true;
}

void rep_consider_resuming(rep *r)
{
    if (!may_resume_now(r))
        return;
    int furthest = PEER_NONE;
    for (size_t i = 0; i < r->peers_n; i++) {
        const struct peer *p = &r->peers[i];
        if (!rep_position_beyond(&p->last,
                                 furthest == PEER_NONE ? &r->last : &r->peers[furthest].last))
            continue;
        furthest = (int)i;
    }
    if (furthest == PEER_NONE) {
        rep_begin(r, r->known_epoch + 1, EV__EPOCH_REASON__EPOCH_REASON_RESTARTED, false, 0);
        return;
    }
    /* It was sent records that this node had not made durable before it went down. Nobody was told
     * that they are saved, but they are there: they belong to the history. */
    r->source = furthest;
    r->joined = r->pulling = true;
    r->follow_ms = r->now_ms;
    rep_send_join(r, r->peers[furthest].link, &r->durable);
}

/* What was heard before the hang says nothing about now: every link begins anew, and whoever was
 * promoted meanwhile is heard of before this node serves again. */
void rep_hung(rep *r)
{
    if (r->role != REP_ROLE_PRIMARY)
        return;
    rep_step_down(r);
    while (r->contacts_n)
        rep_contact_close(r, r->contacts[0].link, EXAM_TIMEOUT, "%s has hung", r->node);
    r->role = REP_ROLE_STANDBY;
    r->may_resume = true;
    rep_consider_resuming(r);
}
