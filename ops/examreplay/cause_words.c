#include "cause_words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "duration.h"
#include "language.h"
#include "moment.h"
#include "node_texts.h"
#include "words.h"

const char *cause_title(enum story_cause_kind kind)
{
    static const char *const titles[] = {
        [STORY_CAUSE_SEAT] = N_("Seats out of contact"),
        [STORY_CAUSE_SERVER] = N_("No server served"),
        [STORY_CAUSE_PAUSE] = N_("Paused by a person"),
        [STORY_CAUSE_SUSPENDED] = N_("Suspended: no power left"),
        [STORY_CAUSE_REOPENED] = N_("Timed out, and opened again by a grant"),
    };
    return _(titles[kind]);
}

const char *cause_basis(Ev__Basis basis)
{
    static const char *const texts[] = {
        [EV__BASIS__BASIS_UNKNOWN] = N_("not known"),
        [EV__BASIS__BASIS_MARK] = N_("the server's own mark"),
        [EV__BASIS__BASIS_CARRIED] = N_("the mark that the seat carried"),
        [EV__BASIS__BASIS_CLAIM] = N_("the seat's own clock"),
        [EV__BASIS__BASIS_PAUSE] = N_("the pause"),
        [EV__BASIS__BASIS_DARK] = N_("no server served"),
    };
    return _(texts[(size_t)basis < sizeof texts / sizeof *texts ? basis : 0]);
}

void cause_clock(const struct story *s, uint64_t site_ms, bool dated, char out[SPAN_TEXT_BYTES])
{
    char wall[WALL_TEXT_BYTES];
    wall_format(story_wall_ms(s, site_ms), wall);
    snprintf(out, SPAN_TEXT_BYTES, "%s", dated || strlen(wall) < 12 ? wall : wall + 11);
}

void cause_spans(uint64_t least_ms, uint64_t most_ms, char out[SPAN_TEXT_BYTES])
{
    char least[DURATION_TEXT_BYTES], most[DURATION_TEXT_BYTES];
    duration_format(least_ms, least);
    duration_format(most_ms, most);
    if (least_ms == most_ms)
        snprintf(out, SPAN_TEXT_BYTES, "%s", least);
    else
        snprintf(out, SPAN_TEXT_BYTES, _("%s to %s"), least, most);
}

/* ---------------------------------------------------------------- servers */

struct telling {
    char *out;
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void say(struct telling *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->out + t->n, CAUSE_TEXT_BYTES - t->n, format, args);
    va_end(args);
    if (n > 0)
        t->n += (size_t)n < CAUSE_TEXT_BYTES - t->n ? (size_t)n : CAUSE_TEXT_BYTES - t->n - 1;
    codec_text_mend(t->out, CAUSE_TEXT_BYTES - 1);
}

static void say_taken_over(struct telling *t, const struct story_dark *d, const char *from,
                           const char *to)
{
    say(t,
        _("The log of server %s ends at %s. At %s server %s took its place (epoch %" PRIu64
          "), as %s had stated that %s is off"),
        d->before, from, to, d->after, d->epoch, d->who[0] ? d->who : _("a person"), d->before);
    if (d->why[0] != '\0')
        say(t, _(", with the reason: %s"), d->why);
    say(t, "%s", _("."));
}

static void say_restarted(struct telling *t, const struct story_dark *d, const char *from,
                          const char *to)
{
    if (strcmp(d->before, d->after) == 0)
        say(t,
            _("Server %s served until %s, and again from %s on (epoch %" PRIu64
              "), having been started anew."),
            d->after, from, to, d->epoch);
    else
        say(t, _("Server %s served until %s; server %s served from %s on (epoch %" PRIu64 ")."),
            d->before, from, d->after, to, d->epoch);
}

void cause_tell_dark(const struct story *s, const struct story_dark *d, char out[CAUSE_TEXT_BYTES])
{
    struct telling t = {.out = out};
    char from[SPAN_TEXT_BYTES], to[SPAN_TEXT_BYTES], span[DURATION_TEXT_BYTES];
    cause_clock(s, d->from_ms, false, from);
    cause_clock(s, d->to_ms, false, to);
    duration_format(d->to_ms - d->from_ms, span);
    out[0] = '\0';
    if (d->reason == EV__EPOCH_REASON__EPOCH_REASON_ATTESTED)
        say_taken_over(&t, d, from, to);
    else if (d->reason == EV__EPOCH_REASON__EPOCH_REASON_SWITCHOVER)
        say(&t, _("At %s server %s handed its service over to %s in order (epoch %" PRIu64 ")."),
            to, d->before, d->after, d->epoch);
    else
        say_restarted(&t, d, from, to);
    if (!d->known)
        say(&t, "%s",
            _(" No server's clock has measured how long nobody served: the seats' own "
              "clocks have."));
    else if (d->to_ms > d->from_ms)
        say(&t, _(" Nothing was recorded in between, for %s."), span);
}

/* ---------------------------------------------------------------- causes */

static void say_incident(struct telling *t, const struct casebook *c, uint32_t incident)
{
    struct exam_incident_view in;
    char shown[NODE_TEXT_BYTES];
    if (incident == 0 || incident > exam_incidents(c->x))
        return;
    exam_incident_view(c->x, incident, &in);
    say(t, _(" Incident %" PRIu32 " (%s): %s."), incident, _(word_of_incident_kind(in.kind)),
        node_text_shown(in.text, shown));
}

/* Acts are told in the timeline's words: "room R03 is PAUSED, by wang: a fire alarm". */
static void say_act(struct telling *t, const struct story *s, const struct story_act *a)
{
    char at[SPAN_TEXT_BYTES];
    cause_clock(s, a->site_ms, false, at);
    say(t, _("%s: %s (record %" PRIu64 ")."), at, a->text, a->lsn);
}

void cause_tell(const struct casebook *c, const struct story_cause *cause,
                char out[CAUSE_TEXT_BYTES])
{
    struct telling t = {.out = out};
    out[0] = '\0';
    if (cause->kind == STORY_CAUSE_SERVER) {
        cause_tell_dark(c->story, cause->dark, out);
        t.n = strlen(out);
    } else if (cause->kind == STORY_CAUSE_SEAT) {
        say(&t, "%s",
            _("A server served, and the seat could not be heard: its power, its network or the PC "
              "itself had failed."));
    } else if (cause->act) {
        say_act(&t, c->story, cause->act);
    }
    if (cause->end) {
        say(&t, " ");
        say_act(&t, c->story, cause->end);
    }
    say_incident(&t, c, cause->incident);
}
