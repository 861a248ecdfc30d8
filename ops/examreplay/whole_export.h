/* whole_export.h - writes a whole export (export_form.h): everything that a data folder holds, to
 * be read in its place (export_store.h). Shell over a store. It is as confidential as the folder
 * is. */
#ifndef EXAMREPLAY_WHOLE_EXPORT_H
#define EXAMREPLAY_WHOLE_EXPORT_H

#include <stdio.h>

#include "event_json.h"
#include "log_reader.h"

/* `r` stands before the first record. Exports what is proven only, as log_reader_show; `shown`: as
 * of json_of_record, which has no part in the records' own bytes. What is wrong is said on stderr.
 */
enum exit_code whole_export_write(struct log_reader *r, const struct event_shown *shown, FILE *to);

#endif
