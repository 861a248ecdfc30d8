/* site_roster.h - the site's roster of keys, for whoever only holds something against it: no secret
 * key is opened, nobody is asked for a password.
 * Shell: reads files. Errors are told on stderr. sodium_init has been called. */
#ifndef EXAMREPLAY_SITE_ROSTER_H
#define EXAMREPLAY_SITE_ROSTER_H

#include "exit_code.h"
#include "key_roster.h"

/* The file `roster`, of whatever site `authority` has signed it for: the caller compares. NULL:
 * none was given, and *out is NULL. `authority`: a public key in hexadecimal, or any key file of
 * the site, which names it; NULL without a roster only. The caller frees *out. */
enum exit_code site_roster_read(const char *roster, const char *authority, struct key_roster **out);

#endif
