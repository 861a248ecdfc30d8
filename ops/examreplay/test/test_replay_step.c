/* test_replay_step.c - the view that steps through a log: moves, what is drawn, and the program
 * itself, driven through a pseudo-terminal. */
#include "replay_fixture.h"

#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "step_model.h"

/* ---------------------------------------------------------------- moves */

static void test_step__moves_lead_to_neighbours_or_nowhere(void **state)
{
    uint64_t news[] = {3, 7, 20}, own[] = {5, 6};
    struct step s = {.last_lsn = 30, .news = {.list = news, .n = 3}, .own = {.list = own, .n = 2}};
    (void)state;
    assert_int_equal(step_target(&s, STEP_NEXT, 1), 2);
    assert_int_equal(step_target(&s, STEP_NEXT, 30), 30);
    assert_int_equal(step_target(&s, STEP_PREVIOUS, 1), 1);
    assert_int_equal(step_target(&s, STEP_NEXT_NEWS, 3), 7);
    assert_int_equal(step_target(&s, STEP_NEXT_NEWS, 20), 20);
    assert_int_equal(step_target(&s, STEP_PREVIOUS_NEWS, 7), 3);
    assert_int_equal(step_target(&s, STEP_PREVIOUS_NEWS, 3), 3);
    assert_int_equal(step_target(&s, STEP_NEXT_INCIDENT, 9), 9);
    assert_int_equal(step_target(&s, STEP_FIRST, 9), 1);
    assert_int_equal(step_target(&s, STEP_LAST, 9), 30);
    s.followed = 1; /* then records are the candidate's */
    assert_int_equal(step_target(&s, STEP_NEXT, 1), 5);
    assert_int_equal(step_target(&s, STEP_PREVIOUS, 30), 6);
    assert_int_equal(step_target(&s, STEP_NEXT, 6), 6);
}

/* ---------------------------------------------------------------- what is drawn */

#define SITE                                                                                       \
    "nodes A B\n"                                                                                  \
    "batch B1 allot 60:00\n"                                                                       \
    "room R1 seats 2\n"                                                                            \
    "room R2 seats 1\n"                                                                            \
    "sitting 1001 batch B1 seat R1-01\n"                                                           \
    "sitting 1002 batch B1 seat R2-01\n"                                                           \
    "0:00     start B1\n"                                                                          \
    "0:00     sign-in 1001\n"                                                                      \
    "0:10     pause R1\n"                                                                          \
    "0:20     expect sitting 1001 used 0:10\n"

enum { ROWS = 12, COLUMNS = 80 };

struct drawn {
    char rows[ROWS][4 * COLUMNS];
    enum step_look looks[ROWS];
    bool marked[ROWS];
};

static void take(void *ctx, int row, int column, enum step_look look, bool marked, const char *text)
{
    struct drawn *d = ctx;
    assert_true(row >= 0 && row < ROWS && column >= 0 && column < COLUMNS);
    size_t n = strlen(d->rows[row]);
    snprintf(d->rows[row] + n, sizeof d->rows[row] - n, "%s%s", n > 0 ? "|" : "", text);
    if (column == 0) {
        d->looks[row] = look;
        d->marked[row] = marked;
    }
}

struct watching {
    struct step step;
    struct roles roles;
    struct event_words words;
};

static void watch(void *ctx, const struct replay *p, const struct replay_record *at)
{
    struct watching *w = ctx;
    roles_note(&w->roles, at);
    event_tell(p->x, at->event, &w->words);
    step_note(&w->step, at, w->words.kind);
}

static void assert_row(const struct drawn *d, int row, const char *text)
{
    if (!strstr(d->rows[row], text))
        fail_msg("row %d is '%s', not '%s'", row, d->rows[row], text);
}

/* A room as a map, each seat with its state and clock; the followed candidate is marked. */
static void test_step__a_room_is_drawn_as_it_was(void **state)
{
    (void)state;
    store_image *image = fixture_disk_of_text(SITE, 0);
    static struct watching w;
    static struct drawn d;
    struct replay p;
    struct findings findings = {.n = 0};
    store *s;
    const struct replay_hooks hooks = {.ctx = &w, .seen = watch};
    const struct step_canvas canvas = {.rows = ROWS, .columns = COLUMNS, .ctx = &d, .put = take};
    assert_int_equal(store_open_image(image, &s), EXAM_OK);
    replay_open(&p, s, &findings, fixture_options.reached);
    assert_int_equal(replay_to(&p, UINT64_MAX, &hooks), EXAM_OK);
    step_room(&w.step, p.x, false);
    assert_string_equal(w.step.room, "R1");
    assert_int_equal(exam_find_sitting(p.x, "1001", &w.step.followed), EXAM_OK);
    const struct step_view view = {.x = p.x,
                                   .roles = &w.roles,
                                   .lsn = p.lsn,
                                   .site_ms = exam_last_ms(p.x),
                                   .wall_ms = p.wall_ms,
                                   .text = w.words.text};
    step_draw(&w.step, &view, &canvas);
    assert_row(&d, 0, "record");
    assert_row(&d, 2, "A serves, epoch 1, dual");
    assert_row(&d, 4, "Room R1");
    assert_row(&d, 5, "01    59:50 P|02");
    assert_int_equal(d.looks[5], STEP_PAUSED);
    assert_true(d.marked[5]);
    assert_row(&d, ROWS - 2, "used 0:10  left 59:50  lost 0:00");
    step_room(&w.step, p.x, false);
    assert_string_equal(w.step.room, "R2");
    step_room(&w.step, p.x, false); /* it is the last one */
    assert_string_equal(w.step.room, "R2");
    step_room(&w.step, p.x, true);
    assert_string_equal(w.step.room, "R1");
    step_room(&w.step, p.x, true);
    assert_string_equal(w.step.room, "R1");
    step_fini(&w.step);
    roles_fini(&w.roles);
    replay_close(&p);
    store_close(s);
    store_image_free(image);
}

/* ---------------------------------------------------------------- the program */

enum { PATIENCE_MS = 60 * 1000, SCREEN_BYTES = 1 << 16 };

struct terminal {
    int fd;
    pid_t pid;
    char screen[SCREEN_BYTES]; /* all that came since the last key */
    size_t n;
};

static void terminal_open(struct terminal *t, const char *folder)
{
    const struct winsize size = {.ws_row = 24, .ws_col = 100};
    *t = (struct terminal){.fd = -1};
    t->pid = forkpty(&t->fd, NULL, NULL, &size);
    assert_true(t->pid >= 0);
    if (t->pid == 0) {
        (void)setenv("TERM", "vt100", 1);
        execl(EXAMREPLAY_PATH, "examreplay", "step", folder, (char *)NULL);
        _exit(127);
    }
}

static uint64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void await(struct terminal *t, const char *text)
{
    uint64_t until_ms = now_ms() + PATIENCE_MS;
    while (!strstr(t->screen, text)) {
        struct pollfd p = {.fd = t->fd, .events = POLLIN};
        if (now_ms() > until_ms || t->n + 1 >= sizeof t->screen || poll(&p, 1, PATIENCE_MS) != 1)
            fail_msg("'%s' was not shown, but: %s", text, t->screen);
        ssize_t n = read(t->fd, t->screen + t->n, sizeof t->screen - 1 - t->n);
        if (n <= 0)
            fail_msg("'%s' was not shown before the end: %s", text, t->screen);
        for (ssize_t i = 0; i < n; i++) /* a text ends at a NUL */
            t->screen[t->n + (size_t)i] =
                t->screen[t->n + (size_t)i] ? t->screen[t->n + (size_t)i] : ' ';
        t->n += (size_t)n;
        t->screen[t->n] = '\0';
    }
}

/* ^L after them: the whole screen is drawn anew, so that what is awaited comes in one piece. */
static void keys(struct terminal *t, const char *text)
{
    t->n = 0;
    t->screen[0] = '\0';
    assert_int_equal(write(t->fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(write(t->fd, "\f", 1), 1);
}

static int terminal_end(struct terminal *t)
{
    char rest[512];
    int status;
    assert_int_equal(write(t->fd, "q", 1), 1);
    while (read(t->fd, rest, sizeof rest) > 0)
        ;
    assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
    close(t->fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Forward and back, to the news and back, to a moment, along one candidate. */
static void test_step__the_program_is_driven_by_keys(void **state)
{
    (void)state;
    char folder[FIXTURE_PATH_BYTES], last[64];
    struct terminal t;
    store_image *image = fixture_disk_of_text(SITE, 0);
    fixture_folder_make(image, folder);
    terminal_open(&t, folder);
    await(&t, "record 1 of");
    keys(&t, "l");
    await(&t, "record 2 of");
    keys(&t, "h");
    await(&t, "record 1 of");
    keys(&t, "h");
    await(&t, "nothing further that way");
    snprintf(last, sizeof last, "record %zu of", store_image_records(image, false));
    keys(&t, "$");
    await(&t, last);
    keys(&t, "N");
    await(&t, "room R1 is PAUSED");
    keys(&t, "g2\r");
    await(&t, "record 2 of");
    keys(&t, "gyesterday\r");
    await(&t, "that is no moment of this log");
    keys(&t, "$");
    await(&t, last);
    keys(&t, "f1001\r");
    await(&t, "used 0:10");
    keys(&t, "h");
    await(&t, "1001 at R1-01 is in contact");
    keys(&t, "fnobody\r");
    await(&t, "no candidate nobody");
    assert_int_equal(terminal_end(&t), 0);
    fixture_folder_remove(folder);
    store_image_free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step__moves_lead_to_neighbours_or_nowhere),
        cmocka_unit_test(test_step__a_room_is_drawn_as_it_was),
        cmocka_unit_test(test_step__the_program_is_driven_by_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
