/* admin_core.h - what the files of the administrators' endpoint share. Internal to them:
 * admin_server.c (connections, what waits, which request goes where), admin_reads.c (what is only
 * shown), admin_decide.c (acts), admin_persons.c (who asks: R4, P2). Loop thread only. */
#ifndef EXAM_ADMIN_CORE_H
#define EXAM_ADMIN_CORE_H

#include "admin_server.h"
#include "admin_signed.h"
#include "codec.h"
#include "import_stage.h"
#include "oplog_gate.h"
#include "proposals.h"
#include "server.h"

enum {
    CONNS_MAX = 64,
    WAITING_MAX = CONNS_MAX,
};

/* A long answer that is written as the peer reads it. */
struct stream {
    bool on, answers, id_no;
    bool one;                         /* just this sitting's answers */
    uint32_t id, batch, sitting, row; /* sitting: the one to be written next; 0: none is left */
};

/* conn_data */
struct admin {
    char who[PERSON_BYTES_MAX + 1];
    uint8_t nonce[SIGN_NONCE_BYTES]; /* with keys: what the person's signatures are good for */
    uint32_t id_last;                /* of a request: they rise */
    struct import_stage *import;
    struct stream results;
    bool busy; /* a request is under way: the next one is held */
};

/* An act that is decided, or a receipt that is signed, and not durable yet. */
struct waiting {
    struct conn_ref conn;
    uint64_t lsn;
    uint32_t id;
    bool receipt;
    char text[RECEIPT_BYTES_MAX + 1];
};

struct admin_server {
    struct admin_node node;
    struct server *server;
    struct oplog_gate gate;
    struct waiting waiting[WAITING_MAX];
    size_t waiting_n;
    uint64_t released_lsn;
    struct conn_ref promoter; /* who waits for admin_server_outcome */
    uint32_t promoter_id;
    bool promoting;
    /* R4: whose act is under way: the words of one person, or of two; none without keys */
    struct admin_signed asked;
    const struct admin_signed *signers[ENGINE_SIGNERS_MAX];
    struct engine_signers by; /* `signers`, for the log */
    char acting[PERSON_BYTES_MAX + 1];
    struct proposals proposals;
    /* by whom a promotion was asked for: still to be put into the log */
    struct admin_signed promoted[ENGINE_SIGNERS_MAX];
    size_t promoted_n;
    uint64_t opened_ms;
    struct arena arena;
    uint8_t *arena_block;
    uint8_t frame[FRAME_HEADER_BYTES + FRAME_BYTES_MAX];
};

/* ---------------------------------------------------------------- admin_server.c: replies */

void admin_send(struct admin_server *a, struct conn *c, const Admin__Reply *r);
void admin_send_refused(struct admin_server *a, struct conn *c, uint32_t id,
                        const struct exam_refusal *why);
void admin_refuse(struct admin_server *a, struct conn *c, uint32_t id, exam_err code,
                  const char *rule, const char *text);
void admin_send_done(struct admin_server *a, struct conn *c, uint32_t id, const char *text,
                     uint64_t lsn);
void admin_send_receipt(struct admin_server *a, struct conn *c, uint32_t id, const char *text);
/* The connection's next request may be taken: the caller releases what is held. */
void admin_finish_request(struct conn *c);
/* A place for what is told when the record `lsn` may be; until then the connection is busy. */
struct waiting *admin_wait(struct admin_server *a, struct conn *c, uint32_t id, uint64_t lsn);
/* Done is told when the record `lsn` may be. */
void admin_wait_durable(struct admin_server *a, struct conn *c, uint32_t id, uint64_t lsn,
                        const char *text);
/* A request of a person who may ask for it. */
enum conn_verdict admin_take(struct admin_server *a, struct conn *c, const Admin__Request *m,
                             const uint8_t *payload, size_t bytes);

/* ---------------------------------------------------------------- admin_reads.c */

/* Of this process, for monitors, too. */
uint64_t admin_memory_bytes(void);
void admin_take_status(struct admin_server *a, struct conn *c, uint32_t id, bool digest);
void admin_take_batch_status(struct admin_server *a, struct conn *c, uint32_t id, const char *name);
void admin_take_results(struct admin_server *a, struct conn *c, uint32_t id,
                        const Admin__Results *m);
void admin_take_sitting_show(struct admin_server *a, struct conn *c, uint32_t id,
                             const char *admission_no);
void admin_take_receipt(struct admin_server *a, struct conn *c, uint32_t id,
                        const char *admission_no);
void admin_take_incidents(struct admin_server *a, struct conn *c, uint32_t id, bool open_only);
void admin_take_seats(struct admin_server *a, struct conn *c, uint32_t id, const char *room);
/* Goes on with a long answer, as its reader takes it. */
void admin_stream_results(struct admin_server *a, struct conn *c);

/* ---------------------------------------------------------------- admin_decide.c */

void admin_take_import_begin(struct admin_server *a, struct conn *c, uint32_t id,
                             const uint8_t *payload, size_t bytes);
void admin_take_import_part(struct admin_server *a, struct conn *c, uint32_t id,
                            const uint8_t *payload, size_t bytes);
void admin_take_import_commit(struct admin_server *a, struct conn *c, uint32_t id,
                              const Admin__ImportCommit *m);
void admin_take_batch_start(struct admin_server *a, struct conn *c, uint32_t id,
                            const Admin__BatchStart *m);
void admin_take_batch_collect(struct admin_server *a, struct conn *c, uint32_t id,
                              const Admin__BatchCollect *m);
/* R3, R4. False: it is none of these. */
bool admin_take_contingency(struct admin_server *a, struct conn *c, const Admin__Request *m);
/* Wipes the data key wherever it came by, the payload of the frame included. */
void admin_take_unlock(struct admin_server *a, struct conn *c, const Admin__Request *m,
                       const uint8_t *payload, size_t bytes);
void admin_take_promotion(struct admin_server *a, struct conn *c, const Admin__Request *m);

/* ---------------------------------------------------------------- admin_persons.c */

/* Whom the roster in use has for the key of a connection; NULL: plain. */
const struct key_entry *admin_person_of(const struct admin_server *a, const struct conn *c);
/* Whether a name is that of the connection's key; without keys every name is. */
bool admin_is_of_peer(const struct conn *c, const char *who);
void admin_refuse_impostor(struct admin_server *a, struct conn *c, uint32_t id, const char *who);
/* The place of the name that a request says it is of, whichever act it is; NULL: it has none. */
char **admin_person_place(const Admin__Request *m);
/* R4: with keys a request is carried out only as its person has signed it, just now, and may ask
 * for it. On EXAM_OK the act under way is theirs (a->by, a->acting). */
EXAM_MUST_USE exam_err admin_authorise(struct admin_server *a, struct conn *c,
                                       const Admin__Request *m, const uint8_t *payload,
                                       size_t bytes, struct exam_refusal *why);
enum conn_verdict admin_refuse_person(struct admin_server *a, struct conn *c,
                                      const Admin__Request *m, const struct exam_refusal *why);
/* P2: what is asked for waits for a second person. Its import is the proposal's from here on. */
void admin_propose(struct admin_server *a, struct conn *c, uint32_t id, const char *what,
                   struct import_stage *import);
/* What would be refused now is not proposed. */
void admin_propose_command(struct admin_server *a, struct conn *c, uint32_t id,
                           const struct exam_command *cmd);
void admin_take_proposals(struct admin_server *a, struct conn *c, uint32_t id);
enum conn_verdict admin_take_confirm(struct admin_server *a, struct conn *c,
                                     const Admin__Request *m);

#endif
