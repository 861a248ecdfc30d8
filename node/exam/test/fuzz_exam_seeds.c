/* fuzz_exam_seeds.c - writes what fuzz_exam begins with: the logs of whole days with everything
 * that may happen in them. Argument: a folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "seats.h"

static const struct site_plan PLAN = {.batch = "B1",
                                      .room = "R1",
                                      .room_seats = 6,
                                      .sittings = 4,
                                      .first_no = 1001,
                                      .items = 3,
                                      .allot_ms = MS(10, 0, 0)};

static void put_number(FILE *f, uint64_t v)
{
    fputc((int)(v >> 8 & 0xFF), f);
    fputc((int)(v & 0xFF), f);
}

static void write_log(const char *folder, const char *name, const struct site *t)
{
    char path[4096];
    uint64_t last_ms = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    for (size_t i = 0; i < t->log_n; i++) {
        const struct record *r = &t->log[i].r;
        put_number(f, r->event_bytes);
        put_number(f, r->at_ms > last_ms ? r->at_ms - last_ms : 0);
        assert_int_equal(fwrite(r->event, 1, r->event_bytes, f), r->event_bytes);
        last_ms = r->at_ms;
    }
    assert_int_equal(fclose(f), 0);
}

static void begin(struct seats *w, struct site **t)
{
    *t = site_new();
    site_plan_batch(*t, &PLAN);
    seats_init(w, *t, 4, 1001);
    seats_start(w, "B1");
    for (uint32_t no = 1001; no <= 1003; no++)
        seats_sign_in(w, no);
    seats_go(w, MS(0, 3, 0));
    seats_answer(w, 1001, "q1", "A");
}

/* Pauses, a grant, a move, a submission, a collection. */
static void write_acts(const char *folder)
{
    struct seats w;
    struct site *t;

    begin(&w, &t);
    assert_int_equal(seats_pause(&w, "site"), EXAM_OK);
    seats_go(&w, MS(0, 5, 0));
    assert_int_equal(seats_resume(&w, "site"), EXAM_OK);
    assert_int_equal(seats_grant(&w, "1002", MS(1, 0, 0)), EXAM_OK);
    seats_die(&w, 1003);
    seats_go(&w, MS(0, 40, 0));
    assert_int_equal(seats_move(&w, 1003, "R1-05"), EXAM_OK);
    seats_sign_in(&w, 1003);
    seats_submit(&w, 1001);
    seats_go(&w, MS(1, 0, 0));
    assert_int_equal(site_collect(t, "B1", true), EXAM_OK);
    write_log(folder, "acts", t);
    site_free(t);
}

/* A suspension, another epoch, time-outs, a second batch. */
static void write_epochs(const char *folder)
{
    struct site_plan second = PLAN;
    struct seats w;
    struct site *t;

    begin(&w, &t);
    assert_int_equal(seats_suspend(&w), EXAM_OK);
    seats_node_dies(&w);
    seats_go(&w, MS(0, 30, 0));
    seats_node_serves(&w, t, false);
    assert_int_equal(seats_unsuspend(&w, "B1"), EXAM_OK);
    seats_go(&w, MS(0, 33, 0));
    assert_int_equal(seats_postpone(&w, "B1"), EXAM_OK);
    second.batch = "B2";
    second.first_no = 2001;
    site_plan_batch(t, &second);
    write_log(folder, "epochs", t);
    site_free(t);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: fuzz_exam_seeds FOLDER\n");
        return 2;
    }
    write_acts(argv[1]);
    write_epochs(argv[1]);
    return 0;
}
