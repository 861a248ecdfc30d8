#include "command.h"

#include <string.h>

static const struct command commands[] = {
    {"verify", "FOLDER2", false, cmd_verify},  {"timeline", NULL, false, cmd_timeline},
    {"account", "SITTING", true, cmd_account}, {"at", "MOMENT", true, cmd_at},
    {"export", NULL, false, cmd_export},
};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}
