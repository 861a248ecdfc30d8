#include "node_core.h"

#include <stdio.h>

#include "clock.h"
#include "codec.h"
#include "oplog.h"

enum {
    HANDED_OVER_MS = 2000, /* W4: at the most so long until the successor has said that it serves */
    LEAVE_MS = 5000,       /* an orderly end is not held up for longer, whatever it waits for */
};

/* W2: what a successor does not have is lost to the candidates, so every clock is marked before a
 * hand-over drains. */
void node_mark_all(struct node *n)
{
    struct exam_command c = {.kind = EXAM_CMD_MARK_ALL};
    struct exam_refusal why;
    uint64_t lsn;
    if (!n->serving || !rep_may_decide(n->rep) || n->failure)
        return;
    exam_err err = engine_decide(n->engine, &c, &why, &lsn);
    if (err)
        oplog(OPLOG_WARN, "marks-refused", OPLOG_S("why", why.text));
    if (lsn > n->announced_lsn) {
        node_feed(n, REP_APPENDED, engine_last(n->engine));
        node_pump(n);
    }
}

static void power_book(struct node *n)
{
    static const Ev__Power powers[] = {
        [NODE_MAINS_LOST] = EV__POWER__POWER_MAINS_LOST,
        [NODE_MAINS_BACK] = EV__POWER__POWER_MAINS_BACK,
        [NODE_BATTERY_LOW] = EV__POWER__POWER_BATTERY_LOW,
    };
    struct exam_command c = {.kind = EXAM_CMD_POWER};
    struct exam_refusal why;
    uint64_t lsn;
    c.u.power.node = n->config.node;
    c.u.power.power = powers[n->power_said];
    n->power_unbooked = false;
    exam_err err = engine_decide(n->engine, &c, &why, &lsn);
    if (err)
        oplog(OPLOG_WARN, "power-refused", OPLOG_S("why", why.text));
}

static void down_hand_over(struct node *n)
{
    node_mark_all(n);
    n->asked.token++;
    n->down = DOWN_HANDING;
    struct rep_input in = {
        .kind = REP_HAND_OVER, .now_ms = clock_boot_ms(), .token = n->asked.token};
    rep_step(n->rep, &in);
    node_pump(n);
}

/* W4: with nobody to hand over to, what runs is suspended: a person decides, once there is power.
 */
void node_hand_over_ended(struct node *n, const struct rep_action *a)
{
    struct exam_command c = {.kind = EXAM_CMD_SUSPEND, .u.suspend.node = n->config.node};
    struct exam_refusal why;
    uint64_t lsn;
    oplog(OPLOG_WARN, "going-down", OPLOG_S("code", exam_err_name(a->code)),
          OPLOG_S("text", a->text));
    if (!a->code) {
        n->down = DOWN_HANDED;
        n->down_until_ms = clock_boot_ms() + HANDED_OVER_MS;
        return;
    }
    n->down = DOWN_NOW;
    if (!n->serving || !n->battery_low)
        return; /* another one serves already; or this one is back in a moment */
    exam_err err = engine_decide(n->engine, &c, &why, &lsn);
    if (err)
        oplog(OPLOG_ERROR, "suspend-refused", OPLOG_S("why", why.text));
}

/* Whatever the power asks for and can be done now. A primary that decides nothing at the moment, as
 * it waits for its standby, does so when it decides again. */
void node_power_turn(struct node *n)
{
    bool decides = n->serving && rep_may_decide(n->rep) && !n->failure;
    bool wanted = n->down == DOWN_NOT && (n->battery_low || n->leaving);
    if (n->power_unbooked && decides)
        power_book(n);
    if (wanted && decides)
        down_hand_over(n);
    else if (wanted && (!n->serving || (n->leaving && rep_is_waiting(n->rep))))
        n->down = DOWN_NOW; /* nobody waits for a standby, and nobody could take over */
    if (n->leaving && clock_boot_ms() >= n->leave_until_ms)
        n->down = DOWN_NOW;
    if (n->down == DOWN_HANDED &&
        (rep_epoch(n->rep) > exam_epoch(engine_exam(n->engine)) ||
         clock_boot_ms() >= n->down_until_ms || rep_role(n->rep) == REP_ROLE_STANDBY))
        n->down = DOWN_NOW;
}

void node_power(struct node *n, enum node_power what)
{
    static const char *const words[] = {
        [NODE_MAINS_LOST] = "mains lost",
        [NODE_MAINS_BACK] = "mains back",
        [NODE_BATTERY_LOW] = "battery low",
    };
    oplog(what == NODE_MAINS_BACK ? OPLOG_INFO : OPLOG_WARN, "power", OPLOG_S("what", words[what]));
    node_hang_check(n);
    n->power_said = what;
    n->power_unbooked = n->serving;
    n->battery_low = what == NODE_BATTERY_LOW;
    node_power_turn(n);
}

void node_leave(struct node *n)
{
    if (n->leaving)
        return;
    node_hang_check(n);
    n->leaving = true;
    n->leave_until_ms = clock_boot_ms() + LEAVE_MS;
    node_power_turn(n);
}

bool node_wants_stop(const struct node *n)
{
    return n->down == DOWN_NOW;
}

void node_power_told(struct node *n, Admin__Power power, const char *text)
{
    n->ups = text != NULL;
    n->power = power;
    snprintf(n->power_text, sizeof n->power_text, "%s",
             text ? text : "no UPS is configured: a power cut ends this server at once (R1)");
    codec_text_mend(n->power_text, sizeof n->power_text - 1);
}
