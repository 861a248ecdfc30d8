#include "tcp_node.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "codec.h"
#include "frame.h"

static uint64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void tcp_site_init(struct tcp_site *site)
{
    memset(site, 0, sizeof(*site));
    pthread_mutex_init(&site->mutex, NULL);
    site->allot_ms = 3600000;
    for (size_t i = 0; i < sizeof(site->paper); i++)
        site->paper[i] = (uint8_t)(i * 31 + i / 1000);
}

static void reply(struct tcp_node *node, size_t c, Seat__Reply *m)
{
    static _Thread_local uint8_t frame[FRAME_HEADER_BYTES + FRAME_BYTES_MAX];
    size_t n, done = 0;
    if (codec_frame_pack(&m->base, frame, sizeof(frame), &n) != EXAM_OK)
        abort();
    while (done < n) {
        ssize_t got = send(node->conns[c].fd, frame + done, n - done, MSG_NOSIGNAL);
        if (got <= 0)
            return;
        done += (size_t)got;
    }
}

static void refuse(struct tcp_node *node, size_t c, uint32_t id, exam_err code)
{
    Seat__Reply m = SEAT__REPLY__INIT;
    Seat__Refused r = SEAT__REFUSED__INIT;
    r.code = code;
    r.text = (char *)(uintptr_t) "the test node says no";
    m.id = id;
    m.kind_case = SEAT__REPLY__KIND_REFUSED;
    m.refused = &r;
    reply(node, c, &m);
}

static void account_put(struct tcp_site *site, Seat__Account *a, uint8_t mark[8])
{
    if (site->started && !site->finished)
        site->used_ms = clock_ms() - site->started_at_ms;
    seat__account__init(a);
    a->allot_ms = site->allot_ms;
    a->used_ms = site->used_ms;
    a->left_ms = site->allot_ms - site->used_ms;
    memset(mark, 7, 8);
}

static void digest_put(const struct tcp_site *site, ProtobufCBinaryData *out,
                       uint8_t digest[HASH_BYTES])
{
    crypto_generichash(digest, HASH_BYTES, site->paper, sizeof(site->paper), NULL, 0);
    out->data = digest;
    out->len = HASH_BYTES;
}

static void welcome(struct tcp_node *node, size_t c, uint32_t id)
{
    Seat__Reply m = SEAT__REPLY__INIT;
    Seat__Welcome w = SEAT__WELCOME__INIT;
    uint8_t site_id[SITE_ID_BYTES] = "test site";
    w.version = node->version;
    w.node = (char *)(uintptr_t) "T";
    w.site_id.data = site_id;
    w.site_id.len = sizeof(site_id);
    w.epoch = node->epoch;
    w.serving = node->serving;
    node->conns[c].greeted = true;
    node->conns[c].told_serving = node->serving;
    node->hellos_n++;
    m.id = id;
    m.kind_case = SEAT__REPLY__KIND_WELCOME;
    m.welcome = &w;
    reply(node, c, &m);
}

static void attached(struct tcp_node *node, size_t c, uint32_t id)
{
    struct tcp_site *site = node->site;
    Seat__Reply m = SEAT__REPLY__INIT;
    Seat__Attached a = SEAT__ATTACHED__INIT;
    Seat__Account account;
    Seat__Candidate who = SEAT__CANDIDATE__INIT;
    uint8_t mark[8], digest[HASH_BYTES];
    account_put(site, &account, mark);
    who.admission_no = (char *)(uintptr_t) "2026010001";
    who.name = (char *)(uintptr_t) "张三";
    who.room = who.seat = who.batch = (char *)(uintptr_t) "R01";
    a.candidate = &who;
    a.account = &account;
    a.state = site->finished  ? SEAT__SITTING_STATE__SITTING_STATE_FINISHED
              : site->started ? SEAT__SITTING_STATE__SITTING_STATE_ANSWERING
                              : SEAT__SITTING_STATE__SITTING_STATE_WAITING;
    a.finish = site->finished ? EV__FINISH__FINISH_SUBMITTED : 0;
    a.attachment_epoch = a.epoch = node->epoch;
    a.attachment_lsn = ++site->attachments;
    a.seq_have = site->seq_have;
    a.heartbeat_ms = 200;
    a.grace_ms = 15000;
    if (site->started) {
        a.paper_bytes = TCP_NODE_PAPER_BYTES;
        digest_put(site, &a.paper_digest, digest);
    }
    a.durability = SEAT__DURABILITY__DURABILITY_SOLO;
    a.mark.data = mark;
    a.mark.len = sizeof(mark);
    node->conns[c].attached = true;
    node->conns[c].told_started = site->started;
    m.id = id;
    m.kind_case = SEAT__REPLY__KIND_ATTACHED;
    m.attached = &a;
    reply(node, c, &m);
}

static void sign_in(struct tcp_node *node, size_t c, uint32_t id, const Seat__SignIn *s)
{
    if (strcmp(s->id_no, "990101200001011234") != 0) {
        refuse(node, c, id, EXAM_AUTH);
        return;
    }
    node->site->signed_in = true;
    memcpy(node->site->session, s->session.data, SESSION_BYTES);
    attached(node, c, id);
}

static void attach(struct tcp_node *node, size_t c, uint32_t id, const Seat__Attach *a)
{
    struct tcp_site *site = node->site;
    node->attaches_n++;
    if (!site->signed_in || memcmp(site->session, a->session.data, SESSION_BYTES) != 0)
        refuse(node, c, id, EXAM_AUTH);
    else
        attached(node, c, id);
}

static void ack(struct tcp_node *node, size_t c, uint32_t id, uint64_t seq, bool finished)
{
    Seat__Reply m = SEAT__REPLY__INIT;
    Seat__Ack a = SEAT__ACK__INIT;
    Seat__Account account;
    uint8_t mark[8];
    account_put(node->site, &account, mark);
    a.seq = seq;
    a.durability = SEAT__DURABILITY__DURABILITY_SOLO;
    a.used_ms = account.used_ms;
    a.left_ms = account.left_ms;
    a.mark.data = mark;
    a.mark.len = sizeof(mark);
    a.finished = finished;
    m.id = id;
    m.kind_case = SEAT__REPLY__KIND_ACK;
    m.ack = &a;
    reply(node, c, &m);
}

static void answer(struct tcp_node *node, size_t c, uint32_t id, const Seat__Answer *a)
{
    struct tcp_site *site = node->site;
    if (a->seq > site->seq_have + 1 || a->seq >= TCP_NODE_ACTIONS) {
        refuse(node, c, id, EXAM_GAP);
        return;
    }
    if (a->seq == site->seq_have + 1) {
        site->seq_have = a->seq;
        strncpy(site->items[a->seq], a->item, NAME_BYTES_MAX);
        memcpy(site->values[a->seq], a->value.data, a->value.len < 15 ? a->value.len : 15);
    }
    ack(node, c, id, a->seq, false);
}

static void paper_part(struct tcp_node *node, size_t c, uint32_t id, uint32_t offset)
{
    Seat__Reply m = SEAT__REPLY__INIT;
    Seat__PaperPart p = SEAT__PAPER_PART__INIT;
    size_t left = offset < TCP_NODE_PAPER_BYTES ? TCP_NODE_PAPER_BYTES - offset : 0;
    p.offset = offset;
    p.total = TCP_NODE_PAPER_BYTES;
    p.data.data = node->site->paper + offset;
    p.data.len = left < PAPER_CHUNK_BYTES_MAX ? left : PAPER_CHUNK_BYTES_MAX;
    m.id = id;
    m.kind_case = SEAT__REPLY__KIND_PAPER_PART;
    m.paper_part = &p;
    reply(node, c, &m);
}

static void request(struct tcp_node *node, size_t c, const Seat__Request *m)
{
    struct tcp_site *site = node->site;
    if (m->kind_case == SEAT__REQUEST__KIND_HELLO) {
        welcome(node, c, m->id);
    } else if (!node->serving) {
        refuse(node, c, m->id, EXAM_NOT_PRIMARY);
    } else if (m->kind_case == SEAT__REQUEST__KIND_SIGN_IN) {
        sign_in(node, c, m->id, m->sign_in);
    } else if (m->kind_case == SEAT__REQUEST__KIND_ATTACH) {
        attach(node, c, m->id, m->attach);
    } else if (!node->conns[c].attached) {
        refuse(node, c, m->id, EXAM_STATE);
    } else if (m->kind_case == SEAT__REQUEST__KIND_HEARTBEAT) {
        ack(node, c, m->id, 0, false);
    } else if (m->kind_case == SEAT__REQUEST__KIND_ANSWER) {
        answer(node, c, m->id, m->answer);
    } else if (m->kind_case == SEAT__REQUEST__KIND_SUBMIT) {
        site->seq_have = m->submit->seq;
        site->finished = true;
        ack(node, c, m->id, m->submit->seq, true);
    } else if (m->kind_case == SEAT__REQUEST__KIND_FETCH_PAPER) {
        paper_part(node, c, m->id, m->fetch_paper->offset);
    }
}

static void notice(struct tcp_node *node, size_t c, Seat__NoticeKind kind)
{
    Seat__Reply m = SEAT__REPLY__INIT;
    Seat__Notice n = SEAT__NOTICE__INIT;
    Seat__Account account;
    uint8_t mark[8], digest[HASH_BYTES];
    n.kind = kind;
    n.epoch = node->epoch;
    if (kind == SEAT__NOTICE_KIND__NOTICE_KIND_STARTED) {
        account_put(node->site, &account, mark);
        n.account = &account;
        n.mark.data = mark;
        n.mark.len = sizeof(mark);
        n.paper_bytes = TCP_NODE_PAPER_BYTES;
        digest_put(node->site, &n.paper_digest, digest);
    }
    m.kind_case = SEAT__REPLY__KIND_NOTICE;
    m.notice = &n;
    reply(node, c, &m);
}

static void conn_close(struct tcp_node *node, size_t c)
{
    close(node->conns[c].fd);
    node->conns[c].fd = -1;
}

static void conn_read(struct tcp_node *node, size_t c, struct arena *arena)
{
    uint8_t *buffer = node->conns[c].buffer;
    size_t *n = &node->conns[c].n;
    ssize_t got =
        recv(node->conns[c].fd, buffer + *n, sizeof(node->conns[c].buffer) - *n, MSG_DONTWAIT);
    if (got <= 0) {
        conn_close(node, c);
        return;
    }
    *n += (size_t)got;
    size_t at = 0;
    while (*n - at >= FRAME_HEADER_BYTES) {
        size_t bytes = (size_t)buffer[at] << 24 | (size_t)buffer[at + 1] << 16 |
                       (size_t)buffer[at + 2] << 8 | buffer[at + 3];
        const Seat__Request *m;
        if (*n - at - FRAME_HEADER_BYTES < bytes)
            break;
        if (codec_seat_request(arena, buffer + at + FRAME_HEADER_BYTES, bytes, &m, NULL) !=
            EXAM_OK) {
            node->malformed_n++;
            conn_close(node, c);
            return;
        }
        request(node, c, m);
        at += FRAME_HEADER_BYTES + bytes;
    }
    memmove(buffer, buffer + at, *n - at);
    *n -= at;
}

static void conn_tell(struct tcp_node *node, size_t c)
{
    if (node->serving && node->conns[c].greeted && !node->conns[c].told_serving) {
        node->conns[c].told_serving = true;
        notice(node, c, SEAT__NOTICE_KIND__NOTICE_KIND_SERVING);
    }
    if (node->conns[c].attached && node->site->started && !node->conns[c].told_started) {
        node->conns[c].told_started = true;
        notice(node, c, SEAT__NOTICE_KIND__NOTICE_KIND_STARTED);
    }
    if (node->conns[c].attached && node->site->collected && !node->conns[c].told_collected) {
        node->conns[c].told_collected = true;
        notice(node, c, SEAT__NOTICE_KIND__NOTICE_KIND_COLLECTED);
    }
}

static void conn_accept(struct tcp_node *node)
{
    int fd = accept(node->listen_fd, NULL, NULL);
    for (size_t c = 0; fd >= 0 && c < TCP_NODE_CONNS; c++) {
        if (node->conns[c].fd >= 0)
            continue;
        memset(&node->conns[c], 0, sizeof(node->conns[c]));
        node->conns[c].fd = fd;
        return;
    }
    if (fd >= 0)
        close(fd);
}

static void *serve(void *ctx)
{
    struct tcp_node *node = ctx;
    struct arena arena;
    void *block = malloc(ARENA_BYTES_SEAT);
    arena_init(&arena, block, ARENA_BYTES_SEAT);
    while (!node->stop) {
        struct pollfd fds[TCP_NODE_CONNS + 1];
        for (size_t c = 0; c < TCP_NODE_CONNS; c++)
            fds[c] = (struct pollfd){.fd = node->conns[c].fd, .events = POLLIN};
        fds[TCP_NODE_CONNS] = (struct pollfd){.fd = node->listen_fd, .events = POLLIN};
        poll(fds, TCP_NODE_CONNS + 1, 5);
        pthread_mutex_lock(&node->site->mutex);
        if (fds[TCP_NODE_CONNS].revents)
            conn_accept(node);
        for (size_t c = 0; c < TCP_NODE_CONNS; c++) {
            if (fds[c].fd >= 0 && fds[c].revents)
                conn_read(node, c, &arena);
            if (node->conns[c].fd >= 0)
                conn_tell(node, c);
        }
        pthread_mutex_unlock(&node->site->mutex);
    }
    for (size_t c = 0; c < TCP_NODE_CONNS; c++)
        if (node->conns[c].fd >= 0)
            conn_close(node, c);
    close(node->listen_fd);
    free(block);
    return NULL;
}

bool tcp_node_start(struct tcp_node *node, struct tcp_site *site, uint64_t epoch, bool serving)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);
    memset(node, 0, sizeof(*node));
    node->site = site;
    node->epoch = epoch;
    node->serving = serving;
    node->version = SEAT_VERSION;
    for (size_t c = 0; c < TCP_NODE_CONNS; c++)
        node->conns[c].fd = -1;
    node->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (node->listen_fd < 0 || bind(node->listen_fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        listen(node->listen_fd, 16) != 0 ||
        getsockname(node->listen_fd, (struct sockaddr *)&at, &n) != 0)
        return false;
    node->port = ntohs(at.sin_port);
    return pthread_create(&node->thread, NULL, serve, node) == 0;
}

void tcp_node_kill(struct tcp_node *node)
{
    node->stop = true;
    pthread_join(node->thread, NULL);
}
