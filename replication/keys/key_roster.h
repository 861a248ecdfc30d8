/* key_roster.h - who belongs to a site: names, kinds, public keys and persons' roles, numbered and
 * signed by the site's authority. Pure: bytes in, bytes out; keyring.h reads the file.
 *
 * The text is one line, "shunyan-roster-2" and the signature (Ed25519, hexadecimal), and then the
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
#include "sealed_field.h"

enum {
    KEY_ROSTER_BYTES_MAX = 16 * 1024 * 1024,
    KEY_ROSTER_KEYS_MAX = 65536,
    KEY_ROOMS_MAX = 16, /* of one invigilator */
};

/* What a person may do. Written into files by name: key_role_name. */
enum key_role {
    KEY_ROLE_NONE, /* nodes and seats */
    KEY_ROLE_ADMINISTRATOR,
    KEY_ROLE_INVIGILATOR, /* in some rooms */
    KEY_ROLE_REVIEWER,    /* reads */
    KEY_ROLE_OFFICE,      /* the exam office */
};

struct key_entry {
    char name[KEY_NAME_BYTES];
    enum key_kind kind;
    uint8_t public[KEY_BYTES];                 /* of the channel */
    uint8_t sign_public[KEY_BYTES];            /* of signatures */
    enum key_role role;                        /* a person's */
    char rooms[KEY_ROOMS_MAX][KEY_NAME_BYTES]; /* an invigilator's, at least one */
    size_t rooms_n;
    uint64_t revoked; /* the version that did it; 0: good */
};

const char *key_role_name(enum key_role role); /* "administrator"; never NULL */
/* EXAM_INVALID: no role has that name. */
EXAM_MUST_USE exam_err key_role_of(const char *name, enum key_role *out);

/* Name, kind and public keys of an identity. A person's role is for the caller to set. */
void key_entry_of(const struct key_file *k, struct key_entry *out);
/* A person has a role, an invigilator rooms, each once; nobody else has any. */
bool key_entry_role_fits(const struct key_entry *e);
bool key_entry_has_room(const struct key_entry *e, const char *room);
/* As key_verify. Of a revoked key, too: a log is older than that. */
EXAM_MUST_USE exam_err key_entry_verify(const struct key_entry *e,
                                        const uint8_t site_id[SITE_ID_BYTES], const char *context,
                                        const void *message, size_t n,
                                        const uint8_t signature[KEY_SIGNATURE_BYTES]);

struct key_roster;

/* An empty roster, version 0. EXAM_NOMEM. */
EXAM_MUST_USE exam_err key_roster_new(const uint8_t site_id[SITE_ID_BYTES],
                                      struct key_roster **out);
void key_roster_free(struct key_roster *r); /* NULL is allowed */

/* EXAM_AUTH not signed by `authority`; EXAM_MALFORMED; EXAM_VERSION of another format;
 * EXAM_OTHER_SITE; EXAM_INVALID a value is wrong, or a name or key is there twice; EXAM_TOO_BIG;
 * EXAM_NOMEM. `why` says it for a person. `site_id` NULL: of whatever site `authority` has signed
 * for, for whoever reads a log later. */
EXAM_MUST_USE exam_err key_roster_parse(const char *text, size_t n,
                                        const uint8_t authority[KEY_BYTES],
                                        const uint8_t site_id[SITE_ID_BYTES],
                                        struct key_roster **out, char *why, size_t why_bytes);

/* The text, signed; free() it. EXAM_NOMEM; EXAM_TOO_BIG. */
EXAM_MUST_USE exam_err key_roster_format(const struct key_roster *r,
                                         const struct key_file *authority, char **out, size_t *n);

/* Begins the next version: what is added and revoked from here on is in it. */
void key_roster_next(struct key_roster *r);
/* EXAM_EXISTS the name has a good key of this kind, or one of the keys is listed; EXAM_FULL;
 * EXAM_NOMEM. `e` is copied, and good: its role fits, it is not revoked. */
EXAM_MUST_USE exam_err key_roster_add(struct key_roster *r, const struct key_entry *e);
/* Revokes the good key of that name. A node's: whoever has an older roster is let in no more.
 * EXAM_NOT_FOUND. */
EXAM_MUST_USE exam_err key_roster_revoke(struct key_roster *r, const char *name,
                                         enum key_kind kind);

const uint8_t *key_roster_site(const struct key_roster *r);
/* P3: the id of the key that personal data are sealed with; NULL: the site has none. */
const uint8_t *key_roster_data_id(const struct key_roster *r);
void key_roster_set_data_id(struct key_roster *r, const uint8_t id[DATA_ID_BYTES]);
uint64_t key_roster_version(const struct key_roster *r);
uint64_t key_roster_accepts(const struct key_roster *r);

/* NULL: not listed. By a key, revoked ones too; by a name, only the good one. An entry lives as
 * long as its roster. */
const struct key_entry *key_roster_find_key(const struct key_roster *r,
                                            const uint8_t public[KEY_BYTES]);
const struct key_entry *key_roster_find_sign(const struct key_roster *r,
                                             const uint8_t sign_public[KEY_BYTES]);
const struct key_entry *key_roster_find_name(const struct key_roster *r, enum key_kind kind,
                                             const char *name);
size_t key_roster_keys(const struct key_roster *r);
const struct key_entry *key_roster_at(const struct key_roster *r, size_t i);

#endif
