/* examseat-enrol - a seat's machine makes its own key, and is let in by a code (enrol.h). */
#include <argp.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sysexits.h>
#include <unistd.h>

#include "enrol.h"
#include "enrol_folder.h"
#include "frame.h"

#ifndef EXAM_VERSION_TEXT
#define EXAM_VERSION_TEXT "unknown"
#endif

const char *argp_program_version = "examseat-enrol " EXAM_VERSION_TEXT;

enum { EXIT_USAGE = 2, PORT_DEFAULT = 7103, SILENT_S_MAX = 15, WHY_BYTES = 512, HOST_BYTES = 300 };

struct asked {
    const char *host, *code, *dir;
};

struct enrolling {
    int fd;
    struct enrol_machine machine;
    char *roster;
    size_t roster_have;
    char why[WHY_BYTES];
    struct frame_reader reader;
    uint8_t in[FRAME_HEADER_BYTES + ENROL_REPLY_BYTES_MAX];
};

/* ---------------------------------------------------------------- the connection */

/* False, and errno: nobody is there. */
static bool dial_one(struct enrolling *e, const struct addrinfo *to)
{
    const struct timeval limit = {.tv_sec = SILENT_S_MAX};
    e->fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (e->fd < 0)
        return false;
    if (setsockopt(e->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
        setsockopt(e->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
        connect(e->fd, to->ai_addr, to->ai_addrlen) == 0)
        return true;
    int why = errno;
    close(e->fd);
    e->fd = -1;
    errno = why;
    return false;
}

/* A name may have several addresses, of which one answers. */
static exam_err dial(struct enrolling *e, const char *address)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    const char *colon = strrchr(address, ':');
    size_t host_bytes = colon != NULL ? (size_t)(colon - address) : strlen(address);
    char host[HOST_BYTES], port[16];

    snprintf(port, sizeof port, "%d", PORT_DEFAULT);
    snprintf(host, sizeof host, "%.*s", (int)host_bytes, address);
    int rc = getaddrinfo(host, colon != NULL ? colon + 1 : port, &hints, &found);
    if (rc != 0) {
        snprintf(e->why, sizeof e->why, "%s: %s", address, gai_strerror(rc));
        return EXAM_INVALID;
    }
    bool there = false;
    for (const struct addrinfo *at = found; at != NULL && !there; at = at->ai_next)
        there = dial_one(e, at);
    freeaddrinfo(found);
    if (there)
        return EXAM_OK;
    snprintf(e->why, sizeof e->why,
             "%s: %s. Does `examctl site enrol` run there, and is its port open?", address,
             strerror(errno));
    return EXAM_CONN;
}

static exam_err say(struct enrolling *e, const uint8_t *message, size_t n)
{
    uint8_t frame[FRAME_HEADER_BYTES + ENROL_MESSAGE_BYTES_MAX];
    size_t at = 0, bytes = FRAME_HEADER_BYTES + n;

    frame_header_put(frame, n);
    memcpy(frame + FRAME_HEADER_BYTES, message, n);
    while (at < bytes) {
        ssize_t sent = send(e->fd, frame + at, bytes - at, MSG_NOSIGNAL);
        if (sent <= 0) {
            snprintf(e->why, sizeof e->why, "the connection broke: %s", strerror(errno));
            return EXAM_CONN;
        }
        at += (size_t)sent;
    }
    return EXAM_OK;
}

/* The next message, which lives until the next call. */
static exam_err hear(struct enrolling *e, const uint8_t **message, size_t *n)
{
    exam_err err;

    while ((err = frame_reader_next(&e->reader, message, n)) == EXAM_AGAIN) {
        uint8_t *at;
        size_t room;
        frame_reader_space(&e->reader, &at, &room);
        ssize_t got = recv(e->fd, at, room, 0);
        if (got <= 0) {
            const char *text = got == 0 ? "the other side has hung up" : strerror(errno);
            if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
                text = "nothing came from the other side for too long";
            snprintf(e->why, sizeof e->why, "%s", text);
            return EXAM_CONN;
        }
        frame_reader_filled(&e->reader, (size_t)got);
    }
    if (err != EXAM_OK)
        snprintf(e->why, sizeof e->why, "what answers there lets nobody enrol");
    return err;
}

/* ---------------------------------------------------------------- enrolling */

static void why_of(struct enrolling *e, exam_err err)
{
    const char *text = "what answers there lets nobody enrol";

    if (err == EXAM_AUTH)
        text = "the code is wrong, used, void or over its time; or what answers is not the site's: "
               "ask for a new code, and say so if this was the right one";
    else if (err == EXAM_VERSION)
        text = "the other side has another version of the software";
    else if (err == EXAM_EXISTS)
        text = "the site has another key under this seat's name: have that one revoked";
    else if (err == EXAM_IO || err == EXAM_FULL || err == EXAM_REFUSED)
        text = "the site could not let this seat in: its screen says why";
    if (e->why[0] == '\0')
        snprintf(e->why, sizeof e->why, "%s", text);
}

static exam_err roster_take(struct enrolling *e, const uint8_t *part, size_t n)
{
    if (e->roster == NULL)
        e->roster = malloc(e->machine.roster_bytes);
    if (e->roster == NULL)
        return EXAM_NOMEM;
    memcpy(e->roster + e->roster_have, part, n);
    e->roster_have += n;
    return EXAM_OK;
}

/* It is the authority's, and this machine is in it by the keys that it has made. */
static exam_err roster_check(struct enrolling *e)
{
    const struct key_file *k = &e->machine.own;
    char said[WHY_BYTES] = "";
    struct key_roster *r;
    exam_err err = key_roster_parse(e->roster, e->roster_have, k->authority, k->site_id, &r, said,
                                    sizeof said);

    if (err != EXAM_OK) {
        snprintf(e->why, sizeof e->why, "the roster that came is no good: %.400s", said);
        return err;
    }
    const struct key_entry *own = key_roster_find_key(r, k->pair.public);
    if (own == NULL || own->revoked != 0 || own->kind != KEY_SEAT ||
        strcmp(own->name, k->name) != 0 ||
        memcmp(own->sign_public, k->sign_public, KEY_BYTES) != 0) {
        snprintf(e->why, sizeof e->why, "the roster that came does not have this machine's keys");
        err = EXAM_REFUSED;
    }
    key_roster_free(r);
    return err;
}

static exam_err converse(struct enrolling *e)
{
    uint8_t message[ENROL_MESSAGE_BYTES_MAX];
    const uint8_t *reply, *part;
    size_t n, bytes, part_bytes;
    enum enrol_step step = ENROL_HEARS;
    exam_err err = EXAM_OK;

    while (err == EXAM_OK && step != ENROL_DONE) {
        err = hear(e, &reply, &n);
        if (err == EXAM_OK)
            err = enrol_machine_take(&e->machine, reply, n, message, &bytes, &part, &part_bytes,
                                     &step);
        if (err == EXAM_OK && bytes > 0)
            err = say(e, message, bytes);
        if (err == EXAM_OK && part_bytes > 0)
            err = roster_take(e, part, part_bytes);
    }
    return err;
}

static exam_err enrol(struct enrolling *e, const struct asked *a, const struct enrol_code *code)
{
    uint8_t seed[KEY_BYTES], chance[ENROL_CHANCE_BYTES], message[ENROL_MESSAGE_BYTES_MAX];
    size_t bytes;
    exam_err err = enrol_folder_open(a->dir, e->why, sizeof e->why);

    if (err == EXAM_OK)
        err = enrol_folder_seed(a->dir, seed, e->why, sizeof e->why);
    if (err == EXAM_OK)
        err = dial(e, a->host);
    if (err == EXAM_OK) {
        randombytes_buf(chance, sizeof chance);
        enrol_machine_begin(&e->machine, code, seed, chance, message, &bytes);
        sodium_memzero(chance, sizeof chance);
        err = say(e, message, bytes);
    }
    sodium_memzero(seed, sizeof seed);
    if (err == EXAM_OK)
        err = converse(e);
    if (err == EXAM_OK)
        err = roster_check(e);
    if (err == EXAM_OK)
        err = enrol_folder_store(a->dir, &e->machine.own, e->roster, e->roster_have, e->why,
                                 sizeof e->why);
    if (err != EXAM_OK)
        return err;
    /* The site would like to know; this machine has what it needs either way. */
    enrol_machine_stored(&e->machine, message, &bytes);
    (void)!say(e, message, bytes);
    return EXAM_OK;
}

/* ---------------------------------------------------------------- the command */

static error_t take_option(int key, char *arg, struct argp_state *state)
{
    struct asked *a = state->input;
    const char **words[] = {&a->host, &a->code, &a->dir};

    switch (key) {
    case ARGP_KEY_ARG:
        if (state->arg_num >= sizeof words / sizeof *words)
            return ARGP_ERR_UNKNOWN;
        *words[state->arg_num] = arg;
        return 0;
    case ARGP_KEY_END:
        if (a->dir == NULL)
            argp_error(state, "HOST, CODE and FOLDER are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int exit_code_of(exam_err err)
{
    switch (err) {
    case EXAM_OK:
        return EXIT_SUCCESS;
    case EXAM_AUTH:
    case EXAM_EXISTS:
    case EXAM_REFUSED:
        return EXIT_FAILURE;
    case EXAM_CONN:
    case EXAM_INVALID:
        return EX_UNAVAILABLE;
    case EXAM_VERSION:
    case EXAM_MALFORMED:
    case EXAM_TOO_BIG:
        return EX_PROTOCOL;
    default:
        return EX_SOFTWARE;
    }
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        NULL,
        take_option,
        "HOST[:PORT] CODE FOLDER",
        "Makes this seat's key, and has the site let it in. The administrator runs `examctl site "
        "enrol` at HOST (port 7103), which shows a CODE for each seat. FOLDER gets seat.key (the "
        "secret, which leaves this machine never) and roster: give both to the exam program. "
        "After a broken connection run it again with the same code and folder.",
        NULL,
        NULL,
        NULL};
    static struct enrolling e; /* secrets: one place, wiped */
    struct asked a = {NULL, NULL, NULL};
    struct enrol_code code;

    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    signal(SIGPIPE, SIG_IGN);
    if (sodium_init() < 0)
        return EX_SOFTWARE;
    if (enrol_code_parse(a.code, &code) != EXAM_OK) {
        fprintf(stderr,
                "examseat-enrol: '%s' is no code: ten letters and digits, like 4K79Q-F2MXD\n",
                a.code);
        return EXIT_USAGE;
    }
    e.fd = -1;
    frame_reader_init(&e.reader, e.in, sizeof e.in, ENROL_REPLY_BYTES_MAX);
    exam_err err = enrol(&e, &a, &code);
    if (err == EXAM_OK) {
        printf("This machine is seat %s. Its key is %s/seat.key, the roster %s/roster.\n",
               e.machine.own.name, a.dir, a.dir);
    } else {
        why_of(&e, err);
        fprintf(stderr, "examseat-enrol: %s\n", e.why);
    }
    free(e.roster);
    enrol_machine_wipe(&e.machine);
    return exit_code_of(err);
}
