#include "history.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "acts.h"
#include "hostile.h"
#include "promises.h"
#include "stage.h"
#include "tend.h"
#include "watch.h"

enum { WHAT_BYTES = 500 };

/* ---------------------------------------------------------------- telling */

void history_note(struct history *h, char what, uint32_t who, uint32_t how)
{
    uint64_t now_ms = h->w ? world_now_ms(h->w) : 0;
    unsigned char note[sizeof what + sizeof who + sizeof how + sizeof now_ms], *at = note;
    memcpy(at, &what, sizeof what);
    memcpy(at += sizeof what, &who, sizeof who);
    memcpy(at += sizeof who, &how, sizeof how);
    memcpy(at += sizeof how, &now_ms, sizeof now_ms);
    crypto_generichash_update(h->digest_state, note, sizeof note);
}

void history_tell(struct history *h, const char *who, const char *format, ...)
{
    char what[WHAT_BYTES];
    va_list ap;
    if (!h->told)
        return;
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    trace_line(&h->trace, world_now_ms(h->w), who, what);
}

void history_fail(struct history *h, const char *rule, const char *format, ...)
{
    va_list ap;
    if (history_broken(h))
        return;
    va_start(ap, format);
    vsnprintf(h->violation.text, sizeof h->violation.text, format, ap);
    va_end(ap);
    snprintf(h->violation.rule, sizeof h->violation.rule, "%s", rule);
    h->violation.at_ms = world_now_ms(h->w) - h->zero_ms;
    history_tell(h, "VIOLATED", "%s: %s", rule, h->violation.text);
}

void history_fail_what(struct history *h, const char *what)
{
    char rule[sizeof h->violation.rule] = "sim";
    const char *at = strrchr(what, '(');
    size_t n = at ? strcspn(at + 1, ",)") : 0;
    if (n > 0 && n < sizeof rule) {
        memcpy(rule, at + 1, n);
        rule[n] = '\0';
    }
    history_fail(h, rule, "%s", what);
}

/* ---------------------------------------------------------------- one history */

static bool begin(struct history *h, const struct plan *p, FILE *out)
{
    const struct world_watch watch = {
        .ctx = h, .seat = watch_seat, .node = watch_node, .greeted = promises_greeted};
    struct office_refusal why;
    *h = (struct history){.plan = p, .told = out != NULL};
    h->trace.out = out;
    h->arena_block = malloc(ARENA_BYTES_SEAT);
    h->digest_state = malloc(sizeof(crypto_generichash_state));
    if (!h->arena_block || !h->digest_state)
        abort();
    arena_init(&h->arena, h->arena_block, ARENA_BYTES_SEAT);
    crypto_generichash_init(h->digest_state, NULL, 0, crypto_generichash_BYTES);
    saved_init(&h->saved, p->site.nodes_n);
    epochs_init(&h->epochs, p->site.nodes_n);
    for (uint32_t i = 0; i < p->site.candidates_n; i++)
        h->sits_at[i] = i;
    if (stage_open(p, &watch, &h->w, &why)) {
        history_fail(h, "sim", "the site cannot be set up: %s", why.text);
        return false;
    }
    h->zero_ms = world_now_ms(h->w);
    trace_begin(&h->trace, h->zero_ms);
    return true;
}

static void play(struct history *h)
{
    for (uint32_t i = 0; i < h->plan->acts_n && !history_broken(h); i++) {
        world_run(h->w, h->zero_ms + h->plan->acts[i].at_ms);
        watch_look(h);
        acts_play(h, &h->plan->acts[i]);
        watch_look(h);
    }
    if (history_broken(h))
        return;
    world_run(h->w, h->zero_ms + h->plan->end_ms);
    tend_to_the_end(h);
}

static void conclude(struct history *h, struct verdict_of_history *v)
{
    *v = (struct verdict_of_history){.violation = h->violation};
    v->virtual_ms = world_now_ms(h->w);
    v->epochs_n = h->epochs.n;
    v->twins = h->epochs.twins;
    v->answers_n = h->saved.n;
    for (uint32_t i = 0; i < h->saved.n; i++)
        v->saved_n += h->saved.answers[i].solo || h->saved.answers[i].dual;
    for (uint32_t i = 0; i < WORLD_FAULTS; i++)
        v->faults[i] = world_count(h->w, (enum world_fault)i);
    crypto_generichash_final(h->digest_state, v->digest, sizeof v->digest);
}

struct looking {
    void (*look)(void *ctx, struct world *w); /* NULL: nobody looks */
    void *ctx;
};

static void play_and_look(const struct plan *p, FILE *out, const struct looking *l,
                          struct verdict_of_history *v)
{
    struct history *h = malloc(sizeof *h);
    if (!h || sodium_init() < 0)
        abort();
    if (begin(h, p, out))
        play(h);
    conclude(h, v);
    h->told = false;
    if (l->look)
        l->look(l->ctx, h->w);
    hostile_end(h);
    world_free(h->w);
    free(h->digest_state);
    free(h->arena_block);
    free(h);
}

void history_play(const struct plan *p, FILE *out, struct verdict_of_history *v)
{
    play_and_look(p, out, &(struct looking){.look = NULL}, v);
}

void history_play_and_look(const struct plan *p, void (*look)(void *ctx, struct world *w),
                           void *ctx, struct verdict_of_history *v)
{
    play_and_look(p, NULL, &(struct looking){.look = look, .ctx = ctx}, v);
}
