/* fuzz_seat.c - a seat whose nodes say whatever they like, besides what they should: it goes on,
 * sends nothing that its journal does not hold (D1), never takes a lower epoch than it has seen
 * (W1), and comes back from its journal with what it had. The input: acts, each a byte and what it
 * needs. */
#include <sodium.h>
#include <string.h>

#include "fuzz.h"
#include "seat_world.h"

enum { ACTS_MAX = 60, NODES = 2, EPOCH_MAX = 200 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    require(sodium_init() >= 0);
    return 0;
}

/* The program dies, or the machine does, and starts again. */
static void restart(struct world *w, bool reboot)
{
    uint64_t epoch = seat_core_epoch_seen(w->core), seq = seat_core_seq_last(w->core);

    world_restart_seat(w, w->now_ms + 500, reboot);
    require(seat_core_epoch_seen(w->core) >= epoch);
    require(seat_core_seq_last(w->core) == seq);
}

static void say(struct world *w, uint32_t node, struct fuzz_input *in)
{
    size_t bytes = fuzz_number(in, 2), n;
    const uint8_t *payload = fuzz_piece(in, bytes, &n);

    if (w->nodes[node].linked && n > 0)
        world_send_bytes(w, node, payload, n);
    world_settle(w);
}

static void act(struct world *w, struct fuzz_input *in)
{
    uint8_t what = fuzz_byte(in);
    uint32_t node = what >> 4 & 1;
    uint64_t seq, epoch = 1 + what;
    exam_err err;

    switch (what & 15) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
        say(w, node, in);
        break;
    case 5:
    case 6:
        world_run(w, w->now_ms + fuzz_byte(in) * 25u);
        break;
    case 7:
    case 8:
        err = world_answer(w, what & 16 ? "q1" : "q2", "A", &seq);
        require(err != EXAM_IO);
        world_settle(w);
        break;
    case 9:
        world_kill(w, node);
        break;
    case 10:
        world_up(w, node, true, epoch);
        break;
    case 11:
        restart(w, what & 16);
        break;
    case 12:
        world_notice(w, node, (Seat__NoticeKind)(1 + (what >> 5)));
        world_settle(w);
        break;
    case 13:
        world_drop_wire(w);
        break;
    case 14:
        err = seat_core_submit(w->core, w->now_ms, &seq);
        require(err != EXAM_IO);
        world_settle(w);
        break;
    default:
        err = seat_core_fetch_paper(w->core, w->now_ms);
        require(err == EXAM_OK || err == EXAM_STATE);
        world_settle(w);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct world *w = world_new(NODES);
    uint64_t epoch = 0;

    world_begin(w);
    for (int i = 0; i < ACTS_MAX && in.n > 0; i++) {
        act(w, &in);
        require(w->sent_undurable_n == 0);
        require(seat_core_epoch_seen(w->core) >= epoch);
        epoch = seat_core_epoch_seen(w->core);
        require(seat_core_used_ms(w->core, w->now_ms) <= INT64_MAX);
        require(seat_core_deadline_ms(w->core) > 0);
    }
    restart(w, false);
    world_free(w);
    return 0;
}
