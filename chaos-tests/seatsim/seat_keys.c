#include "seat_keys.h"

#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 4096 };

static exam_err key_read(const char *dir, const char *seat, struct key_file *out)
{
    const char *dash = strrchr(seat, '-');
    int room_bytes = dash != NULL ? (int)(dash - seat) : 0;
    char path[PATH_BYTES], why[KEYRING_WHY_BYTES] = "";
    snprintf(path, sizeof path, "%s/seats/%.*s%s%s.key", dir, room_bytes, seat,
             dash != NULL ? "/" : "", seat);
    exam_err err = keyring_read_key(path, NULL, out, why, sizeof why);
    if (err != EXAM_OK)
        fprintf(stderr, "seatsim: %s\n", why);
    return err;
}

exam_err seat_keys_open(const char *dir, const char *seat, struct seat_keys *out)
{
    char path[PATH_BYTES], why[KEYRING_WHY_BYTES] = "";
    struct key_file k;
    exam_err err = key_read(dir, seat, &k);
    if (err != EXAM_OK)
        return err;
    snprintf(path, sizeof path, "%s/roster", dir);
    err = keyring_read_roster(path, k.authority, k.site_id, &out->roster, why, sizeof why);
    key_file_wipe(&k);
    if (err != EXAM_OK)
        fprintf(stderr, "seatsim: %s\n", why);
    else
        out->dir = dir;
    return err;
}

exam_err seat_keys_ring(const struct seat_keys *keys, const char *seat, struct keyring **out)
{
    struct key_file k;
    if (keys->dir == NULL)
        return EXAM_OK;
    exam_err err = key_read(keys->dir, seat, &k);
    if (err == EXAM_OK) {
        err = keyring_new(&k, keys->roster, out);
        key_file_wipe(&k);
    }
    return err;
}

void seat_keys_close(struct seat_keys *k)
{
    key_roster_free(k->roster);
    *k = (struct seat_keys){.dir = NULL};
}
