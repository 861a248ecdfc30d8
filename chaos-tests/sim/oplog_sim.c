#include "sim_oplog.h"

#include <stddef.h>

static struct {
    sim_oplog_fn to;
    void *ctx;
} reader;

void sim_oplog_to(sim_oplog_fn to, void *ctx)
{
    reader.to = to;
    reader.ctx = ctx;
}

/* The world knows which node speaks: it is the one whose turn it is. */
void oplog_open(const char *node, enum oplog_level threshold)
{
    (void)node;
    (void)threshold;
}

void oplog_write(enum oplog_level level, const char *event, const struct oplog_field *fields)
{
    if (reader.to)
        reader.to(reader.ctx, level, event, fields);
}
