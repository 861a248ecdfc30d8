#include "package_sign.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char context[] = "package";

_Static_assert((int)PACKAGE_DIGEST_BYTES == (int)crypto_generichash_BYTES_MAX, "BLAKE2b-512");

void package_digest_begin(crypto_generichash_state *hash)
{
    crypto_generichash_init(hash, NULL, 0, PACKAGE_DIGEST_BYTES);
}

void package_sign(const struct key_file *office, const uint8_t digest[PACKAGE_DIGEST_BYTES],
                  uint8_t signature[KEY_SIGNATURE_BYTES])
{
    key_file_sign(office, context, digest, PACKAGE_DIGEST_BYTES, signature);
}

exam_err package_verify(const struct package_header *h, const uint8_t digest[PACKAGE_DIGEST_BYTES],
                        const uint8_t signature[KEY_SIGNATURE_BYTES])
{
    return key_verify(h->sign_public, h->site_id, context, digest, PACKAGE_DIGEST_BYTES, signature);
}

static exam_err signer_judge(const struct package_header *h, const struct key_entry *e,
                             char why[PACKAGE_WHY_BYTES])
{
    if (e->kind != KEY_PERSON || e->role != KEY_ROLE_OFFICE)
        snprintf(why, PACKAGE_WHY_BYTES,
                 "it is signed by %s, who is %s: the exam office signs packages (P2)", e->name,
                 e->kind == KEY_PERSON ? key_role_name(e->role) : key_kind_name(e->kind));
    else if (e->revoked != 0)
        snprintf(why, PACKAGE_WHY_BYTES,
                 "it is signed by %s with a key that was revoked by roster %" PRIu64
                 ": have it signed anew",
                 e->name, e->revoked);
    else if (strcmp(e->name, h->who) != 0)
        snprintf(why, PACKAGE_WHY_BYTES, "it says that %s has made it, and the key is %s's", h->who,
                 e->name);
    else
        return EXAM_OK;
    return EXAM_REFUSED;
}

exam_err package_signer_check(const struct package_header *h, const struct key_roster *roster,
                              char why[PACKAGE_WHY_BYTES])
{
    char site[2 * SITE_ID_BYTES + 1];
    const struct key_entry *e;

    if (memcmp(h->site_id, key_roster_site(roster), SITE_ID_BYTES) != 0) {
        sodium_bin2hex(site, sizeof site, h->site_id, SITE_ID_BYTES);
        snprintf(why, PACKAGE_WHY_BYTES, "it is for another site: %s", site);
        return EXAM_OTHER_SITE;
    }
    e = key_roster_find_sign(roster, h->sign_public);
    if (e != NULL)
        return signer_judge(h, e, why);
    snprintf(why, PACKAGE_WHY_BYTES,
             "it is signed with a key that the site's roster does not list (it says: %s's). Is it "
             "the newest roster?",
             h->who);
    return EXAM_NOT_FOUND;
}
