#include "judge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MORE_COMMITS = 4 };

static _Noreturn void give_up(const char *what, const char *dir)
{
    fprintf(stderr, "powercut: %s: %s: %s\n", dir, what, strerror(errno));
    _exit(1);
}

static void folder_make(const struct judge_case *c)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "owner.lock", "reserve"};
    if (mkdir(c->dir, 0700) && errno != EEXIST)
        give_up("the folder cannot be made", c->dir);
    int dir_fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        give_up("the folder cannot be opened", c->dir);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unlinkat(dir_fd, names[i], 0);
    int fd = openat(dir_fd, names[0], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    for (size_t done = 0; fd >= 0 && done < c->file_bytes;) {
        ssize_t n = pwrite(fd, c->file + done, c->file_bytes - done, (off_t)done);
        if (n <= 0)
            give_up("the file cannot be written", c->dir);
        done += (size_t)n;
    }
    if (fd < 0 || close(fd) || close(dir_fd))
        give_up("the file cannot be made", c->dir);
}

/* A chain without a gap or a wrong link from the first record on (D8), and what the store holds. */
static enum judgement look(store *s, struct content *out, char why[JUDGE_TEXT_BYTES])
{
    uint64_t bad_lsn = 0, last = store_last(s).lsn;
    exam_err err = store_verify(s, 1, last, &bad_lsn);
    if (err) {
        snprintf(why, JUDGE_TEXT_BYTES, "the hash chain breaks at record %llu of %llu: %s (D8)",
                 (unsigned long long)bad_lsn, (unsigned long long)last, exam_err_name(err));
        return JUDGED_BROKEN;
    }
    err = content_of(s, out);
    if (err) {
        snprintf(why, JUDGE_TEXT_BYTES, "the tables cannot be read: %s", exam_err_name(err));
        return JUDGED_BROKEN;
    }
    return JUDGED_LAST;
}

static enum judgement compare(const struct judge_case *c, const struct content *found,
                              char why[JUDGE_TEXT_BYTES])
{
    static const struct content nothing;
    if (c->last && content_equal(found, c->last))
        return JUDGED_LAST;
    if (c->next && content_equal(found, c->next))
        return JUDGED_NEXT;
    const struct content *last = c->last ? c->last : &nothing;
    snprintf(why, JUDGE_TEXT_BYTES,
             "reported durable up to record %llu, and found record %llu at the end%s (D1)",
             (unsigned long long)last->last.lsn, (unsigned long long)found->last.lsn,
             found->last.lsn == last->last.lsn ? " with other tables" : "");
    return JUDGED_BROKEN;
}

/* The store goes on: pages that are in use and taken for free show by now. */
static enum judgement go_on(const struct judge_case *c, store **s, const struct store_options *o,
                            char why[JUDGE_TEXT_BYTES])
{
    uint64_t rnd = c->seed ^ c->file_bytes;
    exam_err err = EXAM_OK;
    store_use_reserve(*s, true);
    for (int i = 0; i < MORE_COMMITS && !err; i++)
        err = workload_go_on(*s, &rnd);
    struct content before, after;
    if ((err && err != EXAM_FULL) || look(*s, &before, why) == JUDGED_BROKEN) {
        if (err)
            snprintf(why, JUDGE_TEXT_BYTES, "it cannot go on: %s", exam_err_name(err));
        return JUDGED_BROKEN;
    }
    store_close(*s);
    err = store_open(c->dir, o, s, why, JUDGE_TEXT_BYTES);
    if (err) {
        *s = NULL;
        return JUDGED_BROKEN;
    }
    if (look(*s, &after, why) == JUDGED_BROKEN)
        return JUDGED_BROKEN;
    if (content_equal(&before, &after))
        return JUDGED_LAST;
    snprintf(why, JUDGE_TEXT_BYTES, "what was committed after the cut is not there (D1)");
    return JUDGED_BROKEN;
}

enum judgement judge(const struct judge_case *c, char why[JUDGE_TEXT_BYTES])
{
    struct store_options o = workload_store_options(c->seed);
    store *s = NULL;
    folder_make(c);
    exam_err err = store_open(c->dir, &o, &s, why, JUDGE_TEXT_BYTES);
    if (err)
        return c->last ? JUDGED_BROKEN : JUDGED_REFUSED;
    struct content found;
    enum judgement j = look(s, &found, why);
    if (j != JUDGED_BROKEN)
        j = compare(c, &found, why);
    if (j != JUDGED_BROKEN && c->go_on && go_on(c, &s, &o, why) == JUDGED_BROKEN)
        j = JUDGED_BROKEN;
    store_close(s);
    return j;
}
