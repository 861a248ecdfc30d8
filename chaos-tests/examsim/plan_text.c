#include <stdio.h>
#include <stdlib.h>

#include "sim_seat.h"
#include "stage.h"
#include "store_mem.h"
#include "world.h"

/* How each act is told: who, what (# is the act's b, @ its x, ! the word that x is), and whom. */
enum form {
    FORM_CANDIDATE,      /* candidate */
    FORM_CANDIDATE_ITEM, /* candidate, item */
    FORM_CANDIDATE_SEAT, /* candidate, seat */
    FORM_SCOPE,          /* scope, x */
    FORM_NODE,           /* node, b, x */
    FORM_SEAT,           /* seat, b, x */
    FORM_PATH,           /* place, place, x */
    FORM_PLAIN,
};

static const struct {
    enum form form;
    const char *text;
} tellings[ACT_KINDS] = {
    [ACT_SIGN_IN] = {FORM_CANDIDATE, "signs in"},
    [ACT_ANSWER] = {FORM_CANDIDATE_ITEM, "answers"},
    [ACT_SUBMIT] = {FORM_CANDIDATE, "submits"},
    [ACT_START] = {FORM_PLAIN, "the batch is to start"},
    [ACT_PAUSE] = {FORM_SCOPE, "is to be paused"},
    [ACT_RESUME] = {FORM_SCOPE, "is to be resumed"},
    [ACT_GRANT] = {FORM_SCOPE, "is to get @ ms more"},
    [ACT_MOVE] = {FORM_CANDIDATE_SEAT, "is to move to"},
    [ACT_VIOLATION] = {FORM_CANDIDATE, "is seen cheating"},
    [ACT_INCIDENT] = {FORM_SCOPE, "has an incident of kind #"},
    [ACT_POSTPONE] = {FORM_PLAIN, "the batch is to be postponed"},
    [ACT_COLLECT] = {FORM_PLAIN, "the batch is to be collected"},
    [ACT_PROMOTE] = {FORM_NODE, "is to be promoted!"},
    [ACT_HOSTILE] = {FORM_PLAIN, "a seat that lies speaks: word #, @"},
    [ACT_TEND] = {FORM_PLAIN, "an administrator looks after the site"},
    [ACT_NODE_ON] = {FORM_NODE, "is switched on"},
    [ACT_NODE_OFF] = {FORM_NODE, "is killed"},
    [ACT_NODE_UNPLUG] = {FORM_NODE, "loses its power"},
    [ACT_NODE_STOP] = {FORM_NODE, "is stopped in order"},
    [ACT_NODE_FREEZE] = {FORM_NODE, "freezes"},
    [ACT_NODE_THAW] = {FORM_NODE, "thaws"},
    [ACT_NODE_FUSE] = {FORM_NODE, "will crash after # effects (an open commit is kept: @)"},
    [ACT_NODE_WIPE] = {FORM_NODE, "gets an empty disk"},
    [ACT_COMMIT_FAILS] = {FORM_NODE, "will meet fault @ in commit # from now"},
    [ACT_DISK_FILLS] = {FORM_NODE, "has # bytes left on its disk"},
    [ACT_DISK_HAS_ROOM] = {FORM_NODE, "has room on its disk again"},
    [ACT_ROT] = {FORM_NODE, "has a rotten byte, # records before its last"},
    [ACT_DATE] = {FORM_NODE, "has its date set by @ ms"},
    [ACT_MAINS_LOST] = {FORM_NODE, "loses its mains"},
    [ACT_MAINS_BACK] = {FORM_NODE, "has its mains back"},
    [ACT_BATTERY_LOW] = {FORM_NODE, "has a low battery"},
    [ACT_SEAT_ON] = {FORM_SEAT, "is switched on"},
    [ACT_SEAT_OFF] = {FORM_SEAT, "is switched off"},
    [ACT_SEAT_UNPLUG] = {FORM_SEAT, "loses its power (tail of its journal: @)"},
    [ACT_SEAT_FREEZE] = {FORM_SEAT, "freezes"},
    [ACT_SEAT_THAW] = {FORM_SEAT, "thaws"},
    [ACT_SEAT_FUSE] = {FORM_SEAT, "will crash after # effects"},
    [ACT_SEAT_WIPE] = {FORM_SEAT, "loses its disk"},
    [ACT_JOURNAL_FAILS] = {FORM_SEAT, "will meet fault @ in write # from now"},
    [ACT_CUT] = {FORM_PATH, "is cut"},
    [ACT_HEAL] = {FORM_PATH, "is whole again"},
    [ACT_MUTE] = {FORM_PATH, "is silent that way (0: no more): @"},
    [ACT_WEATHER] = {FORM_PATH, "has weather @"},
};

static void who_text(const struct plan *p, const struct act *a, char *out, size_t bytes)
{
    switch (tellings[a->kind].form) {
    case FORM_CANDIDATE:
    case FORM_CANDIDATE_ITEM:
    case FORM_CANDIDATE_SEAT:
        snprintf(out, bytes, "candidate %s ", stage_candidate_name(a->a));
        return;
    case FORM_SCOPE:
        snprintf(out, bytes, "%s ", stage_scope_name(&p->site, a->a));
        return;
    case FORM_NODE:
        snprintf(out, bytes, "node %s ", stage_node_name(a->a));
        return;
    case FORM_SEAT:
        snprintf(out, bytes, "seat %s ", stage_seat_name(a->a));
        return;
    case FORM_PATH:
        snprintf(out, bytes, "path %s to %s ", stage_place_name(a->a), stage_place_name(a->b));
        return;
    default:
        out[0] = '\0';
        return;
    }
}

static const char *const words[] = {[PLAN_WORD_NONE] = "",
                                    [PLAN_WORD_ATTEST] = ", attested",
                                    [PLAN_WORD_FORCE] = ", attested, and forced if it must be"};

static void put_text(FILE *f, const char *text, const struct act *a)
{
    for (; *text; text++) {
        if (*text == '#')
            fprintf(f, "%u", a->b);
        else if (*text == '@')
            fprintf(f, "%lld", (long long)a->x);
        else if (*text == '!')
            fputs(words[a->x], f);
        else
            fputc(*text, f);
    }
}

void plan_act_text(const struct plan *p, const struct act *a, char *out, size_t out_bytes)
{
    char who[64];
    FILE *f = fmemopen(out, out_bytes, "w");
    if (!f)
        abort();
    who_text(p, a, who, sizeof who);
    fputs(who, f);
    put_text(f, tellings[a->kind].text, a);
    if (tellings[a->kind].form == FORM_CANDIDATE_ITEM)
        fprintf(f, " %s", stage_item_name(a->b));
    else if (tellings[a->kind].form == FORM_CANDIDATE_SEAT)
        fprintf(f, " %s", stage_seat_name(a->b));
    fclose(f);
}
