/* echofloor.c - the machine's floor for a closed loop of seats without any disk or rule: W
 * connections over loopback, each with one frame outstanding, answered at once by a bare epoll
 * server in a process of its own. No code of the service is in it. Frames have the sizes of a
 * seat's answer and of its acknowledgement.
 *
 *   echofloor -W CONNECTIONS [--warm S] [--dur S]
 *
 * Prints BEGIN, END, RESULT acks seconds p50us p99us p999us maxus errors gen_cpu_s, then
 * SERVER cpu_s (both within the measurement). */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hist.h"

enum {
    REQUEST_BYTES = 4 + 96,
    REPLY_BYTES = 4 + 80,
    CONNECTIONS_MAX = 20000,
    EVENTS_PER_WAIT = 512,
};

struct connection {
    int fd;
    size_t got_bytes; /* of the frame being read */
    uint64_t sent_ns;
};

struct load {
    unsigned connections;
    double warm_s, dur_s;
    int epoll;
    struct connection *conn;
    pid_t server;
    struct hist latency;
    bool measuring;
};

static void die(const char *what)
{
    fprintf(stderr, "echofloor: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Processor time of a process since it began; 0: this one. */
static double cpu_s(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        die("processor time");
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void watch(int epoll, int fd, void *with)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = with};
    int one = 1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) != 0)
        die("watch");
}

/* Takes what has come; returns the number of whole frames of `frame_bytes`, or -1 at the end. */
static int frames_take(struct connection *c, size_t frame_bytes)
{
    char block[4096];
    ssize_t n = recv(c->fd, block, sizeof block, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        return -1;
    if (n < 0)
        return 0;
    size_t total = c->got_bytes + (size_t)n;
    c->got_bytes = total % frame_bytes;
    return (int)(total / frame_bytes);
}

static void serve_one(struct connection *c)
{
    static const char reply[REPLY_BYTES];
    int frames = frames_take(c, REQUEST_BYTES);
    if (frames < 0) {
        close(c->fd);
        return;
    }
    for (int i = 0; i < frames; i++)
        if (send(c->fd, reply, sizeof reply, MSG_NOSIGNAL) != (ssize_t)sizeof reply)
            die("server send");
}

static void serve(int listener)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct connection *conn = calloc(CONNECTIONS_MAX, sizeof *conn);
    unsigned connections = 0;
    if (epoll < 0 || conn == NULL)
        die("server");
    watch(epoll, listener, NULL);
    for (;;) {
        struct epoll_event e[EVENTS_PER_WAIT];
        int n = epoll_wait(epoll, e, EVENTS_PER_WAIT, -1);
        for (int i = 0; i < n; i++) {
            if (e[i].data.ptr != NULL) {
                serve_one(e[i].data.ptr);
                continue;
            }
            int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
            if (fd < 0 || connections == CONNECTIONS_MAX)
                die("accept");
            conn[connections].fd = fd;
            watch(epoll, fd, &conn[connections++]);
        }
    }
}

static void request_send(struct connection *c)
{
    static const char request[REQUEST_BYTES];
    c->sent_ns = now_ns();
    if (send(c->fd, request, sizeof request, MSG_NOSIGNAL) != (ssize_t)sizeof request)
        die("send");
}

static void replies_take(struct load *l)
{
    struct epoll_event e[EVENTS_PER_WAIT];
    int n = epoll_wait(l->epoll, e, EVENTS_PER_WAIT, 20);
    for (int i = 0; i < n; i++) {
        struct connection *c = e[i].data.ptr;
        int frames = frames_take(c, REPLY_BYTES);
        if (frames < 0)
            die("the server closed a connection");
        if (frames == 0)
            continue;
        if (l->measuring)
            hist_record(&l->latency, now_ns() - c->sent_ns);
        request_send(c);
    }
}

static void load_run(struct load *l)
{
    uint64_t begin_ns = now_ns() + (uint64_t)(l->warm_s * 1e9);
    for (unsigned i = 0; i < l->connections; i++)
        request_send(&l->conn[i]);
    while (now_ns() < begin_ns)
        replies_take(l);
    puts("BEGIN");
    fflush(stdout);
    double load_cpu_s = cpu_s(0), server_cpu_s = cpu_s(l->server);
    begin_ns = now_ns();
    l->measuring = true;
    while (now_ns() < begin_ns + (uint64_t)(l->dur_s * 1e9))
        replies_take(l);
    double seconds = (double)(now_ns() - begin_ns) / 1e9;
    load_cpu_s = cpu_s(0) - load_cpu_s;
    server_cpu_s = cpu_s(l->server) - server_cpu_s;
    puts("END");
    printf("RESULT %llu %.3f %llu %llu %llu %llu 0 %.3f\n", (unsigned long long)l->latency.count,
           seconds, (unsigned long long)hist_quantile(&l->latency, 0.5) / 1000,
           (unsigned long long)hist_quantile(&l->latency, 0.99) / 1000,
           (unsigned long long)hist_quantile(&l->latency, 0.999) / 1000,
           (unsigned long long)l->latency.value_max / 1000, load_cpu_s);
    printf("SERVER %.3f\n", server_cpu_s);
}

static int listener_open(struct sockaddr_in *at)
{
    socklen_t bytes = sizeof *at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || bind(fd, (struct sockaddr *)at, sizeof *at) != 0 || listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)at, &bytes) != 0)
        die("listen");
    return fd;
}

static void load_connect(struct load *l, const struct sockaddr_in *to)
{
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->conn = calloc(l->connections, sizeof *l->conn);
    if (l->epoll < 0 || l->conn == NULL)
        die("start");
    for (unsigned i = 0; i < l->connections; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof *to) != 0)
            die("connect");
        l->conn[i].fd = fd;
        watch(l->epoll, fd, &l->conn[i]);
    }
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct load *l = state->input;
    switch (key) {
    case 'W':
        l->connections = (unsigned)strtoul(arg, NULL, 10);
        if (l->connections < 1 || l->connections > CONNECTIONS_MAX)
            argp_error(state, "-W is 1 to %d", CONNECTIONS_MAX);
        return 0;
    case 'w':
        l->warm_s = strtod(arg, NULL);
        return 0;
    case 'd':
        l->dur_s = strtod(arg, NULL);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"connections", 'W', "N", 0, "Connections, each with one frame outstanding (default 480)",
         0},
        {"warm", 'w', "SECONDS", 0, "Before the measurement (default 1)", 0},
        {"dur", 'd', "SECONDS", 0, "Length of the measurement (default 5)", 0},
        {0}};
    static const struct argp argp = {
        options, on_option, NULL, "The floor of a closed loop over loopback: a bare epoll echo.",
        NULL,    NULL,      NULL};
    static struct load l = {.connections = 480, .warm_s = 1, .dur_s = 5};
    argp_parse(&argp, argc, argv, 0, NULL, &l);
    struct rlimit files = {CONNECTIONS_MAX + 100, CONNECTIONS_MAX + 100};
    if (setrlimit(RLIMIT_NOFILE, &files) != 0 && getrlimit(RLIMIT_NOFILE, &files) == 0 &&
        files.rlim_max < l.connections + 20)
        die("too many connections for this process's limit of open files");

    struct sockaddr_in at;
    int listener = listener_open(&at);
    l.server = fork();
    if (l.server < 0)
        die("fork");
    if (l.server == 0)
        serve(listener);
    close(listener);
    load_connect(&l, &at);
    load_run(&l);
    kill(l.server, SIGKILL);
    waitpid(l.server, NULL, 0);
    return EXIT_SUCCESS;
}
