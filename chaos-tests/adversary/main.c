/* main.c - the command line of adversary. */
#include <argp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "attempt.h"
#include "keyring.h"
#include "relay.h"

enum {
    OPT_NODES = 256,
    OPT_ADMIN,
    OPT_REPLICA,
    OPT_KEY,
    OPT_ROSTER,
    OPT_CANDIDATE,
    OPT_VICTIM,
    OPT_OWNER_KEY,
    OPT_PERSON_KEY,
    OPT_NODE_KEY,
    OPT_SPARE_KEY,
    OPT_MOVE,
    OPT_SAID,
    OPT_HEARD,
    OPT_SAME,
    OPT_STILL,
    OPT_LOGS,
    OPT_PATIENCE,
    OPT_READY,
    OPT_RELAY,
    OPT_JSON,
};

struct options {
    const char *key[WHO_N], *roster;
    uint16_t relay_port; /* 0: no relay */
    const struct attempt_group *group[16];
    size_t groups_n;
    struct judge judge;
    struct thief *thief;
};

static const struct attempt_group *const groups[] = {
    &group_identity, &group_conversations, &group_channel, &group_marks,    &group_epochs,
    &group_replay,   &group_former,        &group_revoked, &group_outdated, &group_early};

static const char doc[] =
    "The thief of one seat's credential: tries, with that seat's key and the site's roster, all "
    "that "
    "the key must not open, at a pair of nodes that is in use. One line an attempt: what was "
    "tried, "
    "what must happen, what happened, what the node logged. Controls do the same with the right "
    "credential, and must succeed.\v"
    "Groups: identity conversations channel marks epochs replay (or `all' for these); former: the "
    "victim is moved by a person; revoked: waits, attached, until the thief's key is "
    "revoked; outdated: a node's key was revoked since the roster; early: the batch has not "
    "started.\n"
    "\n"
    "--relay records an honest session for the group replay, and does nothing else.\n"
    "\n"
    "Exit status: 0 every attempt failed as it must, and every control succeeded; 1 one did not; "
    "64 wrong usage; 65 a key or the roster cannot be used; 71 the system lacks something.\n";

static const struct argp_option option_table[] = {
    {"nodes", OPT_NODES, "A@HOST:PORT,B@HOST:PORT", 0, "Where seats connect; the first one serves",
     0},
    {"admin", OPT_ADMIN, "A@HOST:PORT,B@HOST:PORT", 0, "Where administrators connect", 0},
    {"replica", OPT_REPLICA, "A@HOST:PORT,B@HOST:PORT", 0, "Where nodes connect", 0},
    {"key", OPT_KEY, "FILE", 0, "The stolen key of a seat", 1},
    {"roster", OPT_ROSTER, "FILE", 0, "The site's roster of keys", 1},
    {"candidate", OPT_CANDIDATE, "ADMISSION_NO:ID_NO", 0, "Who sits at that seat", 1},
    {"victim", OPT_VICTIM, "ADMISSION_NO:ID_NO", 0, "Who sits at another one", 1},
    {"owner-key", OPT_OWNER_KEY, "FILE", 0, "That seat's key, for controls", 2},
    {"person-key", OPT_PERSON_KEY, "FILE", 0, "An administrator's key, for controls", 2},
    {"node-key", OPT_NODE_KEY, "FILE", 0, "A node's key, for controls", 2},
    {"spare-key", OPT_SPARE_KEY, "FILE", 0, "A spare seat's key, for former", 2},
    {"move", OPT_MOVE, "COMMAND", 0, "Moves the victim to that seat, for former", 2},
    {"said", OPT_SAID, "FILE", 0, "What an honest seat has sent; --relay writes it", 3},
    {"heard", OPT_HEARD, "FILE", 0, "What its node has sent; --relay writes it", 3},
    {"relay", OPT_RELAY, "PORT", 0, "Record one connection on this port to the first node", 3},
    {"ready", OPT_READY, "FILE", 0, "Make it when the relay listens, or when revoked is attached",
     3},
    {"same", OPT_SAME, "COMMAND", 0, "What it prints must never change: who serves, the victim", 4},
    {"still", OPT_STILL, "COMMAND", 0,
     "The same, but for what is at the thief's own sitting: the records, where nobody else works",
     4},
    {"logs", OPT_LOGS, "FILE,FILE", 0, "Of the two nodes, which must name the refusals", 4},
    {"patience", OPT_PATIENCE, "SECONDS", 0, "To wait for anything (default 10)", 5},
    {"json", OPT_JSON, NULL, 0, "One JSON object an attempt", 5},
    {0}};

/* ---------------------------------------------------------------- arguments */

/* Two of something, with a comma between. */
static bool two_of(char *text, char *out[THIEF_NODES])
{
    char *comma = strchr(text, ',');
    if (comma == NULL)
        return false;
    *comma = '\0';
    out[0] = text;
    out[1] = comma + 1;
    return true;
}

static bool addresses_take(struct thief *t, enum port port, char *text)
{
    char *one[THIEF_NODES];
    return two_of(text, one) && address_parse(one[0], &t->node[0][port]) &&
           address_parse(one[1], &t->node[1][port]);
}

static bool logs_take(struct judge *j, char *text)
{
    char *one[THIEF_NODES];
    if (!two_of(text, one))
        return false;
    j->log[0] = one[0];
    j->log[1] = one[1];
    return true;
}

static bool number_take(const char *text, unsigned long max, unsigned long *out)
{
    char *end;
    *out = strtoul(text, &end, 10);
    return end != text && *end == '\0' && *out > 0 && *out <= max;
}

static bool group_take(struct options *o, const char *name)
{
    static const size_t of_all = 6;
    bool all = strcmp(name, "all") == 0, taken = false;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (all ? i < of_all : strcmp(groups[i]->name, name) == 0) {
            if (o->groups_n == sizeof o->group / sizeof *o->group)
                return false;
            o->group[o->groups_n++] = groups[i];
            taken = true;
        }
    return taken;
}

static bool number_option(struct options *o, int key, const char *arg)
{
    unsigned long n;
    if (!number_take(arg, key == OPT_RELAY ? UINT16_MAX : 3600, &n))
        return false;
    if (key == OPT_RELAY)
        o->relay_port = (uint16_t)n;
    else
        o->thief->patience_ms = (int)n * 1000;
    return true;
}

static bool site_option(struct options *o, int key, char *arg)
{
    struct thief *t = o->thief;
    switch (key) {
    case OPT_NODES:
        return addresses_take(t, PORT_SEAT, arg);
    case OPT_ADMIN:
        return addresses_take(t, PORT_ADMIN, arg);
    case OPT_REPLICA:
        return addresses_take(t, PORT_REPLICA, arg);
    case OPT_CANDIDATE:
        return candidate_parse(arg, &t->own);
    case OPT_VICTIM:
        return candidate_parse(arg, &t->victim);
    case OPT_LOGS:
        return logs_take(&o->judge, arg);
    default:
        return number_option(o, key, arg);
    }
}

static error_t take(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    const char **text[] = {
        [OPT_KEY - OPT_NODES] = &o->key[WHO_THIEF],
        [OPT_ROSTER - OPT_NODES] = &o->roster,
        [OPT_OWNER_KEY - OPT_NODES] = &o->key[WHO_OWNER],
        [OPT_PERSON_KEY - OPT_NODES] = &o->key[WHO_PERSON],
        [OPT_NODE_KEY - OPT_NODES] = &o->key[WHO_NODE],
        [OPT_SPARE_KEY - OPT_NODES] = &o->key[WHO_SPARE],
        [OPT_MOVE - OPT_NODES] = &o->thief->move,
        [OPT_SAID - OPT_NODES] = &o->thief->recorded[0],
        [OPT_HEARD - OPT_NODES] = &o->thief->recorded[1],
        [OPT_SAME - OPT_NODES] = &o->judge.same,
        [OPT_STILL - OPT_NODES] = &o->judge.still,
        [OPT_READY - OPT_NODES] = &o->thief->ready,
        [OPT_JSON - OPT_NODES] = NULL, /* and the others that are more than a text */
    };
    if (key == OPT_JSON)
        o->judge.json = true;
    else if (key >= OPT_NODES && key < OPT_JSON && text[key - OPT_NODES] != NULL)
        *text[key - OPT_NODES] = arg;
    else if (key >= OPT_NODES && key < OPT_JSON && !site_option(o, key, arg))
        argp_error(state, "not as --help says: %s", arg);
    else if (key == ARGP_KEY_ARG && !group_take(o, arg))
        argp_error(state, "no such group: %s", arg);
    else if (key != ARGP_KEY_ARG && (key < OPT_NODES || key > OPT_JSON))
        return ARGP_ERR_UNKNOWN;
    return 0;
}

/* ---------------------------------------------------------------- the whole */

static int refuse(const char *what)
{
    fprintf(stderr, "adversary: %s\n", what);
    return EX_DATAERR;
}

static int credentials_read(struct options *o)
{
    struct thief *t = o->thief;
    char why[KEYRING_WHY_BYTES] = "";
    for (size_t i = 0; i < WHO_N; i++) {
        if (o->key[i] == NULL && i == WHO_SPARE)
            continue;
        if (o->key[i] == NULL)
            return refuse("a key is missing; see --help");
        if (keyring_read_key(o->key[i], NULL, &t->key[i], why, sizeof why) != EXAM_OK)
            return refuse(why);
        t->has[i] = true;
    }
    if (o->roster == NULL ||
        keyring_read_roster(o->roster, t->key[WHO_THIEF].authority, t->key[WHO_THIEF].site_id,
                            &t->roster, why, sizeof why) != EXAM_OK)
        return refuse(o->roster == NULL ? "--roster is missing" : why);
    for (size_t node = 0; node < THIEF_NODES; node++)
        for (size_t port = 0; port < PORTS; port++)
            if (key_roster_find_name(t->roster, KEY_NODE, t->node[node][port].node) == NULL)
                return refuse("--nodes, --admin and --replica name two nodes of the roster each");
    if (t->own.admission_no[0] == '\0' || t->victim.admission_no[0] == '\0')
        return refuse("--candidate and --victim are missing");
    return EXIT_SUCCESS;
}

static int attempts_run(struct options *o)
{
    struct judge *j = &o->judge;
    int code = credentials_read(o);
    if (code != EXIT_SUCCESS)
        return code;
    if (o->groups_n == 0)
        (void)group_take(o, "all");
    for (size_t g = 0; g < o->groups_n; g++)
        attempt_group_run(j, o->thief, o->group[g]);
    judge_fini(j);
    fprintf(j->json ? stderr : stdout,
            "%zu attempts failed as they must, %zu controls succeeded, %zu broken\n", j->held,
            j->controls, j->broken);
    return j->broken > 0 || j->held == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {option_table, take, "[GROUP...]", doc, NULL, NULL, NULL};
    struct options o = {.thief = calloc(1, sizeof *o.thief)};
    if (o.thief == NULL || sodium_init() < 0)
        return EX_OSERR;
    o.thief->patience_ms = 10000;
    o.thief->talk.wire.fd = o.thief->other.wire.fd = -1;
    argp_err_exit_status = EX_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    int code;
    if (o.relay_port == 0)
        code = attempts_run(&o);
    else if (o.thief->recorded[0] == NULL || o.thief->recorded[1] == NULL)
        code = refuse("--relay needs --said and --heard");
    else
        code = relay_record(o.relay_port, &o.thief->node[0][PORT_SEAT], o.thief->recorded[0],
                            o.thief->recorded[1], o.thief->ready);
    key_roster_free(o.thief->roster);
    for (size_t i = 0; i < WHO_N; i++)
        key_file_wipe(&o.thief->key[i]);
    free(o.thief);
    return code;
}
