/* fuzz_enrol.c - what a machine and a site say to each other when the machine enrols, and anything
 * else in its place: only who knows the code is let in, under its name and with its keys, and the
 * count of wrong tries holds. The input: acts, each a byte and what it needs. */
#include <sodium.h>
#include <string.h>

#include "enrol.h"
#include "fuzz.h"
#include "site_keys.h"

enum { ACTS_MAX = 60, NOW_MS = 1000, UNTIL_MS = 2000, RUNS = 4 };

struct run {
    struct enrol_machine machine;
    struct enrol_site site;
    uint8_t to_site[ENROL_MESSAGE_BYTES_MAX], to_machine[ENROL_REPLY_BYTES_MAX];
    size_t to_site_n, to_machine_n;
    bool knows; /* the code */
};

static struct site_keys keys;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    require(sodium_init() >= 0);
    site_keys_init(&keys, 3);
    return 0;
}

static void chance_make(uint8_t *out, size_t n, uint8_t number)
{
    crypto_generichash(out, n, &number, 1, NULL, 0);
}

static void run_begin(struct run *r, struct enrol_book *b, uint8_t number)
{
    uint8_t seed[KEY_BYTES], chance[ENROL_CHANCE_BYTES];
    struct enrol_code code = b->entries[0].code;

    memset(r, 0, sizeof *r);
    r->knows = number % 2 == 0;
    if (!r->knows)
        code.secret[number % ENROL_SECRET_BYTES] ^= 1;
    memset(seed, number + 1, sizeof seed);
    memset(chance, 0, sizeof chance);
    chance_make(chance, 64, number);
    r->site.book = b;
    enrol_machine_begin(&r->machine, &code, seed, chance, r->to_site, &r->to_site_n);
}

static void site_hears(struct run *r, struct enrol_book *b, uint8_t number)
{
    uint8_t chance[CPACE_CHANCE_BYTES];
    uint32_t wrong = b->entries[0].wrong;
    enum enrol_step step;

    chance_make(chance, sizeof chance, number);
    bool keys_next = r->site.stage == SITE_SHARED;
    exam_err err = enrol_site_take(&r->site, number > 250 ? UNTIL_MS : NOW_MS, chance, r->to_site,
                                   r->to_site_n, r->to_machine, &r->to_machine_n, &step);
    require(r->to_machine_n <= ENROL_MESSAGE_BYTES_MAX);
    require(b->entries[0].wrong == wrong || (keys_next && err == EXAM_AUTH));
    if (step == ENROL_LETS_IN) {
        require(r->knows);
        require(memcmp(b->entries[0].public, r->machine.own.pair.public, KEY_BYTES) == 0);
        enrol_site_welcome(&r->site, &keys.authority, 1000, r->to_machine, &r->to_machine_n);
    }
    r->to_site_n = 0;
}

static void machine_hears(struct run *r)
{
    const uint8_t *part;
    size_t part_bytes;
    enum enrol_step step;
    exam_err err = enrol_machine_take(&r->machine, r->to_machine, r->to_machine_n, r->to_site,
                                      &r->to_site_n, &part, &part_bytes, &step);

    if (step == ENROL_LETS_IN)
        require(r->site.stage == SITE_WELCOMED && strcmp(r->machine.own.name, "R01-01") == 0);
    if (err == EXAM_OK && part_bytes > 0)
        require(part >= r->to_machine && part + part_bytes <= r->to_machine + r->to_machine_n);
    require(r->machine.roster_have <= r->machine.roster_bytes);
    r->to_machine_n = 0;
}

/* In the place of what was said. */
static size_t message_change(struct fuzz_input *in, uint8_t *message, size_t bytes)
{
    size_t at = fuzz_byte(in), longer = fuzz_byte(in);

    message[at % ENROL_MESSAGE_BYTES_MAX] ^= fuzz_byte(in);
    return longer < 200 ? bytes : (bytes + longer) % ENROL_MESSAGE_BYTES_MAX;
}

static void act(struct fuzz_input *in, struct run runs[RUNS], struct enrol_book *b)
{
    uint8_t what = fuzz_byte(in);
    struct run *r = &runs[what % RUNS], *other = &runs[(what + 1) % RUNS];

    switch (what / RUNS % 6) {
    case 0:
        site_hears(r, b, fuzz_byte(in));
        break;
    case 1:
        machine_hears(r);
        break;
    case 2:
        r->to_site_n = message_change(in, r->to_site, r->to_site_n);
        break;
    case 3:
        r->to_machine_n = message_change(in, r->to_machine, r->to_machine_n);
        break;
    case 4: /* what another one has said */
        memcpy(r->to_site, other->to_site, sizeof r->to_site);
        r->to_site_n = other->to_site_n;
        break;
    default:
        run_begin(r, b, (uint8_t)(what % RUNS));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct enrol_book b;
    static struct run runs[RUNS];
    static const uint8_t chance[ENROL_SECRET_BYTES + 2] = {0, 5, 1, 2, 3, 4, 5, 6, 7};
    struct fuzz_input in = {.at = data, .n = size};
    const struct enrol_entry *e;

    memset(&b, 0, sizeof b);
    require(enrol_book_add(&b, "R01-01", UNTIL_MS, chance, &e) == EXAM_OK);
    for (uint8_t i = 0; i < RUNS; i++)
        run_begin(&runs[i], &b, i);
    for (int acts = 0; in.n > 0 && acts < ACTS_MAX; acts++) {
        act(&in, runs, &b);
        require(e->state != ENROL_OPEN || e->wrong < ENROL_TRIES);
    }
    return 0;
}
