/* A recorded session, and a credential that was revoked. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "attempt.h"
#include "boot_clock.h"

enum { RECORDED_BYTES_MAX = 1024 * 1024, LOOK_AGAIN_MS = 50 };

/* ---------------------------------------------------------------- played again */

static uint8_t *recorded_read(const char *path, size_t *n)
{
    uint8_t *bytes = malloc(RECORDED_BYTES_MAX);
    FILE *f = path != NULL ? fopen(path, "rb") : NULL;
    *n = f != NULL && bytes != NULL ? fread(bytes, 1, RECORDED_BYTES_MAX, f) : 0;
    if (f != NULL)
        fclose(f);
    return bytes;
}

enum { SAID_BY_SEAT, SAID_BY_NODE };

static void play_again(struct thief *t, const struct attempt *a, struct finding *f)
{
    size_t n;
    uint8_t *bytes = recorded_read(t->recorded[a->arg], &n);
    if (n == 0)
        found(f, true, "nothing was recorded");
    else if (!thief_dial(t, a->node, PORT_SEAT))
        found(f, false, "nobody listens");
    else {
        (void)wire_send(&t->talk.wire, bytes, n); /* the node may close before all of it is out */
        enum wire_state s = wire_ended(&t->talk.wire);
        found(f, s != WIRE_CLOSED, "%s", wire_state_name(s));
    }
    free(bytes);
}

#define REFUSED "event=channel-refused .*endpoint=seat-listen "

static const struct attempt replay[] = {
    {"same-node", "played what an honest seat had sent to the same node", "^closed",
     REFUSED ".*changed, missing, repeated", play_again, 0, 0, WHO_THIEF, SAID_BY_SEAT},
    {"other-node", "played it to the other node", "^closed", REFUSED ".*not sealed by and for",
     play_again, 0, 1, WHO_THIEF, SAID_BY_SEAT},
    {"nodes-words", "played what the node had sent back to it", "^closed", REFUSED, play_again, 0,
     0, WHO_THIEF, SAID_BY_NODE},
};

const struct attempt_group group_replay = {"replay", replay, sizeof replay / sizeof *replay};

/* ---------------------------------------------------------------- revoked */

static void file_make(const char *path)
{
    FILE *f = path != NULL ? fopen(path, "w") : NULL;
    if (f != NULL)
        fclose(f);
}

/* Says that it is there, and is to be ended by the node. */
static void stay(struct thief *t, const struct attempt *a, struct finding *f)
{
    struct talk *k = &t->talk;
    (void)a;
    if (!thief_sign_in(t, k, WHO_THIEF, &t->own)) {
        found(f, false, "not let in at all: %s", k->said);
        return;
    }
    file_make(t->ready);
    enum wire_state s = wire_ended(&k->wire);
    found(f, s != WIRE_CLOSED, "attached, then %s", wire_state_name(s));
}

/* `ahead`: versions that the roster is said to be newer than the thief's is. */
static bool come_again(struct thief *t, enum who who, size_t node, uint64_t ahead)
{
    struct greeting g = thief_greeting(t, who, node, PORT_SEAT);
    struct talk *k = &t->talk;
    g.terms.roster_version += ahead;
    if (!thief_dial(t, node, PORT_SEAT))
        return false;
    enum wire_state s = wire_greet(&k->wire, &g);
    if (s == WIRE_OPEN)
        return talk_hello(k, t->key[who].name, 0);
    snprintf(k->said, sizeof k->said, "%s", wire_state_name(s));
    return false;
}

/* A node looks for a new roster every second. */
static void after(struct thief *t, const struct attempt *a, struct finding *f)
{
    const struct timespec moment = {.tv_nsec = LOOK_AGAIN_MS * 1000000L};
    uint64_t until_ms = boot_clock_ms() + (uint64_t)t->patience_ms;
    bool in;
    while ((in = come_again(t, a->who, a->node, (uint64_t)a->arg)) && a->who == WHO_THIEF &&
           boot_clock_ms() < until_ms) {
        talk_end(&t->talk);
        nanosleep(&moment, NULL);
    }
    found_said(f, in, &t->talk);
}

#define WAS_REVOKED REFUSED ".*was revoked by roster"

static const struct attempt revoked[] = {
    {"stay", "stayed attached while its key was revoked", "^attached, then closed",
     "event=channel-ended .*new roster of keys does not admit", stay, ATTEMPT_OWN, 0, WHO_THIEF, 0},
    {"old-roster", "came again with the roster from before", "^closed", WAS_REVOKED, after, 0, 0,
     WHO_THIEF, 0},
    {"old-roster-standby", "came to the standby with the roster from before", "^closed",
     WAS_REVOKED, after, 0, 1, WHO_THIEF, 0},
    {"new-roster", "came with the new roster", "^closed", WAS_REVOKED, after, 0, 0, WHO_THIEF, 1},
    {"new-roster-standby", "came to the standby with the new roster", "^closed", WAS_REVOKED, after,
     0, 1, WHO_THIEF, 1},
    {"old-roster", "the other seat came with the roster from before", "^welcome ", NULL, after,
     ATTEMPT_CONTROL, 0, WHO_OWNER, 0},
};

const struct attempt_group group_revoked = {"revoked", revoked, sizeof revoked / sizeof *revoked};

/* A node's key was revoked: whoever has the roster from before would believe that node. */
static const struct attempt outdated[] = {
    {"old-roster", "came with a roster that has a revoked node in it", "^closed",
     REFUSED ".*older roster", after, 0, 0, WHO_THIEF, 0},
    {"old-roster", "came with the roster that has not", "^welcome ", NULL, after, ATTEMPT_CONTROL,
     0, WHO_OWNER, 1},
};

const struct attempt_group group_outdated = {"outdated", outdated,
                                             sizeof outdated / sizeof *outdated};
