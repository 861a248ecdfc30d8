/* exit_code.h - what examctl's exit code means, the same for every command.
 * Pure. The numbers are those of sysexits.h, so that scripts and people can read them. */
#ifndef EXAMCTL_EXIT_CODE_H
#define EXAMCTL_EXIT_CODE_H

#include <stdint.h>

#include "exam_err.h"

enum exit_code {
    EXIT_CODE_DONE = 0,
    EXIT_CODE_REFUSED = 1,      /* by a rule, or by the person asked to confirm */
    EXIT_CODE_USAGE = 2,        /* the command line is wrong */
    EXIT_CODE_WAITS = 3,        /* nothing was done yet: a second person has to confirm it (P2) */
    EXIT_CODE_BAD_INPUT = 65,   /* an input file is wrong; the text names file and line */
    EXIT_CODE_UNAVAILABLE = 69, /* no node answers, or none serves */
    EXIT_CODE_INTERNAL = 70,    /* this machine or a node failed */
    EXIT_CODE_TRY_AGAIN = 75,   /* timed out or cut off; the same command may succeed later */
    EXIT_CODE_PROTOCOL = 76,    /* the other side speaks another version, or no sense */
};

/* The exit code for an error met on a connection that stood, or for a node's refusal.
 * `line` is the refusal's line of an imported file, 0 for none. */
enum exit_code exit_code_of(exam_err err, uint32_t line);

/* That of a command which asks no node, and works on files of keys. */
enum exit_code exit_code_of_keys(exam_err err);

#endif
