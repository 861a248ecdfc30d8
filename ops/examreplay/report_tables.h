/* report_tables.h - the tables of `report`'s page. Nothing is put where there is nothing to tell.
 */
#ifndef EXAMREPLAY_REPORT_TABLES_H
#define EXAMREPLAY_REPORT_TABLES_H

#include "casebook.h"
#include "html.h"

void report_causes(const struct casebook *c, struct html *h);
void report_rooms(const struct casebook *c, struct html *h);
void report_incidents(const struct casebook *c, struct html *h);
/* Every act and all news, in the order of the log. */
void report_acts(const struct casebook *c, struct html *h);
/* Every candidate who was interrupted. */
void report_candidates(const struct casebook *c, struct html *h);

#endif
