/* engine_site.h - an engine of a small site, for tests: it asserts what it is told to do. Test code
 * only. */
#ifndef EXAM_TEST_ENGINE_SITE_H
#define EXAM_TEST_ENGINE_SITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine.h"

enum { ENGINE_WHY_BYTES = 512 };

static inline struct engine *engine_in_folder(const char *node, const char *dir)
{
    const struct store_options o = {.map_bytes = 64 << 20, .reserve_bytes = 1 << 20};
    char why[ENGINE_WHY_BYTES] = "";
    struct engine *e;
    store *s;
    exam_err err = store_open(dir, &o, &s, why, sizeof why);
    if (!err)
        err = engine_open(node, s, &e, why, sizeof why);
    if (err)
        fail_msg("engine_open: %s: %s", exam_err_text(err), why);
    return e;
}

static inline exam_err engine_try(struct engine *e, const struct exam_command *c)
{
    struct exam_refusal why;
    uint64_t lsn;
    exam_err err = engine_decide(e, c, &why, &lsn);
    assert_int_equal(lsn, engine_last(e).lsn);
    return err;
}

static inline void engine_do(struct engine *e, const struct exam_command *c)
{
    struct exam_refusal why;
    uint64_t lsn;
    if (engine_decide(e, c, &why, &lsn))
        fail_msg("refused: %s", why.text);
    assert_int_equal(lsn, engine_last(e).lsn);
}

static inline void engine_begin_epoch(struct engine *e, const char *node, uint64_t epoch)
{
    struct exam_command c = {.kind = EXAM_CMD_BEGIN_EPOCH};
    c.u.begin_epoch.epoch = epoch;
    c.u.begin_epoch.node = node;
    c.u.begin_epoch.who = c.u.begin_epoch.why = "";
    c.u.begin_epoch.reason = epoch == 1 ? EV__EPOCH_REASON__EPOCH_REASON_FOUNDED
                                        : EV__EPOCH_REASON__EPOCH_REASON_ATTESTED;
    c.u.begin_epoch.dark_known = engine_now_known(e);
    c.u.begin_epoch.solo = true;
    engine_do(e, &c);
}

/* Founds a site, which `node` serves in epoch 1. */
static inline void engine_found(struct engine *e, const char *node,
                                const uint8_t site_id[SITE_ID_BYTES], const char *name)
{
    static const uint8_t key[SITE_KEY_BYTES] = {9};
    struct exam_command c = {.kind = EXAM_CMD_FOUND};
    c.u.found.site_id = site_id;
    c.u.found.site_key = key;
    c.u.found.name = name;
    c.u.found.who = "tester";
    engine_do(e, &c);
    engine_begin_epoch(e, node, 1);
}

static inline void engine_start_batch(struct engine *e, const char *batch)
{
    struct exam_command c = {.kind = EXAM_CMD_BATCH_START};
    c.u.batch_start.batch = batch;
    c.u.batch_start.who = "tester";
    engine_do(e, &c);
}

/* The first sitting's, made now under its attachment. */
static inline exam_err engine_answer(struct engine *e, uint64_t seq, const char *item,
                                     const char *value)
{
    struct exam_sitting_view v;
    exam_sitting_view(engine_exam(e), 1, engine_now_ms(e), &v);
    struct exam_command c = {.kind = EXAM_CMD_ANSWER};
    c.u.answer.sitting = 1;
    c.u.answer.seq = seq;
    c.u.answer.item = item;
    c.u.answer.value = (const uint8_t *)value;
    c.u.answer.value_bytes = strlen(value);
    c.u.answer.made_at_ms = v.account.used_ms;
    c.u.answer.said_ms = UINT64_MAX;
    c.u.answer.attachment_epoch = v.attachment_epoch;
    c.u.answer.attachment_lsn = v.attachment_lsn;
    return engine_try(e, &c);
}

#endif
