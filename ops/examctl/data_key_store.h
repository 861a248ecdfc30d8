/* data_key_store.h - the file of a site's data key: made, read, put under a password (P3).
 * Shell: asks a person, reads and writes files (mode 0600). Errors are told on stderr. */
#ifndef EXAMCTL_DATA_KEY_STORE_H
#define EXAMCTL_DATA_KEY_STORE_H

#include <stdbool.h>

#include "data_key.h"
#include "exam_err.h"
#include "key_folder.h"
#include "password.h"

/* Makes a data key into the folder's file data-key, and names it in the folder's roster, which is
 * the caller's to commit. `bare`: in the clear. EXAM_EXISTS: the site has one. */
EXAM_MUST_USE exam_err data_key_store_make(struct key_folder *f, const struct password_source *from,
                                           bool bare);

/* Reads one, and asks for its password if it has one. EXAM_AUTH: not this password. Wipe it. */
EXAM_MUST_USE exam_err data_key_store_read(const char *path, const struct password_source *from,
                                           struct data_key_file *out, bool *asked);

/* Writes an open one to another file, in the clear or under a new password. */
EXAM_MUST_USE exam_err data_key_store_write(const char *path, const struct password_source *from,
                                            bool bare, struct data_key_file *f);

#endif
