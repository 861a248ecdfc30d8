/* cmd_report.c - `examreplay report FOLDER -o FILE.html`: an incident, or whole batches, told. */
#include "page_command.h"

enum exit_code cmd_report(const struct options *o)
{
    return page_command(o, &o->filter, o->output, report_page_write);
}
