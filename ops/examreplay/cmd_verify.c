/* cmd_verify.c - `examreplay verify FOLDER [FOLDER]`. */
#include "command.h"
#include "state_keep.h"

enum exit_code cmd_verify(const struct options *o)
{
    static struct state_keep keep;
    const struct proof_watch watch = state_keep_watch(&keep);
    struct verify_order v = o->verify;
    v.folder = o->folder;
    v.other = o->argument;
    v.json = o->json;
    v.reached = o->reached;
    v.watch = o->no_index ? NULL : &watch;
    return verify_run(&v);
}
