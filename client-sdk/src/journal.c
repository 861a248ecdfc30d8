#include "journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "codec.h"
#include "sealed_field.h"

enum {
    FILE_NAME_BYTES = NAME_BYTES_MAX + 48,
    ASIDE_MAX = 9999,      /* files kept aside of one seat */
    LOCK_ATTEMPTS_MAX = 8, /* the file may be replaced between opening and locking it */
};

/* What seals the answers' values of one file. */
struct sealing {
    bool on; /* this file's are */
    uint8_t file_id[16];
    struct sealed_keys keys;
    uint8_t value[ANSWER_STORED_BYTES_MAX]; /* of the record that is put or got now */
};

struct journal {
    int dir_fd;
    int fd;
    bool has_key;
    uint8_t key[JOURNAL_KEY_BYTES];
    struct sealing sealing;
    bool failed; /* D6: the outcome of a write is unknown; nothing is written any more */
    bool unsynced;
    uint64_t written_bytes; /* length of the file */
    uint64_t session_at;    /* where the newest session's record begins; 0: there is none */
    uint64_t find_at;       /* where journal_find goes on */
    uint64_t find_seq;      /* the last action before that place */
    size_t buffered_bytes;
    struct journal_chain chain; /* behind the last record, a buffered one included */
    struct journal_chain find_chain;
    char dir[JOURNAL_WHY_BYTES / 2];
    char name[FILE_NAME_BYTES];
    char seat[NAME_BYTES_MAX + 1];
    char why[JOURNAL_WHY_BYTES];
    uint8_t buffer[JOURNAL_BUFFER_BYTES + JOURNAL_RECORD_BYTES_MAX];
    uint8_t find_buffer[JOURNAL_RECORD_BYTES_MAX];
};

/* ---------------------------------------------------------------- errors */

__attribute__((format(printf, 3, 4))) static exam_err fail(struct journal *j, exam_err err,
                                                           const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(j->why, sizeof(j->why), format, args);
    va_end(args);
    return err;
}

static exam_err err_of_errno(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return EXAM_FULL;
    case EIO:
        return EXAM_IO;
    case ENOENT:
    case ENOTDIR:
        return EXAM_NOT_FOUND;
    case ENOMEM:
        return EXAM_NOMEM;
    default:
        return EXAM_SYSTEM;
    }
}

static exam_err fail_errno(struct journal *j, const char *what, const char *name)
{
    int number = errno;
    exam_err err = err_of_errno(number);
    const char *advice = err == EXAM_FULL        ? "; make space on this disk"
                         : err == EXAM_IO        ? "; this disk is failing: use another machine"
                         : err == EXAM_NOT_FOUND ? "; create the folder first"
                                                 : "";
    return fail(j, err, "%s/%s: %s: %s%s", j->dir, name, what, strerror(number), advice);
}

/* ---------------------------------------------------------------- whole-file pieces */

static exam_err write_all(int fd, const uint8_t *bytes, size_t n, uint64_t at)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = pwrite(fd, bytes + done, n - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_of_errno(errno);
        if (got == 0) {
            errno = ENOSPC;
            return EXAM_FULL;
        }
        done += (size_t)got;
    }
    return EXAM_OK;
}

static exam_err read_all(int fd, uint8_t *bytes, size_t n, uint64_t at)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(fd, bytes + done, n - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            errno = got < 0 ? errno : EIO;
            return EXAM_IO;
        }
        done += (size_t)got;
    }
    return EXAM_OK;
}

/* "<seat>.journal.<what>.<number>" */
static void aside_name(const struct journal *j, const char *what, int number,
                       char out[FILE_NAME_BYTES])
{
    snprintf(out, FILE_NAME_BYTES, "%.32s.journal.%.8s.%d", j->seat, what, number);
}

/* Gives the journal's file a second name that says why it is kept. */
static exam_err aside_link(struct journal *j, const char *what, char name[FILE_NAME_BYTES])
{
    for (int number = 1; number <= ASIDE_MAX; number++) {
        aside_name(j, what, number, name);
        if (linkat(j->dir_fd, j->name, j->dir_fd, name, 0) == 0)
            return EXAM_OK;
        if (errno != EEXIST)
            return fail_errno(j, "cannot be kept aside", name);
    }
    return fail(j, EXAM_FULL, "%s: %d files of %s are kept aside already; take them away", j->dir,
                ASIDE_MAX, j->name);
}

static exam_err aside_copy(struct journal *j, const char *what, const uint8_t *bytes, size_t n,
                           char name[FILE_NAME_BYTES])
{
    int fd = -1;
    for (int number = 1; fd < 0 && number <= ASIDE_MAX; number++) {
        aside_name(j, what, number, name);
        fd = openat(j->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 && errno != EEXIST)
            return fail_errno(j, "cannot be created", name);
    }
    if (fd < 0)
        return fail(j, EXAM_FULL, "%s: %d files of %s are kept aside already; take them away",
                    j->dir, ASIDE_MAX, j->name);
    exam_err err = write_all(fd, bytes, n, 0);
    if (err == EXAM_OK && fsync(fd) != 0)
        err = EXAM_IO;
    if (err != EXAM_OK)
        err = fail_errno(j, "cannot be written", name);
    close(fd);
    return err;
}

static exam_err sync_dir(struct journal *j)
{
    return fsync(j->dir_fd) == 0 ? EXAM_OK : fail_errno(j, "cannot be made durable", "");
}

/* ---------------------------------------------------------------- sealed values */

static void sealing_begin(const struct journal *j, const uint8_t file_id[16], uint32_t cipher,
                          struct sealing *out)
{
    out->on = cipher == JOURNAL_SEALED;
    memcpy(out->file_id, file_id, sizeof(out->file_id));
    if (out->on)
        sealed_keys_of(j->key, &out->keys);
}

static struct sealed_place place_of(const struct sealing *s, const struct seat_action *a,
                                    char seq[NAME_BYTES_MAX + 1])
{
    snprintf(seq, NAME_BYTES_MAX + 1, "%llu", (unsigned long long)a->seq);
    return (struct sealed_place){.kind = SEALED_JOURNAL,
                                 .site_id = s->file_id,
                                 .batch = "",
                                 .candidate = seq,
                                 .item = a->item};
}

/* The record as the file has it: `r` itself, or with its value sealed. */
static exam_err record_seal(struct sealing *s, const struct seat_record *r, struct seat_record *out)
{
    char seq[NAME_BYTES_MAX + 1];
    *out = *r;
    if (!s->on || r->kind != SEAT_RECORD_ANSWER || r->u.action.value_bytes == 0)
        return EXAM_OK;
    if (r->u.action.value_bytes > ANSWER_BYTES_MAX)
        return EXAM_TOO_BIG;
    if (!codec_name_ok(r->u.action.item))
        return EXAM_INVALID;
    struct sealed_place at = place_of(s, &r->u.action, seq);
    out->u.action.value_bytes =
        sealed_seal(&s->keys, &at, r->u.action.value, r->u.action.value_bytes, s->value);
    out->u.action.value = s->value;
    return EXAM_OK;
}

static exam_err record_open(struct sealing *s, struct seat_record *r)
{
    struct seat_action *a = &r->u.action;
    char seq[NAME_BYTES_MAX + 1];
    if (!s->on || r->kind != SEAT_RECORD_ANSWER || a->value_bytes == 0)
        return EXAM_OK;
    struct sealed_place at = place_of(s, a, seq);
    if (sealed_open(&s->keys, &at, a->value, a->value_bytes, s->value, &a->value_bytes) != EXAM_OK)
        return EXAM_CORRUPT;
    a->value = s->value;
    return EXAM_OK;
}

/* ---------------------------------------------------------------- creation */

static exam_err lock_file(struct journal *j, int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return EXAM_OK;
    if (errno == EWOULDBLOCK)
        return fail(j, EXAM_LOCKED,
                    "%s/%s is open in another program; end that one, or use another seat name",
                    j->dir, j->name);
    return fail_errno(j, "cannot be locked", j->name);
}

static exam_err header_write(struct journal *j, int fd, struct sealing *sealing,
                             struct journal_chain *chain)
{
    struct journal_header header = {.version = JOURNAL_VERSION,
                                    .cipher = j->has_key ? JOURNAL_SEALED : JOURNAL_PLAIN};
    randombytes_buf(header.file_id, sizeof(header.file_id));
    memcpy(header.seat, j->seat, sizeof(header.seat));
    sealing_begin(j, header.file_id, header.cipher, sealing);
    if (j->has_key)
        sealed_key_id(j->key, header.file_id, header.key_id);
    uint8_t bytes[JOURNAL_HEADER_BYTES];
    journal_header_put(&header, bytes, chain);
    if (ftruncate(fd, 0) != 0 || write_all(fd, bytes, sizeof(bytes), 0) != EXAM_OK ||
        fsync(fd) != 0)
        return fail_errno(j, "cannot be written", j->name);
    return EXAM_OK;
}

/* An empty journal under the seat's name, whole or not at all: it is made under another name and
 * then takes the place of whatever was there. */
static exam_err file_create(struct journal *j, int *out_fd, struct sealing *sealing,
                            struct journal_chain *chain)
{
    char fresh[FILE_NAME_BYTES];
    snprintf(fresh, sizeof(fresh), "%.32s.journal.new", j->seat);
    int fd = openat(j->dir_fd, fresh, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail_errno(j, "cannot be created", fresh);
    exam_err err = lock_file(j, fd);
    if (err == EXAM_OK)
        err = header_write(j, fd, sealing, chain);
    if (err == EXAM_OK && renameat(j->dir_fd, fresh, j->dir_fd, j->name) != 0)
        err = fail_errno(j, "cannot be renamed", fresh);
    if (err == EXAM_OK)
        err = sync_dir(j);
    if (err != EXAM_OK) {
        close(fd);
        return err;
    }
    *out_fd = fd;
    return EXAM_OK;
}

static void journal_begin(struct journal *j, int fd, const struct journal_chain *chain,
                          uint64_t written_bytes)
{
    j->fd = fd;
    j->chain = *chain;
    j->chain.settled = true; /* what the file holds at this point is on the disk */
    j->written_bytes = written_bytes;
    j->buffered_bytes = 0;
    j->unsynced = false;
    j->session_at = 0;
    j->find_at = 0;
    j->find_seq = 0;
}

/* ---------------------------------------------------------------- opening */

struct scan {
    struct journal_chain chain;
    uint64_t session_at;
    uint64_t records_n;
    size_t good_bytes; /* up to where the file is whole */
};

/* Tells every record to `replay` up to the end or to the first that is not whole. */
static exam_err scan_records(struct journal *j, const uint8_t *bytes, size_t n,
                             journal_replay_fn replay, void *ctx, struct scan *scan)
{
    while (scan->good_bytes < n) {
        struct seat_record record;
        size_t record_bytes;
        if (journal_record_get(bytes + scan->good_bytes, n - scan->good_bytes, &scan->chain,
                               &record, &record_bytes) != EXAM_OK)
            return EXAM_OK;
        if (record.kind == SEAT_RECORD_SESSION)
            scan->session_at = scan->good_bytes;
        exam_err err = record_open(&j->sealing, &record);
        if (err == EXAM_OK)
            err = replay(ctx, &record);
        if (err != EXAM_OK)
            return err;
        scan->good_bytes += record_bytes;
        scan->records_n++;
    }
    return EXAM_OK;
}

/* The record at `at` is bad. Was it on the disk once, whole? Then a settled record follows it. */
static bool damage_is_in_the_middle(const uint8_t *bytes, size_t n, size_t at,
                                    const struct journal_chain *chain)
{
    struct journal_chain over = *chain;
    size_t record_bytes;
    if (journal_record_step_over(bytes + at, n - at, &over, &record_bytes) &&
        journal_record_settled_at(bytes, n, at + record_bytes, &over))
        return true;
    for (size_t i = at + 1; i < n; i++)
        if (journal_record_settled_at(bytes, n, i, NULL))
            return true;
    return false;
}

/* Keeps the whole file aside under another name: opening again begins an empty one. */
static exam_err set_damaged_aside(struct journal *j, size_t at)
{
    char name[FILE_NAME_BYTES];
    exam_err err = aside_link(j, "damaged", name);
    if (err != EXAM_OK)
        return err;
    if (unlinkat(j->dir_fd, j->name, 0) != 0)
        return fail_errno(j, "cannot be renamed", j->name);
    err = sync_dir(j);
    if (err != EXAM_OK)
        return err;
    return fail(j, EXAM_CORRUPT,
                "%s/%s is damaged at offset %zu; it is kept as %s: give it to the administrator. "
                "Start the seat again: the candidate signs in once more",
                j->dir, j->name, at, name);
}

static exam_err cut_torn_end(struct journal *j, int fd, const uint8_t *bytes, size_t n, size_t at)
{
    char name[FILE_NAME_BYTES];
    exam_err err = aside_copy(j, "torn", bytes + at, n - at, name);
    if (err != EXAM_OK)
        return err;
    if (ftruncate(fd, (off_t)at) != 0)
        return fail_errno(j, "cannot be cut at its torn end", j->name);
    return sync_dir(j);
}

static bool key_fits(const struct journal *j, const struct journal_header *h)
{
    uint8_t key_id[sizeof(h->key_id)];
    if (h->cipher == JOURNAL_PLAIN)
        return true;
    if (!j->has_key)
        return false;
    sealed_key_id(j->key, h->file_id, key_id);
    return sodium_memcmp(key_id, h->key_id, sizeof(key_id)) == 0;
}

static exam_err file_scan(struct journal *j, int fd, const uint8_t *bytes, size_t n,
                          journal_replay_fn replay, void *ctx, struct journal_opened *how)
{
    struct journal_header header;
    struct scan scan = {.good_bytes = JOURNAL_HEADER_BYTES};
    exam_err err =
        n < JOURNAL_HEADER_BYTES ? EXAM_CORRUPT : journal_header_get(bytes, &header, &scan.chain);
    if (err == EXAM_CORRUPT)
        return set_damaged_aside(j, 0);
    if (err != EXAM_OK)
        return fail(j, err, "%s/%s is of another version; use the program that wrote it", j->dir,
                    j->name);
    if (strcmp(header.seat, j->seat) != 0)
        return fail(j, EXAM_OTHER_SITE, "%s/%s is the journal of seat %s, not of %s", j->dir,
                    j->name, header.seat, j->seat);
    if (!key_fits(j, &header))
        return fail(
            j, EXAM_AUTH,
            "%s/%s is sealed, and this is not the key of the seat that wrote it: give it to "
            "the administrator with the seat's former key, or open it with that",
            j->dir, j->name);
    sealing_begin(j, header.file_id, header.cipher, &j->sealing);
    err = scan_records(j, bytes, n, replay, ctx, &scan);
    if (err != EXAM_OK)
        return fail(j, err, "%s/%s: the journal cannot be taken in: %s", j->dir, j->name,
                    exam_err_text(err));
    if (scan.good_bytes < n) {
        if (damage_is_in_the_middle(bytes, n, scan.good_bytes, &scan.chain))
            return set_damaged_aside(j, scan.good_bytes);
        err = cut_torn_end(j, fd, bytes, n, scan.good_bytes);
        if (err != EXAM_OK)
            return err;
    }
    /* What a killed program left in the system's memory is made durable before anything relies on
     * it; the next record says so (`settled`). */
    if (fdatasync(fd) != 0)
        return fail_errno(j, "cannot be made durable", j->name);
    journal_begin(j, fd, &scan.chain, scan.good_bytes);
    j->session_at = scan.session_at;
    how->records_n = scan.records_n;
    how->torn_bytes = n - scan.good_bytes;
    return EXAM_OK;
}

static exam_err file_take(struct journal *j, int fd, journal_replay_fn replay, void *ctx,
                          struct journal_opened *how)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail_errno(j, "cannot be read", j->name);
    if (!S_ISREG(st.st_mode) || st.st_size > JOURNAL_BYTES_MAX)
        return fail(j, EXAM_INVALID, "%s/%s is no journal: no plain file, or over %d bytes", j->dir,
                    j->name, JOURNAL_BYTES_MAX);
    size_t n = (size_t)st.st_size;
    uint8_t *bytes = malloc(n + 1);
    if (bytes == NULL)
        return fail(j, EXAM_NOMEM, "%s/%s: no memory to read it", j->dir, j->name);
    exam_err err = read_all(fd, bytes, n, 0);
    if (err != EXAM_OK)
        err = fail_errno(j, "cannot be read", j->name);
    else
        err = file_scan(j, fd, bytes, n, replay, ctx, how);
    free(bytes);
    return err;
}

/* True when the name still leads to the file that was opened and locked. */
static bool name_is_of(const struct journal *j, int fd)
{
    struct stat by_name, by_fd;
    return fstatat(j->dir_fd, j->name, &by_name, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstat(fd, &by_fd) == 0 && by_name.st_ino == by_fd.st_ino &&
           by_name.st_dev == by_fd.st_dev;
}

static exam_err file_open(struct journal *j, journal_replay_fn replay, void *ctx,
                          struct journal_opened *how)
{
    for (int attempt = 0; attempt < LOCK_ATTEMPTS_MAX; attempt++) {
        int fd = openat(j->dir_fd, j->name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 && errno != ENOENT)
            return fail_errno(j, "cannot be opened", j->name);
        if (fd < 0) {
            struct journal_chain chain;
            exam_err err = file_create(j, &fd, &j->sealing, &chain);
            if (err != EXAM_OK)
                return err;
            journal_begin(j, fd, &chain, JOURNAL_HEADER_BYTES);
            how->created = true;
            return EXAM_OK;
        }
        exam_err err = lock_file(j, fd);
        if (err == EXAM_OK && name_is_of(j, fd))
            err = file_take(j, fd, replay, ctx, how);
        else if (err == EXAM_OK)
            err = EXAM_AGAIN;
        if (err != EXAM_OK)
            close(fd);
        if (err != EXAM_AGAIN)
            return err;
    }
    return fail(j, EXAM_LOCKED, "%s/%s is being replaced by another program", j->dir, j->name);
}

/* With its keys. */
static void journal_free(struct journal *j)
{
    sodium_memzero(j, sizeof(*j));
    free(j);
}

exam_err journal_open(const struct journal_place *place, journal_replay_fn replay, void *ctx,
                      struct journal **out, struct journal_opened *how, char why[JOURNAL_WHY_BYTES])
{
    const char *dir = place->dir, *seat = place->seat;
    struct journal_opened opened = {0};
    why[0] = 0;
    if (!codec_name_ok(seat) || strlen(dir) >= sizeof(((struct journal *)0)->dir)) {
        snprintf(why, JOURNAL_WHY_BYTES, "seat or journal folder: not a name that can be used");
        return EXAM_INVALID;
    }
    struct journal *j = calloc(1, sizeof(*j));
    if (j == NULL)
        return EXAM_NOMEM;
    snprintf(j->dir, sizeof(j->dir), "%s", dir);
    snprintf(j->seat, sizeof(j->seat), "%s", seat);
    snprintf(j->name, sizeof(j->name), "%s.journal", seat);
    j->has_key = place->key != NULL;
    if (j->has_key)
        memcpy(j->key, place->key, sizeof(j->key));
    exam_err err;
    j->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (j->dir_fd < 0)
        err = fail_errno(j, "cannot be opened", "");
    else
        err = file_open(j, replay, ctx, &opened);
    if (err != EXAM_OK) {
        snprintf(why, JOURNAL_WHY_BYTES, "%s", j->why);
        if (j->dir_fd >= 0)
            close(j->dir_fd);
        journal_free(j);
        return err;
    }
    if (how != NULL)
        *how = opened;
    *out = j;
    return EXAM_OK;
}

void journal_close(struct journal *j)
{
    if (j == NULL)
        return;
    exam_err err = journal_flush(j);
    (void)err; /* the records in question are those that may be lost (not durable) */
    close(j->fd);
    close(j->dir_fd);
    journal_free(j);
}

/* ---------------------------------------------------------------- appending */

/* Writes what is buffered. A write that found no space is undone: the file ends where it did. */
static exam_err buffer_write(struct journal *j)
{
    if (j->buffered_bytes == 0)
        return EXAM_OK;
    exam_err err = write_all(j->fd, j->buffer, j->buffered_bytes, j->written_bytes);
    if (err == EXAM_OK) {
        j->written_bytes += j->buffered_bytes;
        j->buffered_bytes = 0;
        j->unsynced = true;
        return EXAM_OK;
    }
    err = fail_errno(j, "cannot be written", j->name);
    if (err != EXAM_FULL || ftruncate(j->fd, (off_t)j->written_bytes) != 0) {
        j->failed = true;
        return EXAM_IO;
    }
    return EXAM_FULL;
}

static exam_err file_sync(struct journal *j)
{
    if (!j->unsynced)
        return EXAM_OK;
    if (fdatasync(j->fd) != 0) {
        exam_err err = fail_errno(j, "cannot be made durable", j->name);
        (void)err; /* whatever it was: what is on the disk is unknown now (D6) */
        j->failed = true;
        return EXAM_IO;
    }
    j->unsynced = false;
    j->chain.settled = true;
    return EXAM_OK;
}

exam_err journal_flush(struct journal *j)
{
    return j->failed ? EXAM_IO : buffer_write(j);
}

exam_err journal_append(struct journal *j, const struct seat_record *r, bool durable)
{
    if (j->failed)
        return EXAM_IO;
    j->why[0] = 0;
    if (j->buffered_bytes >= JOURNAL_BUFFER_BYTES) {
        exam_err err = buffer_write(j);
        if (err != EXAM_OK)
            return err;
    }
    uint64_t at = j->written_bytes + j->buffered_bytes;
    if (at > JOURNAL_BYTES_MAX - JOURNAL_RECORD_BYTES_MAX)
        return fail(j, EXAM_FULL, "%s/%s: the journal is over its bound of %d bytes", j->dir,
                    j->name, JOURNAL_BYTES_MAX);
    struct journal_chain chain = j->chain;
    struct seat_record stored;
    size_t record_bytes;
    exam_err err = record_seal(&j->sealing, r, &stored);
    if (err == EXAM_OK)
        err = journal_record_put(&stored, &j->chain, j->buffer + j->buffered_bytes, &record_bytes);
    if (err != EXAM_OK)
        return fail(j, err, "%s/%s: a record of kind %d: %s", j->dir, j->name, (int)r->kind,
                    exam_err_text(err));
    j->buffered_bytes += record_bytes;
    if (durable) {
        err = buffer_write(j);
        if (err == EXAM_FULL) { /* only this record is given up */
            j->buffered_bytes -= record_bytes;
            j->chain = chain;
        }
        if (err == EXAM_OK)
            err = file_sync(j);
        if (err != EXAM_OK)
            return err;
    }
    if (r->kind == SEAT_RECORD_SESSION) {
        j->session_at = at;
        j->find_at = 0;
    }
    return EXAM_OK;
}

/* ---------------------------------------------------------------- reading back */

static exam_err find_next(struct journal *j, struct seat_record *out)
{
    uint64_t there_bytes = j->written_bytes - j->find_at;
    if (there_bytes == 0)
        return EXAM_NOT_FOUND;
    size_t n = there_bytes < JOURNAL_RECORD_BYTES_MAX ? (size_t)there_bytes
                                                      : (size_t)JOURNAL_RECORD_BYTES_MAX;
    if (read_all(j->fd, j->find_buffer, n, j->find_at) != EXAM_OK)
        return fail_errno(j, "cannot be read", j->name);
    size_t record_bytes;
    if (journal_record_get(j->find_buffer, n, &j->find_chain, out, &record_bytes) != EXAM_OK)
        return fail(j, EXAM_CORRUPT, "%s/%s is damaged at offset %llu", j->dir, j->name,
                    (unsigned long long)j->find_at);
    if (record_open(&j->sealing, out) != EXAM_OK)
        return fail(j, EXAM_CORRUPT, "%s/%s: the answer at offset %llu cannot be opened", j->dir,
                    j->name, (unsigned long long)j->find_at);
    j->find_at += record_bytes;
    return EXAM_OK;
}

static exam_err find_rewind(struct journal *j)
{
    if (j->session_at == 0 || j->session_at >= j->written_bytes)
        return EXAM_NOT_FOUND;
    uint8_t before[JOURNAL_CHECKSUM_BYTES];
    if (read_all(j->fd, before, sizeof(before), j->session_at - sizeof(before)) != EXAM_OK)
        return fail_errno(j, "cannot be read", j->name);
    memcpy(j->find_chain.checksum, before, sizeof(before));
    j->find_at = j->session_at;
    j->find_seq = 0;
    return EXAM_OK;
}

exam_err journal_find(struct journal *j, uint64_t seq, struct seat_record *out)
{
    if (j->find_at == 0 || seq <= j->find_seq) {
        exam_err err = find_rewind(j);
        if (err != EXAM_OK)
            return err;
    }
    for (;;) {
        struct seat_record record;
        exam_err err = find_next(j, &record);
        if (err != EXAM_OK)
            return err;
        if (record.kind != SEAT_RECORD_ANSWER && record.kind != SEAT_RECORD_SUBMIT)
            continue;
        j->find_seq = record.u.action.seq;
        if (record.u.action.seq > seq)
            return EXAM_NOT_FOUND;
        if (record.u.action.seq == seq) {
            *out = record;
            return EXAM_OK;
        }
    }
}

/* ---------------------------------------------------------------- a new one in its place */

exam_err journal_discard(struct journal *j, bool keep)
{
    if (j->failed)
        return EXAM_IO;
    exam_err err = buffer_write(j);
    if (err != EXAM_OK && keep)
        return err;
    if (keep) {
        char name[FILE_NAME_BYTES];
        err = file_sync(j);
        if (err == EXAM_OK)
            err = aside_link(j, "kept", name);
        if (err != EXAM_OK)
            return err;
    }
    int fd;
    struct journal_chain chain;
    struct sealing sealing;
    err = file_create(j, &fd, &sealing, &chain);
    if (err == EXAM_OK) {
        close(j->fd);
        journal_begin(j, fd, &chain, JOURNAL_HEADER_BYTES);
        j->sealing = sealing;
    } else {
        j->failed = !name_is_of(j, j->fd); /* in place already, but perhaps not durably */
    }
    sodium_memzero(&sealing, sizeof(sealing));
    return err;
}

const char *journal_why(const struct journal *j)
{
    return j->why;
}

uint64_t journal_bytes(const struct journal *j)
{
    return j->written_bytes + j->buffered_bytes;
}
