/* page_command.h - proves a folder, reads its story, and writes a page about it. Shell. */
#ifndef EXAMREPLAY_PAGE_COMMAND_H
#define EXAMREPLAY_PAGE_COMMAND_H

#include "command.h"
#include "report_page.h"

typedef exam_err page_writer(const struct report_page *p, FILE *to);

/* `file` NULL: to stdout; otherwise it is there as a whole, or not at all. Says on stderr what is
 * wrong. */
enum exit_code page_command(const struct options *o, const struct filter *filter, const char *file,
                            page_writer *write);

#endif
