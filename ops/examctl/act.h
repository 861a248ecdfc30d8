/* act.h - a contingency act: what it would do to whom is shown, a person confirms, then it is done
 * (R4). Shell: talks to the node that serves, and to the person. */
#ifndef EXAMCTL_ACT_H
#define EXAMCTL_ACT_H

#include "ask.h"
#include "cluster.h"
#include "options.h"

/* What an act's message is made of, as the texts that protobuf-c wants: not const. */
struct act {
    const struct options *o;
    struct cluster cluster;
    struct cluster_node *node; /* the one that serves */
    char subject[NAME_BYTES_MAX + 1];
    char second[NAME_BYTES_MAX + 1];
    char who[PERSON_BYTES_MAX + 1];
    char why[REASON_BYTES_MAX + 1];
};

/* Gets the reason, then finds the node that serves. On anything but EXIT_CODE_DONE nothing is
 * open. */
enum exit_code act_begin(struct act *a, const struct options *o, const struct ask *why);
void act_end(struct act *a);

/* The reason of most acts: --reason. */
struct ask act_reason(const struct options *o);

/* Asks with `*preview` set, shows what the node says it would do, asks the person, and does it.
 * With
 * --yes it is done at once: the node checks the same rules. `preview` is the request's own field.
 */
enum exit_code act_carry_out(struct act *a, Admin__Request *request, protobuf_c_boolean *preview,
                             const char *question);

/* For acts without a preview, whose subject has been shown: asks the person, and does it. */
enum exit_code act_confirmed(struct act *a, Admin__Request *request, const char *question);

#endif
