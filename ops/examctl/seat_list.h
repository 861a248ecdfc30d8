/* seat_list.h - what the nodes say of every seat, put together: a seat is in contact with one node,
 * and each node knows only its own connections. Pure. */
#ifndef EXAMCTL_SEAT_LIST_H
#define EXAMCTL_SEAT_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admin.pb-c.h"
#include "exam_err.h"
#include "exam_limits.h"

struct seat_line {
    char seat[NAME_BYTES_MAX + 1];
    char node[NAME_BYTES_MAX + 1]; /* it is in contact with; "": with none that answered */
    char admission_no[NAME_BYTES_MAX + 1];
    char state[NAME_BYTES_MAX + 1];
    uint64_t unsent;
    bool unsent_known;
    uint64_t silent_ms; /* since it was last heard; with a node */
    size_t order;       /* in which it was added */
};

struct seat_list {
    struct seat_line *lines;
    size_t n, room;
    bool no_memory;
};

/* What needs somebody's attention (P6). */
struct seat_summary {
    size_t seats, connected;
    size_t holding;  /* with unsent answers, as they told */
    uint64_t unsent; /* of those */
    size_t unknown;  /* may hold some: have not told since they were last heard */
};

/* Whether the seat may hold answers that it has not told of. Not one at which nobody has signed in.
 */
bool seat_line_unknown(const struct seat_line *line);

/* Adds a node's rows, of the node that serves first. Sticky: out of memory shows in
 * seat_list_merge. */
void seat_list_add(struct seat_list *l, const Admin__SeatRows *rows);
/* One line a seat, in the order of their names: of a seat that several nodes told of, the one of
 * the node that it is in contact with, else the first that was added. EXAM_NOMEM. */
EXAM_MUST_USE exam_err seat_list_merge(struct seat_list *l);
struct seat_summary seat_list_summary(const struct seat_list *l);
void seat_list_free(struct seat_list *l);

#endif
