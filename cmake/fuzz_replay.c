/* fuzz_replay.c - a fuzz target without libFuzzer: plays every file of the corpus as it is, and
 * then mutations of them. EXAM_TEST_SEED repeats a run. Arguments: how many mutations, the most
 * bytes of an input, folders. */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "seed.h"

int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATH_BYTES = 4096 };

struct input {
    uint8_t *bytes;
    size_t n;
};

static struct input *corpus;
static size_t corpus_n;

static void give_up(const char *what, const char *of)
{
    fprintf(stderr, "fuzz_replay: %s: %s\n", of, what);
    exit(EXIT_FAILURE);
}

static void take_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    struct input in;

    if (f == NULL || fstat(fileno(f), &st) != 0)
        give_up("cannot be read", path);
    in.n = (size_t)st.st_size;
    in.bytes = malloc(in.n + 1);
    corpus = realloc(corpus, (corpus_n + 1) * sizeof *corpus);
    if (in.bytes == NULL || corpus == NULL || fread(in.bytes, 1, in.n, f) != in.n)
        give_up("cannot be read", path);
    fclose(f);
    corpus[corpus_n++] = in;
}

static int named(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* In the order of their names, so that a seed means the same everywhere. */
static void take_folder(const char *folder)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, named, alphasort);

    if (n <= 0)
        give_up("no corpus there", folder);
    for (int i = 0; i < n; i++) {
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        take_file(path);
        free(entries[i]);
    }
    free(entries);
}

/* The target gets a copy of the very size: a byte read beyond it is the sanitizer's to find. */
static void play(const uint8_t *bytes, size_t n)
{
    uint8_t *exact = malloc(n > 0 ? n : 1);

    if (exact == NULL)
        give_up("no memory", "an input");
    memcpy(exact, bytes, n);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
}

/* A piece of another input takes the place of what is behind `at`. */
static size_t splice(uint64_t *seed, uint8_t *bytes, size_t at, size_t max)
{
    const struct input *other = &corpus[seed_below(seed, corpus_n)];
    size_t from = seed_below(seed, other->n + 1), n = other->n - from;

    n = n < max - at ? n : max - at;
    memcpy(bytes + at, other->bytes + from, n);
    return at + n;
}

static size_t mutate(uint64_t *seed, uint8_t *bytes, size_t n, size_t max)
{
    static const uint8_t telling[] = {0, 1, 0x7F, 0x80, 0xFF, '\n', '"', ','};
    size_t at = seed_below(seed, n + 1);

    switch (seed_below(seed, 6)) {
    case 0:
        return splice(seed, bytes, at, max);
    case 1:
        return at; /* cut */
    case 2:        /* left out */
        if (at == n)
            return n;
        memmove(bytes + at, bytes + at + 1, n - at - 1);
        return n - 1;
    case 3: /* put in */
        if (n == max)
            return n;
        memmove(bytes + at + 1, bytes + at, n - at);
        bytes[at] = (uint8_t)seed_next(seed);
        return n + 1;
    case 4:
        if (at < n)
            bytes[at] = telling[seed_below(seed, sizeof telling)];
        return n;
    default:
        if (at < n)
            bytes[at] ^= (uint8_t)(1u << seed_below(seed, 8));
        return n;
    }
}

static void play_mutation(uint64_t *seed, uint8_t *bytes, size_t max)
{
    const struct input *in = &corpus[seed_below(seed, corpus_n)];
    size_t n = in->n < max ? in->n : max;

    memcpy(bytes, in->bytes, n);
    for (size_t k = 1 + seed_below(seed, 4); k > 0; k--)
        n = mutate(seed, bytes, n, max);
    play(bytes, n);
}

int main(int argc, char **argv)
{
    const char *name = strrchr(argv[0], '/');
    uint64_t seed = seed_of_run(name != NULL ? name + 1 : argv[0]);
    size_t rounds, max;
    uint8_t *bytes;

    if (argc < 4)
        give_up("ROUNDS MAX_BYTES FOLDER...", argv[0]);
    rounds = strtoull(argv[1], NULL, 10);
    max = strtoull(argv[2], NULL, 10);
    for (int i = 3; i < argc; i++)
        take_folder(argv[i]);
    bytes = malloc(max + 1);
    if (bytes == NULL)
        give_up("no memory", "an input");
    if (LLVMFuzzerInitialize != NULL)
        LLVMFuzzerInitialize(&argc, &argv);
    for (size_t i = 0; i < corpus_n; i++)
        play(corpus[i].bytes, corpus[i].n);
    for (size_t i = 0; i < rounds; i++)
        play_mutation(&seed, bytes, max);
    printf("%zu inputs of the corpus, %zu mutations\n", corpus_n, rounds);
    for (size_t i = 0; i < corpus_n; i++)
        free(corpus[i].bytes);
    free(corpus);
    free(bytes);
    return 0;
}
