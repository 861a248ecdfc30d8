/* examnode: one exam server. Wiring only: arguments, configuration, signals, exit codes. */
#include <argp.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "config.h"
#include "loop.h"
#include "oplog.h"

const char *argp_program_version = "examnode " EXAMNODE_VERSION;

static const char doc[] =
    "Holds the sessions of an exam site: every answer and every second of every candidate, durable "
    "on this server and its standby."
    "\v"
    "The configuration names this node, its data folder, where it listens, and its peers:\n"
    "\n"
    "  node = \"A\"\n"
    "  data = \"/var/lib/examnode\"\n"
    "  seat-listen = \"10.1.0.1:7100\"\n"
    "  admin-listen = \"10.1.0.1:7101\"\n"
    "  replica-listen = \"10.1.0.1:7102\"\n"
    "  peer \"B\" { replica = \"10.1.0.2:7102\" }\n"
    "  key-file = \"/etc/shunyan/A.key\"      # who this server is, and\n"
    "  key-roster = \"/etc/shunyan/roster\"   # who else belongs to the site: `examctl site init`\n"
    "  two-person = {\"import\", \"grant\"}   # what takes two persons; may be left out\n"
    "  ups = \"ups@127.0.0.1:3493\"  # this server's UPS (Network UPS Tools); may be left out\n"
    "  web-listen = \"10.1.0.1:7104\"  # HTTPS for monitors, and two files: examnode(8)\n"
    "\n"
    "Found a new site once with `examctl found` on one of its nodes; the others join by "
    "themselves.\n"
    "\n"
    "Exit codes: 0 stopped in order; 2 bad arguments; 65 the data is damaged; 69 a port is in "
    "use; 73 the data folder cannot be used; 74 a disk error or a full disk; 78 bad configuration; "
    "70 anything else.";

enum { EXIT_USAGE = 2 }; /* as the tools of this project, and most others */

struct arguments {
    const char *config;
    bool check;
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'c':
        a->config = arg;
        return 0;
    case 'n':
        a->check = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "no argument '%s' is expected", arg);
        return 0;
    case ARGP_KEY_END:
        if (!a->config)
            argp_error(state, "--config FILE is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int exit_code_of(exam_err err)
{
    switch (err) {
    case EXAM_OK:
        return EX_OK;
    case EXAM_CORRUPT:
    case EXAM_VERSION:
        return EX_DATAERR;
    case EXAM_EXISTS:
        return EX_UNAVAILABLE;
    case EXAM_LOCKED:
    case EXAM_INVALID:
        return EX_CANTCREAT;
    case EXAM_REFUSED: /* keys that are not this node's, or not good any more */
    case EXAM_AUTH:
    case EXAM_OTHER_SITE:
    case EXAM_NOT_FOUND:
    case EXAM_MALFORMED:
        return EX_CONFIG;
    case EXAM_IO:
    case EXAM_FULL:
        return EX_IOERR;
    default:
        return EX_SOFTWARE;
    }
}

/* Every seat is a file descriptor: take as many as the system gives. */
static void raise_descriptors(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r))
        return;
    r.rlim_cur = r.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &r))
        oplog(OPLOG_WARN, "descriptors-not-raised", OPLOG_U("limit", r.rlim_max));
}

/* Answers, ID numbers and keys are in this process's memory: it is never written to a core file,
 * and nobody but root looks into it. */
static bool keep_memory_private(void)
{
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};
    return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

static char bus_line[512];

static void on_bus(int signum)
{
    (void)signum;
    ssize_t rc = write(STDERR_FILENO, bus_line, strlen(bus_line));
    (void)rc;
    _exit(EX_IOERR);
}

/* D6: the store is read through a mapping, so a sector that the disk cannot read, or a data file
 * that was cut short, comes as SIGBUS. Nothing may be read, written or told after it. */
static void watch_mapping(const char *node)
{
    struct sigaction on = {.sa_handler = on_bus};
    snprintf(bus_line, sizeof bus_line,
             "level=error event=failed node=%s what=\"reading the data file\" code=io "
             "text=\"a page cannot be read: the disk is failing, or the file was cut short; "
             "promote the standby, and look at this disk\"\n",
             node);
    sigaction(SIGBUS, &on, NULL);
}

static int serve(const struct config *config)
{
    char why[1024] = "";
    signal(SIGPIPE, SIG_IGN);
    watch_mapping(config->node);
    raise_descriptors();
    exam_err err = loop_serve(config, EXAMNODE_VERSION, why, sizeof why);
    if (why[0])
        oplog(OPLOG_ERROR, "cannot-start", OPLOG_S("code", exam_err_name(err)),
              OPLOG_S("why", why));
    oplog(err ? OPLOG_ERROR : OPLOG_INFO, "stopped", OPLOG_S("code", exam_err_name(err)));
    return exit_code_of(err);
}

int main(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"config", 'c', "FILE", 0, "Read the configuration from FILE", 0},
        {"check", 'n', NULL, 0, "Check the configuration, and end", 0},
        {0},
    };
    const struct argp argp = {.options = options, .parser = on_option, .doc = doc};
    struct arguments a = {.config = NULL};
    struct config config;
    char why[1024] = "";
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (!keep_memory_private() || sodium_init() < 0) {
        fprintf(stderr, "examnode: core files cannot be turned off, or libsodium cannot be used\n");
        return EX_SOFTWARE;
    }
    if (config_read(a.config, &config, why, sizeof why)) {
        fprintf(stderr, "examnode: %s\n", why);
        return EX_CONFIG;
    }
    if (a.check) {
        printf("%s: good\n", a.config);
        return EX_OK;
    }
    oplog_open(config.node, config.log_level);
    int code = serve(&config);
    /* NNG's threads are not waited for: see loop.h. */
    fflush(NULL);
    _exit(code);
}
