#include "json_lines.h"

exam_err json_line(json_t *o, FILE *to)
{
    if (!o)
        return EXAM_NOMEM;
    int failed = json_dumpf(o, to, JSON_COMPACT);
    json_decref(o);
    return failed || fputc('\n', to) == EOF ? EXAM_IO : EXAM_OK;
}
