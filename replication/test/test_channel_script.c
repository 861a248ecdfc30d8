/* channel: random things happen to its messages, and the scripts of the fuzzer's corpus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "channel_script.h"
#include "seed.h"

enum { SCRIPTS = 4000, STEPS_MAX = 60 };

struct script {
    uint8_t bytes[SCRIPT_BYTES_MAX];
    size_t n;
};

static void add(struct script *s, size_t byte)
{
    if (s->n < sizeof s->bytes)
        s->bytes[s->n++] = (uint8_t)byte;
}

/* Mostly messages that are written and carried, so that something is there to be harmed. */
static void random_script(uint64_t *seed, struct script *s)
{
    static const char usual[] = "hchcHCHCscscscSCSCSC", harm[] = "dmrxbtli";

    s->n = 0;
    add(s, (size_t) "nok"[seed_below(seed, 3)]);
    for (size_t steps = seed_below(seed, STEPS_MAX); steps > 0; steps--) {
        bool harmful = seed_below(seed, 12) == 0;
        char letter = harmful ? harm[seed_below(seed, sizeof harm - 1)]
                              : usual[seed_below(seed, sizeof usual - 1)];

        if (harmful && seed_below(seed, 2) == 0)
            letter = (char)(letter - 'a' + 'A');
        add(s, (size_t)letter);
        if (strchr("sbtl", letter | 0x20) != NULL)
            add(s, seed_next(seed) & UINT8_MAX);
        if ((letter | 0x20) == 'b')
            add(s, (size_t)1 << seed_below(seed, 8));
        if ((letter | 0x20) == 'i') {
            size_t n = seed_below(seed, 140);

            add(s, n);
            for (; n > 0; n--)
                add(s, seed_next(seed) & UINT8_MAX);
        }
    }
}

/* Whatever happens, a channel takes what was written and nothing else; all of it does happen. */
static void test_channel_script__random_harm_is_refused(void **state)
{
    uint64_t seed = seed_of_run(__func__);
    struct channel_script_seen seen = {.taken = 0};
    struct script s;

    (void)state;
    for (int i = 0; i < SCRIPTS; i++) {
        random_script(&seed, &s);
        channel_script_play(s.bytes, s.n, &seen);
    }
    fprintf(stderr, "%s: %zu messages taken, %zu confirmed, %zu ended, %zu new keys\n", __func__,
            seen.taken, seen.confirmed, seen.ended, seen.rekeyed);
    assert_true(seen.taken > SCRIPTS && seen.ended > SCRIPTS / 10);
    assert_true(seen.confirmed > 0 && seen.rekeyed > 0);
}

/* The scripts that the fuzzer begins from. */
static void test_channel_script__plays_the_corpus(void **state)
{
    DIR *dir = opendir(CHANNEL_CORPUS);
    struct channel_script_seen seen = {.taken = 0};
    const struct dirent *e;
    size_t scripts = 0;

    (void)state;
    assert_non_null(dir);
    while ((e = readdir(dir)) != NULL) {
        char path[sizeof CHANNEL_CORPUS + sizeof e->d_name + 1];
        struct script s;
        FILE *f;

        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", CHANNEL_CORPUS, e->d_name);
        f = fopen(path, "rb");
        assert_non_null(f);
        s.n = fread(s.bytes, 1, sizeof s.bytes, f);
        fclose(f);
        assert_true(s.n > 0);
        channel_script_play(s.bytes, s.n, &seen);
        scripts++;
    }
    closedir(dir);
    assert_true(scripts >= 10 && seen.confirmed > 0 && seen.rekeyed > 0 && seen.ended > 0);
}

static int group_setup(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_channel_script__random_harm_is_refused),
        cmocka_unit_test(test_channel_script__plays_the_corpus),
    };

    return cmocka_run_group_tests_name("channel_script", tests, group_setup, NULL);
}
