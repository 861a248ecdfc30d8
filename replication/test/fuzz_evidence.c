/* fuzz_evidence.c - checkpoints and receipts: whatever the bytes are, they are refused or taken;
 * what was taken is written again to the letter; and what this site's nodes have not signed is
 * nobody's. The first byte says which of the two the rest is. */
#include <ctype.h>
#include <sodium.h>
#include <string.h>

#include "base32.h"
#include "checkpoint.h"
#include "fuzz.h"
#include "receipt.h"
#include "site_keys.h"

static struct site_keys site;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    require(sodium_init() >= 0);
    site_keys_init(&site, 7);
    return 0;
}

static void expect_checkpoint(const uint8_t *bytes, size_t n)
{
    struct checkpoint c;
    uint8_t again[CHECKPOINT_BYTES], key[CHECKPOINT_KEY_BYTES_MAX];

    memset(&c, 0, sizeof c);
    if (checkpoint_take(bytes, n, &c) != EXAM_OK) {
        require(c.node[0] == 0);
        return;
    }
    checkpoint_put(&c, again);
    require(memcmp(again, bytes, n) == 0);
    require(checkpoint_key(&c, key) <= sizeof key);
    require(checkpoint_verify(&c, site.roster, NULL) != EXAM_OK);
    c.node[0] = 'A';
    c.node[1] = '\0';
    checkpoint_sign(&c, &site.own[SITE_NODE_A]);
    require(checkpoint_verify(&c, site.roster, NULL) == EXAM_OK);
}

static void expect_receipt(const char *text, size_t n)
{
    struct receipt r, again;
    char written[RECEIPT_BYTES_MAX], check[RECEIPT_CHECK_BYTES];
    size_t written_n;

    memset(&r, 0, sizeof r);
    if (receipt_parse(text, n, &r) != EXAM_OK) {
        require(r.batch[0] == 0);
        return;
    }
    receipt_format(&r, written, &written_n);
    require(receipt_parse(written, written_n, &again) == EXAM_OK);
    require(receipt_same_facts(&r, &again) && strcmp(r.node, again.node) == 0);
    receipt_check(&r, check);
    require(receipt_check_same(check, check));
    memcpy(r.site_id, site.own[SITE_NODE_A].site_id, SITE_ID_BYTES);
    require(receipt_verify(&r, site.roster, NULL) != EXAM_OK);
    receipt_sign(&r, &site.own[SITE_NODE_A]);
    require(receipt_verify(&r, site.roster, NULL) == EXAM_OK);
}

/* The check is of 60 bits: no fuzzer guesses it. A receipt with its place for it left open is given
 * the one that fits. */
static void expect_receipt_with_check(const char *text, size_t n)
{
    char mended[RECEIPT_BYTES_MAX], check[RECEIPT_CHECK_BYTES];
    const char *at = memmem(text, n, "check ", 6);
    uint8_t hash[HASH_BYTES];
    uint64_t bits = 0;

    if (!at || n > sizeof mended || (size_t)(text + n - at) < 6 + sizeof check)
        return;
    crypto_generichash(hash, sizeof hash, (const uint8_t *)text, (size_t)(at - text), NULL, 0);
    for (int i = 0; i < 8; i++)
        bits = bits << 8 | hash[i];
    for (int i = 0; i < 14; i++) {
        bool dash = i == 4 || i == 9;
        check[i] = dash ? '-' : base32_symbols[bits >> 59];
        bits = dash ? bits : bits << 5;
    }
    memcpy(mended, text, n);
    memcpy(mended + (at - text) + 6, check, 14);
    expect_receipt(mended, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] % 2 == 0) {
        expect_checkpoint(data + 1, size - 1);
    } else {
        expect_receipt((const char *)data + 1, size - 1);
        expect_receipt_with_check((const char *)data + 1, size - 1);
    }
    return 0;
}
