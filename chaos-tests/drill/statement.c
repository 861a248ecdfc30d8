#include "statement.h"

#include <string.h>

/* What the functions below read with. */
struct reading {
    struct words *w;
    const struct names *names;
    struct drill_texts *texts;
    struct drill_line *out;
};

struct statement {
    const char *word;
    enum drill_verb verb;
    bool may_be_refused; /* by a node, a seat or a rule: so it may follow a `!` */
    void (*read)(struct reading *r);
    const char *form;
};

/* ---------------------------------------------------------------- operands */

enum {
    A_SITE = 1 << DRILL_SITE,
    A_BATCH = 1 << DRILL_BATCH,
    A_ROOM = 1 << DRILL_ROOM,
    A_SEAT = 1 << DRILL_SEAT,
    A_SITTING = 1 << DRILL_SITTING,
    A_NODE = 1 << DRILL_NODE,
};

/* The next word names a thing of one of the `kinds`; `what` says which. */
static struct drill_scope take_scope(struct reading *r, unsigned kinds, const char *what)
{
    const struct drill_scope none = {0};
    const char *word = words_take(r->w, what);
    if (r->w->failed)
        return none;
    const struct name *n = names_find(r->names, word);
    if (!n) {
        words_fail(r->w, "nothing is named '%s' in this drill: %s is wanted", word, what);
        return none;
    }
    if (!(kinds & (1u << n->of.kind))) {
        words_fail(r->w, "'%s' is a %s: %s is wanted", word, names_kind_text(n->of.kind), what);
        return none;
    }
    return n->of;
}

static const char *keep(struct reading *r, const char *text)
{
    return texts_keep(r->texts, text);
}

static const char *take_rest(struct reading *r)
{
    char rest[REASON_BYTES_MAX + 1];
    words_take_rest(r->w, rest, REASON_BYTES_MAX);
    return keep(r, rest);
}

static const char *take_reason(struct reading *r, const char *what)
{
    if (!words_more(r->w))
        words_fail(r->w, "%s is missing", what);
    return take_rest(r);
}

static const char *take_of(struct reading *r, const char *const *words, const char *what)
{
    const char *word = words_take(r->w, what);
    for (size_t i = 0; words[i]; i++)
        if (!strcmp(words[i], word))
            return words[i];
    words_fail(r->w, "'%s' is no %s", word, what);
    return NULL;
}

/* ---------------------------------------------------------------- acts */

static void read_batch(struct reading *r)
{
    r->out->scope = take_scope(r, A_BATCH, "a batch");
}

static void read_sitting(struct reading *r)
{
    r->out->scope = take_scope(r, A_SITTING, "a sitting's admission number");
}

static void read_seat(struct reading *r)
{
    r->out->scope = take_scope(r, A_SEAT, "a seat");
}

static void read_node(struct reading *r)
{
    r->out->scope = take_scope(r, A_NODE, "a node");
}

static void read_answer(struct reading *r)
{
    read_sitting(r);
    r->out->item = keep(r, words_take_name(r->w, "an item"));
    r->out->value = keep(r, words_take(r->w, "the answer's value"));
    if (strlen(r->out->value) > ANSWER_BYTES_MAX)
        words_fail(r->w, "an answer of more than %d bytes", ANSWER_BYTES_MAX);
}

static void read_path(struct reading *r)
{
    r->out->scope =
        take_scope(r, A_SITE | A_ROOM | A_SEAT | A_NODE, "`site`, a room, a seat or a node");
    r->out->node = DRILL_ALL;
    if (words_more(r->w))
        r->out->node = take_scope(r, A_NODE, "a node").at;
    if (r->out->scope.kind == DRILL_NODE && r->out->node == r->out->scope.at)
        words_fail(r->w, "a node has no path to itself");
}

static void read_promote(struct reading *r)
{
    read_node(r);
    r->out->attest = words_take_if(r->w, "attest");
}

static void read_pause(struct reading *r)
{
    r->out->scope =
        take_scope(r, A_SITE | A_BATCH | A_ROOM | A_SEAT, "`site`, a batch, a room or a seat");
    r->out->why = take_rest(r);
}

static void read_grant(struct reading *r)
{
    r->out->scope = take_scope(r, A_SITTING | A_ROOM | A_BATCH, "a sitting, a room or a batch");
    r->out->by_ms = words_take_signed_ms(r->w, "duration");
    r->out->why = take_reason(r, "the reason of the grant (T9)");
}

static void read_move(struct reading *r)
{
    read_sitting(r);
    r->out->seat = take_scope(r, A_SEAT, "the seat to move to").at;
}

static void read_violation(struct reading *r)
{
    read_sitting(r);
    r->out->why = take_reason(r, "what was seen");
}

static void read_date(struct reading *r)
{
    read_node(r);
    r->out->by_ms = words_take_signed_ms(r->w, "duration");
}

/* ---------------------------------------------------------------- expectations */

static void read_expect_sitting(struct reading *r)
{
    static const char *const states[] = {"finished", "expected",  "lost",
                                         "paused",   "answering", NULL};
    static const char *const finishes[] = {"timed-out", "submitted", "closed",
                                           "postponed", "absent",    NULL};
    struct drill_expected *e = &r->out->expected;
    read_sitting(r);
    if (!words_more(r->w))
        words_fail(r->w, "what is expected of the sitting? used, left, lost, state, finish");
    while (words_more(r->w)) {
        if (words_take_if(r->w, "used")) {
            e->has_used = true;
            e->used_ms = words_take_ms(r->w, "duration");
        } else if (words_take_if(r->w, "left")) {
            e->has_left = true;
            e->left_ms = words_take_ms(r->w, "duration");
        } else if (words_take_if(r->w, "lost")) {
            e->has_lost = true;
            e->lost_ms = words_take_ms(r->w, "duration");
        } else if (words_take_if(r->w, "state")) {
            e->state = take_of(r, states, "state of a sitting");
        } else if (words_take_if(r->w, "finish")) {
            e->finish = take_of(r, finishes, "finish of a sitting");
        } else {
            words_fail(r->w, "'%s' is not one of used, left, lost, state, finish",
                       words_peek(r->w));
        }
    }
}

static void read_expect_answer(struct reading *r)
{
    struct drill_expected *e = &r->out->expected;
    read_sitting(r);
    r->out->item = keep(r, words_take_name(r->w, "an item"));
    e->no_answer = words_take_if(r->w, "none");
    if (e->no_answer)
        return;
    r->out->value = keep(r, words_take(r->w, "the value, or `none`,"));
    e->late = words_take_if(r->w, "late");
}

static void read_expect_node(struct reading *r)
{
    static const char *const roles[] = {"primary", "standby", "fenced", "down", NULL};
    struct drill_expected *e = &r->out->expected;
    read_node(r);
    if (!words_more(r->w))
        words_fail(r->w, "what is expected of the node? role, epoch, solo");
    while (words_more(r->w)) {
        if (words_take_if(r->w, "role")) {
            e->role = take_of(r, roles, "role of a node");
        } else if (words_take_if(r->w, "epoch")) {
            e->has_epoch = true;
            e->epoch = words_take_number(r->w, "epoch", 1, 999999999);
        } else if (words_take_if(r->w, "solo")) {
            e->solo = true;
        } else {
            words_fail(r->w, "'%s' is not one of role, epoch, solo", words_peek(r->w));
        }
    }
}

static void read_expect_batch(struct reading *r)
{
    static const char *const states[] = {"planned", "running",   "paused",    "suspended",
                                         "ended",   "collected", "postponed", NULL};
    read_batch(r);
    if (!words_take_if(r->w, "state"))
        words_fail(r->w, "what is expected of the batch? state");
    r->out->expected.state = take_of(r, states, "state of a batch");
}

static void read_expect(struct reading *r)
{
    static const struct {
        const char *word;
        enum drill_verb verb;
        void (*read)(struct reading *r);
    } kinds[] = {
        {"sitting", DRILL_EXPECT_SITTING, read_expect_sitting},
        {"answer", DRILL_EXPECT_ANSWER, read_expect_answer},
        {"node", DRILL_EXPECT_NODE, read_expect_node},
        {"batch", DRILL_EXPECT_BATCH, read_expect_batch},
    };
    const char *word = words_take(r->w, "sitting, answer, node or batch");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].word, word) != 0)
            continue;
        r->out->verb = kinds[i].verb;
        kinds[i].read(r);
        return;
    }
    words_fail(r->w, "'%s' cannot be expected: sitting, answer, node or batch", word);
}

/* ---------------------------------------------------------------- the table */

static const struct statement statements[] = {
    {"start", DRILL_START, true, read_batch, "start BATCH"},
    {"sign-in", DRILL_SIGN_IN, true, read_sitting, "sign-in SITTING"},
    {"answer", DRILL_ANSWER, true, read_answer, "answer SITTING ITEM VALUE"},
    {"submit", DRILL_SUBMIT, true, read_sitting, "submit SITTING"},
    {"seat-dies", DRILL_SEAT_DIES, false, read_seat, "seat-dies SEAT"},
    {"seat-boots", DRILL_SEAT_BOOTS, false, read_seat, "seat-boots SEAT"},
    {"seat-wiped", DRILL_SEAT_WIPED, false, read_seat, "seat-wiped SEAT"},
    {"node-dies", DRILL_NODE_DIES, false, read_node, "node-dies NODE"},
    {"node-boots", DRILL_NODE_BOOTS, false, read_node, "node-boots NODE"},
    {"node-wiped", DRILL_NODE_WIPED, false, read_node, "node-wiped NODE"},
    {"cut", DRILL_CUT, false, read_path, "cut site|ROOM|SEAT|NODE [NODE]"},
    {"heal", DRILL_HEAL, false, read_path, "heal site|ROOM|SEAT|NODE [NODE]"},
    {"promote", DRILL_PROMOTE, true, read_promote, "promote NODE [attest]"},
    {"pause", DRILL_PAUSE, true, read_pause, "pause site|BATCH|ROOM|SEAT [WHY]"},
    {"resume", DRILL_RESUME, true, read_pause, "resume site|BATCH|ROOM|SEAT [WHY]"},
    {"grant", DRILL_GRANT, true, read_grant, "grant SITTING|ROOM|BATCH [-]DURATION WHY"},
    {"move", DRILL_MOVE, true, read_move, "move SITTING SEAT"},
    {"mains-lost", DRILL_MAINS_LOST, false, read_node, "mains-lost NODE"},
    {"mains-back", DRILL_MAINS_BACK, false, read_node, "mains-back NODE"},
    {"battery-low", DRILL_BATTERY_LOW, false, read_node, "battery-low NODE"},
    {"date", DRILL_DATE, false, read_date, "date NODE [-]DURATION"},
    {"violation", DRILL_VIOLATION, true, read_violation, "violation SITTING WHAT"},
    {"postpone", DRILL_POSTPONE, true, read_batch, "postpone BATCH"},
    {"collect", DRILL_COLLECT, true, read_batch, "collect BATCH"},
    {"expect", DRILL_EXPECT_SITTING, false, read_expect,
     "expect sitting SITTING [used D] [left D] [lost D] [state S] [finish F]\n"
     "  expect answer SITTING ITEM VALUE [late] | expect answer SITTING ITEM none\n"
     "  expect node NODE [role R] [epoch N] [solo]\n"
     "  expect batch BATCH state S"},
};

enum { STATEMENTS = sizeof statements / sizeof *statements };

const char *statement_form(uint32_t n)
{
    return n < STATEMENTS ? statements[n].form : NULL;
}

static const struct statement *find(const char *word)
{
    for (size_t i = 0; i < STATEMENTS; i++)
        if (!strcmp(statements[i].word, word))
            return &statements[i];
    return NULL;
}

void statement_read(struct words *w, const struct names *names, struct drill_texts *texts,
                    struct drill_line *out)
{
    struct reading r = {.w = w, .names = names, .texts = texts, .out = out};
    out->must_be_refused = words_take_if(w, "!");
    const char *word = words_take(w, "a statement");
    if (w->failed)
        return;
    const struct statement *s = find(word);
    out->why = "";
    if (!s) {
        words_fail(w, "'%s' is no statement (examdrill --help lists them)", word);
        return;
    }
    if (out->must_be_refused && !s->may_be_refused) {
        words_fail(w, "nobody can refuse '%s', so no `!` may stand before it", word);
        return;
    }
    out->verb = s->verb;
    s->read(&r);
    words_end(w);
}
