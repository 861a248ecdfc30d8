/* decide.h - one function a kind of command: holds the rules, emits events or refuses.
 * Pure; internal to node/exam. Everything is checked before the first event is emitted. */
#ifndef EXAM_DECIDE_H
#define EXAM_DECIDE_H

#include "exam_state.h"

struct decision {
    const exam *x;
    const struct exam_command *c;
    uint64_t now_ms;
    exam_emit emit;
    void *ctx;
    struct exam_refusal *why;
};

EXAM_MUST_USE exam_err decide_found(const struct decision *d);
EXAM_MUST_USE exam_err decide_begin_epoch(const struct decision *d);
EXAM_MUST_USE exam_err decide_standby_changed(const struct decision *d);
EXAM_MUST_USE exam_err decide_import(const struct decision *d);
EXAM_MUST_USE exam_err decide_batch_start(const struct decision *d);
EXAM_MUST_USE exam_err decide_batch_collect(const struct decision *d);
EXAM_MUST_USE exam_err decide_sign_in(const struct decision *d);
EXAM_MUST_USE exam_err decide_attach(const struct decision *d);
EXAM_MUST_USE exam_err decide_detach(const struct decision *d);
EXAM_MUST_USE exam_err decide_mark(const struct decision *d);
EXAM_MUST_USE exam_err decide_mark_all(const struct decision *d);
EXAM_MUST_USE exam_err decide_answer(const struct decision *d);
EXAM_MUST_USE exam_err decide_submit(const struct decision *d);
EXAM_MUST_USE exam_err decide_tick(const struct decision *d);
/* contingencies */
EXAM_MUST_USE exam_err decide_pause(const struct decision *d);
EXAM_MUST_USE exam_err decide_resume(const struct decision *d);
EXAM_MUST_USE exam_err decide_suspend(const struct decision *d);
EXAM_MUST_USE exam_err decide_batch_unsuspend(const struct decision *d);
EXAM_MUST_USE exam_err decide_grant(const struct decision *d);
EXAM_MUST_USE exam_err decide_move(const struct decision *d);
EXAM_MUST_USE exam_err decide_violation(const struct decision *d);
EXAM_MUST_USE exam_err decide_batch_postpone(const struct decision *d);
EXAM_MUST_USE exam_err decide_incident_open(const struct decision *d);
EXAM_MUST_USE exam_err decide_incident_close(const struct decision *d);
EXAM_MUST_USE exam_err decide_incident_note(const struct decision *d);
EXAM_MUST_USE exam_err decide_power(const struct decision *d);
EXAM_MUST_USE exam_err decide_limit_decide(const struct decision *d);
EXAM_MUST_USE exam_err decide_own_doing(const struct decision *d);
EXAM_MUST_USE exam_err decide_recover(const struct decision *d);

/* The batch, or the sitting, that a person has named. */
EXAM_MUST_USE exam_err decide_batch_of(const struct decision *d, const char *name, uint32_t *no);
EXAM_MUST_USE exam_err decide_sitting_of(const struct decision *d, const char *admission_no,
                                         uint32_t *no);
/* "12 min 34 s" on the site's own timeline: a text needs no wall clock (T4). */
struct span_text {
    char text[40];
};
struct span_text span_text(uint64_t span_ms);

/* Fills d->why and returns `code`. `rule` is a static text: "T10", or "". */
EXAM_MUST_USE exam_err decide_refuse(const struct decision *d, exam_err code, const char *rule,
                                     const char *format, ...) __attribute__((format(printf, 4, 5)));
EXAM_MUST_USE exam_err decide_no_memory(const struct decision *d);

/* What an answer or a submission says of its seat's clock (T3, T7). */
struct exam_word decide_word(const struct exam_command *c);

/* The messages of protobuf-c have no const, but packing one only reads. */
char *event_text(const char *text);
ProtobufCBinaryData event_data(const uint8_t *data, size_t bytes);

/* Events about many sittings at once (T3): as few as the limits of a record allow. */
enum pack_kind {
    PACK_MARKED,   /* first_ms: used */
    PACK_FINISHED, /* first_ms: used, second_ms: at */
    PACK_CREDITED, /* first_ms: from, second_ms: lost */
};

struct pack {
    const struct decision *d;
    enum pack_kind kind;
    Ev__Finish finish; /* of PACK_FINISHED */
    Ev__Basis basis;   /* of PACK_CREDITED */
    uint32_t incident; /* of PACK_CREDITED: where the state knows of none */
    uint32_t *sitting, *incidents;
    uint64_t *first_ms, *second_ms;
    uint32_t n, cap;
};

/* Room for up to `n_max` sittings, or as many as fit in an event. EXAM_NOMEM. */
EXAM_MUST_USE exam_err pack_init(struct pack *p, const struct decision *d, enum pack_kind kind,
                                 uint32_t n_max);
void pack_add(struct pack *p, uint32_t sitting, uint64_t first_ms, uint64_t second_ms);
/* Emits what is left and frees the pack. */
void pack_end(struct pack *p);
/* Frees a pack of which nothing is to be emitted. */
void pack_fini(struct pack *p);

#endif
