/* examctl - the administrator's command line (wiring only). */
#include <signal.h>
#include <stdio.h>

#include "command.h"
#include "text_table.h"

#ifndef EXAM_VERSION_TEXT
#define EXAM_VERSION_TEXT "unknown"
#endif

int main(int argc, char **argv)
{
    static struct options options;
    const struct command *command;
    enum exit_code exit_code;

    text_locale_init();
    (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write, and is reported */
    exit_code = options_parse(argc, argv, &options, &command);
    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    if (options.version)
        printf("examctl %s\n", EXAM_VERSION_TEXT);
    else if (options.help && command != NULL)
        command_print_help(command, stdout);
    else if (options.help)
        command_print_overview(stdout);
    else
        exit_code = command->run(&options);
    if (exit_code == EXIT_CODE_DONE && (fflush(stdout) != 0 || ferror(stdout))) {
        fputs("examctl: cannot write the output\n", stderr);
        return EXIT_CODE_INTERNAL;
    }
    return exit_code;
}
