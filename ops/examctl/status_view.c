#include "status_view.h"

#include <inttypes.h>
#include <string.h>

#include "duration.h"
#include "json_output.h"
#include "report.h"
#include "text_table.h"
#include "words.h"

/* To the second: nobody reads milliseconds in a table. */
static const char *brief(uint64_t ms, char out[DURATION_TEXT_BYTES])
{
    duration_format(ms / 1000 * 1000, out);
    return out;
}

static void size_format(uint64_t bytes, char out[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    uint64_t tenths = bytes * 10;
    size_t unit = 0;

    if (bytes > UINT64_MAX / 16) {
        snprintf(out, 32, "-");
        return;
    }
    for (; tenths >= 10240 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        tenths /= 1024;
    snprintf(out, 32, "%" PRIu64 ".%u %s", tenths / 10, (unsigned)(tenths % 10), units[unit]);
}

static const char *peer_condition(const Admin__NodeStatus *s, const Admin__PeerStatus *p)
{
    if (p->in_sync)
        return "in sync";
    if (p->trouble[0])
        return p->trouble;
    if (p->connected)
        return s->role == ADMIN__ROLE__ROLE_EMPTY ? "in contact" : "catching up";
    return p->ever_heard ? "out of contact" : "never heard";
}

static void peers_format(const Admin__NodeStatus *s, char *out, size_t out_bytes)
{
    size_t used = 0;

    snprintf(out, out_bytes, "-");
    for (size_t i = 0; i < s->n_peers && used < out_bytes; i++)
        used += (size_t)snprintf(out + used, out_bytes - used, "%s%s %s", i > 0 ? ", " : "",
                                 s->peers[i]->node, peer_condition(s, s->peers[i]));
}

static void node_row(struct text_table *t, const struct cluster_node *node)
{
    const Admin__NodeStatus *s = node->status;
    char up[DURATION_TEXT_BYTES], disk[32], peers[256];

    if (s == NULL) {
        text_table_add(t, "-");
        text_table_add(t, "%s", node->address->text);
        text_table_add(t, "no answer");
        for (int i = 0; i < 8; i++)
            text_table_add(t, "-");
        return;
    }
    size_format(s->disk_free_bytes, disk);
    peers_format(s, peers, sizeof peers);
    text_table_add(t, "%s", s->node);
    text_table_add(t, "%s", node->address->text);
    text_table_add(t, "%s", word_of_role(s->role));
    text_table_add(t, "%" PRIu64, s->epoch);
    text_table_add(t, "%s", word_of_durability(s));
    text_table_add(t, "%" PRIu64, s->durable_lsn);
    text_table_add(t, "%" PRIu32, s->seats_connected);
    text_table_add(t, "%s", brief(s->up_ms, up));
    text_table_add(t, "%s", disk);
    text_table_add(t, "%s", s->ups ? word_of_power(s->power) : "no UPS");
    text_table_add(t, "%s", peers);
}

/* R1, W4 */
static void power_attention(const Admin__NodeStatus *s, FILE *to)
{
    if (s->power == ADMIN__POWER__POWER_BATTERY || s->power == ADMIN__POWER__POWER_BATTERY_LOW)
        fprintf(to, "! %s has lost the mains and runs on %s (R1). Its UPS says: %s\n", s->node,
                s->power == ADMIN__POWER__POWER_BATTERY ? "battery" : "a battery that is low",
                s->power_text);
    else if (s->ups && s->power == ADMIN__POWER__POWER_UNKNOWN)
        fprintf(to, "! %s does not know its power: %s. Look at its UPS.\n", s->node, s->power_text);
    if (s->going_down)
        fprintf(to, "! %s goes down, in order: its battery is low (W4).\n", s->node);
}

static void decisions_attention(const Admin__NodeStatus *s, FILE *to)
{
    if (s->role != ADMIN__ROLE__ROLE_PRIMARY)
        return;
    if (s->incidents_open > 0)
        fprintf(to, "! %" PRIu32 " incident%s open: `examctl incident list --open`.\n",
                s->incidents_open, s->incidents_open == 1 ? " is" : "s are");
    if (s->limits_reached > 0)
        fprintf(to,
                "! %" PRIu32 " interruption%s reached the limit and wait for a decision (R4): "
                "`examctl sitting show`, `examctl sitting decide`.\n",
                s->limits_reached, s->limits_reached == 1 ? " has" : "s have");
    for (size_t i = 0; i < s->n_batches; i++) {
        const Admin__BatchInfo *b = s->batches[i];

        if (b->state == ADMIN__BATCH_STATE__BATCH_STATE_SUSPENDED)
            fprintf(to,
                    "! Batch %s is suspended (W4): decide between `examctl batch go-on %s` and "
                    "`examctl batch postpone %s`.\n",
                    b->batch, b->batch, b->batch);
        if (b->warning[0] != '\0')
            fprintf(to, "! Batch %s: %s\n", b->batch, b->warning);
    }
}

static void node_attention(const struct cluster_node *node, FILE *to)
{
    const Admin__NodeStatus *s = node->status;

    if (s == NULL) {
        fprintf(to, "! %s\n", node->why);
        return;
    }
    if (s->role == ADMIN__ROLE__ROLE_FAILED)
        fprintf(to,
                "! %s has failed and serves nobody: %s. Mend its disk before you start it again.\n",
                s->node, s->failure);
    if (s->role == ADMIN__ROLE__ROLE_FENCED)
        fprintf(to,
                "! %s was superseded by a higher epoch and serves nobody (W1); it follows once it "
                "is in contact.\n",
                s->node);
    if (s->locked)
        fprintf(to,
                "! %s is locked: it follows, and cannot serve before `examctl unlock %s` (P3).\n",
                s->node, s->node);
    if (s->waiting)
        fprintf(to,
                "! %s waits for its standby: nothing is acknowledged until it is back or %s goes "
                "on alone (A1).\n",
                s->node, s->node);
    if (s->solo && s->role == ADMIN__ROLE__ROLE_PRIMARY && !s->waiting && s->n_peers > 0)
        fprintf(to,
                "! %s serves alone: answers are on one disk only (solo, A1). Bring its standby "
                "back.\n",
                s->node);
    if (s->disk_reserved)
        fprintf(to,
                "! %s has no disk space left: answers are refused and stay in the seats' "
                "journals. Make room now.\n",
                s->node);
    else if (s->disk_low)
        fprintf(to, "! %s is short of disk space. Make room.\n", s->node);
    if (s->log_bad_lsn > 0)
        fprintf(to,
                "! %s: record %" PRIu64 " of its log is not what was written (D8). If it serves, "
                "promote its standby; then keep its data folder, and let it start with an empty "
                "one.\n",
                s->node, s->log_bad_lsn);
    if (s->contradicted_lsn > 0)
        fprintf(to,
                "! %s: record %" PRIu64 " was another one when server %s signed it: a log was made "
                "anew (D8). Keep the data folders of all servers, and see `examctl verify`.\n",
                s->node, s->contradicted_lsn, s->contradicted_by);
    if (s->branch_records > 0)
        fprintf(to, "! %s keeps %" PRIu64 " records of a dead branch (W5, A3).\n", s->node,
                s->branch_records);
    if (s->proposals > 0)
        fprintf(to, "! %" PRIu32 " act%s at %s for a second person (P2): `examctl proposals`.\n",
                s->proposals, s->proposals == 1 ? " waits" : "s wait", s->node);
    power_attention(s, to);
    decisions_attention(s, to);
}

static const Admin__NodeStatus *any_founded(const struct cluster *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->nodes[i].status != NULL && c->nodes[i].status->site_id.len > 0)
            return c->nodes[i].status;
    return NULL;
}

/* Nodes of different sites never belong into one list. */
static void sites_print(const struct cluster *c, FILE *to)
{
    const Admin__NodeStatus *first = any_founded(c);
    char hex[2 * HEX_BYTES_MAX + 1];

    if (first == NULL)
        return;
    hex_format(first->site_id.data, first->site_id.len, hex);
    fprintf(to, "Site %s (%s)\n", first->site_name[0] != '\0' ? first->site_name : "without a name",
            hex);
    for (size_t i = 0; i < c->n; i++) {
        const Admin__NodeStatus *s = c->nodes[i].status;

        if (s != NULL && s->site_id.len > 0 &&
            (s->site_id.len != first->site_id.len ||
             memcmp(s->site_id.data, first->site_id.data, s->site_id.len) != 0))
            fprintf(to, "! %s belongs to another site than %s; correct --nodes.\n", s->node,
                    first->node);
    }
}

enum exit_code status_view_nodes(const struct cluster *c, FILE *to)
{
    static const struct text_column columns[] = {
        {"NODE", false},  {"ADDRESS", false}, {"ROLE", false},  {"EPOCH", true},
        {"SAVED", false}, {"LSN", true},      {"SEATS", true},  {"UP", true},
        {"DISK", true},   {"POWER", false},   {"PEERS", false},
    };
    struct text_table t;
    exam_err err;

    sites_print(c, to);
    text_table_init(&t, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < c->n; i++)
        node_row(&t, &c->nodes[i]);
    err = text_table_print(&t, to);
    text_table_fini(&t);
    if (err != EXAM_OK)
        report_error("%s", exam_err_text(err));
    for (size_t i = 0; i < c->n; i++)
        node_attention(&c->nodes[i], to);
    return exit_code_of(err, 0);
}

void status_view_digests(const struct cluster *c, FILE *to)
{
    const Admin__NodeStatus *first = NULL;
    bool equal = true;
    unsigned n = 0;

    for (size_t i = 0; i < c->n; i++) {
        const Admin__NodeStatus *s = c->nodes[i].status;
        char hash[2 * HEX_BYTES_MAX + 1], digest[2 * HEX_BYTES_MAX + 1];

        if (s == NULL)
            continue;
        hex_format(s->hash.data, s->hash.len, hash);
        hex_format(s->state_digest.data, s->state_digest.len, digest);
        fprintf(to, "%s  log head %" PRIu64 " %s\n%s  state    %s\n", s->node, s->lsn, hash,
                s->node, digest);
        n++;
        if (first == NULL)
            first = s;
        equal = equal && s->lsn == first->lsn && s->hash.len == first->hash.len &&
                s->state_digest.len == first->state_digest.len &&
                memcmp(s->hash.data, first->hash.data, s->hash.len) == 0 &&
                memcmp(s->state_digest.data, first->state_digest.data, s->state_digest.len) == 0;
    }
    if (n > 1)
        fprintf(to, "%s\n",
                equal ? "All nodes have the same log and the same state."
                      : "The nodes differ. While seats work one may be a moment ahead: ask again.");
}

enum exit_code status_view_batches(const Admin__BatchInfo *const *batches, size_t n, FILE *to)
{
    static const struct text_column columns[] = {
        {"BATCH", false},    {"TITLE", false},    {"STATE", false},   {"SITTINGS", true},
        {"SIGNED IN", true}, {"CONNECTED", true}, {"DONE", true},     {"ANSWERS", true},
        {"ELAPSED", true},   {"LEFT", true},      {"LOST MAX", true},
    };
    struct text_table t;
    exam_err err;

    text_table_init(&t, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < n; i++) {
        const Admin__BatchInfo *b = batches[i];
        char text[DURATION_TEXT_BYTES];

        text_table_add(&t, "%s", b->batch);
        text_table_add(&t, "%s", b->title);
        text_table_add(&t, "%s", word_of_batch_state(b->state));
        text_table_add(&t, "%" PRIu32, b->sittings);
        text_table_add(&t, "%" PRIu32, b->signed_in);
        text_table_add(&t, "%" PRIu32, b->attached);
        text_table_add(&t, "%" PRIu32, b->finished);
        text_table_add(&t, "%" PRIu64, b->answers);
        text_table_add(&t, "%s", brief(b->elapsed_ms, text));
        text_table_add(&t, "%s", brief(b->left_ms_max, text));
        text_table_add(&t, "%s", brief(b->lost_ms_max, text));
    }
    err = text_table_print(&t, to);
    text_table_fini(&t);
    if (err != EXAM_OK)
        report_error("%s", exam_err_text(err));
    return exit_code_of(err, 0);
}

void status_view_batch(const Admin__BatchInfo *b, FILE *to)
{
    char allot[DURATION_TEXT_BYTES], elapsed[DURATION_TEXT_BYTES], left[DURATION_TEXT_BYTES];
    char min[DURATION_TEXT_BYTES], median[DURATION_TEXT_BYTES], max[DURATION_TEXT_BYTES];

    duration_format(b->lost_ms_min, min);
    duration_format(b->lost_ms_median, median);
    duration_format(b->lost_ms_max, max);
    fprintf(to, "Batch     %s  %s\n", b->batch, b->title);
    fprintf(to, "State     %s, %s of %s elapsed, at most %s left\n", word_of_batch_state(b->state),
            brief(b->elapsed_ms, elapsed), brief(b->allot_ms, allot), brief(b->left_ms_max, left));
    fprintf(to,
            "Sittings  %" PRIu32 ": %" PRIu32 " signed in, %" PRIu32 " connected, %" PRIu32
            " answering\n",
            b->sittings, b->signed_in, b->attached, b->answering);
    fprintf(to,
            "Finished  %" PRIu32 ": %" PRIu32 " submitted, %" PRIu32 " timed out, %" PRIu32
            " absent, %" PRIu32 " closed, %" PRIu32 " postponed\n",
            b->finished, b->submitted, b->timed_out, b->absent, b->closed, b->postponed);
    fprintf(to,
            "Open      %" PRIu32 " not signed in, %" PRIu32 " out of contact, %" PRIu32 " paused\n",
            b->expected, b->lost, b->paused);
    fprintf(to, "Answers   %" PRIu64 "\n", b->answers);
    fprintf(to, "Lost time %s min, %s median, %s max (credited)\n", min, median, max);
    if (b->sign_in_open)
        fputs("Sign-in   open\n", to);
    if (b->end_in_ms > 0)
        fprintf(to, "Ends      in %s, if nothing more happens\n", brief(b->end_in_ms, max));
    if (b->warning[0] != '\0')
        fprintf(to, "! %s\n", b->warning);
}
