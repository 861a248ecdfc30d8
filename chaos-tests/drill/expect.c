#include "expect.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "duration.h"

static bool no_answer(const struct office_refusal *why, char *found)
{
    snprintf(found, FOUND_BYTES, "nothing: %s", why->text);
    return false;
}

/* ---------------------------------------------------------------- sittings */

static bool sitting_fits(const struct drill_expected *e, const struct result *r)
{
    return (!e->has_used || e->used_ms == r->used_ms) &&
           (!e->has_left || e->left_ms == r->left_ms) &&
           (!e->has_lost || e->lost_ms == r->lost_ms) &&
           (!e->state || !strcmp(e->state, r->state)) &&
           (!e->finish || !strcmp(e->finish, r->finish));
}

static bool expect_sitting(struct stage *s, struct results *r, const struct drill_line *l,
                           char *found)
{
    char used[DURATION_TEXT_BYTES], left[DURATION_TEXT_BYTES], lost[DURATION_TEXT_BYTES];
    const struct result *of;
    struct office_refusal why = {0};
    if (results_of(r, s, l->scope.at, &of, &why))
        return no_answer(&why, found);
    if (sitting_fits(&l->expected, of))
        return true;
    duration_format(of->used_ms, used);
    duration_format(of->left_ms, left);
    duration_format(of->lost_ms, lost);
    snprintf(found, FOUND_BYTES, "used %s left %s lost %s state %s%s%s", used, left, lost,
             of->state, of->finish[0] ? " finish " : "", of->finish);
    return false;
}

static bool answer_fits(const struct drill_line *l, const struct result_answer *a)
{
    size_t bytes = l->value ? strlen(l->value) : 0;
    if (l->expected.no_answer || !a)
        return l->expected.no_answer && !a;
    return a->value_bytes == bytes && !memcmp(a->value, l->value, bytes) &&
           (!l->expected.late || a->late);
}

static bool expect_answer(struct stage *s, struct results *r, const struct drill_line *l,
                          char *found)
{
    const struct result *of;
    struct office_refusal why = {0};
    if (results_of(r, s, l->scope.at, &of, &why))
        return no_answer(&why, found);
    const struct result_answer *a = results_answer(of, l->item);
    if (answer_fits(l, a))
        return true;
    if (a)
        snprintf(found, FOUND_BYTES, "%.*s%s", a->value_bytes < 200 ? (int)a->value_bytes : 200,
                 (const char *)a->value, a->late ? " late" : "");
    else
        snprintf(found, FOUND_BYTES, "none");
    return false;
}

/* ---------------------------------------------------------------- nodes */

struct node_found {
    const char *role;
    uint64_t epoch;
    bool solo;
};

static void take_node(void *ctx, const Admin__Reply *r)
{
    static const char *const roles[] = {
        [ADMIN__ROLE__ROLE_UNKNOWN] = "unknown",
        [ADMIN__ROLE__ROLE_STANDBY] = "standby",
        [ADMIN__ROLE__ROLE_PRIMARY] = "primary",
        [ADMIN__ROLE__ROLE_FENCED] = "fenced",
        /* A node that belongs to no site yet waits to be let in. */
        [ADMIN__ROLE__ROLE_EMPTY] = "standby",
        [ADMIN__ROLE__ROLE_FAILED] = "failed",
    };
    struct node_found *n = ctx;
    if (r->kind_case != ADMIN__REPLY__KIND_NODE_STATUS)
        return;
    n->role = roles[r->node_status->role];
    n->epoch = r->node_status->epoch;
    n->solo = r->node_status->solo;
}

static bool expect_node(struct stage *s, const struct drill_line *l, char *found)
{
    const struct drill_expected *e = &l->expected;
    struct node_found n = {.role = "down"};
    struct office_refusal why = {0};
    Admin__Status status = ADMIN__STATUS__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    char who[] = "drill";
    m.kind_case = ADMIN__REQUEST__KIND_STATUS;
    m.status = &status;
    if (world_node(s->w, l->scope.at)) {
        n.role = "unknown";
        if (office_ask_once(s->w, l->scope.at, who, &m, take_node, &n, &why))
            return no_answer(&why, found);
    }
    if ((!e->role || !strcmp(e->role, n.role)) && (!e->has_epoch || e->epoch == n.epoch) &&
        (!e->solo || n.solo))
        return true;
    int at = snprintf(found, FOUND_BYTES, "role %s", n.role);
    if (strcmp(n.role, "down") != 0)
        snprintf(found + at, FOUND_BYTES - (size_t)at, " epoch %" PRIu64 "%s", n.epoch,
                 n.solo ? " solo" : "");
    return false;
}

/* ---------------------------------------------------------------- batches */

static void take_batch(void *ctx, const Admin__Reply *r)
{
    static const char *const states[] = {
        [ADMIN__BATCH_STATE__BATCH_STATE_UNKNOWN] = "unknown",
        [ADMIN__BATCH_STATE__BATCH_STATE_PLANNED] = "planned",
        [ADMIN__BATCH_STATE__BATCH_STATE_RUNNING] = "running",
        [ADMIN__BATCH_STATE__BATCH_STATE_PAUSED] = "paused",
        [ADMIN__BATCH_STATE__BATCH_STATE_SUSPENDED] = "suspended",
        [ADMIN__BATCH_STATE__BATCH_STATE_ENDED] = "ended",
        [ADMIN__BATCH_STATE__BATCH_STATE_COLLECTED] = "collected",
        [ADMIN__BATCH_STATE__BATCH_STATE_POSTPONED] = "postponed",
    };
    const char **state = ctx;
    if (r->kind_case == ADMIN__REPLY__KIND_BATCH_INFO)
        *state = states[r->batch_info->state];
}

static bool expect_batch(struct stage *s, const struct drill_line *l, char *found)
{
    const char *state = "unknown";
    struct office_refusal why = {0};
    Admin__BatchStatus status = ADMIN__BATCH_STATUS__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    status.batch = (char *)(uintptr_t)s->d->batches[l->scope.at].name;
    m.kind_case = ADMIN__REQUEST__KIND_BATCH_STATUS;
    m.batch_status = &status;
    if (stage_ask(s, &m, take_batch, &state, &why))
        return no_answer(&why, found);
    if (!strcmp(state, l->expected.state))
        return true;
    snprintf(found, FOUND_BYTES, "state %s", state);
    return false;
}

bool expect_holds(struct stage *s, struct results *r, const struct drill_line *l,
                  char found[FOUND_BYTES])
{
    switch (l->verb) {
    case DRILL_EXPECT_SITTING:
        return expect_sitting(s, r, l, found);
    case DRILL_EXPECT_ANSWER:
        return expect_answer(s, r, l, found);
    case DRILL_EXPECT_NODE:
        return expect_node(s, l, found);
    default:
        return expect_batch(s, l, found);
    }
}
