#include "second.h"

#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "confirm.h"
#include "duration.h"
#include "json_output.h"
#include "person_keys.h"
#include "report.h"
#include "text_table.h"
#include "whole_number.h"

enum { WAITING_MAX = 64 };

struct waiting {
    struct cluster_node *at;
    uint32_t number;
    char who[NAME_BYTES_MAX + 1];
    char text[REASON_BYTES_MAX + 1];
    uint64_t age_ms, expires_ms;
    uint8_t digest[HASH_BYTES];
};

struct waiting_list {
    struct waiting at[WAITING_MAX];
    size_t n;
};

/* ---------------------------------------------------------------- asking */

static void waiting_add(struct waiting_list *l, struct cluster_node *node, const Admin__Proposal *p)
{
    struct waiting *w = &l->at[l->n];

    if (l->n == WAITING_MAX)
        return;
    *w = (struct waiting){
        .at = node, .number = p->proposal, .age_ms = p->age_ms, .expires_ms = p->expires_ms};
    snprintf(w->who, sizeof w->who, "%s", p->who);
    snprintf(w->text, sizeof w->text, "%s", p->text);
    crypto_generichash(w->digest, sizeof w->digest, p->request.data, p->request.len, NULL, 0);
    l->n++;
}

static enum exit_code waiting_ask(struct cluster_node *node, struct waiting_list *l)
{
    Admin__Proposals proposals = ADMIN__PROPOSALS__INIT;
    Admin__Request request = ADMIN__REQUEST__INIT;
    const Admin__Reply *reply;
    exam_err err;

    request.kind_case = ADMIN__REQUEST__KIND_PROPOSALS;
    request.proposals = &proposals;
    err = admin_client_ask(node->client, &request, &reply);
    while (err == EXAM_OK) {
        if (reply->kind_case == ADMIN__REPLY__KIND_REFUSED)
            return report_refusal(admin_client_node(node->client), reply->refused, NULL);
        if (reply->kind_case == ADMIN__REPLY__KIND_PROPOSAL)
            waiting_add(l, node, reply->proposal);
        if (!reply->more)
            return EXIT_CODE_DONE;
        err = admin_client_next(node->client, &reply);
    }
    return cluster_report_lost(node, err, false);
}

/* Of all nodes that answer; one that does not is told of. None: no node answers, or each refuses.
 */
static enum exit_code waiting_survey(const struct options *o, struct cluster *c,
                                     struct waiting_list *l)
{
    enum exit_code refused = EXIT_CODE_UNAVAILABLE;
    size_t answered = 0;
    exam_err err = cluster_survey(o, false, c);

    if (err != EXAM_OK) {
        report_error("%s", exam_err_text(err));
        return exit_code_of(err, 0);
    }
    for (size_t i = 0; i < c->n; i++) {
        enum exit_code exit_code = EXIT_CODE_UNAVAILABLE;

        if (c->nodes[i].err != EXAM_OK)
            report_error("warning: %s", c->nodes[i].why);
        else
            exit_code = waiting_ask(&c->nodes[i], l);
        answered += exit_code == EXIT_CODE_DONE;
        if (exit_code != EXIT_CODE_UNAVAILABLE)
            refused = exit_code;
    }
    return answered > 0 ? EXIT_CODE_DONE : refused;
}

/* ---------------------------------------------------------------- showing */

static enum exit_code list_json(const struct waiting_list *l)
{
    json_t *list = json_array();

    for (size_t i = 0; i < l->n; i++) {
        const struct waiting *w = &l->at[i];
        json_array_append_new(list, json_pack("{s:I, s:s, s:s, s:s, s:I, s:I}", "proposal",
                                              (json_int_t)w->number, "node",
                                              admin_client_node(w->at->client), "who", w->who,
                                              "text", w->text, "age_ms", (json_int_t)w->age_ms,
                                              "expires_ms", (json_int_t)w->expires_ms));
    }
    return json_output_print(json_pack("{s:o}", "proposals", list));
}

static enum exit_code list_text(const struct waiting_list *l)
{
    static const struct text_column columns[] = {
        {"NO", true}, {"NODE", false}, {"BY", false}, {"EXPIRES IN", true}, {"WHAT", false}};
    char expires[DURATION_TEXT_BYTES];
    struct text_table t;
    exam_err err;

    if (l->n == 0) {
        puts("nothing waits for a second person");
        return EXIT_CODE_DONE;
    }
    text_table_init(&t, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < l->n; i++) {
        const struct waiting *w = &l->at[i];
        duration_format(w->expires_ms / 1000 * 1000, expires);
        text_table_add(&t, "%" PRIu32, w->number);
        text_table_add(&t, "%s", admin_client_node(w->at->client));
        text_table_add(&t, "%s", w->who);
        text_table_add(&t, "%s", expires);
        text_table_add(&t, "%s", w->text);
    }
    err = text_table_print(&t, stdout);
    text_table_fini(&t);
    return exit_code_of(err, 0);
}

enum exit_code second_list(const struct options *o)
{
    struct waiting_list l = {.n = 0};
    struct cluster c;
    enum exit_code exit_code = waiting_survey(o, &c, &l);

    if (exit_code == EXIT_CODE_DONE)
        exit_code = o->json ? list_json(&l) : list_text(&l);
    cluster_close(&c);
    return exit_code;
}

/* ---------------------------------------------------------------- the second person's word */

static enum exit_code word_send(const struct options *o, const struct waiting *w, bool reject)
{
    Admin__Confirm confirm = ADMIN__CONFIRM__INIT;
    Admin__Request request = ADMIN__REQUEST__INIT;
    uint8_t digest[HASH_BYTES];
    char question[NAME_BYTES_MAX + PERSON_BYTES_MAX + 64];
    enum exit_code exit_code;

    fprintf(stderr, "%s proposes: %s\n", w->who, w->text);
    snprintf(question, sizeof question,
             reject ? "%s, is this not to be done?" : "%s, do you confirm?", o->who);
    exit_code = confirm_act(o, question);
    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    memcpy(digest, w->digest, sizeof digest);
    confirm.proposal = w->number;
    confirm.digest = (ProtobufCBinaryData){.data = digest, .len = sizeof digest};
    confirm.reject = reject;
    request.kind_case = ADMIN__REQUEST__KIND_CONFIRM;
    request.confirm = &confirm;
    return cluster_act(w->at, &request, o->json);
}

static enum exit_code waiting_find(const struct waiting_list *l, uint32_t number,
                                   const struct waiting **out)
{
    size_t found = 0;

    for (size_t i = 0; i < l->n; i++)
        if (l->at[i].number == number) {
            *out = &l->at[i];
            found++;
        }
    if (found == 1)
        return EXIT_CODE_DONE;
    report_error(found == 0
                     ? "no proposal %" PRIu32 " waits: it may have expired, been carried "
                       "out, or ended when its server restarted or served no more. If it is "
                       "still wanted, have it proposed again; `examctl proposals` shows what "
                       "waits"
                     : "proposal %" PRIu32 " waits on several nodes: name one with --nodes",
                 number);
    return EXIT_CODE_REFUSED;
}

enum exit_code second_say(const struct options *o, bool reject)
{
    struct waiting_list l = {.n = 0};
    const struct waiting *w = NULL;
    struct cluster c;
    uint32_t number;
    enum exit_code exit_code = whole_number_parse(o->argument, "proposal", &number);

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    exit_code = waiting_survey(o, &c, &l);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = waiting_find(&l, number, &w);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = word_send(o, w, reject);
    cluster_close(&c);
    return exit_code;
}

/* ---------------------------------------------------------------- both at one terminal */

/* The second person's own connection to the node that was asked. */
static enum exit_code second_connect(const struct options *second, const struct cluster_node *asked,
                                     struct cluster_node *out)
{
    exam_err err;

    *out = (struct cluster_node){.address = asked->address, .o = second};
    err = admin_client_new(second->timeout_ms, second->keyring, &out->client);
    if (err != EXAM_OK) {
        report_error("%s", exam_err_text(err));
        return exit_code_of(err, 0);
    }
    err = admin_client_open(out->client, out->address, second->who);
    return err == EXAM_OK ? EXIT_CODE_DONE : cluster_report_lost(out, err, false);
}

static enum exit_code second_here(const struct options *second, const struct cluster_node *asked,
                                  uint32_t number)
{
    struct waiting_list l = {.n = 0};
    const struct waiting *w = NULL;
    struct cluster_node node;
    enum exit_code exit_code = second_connect(second, asked, &node);

    if (exit_code == EXIT_CODE_DONE)
        exit_code = waiting_ask(&node, &l);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = waiting_find(&l, number, &w);
    if (exit_code == EXIT_CODE_DONE)
        exit_code = word_send(second, w, false);
    admin_client_free(node.client);
    return exit_code;
}

static enum exit_code second_with_key(const struct options *o, const struct cluster_node *asked,
                                      uint32_t number)
{
    struct options second = *o;
    enum exit_code exit_code;

    second.password = (struct password_source){.file = NULL}; /* not that of the first one's key */
    second.keyring = NULL;
    if (person_keys_open(o->second_key, o->key_roster, &second.password, &second.keyring) !=
        EXAM_OK) {
        report_error("proposal %" PRIu32 " waits: `examctl confirm %" PRIu32 "`", number, number);
        return EXIT_CODE_WAITS;
    }
    snprintf(second.who, sizeof second.who, "%s", keyring_own(second.keyring)->name);
    exit_code = second_here(&second, asked, number);
    keyring_free(second.keyring);
    return exit_code;
}

enum exit_code second_after(struct cluster_node *node, const Admin__Proposed *proposed)
{
    uint32_t number = proposed->proposal;
    const struct options *o = node->o;

    if (o->second_key != NULL && o->keyring != NULL)
        return second_with_key(o, node, number);
    if (o->json)
        (void)json_output_print(json_pack("{s:b, s:I, s:s, s:s, s:I}", "done", 0, "proposal",
                                          (json_int_t)number, "node",
                                          admin_client_node(node->client), "text", proposed->text,
                                          "expires_ms", (json_int_t)proposed->expires_ms));
    else
        printf("%s\n", proposed->text);
    return EXIT_CODE_WAITS;
}
