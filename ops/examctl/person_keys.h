/* person_keys.h - a person's own key and the site's roster of keys, opened: the password of the key
 * is asked for if it has one, and a roster that is older than one used with this key before is
 * refused (KEY.roster-used, beside the key, has its number).
 * Shell: asks a person, reads and writes files. Errors are told on stderr. */
#ifndef EXAMCTL_PERSON_KEYS_H
#define EXAMCTL_PERSON_KEYS_H

#include "keyring.h"
#include "password.h"

/* As keyring_open_person and keyring_remember. That nothing can be written beside the key is told,
 * and no error: keys may lie on a stick that is read only. */
EXAM_MUST_USE exam_err person_keys_open(const char *key_file, const char *roster,
                                        const struct password_source *from, struct keyring **out);

#endif
