#include "notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stage.h"
#include "watch.h"

void notes_begin(struct history *h, uint32_t candidate, char what[NOTE_BYTES])
{
    snprintf(what, NOTE_BYTES, "note %u", h->notes_n);
    if (h->notes_n < NOTES_MAX)
        h->notes[h->notes_n++] = (struct note){.candidate = candidate};
}

void notes_told(struct history *h, exam_err err)
{
    h->notes[h->notes_n - 1].told = !err;
}

bool notes_is(const struct record *r)
{
    return watch_kind_of(r) == EV__EVENT__KIND_VIOLATION_NOTED;
}

/* The note that this record makes part of the log; NOTES_MAX: none. */
static uint32_t note_in(struct history *h, const struct record *r)
{
    const Ev__Event *e;
    unsigned n;
    if (!notes_is(r) && watch_kind_of(r) != EV__EVENT__KIND_RECOVERED)
        return NOTES_MAX;
    if (codec_event(&h->arena, r->event, r->event_bytes, &e, NULL))
        return NOTES_MAX;
    const Ev__ViolationNoted *v = notes_is(r) ? e->violation_noted : e->recovered->violation_noted;
    return v && sscanf(v->text, "note %u", &n) == 1 && n < h->notes_n ? n : NOTES_MAX;
}

/* How often each is told in that log; what has rotted tells nothing. */
static void count(struct history *h, uint32_t node, bool branches, uint32_t times[NOTES_MAX])
{
    const store_image *disk = world_disk(h->w, node);
    for (size_t i = 0; i < store_image_records(disk, branches); i++) {
        struct record r;
        if (store_image_is_rotten(disk, branches, i))
            continue;
        store_image_record_at(disk, branches, i, &r);
        uint32_t n = note_in(h, &r);
        if (n < NOTES_MAX)
            times[n]++;
    }
}

static void look_at_view(struct history *h, uint32_t primary, uint32_t candidate, uint32_t wanted)
{
    struct node *n = world_node(h->w, primary);
    struct exam_sitting_view v;
    uint32_t sitting;
    if (exam_find_sitting(node_exam(n), stage_candidate_name(candidate), &sitting))
        return;
    exam_sitting_view(node_exam(n), sitting, node_site_ms(n), &v);
    if (v.violations != wanted)
        history_fail(
            h, "R3", "candidate %s has %u violations on record at node %s, and %u were noted",
            stage_candidate_name(candidate), v.violations, stage_node_name(primary), wanted);
}

void notes_check(struct history *h, uint32_t primary)
{
    uint32_t on_record[NOTES_MAX] = {0}, anywhere[NOTES_MAX] = {0};
    uint32_t of_candidate[PLAN_CANDIDATES_MAX] = {0};
    count(h, primary, false, on_record);
    for (uint32_t i = 0; i < h->plan->site.nodes_n; i++) {
        count(h, i, false, anywhere);
        count(h, i, true, anywhere);
    }
    for (uint32_t i = 0; i < h->notes_n; i++) {
        of_candidate[h->notes[i].candidate] += on_record[i];
        bool held = anywhere[i] || (h->notes[i].told && !plan_takes_disks(h->plan));
        if (on_record[i] > 1)
            history_fail(h, "A4", "note %u of candidate %s is on record %u times", i,
                         stage_candidate_name(h->notes[i].candidate), on_record[i]);
        if (held && !on_record[i])
            history_fail(h, "A3", "note %u of candidate %s was made, and is not on record", i,
                         stage_candidate_name(h->notes[i].candidate));
    }
    for (uint32_t i = 0; i < h->plan->site.candidates_n; i++)
        look_at_view(h, primary, i, of_candidate[i]);
}
