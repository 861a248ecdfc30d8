#include "site_keys.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(exam_err err)
{
    if (err == EXAM_OK)
        return;
    fprintf(stderr, "keys for the test cannot be made: %s\n", exam_err_text(err));
    abort();
}

static void chance_of(uint8_t site, uint8_t number, uint8_t out[KEY_BYTES])
{
    const uint8_t from[2] = {site, number};

    crypto_generichash(out, KEY_BYTES, from, sizeof from, NULL, 0);
}

void site_keys_add(struct site_keys *s, const char *name, enum key_kind kind, uint8_t number,
                   struct key_file *out)
{
    uint8_t chance[KEY_BYTES];
    struct key_entry e;

    chance_of(s->authority.site_id[0], number, chance);
    key_file_make(out, name, kind, s->authority.site_id, s->authority.authority, chance);
    key_entry_of(out, &e);
    if (kind == KEY_PERSON)
        e.role = KEY_ROLE_ADMINISTRATOR;
    must(key_roster_add(s->roster, &e));
}

void site_keys_init(struct site_keys *s, uint8_t number)
{
    static const struct {
        const char *name;
        enum key_kind kind;
    } who[SITE_KEYS] = {
        {"A", KEY_NODE}, {"B", KEY_NODE}, {"R01-01", KEY_SEAT}, {"operator", KEY_PERSON}};
    uint8_t site_id[SITE_ID_BYTES], chance[KEY_BYTES];

    if (sodium_init() < 0)
        abort();
    memset(site_id, number, sizeof site_id);
    chance_of(number, 255, chance);
    key_file_make(&s->authority, "authority", KEY_AUTHORITY, site_id, NULL, chance);
    must(key_roster_new(site_id, &s->roster));
    key_roster_next(s->roster);
    for (uint8_t i = 0; i < SITE_KEYS; i++) {
        site_keys_add(s, who[i].name, who[i].kind, i, &s->own[i]);
        must(keyring_new(&s->own[i], s->roster, &s->ring[i]));
    }
}

void site_keys_fini(struct site_keys *s)
{
    for (size_t i = 0; i < SITE_KEYS; i++)
        keyring_free(s->ring[i]);
    key_roster_free(s->roster);
}
