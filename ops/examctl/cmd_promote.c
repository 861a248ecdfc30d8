#include <inttypes.h>
#include <stdio.h>

#include "ask.h"
#include "cluster.h"
#include "command.h"
#include "confirm.h"
#include "duration.h"
#include "json_output.h"
#include "report.h"
#include "status_view.h"
#include "words.h"

/* What the node to be promoted lacks of what a peer is known to have: it would be a dead branch. */
static void lack_print(const Admin__NodeStatus *s, const Admin__PeerStatus *p)
{
    if (p->lsn > s->durable_lsn)
        fprintf(stderr, "  %s lacks %" PRIu64 " of these.\n", s->node, p->lsn - s->durable_lsn);
}

/* D7: what forcing gives up, or why it would be refused. */
static void forced_print(const Admin__NodeStatus *s)
{
    if (!s->learning)
        fprintf(stderr, "\n%s needs no forcing: it vouches for its log.\n", s->node);
    else
        fprintf(stderr, "\n%s%s.\n", s->forcible ? "" : "It cannot be forced: ", s->forced);
}

/* Whether a promotion can lose anything, as far as the node to be promoted knows. */
static void stake_print(const struct options *o, const Admin__NodeStatus *s)
{
    fprintf(stderr, "\n%s (%s) has records up to %" PRIu64 " of epoch %" PRIu64 ".\n", s->node,
            word_of_role(s->role), s->durable_lsn, s->epoch);
    for (size_t i = 0; i < s->n_peers; i++) {
        const Admin__PeerStatus *p = s->peers[i];
        char silent[DURATION_TEXT_BYTES];

        duration_format(p->silent_ms, silent);
        if (p->connected)
            fprintf(stderr, "%s (%s) is in contact with it, %s.\n", p->node, word_of_role(p->role),
                    p->in_sync    ? "in sync"
                    : p->learning ? "not in sync: new, or being copied anew (D7)"
                                  : "not in sync");
        else if (p->ever_heard)
            fprintf(stderr,
                    "%s (%s) has been out of contact for %s; when last heard it had records up to "
                    "%" PRIu64 ".\n",
                    p->node, word_of_role(p->role), silent, p->lsn);
        else
            fprintf(stderr, "%s has never been heard: what it holds is not known.\n", p->node);
        lack_print(s, p);
    }
    if (s->promotion[0])
        fprintf(stderr, "\n%s\n", s->promotion);
    if (o->forced)
        forced_print(s);
    else if (s->forcible)
        fprintf(
            stderr,
            "\nIf no server with the whole log can be brought back: `examctl promote %s --forced "
            "--preview` says\nwhat it would mean to go on without it (D7).\n",
            s->node);
}

static enum exit_code promote_send(const struct options *o, struct cluster_node *node,
                                   const char *why)
{
    Admin__Promote promote = ADMIN__PROMOTE__INIT;
    Admin__Request request = ADMIN__REQUEST__INIT;
    char who[PERSON_BYTES_MAX + 1];
    char text[REASON_BYTES_MAX + 1];

    snprintf(who, sizeof who, "%s", o->who);
    snprintf(text, sizeof text, "%s", why);
    promote.attest = o->attest;
    promote.forced = o->forced;
    promote.who = who;
    promote.why = text;
    request.kind_case = ADMIN__REQUEST__KIND_PROMOTE;
    request.promote = &promote;
    return cluster_act(node, &request, o->json);
}

/* What the person states by saying yes. */
static void question_of(const struct options *o, char *out, size_t bytes)
{
    if (o->forced)
        snprintf(out, bytes,
                 "The copy of %s is NOT WHOLE. You state that no server with a whole one can be "
                 "brought back, and that none is serving (D7, W2). Give up what only they had, and "
                 "force %s?",
                 o->argument, o->argument);
    else if (o->attest)
        snprintf(out, bytes,
                 "You state that the old primary is OFF and stays off until %s serves (W2). "
                 "Promote %s?",
                 o->argument, o->argument);
    else
        snprintf(out, bytes, "Promote %s?", o->argument);
}

/* Nobody forces a promotion without saying why (R4). */
static enum exit_code reason_of(const struct options *o, char why[REASON_BYTES_MAX + 1])
{
    const struct ask ask = {.given = o->reason,
                            .option = "reason",
                            .prompt = "Why can no whole copy be brought back? (goes on record)"};

    if (o->forced)
        return ask_text(&ask, why);
    snprintf(why, REASON_BYTES_MAX + 1, "%s", o->reason != NULL ? o->reason : "");
    return EXIT_CODE_DONE;
}

static enum exit_code promote_at(const struct options *o, struct cluster *c)
{
    struct cluster_node *node = cluster_find(c, o->argument);
    char question[512], why[REASON_BYTES_MAX + 1];
    enum exit_code exit_code;

    if (node == NULL) {
        for (size_t i = 0; i < c->n; i++)
            if (c->nodes[i].status == NULL)
                report_error("%s", c->nodes[i].why);
        report_error(
            "no node named %s answers at the addresses given; only a node that answers can "
            "be promoted",
            o->argument);
        return EXIT_CODE_UNAVAILABLE;
    }
    if (!o->yes || !o->json || o->preview) {
        (void)status_view_nodes(c, stderr);
        stake_print(o, node->status);
    }
    if (o->preview)
        return o->json ? json_output_print(json_of_node(node->address->text, node->status))
                       : EXIT_CODE_DONE;
    exit_code = reason_of(o, why);
    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    question_of(o, question, sizeof question);
    exit_code = confirm_act(o, question);
    return exit_code == EXIT_CODE_DONE ? promote_send(o, node, why) : exit_code;
}

enum exit_code cmd_promote(const struct options *o)
{
    struct cluster cluster;
    exam_err err;
    enum exit_code exit_code;

    if (o->forced && !o->attest && !o->preview) {
        report_error("--forced wants --attest: that no other server is serving");
        return EXIT_CODE_USAGE;
    }
    err = cluster_survey(o, false, &cluster);
    if (err != EXAM_OK) {
        report_error("%s", exam_err_text(err));
        return exit_code_of(err, 0);
    }
    exit_code = promote_at(o, &cluster);
    cluster_close(&cluster);
    return exit_code;
}
