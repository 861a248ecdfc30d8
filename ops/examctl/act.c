#include "act.h"

#include <stdio.h>

#include "confirm.h"
#include "report.h"

struct ask act_reason(const struct options *o)
{
    return (struct ask){.given = o->reason, .option = "reason", .prompt = "Why? (goes on record)"};
}

enum exit_code act_begin(struct act *a, const struct options *o, const struct ask *why)
{
    enum exit_code exit_code = ask_text(why, a->why);

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    a->o = o;
    snprintf(a->subject, sizeof a->subject, "%s", o->argument);
    snprintf(a->second, sizeof a->second, "%s", o->second != NULL ? o->second : "");
    snprintf(a->who, sizeof a->who, "%s", o->who);
    return cluster_open_primary(o, &a->cluster, &a->node);
}

void act_end(struct act *a)
{
    cluster_close(&a->cluster);
}

static enum exit_code preview_show(struct act *a, Admin__Request *request)
{
    const Admin__Reply *reply;
    exam_err err = admin_client_ask(a->node->client, request, &reply);
    const char *name = admin_client_node(a->node->client);

    if (err != EXAM_OK)
        return cluster_report_lost(a->node, err, false);
    if (reply->kind_case == ADMIN__REPLY__KIND_REFUSED)
        return report_refusal(name, reply->refused, NULL);
    if (reply->kind_case != ADMIN__REPLY__KIND_DONE) {
        report_error("node %s sent a reply that does not fit the request", name);
        return EXIT_CODE_PROTOCOL;
    }
    fprintf(stderr, "%s\n", reply->done->text);
    return EXIT_CODE_DONE;
}

enum exit_code act_confirmed(struct act *a, Admin__Request *request, const char *question)
{
    enum exit_code exit_code = confirm_act(a->o, question);

    return exit_code == EXIT_CODE_DONE ? cluster_act(a->node, request, a->o->json) : exit_code;
}

enum exit_code act_carry_out(struct act *a, Admin__Request *request, protobuf_c_boolean *preview,
                             const char *question)
{
    if (!a->o->yes) {
        enum exit_code exit_code;

        *preview = true;
        exit_code = preview_show(a, request);
        *preview = false;
        if (exit_code != EXIT_CODE_DONE)
            return exit_code;
    }
    return act_confirmed(a, request, question);
}
