#include "admin_rights.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    ADMINISTRATOR = 1u << KEY_ROLE_ADMINISTRATOR,
    INVIGILATOR = 1u << KEY_ROLE_INVIGILATOR, /* about what is in their rooms */
    REVIEWER = 1u << KEY_ROLE_REVIEWER,
    OFFICE = 1u << KEY_ROLE_OFFICE,
    ALL_ROOMS = ADMINISTRATOR | REVIEWER | OFFICE,
    EVERYBODY = ADMINISTRATOR | INVIGILATOR | REVIEWER | OFFICE,
};

struct right {
    const char *name; /* NULL: of no such request */
    unsigned roles;
    bool act;
};

/* Who decides what, R4: an invigilator what can be seen in a room and taken back; the office what
 * the rules leave to it; an administrator all of it. */
static const struct right rights[] = {
    [ADMIN__REQUEST__KIND_STATUS] = {"the status", EVERYBODY, false},
    [ADMIN__REQUEST__KIND_BATCH_STATUS] = {"a batch's status", EVERYBODY, false},
    [ADMIN__REQUEST__KIND_INCIDENTS] = {"the incidents", EVERYBODY, false},
    [ADMIN__REQUEST__KIND_SEATS] = {"the seats", EVERYBODY, false},
    [ADMIN__REQUEST__KIND_SITTING_SHOW] = {"a candidate's account and answers", EVERYBODY, false},
    [ADMIN__REQUEST__KIND_RECEIPT] = {"a candidate's receipt", EVERYBODY, false},
    [ADMIN__REQUEST__KIND_RESULTS] = {"the export of results", ALL_ROOMS, false},
    [ADMIN__REQUEST__KIND_PROPOSALS] = {"the list of proposals", ALL_ROOMS, false},
    [ADMIN__REQUEST__KIND_FOUND] = {"founding a site", ADMINISTRATOR, true},
    [ADMIN__REQUEST__KIND_PROMOTE] = {"a promotion", ADMINISTRATOR, true},
    [ADMIN__REQUEST__KIND_UNLOCK] = {"unlocking", ADMINISTRATOR, true},
    [ADMIN__REQUEST__KIND_IMPORT_BEGIN] = {"an import", ADMINISTRATOR | OFFICE, false},
    [ADMIN__REQUEST__KIND_IMPORT_PART] = {"an import", ADMINISTRATOR | OFFICE, false},
    [ADMIN__REQUEST__KIND_IMPORT_COMMIT] = {"an import", ADMINISTRATOR | OFFICE, true},
    [ADMIN__REQUEST__KIND_BATCH_START] = {"the start of a batch", ADMINISTRATOR, true},
    [ADMIN__REQUEST__KIND_BATCH_COLLECT] = {"a collection", ADMINISTRATOR, true},
    [ADMIN__REQUEST__KIND_PAUSE] = {"a pause", ADMINISTRATOR | INVIGILATOR, true},
    [ADMIN__REQUEST__KIND_RESUME] = {"the end of a pause", ADMINISTRATOR | INVIGILATOR, true},
    [ADMIN__REQUEST__KIND_GRANT] = {"a grant of time", ADMINISTRATOR | OFFICE, true},
    [ADMIN__REQUEST__KIND_MOVE] = {"a move", ADMINISTRATOR | INVIGILATOR, true},
    [ADMIN__REQUEST__KIND_VIOLATION] = {"the record of a violation",
                                        ADMINISTRATOR | INVIGILATOR | OFFICE, true},
    [ADMIN__REQUEST__KIND_POSTPONE] = {"a postponement", ADMINISTRATOR | OFFICE, true},
    [ADMIN__REQUEST__KIND_SUSPENDED_DECISION] = {"letting a batch go on", ADMINISTRATOR | OFFICE,
                                                 true},
    [ADMIN__REQUEST__KIND_INCIDENT_OPEN] = {"an incident", ADMINISTRATOR | INVIGILATOR | OFFICE,
                                            true},
    [ADMIN__REQUEST__KIND_INCIDENT_CLOSE] = {"closing an incident",
                                             ADMINISTRATOR | INVIGILATOR | OFFICE, true},
    [ADMIN__REQUEST__KIND_INCIDENT_NOTE] = {"a note about an incident",
                                            ADMINISTRATOR | INVIGILATOR | OFFICE, true},
    [ADMIN__REQUEST__KIND_LIMIT_DECIDE] = {"a decision about an interruption",
                                           ADMINISTRATOR | OFFICE, true},
    [ADMIN__REQUEST__KIND_OWN_DOING] = {"a candidate's own doing",
                                        ADMINISTRATOR | INVIGILATOR | OFFICE, true},
    [ADMIN__REQUEST__KIND_CONFIRM] = {"a second person's word", ADMINISTRATOR | OFFICE, true},
};

static const struct right unknown = {"this", ADMINISTRATOR, true};
static const struct right id_numbers = {"the export of ID numbers", ADMINISTRATOR | OFFICE, false};

static const struct right *right_of(const Admin__Request *m)
{
    size_t kind = (size_t)m->kind_case;

    return kind < sizeof rights / sizeof *rights && rights[kind].name ? &rights[kind] : &unknown;
}

bool admin_rights_is_act(const Admin__Request *m)
{
    return right_of(m)->act;
}

const char *admin_rights_name(const Admin__Request *m)
{
    return right_of(m)->name;
}

__attribute__((format(printf, 3, 4))) static exam_err no(struct exam_refusal *why, const char *rule,
                                                         const char *format, ...)
{
    va_list ap;

    *why = (struct exam_refusal){.code = EXAM_REFUSED, .rule = rule};
    va_start(ap, format);
    vsnprintf(why->text, sizeof why->text, format, ap);
    va_end(ap);
    return EXAM_REFUSED;
}

/* ---------------------------------------------------------------- roles */

/* "an administrator or the exam office" */
static void roles_text(unsigned roles, char *out, size_t bytes)
{
    static const char *const names[] = {
        [KEY_ROLE_ADMINISTRATOR] = "an administrator",
        [KEY_ROLE_INVIGILATOR] = "an invigilator of that room",
        [KEY_ROLE_REVIEWER] = "a reviewer",
        [KEY_ROLE_OFFICE] = "the exam office",
    };
    size_t n = 0;

    out[0] = '\0';
    for (unsigned r = KEY_ROLE_ADMINISTRATOR; r <= KEY_ROLE_OFFICE; r++) {
        bool last = !(roles >> (r + 1));
        if (!(roles & 1u << r))
            continue;
        n += (size_t)snprintf(out + n, bytes - n, "%s%s",
                              n == 0 ? ""
                              : last ? " or "
                                     : ", ",
                              names[r]);
    }
}

static exam_err no_role(const struct key_entry *person, const struct right *r,
                        struct exam_refusal *why)
{
    char may[128];

    roles_text(r->roles, may, sizeof may);
    return no(why, "R4", "%s is for %s; the key of %s has the role %s: ask one of them", r->name,
              may, person->name, key_role_name(person->role));
}

/* ---------------------------------------------------------------- rooms */

struct asking {
    const struct key_entry *person;
    const exam *x;
    bool act;
    struct exam_refusal *why;
};

static exam_err no_room(const struct asking *k, const char *what, const char *name)
{
    char rooms[160] = "";
    size_t n = 0;

    for (size_t i = 0; i < k->person->rooms_n && n + KEY_NAME_BYTES + 3 < sizeof rooms; i++)
        n += (size_t)snprintf(rooms + n, sizeof rooms - n, "%s%s", i == 0 ? "" : ", ",
                              k->person->rooms[i]);
    return no(k->why, "R4", "%s is an invigilator of %s, and %s %s %s: ask an administrator",
              k->person->name, rooms, k->act ? "decides nothing about" : "is shown nothing of",
              what, name);
}

static exam_err in_room(const struct asking *k, const char *room, const char *what,
                        const char *name)
{
    return key_entry_has_room(k->person, room) ? EXAM_OK : no_room(k, what, name);
}

/* What there is not is not the invigilator's either, and is refused by the exam core. */
static exam_err in_room_of_sitting(const struct asking *k, const char *admission_no)
{
    struct exam_sitting_view v;
    uint32_t sitting;

    if (exam_find_sitting(k->x, admission_no, &sitting))
        return EXAM_OK;
    exam_sitting_view(k->x, sitting, exam_last_ms(k->x), &v);
    return in_room(k, v.room, "candidate", admission_no);
}

static exam_err in_room_of_seat(const struct asking *k, const char *name)
{
    const char *room, *seat;
    uint32_t seat_no, sitting;

    if (exam_find_seat(k->x, name, &seat_no))
        return EXAM_OK;
    exam_seat_view(k->x, seat_no, &room, &seat, &sitting);
    return in_room(k, room, "seat", name);
}

static bool is_room(const exam *x, const char *name)
{
    const char *room, *seat;
    uint32_t sitting;

    for (uint32_t i = 1; i <= exam_seats(x); i++) {
        exam_seat_view(x, i, &room, &seat, &sitting);
        if (strcmp(room, name) == 0)
            return true;
    }
    return false;
}

/* With no kind the exam core finds out what has that name: whatever it finds must be in a room of
 * theirs. */
static exam_err in_room_of_target(const struct asking *k, const Admin__Target *t)
{
    uint32_t batch;
    exam_err err;

    switch (t->kind) {
    case EV__SCOPE_KIND__SCOPE_KIND_ROOM:
        return in_room(k, t->name, "room", t->name);
    case EV__SCOPE_KIND__SCOPE_KIND_SEAT:
        return in_room_of_seat(k, t->name);
    case EV__SCOPE_KIND__SCOPE_KIND_SITTING:
        return in_room_of_sitting(k, t->name);
    case EV__SCOPE_KIND__SCOPE_KIND_UNKNOWN:
        break;
    case EV__SCOPE_KIND__SCOPE_KIND_BATCH:
        return no_room(k, "batch", t->name);
    default:
        return no_room(k, "the whole", "site");
    }
    if (!t->name[0] || strcmp(t->name, "site") == 0)
        return no_room(k, "the whole", "site");
    if (!exam_find_batch(k->x, t->name, &batch))
        return no_room(k, "batch", t->name);
    err = is_room(k->x, t->name) ? in_room(k, t->name, "room", t->name) : EXAM_OK;
    if (!err)
        err = in_room_of_seat(k, t->name);
    return err ? err : in_room_of_sitting(k, t->name);
}

/* The refusal names the number that was given, and not whom it concerns. */
static exam_err in_room_of_incident(const struct asking *k, uint32_t incident)
{
    struct exam_incident_view v;
    Admin__Target t = ADMIN__TARGET__INIT;
    char number[16];

    if (!incident || incident > exam_incidents(k->x))
        return EXAM_OK;
    exam_incident_view(k->x, incident, &v);
    t.kind = v.scope;
    t.name = (char *)(uintptr_t)v.scope_name;
    if (!in_room_of_target(k, &t))
        return EXAM_OK;
    snprintf(number, sizeof number, "%u", incident);
    return no_room(k, "incident", number);
}

static exam_err rooms_check(const struct asking *k, const Admin__Request *m)
{
    exam_err err;

    switch (m->kind_case) {
    case ADMIN__REQUEST__KIND_PAUSE:
        return in_room_of_target(k, m->pause->target);
    case ADMIN__REQUEST__KIND_RESUME:
        return in_room_of_target(k, m->resume->target);
    case ADMIN__REQUEST__KIND_MOVE:
        err = in_room_of_sitting(k, m->move->admission_no);
        return err ? err : in_room_of_seat(k, m->move->seat);
    case ADMIN__REQUEST__KIND_VIOLATION:
        return in_room_of_sitting(k, m->violation->admission_no);
    case ADMIN__REQUEST__KIND_INCIDENT_OPEN:
        return in_room_of_target(k, m->incident_open->target);
    case ADMIN__REQUEST__KIND_INCIDENT_CLOSE:
        return in_room_of_incident(k, m->incident_close->incident);
    case ADMIN__REQUEST__KIND_INCIDENT_NOTE:
        return in_room_of_incident(k, m->incident_note->incident);
    case ADMIN__REQUEST__KIND_OWN_DOING:
        return in_room_of_sitting(k, m->own_doing->admission_no);
    case ADMIN__REQUEST__KIND_SITTING_SHOW:
        return in_room_of_sitting(k, m->sitting_show->admission_no);
    case ADMIN__REQUEST__KIND_RECEIPT:
        return in_room_of_sitting(k, m->receipt->admission_no);
    case ADMIN__REQUEST__KIND_SEATS:
        return m->seats->room[0] ? in_room(k, m->seats->room, "room", m->seats->room) : EXAM_OK;
    default:
        return right_of(m)->act ? no_role(k->person, right_of(m), k->why) : EXAM_OK;
    }
}

/* ---------------------------------------------------------------- */

exam_err admin_rights_check(const struct key_entry *person, const Admin__Request *m, const exam *x,
                            struct exam_refusal *why)
{
    const struct right *r = right_of(m);
    const struct asking k = {.person = person, .x = x, .act = r->act, .why = why};

    if (!(r->roles & 1u << person->role))
        return no_role(person, r, why);
    if (person->role == KEY_ROLE_REVIEWER && m->kind_case == ADMIN__REQUEST__KIND_RESULTS &&
        m->results->id_no)
        return no_role(person, &id_numbers, why);
    return person->role == KEY_ROLE_INVIGILATOR ? rooms_check(&k, m) : EXAM_OK;
}

/* ---------------------------------------------------------------- what is shown */

static bool sees_all(const struct key_entry *person)
{
    return !person || person->role != KEY_ROLE_INVIGILATOR;
}

bool admin_rights_sees_room(const struct key_entry *person, const char *room)
{
    return sees_all(person) || key_entry_has_room(person, room);
}

static bool batch_is_in_room(const struct key_entry *person, const exam *x, const char *name)
{
    struct exam_sitting_view v;
    uint32_t batch;

    if (exam_find_batch(x, name, &batch))
        return false;
    for (uint32_t s = 0; (s = exam_batch_next_sitting(x, batch, s));) {
        exam_sitting_view(x, s, exam_last_ms(x), &v);
        if (key_entry_has_room(person, v.room))
            return true;
    }
    return false;
}

bool admin_rights_sees_incident(const struct key_entry *person, const exam *x, uint32_t incident)
{
    struct exam_refusal unsaid;
    const struct asking k = {.person = person, .x = x, .why = &unsaid};
    struct exam_incident_view v;

    exam_incident_view(x, incident, &v);
    if (sees_all(person) || v.scope == EV__SCOPE_KIND__SCOPE_KIND_SITE)
        return true;
    if (v.scope == EV__SCOPE_KIND__SCOPE_KIND_BATCH)
        return batch_is_in_room(person, x, v.scope_name);
    return !in_room_of_incident(&k, incident);
}

/* ---------------------------------------------------------------- */

exam_err admin_rights_confirm(const struct key_entry *second, const char *first,
                              struct exam_refusal *why)
{
    if (strcmp(second->name, first) == 0)
        return no(why, "P2", "%s has proposed this: it takes a second person, with another key",
                  first);
    return EXAM_OK;
}
