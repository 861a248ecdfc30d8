#include "receipt.h"

#include <assert.h>
#include <ctype.h>
#include <endian.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base32.h"
#include "codec.h"

static const char format_name[] = "shunyan-receipt-1";
static const char context[] = "receipt";
static const char answers_context[] = "shunyan-answers-1";

enum {
    CHECK_CHARS = 12,
    CHECK_GROUP = 4,
    SIGNATURE_TEXT_BYTES = 89, /* base64 of 64 bytes, and its end */
    WALL_TEXT_BYTES = 40,
};

static const int64_t wall_ms_max = 253402300799999; /* the end of the year 9999 */

static_assert(sizeof(crypto_generichash_state) <= sizeof(((struct receipt_answers *)0)->state),
              "the state has its room");
static_assert(sodium_base64_ENCODED_LEN(KEY_SIGNATURE_BYTES, sodium_base64_VARIANT_ORIGINAL) ==
                  SIGNATURE_TEXT_BYTES,
              "the signature has its room");

/* ---------------------------------------------------------------- the digest */

static crypto_generichash_state *state_of(struct receipt_answers *a)
{
    return (crypto_generichash_state *)(void *)a->state;
}

static void digest_add(struct receipt_answers *a, const void *bytes, size_t n)
{
    int bad = crypto_generichash_update(state_of(a), bytes, n);
    assert(bad == 0);
}

void receipt_answers_begin(struct receipt_answers *a)
{
    int bad = crypto_generichash_init(state_of(a), NULL, 0, HASH_BYTES);
    assert(bad == 0);
    a->n = 0;
    digest_add(a, answers_context, sizeof answers_context - 1);
}

/* Each part with its length before it, so that no two lists of answers have one form. */
static void digest_part(struct receipt_answers *a, const void *bytes, size_t n)
{
    uint32_t length = htobe32((uint32_t)n);
    digest_add(a, &length, sizeof length);
    digest_add(a, bytes, n);
}

void receipt_answers_add(struct receipt_answers *a, const char *item, const uint8_t *value,
                         size_t value_bytes)
{
    digest_part(a, item, strlen(item));
    digest_part(a, value, value_bytes);
    a->n++;
}

void receipt_answers_end(struct receipt_answers *a, struct receipt *r)
{
    int bad = crypto_generichash_final(state_of(a), r->digest, HASH_BYTES);
    assert(bad == 0);
    r->answers = a->n;
}

int64_t receipt_wall_ms(int64_t wall_ms)
{
    return wall_ms < 0 ? 0 : wall_ms > wall_ms_max ? wall_ms_max : wall_ms;
}

/* ---------------------------------------------------------------- writing */

struct text {
    char *at;
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->at + t->n, RECEIPT_BYTES_MAX - t->n, format, args);
    va_end(args);
    assert(n >= 0 && (size_t)n < RECEIPT_BYTES_MAX - t->n);
    t->n += (size_t)n;
}

static void add_hex(struct text *t, const char *name, const uint8_t *bytes, size_t n)
{
    char hex[2 * HASH_BYTES + 1];
    add(t, "%s %s\n", name, sodium_bin2hex(hex, sizeof hex, bytes, n));
}

static const char *wall_text(int64_t wall_ms, char out[WALL_TEXT_BYTES])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    size_t n = 0;

    if (gmtime_r(&seconds, &utc))
        n = strftime(out, WALL_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + n, WALL_TEXT_BYTES - n, ".%03dZ", (int)(wall_ms % 1000));
    return out;
}

/* What follows from the log. */
static void add_facts(struct text *t, const struct receipt *r)
{
    char wall[WALL_TEXT_BYTES];

    add(t, "%s\n", format_name);
    add_hex(t, "site", r->site_id, SITE_ID_BYTES);
    add(t, "batch %s\n", r->batch);
    add(t, "candidate %s\n", r->candidate);
    add(t, "answers %" PRIu32 "\n", r->answers);
    add_hex(t, "digest", r->digest, HASH_BYTES);
    add(t, "record %" PRIu64 "\n", r->lsn);
    add(t, "epoch %" PRIu64 "\n", r->epoch);
    add_hex(t, "chain", r->chain, HASH_BYTES);
    add(t, "written %s\n", wall_text(r->wall_ms, wall));
}

static void check_of(const struct text *facts, char out[RECEIPT_CHECK_BYTES])
{
    uint8_t hash[HASH_BYTES];
    uint64_t bits;

    int bad = crypto_generichash(hash, sizeof hash, (const uint8_t *)facts->at, facts->n, NULL, 0);
    assert(bad == 0);
    memcpy(&bits, hash, sizeof bits);
    bits = be64toh(bits);
    for (int i = 0; i < CHECK_CHARS; i++, bits <<= BASE32_BITS) {
        if (i > 0 && i % CHECK_GROUP == 0)
            *out++ = '-';
        *out++ = base32_symbols[bits >> (64 - BASE32_BITS)];
    }
    *out = '\0';
}

void receipt_check(const struct receipt *r, char out[RECEIPT_CHECK_BYTES])
{
    char room[RECEIPT_BYTES_MAX];
    struct text t = {.at = room};

    add_facts(&t, r);
    check_of(&t, out);
}

/* All that is signed. */
static void add_signed(struct text *t, const struct receipt *r)
{
    char check[RECEIPT_CHECK_BYTES];

    add_facts(t, r);
    check_of(t, check);
    add(t, "check %s\n", check);
    add(t, "node %s\n", r->node);
}

void receipt_format(const struct receipt *r, char out[RECEIPT_BYTES_MAX], size_t *n)
{
    struct text t = {.at = out};
    char signature[SIGNATURE_TEXT_BYTES];

    add_signed(&t, r);
    add(&t, "signature %s\n",
        sodium_bin2base64(signature, sizeof signature, r->signature, KEY_SIGNATURE_BYTES,
                          sodium_base64_VARIANT_ORIGINAL));
    *n = t.n;
}

/* ---------------------------------------------------------------- reading */

struct lines {
    const char *at, *end;
    bool bad;
};

/* The value of the next line, which begins with that name; "" when it does not. */
static const char *line_take(struct lines *l, const char *name, char room[RECEIPT_BYTES_MAX])
{
    size_t left = (size_t)(l->end - l->at), head = strlen(name) + 1;
    const char *end = memchr(l->at, '\n', left);
    size_t n = end ? (size_t)(end - l->at) : left;
    const char *next = end ? end + 1 : l->end;

    room[0] = '\0';
    if (n > 0 && l->at[n - 1] == '\r')
        n--;
    if (n <= head || n - head >= RECEIPT_BYTES_MAX || memcmp(l->at, name, head - 1) != 0 ||
        l->at[head - 1] != ' ' || memchr(l->at, '\0', n)) {
        l->bad = true;
        return room;
    }
    memcpy(room, l->at + head, n - head);
    room[n - head] = '\0';
    l->at = next;
    return room;
}

static void take_hex(struct lines *l, const char *name, uint8_t *out, size_t n)
{
    char room[RECEIPT_BYTES_MAX];
    const char *text = line_take(l, name, room);
    size_t got = 0;

    l->bad |= sodium_hex2bin(out, n, text, strlen(text), NULL, &got, NULL) != 0 || got != n;
}

static void take_name(struct lines *l, const char *name, char out[NAME_BYTES_MAX + 1])
{
    char room[RECEIPT_BYTES_MAX];
    const char *text = line_take(l, name, room);

    l->bad |= !codec_name_ok(text);
    if (!l->bad)
        memcpy(out, text, strlen(text) + 1);
}

/* Another way to write a number shows when the whole is written again. */
static uint64_t take_number(struct lines *l, const char *name)
{
    char room[RECEIPT_BYTES_MAX];
    return strtoull(line_take(l, name, room), NULL, 10);
}

static int64_t take_wall(struct lines *l)
{
    char room[RECEIPT_BYTES_MAX];
    struct tm utc = {.tm_mday = 1};
    const char *text = line_take(l, "written", room);
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);

    if (!rest || *rest != '.') {
        l->bad = true;
        return 0;
    }
    int64_t seconds = timegm(&utc);
    return receipt_wall_ms(seconds) * 1000 + (int64_t)(strtoull(rest + 1, NULL, 10) % 1000);
}

static void take_signature(struct lines *l, uint8_t out[KEY_SIGNATURE_BYTES])
{
    char room[RECEIPT_BYTES_MAX];
    const char *text = line_take(l, "signature", room);
    size_t got = 0;

    l->bad |= sodium_base642bin(out, KEY_SIGNATURE_BYTES, text, strlen(text), NULL, &got, NULL,
                                sodium_base64_VARIANT_ORIGINAL) != 0 ||
              got != KEY_SIGNATURE_BYTES;
}

static bool head_take(struct lines *l)
{
    size_t n = sizeof format_name - 1;

    if ((size_t)(l->end - l->at) <= n || memcmp(l->at, format_name, n) != 0)
        return false;
    l->at += n;
    l->at += *l->at == '\r';
    return l->at < l->end && *l->at++ == '\n';
}

/* The same text but for CR before LF, and for white space at its end. */
static bool is_written_so(const char *text, size_t n, const struct receipt *r)
{
    char again[RECEIPT_BYTES_MAX];
    size_t again_n, at = 0;

    receipt_format(r, again, &again_n);
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        n--;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\r' && i + 1 < n && text[i + 1] == '\n')
            continue;
        if (at == again_n || again[at++] != text[i])
            return false;
    }
    return at + 1 == again_n; /* its last line end */
}

exam_err receipt_parse(const char *text, size_t n, struct receipt *out)
{
    struct receipt r = {.node = ""};
    struct lines l = {.at = text, .end = text + n};
    char room[RECEIPT_BYTES_MAX];

    if (n > RECEIPT_BYTES_MAX || !head_take(&l))
        return EXAM_MALFORMED;
    take_hex(&l, "site", r.site_id, SITE_ID_BYTES);
    take_name(&l, "batch", r.batch);
    take_name(&l, "candidate", r.candidate);
    r.answers = (uint32_t)take_number(&l, "answers");
    take_hex(&l, "digest", r.digest, HASH_BYTES);
    r.lsn = take_number(&l, "record");
    r.epoch = take_number(&l, "epoch");
    take_hex(&l, "chain", r.chain, HASH_BYTES);
    r.wall_ms = take_wall(&l);
    (void)line_take(&l, "check", room);
    take_name(&l, "node", r.node);
    take_signature(&l, r.signature);
    if (l.bad || r.wall_ms > wall_ms_max || !is_written_so(text, n, &r))
        return EXAM_MALFORMED;
    *out = r;
    return EXAM_OK;
}

bool receipt_check_same(const char check[RECEIPT_CHECK_BYTES], const char *typed)
{
    for (; *typed; typed++) {
        if (*typed == '-' || *typed == ' ')
            continue;
        check += *check == '-';
        if (!*check || base32_value(*typed) != base32_value(*check++))
            return false;
    }
    return !*check;
}

bool receipt_same_facts(const struct receipt *a, const struct receipt *b)
{
    return memcmp(a->site_id, b->site_id, SITE_ID_BYTES) == 0 && strcmp(a->batch, b->batch) == 0 &&
           strcmp(a->candidate, b->candidate) == 0 && a->answers == b->answers &&
           memcmp(a->digest, b->digest, HASH_BYTES) == 0 && a->lsn == b->lsn &&
           a->epoch == b->epoch && memcmp(a->chain, b->chain, HASH_BYTES) == 0 &&
           a->wall_ms == b->wall_ms;
}

/* ---------------------------------------------------------------- signatures */

void receipt_sign(struct receipt *r, const struct key_file *k)
{
    char room[RECEIPT_BYTES_MAX];
    struct text t = {.at = room};

    assert(k->kind == KEY_NODE);
    memcpy(r->node, k->name, sizeof r->node);
    add_signed(&t, r);
    key_file_sign(k, context, t.at, t.n, r->signature);
}

exam_err receipt_verify(const struct receipt *r, const struct key_roster *roster,
                        const struct key_entry **by)
{
    char room[RECEIPT_BYTES_MAX];
    struct text t = {.at = room};
    exam_err err = EXAM_NOT_FOUND;

    if (memcmp(r->site_id, key_roster_site(roster), SITE_ID_BYTES) != 0)
        return EXAM_OTHER_SITE;
    add_signed(&t, r);
    for (size_t i = 0; i < key_roster_keys(roster) && err != EXAM_OK; i++) {
        const struct key_entry *e = key_roster_at(roster, i);
        if (e->kind != KEY_NODE || strcmp(e->name, r->node) != 0)
            continue;
        err = key_entry_verify(e, r->site_id, context, t.at, t.n, r->signature);
        if (err == EXAM_OK && by != NULL)
            *by = e;
    }
    return err;
}
