#include "node_core.h"

#include "clock.h"
#include "oplog.h"

enum {
    HANG_MS_MIN = 20, /* no grace is so short that less than this could lock a screen */
};

/* Asked before anything is done that this process could not do for a while: stopped, on a machine
 * that was paused, at a disk that did not answer. Seats whose screens have locked meanwhile would
 * be charged by clocks that nobody has stopped; so the old epoch is over, as with a restart (W3),
 * and the seats say what they have used (T6). */
void node_hang_check(struct node *n)
{
    uint64_t now_ms = clock_boot_ms(), gone_ms = now_ms - n->awake_ms;
    struct rep_input in = {.kind = REP_HUNG, .now_ms = now_ms};
    if (n->pumping)
        return;
    n->awake_ms = now_ms;
    if (gone_ms < HANG_MS_MIN || !n->serving || n->failure ||
        gone_ms < exam_lock_after_ms(engine_exam(n->engine)))
        return;
    oplog(OPLOG_WARN, "hung", OPLOG_U("for_ms", gone_ms), OPLOG_U("epoch", rep_epoch(n->rep)),
          OPLOG_S("text", "this process did not run for so long that screens may have locked: it "
                          "begins anew, as after a restart; if it does not serve again by itself, "
                          "promote a node (T5, W3); find out what held it up"));
    n->hung = true;
    rep_step(n->rep, &in);
    node_pump(n);
    n->hung = false;
}

/* The loop shows itself often enough that a hang is told from a wait for something to do. */
uint64_t node_awake_next_ms(const struct node *n)
{
    uint64_t lock_ms = n->serving ? exam_lock_after_ms(engine_exam(n->engine)) : UINT64_MAX;
    return lock_ms == UINT64_MAX ? UINT64_MAX : n->awake_ms + lock_ms / 2;
}
