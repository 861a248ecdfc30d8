/* fuzz_journal.c - a seat's journal that something has happened to: what comes back is what was
 * written, as far as it is whole; damage before a settled record is never taken for a torn end
 * (A2); and opening it twice gives the same. The input: what happens (kind, place, n), then the
 * records, each a kind and what it needs. */
#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec.h"
#include "fuzz.h"
#include "journal.h"

enum {
    RECORDS_MAX = 40,
    IMAGE_MAX = JOURNAL_HEADER_BYTES + RECORDS_MAX * JOURNAL_RECORD_BYTES_MAX,
    TAIL_MAX = 4096,
    HARMS_MAX = 2,
};

static const char seat[] = "R01-01";
static char dir[] = "/dev/shm/fuzz-journal-XXXXXX";
static int dir_fd;

/* The file as the seat has written it. */
struct image {
    uint8_t bytes[IMAGE_MAX + TAIL_MAX];
    size_t n;
    size_t at[RECORDS_MAX + 1]; /* where each record begins; behind the last one the end */
    bool settled[RECORDS_MAX];
    size_t records_n;
};

static struct image written;
static struct image harmed;

/* What a replay told, compared with what was written as it comes. */
struct replay {
    size_t n;
    struct journal_chain chain;
};

static void dir_remove(void)
{
    rmdir(dir);
}

static void dir_clear(void)
{
    DIR *d = opendir(dir);

    require(d != NULL);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.')
            unlinkat(dir_fd, e->d_name, 0);
    closedir(d);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (access("/dev/shm", W_OK) != 0)
        memcpy(dir, "/var/tmp", 8);
    require(sodium_init() >= 0 && mkdtemp(dir) != NULL);
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
    require(dir_fd >= 0 && atexit(dir_remove) == 0);
    return 0;
}

/* ---------------------------------------------------------------- writing */

static void action_make(struct fuzz_input *in, struct seat_action *a)
{
    static const char *const items[] = {"q1", "q2", "岗位-3"};
    size_t n;

    a->seq = fuzz_byte(in);
    a->at_ms = fuzz_number(in, 3);
    a->used_ms = fuzz_number(in, 3);
    a->attachment_epoch = fuzz_byte(in);
    a->attachment_lsn = fuzz_byte(in);
    if (a->submit)
        return;
    a->item = items[fuzz_byte(in) % 3];
    a->value = fuzz_piece(in, fuzz_byte(in), &n);
    a->value_bytes = codec_answer_ok(a->value, n) ? n : 0; /* so no record can lie inside of one */
}

static struct seat_record record_make(struct fuzz_input *in)
{
    struct seat_record r = {.kind = 1 + fuzz_byte(in) % SEAT_RECORD_COLLECTED};

    switch (r.kind) {
    case SEAT_RECORD_BOOT:
        r.u.boot.boot_id[0] = fuzz_byte(in);
        break;
    case SEAT_RECORD_SITE:
        r.u.site.epoch_seen = fuzz_number(in, 8);
        break;
    case SEAT_RECORD_SESSION:
        r.u.session.admission_no = "2026010001";
        r.u.session.session[0] = fuzz_byte(in);
        break;
    case SEAT_RECORD_MARK:
        r.u.mark.used_ms = fuzz_number(in, 8);
        r.u.mark.bytes_n = fuzz_byte(in) % (MARK_BYTES_MAX + 1);
        break;
    case SEAT_RECORD_ANSWER:
    case SEAT_RECORD_SUBMIT:
        r.u.action.submit = r.kind == SEAT_RECORD_SUBMIT;
        action_make(in, &r.u.action);
        break;
    case SEAT_RECORD_ATTACHED:
        r.u.attached.seq_have = fuzz_number(in, 8);
        break;
    case SEAT_RECORD_POSITION:
        r.u.position.used_ms = fuzz_number(in, 8);
        break;
    case SEAT_RECORD_ENDED:
        r.u.ended.at_ms = fuzz_number(in, 8);
        break;
    case SEAT_RECORD_COLLECTED:
        break;
    }
    return r;
}

static void image_make(struct fuzz_input *in)
{
    struct journal_header header = {.version = JOURNAL_VERSION};
    struct journal_chain chain = {.settled = false};
    size_t n;

    strcpy(header.seat, seat);
    journal_header_put(&header, written.bytes, &chain);
    written.n = JOURNAL_HEADER_BYTES;
    for (written.records_n = 0; written.records_n < RECORDS_MAX && in->n > 0; written.n += n) {
        bool settled = fuzz_byte(in) & 1;
        struct seat_record r = record_make(in);

        chain.settled = settled;
        require(journal_record_put(&r, &chain, written.bytes + written.n, &n) == EXAM_OK);
        written.at[written.records_n] = written.n;
        written.settled[written.records_n++] = settled;
    }
    written.at[written.records_n] = written.n;
}

/* ---------------------------------------------------------------- harm */

enum harm { HARM_NONE, HARM_CUT, HARM_BITS, HARM_ZEROS, HARM_TWICE, HARM_OUT, HARM_TAIL, HARMS };

static void harm(struct fuzz_input *in)
{
    enum harm what = fuzz_byte(in) % HARMS;
    size_t at = fuzz_number(in, 2) % harmed.n, n = fuzz_number(in, 2);
    size_t rest = harmed.n - at;

    n = n < rest ? n : rest;
    n = n < TAIL_MAX / HARMS_MAX ? n : TAIL_MAX / HARMS_MAX;
    switch (what) {
    case HARM_CUT: /* a write that the power cut */
        harmed.n = at;
        break;
    case HARM_BITS:
        harmed.bytes[at] ^= (uint8_t)n;
        break;
    case HARM_ZEROS: /* blocks that never came to the disk */
        memset(harmed.bytes + at, 0, n);
        break;
    case HARM_TWICE:
        memmove(harmed.bytes + at + n, harmed.bytes + at, rest);
        harmed.n += n;
        break;
    case HARM_OUT:
        memmove(harmed.bytes + at, harmed.bytes + at + n, rest - n);
        harmed.n -= n;
        break;
    case HARM_TAIL: /* old bytes behind the end */
        memmove(harmed.bytes + harmed.n, harmed.bytes + at, n);
        harmed.n += n;
        break;
    default:
        break;
    }
}

/* Records that lie, as they were, where they were, with all before them. */
static size_t whole_records(void)
{
    size_t same = 0, n = 0;

    while (same < written.n && same < harmed.n && written.bytes[same] == harmed.bytes[same])
        same++;
    if (same < JOURNAL_HEADER_BYTES)
        return 0;
    while (n < written.records_n && written.at[n + 1] <= same)
        n++;
    return n;
}

/* Behind the whole part lies, wherever, a settled record as it was. `proven`: one that came after
 * that part, with its predecessor's checksum before it, so that it was on the disk once. */
static bool settled_follows(size_t whole, bool proven)
{
    size_t before = proven ? JOURNAL_CHECKSUM_BYTES : 0;
    size_t from = written.at[whole] + 1 - before;

    for (size_t i = proven ? whole + 1 : 0; i < written.records_n && from < harmed.n; i++) {
        const uint8_t *record = written.bytes + written.at[i] - before;
        size_t n = written.at[i + 1] - written.at[i] + before;

        if (written.settled[i] && memmem(harmed.bytes + from, harmed.n - from, record, n) != NULL)
            return true;
    }
    return false;
}

/* ---------------------------------------------------------------- reading */

static exam_err see(void *ctx, const struct seat_record *r)
{
    struct replay *p = ctx;
    uint8_t again[JOURNAL_RECORD_BYTES_MAX];
    size_t n;

    require(p->n < written.records_n);
    p->chain.settled = written.settled[p->n];
    require(journal_record_put(r, &p->chain, again, &n) == EXAM_OK);
    require(n == written.at[p->n + 1] - written.at[p->n]);
    require(memcmp(again, written.bytes + written.at[p->n], n) == 0);
    p->n++;
    return EXAM_OK;
}

static exam_err open_it(struct journal **j, struct replay *p, struct journal_opened *how)
{
    char why[JOURNAL_WHY_BYTES];
    struct journal_header header;

    *p = (struct replay){.n = 0};
    require(journal_header_get(written.bytes, &header, &p->chain) == EXAM_OK);
    exam_err err =
        journal_open(&(const struct journal_place){.dir = dir, .seat = seat}, see, p, j, how, why);
    require(err == EXAM_OK || why[0] != 0);
    return err;
}

/* A record of the newest session, if there is one, can be read back. */
static void expect_goes_on(struct journal *j, bool has_session)
{
    struct seat_record r = {
        .kind = SEAT_RECORD_ANSWER,
        .u.action = {.seq = 1000, .item = "q9", .value = (const uint8_t *)"A", .value_bytes = 1}};
    struct seat_record found;

    require(journal_append(j, &r, true) == EXAM_OK);
    exam_err err = journal_find(j, 1000, &found);
    require(err == (has_session ? EXAM_OK : EXAM_NOT_FOUND));
    if (err == EXAM_OK)
        require(found.u.action.seq == 1000 && strcmp(found.u.action.item, "q9") == 0);
}

static bool has_session(size_t records)
{
    while (records > 0)
        if (written.bytes[written.at[--records] + 4] == SEAT_RECORD_SESSION)
            return true;
    return false;
}

static exam_err take_any(void *ctx, const struct seat_record *r)
{
    (void)r;
    ++*(size_t *)ctx;
    return EXAM_OK;
}

static void expect_recovery(void)
{
    struct journal *j = NULL;
    struct journal_opened how;
    struct replay p;
    char why[JOURNAL_WHY_BYTES];
    size_t whole = whole_records(), n = 0;
    bool header_whole = harmed.n >= JOURNAL_HEADER_BYTES &&
                        memcmp(harmed.bytes, written.bytes, JOURNAL_HEADER_BYTES) == 0;
    exam_err err = open_it(&j, &p, &how);

    require(err == EXAM_CORRUPT || (header_whole && !settled_follows(whole, true)));
    if (err == EXAM_CORRUPT) {
        require(!header_whole || settled_follows(whole, false));
        require(open_it(&j, &p, &how) == EXAM_OK && how.created && p.n == 0);
        journal_close(j);
        return;
    }
    require(err == EXAM_OK && p.n == whole && how.records_n == whole && !how.created);
    require(how.torn_bytes == harmed.n - written.at[whole]);
    journal_close(j);
    require(open_it(&j, &p, &how) == EXAM_OK && p.n == whole && how.torn_bytes == 0);
    expect_goes_on(j, has_session(whole));
    journal_close(j);
    require(journal_open(&(const struct journal_place){.dir = dir, .seat = seat}, take_any, &n, &j,
                         &how, why) == EXAM_OK &&
            n == whole + 1);
    journal_close(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size}, harms;
    size_t n;

    harms.at = fuzz_piece(&in, HARMS_MAX * 5, &n);
    harms.n = n;
    image_make(&in);
    harmed = written;
    for (int i = 0; i < HARMS_MAX && harmed.n > 0; i++)
        harm(&harms);
    int fd = openat(dir_fd, "R01-01.journal", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    require(fd >= 0 && write(fd, harmed.bytes, harmed.n) == (ssize_t)harmed.n);
    close(fd);
    expect_recovery();
    dir_clear();
    return 0;
}
