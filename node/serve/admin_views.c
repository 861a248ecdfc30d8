#include "admin_views.h"

#include <stdio.h>
#include <string.h>

#include "admin_rights.h"

enum { WARNING_BYTES_MAX = 256 };

/* protobuf-c has no const; packing only reads. */
static char *text_of(const char *text)
{
    return (char *)(uintptr_t)text;
}

const char *admin_state_word(enum exam_sitting_state s)
{
    static const char *const words[] = {
        [EXAM_SITTING_FINISHED] = "finished",   [EXAM_SITTING_EXPECTED] = "expected",
        [EXAM_SITTING_LOST] = "lost",           [EXAM_SITTING_PAUSED] = "paused",
        [EXAM_SITTING_ANSWERING] = "answering",
    };
    return words[s];
}

const char *admin_finish_word(Ev__Finish f)
{
    static const char *const words[] = {
        [EV__FINISH__FINISH_NONE] = "",
        [EV__FINISH__FINISH_TIMED_OUT] = "timed-out",
        [EV__FINISH__FINISH_SUBMITTED] = "submitted",
        [EV__FINISH__FINISH_CLOSED] = "closed",
        [EV__FINISH__FINISH_POSTPONED] = "postponed",
        [EV__FINISH__FINISH_ABSENT] = "absent",
    };
    return words[f];
}

/* ---------------------------------------------------------------- batches */

static void batch_counts(Admin__BatchInfo *out, const struct exam_batch_view *b)
{
    out->sittings = b->sittings;
    out->signed_in = b->signed_in;
    out->attached = b->attached;
    out->answering = b->answering;
    out->finished = b->finished;
    out->submitted = b->submitted;
    out->timed_out = b->timed_out;
    out->absent = b->absent;
    out->closed = b->closed;
    out->postponed = b->postponed;
    out->expected = b->expected;
    out->lost = b->lost;
    out->paused = b->paused;
    out->limits_reached = b->limits_reached;
    out->answers = b->answers;
}

/* What a person should see of it before it is too late. */
static void batch_warning(const struct admin_view *v, uint32_t batch,
                          const struct exam_batch_view *b, char *out)
{
    uint64_t end_in_ms = b->end_ms > v->now_ms ? b->end_ms - v->now_ms : 0;
    int64_t end_wall_ms = v->wall_ms + (int64_t)end_in_ms;
    bool runs = b->state == EXAM_BATCH_RUNNING || b->state == EXAM_BATCH_PAUSED;
    uint32_t next = runs ? exam_batch_runs_into(v->x, batch, end_wall_ms) : 0;
    struct exam_batch_view n;

    out[0] = '\0';
    if (b->state == EXAM_BATCH_SUSPENDED) {
        snprintf(out, WARNING_BYTES_MAX,
                 "the last server with power went down: decide whether it goes on or is postponed "
                 "(W4)");
    } else if (next != 0) {
        exam_batch_view(v->x, next, v->now_ms, &n);
        snprintf(out, WARNING_BYTES_MAX,
                 "its projected end is %lld min %lld s after the planned entry of batch %s, which "
                 "needs one of its rooms (P11)",
                 (long long)((end_wall_ms - n.entry_wall_ms) / 60000),
                 (long long)((end_wall_ms - n.entry_wall_ms) / 1000 % 60), n.batch);
    } else if (b->limits_reached > 0) {
        snprintf(out, WARNING_BYTES_MAX,
                 "%u interruptions have reached the limit and wait for a decision (R4)",
                 b->limits_reached);
    }
}

void admin_view_batch(const struct admin_view *v, uint32_t batch, Admin__BatchInfo *out,
                      char *warning)
{
    struct exam_batch_view b;

    exam_batch_view(v->x, batch, v->now_ms, &b);
    admin__batch_info__init(out);
    out->batch = text_of(b.batch);
    out->title = text_of(b.title);
    out->state = (Admin__BatchState)b.state;
    batch_counts(out, &b);
    out->allot_ms = b.allot_ms;
    out->elapsed_ms = b.elapsed_ms;
    out->lost_ms_min = b.lost_ms_min;
    out->lost_ms_median = b.lost_ms_median;
    out->lost_ms_max = b.lost_ms_max;
    out->left_ms_max = b.left_ms_max;
    out->sign_in_open = b.sign_in_open;
    out->end_in_ms = b.end_ms > v->now_ms ? b.end_ms - v->now_ms : 0;
    out->entry_wall_ms = b.entry_wall_ms;
    out->start_wall_ms = b.start_wall_ms;
    batch_warning(v, batch, &b, warning);
    out->warning = warning;
}

/* ---------------------------------------------------------------- one sitting */

static void result_put(const struct admin_view *v, const struct exam_sitting_view *s,
                       Admin__SittingResult *out)
{
    static char name[PERSON_BYTES_MAX + 1];
    admin__sitting_result__init(out);
    out->admission_no = text_of(s->admission_no);
    out->name = text_of(vault_open_name(v->vault, s, name));
    out->room = text_of(s->room);
    out->seat = text_of(s->seat);
    out->paper = text_of(s->paper);
    out->state = text_of(admin_state_word(s->state));
    out->finish = text_of(admin_finish_word(s->finish));
    out->allot_ms = s->account.allot_ms;
    out->grants_ms = s->account.grants_ms;
    out->used_ms = s->account.used_ms;
    out->left_ms = s->account.left_ms;
    out->lost_ms = s->account.lost_ms;
    out->answers = s->answers;
    out->late = s->late;
    out->interruptions = s->interruptions;
}

void admin_view_result(const struct admin_view *v, uint32_t sitting, Admin__SittingResult *out)
{
    struct exam_sitting_view s;

    exam_sitting_view(v->x, sitting, v->now_ms, &s);
    result_put(v, &s, out);
}

static uint64_t since(uint64_t at_ms, uint64_t begin_ms)
{
    return at_ms > begin_ms ? at_ms - begin_ms : 0;
}

void admin_view_sitting(const struct admin_view *v, uint32_t sitting)
{
    static Admin__InterruptionRow rows[ROWS_PER_REPLY_MAX];
    static Admin__InterruptionRow *pointers[ROWS_PER_REPLY_MAX];
    struct exam_sitting_view s;
    struct exam_interruption_view i;
    Admin__SittingResult result;
    Admin__SittingDetail d = ADMIN__SITTING_DETAIL__INIT;
    Admin__Reply r = ADMIN__REPLY__INIT;

    exam_sitting_view(v->x, sitting, v->now_ms, &s);
    result_put(v, &s, &result);
    uint32_t from = s.interruptions > ROWS_PER_REPLY_MAX ? s.interruptions - ROWS_PER_REPLY_MAX : 0;
    while (exam_interruption_at(v->x, sitting, from + (uint32_t)d.n_interruptions, &i) == EXAM_OK) {
        Admin__InterruptionRow *row = &rows[d.n_interruptions];
        admin__interruption_row__init(row);
        row->no = from + (uint32_t)d.n_interruptions + 1;
        row->from_ms = since(i.from_ms, s.begin_ms);
        row->to_ms = since(i.to_ms, s.begin_ms);
        row->lost_ms = i.lost_ms;
        row->basis = i.basis;
        row->incident = i.incident;
        row->own_doing = i.own_doing;
        pointers[d.n_interruptions++] = row;
    }
    d.result = &result;
    d.batch = text_of(s.batch);
    d.begun = s.begun;
    d.finished_ms = s.finish != EV__FINISH__FINISH_NONE ? since(s.finish_ms, s.begin_ms) : 0;
    if (s.begun)
        d.elapsed_ms =
            s.finish != EV__FINISH__FINISH_NONE ? d.finished_ms : since(v->now_ms, s.begin_ms);
    d.open_ms = s.stands_ms;
    d.interruptions = pointers;
    d.violations = s.violations;
    d.former_sessions = s.formers;
    d.limit_reached = s.limit_reached;
    r.more = true;
    r.kind_case = ADMIN__REPLY__KIND_SITTING_DETAIL;
    r.sitting_detail = &d;
    v->send(v->ctx, &r);
}

/* ---------------------------------------------------------------- incidents */

enum { INCIDENTS_PER_REPLY = 32 }; /* at most 750 bytes each */

static void send_incidents(const struct admin_view *v, Admin__IncidentRow *rows, size_t n)
{
    Admin__IncidentRow *pointers[INCIDENTS_PER_REPLY];
    Admin__IncidentRows m = ADMIN__INCIDENT_ROWS__INIT;
    Admin__Reply r = ADMIN__REPLY__INIT;

    for (size_t i = 0; i < n; i++)
        pointers[i] = &rows[i];
    m.n_rows = n;
    m.rows = pointers;
    r.more = true;
    r.kind_case = ADMIN__REPLY__KIND_INCIDENT_ROWS;
    r.incident_rows = &m;
    v->send(v->ctx, &r);
}

static void incident_put(const struct admin_view *v, uint32_t no,
                         const struct exam_incident_view *in, Admin__IncidentRow *out)
{
    admin__incident_row__init(out);
    out->incident = no;
    out->kind = in->kind;
    out->scope = in->scope;
    out->scope_name = text_of(in->scope_name);
    out->text = text_of(in->text);
    out->who = text_of(in->who);
    out->open = in->open;
    out->since_ms = since(v->now_ms, in->since_ms);
    out->closed_ms = in->open ? 0 : since(v->now_ms, in->closed_ms);
    out->notes = in->notes;
    out->interruptions = in->interruptions;
    out->lost_ms = in->lost_ms;
}

void admin_view_incidents(const struct admin_view *v, bool open_only)
{
    Admin__IncidentRow rows[INCIDENTS_PER_REPLY];
    struct exam_incident_view in;
    size_t n = 0;

    for (uint32_t i = 1; i <= exam_incidents(v->x); i++) {
        exam_incident_view(v->x, i, &in);
        if ((open_only && !in.open) || !admin_rights_sees_incident(v->person, v->x, i))
            continue;
        incident_put(v, i, &in, &rows[n++]);
        if (n == INCIDENTS_PER_REPLY) {
            send_incidents(v, rows, n);
            n = 0;
        }
    }
    if (n > 0)
        send_incidents(v, rows, n);
}

/* ---------------------------------------------------------------- seats */

static void send_seats(const struct admin_view *v, Admin__SeatRow *rows, size_t n)
{
    Admin__SeatRow *pointers[ROWS_PER_REPLY_MAX];
    Admin__SeatRows m = ADMIN__SEAT_ROWS__INIT;
    Admin__Reply r = ADMIN__REPLY__INIT;

    for (size_t i = 0; i < n; i++)
        pointers[i] = &rows[i];
    m.node = text_of(v->node);
    m.n_rows = n;
    m.rows = pointers;
    r.more = true;
    r.kind_case = ADMIN__REPLY__KIND_SEAT_ROWS;
    r.seat_rows = &m;
    v->send(v->ctx, &r);
}

static void seat_put(const struct admin_view *v, const char *seat, uint32_t sitting,
                     const struct seat_contact *c, Admin__SeatRow *out)
{
    struct exam_sitting_view s;

    admin__seat_row__init(out);
    out->seat = text_of(seat);
    out->connected = c->connected;
    out->unsent = c->unsent;
    out->unsent_known = c->unsent_known;
    out->silent_ms = c->silent_ms;
    if (sitting == 0)
        return;
    exam_sitting_view(v->x, sitting, v->now_ms, &s);
    out->admission_no = text_of(s.admission_no);
    out->state = text_of(admin_state_word(s.state));
}

void admin_view_seats(const struct admin_view *v, const char *room,
                      const struct seat_contact *by_seat)
{
    static Admin__SeatRow rows[ROWS_PER_REPLY_MAX];
    size_t n = 0;

    for (uint32_t i = 1; i <= exam_seats(v->x); i++) {
        const char *of_room, *seat;
        uint32_t sitting;
        exam_seat_view(v->x, i, &of_room, &seat, &sitting);
        if ((room[0] != '\0' && strcmp(room, of_room) != 0) ||
            !admin_rights_sees_room(v->person, of_room))
            continue;
        seat_put(v, seat, sitting, &by_seat[i], &rows[n++]);
        if (n == ROWS_PER_REPLY_MAX) {
            send_seats(v, rows, n);
            n = 0;
        }
    }
    if (n > 0)
        send_seats(v, rows, n);
}
