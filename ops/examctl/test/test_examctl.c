/* The program as its users see it: command line in, exit code, stdout and stderr out, against nodes
 * that are threads of this test. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "exam_err.h"
#include "fake_node.h"

enum { OUTPUT_BYTES = 64 * 1024, ARGS_MAX = 32 };

#define IMPORT_FILES                                                                               \
    "--rooms", SAMPLE_FOLDER "/rooms.csv", "--roster", SAMPLE_FOLDER "/roster.csv", "--paper",     \
        SAMPLE_FOLDER "/paper.json"

struct fixture {
    struct fake_node *fake;
    struct fake_seen seen;
    char nodes[32]; /* its address */
    char input[64]; /* stdin of the programs */
    char folder[32];
    char out[OUTPUT_BYTES];
    char err[OUTPUT_BYTES];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    if (f == NULL)
        return -1;
    strcpy(f->folder, "/tmp/test_examctl.XXXXXX");
    strcpy(f->input, "/dev/null");
    *state = f;
    return mkdtemp(f->folder) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char path[64];

    snprintf(path, sizeof path, "%s/out", f->folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/err", f->folder);
    unlink(path);
    if (rmdir(f->folder) != 0) /* so no test leaves a half-written file behind */
        return -1;
    free(f);
    return 0;
}

static void fake_begin(struct fixture *f, const struct fake_script *script)
{
    f->fake = fake_node_start(script);
    assert_non_null(f->fake);
    snprintf(f->nodes, sizeof f->nodes, "127.0.0.1:%u", fake_node_port(f->fake));
}

static void fake_end(struct fixture *f)
{
    fake_node_stop(f->fake, &f->seen);
    f->fake = NULL;
}

static void output_read(const char *path, char out[OUTPUT_BYTES])
{
    FILE *from = fopen(path, "r");
    size_t n;

    assert_non_null(from);
    n = fread(out, 1, OUTPUT_BYTES - 1, from);
    out[n] = '\0';
    fclose(from);
}

/* Runs a program; the words end with NULL. Returns its exit code. */
static int run_words(struct fixture *f, const char *const words[])
{
    char user[] = "USER=tester", locale[] = "LC_ALL=C.UTF-8", asan[] = "ASAN_OPTIONS=exitcode=99";
    char *const environment[] = {user, locale, asan, NULL};
    char path[2][64];
    posix_spawn_file_actions_t actions;
    char *argv[ARGS_MAX + 1] = {NULL};
    int status = 0;
    pid_t pid;

    for (int i = 0; words[i] != NULL; i++) {
        assert_true(i < ARGS_MAX);
        argv[i] = strdup(words[i]);
        assert_non_null(argv[i]);
    }
    snprintf(path[0], sizeof path[0], "%s/out", f->folder);
    snprintf(path[1], sizeof path[1], "%s/err", f->folder);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, f->input, O_RDONLY | O_NOCTTY, 0);
    for (int i = 0; i < 2; i++)
        posix_spawn_file_actions_addopen(&actions, i + 1, path[i], O_WRONLY | O_CREAT | O_TRUNC,
                                         0600);
    assert_int_equal(posix_spawn(&pid, words[0], &actions, NULL, argv, environment), 0);
    posix_spawn_file_actions_destroy(&actions);
    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    for (int i = 0; argv[i] != NULL; i++)
        free(argv[i]);
    output_read(path[0], f->out);
    output_read(path[1], f->err);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define run(f, ...) run_words(f, (const char *const[]){EXAMCTL_PATH, __VA_ARGS__, NULL})

/* Runs it against the fake node. */
#define run_at(f, ...) run(f, "--nodes", (f)->nodes, "--timeout", "5", __VA_ARGS__)

static void expect_text(const char *in, const char *text)
{
    if (strstr(in, text) == NULL)
        fail_msg("expected '%s' in: %s", text, in);
}

static const struct fake_script serving = {
    .node = "A", .role = ADMIN__ROLE__ROLE_PRIMARY, .epoch = 5};

/* ---------------------------------------------------------------- command line */

/* Help is there without any node, for all and for each command. */
static void test_examctl__teaches(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(run(f, "--help"), 0);
    expect_text(f->out, "examctl batch start B1");
    assert_int_equal(run(f, "import", "--help"), 0);
    expect_text(f->out, "--allot SPAN");
    assert_int_equal(run(f, "help", "promote"), 0);
    expect_text(f->out, "examctl promote B --attest");
    assert_int_equal(run(f, "batch", "collect", "-h"), 0);
    expect_text(f->out, "--unfinished");
    assert_int_equal(run(f, "site", "init", "--help"), 0);
    expect_text(f->out, "authority.key");
    assert_int_equal(run(f, "--version"), 0);
    expect_text(f->out, "examctl ");
}

/* A wrong command line is exit 2, nothing on stdout, and a hint on stderr. */
static void test_examctl__refuses_wrong_command_lines(void **state)
{
    static const struct {
        const char *words[9];
        const char *hint;
    } cases[] = {
        {{NULL}, "what is to be done?"},
        {{"frobnicate", NULL}, "no command `frobnicate`"},
        {{"batch", NULL},
         "`batch` needs list, start, status, collect, postpone, postponed or go-on behind"},
        {{"batch", "stop", "B1", NULL},
         "`batch` needs list, start, status, collect, postpone, postponed or go-on behind"},
        {{"status", NULL}, "--nodes"},
        {{"--nodes", "nowhere", "status", NULL}, "'nowhere' in the list of nodes"},
        {{"--nodes", "a:1,b:0", "status", NULL}, "'b:0' in the list of nodes"},
        {{"--nodes", "a:1", "status", "B1", NULL}, "'B1' is one word too many"},
        {{"--nodes", "a:1", "batch", "start", NULL}, "`start` needs ID"},
        {{"--nodes", "a:1", "batch", "start", "B/1", NULL}, "'B/1' is no name"},
        {{"--nodes", "a:1", "status", "--answers", NULL}, "`status` knows no --answers"},
        {{"--nodes", "a:1", "import", "--batch", "B1", NULL}, "`import` needs --rooms"},
        {{"--nodes", "a:1", "status", "--timeout", "0", NULL}, "--timeout '0'"},
        {{"--nodes", "a:1", "import", "--allot", "60", NULL}, "--allot '60' is no span"},
        {{"--nodes", "a:1", "import", "--entry", "10:30", NULL}, "--entry '10:30' is no date"},
        {{"--nodes", "a:1", "import", "--entry", "2026-05-16 10:30 h", NULL},
         "is no date and time"},
        {{"--nodes", "a:1", "import", "--timing", "mine", NULL}, "--timing 'mine'"},
        {{"--nodes", "a:1", "status", "--frob", NULL}, "--frob"},
        {{"site", "init", "--keys", "/k", "--node", "A", NULL}, "`site init` needs --rooms"},
        {{"site", "init", "--node", "A,B C", NULL}, "--node 'B C' is no name"},
        {{"site", "init", "--site", "12", "--keys=/k", "--rooms=r", "--node=A", "--person=p", NULL},
         "--site '12' is no site's id"},
        {{"site", "revoke", "seat", "R01-01", NULL}, "`site revoke` needs --keys"},
        {{"site", "revoke", "authority", "x", "--keys", "/k", NULL}, "'authority' has no keys"},
        {{"--nodes", "a:1", "status", "--key-file", "/k", NULL}, "go together"},
        {{"--nodes", "a:1", "unlock", NULL}, "`unlock` needs --data-key"},
        {{"--nodes", "a:1", "unlock", "--data-key", "/k", NULL}, "encrypted connection only"},
        {{"site", "data-key", "-o", "/k", NULL}, "`site data-key` needs --keys"},
        {{"--nodes", "A@:1", "status", NULL}, "'A@:1' in the list of nodes"},
        {{"site", "issue", "person", "li", "--keys=/k", "--role=king", NULL}, "'king' is no role"},
        {{"site", "issue", "person", "li", "--keys=/k", "--rooms=R 1", NULL}, "--rooms 'R 1'"},
        {{"site", "issue", "seat", "R01-01", "--keys=/k", "--role=office", NULL},
         "a role is a person's"},
        {{"site", "passwd", NULL}, "which key?"},
        {{"site", "passwd", "--authority-password-file", "/p", NULL},
         "`site passwd` knows no --authority-password-file"},
        {{"--nodes", "a:1", "confirm", NULL}, "`confirm` needs NO"},
        {{"--nodes", "a:1", "confirm", "x", NULL}, "'x' is no number"},
        {{"--nodes", "a:1", "pause", "R01", "--second", "k", NULL}, "`pause` knows no --second"},
        {{"verify", NULL}, "`verify` needs FOLDER"},
        {{"verify", "/a", "/b", "/c", NULL}, "'/c' is one word too many"},
        {{"verify", "/tmp", "/tmp", NULL}, "/tmp and /tmp are one folder"},
        {{"verify", "/a", "--roster", "/r", NULL}, "whose signature"},
        {{"--nodes", "a:1", "receipt", NULL}, "`receipt` needs SITTING"},
        {{"package", NULL}, "`package` needs make or inspect behind"},
        {{"package", "inspect", NULL}, "`inspect` needs FILE"},
        {{"package", "make", "--batch", "B1", NULL}, "`package make` needs --rooms"},
        {{"package", "inspect", "/p", "--roster", "/r", NULL}, "whose signature"},
        {{"--nodes", "a:1", "import", "--package", "/p", NULL}, "held against the site's roster"},
        {{"--nodes", "a:1", "import", "--package", "/p", "--rooms", "r", NULL},
         "`import` knows no --rooms"},
        {{"incident", NULL}, "`incident` needs list, open, note or close behind"},
        {{"--nodes", "a:1", "pause", NULL}, "`pause` needs SCOPE"},
        {{"--nodes", "a:1", "grant", "R01", NULL}, "`grant` needs [-]SPAN"},
        {{"--nodes", "a:1", "grant", "R01", "five", NULL}, "'five' is no span"},
        {{"--nodes", "a:1", "grant", "R01", "0:00", NULL}, "'0:00' is no span"},
        {{"--nodes", "a:1", "grant", "R01", "-5", NULL}, "'-5' is no span"},
        {{"--nodes", "a:1", "grant", "R01", "1:00", "-5:00", NULL}, "'-5:00' is one word too many"},
        {{"--nodes", "a:1", "grant", "R01", "-1:00", "-5:00", NULL}, "a second '-5:00'"},
        {{"--nodes", "a:1", "status", "-5:00", NULL}, "'-5:00' is one word too many"},
        {{"--nodes", "a:1", "move", "2026010001", NULL}, "`move` needs SEAT"},
        {{"--nodes", "a:1", "pause", "R01", NULL}, "give --reason TEXT"},
        {{"--nodes", "a:1", "pause", "R01", "--yes", NULL}, "give --reason TEXT"},
        {{"--nodes", "a:1", "violation", "2026010001", NULL}, "give --text TEXT"},
        {{"--nodes", "a:1", "incident", "open", "fire", "R01", NULL}, "'fire' is no kind"},
        {{"--nodes", "a:1", "incident", "close", "0", NULL}, "'0' is no number"},
        {{"--nodes", "a:1", "incident", "note", "4x", NULL}, "'4x' is no number"},
        {{"--nodes", "a:1", "sitting", "own-doing", "2026010001", "x", NULL}, "'x' is no number"},
        {{"--nodes", "a:1", "seats", "--room", "R 1", NULL}, "--room 'R 1' is no name"},
        {{"--nodes", "a:1", "batch", "postponed", "B1", "--new-batch", "../x", NULL},
         "--new-batch '../x' is no name"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *words[10] = {EXAMCTL_PATH};

        memcpy(words + 1, cases[i].words, sizeof cases[i].words);
        assert_int_equal(run_words(f, words), 2);
        expect_text(f->err, cases[i].hint);
        assert_string_equal(f->out, "");
    }
}

/* ---------------------------------------------------------------- looking */

/* Nodes that answer and nodes that do not stand in one table. */
static void test_examctl__status_shows_dead_nodes_too(void **state)
{
    struct fixture *f = *state;
    char nodes[64];

    fake_begin(f, &serving);
    snprintf(nodes, sizeof nodes, "%s,127.0.0.1:1", f->nodes);
    assert_int_equal(run(f, "--nodes", nodes, "status"), 0);
    expect_text(f->out, "primary");
    expect_text(f->out, "no answer");
    expect_text(f->out, "! 127.0.0.1:1: cannot connect");
    expect_text(f->out, "A serves alone");
    expect_text(f->out, "电工三级");
    fake_end(f);
}

/* JSON has the field names of the conversation, for scripts. */
static void test_examctl__status_as_json(void **state)
{
    struct fixture *f = *state;
    char nodes[64];
    json_t *root, *node;

    fake_begin(f, &serving);
    snprintf(nodes, sizeof nodes, "%s,127.0.0.1:1", f->nodes);
    assert_int_equal(run(f, "--nodes", nodes, "--json", "status", "--digest"), 0);
    fake_end(f);
    root = json_loads(f->out, 0, NULL);
    assert_non_null(root);
    node = json_array_get(json_object_get(root, "nodes"), 0);
    assert_string_equal(json_string_value(json_object_get(node, "node")), "A");
    assert_string_equal(json_string_value(json_object_get(node, "role")), "primary");
    assert_int_equal(json_integer_value(json_object_get(node, "epoch")), 5);
    assert_int_equal(json_integer_value(json_object_get(node, "durable_lsn")), 1234);
    assert_true(json_is_true(json_object_get(node, "solo")));
    assert_true(json_is_true(json_object_get(node, "reachable")));
    assert_int_equal(json_string_length(json_object_get(node, "state_digest")), 64);
    assert_int_equal(json_array_size(json_object_get(node, "batches")), 1);
    node = json_array_get(json_object_get(root, "nodes"), 1);
    assert_true(json_is_false(json_object_get(node, "reachable")));
    json_decref(root);
}

/* Nobody there, nobody serves, not founded: exit 69, and each has its own advice. */
static void test_examctl__tells_why_no_node_serves(void **state)
{
    const struct fake_script standby = {.node = "B", .role = ADMIN__ROLE__ROLE_STANDBY, .epoch = 5};
    const struct fake_script empty = {.node = "B", .role = ADMIN__ROLE__ROLE_EMPTY};
    struct fixture *f = *state;

    assert_int_equal(run(f, "--nodes", "127.0.0.1:1", "status"), 69);
    expect_text(f->err, "no node answers");
    fake_begin(f, &standby);
    assert_int_equal(run_at(f, "batch", "start", "B1"), 69);
    expect_text(f->err, "examctl promote NODE");
    fake_end(f);
    assert_int_equal(f->seen.starts, 0);
    fake_begin(f, &empty);
    assert_int_equal(run_at(f, "batch", "list"), 69);
    expect_text(f->err, "examctl found");
    fake_end(f);
}

/* Of two nodes that say they serve, the one with the higher epoch is asked (W1), with a warning. */
static void test_examctl__asks_the_primary_with_the_higher_epoch(void **state)
{
    const struct fake_script newer = {.node = "B", .role = ADMIN__ROLE__ROLE_PRIMARY, .epoch = 6};
    struct fixture *f = *state;
    struct fixture *other = calloc(1, sizeof *other);
    char nodes[64];

    assert_non_null(other);
    fake_begin(f, &serving);
    fake_begin(other, &newer);
    snprintf(nodes, sizeof nodes, "%s,%s", f->nodes, other->nodes);
    assert_int_equal(run(f, "--nodes", nodes, "batch", "start", "B1"), 0);
    expect_text(f->err, "node A says that it serves, too");
    fake_end(f);
    fake_end(other);
    assert_int_equal(f->seen.starts, 0);
    assert_int_equal(other->seen.starts, 1);
    free(other);
}

/* A batch in full, in Chinese and in JSON. */
static void test_examctl__batch_status(void **state)
{
    struct fixture *f = *state;
    json_t *root;

    fake_begin(f, &serving);
    assert_int_equal(run_at(f, "batch", "status", "B1"), 0);
    expect_text(f->out, "Batch     B1  电工三级");
    expect_text(f->out, "0:32 median");
    assert_int_equal(run_at(f, "batch", "status", "B1", "--json"), 0);
    root = json_loads(f->out, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(root, "batches")), 1);
    json_decref(root);
    assert_int_equal(run_at(f, "batch", "list"), 0);
    expect_text(f->out, "running");
    fake_end(f);
}

/* Other versions and other services are exit 76, a frozen node is exit 69, none hangs. */
static void test_examctl__tells_strangers_apart(void **state)
{
    const struct fake_script version = {.node = "A", .version = 9};
    const struct fake_script noise = {.node = "A", .mode = FAKE_RANDOM, .seed = 4};
    const struct fake_script frozen = {.node = "A", .mode = FAKE_SILENT};
    struct fixture *f = *state;

    fake_begin(f, &version);
    assert_int_equal(run_at(f, "batch", "list"), 76);
    expect_text(f->err, "version 9");
    fake_end(f);
    fake_begin(f, &noise);
    assert_int_equal(run_at(f, "batch", "list"), 76);
    expect_text(f->err, "is the port right?");
    fake_end(f);
    fake_begin(f, &frozen);
    assert_int_equal(run(f, "--nodes", f->nodes, "--timeout", "1", "batch", "list"), 69);
    expect_text(f->err, "did not reply in time");
    fake_end(f);
}

/* ---------------------------------------------------------------- acting */

/* Founding goes to the first node and carries the name and the person. */
static void test_examctl__found(void **state)
{
    const struct fake_script empty = {.node = "A", .role = ADMIN__ROLE__ROLE_EMPTY};
    struct fixture *f = *state;

    fake_begin(f, &empty);
    assert_int_equal(run_at(f, "found", "--site", "考点一", "--who", "王芳"), 0);
    expect_text(f->out, "it is done");
    fake_end(f);
    assert_int_equal(f->seen.founds, 1);
    assert_string_equal(f->seen.site, "考点一");
    assert_string_equal(f->seen.who, "王芳");
}

/* All of the sample arrives, and the digest fits the chunks. */
static void test_examctl__import_sends_everything(void **state)
{
    struct fixture *f = *state;

    fake_begin(f, &serving);
    assert_int_equal(
        run_at(f, "import", "--batch", "B1", IMPORT_FILES, "--allot", "60:00", "--grace", "0:20"),
        0);
    fake_end(f);
    assert_int_equal(f->seen.commits, 1);
    assert_int_equal(f->seen.rooms, 12);
    assert_int_equal(f->seen.sittings, 480);
    assert_int_equal(f->seen.papers, 1);
    assert_int_equal(f->seen.commit_rooms, 12);
    assert_int_equal(f->seen.commit_sittings, 480);
    assert_int_equal(f->seen.commit_papers, 1);
    assert_true(f->seen.digest_ok);
    assert_int_equal(f->seen.allot_ms, 3600000);
    assert_int_equal(f->seen.grace_ms, 20000);
    assert_string_equal(f->seen.batch, "B1");
}

/* A paper larger than a frame, with more items than a part, arrives in parts and whole. */
static void test_examctl__import_splits_a_large_paper(void **state)
{
    static const char *const names[] = {"rooms.csv", "roster.csv", "paper.json"};
    struct fixture *f = *state;
    char site[48], path[3][64];

    snprintf(site, sizeof site, "%s/site", f->folder);
    for (int i = 0; i < 3; i++)
        snprintf(path[i], sizeof path[i], "%s/%s", site, names[i]);
    assert_int_equal(run_words(f, (const char *const[]){SAMPLESITE_PATH, "--out", site, "--rooms",
                                                        "3", "--items", "450", NULL}),
                     0);
    fake_begin(f, &serving);
    assert_int_equal(run_at(f, "import", "--batch", "B1", "--rooms", path[0], "--roster", path[1],
                            "--paper", path[2]),
                     0);
    fake_end(f);
    assert_int_equal(f->seen.papers, 3); /* parts of 200 items */
    assert_int_equal(f->seen.commit_papers, 1);
    assert_int_equal(f->seen.sittings, 120);
    assert_true(f->seen.chunks > 1);
    assert_true(f->seen.digest_ok);
    for (int i = 0; i < 3; i++)
        assert_int_equal(unlink(path[i]), 0);
    assert_int_equal(rmdir(site), 0);
}

/* Bad files are exit 65 with file and line, and no node hears of them. */
static void test_examctl__import_checks_files_first(void **state)
{
    struct fixture *f = *state;

    fake_begin(f, &serving);
    assert_int_equal(run_at(f, "import", "--batch", "B1", "--rooms", SAMPLE_FOLDER "/roster.csv",
                            "--roster", SAMPLE_FOLDER "/roster.csv", "--paper",
                            SAMPLE_FOLDER "/paper.json"),
                     65);
    expect_text(f->err, "/roster.csv:1: ");
    expect_text(f->err, "nothing was imported");
    assert_int_equal(run_at(f, "import", "--batch", "B1", "--rooms", "/nowhere/rooms.csv",
                            "--roster", SAMPLE_FOLDER "/roster.csv", "--paper",
                            SAMPLE_FOLDER "/paper.json"),
                     65);
    expect_text(f->err, "/nowhere/rooms.csv: cannot be read: No such file");
    fake_end(f);
    assert_int_equal(f->seen.connections, 0);
}

/* A refusal by a rule is exit 1 with the rule; one with a line is exit 65 at that line of the
 * roster. */
static void test_examctl__refusals(void **state)
{
    struct fake_script script = serving;
    struct fixture *f = *state;

    script.refuse_code = EXAM_STATE;
    script.refuse_rule = "P11";
    fake_begin(f, &script);
    assert_int_equal(run_at(f, "batch", "start", "B1"), 1);
    expect_text(f->err, "node A refuses: seat R01-01 is broken; choose another [rule P11]");
    fake_end(f);
    script.refuse_line = 17;
    fake_begin(f, &script);
    assert_int_equal(run_at(f, "import", "--batch", "B1", IMPORT_FILES), 65);
    expect_text(f->err, "/roster.csv:17: seat R01-01 is broken");
    fake_end(f);
    script.refuse_line = 0;
    script.refuse_code = EXAM_AGAIN;
    fake_begin(f, &script);
    assert_int_equal(run_at(f, "batch", "start", "B1"), 75);
    fake_end(f);
}

/* An act without an answer may have been done: the text says so, and exit is 75. */
static void test_examctl__does_not_guess_after_silence(void **state)
{
    struct fake_script script = serving;
    struct fixture *f = *state;

    script.mode = FAKE_SILENT_ON_ACTS;
    fake_begin(f, &script);
    assert_int_equal(run(f, "--nodes", f->nodes, "--timeout", "1", "batch", "start", "B1"), 75);
    expect_text(f->err, "whether it was carried out is not known");
    fake_end(f);
}

/* Promotion and collection need a yes: without a terminal and without --yes nothing is sent. */
static void test_examctl__asks_before_what_cannot_be_undone(void **state)
{
    const struct fake_script standby = {.node = "B", .role = ADMIN__ROLE__ROLE_STANDBY, .epoch = 5};
    struct fixture *f = *state;

    fake_begin(f, &standby);
    assert_int_equal(run_at(f, "promote", "B", "--preview"), 0);
    assert_int_equal(run_at(f, "promote", "B", "--attest"), 2);
    expect_text(f->err, "Z has never been heard"); /* what is at stake was shown */
    expect_text(f->err, "give --yes");
    fake_end(f);
    assert_int_equal(f->seen.promotes, 0);
    fake_begin(f, &serving);
    assert_int_equal(run_at(f, "batch", "collect", "B1"), 2);
    expect_text(f->err, "Finished  3");
    fake_end(f);
    assert_int_equal(f->seen.collects, 0);
}

/* D7, R4: what forcing a learner gives up is shown; it wants the person's word, and a reason. */
static void test_examctl__forces_a_learner_by_a_persons_word(void **state)
{
    const struct fake_script learner = {.node = "B",
                                        .role = ADMIN__ROLE__ROLE_STANDBY,
                                        .epoch = 5,
                                        .forced = "B's copy is not whole: it ends at record 9"};
    struct fixture *f = *state;

    fake_begin(f, &learner);
    assert_int_equal(run_at(f, "promote", "B", "--preview"), 0);
    expect_text(f->err, "examctl promote B --forced --preview");
    assert_int_equal(run_at(f, "promote", "B", "--forced", "--preview"), 0);
    expect_text(f->err, "it ends at record 9.");
    assert_int_equal(run_at(f, "promote", "B", "--forced", "--preview", "--json"), 0);
    expect_text(f->out, "\"forcible\": true");
    assert_int_equal(run_at(f, "promote", "B", "--forced", "--yes", "--reason", "gone"), 2);
    expect_text(f->err, "--forced wants --attest");
    assert_int_equal(run_at(f, "promote", "B", "--forced", "--attest", "--yes"), 2);
    expect_text(f->err, "give --reason");
    assert_int_equal(run_at(f, "promote", "B", "--forced", "--attest", "--reason", "gone"), 2);
    expect_text(f->err, "give --yes");
    assert_int_equal(
        run_at(f, "promote", "B", "--forced", "--attest", "--yes", "--reason", "A burnt"), 0);
    fake_end(f);
    assert_int_equal(f->seen.promotes, 1);
    assert_true(f->seen.attest && f->seen.forced);
    assert_string_equal(f->seen.why, "A burnt");
}

/* With --yes they go through, with what the person said. */
static void test_examctl__acts_with_yes(void **state)
{
    const struct fake_script standby = {.node = "B", .role = ADMIN__ROLE__ROLE_STANDBY, .epoch = 5};
    struct fixture *f = *state;

    fake_begin(f, &standby);
    assert_int_equal(run_at(f, "promote", "B", "--attest", "--yes", "--reason", "A is dead"), 0);
    assert_int_equal(run_at(f, "promote", "C", "--yes"), 69);
    expect_text(f->err, "no node named C answers");
    fake_end(f);
    assert_int_equal(f->seen.promotes, 1);
    assert_true(f->seen.attest);
    assert_string_equal(f->seen.why, "A is dead");
    assert_string_equal(f->seen.who, "tester");
    fake_begin(f, &serving);
    assert_int_equal(run_at(f, "batch", "collect", "B1", "--unfinished", "--yes", "--json"), 0);
    expect_text(f->out, "\"lsn\": 77");
    fake_end(f);
    assert_int_equal(f->seen.collects, 1);
    assert_true(f->seen.unfinished);
}

/* ---------------------------------------------------------------- contingencies */

/* Every act arrives with its subject, its person and its reason, once, and is reported. */
static void test_examctl__contingency_acts(void **state)
{
    static const struct {
        const char *words[6];
        unsigned kind;
        const char *target;
    } cases[] = {
        {{"pause", "site", NULL}, ADMIN__REQUEST__KIND_PAUSE, "site"},
        {{"resume", "R01-05", NULL}, ADMIN__REQUEST__KIND_RESUME, "R01-05"},
        {{"grant", "R01", "5:00", NULL}, ADMIN__REQUEST__KIND_GRANT, "R01"},
        {{"move", "2026010017", "R01-45", NULL}, ADMIN__REQUEST__KIND_MOVE, "2026010017"},
        {{"batch", "postpone", "B1", NULL}, ADMIN__REQUEST__KIND_POSTPONE, "B1"},
        {{"batch", "go-on", "B1", NULL}, ADMIN__REQUEST__KIND_SUSPENDED_DECISION, "B1"},
        {{"sitting", "own-doing", "2026010017", "2", NULL},
         ADMIN__REQUEST__KIND_OWN_DOING,
         "2026010017"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *words[16] = {EXAMCTL_PATH, "--nodes", "", "--who", "王芳", "--yes", "--json"};
        size_t n = 7;

        fake_begin(f, &serving);
        words[2] = f->nodes;
        for (size_t k = 0; cases[i].words[k] != NULL; k++)
            words[n++] = cases[i].words[k];
        words[n++] = "--reason";
        words[n++] = "fire alarm";
        assert_int_equal(run_words(f, words), 0);
        fake_end(f);
        expect_text(f->out, "\"lsn\": 77");
        assert_int_equal(f->seen.acts, 1);
        assert_int_equal(f->seen.last_act, cases[i].kind);
        assert_string_equal(f->seen.target, cases[i].target);
        assert_string_equal(f->seen.why, "fire alarm");
    }
}

/* What is recorded without a preview: violations, incidents, decisions, with their text. */
static void test_examctl__records_with_a_text(void **state)
{
    struct fixture *f = *state;

    fake_begin(f, &serving);
    assert_int_equal(run_at(f, "violation", "2026010017", "--text", "notes", "--yes"), 0);
    assert_int_equal(run_at(f, "incident", "open", "network", "R01", "--text", "dark", "--yes"), 0);
    fake_end(f);
    assert_int_equal(f->seen.acts, 2);
    assert_int_equal(f->seen.kind, EV__INCIDENT_KIND__INCIDENT_KIND_NETWORK);
    assert_string_equal(f->seen.target, "R01");
    assert_string_equal(f->seen.why, "dark");
    fake_begin(f, &serving);
    assert_int_equal(run_at(f, "incident", "note", "4", "--text", "soon", "--yes"), 0);
    assert_int_equal(run_at(f, "incident", "close", "4", "--text", "mended", "--yes"), 0);
    fake_end(f);
    assert_int_equal(f->seen.last_act, ADMIN__REQUEST__KIND_INCIDENT_CLOSE);
    assert_int_equal(f->seen.number, 4);
    assert_string_equal(f->seen.why, "mended");
    fake_begin(f, &serving);
    assert_int_equal(run_at(f, "sitting", "decide", "2026010017", "--text", "goes on", "--yes"), 0);
    fake_end(f);
    assert_int_equal(f->seen.last_act, ADMIN__REQUEST__KIND_LIMIT_DECIDE);
    assert_string_equal(f->seen.why, "goes on");
}

/* A span with a minus in front takes back: it is no option, wherever it stands. */
static void test_examctl__grants_of_both_signs(void **state)
{
    struct fixture *f = *state;

    fake_begin(f, &serving);
    assert_int_equal(run_at(f, "grant", "R01", "1:02:03.250", "--reason", "x", "--yes"), 0);
    fake_end(f);
    assert_int_equal(f->seen.ms, 3723250);
    fake_begin(f, &serving);
    assert_int_equal(run_at(f, "--yes", "grant", "R01", "-2:00", "--reason", "-5:00 was wrong"), 0);
    fake_end(f);
    assert_int_equal(f->seen.ms, -120000);
    assert_string_equal(f->seen.why, "-5:00 was wrong");
    assert_string_equal(f->seen.target, "R01");
}

/* Without --yes and without a person nothing is done, but what it would do has been shown. */
static void test_examctl__shows_before_it_acts(void **state)
{
    struct fixture *f = *state;

    fake_begin(f, &serving);
    assert_int_equal(run_at(f, "pause", "R01", "--reason", "x"), 2);
    expect_text(f->err, "it is done"); /* the node's word on the preview */
    expect_text(f->err, "give --yes");
    assert_int_equal(run_at(f, "move", "2026010017", "R01-45", "--reason", "x"), 2);
    assert_int_equal(run_at(f, "batch", "postpone", "B1", "--reason", "x"), 2);
    assert_int_equal(run_at(f, "violation", "2026010017", "--text", "x"), 2);
    expect_text(f->err, "2026010017  王芳, seat R01-01, batch B1: paused");
    assert_int_equal(run_at(f, "incident", "close", "4", "--text", "x"), 2);
    expect_text(f->err, "Incident 4, network, R01, open, since 1:30: switch is dark");
    assert_int_equal(run_at(f, "incident", "close", "9", "--text", "x"), 1);
    expect_text(f->err, "there is no incident 9");
    fake_end(f);
    assert_int_equal(f->seen.previews, 3);
    assert_int_equal(f->seen.acts, 0);
}

/* Runs it at a terminal on which a person types `typed`. */
static int run_typed(struct fixture *f, const char *typed, const char *const words[])
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    int exit_code;

    assert_true(terminal >= 0);
    assert_int_equal(grantpt(terminal), 0);
    assert_int_equal(unlockpt(terminal), 0);
    assert_int_equal(ptsname_r(terminal, f->input, sizeof f->input), 0);
    assert_int_equal(write(terminal, typed, strlen(typed)), (ssize_t)strlen(typed));
    exit_code = run_words(f, words);
    close(terminal);
    return exit_code;
}

/* At a terminal the reason is asked for, the preview shown, and only "yes" is a yes. */
static void test_examctl__asks_a_person(void **state)
{
    struct fixture *f = *state;
    const char *words[] = {EXAMCTL_PATH, "--nodes", f->nodes, "pause", "R01", NULL};

    fake_begin(f, &serving);
    assert_int_equal(run_typed(f, "fire alarm\nno\n", words), 1);
    expect_text(f->err, "Why?");
    expect_text(f->err, "Pause R01? Type yes to go on: ");
    expect_text(f->err, "nothing was done");
    assert_int_equal(run_typed(f, "\n", words), 2);
    expect_text(f->err, "it needs 1 to 512 bytes");
    assert_int_equal(run_typed(f, "fire alarm\nyes\n", words), 0);
    fake_end(f);
    assert_int_equal(f->seen.previews, 2);
    assert_int_equal(f->seen.acts, 1);
    assert_string_equal(f->seen.why, "fire alarm");
}

/* What would be refused is refused before the person is asked. */
static void test_examctl__preview_is_refused(void **state)
{
    struct fake_script script = serving;
    struct fixture *f = *state;

    script.refuse_code = EXAM_REFUSED;
    script.refuse_rule = "T8";
    fake_begin(f, &script);
    assert_int_equal(run_at(f, "pause", "R01", "--reason", "x"), 1);
    expect_text(f->err, "[rule T8]");
    fake_end(f);
    assert_int_equal(f->seen.acts, 0);
}

/* An account with both of its equations, interruptions, answers' times, and no answer. */
static void test_examctl__sitting_show(void **state)
{
    struct fixture *f = *state;
    json_t *root;

    fake_begin(f, &serving);
    assert_int_equal(run_at(f, "sitting", "show", "2026010017"), 0);
    expect_text(f->out, "Account   allot 1:00:00 - grants 2:00 = used 20:00.250 + left 37:59.750");
    expect_text(f->out, "Elapsed   20:32.250 = used 20:00.250 + lost 0:32");
    expect_text(f->out, "(the newest 1 of 3)");
    expect_text(f->out, " 3  12:15  12:47      0:32  claim         4");
    expect_text(f->out, "q1    skill       0:01");
    expect_text(f->out, "! Its interruption has reached the limit");
    assert_null(strstr(f->out, "A,B"));
    assert_int_equal(run_at(f, "sitting", "show", "2026010017", "--json"), 0);
    fake_end(f);
    assert_null(strstr(f->out, "A,B"));
    root = json_loads(f->out, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(root, "grants_ms")), -120000);
    assert_string_equal(json_string_value(json_object_get(
                            json_array_get(json_object_get(root, "interruptions"), 0), "basis")),
                        "claim");
    assert_int_equal(json_array_size(json_object_get(root, "answer_times")), 1);
    json_decref(root);
}

/* Incidents with the time each has cost; observed ones say so. */
static void test_examctl__incident_list(void **state)
{
    struct fixture *f = *state;
    json_t *root;

    fake_begin(f, &serving);
    assert_int_equal(run_at(f, "incident", "list"), 0);
    expect_text(f->out, "(observed)");
    expect_text(f->out, "0:30 ago");
    assert_int_equal(run_at(f, "incident", "list", "--open", "--json"), 0);
    fake_end(f);
    root = json_loads(f->out, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(root, "incidents")), 1);
    json_decref(root);
}

/* Seats are asked of every node: one is in contact with the standby, one with nobody. */
static void test_examctl__seats_of_all_nodes(void **state)
{
    struct fake_script first = serving, second = {.node = "B", .role = ADMIN__ROLE__ROLE_STANDBY};
    struct fixture *f = *state;
    struct fixture *other = calloc(1, sizeof *other);
    char nodes[128], json[4096];
    json_t *root, *seat;

    assert_non_null(other);
    first.seat_contact = "R01-03";
    second.seat_contact = "R01-01";
    fake_begin(f, &first);
    fake_begin(other, &second);
    snprintf(nodes, sizeof nodes, "%s,%s,127.0.0.1:1", f->nodes, other->nodes);
    assert_int_equal(run(f, "--nodes", nodes, "seats"), 0);
    expect_text(f->out, "R01-01  B             0:00  2026010001  answering       7\n"
                        "R01-02  no contact       -  2026010001  answering       ?\n"
                        "R01-03  A             0:00  -           -               7\n");
    expect_text(f->out, "3 seats, 2 in contact");
    expect_text(f->out, "! 2 hold 14 unsent answers");
    expect_text(f->out, "! 1 may hold unsent answers (?)");
    expect_text(f->err, "127.0.0.1:1: cannot connect");
    assert_int_equal(run(f, "--nodes", nodes, "--json", "seats", "--room", "R01"), 0);
    assert_true(strlen(f->out) < sizeof json);
    strcpy(json, f->out);
    assert_int_equal(run(f, "--nodes", nodes, "seats", "--room", "R99"), 1);
    expect_text(f->err, "there is no room R99 here");
    fake_end(f);
    fake_end(other);
    free(other);
    root = json_loads(json, 0, NULL);
    seat = json_array_get(json_object_get(root, "seats"), 1);
    assert_true(json_is_false(json_object_get(seat, "connected")));
    assert_true(json_is_false(json_object_get(seat, "unsent_known")));
    json_decref(root);
}

/* A postponed batch's lists: who is to be notified, and a roster that can be imported again. */
static void test_examctl__postponed_lists(void **state)
{
    struct fake_script script = serving;
    struct fixture *f = *state;
    char notify[64], text[OUTPUT_BYTES];

    snprintf(notify, sizeof notify, "%s/notify.csv", f->folder);
    script.batch_state = ADMIN__BATCH_STATE__BATCH_STATE_POSTPONED;
    assert_int_equal(chdir(f->folder), 0); /* where the roster goes */
    fake_begin(f, &script);
    assert_int_equal(run_at(f, "batch", "postpone", "B1", "--reason", "x", "--yes", "-o", notify,
                            "--new-batch", "B1b"),
                     0);
    expect_text(f->err, "notify.csv: 2 candidates to be notified");
    expect_text(f->err, "examctl import --batch B1b --rooms ROOMS --roster B1b-roster.csv");
    expect_text(f->err, "1 of the batch had finished before");
    output_read(notify, text);
    assert_string_equal(text, "admission_no,name,room,seat,paper,used_ms,answers\n"
                              "\"2026010002\",\"'=王芳\",\"R01\",\"R01-01\",\"ELEC-3\",0,0\n"
                              "\"2026010003\",\"'=王芳\",\"R01\",\"R01-01\",\"ELEC-3\",0,0\n");
    output_read("B1b-roster.csv", text);
    assert_string_equal(
        text, "admission_no,id_no,name,seat,paper,extra_minutes\n"
              "\"2026010002\",\"11010519491231002X\",\"=王芳\",\"R01-01\",\"ELEC-3\",0\n"
              "\"2026010003\",\"11010519491231002X\",\"=王芳\",\"R01-01\",\"ELEC-3\",15\n");
    assert_int_equal(run_at(f, "batch", "postponed", "B1"), 0);
    expect_text(f->out, "2026010003");
    assert_int_equal(run_at(f, "batch", "postponed", "B1", "--json"), 0);
    expect_text(f->out, "\"candidates\"");
    fake_end(f);
    assert_int_equal(f->seen.acts, 1);
    assert_int_equal(unlink(notify), 0);
    assert_int_equal(unlink("B1b-roster.csv"), 0);
    assert_int_equal(chdir("/"), 0);
}

/* No list of a batch that is not postponed, none without ID numbers, none under a name in use. */
static void test_examctl__postponed_lists_are_refused(void **state)
{
    struct fake_script script = serving;
    struct fixture *f = *state;

    assert_int_equal(chdir(f->folder), 0);
    fake_begin(f, &script);
    assert_int_equal(run_at(f, "batch", "postponed", "B1"), 1);
    expect_text(f->err, "batch B1 is running, not postponed");
    assert_int_equal(
        run_at(f, "batch", "postpone", "B1", "--reason", "x", "--yes", "--new-batch", "B1"), 1);
    expect_text(f->err, "there is a batch B1 already");
    fake_end(f);
    assert_int_equal(f->seen.acts, 0);
    script.batch_state = ADMIN__BATCH_STATE__BATCH_STATE_POSTPONED;
    script.hides_ids = true;
    fake_begin(f, &script);
    assert_int_equal(run_at(f, "batch", "postponed", "B1", "--new-batch", "B1b"), 76);
    expect_text(f->err, "B1b-roster.csv was not written");
    assert_int_not_equal(access("B1b-roster.csv", F_OK), 0);
    fake_end(f);
    assert_int_equal(chdir("/"), 0);
}

/* What the UPS says, and what waits for a person, stands in the status. */
static void test_examctl__status_shows_power_and_decisions(void **state)
{
    struct fake_script script = serving;
    struct fixture *f = *state;

    fake_begin(f, &script);
    assert_int_equal(run_at(f, "status"), 0);
    expect_text(f->out, "no UPS");
    assert_null(strstr(f->out, "! A does not know"));
    fake_end(f);
    script.ups = true;
    script.suspended = true;
    fake_begin(f, &script);
    assert_int_equal(run_at(f, "status"), 0);
    expect_text(f->out, "! A does not know its power: ups@127.0.0.1: OB.");
    expect_text(f->out, "! Batch B2 is suspended (W4)");
    expect_text(f->out, "! 1 incident is open");
    expect_text(f->out, "! 1 interruption has reached the limit");
    fake_end(f);
    script.power = ADMIN__POWER__POWER_BATTERY;
    fake_begin(f, &script);
    assert_int_equal(run_at(f, "status"), 0);
    expect_text(f->out, "! A has lost the mains and runs on battery");
    assert_int_equal(run_at(f, "status", "--json"), 0);
    expect_text(f->out, "\"power\": \"battery\"");
    fake_end(f);
}

/* ---------------------------------------------------------------- results */

/* One row a sitting, or one an answer; formulas are defused. */
static void test_examctl__results(void **state)
{
    struct fixture *f = *state;

    fake_begin(f, &serving);
    assert_int_equal(run_at(f, "results", "B1"), 0);
    expect_text(f->out, "admission_no,name,room,");
    expect_text(f->out, "\"2026010003\",\"'=王芳\",\"R01\",\"R01-01\",\"ELEC-3\",\"finished\","
                        "\"submitted\",3600000,-5,0,0,0,0,0,0\n");
    assert_int_equal(run_at(f, "results", "B1", "--answers"), 0);
    assert_string_equal(f->out, "admission_no,item,subject,value,seq,made_at_ms,late\n"
                                "\"2026010001\",\"q1\",\"skill\",\"A,B\",1,1000,0\n"
                                "\"2026010002\",\"q1\",\"skill\",\"A,B\",2,2000,0\n"
                                "\"2026010003\",\"q1\",\"skill\",\"A,B\",3,3000,0\n");
    fake_end(f);
}

/* An export that is cut off leaves no file and exits 75; a whole one is there. */
static void test_examctl__results_are_whole_or_not_there(void **state)
{
    struct fake_script script = serving;
    struct fixture *f = *state;
    char path[64];

    snprintf(path, sizeof path, "%s/r.csv", f->folder);
    script.mode = FAKE_CUT_OFF;
    fake_begin(f, &script);
    assert_int_equal(run_at(f, "results", "B1", "-o", path), 75);
    expect_text(f->err, "was not written");
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(run_at(f, "results", "B1"), 75);
    expect_text(f->err, "the output is cut off: do not use it");
    fake_end(f);
    fake_begin(f, &serving);
    assert_int_equal(run_at(f, "results", "B1", "-o", path), 0);
    fake_end(f);
    assert_int_equal(unlink(path), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_examctl__teaches),
        TEST(test_examctl__refuses_wrong_command_lines),
        TEST(test_examctl__status_shows_dead_nodes_too),
        TEST(test_examctl__status_as_json),
        TEST(test_examctl__tells_why_no_node_serves),
        TEST(test_examctl__asks_the_primary_with_the_higher_epoch),
        TEST(test_examctl__batch_status),
        TEST(test_examctl__tells_strangers_apart),
        TEST(test_examctl__found),
        TEST(test_examctl__import_sends_everything),
        TEST(test_examctl__import_splits_a_large_paper),
        TEST(test_examctl__import_checks_files_first),
        TEST(test_examctl__refusals),
        TEST(test_examctl__does_not_guess_after_silence),
        TEST(test_examctl__asks_before_what_cannot_be_undone),
        TEST(test_examctl__forces_a_learner_by_a_persons_word),
        TEST(test_examctl__acts_with_yes),
        TEST(test_examctl__contingency_acts),
        TEST(test_examctl__records_with_a_text),
        TEST(test_examctl__grants_of_both_signs),
        TEST(test_examctl__shows_before_it_acts),
        TEST(test_examctl__asks_a_person),
        TEST(test_examctl__preview_is_refused),
        TEST(test_examctl__sitting_show),
        TEST(test_examctl__incident_list),
        TEST(test_examctl__seats_of_all_nodes),
        TEST(test_examctl__postponed_lists),
        TEST(test_examctl__postponed_lists_are_refused),
        TEST(test_examctl__status_shows_power_and_decisions),
        TEST(test_examctl__results),
        TEST(test_examctl__results_are_whole_or_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
