#include "fake_node.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codec.h"
#include "frame.h"

enum { PAPER_ROOM = 1 << 20 };

struct fake_node {
    struct fake_script script;
    struct fake_seen seen;
    int listener;
    unsigned port;
    atomic_bool stop;
    pthread_t thread;
    struct arena arena;
    uint8_t *arena_block;
    uint8_t in[FRAME_HEADER_BYTES + FRAME_BYTES_MAX];
    uint8_t out[FRAME_HEADER_BYTES + FRAME_BYTES_MAX];
    uint8_t *paper; /* as its chunks came */
    size_t paper_bytes;
    uint8_t paper_digest[HASH_BYTES];
};

static bool all_sent(int fd, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        bytes += sent;
        n -= (size_t)sent;
    }
    return true;
}

static bool reply_send(struct fake_node *f, int fd, const Admin__Request *to, Admin__Reply *reply)
{
    size_t n;

    reply->id = f->script.mode == FAKE_WRONG_ID ? to->id + 7 : to->id;
    if (codec_frame_pack(&reply->base, f->out, sizeof f->out, &n) != EXAM_OK)
        return false;
    return all_sent(fd, f->out, n);
}

static bool done_send(struct fake_node *f, int fd, const Admin__Request *to)
{
    char text[] = "it is done";
    Admin__Done done = ADMIN__DONE__INIT;
    Admin__Reply reply = ADMIN__REPLY__INIT;

    done.text = text;
    done.lsn = 77;
    reply.kind_case = ADMIN__REPLY__KIND_DONE;
    reply.done = &done;
    return reply_send(f, fd, to, &reply);
}

static bool refused_send(struct fake_node *f, int fd, const Admin__Request *to, uint32_t code)
{
    char text[64];
    char rule[8];
    Admin__Refused refused = ADMIN__REFUSED__INIT;
    Admin__Reply reply = ADMIN__REPLY__INIT;

    /* As a node does: the text names the line once more. */
    snprintf(text, sizeof text, "seat R01-01 is broken; choose another");
    if (f->script.refuse_line != 0)
        snprintf(text, sizeof text, "line %u: seat R01-01 is broken; choose another",
                 (unsigned)f->script.refuse_line);
    snprintf(rule, sizeof rule, "%s", f->script.refuse_rule != NULL ? f->script.refuse_rule : "");
    refused.code = code;
    refused.text = text;
    refused.rule = rule;
    refused.line = f->script.refuse_line;
    reply.kind_case = ADMIN__REPLY__KIND_REFUSED;
    reply.refused = &refused;
    return reply_send(f, fd, to, &reply);
}

static bool act_answer(struct fake_node *f, int fd, const Admin__Request *request)
{
    if (f->script.mode == FAKE_SILENT_ON_ACTS)
        return true;
    if (f->script.refuse_code != 0)
        return refused_send(f, fd, request, f->script.refuse_code);
    return done_send(f, fd, request);
}

static bool welcome_send(struct fake_node *f, int fd, const Admin__Request *request)
{
    Admin__Welcome welcome = ADMIN__WELCOME__INIT;
    Admin__Reply reply = ADMIN__REPLY__INIT;
    char node[33];

    if (f->script.mode == FAKE_REFUSES_HELLO)
        return refused_send(f, fd, request, EXAM_VERSION);
    snprintf(node, sizeof node, "%s", f->script.node);
    welcome.version = f->script.version != 0 ? f->script.version : ADMIN_VERSION;
    welcome.node = node;
    reply.kind_case = ADMIN__REPLY__KIND_WELCOME;
    reply.welcome = &welcome;
    return reply_send(f, fd, request, &reply);
}

static void batch_fill(const struct fake_node *f, Admin__BatchInfo *b, char *name, char *title)
{
    admin__batch_info__init(b);
    b->batch = name;
    b->title = title;
    b->state = f->script.batch_state != 0 ? f->script.batch_state
                                          : ADMIN__BATCH_STATE__BATCH_STATE_RUNNING;
    b->sittings = 480;
    b->finished = 3;
    b->allot_ms = 3600000;
    b->lost_ms_median = 32000;
}

static bool status_send(struct fake_node *f, int fd, const Admin__Request *request)
{
    char name[] = "B1", title[] = "电工三级", node[33], version[] = "9.9.9", site[] = "Site 1";
    char peer_name[] = "Z", power_text[] = "ups@127.0.0.1: OB", second_name[] = "B2";
    uint8_t site_id[SITE_ID_BYTES] = {0xab, 0xcd};
    uint8_t hash[HASH_BYTES] = {1};
    Admin__NodeStatus status = ADMIN__NODE_STATUS__INIT;
    Admin__PeerStatus peer = ADMIN__PEER_STATUS__INIT;
    Admin__PeerStatus *peers[] = {&peer};
    Admin__BatchInfo batch, second;
    Admin__BatchInfo *batches[] = {&batch, &second};
    Admin__Reply reply = ADMIN__REPLY__INIT;
    char forced[REASON_BYTES_MAX + 1];

    f->seen.statuses++;
    snprintf(node, sizeof node, "%s", f->script.node);
    batch_fill(f, &batch, name, title);
    batch_fill(f, &second, second_name, title);
    second.state = ADMIN__BATCH_STATE__BATCH_STATE_SUSPENDED;
    peer.node = peer_name;
    status.node = node;
    status.version = version;
    status.site_name = site;
    status.site_id = (ProtobufCBinaryData){.len = sizeof site_id, .data = site_id};
    status.hash = (ProtobufCBinaryData){.len = sizeof hash, .data = hash};
    status.role = f->script.role;
    status.epoch = f->script.epoch;
    status.lsn = status.durable_lsn = 1234;
    status.solo = true;
    status.peers = peers;
    status.n_peers = 1;
    status.batches = batches;
    status.n_batches = f->script.suspended ? 2 : 1;
    status.ups = f->script.ups;
    status.power = f->script.power;
    status.power_text = power_text;
    status.learning = status.forcible = f->script.forced != NULL;
    snprintf(forced, sizeof forced, "%s", f->script.forced != NULL ? f->script.forced : "");
    status.forced = forced;
    status.incidents_open = f->script.suspended;
    status.limits_reached = f->script.suspended;
    if (request->status->digest)
        status.state_digest = status.hash;
    reply.kind_case = ADMIN__REPLY__KIND_NODE_STATUS;
    reply.node_status = &status;
    return reply_send(f, fd, request, &reply);
}

static bool batch_send(struct fake_node *f, int fd, const Admin__Request *request)
{
    char name[] = "B1", title[] = "电工三级";
    Admin__BatchInfo batch;
    Admin__Reply reply = ADMIN__REPLY__INIT;

    batch_fill(f, &batch, name, title);
    reply.kind_case = ADMIN__REPLY__KIND_BATCH_INFO;
    reply.batch_info = &batch;
    return reply_send(f, fd, request, &reply);
}

static bool sitting_send(struct fake_node *f, int fd, const Admin__Request *request, unsigned i)
{
    char admission_no[16], name[] = "=王芳", room[] = "R01", seat[] = "R01-01", paper[] = "ELEC-3";
    char state[] = "finished", finish[] = "submitted", postponed[] = "postponed";
    char id_no[] = "11010519491231002X";
    Admin__SittingResult s = ADMIN__SITTING_RESULT__INIT;
    Admin__Reply reply = ADMIN__REPLY__INIT;

    snprintf(admission_no, sizeof admission_no, "%u", 2026010000 + i);
    s.admission_no = admission_no;
    s.name = name;
    s.room = room;
    s.seat = seat;
    s.paper = paper;
    s.state = state;
    s.finish = finish;
    s.allot_ms = 3600000;
    if (f->script.batch_state == ADMIN__BATCH_STATE__BATCH_STATE_POSTPONED && i > 1) {
        s.finish = postponed;
        s.allot_ms += i == 3 ? 15 * 60000 : 0;
    }
    if (request->results->id_no && !f->script.hides_ids)
        s.id_no = id_no;
    s.grants_ms = -5;
    reply.more = true;
    reply.kind_case = ADMIN__REPLY__KIND_SITTING_RESULT;
    reply.sitting_result = &s;
    return reply_send(f, fd, request, &reply);
}

static bool answers_send(struct fake_node *f, int fd, const Admin__Request *request, unsigned i)
{
    char admission_no[16], item[] = "q1", subject[] = "skill";
    uint8_t value[] = "A,B";
    Admin__AnswerRow row = ADMIN__ANSWER_ROW__INIT;
    Admin__AnswerRow *list[] = {&row};
    Admin__AnswerRows rows = ADMIN__ANSWER_ROWS__INIT;
    Admin__Reply reply = ADMIN__REPLY__INIT;

    snprintf(admission_no, sizeof admission_no, "%u", 2026010000 + i);
    row.item = item;
    row.subject = subject;
    row.value = (ProtobufCBinaryData){.len = sizeof value - 1, .data = value};
    row.seq = i;
    row.made_at_ms = 1000 * i;
    rows.admission_no = admission_no;
    rows.rows = list;
    rows.n_rows = 1;
    reply.more = true;
    reply.kind_case = ADMIN__REPLY__KIND_ANSWER_ROWS;
    reply.answer_rows = &rows;
    return reply_send(f, fd, request, &reply);
}

/* Three sittings; cut off after the second, in the middle of a frame. */
static bool results_send(struct fake_node *f, int fd, const Admin__Request *request)
{
    static const uint8_t part[] = {0, 0, 1, 0, 8};

    for (unsigned i = 1; i <= 3; i++) {
        if (f->script.mode == FAKE_CUT_OFF && i == 3) {
            (void)all_sent(fd, part, sizeof part);
            return false;
        }
        if (!sitting_send(f, fd, request, i))
            return false;
        if (request->results->answers && !answers_send(f, fd, request, i))
            return false;
    }
    return done_send(f, fd, request);
}

/* ---------------------------------------------------------------- contingencies */

static void name_take(char to[64], const char *from)
{
    snprintf(to, 64, "%s", from);
}

/* What the act says, into what was seen. */
static void contingency_take(struct fake_seen *s, const Admin__Request *r)
{
    const Admin__Target *target = NULL;

    switch (r->kind_case) {
    case ADMIN__REQUEST__KIND_PAUSE:
        target = r->pause->target;
        name_take(s->why, r->pause->why);
        break;
    case ADMIN__REQUEST__KIND_RESUME:
        target = r->resume->target;
        name_take(s->why, r->resume->why);
        break;
    case ADMIN__REQUEST__KIND_GRANT:
        target = r->grant->target;
        s->ms = r->grant->ms;
        name_take(s->why, r->grant->why);
        break;
    case ADMIN__REQUEST__KIND_MOVE:
        name_take(s->target, r->move->admission_no);
        name_take(s->seat, r->move->seat);
        name_take(s->why, r->move->why);
        break;
    case ADMIN__REQUEST__KIND_VIOLATION:
        name_take(s->target, r->violation->admission_no);
        name_take(s->why, r->violation->text);
        break;
    case ADMIN__REQUEST__KIND_POSTPONE:
        name_take(s->target, r->postpone->batch);
        name_take(s->why, r->postpone->why);
        break;
    case ADMIN__REQUEST__KIND_SUSPENDED_DECISION:
        name_take(s->target, r->suspended_decision->batch);
        name_take(s->why, r->suspended_decision->why);
        break;
    case ADMIN__REQUEST__KIND_INCIDENT_OPEN:
        target = r->incident_open->target;
        s->kind = r->incident_open->kind;
        name_take(s->why, r->incident_open->text);
        break;
    case ADMIN__REQUEST__KIND_INCIDENT_CLOSE:
        s->number = r->incident_close->incident;
        name_take(s->why, r->incident_close->text);
        break;
    case ADMIN__REQUEST__KIND_INCIDENT_NOTE:
        s->number = r->incident_note->incident;
        name_take(s->why, r->incident_note->text);
        break;
    case ADMIN__REQUEST__KIND_LIMIT_DECIDE:
        name_take(s->target, r->limit_decide->admission_no);
        name_take(s->why, r->limit_decide->text);
        break;
    case ADMIN__REQUEST__KIND_OWN_DOING:
        name_take(s->target, r->own_doing->admission_no);
        s->number = r->own_doing->interruption;
        name_take(s->why, r->own_doing->why);
        break;
    default:
        return;
    }
    s->acts++;
    s->last_act = r->kind_case;
    if (target != NULL)
        name_take(s->target, target->name);
}

static bool is_preview(const Admin__Request *r)
{
    switch (r->kind_case) {
    case ADMIN__REQUEST__KIND_PAUSE:
        return r->pause->preview;
    case ADMIN__REQUEST__KIND_RESUME:
        return r->resume->preview;
    case ADMIN__REQUEST__KIND_GRANT:
        return r->grant->preview;
    case ADMIN__REQUEST__KIND_MOVE:
        return r->move->preview;
    case ADMIN__REQUEST__KIND_POSTPONE:
        return r->postpone->preview;
    case ADMIN__REQUEST__KIND_SUSPENDED_DECISION:
        return r->suspended_decision->preview;
    default:
        return false;
    }
}

static bool detail_send(struct fake_node *f, int fd, const Admin__Request *request)
{
    char name[] = "王芳", room[] = "R01", seat[] = "R01-01", paper[] = "ELEC-3", batch[] = "B1";
    char state[] = "paused", *admission_no = request->sitting_show->admission_no;
    Admin__SittingResult s = ADMIN__SITTING_RESULT__INIT;
    Admin__SittingDetail d = ADMIN__SITTING_DETAIL__INIT;
    Admin__InterruptionRow row = ADMIN__INTERRUPTION_ROW__INIT;
    Admin__InterruptionRow *rows[] = {&row};
    Admin__Reply reply = ADMIN__REPLY__INIT;

    s.admission_no = admission_no;
    s.name = name;
    s.room = room;
    s.seat = seat;
    s.paper = paper;
    s.state = state;
    s.allot_ms = 3600000;
    s.grants_ms = -120000;
    s.used_ms = 1200250;
    s.left_ms = 2279750;
    s.lost_ms = 32000;
    s.answers = 1;
    s.interruptions = 3;
    row.no = 3;
    row.from_ms = 735000;
    row.to_ms = 767000;
    row.lost_ms = 32000;
    row.basis = EV__BASIS__BASIS_CLAIM;
    row.incident = 4;
    d.result = &s;
    d.batch = batch;
    d.begun = true;
    d.elapsed_ms = 1232250;
    d.open_ms = 5000;
    d.interruptions = rows;
    d.n_interruptions = 1;
    d.limit_reached = true;
    reply.more = true;
    reply.kind_case = ADMIN__REPLY__KIND_SITTING_DETAIL;
    reply.sitting_detail = &d;
    return reply_send(f, fd, request, &reply) && answers_send(f, fd, request, 1) &&
           done_send(f, fd, request);
}

static bool incidents_send(struct fake_node *f, int fd, const Admin__Request *request)
{
    char scope[] = "R01", text[] = "switch is dark", who[] = "", other[] = "王芳";
    Admin__IncidentRow row[2] = {ADMIN__INCIDENT_ROW__INIT, ADMIN__INCIDENT_ROW__INIT};
    Admin__IncidentRow *list[] = {&row[0], &row[1]};
    Admin__IncidentRows rows = ADMIN__INCIDENT_ROWS__INIT;
    Admin__Reply reply = ADMIN__REPLY__INIT;

    for (unsigned i = 0; i < 2; i++) {
        row[i].incident = 4 - i;
        row[i].kind = EV__INCIDENT_KIND__INCIDENT_KIND_NETWORK;
        row[i].scope = EV__SCOPE_KIND__SCOPE_KIND_ROOM;
        row[i].scope_name = scope;
        row[i].text = text;
        row[i].who = i == 0 ? who : other;
        row[i].open = i == 0;
        row[i].since_ms = 90500;
        row[i].closed_ms = i * 30000;
        row[i].interruptions = 40;
        row[i].lost_ms = 1280000;
    }
    rows.rows = list;
    rows.n_rows = request->incidents->open ? 1 : 2;
    reply.kind_case = ADMIN__REPLY__KIND_INCIDENT_ROWS;
    reply.incident_rows = &rows;
    return reply_send(f, fd, request, &reply);
}

/* Three seats; the one of seat_contact is in contact and holds unsent answers. */
static bool seats_send(struct fake_node *f, int fd, const Admin__Request *request)
{
    char seat[3][16], admission_no[] = "2026010001", state[] = "answering", node[33];
    Admin__SeatRow row[3];
    Admin__SeatRow *list[3];
    Admin__SeatRows rows = ADMIN__SEAT_ROWS__INIT;
    Admin__Reply reply = ADMIN__REPLY__INIT;

    for (unsigned i = 0; i < 3; i++) {
        admin__seat_row__init(&row[i]);
        snprintf(seat[i], sizeof seat[i], "R01-%02u", 3 - i);
        row[i].seat = seat[i];
        if (i > 0) { /* the last one is a spare seat */
            row[i].admission_no = admission_no;
            row[i].state = state;
        }
        row[i].connected =
            f->script.seat_contact != NULL && strcmp(f->script.seat_contact, seat[i]) == 0;
        row[i].unsent_known = row[i].connected;
        row[i].unsent = row[i].connected ? 7 : 0;
        row[i].silent_ms = 400;
        list[i] = &row[i];
    }
    snprintf(node, sizeof node, "%s", f->script.node);
    rows.node = node;
    rows.rows = list;
    rows.n_rows = strcmp(request->seats->room, "R99") == 0 ? 0 : 3;
    reply.more = true;
    reply.kind_case = ADMIN__REPLY__KIND_SEAT_ROWS;
    reply.seat_rows = &rows;
    return reply_send(f, fd, request, &reply) && done_send(f, fd, request);
}

/* ---------------------------------------------------------------- acts */

static void part_take(struct fake_node *f, const Admin__ImportPart *part)
{
    f->seen.rooms += (unsigned)part->n_rooms;
    f->seen.sittings += (unsigned)part->n_sittings;
    if (part->paper != NULL) {
        f->seen.papers++;
        memcpy(f->paper_digest, part->paper->digest.data, HASH_BYTES);
    }
    f->seen.chunks += part->paper_chunk != NULL;
    if (part->paper_chunk != NULL && part->paper_chunk->offset == f->paper_bytes &&
        f->paper_bytes + part->paper_chunk->data.len <= PAPER_ROOM) {
        memcpy(f->paper + f->paper_bytes, part->paper_chunk->data.data,
               part->paper_chunk->data.len);
        f->paper_bytes += part->paper_chunk->data.len;
    }
}

static void commit_take(struct fake_node *f, const Admin__ImportCommit *commit)
{
    uint8_t digest[HASH_BYTES];

    f->seen.commits++;
    f->seen.commit_rooms = commit->rooms;
    f->seen.commit_papers = commit->papers;
    f->seen.commit_sittings = commit->sittings;
    crypto_generichash(digest, sizeof digest, f->paper, f->paper_bytes, NULL, 0);
    f->seen.digest_ok = memcmp(digest, f->paper_digest, sizeof digest) == 0;
}

static void act_take(struct fake_node *f, const Admin__Request *r)
{
    struct fake_seen *s = &f->seen;

    if (r->kind_case == ADMIN__REQUEST__KIND_FOUND) {
        s->founds++;
        snprintf(s->site, sizeof s->site, "%s", r->found->site_name);
        snprintf(s->who, sizeof s->who, "%s", r->found->who);
    } else if (r->kind_case == ADMIN__REQUEST__KIND_PROMOTE) {
        s->promotes++;
        s->attest = r->promote->attest;
        s->forced = r->promote->forced;
        snprintf(s->who, sizeof s->who, "%s", r->promote->who);
        snprintf(s->why, sizeof s->why, "%s", r->promote->why);
    } else if (r->kind_case == ADMIN__REQUEST__KIND_BATCH_START) {
        s->starts++;
        snprintf(s->batch, sizeof s->batch, "%s", r->batch_start->batch);
    } else if (r->kind_case == ADMIN__REQUEST__KIND_BATCH_COLLECT) {
        s->collects++;
        s->unfinished = r->batch_collect->unfinished;
    } else if (r->kind_case == ADMIN__REQUEST__KIND_IMPORT_BEGIN) {
        s->begins++;
        s->allot_ms = r->import_begin->allot_ms;
        s->grace_ms = r->import_begin->grace_ms;
        snprintf(s->batch, sizeof s->batch, "%s", r->import_begin->batch);
    } else if (r->kind_case == ADMIN__REQUEST__KIND_IMPORT_PART) {
        part_take(f, r->import_part);
    } else if (r->kind_case == ADMIN__REQUEST__KIND_IMPORT_COMMIT) {
        commit_take(f, r->import_commit);
    }
}

/* False: close the connection. */
static bool request_answer(struct fake_node *f, int fd, const Admin__Request *request)
{
    if (f->script.mode == FAKE_SILENT)
        return true;
    switch (request->kind_case) {
    case ADMIN__REQUEST__KIND_HELLO:
        return welcome_send(f, fd, request);
    case ADMIN__REQUEST__KIND_STATUS:
        return status_send(f, fd, request);
    case ADMIN__REQUEST__KIND_BATCH_STATUS:
        return batch_send(f, fd, request);
    case ADMIN__REQUEST__KIND_RESULTS:
        return results_send(f, fd, request);
    case ADMIN__REQUEST__KIND_SITTING_SHOW:
        return detail_send(f, fd, request);
    case ADMIN__REQUEST__KIND_INCIDENTS:
        return incidents_send(f, fd, request);
    case ADMIN__REQUEST__KIND_SEATS:
        return seats_send(f, fd, request);
    default:
        if (is_preview(request)) {
            f->seen.previews++;
        } else {
            act_take(f, request);
            contingency_take(&f->seen, request);
        }
        return act_answer(f, fd, request);
    }
}

/* ---------------------------------------------------------------- the thread */

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void random_send(struct fake_node *f, int fd)
{
    uint64_t state = f->script.seed | 1;
    uint8_t bytes[512];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)random_next(&state);
    if (f->script.seed % 2 == 0) /* a length that is believable, and no message behind it */
        bytes[0] = bytes[1] = bytes[2] = 0;
    (void)all_sent(fd, bytes, sizeof bytes);
}

/* Waits for bytes or the test's end; false at the end. */
static bool readable(struct fake_node *f, int fd)
{
    while (!atomic_load(&f->stop)) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        if (poll(&p, 1, 20) > 0)
            return true;
        if (f->script.mode == FAKE_TRICKLE && fd != f->listener &&
            !all_sent(fd, (const uint8_t *)"\0", 1))
            return false;
    }
    return false;
}

static void connection_serve(struct fake_node *f, int fd)
{
    struct frame_reader reader;

    frame_reader_init(&reader, f->in, sizeof f->in, FRAME_BYTES_MAX);
    if (f->script.mode == FAKE_RANDOM)
        random_send(f, fd);
    if (f->script.mode == FAKE_TRICKLE)
        (void)all_sent(fd, (const uint8_t *)"\0\0\xff\xff", 4);
    for (;;) {
        const Admin__Request *request;
        const uint8_t *payload;
        const char *why;
        uint8_t *at;
        size_t n;
        exam_err err = frame_reader_next(&reader, &payload, &n);

        if (err == EXAM_AGAIN) {
            ssize_t got;

            frame_reader_space(&reader, &at, &n);
            got = readable(f, fd) ? recv(fd, at, n, 0) : 0;
            if (got <= 0)
                return;
            frame_reader_filled(&reader, (size_t)got);
            continue;
        }
        if (err != EXAM_OK || codec_admin_request(&f->arena, payload, n, &request, &why) != EXAM_OK)
            return;
        if (f->script.mode == FAKE_RANDOM || f->script.mode == FAKE_TRICKLE)
            continue;
        if (!request_answer(f, fd, request))
            return;
    }
}

static void *fake_run(void *ctx)
{
    struct fake_node *f = ctx;

    while (readable(f, f->listener)) {
        int fd = accept(f->listener, NULL, NULL);

        if (fd < 0)
            continue;
        f->seen.connections++;
        connection_serve(f, fd);
        close(fd);
    }
    return NULL;
}

static bool fake_listen(struct fake_node *f)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t n = sizeof address;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (f->listener < 0 || bind(f->listener, (struct sockaddr *)&address, n) != 0 ||
        listen(f->listener, 16) != 0 ||
        getsockname(f->listener, (struct sockaddr *)&address, &n) != 0)
        return false;
    f->port = ntohs(address.sin_port);
    return true;
}

static void fake_free(struct fake_node *f)
{
    if (f->listener >= 0)
        close(f->listener);
    free(f->arena_block);
    free(f->paper);
    free(f);
}

struct fake_node *fake_node_start(const struct fake_script *script)
{
    struct fake_node *f = calloc(1, sizeof *f);

    if (f == NULL)
        return NULL;
    f->listener = -1;
    f->script = *script;
    f->arena_block = malloc(ARENA_BYTES_FRAME);
    f->paper = malloc(PAPER_ROOM);
    if (f->arena_block == NULL || f->paper == NULL || !fake_listen(f)) {
        fake_free(f);
        return NULL;
    }
    arena_init(&f->arena, f->arena_block, ARENA_BYTES_FRAME);
    if (pthread_create(&f->thread, NULL, fake_run, f) != 0) {
        fake_free(f);
        return NULL;
    }
    return f;
}

unsigned fake_node_port(const struct fake_node *f)
{
    return f->port;
}

void fake_node_stop(struct fake_node *f, struct fake_seen *seen)
{
    atomic_store(&f->stop, true);
    pthread_join(f->thread, NULL);
    *seen = f->seen;
    fake_free(f);
}
