#include "command.h"

#include <string.h>

const struct command commands[] = {
    {
        .name = "found",
        .options = OPTION_SITE,
        .run = cmd_found,
        .synopsis = "[--site NAME]",
        .summary = "found the site: the first of --nodes begins to serve",
        .help =
            "Once in the life of a site. The first node of --nodes begins epoch 1 and serves; the\n"
            "other, still empty, joins it by itself as standby.\n"
            "\n"
            "  examctl --nodes 10.0.0.1:7101,10.0.0.2:7101 found --site 'Site 1'\n",
    },
    {
        .name = "status",
        .options = OPTION_DIGEST,
        .run = cmd_status,
        .synopsis = "[--digest]",
        .summary = "show all nodes and batches, and what needs attention",
        .help =
            "Asks every node of --nodes; those that do not answer are shown as such. SAVED says "
            "how\n"
            "answers are acknowledged: dual (on both nodes' disks), solo (on one only), none (the\n"
            "primary waits for its standby). Lines that begin with ! need somebody's attention.\n"
            "\n"
            "  --digest  also reckon each node's state digest, and compare\n"
            "\n"
            "  examctl status\n"
            "  examctl status --json | jq -r '.nodes[] | select(.role==\"primary\").node'\n",
    },
    {
        .name = "import",
        .options = OPTION_BATCH | OPTION_ROOMS | OPTION_ROSTER | OPTION_PAPER | OPTION_TITLE |
                   OPTION_ALLOT | OPTION_TIMING | OPTION_GRACE,
        .required = OPTION_BATCH | OPTION_ROOMS | OPTION_ROSTER | OPTION_PAPER,
        .run = cmd_import,
        .synopsis =
            "--batch ID --rooms FILE --roster FILE --paper FILE [--paper FILE ...]\n"
            "          [--title TEXT] [--allot SPAN] [--timing common|personal] [--grace SPAN]",
        .summary = "bring in a batch: its rooms, candidates and papers",
        .help =
            "Checks the files first and lists every mistake as file:line. Then all of it is taken "
            "in,\n"
            "or nothing.\n"
            "  rooms    room,seats                                        seats are ROOM-01 ...\n"
            "  roster   admission_no,id_no,name,seat,paper,extra_minutes  (the last may be left "
            "out)\n"
            "  paper    JSON, format shunyan-paper-1; see ops/sample\n"
            "\n"
            "  --allot SPAN   time to answer, [h:]mm:ss; default: the paper's minutes\n"
            "  --timing       common: all begin when the batch starts (default); personal: each\n"
            "                 begins when opening the paper (T1)\n"
            "  --grace SPAN   how long a seat stays open without contact; default 0:15 (T6)\n"
            "\n"
            "  examctl import --batch B1 --rooms rooms.csv --roster roster.csv --paper elec-3.json "
            "\\\n"
            "      --title 'Electricians, level 3' --allot 60:00\n",
    },
    {
        .group = "batch",
        .name = "list",
        .run = cmd_batch_list,
        .synopsis = "",
        .summary = "list the batches",
        .help = "One row a batch, with its figures.\n\n  examctl batch list\n",
    },
    {
        .group = "batch",
        .name = "start",
        .argument = "ID",
        .run = cmd_batch_start,
        .synopsis = "",
        .summary = "start a batch: the papers open, the clocks run",
        .help = "With common timing the time of everybody in the batch begins now, latecomers' too "
                "(T1).\n"
                "\n"
                "  examctl batch start B1\n",
    },
    {
        .group = "batch",
        .name = "status",
        .argument = "ID",
        .options = OPTION_WATCH,
        .run = cmd_batch_status,
        .synopsis = "[--watch]",
        .summary = "show one batch in full",
        .help =
            "  --watch  again every second, through a failover too, until the batch is collected\n"
            "\n"
            "  examctl batch status B1 --watch\n",
    },
    {
        .group = "batch",
        .name = "collect",
        .argument = "ID",
        .options = OPTION_UNFINISHED,
        .run = cmd_batch_collect,
        .synopsis = "[--unfinished]",
        .summary = "collect a batch: it is closed for good",
        .help = "Shows the batch and asks for confirmation. Nobody leaves before it is collected "
                "(P6).\n"
                "\n"
                "  --unfinished  also close the sittings that are not finished\n"
                "\n"
                "  examctl batch collect B1\n"
                "  examctl batch collect B1 --unfinished --yes\n",
    },
    {
        .name = "promote",
        .argument = "NODE",
        .options = OPTION_ATTEST | OPTION_REASON,
        .run = cmd_promote,
        .synopsis = "[--attest] [--reason TEXT]",
        .summary = "make a standby the primary (W2)",
        .help =
            "With both nodes in contact and in sync it is a switchover: nothing is lost. With the "
            "primary\n"
            "out of contact it needs your word (--attest) that the primary is off: look at it, or\n"
            "pull its plug. Shows what is at stake and asks for confirmation.\n"
            "\n"
            "  --attest       I state that the old primary is off\n"
            "  --reason TEXT  for the record\n"
            "\n"
            "  examctl promote B\n"
            "  examctl promote B --attest --reason 'server A lost power'\n",
    },
    {
        .name = "results",
        .argument = "ID",
        .options = OPTION_ANSWERS | OPTION_OUTPUT,
        .run = cmd_results,
        .synopsis = "[--answers] [-o FILE]",
        .summary = "export the results of a batch as CSV",
        .help = "One row a sitting, or with --answers one row an answer. With -o the file appears "
                "only when\n"
                "it is complete and on the disk. A cell that a spreadsheet would run as a formula, "
                "or that\n"
                "begins with an apostrophe, gets one apostrophe in front.\n"
                "\n"
                "  examctl results B1 -o results.csv\n"
                "  examctl results B1 --answers -o answers.csv\n",
    },
};
const size_t commands_n = sizeof commands / sizeof commands[0];

const struct command *command_find(int argc, char *const argv[], int *words)
{
    for (size_t i = 0; i < commands_n; i++) {
        const struct command *c = &commands[i];

        if (c->group == NULL && argc >= 1 && strcmp(argv[0], c->name) == 0) {
            *words = 1;
            return c;
        }
        if (c->group != NULL && argc >= 2 && strcmp(argv[0], c->group) == 0 &&
            strcmp(argv[1], c->name) == 0) {
            *words = 2;
            return c;
        }
    }
    return NULL;
}

static void name_print(const struct command *c, FILE *to)
{
    fprintf(to, "%s%s%s%s%s", c->group != NULL ? c->group : "", c->group != NULL ? " " : "",
            c->name, c->argument != NULL ? " " : "", c->argument != NULL ? c->argument : "");
}

void command_print_help(const struct command *c, FILE *to)
{
    fputs("Usage: examctl [option...] ", to);
    name_print(c, to);
    fprintf(to, " %s\n\nTo %s.\n\n%s\nOptions of every command: `examctl --help`\n", c->synopsis,
            c->summary, c->help);
}

void command_print_overview(FILE *to)
{
    fputs("Usage: examctl [option...] COMMAND ...\n"
          "Runs an exam site: examctl talks to the site's nodes at their admin addresses.\n"
          "\n"
          "Commands:\n",
          to);
    for (size_t i = 0; i < commands_n; i++) {
        const struct command *c = &commands[i];
        char name[64];

        snprintf(name, sizeof name, "%s%s%s%s%s", c->group != NULL ? c->group : "",
                 c->group != NULL ? " " : "", c->name, c->argument != NULL ? " " : "",
                 c->argument != NULL ? c->argument : "");
        fprintf(to, "  %-18s %s\n", name, c->summary);
    }
    fputs(
        "\n"
        "Options of every command:\n"
        "  --nodes HOST:PORT[,HOST:PORT...]  admin addresses (default: $EXAMCTL_NODES)\n"
        "  --who NAME     on record for every act (default: $EXAMCTL_WHO, or the account's name)\n"
        "  --timeout S    seconds to wait for a reply (default 10)\n"
        "  --json         JSON on stdout, for scripts\n"
        "  --yes          do not ask for confirmation\n"
        "  -h, --help     this, or behind a command its help with examples\n"
        "  -V, --version\n"
        "\n"
        "A day:\n"
        "  export EXAMCTL_NODES=10.0.0.1:7101,10.0.0.2:7101\n"
        "  examctl status\n"
        "  examctl import --batch B1 --rooms rooms.csv --roster roster.csv --paper paper.json\n"
        "  examctl batch start B1\n"
        "  examctl batch status B1 --watch\n"
        "  examctl promote B --attest        # server A is dead, and is off\n"
        "  examctl batch collect B1\n"
        "  examctl results B1 --answers -o answers.csv\n"
        "\n"
        "Exit codes: 0 done; 1 refused by a rule; 2 usage; 65 bad input file; 69 no node answers "
        "or\n"
        "none serves; 70 internal; 75 timed out, try again; 76 another version of the "
        "conversation\n",
        to);
}
