#include "json_output.h"

#include <stdio.h>

#include "report.h"
#include "words.h"

void hex_format(const uint8_t *bytes, size_t n, char out[2 * HEX_BYTES_MAX + 1])
{
    static const char digits[] = "0123456789abcdef";

    if (n > HEX_BYTES_MAX)
        n = HEX_BYTES_MAX;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * n] = '\0';
}

static void set_number(json_t *o, const char *key, uint64_t value)
{
    (void)json_object_set_new(o, key, json_integer((json_int_t)value));
}

static void set_signed(json_t *o, const char *key, int64_t value)
{
    (void)json_object_set_new(o, key, json_integer((json_int_t)value));
}

static void set_text(json_t *o, const char *key, const char *value)
{
    (void)json_object_set_new(o, key, json_string(value));
}

static void set_flag(json_t *o, const char *key, bool value)
{
    (void)json_object_set_new(o, key, json_boolean(value));
}

static void set_hex(json_t *o, const char *key, const ProtobufCBinaryData *bytes)
{
    char hex[2 * HEX_BYTES_MAX + 1];

    hex_format(bytes->data, bytes->len, hex);
    set_text(o, key, hex);
}

json_t *json_of_batch(const Admin__BatchInfo *b)
{
    json_t *o = json_object();

    set_text(o, "batch", b->batch);
    set_text(o, "title", b->title);
    set_text(o, "state", word_of_batch_state(b->state));
    set_number(o, "sittings", b->sittings);
    set_number(o, "signed_in", b->signed_in);
    set_number(o, "attached", b->attached);
    set_number(o, "answering", b->answering);
    set_number(o, "finished", b->finished);
    set_number(o, "submitted", b->submitted);
    set_number(o, "timed_out", b->timed_out);
    set_number(o, "absent", b->absent);
    set_number(o, "closed", b->closed);
    set_number(o, "answers", b->answers);
    set_number(o, "allot_ms", b->allot_ms);
    set_number(o, "elapsed_ms", b->elapsed_ms);
    set_number(o, "lost_ms_min", b->lost_ms_min);
    set_number(o, "lost_ms_median", b->lost_ms_median);
    set_number(o, "lost_ms_max", b->lost_ms_max);
    set_number(o, "left_ms_max", b->left_ms_max);
    set_number(o, "postponed", b->postponed);
    set_number(o, "expected", b->expected);
    set_number(o, "lost", b->lost);
    set_number(o, "paused", b->paused);
    set_flag(o, "sign_in_open", b->sign_in_open);
    set_number(o, "end_in_ms", b->end_in_ms);
    set_signed(o, "entry_wall_ms", b->entry_wall_ms);
    set_signed(o, "start_wall_ms", b->start_wall_ms);
    set_text(o, "warning", b->warning);
    set_number(o, "limits_reached", b->limits_reached);
    return o;
}

json_t *json_of_result(const Admin__SittingResult *r)
{
    json_t *o = json_object();

    set_text(o, "admission_no", r->admission_no);
    set_text(o, "name", r->name);
    set_text(o, "room", r->room);
    set_text(o, "seat", r->seat);
    set_text(o, "paper", r->paper);
    set_text(o, "state", r->state);
    set_text(o, "finish", r->finish);
    set_number(o, "allot_ms", r->allot_ms);
    set_signed(o, "grants_ms", r->grants_ms);
    set_number(o, "used_ms", r->used_ms);
    set_number(o, "left_ms", r->left_ms);
    set_number(o, "lost_ms", r->lost_ms);
    set_number(o, "answers", r->answers);
    set_number(o, "late", r->late);
    return o;
}

static json_t *json_of_interruption(const Admin__InterruptionRow *row)
{
    json_t *o = json_object();

    set_number(o, "no", row->no);
    set_number(o, "from_ms", row->from_ms);
    set_number(o, "to_ms", row->to_ms);
    set_number(o, "lost_ms", row->lost_ms);
    set_text(o, "basis", word_of_basis(row->basis));
    set_number(o, "incident", row->incident);
    set_flag(o, "own_doing", row->own_doing);
    return o;
}

json_t *json_of_sitting(const Admin__SittingDetail *d)
{
    json_t *o = json_of_result(d->result);
    json_t *interruptions = json_array();

    for (size_t i = 0; i < d->n_interruptions; i++)
        (void)json_array_append_new(interruptions, json_of_interruption(d->interruptions[i]));
    set_text(o, "batch", d->batch);
    set_flag(o, "begun", d->begun);
    set_number(o, "elapsed_ms", d->elapsed_ms);
    set_number(o, "open_ms", d->open_ms);
    set_number(o, "finished_ms", d->finished_ms);
    set_number(o, "violations", d->violations);
    set_number(o, "former_sessions", d->former_sessions);
    set_flag(o, "limit_reached", d->limit_reached);
    set_number(o, "interruptions_in_all", d->result->interruptions);
    (void)json_object_set_new(o, "interruptions", interruptions);
    return o;
}

json_t *json_of_answer_time(const Admin__AnswerRow *row)
{
    json_t *o = json_object();

    set_text(o, "item", row->item);
    set_text(o, "subject", row->subject);
    set_number(o, "seq", row->seq);
    set_number(o, "made_at_ms", row->made_at_ms);
    set_flag(o, "late", row->late);
    return o;
}

json_t *json_of_incident(const Admin__IncidentRow *row)
{
    json_t *o = json_object();

    set_number(o, "incident", row->incident);
    set_text(o, "kind", word_of_incident_kind(row->kind));
    set_text(o, "scope", word_of_scope_kind(row->scope));
    set_text(o, "scope_name", row->scope_name);
    set_text(o, "text", row->text);
    set_text(o, "who", row->who);
    set_flag(o, "open", row->open);
    set_number(o, "since_ms", row->since_ms);
    set_number(o, "closed_ms", row->closed_ms);
    set_number(o, "notes", row->notes);
    set_number(o, "interruptions", row->interruptions);
    set_number(o, "lost_ms", row->lost_ms);
    return o;
}

json_t *json_of_seat(const struct seat_line *line)
{
    json_t *o = json_object();

    set_text(o, "seat", line->seat);
    set_flag(o, "connected", line->node[0] != '\0');
    set_text(o, "node", line->node);
    set_text(o, "admission_no", line->admission_no);
    set_text(o, "state", line->state);
    set_number(o, "unsent", line->unsent);
    set_flag(o, "unsent_known", line->unsent_known);
    set_number(o, "silent_ms", line->silent_ms);
    return o;
}

static json_t *json_of_peer(const Admin__PeerStatus *p)
{
    json_t *o = json_object();

    set_text(o, "node", p->node);
    set_flag(o, "connected", p->connected);
    set_flag(o, "in_sync", p->in_sync);
    set_text(o, "role", word_of_role(p->role));
    set_number(o, "epoch", p->epoch);
    set_number(o, "lsn", p->lsn);
    set_number(o, "silent_ms", p->silent_ms);
    set_flag(o, "ever_heard", p->ever_heard);
    set_text(o, "trouble", p->trouble);
    return o;
}

json_t *json_of_node(const char *address, const Admin__NodeStatus *s)
{
    json_t *o = json_object();
    json_t *peers = json_array();
    json_t *batches = json_array();

    set_text(o, "address", address);
    set_flag(o, "reachable", true);
    set_text(o, "node", s->node);
    set_text(o, "version", s->version);
    set_hex(o, "site_id", &s->site_id);
    set_text(o, "site_name", s->site_name);
    set_text(o, "role", word_of_role(s->role));
    set_number(o, "epoch", s->epoch);
    set_flag(o, "solo", s->solo);
    set_flag(o, "waiting", s->waiting);
    set_number(o, "lsn", s->lsn);
    set_number(o, "durable_lsn", s->durable_lsn);
    set_hex(o, "hash", &s->hash);
    set_hex(o, "state_digest", &s->state_digest);
    set_number(o, "up_ms", s->up_ms);
    set_number(o, "seats_connected", s->seats_connected);
    set_number(o, "sittings_attached", s->sittings_attached);
    set_number(o, "disk_free_bytes", s->disk_free_bytes);
    set_flag(o, "disk_low", s->disk_low);
    set_flag(o, "disk_reserved", s->disk_reserved);
    set_number(o, "memory_bytes", s->memory_bytes);
    set_text(o, "failure", s->failure);
    set_number(o, "branch_records", s->branch_records);
    set_flag(o, "ups", s->ups);
    set_text(o, "power", word_of_power(s->power));
    set_text(o, "power_text", s->power_text);
    set_number(o, "incidents_open", s->incidents_open);
    set_number(o, "proposals", s->proposals);
    set_number(o, "limits_reached", s->limits_reached);
    set_flag(o, "going_down", s->going_down);
    set_flag(o, "locked", s->locked);
    set_flag(o, "sealing", s->sealing);
    set_number(o, "log_checked_lsn", s->log_checked_lsn);
    set_number(o, "log_check_passes", s->log_check_passes);
    set_number(o, "log_check_ms", s->log_check_ms);
    set_number(o, "log_bad_lsn", s->log_bad_lsn);
    set_number(o, "signed_lsn", s->signed_lsn);
    set_number(o, "others_signed_lsn", s->others_signed_lsn);
    set_number(o, "contradicted_lsn", s->contradicted_lsn);
    set_text(o, "contradicted_by", s->contradicted_by);
    set_text(o, "promotion", s->promotion);
    set_flag(o, "learning", s->learning);
    set_flag(o, "forcible", s->forcible);
    set_text(o, "forced", s->forced);
    for (size_t i = 0; i < s->n_peers; i++)
        (void)json_array_append_new(peers, json_of_peer(s->peers[i]));
    for (size_t i = 0; i < s->n_batches; i++)
        (void)json_array_append_new(batches, json_of_batch(s->batches[i]));
    (void)json_object_set_new(o, "peers", peers);
    (void)json_object_set_new(o, "batches", batches);
    return o;
}

json_t *json_of_unreachable(const char *address, const char *why)
{
    return json_pack("{s:s, s:b, s:s}", "address", address, "reachable", 0, "error", why);
}

enum exit_code json_output_print(json_t *json)
{
    int failed = json == NULL || json_dumpf(json, stdout, JSON_INDENT(1)) != 0;

    json_decref(json);
    if (failed) {
        report_error("cannot write JSON: out of memory, or the output is closed");
        return EXIT_CODE_INTERNAL;
    }
    putchar('\n');
    return EXIT_CODE_DONE;
}
