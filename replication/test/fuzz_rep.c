/* fuzz_rep.c - a node among others to which somebody says whatever the codec lets through, over
 * links of his own: it may lose its links and its role, never its footing, and breaks nothing that
 * cluster.h checks. The input: acts, each a byte and what it needs. A hash in a message that begins
 * with 0 is replaced by the one that the node's log has there, a site of zeros by the node's: else
 * nothing gets past the first check. */
#include <sodium.h>
#include <string.h>

#include "cluster.h"
#include "codec.h"
#include "fuzz.h"

enum { ACTS_MAX = 80, NODES = 2 };

static uint8_t block[ARENA_BYTES_FRAME] __attribute__((aligned(16)));

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    require(sodium_init() >= 0);
    return 0;
}

/* The message lies in the arena: it may be changed there. */
static void fit_hash(struct cluster *c, int node, ProtobufCBinaryData *hash, uint64_t lsn)
{
    if (hash->len == HASH_BYTES && hash->data[0] == 0) {
        struct position p = cluster_position(c, node, lsn);
        memcpy(hash->data, p.hash, HASH_BYTES);
    }
}

static void fit_position(struct cluster *c, int node, Rep__Position *p)
{
    if (p != NULL)
        fit_hash(c, node, &p->hash, p->lsn);
}

static void fit_hello(struct cluster *c, int node, Rep__Hello *m)
{
    static const uint8_t zeros[SITE_ID_BYTES];
    uint8_t site_id[SITE_ID_BYTES];

    if (m->site_id.len == SITE_ID_BYTES && memcmp(m->site_id.data, zeros, SITE_ID_BYTES) == 0 &&
        cluster_site_id(c, node, site_id))
        memcpy(m->site_id.data, site_id, SITE_ID_BYTES);
    fit_position(c, node, m->last);
    for (size_t i = 0; i < m->n_epochs; i++)
        fit_hash(c, node, &m->epochs[i]->first_hash, m->epochs[i]->first_lsn);
}

static void fit(struct cluster *c, int node, const Rep__Message *m)
{
    switch (m->kind_case) {
    case REP__MESSAGE__KIND_HELLO:
        fit_hello(c, node, m->hello);
        break;
    case REP__MESSAGE__KIND_JOIN:
        fit_position(c, node, m->join->common);
        break;
    case REP__MESSAGE__KIND_APPEND:
        fit_hash(c, node, &m->append->prev_hash, m->append->first_lsn - 1);
        break;
    case REP__MESSAGE__KIND_APPENDED:
        fit_hash(c, node, &m->appended->hash, m->appended->lsn);
        break;
    case REP__MESSAGE__KIND_HAND_OVER:
        fit_position(c, node, m->hand_over->at);
        break;
    default:
        break;
    }
}

static void say(struct cluster *c, int node, uint64_t link, struct fuzz_input *in)
{
    const Rep__Message *m = NULL;
    struct arena a;
    size_t bytes = fuzz_number(in, 2), n;
    const uint8_t *payload = fuzz_piece(in, bytes, &n);

    arena_init(&a, block, sizeof block);
    if (link == 0 || !cluster_is_up(c, node) ||
        codec_replica_message(&a, payload, n, &m, NULL) != EXAM_OK)
        return;
    fit(c, node, m);
    cluster_say(c, node, link, m);
}

static void act(struct cluster *c, uint64_t links[NODES], struct fuzz_input *in)
{
    uint8_t what = fuzz_byte(in);
    int node = what >> 4 & 1;

    switch (what & 15) {
    case 0:
        if (cluster_is_up(c, node))
            links[node] = cluster_intrude(c, node);
        break;
    case 1:
        cluster_run(c, 10 * fuzz_byte(in));
        break;
    case 2:
        (void)cluster_write(c, node, 1 + (what >> 5));
        break;
    case 3:
        if (cluster_is_up(c, node))
            cluster_promote(c, node, what & 32);
        break;
    case 4:
        if (cluster_is_up(c, node)) {
            cluster_kill(c, node);
            links[node] = 0;
        } else {
            cluster_boot(c, node);
        }
        break;
    case 5:
        if (what & 32)
            cluster_cut(c, 0, 1);
        else
            cluster_heal(c, 0, 1);
        break;
    case 6:
        if (cluster_is_up(c, node))
            cluster_epoch_heard(c, node, what >> 5);
        break;
    case 7:
        if (cluster_is_up(c, node))
            cluster_hung(c, node);
        break;
    default:
        say(c, node, links[node], in);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct cluster *c = cluster_new(NODES, NULL);
    uint64_t links[NODES] = {0};

    cluster_allow_forgery(c);
    cluster_allow_stale_heirs(c);
    cluster_found(c, 0);
    cluster_run(c, 100);
    (void)cluster_write(c, 0, 2);
    for (int i = 0; i < ACTS_MAX && in.n > 0; i++)
        act(c, links, &in);
    cluster_run(c, 5000);
    if (cluster_broken(c) != NULL)
        fuzz_broken(cluster_broken(c), __FILE__, __LINE__);
    cluster_free(c);
    return 0;
}
