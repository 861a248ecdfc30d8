/* apply.h - one function a kind of event: books what the event says, and decides nothing (D4).
 * Pure; internal to node/exam. Total: false means that the event does not fit the state; it is then
 * counted, and nothing was changed (of a list: what fits is booked). Events come from a log, so
 * nothing here asserts on one. */
#ifndef EXAM_APPLY_H
#define EXAM_APPLY_H

#include "exam_state.h"

struct booking {
    exam *x;
    uint64_t epoch, lsn; /* of the record: the name of an attachment (A3) */
    uint32_t tag;        /* of its hash */
    uint64_t site_ms;
};

bool apply_site_founded(const struct booking *k, const Ev__SiteFounded *e);
bool apply_epoch_began(const struct booking *k, const Ev__EpochBegan *e);
bool apply_standby_changed(const struct booking *k, const Ev__StandbyChanged *e);

bool apply_room_added(const struct booking *k, const Ev__RoomAdded *e);
bool apply_paper_added(const struct booking *k, const Ev__PaperAdded *e);
bool apply_paper_chunk(const struct booking *k, const Ev__PaperChunk *e);
bool apply_batch_planned(const struct booking *k, const Ev__BatchPlanned *e);
bool apply_sittings_added(const struct booking *k, const Ev__SittingsAdded *e);
bool apply_import_completed(const struct booking *k, const Ev__ImportCompleted *e);

bool apply_batch_started(const struct booking *k, const Ev__BatchStarted *e);
bool apply_batch_collected(const struct booking *k, const Ev__BatchCollected *e);

bool apply_signed_in(const struct booking *k, const Ev__SignedIn *e);
bool apply_attached(const struct booking *k, const Ev__Attached *e);
bool apply_detached(const struct booking *k, const Ev__Detached *e);
bool apply_marked(const struct booking *k, const Ev__Marked *e);
bool apply_finished(const struct booking *k, const Ev__Finished *e);
bool apply_credited(const struct booking *k, const Ev__Credited *e);

bool apply_answered(const struct booking *k, const Ev__Answered *e);
bool apply_submitted(const struct booking *k, const Ev__Submitted *e);
void apply_answered_soon(const exam *x, const Ev__Answered *e);

bool apply_paused(const struct booking *k, const Ev__Paused *e);
bool apply_resumed(const struct booking *k, const Ev__Resumed *e);
bool apply_batch_suspended(const struct booking *k, const Ev__BatchSuspended *e);
bool apply_batch_unsuspended(const struct booking *k, const Ev__BatchUnsuspended *e);
bool apply_granted(const struct booking *k, const Ev__Granted *e);
bool apply_moved(const struct booking *k, const Ev__Moved *e);
bool apply_violation_noted(const struct booking *k, const Ev__ViolationNoted *e);
bool apply_batch_postponed(const struct booking *k, const Ev__BatchPostponed *e);
bool apply_incident_opened(const struct booking *k, const Ev__IncidentOpened *e);
bool apply_incident_closed(const struct booking *k, const Ev__IncidentClosed *e);
bool apply_incident_noted(const struct booking *k, const Ev__IncidentNoted *e);
bool apply_power_changed(const struct booking *k, const Ev__PowerChanged *e);
bool apply_limit_reached(const struct booking *k, const Ev__InterruptionLimitReached *e);
bool apply_limit_decided(const struct booking *k, const Ev__InterruptionLimitDecided *e);
bool apply_own_doing(const struct booking *k, const Ev__InterruptionOwnDoing *e);
bool apply_recovered(const struct booking *k, const Ev__Recovered *e);

/* T1: the sitting's time begins now. */
void apply_begin(const struct booking *k, struct sitting *s);
/* The same, of one that has not begun here and that a submission ends (T10). */
void apply_begin_to_end(const struct booking *k, struct sitting *s);
/* T12, section 5: the word of a seat, or of a branch, that has just been booked proves that more
 * was used by at_ms than this log knows to have passed since the begin: it began earlier, on a
 * branch. Nothing is changed where no node has measured the time since (T4). */
void apply_begin_proven(const struct booking *k, struct sitting *s, uint64_t lost_ms,
                        uint64_t at_ms);
/* The screen shows the paper, if it may; with personal timing the time begins now (T1). */
void apply_paper_opened(const struct booking *k, struct sitting *s);
/* T11: the sitting's session, if it has one, becomes a former one. */
void apply_session_leaves(const struct booking *k, struct sitting *s);
/* A3: the answer, in its place among the versions. False: no such item. */
bool apply_answer_kept(const struct booking *k, struct sitting *s, const Ev__Answered *e);
/* T14: what is credited for the stretch is on record, on the same figures. False: used time would
 * be given back. */
bool apply_stretch(const struct booking *k, struct sitting *s, uint64_t used_ms,
                   const struct interruption *i);

#endif
