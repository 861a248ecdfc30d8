#include "command.h"

#include <stdio.h>
#include <string.h>

static const struct command commands[] = {
    {"verify", "FOLDER2", NULL, false, TAKES_JSON | TAKES_EVIDENCE | TAKES_NO_INDEX, cmd_verify},
    {"timeline", NULL, NULL, false,
     TAKES_JSON | TAKES_FILTER | TAKES_STRETCH | TAKES_SEALED | TAKES_DATA_KEY, cmd_timeline},
    {"account", "SITTING", NULL, true,
     TAKES_JSON | TAKES_CERTIFICATE | TAKES_DATA_KEY | TAKES_NO_INDEX, cmd_account},
    {"at", "MOMENT", NULL, true,
     TAKES_JSON | TAKES_FILTER | TAKES_INDEX | TAKES_NO_INDEX | TAKES_DATA_KEY, cmd_at},
    {"diff", "MOMENT", "MOMENT", true, TAKES_JSON | TAKES_FILTER, cmd_diff},
    {"step", NULL, NULL, false, TAKES_DATA_KEY, cmd_step},
    {"report", NULL, NULL, false,
     TAKES_FILTER | TAKES_OUTPUT | TAKES_INCIDENT | TAKES_DATA_KEY | TAKES_NO_INDEX, cmd_report},
    {"export", NULL, NULL, false,
     TAKES_FILTER | TAKES_STRETCH | TAKES_SEALED | TAKES_OUTPUT | TAKES_FORMAT | TAKES_WHOLE |
         TAKES_DATA_KEY,
     cmd_export},
    {"salvage", "FOLDER2", NULL, false,
     TAKES_OUTPUT | TAKES_SEALED | TAKES_DATA_KEY | TAKES_EVIDENCE, cmd_salvage},
};

const char *command_names(void)
{
    static char names[128];
    size_t n = 0, last = sizeof commands / sizeof *commands - 1;
    for (size_t i = 0; i <= last && n < sizeof names; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s",
                              i == 0     ? ""
                              : i < last ? ", "
                                         : " or ",
                              commands[i].name);
    return names;
}

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}
