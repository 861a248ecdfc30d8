/* The paper, part by part. Its bytes never change, so that a loss of contact costs the part on its
 * way and nothing else; the digest of the whole decides. */
#include "seat_internal.h"

#include <assert.h>
#include <string.h>

static void paper_fail(struct seat_core *s, exam_err code, const char *text)
{
    s->paper.wanted = s->paper.asked = false;
    seat_emit_problem(s, SEAT_EVENT_PAPER_FAILED, code, s->main, text);
}

static void paper_rewind(struct seat_paper *p)
{
    p->done = p->asked = false;
    p->have_bytes = 0;
    p->retry_at_ms = 0;
    crypto_generichash_init(&p->hash, NULL, 0, HASH_BYTES);
}

void seat_paper_known(struct seat_core *s, uint32_t bytes, const ProtobufCBinaryData *digest)
{
    struct seat_paper *p = &s->paper;
    if (bytes > PAPER_BYTES_MAX || digest->len != HASH_BYTES) {
        seat_link_hostile(s, s->main, "a paper that cannot be");
        return;
    }
    if (p->bytes == bytes && memcmp(p->digest, digest->data, HASH_BYTES) == 0)
        return;
    p->bytes = bytes;
    memcpy(p->digest, digest->data, HASH_BYTES);
    paper_rewind(p);
    struct seat_event e = {.kind = SEAT_EVENT_STARTED,
                           .u.started = {.paper_bytes = bytes, .digest = p->digest}};
    seat_emit(s, &e);
}

void seat_paper_turn(struct seat_core *s)
{
    struct seat_paper *p = &s->paper;
    if (!p->wanted || p->asked || s->phase != SESSION_ATTACHED || s->now_ms < p->retry_at_ms ||
        !seat_request_room(s))
        return;
    Seat__FetchPaper fetch = SEAT__FETCH_PAPER__INIT;
    Seat__Request m = SEAT__REQUEST__INIT;
    fetch.offset = p->have_bytes;
    m.kind_case = SEAT__REQUEST__KIND_FETCH_PAPER;
    m.fetch_paper = &fetch;
    p->asked = true;
    seat_request_note(s, REQUEST_PAPER, seat_send(s, s->main, &m), 0);
}

static void paper_end(struct seat_core *s)
{
    struct seat_paper *p = &s->paper;
    uint8_t digest[HASH_BYTES];
    crypto_generichash_final(&p->hash, digest, HASH_BYTES);
    if (memcmp(digest, p->digest, HASH_BYTES) != 0) {
        paper_rewind(p);
        paper_fail(s, EXAM_CORRUPT, "the paper did not arrive as it was sent; fetch it again");
        return;
    }
    p->wanted = false;
    p->done = true;
    struct seat_event e = {.kind = SEAT_EVENT_PAPER,
                           .u.started = {.paper_bytes = p->bytes, .digest = p->digest}};
    seat_emit(s, &e);
}

bool seat_paper_part(struct seat_core *s, const Seat__PaperPart *part)
{
    struct seat_paper *p = &s->paper;
    p->asked = false;
    if (!p->wanted)
        return true;
    size_t n = part->data.len;
    if (part->total != p->bytes || part->offset != p->have_bytes || n == 0 ||
        n > p->bytes - p->have_bytes)
        return false;
    crypto_generichash_update(&p->hash, part->data.data, n);
    struct seat_event e = {.kind = SEAT_EVENT_PAPER_PART,
                           .u.part = {.offset = part->offset,
                                      .total = part->total,
                                      .data = part->data.data,
                                      .data_bytes = n}};
    seat_emit(s, &e);
    p->have_bytes += (uint32_t)n;
    if (p->have_bytes == p->bytes)
        paper_end(s);
    return true;
}

void seat_paper_refused(struct seat_core *s, const Seat__Refused *r)
{
    struct seat_paper *p = &s->paper;
    p->asked = false;
    if (!p->wanted)
        return;
    if (exam_err_class_of((exam_err)r->code) == EXAM_CLASS_RETRY) {
        p->retry_at_ms = s->now_ms + seat_chance_ms(s, RETRY_MIN_MS, RETRY_MAX_MS);
        return;
    }
    paper_rewind(p);
    paper_fail(s, (exam_err)r->code, r->text);
}

exam_err seat_core_fetch_paper(struct seat_core *s, uint64_t now_ms)
{
    struct seat_paper *p = &s->paper;
    if (p->bytes == 0)
        return EXAM_STATE;
    seat_input_begin(s, now_ms);
    if (!p->wanted) { /* one that is on its way comes anyway */
        paper_rewind(p);
        p->wanted = true;
    }
    seat_input_end(s);
    return EXAM_OK;
}
