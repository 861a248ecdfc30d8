#include "metrics.h"

#include <inttypes.h>
#include <string.h>

/* One text being written. */
struct writer {
    FILE *to;
    enum metrics_form form;
};

enum type { GAUGE, COUNTER, HISTOGRAM, INFO };

/* ---------------------------------------------------------------- the form */

/* The bytes of the UTF-8 character at `p`; 0: there is none. */
static size_t utf8_bytes(const unsigned char *p)
{
    size_t n = *p < 0x80 ? 1 : *p >= 0xc2 && *p < 0xe0 ? 2 : (*p & 0xf0) == 0xe0 ? 3 : 4;
    if (n == 1 || *p < 0xc2 || *p > 0xf4)
        return n == 1;
    unsigned least = *p == 0xe0 ? 0xa0 : *p == 0xf0 ? 0x90 : 0x80;
    unsigned most = *p == 0xed ? 0x9f : *p == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < least || p[1] > most)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

void metrics_write_label(FILE *to, const char *value)
{
    for (const unsigned char *p = (const unsigned char *)value; *p;) {
        size_t n = utf8_bytes(p);
        if (*p == '\\' || *p == '"')
            fprintf(to, "\\%c", *p);
        else if (*p == '\n')
            fputs("\\n", to);
        else if (!n || *p < ' ' || *p == 0x7f)
            fputc('?', to);
        else
            fwrite(p, 1, n, to);
        p += n ? n : 1;
    }
}

/* A family's two lines. In OpenMetrics the names of counters and infos are given without what their
 * samples end with. */
static void family(const struct writer *w, enum type type, const char *name, const char *help)
{
    static const char *const words[] = {
        [GAUGE] = "gauge", [COUNTER] = "counter", [HISTOGRAM] = "histogram", [INFO] = "info"};
    bool open = w->form == METRICS_OPENMETRICS;
    const char *suffix = open ? "" : type == COUNTER ? "_total" : type == INFO ? "_info" : "";
    const char *word = !open && type == INFO ? words[GAUGE] : words[type];
    fprintf(w->to, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix, word);
}

static void gauge(const struct writer *w, const char *name, const char *help, uint64_t value)
{
    family(w, GAUGE, name, help);
    fprintf(w->to, "%s %" PRIu64 "\n", name, value);
}

static void counter(const struct writer *w, const char *name, const char *help, uint64_t value)
{
    family(w, COUNTER, name, help);
    fprintf(w->to, "%s_total %" PRIu64 "\n", name, value);
}

/* Whole units and a fraction, without a float on the way. */
static void put_seconds(FILE *to, uint64_t us)
{
    fprintf(to, "%" PRIu64 ".%06" PRIu64, us / 1000000, us % 1000000);
}

static void seconds(const struct writer *w, const char *name, const char *help, uint64_t ms)
{
    family(w, GAUGE, name, help);
    fprintf(w->to, "%s ", name);
    put_seconds(w->to, ms * 1000);
    fputc('\n', w->to);
}

static void histogram(const struct writer *w, const char *name, const char *help,
                      const struct histogram *h)
{
    uint64_t n = 0;
    family(w, HISTOGRAM, name, help);
    for (size_t i = 0; i < HISTOGRAM_STEPS; i++) {
        n += h->at[i];
        fprintf(w->to, "%s_bucket{le=\"", name);
        put_seconds(w->to, histogram_ends_us[i]);
        fprintf(w->to, "\"} %" PRIu64 "\n", n);
    }
    n += h->at[HISTOGRAM_STEPS];
    fprintf(w->to, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum ", name, n, name);
    put_seconds(w->to, h->sum_us);
    fprintf(w->to, "\n%s_count %" PRIu64 "\n", name, n);
}

/* One sample of a family with a label. */
static void labelled(const struct writer *w, const char *name, const char *label, const char *value,
                     uint64_t number)
{
    fprintf(w->to, "%s{%s=\"", name, label);
    metrics_write_label(w->to, value);
    fprintf(w->to, "\"} %" PRIu64 "\n", number);
}

/* All states there are, the one that holds with 1. */
static void state_set(const struct writer *w, const char *name, const char *help, const char *label,
                      const char *const *states, size_t n, unsigned now)
{
    family(w, GAUGE, name, help);
    for (size_t i = 0; i < n; i++)
        if (states[i])
            labelled(w, name, label, states[i], i == now);
}

/* ---------------------------------------------------------------- what there is */

static const char *const role_texts[METRICS_ROLES] = {NULL,     "standby", "primary",
                                                      "fenced", "empty",   "failed"};

const char *metrics_role_text(unsigned role)
{
    const char *text = role < METRICS_ROLES ? role_texts[role] : NULL;
    return text ? text : "unknown";
}

static void write_role(const struct writer *w, const struct metrics *m)
{
    family(w, INFO, "examnode_build", "The program that runs, and the node's name.");
    fputs("examnode_build_info{node=\"", w->to);
    metrics_write_label(w->to, m->node);
    fputs("\",version=\"", w->to);
    metrics_write_label(w->to, m->version);
    fputs("\"} 1\n", w->to);
    state_set(w, "examnode_role", "What this node is in its site.", "role", role_texts,
              METRICS_ROLES, m->role);
    gauge(w, "examnode_epoch", "The highest epoch that this node knows; a primary's own (W1).",
          m->epoch);
    gauge(w, "examnode_serving", "1: this node serves seats.", m->serving);
    gauge(w, "examnode_in_sync",
          "1: a primary has a standby in sync, a standby has all that its primary has.",
          m->in_sync);
    gauge(w, "examnode_solo", "1: a primary that acknowledges alone (A1).", m->solo);
    gauge(w, "examnode_waiting",
          "1: a primary that acknowledges nothing, as it has lost its standby (A1).", m->waiting);
    gauge(w, "examnode_needs_person", "1: nobody in contact serves: a person must promote (W2).",
          m->needs_person);
    gauge(w, "examnode_locked", "1: the site's data key has not come yet (P3).", m->locked);
    gauge(w, "examnode_learning", "1: it has not caught up since it was empty (D7).", m->learning);
    gauge(w, "examnode_going_down", "1: it is ending in order, or its battery is low (W4).",
          m->going_down);
    seconds(w, "examnode_up_seconds", "How long this process has run.", m->up_ms);
}

static void write_log(const struct writer *w, const struct metrics *m)
{
    gauge(w, "examnode_log_lsn", "The last record of the log in memory.", m->lsn);
    gauge(w, "examnode_log_durable_lsn", "The last record on this node's disk.", m->durable_lsn);
    gauge(w, "examnode_log_released_lsn",
          "The last record whose promises have been told: durable wherever it has to be (D1).",
          m->released_lsn);
    gauge(w, "examnode_log_pending_bytes", "Records that are not on this node's disk yet.",
          m->pending_bytes);
    gauge(w, "examnode_branch_records", "Records kept of dead branches.", m->branch_records);
    gauge(w, "examnode_log_checked_lsn", "How far the check of the hash chain has come (D8).",
          m->checked_lsn);
    counter(w, "examnode_log_check_passes", "Times that the check has come to the log's end.",
            m->check_passes);
    gauge(w, "examnode_log_rotten", "1: a record is not what was written (D8).", m->rotten);
    histogram(w, "examnode_commit_turn_seconds",
              "Turns of the event loop in which records became durable on this node's disk.",
              &m->commit_turns);
    if (!m->keys)
        return;
    gauge(w, "examnode_log_signed_lsn", "This node has signed its log up to here (D8).",
          m->signed_lsn);
    gauge(w, "examnode_log_others_signed_lsn", "The others have signed the same log up to here.",
          m->others_signed);
    gauge(w, "examnode_log_contradicted", "1: a record was another one when it was signed (D8).",
          m->contradicted);
}

/* One family of all peers, and its value for each. */
static void of_peers(const struct writer *w, const struct metrics *m, const char *name,
                     const char *help, uint64_t (*value)(const struct metrics_peer *p))
{
    family(w, GAUGE, name, help);
    for (size_t i = 0; i < m->peers_n; i++)
        labelled(w, name, "peer", m->peers[i].node, value(&m->peers[i]));
}

static uint64_t peer_connected(const struct metrics_peer *p)
{
    return p->connected;
}

static uint64_t peer_in_sync(const struct metrics_peer *p)
{
    return p->in_sync;
}

static uint64_t peer_epoch(const struct metrics_peer *p)
{
    return p->epoch;
}

static uint64_t peer_lsn(const struct metrics_peer *p)
{
    return p->lsn;
}

static void write_peers(const struct writer *w, const struct metrics *m)
{
    static const char lag[] = "examnode_peer_lag_records",
                      silent[] = "examnode_peer_silent_seconds";
    if (!m->peers_n)
        return;
    of_peers(w, m, "examnode_peer_connected", "1: there is a connection to it.", peer_connected);
    of_peers(w, m, "examnode_peer_in_sync", "1: it is in sync with the log that is served.",
             peer_in_sync);
    of_peers(w, m, "examnode_peer_epoch", "The epoch that it has told.", peer_epoch);
    of_peers(w, m, "examnode_peer_durable_lsn", "The last record on its disk, as it has told.",
             peer_lsn);
    family(w, GAUGE, lag, "Records that are on this node's disk, and not known to be on its.");
    for (size_t i = 0; i < m->peers_n; i++) {
        uint64_t there = m->peers[i].lsn;
        labelled(w, lag, "peer", m->peers[i].node,
                 m->durable_lsn > there ? m->durable_lsn - there : 0);
    }
    family(w, GAUGE, silent, "Since it was last heard; none of a peer that never was.");
    for (size_t i = 0; i < m->peers_n; i++) {
        if (!m->peers[i].ever_heard)
            continue;
        fprintf(w->to, "%s{peer=\"", silent);
        metrics_write_label(w->to, m->peers[i].node);
        fputs("\"} ", w->to);
        put_seconds(w->to, m->peers[i].silent_ms * 1000);
        fputc('\n', w->to);
    }
}

static void write_seats(const struct writer *w, const struct metrics *m)
{
    gauge(w, "examnode_seats_connected", "Seats that are connected.", m->seats_connected);
    gauge(w, "examnode_sittings_attached", "Candidates at a screen of this node.",
          m->sittings_attached);
    gauge(w, "examnode_replies_queued", "Replies that wait until what they promise is durable.",
          m->replies_queued);
    histogram(w, "examnode_reply_wait_seconds",
              "From a decision to the release of its reply, of seats (D1); taken in milliseconds.",
              &m->reply_waits);
}

static void write_exam(const struct writer *w, const struct metrics *m)
{
    static const char *const states[METRICS_BATCH_STATES] = {
        NULL, "planned", "running", "paused", "suspended", "ended", "collected", "postponed"};
    static const char batches[] = "examnode_batches";
    family(w, GAUGE, batches, "Batches, by their state.");
    for (size_t i = 0; i < METRICS_BATCH_STATES; i++)
        if (states[i])
            labelled(w, batches, "state", states[i], m->batches[i]);
    gauge(w, "examnode_sittings", "Sittings of all batches.", m->sittings);
    gauge(w, "examnode_sittings_answering", "Sittings whose clock runs, with an open screen.",
          m->answering);
    gauge(w, "examnode_sittings_finished", "Sittings that have finished (T10).", m->finished);
    gauge(w, "examnode_answers", "Items with an answer that counts.", m->answers);
    gauge(w, "examnode_incidents_open", "Incidents that nobody has closed.", m->incidents_open);
    gauge(w, "examnode_interruptions_undecided",
          "Interruptions beyond the limit, which wait for a person's decision (R4).",
          m->limits_reached);
}

static void write_machine(const struct writer *w, const struct metrics *m)
{
    static const char *const powers[METRICS_POWERS] = {"unknown", "mains", "battery",
                                                       "battery_low"};
    gauge(w, "examnode_disk_free_bytes", "Free for records on the disk of the log.",
          m->disk_free_bytes);
    if (m->disk_bytes)
        gauge(w, "examnode_disk_size_bytes", "Size of the file system of the log.", m->disk_bytes);
    gauge(w, "examnode_disk_low", "1: the disk is nearly full.", m->disk_low);
    gauge(w, "examnode_disk_reserved",
          "1: the disk is full: answers are refused, control records are written (D6).",
          m->disk_reserved);
    gauge(w, "examnode_memory_bytes", "Memory of the process, without files that are mapped.",
          m->memory_bytes);
    gauge(w, "examnode_ups_configured", "1: a UPS is watched (R1).", m->ups);
    if (m->ups)
        state_set(w, "examnode_ups_power", "What the UPS of this server says (R1, W4).", "power",
                  powers, METRICS_POWERS, m->power);
}

static void write_web(const struct writer *w, const struct metrics_web *web, uint64_t age_ms)
{
    gauge(w, "examnode_web_connections", "Connections to this endpoint.", web->connections);
    counter(w, "examnode_web_requests", "Requests that this endpoint has answered.", web->requests);
    counter(w, "examnode_web_certificates_refused",
            "Certificates that are not of this site's authority, over, or revoked.", web->refused);
    counter(w, "examnode_web_strangers",
            "Connections that ended without having proven who they are.", web->strangers);
    family(w, GAUGE, "examnode_web_certificate_end_timestamp_seconds",
           "When this node's certificate ends, in Unix time.");
    fprintf(w->to, "examnode_web_certificate_end_timestamp_seconds %" PRId64 "\n",
            web->certificate_until_s);
    seconds(w, "examnode_snapshot_age_seconds",
            "How old these figures are: over five seconds the event loop does not run.", age_ms);
}

void metrics_write(FILE *to, enum metrics_form form, const struct metrics *m,
                   const struct metrics_web *web, uint64_t age_ms)
{
    const struct writer w = {.to = to, .form = form};
    write_role(&w, m);
    write_peers(&w, m);
    write_log(&w, m);
    write_seats(&w, m);
    write_exam(&w, m);
    write_machine(&w, m);
    write_web(&w, web, age_ms);
    if (form == METRICS_OPENMETRICS)
        fputs("# EOF\n", to);
}
