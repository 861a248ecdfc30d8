/* fuzz.h - what fuzz targets share: a check that ends the process, and an input that is taken piece
 * by piece. Any bytes are an input; what is asked for beyond its end is 0. */
#ifndef EXAM_TEST_FUZZ_H
#define EXAM_TEST_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that no input may break; unlike an assertion it says so in all builds. */
#define require(holds) ((holds) ? (void)0 : fuzz_broken(#holds, __FILE__, __LINE__))

static inline void fuzz_broken(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

struct fuzz_input {
    const uint8_t *at;
    size_t n; /* bytes left */
};

static inline uint8_t fuzz_byte(struct fuzz_input *in)
{
    if (in->n == 0)
        return 0;
    in->n--;
    return *in->at++;
}

/* Big-endian, of that many bytes. */
static inline uint64_t fuzz_number(struct fuzz_input *in, unsigned bytes)
{
    uint64_t v = 0;

    while (bytes-- > 0)
        v = v << 8 | fuzz_byte(in);
    return v;
}

/* At most `max` bytes of it, where they lie. */
static inline const uint8_t *fuzz_piece(struct fuzz_input *in, size_t max, size_t *n)
{
    const uint8_t *piece = in->at;

    *n = max < in->n ? max : in->n;
    in->at += *n;
    in->n -= *n;
    return piece;
}

#endif
