/* The administrators' endpoint with keys: what is carried out is what its person has signed, for
 * this connection, once, and may ask for (R4); acts of two persons (P2). The real endpoint and
 * engine, over connections and a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "admin_core.h"
#include "admin_server.h"
#include "clock.h"
#include "codec.h"
#include "frame.h"
#include "oplog.h"
#include "proposals.h"
#include "server.h"
#include "signed_command.h"
#include "site_keys.h"
#include "store_mem.h"

/* ---------------------------------------------------------------- clock.h, server.h */

static uint64_t now_ms;

uint64_t clock_boot_ms(void)
{
    return now_ms;
}

int64_t clock_wall_ms(void)
{
    return 1700000000000;
}

void clock_boot_id(char out[BOOT_ID_BYTES + 1])
{
    out[0] = '\0';
}

enum { CONNS = 4, REPLIES_MAX = 8, REPLY_BYTES_MAX = 8192 };

struct conn {
    struct server *s;
    struct key_entry identity;
    uint32_t generation;
    bool keyed, known;
    max_align_t data[128];
    /* the person's side */
    const struct key_file *key;
    uint8_t nonce[SIGN_NONCE_BYTES];
    uint32_t id;
    uint8_t reply[REPLIES_MAX][REPLY_BYTES_MAX];
    size_t reply_bytes[REPLIES_MAX], replies_n;
};

struct server {
    struct server_handlers h;
    void *ctx;
    struct conn conns[CONNS];
};

static struct server *listening;

exam_err server_listen(struct uv_loop_s *loop, const struct server_options *o,
                       const struct server_handlers *h, void *ctx, struct server **out, char *why,
                       size_t why_bytes)
{
    (void)loop;
    (void)why;
    (void)why_bytes;
    *out = listening = calloc(1, sizeof *listening);
    assert_true(o->conn_bytes <= sizeof listening->conns[0].data);
    listening->h = *h;
    listening->ctx = ctx;
    return EXAM_OK;
}

void server_close(struct server *s)
{
    (void)s;
}

void server_release_held(struct server *s)
{
    (void)s;
}

void server_sweep(struct server *s, uint64_t at_ms)
{
    (void)s;
    (void)at_ms;
}

void server_each(struct server *s, void (*each)(void *ctx, struct conn *c), void *ctx)
{
    for (size_t i = 0; i < CONNS; i++)
        each(ctx, &s->conns[i]);
}

uint32_t server_conns(const struct server *s)
{
    (void)s;
    return CONNS;
}

void server_recheck(struct server *s)
{
    (void)s;
}

struct conn_ref conn_ref_of(const struct conn *c)
{
    return (struct conn_ref){.slot = (uint32_t)(c - c->s->conns), .generation = c->generation};
}

struct conn *conn_of(struct server *s, struct conn_ref ref)
{
    struct conn *c = &s->conns[ref.slot];
    return c->generation == ref.generation ? c : NULL;
}

void *conn_data(struct conn *c)
{
    return c->data;
}

const char *conn_peer(const struct conn *c)
{
    (void)c;
    return "10.0.0.7:50112";
}

const struct key_entry *conn_identity(const struct conn *c)
{
    return c->keyed ? &c->identity : NULL;
}

void conn_known(struct conn *c)
{
    c->known = true;
}

bool conn_is_known(const struct conn *c)
{
    return c->known;
}

uint64_t conn_heard_ms(const struct conn *c)
{
    (void)c;
    return now_ms;
}

void conn_send(struct conn *c, const uint8_t *frames, size_t bytes)
{
    assert_true(c->replies_n < REPLIES_MAX && bytes <= REPLY_BYTES_MAX);
    memcpy(c->reply[c->replies_n], frames + FRAME_HEADER_BYTES, bytes - FRAME_HEADER_BYTES);
    c->reply_bytes[c->replies_n++] = bytes - FRAME_HEADER_BYTES;
}

size_t conn_queued_bytes(const struct conn *c)
{
    (void)c;
    return 0;
}

void conn_close(struct conn *c, const char *why)
{
    (void)c;
    (void)why;
}

/* ---------------------------------------------------------------- the site */

enum person { WANG, LI, ZHOU, KAI, PERSONS };

struct fixture {
    struct site_keys site;
    struct key_file person[PERSONS]; /* two administrators, an invigilator, a reviewer */
    store_image *image;
    struct engine *e;
    struct admin_server *a;
    struct arena arena;
    uint8_t *arena_block;
    bool serving, held;
    bool alone; /* nobody says that what was decided is durable */
    exam_err unlocking;
    uint8_t unlocked_with[DATA_KEY_BYTES];
    unsigned promotions;
    char promoter[PERSON_BYTES_MAX + 1];
    struct {
        Ev__Event__KindCase kind;
        char who[PERSON_BYTES_MAX + 1];
    } log[64];
    size_t log_n;
};

static struct fixture *fx; /* of the test under way */

static bool ask_serving(void *ctx)
{
    (void)ctx;
    return fx->serving;
}

static bool ask_held(void *ctx)
{
    (void)ctx;
    return fx->held;
}

static exam_err ask_unlock(void *ctx, const uint8_t *key, const char **text)
{
    (void)ctx;
    memcpy(fx->unlocked_with, key, sizeof fx->unlocked_with);
    *text = "unlocked, or not";
    return fx->unlocking;
}

static void ask_status(void *ctx, Admin__NodeStatus *out)
{
    (void)ctx;
    out->role = ADMIN__ROLE__ROLE_PRIMARY;
}

/* All seats are in contact here. */
static void ask_contacts(void *ctx, struct seat_contact *by_seat)
{
    (void)ctx;
    for (uint32_t i = 1; i <= exam_seats(engine_exam(fx->e)); i++)
        by_seat[i] = (struct seat_contact){.connected = true};
}

static void ask_promote(void *ctx, const Admin__Promote *m)
{
    (void)ctx;
    fx->promotions++;
    snprintf(fx->promoter, sizeof fx->promoter, "%s", m->who);
}

static void log_see(void *ctx, const struct record *r, const Ev__Event *e)
{
    const char *who = "";

    (void)ctx;
    (void)r;
    if (e->kind_case == EV__EVENT__KIND_COMMAND_SIGNED)
        who = e->command_signed->who;
    else if (e->kind_case == EV__EVENT__KIND_GRANTED)
        who = e->granted->who;
    else if (e->kind_case == EV__EVENT__KIND_PAUSED)
        who = e->paused->who;
    else if (e->kind_case == EV__EVENT__KIND_IMPORT_COMPLETED)
        who = e->import_completed->who;
    else if (e->kind_case == EV__EVENT__KIND_BATCH_STARTED)
        who = e->batch_started->who;
    assert_true(fx->log_n < 64);
    fx->log[fx->log_n].kind = e->kind_case;
    strcpy(fx->log[fx->log_n++].who, who);
    if (e->kind_case == EV__EVENT__KIND_COMMAND_SIGNED)
        assert_int_equal(signed_command_check(e->command_signed, fx->site.roster), EXAM_OK);
}

static void engine_begin(struct fixture *f)
{
    static const uint8_t key[32] = {9};
    struct exam_command c = {.kind = EXAM_CMD_FOUND};
    struct exam_refusal why;
    char text[256];
    uint64_t lsn;
    store *s;

    assert_int_equal(store_image_new(&f->image), EXAM_OK);
    assert_int_equal(store_open_image(f->image, &s), EXAM_OK);
    assert_int_equal(engine_open("A", s, &f->e, text, sizeof text), EXAM_OK);
    c.u.found.site_id = f->site.authority.site_id;
    c.u.found.site_key = key;
    c.u.found.name = "test site";
    c.u.found.who = "tester";
    assert_int_equal(engine_decide(f->e, &c, &why, &lsn), EXAM_OK);
    c = (struct exam_command){.kind = EXAM_CMD_BEGIN_EPOCH};
    c.u.begin_epoch.epoch = 1;
    c.u.begin_epoch.node = "A";
    c.u.begin_epoch.who = c.u.begin_epoch.why = "";
    c.u.begin_epoch.reason = EV__EPOCH_REASON__EPOCH_REASON_FOUNDED;
    c.u.begin_epoch.solo = true;
    assert_int_equal(engine_decide(f->e, &c, &why, &lsn), EXAM_OK);
    assert_int_equal(engine_commit(f->e), EXAM_OK);
    engine_on_event(f->e, log_see, NULL);
}

static void person_add(struct fixture *f, enum person who, const char *name, enum key_role role)
{
    uint8_t chance[KEY_BYTES] = {77, (uint8_t)who};
    struct key_entry e;

    key_file_make(&f->person[who], name, KEY_PERSON, f->site.authority.site_id,
                  f->site.authority.authority, chance);
    key_entry_of(&f->person[who], &e);
    e.role = role;
    if (role == KEY_ROLE_INVIGILATOR) {
        strcpy(e.rooms[0], "R1");
        e.rooms_n = 1;
    }
    assert_int_equal(key_roster_add(f->site.roster, &e), EXAM_OK);
}

static int setup(void **state)
{
    struct config config = {.admin_listen = "127.0.0.1:1"};
    struct fixture *f = fx = calloc(1, sizeof *f);
    char why[256];

    now_ms = 1000000;
    f->serving = true;
    f->arena_block = malloc(ARENA_BYTES_FRAME);
    arena_init(&f->arena, f->arena_block, ARENA_BYTES_FRAME);
    site_keys_init(&f->site, 7);
    person_add(f, WANG, "wang", KEY_ROLE_ADMINISTRATOR);
    person_add(f, LI, "li", KEY_ROLE_ADMINISTRATOR);
    person_add(f, ZHOU, "zhou", KEY_ROLE_INVIGILATOR);
    person_add(f, KAI, "kai", KEY_ROLE_REVIEWER);
    engine_begin(f);
    const struct admin_node node = {.engine = f->e,
                                    .name = "A",
                                    .keys = f->site.ring[SITE_NODE_A],
                                    .two_person = CONFIG_TWO_GRANT | CONFIG_TWO_IMPORT |
                                                  CONFIG_TWO_PROMOTE_FORCED,
                                    .grant_two_person_ms = 600000,
                                    .serving = ask_serving,
                                    .held = ask_held,
                                    .unlock = ask_unlock,
                                    .status = ask_status,
                                    .contacts = ask_contacts,
                                    .promote = ask_promote};
    assert_int_equal(admin_server_open(NULL, &config, &node, &f->a, why, sizeof why), EXAM_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    admin_server_free(f->a);
    free(listening);
    engine_abandon(f->e);
    store_image_free(f->image);
    site_keys_fini(&f->site);
    free(f->arena_block);
    free(f);
    return 0;
}

/* ---------------------------------------------------------------- the person's side */

/* What has become durable is told. */
static void turn(struct fixture *f)
{
    assert_int_equal(engine_commit(f->e), EXAM_OK);
    if (!f->alone)
        admin_server_released(f->a, engine_durable(f->e).lsn);
}

static enum conn_verdict give(struct fixture *f, struct conn *c, const uint8_t *payload, size_t n)
{
    c->replies_n = 0;
    enum conn_verdict verdict = listening->h.frame(listening->ctx, c, payload, n);
    turn(f);
    return verdict;
}

static const Admin__Reply *reply_at(struct fixture *f, struct conn *c, size_t i)
{
    const Admin__Reply *r;

    assert_true(i < c->replies_n);
    assert_int_equal(codec_admin_reply(&f->arena, c->reply[i], c->reply_bytes[i], &r, NULL),
                     EXAM_OK);
    return r;
}

static struct conn *connect_as(struct fixture *f, size_t slot, enum person who)
{
    struct conn *c = &listening->conns[slot];
    Admin__Hello hello = ADMIN__HELLO__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    uint8_t bytes[128];
    char client[] = "test";

    c->s = listening;
    c->keyed = true;
    c->key = &f->person[who];
    key_entry_of(c->key, &c->identity);
    hello.version = ADMIN_VERSION;
    hello.who = f->person[who].name;
    hello.client = client;
    m.id = c->id = 1;
    m.kind_case = ADMIN__REQUEST__KIND_HELLO;
    m.hello = &hello;
    size_t n = admin__request__pack(&m, bytes);
    assert_int_equal(give(f, c, bytes, n), CONN_TAKEN);
    const Admin__Reply *r = reply_at(f, c, 0);
    assert_int_equal(r->kind_case, ADMIN__REPLY__KIND_WELCOME);
    assert_int_equal(r->welcome->nonce.len, sizeof c->nonce);
    memcpy(c->nonce, r->welcome->nonce.data, sizeof c->nonce);
    return c;
}

static void disconnect(struct conn *c)
{
    listening->h.closed(listening->ctx, c, "gone");
    memset(c->data, 0, sizeof c->data);
    c->known = false;
    c->generation++;
}

enum { PAYLOAD_MAX = 1024 };

/* The request, signed for a connection by a key. */
static size_t said_by(const struct key_file *k, const uint8_t *nonce, Admin__Request *m,
                      uint8_t out[PAYLOAD_MAX])
{
    size_t n = admin__request__pack(m, out);
    const struct signed_command s = {
        .node = "A", .nonce = nonce, .request = out, .request_bytes = n};

    assert_true(n + SIGNED_TAIL_BYTES <= PAYLOAD_MAX);
    signed_command_sign(&s, k, out + n);
    return n + SIGNED_TAIL_BYTES;
}

static enum conn_verdict say(struct fixture *f, struct conn *c, Admin__Request *m)
{
    uint8_t payload[PAYLOAD_MAX];

    m->id = ++c->id;
    size_t n = said_by(c->key, c->nonce, m, payload);
    return give(f, c, payload, n);
}

static void expect_refused(struct fixture *f, struct conn *c, exam_err code, const char *text)
{
    const Admin__Reply *r = reply_at(f, c, 0);

    assert_int_equal(r->kind_case, ADMIN__REPLY__KIND_REFUSED);
    if (r->refused->code != (uint32_t)code || !strstr(r->refused->text, text))
        fail_msg("code %u: %s", r->refused->code, r->refused->text);
}

static void expect_done(struct fixture *f, struct conn *c)
{
    const Admin__Reply *r = reply_at(f, c, c->replies_n - 1);

    if (r->kind_case == ADMIN__REPLY__KIND_REFUSED)
        fail_msg("refused: %s", r->refused->text);
    assert_int_equal(r->kind_case, ADMIN__REPLY__KIND_DONE);
}

/* Requests of which there is one at a time. */
static char room_r1[] = "R1", room_r2[] = "R2", reason[] = "a test", nobody[] = "";

static Admin__Request grant_of(int64_t ms)
{
    static Admin__Target target;
    static Admin__Grant grant;
    Admin__Request m = ADMIN__REQUEST__INIT;

    admin__target__init(&target);
    target.kind = EV__SCOPE_KIND__SCOPE_KIND_ROOM;
    target.name = room_r1;
    admin__grant__init(&grant);
    grant.target = &target;
    grant.ms = ms;
    grant.who = nobody;
    grant.why = reason;
    m.kind_case = ADMIN__REQUEST__KIND_GRANT;
    m.grant = &grant;
    return m;
}

static Admin__Request confirm_of(uint32_t number, const uint8_t digest[HASH_BYTES])
{
    static Admin__Confirm confirm;
    static uint8_t copy[HASH_BYTES];
    Admin__Request m = ADMIN__REQUEST__INIT;

    memcpy(copy, digest, sizeof copy);
    admin__confirm__init(&confirm);
    confirm.proposal = number;
    confirm.digest = (ProtobufCBinaryData){sizeof copy, copy};
    m.kind_case = ADMIN__REQUEST__KIND_CONFIRM;
    m.confirm = &confirm;
    return m;
}

/* The only proposal there is, as a second person sees it. */
static Admin__Request seen_by(struct fixture *f, struct conn *c)
{
    Admin__Proposals proposals = ADMIN__PROPOSALS__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    uint8_t digest[HASH_BYTES];

    m.kind_case = ADMIN__REQUEST__KIND_PROPOSALS;
    m.proposals = &proposals;
    assert_int_equal(say(f, c, &m), CONN_TAKEN);
    assert_int_equal(c->replies_n, 2);
    const Admin__Reply *r = reply_at(f, c, 0);
    assert_int_equal(r->kind_case, ADMIN__REPLY__KIND_PROPOSAL);
    crypto_generichash(digest, sizeof digest, r->proposal->request.data, r->proposal->request.len,
                       NULL, 0);
    return confirm_of(r->proposal->proposal, digest);
}

/* Sends one of an import's requests. `c->id` goes on; the digest takes them all in. */
static void import_send(struct fixture *f, struct conn *c, Admin__Request *m, uint8_t *digest)
{
    uint8_t payload[PAYLOAD_MAX];

    m->id = ++c->id;
    size_t n = said_by(c->key, c->nonce, m, payload);
    signed_command_chain(digest, payload, n);
    assert_int_equal(give(f, c, payload, n), CONN_TAKEN);
    expect_done(f, c);
}

/* A batch of one candidate in R1, and one in R2. The commit is left to be said. */
static Admin__Request import_of(struct fixture *f, struct conn *c)
{
    static Admin__ImportCommit commit;
    static uint8_t digest[HASH_BYTES];
    static char batch[] = "B1", id_no[] = "ID1001", name[] = "Li", no[2][8] = {"1001", "2001"},
                seat[2][8] = {"R1-01", "R2-01"}, *names[] = {room_r1, room_r2};
    Admin__ImportBegin begin = ADMIN__IMPORT_BEGIN__INIT;
    Admin__ImportPart part = ADMIN__IMPORT_PART__INIT;
    Admin__ImportSitting row[2], *rows[] = {&row[0], &row[1]};
    Ev__RoomAdded room[2], *rooms[] = {&room[0], &room[1]};
    Ev__NewSitting sitting[2];
    Admin__Request m = ADMIN__REQUEST__INIT;

    memset(digest, 0, sizeof digest);
    begin.batch = begin.title = batch;
    begin.allot_ms = 3600000;
    begin.who = nobody;
    m.kind_case = ADMIN__REQUEST__KIND_IMPORT_BEGIN;
    m.import_begin = &begin;
    import_send(f, c, &m, digest);
    for (size_t i = 0; i < 2; i++) {
        ev__room_added__init(&room[i]);
        room[i].room = names[i];
        room[i].seats = 4;
        ev__new_sitting__init(&sitting[i]);
        sitting[i].admission_no = no[i];
        sitting[i].id_no = id_no;
        sitting[i].name = name;
        sitting[i].seat = seat[i];
        admin__import_sitting__init(&row[i]);
        row[i].sitting = &sitting[i];
    }
    part.rooms = rooms;
    part.sittings = rows;
    part.n_rooms = part.n_sittings = 2;
    admin__request__init(&m);
    m.kind_case = ADMIN__REQUEST__KIND_IMPORT_PART;
    m.import_part = &part;
    import_send(f, c, &m, digest);
    admin__import_commit__init(&commit);
    commit.batch = batch;
    commit.rooms = commit.sittings = 2;
    commit.digest = (ProtobufCBinaryData){sizeof digest, digest};
    admin__request__init(&m);
    m.kind_case = ADMIN__REQUEST__KIND_IMPORT_COMMIT;
    m.import_commit = &commit;
    return m;
}

static void expect_logged(const struct fixture *f, size_t back, Ev__Event__KindCase kind,
                          const char *who)
{
    assert_true(f->log_n > back);
    assert_int_equal(f->log[f->log_n - 1 - back].kind, kind);
    assert_string_equal(f->log[f->log_n - 1 - back].who, who);
}

/* B1, imported by wang and li, and started by wang. */
static void batch_begin(struct fixture *f, struct conn *wang, struct conn *li)
{
    Admin__BatchStart start = ADMIN__BATCH_START__INIT;
    Admin__Request m = import_of(f, wang);
    char batch[] = "B1";

    assert_int_equal(say(f, wang, &m), CONN_TAKEN);
    assert_int_equal(reply_at(f, wang, 0)->kind_case, ADMIN__REPLY__KIND_PROPOSED);
    m = seen_by(f, li);
    assert_int_equal(say(f, li, &m), CONN_TAKEN);
    expect_done(f, li);
    start.batch = batch;
    start.who = nobody;
    admin__request__init(&m);
    m.kind_case = ADMIN__REQUEST__KIND_BATCH_START;
    m.batch_start = &start;
    assert_int_equal(say(f, wang, &m), CONN_TAKEN);
    expect_done(f, wang);
}

/* ---------------------------------------------------------------- signed, once, here */

/* The act is its person's, whatever the request leaves out, and their word stands in front of it.
 */
static void test_admin_server__carries_out_what_was_signed(void **state)
{
    struct fixture *f = *state;
    struct conn *wang = connect_as(f, 0, WANG), *li = connect_as(f, 1, LI);
    Admin__Request m;

    batch_begin(f, wang, li);
    expect_logged(f, 0, EV__EVENT__KIND_BATCH_STARTED, "wang");
    expect_logged(f, 1, EV__EVENT__KIND_COMMAND_SIGNED, "wang");
    m = grant_of(60000);
    assert_int_equal(say(f, wang, &m), CONN_TAKEN);
    expect_done(f, wang);
    expect_logged(f, 0, EV__EVENT__KIND_GRANTED, "wang");
    expect_logged(f, 1, EV__EVENT__KIND_MARKED, "");
    expect_logged(f, 2, EV__EVENT__KIND_COMMAND_SIGNED, "wang");
}

/* Without a signature, with a wrong one, changed, or of another person: refused, and the connection
 * with it. */
static void test_admin_server__refuses_what_was_not_said(void **state)
{
    struct fixture *f = *state;
    struct conn *wang = connect_as(f, 0, WANG), *li = connect_as(f, 1, LI);
    uint8_t payload[PAYLOAD_MAX];
    Admin__Request m = grant_of(60000);
    size_t n, logged;

    batch_begin(f, wang, li);
    logged = f->log_n;
    m.id = wang->id + 1;
    n = said_by(wang->key, wang->nonce, &m, payload);
    assert_int_equal(give(f, wang, payload, n - SIGNED_TAIL_BYTES), CONN_CLOSE);
    expect_refused(f, wang, EXAM_AUTH, "not signed by its person");
    uint8_t *at = memmem(payload, n, reason, sizeof reason - 1);
    assert_non_null(at);
    *at ^= 1;
    assert_int_equal(give(f, wang, payload, n), CONN_CLOSE);
    expect_refused(f, wang, EXAM_AUTH, "the signature is not of this act");
    *at ^= 1;
    payload[n - 1] ^= 1;
    assert_int_equal(give(f, wang, payload, n), CONN_CLOSE);
    n = said_by(&f->person[LI], wang->nonce, &m, payload);
    assert_int_equal(give(f, wang, payload, n), CONN_CLOSE);
    assert_int_equal(f->log_n, logged);
}

/* What was said on another connection, or on this one before, is not said now. */
static void test_admin_server__refuses_what_was_said_before(void **state)
{
    struct fixture *f = *state;
    struct conn *wang = connect_as(f, 0, WANG), *li = connect_as(f, 1, LI);
    struct conn *again;
    uint8_t payload[PAYLOAD_MAX];
    Admin__Request m = grant_of(60000);
    size_t n, logged;

    batch_begin(f, wang, li);
    m.id = ++wang->id;
    n = said_by(wang->key, wang->nonce, &m, payload);
    assert_int_equal(give(f, wang, payload, n), CONN_TAKEN);
    expect_done(f, wang);
    logged = f->log_n;
    assert_int_equal(give(f, wang, payload, n), CONN_CLOSE);
    expect_refused(f, wang, EXAM_AUTH, "was made before");
    again = connect_as(f, 2, WANG);
    assert_memory_not_equal(again->nonce, wang->nonce, SIGN_NONCE_BYTES);
    assert_int_equal(give(f, again, payload, n), CONN_CLOSE);
    expect_refused(f, again, EXAM_AUTH, "or said before");
    assert_int_equal(f->log_n, logged);
}

/* A request that was held, as the primary waits for its standby (A1), is not one that is made
 * twice. */
static void test_admin_server__takes_a_held_act_later(void **state)
{
    struct fixture *f = *state;
    struct conn *wang = connect_as(f, 0, WANG), *li = connect_as(f, 1, LI);
    uint8_t payload[PAYLOAD_MAX];
    Admin__Request m = grant_of(60000);

    batch_begin(f, wang, li);
    m.id = ++wang->id;
    size_t n = said_by(wang->key, wang->nonce, &m, payload);
    f->held = true;
    assert_int_equal(give(f, wang, payload, n), CONN_HELD);
    f->held = false;
    assert_int_equal(give(f, wang, payload, n), CONN_TAKEN);
    expect_done(f, wang);
}

/* While nothing is durable on a standby, somebody may act and go, again and again: what waits to be
 * told to who is gone takes nobody's place. */
static void test_admin_server__has_room_for_who_is_there(void **state)
{
    struct fixture *f = *state;
    struct conn *wang = connect_as(f, 0, WANG), *li = connect_as(f, 1, LI);
    Admin__Request m;

    batch_begin(f, wang, li);
    f->alone = true;
    m = grant_of(60000);
    assert_int_equal(say(f, li, &m), CONN_TAKEN);
    for (int i = 0; i < 200; i++) {
        f->log_n = 0;
        disconnect(wang);
        wang = connect_as(f, 0, WANG);
        m = grant_of(i % 2 ? 60000 : -60000);
        assert_int_equal(say(f, wang, &m), CONN_TAKEN);
        assert_int_equal(wang->replies_n, 0);
    }
    f->alone = false;
    turn(f);
    expect_done(f, wang);
    expect_done(f, li);
}

/* Another name in a request, a role that may not, and a key that is void by now. */
static void test_admin_server__refuses_who_may_not(void **state)
{
    struct fixture *f = *state;
    struct conn *wang = connect_as(f, 0, WANG), *li = connect_as(f, 1, LI);
    struct conn *kai = connect_as(f, 2, KAI), *zhou = connect_as(f, 3, ZHOU);
    Admin__Request m;
    size_t logged;

    batch_begin(f, wang, li);
    logged = f->log_n;
    m = grant_of(60000);
    assert_int_equal(say(f, kai, &m), CONN_TAKEN);
    expect_refused(f, kai, EXAM_REFUSED, "a grant of time is for an administrator");
    assert_int_equal(say(f, zhou, &m), CONN_TAKEN);
    expect_refused(f, zhou, EXAM_REFUSED, "has the role invigilator");
    m.grant->who = f->person[LI].name;
    assert_int_equal(say(f, wang, &m), CONN_CLOSE);
    expect_refused(f, wang, EXAM_AUTH, "this is the key of wang");
    m = grant_of(60000);
    key_roster_next(f->site.roster);
    assert_int_equal(key_roster_revoke(f->site.roster, "wang", KEY_PERSON), EXAM_OK);
    assert_int_equal(say(f, wang, &m), CONN_CLOSE);
    expect_refused(f, wang, EXAM_AUTH, "its key is void");
    assert_int_equal(f->log_n, logged);
}

/* The parts of an import are not signed one by one: the digest in what is signed must be theirs. */
static void test_admin_server__refuses_an_import_that_was_changed(void **state)
{
    struct fixture *f = *state;
    struct conn *wang = connect_as(f, 0, WANG);
    Admin__Request m = import_of(f, wang);
    size_t logged = f->log_n;

    m.import_commit->digest.data[0] ^= 1;
    assert_int_equal(say(f, wang, &m), CONN_TAKEN);
    expect_refused(f, wang, EXAM_AUTH, "what was signed is not what has arrived");
    m = import_of(f, wang);
    m.import_commit->digest.len = 0;
    assert_int_equal(say(f, wang, &m), CONN_TAKEN);
    expect_refused(f, wang, EXAM_AUTH, "what was signed is not what has arrived");
    assert_int_equal(f->log_n, logged);
}

/* P3: the data key that a person brings is with the vault alone: nothing of it stays in the
 * endpoint, the arena or the frame, whether the vault has taken it or not. */
static void test_admin_server__keeps_no_data_key(void **state)
{
    static uint8_t key[DATA_KEY_BYTES] = "a key that is looked for later.";
    struct fixture *f = *state;
    struct conn *wang = connect_as(f, 0, WANG);
    Admin__Unlock unlock = ADMIN__UNLOCK__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    uint8_t payload[PAYLOAD_MAX];

    unlock.data_key = (ProtobufCBinaryData){sizeof key, key};
    m.kind_case = ADMIN__REQUEST__KIND_UNLOCK;
    m.unlock = &unlock;
    for (int i = 0; i < 2; i++) {
        m.id = ++wang->id;
        f->unlocking = i == 0 ? EXAM_AUTH : EXAM_OK;
        size_t n = said_by(wang->key, wang->nonce, &m, payload);
        assert_non_null(memmem(payload, n, key, sizeof key));
        assert_int_equal(give(f, wang, payload, n), CONN_TAKEN);
        assert_int_equal(reply_at(f, wang, 0)->kind_case,
                         i == 0 ? ADMIN__REPLY__KIND_REFUSED : ADMIN__REPLY__KIND_DONE);
        assert_memory_equal(f->unlocked_with, key, sizeof key);
        assert_null(memmem(f->a, sizeof *f->a, key, sizeof key));
        assert_null(memmem(f->a->arena_block, ARENA_BYTES_FRAME, key, sizeof key));
        assert_null(memmem(payload, n, key, sizeof key));
    }
}

/* ---------------------------------------------------------------- what is shown */

static const Admin__Reply *ask_seats(struct fixture *f, struct conn *c, char *room)
{
    static Admin__Seats seats;
    Admin__Request m = ADMIN__REQUEST__INIT;

    admin__seats__init(&seats);
    seats.room = room;
    m.kind_case = ADMIN__REQUEST__KIND_SEATS;
    m.seats = &seats;
    assert_int_equal(say(f, c, &m), CONN_TAKEN);
    return reply_at(f, c, 0);
}

static enum conn_verdict ask_sitting(struct fixture *f, struct conn *c, char *admission_no)
{
    static Admin__SittingShow show;
    Admin__Request m = ADMIN__REQUEST__INIT;

    admin__sitting_show__init(&show);
    show.admission_no = admission_no;
    m.kind_case = ADMIN__REQUEST__KIND_SITTING_SHOW;
    m.sitting_show = &show;
    return say(f, c, &m);
}

/* R4: of seats and candidates an invigilator is shown those in their rooms, whatever is asked for;
 * a reviewer all of them. */
static void test_admin_server__shows_invigilators_their_rooms(void **state)
{
    struct fixture *f = *state;
    struct conn *wang = connect_as(f, 0, WANG), *li = connect_as(f, 1, LI);
    struct conn *zhou = connect_as(f, 2, ZHOU), *kai = connect_as(f, 3, KAI);
    char no_1001[] = "1001", no_2001[] = "2001";

    batch_begin(f, wang, li);
    const Admin__SeatRows *rows = ask_seats(f, kai, nobody)->seat_rows;
    assert_int_equal(rows->n_rows, 8);
    rows = ask_seats(f, zhou, nobody)->seat_rows;
    assert_int_equal(rows->n_rows, 4);
    for (size_t i = 0; i < rows->n_rows; i++)
        assert_memory_equal(rows->rows[i]->seat, "R1-", 3);
    assert_string_equal(rows->rows[0]->admission_no, "1001");
    rows = ask_seats(f, zhou, room_r1)->seat_rows;
    assert_int_equal(rows->n_rows, 4);
    (void)ask_seats(f, zhou, room_r2);
    expect_refused(f, zhou, EXAM_REFUSED, "is shown nothing of room R2");
    assert_int_equal(ask_seats(f, kai, room_r2)->seat_rows->n_rows, 4);
    assert_int_equal(ask_sitting(f, zhou, no_2001), CONN_TAKEN);
    expect_refused(f, zhou, EXAM_REFUSED, "is shown nothing of candidate 2001");
    assert_int_equal(ask_sitting(f, zhou, no_1001), CONN_TAKEN);
    assert_int_equal(reply_at(f, zhou, 0)->kind_case, ADMIN__REPLY__KIND_SITTING_DETAIL);
    assert_int_equal(ask_sitting(f, kai, no_2001), CONN_TAKEN);
    assert_int_equal(reply_at(f, kai, 0)->kind_case, ADMIN__REPLY__KIND_SITTING_DETAIL);
}

static void incident_open(struct fixture *f, struct conn *c, Ev__ScopeKind kind, char *name)
{
    static Admin__Target target;
    static Admin__IncidentOpen open;
    Admin__Request m = ADMIN__REQUEST__INIT;

    admin__target__init(&target);
    target.kind = kind;
    target.name = name;
    admin__incident_open__init(&open);
    open.target = &target;
    open.kind = EV__INCIDENT_KIND__INCIDENT_KIND_OTHER;
    open.text = reason;
    open.who = nobody;
    m.kind_case = ADMIN__REQUEST__KIND_INCIDENT_OPEN;
    m.incident_open = &open;
    assert_int_equal(say(f, c, &m), CONN_TAKEN);
    expect_done(f, c);
}

static const Admin__IncidentRows *ask_incidents(struct fixture *f, struct conn *c)
{
    static Admin__Incidents incidents;
    Admin__Request m = ADMIN__REQUEST__INIT;

    admin__incidents__init(&incidents);
    m.kind_case = ADMIN__REQUEST__KIND_INCIDENTS;
    m.incidents = &incidents;
    assert_int_equal(say(f, c, &m), CONN_TAKEN);
    const Admin__Reply *r = reply_at(f, c, 0);
    assert_int_equal(r->kind_case, ADMIN__REPLY__KIND_INCIDENT_ROWS);
    return r->incident_rows;
}

/* R4: and of incidents those of their rooms and of all rooms. Counts, which name nobody, are whole.
 */
static void test_admin_server__shows_invigilators_their_incidents(void **state)
{
    struct fixture *f = *state;
    struct conn *wang = connect_as(f, 0, WANG), *li = connect_as(f, 1, LI);
    struct conn *zhou = connect_as(f, 2, ZHOU);
    Admin__Status status = ADMIN__STATUS__INIT;
    Admin__Proposals proposals = ADMIN__PROPOSALS__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    char no_2001[] = "2001";

    batch_begin(f, wang, li);
    incident_open(f, wang, EV__SCOPE_KIND__SCOPE_KIND_SITTING, no_2001);
    incident_open(f, wang, EV__SCOPE_KIND__SCOPE_KIND_ROOM, room_r1);
    incident_open(f, wang, EV__SCOPE_KIND__SCOPE_KIND_SITE, nobody);
    assert_int_equal(ask_incidents(f, wang)->n_rows, 3);
    const Admin__IncidentRows *rows = ask_incidents(f, zhou);
    assert_int_equal(rows->n_rows, 2);
    assert_int_equal(rows->rows[0]->incident, 2);
    assert_string_equal(rows->rows[0]->scope_name, "R1");
    assert_int_equal(rows->rows[1]->incident, 3);
    m.kind_case = ADMIN__REQUEST__KIND_STATUS;
    m.status = &status;
    assert_int_equal(say(f, zhou, &m), CONN_TAKEN);
    assert_int_equal(reply_at(f, zhou, 0)->node_status->incidents_open, 3);
    m.kind_case = ADMIN__REQUEST__KIND_PROPOSALS;
    m.proposals = &proposals;
    assert_int_equal(say(f, zhou, &m), CONN_TAKEN);
    expect_refused(f, zhou, EXAM_REFUSED, "the list of proposals is for an administrator");
}

/* ---------------------------------------------------------------- two persons */

/* Nothing happens before the second one has confirmed; then it is of both. */
static void test_admin_server__waits_for_the_second_person(void **state)
{
    struct fixture *f = *state;
    struct conn *wang = connect_as(f, 0, WANG), *li = connect_as(f, 1, LI);
    Admin__Request m;
    size_t logged, at;

    batch_begin(f, wang, li);
    for (at = 0; f->log[at].kind != EV__EVENT__KIND_IMPORT_COMPLETED; at++)
        assert_true(at + 1 < f->log_n);
    assert_string_equal(f->log[at].who, "wang + li");
    assert_int_equal(f->log[0].kind, EV__EVENT__KIND_COMMAND_SIGNED);
    assert_string_equal(f->log[0].who, "wang");
    assert_int_equal(f->log[1].kind, EV__EVENT__KIND_COMMAND_SIGNED);
    assert_string_equal(f->log[1].who, "li");
    logged = f->log_n;
    m = grant_of(600000);
    assert_int_equal(say(f, li, &m), CONN_TAKEN);
    assert_int_equal(reply_at(f, li, 0)->kind_case, ADMIN__REPLY__KIND_PROPOSED);
    assert_int_equal(f->log_n, logged);
    m = seen_by(f, wang);
    assert_int_equal(say(f, wang, &m), CONN_TAKEN);
    expect_done(f, wang);
    expect_logged(f, 0, EV__EVENT__KIND_GRANTED, "li + wang");
    assert_int_equal(say(f, wang, &m), CONN_TAKEN); /* once */
    expect_refused(f, wang, EXAM_NOT_FOUND, "no such proposal");
}

/* The same person, another digest, a reviewer, an act that would be refused anyway. */
static void test_admin_server__refuses_wrong_second_words(void **state)
{
    static const uint8_t zeros[HASH_BYTES];
    struct fixture *f = *state;
    struct conn *wang = connect_as(f, 0, WANG), *li = connect_as(f, 1, LI);
    struct conn *kai = connect_as(f, 2, KAI);
    Admin__Request m, good;
    size_t logged;

    batch_begin(f, wang, li);
    logged = f->log_n;
    m = grant_of(600000);
    m.grant->target->name = nobody; /* no such room: refused at once, not proposed */
    assert_int_equal(say(f, wang, &m), CONN_TAKEN);
    assert_int_equal(reply_at(f, wang, 0)->kind_case, ADMIN__REPLY__KIND_REFUSED);
    m = grant_of(600000);
    assert_int_equal(say(f, wang, &m), CONN_TAKEN);
    good = seen_by(f, wang);
    assert_int_equal(say(f, wang, &good), CONN_TAKEN);
    expect_refused(f, wang, EXAM_REFUSED, "wang has proposed this");
    assert_int_equal(say(f, kai, &good), CONN_TAKEN);
    expect_refused(f, kai, EXAM_REFUSED, "a second person's word is for");
    m = confirm_of(good.confirm->proposal, zeros);
    assert_int_equal(say(f, li, &m), CONN_TAKEN);
    expect_refused(f, li, EXAM_INVALID, "not what was proposed");
    assert_int_equal(f->log_n, logged);
    m = seen_by(f, li); /* it is still there, until it is rejected */
    m.confirm->reject = true;
    assert_int_equal(say(f, li, &m), CONN_TAKEN);
    expect_done(f, li);
    m.confirm->reject = false;
    assert_int_equal(say(f, li, &m), CONN_TAKEN);
    expect_refused(f, li, EXAM_NOT_FOUND, "no such proposal");
    assert_int_equal(f->log_n, logged);
}

/* Too late, after the node served no more, or of one who was revoked since. */
static void test_admin_server__drops_proposals_that_are_void(void **state)
{
    struct fixture *f = *state;
    struct conn *wang = connect_as(f, 0, WANG), *li = connect_as(f, 1, LI);
    Admin__Request grant, m;
    size_t logged;

    batch_begin(f, wang, li);
    logged = f->log_n;
    grant = grant_of(600000);
    assert_int_equal(say(f, wang, &grant), CONN_TAKEN);
    m = seen_by(f, li);
    now_ms += PROPOSAL_EXPIRES_MS;
    assert_int_equal(say(f, li, &m), CONN_TAKEN);
    expect_refused(f, li, EXAM_NOT_FOUND, "it has expired");
    logged = f->log_n; /* the clock went on: marks */
    assert_int_equal(say(f, wang, &grant), CONN_TAKEN);
    m = seen_by(f, li);
    admin_server_retired(f->a);
    assert_int_equal(say(f, li, &m), CONN_TAKEN);
    expect_refused(f, li, EXAM_NOT_FOUND, "restarted or served no more; propose it again");
    assert_int_equal(say(f, wang, &grant), CONN_TAKEN);
    m = seen_by(f, li);
    key_roster_next(f->site.roster);
    assert_int_equal(key_roster_revoke(f->site.roster, "wang", KEY_PERSON), EXAM_OK);
    assert_int_equal(say(f, li, &m), CONN_TAKEN);
    expect_refused(f, li, EXAM_REFUSED, "the key of who proposed this is void");
    for (size_t i = logged; i < f->log_n; i++)
        assert_int_not_equal(f->log[i].kind, EV__EVENT__KIND_GRANTED);
}

static Admin__Request promotion(bool forced)
{
    static Admin__Promote promote;
    Admin__Request m = ADMIN__REQUEST__INIT;

    admin__promote__init(&promote);
    promote.attest = true;
    promote.forced = forced;
    promote.who = nobody;
    promote.why = reason;
    m.kind_case = ADMIN__REQUEST__KIND_PROMOTE;
    m.promote = &promote;
    return m;
}

/* W2: who has asked for the epoch is in the log as soon as this node decides in it; of a forced one
 * both, and not before both have said so. One that came to nothing leaves nothing. */
static void test_admin_server__notes_who_promoted(void **state)
{
    static const struct admin_outcome done = {.rule = "", .text = "serves"};
    static const struct admin_outcome not_now = {.err = EXAM_ATTEST, .rule = "W2", .text = "no"};
    struct fixture *f = *state;
    struct conn *wang = connect_as(f, 0, WANG), *li = connect_as(f, 1, LI);
    Admin__Request m = promotion(false);

    f->serving = false;
    assert_int_equal(say(f, wang, &m), CONN_TAKEN);
    assert_string_equal(f->promoter, "wang");
    admin_server_outcome(f->a, &not_now);
    f->serving = true;
    admin_server_resume(f->a);
    assert_int_equal(f->log_n, 0);
    f->serving = false;
    m = promotion(true);
    assert_int_equal(say(f, wang, &m), CONN_TAKEN);
    assert_int_equal(reply_at(f, wang, 0)->kind_case, ADMIN__REPLY__KIND_PROPOSED);
    assert_int_equal(f->promotions, 1);
    m = seen_by(f, li);
    assert_int_equal(say(f, li, &m), CONN_TAKEN);
    assert_int_equal(f->promotions, 2);
    assert_string_equal(f->promoter, "wang + li");
    f->serving = f->held = true; /* it waits for a standby yet (A1) */
    admin_server_outcome(f->a, &done);
    assert_int_equal(f->log_n, 0);
    f->held = false;
    admin_server_resume(f->a);
    assert_int_equal(f->log_n, 2);
    expect_logged(f, 1, EV__EVENT__KIND_COMMAND_SIGNED, "wang");
    expect_logged(f, 0, EV__EVENT__KIND_COMMAND_SIGNED, "li");
    admin_server_resume(f->a);
    assert_int_equal(f->log_n, 2);
}

#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(test_admin_server__carries_out_what_was_signed),
        WITH_SITE(test_admin_server__refuses_what_was_not_said),
        WITH_SITE(test_admin_server__refuses_what_was_said_before),
        WITH_SITE(test_admin_server__takes_a_held_act_later),
        WITH_SITE(test_admin_server__has_room_for_who_is_there),
        WITH_SITE(test_admin_server__refuses_who_may_not),
        WITH_SITE(test_admin_server__refuses_an_import_that_was_changed),
        WITH_SITE(test_admin_server__keeps_no_data_key),
        WITH_SITE(test_admin_server__shows_invigilators_their_rooms),
        WITH_SITE(test_admin_server__shows_invigilators_their_incidents),
        WITH_SITE(test_admin_server__waits_for_the_second_person),
        WITH_SITE(test_admin_server__refuses_wrong_second_words),
        WITH_SITE(test_admin_server__drops_proposals_that_are_void),
        WITH_SITE(test_admin_server__notes_who_promoted),
    };

    if (sodium_init() < 0)
        return 1;
    oplog_open("test", OPLOG_ERROR);
    return cmocka_run_group_tests_name("admin_server", tests, NULL, NULL);
}
