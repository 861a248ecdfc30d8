/* admin_rights.h - which person may ask for what (R4, P2): roles of the site's roster against the
 * requests of admin.proto, as one table.
 * Pure. `person` is whom the roster has now for the key of the connection; without keys nobody asks
 * here. Previews need the right of the act that they show. */
#ifndef EXAM_ADMIN_RIGHTS_H
#define EXAM_ADMIN_RIGHTS_H

#include <stdbool.h>

#include "admin.pb-c.h"
#include "exam.h"
#include "key_roster.h"

/* Whether a request is an act, which its person must have signed. What stages an import changes
 * nothing: the digest of it all is in the ImportCommit. A kind that the table does not know is an
 * act. */
bool admin_rights_is_act(const Admin__Request *m);

/* EXAM_REFUSED: not with this role, or not about this room; `why` says who may. */
EXAM_MUST_USE exam_err admin_rights_check(const struct key_entry *person, const Admin__Request *m,
                                          const exam *x, struct exam_refusal *why);

/* What a request asks for, as a text has it: "a grant of time". Never NULL. */
const char *admin_rights_name(const Admin__Request *m);

/* Of what everybody may look at, an invigilator is shown what is in their rooms (R4). `person`
 * NULL, which is without keys, and the other roles see all of it. */
bool admin_rights_sees_room(const struct key_entry *person, const char *room);
/* One of the site, or of a batch that sits in their rooms, is about their rooms, too. */
bool admin_rights_sees_incident(const struct key_entry *person, const exam *x, uint32_t incident);

/* P2: a second person confirms what another one has proposed. EXAM_REFUSED. */
EXAM_MUST_USE exam_err admin_rights_confirm(const struct key_entry *second, const char *first,
                                            struct exam_refusal *why);

#endif
