/* fuzz_text.c - what may be text: against another reader of UTF-8 (jansson's), and that what
 * codec_text_mend leaves is text. The first byte is the bound of a mended text. */
#include <jansson.h>
#include <string.h>

#include "codec.h"
#include "fuzz.h"

static bool is_utf8(const char *s, size_t n)
{
    json_t *text = json_stringn(s, n);

    json_decref(text);
    return text != NULL;
}

/* A control character of one byte; those of two (U+0080 to U+009F) begin with C2. */
static bool has_control(const uint8_t *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7F ||
            (i > 0 && s[i - 1] == 0xC2 && s[i] < 0xA0))
            return true;
    return false;
}

static void expect_mended(const char *s, size_t n, size_t bytes_max)
{
    char *text = malloc(n + 1), *once;

    require(text != NULL);
    memcpy(text, s, n);
    text[n] = '\0';
    n = strlen(text);
    bool was_good = n <= bytes_max && codec_text_ok(text, n);
    codec_text_mend(text, bytes_max);
    require(strlen(text) <= bytes_max && codec_text_ok(text, strlen(text)));
    require(!was_good || strlen(text) == n);
    once = strdup(text);
    require(once != NULL);
    codec_text_mend(text, bytes_max);
    require(strcmp(once, text) == 0);
    free(once);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    size_t bytes_max = fuzz_byte(&in);
    const char *s = (const char *)in.at;
    char name[NAME_BYTES_MAX + 8] = "";

    require(codec_text_ok(s, in.n) == (is_utf8(s, in.n) && !has_control(in.at, in.n)));
    if (in.n <= ANSWER_BYTES_MAX && codec_text_ok(s, in.n))
        require(codec_answer_ok(in.at, in.n));
    if (in.n > 0)
        memcpy(name, s, in.n < sizeof name - 1 ? in.n : sizeof name - 1);
    if (codec_name_ok(name))
        require(strlen(name) <= NAME_BYTES_MAX && codec_text_ok(name, strlen(name)));
    expect_mended(s, in.n, bytes_max);
    return 0;
}
