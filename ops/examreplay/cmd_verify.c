/* cmd_verify.c - `examreplay verify FOLDER [FOLDER]`. */
#include "command.h"

enum exit_code cmd_verify(const struct options *o)
{
    struct verify_order v = o->verify;
    v.folder = o->folder;
    v.other = o->argument;
    v.json = o->json;
    v.reached = o->reached;
    return verify_run(&v);
}
