/* chart.h - a stretch of the site's timeline as a drawing: a lane a server, a lane a room, below a
 * room its seats, and each interruption as a bar. Pure but for the page that it is drawn on. */
#ifndef EXAMREPLAY_CHART_H
#define EXAMREPLAY_CHART_H

#include "casebook.h"
#include "html.h"

struct chart {
    const struct casebook *c;
    uint64_t from_ms, to_ms;
    bool seats;        /* with a row for each, if they fit on a page */
    const char *label; /* for those who cannot see it */
};

void chart_draw(const struct chart *chart, struct html *h);
/* The colours, told. */
void chart_legend(const struct casebook *c, struct html *h);

/* A class of the page's style (page_style.h). */
const char *chart_class_of(enum story_cause_kind kind);

/* The distance of the ticks: a round one, at most `ticks_max` of them in the stretch. */
uint64_t chart_tick_ms(uint64_t stretch_ms, unsigned ticks_max);

#endif
