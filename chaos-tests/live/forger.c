/* forger - examctl with a hand between the signing of an act and its sending (R4). The program is
 * linked with signed_command_sign wrapped; only a request with WORD in it is touched.
 *
 *   FORGE=change         a letter of the request becomes another one after it was signed
 *   FORGE=record:FILE    the signed request is written to FILE, and sent
 *   FORGE=replay:FILE    what FILE has is sent in the place of what was asked for */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "keyring.h"
#include "options.h"
#include "signed_command.h"

static const char word[] = "quiet";

void __real_signed_command_sign(const struct signed_command *c, const struct key_file *k,
                                uint8_t tail[SIGNED_TAIL_BYTES]);
void __wrap_signed_command_sign(const struct signed_command *c, const struct key_file *k,
                                uint8_t tail[SIGNED_TAIL_BYTES]);

static void give_up(const char *what)
{
    fprintf(stderr, "forger: %s\n", what);
    exit(99);
}

/* The request as it stands in the frame; in the file, too, the signature is behind it. */
static void file_move(const char *path, const char *mode, uint8_t *request, size_t n, uint8_t *tail)
{
    FILE *f = fopen(path, mode);
    bool whole;

    if (f == NULL)
        give_up(path);
    if (mode[0] == 'w')
        whole = fwrite(request, 1, n, f) == n &&
                fwrite(tail, 1, SIGNED_TAIL_BYTES, f) == SIGNED_TAIL_BYTES;
    else
        whole = fread(request, 1, n, f) == n &&
                fread(tail, 1, SIGNED_TAIL_BYTES, f) == SIGNED_TAIL_BYTES && fgetc(f) == EOF;
    if (fclose(f) != 0 || !whole)
        give_up("the recorded request is of another length");
}

void __wrap_signed_command_sign(const struct signed_command *c, const struct key_file *k,
                                uint8_t tail[SIGNED_TAIL_BYTES])
{
    const char *forge = getenv("FORGE");
    uint8_t *request = (uint8_t *)(uintptr_t)c->request;
    uint8_t *at = memmem(request, c->request_bytes, word, sizeof word - 1);

    __real_signed_command_sign(c, k, tail);
    if (at == NULL || forge == NULL)
        return;
    if (strcmp(forge, "change") == 0)
        at[0] = 'Q';
    else if (strncmp(forge, "record:", 7) == 0)
        file_move(forge + 7, "wb", request, c->request_bytes, tail);
    else if (strncmp(forge, "replay:", 7) == 0)
        file_move(forge + 7, "rb", request, c->request_bytes, tail);
    else
        give_up("no such FORGE");
}

int main(int argc, char **argv)
{
    const struct command *command;
    struct options o;
    enum exit_code exit_code = options_parse(argc, argv, &o, &command);

    if (exit_code == EXIT_CODE_DONE)
        exit_code = command->run(&o);
    keyring_free(o.keyring);
    return (int)exit_code;
}
