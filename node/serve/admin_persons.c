/* Who asks: the person behind a key, their signatures and rights (R4), and acts of two persons
 * (P2). */
#include "admin_core.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "admin_acts.h"
#include "admin_rights.h"
#include "clock.h"
#include "keyring.h"
#include "oplog.h"

/* R4: with keys, what is on record is the name of the key. */
bool admin_is_of_peer(const struct conn *c, const char *who)
{
    const struct key_entry *key = conn_identity(c);
    return !key || !strcmp(key->name, who);
}

void admin_refuse_impostor(struct admin_server *a, struct conn *c, uint32_t id, const char *who)
{
    char text[128 + PERSON_BYTES_MAX + NAME_BYTES_MAX];
    const char *name = conn_identity(c)->name;
    snprintf(text, sizeof text,
             "this is the key of %s, and the act is said to be of %s: acts are on record under the "
             "key's name (R4)",
             name, who);
    oplog_gated(&a->gate, clock_boot_ms(), OPLOG_WARN, "admin-impostor", name,
                OPLOG_S("peer", conn_peer(c)), OPLOG_S("says", who), OPLOG_S("is", name));
    admin_refuse(a, c, id, EXAM_AUTH, "R4", text);
}

char **admin_person_place(const Admin__Request *m)
{
    const ProtobufCFieldDescriptor *kind =
        protobuf_c_message_descriptor_get_field(m->base.descriptor, m->kind_case);
    const ProtobufCFieldDescriptor *field;
    ProtobufCMessage *act;
    if (!kind || kind->type != PROTOBUF_C_TYPE_MESSAGE)
        return NULL;
    memcpy(&act, (const uint8_t *)m + kind->offset, sizeof act);
    field = protobuf_c_message_descriptor_get_field_by_name(act->descriptor, "who");
    if (!field || field->type != PROTOBUF_C_TYPE_STRING)
        return NULL;
    return (char **)(void *)((uint8_t *)act + field->offset);
}

const struct key_entry *admin_person_of(const struct admin_server *a, const struct conn *c)
{
    const struct key_entry *key = conn_identity(c);
    return key ? key_roster_find_key(keyring_roster(a->node.keys), key->public) : NULL;
}

/* Whose act the one under way is. */
static void act_by(struct admin_server *a, const char *who, const struct admin_signed *first,
                   const struct admin_signed *second)
{
    snprintf(a->acting, sizeof a->acting, "%s", who);
    a->signers[0] = first;
    a->signers[1] = second;
    a->by.n = 0;
    for (size_t i = 0; i < ENGINE_SIGNERS_MAX && a->signers[i]; i++)
        a->by.at[a->by.n++] = &a->signers[i]->event;
}

exam_err admin_authorise(struct admin_server *a, struct conn *c, const Admin__Request *m,
                         const uint8_t *payload, size_t bytes, struct exam_refusal *why)
{
    const struct admin *admin = conn_data(c);
    const struct key_entry *person = admin_person_of(a, c);
    const struct key_roster *roster = a->node.keys ? keyring_roster(a->node.keys) : NULL;
    const struct admin_signed_by by = {.person = person,
                                       .site_id = roster ? key_roster_site(roster) : NULL,
                                       .node = a->node.name,
                                       .nonce = admin->nonce};
    act_by(a, admin->who, NULL, NULL);
    if (!conn_identity(c))
        return EXAM_OK;
    *why = (struct exam_refusal){.code = EXAM_AUTH,
                                 .rule = "R4",
                                 .text = "a request with this number was made before on this "
                                         "connection, or its key is void: nothing was done"};
    if (!person || person->revoked || m->id <= admin->id_last)
        return EXAM_AUTH;
    exam_err err = admin_rights_check(person, m, engine_exam(a->node.engine), why);
    if (err || !admin_rights_is_act(m))
        return err;
    err = admin_signed_take(&by, payload, bytes, &a->asked, why);
    if (!err)
        act_by(a, admin->who, &a->asked, NULL);
    return err;
}

enum conn_verdict admin_refuse_person(struct admin_server *a, struct conn *c,
                                      const Admin__Request *m, const struct exam_refusal *why)
{
    const struct admin *admin = conn_data(c);
    oplog_gated(&a->gate, clock_boot_ms(), OPLOG_WARN, "admin-refused", admin->who,
                OPLOG_S("peer", conn_peer(c)), OPLOG_S("who", admin->who),
                OPLOG_S("act", admin_rights_name(m)), OPLOG_S("code", exam_err_name(why->code)),
                OPLOG_S("why", why->text));
    admin_send_refused(a, c, m->id, why);
    return why->code == EXAM_AUTH ? CONN_CLOSE : CONN_TAKEN;
}

/* ---------------------------------------------------------------- two persons (P2) */

void admin_propose(struct admin_server *a, struct conn *c, uint32_t id, const char *what,
                   struct import_stage *import)
{
    struct admin *admin = conn_data(c);
    Admin__Proposed said = ADMIN__PROPOSED__INIT;
    Admin__Reply r = ADMIN__REPLY__INIT;
    struct proposal *p;
    char text[REASON_BYTES_MAX + 1];
    exam_err err;
    do
        err = proposals_add(&a->proposals, clock_boot_ms(), 1000 + randombytes_uniform(9000),
                            &a->asked, import, &p);
    while (err == EXAM_EXISTS);
    if (err) {
        admin_refuse(
            a, c, id, err, "P2",
            "too much waits for a second person here: `examctl proposals` shows what; have it "
            "confirmed or rejected first");
        return;
    }
    if (import)
        admin->import = NULL;
    snprintf(p->text, sizeof p->text, "%s", what);
    codec_text_mend(p->text, REASON_BYTES_MAX);
    snprintf(text, sizeof text,
             "proposal %u waits for a second person (P2): %.300s. Nothing was done yet. Within %d "
             "minutes another administrator, or the exam office, says: examctl confirm %u",
             p->number, p->text, PROPOSAL_EXPIRES_MS / 60000, p->number);
    codec_text_mend(text, REASON_BYTES_MAX);
    oplog(OPLOG_INFO, "proposed", OPLOG_U("proposal", p->number), OPLOG_S("who", a->acting),
          OPLOG_S("what", p->text));
    said.proposal = p->number;
    said.text = text;
    said.expires_ms = PROPOSAL_EXPIRES_MS;
    r.id = id;
    r.kind_case = ADMIN__REPLY__KIND_PROPOSED;
    r.proposed = &said;
    admin_send(a, c, &r);
}

void admin_propose_command(struct admin_server *a, struct conn *c, uint32_t id,
                           const struct exam_command *cmd)
{
    const struct admin *admin = conn_data(c);
    struct admin_preview seen = {0};
    struct exam_refusal why;
    char what[REASON_BYTES_MAX + 1];
    if (engine_preview(a->node.engine, cmd, admin_preview_emit, &seen, &why)) {
        admin_send_refused(a, c, id, &why);
        return;
    }
    proposal_text(cmd, &seen, what, sizeof what);
    admin_propose(a, c, id, what, cmd->kind == EXAM_CMD_IMPORT ? admin->import : NULL);
}

void admin_take_proposals(struct admin_server *a, struct conn *c, uint32_t id)
{
    uint64_t now_ms = clock_boot_ms();
    proposals_expire(&a->proposals, now_ms);
    for (size_t i = 0; i < a->proposals.n; i++) {
        struct proposal *p = a->proposals.at[i];
        Admin__Proposal row = ADMIN__PROPOSAL__INIT;
        Admin__Reply r = ADMIN__REPLY__INIT;
        row.proposal = p->number;
        row.who = p->first.who;
        row.text = p->text;
        row.age_ms = now_ms - p->since_ms;
        row.expires_ms = PROPOSAL_EXPIRES_MS - row.age_ms;
        row.request = p->first.event.request;
        r.id = id;
        r.more = true;
        r.kind_case = ADMIN__REPLY__KIND_PROPOSAL;
        r.proposal = &row;
        admin_send(a, c, &r);
    }
    admin_send_done(a, c, id, "", 0);
}

/* The request that was proposed, as if the two had made it now; whether the first may still ask for
 * it. It lives in the arena. */
static exam_err proposed_request(struct admin_server *a, const struct proposal *p,
                                 const Admin__Request **out, struct exam_refusal *why)
{
    const struct key_entry *first =
        key_roster_find_sign(keyring_roster(a->node.keys), p->first.key);
    *why = (struct exam_refusal){
        .code = EXAM_REFUSED, .rule = "P2", .text = "the key of who proposed this is void"};
    if (!first || first->revoked)
        return EXAM_REFUSED;
    exam_err err =
        codec_admin_request(&a->arena, p->first.request, p->first.event.request.len, out, NULL);
    assert(!err); /* it was decoded when it was proposed */
    return admin_rights_check(first, *out, engine_exam(a->node.engine), why);
}

static void confirmed(struct admin_server *a, struct conn *c, uint32_t id, struct proposal *p)
{
    struct admin *admin = conn_data(c);
    const Admin__Request *m;
    struct exam_refusal why;
    char both[PERSON_BYTES_MAX + 1];
    if (proposed_request(a, p, &m, &why)) {
        admin_send_refused(a, c, id, &why);
        return;
    }
    snprintf(both, sizeof both, "%s + %s", p->first.who, a->asked.who);
    act_by(a, both, &p->first, &a->asked);
    char **who = admin_person_place(m);
    if (who)
        *who = a->acting;
    ((Admin__Request *)(uintptr_t)m)->id = id;
    if (admin->import && p->import)
        import_stage_free(admin->import);
    if (p->import)
        admin->import = p->import;
    p->import = NULL;
    oplog(OPLOG_INFO, "confirmed", OPLOG_U("proposal", p->number), OPLOG_S("who", a->acting),
          OPLOG_S("what", p->text));
    enum conn_verdict verdict = admin_take(a, c, m, p->first.request, p->first.event.request.len);
    assert(verdict == CONN_TAKEN); /* whatever holds an act was looked at before */
}

/* Whether this person may say this of that proposal. */
static exam_err confirm_check(struct admin_server *a, const struct conn *c,
                              const struct proposal *p, const Admin__Confirm *m,
                              struct exam_refusal *why)
{
    uint8_t digest[HASH_BYTES];
    *why = (struct exam_refusal){
        .code = EXAM_NOT_FOUND,
        .rule = "P2",
        .text = "no such proposal waits here: it has expired, was carried out, or ended when this "
                "server restarted or served no more; propose it again"};
    if (!p)
        return why->code;
    admin_signed_digest(&p->first, digest);
    if (sodium_memcmp(m->digest.data, digest, sizeof digest)) {
        why->code = EXAM_INVALID;
        snprintf(why->text, sizeof why->text,
                 "what was confirmed is not what was proposed: look at `examctl proposals` again");
        return why->code;
    }
    return m->reject ? EXAM_OK : admin_rights_confirm(admin_person_of(a, c), p->first.who, why);
}

enum conn_verdict admin_take_confirm(struct admin_server *a, struct conn *c,
                                     const Admin__Request *m)
{
    struct proposal *p = proposals_find(&a->proposals, clock_boot_ms(), m->confirm->proposal);
    const struct admin *admin = conn_data(c);
    struct exam_refusal why;
    uint32_t id = m->id;
    if (a->node.serving(a->node.ctx) && a->node.held(a->node.ctx))
        return CONN_HELD;
    if (!a->by.n || confirm_check(a, c, p, m->confirm, &why)) {
        if (!a->by.n)
            why = (struct exam_refusal){.code = EXAM_STATE, .rule = "P2", .text = "no keys here"};
        return admin_refuse_person(a, c, m, &why);
    }
    if (m->confirm->reject) {
        oplog(OPLOG_INFO, "rejected", OPLOG_U("proposal", p->number), OPLOG_S("who", a->acting),
              OPLOG_S("what", p->text));
        admin_send_done(a, c, id, "rejected: nothing is done", 0);
    } else {
        confirmed(a, c, id, p);
    }
    act_by(a, admin->who, NULL, NULL); /* the first one's words go with the proposal */
    proposals_drop(&a->proposals, p);
    return CONN_TAKEN;
}
