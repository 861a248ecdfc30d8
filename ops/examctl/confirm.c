#include "confirm.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

enum exit_code confirm_act(const struct options *o, const char *question)
{
    char line[64];

    if (o->yes)
        return EXIT_CODE_DONE;
    if (isatty(STDIN_FILENO) != 1) {
        report_error("nothing was done: this needs a person's confirmation, and the input is no "
                     "terminal; give --yes if you mean it");
        return EXIT_CODE_USAGE;
    }
    fprintf(stderr, "%s Type yes to go on: ", question);
    fflush(stderr);
    if (fgets(line, sizeof line, stdin) != NULL && strcmp(line, "yes\n") == 0)
        return EXIT_CODE_DONE;
    report_error("nothing was done");
    return EXIT_CODE_REFUSED;
}
