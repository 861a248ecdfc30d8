/* import_stage.h - an import that comes in part by part, kept until it is whole (admin.proto).
 * Shell's data structure; loop thread only. Bounded: a connection that sends more than
 * IMPORT_BYTES_MAX is refused, and decoding is counted against its own bound. */
#ifndef EXAM_IMPORT_STAGE_H
#define EXAM_IMPORT_STAGE_H

#include "admin.pb-c.h"
#include "exam.h"
#include "exam_err.h"

enum {
    IMPORT_BYTES_MAX = 64 << 20,    /* of frames */
    IMPORT_DECODED_MAX = 256 << 20, /* of memory that their messages take */
};

struct import_stage;

EXAM_MUST_USE exam_err import_stage_new(const uint8_t *begin, size_t begin_bytes,
                                        struct import_stage **out);
void import_stage_free(struct import_stage *g);

/* Takes one request with an ImportPart, as it came in a frame that has been checked by codec.h. */
EXAM_MUST_USE exam_err import_stage_add(struct import_stage *g, const uint8_t *request,
                                        size_t bytes);
/* The whole import, if it has as many rooms, papers and sittings as the tool says it sent, and
 * is of the batch that it says; it lives as long as the stage. EXAM_MALFORMED: it has not. */
EXAM_MUST_USE exam_err import_stage_whole(struct import_stage *g, const Admin__ImportCommit *counts,
                                          const struct exam_import **out);
/* Whose act it is, whatever its ImportBegin says (R4); before import_stage_whole. The text lives as
 * long as the stage. */
void import_stage_by(struct import_stage *g, const char *who);
/* Of all its requests as they came (signed_command_chain); HASH_BYTES. */
const uint8_t *import_stage_digest(const struct import_stage *g);

#endif
