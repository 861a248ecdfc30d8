/* Reading a UPS, from a upsd that is a thread of this test: it answers every line with what it is
 * told to, or not at all. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "ups.h"

enum { WAIT_S = 20, DESCRIPTORS = 1100, POLL_MS = 10 };

struct fixture {
    int listener;
    uint16_t port;
    pthread_t thread;
    atomic_bool stop, listening;
    _Atomic(const char *) answer; /* NULL: closes the connection instead */
    sem_t woken, asked;
    struct ups *ups;
};

/* ---------------------------------------------------------------- upsd */

static void connection_serve(struct fixture *f, int fd)
{
    while (!atomic_load(&f->stop)) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        char line[256];
        if (poll(&p, 1, 10) <= 0)
            continue;
        const char *answer = atomic_load(&f->answer);
        if (recv(fd, line, sizeof line, 0) <= 0 || !answer)
            return;
        sem_post(&f->asked);
        if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
            return;
    }
}

static void *upsd_run(void *ctx)
{
    struct fixture *f = ctx;
    while (!atomic_load(&f->stop)) {
        struct pollfd p = {.fd = f->listener, .events = POLLIN};
        if (atomic_load(&f->listening))
            (void)listen(f->listener, 4);
        if (poll(&p, 1, 10) <= 0 || !(p.revents & POLLIN))
            continue;
        int fd = accept(f->listener, NULL, NULL);
        if (fd < 0)
            continue;
        connection_serve(f, fd);
        close(fd);
    }
    return NULL;
}

static void on_wake(void *ctx)
{
    struct fixture *f = ctx;
    sem_post(&f->woken);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t n = sizeof address;
    if (!f)
        return -1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    f->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(f->listener, (struct sockaddr *)&address, n) ||
        getsockname(f->listener, (struct sockaddr *)&address, &n))
        return -1;
    f->port = ntohs(address.sin_port);
    sem_init(&f->woken, 0, 0);
    sem_init(&f->asked, 0, 0);
    atomic_store(&f->answer, "VAR ups ups.status \"OL CHRG\"\n");
    *state = f;
    return pthread_create(&f->thread, NULL, upsd_run, f);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    if (f->ups) {
        ups_close(f->ups);
        assert_true(ups_free(f->ups, WAIT_S * 1000));
    }
    atomic_store(&f->stop, true);
    pthread_join(f->thread, NULL);
    close(f->listener);
    sem_destroy(&f->woken);
    sem_destroy(&f->asked);
    free(f);
    return 0;
}

static void watch(struct fixture *f, uint16_t port, uint32_t poll_ms)
{
    const struct ups_options o = {.name = "ups",
                                  .host = "127.0.0.1",
                                  .port = port,
                                  .poll_ms = poll_ms,
                                  .wake = on_wake,
                                  .wake_ctx = f};
    assert_int_equal(ups_open(&o, &f->ups), EXAM_OK);
}

/* Waits for a reading in that state whose text has `text` in it. */
static void expect_reading(struct fixture *f, enum ups_state is, const char *text)
{
    struct ups_reading r = {.text = ""};
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    do {
        if (sem_timedwait(&f->woken, &until))
            fail_msg("no reading %d with '%s'; the last was %d '%s'", is, text, r.state, r.text);
        (void)ups_take(f->ups, &r);
    } while (r.state != is || !strstr(r.text, text));
}

/* ---------------------------------------------------------------- tests */

/* Each new status is handed over once, with the UPS's own words. */
static void test_ups__hands_over_each_change(void **state)
{
    struct fixture *f = *state;
    struct ups_reading r;
    atomic_store(&f->listening, true);
    watch(f, f->port, POLL_MS);
    expect_reading(f, UPS_MAINS, "ups@127.0.0.1: OL CHRG");
    assert_false(ups_take(f->ups, &r));
    atomic_store(&f->answer, "VAR ups ups.status \"OB DISCHRG\"\n");
    expect_reading(f, UPS_BATTERY, "OB DISCHRG");
    atomic_store(&f->answer, "VAR ups ups.status \"OB DISCHRG LB\"\n");
    expect_reading(f, UPS_BATTERY_LOW, "LB");
    atomic_store(&f->answer, "VAR ups ups.status \"OL\"\n");
    expect_reading(f, UPS_MAINS, "OL");
}

/* Stale data, a driver that is gone, a UPS of another name: unknown, each with its reason. */
static void test_ups__does_not_guess(void **state)
{
    struct fixture *f = *state;
    atomic_store(&f->listening, true);
    watch(f, f->port, POLL_MS);
    expect_reading(f, UPS_MAINS, "OL");
    atomic_store(&f->answer, "ERR DATA-STALE\n");
    expect_reading(f, UPS_UNKNOWN, "driver brings nothing: Data stale");
    atomic_store(&f->answer, "ERR DRIVER-NOT-CONNECTED\n");
    expect_reading(f, UPS_UNKNOWN, "Driver not connected");
    atomic_store(&f->answer, "ERR UNKNOWN-UPS\n");
    expect_reading(f, UPS_UNKNOWN, "Unknown UPS");
    atomic_store(&f->answer, "VAR ups ups.status \"OB\"\n");
    expect_reading(f, UPS_BATTERY, "OB");
}

/* A upsd that hangs up or talks nonsense is left and asked again. */
static void test_ups__asks_again(void **state)
{
    struct fixture *f = *state;
    atomic_store(&f->answer, NULL);
    atomic_store(&f->listening, true);
    watch(f, f->port, POLL_MS);
    expect_reading(f, UPS_UNKNOWN, "ups@127.0.0.1");
    atomic_store(&f->answer, "hello\n");
    expect_reading(f, UPS_UNKNOWN, "ups@127.0.0.1");
    atomic_store(&f->answer, "VAR ups ups.status \"OL\"\n");
    expect_reading(f, UPS_MAINS, "OL");
}

/* Nobody listens: unknown, and the text says so. */
static void test_ups__tells_that_nobody_answers(void **state)
{
    struct fixture *f = *state;
    watch(f, 1, POLL_MS);
    expect_reading(f, UPS_UNKNOWN, "upsd does not answer: Connection failure");
}

/* A process that has more than a thousand descriptors when upsd comes up still reads it: the
 * library's select() would break it. */
static void test_ups__needs_no_low_descriptor(void **state)
{
    struct fixture *f = *state;
    static int fds[DESCRIPTORS];
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < DESCRIPTORS + 64)
        skip();
    watch(f, f->port, 200); /* so that it has no descriptor open while these are opened */
    expect_reading(f, UPS_UNKNOWN, "upsd does not answer");
    for (int i = 0; i < DESCRIPTORS; i++) {
        fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(fds[i] >= 0);
    }
    atomic_store(&f->listening, true);
    expect_reading(f, UPS_MAINS, "OL");
    for (int i = 0; i < DESCRIPTORS; i++)
        close(fds[i]);
}

/* After the close no wake comes, though the UPS goes on talking. */
static void test_ups__is_silent_after_the_close(void **state)
{
    struct fixture *f = *state;
    atomic_store(&f->listening, true);
    watch(f, f->port, POLL_MS);
    expect_reading(f, UPS_MAINS, "OL");
    ups_close(f->ups);
    while (!sem_trywait(&f->woken))
        continue;
    atomic_store(&f->answer, "VAR ups ups.status \"OB\"\n");
    assert_true(ups_free(f->ups, WAIT_S * 1000));
    f->ups = NULL;
    assert_int_not_equal(sem_trywait(&f->woken), 0);
}

/* A upsd that takes the question and says nothing holds the thread: the end does not wait for it.
 */
static void test_ups_free__does_not_wait_for_a_frozen_upsd(void **state)
{
    struct fixture *f = *state;
    atomic_store(&f->answer, "");
    atomic_store(&f->listening, true);
    watch(f, f->port, POLL_MS);
    sem_wait(&f->asked);
    ups_close(f->ups);
    assert_false(ups_free(f->ups, 100));
    atomic_store(&f->stop, true); /* the connection is closed */
    assert_true(ups_free(f->ups, WAIT_S * 1000));
    f->ups = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ups__hands_over_each_change),
        TEST(test_ups__does_not_guess),
        TEST(test_ups__asks_again),
        TEST(test_ups__tells_that_nobody_answers),
        TEST(test_ups__needs_no_low_descriptor),
        TEST(test_ups__is_silent_after_the_close),
        TEST(test_ups_free__does_not_wait_for_a_frozen_upsd),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
