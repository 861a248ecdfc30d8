/* verify.h - what one data folder proves, or two: `examreplay verify` and `examctl verify`, which
 * are the same. Shell: reads folders and files, prints to stdout what was found, to stderr what
 * stands in the way. sodium_init has been called. */
#ifndef EXAMREPLAY_VERIFY_H
#define EXAMREPLAY_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exit_code.h"

struct proof_watch;

enum { VERIFY_RECEIPTS_MAX = 1024 };

struct verify_order {
    const char *folder;
    const char *other;  /* a second one; NULL: none */
    const char *roster; /* the site's roster of keys; NULL: signatures are not checked */
    /* Who must have signed the roster: the authority's public key in hexadecimal, or any key file
     * of the site, which names it. NULL: there must be no roster. */
    const char *authority;
    const char *receipts[VERIFY_RECEIPTS_MAX]; /* files, or CANDIDATE:RECORD:CHECK */
    size_t receipts_n;
    bool json;
    volatile uint64_t *reached;      /* replay.h */
    const struct proof_watch *watch; /* proof.h; NULL: nobody looks on */
};

/* EXIT_CODE_DONE: all of it is proven. EXIT_CODE_REFUSED (1): something is wrong, and was told.
 * Others: as exit_code.h says, and nothing was proven. */
enum exit_code verify_run(const struct verify_order *v);

#endif
