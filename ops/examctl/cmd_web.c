/* The certificates of a site's web: nodes' HTTPS for monitors, and who may ask there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "command.h"
#include "key_folder.h"
#include "report.h"
#include "web_folder.h"

/* KIND and NAME. */
static enum exit_code owner_take(const struct options *o, enum certificate_use *use)
{
    if (strcmp(o->argument, "node") != 0 && strcmp(o->argument, "client") != 0) {
        report_error("'%s' has no certificates; write node or client", o->argument);
        return EXIT_CODE_USAGE;
    }
    *use = strcmp(o->argument, "node") == 0 ? CERTIFICATE_NODE : CERTIFICATE_CLIENT;
    if (o->address != NULL && *use != CERTIFICATE_NODE) {
        report_error("--address is a node's: a client is asked for none");
        return EXIT_CODE_USAGE;
    }
    if (!codec_name_ok(o->second)) {
        report_error("'%s' is no name", o->second);
        return EXIT_CODE_USAGE;
    }
    return EXIT_CODE_DONE;
}

/* `text` is cut into its parts. */
static enum exit_code addresses_take(char *text, struct certificate_order *order)
{
    char *rest = NULL;

    for (char *a = strtok_r(text, ",", &rest); a != NULL; a = strtok_r(NULL, ",", &rest)) {
        if (order->addresses_n == CERTIFICATE_ADDRESSES_MAX) {
            report_error("--address: at most %d addresses", CERTIFICATE_ADDRESSES_MAX);
            return EXIT_CODE_USAGE;
        }
        order->addresses[order->addresses_n++] = a;
    }
    return EXIT_CODE_DONE;
}

static exam_err issue(const struct options *o, struct certificate_order *order)
{
    struct key_folder keys;
    struct web_folder web;
    exam_err err = key_folder_open(o->keys, false, &o->authority_password, &keys);

    if (err != EXAM_OK)
        return err;
    err = web_folder_open(&keys, true, &web);
    key_folder_close(&keys);
    if (err != EXAM_OK)
        return err;
    err = web_folder_issue(&web, order);
    web_folder_close(&web);
    return err;
}

enum exit_code cmd_site_web_issue(const struct options *o)
{
    struct certificate_order order = {.name = o->second};
    enum exit_code exit_code = owner_take(o, &order.use);
    char *addresses = NULL;
    exam_err err;

    if (exit_code == EXIT_CODE_DONE && o->address != NULL) {
        addresses = strdup(o->address);
        exit_code = addresses == NULL ? EXIT_CODE_INTERNAL : addresses_take(addresses, &order);
    }
    if (exit_code != EXIT_CODE_DONE) {
        free(addresses);
        return exit_code;
    }
    err = issue(o, &order);
    free(addresses);
    if (err == EXAM_OK && o->json)
        printf("{\"done\": true}\n");
    else if (err == EXAM_OK)
        printf("%s/web/%ss/%s.pem: to be handed over, mode 0600; %s\n", o->keys, o->argument,
               o->second,
               order.use == CERTIFICATE_NODE ? "with web/revoked.crl (web-key-file, web-revoked)"
                                             : "it is certificate, key and authority in one");
    return exit_code_of_keys(err);
}

enum exit_code cmd_site_web_revoke(const struct options *o)
{
    enum certificate_use use;
    struct key_folder keys;
    struct web_folder web;
    enum exit_code exit_code = owner_take(o, &use);
    exam_err err;

    if (exit_code != EXIT_CODE_DONE)
        return exit_code;
    err = key_folder_open(o->keys, false, &o->authority_password, &keys);
    if (err != EXAM_OK)
        return exit_code_of_keys(err);
    err = web_folder_open(&keys, false, &web);
    key_folder_close(&keys);
    if (err == EXAM_OK) {
        err = web_folder_revoke(&web, use, o->second);
        web_folder_close(&web);
    }
    if (err == EXAM_OK && o->json)
        printf("{\"done\": true}\n");
    else if (err == EXAM_OK)
        printf(
            "%s/web/revoked.crl: now replace web-revoked of each server: it is used from the next "
            "connection on\n",
            o->keys);
    return exit_code_of_keys(err);
}
