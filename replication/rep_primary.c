#include "rep_core.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { HANDOVERS_UNHEARD_MAX = 16 };

static void tell(rep *r, const struct peer *p, exam_err code, const char *text)
{
    rep_send_refused(r, p->link, code, text);
}

/* ---------------------------------------------------------------- who is in sync, alone (A1) */

bool rep_any_in_sync(const rep *r)
{
    for (size_t i = 0; i < r->peers_n; i++)
        if (r->peers[i].in_sync)
            return true;
    return false;
}

static void log_standby(rep *r, struct peer *p, bool in_sync, bool solo)
{
    struct rep_action *a = rep_act(r, REP_DO_LOG_STANDBY);
    a->peer = p->name;
    a->in_sync = in_sync;
    a->solo = solo;
    p->logged = in_sync;
}

static void release(rep *r)
{
    uint64_t lsn = 0;
    if (r->solo)
        lsn = r->durable.lsn;
    for (size_t i = 0; !r->solo && i < r->peers_n; i++)
        if (r->peers[i].in_sync && r->peers[i].acked_lsn > lsn)
            lsn = r->peers[i].acked_lsn;
    if (lsn > r->durable.lsn)
        lsn = r->durable.lsn;
    if (lsn <= r->released_lsn)
        return;
    r->released_lsn = lsn;
    struct rep_action *a = rep_act(r, REP_DO_RELEASE);
    a->lsn = lsn;
    a->dual = !r->solo;
}

/* From here on nothing is acknowledged without it: so what is acknowledged is dual, whatever the
 * log said when it was decided. */
static void set_in_sync(rep *r, struct peer *p)
{
    bool told = p->logged && !r->solo && !r->going_solo;
    p->in_sync = true;
    r->solo = r->going_solo = false;
    r->solo_lsn = 0;
    if (!told)
        log_standby(r, p, true, false);
}

static void check_sync(rep *r, struct peer *p)
{
    if (r->role != REP_ROLE_PRIMARY || p->in_sync || !p->streaming || p->learning)
        return;
    if (p->acked_lsn >= r->last.lsn) {
        set_in_sync(r, p);
    } else if (p->acked_lsn >= p->round_lsn) {
        /* Under load it is always some records behind; it counts when it is behind by no more than
         * what it makes durable in a moment. */
        if (r->now_ms - p->round_ms <= SYNC_ROUND_MS) {
            set_in_sync(r, p);
        } else {
            p->round_lsn = r->last.lsn;
            p->round_ms = r->now_ms;
        }
    }
}

static void lost_sync(rep *r, struct peer *p)
{
    if (!p->in_sync)
        return;
    p->in_sync = false;
    r->lost = (int)(p - r->peers);
    if (!rep_any_in_sync(r))
        r->alone_ms = r->now_ms;
}

static void go_solo(rep *r)
{
    for (size_t i = 0; i < r->peers_n; i++)
        r->peers[i].logged = false;
    r->going_solo = true;
    r->solo_lsn = 0;
    log_standby(r, &r->peers[r->lost == PEER_NONE ? 0 : r->lost], false, true);
}

/* ---------------------------------------------------------------- streaming */

void rep_stream_stop(struct peer *p)
{
    p->streaming = p->sending = p->in_sync = p->logged = false;
    p->retry_ms = 0;
    p->chunks_head = p->chunks_n = 0;
    p->chunks_bytes = 0;
}

static void stream_start(rep *r, struct peer *p, uint64_t common_lsn)
{
    bool logged = p->logged;
    lost_sync(r, p);
    rep_stream_stop(p);
    p->logged = logged;
    p->streaming = true;
    p->acked_lsn = p->lsn = common_lsn;
    p->next_lsn = common_lsn + 1;
    p->progress_ms = p->round_ms = r->now_ms;
    p->round_lsn = r->last.lsn;
}

void rep_stream(rep *r, struct peer *p)
{
    if (p->retry_ms && r->now_ms >= p->retry_ms)
        p->retry_ms = 0;
    if (!p->streaming || p->sending || p->next_lsn > r->last.lsn || p->chunks_n == CHUNKS_MAX ||
        p->chunks_bytes >= r->config.window_bytes || p->retry_ms)
        return;
    uint64_t room = r->config.window_bytes - p->chunks_bytes;
    struct rep_action *a = rep_act(r, REP_DO_SEND_RECORDS);
    a->link = p->link;
    a->first_lsn = p->next_lsn;
    a->last_lsn = r->last.lsn;
    a->bytes_max = room < SEND_BYTES_MAX ? (size_t)room : SEND_BYTES_MAX;
    a->epoch = r->known_epoch;
    a->released_lsn = r->released_lsn;
    p->sending = true;
}

void rep_sent(rep *r, struct peer *p, uint64_t lsn, uint64_t bytes)
{
    if (!p->streaming || !p->sending)
        return;
    assert(lsn + 1 >= p->next_lsn && lsn <= r->last.lsn);
    p->sending = false;
    if (lsn + 1 == p->next_lsn) {
        p->retry_ms = r->now_ms + SEND_RETRY_MS;
        return;
    }
    p->retry_ms = 0;
    if (!p->chunks_n)
        p->progress_ms = r->now_ms;
    p->chunks[(p->chunks_head + p->chunks_n++) % CHUNKS_MAX] =
        (struct chunk){.last_lsn = lsn, .bytes = bytes};
    p->chunks_bytes += bytes;
    p->next_lsn = lsn + 1;
    rep_stream(r, p);
}

static void take_ack(rep *r, struct peer *p, uint64_t lsn)
{
    if (lsn > p->acked_lsn)
        p->progress_ms = r->now_ms;
    p->acked_lsn = p->lsn = lsn;
    while (p->chunks_n && p->chunks[p->chunks_head].last_lsn <= lsn) {
        p->chunks_bytes -= p->chunks[p->chunks_head].bytes;
        p->chunks_head = (p->chunks_head + 1) % CHUNKS_MAX;
        p->chunks_n--;
    }
}

/* ---------------------------------------------------------------- handing over (W2, W4) */

static void heir_check(rep *r);

static void heir_begin(rep *r, struct peer *p, uint64_t token)
{
    r->heir = (int)(p - r->peers);
    r->heir_token = token;
    r->heir_until_ms = r->now_ms + r->config.peer_timeout_ms;
    heir_check(r);
}

static void heir_ends(rep *r, exam_err code, const char *text)
{
    if (r->heir_token)
        rep_reply(r, r->heir_token, code, "W4", "%s", text);
    r->heir = PEER_NONE;
    r->heir_token = 0;
}

static void heir_check(rep *r)
{
    if (r->heir == PEER_NONE || r->durable.lsn != r->last.lsn)
        return;
    struct peer *p = &r->peers[r->heir];
    if (!p->in_sync || p->acked_lsn != r->last.lsn)
        return;
    char text[REP_TEXT_BYTES];
    snprintf(text, sizeof text, "%s has handed over to %s", r->node, p->name);
    rep_send_hand_over(r, p->link);
    heir_ends(r, EXAM_OK, text);
    rep_step_down(r);
}

void rep_on_hand_over_request(rep *r, struct peer *p)
{
    char text[REP_TEXT_BYTES];
    if (r->role != REP_ROLE_PRIMARY) {
        snprintf(text, sizeof text, "%s does not serve", r->node);
        tell(r, p, EXAM_NOT_PRIMARY, text);
    } else if (!p->in_sync) {
        snprintf(text, sizeof text,
                 "%s serves and %s is not in sync with it yet: wait until it has caught up",
                 r->node, p->name);
        tell(r, p, EXAM_STATE, text);
    } else if (r->heir != PEER_NONE) {
        snprintf(text, sizeof text, "%s is handing over already", r->node);
        tell(r, p, EXAM_AGAIN, text);
    } else {
        heir_begin(r, p, 0);
    }
}

void rep_hand_over(rep *r, uint64_t token)
{
    if (r->role != REP_ROLE_PRIMARY) {
        rep_reply(r, token, EXAM_NOT_PRIMARY, "W4", "%s does not serve", r->node);
        return;
    }
    if (r->heir != PEER_NONE) {
        rep_reply(r, token, EXAM_AGAIN, "W4", "%s is handing over already", r->node);
        return;
    }
    for (size_t i = 0; i < r->peers_n; i++)
        if (r->peers[i].in_sync && !r->peers[i].locked) {
            heir_begin(r, &r->peers[i], token);
            return;
        }
    rep_reply(r, token, EXAM_STATE, "W4",
              "no standby of %s is in sync and unlocked: nobody can take over", r->node);
}

static void heir_tick(rep *r)
{
    if (r->heir == PEER_NONE || r->now_ms < r->heir_until_ms)
        return;
    struct peer *p = &r->peers[r->heir];
    char text[REP_TEXT_BYTES];
    snprintf(text, sizeof text, "%s could not bring %s level in time and goes on serving", r->node,
             p->name);
    heir_ends(r, EXAM_TIMEOUT, text);
    tell(r, p, EXAM_TIMEOUT, text);
}

/* ---------------------------------------------------------------- messages of standbys */

/* True when our record at lsn has this hash; a log that cannot be read ends the node (D6). */
static bool hash_fits(rep *r, uint64_t lsn, const ProtobufCBinaryData *hash)
{
    uint8_t own[HASH_BYTES];
    if (!lsn)
        return true;
    exam_err err = r->log.hash_at(r->log.ctx, lsn, own);
    if (err && err != EXAM_NOT_FOUND) {
        rep_fail(r);
        return false;
    }
    return !err && hash->len == HASH_BYTES && !memcmp(own, hash->data, HASH_BYTES);
}

static void refuse_history(rep *r, struct peer *p, uint64_t lsn)
{
    char text[REP_TEXT_BYTES];
    if (r->role == REP_ROLE_FAILED)
        return;
    snprintf(text, sizeof text,
             "the logs of %s and %s differ at record %llu: do not clear either; move the data "
             "folder of %s away and start it empty",
             r->node, p->name, (unsigned long long)lsn, p->name);
    p->refused = EXAM_CORRUPT;
    snprintf(p->text, sizeof p->text, "%s", text);
    tell(r, p, EXAM_CORRUPT, text);
    rep_contact_close(r, p->link, EXAM_CORRUPT, "%s", text);
}

/* A standby that asks for the rest of the epoch that it served itself, before it serves again (W3).
 */
static bool may_be_pulled(const rep *r)
{
    return r->role == REP_ROLE_STANDBY && r->source == PEER_NONE && !r->begin_epoch &&
           r->last.lsn == r->durable.lsn;
}

void rep_on_join(rep *r, struct peer *p, const Rep__Join *m)
{
    bool primary = r->role == REP_ROLE_PRIMARY && !r->begin_epoch;
    if (!primary && !may_be_pulled(r))
        return; /* its Hello is out of date; ours, on its way, corrects it */
    if (m->common->lsn > r->last.lsn || !hash_fits(r, m->common->lsn, &m->common->hash)) {
        refuse_history(r, p, m->common->lsn);
        return;
    }
    p->learning = m->learning;
    stream_start(r, p, m->common->lsn);
    check_sync(r, p);
    rep_stream(r, p);
    release(r);
}

void rep_on_appended(rep *r, struct peer *p, const Rep__Appended *m)
{
    if (!p->streaming || m->lsn < p->acked_lsn)
        return;
    if (m->lsn > r->last.lsn || !hash_fits(r, m->lsn, &m->hash)) {
        refuse_history(r, p, m->lsn);
        return;
    }
    if (m->lsn >= p->next_lsn)
        return; /* of what it was sent before it joined anew */
    p->learning = m->learning;
    take_ack(r, p, m->lsn);
    if (r->role == REP_ROLE_PRIMARY) {
        check_sync(r, p);
        release(r);
        heir_check(r);
    }
    rep_stream(r, p);
}

void rep_peer_lost(rep *r, struct peer *p)
{
    int at = (int)(p - r->peers);
    bool logged = p->logged;
    p->link = (struct rep_link){0};
    lost_sync(r, p);
    rep_stream_stop(p);
    p->logged = logged;
    if (r->heir == at)
        heir_ends(r, EXAM_CONN, "the standby was lost during the handover");
    if (r->source == at)
        rep_unfollow(r);
    if (r->promoting && r->promote_peer == at)
        rep_promote_ends(r, EXAM_ATTEST, NULL);
}

/* ---------------------------------------------------------------- the log moved on */

void rep_primary_appended(rep *r)
{
    if (r->going_solo && !r->solo_lsn)
        r->solo_lsn = r->last.lsn;
    for (size_t i = 0; i < r->peers_n; i++)
        rep_stream(r, &r->peers[i]);
}

void rep_primary_durable(rep *r)
{
    if (r->going_solo && r->solo_lsn && r->durable.lsn >= r->solo_lsn) {
        r->solo = true;
        r->going_solo = false;
    }
    release(r);
    heir_check(r);
}

static void stream_tick(rep *r, struct peer *p)
{
    if (!p->streaming)
        return;
    if (p->chunks_n && r->now_ms >= p->progress_ms + r->config.peer_timeout_ms) {
        rep_contact_close(r, p->link, EXAM_TIMEOUT, "%s made nothing durable for %llu ms", p->name,
                          (unsigned long long)(r->now_ms - p->progress_ms));
        return;
    }
    rep_stream(r, p);
}

void rep_primary_tick(rep *r)
{
    for (size_t i = 0; i < r->peers_n; i++)
        stream_tick(r, &r->peers[i]);
    if (r->role != REP_ROLE_PRIMARY)
        return;
    heir_tick(r);
    if (rep_is_waiting(r) && !r->going_solo && r->now_ms >= r->alone_ms + r->config.solo_after_ms)
        go_solo(r);
}

/* ---------------------------------------------------------------- epochs */

void rep_begin(rep *r, uint64_t epoch, Ev__EpochReason reason, bool solo, uint64_t token)
{
    assert(epoch > rep_log_epoch(r) && !r->begin_epoch && r->role != REP_ROLE_PRIMARY);
    assert(!r->locked);
    assert(!r->learning || r->begin_forced);
    rep_unfollow(r);
    r->may_resume = false;
    r->begin_epoch = epoch;
    r->begin_solo = solo || !r->peers_n;
    r->begin_token = token;
    for (size_t i = 0; i < r->peers_n; i++)
        rep_stream_stop(&r->peers[i]);
    struct rep_action *a = rep_act(r, REP_DO_BEGIN_EPOCH);
    a->epoch = epoch;
    a->reason = reason;
    a->solo = r->begin_solo;
    a->forced = r->begin_forced;
    a->token = token;
}

static void begin_reply(rep *r, exam_err code, const char *text)
{
    if (r->begin_token)
        rep_reply(r, r->begin_token, code, "W1", "%s", text);
    r->begin_token = 0;
}

void rep_epoch_open(rep *r, const struct position *last)
{
    char text[REP_TEXT_BYTES];
    assert(r->begin_epoch && last->lsn > r->durable.lsn);
    uint64_t epoch = r->begin_epoch;
    bool forced = r->begin_forced;
    r->begin_epoch = 0;
    r->begin_forced = false;
    r->last = r->durable = *last;
    r->role = REP_ROLE_PRIMARY;
    r->released_lsn = last->lsn - 1; /* what waits for no record of its own waits for the epoch's */
    r->solo = r->begin_solo;
    r->going_solo = false;
    r->solo_lsn = 0;
    r->alone_ms = r->now_ms;
    r->heir = r->lost = PEER_NONE;
    if (r->known_epoch > epoch) {
        snprintf(text, sizeof text, "epoch %llu has begun elsewhere meanwhile",
                 (unsigned long long)r->known_epoch);
        begin_reply(r, EXAM_STALE_EPOCH, text);
        rep_step_down(r);
        return;
    }
    r->known_epoch = epoch; /* not before: nobody is told of an epoch that may come to nothing */
    if (forced) { /* D7: what it has is the history from here on, and not before its log says so */
        r->learning = false;
        rep_keep(r);
    }
    snprintf(text, sizeof text, "%s serves, epoch %llu", r->node, (unsigned long long)epoch);
    begin_reply(r, EXAM_OK, text);
    rep_send_hello_all(r);
    for (size_t i = 0; i < r->peers_n && r->role == REP_ROLE_PRIMARY; i++)
        if (rep_peer_is_primary(r, &r->peers[i]))
            rep_settle_tie(r, &r->peers[i]);
    if (r->role == REP_ROLE_PRIMARY)
        release(r);
}

void rep_step_down(rep *r)
{
    assert(r->role == REP_ROLE_PRIMARY);
    r->role = REP_ROLE_FENCED;
    r->solo = r->going_solo = false;
    heir_ends(r, EXAM_STALE_EPOCH, "a higher epoch is known: another node serves");
    for (size_t i = 0; i < r->peers_n; i++)
        rep_stream_stop(&r->peers[i]);
    struct rep_action *a = rep_act(r, REP_DO_STEP_DOWN);
    a->epoch = r->known_epoch;
    rep_send_hello_all(r);
}

/* Settles a number that was begun twice. Nobody is asked for it, and two nodes may do so out of
 * contact with each other: each has numbers that no other node takes for this. With two nodes every
 * other epoch that no person attests begins in contact; of more, some may hand over to each other
 * meanwhile, and the numbers that follow the known one, and each settled one, are left to them
 * (W1). */
static void begin_above(rep *r)
{
    uint64_t nodes = r->peers_n + 1, place = 0;
    uint64_t room = nodes > 2 ? HANDOVERS_UNHEARD_MAX : 1;
    uint64_t epoch = r->known_epoch + room;
    for (size_t i = 0; i < r->peers_n; i++)
        place += strcmp(r->peers[i].name, r->node) < 0;
    while ((epoch - 1) % (nodes * room) != place * room)
        epoch++;
    rep_begin(r, epoch, EV__EPOCH_REASON__EPOCH_REASON_RESTARTED, true, 0);
}

void rep_settle_tie(rep *r, struct peer *p)
{
    if (r->role != REP_ROLE_PRIMARY || !rep_peer_is_primary(r, p))
        return;
    rep_step_down(r);
    if (strcmp(r->node, p->name) < 0)
        begin_above(r);
}

void rep_epoch_shared(rep *r, uint64_t epoch)
{
    if (r->role != REP_ROLE_PRIMARY || epoch != r->known_epoch)
        return;
    rep_step_down(r);
    begin_above(r);
}
