#include "rep_core.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

bool rep_position_beyond(const struct position *a, const struct position *b)
{
    return a->epoch > b->epoch || (a->epoch == b->epoch && a->lsn > b->lsn);
}

/* P3. Twice the node's name. */
#define LOCKED_TEXT                                                                                \
    "%s is locked: it has no data key, and could neither read nor write an answer; unlock it "     \
    "first: `examctl unlock %s`"

/* ---------------------------------------------------------------- founding */

void rep_found(rep *r, uint64_t token)
{
    if (r->role != REP_ROLE_EMPTY || r->last.lsn || r->begin_epoch) {
        rep_reply(r, token, EXAM_STATE, "W1", "%s belongs to a site already", r->node);
        return;
    }
    if (r->locked) {
        rep_reply(r, token, EXAM_REFUSED, "P3", LOCKED_TEXT, r->node, r->node);
        return;
    }
    for (size_t i = 0; i < r->peers_n; i++) {
        const struct peer *p = &r->peers[i];
        if (rep_in_contact(p) && p->role != REP_ROLE_EMPTY) {
            rep_reply(r, token, EXAM_STATE, "W1",
                      "%s belongs to a site already, and %s joins it: there is nothing to found",
                      p->name, r->node);
            return;
        }
    }
    r->learning = false; /* what there is of this site is here */
    rep_keep(r);
    rep_begin(r, r->known_epoch + 1, EV__EPOCH_REASON__EPOCH_REASON_FOUNDED, true, token);
}

/* ---------------------------------------------------------------- what a promotion meets */

static int primary_in_contact(const rep *r)
{
    for (size_t i = 0; i < r->peers_n; i++)
        if (rep_peer_is_primary(r, &r->peers[i]))
            return (int)i;
    return PEER_NONE;
}

/* A node in contact that has more of the history than this one. */
static const struct peer *better_heir(const rep *r)
{
    for (size_t i = 0; i < r->peers_n; i++) {
        const struct peer *p = &r->peers[i];
        if (rep_in_contact(p) && p->role != REP_ROLE_EMPTY && !p->learning &&
            rep_position_beyond(&p->last, &r->last))
            return p;
    }
    return NULL;
}

static const struct peer *learner_in_contact(const rep *r)
{
    for (size_t i = 0; i < r->peers_n; i++)
        if (rep_in_contact(&r->peers[i]) && r->peers[i].learning)
            return &r->peers[i];
    return NULL;
}

static void out_of_contact_text(const rep *r, char *text, size_t bytes)
{
    const struct peer *p = r->primary == PEER_NONE ? NULL : &r->peers[r->primary];
    const struct peer *learner = p ? NULL : learner_in_contact(r);
    if (learner)
        snprintf(
            text, bytes,
            "%s is new or has lost its disk, and cannot say whether a node has served since %s "
            "did (D7): make sure that no other one is serving, then attest it",
            learner->name, r->node);
    else if (!p)
        snprintf(
            text, bytes,
            "no node in contact serves, and %s cannot know whether another one does: make sure "
            "that all others are off or cut off, then attest it",
            r->node);
    else
        snprintf(
            text, bytes,
            "%s, the primary, has been out of contact for %llu.%03llu s and may be serving: make "
            "sure that it is off, then attest it",
            p->name, (unsigned long long)(r->now_ms - p->heard_ms) / 1000,
            (unsigned long long)(r->now_ms - p->heard_ms) % 1000);
}

/* Whether this node may be promoted: EXAM_OK, by a switchover (*from) or, with PEER_NONE, by
 * attest. */
static exam_err promotion_check(const rep *r, int *from, char *text, size_t bytes)
{
    *from = primary_in_contact(r);
    const struct peer *better = better_heir(r);
    if (r->role == REP_ROLE_PRIMARY) {
        snprintf(text, bytes, "%s serves already", r->node);
        return EXAM_STATE;
    }
    if (r->role == REP_ROLE_FAILED || r->stopped) {
        snprintf(text, bytes, "%s has failed or is going down: restart it first", r->node);
        return EXAM_STATE;
    }
    if (r->role == REP_ROLE_EMPTY || !r->last.lsn) {
        snprintf(text, bytes, "%s is empty: it has nothing to serve with", r->node);
        return EXAM_STATE;
    }
    if (r->locked) {
        snprintf(text, bytes, LOCKED_TEXT, r->node, r->node);
        return EXAM_REFUSED;
    }
    if (r->learning) {
        snprintf(
            text, bytes,
            "%s is being copied and has the log up to record %llu only (D7): wait until it has "
            "caught up, or bring back the node that it copies from",
            r->node, (unsigned long long)r->durable.lsn);
        return EXAM_STATE;
    }
    if (r->begin_epoch || r->promoting || r->cutting) {
        snprintf(text, bytes, "%s is changing its role already: ask again in a moment", r->node);
        return EXAM_AGAIN;
    }
    if (*from != PEER_NONE && (r->source != *from || !r->joined)) {
        snprintf(text, bytes, "%s serves and %s has not joined it yet: wait until it is in sync",
                 r->peers[*from].name, r->node);
        return EXAM_STATE;
    }
    if (*from == PEER_NONE && better) {
        snprintf(text, bytes, "%s is in contact and has more of the log than %s: promote %s",
                 better->name, r->node, better->name);
        return EXAM_REFUSED;
    }
    return EXAM_OK;
}

/* ---------------------------------------------------------------- promoting (W2) */

static void begin_attested(rep *r, uint64_t token, uint64_t claimed_epoch)
{
    uint64_t above = claimed_epoch > r->known_epoch ? claimed_epoch : r->known_epoch;
    rep_begin(r, above + 1, EV__EPOCH_REASON__EPOCH_REASON_ATTESTED, true, token);
}

void rep_promote(rep *r, uint64_t token, bool attest, uint64_t claimed_epoch)
{
    char text[REP_TEXT_BYTES];
    int from;
    if (r->role == REP_ROLE_PRIMARY && attest && claimed_epoch > r->known_epoch) {
        /* Seats have seen a higher epoch and refuse this one (W1): whoever began it has lost it. */
        rep_step_down(r);
        rep_begin(r, claimed_epoch + 1, EV__EPOCH_REASON__EPOCH_REASON_ATTESTED, true, token);
        return;
    }
    exam_err err = promotion_check(r, &from, text, sizeof text);
    if (!err && from == PEER_NONE && !attest) {
        err = EXAM_ATTEST;
        out_of_contact_text(r, text, sizeof text);
    }
    if (err) {
        rep_reply(r, token, err, "W2", "%s", text);
        return;
    }
    if (from == PEER_NONE) {
        begin_attested(r, token, claimed_epoch);
        return;
    }
    r->promoting = true;
    r->promote_token = token;
    r->promote_peer = from;
    r->promote_until_ms = r->now_ms + 2 * (uint64_t)r->config.peer_timeout_ms;
    rep_send_hand_over_request(r, r->peers[from].link);
}

void rep_promote_ends(rep *r, exam_err code, const char *text)
{
    char lost[REP_TEXT_BYTES];
    assert(r->promoting);
    if (!text) {
        out_of_contact_text(r, lost, sizeof lost);
        text = lost;
    }
    r->promoting = false;
    r->promote_peer = PEER_NONE;
    rep_reply(r, r->promote_token, code, "W2", "%s", text);
}

void rep_promote_tick(rep *r)
{
    if (!r->promoting || r->now_ms < r->promote_until_ms)
        return;
    char text[REP_TEXT_BYTES];
    snprintf(text, sizeof text, "%s did not hand over in time; it goes on serving",
             r->peers[r->promote_peer].name);
    rep_promote_ends(r, EXAM_TIMEOUT, text);
}

/* Taken even when the person's question has timed out: the old primary has stepped down for it. */
void rep_on_hand_over(rep *r, struct peer *p, const Rep__HandOver *m)
{
    bool level = r->source == (int)(p - r->peers) && r->joined && !r->pulling && !r->cutting &&
                 !r->begin_epoch && !r->learning && !r->locked && r->last.lsn &&
                 r->last.lsn == r->durable.lsn && m->at->lsn == r->durable.lsn &&
                 m->at->hash.len == HASH_BYTES &&
                 !memcmp(m->at->hash.data, r->durable.hash, HASH_BYTES);
    uint64_t token = r->promoting ? r->promote_token : 0;
    if (!level) {
        if (r->promoting)
            rep_promote_ends(r, EXAM_STATE,
                             "the logs were not level at the handover: nobody serves "
                             "now; promote the node that has more, attesting");
        return;
    }
    r->promoting = false;
    r->promote_peer = PEER_NONE;
    rep_begin(r, r->known_epoch + 1, EV__EPOCH_REASON__EPOCH_REASON_SWITCHOVER, false, token);
}

/* ---------------------------------------------------------------- forcing (D7, R4) */

/* In contact, and rather to be promoted than a learner is to be forced: it vouches for its log, or
 * has more of one. */
static const struct peer *better_than_forced(const rep *r)
{
    for (size_t i = 0; i < r->peers_n; i++) {
        const struct peer *p = &r->peers[i];
        if (rep_in_contact(p) && p->role != REP_ROLE_EMPTY &&
            (!p->learning || rep_position_beyond(&p->last, &r->durable)))
            return p;
    }
    return NULL;
}

static exam_err forced_beside(const rep *r, const struct peer *p, char *text, size_t bytes)
{
    if (p->learning)
        snprintf(text, bytes,
                 "%s is in contact, no whole copy either, and has more of the log than %s: if one "
                 "of them is to be forced, it is %s",
                 p->name, r->node, p->name);
    else
        snprintf(text, bytes,
                 "%s is in contact and vouches for its log: promote %s, which wants no forcing",
                 p->name, p->name);
    return EXAM_REFUSED;
}

/* What refuses a node that is no learner, or has nothing. */
static exam_err forced_needless(const rep *r, char *text, size_t bytes)
{
    int from;
    exam_err err = promotion_check(r, &from, text, bytes);
    if (err)
        return err;
    snprintf(text, bytes, "%s vouches for its log: promote it without forcing it", r->node);
    return EXAM_STATE;
}

/* Whether this node, whose copy is not whole, may be made to serve by a person's word. */
static exam_err forced_check(const rep *r, char *text, size_t bytes)
{
    int from = primary_in_contact(r);
    const struct peer *better = better_than_forced(r);
    if (!r->learning || r->locked || r->stopped || r->role == REP_ROLE_EMPTY ||
        r->role == REP_ROLE_FAILED)
        return forced_needless(r, text, bytes);
    if (r->begin_epoch || r->promoting || r->cutting) {
        snprintf(text, bytes, "%s is changing its role already: ask again in a moment", r->node);
        return EXAM_AGAIN;
    }
    if (from != PEER_NONE) {
        snprintf(text, bytes, "%s serves, and is in contact: wait until %s has copied its log",
                 r->peers[from].name, r->node);
        return EXAM_STATE;
    }
    if (!rep_log_epoch(r)) {
        snprintf(text, bytes, "%s has not even the beginning of the site's log", r->node);
        return EXAM_STATE;
    }
    return better ? forced_beside(r, better, text, bytes) : EXAM_OK;
}

void rep_promote_forced(rep *r, uint64_t token, bool attest, uint64_t claimed_epoch)
{
    char text[REP_TEXT_BYTES];
    exam_err err = forced_check(r, text, sizeof text);
    if (!err && !attest) {
        err = EXAM_ATTEST;
        out_of_contact_text(r, text, sizeof text);
    }
    if (err) {
        rep_reply(r, token, err, "D7", "%s", text);
        return;
    }
    r->begin_forced = true;
    begin_attested(r, token, claimed_epoch);
}

/* ---------------------------------------------------------------- the facts, beforehand */

/* Whoever is known to have, or to have had, records that this node lacks. */
static void preview_elsewhere(const rep *r, struct rep_preview *out)
{
    for (size_t i = 0; i < r->peers_n; i++) {
        const struct peer *p = &r->peers[i];
        if (!p->ever_heard || p->learning || !rep_position_beyond(&p->last, &out->last))
            continue;
        if (!out->elsewhere || p->last.lsn > out->elsewhere_lsn) {
            out->elsewhere = p->name;
            out->elsewhere_lsn = p->last.lsn;
        }
    }
}

static void preview_text(const rep *r, struct rep_preview *out)
{
    char lead[REP_TEXT_BYTES];
    if (out->code == EXAM_OK)
        snprintf(lead, sizeof lead, "a switchover from %s: nothing is lost", out->primary);
    else
        out_of_contact_text(r, lead, sizeof lead);
    if (out->code == EXAM_OK)
        snprintf(out->text, sizeof out->text, "%s", lead);
    else if (out->stale)
        snprintf(out->text, sizeof out->text,
                 "%s. %s has the log up to record %llu and lacks at least %llu records that the "
                 "primary had; the seats' journals bring their part of them",
                 lead, r->node, (unsigned long long)out->last.lsn,
                 (unsigned long long)out->behind_records);
    else
        snprintf(out->text, sizeof out->text,
                 "%s. %s has the log up to record %llu, as far as it was sent; what the primary "
                 "acknowledged alone after that, it lacks",
                 lead, r->node, (unsigned long long)out->last.lsn);
    size_t n = strlen(out->text);
    if (out->code != EXAM_OK && out->elsewhere)
        snprintf(out->text + n, sizeof out->text - n,
                 ". %s is known to have had the log up to record %llu: bring it back if you can",
                 out->elsewhere, (unsigned long long)out->elsewhere_lsn);
}

/* What is known of the copies that are given up. */
static void others_text(const rep *r, char *text, size_t bytes)
{
    snprintf(text, bytes, "%s", r->peers_n ? "" : "there is no other node");
    for (size_t i = 0; i < r->peers_n; i++) {
        const struct peer *p = &r->peers[i];
        size_t n = strlen(text);
        const char *comma = i ? ", " : "";
        if (!p->ever_heard)
            snprintf(text + n, bytes - n, "%s%s has not been heard", comma, p->name);
        else if (rep_in_contact(p) && p->role == REP_ROLE_EMPTY)
            snprintf(text + n, bytes - n, "%s%s is empty", comma, p->name);
        else
            snprintf(text + n, bytes - n, "%s%s %s record %llu", comma, p->name,
                     rep_in_contact(p) ? "has a part, up to" : "is out of contact, and had",
                     (unsigned long long)p->last.lsn);
    }
}

static void preview_forced(const rep *r, struct rep_preview *out)
{
    char others[REP_TEXT_BYTES];
    if (!r->learning)
        return;
    out->forcible = forced_check(r, out->forced_text, sizeof out->forced_text) == EXAM_OK;
    if (!out->forcible)
        return;
    others_text(r, others, sizeof others);
    snprintf(out->forced_text, sizeof out->forced_text,
             "%s's copy is not whole: it ends at record %llu. No whole one is in contact (%s). Who "
             "forces %s gives every other copy up for lost: what was acknowledged or decided after "
             "that record is gone, but for what the seats' journals bring, and the log of a node "
             "that comes back after all (as a dead branch, A3)",
             r->node, (unsigned long long)out->last.lsn, others, r->node);
}

void rep_promotion_preview(const rep *r, uint64_t now_ms, struct rep_preview *out)
{
    int from;
    *out = (struct rep_preview){.last = r->durable};
    const struct peer *p = r->primary == PEER_NONE ? NULL : &r->peers[r->primary];
    if (p) {
        out->primary = p->name;
        out->primary_in_contact = rep_peer_is_primary(r, p);
        out->primary_silent_ms = now_ms > p->heard_ms ? now_ms - p->heard_ms : 0;
        out->stale = r->primary_lsn > r->durable.lsn;
        out->behind_records = out->stale ? r->primary_lsn - r->durable.lsn : 0;
    }
    preview_elsewhere(r, out);
    out->learning = r->learning;
    preview_forced(r, out);
    out->code = promotion_check(r, &from, out->text, sizeof out->text);
    if (out->code)
        return;
    if (from == PEER_NONE)
        out->code = EXAM_ATTEST;
    preview_text(r, out);
}
