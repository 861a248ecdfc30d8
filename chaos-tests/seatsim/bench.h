/* bench.h - `seatsim bench`: a closed loop. Each seat has exactly one answer outstanding: the next
 * one is made when the last is acknowledged. What is measured is the whole way of an answer:
 * journalled at the seat, sent, decided, durable on both nodes, acknowledged. Shell. */
#ifndef SEATSIM_BENCH_H
#define SEATSIM_BENCH_H

#include <stdbool.h>
#include <stdint.h>

struct bench_options {
    const char *nodes, *roster_path;
    const char *keys_dir;     /* NULL: plain connections */
    const char *journals_dir; /* NULL: a new folder on the memory file system, removed afterwards */
    uint32_t seats_n;
    uint32_t value_bytes;
    double warm_s, dur_s;
    uint64_t seed;
    bool solo;  /* acknowledgements from one node alone are what is wanted */
    bool mixed; /* of either kind: the standby comes or goes meanwhile */
};

/* Prints BEGIN, END, RESULT acks seconds p50us p99us p999us maxus errors gen_cpu_s and a summary.
 * The program's exit code; not 0 when an acknowledgement had another durability than asked for. */
int bench_seats(const struct bench_options *o);

#endif
