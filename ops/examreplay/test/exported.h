/* exported.h - for tests: a disk's whole export, and that it says what the disk says. */
#ifndef REPLAY_EXPORTED_H
#define REPLAY_EXPORTED_H

#include "replay_fixture.h"

struct exported {
    char path[FIXTURE_PATH_BYTES];
    char *text;
    size_t bytes;
};
/* The disk must be one that is proven. */
void exported_make(struct exported *e, const store_image *image);
/* The same file with other bytes. */
void exported_put(const struct exported *e, const char *text, size_t bytes);
void exported_remove(struct exported *e);

/* Whatever `verify` prints of the disk it prints of its export, byte for byte, for people and for
 * programs; and an export of the export is the same file. */
void exported_check_disk(const store_image *image);

#endif
