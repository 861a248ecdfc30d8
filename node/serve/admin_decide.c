/* Acts: from a request that is signed to a decision of the exam core, or of the replication core.
 */
#include "admin_core.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "admin_acts.h"
#include "config.h"
#include "oplog.h"

static void decide(struct admin_server *a, struct conn *c, uint32_t id,
                   const struct exam_command *cmd, const char *done)
{
    struct exam_refusal why;
    uint64_t lsn;
    if (a->by.n == 1 && proposal_is_due(a->node.two_person, a->node.grant_two_person_ms, cmd)) {
        admin_propose_command(a, c, id, cmd);
        return;
    }
    exam_err err = engine_decide_signed(a->node.engine, cmd, &a->by, &why, &lsn);
    if (err) {
        /* P3: a cell of a roster in the wrong column may be anybody's name or ID number. */
        bool quotes = cmd->kind == EXAM_CMD_IMPORT;
        oplog(OPLOG_WARN, "act-refused", OPLOG_S("peer", conn_peer(c)), OPLOG_S("who", a->acting),
              OPLOG_S("code", exam_err_name(err)), OPLOG_U("line", why.line),
              OPLOG_S("why", quotes ? "the import is not good: its tool was told why" : why.text));
        admin_send_refused(a, c, id, &why);
        return;
    }
    oplog(OPLOG_INFO, "act", OPLOG_S("what", done), OPLOG_S("who", a->acting), OPLOG_U("lsn", lsn));
    admin_wait_durable(a, c, id, lsn, done);
}

void admin_take_import_begin(struct admin_server *a, struct conn *c, uint32_t id,
                             const uint8_t *payload, size_t bytes)
{
    struct admin *admin = conn_data(c);
    if (admin->import)
        import_stage_free(admin->import);
    admin->import = NULL;
    exam_err err = import_stage_new(payload, bytes, &admin->import);
    if (err)
        admin_refuse(a, c, id, err, "", "the import could not be begun");
    else
        admin_send_done(a, c, id, "", 0);
}

void admin_take_import_part(struct admin_server *a, struct conn *c, uint32_t id,
                            const uint8_t *payload, size_t bytes)
{
    struct admin *admin = conn_data(c);
    if (!admin->import) {
        admin_refuse(a, c, id, EXAM_STATE, "", "an ImportPart without an ImportBegin");
        return;
    }
    exam_err err = import_stage_add(admin->import, payload, bytes);
    if (err)
        admin_refuse(a, c, id, err, "",
                     "the import is larger than a node takes: split it by batch");
    else
        admin_send_done(a, c, id, "", 0);
}

void admin_take_import_commit(struct admin_server *a, struct conn *c, uint32_t id,
                              const Admin__ImportCommit *m)
{
    struct admin *admin = conn_data(c);
    struct exam_command cmd = {.kind = EXAM_CMD_IMPORT};
    if (!admin->import) {
        admin_refuse(a, c, id, EXAM_STATE, "", "an ImportCommit without an ImportBegin");
        return;
    }
    if (a->by.n)
        import_stage_by(admin->import, a->acting);
    exam_err err = import_stage_whole(admin->import, m, &cmd.u.import);
    if (err) {
        admin_refuse(a, c, id, err, "",
                     "the import is cut off: not all of it has arrived; import again");
    } else if (a->by.n &&
               (m->digest.len != HASH_BYTES ||
                memcmp(m->digest.data, import_stage_digest(admin->import), HASH_BYTES))) {
        admin_refuse(a, c, id, EXAM_AUTH, "R4",
                     "what was signed is not what has arrived: nothing was imported; import again");
    } else {
        char done[256];
        snprintf(done, sizeof done, "batch %s imported: %zu sittings", cmd.u.import->batch,
                 cmd.u.import->sittings_n);
        decide(a, c, id, &cmd, done);
    }
    if (admin->import)
        import_stage_free(admin->import);
    admin->import = NULL;
}

void admin_take_batch_start(struct admin_server *a, struct conn *c, uint32_t id,
                            const Admin__BatchStart *m)
{
    struct exam_command cmd = {.kind = EXAM_CMD_BATCH_START};
    char done[256];
    cmd.u.batch_start.batch = m->batch;
    cmd.u.batch_start.who = m->who;
    snprintf(done, sizeof done, "batch %s started", m->batch);
    decide(a, c, id, &cmd, done);
}

void admin_take_batch_collect(struct admin_server *a, struct conn *c, uint32_t id,
                              const Admin__BatchCollect *m)
{
    struct exam_command cmd = {.kind = EXAM_CMD_BATCH_COLLECT};
    char done[256];
    cmd.u.batch_collect.batch = m->batch;
    cmd.u.batch_collect.who = m->who;
    cmd.u.batch_collect.unfinished = m->unfinished;
    snprintf(done, sizeof done, "batch %s collected", m->batch);
    decide(a, c, id, &cmd, done);
}

/* What an act would do, and whether it may be done at all. */
static void preview(struct admin_server *a, struct conn *c, uint32_t id,
                    const struct admin_act *act)
{
    struct admin_preview p = {0};
    struct exam_refusal why;
    char text[256];
    if (engine_preview(a->node.engine, &act->command, admin_preview_emit, &p, &why)) {
        admin_send_refused(a, c, id, &why);
        return;
    }
    admin_preview_text(&p, act, text, sizeof text);
    admin_send_done(a, c, id, text, 0);
}

/* R3, R4. */
bool admin_take_contingency(struct admin_server *a, struct conn *c, const Admin__Request *m)
{
    const struct admin *admin = conn_data(c);
    struct admin_act act;
    if (!admin_act_of(m, admin->who, &act))
        return false;
    if (act.command.kind == EXAM_CMD_MOVE)
        act.command.u.move.seat_in_contact = a->node.in_contact(a->node.ctx, m->move->seat);
    if (act.preview)
        preview(a, c, m->id, &act);
    else
        decide(a, c, m->id, &act.command, act.done);
    return true;
}

/* The key lives in the vault, and nowhere else. */
void admin_take_unlock(struct admin_server *a, struct conn *c, const Admin__Request *m,
                       const uint8_t *payload, size_t bytes)
{
    ProtobufCBinaryData key = m->unlock->data_key;
    const char *text;
    exam_err err = a->node.unlock(a->node.ctx, key.data, &text);
    sodium_memzero(key.data, key.len);
    sodium_memzero(a->asked.request, sizeof a->asked.request);
    sodium_memzero((uint8_t *)(uintptr_t)payload, bytes);
    oplog(err ? OPLOG_WARN : OPLOG_INFO, "unlock", OPLOG_S("who", a->acting),
          OPLOG_S("code", exam_err_name(err)), OPLOG_S("text", text));
    if (err)
        admin_refuse(a, c, m->id, err, "P3", text);
    else
        admin_send_done(a, c, m->id, text, 0);
}

void admin_take_promotion(struct admin_server *a, struct conn *c, const Admin__Request *m)
{
    struct admin *admin = conn_data(c);
    if (a->promoting) {
        admin_refuse(a, c, m->id, EXAM_AGAIN, "W2", "another promotion is under way on this node");
        return;
    }
    if (m->kind_case == ADMIN__REQUEST__KIND_PROMOTE && m->promote->forced && a->by.n == 1 &&
        a->node.two_person & CONFIG_TWO_PROMOTE_FORCED) {
        char what[REASON_BYTES_MAX + 1];
        snprintf(what, sizeof what, "the forced promotion of node %s, whose copy is not whole: %s",
                 a->node.name, m->promote->why);
        admin_propose(a, c, m->id, what, NULL);
        return;
    }
    a->promoting = true;
    a->promoted_n = a->by.n;
    for (size_t i = 0; i < a->by.n; i++)
        admin_signed_copy(&a->promoted[i], a->signers[i]);
    a->promoter = conn_ref_of(c);
    a->promoter_id = m->id;
    admin->busy = true;
    if (m->kind_case == ADMIN__REQUEST__KIND_PROMOTE)
        a->node.promote(a->node.ctx, m->promote);
    else
        a->node.found(a->node.ctx, m->found);
}
