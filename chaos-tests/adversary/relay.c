#include "relay.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

enum { RELAY_BYTES = 64 * 1024 };

struct way {
    int from, to;
    FILE *copy;
    unsigned long bytes;
};

static bool hand_on(struct way *w)
{
    uint8_t buf[RELAY_BYTES];
    ssize_t n = recv(w->from, buf, sizeof buf, 0);
    if (n <= 0 || fwrite(buf, 1, (size_t)n, w->copy) != (size_t)n)
        return false;
    w->bytes += (unsigned long)n;
    for (ssize_t at = 0, done; at < n; at += done)
        if ((done = send(w->to, buf + at, (size_t)(n - at), MSG_NOSIGNAL)) <= 0)
            return false;
    return true;
}

static void hand_on_all(struct way way[2])
{
    for (;;) {
        struct pollfd p[2] = {{.fd = way[0].from, .events = POLLIN},
                              {.fd = way[1].from, .events = POLLIN}};
        if (poll(p, 2, -1) < 0)
            return;
        for (int i = 0; i < 2; i++)
            if (p[i].revents != 0 && !hand_on(&way[i]))
                return;
    }
}

static int accept_one(uint16_t port, const char *ready)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, one = -1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, (const struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 1) == 0) {
        FILE *f = ready != NULL ? fopen(ready, "w") : NULL;
        if (f != NULL)
            fclose(f);
        one = accept(fd, NULL, NULL);
    }
    if (fd >= 0)
        close(fd);
    return one;
}

int relay_record(uint16_t port, const struct address *to, const char *said, const char *heard,
                 const char *ready)
{
    int seat = accept_one(port, ready), node = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct way way[2] = {{.from = seat, .to = node, .copy = fopen(said, "wb")},
                         {.from = node, .to = seat, .copy = fopen(heard, "wb")}};
    bool whole = seat >= 0 && node >= 0 && way[0].copy != NULL && way[1].copy != NULL &&
                 connect(node, (const struct sockaddr *)&to->at, sizeof to->at) == 0;
    if (whole)
        hand_on_all(way);
    for (int i = 0; i < 2; i++)
        whole &= way[i].copy != NULL && fclose(way[i].copy) == 0;
    if (seat >= 0)
        close(seat);
    if (node >= 0)
        close(node);
    if (!whole) {
        perror("adversary: the relay");
        return EX_OSERR;
    }
    printf("relayed %lu bytes of the seat, %lu of the node\n", way[0].bytes, way[1].bytes);
    return EXIT_SUCCESS;
}
