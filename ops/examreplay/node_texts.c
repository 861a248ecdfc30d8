#include "node_texts.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "exam_limits.h"
#include "language.h"

/* As node/exam writes them: decide_incident.c, decide_site.c, incident.c. */
static const char *const whole[] = {
    N_("mains power is lost"),
    N_("a server serves again"),
    N_("all seats of the room were lost at once"),
};

const char *const node_words[] = {
    N_("mark"),
    N_("carried-mark"),
    N_("claim"),
    N_("pause"),
    N_("dark"),
    N_("power"),
    N_("network"),
    N_("server"),
    N_("software"),
    N_("other"),
    N_("site"),
    N_("batch"),
    N_("room"),
    N_("seat"),
    N_("sitting"),
    N_("finished"),
    N_("expected"),
    N_("lost"),
    N_("paused"),
    N_("answering"),
    N_("timed-out"),
    N_("submitted"),
    N_("closed"),
    N_("postponed"),
    N_("absent"),
    N_("founded"),
    N_("switchover"),
    N_("attested"),
    N_("restarted"),
    N_("unknown"),
    N_("planned"),
    N_("running"),
    N_("suspended"),
    N_("ended"),
    N_("collected"),
    N_("(sealed)"),
    N_("(cannot be opened)"),
    NULL,
};

/* decide_site.c */
static bool took_over(const char *text, char out[NODE_TEXT_BYTES])
{
    char node[NAME_BYTES_MAX + 1];
    uint64_t epoch;
    int end = 0;
    if (sscanf(text, "no server served until epoch %" SCNu64 " began on %32s%n", &epoch, node,
               &end) != 2 ||
        text[end] != '\0')
        return false;
    snprintf(out, NODE_TEXT_BYTES, _("no server served until epoch %" PRIu64 " began on %s"), epoch,
             node);
    return true;
}

/* decide_recover.c */
static bool an_answer(const char *text, char out[NODE_TEXT_BYTES])
{
    char candidate[NAME_BYTES_MAX + 1], item[NAME_BYTES_MAX + 1];
    int end = 0;
    if (sscanf(text, "answer of candidate %32s to item %32s%n", candidate, item, &end) != 2 ||
        text[end] != '\0')
        return false;
    snprintf(out, NODE_TEXT_BYTES, _("answer of candidate %s to item %s"), candidate, item);
    return true;
}

const char *node_text_shown(const char *text, char out[NODE_TEXT_BYTES])
{
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strcmp(whole[i], text) == 0)
            return _(whole[i]);
    return took_over(text, out) || an_answer(text, out) ? out : text;
}

const char *node_scope_shown(Ev__ScopeKind kind, const char *name)
{
    return kind == EV__SCOPE_KIND__SCOPE_KIND_SITE ? _(name) : name;
}
