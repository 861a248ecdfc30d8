#include "unchanged.h"

#include <sodium.h>
#include <string.h>

static void add(crypto_generichash_state *h, const void *bytes, size_t n)
{
    crypto_generichash_update(h, bytes, n);
}

static void add_number(crypto_generichash_state *h, uint64_t n)
{
    add(h, &n, sizeof n);
}

static void add_sitting(crypto_generichash_state *h, const exam *x, uint32_t sitting,
                        uint64_t site_ms)
{
    struct exam_sitting_view v;
    struct exam_answer_view a;
    exam_sitting_view(x, sitting, site_ms, &v);
    add_number(h, v.account.used_ms);
    add_number(h, v.account.left_ms);
    add_number(h, v.account.lost_ms);
    add_number(h, (uint64_t)v.finish);
    add(h, v.seat, strlen(v.seat) + 1);
    for (uint32_t i = 0; exam_answer_at(x, sitting, i, &a) == EXAM_OK; i++) {
        add(h, a.item, strlen(a.item) + 1);
        add_number(h, a.value_bytes);
        add(h, a.value, a.value_bytes);
        add_number(h, a.late);
    }
}

static void take_figures(const struct node *n, uint8_t out[HASH_BYTES])
{
    const exam *x = node_exam(n);
    uint64_t site_ms = node_site_ms(n);
    crypto_generichash_state h;
    crypto_generichash_init(&h, NULL, 0, HASH_BYTES);
    for (uint32_t i = 1; i <= exam_sittings(x); i++)
        add_sitting(&h, x, i, site_ms);
    for (uint32_t i = 1; i <= exam_batches(x); i++) {
        struct exam_batch_view v;
        exam_batch_view(x, i, site_ms, &v);
        add_number(&h, (uint64_t)v.state);
    }
    crypto_generichash_final(&h, out, HASH_BYTES);
}

void snapshot_take(struct stage *s, struct snapshot *out)
{
    memset(out, 0, sizeof *out);
    out->nodes_n = s->d->nodes_n;
    for (uint32_t i = 0; i < out->nodes_n; i++) {
        const struct node *n = world_node(s->w, i);
        if (!n)
            continue;
        out->nodes[i].up = true;
        out->nodes[i].role = rep_role(node_rep(n));
        out->nodes[i].epoch = rep_epoch(node_rep(n));
        exam_digest(node_exam(n), out->nodes[i].state);
        take_figures(n, out->nodes[i].figures);
    }
}

static bool is_a_candidate_s(enum drill_verb v)
{
    return v == DRILL_ANSWER || v == DRILL_SUBMIT || v == DRILL_SIGN_IN;
}

uint32_t snapshot_changed(const struct snapshot *before, const struct snapshot *after,
                          enum drill_verb verb)
{
    for (uint32_t i = 0; i < before->nodes_n; i++) {
        if (before->nodes[i].up != after->nodes[i].up ||
            before->nodes[i].role != after->nodes[i].role ||
            before->nodes[i].epoch != after->nodes[i].epoch ||
            memcmp(before->nodes[i].figures, after->nodes[i].figures, HASH_BYTES) != 0)
            return i;
        if (!is_a_candidate_s(verb) &&
            memcmp(before->nodes[i].state, after->nodes[i].state, HASH_BYTES) != 0)
            return i;
    }
    return WORLD_NONE;
}
