/* What waits for a second person (P2): shown, confirmed, rejected. */
#include "command.h"
#include "second.h"

enum exit_code cmd_proposals(const struct options *o)
{
    return second_list(o);
}

enum exit_code cmd_confirm(const struct options *o)
{
    return second_say(o, false);
}

enum exit_code cmd_reject(const struct options *o)
{
    return second_say(o, true);
}
