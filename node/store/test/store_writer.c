/* store_writer.c - a process that commits to a store and tells how each commit ended: what the
 * tests run under fault injection. `store_writer FOLDER COMMITS`; one line a commit: the result's
 * name and the last record's number. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store.h"

enum { RECORDS_A_COMMIT = 7 };

static void append(store *s, uint64_t lsn, uint8_t hash[HASH_BYTES])
{
    uint8_t value[RECORD_HEADER_BYTES + 300];
    uint8_t event[300];
    memset(event, (int)lsn, sizeof event);
    struct record r = {.lsn = lsn, .epoch = 1, .event = event, .event_bytes = sizeof event};
    record_seal(&r, hash, value);
    memcpy(hash, r.hash, HASH_BYTES);
    store_append(s, lsn, value, sizeof value);
}

static exam_err commit_some(store *s)
{
    struct position last = store_last(s);
    store_begin(s);
    for (uint64_t i = 1; i <= RECORDS_A_COMMIT; i++)
        append(s, last.lsn + i, last.hash);
    uint64_t lsn = last.lsn + RECORDS_A_COMMIT;
    store_put(s, STORE_STATE, "lsn", 3, &lsn, sizeof lsn);
    return store_commit(s);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    struct store_options o = {.map_bytes = 1u << 30, .reserve_bytes = 1u << 20};
    store *s;
    char why[512];
    exam_err err = store_open(argv[1], &o, &s, why, sizeof why);
    if (err) {
        printf("open %s: %s\n", exam_err_name(err), why);
        return 1;
    }
    for (int i = atoi(argv[2]); i > 0; i--) {
        err = commit_some(s);
        printf("%s %llu\n", exam_err_name(err), (unsigned long long)store_last(s).lsn);
        fflush(stdout);
    }
    /* As a process that stops at once does: no orderly close after an I/O error. */
    fflush(stdout);
    _exit(0);
}
