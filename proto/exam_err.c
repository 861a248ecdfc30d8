#include "exam_err.h"

#include <stddef.h>

struct err_info {
    exam_err_class class;
    const char *name; /* NULL: no such code */
    const char *text;
};

static const struct err_info err_table[] = {
    [EXAM_OK] = {EXAM_CLASS_OK, "ok", "all is well"},

    [EXAM_AGAIN] = {EXAM_CLASS_RETRY, "again", "not now, try again"},
    [EXAM_NOT_PRIMARY] = {EXAM_CLASS_RETRY, "not-primary", "this node does not serve"},
    [EXAM_CONN] = {EXAM_CLASS_RETRY, "conn", "the connection failed or was closed"},
    [EXAM_TIMEOUT] = {EXAM_CLASS_RETRY, "timeout", "no answer in time"},
    [EXAM_GAP] = {EXAM_CLASS_RETRY, "gap", "an earlier answer has not arrived"},
    [EXAM_FULL] = {EXAM_CLASS_RETRY, "full", "no space left, nothing was written"},

    [EXAM_STATE] = {EXAM_CLASS_REFUSED, "state", "not possible in the present state"},
    [EXAM_NOT_FOUND] = {EXAM_CLASS_REFUSED, "not-found", "there is none of that name"},
    [EXAM_EXISTS] = {EXAM_CLASS_REFUSED, "exists", "there is one already"},
    [EXAM_AUTH] = {EXAM_CLASS_REFUSED, "auth", "the credentials do not fit"},
    [EXAM_SEAT_TAKEN] = {EXAM_CLASS_REFUSED, "seat-taken", "the candidate belongs to another seat"},
    [EXAM_LATE] = {EXAM_CLASS_REFUSED, "late", "made after the finish"},
    [EXAM_STALE_EPOCH] = {EXAM_CLASS_REFUSED, "stale-epoch", "superseded by a higher epoch"},
    [EXAM_ATTEST] = {EXAM_CLASS_REFUSED, "attest", "a person must attest that the primary is off"},
    [EXAM_REFUSED] = {EXAM_CLASS_REFUSED, "refused", "forbidden by a rule"},

    [EXAM_INVALID] = {EXAM_CLASS_INPUT, "invalid", "a value is out of its range"},
    [EXAM_MALFORMED] = {EXAM_CLASS_INPUT, "malformed", "the bytes are no valid message"},
    [EXAM_TOO_BIG] = {EXAM_CLASS_INPUT, "too-big", "over a size limit"},
    [EXAM_VERSION] = {EXAM_CLASS_INPUT, "version", "of another version"},
    [EXAM_OTHER_SITE] = {EXAM_CLASS_INPUT, "other-site", "belongs to another site"},

    [EXAM_IO] = {EXAM_CLASS_FATAL, "io", "a read or write failed, its outcome is unknown"},
    [EXAM_CORRUPT] = {EXAM_CLASS_FATAL, "corrupt", "stored bytes have changed"},
    [EXAM_LOCKED] = {EXAM_CLASS_FATAL, "locked", "in use by another process"},
    [EXAM_NOMEM] = {EXAM_CLASS_FATAL, "nomem", "out of memory"},
    [EXAM_SYSTEM] = {EXAM_CLASS_FATAL, "system", "the operating system reported a failure"},
};

/* Codes come off the wire, too: whatever the number is, there is an answer. */
static const struct err_info *err_info_of(exam_err err)
{
    static const struct err_info unknown = {EXAM_CLASS_FATAL, "unknown", "an unknown error code"};
    size_t i = (size_t)err;

    if (i >= sizeof err_table / sizeof err_table[0] || err_table[i].name == NULL)
        return &unknown;
    return &err_table[i];
}

exam_err_class exam_err_class_of(exam_err err)
{
    return err_info_of(err)->class;
}

const char *exam_err_text(exam_err err)
{
    return err_info_of(err)->text;
}

const char *exam_err_name(exam_err err)
{
    return err_info_of(err)->name;
}
