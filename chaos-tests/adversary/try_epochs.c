/* Epochs and versions in a seat's words (W1, A3): none of them may change who serves, nor in which
 * order answers count. */
#include <string.h>

#include "attempt.h"

enum { EPOCH_NONE, EPOCH_NEXT, EPOCH_HIGHER, EPOCH_LAST };

static uint64_t epoch_claimed(int arg, uint64_t now)
{
    switch (arg) {
    case EPOCH_NEXT:
        return now + 1;
    case EPOCH_HIGHER:
        return now + 1000;
    case EPOCH_LAST:
        return UINT64_MAX;
    default:
        return 0;
    }
}

static void hello_epoch(struct thief *t, const struct attempt *a, struct finding *f)
{
    const struct greeting g = thief_greeting(t, WHO_THIEF, a->node, PORT_SEAT);
    struct talk *k = &t->talk;
    if (!thief_greet(t, &t->other, WHO_THIEF, a->node) || !thief_dial(t, a->node, PORT_SEAT) ||
        wire_greet(&k->wire, &g) != WIRE_OPEN)
        return;
    uint64_t now = t->other.sight.epoch;
    (void)talk_hello(k, t->key[WHO_THIEF].name, epoch_claimed(a->arg, now));
    found_said(f, k->sight.epoch != now, k);
}

enum { HELLOS = 40 };

/* Whoever has a key may not fill the disk with the node's complaints either. */
static void hello_epochs(struct thief *t, const struct attempt *a, struct finding *f)
{
    unsigned welcomed = 0;
    for (uint64_t i = 0; i < HELLOS; i++) {
        const struct greeting g = thief_greeting(t, WHO_THIEF, a->node, PORT_SEAT);
        struct talk *k = &t->talk;
        if (thief_dial(t, a->node, PORT_SEAT) && wire_greet(&k->wire, &g) == WIRE_OPEN)
            welcomed += talk_hello(k, t->key[WHO_THIEF].name, UINT64_MAX - i);
        talk_end(k);
    }
    found(f, false, "welcomed %u times", welcomed);
}

static void answer_epoch(struct thief *t, const struct attempt *a, struct finding *f)
{
    struct talk *k = &t->talk;
    bool in = thief_sign_in(t, k, WHO_THIEF, &t->own);
    in = in &&
         talk_answer(k, k->sight.seq_have + 1, "q3",
                     epoch_claimed(a->arg, k->sight.attachment_epoch), k->sight.attachment_lsn);
    found_said(f, in, k);
}

/* Of this epoch, but of a record that is still to come. */
static void answer_lsn(struct thief *t, const struct attempt *a, struct finding *f)
{
    struct talk *k = &t->talk;
    bool in = thief_sign_in(t, k, WHO_THIEF, &t->own);
    in = in && talk_answer(k, k->sight.seq_have + 1, "q3", k->sight.attachment_epoch,
                           k->sight.attachment_lsn + (uint64_t)a->arg);
    found_said(f, in, k);
}

static void hello_terms(struct thief *t, const struct attempt *a, struct finding *f)
{
    const struct greeting g = thief_greeting(t, WHO_THIEF, a->node, PORT_SEAT);
    uint8_t site[SITE_ID_BYTES] = {1};
    Seat__Hello m = SEAT__HELLO__INIT;
    m.version = a->arg == 0 ? SEAT_VERSION + 1 : SEAT_VERSION;
    m.seat = t->key[WHO_THIEF].name;
    m.client = (char *)(uintptr_t) "adversary";
    if (a->arg == 1)
        m.site_id = (ProtobufCBinaryData){.len = sizeof site, .data = site};
    bool in = thief_dial(t, a->node, PORT_SEAT) && wire_greet(&t->talk.wire, &g) == WIRE_OPEN &&
              talk_hello_as(&t->talk, &m);
    found_said(f, in, &t->talk);
}

#define SAW "event=seat-saw-higher-epoch "

static const struct attempt attempts[] = {
    {"next-epoch", "said that it has seen the next epoch", "^welcome ", SAW, hello_epoch, 0, 0,
     WHO_THIEF, EPOCH_NEXT},
    {"higher-epoch", "said that it has seen an epoch 1,000 higher", "^welcome ", SAW, hello_epoch,
     0, 0, WHO_THIEF, EPOCH_HIGHER},
    {"last-epoch", "said that it has seen the highest epoch there can be", "^welcome ", SAW,
     hello_epoch, 0, 0, WHO_THIEF, EPOCH_LAST},
    {"last-epoch-standby", "said so to the standby", "^welcome ", SAW, hello_epoch, 0, 1, WHO_THIEF,
     EPOCH_LAST},
    {"many-epochs", "said so on 40 connections, another one each", "^welcomed 40 times", NULL,
     hello_epochs, 0, 0, WHO_THIEF, 0},
    {"no-epoch", "said that it has seen none, after all that", "^welcome ", NULL, hello_epoch, 0, 0,
     WHO_THIEF, EPOCH_NONE},
    {"other-version", "spoke the next version of the seats' conversation",
     "^refused version: ", "event=seat-version ", hello_terms, 0, 0, WHO_THIEF, 0},
    {"other-site", "said that its journal is another site's", "^refused other-site: ", NULL,
     hello_terms, 0, 0, WHO_THIEF, 1},
    {"answer-next-epoch", "answered under an attachment of the next epoch (A3)",
     "^refused invalid: .*still to come", NULL, answer_epoch, ATTEMPT_OWN, 0, WHO_THIEF,
     EPOCH_NEXT},
    {"answer-last-epoch", "answered under one of the highest epoch there can be",
     "^refused invalid: .*still to come", NULL, answer_epoch, ATTEMPT_OWN, 0, WHO_THIEF,
     EPOCH_LAST},
    {"answer-later", "answered under an attachment a record later than its own",
     "^refused invalid: .*still to come", NULL, answer_lsn, ATTEMPT_OWN, 0, WHO_THIEF, 1},
    {"answer-later", "answered under its own attachment", "^ack ", NULL, answer_lsn,
     ATTEMPT_CONTROL, 0, WHO_THIEF, 0},
};

const struct attempt_group group_epochs = {"epochs", attempts, sizeof attempts / sizeof *attempts};
