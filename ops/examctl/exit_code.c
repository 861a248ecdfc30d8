#include "exit_code.h"

enum exit_code exit_code_of(exam_err err, uint32_t line)
{
    if (err == EXAM_OK)
        return EXIT_CODE_DONE;
    if (line != 0)
        return EXIT_CODE_BAD_INPUT;
    if (err == EXAM_NOT_PRIMARY)
        return EXIT_CODE_UNAVAILABLE;
    if (err == EXAM_MALFORMED || err == EXAM_VERSION || err == EXAM_TOO_BIG)
        return EXIT_CODE_PROTOCOL;
    switch (exam_err_class_of(err)) {
    case EXAM_CLASS_RETRY:
        return EXIT_CODE_TRY_AGAIN;
    case EXAM_CLASS_REFUSED:
    case EXAM_CLASS_INPUT:
        return EXIT_CODE_REFUSED;
    case EXAM_CLASS_OK:
    case EXAM_CLASS_FATAL:
        break;
    }
    return EXIT_CODE_INTERNAL;
}

enum exit_code exit_code_of_keys(exam_err err)
{
    switch (err) {
    case EXAM_OK:
        return EXIT_CODE_DONE;
    case EXAM_AUTH:
    case EXAM_EXISTS:
    case EXAM_NOT_FOUND:
    case EXAM_REFUSED:
        return EXIT_CODE_REFUSED;
    case EXAM_IO:
    case EXAM_NOMEM:
    case EXAM_SYSTEM:
        return EXIT_CODE_INTERNAL;
    default:
        return EXIT_CODE_BAD_INPUT;
    }
}
