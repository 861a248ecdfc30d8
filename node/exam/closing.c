#include "closing.h"

exam_err closing_init(struct closing *k, const struct decision *d, uint32_t batch,
                      Ev__Finish closed, Ev__Finish absent)
{
    struct pack *const packs[] = {&k->credited, &k->paused, &k->closed, &k->absent};
    static const enum pack_kind kinds[] = {PACK_CREDITED, PACK_CREDITED, PACK_FINISHED,
                                           PACK_FINISHED};
    uint32_t n = d->x->batches[batch - 1].sittings_n;

    *k = (struct closing){.d = d, .batch = batch};
    for (size_t i = 0; i < sizeof packs / sizeof *packs; i++) {
        exam_err err = pack_init(packs[i], d, kinds[i], n);
        if (err == EXAM_OK)
            continue;
        while (i > 0)
            pack_fini(packs[--i]);
        return err;
    }
    k->credited.basis = EV__BASIS__BASIS_MARK;
    k->paused.basis = EV__BASIS__BASIS_PAUSE;
    k->closed.finish = closed;
    k->absent.finish = absent;
    return EXAM_OK;
}

/* A seat that is out of contact has used what its last mark says (T7); since then it has lost. All
 * of that is booked before the first account is closed. */
void closing_emit(struct closing *k)
{
    const exam *x = k->d->x;
    const struct batch *b = &x->batches[k->batch - 1];
    uint32_t end = b->sitting_first + b->sittings_n;
    uint64_t now_ms = k->d->now_ms;

    for (uint32_t no = b->sitting_first; no < end; no++) {
        const struct sitting *s = &x->sittings[no - 1];
        if (sitting_account_open(s) && !sitting_clock_runs(x, s))
            pack_add(sitting_paused(x, s) ? &k->paused : &k->credited, no,
                     account_stop_ms(&s->account), now_ms - account_stop_ms(&s->account));
    }
    pack_end(&k->credited);
    pack_end(&k->paused);
    for (uint32_t no = b->sitting_first; no < end; no++) {
        const struct sitting *s = &x->sittings[no - 1];
        if (!sitting_finished(s))
            pack_add(sitting_sat_down(s) ? &k->closed : &k->absent, no,
                     sitting_used_ms(x, s, now_ms), now_ms);
    }
    pack_end(&k->closed);
    pack_end(&k->absent);
}
