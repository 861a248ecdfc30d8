#include "signed_command.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static const char context[] = "command";

/* Field 1000 of admin.Request, bytes, KEY_SIGNATURE_BYTES of them. */
static const uint8_t tail_head[] = {0xC2, 0x3E, KEY_SIGNATURE_BYTES};

enum {
    NODE_BYTES = KEY_NAME_BYTES, /* with zeros behind the name: of one length */
    MESSAGE_BYTES = NODE_BYTES + SIGN_NONCE_BYTES + HASH_BYTES,
};

static void message_make(const struct signed_command *c, uint8_t out[MESSAGE_BYTES])
{
    static_assert(sizeof tail_head + KEY_SIGNATURE_BYTES == SIGNED_TAIL_BYTES, "the field");
    memset(out, 0, NODE_BYTES);
    assert(strlen(c->node) < NODE_BYTES);
    strcpy((char *)out, c->node);
    memcpy(out + NODE_BYTES, c->nonce, SIGN_NONCE_BYTES);
    crypto_generichash(out + NODE_BYTES + SIGN_NONCE_BYTES, HASH_BYTES, c->request,
                       c->request_bytes, NULL, 0);
}

void signed_command_sign(const struct signed_command *c, const struct key_file *k,
                         uint8_t tail[SIGNED_TAIL_BYTES])
{
    uint8_t message[MESSAGE_BYTES];

    message_make(c, message);
    memcpy(tail, tail_head, sizeof tail_head);
    key_file_sign(k, context, message, sizeof message, tail + sizeof tail_head);
}

bool signed_command_split(const uint8_t *payload, size_t n, size_t *request_bytes,
                          const uint8_t **signature)
{
    if (n < SIGNED_TAIL_BYTES ||
        memcmp(payload + n - SIGNED_TAIL_BYTES, tail_head, sizeof tail_head) != 0)
        return false;
    *request_bytes = n - SIGNED_TAIL_BYTES;
    *signature = payload + n - KEY_SIGNATURE_BYTES;
    return true;
}

exam_err signed_command_verify(const struct signed_command *c, const uint8_t sign_public[KEY_BYTES],
                               const uint8_t site_id[SITE_ID_BYTES],
                               const uint8_t signature[KEY_SIGNATURE_BYTES])
{
    uint8_t message[MESSAGE_BYTES];

    message_make(c, message);
    return key_verify(sign_public, site_id, context, message, sizeof message, signature);
}

void signed_command_chain(uint8_t digest[HASH_BYTES], const uint8_t *payload, size_t n)
{
    crypto_generichash_state st;
    const uint8_t *signature;

    (void)signed_command_split(payload, n, &n, &signature);
    crypto_generichash_init(&st, NULL, 0, HASH_BYTES);
    crypto_generichash_update(&st, digest, HASH_BYTES);
    crypto_generichash_update(&st, payload, n);
    crypto_generichash_final(&st, digest, HASH_BYTES);
}

exam_err signed_command_check(const Ev__CommandSigned *e, const struct key_roster *roster)
{
    const struct signed_command c = {.node = e->node,
                                     .nonce = e->nonce.data,
                                     .request = e->request.data,
                                     .request_bytes = e->request.len};
    const struct key_entry *entry;

    assert(e->key.len == KEY_BYTES && e->nonce.len == SIGN_NONCE_BYTES &&
           e->signature.len == KEY_SIGNATURE_BYTES); /* codec_event has seen to it */
    entry = key_roster_find_sign(roster, e->key.data);
    if (entry == NULL || entry->kind != KEY_PERSON || strcmp(entry->name, e->who) != 0)
        return EXAM_NOT_FOUND;
    return signed_command_verify(&c, entry->sign_public, key_roster_site(roster),
                                 e->signature.data);
}
