#include "import_check.h"

#include <string.h>

#include "codec.h"

static const uint64_t ALLOT_MS_MAX = (uint64_t)24 * 3600 * 1000;

exam_err import_check_init(struct import_check *k, const struct decision *d)
{
    const struct exam_import *im = d->c->u.import;
    const struct exam_memory *m = &d->x->memory;

    *k = (struct import_check){.d = d, .im = im, .seats_n = d->x->seats_n};
    k->rooms = memory_take(m, im->rooms_n * sizeof *k->rooms);
    k->papers = memory_take(m, im->papers_n * sizeof *k->papers);
    if (k->rooms && k->papers)
        return EXAM_OK;
    import_check_fini(k);
    return decide_no_memory(d);
}

void import_check_fini(struct import_check *k)
{
    const struct exam_memory *m = &k->d->x->memory;

    memory_drop(m, k->rooms);
    memory_drop(m, k->papers);
    memory_drop(m, k->seat_users);
    name_index_fini(&k->candidates, m);
    k->rooms = NULL;
    k->papers = NULL;
    k->seat_users = NULL;
}

/* ---------------------------------------------------------------- rooms */

static const struct import_room *new_room(const struct import_check *k, const char *name)
{
    for (uint32_t i = 0; i < k->rooms_n; i++)
        if (strcmp(k->rooms[i].name, name) == 0)
            return &k->rooms[i];
    return NULL;
}

static exam_err room_check(struct import_check *k, const Ev__RoomAdded *e)
{
    const exam *x = k->d->x;
    uint32_t known = exam_room_named(x, e->room);

    if (!codec_name_ok(e->room) || strlen(e->room) > ROOM_NAME_BYTES_MAX)
        return decide_refuse(k->d, EXAM_INVALID, "P2",
                             "room \"%s\": not a name (1 to %d bytes without spaces, commas, "
                             "quotes or slashes): correct the rooms file",
                             e->room, (int)ROOM_NAME_BYTES_MAX);
    if (e->seats < 1 || e->seats > ROOM_SEATS_MAX)
        return decide_refuse(k->d, EXAM_INVALID, "P2",
                             "room %s: %u seats; it must be 1 to %d: correct the rooms file",
                             e->room, e->seats, (int)ROOM_SEATS_MAX);
    if (new_room(k, e->room))
        return decide_refuse(k->d, EXAM_EXISTS, "P2",
                             "room %s is given twice: correct the rooms file", e->room);
    if (known != 0 && x->rooms[known - 1].seats != e->seats)
        return decide_refuse(k->d, EXAM_EXISTS, "P2",
                             "room %s has %u seats at this site, the rooms file says %u: correct "
                             "it, or give the room another name",
                             e->room, x->rooms[known - 1].seats, e->seats);
    if (known != 0)
        return EXAM_OK;
    if (x->rooms_n + k->rooms_n >= ROOMS_MAX)
        return decide_refuse(k->d, EXAM_TOO_BIG, "P2", "a site takes at most %d rooms",
                             (int)ROOMS_MAX);
    k->rooms[k->rooms_n++] = (struct import_room){e->room, e->seats, k->seats_n + 1};
    k->seats_n += e->seats;
    return EXAM_OK;
}

exam_err import_check_rooms(struct import_check *k)
{
    exam_err err = EXAM_OK;

    for (size_t i = 0; err == EXAM_OK && i < k->im->rooms_n; i++)
        err = room_check(k, k->im->rooms[i]);
    return err;
}

/* ---------------------------------------------------------------- sittings */

static EXAM_MUST_USE exam_err at_line(const struct import_check *k, uint32_t line, exam_err err)
{
    k->d->why->line = line;
    return err;
}

/* The number that the seat has, or will have; 0: no such seat. */
static uint32_t seat_number(const struct import_check *k, const char *seat)
{
    char room[NAME_BYTES_MAX + 1];
    uint32_t no, number;

    if (exam_find_seat(k->d->x, seat, &no) == EXAM_OK)
        return no;
    if (!seat_name_split(seat, room, &number))
        return 0;
    const struct import_room *r = new_room(k, room);
    return r && number <= r->seats ? r->seat_first + number - 1 : 0;
}

static exam_err candidate_check(struct import_check *k, const struct exam_import_sitting *in,
                                uint32_t place)
{
    const struct decision *d = k->d;
    const Ev__NewSitting *s = in->sitting;
    const exam *x = d->x;

    if (!codec_name_ok(s->admission_no))
        return decide_refuse(d, EXAM_INVALID, "P2",
                             "line %u: admission number \"%s\" is empty or has characters that are "
                             "not allowed: correct it",
                             in->line, s->admission_no);
    if (s->id_no[0] == '\0' || strlen(s->id_no) > NAME_BYTES_MAX ||
        !codec_text_ok(s->id_no, strlen(s->id_no)))
        return decide_refuse(d, EXAM_INVALID, "P2",
                             "line %u: the ID number of candidate %s is empty or longer than %d "
                             "bytes: correct it",
                             in->line, s->admission_no, (int)NAME_BYTES_MAX);
    if (strlen(s->name) > PERSON_BYTES_MAX || !codec_text_ok(s->name, strlen(s->name)))
        return decide_refuse(d, EXAM_INVALID, "P2",
                             "line %u: the name of candidate %s is longer than %d bytes or is not "
                             "UTF-8 text: correct it",
                             in->line, s->admission_no, (int)PERSON_BYTES_MAX);
    uint32_t other = name_index_find(&k->candidates, s->admission_no);
    if (other != 0)
        return decide_refuse(d, EXAM_EXISTS, "P2",
                             "line %u: candidate %s is in line %u already: remove one of them",
                             in->line, s->admission_no, k->im->sittings[other - 1].line);
    other = name_index_find(&x->candidates, s->admission_no);
    if (other != 0 && !x->batches[x->sittings[other - 1].batch - 1].postponed) /* T13: sat again */
        return decide_refuse(
            d, EXAM_EXISTS, "P2", "line %u: candidate %s is in batch %s already: remove the line",
            in->line, s->admission_no, x->batches[x->sittings[other - 1].batch - 1].name);
    if (!name_index_set(&k->candidates, &x->memory, s->admission_no, place))
        return decide_no_memory(d);
    return EXAM_OK;
}

static exam_err seat_check(struct import_check *k, const struct exam_import_sitting *in,
                           uint32_t place)
{
    const Ev__NewSitting *s = in->sitting;
    uint32_t seat_no = seat_number(k, s->seat);

    if (seat_no == 0)
        return decide_refuse(k->d, EXAM_NOT_FOUND, "P2",
                             "line %u: no seat %s for candidate %s: correct the seat, or add its "
                             "room to the rooms file",
                             in->line, s->seat, s->admission_no);
    uint32_t other = k->seat_users[seat_no - 1];
    if (other != 0)
        return decide_refuse(k->d, EXAM_EXISTS, "P2",
                             "line %u: seat %s is given to candidate %s in line %u already: give "
                             "candidate %s another seat",
                             in->line, s->seat, k->im->sittings[other - 1].sitting->admission_no,
                             k->im->sittings[other - 1].line, s->admission_no);
    k->seat_users[seat_no - 1] = place;
    return EXAM_OK;
}

/* The paper must be in this import, or whole at the site. */
static exam_err paper_of_check(struct import_check *k, const struct exam_import_sitting *in)
{
    const Ev__NewSitting *s = in->sitting;
    const struct import_paper *p = import_paper_named(k, s->paper);

    if (s->extra_ms > ALLOT_MS_MAX)
        return decide_refuse(k->d, EXAM_INVALID, "P2",
                             "line %u: candidate %s gets more than 24 hours extra: correct it",
                             in->line, s->admission_no);
    if (s->paper[0] == '\0' || p)
        return EXAM_OK;
    uint32_t no = exam_paper_named(k->d->x, s->paper);
    if (no != 0 && k->d->x->papers[no - 1].have == k->d->x->papers[no - 1].bytes)
        return EXAM_OK;
    return decide_refuse(k->d, EXAM_NOT_FOUND, "P2",
                         "line %u: no paper %s for candidate %s: import the paper, too, or correct "
                         "the line",
                         in->line, s->paper, s->admission_no);
}

exam_err import_check_sittings(struct import_check *k)
{
    const struct exam_import *im = k->im;
    exam_err err = EXAM_OK;

    if (im->sittings_n == 0)
        return decide_refuse(k->d, EXAM_INVALID, "P2", "the roster is empty: nobody would sit");
    if (im->sittings_n > SITTINGS_MAX - k->d->x->sittings_n)
        return decide_refuse(k->d, EXAM_TOO_BIG, "P2", "a site takes at most %d sittings",
                             (int)SITTINGS_MAX);
    k->seat_users = memory_take(&k->d->x->memory, k->seats_n * sizeof *k->seat_users);
    if (!k->seat_users)
        return decide_no_memory(k->d);
    for (uint32_t i = 0; i < im->sittings_n; i++) {
        err = candidate_check(k, &im->sittings[i], i + 1);
        if (err == EXAM_OK)
            err = seat_check(k, &im->sittings[i], i + 1);
        if (err == EXAM_OK)
            err = paper_of_check(k, &im->sittings[i]);
        if (err != EXAM_OK)
            return at_line(k, im->sittings[i].line, err);
    }
    return EXAM_OK;
}

/* ---------------------------------------------------------------- the batch */

/* The minutes of the batch's paper; 0: the sittings have none in common. */
static uint64_t paper_minutes(const struct import_check *k)
{
    const struct exam_import *im = k->im;
    const char *name = im->sittings[0].sitting->paper;

    for (size_t i = 1; i < im->sittings_n; i++)
        if (strcmp(im->sittings[i].sitting->paper, name) != 0)
            return 0;
    const struct import_paper *p = import_paper_named(k, name);
    if (p)
        return p->minutes;
    uint32_t no = exam_paper_named(k->d->x, name);
    return no != 0 ? k->d->x->papers[no - 1].minutes : 0;
}

exam_err import_check_times(struct import_check *k)
{
    const struct exam_import *im = k->im;

    k->allot_ms = im->allot_ms != 0 ? im->allot_ms : paper_minutes(k) * 60000;
    k->heartbeat_ms = im->heartbeat_ms != 0 ? im->heartbeat_ms : 1000;
    k->grace_ms = im->grace_ms != 0 ? im->grace_ms : 15000;
    if (k->allot_ms == 0)
        return decide_refuse(k->d, EXAM_INVALID, "P2",
                             "the sittings of batch %s have no one paper whose minutes they could "
                             "have: say how long it takes with --allot",
                             im->batch);
    if (k->allot_ms > ALLOT_MS_MAX)
        return decide_refuse(k->d, EXAM_INVALID, "P2", "batch %s: more than 24 hours: correct it",
                             im->batch);
    if (k->heartbeat_ms < 100 || k->heartbeat_ms > 60000)
        return decide_refuse(k->d, EXAM_INVALID, "T3",
                             "batch %s: a heartbeat is 0.1 to 60 seconds: correct it", im->batch);
    if (k->grace_ms < 2 * k->heartbeat_ms || k->grace_ms > ALLOT_MS_MAX)
        return decide_refuse(k->d, EXAM_INVALID, "T6",
                             "batch %s: a grace of %llu ms; it is never under 2 heartbeats of %llu "
                             "ms: correct it",
                             im->batch, (unsigned long long)k->grace_ms,
                             (unsigned long long)k->heartbeat_ms);
    return EXAM_OK;
}

exam_err import_check_batch(const struct import_check *k)
{
    const struct exam_import *im = k->im;
    const exam *x = k->d->x;
    uint32_t known = exam_batch_named(x, im->batch);

    if (!codec_name_ok(im->batch) || strlen(im->title) > TITLE_BYTES_MAX ||
        (im->timing != EV__TIMING__TIMING_COMMON && im->timing != EV__TIMING__TIMING_PERSONAL))
        return decide_refuse(k->d, EXAM_INVALID, "P2",
                             "batch \"%s\": its name, title or timing is not allowed: correct it",
                             im->batch);
    if (known != 0 && x->batches[known - 1].complete)
        return decide_refuse(k->d, EXAM_EXISTS, "P2",
                             "the site has a batch %s already: give this one another name",
                             im->batch);
    if (x->batches_n >= BATCHES_MAX)
        return decide_refuse(k->d, EXAM_TOO_BIG, "P2", "a site takes at most %d batches",
                             (int)BATCHES_MAX);
    return EXAM_OK;
}
