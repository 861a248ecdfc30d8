/* fuzz_words.c - what people write on a command line: durations, dates, addresses of nodes. What is
 * taken reads back from its own written form as the same. */
#include <string.h>

#include "duration.h"
#include "fuzz.h"
#include "node_address.h"
#include "problems.h"
#include "words.h"

static void expect_duration(const char *text, uint64_t any_ms)
{
    char written[DURATION_TEXT_BYTES];
    uint64_t ms = 0, again = 0;

    if (duration_parse(text, &ms) == EXAM_OK) {
        duration_format(ms, written);
        require(duration_parse(written, &again) == EXAM_OK && again == ms);
    }
    any_ms %= UINT64_C(999) * 3600 * 1000;
    duration_format(any_ms, written);
    require(duration_parse(written, &again) == EXAM_OK && again == any_ms);
}

static void expect_addresses(const char *text)
{
    struct node_address at[8], once[1];
    struct node_address_list list = {.at = at, .room = 8};
    const char *bad = NULL;
    exam_err err = node_address_list_parse(text, &list, &bad);

    if (err == EXAM_INVALID)
        require(bad >= text && bad <= text + strlen(text));
    require(list.n <= list.room);
    for (size_t i = 0; err == EXAM_OK && i < list.n; i++) {
        struct node_address_list one = {.at = once, .room = 1};
        require(at[i].host[0] != 0 && at[i].port[0] != 0);
        require(node_address_list_parse(at[i].text, &one, NULL) == EXAM_OK && one.n == 1);
        require(strcmp(once[0].host, at[i].host) == 0 && strcmp(once[0].port, at[i].port) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    uint64_t any_ms = fuzz_number(&in, 5);
    char quoted[PROBLEM_QUOTE_BYTES];
    char *text = malloc(in.n + 1);

    require(text != NULL);
    memcpy(text, in.at, in.n);
    text[in.n] = 0;
    expect_duration(text, any_ms);
    expect_addresses(text);
    require(strlen(problem_quote(text, quoted)) < PROBLEM_QUOTE_BYTES);
    free(text);
    return 0;
}
