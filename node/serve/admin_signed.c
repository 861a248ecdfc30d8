#include "admin_signed.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static exam_err no(struct exam_refusal *why, exam_err code, const char *text)
{
    *why = (struct exam_refusal){.code = code, .rule = "R4"};
    snprintf(why->text, sizeof why->text, "%s", text);
    return code;
}

static ProtobufCBinaryData bytes_of(uint8_t *data, size_t n)
{
    return (ProtobufCBinaryData){.data = data, .len = n};
}

static void event_point(struct admin_signed *s, size_t request_bytes)
{
    ev__command_signed__init(&s->event);
    s->event.who = s->who;
    s->event.node = s->node;
    s->event.key = bytes_of(s->key, KEY_BYTES);
    s->event.nonce = bytes_of(s->nonce, SIGN_NONCE_BYTES);
    s->event.signature = bytes_of(s->signature, KEY_SIGNATURE_BYTES);
    s->event.request = bytes_of(s->request, request_bytes);
}

static void keep(const struct admin_signed_by *by, const struct signed_command *c,
                 const uint8_t *signature, struct admin_signed *out)
{
    snprintf(out->who, sizeof out->who, "%s", by->person->name);
    snprintf(out->node, sizeof out->node, "%s", by->node);
    memcpy(out->key, by->person->sign_public, KEY_BYTES);
    memcpy(out->nonce, by->nonce, SIGN_NONCE_BYTES);
    memcpy(out->signature, signature, KEY_SIGNATURE_BYTES);
    memcpy(out->request, c->request, c->request_bytes);
    event_point(out, c->request_bytes);
}

exam_err admin_signed_take(const struct admin_signed_by *by, const uint8_t *payload, size_t bytes,
                           struct admin_signed *out, struct exam_refusal *why)
{
    struct signed_command c = {.node = by->node, .nonce = by->nonce, .request = payload};
    const uint8_t *signature;

    if (!signed_command_split(payload, bytes, &c.request_bytes, &signature))
        return no(why, EXAM_AUTH,
                  "this act is not signed by its person: use the examctl that was installed with "
                  "this node");
    if (signed_command_verify(&c, by->person->sign_public, by->site_id, signature))
        return no(why, EXAM_AUTH,
                  "the signature is not of this act, by the key of this connection: it was changed "
                  "on its way, or said before");
    if (c.request_bytes > SIGNED_REQUEST_BYTES_MAX)
        return no(why, EXAM_TOO_BIG, "this is longer than any act");
    keep(by, &c, signature, out);
    return EXAM_OK;
}

void admin_signed_copy(struct admin_signed *out, const struct admin_signed *s)
{
    *out = *s;
    event_point(out, s->event.request.len);
}

void admin_signed_digest(const struct admin_signed *s, uint8_t out[HASH_BYTES])
{
    crypto_generichash(out, HASH_BYTES, s->event.request.data, s->event.request.len, NULL, 0);
}
