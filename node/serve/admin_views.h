/* admin_views.h - what an administrator is shown: batches, one sitting, incidents, seats.
 * Pure readers of the exam core; each hands its replies, all but the last with `more` set, to a
 * callback. What the replies point to lives for the call. */
#ifndef EXAM_ADMIN_VIEWS_H
#define EXAM_ADMIN_VIEWS_H

#include "admin.pb-c.h"
#include "exam.h"
#include "seat_server.h"

struct admin_view {
    const exam *x;
    uint64_t now_ms; /* on the site's timeline */
    int64_t wall_ms; /* for people */
    const char *node;
    const struct key_entry *person;           /* who looks: R4, admin_rights_sees_room */
    const struct vault *vault;                /* what it opens is shown; NULL: nothing sealed is */
    void (*send)(void *ctx, Admin__Reply *r); /* fills the id; the reply is not kept */
    void *ctx;
};

const char *admin_state_word(enum exam_sitting_state s);
const char *admin_finish_word(Ev__Finish f);

/* One batch. `warning` needs REASON_BYTES_MAX + 1 bytes and lives as long as `out`. */
void admin_view_batch(const struct admin_view *v, uint32_t batch, Admin__BatchInfo *out,
                      char *warning);
/* The name lives until the next one is asked for. */
void admin_view_result(const struct admin_view *v, uint32_t sitting, Admin__SittingResult *out);
/* Account and interruptions; the answers are the caller's to send after it. */
void admin_view_sitting(const struct admin_view *v, uint32_t sitting);
/* Incidents and seats: those that the person sees. */
void admin_view_incidents(const struct admin_view *v, bool open_only);
/* The seats of the room, or all. `by_seat`: seat_server_contacts. */
void admin_view_seats(const struct admin_view *v, const char *room,
                      const struct seat_contact *by_seat);

#endif
