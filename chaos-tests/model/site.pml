/* site.pml - two nodes, persons who attest rightly and wrongly, two seats with journals: who serves
 * (W1-W5), what may be acknowledged (A1, A2, D1-D3), what a dead branch still holds (A3).
 *
 * A step is one act of one node with what the other hears of it at once; README.md maps each to the
 * code, says what is left out, and what HASTE leaves out besides. No clocks: what may elapse may
 * elapse now. A record is a byte: epoch, who began it, what it is; with its place in the log that
 * identifies it, as its hash does.
 * The bounds and the faults planted in the model (BREAK_...) are set from outside: see `run`. */

#ifndef EPOCHS
#define EPOCHS 3 /* none above is begun while things still go wrong */
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef ALONES
#define ALONES 1 /* times that a primary goes on alone in the midst of its epoch */
#endif
#ifndef JOURNALS
#define JOURNALS 1 /* that may be lost */
#endif
#ifndef WIPES
#define WIPES 0 /* node disks that may be lost */
#endif
#ifndef SEATS
#define SEATS 1 /* each with one answer */
#endif
#ifndef LOG_MAX
#define LOG_MAX 14
#endif

#define STANDBY 0
#define PRIMARY 1
#define FENCED 2

/* What a record is. */
#define BEGAN 0       /* an epoch, with nobody in sync yet */
#define BEGAN_ALONE 1 /* an epoch, attested */
#define WENT_ALONE 2
#define IN_SYNC 3
#define ANSWER 4    /* of seat 0, 1 */
#define RECOVERED 6 /* answer of seat 0, 1 */

#define RECORD(what) (n[me].known << 4 | me << 3 | (what))
#define EPOCH_OF(r) ((r) >> 4)
#define OWNER_OF(r) (((r) >> 3) & 1)
#define RUN_OF(r) ((r) >> 3) /* epoch and owner: which serving it is of */
#define WHAT_OF(r) ((r) & 7)
#define BEGINS(r) (WHAT_OF(r) <= BEGAN_ALONE)
#define ANSWERS_OF(r) (WHAT_OF(r) < ANSWER -> 0 : 1 << (WHAT_OF(r) & 1))
#define NEWEST(x) (n[x].log[n[x].last - 1])

typedef Node {
    unsigned role : 2;
    unsigned known : 3;     /* highest epoch; durable */
    bit learning;           /* durable (D7) */
    unsigned last : 4, durable : 4;
    byte log[LOG_MAX];
    unsigned has : 2, has_durable : 2; /* answers in the log: follows from it */
    unsigned branch : 6; /* durable: 3 bits for each answer: as what a dead branch has it */
    bit follows; /* has joined the other, which streams to it */
    bit may_resume;
    bit offered; /* a HandOver is on its way to it */
    unsigned goal : 4; /* a learner that has so much durable has learned */
    /* as primary */
    bit in_sync, told; /* the other one counts; and the log says so */
    unsigned solo : 2; /* 1: its record is written, 2: durable */
    unsigned acked : 4, has_acked : 2;
    bit shown; /* a Hello on its way to it shows that its number was begun twice */
    /* What is only looked at: */
    unsigned heard : 3; /* highest epoch this disk ever knew of */
    unsigned held : 2; /* answers that this disk ever had durable: what must not be lost (A2) */
};

Node n[2];
bit calm; /* nothing goes wrong any more */
unsigned made : 2, journal : 2, saved : 2, dual : 2;
unsigned seen0 : 4 = 2, seen1 : 4 = 2; /* by seat: the serving it has seen last (W1) */
unsigned crashes : 3 = CRASHES, journals : 1 = JOURNALS, wipes : 1 = WIPES,
    alones : 2 = ALONES;

hidden byte i, common, run_end, above;

/* The steps: README.md says what of the code each one is. */
mtype = {
    COMMIT, TAKE, ACK, LEARNED, SYNC, LOST, ALONE, HEAR, TIE, ATTEST, ATTEST_ABOVE, GIVE, TAKE_OVER,
    DROP_OVER, RESUME, PULL, JOIN, ATTACH, HEARD, SHARED, WRITE, SAVED, RECOVER, RESTART, WIPE,
    ANSWER_MADE, JOURNAL_LOST, CALM, YIELD, DROP_HELLO, HANG
};

#define WHO ((_pid - 1) % 2) /* the node whose process it is; -1: the world */

#ifdef TRACE /* only what a history of the real cores does: see `traces` */
#include "trace.pml"
#else
#define STEP(name) d_step { printf("%d %e\n", WHO, name) /* in a violation's trail */
#define FOLLOWS_TRACE
#define NODE_TRACE_OPTIONS
#define WORLD_TRACE_OPTIONS
#endif

/* Once all is well: what the log still has to do goes before everything else, and all is well only
 * when nothing is under way that could also happen while it is not. */
#ifdef HASTE
#define LOG_IS_BUSY(x)                                                                             \
    (n[x].durable != n[x].last ||                                                                  \
     n[x].role == PRIMARY && n[1 - (x)].follows &&                                                 \
         (n[1 - (x)].last < n[x].last || n[x].acked < n[1 - (x)].VOUCHED))
#define IS_SETTLED(x)                                                                              \
    (n[x].role != PRIMARY || n[1 - (x)].role == PRIMARY ||                                         \
     n[1 - (x)].follows && (n[x].in_sync || n[1 - (x)].learning))
#define AFTER_LOG provided (!calm || !LOG_IS_BUSY(0) && !LOG_IS_BUSY(1))
#define CALM_MAY_COME                                                                              \
    (!LOG_IS_BUSY(0) && !LOG_IS_BUSY(1) && n[0].known == n[1].known && !n[0].offered &&            \
     !n[1].offered && IS_SETTLED(0) && IS_SETTLED(1))
#else
#define AFTER_LOG FOLLOWS_TRACE
#define CALM_MAY_COME true
#endif

#define other (1 - me)
#define ME (n[me].known << 1 | me) /* this node's serving, as a seat remembers it */
#define SERVES (n[me].role == PRIMARY)
#define BOTH_SERVE (SERVES && n[other].role == PRIMARY && n[other].known == n[me].known)
#define MAY_DECIDE (SERVES && (n[me].solo == 2 || n[me].in_sync))
#define STREAMS (SERVES && n[other].follows)
#define LEVEL (n[me].durable == n[me].last)
#ifdef BREAK_LYING_STANDBY
#define VOUCHED last
#define HAS_VOUCHED has
#else
#define VOUCHED durable
#define HAS_VOUCHED has_durable
#endif

#ifdef BREAK_RESTLESS
#define MAY_BE_LOST true
#else
#define MAY_BE_LOST (!calm)
#endif
#ifdef BREAK_PROMOTE_LEARNER
#define LEARNED_ENOUGH true
#else
#define LEARNED_ENOUGH (!n[me].learning) /* D7 */
#endif
#ifdef BREAK_NO_FENCING
#define REFUSE_LOWER_EPOCHS
#else
#define REFUSE_LOWER_EPOCHS leave() /* D3 */
#endif
#ifdef BREAK_ONE_NUMBER
#define BEGUN_TWICE BOTH_SERVE
#else
#define BEGUN_TWICE (n[me].shown || n[other].last && RUN_OF(NEWEST(other)) == (ME ^ 1))
#endif
/* A3: recovery is by what an epoch is, not by its number: two may have the same. */
#ifdef BREAK_BY_NUMBER
#define KEPT_AS(r) EPOCH_OF(r)
#define OF_DEAD_BRANCH(kept) ((kept) && (kept) < n[me].known)
#else
#define KEPT_AS(r) 1
#define OF_DEAD_BRANCH(kept) (kept)
#endif
#ifdef BREAK_ONCE_RECOVERED
#define IS_FOUND_IN_BRANCH(r) (WHAT_OF(r) == ANSWER || WHAT_OF(r) == ANSWER + 1)
#else
#define IS_FOUND_IN_BRANCH(r) (WHAT_OF(r) >= ANSWER)
#endif
/* It is down by now, or has hung; its last Hello may come all the same. */
#define SERVED_WHEN_HEARD                                                                          \
    (n[other].role != PRIMARY && n[other].last > 0 && RUN_OF(NEWEST(other)) == (ME ^ 1))
#define ANSWERED (!n[other].offered) /* nothing of an older link is under way (W3) */
#ifdef BREAK_SOLO_UNLOGGED
#define ALONE_LOGGED 2
#else
#define ALONE_LOGGED 1
#endif
#ifdef BREAK_SAME_EPOCH
#define NEXT_EPOCH n[me].known
#else
#define NEXT_EPOCH (n[me].known + 1)
#endif

inline append(record) {
    assert(n[me].last < LOG_MAX);
    n[me].log[n[me].last] = record;
    n[me].has = n[me].has | ANSWERS_OF(n[me].log[n[me].last]);
    n[me].last++
}

inline commit_all() {
    n[me].durable = n[me].last;
    n[me].has_durable = n[me].has;
    n[me].held = n[me].held | n[me].has
}

inline stop_serving() {
    n[me].in_sync = 0; n[me].told = 0; n[me].solo = 0; n[me].acked = 0; n[me].has_acked = 0;
    n[me].shown = 0;
    n[other].follows = 0
}

/* What the other one had of this standby counts for nothing any more, but for a late release. */
inline leave() {
    n[me].follows = 0;
    if
    :: !n[other].in_sync -> n[other].acked = 0; n[other].has_acked = 0
    :: else
    fi
}

/* W1, rep_learn_epoch */
inline learn(epoch) {
    n[me].known = epoch;
    n[me].heard = epoch;
    REFUSE_LOWER_EPOCHS;
    n[me].offered = 0; n[me].may_resume = 0;
    if
    :: n[me].role == PRIMARY -> n[me].role = FENCED; stop_serving()
    :: else
    fi
}

/* rep_begin and rep_epoch_open: committed before it serves. */
inline begin(epoch, what) {
    assert(epoch <= 7);
    assert(epoch > n[me].heard);          /* W1 */
    assert((dual & ~n[me].has) == 0); /* D1, D7 */
    n[me].known = epoch;
    n[me].heard = epoch;
    REFUSE_LOWER_EPOCHS;
    n[me].offered = 0; n[me].may_resume = 0;
    stop_serving();
    append(RECORD(what));
    commit_all();
    n[me].role = PRIMARY;
    n[me].solo = (what == BEGAN_ALONE -> 2 : 0)
}

/* From the tables of epochs: to where the newest one that both have ends in either. What this node
 * has of the other's own epoch came from it. */
inline find_common() {
    common = 0;
    i = n[me].last;
    do
    :: i > 0 && i <= n[other].last && BEGINS(n[me].log[i - 1]) &&
       n[me].log[i - 1] == n[other].log[i - 1] -> break
    :: i > 0 && !(i <= n[other].last && BEGINS(n[me].log[i - 1]) &&
                  n[me].log[i - 1] == n[other].log[i - 1]) -> i--
    :: i == 0 -> break
    od;
    if
    :: i > 0 ->
        run_end = i;
        do
        :: run_end < n[me].last && !BEGINS(n[me].log[run_end]) -> run_end++
        :: else -> break
        od;
        common = i;
        do
        :: common < n[other].last && !BEGINS(n[other].log[common]) -> common++
        :: else -> break
        od;
        if
        :: common == n[other].last || run_end < common -> common = run_end
        :: else
        fi
    :: else
    fi;
    /* What it joins at is in both logs, record by record, but for what the other has lost since. */
    assert(common <= n[other].last || n[other].role != PRIMARY);
    i = 0;
    do
    :: i < common && i < n[other].last -> assert(n[me].log[i] == n[other].log[i]); i++
    :: else -> break
    od;
    i = 0; run_end = 0
}

/* REP_DO_CUT: the tail becomes a dead branch. */
inline cut_off() {
    n[me].has = 0;
    i = 0;
    do
    :: i < common -> n[me].has = n[me].has | ANSWERS_OF(n[me].log[i]); i++
    :: i >= common && i < n[me].last ->
#ifndef BREAK_DROP_BRANCH
        if
        :: IS_FOUND_IN_BRANCH(n[me].log[i]) && !(WHAT_OF(n[me].log[i]) & 1) ->
            n[me].branch = (n[me].branch & 56) | KEPT_AS(n[me].log[i])
        :: IS_FOUND_IN_BRANCH(n[me].log[i]) && (WHAT_OF(n[me].log[i]) & 1) ->
            n[me].branch = (n[me].branch & 7) | KEPT_AS(n[me].log[i]) << 3
        :: else
        fi;
#endif
        n[me].log[i] = 0;
        i++
    :: else -> break
    od;
    n[me].last = common;
    n[me].durable = common;
    n[me].has_durable = n[me].has;
    common = 0; i = 0
}

/* A crash and the start after it: what is not durable is gone. Who served last may resume (W3). */
inline restart() {
    do
    :: n[me].last > n[me].durable -> n[me].last--; n[me].log[n[me].last] = 0
    :: else -> break
    od;
    n[me].has = n[me].has_durable;
    n[me].role = STANDBY;
    n[me].goal = 0; n[me].offered = 0;
    leave();
    stop_serving();
#ifdef BREAK_FORGET_EPOCH
    if
    :: n[me].last -> n[me].known = EPOCH_OF(NEWEST(me))
    :: else
    fi;
#endif
#ifdef BREAK_HASTY_LEARNER
    n[me].learning = (n[me].last == 0);
#endif
    n[me].may_resume = (n[me].last > 0 && !n[me].learning && OWNER_OF(NEWEST(me)) == me)
}

/* A1, D1-D3: what a seat is told. */
inline tell_saved(seat) {
    if
    :: n[me].solo == 2 ->
        /* A1: the log says that it goes on alone, durably, after it last said otherwise. */
        i = n[me].durable;
        do
        :: i > 0 && WHAT_OF(n[me].log[i - 1]) >= ANSWER -> i--
        :: else -> break
        od;
        assert(i > 0 && (WHAT_OF(n[me].log[i - 1]) == WENT_ALONE ||
                         WHAT_OF(n[me].log[i - 1]) == BEGAN_ALONE));
        assert(n[me].has_durable & (1 << seat));
        i = 0
    :: else ->
        /* D1: on both disks. D3: so no successor lacks it, and nobody else says `dual`. */
        assert(n[me].has_durable & (1 << seat));
        assert((n[other].has_durable & (1 << seat)) || n[other].learning); /* wiped since */
        assert(!(n[other].role == PRIMARY && n[other].in_sync));
        dual = dual | (1 << seat)
    fi;
    saved = saved | (1 << seat)
}

#define IN_BRANCH(x, seat) ((n[x].branch >> (3 * (seat))) & 7)
#define TO_RECOVER(x, seat) (OF_DEAD_BRANCH(IN_BRANCH(x, seat)) && !(n[me].has & (1 << (seat))))
#ifdef BREAK_OWN_BRANCH
#define RECOVER_FROM(seat) (STREAMS && n[other].durable == n[me].last && TO_RECOVER(other, seat))
#else
#define RECOVER_FROM(seat)                                                                         \
    (TO_RECOVER(me, seat) ||                                                                       \
     (STREAMS && n[other].durable == n[me].last && TO_RECOVER(other, seat)))
#endif

/* What passes between a seat and this node; a lost message is a step that is not taken. */
#define WITH_SEAT(seat, seen)                                                                      \
    ::atomic { MAY_DECIDE && seen >> 1 < n[me].known -> STEP(ATTACH); seen = ME } }                \
    ::atomic { SERVES && seen >> 1 > n[me].known ->                                                \
        STEP(HEARD); above = seen >> 1; learn(above) } }                                           \
    ::atomic { SERVES && seen >> 1 == n[me].known && seen != ME && MORE_ABOVE && UNHEARD ->        \
        STEP(SHARED); above = ABOVE; begin(above, BEGAN_ALONE) } }                                 \
    ::atomic { MAY_DECIDE && seen == ME && (journal & (1 << seat)) && !(n[me].has & (1 << seat)) ->\
        STEP(WRITE); append(RECORD(ANSWER + seat)) } }                                             \
    ::atomic { SERVES && seen == ME && !(saved & (1 << seat)) && (made & (1 << seat)) &&           \
               (n[me].solo == 2 && (n[me].has_durable & (1 << seat)) ||                            \
                n[me].in_sync && !n[me].solo &&                                                    \
                    (n[me].has_durable & n[me].has_acked & (1 << seat))) ->                        \
        STEP(SAVED); tell_saved(seat) } }                                                          \
    ::atomic { MAY_DECIDE && RECOVER_FROM(seat) ->                                                 \
        STEP(RECOVER); append(RECORD(RECOVERED + seat)) } }

/* Well again, a node hears of an epoch from the other before anything makes it begin one more. */
#define UNHEARD (!calm || n[other].known <= n[me].known)
/* Of a number that was begun twice: A takes odd ones, B even ones, so that it is not done again. */
#define ABOVE (n[me].known + 1 + (n[me].known + me) % 2)
#define MORE_ABOVE (calm -> ABOVE < 8 : n[me].known < EPOCHS)
#define MORE_EPOCHS (calm -> n[me].known < 7 : n[me].known < EPOCHS)
/* A Hello tells what is durable. */
#define TELLS(x) n[x].log[n[x].durable - 1]
#define BEYOND(x, y)                                                                               \
    (EPOCH_OF(TELLS(x)) > EPOCH_OF(NEWEST(y)) ||                                                   \
     (EPOCH_OF(TELLS(x)) == EPOCH_OF(NEWEST(y)) && n[x].durable > n[y].last))
#define NOBODY_SERVES (n[0].role != PRIMARY && n[1].role != PRIMARY)

/* The log: what is made durable, sent, acknowledged. */
proctype Log(bit me) FOLLOWS_TRACE
{
end:do
    :: atomic { !LEVEL -> STEP(COMMIT);
        commit_all();
        if
        :: n[me].solo == 1 -> n[me].solo = 2
        :: else
        fi } }
    :: atomic { n[other].role == PRIMARY && n[me].follows && n[me].last < n[other].last ->
        STEP(TAKE); append(n[other].log[n[me].last]) } }
    :: atomic { STREAMS && n[me].acked < n[other].VOUCHED -> STEP(ACK);
        assert(n[other].heard <= n[me].known); /* D3 */
        n[me].acked = n[other].VOUCHED;
        n[me].has_acked = n[other].HAS_VOUCHED } }
    od
}

proctype Exam_node(bit me) AFTER_LOG
{
end:do
    NODE_TRACE_OPTIONS
    /* -------- in sync, or alone (A1) */
    :: atomic { STREAMS && !n[me].in_sync && n[me].acked > 0 && !n[other].learning &&
                (n[me].acked == n[me].last || !calm) -> STEP(SYNC);
        if
        :: n[me].solo || !n[me].told -> append(RECORD(IN_SYNC))
        :: else
        fi;
        n[me].in_sync = 1; n[me].told = 1; n[me].solo = 0 } }
    :: atomic { SERVES && n[me].in_sync && (MAY_BE_LOST || !STREAMS) -> STEP(LOST);
        n[me].in_sync = 0; n[me].acked = 0; n[me].has_acked = 0; n[other].follows = 0 } }
    :: atomic { SERVES && !n[me].in_sync && !n[me].solo && alones -> STEP(ALONE);
        alones--;
        append(RECORD(WENT_ALONE));
        n[me].told = 0;
        n[me].solo = ALONE_LOGGED } }
    /* -------- who serves */
    :: atomic { n[other].known > n[me].known -> STEP(HEAR);
        above = n[other].known; learn(above) } }
    :: atomic { SERVES && BEGUN_TWICE && MORE_ABOVE && UNHEARD &&
                !(n[other].role == PRIMARY && me == 1) ->
        STEP(TIE); above = ABOVE; begin(above, BEGAN_ALONE) } }
    :: atomic { BOTH_SERVE && me == 1 -> STEP(YIELD); n[me].role = FENCED; stop_serving() } }
    :: atomic { n[me].shown && !calm -> STEP(DROP_HELLO); n[me].shown = 0 } }
    :: atomic { n[me].role != PRIMARY && LEARNED_ENOUGH && n[me].last > 0 &&
                MORE_EPOCHS &&
                (!calm || (NOBODY_SERVES && !n[other].offered &&
                           (n[other].learning || n[other].last == 0 || !BEYOND(other, me)))) ->
        STEP(ATTEST); above = NEXT_EPOCH; begin(above, BEGAN_ALONE) } }
    :: atomic { n[me].role != PRIMARY && LEARNED_ENOUGH && n[me].last > 0 && !calm &&
                (seen0 >> 1 > n[me].known || seen1 >> 1 > n[me].known) &&
                seen0 >> 1 < EPOCHS && seen1 >> 1 < EPOCHS -> STEP(ATTEST_ABOVE);
        above = (seen0 > seen1 -> seen0 >> 1 : seen1 >> 1) + 1; begin(above, BEGAN_ALONE) } }
    :: atomic { SERVES && n[me].in_sync && LEVEL && n[me].acked == n[me].last && MORE_EPOCHS &&
                !calm -> STEP(GIVE);
        n[me].role = FENCED;
        n[other].offered = n[other].follows; /* else it gives to one that is lost */
        stop_serving() } }
    :: atomic { n[me].offered -> STEP(TAKE_OVER);
        n[me].offered = 0;
        if
        :: LEVEL && !n[me].learning && n[me].role != PRIMARY ->
            above = n[me].known + 1; begin(above, BEGAN)
        :: else
        fi } }
    :: atomic { n[me].offered && !calm -> STEP(DROP_OVER); n[me].offered = 0 } }
    :: atomic { n[me].role == STANDBY && n[me].may_resume && !n[me].follows && LEVEL &&
                n[me].known == EPOCH_OF(NEWEST(me)) && n[other].known == n[me].known &&
                ANSWERED && n[other].role != PRIMARY && !n[other].learning && n[other].last > 0 &&
                RUN_OF(NEWEST(other)) != (ME ^ 1) && !BEYOND(other, me) && MORE_EPOCHS ->
        STEP(RESUME);
        above = n[me].known + 1; begin(above, BEGAN) } }
    :: atomic { n[me].role == STANDBY && n[me].may_resume &&
                n[me].known == EPOCH_OF(NEWEST(me)) && n[other].known == n[me].known &&
                ANSWERED && n[other].role == STANDBY && !n[other].learning &&
                n[other].last > n[me].last && n[other].durable == n[other].last &&
                RUN_OF(NEWEST(other)) == RUN_OF(NEWEST(me)) ->
        STEP(PULL);
        append(n[other].log[n[me].last]) } }
    /* -------- joining (W5) */
    :: atomic { n[other].role == PRIMARY && n[me].role != PRIMARY && LEVEL &&
                n[me].known == n[other].known && !n[me].follows -> STEP(JOIN);
        n[me].may_resume = 0;
        find_common();
        if
        :: common < n[me].last ->
            n[other].shown = (RUN_OF(NEWEST(me)) == ME);
            cut_off()
        :: else ->
            n[me].role = STANDBY; n[me].follows = 1; n[me].offered = 0;
            n[me].goal = (n[me].learning -> n[other].durable : 0);
            n[other].acked = n[me].last; n[other].has_acked = n[me].has;
            n[other].in_sync = 0;
            common = 0
        fi } }
    :: atomic { SERVED_WHEN_HEARD && n[me].role != PRIMARY && LEVEL && !n[me].follows && !calm ->
        STEP(JOIN); /* in vain, and cuts off what it would have */
        n[me].may_resume = 0;
        find_common();
        if
        :: common < n[me].last -> cut_off()
        :: else -> common = 0
        fi } }
    :: atomic { n[me].learning && n[me].goal && n[me].durable >= n[me].goal -> STEP(LEARNED);
        n[me].learning = 0; n[me].goal = 0 } }
    /* -------- seats, and what dead branches still hold (A3) */
    WITH_SEAT(0, seen0)
#if SEATS > 1
    WITH_SEAT(1, seen1)
#endif
    /* -------- harm */
    :: atomic { !calm && crashes -> STEP(RESTART);
        crashes--; restart() } }
    :: atomic { SERVES && !calm && crashes -> STEP(HANG); /* T5 */
        crashes--; n[me].role = STANDBY; stop_serving(); n[me].may_resume = 1 } }
    :: atomic { !calm && wipes && !n[other].learning -> STEP(WIPE);
        wipes--;
        n[me].durable = 0; n[me].has_durable = 0; n[me].known = 0;
        n[me].branch = 0; n[me].held = 0; n[me].heard = 0; n[me].offered = 0;
        n[me].learning = 1;
        restart() } }
    od
}

#define IS_HELD(x) (((n[0].held | n[1].held | journal) >> (x)) & 1)

/* Healed and at rest (A2, W5): one node serves, the other is in sync, the logs are equal and have
 * every acknowledged answer of which a place that ever had it survived. */
inline check_end() {
    assert(n[0].role == PRIMARY && n[1].role == STANDBY ||
           n[0].role == STANDBY && n[1].role == PRIMARY);
    assert(n[0].in_sync || n[1].in_sync);
    assert(n[0].known == n[1].known && n[0].last == n[1].last);
    i = 0;
    do
    :: i < n[0].last -> assert(n[0].log[i] == n[1].log[i]); i++
    :: else -> break
    od;
    i = 0;
    assert(!(saved & 1) || !IS_HELD(0) || (n[0].has_durable & n[1].has_durable & 1));
    assert(!(saved & 2) || !IS_HELD(1) || (n[0].has_durable & n[1].has_durable & 2));
    assert((made & journal & ~saved) == 0) /* and whoever waits has been told */
}

active proctype World() AFTER_LOG
{
    d_step {
        n[0].role = PRIMARY; n[0].known = 1; n[0].heard = 1; n[0].in_sync = 1; n[0].told = 1;
        n[0].log[0] = 1 << 4 | BEGAN; n[0].last = 1; n[0].durable = 1; n[0].acked = 1;
        n[1].known = 1; n[1].heard = 1; n[1].follows = 1;
        n[1].log[0] = 1 << 4 | BEGAN; n[1].last = 1; n[1].durable = 1
    }
#ifdef TRACE
    c_code { trace_load(); };
#endif
    atomic { run Exam_node(0); run Exam_node(1); run Log(0); run Log(1) }
    do
    WORLD_TRACE_OPTIONS
    :: atomic { !(made & 1) -> STEP(ANSWER_MADE); made = made | 1; journal = journal | 1 } }
#if SEATS > 1
    :: atomic { made == 1 ->
        STEP(ANSWER_MADE); made = 3; journal = journal | 2 } } /* seats are alike */
#endif
    :: atomic { !calm && journals && journal -> STEP(JOURNAL_LOST);
        journals = 0; journal = 0; seen0 = 0; seen1 = 0 } }
    :: atomic { !calm && CALM_MAY_COME -> STEP(CALM);
        calm = 1; crashes = 0; alones = 0; journals = 0; wipes = 0 } }
#ifndef TRACE
    :: timeout -> break
#endif
    od;
    skip;
    d_step { check_end() }
}

#ifdef CHECK_REST
/* An endless run in which nothing goes wrong any more. */
never {
    do
    :: true
    :: calm -> break
    od;
accept:
    do
    :: calm
    od
}
#endif
