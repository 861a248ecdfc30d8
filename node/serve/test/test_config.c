/* The node's configuration file: what is wrong with it is said, with the place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"

static const char GOOD[] = "node = \"A\"\n"
                           "data = \"/tmp/a\"\n"
                           "seat-listen = \"127.0.0.1:7100\"\n"
                           "admin-listen = \"127.0.0.1:7101\"\n"
                           "replica-listen = \"127.0.0.1:7102\"\n"
                           "peer \"B\" { replica = \"127.0.0.1:7202\" }\n";

static char why[512];

static exam_err read_text(const char *text, struct config *out)
{
    char path[] = "/tmp/test-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    exam_err err = config_read(path, out, why, sizeof why);
    unlink(path);
    return err;
}

static void refused_with(const char *before, const char *extra, const char *message)
{
    char text[2048];
    struct config c;
    snprintf(text, sizeof text, "%s%s", before, extra);
    assert_int_equal(read_text(text, &c), EXAM_INVALID);
    if (!strstr(why, message))
        fail_msg("'%s' does not say '%s'", why, message);
}

/* A complete file is taken, and what it leaves out has its default. */
static void test_config__takes_a_good_file(void **state)
{
    struct config c;
    (void)state;
    assert_int_equal(read_text(GOOD, &c), EXAM_OK);
    assert_string_equal(c.node, "A");
    assert_string_equal(c.seat_listen, "127.0.0.1:7100");
    assert_int_equal(c.peers_n, 1);
    assert_string_equal(c.peers[0].node, "B");
    assert_string_equal(c.peers[0].replica, "127.0.0.1:7202");
    assert_int_equal(c.solo_after_ms, 2000);
}

/* Keys come in pairs; without them a node listens where only its own machine can reach it. */
static void test_config__wants_keys_on_a_network(void **state)
{
    static const char *const reachable[] = {"10.1.0.1:7100", "0.0.0.0:7100", "[::]:7100",
                                            "exam-a.example:7100"};
    static const char *const here[] = {"127.0.0.1:7100", "127.8.0.1:7100", "[::1]:7100",
                                       "localhost:7100"};
    static const char keys[] = "key-file = \"/etc/shunyan/A.key\"\nkey-roster = \"/r\"\n";
    char text[1024];
    struct config c;
    (void)state;
    refused_with(GOOD, "key-file = \"/etc/shunyan/A.key\"\n", "go together");
    refused_with(GOOD, "key-roster = \"/etc/shunyan/roster\"\n", "go together");
    for (size_t i = 0; i < 4; i++) {
        snprintf(text, sizeof text,
                 "node = \"A\"\ndata = \"/tmp/a\"\nadmin-listen = \"127.0.0.1:1\"\n"
                 "seat-listen = \"%s\"\n",
                 reachable[i]);
        refused_with(text, "", "examctl site init");
        strcat(text, "plain = true\n");
        assert_int_equal(read_text(text, &c), EXAM_OK);
        text[strlen(text) - strlen("plain = true\n")] = '\0';
        strcat(text, keys);
        assert_int_equal(read_text(text, &c), EXAM_OK);
        assert_string_equal(c.key_file, "/etc/shunyan/A.key");
        assert_string_equal(c.key_roster, "/r");
        snprintf(text, sizeof text,
                 "node = \"A\"\ndata = \"/tmp/a\"\nadmin-listen = \"127.0.0.1:1\"\n"
                 "seat-listen = \"%s\"\n",
                 here[i]);
        assert_int_equal(read_text(text, &c), EXAM_OK);
        assert_int_equal(c.key_file[0], 0);
    }
}

/* The web's three settings come together; it has keys of its own, so plain nodes may have one. */
static void test_config__web(void **state)
{
    static const char WEB[] = "web-key-file = \"/w/A.pem\"\nweb-revoked = \"/w/revoked.crl\"\n";
    char text[2048];
    struct config c;
    (void)state;
    assert_int_equal(read_text(GOOD, &c), EXAM_OK);
    assert_string_equal(c.web_listen, ""); /* off unless it is asked for */
    snprintf(text, sizeof text, "%s%sweb-listen = \"10.1.0.1:7104\"\n", GOOD, WEB);
    assert_int_equal(read_text(text, &c), EXAM_OK);
    assert_string_equal(c.web_listen, "10.1.0.1:7104");
    assert_string_equal(c.web_key_file, "/w/A.pem");
    assert_string_equal(c.web_revoked, "/w/revoked.crl");
    refused_with(GOOD, WEB, "go together");
    refused_with(GOOD, "web-listen = \"10.1.0.1:7104\"\n", "site web-issue node A");
    refused_with(GOOD, "web-listen = \"10.1.0.1\"\n", "is no HOST:PORT");
}

/* P3: what unlocks a node is no use to one without keys. */
static void test_config__unlock_credential(void **state)
{
    char text[1024];
    struct config c;
    (void)state;
    refused_with(GOOD, "unlock-credential = \"data-key\"\n", "has nothing to unlock");
    snprintf(text, sizeof text, "%skey-file = \"/k\"\nkey-roster = \"/r\"\n%s", GOOD,
             "unlock-credential = \"data-key\"\n");
    assert_int_equal(read_text(text, &c), EXAM_OK);
    assert_string_equal(c.unlock_credential, "data-key");
    assert_int_equal(read_text(GOOD, &c), EXAM_OK);
    assert_string_equal(c.unlock_credential, "");
}

/* A misspelt key is an error that names it and its line, never a silent default. */
static void test_config__refuses_an_unknown_key(void **state)
{
    (void)state;
    refused_with(GOOD, "solo-aftr-ms = 3000\n", "solo-aftr-ms");
    refused_with(GOOD, "solo-aftr-ms = 3000\n", ":7:");
}

/* Every value out of its range is named with what is allowed. */
static void test_config__refuses_bad_values(void **state)
{
    (void)state;
    refused_with(GOOD, "solo-after-ms = 1\n", "solo-after-ms = 1: must be");
    refused_with(GOOD, "reserve-mib = 0\n", "reserve-mib");
    refused_with(GOOD, "log-level = \"loud\"\n", "log-level");
    refused_with(GOOD, "peer \"A\" { replica = \"127.0.0.1:1\" }\n", "this node itself");
    refused_with(GOOD, "peer \"B\" { replica = \"127.0.0.1:1\" }\n", "duplicate");
    refused_with(GOOD, "peer \"C\" { replica = \"nowhere\" }\n", "HOST:PORT");
    refused_with(GOOD, "peer \"C\" { }\n", "replica is missing");
    refused_with(GOOD, "seat-listen = \"127.0.0.1:99999\"\n", "HOST:PORT");
    refused_with(GOOD, "ups = \"127.0.0.1:3493\"\n", "NAME@HOST:PORT");
    refused_with(GOOD, "ups = \"\"\n", "NAME@HOST:PORT");
    refused_with(GOOD, "interruption-limit-min = 1441\n", "interruption-limit-min");
    refused_with(GOOD, "grant-max-min = -1\n", "grant-max-min = -1: must be");
    refused_with(GOOD, "ups-poll-ms = 0\n", "ups-poll-ms = 0: must be");
    refused_with("data = \"/tmp/a\"\n", "", "node is missing");
    refused_with("node = \"A B\"\n", "", "without spaces");
    refused_with("node = \"A\"\nseat-listen = \"1.2.3.4:5\"\n", "", "data is missing");
    refused_with("node = ", "", ":");
}

/* A file that is not there is told apart from one that is wrong. */
static void test_config__names_a_missing_file(void **state)
{
    struct config c;
    (void)state;
    assert_int_equal(config_read("/nonexistent/node.conf", &c, why, sizeof why), EXAM_NOT_FOUND);
    assert_non_null(strstr(why, "/nonexistent/node.conf"));
}

/* Addresses are split at the last colon, IPv6 in brackets. */
static void test_config__splits_addresses(void **state)
{
    char host[ADDRESS_BYTES_MAX];
    uint16_t port;
    (void)state;
    assert_int_equal(config_split_address("[::1]:80", host, &port), EXAM_OK);
    assert_string_equal(host, "::1");
    assert_int_equal(port, 80);
    assert_int_equal(config_split_address("host:0", host, &port), EXAM_INVALID);
    assert_int_equal(config_split_address(":80", host, &port), EXAM_INVALID);
    assert_int_equal(config_split_address("host:80x", host, &port), EXAM_INVALID);
    assert_int_equal(config_split_address("host", host, &port), EXAM_INVALID);
}

/* A UPS is named as NUT names it; without a port it is upsd's own, without a UPS there is none. */
static void test_config__splits_the_ups(void **state)
{
    char name[UPS_NAME_BYTES_MAX], host[ADDRESS_BYTES_MAX], text[2048];
    static const char *const wrong[] = {"ups",    "@h:1", "ups@",    "ups@:1",
                                        "u ps@h", "\"@h", "ups@h:0", "ups@h:"};
    struct config c;
    uint16_t port;
    (void)state;
    assert_int_equal(config_split_ups("ups@127.0.0.1:1234", name, host, &port), EXAM_OK);
    assert_string_equal(name, "ups");
    assert_string_equal(host, "127.0.0.1");
    assert_int_equal(port, 1234);
    assert_int_equal(config_split_ups("apc-1@[::1]", name, host, &port), EXAM_OK);
    assert_string_equal(host, "::1");
    assert_int_equal(port, 3493);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (!config_split_ups(wrong[i], name, host, &port))
            fail_msg("'%s' was taken", wrong[i]);
    snprintf(text, sizeof text, "%sups = \"ups@localhost\"\n", GOOD);
    assert_int_equal(read_text(text, &c), EXAM_OK);
    assert_string_equal(c.ups, "ups@localhost");
    assert_int_equal(c.ups_port, 3493);
    assert_int_equal(c.ups_poll_ms, 1000);
    assert_int_equal(read_text(GOOD, &c), EXAM_OK);
    assert_string_equal(c.ups, "");
}

/* P2: what takes two persons is named, and needs keys: else anybody may be the second one. */
static void test_config__knows_what_takes_two_persons(void **state)
{
    static const char keys[] = "key-file = \"/k\"\nkey-roster = \"/r\"\n";
    char text[2048];
    struct config c;
    (void)state;
    assert_int_equal(read_text(GOOD, &c), EXAM_OK);
    assert_int_equal(c.two_person, 0);
    snprintf(text, sizeof text,
             "%s%stwo-person = {\"grant\", \"import\"}\ngrant-two-person-min = 5\n", GOOD, keys);
    assert_int_equal(read_text(text, &c), EXAM_OK);
    assert_int_equal(c.two_person, CONFIG_TWO_GRANT | CONFIG_TWO_IMPORT);
    assert_int_equal(c.grant_two_person_ms, 300000);
    snprintf(text, sizeof text, "%s%stwo-person = {\"promote-forced\"}\n", GOOD, keys);
    assert_int_equal(read_text(text, &c), EXAM_OK);
    assert_int_equal(c.two_person, CONFIG_TWO_PROMOTE_FORCED);
    assert_int_equal(c.grant_two_person_ms, 600000);
    refused_with(GOOD, "two-person = {\"import\"}\n", "two-person needs key-file");
    snprintf(text, sizeof text, "%s%s", GOOD, keys);
    refused_with(text, "two-person = {\"clear\"}\n", "\"clear\" is none of");
    refused_with(text, "grant-two-person-min = -1\n", "grant-two-person-min");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config__takes_a_good_file),
        cmocka_unit_test(test_config__wants_keys_on_a_network),
        cmocka_unit_test(test_config__web),
        cmocka_unit_test(test_config__unlock_credential),
        cmocka_unit_test(test_config__refuses_an_unknown_key),
        cmocka_unit_test(test_config__refuses_bad_values),
        cmocka_unit_test(test_config__names_a_missing_file),
        cmocka_unit_test(test_config__splits_addresses),
        cmocka_unit_test(test_config__splits_the_ups),
        cmocka_unit_test(test_config__knows_what_takes_two_persons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
