/* config.h - the node's configuration file (libconfuse): every key is known, checked, or an error.
 * Shell. ops/examctl and the README describe the file for its users. */
#ifndef EXAM_CONFIG_H
#define EXAM_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"
#include "exam_limits.h"
#include "oplog.h"

enum { ADDRESS_BYTES_MAX = 256, PATH_BYTES_MAX = 1024, UPS_NAME_BYTES_MAX = 64 };

/* Acts that a site may want two persons for. */
enum config_two {
    CONFIG_TWO_IMPORT = 1 << 0,
    CONFIG_TWO_PROMOTE_FORCED = 1 << 1,
    CONFIG_TWO_GRANT = 1 << 2,
};

struct config_peer {
    char node[NAME_BYTES_MAX + 1];
    char replica[ADDRESS_BYTES_MAX];
};

struct config {
    char node[NAME_BYTES_MAX + 1];
    char data[PATH_BYTES_MAX];
    char seat_listen[ADDRESS_BYTES_MAX];    /* HOST:PORT */
    char admin_listen[ADDRESS_BYTES_MAX];   /* HOST:PORT */
    char replica_listen[ADDRESS_BYTES_MAX]; /* HOST:PORT; empty on a site with one server */
    struct config_peer peers[NODES_MAX - 1];
    size_t peers_n;
    uint64_t solo_after_ms;         /* A1: how long to wait for a lost standby */
    uint64_t reserve_bytes;         /* disk kept for control records */
    uint64_t interruption_limit_ms; /* an interruption that lasts so long asks a person; 0: none */
    uint64_t grant_ms_max;          /* of one grant (T9); 0: any */
    uint64_t grant_two_person_ms;   /* P2: of grants from here on, with CONFIG_TWO_GRANT */
    unsigned two_person;            /* P2: CONFIG_TWO_...: what takes a second person */
    uint32_t seats_max;             /* connections of seats at once */
    uint32_t seats_per_address_max; /* of one address; this machine's own are exempt */
    char ups[ADDRESS_BYTES_MAX];    /* NAME@HOST:PORT, for people; empty: none is configured */
    char ups_name[UPS_NAME_BYTES_MAX]; /* and its parts */
    char ups_host[ADDRESS_BYTES_MAX];
    uint16_t ups_port;
    uint32_t ups_poll_ms; /* how often the UPS's status is read */
    enum oplog_level log_level;
    /* Both, or neither: then connections are plain. */
    char key_file[PATH_BYTES_MAX];   /* this node's own key */
    char key_roster[PATH_BYTES_MAX]; /* the site's roster of keys */
    /* P3: a data key in the clear, for a start without a person: a path, or the name of a
     * credential of the service manager; empty: `examctl unlock` brings it. */
    char unlock_credential[PATH_BYTES_MAX];
    char web_listen[ADDRESS_BYTES_MAX]; /* HOST:PORT for monitors (web.h); empty: none. Then also */
    char web_key_file[PATH_BYTES_MAX];  /* the node's key and certificate for it, */
    char web_revoked[PATH_BYTES_MAX];   /* and the list of clients' that were revoked */
};

/* On failure `why` names the file, the line where there is one, and what to do.
 * Errors: EXAM_INVALID; EXAM_NOT_FOUND the file cannot be read. */
EXAM_MUST_USE exam_err config_read(const char *path, struct config *out, char *why,
                                   size_t why_bytes);

/* Splits "NAME@HOST[:PORT]", the way NUT names a UPS; without a port upsd's own, 3493.
 * EXAM_INVALID.
 */
EXAM_MUST_USE exam_err config_split_ups(const char *ups, char name[UPS_NAME_BYTES_MAX],
                                        char host[ADDRESS_BYTES_MAX], uint16_t *port);

/* Splits "HOST:PORT" or "[IPV6]:PORT". EXAM_INVALID. */
EXAM_MUST_USE exam_err config_split_address(const char *address, char host[ADDRESS_BYTES_MAX],
                                            uint16_t *port);

#endif
