/* test_replay_proof.c - the logs of all drills are proven, and give the accounts that the nodes
 * gave; and what a log or its tables may not be is found. */
#include "replay_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "admin_views.h"
#include "node.h"
#include "story.h"
#include "stage.h"

/* ---------------------------------------------------------------- every drill */

static void assert_holds(const struct proof *p, const char *node)
{
    if (proof_holds(p))
        return;
    proof_print_verdict(p, stdout);
    proof_print_details(p, stdout);
    fail_msg("the log of node %s is not proven", node);
}

/* The replay's state is the node's, byte for byte; a node that is off has no state to compare. */
static void assert_same_state(const struct proof *p, const struct node *n)
{
    uint8_t digest[HASH_BYTES];
    if (!n)
        return;
    exam_digest(node_exam(n), digest);
    assert_memory_equal(p->digest, digest, HASH_BYTES);
}

static void look_at_all(void *ctx, struct stage *s)
{
    uint64_t *records = ctx;
    for (uint32_t i = 0; i < world_nodes(s->w); i++) {
        struct proved p;
        if (store_image_records(world_disk(s->w, i), false) == 0)
            continue;
        fixture_prove(&p, world_disk(s->w, i));
        assert_holds(&p.proof, world_node_name(s->w, i));
        assert_same_state(&p.proof, world_node(s->w, i));
        *records += p.proof.reader.replay.lsn;
        fixture_unprove(&p);
    }
}

static void prove_drill(const char *name)
{
    uint64_t records = 0;
    fixture_play_file(name, look_at_all, &records);
    assert_true(records > 0);
}

/* D4, D8: what every node of every drill has on its disk is proven, and its digest is the node's.
 */
static void test_replay_proof__all_drills_are_proven(void **state)
{
    (void)state;
    fixture_each_drill(prove_drill);
}

/* ---------------------------------------------------------------- dead branches */

static void look_at_branch(void *ctx, struct stage *s)
{
    struct proved p;
    (void)ctx;
    fixture_prove(&p, world_disk(s->w, 0)); /* A was cut off, and came back */
    assert_true(proof_holds(&p.proof));
    assert_int_equal(p.proof.branches_n, 1);
    const struct branch *b = &p.proof.branches[0];
    assert_int_equal(b->parent, 0);
    assert_int_equal(b->epoch, 1);
    assert_int_equal(b->records, store_image_records(world_disk(s->w, 0), true));
    assert_int_equal(b->last_lsn, b->first_lsn + b->records - 1);
    assert_int_equal(b->acts, 2); /* the answers q2 and q3 */
    assert_int_equal(b->recovered, b->acts);
    fixture_unprove(&p);
}

/* W5, A3: the branch is placed where it left the log, and all of it is accounted for there. */
static void test_replay_proof__a_dead_branch_is_placed_and_accounted_for(void **state)
{
    (void)state;
    fixture_play_file("08-moved-seat-and-dead-branch.drill", look_at_branch, NULL);
}

/* ---------------------------------------------------------------- one account */

#define PAUSED                                                                                     \
    "nodes A B\n"                                                                                  \
    "batch B1 allot 60:00\n"                                                                       \
    "room R1 seats 2\n"                                                                            \
    "sitting 1001 batch B1 seat R1-01\n"                                                           \
    "sitting 1002 batch B1 seat R1-02\n"                                                           \
    "0:00     start B1\n"                                                                          \
    "0:00     sign-in 1001\n"                                                                      \
    "0:00     sign-in 1002\n"                                                                      \
    "0:10     pause R1\n"                                                                          \
    "0:15.250 resume R1\n"                                                                         \
    "0:20.700 seat-dies R1-01\n"                                                                   \
    "0:30     seat-boots R1-01\n"                                                                  \
    "0:35     grant 1001 5:00 noise\n"                                                             \
    "0:40     expect sitting 1001 lost 0:15.250\n"

static void note(void *ctx, const struct replay *p, const struct replay_record *at)
{
    story_note(ctx, p, at);
}

static uint64_t lost_ms(const exam *x, uint32_t sitting)
{
    struct exam_account a;
    exam_sitting_account(x, sitting, exam_last_ms(x), &a);
    return a.lost_ms;
}

/* T14: each interruption has the record that booked it; a pause names who paused, a seat's death
 * the rule; the other candidate's news are not in it. */
static void test_replay_proof__a_story_says_who_decided(void **state)
{
    (void)state;
    store_image *image = fixture_disk_of_text(PAUSED, 0);
    struct log_reader r;
    const struct filter filter = {.sitting = "1001"};
    struct story s = {.filter = &filter};
    const struct replay_hooks hooks = {.ctx = &s, .seen = note};
    struct exam_interruption_view in;
    char decided[STORY_TEXT_BYTES];
    store *st;
    uint32_t sitting;
    assert_int_equal(store_open_image(image, &st), EXAM_OK);
    log_reader_take(&r, "disk", st, &fixture_options);
    assert_int_equal(log_reader_show(&r, UINT64_MAX, &hooks), EXIT_CODE_DONE);
    assert_int_equal(exam_find_sitting(r.replay.x, "1001", &sitting), EXAM_OK);
    assert_int_equal(s.of[sitting - 1].n, 2);
    assert_int_equal(exam_interruption_at(r.replay.x, sitting, 0, &in), EXAM_OK);
    assert_int_equal(in.lost_ms, 5250);
    story_decided(&s, r.replay.x, sitting, 0, &in, decided);
    assert_non_null(strstr(decided, "room R1 is PAUSED"));
    assert_non_null(strstr(decided, "room R1 goes on"));
    uint64_t pause_ms = in.lost_ms;
    assert_int_equal(exam_interruption_at(r.replay.x, sitting, 1, &in), EXAM_OK);
    story_decided(&s, r.replay.x, sitting, 1, &in, decided);
    assert_non_null(strstr(decided, "by rule"));
    assert_int_equal(pause_ms + in.lost_ms, lost_ms(r.replay.x, sitting));
    for (size_t i = 0; i < s.acts_n; i++)
        assert_null(strstr(s.acts[i].text, "1002 "));
    story_fini(&s);
    log_reader_close(&r);
    store_image_free(image);
}

/* ---------------------------------------------------------------- what does not fit */

#define SHORT                                                                                      \
    "nodes A B\n"                                                                                  \
    "batch B1 allot 60:00\n"                                                                       \
    "room R1 seats 1\n"                                                                            \
    "sitting 1001 batch B1 seat R1-01\n"                                                           \
    "0:00 start B1\n"                                                                              \
    "0:00 sign-in 1001\n"                                                                          \
    "0:02 answer 1001 q1 A\n"                                                                      \
    "0:04 battery-low B\n"

/* It went down in order: its tables stand for the log's end. */
enum { DOWN = 1 };

/* A store on which a test may do what no node does; proven and closed by prove_changed. */
static store *change(const store_image *image, store_image **copy)
{
    store *s;
    assert_int_equal(store_image_clone(image, copy), EXAM_OK);
    assert_int_equal(store_open_image(*copy, &s), EXAM_OK);
    store_begin(s);
    return s;
}

static void assert_found(store *s, store_image *copy, uint64_t lsn, const char *text)
{
    struct proof p;
    assert_int_equal(store_commit(s), EXAM_OK);
    proof_make_of(&p, "disk", s, &fixture_options);
    assert_false(proof_holds(&p));
    const struct finding *f = &p.reader.findings.kept[0];
    assert_int_equal(f->lsn, lsn);
    if (!strstr(f->text, text))
        fail_msg("found '%s', not '%s'", f->text, text);
    proof_free(&p);
    store_image_free(copy);
}

static void append(store *s, uint64_t epoch, const Ev__Event *event)
{
    uint8_t value[RECORD_BYTES_MAX];
    struct position last = store_last(s);
    struct record r = {.lsn = last.lsn + 1,
                       .epoch = epoch,
                       .at_ms = 3600 * 1000,
                       .event = value + RECORD_HEADER_BYTES,
                       .event_bytes = codec_event_bytes(event)};
    codec_event_pack(event, value + RECORD_HEADER_BYTES);
    record_seal(&r, last.hash, value);
    store_append(s, r.lsn, value, RECORD_HEADER_BYTES + r.event_bytes);
}

/* D4: a record that continues the chain, and yet no node can have decided: it names a sitting that
 * there is not, an epoch that has not begun, or one that has. */
static void test_replay_proof__what_no_node_decided_is_found(void **state)
{
    (void)state;
    store_image *image = fixture_disk_of_text(SHORT, DOWN), *copy;
    Ev__Event event = EV__EVENT__INIT;
    Ev__Detached detached = EV__DETACHED__INIT;
    Ev__EpochBegan began = EV__EPOCH_BEGAN__INIT;
    store *s = change(image, &copy);
    uint64_t next = store_last(s).lsn + 1, epoch = store_last(s).epoch;
    event.kind_case = EV__EVENT__KIND_DETACHED;
    event.detached = &detached;
    detached.sitting = 99;
    append(s, epoch, &event);
    assert_found(s, copy, next, "does not fit what came before it");

    s = change(image, &copy);
    detached.sitting = 1;
    append(s, epoch + 1, &event);
    assert_found(s, copy, next, "in epoch");

    s = change(image, &copy);
    event.kind_case = EV__EVENT__KIND_EPOCH_BEGAN;
    event.epoch_began = &began;
    began.epoch = epoch;
    began.node = (char[]){"A"};
    began.reason = EV__EPOCH_REASON__EPOCH_REASON_RESTARTED;
    append(s, epoch, &event);
    assert_found(s, copy, next, "begins epoch");
    store_image_free(image);
}

/* ---------------------------------------------------------------- the tables */

struct entry_copy {
    uint8_t key[64], value[4096];
    size_t key_bytes, value_bytes;
    uint8_t kind; /* wanted */
};

static exam_err take_entry(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                           size_t value_bytes)
{
    struct entry_copy *c = ctx;
    if (key[0] != c->kind || value_bytes > sizeof c->value)
        return EXAM_OK;
    memcpy(c->key, key, key_bytes);
    memcpy(c->value, value, value_bytes);
    c->key_bytes = key_bytes;
    c->value_bytes = value_bytes;
    return EXAM_AGAIN;
}

enum { KIND_ACCOUNT = 7 };

static void find_account(store *s, struct entry_copy *c)
{
    *c = (struct entry_copy){.kind = KIND_ACCOUNT};
    assert_int_equal(store_read_table(s, STORE_STATE, "", 0, take_entry, c), EXAM_AGAIN);
}

/* The tables are never believed: a changed, a missing and an additional entry are found. */
static void test_replay_proof__tables_that_say_something_else_are_found(void **state)
{
    (void)state;
    store_image *image = fixture_disk_of_text(SHORT, DOWN), *copy;
    struct entry_copy c;
    store *s = change(image, &copy);
    find_account(s, &c);
    c.value[c.value_bytes / 2] ^= 1;
    store_put(s, STORE_STATE, c.key, c.key_bytes, c.value, c.value_bytes);
    assert_found(s, copy, 0, "the account of sitting 1001 is not what the log says");

    s = change(image, &copy);
    store_del(s, STORE_STATE, c.key, c.key_bytes);
    assert_found(s, copy, 0, "the account of sitting 1001 is not there");

    s = change(image, &copy);
    c.key[1] = 9;
    store_put(s, STORE_STATE, c.key, c.key_bytes, c.value, c.value_bytes);
    assert_found(s, copy, 0, "entries, the log accounts for");
    store_image_free(image);
}

/* W1: nor are the node's notes of where its epochs begin. */
static void test_replay_proof__notes_of_epochs_are_compared(void **state)
{
    (void)state;
    store_image *image = fixture_disk_of_text(SHORT, DOWN), *copy;
    char key[] = "epoch/\0\0\0\0\0\0\0\1";
    uint8_t value[8 + HASH_BYTES + 1];
    const uint8_t *stored;
    size_t n;
    store *s = change(image, &copy);
    assert_int_equal(store_get(s, STORE_META, key, sizeof key - 1, &stored, &n), EXAM_OK);
    assert_int_equal(n, sizeof value);
    memcpy(value, stored, n);
    value[7]++; /* the first LSN */
    store_put(s, STORE_META, key, sizeof key - 1, value, sizeof value);
    assert_found(s, copy, 0, "note of epoch 1 (record 3) is not what the log says");

    s = change(image, &copy);
    store_del(s, STORE_META, key, sizeof key - 1);
    assert_found(s, copy, 0, "has noted 0 epochs, and the log has 1");
    store_image_free(image);
}

/* Section 5: an end of the exam at an instant up to which nothing is accounted for. */
static void test_replay_proof__an_account_that_does_not_add_up_is_found(void **state)
{
    (void)state;
    store_image *image = fixture_disk_of_text(SHORT, DOWN), *copy;
    Ev__Event event = EV__EVENT__INIT;
    Ev__Finished finished = EV__FINISHED__INIT;
    uint32_t sitting[] = {1};
    uint64_t used_ms[] = {6000}, at_ms[] = {3000 * 1000};
    store *s = change(image, &copy);
    event.kind_case = EV__EVENT__KIND_FINISHED;
    event.finished = &finished;
    finished.finish = EV__FINISH__FINISH_TIMED_OUT;
    finished.n_sitting = finished.n_used_ms = finished.n_at_ms = 1;
    finished.sitting = sitting;
    finished.used_ms = used_ms;
    finished.at_ms = at_ms;
    append(s, store_last(s).epoch, &event);
    assert_found(s, copy, 0, "ms since its begin are not used");
    store_image_free(image);
}

/* D8: an end that was removed leaves the tables ahead of the log. */
static void test_replay_proof__a_removed_end_is_found_by_the_tables(void **state)
{
    (void)state;
    store_image *image = fixture_disk_of_text(SHORT, DOWN), *copy;
    store *s = change(image, &copy);
    store_cut(s, store_last(s).lsn - 3);
    assert_found(s, copy, 0, "its end was removed");
    store_image_free(image);
}

/* ---------------------------------------------------------------- two folders */

#define PARTED                                                                                     \
    "nodes A B\n"                                                                                  \
    "batch B1 allot 60:00\n"                                                                       \
    "room R1 seats 2\n"                                                                            \
    "sitting 1001 batch B1 seat R1-01\n"                                                           \
    "0:00 start B1\n"                                                                              \
    "0:00 sign-in 1001\n"                                                                          \
    "0:05 cut A B\n"                                                                               \
    "0:20 cut R1-01 A\n"                                                                           \
    "0:20 promote B attest\n"                                                                      \
    "0:30 answer 1001 q1 A\n"

struct two {
    char folder[2][FIXTURE_PATH_BYTES];
    uint64_t records[2], common;
};

static void make_folders(void *ctx, struct stage *s)
{
    struct two *t = ctx;
    struct record r[2];
    for (uint32_t i = 0; i < 2; i++) {
        fixture_folder_make(world_disk(s->w, i), t->folder[i]);
        t->records[i] = store_image_records(world_disk(s->w, i), false);
    }
    for (t->common = 0; t->common < t->records[0] && t->common < t->records[1]; t->common++) {
        for (uint32_t i = 0; i < 2; i++)
            store_image_record_at(world_disk(s->w, i), false, (size_t)t->common, &r[i]);
        if (memcmp(r[0].hash, r[1].hash, HASH_BYTES) != 0)
            return;
    }
}

/* Runs the program on both, in JSON; the exit code must be this one. */
static json_t *verify_both(const struct two *t, int expected)
{
    char command[4 * FIXTURE_PATH_BYTES];
    snprintf(command, sizeof command, "%s verify --json %s %s", EXAMREPLAY_PATH, t->folder[0],
             t->folder[1]);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    json_t *j = json_loadf(f, 0, NULL);
    int status = pclose(f);
    assert_int_equal(WEXITSTATUS(status), expected);
    assert_non_null(j);
    return j;
}

static json_int_t number(const json_t *j, const char *key)
{
    return json_integer_value(json_object_get(j, key));
}

/* Both are proven, and yet they part: where, and how many records only one has. */
static void test_replay_proof__two_logs_part_where_they_part(void **state)
{
    (void)state;
    struct two t;
    fixture_play_text(PARTED, make_folders, &t);
    assert_true(t.common > 0 && t.common < t.records[0] && t.common < t.records[1]);
    json_t *j = verify_both(&t, EXIT_WRONG);
    const json_t *c = json_object_get(j, "comparison"), *only = json_object_get(c, "only");
    assert_true(json_is_true(json_object_get(c, "part")));
    assert_int_equal(number(c, "common_lsn"), t.common);
    for (size_t i = 0; i < 2; i++) {
        const json_t *folder = json_array_get(json_object_get(j, "folders"), i);
        assert_true(json_is_true(json_object_get(folder, "proven")));
        assert_int_equal(json_integer_value(json_array_get(only, i)), t.records[i] - t.common);
        fixture_folder_remove(t.folder[i]);
    }
    json_decref(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay_proof__all_drills_are_proven),
        cmocka_unit_test(test_replay_proof__a_dead_branch_is_placed_and_accounted_for),
        cmocka_unit_test(test_replay_proof__a_story_says_who_decided),
        cmocka_unit_test(test_replay_proof__what_no_node_decided_is_found),
        cmocka_unit_test(test_replay_proof__tables_that_say_something_else_are_found),
        cmocka_unit_test(test_replay_proof__notes_of_epochs_are_compared),
        cmocka_unit_test(test_replay_proof__an_account_that_does_not_add_up_is_found),
        cmocka_unit_test(test_replay_proof__a_removed_end_is_found_by_the_tables),
        cmocka_unit_test(test_replay_proof__two_logs_part_where_they_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
