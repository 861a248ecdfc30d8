#include "roles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit_code.h"
#include "language.h"
#include "report.h"

void roles_fini(struct roles *r)
{
    free(r->epochs);
}

static struct role_epoch *epoch_add(struct roles *r)
{
    if (r->epochs_n == r->epochs_max) {
        size_t max = r->epochs_max ? 2 * r->epochs_max : 16;
        struct role_epoch *more = realloc(r->epochs, max * sizeof *more);
        if (!more) {
            report_error(_("out of memory"));
            exit(EXIT_CODE_INTERNAL);
        }
        r->epochs = more;
        r->epochs_max = max;
    }
    return &r->epochs[r->epochs_n++];
}

static void note_epoch(struct roles *r, const struct replay_record *at)
{
    const Ev__EpochBegan *e = at->event->epoch_began;
    struct role_epoch *epoch = epoch_add(r);
    *epoch = (struct role_epoch){.epoch = e->epoch,
                                 .lsn = at->r->lsn,
                                 .wall_ms = at->r->wall_ms,
                                 .base_ms = at->site_ms,
                                 .tag = record_tag(at->r->hash),
                                 .reason = e->reason,
                                 .solo = e->solo,
                                 .dark_known = e->dark_known};
    memcpy(epoch->hash, at->r->hash, HASH_BYTES);
    snprintf(epoch->node, sizeof epoch->node, "%s", e->node);
    r->standbys_n = 0;
    r->solo = e->solo;
}

static void note_standby(struct roles *r, const Ev__StandbyChanged *e)
{
    size_t i = 0;
    while (i < r->standbys_n && strcmp(r->standbys[i].node, e->node) != 0)
        i++;
    r->solo = e->solo;
    if (i == NODES_MAX)
        return;
    r->standbys_n += i == r->standbys_n;
    snprintf(r->standbys[i].node, sizeof r->standbys[i].node, "%s", e->node);
    r->standbys[i].in_sync = e->in_sync;
}

void roles_note(struct roles *r, const struct replay_record *at)
{
    if (at->event->kind_case == EV__EVENT__KIND_EPOCH_BEGAN)
        note_epoch(r, at);
    else if (at->event->kind_case == EV__EVENT__KIND_STANDBY_CHANGED)
        note_standby(r, at->event->standby_changed);
}

const struct role_epoch *roles_newest(const struct roles *r)
{
    return r->epochs_n > 0 ? &r->epochs[r->epochs_n - 1] : NULL;
}

const struct role_epoch *roles_at(const struct roles *r, uint64_t lsn)
{
    for (size_t i = r->epochs_n; i > 0; i--)
        if (r->epochs[i - 1].lsn <= lsn)
            return &r->epochs[i - 1];
    return NULL;
}
