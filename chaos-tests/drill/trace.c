#include "trace.h"

#include <inttypes.h>
#include <string.h>

#include "duration.h"

enum { WHAT_BYTES = 400 };

void trace_begin(struct trace *t, uint64_t zero_ms)
{
    t->zero_ms = zero_ms;
}

void trace_line(struct trace *t, uint64_t now_ms, const char *who, const char *what)
{
    char at[DURATION_TEXT_BYTES];
    if (now_ms < t->zero_ms)
        return;
    duration_format(now_ms - t->zero_ms, at);
    fprintf(t->out, "%12s  %-20s %s\n", at, who, what);
}

/* ---------------------------------------------------------------- seats */

static const char *finish_text(Ev__Finish finish)
{
    switch (finish) {
    case EV__FINISH__FINISH_TIMED_OUT:
        return "the time is up";
    case EV__FINISH__FINISH_SUBMITTED:
        return "submitted";
    case EV__FINISH__FINISH_CLOSED:
        return "closed by a person";
    case EV__FINISH__FINISH_POSTPONED:
        return "postponed";
    case EV__FINISH__FINISH_ABSENT:
        return "absent";
    default:
        return "finished";
    }
}

static void attached_text(const struct seat_event *e, char *what)
{
    char used[DURATION_TEXT_BYTES], left[DURATION_TEXT_BYTES], lost[DURATION_TEXT_BYTES];
    const struct seat_account *a = &e->u.attached.account;
    duration_format(a->used_ms, used);
    duration_format(a->left_ms, left);
    duration_format(a->lost_ms, lost);
    snprintf(what, WHAT_BYTES, "%s, epoch %" PRIu64 ": used %s, left %s, lost %s",
             e->u.attached.signed_in ? "signed in" : "in contact again", e->u.attached.epoch, used,
             left, lost);
}

static void answer_text(const struct seat_event *e, char *what)
{
    static const char *const texts[] = {
        [SEAT_ANSWER_LOCAL] = "only on this seat's disk again",
        [SEAT_ANSWER_SENT] = "",
        [SEAT_ANSWER_SOLO] = "saved on one server (solo)",
        [SEAT_ANSWER_DUAL] = "saved on both servers",
        [SEAT_ANSWER_REFUSED] = "refused",
    };
    const char *text = texts[e->u.answer.state];
    if (text[0])
        snprintf(what, WHAT_BYTES, "%s %" PRIu64 " %s%s%s%s",
                 e->u.answer.submit ? "submission" : "answer", e->u.answer.seq, text,
                 e->u.answer.late ? ", late" : "", e->u.answer.text[0] ? ": " : "",
                 e->u.answer.text);
}

/* Empty: nothing that an invigilator would see. */
static void seat_text(const struct seat_event *e, char *what)
{
    what[0] = '\0';
    switch (e->kind) {
    case SEAT_EVENT_ATTACHED:
        attached_text(e, what);
        return;
    case SEAT_EVENT_LOST:
        snprintf(what, WHAT_BYTES, "out of contact: %s", e->u.problem.text);
        return;
    case SEAT_EVENT_SIGN_IN_REFUSED:
        snprintf(what, WHAT_BYTES, "sign-in refused: %s", e->u.problem.text);
        return;
    case SEAT_EVENT_SIGN_IN_NEEDED:
        snprintf(what, WHAT_BYTES, "asks the candidate to sign in again: %s", e->u.problem.text);
        return;
    case SEAT_EVENT_STARTED:
        snprintf(what, WHAT_BYTES, "the batch has started: the screen is open");
        return;
    case SEAT_EVENT_ANSWER:
        answer_text(e, what);
        return;
    case SEAT_EVENT_LOCKED:
        snprintf(what, WHAT_BYTES, "the screen is locked: no server for as long as the grace");
        return;
    case SEAT_EVENT_UNLOCKED:
        snprintf(what, WHAT_BYTES, "the screen is open again");
        return;
    case SEAT_EVENT_FINISHED:
        snprintf(what, WHAT_BYTES, "finished: %s", finish_text(e->u.finished.finish));
        return;
    case SEAT_EVENT_REOPENED:
        snprintf(what, WHAT_BYTES, "open again: the candidate has got more time");
        return;
    case SEAT_EVENT_COLLECTED:
        snprintf(what, WHAT_BYTES, "collected: the seat is free");
        return;
    case SEAT_EVENT_PROBLEM:
        snprintf(what, WHAT_BYTES, "%s", e->u.problem.text);
        return;
    case SEAT_EVENT_STATE:
        if (e->u.state.to == SEAT_PAUSED)
            snprintf(what, WHAT_BYTES, "paused");
        else if (e->u.state.from == SEAT_PAUSED && e->u.state.to == SEAT_ANSWERING)
            snprintf(what, WHAT_BYTES, "goes on after the pause");
        return;
    default:
        return;
    }
}

void trace_seat(struct trace *t, uint64_t now_ms, const struct sim_seat *s,
                const struct seat_event *e)
{
    char what[WHAT_BYTES], who[2 * NAME_BYTES_MAX + 16];
    seat_text(e, what);
    if (!what[0])
        return;
    snprintf(who, sizeof who, "seat %s %s", s->name, s->admission_no);
    trace_line(t, now_ms, who, what);
}

/* ---------------------------------------------------------------- nodes */

/* A field of a log line; "" or 0 when it has none. */
static const char *field_text(const struct oplog_field *fields, const char *key)
{
    for (; fields->key; fields++)
        if (fields->type == OPLOG_TEXT && !strcmp(fields->key, key))
            return fields->text ? fields->text : "";
    return "";
}

static uint64_t field_number(const struct oplog_field *fields, const char *key)
{
    for (; fields->key; fields++)
        if (fields->type == OPLOG_UINT && !strcmp(fields->key, key))
            return fields->number;
    return 0;
}

static void ready_text(const struct oplog_field *f, char *what)
{
    snprintf(what, WHAT_BYTES, "has started, with %" PRIu64 " records of epoch %" PRIu64,
             field_number(f, "lsn"), field_number(f, "epoch"));
}

static void epoch_text(const struct oplog_field *f, char *what)
{
    static const char *const reasons[] = {"", "founded", "switchover", "attested", "restarted"};
    uint64_t reason = field_number(f, "reason");
    const char *who = field_text(f, "who"), *why = field_text(f, "why");
    snprintf(what, WHAT_BYTES, "SERVES from here on: epoch %" PRIu64 " (%s%s)%s%s%s%s%s",
             field_number(f, "epoch"), reason < 5 ? reasons[reason] : "",
             field_number(f, "forced") ? ", forced: its log was not whole" : "",
             field_number(f, "solo") ? ", alone (solo)" : "", who[0] ? ", by " : "", who,
             why[0] ? ": " : "", why);
}

static void stepped_down_text(const struct oplog_field *f, char *what)
{
    snprintf(what, WHAT_BYTES, "serves no more: %s", field_text(f, "text"));
}

static void standby_lost_text(const struct oplog_field *f, char *what)
{
    snprintf(what, WHAT_BYTES, "has lost its standby %s, acknowledges %s", field_text(f, "peer"),
             field_text(f, "acknowledges"));
}

static void standby_in_sync_text(const struct oplog_field *f, char *what)
{
    snprintf(what, WHAT_BYTES, "has its standby %s in sync, acknowledges %s", field_text(f, "peer"),
             field_text(f, "acknowledges"));
}

static void dead_branch_text(const struct oplog_field *f, char *what)
{
    snprintf(what, WHAT_BYTES,
             "sets %" PRIu64 " records of its own apart that its successor does not have",
             field_number(f, "records"));
}

static void failed_text(const struct oplog_field *f, char *what)
{
    snprintf(what, WHAT_BYTES, "HAS FAILED (%s): %s", field_text(f, "what"), field_text(f, "text"));
}

static void power_text(const struct oplog_field *f, char *what)
{
    snprintf(what, WHAT_BYTES, "hears from its UPS: %s", field_text(f, "what"));
}

/* What the seats, or the drill's own lines, tell better. */
static void no_text(const struct oplog_field *f, char *what)
{
    (void)f;
    (void)what;
}

/* Any other line, as the log has it. */
static void log_text(const char *event, const struct oplog_field *f, char *what)
{
    int n = snprintf(what, WHAT_BYTES, "%s", event);
    for (; f->key && n > 0 && n < WHAT_BYTES; f++) {
        size_t left = (size_t)(WHAT_BYTES - n);
        if (f->type == OPLOG_UINT)
            n += snprintf(what + n, left, " %s %" PRIu64, f->key, f->number);
        else if (f->text && f->text[0])
            n += snprintf(what + n, left, " %s %s", f->key, f->text);
    }
}

static void node_text(const char *event, const struct oplog_field *f, char *what)
{
    static const struct {
        const char *event;
        void (*tell)(const struct oplog_field *f, char *what);
    } events[] = {
        {"ready", ready_text},
        {"epoch-began", epoch_text},
        {"promotion", no_text},
        {"stepped-down", stepped_down_text},
        {"standby-lost", standby_lost_text},
        {"standby-in-sync", standby_in_sync_text},
        {"dead-branch-kept", dead_branch_text},
        {"failed", failed_text},
        {"power", power_text},
        {"act", no_text},
        {"act-refused", no_text},
        {"seat-lost", no_text},
        {"sign-in-refused", no_text},
        {"attach-refused", no_text},
    };
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        if (strcmp(events[i].event, event) != 0)
            continue;
        events[i].tell(f, what);
        return;
    }
    log_text(event, f, what);
}

void trace_node(struct trace *t, uint64_t now_ms, const char *node, enum oplog_level level,
                const char *event, const struct oplog_field *fields)
{
    char what[WHAT_BYTES] = "", who[NAME_BYTES_MAX + 16];
    if (level == OPLOG_DEBUG)
        return;
    node_text(event, fields, what);
    if (!what[0])
        return;
    snprintf(who, sizeof who, "node %s", node);
    trace_line(t, now_ms, who, what);
}
