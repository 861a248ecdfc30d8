/* exam_err.h - the one error type of the project, on the wire too.
 * Pure. Every function that can fail returns an exam_err; its outputs come last and are untouched
 * on failure. Callers branch on the code, or on its class, never on a text.
 * The numbers are part of the conversations (proto/README.md): never reuse or renumber one. */
#ifndef EXAM_ERR_H
#define EXAM_ERR_H

#define EXAM_MUST_USE __attribute__((warn_unused_result))

typedef enum exam_err {
    EXAM_OK = 0,

    /* retry: nothing is wrong with the request; the same one may succeed later or elsewhere */
    EXAM_AGAIN = 1,       /* not now: the primary waits for its standby, or a queue is full */
    EXAM_NOT_PRIMARY = 2, /* this node does not serve (W1); ask the others */
    EXAM_CONN = 3,        /* the connection failed or was closed */
    EXAM_TIMEOUT = 4,
    EXAM_GAP = 5,  /* an answer before this one has not arrived: resend from `have` + 1 */
    EXAM_FULL = 6, /* no space: nothing was written; answers stay in the seat's journal */

    /* refused: the request is understood and a rule forbids it */
    EXAM_STATE = 20,       /* not in this state of the batch or the sitting */
    EXAM_NOT_FOUND = 21,   /* no such batch, sitting, seat, item, paper or node */
    EXAM_EXISTS = 22,      /* there is one already */
    EXAM_AUTH = 23,        /* admission number and ID number do not fit, or no such session */
    EXAM_SEAT_TAKEN = 24,  /* the candidate sits, or is to sit, at another seat */
    EXAM_LATE = 25,        /* made after the finish: kept in the log, not in the result (T10) */
    EXAM_STALE_EPOCH = 26, /* the sender's epoch has been superseded (W1) */
    EXAM_ATTEST = 27,  /* the primary is out of contact: a person must attest that it is off (W2) */
    EXAM_REFUSED = 28, /* forbidden by another rule, which the text names */

    /* bad input: the request can never succeed as it is */
    EXAM_INVALID = 40,    /* a value out of its range */
    EXAM_MALFORMED = 41,  /* bytes that are no message */
    EXAM_TOO_BIG = 42,    /* over a size limit */
    EXAM_VERSION = 43,    /* another version of the conversation, the file or the log */
    EXAM_OTHER_SITE = 44, /* a node, seat or file of another site */

    /* fatal: the process that meets one of these stops what it does */
    EXAM_IO = 60,      /* a read or write failed; the outcome of a write is unknown (D6) */
    EXAM_CORRUPT = 61, /* stored bytes are not what was stored (D8) */
    EXAM_LOCKED = 62,  /* another process has the data folder open */
    EXAM_NOMEM = 63,
    EXAM_SYSTEM = 64, /* any other failure of the operating system */
} exam_err;

typedef enum exam_err_class {
    EXAM_CLASS_OK = 0,
    EXAM_CLASS_RETRY = 1,
    EXAM_CLASS_REFUSED = 2,
    EXAM_CLASS_INPUT = 3,
    EXAM_CLASS_FATAL = 4,
} exam_err_class;

/* The class of any code, known or not: an unknown code is EXAM_CLASS_FATAL. */
exam_err_class exam_err_class_of(exam_err err);

/* A short English text, for a log line; never NULL. */
const char *exam_err_text(exam_err err);

/* The code's name without its prefix in lower case ("not-found"), for JSON and log lines. */
const char *exam_err_name(exam_err err);

#endif
