/* enrol_server.h - lets machines enrol at the administrator's (enrol.h): listens, and puts the keys
 * of those who know their code into the roster, one version each.
 * Shell, one thread, for as long as there is a code that may come to something. Whatever connects
 * is hostile: so many connections at once, so long each, and no more than a message at a time. */
#ifndef EXAMCTL_ENROL_SERVER_H
#define EXAMCTL_ENROL_SERVER_H

#include <stdint.h>

#include "enrol.h"
#include "key_folder.h"

struct enrol_server;

/* Listens. `folder` and `book` are the caller's, and live longer. EXAM_INVALID, EXAM_EXISTS the
 * port is in use, EXAM_SYSTEM, EXAM_NOMEM: told on stderr. */
EXAM_MUST_USE exam_err enrol_server_open(const char *listen, struct key_folder *folder,
                                         struct enrol_book *book, struct enrol_server **out);

/* Until every code is used, void or over its time, or SIGINT or SIGTERM comes. What happens is told
 * on stderr, a line each. */
void enrol_server_run(struct enrol_server *s);

void enrol_server_close(struct enrol_server *s);

/* Milliseconds of the clock that the book's times are of. */
uint64_t enrol_server_now_ms(void);

#endif
