/* tcp_node.h - a node on a real socket, as far as one seat's library needs one. For tests only.
 * A thread of its own each; what several of them share is behind a mutex. It asserts nothing: it
 * counts, and the test looks. */
#ifndef EXAMSEAT_TCP_NODE_H
#define EXAMSEAT_TCP_NODE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "exam_limits.h"

enum { TCP_NODE_CONNS = 16, TCP_NODE_PAPER_BYTES = 100000, TCP_NODE_ACTIONS = 4096 };

/* The sitting, as the nodes' log would have it. */
struct tcp_site {
    pthread_mutex_t mutex;
    bool signed_in, started, finished, collected;
    uint8_t session[SESSION_BYTES];
    uint64_t seq_have;
    char items[TCP_NODE_ACTIONS][NAME_BYTES_MAX + 1];
    char values[TCP_NODE_ACTIONS][16];
    uint64_t used_ms, started_at_ms, allot_ms;
    uint64_t attachments;
    uint8_t paper[TCP_NODE_PAPER_BYTES];
};

struct tcp_node {
    struct tcp_site *site;
    pthread_t thread;
    int listen_fd;
    int port;
    _Atomic uint64_t epoch;
    _Atomic bool serving, stop;
    _Atomic uint32_t version;
    _Atomic uint64_t hellos_n, attaches_n, malformed_n;
    struct {
        int fd;
        bool greeted, attached, told_serving, told_started, told_collected;
        size_t n;
        uint8_t buffer[SEAT_REQUEST_BYTES_MAX + FRAME_HEADER_BYTES];
    } conns[TCP_NODE_CONNS];
};

void tcp_site_init(struct tcp_site *site);

/* Listens on a free port of the loopback and begins to answer; port 0: any. False: it cannot. */
bool tcp_node_start(struct tcp_node *node, struct tcp_site *site, uint64_t epoch, bool serving);

/* The process ends, as far as the seat can see: every connection breaks. */
void tcp_node_kill(struct tcp_node *node);

#endif
