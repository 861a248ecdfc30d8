/* fuzz_node.c - a site at work, and strangers on its exam network who say whatever they like to the
 * seats' and the administrators' endpoints. Nothing stops, every account adds up, both nodes have
 * the same state (D4), and as long as no stranger has spoken as an administrator, or by the name of
 * the candidate or of the seat at work there, that candidate loses no millisecond and no answer.
 * The input: acts, each a byte and what it needs. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "check_accounts.h"
#include "check_replicas.h"
#include "codec.h"
#include "frame.h"
#include "fuzz.h"
#include "site.h"

enum {
    ACTS_MAX = 60,
    NODES = 2,
    SEATS = 2,
    SEAT_STRANGERS = 2,
    STRANGERS,
    AT_WORK_SINCE_MS = 10000
};

static const char candidate[] = "1001", seat[] = "R1-01";

struct intrusion {
    struct site s;
    struct sim_end *stranger[STRANGERS]; /* the last one is at the administrators' endpoint */
    bool harmless; /* nobody has said what an honest candidate may suffer from */
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    require(sodium_init() >= 0);
    return 0;
}

/* What a node says to anybody is a message of its conversation. */
static void hear(struct intrusion *x, unsigned i)
{
    static uint8_t block[ARENA_BYTES_FRAME] __attribute__((aligned(16)));
    const Admin__Reply *admin = NULL;
    const Seat__Reply *reply = NULL;
    const uint8_t *payload;
    struct arena a;
    size_t n;

    arena_init(&a, block, sizeof block);
    while (x->stranger[i] != NULL && sim_end_next(x->stranger[i], &payload, &n))
        require((i < SEAT_STRANGERS ? codec_seat_reply(&a, payload, n, &reply, NULL)
                                    : codec_admin_reply(&a, payload, n, &admin, NULL)) == EXAM_OK);
    if (x->stranger[i] != NULL && sim_end_is_over(x->stranger[i])) {
        sim_end_free(x->stranger[i]);
        x->stranger[i] = NULL;
    }
}

static void settle(struct intrusion *x)
{
    world_settle(x->s.w);
    for (unsigned i = 0; i < STRANGERS; i++)
        hear(x, i);
}

static bool names(const uint8_t *bytes, size_t n, const char *name)
{
    return memmem(bytes, n, name, strlen(name)) != NULL;
}

static exam_err dial(struct intrusion *x, unsigned i)
{
    return i < SEAT_STRANGERS ? world_dial_seat(x->s.w, 0, "stranger", &x->stranger[i])
                              : world_dial_admin(x->s.w, 0, &x->stranger[i]);
}

static void send_bytes(struct intrusion *x, unsigned i, const uint8_t *bytes, size_t n)
{
    if (x->stranger[i] == NULL && dial(x, i) != EXAM_OK)
        return;
    if (i == SEAT_STRANGERS || names(bytes, n, candidate) || names(bytes, n, seat))
        x->harmless = false;
    exam_err err = sim_end_send(x->stranger[i], bytes, n);
    require(err == EXAM_OK || err == EXAM_CONN || err == EXAM_AGAIN);
}

static void say(struct intrusion *x, unsigned i, struct fuzz_input *in)
{
    uint8_t frame[FRAME_HEADER_BYTES + 8192];
    size_t bytes = fuzz_number(in, 2), n;
    const uint8_t *payload = fuzz_piece(in, bytes < 8192 ? bytes : 8192, &n);

    if (n == 0)
        return;
    frame_header_put(frame, n);
    memcpy(frame + FRAME_HEADER_BYTES, payload, n);
    send_bytes(x, i, frame, FRAME_HEADER_BYTES + n);
    settle(x);
}

static void act(struct intrusion *x, struct fuzz_input *in)
{
    uint8_t what = fuzz_byte(in);
    unsigned i = what >> 4 & 1;
    size_t n;

    switch (what & 7) {
    case 0:
        world_run(x->s.w, world_now_ms(x->s.w) + 25 * fuzz_byte(in));
        settle(x);
        break;
    case 1:
        sim_end_free(x->stranger[i]);
        x->stranger[i] = NULL;
        settle(x);
        break;
    case 2: { /* no whole frames */
        const uint8_t *bytes = fuzz_piece(in, what >> 3, &n);
        if (n > 0)
            send_bytes(x, i, bytes, n);
        settle(x);
        break;
    }
    case 3:
    case 4:
        say(x, SEAT_STRANGERS, in);
        break;
    default:
        say(x, i, in);
        break;
    }
}

static void expect_sound(struct intrusion *x)
{
    char what[256] = "";

    for (uint32_t i = 0; i < NODES; i++) {
        struct node *n = world_node(x->s.w, i);
        require(n != NULL);
        if (!check_accounts(node_exam(n), node_site_ms(n), what, sizeof what))
            fuzz_broken(what, __FILE__, __LINE__);
    }
    if (!check_replicas(x->s.w, NULL, what, sizeof what))
        fuzz_broken(what, __FILE__, __LINE__);
}

static void expect_honest_work(struct intrusion *x)
{
    uint64_t worked_ms = world_now_ms(x->s.w) - AT_WORK_SINCE_MS;
    struct seat_core *core = world_seat(x->s.w, 0)->core;

    require(seat_core_in_contact(core) && seat_core_unsaved_n(core) == 0);
    require(seat_core_answer_state(core, 1) == SEAT_ANSWER_DUAL);
    struct exam_sitting_view v = site_sitting(&x->s, candidate);
    require(v.attached && v.account.lost_ms == 0 && v.account.used_ms == worked_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct intrusion x = {.harmless = true};

    site_open(&x.s, 1, NODES, SEATS);
    site_start(&x.s);
    require(world_sign_in(x.s.w, 0, candidate, candidate) == EXAM_OK);
    settle(&x);
    require(world_now_ms(x.s.w) == AT_WORK_SINCE_MS);
    for (int k = 0; k < ACTS_MAX && in.n > 0; k++)
        act(&x, &in);
    if (x.harmless)
        require(world_answer(x.s.w, 0, "q1", "B") == EXAM_OK);
    settle(&x);
    world_run(x.s.w, world_now_ms(x.s.w) + 3000);
    expect_sound(&x);
    if (x.harmless)
        expect_honest_work(&x);
    for (unsigned i = 0; i < STRANGERS; i++)
        sim_end_free(x.stranger[i]);
    site_close(&x.s);
    return 0;
}
