/* key_roster.h - who belongs to a site: names, kinds and public keys, numbered and signed by the
 * site's authority. Pure: bytes in, bytes out; keyring.h reads the file.
 *
 * The text is one line, "shunyan-roster-1" and the signature (Ed25519, hexadecimal), and then the
 * JSON that is signed, byte for byte. Nothing of it is parsed before the signature was found good,
 * and whoever cannot sign cannot make anything of it.
 *
 * Each change is a new roster with the next version. A key that was revoked stays listed, so that
 * a log can say whose it was. `accepts` is the oldest version whose holders are still let in: what
 * they need of it are the nodes' keys, so it rises when a node's key is revoked, and nobody else
 * has to be given a new roster because a seat was stolen. */
#ifndef EXAM_KEY_ROSTER_H
#define EXAM_KEY_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "key_file.h"

enum {
    KEY_ROSTER_BYTES_MAX = 16 * 1024 * 1024,
    KEY_ROSTER_KEYS_MAX = 65536,
};

struct key_entry {
    char name[KEY_NAME_BYTES];
    enum key_kind kind;
    uint8_t public[KEY_BYTES];
    uint64_t revoked; /* the version that did it; 0: good */
};

struct key_roster;

/* An empty roster, version 0. EXAM_NOMEM. */
EXAM_MUST_USE exam_err key_roster_new(const uint8_t site_id[SITE_ID_BYTES],
                                      struct key_roster **out);
void key_roster_free(struct key_roster *r); /* NULL is allowed */

/* EXAM_AUTH not signed by `authority`; EXAM_MALFORMED; EXAM_VERSION of another format;
 * EXAM_OTHER_SITE; EXAM_INVALID a value is wrong, or a name or key is there twice; EXAM_TOO_BIG;
 * EXAM_NOMEM. `why` says it for a person. */
EXAM_MUST_USE exam_err key_roster_parse(const char *text, size_t n,
                                        const uint8_t authority[KEY_BYTES],
                                        const uint8_t site_id[SITE_ID_BYTES],
                                        struct key_roster **out, char *why, size_t why_bytes);

/* The text, signed; free() it. EXAM_NOMEM; EXAM_TOO_BIG. */
EXAM_MUST_USE exam_err key_roster_format(const struct key_roster *r,
                                         const struct key_file *authority, char **out, size_t *n);

/* Begins the next version: what is added and revoked from here on is in it. */
void key_roster_next(struct key_roster *r);
/* EXAM_EXISTS the name has a good key of this kind, or the key is listed; EXAM_FULL; EXAM_NOMEM. */
EXAM_MUST_USE exam_err key_roster_add(struct key_roster *r, const char *name, enum key_kind kind,
                                      const uint8_t public[KEY_BYTES]);
/* Revokes the good key of that name. A node's: whoever has an older roster is let in no more.
 * EXAM_NOT_FOUND. */
EXAM_MUST_USE exam_err key_roster_revoke(struct key_roster *r, const char *name,
                                         enum key_kind kind);

const uint8_t *key_roster_site(const struct key_roster *r);
uint64_t key_roster_version(const struct key_roster *r);
uint64_t key_roster_accepts(const struct key_roster *r);

/* NULL: not listed. Of a key, revoked ones too; of a name, only the good one. An entry lives as
 * long as its roster. */
const struct key_entry *key_roster_find_key(const struct key_roster *r,
                                            const uint8_t public[KEY_BYTES]);
const struct key_entry *key_roster_find_name(const struct key_roster *r, enum key_kind kind,
                                             const char *name);
size_t key_roster_keys(const struct key_roster *r);
const struct key_entry *key_roster_at(const struct key_roster *r, size_t i);

#endif
