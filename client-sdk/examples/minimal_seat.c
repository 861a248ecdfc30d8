/* minimal_seat.c - the least that a program for a seat has to do, to start from.
 *
 *   minimal_seat NODE[,NODE...] SEAT ADMISSION_NO ID_NO JOURNAL_DIR [ANSWERS]
 *   minimal_seat 127.0.0.1:7001,127.0.0.1:7002 R01-01 2026010001 990101200001011234 /var/tmp/seat
 *
 * It signs the candidate in, waits for the batch to start, fetches the paper, answers a few items
 * (a real program shows the paper and takes the answers from the candidate), and submits. Started
 * again after a crash it goes on where it was: the journal folder remembers.
 *
 *   cc minimal_seat.c $(pkg-config --cflags --libs examseat) -o minimal_seat */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <examseat.h>

struct seat {
    int answers_wanted, answers_made;
    uint64_t act_at_ms; /* of the candidate's used time */
    bool paper_there, submitted, over;
    int polls_after; /* the end */
    int exit_code;
};

/* Every callback comes from inside examseat_poll, on this thread. */
static void on_event(void *user, examseat *h, const examseat_event *e)
{
    struct seat *seat = user;
    switch (e->kind) {
    case EXAMSEAT_EVENT_STATE: /* the screen is open in EXAMSEAT_STATE_ANSWERING only */
        printf("state: %s\n", examseat_state_name(e->state));
        break;
    case EXAMSEAT_EVENT_CANDIDATE: /* the candidate checks this */
        printf("candidate: %s, %s, room %s, seat %s, %s\n", e->candidate->admission_no,
               e->candidate->name, e->candidate->room, e->candidate->seat,
               e->candidate->paper_title);
        break;
    case EXAMSEAT_EVENT_SIGN_IN_REFUSED: /* a real program asks for the numbers again */
        printf("not signed in: %s\n", e->text);
        seat->over = true;
        seat->exit_code = 1;
        break;
    case EXAMSEAT_EVENT_STARTED:
        if (examseat_fetch_paper(h) != EXAMSEAT_OK)
            printf("no paper: %s\n", examseat_error_text(h));
        break;
    case EXAMSEAT_EVENT_PAPER:
        printf("paper: %zu bytes\n", e->paper_bytes);
        seat->paper_there = true;
        break;
    case EXAMSEAT_EVENT_PAPER_FAILED: /* nothing was shown: ask once more */
        printf("paper: %s\n", e->text);
        if (examseat_fetch_paper(h) != EXAMSEAT_OK)
            printf("no paper: %s\n", examseat_error_text(h));
        break;
    case EXAMSEAT_EVENT_ANSWER: /* "saved" is what is solo or dual; it can go back, too */
        printf("answer %llu: %s%s%s\n", (unsigned long long)e->seq,
               examseat_answer_state_name(e->answer_state), e->late ? ", late" : "", e->text);
        break;
    case EXAMSEAT_EVENT_CONTACT: /* within grace the candidate just goes on */
        printf("%s %s\n", e->in_contact ? "in contact" : "out of contact", e->text);
        break;
    case EXAMSEAT_EVENT_FINISHED:
        printf("finished, %llu answers not delivered yet\n",
               (unsigned long long)examseat_unsaved(h));
        break;
    case EXAMSEAT_EVENT_RECEIPT: /* for the candidate, to be shown or printed */
        printf("receipt, kept as %s\n%s", e->text, e->receipt);
        break;
    case EXAMSEAT_EVENT_PROBLEM: /* for the room's administrator */
        printf("problem: %s\n", e->text);
        break;
    default: /* a later library may know more */
        break;
    }
}

/* What the candidate would do: an answer every half second, then the submission. */
static void act(struct seat *seat, examseat *h)
{
    uint64_t seq;
    examseat_err err;
    if (!seat->paper_there || examseat_get_state(h) != EXAMSEAT_STATE_ANSWERING ||
        examseat_time_used_ms(h) < seat->act_at_ms)
        return;
    seat->act_at_ms = examseat_time_used_ms(h) + 500;
    if (seat->answers_made < seat->answers_wanted) {
        char item[16];
        snprintf(item, sizeof(item), "q%d", seat->answers_made + 1);
        err = examseat_answer(h, item, "A", 1, &seq);
        if (err == EXAMSEAT_OK) /* on this machine's disk: it will not be lost */
            seat->answers_made++;
    } else {
        err = examseat_submit(h, &seq);
    }
    if (err != EXAMSEAT_OK) /* the disk is full, say: the same can be tried again */
        printf("not recorded: %s\n", examseat_error_text(h));
    printf("%llu s left\n", (unsigned long long)examseat_time_left_ms(h) / 1000);
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fprintf(stderr, "usage: minimal_seat NODE[,NODE...] SEAT ADMISSION_NO ID_NO JOURNAL_DIR "
                        "[ANSWERS\n"
                        "                    [KEY_FILE KEY_ROSTER]]\n"
                        "With a key NODE is NAME@HOST:PORT.\n");
        return 2;
    }
    const char *nodes[EXAMSEAT_NODES_MAX];
    examseat_config config = EXAMSEAT_CONFIG_INIT;
    config.nodes = nodes;
    for (char *node = strtok(argv[1], ","); node && config.nodes_n < EXAMSEAT_NODES_MAX;
         node = strtok(NULL, ","))
        nodes[config.nodes_n++] = node;
    struct seat seat = {.answers_wanted = argc > 6 ? atoi(argv[6]) : 3};
    config.seat = argv[2];
    config.journal_dir = argv[5];
    config.client = "minimal_seat 1";
    if (argc > 8) { /* the server and this seat prove who they are, and nobody listens */
        config.key_file = argv[7];
        config.key_roster = argv[8];
    }
    config.on_event = on_event;
    config.user = &seat;

    examseat *h;
    char why[512];
    if (examseat_open(&config, &h, why, sizeof(why)) != EXAMSEAT_OK) {
        fprintf(stderr, "minimal_seat: %s\n", why);
        return 1;
    }
    /* A seat that was signed in when it went down is so still: EXISTS then says just that. */
    examseat_err err = examseat_sign_in(h, argv[3], argv[4]);
    if (err != EXAMSEAT_OK && err != EXAMSEAT_EXISTS) {
        fprintf(stderr, "minimal_seat: %s\n", examseat_error_text(h));
        seat.over = true;
        seat.exit_code = 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (!seat.over) {
        if (examseat_poll(h, 100) != EXAMSEAT_OK)
            fprintf(stderr, "minimal_seat: %s\n", examseat_error_text(h));
        act(&seat, h);
        /* Nobody leaves while an answer is unsaved; a receipt comes right after the last one. */
        if (examseat_get_state(h) == EXAMSEAT_STATE_FINISHED && examseat_unsaved(h) == 0)
            seat.over =
                config.key_file == NULL || examseat_receipt(h) != NULL || seat.polls_after++ == 50;
    }
    examseat_close(h);
    return seat.exit_code;
}
