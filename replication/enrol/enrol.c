#include "enrol.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "codec.h"

/* Every message: the magic, the version, its kind; then what belongs to the kind. */
static const uint8_t magic[4] = {'S', 'Y', 'E', 'N'};
static const char channel_name[] = "shunyan enrolment 1 ";
static const uint8_t machine_role[] = "machine", site_role[] = "site";

enum kind {
    KIND_BEGIN = 1,
    KIND_SHARE,
    KIND_KEYS,
    KIND_WELCOME,
    KIND_ROSTER,
    KIND_STORED,
    KIND_REFUSED,
};

enum {
    VERSION_AT = sizeof magic,
    KIND_AT,
    HEAD_BYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    SLOT_AT = HEAD_BYTES,
    SESSION_AT = SLOT_AT + 2,
    SHARE_AT = SESSION_AT + CPACE_SESSION_BYTES,
    BEGIN_BYTES = SHARE_AT + CPACE_SHARE_BYTES,
    SHARE_BYTES = HEAD_BYTES + CPACE_SHARE_BYTES,
    KEYS_PLAIN_BYTES = 2 * KEY_BYTES,
    KEYS_BYTES = HEAD_BYTES + KEYS_PLAIN_BYTES + TAG_BYTES,
    /* site, authority, the roster's length, name */
    WELCOME_PLAIN_BYTES = SITE_ID_BYTES + KEY_BYTES + 4 + KEY_NAME_BYTES,
    WELCOME_BYTES = HEAD_BYTES + WELCOME_PLAIN_BYTES + TAG_BYTES,
    STORED_BYTES = HEAD_BYTES + TAG_BYTES,
    REFUSED_BYTES = HEAD_BYTES + 1,
};

_Static_assert((int)KEYS_BYTES <= (int)ENROL_REQUEST_BYTES_MAX &&
                   (int)BEGIN_BYTES <= (int)ENROL_REQUEST_BYTES_MAX,
               "what a machine says fits");
_Static_assert((int)WELCOME_BYTES <= (int)ENROL_MESSAGE_BYTES_MAX, "what a site says fits");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == (int)ENROL_SEAL_KEY_BYTES, "keys");

static void head_put(uint8_t *out, enum kind kind)
{
    memcpy(out, magic, sizeof magic);
    out[VERSION_AT] = ENROL_VERSION;
    out[KIND_AT] = (uint8_t)kind;
}

static exam_err head_check(const uint8_t *m, size_t n, enum kind kind, size_t bytes)
{
    if (n < HEAD_BYTES || memcmp(m, magic, sizeof magic) != 0)
        return EXAM_MALFORMED;
    if (m[VERSION_AT] != ENROL_VERSION)
        return EXAM_VERSION;
    return m[KIND_AT] == kind && n == bytes ? EXAM_OK : EXAM_MALFORMED;
}

static void put32(uint8_t *out, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *in)
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

/* ---------------------------------------------------------------- the run */

static void terms_make(const struct enrol_code *code, const uint8_t *session,
                       uint8_t channel[sizeof channel_name + 1], struct cpace_terms *out)
{
    memcpy(channel, channel_name, sizeof channel_name - 1);
    channel[sizeof channel_name - 1] = (uint8_t)(code->slot >> 8);
    channel[sizeof channel_name] = (uint8_t)code->slot;
    *out = (struct cpace_terms){.secret = code->secret,
                                .secret_bytes = sizeof code->secret,
                                .channel = channel,
                                .channel_bytes = sizeof channel_name + 1};
    memcpy(out->session, session, CPACE_SESSION_BYTES);
}

static void run_begin(struct cpace *c, const struct enrol_code *code, const uint8_t *session,
                      const uint8_t chance[CPACE_CHANCE_BYTES], uint8_t share[CPACE_SHARE_BYTES])
{
    uint8_t channel[sizeof channel_name + 1];
    struct cpace_terms terms;

    terms_make(code, session, channel, &terms);
    cpace_begin(c, &terms, chance, share);
    sodium_memzero(&terms, sizeof terms);
}

static void seal_key(const uint8_t key[CPACE_KEY_BYTES], const char *whose,
                     uint8_t out[ENROL_SEAL_KEY_BYTES])
{
    crypto_generichash(out, ENROL_SEAL_KEY_BYTES, (const uint8_t *)whose, strlen(whose), key,
                       CPACE_KEY_BYTES);
}

static exam_err run_end(struct cpace *c, const struct cpace_said *machine,
                        const struct cpace_said *site, const struct cpace_said *peer,
                        struct enrol_seal *out)
{
    uint8_t key[CPACE_KEY_BYTES];
    exam_err err = cpace_key(c, machine, site, peer, key);

    sodium_memzero(c, sizeof *c);
    if (err == EXAM_OK) {
        seal_key(key, "of the machine", out->of_machine);
        seal_key(key, "of the site", out->of_site);
        out->machine_n = out->site_n = 0;
    }
    sodium_memzero(key, sizeof key);
    return err;
}

static struct cpace_said said_make(const uint8_t *share, const uint8_t *role, size_t role_bytes)
{
    struct cpace_said s = {.more = role, .more_bytes = role_bytes};

    memcpy(s.share, share, CPACE_SHARE_BYTES);
    return s;
}

/* ---------------------------------------------------------------- sealed messages */

static void nonce_make(uint64_t n, uint8_t out[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES])
{
    memset(out, 0, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
    put32(out, (uint32_t)n);
}

/* Bound to the message's head, so to its kind, and to the run by its key. */
static size_t seal_put(const uint8_t key[ENROL_SEAL_KEY_BYTES], uint64_t *count, enum kind kind,
                       const uint8_t *plain, size_t n, uint8_t *out)
{
    uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];

    head_put(out, kind);
    nonce_make((*count)++, nonce);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(out + HEAD_BYTES, NULL, plain, n, out,
                                                     HEAD_BYTES, NULL, nonce, key);
    return HEAD_BYTES + n + TAG_BYTES;
}

static exam_err seal_take(const uint8_t key[ENROL_SEAL_KEY_BYTES], uint64_t *count,
                          const uint8_t *message, size_t n, uint8_t *plain)
{
    uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];

    nonce_make(*count, nonce);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, message + HEAD_BYTES,
                                                   n - HEAD_BYTES, message, HEAD_BYTES, nonce,
                                                   key) != 0)
        return EXAM_AUTH;
    (*count)++;
    return EXAM_OK;
}

/* ---------------------------------------------------------------- the site's codes */

static struct enrol_entry *slot_find(struct enrol_book *b, uint16_t slot)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->entries[i].code.slot == slot)
            return &b->entries[i];
    return NULL;
}

exam_err enrol_book_add(struct enrol_book *b, const char *name, uint64_t until_ms,
                        const uint8_t chance[ENROL_SECRET_BYTES + 2],
                        const struct enrol_entry **out)
{
    uint16_t slot = (uint16_t)((chance[0] << 8 | chance[1]) % ENROL_SLOTS);

    assert(codec_name_ok(name));
    if (b->n == ENROL_CODES_MAX)
        return EXAM_FULL;
    while (slot_find(b, slot) != NULL)
        slot = (uint16_t)((slot + 1) % ENROL_SLOTS);
    struct enrol_entry *e = &b->entries[b->n++];
    *e = (struct enrol_entry){.until_ms = until_ms};
    snprintf(e->name, sizeof e->name, "%s", name);
    enrol_code_make(slot, chance + 2, &e->code);
    *out = e;
    return EXAM_OK;
}

void enrol_book_wipe(struct enrol_book *b)
{
    sodium_memzero(b, sizeof *b);
}

static bool may_be_used(const struct enrol_entry *e, uint64_t now_ms)
{
    return e->state <= ENROL_USED && now_ms < e->until_ms;
}

size_t enrol_book_open(const struct enrol_book *b, uint64_t now_ms)
{
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++)
        n += may_be_used(&b->entries[i], now_ms);
    return n;
}

/* ---------------------------------------------------------------- the site */

void enrol_site_wipe(struct enrol_site *s)
{
    sodium_memzero(s, sizeof *s);
}

void enrol_site_refuse(exam_err why, uint8_t reply[ENROL_MESSAGE_BYTES_MAX], size_t *reply_bytes)
{
    head_put(reply, KIND_REFUSED);
    reply[HEAD_BYTES] = (uint8_t)(why == EXAM_NOT_FOUND ? EXAM_AUTH : why);
    *reply_bytes = REFUSED_BYTES;
}

static exam_err site_begin(struct enrol_site *s, uint64_t now_ms,
                           const uint8_t chance[CPACE_CHANCE_BYTES], const uint8_t *message,
                           size_t n, uint8_t *reply, size_t *reply_bytes)
{
    uint8_t share[CPACE_SHARE_BYTES];
    struct cpace c;
    exam_err err = head_check(message, n, KIND_BEGIN, BEGIN_BYTES);

    if (err != EXAM_OK)
        return err;
    s->entry = slot_find(s->book, (uint16_t)(message[SLOT_AT] << 8 | message[SLOT_AT + 1]));
    if (s->entry == NULL || !may_be_used(s->entry, now_ms))
        return EXAM_NOT_FOUND;
    run_begin(&c, &s->entry->code, message + SESSION_AT, chance, share);
    struct cpace_said machine = said_make(message + SHARE_AT, machine_role, sizeof machine_role);
    struct cpace_said site = said_make(share, site_role, sizeof site_role);
    err = run_end(&c, &machine, &site, &machine, &s->seal);
    if (err != EXAM_OK)
        return EXAM_MALFORMED;
    head_put(reply, KIND_SHARE);
    memcpy(reply + HEAD_BYTES, share, sizeof share);
    *reply_bytes = SHARE_BYTES;
    s->stage = SITE_SHARED;
    return EXAM_OK;
}

static exam_err entry_wrong(struct enrol_entry *e)
{
    if (++e->wrong >= ENROL_TRIES && e->state == ENROL_OPEN)
        e->state = ENROL_VOID;
    return EXAM_AUTH;
}

/* Checked again: other connections may have used the code, or its tries, meanwhile. */
static exam_err site_keys(struct enrol_site *s, uint64_t now_ms, const uint8_t *message, size_t n,
                          enum enrol_step *step)
{
    struct enrol_entry *e = s->entry;
    uint8_t keys[KEYS_PLAIN_BYTES];
    exam_err err = head_check(message, n, KIND_KEYS, KEYS_BYTES);

    if (err != EXAM_OK)
        return err;
    if (!may_be_used(e, now_ms))
        return EXAM_NOT_FOUND;
    if (seal_take(s->seal.of_machine, &s->seal.machine_n, message, n, keys) != EXAM_OK)
        return entry_wrong(e);
    if (e->state == ENROL_USED && (memcmp(e->public, keys, KEY_BYTES) != 0 ||
                                   memcmp(e->sign_public, keys + KEY_BYTES, KEY_BYTES) != 0))
        return EXAM_NOT_FOUND;
    memcpy(e->public, keys, KEY_BYTES);
    memcpy(e->sign_public, keys + KEY_BYTES, KEY_BYTES);
    e->state = ENROL_USED;
    s->stage = SITE_LETS_IN;
    *step = ENROL_LETS_IN;
    return EXAM_OK;
}

static exam_err site_stored(struct enrol_site *s, const uint8_t *message, size_t n,
                            enum enrol_step *step)
{
    exam_err err = head_check(message, n, KIND_STORED, STORED_BYTES);
    uint8_t none[1];

    if (err == EXAM_OK)
        err = seal_take(s->seal.of_machine, &s->seal.machine_n, message, n, none);
    if (err != EXAM_OK)
        return err;
    s->entry->state = ENROL_STORED;
    *step = ENROL_DONE;
    return EXAM_OK;
}

exam_err enrol_site_take(struct enrol_site *s, uint64_t now_ms,
                         const uint8_t chance[CPACE_CHANCE_BYTES], const uint8_t *message, size_t n,
                         uint8_t reply[ENROL_MESSAGE_BYTES_MAX], size_t *reply_bytes,
                         enum enrol_step *step)
{
    exam_err err = EXAM_MALFORMED;

    *reply_bytes = 0;
    *step = ENROL_HEARS;
    if (s->stage == SITE_BEGINS)
        err = site_begin(s, now_ms, chance, message, n, reply, reply_bytes);
    else if (s->stage == SITE_SHARED)
        err = site_keys(s, now_ms, message, n, step);
    else if (s->stage == SITE_WELCOMED)
        err = site_stored(s, message, n, step);
    if (err != EXAM_OK)
        enrol_site_refuse(err, reply, reply_bytes);
    return err;
}

void enrol_site_welcome(struct enrol_site *s, const struct key_file *authority,
                        uint32_t roster_bytes, uint8_t reply[ENROL_MESSAGE_BYTES_MAX],
                        size_t *reply_bytes)
{
    uint8_t plain[WELCOME_PLAIN_BYTES] = {0}, *at = plain;

    assert(s->stage == SITE_LETS_IN && roster_bytes <= KEY_ROSTER_BYTES_MAX);
    memcpy(at, authority->site_id, SITE_ID_BYTES);
    memcpy(at += SITE_ID_BYTES, authority->authority, KEY_BYTES);
    put32(at += KEY_BYTES, roster_bytes);
    snprintf((char *)at + 4, KEY_NAME_BYTES, "%s", s->entry->name);
    *reply_bytes =
        seal_put(s->seal.of_site, &s->seal.site_n, KIND_WELCOME, plain, sizeof plain, reply);
    s->stage = SITE_WELCOMED;
}

void enrol_site_roster(const char *roster, size_t roster_bytes, size_t *at,
                       uint8_t reply[ENROL_REPLY_BYTES_MAX], size_t *reply_bytes)
{
    size_t n = roster_bytes - *at;

    if (n > ENROL_PART_BYTES_MAX)
        n = ENROL_PART_BYTES_MAX;
    head_put(reply, KIND_ROSTER);
    memcpy(reply + HEAD_BYTES, roster + *at, n);
    *reply_bytes = HEAD_BYTES + n;
    *at += n;
}

/* ---------------------------------------------------------------- the machine */

void enrol_machine_wipe(struct enrol_machine *m)
{
    sodium_memzero(m, sizeof *m);
}

void enrol_machine_begin(struct enrol_machine *m, const struct enrol_code *code,
                         const uint8_t seed[KEY_BYTES], const uint8_t chance[ENROL_CHANCE_BYTES],
                         uint8_t message[ENROL_MESSAGE_BYTES_MAX], size_t *bytes)
{
    static const uint8_t none[KEY_BYTES];

    memset(m, 0, sizeof *m);
    m->code = *code;
    key_file_make(&m->own, "unnamed", KEY_SEAT, none, none, seed);
    head_put(message, KIND_BEGIN);
    message[SLOT_AT] = (uint8_t)(code->slot >> 8);
    message[SLOT_AT + 1] = (uint8_t)code->slot;
    memcpy(message + SESSION_AT, chance + CPACE_CHANCE_BYTES, CPACE_SESSION_BYTES);
    run_begin(&m->cpace, code, message + SESSION_AT, chance, message + SHARE_AT);
    m->said = said_make(message + SHARE_AT, machine_role, sizeof machine_role);
    *bytes = BEGIN_BYTES;
}

static exam_err machine_say_keys(struct enrol_machine *m, const uint8_t *reply, size_t n,
                                 uint8_t *message, size_t *bytes)
{
    uint8_t keys[KEYS_PLAIN_BYTES];
    exam_err err = head_check(reply, n, KIND_SHARE, SHARE_BYTES);

    if (err != EXAM_OK)
        return err;
    struct cpace_said site = said_make(reply + HEAD_BYTES, site_role, sizeof site_role);
    if (run_end(&m->cpace, &m->said, &site, &site, &m->seal) != EXAM_OK)
        return EXAM_MALFORMED;
    memcpy(keys, m->own.pair.public, KEY_BYTES);
    memcpy(keys + KEY_BYTES, m->own.sign_public, KEY_BYTES);
    *bytes =
        seal_put(m->seal.of_machine, &m->seal.machine_n, KIND_KEYS, keys, sizeof keys, message);
    m->stage = MACHINE_SAID_KEYS;
    return EXAM_OK;
}

static exam_err machine_be_welcomed(struct enrol_machine *m, const uint8_t *reply, size_t n,
                                    enum enrol_step *step)
{
    uint8_t plain[WELCOME_PLAIN_BYTES], seed[KEY_BYTES];
    const uint8_t *authority = plain + SITE_ID_BYTES, *length = authority + KEY_BYTES;
    char *name = (char *)plain + WELCOME_PLAIN_BYTES - KEY_NAME_BYTES;
    exam_err err = head_check(reply, n, KIND_WELCOME, WELCOME_BYTES);

    if (err == EXAM_OK)
        err = seal_take(m->seal.of_site, &m->seal.site_n, reply, n, plain);
    if (err != EXAM_OK)
        return err;
    name[KEY_NAME_BYTES - 1] = '\0';
    m->roster_bytes = get32(length);
    if (!codec_name_ok(name) || m->roster_bytes == 0 || m->roster_bytes > KEY_ROSTER_BYTES_MAX)
        return EXAM_MALFORMED;
    memcpy(seed, m->own.seed, sizeof seed);
    key_file_make(&m->own, name, KEY_SEAT, plain, authority, seed);
    sodium_memzero(seed, sizeof seed);
    m->stage = MACHINE_WELCOMED;
    *step = ENROL_LETS_IN;
    return EXAM_OK;
}

static exam_err machine_take_part(struct enrol_machine *m, const uint8_t *reply, size_t n,
                                  const uint8_t **part, size_t *part_bytes, enum enrol_step *step)
{
    exam_err err = head_check(reply, n, KIND_ROSTER, n);

    if (err != EXAM_OK)
        return err;
    if (n == HEAD_BYTES || n - HEAD_BYTES > m->roster_bytes - m->roster_have)
        return EXAM_MALFORMED;
    *part = reply + HEAD_BYTES;
    *part_bytes = n - HEAD_BYTES;
    m->roster_have += (uint32_t)*part_bytes;
    if (m->roster_have == m->roster_bytes)
        *step = ENROL_DONE;
    return EXAM_OK;
}

/* EXAM_OK: it is no refusal. */
static exam_err refusal_take(const uint8_t *reply, size_t n)
{
    if (head_check(reply, n, KIND_REFUSED, REFUSED_BYTES) != EXAM_OK)
        return EXAM_OK;
    switch (reply[HEAD_BYTES]) {
    case EXAM_AUTH:
    case EXAM_VERSION:
    case EXAM_EXISTS:
    case EXAM_FULL:
    case EXAM_IO:
        return (exam_err)reply[HEAD_BYTES];
    default:
        return EXAM_REFUSED;
    }
}

exam_err enrol_machine_take(struct enrol_machine *m, const uint8_t *reply, size_t n,
                            uint8_t message[ENROL_MESSAGE_BYTES_MAX], size_t *bytes,
                            const uint8_t **part, size_t *part_bytes, enum enrol_step *step)
{
    exam_err err = refusal_take(reply, n);

    *bytes = *part_bytes = 0;
    *step = ENROL_HEARS;
    if (err != EXAM_OK)
        return err;
    switch (m->stage) {
    case MACHINE_BEGUN:
        return machine_say_keys(m, reply, n, message, bytes);
    case MACHINE_SAID_KEYS:
        return machine_be_welcomed(m, reply, n, step);
    case MACHINE_WELCOMED:
        return machine_take_part(m, reply, n, part, part_bytes, step);
    }
    return EXAM_STATE;
}

void enrol_machine_stored(struct enrol_machine *m, uint8_t message[ENROL_MESSAGE_BYTES_MAX],
                          size_t *bytes)
{
    static const uint8_t none[1];

    *bytes = seal_put(m->seal.of_machine, &m->seal.machine_n, KIND_STORED, none, 0, message);
}
