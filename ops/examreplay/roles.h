/* roles.h - who serves, and what the standbys are, as the log says (W1, A1). Pure. */
#ifndef EXAMREPLAY_ROLES_H
#define EXAMREPLAY_ROLES_H

#include "replay.h"

struct role_standby {
    char node[NAME_BYTES_MAX + 1];
    bool in_sync;
};

struct role_epoch {
    uint64_t epoch, lsn;
    int64_t wall_ms;
    uint64_t base_ms; /* site_ms at which it begins */
    uint32_t tag;     /* record_tag of its EpochBegan */
    uint8_t hash[HASH_BYTES];
    Ev__EpochReason reason;
    bool solo, dark_known;
    char node[NAME_BYTES_MAX + 1];
};

struct roles {
    struct role_epoch *epochs; /* in the order of the log */
    size_t epochs_n, epochs_max;
    struct role_standby standbys[NODES_MAX]; /* that the newest epoch has told of */
    size_t standbys_n;
    bool solo; /* how acknowledgements are given */
};

void roles_fini(struct roles *r);
void roles_note(struct roles *r, const struct replay_record *at);
/* NULL: none has begun. */
const struct role_epoch *roles_newest(const struct roles *r);
/* The epoch in which the record lies; NULL: before the first. */
const struct role_epoch *roles_at(const struct roles *r, uint64_t lsn);

#endif
