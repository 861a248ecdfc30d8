/* reforge.c - the insider of the threat model, for tests: changes one record of a stopped node's
 * log and makes the chain anew from there on, with true-looking hashes, so that nothing within the
 * log tells.
 *
 *   reforge FOLDER LSN          the record's wall time becomes another one
 *   reforge --forget FOLDER     whatever was signed of the log is taken out of the folder
 *   reforge --spoil FOLDER      ... gets another signature
 *
 * It writes with LMDB itself, as that person would. */
#include <endian.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lmdb.h>
#include <sodium.h>

#include "checkpoint.h"
#include "record.h"

static const char epoch_prefix[] = "epoch/";

static void must(int rc, const char *what)
{
    if (rc == MDB_SUCCESS)
        return;
    fprintf(stderr, "reforge: %s: %s\n", what, mdb_strerror(rc));
    exit(1);
}

static MDB_txn *begin(const char *dir, MDB_env **env)
{
    MDB_txn *txn;
    must(mdb_env_create(env), dir);
    must(mdb_env_set_mapsize(*env, (size_t)1 << 40), dir);
    must(mdb_env_set_maxdbs(*env, 16), dir);
    must(mdb_env_open(*env, dir, 0, 0600), dir);
    must(mdb_txn_begin(*env, NULL, 0, &txn), dir);
    return txn;
}

static bool begins_with(const MDB_val *key, const char *prefix, size_t n)
{
    return key->mv_size >= n && memcmp(key->mv_data, prefix, n) == 0;
}

/* ---------------------------------------------------------------- the chain */

static bool log_get(MDB_txn *txn, MDB_dbi log, uint64_t lsn, struct record *r)
{
    uint64_t be = htobe64(lsn);
    MDB_val key = {sizeof be, &be}, value;
    return mdb_get(txn, log, &key, &value) == MDB_SUCCESS &&
           record_open(lsn, value.mv_data, value.mv_size, r) == EXAM_OK;
}

static void log_seal(MDB_txn *txn, MDB_dbi log, struct record *r, const uint8_t before[HASH_BYTES])
{
    static uint8_t value[RECORD_BYTES_MAX];
    uint64_t be = htobe64(r->lsn);
    MDB_val key = {sizeof be, &be}, v = {RECORD_HEADER_BYTES + r->event_bytes, value};
    record_seal(r, before, value);
    must(mdb_put(txn, log, &key, &v, 0), "writing a record");
}

static uint64_t chain_make_anew(MDB_txn *txn, MDB_dbi log, uint64_t lsn)
{
    struct record r;
    uint8_t hash[HASH_BYTES] = {0};
    uint64_t n = 0;
    if (lsn > 1 && log_get(txn, log, lsn - 1, &r))
        memcpy(hash, r.hash, HASH_BYTES);
    for (uint64_t at = lsn; log_get(txn, log, at, &r); at++, n++) {
        r.wall_ms += at == lsn;
        log_seal(txn, log, &r, hash);
        memcpy(hash, r.hash, HASH_BYTES);
    }
    return n;
}

/* The node keeps the hash of each epoch's first record beside the log (engine.c). */
static void epochs_make_anew(MDB_txn *txn, MDB_dbi log, MDB_dbi meta)
{
    MDB_cursor *c;
    MDB_val key, value;
    must(mdb_cursor_open(txn, meta, &c), "meta");
    for (int rc = mdb_cursor_get(c, &key, &value, MDB_FIRST); rc == MDB_SUCCESS;
         rc = mdb_cursor_get(c, &key, &value, MDB_NEXT)) {
        uint8_t entry[8 + HASH_BYTES + 1];
        uint64_t lsn;
        struct record r;
        if (!begins_with(&key, epoch_prefix, sizeof epoch_prefix - 1) ||
            value.mv_size != sizeof entry)
            continue;
        memcpy(entry, value.mv_data, sizeof entry);
        memcpy(&lsn, entry, sizeof lsn);
        if (!log_get(txn, log, be64toh(lsn), &r))
            continue;
        memcpy(entry + 8, r.hash, HASH_BYTES);
        MDB_val now = {sizeof entry, entry};
        must(mdb_cursor_put(c, &key, &now, MDB_CURRENT), "meta");
    }
    mdb_cursor_close(c);
}

/* Tables that stand for no record are made by the node itself when it starts (engine.h). */
static void tables_empty(MDB_txn *txn, MDB_dbi meta)
{
    MDB_dbi state;
    char name[] = "state";
    MDB_val key = {sizeof name - 1, name};
    must(mdb_dbi_open(txn, "state", 0, &state), "state");
    must(mdb_drop(txn, state, 0), "state");
    int rc = mdb_del(txn, meta, &key, NULL);
    must(rc == MDB_NOTFOUND ? MDB_SUCCESS : rc, "meta");
}

static int reforge(const char *dir, uint64_t lsn)
{
    MDB_env *env;
    MDB_txn *txn = begin(dir, &env);
    MDB_dbi log, meta;
    must(mdb_dbi_open(txn, "log", 0, &log), "log");
    must(mdb_dbi_open(txn, "meta", 0, &meta), "meta");
    uint64_t n = chain_make_anew(txn, log, lsn);
    epochs_make_anew(txn, log, meta);
    tables_empty(txn, meta);
    must(mdb_txn_commit(txn), dir);
    mdb_env_close(env);
    printf("%llu records made anew\n", (unsigned long long)n);
    return n > 0 ? 0 : 1;
}

/* ---------------------------------------------------------------- what was signed */

static void spoil_one(MDB_cursor *c, MDB_val *key, const MDB_val *value)
{
    uint8_t bytes[CHECKPOINT_BYTES];
    MDB_val now = {value->mv_size, bytes};
    if (value->mv_size != sizeof bytes)
        return;
    memcpy(bytes, value->mv_data, sizeof bytes);
    bytes[sizeof bytes - 1] ^= 1;
    must(mdb_cursor_put(c, key, &now, MDB_CURRENT), "meta");
}

static int change_signed(const char *dir, bool spoil)
{
    MDB_env *env;
    MDB_txn *txn = begin(dir, &env);
    MDB_dbi meta;
    MDB_cursor *c;
    MDB_val key, value;
    unsigned n = 0;
    must(mdb_dbi_open(txn, "meta", 0, &meta), "meta");
    must(mdb_cursor_open(txn, meta, &c), "meta");
    for (int rc = mdb_cursor_get(c, &key, &value, MDB_FIRST); rc == MDB_SUCCESS;
         rc = mdb_cursor_get(c, &key, &value, MDB_NEXT)) {
        if (!begins_with(&key, CHECKPOINT_PREFIX, sizeof CHECKPOINT_PREFIX - 1))
            continue;
        if (spoil)
            spoil_one(c, &key, &value);
        else
            must(mdb_cursor_del(c, 0), "meta");
        n++;
    }
    mdb_cursor_close(c);
    must(mdb_txn_commit(txn), dir);
    mdb_env_close(env);
    printf("%u checkpoints changed\n", n);
    return n > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc != 3 || sodium_init() < 0) {
        fprintf(stderr, "usage: reforge FOLDER LSN | reforge --forget|--spoil FOLDER\n");
        return 2;
    }
    if (strcmp(argv[1], "--forget") == 0 || strcmp(argv[1], "--spoil") == 0)
        return change_signed(argv[2], strcmp(argv[1], "--spoil") == 0);
    return reforge(argv[1], strtoull(argv[2], NULL, 10));
}
