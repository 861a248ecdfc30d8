#include "hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "sim_server.h"
#include "stage.h"

enum { ASKED_MAX = 256 };

struct mark_given {
    uint8_t bytes[MARK_BYTES_MAX];
    size_t n; /* 0: none */
    uint64_t used_ms, epoch;
    uint64_t at_ms; /* it was asked for */
};

struct hostile {
    struct sim_end *end; /* NULL: not connected */
    uint32_t node, id;
    uint8_t words[ASKED_MAX]; /* by the request's number */
    uint64_t asked_ms[ASKED_MAX];
    struct mark_given first, last;
    bool served_anew;    /* the node has said so, and it has not gone on since */
    bool taken_in;       /* the node has replied to its attaching, and has served on since */
    uint64_t epoch, lsn; /* of its attachment */
    uint64_t seq_have;   /* that the node has, as it said */
    uint64_t seq_sent;   /* all up to here have been sent */
    struct arena arena;
    uint8_t *arena_block;
    uint8_t frame[FRAME_HEADER_BYTES + SEAT_REQUEST_BYTES_MAX];
};

static uint8_t session[SESSION_BYTES] = "a session of 16";

static struct hostile *hostile_of(struct history *h)
{
    if (h->hostile)
        return h->hostile;
    struct hostile *x = calloc(1, sizeof *x);
    uint8_t *block = malloc(ARENA_BYTES_SEAT);
    if (!x || !block)
        abort();
    x->arena_block = block;
    arena_init(&x->arena, block, ARENA_BYTES_SEAT);
    h->hostile = x;
    return x;
}

static void hang_up(struct hostile *x)
{
    sim_end_free(x->end);
    x->end = NULL;
    x->served_anew = x->taken_in = false;
}

void hostile_end(struct history *h)
{
    if (!h->hostile)
        return;
    hang_up(h->hostile);
    free(h->hostile->arena_block);
    free(h->hostile);
    h->hostile = NULL;
}

/* ---------------------------------------------------------------- what it hears */

static void take_mark(struct hostile *x, uint32_t id, const ProtobufCBinaryData *mark,
                      uint64_t used_ms)
{
    if (!mark->len || mark->len > MARK_BYTES_MAX)
        return;
    x->last = (struct mark_given){.n = mark->len,
                                  .used_ms = used_ms,
                                  .epoch = x->epoch,
                                  .at_ms = x->asked_ms[id % ASKED_MAX]};
    memcpy(x->last.bytes, mark->data, mark->len);
    if (!x->first.n)
        x->first = x->last;
}

/* Within an epoch one clock measures all: no account grows faster than it. */
static void look_at_used(struct history *h, const struct hostile *x, uint64_t used_ms)
{
    enum { ROUNDED_MS = 2 };
    uint64_t passed_ms = world_now_ms(h->w) - x->first.at_ms;
    if (!x->first.n || x->first.epoch != x->epoch || h->two_served || h->epochs.twins ||
        used_ms <= x->first.used_ms + passed_ms + ROUNDED_MS)
        return;
    history_fail(h, "T6", "a seat has made its account grow by %llu ms within %llu ms",
                 (unsigned long long)(used_ms - x->first.used_ms), (unsigned long long)passed_ms);
}

/* T12: whoever is shown a mark knows no less than it says, unless less than that is all there is.
 */
static void look_at_mark(struct history *h, const struct hostile *x, enum hostile_word word,
                         const Seat__Attached *a)
{
    bool shown = word == HOSTILE_ATTACHES || word == HOSTILE_CLAIMS || word == HOSTILE_SIGNS_IN;
    if (!shown || a->account->left_ms == 0 || a->account->used_ms >= x->last.used_ms ||
        a->state == SEAT__SITTING_STATE__SITTING_STATE_FINISHED)
        return;
    history_fail(h, "T12", "a seat has shown a mark of %llu ms, and has used %llu ms",
                 (unsigned long long)x->last.used_ms, (unsigned long long)a->account->used_ms);
}

static void take_attached(struct history *h, struct hostile *x, uint32_t id,
                          const Seat__Attached *a)
{
    enum hostile_word word = x->words[id % ASKED_MAX];
    if (strcmp(a->candidate->admission_no, stage_hostile_name) != 0)
        history_fail(h, word == HOSTILE_ATTACHES_AS_ANOTHER ? "T11" : "P4",
                     "a seat is taken in as candidate %s, who is another",
                     a->candidate->admission_no);
    if (word == HOSTILE_FORGED_MARK)
        history_fail(h, "T12", "a seat is taken in with a mark that it has forged");
    x->epoch = a->attachment_epoch;
    x->lsn = a->attachment_lsn;
    x->seq_have = a->seq_have;
    if (a->seq_have > x->seq_sent)
        history_fail(h, "A2", "a node says that it has action %llu of a seat which has sent %llu",
                     (unsigned long long)a->seq_have, (unsigned long long)x->seq_sent);
    look_at_used(h, x, a->account->used_ms);
    look_at_mark(h, x, word, a);
    take_mark(x, id, &a->mark, a->account->used_ms);
}

static void take_ack(struct history *h, struct hostile *x, uint32_t id, const Seat__Ack *a)
{
    enum hostile_word word = x->words[id % ASKED_MAX];
    if (!x->taken_in)
        history_fail(h, "T5", "a seat gets a mark that has not attached since node %s serves anew",
                     stage_node_name(x->node));
    if (a->seq > x->seq_sent)
        history_fail(h, "A2", "action %llu of a seat is called saved, and %llu was never sent",
                     (unsigned long long)a->seq, (unsigned long long)x->seq_sent + 1);
    if (word == HOSTILE_COMES_FROM_LATER && a->seq > x->seq_have)
        history_fail(h, "A3", "an answer made under an attachment to come is called saved");
    if (a->seq > x->seq_have)
        x->seq_have = a->seq;
    look_at_used(h, x, a->used_ms);
    take_mark(x, id, &a->mark, a->used_ms);
}

/* What is refused for good is kept in the log, and counted. */
static void take_refused(struct history *h, struct hostile *x, const Seat__Refused *r)
{
    if (r->code == EXAM_GAP && r->seq_have > x->seq_sent)
        history_fail(h, "A2", "a node says that it has action %llu of a seat which has sent %llu",
                     (unsigned long long)r->seq_have, (unsigned long long)x->seq_sent);
    if (r->code == EXAM_GAP)
        x->seq_have = r->seq_have;
    else if (exam_err_class_of((exam_err)r->code) != EXAM_CLASS_RETRY && r->seq > x->seq_have &&
             r->seq <= x->seq_sent)
        x->seq_have = r->seq;
}

static bool asks_to_be_taken_in(enum hostile_word word)
{
    return word == HOSTILE_SIGNS_IN || word == HOSTILE_SIGNS_IN_AS_ANOTHER ||
           word == HOSTILE_ATTACHES || word == HOSTILE_ATTACHES_AS_ANOTHER ||
           word == HOSTILE_CLAIMS || word == HOSTILE_OLD_MARK || word == HOSTILE_FORGED_MARK;
}

/* T5: whoever was attached attaches anew when a node begins to serve; it says so. A refusal may be
 * the one of a seat that was left (T11): the next replies are meant for it. */
static void note_taken_in(struct hostile *x, const Seat__Reply *r)
{
    if (r->kind_case == SEAT__REPLY__KIND_NOTICE &&
        r->notice->kind == SEAT__NOTICE_KIND__NOTICE_KIND_SERVING) {
        x->served_anew = true;
        x->taken_in = false;
    }
    if (r->kind_case != SEAT__REPLY__KIND_NOTICE)
        x->taken_in |= asks_to_be_taken_in(x->words[r->id % ASKED_MAX]);
}

static void take_reply(struct history *h, struct hostile *x, const Seat__Reply *r)
{
    note_taken_in(x, r);
    if (r->kind_case == SEAT__REPLY__KIND_ATTACHED)
        take_attached(h, x, r->id, r->attached);
    else if (r->kind_case == SEAT__REPLY__KIND_ACK)
        take_ack(h, x, r->id, r->ack);
    else if (r->kind_case == SEAT__REPLY__KIND_REFUSED)
        take_refused(h, x, r->refused);
}

static void listen_to_it(struct history *h, struct hostile *x)
{
    const uint8_t *payload;
    size_t bytes;
    world_settle(h->w);
    while (x->end && sim_end_next(x->end, &payload, &bytes)) {
        const Seat__Reply *r;
        const char *why = "";
        if (codec_seat_reply(&x->arena, payload, bytes, &r, &why)) {
            history_fail(h, "sim", "a node's reply to a seat cannot be read: %s", why);
            return;
        }
        take_reply(h, x, r);
    }
    if (x->end && sim_end_is_over(x->end))
        hang_up(x);
}

/* ---------------------------------------------------------------- what it says */

static void send_it(struct history *h, struct hostile *x, enum hostile_word word, uint64_t seq,
                    Seat__Request *m)
{
    size_t bytes;
    m->id = ++x->id;
    x->words[m->id % ASKED_MAX] = (uint8_t)word;
    x->asked_ms[m->id % ASKED_MAX] = world_now_ms(h->w);
    if (codec_frame_pack(&m->base, x->frame, sizeof x->frame, &bytes))
        abort();
    if (sim_end_send(x->end, x->frame, bytes)) {
        hang_up(x);
        return;
    }
    if (seq == x->seq_sent + 1)
        x->seq_sent = seq;
    listen_to_it(h, x);
}

static void greet(struct history *h, struct hostile *x, uint64_t number)
{
    Seat__Hello hello = SEAT__HELLO__INIT;
    Seat__Request m = SEAT__REQUEST__INIT;
    hello.version = SEAT_VERSION;
    hello.seat = (char *)(uintptr_t)stage_hostile_seat(&h->plan->site);
    hello.client = (char *)(uintptr_t) "hostile";
    hello.epoch_seen = number % 3 ? x->epoch : number; /* any claim: nobody may believe it (W1) */
    m.kind_case = SEAT__REQUEST__KIND_HELLO;
    m.hello = &hello;
    send_it(h, x, HOSTILE_GREETS_AGAIN, 0, &m);
}

static bool connected(struct history *h, struct hostile *x, uint32_t node, uint64_t number)
{
    if (x->end && (x->node != node || sim_end_is_over(x->end)))
        hang_up(x);
    if (x->end)
        return true;
    x->node = node;
    if (world_dial_seat(h->w, node, stage_hostile_seat(&h->plan->site), &x->end))
        return false;
    greet(h, x, number);
    return x->end != NULL;
}

static void sign_in(struct history *h, struct hostile *x, enum hostile_word word, uint64_t number)
{
    Seat__SignIn s = SEAT__SIGN_IN__INIT;
    Seat__Request m = SEAT__REQUEST__INIT;
    const char *who = word == HOSTILE_SIGNS_IN
                          ? stage_hostile_name
                          : stage_candidate_name((uint32_t)(number % h->plan->site.candidates_n));
    s.admission_no = s.id_no = (char *)(uintptr_t)who;
    s.session = (ProtobufCBinaryData){.len = SESSION_BYTES, .data = session};
    s.mark = (ProtobufCBinaryData){.len = x->last.n, .data = x->last.bytes};
    m.kind_case = SEAT__REQUEST__KIND_SIGN_IN;
    m.sign_in = &s;
    send_it(h, x, word, 0, &m);
}

static void attach(struct history *h, struct hostile *x, enum hostile_word word, uint64_t number)
{
    Seat__Attach a = SEAT__ATTACH__INIT;
    Seat__Request m = SEAT__REQUEST__INIT;
    struct mark_given mark = word == HOSTILE_OLD_MARK ? x->first : x->last;
    bool as_another = word == HOSTILE_ATTACHES_AS_ANOTHER;
    a.admission_no =
        (char *)(uintptr_t)(as_another ? stage_candidate_name(
                                             (uint32_t)(number % h->plan->site.candidates_n))
                                       : stage_hostile_name);
    a.session = (ProtobufCBinaryData){.len = SESSION_BYTES, .data = session};
    a.mark = (ProtobufCBinaryData){.len = mark.n, .data = mark.bytes};
    if (word == HOSTILE_FORGED_MARK && !mark.n)
        return;
    if (word == HOSTILE_FORGED_MARK)
        mark.bytes[number % mark.n] ^= (uint8_t)(1 + number / mark.n % 255);
    if (word != HOSTILE_ATTACHES) {
        a.open_ms = number % 2 ? number : number % 20000;
        a.since_ms = number % 5 ? number / 3 % 60000 : UINT64_MAX - number;
        a.clock_continuous = number % 7 < 5;
        a.ended = number % 11 == 0;
        a.ended_ago_ms = number / 5 % 100000;
    }
    m.kind_case = SEAT__REQUEST__KIND_ATTACH;
    m.attach = &a;
    send_it(h, x, word, 0, &m);
}

static void answer(struct history *h, struct hostile *x, enum hostile_word word, uint64_t number)
{
    char value[32];
    Seat__Answer a = SEAT__ANSWER__INIT;
    Seat__Request m = SEAT__REQUEST__INIT;
    snprintf(value, sizeof value, "x%llu", (unsigned long long)number);
    a.seq = x->seq_have + 1;
    if (word == HOSTILE_LEAVES_A_GAP)
        a.seq = x->seq_sent + 2 + number % 5;
    if (word == HOSTILE_ANSWERS_AGAIN)
        a.seq = 1 + number % (x->seq_have + 1);
    a.item = (char *)(uintptr_t)stage_item_name((uint32_t)(number % h->plan->site.items_n));
    a.value = (ProtobufCBinaryData){.len = strlen(value), .data = (uint8_t *)value};
    a.used_ms = word == HOSTILE_ANSWERS ? x->last.used_ms : number;
    a.attachment_epoch = x->epoch + (word == HOSTILE_COMES_FROM_LATER ? 1000 : 0);
    a.attachment_lsn = x->lsn;
    m.kind_case = SEAT__REQUEST__KIND_ANSWER;
    m.answer = &a;
    send_it(h, x, word, a.seq, &m);
}

static void say_the_rest(struct history *h, struct hostile *x, enum hostile_word word,
                         uint64_t number)
{
    Seat__Request m = SEAT__REQUEST__INIT;
    Seat__Submit submit = SEAT__SUBMIT__INIT;
    Seat__Heartbeat beat = SEAT__HEARTBEAT__INIT;
    Seat__FetchPaper fetch = SEAT__FETCH_PAPER__INIT;
    submit.seq = x->seq_sent + 2 + number % 3;
    submit.used_ms = beat.used_ms = number;
    beat.unsent = number / 2;
    fetch.offset = (uint32_t)number;
    m.kind_case = word == HOSTILE_SUBMITS_AFTER_A_GAP ? SEAT__REQUEST__KIND_SUBMIT
                  : word == HOSTILE_BEATS             ? SEAT__REQUEST__KIND_HEARTBEAT
                                                      : SEAT__REQUEST__KIND_FETCH_PAPER;
    if (word == HOSTILE_SUBMITS_AFTER_A_GAP)
        m.submit = &submit;
    else if (word == HOSTILE_BEATS)
        m.heartbeat = &beat;
    else
        m.fetch_paper = &fetch;
    send_it(h, x, word, 0, &m);
}

/* It takes no notice of a new epoch (T5). */
static void go_on(struct history *h, struct hostile *x, uint64_t number)
{
    x->served_anew = false;
    say_the_rest(h, x, HOSTILE_BEATS, number);
}

void hostile_say(struct history *h, uint32_t node, enum hostile_word word, uint64_t number)
{
    struct hostile *x = hostile_of(h);
    if (x->end)
        listen_to_it(h, x);
    if (x->end && x->served_anew)
        go_on(h, x, number);
    if (!connected(h, x, node, number))
        return;
    switch (word) {
    case HOSTILE_SIGNS_IN:
    case HOSTILE_SIGNS_IN_AS_ANOTHER:
        sign_in(h, x, word, number);
        return;
    case HOSTILE_ATTACHES:
    case HOSTILE_CLAIMS:
    case HOSTILE_OLD_MARK:
    case HOSTILE_FORGED_MARK:
    case HOSTILE_ATTACHES_AS_ANOTHER:
        attach(h, x, word, number);
        return;
    case HOSTILE_ANSWERS:
    case HOSTILE_LEAVES_A_GAP:
    case HOSTILE_ANSWERS_AGAIN:
    case HOSTILE_COMES_FROM_LATER:
        answer(h, x, word, number);
        return;
    case HOSTILE_GREETS_AGAIN:
        greet(h, x, number);
        return;
    case HOSTILE_HANGS_UP:
        hang_up(x);
        return;
    default:
        say_the_rest(h, x, word, number);
        return;
    }
}
