#include "admin_acts.h"

#include <stdio.h>

static const char *or_else(const char *text, const char *otherwise)
{
    return text[0] ? text : otherwise;
}

static struct exam_scope scope_of(const Admin__Target *t)
{
    return (struct exam_scope){.kind = t->kind, .name = t->name};
}

static const char *name_of(const Admin__Target *t)
{
    return or_else(t->name, "site");
}

/* ---------------------------------------------------------------- acts with a target */

static void pause_of(const Admin__Pause *m, const char *who, struct admin_act *out)
{
    out->command.kind = EXAM_CMD_PAUSE;
    out->command.u.pause.scope = scope_of(m->target);
    out->command.u.pause.who = or_else(m->who, who);
    out->command.u.pause.why = m->why;
    out->preview = m->preview;
    snprintf(out->done, sizeof out->done, "%s paused", name_of(m->target));
}

static void resume_of(const Admin__Resume *m, const char *who, struct admin_act *out)
{
    out->command.kind = EXAM_CMD_RESUME;
    out->command.u.pause.scope = scope_of(m->target);
    out->command.u.pause.who = or_else(m->who, who);
    out->command.u.pause.why = m->why;
    out->preview = m->preview;
    snprintf(out->done, sizeof out->done, "%s resumed", name_of(m->target));
}

static void grant_of(const Admin__Grant *m, const char *who, struct admin_act *out)
{
    out->command.kind = EXAM_CMD_GRANT;
    out->command.u.grant.scope = scope_of(m->target);
    out->command.u.grant.ms = m->ms;
    out->command.u.grant.who = or_else(m->who, who);
    out->command.u.grant.why = m->why;
    out->preview = m->preview;
    snprintf(out->done, sizeof out->done, "%lld ms granted to %s", (long long)m->ms,
             name_of(m->target));
}

static void move_of(const Admin__Move *m, const char *who, struct admin_act *out)
{
    out->command.kind = EXAM_CMD_MOVE;
    out->command.u.move.admission_no = m->admission_no;
    out->command.u.move.seat = m->seat;
    out->command.u.move.who = or_else(m->who, who);
    out->command.u.move.why = m->why;
    out->preview = m->preview;
    snprintf(out->done, sizeof out->done, "candidate %s moved to seat %s: sign in there",
             m->admission_no, m->seat);
}

static void violation_of(const Admin__Violation *m, const char *who, struct admin_act *out)
{
    out->command.kind = EXAM_CMD_VIOLATION;
    out->command.u.violation.admission_no = m->admission_no;
    out->command.u.violation.text = m->text;
    out->command.u.violation.who = or_else(m->who, who);
    snprintf(out->done, sizeof out->done, "violation of candidate %s noted", m->admission_no);
}

/* ---------------------------------------------------------------- batches, incidents */

static void postpone_of(const Admin__Postpone *m, const char *who, struct admin_act *out)
{
    out->command.kind = EXAM_CMD_BATCH_POSTPONE;
    out->command.u.batch_act.batch = m->batch;
    out->command.u.batch_act.who = or_else(m->who, who);
    out->command.u.batch_act.why = m->why;
    out->preview = m->preview;
    snprintf(out->done, sizeof out->done, "batch %s postponed", m->batch);
}

static void unsuspend_of(const Admin__SuspendedDecision *m, const char *who, struct admin_act *out)
{
    out->command.kind = EXAM_CMD_BATCH_UNSUSPEND;
    out->command.u.batch_act.batch = m->batch;
    out->command.u.batch_act.who = or_else(m->who, who);
    out->command.u.batch_act.why = m->why;
    out->preview = m->preview;
    snprintf(out->done, sizeof out->done, "batch %s goes on", m->batch);
}

static void incident_open_of(const Admin__IncidentOpen *m, const char *who, struct admin_act *out)
{
    out->command.kind = EXAM_CMD_INCIDENT_OPEN;
    out->command.u.incident_open.kind = m->kind;
    out->command.u.incident_open.scope = scope_of(m->target);
    out->command.u.incident_open.text = m->text;
    out->command.u.incident_open.who = or_else(or_else(m->who, who), "(unnamed)");
    snprintf(out->done, sizeof out->done, "incident opened for %s", name_of(m->target));
}

static void incident_close_of(const Admin__IncidentClose *m, const char *who, struct admin_act *out)
{
    out->command.kind = EXAM_CMD_INCIDENT_CLOSE;
    out->command.u.incident.incident = m->incident;
    out->command.u.incident.text = m->text;
    out->command.u.incident.who = or_else(or_else(m->who, who), "(unnamed)");
    snprintf(out->done, sizeof out->done, "incident %u closed", m->incident);
}

static void incident_note_of(const Admin__IncidentNote *m, const char *who, struct admin_act *out)
{
    out->command.kind = EXAM_CMD_INCIDENT_NOTE;
    out->command.u.incident.incident = m->incident;
    out->command.u.incident.text = m->text;
    out->command.u.incident.who = or_else(m->who, who);
    snprintf(out->done, sizeof out->done, "noted in incident %u", m->incident);
}

/* ---------------------------------------------------------------- interruptions */

static void limit_decide_of(const Admin__LimitDecide *m, const char *who, struct admin_act *out)
{
    out->command.kind = EXAM_CMD_LIMIT_DECIDE;
    out->command.u.limit_decide.admission_no = m->admission_no;
    out->command.u.limit_decide.text = m->text;
    out->command.u.limit_decide.who = or_else(m->who, who);
    snprintf(out->done, sizeof out->done, "decision about candidate %s recorded", m->admission_no);
}

static void own_doing_of(const Admin__OwnDoing *m, const char *who, struct admin_act *out)
{
    out->command.kind = EXAM_CMD_OWN_DOING;
    out->command.u.own_doing.admission_no = m->admission_no;
    out->command.u.own_doing.interruption = m->interruption;
    out->command.u.own_doing.who = or_else(m->who, who);
    out->command.u.own_doing.why = m->why;
    snprintf(out->done, sizeof out->done,
             "interruption %u of candidate %s marked as the candidate's own doing", m->interruption,
             m->admission_no);
}

bool admin_act_of(const Admin__Request *m, const char *who, struct admin_act *out)
{
    *out = (struct admin_act){.preview = false};
    switch (m->kind_case) {
    case ADMIN__REQUEST__KIND_PAUSE:
        pause_of(m->pause, who, out);
        return true;
    case ADMIN__REQUEST__KIND_RESUME:
        resume_of(m->resume, who, out);
        return true;
    case ADMIN__REQUEST__KIND_GRANT:
        grant_of(m->grant, who, out);
        return true;
    case ADMIN__REQUEST__KIND_MOVE:
        move_of(m->move, who, out);
        return true;
    case ADMIN__REQUEST__KIND_VIOLATION:
        violation_of(m->violation, who, out);
        return true;
    case ADMIN__REQUEST__KIND_POSTPONE:
        postpone_of(m->postpone, who, out);
        return true;
    case ADMIN__REQUEST__KIND_SUSPENDED_DECISION:
        unsuspend_of(m->suspended_decision, who, out);
        return true;
    case ADMIN__REQUEST__KIND_INCIDENT_OPEN:
        incident_open_of(m->incident_open, who, out);
        return true;
    case ADMIN__REQUEST__KIND_INCIDENT_CLOSE:
        incident_close_of(m->incident_close, who, out);
        return true;
    case ADMIN__REQUEST__KIND_INCIDENT_NOTE:
        incident_note_of(m->incident_note, who, out);
        return true;
    case ADMIN__REQUEST__KIND_LIMIT_DECIDE:
        limit_decide_of(m->limit_decide, who, out);
        return true;
    case ADMIN__REQUEST__KIND_OWN_DOING:
        own_doing_of(m->own_doing, who, out);
        return true;
    default:
        return false;
    }
}

/* ---------------------------------------------------------------- previews */

void admin_preview_emit(void *ctx, const Ev__Event *event)
{
    struct admin_preview *p = ctx;
    switch (event->kind_case) {
    case EV__EVENT__KIND_MARKED:
        p->marked += (uint32_t)event->marked->n_sitting;
        break;
    case EV__EVENT__KIND_CREDITED:
        p->credited += (uint32_t)event->credited->n_sitting;
        break;
    case EV__EVENT__KIND_FINISHED:
        p->finished += (uint32_t)event->finished->n_sitting;
        break;
    case EV__EVENT__KIND_GRANTED:
        p->granted += (uint32_t)event->granted->n_sitting;
        break;
    default:
        p->acts++;
    }
}

enum { SPAN_TEXT_BYTES = 48 };

/* "+5:00", "-0:30.250": as people write a grant. */
static void span_text(int64_t ms, char out[SPAN_TEXT_BYTES])
{
    uint64_t span_ms = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    int n =
        snprintf(out, SPAN_TEXT_BYTES, "%c%llu:%02llu", ms < 0 ? '-' : '+',
                 (unsigned long long)(span_ms / 60000), (unsigned long long)(span_ms / 1000 % 60));
    if (span_ms % 1000)
        snprintf(out + n, SPAN_TEXT_BYTES - (size_t)n, ".%03llu",
                 (unsigned long long)(span_ms % 1000));
}

void admin_preview_text(const struct admin_preview *p, const struct admin_act *act, char *text,
                        size_t bytes)
{
    char span[SPAN_TEXT_BYTES];
    switch (act->command.kind) {
    case EXAM_CMD_PAUSE:
        snprintf(text, bytes, "%u clocks would stop at once, and those of seats out of contact",
                 p->marked);
        return;
    case EXAM_CMD_RESUME:
    case EXAM_CMD_BATCH_UNSUSPEND:
        snprintf(text, bytes,
                 "%u clocks would go on at once; seats out of contact go on when they attach",
                 p->credited);
        return;
    case EXAM_CMD_GRANT:
        span_text(act->command.u.grant.ms, span);
        snprintf(text, bytes, "%s to each of %u candidate%s", span, p->granted,
                 p->granted == 1 ? "" : "s");
        return;
    case EXAM_CMD_BATCH_POSTPONE:
        snprintf(text, bytes,
                 "%u sittings would end for good as postponed; their answers stay sealed",
                 p->finished);
        return;
    case EXAM_CMD_MOVE:
        snprintf(text, bytes,
                 "candidate %s would go on at seat %s from the last mark; the old seat is shut out",
                 act->command.u.move.admission_no, act->command.u.move.seat);
        return;
    default:
        snprintf(text, bytes, "it can be done");
    }
}
