/* channelbench.c - what a channel costs, beside its floor: the bare X25519 and AEAD calls of
 * libsodium that no implementation of the same suite can do without.
 *
 *   channelbench [--dur S]
 *
 * A handshake is both ends' work in one thread: 8 shared secrets and 2 public keys. A record is 256
 * plain bytes, sealed at one end and opened at the other. The arms take turns in short rounds, so
 * that other work on the machine meets all of them; a figure is the median of the rounds. */
#include <argp.h>
#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "channel.h"
#include "floor_args.h"

enum {
    RECORD_BYTES = 256,
    RECORDS_A_TURN = 2000,
    HANDSHAKES_A_TURN = 20,
    SECRETS_A_HANDSHAKE = 8,
    PUBLIC_KEYS_A_HANDSHAKE = 2,
    ROUNDS_MAX = 100000,
    SECONDS_MAX = 3600,
};

enum arm { HANDSHAKE, HANDSHAKE_FLOOR, RECORD, RECORD_FLOOR, ARMS };

struct bench {
    long seconds;
    struct noise_key_pair keys[2]; /* initiator, responder */
    struct channel ends[2];
    double per_s[ARMS][ROUNDS_MAX];
    size_t rounds;
};

static void require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "channelbench: %s failed\n", what);
    exit(EXIT_FAILURE);
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    require(clock_gettime(clock, &t) == 0, "clock_gettime");
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* --- the channel --- */

static exam_err admit(void *ctx, const uint8_t peer[CHANNEL_KEY_BYTES])
{
    const struct bench *b = ctx;
    return sodium_memcmp(peer, b->keys[0].public, CHANNEL_KEY_BYTES) == 0 ? EXAM_OK : EXAM_AUTH;
}

static void carry_handshake(struct channel *from, struct channel *to)
{
    uint8_t frame[CHANNEL_HANDSHAKE_FRAME_BYTES_MAX], chance[CHANNEL_CHANCE_BYTES];
    struct channel_out out = {.at = frame, .bytes_max = sizeof frame};
    randombytes_buf(chance, sizeof chance);
    require(channel_handshake_write(from, chance, NULL, 0, &out) == EXAM_OK, "a handshake");
    require(channel_handshake_read(to, frame + FRAME_HEADER_BYTES,
                                   out.bytes - FRAME_HEADER_BYTES) == EXAM_OK,
            "a handshake");
}

static void carry_record(struct channel *from, struct channel *to, size_t n)
{
    static uint8_t plain[RECORD_BYTES], opened[RECORD_BYTES];
    uint8_t frame[RECORD_BYTES + CHANNEL_RECORD_FRAME_BYTES];
    struct channel_out out = {.at = frame, .bytes_max = sizeof frame};
    size_t got = 0;
    require(channel_seal(from, plain, n, &out) == EXAM_OK, "sealing");
    require(channel_open(to, frame + FRAME_HEADER_BYTES, out.bytes - FRAME_HEADER_BYTES, opened,
                         &got) == EXAM_OK &&
                got == n,
            "opening");
}

static void shake_hands(struct bench *b)
{
    struct channel_config initiator = {.initiator = true,
                                       .terms = {.conversation = CHANNEL_SEAT},
                                       .own = &b->keys[0],
                                       .peer = b->keys[1].public};
    struct channel_config responder = {.terms = {.conversation = CHANNEL_SEAT},
                                       .own = &b->keys[1],
                                       .admit = admit,
                                       .admit_ctx = b};
    require(channel_init(&b->ends[0], &initiator) == EXAM_OK, "channel_init");
    require(channel_init(&b->ends[1], &responder) == EXAM_OK, "channel_init");
    carry_handshake(&b->ends[0], &b->ends[1]);
    carry_handshake(&b->ends[1], &b->ends[0]);
    carry_record(&b->ends[0], &b->ends[1], 0);
}

/* --- its floor --- */

static void bare_handshake(const struct bench *b)
{
    uint8_t out[NOISE_KEY_BYTES];
    for (int i = 0; i < PUBLIC_KEYS_A_HANDSHAKE; i++)
        require(crypto_scalarmult_base(out, b->keys[i % 2].secret) == 0, "X25519");
    for (int i = 0; i < SECRETS_A_HANDSHAKE; i++)
        require(crypto_scalarmult(out, b->keys[i % 2].secret, b->keys[1 - i % 2].public) == 0,
                "X25519");
}

static void bare_record(const struct bench *b, uint64_t counter)
{
    static uint8_t plain[RECORD_BYTES], opened[RECORD_BYTES];
    uint8_t sealed[RECORD_BYTES + NOISE_TAG_BYTES];
    uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES] = {0};
    memcpy(nonce, &counter, sizeof counter);
    (void)crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, plain, sizeof plain, NULL, 0,
                                                    NULL, nonce, b->keys[0].secret);
    require(crypto_aead_chacha20poly1305_ietf_decrypt(opened, NULL, NULL, sealed, sizeof sealed,
                                                      NULL, 0, nonce, b->keys[0].secret) == 0,
            "the AEAD");
}

/* --- the run --- */

static void turn(struct bench *b, enum arm arm)
{
    long n = arm == HANDSHAKE || arm == HANDSHAKE_FLOOR ? HANDSHAKES_A_TURN : RECORDS_A_TURN;
    uint64_t begin_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (long i = 0; i < n; i++) {
        if (arm == HANDSHAKE)
            shake_hands(b);
        else if (arm == HANDSHAKE_FLOOR)
            bare_handshake(b);
        else if (arm == RECORD)
            carry_record(&b->ends[0], &b->ends[1], RECORD_BYTES);
        else
            bare_record(b, (uint64_t)i);
    }
    uint64_t took_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - begin_ns;
    b->per_s[arm][b->rounds] = (double)n * 1e9 / (double)(took_ns > 0 ? took_ns : 1);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, by_size);
    return v[n / 2];
}

static void report(struct bench *b)
{
    double m[ARMS];
    for (int arm = 0; arm < ARMS; arm++)
        m[arm] = median(b->per_s[arm], b->rounds);
    printf("%zu rounds; %zu bytes of memory a channel\n", b->rounds, sizeof(struct channel));
    printf("%-28s %10s %10s %10s %6s\n", "", "per CPU s", "us each", "floor/s", "share");
    printf("%-28s %10.0f %10.1f %10.0f %6.2f\n", "handshakes, both ends", m[HANDSHAKE],
           1e6 / m[HANDSHAKE], m[HANDSHAKE_FLOOR], m[HANDSHAKE] / m[HANDSHAKE_FLOOR]);
    printf("%-28s %10.0f %10.2f %10.0f %6.2f\n", "records of 256 B, both ends", m[RECORD],
           1e6 / m[RECORD], m[RECORD_FLOOR], m[RECORD] / m[RECORD_FLOOR]);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct bench *b = state->input;
    if (key != 'd')
        return ARGP_ERR_UNKNOWN;
    b->seconds = floor_number(arg, SECONDS_MAX, state);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"dur", 'd', "S", 0, "Seconds to measure (default 5)", 0}, {0}};
    static const struct argp argp = {
        options, parse, NULL, "What a channel costs, beside bare calls of libsodium.",
        NULL,    NULL,  NULL};
    static struct bench b = {.seconds = 5};
    uint8_t secret[NOISE_KEY_BYTES];
    argp_parse(&argp, argc, argv, 0, NULL, &b);
    require(sodium_init() >= 0, "sodium_init");
    for (int i = 0; i < 2; i++) {
        randombytes_buf(secret, sizeof secret);
        noise_key_pair_of(secret, &b.keys[i]);
    }
    uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + (uint64_t)b.seconds * 1000000000u;
    for (; clock_ns(CLOCK_MONOTONIC) < end_ns && b.rounds < ROUNDS_MAX; b.rounds++)
        for (int arm = 0; arm < ARMS; arm++)
            turn(&b, (enum arm)arm);
    report(&b);
    return EXIT_SUCCESS;
}
