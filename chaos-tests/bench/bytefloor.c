/* bytefloor.c - the machine's floor under a log that is copied from one server to another: what
 * reading every byte once and hashing it, and what writing it in a row and flushing it, cost here.
 * No code of the project is in it, so that a figure of the service can be held against it in the
 * same run. One thread.
 *
 * hash: records that are copied (memcpy) and hashed (BLAKE2b-256), each with the hash of the one
 * before. write: a megabyte of them appended to a file (write, fdatasync) at a time.
 * Exits 0, 1 when a call failed, 64 for wrong arguments (EX_USAGE). */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>
#include <sodium.h>

#include "floor_args.h"

enum {
    RECORD_BYTES = 200,
    HASH_BYTES = 32,
    CHUNK_RECORDS = (1 << 20) / RECORD_BYTES,
    CHUNK_BYTES = CHUNK_RECORDS * RECORD_BYTES,
    SECONDS_MAX = 3600,
    PATH_BYTES = 512,
};

struct options {
    const char *dir;
    long seconds;
};

static uint8_t chunk[CHUNK_BYTES], copy[CHUNK_BYTES];

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The hashes go into the next records, so that nothing of it can be left out. */
static void hash_chunk(uint8_t prev[HASH_BYTES])
{
    crypto_generichash_state state;
    for (size_t at = 0; at < CHUNK_BYTES; at += RECORD_BYTES) {
        memcpy(copy + at, chunk + at, RECORD_BYTES);
        crypto_generichash_init(&state, NULL, 0, HASH_BYTES);
        crypto_generichash_update(&state, prev, HASH_BYTES);
        crypto_generichash_update(&state, copy + at, RECORD_BYTES);
        crypto_generichash_final(&state, prev, HASH_BYTES);
        memcpy(chunk + at, prev, HASH_BYTES);
    }
}

static double hash_records_per_s(long seconds)
{
    uint8_t prev[HASH_BYTES] = {0};
    uint64_t begin_ns = now_ns(), end_ns = begin_ns + (uint64_t)seconds * 1000000000u, at_ns;
    uint64_t chunks = 0;
    do {
        hash_chunk(prev);
        chunks++;
        at_ns = now_ns();
    } while (at_ns < end_ns);
    return (double)chunks * CHUNK_RECORDS * 1e9 / (double)(at_ns - begin_ns);
}

static bool write_chunk(int fd)
{
    for (size_t at = 0; at < CHUNK_BYTES;) {
        ssize_t n = write(fd, chunk + at, CHUNK_BYTES - at);
        if (n < 0)
            return false;
        at += (size_t)n;
    }
    return fdatasync(fd) == 0;
}

/* 0: a call failed, errno. */
static double write_records_per_s(const struct options *o)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/bytefloor-%ld", o->dir, (long)getpid());
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        return 0;
    uint64_t begin_ns = now_ns(), end_ns = begin_ns + (uint64_t)o->seconds * 1000000000u, at_ns;
    uint64_t chunks = 0;
    bool ok;
    do {
        ok = write_chunk(fd);
        chunks++;
        at_ns = now_ns();
    } while (ok && at_ns < end_ns);
    int saved = errno;
    close(fd);
    (void)unlink(path);
    errno = saved;
    return ok ? (double)chunks * CHUNK_RECORDS * 1e9 / (double)(at_ns - begin_ns) : 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'd':
        o->dir = arg;
        return 0;
    case 's':
        o->seconds = floor_number(arg, SECONDS_MAX, state);
        return 0;
    case ARGP_KEY_END:
        floor_needs_dir(o->dir, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    static const struct argp_option known[] = {
        {"dir", 'd', "FOLDER", 0, "a folder on the disk to measure", 0},
        {"seconds", 's', "SECONDS", 0, "of each measurement (2)", 0},
        {0},
    };
    static const struct argp argp = {
        .options = known,
        .parser = parse,
        .doc = "Measures how many records of 200 bytes a second one thread copies and hashes, and "
               "how many a file takes durably, a megabyte at a time. Prints JSON.",
    };
    struct options o = {.seconds = 2};
    argp_err_exit_status = 64;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    if (sodium_init() < 0) {
        fprintf(stderr, "bytefloor: libsodium cannot be used on this machine\n");
        return 1;
    }
    double hash = hash_records_per_s(o.seconds), written = write_records_per_s(&o);
    if (written <= 0) {
        fprintf(stderr, "bytefloor: %s: %s\n", o.dir, strerror(errno));
        return 1;
    }
    json_t *j = json_pack("{s:i, s:f, s:f}", "record_bytes", (int)RECORD_BYTES,
                          "hash_records_per_s", hash, "write_records_per_s", written);
    json_dumpf(j, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(8));
    putchar('\n');
    json_decref(j);
    return 0;
}
