/* fakenode.c - a node that holds everything in memory and can lie: shows that seatsim's checks can
 * fail. For tests only. One thread, poll, a few seats; its batch starts when all of them are in.
 *
 *   fakenode LIE SEATS  prints its port, serves until it is killed
 *     none              an honest node
 *     ago               another: it tells whoever attaches what was used up to 300 ms before
 *     forget            breaks all connections once, and then has one answer less than acknowledged
 *     fast              used runs 5 % too fast
 *     back              used falls by 400 ms once
 *     sum               used + left is one millisecond too much, in acknowledgements
 *     credit            a seat that comes back is credited the time its screen was open (T6)
 *     charge            a seat that comes back is charged all the time that it was away (T5, T7)
 *     rest              so is one that comes back after a dead stretch, for a quarter of it
 *     refuse            refuses each candidate's tenth answer */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "codec.h"
#include "frame.h"

enum {
    SEATS_MAX = 8,
    CONNECTIONS_MAX = 64,
    ALLOT_MS = 3600 * 1000,
    BREAK_AFTER_ANSWERS = 20,
    REFUSED_SEQ = 10,
    GRACE_MS = 500,
    AGO_MS = 300,
};

static const char paper_text[] =
    "{\"format\":\"shunyan-paper-1\",\"id\":\"P\",\"title\":\"t\",\"minutes\":60,\"subjects\":[{"
    "\"id\":"
    "\"s\",\"items\":[{\"id\":\"q1\",\"kind\":\"single\",\"options\":{\"A\":\"a\",\"B\":\"b\"}},"
    "{\"id\":\"q2\",\"kind\":\"true-false\"}]}]}";

struct sitting {
    char admission_no[NAME_BYTES_MAX + 1];
    uint64_t seq_have;
    uint64_t used_ms, mark_ms, lost_ms; /* at the last mark */
    uint64_t told_ms;                   /* the last used_ms that was told */
    bool attached;
    bool finished;
    bool went_back;
};

struct connection {
    int fd;
    struct sitting *sitting;
    struct frame_reader reader;
    uint8_t buf[FRAME_HEADER_BYTES + SEAT_REQUEST_BYTES_MAX];
};

struct fake {
    const char *lie;
    struct sitting sitting[SEATS_MAX];
    struct connection *conn[CONNECTIONS_MAX];
    struct arena arena;
    uint64_t answers;
    uint32_t seats_n, signed_in_n;
    uint64_t start_ms; /* 0: not yet */
    bool broke;
    uint8_t digest[HASH_BYTES];
};

static bool lies(const struct fake *f, const char *lie)
{
    return strcmp(f->lie, lie) == 0;
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* T2, T3: an attached sitting's clock runs; an acknowledgement marks it. */
static uint64_t mark(struct fake *f, struct sitting *s)
{
    uint64_t now = now_ms();
    if (f->start_ms != 0 && s->attached && !s->finished)
        s->used_ms += now - s->mark_ms;
    s->mark_ms = now;
    if (lies(f, "back") && s->used_ms > 500 && !s->went_back) {
        s->went_back = true;
        s->used_ms -= 400;
    }
    return s->used_ms + (lies(f, "fast") ? s->used_ms / 20 : 0);
}

/* T5-T7: what a seat that is back has used since the mark; the rest is lost. */
static void come_back(struct fake *f, struct sitting *s, const Seat__Attach *a)
{
    uint64_t now = now_ms(), away = now - s->mark_ms, carried = 0, used;
    if (f->start_ms == 0 || s->finished)
        return;
    memcpy(&carried, a->mark.data, a->mark.len < sizeof carried ? a->mark.len : sizeof carried);
    used = carried + (a->open_ms < GRACE_MS ? a->open_ms : GRACE_MS);
    used = used > s->used_ms ? used - s->used_ms : 0;
    if (a->clock_continuous && a->open_ms == a->since_ms && a->open_ms <= GRACE_MS)
        used = away;
    if (lies(f, "credit"))
        used = 0;
    if (lies(f, "charge"))
        used = away;
    if (used > away)
        used = away;
    if (lies(f, "rest"))
        used += (away - used) / 4;
    s->used_ms += used;
    s->lost_ms += away - used;
    s->mark_ms = now;
}

static void reply_send(struct connection *c, Seat__Reply *r, uint32_t id)
{
    static uint8_t out[FRAME_HEADER_BYTES + FRAME_BYTES_MAX];
    size_t n;
    r->id = id;
    if (codec_frame_pack(&r->base, out, sizeof out, &n) != EXAM_OK ||
        send(c->fd, out, n, MSG_NOSIGNAL) != (ssize_t)n)
        shutdown(c->fd, SHUT_RDWR);
}

static void on_hello(struct connection *c, uint32_t id)
{
    Seat__Reply r;
    Seat__Welcome w;
    char name[] = "F";
    uint8_t site[SITE_ID_BYTES] = {1};
    seat__reply__init(&r);
    seat__welcome__init(&w);
    w.version = SEAT_VERSION;
    w.node = name;
    w.site_id = (ProtobufCBinaryData){sizeof site, site};
    w.epoch = 1;
    w.serving = true;
    r.kind_case = SEAT__REPLY__KIND_WELCOME;
    r.welcome = &w;
    reply_send(c, &r, id);
}

static struct sitting *sitting_of(struct fake *f, const char *admission_no)
{
    for (int i = 0; i < SEATS_MAX; i++) {
        struct sitting *s = &f->sitting[i];
        if (s->admission_no[0] == '\0') {
            snprintf(s->admission_no, sizeof s->admission_no, "%s", admission_no);
        }
        if (strcmp(s->admission_no, admission_no) == 0)
            return s;
    }
    exit(EXIT_FAILURE);
}

static void account_put(struct fake *f, struct sitting *s, Seat__Account *a)
{
    a->allot_ms = ALLOT_MS;
    a->used_ms = mark(f, s);
    a->left_ms = ALLOT_MS - a->used_ms;
    a->lost_ms = s->lost_ms;
}

/* T1: the batch starts for all of them at once. */
static void batch_start(struct fake *f)
{
    f->start_ms = now_ms();
    for (int i = 0; i < SEATS_MAX; i++)
        f->sitting[i].mark_ms = f->start_ms;
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *c = f->conn[i];
        Seat__Reply r;
        Seat__Notice n;
        Seat__Account account;
        if (c == NULL || c->sitting == NULL)
            continue;
        seat__reply__init(&r);
        seat__notice__init(&n);
        seat__account__init(&account);
        account_put(f, c->sitting, &account);
        n.kind = SEAT__NOTICE_KIND__NOTICE_KIND_STARTED;
        n.epoch = 1;
        n.account = &account;
        n.mark = (ProtobufCBinaryData){sizeof c->sitting->used_ms, (uint8_t *)&c->sitting->used_ms};
        n.paper_bytes = sizeof paper_text - 1;
        n.paper_digest = (ProtobufCBinaryData){HASH_BYTES, f->digest};
        r.kind_case = SEAT__REPLY__KIND_NOTICE;
        r.notice = &n;
        reply_send(c, &r, 0);
    }
}

static void attached_send(struct fake *f, struct connection *c, uint32_t id)
{
    struct sitting *s = c->sitting;
    Seat__Reply r;
    Seat__Attached a;
    Seat__Account account;
    Seat__Candidate who;
    char word[] = "x";
    seat__reply__init(&r);
    seat__attached__init(&a);
    seat__account__init(&account);
    seat__candidate__init(&who);
    who.admission_no = s->admission_no;
    who.name = who.id_no = who.room = who.seat = who.batch = who.batch_title = word;
    who.paper = who.paper_title = word;
    s->attached = true;
    account_put(f, s, &account);
    if (lies(f, "ago"))
        a.ago_ms = s->used_ms - s->told_ms < AGO_MS ? s->used_ms - s->told_ms : AGO_MS;
    account.used_ms -= a.ago_ms;
    account.left_ms += a.ago_ms;
    uint64_t marked_ms = s->told_ms = s->used_ms - a.ago_ms;
    a.candidate = &who;
    a.account = &account;
    a.state = s->finished        ? SEAT__SITTING_STATE__SITTING_STATE_FINISHED
              : f->start_ms == 0 ? SEAT__SITTING_STATE__SITTING_STATE_WAITING
                                 : SEAT__SITTING_STATE__SITTING_STATE_ANSWERING;
    a.finish = s->finished ? 2 : 0;
    a.attachment_epoch = 1;
    a.attachment_lsn = 1 + f->answers;
    a.seq_have = s->seq_have;
    a.heartbeat_ms = 100;
    a.grace_ms = GRACE_MS;
    a.paper_bytes = f->start_ms == 0 ? 0 : sizeof paper_text - 1;
    a.paper_digest = (ProtobufCBinaryData){HASH_BYTES, f->digest};
    a.durability = SEAT__DURABILITY__DURABILITY_DUAL;
    a.mark = (ProtobufCBinaryData){sizeof marked_ms, (uint8_t *)&marked_ms};
    a.epoch = 1;
    r.kind_case = SEAT__REPLY__KIND_ATTACHED;
    r.attached = &a;
    reply_send(c, &r, id);
}

static void ack_send(struct fake *f, struct connection *c, uint32_t id, uint64_t seq)
{
    struct sitting *s = c->sitting;
    Seat__Reply r;
    Seat__Ack a;
    seat__reply__init(&r);
    seat__ack__init(&a);
    a.seq = seq;
    a.durability = SEAT__DURABILITY__DURABILITY_DUAL;
    a.used_ms = mark(f, s);
    s->told_ms = s->used_ms;
    a.left_ms = ALLOT_MS - a.used_ms + lies(f, "sum");
    a.mark = (ProtobufCBinaryData){sizeof s->used_ms, (uint8_t *)&s->used_ms};
    a.finished = s->finished;
    r.kind_case = SEAT__REPLY__KIND_ACK;
    r.ack = &a;
    reply_send(c, &r, id);
}

static void refused_send(struct connection *c, uint32_t id, uint64_t seq)
{
    Seat__Reply r;
    Seat__Refused m;
    char text[] = "a lie of the test";
    seat__reply__init(&r);
    seat__refused__init(&m);
    m.code = EXAM_NOT_FOUND;
    m.text = text;
    m.seq = seq;
    r.kind_case = SEAT__REPLY__KIND_REFUSED;
    r.refused = &m;
    reply_send(c, &r, id);
}

static void part_send(struct connection *c, uint32_t id, uint32_t offset)
{
    Seat__Reply r;
    Seat__PaperPart p;
    uint8_t text[sizeof paper_text];
    size_t total = sizeof paper_text - 1;
    size_t from = offset < total ? offset : total;
    memcpy(text, paper_text, sizeof text);
    seat__reply__init(&r);
    seat__paper_part__init(&p);
    p.offset = (uint32_t)from;
    p.total = (uint32_t)total;
    p.data = (ProtobufCBinaryData){total - from, text + from};
    r.kind_case = SEAT__REPLY__KIND_PAPER_PART;
    r.paper_part = &p;
    reply_send(c, &r, id);
}

/* One moment of bad luck for all seats, and the lies that come with it. */
static void break_all(struct fake *f)
{
    f->broke = true;
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        if (f->conn[i] != NULL)
            shutdown(f->conn[i]->fd, SHUT_RDWR);
    for (int i = 0; i < SEATS_MAX; i++) {
        if (lies(f, "forget") && f->sitting[i].seq_have > 0)
            f->sitting[i].seq_have--;
    }
}

static void on_answer(struct fake *f, struct connection *c, uint32_t id, uint64_t seq)
{
    if (lies(f, "refuse") && seq == REFUSED_SEQ) {
        c->sitting->seq_have = seq;
        refused_send(c, id, seq);
        return;
    }
    if (seq > c->sitting->seq_have)
        c->sitting->seq_have = seq;
    ack_send(f, c, id, seq);
    if (++f->answers == BREAK_AFTER_ANSWERS && !f->broke)
        break_all(f);
}

static void on_request(struct fake *f, struct connection *c, const Seat__Request *q)
{
    switch (q->kind_case) {
    case SEAT__REQUEST__KIND_HELLO:
        on_hello(c, q->id);
        return;
    case SEAT__REQUEST__KIND_SIGN_IN:
        c->sitting = sitting_of(f, q->sign_in->admission_no);
        attached_send(f, c, q->id);
        if (++f->signed_in_n == f->seats_n)
            batch_start(f);
        return;
    case SEAT__REQUEST__KIND_ATTACH:
        c->sitting = sitting_of(f, q->attach->admission_no);
        c->sitting->attached = false;
        come_back(f, c->sitting, q->attach);
        attached_send(f, c, q->id);
        return;
    case SEAT__REQUEST__KIND_HEARTBEAT:
        ack_send(f, c, q->id, 0);
        return;
    case SEAT__REQUEST__KIND_ANSWER:
        on_answer(f, c, q->id, q->answer->seq);
        return;
    case SEAT__REQUEST__KIND_SUBMIT:
        mark(f, c->sitting);
        c->sitting->seq_have = q->submit->seq;
        c->sitting->finished = true;
        ack_send(f, c, q->id, q->submit->seq);
        return;
    case SEAT__REQUEST__KIND_FETCH_PAPER:
        part_send(c, q->id, q->fetch_paper->offset);
        return;
    default:
        return;
    }
}

/* False: the connection is over. */
static bool on_bytes(struct fake *f, struct connection *c)
{
    uint8_t *at;
    const uint8_t *payload;
    size_t room, n;
    const Seat__Request *q;
    frame_reader_space(&c->reader, &at, &room);
    ssize_t got = recv(c->fd, at, room, 0);
    if (got <= 0)
        return false;
    frame_reader_filled(&c->reader, (size_t)got);
    exam_err err;
    while ((err = frame_reader_next(&c->reader, &payload, &n)) == EXAM_OK) {
        if (codec_seat_request(&f->arena, payload, n, &q, NULL) != EXAM_OK)
            return false;
        on_request(f, c, q);
    }
    return err == EXAM_AGAIN;
}

static void on_dialled(struct fake *f, int listener)
{
    int fd = accept(listener, NULL, NULL);
    for (int i = 0; fd >= 0 && i < CONNECTIONS_MAX; i++) {
        if (f->conn[i] != NULL)
            continue;
        struct connection *c = calloc(1, sizeof *c);
        if (c == NULL || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) != 0)
            exit(EXIT_FAILURE);
        c->fd = fd;
        frame_reader_init(&c->reader, c->buf, sizeof c->buf, SEAT_REQUEST_BYTES_MAX);
        f->conn[i] = c;
        return;
    }
    exit(EXIT_FAILURE);
}

/* The same sitting has come back on another connection. */
static bool superseded(const struct fake *f, const struct connection *c)
{
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        if (f->conn[i] != NULL && f->conn[i] != c && f->conn[i]->sitting == c->sitting)
            return true;
    return false;
}

static void serve(struct fake *f, int listener)
{
    for (;;) {
        struct pollfd p[CONNECTIONS_MAX + 1] = {{.fd = listener, .events = POLLIN}};
        for (int i = 0; i < CONNECTIONS_MAX; i++)
            p[i + 1] = (struct pollfd){.fd = f->conn[i] ? f->conn[i]->fd : -1, .events = POLLIN};
        if (poll(p, CONNECTIONS_MAX + 1, -1) < 0)
            exit(EXIT_FAILURE);
        if (p[0].revents != 0)
            on_dialled(f, listener);
        for (int i = 0; i < CONNECTIONS_MAX; i++) {
            if (p[i + 1].revents == 0 || on_bytes(f, f->conn[i]))
                continue;
            if (f->conn[i]->sitting != NULL && !superseded(f, f->conn[i]))
                f->conn[i]->sitting->attached = false;
            close(f->conn[i]->fd);
            free(f->conn[i]);
            f->conn[i] = NULL;
        }
    }
}

int main(int argc, char **argv)
{
    static struct fake f;
    static _Alignas(64) uint8_t block[ARENA_BYTES_SEAT];
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof at;
    if (argc != 3 || sodium_init() < 0)
        return EXIT_FAILURE;
    f.lie = argv[1];
    f.seats_n = (uint32_t)atoi(argv[2]);
    arena_init(&f.arena, block, sizeof block);
    crypto_generichash(f.digest, HASH_BYTES, (const uint8_t *)paper_text, sizeof paper_text - 1,
                       NULL, 0);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, bytes) != 0 ||
        listen(listener, 64) != 0 || getsockname(listener, (struct sockaddr *)&at, &bytes) != 0)
        return EXIT_FAILURE;
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    serve(&f, listener);
}
