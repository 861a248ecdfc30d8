/* rawseat.c - says to a node exactly what it is told to, right or wrong: for tests of what the node
 * answers. It keeps no rule of its own.
 *
 *   rawseat HOST:PORT STEP...
 *     hello SEAT [VERSION]
 *     signin ADMISSION_NO ID_NO SESSION   SESSION: a word; its first 16 bytes, padded with zeros
 *     attach ADMISSION_NO SESSION
 *     answer SEQ ITEM VALUE            under the newest attachment that this connection was given
 *     answer-of SEQ ITEM BYTES         the same with a value of so many bytes
 *     submit SEQ
 *     heartbeat
 *     fetch OFFSET
 *     raw BYTES                        a frame of so many bytes of 0xff
 *     hold MILLISECONDS                stay connected, say nothing
 *   rawseat HOST:PORT random SEED ROUNDS  ROUNDS connections with seeded nonsense of several kinds;
 * each must be closed by the node
 *
 * Each step waits for its reply and prints it as one line: "welcome ...", "attached ...", "ack
 * ...", "refused code=... text=...", "part ...", "closed". Pushed notices are printed as they come.
 * Exit code: 0 all steps done, 3 the node closed the connection, 4 no reply in time, 1 otherwise.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "codec.h"
#include "frame.h"
#include "rng.h"

enum {
    EXIT_USAGE = 2,
    EXIT_CLOSED = 3,
    EXIT_SILENT = 4,
    REPLY_MS_MAX = 20000,
    RANDOM_BYTES_MAX = 4096
};

struct raw {
    int fd;
    uint32_t id;
    uint64_t attachment_epoch, attachment_lsn;
    struct frame_reader reader;
    struct arena arena;
    uint8_t in[2 * (FRAME_HEADER_BYTES + FRAME_BYTES_MAX)];
    uint8_t out[FRAME_HEADER_BYTES + FRAME_BYTES_MAX];
};

static void die(const char *what)
{
    fprintf(stderr, "rawseat: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static int dial(const char *address)
{
    char host[200];
    const char *colon = strrchr(address, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    if (colon == NULL || (size_t)(colon - address) >= sizeof host) {
        fprintf(stderr, "rawseat: %s is not HOST:PORT\n", address);
        exit(EXIT_USAGE);
    }
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = '\0';
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        die(address);
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0)
        die(address);
    freeaddrinfo(found);
    return fd;
}

static void closed_exit(void)
{
    puts("closed");
    fflush(stdout);
    exit(EXIT_CLOSED);
}

static void bytes_send(struct raw *r, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = send(r->fd, bytes, n, MSG_NOSIGNAL);
        if (done < 0 && (errno == EPIPE || errno == ECONNRESET))
            closed_exit();
        if (done < 0)
            die("send");
        bytes += done;
        n -= (size_t)done;
    }
}

static void request_send(struct raw *r, Seat__Request *q)
{
    size_t n;
    q->id = ++r->id;
    exam_err err = codec_frame_pack(&q->base, r->out, sizeof r->out, &n);
    if (err != EXAM_OK) {
        fprintf(stderr, "rawseat: %s\n", exam_err_text(err));
        exit(EXIT_FAILURE);
    }
    bytes_send(r, r->out, n);
}

static void attached_print(struct raw *r, const Seat__Attached *a)
{
    r->attachment_epoch = a->attachment_epoch;
    r->attachment_lsn = a->attachment_lsn;
    printf("attached seat=%s name=%s state=%d finish=%u used_ms=%llu left_ms=%llu lost_ms=%llu "
           "seq_have=%llu epoch=%llu paper_bytes=%u\n",
           a->candidate ? a->candidate->seat : "-", a->candidate ? a->candidate->name : "-",
           (int)a->state, a->finish, a->account ? (unsigned long long)a->account->used_ms : 0ULL,
           a->account ? (unsigned long long)a->account->left_ms : 0ULL,
           a->account ? (unsigned long long)a->account->lost_ms : 0ULL,
           (unsigned long long)a->seq_have, (unsigned long long)a->epoch, a->paper_bytes);
}

static void reply_print(struct raw *r, const Seat__Reply *p)
{
    switch (p->kind_case) {
    case SEAT__REPLY__KIND_WELCOME:
        printf("welcome node=%s epoch=%llu serving=%d\n", p->welcome->node,
               (unsigned long long)p->welcome->epoch, (int)p->welcome->serving);
        break;
    case SEAT__REPLY__KIND_ATTACHED:
        attached_print(r, p->attached);
        break;
    case SEAT__REPLY__KIND_ACK:
        printf("ack seq=%llu durability=%s used_ms=%llu left_ms=%llu late=%d finished=%d\n",
               (unsigned long long)p->ack->seq,
               p->ack->durability == SEAT__DURABILITY__DURABILITY_DUAL ? "dual" : "solo",
               (unsigned long long)p->ack->used_ms, (unsigned long long)p->ack->left_ms,
               (int)p->ack->late, (int)p->ack->finished);
        break;
    case SEAT__REPLY__KIND_REFUSED:
        printf("refused code=%s seq=%llu seq_have=%llu text=%s\n",
               exam_err_name((exam_err)p->refused->code), (unsigned long long)p->refused->seq,
               (unsigned long long)p->refused->seq_have, p->refused->text);
        break;
    case SEAT__REPLY__KIND_PAPER_PART:
        printf("part offset=%u total=%u bytes=%zu\n", p->paper_part->offset, p->paper_part->total,
               p->paper_part->data.len);
        break;
    case SEAT__REPLY__KIND_NOTICE:
        printf("notice kind=%d\n", (int)p->notice->kind);
        break;
    default:
        puts("nothing");
    }
    fflush(stdout);
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* Waits until more bytes are there; false: not within `ms`. */
static bool bytes_take(struct raw *r, uint64_t ms)
{
    struct pollfd p = {.fd = r->fd, .events = POLLIN};
    int n = poll(&p, 1, (int)ms);
    if (n == 0)
        return false;
    uint8_t *at;
    size_t room;
    frame_reader_space(&r->reader, &at, &room);
    ssize_t got = n < 0 ? -1 : recv(r->fd, at, room, 0);
    if (got <= 0)
        closed_exit();
    frame_reader_filled(&r->reader, (size_t)got);
    return true;
}

/* Prints what comes until the reply to the last request has come, or, with id 0, until `ms` have
 * passed. */
static void replies_take(struct raw *r, uint32_t id, uint64_t ms)
{
    uint64_t until_ms = now_ms() + ms;
    for (;;) {
        const uint8_t *payload;
        size_t n;
        const Seat__Reply *reply;
        const char *why = "";
        exam_err err = frame_reader_next(&r->reader, &payload, &n);
        if (err == EXAM_OK) {
            err = codec_seat_reply(&r->arena, payload, n, &reply, &why);
            if (err != EXAM_OK) {
                printf("unreadable %s\n", why);
                exit(EXIT_FAILURE);
            }
            reply_print(r, reply);
            if (id != 0 && reply->id == id)
                return;
            continue;
        }
        uint64_t at_ms = now_ms();
        if (err != EXAM_AGAIN)
            exit(EXIT_FAILURE);
        if (at_ms < until_ms && bytes_take(r, until_ms - at_ms))
            continue;
        if (id == 0)
            return;
        puts("silence");
        exit(EXIT_SILENT);
    }
}

/* ---------------------------------------------------------------- steps */

static void do_hello(struct raw *r, char **arg)
{
    Seat__Request q;
    seat__request__init(&q);
    Seat__Hello m;
    seat__hello__init(&m);
    char client[] = "rawseat";
    m.seat = arg[0];
    m.client = client;
    m.version = arg[1] ? (uint32_t)strtoul(arg[1], NULL, 10) : SEAT_VERSION;
    q.kind_case = SEAT__REQUEST__KIND_HELLO;
    q.hello = &m;
    request_send(r, &q);
}

static ProtobufCBinaryData session_of(const char *word, uint8_t out[SESSION_BYTES])
{
    size_t n = strlen(word);
    memset(out, 0, SESSION_BYTES);
    memcpy(out, word, n < SESSION_BYTES ? n : SESSION_BYTES);
    return (ProtobufCBinaryData){.len = SESSION_BYTES, .data = out};
}

static void do_signin(struct raw *r, char **arg)
{
    Seat__Request q;
    seat__request__init(&q);
    Seat__SignIn m;
    seat__sign_in__init(&m);
    uint8_t session[SESSION_BYTES];
    m.admission_no = arg[0];
    m.id_no = arg[1];
    m.session = session_of(arg[2], session);
    q.kind_case = SEAT__REQUEST__KIND_SIGN_IN;
    q.sign_in = &m;
    request_send(r, &q);
}

static void do_attach(struct raw *r, char **arg)
{
    Seat__Request q;
    seat__request__init(&q);
    Seat__Attach m;
    seat__attach__init(&m);
    uint8_t session[SESSION_BYTES];
    m.admission_no = arg[0];
    m.session = session_of(arg[1], session);
    q.kind_case = SEAT__REQUEST__KIND_ATTACH;
    q.attach = &m;
    request_send(r, &q);
}

static void answer_send(struct raw *r, const char *seq, char *item, uint8_t *value, size_t n)
{
    Seat__Request q;
    seat__request__init(&q);
    Seat__Answer m;
    seat__answer__init(&m);
    m.seq = strtoull(seq, NULL, 10);
    m.item = item;
    m.value = (ProtobufCBinaryData){.len = n, .data = value};
    m.attachment_epoch = r->attachment_epoch;
    m.attachment_lsn = r->attachment_lsn;
    /* Unknown to this client, so as late as can be: a real one tells the candidate's used time. */
    m.used_ms = 0;
    q.kind_case = SEAT__REQUEST__KIND_ANSWER;
    q.answer = &m;
    request_send(r, &q);
}

static void do_answer(struct raw *r, char **arg)
{
    uint8_t value[ANSWER_BYTES_MAX];
    size_t n = strnlen(arg[2], sizeof value);
    memcpy(value, arg[2], n);
    answer_send(r, arg[0], arg[1], value, n);
}

static void do_answer_of(struct raw *r, char **arg)
{
    static uint8_t value[FRAME_BYTES_MAX - 1024];
    size_t n = strtoul(arg[2], NULL, 10);
    memset(value, 'A', sizeof value);
    answer_send(r, arg[0], arg[1], value, n < sizeof value ? n : sizeof value);
}

static void do_submit(struct raw *r, char **arg)
{
    Seat__Request q;
    seat__request__init(&q);
    Seat__Submit m;
    seat__submit__init(&m);
    m.seq = strtoull(arg[0], NULL, 10);
    q.kind_case = SEAT__REQUEST__KIND_SUBMIT;
    q.submit = &m;
    request_send(r, &q);
}

static void do_heartbeat(struct raw *r, char **arg)
{
    (void)arg;
    Seat__Request q;
    seat__request__init(&q);
    Seat__Heartbeat m;
    seat__heartbeat__init(&m);
    q.kind_case = SEAT__REQUEST__KIND_HEARTBEAT;
    q.heartbeat = &m;
    request_send(r, &q);
}

static void do_fetch(struct raw *r, char **arg)
{
    Seat__Request q;
    seat__request__init(&q);
    Seat__FetchPaper m;
    seat__fetch_paper__init(&m);
    m.offset = (uint32_t)strtoul(arg[0], NULL, 10);
    q.kind_case = SEAT__REQUEST__KIND_FETCH_PAPER;
    q.fetch_paper = &m;
    request_send(r, &q);
}

static void do_raw(struct raw *r, char **arg)
{
    size_t n = strtoul(arg[0], NULL, 10);
    if (n < 1 || n > FRAME_BYTES_MAX)
        n = FRAME_BYTES_MAX;
    frame_header_put(r->out, n);
    memset(r->out + FRAME_HEADER_BYTES, 0xff, n);
    r->id++;
    bytes_send(r, r->out, FRAME_HEADER_BYTES + n);
}

struct step {
    const char *name;
    int args_min, args_max;
    void (*send)(struct raw *r, char **arg);
};

static const struct step steps[] = {
    {"hello", 1, 2, do_hello},
    {"signin", 3, 3, do_signin},
    {"attach", 2, 2, do_attach},
    {"answer", 3, 3, do_answer},
    {"answer-of", 3, 3, do_answer_of},
    {"submit", 1, 1, do_submit},
    {"heartbeat", 0, 0, do_heartbeat},
    {"fetch", 1, 1, do_fetch},
    {"raw", 1, 1, do_raw},
};

static const struct step *step_find(const char *name)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (strcmp(steps[i].name, name) == 0)
            return &steps[i];
    return NULL;
}

static bool is_step(const char *word)
{
    return step_find(word) != NULL || strcmp(word, "hold") == 0;
}

static int steps_do(struct raw *r, char **word)
{
    while (*word != NULL) {
        if (strcmp(*word, "hold") == 0 && word[1] != NULL) {
            replies_take(r, 0, strtoull(word[1], NULL, 10));
            word += 2;
            continue;
        }
        const struct step *s = step_find(*word);
        char *arg[4] = {NULL};
        int n = 0;
        if (s == NULL) {
            fprintf(stderr, "rawseat: no step %s\n", *word);
            return EXIT_USAGE;
        }
        for (word++; n < s->args_max && *word != NULL && !(n >= s->args_min && is_step(*word)); n++)
            arg[n] = *word++;
        if (n < s->args_min) {
            fprintf(stderr, "rawseat: %s needs %d arguments\n", s->name, s->args_min);
            return EXIT_USAGE;
        }
        s->send(r, arg);
        replies_take(r, r->id, REPLY_MS_MAX);
    }
    return EXIT_SUCCESS;
}

/* ---------------------------------------------------------------- nonsense */

/* Five kinds: plain noise; a frame of noise; a header that promises far too much; a frame that
 * never ends; a length of zero. *patient: the node may wait for more of it. */
static size_t nonsense_make(struct rng *g, uint8_t out[RANDOM_BYTES_MAX], bool *patient)
{
    size_t n = 8 + rng_below(g, RANDOM_BYTES_MAX - 8);
    uint32_t kind = rng_below(g, 5);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)rng_next(g);
    *patient = kind == 1 || kind == 3;
    switch (kind) {
    case 0:
        out[0] |= 0x01; /* as a length: at least 16 MiB */
        return n;
    case 1:
        frame_header_put(out, n - FRAME_HEADER_BYTES);
        return n;
    case 2:
        out[0] |= 0x80;
        return n;
    case 3:
        frame_header_put(out, n);
        return n / 2 + FRAME_HEADER_BYTES;
    default:
        memset(out, 0, FRAME_HEADER_BYTES);
        return n;
    }
}

static int random_do(const char *address, uint64_t seed, uint64_t rounds)
{
    struct rng g;
    static uint8_t bytes[RANDOM_BYTES_MAX];
    uint64_t closed = 0;
    rng_init(&g, seed);
    for (uint64_t i = 0; i < rounds; i++) {
        int fd = dial(address);
        bool patient;
        size_t n = nonsense_make(&g, bytes, &patient);
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (patient)
            shutdown(fd, SHUT_WR);
        struct pollfd p = {.fd = fd, .events = POLLIN};
        uint8_t in[4096];
        while (sent > 0 && poll(&p, 1, REPLY_MS_MAX) > 0)
            if (recv(fd, in, sizeof in, 0) <= 0) {
                closed++;
                break;
            }
        close(fd);
    }
    printf("random seed=%llu rounds=%llu closed=%llu\n", (unsigned long long)seed,
           (unsigned long long)rounds, (unsigned long long)closed);
    return closed == rounds ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static struct raw r;
    static _Alignas(64) uint8_t block[ARENA_BYTES_FRAME];
    if (argc < 3) {
        fputs("Usage: rawseat HOST:PORT STEP... | rawseat HOST:PORT random SEED ROUNDS\n", stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[2], "random") == 0 && argc == 5)
        return random_do(argv[1], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
    r.fd = dial(argv[1]);
    frame_reader_init(&r.reader, r.in, sizeof r.in, FRAME_BYTES_MAX);
    arena_init(&r.arena, block, sizeof block);
    return steps_do(&r, argv + 2);
}
