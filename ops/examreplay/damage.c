#include "damage.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "command.h"

static const volatile uint64_t *reached_lsn;

static void put(char *line, size_t *n, size_t bytes, const char *text)
{
    while (*text && *n < bytes)
        line[(*n)++] = *text++;
}

static void on_damage(int signal_no)
{
    char line[200], digits[24];
    size_t n = 0, at = sizeof digits - 1;
    uint64_t lsn = *reached_lsn;
    (void)signal_no;
    digits[at] = '\0';
    do
        digits[--at] = (char)('0' + lsn % 10);
    while ((lsn /= 10) != 0);
    put(line, &n, sizeof line,
        "WRONG   the data file is cut off or damaged: its pages cannot be read "
        "after record ");
    put(line, &n, sizeof line, digits + at);
    put(line, &n, sizeof line, " (D8)\n");
    (void)!write(STDERR_FILENO, line, n);
    _exit(EXIT_WRONG);
}

/* SA_RESETHAND: a second one ends the process as usual. */
void damage_watch(const volatile uint64_t *reached)
{
    const struct sigaction action = {.sa_handler = on_damage, .sa_flags = (int)SA_RESETHAND};
    reached_lsn = reached;
    (void)sigaction(SIGBUS, &action, NULL);
    (void)sigaction(SIGSEGV, &action, NULL);
    (void)sigaction(SIGABRT, &action, NULL); /* LMDB's own checks of a page */
}
