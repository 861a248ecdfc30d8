#include "watch.h"

#include <stdlib.h>
#include <string.h>

#include "check_accounts.h"
#include "check_replicas.h"
#include "promises.h"
#include "rep.h"
#include "stage.h"

/* ---------------------------------------------------------------- answers by name */

int watch_answer_of(const struct history *h, const uint8_t *value, size_t bytes)
{
    uint32_t n = 0;
    if (bytes < 2 || bytes > 6 || value[0] != 'v')
        return SAVED_NONE;
    for (size_t i = 1; i < bytes; i++) {
        if (value[i] < '0' || value[i] > '9')
            return SAVED_NONE;
        n = 10 * n + (uint32_t)(value[i] - '0');
    }
    return n < h->saved.n ? (int)n : SAVED_NONE;
}

int watch_answer_at(const struct history *h, uint32_t seat, uint64_t seq)
{
    for (uint32_t i = h->saved.n; i-- > 0;)
        if (h->saved.answers[i].seat == seat && h->saved.answers[i].version.seq == seq)
            return (int)i;
    return SAVED_NONE;
}

/* The number of the field that an encoded event begins with: its kind. */
uint32_t watch_kind_of(const struct record *r)
{
    return codec_event_kind(r->event, r->event_bytes);
}

bool watch_is_answer(const struct record *r)
{
    return watch_kind_of(r) == EV__EVENT__KIND_ANSWERED;
}

int watch_answer_in(struct history *h, const struct record *r)
{
    const Ev__Event *e;
    uint32_t kind = watch_kind_of(r);
    if (kind != EV__EVENT__KIND_ANSWERED && kind != EV__EVENT__KIND_RECOVERED)
        return SAVED_NONE;
    if (codec_event(&h->arena, r->event, r->event_bytes, &e, NULL))
        return SAVED_NONE;
    const Ev__Answered *a =
        e->kind_case == EV__EVENT__KIND_ANSWERED ? e->answered : e->recovered->answered;
    /* What was refused is kept in the log, and no answer of the candidate's (T10). */
    return a && !a->refused ? watch_answer_of(h, a->value.data, a->value.len) : SAVED_NONE;
}

/* ---------------------------------------------------------------- disks */

static void look_at_record(struct history *h, uint32_t node, const store_image *disk, bool branch,
                           size_t i)
{
    struct record r;
    store_image_record_at(disk, branch, i, &r);
    int answer = watch_answer_in(h, &r);
    if (answer != SAVED_NONE)
        saved_seen(&h->saved, (uint32_t)answer, node, h->epochs.heard[node]);
}

/* The log up to where it was read last has been cut, or replaced: it is read again. */
static bool is_another_log(const struct disk_seen *seen, const store_image *disk, size_t n)
{
    struct record r;
    if (!seen->records)
        return false;
    if (n < seen->records)
        return true;
    store_image_record_at(disk, false, seen->records - 1, &r);
    return memcmp(r.hash, seen->hash, HASH_BYTES) != 0;
}

static void look_at_disk(struct history *h, uint32_t node)
{
    const store_image *disk = world_disk(h->w, node);
    struct disk_seen *seen = &h->disks[node];
    size_t n = store_image_records(disk, false), branches_n = store_image_records(disk, true);
    struct record r;
    if (is_another_log(seen, disk, n) || branches_n < seen->branch_records)
        *seen = (struct disk_seen){0};
    for (size_t i = seen->records; i < n; i++)
        look_at_record(h, node, disk, false, i);
    for (size_t i = seen->branch_records; i < branches_n; i++)
        look_at_record(h, node, disk, true, i);
    if (n > seen->records) {
        seen->grew_ms = world_now_ms(h->w);
        store_image_record_at(disk, false, n - 1, &r);
        memcpy(seen->hash, r.hash, HASH_BYTES);
    }
    seen->records = n;
    seen->branch_records = branches_n;
}

static void look_at_disks(struct history *h)
{
    for (uint32_t i = 0; i < h->plan->site.nodes_n; i++)
        look_at_disk(h, i);
}

/* ---------------------------------------------------------------- seats */

static int candidate_at(const struct history *h, uint32_t seat)
{
    const struct sim_seat *s = world_seat(h->w, seat);
    const char *no = s->core ? seat_core_admission_no(s->core) : "";
    for (uint32_t i = 0; i < h->plan->site.candidates_n; i++)
        if (!strcmp(stage_candidate_name(i), no))
            return (int)i;
    return -1;
}

static void take_answer(struct history *h, uint32_t seat, const struct seat_event *e)
{
    char what[400];
    int answer = watch_answer_at(h, seat, e->u.answer.seq);
    if (e->u.answer.submit || answer == SAVED_NONE)
        return;
    struct saved_answer *a = &h->saved.answers[answer];
    /* Whoever has taken it has it for ever, whatever another node says; but of what nobody was told
     * is saved, and no node has, one that does not know of the time it was made in may refuse it.
     */
    if (e->u.answer.state == SEAT_ANSWER_REFUSED)
        a->refused =
            !a->solo && !a->dual && !(a->held & ((UINT32_C(1) << h->plan->site.nodes_n) - 1));
    if (e->u.answer.state != SEAT_ANSWER_SOLO && e->u.answer.state != SEAT_ANSWER_DUAL)
        return;
    look_at_disks(h);
    if (!saved_told(&h->saved, (uint32_t)answer, e->u.answer.state == SEAT_ANSWER_DUAL,
                    seat_core_epoch_seen(world_seat(h->w, seat)->core), what, sizeof what))
        history_fail_what(h, what);
    if (e->u.answer.state == SEAT_ANSWER_SOLO)
        promises_solo(h, seat, (uint32_t)answer);
}

/* What the node that the seat is in contact with has of the candidate. */
static bool view_there(const struct history *h, uint32_t candidate, uint32_t seat,
                       struct exam_sitting_view *out)
{
    uint32_t node = seat_core_node(world_seat(h->w, seat)->core), sitting;
    struct node *n = node < h->plan->site.nodes_n ? world_node(h->w, node) : NULL;
    if (!n || exam_find_sitting(node_exam(n), stage_candidate_name(candidate), &sitting))
        return false;
    exam_sitting_view(node_exam(n), sitting, node_site_ms(n), out);
    return true;
}

/* T10: its account has ended in the history of the node that the seat is in contact with, whatever
 * another one has charged since. */
static bool has_submitted_there(const struct history *h, uint32_t candidate, uint32_t seat)
{
    struct exam_sitting_view v;
    return view_there(h, candidate, seat, &v) && v.finish == EV__FINISH__FINISH_SUBMITTED;
}

/* T11: in that history the sitting goes on elsewhere from its last mark. The person who has moved
 * it need not know: the reply was not given while the node waited for its standby (A1). */
static bool is_moved_there(const struct history *h, uint32_t candidate, uint32_t seat)
{
    struct exam_sitting_view v;
    return view_there(h, candidate, seat, &v) && strcmp(v.seat, stage_seat_name(seat)) != 0;
}

/* What such a seat is told is no matter of the candidate's any more (T11). */
static bool has_left(const struct history *h, uint32_t candidate, uint32_t seat)
{
    return h->left[seat] || h->sits_at[candidate] != seat;
}

/* A sitting that was closed in another history, or closed or moved before its seat's next word:
 * then at its last mark, and a notice is none (T7, T11). */
static bool may_go_back(const struct history *h, uint32_t candidate, uint32_t seat,
                        uint64_t used_ms)
{
    bool forgotten = h->two_served || h->attested_once || plan_takes_disks(h->plan);
    bool has_its_marks = used_ms >= h->screens[candidate].told_used_ms;
    return (h->collected && (forgotten || has_its_marks)) ||
           (has_its_marks && is_moved_there(h, candidate, seat)) ||
           (forgotten && has_submitted_there(h, candidate, seat));
}

static void note_told_at(struct history *h, struct told_at *at, uint32_t seat)
{
    struct record last;
    *at = (struct told_at){.node = seat_core_node(world_seat(h->w, seat)->core), .seat = seat};
    if (at->node >= h->plan->site.nodes_n)
        return;
    const store_image *disk = world_disk(h->w, at->node);
    size_t n = store_image_records(disk, false);
    if (!n)
        return;
    store_image_record_at(disk, false, n - 1, &last);
    at->lsn = last.lsn;
    memcpy(at->hash, last.hash, HASH_BYTES);
}

static void take_used(struct history *h, uint32_t seat, bool mark, uint64_t used_ms,
                      uint64_t left_ms)
{
    char what[200];
    int candidate = candidate_at(h, seat);
    if (candidate < 0 || has_left(h, (uint32_t)candidate, seat))
        return; /* nor does it count when the candidate is back */
    uint64_t before_ms = h->screens[candidate].told_used_ms;
    bool told =
        screens_told(&h->screens[candidate], seat, mark, used_ms, left_ms, what, sizeof what);
    if (h->screens[candidate].told_used_ms > before_ms)
        note_told_at(h, &h->told_at[candidate], seat);
    if (!told && !may_go_back(h, (uint32_t)candidate, seat, used_ms))
        history_fail(h, "T12", "candidate %s at seat %s: %s",
                     stage_candidate_name((uint32_t)candidate), stage_seat_name(seat), what);
}

/* How long ago the node decided what opens this screen now: its clock has run since. A frame takes
 * its time, and so does what waits until a standby has it (A1). Whether an attachment has opened it
 * or a notice is not seen here: the longer time is taken. */
static bool attaches(struct history *h, const struct record *r, uint32_t sitting)
{
    const Ev__Event *e;
    uint32_t kind = watch_kind_of(r);
    if ((kind != EV__EVENT__KIND_SIGNED_IN && kind != EV__EVENT__KIND_ATTACHED) ||
        codec_event(&h->arena, r->event, r->event_bytes, &e, NULL))
        return false;
    return sitting == (e->kind_case == EV__EVENT__KIND_SIGNED_IN ? e->signed_in->sitting
                                                                 : e->attached->sitting);
}

static bool gives_notice(uint32_t kind)
{
    return kind == EV__EVENT__KIND_BATCH_STARTED || kind == EV__EVENT__KIND_RESUMED ||
           kind == EV__EVENT__KIND_GRANTED || kind == EV__EVENT__KIND_BATCH_UNSUSPENDED;
}

static uint64_t on_its_way_ms(struct history *h, uint32_t candidate, uint32_t node)
{
    enum { NOTICE_MS_MAX = 10000 };
    struct node *n = node < h->plan->site.nodes_n ? world_node(h->w, node) : NULL;
    const store_image *disk = n ? world_disk(h->w, node) : NULL;
    uint64_t now_ms = n ? node_site_ms(n) : 0, longest_ms = 0;
    uint32_t sitting;
    bool attached = false;
    if (n && exam_find_sitting(node_exam(n), stage_candidate_name(candidate), &sitting))
        return 0;
    for (size_t i = n ? store_image_records(disk, false) : 0; i-- > 0;) {
        struct record r;
        store_image_record_at(disk, false, i, &r);
        uint64_t at_ms = exam_epoch_base_ms(node_exam(n)) + r.at_ms;
        uint64_t ago_ms = now_ms > at_ms ? now_ms - at_ms : 0;
        if (r.epoch != exam_epoch(node_exam(n)) || (attached && ago_ms > NOTICE_MS_MAX))
            break;
        bool attaches_now = !attached && attaches(h, &r, sitting);
        bool counts = attaches_now || (gives_notice(watch_kind_of(&r)) && ago_ms <= NOTICE_MS_MAX);
        attached |= attaches_now;
        if (counts && ago_ms > longest_ms)
            longest_ms = ago_ms;
    }
    return longest_ms;
}

/* Known (README): a submission that waits, for a standby or for room on a disk, is booked when it
 * is decided. */
static void submission_is_over(struct history *h, uint32_t seat, uint32_t candidate)
{
    if (h->submitted_ms[seat])
        h->screens[candidate].slack_ms += world_now_ms(h->w) - h->submitted_ms[seat];
    h->submitted_ms[seat] = 0;
}

static void take_state(struct history *h, uint32_t seat, const struct seat_event *e)
{
    int candidate = candidate_at(h, seat);
    bool open = e->u.state.to == SEAT_ANSWERING;
    for (uint32_t i = 0; i < h->plan->site.candidates_n; i++)
        screens_set(&h->screens[i], seat, open && (int)i == candidate, world_now_ms(h->w));
    if (open && candidate >= 0 && h->attached_ms[seat] != world_now_ms(h->w))
        h->screens[candidate].slack_ms +=
            on_its_way_ms(h, (uint32_t)candidate, seat_core_node(world_seat(h->w, seat)->core));
    if (e->u.state.to == SEAT_SUBMITTING)
        h->submitted_ms[seat] = world_now_ms(h->w);
    if (e->u.state.from == SEAT_SUBMITTING && candidate >= 0)
        submission_is_over(h, seat, (uint32_t)candidate);
}

/* True once for each boot: what the seat had been told and not flushed, it may have forgotten. */
static bool has_booted(struct history *h, uint32_t seat)
{
    uint32_t boots = world_seat(h->w, seat)->boots;
    bool news = boots != h->seat_boots[seat];
    h->seat_boots[seat] = boots;
    return news;
}

bool watch_is_apart(const struct history *h, uint32_t node, const struct told_at *told)
{
    const store_image *disk = world_disk(h->w, node);
    struct record same;
    if (!told->lsn || told->lsn > store_image_records(disk, false))
        return true;
    store_image_record_at(disk, false, told->lsn - 1, &same);
    return memcmp(same.hash, told->hash, HASH_BYTES) != 0;
}

/* T2: to this node the candidate comes late: that he had sat down is in a branch apart, and the
 * seat that could have shown it (T12) has lost its disk. */
static void take_first_sign_in(struct history *h, uint32_t candidate, uint32_t seat,
                               const struct seat_event *e)
{
    struct told_at *at = &h->sat_at[candidate];
    bool had_sat = h->screens[candidate].sat_down;
    if (had_sat &&
        !(e->u.attached.signed_in && at->gone && watch_is_apart(h, e->u.attached.node, at)))
        return;
    if (had_sat)
        screens_late_again(&h->screens[candidate], world_now_ms(h->w));
    note_told_at(h, at, seat);
}

static void take_attached(struct history *h, uint32_t seat, const struct seat_event *e)
{
    int candidate = candidate_at(h, seat);
    h->attached_to[seat] = seat_core_node(world_seat(h->w, seat)->core);
    if (candidate < 0)
        return;
    bool had_sat = h->screens[candidate].sat_down;
    promises_attached(h, seat, e->u.attached.epoch, e->u.attached.signed_in);
    h->signed_in_again[candidate] |= e->u.attached.signed_in && had_sat;
    take_first_sign_in(h, (uint32_t)candidate, seat, e);
    screens_attached(&h->screens[candidate], seat, e->u.attached.signed_in || has_booted(h, seat),
                     world_now_ms(h->w));
    h->attached_ms[seat] = world_now_ms(h->w);
    h->left[seat] = !e->u.attached.attachment_epoch; /* a former session's, of a decided move */
    h->screens[candidate].slack_ms += on_its_way_ms(h, (uint32_t)candidate, e->u.attached.node);
    if (!had_sat)
        promises_sat_down(h, (uint32_t)candidate, e->u.attached.account.used_ms,
                          e->u.attached.account.left_ms);
    take_used(h, seat, true, e->u.attached.account.used_ms, e->u.attached.account.left_ms);
}

void watch_seat(void *ctx, uint32_t seat, const struct seat_event *e)
{
    struct history *h = ctx;
    history_note(h, 's', seat, e->kind);
    switch (e->kind) {
    case SEAT_EVENT_ANSWER:
        take_answer(h, seat, e);
        break;
    case SEAT_EVENT_ATTACHED:
        take_attached(h, seat, e);
        break;
    case SEAT_EVENT_ACCOUNT:
        take_used(h, seat, !e->u.account.full, e->u.account.account.used_ms,
                  e->u.account.account.left_ms);
        break;
    case SEAT_EVENT_STATE:
        take_state(h, seat, e);
        break;
    case SEAT_EVENT_SIGN_IN_REFUSED:
        promises_sign_in_refused(h, seat, e->u.problem.code);
        break;
    case SEAT_EVENT_COLLECTED:
        look_at_disks(h);
        if (e->u.collected.keep)
            break;
        promises_discarded(h, seat);
        promises_seat_wiped(h, seat);
        saved_discarded(&h->saved, h->plan->site.nodes_n + seat, h->attached_to[seat]);
        break;
    default:
        break;
    }
    if (h->told)
        trace_seat(&h->trace, world_now_ms(h->w), world_seat(h->w, seat), e);
}

/* ---------------------------------------------------------------- nodes */

static uint64_t field_of(const struct oplog_field *fields, const char *key)
{
    for (; fields->key; fields++)
        if (fields->type == OPLOG_UINT && !strcmp(fields->key, key))
            return fields->number;
    return 0;
}

/* The newest epoch in the log up to record `n`, which becomes the number of records before it. */
static struct epoch_name epoch_before(const store_image *disk, size_t *n)
{
    struct record r;
    while (*n > 0) {
        store_image_record_at(disk, false, --*n, &r);
        if (watch_kind_of(&r) == EV__EVENT__KIND_EPOCH_BEGAN)
            return (struct epoch_name){r.epoch, record_tag(r.hash)};
    }
    return (struct epoch_name){0};
}

/* It has all that the primary had when that was looked at last: no learner any more (D7). */
static bool is_level(const struct history *h, uint32_t node, uint32_t primary)
{
    const store_image *ours = world_disk(h->w, node), *theirs = world_disk(h->w, primary);
    size_t n = store_image_records(ours, false), theirs_n = store_image_records(theirs, false);
    struct record mine, same;
    if (!n || n < h->disks[primary].records)
        return false;
    if (n > theirs_n)
        n = theirs_n;
    store_image_record_at(ours, false, n - 1, &mine);
    store_image_record_at(theirs, false, n - 1, &same);
    return !memcmp(mine.hash, same.hash, HASH_BYTES);
}

static void look_if_level(struct history *h, uint32_t node, uint32_t primary)
{
    if (node == primary || !is_level(h, node, primary))
        return;
    h->learner[node] = false;
    promises_level(h, node);
}

static void take_epoch(struct history *h, uint32_t node, const struct oplog_field *fields)
{
    char what[200];
    const store_image *disk = world_disk(h->w, node);
    size_t n = store_image_records(disk, false);
    struct epoch_begun b = {.node = node};
    uint64_t reason = field_of(fields, "reason");
    bool person = b.person = reason == EV__EPOCH_REASON__EPOCH_REASON_ATTESTED;
    b.switchover = reason == EV__EPOCH_REASON__EPOCH_REASON_SWITCHOVER;
    b.name = epoch_before(disk, &n);
    size_t records = n;
    b.before = epoch_before(disk, &n);
    if (!epochs_began(&h->epochs, &b, what, sizeof what))
        history_fail_what(h, what);
    if (h->learner[node] && field_of(fields, "reason") == EV__EPOCH_REASON__EPOCH_REASON_RESTARTED)
        history_fail(h, "D7", "node %s has lost its disk, and serves by itself",
                     stage_node_name(node));
    /* Who has handed over in order has told nobody that it was level with it. */
    for (uint32_t i = 0; b.switchover && i < h->plan->site.nodes_n; i++)
        if (!h->learner[i])
            look_if_level(h, node, i);
    h->attested_once |= person;
    if (person) /* what it has is the history: it settles a number on that, not by itself */
        h->learner[node] = false;
    h->saved.twins = h->epochs.twins;
    if (field_of(fields, "forced"))
        promises_forced(h, node, records);
    promises_epoch(h, node, &b, reason);
    h->serves[node] = true;
}

/* A primary says that it was level with it, and its disk shows it (D7). */
static void take_in_sync(struct history *h, uint32_t node, const struct oplog_field *fields)
{
    for (; fields->key; fields++)
        if (fields->type == OPLOG_TEXT && !strcmp(fields->key, "peer"))
            look_if_level(h, (uint32_t)(fields->text[0] - 'A'), node);
}

void watch_node(void *ctx, uint32_t node, enum oplog_level level, const char *event,
                const struct oplog_field *fields)
{
    struct history *h = ctx;
    if (!h->w)
        return;
    history_note(h, 'n', node, (uint32_t)strlen(event));
    if (!strcmp(event, "epoch-began")) {
        look_at_disks(h); /* what came before it heard of this epoch (D3) */
        take_epoch(h, node, fields);
    }
    if (!strcmp(event, "standby-in-sync"))
        take_in_sync(h, node, fields);
    if (h->told)
        trace_node(&h->trace, world_now_ms(h->w), stage_node_name(node), level, event, fields);
}

void watch_epochs(struct history *h)
{
    for (uint32_t i = 0; i < h->plan->site.nodes_n; i++) {
        struct node *n = world_node(h->w, i);
        if (n)
            epochs_heard(&h->epochs, i, rep_epoch(node_rep(n)));
    }
}

/* ---------------------------------------------------------------- the end of a step */

/* A node that was level with a primary is no learner any more (D7); a primary may not have noticed
 * yet that one has lost its disk. */
static void look_at_learners(struct history *h, uint32_t node, const rep *r)
{
    if (rep_role(r) != REP_ROLE_PRIMARY)
        return;
    h->learner[node] = false;
    for (size_t i = 0; i < rep_peers(r); i++) {
        struct rep_peer_status p;
        rep_peer_status(r, i, 0, &p);
        uint32_t other = (uint32_t)(p.node[0] - 'A');
        struct node *n = world_node(h->w, other);
        if (!p.in_sync || !n || rep_is_learning(node_rep(n)))
            continue;
        h->learner[other] = false;
        look_if_level(h, other, node);
    }
}

static void look_at_node(struct history *h, uint32_t node)
{
    char what[300];
    struct node *n = world_node(h->w, node);
    promises_look(h, node);
    if (!n)
        return;
    const rep *r = node_rep(n);
    look_at_learners(h, node, r);
    if (rep_role(r) == REP_ROLE_PRIMARY &&
        !epochs_serves(&h->epochs, node, rep_epoch(r), what, sizeof what))
        history_fail_what(h, what);
    if (node_failure(n) && rep_role(r) == REP_ROLE_PRIMARY)
        history_fail(h, "D6", "node %s has failed and serves", stage_node_name(node));
    if (!check_accounts(node_exam(n), node_site_ms(n), what, sizeof what))
        history_fail(h, "D5", "node %s: %s", stage_node_name(node), what);
}

/* A PC that has died shows nothing. */
static void look_at_seat(struct history *h, uint32_t seat)
{
    if (sim_seat_is_on(world_seat(h->w, seat)))
        return;
    for (uint32_t i = 0; i < h->plan->site.candidates_n; i++) {
        screens_set(&h->screens[i], seat, false, world_now_ms(h->w));
        if (h->sits_at[i] == seat)
            submission_is_over(h, seat, i);
    }
}

static void look_who_serves(struct history *h)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < h->plan->site.nodes_n; i++) {
        struct node *node = world_node(h->w, i);
        h->serves[i] = node && rep_role(node_rep(node)) == REP_ROLE_PRIMARY;
        n += h->serves[i];
    }
    h->two_served |= n > 1;
}

/* While frames are under way, or lost, two that are in contact may not have heard of each other,
 * for a while (W1); states are never excused (D4). */
static void look_at_replicas(struct history *h)
{
    enum { UNHEARD_MS_MAX = 10000 };
    char what[300];
    if (check_replicas(h->w, &h->replicas, what, sizeof what)) {
        h->clash_ms = 0;
        return;
    }
    bool under_way =
        h->two_served && (plan_has_node_weather(h->plan) || plan_has_node_mutes(h->plan));
    if (!h->clash_ms)
        h->clash_ms = world_now_ms(h->w);
    if (!under_way || strstr(what, "(D4") || world_now_ms(h->w) - h->clash_ms > UNHEARD_MS_MAX)
        history_fail_what(h, what);
}

void watch_look(struct history *h)
{
    look_who_serves(h);
    for (uint32_t i = 0; i < h->plan->site.seats_n; i++)
        look_at_seat(h, i);
    look_at_disks(h);
    for (uint32_t i = 0; i < h->plan->site.seats_n; i++)
        promises_look_at_seat(h, i);
    for (uint32_t i = 0; i < h->plan->site.nodes_n; i++)
        look_at_node(h, i);
    look_at_replicas(h);
    watch_epochs(h);
}
