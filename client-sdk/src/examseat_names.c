/* What the library's numbers are called. */
#include "examseat.h"

const char *examseat_err_name(examseat_err err)
{
    switch (err) {
    case EXAMSEAT_OK:
        return "ok";
    case EXAMSEAT_AGAIN:
        return "again";
    case EXAMSEAT_NO_CONTACT:
        return "no-contact";
    case EXAMSEAT_FULL:
        return "full";
    case EXAMSEAT_STATE:
        return "state";
    case EXAMSEAT_LATE:
        return "late";
    case EXAMSEAT_AUTH:
        return "auth";
    case EXAMSEAT_SEAT_TAKEN:
        return "seat-taken";
    case EXAMSEAT_EXISTS:
        return "exists";
    case EXAMSEAT_NOT_FOUND:
        return "not-found";
    case EXAMSEAT_REFUSED:
        return "refused";
    case EXAMSEAT_INVALID:
        return "invalid";
    case EXAMSEAT_TOO_BIG:
        return "too-big";
    case EXAMSEAT_VERSION:
        return "version";
    case EXAMSEAT_OTHER_SITE:
        return "other-site";
    case EXAMSEAT_IO:
        return "io";
    case EXAMSEAT_CORRUPT:
        return "corrupt";
    case EXAMSEAT_LOCKED:
        return "locked";
    case EXAMSEAT_SYSTEM:
        return "system";
    }
    return "unknown";
}

const char *examseat_state_name(examseat_state state)
{
    static const char *const names[] = {"unknown",    "connecting", "connected", "signing-in",
                                        "waiting",    "answering",  "locked",    "paused",
                                        "submitting", "finished",   "shut-out"};
    size_t i = (size_t)state;
    return i < sizeof(names) / sizeof(names[0]) ? names[i] : names[0];
}

const char *examseat_answer_state_name(examseat_answer_state state)
{
    static const char *const names[] = {"unknown", "local", "sent", "solo", "dual", "refused"};
    size_t i = (size_t)state;
    return i < sizeof(names) / sizeof(names[0]) ? names[i] : names[0];
}

#define TEXT_OF(x)    #x
#define VERSION_OF(x) TEXT_OF(x)

const char *examseat_version(void)
{
    return VERSION_OF(EXAMSEAT_VERSION_MAJOR) "." VERSION_OF(EXAMSEAT_VERSION_MINOR) "." VERSION_OF(
        EXAMSEAT_VERSION_PATCH);
}
