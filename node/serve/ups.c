#include "ups.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <upsclient.h>

enum { CONNECT_S = 3, NAME_BYTES = 64, HOST_BYTES = 256 };

struct ups {
    /* the thread's own */
    struct ups_options o;
    char name[NAME_BYTES], host[HOST_BYTES];
    UPSCONN_t conn;
    bool connected;

    pthread_t thread;
    pthread_mutex_t lock;   /* of what follows */
    pthread_cond_t changed; /* started, stop, ended */
    struct ups_reading reading;
    int start_error; /* errno */
    bool started, fresh, stop, ended;
};

/* ---------------------------------------------------------------- asking upsd */

static void conn_close(struct ups *u)
{
    if (u->connected)
        upscli_disconnect(&u->conn);
    u->connected = false;
}

static bool conn_open(struct ups *u, struct ups_reading *r)
{
    struct timeval limit = {.tv_sec = CONNECT_S};
    if (u->connected)
        return true;
    if (upscli_tryconnect(&u->conn, u->host, u->o.port, 0, &limit) < 0) {
        snprintf(r->text, sizeof r->text, "%s@%s: upsd does not answer: %s", u->name, u->host,
                 upscli_upserror(&u->conn) ? upscli_strerror(&u->conn) : "no connection in time");
        return false;
    }
    u->connected = true;
    return true;
}

/* Data that the driver has not brought for long, or a driver that is gone: upsd itself is well. */
static bool is_stale(int error)
{
    return error == UPSCLI_ERR_DATASTALE || error == UPSCLI_ERR_DRVNOTCONN;
}

static void status_read(struct ups *u, struct ups_reading *r)
{
    const char *query[] = {"VAR", u->name, "ups.status"};
    char **answer;
    size_t n;
    r->state = UPS_UNKNOWN;
    if (!conn_open(u, r))
        return;
    if (upscli_get(&u->conn, 3, query, &n, &answer) < 0) {
        int error = upscli_upserror(&u->conn);
        snprintf(r->text, sizeof r->text, "%s@%s: %s%s", u->name, u->host,
                 is_stale(error) ? "the UPS's driver brings nothing: " : "",
                 upscli_strerror(&u->conn));
        if (!is_stale(error))
            conn_close(u);
        return;
    }
    if (n < 4) { /* VAR NAME ups.status VALUE */
        snprintf(r->text, sizeof r->text, "%s@%s: upsd answers what was not asked", u->name,
                 u->host);
        conn_close(u);
        return;
    }
    r->state = ups_state_of(answer[3]);
    snprintf(r->text, sizeof r->text, "%s@%s: %s", u->name, u->host, answer[3]);
}

/* ---------------------------------------------------------------- the thread */

/* libupsclient waits by select(), which breaks a process whose descriptor is over 1023, and a node
 * with a thousand seats has no lower one to give. So the thread has a table of its own, which no
 * seat's connection ever gets into. */
static int table_keep_apart(void)
{
    return unshare(CLONE_FILES) == 0 ? 0 : errno;
}

/* upscli_init writes a line of its own to standard error, where the operator's log is: not into
 * this thread's. */
static void library_init(void)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC), saved = dup(STDERR_FILENO);
    if (null >= 0 && saved >= 0)
        dup2(null, STDERR_FILENO);
    upscli_init(0, NULL, NULL, NULL);
    if (saved >= 0) {
        dup2(saved, STDERR_FILENO);
        close(saved);
    }
    if (null >= 0)
        close(null);
}

/* Hands a reading over if it is new; the lock is held. */
static void reading_tell(struct ups *u, const struct ups_reading *r)
{
    if (r->state == u->reading.state && !strcmp(r->text, u->reading.text))
        return;
    u->reading = *r;
    u->fresh = true;
    u->o.wake(u->o.wake_ctx); /* under the lock: none comes after ups_close */
}

/* Waits until a flag of `u` is set, at most so long; false: it is not. The lock is held. */
static bool flag_wait(struct ups *u, const bool *flag, uint32_t wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (!*flag && pthread_cond_timedwait(&u->changed, &u->lock, &until) != ETIMEDOUT)
        continue;
    return *flag;
}

static void *ups_run(void *ctx)
{
    struct ups *u = ctx;
    struct ups_reading r = {.state = UPS_UNKNOWN};
    int error = table_keep_apart();
    bool go_on = error == 0;
    pthread_mutex_lock(&u->lock);
    u->started = true;
    u->start_error = error;
    pthread_cond_signal(&u->changed);
    pthread_mutex_unlock(&u->lock);
    if (go_on)
        library_init();
    while (go_on) {
        status_read(u, &r);
        pthread_mutex_lock(&u->lock);
        if (!u->stop)
            reading_tell(u, &r);
        go_on = !flag_wait(u, &u->stop, u->o.poll_ms);
        pthread_mutex_unlock(&u->lock);
    }
    conn_close(u);
    pthread_mutex_lock(&u->lock);
    u->ended = true;
    pthread_cond_signal(&u->changed);
    pthread_mutex_unlock(&u->lock);
    return NULL;
}

/* ---------------------------------------------------------------- opening, taking, closing */

/* Returns when the thread has a table of its own, or cannot have one. */
static int thread_start(struct ups *u)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
    int error = pthread_create(&u->thread, NULL, ups_run, u);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        return error;
    pthread_mutex_lock(&u->lock);
    while (!u->started)
        pthread_cond_wait(&u->changed, &u->lock);
    error = u->start_error;
    pthread_mutex_unlock(&u->lock);
    if (error)
        pthread_join(u->thread, NULL);
    return error;
}

static void memory_free(struct ups *u)
{
    pthread_cond_destroy(&u->changed);
    pthread_mutex_destroy(&u->lock);
    free(u);
}

exam_err ups_open(const struct ups_options *o, struct ups **out)
{
    struct ups *u = calloc(1, sizeof *u);
    pthread_condattr_t clock;
    if (!u)
        return EXAM_NOMEM;
    u->o = *o;
    snprintf(u->name, sizeof u->name, "%s", o->name);
    snprintf(u->host, sizeof u->host, "%s", o->host);
    pthread_mutex_init(&u->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&u->changed, &clock);
    pthread_condattr_destroy(&clock);
    int error = thread_start(u);
    if (error) {
        memory_free(u);
        errno = error;
        return EXAM_SYSTEM;
    }
    *out = u;
    return EXAM_OK;
}

bool ups_take(struct ups *u, struct ups_reading *out)
{
    pthread_mutex_lock(&u->lock);
    bool fresh = u->fresh;
    u->fresh = false;
    if (fresh)
        *out = u->reading;
    pthread_mutex_unlock(&u->lock);
    return fresh;
}

void ups_close(struct ups *u)
{
    pthread_mutex_lock(&u->lock);
    u->stop = true;
    pthread_cond_signal(&u->changed);
    pthread_mutex_unlock(&u->lock);
}

bool ups_free(struct ups *u, uint32_t wait_ms)
{
    pthread_mutex_lock(&u->lock);
    bool ended = flag_wait(u, &u->ended, wait_ms);
    pthread_mutex_unlock(&u->lock);
    if (!ended)
        return false;
    pthread_join(u->thread, NULL);
    memory_free(u);
    return true;
}
