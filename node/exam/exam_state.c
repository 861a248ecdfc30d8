#include "exam_state.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scope.h"

exam_err exam_new(const struct exam_memory *m, exam **out)
{
    exam *x = memory_take(m, sizeof *x);

    if (!x)
        return EXAM_NOMEM;
    x->memory = *m;
    x->name = memory_text(m, "");
    x->screenless_due_ms = UINT64_MAX;
    *out = x;
    return EXAM_OK;
}

static void room_fini(struct room *r, const struct exam_memory *m)
{
    memory_drop(m, r->name);
    memory_drop(m, r->seat_names);
}

static void paper_fini(struct paper *p, const struct exam_memory *m)
{
    memory_drop(m, p->name);
    memory_drop(m, p->title);
    memory_drop(m, p->text);
    items_fini(&p->items, m);
}

static void sitting_fini(struct sitting *s, const struct exam_memory *m)
{
    memory_drop(m, s->admission_no);
    memory_drop(m, s->id_no);
    memory_drop(m, s->name);
    memory_drop(m, s->interruptions);
    memory_drop(m, s->formers);
    answers_fini(&s->answers, m);
    items_fini(&s->own, m);
}

void exam_free(exam *x)
{
    if (!x)
        return;
    struct exam_memory m = x->memory;
    for (uint32_t i = 0; i < x->rooms_n; i++)
        room_fini(&x->rooms[i], &m);
    for (uint32_t i = 0; i < x->papers_n; i++)
        paper_fini(&x->papers[i], &m);
    for (uint32_t i = 0; i < x->batches_n; i++) {
        memory_drop(&m, x->batches[i].name);
        memory_drop(&m, x->batches[i].title);
    }
    for (uint32_t i = 0; i < x->sittings_n; i++)
        sitting_fini(&x->sittings[i], &m);
    for (uint32_t i = 0; i < x->incidents_n; i++) {
        memory_drop(&m, x->incidents[i].text);
        memory_drop(&m, x->incidents[i].who);
    }
    name_index_fini(&x->candidates, &m);
    deadlines_fini(&x->deadlines, &m);
    deadlines_fini(&x->limits, &m);
    void *const blocks[] = {x->name,    x->rooms,      x->seats,  x->papers,
                            x->batches, x->sittings,   x->pauses, x->incidents,
                            x->epochs,  x->recoveries, x->dirty,  x};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        memory_drop(&m, blocks[i]);
}

/* ---------------------------------------------------------------- by number and by name */

struct sitting *exam_sitting(const exam *x, uint32_t no)
{
    return no >= 1 && no <= x->sittings_n ? &x->sittings[no - 1] : NULL;
}

struct batch *exam_batch(const exam *x, uint32_t no)
{
    return no >= 1 && no <= x->batches_n ? &x->batches[no - 1] : NULL;
}

uint32_t exam_room_named(const exam *x, const char *name)
{
    for (uint32_t i = 0; i < x->rooms_n; i++)
        if (strcmp(x->rooms[i].name, name) == 0)
            return i + 1;
    return 0;
}

uint32_t exam_batch_named(const exam *x, const char *name)
{
    for (uint32_t i = 0; i < x->batches_n; i++)
        if (!x->batches[i].superseded && strcmp(x->batches[i].name, name) == 0)
            return i + 1;
    return 0;
}

uint32_t exam_paper_named(const exam *x, const char *name)
{
    for (uint32_t i = 0; i < x->papers_n; i++)
        if (!x->papers[i].superseded && strcmp(x->papers[i].name, name) == 0)
            return i + 1;
    return 0;
}

const char *exam_seat_name(const exam *x, uint32_t seat_no)
{
    assert(seat_no >= 1 && seat_no <= x->seats_n);
    const struct room *r = &x->rooms[x->seats[seat_no - 1].room - 1];
    return r->seat_names + (size_t)(seat_no - r->seat_first) * SEAT_NAME_BYTES_MAX;
}

bool seat_name_split(const char *seat, char room[NAME_BYTES_MAX + 1], uint32_t *number)
{
    const char *dash = strrchr(seat, '-');
    char again[NAME_BYTES_MAX + 1];

    if (!dash || dash == seat || dash - seat > NAME_BYTES_MAX || strlen(dash + 1) > 3)
        return false;
    unsigned long n = strtoul(dash + 1, NULL, 10);
    snprintf(again, sizeof again, "%02lu", n);
    if (n == 0 || strcmp(again, dash + 1) != 0)
        return false; /* one seat has one name: not R1-1 for R1-01 */
    memcpy(room, seat, (size_t)(dash - seat));
    room[dash - seat] = '\0';
    *number = (uint32_t)n;
    return true;
}

exam_err exam_find_seat(const exam *x, const char *seat, uint32_t *seat_no)
{
    char room[NAME_BYTES_MAX + 1];
    uint32_t number;

    if (!seat_name_split(seat, room, &number))
        return EXAM_NOT_FOUND;
    uint32_t room_no = exam_room_named(x, room);
    if (room_no == 0 || number > x->rooms[room_no - 1].seats)
        return EXAM_NOT_FOUND;
    *seat_no = x->rooms[room_no - 1].seat_first + number - 1;
    return EXAM_OK;
}

exam_err exam_find_sitting(const exam *x, const char *admission_no, uint32_t *sitting)
{
    uint32_t no = name_index_find(&x->candidates, admission_no);

    if (no == 0)
        return EXAM_NOT_FOUND;
    *sitting = no;
    return EXAM_OK;
}

exam_err exam_find_batch(const exam *x, const char *batch, uint32_t *batch_no)
{
    uint32_t no = exam_batch_named(x, batch);

    if (no == 0)
        return EXAM_NOT_FOUND;
    *batch_no = no;
    return EXAM_OK;
}

uint32_t exam_sitting_no(const exam *x, const struct sitting *s)
{
    assert(s >= x->sittings && s < x->sittings + x->sittings_n);
    return (uint32_t)(s - x->sittings) + 1;
}

const struct items *exam_sitting_items(const exam *x, const struct sitting *s)
{
    return s->paper > 0 ? &x->papers[s->paper - 1].items : NULL;
}

/* ---------------------------------------------------------------- conditions */

bool sitting_attached(const exam *x, const struct sitting *s)
{
    return s->contact && s->attachment_epoch == x->epoch;
}

bool sitting_finished(const struct sitting *s)
{
    return s->finish != EV__FINISH__FINISH_NONE;
}

bool sitting_account_open(const struct sitting *s)
{
    return s && s->begun && !sitting_finished(s);
}

bool sitting_can_end(const exam *x, const struct sitting *s)
{
    return s && !sitting_finished(s) && (s->begun || x->batches[s->batch - 1].started);
}

bool sitting_sat_down(const struct sitting *s)
{
    bool sat_down = s->signed_in;

    for (uint32_t i = 0; i < s->formers_n && !sat_down; i++)
        sat_down = former_apart(&s->formers[i]);
    return sat_down;
}

bool sitting_screenless(const struct sitting *s)
{
    return sitting_account_open(s) && !sitting_sat_down(s);
}

bool former_apart(const struct former *f)
{
    return f->attachment_epoch > 0 && f->attachment_lsn == 0;
}

bool sitting_session_is(const struct sitting *s, const uint8_t session[SESSION_BYTES])
{
    return s->signed_in && !sodium_is_zero(s->session, SESSION_BYTES) &&
           sodium_memcmp(s->session, session, SESSION_BYTES) == 0;
}

bool sitting_knows_session(const struct sitting *s, const uint8_t session[SESSION_BYTES])
{
    bool known = sitting_session_is(s, session);

    for (uint32_t i = 0; i < s->formers_n && !known; i++)
        known = sodium_memcmp(s->formers[i].session, session, SESSION_BYTES) == 0;
    return known;
}

bool sitting_opens_paper(const exam *x, const struct sitting *s)
{
    return sitting_attached(x, s) && !sitting_paused(x, s);
}

bool sitting_clock_runs(const exam *x, const struct sitting *s)
{
    if (!sitting_account_open(s) || sitting_paused(x, s))
        return false;
    if (sitting_screenless(s))
        return s->mark_epoch == x->epoch;
    return sitting_attached(x, s);
}

uint64_t sitting_used_ms(const exam *x, const struct sitting *s, uint64_t now_ms)
{
    return account_used_ms(&s->account, sitting_clock_runs(x, s), now_ms);
}

uint64_t sitting_vouched_ms(const exam *x, const struct sitting *s, uint64_t now_ms,
                            const struct exam_word *w)
{
    return account_vouched_ms(&s->account, sitting_clock_runs(x, s), now_ms, w->heard_ms,
                              w->said_ms);
}

bool batch_ended(const exam *x, const struct batch *b)
{
    if (!b->started)
        return false;
    for (uint32_t i = 0; i < b->sittings_n; i++)
        if (!sitting_finished(&x->sittings[b->sitting_first - 1 + i]))
            return false;
    return true;
}

bool batch_closed(const struct batch *b)
{
    return b->collected || b->postponed;
}

uint64_t batch_mark_due_ms(const struct batch *b)
{
    if (b->screenless_n == 0)
        return UINT64_MAX;
    uint64_t since_ms =
        b->screenless_mark_ms > b->start_ms ? b->screenless_mark_ms - b->start_ms : 0;
    return b->start_ms + (since_ms / b->heartbeat_ms + 1) * b->heartbeat_ms;
}

/* ---------------------------------------------------------------- changes */

static void screenless_due(exam *x)
{
    x->screenless_due_ms = UINT64_MAX;
    for (uint32_t i = 0; i < x->batches_n; i++) {
        uint64_t due_ms = batch_mark_due_ms(&x->batches[i]);
        if (due_ms < x->screenless_due_ms)
            x->screenless_due_ms = due_ms;
    }
}

/* Counts the sitting among its batch's screenless ones, or no longer, and notes its mark. */
static void screenless_changed(exam *x, struct sitting *s, bool screenless)
{
    struct batch *b = &x->batches[s->batch - 1];
    bool changed = screenless != s->screenless;

    if (!screenless && !changed)
        return;
    if (changed)
        b->screenless_n += screenless ? 1 : (uint32_t)-1;
    s->screenless = screenless;
    if (screenless && s->account.mark_ms > b->screenless_mark_ms) {
        b->screenless_mark_ms = s->account.mark_ms;
        changed = true;
    }
    if (changed)
        screenless_due(x);
}

/* R4: a clock that stands is an interruption, which a person may want to be asked about. */
static uint64_t limit_due_ms(const exam *x, const struct sitting *s, bool runs)
{
    if (runs || x->options.interruption_limit_ms == 0 || s->limit_told || !sitting_account_open(s))
        return UINT64_MAX;
    return account_stop_ms(&s->account) + x->options.interruption_limit_ms;
}

void exam_clock_changed(exam *x, struct sitting *s)
{
    bool runs = sitting_clock_runs(x, s);

    deadlines_set(&x->deadlines, &x->memory, exam_sitting_no(x, s),
                  runs && sitting_screenless(s) ? account_deadline_ms(&s->account) : UINT64_MAX);
    deadlines_set(&x->limits, &x->memory, exam_sitting_no(x, s), limit_due_ms(x, s, runs));
    screenless_changed(x, s, runs && sitting_screenless(s));
}

void exam_mark_made(exam *x, struct sitting *s)
{
    s->mark_epoch = x->epoch;
    s->limit_told = false;
    exam_sitting_touch(x, s, DIRTY_ACCOUNT);
    exam_clock_changed(x, s);
}

static void limits_set(exam *x)
{
    deadlines_clear(&x->limits);
    for (uint32_t i = 0; i < x->sittings_n; i++) {
        const struct sitting *s = &x->sittings[i];
        deadlines_set(&x->limits, &x->memory, i + 1, limit_due_ms(x, s, sitting_clock_runs(x, s)));
    }
}

void exam_clocks_stop(exam *x)
{
    deadlines_clear(&x->deadlines);
    for (uint32_t i = 0; i < x->sittings_n; i++) {
        x->sittings[i].screenless = false;
        x->sittings[i].account.unheard_ms = 0;
    }
    for (uint32_t i = 0; i < x->batches_n; i++)
        x->batches[i].screenless_n = 0;
    x->screenless_due_ms = UINT64_MAX;
    limits_set(x);
}

void exam_clocks_changed(exam *x, const Ev__Scope *scope)
{
    for (uint32_t i = 1; i <= x->sittings_n; i++)
        if (exam_scope_has(x, scope, i))
            exam_clock_changed(x, &x->sittings[i - 1]);
}

void exam_set_options(exam *x, const struct exam_options *o)
{
    x->options = *o;
    limits_set(x);
}

uint64_t exam_next_due_ms(const exam *x)
{
    uint64_t due_ms = deadlines_first_ms(&x->deadlines);
    uint64_t limit_ms = deadlines_first_ms(&x->limits);

    if (x->screenless_due_ms < due_ms)
        due_ms = x->screenless_due_ms;
    return limit_ms < due_ms ? limit_ms : due_ms;
}

uint64_t exam_lock_after_ms(const exam *x)
{
    uint64_t least_ms = UINT64_MAX;

    for (uint32_t i = 0; i < x->batches_n; i++) {
        const struct batch *b = &x->batches[i];
        if (b->started && !batch_closed(b) && b->grace_ms - b->heartbeat_ms < least_ms)
            least_ms = b->grace_ms - b->heartbeat_ms;
    }
    return least_ms;
}

void exam_sitting_touch(exam *x, struct sitting *s, unsigned dirty)
{
    if (s->dirty == 0) {
        x->dirty =
            memory_grow(&x->memory, x->dirty, &x->dirty_cap, x->dirty_n + 1, sizeof *x->dirty);
        x->dirty[x->dirty_n++] = exam_sitting_no(x, s);
    }
    s->dirty |= (uint8_t)dirty;
}

struct room *exam_room_add(exam *x, const char *name, uint32_t seats)
{
    const struct exam_memory *m = &x->memory;

    x->rooms = memory_grow(m, x->rooms, &x->rooms_cap, x->rooms_n + 1, sizeof *x->rooms);
    struct room *r = &x->rooms[x->rooms_n++];
    *r = (struct room){.name = memory_text(m, name),
                       .seats = seats,
                       .seat_first = x->seats_n + 1,
                       .seat_names = memory_need(m, (size_t)seats * SEAT_NAME_BYTES_MAX),
                       .dirty = true};
    x->seats = memory_grow(m, x->seats, &x->seats_cap, x->seats_n + seats, sizeof *x->seats);
    for (uint32_t i = 0; i < seats; i++) {
        snprintf(r->seat_names + (size_t)i * SEAT_NAME_BYTES_MAX, SEAT_NAME_BYTES_MAX, "%s-%02u",
                 name, i + 1);
        x->seats[x->seats_n++] = (struct seat){.room = x->rooms_n};
    }
    return r;
}

struct paper *exam_paper_add(exam *x, const char *name, const char *title, uint32_t bytes)
{
    const struct exam_memory *m = &x->memory;

    x->papers = memory_grow(m, x->papers, &x->papers_cap, x->papers_n + 1, sizeof *x->papers);
    struct paper *p = &x->papers[x->papers_n++];
    *p = (struct paper){.name = memory_text(m, name),
                        .title = memory_text(m, title),
                        .bytes = bytes,
                        .text = memory_need(m, bytes),
                        .dirty = true};
    return p;
}

struct batch *exam_batch_add(exam *x, const char *name, const char *title)
{
    const struct exam_memory *m = &x->memory;

    x->batches = memory_grow(m, x->batches, &x->batches_cap, x->batches_n + 1, sizeof *x->batches);
    struct batch *b = &x->batches[x->batches_n++];
    *b = (struct batch){.name = memory_text(m, name),
                        .title = memory_text(m, title),
                        .sitting_first = x->sittings_n + 1,
                        .dirty = true};
    return b;
}

struct sitting *exam_sitting_add(exam *x, const char *admission_no, const char *id_no,
                                 const char *name)
{
    const struct exam_memory *m = &x->memory;

    x->sittings =
        memory_grow(m, x->sittings, &x->sittings_cap, x->sittings_n + 1, sizeof *x->sittings);
    struct sitting *s = &x->sittings[x->sittings_n++];
    *s = (struct sitting){.admission_no = memory_text(m, admission_no),
                          .id_no = memory_text(m, id_no),
                          .name = memory_text(m, name)};
    return s;
}

void exam_interruption_add(exam *x, struct sitting *s, const struct interruption *i)
{
    s->interruptions = memory_grow(&x->memory, s->interruptions, &s->interruptions_cap,
                                   s->interruptions_n + 1, sizeof *s->interruptions);
    s->interruptions[s->interruptions_n++] = *i;
    if (i->incident >= 1 && i->incident <= x->incidents_n) {
        x->incidents[i->incident - 1].interruptions_n++;
        x->incidents[i->incident - 1].lost_ms += i->lost_ms;
    }
    exam_sitting_touch(x, s, DIRTY_INTERRUPTIONS);
}

void exam_credit_take_back(exam *x, struct sitting *s, uint64_t used_ms)
{
    for (uint32_t n = s->interruptions_n; n > 0 && used_ms > 0; n--) {
        struct interruption *i = &s->interruptions[n - 1];
        uint64_t less_ms = i->lost_ms < used_ms ? i->lost_ms : used_ms;
        if (less_ms == 0)
            continue;
        i->lost_ms -= less_ms;
        i->basis = EV__BASIS__BASIS_CARRIED;
        s->account.lost_ms -= less_ms;
        used_ms -= less_ms;
        if (i->incident >= 1 && i->incident <= x->incidents_n)
            x->incidents[i->incident - 1].lost_ms -= less_ms;
        exam_sitting_touch(x, s, DIRTY_ACCOUNT | DIRTY_INTERRUPTIONS);
    }
}

void exam_former_add(exam *x, struct sitting *s, const struct former *f)
{
    if (s->formers_n == FORMERS_MAX)
        return; /* whoever comes with this one signs in again; its answers have no name here */
    s->formers =
        memory_grow(&x->memory, s->formers, &s->formers_cap, s->formers_n + 1, sizeof *s->formers);
    s->formers[s->formers_n++] = *f;
    exam_sitting_touch(x, s, DIRTY_ROSTER);
}

uint32_t exam_former_apart_no(const struct sitting *s, uint32_t seat, uint64_t epoch)
{
    uint32_t apart_n = 0;

    for (uint32_t i = 0; i < s->formers_n; i++) {
        const struct former *f = &s->formers[i];
        if (!former_apart(f))
            continue;
        if (f->seat == seat)
            return epoch > f->attachment_epoch ? i + 1 : 0;
        apart_n++;
    }
    return apart_n < FORMERS_APART_MAX && s->formers_n < FORMERS_MAX ? s->formers_n + 1 : 0;
}

struct incident *exam_incident_add(exam *x, const char *text, const char *who)
{
    const struct exam_memory *m = &x->memory;

    x->incidents =
        memory_grow(m, x->incidents, &x->incidents_cap, x->incidents_n + 1, sizeof *x->incidents);
    struct incident *in = &x->incidents[x->incidents_n++];
    *in = (struct incident){
        .text = memory_text(m, text), .who = memory_text(m, who), .open = true, .dirty = true};
    return in;
}

struct epoch_start *exam_epoch_start_add(exam *x, uint64_t epoch)
{
    x->epochs =
        memory_grow(&x->memory, x->epochs, &x->epochs_cap, x->epochs_n + 1, sizeof *x->epochs);
    struct epoch_start *e = &x->epochs[x->epochs_n++];
    *e = (struct epoch_start){.epoch = epoch};
    return e;
}

static bool recovery_is_of(const struct recovery *r, uint64_t epoch, uint32_t epoch_tag)
{
    return r->epoch == epoch && r->epoch_tag == epoch_tag;
}

/* What touches becomes one; the others touch neither it nor each other. */
void exam_recovery_note(exam *x, const struct recovery *r)
{
    struct recovery whole = *r;
    uint32_t n = 0;

    x->recoveries = memory_grow(&x->memory, x->recoveries, &x->recoveries_cap, x->recoveries_n + 1,
                                sizeof *x->recoveries);
    for (uint32_t i = 0; i < x->recoveries_n; i++) {
        const struct recovery *at = &x->recoveries[i];
        if (!recovery_is_of(at, r->epoch, r->epoch_tag) || at->lsn + 1 < r->first_lsn ||
            at->first_lsn > r->lsn + 1) {
            x->recoveries[n++] = *at;
            continue;
        }
        whole.first_lsn = at->first_lsn < whole.first_lsn ? at->first_lsn : whole.first_lsn;
        whole.lsn = at->lsn > whole.lsn ? at->lsn : whole.lsn;
        whole.marks_shown |= at->marks_shown;
    }
    x->recoveries[n++] = whole;
    x->recoveries_n = n;
}

bool exam_recovery_marks_shown(const exam *x, uint64_t epoch, uint32_t epoch_tag)
{
    for (uint32_t i = 0; i < x->recoveries_n; i++)
        if (recovery_is_of(&x->recoveries[i], epoch, epoch_tag) && x->recoveries[i].marks_shown)
            return true;
    return false;
}

uint64_t exam_shared_lsn(const exam *x, uint64_t epoch, uint32_t epoch_tag)
{
    for (uint32_t i = 0; i < x->epochs_n; i++)
        if (x->epochs[i].epoch == epoch && x->epochs[i].epoch_tag == epoch_tag)
            return i + 1 < x->epochs_n ? x->epochs[i + 1].first_lsn - 1 : UINT64_MAX;
    return 0;
}

bool exam_recovered(const exam *x, uint64_t epoch, uint32_t epoch_tag, uint64_t lsn)
{
    if (lsn <= exam_shared_lsn(x, epoch, epoch_tag))
        return true;
    for (uint32_t i = 0; i < x->recoveries_n; i++)
        if (recovery_is_of(&x->recoveries[i], epoch, epoch_tag) &&
            x->recoveries[i].first_lsn <= lsn && lsn <= x->recoveries[i].lsn)
            return true;
    return false;
}

uint32_t exam_batch_steps(const exam *x)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < x->batches_n; i++)
        n +=
            (uint32_t)x->batches[i].complete + x->batches[i].started + batch_closed(&x->batches[i]);
    return n;
}

void exam_batch_index(exam *x, const struct batch *b)
{
    for (uint32_t i = 0; i < b->sittings_n; i++) {
        uint32_t no = b->sitting_first + i;
        bool set = name_index_set(&x->candidates, &x->memory, x->sittings[no - 1].admission_no, no);
        assert(set);
    }
}

void exam_batch_hold_rooms(exam *x, uint32_t batch_no, bool hold)
{
    const struct batch *b = &x->batches[batch_no - 1];

    for (uint32_t i = 0; i < x->rooms_n; i++)
        if (x->rooms[i].held_by == batch_no)
            x->rooms[i].held_by = 0;
    for (uint32_t i = 0; hold && i < b->sittings_n; i++) {
        const struct sitting *s = &x->sittings[b->sitting_first - 1 + i];
        x->rooms[x->seats[s->seat - 1].room - 1].held_by = batch_no;
    }
}
