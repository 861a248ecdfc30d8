#include "command.h"

#include <string.h>

#define SCOPE_HELP "SCOPE is site, a room (R01), a seat (R01-05) or a batch (B1).\n"

#define PASSWORD_HELP                                                                              \
    "  --password-file FILE  its first line is the password (for scripts; also\n"                  \
    "                        EXAMCTL_PASSWORD_FILE); without it a person is asked\n"               \
    "  --no-password         under none: whoever has the file is that person\n"

#define SECOND_HELP                                                                                \
    "Where the site wants two persons for this (P2), it waits for the other one, who says\n"       \
    "`examctl confirm`, or is here and has their key: --second KEYFILE.\n"

#define KEYS_OPTIONS (OPTION_KEYS | OPTION_AUTHORITY_PASSWORD)
#define KEYS_HELP                                                                                  \
    "  --keys DIR  the folder that `examctl site init` has made\n"                                 \
    "  --authority-password-file FILE  its first line is the password of the authority's key\n"    \
    "                        (for scripts; also EXAMCTL_AUTHORITY_PASSWORD_FILE); without it a\n"  \
    "                        person is asked\n"

/* What a batch is made of, imported or put into a package. */
#define BATCH_FILES (OPTION_BATCH | OPTION_ROOMS | OPTION_ROSTER | OPTION_PAPER)
#define BATCH_OPTIONS                                                                              \
    (BATCH_FILES | OPTION_TITLE | OPTION_ALLOT | OPTION_TIMING | OPTION_GRACE | OPTION_ENTRY)
#define BATCH_SYNOPSIS                                                                             \
    "--batch ID --rooms FILE --roster FILE --paper FILE [--paper FILE ...]\n"                      \
    "          [--title TEXT] [--allot SPAN] [--timing common|personal] [--grace SPAN]\n"          \
    "          [--entry 'YYYY-MM-DD HH:MM']"

const struct command commands[] = {
    {
        .group = "site",
        .name = "init",
        .options = KEYS_OPTIONS | OPTION_ROOMS | OPTION_NODE | OPTION_PERSON | OPTION_SITE |
                   OPTION_NO_PASSWORD | OPTION_NO_DATA_KEY | OPTION_NO_SEAT_KEYS,
        .required = OPTION_KEYS | OPTION_ROOMS | OPTION_NODE | OPTION_PERSON,
        .offline = true,
        .run = cmd_site_init,
        .synopsis = "--keys DIR --rooms FILE --node NAME[,NAME...] --person NAME[,NAME...]\n"
                    "          [--site ID] [--no-password] [--no-data-key] [--no-seat-keys]",
        .summary = "make the keys of a site: servers, seats, people",
        .help =
            "Once for a site, on a machine that is neither a server nor a seat. Makes DIR with\n"
            "  authority.key         signs the roster; under a password; stays in DIR, in a safe\n"
            "  roster                who belongs to the site; for every server, seat and person\n"
            "  nodes/A.key           for the server of that name, and so on\n"
            "  seats/R01/R01-01.key  a seat's; spares have theirs, too\n"
            "  people/wang.key       an administrator's: what they do is on record under that "
            "name,\n"
            "                        and signed; under a password that they choose\n"
            "  data-key              opens answers, names and papers: the administrator's, who\n"
            "                        brings it to the servers (`examctl unlock`); under a "
            "password\n"
            "Hand each key to its owner, readable by nobody else (mode 0600), and delete it here.\n"
            "\n"
            "  --rooms FILE  room,seats, as for `examctl import`\n"
            "  --authority-password-file FILE  its first line is the authority's password (for\n"
            "                        scripts; also EXAMCTL_AUTHORITY_PASSWORD_FILE)\n" PASSWORD_HELP
            "  --no-data-key         nothing is sealed: who reads a server's disk reads it all\n"
            "  --no-seat-keys        seats make their own: `examctl site enrol`\n"
            "  --site ID     of a site that was founded without keys: 32 digits, in `examctl "
            "status`\n"
            "\n"
            "  examctl site init --keys keys --rooms rooms.csv --node A,B --person wang,li\n",
    },
    {
        .group = "site",
        .name = "revoke",
        .argument = "KIND",
        .second = "NAME",
        .options = KEYS_OPTIONS,
        .required = OPTION_KEYS,
        .offline = true,
        .run = cmd_site_revoke,
        .synopsis = "--keys DIR",
        .summary = "revoke the key of a server, a seat or a person",
        .help = "KIND is node, seat or person. Signs the next roster; a server that is given it "
                "closes the\n"
                "connections of that key within a second, and lets it in no more.\n" KEYS_HELP "\n"
                "  examctl site revoke seat R03-17 --keys keys\n",
    },
    {
        .group = "site",
        .name = "issue",
        .argument = "KIND",
        .second = "NAME",
        .options = KEYS_OPTIONS | OPTION_ROLE | OPTION_ROOMS | OPTION_NO_PASSWORD,
        .required = OPTION_KEYS,
        .offline = true,
        .run = cmd_site_issue,
        .synopsis = "--keys DIR [--role ROLE] [--rooms ROOM[,ROOM...]] [--no-password]",
        .summary = "make one more key: a new name, or one that was revoked",
        .help =
            "KIND is node, seat or person. Signs the next roster, with the new key in "
            "it.\n"
            "Servers get that roster before anybody else: one newer than theirs is "
            "refused.\n" KEYS_HELP
            "  --role ROLE  of a person: administrator (default), invigilator (of --rooms),\n"
            "               reviewer (reads only) or office (the exam office)\n" PASSWORD_HELP "\n"
            "  examctl site issue seat R03-17 --keys keys\n"
            "  examctl site issue person zhou --role invigilator --rooms R01,R02 --keys keys\n",
    },
    {
        .group = "site",
        .name = "enrol",
        .argument = "ROOM",
        .options = KEYS_OPTIONS | OPTION_ROOMS | OPTION_LISTEN | OPTION_MINUTES,
        .required = OPTION_KEYS | OPTION_ROOMS,
        .offline = true,
        .run = cmd_site_enrol,
        .synopsis = "--keys DIR --rooms FILE [--listen HOST:PORT] [--minutes N]",
        .summary = "let the seats of a room make their own keys, each by a code",
        .help =
            "ROOM is a room of FILE, or one seat (R01-05). Shows a code for each seat that has no\n"
            "key, and waits until all have enrolled or their time is over. At the seat:\n"
            "  examseat-enrol THIS-MACHINE CODE FOLDER\n"
            "makes its key there; no secret leaves the PC. A code is good for one seat, once;\n"
            "after five wrong tries it is void. Each seat is in a new roster at once, which the\n"
            "servers are to be given before it can connect.\n" KEYS_HELP
            "  --rooms FILE        room,seats, as for `examctl import`\n"
            "  --listen HOST:PORT  where (default 0.0.0.0:7103)\n"
            "  --minutes N         how long the codes are good (default 30)\n"
            "\n"
            "  examctl site enrol R01 --keys keys --rooms rooms.csv\n",
    },
    {
        .group = "site",
        .name = "passwd",
        .options = OPTION_NO_PASSWORD | OPTION_NEW_PASSWORD,
        .offline = true,
        .run = cmd_site_passwd,
        .synopsis = "[--new-password-file FILE] [--no-password]",
        .summary = "change the password of one's own key, or of the authority's",
        .help = "Asks for the password that it has, and twice for the new one. The key stays the "
                "same.\n"
                "  --key-file FILE           the key (or EXAMCTL_KEY_FILE)\n"
                "  --password-file FILE      its first line is the present password\n"
                "  --new-password-file FILE  and the new one\n"
                "  --no-password             under none any more\n"
                "\n"
                "  examctl site passwd --key-file wang.key\n"
                "  examctl site passwd --key-file keys/authority.key\n",
    },
    {
        .group = "site",
        .name = "web-issue",
        .argument = "KIND",
        .second = "NAME",
        .options = KEYS_OPTIONS | OPTION_ADDRESS,
        .required = OPTION_KEYS,
        .offline = true,
        .run = cmd_site_web_issue,
        .synopsis = "--keys DIR [--address HOST[,HOST...]]",
        .summary = "make a certificate for a server's HTTPS, or for a monitor that asks there",
        .help =
            "KIND is node or client. The servers tell monitors how they are over HTTPS\n"
            "(web-listen in examnode(8)), and let in who has a client's certificate. Makes\n"
            "  DIR/web/nodes/A.pem             for the server of that name (web-key-file)\n"
            "  DIR/web/clients/prometheus.pem  for a monitor: key, certificate, authority\n"
            "  DIR/web/revoked.crl             for every server (web-revoked)\n"
            "  DIR/web/authority.pem           whom a monitor is to believe\n"
            "and, the first time, the web's authority. A certificate is good for five "
            "years.\n" KEYS_HELP
            "  --address HOST,...  of a node: the IP addresses and names by which it is asked\n"
            "\n"
            "  examctl site web-issue node A --address 10.1.0.1 --keys keys\n"
            "  examctl site web-issue client prometheus --keys keys\n"
            "  curl --cert prometheus.pem --cacert authority.pem https://10.1.0.1:7104/health\n",
    },
    {
        .group = "site",
        .name = "web-revoke",
        .argument = "KIND",
        .second = "NAME",
        .options = KEYS_OPTIONS,
        .required = OPTION_KEYS,
        .offline = true,
        .run = cmd_site_web_revoke,
        .synopsis = "--keys DIR",
        .summary = "take a certificate of the web back",
        .help =
            "KIND is node or client. Signs the next DIR/web/revoked.crl; a server that is given\n"
            "it lets that certificate in no more. Then a new one can be issued.\n" KEYS_HELP "\n"
            "  examctl site web-revoke client prometheus --keys keys\n",
    },
    {
        .group = "site",
        .name = "show",
        .options = KEYS_OPTIONS,
        .required = OPTION_KEYS,
        .offline = true,
        .run = cmd_site_show,
        .synopsis = "--keys DIR",
        .summary = "show who belongs to the site, and what was revoked",
        .help = KEYS_HELP "\n"
                          "  examctl site show --keys keys\n",
    },
    {
        .group = "site",
        .name = "data-key",
        .options = KEYS_OPTIONS | OPTION_NO_PASSWORD | OPTION_OUTPUT,
        .required = OPTION_KEYS,
        .offline = true,
        .run = cmd_site_data_key,
        .synopsis = "--keys DIR [--no-password] [-o FILE]",
        .summary = "make the data key of a site that has none, or keep it under another password",
        .help =
            "Answers, names and papers are sealed with the data key before they are written\n"
            "anywhere; of an ID number only a keyed hash is kept. Whoever loses it, and its\n"
            "password, loses the results: keep DIR/data-key twice, apart from the servers.\n"
            "`examctl site init` makes one. Without -o this makes one for a site that has\n"
            "none, and signs the next roster, which names it. A site's data key never changes:\n"
            "for another one make another site, which begins with empty data folders.\n" KEYS_HELP
            "  -o, --output FILE  write the key that there is to FILE, under a new password\n"
            "  --no-password      in the clear: for unlock-credential, where servers are to\n"
            "                     start without a person\n"
            "\n"
            "  examctl site data-key --keys keys -o server/data-key --no-password\n",
    },
    {
        .name = "unlock",
        .argument = "[NODE]",
        .options = OPTION_DATA_KEY,
        .required = OPTION_DATA_KEY,
        .run = cmd_unlock,
        .synopsis = "--data-key FILE",
        .summary = "bring the site's data key to the servers (P3)",
        .help =
            "After each start of a server, unless unlock-credential gives it the key: asks for\n"
            "the password, opens FILE, and sends the key to NODE, or to every node that is\n"
            "locked. A locked node follows as a standby, and cannot serve. The key stays in\n"
            "the server's memory, and is written nowhere.\n"
            "\n"
            "  --data-key FILE  that `examctl site init` has made (keys/data-key)\n"
            "\n"
            "  examctl unlock --data-key data-key\n",
    },
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
        .options = BATCH_OPTIONS | OPTION_SECOND,
        .required = BATCH_FILES,
        .instead = OPTION_PACKAGE,
        .options_instead = OPTION_PACKAGE | OPTION_PACKAGE_PASSWORD | OPTION_BATCH | OPTION_SECOND,
        .run = cmd_import,
        .synopsis = BATCH_SYNOPSIS " [--second KEYFILE]\n"
                                   "       examctl [option...] import --package FILE [--batch ID] "
                                   "[--package-password-file "
                                   "FILE]\n"
                                   "          [--second KEYFILE]",
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
            "  --entry WHEN   planned entry, by this machine's calendar: `batch status` warns "
            "when\n"
            "                 the batch before it is going to last until then (P11)\n"
            "  --package FILE  all of that from a sealed package of the exam office (P2): asks for "
            "its\n"
            "                 password; only if the roster says that the office's key has signed "
            "it, "
            "for\n"
            "                 this site. Nothing of it is written in the clear\n"
            "  --package-password-file FILE  its first line is that password (for scripts)\n"
            "\n" SECOND_HELP "\n"
            "  examctl import --batch B1 --rooms rooms.csv --roster roster.csv --paper elec-3.json "
            "\\\n"
            "      --title 'Electricians, level 3' --allot 60:00\n"
            "  examctl import --package B1.package --second li.key\n",
    },
    {
        .group = "package",
        .name = "make",
        .options = BATCH_OPTIONS | OPTION_OUTPUT | OPTION_PACKAGE_PASSWORD,
        .required = BATCH_FILES | OPTION_OUTPUT,
        .offline = true,
        .own_key = true,
        .run = cmd_package_make,
        .synopsis = "-o FILE " BATCH_SYNOPSIS " [--package-password-file FILE]",
        .summary = "seal a batch for its site: one file, under a password, signed (P2)",
        .help = "At the exam office, with its key (--key-file; role office) and the site's roster\n"
                "(--key-roster). Checks the files as `import` does, and puts all that it is told "
                "into one\n"
                "file, encrypted under a password that goes to the site by another way than the "
                "file.\n"
                "\n"
                "  -o, --output FILE             the package\n"
                "  --package-password-file FILE  its first line is the password (for scripts)\n"
                "  the others                    as of `examctl import`\n"
                "\n"
                "  examctl package make --key-file wu.key --key-roster roster -o B1.package "
                "--batch B1 \\\n"
                "      --rooms rooms.csv --roster roster.csv --paper elec-3.json\n",
    },
    {
        .group = "package",
        .name = "inspect",
        .argument = "FILE",
        .paths = true,
        .options = OPTION_ROSTER | OPTION_AUTHORITY | OPTION_OPEN | OPTION_PACKAGE_PASSWORD,
        .offline = true,
        .run = cmd_package_inspect,
        .synopsis = "[--roster FILE] [--authority KEY] [--open] [--package-password-file FILE]",
        .summary = "say what a sealed package is, whose, and whether it is whole (P2)",
        .help = "Without the password: site, batch, who made it and when, and whether that "
                "signature is good.\n"
                "With it, how much there is of what; no item and no name is shown in any case.\n"
                "\n"
                "  --roster FILE     the site's roster of keys; default: the one of --key-roster\n"
                "  --authority KEY   who must have signed it: the public key, or any key file of "
                "the\n"
                "                    site; default: the one of --key-file\n"
                "  --open            asks for the password, and opens it\n"
                "  --package-password-file FILE  its first line is the password; opens it\n"
                "\n"
                "Exit status: 0 whole, and the exam office's as far as a roster is there to ask; "
                "65 not\n"
                "\n"
                "  examctl package inspect B1.package --roster roster --authority wang.key\n",
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
        .group = "batch",
        .name = "postpone",
        .argument = "ID",
        .options = OPTION_REASON | OPTION_OUTPUT | OPTION_NEW_BATCH,
        .run = cmd_batch_postpone,
        .synopsis = "[--reason TEXT] [-o FILE] [--new-batch ID]",
        .summary = "postpone a batch: its clocks stop for good (R1, T13)",
        .help =
            "Whoever has not finished is to sit again on another day; the answers stay sealed and\n"
            "can be exported. Cannot be taken back: shows whom it concerns and asks first.\n"
            "\n"
            "  --reason TEXT   for the record; asked for if it is left out\n"
            "  -o FILE         write the candidates to be notified, as CSV\n"
            "  --new-batch ID  prepare a batch for them: writes ID-roster.csv, for `examctl "
            "import`\n"
            "\n"
            "  examctl batch postpone B1 --reason 'the UPS was exhausted' -o notify.csv "
            "--new-batch B1b\n",
    },
    {
        .group = "batch",
        .name = "postponed",
        .argument = "ID",
        .options = OPTION_OUTPUT | OPTION_NEW_BATCH,
        .run = cmd_batch_postponed,
        .synopsis = "[-o FILE] [--new-batch ID]",
        .summary = "list the candidates of a postponed batch who are to be notified",
        .help = "The lists of `batch postpone`, once more: as CSV on standard output, or to FILE.\n"
                "\n"
                "  --new-batch ID  write ID-roster.csv, too, for `examctl import`\n"
                "\n"
                "  examctl batch postponed B1 -o notify.csv --new-batch B1b\n",
    },
    {
        .group = "batch",
        .name = "go-on",
        .argument = "ID",
        .options = OPTION_REASON,
        .run = cmd_batch_go_on,
        .synopsis = "[--reason TEXT]",
        .summary = "let a suspended batch go on (W4)",
        .help = "A batch is suspended when the last server with power went down. It goes on from "
                "here, with\n"
                "all lost time credited, or it is postponed (R1): a person decides.\n"
                "\n"
                "  examctl batch go-on B1 --reason 'mains are back, the office agrees'\n"
                "  examctl batch postpone B1\n",
    },
    {
        .name = "pause",
        .argument = "SCOPE",
        .options = OPTION_REASON,
        .run = cmd_pause,
        .synopsis = "[--reason TEXT]",
        .summary = "stop the clocks of the site, a room, a seat or a batch (T8)",
        .help = SCOPE_HELP "Pauses nest: a clock runs again when the last one over it is lifted.\n"
                           "Seats out of contact are paused, too: no time after it is charged.\n"
                           "\n"
                           "  examctl pause R01 --reason 'water in the room'\n"
                           "  examctl pause site --yes --reason 'fire alarm'\n",
    },
    {
        .name = "resume",
        .argument = "SCOPE",
        .options = OPTION_REASON,
        .run = cmd_resume,
        .synopsis = "[--reason TEXT]",
        .summary = "lift a pause (T8)",
        .help = SCOPE_HELP "Lifts the pause of this very scope. A seat in contact goes on at once, "
                           "another when it\n"
                           "attaches.\n"
                           "\n"
                           "  examctl resume R01 --reason 'the room is dry'\n",
    },
    {
        .name = "grant",
        .argument = "SCOPE",
        .second = "[-]SPAN",
        .options = OPTION_REASON | OPTION_SECOND,
        .run = cmd_grant,
        .synopsis = "[--reason TEXT] [--second KEYFILE]",
        .summary = "give time to a candidate, a room or a batch (T9)",
        .help = "SCOPE is an admission number, a room (R01) or a batch (B1); SPAN is [h:]mm:ss. "
                "A sitting\n"
                "that has timed out and is not collected opens again. A mistaken grant is taken "
                "back by one\n"
                "with a minus; nobody's time falls below 0 by it.\n" SECOND_HELP "\n"
                "  examctl grant 2026010017 5:00 --reason 'screen flickered, desk 17'\n"
                "  examctl grant R01 -2:00 --reason 'granted to the wrong room'\n",
    },
    {
        .name = "proposals",
        .run = cmd_proposals,
        .synopsis = "",
        .summary = "show what waits for a second person (P2)",
        .help = "What a site wants two persons for (two-person in a server's configuration) is\n"
                "proposed by the first, and done when a second one, with another key, confirms it\n"
                "within 15 minutes.\n"
                "\n"
                "  examctl proposals\n",
    },
    {
        .name = "confirm",
        .argument = "NO",
        .run = cmd_confirm,
        .synopsis = "",
        .summary = "confirm, as the second person, what another one has proposed (P2)",
        .help = "Shows what it would do, and asks. Both names go on record, and both signatures.\n"
                "\n"
                "  examctl confirm 4711 --key-file li.key\n",
    },
    {
        .name = "reject",
        .argument = "NO",
        .run = cmd_reject,
        .synopsis = "",
        .summary = "take a proposal away: one's own, or another person's",
        .help = "  examctl reject 4711\n",
    },
    {
        .name = "move",
        .argument = "ADMISSION_NO",
        .second = "SEAT",
        .options = OPTION_REASON,
        .run = cmd_move,
        .synopsis = "[--reason TEXT]",
        .summary = "move a candidate to another seat (T11)",
        .help =
            "The sitting goes on there from its last mark once the candidate has signed in; the "
            "old\n"
            "seat is shut out. What it still holds is taken in when it reappears.\n"
            "\n"
            "  examctl move 2026010017 R01-45 --reason 'the PC does not boot'\n",
    },
    {
        .name = "violation",
        .argument = "ADMISSION_NO",
        .options = OPTION_TEXT,
        .run = cmd_violation,
        .synopsis = "[--text TEXT]",
        .summary = "record a violation (R3); no clock is touched",
        .help =
            "What was seen, by whom, and where the evidence is. The candidate goes on.\n"
            "\n"
            "  examctl violation 2026010017 --text 'notes under the desk, photo 4 of Wang Fang'\n",
    },
    {
        .group = "incident",
        .name = "list",
        .options = OPTION_OPEN,
        .run = cmd_incident_list,
        .synopsis = "[--open]",
        .summary = "list the incidents, and the time lost by each",
        .help = "  --open  only those that are not closed\n"
                "\n"
                "  examctl incident list --open\n",
    },
    {
        .group = "incident",
        .name = "open",
        .argument = "KIND",
        .second = "SCOPE",
        .options = OPTION_TEXT,
        .run = cmd_incident_open,
        .synopsis = "[--text TEXT]",
        .summary = "open an incident: interruptions from now on belong to it",
        .help =
            "KIND is power, network, server, software or other; SCOPE is site, a batch, a room, "
            "a seat\n"
            "or an admission number. It stops no clock: `examctl pause` does.\n"
            "\n"
            "  examctl incident open network R01 --text 'switch of room 1 is dark'\n",
    },
    {
        .group = "incident",
        .name = "note",
        .argument = "NO",
        .options = OPTION_TEXT,
        .run = cmd_incident_note,
        .synopsis = "[--text TEXT]",
        .summary = "add a note to an incident",
        .help = "  examctl incident note 3 --text 'the electrician is on his way'\n",
    },
    {
        .group = "incident",
        .name = "close",
        .argument = "NO",
        .options = OPTION_TEXT,
        .run = cmd_incident_close,
        .synopsis = "[--text TEXT]",
        .summary = "close an incident, with how it ended",
        .help = "  examctl incident close 3 --text 'switch replaced'\n",
    },
    {
        .group = "sitting",
        .name = "show",
        .argument = "ADMISSION_NO",
        .run = cmd_sitting_show,
        .synopsis = "",
        .summary = "show a candidate's time account, interruptions and answers' times (T14)",
        .help = "What was answered stays sealed: only when.\n"
                "\n"
                "  examctl sitting show 2026010017\n",
    },
    {
        .group = "sitting",
        .name = "decide",
        .argument = "ADMISSION_NO",
        .options = OPTION_TEXT,
        .run = cmd_sitting_decide,
        .synopsis = "[--text TEXT]",
        .summary = "record the decision on an interruption that has reached the limit (R4)",
        .help = "Acts that follow from it (grant, move, postpone) are commands of their own.\n"
                "\n"
                "  examctl sitting decide 2026010017 --text 'goes on, agreed with the office'\n",
    },
    {
        .group = "sitting",
        .name = "own-doing",
        .argument = "ADMISSION_NO",
        .second = "NO",
        .options = OPTION_REASON,
        .run = cmd_sitting_own_doing,
        .synopsis = "[--reason TEXT]",
        .summary = "mark an interruption as the candidate's own doing",
        .help =
            "NO is the interruption's number in `examctl sitting show`. The time stays credited.\n"
            "\n"
            "  examctl sitting own-doing 2026010017 2 --reason 'pulled the plug himself'\n",
    },
    {
        .name = "seats",
        .options = OPTION_ROOM,
        .run = cmd_seats,
        .synopsis = "[--room ROOM]",
        .summary = "show each seat's contact, its node and its unsent answers (P6)",
        .help = "Nobody leaves while a seat holds, or may hold, answers that no server has.\n"
                "\n"
                "  examctl seats --room R01\n"
                "  examctl seats --json | jq '.seats[] | select(.connected | not)'\n",
    },
    {
        .name = "promote",
        .argument = "NODE",
        .options = OPTION_ATTEST | OPTION_FORCED | OPTION_REASON | OPTION_PREVIEW | OPTION_SECOND,
        .run = cmd_promote,
        .synopsis = "[--preview] [--attest [--forced]] [--reason TEXT] [--second KEYFILE]",
        .summary = "make a standby the primary (W2)",
        .help =
            "With both nodes in contact and in sync it is a switchover: nothing is lost. With the "
            "primary\n"
            "out of contact it needs your word (--attest) that the primary is off: look at it, or\n"
            "pull its plug. Shows what is at stake and asks for confirmation.\n"
            "\n"
            "  --preview      show what is at stake, and promote nobody\n"
            "  --attest       I state that the old primary is off\n"
            "  --forced       I state that no server with the whole log can be brought\n"
            "                 back: go on with what this one has (D7). The last resort:\n"
            "                 what was acknowledged or decided after the end of its log\n"
            "                 comes back only from the seats' journals. Wants --attest\n"
            "                 and a reason; refused where it is not needed, or where a\n"
            "                 better copy is in contact\n"
            "  --reason TEXT  for the record\n"
            "\n"
            "  examctl promote B\n"
            "  examctl promote B --attest --reason 'server A lost power'\n"
            "  examctl promote B --forced --preview\n",
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
    {
        .name = "receipt",
        .argument = "SITTING",
        .options = OPTION_OUTPUT,
        .run = cmd_receipt,
        .synopsis = "[-o FILE]",
        .summary = "a candidate's signed receipt for the answers, to be printed",
        .help =
            "SITTING is the admission number of a candidate who has submitted, or is collected. "
            "The server\n"
            "signs how many answers it has, their digest, and where they are in the log; seats "
            "get the\n"
            "same by themselves. `examctl verify --receipt` holds it against a log later.\n"
            "\n"
            "  examctl receipt 20260517\n"
            "  examctl receipt 20260517 -o 20260517.txt\n",
    },
    {
        .name = "verify",
        .argument = "FOLDER",
        .second = "[FOLDER2]",
        .paths = true,
        .options = OPTION_ROSTER | OPTION_AUTHORITY | OPTION_RECEIPT,
        .offline = true,
        .run = cmd_verify_folder,
        .synopsis = "[--roster FILE] [--authority KEY] [--receipt RECEIPT ...] [--json]",
        .summary = "prove that a server's data folder is what was written",
        .help =
            "FOLDER is the data folder of a server that is stopped, or a copy of one; nothing in "
            "it "
            "is\n"
            "written. Says what is wrong, and at which record: changed, taken out, put in, "
            "swapped, "
            "cut off;\n"
            "a log that was made anew as a whole is found by what this server and the others had "
            "signed of\n"
            "it. With FOLDER2, the other server's: where the two part, and both are held against "
            "what both\n"
            "have signed. It is what `examreplay verify` does.\n"
            "\n"
            "  --roster FILE     the site's roster of keys; default: the one of --key-roster\n"
            "  --authority KEY   who must have signed it: the 64 digits that `examctl site show` "
            "tells, or\n"
            "                    any key file of the site; default: the one of --key-file\n"
            "  --receipt RECEIPT a candidate's receipt, as a file, or as typed off a printed one:\n"
            "                    CANDIDATE:RECORD:CHECK; as many as there are\n"
            "\n"
            "Exit status: 0 proven; 1 something is wrong; 65, 75, 76: no folder that can be read\n"
            "\n"
            "  examctl verify /media/a/examnode /media/b/examnode\n"
            "  examctl verify A --receipt 20260517.txt --receipt 20260518:81234:7K3M-Q2ZP-9XWD\n",
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

bool command_group_names(const char *group, char *out, size_t out_bytes)
{
    const char *last = NULL;
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < commands_n; i++) {
        if (commands[i].group == NULL || strcmp(commands[i].group, group) != 0)
            continue;
        if (last != NULL && used < out_bytes)
            used +=
                (size_t)snprintf(out + used, out_bytes - used, "%s%s", used > 0 ? ", " : "", last);
        last = commands[i].name;
    }
    if (last != NULL && used < out_bytes)
        snprintf(out + used, out_bytes - used, "%s%s", used > 0 ? " or " : "", last);
    return last != NULL;
}

enum { NAME_TEXT_BYTES = 80 };

/* "batch start ID" */
static const char *name_format(const struct command *c, char out[NAME_TEXT_BYTES])
{
    const char *const words[] = {c->group, c->name, c->argument, c->second};
    size_t used = 0;

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i] != NULL && used < NAME_TEXT_BYTES)
            used += (size_t)snprintf(out + used, NAME_TEXT_BYTES - used, "%s%s",
                                     used > 0 ? " " : "", words[i]);
    return out;
}

void command_print_help(const struct command *c, FILE *to)
{
    char name[NAME_TEXT_BYTES];

    fprintf(to, "Usage: examctl [option...] %s %s\n\nTo %s.\n\n%s\n", name_format(c, name),
            c->synopsis, c->summary, c->help);
    fputs("Options of every command: `examctl --help`\n", to);
}

void command_print_overview(FILE *to)
{
    fputs("Usage: examctl [option...] COMMAND ...\n"
          "Runs an exam site: examctl talks to the site's nodes at their admin addresses.\n"
          "\n"
          "Commands:\n",
          to);
    for (size_t i = 0; i < commands_n; i++) {
        char name[NAME_TEXT_BYTES];

        fprintf(to, "  %-34s%s\n", name_format(&commands[i], name), commands[i].summary);
    }
    fputs("\n"
          "Options of every command:\n"
          "  --nodes HOST:PORT[,HOST:PORT...]  admin addresses (default: $EXAMCTL_NODES); with a "
          "key\n"
          "                 NAME@HOST:PORT, as each server has a name in the roster\n"
          "  --key-file FILE    your own key (default: $EXAMCTL_KEY_FILE)\n"
          "  --key-roster FILE  the site's roster of keys (default: $EXAMCTL_KEY_ROSTER)\n"
          "  --password-file FILE  its first line is your key's password (default:\n"
          "                 $EXAMCTL_PASSWORD_FILE; without it you are asked)\n"
          "  --who NAME     on record for every act (default: the key's name; without a key\n"
          "                 $EXAMCTL_WHO, or the account's name)\n"
          "  --timeout S    seconds to wait for a reply (default 10)\n"
          "  --json         JSON on stdout, for scripts\n"
          "  --yes          do not ask for confirmation\n"
          "  -h, --help     this, or behind a command its help with examples\n"
          "  -V, --version\n"
          "\n"
          "A day:\n"
          "  export EXAMCTL_NODES=A@10.0.0.1:7101,B@10.0.0.2:7101\n"
          "  export EXAMCTL_KEY_FILE=wang.key EXAMCTL_KEY_ROSTER=roster\n"
          "  examctl status\n"
          "  examctl import --batch B1 --rooms rooms.csv --roster roster.csv --paper paper.json\n"
          "  examctl batch start B1\n"
          "  examctl batch status B1 --watch\n"
          "  examctl promote B --attest        # server A is dead, and is off\n"
          "  examctl pause R01                 # R4: a person decides\n"
          "  examctl grant 2026010017 5:00\n"
          "  examctl seats                     # nobody leaves with unsent answers\n"
          "  examctl batch collect B1\n"
          "  examctl results B1 --answers -o answers.csv\n"
          "\n"
          "Exit codes: 0 done; 1 refused by a rule; 2 usage; 65 bad input file; 69 no node answers "
          "or\n"
          "none serves; 70 internal; 75 timed out, try again; 76 another version of the "
          "conversation\n",
          to);
}
