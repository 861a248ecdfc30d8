/* sim_fuse.h - a crash at any step: a machine's effects on the world, counted, and none after the
 * fuse has blown.
 * Pure. The process inside does not know that it is dead: what it does until its turn ends comes to
 * nothing. */
#ifndef SIM_FUSE_H
#define SIM_FUSE_H

#include <stdbool.h>
#include <stdint.h>

struct sim_fuse {
    uint64_t effects_n; /* that happened, since the machine was switched on */
    uint64_t left;      /* effects before it blows, with set */
    bool set, blown;
};

/* UINT64_MAX: takes it out. */
static inline void sim_fuse_set(struct sim_fuse *f, uint64_t n)
{
    f->set = n != UINT64_MAX;
    f->left = n;
}

/* Before each effect: false, it does not happen. */
static inline bool sim_fuse_pass(struct sim_fuse *f)
{
    if (f->set && !f->left)
        f->blown = true;
    if (f->blown)
        return false;
    f->left -= f->set;
    f->effects_n++;
    return true;
}

/* True when it was the fuse that ended it, and nothing else. */
static inline bool sim_fuse_is_burnt(const struct sim_fuse *f)
{
    return f->blown && f->set && !f->left;
}

#endif
