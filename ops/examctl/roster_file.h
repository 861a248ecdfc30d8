/* roster_file.h - the rooms of a site and the candidates of a batch, read from CSV files.
 * Pure: text in, tables out. Everything that can be known without a node is checked here, line by
 * line, so that a person mends the files before anything is sent.
 *   rooms.csv:  room,seats
 *   roster.csv: admission_no,id_no,name,seat,paper[,extra_minutes] */
#ifndef EXAMCTL_ROSTER_FILE_H
#define EXAMCTL_ROSTER_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"
#include "exam_limits.h"
#include "problems.h"

enum { ROSTER_EXTRA_MINUTES_MAX = 600, ROSTER_FILE_BYTES_MAX = 64 * 1024 * 1024 };

struct room {
    char name[NAME_BYTES_MAX + 1];
    uint32_t seats; /* named <room>-01 ... */
    unsigned line;
};

struct room_list {
    struct room *rooms;
    size_t n;
};

struct candidate {
    char admission_no[NAME_BYTES_MAX + 1];
    char id_no[NAME_BYTES_MAX + 1];
    char name[PERSON_BYTES_MAX + 1];
    char seat[NAME_BYTES_MAX + 1];
    char paper[NAME_BYTES_MAX + 1];
    uint32_t extra_minutes;
    unsigned line;
};

struct roster {
    struct candidate *candidates;
    size_t n;
};

struct source_text {
    const char *file; /* its name, for messages */
    const char *text;
    size_t bytes;
};

/* Reads all sound rows; whatever is wrong is noted in `p`, and then the list is not to be used.
 * EXAM_NOMEM is the only error returned. */
EXAM_MUST_USE exam_err room_list_read(const struct source_text *source, struct problems *p,
                                      struct room_list *out);
void room_list_free(struct room_list *l);

/* The same for candidates, with their seats looked up in `rooms`. A candidate, an ID number or a
 * seat that comes twice is noted with both lines. */
EXAM_MUST_USE exam_err roster_read(const struct source_text *source, const struct room_list *rooms,
                                   struct problems *p, struct roster *out);
void roster_free(struct roster *r);

/* Notes every candidate whose paper is none of the n given ones. */
void roster_check_papers(const struct roster *r, const char *file, const char *const papers[],
                         size_t n, struct problems *p);

#endif
