/* The key that a site's personal data are sealed with: brought to a node, made, kept anew (P3). */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "cluster.h"
#include "command.h"
#include "data_key_store.h"
#include "key_folder.h"
#include "report.h"

/* ---------------------------------------------------------------- unlock */

/* Nodes that need it, and the one that was named in any case: it says why it does not. */
static bool is_meant(const struct options *o, const struct cluster_node *node)
{
    if (o->argument != NULL)
        return strcmp(node->status->node, o->argument) == 0;
    return node->status->locked;
}

static enum exit_code unlock_one(const struct options *o, struct cluster_node *node,
                                 struct data_key_file *f)
{
    Admin__Unlock unlock = ADMIN__UNLOCK__INIT;
    Admin__Request request = ADMIN__REQUEST__INIT;

    unlock.data_key.data = f->key;
    unlock.data_key.len = sizeof f->key;
    request.kind_case = ADMIN__REQUEST__KIND_UNLOCK;
    request.unlock = &unlock;
    return cluster_act(node, &request, o->json);
}

/* Who does not answer may be locked: only where one node was named are the others nobody's concern.
 */
static enum exit_code unlock_all(const struct options *o, struct cluster *c,
                                 struct data_key_file *f)
{
    enum exit_code worst = EXIT_CODE_DONE;
    size_t done = 0;

    for (size_t i = 0; i < c->n; i++) {
        struct cluster_node *node = &c->nodes[i];
        if (node->status != NULL && is_meant(o, node)) {
            enum exit_code exit_code = unlock_one(o, node, f);
            worst = exit_code != EXIT_CODE_DONE ? exit_code : worst;
            done++;
        } else if (node->status == NULL && o->argument == NULL) {
            report_error("%s", node->why);
            worst = EXIT_CODE_UNAVAILABLE;
        }
    }
    if (done == 0 && o->argument != NULL) {
        report_error("no node %s answers; `examctl status` shows who does", o->argument);
        return EXIT_CODE_UNAVAILABLE;
    }
    if (done == 0 && worst == EXIT_CODE_DONE)
        fprintf(stderr, "no node is locked\n");
    return worst;
}

enum exit_code cmd_unlock(const struct options *o)
{
    struct data_key_file f;
    struct cluster cluster;
    enum exit_code exit_code;
    bool asked;

    if (o->keyring == NULL) {
        report_error("the data key goes through an encrypted connection only: give --key-file and "
                     "--key-roster");
        return EXIT_CODE_USAGE;
    }
    exam_err err = data_key_store_read(o->data_key, &o->password, &f, &asked);
    if (err != EXAM_OK)
        return exit_code_of_keys(err);
    err = cluster_survey(o, false, &cluster);
    if (err == EXAM_OK) {
        exit_code = unlock_all(o, &cluster, &f);
        cluster_close(&cluster);
    } else {
        report_error("%s", exam_err_text(err));
        exit_code = exit_code_of(err, 0);
    }
    data_key_file_wipe(&f);
    return exit_code;
}

/* ---------------------------------------------------------------- site data-key */

static void tell_made(const struct options *o, const struct key_folder *f)
{
    char id[2 * DATA_ID_BYTES + 1];

    sodium_bin2hex(id, sizeof id, key_roster_data_id(f->roster), DATA_ID_BYTES);
    if (o->json)
        printf("{\"done\": true, \"data_key\": \"%s\", \"version\": %llu}\n", id,
               (unsigned long long)key_roster_version(f->roster));
    else
        printf("%s/data-key: data key %s, roster %llu\n", o->keys, id,
               (unsigned long long)key_roster_version(f->roster));
    fprintf(stderr, "Now replace the key-roster file of each server, and restart the servers: what "
                    "comes from then on is sealed.\n");
}

static exam_err make_one(const struct options *o)
{
    struct key_folder f;
    exam_err err = key_folder_open(o->keys, true, &o->authority_password, &f);

    if (err != EXAM_OK)
        return err;
    err = data_key_store_make(&f, &o->password, o->no_password);
    if (err == EXAM_OK)
        err = key_folder_commit(&f);
    if (err == EXAM_OK)
        tell_made(o, &f);
    key_folder_close(&f);
    return err;
}

/* What --password-file has is the password that is needed first: a further one is a person's. */
static exam_err keep_anew(const struct options *o)
{
    const struct password_source person = {.file = NULL};
    char path[4096];
    struct data_key_file f;
    bool asked;

    if (snprintf(path, sizeof path, "%s/data-key", o->keys) >= (int)sizeof path)
        return EXAM_TOO_BIG;
    exam_err err = data_key_store_read(path, &o->password, &f, &asked);
    if (err != EXAM_OK)
        return err;
    err = data_key_store_write(o->output, asked ? &person : &o->password, o->no_password, &f);
    if (err == EXAM_OK)
        fprintf(stderr, "%s: %s\n", o->output,
                o->no_password ? "the data key, in the clear: whoever reads it reads everything"
                               : "the data key, under the new password");
    data_key_file_wipe(&f);
    return err;
}

enum exit_code cmd_site_data_key(const struct options *o)
{
    return exit_code_of_keys(o->output != NULL ? keep_anew(o) : make_one(o));
}
