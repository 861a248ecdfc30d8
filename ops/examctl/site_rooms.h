/* site_rooms.h - the rooms file of the commands that make keys. What is wrong goes to stderr. */
#ifndef EXAMCTL_SITE_ROOMS_H
#define EXAMCTL_SITE_ROOMS_H

#include "exit_code.h"
#include "roster_file.h"

/* On every exit code *rooms is to be freed. */
enum exit_code site_rooms_read(const char *path, struct room_list *rooms);

#endif
