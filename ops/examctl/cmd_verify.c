/* cmd_verify.c - `examctl verify FOLDER [FOLDER2]`: what `examreplay verify` does, with the keys
 * that examctl is told of anyway. Asks no node. */
#include "verify.h"

#include <sodium.h>

#include "command.h"
#include "damage.h"
#include "report.h"

enum exit_code cmd_verify_folder(const struct options *o)
{
    static volatile uint64_t reached;
    static struct verify_order v;

    if (sodium_init() < 0) {
        report_error("libsodium cannot be used on this machine");
        return EXIT_CODE_INTERNAL;
    }
    v = (struct verify_order){.folder = o->argument,
                              .other = o->second,
                              .roster = options_roster(o),
                              .authority = options_authority(o),
                              .receipts_n = o->receipts_n,
                              .json = o->json,
                              .reached = &reached};
    for (size_t i = 0; i < o->receipts_n; i++)
        v.receipts[i] = o->receipts[i];
    damage_watch(&reached);
    return verify_run(&v);
}
