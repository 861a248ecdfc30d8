/* The node's web over real sockets: who is let in, what is answered, and what strangers can do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "certificate.h"
#include "web.h"

enum {
    DAY_S = 86400,
    REPLY_BYTES_MAX = 65536,
    WAIT_MS = 20000, /* for what is to happen; a test that waits so long has failed */
    STEP_MS = 10,
};

struct fixture {
    char folder[64], key_file[96], revoked[96];
    char why[CERTIFICATE_WHY_BYTES];
    struct certificate_authority *authority;
    struct web *web;
    struct metrics metrics;
    char reply[REPLY_BYTES_MAX];
};

/* ---------------------------------------------------------------- a site with a web */

static void file_write(const char *path, const char *text, mode_t mode)
{
    char other[128];
    snprintf(other, sizeof other, "%s.new", path);
    FILE *f = fopen(other, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(other, mode), 0);
    assert_int_equal(rename(other, path), 0);
}

static void revoked_write(struct fixture *f)
{
    struct certificate_text t;
    assert_int_equal(certificate_revoked_text(f->authority, &t), EXAM_OK);
    file_write(f->revoked, t.bytes, 0644);
    certificate_text_free(&t);
}

/* A bundle of an authority, good from..until in seconds from now; `known`: the certificate alone.
 */
static struct certificate_text bundle_of(struct fixture *f, struct certificate_authority *a,
                                         enum certificate_use use, long from_s, long until_s,
                                         struct certificate_text *known)
{
    struct certificate_text bundle, certificate;
    const struct certificate_order order = {.use = use,
                                            .name = use == CERTIFICATE_NODE ? "A" : "monitor",
                                            .addresses = {"127.0.0.1"},
                                            .addresses_n = 1,
                                            .from = time(NULL) + from_s,
                                            .until = time(NULL) + until_s};
    assert_int_equal(certificate_issue(a, &order, &bundle, &certificate, f->why), EXAM_OK);
    if (known)
        *known = certificate;
    else
        certificate_text_free(&certificate);
    return bundle;
}

static void web_start(struct fixture *f, const struct web_options *more)
{
    struct web_options o = more ? *more : (struct web_options){.host = NULL};
    char why[512] = "";
    o.host = "127.0.0.1";
    o.key_file = f->key_file;
    o.revoked = f->revoked;
    if (web_open(&o, &f->web, why, sizeof why))
        fail_msg("%s", why);
    f->metrics = (struct metrics){.node = "A", .role = 2, .epoch = 1, .founded = true};
    f->metrics.serving = true;
    web_publish(f->web, &f->metrics);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct certificate_text t;
    if (!f)
        return -1;
    strcpy(f->folder, "/tmp/test_web.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->key_file, sizeof f->key_file, "%s/A.pem", f->folder);
    snprintf(f->revoked, sizeof f->revoked, "%s/revoked.crl", f->folder);
    assert_int_equal(certificate_authority_make("test", time(NULL), &f->authority, f->why),
                     EXAM_OK);
    t = bundle_of(f, f->authority, CERTIFICATE_NODE, 0, DAY_S, NULL);
    file_write(f->key_file, t.bytes, 0600);
    certificate_text_free(&t);
    revoked_write(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    if (f->web)
        web_close(f->web);
    certificate_authority_free(f->authority);
    unlink(f->key_file);
    unlink(f->revoked);
    if (rmdir(f->folder))
        return -1; /* something else was written */
    free(f);
    return 0;
}

/* ---------------------------------------------------------------- who asks */

static void pause_step(void)
{
    const struct timespec t = {.tv_nsec = STEP_MS * 1000000L};
    nanosleep(&t, NULL);
}

/* A connection from one of this machine's addresses (127.0.0.1 is its own, others are as good as
 * another machine's). */
static int conn_from(const struct fixture *f, const char *from)
{
    const struct timeval limit = {.tv_sec = WAIT_MS / 1000};
    struct sockaddr_in own = {.sin_family = AF_INET}, at = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    inet_pton(AF_INET, from, &own.sin_addr);
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    at.sin_port = htons(web_port(f->web));
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof own), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

struct tls {
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t session;
    int fd;
};

/* `bundle` NULL: without a certificate. `priorities` NULL: the library's. */
static void tls_begin(struct tls *c, int fd, const char *bundle, const char *priorities)
{
    c->fd = fd;
    assert_int_equal(gnutls_certificate_allocate_credentials(&c->credentials), 0);
    if (bundle) {
        const gnutls_datum_t d = {.data = (unsigned char *)(uintptr_t)bundle,
                                  .size = (unsigned)strlen(bundle)};
        assert_int_equal(
            gnutls_certificate_set_x509_key_mem(c->credentials, &d, &d, GNUTLS_X509_FMT_PEM), 0);
    }
    assert_int_equal(
        gnutls_init(&c->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL | GNUTLS_FORCE_CLIENT_CERT), 0);
    assert_int_equal(
        gnutls_priority_set_direct(c->session, priorities ? priorities : "NORMAL", NULL), 0);
    assert_int_equal(gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->credentials), 0);
    gnutls_transport_set_int(c->session, fd);
}

static bool tls_shake(struct tls *c)
{
    int rc;
    do
        rc = gnutls_handshake(c->session);
    while (rc < 0 && !gnutls_error_is_fatal(rc));
    return rc == 0;
}

static void tls_end(struct tls *c)
{
    gnutls_deinit(c->session);
    gnutls_certificate_free_credentials(c->credentials);
    close(c->fd);
}

/* Sends a request and reads until the end; the reply is in f->reply. Returns its status; 0: no byte
 * came. */
static int tls_ask(struct fixture *f, struct tls *c, const char *request)
{
    size_t n = 0;
    ssize_t rc = gnutls_record_send(c->session, request, strlen(request));
    while (rc > 0 && n < sizeof f->reply - 1) {
        rc = gnutls_record_recv(c->session, f->reply + n, sizeof f->reply - 1 - n);
        n += rc > 0 ? (size_t)rc : 0;
    }
    f->reply[n] = '\0';
    int status = 0;
    return sscanf(f->reply, "HTTP/1.%*c %d", &status) == 1 ? status : 0;
}

static int ask(struct fixture *f, const char *bundle, const char *request)
{
    struct tls c;
    tls_begin(&c, conn_from(f, "127.0.0.1"), bundle, NULL);
    int status = tls_shake(&c) ? tls_ask(f, &c, request) : 0;
    tls_end(&c);
    return status;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static int get_health(struct fixture *f, const char *bundle)
{
    return ask(f, bundle, GET("/health"));
}

/* Waits for the next thing to log. */
static void event_is(struct fixture *f, const char *why)
{
    struct web_event e;
    for (int ms = 0; ms < WAIT_MS; ms += STEP_MS) {
        while (web_take_event(f->web, &e))
            if (strstr(e.why, why))
                return;
        pause_step();
    }
    fail_msg("nothing is logged that says '%s'", why);
}

static size_t descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    size_t n = 0;
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* ---------------------------------------------------------------- answers */

/* A monitor of the site gets both texts, and a HEAD's without a body. */
static void test_web__answers_a_monitor(void **state)
{
    struct fixture *f = *state;
    web_start(f, NULL);
    struct certificate_text t = bundle_of(f, f->authority, CERTIFICATE_CLIENT, 0, DAY_S, NULL);
    assert_int_equal(get_health(f, t.bytes), 200);
    assert_non_null(strstr(f->reply, "\"well\": true"));
    assert_int_equal(ask(f, t.bytes, GET("/metrics")), 200);
    assert_non_null(strstr(f->reply, "text/plain; version=0.0.4"));
    assert_non_null(strstr(f->reply, "\nexamnode_serving 1\n"));
    assert_int_equal(ask(f, t.bytes,
                         "GET /metrics HTTP/1.1\r\nHost: a\r\n"
                         "Accept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\n\r\n"),
                     200);
    assert_non_null(strstr(f->reply, "application/openmetrics-text; version=1.0.0"));
    assert_non_null(strstr(f->reply, "\n# EOF\n"));
    assert_int_equal(ask(f, t.bytes, "HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    assert_null(strstr(f->reply, "examnode_serving"));
    f->metrics.locked = true;
    web_publish(f->web, &f->metrics);
    assert_int_equal(get_health(f, t.bytes), 503);
    assert_non_null(strstr(f->reply, "\"locked\": true"));
    certificate_text_free(&t);
}

/* Nothing but GET and HEAD of the two, and nothing long. */
static void test_web__refuses_other_requests(void **state)
{
    struct fixture *f = *state;
    web_start(f, NULL);
    struct certificate_text t = bundle_of(f, f->authority, CERTIFICATE_CLIENT, 0, DAY_S, NULL);
    char *longer = malloc(2 * WEB_MEMORY_BYTES + 1);
    assert_non_null(longer);
    memset(longer, 'x', 2 * WEB_MEMORY_BYTES);
    memcpy(longer, "GET /", 5);
    longer[2 * WEB_MEMORY_BYTES] = '\0';
    assert_int_equal(ask(f, t.bytes, GET("/")), 404);
    assert_int_equal(ask(f, t.bytes, GET("/metrics/../health")), 404);
    assert_int_equal(ask(f, t.bytes, "DELETE /health HTTP/1.1\r\nHost: a\r\n\r\n"), 405);
    assert_int_equal(
        ask(f, t.bytes, "POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"), 405);
    int status = ask(f, t.bytes, longer);
    assert_true(status == 0 || status >= 400);
    status = ask(f, t.bytes, "X\r\n\r\n");
    assert_true(status == 0 || status >= 400);
    assert_int_equal(get_health(f, t.bytes), 200);
    free(longer);
    certificate_text_free(&t);
}

/* ---------------------------------------------------------------- who is let in */

/* Whoever has no certificate of this site for a client ends in the handshake: not a byte of HTTP
 * comes, and the log says why. */
static void test_web__refuses_strangers(void **state)
{
    struct fixture *f = *state;
    struct certificate_authority *other;
    web_start(f, NULL);
    assert_int_equal(certificate_authority_make("other", time(NULL), &other, f->why), EXAM_OK);
    struct certificate_text foreign = bundle_of(f, other, CERTIFICATE_CLIENT, 0, DAY_S, NULL);
    struct certificate_text node = bundle_of(f, f->authority, CERTIFICATE_NODE, 0, DAY_S, NULL);
    struct certificate_text over =
        bundle_of(f, f->authority, CERTIFICATE_CLIENT, -9 * DAY_S, -60, NULL);
    struct certificate_text early =
        bundle_of(f, f->authority, CERTIFICATE_CLIENT, 2 * DAY_S, 9 * DAY_S, NULL);
    struct certificate_text good = bundle_of(f, f->authority, CERTIFICATE_CLIENT, 0, DAY_S, NULL);
    assert_int_equal(get_health(f, NULL), 0);
    event_is(f, "not proven who it is");
    assert_int_equal(get_health(f, foreign.bytes), 0);
    event_is(f, "not of this site");
    assert_int_equal(get_health(f, node.bytes), 0);
    event_is(f, "not a client's");
    assert_int_equal(get_health(f, over.bytes), 0);
    event_is(f, "is over");
    assert_int_equal(get_health(f, early.bytes), 0);
    event_is(f, "not good yet");
    assert_int_equal(get_health(f, good.bytes), 200);
    assert_int_equal(ask(f, good.bytes, GET("/metrics")), 200);
    assert_non_null(strstr(f->reply, "\nexamnode_web_certificates_refused_total 4\n"));
    assert_non_null(strstr(f->reply, "\nexamnode_web_strangers_total 5\n"));
    certificate_text_free(&foreign);
    certificate_text_free(&node);
    certificate_text_free(&over);
    certificate_text_free(&early);
    certificate_text_free(&good);
    certificate_authority_free(other);
}

/* Older protocols are not spoken. */
static void test_web__speaks_tls_1_3_only(void **state)
{
    struct fixture *f = *state;
    struct tls c;
    web_start(f, NULL);
    struct certificate_text t = bundle_of(f, f->authority, CERTIFICATE_CLIENT, 0, DAY_S, NULL);
    tls_begin(&c, conn_from(f, "127.0.0.1"), t.bytes, "NORMAL:-VERS-ALL:+VERS-TLS1.2");
    assert_false(tls_shake(&c));
    tls_end(&c);
    tls_begin(&c, conn_from(f, "127.0.0.1"), t.bytes, "NORMAL:-VERS-ALL:+VERS-TLS1.3");
    assert_true(tls_shake(&c));
    assert_int_equal(tls_ask(f, &c, GET("/health")), 200);
    tls_end(&c);
    certificate_text_free(&t);
}

/* A certificate that was taken back is refused as soon as the list is there, and a list that is
 * broken, another site's, or older changes nothing. */
static void test_web__takes_a_list_of_revoked(void **state)
{
    struct fixture *f = *state;
    struct certificate_authority *other;
    struct certificate_text known, older, foreign;
    web_start(f, NULL);
    struct certificate_text lost = bundle_of(f, f->authority, CERTIFICATE_CLIENT, 0, DAY_S, &known);
    struct certificate_text good = bundle_of(f, f->authority, CERTIFICATE_CLIENT, 0, DAY_S, NULL);
    assert_int_equal(certificate_revoked_text(f->authority, &older), EXAM_OK);
    assert_int_equal(certificate_authority_make("other", time(NULL), &other, f->why), EXAM_OK);
    assert_int_equal(certificate_revoked_text(other, &foreign), EXAM_OK);

    assert_int_equal(get_health(f, lost.bytes), 200);
    assert_int_equal(certificate_revoke(other, known.bytes, time(NULL), f->why), EXAM_REFUSED);
    assert_int_equal(certificate_revoke(f->authority, known.bytes, time(NULL), f->why), EXAM_OK);
    revoked_write(f);
    assert_int_equal(get_health(f, lost.bytes), 0);
    event_is(f, "was revoked");
    assert_int_equal(get_health(f, good.bytes), 200);

    file_write(f->revoked, older.bytes, 0644);
    assert_int_equal(get_health(f, lost.bytes), 0);
    event_is(f, "older than the one in use");
    file_write(f->revoked, foreign.bytes, 0644);
    assert_int_equal(get_health(f, lost.bytes), 0);
    event_is(f, "no list of revoked certificates");
    file_write(f->revoked, "no list\n", 0644);
    assert_int_equal(get_health(f, lost.bytes), 0);
    event_is(f, "no list of revoked certificates");
    assert_int_equal(unlink(f->revoked), 0);
    assert_int_equal(get_health(f, lost.bytes), 0);
    event_is(f, "No such file");
    assert_int_equal(get_health(f, good.bytes), 200);
    certificate_text_free(&known);
    certificate_text_free(&older);
    certificate_text_free(&foreign);
    certificate_text_free(&lost);
    certificate_text_free(&good);
    certificate_authority_free(other);
    revoked_write(f);
}

/* ---------------------------------------------------------------- what strangers cost */

/* More half-open connections than there are places, from as many addresses as it takes: a monitor
 * is answered all the while, descriptors stay bounded, and all of them are ended in their time. */
static void test_web__half_open_connections(void **state)
{
    enum { ADDRESSES = 25, EACH = 8 };
    static int fds[ADDRESSES * EACH];
    const struct web_options brief = {.stranger_ms = 500, .conn_ms = 1000};
    struct fixture *f = *state;
    web_start(f, &brief);
    struct certificate_text t = bundle_of(f, f->authority, CERTIFICATE_CLIENT, 0, DAY_S, NULL);
    size_t before = descriptors();
    for (size_t i = 0; i < ADDRESSES * EACH; i++) {
        char from[16];
        snprintf(from, sizeof from, "127.0.1.%zu", 1 + i / EACH);
        fds[i] = conn_from(f, from);
        if (i % 2)
            assert_int_equal(send(fds[i], "\x16\x03\x01\x02", 4, MSG_NOSIGNAL), 4);
        if (i % 20 == 0)
            assert_int_equal(get_health(f, t.bytes), 200);
    }
    assert_true(descriptors() <= before + ADDRESSES * EACH + WEB_CONNS_MAX + 8);
    assert_int_equal(get_health(f, t.bytes), 200);
    for (int ms = 0; ms < WAIT_MS && descriptors() > before + ADDRESSES * EACH; ms += STEP_MS) {
        web_publish(f->web, &f->metrics); /* as the loop does */
        pause_step();
    }
    assert_int_equal(descriptors(), before + ADDRESSES * EACH); /* the clients' own are left */
    for (size_t i = 0; i < ADDRESSES * EACH; i++)
        close(fds[i]);
    certificate_text_free(&t);
}

/* Bytes that are no TLS end the connection; an address that goes on with it waits, others do not.
 */
static void test_web__garbage(void **state)
{
    struct fixture *f = *state;
    char byte;
    web_start(f, NULL);
    struct certificate_text t = bundle_of(f, f->authority, CERTIFICATE_CLIENT, 0, DAY_S, NULL);
    for (int i = 0; i < 20; i++) {
        int fd = conn_from(f, "127.0.2.1");
        (void)!send(fd, "GET /metrics HTTP/1.1\r\n\r\n", 25, MSG_NOSIGNAL);
        while (recv(fd, &byte, 1, 0) > 0) /* at the most an alert */
            continue;
        close(fd);
    }
    event_is(f, "an address whose strangers came to nothing");
    assert_int_equal(get_health(f, t.bytes), 200);
    certificate_text_free(&t);
}

/* Who is let in and then sends a byte now and then, or reads nothing, has its time, and no more. */
static void test_web__slow_peers(void **state)
{
    const struct web_options brief = {.stranger_ms = 500, .conn_ms = 1000};
    struct fixture *f = *state;
    struct tls c;
    struct timespec began, ended;
    web_start(f, &brief);
    struct certificate_text t = bundle_of(f, f->authority, CERTIFICATE_CLIENT, 0, DAY_S, NULL);
    clock_gettime(CLOCK_MONOTONIC, &began);
    tls_begin(&c, conn_from(f, "127.0.0.1"), t.bytes, NULL);
    assert_true(tls_shake(&c));
    int ms = 0;
    ssize_t rc = gnutls_record_send(c.session, "GET /health HTTP/1.1\r\nX: ", 25);
    while (ms < WAIT_MS && rc > 0) {
        rc = gnutls_record_send(c.session, "x", 1);
        web_publish(f->web, &f->metrics);
        pause_step();
        ms += STEP_MS;
    }
    clock_gettime(CLOCK_MONOTONIC, &ended);
    assert_true(rc < 0);
    assert_true((ended.tv_sec - began.tv_sec) * 1000 + (ended.tv_nsec - began.tv_nsec) / 1000000 >=
                900);
    tls_end(&c);
    assert_int_equal(get_health(f, t.bytes), 200);
    certificate_text_free(&t);
}

/* ---------------------------------------------------------------- opening */

static void refused_with(struct fixture *f, exam_err err, const char *message)
{
    const struct web_options o = {
        .host = "127.0.0.1", .key_file = f->key_file, .revoked = f->revoked};
    struct web *w;
    char why[512] = "";
    assert_int_equal(web_open(&o, &w, why, sizeof why), err);
    if (!strstr(why, message))
        fail_msg("'%s' does not say '%s'", why, message);
}

/* What cannot be used is told with the file and what to do. */
static void test_web__says_why_it_does_not_open(void **state)
{
    struct fixture *f = *state;
    struct web *w;
    char why[512];
    assert_int_equal(chmod(f->key_file, 0640), 0);
    refused_with(f, EXAM_REFUSED, "chmod 600");
    struct certificate_text over =
        bundle_of(f, f->authority, CERTIFICATE_NODE, -9 * DAY_S, -60, NULL);
    file_write(f->key_file, over.bytes, 0600);
    refused_with(f, EXAM_INVALID, "is over");
    certificate_text_free(&over);
    file_write(f->key_file, "no key\n", 0600);
    refused_with(f, EXAM_MALFORMED, "no key and two certificates");
    struct certificate_text good = bundle_of(f, f->authority, CERTIFICATE_NODE, 0, DAY_S, NULL);
    file_write(f->key_file, good.bytes, 0600);
    certificate_text_free(&good);
    file_write(f->revoked, "no list\n", 0644);
    refused_with(f, EXAM_INVALID, "no list of revoked certificates");
    revoked_write(f);
    web_start(f, NULL);
    const struct web_options taken = {.host = "127.0.0.1",
                                      .port = web_port(f->web),
                                      .key_file = f->key_file,
                                      .revoked = f->revoked};
    assert_int_equal(web_open(&taken, &w, why, sizeof why), EXAM_EXISTS);
}

/* An authority comes back from its texts, with the right password only, and goes on with its list.
 */
static void test_certificate__authority_comes_back(void **state)
{
    struct fixture *f = *state;
    struct certificate_authority *again;
    struct certificate_text certificate, key, revoked, known;
    struct certificate_text lost = bundle_of(f, f->authority, CERTIFICATE_CLIENT, 0, DAY_S, &known);
    assert_int_equal(certificate_authority_text(f->authority, &certificate), EXAM_OK);
    assert_int_equal(certificate_authority_key_text(f->authority, "secret", &key), EXAM_OK);
    assert_int_equal(certificate_revoked_text(f->authority, &revoked), EXAM_OK);
    assert_null(strstr(key.bytes, "BEGIN PRIVATE KEY"));
    assert_int_equal(certificate_authority_open(certificate.bytes, key.bytes, "wrong",
                                                revoked.bytes, &again, f->why),
                     EXAM_AUTH);
    assert_int_equal(certificate_authority_open(certificate.bytes, key.bytes, "secret",
                                                revoked.bytes, &again, f->why),
                     EXAM_OK);
    certificate_authority_free(f->authority);
    f->authority = again;
    web_start(f, NULL);
    assert_int_equal(get_health(f, lost.bytes), 200);
    assert_int_equal(certificate_revoke(again, known.bytes, time(NULL), f->why), EXAM_OK);
    revoked_write(f);
    assert_int_equal(get_health(f, lost.bytes), 0);
    certificate_text_free(&certificate);
    certificate_text_free(&key);
    certificate_text_free(&revoked);
    certificate_text_free(&known);
    certificate_text_free(&lost);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_web__answers_a_monitor, setup, teardown),
        cmocka_unit_test_setup_teardown(test_web__refuses_other_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_web__refuses_strangers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_web__speaks_tls_1_3_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_web__takes_a_list_of_revoked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_web__half_open_connections, setup, teardown),
        cmocka_unit_test_setup_teardown(test_web__garbage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_web__slow_peers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_web__says_why_it_does_not_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_certificate__authority_comes_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
