/* Marks and claims (T3, T6, T7, T12): less used, or more left, than the nodes know of. All of it is
 * of the thief's own sitting; whatever the node takes must leave no more time than there was. */
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "attempt.h"
#include "boot_clock.h"
#include "carried_mark.h"

/* The sitting is attached, or was refused; more time than before is what is wanted. */
static void found_time(struct thief *t, struct finding *f)
{
    const struct talk *k = &t->talk;
    uint64_t before_ms = t->own_seen.left_ms, left_ms = k->sight.left_ms;
    if (k->sight.admission_no[0] == '\0') {
        found_said(f, false, k);
        return;
    }
    found(f, left_ms > before_ms, "%s, left %" PRIu64 " ms after %" PRIu64, k->said, left_ms,
          before_ms);
    t->own_seen = k->sight;
}

enum { USED_AT_LEAST_MS = 100 };

/* Some time is used, and is on record. */
static bool time_passes(struct talk *k)
{
    uint64_t since_ms = boot_clock_ms(), used_ms = k->sight.used_ms;
    bool in = true;
    while (in && k->sight.used_ms < used_ms + USED_AT_LEAST_MS)
        in = talk_heartbeat(k, used_ms + boot_clock_ms() - since_ms);
    return in;
}

static void own_attach(struct thief *t, const struct attempt *a, struct finding *f)
{
    struct talk *k = &t->talk;
    (void)a;
    bool in = thief_sign_in(t, k, WHO_THIEF, &t->own);
    struct seat_sight first = k->sight;
    in = in && time_passes(k);
    talk_end(k);
    in = in && thief_greet(t, k, WHO_THIEF, 0) &&
         talk_attach(k, t->own.admission_no, t->own.session, first.mark, first.mark_bytes) &&
         time_passes(k);
    t->own_first = first;
    t->own_seen = k->sight;
    found_said(f, in, k);
}

/* ---------------------------------------------------------------- forged */

static void victims_mark(struct thief *t, const struct attempt *a, struct finding *f)
{
    (void)a;
    if (thief_greet(t, &t->talk, WHO_THIEF, 0))
        (void)talk_attach(&t->talk, t->own.admission_no, t->own.session, t->victim_seen.mark,
                          t->victim_seen.mark_bytes);
    found_said(f, t->talk.sight.admission_no[0] != '\0', &t->talk);
}

/* Its own mark with nothing used, under a key that is not the site's. */
static void other_keys_mark(struct thief *t, const struct attempt *a, struct finding *f)
{
    static const uint8_t zeros[CARRIED_MARK_KEY_BYTES];
    uint8_t key[CARRIED_MARK_KEY_BYTES], bytes[CARRIED_MARK_BYTES];
    struct carried_mark m = {.sitting = 1, .epoch = t->own_seen.epoch, .at_ms = UINT32_MAX};
    memcpy(key, a->arg == 0 ? zeros : t->key[WHO_THIEF].authority, sizeof key);
    carried_mark_seal(&m, key, bytes);
    if (thief_greet(t, &t->talk, WHO_THIEF, 0))
        (void)talk_attach(&t->talk, t->own.admission_no, t->own.session, bytes, sizeof bytes);
    found_said(f, t->talk.sight.admission_no[0] != '\0', &t->talk);
}

struct tally {
    unsigned tried, refused, taken;
};

static void mark_try(struct thief *t, const uint8_t *mark, size_t n, struct tally *c)
{
    struct talk *k = &t->talk;
    c->tried++;
    bool in = talk_attach(k, t->own.admission_no, t->own.session, mark, n);
    c->taken += in;
    c->refused += !in && strncmp(k->said, "refused refused", 15) == 0;
}

static void changed_marks(struct thief *t, const struct attempt *a, struct finding *f)
{
    struct tally c = {0};
    uint8_t mark[MARK_BYTES_MAX] = {0};
    size_t n = t->own_seen.mark_bytes;
    memcpy(mark, t->own_seen.mark, n);
    if (!thief_greet(t, &t->talk, WHO_THIEF, 0))
        return;
    for (size_t i = 0; a->arg == 0 && i < n; i++) {
        mark[i] ^= 1;
        mark_try(t, mark, n, &c);
        mark[i] ^= 1;
    }
    for (size_t i = 1; a->arg == 1 && i < sizeof mark; i++)
        if (i != n)
            mark_try(t, mark, i, &c);
    found(f, c.taken > 0 || c.tried == 0, "of %u marks %u refused, %u taken", c.tried, c.refused,
          c.taken);
}

static void sign_in_with_forged(struct thief *t, const struct attempt *a, struct finding *f)
{
    Seat__Request q = SEAT__REQUEST__INIT;
    Seat__SignIn m = SEAT__SIGN_IN__INIT;
    uint8_t mark[MARK_BYTES_MAX];
    (void)a;
    memcpy(mark, t->own_seen.mark, sizeof mark);
    memset(mark + 25, 0, 8); /* nothing is used */
    m.admission_no = t->own.admission_no;
    m.id_no = t->own.id_no;
    m.session = (ProtobufCBinaryData){.len = SESSION_BYTES, .data = t->own.session};
    m.mark = (ProtobufCBinaryData){.len = t->own_seen.mark_bytes, .data = mark};
    q.kind_case = SEAT__REQUEST__KIND_SIGN_IN;
    q.sign_in = &m;
    if (thief_greet(t, &t->talk, WHO_THIEF, 0))
        (void)talk_ask(&t->talk, &q);
    found_time(t, f);
}

/* ---------------------------------------------------------------- true, and of no use */

static void older_mark(struct thief *t, const struct attempt *a, struct finding *f)
{
    (void)a;
    if (thief_greet(t, &t->talk, WHO_THIEF, 0))
        (void)talk_attach(&t->talk, t->own.admission_no, t->own.session, t->own_first.mark,
                          t->own_first.mark_bytes);
    found_time(t, f);
}

static void no_mark(struct thief *t, const struct attempt *a, struct finding *f)
{
    (void)a;
    if (thief_greet(t, &t->talk, WHO_THIEF, 0))
        (void)talk_attach(&t->talk, t->own.admission_no, t->own.session, NULL, 0);
    found_time(t, f);
}

static void new_session(struct thief *t, const struct attempt *a, struct finding *f)
{
    (void)a;
    randombytes_buf(t->own.session, sizeof t->own.session);
    (void)thief_sign_in(t, &t->talk, WHO_THIEF, &t->own);
    found_time(t, f);
}

enum { CLAIM_LONG_AGO, CLAIM_OPEN_FOR_EVER, CLAIM_FUTURE };

static void claim(struct thief *t, const struct attempt *a, struct finding *f)
{
    Seat__Attach m = SEAT__ATTACH__INIT;
    m.admission_no = t->own.admission_no;
    m.session = (ProtobufCBinaryData){.len = SESSION_BYTES, .data = t->own.session};
    m.mark = (ProtobufCBinaryData){.len = t->own_seen.mark_bytes, .data = t->own_seen.mark};
    m.clock_continuous = a->arg != CLAIM_FUTURE;
    m.since_ms = a->arg == CLAIM_OPEN_FOR_EVER ? 0 : UINT64_MAX;
    m.open_ms = a->arg == CLAIM_OPEN_FOR_EVER ? UINT64_MAX : 0;
    if (thief_greet(t, &t->talk, WHO_THIEF, 0))
        (void)talk_attach_as(&t->talk, &m);
    found_time(t, f);
}

static void beat(struct thief *t, const struct attempt *a, struct finding *f)
{
    struct talk *k = &t->talk;
    if (thief_greet(t, k, WHO_THIEF, 0) &&
        talk_attach(k, t->own.admission_no, t->own.session, NULL, 0))
        (void)talk_heartbeat(k, a->arg == 0 ? 0 : UINT64_MAX);
    found_time(t, f);
}

#define FORGED "event=attach-refused .*code=refused"

static const struct attempt attempts[] = {
    {"true-mark", "attached to its own sitting with the mark that it was given", "^ack ", NULL,
     own_attach, ATTEMPT_CONTROL, 0, WHO_THIEF, 0},
    {"others-mark", "attached to its own sitting with the other's mark (T12)",
     "^refused refused: ", FORGED, victims_mark, 0, 0, WHO_THIEF, 0},
    {"zero-keys-mark", "made a mark of nothing used under a key of zeros",
     "^refused refused: ", FORGED, other_keys_mark, 0, 0, WHO_THIEF, 0},
    {"known-keys-mark", "made one under a key that it knows, the authority's public one",
     "^refused refused: ", FORGED, other_keys_mark, 0, 0, WHO_THIEF, 1},
    {"changed-mark-sign-in", "signed in again with a mark that was changed to nothing used",
     "^attached ", NULL, sign_in_with_forged, ATTEMPT_OWN, 0, WHO_THIEF, 0},
    {"older-mark", "attached with an older mark of its own", "^attached ", NULL, older_mark,
     ATTEMPT_OWN, 0, WHO_THIEF, 0},
    {"no-mark", "attached without a mark", "^attached ", NULL, no_mark, ATTEMPT_OWN, 0, WHO_THIEF,
     0},
    {"long-ago", "claimed that its mark is half a billion years old, and its screen was closed",
     "^attached ", "event=claim-impossible ", claim, ATTEMPT_OWN, 0, WHO_THIEF, CLAIM_LONG_AGO},
    {"open-for-ever", "claimed that its screen was open for ever since", "^attached ",
     "event=claim-impossible ", claim, ATTEMPT_OWN, 0, WHO_THIEF, CLAIM_OPEN_FOR_EVER},
    {"restarted-clock", "claimed the same of a clock that was interrupted", "^attached ",
     "event=claim-impossible ", claim, ATTEMPT_OWN, 0, WHO_THIEF, CLAIM_FUTURE},
    {"beat-nothing", "said in a heartbeat that nothing is used", "^ack 0", NULL, beat, ATTEMPT_OWN,
     0, WHO_THIEF, 0},
    {"beat-for-ever", "said in a heartbeat that 2^64 - 1 ms are used", "^ack 0", NULL, beat,
     ATTEMPT_OWN, 0, WHO_THIEF, 1},
    {"new-session", "signed in anew, as after a restart", "^attached ", NULL, new_session,
     ATTEMPT_OWN, 0, WHO_THIEF, 0},
    {"changed-mark", "changed each byte of its mark, by itself",
     "^of 49 marks 49 refused, 0 taken$", FORGED, changed_marks, 0, 0, WHO_THIEF, 0},
    {"cut-mark", "cut its mark, or lengthened it, to every length", "^of 94 marks 94 refused, 0 ",
     NULL, changed_marks, 0, 0, WHO_THIEF, 1},
};

const struct attempt_group group_marks = {"marks", attempts, sizeof attempts / sizeof *attempts};
