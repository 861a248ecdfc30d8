/* key_folder.h - the folder in which a site's keys are made and kept: the authority's secret key,
 * the roster that it signs, and a key file for each node, seat and person until it is handed over.
 * Shell: writes files. The secret ones are their owner's only (mode 0600).
 *
 *     authority.key   roster   nodes/A.key   seats/R01/R01-01.key   people/operator.key
 *
 * The authority's key signs whatever the site believes: it is under a password, and the folder
 * belongs on a machine that is neither a server nor a seat, or on a stick in a safe. Errors are
 * told on stderr. */
#ifndef EXAMCTL_KEY_FOLDER_H
#define EXAMCTL_KEY_FOLDER_H

#include "exam_err.h"
#include "key_roster.h"
#include "name_list.h"
#include "password.h"

struct key_folder {
    const char *path;
    struct key_file authority;
    struct key_roster *roster;
};

/* Makes the folder, which must not exist, and the authority of a site, with an empty roster of
 * version 1. `site_id`: of a site that has a log already; NULL: a new one. Nothing of it is a site
 * before key_folder_commit. `password`: what the authority's key is put under; NULL: under none.
 * EXAM_EXISTS, EXAM_IO, EXAM_NOMEM. */
EXAM_MUST_USE exam_err key_folder_make(const char *path, const uint8_t *site_id,
                                       const char *password, struct key_folder *out);

/* Opens one, and begins the next version of its roster unless it is only to be read. The password
 * of the authority's key is asked for; when there is none, it is said how to put it under one.
 * EXAM_NOT_FOUND, EXAM_IO, and what key files and rosters are refused for. */
EXAM_MUST_USE exam_err key_folder_open(const char *path, bool change,
                                       const struct password_source *authority,
                                       struct key_folder *out);

/* Makes a key, writes its file and puts it into the roster. EXAM_EXISTS: there is a good key of
 * that name; EXAM_FULL, EXAM_IO, EXAM_NOMEM. */
EXAM_MUST_USE exam_err key_folder_issue(struct key_folder *f, enum key_kind kind, const char *name);

/* A person: what they may do, and the password that their key is put under. */
struct key_folder_person {
    const char *name;
    enum key_role role;
    const struct name_list *rooms; /* of an invigilator; NULL: none */
    const char *password;          /* NULL: under none */
};
/* As key_folder_issue. EXAM_INVALID: the role wants rooms, or has none. */
EXAM_MUST_USE exam_err key_folder_issue_person(struct key_folder *f,
                                               const struct key_folder_person *p);

/* Writes a key file anew, in one step: `password` NULL puts it under none. EXAM_IO, EXAM_NOMEM. */
EXAM_MUST_USE exam_err key_folder_rewrite(const char *path, const struct key_file *k,
                                          const char *password);

/* Everything written is on the disk, then the roster takes the place of the one before. */
EXAM_MUST_USE exam_err key_folder_commit(struct key_folder *f);

void key_folder_close(struct key_folder *f);

#endif
