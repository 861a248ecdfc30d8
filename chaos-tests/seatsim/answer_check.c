#include "answer_check.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exam_limits.h"
#include "table_file.h"

/* uthash gives up on a lack of memory through this; the caller looks at `nomem` afterwards. */
#define HASH_NONFATAL_OOM      1
#define uthash_nonfatal_oom(e) ((e)->orphan = true)
#include <uthash.h>

enum { FAULTS_SAID = 10 };

struct noted_key {
    char admission_no[NAME_BYTES_MAX + 1];
    char item[NAME_BYTES_MAX + 1];
};

struct noted {
    struct noted_key key;
    uint64_t made, seq;
    char *value;
    bool found;
    bool orphan; /* could not be put into the table */
    UT_hash_handle hh;
};

struct answer_check {
    struct noted *table;
    struct answer_check_figures figures;
    answer_check_say say;
    void *say_ctx;
};

exam_err answer_check_new(struct answer_check **out)
{
    struct answer_check *c = calloc(1, sizeof *c);
    if (c == NULL)
        return EXAM_NOMEM;
    *out = c;
    return EXAM_OK;
}

void answer_check_free(struct answer_check *c)
{
    if (c == NULL)
        return;
    struct noted *n, *next;
    HASH_ITER(hh, c->table, n, next)
    {
        HASH_DEL(c->table, n);
        free(n->value);
        free(n);
    }
    free(c);
}

static exam_err key_make(const char *admission_no, const char *item, struct noted_key *out)
{
    memset(out, 0, sizeof *out);
    if (strlen(admission_no) > NAME_BYTES_MAX || strlen(item) > NAME_BYTES_MAX)
        return EXAM_INVALID;
    strcpy(out->admission_no, admission_no);
    strcpy(out->item, item);
    return EXAM_OK;
}

static exam_err noted_add(struct answer_check *c, const struct noted_key *key, struct noted **out)
{
    struct noted *n = calloc(1, sizeof *n);
    if (n == NULL)
        return EXAM_NOMEM;
    n->key = *key;
    HASH_ADD(hh, c->table, key, sizeof n->key, n);
    if (n->orphan) {
        free(n);
        return EXAM_NOMEM;
    }
    *out = n;
    return EXAM_OK;
}

exam_err answer_check_note(struct answer_check *c, const struct answer_note *note)
{
    struct noted_key key;
    exam_err err = key_make(note->admission_no, note->item, &key);
    if (err != EXAM_OK)
        return err;
    struct noted *n = NULL;
    HASH_FIND(hh, c->table, &key, sizeof key, n);
    if (n != NULL && note->made < n->made)
        return EXAM_OK;
    char *copy = strdup(note->value);
    if (copy == NULL)
        return EXAM_NOMEM;
    if (n == NULL)
        err = noted_add(c, &key, &n);
    if (err != EXAM_OK) {
        free(copy);
        return err;
    }
    free(n->value);
    n->value = copy;
    n->made = note->made;
    n->seq = note->seq;
    return EXAM_OK;
}

static exam_err seq_read(const char *text, uint64_t *out)
{
    char *end;
    uint64_t v = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || *text == '-')
        return EXAM_INVALID;
    *out = v;
    return EXAM_OK;
}

static exam_err acked_row(void *ctx, uint64_t line, const char *const *cells)
{
    (void)line;
    struct answer_note n = {.admission_no = cells[0], .item = cells[1], .value = cells[4]};
    exam_err err = seq_read(cells[2], &n.made);
    if (err == EXAM_OK)
        err = seq_read(cells[3], &n.seq);
    if (err != EXAM_OK)
        return err;
    return answer_check_note(ctx, &n);
}

exam_err answer_check_note_file(struct answer_check *c, const char *path, char *why,
                                size_t why_bytes)
{
    static const char *const columns[] = {"admission_no", "item", "made", "seq", "value"};
    return table_file_read(path, columns, 5, acked_row, c, why, why_bytes);
}

static void fault_say(struct answer_check *c, const struct noted *n, const char *what,
                      const char *has)
{
    char text[512];
    if (c->say == NULL || c->figures.missing + c->figures.different > FAULTS_SAID)
        return;
    snprintf(text, sizeof text, "%s %s: acknowledged \"%.100s\" (answer %" PRIu64 "), %s%.100s",
             n->key.admission_no, n->key.item, n->value, n->seq, what, has);
    c->say(c->say_ctx, text);
}

/* A newer one of the session of `n`. At a seat that a candidate moved to, numbers begin anew: those
 * up to what was made before may be the old seat's. */
static bool is_newer(const struct noted *n, uint64_t seq)
{
    uint64_t before = n->made > n->seq ? n->made - n->seq : 0;
    return seq > n->seq && seq > before;
}

static exam_err result_row(void *ctx, uint64_t line, const char *const *cells)
{
    (void)line;
    struct answer_check *c = ctx;
    struct noted_key key;
    uint64_t seq;
    struct noted *n = NULL;
    exam_err err = key_make(cells[0], cells[1], &key);
    if (err == EXAM_OK)
        err = seq_read(cells[2], &seq);
    if (err != EXAM_OK)
        return err;
    HASH_FIND(hh, c->table, &key, sizeof key, n);
    if (n == NULL || n->found)
        return n == NULL ? EXAM_OK : EXAM_EXISTS; /* an item twice in a result is a fault of it */
    n->found = true;
    if (strcmp(n->value, cells[3]) == 0 || is_newer(n, seq)) {
        c->figures.found++;
        c->figures.newer += is_newer(n, seq);
        return EXAM_OK;
    }
    c->figures.different++;
    fault_say(c, n, "the result has ", cells[3]);
    return EXAM_OK;
}

exam_err answer_check_compare(struct answer_check *c, const char *path, answer_check_say say,
                              void *ctx, struct answer_check_figures *out, char *why,
                              size_t why_bytes)
{
    static const char *const columns[] = {"admission_no", "item", "seq", "value"};
    c->say = say;
    c->say_ctx = ctx;
    exam_err err = table_file_read(path, columns, 4, result_row, c, why, why_bytes);
    if (err != EXAM_OK)
        return err;
    struct noted *n, *next;
    HASH_ITER(hh, c->table, n, next)
    {
        c->figures.acknowledged++;
        if (n->found)
            continue;
        if (n->value[0] == '\0') {
            c->figures.found++;
            continue;
        }
        c->figures.missing++;
        fault_say(c, n, "the result has nothing", "");
    }
    *out = c->figures;
    return EXAM_OK;
}
