/* The seat core with a clock, a journal and NNG links: what examseat.h promises. */
#include "examseat.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "codec.h"
#include "examseat_queue.h"
#include "journal.h"
#include "keyring.h"
#include "link.h"
#include "receipt_keep.h"
#include "seat_core.h"

enum {
    URL_BYTES = 256,
    LINKS_MAX = 4 * NODES_MAX, /* a closed one may linger while another is dialled */
    SEND_BYTES_MAX = 256 * 1024,
    ROSTER_USED_PATH_BYTES = 4096,
};

#define CLIENT_DEFAULT "libexamseat"

struct node_link {
    char url[URL_BYTES];
    char name[KEY_NAME_BYTES]; /* who must be there; "" without keys */
    exam_err told;             /* what its channel was refused for last */
    struct link_id id;
    bool failed; /* to be reported to the core when it has returned */
};

struct candidate {
    char admission_no[NAME_BYTES_MAX + 1], id_no[NAME_BYTES_MAX + 1], name[PERSON_BYTES_MAX + 1];
    char room[NAME_BYTES_MAX + 1], seat[NAME_BYTES_MAX + 1];
    char batch[NAME_BYTES_MAX + 1], batch_title[TITLE_BYTES_MAX + 1];
    char paper[NAME_BYTES_MAX + 1], paper_title[TITLE_BYTES_MAX + 1];
};

struct examseat {
    struct seat_core *core;
    void *core_block;
    struct arena arena;
    void *arena_block;
    struct journal *journal;
    struct link_hub *hub;
    struct keyring *keys; /* NULL: plain connections */
    int wake_fd;
    uint32_t nodes_n;
    struct node_link nodes[NODES_MAX];
    examseat_event_fn on_event;
    void *user;
    struct event_queue events;
    bool polling;
    bool discard, discard_keep; /* the journal, when the core has returned */
    bool storage_full;          /* no memory for the paper: it fails when it ends */
    uint8_t *paper;
    size_t paper_bytes;
    struct candidate candidate;
    examseat_candidate shown; /* points into candidate */
    char *journal_dir;
    char receipt[RECEIPT_BYTES_MAX + 1]; /* "": none */
    char error[EVENT_TEXT_BYTES];
};

/* ---------------------------------------------------------------- errors and clocks */

static examseat_err err_of(exam_err err)
{
    static const struct {
        exam_err from;
        examseat_err to;
    } table[] = {
        {EXAM_OK, EXAMSEAT_OK},
        {EXAM_AGAIN, EXAMSEAT_AGAIN},
        {EXAM_NOT_PRIMARY, EXAMSEAT_NO_CONTACT},
        {EXAM_CONN, EXAMSEAT_NO_CONTACT},
        {EXAM_TIMEOUT, EXAMSEAT_NO_CONTACT},
        {EXAM_GAP, EXAMSEAT_AGAIN},
        {EXAM_FULL, EXAMSEAT_FULL},
        {EXAM_STATE, EXAMSEAT_STATE},
        {EXAM_NOT_FOUND, EXAMSEAT_NOT_FOUND},
        {EXAM_EXISTS, EXAMSEAT_EXISTS},
        {EXAM_AUTH, EXAMSEAT_AUTH},
        {EXAM_SEAT_TAKEN, EXAMSEAT_SEAT_TAKEN},
        {EXAM_LATE, EXAMSEAT_LATE},
        {EXAM_STALE_EPOCH, EXAMSEAT_NO_CONTACT},
        {EXAM_ATTEST, EXAMSEAT_REFUSED},
        {EXAM_REFUSED, EXAMSEAT_REFUSED},
        {EXAM_INVALID, EXAMSEAT_INVALID},
        {EXAM_MALFORMED, EXAMSEAT_NO_CONTACT},
        {EXAM_TOO_BIG, EXAMSEAT_TOO_BIG},
        {EXAM_VERSION, EXAMSEAT_VERSION},
        {EXAM_OTHER_SITE, EXAMSEAT_OTHER_SITE},
        {EXAM_IO, EXAMSEAT_IO},
        {EXAM_CORRUPT, EXAMSEAT_CORRUPT},
        {EXAM_LOCKED, EXAMSEAT_LOCKED},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].from == err)
            return table[i].to;
    return EXAMSEAT_SYSTEM;
}

static examseat_err fail(examseat *h, examseat_err err, const char *text)
{
    snprintf(h->error, sizeof(h->error), "%s", text);
    return err;
}

/* T4: never the date; and it goes on while the machine sleeps. */
static uint64_t clock_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* A machine that does not tell counts as rebooted: then no clock is taken for continuous (T7). */
static void boot_id_get(uint8_t out[BOOT_ID_BYTES])
{
    char text[64];
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    size_t n = f != NULL ? fread(text, 1, sizeof(text), f) : 0;
    if (f != NULL)
        fclose(f);
    if (n > 0)
        crypto_generichash(out, BOOT_ID_BYTES, (const uint8_t *)text, n, NULL, 0);
    else
        randombytes_buf(out, BOOT_ID_BYTES);
}

/* From any thread: something is to be done. */
static void wake(void *ctx)
{
    const examseat *h = ctx;
    uint64_t one = 1;
    ssize_t n = write(h->wake_fd, &one, sizeof(one));
    (void)n; /* EAGAIN: it is readable already */
}

/* ---------------------------------------------------------------- effects */

static examseat *of(void *ctx)
{
    return ctx;
}

static void push(examseat *h, examseat_event_kind kind, examseat_event event, const char *text);
static void refusal_tell(examseat *h, struct node_link *l, exam_err reason, const char *why);

static void on_dial(void *ctx, uint32_t node)
{
    examseat *h = of(ctx);
    struct node_link *l = &h->nodes[node];
    char why[KEYRING_WHY_BYTES];
    bool newer;
    exam_err err = EXAM_OK;
    if (h->keys != NULL) /* the site may have put a new roster here, since a server's key is new */
        err = keyring_refresh(h->keys, &newer, why, sizeof(why));
    if (err != EXAM_OK)
        push(h, EXAMSEAT_EVENT_PROBLEM, (examseat_event){.err = fail(h, err_of(err), why)}, why);
    err = link_dial(h->hub, l->url, l->name, node, &l->id);
    l->failed = err != EXAM_OK;
    if (err == EXAM_NOT_FOUND)
        refusal_tell(h, l, err, "the roster of keys has no good key of a server of that name");
}

static void on_close(void *ctx, uint32_t node)
{
    examseat *h = of(ctx);
    struct node_link *l = &h->nodes[node];
    link_close(h->hub, l->id);
    l->id = (struct link_id){0};
    l->failed = false;
}

static void on_send(void *ctx, uint32_t node, const uint8_t *frame, size_t frame_bytes)
{
    examseat *h = of(ctx);
    struct node_link *l = &h->nodes[node];
    if (link_none(l->id) || link_send(h->hub, l->id, frame, frame_bytes) == EXAM_OK)
        return;
    link_close(h->hub, l->id);
    l->id = (struct link_id){0};
    l->failed = true;
}

static exam_err on_journal(void *ctx, const struct seat_record *r, bool durable)
{
    examseat *h = of(ctx);
    exam_err err = journal_append(h->journal, r, durable);
    if (err == EXAM_OK && r->kind == SEAT_RECORD_POSITION && !durable)
        err = journal_flush(h->journal); /* so that it survives this program (T7) */
    if (err != EXAM_OK)
        fail(h, err_of(err), journal_why(h->journal));
    return err;
}

static exam_err on_fetch(void *ctx, uint64_t seq, struct seat_record *out)
{
    return journal_find(of(ctx)->journal, seq, out);
}

/* ---------------------------------------------------------------- events */

static void candidate_copy(examseat *h, const Seat__Candidate *c)
{
    struct candidate *to = &h->candidate;
    const struct {
        char *to;
        size_t bytes;
        const char *from;
        const char **shown;
    } fields[] = {
        {to->admission_no, sizeof(to->admission_no), c->admission_no, &h->shown.admission_no},
        {to->id_no, sizeof(to->id_no), c->id_no, &h->shown.id_no},
        {to->name, sizeof(to->name), c->name, &h->shown.name},
        {to->room, sizeof(to->room), c->room, &h->shown.room},
        {to->seat, sizeof(to->seat), c->seat, &h->shown.seat},
        {to->batch, sizeof(to->batch), c->batch, &h->shown.batch},
        {to->batch_title, sizeof(to->batch_title), c->batch_title, &h->shown.batch_title},
        {to->paper, sizeof(to->paper), c->paper, &h->shown.paper},
        {to->paper_title, sizeof(to->paper_title), c->paper_title, &h->shown.paper_title},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        snprintf(fields[i].to, fields[i].bytes, "%s", fields[i].from);
        *fields[i].shown = fields[i].to;
    }
}

static void paper_part(examseat *h, const struct seat_event *e)
{
    if (e->u.part.offset == 0) {
        free(h->paper);
        h->paper = malloc(e->u.part.total);
        h->paper_bytes = e->u.part.total;
        h->storage_full = h->paper == NULL;
    }
    if (!h->storage_full)
        memcpy(h->paper + e->u.part.offset, e->u.part.data, e->u.part.data_bytes);
}

static void push(examseat *h, examseat_event_kind kind, examseat_event event, const char *text)
{
    event.size = sizeof(event);
    event.kind = kind;
    event_queue_push(&h->events, &event, text);
}

static void push_problem(examseat *h, examseat_event_kind kind, const struct seat_event *e)
{
    examseat_event out = {.err = err_of(e->u.problem.code)};
    const char *text = e->u.problem.text;
    /* The journal's own words say which file, and why. */
    bool journal = e->u.problem.node == UINT32_MAX && kind == EXAMSEAT_EVENT_PROBLEM &&
                   journal_why(h->journal)[0] != 0;
    if (journal)
        text = journal_why(h->journal);
    fail(h, out.err, text);
    push(h, kind, out, text);
}

static void push_paper(examseat *h)
{
    if (h->storage_full) {
        push(h, EXAMSEAT_EVENT_PAPER_FAILED, (examseat_event){.err = EXAMSEAT_SYSTEM},
             "this machine has no memory for the paper: close other programs, fetch it again");
        return;
    }
    push(h, EXAMSEAT_EVENT_PAPER, (examseat_event){.err = EXAMSEAT_OK}, "");
}

static void push_answer(examseat *h, const struct seat_event *e)
{
    examseat_event out = {.err = err_of(e->u.answer.code),
                          .seq = e->u.answer.seq,
                          .answer_state = (examseat_answer_state)e->u.answer.state,
                          .late = e->u.answer.late};
    push(h, EXAMSEAT_EVENT_ANSWER, out, e->u.answer.text);
}

static void push_collected(examseat *h, const struct seat_event *e)
{
    h->discard = true;
    h->discard_keep = e->u.collected.keep;
    push(h, EXAMSEAT_EVENT_COLLECTED, (examseat_event){.unsaved = e->u.collected.keep},
         e->u.collected.keep ? "another candidate's answers are kept aside in the journal folder"
                             : "");
}

/* D8: NULL, or why it is none of this candidate's. */
static const char *receipt_wrong(const examseat *h, const struct seat_event *e, struct receipt *r)
{
    if (receipt_parse((const char *)e->u.receipt.text, e->u.receipt.text_bytes, r) != EXAM_OK)
        return "the server sent a receipt that is none: ask for it at the administrator's desk";
    if (strcmp(r->candidate, h->candidate.admission_no) != 0)
        return "the server sent another candidate's receipt: ask at the administrator's desk";
    if (receipt_verify(r, keyring_roster(h->keys), NULL) != EXAM_OK)
        return "the receipt is not signed by a server of this site: tell an administrator";
    return NULL;
}

static void push_receipt(examseat *h, const struct seat_event *e)
{
    char path[RECEIPT_PATH_BYTES];
    struct receipt r;
    size_t n;
    if (h->keys == NULL)
        return;
    const char *wrong = receipt_wrong(h, e, &r);
    if (wrong != NULL) {
        push(h, EXAMSEAT_EVENT_PROBLEM, (examseat_event){.err = fail(h, EXAMSEAT_REFUSED, wrong)},
             wrong);
        return;
    }
    receipt_format(&r, h->receipt, &n);
    h->receipt[n] = 0;
    exam_err err = receipt_keep(h->journal_dir, &r, path);
    push(h, EXAMSEAT_EVENT_RECEIPT, (examseat_event){.err = err_of(err)},
         err == EXAM_OK ? path : "the receipt could not be written to the journal's folder");
}

static void on_event(void *ctx, const struct seat_event *e)
{
    examseat *h = of(ctx);
    examseat_event none = {.err = EXAMSEAT_OK};
    switch (e->kind) {
    case SEAT_EVENT_STATE:
        none.state = (examseat_state)e->u.state.to;
        push(h, EXAMSEAT_EVENT_STATE, none, "");
        return;
    case SEAT_EVENT_ATTACHED:
        none.in_contact = 1;
        push(h, EXAMSEAT_EVENT_CONTACT, none, "");
        return;
    case SEAT_EVENT_LOST:
        push_problem(h, EXAMSEAT_EVENT_CONTACT, e);
        return;
    case SEAT_EVENT_CANDIDATE:
        candidate_copy(h, e->u.candidate);
        push(h, EXAMSEAT_EVENT_CANDIDATE, none, "");
        return;
    case SEAT_EVENT_SIGN_IN_REFUSED:
        push_problem(h, EXAMSEAT_EVENT_SIGN_IN_REFUSED, e);
        return;
    case SEAT_EVENT_SIGN_IN_NEEDED:
        push_problem(h, EXAMSEAT_EVENT_SIGN_IN_NEEDED, e);
        return;
    case SEAT_EVENT_STARTED:
        push(h, EXAMSEAT_EVENT_STARTED, none, "");
        return;
    case SEAT_EVENT_PAPER_PART:
        paper_part(h, e);
        return;
    case SEAT_EVENT_PAPER:
        push_paper(h);
        return;
    case SEAT_EVENT_PAPER_FAILED:
        push_problem(h, EXAMSEAT_EVENT_PAPER_FAILED, e);
        return;
    case SEAT_EVENT_ANSWER:
        push_answer(h, e);
        return;
    case SEAT_EVENT_ACCOUNT:
        if (e->u.account.full) /* every acknowledgement would be too many */
            push(h, EXAMSEAT_EVENT_ACCOUNT, none, "");
        return;
    case SEAT_EVENT_LOCKED:
    case SEAT_EVENT_UNLOCKED:
        return; /* told as states */
    case SEAT_EVENT_FINISHED:
        none.finish = (examseat_finish)e->u.finished.finish;
        push(h, EXAMSEAT_EVENT_FINISHED, none, "");
        return;
    case SEAT_EVENT_REOPENED:
        push(h, EXAMSEAT_EVENT_REOPENED, none, "");
        return;
    case SEAT_EVENT_COLLECTED:
        push_collected(h, e);
        return;
    case SEAT_EVENT_PROBLEM:
        push_problem(h, EXAMSEAT_EVENT_PROBLEM, e);
        return;
    case SEAT_EVENT_RECEIPT:
        push_receipt(h, e);
        return;
    }
}

static const struct seat_effects effects = {.dial = on_dial,
                                            .close = on_close,
                                            .send = on_send,
                                            .journal = on_journal,
                                            .fetch = on_fetch,
                                            .event = on_event};

/* ---------------------------------------------------------------- opening and closing */

static exam_err on_replay(void *ctx, const struct seat_record *r)
{
    seat_core_replay(of(ctx)->core, r);
    return EXAM_OK;
}

/* Of a program that was built with an older header, the fields that it does not know are NULL. */
static bool config_take(const examseat_config *given, examseat_config *out)
{
    *out = (examseat_config){.size = sizeof(*out)};
    if (given->size != sizeof(*out) && given->size != offsetof(examseat_config, key_file))
        return false;
    memcpy(out, given, given->size);
    return true;
}

/* "NAME@host:port": what is behind the @, and whether what is before it is a name. */
static const char *address_of(const char *node, char name[KEY_NAME_BYTES], bool *named)
{
    const char *at = strchr(node, '@');
    size_t n = at != NULL ? (size_t)(at - node) : 0;
    *named = at != NULL && n < KEY_NAME_BYTES;
    snprintf(name, KEY_NAME_BYTES, "%.*s", *named ? (int)n : 0, node);
    *named = *named && codec_name_ok(name);
    return at != NULL ? at + 1 : node;
}

static const char *node_check(const examseat_config *c, const char *node)
{
    char name[KEY_NAME_BYTES];
    bool named;
    if (node == NULL)
        return "a server's address is not host:port";
    const char *address = address_of(node, name, &named);
    if (strchr(address, ':') == NULL || strlen(address) + sizeof("tcp://") > URL_BYTES ||
        (address != node && !named))
        return "a server's address is not host:port, nor NAME@host:port";
    if (c->key_file != NULL && !named)
        return "with a key a server's address is NAME@host:port, its name as in the roster of keys";
    return NULL;
}

static examseat_err config_check(const examseat_config *c, bool size_fits, char *why)
{
    const char *text = NULL;
    if (!size_fits)
        text = "examseat_config.size is not that of this library: set it by EXAMSEAT_CONFIG_INIT";
    else if (c->nodes == NULL || c->nodes_n < 1 || c->nodes_n > EXAMSEAT_NODES_MAX)
        text = "between 1 and 8 servers are to be given";
    else if (c->seat == NULL || !codec_name_ok(c->seat))
        text = "the seat's name is missing, or has a space or another character that no name has";
    else if (c->journal_dir == NULL || c->journal_dir[0] == 0)
        text = "the journal's folder is missing";
    else if (c->client != NULL && (strlen(c->client) > EXAMSEAT_NAME_BYTES_MAX ||
                                   !codec_text_ok(c->client, strlen(c->client))))
        text = "the client's name is over 32 bytes, or no text";
    else if ((c->key_file == NULL) != (c->key_roster == NULL))
        text = "the key file and the roster of keys go together";
    for (uint32_t i = 0; text == NULL && i < c->nodes_n; i++)
        text = node_check(c, c->nodes[i]);
    if (text == NULL)
        return EXAMSEAT_OK;
    snprintf(why, JOURNAL_WHY_BYTES, "%s", text);
    return EXAMSEAT_INVALID;
}

static examseat_err core_open(examseat *h, const examseat_config *c)
{
    struct seat_config config = {.seat = c->seat,
                                 .client = c->client != NULL ? c->client : CLIENT_DEFAULT,
                                 .nodes_n = c->nodes_n,
                                 .dial_timeout_ms = c->key_file != NULL ? SEAT_DIAL_SEALED_MS : 0,
                                 .arena = &h->arena,
                                 .effects = &effects,
                                 .ctx = h};
    boot_id_get(config.boot_id);
    randombytes_buf(&config.chance_seed, sizeof(config.chance_seed));
    size_t bytes;
    exam_err err = seat_core_bytes(&config, &bytes);
    if (err != EXAM_OK)
        return err_of(err);
    h->core_block = malloc(bytes);
    h->arena_block = malloc(ARENA_BYTES_SEAT);
    if (h->core_block == NULL || h->arena_block == NULL)
        return EXAMSEAT_SYSTEM;
    arena_init(&h->arena, h->arena_block, ARENA_BYTES_SEAT);
    return err_of(seat_core_init(h->core_block, bytes, &config, &h->core));
}

static examseat_err hub_open(examseat *h, const examseat_config *c)
{
    h->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (h->wake_fd < 0)
        return EXAMSEAT_SYSTEM;
    h->nodes_n = c->nodes_n;
    for (uint32_t i = 0; i < c->nodes_n; i++) {
        bool named;
        const char *address = address_of(c->nodes[i], h->nodes[i].name, &named);
        snprintf(h->nodes[i].url, URL_BYTES, "%s%s", strstr(address, "://") != NULL ? "" : "tcp://",
                 address);
    }
    struct link_options options = {
        .send_bytes_max = SEND_BYTES_MAX,
        .links_max = LINKS_MAX,
        .wake = wake,
        .wake_ctx = h,
        .tunnel = {.keys = h->keys, .conversation = CHANNEL_SEAT, .peers = KEY_NODE}};
    return err_of(link_hub_new(&options, &h->hub));
}

/* The key must be this seat's: under another name no server would let it in. */
static examseat_err keys_open(examseat *h, const examseat_config *c, char why[JOURNAL_WHY_BYTES])
{
    if (c->key_file == NULL)
        return EXAMSEAT_OK;
    exam_err err =
        keyring_open(c->key_file, c->key_roster, KEY_SEAT, &h->keys, why, JOURNAL_WHY_BYTES);
    if (err != EXAM_OK)
        return err == EXAM_AUTH ? EXAMSEAT_REFUSED : err_of(err);
    if (strcmp(keyring_own(h->keys)->name, c->seat) == 0)
        return EXAMSEAT_OK;
    snprintf(why, JOURNAL_WHY_BYTES, "%s is the key of seat %s, and this is seat %s", c->key_file,
             keyring_own(h->keys)->name, c->seat);
    return EXAMSEAT_REFUSED;
}

static void handle_free(examseat *h)
{
    link_hub_free(h->hub);
    keyring_free(h->keys);
    journal_close(h->journal);
    event_queue_fini(&h->events);
    if (h->wake_fd >= 0)
        close(h->wake_fd);
    free(h->journal_dir);
    free(h->paper);
    free(h->core_block);
    free(h->arena_block);
    free(h);
}

/* P3: who gets hold of the PC's disk without its key does not read the answers in it. */
static exam_err own_journal_open(examseat *h, const examseat_config *c, char why[JOURNAL_WHY_BYTES])
{
    uint8_t key[KEY_BYTES];
    struct journal_place place = {.dir = c->journal_dir, .seat = c->seat};
    if (h->keys != NULL) {
        key_file_derive(keyring_own(h->keys), KEY_FOR_JOURNAL, key);
        place.key = key;
    }
    exam_err err = journal_open(&place, on_replay, h, &h->journal, NULL, why);
    sodium_memzero(key, sizeof(key));
    return err;
}

/* What was revoked since must not come back with an older roster: the seat would dial a server that
 * is none any more. */
static exam_err roster_remember(examseat *h, const examseat_config *c, char why[JOURNAL_WHY_BYTES])
{
    char path[ROSTER_USED_PATH_BYTES];
    if (h->keys == NULL)
        return EXAM_OK;
    if (snprintf(path, sizeof(path), "%s/%s.roster-used", c->journal_dir, c->seat) >=
        (int)sizeof(path))
        return EXAM_TOO_BIG;
    return keyring_remember_file(h->keys, path, why, JOURNAL_WHY_BYTES);
}

static examseat_err handle_open(examseat *h, const examseat_config *c, char why[JOURNAL_WHY_BYTES])
{
    snprintf(why, JOURNAL_WHY_BYTES, "no memory, or no descriptor, for a seat");
    examseat_err err = core_open(h, c);
    if (err == EXAMSEAT_OK)
        err = keys_open(h, c, why);
    if (err != EXAMSEAT_OK)
        return err;
    h->journal_dir = strdup(c->journal_dir);
    if (h->journal_dir == NULL)
        return EXAMSEAT_SYSTEM;
    exam_err opened = own_journal_open(h, c, why);
    if (opened == EXAM_OK)
        opened = roster_remember(h, c, why);
    if (opened != EXAM_OK)
        return err_of(opened);
    snprintf(why, JOURNAL_WHY_BYTES, "no memory, or no descriptor, for the seat's connections");
    err = hub_open(h, c);
    if (err != EXAMSEAT_OK)
        return err;
    opened = seat_core_start(h->core, clock_now_ms());
    if (opened != EXAM_OK)
        snprintf(why, JOURNAL_WHY_BYTES, "%s", journal_why(h->journal));
    return err_of(opened);
}

examseat_err examseat_open(const examseat_config *config, examseat **h, char *why, size_t why_bytes)
{
    char text[JOURNAL_WHY_BYTES] = "";
    examseat *opened = NULL;
    examseat_config taken;
    bool size_fits = config_take(config, &taken);
    examseat_err err = config_check(&taken, size_fits, text);
    if (err == EXAMSEAT_OK && sodium_init() < 0)
        err = EXAMSEAT_SYSTEM;
    if (err == EXAMSEAT_OK) {
        opened = calloc(1, sizeof(*opened));
        err = opened != NULL ? EXAMSEAT_OK : EXAMSEAT_SYSTEM;
    }
    if (err == EXAMSEAT_OK) {
        opened->wake_fd = -1;
        opened->on_event = taken.on_event;
        opened->user = taken.user;
        err = handle_open(opened, &taken, text);
        if (err != EXAMSEAT_OK)
            handle_free(opened);
    }
    if (err != EXAMSEAT_OK) {
        if (why != NULL && why_bytes > 0)
            snprintf(why, why_bytes, "%s", text);
        return err;
    }
    wake(opened); /* its first events are there to be polled */
    *h = opened;
    return EXAMSEAT_OK;
}

void examseat_close(examseat *h)
{
    if (h == NULL || h->polling)
        return;
    seat_core_stop(h->core, clock_now_ms());
    handle_free(h);
}

/* ---------------------------------------------------------------- polling */

/* Told once, until there is a channel: it is tried again and again. */
static void refusal_tell(examseat *h, struct node_link *l, exam_err reason, const char *why)
{
    char text[EVENT_TEXT_BYTES];
    exam_err code = reason == EXAM_CONN ? EXAM_AUTH : reason;
    if (why[0] == 0 || l->told == code)
        return;
    l->told = code;
    snprintf(text, sizeof(text), "server %s: %s", l->name, why);
    examseat_err err = code == EXAM_AUTH ? EXAMSEAT_REFUSED : err_of(code);
    push(h, EXAMSEAT_EVENT_PROBLEM, (examseat_event){.err = fail(h, err, text)}, text);
}

static void links_take(examseat *h)
{
    struct link_event e;
    while (link_next(h->hub, &e)) {
        uint32_t node = (uint32_t)e.token;
        struct node_link *l = &h->nodes[node];
        if (node >= h->nodes_n || !link_same(e.link, l->id))
            continue; /* of a connection that was given up */
        switch (e.kind) {
        case LINK_OPENED:
            l->told = EXAM_OK;
            seat_core_link_opened(h->core, clock_now_ms(), node);
            break;
        case LINK_FRAME:
            seat_core_frame(h->core, clock_now_ms(), node, e.payload, e.payload_bytes);
            break;
        case LINK_CLOSED:
        case LINK_DIAL_FAILED:
            l->id = (struct link_id){0};
            refusal_tell(h, l, e.reason, e.why);
            seat_core_link_closed(h->core, clock_now_ms(), node);
            break;
        case LINK_REFUSED:
            break; /* a seat accepts nobody */
        }
    }
}

static void failures_take(examseat *h)
{
    for (uint32_t i = 0; i < h->nodes_n; i++) {
        if (!h->nodes[i].failed)
            continue;
        h->nodes[i].failed = false;
        seat_core_link_closed(h->core, clock_now_ms(), i);
    }
}

static void journal_take(examseat *h)
{
    if (!h->discard)
        return;
    h->discard = false;
    exam_err err = journal_discard(h->journal, h->discard_keep);
    if (err == EXAM_OK)
        err = seat_core_rejournal(h->core, clock_now_ms());
    if (err == EXAM_OK)
        return;
    fail(h, err_of(err), journal_why(h->journal));
    push(h, EXAMSEAT_EVENT_PROBLEM, (examseat_event){.err = err_of(err)}, h->error);
}

static void work(examseat *h)
{
    uint64_t count;
    ssize_t n = read(h->wake_fd, &count, sizeof(count));
    (void)n; /* EAGAIN: nobody woke us; the deadline may have */
    links_take(h);
    failures_take(h);
    if (seat_core_deadline_ms(h->core) <= clock_now_ms())
        seat_core_tick(h->core, clock_now_ms());
    failures_take(h);
    journal_take(h);
}

static void deliver(examseat *h)
{
    examseat_event e;
    char text[EVENT_TEXT_BYTES];
    while (event_queue_pop(&h->events, &e, text)) {
        e.text = text;
        if (e.kind == EXAMSEAT_EVENT_CANDIDATE)
            e.candidate = &h->shown;
        if (e.kind == EXAMSEAT_EVENT_PAPER) {
            e.paper = h->paper;
            e.paper_bytes = h->paper_bytes;
        }
        if (e.kind == EXAMSEAT_EVENT_RECEIPT)
            e.receipt = h->receipt;
        if (h->on_event != NULL)
            h->on_event(h->user, h, &e);
    }
}

int examseat_next_ms(const examseat *h)
{
    if (h->events.n > 0)
        return 0;
    uint64_t due_ms = seat_core_deadline_ms(h->core), now_ms = clock_now_ms();
    if (due_ms == UINT64_MAX)
        return -1;
    if (due_ms <= now_ms)
        return 0;
    return due_ms - now_ms < 3600000 ? (int)(due_ms - now_ms) : 3600000;
}

static examseat_err wait_for_work(examseat *h, int timeout_ms)
{
    int next_ms = examseat_next_ms(h);
    if (timeout_ms < 0 || (next_ms >= 0 && next_ms < timeout_ms))
        timeout_ms = next_ms;
    struct pollfd fd = {.fd = h->wake_fd, .events = POLLIN};
    if (poll(&fd, 1, timeout_ms) < 0 && errno != EINTR)
        return fail(h, EXAMSEAT_SYSTEM, strerror(errno));
    return EXAMSEAT_OK;
}

examseat_err examseat_poll(examseat *h, int timeout_ms)
{
    if (h->polling)
        return fail(h, EXAMSEAT_STATE, "examseat_poll was called from inside a callback");
    h->polling = true;
    examseat_err err = EXAMSEAT_OK;
    if (timeout_ms != 0)
        err = wait_for_work(h, timeout_ms);
    work(h);
    deliver(h);
    failures_take(h); /* of what the callbacks asked for */
    if (h->events.n > 0)
        wake(h);
    if (h->events.overflowed) {
        h->events.overflowed = false;
        err = fail(h, EXAMSEAT_SYSTEM,
                   "events were dropped for want of memory: ask for states and answers again");
    }
    h->polling = false;
    return err;
}

int examseat_fd(const examseat *h)
{
    return h->wake_fd;
}

/* ---------------------------------------------------------------- the candidate */

/* After a call outside of examseat_poll: what it brought about waits there. */
static examseat_err called(examseat *h, exam_err err, const char *text)
{
    bool failed = false;
    for (uint32_t i = 0; i < h->nodes_n; i++)
        failed = failed || h->nodes[i].failed;
    if (failed || h->events.n > 0)
        wake(h);
    if (err == EXAM_OK)
        return EXAMSEAT_OK;
    bool journal = err == EXAM_IO || (err == EXAM_FULL && journal_why(h->journal)[0] != 0);
    return fail(h, err_of(err), journal ? journal_why(h->journal) : text);
}

examseat_err examseat_sign_in(examseat *h, const char *admission_no, const char *id_no)
{
    uint8_t session[SESSION_BYTES];
    if (admission_no == NULL || id_no == NULL)
        return fail(h, EXAMSEAT_INVALID, "a number is missing");
    randombytes_buf(session, sizeof(session));
    exam_err err = seat_core_sign_in(h->core, clock_now_ms(), admission_no, id_no, session);
    return called(h, err,
                  err == EXAM_INVALID  ? "not a number that a candidate can have"
                  : err == EXAM_EXISTS ? "this candidate is signed in here, or about to be"
                                       : "another candidate's sitting at this seat is not over");
}

examseat_err examseat_fetch_paper(examseat *h)
{
    return called(h, seat_core_fetch_paper(h->core, clock_now_ms()),
                  "the batch has not started: there is no paper yet");
}

static const char *action_text(exam_err err)
{
    switch (err) {
    case EXAM_STATE:
        return "the screen is not open: not started, locked or paused";
    case EXAM_LATE:
        return "the sitting is finished";
    case EXAM_FULL:
        return "too many answers wait to be sent";
    case EXAM_TOO_BIG:
        return "an answer has at most 1024 bytes";
    case EXAM_INVALID:
        return "not the name of an item, or not a text";
    default:
        return exam_err_text(err);
    }
}

examseat_err examseat_answer(examseat *h, const char *item, const void *value, size_t value_bytes,
                             uint64_t *seq)
{
    uint64_t made;
    if (item == NULL || (value == NULL && value_bytes > 0))
        return fail(h, EXAMSEAT_INVALID, "the item or the value is missing");
    const uint8_t *bytes = value != NULL ? value : (const uint8_t *)"";
    exam_err err = seat_core_answer(h->core, clock_now_ms(), item, bytes, value_bytes, &made);
    if (err == EXAM_OK && seq != NULL)
        *seq = made;
    return called(h, err, action_text(err));
}

examseat_err examseat_submit(examseat *h, uint64_t *seq)
{
    uint64_t made;
    exam_err err = seat_core_submit(h->core, clock_now_ms(), &made);
    if (err == EXAM_OK && seq != NULL)
        *seq = made;
    return called(h, err, action_text(err));
}

examseat_err examseat_each_answer(examseat *h, examseat_answer_fn fn, void *user)
{
    uint64_t last = seat_core_seq_last(h->core);
    for (uint64_t seq = 1; seq <= last; seq++) {
        struct seat_record r;
        exam_err err = journal_find(h->journal, seq, &r);
        if (err == EXAM_NOT_FOUND)
            continue;
        if (err != EXAM_OK)
            return fail(h, err_of(err), journal_why(h->journal));
        if (r.u.action.submit)
            continue;
        /* Copied: the callback may answer, which moves the journal's own buffer. */
        char item[NAME_BYTES_MAX + 1];
        uint8_t value[ANSWER_BYTES_MAX];
        snprintf(item, sizeof(item), "%s", r.u.action.item);
        if (r.u.action.value_bytes > 0)
            memcpy(value, r.u.action.value, r.u.action.value_bytes);
        fn(user, seq, item, value, r.u.action.value_bytes);
    }
    return EXAMSEAT_OK;
}

/* ---------------------------------------------------------------- queries */

examseat_state examseat_get_state(const examseat *h)
{
    return (examseat_state)seat_core_state(h->core);
}

int examseat_in_contact(const examseat *h)
{
    return seat_core_in_contact(h->core);
}

examseat_finish examseat_get_finish(const examseat *h)
{
    return (examseat_finish)seat_core_finish(h->core);
}

uint64_t examseat_time_left_ms(const examseat *h)
{
    return seat_core_left_ms(h->core, clock_now_ms());
}

uint64_t examseat_time_used_ms(const examseat *h)
{
    return seat_core_used_ms(h->core, clock_now_ms());
}

examseat_answer_state examseat_get_answer_state(const examseat *h, uint64_t seq)
{
    return (examseat_answer_state)seat_core_answer_state(h->core, seq);
}

uint64_t examseat_unsaved(const examseat *h)
{
    return seat_core_unsaved_n(h->core);
}

const char *examseat_error_text(const examseat *h)
{
    return h->error;
}

const char *examseat_receipt(const examseat *h)
{
    return h->receipt[0] != 0 ? h->receipt : NULL;
}
