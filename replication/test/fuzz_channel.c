/* fuzz_channel.c - libFuzzer: whatever happens to the messages on their way, a channel takes what
 * the other end wrote, in its order, and nothing else (channel_script.h). */
#include <sodium.h>
#include <stdlib.h>

#include "channel_script.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (sodium_init() < 0)
        abort();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct channel_script_seen seen = {.taken = 0};

    if (size > 0)
        channel_script_play(data, size, &seen);
    return 0;
}
