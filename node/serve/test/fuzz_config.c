/* fuzz_config.c - whatever is in a configuration file, it is refused with a reason or taken; and
 * what was taken, written out again, is taken as the same. Addresses likewise. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"
#include "fuzz.h"

enum { TEXT_BYTES = 64 * 1024, WHY_BYTES = 512 };

static exam_err read_bytes(const void *bytes, size_t n, struct config *out)
{
    char path[64], why[WHY_BYTES] = "";
    int fd = memfd_create("fuzz_config", MFD_CLOEXEC);

    require(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    memset(out, 0, sizeof *out);
    exam_err err = config_read(path, out, why, sizeof why);
    close(fd);
    require(err == EXAM_OK || (err == EXAM_INVALID && why[0] != 0));
    return err;
}

/* A text in the file's own quotes. */
static void put_text(FILE *f, const char *key, const char *value)
{
    if (value[0] == 0)
        return;
    fprintf(f, "%s \"", key);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            fputc('\\', f);
        fputc(*value, f);
    }
    fputs("\"\n", f);
}

static size_t write_out(const struct config *c, char *text)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    FILE *f = fmemopen(text, TEXT_BYTES, "w");

    require(f != NULL);
    put_text(f, "node =", c->node);
    put_text(f, "data =", c->data);
    put_text(f, "seat-listen =", c->seat_listen);
    put_text(f, "admin-listen =", c->admin_listen);
    put_text(f, "replica-listen =", c->replica_listen);
    for (size_t i = 0; i < c->peers_n; i++) {
        put_text(f, "peer", c->peers[i].node);
        put_text(f, "{ replica =", c->peers[i].replica);
        fputs("}\n", f);
    }
    fprintf(f, "solo-after-ms = %llu\n", (unsigned long long)c->solo_after_ms);
    fprintf(f, "reserve-mib = %llu\n", (unsigned long long)(c->reserve_bytes >> 20));
    fprintf(f, "interruption-limit-min = %llu\n",
            (unsigned long long)(c->interruption_limit_ms / 60000));
    fprintf(f, "grant-max-min = %llu\n", (unsigned long long)(c->grant_ms_max / 60000));
    fprintf(f, "seats-max = %u\nseats-per-address-max = %u\n", c->seats_max,
            c->seats_per_address_max);
    put_text(f, "key-file =", c->key_file);
    put_text(f, "key-roster =", c->key_roster);
    fprintf(f, "plain = %s\n", c->key_file[0] ? "false" : "true");
    put_text(f, "ups =", c->ups);
    put_text(f, "web-listen =", c->web_listen);
    put_text(f, "web-key-file =", c->web_key_file);
    put_text(f, "web-revoked =", c->web_revoked);
    fprintf(f, "ups-poll-ms = %u\n", c->ups_poll_ms);
    put_text(f, "log-level =", levels[c->log_level]);
    put_text(f, "key-file =", c->key_file);
    put_text(f, "key-roster =", c->key_roster);
    fputs("plain = true\n", f); /* whatever its addresses */
    long n = ftell(f);
    require(n > 0 && n < TEXT_BYTES - 1 && fclose(f) == 0);
    return (size_t)n;
}

static void expect_split(const uint8_t *data, size_t size)
{
    char text[ADDRESS_BYTES_MAX + 16], name[UPS_NAME_BYTES_MAX], host[ADDRESS_BYTES_MAX],
        again[ADDRESS_BYTES_MAX], joined[2 * ADDRESS_BYTES_MAX];
    uint16_t port = 0, port_again = 0;
    size_t n = size < sizeof text - 1 ? size : sizeof text - 1;

    if (n > 0)
        memcpy(text, data, n);
    text[n] = 0;
    if (config_split_address(text, host, &port) == EXAM_OK) {
        require(port > 0 && host[0] != 0);
        snprintf(joined, sizeof joined, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
        require(strlen(joined) >= ADDRESS_BYTES_MAX ||
                (config_split_address(joined, again, &port_again) == EXAM_OK &&
                 port_again == port && strcmp(again, host) == 0));
    }
    if (config_split_ups(text, name, host, &port) == EXAM_OK)
        require(port > 0 && name[0] != 0 && host[0] != 0 && strncmp(text, name, strlen(name)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config taken, again;
    static char text[TEXT_BYTES];

    expect_split(data, size);
    if (read_bytes(data, size, &taken) != EXAM_OK)
        return 0;
    require(taken.node[0] && taken.data[0] && taken.seat_listen[0] && taken.admin_listen[0]);
    require(taken.peers_n < NODES_MAX && (taken.peers_n == 0 || taken.replica_listen[0]));
    require(read_bytes(text, write_out(&taken, text), &again) == EXAM_OK);
    require(memcmp(&taken, &again, sizeof taken) == 0);
    return 0;
}
