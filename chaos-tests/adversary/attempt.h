/* attempt.h - one thing that a thief tries, and how it is judged: what the node did is compared
 * with what it must do, its log with what it must have written, and the records of the site with
 * what they were before. A control is the same thing with the right credential: it must succeed,
 * or nobody knows that the check can fail.
 * Shell. */
#ifndef ADVERSARY_ATTEMPT_H
#define ADVERSARY_ATTEMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "thief.h"

enum { HAPPENED_BYTES = 400 };

enum {
    ATTEMPT_CONTROL = 1, /* must succeed */
    ATTEMPT_OWN = 2,     /* may leave records of the thief's own sitting, and of none but that */
};

struct finding {
    bool got_in; /* the thief has what was wanted */
    char happened[HAPPENED_BYTES];
};

struct attempt {
    const char *name;
    const char *tried;
    const char *must; /* an extended regular expression, of finding.happened */
    const char *logs; /* the same, of a new line in the log of `node`; NULL: not of note */
    void (*go)(struct thief *t, const struct attempt *a, struct finding *f);
    unsigned flags;
    size_t node;
    enum who who;
    int arg; /* `go` knows what it means */
};

struct attempt_group {
    const char *name;
    const struct attempt *attempt;
    size_t n;
};

extern const struct attempt_group group_identity, group_conversations, group_channel, group_marks,
    group_epochs, group_replay, group_former, group_revoked, group_outdated, group_early;

/* How attempts are judged. All zero but for what is asked. */
struct judge {
    const char *same;             /* shell command: its output must not change, whatever is tried */
    const char *still;            /* the same, but for controls and ATTEMPT_OWN; NULL: records come
                                     and go, as others work */
    const char *log[THIEF_NODES]; /* files; NULL: not looked at */
    bool json;
    size_t held, broken, controls;
    char *same_before, *still_before; /* what the commands said last; NULL: to be asked anew */
};

void judge_fini(struct judge *j);
/* All of a group, in order. With --same alone that is asked for as seldom as will do: ahead of a
 * control, which may change it, and at the group's end. */
void attempt_group_run(struct judge *j, struct thief *t, const struct attempt_group *g);

/* Sets `happened`, as printf. */
void found(struct finding *f, bool got_in, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same from what a talk has come to last. */
void found_said(struct finding *f, bool got_in, const struct talk *k);

#endif
