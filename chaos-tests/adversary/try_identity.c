/* Acting for another seat's sitting, and reading it (P4, T11). */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attempt.h"

static void own_seat(struct thief *t, const struct attempt *a, struct finding *f)
{
    struct talk *k = &t->talk;
    (void)a;
    bool in = thief_sign_in(t, k, WHO_THIEF, &t->own);
    in = in && strcmp(k->sight.admission_no, t->own.admission_no) == 0;
    in = in && talk_answer(k, k->sight.seq_have + 1, "q1", k->sight.attachment_epoch,
                           k->sight.attachment_lsn);
    if (in)
        t->own_seen = k->sight;
    found_said(f, in, k);
}

static void hello_as_victims(struct thief *t, const struct attempt *a, struct finding *f)
{
    const struct greeting g = thief_greeting(t, a->who, a->node, PORT_SEAT);
    talk_begin(&t->talk);
    bool in = wire_dial(&t->talk.wire, g.to, t->patience_ms) &&
              wire_greet(&t->talk.wire, &g) == WIRE_OPEN &&
              talk_hello(&t->talk, t->key[WHO_OWNER].name, 0);
    found_said(f, in, &t->talk);
}

static void sign_in_victim(struct thief *t, const struct attempt *a, struct finding *f)
{
    const struct candidate *c = &t->victim;
    bool in = thief_greet(t, &t->talk, a->who, a->node) &&
              talk_sign_in(&t->talk, c->admission_no, c->id_no, c->session);
    if (in)
        t->victim_seen = t->talk.sight;
    found_said(f, in, &t->talk);
}

/* Nobody must be able to find out who is a candidate. */
static void guess_id(struct thief *t, const struct attempt *a, struct finding *f)
{
    struct talk *k = &t->talk;
    char of_victim[TALK_SAID_BYTES];
    (void)a;
    bool in = thief_greet(t, k, WHO_THIEF, 0) &&
              talk_sign_in(k, t->victim.admission_no, "000000000000000000", t->own.session);
    snprintf(of_victim, sizeof of_victim, "%s", k->said);
    in |= talk_sign_in(k, "0000000000", "000000000000000000", t->own.session);
    bool told_apart = strcmp(of_victim, k->said) != 0;
    found(f, in || told_apart, "%s %s", k->said, told_apart ? "told apart" : "for both alike");
}

enum { SESSION_INVENTED = 1, SESSION_LEAKED, SESSION_AND_MARK };

static bool attach_victim_in(struct thief *t, struct talk *k, int arg)
{
    uint8_t invented[SESSION_BYTES];
    randombytes_buf(invented, sizeof invented);
    return talk_attach(k, t->victim.admission_no,
                       arg == SESSION_INVENTED ? invented : t->victim.session, t->victim_seen.mark,
                       arg == SESSION_AND_MARK ? t->victim_seen.mark_bytes : 0);
}

static void attach_victim(struct thief *t, const struct attempt *a, struct finding *f)
{
    bool in = thief_greet(t, &t->talk, a->who, a->node) && attach_victim_in(t, &t->talk, a->arg);
    if (in)
        t->victim_seen = t->talk.sight;
    found_said(f, in, &t->talk);
}

static void own_by_victims_session(struct thief *t, const struct attempt *a, struct finding *f)
{
    (void)a;
    bool in = thief_greet(t, &t->talk, WHO_THIEF, 0) &&
              talk_attach(&t->talk, t->own.admission_no, t->victim.session, NULL, 0);
    found_said(f, in, &t->talk);
}

enum { DO_ANSWER = 1, DO_SUBMIT, DO_HEARTBEAT, DO_FETCH };

static void without_sign_in(struct thief *t, const struct attempt *a, struct finding *f)
{
    struct talk *k = &t->talk;
    const struct seat_sight *v = &t->victim_seen;
    bool in = thief_greet(t, k, WHO_THIEF, 0);
    if (in && a->arg == DO_ANSWER)
        in = talk_answer(k, v->seq_have + 1, "q1", v->attachment_epoch, v->attachment_lsn);
    else if (in && a->arg == DO_SUBMIT)
        in = talk_submit(k, v->seq_have + 1);
    else if (in && a->arg == DO_HEARTBEAT)
        in = talk_heartbeat(k, v->used_ms);
    else if (in)
        in = talk_fetch(k);
    found_said(f, in, k);
}

static void own_paper(struct thief *t, const struct attempt *a, struct finding *f)
{
    (void)a;
    bool in = thief_sign_in(t, &t->talk, WHO_THIEF, &t->own) && talk_fetch(&t->talk);
    found_said(f, in, &t->talk);
}

static void second_sign_in(struct thief *t, const struct attempt *a, struct finding *f)
{
    struct talk *k = &t->talk;
    bool in = thief_sign_in(t, k, WHO_THIEF, &t->own);
    if (in && a->arg == 0)
        in = talk_sign_in(k, t->victim.admission_no, t->victim.id_no, t->victim.session);
    else if (in)
        in = attach_victim_in(t, k, SESSION_AND_MARK);
    found_said(f, in, k);
}

/* What is answered on this connection is of its own sitting, whatever attachment it names. */
static void answer_under_victims(struct thief *t, const struct attempt *a, struct finding *f)
{
    struct talk *k = &t->talk;
    const struct seat_sight *v = &t->victim_seen;
    (void)a;
    bool in = thief_sign_in(t, k, WHO_THIEF, &t->own);
    uint64_t have = k->sight.seq_have;
    bool taken = in && talk_answer(k, have + 1, "q2", v->attachment_epoch, v->attachment_lsn);
    found(f, false, "%s, of %s", k->said, taken ? k->sight.admission_no : "nobody");
    f->got_in = taken && strcmp(k->sight.admission_no, t->own.admission_no) != 0;
}

static const struct attempt identity[] = {
    {"own-seat", "signed its own candidate in at its own seat, and answered", "^ack ", NULL,
     own_seat, ATTEMPT_CONTROL, 0, WHO_THIEF, 0},
    {"hello-by-other-name", "said Hello as the other seat", "^refused auth: .*another seat",
     "event=seat-impostor ", hello_as_victims, 0, 0, WHO_THIEF, 0},
    {"hello-by-other-name", "the other seat itself said Hello", "^welcome ", NULL, hello_as_victims,
     ATTEMPT_CONTROL, 0, WHO_OWNER, 0},
    {"hello-by-other-name-standby", "said Hello as the other seat to the standby",
     "^refused auth: .*another seat", "event=seat-impostor ", hello_as_victims, 0, 1, WHO_THIEF, 0},
    {"guess-an-id", "signed in with an ID number that it does not know",
     "^refused auth: .*for both alike", "event=sign-in-refused ", guess_id, 0, 0, WHO_THIEF, 0},
    {"sign-in-other", "signed the other seat's candidate in, with both numbers right",
     "^refused seat-taken: ", "event=sign-in-refused .*code=seat-taken", sign_in_victim, 0, 0,
     WHO_THIEF, 0},
    {"sign-in-other", "the other seat itself signed its candidate in", "^attached ", NULL,
     sign_in_victim, ATTEMPT_CONTROL, 0, WHO_OWNER, 0},
    {"sign-in-other-standby", "did so at the standby", "^refused not-primary: ", NULL,
     sign_in_victim, 0, 1, WHO_THIEF, 0},
    {"attach-invented", "attached to the other's sitting, with an invented session",
     "^refused auth: ", "event=attach-refused .*code=auth", attach_victim, 0, 0, WHO_THIEF,
     SESSION_INVENTED},
    {"attach-leaked", "attached to the other's sitting, with its true session",
     "^refused seat-taken: ", "event=attach-refused .*code=seat-taken", attach_victim, 0, 0,
     WHO_THIEF, SESSION_LEAKED},
    {"attach-leaked-mark", "the same with the other's mark", "^refused seat-taken: ",
     "event=attach-refused .*code=seat-taken", attach_victim, 0, 0, WHO_THIEF, SESSION_AND_MARK},
    {"attach-leaked-mark", "the other seat itself attached with them", "^attached ", NULL,
     attach_victim, ATTEMPT_CONTROL, 0, WHO_OWNER, SESSION_AND_MARK},
    {"attach-leaked-standby", "did so at the standby", "^refused not-primary: ", NULL,
     attach_victim, 0, 1, WHO_THIEF, SESSION_AND_MARK},
    {"session-of-other", "attached to its own sitting with the other's session", "^refused auth: ",
     "event=attach-refused .*code=auth", own_by_victims_session, 0, 0, WHO_THIEF, 0},
    {"answer-for-other", "answered with the other's attachment, without signing in",
     "^refused state: ", NULL, without_sign_in, 0, 0, WHO_THIEF, DO_ANSWER},
    {"finish-for-other", "submitted for the other, without signing in", "^refused state: ", NULL,
     without_sign_in, 0, 0, WHO_THIEF, DO_SUBMIT},
    {"beat-for-other", "said a heartbeat for the other, without signing in",
     "^refused state: ", NULL, without_sign_in, 0, 0, WHO_THIEF, DO_HEARTBEAT},
    {"paper-of-nobody", "asked for the paper, without signing in", "^refused state: ", NULL,
     without_sign_in, 0, 0, WHO_THIEF, DO_FETCH},
    {"own-paper", "asked for its own candidate's paper", "^[0-9]+ bytes of the paper", NULL,
     own_paper, ATTEMPT_CONTROL, 0, WHO_THIEF, 0},
    {"second-sign-in", "signed the other's candidate in behind its own", "^refused state: ", NULL,
     second_sign_in, ATTEMPT_OWN, 0, WHO_THIEF, 0},
    {"second-attach", "attached to the other's sitting behind its own", "^refused state: ", NULL,
     second_sign_in, ATTEMPT_OWN, 0, WHO_THIEF, 1},
    {"answer-under-other", "answered at its own sitting under the other's attachment",
     "^(ack|refused invalid)", NULL, answer_under_victims, ATTEMPT_OWN, 0, WHO_THIEF, 0},
};

const struct attempt_group group_identity = {"identity", identity,
                                             sizeof identity / sizeof *identity};

/* P2: the control is own-paper, once the batch has started. */
static const struct attempt early[] = {
    {"own-paper", "asked for its own candidate's paper before the batch starts",
     "^refused state: .*sealed", NULL, own_paper, ATTEMPT_OWN, 0, WHO_THIEF, 0},
};

const struct attempt_group group_early = {"early", early, sizeof early / sizeof *early};

/* ---------------------------------------------------------------- T11 */

/* By a person, to a seat that is in contact: the old session is a former one then. */
static void move_victim(struct thief *t, const struct attempt *a, struct finding *f)
{
    bool there = t->has[WHO_SPARE] && t->move != NULL && thief_greet(t, &t->talk, a->who, 0);
    bool moved = there && system(t->move) == 0;
    found(f, moved, moved ? "moved" : "not moved");
}

static const struct attempt former[] = {
    {"former-session", "a person moved the other's candidate to a spare seat", "^moved", NULL,
     move_victim, ATTEMPT_CONTROL, 0, WHO_SPARE, 0},
    {"former-session", "attached with the session that a moved candidate has left at its old seat",
     "^refused (auth|seat-taken): ", "event=attach-refused ", attach_victim, 0, 0, WHO_THIEF,
     SESSION_LEAKED},
    {"former-session", "the old seat itself attached with it (A3)", "^attached ", NULL,
     attach_victim, ATTEMPT_CONTROL, 0, WHO_OWNER, SESSION_LEAKED},
};

const struct attempt_group group_former = {"former", former, sizeof former / sizeof *former};
