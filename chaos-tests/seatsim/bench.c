#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "boot_clock.h"
#include "hist.h"
#include "paper_shelf.h"
#include "rng.h"
#include "swarm.h"

enum { VALUE_BYTES_MAX = ANSWER_BYTES_MAX, JOURNALS_DIR_BYTES = 64, PREPARE_S_MAX = 120 };

enum phase { PHASE_PREPARING, PHASE_WARMING, PHASE_MEASURING, PHASE_OVER };

struct bench;

struct bench_seat {
    struct bench *bench;
    const struct paper_items *paper;
    struct paper_copy copy;
    uint64_t seq;     /* of the answer that is outstanding; 0: none */
    uint64_t made_ns; /* when it was made */
    uint32_t item;    /* counts on; an item of the paper, modulo their number */
    bool asked, fetch_due, ready;
};

struct bench {
    const struct bench_options *options;
    struct roster roster;
    struct swarm *swarm;
    struct bench_seat *seat;
    struct paper_shelf shelf;
    struct hist latency;
    struct rng rng;
    enum phase phase;
    uint32_t ready_n;
    uint64_t errors, other_durability;
    uint64_t opened_ns, phase_ns, window_ns;
    double cpu_s;
    char failure[200];
    char value[VALUE_BYTES_MAX * 2 + 1];
    char journals_dir[JOURNALS_DIR_BYTES];
};

static double cpu_now_s(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void bench_fail(struct bench *b, const char *seat, const char *what)
{
    if (b->failure[0] == '\0')
        snprintf(b->failure, sizeof b->failure, "seat %s: %s", seat, what);
    swarm_stop(b->swarm);
}

/* ---------------------------------------------------------------- one seat */

static void answer_make(struct swarm_seat *s, uint64_t now_ms)
{
    struct bench_seat *r = s->user;
    struct bench *b = r->bench;
    const char *item = r->paper->item[r->item % r->paper->n].id;
    const char *value = b->value + (r->item * 13 + s->index * 7) % VALUE_BYTES_MAX;
    r->item++;
    r->made_ns = boot_clock_ns();
    exam_err err = seat_core_answer(s->core, now_ms, item, (const uint8_t *)value,
                                    b->options->value_bytes, &r->seq);
    if (err != EXAM_OK)
        bench_fail(b, s->row->seat, exam_err_text(err));
}

static void answer_acked(struct swarm_seat *s, const struct seat_event *e)
{
    struct bench_seat *r = s->user;
    struct bench *b = r->bench;
    bool dual = e->u.answer.state == SEAT_ANSWER_DUAL;
    if (e->u.answer.state == SEAT_ANSWER_REFUSED) {
        b->errors++;
        bench_fail(b, s->row->seat, e->u.answer.text);
        return;
    }
    if ((!dual && e->u.answer.state != SEAT_ANSWER_SOLO) || e->u.answer.seq != r->seq)
        return;
    if (dual == b->options->solo && !b->options->mixed)
        b->other_durability++;
    if (b->phase == PHASE_MEASURING)
        hist_record(&b->latency, boot_clock_ns() - r->made_ns);
    r->seq = 0;
}

static void see_paper(struct swarm_seat *s, const struct seat_event *e)
{
    struct bench_seat *r = s->user;
    struct bench *b = r->bench;
    exam_err err = EXAM_OK;
    if (e->kind == SEAT_EVENT_STARTED) {
        r->paper = paper_shelf_find(&b->shelf, e->u.started.digest);
        r->fetch_due = r->paper == NULL;
    } else if (e->kind == SEAT_EVENT_PAPER_PART) {
        err = paper_copy_add(&r->copy, e->u.part.offset, e->u.part.total, e->u.part.data,
                             e->u.part.data_bytes);
    } else if (e->kind == SEAT_EVENT_PAPER) {
        err = paper_shelf_put(&b->shelf, e->u.started.digest, &r->copy, &r->paper);
    }
    if (err != EXAM_OK)
        bench_fail(b, s->row->seat, "the paper cannot be read");
}

static void on_event(struct swarm_seat *s, const struct seat_event *e)
{
    struct bench_seat *r = s->user;
    switch (e->kind) {
    case SEAT_EVENT_ANSWER:
        answer_acked(s, e);
        return;
    case SEAT_EVENT_STARTED:
    case SEAT_EVENT_PAPER_PART:
    case SEAT_EVENT_PAPER:
        see_paper(s, e);
        return;
    case SEAT_EVENT_LOST:
    case SEAT_EVENT_SIGN_IN_REFUSED:
    case SEAT_EVENT_SIGN_IN_NEEDED:
    case SEAT_EVENT_PAPER_FAILED:
        r->bench->errors++;
        bench_fail(r->bench, s->row->seat, e->u.problem.text);
        return;
    default:
        return;
    }
}

static void sign_in(struct swarm_seat *s, uint64_t now_ms)
{
    struct bench_seat *r = s->user;
    uint8_t session[SESSION_BYTES];
    r->asked = true;
    exam_err err = EXAM_SYSTEM;
    if (getrandom(session, sizeof session, 0) == (ssize_t)sizeof session)
        err = seat_core_sign_in(s->core, now_ms, s->row->admission_no, s->row->id_no, session);
    if (err != EXAM_OK)
        bench_fail(r->bench, s->row->seat, exam_err_text(err));
}

static void all_begin(struct bench *b)
{
    b->phase = PHASE_WARMING;
    b->phase_ns = boot_clock_ns();
    for (uint32_t i = 0; i < swarm_seats(b->swarm); i++)
        swarm_seat_wake(swarm_seat_at(b->swarm, i));
}

static void on_act(struct swarm_seat *s, uint64_t now_ms)
{
    struct bench_seat *r = s->user;
    struct bench *b = r->bench;
    if (!r->asked)
        sign_in(s, now_ms);
    if (r->fetch_due && seat_core_fetch_paper(s->core, now_ms) == EXAM_OK)
        r->fetch_due = false;
    if (!r->ready && r->paper != NULL && seat_core_state(s->core) == SEAT_ANSWERING) {
        r->ready = true;
        if (++b->ready_n == swarm_seats(b->swarm))
            all_begin(b);
    }
    if (b->phase != PHASE_PREPARING && b->phase != PHASE_OVER && r->seq == 0 && r->ready)
        answer_make(s, now_ms);
}

static uint64_t on_wake_ms(const struct swarm_seat *s)
{
    (void)s;
    return UINT64_MAX;
}

/* ---------------------------------------------------------------- the window */

static void window_begin(struct bench *b, uint64_t now_ns)
{
    hist_reset(&b->latency);
    b->phase = PHASE_MEASURING;
    b->phase_ns = now_ns;
    b->cpu_s = cpu_now_s();
    puts("BEGIN");
    fflush(stdout);
}

static void window_end(struct bench *b, uint64_t now_ns)
{
    b->phase = PHASE_OVER;
    b->window_ns = now_ns - b->phase_ns;
    b->cpu_s = cpu_now_s() - b->cpu_s;
    puts("END");
    fflush(stdout);
    swarm_stop(b->swarm);
}

static void on_beat(void *user, uint64_t now_ms)
{
    struct bench *b = user;
    uint64_t now_ns = boot_clock_ns();
    (void)now_ms;
    if (b->phase == PHASE_PREPARING && now_ns - b->opened_ns > PREPARE_S_MAX * UINT64_C(1000000000))
        bench_fail(b, "-", "not all seats came to answer: is the batch running, has it so many?");
    if (b->phase == PHASE_WARMING && (double)(now_ns - b->phase_ns) >= b->options->warm_s * 1e9)
        window_begin(b, now_ns);
    else if (b->phase == PHASE_MEASURING &&
             (double)(now_ns - b->phase_ns) >= b->options->dur_s * 1e9)
        window_end(b, now_ns);
}

/* ---------------------------------------------------------------- the whole */

static void journals_dir_remove(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    if (d == NULL)
        return;
    while ((e = readdir(d)) != NULL)
        unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
    rmdir(path);
}

static const char *journals_dir_make(struct bench *b)
{
    if (b->options->journals_dir != NULL)
        return b->options->journals_dir;
    strcpy(b->journals_dir, "/dev/shm/seatsim-XXXXXX");
    if (mkdtemp(b->journals_dir) == NULL) {
        fprintf(stderr, "seatsim: no folder on /dev/shm (%s): name one with --journals\n",
                strerror(errno));
        b->journals_dir[0] = '\0';
        return NULL;
    }
    return b->journals_dir;
}

static exam_err seats_prepare(struct bench *b)
{
    uint32_t seats_n = swarm_seats(b->swarm);
    b->seat = calloc(seats_n, sizeof *b->seat);
    if (b->seat == NULL)
        return EXAM_NOMEM;
    for (uint32_t i = 0; i < seats_n; i++) {
        b->seat[i].bench = b;
        b->seat[i].item = i;
        swarm_seat_at(b->swarm, i)->user = &b->seat[i];
    }
    return EXAM_OK;
}

static exam_err bench_open(struct bench *b)
{
    char why[300] = "";
    exam_err err = roster_read(b->options->roster_path, &b->roster, why, sizeof why);
    if (err != EXAM_OK) {
        fprintf(stderr, "seatsim: %s: %s\n", b->options->roster_path, why);
        return err;
    }
    if (b->options->seats_n == 0 || b->options->seats_n > b->roster.n) {
        fprintf(stderr, "seatsim: %s has %u candidates, -W asks for %u\n", b->options->roster_path,
                b->roster.n, b->options->seats_n);
        return EXAM_INVALID;
    }
    rng_init(&b->rng, b->options->seed);
    for (size_t i = 0; i + 1 < sizeof b->value; i++)
        b->value[i] = (char)('A' + rng_below(&b->rng, 26));
    const char *journals_dir = journals_dir_make(b);
    if (journals_dir == NULL)
        return EXAM_IO;
    struct swarm_config c = {.nodes = b->options->nodes,
                             .roster = &b->roster,
                             .seats_n = b->options->seats_n,
                             .journals_dir = journals_dir,
                             .keys_dir = b->options->keys_dir,
                             .seed = b->options->seed,
                             .behaviour = {on_event, on_act, on_wake_ms, on_beat, NULL, b}};
    err = swarm_open(&c, &b->swarm);
    return err == EXAM_OK ? seats_prepare(b) : err;
}

static uint64_t quantile_us(const struct bench *b, double q)
{
    return hist_quantile(&b->latency, q) / 1000;
}

static void report(const struct bench *b)
{
    const struct hist *h = &b->latency;
    double seconds = (double)b->window_ns / 1e9;
    printf("RESULT %" PRIu64 " %.3f %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
           " %.3f\n",
           h->count, seconds, quantile_us(b, 0.5), quantile_us(b, 0.99), quantile_us(b, 0.999),
           h->value_max / 1000, b->errors, b->cpu_s);
    printf("%u seats, %u-byte answers, journals in %s: %.0f acknowledgements/s, all %s; p50 %.2f "
           "ms, p99 %.2f ms, p99.9 %.2f ms, max %.2f ms; generator %.2f CPU s per 100,000 (seed "
           "%" PRIu64 ")\n",
           b->options->seats_n, b->options->value_bytes,
           b->journals_dir[0] ? "/dev/shm (memory), written and flushed" : b->options->journals_dir,
           (double)h->count / seconds,
           b->options->mixed  ? "durable"
           : b->options->solo ? "solo"
                              : "dual",
           (double)hist_quantile(h, 0.5) / 1e6, (double)hist_quantile(h, 0.99) / 1e6,
           (double)hist_quantile(h, 0.999) / 1e6, (double)h->value_max / 1e6,
           h->count ? b->cpu_s * 1e5 / (double)h->count : 0, b->options->seed);
}

static void bench_free(struct bench *b)
{
    for (uint32_t i = 0; b->seat != NULL && i < swarm_seats(b->swarm); i++)
        paper_copy_drop(&b->seat[i].copy);
    free(b->seat);
    swarm_close(b->swarm);
    paper_shelf_free(&b->shelf);
    roster_free(&b->roster);
    if (b->journals_dir[0] != '\0')
        journals_dir_remove(b->journals_dir);
    free(b);
}

static int bench_end(const struct bench *b, bool signalled)
{
    if (b->failure[0] != '\0') {
        fprintf(stderr, "seatsim: %s\n", b->failure);
        return EXIT_FAILURE;
    }
    if (signalled || b->phase != PHASE_OVER) {
        fprintf(stderr, "seatsim: interrupted\n");
        return EXIT_FAILURE;
    }
    if (b->other_durability > 0) {
        fprintf(stderr, "seatsim: %" PRIu64 " acknowledgements were %s, not %s: no figures. %s\n",
                b->other_durability, b->options->solo ? "dual" : "solo",
                b->options->solo ? "solo" : "dual",
                b->options->solo ? "Leave --solo out, or stop the standby."
                                 : "Wait for the standby, or measure one node with --solo.");
        return EXIT_FAILURE;
    }
    report(b);
    return b->latency.count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int bench_seats(const struct bench_options *o)
{
    struct bench *b = calloc(1, sizeof *b);
    if (b == NULL)
        return EX_OSERR;
    b->options = o;
    b->opened_ns = boot_clock_ns();
    int code = EX_UNAVAILABLE;
    if (bench_open(b) == EXAM_OK) {
        bool signalled = swarm_run(b->swarm);
        code = bench_end(b, signalled);
    }
    bench_free(b);
    return code;
}
