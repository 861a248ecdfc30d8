/* keyring.h - what a process of a site knows of keys: its own, and the site's roster.
 * Shell: reads two files. Not thread-safe. sodium_init has been called.
 *
 * The key file may be read by nobody but its owner (mode 0600), or it is refused: a secret that
 * others have read is none. The roster is public; it is believed because it is signed by the
 * authority that the key file names. It may be replaced while the process runs: keyring_refresh
 * takes the new one when its version is higher, and never an older one. */
#ifndef EXAM_KEYRING_H
#define EXAM_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data_key.h"
#include "key_file.h"
#include "key_roster.h"
#include "roster_memory.h"

enum { KEYRING_WHY_BYTES = 512 };

struct keyring;

/* Reads a key file alone. EXAM_NOT_FOUND, EXAM_IO; EXAM_REFUSED others may read it; and as
 * key_file_parse. Wipe what it gives. `password` NULL: a file under one is refused. */
EXAM_MUST_USE exam_err keyring_read_key(const char *path, const struct key_password *password,
                                        struct key_file *out, char *why, size_t why_bytes);
/* The same of a data key's file. */
EXAM_MUST_USE exam_err keyring_read_data_key(const char *path, struct data_key_file *out, char *why,
                                             size_t why_bytes);
/* Reads a roster alone. EXAM_NOT_FOUND, EXAM_IO, and as key_roster_parse: `site_id` may be NULL, as
 * there. */
EXAM_MUST_USE exam_err keyring_read_roster(const char *path, const uint8_t authority[KEY_BYTES],
                                           const uint8_t site_id[SITE_ID_BYTES],
                                           struct key_roster **out, char *why, size_t why_bytes);

/* Both; the key must be of `kind`, and be in the roster. EXAM_REFUSED: it is another kind's, was
 * revoked, or is not listed. */
EXAM_MUST_USE exam_err keyring_open(const char *key_path, const char *roster_path,
                                    enum key_kind kind, struct keyring **out, char *why,
                                    size_t why_bytes);
/* The same of a person, who can be asked for the password of their key. */
EXAM_MUST_USE exam_err keyring_open_person(const char *key_path, const char *roster_path,
                                           const struct key_password *password,
                                           struct keyring **out, char *why, size_t why_bytes);
/* From memory, for tests and for many identities in one process. `own` is copied; `roster` is the
 * caller's and lives longer. EXAM_NOMEM. */
EXAM_MUST_USE exam_err keyring_new(const struct key_file *own, const struct key_roster *roster,
                                   struct keyring **out);
/* Wipes it. NULL is allowed. */
void keyring_free(struct keyring *k);

/* Has the ring use no roster that is older than one that its owner has used before: remembers the
 * one in use, and from here on each newer one before it is used. EXAM_REFUSED: the one in use is
 * older; otherwise as the memory's. What `m` points to lives longer than the ring. */
EXAM_MUST_USE exam_err keyring_remember(struct keyring *k, const struct roster_memory *m, char *why,
                                        size_t why_bytes);
/* The same in a file of that path, which is made when there is none. */
EXAM_MUST_USE exam_err keyring_remember_file(struct keyring *k, const char *path, char *why,
                                             size_t why_bytes);

/* Looks whether there is a newer roster. *changed: there is, and entries of the old one are void.
 * Errors as keyring_read_roster, and EXAM_INVALID: another roster than the one in use that is not
 * newer; and as the memory's. Then the old one stays in use; each error of a file is told once. */
EXAM_MUST_USE exam_err keyring_refresh(struct keyring *k, bool *changed, char *why,
                                       size_t why_bytes);

const struct key_file *keyring_own(const struct keyring *k);
const struct key_roster *keyring_roster(const struct keyring *k);
/* False: by the roster in use this process's own key is void. */
bool keyring_own_good(const struct keyring *k);

#endif
